/*
 * Extensions of Chrome: CRX2 and CRX3 (components/crx_file/crx3.proto of
 * Chromium): which extension it is, by the keys that signed it, whether they
 * did, and the ZIP behind that.
 *
 * A key has no name: as the thumbprint of a signer stands the SHA-256 of the
 * key, whose first half is the extension's identifier.
 */

#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "file_read.h"


#define DEBAR_CRX_HEADER  (1 << 20)
#define DEBAR_CRX_PROOFS  8
#define DEBAR_CRX_FIELDS  256
#define DEBAR_CRX_CHUNK   16384
#define DEBAR_CRX_SIGNED  "CRX3 SignedData"     /* and its NUL */


typedef struct {
    debar_str_t       key;        /* SubjectPublicKeyInfo */
    debar_str_t       signature;
    unsigned          state;
    uint8_t           sha256[32]; /* of the key */
} debar_crx_proof_t;

typedef struct {
    debar_reader_t   *rd;
    uint64_t          size;
    uint64_t          zip;        /* where it begins */
    char             *header;
    debar_crx_proof_t proofs[DEBAR_CRX_PROOFS];
    unsigned          nproofs;
    debar_str_t       signed_data;
    debar_str_t       id;         /* as it is declared: 16 bytes */
    unsigned          md_len;
    uint8_t           md[EVP_MAX_MD_SIZE];
} debar_crx_t;

/* A field of a protocol buffer: a number, or bytes. */

typedef struct {
    unsigned          number;
    unsigned          wire;
    debar_str_t       bytes;
} debar_crx_field_t;


static int debar_crx_2(debar_crx_t *x, const uint8_t *head);
static int debar_crx_3(debar_crx_t *x, const uint8_t *head);
static void debar_crx_header(debar_crx_t *x, debar_str_t in);
static void debar_crx_proof(debar_crx_t *x, debar_str_t in);
static int debar_crx_field(debar_str_t *in, debar_crx_field_t *f);
static int debar_crx_varint(debar_str_t *in, uint64_t *n);
static void debar_crx_digest(debar_crx_t *x, const EVP_MD *type);
static unsigned debar_crx_verify(debar_crx_t *x, debar_crx_proof_t *p,
    const EVP_MD *type);
static int debar_crx_tell(debar_crx_t *x);
static int debar_crx_package(debar_crx_t *x, const uint8_t *id);


int
debar_file_read_crx(debar_reader_t *rd)
{
    int          rc;
    uint8_t      head[16];
    debar_crx_t  x;

    memset(&x, 0, sizeof(x));
    x.rd = rd;
    x.size = debar_reader_source(rd)->size;

    if (debar_reader_at(rd, 0, head, sizeof(head)) != DEBAR_OK) {
        debar_reader_bound(rd, DEBAR_FILE_BROKEN);
        return DEBAR_OK;
    }

    switch (debar_le32(head + 4)) {
    case 2:
        rc = debar_crx_2(&x, head);
        break;
    case 3:
        rc = debar_crx_3(&x, head);
        break;
    default:
        debar_reader_bound(rd, DEBAR_FILE_UNREAD);
        return debar_reader_overlay(rd, 8, x.size);
    }

    if (rc == DEBAR_OK) {
        rc = debar_crx_tell(&x);

    } else {
        debar_reader_bound(rd, DEBAR_FILE_BROKEN);
        rc = DEBAR_OK;
    }

    free(x.header);

    if (rc == DEBAR_OK) {
        rc = x.zip ? debar_reader_part(rd, "extension.zip", 13, x.zip,
                                       x.size - x.zip)
                   : debar_reader_overlay(rd, 8, x.size);
    }

    return rc;
}


static int
debar_crx_2(debar_crx_t *x, const uint8_t *head)
{
    uint64_t            key, sig;
    debar_crx_proof_t  *p;

    key = debar_le32(head + 8);
    sig = debar_le32(head + 12);

    if (16 + key + sig > x->size) {
        return DEBAR_ERROR;
    }

    x->zip = 16 + key + sig;

    if (key + sig > DEBAR_CRX_HEADER) {
        debar_reader_bound(x->rd, DEBAR_FILE_HELD);
        return DEBAR_OK;
    }

    x->header = debar_reader_bytes(x->rd, 16, key + sig);

    if (x->header == NULL) {
        return DEBAR_ERROR;
    }

    x->nproofs = 1;
    p = &x->proofs[0];
    p->key = debar_str(x->header, key);
    p->signature = debar_str(x->header + key, sig);

    (void) ERR_set_mark();
    debar_crx_digest(x, EVP_sha1());
    p->state = debar_crx_verify(x, p, EVP_sha1());
    (void) ERR_pop_to_mark();

    return DEBAR_OK;
}


