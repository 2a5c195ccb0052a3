/*
 * Days on which the offices of the United States are open, as periods of the
 * FAR count them ("within 3 business days").  Pure; days are numbers since
 * 1970-01-01 in the proleptic Gregorian calendar.
 *
 * Holidays are those of 5 U.S.C. 6103(a) by rule, kept on the Friday before
 * where they fall on a Saturday (6103(b)) and on the Monday behind where on a
 * Sunday (E.O. 11582).  Not among them, since no rule tells them or they are
 * not kept everywhere: Inauguration Day, days closed by order of a President.
 * Without them a period ends earlier, never later.
 */

#ifndef DEBAR_BUSINESS_H
#define DEBAR_BUSINESS_H

#include "debar.h"


/* month 1..12, day 1..31. */

int64_t debar_day(int year, unsigned month, unsigned day);
void debar_day_civil(int64_t number, int *year, unsigned *month,
    unsigned *day);

/* 0 Sunday .. 6 Saturday */

unsigned debar_day_week(int64_t number);

/* The name of the holiday that is kept on that day, or NULL. */

const char *debar_holiday(int64_t number);

/* Neither Saturday, Sunday nor a holiday. */

int debar_business_day(int64_t number);

/*
 * The last day of a period of n business days: the day of the event itself is
 * not counted (as FAR 33.101 has it).  n 0: the event's day, or
 * the next business day.  At most DEBAR_BUSINESS_MAX, more is cut to that.
 */

#define DEBAR_BUSINESS_MAX  10000

int64_t debar_business_add(int64_t number, unsigned n);


#endif /* DEBAR_BUSINESS_H */
