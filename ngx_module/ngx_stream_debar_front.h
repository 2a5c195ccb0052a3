/*
 * The front: one port for CONNECT and for everything else.
 *
 * A connection is peeked at.  What is no CONNECT goes to the http listener with
 * nothing consumed.  A CONNECT goes through these states, each of them a read
 * handler of the client's connection:
 *
 *     head -> (name) -> dial -> hello -> tunnel             spliced
 *     head -> (name) ---------> hello -> (leaf) -> inspect  inspected
 *       \______\________\________\_________\____-> answer, linger
 *
 * Whatever ends a connection on the way ends it through
 * ngx_stream_finalize_session(): the clean-up entry on its pool cancels the
 * name and closes the connection to the origin.
 */

#ifndef _NGX_STREAM_DEBAR_FRONT_H_INCLUDED_
#define _NGX_STREAM_DEBAR_FRONT_H_INCLUDED_


#include "ngx_stream_debar.h"
#include "ngx_debar_front.h"
#include "ngx_debar_parent.h"
#include "ngx_debar_splice.h"
#include "ngx_debar_user.h"

#include "connect.h"
#include "hello.h"


/* One for all connections of a worker: what was peeked at is looked at before
 * the handler returns. */

#define NGX_STREAM_DEBAR_PEEK  DEBAR_HELLO_BYTES

#define NGX_STREAM_DEBAR_LINGER  2000    /* ms */

/* What "debar_front" has been given. */

#define NGX_STREAM_DEBAR_HTTP     1
#define NGX_STREAM_DEBAR_TUNNEL   2
#define NGX_STREAM_DEBAR_INSPECT  4

#define NGX_STREAM_DEBAR_TARGETS                                              \
    (NGX_STREAM_DEBAR_HTTP|NGX_STREAM_DEBAR_TUNNEL)


typedef struct {
    ngx_uint_t            enable;        /* bits: of http, tunnel, inspect */
    ngx_listening_t      *http;          /* virtual listens: never NULL in a */
    ngx_listening_t      *tunnel;        /* worker where enable is set */
    ngx_listening_t      *inspect;       /* NULL: every host is spliced */

    ngx_debar_leaves_t   *leaves;        /* never NULL where inspect is not */
    ngx_debar_splice_t   *splice;        /* or NULL */
    ngx_debar_parent_t   *parent;        /* or NULL */

    ngx_msec_t            head_timeout;
    ngx_msec_t            connect_timeout;
    ngx_msec_t            hello_timeout;

    ngx_array_t          *ports;         /* of in_port_t, beside 443 */
    ngx_array_t          *allow;         /* of ngx_debar_cidr_t */
    ngx_uint_t            status;        /* 403, 451 */
    ngx_uint_t            on_failure;    /* NGX_DEBAR_BLOCK, ... */
    ngx_uint_t            expired;
    ngx_uint_t            no_sni;        /* debar_action_e */
    ngx_uint_t            ech;
    ngx_uint_t            other;
    ngx_str_t             contact;
    ngx_debar_users_t     users;         /* whom CONNECT is for */
} ngx_stream_debar_front_conf_t;


typedef struct {
    ngx_debar_front_t     front;         /* first: see ngx_debar_front_add() */

    ngx_stream_session_t *session;
    ngx_uint_t            status;        /* of the last answer */
    uint64_t              started;
    char                  incident[33];

    debar_connect_t       head;          /* points into memory of the pool */
    ngx_str_t             user;          /* as in front; for the record */
    ngx_str_t             reply;         /* Proxy-Authenticate of the 200; or
                                            empty */
    ngx_uint_t            challenges;    /* 407s so far */

    ngx_debar_resolve_t   resolve;
    ngx_uint_t            next;          /* address to dial */
    ngx_peer_connection_t peer;          /* connection: until it is handed
                                            over */
    ngx_debar_parent_ask_t  asked_parent;
    debar_host_t          host;
    in_port_t             port;

    ngx_debar_leaf_ask_t  ask;
    debar_host_t          name;          /* of an inspected hello; its type is
                                            0 before */

    unsigned              resolved:1;
    unsigned              waiting:1;     /* for the name */
    unsigned              inspect:1;     /* not spliced */
    unsigned              learned:1;     /* spliced, as its origin taught us */
    unsigned              asked:1;       /* for a leaf; ask.rc is the answer */
    unsigned              asking:1;      /* and it is not there yet */
    unsigned              showing:1;     /* the leaf is all that is missing */
    unsigned              established:1; /* the 200 was sent */
} ngx_stream_debar_front_ctx_t;


extern ngx_module_t  ngx_stream_debar_front_module;


/* The head (ngx_stream_debar_front.c) */

void ngx_stream_debar_front_handler(ngx_stream_session_t *s);

/* Peeks once more, at what follows an answer that left the connection open. */

void ngx_stream_debar_front_again(ngx_connection_t *c);
void ngx_stream_debar_front_empty(ngx_event_t *ev);

/* What is there, at most size bytes of it: its length; NGX_AGAIN: nothing, and
 * the event is armed; NGX_ERROR: the session is finalized. */

ssize_t ngx_stream_debar_front_peek(ngx_connection_t *c, char *buf,
    size_t size);

