/*
 * debar gateway init --inspect: the CA that signs leaves, the roots by which
 * origins prove themselves, and the list of hosts that are not looked into.
 *
 * Certificates are read and written anew, so that nothing else that a PEM file
 * may hold, such as a key, comes into a file that all may read.
 */

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "mint.h"
#include "gateway_init.h"


#define DEBAR_CA_FILE_MAX  (64 * 1024)


static int debar_ca_open(const char *cert, const char *key,
    const char *passphrase);
static int debar_ca_own(debar_init_t *in);
static int debar_ca_given(debar_init_t *in);
static int debar_ca_keep(debar_init_t *in, const char *key);
static int debar_ca_aside(const debar_init_t *in, const char *name,
    int is_old);
static int debar_ca_describe(debar_init_t *in);
static int debar_ca_signer(debar_init_t *in);
static int debar_ca_splice(debar_init_t *in);
static int debar_ca_uri(const char *key);


/* Debian, Red Hat, Alpine and the BSDs. */

static const char *const  debar_ca_bundles[] = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
};

static const char  debar_ca_splice_text[] =
    "# Hosts whose TLS is not inspected: a host a line, which stands for its\n"
    "# subdomains too, or a literal address.  The host of the CONNECT, the\n"
    "# server name and the address are judged; what the tunnel carries is not\n"
    "# seen.  Yours to edit; then: debar gateway reload DIR\n"
    "#\n"
    "# Where the law or a contract protects what staff do there:\n"
    "#\n"
    "# bank.example\n"
    "# clinic.example\n"
    "#\n"
    "# Clients that take one certificate and no other (pinning), such as\n"
    "# updates of an operating system:\n"
    "#\n"
    "# update.vendor.example\n"
    "#\n"
    "# Origins that demand a client certificate are found by the gateway\n"
    "# itself, and recorded.\n";


int
debar_init_inspect_check(debar_init_t *in)
{
    int          rc;
    size_t       i, n;
    debar_buf_t  b;

    if (!in->inspect) {
        return DEBAR_OK;
    }

    if (in->upstream_ca) {
        memset(&b, 0, sizeof(b));
        rc = debar_init_certs(in->upstream_ca, &b);
        debar_buf_free(&b);

        if (rc != DEBAR_OK) {
            return DEBAR_ERROR;
        }

    } else {
        n = sizeof(debar_ca_bundles) / sizeof(debar_ca_bundles[0]);

        for (i = 0; i < n && access(debar_ca_bundles[i], R_OK) != 0; i++) {
            /* void */
        }

        if (i == n) {
            debar_say("this machine has no bundle of root certificates (%s): "
                      "install ca-certificates, or name a PEM file with "
                      "--upstream-ca", debar_ca_bundles[0]);
            return DEBAR_ERROR;
        }

        snprintf(in->roots, sizeof(in->roots), "%s", debar_ca_bundles[i]);
    }

    return in->ca ? debar_ca_open(in->ca, in->ca_key, in->ca_pass) : DEBAR_OK;
}


