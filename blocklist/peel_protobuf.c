/*
 * Protocol buffers without their schema, by themselves or in the frames of gRPC,
 * gRPC-web (also as base64) and Connect: text is found at any depth.
 *
 * A length-delimited field may be text, a message or bytes, and the wire does
 * not say which: what reads as text is told as a value, what reads as a message
 * is a container, and what reads as both is told as both.  A message is told
 * from other bytes by its fields alone, without a look into them, so that each
 * byte is read once on each level.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <unicode/utf8.h>

#include "peel_node.h"


#define DEBAR_PROTOBUF_NESTING  32

/* Text and numbers that could be an identifier. */

#define DEBAR_PROTOBUF_TEXT     3
#define DEBAR_PROTOBUF_BYTES    4
#define DEBAR_PROTOBUF_NUMBER   100000

#define DEBAR_FRAME             5     /* a flag, and a length of four bytes */
#define DEBAR_FRAME_COMPRESSED  0x01
#define DEBAR_FRAME_TRAILERS    0x80


typedef struct {
    const char  *p;
    const char  *end;
} debar_protobuf_level_t;

typedef struct {
    unsigned     number;
    unsigned     wire;
    uint64_t     n;               /* of a varint */
    debar_str_t  bytes;           /* of a length-delimited field */
} debar_protobuf_field_t;

typedef struct {
    unsigned      framed;
    unsigned      base64;
    unsigned      json;
    unsigned      full;           /* the bound was reached: the rest is passed
                                     over */
    unsigned      seen;           /* a frame was */
    unsigned      head_len;
    char          head[DEBAR_FRAME];
    uint64_t      rest;           /* of a frame */
    unsigned      bits;           /* of base64, that make no byte yet */
    unsigned      nbits;
    debar_node_t *child;
    debar_buf_t   held;
} debar_protobuf_t;


static int debar_protobuf_open(debar_node_t *node);
static int debar_protobuf_push(debar_node_t *node, const char *data,
    size_t len);
static int debar_protobuf_finish(debar_node_t *node);
static void debar_protobuf_free(debar_node_t *node);
static int debar_protobuf_base64(debar_node_t *node, const char *data,
    size_t len);
static int debar_protobuf_frames(debar_node_t *node, const char *data,
    size_t len);
static int debar_protobuf_frame(debar_node_t *node);
static int debar_protobuf_payload(debar_node_t *node, const char *data,
    size_t len);
static int debar_protobuf_framed(debar_node_t *node);
static int debar_protobuf_hold(debar_node_t *node, const char *data,
    size_t len);
static int debar_protobuf_whole(debar_node_t *node, const char *data,
    size_t len);
static int debar_protobuf_is_message(const char *p, const char *end);
static int debar_protobuf_carries(const char *p, const char *end);
static const char *debar_protobuf_piece(debar_str_t *piece, const char *p,
    const char *end, unsigned framed);
static int debar_protobuf_are_pieces(const char *p, const char *end,
    unsigned framed);
static int debar_protobuf_message(debar_node_t *node, const char *p,
    const char *end);
static int debar_protobuf_bytes(debar_node_t *node,
    const debar_protobuf_field_t *f, const char *name);
static const char *debar_protobuf_field(debar_protobuf_field_t *f,
    const char *p, const char *end);
static const char *debar_protobuf_varint(uint64_t *n, const char *p,
    const char *end);
static int debar_protobuf_is_text(debar_str_t s);
static int debar_protobuf_has_text(debar_str_t s);


const debar_reader_t  debar_reader_protobuf = {
    .syntax = DEBAR_SYNTAX_PROTOBUF,
    .name = "protobuf",
    .open = debar_protobuf_open,
    .push = debar_protobuf_push,
    .finish = debar_protobuf_finish,
    .free = debar_protobuf_free
};


static int
debar_protobuf_labelled(debar_str_t type, const char *word)
{
    size_t  i, n;

    n = strlen(word);

    for (i = 0; i + n <= type.len && type.data[i] != ';'; i++) {
        if (strncasecmp(type.data + i, word, n) == 0) {
            return 1;
        }
    }

    return 0;
}


