/*
 * CMS (RFC 5652, PKCS #7) as code signing uses it, in DER or BER: who signed,
 * by the certificate that the SignerInfo names, and whether it holds for the
 * bytes.  No chain is built and no algorithm is too weak to be read.
 *
 * OpenSSL's own CMS takes no content but an OCTET STRING, its PKCS #7 no
 * signer by key identifier; so the outer shapes are templates of our own, and
 * OpenSSL decodes by them, with its bounds.
 *
 * Where the message is damaged, so that no signer can be told from it, the
 * certificates in it are told as broken signatures: who changes a byte of a
 * signature has not made the program another's.
 */

#include <stdio.h>
#include <stdlib.h>

#include <openssl/asn1t.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/pkcs7.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "file_read.h"


#define DEBAR_CMS_BYTES      (8 << 20)
#define DEBAR_CMS_CERTS      64
#define DEBAR_CMS_SIGNERS    16
#define DEBAR_CMS_NESTED     8
#define DEBAR_CMS_CHECKS     64     /* signatures, in one call */
#define DEBAR_CMS_NAMES      8
#define DEBAR_CMS_MARKS      4096

/* 1.3.6.1.4.1.311.2.4.1 */

#define DEBAR_OID_NESTED     "\x2b\x06\x01\x04\x01\x82\x37\x02\x04\x01"


typedef struct {
    ASN1_OBJECT               *type;
    ASN1_TYPE                 *content;
} debar_cms_content_t;

typedef struct {
    ASN1_INTEGER              *version;
    ASN1_TYPE                 *sid;
    X509_ALGOR                *digest;
    STACK_OF(X509_ATTRIBUTE)  *attrs;
    X509_ALGOR                *algor;
    ASN1_OCTET_STRING         *signature;
    STACK_OF(X509_ATTRIBUTE)  *unsigned_attrs;
} debar_cms_signer_t;

DEFINE_STACK_OF(debar_cms_signer_t)

typedef struct {
    ASN1_INTEGER                  *version;
    STACK_OF(X509_ALGOR)          *digests;
    debar_cms_content_t           *content;
    STACK_OF(ASN1_TYPE)           *certs;
    STACK_OF(ASN1_TYPE)           *crls;
    STACK_OF(debar_cms_signer_t)  *signers;
} debar_cms_signed_t;

typedef struct {
    ASN1_OBJECT               *type;
    debar_cms_signed_t        *body;
} debar_cms_message_t;

typedef struct {
    debar_cms_content_t       *data;
    X509_SIG                  *digest;
} debar_cms_spc_t;


ASN1_SEQUENCE(debar_cms_content_t) = {
    ASN1_SIMPLE(debar_cms_content_t, type, ASN1_OBJECT),
    ASN1_EXP_OPT(debar_cms_content_t, content, ASN1_ANY, 0)
} static_ASN1_SEQUENCE_END(debar_cms_content_t)

ASN1_SEQUENCE(debar_cms_signer_t) = {
    ASN1_SIMPLE(debar_cms_signer_t, version, ASN1_INTEGER),
    ASN1_SIMPLE(debar_cms_signer_t, sid, ASN1_ANY),
    ASN1_SIMPLE(debar_cms_signer_t, digest, X509_ALGOR),
    ASN1_IMP_SET_OF_OPT(debar_cms_signer_t, attrs, X509_ATTRIBUTE, 0),
    ASN1_SIMPLE(debar_cms_signer_t, algor, X509_ALGOR),
    ASN1_SIMPLE(debar_cms_signer_t, signature, ASN1_OCTET_STRING),
    ASN1_IMP_SET_OF_OPT(debar_cms_signer_t, unsigned_attrs, X509_ATTRIBUTE, 1)
} static_ASN1_SEQUENCE_END(debar_cms_signer_t)

ASN1_SEQUENCE(debar_cms_signed_t) = {
    ASN1_SIMPLE(debar_cms_signed_t, version, ASN1_INTEGER),
    ASN1_SET_OF(debar_cms_signed_t, digests, X509_ALGOR),
    ASN1_SIMPLE(debar_cms_signed_t, content, debar_cms_content_t),
    ASN1_IMP_SET_OF_OPT(debar_cms_signed_t, certs, ASN1_ANY, 0),
    ASN1_IMP_SET_OF_OPT(debar_cms_signed_t, crls, ASN1_ANY, 1),
    ASN1_SET_OF(debar_cms_signed_t, signers, debar_cms_signer_t)
} static_ASN1_SEQUENCE_END(debar_cms_signed_t)

ASN1_SEQUENCE(debar_cms_message_t) = {
    ASN1_SIMPLE(debar_cms_message_t, type, ASN1_OBJECT),
    ASN1_EXP(debar_cms_message_t, body, debar_cms_signed_t, 0)
} static_ASN1_SEQUENCE_END(debar_cms_message_t)

typedef debar_cms_content_t  debar_cms_data_t;

