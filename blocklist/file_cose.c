/*
 * Who signed an extension of Firefox by COSE (RFC 9052, as Mozilla has it):
 * META-INF/cose.sig is COSE_Sign, whose signatures have the certificate of their
 * signer in their protected header, as a key identifier (4) or a chain
 * (x5chain, 33).  Only who it was is read, not whether it holds.
 */

#include <stdlib.h>

#include "file_zip.h"


#define DEBAR_COSE_BYTES       (1 << 20)
#define DEBAR_COSE_ITEMS       1000
#define DEBAR_COSE_SIGNATURES  8

#define DEBAR_COSE_KID         4
#define DEBAR_COSE_X5CHAIN     33


/* The major types of CBOR (RFC 8949) that are met. */

typedef enum {
    DEBAR_CBOR_UNSIGNED = 0,
    DEBAR_CBOR_NEGATIVE,
    DEBAR_CBOR_BYTES,
    DEBAR_CBOR_TEXT,
    DEBAR_CBOR_ARRAY,
    DEBAR_CBOR_MAP,
    DEBAR_CBOR_TAG,
    DEBAR_CBOR_SIMPLE
} debar_cbor_e;

typedef struct {
    const uint8_t  *p;
    const uint8_t  *end;
    unsigned        items;        /* read in all */
} debar_cbor_t;

typedef struct {
    unsigned        major;
    uint64_t        n;            /* the number, or how many follow */
    debar_str_t     bytes;
} debar_cbor_item_t;


static int debar_cbor_next(debar_cbor_t *c, debar_cbor_item_t *item);
static int debar_cbor_skip(debar_cbor_t *c);
static int debar_cose_signatures(debar_reader_t *rd, debar_cbor_t *c);
static int debar_cose_signature(debar_reader_t *rd, debar_cbor_t *c,
    int *rc);
static debar_str_t debar_cose_certificate(debar_str_t header);


int
debar_zip_cose(const debar_zip_t *z)
{
    int                       rc;
    char                     *p;
    size_t                    n;
    debar_cbor_t              c;
    const debar_zip_entry_t  *e;

    e = debar_zip_find(z, "META-INF/cose.sig", 17);

    if (e == NULL) {
        return DEBAR_OK;
    }

    p = debar_zip_bytes(z, e, DEBAR_COSE_BYTES, &n);

    if (p == NULL) {
        debar_reader_bound(z->rd, DEBAR_FILE_BROKEN);
        return DEBAR_OK;
    }

    c.p = (uint8_t *) p;
    c.end = c.p + n;
    c.items = 0;
    rc = debar_cose_signatures(z->rd, &c);

    if (rc == DEBAR_ERROR) {
        debar_reader_bound(z->rd, DEBAR_FILE_BROKEN);
        rc = DEBAR_OK;
    }

    free(p);

    return rc;
}


/* COSE_Sign: header, header, what is signed, signatures; a tag may stand before
 * it.  DEBAR_ERROR: it makes no sense. */

static int
debar_cose_signatures(debar_reader_t *rd, debar_cbor_t *c)
{
    int                rc;
    unsigned           i;
    debar_cbor_item_t  item;

    if (debar_cbor_next(c, &item) != DEBAR_OK
        || (item.major == DEBAR_CBOR_TAG
            && debar_cbor_next(c, &item) != DEBAR_OK)
        || item.major != DEBAR_CBOR_ARRAY || item.n != 4
        || debar_cbor_skip(c) != DEBAR_OK || debar_cbor_skip(c) != DEBAR_OK
        || debar_cbor_skip(c) != DEBAR_OK
        || debar_cbor_next(c, &item) != DEBAR_OK
        || item.major != DEBAR_CBOR_ARRAY)
    {
        return DEBAR_ERROR;
    }

    for (i = 0, rc = DEBAR_OK; i < item.n && rc == DEBAR_OK; i++) {
        if (i == DEBAR_COSE_SIGNATURES) {
            debar_reader_bound(rd, DEBAR_FILE_MEMBERS);
            break;
        }

        if (debar_cose_signature(rd, c, &rc) != DEBAR_OK) {
            return DEBAR_ERROR;
        }
    }

    return rc;
}


/* Header, header, signature. */

