/*
 * One leaf.
 */

#include "mint_private.h"

#include <stdio.h>
#include <stdlib.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rand.h>


#define DEBAR_MINT_CN  64              /* ub-common-name, RFC 5280 A.1 */


static int debar_mint_host(const debar_host_t *host, debar_fault_t *fault);
static debar_mint_made_t *debar_mint_made(debar_mint_t *m, const void *spki,
    size_t len, debar_fault_t *fault, int *rc);
static int debar_mint_fill(X509 *x, const debar_mint_t *m, EVP_PKEY *key);
static EVP_PKEY *debar_mint_spki(const void *spki, size_t len,
    debar_fault_t *fault);
static int debar_mint_names(X509 *x, const debar_host_t *host);
static int debar_mint_constraints(X509 *x, EVP_PKEY *key);
static int debar_mint_authority(X509 *x, X509 *ca);
static int debar_mint_give(X509 *x, debar_minted_t *out);


int
debar_mint_leaf(debar_mint_t *m, const debar_host_t *host, const void *spki,
    size_t len, time_t now, debar_minted_t *out, debar_fault_t *fault)
{
    int                 rc;
    char                why[128];
    X509               *x;
    debar_mint_made_t  *made;

    memset(out, 0, sizeof(*out));

    if (m->key == NULL || now < m->from || now >= m->until) {
        debar_fault(fault, m->key == NULL ? "%s: the token is not open"
                    : "%s: the CA is not in its time: renew its certificate",
                    m->key == NULL ? m->key_name : m->cert_name);
        return DEBAR_MINT_FAILED;
    }

    if (debar_mint_host(host, fault) != DEBAR_OK) {
        return DEBAR_MINT_NAME;
    }

    made = debar_mint_made(m, spki, len, fault, &rc);

    if (made == NULL) {
        return rc;
    }

    out->not_before = now - DEBAR_MINT_DAY;
    out->not_after = now + (time_t) m->days * DEBAR_MINT_DAY;

    if (out->not_before < m->from) {
        out->not_before = m->from;
    }

    if (out->not_after > m->until) {
        out->not_after = m->until;
    }

    ERR_clear_error();
    x = made->x;

    if (debar_mint_serial(x) != DEBAR_OK
        || debar_mint_times(x, out->not_before, out->not_after) != DEBAR_OK
        || debar_mint_names(x, host) != DEBAR_OK
        || X509_sign(x, m->key, m->md) <= 0
        || debar_mint_give(x, out) != DEBAR_OK)
    {
        debar_fault(fault, "%s: signing failed: %s", m->key_name,
                    debar_mint_why(why, sizeof(why)));
        debar_mint_forget_made(made);
        return DEBAR_MINT_FAILED;
    }

    return DEBAR_MINT_OK;
}


/*
 * Leaves of one worker differ in serial, times and names only, and to decode
 * and encode its key costs twice what a signature does: the last leaf of a key
 * is kept, and the next one is made of it.  NULL: *rc says why.
 */

static debar_mint_made_t *
debar_mint_made(debar_mint_t *m, const void *spki, size_t len,
    debar_fault_t *fault, int *rc)
{
    char                why[128];
    unsigned            i;
    EVP_PKEY           *key;
    debar_mint_made_t  *made, *old;

    old = &m->made[0];

    for (i = 0; i < DEBAR_MINT_KEYS; i++) {
        made = &m->made[i];

        if (made->spki && made->len == len
            && memcmp(made->spki, spki, len) == 0)
        {
            made->used = ++m->clock;
            return made;
        }

        if (made->used < old->used) {
            old = made;
        }
    }

    key = debar_mint_spki(spki, len, fault);

    if (key == NULL) {
        *rc = DEBAR_MINT_KEY;
        return NULL;
    }

    debar_mint_forget_made(old);
    ERR_clear_error();

    old->spki = malloc(len);
    old->len = len;
    old->x = X509_new();

    if (old->spki == NULL || old->x == NULL
        || debar_mint_fill(old->x, m, key) != DEBAR_OK)
    {
        debar_fault(fault, "%s: signing failed: %s", m->key_name,
                    debar_mint_why(why, sizeof(why)));
        debar_mint_forget_made(old);
        EVP_PKEY_free(key);
        *rc = DEBAR_MINT_FAILED;
        return NULL;
    }

    EVP_PKEY_free(key);
    memcpy(old->spki, spki, len);
    old->used = ++m->clock;

    return old;
}


void
debar_mint_forget_made(debar_mint_made_t *made)
{
    X509_free(made->x);
    free(made->spki);
    memset(made, 0, sizeof(*made));
}


static int
debar_mint_fill(X509 *x, const debar_mint_t *m, EVP_PKEY *key)
{
    return X509_set_version(x, X509_VERSION_3) == 1
           && X509_set_issuer_name(x, X509_get_subject_name(m->ca)) == 1
           && X509_set_pubkey(x, key) == 1
           && debar_mint_constraints(x, key) == DEBAR_OK
           && debar_mint_key_id(x) == DEBAR_OK
           && debar_mint_authority(x, m->ca) == DEBAR_OK
           ? DEBAR_OK : DEBAR_ERROR;
}


