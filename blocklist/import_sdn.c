/*
 * OFAC's SDN list as delimited files: sdn.csv, and beside it alt.csv (other
 * names), add.csv (addresses), sdn_comments.csv (what remarks have no room
 * for).  They have no header; their number of fields tells them apart, ent_num
 * joins them, and "-0- " is nothing.
 */

#include <stdio.h>
#include <stdlib.h>

#include "import_private.h"


#define DEBAR_SDN_FIELDS       12
#define DEBAR_SDN_ALT          5
#define DEBAR_SDN_ADD          6
#define DEBAR_SDN_COMMENTS     2

/* A name or a remark of a number, in its order. */

typedef struct {
    uint64_t     ent;
    uint32_t     order;
    uint32_t     used;
    size_t       off;
    size_t       len;
} debar_sdn_more_t;

typedef struct {
    debar_sdn_more_t  *list;
    size_t             n;
    size_t             size;
    debar_buf_t        text;
} debar_sdn_mores_t;

typedef struct {
    debar_csv_t                 csv;
    debar_import_make_t         make;
    debar_sdn_mores_t           alt;
    debar_sdn_mores_t           comments;
    const debar_import_sink_t  *sink;
    uint64_t                    rows;
} debar_sdn_t;


static int debar_sdn_what(debar_sdn_t *r, const debar_import_file_t *f,
    size_t *fields, debar_fault_t *why);
static int debar_sdn_file(debar_sdn_t *r, const debar_import_file_t *f,
    size_t fields, debar_fault_t *why);
static int debar_sdn_row(debar_sdn_t *r);
static void debar_sdn_more(debar_sdn_mores_t *m, uint64_t ent, debar_str_t s);
static size_t debar_sdn_find(const debar_sdn_mores_t *m, uint64_t ent);
static int debar_sdn_compare(const void *a, const void *b);
static debar_str_t debar_sdn_get(debar_sdn_t *r, size_t field);
static int debar_sdn_ent(const debar_csv_t *csv, uint64_t *ent);


int
debar_import_sdn(const debar_import_file_t *files, size_t n,
    const debar_import_sink_t *sink, size_t *current, debar_fault_t *why)
{
    int           rc;
    size_t        i, k, what[DEBAR_IMPORT_SDN_FILES], sdn;
    debar_sdn_t  *r;

    if (n == 0 || n > DEBAR_IMPORT_SDN_FILES) {
        debar_fault(why, "sdn.csv, alt.csv, add.csv and sdn_comments.csv, each "
                    "once");
        return DEBAR_ERROR;
    }

    r = calloc(1, sizeof(debar_sdn_t));
    if (r == NULL) {
        abort();
    }

    r->sink = sink;
    debar_import_make(&r->make);
    rc = DEBAR_OK;
    sdn = n;

    for (i = 0; i < n && rc == DEBAR_OK; i++) {
        *current = i;
        rc = debar_sdn_what(r, &files[i], &what[i], why);

        for (k = 0; rc == DEBAR_OK && k < i; k++) {
            if (what[k] == what[i]) {
                debar_fault(why, "it is the same of OFAC's files as another "
                            "one (%zu fields)", what[i]);
                rc = DEBAR_ERROR;
            }
        }

        if (rc == DEBAR_OK && what[i] == DEBAR_SDN_FIELDS) {
            sdn = i;
        }
    }

    if (rc == DEBAR_OK && sdn == n) {
        debar_fault(why, "sdn.csv (12 fields a row) is not among the files: the"
                    " others add to it");
        rc = DEBAR_ERROR;
    }

    for (i = 0; i < n && rc == DEBAR_OK; i++) {
        if (i != sdn) {
            *current = i;
            rc = debar_sdn_file(r, &files[i], what[i], why);
        }
    }

    if (rc == DEBAR_OK) {
        *current = sdn;

        if (r->alt.n) {
            qsort(r->alt.list, r->alt.n, sizeof(debar_sdn_more_t),
                  debar_sdn_compare);
        }

        if (r->comments.n) {
            qsort(r->comments.list, r->comments.n, sizeof(debar_sdn_more_t),
                  debar_sdn_compare);
        }

        rc = debar_sdn_file(r, &files[sdn], DEBAR_SDN_FIELDS, why);
    }

    debar_import_make_free(&r->make);
    debar_buf_free(&r->alt.text);
    debar_buf_free(&r->comments.text);
    free(r->alt.list);
    free(r->comments.list);
    free(r);

    return rc;
}


