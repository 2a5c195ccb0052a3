/*
 * Imported rows in the source of a list: what is there, what is new, and what
 * of a vendor's files changes.  See import_store.h.
 */

#include <stdio.h>
#include <stdlib.h>

#include "import_store.h"
#include "guard.h"
#include "import_rows.h"


#define DEBAR_STORE_MARK     "import "
#define DEBAR_STORE_BETWEEN  " | "
#define DEBAR_STORE_SOURCE   (DEBAR_MAX_TEXT - 256)

/* A value that one record gives to a vendor. */

typedef struct {
    uint64_t  text;               /* offsets in the store's text */
    uint64_t  canon;
    uint64_t  item;               /* "import sam S4MR: ..." */
    uint64_t  block;              /* the row as it is, if it has other keys */
    uint32_t  ntext;
    uint32_t  ncanon;
    uint32_t  nitem;
    uint32_t  nblock;
    uint32_t  vendor;
    uint32_t  key;
    uint8_t   kind;
    uint8_t   old;                /* it was there before */
    uint8_t   dead;
} debar_store_entry_t;

typedef struct {
    uint64_t  id;
    uint64_t  name;
    uint64_t  file;
    uint32_t  nid;
    uint32_t  nname;
    uint32_t  nfile;
    uint32_t  first;              /* of its entries */
    uint32_t  n;
    uint8_t   exists;
    uint8_t   made;
    uint8_t   touched;
    uint32_t  taken;              /* kinds whose KIND-from is a person's */
    uint32_t  plain;              /* kinds with a plain file of ours */
} debar_store_who_t;

typedef struct {
    uint32_t  vendor;
    uint32_t  seen;               /* in this import */
} debar_store_key_t;

struct debar_store_s {
    unsigned              kind;
    const char           *authorities;
    debar_similar_t       similar;
    debar_buf_t           text;

    debar_store_entry_t  *entries;
    size_t                n;
    size_t                size;

    debar_store_who_t    *vendors;
    size_t                nvendors;
    size_t                svendors;
    debar_set_t           ids;

    debar_store_key_t    *keys;
    size_t                nkeys;
    size_t                skeys;
    debar_set_t           names;  /* "sam S4MR" */
    debar_guard_t        *guard;
    debar_set_t           forced; /* kind and value: people let it stand */

    debar_rows_t          rows;
    debar_buf_t           out;
    debar_value_t         value;
};


static uint64_t debar_store_text(debar_store_t *s, const char *data,
    size_t len);
static void debar_store_let(debar_store_t *s, unsigned kind,
    debar_str_t value);
static uint32_t debar_store_who(debar_store_t *s, debar_str_t id,
    debar_str_t name);
static uint32_t debar_store_key(debar_store_t *s, debar_str_t key,
    uint32_t vendor);
static debar_store_entry_t *debar_store_entry(debar_store_t *s);
static void debar_store_old(debar_store_t *s, uint32_t vendor, unsigned kind,
    debar_str_t value, debar_str_t source, debar_str_t block);
static void debar_store_old_plain(debar_store_t *s, const char *name,
    const char *data, size_t len);
static void debar_store_record(char *out, size_t size, unsigned kind,
    debar_str_t key);
static uint32_t debar_store_place(debar_store_t *s,
    const debar_import_row_t *row);
static int debar_store_compare(const void *a, const void *b, void *data);
static size_t debar_store_substance(const debar_store_t *s,
    const debar_store_entry_t *e);
static void debar_store_settle(debar_store_t *s);


debar_store_t *
debar_store_new(unsigned kind, const char *authorities, int64_t now)
{
    debar_fault_t   why;
    debar_store_t  *s;

    s = calloc(1, sizeof(debar_store_t));
    if (s == NULL) {
        abort();
    }

    s->kind = kind;
    s->authorities = authorities;
    s->guard = debar_guard_new(now);
    (void) debar_similar_open(&s->similar, &why);

    return s;
}


void
debar_store_free(debar_store_t *s)
{
    debar_similar_close(&s->similar);
    debar_buf_free(&s->text);
    debar_buf_free(&s->out);
    debar_rows_free(&s->rows);
    debar_set_free(&s->ids);
    debar_set_free(&s->names);
    debar_set_free(&s->forced);
    debar_guard_free(s->guard);
    free(s->entries);
    free(s->vendors);
    free(s->keys);
    free(s);
}


static uint64_t
debar_store_text(debar_store_t *s, const char *data, size_t len)
{
    uint64_t  off;

    off = s->text.len;
    debar_buf_add(&s->text, data, len);

    return off;
}


