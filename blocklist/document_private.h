/*
 * What document.c, document_mark.c and document_role.c share: the containers
 * that are open, and the fields that wait for the end of their line.
 */

#ifndef DEBAR_DOCUMENT_PRIVATE_H
#define DEBAR_DOCUMENT_PRIVATE_H

#include "document.h"
#include "judge_private.h"


/* Containers that are kept; what stands deeper counts to the last of them. */

#define DEBAR_DOC_FRAMES    512
#define DEBAR_DOC_NAME       64

/* Fields and bytes that wait; what is more is given out by itself. */

#define DEBAR_DOC_FIELDS    512
#define DEBAR_DOC_BYTES  262144
#define DEBAR_DOC_VALUE   16384

/* A name, its value, and what else stands with them (a type, a label). */

#define DEBAR_DOC_PAIR        4

#define DEBAR_DOC_COLUMNS    32
#define DEBAR_DOC_ORDER      64


typedef struct {
    char        name[DEBAR_DOC_NAME];     /* cut; NUL-terminated */
    uint32_t    first;            /* fields from here on stand in it */
    uint32_t    bytes;            /* and their bytes */
    uint16_t    syntax;
    uint8_t     document;
    uint8_t     children;         /* it holds containers */
    uint8_t     role;             /* what its name says of what is in it */
    uint8_t     is_line;          /* of the format */
    uint8_t     open_line;        /* a line of segments is open */
    uint8_t     repeated;         /* it is one of several */
    uint8_t     pair;             /* a field's name and its value */
    uint8_t     gave_lines;       /* lines have come out of it */
    uint8_t     knows;            /* a format has begun in it */
    uint8_t     scope;            /* what was outside is kept in these: */
    uint32_t    line_first;       /* where the open line's fields begin */
    uint32_t    mark, nmarks;
    unsigned    root, instance, number;
    uint8_t     cancels, keeps;
} debar_frame_t;

typedef struct {
    uint32_t    name, name_len;   /* in bytes */
    uint32_t    value, value_len;
    uint32_t    path, path_len;   /* with its NUL */
    uint64_t    offset;
    uint32_t    index;            /* number in a form's name, or 0 */
    uint32_t    next;             /* field that may be of the same index */
    uint16_t    depth;            /* frames around it, its own among them */
    uint16_t    above;            /* of the frame whose role covers it; 0 */
    uint16_t    element;          /* of a segment: of "03.2" 3, else 0 */
    uint16_t    component;        /* ... 2, or 0 */
    uint8_t     role;             /* its own */
    uint8_t     covered;          /* the role of that frame */
    uint8_t     fixed;            /* a mark says so */
    uint8_t     settled;
    uint8_t     withdraws;
    uint8_t     zero;             /* a quantity of nothing */
} debar_pending_t;

struct debar_document_s {
    debar_list_t      *list;
    debar_line_pt      sink;
    void              *data;

    unsigned           nframes;
    unsigned           deeper;    /* containers past DEBAR_DOC_FRAMES */
    unsigned           instance;
    unsigned           instances;
    unsigned           number;
    unsigned           cancels;   /* a mark says that it takes an order back */
    unsigned           keeps;     /* and one that it does not */
    unsigned           told;
    uint32_t           mark;      /* first mark of the format in force */
    uint32_t           nmarks;
    unsigned           root;      /* frames at its root */
    size_t             order_len;
    char               order[DEBAR_DOC_ORDER];

    unsigned           ncolumns;  /* of a table with a heading */
    uint8_t            columns[DEBAR_DOC_COLUMNS];
    unsigned           column_depth;

    unsigned           after;     /* the last event was the last field's */
    unsigned           holder;    /* frames at which a peeled value stands */
    unsigned           aside;     /* what goes out is around a format */
    unsigned           reads;     /* a document began in it */
    uint32_t           held;      /* that value among the fields */
    uint32_t           nfields;
    uint32_t           nbytes;
    debar_frame_t      frames[DEBAR_DOC_FRAMES];
    debar_pending_t    fields[DEBAR_DOC_FIELDS];
    debar_field_t      out[DEBAR_MAX_LINE_FIELDS];
    char               bytes[DEBAR_DOC_BYTES];
};


static inline debar_str_t
debar_pending_name(const debar_document_t *d, const debar_pending_t *p)
{
    return debar_str(d->bytes + p->name, p->name_len);
}


static inline debar_str_t
debar_pending_value(const debar_document_t *d, const debar_pending_t *p)
{
    return debar_str(d->bytes + p->value, p->value_len);
}


static inline int
debar_role_goods(unsigned role)
{
    return role == DEBAR_ROLE_MAKER || role == DEBAR_ROLE_PART
           || role == DEBAR_ROLE_SUPPLIER_PART || role == DEBAR_ROLE_GTIN
           || role == DEBAR_ROLE_NAME || role == DEBAR_ROLE_DESCRIPTION
           || role == DEBAR_ROLE_PACKAGE;
}


static inline int
debar_role_aside(unsigned role)
{
    return role == DEBAR_ROLE_NOTE || role == DEBAR_ROLE_PERSON
           || role == DEBAR_ROLE_PARTY || role == DEBAR_ROLE_SEARCH;
}


/* document_role.c: what the name of a field says by the channels' words: the
 * whole of it, else without its first words ("line_itemSku": sku). */

unsigned debar_name_role(debar_list_t *list, debar_str_t name);

/* The same of a form's field: "items[0][sku]", "item_1_sku", "ship[name]".
 * *index: its number and one, or 0; *covered: the role of what is around it. */

unsigned debar_form_role(debar_list_t *list, debar_str_t name, uint32_t *index,
    unsigned *covered);

/* The field's name without its number: "NEW_ITEM-VENDORMAT" for [2]. */

size_t debar_form_base(char *out, size_t size, debar_str_t name,
    uint32_t *index);

int debar_is_prose(debar_str_t s);
int debar_is_zero(debar_str_t s);

/* { "name": "sku", "value": "..." }: the value's role is what its key says.
 * Fields from first on at this depth.  Returns whether it is such a pair. */

int debar_key_values(debar_document_t *d, uint32_t first, unsigned depth);


/* document_mark.c: whether a format begins with this container or field. */

int debar_mark_begins(debar_document_t *d, debar_str_t name, debar_str_t value,
    unsigned syntax);

/* The use of a container by the format in force, or 0; *role of a FIELD. */

unsigned debar_mark_container(debar_document_t *d, unsigned *role);

/* Settles a field by the format in force: its role, what it cancels. */

/* Where in "03.2": the element, and the component or 0; 0: no such name. */

uint16_t debar_position(debar_str_t name, uint16_t *component);
void debar_mark_field(debar_document_t *d, debar_pending_t *p, uint32_t first);

/* Components that are one text; fields from first on, of the top frame. */

void debar_mark_join(debar_document_t *d, uint32_t first);

debar_str_t debar_mark_format(const debar_document_t *d);
unsigned debar_mark_activity(const debar_document_t *d);
unsigned debar_mark_early(const debar_document_t *d);
unsigned debar_mark_returns(const debar_document_t *d);


/* document.c */

debar_pending_t *debar_document_add(debar_document_t *d, debar_str_t name,
    debar_str_t value, const char *path, uint64_t offset);


#endif /* DEBAR_DOCUMENT_PRIVATE_H */
