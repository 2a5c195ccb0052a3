/*
 * Content codings undone as they stream: see unpack.h.
 */

#include <brotli/decode.h>
#include <stdlib.h>
#include <strings.h>
#include <zlib.h>
#include <zstd.h>

#include "unpack.h"


#define DEBAR_UNPACK_OUT  16384

typedef enum {
    DEBAR_UNPACK_GZIP = 0,
    DEBAR_UNPACK_DEFLATE,
    DEBAR_UNPACK_BR,
    DEBAR_UNPACK_ZSTD
} debar_unpack_e;

typedef struct {
    unsigned             kind;
    unsigned             begun;
    unsigned             ended;       /* a member of gzip has; 2: all have */
    z_stream             z;
    BrotliDecoderState  *br;
    ZSTD_DStream        *zstd;
    char                 out[DEBAR_UNPACK_OUT];
} debar_unpack_layer_t;

struct debar_unpack_s {
    unsigned               n;
    unsigned               bad;
    debar_unpack_layer_t  *layers[DEBAR_UNPACK_CODINGS];   /* the one that is
                                                              undone first
                                                              first */
};


static int debar_unpack_layer(debar_unpack_t *u, unsigned i, const char *data,
    size_t len, debar_unpack_pt sink, void *arg);


static const struct {
    const char  *name;
    unsigned     kind;
} debar_unpack_names[] = {
    { "gzip", DEBAR_UNPACK_GZIP },
    { "x-gzip", DEBAR_UNPACK_GZIP },
    { "deflate", DEBAR_UNPACK_DEFLATE },
    { "br", DEBAR_UNPACK_BR },
    { "zstd", DEBAR_UNPACK_ZSTD }
};


static int
debar_unpack_add(debar_unpack_t *u, const char *name, size_t len)
{
    size_t                 i;
    debar_unpack_layer_t  *l;

    while (len && (*name == ' ' || *name == '\t')) {
        name++;
        len--;
    }

    while (len && (name[len - 1] == ' ' || name[len - 1] == '\t')) {
        len--;
    }

    if (len == 0 || (len == 8 && strncasecmp(name, "identity", 8) == 0)) {
        return DEBAR_OK;
    }

    for (i = 0; i < sizeof(debar_unpack_names) / sizeof(debar_unpack_names[0]);
         i++)
    {
        if (strlen(debar_unpack_names[i].name) != len
            || strncasecmp(debar_unpack_names[i].name, name, len) != 0)
        {
            continue;
        }

        if (u->n == DEBAR_UNPACK_CODINGS) {
            return DEBAR_ERROR;
        }

        l = calloc(1, sizeof(debar_unpack_layer_t));
        if (l == NULL) {
            return DEBAR_ERROR;
        }

        l->kind = debar_unpack_names[i].kind;
        u->layers[u->n++] = l;

        return DEBAR_OK;
    }

    /* who does not know one either takes the bytes as they are */

    return DEBAR_OK;
}


debar_unpack_t *
debar_unpack_new(debar_str_t codings)
{
    size_t           end, start;
    debar_unpack_t  *u;

    u = calloc(1, sizeof(debar_unpack_t));
    if (u == NULL) {
        return NULL;
    }

    /* listed as they were applied: the last is undone first */

    for (end = codings.len; end > 0; end = start ? start - 1 : 0) {

        for (start = end; start && codings.data[start - 1] != ','; start--) {
            /* void */
        }

        if (debar_unpack_add(u, codings.data + start, end - start)
            != DEBAR_OK)
        {
            debar_unpack_free(u);
            return NULL;
        }
    }

    return u;
}


void
debar_unpack_free(debar_unpack_t *u)
{
    unsigned               i;
    debar_unpack_layer_t  *l;

    for (i = 0; i < u->n; i++) {
        l = u->layers[i];

        if (l->begun && l->kind <= DEBAR_UNPACK_DEFLATE) {
            (void) inflateEnd(&l->z);
        }

        if (l->br) {
            BrotliDecoderDestroyInstance(l->br);
        }

        if (l->zstd) {
            (void) ZSTD_freeDStream(l->zstd);
        }

        free(l);
    }

    free(u);
}


/* "deflate" is zlib's format by the standard, and raw by some servers. */

static int
debar_unpack_begin(debar_unpack_layer_t *l, const unsigned char *data,
    size_t len)
{
    int  bits;

    if (l->begun) {
        return DEBAR_OK;
    }

    switch (l->kind) {

    case DEBAR_UNPACK_BR:
        l->br = BrotliDecoderCreateInstance(NULL, NULL, NULL);
        l->begun = l->br != NULL;
        break;

    case DEBAR_UNPACK_ZSTD:
        l->zstd = ZSTD_createDStream();
        l->begun = l->zstd != NULL;

        /* RFC 9659: 8 MiB of window is what an answer may ask for */

        if (l->begun) {
            (void) ZSTD_DCtx_setParameter(l->zstd, ZSTD_d_windowLogMax, 23);
        }

        break;

    default:
        bits = l->kind == DEBAR_UNPACK_GZIP ? 15 + 32
               : (data[0] & 0x0f) == 8 && (data[0] >> 4) <= 7
                 && (len < 2 || (data[0] << 8 | data[1]) % 31 == 0)
               ? 15 : -15;

        l->begun = inflateInit2(&l->z, bits) == Z_OK;
    }

    return l->begun ? DEBAR_OK : DEBAR_ERROR;
}


