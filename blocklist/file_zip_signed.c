/*
 * Packages that are a ZIP and signed as one: the signature is a member, and
 * stands for the ZIP as it was without it.
 *
 * NuGet: .signature.p7s signs a text, "OID-Hash:" and the digest of the package
 * in base64.  Windows (appx, msix): AppxSignature.p7x signs several digests, each
 * behind a mark: of what is packed (AXPC), of the directory (AXCD), and of
 * members as they come out (AXCT, AXBM, AXCI).
 */

#include <stdlib.h>

#include <openssl/cms.h>
#include <openssl/err.h>

#include "file_digest.h"
#include "file_zip.h"


#define DEBAR_ZIP_MESSAGE  (8 << 20)
#define DEBAR_ZIP_TAIL     (65536 + 256)
#define DEBAR_ZIP_RECORD   46
#define DEBAR_ZIP_PART     (256 << 20)    /* of a member that is digested */
#define DEBAR_ZIP_PARTS    12             /* ... and how often one is */


typedef struct {
    const debar_zip_t        *z;
    const debar_zip_entry_t  *e;          /* the signature */
    char                     *message;
    size_t                    len;
    uint64_t                  from;       /* its bytes, with its header */
    uint64_t                  to;
    size_t                    record;     /* in the directory */
    size_t                    nrecord;
    debar_digests_t           packed;     /* what is packed */
    debar_digests_t           directory;
    debar_digests_t           all;        /* both, one behind the other */
    unsigned                  members;    /* of which digests were made */
} debar_zip_signed_t;


static int debar_zip_signature(const debar_zip_t *z, const char *member,
    const char *how, size_t skip, debar_cms_t *cms);
static int debar_zip_signed_where(debar_zip_signed_t *s);
static int debar_zip_feed_packed(void *data, EVP_MD_CTX *md,
    const EVP_MD *type);
static int debar_zip_feed_directory(void *data, EVP_MD_CTX *md,
    const EVP_MD *type);
static int debar_zip_feed_all(void *data, EVP_MD_CTX *md, const EVP_MD *type);
static int debar_zip_feed_tail(debar_zip_signed_t *s, EVP_MD_CTX *md);
static void debar_zip_less(uint8_t *p, unsigned size, uint64_t n);
static int debar_nuget_digest(void *data, int nid, uint8_t *out,
    unsigned *len);
static int debar_nuget_claims(debar_str_t text, int *nid, uint8_t *md,
    unsigned *len);
static int debar_appx_digest(void *data, int nid, uint8_t *out, unsigned *len);
static int debar_appx_member(debar_zip_signed_t *s, const char *name, int nid,
    uint8_t *out, unsigned *len);
static int debar_appx_take(void *data, const void *buf, size_t n);


int
debar_zip_nuget(const debar_zip_t *z)
{
    debar_cms_t  cms;

    memset(&cms, 0, sizeof(cms));
    cms.digest = debar_nuget_digest;

    return debar_zip_signature(z, ".signature.p7s", "nuget", 0, &cms);
}


int
debar_zip_appx(const debar_zip_t *z)
{
    debar_cms_t  cms;

    memset(&cms, 0, sizeof(cms));
    cms.digest = debar_appx_digest;
    cms.spc = 1;

    return debar_zip_signature(z, "AppxSignature.p7x", "appx", 4, &cms);
}


static int
debar_zip_signature(const debar_zip_t *z, const char *member, const char *how,
    size_t skip, debar_cms_t *cms)
{
    int                 rc;
    debar_zip_signed_t  s;

    memset(&s, 0, sizeof(s));
    s.z = z;
    s.e = debar_zip_find(z, member, strlen(member));

    if (s.e == NULL) {
        return DEBAR_OK;
    }

    s.message = debar_zip_bytes(z, s.e, DEBAR_ZIP_MESSAGE, &s.len);

    if (s.message == NULL || s.len <= skip) {
        debar_reader_bound(z->rd, DEBAR_FILE_BROKEN);
        free(s.message);
        return DEBAR_OK;
    }

    s.packed.feed = debar_zip_feed_packed;
    s.packed.data = &s;
    s.directory.feed = debar_zip_feed_directory;
    s.directory.data = &s;
    s.all.feed = debar_zip_feed_all;
    s.all.data = &s;
    cms->how = how;
    cms->data = &s;
    rc = debar_reader_signatures(z->rd, s.message + skip, s.len - skip, cms);
    free(s.message);

    return rc;
}


