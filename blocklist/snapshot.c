/*
 * The reader of snapshots: what workers run.  A file is checked before LMDB
 * may touch it; after that a look-up trusts everything but the row it finds.
 */

#include "layout.h"
#include "filter.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/stat.h>


#define DEBAR_OPEN_TRIES  5


static int debar_file_check(const char *path, const debar_open_opts_t *opts,
    struct stat *st, debar_fault_t *fault);
static int debar_snapshot_env(debar_snapshot_t *s, const char *path,
    const struct stat *st, debar_fault_t *fault);
static int debar_snapshot_dbs(debar_snapshot_t *s, const char *path,
    debar_fault_t *fault);
static int debar_read_meta(debar_snapshot_t *s, const char *path,
    debar_fault_t *fault);
static int debar_read_tables(debar_snapshot_t *s, const char *path,
    debar_fault_t *fault);
static int debar_check_floor(const debar_snapshot_t *s, const char *path,
    const debar_open_opts_t *opts, debar_fault_t *fault);


debar_snapshot_t *
debar_snapshot_open(const char *path, const debar_open_opts_t *opts,
    debar_fault_t *fault)
{
    int                rc;
    unsigned           i;
    struct stat        st;
    debar_snapshot_t  *s;

    s = calloc(1, sizeof(debar_snapshot_t));
    if (s == NULL) {
        debar_fault(fault, "%s: no memory to open it", path);
        return NULL;
    }

    /* between the check and LMDB's open another file may be renamed there */

    for (rc = DEBAR_DECLINED, i = 0; rc == DEBAR_DECLINED; i++) {

        if (i == DEBAR_OPEN_TRIES) {
            debar_fault(fault, "%s: it was replaced %u times while it was "
                        "being opened: try again", path, i);
            rc = DEBAR_ERROR;
            break;
        }

        rc = debar_file_check(path, opts, &st, fault);

        if (rc == DEBAR_OK) {
            rc = debar_snapshot_env(s, path, &st, fault);
        }
    }

    if (rc != DEBAR_OK
        || debar_snapshot_dbs(s, path, fault) != DEBAR_OK
        || debar_read_meta(s, path, fault) != DEBAR_OK
        || debar_read_tables(s, path, fault) != DEBAR_OK
        || debar_check_floor(s, path, opts, fault) != DEBAR_OK)
    {
        debar_snapshot_close(s);
        return NULL;
    }

    return s;
}


void
debar_snapshot_close(debar_snapshot_t *s)
{
    if (s == NULL) {
        return;
    }

    if (s->txn) {
        mdb_txn_abort(s->txn);
    }

    if (s->env) {
        mdb_env_close(s->env);
    }

    free(s);
}


/* Who may have written the file, and whether LMDB may read its pages. */

static const char *
debar_pages_small(void *data, const uint8_t *key, size_t klen,
    const uint8_t *value, size_t vlen)
{
    return NULL;
}


static int
debar_file_check(const char *path, const debar_open_opts_t *opts,
    struct stat *st, debar_fault_t *fault)
{
    int             fd;
    void           *map;
    const char     *why;
    debar_pages_t   pages;

    /* non-blocking: a FIFO would hold the worker */

    fd = open(path, O_RDONLY|O_CLOEXEC|O_NONBLOCK);
    if (fd == -1) {
        debar_fault(fault, "%s: cannot be opened: %s%s", path, strerror(errno),
                    errno == ENOENT ? "; make it with \"debar list build\""
                                    : "");
        return DEBAR_ERROR;
    }

    if (fstat(fd, st) == -1 || !S_ISREG(st->st_mode)) {
        debar_fault(fault, "%s: it is not a regular file", path);
        goto failed;
    }

    if (st->st_uid != 0
        && (opts->foreign || st->st_uid != geteuid())
        && (opts->uid == DEBAR_ANY_OWNER || st->st_uid != opts->uid))
    {
        debar_fault(fault, "%s: its owner has uid %u, who is %s: chown it",
                    path, (unsigned) st->st_uid,
                    st->st_uid == geteuid()
                    ? "the user that this process is not to trust: its own"
                    : "neither root nor the user of this process");
        goto failed;
    }

    if (st->st_mode & (S_IWGRP|S_IWOTH)) {
        debar_fault(fault, "%s: group or others may write to it (mode %04o): "
                    "chmod 0444", path, (unsigned) st->st_mode & 07777);
        goto failed;
    }

