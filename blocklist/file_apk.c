/*
 * Who signed an app of Android: the block before the directory of its ZIP (APK
 * Signature Scheme v2, v3 and v3.1, source.android.com).  The digest is that of
 * everything but the block itself.
 */

#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "file_zip.h"


#define DEBAR_APK_BLOCK    (8 << 20)
#define DEBAR_APK_PAIRS    64
#define DEBAR_APK_SIGNERS  16
#define DEBAR_APK_DIGESTS  2          /* SHA-256, SHA-512 */
#define DEBAR_APK_CHUNK    (1 << 20)
#define DEBAR_APK_READ     16384

#define DEBAR_APK_V2       0x7109871a
#define DEBAR_APK_V3       0xf05368c0
#define DEBAR_APK_V31      0x1b93ad61


/* Bytes that are still to be read. */

typedef struct {
    const uint8_t      *p;
    size_t              n;
} debar_apk_bytes_t;

typedef struct {
    const debar_zip_t  *z;
    uint64_t            block;        /* where it stands */

    /* each is made once, however many signers there are */

    struct {
        int             nid;          /* 0: not yet */
        unsigned        len;          /* 0: it could not be made */
        uint8_t         md[EVP_MAX_MD_SIZE];
    }                   digests[DEBAR_APK_DIGESTS];
} debar_apk_t;

typedef struct {
    uint32_t            id;
    int                 nid;
    unsigned            pss;
    unsigned            verity;       /* of a tree, which is not made here */
} debar_apk_algorithm_t;


static int debar_apk_block(debar_apk_t *apk, const uint8_t *p, size_t n);
static int debar_apk_scheme(debar_apk_t *apk, const char *how,
    debar_apk_bytes_t value);
static int debar_apk_signer(debar_apk_t *apk, const char *how,
    debar_apk_bytes_t signer);
static unsigned debar_apk_state(debar_apk_t *apk, debar_apk_bytes_t data,
    debar_apk_bytes_t digests, debar_apk_bytes_t signatures,
    debar_apk_bytes_t cert);
static const debar_apk_algorithm_t *debar_apk_algorithm(uint32_t id);
static int debar_apk_verify(const debar_apk_algorithm_t *a,
    debar_apk_bytes_t data, debar_apk_bytes_t sig, debar_apk_bytes_t cert);
static unsigned debar_apk_same(debar_apk_t *apk, int nid,
    debar_apk_bytes_t value);
static unsigned debar_apk_digest(debar_apk_t *apk, int nid, uint8_t *out);
static int debar_apk_chunks(debar_apk_t *apk, EVP_MD_CTX *top,
    const EVP_MD *md, uint64_t from, uint64_t to);
static int debar_apk_end(debar_apk_t *apk, EVP_MD_CTX *top, const EVP_MD *md);
static int debar_apk_chunk_begin(EVP_MD_CTX *ctx, const EVP_MD *md,
    uint32_t n);
static int debar_apk_chunk_end(EVP_MD_CTX *ctx, EVP_MD_CTX *top);
static debar_apk_bytes_t debar_apk_part(debar_apk_bytes_t *from);
static uint32_t debar_apk_number(debar_apk_bytes_t *from);


static const debar_apk_algorithm_t  debar_apk_algorithms[] = {
    { 0x0101, NID_sha256, 1, 0 },
    { 0x0102, NID_sha512, 1, 0 },
    { 0x0103, NID_sha256, 0, 0 },
    { 0x0104, NID_sha512, 0, 0 },
    { 0x0201, NID_sha256, 0, 0 },
    { 0x0202, NID_sha512, 0, 0 },
    { 0x0301, NID_sha256, 0, 0 },
    { 0x0421, NID_sha256, 0, 1 },
    { 0x0423, NID_sha256, 0, 1 },
    { 0x0425, NID_sha256, 0, 1 }
};


