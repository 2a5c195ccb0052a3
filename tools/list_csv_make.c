/*
 * Of debar list csv import: sheets to the files of a source, one row a line.
 */

#include <ctype.h>
#include <stdlib.h>

#include "sheet_import.h"


static void debar_intake_list(debar_intake_t *im);
static void debar_intake_vendor(debar_intake_t *im, size_t vendor,
    const size_t *rows, size_t nrows, const size_t *products, size_t nproducts,
    const size_t *permits, size_t npermits);


debar_made_t *
debar_intake_file(debar_intake_t *im, const char *name)
{
    debar_made_t  *f;

    if (im->nfiles == im->files_size) {
        im->files_size = im->files_size ? im->files_size * 2 : 16;
        im->files = reallocarray(im->files, im->files_size,
                                 sizeof(*im->files));
        if (im->files == NULL) {
            abort();
        }
    }

    f = &im->files[im->nfiles++];
    memset(f, 0, sizeof(*f));
    f->name = strdup(name);

    if (f->name == NULL) {
        abort();
    }

    return f;
}


/* The line that was written is that of a row. */

void
debar_intake_line(debar_made_t *f, unsigned sheet, size_t row)
{
    if (f->n == f->size) {
        f->size = f->size ? f->size * 2 : 64;
        f->lines = reallocarray(f->lines, f->size, sizeof(*f->lines));

        if (f->lines == NULL) {
            abort();
        }
    }

    f->lines[f->n].sheet = sheet;
    f->lines[f->n].row = row;
    f->lines[f->n++].start = f->next;
    debar_buf_add(&f->text, "\n", 1);
    f->next = f->text.len;
}


/* "a; b" to [a, b]; lines where one of them has a semicolon. */

void
debar_intake_values(debar_buf_t *b, const char *text)
{
    size_t       n, m, start;
    const char  *end;

    end = strchr(text, '\n') ? "\n" : ";";
    start = b->len;
    debar_buf_add(b, "[", 1);

    for (/* void */; *text; text += n + (text[n] != '\0')) {
        while (*text == ' ') {
            text++;
        }

        n = strcspn(text, end);

        for (m = n; m && (text[m - 1] == ' ' || text[m - 1] == '\r'); m--) {
            /* void */
        }

        if (m == 0 || (*end == '\n' && m == 1 && *text == '|')) {
            continue;
        }

        debar_buf_add(b, ", ", b->len > start + 1 ? 2 : 0);
        debar_edit_quote(b, text, m, 0);
    }

    debar_buf_add(b, "]", 1);
}


/* KEY: VALUE of a map, in braces. */

static void
debar_intake_pair(debar_buf_t *b, const char *key, const char *text,
    unsigned list, unsigned typed)
{
    if (text == NULL) {
        return;
    }

    debar_buf_printf(b, "%s%s: ", b->len && b->data[b->len - 1] != '{' ? ", "
                                                                       : "",
                     key);
    if (list) {
        debar_intake_values(b, text);
    } else {
        debar_edit_quote(b, text, strlen(text), typed);
    }
}


static int
debar_intake_id(const char *id)
{
    size_t  i;

    for (i = 0; id && id[i]; i++) {
        if (!((id[i] >= 'a' && id[i] <= 'z') || (id[i] >= 'A' && id[i] <= 'Z')
              || (id[i] >= '0' && id[i] <= '9')
              || (i && strchr("._-", id[i]))))
        {
            return 0;
        }
    }

    return i && i <= 64;
}


/* Rows of a sheet by the text of a column, as they stand among equals. */

static debar_intake_t  *debar_sort_import;
static unsigned         debar_sort_sheet;

static int
debar_intake_cmp(const void *one, const void *two)
{
    int                 rc;
    size_t              a = *(const size_t *) one, b = *(const size_t *) two;
    const char         *x, *y;
    debar_sheet_row_t  *rows;

    rows = debar_sort_import->sheets.sheets[debar_sort_sheet].rows;
    x = rows[a].cells[0];
    y = rows[b].cells[0];
    rc = strcmp(x ? x : "", y ? y : "");

    return rc ? rc : a < b ? -1 : a > b;
}


