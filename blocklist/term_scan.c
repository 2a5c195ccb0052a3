/*
 * Terms are found from where they begin, many places at a time, so that no
 * text, whoever wrote it, waits for one cache miss after the other.
 *
 * 1. Places: 64 bytes of text at once, a bit for each place where a term may
 *    begin.  Words begin behind an edge; names that may be anywhere at every
 *    place, or, where they begin in few ways, where three bytes say so.
 *    A bitmap over hashes of four bytes (the gate), and filters of the roots'
 *    keys, turn most of them away.
 * 2. Levels: some dozen places go down their tries together, a stride a level.
 *    The keys that a filter lets through are fetched ahead, and then looked at.
 * 3. Hits: terms whose ends look right, fetched ahead, compared in full, and
 *    told in order of place.
 */

#include "term_private.h"


#define DEBAR_TERM_BLOCK   64
#define DEBAR_TERM_AHEAD    8     /* bytes behind a block that are read */
#define DEBAR_TERM_PLACES  64     /* taken down together, or a block more */
#define DEBAR_TERM_PROBES  96
#define DEBAR_TERM_HITS   256     /* of all places, before they are told */
#define DEBAR_TERM_COVERS  64     /* entries whose longer words are at hand */

#define DEBAR_TERM_AGAIN  DEBAR_DECLINED


typedef struct {
    size_t                     off;
    uint32_t                   trie;
    uint32_t                   ends;      /* of the root that may be met */
    uint32_t                   first;     /* hits; UINT32_MAX: none */
    uint32_t                   last;
} debar_term_place_t;

typedef struct {                          /* a place on its way down */
    uint32_t                   place;
    uint32_t                   node;
    uint32_t                   depth;
    uint32_t                   ends;
} debar_term_way_t;

typedef struct {
    uint64_t                   hash;
    uint32_t                   way;
    uint32_t                   r;
} debar_term_probe_t;

typedef struct {
    uint32_t                   term;
    uint32_t                   next;
} debar_term_hit_t;

typedef struct {
    uint32_t                   entry;
    size_t                     end;
} debar_term_cover_t;

/* The filters of a root. */

typedef struct {
    const uint32_t            *gate;
    const uint64_t            *strides;   /* NULL: there are no such keys */
    const uint64_t            *ends;
    uint64_t                   salt;      /* of the keys of eight bytes */
    unsigned                   stride_shift;
    unsigned                   ends_shift;
    unsigned                   width;
    uint32_t                   root;
    uint32_t                   log2;      /* of the gate's bits */
    uint32_t                   trie;
} debar_term_filter_t;

typedef struct debar_term_scan_s  debar_term_scan_t;

typedef int (*debar_term_told_pt)(debar_term_scan_t *sc, uint32_t term,
    size_t off);

/* Places and what is found at them, told to one who wants it. */

typedef struct {
    debar_term_told_pt         told;
    size_t                     n;
    size_t                     nhits;
    unsigned                   alone;     /* one place: its hits are told at
                                             once where there are too many */
    debar_term_place_t         places[DEBAR_TERM_PLACES
                                      + 2 * DEBAR_TERM_BLOCK];
    debar_term_hit_t           hits[DEBAR_TERM_HITS];
} debar_term_batch_t;

struct debar_term_scan_s {
    const debar_term_index_t  *ti;
    const debar_rule_t        *rules;
    const char                *text;
    size_t                     len;
    debar_term_pt              handler;
    void                      *data;

    /* longer words that hide names, up to a place */

    size_t                     covered;
    size_t                     crowded;   /* not all of them are at hand before
                                             this place */
    unsigned                   ncovers;
    debar_term_cover_t         covers[DEBAR_TERM_COVERS];
    debar_term_cover_t         want;      /* looked for one by one */
};


/* --- going down ---------------------------------------------------------- */

/* Up to eight bytes of the text. */

static inline uint64_t
debar_term_load(const char *p, size_t left)
{
    uint64_t  v;

    if (left >= sizeof(v)) {
        memcpy(&v, p, sizeof(v));
        return v;
    }

    v = 0;
    memcpy(&v, p, left);

    return v;
}


