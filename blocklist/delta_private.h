/*
 * The bytes of a delta, for what makes and what applies it.
 */

#ifndef DEBAR_DELTA_PRIVATE_H
#define DEBAR_DELTA_PRIVATE_H

#include "layout.h"
#include "delta.h"


/*
 * A skippable frame of zstd (RFC 8878 s.3.1.2) with the head, a frame with the
 * tables, made with those of the base as its prefix, a frame with the rows.
 */

#define DEBAR_DELTA_FRAME   0x184d2a50u
#define DEBAR_DELTA_MAGIC   "debar-delta 1\n\0"       /* 16 bytes with NUL */
#define DEBAR_DELTA_HEAD    128
#define DEBAR_DELTA_BEGIN   (8 + DEBAR_DELTA_HEAD)

typedef struct {
    debar_delta_info_t   info;
    uint32_t             tables_len;      /* of the frame */
    uint32_t             rows_len;
    uint32_t             tables_size;     /* unpacked */
    uint32_t             rows_size;
} debar_delta_head_t;

int debar_delta_head(debar_delta_head_t *h, const void *data, size_t len,
    debar_fault_t *fault);


/* Of meta, what the source says and what the rows give, in this order. */

#define DEBAR_DELTA_METAS   8
#define DEBAR_DELTA_META    4096      /* bytes of one */

extern const char *const  debar_delta_metas[DEBAR_DELTA_METAS];

/* A filter that is made anew of all rows, instead of told by its words. */

#define DEBAR_DELTA_ANEW    UINT32_MAX

/* Tables that are told: those that the builder does not derive. */

#define DEBAR_DELTA_TABLES  (DEBAR_T_CIDRS + 1)

/* In the pad of a rule that no row has: a copy of one in use, so that the
 * digest is the same. */

#define DEBAR_RULE_FREE     1


/*
 * The tables as one run of bytes which does not depend on how rules are
 * numbered: they are in the order of their lines, each once, and terms and
 * patterns refer to that.  Numbers of records first, then each table, made up
 * to a multiple of eight.  DEBAR_DECLINED: more than may be told.
 */

int debar_delta_tables(debar_buf_t *out, const debar_view_t *v,
    const debar_ranks_t *r);

/* map[i]: the rule of b that says what rule i of a does, or DEBAR_NONE; both
 * by rank.  back, if any: the reverse. */

void debar_delta_same(const debar_ranks_t *a, const debar_ranks_t *b,
    uint32_t *map, uint32_t *back);


#endif /* DEBAR_DELTA_PRIVATE_H */
