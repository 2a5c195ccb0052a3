/*
 * Sorting of rows by key: quicksort in three parts over sixteen bytes of key
 * that are kept beside each row, so that most comparisons touch no key.
 * What is equal in them is sorted by the next sixteen.
 */

#include "layout.h"

#include <endian.h>
#include <stdlib.h>
#include <pthread.h>
#include <sys/mman.h>


#define DEBAR_HUGE_PAGE  ((size_t) 2 << 20)

#define SORT_CHUNK     16
#define SORT_SMALL     16
#define SORT_PARALLEL  100000
#define SORT_AHEAD     16

#define item_off(it)   ((it)->at >> 16)
#define item_len(it)   ((it)->at & 0xffff)


typedef struct {
    debar_item_t   *items;
    size_t          n;
    const uint8_t  *bytes;
} debar_range_t;


static void *debar_sort_thread(void *data);
static void debar_sort_range(const debar_range_t *r, debar_item_t *items,
    size_t n, size_t depth);
static void debar_sort_equal(const debar_range_t *r, debar_item_t *items,
    size_t n, size_t depth);
static void debar_sort_small(const debar_range_t *r, debar_item_t *items,
    size_t n, size_t depth);
static void debar_sort_split(debar_item_t *items, size_t n, size_t *lt,
    size_t *gt);


static inline void
debar_item_load(debar_item_t *it, const uint8_t *bytes, size_t depth)
{
    size_t    n, off;
    uint64_t  w[2];

    off = item_off(it) + depth;
    n = item_len(it) > depth ? item_len(it) - depth : 0;

    if (n >= SORT_CHUNK) {
        memcpy(w, bytes + off, SORT_CHUNK);

    } else {
        w[0] = 0;
        w[1] = 0;
        memcpy(w, bytes + off, n);
    }

    it->hi = be64toh(w[0]);
    it->lo = be64toh(w[1]);
}


static inline int
debar_item_less(const debar_item_t *a, const debar_item_t *b)
{
    return ((__uint128_t) a->hi << 64 | a->lo)
           < ((__uint128_t) b->hi << 64 | b->lo);
}


/* Zeroed, and on huge pages where it is large. */

void *
debar_big_alloc(size_t size)
{
    void  *p;

    if (size < 4 * DEBAR_HUGE_PAGE) {
        return calloc(1, size ? size : 1);
    }

    if (posix_memalign(&p, DEBAR_HUGE_PAGE, size) != 0) {
        return NULL;
    }

    (void) madvise(p, size, MADV_HUGEPAGE);
    memset(p, 0, size);

    return p;
}


int
debar_sort(debar_sorted_t *s, const debar_rowset_t *rs)
{
    size_t         i, lt, gt;
    pthread_t      tid;
    debar_range_t  all, left, right;

    memset(s, 0, sizeof(debar_sorted_t));

    s->n = rs->n;
    s->bytes = (const uint8_t *) rs->bytes.data;
    s->len = rs->bytes.len;

    if (s->n == 0) {
        return 0;
    }

    s->items = debar_big_alloc(s->n * sizeof(debar_item_t));
    if (s->items == NULL) {
        return -1;
    }

    for (i = 0; i < s->n; i++) {

        if (rs->rows[i].len == 0 || rs->rows[i].len > DEBAR_MAX_KEY
            || rs->rows[i].len > s->len
            || rs->rows[i].off > s->len - rs->rows[i].len)
        {
            return -1;
        }

        s->items[i].at = rs->rows[i].off << 16 | rs->rows[i].len;
        s->items[i].rule = rs->rows[i].rule;
        s->items[i].pad = 0;
        debar_item_load(&s->items[i], s->bytes, 0);
    }

    all.items = s->items;
    all.n = s->n;
    all.bytes = s->bytes;

    if (s->n < SORT_PARALLEL) {
        debar_sort_thread(&all);
        return 0;
    }

    debar_sort_split(s->items, s->n, &lt, &gt);

    left = all;
    left.n = lt;

    right = all;
    right.items += gt;
    right.n -= gt;

    if (pthread_create(&tid, NULL, debar_sort_thread, &left) != 0) {
        debar_sort_thread(&all);
        return 0;
    }

    debar_sort_equal(&all, s->items + lt, gt - lt, 0);
    debar_sort_thread(&right);
    pthread_join(tid, NULL);

    return 0;
}


void
debar_sort_free(debar_sorted_t *s)
{
    free(s->items);
    s->items = NULL;
    s->n = 0;
}


static void *
debar_sort_thread(void *data)
{
    debar_range_t  *r = data;

    debar_sort_range(r, r->items, r->n, 0);

    return NULL;
}


/*
 * Recursion: into the smaller part, and by sixteen bytes of key at a time, of
 * which DEBAR_MAX_KEY holds 32.
 */

static void
debar_sort_range(const debar_range_t *r, debar_item_t *items, size_t n,
    size_t depth)
{
    size_t  lt, gt;

    while (n > SORT_SMALL) {
        debar_sort_split(items, n, &lt, &gt);
        debar_sort_equal(r, items + lt, gt - lt, depth);

        if (lt < n - gt) {
            debar_sort_range(r, items, lt, depth);
            items += gt;
            n -= gt;

        } else {
            debar_sort_range(r, items + gt, n - gt, depth);
            n = lt;
        }
    }

    debar_sort_small(r, items, n, depth);
}


