/*
 * Sources changed in place: text in, text out.  What is not changed stays byte
 * for byte, comments, order, quotes and blank lines; libyaml's marks say where
 * a node stands.
 *
 * Edits are gathered and made at once by debar_edit_finish(), which reads the
 * new text and compares it, node by node, with the old one as it should have
 * become: text that cannot be changed safely is refused, never bent.
 *
 * Nothing here opens a file; debar_source_read_over() reads a folder with
 * changed texts in place of its own.
 */

#ifndef DEBAR_EDIT_H
#define DEBAR_EDIT_H

#include "debar.h"


typedef enum {
    DEBAR_EDIT_SCALAR = 0,
    DEBAR_EDIT_LIST,
    DEBAR_EDIT_MAP,
    DEBAR_EDIT_ALIAS
} debar_edit_type_e;

typedef enum {
    DEBAR_EDIT_PLAIN = 0,         /* plain; of a list or map: block style */
    DEBAR_EDIT_SINGLE,
    DEBAR_EDIT_DOUBLE,
    DEBAR_EDIT_BLOCK,             /* | and > */
    DEBAR_EDIT_FLOW               /* [..] and {..} */
} debar_edit_style_e;

typedef struct debar_edit_node_s  debar_edit_node_t;

struct debar_edit_node_s {
    unsigned             type;    /* debar_edit_type_e */
    unsigned             style;   /* debar_edit_style_e */
    unsigned             line;    /* from 1 */
    unsigned             col;     /* from 1, in characters */
    unsigned             anchored;    /* has an anchor or a tag */
    unsigned             null;    /* a plain "", "~" or "null" */
    unsigned             removed;     /* by an edit */
    unsigned             touched;     /* items of it, likewise */
    size_t               start;   /* bytes of the text, from .. */
    size_t               end;     /* .. to, without comments behind it */
    size_t               n;       /* bytes of a scalar, items of a list, twice
                                     the pairs of a map */
    const char          *text;    /* NUL-terminated; of an alias its name */
    debar_edit_node_t  **items;
    debar_buf_t         *added;   /* flat form of what edits put behind the
                                     items, or in place of a scalar */
    size_t               nadded;
};

typedef struct debar_edit_s  debar_edit_t;

/*
 * NULL: *why says where the text is not YAML that a source may hold (one
 * document, UTF-8, at most 16 levels).  The text must outlive the edit.
 */

debar_edit_t *debar_edit_open(const char *data, size_t len,
    debar_fault_t *why);
void debar_edit_free(debar_edit_t *e);

debar_edit_node_t *debar_edit_root(debar_edit_t *e);

/* The value of a map's key; NULL: there is none, or this is no map. */

debar_edit_node_t *debar_edit_get(const debar_edit_node_t *map,
    const char *key);

/*
 * Edits.  yaml: the new item or value as it will stand there, on one line,
 * good inside of brackets (debar_edit_quote()).  comment: without "#", or NULL.
 * DEBAR_ERROR: *why.
 */

int debar_edit_append(debar_edit_t *e, debar_edit_node_t *list,
    const char *yaml, const char *comment, debar_fault_t *why);

/* i: of the items as they stood at first */

int debar_edit_remove(debar_edit_t *e, debar_edit_node_t *list, size_t i,
    debar_fault_t *why);

/* The value at node, whatever it was. */

int debar_edit_replace(debar_edit_t *e, debar_edit_node_t *node,
    const char *yaml, debar_fault_t *why);

/*
 * A key that the map does not have, with a value, or (as_list) a list of one
 * item.  order: names of keys, the last NULL; the new one is put behind the
 * last of those before it.
 */

int debar_edit_key(debar_edit_t *e, debar_edit_node_t *map, const char *key,
    const char *yaml, unsigned as_list, const char *comment,
    const char *const *order, debar_fault_t *why);

/* A key goes, with what stands behind it. */

int debar_edit_unset(debar_edit_t *e, debar_edit_node_t *map, const char *key,
    debar_fault_t *why);

/* The new text, to be freed by the caller.  Once only. */

int debar_edit_finish(debar_edit_t *e, debar_buf_t *out, debar_fault_t *why);

/*
 * Text as a scalar that may stand anywhere on one line; typed: what other
 * readers of YAML would take for a number, a date or a truth value may stay
 * plain, since it is one.
 */

void debar_edit_quote(debar_buf_t *out, const char *data, size_t len,
    unsigned typed);


/* --- rows of a vendor (edit_row.c) ---------------------------------------- */

/* What a row says beside its value; NULL: nothing. */

