/*
 * debar list csv export: a source as sheets of a spreadsheet.
 */

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sheet.h"
#include "csv.h"


#define DEBAR_SHEET_DEPTH  24         /* more than an edit may have */

typedef struct {
    debar_edit_t    *e;
    debar_sheets_t  *sheets;
    const char      *vendor;
    const char      *file;        /* "vendors/acme.yaml" */
    unsigned         bad;
} debar_sheet_vendor_t;


static int debar_csv_export_command(int argc, char **argv);
static int debar_sheets_write(debar_changes_t *c, const debar_sheets_t *s,
    const char *dir);
static int debar_sheets_list(debar_changes_t *c, debar_sheets_t *s);
static int debar_sheets_vendor(debar_changes_t *c, debar_sheets_t *s,
    const char *name);
static int debar_sheets_row(void *data, const debar_edit_found_t *f);
static int debar_sheets_from(debar_changes_t *c, debar_sheets_t *s,
    const char *vendor, const char *product, const debar_edit_node_t *map);
static int debar_sheets_waivers(debar_changes_t *c, debar_sheets_t *s);
static void debar_sheet_node(debar_sheet_row_t *row, unsigned column,
    const debar_edit_node_t *node);


const debar_sheet_kind_t  debar_sheet_kinds[DEBAR_SHEETS] = {
    { "list", 1, { "key", "value" } },
    { "authorities", 1, { "id", "title", "url" } },
    { "phases", 1, { "authority", "from", "browse", "acquire", "download",
                     "update" } },
    { "vendors", 1, { "id", "name", "authorities" } },
    { "products", 0, { "vendor", "id", "name" } },
    { "rows", 0, { "vendor", "product", "kind", "value", "pattern", "match",
                   "subdomains", "activity", "action", "authorities", "source",
                   "forced", "file" } },
    { "permits", 0, { "vendor", "value", "subdomains", "sha256", "product",
                      "why", "authorities" } },
    { "waivers", 0, { "id", "vendor", "products", "authorities", "users",
                      "clients", "orders", "urls", "activities", "from",
                      "until", "approved-by", "why" } }
};

static const char  debar_csv_help[] =
    "usage: debar list csv export SOURCE -o DIR\n"
    "       debar list csv import DIR --into SOURCE [--replace] [-n]\n"
    "\n"
    "A source as sheets for a spreadsheet, and back, without loss: list.csv,\n"
    "authorities.csv, phases.csv, vendors.csv, products.csv, rows.csv,\n"
    "permits.csv, waivers.csv, and the list's own channels/ as they are.\n";

static const char  debar_csv_export_help[] =
    "usage: debar list csv export SOURCE -o DIR\n"
    "\n"
    "What a spreadsheet would change (leading zeros, 1E5, dates, formulas) has\n"
    "an apostrophe before it, which the import takes away again.  A cell with\n"
    "more than one value has \"; \" between them.  Comments of the YAML are not\n"
    "in the sheets; what would not come back the same is said, and no sheet\n"
    "is written.\n"
    "\n"
    "  -o, --output DIR  a folder; made where it is not there\n"
    "  -q, --quiet       say nothing but errors\n"
    "  -h, --help        this text\n";

static const debar_command_t  debar_csv_commands[] = {
    { "export", debar_csv_export_command, "write the sheets of a source" },
    { "import", debar_csv_import_command, "read sheets into a source" },
    { NULL, NULL, NULL }
};


int
debar_list_csv(int argc, char **argv)
{
    return debar_dispatch("debar list csv", debar_csv_help, debar_csv_commands,
                          argc, argv);
}