static int
debar_item_cmp_ended(const void *one, const void *two)
{
    const debar_item_t  *a = one, *b = two;

    if (item_len(a) != item_len(b)) {
        return item_len(a) < item_len(b) ? -1 : 1;
    }

    return a->rule < b->rule ? -1 : a->rule > b->rule;
}


/* All are equal in the chunk at depth: those that end in it come first. */

static void
debar_sort_equal(const debar_range_t *r, debar_item_t *items, size_t n,
    size_t depth)
{
    size_t        i, ended;
    debar_item_t  tmp;

    if (n < 2) {
        return;
    }

    for (ended = 0, i = 0; i < n; i++) {
        if (item_len(&items[i]) <= depth + SORT_CHUNK) {
            tmp = items[i];
            items[i] = items[ended];
            items[ended++] = tmp;
        }
    }

    if (ended > 1) {
        qsort(items, ended, sizeof(debar_item_t), debar_item_cmp_ended);
    }

    items += ended;
    n -= ended;

    if (n < 2) {
        return;
    }

    depth += SORT_CHUNK;

    for (i = 0; i < n; i++) {
        if (i + SORT_AHEAD < n) {
            __builtin_prefetch(r->bytes + item_off(&items[i + SORT_AHEAD])
                               + depth);
        }

        debar_item_load(&items[i], r->bytes, depth);
    }

    debar_sort_range(r, items, n, depth);
}


static int
debar_item_before(const debar_range_t *r, const debar_item_t *a,
    const debar_item_t *b, size_t depth)
{
    int     rc;
    size_t  na, nb, n;

    if (a->hi != b->hi) {
        return a->hi < b->hi;
    }

    if (a->lo != b->lo) {
        return a->lo < b->lo;
    }

    depth += SORT_CHUNK;
    na = item_len(a) > depth ? item_len(a) - depth : 0;
    nb = item_len(b) > depth ? item_len(b) - depth : 0;
    n = na < nb ? na : nb;

    if (n) {
        rc = memcmp(r->bytes + item_off(a) + depth,
                    r->bytes + item_off(b) + depth, n);
        if (rc) {
            return rc < 0;
        }
    }

    if (item_len(a) != item_len(b)) {
        return item_len(a) < item_len(b);
    }

    return a->rule < b->rule;
}


static void
debar_sort_small(const debar_range_t *r, debar_item_t *items, size_t n,
    size_t depth)
{
    size_t        i, k;
    debar_item_t  tmp;

    for (i = 1; i < n; i++) {
        tmp = items[i];

        for (k = i; k && debar_item_before(r, &tmp, &items[k - 1], depth); k--)
        {
            items[k] = items[k - 1];
        }

        items[k] = tmp;
    }
}


static const debar_item_t *
debar_sort_median(const debar_item_t *a, const debar_item_t *b,
    const debar_item_t *c)
{
    if (debar_item_less(a, b)) {
        return debar_item_less(b, c) ? b : debar_item_less(a, c) ? c : a;
    }

    return debar_item_less(a, c) ? a : debar_item_less(b, c) ? c : b;
}


/*
 * To items below, equal to and above a pivot: [0, lt), [lt, gt), [gt, n).
 * Without a branch that depends on the items: half of them would be missed.
 */

static void
debar_sort_split(debar_item_t *items, size_t n, size_t *lt, size_t *gt)
{
    size_t               i, l, k, step;
    debar_item_t         pivot, tmp;
    const debar_item_t  *m[3];

    step = n / 9;

    for (k = 0; k < 3; k++) {
        m[k] = debar_sort_median(&items[(3 * k) * step],
                                 &items[(3 * k + 1) * step],
                                 &items[(3 * k + 2) * step]);
    }

    pivot = *debar_sort_median(m[0], m[1], m[2]);

    for (l = 0, i = 0; i < n; i++) {
        tmp = items[i];
        items[i] = items[l];
        items[l] = tmp;
        l += (size_t) debar_item_less(&tmp, &pivot);
    }

    *lt = l;

    for (i = l; i < n; i++) {
        tmp = items[i];
        items[i] = items[l];
        items[l] = tmp;
        l += (size_t) !debar_item_less(&pivot, &tmp);
    }

    *gt = l;
}


size_t
debar_sorted_next(const debar_sorted_t *s, size_t *i, const uint8_t **key,
    size_t *len, uint32_t rules[DEBAR_MAX_KEY_RULES])
{
    size_t               n, k;
    const debar_item_t  *it;

    if (*i == s->n) {
        return 0;
    }

    it = &s->items[*i];

    *key = s->bytes + item_off(it);
    *len = item_len(it);

    rules[0] = it->rule;
    n = 1;

    for (k = *i + 1; k < s->n; k++) {
        it = &s->items[k];

        if (item_len(it) != *len
            || memcmp(s->bytes + item_off(it), *key, *len) != 0)
        {
            break;
        }

        if (it->rule == rules[n - 1]) {
            continue;
        }

        if (n == DEBAR_MAX_KEY_RULES) {
            return DEBAR_MAX_KEY_RULES + 1;
        }

        rules[n++] = it->rule;
    }

    if (k + SORT_AHEAD < s->n) {
        __builtin_prefetch(s->bytes + item_off(&s->items[k + SORT_AHEAD]));
    }

    *i = k;

    return n;
}