typedef struct {
    const char         *action;
    const char         *activity;
    const char         *match;
    const char         *subdomains;
    const char         *source;
    const char         *forced;   /* why it stands against a guard rail */
    const char         *why;      /* of a permit */
    const char         *sha256;   /* of a permit */
    const char         *product;  /* of a permit */
    const char         *comment;
    unsigned            pattern;  /* the value is an expression */
    const char *const  *authorities;
    size_t              nauthorities;
} debar_edit_row_t;

/* A row as it stands in a file.  Texts belong to the edit. */

typedef struct {
    debar_edit_node_t  *list;     /* list->items[i] == node */
    size_t              i;
    debar_edit_node_t  *node;
    const char         *kind;     /* "hosts"; "permits" */
    const char         *product;  /* id, or NULL */
    const char         *ecosystem;    /* of a package, or NULL */
    debar_edit_node_t  *value;    /* the scalar; NULL: there is none */
    unsigned            pattern;
} debar_edit_found_t;

/* Each row and permit of a vendor's file, in order; not 0 ends it, and is
 * returned. */

typedef int (*debar_edit_row_pt)(void *data, const debar_edit_found_t *found);

int debar_edit_rows(debar_edit_t *e, debar_edit_row_pt row, void *data);

/*
 * Kinds by any of their names ("hosts", "host"): the name of their list, NULL:
 * unknown, *near is the nearest or NULL.  "permits" is one of them here.
 */

const char *debar_edit_kind(const char *name, const char **near);

/* The name of the key for a plain file ("hosts-from"), of the value ("host");
 * NULL: there is none. */

const char *debar_edit_from(const char *kind);
const char *debar_edit_value(const char *kind);

/* The keys of a vendor, and so of a product, in their order; the last is
 * NULL. */

const char *const *debar_edit_order(void);

/*
 * The map of a vendor, or with product that of its product.  NULL: *why.
 */

debar_edit_node_t *debar_edit_entry(debar_edit_t *e, const char *product,
    debar_fault_t *why);

/*
 * What is looked up by a value: equal for values that mean the same
 * ("KASPERSKY.com", "kaspersky.com").  DEBAR_ERROR: *why says what is wrong
 * with it.  ecosystem: of a package, or NULL where the value has it.
 */

int debar_edit_canonical(debar_buf_t *out, const char *kind,
    const char *ecosystem, const char *value, unsigned pattern,
    debar_fault_t *why);

/* A row of a file likewise; what is wrong there has no key but itself. */

void debar_edit_canonical_row(debar_buf_t *out,
    const debar_edit_found_t *found);

/* The authorities and the reach of a row: rows with the same value may differ
 * in them.  row NULL: of a found one. */

void debar_edit_scope(debar_edit_t *e, debar_buf_t *out,
    const debar_edit_found_t *found, const debar_edit_row_t *row);

/*
 * Rows with this value: at most max to found, returns how many there are.
 * product NULL: in the vendor and all its products.  DEBAR_ERROR: *why.
 */

int debar_edit_find(debar_edit_t *e, const char *product, const char *kind,
    const char *value, unsigned pattern, debar_edit_found_t *found,
    size_t max, debar_fault_t *why);

/* A row as it stands in a file.  DEBAR_ERROR: *why. */

int debar_edit_row_yaml(debar_buf_t *out, const char *kind, const char *value,
    const debar_edit_row_t *row, debar_fault_t *why);

/* Puts a row to its list, which is made where there is none. */

int debar_edit_row_add(debar_edit_t *e, const char *product, const char *kind,
    const char *value, const debar_edit_row_t *row, debar_fault_t *why);

/*
 * Plain files, one value a line: DEBAR_OK: *start, *end are the bytes of the
 * line with this value, *line its number; DEBAR_DECLINED: there is none.
 */

int debar_edit_line_find(const char *data, size_t len, const char *kind,
    const char *value, size_t *start, size_t *end, size_t *line,
    debar_fault_t *why);
void debar_edit_line_add(debar_buf_t *out, const char *data, size_t len,
    const char *value, const char *comment);


/* --- canonical form (edit_format.c) --------------------------------------- */

/*
 * Which file it is: the order of keys follows from it.  Keys in the order of
 * README.md, two spaces a level, quotes where they are needed, one blank line
 * at most; comments stay with what they stand at.
 */

typedef enum {
    DEBAR_FORMAT_LIST = 0,
    DEBAR_FORMAT_VENDOR,
    DEBAR_FORMAT_WAIVERS,
    DEBAR_FORMAT_CHANNEL
} debar_format_file_e;

int debar_edit_format(debar_buf_t *out, const char *data, size_t len,
    unsigned file, debar_fault_t *why);


#endif /* DEBAR_EDIT_H */
