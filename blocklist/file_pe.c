/*
 * Programs of Windows (PE32, PE32+; EFI images are the same): Authenticode
 * signatures with the digest made anew, the version resource, and what an
 * installer carries in its resources and behind its sections.
 *
 * "PE Format" of Microsoft Learn; "Windows Authenticode Portable Executable
 * Signature Format".
 */

#include <stdlib.h>

#include <openssl/evp.h>

#include "file_pe.h"


#define DEBAR_PE_CHUNK     16384
#define DEBAR_PE_SECTIONS  1024
#define DEBAR_PE_ENTRIES   16     /* WIN_CERTIFICATE */
#define DEBAR_PE_DIGESTS   8
#define DEBAR_PE_TAIL      65536


typedef struct {
    int                nid;
    unsigned           len;
    uint8_t            md[EVP_MAX_MD_SIZE];
} debar_pe_digest_t;

/* For debar_cms_t: each digest is made once, whoever asks for it. */

typedef struct {
    const debar_pe_t  *pe;
    debar_pe_digest_t  made[DEBAR_PE_DIGESTS];
    unsigned           n;
} debar_pe_digests_t;


static int debar_pe_head(debar_pe_t *pe);
static int debar_pe_directories(debar_pe_t *pe, uint64_t table);
static int debar_pe_section_table(debar_pe_t *pe, uint64_t off, unsigned n);
static void debar_pe_table(debar_pe_t *pe);
static int debar_pe_lost_table(debar_pe_t *pe, uint64_t off);
static int debar_pe_signatures(debar_pe_t *pe);
static int debar_pe_certificates(debar_pe_t *pe, const debar_cms_t *cms);
static int debar_pe_digest(void *data, int nid, uint8_t *out, unsigned *len);
static int debar_pe_digest_make(const debar_pe_t *pe, debar_pe_digest_t *d);
static int debar_pe_digest_range(const debar_pe_t *pe, EVP_MD_CTX *md,
    uint64_t from, uint64_t to);


int
debar_file_read_pe(debar_reader_t *rd)
{
    int         rc;
    debar_pe_t  pe;

    memset(&pe, 0, sizeof(pe));
    pe.rd = rd;
    pe.size = debar_reader_source(rd)->size;

    rc = debar_pe_head(&pe);

    if (rc == DEBAR_OK) {
        debar_pe_table(&pe);
        rc = debar_pe_signatures(&pe);
    }

    if (rc == DEBAR_OK) {
        rc = debar_pe_resources(&pe);
    }

    if (rc == DEBAR_OK) {
        rc = debar_reader_overlay(rd, pe.overlay,
                                  pe.table ? pe.table : pe.size);
    }

    free(pe.sections);

    return rc == DEBAR_DECLINED ? rc : DEBAR_OK;
}


/* DEBAR_ERROR: it is no PE, or its headers are cut off. */

static int
debar_pe_head(debar_pe_t *pe)
{
    uint8_t   b[24], opt[96];
    uint64_t  at;
    unsigned  n, size;

    if (debar_reader_at(pe->rd, 0, b, 2) != DEBAR_OK
        || debar_reader_at(pe->rd, 60, b, 4) != DEBAR_OK)
    {
        debar_reader_type(pe->rd, DEBAR_FILE_DOS);
        return DEBAR_ERROR;
    }

    at = debar_le32(b);

    if (debar_reader_at(pe->rd, at, b, sizeof(b)) != DEBAR_OK
        || memcmp(b, "PE\0\0", 4) != 0)
    {
        debar_reader_type(pe->rd, DEBAR_FILE_DOS);
        return DEBAR_ERROR;
    }

    n = debar_le16(b + 6);
    size = debar_le16(b + 20);
    at += 24;

    if (size < 96 || debar_reader_at(pe->rd, at, opt, sizeof(opt)) != DEBAR_OK) {
        debar_reader_bound(pe->rd, DEBAR_FILE_BROKEN);
        return DEBAR_ERROR;
    }

    pe->checksum = at + 64;

    if (debar_pe_directories(pe, at + (debar_le16(opt) == 0x20b ? 112 : 96))
        != DEBAR_OK)
    {
        debar_reader_bound(pe->rd, DEBAR_FILE_BROKEN);
        return DEBAR_ERROR;
    }

    return debar_pe_section_table(pe, at + size, n);
}


/* Their number, then resources as number 2, certificates as number 4. */

