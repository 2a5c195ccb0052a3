/*
 * debar list csv import: sheets to a source.
 *
 * All of it is first written to a source of its own, one row a line, and read:
 * what the reader finds wrong there is said by sheet and cell.
 */

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sheet.h"
#include "csv.h"
#include "schema.h"


/* Where the lines of a file that is made come from. */

typedef struct {
    char         *name;
    debar_buf_t   text;
    struct {
        unsigned  sheet;
        size_t    row;
        size_t    start;
    }            *lines;
    size_t        n;
    size_t        size;
    size_t        next;           /* where the next line begins */
} debar_made_t;

typedef struct {
    const char      *dir;
    debar_sheets_t   sheets;
    debar_made_t    *files;
    size_t           nfiles;
    size_t           files_size;
    size_t           nerrors;
} debar_import_t;


static int debar_import_digest(debar_import_t *im, char *digest);
static void debar_import_free(debar_import_t *im);
static int debar_import_read(debar_import_t *im);
static int debar_import_sheet(debar_import_t *im, unsigned sheet);
static int debar_import_header(debar_import_t *im, unsigned sheet,
    const debar_csv_t *csv, unsigned *column);
static void debar_import_error(debar_import_t *im, unsigned sheet,
    unsigned column, unsigned line, const char *text);
static void debar_import_make(debar_import_t *im);
static void debar_import_list(debar_import_t *im);
static void debar_import_vendor(debar_import_t *im, size_t vendor,
    const size_t *rows, size_t nrows, const size_t *products, size_t nproducts,
    const size_t *permits, size_t npermits);
static void debar_import_rows(debar_import_t *im, debar_made_t *f,
    const size_t *rows, size_t n, unsigned indent);
static int debar_import_try(debar_import_t *im, const char *folder,
    char *digest);
static int debar_import_write(debar_import_t *im, const char *folder);
static void debar_import_tell(debar_import_t *im, const char *folder,
    const debar_error_t *e);
static int debar_import_into(debar_import_t *im, const char *into,
    const char *digest, unsigned replace, unsigned dry_run);


static const char  debar_csv_import_help[] =
    "usage: debar list csv import DIR --into SOURCE [--replace] [-n]\n"
    "\n"
    "Reads the sheets of a folder, as exported or made anew, into a source.\n"
    "Every error is said with its cell (rows.csv:C17), and with one of them\n"
    "nothing is imported.  Separators are comma, semicolon or tab.\n"
    "\n"
    "      --into SOURCE  a folder; where there is a list, files of which the\n"
    "                     sheets say the same stay as they are\n"
    "      --replace      write those that differ anew, without their comments\n"
    "  -n, --dry-run      print the changes as a diff, write nothing\n"
    "  -q, --quiet        say nothing but errors\n"
    "  -h, --help         this text\n";


int
debar_csv_import_command(int argc, char **argv)
{
    int                         c, rc;
    char                        digest[65];
    size_t                      i, n;
    unsigned                    replace, dry_run, quiet;
    const char                 *into;
    debar_import_t              im;
    static const struct option  options[] = {
        { "into",    required_argument, NULL, 'i' },
        { "replace", no_argument,       NULL, 'R' },
        { "dry-run", no_argument,       NULL, 'n' },
        { "quiet",   no_argument,       NULL, 'q' },
        { "help",    no_argument,       NULL, 'h' },
        { NULL, 0, NULL, 0 }
    };

    into = NULL;
    replace = 0;
    dry_run = 0;
    quiet = 0;
    opterr = 0;

    while ((c = getopt_long(argc, argv, ":nqh", options, NULL)) != -1) {

        switch (c) {
        case 'i':
            into = optarg;
            break;
        case 'R':
            replace = 1;
            break;
        case 'n':
            dry_run = 1;
            break;
        case 'q':
            quiet = 1;
            break;
        case 'h':
            fputs(debar_csv_import_help, stdout);
            return 0;
        default:
            return debar_bad_option("debar list csv import", c, argv);
        }
    }

    if (argc - optind != 1 || into == NULL) {
        return debar_usage("debar list csv import",
                           "name DIR and --into SOURCE");
    }

    memset(&im, 0, sizeof(im));
    im.dir = argv[optind];
    rc = debar_import_read(&im);

    if (rc == DEBAR_OK) {
        rc = debar_import_digest(&im, digest);
    }

    if (im.nerrors) {
        debar_say("%s: %zu error%s; nothing was imported", im.dir, im.nerrors,
                  im.nerrors == 1 ? "" : "s");
        rc = DEBAR_ERROR;
    }

    if (rc == DEBAR_OK) {
        rc = debar_import_into(&im, into, digest, replace, dry_run);
    }

    for (i = 0, n = 0; i < DEBAR_SHEETS; i++) {
        n += im.sheets.sheets[i].n;
    }

    if (rc == DEBAR_OK && !quiet && !dry_run) {
        printf("%s: %zu rows, digest %s\n", into, n, digest);
    }

    debar_import_free(&im);
    debar_sheets_free(&im.sheets);

    return rc == DEBAR_OK ? 0 : DEBAR_EXIT_FAILURE;
}


/* The source that its sheets make, and the digest of that. */

static int
debar_import_digest(debar_import_t *im, char *digest)
{
    char         folder[PATH_MAX];
    const char  *tmp;

    debar_import_make(im);

    tmp = getenv("TMPDIR");
    snprintf(folder, sizeof(folder), "%s/debar.XXXXXX",
             tmp && *tmp ? tmp : "/tmp");

    if (mkdtemp(folder) == NULL) {
        debar_say("%s: %s; TMPDIR names another place", folder,
                  strerror(errno));
        return DEBAR_ERROR;
    }

    return debar_import_try(im, folder, digest);
}


