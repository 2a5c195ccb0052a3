/*
 * The table of contents of an Apple flat package: XML, packed by zlib.  expat
 * gets it as it is unpacked; elements, names and certificates are bounded.
 */

#include <stdlib.h>

#include <expat.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <zlib.h>

#include "file_unpack.h"
#include "file_xar.h"


#define DEBAR_XAR_FILES   10000
#define DEBAR_XAR_NAMES   (2 << 20)
#define DEBAR_XAR_TEXT    65536          /* of one element */
#define DEBAR_XAR_LEVELS  256
#define DEBAR_XAR_XML     (64 << 20)     /* unpacked */
#define DEBAR_XAR_CHUNK   16384


typedef enum {
    DEBAR_XAR_EL_OTHER = 0,
    DEBAR_XAR_EL_TOC,
    DEBAR_XAR_EL_CHECKSUM,
    DEBAR_XAR_EL_SIGNATURE,
    DEBAR_XAR_EL_FILE,
    DEBAR_XAR_EL_DATA,
    DEBAR_XAR_EL_KEY,             /* KeyInfo and what is in it */

    /* those whose text is wanted */

    DEBAR_XAR_EL_CERTIFICATE,
    DEBAR_XAR_EL_OFFSET,
    DEBAR_XAR_EL_SIZE,
    DEBAR_XAR_EL_LENGTH,
    DEBAR_XAR_EL_NAME,
    DEBAR_XAR_EL_NAME64,
    DEBAR_XAR_EL_SUM
} debar_xar_el_e;

typedef struct {
    debar_xar_t  *x;
    XML_Parser    xml;
    unsigned      bounds;
    unsigned      levels;
    unsigned      current;        /* file + 1 whose elements these are */
    unsigned      skipped;        /* a signature that is one too many */
    debar_buf_t   text;
    uint8_t       kinds[DEBAR_XAR_LEVELS];
} debar_xar_toc_t;


static int debar_xar_unpack(debar_xar_toc_t *t);
static int debar_xar_inflate(debar_xar_toc_t *t, z_stream *z);
static void XMLCALL debar_xar_start(void *data, const XML_Char *name,
    const XML_Char **attrs);
static unsigned debar_xar_kind(debar_xar_toc_t *t, unsigned parent,
    const char *name, const char **attrs);
static unsigned debar_xar_kind_data(debar_xar_file_t *f, const char *name,
    const char **attrs);
static unsigned debar_xar_kind_place(unsigned parent, const char *name);
static void debar_xar_signature(debar_xar_toc_t *t, const char *name,
    const char **attrs);
static void debar_xar_file(debar_xar_toc_t *t);
static void XMLCALL debar_xar_characters(void *data, const XML_Char *s,
    int len);
static void XMLCALL debar_xar_stop(void *data, const XML_Char *name);
static void debar_xar_take(debar_xar_toc_t *t, unsigned kind, unsigned parent);
static void debar_xar_take_file(debar_xar_toc_t *t, debar_xar_file_t *f,
    unsigned kind);
static void debar_xar_take_certificate(debar_xar_toc_t *t);
static void debar_xar_end(debar_xar_toc_t *t, unsigned bounds);
static const char *debar_xar_attr(const char **attrs, const char *name);
static int debar_xar_digest_nid(const char *style);
static size_t debar_xar_base64(const char *in, size_t len, char *out);


int
debar_xar_contents(debar_xar_t *x)
{
    int              rc;
    debar_xar_toc_t  t;

    memset(&t, 0, sizeof(t));
    t.x = x;
    t.xml = XML_ParserCreate(NULL);

    if (t.xml == NULL) {
        debar_reader_bound(x->rd, DEBAR_FILE_HELD);
        return DEBAR_ERROR;
    }

    XML_SetUserData(t.xml, &t);
    XML_SetElementHandler(t.xml, debar_xar_start, debar_xar_stop);
    XML_SetCharacterDataHandler(t.xml, debar_xar_characters);

    rc = debar_xar_unpack(&t);

    if (rc != DEBAR_OK) {
        debar_reader_bound(x->rd, t.bounds ? t.bounds : DEBAR_FILE_BROKEN);
    }

    XML_ParserFree(t.xml);
    debar_buf_free(&t.text);

    return rc;
}


void
debar_xar_forget(debar_xar_t *x)
{
    unsigned  i, j;

    for (i = 0; i < x->nsignatures; i++) {
        for (j = 0; j < x->signatures[i].ncerts; j++) {
            free((void *) x->signatures[i].certs[j].data);
        }
    }

    debar_reader_free(x->rd, x->files, x->room * sizeof(debar_xar_file_t));
    debar_buf_free(&x->names);
}


