/*
 * Runs of lines in the index.  Each begins a block and has a full text of its
 * own, so that those of a file that policy deleted are dropped without a look
 * at what stays.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "audit_index.h"


#define DEBAR_DROP_WORDS  20000              /* of one step */
#define DEBAR_DROP_LINES  100000
#define DEBAR_DROP_PARTS  64                 /* steps for the incidents */


typedef struct {
    debar_index_t  *x;
    int           (*more)(void *data);
    void           *data;
    int64_t         low;          /* ids that go */
    int64_t         high;
    debar_fault_t  *fault;
} debar_drop_t;


static int debar_index_span_new(debar_index_t *x, int64_t file, int64_t after,
    debar_fault_t *fault);
static int debar_index_span_go_on(debar_index_t *x,
    const debar_index_span_t *last, debar_fault_t *fault);
static int debar_drop_text(debar_drop_t *d, const debar_index_spans_t *spans);
static int debar_drop_words(debar_drop_t *d);
static int debar_drop_some(debar_drop_t *d, const int64_t *ids, size_t n,
    sqlite3_stmt **s);
static int debar_drop_incidents(debar_drop_t *d);
static int debar_drop_lines(debar_drop_t *d);
static int debar_drop_step(debar_drop_t *d, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));


int
debar_index_spans(debar_index_spans_t *s, debar_index_t *x,
    debar_fault_t *fault)
{
    int             rc;
    void           *list;
    size_t          size;
    sqlite3_stmt   *stmt;

    memset(s, 0, sizeof(*s));
    size = 0;

    if (sqlite3_prepare_v2(x->db, "SELECT first, last, file FROM span ORDER BY "
                           "first", -1, &stmt, NULL) != SQLITE_OK)
    {
        return debar_index_wrong(x, fault);
    }

    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {

        if (s->n == size) {
            size = size ? 2 * size : 64;
            list = realloc(s->list, size * sizeof(*s->list));

            if (list == NULL) {
                rc = SQLITE_NOMEM;
                break;
            }

            s->list = list;
        }

        s->list[s->n].first = sqlite3_column_int64(stmt, 0);
        s->list[s->n].last = sqlite3_column_int64(stmt, 1);
        s->list[s->n].file = sqlite3_column_int64(stmt, 2);

        /* ids that others are computed from */

        if (s->list[s->n].first < 0
            || s->list[s->n].last < s->list[s->n].first - 1
            || s->list[s->n].last > INT64_MAX / 16
            || (s->n && s->list[s->n].first <= s->list[s->n - 1].last))
        {
            debar_fault(fault, "%s: its table of spans is damaged", x->path);
            x->damaged = 1;
            sqlite3_finalize(stmt);
            debar_index_spans_free(s);
            return DEBAR_ERROR;
        }

        s->n++;
    }

    if (rc != SQLITE_DONE) {
        debar_index_wrong(x, fault);
        debar_index_spans_free(s);
    }

    sqlite3_finalize(stmt);

    return rc == SQLITE_DONE ? DEBAR_OK : DEBAR_ERROR;
}


void
debar_index_spans_free(debar_index_spans_t *s)
{
    free(s->list);
    memset(s, 0, sizeof(*s));
}


