/*
 * Times of access logs.
 */

#include "access_log.h"


static int
debar_access_number(const char **p, const char *end, unsigned digits,
    int64_t *n)
{
    unsigned  i;

    for (*n = 0, i = 0; i < digits; i++, (*p)++) {
        if (*p == end || **p < '0' || **p > '9') {
            return 0;
        }

        *n = *n * 10 + (**p - '0');
    }

    return 1;
}


static int
debar_access_char(const char **p, const char *end, char c)
{
    if (*p == end || **p != c) {
        return 0;
    }

    (*p)++;

    return 1;
}


/* Days since the epoch of a day of the Gregorian calendar. */

static int64_t
debar_access_days(int64_t y, int64_t m, int64_t d)
{
    int64_t  era, yoe, doy;

    y -= m <= 2;
    era = (y >= 0 ? y : y - 399) / 400;
    yoe = y - era * 400;
    doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;

    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}


/* "+0100", "+01:00", "Z", or nothing: UTC */

static int
debar_access_zone(const char **p, const char *end, int64_t *offset)
{
    int      sign;
    int64_t  h, m;

    *offset = 0;

    if (*p == end || debar_access_char(p, end, 'Z')) {
        return 1;
    }

    sign = **p == '-' ? -1 : 1;

    if (**p != '+' && **p != '-') {
        return 0;
    }

    (*p)++;

    if (!debar_access_number(p, end, 2, &h)) {
        return 0;
    }

    (void) debar_access_char(p, end, ':');

    if (!debar_access_number(p, end, 2, &m)) {
        return 0;
    }

    *offset = sign * (h * 3600 + m * 60);

    return 1;
}


static int64_t
debar_access_sum(int64_t y, int64_t mon, int64_t d, const char *p,
    const char *end)
{
    int64_t  h, mi, s, offset;

    if (mon < 1 || mon > 12 || d < 1 || d > 31
        || !debar_access_number(&p, end, 2, &h)
        || !debar_access_char(&p, end, ':')
        || !debar_access_number(&p, end, 2, &mi)
        || !debar_access_char(&p, end, ':')
        || !debar_access_number(&p, end, 2, &s)
        || h > 23 || mi > 59 || s > 60)
    {
        return -1;
    }

    if (debar_access_char(&p, end, '.')) {
        while (p < end && *p >= '0' && *p <= '9') {
            p++;
        }
    }

    (void) debar_access_char(&p, end, ' ');

    if (!debar_access_zone(&p, end, &offset) || p != end) {
        return -1;
    }

    return debar_access_days(y, mon, d) * 86400 + h * 3600 + mi * 60 + s
           - offset;
}


int64_t
debar_access_time(const char *data, size_t len)
{
    int64_t            y, mon, d;
    const char        *p = data, *end = data + len, *m;
    static const char  months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

    /* 22/Nov/2026:09:12:58 +0000 */

    if (len >= 20 && data[2] == '/' && data[6] == '/') {
        for (m = months; *m && memcmp(m, data + 3, 3) != 0; m += 3) {
            /* void */
        }

        mon = (m - months) / 3 + 1;
        p += 7;
        end = data + 2;
        m = data;

        if (!debar_access_number(&m, end, 2, &d)) {
            return -1;
        }

        end = data + len;

        if (!debar_access_number(&p, end, 4, &y)
            || !debar_access_char(&p, end, ':'))
        {
            return -1;
        }

        return debar_access_sum(y, mon, d, p, end);
    }

    if (len >= 19 && data[4] == '-') {
        if (!debar_access_number(&p, end, 4, &y)
            || !debar_access_char(&p, end, '-')
            || !debar_access_number(&p, end, 2, &mon)
            || !debar_access_char(&p, end, '-')
            || !debar_access_number(&p, end, 2, &d) || (*p != 'T' && *p != ' '))
        {
            return -1;
        }

        return debar_access_sum(y, mon, d, p + 1, end);
    }

    /* seconds, with or without a fraction */

    for (y = 0; p < end && *p >= '0' && *p <= '9' && p - data < 12; p++) {
        y = y * 10 + (*p - '0');
    }

    if (p == data || (p < end && *p != '.')) {
        return -1;
    }

    return y;
}
