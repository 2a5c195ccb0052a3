/*
 * The mint: what a leaf holds, read back by OpenSSL, and which CAs are refused.
 * Files stand in a folder of the test's own.
 */

#include "tap.h"
#include "mint.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>


#define DAY  86400

typedef struct {
    int          type;            /* EVP_PKEY_* */
    const char  *curve;
    const char  *basic;           /* NULL: none */
    const char  *usage;
    const char  *extended;
    int          from;            /* days from now */
    int          until;
} ca_t;


static char    dir[] = "/tmp/debar-mint-XXXXXX";
static time_t  now;


static const char *
path(const char *name)
{
    static char      text[4][128];
    static unsigned  n;

    n = (n + 1) % 4;
    snprintf(text[n], sizeof(text[n]), "%s/%s", dir, name);

    return text[n];
}


static EVP_PKEY *
make_key(int type, const char *curve)
{
    EVP_PKEY  *key;

    key = NULL;

    if (type == EVP_PKEY_RSA) {
        key = EVP_RSA_gen(curve ? atoi(curve) : 2048);

    } else if (type == EVP_PKEY_EC) {
        key = EVP_EC_gen(curve);

    } else {
        key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    }

    return key;
}


static void
extend(X509 *x, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX       ctx;
    X509_EXTENSION  *e;

    if (value == NULL) {
        return;
    }

    X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
    e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    X509_add_ext(x, e, -1);
    X509_EXTENSION_free(e);
}


/* name.pem and name.key; by: who signs, NULL itself. */

static X509 *
make_ca(const char *name, const ca_t *ca, X509 *by, EVP_PKEY *by_key,
    EVP_PKEY **keep)
{
    FILE        *f;
    X509        *x;
    EVP_PKEY    *key;
    X509_NAME   *subject;
    char         file[64];

    x = X509_new();
    key = make_key(ca->type, ca->curve);
    subject = X509_get_subject_name(x);

    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 7);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               (const unsigned char *) name, -1, -1, 0);
    X509_set_issuer_name(x, by ? X509_get_subject_name(by) : subject);
    X509_time_adj_ex(X509_getm_notBefore(x), ca->from, 0, &now);
    X509_time_adj_ex(X509_getm_notAfter(x), ca->until, 0, &now);
    X509_set_pubkey(x, key);

    extend(x, by ? by : x, NID_basic_constraints, ca->basic);
    extend(x, by ? by : x, NID_key_usage, ca->usage);
    extend(x, by ? by : x, NID_ext_key_usage, ca->extended);
    extend(x, by ? by : x, NID_subject_key_identifier, "hash");
    extend(x, by ? by : x, NID_authority_key_identifier, by ? "keyid" : NULL);

    X509_sign(x, by ? by_key : key,
              ca->type == EVP_PKEY_ED25519 ? NULL : EVP_sha256());

    snprintf(file, sizeof(file), "%s.pem", name);
    f = fopen(path(file), "w");
    PEM_write_X509(f, x);
    fclose(f);

    snprintf(file, sizeof(file), "%s.key", name);
    f = fopen(path(file), "w");
    PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
    fclose(f);
    chmod(path(file), 0600);

    if (keep) {
        *keep = key;

    } else {
        EVP_PKEY_free(key);
    }

    return x;
}


static debar_mint_t *
mint_of(const char *cert, const char *key, const char *passphrase,
    unsigned days, debar_fault_t *fault)
{
    debar_mint_conf_t  conf;

    conf.cert = path(cert);
    conf.key = path(key);
    conf.passphrase = passphrase ? path(passphrase) : NULL;
    conf.days = days;
    fault->text[0] = '\0';

    return debar_mint_open(&conf, now, fault);
}


static int
host_of(debar_host_t *h, const char *name)
{
    const char  *why;

    return debar_host_parse(h, name, strlen(name), DEBAR_HOST_BARE, &why);
}


/* The leaf, or NULL; *minted: when and which. */

