/*
 * Rows of CSV (RFC 4180) and TSV, as spreadsheets and the offices that publish
 * lists write them, read from bytes and written.  Pure.
 *
 * Read: quotes, newlines inside of them, CRLF, LF and bare CR, a byte order
 * mark, blank lines (passed over), a 0x1A of DOS at the end.  What is not well
 * formed is a fault of that row with line and column; the next call goes on
 * behind it, and the time is linear whatever the quotes are.
 */

#ifndef DEBAR_CSV_H
#define DEBAR_CSV_H

#include "debar.h"


#define DEBAR_CSV_MAX_FIELDS  512         /* of a row */
#define DEBAR_CSV_MAX_FIELD   (256 << 10) /* bytes of a field, as written */
#define DEBAR_CSV_MAX_ROW     (1 << 20)   /* bytes of a row, as written */


typedef struct {

    /* of the row that debar_csv_next() gave or found fault with */

    debar_str_t  *fields;         /* good until the next call; in the input or
                                     in room of the reader */
    size_t        n;
    unsigned      line;           /* where it begins, from 1 */
    debar_str_t   raw;            /* all of it, without its end of line */

    /* of the fault */

    unsigned      fault_line;     /* from 1 */
    unsigned      fault_col;      /* from 1, in characters */

    /* the reader's own */

    const char   *p;
    const char   *start;
    const char   *end;
    const char   *strict;         /* before it, quotes close on their line */
    const char   *row;
    char         *text;           /* fields with doubled quotes, undoubled */
    size_t        text_len;
    debar_str_t   room[DEBAR_CSV_MAX_FIELDS];
    unsigned      next_line;
    char          separator;
} debar_csv_t;

/*
 * Begins at data, which stays the caller's.  separator: ',' ';' or '\t'; 0: by
 * the first line, whichever of them it has most of outside of quotes.
 * DEBAR_ERROR: it is no text in UTF-8 or a code page (UTF-16, a ZIP, a
 * spreadsheet's own file): *why says what to do.  debar_csv_free() in any case.
 */

int debar_csv_open(debar_csv_t *csv, const char *data, size_t len,
    char separator, debar_fault_t *why);

/*
 * The next row.  DEBAR_OK: there is one.  DEBAR_ERROR: it is malformed, raw
 * and line are set, fault_line and fault_col say where, *why what; call again
 * for the next.  DEBAR_DECLINED: the end.
 */

int debar_csv_next(debar_csv_t *csv, debar_fault_t *why);

/* How far it has come, for progress. */

size_t debar_csv_offset(const debar_csv_t *csv);

/* Line and column of a field of the row that was given: for messages. */

void debar_csv_where(const debar_csv_t *csv, size_t field, unsigned *line,
    unsigned *col);

void debar_csv_free(debar_csv_t *csv);


/*
 * One row to b, quoted where it must be (also around space at an end), with
 * LF.  debar_csv_next() gives the same fields back, whatever they hold but NUL.
 * Cells that a spreadsheet would take as a formula are left as they are.
 */

void debar_csv_put(debar_buf_t *b, char separator, const debar_str_t *fields,
    size_t n);


#endif /* DEBAR_CSV_H */