int
debar_csv_proved(debar_changes_t *c, const debar_sheets_t *s)
{
    int             rc;
    char            digest[65], is[65];
    debar_import_t  im;

    memset(&im, 0, sizeof(im));
    im.dir = c->source;
    im.sheets = *s;

    rc = debar_import_digest(&im, is);

    if (rc == DEBAR_OK && im.nerrors == 0) {
        rc = debar_changes_digest(c, digest, 1);
    }

    if (rc != DEBAR_OK || im.nerrors || strcmp(digest, is) != 0) {
        debar_say("%s: its sheets would not come back as the same list, so "
                  "they are not written: write what is unusual in it as "
                  "blocklist/README.md does, then again", c->source);
        rc = DEBAR_ERROR;
    }

    debar_import_free(&im);

    return rc;
}


static void
debar_import_free(debar_import_t *im)
{
    size_t  i;

    for (i = 0; i < im->nfiles; i++) {
        free(im->files[i].name);
        free(im->files[i].lines);
        debar_buf_free(&im->files[i].text);
    }

    free(im->files);
}


/* --- sheets --------------------------------------------------------------- */

static int
debar_import_read(debar_import_t *im)
{
    unsigned     i;
    struct stat  st;

    errno = 0;

    if (stat(im->dir, &st) != 0 || !S_ISDIR(st.st_mode)) {
        debar_say("%s: %s; name the folder with list.csv, vendors.csv, "
                  "rows.csv, ... that debar list csv export makes", im->dir,
                  errno ? strerror(errno) : "is a file");
        return DEBAR_ERROR;
    }

    for (i = 0; i < DEBAR_SHEETS; i++) {
        if (debar_import_sheet(im, i) != DEBAR_OK) {
            return DEBAR_ERROR;
        }
    }

    return DEBAR_OK;
}


static int
debar_import_sheet(debar_import_t *im, unsigned sheet)
{
    int                 rc;
    char                name[64];
    size_t              i, n;
    unsigned            column[DEBAR_CSV_MAX_FIELDS], header, line, next;
    debar_csv_t         csv;
    debar_fault_t       why;
    debar_change_t     *f;
    debar_changes_t     from;
    debar_sheet_row_t  *row;
    const char         *p;

    memset(&from, 0, sizeof(from));
    from.source = im->dir;
    snprintf(name, sizeof(name), "%s.csv", debar_sheet_kinds[sheet].name);
    f = debar_changes_file(&from, name, 1);

    if (f == NULL) {
        debar_changes_free(&from);

        if (!debar_sheet_kinds[sheet].required) {
            return DEBAR_OK;
        }

        debar_say("%s/%s: this sheet cannot be read, and is needed: name the "
                  "folder that debar list csv export makes", im->dir, name);
        return DEBAR_ERROR;
    }

    header = 0;
    line = 0;
    next = 1;

    if (debar_csv_open(&csv, f->text.data ? f->text.data : "", f->text.len, 0,
                       &why) != DEBAR_OK)
    {
        debar_import_error(im, sheet, 0, 1, why.text);
        debar_csv_free(&csv);
        debar_changes_free(&from);
        return DEBAR_OK;
    }

    while ((rc = debar_csv_next(&csv, &why)) != DEBAR_DECLINED) {

        /* a spreadsheet counts blank lines, and a row of several lines once */

        line += 1 + (csv.line > next ? csv.line - next : 0);
        next = csv.line + 1;

        for (p = csv.raw.data; p && p < csv.raw.data + csv.raw.len; p++) {
            next += *p == '\n';
        }

        if (rc == DEBAR_ERROR) {
            debar_import_error(im, sheet, 0, line, why.text);
            continue;
        }

        if (!header) {
            header = 1;

            if (debar_import_header(im, sheet, &csv, column) != DEBAR_OK) {
                break;
            }

            continue;
        }

        for (i = 0, n = 0; i < csv.n; i++) {
            n += csv.fields[i].len;
        }

        if (n == 0) {
            continue;
        }

        row = debar_sheet_add(&im->sheets, sheet, line);

        for (i = 0; i < csv.n; i++) {
            debar_str_t  text = csv.fields[i];

            if (column[i] < DEBAR_SHEET_COLUMNS) {
                debar_cell_open(&text.data, &text.len);
                debar_sheet_put(row, column[i], text.data, text.len);

            } else if (text.len) {
                debar_import_error(im, sheet, (unsigned) i, line,
                                   "there is no column of a name here");
            }
        }
    }

    if (!header) {
        debar_import_error(im, sheet, 0, 1, "the sheet is empty: its first row "
                           "has the names of the columns");
    }

    debar_csv_free(&csv);
    debar_changes_free(&from);

    return DEBAR_OK;
}


/* column[i]: what stands in the i-th field. */

