/*
 * What one snapshot says beyond another: made by a walk over both at once.
 */

#include "delta_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <zstd.h>


#define DEBAR_DELTA_LEVEL   6
#define DEBAR_DELTA_VOTE    4096  /* rows that differ before it is asked why */

#define DEBAR_WALK_COUNT    0     /* what a walk does with rows that differ */
#define DEBAR_WALK_VOTE     1
#define DEBAR_WALK_TELL     2


typedef struct {
    debar_snapshot_t  *s;
    debar_ranks_t      ranks;
    debar_buf_t        tables;
    uint32_t          *to;        /* rule of the table to rank in b */
    MDB_cursor        *cursor;
    MDB_val            key;
    MDB_val            value;
    unsigned           end;
} debar_side_t;

typedef struct {
    debar_side_t    a, b;
    uint32_t       *map;          /* ranks of a to those of b */
    uint32_t       *back;         /* of b to a */
    uint32_t       *vote;         /* of b: the rule of a in its place */
    uint32_t       *votes;
    debar_buf_t     pairs;        /* rank of a, rank of b: taken its place */
    uint32_t        npairs;
    debar_buf_t     rows;
    uint64_t        changed;
    unsigned        mode;
    debar_fault_t  *fault;
} debar_delta_t;


const char *const  debar_delta_metas[DEBAR_DELTA_METAS] = {
    "title", "publisher", "timezone", "serial", "expires", "built",
    "network-bits", "host-labels"
};


static void
debar_delta_u16(debar_buf_t *b, size_t n)
{
    uint16_t  v = (uint16_t) n;

    debar_buf_add(b, &v, sizeof(v));
}


static void
debar_delta_u32(debar_buf_t *b, size_t n)
{
    uint32_t  v = (uint32_t) n;

    debar_buf_add(b, &v, sizeof(v));
}


static void
debar_delta_u64(debar_buf_t *b, uint64_t n)
{
    debar_buf_add(b, &n, sizeof(n));
}


/* --- tables -------------------------------------------------------------- */

static void
debar_delta_records(debar_buf_t *out, const debar_view_t *v,
    const debar_ranks_t *r, unsigned t)
{
    size_t            i;
    debar_rule_t      rule;
    debar_term_t      term;
    debar_pattern_t   pattern;

    switch (t) {

    case DEBAR_T_RULES:
        for (i = 0; i < r->n; i++) {
            rule = ((const debar_rule_t *) v->data[t])[r->first[i]];
            rule.pad = 0;
            debar_buf_add(out, &rule, sizeof(rule));
        }
        break;

    case DEBAR_T_TERMS:
        for (i = 0; i < v->n[t]; i++) {
            term = ((const debar_term_t *) v->data[t])[i];
            term.rule = r->rank[term.rule];
            debar_buf_add(out, &term, sizeof(term));
        }
        break;

    case DEBAR_T_PATTERNS:
        for (i = 0; i < v->n[t]; i++) {
            pattern = ((const debar_pattern_t *) v->data[t])[i];
            pattern.rule = r->rank[pattern.rule];
            debar_buf_add(out, &pattern, sizeof(pattern));
        }
        break;

    default:
        if (v->n[t]) {
            debar_buf_add(out, v->data[t], v->n[t] * debar_record_size[t]);
        }
    }
}


int
debar_delta_tables(debar_buf_t *out, const debar_view_t *v,
    const debar_ranks_t *r)
{
    size_t                size;
    unsigned              t;
    static const uint8_t  zeros[8];

    for (size = 0, t = 0; t < DEBAR_DELTA_TABLES; t++) {
        size += 16 + v->n[t] * debar_record_size[t];
        debar_delta_u64(out, t == DEBAR_T_RULES ? r->n : v->n[t]);
    }

    if (size > DEBAR_DELTA_MAX_TABLES) {
        return DEBAR_DECLINED;
    }

    for (t = 0; t < DEBAR_DELTA_TABLES; t++) {
        debar_delta_records(out, v, r, t);
        debar_buf_add(out, zeros, (8 - out->len % 8) % 8);
    }

    return DEBAR_OK;
}