static X509 *
leaf_of(debar_mint_t *m, const char *name, EVP_PKEY *key, debar_minted_t *out)
{
    int                   n;
    X509                 *x;
    debar_host_t          h;
    debar_fault_t         fault;
    unsigned char        *spki;
    const unsigned char  *p;

    spki = NULL;
    n = i2d_PUBKEY(key, &spki);
    host_of(&h, name);

    if (debar_mint_leaf(m, &h, spki, n, now, out, &fault) != DEBAR_MINT_OK) {
        printf("# %s: %s\n", name, fault.text);
        OPENSSL_free(spki);
        return NULL;
    }

    p = out->der;
    x = d2i_X509(NULL, &p, (long) out->len);
    ok(x && p == out->der + out->len, "the leaf of %.40s is one certificate",
       name);

    OPENSSL_free(spki);
    free(out->der);

    return x;
}


static int
verifies(X509 *leaf, X509 *root, X509 *between, const char *name,
    const char *ip)
{
    int                  rc;
    X509_STORE          *store;
    X509_STORE_CTX      *ctx;
    STACK_OF(X509)      *chain;
    X509_VERIFY_PARAM   *param;

    store = X509_STORE_new();
    ctx = X509_STORE_CTX_new();
    chain = sk_X509_new_null();

    if (between) {
        sk_X509_push(chain, between);
    }

    X509_STORE_add_cert(store, root);
    X509_STORE_CTX_init(ctx, store, leaf, chain);

    param = X509_STORE_CTX_get0_param(ctx);
    X509_VERIFY_PARAM_set_time(param, now);
    X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT);
    X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_SERVER);
    X509_VERIFY_PARAM_set_hostflags(param,
                                    X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);

    if (name) {
        X509_VERIFY_PARAM_set1_host(param, name, 0);
    }

    if (ip) {
        X509_VERIFY_PARAM_set1_ip_asc(param, ip);
    }

    rc = X509_verify_cert(ctx);

    if (rc != 1) {
        printf("# %s\n",
               X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
    }

    sk_X509_free(chain);
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);

    return rc == 1;
}


static int
critical(X509 *x, int nid)
{
    int  i;

    i = X509_get_ext_by_NID(x, nid, -1);

    return i < 0 ? -1 : X509_EXTENSION_get_critical(X509_get_ext(x, i));
}


static time_t
time_of(const ASN1_TIME *t)
{
    struct tm  tm;

    return ASN1_TIME_to_tm(t, &tm) == 1 ? timegm(&tm) : -1;
}