static size_t *
debar_intake_sorted(debar_intake_t *im, unsigned sheet)
{
    size_t  i, n, *list;

    n = im->sheets.sheets[sheet].n;
    list = calloc(n + 1, sizeof(size_t));

    if (list == NULL) {
        abort();
    }

    for (i = 0; i < n; i++) {
        list[i] = i;
    }

    debar_sort_import = im;
    debar_sort_sheet = sheet;
    qsort(list, n, sizeof(size_t), debar_intake_cmp);

    return list;
}


/* Those with this vendor: *n from *at on.  What is before them has none. */

static const size_t *
debar_intake_of(debar_intake_t *im, unsigned sheet, const size_t *sorted,
    size_t *at, const char *vendor, size_t *n)
{
    int                 rc;
    size_t              first;
    char                text[160];
    debar_sheet_row_t  *rows = im->sheets.sheets[sheet].rows;

    for (*n = 0; *at < im->sheets.sheets[sheet].n; (*at)++) {
        const char  *own = rows[sorted[*at]].cells[0];

        rc = vendor ? strcmp(own ? own : "", vendor) : -1;

        if (rc >= 0) {
            break;
        }

        snprintf(text, sizeof(text), own ? "there is no vendor \"%.64s\" in "
                 "vendors.csv" : "the vendor is missing", own);
        debar_intake_cell(im, sheet, 0, sorted[*at], text);
    }

    first = *at;

    while (vendor && *at < im->sheets.sheets[sheet].n
           && rows[sorted[*at]].cells[0]
           && strcmp(rows[sorted[*at]].cells[0], vendor) == 0)
    {
        (*at)++;
        (*n)++;
    }

    return sorted + first;
}


void
debar_intake_make(debar_intake_t *im)
{
    size_t             *vendors, *rows, *products, *permits, i, k;
    size_t              r, p, q, nr, np, nq;
    const size_t       *own_r, *own_p, *own_q;
    const char         *id, *last;
    debar_buf_t         b;
    debar_made_t       *f;
    debar_sheet_t      *t;
    const char *const  *column;

    debar_intake_list(im);

    vendors = debar_intake_sorted(im, DEBAR_SHEET_VENDORS);
    rows = debar_intake_sorted(im, DEBAR_SHEET_ROWS);
    products = debar_intake_sorted(im, DEBAR_SHEET_PRODUCTS);
    permits = debar_intake_sorted(im, DEBAR_SHEET_PERMITS);
    t = &im->sheets.sheets[DEBAR_SHEET_VENDORS];
    r = 0;
    p = 0;
    q = 0;
    last = NULL;

    for (i = 0; i < t->n; i++) {
        id = t->rows[vendors[i]].cells[0];

        if (!debar_intake_id(id)) {
            debar_intake_cell(im, DEBAR_SHEET_VENDORS, 0, vendors[i],
                              "an id is at most 64 letters, digits and \".\", "
                              "\"_\", \"-\"");
            continue;
        }

        if (last && strcmp(last, id) == 0) {
            debar_intake_cell(im, DEBAR_SHEET_VENDORS, 0, vendors[i],
                              "this vendor stands above already");
            continue;
        }

        last = id;
        own_r = debar_intake_of(im, DEBAR_SHEET_ROWS, rows, &r, id, &nr);
        own_p = debar_intake_of(im, DEBAR_SHEET_PRODUCTS, products, &p, id,
                                &np);
        own_q = debar_intake_of(im, DEBAR_SHEET_PERMITS, permits, &q, id, &nq);

        debar_intake_vendor(im, vendors[i], own_r, nr, own_p, np, own_q, nq);
    }

    debar_intake_of(im, DEBAR_SHEET_ROWS, rows, &r, NULL, &nr);
    debar_intake_of(im, DEBAR_SHEET_PRODUCTS, products, &p, NULL, &np);
    debar_intake_of(im, DEBAR_SHEET_PERMITS, permits, &q, NULL, &nq);

    free(vendors);
    free(rows);
    free(products);
    free(permits);

    t = &im->sheets.sheets[DEBAR_SHEET_WAIVERS];

    if (t->n == 0) {
        return;
    }

    f = debar_intake_file(im, "waivers.yaml");
    debar_buf_printf(&f->text, "waivers:");
    debar_intake_line(f, DEBAR_SHEET_WAIVERS, 0);
    column = debar_sheet_kinds[DEBAR_SHEET_WAIVERS].columns;

    for (i = 0; i < t->n; i++) {
        memset(&b, 0, sizeof(b));
        debar_buf_add(&b, "{", 1);

        for (k = 0; k < DEBAR_SHEET_COLUMNS; k++) {
            debar_intake_pair(&b, column[k], t->rows[i].cells[k],
                              k >= 2 && k <= 8, k == 9 || k == 10);
        }

        debar_buf_printf(&f->text, "  - %.*s}", (int) b.len, b.data);
        debar_intake_line(f, DEBAR_SHEET_WAIVERS, i);
        debar_buf_free(&b);
    }
}


