/*
 * Business days.  Holidays are those that the Office of Personnel Management
 * published for the years named.
 */

#include "tap.h"
#include "business.h"


typedef struct {
    int       year;
    unsigned  month;
    unsigned  day;
} civil_t;


static int64_t
at(int year, unsigned month, unsigned day)
{
    return debar_day(year, month, day);
}


/* All holidays of a year, as they were kept. */

static void
year_of(int year, const char *want)
{
    int       y;
    char      got[400];
    size_t    n;
    int64_t   day;
    unsigned  m, d;

    n = 0;

    for (day = at(year, 1, 1); day <= at(year, 12, 31); day++) {
        if (debar_holiday(day)) {
            debar_day_civil(day, &y, &m, &d);
            n += (size_t) snprintf(got + n, sizeof(got) - n, "%s%02u-%02u",
                                   n ? " " : "", m, d);
        }
    }

    is_str(got, want, "holidays of the year");
}


static void
due(civil_t from, unsigned n, civil_t want, const char *claim)
{
    int64_t  got;

    got = debar_business_add(at(from.year, from.month, from.day), n);
    ok(got == at(want.year, want.month, want.day), "%s", claim);
}


int
main(void)
{
    int       y, wrong;
    int64_t   day;
    unsigned  m, d;

    ok(at(1970, 1, 1) == 0 && at(2000, 3, 1) == 11017
       && at(1900, 3, 1) - at(1900, 2, 28) == 1, "days have their numbers");
    ok(debar_day_week(at(2026, 11, 22)) == 0, "2026-11-22 is a Sunday");

    for (day = at(1600, 1, 1), wrong = 0; day < at(2400, 12, 31); day++) {
        debar_day_civil(day, &y, &m, &d);
        wrong += at(y, m, d) != day;
    }

    ok(wrong == 0, "800 years of days are the same there and back");

    year_of(2020, "01-01 01-20 02-17 05-25 07-03 09-07 10-12 11-11 11-26 "
            "12-25");
    year_of(2021, "01-01 01-18 02-15 05-31 06-18 07-05 09-06 10-11 11-11 "
            "11-25 12-24 12-31");
    year_of(2022, "01-17 02-21 05-30 06-20 07-04 09-05 10-10 11-11 11-24 "
            "12-26");
    year_of(2023, "01-02 01-16 02-20 05-29 06-19 07-04 09-04 10-09 11-10 "
            "11-23 12-25");
    year_of(2026, "01-01 01-19 02-16 05-25 06-19 07-03 09-07 10-12 11-11 "
            "11-26 12-25");

    due((civil_t) { 2026, 9, 2 }, 3, (civil_t) { 2026, 9, 8 },
        "3 days from a Wednesday before Labor Day end on Tuesday");
    due((civil_t) { 2026, 9, 5 }, 3, (civil_t) { 2026, 9, 10 },
        "3 days from a Saturday before Labor Day end on Thursday");
    due((civil_t) { 2021, 12, 30 }, 1, (civil_t) { 2022, 1, 3 },
        "New Year's Day on a Saturday is kept on the last day of the year "
        "before");
    due((civil_t) { 2026, 12, 23 }, 10, (civil_t) { 2027, 1, 8 },
        "10 days over Christmas and the year's end");
    due((civil_t) { 2027, 12, 22 }, 3, (civil_t) { 2027, 12, 28 },
        "Christmas Day on a Saturday is kept on Friday");
    due((civil_t) { 2026, 11, 10 }, 3, (civil_t) { 2026, 11, 16 },
        "Veterans Day in the middle of a week");
    due((civil_t) { 2020, 6, 18 }, 1, (civil_t) { 2020, 6, 19 },
        "Juneteenth was no holiday in 2020");
    due((civil_t) { 2026, 7, 3 }, 0, (civil_t) { 2026, 7, 6 },
        "no day from a holiday is the next business day");

    return done();
}
