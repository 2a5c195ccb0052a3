/*
 * What lean.c and lean_read.c share: readers give names and values, and put
 * down what they had to decode; lean.c looks at them.
 */

#ifndef DEBAR_LEAN_PRIVATE_H
#define DEBAR_LEAN_PRIVATE_H

#include "lean.h"
#include "body_private.h"
#include "judge_private.h"
#include "peel_private.h"


/* What bytes are: of a value, those of all of its bytes together. */

#define DEBAR_LEAN_BAD      0x0001   /* controls, DEL, beyond ASCII */
#define DEBAR_LEAN_NO64     0x0002   /* of no base64 */
#define DEBAR_LEAN_NOHEX    0x0004   /* of no hex with its separators */
#define DEBAR_LEAN_NOGTIN   0x0008   /* no digit, space or hyphen */
#define DEBAR_LEAN_CODE     0x0010   /* may begin an escape: % & \ */
#define DEBAR_LEAN_MORE     0x0020   /* of forms and documents: = { [ */
#define DEBAR_LEAN_COLON    0x0040
#define DEBAR_LEAN_SLASH    0x0080
#define DEBAR_LEAN_DOT      0x0100
#define DEBAR_LEAN_BLANK    0x0200   /* tab, line breaks */
#define DEBAR_LEAN_SPACE    0x0400
#define DEBAR_LEAN_JSON     0x0800   /* ends a run of a string in JSON, ... */
#define DEBAR_LEAN_FORM     0x1000   /* of a form, ... */
#define DEBAR_LEAN_XML      0x2000   /* of text or an attribute in XML */
#define DEBAR_LEAN_NAME     0x4000   /* of a name in XML */

extern const uint16_t  debar_lean_byte[256];


#define DEBAR_LEAN_VALUES  16384
#define DEBAR_LEAN_LONG     6144     /* of a value: what the engine looks at in
                                        pieces */
#define DEBAR_LEAN_SPELT      58     /* of a name */
#define DEBAR_LEAN_SETS      512
#define DEBAR_LEAN_WAYS        4
#define DEBAR_LEAN_LEVELS     64

typedef struct {
    const char            *data;
    uint32_t               len;
    uint32_t               bytes;    /* DEBAR_LEAN_* of them */
} debar_lean_value_t;

/* Beside roles (a bit each): names of what a request inside of a body has. */

#define DEBAR_LEAN_METHOD   0x40000000u
#define DEBAR_LEAN_TARGET   0x80000000u
#define DEBAR_LEAN_REQUEST  (DEBAR_LEAN_METHOD|DEBAR_LEAN_TARGET)

/* A name whose roles are known: those that it may give, by any way. */

typedef struct {
    uint32_t               roles;
    uint8_t                len;      /* 0: free */
    char                   data[DEBAR_LEAN_SPELT + 1];
} debar_lean_name_t;              /* a line of cache */

typedef struct debar_lean_s  debar_lean_t;

struct debar_lean_s {
    debar_term_index_t     terms;    /* none of them hides another */
    debar_verdict_t        found;
    uint8_t                next[DEBAR_LEAN_SETS];
    debar_lean_name_t      names[DEBAR_LEAN_SETS][DEBAR_LEAN_WAYS];
    debar_lean_value_t     values[DEBAR_LEAN_VALUES];
    char                   decoded[DEBAR_LEAN_MOST + 64];
    char                   tokens[DEBAR_LEAN_MOST + 64];
};

typedef struct {
    debar_list_t          *list;
    debar_lean_t          *room;
    const char            *data;     /* the body, */
    const char            *end;
    char                  *put;      /* in room->decoded */
    size_t                 nvalues;
    uint64_t               most;     /* values, containers in each other */
    unsigned               levels;
    uint32_t               roles;    /* that a value may have */
    debar_str_t            shops[DEBAR_SHOPS];
    unsigned               nshops;
} debar_lean_pass_t;


/* lean.c: both 0: not plain.  A name is one of a field or a container, as the
 * engine tells it; form: of a form, where a number in brackets says nothing. */

int debar_lean_name(debar_lean_pass_t *l, const char *name, size_t len,
    unsigned bytes, int form);

static inline int
debar_lean_value(debar_lean_pass_t *l, const char *data, size_t len,
    unsigned bytes)
{
    debar_lean_value_t  *v;

    if (l->nvalues == l->most || len > DEBAR_LEAN_LONG
        || (bytes & DEBAR_LEAN_BAD))
    {
        return 0;
    }

    v = &l->room->values[l->nvalues++];
    v->data = data;
    v->len = len;
    v->bytes = bytes;

    return 1;
}


/* lean_read.c: 1: all of it was read, and is what its syntax says. */

int debar_lean_form(debar_lean_pass_t *l);
int debar_lean_json(debar_lean_pass_t *l);
int debar_lean_xml(debar_lean_pass_t *l);


#endif /* DEBAR_LEAN_PRIVATE_H */