/* --- the ZIP without its signature --------------------------------------- */

/* Its bytes end where the next member begins, or the directory.  DEBAR_ERROR:
 * the directory tells it otherwise, as no signer's does. */

static int
debar_zip_signed_where(debar_zip_signed_t *s)
{
    size_t         i, n;
    uint32_t       off;
    const char    *name;
    const uint8_t *p;

    if (s->to != 0) {
        return DEBAR_OK;
    }

    s->from = s->e->local;
    s->to = s->z->at;

    for (i = 0; i < s->z->n; i++) {
        if (s->z->entries[i].local > s->from && s->z->entries[i].local < s->to)
        {
            s->to = s->z->entries[i].local;
        }
    }

    for (i = 0; s->z->len - i >= DEBAR_ZIP_RECORD; i += n) {
        p = (const uint8_t *) s->z->bytes + i;
        name = s->z->bytes + i + DEBAR_ZIP_RECORD;
        n = DEBAR_ZIP_RECORD + debar_le16(p + 28) + debar_le16(p + 30)
            + debar_le16(p + 32);
        off = debar_le32(p + 42);

        if (n > s->z->len - i) {
            break;
        }

        if (debar_le16(p + 28) == s->e->name.len && off == s->from
            && memcmp(name, s->e->name.data, s->e->name.len) == 0)
        {
            s->record = i;
            s->nrecord = n;
            break;
        }
    }

    if (s->nrecord == 0 || s->to <= s->from || s->to > s->z->at) {
        s->to = 0;
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


static int
debar_zip_feed_packed(void *data, EVP_MD_CTX *md, const EVP_MD *type)
{
    int                  rc;
    debar_zip_signed_t  *s = data;

    if (debar_zip_signed_where(s) != DEBAR_OK) {
        return DEBAR_DECLINED;
    }

    rc = debar_digest_range(s->z->rd, md, 0, s->from);

    return rc == DEBAR_OK ? debar_digest_range(s->z->rd, md, s->to, s->z->at)
                          : rc;
}


/* What stood behind it stands as much closer. */

static int
debar_zip_feed_directory(void *data, EVP_MD_CTX *md, const EVP_MD *type)
{
    int                  ok;
    size_t               i, n;
    uint8_t              record[DEBAR_ZIP_RECORD];
    const char          *p;
    debar_zip_signed_t  *s = data;

    if (debar_zip_signed_where(s) != DEBAR_OK) {
        return DEBAR_DECLINED;
    }

    for (i = 0, ok = 1; s->z->len - i >= DEBAR_ZIP_RECORD && ok; i += n) {
        p = s->z->bytes + i;
        memcpy(record, p, DEBAR_ZIP_RECORD);
        n = DEBAR_ZIP_RECORD + debar_le16(record + 28)
            + debar_le16(record + 30) + debar_le16(record + 32);

        if (n > s->z->len - i) {
            return DEBAR_ERROR;
        }

        if (i == s->record) {
            continue;
        }

        if (debar_le32(record + 42) > s->from) {
            debar_zip_less(record + 42, 4, s->to - s->from);
        }

        ok = EVP_DigestUpdate(md, record, DEBAR_ZIP_RECORD)
             && EVP_DigestUpdate(md, p + DEBAR_ZIP_RECORD,
                                 n - DEBAR_ZIP_RECORD);
    }

    return ok ? debar_zip_feed_tail(s, md) : DEBAR_ERROR;
}


static int
debar_zip_feed_all(void *data, EVP_MD_CTX *md, const EVP_MD *type)
{
    int  rc;

    rc = debar_zip_feed_packed(data, md, type);

    return rc == DEBAR_OK ? debar_zip_feed_directory(data, md, type) : rc;
}


/* The end of the directory, and that of ZIP64 before it. */

static int
debar_zip_feed_tail(debar_zip_signed_t *s, EVP_MD_CTX *md)
{
    int       ok;
    uint8_t  *tail, *p;
    uint64_t  at, n, end, gone;

    at = s->z->at + s->z->len;
    n = debar_reader_source(s->z->rd)->size;

    if (s->z->end < at || n < at || n - at > DEBAR_ZIP_TAIL) {
        return DEBAR_ERROR;
    }

    n -= at;
    end = s->z->end - at;
    tail = debar_reader_bytes(s->z->rd, at, n);

    if (tail == NULL) {
        return DEBAR_ERROR;
    }

    gone = s->to - s->from;

    if (end >= 76 && memcmp(tail, "PK\6\6", 4) == 0) {
        debar_zip_less(tail + 24, 8, 1);
        debar_zip_less(tail + 32, 8, 1);
        debar_zip_less(tail + 40, 8, s->nrecord);
        debar_zip_less(tail + 48, 8, gone);

        p = tail + end - 20;

        if (memcmp(p, "PK\6\7", 4) == 0) {
            debar_zip_less(p + 8, 8, gone + s->nrecord);
        }
    }

    if (n - end >= 22) {
        debar_zip_less(tail + end + 8, 2, 1);
        debar_zip_less(tail + end + 10, 2, 1);
        debar_zip_less(tail + end + 12, 4, s->nrecord);
        debar_zip_less(tail + end + 16, 4, gone);
    }

    ok = EVP_DigestUpdate(md, tail, n);
    free(tail);

    return ok ? DEBAR_OK : DEBAR_ERROR;
}


/* All ones say that the number is elsewhere (ZIP64). */

static void
debar_zip_less(uint8_t *p, unsigned size, uint64_t n)
{
    unsigned  i;
    uint64_t  is;

    for (i = size, is = 0; i; i--) {
        is = is << 8 | p[i - 1];
    }

    if (is == (uint64_t) -1 >> (64 - 8 * size)) {
        return;
    }

    for (i = 0, is -= n; i < size; i++, is >>= 8) {
        p[i] = is;
    }
}


/* --- NuGet --------------------------------------------------------------- */

/* The digest of what is signed, as long as it is true. */

static int
debar_nuget_digest(void *data, int nid, uint8_t *out, unsigned *len)
{
    int                    rc, claims;
    uint8_t                want[EVP_MAX_MD_SIZE], is[EVP_MAX_MD_SIZE];
    unsigned               nwant, nis;
    debar_str_t            text;
    const uint8_t         *p;
    debar_zip_signed_t    *s = data;
    ASN1_OCTET_STRING    **content;
    CMS_ContentInfo       *cms;

    p = (const uint8_t *) s->message;
    cms = d2i_CMS_ContentInfo(NULL, &p, s->len);
    content = cms ? CMS_get0_content(cms) : NULL;
    rc = DEBAR_ERROR;

    if (content != NULL && *content != NULL) {
        text = debar_str((const char *) ASN1_STRING_get0_data(*content),
                         ASN1_STRING_length(*content));

        if (debar_nuget_claims(text, &claims, want, &nwant) == DEBAR_OK
            && debar_digests(&s->all, claims, is, &nis) == DEBAR_OK)
        {
            rc = DEBAR_OK;

            if (nis != nwant || memcmp(is, want, nis) != 0
                || EVP_get_digestbynid(nid) == NULL
                || !EVP_Digest(text.data, text.len, out, len,
                               EVP_get_digestbynid(nid), NULL))
            {
                *len = 0;
            }
        }
    }

    CMS_ContentInfo_free(cms);

    return rc;
}


/* "2.16.840.1.101.3.4.2.1-Hash:" and base64 in a line of its own: the strongest
 * one that is there. */

static int
debar_nuget_claims(debar_str_t text, int *nid, uint8_t *md, unsigned *len)
{
    int          n;
    size_t       i, used;
    uint8_t      out[128];
    const char  *p, *end;

    static const struct {
        debar_str_t  name;
        int          nid;
        unsigned     len;
    } known[] = {
        { debar_string("2.16.840.1.101.3.4.2.3-Hash:"), NID_sha512, 64 },
        { debar_string("2.16.840.1.101.3.4.2.2-Hash:"), NID_sha384, 48 },
        { debar_string("2.16.840.1.101.3.4.2.1-Hash:"), NID_sha256, 32 }
    };

    for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        p = memmem(text.data, text.len, known[i].name.data, known[i].name.len);

        if (p == NULL) {
            continue;
        }

        p += known[i].name.len;
        end = text.data + text.len;

        for (used = 0; p + used < end && p[used] > ' '; used++) { /* void */ }

        if (used > 88 || used % 4 != 0) {
            return DEBAR_ERROR;
        }

        n = EVP_DecodeBlock(out, (const uint8_t *) p, used);

        if (n < (int) known[i].len || n > (int) known[i].len + 2) {
            return DEBAR_ERROR;
        }

        memcpy(md, out, known[i].len);
        *len = known[i].len;
        *nid = known[i].nid;

        return DEBAR_OK;
    }

    return DEBAR_ERROR;
}


/* --- packages of Windows ------------------------------------------------- */

/* The digests as they should be, behind the marks that are there. */

static int
debar_appx_digest(void *data, int nid, uint8_t *out, unsigned *len)
{
    int                  rc, size;
    size_t               i;
    unsigned             n, at;
    const char          *p, *end;
    debar_zip_signed_t  *s = data;

    static const struct {
        const char  *mark;
        const char  *member;
    } known[] = {
        { "AXPC", NULL },
        { "AXCD", NULL },
        { "AXCT", "[Content_Types].xml" },
        { "AXBM", "AppxBlockMap.xml" },
        { "AXCI", "AppxMetadata/CodeIntegrity.cat" }
    };

    size = EVP_get_digestbynid(nid)
           ? EVP_MD_get_size(EVP_get_digestbynid(nid)) : 0;
    p = memmem(s->message, s->len, "APPXAXPC", 8);
    end = s->message + s->len;

    if (p == NULL || size <= 0) {
        return DEBAR_ERROR;
    }

    memcpy(out, p, 4);
    at = 4;
    rc = DEBAR_OK;

    for (i = 0, p += 4; i < sizeof(known) / sizeof(known[0]); i++) {
        if (end - p < 4 + size || memcmp(p, known[i].mark, 4) != 0) {
            continue;
        }

        if (at + 4 + size > DEBAR_CMS_DIGEST) {
            return DEBAR_ERROR;
        }

        memcpy(out + at, p, 4);
        at += 4;
        rc = i == 0 ? debar_digests(&s->packed, nid, out + at, &n)
             : i == 1 ? debar_digests(&s->directory, nid, out + at, &n)
             : debar_appx_member(s, known[i].member, nid, out + at, &n);

        if (rc != DEBAR_OK) {
            return rc;
        }

        at += n;
        p += 4 + size;
    }

    *len = at;

    return DEBAR_OK;
}


static int
debar_appx_member(debar_zip_signed_t *s, const char *name, int nid,
    uint8_t *out, unsigned *len)
{
    int                       rc;
    EVP_MD_CTX               *md;
    const debar_zip_entry_t  *e;

    *len = 0;
    e = debar_zip_find(s->z, name, strlen(name));

    /* what is signed and not there */

    if (e == NULL) {
        return DEBAR_OK;
    }

    if (s->members++ == DEBAR_ZIP_PARTS) {
        debar_reader_bound(s->z->rd, DEBAR_FILE_MEMBERS);
        s->members--;
        return DEBAR_ERROR;
    }

    md = EVP_MD_CTX_new();
    rc = DEBAR_ERROR;

    if (md != NULL
        && EVP_DigestInit_ex(md, EVP_get_digestbynid(nid), NULL)
        && debar_zip_read(s->z, e, DEBAR_ZIP_PART, debar_appx_take, md)
           == DEBAR_OK
        && EVP_DigestFinal_ex(md, out, len))
    {
        rc = DEBAR_OK;
    }

    EVP_MD_CTX_free(md);

    return rc;
}


static int
debar_appx_take(void *data, const void *buf, size_t n)
{
    return EVP_DigestUpdate(data, buf, n) ? DEBAR_OK : DEBAR_ERROR;
}