static int
debar_csv_export_command(int argc, char **argv)
{
    int                         c, rc;
    size_t                      i, n;
    unsigned                    quiet;
    const char                 *dir;
    debar_sheets_t              sheets;
    debar_source_t              src;
    debar_changes_t             changes;
    static const struct option  options[] = {
        { "output", required_argument, NULL, 'o' },
        { "quiet",  no_argument,       NULL, 'q' },
        { "help",   no_argument,       NULL, 'h' },
        { NULL, 0, NULL, 0 }
    };

    dir = NULL;
    quiet = 0;
    opterr = 0;

    while ((c = getopt_long(argc, argv, ":o:qh", options, NULL)) != -1) {

        switch (c) {
        case 'o':
            dir = optarg;
            break;
        case 'q':
            quiet = 1;
            break;
        case 'h':
            fputs(debar_csv_export_help, stdout);
            return 0;
        default:
            return debar_bad_option("debar list csv export", c, argv);
        }
    }

    if (argc - optind != 1 || dir == NULL) {
        return debar_usage("debar list csv export", "name SOURCE and -o DIR");
    }

    if (debar_changes_open(&changes, argv[optind]) != DEBAR_OK) {
        return DEBAR_EXIT_FAILURE;
    }

    /* a source with errors would come back as another one */

    if (debar_read_source(&src, argv[optind], quiet, NULL) != DEBAR_OK) {
        return DEBAR_EXIT_FAILURE;
    }

    debar_source_free(&src);
    memset(&sheets, 0, sizeof(sheets));

    rc = debar_sheets_of(&changes, &sheets);

    if (rc == DEBAR_OK) {
        rc = debar_csv_proved(&changes, &sheets);
    }

    if (rc == DEBAR_OK) {
        rc = debar_sheets_write(&changes, &sheets, dir);
    }

    for (i = 0, n = 0; i < DEBAR_SHEETS; i++) {
        n += sheets.sheets[i].n;
    }

    if (rc == DEBAR_OK && !quiet) {
        printf("%s: %zu rows; back with: debar list csv import %s --into %s\n",
               dir, n, dir, argv[optind]);
    }

    debar_sheets_free(&sheets);
    debar_changes_free(&changes);

    return rc == DEBAR_OK ? 0 : DEBAR_EXIT_FAILURE;
}


/* --- sheets --------------------------------------------------------------- */

debar_sheet_row_t *
debar_sheet_add(debar_sheets_t *s, unsigned sheet, unsigned line)
{
    size_t              i;
    debar_sheet_t      *t;
    debar_sheet_row_t  *row;

    t = &s->sheets[sheet];

    if (t->n == t->size) {
        t->size = t->size ? t->size * 2 : 64;
        t->rows = reallocarray(t->rows, t->size, sizeof(*t->rows));

        if (t->rows == NULL) {
            abort();
        }
    }

    row = &t->rows[t->n++];
    row->line = line ? line : (unsigned) t->n + 1;

    for (i = 0; i < DEBAR_SHEET_COLUMNS; i++) {
        row->cells[i] = NULL;
    }

    return row;
}


void
debar_sheet_put(debar_sheet_row_t *row, unsigned column, const char *text,
    size_t len)
{
    while (len && strchr(" \t\r\n", text[0])) {
        text++;
        len--;
    }

    while (len && strchr(" \t\r\n", text[len - 1])) {
        len--;
    }

    free(row->cells[column]);
    row->cells[column] = len ? strndup(text, len) : NULL;

    if (len && row->cells[column] == NULL) {
        abort();
    }
}


void
debar_sheets_free(debar_sheets_t *s)
{
    size_t  i, k, n;

    for (i = 0; i < DEBAR_SHEETS; i++) {
        for (k = 0; k < s->sheets[i].n; k++) {
            for (n = 0; n < DEBAR_SHEET_COLUMNS; n++) {
                free(s->sheets[i].rows[k].cells[n]);
            }
        }

        free(s->sheets[i].rows);
    }

    memset(s, 0, sizeof(*s));
}


/*
 * What spreadsheets take for a formula, a number, a date or a truth value:
 * "=cmd", "04012345", "1E5", "2026-01-01", "3-4", "MAR1", "TRUE".  Plain numbers
 * of up to 15 digits come back as they were.
 */

static int
debar_cell_risky(const char *text, size_t len)
{
    size_t                    i, digits, dots;
    static const char *const  months[] = {
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct",
        "nov", "dec"
    };

    if (len == 0) {
        return 0;
    }

    if (strchr("'=+-@\t\r", text[0])) {
        return 1;
    }

    if ((len == 4 && strncasecmp(text, "true", 4) == 0)
        || (len == 5 && strncasecmp(text, "false", 5) == 0))
    {
        return 1;
    }

    for (i = 0, digits = 0, dots = 0; i < len; i++) {
        digits += isdigit((unsigned char) text[i]) != 0;
        dots += text[i] == '.';

        if (!isdigit((unsigned char) text[i])
            && !strchr(".,:;/+-eE%$() ", text[i]))
        {
            break;
        }
    }

    if (i == len && digits == len && len <= 15 && text[0] != '0') {
        return 0;
    }

    if (i == len && digits) {
        return dots < 3;          /* an address is nothing else */
    }

    /* a month's name beside digits alone */

    for (i = 0; digits && i < 12; i++) {
        const char  *m = strcasestr(text, months[i]);
        size_t       k;

        for (k = 0; m && len <= 24 && k < len; k++) {
            if (isdigit((unsigned char) text[k]) || strchr(" -./,", text[k])) {
                continue;
            }

            if (text + k < m || !isalpha((unsigned char) text[k])
                || text + k > m + 8)
            {
                break;
            }
        }

        if (m && k == len) {
            return 1;
        }
    }

    return 0;
}


