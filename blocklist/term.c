/*
 * Terms are found from where they begin: a bitmap over hashes of four bytes
 * (the gate) turns most places away, a hashed trie with strides of eight bytes
 * leads to the terms that are left to compare.  Words are looked for where a
 * word begins, so sixteen bytes are looked at for edges at once; names that may
 * be anywhere at every place, or, where they begin in few ways, where three
 * bytes say so.
 */

#include <string.h>

#if (defined __x86_64__)
#include <immintrin.h>
#endif

#include "term.h"


#define DEBAR_TERM_BLOCK  16
#define DEBAR_TERM_WAYS   48      /* beginnings of three bytes that are few */


typedef struct {
    const debar_term_index_t  *ti;
    const debar_rule_t        *rules;
    const char                *text;
    size_t                     len;
    debar_term_pt              handler;
    void                      *data;
} debar_term_scan_t;

/* Places to look at: the bits of a block of text, and the next block. */

typedef struct {
    size_t                     base;
    uint32_t                   mask;
    size_t                     at;        /* SIZE_MAX: no more */
} debar_term_places_t;


uint32_t
debar_term_hash(const char *p)
{
    uint32_t  v;

    memcpy(&v, p, 4);

    return v * 0x9e3779b1u;
}


uint64_t
debar_term_key(uint32_t seed, uint32_t node, unsigned r, uint64_t bytes)
{
    uint64_t  h;

    h = bytes ^ ((uint64_t) node << 8 | r) * 0xff51afd7ed558ccdull
        ^ (uint64_t) seed * 0xc4ceb9fe1a85ec53ull;
    h ^= h >> 31;
    h *= 0x9e3779b97f4a7c15ull;
    h ^= h >> 29;
    h *= 0xbf58476d1ce4e5b9ull;

    return h ^ h >> 32;
}


/* --- opening ------------------------------------------------------------- */

static int
debar_term_trie_open(debar_term_trie_t *t, const uint32_t **words, size_t *n,
    const debar_term_t *terms, size_t nterms)
{
    size_t                     i, gate, keys, table, nodes;
    uint32_t                   v;
    const debar_term_shape_t  *s = &t->shape;

    if (s->gate < 5 || s->gate > 31 || s->keys < 5 || s->keys > 31
        || s->table > 28 || s->nodes == 0)
    {
        return DEBAR_ERROR;
    }

    gate = (size_t) 1 << (s->gate - 5);
    keys = (size_t) 1 << (s->keys - 5);
    table = (size_t) 2 << s->table;
    nodes = (size_t) s->nodes * DEBAR_TERM_NODE_WORDS;

    if (*n < gate + keys + table + nodes + (size_t) s->slots) {
        return DEBAR_ERROR;
    }

    t->gate = *words;
    t->keys = t->gate + gate;
    t->table = t->keys + keys;
    t->nodes = t->table + table;
    t->slots = t->nodes + nodes;

    *words = t->slots + s->slots;
    *n -= gate + keys + table + nodes + s->slots;

    for (i = 0, gate = 0; i < table; i += 2) {
        v = t->table[i + 1];

        if (v & DEBAR_TERM_NODE ? (v & ~DEBAR_TERM_NODE) >= s->nodes
                                : v > s->slots)
        {
            return DEBAR_ERROR;
        }

        gate += (v == 0);
    }

    if (gate == 0) {
        return DEBAR_ERROR;              /* a search would not end */
    }

    for (i = 0; i < nodes && nterms; i += DEBAR_TERM_NODE_WORDS) {
        if (t->nodes[i + 1] >= nterms
            || t->nodes[i + 2] > terms[t->nodes[i + 1]].text.len)
        {
            return DEBAR_ERROR;
        }
    }

    for (i = 0; i < s->slots; i++) {
        if ((t->slots[i] & ~DEBAR_TERM_LAST) >= nterms) {
            return DEBAR_ERROR;
        }
    }

    return s->slots == 0 || t->slots[s->slots - 1] & DEBAR_TERM_LAST
           ? DEBAR_OK : DEBAR_ERROR;
}


/* How the terms begin that may be anywhere: eight groups of three bytes. */

static void
debar_term_ways(debar_term_index_t *ti)
{
#if (defined __x86_64__)
    char                ways[DEBAR_TERM_WAYS][3];
    size_t              i, j, n;
    unsigned            k;
    const char         *p;
    unsigned char       c;

    for (i = 0, n = 0; i < ti->nterms; i++) {

        if (ti->terms[i].match != DEBAR_TERM_ANYWHERE) {
            continue;
        }

        p = ti->strings + ti->terms[i].text.off;

        for (j = 0; j < n && memcmp(ways[j], p, 3) != 0; j++) { /* void */ }

        if (j < n) {
            continue;
        }

        if (n == DEBAR_TERM_WAYS) {
            return;
        }

        memcpy(ways[n], p, 3);

        for (k = 0; k < 3; k++) {
            c = p[k];
            ti->low[k][c & 15] |= 1u << (n % 8);
            ti->high[k][c >> 4] |= 1u << (n % 8);
        }

        n++;
    }

    ti->few = __builtin_cpu_supports("ssse3") != 0;
#endif
}


