/*
 * Requests through a parent proxy: plain ones in absolute form, those of TLS
 * inside a tunnel that the parent opens.
 *
 * nginx must not begin with TLS before the tunnel is there.  So peer.get()
 * answers NGX_AGAIN, as for a connect() under way, with a connection whose
 * events nobody reports.  A second one on a duplicate of its socket connects
 * and asks the parent; then that is closed, and the first one's events begin.
 * nginx's timer runs on the first one from the start, and ends both.
 */


#include "ngx_http_debar_upstream.h"


#define NGX_HTTP_DEBAR_PROXY_AUTH  407


struct ngx_http_debar_way_s {
    ngx_debar_parent_ask_t      ask;
    ngx_peer_connection_t       peer;    /* that asks; connection: until it is
                                            over */
    ngx_connection_t           *connection;  /* nginx's */
    ngx_pool_cleanup_t         *cleanup; /* of that one's pool, which outlives
                                            this */
    ngx_http_debar_pin_data_t  *pin;
};


static ngx_int_t ngx_http_debar_parent_rewrite(ngx_http_request_t *r,
    ngx_http_debar_pin_data_t *pd);

#if (NGX_HTTP_SSL)
static ngx_int_t ngx_http_debar_parent_open(ngx_peer_connection_t *pc,
    ngx_http_debar_way_t *way);
static ngx_connection_t *ngx_http_debar_parent_twin(ngx_connection_t *p,
    ngx_log_t *log);
static void ngx_http_debar_parent_done(ngx_debar_parent_ask_t *ask);
static ngx_int_t ngx_http_debar_parent_listen(ngx_connection_t *c);
static void ngx_http_debar_parent_close(ngx_http_debar_way_t *way);
static void ngx_http_debar_parent_cleanup(void *data);
static void ngx_http_debar_parent_fault(ngx_http_debar_pin_data_t *pd,
    const char *fault, const u_char *detail);
#endif


/* --- plain requests ------------------------------------------------------- */

ngx_int_t
ngx_http_debar_parent_request(ngx_http_request_t *r,
    ngx_http_debar_pin_data_t *pd)
{
    ngx_http_upstream_t  *u;

    u = pd->upstream;

#if (NGX_HTTP_SSL)
    if (u->ssl) {
        return NGX_OK;
    }
#endif

    if (ngx_http_debar_parent_rewrite(r, pd) != NGX_OK) {
        return NGX_ERROR;
    }

    pd->challenged = 1;

    return NGX_OK;
}


/* "GET /path" -> "GET http://host:port/path" (RFC 9112 s.3.2.2), and the
 * credentials behind the request line.  In one buffer, which a further try
 * sends from its start. */

static ngx_int_t
ngx_http_debar_parent_rewrite(ngx_http_request_t *r,
    ngx_http_debar_pin_data_t *pd)
{
    u_char               *p, *start, *last, *target, *eol;
    size_t                size;
    ngx_buf_t            *b;
    ngx_chain_t          *cl;
    ngx_debar_resolve_t  *rs;
    ngx_debar_parent_t   *parent;

    rs = &pd->ctx->resolve;
    parent = rs->parent;
    cl = pd->upstream->request_bufs;

    b = cl ? cl->buf : NULL;
    eol = b ? ngx_strlchr(b->pos, b->last, LF) : NULL;
    target = eol ? ngx_strlchr(b->pos, eol, ' ') : NULL;

    /* "PRI * HTTP/2.0": the preface of HTTP/2 (RFC 9113 s.3.4) */

    if (target == NULL
        || (target[1] != '/' && target[1] != '*')
        || ngx_strncmp(b->pos, "PRI ", 4) == 0)
    {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "debar_parent: what is no request of HTTP/1 with a path "
                      "cannot be sent to a parent proxy");
        return NGX_ERROR;
    }

    target++;
    eol++;

    size = b->last - b->pos + sizeof("http://") + NGX_DEBAR_PARENT_AUTHORITY
           + sizeof("Proxy-Authorization: " CRLF) + parent->authorization.len;

    p = ngx_pnalloc(r->pool, size);
    if (p == NULL) {
        return NGX_ERROR;
    }

    start = p;
    last = p + size;

    p = ngx_cpymem(p, b->pos, target - b->pos);
    p = ngx_cpymem(p, "http://", sizeof("http://") - 1);
    p = ngx_debar_parent_authority(p, rs->host, rs->port, 80);

    if (*target == '*') {
        target++;             /* RFC 9112 s.3.2.4: no path at all */
    }

    p = ngx_cpymem(p, target, eol - target);

    if (parent->authorization.len) {
        p = ngx_slprintf(p, last, "Proxy-Authorization: %V" CRLF,
                         &parent->authorization);
    }

    p = ngx_cpymem(p, eol, b->last - eol);

    b->start = start;
    b->pos = start;
    b->last = p;
    b->end = last;

    return NGX_OK;
}


