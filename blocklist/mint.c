/*
 * The mint: opens a CA and checks that its leaves will be taken.
 */

#include "mint_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>


static int debar_mint_read_certs(debar_mint_t *m, const char *path,
    debar_fault_t *fault);
static int debar_mint_add_cert(debar_mint_t *m, X509 *x, X509 *below,
    long level, const char *path, debar_fault_t *fault);
static int debar_mint_check_ca(debar_mint_t *m, time_t now,
    debar_fault_t *fault);
static int debar_mint_time(const ASN1_TIME *t, time_t *out);


debar_mint_t *
debar_mint_open(const debar_mint_conf_t *conf, time_t now,
    debar_fault_t *fault)
{
    EVP_PKEY      *key;
    debar_mint_t  *m;

    m = calloc(1, sizeof(debar_mint_t));

    if (m == NULL) {
        debar_fault(fault, "no memory for a CA");
        return NULL;
    }

    m->days = conf->days ? conf->days : 30;
    m->cert_name = strdup(conf->cert);

    if (debar_mint_is_token(conf->key)) {
        m->uri = strdup(conf->key);
        m->key_name = strdup("pkcs11:");

    } else {
        m->key_name = strdup(conf->key);
    }

    if (m->key_name == NULL || m->cert_name == NULL
        || (m->uri == NULL && debar_mint_is_token(conf->key)))
    {
        debar_fault(fault, "no memory for a CA");
        goto failed;
    }

    if (debar_mint_read_certs(m, conf->cert, fault) != DEBAR_OK
        || debar_mint_check_ca(m, now, fault) != DEBAR_OK)
    {
        goto failed;
    }

    if (conf->passphrase) {
        m->passphrase = debar_mint_read_passphrase(conf->passphrase, fault);

        if (m->passphrase == NULL) {
            goto failed;
        }
    }

    if (m->uri == NULL) {
        key = debar_mint_read_key(m, conf->key, fault);

        if (key == NULL
            || debar_mint_take_key(m, key, fault) != DEBAR_OK)
        {
            goto failed;
        }
    }

    return m;

failed:

    debar_mint_close(m);

    return NULL;
}


void
debar_mint_close(debar_mint_t *m)
{
    unsigned  i;

    if (m == NULL) {
        return;
    }

    for (i = 0; i < m->nchain; i++) {
        OPENSSL_free(m->chain[i].der);
    }

    for (i = 0; i < DEBAR_MINT_KEYS; i++) {
        debar_mint_forget_made(&m->made[i]);
    }

    if (m->passphrase) {
        OPENSSL_cleanse(m->passphrase, strlen(m->passphrase));
        free(m->passphrase);
    }

    X509_free(m->ca);
    EVP_PKEY_free(m->key);
    if (m->uri) {
        OPENSSL_cleanse(m->uri, strlen(m->uri));
        free(m->uri);
    }

    free(m->key_name);
    free(m->cert_name);
    free(m);
}


int
debar_mint_wants_token(const debar_mint_t *m)
{
    return m->key == NULL;
}


int
debar_mint_token(debar_mint_t *m, debar_fault_t *fault)
{
    EVP_PKEY  *key;

    if (m->key) {
        return DEBAR_OK;
    }

    key = debar_mint_open_token(m->uri, m->passphrase, fault);

    return key ? debar_mint_take_key(m, key, fault) : DEBAR_ERROR;
}


const char *
debar_mint_warning(const debar_mint_t *m)
{
    return m->warning[0] ? m->warning : NULL;
}


debar_str_t
debar_mint_chain(const debar_mint_t *m, unsigned i)
{
    if (i >= m->nchain) {
        return debar_str(NULL, 0);
    }

    return debar_str((const char *) m->chain[i].der, m->chain[i].len);
}


const char *
debar_mint_why(char *buf, size_t size)
{
    const char     *reason;
    unsigned long   e;

    e = ERR_peek_last_error();

    if (e && ERR_SYSTEM_ERROR(e)) {
        reason = strerror(ERR_GET_REASON(e));

    } else {
        reason = e ? ERR_reason_error_string(e) : NULL;
    }

    snprintf(buf, size, "%s", reason ? reason : "unknown error");
    ERR_clear_error();

    return buf;
}