    if (st->st_size == 0) {
        debar_fault(fault, "%s: it is empty: build it again", path);
        goto failed;
    }

    map = mmap(NULL, st->st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) {
        debar_fault(fault, "%s: cannot be mapped: %s", path, strerror(errno));
        goto failed;
    }

    why = debar_pages_open(&pages, map, st->st_size);

    if (why == NULL) {
        why = debar_pages_walk(&pages, &pages.tree[DEBAR_NAMED_META],
                               debar_pages_small, NULL);
    }

    if (why == NULL) {
        why = debar_pages_walk(&pages, &pages.tree[DEBAR_NAMED_TABLE],
                               debar_pages_small, NULL);
    }

    munmap(map, st->st_size);
    close(fd);

    if (why) {
        debar_fault(fault, "%s: %s; build or fetch it again", path, why);
        return DEBAR_ERROR;
    }

    return DEBAR_OK;

failed:

    close(fd);

    return DEBAR_ERROR;
}


static int
debar_snapshot_env(debar_snapshot_t *s, const char *path,
    const struct stat *st, debar_fault_t *fault)
{
    int          rc;
    mdb_filehandle_t  fd;
    struct stat  now;

    rc = mdb_env_create(&s->env);
    if (rc != 0) {
        s->env = NULL;
        goto failed;
    }

    (void) mdb_env_set_maxdbs(s->env, DEBAR_NAMED);
    (void) mdb_env_set_mapsize(s->env, st->st_size);

    rc = mdb_env_open(s->env, path, MDB_RDONLY|MDB_NOLOCK|MDB_NOSUBDIR
                                    |MDB_NORDAHEAD|MDB_NOTLS, 0);
    if (rc != 0) {
        goto failed;
    }

    if (mdb_env_get_fd(s->env, &fd) != 0 || fstat(fd, &now) == -1
        || now.st_ino != st->st_ino || now.st_dev != st->st_dev
        || now.st_size != st->st_size)
    {
        mdb_env_close(s->env);
        s->env = NULL;
        return DEBAR_DECLINED;
    }

    rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &s->txn);
    if (rc != 0) {
        s->txn = NULL;
        goto failed;
    }

    s->meta.bytes = st->st_size;
    s->meta.inode = st->st_ino;
    s->meta.device = st->st_dev;

    return DEBAR_OK;

failed:

    debar_fault(fault, "%s: LMDB: %s", path, mdb_strerror(rc));

    return DEBAR_ERROR;
}


static int
debar_snapshot_dbs(debar_snapshot_t *s, const char *path,
    debar_fault_t *fault)
{
    int       rc;
    MDB_dbi   dbi;
    unsigned  i;

    for (i = 0; i < DEBAR_NAMED; i++) {

        rc = mdb_dbi_open(s->txn, debar_named[i], 0, &dbi);
        if (rc != 0) {
            debar_fault(fault, "%s: LMDB database \"%s\": %s", path,
                        debar_named[i], mdb_strerror(rc));
            return DEBAR_ERROR;
        }

        if (i == DEBAR_NAMED_META) {
            s->meta_dbi = dbi;

        } else if (i == DEBAR_NAMED_TABLE) {
            s->table_dbi = dbi;

        } else {
            s->dbi[i - DEBAR_NAMED_ROWS] = dbi;
        }
    }

    return DEBAR_OK;
}


static int
debar_meta_bytes(debar_snapshot_t *s, const char *name, debar_str_t *value)
{
    MDB_val  key, val;

    key.mv_data = (void *) name;
    key.mv_size = strlen(name);

    if (mdb_get(s->txn, s->meta_dbi, &key, &val) != 0) {
        return DEBAR_ERROR;
    }

    *value = debar_str(val.mv_data, val.mv_size);

    return DEBAR_OK;
}


static int
debar_number(uint64_t *n, const char *data, size_t len)
{
    size_t    i;
    uint64_t  v;

    if (len == 0 || len > 19) {
        return DEBAR_ERROR;
    }

    for (v = 0, i = 0; i < len; i++) {
        if (data[i] < '0' || data[i] > '9') {
            return DEBAR_ERROR;
        }

        v = v * 10 + (uint64_t) (data[i] - '0');
    }

    *n = v;

    return DEBAR_OK;
}