static int
debar_xar_unpack(debar_xar_toc_t *t)
{
    int       rc;
    z_stream  z;

    memset(&z, 0, sizeof(z));

    if (inflateInit2(&z, 15 + 32) != Z_OK) {
        return DEBAR_ERROR;
    }

    rc = debar_xar_inflate(t, &z);
    inflateEnd(&z);

    return rc;
}


static int
debar_xar_inflate(debar_xar_toc_t *t, z_stream *z)
{
    int           rc;
    size_t        n;
    uint8_t       in[DEBAR_XAR_CHUNK];
    char          out[DEBAR_XAR_CHUNK];
    uint64_t      off, end;
    debar_xar_t  *x = t->x;

    off = x->toc;
    end = x->toc + x->toc_size;

    for (rc = Z_OK; rc != Z_STREAM_END; /* void */) {
        if (z->avail_in == 0 && off < end) {
            n = end - off < sizeof(in) ? end - off : sizeof(in);

            if (debar_reader_at(x->rd, off, in, n) != DEBAR_OK) {
                return DEBAR_ERROR;
            }

            z->next_in = in;
            z->avail_in = n;
            off += n;
        }

        z->next_out = (uint8_t *) out;
        z->avail_out = sizeof(out);
        rc = inflate(z, Z_NO_FLUSH);
        n = sizeof(out) - z->avail_out;

        if (n && XML_Parse(t->xml, out, n, 0) != XML_STATUS_OK) {
            return DEBAR_ERROR;
        }

        if (rc != Z_OK && rc != Z_STREAM_END) {
            return DEBAR_ERROR;
        }

        if (z->total_out > DEBAR_XAR_XML) {
            t->bounds = DEBAR_FILE_EXPANDED;
            return DEBAR_ERROR;
        }
    }

    return XML_Parse(t->xml, "", 0, 1) == XML_STATUS_OK ? DEBAR_OK
                                                        : DEBAR_ERROR;
}


/* --- elements ------------------------------------------------------------ */

static void XMLCALL
debar_xar_start(void *data, const XML_Char *name, const XML_Char **attrs)
{
    unsigned          parent, kind;
    const char       *colon;
    debar_xar_toc_t  *t = data;

    if (t->levels == DEBAR_XAR_LEVELS) {
        debar_xar_end(t, DEBAR_FILE_DEPTH);
        return;
    }

    colon = strchr(name, ':');
    name = colon ? colon + 1 : name;
    parent = t->levels ? t->kinds[t->levels - 1] : DEBAR_XAR_EL_OTHER;
    kind = debar_xar_kind(t, parent, name, attrs);

    t->kinds[t->levels++] = kind;
    t->text.len = 0;
}


/* What an element is, by what it stands in. */

static unsigned
debar_xar_kind(debar_xar_toc_t *t, unsigned parent, const char *name,
    const char **attrs)
{
    const char  *s;

    switch (parent) {

    case DEBAR_XAR_EL_TOC:
        if (strcmp(name, "checksum") == 0) {
            t->x->nid = debar_xar_digest_nid(debar_xar_attr(attrs, "style"));
            return DEBAR_XAR_EL_CHECKSUM;
        }

        if (strcmp(name, "signature") == 0 || strcmp(name, "x-signature") == 0)
        {
            debar_xar_signature(t, name, attrs);
            return DEBAR_XAR_EL_SIGNATURE;
        }

        break;

    case DEBAR_XAR_EL_FILE:
        if (strcmp(name, "name") == 0) {
            s = debar_xar_attr(attrs, "enctype");
            return s && strcmp(s, "base64") == 0 ? DEBAR_XAR_EL_NAME64
                                                 : DEBAR_XAR_EL_NAME;
        }

        if (strcmp(name, "data") == 0) {
            t->x->files[t->current - 1].has_data = 1;
            return DEBAR_XAR_EL_DATA;
        }

        break;

    case DEBAR_XAR_EL_DATA:
        return debar_xar_kind_data(&t->x->files[t->current - 1], name, attrs);

    case DEBAR_XAR_EL_SIGNATURE:
    case DEBAR_XAR_EL_CHECKSUM:
        return debar_xar_kind_place(parent, name);

    case DEBAR_XAR_EL_KEY:
        return strcmp(name, "X509Certificate") == 0 ? DEBAR_XAR_EL_CERTIFICATE
                                                    : DEBAR_XAR_EL_KEY;
    default:
        return strcmp(name, "toc") == 0 ? DEBAR_XAR_EL_TOC
                                        : DEBAR_XAR_EL_OTHER;
    }

    if (strcmp(name, "file") == 0) {
        debar_xar_file(t);
        return DEBAR_XAR_EL_FILE;
    }

    return DEBAR_XAR_EL_OTHER;
}


