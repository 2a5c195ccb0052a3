/*
 * Of debar audit search: what was asked for, lines that were found, and how
 * they are shown.
 */

#ifndef DEBAR_TOOLS_AUDIT_SEARCH_H
#define DEBAR_TOOLS_AUDIT_SEARCH_H

#include "audit_index.h"


#define DEBAR_SEARCH_VALUES  64              /* of one option, at most */


typedef enum {
    DEBAR_SHOW_TABLE = 0,
    DEBAR_SHOW_CSV,
    DEBAR_SHOW_JSON
} debar_search_format_e;

typedef struct {
    const char  *values[DEBAR_WORD_KINDS][DEBAR_SEARCH_VALUES];
    unsigned     nvalues[DEBAR_WORD_KINDS];
    const char  *text[DEBAR_SEARCH_VALUES];
    unsigned     ntext;
    const char  *incident;
    int64_t      since;           /* ms; 0: from the first */
    int64_t      until;           /* ms; 0: to the last */
    uint64_t     limit;           /* 0: all */
    unsigned     format;
    unsigned     no_update;
    unsigned     quiet;
} debar_search_t;

/* Ids of lines, a bit each. */

typedef struct {
    uint8_t   *bits;
    uint64_t   size;              /* ids below */
} debar_search_set_t;

typedef struct {
    debar_search_set_t  set;
    uint64_t            found;    /* bits that are set */
    int                 more;     /* the search ended at the limit */
} debar_search_found_t;

/* audit_search_find.c.  Names of words nobody has go to stderr. */

int debar_search_find(debar_search_found_t *f, debar_index_t *x,
    const debar_search_t *q, debar_fault_t *fault);

extern const char *const  debar_search_kinds[DEBAR_WORD_KINDS];


/* audit_search_show.c: the newest first, to stdout. */

int debar_search_show(debar_index_t *x, const debar_audit_t *a,
    const debar_search_t *q, const debar_search_found_t *f, uint64_t *shown,
    debar_fault_t *fault);


#endif /* DEBAR_TOOLS_AUDIT_SEARCH_H */
