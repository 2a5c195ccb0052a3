/*
 * PDF (ISO 32000), what its parts share: objects and the data of their streams
 * (peel_pdf.c, peel_pdf_filter.c), and text of content streams
 * (peel_pdf_text.c).
 */

#ifndef DEBAR_PEEL_PDF_H
#define DEBAR_PEEL_PDF_H

#include "peel_node.h"


#define DEBAR_PDF_OBJECTS  50000
#define DEBAR_PDF_DICT     16384  /* of a dictionary as much is looked at */
#define DEBAR_PDF_CMAPS    64
#define DEBAR_PDF_WIDTHS   64
#define DEBAR_PDF_CODES    65536  /* of all fonts, ranges of codes */
#define DEBAR_PDF_LOOKUPS  8192   /* of fonts, in all */


typedef struct {
    unsigned       number;
    unsigned       order;         /* in the file: of several the last is it */
    debar_str_t    dict;
    debar_str_t    stream;        /* data NULL: it is none */
    unsigned       page;          /* whose contents it is: object + 1 */
} debar_pdf_object_t;

typedef struct {
    unsigned       lo;
    unsigned       hi;
    unsigned       n;
    uint16_t       to[4];         /* of lo, in UTF-16 */
} debar_pdf_code_t;

typedef struct {
    unsigned       object;        /* its number */
    unsigned       width;         /* of a code, in bytes */
    size_t         first;         /* in codes */
    size_t         n;
} debar_pdf_cmap_t;

typedef struct {
    unsigned       object;        /* a font's number */
    unsigned       first;         /* code */
    unsigned       n;
    uint16_t       usual;
    uint16_t      *widths;        /* in thousandths of its size; NULL: not
                                     known */
} debar_pdf_widths_t;

typedef struct {
    debar_node_t        *node;
    debar_buf_t          held;
    debar_buf_t          inner;       /* of object streams, together */
    unsigned             full;
    unsigned             sealed;
    debar_pdf_object_t  *objects;
    size_t               nobjects;
    size_t               room;
    debar_pdf_code_t    *codes;
    size_t               ncodes;
    size_t               codes_room;
    debar_pdf_cmap_t     cmaps[DEBAR_PDF_CMAPS];
    unsigned             ncmaps;
    debar_pdf_widths_t   widths[DEBAR_PDF_WIDTHS];
    unsigned             nwidths;
    unsigned             lookups;
} debar_pdf_t;


/* --- lexer --------------------------------------------------------------- */

typedef enum {
    DEBAR_PDF_END = 0,
    DEBAR_PDF_NUMBER,
    DEBAR_PDF_NAME,               /* without its slash, as it is written */
    DEBAR_PDF_STRING,             /* literal: what is in the brackets */
    DEBAR_PDF_HEX,
    DEBAR_PDF_OPEN,               /* [ << and so on: one byte of them */
    DEBAR_PDF_CLOSE,
    DEBAR_PDF_WORD
} debar_pdf_token_e;

typedef struct {
    unsigned     type;            /* debar_pdf_token_e */
    debar_str_t  text;
    double       number;
} debar_pdf_token_t;

/* Takes a token off the front of s. */

unsigned debar_pdf_token(debar_pdf_token_t *t, debar_str_t *s);

/* The bytes of a string, at most size. */

size_t debar_pdf_string(const debar_pdf_token_t *t, char *out, size_t size);

/* What stands behind a key of a dictionary ("/Filter"), of a key that is there
 * several times where the first byte of what follows is one of first (NULL:
 * any); empty: it is not there. */

debar_str_t debar_pdf_get(debar_str_t dict, const char *key,
    const char *first);

/* "12 0 R": 12; 0: it is no reference. */

unsigned debar_pdf_reference(debar_str_t s);


/* --- objects ------------------------------------------------------------- */

const debar_pdf_object_t *debar_pdf_object(const debar_pdf_t *pdf,
    unsigned number);

/* Undoes the filters of a stream into out.  DEBAR_DECLINED: it has one that
 * makes no text; DEBAR_ERROR: a bound. */

int debar_pdf_decode(debar_node_t *node, const debar_pdf_object_t *o,
    debar_buf_t *out);


/* --- text ---------------------------------------------------------------- */

/* How wide the characters of a font are (peel_pdf_width.c); NULL: not known. */

const debar_pdf_widths_t *debar_pdf_widths(debar_pdf_t *pdf,
    const debar_pdf_object_t *font);

/* A dictionary or array that is a member of another, or that it refers to. */

debar_str_t debar_pdf_region(const debar_pdf_t *pdf, debar_str_t dict,
    const char *key);

/* Lines of a content stream, in a container "page" where there are any. */

int debar_pdf_content(debar_pdf_t *pdf, const debar_pdf_object_t *o,
    debar_str_t data);


#endif /* DEBAR_PEEL_PDF_H */
