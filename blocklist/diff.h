/*
 * What differs between two lists, as an approver wants to know it: first what
 * is blocked no longer, then what is blocked otherwise, then what is newly
 * blocked, then what changes words alone.
 *
 * Both are open snapshots (a source is built into one first, see
 * debar_open_list()); rows are walked side by side in the order of their keys,
 * so that ten million cost seconds and no memory.  What is kept is bounded:
 * beyond the bounds there are counts.
 *
 * The outcome depends on what the lists say alone: not on paths, page layout,
 * the clock or the machine.  The digest of its JSON goes into a manifest.
 */

#ifndef DEBAR_DIFF_H
#define DEBAR_DIFF_H

#include "snapshot.h"


typedef enum {
    DEBAR_EFFECT_LOOSER = 0,      /* something is let through, or sooner */
    DEBAR_EFFECT_OTHER,           /* neither more nor less, or both */
    DEBAR_EFFECT_STRICTER,
    DEBAR_EFFECT_NONE,            /* labels, sources, serial */
    DEBAR_EFFECTS
} debar_effect_e;

typedef enum {
    DEBAR_DIFF_REMOVED = 0,
    DEBAR_DIFF_CHANGED,
    DEBAR_DIFF_ADDED
} debar_diff_how_e;

/* Below DEBAR_KINDS: identifiers, debar_kind_e.  What follows are records of
 * their own, each with a sentence that is whole. */

typedef enum {
    DEBAR_DIFF_NOT_NAME = DEBAR_KINDS,
    DEBAR_DIFF_VENDOR,
    DEBAR_DIFF_AUTHORITY,
    DEBAR_DIFF_PHASE,
    DEBAR_DIFF_PERMIT,
    DEBAR_DIFF_WAIVER,
    DEBAR_DIFF_PRODUCT,
    DEBAR_DIFF_CHANNEL,
    DEBAR_DIFF_LIST,              /* title, publisher, serial, expiry */
    DEBAR_DIFF_WHATS
} debar_diff_what_e;

/* Strings live as long as the debar_diff_t, NUL-terminated. */

typedef struct {
    const char  *text;            /* "a.example"; of records: a sentence */
    const char  *note;            /* what changed in it, or empty */
} debar_diff_row_t;

/* Rows that have all this in common. */

typedef struct {
    uint8_t            effect;    /* debar_effect_e */
    uint8_t            how;       /* debar_diff_how_e */
    uint8_t            what;      /* debar_kind_e or debar_diff_what_e */
    const char        *vendor;    /* id; empty: the list as a whole, or one
                                     of the vendors beyond the bound */
    uint64_t           count;
    debar_diff_row_t  *rows;      /* the first of them */
    size_t             nrows;
    size_t             size;
} debar_diff_group_t;

typedef struct debar_diff_s {
    debar_diff_group_t  *groups;  /* what matters most first, then by vendor */
    size_t               n;
    uint64_t             counts[DEBAR_EFFECTS];   /* rows of each effect */
    uint64_t             serial[2];
    char                 digest[2][65];
    char                *title[2];
    void                *own;
} debar_diff_t;

/* Rows that are kept of a group: what goes into a manifest is made with this.
 * More groups than the second share one for all vendors. */

#define DEBAR_DIFF_KEEP     20
#define DEBAR_DIFF_GROUPS   100000
#define DEBAR_DIFF_ALL      2000000   /* rows that --all keeps of all */

#define DEBAR_DIFF_SHOWN    5         /* rows in a sentence */
#define DEBAR_DIFF_WORDS    150       /* lines of words in JSON */

/*
 * keep: rows of a group; 0: DEBAR_DIFF_KEEP.  progress may be NULL; it is told
 * the rows that were walked.  DEBAR_ERROR: a row is damaged (verify the file).
 * d is to be freed in either case.
 */

int debar_diff(debar_diff_t *d, debar_snapshot_t *a, debar_snapshot_t *b,
    size_t keep, debar_progress_pt progress, void *data, debar_fault_t *fault);
void debar_diff_free(debar_diff_t *d);

/* 1: nothing differs, not even a label. */

int debar_diff_same(const debar_diff_t *d);

/* "looser"; "removed"; "host" */

const char *debar_effect_name(unsigned effect);
const char *debar_diff_how_name(unsigned how);
const char *debar_diff_what_name(unsigned what);

/* For people: "2 hosts removed from acme: a.example, b.example".  show: at most
 * that many rows in it. */

void debar_diff_sentence(debar_buf_t *b, const debar_diff_group_t *g,
    size_t row, size_t show);

/* How a section of an effect is headed. */

const char *debar_effect_heading(unsigned effect);

/*
 * All of it, appended to b: one line of JSON and a newline; words, `show` rows
 * a line (0: all that were kept); a page of HTML that needs nothing beside
 * itself.  SHA-256 of the JSON made with DEBAR_DIFF_KEEP: a manifest's "diff".
 */

void debar_diff_json(debar_buf_t *b, const debar_diff_t *d);
void debar_diff_text(debar_buf_t *b, const debar_diff_t *d, size_t show);
void debar_diff_html(debar_buf_t *b, const debar_diff_t *d);

/* ,"words":[...]: lines of text, empty ones left out, that approvers are shown
 * of a JSON that goes with a manifest. */

void debar_lines_json(debar_buf_t *b, const debar_buf_t *text, size_t max);

/* Text of a page: & < > " ' and controls escaped. */

void debar_html_text(debar_buf_t *b, const char *data, size_t len);


/* A key of a snapshot as people write it: "a.example", "192.0.2.0/24",
 * "AS200107"; appended to b, not NUL-terminated. */

void debar_key_words(debar_buf_t *b, unsigned db, const uint8_t *key,
    size_t len);

/* 00:00 of a day in that time zone: "2026-12-01"; else with the time. */

#define DEBAR_DAY_TEXT  64

void debar_day_text(char out[DEBAR_DAY_TEXT], const char *timezone,
    int64_t when);


#endif /* DEBAR_DIFF_H */
