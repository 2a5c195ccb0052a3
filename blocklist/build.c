/*
 * The builder: records and rows of a source into one LMDB file.
 */

#include "layout.h"
#include "term.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <pthread.h>


#define DEBAR_BUILD_STEP  1000000  /* rows between two words of progress */
#define DEBAR_SPARE_PAGES 16       /* for what the last commit copies */


typedef struct {
    debar_source_t            *src;
    const debar_build_opts_t  *opts;
    debar_build_info_t        *info;
    debar_fault_t             *fault;
    debar_publish_t            pub;
    debar_head_t               head;
    debar_view_t               view;
    debar_sorted_t             sorted[DEBAR_DBS];
    uint64_t                   rows[DEBAR_DBS];
    uint8_t                   *used;
    debar_fill_t               filter[2];    /* hosts, identifiers */
    debar_buf_t                term_index;
    uint8_t                    networks[DEBAR_NET_BITMAP];
    uint8_t                    labels[DEBAR_LABEL_BITMAP];
    char                       digest[65];
    unsigned                   digest_failed;
    MDB_env                   *env;
    MDB_txn                   *txn;
    MDB_dbi                    dbi[DEBAR_NAMED];
    size_t                     psize;
} debar_build_t;


static int debar_build_view(debar_build_t *b);
static int debar_build_urls(debar_build_t *b);
static int debar_build_sort(debar_build_t *b);
static int debar_build_used(debar_build_t *b);
static int debar_build_env(debar_build_t *b);
static int debar_build_rows(debar_build_t *b);
static void *debar_build_digest(void *data);
static int debar_build_derive(debar_build_t *b);
static int debar_build_tables(debar_build_t *b);
static int debar_build_meta(debar_build_t *b);
static int debar_build_close(debar_build_t *b);
static int debar_build_verify(debar_build_t *b);
static void debar_build_free(debar_build_t *b);


