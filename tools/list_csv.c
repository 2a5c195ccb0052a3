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


static int debar_csv_export_command(int argc, char **argv);
static int debar_sheets_write(debar_changes_t *c, const debar_sheets_t *s,
    const char *dir);


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
                      "why", "authorities", "from", "until",
                      "approved-by" } },
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