/* The first row that is well formed and begins with a number tells. */

static int
debar_sdn_what(debar_sdn_t *r, const debar_import_file_t *f, size_t *fields,
    debar_fault_t *why)
{
    int            rc, i;
    uint64_t       ent;
    debar_fault_t  fault;

    rc = debar_csv_open(&r->csv, f->data, f->len, ',', why);

    for (i = 0; rc == DEBAR_OK && i < 100; i++) {
        rc = debar_csv_next(&r->csv, &fault);

        if (rc == DEBAR_DECLINED) {
            break;
        }

        if (rc == DEBAR_ERROR || debar_sdn_ent(&r->csv, &ent) != DEBAR_OK) {
            rc = DEBAR_OK;
            continue;
        }

        if (r->csv.n == DEBAR_SDN_FIELDS || r->csv.n == DEBAR_SDN_ALT
            || r->csv.n == DEBAR_SDN_ADD || r->csv.n == DEBAR_SDN_COMMENTS)
        {
            *fields = r->csv.n;
            debar_csv_free(&r->csv);
            return DEBAR_OK;
        }
    }

    if (rc != DEBAR_ERROR) {
        debar_fault(why, "it is none of sdn.csv, alt.csv, add.csv and "
                    "sdn_comments.csv: rows of 12, 5, 6 or 2 fields that begin "
                    "with a number");
    }

    debar_csv_free(&r->csv);

    return DEBAR_ERROR;
}


static int
debar_sdn_file(debar_sdn_t *r, const debar_import_file_t *f, size_t fields,
    debar_fault_t *why)
{
    int                   rc;
    unsigned              line, col;
    uint64_t              ent;
    debar_str_t           s;
    debar_fault_t         fault;
    debar_import_make_t  *m;

    m = &r->make;
    r->rows = 0;

    rc = debar_csv_open(&r->csv, f->data, f->len, ',', why);

    while (rc == DEBAR_OK) {
        rc = debar_csv_next(&r->csv, &fault);

        if (rc == DEBAR_DECLINED) {
            rc = DEBAR_OK;
            break;
        }

        if (++r->rows > DEBAR_IMPORT_MAX_ROWS) {
            debar_fault(why, "more than %d rows", DEBAR_IMPORT_MAX_ROWS);
            rc = DEBAR_ERROR;
            break;
        }

        if (r->sink->progress && (r->rows & 0xfff) == 0) {
            r->sink->progress(r->sink->data, debar_csv_offset(&r->csv));
        }

        if (rc == DEBAR_ERROR) {
            r->sink->fault(r->sink->data, r->csv.fault_line, r->csv.fault_col,
                           fault.text, r->csv.raw);
            rc = DEBAR_OK;
            continue;
        }

        if (r->csv.n != fields) {
            debar_csv_where(&r->csv, r->csv.n < fields ? r->csv.n - 1 : fields,
                            &line, &col);
            debar_fault(&fault, "%zu fields where this file has %zu", r->csv.n,
                        fields);
            r->sink->fault(r->sink->data, line, col, fault.text, r->csv.raw);
            continue;
        }

        debar_import_begin(m, r->rows, r->csv.line, r->csv.raw);

        if (debar_sdn_ent(&r->csv, &ent) != DEBAR_OK) {
            r->sink->fault(r->sink->data, r->csv.line, 1, "the row does not "
                           "begin with a number (ent_num)", r->csv.raw);
            continue;
        }

        switch (fields) {
        case DEBAR_SDN_FIELDS:
            rc = debar_sdn_row(r);
            break;
        case DEBAR_SDN_ALT:
            s = debar_sdn_get(r, 3);
            debar_sdn_more(&r->alt, ent, s);
            break;
        case DEBAR_SDN_COMMENTS:
            s = debar_sdn_get(r, 1);
            debar_sdn_more(&r->comments, ent, s);
            break;
        default:                  /* addresses name nobody */
            break;
        }

        if (rc == DEBAR_ERROR) {
            debar_fault(why, "the import was ended");
        }
    }

    debar_csv_free(&r->csv);

    return rc;
}


