/*
 * What the files of debar_pin share: the peer of a request (_pin.c), idle
 * connections and TLS sessions (_store.c), TLS to origins (_tls.c, _staple.c,
 * _fault.c) and the directive (ngx_http_debar_upstream.c).
 */

#ifndef _NGX_HTTP_DEBAR_UPSTREAM_H_INCLUDED_
#define _NGX_HTTP_DEBAR_UPSTREAM_H_INCLUDED_


#include "ngx_http_debar.h"


#define NGX_HTTP_DEBAR_PIN_KEEPALIVE  1024
#define NGX_HTTP_DEBAR_PIN_SESSIONS   1024
#define NGX_HTTP_DEBAR_PIN_MAX        65536
#define NGX_HTTP_DEBAR_PIN_IDLE       60000        /* ms */
#define NGX_HTTP_DEBAR_PIN_REQUESTS   1000
#define NGX_HTTP_DEBAR_PIN_AGE        3600000      /* ms, as keepalive_time */


/*
 * Who a peer is, in bytes.  A connection or a session is for whoever has the
 * same ones: protocol of the upstream, TLS configuration and what it checks,
 * the name that was proved, address and port.  Plain connections have no name.
 */

typedef struct {
    uint64_t                    hash;
    size_t                      len;     /* 0: nothing is shared */
    u_char                      data[2 * sizeof(void *) + 2
                                     + sizeof(struct sockaddr_in6)
                                     + 2 * (DEBAR_MAX_HOST + 4)
                                     + sizeof(in_port_t)];
} ngx_http_debar_pin_key_t;


typedef struct ngx_http_debar_pin_conf_s  ngx_http_debar_pin_conf_t;


typedef struct {                         /* one with something to share */
    ngx_queue_t                 queue;   /* in its bucket */
    ngx_queue_t                 idle;    /* of ngx_http_debar_idle_t */
    ngx_queue_t                 lru;     /* of those with a session */
    void                       *session; /* ngx_ssl_session_t, or NULL */
    uint64_t                    hash;
    size_t                      len;
    u_char                      key[1];
} ngx_http_debar_pin_peer_t;


struct ngx_http_debar_pin_conf_s {
    ngx_uint_t                  keepalive;
    ngx_uint_t                  sessions;
    ngx_uint_t                  requests;
    ngx_msec_t                  idle;

    ngx_queue_t                *buckets; /* of ngx_http_debar_pin_peer_t */
    ngx_uint_t                  mask;
    uint64_t                    seed[2];

    ngx_queue_t                 lru;     /* of ngx_http_debar_idle_t */
    ngx_queue_t                 free_idle;
    ngx_queue_t                 session_lru;
    ngx_uint_t                  nsessions;
};


typedef struct {                         /* an idle connection */
    ngx_queue_t                 queue;   /* of its peer, newest first */
    ngx_queue_t                 lru;     /* of all, or free */
    ngx_http_debar_pin_conf_t  *conf;
    ngx_http_debar_pin_peer_t  *peer;
    ngx_connection_t           *connection;
} ngx_http_debar_idle_t;


typedef struct ngx_http_debar_way_s  ngx_http_debar_way_t;

typedef struct {                         /* of a request */
    ngx_http_debar_pin_conf_t  *conf;
    ngx_http_debar_ctx_t       *ctx;
    ngx_http_request_t         *request;
    ngx_http_upstream_t        *upstream;
    ngx_http_debar_pin_key_t    key;     /* of the peer that is dialled */
    ngx_uint_t                  next;
    ngx_uint_t                  fresh;   /* an idle connection was stale */
    ngx_uint_t                  stop;    /* another address would not help */

    /* nginx's own, for a head to be watched (_head.c) */

    ngx_int_t                 (*process_header)(ngx_http_request_t *r);
    ngx_int_t                 (*reinit_request)(ngx_http_request_t *r);
    ngx_uint_t                  interim; /* answers of 1xx that were skipped */

    /* through a parent proxy */

    ngx_http_debar_way_t       *way;     /* it is being asked; or NULL */
    ngx_uint_t                  challenged;  /* a 407 would be the parent's */
    ngx_uint_t                  verify;  /* proxy_ssl_verify as configured */
} ngx_http_debar_pin_data_t;


ngx_int_t ngx_http_debar_pin_init_peer(ngx_http_request_t *r,
    ngx_http_upstream_srv_conf_t *us);


/*
 * ngx_http_debar_parent.c: where there is a parent proxy, and the addresses are
 * those of it.  The request as it is sent to a parent; of TLS it is left alone.
 */

ngx_int_t ngx_http_debar_parent_request(ngx_http_request_t *r,
    ngx_http_debar_pin_data_t *pd);

/* Of pd->challenged.  NGX_DECLINED: the parent wants to know who asks. */

ngx_int_t ngx_http_debar_parent_header(ngx_http_request_t *r,
    ngx_http_debar_pin_data_t *pd);

#if (NGX_HTTP_SSL)

/* What peer.get() returns for a connection through the parent, and what
 * peer.free() begins with. */

ngx_int_t ngx_http_debar_parent_get(ngx_peer_connection_t *pc,
    ngx_http_debar_pin_data_t *pd);
