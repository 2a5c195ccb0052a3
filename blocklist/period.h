/*
 * Periods of the calendar, as policies name them: "12mo", "400d", "52w", "2y".
 */

#ifndef DEBAR_PERIOD_H
#define DEBAR_PERIOD_H

#include <stddef.h>
#include <stdint.h>


#define DEBAR_PERIOD_TEXT  8                 /* of the longest, with its NUL */

/*
 * *t: now (epoch seconds) less the period, by the calendar in UTC: a month
 * before 31 March is the end of February.  DEBAR_ERROR: text is none; a whole
 * number from 1 with d, w, mo or y behind is, up to 100 years.
 */

int debar_period_before(int64_t *t, int64_t now, const char *text, size_t len);


#endif /* DEBAR_PERIOD_H */
