/*
 * Which lines are asked for: a set of ids for each option, and what they have
 * in common.  Text of others is bound to statements, or quoted for FTS5.
 */

#include <inttypes.h>
#include <stdlib.h>
#include <sqlite3.h>

#include "audit_search.h"
#include "host.h"


#define DEBAR_SEARCH_FEW    2000     /* lines that are asked for text singly */
#define DEBAR_SEARCH_HINTS  24       /* words that are told */


const char *const  debar_search_kinds[DEBAR_WORD_KINDS] = {
    "user", "client", "host", "vendor", "product", "authority", "activity",
    "verdict", "surface", "event"
};


typedef struct {
    debar_index_t       *x;
    debar_fault_t       *fault;
    sqlite3_stmt        *post;
    debar_index_spans_t  spans;   /* of which lines are asked for */
    debar_search_set_t   one;     /* of the option that is read */
    uint64_t             words;   /* that were found for a value */
} debar_search_run_t;


static int debar_search_all(debar_search_set_t *set, debar_search_run_t *r);
static int debar_search_kind(debar_search_run_t *r, const debar_search_t *q,
    unsigned kind);
static int debar_search_word(debar_search_run_t *r, unsigned kind,
    const char *value);
static int debar_search_like(debar_search_run_t *r, unsigned kind,
    const char *pattern, const uint8_t *net, unsigned bits);
static int debar_search_post(debar_search_run_t *r, int64_t word);
static void debar_search_hint(debar_search_run_t *r, unsigned kind,
    const char *value);
static int debar_search_between(debar_search_set_t *set, debar_search_run_t *r,
    const debar_search_t *q);
static int debar_search_between_in(debar_search_set_t *set,
    debar_search_run_t *r, const debar_search_t *q, int64_t block);
static int debar_search_incident(debar_search_run_t *r, const char *value);
static int debar_search_text(debar_search_found_t *f, debar_search_run_t *r,
    const debar_search_t *q);
static int debar_search_text_in(debar_search_found_t *f,
    debar_search_run_t *r, const debar_index_span_t *span,
    const debar_buf_t *match, uint64_t limit);
static int debar_search_text_rows(debar_search_found_t *f,
    debar_search_run_t *r, sqlite3_stmt *s, int64_t low, int64_t high,
    uint64_t limit);
static void debar_search_match(debar_buf_t *out, const char *text);


