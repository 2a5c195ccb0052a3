/*
 * Terms are found by their first four bytes: a bitmap over hashes of those
 * (the gate) turns most places of a text away, a bucket holds the terms that
 * are left to compare.  The longest terms of a bucket come first, so that the
 * order of hits at one place is fixed.
 *
 * Layout, all uint32_t: number of terms, bucket mask, gate[], bucket[mask + 2],
 * slot[nterms].  The gate has 32 bits per bucket.
 */

#include <stdlib.h>

#include "term.h"


#define DEBAR_TERM_MIN_BUCKETS  2048


static inline uint32_t
debar_term_hash(const char *p)
{
    uint32_t  v;

    memcpy(&v, p, 4);

    return v * 0x9e3779b1u;
}


static inline uint32_t
debar_term_bucket(uint32_t hash, uint32_t mask)
{
    return (hash >> 7) & mask;
}


static uint32_t
debar_term_mask(size_t nterms)
{
    uint32_t  n = DEBAR_TERM_MIN_BUCKETS;

    while (n < nterms * 2 && n < (1u << 24)) {
        n <<= 1;
    }

    return n - 1;
}


/* The gate takes its bits from the top of the hash, the bucket from below. */

static inline uint32_t
debar_term_gate_bits(uint32_t mask)
{
    return __builtin_clz(mask) - 5;
}


static inline uint32_t
debar_term_gate(uint32_t hash, uint32_t shift)
{
    return hash >> shift;
}


typedef struct {
    uint32_t  bucket;
    uint32_t  len;
    uint32_t  term;
} debar_term_order_t;


static int
debar_term_cmp(const void *one, const void *two)
{
    const debar_term_order_t  *a = one, *b = two;

    if (a->bucket != b->bucket) {
        return a->bucket < b->bucket ? -1 : 1;
    }

    if (a->len != b->len) {
        return a->len > b->len ? -1 : 1;
    }

    return a->term < b->term ? -1 : 1;
}


void
debar_term_index_build(debar_buf_t *out, const debar_term_t *terms,
    size_t nterms, const char *strings)
{
    size_t               i, n;
    uint32_t             mask, shift, hash, gate, *words;
    debar_term_order_t  *order;

    mask = debar_term_mask(nterms);
    shift = debar_term_gate_bits(mask);
    n = 2 + (mask + 1) + (mask + 2) + nterms;

    words = calloc(n, sizeof(uint32_t));
    order = calloc(nterms + 1, sizeof(debar_term_order_t));

    if (words == NULL || order == NULL) {
        abort();
    }

    words[0] = nterms;
    words[1] = mask;

    for (i = 0; i < nterms; i++) {
        hash = debar_term_hash(strings + terms[i].text.off);
        gate = debar_term_gate(hash, shift);

        words[2 + gate / 32] |= 1u << (gate % 32);

        order[i].bucket = debar_term_bucket(hash, mask);
        order[i].len = terms[i].text.len;
        order[i].term = i;
    }

    qsort(order, nterms, sizeof(debar_term_order_t), debar_term_cmp);

    for (i = 0; i < nterms; i++) {
        words[2 + mask + 1 + order[i].bucket + 1]++;
        words[2 + (mask + 1) + (mask + 2) + i] = order[i].term;
    }

    for (i = 0; i <= mask; i++) {
        words[2 + mask + 1 + i + 1] += words[2 + mask + 1 + i];
    }

    debar_buf_add(out, words, n * sizeof(uint32_t));

    free(words);
    free(order);
}


int
debar_term_index_open(debar_term_index_t *ti, const void *data, size_t len,
    const debar_term_t *terms, size_t nterms, const char *strings)
{
    size_t           i, n;
    const uint32_t  *words = data;

    if (len < 2 * sizeof(uint32_t) || len % sizeof(uint32_t)
        || (uintptr_t) data % sizeof(uint32_t))
    {
        return DEBAR_ERROR;
    }

    n = len / sizeof(uint32_t);

    ti->terms = terms;
    ti->nterms = nterms;
    ti->strings = strings;
    ti->mask = words[1];

    if (words[0] != nterms || ti->mask != debar_term_mask(nterms)
        || n != 2 + ((size_t) ti->mask + 1) + ((size_t) ti->mask + 2) + nterms)
    {
        return DEBAR_ERROR;
    }

    ti->gate = words + 2;
    ti->bucket = ti->gate + ti->mask + 1;
    ti->slot = ti->bucket + ti->mask + 2;

    for (i = 0; i <= ti->mask; i++) {
        if (ti->bucket[i] > ti->bucket[i + 1]) {
            return DEBAR_ERROR;
        }
    }

    if (ti->bucket[0] != 0 || ti->bucket[ti->mask + 1] != nterms) {
        return DEBAR_ERROR;
    }

    ti->longest_not = 0;

    for (i = 0; i < nterms; i++) {
        if (ti->slot[i] >= nterms || terms[i].text.len < DEBAR_MIN_TERM) {
            return DEBAR_ERROR;
        }

        if (terms[i].match == DEBAR_TERM_NOT
            && terms[i].text.len > ti->longest_not)
        {
            ti->longest_not = terms[i].text.len;
        }
    }

    return DEBAR_OK;
}


