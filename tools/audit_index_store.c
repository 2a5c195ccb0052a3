/*
 * The index as a file of SQLite.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit_index.h"
#include "filter.h"


#define DEBAR_CACHE_SLOTS  (1 << 19)         /* words that are known by heart */


typedef struct {
    uint64_t  hash[2];
    uint32_t  word;               /* 0: free */
} debar_index_slot_t;

struct debar_index_cache_s {
    size_t              n;
    debar_index_slot_t  slots[DEBAR_CACHE_SLOTS];
};


static int debar_index_make(debar_index_t *x, const debar_audit_t *a,
    debar_fault_t *fault);
static int debar_index_ready(debar_index_t *x, debar_fault_t *fault);
static int debar_index_word_id(debar_index_t *x, const debar_index_word_t *w,
    uint32_t *id, debar_fault_t *fault);
static int debar_index_word_row(debar_index_t *x, const debar_index_word_t *w,
    uint32_t *id, debar_fault_t *fault);
static void debar_index_bind(sqlite3_stmt *s, int i,
    const debar_index_place_t *place);
static int debar_index_outcome(debar_index_t *x, const debar_index_line_t *l,
    const debar_index_place_t *place, debar_fault_t *fault);
static int debar_index_outcome_of(debar_index_t *x, sqlite3_stmt *s,
    int64_t id, const debar_index_line_t *l, const debar_index_place_t *place,
    debar_fault_t *fault);
static int debar_index_adopt(debar_index_t *x, uint64_t incident, int64_t id,
    debar_fault_t *fault);
static int debar_index_flush(debar_index_t *x, debar_fault_t *fault);
static int debar_index_flush_word(debar_index_t *x, int64_t block,
    const debar_index_post_t *p, size_t n, debar_fault_t *fault);


static const char  debar_index_schema[] =
    "CREATE TABLE file (id INTEGER PRIMARY KEY, name TEXT, ino INTEGER,"
    " offset INTEGER, torn INTEGER, head BLOB, tail BLOB, lines INTEGER);"
    "CREATE TABLE span (first INTEGER PRIMARY KEY, last INTEGER,"
    " file INTEGER);"
    "CREATE TABLE line (id INTEGER PRIMARY KEY, time INTEGER, file INTEGER,"
    " offset INTEGER, len INTEGER, nth INTEGER, status INTEGER, bytes INTEGER,"
    " ofile INTEGER, ooffset INTEGER, olen INTEGER, onth INTEGER);"
    "CREATE TABLE word (id INTEGER PRIMARY KEY, kind INTEGER, text BLOB,"
    " UNIQUE (kind, text));"
    "CREATE TABLE post (word INTEGER, block INTEGER, lines BLOB,"
    " PRIMARY KEY (word, block)) WITHOUT ROWID;"
    "CREATE TABLE block (id INTEGER PRIMARY KEY, tmin INTEGER, tmax INTEGER);"
    "CREATE TABLE incident (part INTEGER, line INTEGER,"
    " PRIMARY KEY (part, line)) WITHOUT ROWID;"
    "CREATE TABLE orphan (part INTEGER PRIMARY KEY, status INTEGER,"
    " bytes INTEGER, ofile INTEGER, ooffset INTEGER, olen INTEGER,"
    " onth INTEGER);";

