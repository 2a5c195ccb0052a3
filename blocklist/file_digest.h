/*
 * Digests that a format's reader makes for its signatures: each once, whoever
 * asks for it (debar_cms_t of file_read.h).
 */

#ifndef DEBAR_FILE_DIGEST_H
#define DEBAR_FILE_DIGEST_H

#include <openssl/evp.h>

#include "file_read.h"


#define DEBAR_DIGESTS  8

typedef struct {
    int            nid;
    int            rc;
    unsigned       len;
    uint8_t        md[EVP_MAX_MD_SIZE];
} debar_digest_made_t;

typedef struct {

    /* Gives the bytes to md, which is begun for type.  DEBAR_OK; DEBAR_DECLINED:
     * some are not there, nothing can hold for them; DEBAR_ERROR. */

    int          (*feed)(void *data, EVP_MD_CTX *md, const EVP_MD *type);
    void          *data;
    unsigned       n;
    debar_digest_made_t  made[DEBAR_DIGESTS];
} debar_digests_t;

/* DEBAR_OK: *len is 0 where nothing can hold; DEBAR_ERROR. */

int debar_digests(debar_digests_t *ds, int nid, uint8_t *out, unsigned *len);

/* Bytes of the file, from up to to, for feed(). */

int debar_digest_range(debar_reader_t *rd, EVP_MD_CTX *md, uint64_t from,
    uint64_t to);


#endif /* DEBAR_FILE_DIGEST_H */