static int
debar_mint_read_certs(debar_mint_t *m, const char *path, debar_fault_t *fault)
{
    int    rc;
    BIO   *bio;
    char   why[128];
    long   level;
    X509  *x, *below;

    ERR_clear_error();
    bio = BIO_new_file(path, "r");

    if (bio == NULL) {
        debar_fault(fault, "%s: cannot be read: %s: name the CA's certificate, "
                    "a PEM file", path, debar_mint_why(why, sizeof(why)));
        return DEBAR_ERROR;
    }

    below = NULL;
    level = 0;
    rc = DEBAR_OK;

    while (rc == DEBAR_OK && (x = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
        rc = debar_mint_add_cert(m, x, below, level++, path, fault);

        if (m->ca == NULL) {
            m->ca = x;

        } else if (below != m->ca) {
            X509_free(below);
        }

        below = x;
    }

    if (below != m->ca) {
        X509_free(below);
    }

    BIO_free(bio);

    if (rc == DEBAR_OK
        && (m->ca == NULL
            || ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE))
    {
        debar_fault(fault, "%s: holds %s in PEM: it must begin with the CA's "
                    "certificate", path,
                    m->ca ? "something broken" : "no certificate");
        rc = DEBAR_ERROR;
    }

    ERR_clear_error();

    return rc;
}


/* below: that which x must have issued; NULL: x is the one that signs.
 * level: CAs between x and a leaf. */

static int
debar_mint_add_cert(debar_mint_t *m, X509 *x, X509 *below, long level,
    const char *path, debar_fault_t *fault)
{
    int  len;

    if (below
        && (X509_check_issued(x, below) != X509_V_OK
            || X509_verify(below, X509_get0_pubkey(x)) != 1))
    {
        debar_fault(fault, "%s: its certificates are not in order: each must "
                    "be the issuer of the one before", path);
        return DEBAR_ERROR;
    }

    if (X509_get_pathlen(x) != -1 && X509_get_pathlen(x) < level) {
        debar_fault(fault, "%s: the pathlen of one of its CAs allows no "
                    "further CA below it", path);
        return DEBAR_ERROR;
    }

    /* self-signed: a root, which clients have */

    if (X509_get_extension_flags(x) & EXFLAG_SS) {
        return DEBAR_OK;
    }

    if (m->nchain == DEBAR_MINT_CHAIN) {
        debar_fault(fault, "%s: more than %u certificates: leave out those "
                    "that clients have", path, DEBAR_MINT_CHAIN);
        return DEBAR_ERROR;
    }

    len = i2d_X509(x, &m->chain[m->nchain].der);

    if (len <= 0) {
        debar_fault(fault, "%s: no memory for its certificates", path);
        return DEBAR_ERROR;
    }

    m->chain[m->nchain++].len = len;

    return DEBAR_OK;
}


static int
debar_mint_check_ca(debar_mint_t *m, time_t now, debar_fault_t *fault)
{
    X509        *x;
    uint32_t     flags, usage, extended;
    const char  *path;

    x = m->ca;
    path = m->cert_name;
    flags = X509_get_extension_flags(x);
    usage = X509_get_key_usage(x);
    extended = X509_get_extended_key_usage(x);

    if (flags & EXFLAG_INVALID) {
        debar_fault(fault, "%s: its extensions are malformed", path);
        return DEBAR_ERROR;
    }

    if (!(flags & EXFLAG_CA) || !(flags & EXFLAG_BCONS)) {
        debar_fault(fault, "%s: not a CA's certificate (no CA:TRUE): name the "
                    "one of a CA, not of a server", path);
        return DEBAR_ERROR;
    }

    if (!(usage & KU_KEY_CERT_SIGN)) {
        debar_fault(fault, "%s: its keyUsage has no keyCertSign: it may not "
                    "sign certificates", path);
        return DEBAR_ERROR;
    }

    if (extended != UINT32_MAX && !(extended & (XKU_SSL_SERVER|XKU_ANYEKU))) {
        debar_fault(fault, "%s: its extendedKeyUsage has no serverAuth: "
                    "browsers will refuse its leaves", path);
        return DEBAR_ERROR;
    }

    if (debar_mint_time(X509_get0_notBefore(x), &m->from) != DEBAR_OK
        || debar_mint_time(X509_get0_notAfter(x), &m->until) != DEBAR_OK)
    {
        debar_fault(fault, "%s: its dates cannot be read", path);
        return DEBAR_ERROR;
    }

    if (now < m->from) {
        debar_fault(fault, "%s: not valid yet: compare its dates with the "
                    "clock", path);
        return DEBAR_ERROR;
    }

    if (now >= m->until) {
        debar_fault(fault, "%s: has expired: renew the CA's certificate", path);
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


static int
debar_mint_time(const ASN1_TIME *t, time_t *out)
{
    struct tm  tm;

    if (ASN1_TIME_to_tm(t, &tm) != 1) {
        return DEBAR_ERROR;
    }

    *out = timegm(&tm);

    return DEBAR_OK;
}