int
debar_zip_apk(const debar_zip_t *z)
{
    int           rc;
    uint8_t       b[24], *p;
    uint64_t      size;
    debar_apk_t   apk;

    if (z->at < 32 || debar_reader_at(z->rd, z->at - 24, b, 24) != DEBAR_OK
        || memcmp(b + 8, "APK Sig Block 42", 16) != 0)
    {
        return DEBAR_OK;
    }

    size = debar_le64(b);

    if (size < 24 || size > DEBAR_APK_BLOCK || size > z->at - 8) {
        debar_reader_bound(z->rd, DEBAR_FILE_BROKEN);
        return DEBAR_OK;
    }

    memset(&apk, 0, sizeof(apk));
    apk.z = z;
    apk.block = z->at - size - 8;
    p = debar_reader_bytes(z->rd, apk.block + 8, size - 24);

    if (p == NULL) {
        return DEBAR_OK;
    }

    (void) ERR_set_mark();
    rc = debar_apk_block(&apk, p, size - 24);
    (void) ERR_pop_to_mark();

    free(p);

    return rc;
}


/* Pairs of an identifier and a value. */

static int
debar_apk_block(debar_apk_t *apk, const uint8_t *p, size_t n)
{
    int                 rc;
    uint64_t            len;
    unsigned            i;
    debar_apk_bytes_t   value;

    for (i = 0, rc = DEBAR_OK; n >= 12 && rc == DEBAR_OK; i++) {
        len = debar_le64(p);

        if (i == DEBAR_APK_PAIRS || len < 4 || len > n - 8) {
            debar_reader_bound(apk->z->rd, DEBAR_FILE_BROKEN);
            break;
        }

        value.p = p + 12;
        value.n = len - 4;

        switch (debar_le32(p + 8)) {

        case DEBAR_APK_V2:
            rc = debar_apk_scheme(apk, "apk-v2", value);
            break;

        case DEBAR_APK_V3:
            rc = debar_apk_scheme(apk, "apk-v3", value);
            break;

        case DEBAR_APK_V31:
            rc = debar_apk_scheme(apk, "apk-v3.1", value);
            break;
        }

        p += 8 + len;
        n -= 8 + len;
    }

    return rc;
}


static int
debar_apk_scheme(debar_apk_t *apk, const char *how, debar_apk_bytes_t value)
{
    int                 rc;
    unsigned            i;
    debar_apk_bytes_t   signers;

    signers = debar_apk_part(&value);

    for (i = 0, rc = DEBAR_OK; signers.n && rc == DEBAR_OK; i++) {
        if (i == DEBAR_APK_SIGNERS) {
            debar_reader_bound(apk->z->rd, DEBAR_FILE_MEMBERS);
            break;
        }

        rc = debar_apk_signer(apk, how, debar_apk_part(&signers));
    }

    return rc;
}


static int
debar_apk_signer(debar_apk_t *apk, const char *how, debar_apk_bytes_t signer)
{
    debar_apk_bytes_t  data, in, digests, certs, cert;

    data = debar_apk_part(&signer);

    /* of v3: the versions of Android that it is for */

    if (strcmp(how, "apk-v2") != 0) {
        (void) debar_apk_number(&signer);
        (void) debar_apk_number(&signer);
    }

    in = data;
    digests = debar_apk_part(&in);
    certs = debar_apk_part(&in);
    cert = debar_apk_part(&certs);

    if (cert.n == 0) {
        debar_reader_bound(apk->z->rd, DEBAR_FILE_BROKEN);
        return DEBAR_OK;
    }

    return debar_reader_certificate(apk->z->rd, how, cert.p, cert.n,
                                    debar_apk_state(apk, data, digests,
                                                debar_apk_part(&signer), cert));
}


/* By the first algorithm that is known here. */

static unsigned
debar_apk_state(debar_apk_t *apk, debar_apk_bytes_t data,
    debar_apk_bytes_t digests, debar_apk_bytes_t signatures,
    debar_apk_bytes_t cert)
{
    uint32_t                      id;
    debar_apk_bytes_t             one, value;
    const debar_apk_algorithm_t  *a;

    for (a = NULL, id = 0; signatures.n && a == NULL; ) {
        one = debar_apk_part(&signatures);
        id = debar_apk_number(&one);
        value = debar_apk_part(&one);
        a = debar_apk_algorithm(id);
    }

    if (a == NULL) {
        return DEBAR_SIGNED_UNCHECKED;
    }

    if (debar_apk_verify(a, data, value, cert) != DEBAR_OK) {
        return DEBAR_SIGNED_BROKEN;
    }

    while (digests.n) {
        one = debar_apk_part(&digests);

        if (debar_apk_number(&one) != id) {
            continue;
        }

        value = debar_apk_part(&one);

        return a->verity ? DEBAR_SIGNED_UNCHECKED
                         : debar_apk_same(apk, a->nid, value);
    }

    return DEBAR_SIGNED_BROKEN;
}


