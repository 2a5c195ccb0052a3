/*
 * `debar sign`: the process that alone holds the CA's key.  What it shares with
 * other services is in service.h.
 */

#ifndef DEBAR_SIGN_H
#define DEBAR_SIGN_H

#include "mint.h"
#include "service.h"


#define DEBAR_SIGN_CLIENTS  256

typedef struct {
    debar_service_t     service;      /* first: it is what run() is given */
    debar_mint_conf_t   conf;
    debar_mint_t       *mint;
    unsigned            rate;
    unsigned            burst;
} debar_signer_t;


/* sign_serve.c: the loop.  Until SIGTERM; exit code. */

int debar_sign_serve(debar_signer_t *s);


#endif /* DEBAR_SIGN_H */