static const char *const  debar_index_do[DEBAR_DO_LAST] = {
    "INSERT INTO line (id, time, file, offset, len, nth)"
    " VALUES (?, ?, ?, ?, ?, ?)",
    "SELECT id FROM word WHERE kind = ? AND text = ?",
    "INSERT INTO word (kind, text) VALUES (?, ?)",
    "SELECT lines FROM post WHERE word = ? AND block = ?",
    "REPLACE INTO post (word, block, lines) VALUES (?, ?, ?)",
    "REPLACE INTO block (id, tmin, tmax) VALUES (?, ?, ?)",
    "INSERT OR IGNORE INTO incident (part, line) VALUES (?, ?)",
    "SELECT line FROM incident WHERE part = ?",
    "UPDATE line SET status = ?, bytes = ?, ofile = ?, ooffset = ?, olen = ?,"
    " onth = ? WHERE id = ?",
    "REPLACE INTO orphan (status, bytes, ofile, ooffset, olen, onth, part)"
    " VALUES (?, ?, ?, ?, ?, ?, ?)",
    "SELECT status, bytes, ofile, ooffset, olen, onth FROM orphan"
    " WHERE part = ?",
    "DELETE FROM orphan WHERE part = ?",
    "REPLACE INTO file (id, name, ino, offset, torn, head, tail, lines)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    "UPDATE span SET last = ? WHERE first = ?",
};


