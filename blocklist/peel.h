/*
 * Peeling: what bytes carry, decoded to their leaves (DESIGN section 6).
 *
 * Bytes go in as they stream; events come out, in document order: containers
 * that begin and end, and values.  A value that is itself an encoding, or a
 * document, is peeled in its turn, as a container inside of the one it stands
 * in.  Nothing is recursive on input, everything is bounded, and what a bound
 * left unread is said, never hidden.
 *
 * Pure, but for the libraries' memory: no files, no sockets, no clock.
 */

#ifndef DEBAR_PEEL_H
#define DEBAR_PEEL_H

#include "debar.h"


typedef enum {
    DEBAR_SYNTAX_TEXT = 0,        /* text, one value a line or cell */
    DEBAR_SYNTAX_FORM,            /* urlencoded pairs (WHATWG URL s.5.1) */
    DEBAR_SYNTAX_MULTIPART,       /* RFC 2046, form-data RFC 7578, signed AS2 */
    DEBAR_SYNTAX_JSON,            /* RFC 8259; also lines of it */
    DEBAR_SYNTAX_XML,
    DEBAR_SYNTAX_GRAPHQL,         /* a query's own arguments */
    DEBAR_SYNTAX_X12,             /* ANSI ASC X12: ISA .. IEA */
    DEBAR_SYNTAX_EDIFACT,         /* ISO 9735: UNA, UNB .. UNZ */
    DEBAR_SYNTAX_PROTOBUF,        /* also gRPC, gRPC-web: strings found */
    DEBAR_SYNTAX_ZIP,             /* members; docx, xlsx, ods, odt */
    DEBAR_SYNTAX_PDF,             /* text of its streams */
    DEBAR_SYNTAX_COOKIE,          /* RFC 6265 pairs */
    DEBAR_SYNTAX_HTML,            /* hidden fields of its forms */
    DEBAR_SYNTAX_PLIST,           /* Apple property list (XML): keys name */
    DEBAR_SYNTAX_ENCODING,        /* gzip, br, base64, hex, ...: name says */
    DEBAR_SYNTAXES
} debar_syntax_e;

const char *debar_syntax_name(unsigned syntax);   /* "form", "json", ... */


/* The separators that an interchange says it has; 0: it has none. */

typedef struct {
    char          element;
    char          component;
    char          repetition;
    char          release;
    char          terminator;
    char          decimal;        /* of UNA; 0: there was none */
} debar_peel_marks_t;


typedef enum {
    DEBAR_PEEL_BEGIN = 1,         /* a document, object, array, element,
                                     segment, part, member */
    DEBAR_PEEL_END,
    DEBAR_PEEL_VALUE
} debar_peel_e;

/*
 * One event.  Everything in it lives until the sink returns.
 *
 * name: of an object's member its key; of an element its local name (namespace
 * prefix cut), "@name" of an attribute; of a pair its field, decoded; of a
 * segment its tag ("PO1", "LIN"), of its elements their position, two digits
 * ("07"; components "03.2"); of a part its form-data name, or ""; of a member
 * its path; of a decoding what was undone ("gzip", "base64").  Empty: in an
 * array, or the text of a document as a whole.
 *
 * A document or a decoding: what was undone; of a document the name of the value,
 * part or member that it was (through decodings), which may be empty.
 *
 * nth: from 1, among siblings of the same name (or in its array).
 *
 * value: UTF-8 where its charset could be told, else its bytes.  It is decoded
 * as far as its syntax says (JSON and XML escapes, form pluses), not further:
 * the judge reads it in all its ways (debar_text_decode()).
 *
 * path: the way to it for people, plain ASCII, NUL-terminated, at most
 * DEBAR_MAX_PEEL_PATH bytes, the middle left out ("...") where it is longer:
 * "form:cxml-base64/base64/xml:/cXML/Request/OrderRequest/ItemOut[2]/@quantity"
 */

#define DEBAR_MAX_PEEL_PATH  256