static int
debar_protobuf_open(debar_node_t *node)
{
    debar_str_t        type;
    debar_protobuf_t  *b;

    b = calloc(1, sizeof(debar_protobuf_t));

    if (b == NULL) {
        return DEBAR_ERROR;
    }

    type = node->in.content_type;

    b->framed = debar_protobuf_labelled(type, "/grpc")
                || debar_protobuf_labelled(type, "/connect+");
    b->base64 = debar_protobuf_labelled(type, "/grpc-web-text");
    b->json = b->framed && debar_protobuf_labelled(type, "+json");

    node->state = b;

    return DEBAR_OK;
}


static void
debar_protobuf_free(debar_node_t *node)
{
    debar_protobuf_t  *b = node->state;

    if (b) {
        debar_buf_free(&b->held);
        free(b);
        node->state = NULL;
    }
}


static int
debar_protobuf_push(debar_node_t *node, const char *data, size_t len)
{
    debar_protobuf_t  *b = node->state;

    if (b->base64) {
        return debar_protobuf_base64(node, data, len);
    }

    if (b->framed) {
        return debar_protobuf_frames(node, data, len);
    }

    return debar_protobuf_hold(node, data, len);
}


static int
debar_protobuf_finish(debar_node_t *node)
{
    int                rc;
    debar_node_t      *child;
    debar_protobuf_t  *b = node->state;

    if (!b->framed) {
        return debar_protobuf_whole(node, b->held.data, b->held.len);
    }

    rc = DEBAR_OK;

    if (b->child) {
        child = b->child;
        b->child = NULL;
        rc = debar_child_finish(child);

    } else if (b->rest) {
        rc = debar_protobuf_framed(node);
    }

    if (b->rest || b->head_len) {
        debar_node_bound(node, DEBAR_PEEL_BROKEN);
    }

    return rc;
}


/* gRPC-web-text: chunks that may each have their padding. */

static int
debar_protobuf_base64(debar_node_t *node, const char *data, size_t len)
{
    int                rc;
    char               out[1024];
    size_t             i, n;
    const char        *at;
    debar_protobuf_t  *b = node->state;

    static const char  digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "abcdefghijklmnopqrstuvwxyz0123456789+/-_";

    n = 0;

    for (i = 0; i < len; i++) {

        if (data[i] == '=') {
            b->nbits = 0;
            continue;
        }

        at = data[i] ? strchr(digits, data[i]) : NULL;

        if (at == NULL) {
            continue;
        }

        /* '-' and '_' of base64url are '+' and '/' */

        b->bits = (b->bits << 6) | (at - digits > 63 ? at - digits - 2
                                                     : at - digits);
        b->nbits += 6;

        if (b->nbits < 8) {
            continue;
        }

        b->nbits -= 8;
        out[n++] = (char) (b->bits >> b->nbits);

        if (n == sizeof(out)) {
            rc = debar_protobuf_frames(node, out, n);

            if (rc != DEBAR_OK) {
                return rc;
            }

            n = 0;
        }
    }

    return debar_protobuf_frames(node, out, n);
}


static int
debar_protobuf_frames(debar_node_t *node, const char *data, size_t len)
{
    int                rc;
    size_t             n;
    debar_protobuf_t  *b = node->state;

    while (len) {

        if (!b->framed) {
            return debar_protobuf_hold(node, data, len);
        }

        if (b->rest == 0) {
            b->head[b->head_len++] = *data++;
            len--;

            rc = b->head_len == DEBAR_FRAME ? debar_protobuf_frame(node)
                                            : DEBAR_OK;

        } else {
            n = b->rest < len ? (size_t) b->rest : len;

            rc = debar_protobuf_payload(node, data, n);

            data += n;
            len -= n;
        }

        if (rc != DEBAR_OK) {
            return rc;
        }
    }

    return DEBAR_OK;
}


