/*
 * Makes the term index (term.h): terms are sorted, and cut into strides from
 * the first byte on until at most a few are left to compare.
 */

#include <stdlib.h>
#include <string.h>

#include "term.h"


#define DEBAR_TERM_FEW        4   /* that are compared, not cut further */
#define DEBAR_TERM_GATE_MIN  11   /* log2 of bits */
#define DEBAR_TERM_GATE_MAX  21   /* 256 KiB: it is to stay in a cache */
#define DEBAR_TERM_KEYS_MAX  24   /* 2 MiB */


typedef struct {
    uint32_t  node;
    uint32_t  r;
    uint64_t  bytes;
    uint32_t  value;
} debar_term_entry_t;

typedef struct {                  /* terms from .. to - 1 below a node */
    size_t    from;
    size_t    to;
    size_t    depth;
    uint32_t  node;
} debar_term_work_t;

typedef struct {
    const debar_term_t  *terms;
    const char          *strings;

    uint32_t            *order;   /* terms of this trie, sorted by text */
    size_t               n;

    debar_buf_t          entries; /* debar_term_entry_t */
    debar_buf_t          nodes;   /* uint32_t */
    debar_buf_t          slots;   /* uint32_t */
    debar_buf_t          work;    /* debar_term_work_t */
} debar_term_make_t;


static void *
debar_term_room(size_t n, size_t size)
{
    void  *p;

    p = calloc(n + 1, size);
    if (p == NULL) {
        abort();
    }

    return p;
}


static const char *
debar_term_text(const debar_term_make_t *m, size_t i, size_t *len)
{
    const debar_term_t  *t = &m->terms[m->order[i]];

    *len = t->text.len;

    return m->strings + t->text.off;
}


/* --- order --------------------------------------------------------------- */

static int
debar_term_less(const debar_term_make_t *m, uint32_t a, uint32_t b)
{
    int                  rc;
    const debar_term_t  *x = &m->terms[a], *y = &m->terms[b];

    rc = memcmp(m->strings + x->text.off, m->strings + y->text.off,
                x->text.len < y->text.len ? x->text.len : y->text.len);

    if (rc) {
        return rc < 0;
    }

    if (x->text.len != y->text.len) {
        return x->text.len < y->text.len;
    }

    return a < b;
}


/* Bottom up, since qsort() passes no context and keeps no promise on time. */

static void
debar_term_sort(debar_term_make_t *m)
{
    size_t     i, j, k, from, mid, to, width;
    uint32_t  *a, *b, *swap;

    a = m->order;
    b = debar_term_room(m->n, sizeof(uint32_t));

    for (width = 1; width < m->n; width *= 2) {

        for (from = 0; from < m->n; from = to) {
            mid = from + width < m->n ? from + width : m->n;
            to = mid + width < m->n ? mid + width : m->n;

            for (i = from, j = mid, k = from; k < to; k++) {
                if (i < mid && (j == to || !debar_term_less(m, a[j], a[i]))) {
                    b[k] = a[i++];

                } else {
                    b[k] = a[j++];
                }
            }
        }

        swap = a;
        a = b;
        b = swap;
    }

    m->order = a;
    free(b);
}


/* --- strides ------------------------------------------------------------- */

static void
debar_term_entry(debar_term_make_t *m, uint32_t node, unsigned r,
    const char *bytes, uint32_t value)
{
    debar_term_entry_t  e;

    memset(&e, 0, sizeof(e));
    e.node = node;
    e.r = r;
    e.value = value;
    memcpy(&e.bytes, bytes, r);

    debar_buf_add(&m->entries, &e, sizeof(e));

    ((uint32_t *) m->nodes.data)[node * DEBAR_TERM_NODE_WORDS]
        |= r == DEBAR_TERM_STRIDE ? DEBAR_TERM_LONGER : 1u << r;
}


static uint32_t
debar_term_node(debar_term_make_t *m, uint32_t term, size_t depth)
{
    uint32_t  node[DEBAR_TERM_NODE_WORDS] = { 0, term, depth };

    debar_buf_add(&m->nodes, node, sizeof(node));

    return m->nodes.len / sizeof(node) - 1;
}