/* Here the value has no tag of its own. */

ASN1_SEQUENCE(debar_cms_data_t) = {
    ASN1_SIMPLE(debar_cms_data_t, type, ASN1_OBJECT),
    ASN1_OPT(debar_cms_data_t, content, ASN1_ANY)
} static_ASN1_SEQUENCE_END(debar_cms_data_t)

ASN1_SEQUENCE(debar_cms_spc_t) = {
    ASN1_SIMPLE(debar_cms_spc_t, data, debar_cms_data_t),
    ASN1_SIMPLE(debar_cms_spc_t, digest, X509_SIG)
} static_ASN1_SEQUENCE_END(debar_cms_spc_t)


/* Messages that are still to be read: the first, then those nested in it. */

typedef struct {
    ASN1_TYPE                 *held;         /* owns the bytes, or NULL */
    const uint8_t             *der;
    size_t                     len;
} debar_cms_item_t;

typedef struct {
    debar_reader_t            *rd;
    const debar_cms_t         *cms;
    const char                *how;
    char                       nested[64];

    debar_cms_item_t           items[DEBAR_CMS_NESTED];
    unsigned                   nitems;
    unsigned                   checks;

    /* the message at hand */

    X509                      *certs[DEBAR_CMS_CERTS];
    unsigned                   ncerts;
    debar_str_t                content;
    debar_cms_spc_t           *spc;
} debar_cms_reading_t;


static int debar_cms_message(debar_cms_reading_t *r,
    const debar_cms_item_t *item);
static int debar_cms_signed(debar_cms_reading_t *r, debar_cms_signed_t *body);
static void debar_cms_content(debar_cms_reading_t *r, debar_cms_signed_t *body);
static void debar_cms_certs(debar_cms_reading_t *r, debar_cms_signed_t *body);
static int debar_cms_signer(debar_cms_reading_t *r, debar_cms_signer_t *si);
static int debar_cms_names_it(X509 *cert, const ASN1_TYPE *sid);
static int debar_cms_issued(debar_cms_reading_t *r,
    const debar_cms_signer_t *si);
static void debar_cms_nested(debar_cms_reading_t *r,
    const debar_cms_signer_t *si);
static void debar_cms_queue(debar_cms_reading_t *r, const ASN1_TYPE *t);
static unsigned debar_cms_state(debar_cms_reading_t *r,
    const debar_cms_signer_t *si, X509 *cert);
static unsigned debar_cms_covers(debar_cms_reading_t *r,
    const debar_cms_signer_t *si);
static unsigned debar_cms_covers_file(debar_cms_reading_t *r);
static int debar_cms_same(const ASN1_OCTET_STRING *want, const uint8_t *md,
    unsigned len);
static unsigned debar_cms_digest(debar_cms_reading_t *r, int nid, uint8_t *out,
    unsigned *len);
static unsigned debar_cms_verify(debar_cms_reading_t *r,
    const debar_cms_signer_t *si, X509 *cert);
static unsigned debar_cms_verify_bytes(const debar_cms_signer_t *si,
    EVP_PKEY *key, const debar_str_t *tbs);
static unsigned debar_cms_verify_hash(debar_cms_reading_t *r,
    const debar_cms_signer_t *si, EVP_PKEY *key, const debar_str_t *tbs);
static RSA_PSS_PARAMS *debar_cms_pss_params(const X509_ALGOR *algor);
static int debar_cms_pss(EVP_PKEY_CTX *ctx, const X509_ALGOR *algor);
static int debar_cms_pss_digest(const X509_ALGOR *algor);
static const ASN1_TYPE *debar_cms_attr(const STACK_OF(X509_ATTRIBUTE) *attrs,
    int nid, int type);
static int debar_cms_damaged(debar_cms_reading_t *r, const uint8_t *der,
    size_t len);
static int debar_cms_leaves(debar_cms_reading_t *r);
static int debar_cms_leaf(debar_cms_reading_t *r, unsigned at);
static int debar_cms_tell(debar_reader_t *rd, const char *how, X509 *cert,
    unsigned state);
static int debar_cms_team(debar_reader_t *rd, const debar_str_t *name);
static size_t debar_cms_names(const X509_NAME *name, int nid, debar_str_t *out);
static void debar_cms_names_free(debar_str_t *names, size_t n);
static void debar_cms_forget(debar_cms_reading_t *r);