static unsigned
debar_xar_kind_data(debar_xar_file_t *f, const char *name, const char **attrs)
{
    const char  *s;

    if (strcmp(name, "length") == 0) {
        return DEBAR_XAR_EL_LENGTH;
    }

    if (strcmp(name, "archived-checksum") == 0) {
        f->nid = debar_xar_digest_nid(debar_xar_attr(attrs, "style"));
        return DEBAR_XAR_EL_SUM;
    }

    if (strcmp(name, "encoding") == 0) {
        s = debar_xar_attr(attrs, "style");
        f->coding = s == NULL || strcmp(s, "application/octet-stream") == 0
                    ? DEBAR_UNPACK_STORED
                    : strcmp(s, "application/x-gzip") == 0 ? DEBAR_UNPACK_ZLIB
                                                           : DEBAR_UNPACK_OTHER;
    }

    return debar_xar_kind_place(DEBAR_XAR_EL_DATA, name);
}


static unsigned
debar_xar_kind_place(unsigned parent, const char *name)
{
    if (strcmp(name, "offset") == 0) {
        return DEBAR_XAR_EL_OFFSET;
    }

    if (strcmp(name, "size") == 0) {
        return DEBAR_XAR_EL_SIZE;
    }

    return parent == DEBAR_XAR_EL_SIGNATURE ? DEBAR_XAR_EL_KEY
                                            : DEBAR_XAR_EL_OTHER;
}


static void
debar_xar_signature(debar_xar_toc_t *t, const char *name, const char **attrs)
{
    const char             *style;
    debar_xar_signature_t  *s;

    t->skipped = t->x->nsignatures == DEBAR_XAR_SIGNATURES;

    if (t->skipped) {
        debar_reader_bound(t->x->rd, DEBAR_FILE_MEMBERS);
        return;
    }

    style = debar_xar_attr(attrs, "style");
    s = &t->x->signatures[t->x->nsignatures++];
    s->cms = style ? strcmp(style, "CMS") == 0 : name[0] == 'x';
}


static void
debar_xar_file(debar_xar_toc_t *t)
{
    unsigned           room;
    debar_xar_t       *x = t->x;
    debar_xar_file_t  *files;

    if (x->nfiles == x->room) {
        room = x->room ? x->room * 2 : 64;
        files = x->nfiles < DEBAR_XAR_FILES
                ? debar_reader_alloc(x->rd, room * sizeof(*files)) : NULL;

        /* what expat still tells of this piece goes to the last one */

        if (files == NULL) {
            debar_xar_end(t, DEBAR_FILE_MEMBERS);
            return;
        }

        if (x->nfiles) {
            memcpy(files, x->files, x->nfiles * sizeof(*files));
        }

        debar_reader_free(x->rd, x->files, x->room * sizeof(*files));
        x->files = files;
        x->room = room;
    }

    x->files[x->nfiles].parent = t->current;
    t->current = ++x->nfiles;
}


static void XMLCALL
debar_xar_characters(void *data, const XML_Char *s, int len)
{
    debar_xar_toc_t  *t = data;

    if (t->levels == 0
        || t->kinds[t->levels - 1] < DEBAR_XAR_EL_CERTIFICATE)
    {
        return;
    }

    if (t->text.len + len > DEBAR_XAR_TEXT) {
        debar_xar_end(t, DEBAR_FILE_HELD);
        return;
    }

    debar_buf_add(&t->text, s, len);
}


static void XMLCALL
debar_xar_stop(void *data, const XML_Char *name)
{
    unsigned          kind, parent;
    debar_xar_toc_t  *t = data;

    if (t->levels == 0) {
        return;
    }

    kind = t->kinds[--t->levels];
    parent = t->levels ? t->kinds[t->levels - 1] : DEBAR_XAR_EL_OTHER;

    if (kind == DEBAR_XAR_EL_FILE && t->current) {
        t->current = t->x->files[t->current - 1].parent;

    } else if (kind >= DEBAR_XAR_EL_CERTIFICATE) {
        debar_buf_add(&t->text, "", 1);
        t->text.len--;
        debar_xar_take(t, kind, parent);
    }

    t->text.len = 0;
}


/* --- their text ---------------------------------------------------------- */