static void
contents(debar_mint_t *m, X509 *ca, EVP_PKEY *key)
{
    X509              *x;
    char               cn[256];
    ASN1_BIT_STRING   *usage;
    GENERAL_NAMES     *names;
    GENERAL_NAME      *name;
    EXTENDED_KEY_USAGE  *extended;
    debar_minted_t     out, other;

    x = leaf_of(m, "www.vendor.example", key, &out);

    is_int(X509_get_version(x), 2, "version 3");
    is_int(X509_get_ext_count(x), 6, "six extensions and no more");
    is_int(X509_check_ca(x), 0, "not a CA");
    is_int(critical(x, NID_basic_constraints), 1,
           "basicConstraints are critical");
    is_int(critical(x, NID_key_usage), 1, "keyUsage is critical");
    is_int(critical(x, NID_ext_key_usage), 0, "extendedKeyUsage is there");
    is_int(critical(x, NID_subject_alt_name), 0,
           "subjectAltName is not critical beside a subject");

    usage = X509_get_ext_d2i(x, NID_key_usage, NULL, NULL);
    ok(usage->length == 1
       && usage->data[0] == (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA
                             ? 0xa0 : 0x80),
       "keyUsage is digitalSignature, with keyEncipherment for RSA");
    ASN1_BIT_STRING_free(usage);

    extended = X509_get_ext_d2i(x, NID_ext_key_usage, NULL, NULL);
    ok(sk_ASN1_OBJECT_num(extended) == 1
       && OBJ_obj2nid(sk_ASN1_OBJECT_value(extended, 0)) == NID_server_auth,
       "extendedKeyUsage is serverAuth alone");
    EXTENDED_KEY_USAGE_free(extended);

    names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
    name = sk_GENERAL_NAME_value(names, 0);
    ok(sk_GENERAL_NAME_num(names) == 1 && name->type == GEN_DNS
       && ASN1_STRING_length(name->d.dNSName) == 18
       && memcmp(ASN1_STRING_get0_data(name->d.dNSName), "www.vendor.example",
                 18) == 0,
       "subjectAltName is the one dNSName");
    GENERAL_NAMES_free(names);

    X509_NAME_get_text_by_NID(X509_get_subject_name(x), NID_commonName, cn,
                              sizeof(cn));
    is_str(cn, "www.vendor.example", "the subject is the name");
    is_int(X509_NAME_entry_count(X509_get_subject_name(x)), 1,
           "and nothing else");

    ok(X509_NAME_cmp(X509_get_issuer_name(x), X509_get_subject_name(ca)) == 0,
       "the issuer is the CA's subject");
    ok(ASN1_OCTET_STRING_cmp(X509_get0_authority_key_id(x),
                             X509_get0_subject_key_id(ca)) == 0,
       "authorityKeyIdentifier is the CA's subjectKeyIdentifier");
    is_int(ASN1_STRING_length(X509_get0_subject_key_id(x)), 20,
           "subjectKeyIdentifier has 160 bits");
    is_int(EVP_PKEY_eq(X509_get0_pubkey(x), key), 1, "the key that was sent");

    is_int(time_of(X509_get0_notBefore(x)), now - DAY, "from a day ago");
    is_int(time_of(X509_get0_notAfter(x)), now + 30 * DAY, "for thirty days");
    is_int(out.not_after, now + 30 * DAY, "as the mint says");

    ok(ASN1_INTEGER_get(X509_get0_serialNumber(x)) != 0
       && !(X509_get0_serialNumber(x)->type & V_ASN1_NEG)
       && ASN1_STRING_length(X509_get0_serialNumber(x)) <= 16
       && ASN1_STRING_length(X509_get0_serialNumber(x)) >= 12,
       "a positive serial of 128 bits");

    ok(verifies(x, ca, NULL, "www.vendor.example", NULL),
       "a strict client takes it for its name");
    ok(!verifies(x, ca, NULL, "vendor.example", NULL), "and for no other");
    X509_free(x);

    x = leaf_of(m, "www.vendor.example", key, &other);
    ok(strcmp(out.serial, other.serial) != 0, "no serial comes twice");
    X509_free(x);
}


static void
names(debar_mint_t *m, X509 *ca, EVP_PKEY *key)
{
    X509            *x;
    char             name[254];
    debar_minted_t   out;

    x = leaf_of(m, "192.0.2.7", key, &out);
    ok(verifies(x, ca, NULL, NULL, "192.0.2.7"), "an IPv4 address");
    X509_free(x);

    x = leaf_of(m, "2001:db8::7", key, &out);
    ok(verifies(x, ca, NULL, NULL, "2001:db8::7"), "an IPv6 address");
    X509_free(x);

    x = leaf_of(m, "xn--bcher-kva.example", key, &out);
    ok(verifies(x, ca, NULL, "xn--bcher-kva.example", NULL), "an A-label");
    X509_free(x);

    x = leaf_of(m, "a_b.vendor.example", key, &out);
    ok(verifies(x, ca, NULL, "a_b.vendor.example", NULL), "an underscore");
    X509_free(x);

    memset(name, 'a', sizeof(name));
    name[57] = '.';
    memcpy(name + 58, "exampl", 7);
    x = leaf_of(m, name, key, &out);
    is_int(X509_NAME_entry_count(X509_get_subject_name(x)), 1,
           "a name of 64 bytes is a subject");
    X509_free(x);

    memcpy(name + 58, "example", 8);
    x = leaf_of(m, name, key, &out);
    is_int(X509_NAME_entry_count(X509_get_subject_name(x)), 0,
           "a name of 65 bytes leaves the subject empty");
    is_int(critical(x, NID_subject_alt_name), 1,
           "and makes subjectAltName critical");
    ok(verifies(x, ca, NULL, name, NULL), "a strict client takes it");
    X509_free(x);

    memset(name, 'a', sizeof(name));
    name[63] = name[127] = name[191] = '.';
    name[253] = '\0';
    x = leaf_of(m, name, key, &out);
    ok(verifies(x, ca, NULL, name, NULL), "the longest name, 253 bytes");
    X509_free(x);
}