int
debar_reader_signatures(debar_reader_t *rd, const void *der, size_t len,
    const debar_cms_t *cms)
{
    int                   rc;
    unsigned              i;
    debar_cms_reading_t   r;

    memset(&r, 0, sizeof(r));
    r.rd = rd;
    r.cms = cms;
    r.how = cms->how;
    snprintf(r.nested, sizeof(r.nested), "%s-nested", cms->how);

    if (len > DEBAR_CMS_BYTES) {
        debar_reader_bound(rd, DEBAR_FILE_HELD);
        len = DEBAR_CMS_BYTES;
    }

    r.items[0].der = der;
    r.items[0].len = len;
    r.nitems = 1;

    (void) ERR_set_mark();

    for (i = 0, rc = DEBAR_OK; i < r.nitems && rc == DEBAR_OK; i++) {
        rc = debar_cms_message(&r, &r.items[i]);
        debar_cms_forget(&r);
        r.how = r.nested;
    }

    for (i = 0; i < r.nitems; i++) {
        ASN1_TYPE_free(r.items[i].held);
    }

    (void) ERR_pop_to_mark();

    return rc;
}


/* A message by itself: a catalogue of drivers, a signature beside its file. */

int
debar_file_read_cms(debar_reader_t *rd)
{
    int           rc;
    char         *der;
    uint64_t      n;
    debar_cms_t   cms;

    n = debar_reader_source(rd)->size;
    n = n < DEBAR_CMS_BYTES ? n : DEBAR_CMS_BYTES;
    der = debar_reader_bytes(rd, 0, n);

    /* PEM, and a certificate alone, have no signer */

    if (der == NULL || n < 16 || der[0] != 0x30
        || memmem(der, 16, "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02", 9)
           == NULL)
    {
        free(der);
        return DEBAR_OK;
    }

    memset(&cms, 0, sizeof(cms));
    cms.how = "cms";
    rc = debar_reader_signatures(rd, der, n, &cms);
    free(der);

    return rc;
}


static int
debar_cms_message(debar_cms_reading_t *r, const debar_cms_item_t *item)
{
    int                   rc;
    const uint8_t        *p;
    debar_cms_message_t  *m;

    p = item->der;
    m = (debar_cms_message_t *) ASN1_item_d2i(NULL, &p, item->len,
                                       ASN1_ITEM_rptr(debar_cms_message_t));

    if (m == NULL || OBJ_obj2nid(m->type) != NID_pkcs7_signed) {
        rc = debar_cms_damaged(r, item->der, item->len);

    } else {
        rc = debar_cms_signed(r, m->body);
    }

    ASN1_item_free((ASN1_VALUE *) m, ASN1_ITEM_rptr(debar_cms_message_t));

    return rc;
}


static int
debar_cms_signed(debar_cms_reading_t *r, debar_cms_signed_t *body)
{
    int  i, n, rc;

    debar_cms_content(r, body);
    debar_cms_certs(r, body);

    n = sk_debar_cms_signer_t_num(body->signers);

    if (n > DEBAR_CMS_SIGNERS) {
        debar_reader_bound(r->rd, DEBAR_FILE_MEMBERS);
        n = DEBAR_CMS_SIGNERS;
    }

    for (i = 0, rc = DEBAR_OK; i < n && rc == DEBAR_OK; i++) {
        rc = debar_cms_signer(r, sk_debar_cms_signer_t_value(body->signers, i));
    }

    /* a signature without a signer has lost it; a message by itself may be of
     * certificates only */

    if (n == 0 && (r->cms->digest != NULL || r->cms->detached.data != NULL)) {
        rc = debar_cms_leaves(r);
    }

    return rc;
}


/* What is signed: its bytes without tag and length (RFC 5652 s.5.4). */

static void
debar_cms_content(debar_cms_reading_t *r, debar_cms_signed_t *body)
{
    int             class, tag;
    long            len;
    ASN1_TYPE      *c;
    const uint8_t  *p, *whole;

    c = body->content->content;

    if (c != NULL && c->type == V_ASN1_OCTET_STRING) {
        r->content = debar_str((char *) ASN1_STRING_get0_data(
                                   c->value.octet_string),
                               ASN1_STRING_length(c->value.octet_string));

    } else if (c != NULL && c->type == V_ASN1_SEQUENCE) {
        whole = ASN1_STRING_get0_data(c->value.sequence);
        p = whole;

        if (!(ASN1_get_object(&p, &len, &tag, &class,
                              ASN1_STRING_length(c->value.sequence)) & 0x80))
        {
            r->content = debar_str((char *) p, len);
        }

        if (r->cms->spc) {
            p = whole;
            r->spc = (debar_cms_spc_t *) ASN1_item_d2i(NULL, &p,
                                      ASN1_STRING_length(c->value.sequence),
                                      ASN1_ITEM_rptr(debar_cms_spc_t));
        }
    }

    if (!r->cms->spc && r->cms->detached.data != NULL) {
        r->content = r->cms->detached;
    }
}


