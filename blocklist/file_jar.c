/*
 * Who signed by a manifest (the JAR specification; APK v1, XPI): the message
 * signs a ".SF", that the manifest, and that each member by its digest.
 */

#include <stdlib.h>

#include <openssl/evp.h>

#include "file_zip.h"


#define DEBAR_JAR_TEXT     (8 << 20)
#define DEBAR_JAR_MESSAGE  (1 << 20)
#define DEBAR_JAR_SIGNERS  16
#define DEBAR_JAR_CHECKED  (64 << 20)   /* bytes whose digests are made */
#define DEBAR_JAR_KEY      64


typedef struct {
    const debar_zip_t  *z;
    debar_str_t         sf;
    unsigned            state;          /* of all but the message */
    EVP_MD_CTX         *md;
    uint64_t            left;
    size_t              named;
} debar_jar_t;

/* A section of a manifest: its name, its digest. */

typedef struct {
    debar_str_t         name;
    const EVP_MD       *md;
    debar_str_t         digest;         /* in base64 */
} debar_jar_section_t;


static int debar_jar_signer(const debar_zip_t *z, const debar_zip_entry_t *e,
    const char *how);
static int debar_jar_is_message(debar_str_t name);
static int debar_jar_is_own(debar_str_t name);
static unsigned debar_jar_state(const debar_zip_t *z, debar_str_t sf);
static unsigned debar_jar_sections(debar_jar_t *jar, char *text, size_t len);
static unsigned debar_jar_member(debar_jar_t *jar,
    const debar_jar_section_t *s);
static int debar_jar_take(void *data, const void *buf, size_t n);
static size_t debar_jar_section(char *p, size_t n, const char *suffix,
    debar_jar_section_t *s);
static void debar_jar_line(debar_jar_section_t *s, const char *p, size_t n,
    const char *suffix);
static const EVP_MD *debar_jar_md(const char *p, size_t n);
static int debar_jar_same(debar_str_t base64, const uint8_t *md, unsigned len);
static int debar_jar_digest(void *data, int nid, uint8_t *out, unsigned *len);


int
debar_zip_jar(const debar_zip_t *z, const char *how)
{
    int       rc;
    size_t    i;
    unsigned  n;

    for (i = 0, n = 0, rc = DEBAR_OK; i < z->n && rc == DEBAR_OK; i++) {
        if (!debar_jar_is_message(z->entries[i].name)) {
            continue;
        }

        if (n++ == DEBAR_JAR_SIGNERS) {
            debar_reader_bound(z->rd, DEBAR_FILE_MEMBERS);
            break;
        }

        rc = debar_jar_signer(z, &z->entries[i], how);
    }

    return rc;
}


/* META-INF/X.RSA, .DSA or .EC. */

static int
debar_jar_is_message(debar_str_t name)
{
    const char  *dot;

    if (name.len < 12 || strncasecmp(name.data, "META-INF/", 9) != 0
        || memchr(name.data + 9, '/', name.len - 9) != NULL)
    {
        return 0;
    }

    dot = memrchr(name.data, '.', name.len);

    if (dot == NULL) {
        return 0;
    }

    name.len -= dot - name.data;

    return (name.len == 4 && (strncasecmp(dot, ".RSA", 4) == 0
                              || strncasecmp(dot, ".DSA", 4) == 0))
           || (name.len == 3 && strncasecmp(dot, ".EC", 3) == 0);
}


static int
debar_jar_signer(const debar_zip_t *z, const debar_zip_entry_t *e,
    const char *how)
{
    int                       rc;
    char                     *der, *sf, name[256];
    size_t                    n, len;
    debar_cms_t               cms;
    debar_jar_t               jar;
    const debar_zip_entry_t  *f;

    der = debar_zip_bytes(z, e, DEBAR_JAR_MESSAGE, &n);

    if (der == NULL) {
        debar_reader_bound(z->rd, DEBAR_FILE_BROKEN);
        return DEBAR_OK;
    }

    /* the file of the same name that it signs */

    f = NULL;
    len = (char *) memrchr(e->name.data, '.', e->name.len) - e->name.data;

    if (len + 4 <= sizeof(name)) {
        memcpy(name, e->name.data, len);
        memcpy(name + len, ".SF", 4);
        f = debar_zip_find_any(z, name);
    }

    sf = f ? debar_zip_bytes(z, f, DEBAR_JAR_TEXT, &len) : NULL;

    memset(&jar, 0, sizeof(jar));
    jar.z = z;
    jar.state = DEBAR_SIGNED_UNCHECKED;

    if (sf != NULL) {
        jar.sf = debar_str(sf, len);
        jar.state = debar_jar_state(z, jar.sf);
    }

    memset(&cms, 0, sizeof(cms));
    cms.how = how;
    cms.digest = debar_jar_digest;
    cms.data = &jar;
    rc = debar_reader_signatures(z->rd, der, n, &cms);

    free(sf);
    free(der);

    return rc;
}


