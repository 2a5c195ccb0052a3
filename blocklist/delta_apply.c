/*
 * A delta applied: to a copy of the base, in one transaction, verified as a
 * whole and put in place by one rename.
 */

#include "delta_private.h"
#include "term.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zstd.h>
#include <sys/ioctl.h>
#include <linux/fs.h>


#define DEBAR_APPLY_ROOM    (1ull << 30)  /* that a file may grow by */
#define DEBAR_APPLY_COPY    (64u << 20)   /* between two words of progress */
#define DEBAR_APPLY_WORDS   28            /* log2 of a filter's words */
#define DEBAR_SPARE_PAGES   16


/* The tables as they are after a delta; rules stay where rows expect them. */

typedef struct {
    char           *tables;       /* canonical, as made by delta.c */
    size_t          len;
    debar_view_t    view;         /* into it */
    debar_ranks_t   ranks;
    uint32_t       *slot;         /* of the file's rules: rank, or NONE */
    size_t          nslots;
    uint32_t       *at;           /* by rank: its slot */
} debar_state_t;

typedef struct {
    const char                *path;
    const debar_build_opts_t  *opts;
    debar_fault_t             *fault;
    debar_publish_t            pub;
    debar_snapshot_t          *base;
    debar_state_t              state;
    debar_delta_head_t         head;
    debar_buf_t                rows;
    size_t                     at;            /* in rows */
    uint64_t                  *filter[2];
    size_t                     words[2];
    unsigned                   anew[2];
    MDB_env                   *env;
    MDB_txn                   *txn;
    MDB_dbi                    dbi[DEBAR_NAMED];
    size_t                     psize;
    uint64_t                   bytes;
    uint64_t                   total;
} debar_apply_t;


/* --- reading ------------------------------------------------------------- */

static void
debar_delta_hex(char out[65], const uint8_t *raw)
{
    unsigned  i;

    for (i = 0; i < 32; i++) {
        (void) snprintf(out + 2 * i, 3, "%02x", raw[i]);
    }
}


