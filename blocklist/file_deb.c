/*
 * Packages of Debian: who signed them (debsigs: members "_gpg...").  What they say
 * of themselves is in their control file, which is a member like others.
 */

#include <stdlib.h>

#include "file_read.h"


#define DEBAR_DEB_MEMBERS    32
#define DEBAR_DEB_SIGNATURE  65536


static uint64_t debar_deb_size(const uint8_t *header);


int
debar_file_read_deb(debar_reader_t *rd)
{
    int       rc;
    char     *p;
    uint8_t   h[60];
    uint64_t  off, n;
    unsigned  i;

    for (i = 0, off = 8, rc = DEBAR_OK; i < DEBAR_DEB_MEMBERS; i++) {
        if (rc != DEBAR_OK
            || debar_reader_at(rd, off, h, sizeof(h)) != DEBAR_OK)
        {
            break;
        }

        off += sizeof(h);
        n = debar_deb_size(h);

        if (memcmp(h, "_gpg", 4) == 0 && n < DEBAR_DEB_SIGNATURE) {
            p = debar_reader_bytes(rd, off, n);

            if (p != NULL) {
                rc = debar_reader_pgp(rd, "deb", p, n, DEBAR_SIGNED_UNCHECKED);
                free(p);
            }
        }

        off += n + (n & 1);
    }

    return rc;
}


static uint64_t
debar_deb_size(const uint8_t *header)
{
    uint64_t  n;
    unsigned  i;

    for (i = 48, n = 0; i < 58; i++) {
        if (header[i] >= '0' && header[i] <= '9') {
            n = 10 * n + (header[i] - '0');
        }
    }

    return n;
}
