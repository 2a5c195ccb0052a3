/*
 * Cabinets ([MS-CAB]): their Authenticode signature, which stands behind the
 * cabinet and is led to by the header's reserved area.  Members are
 * libarchive's.
 */

#include <stdlib.h>

#include "file_digest.h"


#define DEBAR_CAB_SIGNATURE  (8 << 20)
#define DEBAR_CAB_RESERVED   0x0004


typedef struct {
    debar_reader_t  *rd;
    uint64_t         size;
    uint64_t         at;          /* of the signature */
    uint64_t         len;
    uint64_t         end;         /* of the cabinet, then of what belongs to
                                     it */
    debar_digests_t  digests;
} debar_cab_t;


static int debar_cab_head(debar_cab_t *cab);
static int debar_cab_lost(debar_cab_t *cab);
static int debar_cab_signature(debar_cab_t *cab);
static int debar_cab_digest(void *data, int nid, uint8_t *out, unsigned *len);
static int debar_cab_feed(void *data, EVP_MD_CTX *md, const EVP_MD *type);


int
debar_file_read_cab(debar_reader_t *rd)
{
    int           rc;
    debar_cab_t  *cab;

    cab = debar_reader_alloc(rd, sizeof(*cab));

    if (cab == NULL) {
        return DEBAR_OK;
    }

    cab->rd = rd;
    cab->size = debar_reader_source(rd)->size;
    rc = DEBAR_OK;

    if (debar_cab_head(cab) == DEBAR_OK) {
        rc = debar_cab_signature(cab);
    }

    if (rc == DEBAR_OK && cab->end < cab->size) {
        rc = debar_reader_overlay(rd, cab->end, cab->size);
    }

    debar_reader_free(rd, cab, sizeof(*cab));

    return rc;
}


/*
 * A signer makes the reserved area 20 bytes long: a number, where the signature
 * is and how long.  Where that was wiped, the signature still stands behind the
 * cabinet.
 */

static int
debar_cab_head(debar_cab_t *cab)
{
    uint8_t  b[60];

    if (debar_reader_at(cab->rd, 0, b, 36) != DEBAR_OK) {
        debar_reader_bound(cab->rd, DEBAR_FILE_BROKEN);
        cab->end = cab->size;
        return DEBAR_ERROR;
    }

    cab->end = debar_le32(b + 8);

    if ((debar_le16(b + 30) & DEBAR_CAB_RESERVED) == 0
        || debar_reader_at(cab->rd, 0, b, sizeof(b)) != DEBAR_OK
        || debar_le16(b + 36) < 20)
    {
        return DEBAR_ERROR;
    }

    cab->at = debar_le32(b + 44);
    cab->len = debar_le32(b + 48);

    if (cab->at >= sizeof(b) && cab->at < cab->size && cab->len != 0) {
        if (cab->len > cab->size - cab->at) {
            debar_reader_bound(cab->rd, DEBAR_FILE_BROKEN);
            cab->len = cab->size - cab->at;
        }

        return DEBAR_OK;
    }

    return debar_cab_lost(cab);
}


static int
debar_cab_lost(debar_cab_t *cab)
{
    uint8_t  b[5];

    if (cab->end < 60
        || debar_reader_at(cab->rd, cab->end, b, sizeof(b)) != DEBAR_OK
        || b[0] != 0x30 || (b[1] != 0x82 && b[1] != 0x83))
    {
        return DEBAR_ERROR;
    }

    cab->at = cab->end;
    cab->len = b[1] == 0x82 ? 4 + (b[2] << 8 | b[3])
                            : 5 + (b[2] << 16 | b[3] << 8 | b[4]);

    if (cab->len > cab->size - cab->at) {
        cab->len = cab->size - cab->at;
    }

    return DEBAR_OK;
}


static int
debar_cab_signature(debar_cab_t *cab)
{
    int          rc;
    char        *der;
    uint64_t     end;
    debar_cms_t  cms;

    /* padded to 8 bytes */

    end = cab->at + ((cab->len + 7) & ~7ULL);
    cab->end = end > cab->end ? end : cab->end;

    if (cab->len > DEBAR_CAB_SIGNATURE) {
        debar_reader_bound(cab->rd, DEBAR_FILE_HELD);
        cab->len = DEBAR_CAB_SIGNATURE;
    }

    der = debar_reader_bytes(cab->rd, cab->at, cab->len);

    if (der == NULL) {
        return DEBAR_OK;
    }

    cab->digests.feed = debar_cab_feed;
    cab->digests.data = cab;

    memset(&cms, 0, sizeof(cms));
    cms.how = "authenticode";
    cms.digest = debar_cab_digest;
    cms.data = cab;
    cms.spc = 1;

    rc = debar_reader_signatures(cab->rd, der, cab->len, &cms);
    free(der);

    return rc;
}


static int
debar_cab_digest(void *data, int nid, uint8_t *out, unsigned *len)
{
    debar_cab_t  *cab = data;

    if (debar_digests(&cab->digests, nid, out, len) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    return cab->end < cab->size ? DEBAR_DECLINED : DEBAR_OK;
}


/*
 * All before the signature, but the checksum of the header (reserved1), the
 * cabinet's number in its set and the reserved area without its last four
 * bytes.
 */

static int
debar_cab_feed(void *data, EVP_MD_CTX *md, const EVP_MD *type)
{
    int           rc;
    debar_cab_t  *cab = data;

    rc = debar_digest_range(cab->rd, md, 0, 4);

    if (rc == DEBAR_OK) {
        rc = debar_digest_range(cab->rd, md, 8, 34);
    }

    if (rc == DEBAR_OK) {
        rc = debar_digest_range(cab->rd, md, 56, cab->at);
    }

    return rc;
}
