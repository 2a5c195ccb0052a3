/*
 * Business days of the United States.
 */

#include "business.h"


/* One holiday: a fixed day, or the nth (5: last) such day of the week. */

typedef struct {
    const char  *name;
    unsigned     month;
    unsigned     day;             /* 0: by week */
    unsigned     week;            /* 0 Sunday .. 6 Saturday */
    unsigned     nth;
    int          since;           /* the first year that it is kept so */
} debar_holiday_rule_t;


static const debar_holiday_rule_t  debar_holidays[] = {
    { "New Year's Day", 1, 1, 0, 0, 1871 },
    { "Birthday of Martin Luther King, Jr.", 1, 0, 1, 3, 1986 },
    { "Washington's Birthday", 2, 0, 1, 3, 1971 },
    { "Memorial Day", 5, 0, 1, 5, 1971 },
    { "Juneteenth National Independence Day", 6, 19, 0, 0, 2021 },
    { "Independence Day", 7, 4, 0, 0, 1871 },
    { "Labor Day", 9, 0, 1, 1, 1894 },
    { "Columbus Day", 10, 0, 1, 2, 1971 },
    { "Veterans Day", 11, 11, 0, 0, 1978 },
    { "Thanksgiving Day", 11, 0, 4, 4, 1942 },
    { "Christmas Day", 12, 25, 0, 0, 1871 },
};

#define DEBAR_HOLIDAYS  (sizeof(debar_holidays) / sizeof(debar_holidays[0]))


/* Days are counted from 0000-03-01, by eras of 400 years: leap days then stand
 * at the end of a year. */

int64_t
debar_day(int year, unsigned month, unsigned day)
{
    int64_t  y, era, in_era, in_year;

    y = (int64_t) year - (month <= 2);
    era = (y >= 0 ? y : y - 399) / 400;
    in_era = y - era * 400;
    in_year = (153 * (int64_t) (month > 2 ? month - 3 : month + 9) + 2) / 5
              + day - 1;

    return era * 146097 + in_era * 365 + in_era / 4 - in_era / 100 + in_year
           - 719468;
}


void
debar_day_civil(int64_t number, int *year, unsigned *month, unsigned *day)
{
    int64_t  n, era, in_era, y, in_year, m;

    n = number + 719468;
    era = (n >= 0 ? n : n - 146096) / 146097;
    in_era = n - era * 146097;
    y = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    in_year = in_era - (365 * y + y / 4 - y / 100);
    m = (5 * in_year + 2) / 153;

    *day = (unsigned) (in_year - (153 * m + 2) / 5 + 1);
    *month = (unsigned) (m < 10 ? m + 3 : m - 9);
    *year = (int) (y + era * 400 + (*month <= 2));
}


unsigned
debar_day_week(int64_t number)
{
    int64_t  w;

    w = (number + 4) % 7;                    /* 1970-01-01 was a Thursday */

    return (unsigned) (w < 0 ? w + 7 : w);
}


/* The day that the rule names in that year, before it is moved. */

static int64_t
debar_holiday_day(const debar_holiday_rule_t *r, int year)
{
    int64_t   first;
    unsigned  week;

    if (r->day) {
        return debar_day(year, r->month, r->day);
    }

    if (r->nth == 5) {
        first = debar_day(year, r->month + 1, 1) - 1;
        week = debar_day_week(first);

        return first - (week + 7 - r->week) % 7;
    }

    first = debar_day(year, r->month, 1);
    week = debar_day_week(first);

    return first + (r->week + 7 - week) % 7 + 7 * (r->nth - 1);
}


const char *
debar_holiday(int64_t number)
{
    int       year, y;
    size_t    i;
    int64_t   day;
    unsigned  month, of_month;

    debar_day_civil(number, &year, &month, &of_month);

    /* New Year's Day on a Saturday is kept in the year before */

    for (y = year; y <= year + 1; y++) {
        for (i = 0; i < DEBAR_HOLIDAYS; i++) {

            if (y < debar_holidays[i].since) {
                continue;
            }

            day = debar_holiday_day(&debar_holidays[i], y);

            if (debar_holidays[i].day) {
                day += debar_day_week(day) == 6 ? -1
                       : debar_day_week(day) == 0 ? 1 : 0;
            }

            if (day == number) {
                return debar_holidays[i].name;
            }
        }
    }

    return NULL;
}


int
debar_business_day(int64_t number)
{
    unsigned  week;

    week = debar_day_week(number);

    return week != 0 && week != 6 && debar_holiday(number) == NULL;
}


int64_t
debar_business_add(int64_t number, unsigned n)
{
    if (n > DEBAR_BUSINESS_MAX) {
        n = DEBAR_BUSINESS_MAX;
    }

    if (n == 0) {
        while (!debar_business_day(number)) {
            number++;
        }
    }

    while (n) {
        number++;

        if (debar_business_day(number)) {
            n--;
        }
    }

    return number;
}