static uint32_t
debar_store_who(debar_store_t *s, debar_str_t id, debar_str_t name)
{
    uint64_t           *at;
    debar_store_who_t  *w;

    at = debar_set_add(&s->ids, id.data, id.len, s->nvendors);

    if (at) {
        return (uint32_t) *at;
    }

    if (s->nvendors == s->svendors) {
        s->svendors = s->svendors ? 2 * s->svendors : 256;
        s->vendors = reallocarray(s->vendors, s->svendors,
                                  sizeof(debar_store_who_t));
        if (s->vendors == NULL) {
            abort();
        }
    }

    w = &s->vendors[s->nvendors];
    memset(w, 0, sizeof(debar_store_who_t));

    w->id = debar_store_text(s, id.data, id.len);
    w->nid = (uint32_t) id.len;
    w->name = debar_store_text(s, name.data, name.len);
    w->nname = (uint32_t) name.len;

    return (uint32_t) s->nvendors++;
}


static uint32_t
debar_store_key(debar_store_t *s, debar_str_t key, uint32_t vendor)
{
    uint64_t  *at;

    at = debar_set_add(&s->names, key.data, key.len, s->nkeys);

    if (at) {
        return (uint32_t) *at;
    }

    if (s->nkeys == s->skeys) {
        s->skeys = s->skeys ? 2 * s->skeys : 256;
        s->keys = reallocarray(s->keys, s->skeys, sizeof(debar_store_key_t));

        if (s->keys == NULL) {
            abort();
        }
    }

    s->keys[s->nkeys].vendor = vendor;
    s->keys[s->nkeys].seen = 0;

    return (uint32_t) s->nkeys++;
}


static debar_store_entry_t *
debar_store_entry(debar_store_t *s)
{
    if (s->n == s->size) {
        s->size = s->size ? 2 * s->size : 1024;
        s->entries = reallocarray(s->entries, s->size,
                                  sizeof(debar_store_entry_t));
        if (s->entries == NULL) {
            abort();
        }
    }

    memset(&s->entries[s->n], 0, sizeof(debar_store_entry_t));

    return &s->entries[s->n++];
}


int
debar_store_file(debar_store_t *s, const char *name, const char *data,
    size_t len, debar_fault_t *why)
{
    size_t                     i, nlen;
    uint32_t                   v;
    unsigned                   more;
    debar_str_t                value, source, block, id;
    debar_rows_t              *rows;
    debar_store_who_t         *w;
    const debar_rows_item_t   *item;
    const debar_value_kind_t  *kind;

    nlen = strlen(name);
    rows = &s->rows;

    if (nlen > 4 && strcmp(name + nlen - 4, ".txt") == 0) {
        debar_store_old_plain(s, name, data, len);
        return DEBAR_OK;
    }

    debar_rows_read(rows, data, len);

    /* A file without a plain id is none of ours; the reader of sources will
     * say what is wrong with it. */

    id = rows->id.len ? rows->id : debar_str(name, nlen - 5);
    v = debar_store_who(s, id, rows->name);
    w = &s->vendors[v];

    if (w->exists) {
        debar_fault(why, "another file has the id \"%.*s\", too",
                    (int) (id.len > 64 ? 64 : id.len), id.data);
        return DEBAR_ERROR;
    }

    w->exists = 1;
    w->made = (uint8_t) rows->made;
    w->file = debar_store_text(s, name, nlen);
    w->nfile = (uint32_t) nlen;

    if (w->nname == 0) {
        w->name = debar_store_text(s, rows->name.data, rows->name.len);
        w->nname = (uint32_t) rows->name.len;
    }

    for (i = 0; i < DEBAR_VALUE_KINDS; i++) {
        if (rows->from[i].to > rows->from[i].from
            && !(rows->from_file[i].len > id.len + 8
                 && memcmp(rows->from_file[i].data, "vendors/", 8) == 0
                 && memcmp(rows->from_file[i].data + 8, id.data, id.len) == 0))
        {
            w->taken |= 1u << i;
        }
    }

    for (i = 0; i < rows->n; i++) {
        item = &rows->list[i];
        block = debar_str(data + item->from, item->to - item->from);

        if (memmem(block.data, block.len, DEBAR_STORE_MARK,
                   sizeof(DEBAR_STORE_MARK) - 1)
            == NULL)
        {
            continue;
        }

        kind = &debar_value_kinds[item->kind];

        if (debar_rows_item(block.data, block.len, kind->value, &s->out, &value,
                            &source, &more)
            == DEBAR_OK)
        {
            if (memmem(block.data, block.len, "forced:", 7)) {
                debar_store_let(s, item->kind, value);
            }

            if (!more) {
                block.len = 0;
            }

            debar_store_old(s, v, item->kind, value, source, block);
        }
    }

    return DEBAR_OK;
}


/* Its kind and value, in canonical form. */

