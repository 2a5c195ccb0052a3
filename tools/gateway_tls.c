/*
 * Who the clients of a new gateway are: a TLS port for them, with certificates
 * if there is a CA for those; and a file of users and passwords.
 */

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "gateway_init.h"
#include "mint.h"


static int debar_tls_pair(const debar_init_t *in);
static int debar_tls_users(const char *path, debar_buf_t *b);
static int debar_tls_copy(const debar_init_t *in, const char *from,
    const char *name, int certs);
static int debar_tls_no_passphrase(char *buf, int size, int rw, void *data);


int
debar_init_tls_check(const debar_init_t *in)
{
    int          rc;
    debar_buf_t  b;

    memset(&b, 0, sizeof(b));
    rc = DEBAR_OK;

    if (in->tls_listen) {
        rc = debar_tls_pair(in);
    }

    if (rc == DEBAR_OK && in->client_ca) {
        rc = debar_init_certs(in->client_ca, &b);
        debar_buf_free(&b);
    }

    if (rc == DEBAR_OK && in->htpasswd) {
        rc = debar_tls_users(in->htpasswd, &b);
        debar_mint_forget(&b);
    }

    return rc;
}


int
debar_init_tls(const debar_init_t *in)
{
    int          rc;
    char         path[DEBAR_MAX_DIR + 64];
    debar_buf_t  b;

    if (in->tls_listen
        && (debar_init_folder(in, "tls", 0755, 0) != DEBAR_OK
            || debar_tls_copy(in, in->tls_key, "tls/proxy.key", 0) != DEBAR_OK
            || debar_tls_copy(in, in->tls_cert, "tls/proxy.pem", 1)
               != DEBAR_OK))
    {
        return DEBAR_ERROR;
    }

    if (in->client_ca
        && debar_tls_copy(in, in->client_ca, "tls/clients.pem", 1) != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    if (in->htpasswd == NULL) {
        return DEBAR_OK;
    }

    memset(&b, 0, sizeof(b));
    rc = debar_tls_users(in->htpasswd, &b);

    if (rc == DEBAR_OK) {
        rc = debar_init_put(in, "users", &b, 0640);
    }

    debar_mint_forget(&b);
    debar_gateway_path(&in->g, "users", path, sizeof(path));

    if (rc == DEBAR_OK && geteuid() == 0 && chown(path, 0, in->gid) != 0) {
        debar_say("%s: %s", path, strerror(errno));
        rc = DEBAR_ERROR;
    }

    return rc;
}


/* The first certificate is of the key, and in its time. */

static int
debar_tls_pair(const debar_init_t *in)
{
    BIO         *bio;
    X509        *x;
    const char  *why;
    EVP_PKEY    *key;

    bio = BIO_new_file(in->tls_cert, "r");
    x = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);

    bio = BIO_new_file(in->tls_key, "r");
    key = bio ? PEM_read_bio_PrivateKey(bio, NULL, debar_tls_no_passphrase,
                                        NULL)
              : NULL;
    BIO_free(bio);
    why = NULL;

    if (x == NULL) {
        debar_say("%s: holds no certificate in PEM that can be read: "
                  "--tls-cert names that of the proxy, with the chain behind "
                  "it", in->tls_cert);

    } else if (key == NULL) {
        debar_say("%s: holds no private key in PEM that can be opened: "
                  "--tls-key names one without a passphrase", in->tls_key);

    } else if (X509_check_private_key(x, key) != 1) {
        why = "is not of the key that --tls-key names";

    } else if (X509_cmp_current_time(X509_get0_notAfter(x)) <= 0) {
        why = "has expired: renew it";
    }

    if (why) {
        debar_say("%s: the certificate %s", in->tls_cert, why);
    }

    ERR_clear_error();
    X509_free(x);
    EVP_PKEY_free(key);

    return x && key && why == NULL ? DEBAR_OK : DEBAR_ERROR;
}


/* OpenSSL would ask the terminal. */

static int
debar_tls_no_passphrase(char *buf, int size, int rw, void *data)
{
    return -1;
}


/* nginx -t says what is wrong with a line; this finds the wrong file. */

static int
debar_tls_users(const char *path, debar_buf_t *b)
{
    char  *colon, *p;

    if (debar_init_read(path, b) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    debar_buf_add(b, "", 1);
    b->len--;

    for (p = b->data; *p; p += *p == '\n') {
        colon = p + strcspn(p, ":\n");

        if (*colon == ':' && colon != p && *p != '#') {
            return DEBAR_OK;
        }

        p = colon + strcspn(colon, "\n");
    }

    debar_say("%s: no line of it is \"user:hash\": make one with htpasswd -B "
              "or openssl passwd -6", path);

    return DEBAR_ERROR;
}


static int
debar_tls_copy(const debar_init_t *in, const char *from, const char *name,
    int certs)
{
    int          rc;
    debar_buf_t  b;

    memset(&b, 0, sizeof(b));
    rc = certs ? debar_init_certs(from, &b) : debar_init_read(from, &b);

    if (rc == DEBAR_OK) {
        rc = debar_init_put(in, name, &b, certs ? 0644 : 0600);
    }

    debar_mint_forget(&b);

    return rc;
}