static void
refused_names(debar_mint_t *m, EVP_PKEY *key)
{
    int             n, rc;
    size_t          i;
    debar_host_t    h;
    debar_fault_t   fault;
    unsigned char  *spki;
    debar_minted_t  out;

    static const char  *bad[] = {
        "*.vendor.example", "a b.example", "a..example", ".example", "",
        "A.example", "a.example.", "a.example/", "0x7f.1", "a\nb.example"
    };

    spki = NULL;
    n = i2d_PUBKEY(key, &spki);

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        memset(&h, 0, sizeof(h));
        h.type = DEBAR_HOST_NAME;
        h.len = strlen(bad[i]);
        memcpy(h.name, bad[i], h.len);

        rc = debar_mint_leaf(m, &h, spki, n, now, &out, &fault);
        ok(rc == DEBAR_MINT_NAME && out.der == NULL, "no leaf for bad name %zu",
           i);
    }

    host_of(&h, "192.0.2.1");
    h.addr[15] = 9;
    is_int(debar_mint_leaf(m, &h, spki, n, now, &out, &fault), DEBAR_MINT_NAME,
           "no leaf for an address whose bytes are others");

    host_of(&h, "a.example");
    h.type = DEBAR_HOST_ADDRESS;
    is_int(debar_mint_leaf(m, &h, spki, n, now, &out, &fault), DEBAR_MINT_NAME,
           "nor for a name that claims to be an address");

    OPENSSL_free(spki);
}


static int
with_key(debar_mint_t *m, const void *spki, size_t len)
{
    int             rc;
    debar_host_t    h;
    debar_fault_t   fault;
    debar_minted_t  out;

    host_of(&h, "a.example");
    rc = debar_mint_leaf(m, &h, spki, len, now, &out, &fault);
    free(out.der);

    return rc;
}


static void
keys(debar_mint_t *m)
{
    int             n, rc;
    size_t          i;
    EVP_PKEY       *key;
    unsigned char  *spki;

    static const struct {
        int          type;
        const char  *curve;
        int          rc;
        const char  *claim;
    } kinds[] = {
        { EVP_PKEY_EC, "P-256", DEBAR_MINT_OK, "P-256 is certified" },
        { EVP_PKEY_EC, "P-384", DEBAR_MINT_OK, "P-384 is certified" },
        { EVP_PKEY_EC, "P-521", DEBAR_MINT_KEY, "P-521 is not" },
        { EVP_PKEY_EC, "secp256k1", DEBAR_MINT_KEY, "secp256k1 is not" },
        { EVP_PKEY_RSA, "2048", DEBAR_MINT_OK, "RSA of 2048 bits is" },
        { EVP_PKEY_RSA, "1024", DEBAR_MINT_KEY, "RSA of 1024 bits is not" },
        { EVP_PKEY_ED25519, NULL, DEBAR_MINT_KEY, "Ed25519 is not" }
    };

    for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        key = make_key(kinds[i].type, kinds[i].curve);
        spki = NULL;
        n = i2d_PUBKEY(key, &spki);
        is_int(with_key(m, spki, n), kinds[i].rc, kinds[i].claim);

        if (i == 0) {
            rc = with_key(m, spki, n - 1);
            is_int(rc, DEBAR_MINT_KEY, "a key cut short is refused");
            spki[n - 1] ^= 1;
            rc = with_key(m, spki, n);
            is_int(rc, DEBAR_MINT_KEY, "a point off the curve is refused");
        }

        OPENSSL_free(spki);
        EVP_PKEY_free(key);
    }

    is_int(with_key(m, "x", 1), DEBAR_MINT_KEY, "one byte is no key");
    is_int(with_key(m, "", 0), DEBAR_MINT_KEY, "nor is none");
}


/* Leaves in turn of more keys than the mint remembers: each is its own. */