static int
debar_import_header(debar_import_t *im, unsigned sheet, const debar_csv_t *csv,
    unsigned *column)
{
    char                text[256];
    size_t              i, k, n;
    unsigned            seen[DEBAR_SHEET_COLUMNS + 1];
    debar_str_t         s;
    const char *const  *names = debar_sheet_kinds[sheet].columns;

    memset(seen, 0, sizeof(seen));

    for (i = 0; i < DEBAR_CSV_MAX_FIELDS; i++) {
        column[i] = DEBAR_SHEET_COLUMNS;
    }

    n = im->nerrors;

    for (i = 0; i < csv->n; i++) {
        s = csv->fields[i];

        while (s.len && s.data[s.len - 1] == ' ') {
            s.len--;
        }

        while (s.len && *s.data == ' ') {
            s.data++;
            s.len--;
        }

        if (s.len == 0) {
            continue;
        }

        for (k = 0; names[k] && !(strlen(names[k]) == s.len
                                  && strncasecmp(names[k], s.data, s.len) == 0);
             k++)
        {
            /* void */
        }

        if (names[k] == NULL) {
            snprintf(text, sizeof(text), "there is no column \"%.*s\": the "
                     "first row has names as %s, %s, ...",
                     (int) (s.len > 64 ? 64 : s.len), s.data, names[0],
                     names[1]);
            debar_import_error(im, sheet, (unsigned) i, 1, text);

        } else if (seen[k]++) {
            debar_import_error(im, sheet, (unsigned) i, 1,
                               "this column is here twice");
        } else {
            column[i] = (unsigned) k;
            im->sheets.sheets[sheet].order[k] = (unsigned) i;
        }
    }

    if (im->nerrors == n && !seen[0]) {
        snprintf(text, sizeof(text), "there is no column \"%s\"", names[0]);
        debar_import_error(im, sheet, 0, 1, text);
    }

    return im->nerrors == n ? DEBAR_OK : DEBAR_ERROR;
}


/* "rows.csv:C17: ...".  column: of the file, from 0. */

static void
debar_import_error(debar_import_t *im, unsigned sheet, unsigned column,
    unsigned line, const char *text)
{
    char  letters[4];

    if (column >= 26) {
        snprintf(letters, sizeof(letters), "%c%c", 'A' + (column / 26 - 1) % 26,
                 'A' + column % 26);
    } else {
        snprintf(letters, sizeof(letters), "%c", 'A' + column);
    }

    if (im->nerrors++ < DEBAR_MAX_ERRORS) {
        fprintf(stderr, "%s/%s.csv:%s%u: ", im->dir,
                debar_sheet_kinds[sheet].name, letters, line);
        debar_put(stderr, text, strlen(text));
        fputc('\n', stderr);
    }
}


static void
debar_import_cell(debar_import_t *im, unsigned sheet, unsigned column,
    size_t row, const char *text)
{
    debar_sheet_t  *t = &im->sheets.sheets[sheet];

    debar_import_error(im, sheet, t->order[column], t->rows[row].line, text);
}


/* --- a source of them ----------------------------------------------------- */

static debar_made_t *
debar_import_file(debar_import_t *im, const char *name)
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

static void
debar_import_line(debar_made_t *f, unsigned sheet, size_t row)
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

static void
debar_import_values(debar_buf_t *b, const char *text)
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
debar_import_pair(debar_buf_t *b, const char *key, const char *text,
    unsigned list, unsigned typed)
{
    if (text == NULL) {
        return;
    }

    debar_buf_printf(b, "%s%s: ", b->len && b->data[b->len - 1] != '{' ? ", "
                                                                       : "",
                     key);
    if (list) {
        debar_import_values(b, text);
    } else {
        debar_edit_quote(b, text, strlen(text), typed);
    }
}


static int
debar_import_id(const char *id)
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

static debar_import_t  *debar_sort_import;
static unsigned         debar_sort_sheet;

static int
debar_import_cmp(const void *one, const void *two)
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
debar_import_sorted(debar_import_t *im, unsigned sheet)
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
    qsort(list, n, sizeof(size_t), debar_import_cmp);

    return list;
}


/* Those with this vendor: *n from *at on.  What is before them has none. */

