/*
 * The term index: names and product names to find in canonical text, one
 * aligned value of a snapshot, used from the mapping as it is.
 */

#ifndef DEBAR_TERM_H
#define DEBAR_TERM_H

#include "tables.h"


/* Shortest term, in bytes of canonical text: shorter ones are an error of the
 * source ("over-short term"), since they would be found everywhere. */

#define DEBAR_MIN_TERM  4

/*
 * Builds the index of nterms terms; the bytes are added to *out (at most a few
 * times the text of the terms).  Pure: the result depends on the terms alone.
 */

void debar_term_index_build(debar_buf_t *out, const debar_term_t *terms,
    size_t nterms, const char *strings);

/* An index in a mapping, checked once. */

typedef struct {
    const debar_term_t  *terms;
    size_t               nterms;
    const char          *strings;
    const uint32_t      *gate;    /* bitmap over hashes of four bytes */
    const uint32_t      *bucket;  /* hash -> first of slots */
    const uint32_t      *slot;    /* term numbers */
    uint32_t             mask;
    uint32_t             longest_not;   /* bytes of the longest
                                           DEBAR_TERM_NOT */
} debar_term_index_t;

int debar_term_index_open(debar_term_index_t *ti, const void *data, size_t len,
    const debar_term_t *terms, size_t nterms, const char *strings);

/*
 * Finds terms in canonical tokens (text.h).  The handler is called for each
 * occurrence, from left to right, overlapping ones too, names that lie inside
 * a DEBAR_TERM_NOT of the same entry left out.  It returns DEBAR_OK to go on.
 * Linear in len but for the terms that begin alike.
 */

typedef int (*debar_term_pt)(void *data, uint32_t term, size_t off, size_t len);

int debar_term_scan(const debar_term_index_t *ti, const debar_entry_t *entries,
    const debar_rule_t *rules, const char *text, size_t len,
    debar_term_pt handler, void *data);

/* The same by comparing every term at every place: the meaning of the above. */

int debar_term_scan_slow(const debar_term_index_t *ti,
    const debar_entry_t *entries, const debar_rule_t *rules, const char *text,
    size_t len, debar_term_pt handler, void *data);


#endif /* DEBAR_TERM_H */
