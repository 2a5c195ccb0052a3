/*
 * Frames of the inspector's socket over any bytes (libFuzzer): what is read is
 * within the frame and its bounds, and written again gives the same bytes.
 */

#include "file_wire.h"

#include <stdlib.h>


#define claim(c)  do { if (!(c)) { abort(); } } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static void
within(debar_str_t s, const uint8_t *p, size_t len)
{
    claim(s.len <= DEBAR_FOUND_TEXT);
    claim(s.len == 0
          || ((const uint8_t *) s.data >= p
              && (const uint8_t *) s.data + s.len <= p + len));
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t             *p, *out;
    size_t               len;
    debar_file_frame_t   f;

    /* the length is ours, an end of memory at the end of the frame */

    len = size + 4;

    if (size == 0 || len > DEBAR_FILE_FRAME) {
        return 0;
    }

    p = malloc(len);
    p[0] = 0;
    p[1] = 0;
    p[2] = (uint8_t) (size >> 8);
    p[3] = (uint8_t) size;
    memcpy(p + 4, data, size);

    claim(debar_file_frame(p, len) == (long) len);

    if (debar_file_frame_read(&f, p, len) == DEBAR_OK) {
        within(f.coding, p, len);
        within(f.text, p, len);
        within(f.found.name, p, len);
        within(f.found.value, p, len);
        within(f.found.organization, p, len);
        within(f.found.common_name, p, len);
        within(f.found.issuer, p, len);
        within(f.found.thumbprint, p, len);
        claim(f.found.type < DEBAR_FILE_TYPES && f.found.role < DEBAR_SAYS);

        out = malloc(len);
        claim(debar_file_frame_write(out, len, &f) == len);
        claim(memcmp(out, p, len) == 0);
        claim(debar_file_frame_write(out, len - 1, &f) == 0);
        free(out);
    }

    free(p);

    return 0;
}