static void
debar_cms_certs(debar_cms_reading_t *r, debar_cms_signed_t *body)
{
    int             i, n;
    X509           *cert;
    ASN1_TYPE      *t;
    const uint8_t  *p;

    n = body->certs ? sk_ASN1_TYPE_num(body->certs) : 0;

    for (i = 0; i < n; i++) {
        t = sk_ASN1_TYPE_value(body->certs, i);

        if (t->type != V_ASN1_SEQUENCE) {
            continue;
        }

        if (r->ncerts == DEBAR_CMS_CERTS) {
            debar_reader_bound(r->rd, DEBAR_FILE_MEMBERS);
            break;
        }

        p = ASN1_STRING_get0_data(t->value.sequence);
        cert = d2i_X509(NULL, &p, ASN1_STRING_length(t->value.sequence));

        if (cert != NULL) {
            r->certs[r->ncerts++] = cert;
        }
    }
}


/*
 * More than one certificate may have the issuer and number that are named: the
 * one whose key made the signature is the signer's, else the first.
 */

static int
debar_cms_signer(debar_cms_reading_t *r, debar_cms_signer_t *si)
{
    X509      *cert;
    unsigned   i, state, best;

    cert = NULL;
    best = DEBAR_SIGNED_BROKEN;

    for (i = 0; i < r->ncerts; i++) {
        if (!debar_cms_names_it(r->certs[i], si->sid)) {
            continue;
        }

        state = debar_cms_state(r, si, r->certs[i]);

        if (cert == NULL || state != DEBAR_SIGNED_BROKEN) {
            cert = r->certs[i];
            best = state;
        }

        if (state != DEBAR_SIGNED_BROKEN) {
            break;
        }
    }

    debar_cms_nested(r, si);

    return cert != NULL ? debar_cms_tell(r->rd, r->how, cert, best)
                        : debar_cms_issued(r, si);
}


static int
debar_cms_names_it(X509 *cert, const ASN1_TYPE *sid)
{
    int                       is, class, tag;
    long                      len;
    const uint8_t            *p;
    const ASN1_OCTET_STRING  *key;
    PKCS7_ISSUER_AND_SERIAL  *ias;

    if (sid->type == V_ASN1_SEQUENCE) {
        p = ASN1_STRING_get0_data(sid->value.sequence);
        ias = d2i_PKCS7_ISSUER_AND_SERIAL(NULL, &p,
                                    ASN1_STRING_length(sid->value.sequence));

        is = ias != NULL
             && X509_NAME_cmp(ias->issuer, X509_get_issuer_name(cert)) == 0
             && ASN1_INTEGER_cmp(ias->serial, X509_get0_serialNumber(cert))
                == 0;
        PKCS7_ISSUER_AND_SERIAL_free(ias);

        return is;
    }

    if (sid->type != V_ASN1_OTHER) {
        return 0;
    }

    /* subjectKeyIdentifier [0] */

    p = ASN1_STRING_get0_data(sid->value.asn1_string);

    if (ASN1_get_object(&p, &len, &tag, &class,
                        ASN1_STRING_length(sid->value.asn1_string)) & 0xa0
        || tag != 0)
    {
        return 0;
    }

    key = X509_get0_subject_key_id(cert);

    return key != NULL && ASN1_STRING_length(key) == len
           && memcmp(ASN1_STRING_get0_data(key), p, len) == 0;
}


/*
 * The signer's certificate is not there: those that are and issued no other one
 * are told, or who issued the signer's if there are none.
 */

static int
debar_cms_issued(debar_cms_reading_t *r, const debar_cms_signer_t *si)
{
    int                       rc;
    size_t                    n;
    debar_str_t               names[DEBAR_CMS_NAMES];
    debar_found_t             found;
    const uint8_t            *p;
    PKCS7_ISSUER_AND_SERIAL  *ias;

    if (r->ncerts != 0) {
        return debar_cms_leaves(r);
    }

    if (si->sid->type != V_ASN1_SEQUENCE) {
        return DEBAR_OK;
    }

    p = ASN1_STRING_get0_data(si->sid->value.sequence);
    ias = d2i_PKCS7_ISSUER_AND_SERIAL(NULL, &p,
                                ASN1_STRING_length(si->sid->value.sequence));

    if (ias == NULL) {
        return DEBAR_OK;
    }

    n = debar_cms_names(ias->issuer, NID_commonName, names);
    memset(&found, 0, sizeof(found));
    found.name = debar_str(r->how, strlen(r->how));
    found.state = DEBAR_SIGNED_UNCHECKED;

    if (n) {
        found.issuer = names[0];
    }

    rc = debar_reader_signer(r->rd, &found);
    debar_cms_names_free(names, n);
    PKCS7_ISSUER_AND_SERIAL_free(ias);

    return rc;
}


/* Messages in an attribute that is not signed wait for their turn. */

