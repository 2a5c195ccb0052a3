/*
 * Content codings undone as they stream, in pieces of any size: what was packed
 * comes out, nothing else does, and what is not of its coding says so.
 */

#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include "tap.h"
#include "unpack.h"


typedef struct {
    char      data[1 << 18];
    size_t    len;
    size_t    most;           /* of one piece */
    size_t    enough;         /* declines from there on */
} sink_t;

typedef struct {
    char      data[1 << 17];
    size_t    len;
} bytes_t;

static sink_t       sunk;
static const char  *codings[] = {
    "gzip", "x-gzip", "deflate", "raw", "br", "zstd"
};

#define CODINGS  (sizeof(codings) / sizeof(codings[0]))


static int
sink(void *data, const char *bytes, size_t len)
{
    sink_t  *s = data;

    if (len > sizeof(s->data) - s->len) {
        return DEBAR_DECLINED;
    }

    memcpy(s->data + s->len, bytes, len);
    s->len += len;
    s->most = len > s->most ? len : s->most;

    return s->enough && s->len >= s->enough ? DEBAR_DECLINED : DEBAR_OK;
}


/* Brotli without compression (RFC 7932 s.9.2): blocks of 64 KiB at most. */

static void
pack_brotli(const bytes_t *in, bytes_t *out)
{
    size_t    i, n;
    uint32_t  bits;

    out->len = 0;

    for (i = 0; i < in->len; i += n) {
        n = in->len - i < 65536 ? in->len - i : 65536;

        /* more blocks follow, 4 nibbles, length, as it stands; before the first
         * one a window of 16 bits */

        bits = ((uint32_t) (n - 1) << 3 | 1u << 19) << (i == 0);
        out->data[out->len++] = bits;
        out->data[out->len++] = bits >> 8;
        out->data[out->len++] = bits >> 16;

        memcpy(out->data + out->len, in->data + i, n);
        out->len += n;
    }

    out->data[out->len++] = 3;
}


static void
pack(const char *coding, const bytes_t *in, bytes_t *out)
{
    int       bits;
    z_stream  z;

    if (strcmp(coding, "br") == 0) {
        pack_brotli(in, out);
        return;
    }

    if (strcmp(coding, "zstd") == 0) {
        out->len = ZSTD_compress(out->data, sizeof(out->data), in->data,
                                 in->len, 3);
        return;
    }

    bits = strstr(coding, "gzip") ? 15 + 16
           : strcmp(coding, "raw") == 0 ? -15 : 15;

    memset(&z, 0, sizeof(z));
    (void) deflateInit2(&z, 6, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY);
    z.next_in = (Bytef *) in->data;
    z.avail_in = in->len;
    z.next_out = (Bytef *) out->data;
    z.avail_out = sizeof(out->data);
    (void) deflate(&z, Z_FINISH);
    out->len = sizeof(out->data) - z.avail_out;
    (void) deflateEnd(&z);
}


/* Everything of in, in pieces of step bytes, each a copy of its own. */

static int
undo(const char *label, const bytes_t *in, size_t step)
{
    int              rc;
    char            *copy;
    size_t           i, n;
    debar_unpack_t  *u;

    sunk.len = 0;
    sunk.most = 0;

    u = debar_unpack_new(debar_str(label, strlen(label)));

    if (u == NULL) {
        return DEBAR_ERROR;
    }

    rc = DEBAR_OK;

    for (i = 0; i < in->len && rc == DEBAR_OK; i += n) {
        n = in->len - i < step ? in->len - i : step;
        copy = malloc(n);
        memcpy(copy, in->data + i, n);
        rc = debar_unpack_push(u, copy, n, sink, &sunk);
        free(copy);
    }

    if (rc == DEBAR_ERROR
        && debar_unpack_push(u, "x", 1, sink, &sunk) != DEBAR_ERROR)
    {
        rc = DEBAR_OK;                   /* an error is one for good */
    }

    debar_unpack_free(u);

    return rc;
}


static int
came(const bytes_t *want)
{
    return sunk.len == want->len && memcmp(sunk.data, want->data, want->len)
                                    == 0;
}


static const char *
label_of(const char *coding)
{
    return strcmp(coding, "raw") == 0 ? "deflate" : coding;
}


static bytes_t  page, packed, twice, three;


