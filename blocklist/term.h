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
 * (build_terms.c)
 */

void debar_term_index_build(debar_buf_t *out, const debar_term_t *terms,
    size_t nterms, const char *strings);


/*
 * The layout, all uint32_t: number of terms, seed, then for each of three tries
 * (terms found anywhere, as words, and longer words that hide a name) its
 * debar_term_shape_t, then for each its gate, keys, table, nodes and slots.
 *
 * gate: a bitmap over hashes of a place's first four bytes; keys: one over those
 * of the table's keys, which spares most looks into it.
 *
 * A trie has strides of eight bytes.  A node is DEBAR_TERM_NODE_WORDS: a word
 * that has a bit r for terms that end r (0..7) bytes behind it, and
 * DEBAR_TERM_LONGER if there are longer ones; one of its terms; and how many
 * bytes all of its terms have in common, a multiple of the stride.
 * table: pairs {tag, value}, found by a hash of node, r (8: a whole stride) and
 * the bytes, linear probing; value 0 is free, DEBAR_TERM_NODE | node leads on,
 * else slots from value - 1 are terms to compare, up to one with
 * DEBAR_TERM_LAST.  Two keys of one run never have the same tag.
 */

#define DEBAR_TERM_TRIES   3
#define DEBAR_TERM_NODE    0x80000000u
#define DEBAR_TERM_LAST    0x80000000u
#define DEBAR_TERM_LONGER  0x100
#define DEBAR_TERM_STRIDE  8
#define DEBAR_TERM_NODE_WORDS  3

typedef struct {
    uint32_t  nterms;
    uint32_t  gate;               /* log2 of its bits, 5 at least */
    uint32_t  keys;               /* likewise */
    uint32_t  table;              /* log2 of its pairs */
    uint32_t  nodes;
    uint32_t  slots;
} debar_term_shape_t;

uint64_t debar_term_key(uint32_t seed, uint32_t node, unsigned r,
    uint64_t bytes);
uint32_t debar_term_hash(const char *p);


/* An index in a mapping, checked once. */

typedef struct {
    debar_term_shape_t   shape;
    const uint32_t      *gate;
    const uint32_t      *keys;
    const uint32_t      *table;
    const uint32_t      *nodes;
    const uint32_t      *slots;
} debar_term_trie_t;

typedef struct {
    const debar_term_t  *terms;
    size_t               nterms;
    const char          *strings;
    uint32_t             seed;
    debar_term_trie_t    trie[DEBAR_TERM_TRIES];   /* by DEBAR_TERM_*, as
                                                      word, anywhere, not */
    uint32_t             longest_not;   /* bytes of the longest
                                           DEBAR_TERM_NOT */
    unsigned             few;     /* anywhere terms begin in few ways: three
                                     bytes tell, sixteen places at a time */
    uint8_t              low[3][16];    /* groups by a byte's low half, ... */
    uint8_t              high[3][16];
} debar_term_index_t;

int debar_term_index_open(debar_term_index_t *ti, const void *data, size_t len,
    const debar_term_t *terms, size_t nterms, const char *strings);

/*
 * Finds terms in canonical tokens (text.h).  The handler is called for each
 * occurrence, from left to right, overlapping ones too, names that lie inside
 * a DEBAR_TERM_NOT of the same entry left out.  It returns DEBAR_OK to go on.
 * Linear in len but for the terms that begin alike, whose strides are walked.
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
