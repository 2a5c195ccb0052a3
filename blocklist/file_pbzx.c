/*
 * "pbzx", as Apple's packages have their payload: pieces of 16 MiB, each packed
 * by xz or as it is.  What they make together is one member.
 */

#include "file_apple.h"
#include "file_unpack.h"


#define DEBAR_PBZX_PIECES  65536


int
debar_file_read_pbzx(debar_reader_t *rd)
{
    int       rc, xz;
    uint8_t   b[16];
    uint64_t  off, len, size;
    unsigned  i;

    size = debar_reader_source(rd)->size;
    rc = debar_reader_member(rd, "data", 4);
    off = 12;

    for (i = 0; rc == DEBAR_OK && off < size; i++) {
        if (i == DEBAR_PBZX_PIECES
            || debar_reader_at(rd, off, b, sizeof(b)) != DEBAR_OK)
        {
            debar_reader_bound(rd, DEBAR_FILE_BROKEN);
            return DEBAR_OK;
        }

        len = debar_be64(b + 8);
        off += sizeof(b);

        if (len > size - off) {
            debar_reader_bound(rd, DEBAR_FILE_BROKEN);
            len = size - off;
        }

        xz = debar_reader_at(rd, off, b, 6) == DEBAR_OK
             && memcmp(b, "\xfd" "7zXZ", 6) == 0;

        rc = debar_file_unpack(rd, off, len, xz ? DEBAR_UNPACK_OTHER
                                                : DEBAR_UNPACK_STORED,
                               debar_file_unpack_push, rd);
        off += len;

        if (rc == DEBAR_ERROR) {
            debar_reader_bound(rd, DEBAR_FILE_BROKEN);
            return DEBAR_OK;
        }
    }

    return rc == DEBAR_OK ? debar_reader_done(rd) : rc;
}
