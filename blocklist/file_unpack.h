/*
 * Bytes of a file that are packed by themselves, for its reader.
 */

#ifndef DEBAR_FILE_UNPACK_H
#define DEBAR_FILE_UNPACK_H

#include "file_read.h"


typedef enum {
    DEBAR_UNPACK_STORED = 0,
    DEBAR_UNPACK_ZLIB,            /* and gzip */
    DEBAR_UNPACK_OTHER            /* what libarchive may know: bzip2, xz, lzma */
} debar_file_unpack_e;

/* Where they go: anything but DEBAR_OK ends it. */

typedef int (*debar_file_unpack_pt)(void *data, const void *buf, size_t n);

/*
 * len bytes at off, which are all there.  DEBAR_ERROR: they break off; what the
 * sink says, if it is not DEBAR_OK.
 */

int debar_file_unpack(debar_reader_t *rd, uint64_t off, uint64_t len,
    unsigned coding, debar_file_unpack_pt sink, void *data);

/* A sink: into the member of a reader, which is data. */

int debar_file_unpack_push(void *data, const void *buf, size_t n);


#endif /* DEBAR_FILE_UNPACK_H */
