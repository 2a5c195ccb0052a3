/*
 * What the parts of peeling share: a node reads one document or undoes one
 * decoding, and gives what it finds to the engine (peel.c), which opens the
 * next node where a value is more than text.
 */

#ifndef DEBAR_PEEL_NODE_H
#define DEBAR_PEEL_NODE_H

#include "peel.h"


typedef struct debar_node_s  debar_node_t;

/*
 * A reader of one syntax.  push() takes any cut of the bytes; both return
 * DEBAR_OK, DEBAR_DECLINED (the sink has enough), or DEBAR_ERROR: the bytes are
 * not of this syntax from here on (the engine then says so, and looks at what
 * is left as text).  free() releases what open() made in node->state.
 */

typedef struct {
    unsigned      syntax;
    const char   *name;
    int         (*open)(debar_node_t *node);
    int         (*push)(debar_node_t *node, const char *data, size_t len);
    int         (*finish)(debar_node_t *node);
    void        (*free)(debar_node_t *node);
} debar_reader_t;

struct debar_node_s {
    const debar_reader_t  *reader;
    debar_peel_t          *peel;
    debar_node_t          *parent;
    void                  *state;        /* the reader's */
    debar_peel_input_t     in;           /* labels of this node's bytes; copies
                                            owned by the node */
};


/* --- for readers (peel.c) ------------------------------------------------ */

/* Each returns what the reader has to return at once unless it is DEBAR_OK. */

int debar_node_begin(debar_node_t *node, debar_str_t name);
int debar_node_end(debar_node_t *node);

/* A value: told to the sink; then, where it looks like an encoding or a
 * document (whole values only), peeled as a container of the same name. */

int debar_node_value(debar_node_t *node, debar_str_t name, debar_str_t value);

/* Its two halves: only told; only looked into. */

int debar_node_plain(debar_node_t *node, debar_str_t name, debar_str_t value);
int debar_node_inside(debar_node_t *node, debar_str_t name, debar_str_t value);

/*
 * Bytes that stream into a child: a part of a multipart, a member, what a
 * decoding makes.  One child at a time; in: its labels, copied.  A child that
 * there is no memory for is NULL with DEBAR_OK, and NULL may be pushed to and
 * finished.  content_encoding may also name what a Content-Transfer-Encoding
 * does ("base64", "quoted-printable"), listed as applied: the last is undone
 * first.  A child that is still open when its reader is freed is ended by the
 * engine.
 */

int debar_node_child(debar_node_t *node, debar_str_t name,
    const debar_peel_input_t *in, debar_node_t **child);
int debar_child_push(debar_node_t *child, const char *data, size_t len);
int debar_child_finish(debar_node_t *child);     /* and frees it */

/* Accounts for bytes that a decoding has made out of so many.  DEBAR_ERROR: a
 * bound; the reader stops making more. */

int debar_node_expanded(debar_node_t *node, size_t made, size_t of);

/* Room for bytes that must wait for their end; DEBAR_ERROR: a bound. */

int debar_node_hold(debar_node_t *node, debar_buf_t *b, const char *data,
    size_t len);

void debar_node_bound(debar_node_t *node, unsigned bit);

/* The separators of an interchange, told with its events from here on. */

void debar_node_marks(debar_node_t *node, const debar_peel_marks_t *marks);

/*
 * What is left of a document that breaks off (peel_rest.c): BROKEN is set, and
 * the bytes are read as text in a child, from a little before the place.
 * keep(): bytes that were read.
 */

typedef struct {
    debar_node_t  *child;
    unsigned       open;
    size_t         ntail;
    char           tail[128];
} debar_rest_t;

void debar_rest_keep(debar_rest_t *r, const char *data, size_t len);
int debar_rest_open(debar_rest_t *r, debar_node_t *node);
int debar_rest_push(debar_rest_t *r, const char *data, size_t len);
int debar_rest_finish(debar_rest_t *r);

/* A parameter of a field value ("boundary", "charset", "filename*"), RFC 2045,
 * 2231, quoted pairs undone: its length in out, or -1. */

int debar_field_parameter(debar_str_t field, const char *name, char *out,
    size_t size);

/* Moves a field behind the first parameter of that name, to look for another
 * one; 0: there is nothing more. */