static void
debar_cms_nested(debar_cms_reading_t *r, const debar_cms_signer_t *si)
{
    int              i, j, n;
    ASN1_OBJECT     *oid;
    X509_ATTRIBUTE  *attr;

    if (!r->cms->spc || si->unsigned_attrs == NULL) {
        return;
    }

    for (i = 0; i < sk_X509_ATTRIBUTE_num(si->unsigned_attrs); i++) {
        attr = sk_X509_ATTRIBUTE_value(si->unsigned_attrs, i);

        oid = X509_ATTRIBUTE_get0_object(attr);

        if (OBJ_length(oid) != sizeof(DEBAR_OID_NESTED) - 1
            || memcmp(OBJ_get0_data(oid), DEBAR_OID_NESTED, OBJ_length(oid))
               != 0)
        {
            continue;
        }

        n = X509_ATTRIBUTE_count(attr);

        for (j = 0; j < n; j++) {
            debar_cms_queue(r, X509_ATTRIBUTE_get0_type(attr, j));
        }
    }
}


/* A copy, since the message that it is in goes before its turn comes. */

static void
debar_cms_queue(debar_cms_reading_t *r, const ASN1_TYPE *t)
{
    debar_cms_item_t  *item;

    if (t == NULL || t->type != V_ASN1_SEQUENCE) {
        return;
    }

    if (r->nitems == DEBAR_CMS_NESTED) {
        debar_reader_bound(r->rd, DEBAR_FILE_MEMBERS);
        return;
    }

    item = &r->items[r->nitems];
    item->held = ASN1_TYPE_new();

    if (item->held != NULL
        && ASN1_TYPE_set1(item->held, t->type, t->value.ptr))
    {
        item->der = ASN1_STRING_get0_data(item->held->value.sequence);
        item->len = ASN1_STRING_length(item->held->value.sequence);
        r->nitems++;
        return;
    }

    ASN1_TYPE_free(item->held);
    item->held = NULL;
}


/* --- whether it holds ---------------------------------------------------- */

static unsigned
debar_cms_state(debar_cms_reading_t *r, const debar_cms_signer_t *si,
    X509 *cert)
{
    unsigned  covers, made;

    if (r->checks++ == DEBAR_CMS_CHECKS) {
        debar_reader_bound(r->rd, DEBAR_FILE_MEMBERS);
    }

    if (r->checks > DEBAR_CMS_CHECKS) {
        return DEBAR_SIGNED_UNCHECKED;
    }

    made = debar_cms_verify(r, si, cert);

    if (made == DEBAR_SIGNED_BROKEN) {
        return DEBAR_SIGNED_BROKEN;
    }

    covers = debar_cms_covers(r, si);

    if (covers == DEBAR_SIGNED_BROKEN || made == DEBAR_SIGNED_HOLDS) {
        return covers;
    }

    return made;
}


/* What is signed is what is there: the content's digest, and the file's. */

static unsigned
debar_cms_covers(debar_cms_reading_t *r, const debar_cms_signer_t *si)
{
    uint8_t           md[DEBAR_CMS_DIGEST];
    unsigned          len, state;
    const ASN1_TYPE  *t;

    state = DEBAR_SIGNED_HOLDS;

    if (si->attrs != NULL) {
        t = debar_cms_attr(si->attrs, NID_pkcs9_messageDigest,
                           V_ASN1_OCTET_STRING);

        if (t == NULL) {
            return DEBAR_SIGNED_BROKEN;
        }

        state = debar_cms_digest(r, OBJ_obj2nid(si->digest->algorithm), md,
                                 &len);

        if (state == DEBAR_SIGNED_UNCHECKED) {
            return state;
        }

        if (!debar_cms_same(t->value.octet_string, md, len)) {
            return DEBAR_SIGNED_BROKEN;
        }
    }

    return r->cms->spc ? debar_cms_covers_file(r) : state;
}


/* Authenticode signs the digest of the file, not the file. */

static unsigned
debar_cms_covers_file(debar_cms_reading_t *r)
{
    int                       rc;
    uint8_t                   md[DEBAR_CMS_DIGEST];
    unsigned                  len;
    const X509_ALGOR         *algor;
    const ASN1_OCTET_STRING  *want;

    if (r->spc == NULL) {
        return DEBAR_SIGNED_BROKEN;
    }

    X509_SIG_get0(r->spc->digest, &algor, &want);
    len = 0;
    rc = r->cms->digest(r->cms->data, OBJ_obj2nid(algor->algorithm), md, &len);

    if (rc == DEBAR_ERROR) {
        return DEBAR_SIGNED_UNCHECKED;
    }

    if (!debar_cms_same(want, md, len)) {
        return DEBAR_SIGNED_BROKEN;
    }

    return rc == DEBAR_OK ? DEBAR_SIGNED_HOLDS : DEBAR_SIGNED_APPENDED;
}


static int
debar_cms_same(const ASN1_OCTET_STRING *want, const uint8_t *md, unsigned len)
{
    return len != 0 && ASN1_STRING_length(want) == (int) len
           && memcmp(ASN1_STRING_get0_data(want), md, len) == 0;
}


/* The digest of what is signed: bytes that are here, or by the format. */