int
debar_init_inspect(debar_init_t *in)
{
    int          rc;
    char         path[DEBAR_MAX_DIR + 64];
    debar_buf_t  b;

    if (!in->inspect) {
        return DEBAR_OK;
    }

    /* one that was made before is perhaps closed; clients fetch ca.pem */

    debar_gateway_path(&in->g, "ca", path, sizeof(path));

    if (chmod(path, 0755) != 0) {
        debar_say("%s: %s", path, strerror(errno));
        return DEBAR_ERROR;
    }

    if (in->upstream_ca) {
        debar_gateway_path(&in->g, "ca/upstream.pem", in->roots,
                           sizeof(in->roots));
        memset(&b, 0, sizeof(b));

        rc = debar_init_certs(in->upstream_ca, &b);
        if (rc == DEBAR_OK) {
            rc = debar_init_put(in, "ca/upstream.pem", &b, 0644);
        }

        debar_buf_free(&b);

        if (rc != DEBAR_OK) {
            return DEBAR_ERROR;
        }
    }

    rc = in->ca ? debar_ca_given(in) : debar_ca_own(in);

    if (rc != DEBAR_OK || debar_ca_signer(in) != DEBAR_OK
        || debar_ca_splice(in) != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    return debar_ca_describe(in);
}


/* Whether `debar sign` will take the two; said if not. */

static int
debar_ca_open(const char *cert, const char *key, const char *passphrase)
{
    int                 rc;
    debar_mint_t       *m;
    debar_fault_t       fault;
    debar_mint_conf_t   conf;

    memset(&conf, 0, sizeof(conf));
    conf.cert = cert;
    conf.key = key;
    conf.passphrase = passphrase;

    m = debar_mint_open(&conf, time(NULL), &fault);

    if (m == NULL) {
        debar_say("%s", fault.text);
        return DEBAR_ERROR;
    }

    rc = DEBAR_OK;

    if (debar_mint_wants_token(m)
        && debar_mint_token(m, &fault) != DEBAR_OK)
    {
        debar_say("%s", fault.text);
        rc = DEBAR_ERROR;
    }

    debar_mint_close(m);

    return rc;
}


/* The one that is there, or a new one. */

static int
debar_ca_own(debar_init_t *in)
{
    int               rc;
    char              host[256], name[65], cert[DEBAR_MAX_DIR + 64],
                      key[DEBAR_MAX_DIR + 64];
    debar_buf_t       pem, secret;
    debar_fault_t     fault;
    debar_mint_ca_t   ca;

    debar_gateway_path(&in->g, "ca/ca.pem", cert, sizeof(cert));
    debar_gateway_path(&in->g, "ca/ca.key", key, sizeof(key));

    if (access(cert, F_OK) == 0) {
        in->old_ca = 1;
        return debar_ca_keep(in, key);
    }

    if (access(key, F_OK) == 0) {
        debar_say("%s is there and its certificate %s is not: put it there, "
                  "or move the key away", key, cert);
        return DEBAR_ERROR;
    }

    memset(host, 0, sizeof(host));

    if (gethostname(host, sizeof(host) - 1) != 0 || host[0] == '\0') {
        strcpy(host, "localhost");
    }

    snprintf(name, sizeof(name), "Web gateway CA of %.44s", host);

    memset(&ca, 0, sizeof(ca));
    ca.name = name;

    memset(&pem, 0, sizeof(pem));
    memset(&secret, 0, sizeof(secret));

    rc = debar_mint_new_ca(&ca, time(NULL), &pem, &secret, &fault);

    if (rc != DEBAR_OK) {
        debar_say("%s", fault.text);

    } else {
        rc = debar_init_put(in, "ca/ca.key", &secret, 0600);
        in->made_ca = 1;
    }

    if (rc == DEBAR_OK) {
        rc = debar_init_put(in, "ca/ca.pem", &pem, 0644);
    }

    debar_buf_free(&pem);
    debar_mint_forget(&secret);

    return rc;
}


static int
debar_ca_keep(debar_init_t *in, const char *key)
{
    int          rc;
    char         path[DEBAR_MAX_DIR + 64], cert[DEBAR_MAX_DIR + 64],
                 pass[DEBAR_MAX_DIR + 64];
    const char  *passphrase;
    debar_buf_t  uri;

    debar_gateway_path(&in->g, "ca/ca.pem", cert, sizeof(cert));
    debar_gateway_path(&in->g, "ca/ca.pass", pass, sizeof(pass));
    debar_gateway_path(&in->g, "ca/ca.key.uri", path, sizeof(path));

    passphrase = access(pass, F_OK) == 0 ? pass : NULL;

    if (access(path, F_OK) != 0) {
        return debar_ca_open(cert, key, passphrase);
    }

    memset(&uri, 0, sizeof(uri));

    rc = debar_init_read(path, &uri);

    if (rc == DEBAR_OK) {
        debar_buf_add(&uri, "", 1);
        uri.data[strcspn(uri.data, "\r\n")] = '\0';
        rc = debar_ca_open(cert, uri.data, passphrase);
    }

    debar_mint_forget(&uri);

    return rc;
}


/* The agency's own.  What was there before stays beside it. */

static int
debar_ca_given(debar_init_t *in)
{
    int          rc, uri;
    char         path[DEBAR_MAX_DIR + 64];
    debar_buf_t  pem, key, old, pass;

    memset(&pass, 0, sizeof(pass));
    memset(&pem, 0, sizeof(pem));
    memset(&key, 0, sizeof(key));
    memset(&old, 0, sizeof(old));

    uri = debar_ca_uri(in->ca_key);
    rc = debar_init_certs(in->ca, &pem);

    if (rc == DEBAR_OK && uri) {
        debar_buf_printf(&key, "%s\n", in->ca_key);

    } else if (rc == DEBAR_OK) {
        rc = debar_init_read(in->ca_key, &key);
    }

    if (rc == DEBAR_OK && in->ca_pass) {
        rc = debar_init_read(in->ca_pass, &pass);
    }

    debar_gateway_path(&in->g, "ca/ca.pem", path, sizeof(path));

    if (rc == DEBAR_OK && access(path, F_OK) == 0) {
        rc = debar_init_read(path, &old);

        in->old_ca = rc == DEBAR_OK && old.len == pem.len
                     && memcmp(old.data, pem.data, pem.len) == 0;

    }

    if (rc == DEBAR_OK
        && (debar_ca_aside(in, "ca/ca.pem", !in->old_ca) != DEBAR_OK
            || debar_ca_aside(in, "ca/ca.key", uri || !in->old_ca) != DEBAR_OK
            || debar_ca_aside(in, "ca/ca.key.uri", !uri || !in->old_ca)
               != DEBAR_OK
            || debar_ca_aside(in, "ca/ca.pass", !in->ca_pass || !in->old_ca)
               != DEBAR_OK
            || (in->ca_pass
                && debar_init_put(in, "ca/ca.pass", &pass, 0600) != DEBAR_OK)
            || debar_init_put(in, uri ? "ca/ca.key.uri" : "ca/ca.key", &key,
                            0600) != DEBAR_OK
            || debar_init_put(in, "ca/ca.pem", &pem, 0644) != DEBAR_OK))
    {
        rc = DEBAR_ERROR;
    }

    debar_buf_free(&pem);
    debar_buf_free(&old);
    debar_mint_forget(&key);
    debar_mint_forget(&pass);

    return rc;
}


/* NAME becomes NAME.old, if it is there and it is an old one. */

static int
debar_ca_aside(const debar_init_t *in, const char *name, int is_old)
{
    char  path[DEBAR_MAX_DIR + 64], old[DEBAR_MAX_DIR + 80];

    debar_gateway_path(&in->g, name, path, sizeof(path));

    if (!is_old || access(path, F_OK) != 0) {
        return DEBAR_OK;
    }

    snprintf(old, sizeof(old), "%s.old", path);

    if (rename(path, old) != 0) {
        debar_say("%s: %s", old, strerror(errno));
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


/* What a person compares on a client's machine. */

static int
debar_ca_describe(debar_init_t *in)
{
    int             n;
    char            path[DEBAR_MAX_DIR + 64];
    FILE           *f;
    BIO            *bio;
    X509           *x;
    unsigned        i, len;
    struct tm       tm;
    unsigned char   md[EVP_MAX_MD_SIZE];

    debar_gateway_path(&in->g, "ca/ca.pem", path, sizeof(path));

    f = fopen(path, "re");
    x = f ? PEM_read_X509(f, NULL, NULL, NULL) : NULL;

    if (f) {
        fclose(f);
    }

    if (x == NULL || X509_digest(x, EVP_sha256(), md, &len) != 1
        || ASN1_TIME_to_tm(X509_get0_notAfter(x), &tm) != 1)
    {
        X509_free(x);
        ERR_clear_error();
        debar_say("%s holds no certificate", path);
        return DEBAR_ERROR;
    }

    for (i = 0; i < 32; i++) {
        snprintf(in->ca_print + 3 * i, 4, i == 31 ? "%02X" : "%02X:", md[i]);
    }

    strftime(in->ca_expires, sizeof(in->ca_expires), "%Y-%m-%d", &tm);

    bio = BIO_new(BIO_s_mem());

    if (bio) {
        X509_NAME_print_ex(bio, X509_get_subject_name(x), 0,
                           XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
        n = BIO_read(bio, in->ca_name, sizeof(in->ca_name) - 1);
        in->ca_name[n > 0 ? n : 0] = '\0';
        BIO_free(bio);
    }

    X509_free(x);

    return DEBAR_OK;
}


/* ca/sign.user: whom `gateway start` gives the signer to. */

static int
debar_ca_signer(debar_init_t *in)
{
    int          rc;
    char         path[DEBAR_MAX_DIR + 64];
    debar_buf_t  b;

    debar_gateway_path(&in->g, "ca/sign.user", path, sizeof(path));

    if (geteuid() != 0) {
        debar_say("the signer will run as this user, as the workers do, and so "
                  "does not keep the CA's key from them: only root can give it "
                  "a user of its own");
        in->sign_user = NULL;
    }

    if (in->sign_user == NULL) {
        (void) unlink(path);
        return DEBAR_OK;
    }

    memset(&b, 0, sizeof(b));
    debar_buf_printf(&b, "%s\n", in->sign_user);
    rc = debar_init_put(in, "ca/sign.user", &b, 0644);
    debar_buf_free(&b);

    return rc;
}


static int
debar_ca_splice(debar_init_t *in)
{
    int          rc;
    char         path[DEBAR_MAX_DIR + 64];
    debar_buf_t  b;

    debar_gateway_path(&in->g, "splice.txt", path, sizeof(path));

    if (access(path, F_OK) == 0) {
        return DEBAR_OK;
    }

    memset(&b, 0, sizeof(b));
    debar_buf_add(&b, debar_ca_splice_text, sizeof(debar_ca_splice_text) - 1);
    rc = debar_init_put(in, "splice.txt", &b, 0644);
    debar_buf_free(&b);

    return rc;
}


int
debar_init_certs(const char *path, debar_buf_t *out)
{
    BIO            *bio;
    FILE           *f;
    X509           *x;
    char           *data;
    long            len;
    unsigned long   err;

    f = fopen(path, "re");
    if (f == NULL) {
        debar_say("%s: %s", path, strerror(errno));
        return DEBAR_ERROR;
    }

    ERR_clear_error();

    while ((x = PEM_read_X509(f, NULL, NULL, NULL)) != NULL) {
        bio = BIO_new(BIO_s_mem());

        if (bio && PEM_write_bio_X509(bio, x)) {
            len = BIO_get_mem_data(bio, &data);
            debar_buf_add(out, data, (size_t) len);
        }

        BIO_free(bio);
        X509_free(x);
    }

    fclose(f);

    err = ERR_peek_last_error();
    ERR_clear_error();

    if (out->len == 0 || (ERR_GET_LIB(err) == ERR_LIB_PEM
                          && ERR_GET_REASON(err) != PEM_R_NO_START_LINE))
    {
        debar_say("%s: %s", path, out->len
                  ? "one of its certificates cannot be read (PEM)"
                  : "there is no certificate in it (PEM)");
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


int
debar_init_read(const char *path, debar_buf_t *out)
{
    char     block[4096];
    FILE    *f;
    size_t   n;

    f = fopen(path, "re");
    if (f == NULL) {
        debar_say("%s: %s", path, strerror(errno));
        return DEBAR_ERROR;
    }

    setvbuf(f, NULL, _IONBF, 0);

    while ((n = fread(block, 1, sizeof(block), f)) > 0
           && out->len < DEBAR_CA_FILE_MAX)
    {
        debar_buf_add(out, block, n);
    }

    fclose(f);
    OPENSSL_cleanse(block, sizeof(block));

    if (out->len >= DEBAR_CA_FILE_MAX) {
        debar_say("%s: more than %d bytes", path, DEBAR_CA_FILE_MAX);
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


/* With its mode from the first byte on. */

int
debar_init_put(const debar_init_t *in, const char *name, const debar_buf_t *b,
    mode_t mode)
{
    int      fd;
    char     path[DEBAR_MAX_DIR + 64], tmp[DEBAR_MAX_DIR + 80];
    size_t   done;
    ssize_t  n;

    debar_gateway_path(&in->g, name, path, sizeof(path));
    snprintf(tmp, sizeof(tmp), "%s.tmp", path);

    (void) unlink(tmp);
    fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
              0600);

    for (done = 0, n = 1; fd != -1 && done < b->len && n > 0; ) {
        n = write(fd, b->data + done, b->len - done);
        done += n > 0 ? (size_t) n : 0;
    }

    if (fd == -1 || done < b->len || fchmod(fd, mode) != 0 || fsync(fd) != 0
        || rename(tmp, path) != 0)
    {
        debar_say("%s: %s", path, strerror(errno));

        if (fd != -1) {
            close(fd);
            (void) unlink(tmp);
        }

        return DEBAR_ERROR;
    }

    close(fd);

    return DEBAR_OK;
}


static int
debar_ca_uri(const char *key)
{
    return strncasecmp(key, "pkcs11:", 7) == 0;
}