static const size_t *
debar_import_of(debar_import_t *im, unsigned sheet, const size_t *sorted,
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
        debar_import_cell(im, sheet, 0, sorted[*at], text);
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


static void
debar_import_make(debar_import_t *im)
{
    size_t             *vendors, *rows, *products, *permits, i, k;
    size_t              r, p, q, nr, np, nq;
    const size_t       *own_r, *own_p, *own_q;
    const char         *id, *last;
    debar_buf_t         b;
    debar_made_t       *f;
    debar_sheet_t      *t;
    const char *const  *column;

    debar_import_list(im);

    vendors = debar_import_sorted(im, DEBAR_SHEET_VENDORS);
    rows = debar_import_sorted(im, DEBAR_SHEET_ROWS);
    products = debar_import_sorted(im, DEBAR_SHEET_PRODUCTS);
    permits = debar_import_sorted(im, DEBAR_SHEET_PERMITS);
    t = &im->sheets.sheets[DEBAR_SHEET_VENDORS];
    r = 0;
    p = 0;
    q = 0;
    last = NULL;

    for (i = 0; i < t->n; i++) {
        id = t->rows[vendors[i]].cells[0];

        if (!debar_import_id(id)) {
            debar_import_cell(im, DEBAR_SHEET_VENDORS, 0, vendors[i],
                              "an id is at most 64 letters, digits and \".\", "
                              "\"_\", \"-\"");
            continue;
        }

        if (last && strcmp(last, id) == 0) {
            debar_import_cell(im, DEBAR_SHEET_VENDORS, 0, vendors[i],
                              "this vendor stands above already");
            continue;
        }

        last = id;
        own_r = debar_import_of(im, DEBAR_SHEET_ROWS, rows, &r, id, &nr);
        own_p = debar_import_of(im, DEBAR_SHEET_PRODUCTS, products, &p, id,
                                &np);
        own_q = debar_import_of(im, DEBAR_SHEET_PERMITS, permits, &q, id, &nq);

        debar_import_vendor(im, vendors[i], own_r, nr, own_p, np, own_q, nq);
    }

    debar_import_of(im, DEBAR_SHEET_ROWS, rows, &r, NULL, &nr);
    debar_import_of(im, DEBAR_SHEET_PRODUCTS, products, &p, NULL, &np);
    debar_import_of(im, DEBAR_SHEET_PERMITS, permits, &q, NULL, &nq);

    free(vendors);
    free(rows);
    free(products);
    free(permits);

    t = &im->sheets.sheets[DEBAR_SHEET_WAIVERS];

    if (t->n == 0) {
        return;
    }

    f = debar_import_file(im, "waivers.yaml");
    debar_buf_printf(&f->text, "waivers:");
    debar_import_line(f, DEBAR_SHEET_WAIVERS, 0);
    column = debar_sheet_kinds[DEBAR_SHEET_WAIVERS].columns;

    for (i = 0; i < t->n; i++) {
        memset(&b, 0, sizeof(b));
        debar_buf_add(&b, "{", 1);

        for (k = 0; k < DEBAR_SHEET_COLUMNS; k++) {
            debar_import_pair(&b, column[k], t->rows[i].cells[k],
                              k >= 2 && k <= 8, k == 9 || k == 10);
        }

        debar_buf_printf(&f->text, "  - %.*s}", (int) b.len, b.data);
        debar_import_line(f, DEBAR_SHEET_WAIVERS, i);
        debar_buf_free(&b);
    }
}


static void
debar_import_list(debar_import_t *im)
{
    size_t              i, k, n, used;
    char               *phased;
    const char         *key, *value;
    debar_buf_t         b;
    debar_made_t       *f;
    debar_sheet_t      *t, *ph;
    const char *const  *column;

    f = debar_import_file(im, "list.yaml");
    t = &im->sheets.sheets[DEBAR_SHEET_LIST];

    for (i = 0; i < t->n; i++) {
        key = t->rows[i].cells[0];
        value = t->rows[i].cells[1];

        if (!debar_import_id(key) || strcmp(key, "authorities") == 0) {
            debar_import_cell(im, DEBAR_SHEET_LIST, 0, i, "a key is title, "
                              "publisher, timezone, serial, expires, "
                              "in-force, channels or keep-open");
            continue;
        }

        debar_buf_printf(&f->text, "%s: ", key);

        if (strcmp(key, "in-force") == 0 || strcmp(key, "keep-open") == 0) {
            debar_import_values(&f->text, value ? value : "");
        } else {
            debar_edit_quote(&f->text, value ? value : "",
                             value ? strlen(value) : 0,
                             strcmp(key, "serial") == 0
                             || strcmp(key, "expires") == 0);
        }

        debar_import_line(f, DEBAR_SHEET_LIST, i);
    }

    t = &im->sheets.sheets[DEBAR_SHEET_AUTHORITIES];
    ph = &im->sheets.sheets[DEBAR_SHEET_PHASES];
    column = debar_sheet_kinds[DEBAR_SHEET_PHASES].columns;
    phased = calloc(ph->n + 1, 1);

    if (phased == NULL) {
        abort();
    }

    debar_buf_printf(&f->text, "authorities:");
    debar_import_line(f, DEBAR_SHEET_AUTHORITIES, 0);

    /* at most 64 authorities: more are an error of the reader's */

    for (i = 0; i < t->n && i < 1000; i++) {
        key = t->rows[i].cells[0];

        if (!debar_import_id(key)) {
            debar_import_cell(im, DEBAR_SHEET_AUTHORITIES, 0, i, "an id is at "
                              "most 64 letters, digits and \".\", \"_\", "
                              "\"-\"");
            continue;
        }

        debar_buf_printf(&f->text, "  ");
        debar_edit_quote(&f->text, key, strlen(key), 0);
        debar_buf_printf(&f->text, ":");
        debar_import_line(f, DEBAR_SHEET_AUTHORITIES, i);

        for (n = 1; n < 3; n++) {
            value = t->rows[i].cells[n];

            if (value) {
                debar_buf_printf(&f->text, "    %s: ",
                                 n == 1 ? "title" : "url");
                debar_edit_quote(&f->text, value, strlen(value), 0);
                debar_import_line(f, DEBAR_SHEET_AUTHORITIES, i);
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
                debar_import_line(f, DEBAR_SHEET_AUTHORITIES, i);
            }

            phased[k] = 1;
            memset(&b, 0, sizeof(b));
            debar_buf_add(&b, "{", 1);

            for (n = 1; n < 6; n++) {
                debar_import_pair(&b, column[n], ph->rows[k].cells[n], 0,
                                  n == 1);
            }

            debar_buf_printf(&f->text, "      - %.*s}", (int) b.len, b.data);
            debar_import_line(f, DEBAR_SHEET_PHASES, k);
            debar_buf_free(&b);
        }
    }

    for (k = 0; k < ph->n; k++) {
        if (!phased[k]) {
            debar_import_cell(im, DEBAR_SHEET_PHASES, 0, k, "there is no such "
                              "authority in authorities.csv");
        }
    }

    free(phased);
}


/* The order of a vendor's rows: product, kind, plain file, ecosystem, as they
 * stand. */

static int
debar_import_row_cmp(const void *one, const void *two)
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
debar_import_vendor(debar_import_t *im, size_t vendor, const size_t *rows,
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
    f = debar_import_file(im, name);

    debar_buf_printf(&f->text, "id: ");
    debar_edit_quote(&f->text, id, strlen(id), 0);
    debar_import_line(f, DEBAR_SHEET_VENDORS, vendor);

    if (v->cells[1]) {
        debar_buf_printf(&f->text, "name: ");
        debar_edit_quote(&f->text, v->cells[1], strlen(v->cells[1]), 0);
        debar_import_line(f, DEBAR_SHEET_VENDORS, vendor);
    }

    if (v->cells[2]) {
        debar_buf_printf(&f->text, "authorities: ");
        debar_import_values(&f->text, v->cells[2]);
        debar_import_line(f, DEBAR_SHEET_VENDORS, vendor);
    }

    own = calloc(nrows + 1, sizeof(size_t));
    taken = calloc(nrows + 1, 1);

    if (own == NULL || taken == NULL) {
        abort();
    }

    memcpy(own, rows, nrows * sizeof(size_t));
    debar_sort_import = im;
    qsort(own, nrows, sizeof(size_t), debar_import_row_cmp);

    /* those of the vendor itself come first: their product is empty */

    for (n = 0; n < nrows && all[own[n]].cells[DEBAR_ROW_PRODUCT] == NULL; n++)
    {
        /* void */
    }

    at = im->nfiles - 1;
    debar_import_rows(im, f, own, n, 0);
    f = &im->files[at];           /* plain files may have been added */

    if (nproducts) {
        debar_buf_printf(&f->text, "products:");
        debar_import_line(f, DEBAR_SHEET_PRODUCTS, products[0]);
    }

    for (i = 0; i < nproducts; i++) {
        f = &im->files[at];
        pr = &im->sheets.sheets[DEBAR_SHEET_PRODUCTS].rows[products[i]];
        product = pr->cells[1] ? pr->cells[1] : "";

        debar_buf_printf(&f->text, "  - id: ");
        debar_edit_quote(&f->text, product, strlen(product), 0);
        debar_import_line(f, DEBAR_SHEET_PRODUCTS, products[i]);

        if (pr->cells[2]) {
            debar_buf_printf(&f->text, "    name: ");
            debar_edit_quote(&f->text, pr->cells[2], strlen(pr->cells[2]), 0);
            debar_import_line(f, DEBAR_SHEET_PRODUCTS, products[i]);
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

            debar_import_rows(im, f, own + lo, hi - lo, 4);
            memset(taken + lo, 1, hi - lo);
        }
    }

    /* rows of a product that is not there */

    for (k = n; k < nrows; k++) {
        if (!taken[k]) {
            debar_import_cell(im, DEBAR_SHEET_ROWS, DEBAR_ROW_PRODUCT, own[k],
                              "there is no such product of this vendor in "
                              "products.csv");
        }
    }

    f = &im->files[at];
    column = debar_sheet_kinds[DEBAR_SHEET_PERMITS].columns;

    for (i = 0; i < npermits; i++) {
        if (i == 0) {
            debar_buf_printf(&f->text, "permits:");
            debar_import_line(f, DEBAR_SHEET_PERMITS, permits[0]);
        }

        pe = &im->sheets.sheets[DEBAR_SHEET_PERMITS].rows[permits[i]];
        memset(&b, 0, sizeof(b));
        debar_buf_add(&b, "{", 1);
        debar_import_pair(&b, pe->cells[1] && strchr(pe->cells[1], '/')
                              ? "url" : "host", pe->cells[1], 0, 0);

        for (k = DEBAR_PERMIT_SUBDOMAINS; k <= DEBAR_PERMIT_AUTHORITIES; k++) {
            debar_import_pair(&b, column[k], pe->cells[k],
                              k == DEBAR_PERMIT_AUTHORITIES,
                              k == DEBAR_PERMIT_SUBDOMAINS);
        }

        debar_buf_printf(&f->text, "  - %.*s}", (int) b.len, b.data);
        debar_import_line(f, DEBAR_SHEET_PERMITS, permits[i]);
        debar_buf_free(&b);
    }

    free(taken);
    free(own);
}


/* Whether a row can be a line of a plain file, which is a value alone. */

static int
debar_import_plain(debar_import_t *im, const debar_sheet_row_t *r, size_t row)
{
    unsigned     i;
    const char  *value = r->cells[DEBAR_ROW_VALUE];

    for (i = DEBAR_ROW_PATTERN; i < DEBAR_ROW_FILE; i++) {
        if (r->cells[i]) {
            debar_import_cell(im, DEBAR_SHEET_ROWS, i, row, "a line of a plain "
                              "file is a value alone: empty this cell, or that "
                              "of \"file\"");
            return 0;
        }
    }

    if (value[0] == '#' || strpbrk(value, "\r\n") || strstr(value, " #")
        || strstr(value, "\t#"))
    {
        debar_import_cell(im, DEBAR_SHEET_ROWS, DEBAR_ROW_VALUE, row,
                          "a line of a plain file has no \"#\" and no end of "
                          "line in its value: empty the cell of \"file\"");
        return 0;
    }

    return 1;
}


/* Where rows are put, and what was begun there. */

typedef struct {
    debar_import_t  *im;
    size_t           at;          /* of the files: others may be added */
    unsigned         indent;
    const char      *kind;        /* of the list or file that is open */
    const char      *file;        /* plain, or NULL */
    char             eco[80];
    debar_made_t    *plain;       /* that the lines go to; NULL: it is there */
    size_t           shared;      /* then the file, from 1 */
    size_t           done;        /* and the bytes of it that were met */
    size_t           last;        /* row */
} debar_import_rows_t;


/* A file of two owners has one text: what is read of it must be all of it. */

static void
debar_import_shared(debar_import_rows_t *to, const char *value, size_t row)
{
    int           same;
    size_t        len;
    debar_made_t  *f;

    if (to->shared == 0) {
        return;
    }

    f = &to->im->files[to->shared - 1];

    if (value) {
        len = strlen(value);
        same = f->text.len - to->done > len
               && memcmp(f->text.data + to->done, value, len) == 0
               && f->text.data[to->done + len] == '\n';
        to->done += same ? len + 1 : 0;

    } else {
        same = to->done == f->text.len;
    }

    if (!same) {
        to->shared = 0;
        debar_import_cell(to->im, DEBAR_SHEET_ROWS,
                          value ? DEBAR_ROW_VALUE : DEBAR_ROW_FILE, row,
                          "this file has another owner above, with other "
                          "values: change both, or name another file");
    }
}


static int
debar_import_file_name(const char *file)
{
    const char  *p;

    for (p = file; *p && (isalnum((unsigned char) *p) || strchr("._-/", *p));
         p++)
    {
        /* void */
    }

    return *p == '\0' && *file != '/' && *file != '.' && !strstr(file, "..")
           && strcmp(file, "list.yaml") != 0
           && strcmp(file, "waivers.yaml") != 0
           && strncmp(file, "vendors/", 8) != 0
           && strncmp(file, "channels/", 9) != 0;
}


static void
debar_import_row_plain(debar_import_rows_t *to, const char *kind,
    const debar_sheet_row_t *r, size_t row)
{
    size_t           k;
    const char      *file = r->cells[DEBAR_ROW_FILE];
    debar_made_t    *f;
    debar_import_t  *im = to->im;

    if (!debar_import_plain(im, r, row)) {
        return;
    }

    if (to->file == NULL || to->kind != kind || strcmp(to->file, file) != 0) {
        debar_import_shared(to, NULL, to->last);
        to->file = NULL;
        to->kind = NULL;
        to->shared = 0;

        if (!debar_import_file_name(file)) {
            debar_import_cell(im, DEBAR_SHEET_ROWS, DEBAR_ROW_FILE, row,
                              "a file is named by letters, digits, \"-\", "
                              "\"_\" and \".\", in the folder of the list");
            return;
        }

        f = &im->files[to->at];
        to->file = file;
        to->kind = kind;
        debar_buf_printf(&f->text, "%*s%s: ", (int) to->indent, "",
                         debar_edit_from(kind));
        debar_edit_quote(&f->text, file, strlen(file), 0);
        debar_import_line(f, DEBAR_SHEET_ROWS, row);

        for (k = 0; k < im->nfiles && strcmp(im->files[k].name, file) != 0;
             k++)
        {
            /* void */
        }

        to->shared = k < im->nfiles ? k + 1 : 0;
        to->done = 0;
        to->plain = to->shared ? NULL : debar_import_file(im, file);
    }

    to->last = row;

    if (to->plain) {
        debar_buf_printf(&to->plain->text, "%s", r->cells[DEBAR_ROW_VALUE]);
        debar_import_line(to->plain, DEBAR_SHEET_ROWS, row);
    } else {
        debar_import_shared(to, r->cells[DEBAR_ROW_VALUE], row);
    }
}


/* A row as it stands in YAML. */

static void
debar_import_row_text(debar_buf_t *b, const char *kind, const char *value,
    const debar_sheet_row_t *r)
{
    debar_fault_t     why;
    debar_edit_row_t  row;

    memset(&row, 0, sizeof(row));
    row.pattern = r->cells[DEBAR_ROW_PATTERN] != NULL;
    row.match = r->cells[DEBAR_ROW_MATCH];
    row.subdomains = r->cells[DEBAR_ROW_SUBDOMAINS];
    row.activity = r->cells[DEBAR_ROW_ACTIVITY];
    row.action = r->cells[DEBAR_ROW_ACTION];
    row.source = r->cells[DEBAR_ROW_SOURCE];
    row.forced = r->cells[DEBAR_ROW_FORCED];

    if (r->cells[DEBAR_ROW_AUTHORITIES] == NULL) {
        (void) debar_edit_row_yaml(b, kind, value, &row, &why);
        return;
    }

    if (row.match == NULL && row.source == NULL && row.activity == NULL
        && row.action == NULL && row.subdomains == NULL && row.forced == NULL
        && !row.pattern)
    {
        debar_buf_printf(b, "{%s: ", debar_edit_value(kind));
        debar_edit_quote(b, value, strlen(value), 0);
        debar_buf_add(b, "}", 1);

    } else {
        (void) debar_edit_row_yaml(b, kind, value, &row, &why);
    }

    b->len--;
    debar_buf_printf(b, ", authorities: ");
    debar_import_values(b, r->cells[DEBAR_ROW_AUTHORITIES]);
    debar_buf_add(b, "}", 1);
}


static void
debar_import_row_yaml(debar_import_rows_t *to, const char *kind,
    const debar_sheet_row_t *r, size_t row)
{
    size_t         len, indent;
    const char    *colon, *value = r->cells[DEBAR_ROW_VALUE];
    debar_buf_t    b;
    debar_made_t  *f = &to->im->files[to->at];

    if (to->kind != kind || to->file) {
        debar_import_shared(to, NULL, to->last);
        debar_buf_printf(&f->text, "%*s%s:", (int) to->indent, "", kind);
        debar_import_line(f, DEBAR_SHEET_ROWS, row);
        to->kind = kind;
        to->file = NULL;
        to->shared = 0;
        to->eco[0] = '\0';
    }

    indent = to->indent + 2;

    if (strcmp(kind, "packages") == 0) {
        colon = strchr(value, ':');
        len = colon ? (size_t) (colon - value) : 0;

        if (colon == NULL || len == 0 || len > 64) {
            debar_import_cell(to->im, DEBAR_SHEET_ROWS, DEBAR_ROW_VALUE, row,
                              "a package is ECOSYSTEM:IDENTIFIER");
            return;
        }

        if (strlen(to->eco) != len || memcmp(to->eco, value, len) != 0) {
            snprintf(to->eco, sizeof(to->eco), "%.*s", (int) len, value);
            debar_buf_printf(&f->text, "%*s", (int) indent, "");
            debar_edit_quote(&f->text, to->eco, len, 0);
            debar_buf_printf(&f->text, ":");
            debar_import_line(f, DEBAR_SHEET_ROWS, row);
        }

        value = colon + 1;
        indent += 2;
    }

    memset(&b, 0, sizeof(b));
    debar_import_row_text(&b, kind, value, r);
    debar_buf_printf(&f->text, "%*s- %.*s", (int) indent, "", (int) b.len,
                     b.data);
    debar_import_line(f, DEBAR_SHEET_ROWS, row);
    debar_buf_free(&b);
}


/* Rows that are sorted by kind, plain file and ecosystem. */

static void
debar_import_rows(debar_import_t *im, debar_made_t *f, const size_t *rows,
    size_t n, unsigned indent)
{
    size_t                i;
    const char           *kind, *near;
    debar_sheet_row_t    *r;
    debar_import_rows_t   to;

    memset(&to, 0, sizeof(to));
    to.im = im;
    to.at = (size_t) (f - im->files);
    to.indent = indent;

    for (i = 0; i < n; i++) {
        r = &im->sheets.sheets[DEBAR_SHEET_ROWS].rows[rows[i]];
        kind = r->cells[DEBAR_ROW_KIND]
               ? debar_edit_kind(r->cells[DEBAR_ROW_KIND], &near) : NULL;

        if (kind == NULL || strcmp(kind, "permits") == 0) {
            debar_import_cell(im, DEBAR_SHEET_ROWS, DEBAR_ROW_KIND, rows[i],
                              "a kind is names, hosts, urls, networks, files, "
                              "packages, part-numbers, gtins, ...");

        } else if (r->cells[DEBAR_ROW_VALUE] == NULL) {
            debar_import_cell(im, DEBAR_SHEET_ROWS, DEBAR_ROW_VALUE, rows[i],
                              "the value is missing");

        } else if (r->cells[DEBAR_ROW_FILE]) {
            debar_import_row_plain(&to, kind, r, rows[i]);

        } else {
            debar_import_row_yaml(&to, kind, r, rows[i]);
        }
    }

    debar_import_shared(&to, NULL, to.last);
}


/* --- tried, and put in place ---------------------------------------------- */

/* The texts, and the list's own channels, to a folder. */

static int
debar_import_write(debar_import_t *im, const char *folder)
{
    int              rc;
    char           **names;
    size_t           i;
    debar_buf_t      b;
    debar_change_t  *f;
    debar_changes_t  to, from;

    memset(&to, 0, sizeof(to));
    memset(&from, 0, sizeof(from));
    to.source = folder;
    from.source = im->dir;

    for (i = 0; i < im->nfiles; i++) {
        memset(&b, 0, sizeof(b));
        debar_buf_add(&b, im->files[i].text.data, im->files[i].text.len);
        debar_changes_put(&to, im->files[i].name, &b);
    }

    names = debar_changes_names(&from, "channels");

    for (i = 0; names[i]; i++) {
        f = debar_changes_file(&from, names[i], 0);

        if (f) {
            memset(&b, 0, sizeof(b));
            debar_buf_add(&b, f->text.data, f->text.len);
            debar_changes_put(&to, names[i], &b);
        }
    }

    debar_changes_names_free(names);
    debar_changes_free(&from);
    rc = debar_changes_write(&to);
    debar_changes_free(&to);

    return rc;
}


static void
debar_import_remove(const char *folder)
{
    DIR            *dir;
    char            path[2 * PATH_MAX];
    struct dirent  *e;

    dir = opendir(folder);

    while (dir && (e = readdir(dir)) != NULL) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) {
            continue;
        }

        snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);

        if (unlink(path) != 0 && errno == EISDIR) {
            debar_import_remove(path);        /* two levels: vendors/ */
        }
    }

    if (dir) {
        closedir(dir);
    }

    (void) rmdir(folder);
}


