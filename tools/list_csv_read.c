/*
 * Of debar list csv import: sheets read, errors by cell.
 */

#include <errno.h>
#include <sys/stat.h>

#include "sheet_import.h"
#include "csv.h"


static int debar_intake_sheet(debar_intake_t *im, unsigned sheet);
static int debar_intake_header(debar_intake_t *im, unsigned sheet,
    const debar_csv_t *csv, unsigned *column);
static void debar_intake_error(debar_intake_t *im, unsigned sheet,
    unsigned column, unsigned line, const char *text);


int
debar_intake_read(debar_intake_t *im)
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
        if (debar_intake_sheet(im, i) != DEBAR_OK) {
            return DEBAR_ERROR;
        }
    }

    return DEBAR_OK;
}


static int
debar_intake_sheet(debar_intake_t *im, unsigned sheet)
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
        debar_intake_error(im, sheet, 0, 1, why.text);
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
            debar_intake_error(im, sheet, 0, line, why.text);
            continue;
        }

        if (!header) {
            header = 1;

            if (debar_intake_header(im, sheet, &csv, column) != DEBAR_OK) {
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
                debar_intake_error(im, sheet, (unsigned) i, line,
                                   "there is no column of a name here");
            }
        }
    }

    if (!header) {
        debar_intake_error(im, sheet, 0, 1, "the sheet is empty: its first row "
                           "has the names of the columns");
    }

    debar_csv_free(&csv);
    debar_changes_free(&from);

    return DEBAR_OK;
}


/* column[i]: what stands in the i-th field. */

static int
debar_intake_header(debar_intake_t *im, unsigned sheet, const debar_csv_t *csv,
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
            debar_intake_error(im, sheet, (unsigned) i, 1, text);

        } else if (seen[k]++) {
            debar_intake_error(im, sheet, (unsigned) i, 1,
                               "this column is here twice");
        } else {
            column[i] = (unsigned) k;
            im->sheets.sheets[sheet].order[k] = (unsigned) i;
        }
    }

    if (im->nerrors == n && !seen[0]) {
        snprintf(text, sizeof(text), "there is no column \"%s\"", names[0]);
        debar_intake_error(im, sheet, 0, 1, text);
    }

    return im->nerrors == n ? DEBAR_OK : DEBAR_ERROR;
}


/* "rows.csv:C17: ...".  column: of the file, from 0. */

static void
debar_intake_error(debar_intake_t *im, unsigned sheet, unsigned column,
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


void
debar_intake_cell(debar_intake_t *im, unsigned sheet, unsigned column,
    size_t row, const char *text)
{
    debar_sheet_t  *t = &im->sheets.sheets[sheet];

    debar_intake_error(im, sheet, t->order[column], t->rows[row].line, text);
}
