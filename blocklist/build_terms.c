/*
 * Makes the term index (term.h): terms are sorted, and cut into strides from
 * the first byte on until at most a few are left to compare.
 */

#include <stdlib.h>
#include <string.h>

#include "term.h"


#define DEBAR_TERM_COMPARED   4   /* terms that are compared, not cut further */
#define DEBAR_TERM_GATE_MIN  11   /* log2 of bits */
#define DEBAR_TERM_GATE_MAX  21   /* 256 KiB: it is to stay in a cache */
#define DEBAR_TERM_WORDS_MAX 17   /* log2 of a filter's words: 1 MiB, since all
                                     of them are to stay in a cache, too */

/* Of a hash, what an entry keeps. */

#define debar_term_kept(h)  ((h) & 0xffffffff0000ffffull)


typedef struct {
    uint32_t  node;
    uint32_t  r;
    uint64_t  bytes;
    uint32_t  what;
} debar_term_made_t;

typedef struct {
    uint32_t  term;               /* one of its terms */
    uint32_t  common;
    uint32_t  ends;
} debar_term_node_t;

typedef struct {                  /* terms from .. to - 1 below a node */
    size_t    from;
    size_t    to;
    size_t    depth;
    uint32_t  node;
} debar_term_work_t;

typedef struct {
    const debar_term_t  *terms;
    size_t               nterms;
    const char          *strings;

    uint32_t            *order;   /* terms of this trie, sorted by text */
    size_t               n;

    debar_buf_t          made;    /* debar_term_made_t */
    debar_buf_t          nodes;   /* debar_term_node_t */
    debar_buf_t          slots;   /* debar_term_slot_t */
    debar_buf_t          work;    /* debar_term_work_t */

    uint64_t            *hashes;  /* of made */
    uint32_t            *homed;   /* made in the order of their homes */
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


static uint32_t
debar_term_log2(size_t n)
{
    uint32_t  log2;

    for (log2 = 0; ((size_t) 1 << log2) < n; log2++) { /* void */ }

    return log2;
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
    b = debar_term_room(m->nterms, sizeof(uint32_t));

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

static debar_term_node_t *
debar_term_nodes(const debar_term_make_t *m)
{
    return (debar_term_node_t *) m->nodes.data;
}


static void
debar_term_entry(debar_term_make_t *m, uint32_t node, unsigned r,
    const char *bytes, unsigned kind, uint32_t index)
{
    debar_term_made_t  e;

    memset(&e, 0, sizeof(e));
    e.node = node;
    e.r = r;
    e.what = kind << 30 | index;
    memcpy(&e.bytes, bytes, r);

    debar_buf_add(&m->made, &e, sizeof(e));
    debar_term_nodes(m)[node].ends |= 1u << r;
}


static uint32_t
debar_term_node(debar_term_make_t *m, uint32_t term, size_t common)
{
    debar_term_node_t  node = { term, common, 0 };

    debar_buf_add(&m->nodes, &node, sizeof(node));

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
    n = n < DEBAR_TERM_LONG ? n : DEBAR_TERM_LONG - 1;

    for (i = 0; i < n && p[i] == q[i]; i++) { /* void */ }

    return i - i % DEBAR_TERM_STRIDE;
}


/* Terms to compare: the first of their slots. */

static uint32_t
debar_term_slots(debar_term_make_t *m, size_t from, size_t to)
{
    size_t             i, len;
    uint32_t           first;
    const char        *p;
    debar_term_slot_t  slot;

    first = m->slots.len / sizeof(slot);

    for (i = from; i < to; i++) {
        p = debar_term_text(m, i, &len);
        slot.term = m->order[i] | (i + 1 == to ? DEBAR_TERM_LAST : 0);
        slot.check = debar_term_check(p, len);
        debar_buf_add(&m->slots, &slot, sizeof(slot));
    }

    return first;
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

        if (j - i == 1) {
            debar_term_entry(m, w->node, n, p, DEBAR_TERM_ONE, m->order[i]);
            continue;
        }

        /* deeper than a node can say it is, all are compared */

        if (n < DEBAR_TERM_STRIDE || j - i <= DEBAR_TERM_COMPARED
            || w->depth + DEBAR_TERM_STRIDE >= DEBAR_TERM_LONG)
        {
            debar_term_entry(m, w->node, n, p, DEBAR_TERM_FEW,
                             debar_term_slots(m, i, j));
            continue;
        }

        memset(&below, 0, sizeof(below));
        below.from = i;
        below.to = j;
        below.depth = debar_term_common(m, i, j);
        below.node = debar_term_node(m, m->order[i], below.depth);

        debar_term_entry(m, w->node, n, p, DEBAR_TERM_NODE, below.node);
        debar_buf_add(&m->work, &below, sizeof(below));
    }
}


/* The terms of a kind, below the root of that number. */

static void
debar_term_make(debar_term_make_t *m, unsigned match)
{
    size_t             i;
    debar_term_work_t  w;

    m->n = 0;

    for (i = 0; i < m->nterms; i++) {
        if (m->terms[i].match == match) {
            m->order[m->n++] = i;
        }
    }

    debar_term_sort(m);

    memset(&w, 0, sizeof(w));
    w.to = m->n;
    w.node = match;

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

/* Words for n keys: a power of two, some bits a key. */

static uint32_t
debar_term_words(size_t n, size_t bits)
{
    uint32_t  log2;

    log2 = debar_term_log2(n * bits / 64 + 2);

    return log2 < DEBAR_TERM_WORDS_MAX ? log2 : DEBAR_TERM_WORDS_MAX;
}


/* Hashes of what was made, and its order by them.  DEBAR_ERROR: two of them
 * are the same in what is kept: another seed. */

static int
debar_term_order(debar_term_make_t *m, size_t n, uint32_t homes, uint32_t seed)
{
    size_t                    i, k;
    uint32_t                 *count, at;
    uint64_t                  h;
    const debar_term_made_t  *e;

    e = (const debar_term_made_t *) m->made.data;
    count = debar_term_room((size_t) homes + 1, sizeof(uint32_t));

    for (i = 0; i < n; i++) {
        h = debar_term_key(seed, e[i].node, e[i].r, e[i].bytes);
        m->hashes[i] = h;
        count[(h >> 32) * homes >> 32]++;
    }

    for (i = 0, at = 0; i <= homes; i++) {
        at += count[i];
        count[i] = at;
    }

    for (i = n; i > 0; i--) {
        m->homed[--count[(m->hashes[i - 1] >> 32) * homes >> 32]] = i - 1;
    }

    free(count);

    /* those of a home are few */

    for (i = 1; i < n; i++) {
        at = m->homed[i];

        h = debar_term_kept(m->hashes[at]);

        for (k = i; k && debar_term_kept(m->hashes[m->homed[k - 1]]) > h; k--) {
            m->homed[k] = m->homed[k - 1];
        }

        m->homed[k] = at;
    }

    for (i = 1; i < n; i++) {
        if (debar_term_kept(m->hashes[m->homed[i]])
            == debar_term_kept(m->hashes[m->homed[i - 1]]))
        {
            return DEBAR_ERROR;
        }
    }

    return DEBAR_OK;
}


static void
debar_term_fill(const debar_term_make_t *m, debar_term_entry_t *e,
    uint32_t what, uint64_t h)
{
    const char               *p;
    const debar_term_t       *t;
    const debar_term_node_t  *node;

    memset(e, 0, sizeof(*e));
    e->tag = h >> 32;
    e->more = h;
    e->what = what;

    switch (DEBAR_TERM_KIND(what)) {

    case DEBAR_TERM_ONE:
        t = &m->terms[DEBAR_TERM_INDEX(what)];
        e->size = t->text.len < DEBAR_TERM_LONG ? t->text.len : DEBAR_TERM_LONG;
        e->check = debar_term_check(m->strings + t->text.off, t->text.len);
        break;

    case DEBAR_TERM_NODE:
        node = &debar_term_nodes(m)[DEBAR_TERM_INDEX(what)];
        p = m->strings + m->terms[node->term].text.off;
        e->size = node->common;
        e->check = (debar_term_check(p, node->common) & ~DEBAR_TERM_ENDS)
                   | node->ends;
        break;
    }
}


/* The entries, each at its home or as soon behind it as there is room, and a
 * free one behind the last. */

static void
debar_term_write_entries(const debar_term_make_t *m, debar_buf_t *out,
    debar_term_head_t *head, size_t n)
{
    size_t                    i, at, home, last;
    uint64_t                  h;
    debar_term_entry_t       *e;
    const debar_term_made_t  *made;

    made = (const debar_term_made_t *) m->made.data;
    e = debar_term_room((size_t) head->homes + n + 1, sizeof(*e));

    for (i = 0, at = 0, last = 0; i < n; i++, at++) {
        h = m->hashes[m->homed[i]];
        home = (h >> 32) * head->homes >> 32;
        at = at < home ? home : at;
        debar_term_fill(m, &e[at], made[m->homed[i]].what, h);
        last = at + 1;
    }

    head->nentries = (last < head->homes ? head->homes : last) + 1;
    debar_buf_add(out, e, head->nentries * sizeof(*e));
    free(e);
}


/* How large the filters are. */

static void
debar_term_measure(const debar_term_make_t *m, debar_term_head_t *head,
    size_t n)
{
    size_t                    i, deep;
    size_t                    strides[DEBAR_TERM_TRIES], ends[DEBAR_TERM_TRIES];
    debar_term_shape_t       *shape;
    uint32_t                  log2;
    const debar_term_made_t  *e;

    memset(strides, 0, sizeof(strides));
    memset(ends, 0, sizeof(ends));

    e = (const debar_term_made_t *) m->made.data;
    deep = 0;

    for (i = 0; i < n; i++, e++) {
        if (e->node >= DEBAR_TERM_TRIES) {
            deep++;

        } else if (e->r == DEBAR_TERM_STRIDE) {
            strides[e->node]++;

        } else {
            ends[e->node]++;
        }
    }

    for (i = 0; i < DEBAR_TERM_TRIES; i++) {
        shape = &head->shape[i];
        shape->root = debar_term_nodes(m)[i].ends;
        shape->strides = debar_term_words(strides[i], 16);
        shape->ends = debar_term_words(ends[i], 16);

        log2 = debar_term_log2((size_t) shape->nterms * 16);
        shape->gate = shape->nterms == 0 ? 7
                      : log2 < DEBAR_TERM_GATE_MIN ? DEBAR_TERM_GATE_MIN
                      : log2 > DEBAR_TERM_GATE_MAX ? DEBAR_TERM_GATE_MAX : log2;

        /* the root's shortest key */

        for (shape->width = DEBAR_MIN_TERM;
             shape->width < DEBAR_TERM_STRIDE - 1
             && !(shape->root >> shape->width & 1);
             shape->width++)
        {
            /* void */
        }
    }

    head->keys = debar_term_words(deep, 16);
}


/* The filter of a trie's strides or ends, or of the keys of deeper nodes. */

static void
debar_term_write_filter(const debar_term_make_t *m, debar_buf_t *out,
    size_t n, uint32_t log2, uint32_t trie, const debar_term_shape_t *ends)
{
    size_t                    i;
    uint64_t                 *words, h;
    const debar_term_made_t  *e;

    e = (const debar_term_made_t *) m->made.data;
    words = debar_term_room((size_t) 1 << log2, sizeof(uint64_t));

    for (i = 0; i < n; i++, e++) {

        if (trie < DEBAR_TERM_TRIES
            ? e->node != trie || (e->r != DEBAR_TERM_STRIDE) != (ends != NULL)
            : e->node < DEBAR_TERM_TRIES)
        {
            continue;
        }

        h = m->hashes[i];

        if (ends) {
            h = debar_term_short(e->bytes, ends->width);
            words[h >> (64 - log2)] |= debar_term_bits(m->hashes[i]);
        }

        words[h >> (64 - log2)] |= debar_term_bits(h);
    }

    debar_buf_add(out, words, sizeof(uint64_t) << log2);
    free(words);
}


static void
debar_term_write_gate(const debar_term_make_t *m, debar_buf_t *out,
    uint32_t trie, uint32_t log2)
{
    size_t               i;
    uint32_t            *gate, h;
    const debar_term_t  *t;

    gate = debar_term_room((size_t) 1 << (log2 - 5), sizeof(uint32_t));

    for (i = 0; i < m->nterms; i++) {
        t = &m->terms[i];

        if (t->match == trie && t->text.len >= DEBAR_MIN_TERM) {
            h = debar_term_gate(m->strings + t->text.off, log2);
            gate[h / 32] |= 1u << (h % 32);
        }
    }

    debar_buf_add(out, gate, sizeof(uint32_t) << (log2 - 5));
    free(gate);
}


static void
debar_term_write(debar_term_make_t *m, debar_buf_t *out,
    debar_term_head_t *head)
{
    size_t               i, n;
    debar_term_shape_t  *shape;

    n = m->made.len / sizeof(debar_term_made_t);

    head->homes = n + n / 3 + 1;
    head->nslots = m->slots.len / sizeof(debar_term_slot_t);
    debar_term_measure(m, head, n);

    m->hashes = debar_term_room(n, sizeof(uint64_t));
    m->homed = debar_term_room(n, sizeof(uint32_t));

    while (debar_term_order(m, n, head->homes, head->seed) != DEBAR_OK) {
        head->seed++;
    }

    for (i = 0; i < DEBAR_TERM_TRIES; i++) {
        shape = &head->shape[i];
        debar_term_write_gate(m, out, i, shape->gate);
        debar_term_write_filter(m, out, n, shape->strides, i, NULL);
        debar_term_write_filter(m, out, n, shape->ends, i, shape);
    }

    debar_term_write_filter(m, out, n, head->keys, DEBAR_TERM_TRIES, NULL);
    debar_term_write_entries(m, out, head, n);

    if (m->slots.len) {
        debar_buf_add(out, m->slots.data, m->slots.len);
    }

    free(m->hashes);
    free(m->homed);
}


void
debar_term_index_build(debar_buf_t *out, const debar_term_t *terms,
    size_t nterms, const char *strings)
{
    size_t              from;
    unsigned            i;
    debar_term_head_t   head;
    debar_term_make_t   m;

    memset(&m, 0, sizeof(m));
    memset(&head, 0, sizeof(head));

    m.terms = terms;
    m.nterms = nterms;
    m.strings = strings;
    m.order = debar_term_room(nterms, sizeof(uint32_t));

    head.nterms = nterms;
    from = out->len;
    debar_buf_add(out, &head, sizeof(head));

    for (i = 0; i < DEBAR_TERM_TRIES; i++) {
        (void) debar_term_node(&m, 0, 0);
    }

    for (i = 0; i < DEBAR_TERM_TRIES; i++) {
        debar_term_make(&m, i);
        head.shape[i].nterms = m.n;
    }

    debar_term_write(&m, out, &head);
    memcpy(out->data + from, &head, sizeof(head));

    free(m.order);
    debar_buf_free(&m.made);
    debar_buf_free(&m.nodes);
    debar_buf_free(&m.slots);
    debar_buf_free(&m.work);
}
