/*
 * What a source may hold, as data: which keys a map has, in which order they
 * are written, and what stands behind each.  The editors' JSON Schema and the
 * canonical form are made from it; t/list_schema.t holds it against the reader.
 */

#ifndef DEBAR_SCHEMA_H
#define DEBAR_SCHEMA_H

#include "debar.h"


typedef enum {
    DEBAR_S_TEXT = 0,
    DEBAR_S_ID,
    DEBAR_S_DATE,
    DEBAR_S_NUMBER,               /* from 1 on */
    DEBAR_S_BOOL,
    DEBAR_S_WEB,                  /* http:// or https:// */
    DEBAR_S_WORD,                 /* one of `of`, separated by spaces */
    DEBAR_S_ANY,                  /* text, or nothing */
    DEBAR_S_MAP                   /* an object named `of` */
} debar_schema_type_e;

#define DEBAR_S_REQUIRED  1
#define DEBAR_S_LIST      2       /* a list of those */
#define DEBAR_S_FULL      4       /* that holds one at least */
#define DEBAR_S_KEYED     8       /* a map of any keys to those */
#define DEBAR_S_ROWS     16       /* values of the kind of that name */

typedef struct {
    const char  *name;            /* NULL: the end */
    unsigned     type;
    unsigned     flags;
    const char  *of;
    const char  *about;           /* a line for the editor */
    const char  *keys;            /* of a map of any keys: which, as `of` */
} debar_schema_key_t;

typedef struct {
    const char                *name;      /* "vendor" */
    const debar_schema_key_t  *keys;
    const char                *one_of;    /* just one of these keys */
    const char                *any_of;    /* one of these keys at least */
} debar_schema_t;

/* NULL: there is none of that name.  "list", "vendor", "waivers" and "channel"
 * are files; "row" is a row of kind. */

const debar_schema_t *debar_schema(const char *name);

/* The keys of a row of a kind ("hosts"), at most max, with NULL at the end. */

size_t debar_schema_row(const char *kind, debar_schema_key_t *keys, size_t max);

/* The JSON Schema (2020-12) of a file, to b.  DEBAR_DECLINED: no such file. */

int debar_schema_json(debar_buf_t *b, const char *file);


#endif /* DEBAR_SCHEMA_H */
