/*
 * What was compressed: gzip, zlib, raw deflate, brotli, zstd.
 *
 * Output goes to a child as it is made, and is accounted for.  Bytes that are
 * not of the format are an error, and the engine reads them as what they are.
 */

#include "peel_private.h"

#include <brotli/decode.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>


#define DEBAR_ZIP_OUT     16384

/* Largest window of zstd (RFC 8878 s.3.1.1.1.2: 8 MiB). */

#define DEBAR_ZIP_WINDOW  23

typedef struct {
    z_stream              z;
    BrotliDecoderState   *br;
    ZSTD_DStream         *zstd;
    unsigned              inflating;
    unsigned              gzip;       /* members may follow */
    unsigned              raw;
    unsigned              ended;
    unsigned              over;       /* a bound: no more is made */
    unsigned              started;
    debar_node_t         *child;
    uint8_t               out[DEBAR_ZIP_OUT];
} debar_zip_t;


static int
debar_zip_open(debar_node_t *node)
{
    debar_zip_t  *d;

    d = malloc(sizeof(debar_zip_t));
    if (d == NULL) {
        debar_node_bound(node, DEBAR_PEEL_HELD);
        return DEBAR_ERROR;
    }

    memset(d, 0, offsetof(debar_zip_t, out));
    node->state = d;

    return DEBAR_OK;
}


static void
debar_zip_free(debar_node_t *node)
{
    debar_zip_t  *d = node->state;

    if (d == NULL) {
        return;
    }

    if (d->inflating) {
        (void) inflateEnd(&d->z);
    }

    if (d->br) {
        BrotliDecoderDestroyInstance(d->br);
    }

    if (d->zstd) {
        (void) ZSTD_freeDStream(d->zstd);
    }

    free(d);
}


/* Made bytes to the child; DEBAR_OK also where a bound ends it. */

static int
debar_zip_made(debar_node_t *node, size_t made, size_t of)
{
    int                  rc;
    debar_zip_t         *d = node->state;
    debar_peel_input_t   in;

    if (debar_node_expanded(node, made, of) != DEBAR_OK) {
        d->over = 1;
        return DEBAR_OK;
    }

    if (made == 0) {
        return DEBAR_OK;
    }

    if (!d->started) {
        d->started = 1;
        debar_peel_inner(node, &in);
        rc = debar_node_child(node, debar_str("", 0), &in, &d->child);

        if (rc != DEBAR_OK) {
            return rc;
        }
    }

    return debar_child_push(d->child, (char *) d->out, made);
}


static int
debar_zip_finish(debar_node_t *node)
{
    debar_zip_t  *d = node->state;

    if (!d->ended && !d->over) {
        debar_node_bound(node, DEBAR_PEEL_BROKEN);
    }

    return d->started ? debar_child_finish(d->child) : DEBAR_OK;
}


/* --- zlib ---------------------------------------------------------------- */

/* The window of zlib by the header: as RFC 9110 s.8.4.1.2 says "deflate" has
 * one, and as some send it without. */

static int
debar_inflate_begin(debar_zip_t *d, const uint8_t *p, size_t len, int raw)
{
    int  bits;

    bits = 15 + 32;

    if (raw && (len < 2 || (p[0] & 0x0f) != 8 || (p[0] << 8 | p[1]) % 31)) {
        bits = -15;
        d->raw = 1;
    }

    d->gzip = len && p[0] == 0x1f;

    if (inflateInit2(&d->z, bits) != Z_OK) {
        return DEBAR_ERROR;
    }

    d->inflating = 1;

    return DEBAR_OK;
}


static int
debar_inflate_some(debar_node_t *node)
{
    int           rc, zrc;
    size_t        in;
    debar_zip_t  *d = node->state;

    do {
        d->z.next_out = d->out;
        d->z.avail_out = sizeof(d->out);
        in = d->z.avail_in;

        zrc = inflate(&d->z, Z_NO_FLUSH);

        if (zrc != Z_OK && zrc != Z_STREAM_END && zrc != Z_BUF_ERROR) {
            d->ended = 1;
        }

        rc = debar_zip_made(node, sizeof(d->out) - d->z.avail_out,
                            in - d->z.avail_in);
        if (rc != DEBAR_OK) {
            return rc;
        }

        if (d->ended) {
            return DEBAR_ERROR;
        }

        if (zrc == Z_STREAM_END) {
            d->ended = 1;
            return DEBAR_OK;
        }

    } while (!d->over && (d->z.avail_in || d->z.avail_out == 0)
             && zrc == Z_OK);

    return DEBAR_OK;
}


