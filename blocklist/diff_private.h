/*
 * The inside of the difference of two lists: what both call the same, and how
 * changes are gathered.
 */

#ifndef DEBAR_DIFF_PRIVATE_H
#define DEBAR_DIFF_PRIVATE_H

#include "diff.h"
#include "layout.h"


/* What a rule says, in numbers that both lists share; its source aside. */

typedef struct {
    uint64_t   authorities[2];    /* bits of up to 64 of either list */
    uint32_t   vendor;
    uint32_t   product;           /* or DEBAR_NONE */
    uint8_t    kind;
    uint8_t    cap;
    uint8_t    floor;
    uint8_t    flags;
    uint32_t   pad;
} debar_meaning_t;

/* Text that lives as long as the outcome. */

typedef struct debar_pool_s  debar_pool_t;

struct debar_pool_s {
    debar_pool_t  *next;
    size_t         used;
    size_t         size;
    char           text[];
};

typedef struct {
    debar_diff_t              *d;
    debar_snapshot_t          *s[2];
    const debar_view_t        *view[2];
    const char                *strings[2];
    size_t                     keep;
    size_t                     kept;
    debar_pool_t              *pool;

    uint32_t                  *vendor[2];     /* by entry */
    uint32_t                  *product[2];    /* by product */
    uint32_t                  *meaning[2];    /* by rule */
    uint32_t                   authority[2][DEBAR_MAX_AUTHORITIES];
    uint8_t                   *sides;         /* by vendor: bits, who has it */
    debar_str_t               *vendors;
    debar_str_t               *products;
    debar_str_t                authorities[2 * DEBAR_MAX_AUTHORITIES];

    debar_meaning_t           *meanings;
    size_t                     nmeanings;
    size_t                     meanings_size;
    uint32_t                  *slots;         /* hash of meanings */
    size_t                     nslots;

    uint32_t                  *group_slots;   /* hash of groups */
    size_t                     ngroup_slots;
    uint32_t                  *group_vendor;  /* by group */

    debar_progress_pt          progress;
    void                      *data;
    uint64_t                   walked;
    const char                *damage;
} debar_differ_t;

/* An occurrence of a key: the rule that it has in one of the lists. */

typedef struct {
    uint32_t   vendor;
    uint32_t   what;
    uint32_t   meaning;
    uint32_t   rule;
    uint32_t   match;             /* of a name */
} debar_said_t;


/* diff.c */

void *debar_diff_alloc(size_t n, size_t size);
const char *debar_diff_keep(debar_differ_t *df, const char *data, size_t len);
debar_str_t debar_diff_id(const debar_differ_t *df, uint32_t vendor);

/* What a permit, waiver or name that takes back does by coming or going: less
 * or more is blocked, unless its vendor came or went with it. */

unsigned debar_diff_lifting(const debar_differ_t *df, unsigned side,
    uint32_t vendor);

/* The text is copied if it is kept. */

void debar_diff_add(debar_differ_t *df, unsigned effect, unsigned how,
    unsigned what, uint32_t vendor, debar_str_t text, debar_str_t note);

/* diff_rows.c */

int debar_diff_rules(debar_differ_t *df);
int debar_diff_rows(debar_differ_t *df);

/* All that both lists say of a key. */

void debar_diff_key(debar_differ_t *df, debar_said_t *a, size_t na,
    debar_said_t *b, size_t nb, debar_str_t text);
uint64_t *debar_diff_mask(const debar_differ_t *df, unsigned side,
    uint64_t mask, uint64_t out[2]);

/* "x, y"; at most five, then a count. */

void debar_diff_ids(debar_buf_t *b, const debar_differ_t *df,
    const uint64_t mask[2]);

/* diff_names.c */

void debar_diff_names(debar_differ_t *df);

/* diff_phases.c */

void debar_diff_authority_key(debar_differ_t *df, unsigned side,
    const void *record, debar_buf_t *b);
void debar_diff_authority(debar_differ_t *df, const void *old,
    const void *now);

/* diff_waivers.c: old or now may be NULL */

void debar_permit_key(debar_differ_t *df, unsigned side, const void *record,
    debar_buf_t *b);
void debar_permit_diff(debar_differ_t *df, const void *old, const void *now);
void debar_waiver_key(debar_differ_t *df, unsigned side, const void *record,
    debar_buf_t *b);
void debar_waiver_diff(debar_differ_t *df, const void *old, const void *now);

/* "users x, y, client 192.0.2.0/24" */

void debar_scope_words(const debar_view_t *v, const debar_waiver_t *w,
    debar_buf_t *b);

/* diff_tables.c */

void debar_diff_tables(debar_differ_t *df);

#define debar_view_str(df, side, ref)                                         \
    debar_ref_str((df)->strings[side], ref)

/* A sentence; b is freed. */

void debar_diff_tell(debar_differ_t *df, unsigned effect, unsigned how,
    unsigned what, uint32_t vendor, debar_buf_t *b);
void debar_diff_put(debar_buf_t *b, debar_str_t s);
int debar_diff_equal(debar_str_t a, debar_str_t b);

/* A day in the time zone of that list. */

void debar_diff_day(debar_differ_t *df, unsigned side, int64_t t,
    debar_buf_t *b);


#endif /* DEBAR_DIFF_PRIVATE_H */