static int debar_term_tell(debar_term_scan_t *sc, debar_term_batch_t *b,
    size_t from, size_t n);


/* A term that may stand at a place.  DEBAR_TERM_AGAIN: there is no room. */

static int
debar_term_hit(debar_term_scan_t *sc, debar_term_batch_t *b, uint32_t place,
    uint32_t term)
{
    int                  rc;
    debar_term_place_t  *p;

    if (b->nhits == DEBAR_TERM_HITS) {

        if (!b->alone) {
            return DEBAR_TERM_AGAIN;
        }

        rc = debar_term_tell(sc, b, place, 1);

        if (rc != DEBAR_OK) {
            return rc;
        }
    }

    __builtin_prefetch(&sc->ti->terms[term]);

    p = &b->places[place];

    if (p->first == UINT32_MAX) {
        p->first = b->nhits;

    } else {
        b->hits[p->last].next = b->nhits;
    }

    p->last = b->nhits;
    b->hits[b->nhits].term = term;
    b->hits[b->nhits].next = UINT32_MAX;
    b->nhits++;

    return DEBAR_OK;
}


/* Whether a term of that length and check may stand at off: what can be told
 * without looking at it. */

static inline int
debar_term_may(const debar_term_scan_t *sc, const debar_term_place_t *p,
    size_t len, uint32_t check)
{
    size_t  end;

    if (len > sc->len - p->off) {
        return 0;
    }

    end = p->off + len;

    return debar_term_check(sc->text + p->off, len) == check
           && (p->trie == DEBAR_TERM_ANYWHERE || end == sc->len
               || debar_term_edge(sc->text[end]));
}


static int
debar_term_few(debar_term_scan_t *sc, debar_term_batch_t *b, uint32_t place,
    uint32_t slot)
{
    int                       rc;
    size_t                    len;
    uint32_t                  term;
    const debar_term_slot_t  *s;

    s = sc->ti->slots + slot;

    do {
        term = s->term & ~DEBAR_TERM_LAST;
        len = sc->ti->terms[term].text.len;

        if (debar_term_may(sc, &b->places[place], len, s->check)) {
            rc = debar_term_hit(sc, b, place, term);

            if (rc != DEBAR_OK) {
                return rc;
            }
        }

    } while (!(s++->term & DEBAR_TERM_LAST));

    return DEBAR_OK;
}


static inline const debar_term_entry_t *
debar_term_home(const debar_term_index_t *ti, uint64_t hash)
{
    return ti->entries + ((hash >> 32) * ti->head->homes >> 32);
}


/*
 * What is behind a key: terms, that become hits, or a node, that the place goes
 * on to (*next).  Each is deeper than the one before: an index that says
 * otherwise leads nowhere.
 */

static int
debar_term_look(debar_term_scan_t *sc, debar_term_batch_t *b,
    const debar_term_way_t *w, const debar_term_probe_t *probe,
    debar_term_way_t **next)
{
    size_t                     left;
    uint32_t                   tag, kind, check;
    uint16_t                   more;
    const debar_term_place_t  *p;
    const debar_term_entry_t  *e;

    p = &b->places[w->place];
    tag = probe->hash >> 32;
    more = probe->hash;

    for (e = debar_term_home(sc->ti, probe->hash);
         DEBAR_TERM_KIND(e->what) != DEBAR_TERM_FREE
         && (e->tag < tag || (e->tag == tag && e->more < more));
         e++)
    {
        /* void */
    }

    kind = DEBAR_TERM_KIND(e->what);

    if (kind == DEBAR_TERM_FREE || e->tag != tag || e->more != more) {
        return DEBAR_OK;
    }

    if (kind == DEBAR_TERM_ONE) {
        left = e->size < DEBAR_TERM_LONG
               ? e->size : sc->ti->terms[DEBAR_TERM_INDEX(e->what)].text.len;

        return debar_term_may(sc, p, left, e->check)
               ? debar_term_hit(sc, b, w->place, DEBAR_TERM_INDEX(e->what))
               : DEBAR_OK;
    }

    if (kind == DEBAR_TERM_FEW) {
        return debar_term_few(sc, b, w->place, DEBAR_TERM_INDEX(e->what));
    }

    left = sc->len - p->off;

    if (probe->r == DEBAR_TERM_STRIDE && e->size > w->depth
        && e->size >= DEBAR_TERM_STRIDE && e->size <= left)
    {
        check = debar_term_check(sc->text + p->off, e->size);

        if (((check ^ e->check) & ~DEBAR_TERM_ENDS) == 0) {
            (*next)->place = w->place;
            (*next)->node = DEBAR_TERM_INDEX(e->what);
            (*next)->depth = e->size;
            (*next)->ends = e->check & DEBAR_TERM_ENDS;
            (*next)++;
        }
    }

    return DEBAR_OK;
}