/* Lines stand in order on both sides. */

void
debar_delta_same(const debar_ranks_t *a, const debar_ranks_t *b,
    uint32_t *map, uint32_t *back)
{
    int       rc;
    size_t    n, alen, blen;
    uint32_t  i, k;

    for (k = 0; back && k < b->n; k++) {
        back[k] = DEBAR_NONE;
    }

    for (i = 0, k = 0; i < a->n; i++) {
        map[i] = DEBAR_NONE;
        alen = a->at[i + 1] - a->at[i];

        for ( /* void */ ; k < b->n; k++) {
            blen = b->at[k + 1] - b->at[k];
            n = alen < blen ? alen : blen;

            rc = memcmp(a->text.data + a->at[i], b->text.data + b->at[k], n);

            if (rc < 0 || (rc == 0 && alen < blen)) {
                break;
            }

            if (rc == 0 && alen == blen) {
                map[i] = k;

                if (back) {
                    back[k] = i;
                }

                break;
            }
        }
    }
}


/* --- rows ---------------------------------------------------------------- */

static int
debar_side_next(debar_side_t *s, MDB_cursor_op op)
{
    int  rc;

    rc = mdb_cursor_get(s->cursor, &s->key, &s->value, op);

    if (rc == MDB_NOTFOUND) {
        s->end = 1;
        return DEBAR_OK;
    }

    return rc == 0 ? DEBAR_OK : DEBAR_ERROR;
}


/* The rules of a row by their ranks in b, in order, each once; 0: no row. */

static size_t
debar_side_rules(const debar_side_t *s, uint32_t out[DEBAR_MAX_KEY_RULES])
{
    size_t           i, k, n, nrules, pad, have;
    uint32_t         rule;
    const uint32_t  *rules;

    pad = debar_row_pad(s->key.mv_size);

    if (s->key.mv_size == 0 || s->key.mv_size > DEBAR_MAX_KEY
        || s->value.mv_size <= pad || (s->value.mv_size - pad) % 4
        || s->value.mv_size - pad > 4 * DEBAR_MAX_KEY_RULES)
    {
        return 0;
    }

    rules = (const uint32_t *) ((const char *) s->value.mv_data + pad);
    nrules = s->s->view.n[DEBAR_T_RULES];
    n = (s->value.mv_size - pad) / 4;

    for (have = 0, i = 0; i < n; i++) {

        if (rules[i] >= nrules && rules[i] != DEBAR_RULE_HAS_URLS) {
            return 0;
        }

        rule = rules[i] < nrules ? s->to[rules[i]] : rules[i];

        for (k = have; k && out[k - 1] > rule; k--) { /* void */ }

        if (k && out[k - 1] == rule) {
            continue;
        }

        memmove(out + k + 1, out + k, (have - k) * sizeof(uint32_t));
        out[k] = rule;
        have++;
    }

    return have;
}


static int
debar_delta_damaged(debar_delta_t *d, const debar_side_t *s)
{
    debar_fault(d->fault, "the list of serial %" PRIu64 " is damaged: a row is "
                "not one; build or fetch it again", s->s->meta.serial);

    return DEBAR_ERROR;
}


/* Which rule of a most rows had that now have this one of b: the vote of a
 * majority, if there is one. */

static void
debar_delta_vote(debar_delta_t *d, uint32_t b)
{
    size_t     pad = debar_row_pad(d->a.key.mv_size);
    uint32_t   a, rule;

    memcpy(&rule, (const char *) d->a.value.mv_data + pad, 4);

    if (rule >= d->a.s->view.n[DEBAR_T_RULES] || b >= d->b.ranks.n
        || d->back[b] != DEBAR_NONE)
    {
        return;
    }

    a = d->a.ranks.rank[rule];

    if (d->map[a] != DEBAR_NONE) {
        return;
    }

    if (d->votes[b] == 0) {
        d->vote[b] = a;
    }

    if (d->vote[b] == a) {
        d->votes[b]++;

    } else {
        d->votes[b]--;
    }
}