static void
many_keys(debar_mint_t *m, X509 *ca)
{
    X509            *x;
    size_t           i, k, good;
    EVP_PKEY        *key[10];
    debar_minted_t   out;
    char             longest[254];

    static const struct {
        const char  *name;
        const char  *ip;
        int          critical;
    } turns[] = {
        { NULL, NULL, 1 }, { "a.example", NULL, 0 },
        { "192.0.2.7", "192.0.2.7", 0 }, { "b.example", NULL, 0 }
    };

    memset(longest, 'a', sizeof(longest));
    longest[63] = longest[127] = longest[191] = '.';
    longest[253] = '\0';

    for (k = 0; k < 10; k++) {
        key[k] = make_key(EVP_PKEY_EC, "P-256");
    }

    for (i = 0; i < 4 * 2 * 10; i++) {
        const char  *name = turns[i % 4].name ? turns[i % 4].name : longest;

        /* eight in turn, then all ten */

        k = i < 40 ? i / 4 % 8 : i / 4 % 10;
        x = leaf_of(m, name, key[k], &out);
        good = EVP_PKEY_eq(X509_get0_pubkey(x), key[k]) == 1
               && X509_get_ext_count(x) == 6
               && critical(x, NID_subject_alt_name) == turns[i % 4].critical
               && X509_NAME_entry_count(X509_get_subject_name(x))
                  == !turns[i % 4].critical
               && verifies(x, ca, NULL, turns[i % 4].ip ? NULL : name,
                           turns[i % 4].ip);
        ok(good, "leaf %zu is of its own key and name", i);
        X509_free(x);
    }

    for (k = 0; k < 10; k++) {
        EVP_PKEY_free(key[k]);
    }
}


static void
refused(const char *cert, const char *key, const char *passphrase,
    const char *word, const char *claim)
{
    debar_mint_t   *m;
    debar_fault_t   fault;

    m = mint_of(cert, key, passphrase, 0, &fault);
    ok(m == NULL && strstr(fault.text, word) && strstr(fault.text, dir)
       && strchr(fault.text, '\n') == NULL, "refused: %s", claim);

    if (m == NULL) {
        printf("# %s\n", fault.text);
    }

    debar_mint_close(m);
}


static void
write_text(const char *name, const char *text)
{
    FILE  *f;

    f = fopen(path(name), "w");
    fputs(text, f);
    fclose(f);
}


