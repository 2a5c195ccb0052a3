/*
 * Frames of the signer's socket over any bytes (libFuzzer): what is read is
 * within the frame and its bounds, and written again gives the same bytes.
 *
 *   clang -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -Iblocklist
 *       t/fuzz/sign_wire.c blocklist/sign_wire.c
 */

#include "sign_wire.h"

#include <stdlib.h>


#define claim(c)  do { if (!(c)) { abort(); } } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static void
within(debar_str_t s, const char *p, size_t len, size_t max)
{
    claim(s.len > 0 && s.len <= max);
    claim(s.data >= p && s.data + s.len <= p + len);
}


static void
request(const char *p, size_t len)
{
    char                  *out;
    debar_sign_request_t   rq;

    if (debar_sign_read_request(&rq, p, len) != DEBAR_OK) {
        return;
    }

    within(rq.name, p, len, DEBAR_SIGN_NAME);
    within(rq.spki, p, len, DEBAR_SIGN_SPKI);

    out = malloc(len);
    claim(debar_sign_write_request(out, len, &rq) == len);
    claim(memcmp(out, p, len) == 0);
    claim(debar_sign_write_request(out, len - 1, &rq) == 0);
    free(out);
}


static void
reply(const char *p, size_t len)
{
    char                *out;
    unsigned             i;
    debar_sign_reply_t   rp;

    if (debar_sign_read_reply(&rp, p, len) != DEBAR_OK) {
        return;
    }

    claim(rp.ncerts <= DEBAR_SIGN_CERTS);
    claim((rp.status == DEBAR_SIGN_OK) == (rp.ncerts > 0));

    for (i = 0; i < rp.ncerts; i++) {
        within(rp.certs[i], p, len, DEBAR_SIGN_CERT);
    }

    if (rp.status != DEBAR_SIGN_OK) {
        within(rp.text, p, len, DEBAR_SIGN_TEXT);
    }

    out = malloc(len);
    claim(debar_sign_write_reply(out, len, &rp) == len);
    claim(memcmp(out, p, len) == 0);
    free(out);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char    *p;
    long     n;
    size_t   len;

    if (size < 1) {
        return 0;
    }

    /* an end of memory at the end of the input; half of them get their length
     * from here */

    len = size - 1 + 4 * (data[0] & 1);
    p = malloc(len ? len : 1);

    if (data[0] & 1) {
        p[0] = 0;
        p[1] = (char) ((len - 4) >> 16);
        p[2] = (char) ((len - 4) >> 8);
        p[3] = (char) (len - 4);
        memcpy(p + 4, data + 1, len - 4);

    } else {
        memcpy(p, data + 1, len);
    }

    n = debar_sign_frame(p, len, DEBAR_SIGN_REPLY);
    claim(n >= -1 && n <= (long) len);

    if (n > 0) {
        p = realloc(p, n);
        request(p, n);
        reply(p, n);
    }

    free(p);

    return 0;
}