/* RFC 9110 s.15.5.8: a 407 of the parent is for this gateway, not its client */

ngx_int_t
ngx_http_debar_parent_header(ngx_http_request_t *r,
    ngx_http_debar_pin_data_t *pd)
{
    if (pd->upstream->headers_in.status_n != NGX_HTTP_DEBAR_PROXY_AUTH) {
        return NGX_OK;
    }

    pd->ctx->fault = ngx_debar_parent_challenged(pd->ctx->resolve.parent);
    pd->ctx->fault_parent = 1;
    pd->stop = 1;

    ngx_log_error(NGX_LOG_WARN, r->connection->log, 0, "debar_parent %V: %s",
                  &pd->ctx->resolve.parent->name, pd->ctx->fault);

    return NGX_DECLINED;
}


/* --- requests inside TLS -------------------------------------------------- */

#if (NGX_HTTP_SSL)

ngx_int_t
ngx_http_debar_parent_get(ngx_peer_connection_t *pc,
    ngx_http_debar_pin_data_t *pd)
{
    ngx_int_t               rc;
    ngx_http_debar_way_t   *way;
    ngx_peer_connection_t  *peer;

    way = ngx_pcalloc(pd->request->pool, sizeof(ngx_http_debar_way_t));
    if (way == NULL) {
        return NGX_ERROR;
    }

    way->pin = pd;

    peer = &way->peer;

    peer->sockaddr = pc->sockaddr;
    peer->socklen = pc->socklen;
    peer->name = pc->name;
    peer->local = pc->local;
    peer->rcvbuf = pc->rcvbuf;
    peer->so_keepalive = pc->so_keepalive;
#if (NGX_HAVE_TRANSPARENT_PROXY)
    peer->transparent = pc->transparent;
#endif
    peer->get = ngx_event_get_peer;
    peer->log = pc->log;
    peer->log_error = pc->log_error;

    rc = ngx_event_connect_peer(peer);

    if (rc == NGX_DECLINED) {
        ngx_http_debar_parent_fault(pd, "the parent proxy took no connection",
                                    NULL);
        return rc;
    }

    if (rc != NGX_OK && rc != NGX_AGAIN) {
        return NGX_ERROR;
    }

    if (ngx_http_debar_parent_open(pc, way) != NGX_OK) {
        ngx_http_debar_parent_close(way);
        return NGX_ERROR;
    }

    return NGX_AGAIN;
}


static ngx_int_t
ngx_http_debar_parent_open(ngx_peer_connection_t *pc,
    ngx_http_debar_way_t *way)
{
    ngx_connection_t        *c;
    ngx_pool_cleanup_t      *cln;
    ngx_debar_parent_ask_t  *ask;

    ask = &way->ask;

    ask->parent = way->pin->ctx->resolve.parent;
    ask->connection = way->peer.connection;
    ask->pool = way->pin->request->pool;
    ask->host = way->pin->ctx->resolve.host;
    ask->port = way->pin->ctx->resolve.port;
    ask->handler = ngx_http_debar_parent_done;
    ask->data = way;

    if (ngx_debar_parent_ask(ask) != NGX_OK) {
        return NGX_ERROR;
    }

    c = ngx_http_debar_parent_twin(way->peer.connection, pc->log);
    if (c == NULL) {
        return NGX_ERROR;
    }

    /* whatever ends this connection ends the other one */

    cln = ngx_pool_cleanup_add(c->pool, 0);

    if (cln == NULL) {
        ngx_destroy_pool(c->pool);
        ngx_close_connection(c);
        return NGX_ERROR;
    }

    cln->handler = ngx_http_debar_parent_cleanup;
    cln->data = way;

    way->cleanup = cln;
    way->connection = c;
    way->pin->way = way;

    pc->connection = c;

    return NGX_OK;
}


/* A connection on a duplicate of a socket, of which no event is reported. */

