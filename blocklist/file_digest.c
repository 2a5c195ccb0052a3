/*
 * Digests of files, made once for each algorithm.
 */

#include "file_digest.h"


#define DEBAR_DIGEST_CHUNK  16384


static int debar_digest_make(debar_digests_t *ds, debar_digest_made_t *d);


int
debar_digests(debar_digests_t *ds, int nid, uint8_t *out, unsigned *len)
{
    unsigned              i;
    debar_digest_made_t  *d;

    for (i = 0; i < ds->n && ds->made[i].nid != nid; i++) { /* void */ }

    if (i == DEBAR_DIGESTS) {
        return DEBAR_ERROR;
    }

    d = &ds->made[i];

    if (i == ds->n) {
        d->nid = nid;
        d->rc = debar_digest_make(ds, d);
        ds->n++;
    }

    *len = d->rc == DEBAR_OK ? d->len : 0;
    memcpy(out, d->md, *len);

    return d->rc == DEBAR_ERROR ? DEBAR_ERROR : DEBAR_OK;
}


static int
debar_digest_make(debar_digests_t *ds, debar_digest_made_t *d)
{
    int            rc;
    EVP_MD_CTX    *md;
    const EVP_MD  *type;

    type = EVP_get_digestbynid(d->nid);
    md = type ? EVP_MD_CTX_new() : NULL;

    if (md == NULL || EVP_DigestInit_ex(md, type, NULL) != 1) {
        EVP_MD_CTX_free(md);
        return DEBAR_ERROR;
    }

    rc = ds->feed(ds->data, md, type);

    if (rc == DEBAR_OK && EVP_DigestFinal_ex(md, d->md, &d->len) != 1) {
        rc = DEBAR_ERROR;
    }

    EVP_MD_CTX_free(md);

    return rc;
}


int
debar_digest_range(debar_reader_t *rd, EVP_MD_CTX *md, uint64_t from,
    uint64_t to)
{
    char    buf[DEBAR_DIGEST_CHUNK];
    size_t  n;

    while (from < to) {
        n = to - from < sizeof(buf) ? to - from : sizeof(buf);

        if (debar_reader_at(rd, from, buf, n) != DEBAR_OK) {
            return DEBAR_DECLINED;
        }

        if (EVP_DigestUpdate(md, buf, n) != 1) {
            return DEBAR_ERROR;
        }

        from += n;
    }

    return DEBAR_OK;
}