static unsigned
debar_cms_digest(debar_cms_reading_t *r, int nid, uint8_t *out, unsigned *len)
{
    const EVP_MD  *md;

    *len = 0;

    if (!r->cms->spc && r->cms->detached.data == NULL
        && r->cms->digest != NULL)
    {
        switch (r->cms->digest(r->cms->data, nid, out, len)) {
        case DEBAR_OK:
            return DEBAR_SIGNED_HOLDS;
        case DEBAR_DECLINED:
            return DEBAR_SIGNED_APPENDED;
        default:
            return DEBAR_SIGNED_UNCHECKED;
        }
    }

    md = EVP_get_digestbynid(nid);

    if (md == NULL || r->content.data == NULL
        || !EVP_Digest(r->content.data, r->content.len, out, len, md, NULL))
    {
        return DEBAR_SIGNED_UNCHECKED;
    }

    return DEBAR_SIGNED_HOLDS;
}


/* The signature, with the certificate's key: HOLDS, BROKEN or UNCHECKED. */

static unsigned
debar_cms_verify(debar_cms_reading_t *r, const debar_cms_signer_t *si,
    X509 *cert)
{
    int           id, n;
    uint8_t      *attrs;
    EVP_PKEY     *key;
    unsigned      state;
    debar_str_t   tbs;

    key = X509_get0_pubkey(cert);

    if (key == NULL) {
        return DEBAR_SIGNED_UNCHECKED;
    }

    attrs = NULL;
    tbs = r->content;

    if (si->attrs != NULL) {

        /* as they stand, but as a SET (RFC 5652 s.5.4) */

        n = ASN1_item_i2d((ASN1_VALUE *) si->attrs, &attrs,
                          ASN1_ITEM_rptr(PKCS7_ATTR_VERIFY));

        if (n <= 0) {
            return DEBAR_SIGNED_UNCHECKED;
        }

        tbs = debar_str((char *) attrs, n);
    }

    id = EVP_PKEY_get_base_id(key);

    if (id == EVP_PKEY_ED25519 || id == EVP_PKEY_ED448) {
        state = debar_cms_verify_bytes(si, key, &tbs);

    } else {
        state = debar_cms_verify_hash(r, si, key, &tbs);
    }

    OPENSSL_free(attrs);

    return state;
}


/* Algorithms that sign bytes, not a digest (RFC 8419). */

static unsigned
debar_cms_verify_bytes(const debar_cms_signer_t *si, EVP_PKEY *key,
    const debar_str_t *tbs)
{
    int          rc;
    unsigned     state;
    EVP_MD_CTX  *ctx;

    state = DEBAR_SIGNED_UNCHECKED;
    ctx = EVP_MD_CTX_new();

    if (ctx != NULL && tbs->data != NULL
        && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) == 1)
    {
        rc = EVP_DigestVerify(ctx, ASN1_STRING_get0_data(si->signature),
                              ASN1_STRING_length(si->signature),
                              (uint8_t *) tbs->data, tbs->len);
        state = rc == 1 ? DEBAR_SIGNED_HOLDS : DEBAR_SIGNED_BROKEN;
    }

    EVP_MD_CTX_free(ctx);

    return state;
}


static unsigned
debar_cms_verify_hash(debar_cms_reading_t *r, const debar_cms_signer_t *si,
    EVP_PKEY *key, const debar_str_t *tbs)
{
    int            algor, nid, rc;
    uint8_t        hash[EVP_MAX_MD_SIZE];
    unsigned       len, state;
    const EVP_MD  *md;
    EVP_PKEY_CTX  *ctx;

    algor = OBJ_obj2nid(si->algor->algorithm);

    if (algor == NID_rsassaPss) {
        nid = debar_cms_pss_digest(si->algor);

    } else if (!OBJ_find_sigid_algs(algor, &nid, NULL) || nid == NID_undef) {
        nid = OBJ_obj2nid(si->digest->algorithm);
    }

    md = EVP_get_digestbynid(nid);
    len = 0;

    if (md == NULL) {
        return DEBAR_SIGNED_UNCHECKED;
    }

    if (tbs->data != NULL) {
        rc = EVP_Digest(tbs->data, tbs->len, hash, &len, md, NULL);

    } else {
        rc = debar_cms_digest(r, nid, hash, &len) != DEBAR_SIGNED_UNCHECKED;
    }

    state = DEBAR_SIGNED_UNCHECKED;
    ctx = rc ? EVP_PKEY_CTX_new(key, NULL) : NULL;

    if (ctx != NULL && EVP_PKEY_verify_init(ctx) == 1
        && (algor != NID_rsassaPss
            || debar_cms_pss(ctx, si->algor) == DEBAR_OK)
        && EVP_PKEY_CTX_set_signature_md(ctx, md) == 1)
    {
        rc = EVP_PKEY_verify(ctx, ASN1_STRING_get0_data(si->signature),
                             ASN1_STRING_length(si->signature), hash, len);
        state = rc == 1 ? DEBAR_SIGNED_HOLDS : DEBAR_SIGNED_BROKEN;
    }

    EVP_PKEY_CTX_free(ctx);

    return state;
}