typedef struct {
    unsigned      event;          /* debar_peel_e */
    unsigned      syntax;         /* of the document that it stands in; BEGIN of
                                     a document: its own */
    unsigned      document;       /* BEGIN, END: of a document or a decoding as
                                     a whole, not of something in one */
    unsigned      depth;          /* containers around it */
    debar_str_t   name;
    unsigned      nth;
    debar_str_t   value;
    const char   *path;
    uint64_t      offset;         /* bytes that had come in when it was whole */
    const debar_peel_marks_t *marks;  /* in X12 and EDIFACT: those in force */
} debar_peel_event_t;

/* DEBAR_OK to go on, DEBAR_DECLINED: enough, nothing more is read. */

typedef int (*debar_peel_pt)(void *data, const debar_peel_event_t *ev);


/* Bounds; 0: the default.  Reaching one sets its bit in debar_peel_bounds(). */

typedef struct {
    unsigned      depth;          /* decodings and documents inside of each
                                     other: 6 */
    unsigned      nodes;          /* of them in all: 64 */
    unsigned      nesting;        /* containers inside of one document: 256 */
    uint64_t      leaves;         /* values: 100,000, and one more for 24 bytes
                                     that came or were decoded: an order of
                                     ten thousand lines is read */
    uint64_t      expanded;       /* bytes that decodings made: 8 MiB past ... */
    unsigned      ratio;          /* ... 1 MiB, or so many times what came: 100 */
    size_t        held;           /* bytes that wait for their end (a value, a
                                     member, a format that does not stream):
                                     8 MiB */
} debar_peel_limits_t;

#define DEBAR_PEEL_DEPTH     0x01
#define DEBAR_PEEL_NODES     0x02
#define DEBAR_PEEL_NESTING   0x04
#define DEBAR_PEEL_LEAVES    0x08
#define DEBAR_PEEL_EXPANDED  0x10
#define DEBAR_PEEL_HELD      0x20
#define DEBAR_PEEL_BROKEN    0x40   /* labelled as something that it is not, or
                                       cut off: what could be read was */
#define DEBAR_PEEL_SEALED    0x80   /* encrypted: a ZIP member, S/MIME, PDF */


/* What is known of the bytes beforehand; each may be empty.  Labels are hints:
 * what the bytes are is looked at too. */

typedef struct {
    debar_str_t   content_type;   /* field value, with its parameters */
    debar_str_t   content_encoding;
    debar_str_t   content_disposition;
    debar_str_t   name;           /* of the root in paths: "body", "cookie" */
    unsigned      syntax;         /* the caller knows: DEBAR_SYNTAX_COOKIE,
                                     DEBAR_SYNTAX_FORM (a query); TEXT: look */
    unsigned      utf8;           /* no charset is to be undone (any more) */
} debar_peel_input_t;

typedef struct debar_peel_s  debar_peel_t;

/* Copies what it needs of in; limits may be NULL.  NULL: no memory. */

debar_peel_t *debar_peel_new(const debar_peel_input_t *in,
    const debar_peel_limits_t *limits, debar_peel_pt sink, void *data);

/* DEBAR_OK; DEBAR_DECLINED: the sink has enough, and further calls do
 * nothing.  Never fails otherwise: what cannot be read sets a bound's bit. */

int debar_peel_push(debar_peel_t *p, const char *data, size_t len);
int debar_peel_finish(debar_peel_t *p);

unsigned debar_peel_bounds(const debar_peel_t *p);   /* DEBAR_PEEL_* bits */

/* Its labels and limits, defaults filled in; before bytes were pushed. */

const debar_peel_input_t *debar_peel_labels(const debar_peel_t *p,
    const debar_peel_limits_t **limits);

/* "more levels than are looked into", static text, of the first bit. */

const char *debar_peel_fault(unsigned bounds);

void debar_peel_free(debar_peel_t *p);


#endif /* DEBAR_PEEL_H */
