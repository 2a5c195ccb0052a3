/*
 * Programs of Apple's: who signed them and whether the signature holds for their
 * pages, their identifiers, and the property list that they carry.
 *
 * mach-o/loader.h, mach-o/fat.h; cs_blobs.h of XNU and of Security (SuperBlob,
 * CodeDirectory).  Numbers of the signature and of universal headers are
 * big-endian, those of Mach-O are as its magic says.
 */

#include <stdlib.h>

#include <openssl/evp.h>
#include <openssl/obj_mac.h>

#include "file_apple.h"


#define DEBAR_MACHO_ARCHS      64
#define DEBAR_MACHO_COMMANDS   4096
#define DEBAR_MACHO_LOAD       (4 << 20)  /* of their bytes */
#define DEBAR_MACHO_SECTIONS   256
#define DEBAR_MACHO_LISTS      8          /* property lists, of all slices */
#define DEBAR_MACHO_TAIL       (1 << 20)  /* where a lost signature is sought */

#define DEBAR_CODE_SIGNATURE   (16 << 20)
#define DEBAR_CODE_BLOBS       64
#define DEBAR_CODE_PAGE        16384
#define DEBAR_CODE_SCAN        (1 << 20)
#define DEBAR_CODE_FOUND       64         /* that lie anywhere */

#define DEBAR_CODE_SUPER       0xfade0cc0
#define DEBAR_CODE_DIRECTORY   0xfade0c02
#define DEBAR_CODE_WRAPPER     0xfade0b01
#define DEBAR_CODE_SLOT_CMS    0x10000

#define DEBAR_LC_SEGMENT       0x01
#define DEBAR_LC_ID_DYLIB      0x0d
#define DEBAR_LC_SEGMENT_64    0x19
#define DEBAR_LC_SIGNATURE     0x1d


/* A CodeDirectory. */

typedef struct {
    const debar_macho_t  *m;
    const uint8_t        *p;
    uint32_t              len;
    int                   nid;
    unsigned              hash;           /* bytes of each */
    uint32_t              slots;
    const uint8_t        *hashes;
    uint64_t              limit;
    uint64_t              page;
    unsigned              checked;
    unsigned              state;          /* of its pages */
} debar_code_t;


static int debar_macho_universal(debar_reader_t *rd, const uint8_t *head,
    debar_apple_t *all, uint64_t *end);
static int debar_macho_thin(debar_macho_t *m);
static int debar_macho_commands(debar_macho_t *m, const uint8_t *p,
    uint32_t len, unsigned n);
static int debar_macho_segment(debar_macho_t *m, const uint8_t *p,
    uint32_t len);
static int debar_macho_dylib(debar_macho_t *m, const uint8_t *p, uint32_t len);
static uint32_t debar_macho_32(const debar_macho_t *m, const uint8_t *p);
static uint64_t debar_macho_64(const debar_macho_t *m, const uint8_t *p);
static uint8_t *debar_macho_blob(uint8_t *p, uint8_t *at, size_t n);
static int debar_code_super(const debar_macho_t *m, const uint8_t *p,
    uint64_t len);
static int debar_code_directory(debar_code_t *c, const uint8_t *p,
    uint64_t len);
static int debar_code_says(const debar_code_t *c);
static int debar_code_text(const debar_code_t *c, uint32_t off,
    debar_str_t *text);
static int debar_code_cms(debar_code_t *c, const uint8_t *p, uint64_t len);
static int debar_code_digest(void *data, int nid, uint8_t *out,
    unsigned *len);
static unsigned debar_code_pages(const debar_code_t *c);
static int debar_code_may(const debar_macho_t *m, uint64_t n);
static int debar_code_page(const debar_code_t *c, EVP_MD_CTX *md,
    uint64_t off, uint64_t n, uint8_t *out);


