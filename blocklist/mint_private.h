/*
 * What the files of the mint share.
 */

#ifndef DEBAR_MINT_PRIVATE_H
#define DEBAR_MINT_PRIVATE_H

#include "mint.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>


#define DEBAR_MINT_DAY   86400
#define DEBAR_MINT_KEYS  8            /* workers whose keys are remembered */

/* A leaf of one key: all that the next leaf of that key has in common with it
 * is checked and encoded. */

typedef struct {
    uint8_t        *spki;         /* NULL: none */
    size_t          len;
    X509           *x;
    uint64_t        used;
} debar_mint_made_t;

struct debar_mint_s {
    X509           *ca;
    EVP_PKEY       *key;          /* NULL: in a token that is not open yet */
    const EVP_MD   *md;
    unsigned        days;
    time_t          from;         /* the CA's own time */
    time_t          until;
    char           *uri;          /* NULL: the key is in a file */
    char           *key_name;     /* for messages: a URI may hold a PIN */
    char           *cert_name;
    char           *passphrase;   /* kept for a token only; NULL: none */
    char            warning[256];
    uint64_t        clock;        /* one up for each leaf */
    debar_mint_made_t  made[DEBAR_MINT_KEYS];
    unsigned        nchain;
    struct {
        uint8_t    *der;
        size_t      len;
    } chain[DEBAR_MINT_CHAIN + 1];
};


/* mint_key.c */

int debar_mint_is_token(const char *key);
EVP_PKEY *debar_mint_read_key(debar_mint_t *m, const char *path,
    debar_fault_t *fault);
char *debar_mint_read_passphrase(const char *path, debar_fault_t *fault);
EVP_PKEY *debar_mint_open_token(const char *uri, const char *pin,
    debar_fault_t *fault);

/* Key and certificate of a pair, and of a kind that browsers take; sets md. */

int debar_mint_take_key(debar_mint_t *m, EVP_PKEY *key, debar_fault_t *fault);

/* mint_leaf.c */

void debar_mint_forget_made(debar_mint_made_t *made);

int debar_mint_serial(X509 *x);
int debar_mint_times(X509 *x, time_t from, time_t until);
int debar_mint_key_id(X509 *x);
int debar_mint_key_usage(X509 *x, const int *bits, unsigned n);

/* The last error of OpenSSL in words, and none left behind. */

const char *debar_mint_why(char *buf, size_t size);


#endif /* DEBAR_MINT_PRIVATE_H */