/* The keys of a level that may be there; without branches on what the filter
 * says. */

static inline size_t
debar_term_probe(const debar_term_scan_t *sc, const debar_term_batch_t *b,
    const debar_term_way_t *w, uint64_t bytes, size_t left,
    debar_term_probe_t *probes)
{
    size_t                     n, at;
    uint32_t                   ends;
    uint64_t                   h, bits;
    unsigned                   r;
    const uint64_t            *words;
    const debar_term_head_t   *head = sc->ti->head;
    const debar_term_shape_t  *shape;

    words = sc->ti->keys;
    at = 0;
    n = 0;

    /* at a root the word is known, and that it has the key of a stride */

    if (w->depth == 0) {
        shape = &head->shape[w->node];
        words = sc->ti->ends[w->node];
        at = debar_term_short(bytes, shape->width) >> (64 - shape->ends);
    }

    for (ends = w->ends; ends; ends &= ends - 1) {
        r = __builtin_ctz(ends);

        if (r > left) {
            break;
        }

        h = debar_term_key(head->seed, w->node, r,
                           r == DEBAR_TERM_STRIDE
                           ? bytes : bytes & ((1ull << r * 8) - 1));
        bits = debar_term_bits(h);

        if (w->depth) {
            at = h >> (64 - head->keys);

        } else if (r == DEBAR_TERM_STRIDE) {
            bits = 0;
        }

        probes[n].hash = h;
        probes[n].r = r;
        n += (words[at] & bits) == bits;
    }

    return n;
}


/*
 * The keys of as many ways as there is room for; returns the way to go on with.
 * In a text of one byte all places are in one node with the same bytes before
 * them: what is there is known from the last.
 */

static size_t
debar_term_probes(const debar_term_scan_t *sc, const debar_term_batch_t *b,
    const debar_term_way_t *ways, size_t i, size_t n,
    debar_term_probe_t *probes, size_t *nprobes)
{
    size_t                   k, off, left, last, found;
    uint32_t                 node, ends;
    uint64_t                 bytes, same;
    const debar_term_way_t  *w;

    k = 0;
    last = found = 0;
    node = UINT32_MAX;
    ends = 0;
    same = 0;

    for ( /* void */ ; i < n && k < DEBAR_TERM_PROBES - 9; i++) {
        w = &ways[i];
        off = b->places[w->place].off + w->depth;
        left = sc->len - off;
        bytes = debar_term_load(sc->text + off, left);

        if (bytes == same && w->node == node && w->ends == ends
            && left >= DEBAR_TERM_STRIDE)
        {
            memcpy(probes + k, probes + last, found * sizeof(probes[0]));

        } else {
            found = debar_term_probe(sc, b, w, bytes, left, probes + k);
            same = bytes;
            node = left >= DEBAR_TERM_STRIDE ? w->node : UINT32_MAX;
            ends = w->ends;
        }

        for (last = k; k < last + found; k++) {
            probes[k].way = i;
        }
    }

    *nprobes = k;

    return i;
}


/* Takes places down their tries, all of them a level at a time. */