static void
single(void)
{
    int                  fits;
    size_t               i, k;
    static const size_t  steps[] = { 1, 2, 7, 1000, sizeof(page.data) };

    for (i = 0; i < CODINGS; i++) {
        pack(codings[i], &page, &packed);
        fits = 1;

        for (k = 0; k < sizeof(steps) / sizeof(steps[0]); k++) {
            fits &= undo(label_of(codings[i]), &packed, steps[k]) == DEBAR_OK
                    && came(&page) && sunk.most <= 16384;
        }

        ok(fits, "%s, in pieces of any size", codings[i]);

        sunk.enough = 1000;
        ok(undo(label_of(codings[i]), &packed, 100) == DEBAR_DECLINED,
           "%s: who has enough is given no more", codings[i]);
        sunk.enough = 0;

        packed.len /= 2;
        ok(undo(label_of(codings[i]), &packed, 100) == DEBAR_OK
           && sunk.len < page.len
           && memcmp(sunk.data, page.data, sunk.len) == 0,
           "%s that breaks off: what came of it", codings[i]);

        packed.len = 0;
        ok(undo(label_of(codings[i]), &packed, 1) == DEBAR_OK && sunk.len == 0,
           "%s: no bytes are none", codings[i]);
    }
}


static void
labels(void)
{
    debar_unpack_t  *u;

    ok(undo("", &page, 100) == DEBAR_OK && came(&page), "no coding");
    ok(undo("identity", &page, 100) == DEBAR_OK && came(&page), "identity");
    ok(undo("compress", &page, 100) == DEBAR_OK && came(&page),
       "one that nobody knows: the bytes as they are");

    pack("gzip", &page, &packed);
    ok(undo(" GZip ", &packed, 100) == DEBAR_OK && came(&page),
       "letters of any case, blanks");
    ok(undo(",identity, gzip,", &packed, 100) == DEBAR_OK && came(&page),
       "empty places in a list");

    pack("br", &packed, &twice);
    ok(undo("gzip, br", &twice, 100) == DEBAR_OK && came(&page),
       "the last one was applied last");
    ok(undo("br, gzip", &twice, 100) == DEBAR_ERROR, "... and not first");

    pack("zstd", &twice, &three);
    ok(undo("gzip,br,zstd", &three, 13) == DEBAR_OK && came(&page), "three");

    u = debar_unpack_new(debar_str("gzip,gzip,gzip,gzip", 19));
    ok(u == NULL, "four are too many");
}


static void
broken(void)
{
    size_t   i;
    bytes_t  text;

    strcpy(text.data, "<html>This is a page and nothing else");
    text.len = strlen(text.data);

    for (i = 0; i < CODINGS; i++) {
        ok(undo(label_of(codings[i]), &text, 5) == DEBAR_ERROR
           && sunk.len < 100, "a page is not %s", codings[i]);
    }

    /* members of gzip, and what stands behind them */

    pack("gzip", &text, &packed);
    memcpy(packed.data + packed.len, packed.data, packed.len);
    packed.len *= 2;
    ok(undo("gzip", &packed, 3) == DEBAR_OK && sunk.len == 2 * text.len
       && memcmp(sunk.data + text.len, text.data, text.len) == 0,
       "two members of gzip");

    memset(packed.data + packed.len, 0, 100);
    packed.len += 100;
    ok(undo("gzip", &packed, 3) == DEBAR_OK && sunk.len == 2 * text.len,
       "... and zeros behind them");

    memcpy(packed.data + packed.len, packed.data, 20);
    packed.len += 20;
    ok(undo("gzip", &packed, 1) == DEBAR_OK && sunk.len == 2 * text.len
       && undo("gzip", &packed, 1000) == DEBAR_OK
       && sunk.len == 2 * text.len, "... behind which no more members are");

    /* 8 MiB of window is what a frame of zstd may ask for */

    memcpy(packed.data, "\x28\xb5\x2f\xfd\x00\x70\x01\0\0", 9);
    packed.len = 9;
    ok(undo("zstd", &packed, 9) == DEBAR_ERROR, "a window of 16 MiB");
    packed.data[5] = '\x68';
    ok(undo("zstd", &packed, 9) == DEBAR_OK, "... one of 8 MiB");
}


int
main(void)
{
    unsigned  n;

    for (n = 0; page.len < 100000; n++) {
        page.len += sprintf(page.data + page.len, "<p>%u: %u</p>\n", n,
                            n * 2654435761u);
    }

    single();
    labels();
    broken();

    return done();
}