static size_t
debar_store_let_key(char key[DEBAR_MAX_TEXT + 1], const debar_store_t *s)
{
    size_t  n;

    n = s->value.len < DEBAR_MAX_TEXT ? s->value.len : DEBAR_MAX_TEXT;

    key[0] = (char) s->value.kind->kind;
    memcpy(key + 1, s->value.key, n);

    return n + 1;
}


/* A row to which people said why it stands though a guard rail refuses it. */

static void
debar_store_let(debar_store_t *s, unsigned kind, debar_str_t value)
{
    char           key[DEBAR_MAX_TEXT + 1];
    debar_fault_t  why;

    s->value.kind = &debar_value_kinds[kind];
    s->value.ecosystem = debar_str("", 0);

    if (value.len <= DEBAR_MAX_TEXT
        && debar_value_read(&s->value, value.data, value.len, &why)
           == DEBAR_OK)
    {
        (void) debar_set_add(&s->forced, key, debar_store_let_key(key, s), 1);
    }
}


/* A row that stands in a file: one entry for each record that gives it. */

static void
debar_store_old(debar_store_t *s, uint32_t vendor, unsigned kind,
    debar_str_t value, debar_str_t source, debar_str_t block)
{
    size_t                n;
    const char           *p, *end, *next, *colon;
    debar_fault_t         why;
    debar_store_entry_t  *e;

    p = source.data;
    end = p + source.len;

    for (/* void */; p < end; p = next) {
        next = memmem(p, (size_t) (end - p), DEBAR_STORE_BETWEEN
                      DEBAR_STORE_MARK, sizeof(DEBAR_STORE_BETWEEN
                                               DEBAR_STORE_MARK) - 1);
        n = (size_t) ((next ? next : end) - p);
        next = next ? next + sizeof(DEBAR_STORE_BETWEEN) - 1 : end;

        colon = memchr(p, ':', n);

        if (n < sizeof(DEBAR_STORE_MARK) || colon == NULL
            || memcmp(p, DEBAR_STORE_MARK, sizeof(DEBAR_STORE_MARK) - 1) != 0)
        {
            continue;
        }

        s->value.kind = &debar_value_kinds[kind];
        s->value.ecosystem = debar_str("", 0);

        if (debar_value_read(&s->value, value.data, value.len, &why)
            != DEBAR_OK)
        {
            s->value.len = 0;
        }

        e = debar_store_entry(s);
        e->vendor = vendor;
        e->kind = (uint8_t) kind;
        e->old = 1;
        e->text = debar_store_text(s, value.data, value.len);
        e->ntext = (uint32_t) value.len;
        e->canon = debar_store_text(s, s->value.key, s->value.len);
        e->ncanon = (uint32_t) s->value.len;
        e->item = debar_store_text(s, p, n);
        e->nitem = (uint32_t) n;
        e->block = debar_store_text(s, block.data, block.len);
        e->nblock = (uint32_t) block.len;

        p += sizeof(DEBAR_STORE_MARK) - 1;
        e->key = debar_store_key(s, debar_str(p, (size_t) (colon - p)),
                                 vendor);
    }
}


/* ID.KIND.txt */

static void
debar_store_old_plain(debar_store_t *s, const char *name, const char *data,
    size_t len)
{
    size_t       i, n;
    uint32_t     v;
    const char  *p, *end, *nl, *hash, *dot;

    n = strlen(name) - 4;
    dot = memrchr(name, '.', n);

    if (dot == NULL || dot == name) {
        return;
    }

    for (i = 0; i < DEBAR_VALUE_KINDS; i++) {
        if (strlen(debar_value_kinds[i].list) == n - (size_t) (dot + 1 - name)
            && strncmp(debar_value_kinds[i].list, dot + 1,
                       n - (size_t) (dot + 1 - name)) == 0)
        {
            break;
        }
    }

    if (i == DEBAR_VALUE_KINDS || len < sizeof(DEBAR_ROWS_MARK)
        || memcmp(data, DEBAR_ROWS_MARK, sizeof(DEBAR_ROWS_MARK) - 1) != 0)
    {
        return;
    }

    v = debar_store_who(s, debar_str(name, (size_t) (dot - name)),
                        debar_str("", 0));
    s->vendors[v].plain |= 1u << i;

    for (p = data, end = data + len; p < end; p = nl + 1) {
        nl = memchr(p, '\n', (size_t) (end - p));
        nl = nl ? nl : end;

        hash = memmem(p, (size_t) (nl - p), "  # " DEBAR_STORE_MARK,
                      sizeof("  # " DEBAR_STORE_MARK) - 1);

        if (hash) {
            debar_store_old(s, v, (unsigned) i,
                            debar_str(p, (size_t) (hash - p)),
                            debar_str(hash + 4, (size_t) (nl - hash - 4)),
                            debar_str("", 0));
        }
    }
}


/* "sam S4MR": what stands before the colon of an item. */