static int
debar_search_set_new(debar_search_set_t *set, uint64_t size,
    debar_search_run_t *r)
{
    set->size = size;
    set->bits = calloc(size / 8 + 1, 1);

    if (set->bits == NULL) {
        debar_fault(r->fault, "%s: no memory for %llu lines", r->x->path,
                    (unsigned long long) size);
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


static void
debar_search_and(debar_search_set_t *set, const debar_search_set_t *other)
{
    uint64_t  i;

    for (i = 0; i < set->size / 8 + 1; i++) {
        set->bits[i] &= other->bits[i];
    }
}


static uint64_t
debar_search_count(const debar_search_set_t *set)
{
    uint64_t  i, n;

    n = 0;

    for (i = 0; i < set->size / 8 + 1; i++) {
        n += (unsigned) __builtin_popcount(set->bits[i]);
    }

    return n;
}


int
debar_search_find(debar_search_found_t *f, debar_index_t *x,
    const debar_search_t *q, debar_fault_t *fault)
{
    int                 rc;
    unsigned            kind;
    debar_search_run_t  r;

    memset(&r, 0, sizeof(r));
    r.x = x;
    r.fault = fault;

    if (sqlite3_prepare_v2(x->db, "SELECT block, lines FROM post WHERE word = "
                           "?", -1, &r.post, NULL) != SQLITE_OK)
    {
        return debar_index_wrong(x, fault);
    }

    rc = debar_search_all(&f->set, &r);

    if (rc == DEBAR_OK) {
        rc = debar_search_set_new(&r.one, f->set.size, &r);
    }

    for (kind = 0; rc == DEBAR_OK && kind < DEBAR_WORD_KINDS; kind++) {
        if (q->nvalues[kind]) {
            rc = debar_search_kind(&r, q, kind);
            debar_search_and(&f->set, &r.one);
        }
    }

    if (rc == DEBAR_OK && q->incident) {
        rc = debar_search_incident(&r, q->incident);
        debar_search_and(&f->set, &r.one);
    }

    if (rc == DEBAR_OK && (q->since || q->until)) {
        rc = debar_search_between(&f->set, &r, q);
    }

    if (rc == DEBAR_OK) {
        f->found = debar_search_count(&f->set);
    }

    if (rc == DEBAR_OK && q->ntext && f->found) {
        rc = debar_search_text(f, &r, q);
    }

    sqlite3_finalize(r.post);
    debar_index_spans_free(&r.spans);
    free(r.one.bits);

    return rc;
}


/* The lines that there are: between spans there are none. */

static int
debar_search_all(debar_search_set_t *set, debar_search_run_t *r)
{
    size_t   i;
    int64_t  id, last;

    if (debar_index_spans(&r->spans, r->x, r->fault) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    last = r->spans.n ? r->spans.list[r->spans.n - 1].last : 0;

    if (debar_search_set_new(set, (uint64_t) last + 1, r) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    for (i = 0; i < r->spans.n; i++) {

        /* one without a file is being dropped; each begins a byte */

        if (r->spans.list[i].file == 0) {
            continue;
        }

        id = r->spans.list[i].first;
        last = r->spans.list[i].last;

        for ( /* void */ ; id <= last; id += id % 8 || last - id < 7 ? 1 : 8) {
            set->bits[id / 8] |= id % 8 || last - id < 7
                                 ? (uint8_t) (1 << id % 8) : 0xff;
        }
    }

    return DEBAR_OK;
}


static int
debar_search_kind(debar_search_run_t *r, const debar_search_t *q,
    unsigned kind)
{
    unsigned  i;

    memset(r->one.bits, 0, r->one.size / 8 + 1);

    for (i = 0; i < q->nvalues[kind]; i++) {

        r->words = 0;

        if (debar_search_word(r, kind, q->values[kind][i]) != DEBAR_OK) {
            return DEBAR_ERROR;
        }

        if (r->words == 0 && !q->quiet) {
            debar_search_hint(r, kind, q->values[kind][i]);
        }
    }

    return DEBAR_OK;
}


static int
debar_search_word(debar_search_run_t *r, unsigned kind, const char *value)
{
    int            rc;
    char           text[DEBAR_INDEX_WORD];
    size_t         len;
    uint8_t        net[16];
    unsigned       bits;
    const char    *why;
    sqlite3_stmt  *s;
    debar_host_t   h;

    len = strlen(value);

    if (kind == DEBAR_WORD_HOST && len > 2 && memcmp(value, "*.", 2) == 0) {
        value += 2;
        len -= 2;
    }

    if (kind == DEBAR_WORD_CLIENT && memchr(value, '/', len)) {
        if (debar_cidr_parse(net, &bits, value, len, &why) != DEBAR_OK) {
            debar_fault(r->fault, "--client %.60s: %s: write a network as "
                        "192.0.2.0/24", value, why);
            return DEBAR_ERROR;
        }

        return debar_search_like(r, kind, NULL, net, bits);
    }

    len = debar_index_fold(text, value, len);

    if (memchr(text, '*', len)) {
        return debar_search_like(r, kind, text, NULL, 0);
    }

    if (kind == DEBAR_WORD_CLIENT || kind == DEBAR_WORD_HOST) {
        if (debar_host_parse(&h, value, strlen(value), DEBAR_HOST_BARE, &why)
            == DEBAR_OK)
        {
            len = debar_index_fold(text, h.name, h.len);
        }
    }

    if (sqlite3_prepare_v2(r->x->db, "SELECT id FROM word WHERE kind = ? AND "
                           "text = ?", -1, &s, NULL) != SQLITE_OK)
    {
        return debar_index_wrong(r->x, r->fault);
    }

    sqlite3_bind_int(s, 1, (int) kind);
    sqlite3_bind_blob(s, 2, text, (int) len, SQLITE_STATIC);

    rc = sqlite3_step(s);

    if (rc == SQLITE_ROW) {
        rc = debar_search_post(r, sqlite3_column_int64(s, 0)) == DEBAR_OK
             ? SQLITE_DONE : SQLITE_ERROR;

    } else if (rc != SQLITE_DONE) {
        debar_index_wrong(r->x, r->fault);
    }

    sqlite3_finalize(s);

    return rc == SQLITE_DONE ? DEBAR_OK : DEBAR_ERROR;
}


/* "*" is any text; linear but for the number of stars. */

static int
debar_search_glob(const char *p, const char *text, size_t len)
{
    size_t       i, back;
    const char  *star;

    star = NULL;
    back = 0;
    i = 0;

    while (i < len) {

        if (*p == '*') {
            star = p++;
            back = i;

        } else if (*p == text[i] && *p) {
            p++;
            i++;

        } else if (star) {
            p = star + 1;
            i = ++back;

        } else {
            return 0;
        }
    }

    while (*p == '*') {
        p++;
    }

    return *p == '\0';
}


/* All words of a kind are looked at. */

static int
debar_search_like(debar_search_run_t *r, unsigned kind, const char *pattern,
    const uint8_t *net, unsigned bits)
{
    int            rc, hit;
    const char    *text, *why;
    size_t         len;
    sqlite3_stmt  *s;
    debar_host_t   h;

    if (sqlite3_prepare_v2(r->x->db, "SELECT id, text FROM word WHERE kind = ?",
                           -1, &s, NULL) != SQLITE_OK)
    {
        return debar_index_wrong(r->x, r->fault);
    }

    sqlite3_bind_int(s, 1, (int) kind);

    while ((rc = sqlite3_step(s)) == SQLITE_ROW) {

        text = sqlite3_column_blob(s, 1);
        len = (size_t) sqlite3_column_bytes(s, 1);

        hit = pattern ? debar_search_glob(pattern, text, len)
              : debar_host_parse(&h, text, len, DEBAR_HOST_BARE, &why)
                == DEBAR_OK && h.type == DEBAR_HOST_ADDRESS
                && debar_addr_in(h.addr, net, bits);

        if (hit && debar_search_post(r, sqlite3_column_int64(s, 0))
                   != DEBAR_OK)
        {
            sqlite3_finalize(s);
            return DEBAR_ERROR;
        }
    }

    if (rc != SQLITE_DONE) {
        debar_index_wrong(r->x, r->fault);
    }

    sqlite3_finalize(s);

    return rc == SQLITE_DONE ? DEBAR_OK : DEBAR_ERROR;
}


/* The lines of a word. */

static int
debar_search_post(debar_search_run_t *r, int64_t word)
{
    int             rc, n, i;
    int64_t         block;
    uint64_t        id;
    const uint8_t  *p;

    r->words++;
    sqlite3_bind_int64(r->post, 1, word);

    while ((rc = sqlite3_step(r->post)) == SQLITE_ROW) {

        block = sqlite3_column_int64(r->post, 0);
        p = sqlite3_column_blob(r->post, 1);
        n = sqlite3_column_bytes(r->post, 1);

        if (block < 0 || block > (int64_t) (r->one.size / DEBAR_INDEX_BLOCK)) {
            continue;
        }

        id = (uint64_t) block * DEBAR_INDEX_BLOCK;

        if (n == DEBAR_INDEX_BITMAP) {
            for (i = 0; i < n && id / 8 + (uint64_t) i <= r->one.size / 8; i++)
            {
                r->one.bits[id / 8 + (uint64_t) i] |= p[i];
            }

            continue;
        }

        for (i = 0; i + 1 < n; i += 2) {
            uint64_t  at = id + (uint64_t) (p[i] | p[i + 1] << 8);

            if (at < r->one.size) {
                r->one.bits[at / 8] |= (uint8_t) (1 << at % 8);
            }
        }
    }

    sqlite3_reset(r->post);

    return rc == SQLITE_DONE ? DEBAR_OK : debar_index_wrong(r->x, r->fault);
}


/* Nobody has that word: which there are, where they are few. */

static void
debar_search_hint(debar_search_run_t *r, unsigned kind, const char *value)
{
    int            n;
    debar_buf_t    b;
    sqlite3_stmt  *s;

    memset(&b, 0, sizeof(b));
    n = 0;

    if (kind >= DEBAR_WORD_VENDOR
        && sqlite3_prepare_v2(r->x->db, "SELECT text FROM word WHERE kind = ? "
                              "ORDER BY text LIMIT 25", -1, &s, NULL)
           == SQLITE_OK)
    {
        sqlite3_bind_int(s, 1, (int) kind);

        while (sqlite3_step(s) == SQLITE_ROW) {
            debar_buf_printf(&b, n++ ? ", " : "; there are ");
            debar_buf_add(&b, sqlite3_column_blob(s, 0),
                          (size_t) sqlite3_column_bytes(s, 0));
        }

        sqlite3_finalize(s);
    }

    fprintf(stderr, "debar: no line has the %s \"", debar_search_kinds[kind]);
    debar_put(stderr, value, strlen(value));
    fputc('"', stderr);

    if (n && n <= DEBAR_SEARCH_HINTS) {
        debar_put(stderr, b.data, b.len);
    }

    fputc('\n', stderr);
    debar_buf_free(&b);
}


/* Blocks of the time go in whole, those at its ends line by line. */

static int
debar_search_between(debar_search_set_t *set, debar_search_run_t *r,
    const debar_search_t *q)
{
    int            rc;
    int64_t        block, tmin, tmax;
    uint64_t       from, size;
    sqlite3_stmt  *s;

    if (sqlite3_prepare_v2(r->x->db, "SELECT id, tmin, tmax FROM block", -1,
                           &s, NULL) != SQLITE_OK)
    {
        return debar_index_wrong(r->x, r->fault);
    }

    while ((rc = sqlite3_step(s)) == SQLITE_ROW) {

        block = sqlite3_column_int64(s, 0);
        tmin = sqlite3_column_int64(s, 1);
        tmax = sqlite3_column_int64(s, 2);

        if (block < 0 || block > (int64_t) (set->size / DEBAR_INDEX_BLOCK)
            || (tmin >= q->since && (q->until == 0 || tmax < q->until)))
        {
            continue;
        }

        if (tmax >= q->since && (q->until == 0 || tmin < q->until)) {

            if (debar_search_between_in(set, r, q, block) != DEBAR_OK) {
                rc = SQLITE_ERROR;
                break;
            }

            continue;
        }

        from = (uint64_t) block * DEBAR_INDEX_BITMAP;
        size = set->size / 8 + 1 - from;
        memset(set->bits + from, 0, size < DEBAR_INDEX_BITMAP
                                    ? size : DEBAR_INDEX_BITMAP);
    }

    sqlite3_finalize(s);

    return rc == SQLITE_DONE ? DEBAR_OK : debar_index_wrong(r->x, r->fault);
}


static int
debar_search_between_in(debar_search_set_t *set, debar_search_run_t *r,
    const debar_search_t *q, int64_t block)
{
    int            rc;
    int64_t        id, t;
    sqlite3_stmt  *s;

    if (sqlite3_prepare_v2(r->x->db, "SELECT id, time FROM line WHERE id >= ? "
                           "AND id < ?", -1, &s, NULL) != SQLITE_OK)
    {
        return debar_index_wrong(r->x, r->fault);
    }

    sqlite3_bind_int64(s, 1, block * DEBAR_INDEX_BLOCK);
    sqlite3_bind_int64(s, 2, (block + 1) * DEBAR_INDEX_BLOCK);

    while ((rc = sqlite3_step(s)) == SQLITE_ROW) {

        id = sqlite3_column_int64(s, 0);
        t = sqlite3_column_int64(s, 1);

        if (id >= 0 && (uint64_t) id < set->size
            && (t < q->since || (q->until && t >= q->until)))
        {
            set->bits[id / 8] &= (uint8_t) ~(1 << id % 8);
        }
    }

    sqlite3_finalize(s);

    return rc == SQLITE_DONE ? DEBAR_OK : debar_index_wrong(r->x, r->fault);
}


static int
debar_search_incident(debar_search_run_t *r, const char *value)
{
    int            rc;
    size_t         len;
    int64_t        id;
    uint64_t       from, to;
    sqlite3_stmt  *s;

    len = strlen(value);
    len = len < 15 ? len : 15;
    debar_index_incident(&from, value, strlen(value));
    to = from + ((1ull << (60 - 4 * len)) - 1);

    memset(r->one.bits, 0, r->one.size / 8 + 1);

    if (sqlite3_prepare_v2(r->x->db, "SELECT line FROM incident WHERE part "
                           "BETWEEN ? AND ?", -1, &s, NULL) != SQLITE_OK)
    {
        return debar_index_wrong(r->x, r->fault);
    }

    sqlite3_bind_int64(s, 1, (int64_t) from);
    sqlite3_bind_int64(s, 2, (int64_t) to);

    while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
        id = sqlite3_column_int64(s, 0);

        if (id >= 0 && (uint64_t) id < r->one.size) {
            r->one.bits[id / 8] |= (uint8_t) (1 << id % 8);
        }
    }

    sqlite3_finalize(s);

    return rc == SQLITE_DONE ? DEBAR_OK : debar_index_wrong(r->x, r->fault);
}


/* The full text, from the newest span, until there are as many as are shown. */

static int
debar_search_text(debar_search_found_t *f, debar_search_run_t *r,
    const debar_search_t *q)
{
    int          rc;
    size_t       i;
    unsigned     k;
    uint64_t     limit;
    debar_buf_t  match;

    memset(&match, 0, sizeof(match));
    memset(r->one.bits, 0, r->one.size / 8 + 1);

    for (k = 0; k < q->ntext; k++) {
        debar_search_match(&match, q->text[k]);
    }

    if (match.len == 0) {
        debar_fault(r->fault, "--text: name a word");
        return DEBAR_ERROR;
    }

    limit = q->limit ? q->limit + 1 : UINT64_MAX;
    rc = DEBAR_OK;
    r->words = 0;

    for (i = r->spans.n; rc == DEBAR_OK && i-- > 0 && r->words < limit; ) {
        rc = debar_search_text_in(f, r, &r->spans.list[i], &match, limit);
    }

    debar_buf_free(&match);
    debar_search_and(&f->set, &r->one);
    f->more = q->limit && r->words > q->limit;
    f->found = r->words - (f->more ? 1 : 0);

    return rc;
}


/* Of one span: lines that are few are asked for singly. */

static int
debar_search_text_in(debar_search_found_t *f, debar_search_run_t *r,
    const debar_index_span_t *span, const debar_buf_t *match, uint64_t limit)
{
    int            rc;
    char           sql[192];
    int64_t        id, low, high;
    uint64_t       n;
    sqlite3_stmt  *s;

    low = high = 0;
    n = 0;

    for (id = span->first; span->file && id <= span->last; id++) {

        if (f->set.bits[id / 8] == 0) {
            id |= 7;

        } else if (f->set.bits[id / 8] >> id % 8 & 1) {
            low = n++ ? low : id;
            high = id;
        }
    }

    if (n == 0) {
        return DEBAR_OK;
    }

    snprintf(sql, sizeof(sql), "SELECT rowid FROM words_%" PRId64 " WHERE "
             "words_%" PRId64 " MATCH ?1 AND rowid BETWEEN ?2 AND ?3 "
             "ORDER BY rowid DESC", span->first, span->first);

    if (sqlite3_prepare_v2(r->x->db, sql, -1, &s, NULL) != SQLITE_OK) {
        return debar_index_wrong(r->x, r->fault);
    }

    sqlite3_bind_text(s, 1, match->data, (int) match->len, SQLITE_STATIC);

    if (n > DEBAR_SEARCH_FEW || n > (uint64_t) (high - low) / 8) {
        rc = debar_search_text_rows(f, r, s, low, high, limit);

    } else {
        for (rc = DEBAR_OK, id = high; rc == DEBAR_OK && id >= low
                                       && r->words < limit; id--)
        {
            if (f->set.bits[id / 8] >> id % 8 & 1) {
                rc = debar_search_text_rows(f, r, s, id, id, limit);
            }
        }
    }

    sqlite3_finalize(s);

    return rc;
}


static int
debar_search_text_rows(debar_search_found_t *f, debar_search_run_t *r,
    sqlite3_stmt *s, int64_t low, int64_t high, uint64_t limit)
{
    int      rc;
    int64_t  id;

    sqlite3_bind_int64(s, 2, low);
    sqlite3_bind_int64(s, 3, high);

    while ((rc = sqlite3_step(s)) == SQLITE_ROW) {

        id = sqlite3_column_int64(s, 0);

        if (id < low || id > high || !(f->set.bits[id / 8] >> id % 8 & 1)) {
            continue;
        }

        r->one.bits[id / 8] |= (uint8_t) (1 << id % 8);

        if (++r->words == limit) {
            break;
        }
    }

    if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
        debar_index_wrong(r->x, r->fault);
    }

    sqlite3_reset(s);

    return rc == SQLITE_ROW || rc == SQLITE_DONE ? DEBAR_OK : DEBAR_ERROR;
}


/* Words become strings of FTS5, which has no other syntax in them; all of them
 * are wanted.  "a phrase" stays one, a star at the end is kept. */

static void
debar_search_match(debar_buf_t *out, const char *text)
{
    int          quoted;
    const char  *p, *end;
    size_t       len;

    for (p = text; *p; p = end) {

        while (*p == ' ' || *p == '\t' || *p == '\n') {
            p++;
        }

        quoted = *p == '"';
        p += quoted;
        end = p + strcspn(p, quoted ? "\"" : " \t\n\"");
        len = (size_t) (end - p);

        if (len && len < 4096) {
            debar_buf_printf(out, out->len ? " \"" : "\"");
            debar_buf_add(out, p, len - (!quoted && p[len - 1] == '*'));
            debar_buf_printf(out, !quoted && p[len - 1] == '*' && len > 1
                                  ? "\" *" : "\"");
        }

        end += quoted && *end == '"';
    }
}