int
debar_file_read_macho(debar_reader_t *rd)
{
    int            rc;
    uint8_t        head[8];
    uint64_t       end;
    debar_apple_t  all;
    debar_macho_t  m;

    end = 0;
    all.lists = 0;
    all.left = 2 * debar_reader_source(rd)->size;

    if (debar_reader_at(rd, 0, head, sizeof(head)) != DEBAR_OK) {
        debar_reader_bound(rd, DEBAR_FILE_BROKEN);
        return DEBAR_OK;
    }

    if (head[0] == 0xca) {
        rc = debar_macho_universal(rd, head, &all, &end);

    } else {
        memset(&m, 0, sizeof(m));
        m.rd = rd;
        m.size = debar_reader_source(rd)->size;
        m.all = &all;
        rc = debar_macho_thin(&m);
        end = m.end;
    }

    if (rc == DEBAR_OK && end != 0 && end < debar_reader_source(rd)->size) {
        rc = debar_reader_overlay(rd, end, debar_reader_source(rd)->size);
    }

    return rc;
}


static int
debar_macho_universal(debar_reader_t *rd, const uint8_t *head,
    debar_apple_t *all, uint64_t *end)
{
    int            rc;
    uint8_t        b[32];
    uint64_t       size;
    unsigned       i, n, wide;
    debar_macho_t  m;

    wide = head[3] == 0xbf;
    n = debar_be32(head + 4);
    size = debar_reader_source(rd)->size;

    if (n > DEBAR_MACHO_ARCHS) {
        debar_reader_bound(rd, DEBAR_FILE_BROKEN);
        n = DEBAR_MACHO_ARCHS;
    }

    for (i = 0, rc = DEBAR_OK; i < n && rc == DEBAR_OK; i++) {
        if (debar_reader_at(rd, 8 + i * (wide ? 32 : 20), b, wide ? 32 : 20)
            != DEBAR_OK)
        {
            debar_reader_bound(rd, DEBAR_FILE_BROKEN);
            break;
        }

        memset(&m, 0, sizeof(m));
        m.rd = rd;
        m.base = wide ? debar_be64(b + 8) : debar_be32(b + 8);
        m.size = wide ? debar_be64(b + 16) : debar_be32(b + 12);
        m.all = all;

        if (m.base > size) {
            debar_reader_bound(rd, DEBAR_FILE_BROKEN);
            continue;
        }

        if (m.size > size - m.base) {
            debar_reader_bound(rd, DEBAR_FILE_BROKEN);
            m.size = size - m.base;
        }

        rc = debar_macho_thin(&m);

        if (m.base + m.size > *end) {
            *end = m.base + m.size;
        }
    }

    return rc;
}


/* --- Mach-O -------------------------------------------------------------- */

static int
debar_macho_thin(debar_macho_t *m)
{
    int       rc;
    uint8_t   b[32], *p;
    uint32_t  n, len, magic;

    if (m->size < sizeof(b)
        || debar_reader_at(m->rd, m->base, b, sizeof(b)) != DEBAR_OK)
    {
        debar_reader_bound(m->rd, DEBAR_FILE_BROKEN);
        return DEBAR_OK;
    }

    magic = debar_be32(b);
    m->big = magic == 0xfeedface || magic == 0xfeedfacf;
    m->wide = b[m->big ? 3 : 0] == 0xcf;

    /* a slice may hold something else, such as an archive of objects */

    if (!m->big && magic != 0xcefaedfe && magic != 0xcffaedfe) {
        return debar_reader_part(m->rd, "slice", 5, m->base, m->size);
    }

    n = debar_macho_32(m, b + 16);
    len = debar_macho_32(m, b + 20);

    if (n > DEBAR_MACHO_COMMANDS || len > DEBAR_MACHO_LOAD
        || len > m->size - (m->wide ? 32 : 28))
    {
        debar_reader_bound(m->rd, DEBAR_FILE_BROKEN);
        n = n < DEBAR_MACHO_COMMANDS ? n : DEBAR_MACHO_COMMANDS;
        len = len < DEBAR_MACHO_LOAD ? len : DEBAR_MACHO_LOAD;

        if (len > m->size - (m->wide ? 32 : 28)) {
            len = m->size - (m->wide ? 32 : 28);
        }
    }

    p = debar_reader_bytes(m->rd, m->base + (m->wide ? 32 : 28), len);

    if (p == NULL) {
        return DEBAR_OK;
    }

    rc = debar_macho_commands(m, p, len, n);
    free(p);

    if (rc == DEBAR_OK && m->signature == 0) {
        debar_macho_lost(m);
    }

    return rc == DEBAR_OK && m->signature ? debar_code_read(m) : rc;
}