static void
debar_xar_take(debar_xar_toc_t *t, unsigned kind, unsigned parent)
{
    uint64_t                n;
    debar_xar_t            *x = t->x;
    debar_xar_signature_t  *s;

    if (parent == DEBAR_XAR_EL_FILE || parent == DEBAR_XAR_EL_DATA) {
        debar_xar_take_file(t, &x->files[t->current - 1], kind);
        return;
    }

    n = strtoull(t->text.data, NULL, 10);

    if (parent == DEBAR_XAR_EL_CHECKSUM) {
        if (kind == DEBAR_XAR_EL_OFFSET) {
            x->sum_off = n;
        } else {
            x->sum_size = n;
        }

        return;
    }

    if (t->skipped || x->nsignatures == 0) {
        return;
    }

    s = &x->signatures[x->nsignatures - 1];

    if (kind == DEBAR_XAR_EL_CERTIFICATE) {
        debar_xar_take_certificate(t);

    } else if (kind == DEBAR_XAR_EL_OFFSET) {
        s->off = n;

    } else {
        s->size = n;
    }
}


static void
debar_xar_take_file(debar_xar_toc_t *t, debar_xar_file_t *f, unsigned kind)
{
    char     hex[3], *name;
    size_t   i, len;

    name = t->text.data;
    len = t->text.len;

    switch (kind) {

    case DEBAR_XAR_EL_OFFSET:
        f->off = strtoull(name, NULL, 10);
        break;

    case DEBAR_XAR_EL_LENGTH:
        f->length = strtoull(name, NULL, 10);
        break;

    case DEBAR_XAR_EL_SUM:
        f->sum_len = len / 2 < sizeof(f->sum) ? len / 2 : sizeof(f->sum);
        hex[2] = '\0';

        for (i = 0; i < f->sum_len; i++) {
            memcpy(hex, name + 2 * i, 2);
            f->sum[i] = strtoul(hex, NULL, 16);
        }

        break;

    case DEBAR_XAR_EL_NAME64:
        len = debar_xar_base64(name, len, name);

        /* fall through */

    case DEBAR_XAR_EL_NAME:
        len = len < DEBAR_XAR_PATH ? len : DEBAR_XAR_PATH;

        if (t->x->names.len + len > DEBAR_XAR_NAMES) {
            debar_xar_end(t, DEBAR_FILE_HELD);
            return;
        }

        f->name = t->x->names.len;
        f->name_len = len;
        debar_buf_add(&t->x->names, name, len);
    }
}


static void
debar_xar_take_certificate(debar_xar_toc_t *t)
{
    size_t                  n;
    char                   *der;
    debar_xar_signature_t  *s;

    s = &t->x->signatures[t->x->nsignatures - 1];

    if (s->ncerts == DEBAR_XAR_CERTS) {
        debar_reader_bound(t->x->rd, DEBAR_FILE_MEMBERS);
        return;
    }

    n = debar_xar_base64(t->text.data, t->text.len, t->text.data);
    der = n ? malloc(n) : NULL;

    if (der != NULL) {
        memcpy(der, t->text.data, n);
        s->certs[s->ncerts++] = debar_str(der, n);
    }
}


/* --- helpers ------------------------------------------------------------- */

static void
debar_xar_end(debar_xar_toc_t *t, unsigned bounds)
{
    t->bounds |= bounds;
    (void) XML_StopParser(t->xml, XML_FALSE);
}


static const char *
debar_xar_attr(const char **attrs, const char *name)
{
    while (attrs[0] != NULL && strcmp(attrs[0], name) != 0) {
        attrs += 2;
    }

    return attrs[0] ? attrs[1] : NULL;
}


static int
debar_xar_digest_nid(const char *style)
{
    if (style == NULL) {
        return NID_undef;
    }

    return strcasecmp(style, "sha1") == 0 ? NID_sha1
           : strcasecmp(style, "sha256") == 0 ? NID_sha256
           : strcasecmp(style, "sha512") == 0 ? NID_sha512
           : strcasecmp(style, "md5") == 0 ? NID_md5 : NID_undef;
}


/* out may be in; what is none of its digits is passed over. */

static size_t
debar_xar_base64(const char *in, size_t len, char *out)
{
    int       n, last;
    size_t    used;
    uint8_t  *made;

    EVP_ENCODE_CTX  *ctx;

    made = malloc(len + 64);
    ctx = EVP_ENCODE_CTX_new();
    used = 0;

    if (made != NULL && ctx != NULL) {
        EVP_DecodeInit(ctx);

        if (EVP_DecodeUpdate(ctx, made, &n, (uint8_t *) in, len) >= 0) {
            used = n;
            used += EVP_DecodeFinal(ctx, made + used, &last) > 0 ? last : 0;
            memcpy(out, made, used);
        }
    }

    EVP_ENCODE_CTX_free(ctx);
    free(made);

    return used;
}