static int
debar_protobuf_frame(debar_node_t *node)
{
    int                  rc;
    unsigned char       *p;
    debar_protobuf_t    *b = node->state;
    debar_peel_input_t   in;

    static const debar_str_t  none = debar_string("");
    static const debar_str_t  gzip = debar_string("gzip");
    static const debar_str_t  json = debar_string("application/json");
    static const debar_str_t  protobuf = debar_string("application/x-protobuf");

    p = (unsigned char *) b->head;

    if (p[0] & ~(DEBAR_FRAME_COMPRESSED | DEBAR_FRAME_TRAILERS)) {

        /* no frames, or none any more */

        b->framed = 0;

        if (b->seen) {
            debar_node_bound(node, DEBAR_PEEL_BROKEN);
        }

        return debar_protobuf_hold(node, b->head, DEBAR_FRAME);
    }

    b->seen = 1;
    b->full = 0;
    b->held.len = 0;
    b->rest = (uint64_t) p[1] << 24 | p[2] << 16 | p[3] << 8 | p[4];

    if (b->rest == 0) {
        b->head_len = 0;
        return DEBAR_OK;
    }

    if (!(p[0] & DEBAR_FRAME_COMPRESSED) && !b->json) {
        return DEBAR_OK;
    }

    memset(&in, 0, sizeof(in));

    if (!(p[0] & DEBAR_FRAME_TRAILERS)) {
        in.content_type = b->json ? json : protobuf;
    }

    if (p[0] & DEBAR_FRAME_COMPRESSED) {
        in.content_encoding = gzip;
    }

    rc = debar_node_child(node, none, &in, &b->child);

    b->full = b->child == NULL;

    return rc;
}


static int
debar_protobuf_payload(debar_node_t *node, const char *data, size_t len)
{
    int                rc;
    debar_node_t      *child;
    debar_protobuf_t  *b = node->state;

    if (b->child) {
        rc = debar_child_push(b->child, data, len);

    } else {
        rc = debar_protobuf_hold(node, data, len);
    }

    if (rc != DEBAR_OK) {
        return rc;
    }

    b->rest -= len;

    if (b->rest) {
        return DEBAR_OK;
    }

    b->head_len = 0;

    if (b->child) {
        child = b->child;
        b->child = NULL;

        return debar_child_finish(child);
    }

    return debar_protobuf_framed(node);
}


/* What is held of a frame. */

static int
debar_protobuf_framed(debar_node_t *node)
{
    int                rc;
    debar_str_t        name, value;
    debar_protobuf_t  *b = node->state;

    value = debar_str(b->held.data, b->held.len);
    b->held.len = 0;

    if (value.len == 0) {
        return DEBAR_OK;
    }

    if (b->head[0] & DEBAR_FRAME_TRAILERS) {
        name = debar_str("trailers", sizeof("trailers") - 1);
        return debar_node_value(node, name, value);
    }

    rc = debar_node_begin(node, debar_str("message", sizeof("message") - 1));

    if (rc == DEBAR_OK) {
        rc = debar_protobuf_whole(node, value.data, value.len);
    }

    return rc == DEBAR_OK ? debar_node_end(node) : rc;
}


static int
debar_protobuf_hold(debar_node_t *node, const char *data, size_t len)
{
    debar_protobuf_t  *b = node->state;

    if (!b->full && debar_node_hold(node, &b->held, data, len) != DEBAR_OK) {
        b->full = 1;
    }

    return DEBAR_OK;
}


/* Bytes that are to be one message; or several, each behind its length. */

static int
debar_protobuf_whole(debar_node_t *node, const char *data, size_t len)
{
    int          rc;
    unsigned     framed;
    const char  *p, *end;
    debar_str_t  piece;

    if (len == 0) {
        return DEBAR_OK;
    }

    p = data;
    end = data + len;

    if (debar_protobuf_is_message(p, end)) {
        return debar_protobuf_message(node, p, end);
    }

    framed = debar_protobuf_are_pieces(p, end, 1);

    if (!framed && !debar_protobuf_are_pieces(p, end, 0)) {
        debar_node_bound(node, DEBAR_PEEL_BROKEN);
        return debar_protobuf_message(node, p, end);
    }

    while (p < end) {
        p = debar_protobuf_piece(&piece, p, end, framed);

        if (p == NULL) {
            return DEBAR_OK;
        }

        rc = debar_node_begin(node, debar_str("message", 7));

        if (rc == DEBAR_OK) {
            rc = debar_protobuf_message(node, piece.data,
                                        piece.data + piece.len);
        }

        if (rc == DEBAR_OK) {
            rc = debar_node_end(node);
        }

        if (rc != DEBAR_OK) {
            return rc;
        }
    }

    return DEBAR_OK;
}


