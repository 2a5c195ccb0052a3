/*
 * Periods of the calendar.
 */

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "debar.h"
#include "period.h"


#define DEBAR_PERIOD_YEARS  100


static int64_t debar_period_months(int64_t now, long months);


int
debar_period_before(int64_t *t, int64_t now, const char *text, size_t len)
{
    size_t       i;
    long         n, days, months;
    const char  *unit;

    for (n = 0, i = 0; i < len && i < 6 && text[i] >= '0' && text[i] <= '9';
         i++)
    {
        n = n * 10 + (text[i] - '0');
    }

    unit = text + i;

#define debar_period_is(u)                                                    \
    (len - i == sizeof(u) - 1 && memcmp(unit, u, sizeof(u) - 1) == 0)

    days = debar_period_is("d") ? n : debar_period_is("w") ? 7 * n : 0;
    months = debar_period_is("mo") ? n : debar_period_is("y") ? 12 * n : 0;

#undef debar_period_is

    if (i == 0 || text[0] == '0' || days + months == 0
        || days > DEBAR_PERIOD_YEARS * 36525L / 100
        || months > DEBAR_PERIOD_YEARS * 12)
    {
        return DEBAR_ERROR;
    }

    *t = days ? now - (int64_t) days * 86400
              : debar_period_months(now, months);

    return DEBAR_OK;
}


static int64_t
debar_period_months(int64_t now, long months)
{
    long        n, days;
    time_t      when;
    struct tm   tm;

    static const int  length[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
                                   31 };

    when = (time_t) now;
    memset(&tm, 0, sizeof(tm));
    (void) gmtime_r(&when, &tm);

    n = 12L * tm.tm_year + tm.tm_mon - months;
    tm.tm_year = (int) (n >= 0 ? n / 12 : (n - 11) / 12);
    tm.tm_mon = (int) (n - 12L * tm.tm_year);

    days = length[tm.tm_mon];
    n = tm.tm_year + 1900;
    days += tm.tm_mon == 1 && n % 4 == 0 && (n % 100 != 0 || n % 400 == 0);

    if (tm.tm_mday > days) {
        tm.tm_mday = (int) days;
    }

    return (int64_t) timegm(&tm);
}