static int
debar_term_down(debar_term_scan_t *sc, debar_term_batch_t *b, size_t from,
    size_t n)
{
    int                  rc;
    size_t               i, k, nprobes, nways;
    uint32_t             trie;
    debar_term_way_t     ways[2][DEBAR_TERM_PLACES + 2 * DEBAR_TERM_BLOCK];
    debar_term_way_t    *w, *next;
    debar_term_probe_t   probes[DEBAR_TERM_PROBES];

    b->nhits = 0;
    b->alone = n == 1;

    for (i = 0; i < n; i++) {
        trie = b->places[from + i].trie;
        b->places[from + i].first = UINT32_MAX;
        ways[0][i].place = from + i;
        ways[0][i].node = trie;
        ways[0][i].depth = 0;
        ways[0][i].ends = b->places[from + i].ends;
    }

    for (w = ways[0], nways = n; nways; nways = next - w) {
        next = w == ways[0] ? ways[1] : ways[0];

        for (i = 0; i < nways; /* void */ ) {

            i = debar_term_probes(sc, b, w, i, nways, probes, &nprobes);

            for (k = 0; k < nprobes && nprobes > 1; k++) {
                __builtin_prefetch(debar_term_home(sc->ti, probes[k].hash));
            }

            for (k = 0; k < nprobes; k++) {
                rc = debar_term_look(sc, b, &w[probes[k].way], &probes[k],
                                     &next);
                if (rc != DEBAR_OK) {
                    return rc;
                }
            }
        }

        w = w == ways[0] ? ways[1] : ways[0];
    }

    return DEBAR_OK;
}


/* Tells the hits of places, in order. */

static int
debar_term_tell(debar_term_scan_t *sc, debar_term_batch_t *b, size_t from,
    size_t n)
{
    int                   rc;
    size_t                i, k;
    debar_term_place_t   *p;
    const debar_term_t   *t;

    if (b->nhits > 1) {
        for (i = 0; i < b->nhits; i++) {
            t = &sc->ti->terms[b->hits[i].term];
            __builtin_prefetch(sc->ti->strings + t->text.off);
        }
    }

    for (i = from; b->nhits && i < from + n; i++) {
        p = &b->places[i];

        for (k = p->first; k != UINT32_MAX; k = b->hits[k].next) {
            t = &sc->ti->terms[b->hits[k].term];

            if (!debar_term_fits(sc->ti, t, sc->text, sc->len, p->off)) {
                continue;
            }

            rc = b->told(sc, b->hits[k].term, p->off);

            if (rc != DEBAR_OK) {
                return rc;
            }
        }

        p->first = UINT32_MAX;
    }

    b->nhits = 0;

    return DEBAR_OK;
}


/* All of the places, fewer at a time where there are too many hits. */

static int
debar_term_batch(debar_term_scan_t *sc, debar_term_batch_t *b)
{
    int     rc;
    size_t  from, n;

    for (from = 0, n = b->n; from < b->n; /* void */ ) {
        n = n < b->n - from ? n : b->n - from;
        rc = debar_term_down(sc, b, from, n);

        if (rc == DEBAR_TERM_AGAIN && n > 1) {
            n /= 2;
            continue;
        }

        if (rc == DEBAR_OK) {
            rc = debar_term_tell(sc, b, from, n);
        }

        if (rc != DEBAR_OK) {
            return rc;
        }

        from += n;
    }

    b->n = 0;

    return DEBAR_OK;
}


/* --- names hidden in longer words ---------------------------------------- */

static void
debar_term_filter(const debar_term_index_t *ti, uint32_t trie,
    debar_term_filter_t *f)
{
    const debar_term_shape_t  *s = &ti->head->shape[trie];

    f->trie = trie;
    f->gate = ti->gate[trie];
    f->log2 = s->gate;
    f->root = s->root & DEBAR_TERM_ENDS;
    f->strides = f->root >> DEBAR_TERM_STRIDE ? ti->strides[trie] : NULL;
    f->ends = f->root & 0xff ? ti->ends[trie] : NULL;
    f->salt = debar_term_salt(ti->head->seed, trie, DEBAR_TERM_STRIDE);
    f->stride_shift = 64 - s->strides;
    f->ends_shift = 64 - s->ends;
    f->width = s->width;
}


static inline uint64_t
debar_term_has(const uint64_t *words, unsigned shift, uint64_t h)
{
    uint64_t  w = words[h >> shift];

    return w >> (h & 63) & w >> (h >> 6 & 63) & 1;
}