static int
debar_pe_directories(debar_pe_t *pe, uint64_t table)
{
    uint8_t   b[8];
    unsigned  n;

    if (debar_reader_at(pe->rd, table - 4, b, 4) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    n = debar_le32(b);

    if (n > 2 && debar_reader_at(pe->rd, table + 16, b, 8) == DEBAR_OK) {
        pe->resources = debar_le32(b);
    }

    if (n > 4 && debar_reader_at(pe->rd, table + 32, b, 8) == DEBAR_OK) {
        pe->entry = table + 32;
        pe->table = debar_le32(b);
        pe->table_size = debar_le32(b + 4);
    }

    return DEBAR_OK;
}


/* Where the last section ends, the overlay begins. */

static int
debar_pe_section_table(debar_pe_t *pe, uint64_t off, unsigned n)
{
    uint8_t   *s;
    uint64_t   end;
    unsigned   i;

    if (n > DEBAR_PE_SECTIONS) {
        debar_reader_bound(pe->rd, DEBAR_FILE_BROKEN);
        n = DEBAR_PE_SECTIONS;
    }

    pe->overlay = off + 40 * n;

    if (n == 0) {
        return DEBAR_OK;
    }

    pe->sections = debar_reader_bytes(pe->rd, off, 40 * n);

    if (pe->sections == NULL) {
        debar_reader_bound(pe->rd, DEBAR_FILE_BROKEN);
        return DEBAR_OK;
    }

    pe->nsections = n;

    for (i = 0; i < n; i++) {
        s = pe->sections + 40 * i;
        end = (uint64_t) debar_le32(s + 20) + debar_le32(s + 16);

        if (debar_le32(s + 16) && end > pe->overlay) {
            pe->overlay = end;
        }
    }

    /* cut off inside of a section: what is there is read */

    if (pe->overlay > pe->size) {
        debar_reader_bound(pe->rd, DEBAR_FILE_BROKEN);
        pe->overlay = pe->size;
    }

    return DEBAR_OK;
}


/* --- signatures ---------------------------------------------------------- */

/*
 * Where the certificate table is.  Without a directory entry it may still lie
 * where it was, with the entry wiped: behind the sections, or at the end.
 */

static void
debar_pe_table(debar_pe_t *pe)
{
    uint8_t   *tail;
    uint64_t   from, n, i;

    if (pe->table != 0 && pe->table_size >= 8
        && pe->table > pe->checksum + 4 && pe->table > pe->entry + 8
        && pe->table < pe->size)
    {
        if (pe->table_size > pe->size - pe->table) {
            debar_reader_bound(pe->rd, DEBAR_FILE_BROKEN);
            pe->table_size = pe->size - pe->table;
        }

        return;
    }

    if (pe->table != 0) {
        debar_reader_bound(pe->rd, DEBAR_FILE_BROKEN);
    }

    pe->table = 0;

    if (debar_pe_lost_table(pe, (pe->overlay + 7) & ~7ULL)) {
        return;
    }

    n = pe->size - pe->overlay < DEBAR_PE_TAIL ? pe->size - pe->overlay
                                               : DEBAR_PE_TAIL;
    from = pe->size - n;
    tail = debar_reader_bytes(pe->rd, from, n);

    for (i = (8 - from % 8) % 8; tail != NULL && i + 16 < n; i += 8) {
        if (debar_le16(tail + i + 4) == 0x0200
            && debar_le16(tail + i + 6) == 2
            && (debar_le32(tail + i) + 7) / 8 == (n - i + 7) / 8
            && debar_pe_lost_table(pe, from + i))
        {
            break;
        }
    }

    free(tail);
}


static int
debar_pe_lost_table(debar_pe_t *pe, uint64_t off)
{
    uint8_t  b[10];

    if (debar_reader_at(pe->rd, off, b, sizeof(b)) != DEBAR_OK
        || debar_le16(b + 4) != 0x0200 || debar_le16(b + 6) != 2
        || debar_le32(b) < 16 || debar_le32(b) > pe->size - off
        || b[8] != 0x30 || (b[9] & 0x80) == 0)
    {
        return 0;
    }

    pe->table = off;
    pe->table_size = debar_le32(b);

    return 1;
}


static int
debar_pe_signatures(debar_pe_t *pe)
{
    int                  rc;
    debar_cms_t          cms;
    debar_pe_digests_t  *digests;

    if (pe->table == 0) {
        return DEBAR_OK;
    }

    digests = debar_reader_alloc(pe->rd, sizeof(*digests));

    if (digests == NULL) {
        return DEBAR_OK;
    }

    digests->pe = pe;
    memset(&cms, 0, sizeof(cms));
    cms.how = "authenticode";
    cms.digest = debar_pe_digest;
    cms.data = digests;
    cms.spc = 1;

    rc = debar_pe_certificates(pe, &cms);
    debar_reader_free(pe->rd, digests, sizeof(*digests));

    return rc;
}


/* WIN_CERTIFICATE, each at a multiple of 8. */

static int
debar_pe_certificates(debar_pe_t *pe, const debar_cms_t *cms)
{
    int        rc;
    char      *der;
    uint8_t    b[8];
    uint64_t   off, end, len;
    unsigned   i;

    off = pe->table;
    end = pe->table + pe->table_size;

    for (i = 0, rc = DEBAR_OK; off + 8 < end && rc == DEBAR_OK; i++) {
        if (i == DEBAR_PE_ENTRIES) {
            debar_reader_bound(pe->rd, DEBAR_FILE_MEMBERS);
            break;
        }

        if (debar_reader_at(pe->rd, off, b, sizeof(b)) != DEBAR_OK) {
            break;
        }

        /* padding up to the end, or a length that makes no sense: what is left
         * is taken for one signature */

        len = debar_le32(b);

        if (len == 0 && i) {
            break;
        }

        if (len <= 8 || len > end - off) {
            debar_reader_bound(pe->rd, DEBAR_FILE_BROKEN);
            len = end - off;
        }

        der = debar_reader_bytes(pe->rd, off + 8, len - 8);

        /* PKCS #7 by its kind, or by what it is */

        if (der != NULL
            && (debar_le16(b + 6) == 2
                || (len > 32 && der[0] == 0x30 && (der[1] & 0x80))))
        {
            rc = debar_reader_signatures(pe->rd, der, len - 8, cms);
        }

        free(der);
        off += (len + 7) & ~7ULL;
    }

    return rc;
}


/*
 * The whole file but its checksum, the directory entry of the certificates and
 * their table, with which it is to end.
 */

static int
debar_pe_digest(void *data, int nid, uint8_t *out, unsigned *len)
{
    unsigned             i;
    debar_pe_digest_t   *d;
    debar_pe_digests_t  *ds = data;

    for (i = 0; i < ds->n && ds->made[i].nid != nid; i++) { /* void */ }

    if (i == DEBAR_PE_DIGESTS) {
        return DEBAR_ERROR;
    }

    d = &ds->made[i];

    if (i == ds->n) {
        d->nid = nid;

        if (debar_pe_digest_make(ds->pe, d) != DEBAR_OK) {
            d->len = 0;
        }

        ds->n++;
    }

    if (d->len == 0) {
        return DEBAR_ERROR;
    }

    memcpy(out, d->md, d->len);
    *len = d->len;

    return ((ds->pe->table + ds->pe->table_size + 7) & ~7ULL) < ds->pe->size
           ? DEBAR_DECLINED : DEBAR_OK;
}


static int
debar_pe_digest_make(const debar_pe_t *pe, debar_pe_digest_t *d)
{
    int            rc;
    uint64_t       at;
    EVP_MD_CTX    *md;
    const EVP_MD  *type;

    type = EVP_get_digestbynid(d->nid);

    if (type == NULL) {
        return DEBAR_ERROR;
    }

    md = EVP_MD_CTX_new();
    rc = md != NULL && EVP_DigestInit_ex(md, type, NULL) == 1 ? DEBAR_OK
                                                               : DEBAR_ERROR;
    if (rc == DEBAR_OK) {
        rc = debar_pe_digest_range(pe, md, 0, pe->checksum);
    }

    at = pe->checksum + 4;

    if (rc == DEBAR_OK && pe->entry) {
        rc = debar_pe_digest_range(pe, md, at, pe->entry);
        at = pe->entry + 8;
    }

    if (rc == DEBAR_OK) {
        rc = debar_pe_digest_range(pe, md, at, pe->table);
    }

    if (rc == DEBAR_OK && EVP_DigestFinal_ex(md, d->md, &d->len) != 1) {
        rc = DEBAR_ERROR;
    }

    EVP_MD_CTX_free(md);

    return rc;
}


static int
debar_pe_digest_range(const debar_pe_t *pe, EVP_MD_CTX *md, uint64_t from,
    uint64_t to)
{
    char    buf[DEBAR_PE_CHUNK];
    size_t  n;

    while (from < to) {
        n = to - from < sizeof(buf) ? to - from : sizeof(buf);

        if (debar_reader_at(pe->rd, from, buf, n) != DEBAR_OK
            || EVP_DigestUpdate(md, buf, n) != 1)
        {
            return DEBAR_ERROR;
        }

        from += n;
    }

    return DEBAR_OK;
}