void ngx_http_debar_parent_free(ngx_http_debar_pin_data_t *pd,
    ngx_uint_t state);

#endif


/*
 * ngx_http_debar_upstream_head.c: from here on a client gets one answer to its
 * request: a 1xx is skipped, one that cannot be is 502.
 */

void ngx_http_debar_head_watch(ngx_http_debar_pin_data_t *pd);


/* ngx_http_debar_upstream_store.c */

ngx_int_t ngx_http_debar_store_init(ngx_conf_t *cf,
    ngx_http_debar_pin_conf_t *pcf);

/* NULL: none.  It stays where it is until it is taken. */

ngx_connection_t *ngx_http_debar_store_idle(ngx_http_debar_pin_conf_t *pcf,
    ngx_http_debar_pin_key_t *key);
void ngx_http_debar_store_take(ngx_connection_t *c, ngx_log_t *log);

/* NGX_DECLINED: there is no memory; the connection is still the caller's. */

ngx_int_t ngx_http_debar_store_keep(ngx_http_debar_pin_conf_t *pcf,
    ngx_http_debar_pin_key_t *key, ngx_connection_t *c);


#if (NGX_HTTP_SSL)

#define NGX_HTTP_DEBAR_FAULT_DETAIL  256

typedef struct {                         /* of a connection; in its pool */
    ngx_connection_t           *connection;
    ngx_http_debar_pin_data_t  *pin;     /* of the request that dialled it;
                                            NULL once that has let it go */
    ngx_str_t                   name;    /* that was asked for; NUL-terminated,
                                            an address without brackets */
    ngx_uint_t                  staple;  /* NGX_HTTP_DEBAR_STAPLE_* */

    ngx_debar_list_t           *list;    /* that finds nothing in the */
    ngx_uint_t                  clean;   /* certificate, in this generation */

    const char                 *fault;   /* static text; or NULL */
    size_t                      detail_len;
    u_char                      detail[NGX_HTTP_DEBAR_FAULT_DETAIL];

    unsigned long               error;   /* OpenSSL's, of the handshake */
    int                         alert;   /* that the origin sent; -1: none */

    unsigned                    address:1;   /* name is an address */
    unsigned                    verify:1;
    unsigned                    done:1;      /* the handshake is over */
    unsigned                    accepted:1;  /* and all was checked */
    unsigned                    session:1;   /* one came before that */
    unsigned                    asked:1;     /* for a client certificate */
    unsigned                    renegotiate:1;   /* it asked to, in vain */
} ngx_http_debar_tls_t;


void ngx_http_debar_store_save(ngx_http_debar_pin_conf_t *pcf,
    ngx_http_debar_pin_key_t *key, ngx_ssl_session_t *session);

/* The store's reference; NULL: none that may be resumed. */

ngx_ssl_session_t *ngx_http_debar_store_session(
    ngx_http_debar_pin_conf_t *pcf, ngx_http_debar_pin_key_t *key);


/* ngx_http_debar_upstream_tls.c */

/* The name that this request has TLS verify: "proxy_ssl_name" as nginx reads
 * it.  Empty: none is. */

ngx_int_t ngx_http_debar_tls_name(ngx_http_request_t *r,
    ngx_http_upstream_t *u, ngx_str_t *name);

/* Whether TLS to name proves the peer to be ctx->server_name. */

ngx_uint_t ngx_http_debar_tls_proves(ngx_http_debar_ctx_t *ctx,
    ngx_str_t *name);

ngx_int_t ngx_http_debar_tls_set_session(ngx_peer_connection_t *pc,
    void *data);
void ngx_http_debar_tls_save_session(ngx_peer_connection_t *pc, void *data);

/* NULL: nothing of ours watched its handshake. */

ngx_http_debar_tls_t *ngx_http_debar_tls_get(ngx_connection_t *c);

/* NGX_DECLINED: what the certificate says is refused for this request. */

ngx_int_t ngx_http_debar_tls_judge(ngx_http_debar_pin_data_t *pd,
    ngx_http_debar_tls_t *tls);

/* A try has failed: says why, and whether another address is of any use. */

void ngx_http_debar_tls_failed(ngx_http_debar_pin_data_t *pd,
    ngx_http_debar_tls_t *tls);


/* ngx_http_debar_upstream_staple.c: NGX_DECLINED with a fault in tls. */

ngx_int_t ngx_http_debar_staple(ngx_http_debar_tls_t *tls);


/* ngx_http_debar_upstream_fault.c */

void ngx_http_debar_fault_certificate(ngx_http_debar_tls_t *tls,
    X509_STORE_CTX *store);
void ngx_http_debar_fault_handshake(ngx_http_debar_tls_t *tls);

/* Adds to the detail what may be printed of it; as much as fits. */

void ngx_http_debar_fault_add(ngx_http_debar_tls_t *tls, const char *data,
    size_t len);
void ngx_http_debar_fault_time(ngx_http_debar_tls_t *tls,
    const ASN1_TIME *time);

#endif


#endif /* _NGX_HTTP_DEBAR_UPSTREAM_H_INCLUDED_ */