static int
debar_import_try(debar_import_t *im, const char *folder, char *digest)
{
    int              rc;
    size_t           i;
    debar_source_t   src;
    debar_errors_t   errors;
    debar_changes_t  c;

    rc = debar_import_write(im, folder);
    memset(&errors, 0, sizeof(errors));

    if (rc == DEBAR_OK) {
        rc = debar_source_read_guarded(&src, folder, (int64_t) time(NULL), NULL,
                                       0, &errors, debar_progress, NULL);
        debar_progress_end();
        debar_source_free(&src);
    }

    for (i = 0; i < errors.n; i++) {
        debar_import_tell(im, folder, &errors.list[i]);
    }

    if (rc == DEBAR_OK && im->nerrors == 0) {
        memset(&c, 0, sizeof(c));
        c.source = folder;
        rc = debar_changes_digest(&c, digest, 1);
    }

    debar_errors_free(&errors);
    debar_import_remove(folder);

    return rc;
}


/* The column whose value stands at a place of a line: the key before it. */

static unsigned
debar_import_column(const debar_import_t *im, const debar_made_t *f,
    unsigned sheet, const debar_error_t *e)
{
    size_t              i, k, n, end;
    char                key[64];
    const char         *line, *needs;
    const char *const  *names = debar_sheet_kinds[sheet].columns;

    key[0] = '\0';
    needs = strstr(e->text, " needs \"");

    if (needs) {
        snprintf(key, sizeof(key), "%.*s", (int) strcspn(needs + 8, "\""),
                 needs + 8);

    } else {
        line = f->text.data + f->lines[e->line - 1].start;

        for (i = 0, n = 1; n < e->col && line[i] != '\n'; n++) {
            i += debar_utf8_len(line + i, 4);
        }

        for (end = i; end >= 2 && !(line[end - 1] == ' '
                                    && line[end - 2] == ':'); end--)
        {
            /* void */
        }

        if (end >= 2) {
            for (k = end - 2; k && (isalnum((unsigned char) line[k - 1])
                                    || line[k - 1] == '-'); k--)
            {
                /* void */
            }

            snprintf(key, sizeof(key), "%.*s", (int) (end - 2 - k), line + k);
        }

        /* an unknown key is there because of its own cell */

        if (strncmp(e->text, "unknown key \"", 13) == 0) {
            snprintf(key, sizeof(key), "%.*s",
                     (int) strcspn(e->text + 13, "\""), e->text + 13);
        }
    }

    for (i = 0; names[i]; i++) {
        if (strcmp(names[i], key) == 0) {
            return (unsigned) i;
        }
    }

    return sheet == DEBAR_SHEET_ROWS ? DEBAR_ROW_VALUE
           : sheet == DEBAR_SHEET_PERMITS ? DEBAR_PERMIT_VALUE
           : sheet == DEBAR_SHEET_LIST ? 1 : 0;
}