/* RSASSA-PSS-params (RFC 4055 s.3.1); what is absent has a default. */

static RSA_PSS_PARAMS *
debar_cms_pss_params(const X509_ALGOR *algor)
{
    int             type;
    const void     *value;
    const uint8_t  *p;

    X509_ALGOR_get0(NULL, &type, &value, algor);

    if (type != V_ASN1_SEQUENCE) {
        return NULL;
    }

    p = ASN1_STRING_get0_data(value);

    return d2i_RSA_PSS_PARAMS(NULL, &p, ASN1_STRING_length(value));
}


static int
debar_cms_pss_digest(const X509_ALGOR *algor)
{
    int              nid;
    RSA_PSS_PARAMS  *pss;

    pss = debar_cms_pss_params(algor);
    nid = pss && pss->hashAlgorithm
          ? OBJ_obj2nid(pss->hashAlgorithm->algorithm) : NID_sha1;
    RSA_PSS_PARAMS_free(pss);

    return nid;
}


static int
debar_cms_pss(EVP_PKEY_CTX *ctx, const X509_ALGOR *algor)
{
    int              rc;
    long             salt;
    RSA_PSS_PARAMS  *pss;

    /* the generator's digest is the signature's in all that is made */

    pss = debar_cms_pss_params(algor);
    salt = pss && pss->saltLength ? ASN1_INTEGER_get(pss->saltLength) : 20;
    RSA_PSS_PARAMS_free(pss);

    rc = salt >= 0 && salt <= 4096
         && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1
         && EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, salt) == 1;

    return rc ? DEBAR_OK : DEBAR_ERROR;
}


static const ASN1_TYPE *
debar_cms_attr(const STACK_OF(X509_ATTRIBUTE) *attrs, int nid, int type)
{
    int         i;
    ASN1_TYPE  *t;

    i = X509at_get_attr_by_NID(attrs, nid, -1);

    if (i < 0) {
        return NULL;
    }

    t = X509_ATTRIBUTE_get0_type(X509at_get_attr(attrs, i), 0);

    return t != NULL && t->type == type ? t : NULL;
}


/* --- who it is ----------------------------------------------------------- */

/*
 * No message: certificates are looked for in its bytes, where SEQUENCE,
 * SEQUENCE and a version of 3 stand.
 */

static int
debar_cms_damaged(debar_cms_reading_t *r, const uint8_t *der, size_t len)
{
    X509           *cert;
    size_t          n;
    unsigned        marks;
    const uint8_t  *p, *q, *end;

    debar_reader_bound(r->rd, DEBAR_FILE_BROKEN);
    end = der + len;
    p = der;

    for (marks = 0; marks < DEBAR_CMS_MARKS; marks++) {
        p = memmem(p, end - p, "\xa0\x03\x02\x01\x02", 5);

        if (p == NULL || r->ncerts == DEBAR_CMS_CERTS) {
            break;
        }

        if (p - der >= 8 && p[-8] == 0x30 && p[-7] == 0x82 && p[-4] == 0x30) {
            q = p - 8;
            n = (q[2] << 8 | q[3]) + 4;
            cert = n <= (size_t) (end - q) ? d2i_X509(NULL, &q, n) : NULL;

            if (cert != NULL) {
                r->certs[r->ncerts++] = cert;
                p = q;
                continue;
            }
        }

        p += 5;
    }

    return debar_cms_leaves(r);
}


static int
debar_cms_leaves(debar_cms_reading_t *r)
{
    int       rc;
    unsigned  i;

    for (i = 0, rc = DEBAR_OK; i < r->ncerts && rc == DEBAR_OK; i++) {
        if (debar_cms_leaf(r, i)) {
            rc = debar_cms_tell(r->rd, r->how, r->certs[i],
                                DEBAR_SIGNED_BROKEN);
        }
    }

    return rc;
}


/* A signer's, as far as can be told: it issued no other one that is here, and
 * is not for time stamps only. */

static int
debar_cms_leaf(debar_cms_reading_t *r, unsigned at)
{
    unsigned         i;
    uint32_t         use;
    const X509_NAME *name;

    use = X509_get_extended_key_usage(r->certs[at]);

    if (use != UINT32_MAX && (use & XKU_TIMESTAMP) && !(use & XKU_CODE_SIGN)) {
        return 0;
    }

    name = X509_get_subject_name(r->certs[at]);

    for (i = 0; i < r->ncerts; i++) {
        if (i != at
            && X509_NAME_cmp(name, X509_get_issuer_name(r->certs[i])) == 0)
        {
            return 0;
        }
    }

    return 1;
}