static int
debar_macho_commands(debar_macho_t *m, const uint8_t *p, uint32_t len,
    unsigned n)
{
    int       rc;
    uint32_t  cmd, size;

    for (rc = DEBAR_OK; n && len >= 8 && rc == DEBAR_OK; n--) {
        cmd = debar_macho_32(m, p);
        size = debar_macho_32(m, p + 4);

        if (size < 8 || size > len) {
            break;
        }

        switch (cmd) {

        case DEBAR_LC_SEGMENT:
        case DEBAR_LC_SEGMENT_64:
            m->wide = cmd == DEBAR_LC_SEGMENT_64;
            rc = debar_macho_segment(m, p, size);
            break;

        case DEBAR_LC_ID_DYLIB:
            rc = debar_macho_dylib(m, p, size);
            break;

        case DEBAR_LC_SIGNATURE:
            if (size >= 16) {
                m->signature = debar_macho_32(m, p + 8);
                m->signature_size = debar_macho_32(m, p + 12);
            }
        }

        p += size;
        len -= size;
    }

    if (n && rc == DEBAR_OK) {
        debar_reader_bound(m->rd, DEBAR_FILE_BROKEN);
    }

    if (m->signature + m->signature_size > m->end) {
        m->end = m->signature + m->signature_size;
    }

    if (m->end > m->size) {
        debar_reader_bound(m->rd, DEBAR_FILE_BROKEN);
        m->end = m->size;
    }

    return rc;
}


/* Where it ends in the file, and its property list if it has one. */

static int
debar_macho_segment(debar_macho_t *m, const uint8_t *p, uint32_t len)
{
    int             rc;
    uint32_t        n, i, each, head;
    uint64_t        off, size;
    const uint8_t  *s;

    head = m->wide ? 72 : 56;
    each = m->wide ? 80 : 68;

    if (len < head) {
        debar_reader_bound(m->rd, DEBAR_FILE_BROKEN);
        return DEBAR_OK;
    }

    off = m->wide ? debar_macho_64(m, p + 40) : debar_macho_32(m, p + 32);
    size = m->wide ? debar_macho_64(m, p + 48) : debar_macho_32(m, p + 36);
    n = debar_macho_32(m, p + head - 8);

    if (off <= m->size) {
        size = size < m->size - off ? size : m->size - off;
        m->end = off + size > m->end ? off + size : m->end;
    }

    n = n < DEBAR_MACHO_SECTIONS ? n : DEBAR_MACHO_SECTIONS;

    for (i = 0, rc = DEBAR_OK; i < n && rc == DEBAR_OK; i++) {
        if ((i + 1) * each + head > len) {
            break;
        }

        s = p + head + i * each;

        if (memcmp(s, "__info_plist\0\0\0", 16) != 0) {
            continue;
        }

        size = m->wide ? debar_macho_64(m, s + 40) : debar_macho_32(m, s + 36);
        off = debar_macho_32(m, s + (m->wide ? 48 : 40));

        if (off > m->size || size > m->size - off || size == 0) {
            debar_reader_bound(m->rd, DEBAR_FILE_BROKEN);

        } else if (m->all->lists++ < DEBAR_MACHO_LISTS) {
            rc = debar_reader_part(m->rd, "Info.plist", 10, m->base + off,
                                   size);
        }
    }

    return rc;
}


/* The name by which a library is installed. */

static int
debar_macho_dylib(debar_macho_t *m, const uint8_t *p, uint32_t len)
{
    uint32_t  off;

    off = len >= 24 ? debar_macho_32(m, p + 8) : len;

    if (off >= len) {
        return DEBAR_OK;
    }

    return debar_reader_field(m->rd, "InstallName", DEBAR_SAYS_TEXT,
                              (const char *) p + off,
                              strnlen((const char *) p + off, len - off));
}


static uint32_t
debar_macho_32(const debar_macho_t *m, const uint8_t *p)
{
    return m->big ? debar_be32(p) : debar_le32(p);
}


static uint64_t
debar_macho_64(const debar_macho_t *m, const uint8_t *p)
{
    return m->big ? debar_be64(p) : debar_le64(p);
}


/* The command that leads to it was taken out: it still lies at the end. */

