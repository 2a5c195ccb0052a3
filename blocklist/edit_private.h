/*
 * What the files of edits share.  Nobody else includes this.
 *
 *   edit_tree.c    YAML to nodes that know their bytes
 *   edit.c         edits gathered, made at once, and proved
 *   edit_quote.c   text as a scalar
 *   edit_row.c     rows of a vendor
 *   edit_format.c  canonical form
 */

#ifndef DEBAR_EDIT_PRIVATE_H
#define DEBAR_EDIT_PRIVATE_H

#include "edit.h"
#include "source_private.h"


/* Bytes [start, end) become text; those with the same start in their order. */

typedef struct {
    size_t   start;
    size_t   end;
    size_t   seq;
    char    *text;
    size_t   len;
} debar_splice_t;

/* A new item or pair, until the text is made. */

typedef struct {
    debar_edit_node_t  *node;
    char               *key;      /* of a pair, or NULL */
    char               *yaml;
    char               *comment;  /* or NULL */
    unsigned            as_list;
    size_t              seq;
    size_t              after;    /* of a pair: behind so many of the items */
} debar_edit_new_t;

struct debar_edit_s {
    const char          *data;
    size_t               len;
    const char          *eol;     /* "\n" or "\r\n" */
    debar_edit_node_t   *root;
    debar_edit_node_t  **nodes;   /* all of them, for freeing */
    size_t               nnodes;
    size_t               size;
    debar_splice_t      *splices;
    size_t               nsplices;
    size_t               splices_size;
    debar_edit_new_t    *news;
    size_t               nnews;
    size_t               news_size;
    debar_edit_node_t  **touched;
    size_t               ntouched;
    size_t               touched_size;
};

#define DEBAR_EDIT_DEPTH  DEBAR_MAX_DEPTH

/* The tree as bytes that are equal where two texts say the same, with the
 * edits made. */

void debar_edit_flat(const debar_edit_node_t *root, debar_buf_t *out);

/* The same without the order of keys in maps. */

void debar_edit_flat_sorted(const debar_edit_node_t *root, debar_buf_t *out);

/* The flat form of one line of YAML; DEBAR_ERROR: it is not a node. */

int debar_edit_flat_text(const char *yaml, debar_buf_t *out,
    debar_fault_t *why);

/* Behind white space and comments at p. */

size_t debar_edit_skip(const debar_edit_t *e, size_t p);

/* The beginning of the line of p; behind the end of the line of p. */

size_t debar_edit_line_start(const debar_edit_t *e, size_t p);
size_t debar_edit_line_end(const debar_edit_t *e, size_t p);

/* Whether plain text may stand on one line, in brackets, and means itself;
 * whether another reader would take it for something else than text. */

int debar_edit_plain(const char *data, size_t len);
int debar_edit_typed(const char *data, size_t len);


#endif /* DEBAR_EDIT_PRIVATE_H */
