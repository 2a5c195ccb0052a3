/*
 * Private keys: made, kept encrypted, opened.  What is secret is in memory that
 * is cleared, and in no output.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rand.h>
#include <openssl/x509.h>

#include "service.h"
#include "trust.h"


#define DEBAR_KEY_HEAD    "debar-key "
#define DEBAR_KEY_FILE    8192
#define DEBAR_KEY_SECRET  1024

/* 16 MB and five passes, as OWASP's table has it: what OpenSSL opens without
 * being told of more memory. */

#define DEBAR_SCRYPT_N  16384
#define DEBAR_SCRYPT_R  8
#define DEBAR_SCRYPT_P  5


static int debar_key_ask(char *out, int twice, const char *path,
    debar_fault_t *fault);
static int debar_key_pass_file(char *out, const char *path,
    debar_fault_t *fault);
static int debar_key_pem(debar_buf_t *out, EVP_PKEY *pkey, const char *secret,
    debar_fault_t *fault);
static X509_SIG *debar_key_encrypt(EVP_PKEY *pkey, const char *secret);
static int debar_key_write(const debar_vkey_t *key, const debar_buf_t *pem,
    const char *path, debar_fault_t *fault);
static int debar_key_head(debar_vkey_t *key, unsigned type, const char *path,
    const debar_buf_t *file, debar_fault_t *fault);
static EVP_PKEY *debar_key_decrypt(const char *path, const debar_buf_t *file,
    const char *pass_file, debar_fault_t *fault);