static void
debar_delta_row(debar_delta_t *d, const MDB_val *key, const uint32_t *rules,
    size_t n)
{
    d->changed++;

    debar_delta_u16(&d->rows, key->mv_size);
    debar_delta_u16(&d->rows, n);
    debar_buf_add(&d->rows, key->mv_data, key->mv_size);

    if (n) {
        debar_buf_add(&d->rows, rules, n * sizeof(uint32_t));
    }
}


/* Nearly all rows of two lists: one key, one rule, which says the same. */

static int
debar_delta_plain(const debar_delta_t *d)
{
    size_t    pad = debar_row_pad(d->a.key.mv_size);
    uint32_t  a, b;

    if (d->a.value.mv_size != pad + 4 || d->b.value.mv_size != pad + 4
        || d->a.key.mv_size == 0 || d->a.key.mv_size > DEBAR_MAX_KEY)
    {
        return 0;
    }

    memcpy(&a, (const char *) d->a.value.mv_data + pad, 4);
    memcpy(&b, (const char *) d->b.value.mv_data + pad, 4);

    return a < d->a.s->view.n[DEBAR_T_RULES]
           && b < d->b.s->view.n[DEBAR_T_RULES] && d->a.to[a] == d->b.to[b];
}


/* One step of both: the rows that are next. */

static int
debar_delta_step(debar_delta_t *d)
{
    int        rc;
    size_t     n, an, bn;
    uint32_t   ar[DEBAR_MAX_KEY_RULES], br[DEBAR_MAX_KEY_RULES];

    if (d->a.end || d->b.end) {
        rc = d->a.end ? 1 : -1;

    } else {
        n = d->a.key.mv_size < d->b.key.mv_size ? d->a.key.mv_size
                                                : d->b.key.mv_size;
        rc = memcmp(d->a.key.mv_data, d->b.key.mv_data, n);

        if (rc == 0) {
            rc = d->a.key.mv_size < d->b.key.mv_size ? -1
                 : d->a.key.mv_size > d->b.key.mv_size;
        }
    }

    if (rc == 0 && debar_delta_plain(d)) {
        goto next;
    }

    an = rc <= 0 ? debar_side_rules(&d->a, ar) : 0;
    bn = rc >= 0 ? debar_side_rules(&d->b, br) : 0;

    if ((rc <= 0 && an == 0) || (rc >= 0 && bn == 0)) {
        return debar_delta_damaged(d, rc <= 0 && an == 0 ? &d->a : &d->b);
    }

    if (an != bn || memcmp(ar, br, an * sizeof(uint32_t)) != 0) {

        if (d->mode == DEBAR_WALK_VOTE) {
            if (an == 1 && bn == 1) {
                debar_delta_vote(d, br[0]);
            }

        } else {
            debar_delta_row(d, rc < 0 ? &d->a.key : &d->b.key, br, bn);
        }
    }

next:

    if ((rc <= 0 && debar_side_next(&d->a, MDB_NEXT) != DEBAR_OK)
        || (rc >= 0 && debar_side_next(&d->b, MDB_NEXT) != DEBAR_OK))
    {
        return debar_delta_damaged(d, &d->a);
    }

    return DEBAR_OK;
}


/* DEBAR_DECLINED: more rows differ than the walk is for. */