int
debar_index_span(debar_index_t *x, int64_t file, debar_fault_t *fault)
{
    int                         rc;
    char                        sql[128];
    int64_t                     after;
    debar_index_spans_t         spans;
    const debar_index_span_t   *last;

    if (x->span && x->file == file) {
        return DEBAR_OK;
    }

    if (debar_index_spans(&spans, x, fault) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    last = spans.n ? &spans.list[spans.n - 1] : NULL;

    if (last && last->file == file) {
        rc = debar_index_span_go_on(x, last, fault);

    } else {
        after = last == NULL ? 0 : last->last < last->first ? last->first
                                                            : last->last;
        rc = debar_index_span_new(x, file, after, fault);
    }

    debar_index_spans_free(&spans);

    if (rc != DEBAR_OK) {
        return rc;
    }

    x->file = file;
    sqlite3_finalize(x->text);
    x->text = NULL;
    snprintf(sql, sizeof(sql), "INSERT INTO words_%" PRId64 " (rowid, said) "
             "VALUES (?, ?)", x->span);

    return sqlite3_prepare_v3(x->db, sql, -1, SQLITE_PREPARE_PERSISTENT,
                              &x->text, NULL) == SQLITE_OK
           ? DEBAR_OK : debar_index_wrong(x, fault);
}


static int
debar_index_span_new(debar_index_t *x, int64_t file, int64_t after,
    debar_fault_t *fault)
{
    char  sql[512];

    x->span = (after / DEBAR_INDEX_BLOCK + 1) * DEBAR_INDEX_BLOCK;
    x->next = x->span;
    x->tmin = INT64_MAX;
    x->tmax = 0;

    snprintf(sql, sizeof(sql), "CREATE VIRTUAL TABLE words_%" PRId64 " USING "
             "fts5(said, content='', columnsize=0, tokenize='unicode61');"
             "INSERT INTO words_%" PRId64 " (words_%" PRId64 ", rank) VALUES "
             "('hashsize', 16777216);"
             "INSERT INTO span (first, last, file) VALUES (%" PRId64 ", %"
             PRId64 ", %" PRId64 ");", x->span, x->span, x->span, x->span,
             x->span - 1, file);

    return debar_index_sql(x, sql, fault);
}


/* Its last block may have room. */

static int
debar_index_span_go_on(debar_index_t *x, const debar_index_span_t *last,
    debar_fault_t *fault)
{
    char  sql[128];

    x->span = last->first;
    x->next = last->last + 1;
    x->tmin = INT64_MAX;
    x->tmax = 0;

    if (x->next % DEBAR_INDEX_BLOCK == 0 || x->next == x->span) {
        return DEBAR_OK;
    }

    snprintf(sql, sizeof(sql), "SELECT tmin FROM block WHERE id = %" PRId64,
             last->last / DEBAR_INDEX_BLOCK);

    if (debar_index_number(x, sql, &x->tmin, fault) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    snprintf(sql, sizeof(sql), "SELECT tmax FROM block WHERE id = %" PRId64,
             last->last / DEBAR_INDEX_BLOCK);

    return debar_index_number(x, sql, &x->tmax, fault);
}


/* --- what policy deleted -------------------------------------------------- */

int
debar_index_forget(debar_index_t *x, int64_t file, debar_fault_t *fault)
{
    char  sql[256];

    snprintf(sql, sizeof(sql), "UPDATE span SET file = 0 WHERE file = %" PRId64
             "; DELETE FROM orphan WHERE ofile = %" PRId64
             "; DELETE FROM file WHERE id = %" PRId64 ";", file, file, file);

    x->span = 0;
    x->tmin = INT64_MAX;

    return debar_index_sql(x, sql, fault);
}


/* Files that follow each other go together. */

int
debar_index_drop(debar_index_t *x, int (*more)(void *data), void *data,
    debar_fault_t *fault)
{
    int                  rc;
    size_t               i, n;
    debar_drop_t         d = { x, more, data, 0, 0, fault };
    debar_index_spans_t  spans;

    for ( ;; ) {

        if (debar_index_spans(&spans, x, fault) != DEBAR_OK) {
            return DEBAR_ERROR;
        }

        for (i = 0; i < spans.n && spans.list[i].file; i++) { /* void */ }
        for (n = i; n < spans.n && spans.list[n].file == 0; n++) { /* void */ }

        if (i == n) {
            debar_index_spans_free(&spans);
            return DEBAR_OK;
        }

        d.low = spans.list[i].first;
        d.high = spans.list[n - 1].last;

        /* nothing of them stays in pages that are free */

        debar_index_cache_clear(x);
        rc = debar_index_sql(x, "PRAGMA secure_delete = ON", fault);
        rc = rc == DEBAR_OK ? debar_drop_text(&d, &spans) : rc;
        rc = rc == DEBAR_OK ? debar_drop_words(&d) : rc;
        rc = rc == DEBAR_OK ? debar_drop_incidents(&d) : rc;
        rc = rc == DEBAR_OK ? debar_drop_lines(&d) : rc;

        if (rc == DEBAR_OK) {
            rc = debar_drop_step(&d, "DELETE FROM span WHERE first BETWEEN %"
                                 PRId64 " AND %" PRId64, d.low,
                                 spans.list[n - 1].first);
        }

        debar_index_spans_free(&spans);
        (void) sqlite3_exec(x->db, "PRAGMA secure_delete = OFF", NULL, NULL,
                            NULL);

        if (rc != DEBAR_OK) {
            return rc == DEBAR_DECLINED ? DEBAR_OK : DEBAR_ERROR;
        }
    }
}


/* One transaction; DEBAR_DECLINED: no more for now. */

static int
debar_drop_step(debar_drop_t *d, const char *fmt, ...)
{
    char     sql[256];
    va_list  ap;

    if (d->more && !d->more(d->data)) {
        return DEBAR_DECLINED;
    }

    va_start(ap, fmt);
    vsnprintf(sql, sizeof(sql), fmt, ap);
    va_end(ap);

    return debar_index_sql(d->x, sql, d->fault);
}


static int
debar_drop_text(debar_drop_t *d, const debar_index_spans_t *spans)
{
    int     rc;
    size_t  i;

    for (rc = DEBAR_OK, i = 0; i < spans->n && rc == DEBAR_OK; i++) {
        if (spans->list[i].file == 0 && spans->list[i].first <= d->high) {
            rc = debar_drop_step(d, "DROP TABLE IF EXISTS words_%" PRId64,
                                 spans->list[i].first);
        }
    }

    return rc;
}


/* What each word has in these blocks, and the word if that was all. */

static int
debar_drop_words(debar_drop_t *d)
{
    int            rc, step;
    size_t         i, n;
    int64_t       *ids, last;
    debar_index_t *x = d->x;
    sqlite3_stmt  *s[4];

    static const char *const  sql[4] = {
        "SELECT id FROM word WHERE id > ? ORDER BY id LIMIT ?",
        "DELETE FROM post WHERE word = ? AND block BETWEEN ? AND ?",
        "SELECT 1 FROM post WHERE word = ? LIMIT 1",
        "DELETE FROM word WHERE id = ?"
    };

    ids = malloc(DEBAR_DROP_WORDS * sizeof(*ids));
    rc = ids ? DEBAR_OK : DEBAR_ERROR;

    if (ids == NULL) {
        debar_fault(d->fault, "%s: no memory", x->path);
    }

    memset(s, 0, sizeof(s));

    for (i = 0; i < 4 && rc == DEBAR_OK; i++) {
        if (sqlite3_prepare_v2(x->db, sql[i], -1, &s[i], NULL) != SQLITE_OK) {
            rc = debar_index_wrong(x, d->fault);
        }
    }

    for (last = 0; rc == DEBAR_OK; last = ids[n - 1]) {

        sqlite3_bind_int64(s[0], 1, last);
        sqlite3_bind_int64(s[0], 2, DEBAR_DROP_WORDS);

        for (n = 0; (step = sqlite3_step(s[0])) == SQLITE_ROW; n++) {
            ids[n] = sqlite3_column_int64(s[0], 0);
        }

        sqlite3_reset(s[0]);

        if (step != SQLITE_DONE) {
            rc = debar_index_wrong(x, d->fault);
        }

        if (n == 0 || rc != DEBAR_OK) {
            break;
        }

        rc = debar_drop_some(d, ids, n, s);
    }

    for (i = 0; i < 4; i++) {
        sqlite3_finalize(s[i]);
    }

    free(ids);

    return rc;
}


static int
debar_drop_some(debar_drop_t *d, const int64_t *ids, size_t n,
    sqlite3_stmt **s)
{
    int             rc, there;
    size_t          i;
    debar_index_t  *x = d->x;

    rc = debar_drop_step(d, "BEGIN IMMEDIATE");

    if (rc != DEBAR_OK) {
        return rc;
    }

    for (i = 0; i < n; i++) {

        sqlite3_bind_int64(s[1], 1, ids[i]);
        sqlite3_bind_int64(s[1], 2, d->low / DEBAR_INDEX_BLOCK);
        sqlite3_bind_int64(s[1], 3, d->high / DEBAR_INDEX_BLOCK);

        if (debar_index_run(x, s[1], d->fault) != DEBAR_OK) {
            return DEBAR_ERROR;
        }

        if (sqlite3_changes(x->db) == 0) {
            continue;
        }

        sqlite3_bind_int64(s[2], 1, ids[i]);
        there = sqlite3_step(s[2]);
        sqlite3_reset(s[2]);
        sqlite3_bind_int64(s[3], 1, ids[i]);

        if (there == SQLITE_DONE
            && debar_index_run(x, s[3], d->fault) != DEBAR_OK)
        {
            return DEBAR_ERROR;
        }
    }

    return debar_index_sql(x, "COMMIT", d->fault);
}


/* They are in the order of their numbers: all are looked at, some a step. */

static int
debar_drop_incidents(debar_drop_t *d)
{
    int      rc;
    int64_t  part, wide;

    wide = (1LL << 60) / DEBAR_DROP_PARTS;
    rc = DEBAR_OK;

    for (part = 0; part < DEBAR_DROP_PARTS && rc == DEBAR_OK; part++) {
        rc = debar_drop_step(d, "DELETE FROM incident WHERE part BETWEEN %"
                             PRId64 " AND %" PRId64 " AND line BETWEEN %"
                             PRId64 " AND %" PRId64, part * wide,
                             part * wide + wide - 1, d->low, d->high);
    }

    return rc;
}


static int
debar_drop_lines(debar_drop_t *d)
{
    int      rc;
    int64_t  id;

    rc = DEBAR_OK;

    for (id = d->low; id <= d->high && rc == DEBAR_OK; id += DEBAR_DROP_LINES) {
        rc = debar_drop_step(d, "DELETE FROM line WHERE id BETWEEN %" PRId64
                             " AND %" PRId64, id,
                             id + DEBAR_DROP_LINES - 1 < d->high
                             ? id + DEBAR_DROP_LINES - 1 : d->high);
    }

    if (rc == DEBAR_OK) {
        rc = debar_drop_step(d, "DELETE FROM block WHERE id BETWEEN %" PRId64
                             " AND %" PRId64, d->low / DEBAR_INDEX_BLOCK,
                             d->high / DEBAR_INDEX_BLOCK);
    }

    return rc;
}