static inline unsigned
debar_term_open(const debar_term_filter_t *f, const char *p)
{
    uint32_t  h;

    h = debar_term_gate(p, f->log2);

    return f->gate[h / 32] >> (h % 32) & 1;
}


/* Up to a block of places that have passed the gate; eight bytes of each are
 * read. */

typedef struct {
    unsigned                   n;
    struct {
        size_t                 off;
        uint64_t               stride;    /* hashes */
        uint64_t               end;
    } at[DEBAR_TERM_BLOCK];
} debar_term_gated_t;


static inline void
debar_term_gated(debar_term_gated_t *g, const debar_term_filter_t *f,
    size_t off, const char *p)
{
    uint64_t  v;

    memcpy(&v, p, sizeof(v));
    g->at[g->n].off = off;

    if (f->strides) {
        g->at[g->n].stride = debar_term_salted(v, f->salt);
        __builtin_prefetch(&f->strides[g->at[g->n].stride >> f->stride_shift]);
    }

    if (f->ends) {
        g->at[g->n].end = debar_term_short(v, f->width);
        __builtin_prefetch(&f->ends[g->at[g->n].end >> f->ends_shift]);
    }

    g->n++;
}


/* Adds those that the other filters let pass. */

static inline void
debar_term_pass(debar_term_batch_t *b, const debar_term_filter_t *f,
    debar_term_gated_t *g)
{
    unsigned             i;
    uint32_t             may;
    debar_term_place_t  *place;

    for (i = 0; i < g->n; i++) {
        may = 0;

        if (f->strides) {
            may = debar_term_has(f->strides, f->stride_shift, g->at[i].stride)
                  << DEBAR_TERM_STRIDE;
        }

        if (f->ends) {
            may |= 0xff & -debar_term_has(f->ends, f->ends_shift,
                                          g->at[i].end);
        }

        place = &b->places[b->n];
        place->off = g->at[i].off;
        place->trie = f->trie;
        place->ends = f->root & may;
        b->n += may != 0;
    }

    g->n = 0;
}


/* Longer words that begin from one place to another, both included. */

static int
debar_term_longer(debar_term_scan_t *sc, size_t from, size_t to,
    debar_term_told_pt told)
{
    int                  rc;
    char                 bytes[8];
    size_t               p, left;
    debar_term_batch_t   b;
    debar_term_gated_t   g;
    debar_term_filter_t  f;

    b.told = told;
    b.n = 0;
    g.n = 0;
    debar_term_filter(sc->ti, DEBAR_TERM_NOT, &f);

    for (p = from; p <= to && sc->len - p >= DEBAR_MIN_TERM; p++) {

        if (p != 0 && !debar_term_edge(sc->text[p - 1])) {
            continue;
        }

        left = sc->len - p;
        memset(bytes, 0, sizeof(bytes));
        memcpy(bytes, sc->text + p, left < 8 ? left : 8);

        if (debar_term_open(&f, bytes)) {
            debar_term_gated(&g, &f, p, bytes);
        }

        if (g.n == DEBAR_TERM_BLOCK) {
            debar_term_pass(&b, &f, &g);
            rc = debar_term_batch(sc, &b);

            if (rc != DEBAR_OK) {
                return rc;
            }
        }
    }

    debar_term_pass(&b, &f, &g);

    return debar_term_batch(sc, &b);
}


/* A longer word, from left to right: kept is where the last one of its entry
 * ends. */

static int
debar_term_cover(debar_term_scan_t *sc, uint32_t term, size_t off)
{
    size_t               end;
    uint32_t             entry;
    unsigned             i, n;
    const debar_term_t  *t = &sc->ti->terms[term];

    entry = sc->rules[t->rule].entry;
    end = off + t->text.len;

    for (i = 0; i < sc->ncovers; i++) {
        if (sc->covers[i].entry == entry) {
            sc->covers[i].end = end > sc->covers[i].end ? end
                                                        : sc->covers[i].end;
            return DEBAR_OK;
        }
    }

    if (sc->ncovers == DEBAR_TERM_COVERS) {

        for (i = 0, n = 0; i < sc->ncovers; i++) {
            if (sc->covers[i].end > off) {
                sc->covers[n++] = sc->covers[i];
            }
        }

        sc->ncovers = n;
    }

    if (sc->ncovers == DEBAR_TERM_COVERS) {
        sc->crowded = end > sc->crowded ? end : sc->crowded;
        return DEBAR_OK;
    }

    sc->covers[sc->ncovers].entry = entry;
    sc->covers[sc->ncovers].end = end;
    sc->ncovers++;

    return DEBAR_OK;
}