int
debar_delta_head(debar_delta_head_t *h, const void *data, size_t len,
    debar_fault_t *fault)
{
    uint32_t        frame[2];
    uint64_t        order;
    const uint8_t  *p = data;

    memset(h, 0, sizeof(debar_delta_head_t));

    if (len < DEBAR_DELTA_BEGIN) {
        debar_fault(fault, "the delta is damaged: it is too short");
        return DEBAR_ERROR;
    }

    memcpy(frame, p, 8);
    p += 8;

    if (frame[0] != DEBAR_DELTA_FRAME || frame[1] != DEBAR_DELTA_HEAD
        || memcmp(p, DEBAR_DELTA_MAGIC, 16) != 0)
    {
        debar_fault(fault, "it is not a delta that debar %s reads",
                    DEBAR_VERSION);
        return DEBAR_ERROR;
    }

    memcpy(&order, p + 16, 8);

    if (order != DEBAR_BYTE_ORDER) {
        debar_fault(fault, "the delta is of a machine of another byte order");
        return DEBAR_ERROR;
    }

    debar_delta_hex(h->info.from, p + 24);
    debar_delta_hex(h->info.to, p + 56);
    memcpy(&h->info.from_serial, p + 88, 8);
    memcpy(&h->info.serial, p + 96, 8);
    memcpy(&h->info.changed, p + 104, 8);
    memcpy(&h->tables_len, p + 112, 4);
    memcpy(&h->rows_len, p + 116, 4);
    memcpy(&h->tables_size, p + 120, 4);
    memcpy(&h->rows_size, p + 124, 4);

    if (h->tables_size > DEBAR_DELTA_MAX_TABLES
        || h->rows_size > DEBAR_DELTA_MAX_ROWS
        || h->info.serial > INT64_MAX || h->info.from_serial > INT64_MAX)
    {
        debar_fault(fault, "the delta to serial %" PRIu64 " is damaged: it "
                    "says that it is larger than one may be", h->info.serial);
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


int
debar_delta_read(debar_delta_info_t *info, const void *data, size_t len,
    debar_fault_t *fault)
{
    debar_delta_head_t  h;

    if (debar_delta_head(&h, data, len, fault) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    *info = h.info;

    return DEBAR_OK;
}


static int
debar_apply_bad(debar_apply_t *a, const char *why)
{
    debar_fault(a->fault, "the delta from serial %" PRIu64 " to %" PRIu64
                " is damaged or not for this list: %s; the list in place was "
                "not touched", a->head.info.from_serial, a->head.info.serial,
                why);

    return DEBAR_ERROR;
}


static int
debar_apply_lmdb(debar_apply_t *a, int rc)
{
    if (rc == 0) {
        return DEBAR_OK;
    }

    debar_publish_errno(a->fault, "it cannot be written", a->pub.tmp, rc);

    return DEBAR_ERROR;
}


static int
debar_apply_memory(debar_apply_t *a)
{
    debar_fault(a->fault, "%.200s: no memory to apply a delta", a->path);

    return DEBAR_ERROR;
}


/* All of it, of the size that the head said: 1. */

static int
debar_apply_unpack(void *out, size_t size, const void *data, size_t len,
    const void *prefix, size_t plen)
{
    size_t      n;
    ZSTD_DCtx  *z;

    z = ZSTD_createDCtx();
    if (z == NULL) {
        return 0;
    }

    (void) ZSTD_DCtx_setParameter(z, ZSTD_d_windowLogMax, 30);

    if (prefix) {
        (void) ZSTD_DCtx_refPrefix(z, prefix, plen);
    }

    n = ZSTD_decompressDCtx(z, out, size, data, len);
    ZSTD_freeDCtx(z);

    return !ZSTD_isError(n) && n == size;
}


/* --- tables -------------------------------------------------------------- */

static void
debar_state_free(debar_state_t *s)
{
    free(s->tables);
    free(s->slot);
    free(s->at);
    debar_digest_ranks_free(&s->ranks);
    memset(s, 0, sizeof(debar_state_t));
}


/* What bytes hold: 0 if they are not tables. */

static int
debar_state_view(debar_state_t *s)
{
    size_t    off, size;
    uint64_t  n;
    unsigned  t;

    off = DEBAR_DELTA_TABLES * sizeof(uint64_t);

    if (s->len < off) {
        return 0;
    }

    memset(&s->view, 0, sizeof(debar_view_t));

    for (t = 0; t < DEBAR_DELTA_TABLES; t++) {
        memcpy(&n, s->tables + t * sizeof(uint64_t), sizeof(uint64_t));

        if (n > (s->len - off) / debar_record_size[t]) {
            return 0;
        }

        size = n * debar_record_size[t];
        s->view.data[t] = s->tables + off;
        s->view.n[t] = n;

        size += (8 - size % 8) % 8;

        if (size > s->len - off) {
            return 0;
        }

        off += size;
    }

    return off == s->len && debar_view_check(&s->view, 0) == NULL;
}


static int
debar_state_base(debar_apply_t *a)
{
    size_t               i;
    debar_buf_t          b;
    debar_state_t       *s = &a->state;
    const debar_view_t  *v = &a->base->view;
    const debar_rule_t  *rules = v->data[DEBAR_T_RULES];

    memset(&b, 0, sizeof(debar_buf_t));

    s->nslots = v->n[DEBAR_T_RULES];
    s->slot = malloc((s->nslots + 1) * sizeof(uint32_t));

    if (s->slot == NULL || debar_digest_ranks(&s->ranks, v) != DEBAR_OK) {
        return debar_apply_memory(a);
    }

    for (i = 0; i < s->nslots; i++) {
        s->slot[i] = rules[i].pad == DEBAR_RULE_FREE ? DEBAR_NONE
                                                     : s->ranks.rank[i];
    }

    if (debar_delta_tables(&b, v, &s->ranks) != DEBAR_OK) {
        debar_buf_free(&b);
        return debar_apply_bad(a, "its base is too large for one");
    }

    s->tables = b.data;
    s->len = b.len;

    return DEBAR_OK;
}


/* Rules stay in their slots, or take one that is free; s is the next state. */

static int
debar_apply_slots(debar_apply_t *a, debar_state_t *s, const uint32_t *map)
{
    size_t          i, next;
    uint32_t        b;
    debar_state_t  *old = &a->state;

    s->slot = malloc((old->nslots + s->ranks.n + 1) * sizeof(uint32_t));
    s->at = malloc((s->ranks.n + 1) * sizeof(uint32_t));

    if (s->slot == NULL || s->at == NULL) {
        return debar_apply_memory(a);
    }

    for (b = 0; b < s->ranks.n; b++) {
        s->at[b] = DEBAR_NONE;
    }

    for (i = 0; i < old->nslots; i++) {
        s->slot[i] = old->slot[i] == DEBAR_NONE ? DEBAR_NONE
                                                : map[old->slot[i]];

        if (s->slot[i] != DEBAR_NONE && s->at[s->slot[i]] == DEBAR_NONE) {
            s->at[s->slot[i]] = (uint32_t) i;
        }
    }

    s->nslots = old->nslots;

    for (next = 0, b = 0; b < s->ranks.n; b++) {

        if (s->at[b] != DEBAR_NONE) {
            continue;
        }

        while (next < s->nslots && s->slot[next] != DEBAR_NONE) {
            next++;
        }

        s->slot[next] = b;
        s->at[b] = (uint32_t) next;

        if (next == s->nslots) {
            s->nslots++;
        }
    }

    while (s->nslots && s->slot[s->nslots - 1] == DEBAR_NONE) {
        s->nslots--;
    }

    return DEBAR_OK;
}


/* What of the delta's rows is next, or NULL. */

static const void *
debar_apply_take(debar_apply_t *a, size_t n)
{
    const char  *p;

    if (n > a->rows.len - a->at) {
        return NULL;
    }

    p = a->rows.data + a->at;
    a->at += n;

    return p;
}


static int
debar_apply_u32(debar_apply_t *a, uint32_t *n)
{
    const void  *p;

    p = debar_apply_take(a, 4);

    if (p) {
        memcpy(n, p, 4);
    }

    return p != NULL;
}


/* The rules of the base by those that say the same, or took their place. */

static int
debar_apply_map(debar_apply_t *a, const debar_state_t *s, uint32_t *map)
{
    uint32_t  i, n, from, to;

    debar_delta_same(&a->state.ranks, &s->ranks, map, NULL);

    if (!debar_apply_u32(a, &n)) {
        return debar_apply_bad(a, "it ends too soon");
    }

    for (i = 0; i < n; i++) {
        if (!debar_apply_u32(a, &from) || !debar_apply_u32(a, &to)
            || from >= a->state.ranks.n || to >= s->ranks.n
            || map[from] != DEBAR_NONE)
        {
            return debar_apply_bad(a, "it names a rule that there is not");
        }

        map[from] = to;
    }

    return DEBAR_OK;
}


static int
debar_apply_tables(debar_apply_t *a, const char *frame)
{
    int             rc;
    uint32_t        i, *map;
    debar_state_t   s;

    memset(&s, 0, sizeof(debar_state_t));
    map = NULL;

    s.len = a->head.tables_size;
    s.tables = malloc(s.len + 1);

    if (s.tables == NULL) {
        return debar_apply_memory(a);
    }

    rc = DEBAR_ERROR;

    if (!debar_apply_unpack(s.tables, s.len, frame, a->head.tables_len,
                            a->state.tables, a->state.len)
        || !debar_state_view(&s))
    {
        (void) debar_apply_bad(a, "its tables are not those of a list");
        goto failed;
    }

    map = malloc((a->state.ranks.n + 1) * sizeof(uint32_t));

    if (map == NULL || debar_digest_ranks(&s.ranks, &s.view) != DEBAR_OK) {
        (void) debar_apply_memory(a);
        goto failed;
    }

    for (i = 0; i < s.view.n[DEBAR_T_RULES]; i++) {
        if (s.ranks.rank[i] != i) {
            (void) debar_apply_bad(a, "its rules are not in order");
            goto failed;
        }
    }

    rc = debar_apply_map(a, &s, map);

    if (rc == DEBAR_OK) {
        rc = debar_apply_slots(a, &s, map);
    }

    if (rc == DEBAR_OK) {
        debar_state_free(&a->state);
        a->state = s;
        memset(&s, 0, sizeof(debar_state_t));
    }

failed:

    free(map);
    debar_state_free(&s);

    return rc;
}


/* --- filters, meta, rows ------------------------------------------------- */

static int
debar_apply_filters(debar_apply_t *a)
{
    uint32_t     i, k, n, log2, word;
    const void  *p;

    for (i = 0; i < 2; i++) {

        if (!debar_apply_u32(a, &log2) || !debar_apply_u32(a, &n)) {
            return debar_apply_bad(a, "it ends too soon");
        }

        if (log2 > DEBAR_APPLY_WORDS
            || (n != DEBAR_DELTA_ANEW && a->words[i] != (size_t) 1 << log2))
        {
            return debar_apply_bad(a, "it is of another filter");
        }

        /* once anew, what is said of words on the way does not matter */

        a->words[i] = (size_t) 1 << log2;

        if (n == DEBAR_DELTA_ANEW) {
            a->anew[i] = 1;
            n = 0;
        }

        for (k = 0; k < n; k++) {
            if (!debar_apply_u32(a, &word)
                || (p = debar_apply_take(a, 8)) == NULL
                || word >= a->words[i])
            {
                return debar_apply_bad(a, "it is of another filter");
            }

            if (!a->anew[i]) {
                memcpy(&a->filter[i][word], p, 8);
            }
        }
    }

    return DEBAR_OK;
}


static int
debar_apply_metas(debar_apply_t *a)
{
    int          rc;
    uint32_t     n;
    unsigned     i;
    const void  *p;

    for (i = 0; i < DEBAR_DELTA_METAS; i++) {

        if (!debar_apply_u32(a, &n) || n > DEBAR_DELTA_META
            || (p = debar_apply_take(a, n)) == NULL)
        {
            return debar_apply_bad(a, "it ends too soon");
        }

        rc = debar_store_meta(a->txn, a->dbi[DEBAR_NAMED_META],
                              debar_delta_metas[i], p, n);
        if (rc != 0) {
            return debar_apply_lmdb(a, rc);
        }
    }

    return DEBAR_OK;
}


/* One row: its rules by rank, put by slot. */

static int
debar_apply_row(debar_apply_t *a, unsigned db, const debar_str_t *key,
    const char *ranks, size_t n)
{
    int       rc;
    size_t    i, k, pad;
    MDB_val   mk, mv;
    MDB_dbi   dbi;
    uint32_t  rank, rule;

    struct {
        uint32_t  pad;
        uint32_t  rules[DEBAR_MAX_KEY_RULES];
    } value;

    dbi = a->dbi[DEBAR_NAMED_ROWS + db];
    mk.mv_data = (void *) key->data;
    mk.mv_size = key->len;

    if (n == 0) {
        rc = mdb_del(a->txn, dbi, &mk, NULL);

        return rc == MDB_NOTFOUND
               ? debar_apply_bad(a, "it takes away a row that there is not")
               : debar_apply_lmdb(a, rc);
    }

    for (i = 0; i < n; i++) {
        memcpy(&rank, ranks + i * sizeof(uint32_t), sizeof(uint32_t));

        if (rank < a->state.ranks.n) {
            rule = a->state.at[rank];

        } else if (rank == DEBAR_RULE_HAS_URLS && db == DEBAR_DB_HOST) {
            rule = rank;

        } else {
            return debar_apply_bad(a, "it names a rule that there is not");
        }

        for (k = i; k && value.rules[k - 1] > rule; k--) {
            value.rules[k] = value.rules[k - 1];
        }

        if (k && value.rules[k - 1] == rule) {
            return debar_apply_bad(a, "it names a rule twice");
        }

        value.rules[k] = rule;
    }

    value.pad = 0;
    pad = debar_row_pad(key->len);
    mv.mv_data = (char *) value.rules - pad;
    mv.mv_size = pad + n * sizeof(uint32_t);

    return debar_apply_lmdb(a, mdb_put(a->txn, dbi, &mk, &mv, 0));
}


static int
debar_apply_db(debar_apply_t *a, unsigned db)
{
    int           rc;
    uint16_t      head[2];
    uint32_t      i, n;
    const void   *p, *ranks;
    debar_str_t   key, last;

    if (!debar_apply_u32(a, &n)) {
        return debar_apply_bad(a, "it ends too soon");
    }

    last = debar_str("", 0);

    for (i = 0; i < n; i++) {

        p = debar_apply_take(a, 4);
        if (p == NULL) {
            return debar_apply_bad(a, "it ends too soon");
        }

        memcpy(head, p, 4);
        key.len = head[0];
        key.data = debar_apply_take(a, key.len);

        if (key.data == NULL || key.len == 0 || key.len > DEBAR_MAX_KEY
            || head[1] > DEBAR_MAX_KEY_RULES
            || (ranks = debar_apply_take(a, head[1] * sizeof(uint32_t)))
               == NULL)
        {
            return debar_apply_bad(a, "a row is not one");
        }

        rc = memcmp(last.data, key.data,
                    last.len < key.len ? last.len : key.len);

        if (rc > 0 || (rc == 0 && last.len >= key.len)) {
            return debar_apply_bad(a, "its rows are not in order");
        }

        last = key;
        rc = debar_apply_row(a, db, &key, ranks, head[1]);

        if (rc != DEBAR_OK) {
            return rc;
        }
    }

    return DEBAR_OK;
}


static int
debar_apply_rows(debar_apply_t *a, const char *frame)
{
    char  *data;

    data = realloc(a->rows.data, a->head.rows_size + 1);
    if (data == NULL) {
        return debar_apply_memory(a);
    }

    a->rows.data = data;
    a->rows.len = a->head.rows_size;
    a->at = 0;

    return debar_apply_unpack(data, a->rows.len, frame, a->head.rows_len,
                              NULL, 0)
           ? DEBAR_OK : debar_apply_bad(a, "its rows cannot be unpacked");
}


static int
debar_apply_one(debar_apply_t *a, const debar_str_t *delta)
{
    int        rc;
    unsigned   db;
    uint64_t   need;

    if (debar_delta_head(&a->head, delta->data, delta->len, a->fault)
        != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    need = (uint64_t) DEBAR_DELTA_BEGIN + a->head.tables_len
           + a->head.rows_len;

    if (delta->len != need) {
        return debar_apply_bad(a, "it was cut");
    }

    rc = debar_apply_rows(a, delta->data + DEBAR_DELTA_BEGIN
                             + a->head.tables_len);

    if (rc == DEBAR_OK) {
        rc = debar_apply_tables(a, delta->data + DEBAR_DELTA_BEGIN);
    }

    if (rc == DEBAR_OK) {
        rc = debar_apply_filters(a);
    }

    if (rc == DEBAR_OK) {
        rc = debar_apply_metas(a);
    }

    for (db = 0; rc == DEBAR_OK && db < DEBAR_DBS; db++) {
        rc = debar_apply_db(a, db);
    }

    if (rc == DEBAR_OK && a->at != a->rows.len) {
        return debar_apply_bad(a, "there is more behind its rows");
    }

    return rc;
}


/* --- the copy ------------------------------------------------------------ */

/* Shares the blocks of the base where the file system can. */

static int
debar_apply_copy(debar_apply_t *a)
{
    off_t             off;
    size_t            n;
    ssize_t           done;
    uint64_t          size = a->base->meta.bytes;
    mdb_filehandle_t  fd;

    if (mdb_env_get_fd(a->base->env, &fd) != 0) {
        return debar_apply_bad(a, "its base has no file");
    }

    if (ioctl(a->pub.fd, FICLONE, fd) == 0) {
        return DEBAR_OK;
    }

    for (off = 0; (uint64_t) off < size; /* void */ ) {
        n = size - (uint64_t) off < DEBAR_APPLY_COPY
            ? size - (uint64_t) off : DEBAR_APPLY_COPY;

        done = copy_file_range(fd, &off, a->pub.fd, NULL, n, 0);

        if (done == -1 && errno == EINTR) {
            continue;
        }

        if (done <= 0) {
            return debar_apply_lmdb(a, done ? errno : EIO);
        }

        /* the disk works while the copy goes on */

        (void) sync_file_range(a->pub.fd, off - done, done,
                               SYNC_FILE_RANGE_WRITE);

        if (a->opts->progress) {
            a->opts->progress(a->opts->data, "copying", (uint64_t) off);
        }
    }

    return DEBAR_OK;
}


static int
debar_apply_open(debar_apply_t *a)
{
    int       rc;
    MDB_stat  stat;
    unsigned  i;

    rc = mdb_env_create(&a->env);
    if (rc != 0) {
        a->env = NULL;
        return debar_apply_lmdb(a, rc);
    }

    (void) mdb_env_set_maxdbs(a->env, DEBAR_NAMED);
    (void) mdb_env_set_mapsize(a->env, 2 * a->base->meta.bytes
                                       + DEBAR_APPLY_ROOM);

    rc = mdb_env_open(a->env, a->pub.tmp,
                      MDB_NOSUBDIR|MDB_NOLOCK|MDB_NOSYNC|MDB_NOTLS
                      |MDB_NORDAHEAD, 0600);

    if (rc == 0) {
        rc = mdb_env_stat(a->env, &stat);
        a->psize = stat.ms_psize;
    }

    if (rc == 0) {
        rc = mdb_txn_begin(a->env, NULL, 0, &a->txn);
    }

    for (i = 0; rc == 0 && i < DEBAR_NAMED; i++) {
        rc = mdb_dbi_open(a->txn, debar_named[i], 0, &a->dbi[i]);
    }

    return debar_apply_lmdb(a, rc);
}


static int
debar_apply_base(debar_apply_t *a)
{
    size_t              n;
    unsigned            i;
    const debar_view_t  *v = &a->base->view;

    for (i = 0; i < 2; i++) {
        n = v->n[DEBAR_T_HOST_FILTER + i];

        a->words[i] = n;
        a->filter[i] = debar_big_alloc(n * sizeof(uint64_t));

        if (a->filter[i] == NULL) {
            return debar_apply_memory(a);
        }

        memcpy(a->filter[i], v->data[DEBAR_T_HOST_FILTER + i],
               n * sizeof(uint64_t));
    }

    return debar_state_base(a);
}


/* A filter of all rows, where its size has changed. */

static int
debar_apply_anew(debar_apply_t *a, unsigned i, uint64_t rows)
{
    int             rc;
    MDB_val         k, v;
    MDB_cursor     *cursor;
    debar_fill_t    fill;

    static const unsigned  db[2] = { DEBAR_DB_HOST, DEBAR_DB_ID };

    /* the builder counts a row for each of its rules */

    memset(&fill, 0, sizeof(debar_fill_t));
    fill.n = a->words[i];

    if (fill.n < debar_filter_words(rows)
        || fill.n > DEBAR_MAX_KEY_RULES * debar_filter_words(rows))
    {
        return debar_apply_bad(a, "it is of another filter");
    }

    fill.words = debar_big_alloc(fill.n * sizeof(uint64_t));

    if (fill.words == NULL) {
        return debar_apply_memory(a);
    }

    free(a->filter[i]);
    a->filter[i] = fill.words;

    rc = mdb_cursor_open(a->txn, a->dbi[DEBAR_NAMED_ROWS + db[i]], &cursor);
    if (rc != 0) {
        return debar_apply_lmdb(a, rc);
    }

    while ((rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT)) == 0) {
        debar_fill_add(&fill, k.mv_data, k.mv_size);
    }

    mdb_cursor_close(cursor);
    debar_fill_end(&fill);

    return debar_apply_lmdb(a, rc == MDB_NOTFOUND ? 0 : rc);
}


/* The tables of the file: rules by slot, and those who refer to them. */

static int
debar_apply_view(debar_apply_t *a, debar_buf_t *rules)
{
    size_t            i;
    uint32_t          rank;
    debar_rule_t      rule;
    debar_term_t     *terms;
    debar_state_t    *s = &a->state;
    debar_pattern_t  *patterns;

    for (i = 0; i < s->nslots; i++) {
        rank = s->slot[i];
        rule = ((const debar_rule_t *) s->view.data[DEBAR_T_RULES])
               [rank == DEBAR_NONE ? 0 : rank];
        rule.pad = rank == DEBAR_NONE ? DEBAR_RULE_FREE : 0;
        debar_buf_add(rules, &rule, sizeof(rule));
    }

    terms = (debar_term_t *) s->view.data[DEBAR_T_TERMS];

    for (i = 0; i < s->view.n[DEBAR_T_TERMS]; i++) {
        terms[i].rule = s->at[terms[i].rule];
    }

    patterns = (debar_pattern_t *) s->view.data[DEBAR_T_PATTERNS];

    for (i = 0; i < s->view.n[DEBAR_T_PATTERNS]; i++) {
        patterns[i].rule = s->at[patterns[i].rule];
    }

    s->view.data[DEBAR_T_RULES] = rules->data ? rules->data : "";
    s->view.n[DEBAR_T_RULES] = s->nslots;

    return DEBAR_OK;
}


static int
debar_apply_store(debar_apply_t *a)
{
    int            rc;
    unsigned       t;
    MDB_stat       stat[2];
    debar_buf_t    rules, index;
    debar_view_t  *v = &a->state.view;

    memset(&rules, 0, sizeof(debar_buf_t));
    memset(&index, 0, sizeof(debar_buf_t));

    rc = mdb_stat(a->txn, a->dbi[DEBAR_NAMED_ROWS + DEBAR_DB_HOST], &stat[0]);

    if (rc == 0) {
        rc = mdb_stat(a->txn, a->dbi[DEBAR_NAMED_ROWS + DEBAR_DB_ID],
                      &stat[1]);
    }

    rc = debar_apply_lmdb(a, rc);

    for (t = 0; rc == DEBAR_OK && t < 2; t++) {
        if (a->anew[t]) {
            rc = debar_apply_anew(a, t, stat[t].ms_entries);
        }

        v->data[DEBAR_T_HOST_FILTER + t] = a->filter[t];
        v->n[DEBAR_T_HOST_FILTER + t] = a->words[t];
    }

    if (rc == DEBAR_OK) {
        rc = debar_apply_view(a, &rules);
    }

    if (rc == DEBAR_OK) {
        debar_term_index_build(&index, v->data[DEBAR_T_TERMS],
                               v->n[DEBAR_T_TERMS], v->data[DEBAR_T_STRINGS]);

        v->data[DEBAR_T_TERM_INDEX] = index.len ? index.data : "";
        v->n[DEBAR_T_TERM_INDEX] = index.len;
    }

    for (t = 0; rc == DEBAR_OK && t < DEBAR_TABLES; t++) {
        rc = debar_apply_lmdb(a, debar_store_table(a->txn,
                                  a->dbi[DEBAR_NAMED_TABLE], a->psize, v, t));
    }

    debar_buf_free(&rules);
    debar_buf_free(&index);

    return rc;
}


/* Numbers of rows, the digest, and the size: as the builder does. */

static int
debar_apply_meta(debar_apply_t *a)
{
    int          rc;
    char         name[32];
    unsigned     i;
    MDB_dbi      meta;
    MDB_stat     stat;
    MDB_envinfo  info;

    meta = a->dbi[DEBAR_NAMED_META];

    rc = debar_store_meta(a->txn, meta, "digest", a->head.info.to, 64)
         || debar_store_meta(a->txn, meta, "generator", "debar " DEBAR_VERSION,
                             sizeof("debar " DEBAR_VERSION) - 1);

    for (i = 0; rc == 0 && i < DEBAR_DBS; i++) {
        (void) snprintf(name, sizeof(name), "rows.%s",
                        debar_named[DEBAR_NAMED_ROWS + i]);

        rc = mdb_stat(a->txn, a->dbi[DEBAR_NAMED_ROWS + i], &stat);

        if (rc == 0) {
            rc = debar_store_number(a->txn, meta, name, stat.ms_entries);
            a->total += stat.ms_entries;
        }
    }

    if (rc == 0) {
        rc = mdb_txn_commit(a->txn);
        a->txn = NULL;
    }

    if (rc == 0) {
        rc = mdb_env_info(a->env, &info);
    }

    if (rc == 0) {
        rc = mdb_txn_begin(a->env, NULL, 0, &a->txn);
    }

    if (rc != 0) {
        return debar_apply_lmdb(a, rc);
    }

    a->bytes = (info.me_last_pgno + 1 + DEBAR_SPARE_PAGES) * a->psize;

    rc = debar_store_number(a->txn, meta, "bytes", a->bytes);

    if (rc == 0) {
        rc = mdb_txn_commit(a->txn);
        a->txn = NULL;
    }

    if (rc == 0) {
        rc = mdb_env_info(a->env, &info);
    }

    if (rc != 0) {
        return debar_apply_lmdb(a, rc);
    }

    mdb_env_close(a->env);
    a->env = NULL;

    if ((info.me_last_pgno + 1) * a->psize > a->bytes) {
        return debar_apply_bad(a, "the file has grown beyond its size");
    }

    return debar_apply_lmdb(a, ftruncate(a->pub.fd, (off_t) a->bytes) == -1
                               ? errno : 0);
}


/* What is in the file, not what was meant to be. */

static int
debar_apply_verify(debar_apply_t *a, const char *digest)
{
    int                 rc;
    debar_open_opts_t   opts;
    debar_snapshot_t   *s;

    memset(&opts, 0, sizeof(debar_open_opts_t));
    opts.uid = DEBAR_ANY_OWNER;

    (void) sync_file_range(a->pub.fd, 0, 0, SYNC_FILE_RANGE_WRITE);

    s = debar_snapshot_open(a->pub.tmp, &opts, a->fault);
    if (s == NULL) {
        return DEBAR_ERROR;
    }

    if (a->opts->progress) {
        a->opts->progress(a->opts->data, "verifying", a->total);
    }

    rc = debar_snapshot_verify(s, a->fault);

    if (rc == DEBAR_OK && (strcmp(s->meta.digest, digest) != 0
                           || s->meta.serial != a->head.info.serial))
    {
        rc = debar_apply_bad(a, "it leads to another list than it says");
    }

    debar_snapshot_close(s);

    return rc;
}


static void
debar_apply_free(debar_apply_t *a)
{
    if (a->txn) {
        mdb_txn_abort(a->txn);
    }

    if (a->env) {
        mdb_env_close(a->env);
    }

    free(a->filter[0]);
    free(a->filter[1]);
    debar_buf_free(&a->rows);
    debar_state_free(&a->state);
    debar_snapshot_close(a->base);
    debar_publish_free(&a->pub);
}


/* Each leads to the next: said by their heads, before anything is made. */

static int
debar_apply_chain(debar_apply_t *a, const debar_str_t *deltas, size_t n,
    const char *digest)
{
    size_t       i;
    const char  *from = a->base->meta.digest;

    static const char  other[] = "the delta from serial %" PRIu64 " to %" PRIu64
        " is not for this list: it begins at digest %.12s..., this one is "
        "%.12s...";

    if (n == 0 || n > DEBAR_DELTA_MAX_CHAIN) {
        debar_fault(a->fault, "%.200s: from 1 to %u deltas may be applied at "
                    "once, not %zu", a->path, DEBAR_DELTA_MAX_CHAIN, n);
        return DEBAR_ERROR;
    }

    /* the heads live in a, which holds one at a time */

    for (i = 0; i < n; i++) {
        char  to[65];

        memcpy(to, a->head.info.to, 65);
        from = i ? to : from;

        if (debar_delta_head(&a->head, deltas[i].data, deltas[i].len,
                             a->fault) != DEBAR_OK)
        {
            return DEBAR_ERROR;
        }

        if (strcmp(a->head.info.from, from) != 0) {
            debar_fault(a->fault, other, a->head.info.from_serial,
                        a->head.info.serial, a->head.info.from, from);
            return DEBAR_ERROR;
        }
    }

    if (strcmp(a->head.info.to, digest) != 0) {
        debar_fault(a->fault, "the delta to serial %" PRIu64 " leads to digest "
                    "%.12s..., not to %.12s... as it should",
                    a->head.info.serial, a->head.info.to, digest);
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


static int
debar_apply_begin(debar_apply_t *a, const char *base, const char *path,
    const debar_build_opts_t *opts, debar_fault_t *fault)
{
    debar_open_opts_t                open_opts;
    static const debar_build_opts_t  none;

    memset(a, 0, sizeof(debar_apply_t));
    memset(&open_opts, 0, sizeof(debar_open_opts_t));

    a->path = path;
    a->opts = opts ? opts : &none;
    a->fault = fault;
    a->pub.fd = -1;
    a->pub.dirfd = -1;
    open_opts.uid = DEBAR_ANY_OWNER;

    a->base = debar_snapshot_open(base, &open_opts, fault);

    return a->base ? DEBAR_OK : DEBAR_ERROR;
}


static int
debar_apply_end(debar_apply_t *a, const char *digest,
    debar_build_info_t *info)
{
    memcpy(info->digest, digest, 64);
    info->serial = a->head.info.serial;
    info->rows = a->total;
    info->bytes = a->bytes;

    return debar_publish_end(&a->pub, a->path, info->serial, digest,
                             a->opts->replace, a->fault);
}


int
debar_snapshot_again(const char *base, const char *path, uint64_t serial,
    int64_t expires, const debar_build_opts_t *opts, debar_build_info_t *info,
    debar_fault_t *fault)
{
    int            rc;
    MDB_dbi        meta;
    debar_apply_t  a;

    memset(info, 0, sizeof(debar_build_info_t));

    if (debar_apply_begin(&a, base, path, opts, fault) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    a.head.info.from_serial = a.base->meta.serial;
    a.head.info.serial = serial;
    expires = expires < 0 ? a.base->meta.expires : expires;

    rc = debar_digest_as(a.base, serial, expires, a.head.info.to, fault);

    if (rc != DEBAR_OK
        || debar_publish_allowed(path, serial, a.head.info.to,
                                 a.opts->replace, fault) != DEBAR_OK
        || debar_publish_start(&a.pub, path, fault) != DEBAR_OK
        || debar_apply_copy(&a) != DEBAR_OK
        || debar_apply_open(&a) != DEBAR_OK)
    {
        debar_apply_free(&a);
        return DEBAR_ERROR;
    }

    meta = a.dbi[DEBAR_NAMED_META];

    rc = debar_store_number(a.txn, meta, "serial", serial)
         || debar_store_number(a.txn, meta, "expires", (uint64_t) expires)
         || debar_store_number(a.txn, meta, "built", (uint64_t) time(NULL));

    rc = debar_apply_lmdb(&a, rc);

    if (rc == DEBAR_OK) {
        rc = debar_apply_meta(&a);
    }

    if (rc == DEBAR_OK) {
        rc = debar_apply_verify(&a, a.head.info.to);
    }

    if (rc == DEBAR_OK) {
        rc = debar_apply_end(&a, a.head.info.to, info);
    }

    debar_apply_free(&a);

    return rc;
}


int
debar_delta_apply(const char *base, const char *path,
    const debar_str_t *deltas, size_t ndeltas, const char *digest,
    const debar_build_opts_t *opts, debar_build_info_t *info,
    debar_fault_t *fault)
{
    int            rc;
    size_t         i;
    debar_apply_t  a;

    memset(info, 0, sizeof(debar_build_info_t));

    if (debar_apply_begin(&a, base, path, opts, fault) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    rc = debar_apply_chain(&a, deltas, ndeltas, digest);

    if (rc == DEBAR_OK) {
        rc = debar_publish_allowed(path, a.head.info.serial, digest,
                                   a.opts->replace, fault);
    }

    if (rc != DEBAR_OK
        || debar_publish_start(&a.pub, path, fault) != DEBAR_OK
        || debar_apply_copy(&a) != DEBAR_OK
        || debar_apply_base(&a) != DEBAR_OK
        || debar_apply_open(&a) != DEBAR_OK)
    {
        debar_apply_free(&a);
        return DEBAR_ERROR;
    }

    for (i = 0; rc == DEBAR_OK && i < ndeltas; i++) {
        rc = debar_apply_one(&a, &deltas[i]);
    }

    if (rc != DEBAR_OK
        || debar_apply_store(&a) != DEBAR_OK
        || debar_apply_meta(&a) != DEBAR_OK
        || debar_apply_verify(&a, digest) != DEBAR_OK)
    {
        debar_apply_free(&a);
        return DEBAR_ERROR;
    }

    rc = debar_apply_end(&a, digest, info);
    debar_apply_free(&a);

    return rc;
}