int
debar_reader_certificate(debar_reader_t *rd, const char *how, const void *der,
    size_t len, unsigned state)
{
    int             rc;
    X509           *cert;
    const uint8_t  *p = der;

    (void) ERR_set_mark();
    cert = len <= DEBAR_CMS_BYTES ? d2i_X509(NULL, &p, len) : NULL;
    rc = DEBAR_OK;

    if (cert == NULL) {
        debar_reader_bound(rd, DEBAR_FILE_BROKEN);

    } else {
        rc = debar_cms_tell(rd, how, cert, state);
        X509_free(cert);
    }

    (void) ERR_pop_to_mark();

    return rc;
}


/* A subject may have several of each; the first goes with the first. */

static int
debar_cms_tell(debar_reader_t *rd, const char *how, X509 *cert,
    unsigned state)
{
    int            rc;
    size_t         i, no, nc, ni;
    uint8_t        sha1[EVP_MAX_MD_SIZE];
    unsigned       len;
    debar_str_t    orgs[DEBAR_CMS_NAMES], names[DEBAR_CMS_NAMES];
    debar_str_t    issuer[DEBAR_CMS_NAMES];
    debar_found_t  found;

    no = debar_cms_names(X509_get_subject_name(cert), NID_organizationName,
                         orgs);
    nc = debar_cms_names(X509_get_subject_name(cert), NID_commonName, names);
    ni = debar_cms_names(X509_get_issuer_name(cert), NID_commonName, issuer);

    if (ni == 0) {
        ni = debar_cms_names(X509_get_issuer_name(cert), NID_organizationName,
                             issuer);
    }

    memset(&found, 0, sizeof(found));
    found.name = debar_str(how, strlen(how));
    found.state = state;

    if (ni) {
        found.issuer = issuer[0];
    }

    if (X509_digest(cert, EVP_sha1(), sha1, &len)) {
        found.thumbprint = debar_str((char *) sha1, len);
    }

    for (i = 0, rc = DEBAR_OK; rc == DEBAR_OK; i++) {
        found.organization = i < no ? orgs[i] : debar_str(NULL, 0);
        found.common_name = i < nc ? names[i] : debar_str(NULL, 0);
        rc = debar_reader_signer(rd, &found);

        if (i + 1 >= no && i + 1 >= nc) {
            break;
        }
    }

    for (i = 0; i < nc && rc == DEBAR_OK; i++) {

        /* Mozilla certifies an extension by its identifier */

        rc = strncmp(how, "xpi", 3) == 0
             ? debar_reader_package(rd, "firefox", names[i].data, names[i].len)
             : debar_cms_team(rd, &names[i]);
    }

    debar_cms_names_free(orgs, no);
    debar_cms_names_free(names, nc);
    debar_cms_names_free(issuer, ni);

    return rc;
}


/* "Developer ID Application: NAME (TEAM)", as Apple names those whom it
 * certifies: ten letters and digits at the end. */

static int
debar_cms_team(debar_reader_t *rd, const debar_str_t *name)
{
    int          rc;
    size_t       i;
    const char  *p, *team;

    p = memmem(name->data, name->len, ": ", 2);

    if (p == NULL || name->len - (p + 2 - name->data) < 14
        || name->data[name->len - 1] != ')'
        || memcmp(name->data + name->len - 13, " (", 2) != 0)
    {
        return DEBAR_OK;
    }

    team = name->data + name->len - 11;

    for (i = 0; i < 10; i++) {
        if (!(team[i] >= 'A' && team[i] <= 'Z')
            && !(team[i] >= '0' && team[i] <= '9'))
        {
            return DEBAR_OK;
        }
    }

    p += 2;
    rc = debar_reader_field(rd, "Developer", DEBAR_SAYS_MAKER, p, team - 2 - p);

    if (rc == DEBAR_OK) {
        rc = debar_reader_field(rd, "TeamIdentifier", DEBAR_SAYS_TEXT, team,
                                10);
    }

    return rc == DEBAR_OK ? debar_reader_package(rd, "apple-team", team, 10)
                          : rc;
}


static size_t
debar_cms_names(const X509_NAME *name, int nid, debar_str_t *out)
{
    int       at, len;
    size_t    n;
    uint8_t  *text;

    for (n = 0, at = -1; n < DEBAR_CMS_NAMES; /* void */ ) {
        at = X509_NAME_get_index_by_NID((X509_NAME *) name, nid, at);

        if (at < 0) {
            break;
        }

        len = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(
                                             X509_NAME_get_entry(name, at)));

        if (len >= 0) {
            out[n++] = debar_str((char *) text, len);
        }
    }

    return n;
}


static void
debar_cms_names_free(debar_str_t *names, size_t n)
{
    while (n--) {
        OPENSSL_free((void *) names[n].data);
    }
}


static void
debar_cms_forget(debar_cms_reading_t *r)
{
    while (r->ncerts) {
        X509_free(r->certs[--r->ncerts]);
    }

    ASN1_item_free((ASN1_VALUE *) r->spc, ASN1_ITEM_rptr(debar_cms_spc_t));
    r->spc = NULL;
    r->content = debar_str(NULL, 0);
}