unsigned debar_field_behind(debar_str_t *field, const char *name);

/* Encoded words (RFC 2047) undone, what is none as it stands: bytes written. */

size_t debar_field_words(debar_str_t in, char *out, size_t size);


/* --- the readers --------------------------------------------------------- */

extern const debar_reader_t  debar_reader_plain;          /* peel_text.c */
extern const debar_reader_t  debar_reader_media;         /* peel_media.c:
                                                            passed over */
extern const debar_reader_t  debar_reader_form;          /* peel_form.c */
extern const debar_reader_t  debar_reader_cookie;
extern const debar_reader_t  debar_reader_html;          /* peel_html.c */
extern const debar_reader_t  debar_reader_entities;      /* &lt;a&gt; */
extern const debar_reader_t  debar_reader_inflate;       /* peel_zip.c: gzip
                                                            members, zlib, raw */
extern const debar_reader_t  debar_reader_deflate;       /* zlib, raw */
extern const debar_reader_t  debar_reader_brotli;
extern const debar_reader_t  debar_reader_zstd;
extern const debar_reader_t  debar_reader_base64;        /* peel_armour.c: also
                                                            base64url */
extern const debar_reader_t  debar_reader_quoted;        /* quoted-printable */
extern const debar_reader_t  debar_reader_hex;
extern const debar_reader_t  debar_reader_percent;
extern const debar_reader_t  debar_reader_data;          /* data: URLs */
extern const debar_reader_t  debar_reader_words;         /* peel_words.c: RFC
                                                            2047 */
extern const debar_reader_t  debar_reader_token;         /* JWS: its header and
                                                            payload */
extern const debar_reader_t  debar_reader_charset;       /* peel_charset.c: to
                                                            UTF-8, by label,
                                                            BOM, declaration */
extern const debar_reader_t  debar_reader_json;          /* peel_json.c */
extern const debar_reader_t  debar_reader_graphql;       /* peel_graphql.c */
extern const debar_reader_t  debar_reader_xml;           /* peel_xml.c: and
                                                            plist */
extern const debar_reader_t  debar_reader_plist;         /* it becomes this one
                                                            by itself */
extern const debar_reader_t  debar_reader_multipart;     /* peel_multipart.c */
extern const debar_reader_t  debar_reader_mime;          /* message/rfc822: one
                                                            entity, headers
                                                            first */
extern const debar_reader_t  debar_reader_http;          /* peel_http.c:
                                                            application/http */
extern const debar_reader_t  debar_reader_cms;           /* peel_cms.c:
                                                            application/
                                                            pkcs7-mime */
extern const debar_reader_t  debar_reader_x12;           /* peel_edi.c */
extern const debar_reader_t  debar_reader_edifact;
extern const debar_reader_t  debar_reader_protobuf;      /* peel_protobuf.c */
extern const debar_reader_t  debar_reader_archive;       /* peel_archive.c:
                                                            ZIP */
extern const debar_reader_t  debar_reader_pdf;           /* peel_pdf.c */

/*
 * EDI by its first bytes (peel_edi.c): 106 of X12, 16 of EDIFACT; NULL: it is
 * neither, or these are too few.  Both readers give a container for each segment
 * and in it a value for each element that is not empty: "03"; one of several
 * components is "03.1", "03.2", ...  (X12: after the element as a whole, "03",
 * since no purchase document has components, and text may hold the separator.)
 */

const debar_reader_t *debar_edi_look(const char *data, size_t len);

/* What ICU calls the charset of a syntax identifier ("UNOC"), or NULL: ASCII,
 * UTF-8, or unknown. */

const char *debar_edifact_charset_name(const char *id);

/* Which reader fits bytes that begin so (labels first, then what they are);
 * whole: there are no more.  NULL: more bytes are needed to tell.  (peel_look.c)
 */

const debar_reader_t *debar_peel_look(const debar_peel_input_t *in,
    const char *data, size_t len, unsigned whole);

/* The same for a value inside of a document: NULL: it is text.  Encodings are
 * told from words that happen to fit: a base64 value is one where it decodes to
 * something that is clearly text or a document, and is not a word. */

const debar_reader_t *debar_peel_look_value(const char *data, size_t len);


#endif /* DEBAR_PEEL_NODE_H */
