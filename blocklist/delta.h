/*
 * A delta: what one snapshot says beyond another, so that ten changed rows in
 * ten million do not cost a rebuild or a download (DESIGN section 4).
 *
 * Rows are told by key and rules, rules by the index that they have in the
 * base.  A rule that says the same in both (its line in the digest), or that
 * took the place of one in the rows, keeps that index, so the rows that refer
 * to it are not touched.  The tables, small beside the rows, are told as a
 * whole, compressed against those of the base.  KEYSPACE.md has the bytes.
 *
 * A delta is not signed: what is signed is the digest that it leads to.  It is
 * applied to a copy, the copy is verified as a whole, and put in place only if
 * its digest is the one that was asked for.
 */

#ifndef DEBAR_DELTA_H
#define DEBAR_DELTA_H

#include "snapshot.h"


/* What is beyond these is sent as a snapshot.  They bound the memory that a
 * hostile delta may ask for. */

#define DEBAR_DELTA_MAX_TABLES  (256u << 20)
#define DEBAR_DELTA_MAX_ROWS    (64u << 20)
#define DEBAR_DELTA_MAX_CHAIN   16

typedef struct {
    char      from[65];           /* digests of base and result */
    char      to[65];
    uint64_t  from_serial;
    uint64_t  serial;
    uint64_t  changed;            /* rows added, changed, removed */
} debar_delta_info_t;

/*
 * Appends to *out what makes b of a.  DEBAR_DECLINED: it would be beyond the
 * bounds above, *out is as it was.  DEBAR_ERROR: *fault says why.  Reads every
 * row of both.
 */

int debar_delta_make(debar_snapshot_t *a, debar_snapshot_t *b,
    debar_buf_t *out, debar_delta_info_t *info, debar_fault_t *fault);

/* What a delta says of itself: its first bytes suffice.  Any bytes may be
 * given. */

int debar_delta_read(debar_delta_info_t *info, const void *data, size_t len,
    debar_fault_t *fault);

/*
 * Puts a snapshot in place at path that says what `digest` stands for: a copy
 * of base, the deltas applied to it one after the other in one transaction,
 * read back as a whole, synced, renamed, as debar_snapshot_build() does.  base
 * and path may be the same file.  A delta for another base, a damaged one, or
 * a digest that is not reached: DEBAR_ERROR, the file at path is as it was.
 *
 * digest: 64 hex digits.  Progress as when building.
 */

int debar_delta_apply(const char *base, const char *path,
    const debar_str_t *deltas, size_t ndeltas, const char *digest,
    const debar_build_opts_t *opts, debar_build_info_t *info,
    debar_fault_t *fault);


#endif /* DEBAR_DELTA_H */
