/*
 * Packages of RPM: a lead, a header of signatures, a header, the payload.
 */

#include <stdio.h>
#include <stdlib.h>

#include <openssl/evp.h>

#include "file_read.h"


#define DEBAR_RPM_LEAD     96
#define DEBAR_RPM_ENTRIES  65536
#define DEBAR_RPM_DATA     (32 << 20)
#define DEBAR_RPM_SIGNERS  8

#define DEBAR_RPM_DSA      267        /* over the header ... */
#define DEBAR_RPM_RSA      268
#define DEBAR_RPM_SHA256   273
#define DEBAR_RPM_PGP      1002       /* ... and over all behind it */
#define DEBAR_RPM_GPG      1005
#define DEBAR_RPM_CODING   1125


typedef struct {
    uint8_t     *p;               /* the header as a whole */
    uint64_t     len;
    uint32_t     count;
    uint8_t     *data;
    uint32_t     size;
} debar_rpm_header_t;

typedef struct {
    unsigned     tag;
    const char  *name;
    unsigned     role;
} debar_rpm_field_t;


static int debar_rpm_header(debar_reader_t *rd, uint64_t off,
    debar_rpm_header_t *h);
static int debar_rpm_signatures(debar_reader_t *rd,
    const debar_rpm_header_t *sig, const debar_rpm_header_t *h);
static unsigned debar_rpm_state(const debar_rpm_header_t *sig,
    const debar_rpm_header_t *h);
static int debar_rpm_says(debar_reader_t *rd, const debar_rpm_header_t *h);
static int debar_rpm_payload(debar_reader_t *rd, const debar_rpm_header_t *h,
    uint64_t off);
static debar_str_t debar_rpm_tag(const debar_rpm_header_t *h, unsigned tag);
static uint32_t debar_rpm_be32(const uint8_t *p);


static const debar_rpm_field_t  debar_rpm_fields[] = {
    { 1000, "Name", DEBAR_SAYS_PRODUCT },
    { 1001, "Version", DEBAR_SAYS_VERSION },
    { 1011, "Vendor", DEBAR_SAYS_MAKER },
    { 1015, "Packager", DEBAR_SAYS_MAKER },
    { 1004, "Summary", DEBAR_SAYS_TEXT },
    { 1020, "URL", DEBAR_SAYS_TEXT },
    { 1010, "Distribution", DEBAR_SAYS_TEXT }
};


int
debar_file_read_rpm(debar_reader_t *rd)
{
    int                 rc;
    uint64_t            off;
    debar_rpm_header_t  sig, h;

    memset(&h, 0, sizeof(h));
    memset(&sig, 0, sizeof(sig));
    off = DEBAR_RPM_LEAD;

    if (debar_rpm_header(rd, off, &sig) != DEBAR_OK) {
        debar_reader_bound(rd, DEBAR_FILE_BROKEN);
        return DEBAR_OK;
    }

    off += (sig.len + 7) & ~7ULL;

    if (debar_rpm_header(rd, off, &h) != DEBAR_OK) {
        debar_reader_bound(rd, DEBAR_FILE_BROKEN);
        free(sig.p);
        return DEBAR_OK;
    }

    rc = debar_rpm_says(rd, &h);

    if (rc == DEBAR_OK) {
        rc = debar_rpm_signatures(rd, &sig, &h);
    }

    if (rc == DEBAR_OK) {
        rc = debar_rpm_payload(rd, &h, off + h.len);
    }

    free(sig.p);
    free(h.p);

    return rc;
}


static int
debar_rpm_header(debar_reader_t *rd, uint64_t off, debar_rpm_header_t *h)
{
    uint8_t  b[16];

    if (debar_reader_at(rd, off, b, sizeof(b)) != DEBAR_OK
        || memcmp(b, "\x8e\xad\xe8\x01", 4) != 0)
    {
        return DEBAR_ERROR;
    }

    h->count = debar_rpm_be32(b + 8);
    h->size = debar_rpm_be32(b + 12);

    if (h->count > DEBAR_RPM_ENTRIES || h->size > DEBAR_RPM_DATA) {
        return DEBAR_ERROR;
    }

    h->len = 16 + 16 * (uint64_t) h->count + h->size;
    h->p = debar_reader_bytes(rd, off, h->len);

    if (h->p == NULL) {
        return DEBAR_ERROR;
    }

    h->data = h->p + 16 + 16 * (uint64_t) h->count;

    return DEBAR_OK;
}