void
debar_macho_lost(debar_macho_t *m)
{
    uint8_t   *p, *at;
    uint64_t   from, n;

    n = m->size < DEBAR_MACHO_TAIL ? m->size : DEBAR_MACHO_TAIL;
    from = m->size - n;
    p = debar_reader_bytes(m->rd, m->base + from, n);
    at = p ? debar_macho_blob(p, p, n) : NULL;

    if (at != NULL && debar_be32(at + 4) <= n - (at - p)) {
        m->signature = from + (at - p);
        m->signature_size = debar_be32(at + 4);
    }

    free(p);
}


/* What looks like the head of a SuperBlob, at or behind at. */

static uint8_t *
debar_macho_blob(uint8_t *p, uint8_t *at, size_t n)
{
    for (/* void */; at < p + n; at += 4) {
        at = memmem(at, n - (at - p), "\xfa\xde\x0c\xc0", 4);

        if (at == NULL || n - (at - p) < 12) {
            return NULL;
        }

        if (debar_be32(at + 4) > 12
            && debar_be32(at + 4) <= DEBAR_CODE_SIGNATURE
            && debar_be32(at + 8) - 1 < DEBAR_CODE_BLOBS)
        {
            return at;
        }
    }

    return NULL;
}


/* --- signatures ---------------------------------------------------------- */

int
debar_code_read(const debar_macho_t *m)
{
    int        rc;
    uint8_t   *p;
    uint64_t   len;

    if (m->signature >= m->size) {
        debar_reader_bound(m->rd, DEBAR_FILE_BROKEN);
        return DEBAR_OK;
    }

    len = m->signature_size;

    if (len > m->size - m->signature) {
        debar_reader_bound(m->rd, DEBAR_FILE_BROKEN);
        len = m->size - m->signature;
    }

    if (len > DEBAR_CODE_SIGNATURE) {
        debar_reader_bound(m->rd, DEBAR_FILE_HELD);
        len = DEBAR_CODE_SIGNATURE;
    }

    p = debar_reader_bytes(m->rd, m->base + m->signature, len);
    rc = DEBAR_OK;

    if (p != NULL && len >= 12 && debar_be32(p) == DEBAR_CODE_SUPER) {
        rc = debar_code_super(m, p, len);

    } else {
        debar_reader_bound(m->rd, DEBAR_FILE_BROKEN);
    }

    free(p);

    return rc;
}


/* The first CodeDirectory is what the CMS signs, the others say the same with
 * other digests. */

/*
 * In a file system that is not read: what is signed there is in pieces that are
 * not known, but a signature is smaller than they are.
 */

int
debar_code_scan(debar_reader_t *rd)
{
    int            rc;
    uint8_t       *p, *at;
    size_t         n;
    unsigned       found;
    uint64_t       off, size;
    debar_apple_t  all;
    debar_macho_t  m;

    size = debar_reader_source(rd)->size;
    all.lists = 0;
    all.left = size;
    memset(&m, 0, sizeof(m));
    m.rd = rd;
    m.all = &all;
    m.size = size;
    m.astray = 1;

    rc = DEBAR_OK;
    found = 0;

    for (off = 0; off + 12 < size && rc == DEBAR_OK; off += n - 11) {
        n = size - off < DEBAR_CODE_SCAN ? size - off : DEBAR_CODE_SCAN;
        p = debar_reader_bytes(rd, off, n);

        for (at = p; at != NULL && rc == DEBAR_OK; at += 4) {
            at = debar_macho_blob(p, at, n);

            if (at == NULL) {
                break;
            }

            if (found++ == DEBAR_CODE_FOUND) {
                debar_reader_bound(rd, DEBAR_FILE_MEMBERS);
                rc = DEBAR_ERROR;
                break;
            }

            m.signature = off + (at - p);
            m.signature_size = debar_be32(at + 4);
            rc = debar_code_read(&m);
        }

        free(p);

        if (p == NULL) {
            break;
        }
    }

    return rc == DEBAR_DECLINED ? rc : DEBAR_OK;
}


