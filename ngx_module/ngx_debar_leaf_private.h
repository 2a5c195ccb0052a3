/*
 * What the cache of leaves (ngx_debar_leaf.c) and the connection to the signer
 * (ngx_debar_leaf_ask.c) share.
 */

#ifndef _NGX_DEBAR_LEAF_PRIVATE_H_INCLUDED_
#define _NGX_DEBAR_LEAF_PRIVATE_H_INCLUDED_


#include "ngx_debar_leaf.h"
#include "sign_wire.h"

#include <openssl/evp.h>
#include <openssl/x509.h>


#define NGX_DEBAR_LEAF_PENDING  1024

/* A name: its leaf, why there is none, or those that wait for it. */

struct ngx_debar_leaf_s {
    ngx_uint_t            refs;
    ngx_debar_leaf_t     *next;          /* in its bucket */
    ngx_debar_leaves_t   *leaves;        /* NULL: not in the cache */
    ngx_queue_t           queue;         /* of pending ones, else LRU */
    ngx_queue_t           unsent;        /* of those not asked for yet */
    ngx_queue_t           waiting;       /* of ngx_debar_leaf_ask_t */
    uint64_t              hash;
    time_t                expire;
    const char           *error;         /* static; NULL: there is a leaf */

    X509                 *x509;
    STACK_OF(X509)       *chain;         /* NULL: none */
    EVP_PKEY             *key;

    ngx_event_t           timer;
    uint32_t              id;
    unsigned              pending:1;
    unsigned              queued:1;      /* in unsent */
    unsigned              again:1;       /* asked for a second time */

    unsigned              type;          /* of debar_host_t */
    uint8_t               addr[16];
    size_t                len;
    u_char                name[1];       /* NUL-terminated */
};

struct ngx_debar_leaves_s {
    ngx_str_t             path;          /* of the socket, NUL-terminated */
    ngx_uint_t            max;
    ngx_uint_t            rsa;
    ngx_msec_t            timeout;

    /* of a worker */

    ngx_cycle_t          *cycle;
    EVP_PKEY             *key;
    u_char               *spki;
    size_t                spki_len;

    uint64_t              seed[2];
    ngx_debar_leaf_t    **buckets;
    ngx_uint_t            mask;
    ngx_uint_t            n;             /* in lru */
    ngx_queue_t           lru;
    ngx_queue_t           pending;
    ngx_queue_t           unsent;
    ngx_uint_t            npending;

    ngx_connection_t     *connection;
    uint32_t              id;
    time_t                told;          /* in the error log */
    ngx_msec_t            away;          /* no connecting until then */
    ngx_uint_t            is_away;
    size_t                out_pos;
    size_t                out_len;
    size_t                in_len;
    u_char               *in;            /* of DEBAR_SIGN_REPLY bytes */
    u_char                out[DEBAR_SIGN_REQUEST];
};


/* ngx_debar_leaf.c */

/* The answer came: NULL or static text.  Who waits is called. */

void ngx_debar_leaf_done(ngx_debar_leaf_t *e, const char *error);

/* The certificates of the reply, if they are what was asked for.  NULL, or
 * static text. */

const char *ngx_debar_leaf_take(ngx_debar_leaf_t *e, debar_sign_reply_t *rp);


/* ngx_debar_leaf_ask.c */

/* NULL: e will be answered.  Else static text: why not. */

const char *ngx_debar_leaf_send(ngx_debar_leaf_t *e);

/* Nobody waits for e any more; it leaves the queues. */

void ngx_debar_leaf_unsend(ngx_debar_leaf_t *e);

/* Nothing is pending: the connection may go. */

void ngx_debar_leaf_idle(ngx_debar_leaves_t *leaves);

void ngx_debar_leaf_hang_up(ngx_debar_leaves_t *leaves);


#endif /* _NGX_DEBAR_LEAF_PRIVATE_H_INCLUDED_ */