/* What sorted terms have in common, in whole strides. */

static size_t
debar_term_common(const debar_term_make_t *m, size_t from, size_t to)
{
    size_t       i, n, last;
    const char  *p, *q;

    p = debar_term_text(m, from, &n);
    q = debar_term_text(m, to - 1, &last);
    n = n < last ? n : last;

    for (i = 0; i < n && p[i] == q[i]; i++) { /* void */ }

    return i - i % DEBAR_TERM_STRIDE;
}


/* Terms to compare: the value of their entry. */

static uint32_t
debar_term_slots(debar_term_make_t *m, size_t from, size_t to)
{
    size_t    i;
    uint32_t  first, slot;

    first = m->slots.len / sizeof(slot);

    for (i = from; i < to; i++) {
        slot = m->order[i] | (i + 1 == to ? DEBAR_TERM_LAST : 0);
        debar_buf_add(&m->slots, &slot, sizeof(slot));
    }

    return first + 1;
}


static void
debar_term_cut(debar_term_make_t *m, const debar_term_work_t *w)
{
    size_t              i, j, len, n, next;
    const char         *p, *q;
    debar_term_work_t   below;

    for (i = w->from; i < w->to; i = j) {

        p = debar_term_text(m, i, &len) + w->depth;
        n = len - w->depth;
        n = n < DEBAR_TERM_STRIDE ? n : DEBAR_TERM_STRIDE;

        for (j = i + 1; j < w->to; j++) {
            q = debar_term_text(m, j, &next) + w->depth;
            next -= w->depth;

            if ((n < DEBAR_TERM_STRIDE ? next != n : next < n)
                || memcmp(p, q, n) != 0)
            {
                break;
            }
        }

        if (n < DEBAR_TERM_STRIDE || j - i <= DEBAR_TERM_FEW) {
            debar_term_entry(m, w->node, n, p, debar_term_slots(m, i, j));
            continue;
        }

        memset(&below, 0, sizeof(below));
        below.from = i;
        below.to = j;
        below.depth = debar_term_common(m, i, j);
        below.node = debar_term_node(m, m->order[i], below.depth);

        debar_term_entry(m, w->node, n, p, DEBAR_TERM_NODE | below.node);
        debar_buf_add(&m->work, &below, sizeof(below));
    }
}


static void
debar_term_make(debar_term_make_t *m, const debar_term_t *terms, size_t nterms,
    const char *strings, unsigned match)
{
    size_t             i;
    debar_term_work_t  w;

    memset(m, 0, sizeof(*m));

    m->terms = terms;
    m->strings = strings;
    m->order = debar_term_room(nterms, sizeof(uint32_t));

    for (i = 0; i < nterms; i++) {
        if (terms[i].match == match) {
            m->order[m->n++] = i;
        }
    }

    debar_term_sort(m);

    memset(&w, 0, sizeof(w));
    w.to = m->n;
    w.node = debar_term_node(m, 0, 0);

    for ( ;; ) {
        debar_term_cut(m, &w);

        if (m->work.len == 0) {
            break;
        }

        m->work.len -= sizeof(w);
        memcpy(&w, m->work.data + m->work.len, sizeof(w));
    }
}


/* --- the bytes ----------------------------------------------------------- */

/* DEBAR_ERROR: two keys of a run have one tag: another seed. */

static int
debar_term_table(const debar_term_make_t *m, uint32_t *table, uint32_t *keys,
    const debar_term_shape_t *s, uint32_t seed)
{
    size_t                     i, n, at, mask, bit;
    uint32_t                   tag;
    uint64_t                   h;
    const debar_term_entry_t  *e;

    e = (const debar_term_entry_t *) m->entries.data;
    n = m->entries.len / sizeof(*e);
    mask = ((size_t) 1 << s->table) - 1;

    for (i = 0; i < n; i++, e++) {
        h = debar_term_key(seed, e->node, e->r, e->bytes);
        tag = h >> 32;

        bit = tag >> (32 - s->keys);
        keys[bit / 32] |= 1u << (bit % 32);

        for (at = h & mask; table[at * 2 + 1]; at = (at + 1) & mask) {
            if (table[at * 2] == tag) {
                return DEBAR_ERROR;
            }
        }

        table[at * 2] = tag;
        table[at * 2 + 1] = e->value;
    }

    return DEBAR_OK;
}