void
debar_cell_guard(debar_buf_t *b, const char *text, size_t len)
{
    debar_buf_add(b, "'", debar_cell_risky(text, len) != 0);
    debar_buf_add(b, text, len);
}


void
debar_cell_open(const char **text, size_t *len)
{
    if (*len && **text == '\'') {
        (*text)++;
        (*len)--;
    }
}


static int
debar_sheets_write(debar_changes_t *c, const debar_sheets_t *s,
    const char *dir)
{
    int                  rc;
    char               **names;
    size_t               i, k, n, at[DEBAR_SHEET_COLUMNS + 1], columns;
    debar_buf_t          out, cells;
    debar_str_t          fields[DEBAR_SHEET_COLUMNS];
    debar_change_t      *f;
    debar_changes_t      to;
    const char *const   *column;

    if (mkdir(dir, 0777) != 0 && errno != EEXIST) {
        debar_say("%s: %s; name a folder that can be made", dir,
                  strerror(errno));
        return DEBAR_ERROR;
    }

    memset(&to, 0, sizeof(to));
    memset(&cells, 0, sizeof(cells));
    to.source = dir;

    for (i = 0; i < DEBAR_SHEETS; i++) {
        char  file[64];

        memset(&out, 0, sizeof(out));
        column = debar_sheet_kinds[i].columns;

        for (columns = 0; column[columns]; columns++) {
            fields[columns] = debar_str(column[columns],
                                        strlen(column[columns]));
        }

        /* the mark by which spreadsheets know UTF-8 */

        debar_buf_add(&out, "\xef\xbb\xbf", 3);
        debar_csv_put(&out, ',', fields, columns);

        for (k = 0; k < s->sheets[i].n; k++) {
            cells.len = 0;

            for (n = 0; n < columns; n++) {
                const char  *text = s->sheets[i].rows[k].cells[n];

                at[n] = cells.len;
                debar_cell_guard(&cells, text ? text : "",
                                 text ? strlen(text) : 0);
            }

            at[columns] = cells.len;

            for (n = 0; n < columns; n++) {
                fields[n] = debar_str(cells.data ? cells.data + at[n] : "",
                                      at[n + 1] - at[n]);
            }

            debar_csv_put(&out, ',', fields, columns);
        }

        snprintf(file, sizeof(file), "%s.csv", debar_sheet_kinds[i].name);
        (void) debar_changes_file(&to, file, 1);
        debar_changes_put(&to, file, &out);
    }

    names = debar_changes_names(c, "channels");

    for (i = 0; names[i]; i++) {
        f = debar_changes_file(c, names[i], 0);

        if (f) {
            memset(&out, 0, sizeof(out));
            debar_buf_add(&out, f->text.data, f->text.len);
            (void) debar_changes_file(&to, names[i], 1);
            debar_changes_put(&to, names[i], &out);
        }
    }

    debar_changes_names_free(names);
    rc = debar_changes_write(&to);
    debar_buf_free(&cells);
    debar_changes_free(&to);

    return rc;
}


/* --- from a source -------------------------------------------------------- */

int
debar_sheets_of(debar_changes_t *c, debar_sheets_t *s)
{
    int      rc;
    char   **names;
    size_t   i;

    rc = debar_sheets_list(c, s);
    names = debar_changes_names(c, "vendors");

    for (i = 0; rc == DEBAR_OK && names[i]; i++) {
        rc = debar_sheets_vendor(c, s, names[i]);
    }

    debar_changes_names_free(names);

    return rc == DEBAR_OK ? debar_sheets_waivers(c, s) : rc;
}


/* A sheet has what is written at its place: NULL, or what is written elsewhere
 * (an alias).  At most 16 levels, as debar_edit_open() has it. */