static void
debar_import_tell(debar_import_t *im, const char *folder,
    const debar_error_t *e)
{
    size_t         i;
    unsigned       sheet;
    const char    *name;
    debar_made_t  *f;

    name = e->file;

    if (strncmp(name, folder, strlen(folder)) == 0) {
        name += strlen(folder);
        name += *name == '/';
    }

    for (i = 0; i < im->nfiles; i++) {
        f = &im->files[i];

        if (strcmp(f->name, name) == 0 && e->line && e->line <= f->n) {
            sheet = f->lines[e->line - 1].sheet;

            if (f->lines[e->line - 1].row < im->sheets.sheets[sheet].n) {
                debar_import_cell(im, sheet,
                                  debar_import_column(im, f, sheet, e),
                                  f->lines[e->line - 1].row, e->text);
                return;
            }
        }
    }

    im->nerrors++;

    if (*name == '\0' || strcmp(name, "list.yaml") == 0) {
        fprintf(stderr, "%s/%s: ", im->dir, *name ? "list.csv" : "vendors.csv");
    } else {
        fprintf(stderr, "%s/%s:%u:%u: ", im->dir, name, e->line, e->col);
    }

    debar_put(stderr, e->text, strlen(e->text));
    fputc('\n', stderr);
}


/* The text that a file of the source would have by its own sheets. */

