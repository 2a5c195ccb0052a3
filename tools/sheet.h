/*
 * A list as sheets of a spreadsheet: `debar list csv`.
 */

#ifndef DEBAR_SHEET_H
#define DEBAR_SHEET_H

#include "change.h"
#include "edit.h"


enum {
    DEBAR_SHEET_LIST = 0, DEBAR_SHEET_AUTHORITIES, DEBAR_SHEET_PHASES,
    DEBAR_SHEET_VENDORS, DEBAR_SHEET_PRODUCTS, DEBAR_SHEET_ROWS,
    DEBAR_SHEET_PERMITS, DEBAR_SHEET_WAIVERS, DEBAR_SHEETS
};

#define DEBAR_SHEET_COLUMNS  13

/* Columns of rows and permits that are asked for by number. */

enum {
    DEBAR_ROW_VENDOR = 0, DEBAR_ROW_PRODUCT, DEBAR_ROW_KIND, DEBAR_ROW_VALUE,
    DEBAR_ROW_PATTERN, DEBAR_ROW_MATCH, DEBAR_ROW_SUBDOMAINS,
    DEBAR_ROW_ACTIVITY, DEBAR_ROW_ACTION, DEBAR_ROW_AUTHORITIES,
    DEBAR_ROW_SOURCE, DEBAR_ROW_FORCED, DEBAR_ROW_FILE
};

enum {
    DEBAR_PERMIT_VENDOR = 0, DEBAR_PERMIT_VALUE, DEBAR_PERMIT_SUBDOMAINS,
    DEBAR_PERMIT_SHA256, DEBAR_PERMIT_PRODUCT, DEBAR_PERMIT_WHY,
    DEBAR_PERMIT_AUTHORITIES, DEBAR_PERMIT_FROM, DEBAR_PERMIT_UNTIL,
    DEBAR_PERMIT_APPROVED_BY
};

typedef struct {
    const char  *name;            /* "rows": rows.csv */
    unsigned     required;
    const char  *columns[DEBAR_SHEET_COLUMNS + 1];
} debar_sheet_kind_t;

extern const debar_sheet_kind_t  debar_sheet_kinds[DEBAR_SHEETS];

/* A row: its cells in the order of the columns, "" where there is nothing. */

typedef struct {
    char      *cells[DEBAR_SHEET_COLUMNS];
    unsigned   line;              /* of the sheet, as a spreadsheet counts */
} debar_sheet_row_t;

typedef struct {
    debar_sheet_row_t  *rows;
    size_t              n;
    size_t              size;
    unsigned            order[DEBAR_SHEET_COLUMNS];   /* where a column stands
                                                         in the file */
} debar_sheet_t;

typedef struct {
    debar_sheet_t  sheets[DEBAR_SHEETS];
} debar_sheets_t;

void debar_sheets_free(debar_sheets_t *s);

/* A new row, all cells empty; texts are copied. */

debar_sheet_row_t *debar_sheet_add(debar_sheets_t *s, unsigned sheet,
    unsigned line);
void debar_sheet_put(debar_sheet_row_t *row, unsigned column,
    const char *text, size_t len);

/* The sheets of a source.  DEBAR_ERROR: said already. */

int debar_sheets_of(debar_changes_t *c, debar_sheets_t *s);

/* Text as a spreadsheet leaves it alone, and back. */

void debar_cell_guard(debar_buf_t *b, const char *text, size_t len);
void debar_cell_open(const char **text, size_t *len);

/* list_csv_import.c */

int debar_csv_import_command(int argc, char **argv);

/* Whether these sheets, imported, would be the source again.  DEBAR_ERROR: said
 * already. */

int debar_csv_proved(debar_changes_t *c, const debar_sheets_t *s);


#endif /* DEBAR_SHEET_H */