static void
debar_store_record(char *out, size_t size, unsigned kind, debar_str_t key)
{
    char    c;
    size_t  i, n;

    n = (size_t) snprintf(out, size, "%s ", debar_import_kind_names[kind]);

    for (i = 0; i < key.len && n + 1 < size; i++) {
        c = key.data[i];
        out[n++] = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
                   || (c >= '0' && c <= '9') || (c && strchr("._-", c))
                   ? c : '_';
    }

    out[n] = '\0';
}


/* Where a record goes that was nowhere: to the vendor that an import made of
 * the same name, never into the file of a person. */

static uint32_t
debar_store_place(debar_store_t *s, const debar_import_row_t *row)
{
    char                      slug[DEBAR_IMPORT_SLUG + 8], key[128];
    size_t                    n;
    uint64_t                 *at;
    unsigned                  i;
    const debar_store_who_t  *w;

    n = debar_import_slug(&s->similar, slug, row->name.data, row->name.len);

    if (n < 2) {
        debar_store_record(key, 60, s->kind, row->key);
        n = debar_import_slug(&s->similar, slug, key, strlen(key));
    }

    for (i = 0; i < 2; i++) {
        at = debar_set_find(&s->ids, slug, n);
        w = at ? &s->vendors[*at] : NULL;

        if (w == NULL || !w->exists || w->made) {
            break;
        }

        n += (size_t) snprintf(slug + n, sizeof(slug) - n, "-%s",
                               debar_import_kind_names[s->kind]);
    }

    return debar_store_who(s, debar_str(slug, n), row->name);
}


static void
debar_store_item(debar_buf_t *b, const char *record,
    const debar_import_row_t *row, const debar_store_origin_t *o)
{
    char         c, dates[64];
    size_t       i, k, n;
    debar_str_t  parts[4];

    dates[0] = '\0';

    if (row->active[0] || row->ends[0]) {
        snprintf(dates, sizeof(dates), "%s%s%s%s",
                 row->active[0] ? "from " : "", row->active,
                 row->ends[0] ? (row->active[0] ? " to " : "to ") : "",
                 row->ends);
    }

    parts[0] = row->list;
    parts[1] = row->program;
    parts[2] = row->agency;
    parts[3] = debar_str(dates, strlen(dates));

    debar_buf_printf(b, DEBAR_STORE_MARK "%s:", record);

    for (i = 0, n = 0; i < 4; i++) {
        if (parts[i].len == 0) {
            continue;
        }

        debar_buf_add(b, n ? ", " : " ", n ? 2 : 1);
        n++;

        for (k = 0; k < parts[i].len && k < 500; k++) {
            c = parts[i].data[k];
            c = c == '|' ? '/' : c == ';' ? ',' : c;
            debar_buf_add(b, &c, 1);
        }
    }

    debar_buf_printf(b, "%s; ", n ? "" : " listed");

    for (k = 0; o->file[k] && k < 200; k++) {
        c = o->file[k];
        c = c == '|' || c == ';' || (unsigned char) c < ' '
            || (unsigned char) c >= 0x7f ? '_' : c;
        debar_buf_add(b, &c, 1);
    }

    debar_buf_printf(b, " row %llu, sha256 %s, read %s",
                     (unsigned long long) row->row, o->sha256, o->today);
}


size_t
debar_store_add(debar_store_t *s, const debar_import_row_t *row,
    const debar_store_origin_t *origin, const char *vendor,
    debar_store_aside_pt aside, void *data)
{
    char                         record[128], let[DEBAR_MAX_TEXT + 1];
    size_t                       i, k, taken;
    uint32_t                     v, key;
    uint64_t                     item, *at;
    debar_buf_t                  b;
    debar_str_t                  text;
    debar_fault_t                why;
    debar_store_entry_t         *e;
    const debar_import_value_t  *value;

    debar_store_record(record, 100, s->kind, row->key);
    at = debar_set_find(&s->names, record, strlen(record));

    v = vendor ? debar_store_who(s, debar_str(vendor, strlen(vendor)),
                                 debar_str(vendor, strlen(vendor)))
        : at ? s->keys[*at].vendor : UINT32_MAX;
    key = UINT32_MAX;
    taken = 0;
    item = 0;
    memset(&b, 0, sizeof(b));

    for (i = 0; i < row->n; i++) {
        value = &row->values[i];
        text = value->text;

        for (k = 0; k < DEBAR_VALUE_KINDS - 1; k++) {
            if (strcmp(debar_value_kinds[k].list, value->list) == 0) {
                break;
            }
        }

        s->value.kind = &debar_value_kinds[k];
        s->value.ecosystem = debar_str("", 0);

        if (text.len > DEBAR_MAX_TEXT) {
            aside(data, row, value, "longer than 4096 bytes");
            continue;
        }

        if (debar_value_read(&s->value, text.data, text.len, &why)
            != DEBAR_OK)
        {
            aside(data, row, value, why.text);
            continue;
        }

        if (debar_guard_value(s->guard, NULL, &s->value, text.data, text.len,
                              &why)
            != DEBAR_OK
            && debar_set_find(&s->forced, let, debar_store_let_key(let, s))
               == NULL)
        {
            aside(data, row, value, why.text);
            continue;
        }

        if (key == UINT32_MAX) {
            if (v == UINT32_MAX) {
                v = debar_store_place(s, row);
            }

            key = debar_store_key(s, debar_str(record, strlen(record)), v);
            s->keys[key].vendor = v;
            s->keys[key].seen = 1;

            debar_store_item(&b, record, row, origin);
            item = debar_store_text(s, b.data, b.len);
        }

        e = debar_store_entry(s);
        e->vendor = v;
        e->key = key;
        e->kind = (uint8_t) k;
        e->text = debar_store_text(s, text.data, text.len);
        e->ntext = (uint32_t) text.len;
        e->canon = debar_store_text(s, s->value.key, s->value.len);
        e->ncanon = (uint32_t) s->value.len;
        e->item = item;
        e->nitem = (uint32_t) b.len;
        taken++;
    }

    debar_buf_free(&b);

    if (taken == 0 && at) {
        s->keys[*at].seen = 1;    /* nothing of it is left */
    }

    return taken;
}


