/*
 * Text of office documents, read from the XML of one of their parts: word
 * processing, slides and sheets of Office Open XML (ECMA-376) and OpenDocument
 * (ISO/IEC 26300).  For peel_archive.c.
 *
 * Formatting cuts words of these formats into runs: a paragraph is told as one
 * value "p".  Rows of tables and sheets are containers "row", their cells values
 * that are named by their column, "A", "B", ... "AA".
 */

#ifndef DEBAR_PEEL_OFFICE_H
#define DEBAR_PEEL_OFFICE_H

#include "peel_node.h"


typedef enum {
    DEBAR_OFFICE_NONE = 0,        /* a member like any other */
    DEBAR_OFFICE_SKIP,            /* styles, fonts, settings: nothing to read */
    DEBAR_OFFICE_TEXT,            /* paragraphs of Office Open XML */
    DEBAR_OFFICE_OPEN,            /* OpenDocument content */
    DEBAR_OFFICE_STRINGS,         /* that cells of sheets share */
    DEBAR_OFFICE_SHEET
} debar_office_e;

/* What a member of an office file is. */

unsigned debar_office_part(const char *path);


typedef struct debar_office_s  debar_office_t;

/* node: who tells; its strings are there for all parts.  NULL: no memory. */

debar_office_t *debar_office_new(debar_node_t *node);

/* begin; then the bytes; end.  DEBAR_ERROR: it is no such XML from here on. */

int debar_office_begin(debar_office_t *o, unsigned part);
int debar_office_push(debar_office_t *o, const char *data, size_t len);
int debar_office_end(debar_office_t *o);

void debar_office_free(debar_office_t *o);


#endif /* DEBAR_PEEL_OFFICE_H */
