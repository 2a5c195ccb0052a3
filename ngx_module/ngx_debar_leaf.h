/*
 * Leaf certificates of a worker: cached by name, minted by `debar sign`, which
 * alone holds the CA's key.  A worker makes one key pair of its own when it
 * starts and sends the public half with each name (blocklist/sign_wire.h).
 *
 * Nothing here blocks: the signer is asked over one kept unix connection per
 * worker, with a time limit for each answer.
 */

#ifndef _NGX_DEBAR_LEAF_H_INCLUDED_
#define _NGX_DEBAR_LEAF_H_INCLUDED_


#include "ngx_debar.h"


typedef struct ngx_debar_leaves_s    ngx_debar_leaves_t;
typedef struct ngx_debar_leaf_s      ngx_debar_leaf_t;
typedef struct ngx_debar_leaf_ask_s  ngx_debar_leaf_ask_t;

typedef void (*ngx_debar_leaf_pt)(ngx_debar_leaf_ask_t *ask);

struct ngx_debar_leaf_ask_s {
    /* set by the caller */
    ngx_debar_leaves_t   *leaves;
    const debar_host_t   *host;          /* a name or an address; canonical */
    ngx_log_t            *log;
    ngx_debar_leaf_pt     handler;       /* called once, only after NGX_AGAIN */
    void                 *data;

    /* set by the answer */
    ngx_int_t             rc;            /* NGX_OK; NGX_ERROR with error */
    const char           *error;         /* static text, with the remedy */
    ngx_debar_leaf_t     *leaf;          /* the caller's reference */

    /* its own */
    ngx_queue_t           queue;
    ngx_uint_t            waiting;
};


/* NGX_OK: leaf is there.  NGX_AGAIN: the handler will be called, and *ask must
 * stay where it is until then or until it is cancelled.  NGX_ERROR: error. */

ngx_int_t ngx_debar_leaf_get(ngx_debar_leaf_ask_t *ask);

/* Right at any time, also when nothing waits. */

void ngx_debar_leaf_cancel(ngx_debar_leaf_ask_t *ask);

/* Gives a reference back; NULL is nothing. */

void ngx_debar_leaf_free(ngx_debar_leaf_t *leaf);

#if (NGX_SSL)

/* Certificate, chain and key into a connection that is in its handshake. */

ngx_int_t ngx_debar_leaf_use(ngx_debar_leaf_t *leaf, ngx_ssl_conn_t *ssl);

#endif


/*
 * "debar_sign unix:PATH [leaves=N] [key=ecdsa|rsa] [timeout=TIME]"
 * leaves: cached in a worker, default 4096, least recently used go first.
 * timeout: of an answer, default 3s.  One object a directive and cycle.
 */

char *ngx_debar_leaves_directive(ngx_conf_t *cf, ngx_debar_leaves_t **lp);

/* In the worker: makes the key pair. */

ngx_int_t ngx_debar_leaves_init_worker(ngx_cycle_t *cycle,
    ngx_debar_leaves_t *leaves);


#endif /* _NGX_DEBAR_LEAF_H_INCLUDED_ */
