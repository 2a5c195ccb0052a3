/*
 * What stands beside a sealed log over any bytes (libFuzzer): what is read is
 * within its bounds, and written again gives the same bytes.  Lines: all bytes
 * are some leaf's or a newline, however they come.
 *
 *   clang -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -Iblocklist
 *       t/fuzz/sealed.c blocklist/sealed.c ... -lcrypto -licuuc
 */

#include "checkpoint.h"
#include "sealed.h"

#include <stdlib.h>


#define claim(c)  do { if (!(c)) { abort(); } } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static void
again(const debar_buf_t *b, const char *p, size_t len)
{
    claim(b->len == len && memcmp(b->data, p, len) == 0);
}


static void
texts(const char *p, size_t len)
{
    debar_buf_t           b;
    debar_fault_t         fault;
    debar_checkpoint_t    c;
    debar_sealed_file_t   f;
    debar_sealed_state_t  s;

    memset(&b, 0, sizeof(b));

    if (debar_sealed_file_parse(&f, "files", p, len, &fault) == DEBAR_OK) {
        debar_sealed_file_text(&b, &f);
        claim(b.len == len + 1 && memcmp(b.data, p, len) == 0);
        b.len = 0;
    }

    if (debar_sealed_state_parse(&s, "state", p, len, &fault) == DEBAR_OK) {
        debar_sealed_state_text(&b, &s);
        again(&b, p, len);
        b.len = 0;
    }

    if (debar_checkpoint_parse(&c, "checkpoint", debar_str(p, len), &fault)
        == DEBAR_OK)
    {
        debar_checkpoint_text(&b, &c);
        claim(b.len <= len && memcmp(b.data, p, b.len) == 0);
    }

    (void) debar_sealed_number(p, len);
    (void) debar_checkpoint_read(&c, "checkpoint", p, len, NULL, &fault);
    debar_buf_free(&b);
}


static void
notes(const char *p, size_t len)
{
    int64_t      n;
    debar_str_t  note;

    while ((n = debar_checkpoints_next(&note, p, len)) > 0) {
        claim((size_t) n <= len && note.data > p
              && note.data + note.len == p + n);
        p += n;
        len -= (size_t) n;
    }

    claim(n == -1 || len == 0);
}


static void
lines(const char *p, size_t size)
{
    size_t  at, len, skip;

    for (at = 0; at < size; at += skip) {
        skip = debar_sealed_line(p + at, size - at, 1, &len);
        claim(skip > 0 && skip <= size - at && len <= DEBAR_SEALED_LINE);
        claim(skip == len || (skip == len + 1 && p[at + len] == '\n'));
        claim(memchr(p + at, '\n', len) == NULL);
        (void) debar_sealed_torn(p + at, len);
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char  *p;

    /* of its own size: what is read behind it is found */

    p = malloc(size ? size : 1);
    memcpy(p, data, size);

    texts(p, size);
    notes(p, size);
    lines(p, size);
    free(p);

    return 0;
}