int
debar_snapshot_build(debar_source_t *src, const char *path,
    const debar_build_opts_t *opts, debar_build_info_t *info,
    debar_fault_t *fault)
{
    int                 rc;
    pthread_t           tid;
    unsigned            thread;
    debar_build_t       b;
    debar_build_opts_t  none;

    memset(&b, 0, sizeof(debar_build_t));
    memset(&none, 0, sizeof(debar_build_opts_t));
    memset(info, 0, sizeof(debar_build_info_t));

    b.src = src;
    b.opts = opts ? opts : &none;
    b.info = info;
    b.fault = fault;

    if (debar_publish_allowed(path, src->serial, NULL, b.opts->replace, fault)
        != DEBAR_OK
        || debar_publish_start(&b.pub, path, fault) != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    rc = DEBAR_ERROR;

    if (debar_build_view(&b) != DEBAR_OK
        || debar_build_urls(&b) != DEBAR_OK
        || debar_build_sort(&b) != DEBAR_OK
        || debar_build_used(&b) != DEBAR_OK
        || debar_build_derive(&b) != DEBAR_OK
        || debar_build_env(&b) != DEBAR_OK)
    {
        goto done;
    }

    /* the digest reads the same rows that are being written */

    thread = pthread_create(&tid, NULL, debar_build_digest, &b) == 0;

    rc = debar_build_rows(&b);

    if (thread) {
        pthread_join(tid, NULL);

    } else {
        (void) debar_build_digest(&b);
    }

    if (rc != DEBAR_OK) {
        goto done;
    }

    if (b.digest_failed) {
        debar_fault(fault, "%.200s: no memory for the digest", path);
        rc = DEBAR_ERROR;
        goto done;
    }

    memcpy(info->digest, b.digest, 65);

    rc = debar_publish_allowed(path, src->serial, b.digest, b.opts->replace,
                               fault);

    if (rc != DEBAR_OK
        || debar_build_tables(&b) != DEBAR_OK
        || debar_build_meta(&b) != DEBAR_OK
        || debar_build_close(&b) != DEBAR_OK
        || debar_build_verify(&b) != DEBAR_OK)
    {
        rc = DEBAR_ERROR;
        goto done;
    }

    rc = debar_publish_end(&b.pub, path, src->serial, b.digest,
                           b.opts->replace, fault);

done:

    debar_build_free(&b);

    return rc;
}


static void
debar_build_say(debar_build_t *b, const char *what, uint64_t n)
{
    if (b->opts->progress) {
        b->opts->progress(b->opts->data, what, n);
    }
}


static int
debar_build_lmdb(debar_build_t *b, int rc)
{
    if (rc == 0) {
        return DEBAR_OK;
    }

    debar_publish_errno(b->fault, "it cannot be written", b->pub.tmp, rc);

    return DEBAR_ERROR;
}


static debar_str_t
debar_build_str(const char *s)
{
    return debar_str(s ? s : "", s ? strlen(s) : 0);
}


static int
debar_build_view(debar_build_t *b)
{
    unsigned              t;
    const char           *why;
    const debar_table_t  *table;

    b->head.title = debar_build_str(b->src->title);
    b->head.publisher = debar_build_str(b->src->publisher);
    b->head.timezone = debar_build_str(b->src->timezone);
    b->head.serial = b->src->serial;
    b->head.expires = b->src->expires;

    b->info->serial = b->src->serial;

    if (b->src->serial > INT64_MAX || b->src->expires < 0) {
        debar_fault(b->fault, "list.yaml: serial must be below 2^63 and the "
                    "date of expiry after 1970");
        return DEBAR_ERROR;
    }

    for (t = 0; t <= DEBAR_T_CIDRS; t++) {
        table = &b->src->tables[t];

        b->view.data[t] = table->n ? table->data : "";
        b->view.n[t] = table->n;
    }

    why = debar_view_check(&b->view, 0);

    if (why) {
        debar_fault(b->fault, "the list as it was read has %s: this is a "
                    "fault of debar, please report it", why);
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


/*
 * A host that has URLs says so in its own row, so that most requests need no
 * look-up by URL.  A host key has no slash and a path begins with one.
 */

static int
debar_build_urls(debar_build_t *b)
{
    size_t            i, len;
    const char       *key, *slash;
    debar_rowset_t   *urls = &b->src->rows[DEBAR_DB_URL];
    debar_sorted_t   *s = &b->sorted[DEBAR_DB_URL];

    if (debar_sort(s, urls) != 0) {
        debar_fault(b->fault, "no memory to sort %zu URLs", urls->n);
        return DEBAR_ERROR;
    }

    for (i = 0; i < s->n; i++) {
        key = (const char *) s->bytes + (s->items[i].at >> 16);
        len = s->items[i].at & 0xffff;

        slash = memchr(key, '/', len);

        if (slash == NULL || slash == key) {
            debar_fault(b->fault, "a URL without a host or a path was read: "
                        "this is a fault of debar, please report it");
            return DEBAR_ERROR;
        }

        len = (size_t) (slash - key);

        /* one is enough for neighbours of the same host */

        if (i) {
            const char  *last;

            last = (const char *) s->bytes + (s->items[i - 1].at >> 16);

            if ((s->items[i - 1].at & 0xffff) > len
                && memcmp(last, key, len + 1) == 0)
            {
                continue;
            }
        }

        debar_rowset_add(&b->src->rows[DEBAR_DB_HOST], key, len,
                         DEBAR_RULE_HAS_URLS);
    }

    return DEBAR_OK;
}


static int
debar_build_sort(debar_build_t *b)
{
    unsigned  db;

    for (db = 0; db < DEBAR_DBS; db++) {
        if (db == DEBAR_DB_URL) {
            continue;
        }

        debar_build_say(b, "sorting", b->src->rows[db].n);

        if (debar_sort(&b->sorted[db], &b->src->rows[db]) != 0) {
            debar_fault(b->fault, "no memory to sort %zu rows",
                        b->src->rows[db].n);
            return DEBAR_ERROR;
        }
    }

    return DEBAR_OK;
}


static int
debar_build_used(debar_build_t *b)
{
    size_t           i, n;
    uint32_t         rule;
    unsigned         db;

    n = b->view.n[DEBAR_T_RULES];

    b->used = calloc(1, n / 8 + 1);
    if (b->used == NULL) {
        debar_fault(b->fault, "no memory for %zu rules", n);
        return DEBAR_ERROR;
    }

    for (db = 0; db < DEBAR_DBS; db++) {
        for (i = 0; i < b->sorted[db].n; i++) {
            rule = b->sorted[db].items[i].rule;

            if (rule < n) {
                debar_bit_set(b->used, rule);
                continue;
            }

            if (rule != DEBAR_RULE_HAS_URLS || db != DEBAR_DB_HOST) {
                debar_fault(b->fault, "a row names rule %u of %zu: this is a "
                            "fault of debar, please report it", rule, n);
                return DEBAR_ERROR;
            }
        }
    }

    return DEBAR_OK;
}


/* What is made from the source: room for the filters, and the term index. */

static int
debar_build_derive(debar_build_t *b)
{
    size_t    n;
    unsigned  i;

    static const unsigned  db[2] = { DEBAR_DB_HOST, DEBAR_DB_ID };

    for (i = 0; i < 2; i++) {
        n = debar_filter_words(b->sorted[db[i]].n);

        b->filter[i].n = n;
        b->filter[i].words = debar_big_alloc(n * sizeof(uint64_t));
        if (b->filter[i].words == NULL) {
            debar_fault(b->fault, "no memory for a filter of %zu rows",
                        b->sorted[db[i]].n);
            return DEBAR_ERROR;
        }

        b->view.data[DEBAR_T_HOST_FILTER + i] = b->filter[i].words;
        b->view.n[DEBAR_T_HOST_FILTER + i] = n;
    }

    debar_term_index_build(&b->term_index, b->view.data[DEBAR_T_TERMS],
                           b->view.n[DEBAR_T_TERMS],
                           b->view.data[DEBAR_T_STRINGS]);

    b->view.data[DEBAR_T_TERM_INDEX] = b->term_index.len ? b->term_index.data
                                                         : "";
    b->view.n[DEBAR_T_TERM_INDEX] = b->term_index.len;

    return DEBAR_OK;
}


/*
 * The file is private until it is renamed: no lock, no sync before the last.
 * Not MDB_WRITEMAP, which would answer a full disk with SIGBUS.
 */

static int
debar_build_env(debar_build_t *b)
{
    int       rc;
    size_t    room;
    MDB_stat  stat;
    unsigned  i;

    room = 64 << 20;

    for (i = 0; i < DEBAR_DBS; i++) {
        room += 2 * b->src->rows[i].bytes.len + 64 * b->sorted[i].n;
    }

    for (i = 0; i < DEBAR_TABLES; i++) {
        room += 2 * b->view.n[i] * debar_record_size[i] + 65536;
    }

    rc = mdb_env_create(&b->env);
    if (rc != 0) {
        b->env = NULL;
        return debar_build_lmdb(b, rc);
    }

    (void) mdb_env_set_maxdbs(b->env, DEBAR_NAMED);
    (void) mdb_env_set_mapsize(b->env, room);

    rc = mdb_env_open(b->env, b->pub.tmp,
                      MDB_NOSUBDIR|MDB_NOLOCK|MDB_NOSYNC|MDB_NOTLS, 0600);

    if (rc == 0) {
        rc = mdb_env_stat(b->env, &stat);
        b->psize = stat.ms_psize;
    }

    if (rc == 0) {
        rc = mdb_txn_begin(b->env, NULL, 0, &b->txn);
    }

    for (i = 0; rc == 0 && i < DEBAR_NAMED; i++) {
        rc = mdb_dbi_open(b->txn, debar_named[i], MDB_CREATE, &b->dbi[i]);
    }

    return debar_build_lmdb(b, rc);
}


static int
debar_build_many(debar_build_t *b, unsigned db, const uint8_t *key, size_t len)
{
    debar_fault(b->fault, "a key of \"%s\" has more than %u rules (%.*s): give "
                "it to fewer vendors or sources",
                debar_named[DEBAR_NAMED_ROWS + db], DEBAR_MAX_KEY_RULES,
                len < 100 ? (int) len : 100, (const char *) key);

    return DEBAR_ERROR;
}


static int
debar_build_db(debar_build_t *b, unsigned db)
{
    int             rc;
    size_t          i, len, n, pad;
    MDB_val         k, v;
    MDB_cursor     *cursor;
    const uint8_t  *key;

    struct {
        uint32_t    pad;
        uint32_t    rules[DEBAR_MAX_KEY_RULES];
    } value;

    rc = mdb_cursor_open(b->txn, b->dbi[DEBAR_NAMED_ROWS + db], &cursor);
    if (rc != 0) {
        return debar_build_lmdb(b, rc);
    }

    value.pad = 0;
    i = 0;

    while ((n = debar_sorted_next(&b->sorted[db], &i, &key, &len,
                                  value.rules)))
    {
        if (n > DEBAR_MAX_KEY_RULES) {
            mdb_cursor_close(cursor);
            return debar_build_many(b, db, key, len);
        }

        pad = debar_row_pad(len);

        k.mv_data = (void *) key;
        k.mv_size = len;
        v.mv_data = (char *) value.rules - pad;
        v.mv_size = pad + n * sizeof(uint32_t);

        rc = mdb_cursor_put(cursor, &k, &v, MDB_APPEND);
        if (rc != 0) {
            break;
        }

        if (++b->rows[db] % DEBAR_BUILD_STEP == 0) {
            debar_build_say(b, "writing", b->rows[db]);
        }
    }

    mdb_cursor_close(cursor);

    return debar_build_lmdb(b, rc);
}


static int
debar_build_rows(debar_build_t *b)
{
    unsigned  db;

    for (db = 0; db < DEBAR_DBS; db++) {
        if (debar_build_db(b, db) != DEBAR_OK) {
            return DEBAR_ERROR;
        }

        b->info->rows += b->rows[db];
    }

    return DEBAR_OK;
}


/*
 * One pass over the rows for all that is made from them.  A key with too many
 * rules ends it: the writer says so.
 */

static void *
debar_build_digest(void *data)
{
    size_t           i, len, n;
    unsigned         db;
    uint32_t         rules[DEBAR_MAX_KEY_RULES];
    debar_build_t   *b = data;
    const uint8_t   *key;
    debar_digest_t  *d;

    d = debar_digest_start(&b->head, &b->view, b->used);
    if (d == NULL) {
        b->digest_failed = 1;
        return NULL;
    }

    for (db = 0; db < DEBAR_DBS; db++) {
        i = 0;

        while ((n = debar_sorted_next(&b->sorted[db], &i, &key, &len, rules))) {

            if (n > DEBAR_MAX_KEY_RULES) {
                break;
            }

            debar_digest_row(d, db, key, len, rules, n);

            if (db == DEBAR_DB_HOST) {
                debar_fill_add(&b->filter[0], key, len);
                debar_bit_set(b->labels, debar_key_labels(key, len));

            } else if (db == DEBAR_DB_ID) {
                debar_fill_add(&b->filter[1], key, len);

            } else if (db == DEBAR_DB_NETWORK && len == 17 && key[16] <= 128) {
                debar_bit_set(b->networks, key[16]);
            }
        }
    }

    debar_fill_end(&b->filter[0]);
    debar_fill_end(&b->filter[1]);

    b->digest_failed = debar_digest_end(d, b->digest) != DEBAR_OK;

    return NULL;
}


int
debar_store_table(MDB_txn *txn, MDB_dbi dbi, size_t psize,
    const debar_view_t *v, unsigned t)
{
    int                  rc;
    size_t               size, used;
    MDB_val              k, value;
    debar_table_head_t  *head;

    used = v->n[t] * debar_record_size[t];
    size = sizeof(debar_table_head_t) + used;

    k.mv_data = (void *) debar_table_names[t];
    k.mv_size = strlen(debar_table_names[t]);
    value.mv_data = NULL;
    value.mv_size = size < psize ? psize : size;

    rc = mdb_put(txn, dbi, &k, &value, MDB_RESERVE);
    if (rc != 0) {
        return rc;
    }

    head = value.mv_data;
    head->n = v->n[t];
    head->record = debar_record_size[t];

    memcpy(head + 1, v->data[t], used);
    memset((char *) (head + 1) + used, 0, value.mv_size - size);

    return 0;
}


int
debar_store_meta(MDB_txn *txn, MDB_dbi meta, const char *name,
    const void *data, size_t len)
{
    MDB_val  k, v;

    k.mv_data = (void *) name;
    k.mv_size = strlen(name);
    v.mv_data = (void *) data;
    v.mv_size = len;

    return mdb_put(txn, meta, &k, &v, 0);
}


int
debar_store_number(MDB_txn *txn, MDB_dbi meta, const char *name, uint64_t n)
{
    char  text[24];

    return debar_store_meta(txn, meta, name, text,
                            (size_t) snprintf(text, sizeof(text), "%" PRIu64,
                                              n));
}


static int
debar_build_tables(debar_build_t *b)
{
    int       rc;
    unsigned  t;

    for (rc = 0, t = 0; rc == 0 && t < DEBAR_TABLES; t++) {
        rc = debar_store_table(b->txn, b->dbi[DEBAR_NAMED_TABLE], b->psize,
                               &b->view, t);
    }

    return debar_build_lmdb(b, rc);
}


/*
 * The size of the file stands in it: it is settled before the commit that
 * writes it, with some pages to spare, and the file is then made that long.
 */

static int
debar_build_meta(debar_build_t *b)
{
    int          rc;
    char         name[32];
    unsigned     i;
    uint64_t     order;
    MDB_txn     *txn;
    MDB_dbi      meta;
    MDB_envinfo  info;

    txn = b->txn;
    meta = b->dbi[DEBAR_NAMED_META];
    order = DEBAR_BYTE_ORDER;

    rc = debar_store_number(txn, meta, "format", DEBAR_SNAPSHOT_FORMAT)
         || debar_store_meta(txn, meta, "byte-order", &order, 8)
         || debar_store_meta(txn, meta, "generator", "debar " DEBAR_VERSION,
                             sizeof("debar " DEBAR_VERSION) - 1)
         || debar_store_meta(txn, meta, "title", b->head.title.data,
                             b->head.title.len)
         || debar_store_meta(txn, meta, "publisher", b->head.publisher.data,
                             b->head.publisher.len)
         || debar_store_meta(txn, meta, "timezone", b->head.timezone.data,
                             b->head.timezone.len)
         || debar_store_number(txn, meta, "serial", b->head.serial)
         || debar_store_number(txn, meta, "expires",
                               (uint64_t) b->head.expires)
         || debar_store_number(txn, meta, "built", (uint64_t) time(NULL))
         || debar_store_meta(txn, meta, "digest", b->digest, 64)
         || debar_store_meta(txn, meta, "network-bits", b->networks,
                             DEBAR_NET_BITMAP)
         || debar_store_meta(txn, meta, "host-labels", b->labels,
                             DEBAR_LABEL_BITMAP);

    for (i = 0; rc == 0 && i < DEBAR_DBS; i++) {
        (void) snprintf(name, sizeof(name), "rows.%s",
                        debar_named[DEBAR_NAMED_ROWS + i]);
        rc = debar_store_number(txn, meta, name, b->rows[i]);
    }

    if (rc != 0) {
        return debar_build_lmdb(b, rc);
    }

    rc = mdb_txn_commit(b->txn);
    b->txn = NULL;

    if (rc == 0) {
        rc = mdb_env_info(b->env, &info);
    }

    if (rc == 0) {
        rc = mdb_txn_begin(b->env, NULL, 0, &b->txn);
    }

    if (rc != 0) {
        return debar_build_lmdb(b, rc);
    }

    b->info->bytes = (info.me_last_pgno + 1 + DEBAR_SPARE_PAGES) * b->psize;

    return debar_build_lmdb(b, debar_store_number(b->txn, meta, "bytes",
                                                  b->info->bytes));
}


static int
debar_build_close(debar_build_t *b)
{
    int          rc;
    MDB_envinfo  info;

    rc = mdb_txn_commit(b->txn);
    b->txn = NULL;

    if (rc == 0) {
        rc = mdb_env_info(b->env, &info);
    }

    if (rc != 0) {
        return debar_build_lmdb(b, rc);
    }

    if ((info.me_last_pgno + 1) * b->psize > b->info->bytes) {
        debar_fault(b->fault, "%.200s: it has grown beyond its size: this is "
                    "a fault of debar, please report it", b->pub.tmp);
        return DEBAR_ERROR;
    }

    mdb_env_close(b->env);
    b->env = NULL;

    if (ftruncate(b->pub.fd, (off_t) b->info->bytes) == -1) {
        return debar_build_lmdb(b, errno);
    }

    /* the disk works while the file is verified; fsync() has the last word */

    (void) sync_file_range(b->pub.fd, 0, 0, SYNC_FILE_RANGE_WRITE);

    return DEBAR_OK;
}


/* The file is opened as a worker would, before it is where one would look. */

static int
debar_build_verify(debar_build_t *b)
{
    int                 rc;
    debar_open_opts_t   opts;
    debar_snapshot_t   *s;

    memset(&opts, 0, sizeof(debar_open_opts_t));
    opts.uid = DEBAR_ANY_OWNER;

    s = debar_snapshot_open(b->pub.tmp, &opts, b->fault);
    if (s == NULL) {
        return DEBAR_ERROR;
    }

    rc = DEBAR_OK;

    if (b->opts->verify) {
        debar_build_say(b, "verifying", b->info->rows);
        rc = debar_snapshot_verify(s, b->fault);
    }

    debar_snapshot_close(s);

    return rc;
}


static void
debar_build_free(debar_build_t *b)
{
    unsigned  i;

    if (b->txn) {
        mdb_txn_abort(b->txn);
    }

    if (b->env) {
        mdb_env_close(b->env);
    }

    for (i = 0; i < DEBAR_DBS; i++) {
        debar_sort_free(&b->sorted[i]);
    }

    free(b->used);
    free(b->filter[0].words);
    free(b->filter[1].words);
    debar_buf_free(&b->term_index);
    debar_publish_free(&b->pub);
}