/* Waits for more than what was peeked at. */

void ngx_stream_debar_front_wait(ngx_connection_t *c);

/* Hands the connection to a listener; neither c nor s is ours afterwards. */

void ngx_stream_debar_front_pass(ngx_stream_session_t *s, ngx_listening_t *ls);

ngx_stream_debar_front_ctx_t *ngx_stream_debar_front_ctx(ngx_connection_t *c);


/* The authority, its verdict and record (ngx_stream_debar_front_connect.c) */

void ngx_stream_debar_front_connect(ngx_stream_session_t *s);

void ngx_stream_debar_front_facts(ngx_stream_debar_front_ctx_t *ctx,
    debar_facts_t *f);

/* Sets ctx->incident; the line, where the verdict wants one.  NGX_ERROR: it
 * could not be written, and nothing may go through without it. */

ngx_int_t ngx_stream_debar_front_record(ngx_stream_debar_front_ctx_t *ctx,
    const char *surface, debar_str_t url, const debar_verdict_t *v);

void ngx_stream_debar_front_outcome(ngx_stream_debar_front_ctx_t *ctx,
    ngx_uint_t status);

ngx_uint_t ngx_stream_debar_front_refused(ngx_stream_debar_front_ctx_t *ctx,
    const debar_verdict_t *v);


/* The origin, and the upstream that takes it (ngx_stream_debar_front_dial.c) */

void ngx_stream_debar_front_dial(ngx_stream_debar_front_ctx_t *ctx);

/* The way to the origin is open; or this address failed, and the next one has
 * its turn. */

void ngx_stream_debar_front_connected(ngx_stream_debar_front_ctx_t *ctx);
void ngx_stream_debar_front_failed(ngx_stream_debar_front_ctx_t *ctx);

/* The 200.  NGX_ERROR: the session is finalized. */

ngx_int_t ngx_stream_debar_front_established(
    ngx_stream_debar_front_ctx_t *ctx);

/* While the client has nothing to say: notices that it goes away. */

void ngx_stream_debar_front_watch(ngx_event_t *rev);

char *ngx_stream_debar_tunnel(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);


/* Through a parent proxy (ngx_stream_debar_front_parent.c): asks it, on the
 * connection that is made or under way; and the end, where none opens the
 * tunnel. */

void ngx_stream_debar_front_parent(ngx_stream_debar_front_ctx_t *ctx);
void ngx_stream_debar_front_no_parent(ngx_stream_debar_front_ctx_t *ctx);


/* The inside of a TLS port (ngx_stream_debar_inner.c) */

char *ngx_stream_debar_inner(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);


/* The first bytes in the tunnel (ngx_stream_debar_front_hello.c) */

void ngx_stream_debar_front_hello(ngx_stream_debar_front_ctx_t *ctx);
void ngx_stream_debar_front_server_first(ngx_stream_debar_front_ctx_t *ctx);


/*
 * What is inspected (ngx_stream_debar_front_inspect.c).
 *
 * Spliced or inspected: sets ctx->inspect, ctx->learned and f->inspecting.  A
 * host that is let through only for its requests to be judged is judged anew,
 * where nobody would see them.
 */

void ngx_stream_debar_front_way(ngx_stream_debar_front_ctx_t *ctx,
    debar_facts_t *f, debar_verdict_t *v);

/* The verdict on the CONNECT stands: 200, and the hello. */

void ngx_stream_debar_front_inspect(ngx_stream_debar_front_ctx_t *ctx);

/* The verdict on the hello stands: hands over once the leaf is there. */

void ngx_stream_debar_front_show(ngx_stream_debar_front_ctx_t *ctx);

/* Plain HTTP: its requests are judged by the http listener. */

void ngx_stream_debar_front_plain(ngx_stream_debar_front_ctx_t *ctx);

void ngx_stream_debar_front_forget(ngx_stream_debar_front_ctx_t *ctx);


/* Refusals (ngx_stream_debar_front_answer.c).  The connection lingers, so that
 * the client reads what it was sent. */

typedef struct {
    ngx_uint_t            status;
    const char           *title;         /* static text */
    const char           *detail;        /* static text */
    const char           *reason;        /* of a fault, or NULL */
    const debar_verdict_t *verdict;      /* NULL: none was reached */
    ngx_uint_t            keep;          /* the connection stays, and goes back
                                            to the peek */
} ngx_stream_debar_answer_t;

void ngx_stream_debar_front_answer(ngx_stream_debar_front_ctx_t *ctx,
    ngx_stream_debar_answer_t *an);
void ngx_stream_debar_front_alert(ngx_stream_debar_front_ctx_t *ctx,
    ngx_uint_t alert, ngx_uint_t status);
void ngx_stream_debar_front_send_last(ngx_stream_debar_front_ctx_t *ctx,
    u_char *data, size_t len, ngx_uint_t status);


/* NGX_OK, and ctx->user where users are asked for; NGX_DONE: the client was
 * answered (ngx_stream_debar_front_user.c). */

ngx_int_t ngx_stream_debar_front_login(ngx_stream_debar_front_ctx_t *ctx);


#endif /* _NGX_STREAM_DEBAR_FRONT_H_INCLUDED_ */