/* One step: what was taken, what was made; *more: there may be more of it. */

static int
debar_unpack_inflate(debar_unpack_layer_t *l, const char **data, size_t *len,
    size_t *made, int *more)
{
    int  rc;

    if (l->ended) {

        /* members follow each other; what is none is padding, as is what
         * follows that */

        if (l->kind != DEBAR_UNPACK_GZIP || *len == 0 || l->ended == 2
            || (unsigned char) **data != 0x1f
            || inflateReset(&l->z) != Z_OK)
        {
            l->ended = *len ? 2 : 1;
            *len = 0;
            *more = 0;
            return DEBAR_OK;
        }

        l->ended = 0;
    }

    l->z.next_in = (Bytef *) *data;
    l->z.avail_in = *len;
    l->z.next_out = (Bytef *) l->out;
    l->z.avail_out = sizeof(l->out);

    rc = inflate(&l->z, Z_NO_FLUSH);

    *made = sizeof(l->out) - l->z.avail_out;
    *data += *len - l->z.avail_in;
    *len = l->z.avail_in;
    *more = l->z.avail_out == 0;

    if (rc == Z_STREAM_END) {
        l->ended = 1;
        return DEBAR_OK;
    }

    return rc == Z_OK || rc == Z_BUF_ERROR ? DEBAR_OK : DEBAR_ERROR;
}


static int
debar_unpack_brotli(debar_unpack_layer_t *l, const char **data, size_t *len,
    size_t *made, int *more)
{
    size_t               left;
    uint8_t             *out;
    const uint8_t       *in;
    BrotliDecoderResult  rc;

    in = (const uint8_t *) *data;
    out = (uint8_t *) l->out;
    left = sizeof(l->out);

    rc = BrotliDecoderDecompressStream(l->br, len, &in, &left, &out, NULL);

    *data = (const char *) in;
    *made = sizeof(l->out) - left;
    *more = rc == BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT;

    if (rc == BROTLI_DECODER_RESULT_SUCCESS) {
        *len = 0;
    }

    return rc == BROTLI_DECODER_RESULT_ERROR ? DEBAR_ERROR : DEBAR_OK;
}


static int
debar_unpack_zstd(debar_unpack_layer_t *l, const char **data, size_t *len,
    size_t *made, int *more)
{
    size_t          rc;
    ZSTD_inBuffer   in;
    ZSTD_outBuffer  out;

    in.src = *data;
    in.size = *len;
    in.pos = 0;
    out.dst = l->out;
    out.size = sizeof(l->out);
    out.pos = 0;

    rc = ZSTD_decompressStream(l->zstd, &out, &in);

    if (ZSTD_isError(rc)) {
        return DEBAR_ERROR;
    }

    *data += in.pos;
    *len -= in.pos;
    *made = out.pos;
    *more = out.pos == out.size;

    return DEBAR_OK;
}


static int
debar_unpack_layer(debar_unpack_t *u, unsigned i, const char *data, size_t len,
    debar_unpack_pt sink, void *arg)
{
    int                    rc, step, more;
    size_t                 made, was;
    debar_unpack_layer_t  *l;

    if (i == u->n) {
        return sink(arg, data, len);
    }

    l = u->layers[i];

    if (len == 0) {
        return DEBAR_OK;
    }

    if (debar_unpack_begin(l, (const unsigned char *) data, len) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    more = 0;

    while (len || more) {
        made = 0;
        more = 0;
        was = len;

        step = l->kind == DEBAR_UNPACK_BR
               ? debar_unpack_brotli(l, &data, &len, &made, &more)
               : l->kind == DEBAR_UNPACK_ZSTD
               ? debar_unpack_zstd(l, &data, &len, &made, &more)
               : debar_unpack_inflate(l, &data, &len, &made, &more);

        if (made) {
            rc = debar_unpack_layer(u, i + 1, l->out, made, sink, arg);
            if (rc != DEBAR_OK) {
                return rc;
            }
        }

        if (step != DEBAR_OK) {
            return step;
        }

        if (made == 0 && len == was) {
            return DEBAR_ERROR;
        }
    }

    return DEBAR_OK;
}


int
debar_unpack_push(debar_unpack_t *u, const char *data, size_t len,
    debar_unpack_pt sink, void *arg)
{
    int  rc;

    if (u->bad) {
        return DEBAR_ERROR;
    }

    rc = debar_unpack_layer(u, 0, data, len, sink, arg);
    u->bad = rc == DEBAR_ERROR;

    return rc;
}