static void
debar_intake_list(debar_intake_t *im)
{
    size_t              i, k, n, used;
    char               *phased;
    const char         *key, *value;
    debar_buf_t         b;
    debar_made_t       *f;
    debar_sheet_t      *t, *ph;
    const char *const  *column;

    f = debar_intake_file(im, "list.yaml");
    t = &im->sheets.sheets[DEBAR_SHEET_LIST];

    for (i = 0; i < t->n; i++) {
        key = t->rows[i].cells[0];
        value = t->rows[i].cells[1];

        if (!debar_intake_id(key) || strcmp(key, "authorities") == 0) {
            debar_intake_cell(im, DEBAR_SHEET_LIST, 0, i, "a key is title, "
                              "publisher, timezone, serial, expires, "
                              "in-force, channels or keep-open");
            continue;
        }

        debar_buf_printf(&f->text, "%s: ", key);

        if (strcmp(key, "in-force") == 0 || strcmp(key, "keep-open") == 0) {
            debar_intake_values(&f->text, value ? value : "");
        } else {
            debar_edit_quote(&f->text, value ? value : "",
                             value ? strlen(value) : 0,
                             strcmp(key, "serial") == 0
                             || strcmp(key, "expires") == 0);
        }

        debar_intake_line(f, DEBAR_SHEET_LIST, i);
    }

    t = &im->sheets.sheets[DEBAR_SHEET_AUTHORITIES];
    ph = &im->sheets.sheets[DEBAR_SHEET_PHASES];
    column = debar_sheet_kinds[DEBAR_SHEET_PHASES].columns;
    phased = calloc(ph->n + 1, 1);

    if (phased == NULL) {
        abort();
    }

    debar_buf_printf(&f->text, "authorities:");
    debar_intake_line(f, DEBAR_SHEET_AUTHORITIES, 0);

    /* at most 64 authorities: more are an error of the reader's */

    for (i = 0; i < t->n && i < 1000; i++) {
        key = t->rows[i].cells[0];

        if (!debar_intake_id(key)) {
            debar_intake_cell(im, DEBAR_SHEET_AUTHORITIES, 0, i, "an id is at "
                              "most 64 letters, digits and \".\", \"_\", "
                              "\"-\"");
            continue;
        }

        debar_buf_printf(&f->text, "  ");
        debar_edit_quote(&f->text, key, strlen(key), 0);
        debar_buf_printf(&f->text, ":");
        debar_intake_line(f, DEBAR_SHEET_AUTHORITIES, i);

        for (n = 1; n < 3; n++) {
            value = t->rows[i].cells[n];

            if (value) {
                debar_buf_printf(&f->text, "    %s: ",
                                 n == 1 ? "title" : "url");
                debar_edit_quote(&f->text, value, strlen(value), 0);
                debar_intake_line(f, DEBAR_SHEET_AUTHORITIES, i);
            }
        }

        for (k = 0, used = 0; k < ph->n; k++) {
            if (ph->rows[k].cells[0] == NULL
                || strcmp(ph->rows[k].cells[0], key) != 0)
            {
                continue;
            }

            if (used++ == 0) {
                debar_buf_printf(&f->text, "    phases:");
                debar_intake_line(f, DEBAR_SHEET_AUTHORITIES, i);
            }

            phased[k] = 1;
            memset(&b, 0, sizeof(b));
            debar_buf_add(&b, "{", 1);

            for (n = 1; n < 6; n++) {
                debar_intake_pair(&b, column[n], ph->rows[k].cells[n], 0,
                                  n == 1);
            }

            debar_buf_printf(&f->text, "      - %.*s}", (int) b.len, b.data);
            debar_intake_line(f, DEBAR_SHEET_PHASES, k);
            debar_buf_free(&b);
        }
    }

    for (k = 0; k < ph->n; k++) {
        if (!phased[k]) {
            debar_intake_cell(im, DEBAR_SHEET_PHASES, 0, k, "there is no such "
                              "authority in authorities.csv");
        }
    }

    free(phased);
}


