/*
 * Leaf certificates from the agency's CA: X.509 v3 (RFC 5280), names as
 * RFC 9525 reads them.  For `debar sign` and `debar gateway init`; never linked
 * into a worker.
 *
 * Nothing but server certificates for one plain host name or address comes out:
 * each byte that is signed is made here, and the asker gives a name and a
 * public key only.
 */

#ifndef DEBAR_MINT_H
#define DEBAR_MINT_H

#include "host.h"


#define DEBAR_MINT_CHAIN  7           /* certificates sent along with a leaf */

typedef struct debar_mint_s  debar_mint_t;

typedef struct {
    const char  *cert;        /* PEM file: the CA that signs, then those above
                                 it, each the issuer of the one before */
    const char  *key;         /* PEM file, or a "pkcs11:" URI (RFC 7512) */
    const char  *passphrase;  /* file whose first line opens the key, or is the
                                 token's PIN; NULL: none */
    unsigned     days;        /* that a leaf lasts; 0: 30 */
} debar_mint_conf_t;

/*
 * Reads the files and checks that the CA can sign for browsers: CA:TRUE,
 * keyCertSign, serverAuth not excluded, in its time, key and certificate of a
 * pair, RSA of 2048 bits or more, P-256 or P-384.  NULL: *fault names the file
 * and the remedy.  Of a pkcs11: URI nothing is opened yet.
 */

debar_mint_t *debar_mint_open(const debar_mint_conf_t *conf, time_t now,
    debar_fault_t *fault);

/* True while the key in a token is to be opened by debar_mint_token(). */

int debar_mint_wants_token(const debar_mint_t *m);

/* Opens the token's key: through a store loader for pkcs11: where OpenSSL has
 * a provider with one, else through the engine "pkcs11". */

int debar_mint_token(debar_mint_t *m, debar_fault_t *fault);

/* One line about something that works but should not be so; NULL: nothing. */

const char *debar_mint_warning(const debar_mint_t *m);

void debar_mint_close(debar_mint_t *m);

/* What clients need between the leaf and their root, DER, i from 0; a
 * self-signed certificate is not sent.  NULL, 0: no more. */

debar_str_t debar_mint_chain(const debar_mint_t *m, unsigned i);


typedef struct {
    uint8_t    *der;          /* the caller's, free() */
    size_t      len;
    time_t      not_before;
    time_t      not_after;
    char        serial[33];   /* hex */
} debar_minted_t;

typedef enum {
    DEBAR_MINT_OK = 0,
    DEBAR_MINT_NAME,          /* host is not plain and canonical */
    DEBAR_MINT_KEY,           /* not P-256, P-384 or RSA of 2048..4096 bits */
    DEBAR_MINT_FAILED         /* the CA is past its time, the token is away */
} debar_mint_e;

/*
 * spki: SubjectPublicKeyInfo in DER.  The leaf lasts from a day ago for days
 * from now, within the CA's own time.  Returns a debar_mint_e; *fault is set
 * unless it is OK.
 */

int debar_mint_leaf(debar_mint_t *m, const debar_host_t *host,
    const void *spki, size_t len, time_t now, debar_minted_t *out,
    debar_fault_t *fault);


/*
 * A CA of its own for a gateway: ten years, CA:TRUE with pathlen 0,
 * keyCertSign and cRLSign, self-signed.  Both as PEM; the key is not encrypted:
 * the caller writes it 0600 and clears the buffer by debar_mint_forget().
 */

typedef struct {
    const char  *organization;   /* UTF-8, at most 64 characters; NULL: none */
    const char  *name;           /* of the CA, the same */
    unsigned     rsa:1;          /* RSA 3072 instead of P-256 */
} debar_mint_ca_t;

int debar_mint_new_ca(const debar_mint_ca_t *ca, time_t now,
    debar_buf_t *cert, debar_buf_t *key, debar_fault_t *fault);

/* Clears and frees. */

void debar_mint_forget(debar_buf_t *b);


#endif /* DEBAR_MINT_H */