int
debar_term_index_open(debar_term_index_t *ti, const void *data, size_t len,
    const debar_term_t *terms, size_t nterms, const char *strings)
{
    size_t           i, n, sum;
    const uint32_t  *words = data;

    memset(ti, 0, sizeof(*ti));

    n = 2 + DEBAR_TERM_TRIES * sizeof(debar_term_shape_t) / sizeof(uint32_t);

    if (len / sizeof(uint32_t) < n || len % sizeof(uint32_t)
        || (uintptr_t) data % sizeof(uint32_t) || words[0] != nterms)
    {
        return DEBAR_ERROR;
    }

    ti->terms = terms;
    ti->nterms = nterms;
    ti->strings = strings;
    ti->seed = words[1];

    for (i = 0, sum = 0; i < DEBAR_TERM_TRIES; i++) {
        memcpy(&ti->trie[i].shape,
               words + 2 + i * sizeof(debar_term_shape_t) / sizeof(uint32_t),
               sizeof(debar_term_shape_t));
        sum += ti->trie[i].shape.nterms;
    }

    words += n;
    n = len / sizeof(uint32_t) - n;

    for (i = 0; i < DEBAR_TERM_TRIES; i++) {
        if (debar_term_trie_open(&ti->trie[i], &words, &n, terms, nterms)
            != DEBAR_OK)
        {
            return DEBAR_ERROR;
        }
    }

    if (n != 0 || sum != nterms) {
        return DEBAR_ERROR;
    }

    for (i = 0; i < nterms; i++) {

        if (terms[i].text.len < DEBAR_MIN_TERM) {
            return DEBAR_ERROR;
        }

        if (terms[i].match == DEBAR_TERM_NOT
            && terms[i].text.len > ti->longest_not)
        {
            ti->longest_not = terms[i].text.len;
        }
    }

    if (ti->trie[DEBAR_TERM_ANYWHERE].shape.nterms) {
        debar_term_ways(ti);
    }

    return DEBAR_OK;
}


/* --- at one place -------------------------------------------------------- */

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


static inline int
debar_term_gate(const debar_term_trie_t *t, const char *p)
{
    uint32_t  h;

    h = debar_term_hash(p) >> (32 - t->shape.gate);

    return t->gate[h / 32] >> (h % 32) & 1;
}


/* The value of a key, or 0. */

static inline uint32_t
debar_term_find(const debar_term_trie_t *t, uint32_t seed, uint32_t node,
    unsigned r, uint64_t bytes)
{
    size_t    at, mask;
    uint32_t  tag;
    uint64_t  h;

    h = debar_term_key(seed, node, r, bytes);
    tag = h >> 32;
    at = tag >> (32 - t->shape.keys);

    if (!(t->keys[at / 32] >> (at % 32) & 1)) {
        return 0;
    }

    mask = ((size_t) 1 << t->shape.table) - 1;

    for (at = h & mask; t->table[at * 2 + 1]; at = (at + 1) & mask) {
        if (t->table[at * 2] == tag) {
            return t->table[at * 2 + 1];
        }
    }

    return 0;
}


typedef int (*debar_term_found_pt)(debar_term_scan_t *sc, uint32_t term,
    size_t off, void *data);


static int
debar_term_compare(debar_term_scan_t *sc, const debar_term_trie_t *t,
    uint32_t value, size_t off, debar_term_found_pt found, void *data)
{
    int              rc;
    uint32_t         term;
    const uint32_t  *slot;

    slot = t->slots + value - 1;

    do {
        term = *slot & ~DEBAR_TERM_LAST;

        if (debar_term_fits(sc->ti, &sc->ti->terms[term], sc->text, sc->len,
                            off))
        {
            rc = found(sc, term, off, data);

            if (rc != DEBAR_OK) {
                return rc;
            }
        }

    } while (!(*slot++ & DEBAR_TERM_LAST));

    return DEBAR_OK;
}


/*
 * Terms of a trie that begin at a place, the shorter ones first.  Each node is
 * deeper than the one before: an index that says otherwise leads nowhere.
 */

