/*
 * The CA's private key: a PEM file or a key in a token (PKCS#11).
 */

/* Debian 12 has PKCS#11 as an engine only. */

#define OPENSSL_SUPPRESS_DEPRECATED

#include "mint_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/store.h>
#include <openssl/ui.h>
#ifndef OPENSSL_NO_ENGINE
#include <openssl/engine.h>
#endif


#define DEBAR_MINT_PASSPHRASE  1024


static int debar_mint_password(char *buf, int size, int rwflag, void *data);
static EVP_PKEY *debar_mint_store(const char *uri, const char *pin);
#ifndef OPENSSL_NO_ENGINE
static EVP_PKEY *debar_mint_engine(const char *uri, const char *pin,
    const char **why);
#endif


int
debar_mint_is_token(const char *key)
{
    return strncasecmp(key, "pkcs11:", 7) == 0;
}


EVP_PKEY *
debar_mint_read_key(debar_mint_t *m, const char *path, debar_fault_t *fault)
{
    int           fd;
    BIO          *bio;
    char          why[128];
    FILE         *f;
    EVP_PKEY     *key;
    struct stat   st;

    fd = open(path, O_RDONLY|O_CLOEXEC|O_NOCTTY);
    f = (fd == -1) ? NULL : fdopen(fd, "r");

    if (f == NULL || fstat(fd, &st) == -1) {
        debar_fault(fault, "%s: cannot be read: %s: name the CA's key, a PEM "
                    "file or a pkcs11: URI", path, strerror(errno));

        if (f) {
            fclose(f);

        } else if (fd != -1) {
            close(fd);
        }

        return NULL;
    }

    if (S_ISREG(st.st_mode) && (st.st_mode & 077)) {
        snprintf(m->warning, sizeof(m->warning),
                 "%.150s: others than its owner may read the CA's key: "
                 "chmod 600 it", path);
    }

    /* nothing of it in stdio's own memory */

    setvbuf(f, NULL, _IONBF, 0);

    ERR_clear_error();
    bio = BIO_new_fp(f, BIO_CLOSE);

    if (bio == NULL) {
        fclose(f);
        debar_fault(fault, "%s: no memory for the key", path);
        return NULL;
    }

    key = PEM_read_bio_PrivateKey(bio, NULL, debar_mint_password,
                                  m->passphrase);
    BIO_free(bio);

    if (m->passphrase) {
        OPENSSL_cleanse(m->passphrase, strlen(m->passphrase));
        free(m->passphrase);
        m->passphrase = NULL;
    }

    if (key == NULL) {
        debar_fault(fault, "%s: holds no private key in PEM that can be "
                    "opened (%s): an encrypted one needs its passphrase's "
                    "file", path, debar_mint_why(why, sizeof(why)));
    }

    ERR_clear_error();

    return key;
}


static int
debar_mint_password(char *buf, int size, int rwflag, void *data)
{
    size_t       len;
    const char  *passphrase = data;

    len = passphrase ? strlen(passphrase) : 0;

    if (len == 0 || len > (size_t) size) {
        return -1;
    }

    memcpy(buf, passphrase, len);

    return (int) len;
}


char *
debar_mint_read_passphrase(const char *path, debar_fault_t *fault)
{
    int      fd;
    char    *p, *eol;
    ssize_t  n;

    p = calloc(1, DEBAR_MINT_PASSPHRASE + 1);
    fd = open(path, O_RDONLY|O_CLOEXEC|O_NOCTTY);
    n = (fd == -1 || p == NULL) ? -1 : read(fd, p, DEBAR_MINT_PASSPHRASE);

    if (n == -1) {
        debar_fault(fault, "%s: the passphrase cannot be read: %s", path,
                    strerror(errno));

    } else if ((eol = memchr(p, '\n', n)) == NULL
               && n == DEBAR_MINT_PASSPHRASE)
    {
        debar_fault(fault, "%s: its first line is longer than a passphrase may "
                    "be, %d bytes", path, DEBAR_MINT_PASSPHRASE);
        n = -1;

    } else {

        if (eol) {
            OPENSSL_cleanse(eol, n - (eol - p));
            n = eol - p;
        }

        if (n && p[n - 1] == '\r') {
            p[--n] = '\0';
        }

        if (n == 0) {
            debar_fault(fault, "%s: its first line is empty: it must be the "
                        "passphrase", path);
            n = -1;
        }
    }

    if (fd != -1) {
        close(fd);
    }

    if (n == -1) {
        OPENSSL_cleanse(p, p ? DEBAR_MINT_PASSPHRASE : 0);
        free(p);
        return NULL;
    }

    return p;
}