static int
debar_term_wanted(debar_term_scan_t *sc, uint32_t term, size_t off)
{
    const debar_term_t  *t = &sc->ti->terms[term];

    return sc->rules[t->rule].entry == sc->want.entry
           && off + t->text.len >= sc->want.end ? DEBAR_DECLINED : DEBAR_OK;
}


/* Whether a longer word of the same entry covers the place. */

static int
debar_term_hidden(debar_term_scan_t *sc, const debar_term_t *t, size_t off)
{
    size_t    from, longest;
    unsigned  i;

    longest = sc->ti->longest_not;

    if (longest < t->text.len) {
        return 0;
    }

    from = off > longest ? off - longest : 0;

    if (sc->covered <= off) {
        (void) debar_term_longer(sc, from > sc->covered ? from : sc->covered,
                                 off, debar_term_cover);
        sc->covered = off + 1;
    }

    sc->want.entry = sc->rules[t->rule].entry;
    sc->want.end = off + t->text.len;

    if (sc->crowded > off) {
        return debar_term_longer(sc, from, off, debar_term_wanted) != DEBAR_OK;
    }

    for (i = 0; i < sc->ncovers; i++) {
        if (sc->covers[i].entry == sc->want.entry) {
            return sc->covers[i].end >= sc->want.end;
        }
    }

    return 0;
}


static int
debar_term_found(debar_term_scan_t *sc, uint32_t term, size_t off)
{
    const debar_term_t  *t = &sc->ti->terms[term];

    if (debar_term_hidden(sc, t, off)) {
        return DEBAR_OK;
    }

    return sc->handler(sc->data, term, off, t->text.len);
}


/* --- places -------------------------------------------------------------- */

/* Bit i: p[i] is the edge of a word. */

static inline uint64_t
debar_term_edges(const char *p)
{
    unsigned  i;
    uint64_t  mask;

    mask = 0;

#if (defined __x86_64__)

    for (i = 0; i < DEBAR_TERM_BLOCK; i += 16) {
        __m128i  v = _mm_loadu_si128((const __m128i *) (p + i));

        v = _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8(' ')),
                         _mm_cmpeq_epi8(v, _mm_set1_epi8(0x1f)));
        mask |= (uint64_t) _mm_movemask_epi8(v) << i;
    }

#else

    for (i = 0; i < DEBAR_TERM_BLOCK; i++) {
        mask |= (uint64_t) debar_term_edge(p[i]) << i;
    }

#endif

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


/* Of some places of a block those that pass the gate; all of them at once, for
 * which ones do is not to be guessed. */

static inline uint64_t
debar_term_gate_of(const debar_term_filter_t *f, const char *p, uint64_t places)
{
    uint32_t  h;
    unsigned  i;
    uint64_t  mask;

    mask = 0;

    if (places == ~0ull) {

        for (i = 0; i < DEBAR_TERM_BLOCK; i++) {
            h = debar_term_gate(p + i, f->log2);
            mask = mask >> 1 | (uint64_t) (f->gate[h / 32] >> (h % 32)) << 63;
        }

        return mask;
    }

    for ( /* void */ ; places; places &= places - 1) {
        i = __builtin_ctzll(places);
        mask |= (uint64_t) debar_term_open(f, p + i) << i;
    }

    return mask;
}


static inline void
debar_term_places(debar_term_batch_t *b, const debar_term_filter_t *f,
    size_t base, const char *p, uint64_t places)
{
    unsigned            i;
    debar_term_gated_t  g;

    g.n = 0;

    for (places = debar_term_gate_of(f, p, places); places;
         places &= places - 1)
    {
        i = __builtin_ctzll(places);
        debar_term_gated(&g, f, base + i, p + i);
    }

    debar_term_pass(b, f, &g);
}