static int
debar_term_walk(debar_term_scan_t *sc, const debar_term_trie_t *t, size_t off,
    debar_term_found_pt found, void *data)
{
    int              rc;
    size_t           left, depth;
    uint32_t         value, ends;
    uint64_t         bytes;
    unsigned         r;
    const char      *p;
    const uint32_t  *node;

    node = t->nodes;
    p = sc->text + off;
    left = sc->len - off;
    depth = 0;

    for ( ;; ) {

        bytes = 0;
        memcpy(&bytes, p + depth, left - depth < DEBAR_TERM_STRIDE
                                  ? left - depth : DEBAR_TERM_STRIDE);

        for (ends = node[0] & 0xff; ends; ends &= ends - 1) {
            r = __builtin_ctz(ends);

            if (r > left - depth) {
                break;
            }

            value = debar_term_find(t, sc->ti->seed,
                                    (node - t->nodes) / DEBAR_TERM_NODE_WORDS,
                                    r, bytes & ((1ull << (r * 8)) - 1));

            if (value == 0 || value & DEBAR_TERM_NODE) {
                continue;
            }

            rc = debar_term_compare(sc, t, value, off, found, data);

            if (rc != DEBAR_OK) {
                return rc;
            }
        }

        if (!(node[0] & DEBAR_TERM_LONGER)
            || left - depth < DEBAR_TERM_STRIDE)
        {
            return DEBAR_OK;
        }

        value = debar_term_find(t, sc->ti->seed,
                                (node - t->nodes) / DEBAR_TERM_NODE_WORDS,
                                DEBAR_TERM_STRIDE, bytes);

        if (value == 0) {
            return DEBAR_OK;
        }

        if (!(value & DEBAR_TERM_NODE)) {
            return debar_term_compare(sc, t, value, off, found, data);
        }

        node = t->nodes + (value & ~DEBAR_TERM_NODE) * DEBAR_TERM_NODE_WORDS;

        if (node[2] <= depth || node[2] > left
            || memcmp(p + depth,
                      sc->ti->strings + sc->ti->terms[node[1]].text.off + depth,
                      node[2] - depth) != 0)
        {
            return DEBAR_OK;
        }

        depth = node[2];
    }
}


/* --- names hidden in longer words ---------------------------------------- */

typedef struct {
    uint32_t  entry;
    size_t    end;
} debar_term_cover_t;


static int
debar_term_covers(debar_term_scan_t *sc, uint32_t term, size_t off, void *data)
{
    debar_term_cover_t  *c = data;
    const debar_term_t  *t = &sc->ti->terms[term];

    return sc->rules[t->rule].entry == c->entry && off + t->text.len >= c->end
           ? DEBAR_DECLINED : DEBAR_OK;
}


/* Whether a longer word of the same entry covers the place. */

static int
debar_term_hidden(debar_term_scan_t *sc, const debar_term_t *t, size_t off)
{
    size_t                    p;
    debar_term_cover_t        c;
    const debar_term_trie_t  *not = &sc->ti->trie[DEBAR_TERM_NOT];

    if (sc->ti->longest_not < t->text.len) {
        return 0;
    }

    c.entry = sc->rules[t->rule].entry;
    c.end = off + t->text.len;

    p = sc->ti->longest_not - t->text.len;
    p = off > p ? off - p : 0;

    for ( /* void */ ; p <= off && sc->len - p >= DEBAR_MIN_TERM; p++) {

        if ((p == 0 || debar_term_edge(sc->text[p - 1]))
            && debar_term_gate(not, sc->text + p)
            && debar_term_walk(sc, not, p, debar_term_covers, &c)
               != DEBAR_OK)
        {
            return 1;
        }
    }

    return 0;
}


static int
debar_term_hit(debar_term_scan_t *sc, uint32_t term, size_t off, void *data)
{
    const debar_term_t  *t = &sc->ti->terms[term];

    if (debar_term_hidden(sc, t, off)) {
        return DEBAR_OK;
    }

    return sc->handler(sc->data, term, off, t->text.len);
}


/* --- places -------------------------------------------------------------- */

/* Bit i: p[i] is the edge of a word. */

static uint32_t
debar_term_edges(const char *p, size_t n)
{
    size_t    i;
    uint32_t  mask;

#if (defined __x86_64__)
    __m128i   v;

    if (n >= DEBAR_TERM_BLOCK) {
        v = _mm_loadu_si128((const __m128i *) p);

        return _mm_movemask_epi8(
                   _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8(' ')),
                                _mm_cmpeq_epi8(v, _mm_set1_epi8(0x1f))));
    }
#endif

    mask = 0;

    for (i = 0; i < n && i < DEBAR_TERM_BLOCK; i++) {
        mask |= (uint32_t) debar_term_edge(p[i]) << i;
    }

    return mask;
}


#if (defined __x86_64__)

/* Bit i: at p[i] a term may begin; reads 18 bytes. */

