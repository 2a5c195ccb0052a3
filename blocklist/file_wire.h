/*
 * What a worker and `debar inspect --serve` say to each other over a unix stream
 * socket, one connection a file.
 *
 *   worker    BEGIN, with two descriptors (SCM_RIGHTS): the file to read, opened
 *             read-only, which grows while it is being written, and an empty one
 *             for what comes out of archives and codings, read and write
 *             MORE    bytes of the file that are there by now, 8 bytes
 *             END     the file is whole, its size, 8 bytes
 *             (closing the connection: nobody wants to know any more)
 *   inspect   TAKEN   it has begun (or REFUSED with a text: too many at once)
 *             FOUND   one finding
 *             DONE    bounds, 4 bytes; the last frame
 *
 * A frame is its length (4 bytes, of what follows), its kind (1 byte) and the
 * rest; numbers are big-endian; a text is its length (2 bytes) and its bytes.
 * Nothing may follow inside of a frame.  The worker trusts nothing of what comes:
 * a reader may have been taken over by the file that it read.  Pure: bytes in,
 * values out; what is read points into the frame.
 */

#ifndef DEBAR_FILE_WIRE_H
#define DEBAR_FILE_WIRE_H

#include "file.h"


#define DEBAR_FILE_VERSION  1
#define DEBAR_FILE_FRAME    8192      /* the longest, with its length */

typedef enum {
    DEBAR_FW_BEGIN = 1,
    DEBAR_FW_MORE,
    DEBAR_FW_END,
    DEBAR_FW_TAKEN,
    DEBAR_FW_REFUSED,
    DEBAR_FW_FOUND,
    DEBAR_FW_DONE
} debar_file_frame_e;

typedef struct {
    unsigned              kind;       /* debar_file_frame_e */
    debar_str_t           coding;     /* BEGIN: Content-Encoding, or empty */
    debar_file_limits_t   limits;     /* BEGIN */
    uint64_t              bytes;      /* MORE, END */
    uint32_t              bounds;     /* DONE */
    debar_str_t           text;       /* REFUSED */
    debar_found_t         found;      /* FOUND */
} debar_file_frame_t;

/* Where the first frame ends: its whole length, 0: more bytes are needed, -1: it
 * makes no sense. */

long debar_file_frame(const void *data, size_t len);

/* DEBAR_ERROR: it is no such frame (an unknown number, text that is not UTF-8 or
 * too long, bytes left over). */

int debar_file_frame_read(debar_file_frame_t *f, const void *frame,
    size_t len);

/* Bytes written; 0: size is too small or a part too long. */

size_t debar_file_frame_write(void *out, size_t size,
    const debar_file_frame_t *f);


#endif /* DEBAR_FILE_WIRE_H */