static inline int
debar_term_edge(char c)
{
    return c == ' ' || c == 0x1f;
}


static int
debar_term_fits(const debar_term_index_t *ti, const debar_term_t *t,
    const char *text, size_t len, size_t off)
{
    size_t  n = t->text.len;

    if (n > len - off
        || memcmp(text + off, ti->strings + t->text.off, n) != 0)
    {
        return 0;
    }

    if (t->match == DEBAR_TERM_ANYWHERE) {
        return 1;
    }

    return (off == 0 || debar_term_edge(text[off - 1]))
           && (off + n == len || debar_term_edge(text[off + n]));
}


/* Whether a longer word of the same entry, not its own, covers the place. */

static int
debar_term_hidden(const debar_term_index_t *ti, const debar_rule_t *rules,
    const debar_term_t *t, const char *text, size_t len, size_t off)
{
    size_t               p, i;
    uint32_t             hash, b, s;
    const debar_term_t  *not;

    if (ti->longest_not < t->text.len) {
        return 0;
    }

    p = ti->longest_not - t->text.len;
    p = off > p ? off - p : 0;

    for ( /* void */ ; p <= off && len - p >= DEBAR_MIN_TERM; p++) {

        hash = debar_term_hash(text + p);
        b = debar_term_bucket(hash, ti->mask);

        for (i = ti->bucket[b]; i < ti->bucket[b + 1]; i++) {
            s = ti->slot[i];
            not = &ti->terms[s];

            if (not->match == DEBAR_TERM_NOT
                && rules[not->rule].entry == rules[t->rule].entry
                && debar_term_fits(ti, not, text, len, p)
                && p + not->text.len >= off + t->text.len)
            {
                return 1;
            }
        }
    }

    return 0;
}


int
debar_term_scan(const debar_term_index_t *ti, const debar_entry_t *entries,
    const debar_rule_t *rules, const char *text, size_t len,
    debar_term_pt handler, void *data)
{
    int                  rc;
    size_t               off, i;
    uint32_t             hash, gate, b, s, shift;
    const debar_term_t  *t;

    if (ti->nterms == 0 || len < DEBAR_MIN_TERM) {
        return DEBAR_OK;
    }

    shift = debar_term_gate_bits(ti->mask);

    for (off = 0; off <= len - DEBAR_MIN_TERM; off++) {

        hash = debar_term_hash(text + off);
        gate = debar_term_gate(hash, shift);

        if (!(ti->gate[gate / 32] >> (gate % 32) & 1)) {
            continue;
        }

        b = debar_term_bucket(hash, ti->mask);

        for (i = ti->bucket[b]; i < ti->bucket[b + 1]; i++) {
            s = ti->slot[i];
            t = &ti->terms[s];

            if (t->match == DEBAR_TERM_NOT
                || !debar_term_fits(ti, t, text, len, off)
                || debar_term_hidden(ti, rules, t, text, len, off))
            {
                continue;
            }

            rc = handler(data, s, off, t->text.len);

            if (rc != DEBAR_OK) {
                return rc;
            }
        }
    }

    return DEBAR_OK;
}


int
debar_term_scan_slow(const debar_term_index_t *ti,
    const debar_entry_t *entries, const debar_rule_t *rules, const char *text,
    size_t len, debar_term_pt handler, void *data)
{
    int                  rc, hidden;
    size_t               off, p, i, j;
    const debar_term_t  *t, *not;

    for (off = 0; off < len; off++) {
        for (i = 0; i < ti->nterms; i++) {
            t = &ti->terms[i];

            if (t->match == DEBAR_TERM_NOT
                || !debar_term_fits(ti, t, text, len, off))
            {
                continue;
            }

            hidden = 0;

            for (j = 0; j < ti->nterms; j++) {
                not = &ti->terms[j];

                if (not->match != DEBAR_TERM_NOT
                    || rules[not->rule].entry != rules[t->rule].entry)
                {
                    continue;
                }

                for (p = 0; p <= off; p++) {
                    hidden |= debar_term_fits(ti, not, text, len, p)
                              && p + not->text.len >= off + t->text.len;
                }
            }

            if (hidden) {
                continue;
            }

            rc = handler(data, i, off, t->text.len);

            if (rc != DEBAR_OK) {
                return rc;
            }
        }
    }

    return DEBAR_OK;
}