__attribute__((target("ssse3")))
static uint32_t
debar_term_begins(const debar_term_index_t *ti, const char *p)
{
    int      k;
    __m128i  v, half, low, high, all;

    half = _mm_set1_epi8(15);
    all = _mm_set1_epi8(-1);

    for (k = 0; k < 3; k++) {
        v = _mm_loadu_si128((const __m128i *) (p + k));
        low = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *) ti->low[k]),
                               _mm_and_si128(v, half));
        high = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *) ti->high[k]),
                                _mm_and_si128(_mm_srli_epi16(v, 4), half));
        all = _mm_and_si128(all, _mm_and_si128(low, high));
    }

    return ~_mm_movemask_epi8(_mm_cmpeq_epi8(all, _mm_setzero_si128()))
           & 0xffff;
}

#endif


static void
debar_term_next_word(const debar_term_scan_t *sc, debar_term_places_t *w)
{
    size_t                    p;
    const debar_term_trie_t  *t = &sc->ti->trie[DEBAR_TERM_WORD];

    for ( ;; ) {

        while (w->mask) {
            p = w->base + __builtin_ctz(w->mask) + 1;
            w->mask &= w->mask - 1;

            if (p + DEBAR_MIN_TERM > sc->len) {
                w->at = SIZE_MAX;
                return;
            }

            if (debar_term_gate(t, sc->text + p)) {
                w->at = p;
                return;
            }
        }

        w->base += DEBAR_TERM_BLOCK;

        if (w->base >= sc->len) {
            w->at = SIZE_MAX;
            return;
        }

        w->mask = debar_term_edges(sc->text + w->base, sc->len - w->base);
    }
}


#if (defined __x86_64__)

static void
debar_term_next_few(const debar_term_scan_t *sc, debar_term_places_t *a)
{
    size_t                    p, next;
    const debar_term_trie_t  *t = &sc->ti->trie[DEBAR_TERM_ANYWHERE];

    for ( ;; ) {

        while (a->mask) {
            p = a->base + __builtin_ctz(a->mask);
            a->mask &= a->mask - 1;

            if (debar_term_gate(t, sc->text + p)) {
                a->at = p;
                return;
            }
        }

        /* the last bytes are looked at one by one */

        next = a->base + DEBAR_TERM_BLOCK;

        if (sc->len < DEBAR_TERM_BLOCK + DEBAR_MIN_TERM
            || next > sc->len - DEBAR_TERM_BLOCK - DEBAR_MIN_TERM)
        {
            return;
        }

        a->base = next;
        a->mask = debar_term_begins(sc->ti, sc->text + next);
    }
}

#endif


/* From place p on. */

static void
debar_term_next_any(const debar_term_scan_t *sc, debar_term_places_t *a,
    size_t p)
{
    size_t                    last;
    const debar_term_trie_t  *t = &sc->ti->trie[DEBAR_TERM_ANYWHERE];

#if (defined __x86_64__)
    size_t                    next;
#endif

    a->at = SIZE_MAX;

#if (defined __x86_64__)
    if (sc->ti->few) {
        debar_term_next_few(sc, a);

        if (a->at != SIZE_MAX) {
            return;
        }

        next = a->base + DEBAR_TERM_BLOCK;
        p = p < next ? next : p;
    }
#endif

    for (last = sc->len - DEBAR_MIN_TERM; p <= last; p++) {

        if (debar_term_gate(t, sc->text + p)) {
            a->at = p;
            return;
        }
    }
}


int
debar_term_scan(const debar_term_index_t *ti, const debar_entry_t *entries,
    const debar_rule_t *rules, const char *text, size_t len,
    debar_term_pt handler, void *data)
{
    int                  rc;
    debar_term_scan_t    sc = { ti, rules, text, len, handler, data };
    debar_term_places_t  w, a;

    if (ti->nterms == 0 || len < DEBAR_MIN_TERM) {
        return DEBAR_OK;
    }

    /* the block before the first has one edge: the beginning of the text */

    w.base = (size_t) 0 - DEBAR_TERM_BLOCK;
    w.mask = 1u << (DEBAR_TERM_BLOCK - 1);
    w.at = SIZE_MAX;
    a.base = w.base;
    a.mask = 0;
    a.at = SIZE_MAX;

    if (ti->trie[DEBAR_TERM_WORD].shape.nterms) {
        debar_term_next_word(&sc, &w);
    }

    if (ti->trie[DEBAR_TERM_ANYWHERE].shape.nterms) {
        debar_term_next_any(&sc, &a, 0);
    }

    while (w.at != SIZE_MAX || a.at != SIZE_MAX) {

        if (w.at <= a.at) {
            rc = debar_term_walk(&sc, &ti->trie[DEBAR_TERM_WORD], w.at,
                                 debar_term_hit, NULL);
            debar_term_next_word(&sc, &w);

        } else {
            rc = debar_term_walk(&sc, &ti->trie[DEBAR_TERM_ANYWHERE], a.at,
                                 debar_term_hit, NULL);
            debar_term_next_any(&sc, &a, a.at + 1);
        }

        if (rc != DEBAR_OK) {
            return rc;
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