static int
debar_code_super(const debar_macho_t *m, const uint8_t *p, uint64_t len)
{
    int             rc;
    uint32_t        i, n, off, size;
    unsigned        have;
    debar_code_t    c;
    const uint8_t  *cms;
    uint64_t        ncms;

    n = debar_be32(p + 8);

    if (n > DEBAR_CODE_BLOBS || n * 8 > len - 12) {
        debar_reader_bound(m->rd, DEBAR_FILE_BROKEN);
        n = n < DEBAR_CODE_BLOBS ? n : DEBAR_CODE_BLOBS;
        n = n * 8 > len - 12 ? (len - 12) / 8 : n;
    }

    memset(&c, 0, sizeof(c));
    c.m = m;
    cms = NULL;
    ncms = 0;

    for (i = 0, have = 0, rc = DEBAR_OK; i < n && rc == DEBAR_OK; i++) {
        off = debar_be32(p + 12 + 8 * i + 4);

        if (off > len || len - off < 8) {
            debar_reader_bound(m->rd, DEBAR_FILE_BROKEN);
            continue;
        }

        size = debar_be32(p + off + 4);

        if (size > len - off) {
            debar_reader_bound(m->rd, DEBAR_FILE_BROKEN);
            size = len - off;
        }

        if (size < 8) {
            continue;
        }

        if (debar_be32(p + off) == DEBAR_CODE_DIRECTORY && !have) {
            have = debar_code_directory(&c, p + off, size) == DEBAR_OK;
            rc = have ? debar_code_says(&c) : DEBAR_OK;

        } else if (debar_be32(p + 12 + 8 * i) == DEBAR_CODE_SLOT_CMS
                   && debar_be32(p + off) == DEBAR_CODE_WRAPPER)
        {
            cms = p + off + 8;
            ncms = size - 8;
        }
    }

    /* signed by nobody ("ad hoc"), it is empty or not there */

    return rc == DEBAR_OK && ncms ? debar_code_cms(&c, cms, ncms) : rc;
}


static int
debar_code_directory(debar_code_t *c, const uint8_t *p, uint64_t len)
{
    uint64_t  at;

    if (len < 44) {
        debar_reader_bound(c->m->rd, DEBAR_FILE_BROKEN);
        return DEBAR_ERROR;
    }

    c->p = p;
    c->len = len;
    c->hash = p[36];
    c->slots = debar_be32(p + 28);
    c->limit = debar_be32(p + 32);
    c->page = p[39] && p[39] < 32 ? 1u << p[39] : 0;

    if (debar_be32(p + 8) >= 0x20300 && len >= 64 && debar_be64(p + 56)) {
        c->limit = debar_be64(p + 56);
    }

    switch (p[37]) {
    case 1:
        c->nid = NID_sha1;
        break;
    case 2:
    case 3:
        c->nid = NID_sha256;
        break;
    case 4:
        c->nid = NID_sha384;
        break;
    default:
        c->nid = NID_undef;
    }

    at = debar_be32(p + 16);

    if (at <= len && (uint64_t) c->slots * c->hash <= len - at) {
        c->hashes = p + at;
    }

    return DEBAR_OK;
}


static int
debar_code_says(const debar_code_t *c)
{
    int          rc;
    debar_str_t  text;

    rc = DEBAR_OK;

    if (debar_code_text(c, debar_be32(c->p + 20), &text)) {
        rc = debar_reader_package(c->m->rd, "apple", text.data, text.len);
    }

    if (rc == DEBAR_OK && debar_be32(c->p + 8) >= 0x20200 && c->len >= 52
        && debar_code_text(c, debar_be32(c->p + 48), &text))
    {
        rc = debar_reader_field(c->m->rd, "TeamIdentifier", DEBAR_SAYS_TEXT,
                                text.data, text.len);

        if (rc == DEBAR_OK) {
            rc = debar_reader_package(c->m->rd, "apple-team", text.data,
                                      text.len);
        }
    }

    return rc;
}


static int
debar_code_text(const debar_code_t *c, uint32_t off, debar_str_t *text)
{
    const char  *p;

    if (off == 0 || off >= c->len) {
        return 0;
    }

    p = (const char *) c->p + off;
    *text = debar_str(p, strnlen(p, c->len - off));

    return text->len != 0;
}


static int
debar_code_cms(debar_code_t *c, const uint8_t *p, uint64_t len)
{
    debar_cms_t  cms;

    memset(&cms, 0, sizeof(cms));
    cms.how = "apple";
    cms.digest = debar_code_digest;
    cms.data = c;

    return debar_reader_signatures(c->m->rd, p, len, &cms);
}