/* Whoever filled *host: it must be what the parser makes of its own text. */

static int
debar_mint_host(const debar_host_t *host, debar_fault_t *fault)
{
    const char    *why;
    debar_host_t   h;

    why = NULL;

    if (host->len == 0 || host->len > DEBAR_MAX_HOST
        || debar_host_parse(&h, host->name, host->len, DEBAR_HOST_BARE, &why)
           != DEBAR_OK
        || h.spelt != DEBAR_SPELT_PLAIN || h.type != host->type
        || h.len != host->len || memcmp(h.name, host->name, h.len) != 0
        || (h.type == DEBAR_HOST_ADDRESS
            && memcmp(h.addr, host->addr, sizeof(h.addr)) != 0))
    {
        debar_fault(fault, "not a server's name or address: %s",
                    why ? why : "not in canonical form");
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


/* The bytes must be those that we would write: no explicit curve, no BER. */

static EVP_PKEY *
debar_mint_spki(const void *spki, size_t len, debar_fault_t *fault)
{
    int                   bits, n, ok;
    EVP_PKEY             *key;
    unsigned char        *der;
    const unsigned char  *p;

    static const unsigned char  p256[] = {
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d,
        0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01,
        0x07, 0x03, 0x42, 0x00, 0x04
    };
    static const unsigned char  p384[] = {
        0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d,
        0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22, 0x03, 0x62,
        0x00, 0x04
    };

    ERR_clear_error();

    p = spki;
    der = NULL;
    ok = 0;
    key = (len > sizeof(p256) && len <= 4096) ? d2i_PUBKEY(NULL, &p, (long) len)
                                              : NULL;

    if (key && p == (const unsigned char *) spki + len) {
        bits = EVP_PKEY_get_bits(key);

        switch (EVP_PKEY_get_base_id(key)) {

        case EVP_PKEY_EC:
            ok = (len == 91 && memcmp(spki, p256, sizeof(p256)) == 0)
                 || (len == 120 && memcmp(spki, p384, sizeof(p384)) == 0);
            break;

        case EVP_PKEY_RSA:
            ok = bits >= 2048 && bits <= 4096;
            break;
        }

        if (ok) {
            n = i2d_PUBKEY(key, &der);
            ok = n == (int) len && memcmp(der, spki, len) == 0;
            OPENSSL_free(der);
        }
    }

    ERR_clear_error();

    if (!ok) {
        debar_fault(fault, "not a public key that is certified: P-256, P-384 "
                    "or RSA of 2048 to 4096 bits");
        EVP_PKEY_free(key);
        return NULL;
    }

    return key;
}


/* 128 random bits, read as a positive number. */

int
debar_mint_serial(X509 *x)
{
    int             rc;
    BIGNUM         *bn;
    unsigned char   random[16];

    if (RAND_bytes(random, sizeof(random)) != 1) {
        return DEBAR_ERROR;
    }

    bn = BN_bin2bn(random, sizeof(random), NULL);
    rc = (bn && !BN_is_zero(bn)
          && BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(x)))
         ? DEBAR_OK : DEBAR_ERROR;
    BN_free(bn);

    return rc;
}


int
debar_mint_times(X509 *x, time_t from, time_t until)
{
    if (ASN1_TIME_set(X509_getm_notBefore(x), from) == NULL
        || ASN1_TIME_set(X509_getm_notAfter(x), until) == NULL)
    {
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


/* subjectKeyIdentifier by RFC 7093 s.2 method 1: no SHA-1. */

int
debar_mint_key_id(X509 *x)
{
    int                 rc;
    unsigned            n;
    unsigned char       digest[EVP_MAX_MD_SIZE];
    ASN1_BIT_STRING    *bits;
    ASN1_OCTET_STRING  *id;

    bits = X509_get0_pubkey_bitstr(x);

    if (bits == NULL
        || EVP_Digest(ASN1_STRING_get0_data(bits), ASN1_STRING_length(bits),
                      digest, &n, EVP_sha256(), NULL)
           != 1)
    {
        return DEBAR_ERROR;
    }

    id = ASN1_OCTET_STRING_new();
    rc = (id && ASN1_OCTET_STRING_set(id, digest, 20) == 1
          && X509_add1_ext_i2d(x, NID_subject_key_identifier, id, 0, 0) == 1)
         ? DEBAR_OK : DEBAR_ERROR;
    ASN1_OCTET_STRING_free(id);

    return rc;
}


int
debar_mint_key_usage(X509 *x, const int *bits, unsigned n)
{
    int               rc;
    unsigned          i;
    ASN1_BIT_STRING  *usage;

    usage = ASN1_BIT_STRING_new();
    rc = usage ? DEBAR_OK : DEBAR_ERROR;

    for (i = 0; i < n && rc == DEBAR_OK; i++) {
        if (ASN1_BIT_STRING_set_bit(usage, bits[i], 1) != 1) {
            rc = DEBAR_ERROR;
        }
    }

    if (rc == DEBAR_OK
        && X509_add1_ext_i2d(x, NID_key_usage, usage, 1, 0) != 1)
    {
        rc = DEBAR_ERROR;
    }

    ASN1_BIT_STRING_free(usage);

    return rc;
}


/* What it may be used for: a server in TLS, and nothing else. */

static int
debar_mint_constraints(X509 *x, EVP_PKEY *key)
{
    int                 rc;
    ASN1_OBJECT        *server;
    BASIC_CONSTRAINTS  *basic;
    EXTENDED_KEY_USAGE *extended;
    static const int    usage[] = { 0, 2 };   /* digitalSignature,
                                                 keyEncipherment */

    if (debar_mint_key_usage(x, usage,
                             EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA ? 2 : 1)
        != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    rc = DEBAR_ERROR;
    basic = BASIC_CONSTRAINTS_new();
    extended = sk_ASN1_OBJECT_new_null();
    server = OBJ_nid2obj(NID_server_auth);   /* static: never freed */

    if (basic && extended && sk_ASN1_OBJECT_push(extended, server) == 1
        && X509_add1_ext_i2d(x, NID_basic_constraints, basic, 1, 0) == 1
        && X509_add1_ext_i2d(x, NID_ext_key_usage, extended, 0, 0) == 1)
    {
        rc = DEBAR_OK;
    }

    BASIC_CONSTRAINTS_free(basic);
    sk_ASN1_OBJECT_free(extended);

    return rc;
}


static int
debar_mint_authority(X509 *x, X509 *ca)
{
    int                       rc;
    AUTHORITY_KEYID          *id;
    const ASN1_OCTET_STRING  *of;

    of = X509_get0_subject_key_id(ca);

    if (of == NULL) {
        return DEBAR_OK;
    }

    id = AUTHORITY_KEYID_new();

    if (id == NULL) {
        return DEBAR_ERROR;
    }

    id->keyid = ASN1_OCTET_STRING_dup(of);
    rc = (id->keyid && X509_add1_ext_i2d(x, NID_authority_key_identifier, id, 0,
                                         0)
                       == 1)
         ? DEBAR_OK : DEBAR_ERROR;
    AUTHORITY_KEYID_free(id);

    return rc;
}


/* A subject that cannot hold the name is empty, and the SAN critical.  x may
 * have those of another leaf. */

static int
debar_mint_names(X509 *x, const debar_host_t *host)
{
    int             critical, rc, type;
    X509_NAME      *subject;
    const void     *data;
    size_t          len;
    ASN1_STRING    *value;
    GENERAL_NAME   *gn;
    GENERAL_NAMES  *gns;

    critical = host->len > DEBAR_MINT_CN;
    subject = X509_get_subject_name(x);

    X509_NAME_ENTRY_free(X509_NAME_delete_entry(subject, 0));
    X509_EXTENSION_free(X509_delete_ext(x,
                            X509_get_ext_by_NID(x, NID_subject_alt_name, -1)));

    if (!critical
        && X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8,
                                      (const unsigned char *) host->name,
                                      (int) host->len, -1, 0)
           != 1)
    {
        return DEBAR_ERROR;
    }

    if (host->type == DEBAR_HOST_ADDRESS) {
        type = GEN_IPADD;
        data = debar_addr_is_v4(host->addr) ? host->addr + 12 : host->addr;
        len = debar_addr_is_v4(host->addr) ? 4 : 16;
        value = ASN1_OCTET_STRING_new();

    } else {
        type = GEN_DNS;
        data = host->name;
        len = host->len;
        value = ASN1_IA5STRING_new();
    }

    gn = GENERAL_NAME_new();
    gns = GENERAL_NAMES_new();
    rc = DEBAR_ERROR;

    if (value && gn && gns && ASN1_STRING_set(value, data, (int) len) == 1) {
        GENERAL_NAME_set0_value(gn, type, value);
        value = NULL;

        if (sk_GENERAL_NAME_push(gns, gn) > 0) {
            gn = NULL;

            if (X509_add1_ext_i2d(x, NID_subject_alt_name, gns, critical, 0)
                == 1)
            {
                rc = DEBAR_OK;
            }
        }
    }

    ASN1_STRING_free(value);
    GENERAL_NAME_free(gn);
    GENERAL_NAMES_free(gns);

    return rc;
}


static int
debar_mint_give(X509 *x, debar_minted_t *out)
{
    int                  i, len;
    unsigned char       *p;
    const ASN1_INTEGER  *serial;

    len = i2d_X509(x, NULL);
    out->der = (len > 0) ? malloc(len) : NULL;

    if (out->der == NULL) {
        return DEBAR_ERROR;
    }

    p = out->der;
    out->len = i2d_X509(x, &p);

    serial = X509_get0_serialNumber(x);

    for (i = 0; i < ASN1_STRING_length(serial) && i < 16; i++) {
        snprintf(out->serial + 2 * i, 3, "%02x",
                 ASN1_STRING_get0_data(serial)[i]);
    }

    return DEBAR_OK;
}