static const debar_edit_node_t *
debar_sheets_alias(const debar_edit_node_t *root)
{
    unsigned                  depth;
    const debar_edit_node_t  *node;
    struct {
        const debar_edit_node_t  *node;
        size_t                    i;
    } stack[DEBAR_SHEET_DEPTH];

    stack[0].node = root;
    stack[0].i = 0;
    depth = 1;

    if (root->type == DEBAR_EDIT_ALIAS) {
        return root;
    }

    while (depth) {
        node = stack[depth - 1].node;

        if (stack[depth - 1].i == node->n
            || (node->type != DEBAR_EDIT_LIST && node->type != DEBAR_EDIT_MAP))
        {
            depth--;
            continue;
        }

        node = node->items[stack[depth - 1].i++];

        if (node->type == DEBAR_EDIT_ALIAS || depth == DEBAR_SHEET_DEPTH) {
            return node;
        }

        stack[depth].node = node;
        stack[depth++].i = 0;
    }

    return NULL;
}


static debar_edit_t *
debar_sheets_open(debar_changes_t *c, const char *name, int optional)
{
    debar_edit_t             *e;
    debar_fault_t             why;
    debar_change_t           *f;
    const debar_edit_node_t  *alias;

    f = debar_changes_file(c, name, optional);

    if (f == NULL) {
        return NULL;
    }

    e = debar_edit_open(f->text.data ? f->text.data : "", f->text.len, &why);

    if (e == NULL) {
        debar_say("%s/%s: %s", c->source, name, why.text);
        return NULL;
    }

    alias = debar_sheets_alias(debar_edit_root(e));

    if (alias) {
        debar_say("%s/%s:%u: \"*%.64s\" stands for what is written elsewhere, "
                  "which a sheet has no place for: write it out here, then "
                  "again", c->source, name, alias->line, alias->text
                                                         ? alias->text : "");
        debar_edit_free(e);
        return NULL;
    }

    return e;
}


/* A scalar, or the values of a list with "; " between: a line each where one of
 * them has a semicolon. */

static void
debar_sheet_node(debar_sheet_row_t *row, unsigned column,
    const debar_edit_node_t *node)
{
    size_t       i, n;
    debar_buf_t  b;

    if (node == NULL || node->null) {
        return;
    }

    if (node->type == DEBAR_EDIT_SCALAR) {
        debar_sheet_put(row, column, node->text, node->n);
        return;
    }

    memset(&b, 0, sizeof(b));

    for (i = 0, n = 0; node->type == DEBAR_EDIT_LIST && i < node->n; i++) {
        n += node->items[i]->type == DEBAR_EDIT_SCALAR
             && strchr(node->items[i]->text, ';') != NULL;
    }

    for (i = 0; node->type == DEBAR_EDIT_LIST && i < node->n; i++) {
        if (node->items[i]->type == DEBAR_EDIT_SCALAR) {
            debar_buf_printf(&b, "%s%s", i ? n ? "\n" : "; " : "",
                             node->items[i]->text);
        }
    }

    /* one value alone with a semicolon: an empty line tells that it is one */

    if (n && node->n == 1) {
        debar_buf_add(&b, "\n|", 2);
    }

    debar_sheet_put(row, column, b.data ? b.data : "", b.len);
    debar_buf_free(&b);
}


static int
debar_sheets_list(debar_changes_t *c, debar_sheets_t *s)
{
    size_t                    i, k, n;
    debar_edit_t             *e;
    debar_edit_node_t        *root, *map, *list;
    debar_sheet_row_t        *row;
    static const char *const  keys[] = {
        "title", "publisher", "timezone", "serial", "expires", "in-force",
        "channels", "keep-open"
    };

    e = debar_sheets_open(c, "list.yaml", 0);

    if (e == NULL) {
        return DEBAR_ERROR;
    }

    root = debar_edit_root(e);

    for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (debar_edit_get(root, keys[i])) {
            row = debar_sheet_add(s, DEBAR_SHEET_LIST, 0);
            debar_sheet_put(row, 0, keys[i], strlen(keys[i]));
            debar_sheet_node(row, 1, debar_edit_get(root, keys[i]));
        }
    }

    map = debar_edit_get(root, "authorities");

    for (i = 0; map && map->type == DEBAR_EDIT_MAP && i < map->n; i += 2) {
        row = debar_sheet_add(s, DEBAR_SHEET_AUTHORITIES, 0);
        debar_sheet_node(row, 0, map->items[i]);
        debar_sheet_node(row, 1, debar_edit_get(map->items[i + 1], "title"));
        debar_sheet_node(row, 2, debar_edit_get(map->items[i + 1], "url"));

        list = debar_edit_get(map->items[i + 1], "phases");

        for (k = 0; list && list->type == DEBAR_EDIT_LIST && k < list->n; k++) {
            row = debar_sheet_add(s, DEBAR_SHEET_PHASES, 0);
            debar_sheet_node(row, 0, map->items[i]);

            for (n = 1; n < 6; n++) {
                debar_sheet_node(row, (unsigned) n, debar_edit_get(
                    list->items[k],
                    debar_sheet_kinds[DEBAR_SHEET_PHASES].columns[n]));
            }
        }
    }

    debar_edit_free(e);

    return DEBAR_OK;
}


