/*
 * The rows of a vendor's file by their lines, so that imported ones can be
 * changed and nothing else is.  Of import_store.c; nobody else includes this.
 */

#ifndef DEBAR_IMPORT_ROWS_H
#define DEBAR_IMPORT_ROWS_H

#include "source_private.h"


#define DEBAR_ROWS_MARK  "# Made by \"debar list import\""

/* A row: bytes from..to of the file, with its end of line. */

typedef struct {
    size_t       from;
    size_t       to;
    unsigned     line;
    unsigned     kind;            /* of debar_value_kinds */
    unsigned     imported;
} debar_rows_item_t;

/* The line of a key at the top. */

typedef struct {
    size_t       from;            /* from == to: there is none */
    size_t       to;
    size_t       end;             /* behind its last row */
    unsigned     line;
    unsigned     rows;            /* that are not imported */
    unsigned     flow;            /* rows are in the line of the key */
    size_t       indent;
} debar_rows_key_t;

typedef struct {
    debar_rows_item_t  *list;
    size_t              n;
    size_t              size;
    debar_rows_key_t    keys[DEBAR_VALUE_KINDS];
    debar_rows_key_t    from[DEBAR_VALUE_KINDS];  /* KIND-from */
    debar_str_t         from_file[DEBAR_VALUE_KINDS];
    debar_str_t         id;
    debar_str_t         name;
    unsigned            made;     /* by an import */
    unsigned            others;   /* keys that an import does not write */
} debar_rows_t;

/* Room of *rows is kept between calls. */

void debar_rows_read(debar_rows_t *rows, const char *data, size_t len);
void debar_rows_free(debar_rows_t *rows);

/*
 * What a row holds, in out (values unquoted): its value, its source.  more:
 * it has other keys.  DEBAR_ERROR: it is no row of one value.
 */

int debar_rows_item(const char *data, size_t len, const char *key,
    debar_buf_t *out, debar_str_t *value, debar_str_t *source, unsigned *more);

/* "TEXT" of YAML, and of a flow map. */

void debar_rows_quote(debar_buf_t *b, debar_str_t s);


#endif /* DEBAR_IMPORT_ROWS_H */