/* Words and names that may be anywhere: the places of a block are in order for
 * each, and told in order for both. */

static void
debar_term_merge(debar_term_batch_t *b, size_t from, size_t mid)
{
    size_t              i, k, n;
    debar_term_place_t  words[DEBAR_TERM_BLOCK];

    n = mid - from;
    memcpy(words, b->places + from, n * sizeof(words[0]));

    for (i = 0, k = mid; i < n; from++) {
        b->places[from] = k < b->n && b->places[k].off < words[i].off
                          ? b->places[k++] : words[i++];
    }
}


/* The places of a block that have room for a term. */

static inline uint64_t
debar_term_room(size_t left)
{
    if (left < DEBAR_MIN_TERM) {
        return 0;
    }

    left -= DEBAR_MIN_TERM - 1;

    return left < DEBAR_TERM_BLOCK ? (1ull << left) - 1 : ~0ull;
}


/* Adds the places of a block; *carry: whether an edge is before it. */

static void
debar_term_block(const debar_term_index_t *ti, debar_term_batch_t *b,
    const debar_term_filter_t *filters, size_t base, size_t left,
    const char *p, uint64_t *carry)
{
    size_t                      from, mid;
    uint64_t                    edges, room, places;
    const debar_term_filter_t  *f;

    room = debar_term_room(left);
    from = b->n;
    f = &filters[DEBAR_TERM_WORD];

    if (f->root) {
        edges = debar_term_edges(p);
        places = (edges << 1 | *carry) & room;
        *carry = edges >> (DEBAR_TERM_BLOCK - 1);
        debar_term_places(b, f, base, p, places);
    }

    mid = b->n;
    f = &filters[DEBAR_TERM_ANYWHERE];

    if (f->root) {
        places = room;

#if (defined __x86_64__)
        if (ti->few) {
            places &= debar_term_begins(ti, p)
                      | (uint64_t) debar_term_begins(ti, p + 16) << 16
                      | (uint64_t) debar_term_begins(ti, p + 32) << 32
                      | (uint64_t) debar_term_begins(ti, p + 48) << 48;
        }
#endif

        debar_term_places(b, f, base, p, places);
    }

    if (from != mid && mid != b->n) {
        debar_term_merge(b, from, mid);
    }
}


int
debar_term_scan(const debar_term_index_t *ti, const debar_entry_t *entries,
    const debar_rule_t *rules, const char *text, size_t len,
    debar_term_pt handler, void *data)
{
    int                  rc;
    char                 tail[DEBAR_TERM_BLOCK + DEBAR_TERM_AHEAD];
    size_t               base, left;
    uint64_t             carry;
    const char          *p;
    debar_term_scan_t    sc;
    debar_term_batch_t   b;
    debar_term_filter_t  filters[DEBAR_TERM_NOT];

    sc.ti = ti;
    sc.rules = rules;
    sc.text = text;
    sc.len = len;
    sc.handler = handler;
    sc.data = data;
    sc.covered = sc.crowded = 0;
    sc.ncovers = 0;

    b.told = debar_term_found;
    b.n = 0;
    carry = 1;

    debar_term_filter(ti, DEBAR_TERM_WORD, &filters[DEBAR_TERM_WORD]);
    debar_term_filter(ti, DEBAR_TERM_ANYWHERE, &filters[DEBAR_TERM_ANYWHERE]);

    for (base = 0; base < len; base += DEBAR_TERM_BLOCK) {
        p = text + base;
        left = len - base;

        if (left < sizeof(tail)) {
            memset(tail, 0, sizeof(tail));
            memcpy(tail, p, left);
            p = tail;
        }

        debar_term_block(ti, &b, filters, base, left, p, &carry);

        if (b.n >= DEBAR_TERM_PLACES) {
            rc = debar_term_batch(&sc, &b);

            if (rc != DEBAR_OK) {
                return rc;
            }
        }
    }

    return b.n ? debar_term_batch(&sc, &b) : DEBAR_OK;
}