int
debar_store_over(debar_store_t *s, const debar_import_row_t *row)
{
    char       record[128];
    uint64_t  *at;

    debar_store_record(record, 100, s->kind, row->key);
    at = debar_set_find(&s->names, record, strlen(record));

    if (at == NULL || s->keys[*at].seen) {
        return 0;
    }

    s->keys[*at].seen = 1;

    return 1;
}


int
debar_store_link(debar_store_t *s, const char *key, const char *vendor,
    debar_fault_t *why)
{
    char                  record[128];
    size_t                i;
    uint32_t              k;
    uint64_t             *at, *to;
    const char           *colon;
    debar_store_entry_t  *e;

    colon = strchr(key, ':');
    record[0] = '\0';

    if (colon) {
        snprintf(record, sizeof(record), "%.*s %s", (int) (colon - key), key,
                 colon + 1);
    }

    at = debar_set_find(&s->names, record, strlen(record));

    if (at == NULL) {
        debar_fault(why, "\"%s\" is no record that was imported: they are named"
                    " as `debar list match` prints them, as in sam:S4MR",
                    key);
        return DEBAR_ERROR;
    }

    to = debar_set_find(&s->ids, vendor, strlen(vendor));

    if (to == NULL || !s->vendors[*to].exists) {
        debar_fault(why, "there is no vendor with the id \"%s\"", vendor);
        return DEBAR_ERROR;
    }

    k = (uint32_t) *at;
    s->keys[k].vendor = (uint32_t) *to;

    for (i = 0; i < s->n; i++) {
        e = &s->entries[i];

        if (e->key == k && e->vendor != (uint32_t) *to) {
            s->vendors[e->vendor].touched = 1;
            s->vendors[*to].touched = 1;
            e->vendor = (uint32_t) *to;
        }
    }

    return DEBAR_OK;
}