/* The order of a vendor's rows: product, kind, plain file, ecosystem, as they
 * stand. */

static int
debar_intake_row_cmp(const void *one, const void *two)
{
    int                 rc;
    size_t              a = *(const size_t *) one, b = *(const size_t *) two;
    unsigned            k;
    debar_sheet_row_t  *rows;
    const char         *x, *y;
    static const unsigned  keys[] = {
        DEBAR_ROW_PRODUCT, DEBAR_ROW_KIND, DEBAR_ROW_FILE
    };

    rows = debar_sort_import->sheets.sheets[DEBAR_SHEET_ROWS].rows;

    for (k = 0; k < 3; k++) {
        x = rows[a].cells[keys[k]];
        y = rows[b].cells[keys[k]];
        rc = strcmp(x ? x : "", y ? y : "");

        if (rc) {
            return rc;
        }
    }

    x = rows[a].cells[DEBAR_ROW_VALUE];
    y = rows[b].cells[DEBAR_ROW_VALUE];

    if (x && y && rows[a].cells[DEBAR_ROW_KIND]
        && rows[a].cells[DEBAR_ROW_FILE] == NULL
        && strncmp(rows[a].cells[DEBAR_ROW_KIND], "package", 7) == 0)
    {
        size_t  n = strcspn(x, ":"), m = strcspn(y, ":");

        rc = strncmp(x, y, n < m ? n : m);
        rc = rc ? rc : n < m ? -1 : n > m;

        if (rc) {
            return rc;
        }
    }

    return a < b ? -1 : a > b;
}