int
debar_index_open(debar_index_t *x, const debar_audit_t *a, int write,
    debar_fault_t *fault)
{
    int          rc;
    int64_t      id, format;
    struct stat  st;

    memset(x, 0, sizeof(*x));
    debar_audit_path(a, "index.sqlite", x->path, sizeof(x->path));

    if (lstat(x->path, &st) == -1) {
        if (!write) {
            debar_fault(fault, "%s: is not there: make it by `debar audit "
                        "index %s`", x->path, a->path);
            return DEBAR_DECLINED;
        }

        if (debar_index_make(x, a, fault) != DEBAR_OK) {
            debar_index_close(x);
            return DEBAR_ERROR;
        }

    } else if (!S_ISREG(st.st_mode)) {
        debar_fault(fault, "%s: is no file: take it away", x->path);
        return DEBAR_ERROR;
    }

    rc = sqlite3_open_v2(x->path, &x->db, write ? SQLITE_OPEN_READWRITE
                                                : SQLITE_OPEN_READONLY, NULL);

    if (rc == SQLITE_OK) {
        sqlite3_busy_timeout(x->db, 10000);
        sqlite3_db_config(x->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        sqlite3_db_config(x->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    }

    if (rc != SQLITE_OK
        || debar_index_number(x, "PRAGMA application_id", &id, fault)
           != DEBAR_OK
        || debar_index_number(x, "PRAGMA user_version", &format, fault)
           != DEBAR_OK)
    {
        debar_index_wrong(x, fault);

    } else if (id != DEBAR_INDEX_ID || format != DEBAR_INDEX_FORMAT) {
        debar_fault(fault, "%s: is no index of this version: make it again by "
                    "`debar audit index %s`", x->path, a->path);
        x->damaged = 1;

    } else if (!write || debar_index_ready(x, fault) == DEBAR_OK) {
        return DEBAR_OK;
    }

    rc = x->damaged ? DEBAR_DECLINED : DEBAR_ERROR;
    debar_index_close(x);
    x->damaged = rc == DEBAR_DECLINED;

    return rc;
}


static int
debar_index_make(debar_index_t *x, const debar_audit_t *a,
    debar_fault_t *fault)
{
    int          fd, rc;
    char         sql[128];
    struct stat  st;

    fd = open(x->path, O_RDWR|O_CREAT|O_EXCL|O_CLOEXEC|O_NOFOLLOW, 0640);

    if (fd == -1) {
        debar_fault(fault, "%s: %s: who searches may write to that folder, or "
                    "another user makes the index", x->path, strerror(errno));
        return DEBAR_ERROR;
    }

    /* who may read the log may read what is found by it; the sealer takes out
     * what it deletes */

    if (stat(a->path, &st) == 0
        && fchown(fd, geteuid() == 0 ? st.st_uid : (uid_t) -1, st.st_gid)
           == -1)
    {
        (void) fchmod(fd, 0600);
    }

    close(fd);

    rc = sqlite3_open_v2(x->path, &x->db, SQLITE_OPEN_READWRITE, NULL);
    snprintf(sql, sizeof(sql), "PRAGMA application_id = %d;"
             "PRAGMA user_version = %d;", DEBAR_INDEX_ID, DEBAR_INDEX_FORMAT);

    if (rc != SQLITE_OK) {
        return debar_index_wrong(x, fault);
    }

    sqlite3_busy_timeout(x->db, 10000);

    if (debar_index_sql(x, "BEGIN", fault) != DEBAR_OK
        || debar_index_sql(x, debar_index_schema, fault) != DEBAR_OK
        || debar_index_sql(x, sql, fault) != DEBAR_OK
        || debar_index_sql(x, "COMMIT", fault) != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    sqlite3_close(x->db);
    x->db = NULL;

    return DEBAR_OK;
}


/* For who writes: statements, and where the last one stopped. */

static int
debar_index_ready(debar_index_t *x, debar_fault_t *fault)
{
    size_t  i;

    x->tmin = INT64_MAX;
    x->posts_size = DEBAR_INDEX_BLOCK * 16;
    x->posts = malloc(x->posts_size * sizeof(*x->posts));
    x->pairs = malloc(DEBAR_INDEX_BLOCK * sizeof(*x->pairs));
    x->cache = calloc(1, sizeof(*x->cache));

    if (x->posts == NULL || x->pairs == NULL || x->cache == NULL) {
        debar_fault(fault, "%s: no memory to index with", x->path);
        return DEBAR_ERROR;
    }

    if (debar_index_sql(x, "PRAGMA journal_mode = TRUNCATE;"
                        "PRAGMA synchronous = NORMAL;"
                        "PRAGMA cache_size = -131072;"
                        "PRAGMA temp_store = MEMORY;", fault) != DEBAR_OK
        || debar_index_number(x, "SELECT count(*) FROM orphan", &x->orphans,
                              fault) != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    for (i = 0; i < DEBAR_DO_LAST; i++) {
        if (sqlite3_prepare_v3(x->db, debar_index_do[i], -1,
                               SQLITE_PREPARE_PERSISTENT, &x->stmt[i], NULL)
            != SQLITE_OK)
        {
            return debar_index_wrong(x, fault);
        }
    }

    return DEBAR_OK;
}


void
debar_index_close(debar_index_t *x)
{
    size_t  i;

    for (i = 0; i < DEBAR_DO_LAST; i++) {
        sqlite3_finalize(x->stmt[i]);
    }

    sqlite3_finalize(x->text);
    sqlite3_close(x->db);
    free(x->posts);
    free(x->pairs);
    free(x->cache);
    memset(x, 0, sizeof(*x));
}


int
debar_index_remove(const debar_audit_t *a, debar_fault_t *fault)
{
    char  path[DEBAR_MAX_DIR + 64];

    /* a journal that is left would be played back into the next one */

    debar_audit_path(a, "index.sqlite-journal", path, sizeof(path));

    if (unlink(path) == -1 && errno != ENOENT) {
        debar_fault(fault, "%s: %s", path, strerror(errno));
        return DEBAR_ERROR;
    }

    debar_audit_path(a, "index.sqlite", path, sizeof(path));

    if (unlink(path) == -1 && errno != ENOENT) {
        debar_fault(fault, "%s: %s", path, strerror(errno));
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


int
debar_index_wrong(debar_index_t *x, debar_fault_t *fault)
{
    int  code;

    code = x->db ? sqlite3_errcode(x->db) & 0xff : SQLITE_NOMEM;

    if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB
        || code == SQLITE_ERROR || code == SQLITE_CONSTRAINT
        || code == SQLITE_MISMATCH)
    {
        x->damaged = 1;
    }

    debar_fault(fault, "%s: %s: make it again by `debar audit index`, if "
                "that stays", x->path,
                x->db ? sqlite3_errmsg(x->db) : "no memory");

    return DEBAR_ERROR;
}


int
debar_index_sql(debar_index_t *x, const char *sql, debar_fault_t *fault)
{
    return sqlite3_exec(x->db, sql, NULL, NULL, NULL) == SQLITE_OK
           ? DEBAR_OK : debar_index_wrong(x, fault);
}


int
debar_index_run(debar_index_t *x, sqlite3_stmt *s, debar_fault_t *fault)
{
    int  rc;

    do {
        rc = sqlite3_step(s);
    } while (rc == SQLITE_ROW);

    if (rc != SQLITE_DONE) {
        debar_index_wrong(x, fault);
    }

    sqlite3_reset(s);

    return rc == SQLITE_DONE ? DEBAR_OK : DEBAR_ERROR;
}


int
debar_index_number(debar_index_t *x, const char *sql, int64_t *n,
    debar_fault_t *fault)
{
    int            rc;
    sqlite3_stmt  *s;

    if (sqlite3_prepare_v2(x->db, sql, -1, &s, NULL) != SQLITE_OK) {
        return debar_index_wrong(x, fault);
    }

    rc = sqlite3_step(s);

    if (rc == SQLITE_ROW) {
        *n = sqlite3_column_int64(s, 0);

    } else {
        debar_index_wrong(x, fault);
    }

    sqlite3_finalize(s);

    return rc == SQLITE_ROW ? DEBAR_OK : DEBAR_ERROR;
}


int
debar_index_begin(debar_index_t *x, debar_fault_t *fault)
{
    return debar_index_sql(x, "BEGIN IMMEDIATE", fault);
}


int
debar_index_commit(debar_index_t *x, debar_fault_t *fault)
{
    if (debar_index_flush(x, fault) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    return debar_index_sql(x, "COMMIT", fault);
}


int
debar_index_add(debar_index_t *x, const debar_index_line_t *l,
    const debar_index_place_t *place, debar_fault_t *fault)
{
    void                *posts;
    size_t               i;
    uint32_t             word = 0;
    sqlite3_stmt        *s;

    if (l->kind == DEBAR_LINE_OUTCOME) {
        return debar_index_outcome(x, l, place, fault);
    }

    if (debar_index_span(x, place->file, fault) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    if (x->next % DEBAR_INDEX_BLOCK == 0) {
        if (debar_index_flush(x, fault) != DEBAR_OK) {
            return DEBAR_ERROR;
        }

        x->tmin = INT64_MAX;
        x->tmax = 0;
    }

    s = x->stmt[DEBAR_DO_LINE];
    sqlite3_bind_int64(s, 1, x->next);
    sqlite3_bind_int64(s, 2, l->time);
    debar_index_bind(s, 3, place);

    if (debar_index_run(x, s, fault) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    s = x->text;
    sqlite3_bind_int64(s, 1, x->next);
    sqlite3_bind_text(s, 2, l->text.len ? l->text.data : "",
                      (int) l->text.len, SQLITE_STATIC);

    if (debar_index_run(x, s, fault) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    for (i = 0; i < l->nwords; i++) {

        if (debar_index_word_id(x, &l->words[i], &word, fault) != DEBAR_OK) {
            return DEBAR_ERROR;
        }

        if (x->nposts == x->posts_size) {
            posts = realloc(x->posts, 2 * x->posts_size * sizeof(*x->posts));

            if (posts == NULL) {
                debar_fault(fault, "%s: no memory to index with", x->path);
                return DEBAR_ERROR;
            }

            x->posts = posts;
            x->posts_size *= 2;
        }

        x->posts[x->nposts].word = word;
        x->posts[x->nposts++].at = (uint16_t) (x->next % DEBAR_INDEX_BLOCK);
    }

    x->tmin = l->time < x->tmin ? l->time : x->tmin;
    x->tmax = l->time > x->tmax ? l->time : x->tmax;

    if (l->incident) {
        x->pairs[x->npairs].incident = l->incident;
        x->pairs[x->npairs++].id = x->next;

        if (x->orphans
            && debar_index_adopt(x, l->incident, x->next, fault) != DEBAR_OK)
        {
            return DEBAR_ERROR;
        }
    }

    x->next++;

    return DEBAR_OK;
}


static void
debar_index_bind(sqlite3_stmt *s, int i, const debar_index_place_t *place)
{
    sqlite3_bind_int64(s, i, place->file);
    sqlite3_bind_int64(s, i + 1, (int64_t) place->offset);
    sqlite3_bind_int64(s, i + 2, (int64_t) place->len);
    sqlite3_bind_int64(s, i + 3, (int64_t) place->nth);
}


static int
debar_index_word_id(debar_index_t *x, const debar_index_word_t *w,
    uint32_t *id, debar_fault_t *fault)
{
    size_t               i;
    uint64_t             h1, h2;
    debar_index_cache_t *c = x->cache;

    /* 128 bits of two unlike hashes stand for the text */

    h1 = debar_hash(w->text, w->len) ^ w->kind;
    h2 = 1469598103934665603ull + w->kind;

    for (i = 0; i < w->len; i++) {
        h2 = (h2 ^ (unsigned char) w->text[i]) * 1099511628211ull;
    }

    for (i = h1 % DEBAR_CACHE_SLOTS; c->slots[i].word;
         i = (i + 1) % DEBAR_CACHE_SLOTS)
    {
        if (c->slots[i].hash[0] == h1 && c->slots[i].hash[1] == h2) {
            *id = c->slots[i].word;
            return DEBAR_OK;
        }
    }

    if (debar_index_word_row(x, w, id, fault) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    if (++c->n > DEBAR_CACHE_SLOTS / 2) {
        memset(c, 0, sizeof(*c));
        c->n = 1;
        i = h1 % DEBAR_CACHE_SLOTS;
    }

    c->slots[i].hash[0] = h1;
    c->slots[i].hash[1] = h2;
    c->slots[i].word = *id;

    return DEBAR_OK;
}


void
debar_index_cache_clear(debar_index_t *x)
{
    memset(x->cache, 0, sizeof(*x->cache));
}


static int
debar_index_word_row(debar_index_t *x, const debar_index_word_t *w,
    uint32_t *id, debar_fault_t *fault)
{
    int            rc;
    sqlite3_stmt  *s;

    s = x->stmt[DEBAR_DO_FIND_WORD];
    sqlite3_bind_int(s, 1, (int) w->kind);
    sqlite3_bind_blob(s, 2, w->text, (int) w->len, SQLITE_STATIC);
    rc = sqlite3_step(s);

    if (rc == SQLITE_ROW) {
        *id = (uint32_t) sqlite3_column_int64(s, 0);
    }

    sqlite3_reset(s);

    if (rc != SQLITE_DONE) {
        return rc == SQLITE_ROW ? DEBAR_OK : debar_index_wrong(x, fault);
    }

    s = x->stmt[DEBAR_DO_ADD_WORD];
    sqlite3_bind_int(s, 1, (int) w->kind);
    sqlite3_bind_blob(s, 2, w->text, (int) w->len, SQLITE_STATIC);
    rc = debar_index_run(x, s, fault);
    *id = (uint32_t) sqlite3_last_insert_rowid(x->db);

    return rc;
}


/* The decision was written before: it is in the block that is open, or in the
 * table; unless its file is read later. */

static int
debar_index_outcome(debar_index_t *x, const debar_index_line_t *l,
    const debar_index_place_t *place, debar_fault_t *fault)
{
    int            rc;
    size_t         i;
    int64_t        found[16];
    unsigned       n, j;
    sqlite3_stmt  *s;

    if (l->incident == 0) {
        return DEBAR_OK;
    }

    n = 0;

    for (i = x->npairs; i-- > 0 && n < 16; /* void */ ) {
        if (x->pairs[i].incident == l->incident) {
            found[n++] = x->pairs[i].id;
        }
    }

    s = x->stmt[DEBAR_DO_FIND];
    sqlite3_bind_int64(s, 1, (int64_t) l->incident);

    while (n == 0 && (rc = sqlite3_step(s)) == SQLITE_ROW && n < 16) {
        do {
            found[n++] = sqlite3_column_int64(s, 0);
        } while (n < 16 && sqlite3_step(s) == SQLITE_ROW);
    }

    sqlite3_reset(s);

    for (j = 0; j < n; j++) {
        if (debar_index_outcome_of(x, x->stmt[DEBAR_DO_OUTCOME], found[j], l,
                                   place, fault) != DEBAR_OK)
        {
            return DEBAR_ERROR;
        }
    }

    if (n) {
        return DEBAR_OK;
    }

    x->orphans++;

    return debar_index_outcome_of(x, x->stmt[DEBAR_DO_ORPHAN],
                                  (int64_t) l->incident, l, place, fault);
}


static int
debar_index_outcome_of(debar_index_t *x, sqlite3_stmt *s, int64_t id,
    const debar_index_line_t *l, const debar_index_place_t *place,
    debar_fault_t *fault)
{
    sqlite3_bind_int64(s, 1, l->status);
    sqlite3_bind_int64(s, 2, l->bytes);
    debar_index_bind(s, 3, place);
    sqlite3_bind_int64(s, 7, id);

    return debar_index_run(x, s, fault);
}


static int
debar_index_adopt(debar_index_t *x, uint64_t incident, int64_t id,
    debar_fault_t *fault)
{
    int                  rc;
    sqlite3_stmt        *s;
    debar_index_line_t   o;
    debar_index_place_t  place;

    s = x->stmt[DEBAR_DO_TAKE_ORPHAN];
    sqlite3_bind_int64(s, 1, (int64_t) incident);
    rc = sqlite3_step(s);

    if (rc == SQLITE_ROW) {
        o.status = sqlite3_column_int64(s, 0);
        o.bytes = sqlite3_column_int64(s, 1);
        place.file = sqlite3_column_int64(s, 2);
        place.offset = (uint64_t) sqlite3_column_int64(s, 3);
        place.len = (size_t) sqlite3_column_int64(s, 4);
        place.nth = (uint64_t) sqlite3_column_int64(s, 5);
    }

    sqlite3_reset(s);

    if (rc != SQLITE_ROW) {
        return rc == SQLITE_DONE ? DEBAR_OK : debar_index_wrong(x, fault);
    }

    x->orphans--;
    s = x->stmt[DEBAR_DO_DROP_ORPHAN];
    sqlite3_bind_int64(s, 1, (int64_t) incident);

    if (debar_index_run(x, s, fault) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    return debar_index_outcome_of(x, x->stmt[DEBAR_DO_OUTCOME], id, &o, &place,
                                  fault);
}


static int
debar_index_post_cmp(const void *one, const void *two)
{
    const debar_index_post_t  *a = one, *b = two;

    return a->word != b->word ? (a->word < b->word ? -1 : 1)
                              : (int) a->at - (int) b->at;
}


static int
debar_index_pair_cmp(const void *one, const void *two)
{
    const debar_index_pair_t  *a = one, *b = two;

    return a->incident < b->incident ? -1 : a->incident > b->incident;
}


/* What was gathered of the block that is open: in order, as trees like it. */

static int
debar_index_flush(debar_index_t *x, debar_fault_t *fault)
{
    size_t         i, n;
    int64_t        block;
    sqlite3_stmt  *s;

    block = (x->next - 1) / DEBAR_INDEX_BLOCK;

    qsort(x->posts, x->nposts, sizeof(*x->posts), debar_index_post_cmp);
    qsort(x->pairs, x->npairs, sizeof(*x->pairs), debar_index_pair_cmp);

    for (i = 0; i < x->nposts; i += n) {

        for (n = 1; i + n < x->nposts
                    && x->posts[i + n].word == x->posts[i].word; n++)
        {
            /* void */
        }

        if (debar_index_flush_word(x, block, &x->posts[i], n, fault)
            != DEBAR_OK)
        {
            return DEBAR_ERROR;
        }
    }

    for (i = 0; i < x->npairs; i++) {
        s = x->stmt[DEBAR_DO_INCIDENT];
        sqlite3_bind_int64(s, 1, (int64_t) x->pairs[i].incident);
        sqlite3_bind_int64(s, 2, x->pairs[i].id);

        if (debar_index_run(x, s, fault) != DEBAR_OK) {
            return DEBAR_ERROR;
        }
    }

    x->nposts = 0;
    x->npairs = 0;

    if (x->span) {
        s = x->stmt[DEBAR_DO_SPAN];
        sqlite3_bind_int64(s, 1, x->next - 1);
        sqlite3_bind_int64(s, 2, x->span);

        if (debar_index_run(x, s, fault) != DEBAR_OK) {
            return DEBAR_ERROR;
        }
    }

    if (x->tmin == INT64_MAX) {
        return DEBAR_OK;
    }

    s = x->stmt[DEBAR_DO_BLOCK];
    sqlite3_bind_int64(s, 1, block);
    sqlite3_bind_int64(s, 2, x->tmin);
    sqlite3_bind_int64(s, 3, x->tmax);

    return debar_index_run(x, s, fault);
}


/* Lines of a word in a block, together with those that are there. */

static int
debar_index_flush_word(debar_index_t *x, int64_t block,
    const debar_index_post_t *p, size_t n, debar_fault_t *fault)
{
    int             rc, size, len;
    size_t          i;
    uint8_t         map[DEBAR_INDEX_BITMAP], out[DEBAR_INDEX_BITMAP];
    uint16_t        at;
    sqlite3_stmt   *s;
    const uint8_t  *old;

    memset(map, 0, sizeof(map));
    s = x->stmt[DEBAR_DO_GET_POST];
    sqlite3_bind_int64(s, 1, p[0].word);
    sqlite3_bind_int64(s, 2, block);
    rc = sqlite3_step(s);

    if (rc == SQLITE_ROW) {
        old = sqlite3_column_blob(s, 0);
        size = sqlite3_column_bytes(s, 0);

        if (size == DEBAR_INDEX_BITMAP) {
            memcpy(map, old, DEBAR_INDEX_BITMAP);

        } else {
            for (len = 0; len + 1 < size; len += 2) {
                at = (uint16_t) (old[len] | old[len + 1] << 8);
                at %= DEBAR_INDEX_BLOCK;
                map[at / 8] |= (uint8_t) (1 << at % 8);
            }
        }
    }

    sqlite3_reset(s);

    if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
        return debar_index_wrong(x, fault);
    }

    for (i = 0; i < n; i++) {
        map[p[i].at / 8] |= (uint8_t) (1 << p[i].at % 8);
    }

    /* few as offsets, many as the map */

    for (i = 0, len = 0; i < DEBAR_INDEX_BLOCK && len < DEBAR_INDEX_BITMAP;
         i++)
    {
        if (map[i / 8] == 0) {
            i |= 7;

        } else if (map[i / 8] >> i % 8 & 1) {
            out[len++] = (uint8_t) i;
            out[len++] = (uint8_t) (i >> 8);
        }
    }

    s = x->stmt[DEBAR_DO_PUT_POST];
    sqlite3_bind_int64(s, 1, p[0].word);
    sqlite3_bind_int64(s, 2, block);

    if (len < DEBAR_INDEX_BITMAP) {
        sqlite3_bind_blob(s, 3, out, len, SQLITE_STATIC);

    } else {
        sqlite3_bind_blob(s, 3, map, sizeof(map), SQLITE_STATIC);
    }

    return debar_index_run(x, s, fault);
}