static int
debar_cose_signature(debar_reader_t *rd, debar_cbor_t *c, int *rc)
{
    debar_str_t        der;
    debar_cbor_item_t  item;

    if (debar_cbor_next(c, &item) != DEBAR_OK
        || item.major != DEBAR_CBOR_ARRAY || item.n != 3
        || debar_cbor_next(c, &item) != DEBAR_OK
        || item.major != DEBAR_CBOR_BYTES)
    {
        return DEBAR_ERROR;
    }

    der = debar_cose_certificate(item.bytes);

    if (der.len == 0) {
        debar_reader_bound(rd, DEBAR_FILE_BROKEN);

    } else {
        *rc = debar_reader_certificate(rd, "xpi-cose", der.data, der.len,
                                       DEBAR_SIGNED_UNCHECKED);
    }

    return debar_cbor_skip(c) == DEBAR_OK && debar_cbor_skip(c) == DEBAR_OK
           ? DEBAR_OK : DEBAR_ERROR;
}


/* Of a chain the first one. */

static debar_str_t
debar_cose_certificate(debar_str_t header)
{
    unsigned           i, n, known;
    debar_cbor_t       c;
    debar_cbor_item_t  item;

    c.p = (const uint8_t *) header.data;
    c.end = c.p + header.len;
    c.items = 0;

    if (debar_cbor_next(&c, &item) != DEBAR_OK || item.major != DEBAR_CBOR_MAP)
    {
        return debar_str(NULL, 0);
    }

    n = item.n < DEBAR_COSE_ITEMS ? item.n : DEBAR_COSE_ITEMS;

    for (i = 0; i < n; i++) {
        if (debar_cbor_next(&c, &item) != DEBAR_OK) {
            break;
        }

        known = item.major == DEBAR_CBOR_UNSIGNED
                && (item.n == DEBAR_COSE_KID || item.n == DEBAR_COSE_X5CHAIN);

        if (!known) {

            /* a name that is no number or text has parts of its own */

            if (item.major > DEBAR_CBOR_TEXT
                || debar_cbor_skip(&c) != DEBAR_OK)
            {
                break;
            }

            continue;
        }

        if (debar_cbor_next(&c, &item) == DEBAR_OK
            && item.major == DEBAR_CBOR_ARRAY && item.n != 0
            && debar_cbor_next(&c, &item) != DEBAR_OK)
        {
            break;
        }

        return item.major == DEBAR_CBOR_BYTES ? item.bytes
                                              : debar_str(NULL, 0);
    }

    return debar_str(NULL, 0);
}


/* --- CBOR ---------------------------------------------------------------- */

/* One item's head, and the bytes of a string; lengths are definite. */

static int
debar_cbor_next(debar_cbor_t *c, debar_cbor_item_t *item)
{
    unsigned  i, n;

    memset(item, 0, sizeof(*item));

    if (c->p == c->end || c->items++ == DEBAR_COSE_ITEMS) {
        return DEBAR_ERROR;
    }

    item->major = *c->p >> 5;
    n = *c->p++ & 31;

    if (n > 27) {
        return DEBAR_ERROR;
    }

    if (n < 24) {
        item->n = n;

    } else {
        n = 1 << (n - 24);

        if ((size_t) (c->end - c->p) < n) {
            return DEBAR_ERROR;
        }

        for (i = 0; i < n; i++) {
            item->n = item->n << 8 | *c->p++;
        }
    }

    if (item->major == DEBAR_CBOR_BYTES || item->major == DEBAR_CBOR_TEXT) {
        if (item->n > (uint64_t) (c->end - c->p)) {
            return DEBAR_ERROR;
        }

        item->bytes = debar_str((const char *) c->p, item->n);
        c->p += item->n;
    }

    return DEBAR_OK;
}


/* One item with all that is in it. */

static int
debar_cbor_skip(debar_cbor_t *c)
{
    uint64_t           left;
    debar_cbor_item_t  item;

    for (left = 1; left != 0; left--) {
        if (debar_cbor_next(c, &item) != DEBAR_OK) {
            return DEBAR_ERROR;
        }

        if (item.major == DEBAR_CBOR_TAG) {
            left++;

        } else if (item.major == DEBAR_CBOR_ARRAY
                   || item.major == DEBAR_CBOR_MAP)
        {
            if (item.n > DEBAR_COSE_ITEMS) {
                return DEBAR_ERROR;
            }

            left += item.major == DEBAR_CBOR_MAP ? 2 * item.n : item.n;
        }
    }

    return DEBAR_OK;
}
