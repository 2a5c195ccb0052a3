/*
 * The term index: names and product names to find in canonical text, one
 * aligned value of a snapshot, used from the mapping as it is.
 */

#ifndef DEBAR_TERM_H
#define DEBAR_TERM_H

#include <string.h>

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
 * The layout: debar_term_head_t, then for each of three tries (terms found as
 * words, anywhere, and longer words that hide a name) its filters, then keys,
 * entries and slots, which they share.
 *
 * A trie has strides of eight bytes.  The nodes are numbers, the roots are 0,
 * 1 and 2; node, r and r bytes are the key of what is behind them: the terms
 * that end there (r < 8), or what is behind a whole stride: a term or a few,
 * that are compared, or a node.  A node has how many bytes its terms have in
 * common, a multiple of the stride, and a word (its ends) with a bit r for
 * each r there is a key of.
 *
 * Filters say where a term may begin.  gate: a bitmap over hashes of a place's
 * first four bytes, small and quick; the others are of words of 64 bits, of
 * which a place needs one.  strides: that of the hash of a root's key of eight bytes
 * has two bits for it.  ends: that of the hash of a shorter key's first bytes
 * (as many as the shortest has) has two bits for these and two for the key.
 * keys: like strides, of the keys of all other nodes.
 *
 * entries are in the order of the hashes of their keys, each at its home or as
 * soon behind it as there is room, so that a search ends at the first larger
 * one, and reads on in one direction.  The last entry is free.  No two keys
 * have the same 48 bits of hash that are kept (the seed sees to that).
 */

#define DEBAR_TERM_TRIES    3
#define DEBAR_TERM_STRIDE   8
#define DEBAR_TERM_LONG     0xffff    /* this long or longer */

typedef enum {
    DEBAR_TERM_FREE = 0,
    DEBAR_TERM_ONE,               /* index of a term */
    DEBAR_TERM_FEW,               /* first of some slots */
    DEBAR_TERM_NODE               /* its number */
} debar_term_entry_e;

typedef struct {
    uint32_t  tag;                /* the upper half of the hash */
    uint32_t  what;               /* debar_term_entry_e << 30 | index */
    uint32_t  check;              /* ONE: debar_term_check(); NODE: a part of
                                     that of what is in common, << 9 | ends */
    uint16_t  more;               /* the lowest bits of the hash */
    uint16_t  size;               /* ONE: length; NODE: bytes in common */
} debar_term_entry_t;

#define DEBAR_TERM_KIND(what)   ((what) >> 30)
#define DEBAR_TERM_INDEX(what)  ((what) & 0x3fffffff)
#define DEBAR_TERM_ENDS         0x1ff

typedef struct {
    uint32_t  term;               /* DEBAR_TERM_LAST: the last one */
    uint32_t  check;              /* debar_term_check() */
} debar_term_slot_t;

#define DEBAR_TERM_LAST  0x80000000u

typedef struct {
    uint32_t  nterms;
    uint32_t  root;               /* its ends */
    uint32_t  strides;            /* log2 of words */
    uint32_t  ends;               /* likewise */
    uint32_t  width;              /* bytes that choose a word of ends */
    uint32_t  gate;               /* log2 of bits */
} debar_term_shape_t;

typedef struct {
    uint32_t            nterms;
    uint32_t            seed;
    uint32_t            keys;     /* log2 of words */
    uint32_t            homes;    /* of entries */
    uint32_t            nentries;
    uint32_t            nslots;
    uint32_t            pad[4];   /* entries are to be aligned to 16 bytes */
    debar_term_shape_t  shape[DEBAR_TERM_TRIES];
} debar_term_head_t;


/* What builder and scanner have to agree on. */

static inline uint64_t
debar_term_mix(uint64_t a, uint64_t b)
{
    __uint128_t  r = (__uint128_t) a * b;

    return (uint64_t) r ^ (uint64_t) (r >> 64);
}


static inline uint64_t
debar_term_salt(uint32_t seed, uint32_t node, unsigned r)
{
    return ((uint64_t) node << 4 | r) * 0x9e3779b97f4a7c15ull
           ^ 0xe7037ed1a0b428dbull ^ seed;
}


static inline uint64_t
debar_term_salted(uint64_t bytes, uint64_t salt)
{
    return debar_term_mix(bytes ^ 0xa0761d6478bd642full, salt);
}


static inline uint64_t
debar_term_key(uint32_t seed, uint32_t node, unsigned r, uint64_t bytes)
{
    return debar_term_salted(bytes, debar_term_salt(seed, node, r));
}


/* The bits of a hash in the word h >> (64 - log2) of a filter. */

static inline uint64_t
debar_term_bits(uint64_t h)
{
    return 1ull << (h & 63) | 1ull << (h >> 6 & 63);
}


/* The bit of four bytes in the gate. */

static inline uint32_t
debar_term_gate(const char *p, uint32_t log2)
{
    uint32_t  v;

    memcpy(&v, p, sizeof(v));

    return v * 0x9e3779b1u >> (32 - log2);
}


/* The hash of the first bytes of a shorter key. */

static inline uint64_t
debar_term_short(uint64_t bytes, uint32_t width)
{
    return debar_term_mix(bytes << (64 - 8 * width), 0x9e3779b97f4a7c15ull);
}


/* Of the last eight bytes, or of all if these are fewer (four at least). */

static inline uint32_t
debar_term_check(const char *p, size_t len)
{
    uint32_t  first, last;
    uint64_t  v;

    if (len >= 8) {
        memcpy(&v, p + len - 8, 8);

    } else {
        memcpy(&first, p, 4);
        memcpy(&last, p + len - 4, 4);
        v = (uint64_t) first << 32 | last;
    }

    return (v ^ v >> 32) * 0x9e3779b97f4a7c15ull >> 32;
}


/* An index in a mapping, checked once. */

typedef struct {
    const debar_term_t        *terms;
    size_t                     nterms;
    const char                *strings;
    const debar_term_head_t   *head;
    const uint32_t            *gate[DEBAR_TERM_TRIES];
    const uint64_t            *strides[DEBAR_TERM_TRIES];  /* by DEBAR_TERM_
                                                              WORD, ... */
    const uint64_t            *ends[DEBAR_TERM_TRIES];
    const uint64_t            *keys;
    const debar_term_entry_t  *entries;
    const debar_term_slot_t   *slots;
    uint32_t                   longest_not;   /* bytes of the longest
                                                 DEBAR_TERM_NOT */
    unsigned                   few;     /* anywhere terms begin in few ways:
                                           three bytes tell, sixteen places at
                                           a time */
    uint8_t                    low[3][16];    /* groups by a byte's low half,
                                                 ... */
    uint8_t                    high[3][16];
} debar_term_index_t;

int debar_term_index_open(debar_term_index_t *ti, const void *data, size_t len,
    const debar_term_t *terms, size_t nterms, const char *strings);

/*
 * Finds terms in canonical tokens (text.h).  The handler is called for each
 * occurrence, from left to right, overlapping ones too, names that lie inside
 * a DEBAR_TERM_NOT of the same entry left out.  It returns DEBAR_OK to go on;
 * it is called some bytes of text late, for many at a time.  Linear in len but
 * for the terms that begin alike, whose strides are walked.
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