static int
debar_delta_walk(debar_delta_t *d)
{
    int       rc;
    size_t    at;
    unsigned  db;
    uint64_t  before;

    d->rows.len = 0;
    d->changed = 0;
    rc = DEBAR_OK;

    for (db = 0; rc == DEBAR_OK && db < DEBAR_DBS; db++) {

        d->a.end = 0;
        d->b.end = 0;

        if (mdb_cursor_open(d->a.s->txn, d->a.s->dbi[db], &d->a.cursor) != 0) {
            return debar_delta_damaged(d, &d->a);
        }

        if (mdb_cursor_open(d->b.s->txn, d->b.s->dbi[db], &d->b.cursor) != 0) {
            mdb_cursor_close(d->a.cursor);
            return debar_delta_damaged(d, &d->b);
        }

        at = d->rows.len;
        before = d->changed;
        debar_delta_u32(&d->rows, 0);

        if (debar_side_next(&d->a, MDB_FIRST) != DEBAR_OK
            || debar_side_next(&d->b, MDB_FIRST) != DEBAR_OK)
        {
            rc = debar_delta_damaged(d, &d->a);
        }

        while (rc == DEBAR_OK && !(d->a.end && d->b.end)) {
            rc = debar_delta_step(d);

            if ((d->mode == DEBAR_WALK_COUNT && d->changed > DEBAR_DELTA_VOTE)
                || d->rows.len > DEBAR_DELTA_MAX_ROWS / 2)
            {
                rc = DEBAR_DECLINED;
            }
        }

        mdb_cursor_close(d->a.cursor);
        mdb_cursor_close(d->b.cursor);

        before = d->changed - before;
        memcpy(d->rows.data + at, &before, sizeof(uint32_t));
    }

    return rc;
}


/* --- rules that took the place of others --------------------------------- */

static void
debar_delta_elect(debar_delta_t *d)
{
    uint32_t  a, b;

    for (b = 0; b < d->b.ranks.n; b++) {

        if (d->votes[b] == 0) {
            continue;
        }

        a = d->vote[b];

        if (d->map[a] == DEBAR_NONE || d->votes[d->map[a]] < d->votes[b]) {
            d->map[a] = b;
        }
    }

    for (a = 0; a < d->a.ranks.n; a++) {
        b = d->map[a];

        if (b != DEBAR_NONE && d->back[b] == DEBAR_NONE) {
            debar_delta_u32(&d->pairs, a);
            debar_delta_u32(&d->pairs, b);
            d->npairs++;
        }
    }
}


static void
debar_delta_to(debar_delta_t *d)
{
    size_t  i;

    for (i = 0; i < d->a.s->view.n[DEBAR_T_RULES]; i++) {
        d->a.to[i] = d->map[d->a.ranks.rank[i]];
    }

    for (i = 0; i < d->b.s->view.n[DEBAR_T_RULES]; i++) {
        d->b.to[i] = d->b.ranks.rank[i];
    }
}


static int
debar_delta_rows(debar_delta_t *d)
{
    int  rc;

    debar_delta_same(&d->a.ranks, &d->b.ranks, d->map, d->back);
    debar_delta_to(d);

    d->mode = DEBAR_WALK_COUNT;
    rc = debar_delta_walk(d);

    if (rc != DEBAR_DECLINED) {
        return rc;
    }

    d->mode = DEBAR_WALK_VOTE;
    rc = debar_delta_walk(d);

    if (rc != DEBAR_OK) {
        return rc;
    }

    debar_delta_elect(d);
    debar_delta_to(d);

    d->mode = DEBAR_WALK_TELL;

    return debar_delta_walk(d);
}


/* --- the bytes ----------------------------------------------------------- */

static void
debar_delta_filter(debar_delta_t *d, debar_buf_t *out, unsigned t)
{
    size_t           i, n, at, count;
    const uint64_t  *x = d->a.s->view.data[t], *y = d->b.s->view.data[t];

    n = d->b.s->view.n[t];
    at = out->len + 4;

    debar_delta_u32(out, (size_t) __builtin_ctzll(n));
    debar_delta_u32(out, DEBAR_DELTA_ANEW);

    if (d->a.s->view.n[t] != n || n > UINT32_MAX) {
        return;
    }

    for (count = 0, i = 0; i < n; i++) {
        if (x[i] == y[i]) {
            continue;
        }

        if (++count > DEBAR_DELTA_MAX_ROWS / 64) {
            out->len = at + 4;
            return;
        }

        debar_delta_u32(out, i);
        debar_delta_u64(out, y[i]);
    }

    memcpy(out->data + at, &count, sizeof(uint32_t));
}