static int
debar_crx_3(debar_crx_t *x, const uint8_t *head)
{
    uint64_t  n;
    unsigned  i;

    n = debar_le32(head + 8);

    if (12 + n > x->size) {
        return DEBAR_ERROR;
    }

    x->zip = 12 + n;

    if (n > DEBAR_CRX_HEADER) {
        debar_reader_bound(x->rd, DEBAR_FILE_HELD);
        return DEBAR_OK;
    }

    x->header = debar_reader_bytes(x->rd, 12, n);

    if (x->header == NULL) {
        return DEBAR_ERROR;
    }

    debar_crx_header(x, debar_str(x->header, n));

    (void) ERR_set_mark();
    debar_crx_digest(x, EVP_sha256());

    for (i = 0; i < x->nproofs; i++) {
        x->proofs[i].state = debar_crx_verify(x, &x->proofs[i], EVP_sha256());
    }

    (void) ERR_pop_to_mark();

    return DEBAR_OK;
}


/* CrxFileHeader: proofs by RSA (2) and ECDSA (3), SignedData (10000), which has
 * the identifier (1). */

static void
debar_crx_header(debar_crx_t *x, debar_str_t in)
{
    unsigned           n;
    debar_str_t        data;
    debar_crx_field_t  f;

    for (n = 0; in.len; n++) {
        if (n == DEBAR_CRX_FIELDS || debar_crx_field(&in, &f) != DEBAR_OK) {
            debar_reader_bound(x->rd, DEBAR_FILE_BROKEN);
            return;
        }

        if (f.wire != 2) {
            continue;
        }

        if (f.number == 2 || f.number == 3) {
            debar_crx_proof(x, f.bytes);

        } else if (f.number == 10000) {
            x->signed_data = f.bytes;
        }
    }

    data = x->signed_data;

    for (n = 0; data.len && n < DEBAR_CRX_FIELDS; n++) {
        if (debar_crx_field(&data, &f) != DEBAR_OK) {
            debar_reader_bound(x->rd, DEBAR_FILE_BROKEN);
            break;
        }

        if (f.wire == 2 && f.number == 1 && f.bytes.len == 16) {
            x->id = f.bytes;
        }
    }
}


/* AsymmetricKeyProof: the key (1), the signature (2). */

static void
debar_crx_proof(debar_crx_t *x, debar_str_t in)
{
    unsigned            n;
    debar_crx_field_t   f;
    debar_crx_proof_t  *p;

    if (x->nproofs == DEBAR_CRX_PROOFS) {
        debar_reader_bound(x->rd, DEBAR_FILE_MEMBERS);
        return;
    }

    p = &x->proofs[x->nproofs++];

    for (n = 0; in.len && n < DEBAR_CRX_FIELDS; n++) {
        if (debar_crx_field(&in, &f) != DEBAR_OK) {
            debar_reader_bound(x->rd, DEBAR_FILE_BROKEN);
            break;
        }

        if (f.wire == 2 && f.number == 1) {
            p->key = f.bytes;

        } else if (f.wire == 2 && f.number == 2) {
            p->signature = f.bytes;
        }
    }
}


static int
debar_crx_field(debar_str_t *in, debar_crx_field_t *f)
{
    uint64_t  n;

    if (debar_crx_varint(in, &n) != DEBAR_OK || n >> 3 > 0x1fffffff) {
        return DEBAR_ERROR;
    }

    f->number = n >> 3;
    f->wire = n & 7;
    f->bytes = debar_str(NULL, 0);

    switch (f->wire) {
    case 0:
        return debar_crx_varint(in, &n);
    case 1:
        n = 8;
        break;
    case 2:
        if (debar_crx_varint(in, &n) != DEBAR_OK) {
            return DEBAR_ERROR;
        }

        break;
    case 5:
        n = 4;
        break;
    default:
        return DEBAR_ERROR;
    }

    if (n > in->len) {
        return DEBAR_ERROR;
    }

    f->bytes = debar_str(in->data, n);
    in->data += n;
    in->len -= n;

    return DEBAR_OK;
}


static int
debar_crx_varint(debar_str_t *in, uint64_t *n)
{
    uint8_t   b;
    unsigned  shift;

    *n = 0;

    for (shift = 0; in->len && shift < 64; shift += 7) {
        b = *in->data++;
        in->len--;
        *n |= (uint64_t) (b & 0x7f) << shift;

        if (b < 0x80) {
            return DEBAR_OK;
        }
    }

    return DEBAR_ERROR;
}