int
debar_store_finish(debar_store_t *s, debar_fault_t *why)
{
    size_t               i;
    debar_store_who_t   *w;

    if (s->n) {
        qsort_r(s->entries, s->n, sizeof(debar_store_entry_t),
                debar_store_compare, s);
    }

    debar_store_settle(s);

    for (i = 0; i < s->nvendors; i++) {
        s->vendors[i].first = (uint32_t) s->n;
        s->vendors[i].n = 0;
    }

    for (i = s->n; i-- > 0; /* void */) {
        w = &s->vendors[s->entries[i].vendor];
        w->first = (uint32_t) i;
        w->n++;
    }

    if (s->nvendors > DEBAR_STORE_MAX_VENDORS) {
        debar_fault(why, "%zu vendors, and a list has %d at most: ask for fewer"
                    " (--name, --program, --since), or put all rows into one "
                    "entry (--vendor ID)", s->nvendors,
                    DEBAR_STORE_MAX_VENDORS);
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


/* By vendor, kind, value, record; what is old before what is new. */

static int
debar_store_compare(const void *a, const void *b, void *data)
{
    int                         rc;
    uint32_t                    n;
    const char                 *text;
    const debar_store_entry_t  *one = a, *two = b;

    if (one->vendor != two->vendor) {
        return one->vendor < two->vendor ? -1 : 1;
    }

    if (one->kind != two->kind) {
        return one->kind < two->kind ? -1 : 1;
    }

    text = ((debar_store_t *) data)->text.data;

    n = one->ncanon < two->ncanon ? one->ncanon : two->ncanon;
    rc = memcmp(text + one->canon, text + two->canon, n);

    if (rc || one->ncanon != two->ncanon) {
        return rc ? rc : one->ncanon < two->ncanon ? -1 : 1;
    }

    if (one->key != two->key) {
        n = one->nitem < two->nitem ? one->nitem : two->nitem;
        rc = memcmp(text + one->item, text + two->item, n);
        return rc ? rc : one->key < two->key ? -1 : 1;
    }

    if (one->old != two->old) {
        return one->old ? -1 : 1;
    }

    return one->item < two->item ? -1 : one->item > two->item;
}


/* What a record says of a value, without file, row and day: where it says the
 * same as before, its row stays as it is. */

static size_t
debar_store_substance(const debar_store_t *s, const debar_store_entry_t *e)
{
    const char  *p, *semicolon;

    p = s->text.data + e->item;
    semicolon = memrchr(p, ';', e->nitem);

    return semicolon ? (size_t) (semicolon - p) : e->nitem;
}


static void
debar_store_settle(debar_store_t *s)
{
    size_t                i, n;
    debar_store_entry_t  *e, *last;

    last = NULL;

    for (i = 0; i < s->n; i++) {
        e = &s->entries[i];

        if (last && (last->vendor != e->vendor || last->kind != e->kind
                     || last->key != e->key || last->ncanon != e->ncanon
                     || memcmp(s->text.data + last->canon,
                               s->text.data + e->canon, e->ncanon)
                        != 0))
        {
            last = NULL;
        }

        if (e->old) {
            e->dead = s->keys[e->key].seen != 0;
            last = e;
            continue;
        }

        if (last && !last->old) {
            e->dead = 1;          /* the same record twice */
            continue;
        }

        if (last && last->dead) {
            n = debar_store_substance(s, e);

            if (last->nblock
                || (n == debar_store_substance(s, last)
                    && memcmp(s->text.data + last->item,
                              s->text.data + e->item, n)
                       == 0))
            {
                last->dead = 0;
                e->dead = 1;
                continue;
            }
        }

        last = e;
    }

    for (i = 0; i < s->n; i++) {
        e = &s->entries[i];

        if (e->old == e->dead) {
            s->vendors[e->vendor].touched = 1;
        }
    }
}


size_t
debar_store_vendors(const debar_store_t *s)
{
    return s->nvendors;
}


void
debar_store_vendor(const debar_store_t *s, size_t i, debar_store_vendor_t *v)
{
    size_t                    k;
    const debar_store_who_t  *w;

    w = &s->vendors[i];

    v->id = debar_str(s->text.data + w->id, w->nid);
    v->name = debar_str(s->text.data + w->name, w->nname);
    v->file = debar_str(s->text.data + w->file, w->nfile);
    v->exists = w->exists;
    v->made = w->made;
    v->touched = w->touched;
    v->plain = w->plain;
    v->rows = 0;

    for (k = w->first; k < w->first + w->n; k++) {
        v->rows += !s->entries[k].dead;
    }
}


void
debar_store_names(const debar_store_t *s, debar_store_name_pt name, void *data)
{
    size_t                      i;
    const char                 *p, *colon;
    const debar_store_who_t    *w;
    const debar_store_entry_t  *e;

    for (i = 0; i < s->n; i++) {
        e = &s->entries[i];

        if (debar_value_kinds[e->kind].kind != DEBAR_KIND_NAME || e->dead) {
            continue;
        }

        w = &s->vendors[e->vendor];
        p = s->text.data + e->item + sizeof(DEBAR_STORE_MARK) - 1;
        colon = memchr(p, ':', e->nitem);

        name(data, debar_str(s->text.data + w->id, w->nid),
             debar_str(s->text.data + e->text, e->ntext),
             debar_str(p, colon ? (size_t) (colon - p) : 0));
    }
}


/* --- files --------------------------------------------------------------- */

/* The next value of a vendor: entries from *i on that give it, the live ones
 * joined in s->out; NULL where there is none left. */

static const debar_store_entry_t *
debar_store_next(debar_store_t *s, const debar_store_who_t *w, size_t *i,
    unsigned kind)
{
    size_t                      k, end;
    const debar_store_entry_t  *e, *first, *block;

    end = w->first + w->n;
    s->out.len = 0;

    for (k = *i; k < end; k = *i) {
        first = NULL;
        block = NULL;

        for (/* void */; k < end; k++) {
            e = &s->entries[k];

            if (k > *i
                && (e->kind != s->entries[*i].kind
                    || e->ncanon != s->entries[*i].ncanon
                    || memcmp(s->text.data + e->canon,
                              s->text.data + s->entries[*i].canon, e->ncanon)
                       != 0))
            {
                break;
            }

            if (e->dead || e->kind != kind) {
                continue;
            }

            first = first ? first : e;
            block = block || !e->nblock ? block : e;

            if (s->out.len + e->nitem > DEBAR_STORE_SOURCE) {
                continue;
            }

            if (s->out.len) {
                debar_buf_add(&s->out, DEBAR_STORE_BETWEEN,
                              sizeof(DEBAR_STORE_BETWEEN) - 1);
            }

            debar_buf_add(&s->out, s->text.data + e->item, e->nitem);
        }

        *i = k;

        if (first) {
            return block ? block : first;
        }
    }

    return NULL;
}


/* Values that a plain file cannot hold stay in the YAML. */

static int
debar_store_is_plain(const debar_store_t *s, const debar_store_entry_t *e)
{
    const char  *p;

    p = s->text.data + e->text;

    return e->nblock == 0 && memchr(p, '#', e->ntext) == NULL;
}


static void
debar_store_rows(debar_store_t *s, const debar_store_who_t *w, unsigned kind,
    const debar_rows_key_t *key, debar_set_t *human, unsigned plain,
    debar_buf_t *out)
{
    size_t                      i, indent;
    debar_buf_t                 source;
    const debar_store_entry_t  *e;

    indent = key && key->end > key->to ? key->indent : 2;
    i = w->first;

    while ((e = debar_store_next(s, w, &i, kind)) != NULL) {

        if (debar_set_find(human, s->text.data + e->canon, e->ncanon)
            || (plain && debar_store_is_plain(s, e)))
        {
            continue;
        }

        if (e->nblock) {
            debar_buf_add(out, s->text.data + e->block, e->nblock);
            continue;
        }

        source = s->out;
        debar_buf_printf(out, "%*s- {%s: ", (int) (indent > 16 ? 16 : indent),
                         "", debar_value_kinds[kind].value);
        debar_rows_quote(out, debar_str(s->text.data + e->text, e->ntext));
        debar_buf_add(out, ", source: ", 10);
        debar_rows_quote(out, debar_str(source.data, source.len));
        debar_buf_add(out, "}\n", 2);
    }
}


void
debar_store_plain(debar_store_t *s, size_t v, unsigned kind, debar_buf_t *out)
{
    size_t                      i;
    const debar_store_who_t    *w;
    const debar_store_entry_t  *e;

    w = &s->vendors[v];

    debar_buf_printf(out, "%s: the next import replaces it.\n",
                     DEBAR_ROWS_MARK);

    i = w->first;

    while ((e = debar_store_next(s, w, &i, kind)) != NULL) {
        if (debar_store_is_plain(s, e)) {
            debar_buf_add(out, s->text.data + e->text, e->ntext);
            debar_buf_add(out, "  # ", 4);
            debar_buf_add(out, s->out.data, s->out.len);
            debar_buf_add(out, "\n", 1);
        }
    }
}


const char *
debar_store_kind(unsigned kind)
{
    return debar_value_kinds[kind].list;
}


static void
debar_store_head(const debar_store_t *s, const debar_store_who_t *w,
    debar_buf_t *out)
{
    debar_buf_printf(out, DEBAR_ROWS_MARK ".  Rows whose source begins with\n"
                     "# \"import\" are its own, and the next import replaces "
                     "them.  What is added\n# here stays.\n\nid: ");
    debar_rows_quote(out, debar_str(s->text.data + w->id, w->nid));
    debar_buf_printf(out, "\nname: ");
    debar_rows_quote(out, debar_str(s->text.data + w->name, w->nname));
    debar_buf_printf(out, "\nauthorities: [%s]\n", s->authorities);
}


/* What people listed, so that it is not listed twice. */

static void
debar_store_human(debar_store_t *s, const char *old, debar_rows_item_t *item,
    debar_set_t *human)
{
    unsigned       more;
    debar_str_t    value, source;
    debar_fault_t  why;

    item->imported = 0;

    s->value.kind = &debar_value_kinds[item->kind];
    s->value.ecosystem = debar_str("", 0);

    if (debar_rows_item(old + item->from, item->to - item->from,
                        s->value.kind->value, &s->out, &value, &source, &more)
        != DEBAR_OK)
    {
        return;
    }

    item->imported = source.len > sizeof(DEBAR_STORE_MARK)
                     && memcmp(source.data, DEBAR_STORE_MARK,
                               sizeof(DEBAR_STORE_MARK) - 1) == 0
                     && memchr(source.data, ':', source.len);

    if (!item->imported
        && debar_value_read(&s->value, value.data, value.len, &why)
           == DEBAR_OK)
    {
        (void) debar_set_add(human, s->value.key, s->value.len, 1);
    }
}


int
debar_store_render(debar_store_t *s, size_t v, const char *old, size_t len,
    debar_buf_t *out, uint32_t *plain, debar_fault_t *why)
{
    int                       rc;
    size_t                    i, k, at, n[DEBAR_VALUE_KINDS];
    debar_set_t               human[DEBAR_VALUE_KINDS];
    debar_rows_t             *rows;
    debar_buf_t               head;
    debar_rows_key_t         *key;
    debar_rows_item_t        *item;
    const debar_store_who_t  *w;

    w = &s->vendors[v];
    rows = &s->rows;
    memset(human, 0, sizeof(human));
    memset(&head, 0, sizeof(head));
    memset(n, 0, sizeof(n));
    *plain = 0;
    rc = DEBAR_OK;

    if (len == 0) {
        debar_store_head(s, w, &head);
        old = head.data;
        len = head.len;
    }

    debar_rows_read(rows, old, len);

    for (i = 0; i < rows->n; i++) {
        item = &rows->list[i];
        debar_store_human(s, old, item, &human[item->kind]);
        rows->keys[item->kind].rows += !item->imported;
        rows->others += !item->imported;
    }

    for (i = w->first; i < w->first + w->n; i++) {
        n[s->entries[i].kind] += !s->entries[i].dead;
    }

    for (k = 0; k < DEBAR_VALUE_KINDS; k++) {
        if (n[k] > DEBAR_STORE_INLINE && !(w->taken & (1u << k))) {
            *plain |= 1u << k;
        }

        if (rows->keys[k].flow) {
            rows->others++;

            if (n[k]) {
                debar_fault(why, "line %u: \"%s\" has its rows in one line: "
                            "give each a line of its own (\"- ...\"), so that "
                            "imported rows can be put behind them",
                            rows->keys[k].line, debar_value_kinds[k].list);
                rc = DEBAR_ERROR;
                goto done;
            }
        }

        rows->others += (w->taken >> k) & 1;
    }

    for (i = 0, k = 0; k < DEBAR_VALUE_KINDS; k++) {
        i += n[k];
    }

    if (i == 0 && rows->made && rows->others == 0) {
        rc = DEBAR_DECLINED;
        goto done;
    }

    /* The old bytes in their order, without imported rows; new ones go behind
     * the last row of their key. */

    for (at = 0, i = 0; at < len; /* void */) {
        size_t  next = len;

        for (/* void */; i < rows->n && rows->list[i].from < at; i++) {
            /* void */
        }

        if (i < rows->n && rows->list[i].from == at && rows->list[i].imported) {
            at = rows->list[i].to;
            goto behind;
        }

        for (k = 0; k < DEBAR_VALUE_KINDS; k++) {
            key = &rows->keys[k];

            if (key->to > key->from && key->from == at && !key->flow
                && (key->rows == 0))
            {
                break;
            }

            key = &rows->from[k];

            if (key->to > key->from && key->from == at
                && !(w->taken & (1u << k)))
            {
                break;
            }
        }

        if (k < DEBAR_VALUE_KINDS) {
            key = rows->keys[k].from == at && rows->keys[k].to > at
                  ? &rows->keys[k] : NULL;

            if (key && n[k]) {
                debar_buf_printf(out, "%s:\n", debar_value_kinds[k].list);
            }

            at = key ? key->to : rows->from[k].to;
            goto behind;
        }

        next = (const char *) memchr(old + at, '\n', len - at) - old + 1;

        if (memchr(old + at, '\n', len - at) == NULL) {
            next = len;
        }

        debar_buf_add(out, old + at, next - at);

        if (old[next - 1] != '\n') {
            debar_buf_add(out, "\n", 1);
        }

        at = next;

    behind:

        for (k = 0; k < DEBAR_VALUE_KINDS; k++) {
            key = &rows->keys[k];

            if (key->to > key->from && key->end == at && !key->flow) {
                debar_store_rows(s, w, (unsigned) k, key, &human[k],
                                 *plain & (1u << k), out);
            }
        }
    }

    for (k = 0; k < DEBAR_VALUE_KINDS; k++) {
        key = &rows->keys[k];

        if (n[k] && key->to == key->from) {
            at = out->len;
            debar_buf_printf(out, "%s%s:\n",
                             out->len > 1 && out->data[out->len - 2] == '\n'
                             ? "" : "\n", debar_value_kinds[k].list);
            i = out->len;
            debar_store_rows(s, w, (unsigned) k, NULL, &human[k],
                             *plain & (1u << k), out);
            if (out->len == i) {
                out->len = at;
            }
        }

        if (*plain & (1u << k)) {
            debar_buf_printf(out, "%s: \"vendors/%.*s.%s.txt\"\n",
                             debar_value_kinds[k].from, (int) w->nid,
                             s->text.data + w->id, debar_value_kinds[k].list);
        }
    }

done:

    for (k = 0; k < DEBAR_VALUE_KINDS; k++) {
        debar_set_free(&human[k]);
    }

    debar_buf_free(&head);

    return rc;
}