static int
debar_inflate_run(debar_node_t *node, const char *data, size_t len, int raw)
{
    int           rc;
    debar_zip_t  *d = node->state;

    if (len && !d->inflating
        && debar_inflate_begin(d, (const uint8_t *) data, len, raw) != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    d->z.next_in = (Bytef *) data;
    d->z.avail_in = len;

    while (d->z.avail_in && !d->over) {

        if (d->ended) {

            /* zeros fill up a block of a tape; else a member follows */

            if (*d->z.next_in == 0) {
                d->z.next_in++;
                d->z.avail_in--;
                continue;
            }

            if (!d->gzip || *d->z.next_in != 0x1f
                || inflateReset(&d->z) != Z_OK)
            {
                debar_node_bound(node, DEBAR_PEEL_BROKEN);
                return DEBAR_ERROR;
            }

            d->ended = 0;
        }

        rc = debar_inflate_some(node);

        if (rc == DEBAR_ERROR) {
            debar_node_bound(node, DEBAR_PEEL_BROKEN);
        }

        if (rc != DEBAR_OK) {
            return rc;
        }
    }

    return DEBAR_OK;
}


static int
debar_inflate_push(debar_node_t *node, const char *data, size_t len)
{
    return debar_inflate_run(node, data, len, 0);
}


static int
debar_deflate_push(debar_node_t *node, const char *data, size_t len)
{
    return debar_inflate_run(node, data, len, 1);
}


/* --- brotli -------------------------------------------------------------- */

static int
debar_brotli_push(debar_node_t *node, const char *data, size_t len)
{
    int                   rc;
    size_t                in, left, room;
    uint8_t              *out;
    const uint8_t        *next;
    debar_zip_t          *d = node->state;
    BrotliDecoderResult   brc;

    if (d->br == NULL) {
        d->br = BrotliDecoderCreateInstance(NULL, NULL, NULL);

        if (d->br == NULL) {
            debar_node_bound(node, DEBAR_PEEL_HELD);
            return DEBAR_ERROR;
        }
    }

    next = (const uint8_t *) data;
    left = len;

    while (!d->over) {

        if (d->ended) {
            return left ? DEBAR_ERROR : DEBAR_OK;
        }

        out = d->out;
        room = sizeof(d->out);
        in = left;

        brc = BrotliDecoderDecompressStream(d->br, &left, &next, &room, &out,
                                            NULL);

        rc = debar_zip_made(node, sizeof(d->out) - room, in - left);
        if (rc != DEBAR_OK) {
            return rc;
        }

        if (brc == BROTLI_DECODER_RESULT_ERROR) {
            return DEBAR_ERROR;
        }

        if (brc == BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT) {
            return DEBAR_OK;
        }

        d->ended = brc == BROTLI_DECODER_RESULT_SUCCESS;
    }

    return DEBAR_OK;
}


/* --- zstd ---------------------------------------------------------------- */

static int
debar_zstd_push(debar_node_t *node, const char *data, size_t len)
{
    int              rc;
    size_t           n, was;
    debar_zip_t     *d = node->state;
    ZSTD_inBuffer    in;
    ZSTD_outBuffer   out;

    if (d->zstd == NULL) {
        d->zstd = ZSTD_createDStream();

        if (d->zstd == NULL
            || ZSTD_isError(ZSTD_DCtx_setParameter(d->zstd,
                                                   ZSTD_d_windowLogMax,
                                                   DEBAR_ZIP_WINDOW)))
        {
            debar_node_bound(node, DEBAR_PEEL_HELD);
            return DEBAR_ERROR;
        }
    }

    in.src = data;
    in.size = len;
    in.pos = 0;

    do {
        out.dst = d->out;
        out.size = sizeof(d->out);
        out.pos = 0;
        was = in.pos;

        n = ZSTD_decompressStream(d->zstd, &out, &in);

        if (ZSTD_isError(n)) {
            debar_node_bound(node, DEBAR_PEEL_BROKEN);
            return DEBAR_ERROR;
        }

        d->ended = n == 0;

        rc = debar_zip_made(node, out.pos, in.pos - was);
        if (rc != DEBAR_OK) {
            return rc;
        }

    } while (!d->over && (in.pos < in.size || out.pos == out.size));

    return DEBAR_OK;
}


const debar_reader_t  debar_reader_inflate = {
    DEBAR_SYNTAX_ENCODING, "gzip", debar_zip_open, debar_inflate_push,
    debar_zip_finish, debar_zip_free
};

const debar_reader_t  debar_reader_deflate = {
    DEBAR_SYNTAX_ENCODING, "deflate", debar_zip_open, debar_deflate_push,
    debar_zip_finish, debar_zip_free
};

const debar_reader_t  debar_reader_brotli = {
    DEBAR_SYNTAX_ENCODING, "br", debar_zip_open, debar_brotli_push,
    debar_zip_finish, debar_zip_free
};

const debar_reader_t  debar_reader_zstd = {
    DEBAR_SYNTAX_ENCODING, "zstd", debar_zip_open, debar_zstd_push,
    debar_zip_finish, debar_zip_free
};