static ngx_connection_t *
ngx_http_debar_parent_twin(ngx_connection_t *p, ngx_log_t *log)
{
    ngx_socket_t       s;
    ngx_connection_t  *c;

    s = fcntl(p->fd, F_DUPFD_CLOEXEC, 0);

    if (s == (ngx_socket_t) -1) {
        ngx_log_error(NGX_LOG_ALERT, log, ngx_socket_errno,
                      "dup() of a socket failed");
        return NULL;
    }

    c = ngx_get_connection(s, log);

    if (c == NULL) {
        (void) ngx_close_socket(s);
        return NULL;
    }

    c->type = p->type;
    c->recv = p->recv;
    c->send = p->send;
    c->recv_chain = p->recv_chain;
    c->send_chain = p->send_chain;
    c->sendfile = p->sendfile;
    c->log_error = p->log_error;
    c->number = p->number;
    c->start_time = p->start_time;
    c->read->log = log;
    c->write->log = log;

    c->pool = ngx_create_pool(128, log);

    if (c->pool == NULL) {
        ngx_close_connection(c);
        return NULL;
    }

    return c;
}


static void
ngx_http_debar_parent_done(ngx_debar_parent_ask_t *ask)
{
    ngx_http_debar_way_t  *way = ask->data;

    ngx_connection_t           *c;
    ngx_http_debar_pin_data_t  *pd;

    c = way->connection;
    pd = way->pin;

    pd->way = NULL;

    ngx_http_debar_parent_close(way);

    if (ask->rc != NGX_OK) {
        ngx_http_debar_parent_fault(pd, ask->fault, ask->detail);

        /* it said no, and would at another of its addresses */

        pd->stop = (ask->rc == NGX_DECLINED);

        /* by this the handshake fails, and nginx goes its way */

        (void) shutdown(c->fd, SHUT_RDWR);
    }

    if (ngx_http_debar_parent_listen(c) != NGX_OK) {
        (void) shutdown(c->fd, SHUT_RDWR);
    }

    c->write->ready = 1;
    ngx_post_event(c->write, &ngx_posted_events);
}


/* As ngx_event_connect_peer() does. */

static ngx_int_t
ngx_http_debar_parent_listen(ngx_connection_t *c)
{
    ngx_int_t  event;

    if (ngx_add_conn) {
        return ngx_add_conn(c);
    }

    event = (ngx_event_flags & NGX_USE_CLEAR_EVENT) ? NGX_CLEAR_EVENT
                                                    : NGX_LEVEL_EVENT;

    return ngx_add_event(c->read, NGX_READ_EVENT, event);
}


/*
 * epoll keeps an entry for as long as a duplicate of its socket is open.  The
 * connection that goes on may be kept for other requests.
 */

static void
ngx_http_debar_parent_close(ngx_http_debar_way_t *way)
{
    ngx_connection_t  *p;

    p = way->peer.connection;

    if (p == NULL) {
        return;
    }

    way->peer.connection = NULL;

    if (way->cleanup) {
        way->cleanup->handler = NULL;
    }

    if (ngx_del_conn) {
        (void) ngx_del_conn(p, 0);
    }

    ngx_close_connection(p);
}


static void
ngx_http_debar_parent_cleanup(void *data)
{
    ngx_http_debar_parent_close(data);
}


void
ngx_http_debar_parent_free(ngx_http_debar_pin_data_t *pd, ngx_uint_t state)
{
    if (pd->way == NULL) {
        return;
    }

    /* nginx's timer, or a client that went away, was first */

    ngx_http_debar_parent_close(pd->way);
    pd->way = NULL;

    if (state & NGX_PEER_FAILED) {
        ngx_http_debar_parent_fault(pd,
                                    "the parent proxy did not answer in time",
                                    NULL);
    }
}


static void
ngx_http_debar_parent_fault(ngx_http_debar_pin_data_t *pd, const char *fault,
    const u_char *detail)
{
    u_char                *p;
    size_t                 len;
    ngx_http_debar_ctx_t  *ctx;

    ctx = pd->ctx;

    ctx->fault = fault;
    ctx->fault_parent = 1;
    ngx_str_null(&ctx->fault_detail);

    len = detail ? ngx_strlen(detail) : 0;
    p = len ? ngx_pnalloc(pd->request->pool, len) : NULL;

    if (p) {
        ngx_memcpy(p, detail, len);
        ctx->fault_detail.data = p;
        ctx->fault_detail.len = len;
    }
}

#endif