static void
bad_cas(void)
{
    size_t  i;
    char    pem[64], key[64];

    static const struct {
        const char  *name;
        ca_t         ca;
        const char  *word;
        const char  *claim;
    } cases[] = {
        { "server", { EVP_PKEY_EC, "P-256", "CA:FALSE", NULL, NULL, -1, 9 },
          "CA:TRUE", "a server's certificate" },
        { "plain", { EVP_PKEY_EC, "P-256", NULL, NULL, NULL, -1, 9 },
          "CA:TRUE", "one without basicConstraints" },
        { "crl", { EVP_PKEY_EC, "P-256", "CA:TRUE", "critical,cRLSign", NULL,
          -1, 9 }, "keyCertSign", "a CA without keyCertSign" },
        { "mail", { EVP_PKEY_EC, "P-256", "CA:TRUE", NULL, "emailProtection",
          -1, 9 }, "serverAuth", "a CA for mail" },
        { "old", { EVP_PKEY_EC, "P-256", "CA:TRUE", NULL, NULL, -9, -1 },
          "expired", "an expired CA" },
        { "new", { EVP_PKEY_EC, "P-256", "CA:TRUE", NULL, NULL, 1, 9 },
          "not valid yet", "a CA of tomorrow" },
        { "ed", { EVP_PKEY_ED25519, NULL, "CA:TRUE", NULL, NULL, -1, 9 },
          "Ed25519", "an Ed25519 CA" },
        { "p521", { EVP_PKEY_EC, "P-521", "CA:TRUE", NULL, NULL, -1, 9 },
          "P-384", "a CA on P-521" },
        { "weak", { EVP_PKEY_RSA, "1024", "CA:TRUE", NULL, NULL, -1, 9 },
          "1024", "an RSA CA of 1024 bits" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        X509_free(make_ca(cases[i].name, &cases[i].ca, NULL, NULL, NULL));
        snprintf(pem, sizeof(pem), "%s.pem", cases[i].name);
        snprintf(key, sizeof(key), "%s.key", cases[i].name);
        refused(pem, key, NULL, cases[i].word, cases[i].claim);
    }

    refused("root.pem", "old.key", NULL, "not the key", "another CA's key");
    refused("none.pem", "root.key", NULL, "none.pem", "no certificate");
    refused("root.pem", "none.key", NULL, "none.key", "no key");
    refused("root.key", "root.key", NULL, "no certificate",
            "a key for a certificate");
    refused("root.pem", "root.pem", NULL, "no private key",
            "a certificate for a key");
}


static void
encrypted(EVP_PKEY *key)
{
    FILE           *f;
    debar_mint_t   *m;
    debar_fault_t   fault;

    f = fopen(path("locked.key"), "w");
    PEM_write_PKCS8PrivateKey(f, key, EVP_aes_256_cbc(), "open sesame", 11,
                              NULL, NULL);
    fclose(f);
    chmod(path("locked.key"), 0600);

    write_text("right", "open sesame\r\nmore\n");
    write_text("wrong", "open barley\n");
    write_text("empty", "\n");

    m = mint_of("root.pem", "locked.key", "right", 0, &fault);
    ok(m != NULL, "a passphrase opens an encrypted key");
    debar_mint_close(m);

    refused("root.pem", "locked.key", "wrong", "passphrase",
            "a wrong passphrase");
    refused("root.pem", "locked.key", NULL, "passphrase", "no passphrase");
    refused("root.pem", "locked.key", "empty", "empty", "an empty passphrase");
    refused("root.pem", "locked.key", "nofile", "nofile",
            "a passphrase file that is not there");
}


static void
chain(EVP_PKEY *key)
{
    FILE           *f;
    X509           *root, *sub, *x;
    EVP_PKEY       *root_key;
    debar_str_t     sent;
    debar_mint_t   *m;
    debar_fault_t   fault;
    debar_minted_t  out;

    static const ca_t  top = { EVP_PKEY_EC, "P-256", "critical,CA:TRUE",
                               "critical,keyCertSign", NULL, -1, 20 };
    static const ca_t  below = { EVP_PKEY_RSA, "2048",
                                 "critical,CA:TRUE,pathlen:0",
                                 "critical,keyCertSign", "serverAuth", -1, 10 };

    root = make_ca("top", &top, NULL, NULL, &root_key);
    sub = make_ca("sub", &below, root, root_key, NULL);

    f = fopen(path("both.pem"), "w");
    PEM_write_X509(f, sub);
    PEM_write_X509(f, root);
    fclose(f);

    m = mint_of("both.pem", "sub.key", NULL, 0, &fault);
    ok(m != NULL, "a CA below another opens with both certificates");
    sent = debar_mint_chain(m, 0);
    is_int((long long) sent.len, i2d_X509(sub, NULL), "it is sent along");
    is_int((long long) debar_mint_chain(m, 1).len, 0, "the root is not");

    x = leaf_of(m, "a.example", key, &out);
    ok(verifies(x, root, sub, "a.example", NULL),
       "a leaf of an RSA CA below an EC one is taken");
    is_int(time_of(X509_get0_notAfter(x)), now + 10 * DAY,
           "a leaf ends with its CA at the latest");
    is_int(time_of(X509_get0_notBefore(x)), now - DAY,
           "and begins with it at the earliest");
    X509_free(x);

    now += 11 * DAY;
    is_int(with_key(m, "x", 1), DEBAR_MINT_FAILED,
           "a CA that expires meanwhile signs no more");
    now -= 11 * DAY;
    debar_mint_close(m);

    f = fopen(path("wrong.pem"), "w");
    PEM_write_X509(f, root);
    PEM_write_X509(f, sub);
    fclose(f);
    refused("wrong.pem", "top.key", NULL, "in order",
            "certificates in the wrong order");

    write_text("cut.pem", "-----BEGIN CERTIFICATE-----\nMIIB\n");
    refused("cut.pem", "top.key", NULL, "no certificate", "half a certificate");

    EVP_PKEY_free(root_key);
    X509_free(root);
    X509_free(sub);
}


/* What is made for a gateway without a CA opens, signs and is believed. */

static void
new_ca(EVP_PKEY *key, unsigned rsa)
{
    BIO              *bio;
    X509             *ca, *x;
    debar_buf_t       cert, secret;
    debar_mint_t     *m;
    debar_fault_t     fault;
    debar_minted_t    out;
    debar_mint_ca_t   conf;

    memset(&cert, 0, sizeof(cert));
    memset(&secret, 0, sizeof(secret));

    conf.organization = "Agency";
    conf.name = "Agency web proxy";
    conf.rsa = rsa;

    is_int(debar_mint_new_ca(&conf, now, &cert, &secret, &fault), DEBAR_OK,
           rsa ? "a new CA of RSA" : "a new CA of P-256");

    bio = BIO_new_mem_buf(cert.data, (int) cert.len);
    ca = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    BIO_free(bio);

    debar_buf_add(&cert, "", 1);
    debar_buf_add(&secret, "", 1);
    write_text("made.pem", cert.data);
    write_text("made.key", secret.data);
    chmod(path("made.key"), 0600);

    is_int(X509_check_ca(ca), 1, "it is a CA");
    is_int(X509_get_pathlen(ca), 0, "with no CA below it");
    is_int(X509_get_key_usage(ca), KU_KEY_CERT_SIGN|KU_CRL_SIGN,
           "for certificates and CRLs");
    is_int(critical(ca, NID_basic_constraints), 1, "critically");
    is_int(EVP_PKEY_get_bits(X509_get0_pubkey(ca)), rsa ? 3072 : 256,
           "its bits");
    ok(time_of(X509_get0_notAfter(ca)) > now + 3650 * DAY, "for ten years");

    m = mint_of("made.pem", "made.key", NULL, 0, &fault);
    ok(m && debar_mint_warning(m) == NULL, "it opens");
    x = leaf_of(m, "a.example", key, &out);
    ok(verifies(x, ca, NULL, "a.example", NULL), "its leaf is taken");
    X509_free(x);
    debar_mint_close(m);

    chmod(path("made.key"), 0640);
    m = mint_of("made.pem", "made.key", NULL, 0, &fault);
    ok(m && strstr(debar_mint_warning(m), "chmod"),
       "a key that a group may read is warned of");
    debar_mint_close(m);

    X509_free(ca);
    debar_buf_free(&cert);
    debar_mint_forget(&secret);
}


int
main(void)
{
    X509           *ca;
    EVP_PKEY       *ca_key, *ec, *rsa;
    debar_mint_t   *m;
    debar_fault_t   fault;
    char            remove[64];

    static const ca_t  root = { EVP_PKEY_EC, "P-256", "critical,CA:TRUE",
                                "critical,keyCertSign,cRLSign", NULL, -9,
                                3000 };
    static const ca_t  p384 = { EVP_PKEY_EC, "P-384", "critical,CA:TRUE",
                                "critical,keyCertSign", NULL, -9, 3000 };

    now = time(NULL);

    if (mkdtemp(dir) == NULL) {
        return 1;
    }

    ca = make_ca("root", &root, NULL, NULL, &ca_key);
    ec = make_key(EVP_PKEY_EC, "P-256");
    rsa = make_key(EVP_PKEY_RSA, "2048");

    m = mint_of("root.pem", "root.key", NULL, 0, &fault);
    ok(m != NULL, "a CA opens");
    ok(!debar_mint_wants_token(m) && debar_mint_warning(m) == NULL,
       "with nothing to say");

    contents(m, ca, ec);
    contents(m, ca, rsa);
    names(m, ca, ec);
    refused_names(m, ec);
    keys(m);
    many_keys(m, ca);
    debar_mint_close(m);

    bad_cas();
    encrypted(ca_key);
    chain(ec);
    new_ca(ec, 0);
    new_ca(ec, 1);

    X509_free(ca);
    ca = make_ca("p384", &p384, NULL, NULL, NULL);
    m = mint_of("p384.pem", "p384.key", NULL, 90, &fault);
    {
        debar_minted_t  out;
        X509           *x = leaf_of(m, "a.example", ec, &out);

        is_int(X509_get_signature_nid(x), NID_ecdsa_with_SHA384,
               "a P-384 CA signs with SHA-384");
        is_int(out.not_after, now + 90 * DAY, "for the days that were asked");
        X509_free(x);
    }
    debar_mint_close(m);

    X509_free(ca);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(ec);
    EVP_PKEY_free(rsa);

    snprintf(remove, sizeof(remove), "rm -rf %s", dir);

    if (system(remove) != 0) {
        printf("# %s is left over\n", dir);
    }

    return done();
}