static uint32_t
debar_term_log2(size_t n)
{
    uint32_t  log2;

    for (log2 = 0; ((size_t) 1 << log2) < n; log2++) { /* void */ }

    return log2;
}


static void
debar_term_shape(const debar_term_make_t *m, debar_term_shape_t *s)
{
    size_t    keys;
    uint32_t  bits;

    bits = debar_term_log2(m->n * 8);
    keys = m->entries.len / sizeof(debar_term_entry_t);

    s->nterms = m->n;
    s->gate = m->n == 0 ? 5
              : bits < DEBAR_TERM_GATE_MIN ? DEBAR_TERM_GATE_MIN
              : bits > DEBAR_TERM_GATE_MAX ? DEBAR_TERM_GATE_MAX : bits;

    bits = debar_term_log2(keys * 16);

    s->keys = bits < 5 ? 5
              : bits > DEBAR_TERM_KEYS_MAX ? DEBAR_TERM_KEYS_MAX : bits;

    /* at most two thirds full, and one free at least */

    s->table = debar_term_log2(keys * 3 / 2 + 2);
    s->nodes = m->nodes.len / sizeof(uint32_t) / DEBAR_TERM_NODE_WORDS;
    s->slots = m->slots.len / sizeof(uint32_t);
}


static int
debar_term_write(debar_buf_t *out, const debar_term_make_t *m,
    const debar_term_shape_t *s, uint32_t seed)
{
    int        rc;
    size_t     i, len;
    uint32_t  *gate, *keys, *table, h;

    gate = debar_term_room((size_t) 1 << (s->gate - 5), sizeof(uint32_t));

    for (i = 0; i < m->n; i++) {
        h = debar_term_hash(debar_term_text(m, i, &len)) >> (32 - s->gate);
        gate[h / 32] |= 1u << (h % 32);
    }

    table = debar_term_room((size_t) 2 << s->table, sizeof(uint32_t));
    keys = debar_term_room((size_t) 1 << (s->keys - 5), sizeof(uint32_t));
    rc = debar_term_table(m, table, keys, s, seed);

    debar_buf_add(out, gate, sizeof(uint32_t) << (s->gate - 5));
    debar_buf_add(out, keys, sizeof(uint32_t) << (s->keys - 5));
    debar_buf_add(out, table, (2 * sizeof(uint32_t)) << s->table);
    debar_buf_add(out, m->nodes.data, m->nodes.len);
    debar_buf_add(out, m->slots.data ? m->slots.data : "", m->slots.len);

    free(gate);
    free(keys);
    free(table);

    return rc;
}


void
debar_term_index_build(debar_buf_t *out, const debar_term_t *terms,
    size_t nterms, const char *strings)
{
    int                 rc;
    size_t              from;
    uint32_t            head[2];
    unsigned            i;
    debar_term_make_t   m[DEBAR_TERM_TRIES];
    debar_term_shape_t  shape[DEBAR_TERM_TRIES];

    for (i = 0; i < DEBAR_TERM_TRIES; i++) {
        debar_term_make(&m[i], terms, nterms, strings, i);
        debar_term_shape(&m[i], &shape[i]);
    }

    from = out->len;
    head[0] = nterms;
    head[1] = 0;

    do {
        out->len = from;
        debar_buf_add(out, head, sizeof(head));
        debar_buf_add(out, shape, sizeof(shape));

        for (i = 0, rc = DEBAR_OK; i < DEBAR_TERM_TRIES; i++) {
            if (debar_term_write(out, &m[i], &shape[i], head[1]) != DEBAR_OK) {
                rc = DEBAR_ERROR;
            }
        }

        head[1]++;

    } while (rc != DEBAR_OK);

    for (i = 0; i < DEBAR_TERM_TRIES; i++) {
        free(m[i].order);
        debar_buf_free(&m[i].entries);
        debar_buf_free(&m[i].nodes);
        debar_buf_free(&m[i].slots);
        debar_buf_free(&m[i].work);
    }
}