/* What the message is to sign; where what it signs does not fit what is there,
 * nothing that it could be. */

static int
debar_jar_digest(void *data, int nid, uint8_t *out, unsigned *len)
{
    debar_jar_t   *jar = data;
    const EVP_MD  *md;

    md = EVP_get_digestbynid(nid);

    if (jar->sf.data == NULL || md == NULL
        || !EVP_Digest(jar->sf.data, jar->sf.len, out, len, md, NULL))
    {
        return DEBAR_ERROR;
    }

    switch (jar->state) {

    case DEBAR_SIGNED_HOLDS:
        return DEBAR_OK;

    case DEBAR_SIGNED_APPENDED:
        return DEBAR_DECLINED;

    case DEBAR_SIGNED_BROKEN:
        out[0] ^= 1;
        return DEBAR_OK;
    }

    return DEBAR_ERROR;
}


/* --- the manifest -------------------------------------------------------- */

static unsigned
debar_jar_state(const debar_zip_t *z, debar_str_t sf)
{
    char                     *mf, *copy;
    size_t                    len;
    uint8_t                   md[EVP_MAX_MD_SIZE];
    unsigned                  n, state;
    debar_jar_t               jar;
    debar_jar_section_t       s;
    const debar_zip_entry_t  *e;

    e = debar_zip_find_any(z, "META-INF/MANIFEST.MF");
    mf = e ? debar_zip_bytes(z, e, DEBAR_JAR_TEXT, &len) : NULL;
    copy = malloc(sf.len + 1);
    state = DEBAR_SIGNED_UNCHECKED;

    if (mf != NULL && copy != NULL) {
        memcpy(copy, sf.data, sf.len);
        (void) debar_jar_section(copy, sf.len, "-Digest-Manifest", &s);

        if (s.md != NULL && EVP_Digest(mf, len, md, &n, s.md, NULL)) {

            /* (where only sections are signed it may yet hold) */

            memset(&jar, 0, sizeof(jar));
            jar.z = z;
            jar.left = DEBAR_JAR_CHECKED;
            state = debar_jar_same(s.digest, md, n)
                    ? debar_jar_sections(&jar, mf, len) : DEBAR_SIGNED_BROKEN;
        }
    }

    free(copy);
    free(mf);

    return state;
}


/* Each member by its digest; members that the manifest does not name were put
 * in later. */

static unsigned
debar_jar_sections(debar_jar_t *jar, char *text, size_t len)
{
    size_t               i, n, files;
    unsigned             state;
    debar_jar_section_t  s;

    jar->md = EVP_MD_CTX_new();
    state = jar->md ? DEBAR_SIGNED_HOLDS : DEBAR_SIGNED_UNCHECKED;

    while (len && state == DEBAR_SIGNED_HOLDS) {
        n = debar_jar_section(text, len, "-Digest", &s);

        if (s.name.len != 0) {
            state = debar_jar_member(jar, &s);
        }

        text += n;
        len -= n;
    }

    EVP_MD_CTX_free(jar->md);

    for (i = 0, files = 0; i < jar->z->n; i++) {
        files += !debar_jar_is_own(jar->z->entries[i].name);
    }

    return state == DEBAR_SIGNED_HOLDS && files > jar->named
           ? DEBAR_SIGNED_APPENDED : state;
}


/* Folders, and what the signatures are made of, are not signed. */

static int
debar_jar_is_own(debar_str_t name)
{
    return (name.len && name.data[name.len - 1] == '/')
           || (name.len > 9 && strncasecmp(name.data, "META-INF/", 9) == 0
               && memchr(name.data + 9, '/', name.len - 9) == NULL);
}


