/*
 * What is to come by what a list says: phases of its authorities, waivers that
 * begin or end, its own expiry.
 *
 * Of a source that was read or of an open snapshot, alike.  Never linked into a
 * worker; no clock: the caller says from when to when.
 */

#ifndef DEBAR_DUE_H
#define DEBAR_DUE_H

#include "snapshot.h"
#include "diff.h"


typedef enum {
    DEBAR_DUE_BEGINS = 0,
    DEBAR_DUE_CHANGES,
    DEBAR_DUE_ENDS
} debar_due_how_e;

typedef enum {
    DEBAR_DUE_LIST = 0,
    DEBAR_DUE_PHASE,              /* of an authority */
    DEBAR_DUE_WAIVER,
    DEBAR_DUE_PERMIT
} debar_due_what_e;

/* Texts are UTF-8 as the list has it, NUL-terminated; NULL: there is none. */

typedef struct {
    int64_t   when;               /* the first second on which it is so */
    uint8_t   how;                /* debar_due_how_e */
    uint8_t   what;               /* debar_due_what_e */
    uint8_t   over;               /* the list expired before */
    uint32_t  order;              /* as found: of the same moment */
    char      day[DEBAR_DAY_TEXT];    /* in the list's timezone; of what ends
                                         at midnight: its last day */
    char     *id;                 /* of the waiver or authority */
    char     *vendor;             /* id */
    char     *approved_by;
    char     *why;
    char     *text;               /* a sentence without the day */
} debar_due_event_t;

#define DEBAR_DUE_KEEP  100000    /* events; more are counted */
#define DEBAR_DUE_DAYS  30        /* what is announced beforehand */

typedef struct {
    debar_due_event_t  *events;   /* the earliest first */
    size_t              n;
    size_t              size;
    uint64_t            more;     /* beyond DEBAR_DUE_KEEP */
    char                timezone[128];
    uint64_t            serial;
    int64_t             expires;
    const void         *tables[DEBAR_TABLES];
    size_t              records[DEBAR_TABLES];
} debar_due_t;

/* The list, which must outlive the events' making. */

void debar_due_source(debar_due_t *d, const debar_source_t *src);
void debar_due_snapshot(debar_due_t *d, const debar_snapshot_t *s);

/* What comes at from or later and before to.  Once for a debar_due_t.  A
 * waiver ends on its last day as on the next one, so that both days tell it. */

void debar_due_find(debar_due_t *d, int64_t from, int64_t to);
void debar_due_free(debar_due_t *d);

/*
 * 00:00 of a day, "YYYY-MM-DD", and days later, in a list's timezone.
 * DEBAR_ERROR: there is no such day.
 */

int debar_due_day(const char *timezone, const char *date, unsigned days,
    int64_t *when);

/* "waiver"; "ends" */

const char *debar_due_what_name(unsigned what);
const char *debar_due_how_name(unsigned how);

/* "waiver W-17 (2026-12-10), the list (2026-12-12) and 3 more": what ends of
 * the events.  Returns how many do; nothing is put to b where none does. */

size_t debar_due_ends(debar_buf_t *b, const debar_due_t *d);


#endif /* DEBAR_DUE_H */