static void
debar_intake_vendor(debar_intake_t *im, size_t vendor, const size_t *rows,
    size_t nrows, const size_t *products, size_t nproducts,
    const size_t *permits, size_t npermits)
{
    char                name[128];
    char               *taken;
    size_t              i, k, n, *own, at;
    const char         *id, *product;
    debar_buf_t         b;
    debar_made_t       *f;
    debar_sheet_row_t  *v, *pr, *pe, *all;
    const char *const  *column;

    v = &im->sheets.sheets[DEBAR_SHEET_VENDORS].rows[vendor];
    all = im->sheets.sheets[DEBAR_SHEET_ROWS].rows;
    id = v->cells[0];
    snprintf(name, sizeof(name), "vendors/%s.yaml", id);
    f = debar_intake_file(im, name);

    debar_buf_printf(&f->text, "id: ");
    debar_edit_quote(&f->text, id, strlen(id), 0);
    debar_intake_line(f, DEBAR_SHEET_VENDORS, vendor);

    if (v->cells[1]) {
        debar_buf_printf(&f->text, "name: ");
        debar_edit_quote(&f->text, v->cells[1], strlen(v->cells[1]), 0);
        debar_intake_line(f, DEBAR_SHEET_VENDORS, vendor);
    }

    if (v->cells[2]) {
        debar_buf_printf(&f->text, "authorities: ");
        debar_intake_values(&f->text, v->cells[2]);
        debar_intake_line(f, DEBAR_SHEET_VENDORS, vendor);
    }

    own = calloc(nrows + 1, sizeof(size_t));
    taken = calloc(nrows + 1, 1);

    if (own == NULL || taken == NULL) {
        abort();
    }

    memcpy(own, rows, nrows * sizeof(size_t));
    debar_sort_import = im;
    qsort(own, nrows, sizeof(size_t), debar_intake_row_cmp);

    /* those of the vendor itself come first: their product is empty */

    for (n = 0; n < nrows && all[own[n]].cells[DEBAR_ROW_PRODUCT] == NULL; n++)
    {
        /* void */
    }

    at = im->nfiles - 1;
    debar_intake_rows(im, f, own, n, 0);
    f = &im->files[at];           /* plain files may have been added */

    if (nproducts) {
        debar_buf_printf(&f->text, "products:");
        debar_intake_line(f, DEBAR_SHEET_PRODUCTS, products[0]);
    }

    for (i = 0; i < nproducts; i++) {
        f = &im->files[at];
        pr = &im->sheets.sheets[DEBAR_SHEET_PRODUCTS].rows[products[i]];
        product = pr->cells[1] ? pr->cells[1] : "";

        debar_buf_printf(&f->text, "  - id: ");
        debar_edit_quote(&f->text, product, strlen(product), 0);
        debar_intake_line(f, DEBAR_SHEET_PRODUCTS, products[i]);

        if (pr->cells[2]) {
            debar_buf_printf(&f->text, "    name: ");
            debar_edit_quote(&f->text, pr->cells[2], strlen(pr->cells[2]), 0);
            debar_intake_line(f, DEBAR_SHEET_PRODUCTS, products[i]);
        }

        /* its rows, found by halves: they are sorted by product */

        {
            size_t  lo = n, hi = nrows;

            while (lo < hi) {
                k = (lo + hi) / 2;

                if (strcmp(all[own[k]].cells[DEBAR_ROW_PRODUCT], product) < 0) {
                    lo = k + 1;
                } else {
                    hi = k;
                }
            }

            for (hi = lo; hi < nrows
                 && strcmp(all[own[hi]].cells[DEBAR_ROW_PRODUCT], product) == 0;
                 hi++)
            {
                /* void */
            }

            /* a product that is here twice has them once: the reader tells */

            if (lo < hi && taken[lo]) {
                continue;
            }

            debar_intake_rows(im, f, own + lo, hi - lo, 4);
            memset(taken + lo, 1, hi - lo);
        }
    }

    /* rows of a product that is not there */

    for (k = n; k < nrows; k++) {
        if (!taken[k]) {
            debar_intake_cell(im, DEBAR_SHEET_ROWS, DEBAR_ROW_PRODUCT, own[k],
                              "there is no such product of this vendor in "
                              "products.csv");
        }
    }

    f = &im->files[at];
    column = debar_sheet_kinds[DEBAR_SHEET_PERMITS].columns;

    for (i = 0; i < npermits; i++) {
        if (i == 0) {
            debar_buf_printf(&f->text, "permits:");
            debar_intake_line(f, DEBAR_SHEET_PERMITS, permits[0]);
        }

        pe = &im->sheets.sheets[DEBAR_SHEET_PERMITS].rows[permits[i]];
        memset(&b, 0, sizeof(b));
        debar_buf_add(&b, "{", 1);
        debar_intake_pair(&b, pe->cells[1] && strchr(pe->cells[1], '/')
                              ? "url" : "host", pe->cells[1], 0, 0);

        for (k = DEBAR_PERMIT_SUBDOMAINS; k <= DEBAR_PERMIT_APPROVED_BY; k++) {
            debar_intake_pair(&b, column[k], pe->cells[k],
                              k == DEBAR_PERMIT_AUTHORITIES,
                              k == DEBAR_PERMIT_SUBDOMAINS);
        }

        debar_buf_printf(&f->text, "  - %.*s}", (int) b.len, b.data);
        debar_intake_line(f, DEBAR_SHEET_PERMITS, permits[i]);
        debar_buf_free(&b);
    }

    free(taken);
    free(own);
}