/* --- signatures ---------------------------------------------------------- */

/* Of CRX2 the ZIP is signed; of CRX3 a mark, the size of SignedData as 32 bits,
 * SignedData, and the ZIP. */

static void
debar_crx_digest(debar_crx_t *x, const EVP_MD *type)
{
    int          rc;
    char         buf[DEBAR_CRX_CHUNK];
    size_t       n;
    uint8_t      size[4];
    uint64_t     off;
    EVP_MD_CTX  *md;

    md = EVP_MD_CTX_new();
    rc = md != NULL && EVP_DigestInit_ex(md, type, NULL) == 1;

    if (rc && type == EVP_sha256()) {
        n = x->signed_data.len;
        size[0] = n;
        size[1] = n >> 8;
        size[2] = n >> 16;
        size[3] = n >> 24;
        rc = EVP_DigestUpdate(md, DEBAR_CRX_SIGNED, sizeof(DEBAR_CRX_SIGNED))
             && EVP_DigestUpdate(md, size, 4)
             && EVP_DigestUpdate(md, x->signed_data.data, n);
    }

    for (off = x->zip; off < x->size && rc; off += n) {
        n = x->size - off < sizeof(buf) ? x->size - off : sizeof(buf);
        rc = debar_reader_at(x->rd, off, buf, n) == DEBAR_OK
             && EVP_DigestUpdate(md, buf, n);
    }

    if (!rc || EVP_DigestFinal_ex(md, x->md, &x->md_len) != 1) {
        x->md_len = 0;
    }

    EVP_MD_CTX_free(md);
}


static unsigned
debar_crx_verify(debar_crx_t *x, debar_crx_proof_t *p, const EVP_MD *type)
{
    unsigned        n, state;
    EVP_PKEY       *key;
    EVP_PKEY_CTX   *ctx;
    const uint8_t  *der;

    if (EVP_Digest(p->key.data, p->key.len, p->sha256, &n, EVP_sha256(), NULL)
        != 1 || x->md_len == 0)
    {
        return DEBAR_SIGNED_UNCHECKED;
    }

    der = (const uint8_t *) p->key.data;
    key = p->key.len ? d2i_PUBKEY(NULL, &der, p->key.len) : NULL;
    ctx = key ? EVP_PKEY_CTX_new(key, NULL) : NULL;
    state = DEBAR_SIGNED_BROKEN;

    if (ctx != NULL && EVP_PKEY_verify_init(ctx) == 1
        && EVP_PKEY_CTX_set_signature_md(ctx, type) == 1
        && p->signature.len != 0
        && EVP_PKEY_verify(ctx, (const uint8_t *) p->signature.data,
                           p->signature.len, x->md, x->md_len) == 1)
    {
        state = DEBAR_SIGNED_HOLDS;
    }

    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(key);

    return state;
}


/* --- telling ------------------------------------------------------------- */

/*
 * The identifier is what is declared, and what its keys make it, which a
 * browser wants to be the same; a store's key that signs along makes none.
 */

static int
debar_crx_tell(debar_crx_t *x)
{
    int                 rc;
    unsigned            i, own;
    debar_found_t       found;
    debar_crx_proof_t  *p;

    rc = DEBAR_OK;
    own = 0;

    for (i = 0; i < x->nproofs && rc == DEBAR_OK; i++) {
        p = &x->proofs[i];

        memset(&found, 0, sizeof(found));
        found.name = debar_str("crx", 3);
        found.thumbprint = debar_str((char *) p->sha256, 32);
        found.state = p->state;
        rc = debar_reader_signer(x->rd, &found);

        own |= x->id.len && memcmp(x->id.data, p->sha256, 16) == 0;
    }

    if (rc == DEBAR_OK && x->id.len) {
        rc = debar_crx_package(x, (const uint8_t *) x->id.data);
    }

    if (own) {
        return rc;
    }

    if (x->id.len) {
        debar_reader_bound(x->rd, DEBAR_FILE_BROKEN);
    }

    for (i = 0; i < x->nproofs && rc == DEBAR_OK; i++) {
        if (x->proofs[i].key.len) {
            rc = debar_crx_package(x, x->proofs[i].sha256);
        }
    }

    return rc;
}


/* 16 bytes, each half of one a letter from a to p. */

static int
debar_crx_package(debar_crx_t *x, const uint8_t *id)
{
    char      name[32];
    unsigned  i;

    for (i = 0; i < 16; i++) {
        name[2 * i] = 'a' + (id[i] >> 4);
        name[2 * i + 1] = 'a' + (id[i] & 15);
    }

    return debar_reader_package(x->rd, "chrome", name, sizeof(name));
}