int
debar_trust_new_key(debar_vkey_t *key, unsigned type, const char *name,
    const char *path, const char *pass_file, debar_fault_t *fault)
{
    int           rc;
    char          secret[DEBAR_KEY_SECRET];
    size_t        n;
    uint8_t       pub[32];
    EVP_PKEY     *pkey;
    debar_buf_t   pem;

    if (debar_root_name(name, strlen(name)) != DEBAR_OK) {
        debar_fault(fault, "%s: not a name for a key: letters, digits and "
                    ". _ - @ /, no spaces, at most 64 bytes, as in "
                    "anna.smith", name);
        return DEBAR_ERROR;
    }

    debar_service_harden();

    if (access(path, F_OK) == 0) {
        debar_fault(fault, "%s: is there already; name another file, a key is "
                    "never written over", path);
        return DEBAR_ERROR;
    }

    rc = pass_file ? debar_key_pass_file(secret, pass_file, fault)
                   : debar_key_ask(secret, 1, path, fault);

    if (rc != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    if (strlen(secret) < DEBAR_KEY_PASSPHRASE) {
        OPENSSL_cleanse(secret, sizeof(secret));
        debar_fault(fault, "the passphrase is too short: take at least %d "
                    "characters, some words for one",
                    DEBAR_KEY_PASSPHRASE);
        return DEBAR_ERROR;
    }

    memset(&pem, 0, sizeof(pem));
    pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    n = sizeof(pub);
    rc = DEBAR_ERROR;

    if (pkey == NULL || EVP_PKEY_get_raw_public_key(pkey, pub, &n) != 1
        || debar_vkey_set_as(key, type, name, strlen(name), pub) != DEBAR_OK)
    {
        debar_fault(fault, "OpenSSL makes no Ed25519 key here: it has to be "
                    "allowed by its configuration");

    } else {
        rc = debar_key_pem(&pem, pkey, secret, fault);
    }

    OPENSSL_cleanse(secret, sizeof(secret));
    EVP_PKEY_free(pkey);

    if (rc == DEBAR_OK) {
        rc = debar_key_write(key, &pem, path, fault);
    }

    debar_buf_free(&pem);

    return rc;
}


/* The key file and its public half beside it. */

static int
debar_key_write(const debar_vkey_t *key, const debar_buf_t *pem,
    const char *path, debar_fault_t *fault)
{
    int          rc;
    char         text[DEBAR_VKEY_TEXT], pub[4096];
    debar_buf_t  file;

    debar_vkey_text(text, key);
    memset(&file, 0, sizeof(file));
    debar_buf_printf(&file, DEBAR_KEY_HEAD "%s\n", text);
    debar_buf_add(&file, pem->data, pem->len);

    rc = debar_trust_write(path, file.data, file.len, 0600, 1, fault);
    file.len = 0;

    if (rc == DEBAR_OK) {
        snprintf(pub, sizeof(pub), "%s.pub", path);
        debar_buf_printf(&file, "%s\n", text);
        rc = debar_trust_write(pub, file.data, file.len, 0644, 1, fault);

        if (rc != DEBAR_OK) {
            (void) unlink(path);
        }
    }

    debar_buf_free(&file);

    return rc;
}


static int
debar_key_ask(char *out, int twice, const char *path, debar_fault_t *fault)
{
    int   rc, fd;
    char  prompt[256];

    fd = open("/dev/tty", O_RDWR|O_CLOEXEC|O_NOCTTY);

    if (fd == -1) {
        debar_fault(fault, "there is no terminal to ask for the passphrase of "
                    "%s: name a file with it by --pass-file", path);
        return DEBAR_ERROR;
    }

    close(fd);

    snprintf(prompt, sizeof(prompt), "%s %s: ",
             twice ? "New passphrase for" : "Passphrase of", path);
    memset(out, 0, DEBAR_KEY_SECRET);

    rc = EVP_read_pw_string_min(out, twice ? DEBAR_KEY_PASSPHRASE : 1,
                                DEBAR_KEY_SECRET - 1, prompt, twice);

    if (rc == 0) {
        return DEBAR_OK;
    }

    OPENSSL_cleanse(out, DEBAR_KEY_SECRET);
    ERR_clear_error();
    debar_fault(fault, "no passphrase: %s", twice
                ? "it is asked twice, the same both times, and has at least 12 "
                  "characters"
                : "it was not given");

    return DEBAR_ERROR;
}


/* The first line; of a file that others may not read. */

static int
debar_key_pass_file(char *out, const char *path, debar_fault_t *fault)
{
    int          fd;
    char        *eol;
    size_t       len;
    ssize_t      n;
    struct stat  st;

    fd = open(path, O_RDONLY|O_CLOEXEC|O_NOCTTY);

    if (fd == -1 || fstat(fd, &st) == -1) {
        debar_fault(fault, "--pass-file %s: %s", path, strerror(errno));

        if (fd != -1) {
            close(fd);
        }

        return DEBAR_ERROR;
    }

    if (S_ISREG(st.st_mode) && (st.st_mode & 077)) {
        close(fd);
        debar_fault(fault, "--pass-file %s: others may read it: chmod 600 it",
                    path);
        return DEBAR_ERROR;
    }

    memset(out, 0, DEBAR_KEY_SECRET);
    len = 0;

    do {
        n = read(fd, out + len, DEBAR_KEY_SECRET - 1 - len);
        len += n > 0 ? (size_t) n : 0;
    } while (n > 0 && len < DEBAR_KEY_SECRET - 1
             && memchr(out, '\n', len) == NULL);

    close(fd);

    eol = strchr(out, '\n');

    if (eol && eol > out && eol[-1] == '\r') {
        eol--;
    }

    if (eol) {
        OPENSSL_cleanse(eol, DEBAR_KEY_SECRET - (size_t) (eol - out));
    }

    if (out[0] == '\0' || len == DEBAR_KEY_SECRET - 1) {
        OPENSSL_cleanse(out, DEBAR_KEY_SECRET);
        debar_fault(fault, "--pass-file %s: its first line is to be the "
                    "passphrase, and is empty or too long", path);
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


static int
debar_key_pem(debar_buf_t *out, EVP_PKEY *pkey, const char *secret,
    debar_fault_t *fault)
{
    BIO       *bio;
    long       n;
    char      *p;
    X509_SIG  *sig;

    bio = BIO_new(BIO_s_mem());
    sig = bio ? debar_key_encrypt(pkey, secret) : NULL;

    if (sig == NULL || PEM_write_bio_PKCS8(bio, sig) != 1) {
        X509_SIG_free(sig);
        BIO_free(bio);
        ERR_clear_error();
        debar_fault(fault, "OpenSSL does not encrypt the key by scrypt and "
                    "AES-256: it has to be allowed by its configuration");
        return DEBAR_ERROR;
    }

    n = BIO_get_mem_data(bio, &p);
    debar_buf_add(out, p, (size_t) n);
    X509_SIG_free(sig);
    BIO_free(bio);

    return DEBAR_OK;
}


static X509_SIG *
debar_key_encrypt(EVP_PKEY *pkey, const char *secret)
{
    uint8_t               salt[16], iv[16];
    X509_SIG             *sig;
    X509_ALGOR           *pbe;
    PKCS8_PRIV_KEY_INFO  *info;

    if (RAND_bytes(salt, sizeof(salt)) != 1 || RAND_bytes(iv, sizeof(iv)) != 1)
    {
        return NULL;
    }

    pbe = PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), salt, sizeof(salt), iv,
                                DEBAR_SCRYPT_N, DEBAR_SCRYPT_R,
                                DEBAR_SCRYPT_P);
    info = EVP_PKEY2PKCS8(pkey);
    sig = NULL;

    if (pbe && info) {
        sig = PKCS8_set0_pbe(secret, (int) strlen(secret), info, pbe);
    }

    if (sig == NULL) {
        X509_ALGOR_free(pbe);        /* else it is the signature's */
    }

    PKCS8_PRIV_KEY_INFO_free(info);

    return sig;
}


int
debar_trust_public(debar_vkey_t *key, const char *arg, debar_fault_t *fault)
{
    return debar_trust_public_as(key, DEBAR_KEY_ED25519, arg, fault);
}


int
debar_trust_public_as(debar_vkey_t *key, unsigned type, const char *arg,
    debar_fault_t *fault)
{
    int          rc;
    size_t       len;
    debar_buf_t  file;

    if (strchr(arg, '+') && access(arg, F_OK) == -1) {
        return debar_vkey_parse_as(key, type, arg, arg, strlen(arg), fault);
    }

    if (debar_trust_read(&file, arg, DEBAR_KEY_FILE, "the .pub file that "
                         "`debar key new` made", fault) != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    len = file.len;
    len -= file.data[len - 1] == '\n';
    len -= len && file.data[len - 1] == '\r';

    rc = file.len > sizeof(DEBAR_KEY_HEAD)
         && memcmp(file.data, DEBAR_KEY_HEAD, sizeof(DEBAR_KEY_HEAD) - 1) == 0
         ? debar_key_head(key, type, arg, &file, fault)
         : debar_vkey_parse_as(key, type, arg, file.data, len, fault);

    debar_buf_free(&file);

    return rc;
}


static int
debar_key_head(debar_vkey_t *key, unsigned type, const char *path,
    const debar_buf_t *file, debar_fault_t *fault)
{
    size_t       head;
    const char  *eol;

    head = sizeof(DEBAR_KEY_HEAD) - 1;
    eol = memchr(file->data, '\n', file->len);

    if (eol == NULL || file->len <= head
        || memcmp(file->data, DEBAR_KEY_HEAD, head) != 0)
    {
        debar_fault(fault, "%s: not a private key of `debar key new`: name "
                    "the key file itself, not its .pub", path);
        return DEBAR_ERROR;
    }

    return debar_vkey_parse_as(key, type, path, file->data + head,
                               (size_t) (eol - file->data) - head, fault);
}


struct evp_pkey_st *
debar_trust_open_key(debar_vkey_t *key, const char *path,
    const char *pass_file, debar_fault_t *fault)
{
    return debar_trust_open_key_as(key, DEBAR_KEY_ED25519, path, pass_file,
                                   fault);
}


struct evp_pkey_st *
debar_trust_open_key_as(debar_vkey_t *key, unsigned type, const char *path,
    const char *pass_file, debar_fault_t *fault)
{
    size_t        n;
    uint8_t       pub[32];
    EVP_PKEY     *pkey;
    debar_buf_t   file;
    struct stat   st;

    debar_service_harden();

    if (debar_trust_read(&file, path, DEBAR_KEY_FILE, "a key file of `debar "
                         "key new`", fault) != DEBAR_OK)
    {
        return NULL;
    }

    pkey = NULL;

    if (stat(path, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 077)
        && file.len > sizeof(DEBAR_KEY_HEAD)
        && memcmp(file.data, DEBAR_KEY_HEAD, sizeof(DEBAR_KEY_HEAD) - 1) == 0)
    {
        debar_fault(fault, "%s: others may read this private key: chmod 600 "
                    "it", path);

    } else if (debar_key_head(key, type, path, &file, fault) == DEBAR_OK) {
        pkey = debar_key_decrypt(path, &file, pass_file, fault);
    }

    debar_buf_free(&file);
    n = sizeof(pub);

    if (pkey && (EVP_PKEY_get_raw_public_key(pkey, pub, &n) != 1
                 || n != sizeof(pub) || memcmp(pub, key->pub, n) != 0))
    {
        debar_fault(fault, "%s: its first line names another key than the one "
                    "in it: take the file as `debar key new` wrote it", path);
        EVP_PKEY_free(pkey);
        pkey = NULL;
    }

    return pkey;
}


static EVP_PKEY *
debar_key_decrypt(const char *path, const debar_buf_t *file,
    const char *pass_file, debar_fault_t *fault)
{
    int                   rc;
    BIO                  *bio;
    char                  secret[DEBAR_KEY_SECRET];
    EVP_PKEY             *pkey;
    X509_SIG             *sig;
    PKCS8_PRIV_KEY_INFO  *info;

    bio = BIO_new_mem_buf(file->data, (int) file->len);
    sig = bio ? PEM_read_bio_PKCS8(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);

    if (sig == NULL) {
        ERR_clear_error();
        debar_fault(fault, "%s: no encrypted private key in it: take the file "
                    "as `debar key new` wrote it, or from a copy", path);
        return NULL;
    }

    rc = pass_file ? debar_key_pass_file(secret, pass_file, fault)
                   : debar_key_ask(secret, 0, path, fault);

    if (rc != DEBAR_OK) {
        X509_SIG_free(sig);
        return NULL;
    }

    info = PKCS8_decrypt(sig, secret, (int) strlen(secret));
    pkey = info ? EVP_PKCS82PKEY(info) : NULL;

    OPENSSL_cleanse(secret, sizeof(secret));
    PKCS8_PRIV_KEY_INFO_free(info);
    X509_SIG_free(sig);

    if (pkey == NULL) {
        ERR_clear_error();
        debar_fault(fault, "%s: the passphrase does not open it; whoever lost "
                    "it makes a new key, and the root is made anew without "
                    "the old one (`debar root next --revoke`)", path);
    }

    return pkey;
}


/*
 * Locks, reads and parses the file at path, whose text is to be text.  *lock is
 * to be closed and *file freed where it succeeds.
 */

static int
debar_key_begin(const char *path, debar_str_t text, debar_buf_t *file,
    debar_note_t *note, int *lock, debar_fault_t *fault)
{
    *lock = debar_trust_lock(path, fault);

    if (*lock == -1) {
        return DEBAR_ERROR;
    }

    if (debar_trust_read(file, path, DEBAR_NOTE_MAX, "what is to be signed",
                         fault) != DEBAR_OK)
    {
        close(*lock);
        return DEBAR_ERROR;
    }

    if (debar_note_parse(note, path, file->data, file->len, 1, fault)
        == DEBAR_OK)
    {
        if (note->text.len == text.len
            && memcmp(note->text.data, text.data, text.len) == 0)
        {
            return DEBAR_OK;
        }

        debar_fault(fault, "%s: it was changed while you read it: begin again",
                    path);
    }

    debar_buf_free(file);
    close(*lock);

    return DEBAR_ERROR;
}


/* Signature lines behind what the file has; the blank line before the first. */

static int
debar_key_add(const char *path, debar_buf_t *file, const debar_note_t *note,
    const debar_buf_t *lines, debar_fault_t *fault)
{
    struct stat  st;

    if (stat(path, &st) == -1) {
        debar_fault(fault, "%s: %s", path, strerror(errno));
        return DEBAR_ERROR;
    }

    if (note->n == 0) {
        debar_buf_add(file, "\n", 1);
    }

    debar_buf_add(file, lines->data, lines->len);

    return debar_trust_write(path, file->data, file->len, st.st_mode & 0777, 0,
                             fault);
}


int
debar_trust_sign(const char *path, debar_str_t text, const debar_vkey_t *key,
    struct evp_pkey_st *private, debar_fault_t *fault)
{
    int           rc, lock;
    debar_buf_t   file, line;
    debar_note_t  note;

    if (debar_key_begin(path, text, &file, &note, &lock, fault) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    memset(&line, 0, sizeof(line));
    rc = DEBAR_ERROR;

    if (debar_note_find(&note, key)) {
        debar_fault(fault, "%s: %s has signed it already: it takes a second "
                    "approver, with a key of their own", path, key->name);

    } else if (note.n == DEBAR_NOTE_SIGNATURES) {
        debar_fault(fault, "%s: it has %d signatures, and no more fit", path,
                    DEBAR_NOTE_SIGNATURES);

    } else {
        rc = debar_note_sign(&line, note.text, key, private, fault);
    }

    if (rc == DEBAR_OK) {
        rc = debar_key_add(path, &file, &note, &line, fault);
    }

    debar_buf_free(&line);
    debar_buf_free(&file);
    close(lock);

    return rc;
}


int
debar_trust_merge(const char *path, debar_str_t text,
    const debar_root_t *root, const debar_note_t *other, debar_fault_t *fault)
{
    int                            rc, lock, added;
    char                           b64[4 * ((4 + 64 + 2) / 3) + 1];
    size_t                         i;
    uint8_t                        raw[4 + 64];
    debar_buf_t                    file, lines;
    debar_note_t                   note;
    const debar_vkey_t            *key;
    const debar_note_signature_t  *s;

    if (debar_key_begin(path, text, &file, &note, &lock, fault) != DEBAR_OK) {
        return -1;
    }

    memset(&lines, 0, sizeof(lines));
    added = 0;
    rc = DEBAR_OK;

    for (i = 0; i < root->n; i++) {

        key = &root->approvers[i];
        s = debar_note_find(other, key);

        if (s == NULL || debar_note_signed(other, key) != DEBAR_OK
            || debar_note_find(&note, key)
            || note.n + (size_t) added == DEBAR_NOTE_SIGNATURES)
        {
            continue;
        }

        memcpy(raw, s->id, 4);
        memcpy(raw + 4, s->sig, 64);
        debar_base64_encode(b64, raw, sizeof(raw));
        debar_buf_printf(&lines, "\xe2\x80\x94 %s %s\n", key->name, b64);
        added++;
    }

    if (added) {
        rc = debar_key_add(path, &file, &note, &lines, fault);
    }

    debar_buf_free(&lines);
    debar_buf_free(&file);
    close(lock);

    return rc == DEBAR_OK ? added : -1;
}