static int
debar_delta_meta(debar_delta_t *d, debar_buf_t *out)
{
    MDB_val   k, v;
    unsigned  i;

    for (i = 0; i < DEBAR_DELTA_METAS; i++) {
        k.mv_data = (void *) debar_delta_metas[i];
        k.mv_size = strlen(debar_delta_metas[i]);

        if (mdb_get(d->b.s->txn, d->b.s->meta_dbi, &k, &v) != 0) {
            return debar_delta_damaged(d, &d->b);
        }

        if (v.mv_size > DEBAR_DELTA_META) {
            return DEBAR_DECLINED;
        }

        debar_delta_u32(out, v.mv_size);
        debar_buf_add(out, v.mv_data, v.mv_size);
    }

    return DEBAR_OK;
}


/* A frame behind what is in out; prefix: what the reader has. */

static int
debar_delta_pack(debar_buf_t *out, const debar_buf_t *in,
    const debar_buf_t *prefix, uint32_t *len)
{
    int         window;
    char       *room;
    size_t      n, size;
    ZSTD_CCtx  *z;

    size = ZSTD_compressBound(in->len);
    room = malloc(size);
    z = ZSTD_createCCtx();

    if (room == NULL || z == NULL) {
        free(room);
        ZSTD_freeCCtx(z);
        return DEBAR_ERROR;
    }

    (void) ZSTD_CCtx_setParameter(z, ZSTD_c_compressionLevel,
                                  DEBAR_DELTA_LEVEL);
    (void) ZSTD_CCtx_setParameter(z, ZSTD_c_checksumFlag, 1);

    if (prefix) {
        for (window = 17; window < 30
             && ((size_t) 1 << window) < prefix->len + in->len; window++)
        {
            /* void */
        }

        (void) ZSTD_CCtx_setParameter(z, ZSTD_c_windowLog, window);
        (void) ZSTD_CCtx_setParameter(z, ZSTD_c_enableLongDistanceMatching, 1);
        (void) ZSTD_CCtx_refPrefix(z, prefix->data, prefix->len);
    }

    n = ZSTD_compress2(z, room, size, in->data, in->len);

    if (!ZSTD_isError(n)) {
        debar_buf_add(out, room, n);
        *len = (uint32_t) n;
    }

    ZSTD_freeCCtx(z);
    free(room);

    return ZSTD_isError(n) ? DEBAR_ERROR : DEBAR_OK;
}


static void
debar_delta_raw(debar_buf_t *out, const char *hex)
{
    unsigned  i, k, v;
    uint8_t   c;

    for (i = 0; i < 32; i++) {
        for (c = 0, k = 0; k < 2; k++) {
            v = (unsigned char) hex[2 * i + k];
            c = (uint8_t) (c << 4 | (v <= '9' ? v - '0' : v - 'a' + 10));
        }

        debar_buf_add(out, &c, 1);
    }
}