static const debar_made_t *
debar_import_same(const debar_import_t *im, const char *name)
{
    size_t  i;

    for (i = 0; i < im->nfiles; i++) {
        if (strcmp(im->files[i].name, name) == 0) {
            return &im->files[i];
        }
    }

    return NULL;
}


static int
debar_import_into(debar_import_t *im, const char *into, const char *digest,
    unsigned replace, unsigned dry_run)
{
    int                  rc;
    char                 path[PATH_MAX], is[65], **names;
    size_t               i;
    debar_buf_t          b;
    debar_import_t       was;
    debar_change_t      *f;
    debar_changes_t      c;
    const debar_made_t  *same;

    memset(&was, 0, sizeof(was));
    memset(&c, 0, sizeof(c));
    c.source = into;
    rc = DEBAR_OK;

    snprintf(path, sizeof(path), "%s/list.yaml", into);

    if (access(path, F_OK) != 0) {

        if (dry_run) {
            printf("%s: a new source\n", into);
            return DEBAR_OK;
        }

        if (mkdir(into, 0777) != 0 && errno != EEXIST) {
            debar_say("%s: %s; name a folder that can be made", into,
                      strerror(errno));
            return DEBAR_ERROR;
        }

        return debar_import_write(im, into);
    }

    /* what the sheets of the source that is there would make */

    was.dir = into;

    if (debar_sheets_of(&c, &was.sheets) != DEBAR_OK) {
        rc = DEBAR_ERROR;
        goto done;
    }

    debar_import_make(&was);

    for (i = 0; i < im->nfiles; i++) {
        same = debar_import_same(&was, im->files[i].name);

        if (same && same->text.len == im->files[i].text.len
            && memcmp(same->text.data, im->files[i].text.data, same->text.len)
               == 0)
        {
            continue;
        }

        f = debar_changes_file(&c, im->files[i].name, 1);

        if (f && !replace && f->text.len
            && memchr(f->text.data, '#', f->text.len))
        {
            debar_say("%s/%s: the sheets say otherwise, and it has comments "
                      "that would be gone: --replace writes it anew, debar "
                      "list add and remove keep them", into,
                      im->files[i].name);
            rc = DEBAR_ERROR;
            continue;
        }

        memset(&b, 0, sizeof(b));
        debar_buf_add(&b, im->files[i].text.data, im->files[i].text.len);
        debar_changes_put(&c, im->files[i].name, &b);
    }

    names = debar_changes_names(&c, "vendors");

    for (i = 0; names[i]; i++) {
        if (debar_import_same(im, names[i]) == NULL) {
            debar_say("%s/%s: vendors.csv has no such vendor: remove the file, "
                      "or add a row", into, names[i]);
            rc = DEBAR_ERROR;
        }
    }

    debar_changes_names_free(names);

    if (rc == DEBAR_OK
        && (debar_changes_check(&c, is, 1) != DEBAR_OK
            || strcmp(is, digest) != 0))
    {
        debar_say("%s: with these sheets it would not be the list that they "
                  "say: import into a new folder, and compare", into);
        rc = DEBAR_ERROR;
    }

    if (rc == DEBAR_OK) {
        rc = dry_run ? (debar_changes_diff(&c) == 0 ? DEBAR_OK : DEBAR_ERROR)
                     : debar_changes_write(&c);
    }

done:

    debar_import_free(&was);
    debar_sheets_free(&was.sheets);
    debar_changes_free(&c);

    return rc;
}
