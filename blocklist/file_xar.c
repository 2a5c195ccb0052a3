/*
 * Apple flat packages (xar): who signed the table of contents, whether what it
 * names is what is there, which packages it installs, and its files.
 *
 * A signature is made over the digest of the contents as they are packed, which
 * have a digest of each file; so all of it is made anew before a signature is
 * said to hold.
 */

#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "file_unpack.h"
#include "file_xar.h"


#define DEBAR_XAR_CHUNK   16384
#define DEBAR_XAR_CMS     (1 << 20)
#define DEBAR_XAR_INFO    (4 << 20)      /* a PackageInfo or Distribution */
#define DEBAR_XAR_INFOS   16
#define DEBAR_XAR_TICKET  "t8lr"         /* the end of a notary's ticket */


static int debar_xar_head(debar_xar_t *x);
static void debar_xar_extent(debar_xar_t *x);
static void debar_xar_check(debar_xar_t *x);
static void debar_xar_check_contents(debar_xar_t *x);
static void debar_xar_check_files(debar_xar_t *x);
static int debar_xar_digest(debar_xar_t *x, int nid, uint64_t off, uint64_t n,
    uint8_t *out, unsigned *len);
static int debar_xar_signatures(debar_xar_t *x);
static int debar_xar_signed_cms(debar_xar_t *x, const void *der, size_t len);
static int debar_xar_cms_digest(void *data, int nid, uint8_t *out,
    unsigned *len);
static int debar_xar_signed_rsa(debar_xar_t *x, debar_xar_signature_t *s,
    const uint8_t *sig);
static unsigned debar_xar_verify(debar_xar_t *x, const debar_str_t *der,
    const uint8_t *sig, size_t len);
static int debar_xar_appended(debar_xar_t *x);
static int debar_xar_infos(debar_xar_t *x);
static int debar_xar_is_info(debar_xar_t *x, const debar_xar_file_t *f);
static int debar_xar_keep(void *data, const void *buf, size_t n);
static int debar_xar_members(debar_xar_t *x);
static size_t debar_xar_path(debar_xar_t *x, const debar_xar_file_t *f,
    char path[DEBAR_XAR_PATH]);


int
debar_file_read_xar(debar_reader_t *rd)
{
    int          rc;
    debar_xar_t  x;

    memset(&x, 0, sizeof(x));
    x.rd = rd;
    x.size = debar_reader_source(rd)->size;

    if (debar_xar_head(&x) != DEBAR_OK) {
        debar_reader_bound(rd, DEBAR_FILE_BROKEN);
        return DEBAR_OK;
    }

    (void) debar_xar_contents(&x);
    debar_xar_extent(&x);

    if (x.nsignatures) {
        debar_xar_check(&x);
    }

    rc = debar_xar_signatures(&x);

    if (rc == DEBAR_OK) {
        rc = debar_xar_infos(&x);
    }

    if (rc == DEBAR_OK) {
        rc = debar_xar_members(&x);
    }

    if (rc == DEBAR_OK && x.end < x.size) {
        rc = debar_reader_overlay(rd, x.end, x.size);
    }

    debar_xar_forget(&x);

    return rc;
}


