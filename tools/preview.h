/*
 * What a replay of recorded traffic found: counted as it goes, told at the end.
 * Everything in it is bounded, whatever the logs have.
 */

#ifndef DEBAR_PREVIEW_H
#define DEBAR_PREVIEW_H

#include "tools.h"


#define DEBAR_PREVIEW_LOGS        256
#define DEBAR_PREVIEW_NAMES     65536     /* counted by name; others together */
#define DEBAR_PREVIEW_EXAMPLES      5
#define DEBAR_PREVIEW_UNREAD        5
#define DEBAR_PREVIEW_TOP          10

typedef enum {
    DEBAR_PREVIEW_BLOCKED = 0,    /* refused now, not before */
    DEBAR_PREVIEW_PASSED,         /* the reverse */
    DEBAR_PREVIEW_OTHERWISE,      /* recorded or not, another entry */
    DEBAR_PREVIEW_CLASSES
} debar_preview_class_e;

typedef enum {
    DEBAR_PREVIEW_USER = 0,       /* or the client's address */
    DEBAR_PREVIEW_HOST,
    DEBAR_PREVIEW_ENTRY,
    DEBAR_PREVIEW_BY
} debar_preview_by_e;

typedef struct {
    char          *name;
    uint64_t       count;
} debar_counted_t;

typedef struct {
    debar_counted_t  *slots;
    size_t            size;
    size_t            n;
    uint64_t          others;
} debar_tally_t;

typedef struct {
    char           time[32];
    char          *who;
    char          *request;
    char          *why;
    const char    *before;
    const char    *after;
} debar_preview_example_t;

typedef struct {
    uint64_t                 count;
    debar_tally_t            by[DEBAR_PREVIEW_BY];
    debar_preview_example_t  examples[DEBAR_PREVIEW_EXAMPLES];
    size_t                   nexamples;
} debar_preview_changes_t;

typedef struct {
    debar_list_t             *candidate;
    debar_list_t             *in_force;       /* or NULL */
    uint64_t                  lines;
    uint64_t                  requests;
    uint64_t                  skipped;        /* about no request, or of
                                                 another time */
    uint64_t                  unread;
    struct {
        char                 *place;          /* "FILE:LINE" */
        char                 *why;
    }                         unreadable[DEBAR_PREVIEW_UNREAD];
    uint64_t                  unseen;         /* audit lines whose verdict the
                                                 line alone does not give */
    int64_t                   first;          /* times; -1: none told */
    int64_t                   last;
    debar_preview_changes_t   changes[DEBAR_PREVIEW_CLASSES];
} debar_preview_t;


typedef struct {
    const char             *logs[DEBAR_PREVIEW_LOGS];
    size_t                  nlogs;
    const char             *lists[2];
    size_t                  nlists;
    const char             *in_force;
    const char             *output;
    const char             *format;
    size_t                  top;
    unsigned                json;
    unsigned                html;
    unsigned                quiet;
    time_t                  on;
    unsigned                has_on;
    time_t                  since;
    time_t                  until;
} debar_preview_args_t;

/* preview_args.c; -1: go on, else the exit code */

int debar_preview_args(debar_preview_args_t *a, int argc, char **argv);

/* preview_report.c */

void debar_preview_free(debar_preview_t *p);
void debar_tally_add(debar_tally_t *t, const char *name, size_t len);

/* Which class a request is in; -1: nothing changes. */

int debar_preview_class(const debar_preview_t *p, const debar_verdict_t *before,
    const debar_verdict_t *after);

/* top: names of each kind. */

void debar_preview_text(debar_buf_t *b, debar_preview_t *p, size_t top);
void debar_preview_json(debar_buf_t *b, debar_preview_t *p, size_t top);
void debar_preview_html(debar_buf_t *b, debar_preview_t *p, size_t top);


#endif /* DEBAR_PREVIEW_H */
