/*
 * Purchase documents: from peeled events to lines (DESIGN section 6).
 *
 * A line is one thing that is bought: what a cart, an order, a punch-out or a
 * quote has once for each item.  What the fields of a format mean, what a line
 * is there and what cancels one is data: "documents" of channels/ (README.md
 * there); where no document fits, fields are read by the channels' field names,
 * and the nearest repeated container is the line.
 */

#ifndef DEBAR_DOCUMENT_H
#define DEBAR_DOCUMENT_H

#include "peel.h"
#include "judge.h"


/* At most; what is more is judged as if it stood outside of lines. */

#define DEBAR_MAX_LINE_FIELDS   64

typedef struct {
    unsigned      role;           /* debar_role_e */
    debar_str_t   name;           /* of the field, as it came */
    debar_str_t   value;
    const char   *path;
    uint64_t      offset;
} debar_field_t;

typedef struct {
    unsigned              instance;   /* of the document, counted in the body */
    unsigned              number;     /* in its document, from 1; 0: values
                                         outside of any line */
    unsigned              cancelled;  /* its document takes back an order: what
                                         it said so far, and what follows.
                                         Told at once, with no fields */
    unsigned              early;      /* its document would have said so before
                                         its first line */
    debar_str_t           order;      /* number of the order, where told */
    debar_str_t           document;   /* id: "cxml-order", "oci", "x12-850";
                                         "" where none fits */
    unsigned              activity;   /* that the document means, or
                                         DEBAR_ACTIVITIES: the request's own */
    unsigned              returns;    /* such a document comes back to a buyer
                                         in an answer (response.h) */
    unsigned              withdrawn;  /* quantity 0, delete, cancelled */
    unsigned              nfields;
    const debar_field_t  *fields;
} debar_line_t;

/* Called for each line when it is whole, and for values outside of lines one
 * at a time (number 0); then once without fields where a document cancels.
 * DEBAR_DECLINED: enough. */

typedef int (*debar_line_pt)(void *data, const debar_line_t *line);

typedef struct debar_document_s  debar_document_t;

debar_document_t *debar_document_new(debar_list_t *list, debar_line_pt sink,
    void *data);

/* A debar_peel_pt. */

int debar_document_event(void *document, const debar_peel_event_t *ev);

/* Shows the sink what is open as if it ended here, and keeps it: what came may
 * be enough already.  Returns what the sink does. */

int debar_document_peek(debar_document_t *d, debar_line_pt sink, void *data);

/* Bytes that had come in when the oldest of what is open did. */

uint64_t debar_document_since(const debar_document_t *d);

/* Lines that are still open end here. */

int debar_document_finish(debar_document_t *d);
void debar_document_free(debar_document_t *d);


#endif /* DEBAR_DOCUMENT_H */