static const debar_apk_algorithm_t *
debar_apk_algorithm(uint32_t id)
{
    size_t  i;

    for (i = 0; i < sizeof(debar_apk_algorithms)
                    / sizeof(debar_apk_algorithms[0]); i++)
    {
        if (debar_apk_algorithms[i].id == id) {
            return &debar_apk_algorithms[i];
        }
    }

    return NULL;
}


static int
debar_apk_verify(const debar_apk_algorithm_t *a, debar_apk_bytes_t data,
    debar_apk_bytes_t sig, debar_apk_bytes_t cert)
{
    int              ok;
    X509            *x;
    EVP_PKEY        *key;
    EVP_MD_CTX      *ctx;
    EVP_PKEY_CTX    *pctx;
    const uint8_t   *p;

    p = cert.p;
    x = d2i_X509(NULL, &p, cert.n);
    key = x ? X509_get0_pubkey(x) : NULL;
    ctx = EVP_MD_CTX_new();

    ok = key != NULL && ctx != NULL
         && EVP_DigestVerifyInit(ctx, &pctx, EVP_get_digestbynid(a->nid), NULL,
                                 key) == 1;

    if (ok && a->pss) {
        ok = EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) == 1
             && EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST)
                == 1;
    }

    ok = ok && EVP_DigestVerify(ctx, sig.p, sig.n, data.p, data.n) == 1;

    EVP_MD_CTX_free(ctx);
    X509_free(x);

    return ok ? DEBAR_OK : DEBAR_ERROR;
}


/* --- the digest ---------------------------------------------------------- */

static unsigned
debar_apk_same(debar_apk_t *apk, int nid, debar_apk_bytes_t value)
{
    unsigned  i;

    for (i = 0; apk->digests[i].nid != nid; i++) {
        if (apk->digests[i].nid == 0) {
            apk->digests[i].nid = nid;
            apk->digests[i].len = debar_apk_digest(apk, nid,
                                                   apk->digests[i].md);
            break;
        }
    }

    if (apk->digests[i].len == 0) {
        return DEBAR_SIGNED_UNCHECKED;
    }

    return value.n == apk->digests[i].len
           && memcmp(value.p, apk->digests[i].md, value.n) == 0
           ? DEBAR_SIGNED_HOLDS : DEBAR_SIGNED_BROKEN;
}


/*
 * Of digests of chunks: what is before the block, the directory, its end.  Its
 * length, 0: it could not be made.
 */

static unsigned
debar_apk_digest(debar_apk_t *apk, int nid, uint8_t *out)
{
    uint8_t             b[5];
    unsigned            len;
    uint64_t            n, size;
    EVP_MD_CTX         *top;
    const EVP_MD       *md;
    const debar_zip_t  *z = apk->z;

    size = debar_reader_source(z->rd)->size - z->end;
    n = (apk->block + DEBAR_APK_CHUNK - 1) / DEBAR_APK_CHUNK
        + (z->end - z->at + DEBAR_APK_CHUNK - 1) / DEBAR_APK_CHUNK + 1;
    md = EVP_get_digestbynid(nid);
    top = EVP_MD_CTX_new();

    b[0] = 0x5a;
    b[1] = n;
    b[2] = n >> 8;
    b[3] = n >> 16;
    b[4] = n >> 24;

    if (top == NULL || md == NULL || size >= DEBAR_APK_CHUNK
        || !EVP_DigestInit_ex(top, md, NULL) || !EVP_DigestUpdate(top, b, 5)
        || debar_apk_chunks(apk, top, md, 0, apk->block) != DEBAR_OK
        || debar_apk_chunks(apk, top, md, z->at, z->end) != DEBAR_OK
        || debar_apk_end(apk, top, md) != DEBAR_OK
        || !EVP_DigestFinal_ex(top, out, &len))
    {
        len = 0;
    }

    EVP_MD_CTX_free(top);

    return len;
}


