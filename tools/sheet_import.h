/*
 * Sheets that become a source: `debar list csv import`, in its parts.
 */

#ifndef DEBAR_SHEET_IMPORT_H
#define DEBAR_SHEET_IMPORT_H

#include "sheet.h"


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
} debar_intake_t;


/* The sheets of im->dir.  Errors are said with their cell, and counted; not so
 * DEBAR_ERROR: the folder cannot be read.  (list_csv_read.c) */

int debar_intake_read(debar_intake_t *im);

/* row: of the sheet, from 0 */

void debar_intake_cell(debar_intake_t *im, unsigned sheet, unsigned column,
    size_t row, const char *text);

/* The files of a source, one row a line.  (list_csv_make.c) */

void debar_intake_make(debar_intake_t *im);
debar_made_t *debar_intake_file(debar_intake_t *im, const char *name);

/* The line that was written is that of a row. */

void debar_intake_line(debar_made_t *f, unsigned sheet, size_t row);

/* "a; b" to [a, b]; lines where one of them has a semicolon. */

void debar_intake_values(debar_buf_t *b, const char *text);

/* Rows that are sorted by kind, plain file and ecosystem.  (list_csv_rows.c) */

void debar_intake_rows(debar_intake_t *im, debar_made_t *f,
    const size_t *rows, size_t n, unsigned indent);

void debar_intake_free(debar_intake_t *im);

/* They are read in a folder of their own, which goes: what is wrong is said by
 * cell; digest is that of the rows.  (list_csv_into.c) */

int debar_intake_try(debar_intake_t *im, const char *folder, char *digest);
int debar_intake_into(debar_intake_t *im, const char *into,
    const char *digest, unsigned replace, unsigned dry_run);


#endif /* DEBAR_SHEET_IMPORT_H */