static int
debar_sheets_vendor(debar_changes_t *c, debar_sheets_t *s, const char *name)
{
    int                    rc;
    size_t                 i;
    debar_edit_node_t     *root, *list;
    debar_sheet_row_t     *row;
    debar_sheet_vendor_t   v;

    memset(&v, 0, sizeof(v));
    v.sheets = s;
    v.file = name;
    v.e = debar_sheets_open(c, name, 0);

    if (v.e == NULL) {
        return DEBAR_ERROR;
    }

    root = debar_edit_root(v.e);
    row = debar_sheet_add(s, DEBAR_SHEET_VENDORS, 0);
    debar_sheet_node(row, 0, debar_edit_get(root, "id"));
    debar_sheet_node(row, 1, debar_edit_get(root, "name"));
    debar_sheet_node(row, 2, debar_edit_get(root, "authorities"));
    v.vendor = row->cells[0] ? row->cells[0] : "";

    list = debar_edit_get(root, "products");
    rc = debar_sheets_from(c, s, v.vendor, NULL, root);

    for (i = 0; list && list->type == DEBAR_EDIT_LIST && i < list->n; i++) {
        row = debar_sheet_add(s, DEBAR_SHEET_PRODUCTS, 0);
        debar_sheet_put(row, 0, v.vendor, strlen(v.vendor));
        debar_sheet_node(row, 1, debar_edit_get(list->items[i], "id"));
        debar_sheet_node(row, 2, debar_edit_get(list->items[i], "name"));

        if (rc == DEBAR_OK) {
            rc = debar_sheets_from(c, s, v.vendor, row->cells[1],
                                   list->items[i]);
        }
    }

    if (rc == DEBAR_OK) {
        rc = debar_edit_rows(v.e, debar_sheets_row, &v) ? DEBAR_ERROR
                                                        : DEBAR_OK;
    }

    debar_edit_free(v.e);

    return rc;
}


static int
debar_sheets_row(void *data, const debar_edit_found_t *f)
{
    size_t                 i;
    unsigned               sheet, first;
    debar_buf_t            b;
    debar_sheet_row_t     *row;
    debar_sheet_vendor_t  *v = data;
    const char *const     *column;

    if (f->value == NULL) {
        debar_say("%s:%u: what stands here is written elsewhere (an alias): "
                  "write it out first", v->file, f->node->line);
        return -1;
    }

    sheet = strcmp(f->kind, "permits") == 0 ? DEBAR_SHEET_PERMITS
                                            : DEBAR_SHEET_ROWS;
    row = debar_sheet_add(v->sheets, sheet, 0);
    debar_sheet_put(row, 0, v->vendor, strlen(v->vendor));
    memset(&b, 0, sizeof(b));

    if (f->ecosystem) {
        debar_buf_printf(&b, "%s:", f->ecosystem);
    }

    debar_buf_add(&b, f->value->text, f->value->n);

    if (sheet == DEBAR_SHEET_ROWS) {
        debar_sheet_put(row, DEBAR_ROW_PRODUCT, f->product ? f->product : "",
                        f->product ? strlen(f->product) : 0);
        debar_sheet_put(row, DEBAR_ROW_KIND, f->kind, strlen(f->kind));
        debar_sheet_put(row, DEBAR_ROW_VALUE, b.data, b.len);
        debar_sheet_put(row, DEBAR_ROW_PATTERN, "yes", f->pattern ? 3 : 0);
        first = DEBAR_ROW_MATCH;

    } else {
        debar_sheet_put(row, DEBAR_PERMIT_VALUE, b.data, b.len);
        first = DEBAR_PERMIT_SUBDOMAINS;
    }

    debar_buf_free(&b);
    column = debar_sheet_kinds[sheet].columns;

    for (i = first; column[i]; i++) {
        if (sheet == DEBAR_SHEET_ROWS && i == DEBAR_ROW_FILE) {
            break;                /* of plain files; a file's name is a value */
        }

        debar_sheet_node(row, (unsigned) i, debar_edit_get(f->node, column[i]));
    }

    return 0;
}