static int
debar_sdn_row(debar_sdn_t *r)
{
    int                   type;
    char                 *p;
    size_t                i;
    uint64_t              ent;
    debar_str_t           s, parts[64];
    debar_import_row_t   *row;
    debar_sdn_more_t     *more;
    debar_import_make_t  *m;

    m = &r->make;
    row = &m->row;

    (void) debar_sdn_ent(&r->csv, &ent);

    row->key = debar_sdn_get(r, 0);
    row->name = debar_sdn_get(r, 1);
    row->list = debar_str("OFAC Specially Designated Nationals (SDN)", 41);
    row->agency = debar_str("Treasury", 8);
    row->program = debar_sdn_get(r, 3);

    /* "SDGT] [IFSR": brackets are left out at the ends only */

    while ((p = memmem(row->program.data, row->program.len, "] [", 3))) {
        memmove(p + 2, p + 3, (size_t) (row->program.data + row->program.len
                                        - (p + 3)) + 1);
        memcpy(p, ", ", 2);
        row->program.len--;
    }

    s = debar_sdn_get(r, 2);
    type = s.len ? debar_import_class_by_name(s.data, s.len)
                 : (int) DEBAR_IMPORT_FIRM;
    row->type = type == -1 ? DEBAR_IMPORT_INDIVIDUAL : (unsigned) type;

    debar_import_named(m, row->name);

    for (i = debar_sdn_find(&r->alt, ent);
         i < r->alt.n && r->alt.list[i].ent == ent; i++)
    {
        more = &r->alt.list[i];
        debar_import_value(m, "names", debar_str(r->alt.text.data + more->off,
                                                 more->len));
    }

    /* remarks go on in the comments, with no space between */

    parts[0] = debar_sdn_get(r, 11);
    type = 1;

    for (i = debar_sdn_find(&r->comments, ent);
         i < r->comments.n && r->comments.list[i].ent == ent && type < 64; i++)
    {
        more = &r->comments.list[i];
        parts[type++] = debar_str(r->comments.text.data + more->off,
                                  more->len);
    }

    debar_import_websites(m, debar_import_join(m, parts, (size_t) type, ""));

    return r->sink->row(r->sink->data, row);
}


static debar_str_t
debar_sdn_get(debar_sdn_t *r, size_t field)
{
    debar_str_t  s;

    s = debar_import_text(&r->make, r->csv.fields[field]);

    return debar_import_is(s, "-0-") ? debar_str("", 0) : s;
}


static int
debar_sdn_ent(const debar_csv_t *csv, uint64_t *ent)
{
    size_t       i;
    debar_str_t  s;

    s = csv->fields[0];

    while (s.len && s.data[s.len - 1] == ' ') {
        s.len--;
    }

    for (*ent = 0, i = 0; i < s.len && i < 18; i++) {
        if (s.data[i] < '0' || s.data[i] > '9') {
            return DEBAR_ERROR;
        }

        *ent = *ent * 10 + (uint64_t) (s.data[i] - '0');
    }

    return i && i == s.len ? DEBAR_OK : DEBAR_ERROR;
}


static void
debar_sdn_more(debar_sdn_mores_t *m, uint64_t ent, debar_str_t s)
{
    debar_sdn_more_t  *more;

    if (s.len == 0) {
        return;
    }

    if (m->n == m->size) {
        m->size = m->size ? 2 * m->size : 1024;
        m->list = reallocarray(m->list, m->size, sizeof(debar_sdn_more_t));

        if (m->list == NULL) {
            abort();
        }
    }

    more = &m->list[m->n];
    more->ent = ent;
    more->order = (uint32_t) m->n++;
    more->off = m->text.len;
    more->len = s.len;

    debar_buf_add(&m->text, s.data, s.len);
}


static int
debar_sdn_compare(const void *a, const void *b)
{
    const debar_sdn_more_t  *one = a, *two = b;

    if (one->ent != two->ent) {
        return one->ent < two->ent ? -1 : 1;
    }

    return one->order < two->order ? -1 : one->order > two->order;
}


/* The first of its number, or where it would be. */

static size_t
debar_sdn_find(const debar_sdn_mores_t *m, uint64_t ent)
{
    size_t  from, to, mid;

    for (from = 0, to = m->n; from < to; /* void */) {
        mid = from + (to - from) / 2;

        if (m->list[mid].ent < ent) {
            from = mid + 1;
        } else {
            to = mid;
        }
    }

    return from;
}