/* The CodeDirectory is the content; what it says of the pages is part of whether
 * a signature holds. */

static int
debar_code_digest(void *data, int nid, uint8_t *out, unsigned *len)
{
    debar_code_t  *c = data;
    const EVP_MD  *md;

    md = EVP_get_digestbynid(nid);

    if (c->p == NULL || md == NULL || !debar_code_may(c->m, c->len)
        || EVP_Digest(c->p, c->len, out, len, md, NULL) != 1)
    {
        return DEBAR_ERROR;
    }

    if (!c->checked) {
        c->state = debar_code_pages(c);
        c->checked = 1;
    }

    switch (c->state) {

    case DEBAR_SIGNED_HOLDS:
        return DEBAR_OK;

    case DEBAR_SIGNED_APPENDED:
        return DEBAR_DECLINED;

    case DEBAR_SIGNED_BROKEN:

        /* nothing that is signed fits pages that were changed */

        out[0] ^= 0xff;
        return DEBAR_OK;

    default:
        return DEBAR_ERROR;
    }
}


static unsigned
debar_code_pages(const debar_code_t *c)
{
    int            rc;
    uint8_t        out[EVP_MAX_MD_SIZE];
    uint64_t       i, n, page;
    EVP_MD_CTX    *md;
    const EVP_MD  *type;

    type = EVP_get_digestbynid(c->nid);

    if (c->m->astray || type == NULL || c->hash < 16
        || c->hash > (unsigned) EVP_MD_get_size(type))
    {
        return DEBAR_SIGNED_UNCHECKED;
    }

    page = c->page ? c->page : c->limit ? c->limit : 1;

    if (c->hashes == NULL || c->limit > c->m->size || c->limit == 0
        || (c->limit + page - 1) / page > c->slots)
    {
        return DEBAR_SIGNED_BROKEN;
    }

    if (!debar_code_may(c->m, c->limit)) {
        return DEBAR_SIGNED_UNCHECKED;
    }

    md = EVP_MD_CTX_new();
    rc = md ? DEBAR_OK : DEBAR_ERROR;

    for (i = 0; i * page < c->limit && rc == DEBAR_OK; i++) {
        n = c->limit - i * page < page ? c->limit - i * page : page;

        if (EVP_DigestInit_ex(md, type, NULL) != 1) {
            rc = DEBAR_ERROR;
            break;
        }

        rc = debar_code_page(c, md, c->m->base + i * page, n, out);

        if (rc == DEBAR_OK
            && memcmp(out, c->hashes + i * c->hash, c->hash) != 0)
        {
            EVP_MD_CTX_free(md);
            return DEBAR_SIGNED_BROKEN;
        }
    }

    EVP_MD_CTX_free(md);

    if (rc != DEBAR_OK) {
        return DEBAR_SIGNED_UNCHECKED;
    }

    /* what stands between the pages and the signature, and behind it */

    return c->limit + 16 < c->m->signature
           || c->m->signature + c->m->signature_size < c->m->size
           ? DEBAR_SIGNED_APPENDED : DEBAR_SIGNED_HOLDS;
}


/* Slices that lie on each other cost no more than twice the file. */

static int
debar_code_may(const debar_macho_t *m, uint64_t n)
{
    if (n > m->all->left) {
        debar_reader_bound(m->rd, DEBAR_FILE_HELD);
        return 0;
    }

    m->all->left -= n;

    return 1;
}


static int
debar_code_page(const debar_code_t *c, EVP_MD_CTX *md, uint64_t off,
    uint64_t n, uint8_t *out)
{
    char    buf[DEBAR_CODE_PAGE];
    size_t  part;

    while (n) {
        part = n < sizeof(buf) ? n : sizeof(buf);

        if (debar_reader_at(c->m->rd, off, buf, part) != DEBAR_OK
            || EVP_DigestUpdate(md, buf, part) != 1)
        {
            return DEBAR_ERROR;
        }

        off += part;
        n -= part;
    }

    return EVP_DigestFinal_ex(md, out, NULL) == 1 ? DEBAR_OK : DEBAR_ERROR;
}
