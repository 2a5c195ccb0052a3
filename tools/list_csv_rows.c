/*
 * Of debar list csv import: rows.csv to lines of YAML and of plain files.
 */

#include <ctype.h>
#include <stdlib.h>

#include "sheet_import.h"


/* Whether a row can be a line of a plain file, which is a value alone. */

static int
debar_intake_plain(debar_intake_t *im, const debar_sheet_row_t *r, size_t row)
{
    unsigned     i;
    const char  *value = r->cells[DEBAR_ROW_VALUE];

    for (i = DEBAR_ROW_PATTERN; i < DEBAR_ROW_FILE; i++) {
        if (r->cells[i]) {
            debar_intake_cell(im, DEBAR_SHEET_ROWS, i, row, "a line of a plain "
                              "file is a value alone: empty this cell, or that "
                              "of \"file\"");
            return 0;
        }
    }

    if (value[0] == '#' || strpbrk(value, "\r\n") || strstr(value, " #")
        || strstr(value, "\t#"))
    {
        debar_intake_cell(im, DEBAR_SHEET_ROWS, DEBAR_ROW_VALUE, row,
                          "a line of a plain file has no \"#\" and no end of "
                          "line in its value: empty the cell of \"file\"");
        return 0;
    }

    return 1;
}


/* Where rows are put, and what was begun there. */

typedef struct {
    debar_intake_t  *im;
    size_t           at;          /* of the files: others may be added */
    unsigned         indent;
    const char      *kind;        /* of the list or file that is open */
    const char      *file;        /* plain, or NULL */
    char             eco[80];
    debar_made_t    *plain;       /* that the lines go to; NULL: it is there */
    size_t           shared;      /* then the file, from 1 */
    size_t           done;        /* and the bytes of it that were met */
    size_t           last;        /* row */
} debar_intake_rows_t;


/* A file of two owners has one text: what is read of it must be all of it. */

static void
debar_intake_shared(debar_intake_rows_t *to, const char *value, size_t row)
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
        debar_intake_cell(to->im, DEBAR_SHEET_ROWS,
                          value ? DEBAR_ROW_VALUE : DEBAR_ROW_FILE, row,
                          "this file has another owner above, with other "
                          "values: change both, or name another file");
    }
}


static int
debar_intake_file_name(const char *file)
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
debar_intake_row_plain(debar_intake_rows_t *to, const char *kind,
    const debar_sheet_row_t *r, size_t row)
{
    size_t           k;
    const char      *file = r->cells[DEBAR_ROW_FILE];
    debar_made_t    *f;
    debar_intake_t  *im = to->im;

    if (!debar_intake_plain(im, r, row)) {
        return;
    }

    if (to->file == NULL || to->kind != kind || strcmp(to->file, file) != 0) {
        debar_intake_shared(to, NULL, to->last);
        to->file = NULL;
        to->kind = NULL;
        to->shared = 0;

        if (!debar_intake_file_name(file)) {
            debar_intake_cell(im, DEBAR_SHEET_ROWS, DEBAR_ROW_FILE, row,
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
        debar_intake_line(f, DEBAR_SHEET_ROWS, row);

        for (k = 0; k < im->nfiles && strcmp(im->files[k].name, file) != 0;
             k++)
        {
            /* void */
        }

        to->shared = k < im->nfiles ? k + 1 : 0;
        to->done = 0;
        to->plain = to->shared ? NULL : debar_intake_file(im, file);
    }

    to->last = row;

    if (to->plain) {
        debar_buf_printf(&to->plain->text, "%s", r->cells[DEBAR_ROW_VALUE]);
        debar_intake_line(to->plain, DEBAR_SHEET_ROWS, row);
    } else {
        debar_intake_shared(to, r->cells[DEBAR_ROW_VALUE], row);
    }
}


/* A row as it stands in YAML. */

static void
debar_intake_row_text(debar_buf_t *b, const char *kind, const char *value,
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
    debar_intake_values(b, r->cells[DEBAR_ROW_AUTHORITIES]);
    debar_buf_add(b, "}", 1);
}


static void
debar_intake_row_yaml(debar_intake_rows_t *to, const char *kind,
    const debar_sheet_row_t *r, size_t row)
{
    size_t         len, indent;
    const char    *colon, *value = r->cells[DEBAR_ROW_VALUE];
    debar_buf_t    b;
    debar_made_t  *f = &to->im->files[to->at];

    if (to->kind != kind || to->file) {
        debar_intake_shared(to, NULL, to->last);
        debar_buf_printf(&f->text, "%*s%s:", (int) to->indent, "", kind);
        debar_intake_line(f, DEBAR_SHEET_ROWS, row);
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
            debar_intake_cell(to->im, DEBAR_SHEET_ROWS, DEBAR_ROW_VALUE, row,
                              "a package is ECOSYSTEM:IDENTIFIER");
            return;
        }

        if (strlen(to->eco) != len || memcmp(to->eco, value, len) != 0) {
            snprintf(to->eco, sizeof(to->eco), "%.*s", (int) len, value);
            debar_buf_printf(&f->text, "%*s", (int) indent, "");
            debar_edit_quote(&f->text, to->eco, len, 0);
            debar_buf_printf(&f->text, ":");
            debar_intake_line(f, DEBAR_SHEET_ROWS, row);
        }

        value = colon + 1;
        indent += 2;
    }

    memset(&b, 0, sizeof(b));
    debar_intake_row_text(&b, kind, value, r);
    debar_buf_printf(&f->text, "%*s- %.*s", (int) indent, "", (int) b.len,
                     b.data);
    debar_intake_line(f, DEBAR_SHEET_ROWS, row);
    debar_buf_free(&b);
}


/* Rows that are sorted by kind, plain file and ecosystem. */

void
debar_intake_rows(debar_intake_t *im, debar_made_t *f, const size_t *rows,
    size_t n, unsigned indent)
{
    size_t                i;
    const char           *kind, *near;
    debar_sheet_row_t    *r;
    debar_intake_rows_t   to;

    memset(&to, 0, sizeof(to));
    to.im = im;
    to.at = (size_t) (f - im->files);
    to.indent = indent;

    for (i = 0; i < n; i++) {
        r = &im->sheets.sheets[DEBAR_SHEET_ROWS].rows[rows[i]];
        kind = r->cells[DEBAR_ROW_KIND]
               ? debar_edit_kind(r->cells[DEBAR_ROW_KIND], &near) : NULL;

        if (kind == NULL || strcmp(kind, "permits") == 0) {
            debar_intake_cell(im, DEBAR_SHEET_ROWS, DEBAR_ROW_KIND, rows[i],
                              "a kind is names, hosts, urls, networks, files, "
                              "packages, part-numbers, gtins, ...");

        } else if (r->cells[DEBAR_ROW_VALUE] == NULL) {
            debar_intake_cell(im, DEBAR_SHEET_ROWS, DEBAR_ROW_VALUE, rows[i],
                              "the value is missing");

        } else if (r->cells[DEBAR_ROW_FILE]) {
            debar_intake_row_plain(&to, kind, r, rows[i]);

        } else {
            debar_intake_row_yaml(&to, kind, r, rows[i]);
        }
    }

    debar_intake_shared(&to, NULL, to.last);
}