/* Values of plain files, with the name of the file. */

static int
debar_sheets_from(debar_changes_t *c, debar_sheets_t *s, const char *vendor,
    const char *product, const debar_edit_node_t *map)
{
    size_t               i;
    const char          *p, *q, *nl, *end, *kind, *near;
    debar_change_t      *f;
    debar_sheet_row_t   *row;
    debar_edit_node_t   *key, *value;

    for (i = 0; map->type == DEBAR_EDIT_MAP && i < map->n; i += 2) {
        char  name[64];

        key = map->items[i];
        value = map->items[i + 1];

        if (key->type != DEBAR_EDIT_SCALAR || key->n < 6 || key->n > 60
            || strcmp(key->text + key->n - 5, "-from") != 0
            || value->type != DEBAR_EDIT_SCALAR)
        {
            continue;
        }

        snprintf(name, sizeof(name), "%.*s", (int) key->n - 5, key->text);
        kind = debar_edit_kind(name, &near);
        f = kind ? debar_changes_file(c, value->text, 0) : NULL;

        if (f == NULL) {
            return DEBAR_ERROR;
        }

        end = f->text.data + f->text.len;

        for (p = f->text.data; p && p < end; p = nl) {
            nl = memchr(p, '\n', (size_t) (end - p));
            nl = nl ? nl + 1 : end;

            if (p == f->text.data && end - p >= 3
                && memcmp(p, "\xef\xbb\xbf", 3) == 0)
            {
                p += 3;
            }

            while (p < nl && (*p == ' ' || *p == '\t')) {
                p++;
            }

            for (q = p; q < nl && !(*q == '#' && (q == p || q[-1] == ' '
                                                  || q[-1] == '\t')); q++)
            {
                /* void */
            }

            while (q > p && strchr(" \t\r\n", q[-1])) {
                q--;
            }

            if (q == p) {
                continue;
            }

            row = debar_sheet_add(s, DEBAR_SHEET_ROWS, 0);
            debar_sheet_put(row, DEBAR_ROW_VENDOR, vendor, strlen(vendor));
            debar_sheet_put(row, DEBAR_ROW_PRODUCT, product ? product : "",
                            product ? strlen(product) : 0);
            debar_sheet_put(row, DEBAR_ROW_KIND, kind, strlen(kind));
            debar_sheet_put(row, DEBAR_ROW_VALUE, p, (size_t) (q - p));
            debar_sheet_put(row, DEBAR_ROW_FILE, value->text, value->n);
        }
    }

    return DEBAR_OK;
}


static int
debar_sheets_waivers(debar_changes_t *c, debar_sheets_t *s)
{
    size_t              i, k;
    debar_edit_t       *e;
    debar_edit_node_t  *list;
    debar_sheet_row_t  *row;
    const char *const  *column;

    if (debar_changes_file(c, "waivers.yaml", 1) == NULL) {
        return DEBAR_OK;
    }

    e = debar_sheets_open(c, "waivers.yaml", 0);

    if (e == NULL) {
        return DEBAR_ERROR;
    }

    list = debar_edit_get(debar_edit_root(e), "waivers");
    column = debar_sheet_kinds[DEBAR_SHEET_WAIVERS].columns;

    for (i = 0; list && list->type == DEBAR_EDIT_LIST && i < list->n; i++) {
        row = debar_sheet_add(s, DEBAR_SHEET_WAIVERS, 0);

        for (k = 0; k < DEBAR_SHEET_COLUMNS; k++) {
            debar_sheet_node(row, (unsigned) k,
                             debar_edit_get(list->items[i], column[k]));
        }
    }

    debar_edit_free(e);

    return DEBAR_OK;
}
