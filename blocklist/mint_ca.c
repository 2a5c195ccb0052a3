/*
 * A new CA, for a gateway that has none.
 */

#include "mint_private.h"

#include <stdio.h>

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>


#define DEBAR_MINT_CA_DAYS  3652


static int debar_mint_ca_fill(X509 *x, const debar_mint_ca_t *ca,
    EVP_PKEY *key, time_t now);
static int debar_mint_ca_word(X509_NAME *subject, int nid, const char *text);
static int debar_mint_ca_give(BIO *bio, debar_buf_t *out);


int
debar_mint_new_ca(const debar_mint_ca_t *ca, time_t now, debar_buf_t *cert,
    debar_buf_t *key, debar_fault_t *fault)
{
    int        rc;
    BIO       *bc, *bk;
    char       why[128];
    X509      *x;
    EVP_PKEY  *pkey;

    ERR_clear_error();

    x = X509_new();
    bc = BIO_new(BIO_s_mem());
    bk = BIO_new(BIO_s_secmem());
    pkey = ca->rsa ? EVP_RSA_gen(3072) : EVP_EC_gen("P-256");
    rc = DEBAR_ERROR;

    if (x && bc && bk && pkey
        && debar_mint_ca_fill(x, ca, pkey, now) == DEBAR_OK
        && X509_sign(x, pkey, EVP_sha256()) > 0
        && PEM_write_bio_X509(bc, x) == 1
        && PEM_write_bio_PKCS8PrivateKey(bk, pkey, NULL, NULL, 0, NULL, NULL)
           == 1)
    {
        rc = debar_mint_ca_give(bc, cert);

        if (rc == DEBAR_OK) {
            rc = debar_mint_ca_give(bk, key);
        }
    }

    if (rc != DEBAR_OK) {
        debar_fault(fault, "a CA cannot be made: %s",
                    debar_mint_why(why, sizeof(why)));
    }

    EVP_PKEY_free(pkey);
    X509_free(x);
    BIO_free(bc);
    BIO_free(bk);

    return rc;
}


static int
debar_mint_ca_fill(X509 *x, const debar_mint_ca_t *ca, EVP_PKEY *key,
    time_t now)
{
    int                 rc;
    X509_NAME          *subject;
    BASIC_CONSTRAINTS  *basic;
    static const int    usage[] = { 5, 6 };   /* keyCertSign, cRLSign */

    subject = X509_get_subject_name(x);

    if (X509_set_version(x, X509_VERSION_3) != 1
        || debar_mint_serial(x) != DEBAR_OK
        || debar_mint_times(x, now - DEBAR_MINT_DAY,
                            now + (time_t) DEBAR_MINT_CA_DAYS * DEBAR_MINT_DAY)
           != DEBAR_OK
        || debar_mint_ca_word(subject, NID_organizationName, ca->organization)
           != DEBAR_OK
        || debar_mint_ca_word(subject, NID_commonName, ca->name) != DEBAR_OK
        || X509_set_issuer_name(x, subject) != 1
        || X509_set_pubkey(x, key) != 1
        || debar_mint_key_id(x) != DEBAR_OK
        || debar_mint_key_usage(x, usage, 2) != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    basic = BASIC_CONSTRAINTS_new();

    if (basic == NULL) {
        return DEBAR_ERROR;
    }

    basic->ca = 0xff;             /* DER: TRUE has no other value */
    basic->pathlen = ASN1_INTEGER_new();
    rc = (basic->pathlen && ASN1_INTEGER_set(basic->pathlen, 0) == 1
          && X509_add1_ext_i2d(x, NID_basic_constraints, basic, 1, 0) == 1)
         ? DEBAR_OK : DEBAR_ERROR;
    BASIC_CONSTRAINTS_free(basic);

    return rc;
}


static int
debar_mint_ca_word(X509_NAME *subject, int nid, const char *text)
{
    if (text == NULL) {
        return DEBAR_OK;
    }

    return X509_NAME_add_entry_by_NID(subject, nid, MBSTRING_UTF8,
                                      (const unsigned char *) text, -1, -1, 0)
           == 1 ? DEBAR_OK : DEBAR_ERROR;
}


static int
debar_mint_ca_give(BIO *bio, debar_buf_t *out)
{
    long   len;
    char  *data;

    len = BIO_get_mem_data(bio, &data);

    if (len <= 0) {
        return DEBAR_ERROR;
    }

    debar_buf_add(out, data, len);

    return DEBAR_OK;
}


void
debar_mint_forget(debar_buf_t *b)
{
    if (b->data) {
        OPENSSL_cleanse(b->data, b->size);
    }

    debar_buf_free(b);
}