static int
debar_apk_chunks(debar_apk_t *apk, EVP_MD_CTX *top, const EVP_MD *md,
    uint64_t from, uint64_t to)
{
    int          rc;
    size_t       n;
    uint8_t      buf[DEBAR_APK_READ];
    uint64_t     left;
    EVP_MD_CTX  *ctx;

    ctx = EVP_MD_CTX_new();
    rc = ctx ? DEBAR_OK : DEBAR_ERROR;

    while (from < to && rc == DEBAR_OK) {
        left = to - from < DEBAR_APK_CHUNK ? to - from : DEBAR_APK_CHUNK;
        rc = debar_apk_chunk_begin(ctx, md, left);

        for ( /* void */ ; left && rc == DEBAR_OK; left -= n, from += n) {
            n = left < sizeof(buf) ? left : sizeof(buf);
            rc = debar_reader_at(apk->z->rd, from, buf, n) == DEBAR_OK
                 && EVP_DigestUpdate(ctx, buf, n) ? DEBAR_OK : DEBAR_ERROR;
        }

        if (rc == DEBAR_OK) {
            rc = debar_apk_chunk_end(ctx, top);
        }
    }

    EVP_MD_CTX_free(ctx);

    return rc;
}


/* The end of the directory, as if that began where the block does. */

static int
debar_apk_end(debar_apk_t *apk, EVP_MD_CTX *top, const EVP_MD *md)
{
    int          rc;
    char        *p;
    uint64_t     n;
    EVP_MD_CTX  *ctx;

    n = debar_reader_source(apk->z->rd)->size - apk->z->end;
    p = debar_reader_bytes(apk->z->rd, apk->z->end, n);
    ctx = EVP_MD_CTX_new();
    rc = DEBAR_ERROR;

    if (p != NULL && ctx != NULL && n >= 22) {
        p[16] = apk->block;
        p[17] = apk->block >> 8;
        p[18] = apk->block >> 16;
        p[19] = apk->block >> 24;

        if (debar_apk_chunk_begin(ctx, md, n) == DEBAR_OK
            && EVP_DigestUpdate(ctx, p, n))
        {
            rc = debar_apk_chunk_end(ctx, top);
        }
    }

    EVP_MD_CTX_free(ctx);
    free(p);

    return rc;
}


static int
debar_apk_chunk_begin(EVP_MD_CTX *ctx, const EVP_MD *md, uint32_t n)
{
    uint8_t  b[5];

    b[0] = 0xa5;
    b[1] = n;
    b[2] = n >> 8;
    b[3] = n >> 16;
    b[4] = n >> 24;

    return EVP_DigestInit_ex(ctx, md, NULL) && EVP_DigestUpdate(ctx, b, 5)
           ? DEBAR_OK : DEBAR_ERROR;
}


static int
debar_apk_chunk_end(EVP_MD_CTX *ctx, EVP_MD_CTX *top)
{
    uint8_t   md[EVP_MAX_MD_SIZE];
    unsigned  len;

    return EVP_DigestFinal_ex(ctx, md, &len) && EVP_DigestUpdate(top, md, len)
           ? DEBAR_OK : DEBAR_ERROR;
}


/* --- its numbers --------------------------------------------------------- */

/* What has its length before it; nothing is left where it is cut off. */

static debar_apk_bytes_t
debar_apk_part(debar_apk_bytes_t *from)
{
    uint32_t           n;
    debar_apk_bytes_t  part;

    part.p = from->p;
    part.n = 0;

    if (from->n < 4) {
        from->n = 0;
        return part;
    }

    n = debar_le32(from->p);

    if (n > from->n - 4) {
        from->n = 0;
        return part;
    }

    part.p = from->p + 4;
    part.n = n;
    from->p += 4 + n;
    from->n -= 4 + n;

    return part;
}


static uint32_t
debar_apk_number(debar_apk_bytes_t *from)
{
    uint32_t  n;

    if (from->n < 4) {
        from->n = 0;
        return 0;
    }

    n = debar_le32(from->p);
    from->p += 4;
    from->n -= 4;

    return n;
}
