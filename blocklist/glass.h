/*
 * Break-glass: the dated order of a person to let through, for a short time,
 * what the list blocks.  A file of lines "key: value", made by
 * `debar gateway break-glass` and read by workers.  Pure.
 *
 *     until: 2026-11-22T18:00:00Z
 *     opened: 2026-11-22T16:00:00Z
 *     by: j.doe
 *     reason: incident 4711, patch of the water works' controllers
 */

#ifndef DEBAR_GLASS_H
#define DEBAR_GLASS_H

#include "debar.h"


#define DEBAR_MAX_GLASS         4096    /* bytes of a file */
#define DEBAR_MAX_GLASS_BY       128
#define DEBAR_MAX_GLASS_REASON   512
#define DEBAR_GLASS_TIME       86400    /* s: the longest by default */

typedef struct {
    time_t  opened;
    time_t  until;
    char    by[DEBAR_MAX_GLASS_BY + 1];
    char    reason[DEBAR_MAX_GLASS_REASON + 1];
} debar_glass_t;

/*
 * Lines that are empty or begin with "#" are passed over; every key stands
 * once, no other does; until is after opened and at most max seconds later; by
 * and reason are not empty and hold no control character.  DEBAR_ERROR: why is
 * static text.
 */

int debar_glass_parse(debar_glass_t *g, const char *data, size_t len,
    time_t max, const char **why);

/* The file's text, NUL-terminated: its length.  out: DEBAR_MAX_GLASS bytes. */

size_t debar_glass_format(char *out, const debar_glass_t *g);

/* "2026-11-22T18:00:00Z" (RFC 3339, UTC, no fraction), the whole of it. */

int debar_glass_time(time_t *t, const char *data, size_t len);


#endif /* DEBAR_GLASS_H */