static int
debar_delta_write(debar_delta_t *d, debar_buf_t *out,
    debar_delta_info_t *info)
{
    int          rc;
    size_t       at;
    uint32_t     tables, rows;
    debar_buf_t  b;

    memset(&b, 0, sizeof(b));

    debar_delta_u32(&b, d->npairs);
    debar_buf_add(&b, d->pairs.data ? d->pairs.data : "", d->pairs.len);
    debar_delta_filter(d, &b, DEBAR_T_HOST_FILTER);
    debar_delta_filter(d, &b, DEBAR_T_ID_FILTER);
    rc = debar_delta_meta(d, &b);
    debar_buf_add(&b, d->rows.data, d->rows.len);

    if (rc == DEBAR_OK && b.len > DEBAR_DELTA_MAX_ROWS) {
        rc = DEBAR_DECLINED;
    }

    if (rc != DEBAR_OK) {
        debar_buf_free(&b);
        return rc;
    }

    at = out->len;

    debar_delta_u32(out, DEBAR_DELTA_FRAME);
    debar_delta_u32(out, DEBAR_DELTA_HEAD);
    debar_buf_add(out, DEBAR_DELTA_MAGIC, 16);
    debar_delta_u64(out, DEBAR_BYTE_ORDER);
    debar_delta_raw(out, info->from);
    debar_delta_raw(out, info->to);
    debar_delta_u64(out, info->from_serial);
    debar_delta_u64(out, info->serial);
    debar_delta_u64(out, info->changed);
    debar_delta_u64(out, 0);
    debar_delta_u32(out, d->b.tables.len);
    debar_delta_u32(out, b.len);

    if (debar_delta_pack(out, &d->b.tables, &d->a.tables, &tables) != DEBAR_OK
        || debar_delta_pack(out, &b, NULL, &rows) != DEBAR_OK)
    {
        debar_fault(d->fault, "no memory to pack a delta");
        out->len = at;
        rc = DEBAR_ERROR;

    } else {
        memcpy(out->data + at + DEBAR_DELTA_BEGIN - 16, &tables, 4);
        memcpy(out->data + at + DEBAR_DELTA_BEGIN - 12, &rows, 4);
    }

    debar_buf_free(&b);

    return rc;
}


static int
debar_side_start(debar_delta_t *d, debar_side_t *side, debar_snapshot_t *s)
{
    side->s = s;

    if (debar_digest_ranks(&side->ranks, &s->view) != DEBAR_OK) {
        debar_fault(d->fault, "no memory for the rules of a delta");
        return DEBAR_ERROR;
    }

    side->to = malloc((s->view.n[DEBAR_T_RULES] + 1) * sizeof(uint32_t));

    if (side->to == NULL) {
        debar_fault(d->fault, "no memory for the rules of a delta");
        return DEBAR_ERROR;
    }

    return debar_delta_tables(&side->tables, &s->view, &side->ranks);
}


static void
debar_side_free(debar_side_t *s)
{
    debar_digest_ranks_free(&s->ranks);
    debar_buf_free(&s->tables);
    free(s->to);
}


int
debar_delta_make(debar_snapshot_t *a, debar_snapshot_t *b, debar_buf_t *out,
    debar_delta_info_t *info, debar_fault_t *fault)
{
    int            rc;
    debar_delta_t  d;

    memset(&d, 0, sizeof(debar_delta_t));
    memset(info, 0, sizeof(debar_delta_info_t));
    d.fault = fault;

    memcpy(info->from, a->meta.digest, 65);
    memcpy(info->to, b->meta.digest, 65);
    info->from_serial = a->meta.serial;
    info->serial = b->meta.serial;

    rc = debar_side_start(&d, &d.a, a);

    if (rc == DEBAR_OK) {
        rc = debar_side_start(&d, &d.b, b);
    }

    if (rc == DEBAR_OK) {
        d.map = malloc((d.a.ranks.n + 1) * sizeof(uint32_t));
        d.back = malloc((d.b.ranks.n + 1) * sizeof(uint32_t));
        d.vote = calloc(d.b.ranks.n + 1, sizeof(uint32_t));
        d.votes = calloc(d.b.ranks.n + 1, sizeof(uint32_t));

        if (d.map == NULL || d.back == NULL || d.vote == NULL
            || d.votes == NULL)
        {
            debar_fault(fault, "no memory for the rules of a delta");
            rc = DEBAR_ERROR;
        }
    }

    if (rc == DEBAR_OK) {
        rc = debar_delta_rows(&d);
    }

    if (rc == DEBAR_OK) {
        info->changed = d.changed;
        rc = debar_delta_write(&d, out, info);
    }

    debar_side_free(&d.a);
    debar_side_free(&d.b);
    debar_buf_free(&d.pairs);
    debar_buf_free(&d.rows);
    free(d.map);
    free(d.back);
    free(d.vote);
    free(d.votes);

    return rc;
}