static int
debar_rpm_says(debar_reader_t *rd, const debar_rpm_header_t *h)
{
    int                       rc;
    size_t                    i;
    debar_str_t               s;
    const debar_rpm_field_t  *f;

    for (i = 0, rc = DEBAR_OK; rc == DEBAR_OK; i++) {
        if (i == sizeof(debar_rpm_fields) / sizeof(*f)) {
            break;
        }

        f = &debar_rpm_fields[i];
        s = debar_rpm_tag(h, f->tag);
        rc = debar_reader_field(rd, f->name, f->role, s.data, s.len);

        if (rc == DEBAR_OK && i == 0) {
            rc = debar_reader_package(rd, "rpm", s.data, s.len);
        }
    }

    return rc;
}


static int
debar_rpm_signatures(debar_reader_t *rd, const debar_rpm_header_t *sig,
    const debar_rpm_header_t *h)
{
    int                    rc;
    size_t                 i;
    unsigned               state;
    debar_str_t            s;
    static const unsigned  tags[] = {
        DEBAR_RPM_RSA, DEBAR_RPM_DSA, DEBAR_RPM_PGP, DEBAR_RPM_GPG
    };

    state = debar_rpm_state(sig, h);

    for (i = 0, rc = DEBAR_OK; i < 4 && rc == DEBAR_OK; i++) {
        s = debar_rpm_tag(sig, tags[i]);

        if (s.len) {
            rc = debar_reader_pgp(rd, "rpm", s.data, s.len, state);
        }
    }

    return rc;
}


/* The digest that stands beside a signature tells where it cannot hold. */

static unsigned
debar_rpm_state(const debar_rpm_header_t *sig, const debar_rpm_header_t *h)
{
    char         hex[2 * EVP_MAX_MD_SIZE + 1];
    uint8_t      md[EVP_MAX_MD_SIZE];
    unsigned     i, len;
    debar_str_t  want;

    want = debar_rpm_tag(sig, DEBAR_RPM_SHA256);

    if (want.len == 0
        || !EVP_Digest(h->p, h->len, md, &len, EVP_sha256(), NULL))
    {
        return DEBAR_SIGNED_UNCHECKED;
    }

    for (i = 0; i < len; i++) {
        (void) snprintf(hex + 2 * i, 3, "%02x", md[i]);
    }

    return want.len == 2 * len && strncasecmp(hex, want.data, want.len) == 0
           ? DEBAR_SIGNED_UNCHECKED : DEBAR_SIGNED_BROKEN;
}


static int
debar_rpm_payload(debar_reader_t *rd, const debar_rpm_header_t *h, uint64_t off)
{
    size_t       n;
    char         name[32];
    uint64_t     size;
    debar_str_t  coding;

    size = debar_reader_source(rd)->size;

    if (off >= size) {
        return DEBAR_OK;
    }

    coding = debar_rpm_tag(h, DEBAR_RPM_CODING);
    n = snprintf(name, sizeof(name), "payload.cpio.%.*s",
                 coding.len < 8 ? (int) coding.len : 8,
                 coding.len ? coding.data : "");

    return debar_reader_part(rd, name, n, off, size - off);
}


/* The first value of a tag: a string, one that is translated, or bytes. */

static debar_str_t
debar_rpm_tag(const debar_rpm_header_t *h, unsigned tag)
{
    uint32_t        i, type, off, count;
    const uint8_t  *e;

    for (i = 0; i < h->count; i++) {
        e = h->p + 16 + 16 * (size_t) i;

        if (debar_rpm_be32(e) != tag) {
            continue;
        }

        type = debar_rpm_be32(e + 4);
        off = debar_rpm_be32(e + 8);
        count = debar_rpm_be32(e + 12);

        if (off >= h->size) {
            break;
        }

        if (type == 7) {
            return debar_str((char *) h->data + off,
                             count < h->size - off ? count : h->size - off);
        }

        if (type == 6 || type == 8 || type == 9) {
            return debar_str((char *) h->data + off,
                             strnlen((char *) h->data + off, h->size - off));
        }

        break;
    }

    return debar_str("", 0);
}


static uint32_t
debar_rpm_be32(const uint8_t *p)
{
    return (uint32_t) p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}