/* What is behind a length (framed: of a frame), or NULL. */

static const char *
debar_protobuf_piece(debar_str_t *piece, const char *p, const char *end,
    unsigned framed)
{
    uint64_t              n;
    const unsigned char  *u;

    if (framed) {
        u = (const unsigned char *) p;

        if (end - p < DEBAR_FRAME || u[0] != 0) {
            return NULL;
        }

        n = (uint64_t) u[1] << 24 | u[2] << 16 | u[3] << 8 | u[4];
        p += DEBAR_FRAME;

    } else {
        p = debar_protobuf_varint(&n, p, end);

        if (p == NULL || n == 0) {
            return NULL;
        }
    }

    if (n > (uint64_t) (end - p)) {
        return NULL;
    }

    *piece = debar_str(p, (size_t) n);

    return p + n;
}


static int
debar_protobuf_are_pieces(const char *p, const char *end, unsigned framed)
{
    debar_str_t  piece;

    while (p < end) {
        p = debar_protobuf_piece(&piece, p, end, framed);

        if (p == NULL
            || (piece.len && !debar_protobuf_is_message(piece.data,
                                                  piece.data + piece.len)))
        {
            return 0;
        }
    }

    return 1;
}


/* Fields to the last byte; groups end that begin. */

static int
debar_protobuf_is_message(const char *p, const char *end)
{
    unsigned                groups;
    debar_protobuf_field_t  f;

    for (groups = 0; p < end; /* void */) {
        p = debar_protobuf_field(&f, p, end);

        if (p == NULL || (f.wire == 4 && groups == 0)) {
            return 0;
        }

        groups += (f.wire == 3);
        groups -= (f.wire == 4);
    }

    return groups == 0;
}


/* A field that could be told of. */

static int
debar_protobuf_carries(const char *p, const char *end)
{
    debar_protobuf_field_t  f;

    while (p < end) {
        p = debar_protobuf_field(&f, p, end);

        if (p == NULL) {
            return 0;
        }

        if ((f.wire == 2 && f.bytes.len)
            || (f.wire == 0 && f.n >= DEBAR_PROTOBUF_NUMBER))
        {
            return 1;
        }
    }

    return 0;
}


static int
debar_protobuf_message(debar_node_t *node, const char *p, const char *end)
{
    int                      rc;
    char                     name[16], number[24];
    unsigned                 depth;
    debar_str_t              rest;
    debar_protobuf_field_t   f;
    debar_protobuf_level_t   levels[DEBAR_PROTOBUF_NESTING];

    depth = 0;
    levels[0].p = p;
    levels[0].end = end;

    for ( ;; ) {
        p = levels[depth].p;
        end = levels[depth].end;

        if (p == end) {
            if (depth == 0) {
                return DEBAR_OK;
            }

            depth--;
            rc = debar_node_end(node);

            if (rc != DEBAR_OK) {
                return rc;
            }

            continue;
        }

        levels[depth].p = debar_protobuf_field(&f, p, end);

        if (levels[depth].p == NULL) {

            /* only at the top: what is in it was read before */

            rest = debar_str(p, (size_t) (end - p));
            levels[depth].p = end;
            rc = debar_protobuf_has_text(rest)
                 ? debar_node_value(node, debar_str("", 0), rest) : DEBAR_OK;

            if (rc != DEBAR_OK) {
                return rc;
            }

            continue;
        }

        snprintf(name, sizeof(name), "%u", f.number);
        rc = DEBAR_OK;

        if (f.wire == 2) {
            rc = debar_protobuf_bytes(node, &f, name);

        } else if (f.wire == 0 && f.n >= DEBAR_PROTOBUF_NUMBER) {
            snprintf(number, sizeof(number), "%llu", (unsigned long long) f.n);
            rc = debar_node_value(node, debar_str(name, strlen(name)),
                                  debar_str(number, strlen(number)));
        }

        if (rc == DEBAR_OK && f.wire == 2 && f.bytes.len > 1
            && debar_protobuf_is_message(f.bytes.data,
                                         f.bytes.data + f.bytes.len)
            && debar_protobuf_carries(f.bytes.data,
                                      f.bytes.data + f.bytes.len))
        {
            if (depth + 1 == DEBAR_PROTOBUF_NESTING) {
                debar_node_bound(node, DEBAR_PEEL_NESTING);
                continue;
            }

            depth++;
            levels[depth].p = f.bytes.data;
            levels[depth].end = f.bytes.data + f.bytes.len;

            rc = debar_node_begin(node, debar_str(name, strlen(name)));
        }

        if (rc != DEBAR_OK) {
            return rc;
        }
    }
}