static int
debar_xar_head(debar_xar_t *x)
{
    uint8_t   b[28];
    unsigned  i;

    if (debar_reader_at(x->rd, 0, b, sizeof(b)) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    x->toc = b[4] << 8 | b[5];

    for (i = 0; i < 8; i++) {
        x->toc_size = x->toc_size << 8 | b[8 + i];
    }

    if (x->toc < sizeof(b) || x->toc > x->size) {
        return DEBAR_ERROR;
    }

    /* cut off: what is there is read */

    if (x->toc_size > x->size - x->toc) {
        debar_reader_bound(x->rd, DEBAR_FILE_BROKEN);
        x->toc_size = x->size - x->toc;
    }

    x->heap = x->toc + x->toc_size;

    return DEBAR_OK;
}


/* Offsets become those of the file; what lies outside of it has no bytes. */

static void
debar_xar_extent(debar_xar_t *x)
{
    unsigned           i;
    uint64_t           heap;
    debar_xar_file_t  *f;

    heap = x->size - x->heap;
    x->end = x->heap;

    if (x->sum_off <= heap && x->sum_size <= heap - x->sum_off) {
        x->end += x->sum_off + x->sum_size;
    }

    for (i = 0; i < x->nsignatures; i++) {
        if (x->signatures[i].off > heap
            || x->signatures[i].size > heap - x->signatures[i].off)
        {
            debar_reader_bound(x->rd, DEBAR_FILE_BROKEN);
            x->signatures[i].off = 0;
            x->signatures[i].size = 0;
        }

        x->signatures[i].off += x->heap;

        if (x->signatures[i].off + x->signatures[i].size > x->end) {
            x->end = x->signatures[i].off + x->signatures[i].size;
        }
    }

    for (i = 0; i < x->nfiles; i++) {
        f = &x->files[i];

        if (!f->has_data) {
            continue;
        }

        if (f->off > heap || f->length > heap - f->off) {
            debar_reader_bound(x->rd, DEBAR_FILE_BROKEN);
            x->broken = 1;
            f->off = f->off < heap ? f->off : heap;
            f->length = heap - f->off;
        }

        f->off += x->heap;

        if (f->off + f->length > x->end) {
            x->end = f->off + f->length;
        }
    }
}


/* --- whether it is what was signed ---------------------------------------- */

static void
debar_xar_check(debar_xar_t *x)
{
    debar_xar_check_contents(x);

    if (!x->broken && !x->unknown) {
        debar_xar_check_files(x);
    }
}


static void
debar_xar_check_contents(debar_xar_t *x)
{
    uint8_t  want[sizeof(x->md)];

    if (debar_xar_digest(x, x->nid, x->toc, x->toc_size, x->md, &x->md_len)
        != DEBAR_OK)
    {
        x->md_len = 0;
        x->unknown = 1;
        return;
    }

    if (x->sum_size != x->md_len || x->sum_off > x->size - x->heap
        || debar_reader_at(x->rd, x->heap + x->sum_off, want, x->md_len)
           != DEBAR_OK
        || memcmp(want, x->md, x->md_len) != 0)
    {
        x->broken = 1;
    }
}


/* Files may lie on each other (links do); who makes the sum of them more than
 * twice the file is not followed. */

static void
debar_xar_check_files(debar_xar_t *x)
{
    uint8_t            md[EVP_MAX_MD_SIZE];
    unsigned           i, len;
    uint64_t           left;
    debar_xar_file_t  *f;

    left = 2 * x->size;

    for (i = 0; i < x->nfiles; i++) {
        f = &x->files[i];

        if (!f->has_data || f->length == 0) {
            continue;
        }

        if (f->length > left
            || debar_xar_digest(x, f->nid, f->off, f->length, md, &len)
               != DEBAR_OK)
        {
            x->unknown = 1;
            continue;
        }

        left -= f->length;

        if (f->sum_len != len || memcmp(f->sum, md, len) != 0) {
            x->broken = 1;
            return;
        }
    }
}


static int
debar_xar_digest(debar_xar_t *x, int nid, uint64_t off, uint64_t n,
    uint8_t *out, unsigned *len)
{
    int            rc;
    char           buf[DEBAR_XAR_CHUNK];
    size_t         part;
    EVP_MD_CTX    *md;
    const EVP_MD  *type;

    type = EVP_get_digestbynid(nid);
    md = type ? EVP_MD_CTX_new() : NULL;
    rc = md != NULL && EVP_DigestInit_ex(md, type, NULL) == 1 ? DEBAR_OK
                                                               : DEBAR_ERROR;

    while (n && rc == DEBAR_OK) {
        part = n < sizeof(buf) ? n : sizeof(buf);

        if (debar_reader_at(x->rd, off, buf, part) != DEBAR_OK
            || EVP_DigestUpdate(md, buf, part) != 1)
        {
            rc = DEBAR_ERROR;
        }

        off += part;
        n -= part;
    }

    if (rc == DEBAR_OK && EVP_DigestFinal_ex(md, out, len) != 1) {
        rc = DEBAR_ERROR;
    }

    EVP_MD_CTX_free(md);

    return rc;
}


/* --- signatures ---------------------------------------------------------- */

static int
debar_xar_signatures(debar_xar_t *x)
{
    int                     rc;
    char                   *sig;
    unsigned                i;
    uint64_t                n;
    debar_xar_signature_t  *s;

    for (i = 0, rc = DEBAR_OK; i < x->nsignatures && rc == DEBAR_OK; i++) {
        s = &x->signatures[i];
        n = s->size < DEBAR_XAR_CMS ? s->size : DEBAR_XAR_CMS;
        sig = debar_reader_bytes(x->rd, s->off, n);

        /* without its bytes, the certificates still tell whose it was */

        if (sig == NULL) {
            n = 0;
        }

        s->size = n;

        (void) ERR_set_mark();
        rc = s->cms && n ? debar_xar_signed_cms(x, sig, n)
                         : debar_xar_signed_rsa(x, s, (uint8_t *) sig);
        (void) ERR_pop_to_mark();
        free(sig);
    }

    return rc;
}


/* The content is the digest of the table of contents. */

static int
debar_xar_signed_cms(debar_xar_t *x, const void *der, size_t len)
{
    debar_cms_t  cms;

    memset(&cms, 0, sizeof(cms));
    cms.how = "xar";
    cms.digest = debar_xar_cms_digest;
    cms.data = x;

    return debar_reader_signatures(x->rd, der, len, &cms);
}


static int
debar_xar_cms_digest(void *data, int nid, uint8_t *out, unsigned *len)
{
    debar_xar_t   *x = data;
    const EVP_MD  *md;

    md = EVP_get_digestbynid(nid);

    if (x->md_len == 0 || (x->unknown && !x->broken) || md == NULL
        || EVP_Digest(x->md, x->md_len, out, len, md, NULL) != 1)
    {
        return DEBAR_ERROR;
    }

    /* nothing that is signed fits files that were changed */

    if (x->broken) {
        out[0] ^= 0xff;
    }

    return debar_xar_appended(x) ? DEBAR_DECLINED : DEBAR_OK;
}


/* The signer's certificate is the first, as it is made; one whose key made the
 * signature is. */

static int
debar_xar_signed_rsa(debar_xar_t *x, debar_xar_signature_t *s,
    const uint8_t *sig)
{
    unsigned  i, at, state, best;

    if (s->ncerts == 0) {
        debar_reader_bound(x->rd, DEBAR_FILE_BROKEN);
        return DEBAR_OK;
    }

    best = DEBAR_SIGNED_BROKEN;

    for (i = 0, at = 0; i < s->ncerts; i++) {
        state = debar_xar_verify(x, &s->certs[i], sig, s->size);

        if (state == DEBAR_SIGNED_HOLDS) {
            at = i;
            best = x->broken ? DEBAR_SIGNED_BROKEN
                   : x->unknown ? DEBAR_SIGNED_UNCHECKED
                   : debar_xar_appended(x) ? DEBAR_SIGNED_APPENDED
                                           : DEBAR_SIGNED_HOLDS;
            break;
        }

        if (i == 0) {
            best = state;
        }
    }

    return debar_reader_certificate(x->rd, "xar", s->certs[at].data,
                                    s->certs[at].len, best);
}


/* Apple signs the digest of the contents as a digest, others as a message. */

static unsigned
debar_xar_verify(debar_xar_t *x, const debar_str_t *der, const uint8_t *sig,
    size_t len)
{
    X509           *cert;
    uint8_t         md[EVP_MAX_MD_SIZE];
    unsigned        n, state;
    EVP_PKEY       *key;
    EVP_PKEY_CTX   *ctx;
    const EVP_MD   *type;
    const uint8_t  *p;

    type = EVP_get_digestbynid(x->nid);

    if (x->md_len == 0 || type == NULL) {
        return DEBAR_SIGNED_UNCHECKED;
    }

    p = (const uint8_t *) der->data;
    cert = d2i_X509(NULL, &p, der->len);
    key = cert ? X509_get0_pubkey(cert) : NULL;
    ctx = key ? EVP_PKEY_CTX_new(key, NULL) : NULL;
    state = DEBAR_SIGNED_UNCHECKED;

    if (ctx != NULL && EVP_PKEY_verify_init(ctx) == 1
        && EVP_PKEY_CTX_set_signature_md(ctx, type) == 1
        && EVP_Digest(x->md, x->md_len, md, &n, type, NULL) == 1)
    {
        state = len && (EVP_PKEY_verify(ctx, sig, len, x->md, x->md_len) == 1
                        || EVP_PKEY_verify(ctx, sig, len, md, n) == 1)
                ? DEBAR_SIGNED_HOLDS : DEBAR_SIGNED_BROKEN;
    }

    EVP_PKEY_CTX_free(ctx);
    X509_free(cert);

    return state;
}


/* A notary's ticket belongs there. */

static int
debar_xar_appended(debar_xar_t *x)
{
    char  b[16];

    return x->end < x->size
           && !(x->size - x->end >= sizeof(b)
                && debar_reader_at(x->rd, x->size - sizeof(b), b, sizeof(b))
                   == DEBAR_OK
                && memcmp(b, DEBAR_XAR_TICKET, 4) == 0);
}


/* --- what it installs ----------------------------------------------------- */

static int
debar_xar_infos(debar_xar_t *x)
{
    int          rc;
    unsigned     i, n;
    debar_buf_t  xml;

    for (i = 0, n = 0, rc = DEBAR_OK; i < x->nfiles && rc == DEBAR_OK; i++) {
        if (!debar_xar_is_info(x, &x->files[i])) {
            continue;
        }

        if (n++ == DEBAR_XAR_INFOS) {
            debar_reader_bound(x->rd, DEBAR_FILE_MEMBERS);
            break;
        }

        memset(&xml, 0, sizeof(xml));
        (void) debar_file_unpack(x->rd, x->files[i].off, x->files[i].length,
                            x->files[i].coding, debar_xar_keep, &xml);
        rc = debar_xar_info(x->rd, xml.data, xml.len);
        debar_buf_free(&xml);
    }

    return rc;
}


static int
debar_xar_is_info(debar_xar_t *x, const debar_xar_file_t *f)
{
    debar_str_t  name;

    if (!f->has_data || f->name_len == 0) {
        return 0;
    }

    name = debar_str(x->names.data + f->name, f->name_len);

    return (name.len == 11 && memcmp(name.data, "PackageInfo", 11) == 0)
           || (name.len == 12 && memcmp(name.data, "Distribution", 12) == 0);
}


static int
debar_xar_keep(void *data, const void *buf, size_t n)
{
    debar_buf_t  *b = data;

    if (b->len + n > DEBAR_XAR_INFO) {
        return DEBAR_DECLINED;
    }

    debar_buf_add(b, buf, n);

    return DEBAR_OK;
}


/* --- members ------------------------------------------------------------- */

static int
debar_xar_members(debar_xar_t *x)
{
    int                rc;
    char               path[DEBAR_XAR_PATH];
    size_t             len;
    unsigned           i;
    debar_xar_file_t  *f;

    for (i = 0, rc = DEBAR_OK; i < x->nfiles && rc == DEBAR_OK; i++) {
        f = &x->files[i];

        if (!f->has_data) {
            continue;
        }

        len = debar_xar_path(x, f, path);

        if (f->coding == DEBAR_UNPACK_STORED) {
            rc = debar_reader_part(x->rd, path, len, f->off, f->length);
            continue;
        }

        rc = debar_reader_member(x->rd, path, len);

        if (rc == DEBAR_OK) {
            rc = debar_file_unpack(x->rd, f->off, f->length, f->coding,
                              debar_file_unpack_push, x->rd);
        }

        if (rc == DEBAR_OK) {
            rc = debar_reader_done(x->rd);

        } else if (rc == DEBAR_ERROR) {

            /* cut off: the next one ends it */

            debar_reader_bound(x->rd, DEBAR_FILE_BROKEN);
            rc = DEBAR_OK;
        }
    }

    return rc;
}


/* From its end: as much of its folders as there is room for. */

static size_t
debar_xar_path(debar_xar_t *x, const debar_xar_file_t *f,
    char path[DEBAR_XAR_PATH])
{
    size_t  at, n;

    for (at = DEBAR_XAR_PATH; /* void */; f = &x->files[f->parent - 1]) {
        n = f->name_len < at ? f->name_len : at;
        at -= n;

        if (n) {
            memcpy(path + at, x->names.data + f->name, n);
        }

        if (f->parent == 0 || at == 0) {
            break;
        }

        path[--at] = '/';
    }

    memmove(path, path + at, DEBAR_XAR_PATH - at);

    return DEBAR_XAR_PATH - at;
}
