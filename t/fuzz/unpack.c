/*
 * Content codings of any bytes (libFuzzer): the first byte is the label, the
 * second the size of the pieces.  What is made does not depend on the pieces,
 * comes in small ones, and nothing is made behind an error.
 */

#include <stdlib.h>
#include <string.h>

#include "unpack.h"


#define claim(c)  do { if (!(c)) { abort(); } } while (0)

#define MOST  (1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


typedef struct {
    uint64_t  hash;
    size_t    len;
} sink_t;

static const char *const  labels[] = {
    "gzip", "deflate", "br", "zstd", "gzip, br", "deflate, gzip, zstd", "",
    "br,br,br"
};


static int
sink(void *data, const char *bytes, size_t len)
{
    size_t   i, n;
    sink_t  *s = data;

    claim(len > 0);

    n = len < MOST - s->len ? len : MOST - s->len;

    for (i = 0; i < n; i++) {
        s->hash = (s->hash ^ (uint8_t) bytes[i]) * 0x100000001b3ULL;
    }

    s->len += n;

    return s->len == MOST ? DEBAR_DECLINED : DEBAR_OK;
}


static int
undo(const char *label, const uint8_t *data, size_t size, size_t step,
    sink_t *s)
{
    int              rc;
    char            *copy;
    size_t           i, n;
    debar_unpack_t  *u;

    memset(s, 0, sizeof(sink_t));

    u = debar_unpack_new(debar_str(label, strlen(label)));
    claim(u != NULL);

    for (i = 0, rc = DEBAR_OK; i < size && rc == DEBAR_OK; i += n) {
        n = size - i < step ? size - i : step;
        copy = malloc(n);
        memcpy(copy, data + i, n);
        rc = debar_unpack_push(u, copy, n, sink, s);
        free(copy);
    }

    if (rc == DEBAR_ERROR) {
        n = s->len;
        claim(debar_unpack_push(u, "x", 1, sink, s) == DEBAR_ERROR);
        claim(s->len == n);
    }

    debar_unpack_free(u);

    return rc;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int          rc;
    sink_t       one, two;
    const char  *label;

    if (size < 2) {
        return 0;
    }

    label = labels[data[0] % 8];

    rc = undo(label, data + 2, size - 2, size, &one);

    /* the first piece tells zlib's wrapping from none */

    if (strstr(label, "deflate") && data[1] == 0) {
        return 0;
    }

    claim(undo(label, data + 2, size - 2, 1 + data[1], &two) == rc
          || rc == DEBAR_ERROR);
    claim(rc == DEBAR_ERROR || (one.len == two.len && one.hash == two.hash));

    return 0;
}