/* Text; or bytes of something else with text in them. */

static int
debar_protobuf_bytes(debar_node_t *node, const debar_protobuf_field_t *f,
    const char *name)
{
    if (!debar_protobuf_is_text(f->bytes)
        && (debar_protobuf_is_message(f->bytes.data,
                                      f->bytes.data + f->bytes.len)
            || !debar_protobuf_has_text(f->bytes)))
    {
        return DEBAR_OK;
    }

    return debar_node_value(node, debar_str(name, strlen(name)), f->bytes);
}


/* The next field; what is behind it, or NULL. */

static const char *
debar_protobuf_field(debar_protobuf_field_t *f, const char *p, const char *end)
{
    uint64_t  n;

    p = debar_protobuf_varint(&n, p, end);

    if (p == NULL || n >> 3 == 0 || n >> 32) {
        return NULL;
    }

    f->number = (unsigned) (n >> 3);
    f->wire = n & 7;
    n = 0;

    switch (f->wire) {

    case 0:
        return debar_protobuf_varint(&f->n, p, end);

    case 1:
        n = 8;
        break;

    case 2:
        p = debar_protobuf_varint(&n, p, end);

        if (p == NULL) {
            return NULL;
        }

        break;

    case 3:
    case 4:
        break;

    case 5:
        n = 4;
        break;

    default:
        return NULL;
    }

    if (n > (uint64_t) (end - p)) {
        return NULL;
    }

    f->bytes = debar_str(p, (size_t) n);

    return p + n;
}


static const char *
debar_protobuf_varint(uint64_t *n, const char *p, const char *end)
{
    unsigned  shift;

    *n = 0;

    for (shift = 0; p < end && shift < 70; shift += 7) {
        *n |= (uint64_t) (*p & 0x7f) << (shift < 64 ? shift : 63);

        if ((*p++ & 0x80) == 0) {
            return p;
        }
    }

    return NULL;
}


/* UTF-8 with nothing in it that text has not. */

static int
debar_protobuf_is_text(debar_str_t s)
{
    UChar32   c;
    int32_t   i, n;
    unsigned  printable;

    printable = 0;

    for (i = 0, n = (int32_t) s.len; i < n; /* void */) {
        U8_NEXT(s.data, i, n, c);

        if (c < 0 || c == 0x7f
            || (c < ' ' && c != '\t' && c != '\n' && c != '\r'))
        {
            return 0;
        }

        printable += c > ' ';
    }

    return printable >= DEBAR_PROTOBUF_TEXT;
}


/* A run of printable characters. */

static int
debar_protobuf_has_text(debar_str_t s)
{
    size_t    i;
    unsigned  run;

    for (i = 0, run = 0; i < s.len; i++) {
        run = s.data[i] >= ' ' && s.data[i] < 0x7f ? run + 1 : 0;

        if (run == DEBAR_PROTOBUF_BYTES) {
            return 1;
        }
    }

    return 0;
}