static int
debar_meta_number(debar_snapshot_t *s, const char *name, uint64_t *n)
{
    debar_str_t  v;

    if (debar_meta_bytes(s, name, &v) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    return debar_number(n, v.data, v.len);
}


static int
debar_meta_digest(debar_snapshot_t *s)
{
    debar_str_t  v;

    if (debar_meta_bytes(s, "digest", &v) != DEBAR_OK || v.len != 64
        || strspn(v.data, "0123456789abcdef") < 64)
    {
        return DEBAR_ERROR;
    }

    memcpy(s->meta.digest, v.data, 64);
    s->meta.digest[64] = '\0';

    return DEBAR_OK;
}


static int
debar_meta_map(debar_snapshot_t *s, const char *name, uint8_t *map, size_t n)
{
    debar_str_t  v;

    if (debar_meta_bytes(s, name, &v) != DEBAR_OK || v.len != n) {
        return DEBAR_ERROR;
    }

    memcpy(map, v.data, n);

    return DEBAR_OK;
}


static int
debar_meta_rows(debar_snapshot_t *s)
{
    char      name[32];
    unsigned  i;
    MDB_stat  stat;

    for (i = 0; i < DEBAR_DBS; i++) {
        (void) snprintf(name, sizeof(name), "rows.%s",
                        debar_named[DEBAR_NAMED_ROWS + i]);

        if (debar_meta_number(s, name, &s->meta.rows[i]) != DEBAR_OK
            || mdb_stat(s->txn, s->dbi[i], &stat) != 0
            || stat.ms_entries != s->meta.rows[i])
        {
            return DEBAR_ERROR;
        }
    }

    return DEBAR_OK;
}


static int
debar_read_meta(debar_snapshot_t *s, const char *path, debar_fault_t *fault)
{
    uint64_t     format, bytes, order, expires, built;
    debar_str_t  v;

    if (debar_meta_number(s, "format", &format) != DEBAR_OK
        || format != DEBAR_SNAPSHOT_FORMAT)
    {
        debar_fault(fault, "%s: it is not of format %d, the one that debar %s "
                    "reads: build it with the same version", path,
                    DEBAR_SNAPSHOT_FORMAT, DEBAR_VERSION);
        return DEBAR_ERROR;
    }

    if (debar_meta_map(s, "byte-order", (uint8_t *) &order, 8) != DEBAR_OK
        || order != DEBAR_BYTE_ORDER)
    {
        debar_fault(fault, "%s: it was built on a machine of another byte "
                    "order: build it on this one", path);
        return DEBAR_ERROR;
    }

    if (debar_meta_number(s, "bytes", &bytes) != DEBAR_OK
        || bytes != s->meta.bytes)
    {
        debar_fault(fault, "%s: it has %" PRIu64 " bytes, not those that it "
                    "was built with: it was cut or written to; build or fetch "
                    "it again", path, s->meta.bytes);
        return DEBAR_ERROR;
    }

    if (debar_meta_number(s, "serial", &s->meta.serial) != DEBAR_OK
        || debar_meta_number(s, "expires", &expires) != DEBAR_OK
        || debar_meta_number(s, "built", &built) != DEBAR_OK
        || debar_meta_bytes(s, "title", &s->meta.title) != DEBAR_OK
        || debar_meta_bytes(s, "publisher", &s->meta.publisher) != DEBAR_OK
        || debar_meta_bytes(s, "timezone", &s->timezone) != DEBAR_OK
        || debar_meta_bytes(s, "generator", &v) != DEBAR_OK
        || debar_meta_digest(s) != DEBAR_OK
        || debar_meta_rows(s) != DEBAR_OK
        || debar_meta_map(s, "network-bits", s->networks, DEBAR_NET_BITMAP)
           != DEBAR_OK
        || debar_meta_map(s, "host-labels", s->labels, DEBAR_LABEL_BITMAP)
           != DEBAR_OK)
    {
        debar_fault(fault, "%s: what it says of itself (database \"meta\") is "
                    "damaged; build or fetch it again", path);
        return DEBAR_ERROR;
    }

    s->meta.expires = (int64_t) expires;
    s->meta.built = (int64_t) built;

    return DEBAR_OK;
}


static int
debar_read_tables(debar_snapshot_t *s, const char *path, debar_fault_t *fault)
{
    MDB_val              key, val;
    unsigned             t;
    MDB_stat             stat;
    const char          *why;
    debar_table_head_t   head;

    if (mdb_stat(s->txn, s->table_dbi, &stat) != 0
        || stat.ms_entries != DEBAR_TABLES)
    {
        why = "it has other tables than a list";
        goto failed;
    }

    for (t = 0; t < DEBAR_TABLES; t++) {
        key.mv_data = (void *) debar_table_names[t];
        key.mv_size = strlen(debar_table_names[t]);

        if (mdb_get(s->txn, s->table_dbi, &key, &val) != 0
            || val.mv_size < sizeof(debar_table_head_t)
            || (uintptr_t) val.mv_data % 8 != 0)
        {
            why = "a table is missing or not aligned";
            goto failed;
        }

        memcpy(&head, val.mv_data, sizeof(debar_table_head_t));

        if (head.record != debar_record_size[t]
            || head.n > (val.mv_size - sizeof(debar_table_head_t))
                        / debar_record_size[t])
        {
            why = "a table is longer than its value";
            goto failed;
        }

        s->view.data[t] = (char *) val.mv_data + sizeof(debar_table_head_t);
        s->view.n[t] = head.n;
    }

    why = debar_view_check(&s->view, 1);

    if (why == NULL) {
        return DEBAR_OK;
    }

failed:

    debar_fault(fault, "%s: its tables are damaged: %s; build or fetch it "
                "again", path, why);

    return DEBAR_ERROR;
}


static int
debar_check_floor(const debar_snapshot_t *s, const char *path,
    const debar_open_opts_t *opts, debar_fault_t *fault)
{
    if (opts->floor_serial == 0 || s->meta.serial > opts->floor_serial) {
        return DEBAR_OK;
    }

    if (s->meta.serial < opts->floor_serial) {
        debar_fault(fault, "%s: its serial %" PRIu64 " is older than %" PRIu64
                    ", which was in use: publish a higher one", path,
                    s->meta.serial, opts->floor_serial);
        return DEBAR_ERROR;
    }

    if (opts->floor_digest[0] != '\0'
        && strcmp(s->meta.digest, opts->floor_digest) != 0)
    {
        debar_fault(fault, "%s: it has serial %" PRIu64 ", which was in use "
                    "with another digest: raise the serial and publish it",
                    path, s->meta.serial);
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


int
debar_snapshot_floor(const char *path, uint64_t *serial, char digest[65],
    debar_fault_t *fault)
{
    int      fd, rc;
    char     name[4096], buf[128], *sp;
    ssize_t  n;

    rc = snprintf(name, sizeof(name), "%s.serial", path);
    if (rc < 0 || (size_t) rc >= sizeof(name)) {
        debar_fault(fault, "%.100s...: the name is too long", path);
        return DEBAR_ERROR;
    }

    fd = open(name, O_RDONLY|O_CLOEXEC|O_NONBLOCK);
    if (fd == -1) {
        if (errno == ENOENT) {
            return DEBAR_DECLINED;
        }

        debar_fault(fault, "%s: cannot be opened: %s", name, strerror(errno));
        return DEBAR_ERROR;
    }

    n = read(fd, buf, sizeof(buf) - 1);
    close(fd);

    if (n > 0) {
        buf[n] = '\0';
        sp = strchr(buf, ' ');

        if (sp && debar_number(serial, buf, (size_t) (sp - buf)) == DEBAR_OK
            && strspn(sp + 1, "0123456789abcdef") == 64
            && strcmp(sp + 65, "\n") == 0)
        {
            memcpy(digest, sp + 1, 64);
            digest[64] = '\0';
            return DEBAR_OK;
        }
    }

    debar_fault(fault, "%s: it should hold \"SERIAL DIGEST\": if the list in "
                "place is the right one, remove this file", name);

    return DEBAR_ERROR;
}


const debar_snapshot_meta_t *
debar_snapshot_meta(const debar_snapshot_t *s)
{
    return &s->meta;
}


const void *
debar_snapshot_table(const debar_snapshot_t *s, unsigned which, size_t *n)
{
    *n = s->view.n[which];

    return s->view.data[which];
}


const char *
debar_snapshot_strings(const debar_snapshot_t *s)
{
    return s->view.data[DEBAR_T_STRINGS];
}


int
debar_snapshot_sound(const debar_snapshot_t *s)
{
    return !s->damaged;
}


static size_t
debar_row_find(debar_snapshot_t *s, unsigned db, const void *key, size_t len,
    const uint32_t **rules)
{
    int              rc;
    size_t           pad, n, i;
    MDB_val          k, v;
    const uint32_t  *r;

    k.mv_data = (void *) key;
    k.mv_size = len;

    rc = mdb_get(s->txn, s->dbi[db], &k, &v);

    if (rc == MDB_NOTFOUND) {
        return 0;
    }

    pad = debar_row_pad(len);

    if (rc != 0 || v.mv_size <= pad || (v.mv_size - pad) % 4 != 0) {
        s->damaged = 1;
        return 0;
    }

    r = (const uint32_t *) ((const char *) v.mv_data + pad);
    n = (v.mv_size - pad) / 4;

    if ((uintptr_t) r % 4 != 0 || n > DEBAR_MAX_KEY_RULES) {
        s->damaged = 1;
        return 0;
    }

    for (i = 0; i < n; i++) {
        if (r[i] >= s->view.n[DEBAR_T_RULES] && r[i] != DEBAR_RULE_HAS_URLS) {
            s->damaged = 1;
            return 0;
        }
    }

    *rules = r;

    return n;
}


size_t
debar_snapshot_get(debar_snapshot_t *s, unsigned db, const void *key,
    size_t len, const uint32_t **rules)
{
    unsigned  t;

    if (db >= DEBAR_DBS || len == 0 || len > DEBAR_MAX_KEY
        || s->meta.rows[db] == 0)
    {
        return 0;
    }

    if (db == DEBAR_DB_HOST || db == DEBAR_DB_ID) {
        t = db == DEBAR_DB_HOST ? DEBAR_T_HOST_FILTER : DEBAR_T_ID_FILTER;

        if (!debar_filter_may_have(s->view.data[t], s->view.n[t],
                                   debar_hash(key, len)))
        {
            return 0;
        }
    }

    return debar_row_find(s, db, key, len, rules);
}


size_t
debar_snapshot_hosts(debar_snapshot_t *s, const debar_host_t *h,
    debar_found_host_t *found, size_t max)
{
    char             key[DEBAR_MAX_KEY];
    size_t           len, at, n, nrules;
    unsigned         labels, exact;
    const uint32_t  *rules;

    len = debar_key_host(key, h);

    if (len == 0 || max == 0 || s->meta.rows[DEBAR_DB_HOST] == 0) {
        return 0;
    }

    n = 0;
    exact = 1;
    labels = debar_key_labels((uint8_t *) key, len);

    /* an address has no labels and nothing above it */

    for (at = len; at; labels--) {

        if (debar_bit(s->labels, labels)) {
            nrules = debar_snapshot_get(s, DEBAR_DB_HOST, key, at, &rules);

            if (nrules) {
                found[n].rules = rules;
                found[n].n = nrules;
                found[n].labels = labels;
                found[n].exact = exact;
                found[n].keylen = at;

                if (++n == max) {
                    break;
                }
            }
        }

        if (labels <= 1) {
            break;
        }

        for (at--; at && key[at - 1] != '.'; at--) {
            /* void */
        }

        exact = 0;
    }

    return n;
}


size_t
debar_snapshot_networks(debar_snapshot_t *s, const uint8_t addr[16],
    debar_found_net_t *found, size_t max)
{
    int              bits;
    size_t           n, nrules;
    uint8_t          key[17];
    const uint32_t  *rules;

    if (s->meta.rows[DEBAR_DB_NETWORK] == 0 || max == 0) {
        return 0;
    }

    n = 0;
    memcpy(key, addr, 16);

    /* from the narrowest: each step clears what the last one kept */

    for (bits = 128; bits >= 0; bits--) {

        if (bits < 128) {
            key[bits >> 3] &= (uint8_t) ~(0x80 >> (bits & 7));
        }

        if (!debar_bit(s->networks, (unsigned) bits)) {
            continue;
        }

        key[16] = (uint8_t) bits;

        nrules = debar_snapshot_get(s, DEBAR_DB_NETWORK, key, 17, &rules);
        if (nrules == 0) {
            continue;
        }

        found[n].rules = rules;
        found[n].n = nrules;
        found[n].bits = (unsigned) bits;

        if (++n == max) {
            break;
        }
    }

    return n;
}