static unsigned
debar_jar_member(debar_jar_t *jar, const debar_jar_section_t *s)
{
    uint8_t                   md[EVP_MAX_MD_SIZE];
    unsigned                  n;
    const debar_zip_entry_t  *e;

    e = debar_zip_find(jar->z, s->name.data, s->name.len);

    /* a member that went is none that was changed; nor is a folder one */

    if (e == NULL || s->name.data[s->name.len - 1] == '/') {
        return DEBAR_SIGNED_HOLDS;
    }

    jar->named += !debar_jar_is_own(s->name);

    if (s->md == NULL || !EVP_DigestInit_ex(jar->md, s->md, NULL)) {
        return DEBAR_SIGNED_UNCHECKED;
    }

    if (debar_zip_read(jar->z, e, jar->left, debar_jar_take, jar) != DEBAR_OK
        || !EVP_DigestFinal_ex(jar->md, md, &n))
    {
        return DEBAR_SIGNED_UNCHECKED;
    }

    return debar_jar_same(s->digest, md, n) ? DEBAR_SIGNED_HOLDS
                                            : DEBAR_SIGNED_BROKEN;
}


static int
debar_jar_take(void *data, const void *buf, size_t n)
{
    debar_jar_t  *jar = data;

    if (n > jar->left) {
        return DEBAR_ERROR;
    }

    jar->left -= n;

    return EVP_DigestUpdate(jar->md, buf, n) ? DEBAR_OK : DEBAR_ERROR;
}


/* One section, up to the line that is empty; its lines are joined in place. */

static size_t
debar_jar_section(char *p, size_t n, const char *suffix, debar_jar_section_t *s)
{
    char    *nl, *line;
    size_t   at, len, part;

    memset(s, 0, sizeof(*s));
    line = p;
    len = 0;

    for (at = 0; at < n; ) {
        nl = memchr(p + at, '\n', n - at);
        part = nl ? (size_t) (nl - (p + at)) : n - at;

        if (part && p[at] == ' ') {
            memmove(line + len, p + at + 1, part - 1);
            len += part - 1;

        } else {
            debar_jar_line(s, line, len, suffix);
            line = p + at;
            len = part;
        }

        at += part + (nl != NULL);

        if (len && line[len - 1] == '\r') {
            len--;
        }

        if (len == 0) {
            break;
        }
    }

    debar_jar_line(s, line, len, suffix);

    return at;
}


/* The longest digest that is known. */

static void
debar_jar_line(debar_jar_section_t *s, const char *p, size_t n,
    const char *suffix)
{
    size_t         len, key;
    const char    *colon;
    const EVP_MD  *md;

    colon = memchr(p, ':', n);

    if (colon == NULL) {
        return;
    }

    key = colon - p;
    colon++;

    if (colon < p + n && *colon == ' ') {
        colon++;
    }

    len = strlen(suffix);

    if (key == 4 && strncasecmp(p, "Name", 4) == 0) {
        s->name = debar_str(colon, p + n - colon);

    } else if (key > len && key < DEBAR_JAR_KEY
               && strncasecmp(p + key - len, suffix, len) == 0)
    {
        md = debar_jar_md(p, key - len);

        if (md != NULL && (s->md == NULL
                           || EVP_MD_get_size(md) > EVP_MD_get_size(s->md)))
        {
            s->md = md;
            s->digest = debar_str(colon, p + n - colon);
        }
    }
}


static const EVP_MD *
debar_jar_md(const char *p, size_t n)
{
    size_t  i;

    static const struct {
        const char    *name;
        const EVP_MD *(*md)(void);
    } known[] = {
        { "SHA-256", EVP_sha256 }, { "SHA1", EVP_sha1 }, { "SHA", EVP_sha1 },
        { "SHA-1", EVP_sha1 }, { "SHA-384", EVP_sha384 },
        { "SHA-512", EVP_sha512 }, { "MD5", EVP_md5 }
    };

    for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strlen(known[i].name) == n
            && strncasecmp(p, known[i].name, n) == 0)
        {
            return known[i].md();
        }
    }

    return NULL;
}


static int
debar_jar_same(debar_str_t base64, const uint8_t *md, unsigned len)
{
    char  text[2 * EVP_MAX_MD_SIZE];
    int   n;

    while (base64.len && (base64.data[base64.len - 1] == ' '
                          || base64.data[base64.len - 1] == '\r'))
    {
        base64.len--;
    }

    n = EVP_EncodeBlock((uint8_t *) text, md, len);

    return base64.len == (size_t) n && memcmp(text, base64.data, n) == 0;
}