int
debar_mint_take_key(debar_mint_t *m, EVP_PKEY *key, debar_fault_t *fault)
{
    int   bits;
    char  group[64];

    bits = EVP_PKEY_get_bits(key);
    group[0] = '\0';

    switch (EVP_PKEY_get_base_id(key)) {

    case EVP_PKEY_RSA:

        if (bits < 2048) {
            debar_fault(fault, "%s: an RSA key of %d bits: browsers take 2048 "
                        "and more", m->key_name, bits);
            goto failed;
        }

        m->md = EVP_sha256();
        break;

    case EVP_PKEY_EC:

        /* of the certificate: a key in a token may not tell */

        (void) EVP_PKEY_get_group_name(X509_get0_pubkey(m->ca), group,
                                       sizeof(group), NULL);

        if (strcmp(group, "prime256v1") == 0 || strcmp(group, "P-256") == 0) {
            m->md = EVP_sha256();

        } else if (strcmp(group, "secp384r1") == 0
                   || strcmp(group, "P-384") == 0)
        {
            m->md = EVP_sha384();

        } else {
            debar_fault(fault, "%s: an EC key on %s: browsers take P-256 and "
                        "P-384", m->key_name, group[0] ? group : "no curve");
            goto failed;
        }

        break;

    case EVP_PKEY_ED25519:
    case EVP_PKEY_ED448:
        debar_fault(fault, "%s: an Ed25519 or Ed448 key: browsers do not take "
                    "its signatures; use P-256, P-384 or RSA", m->key_name);
        goto failed;

    default:
        debar_fault(fault, "%s: a kind of key that browsers do not take: use "
                    "P-256, P-384 or RSA", m->key_name);
        goto failed;
    }

    ERR_clear_error();

    if (X509_check_private_key(m->ca, key) != 1) {
        debar_fault(fault, "%s: not the key of the certificate in %s: name the "
                    "pair", m->key_name, m->cert_name);
        goto failed;
    }

    m->key = key;

    return DEBAR_OK;

failed:

    ERR_clear_error();
    EVP_PKEY_free(key);

    return DEBAR_ERROR;
}


EVP_PKEY *
debar_mint_open_token(const char *uri, const char *pin, debar_fault_t *fault)
{
    char         buf[128];
    EVP_PKEY    *key;
    const char  *why;

    ERR_clear_error();
    why = NULL;
    key = debar_mint_store(uri, pin);

#ifndef OPENSSL_NO_ENGINE
    if (key == NULL) {
        key = debar_mint_engine(uri, pin, &why);
    }
#endif

    if (key == NULL) {

        /* a URI may bear its PIN: only its beginning is told */

        debar_fault(fault, "pkcs11: the key cannot be opened: %s: check the "
                    "URI, the PIN, that this user may use the token, and that "
                    "libengine-pkcs11-openssl is installed",
                    why ? why : debar_mint_why(buf, sizeof(buf)));
    }

    ERR_clear_error();

    return key;
}


/* A provider that knows pkcs11: is what the operator's openssl.cnf loads. */

static EVP_PKEY *
debar_mint_store(const char *uri, const char *pin)
{
    EVP_PKEY         *key;
    UI_METHOD        *ui;
    OSSL_STORE_CTX   *store;
    OSSL_STORE_INFO  *info;

    ui = pin ? UI_UTIL_wrap_read_pem_callback(debar_mint_password, 0) : NULL;
    store = OSSL_STORE_open(uri, ui, (void *) pin, NULL, NULL);
    key = NULL;

    if (store) {
        (void) OSSL_STORE_expect(store, OSSL_STORE_INFO_PKEY);

        while (key == NULL && !OSSL_STORE_eof(store)) {
            info = OSSL_STORE_load(store);

            if (info == NULL) {
                break;
            }

            key = OSSL_STORE_INFO_get1_PKEY(info);
            OSSL_STORE_INFO_free(info);
        }

        OSSL_STORE_close(store);
    }

    UI_destroy_method(ui);

    return key;
}


#ifndef OPENSSL_NO_ENGINE

static EVP_PKEY *
debar_mint_engine(const char *uri, const char *pin, const char **why)
{
    ENGINE    *e;
    EVP_PKEY  *key;

    ENGINE_load_dynamic();
    e = ENGINE_by_id("pkcs11");

    if (e == NULL) {
        *why = "no engine \"pkcs11\"";
        return NULL;
    }

    key = NULL;

    if (pin && ENGINE_ctrl_cmd_string(e, "PIN", pin, 0) != 1) {
        *why = "the engine takes no PIN";

    } else if (ENGINE_init(e) != 1) {
        *why = "the engine cannot be started";

    } else {
        key = ENGINE_load_private_key(e, uri, NULL, NULL);
        ENGINE_finish(e);
    }

    ENGINE_free(e);

    return key;
}

#endif
