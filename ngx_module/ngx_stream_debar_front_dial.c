/*
 * The origin is dialled before the 200, where it is spliced: an honest 502 is
 * still possible then.  The connection made goes to stock proxy_pass by an
 * upstream whose peer is connected already (upstream NAME { debar_tunnel; }).
 */

#include "ngx_stream_debar_front.h"


static void ngx_stream_debar_front_dialled(ngx_event_t *ev);
static void ngx_stream_debar_front_origin(ngx_event_t *rev);
static ngx_int_t ngx_stream_debar_tunnel_init_upstream(ngx_conf_t *cf,
    ngx_stream_upstream_srv_conf_t *us);
static ngx_int_t ngx_stream_debar_tunnel_init_peer(ngx_stream_session_t *s,
    ngx_stream_upstream_srv_conf_t *us);
static ngx_int_t ngx_stream_debar_tunnel_get(ngx_peer_connection_t *pc,
    void *data);
static void ngx_stream_debar_tunnel_free(ngx_peer_connection_t *pc, void *data,
    ngx_uint_t state);


static const char  ngx_stream_debar_established[] =
    "HTTP/1.1 200 Connection established" CRLF;


void
ngx_stream_debar_front_dial(ngx_stream_debar_front_ctx_t *ctx)
{
    ngx_int_t                       rc;
    ngx_connection_t               *c, *pc;
    ngx_debar_addr_t               *addr;
    ngx_stream_debar_answer_t       an;
    ngx_stream_debar_front_conf_t  *dfcf;

    c = ctx->session->connection;
    dfcf = ngx_stream_get_module_srv_conf(ctx->session,
                                          ngx_stream_debar_front_module);

    c->log->action = "connecting to the origin of a CONNECT";
    c->read->handler = ngx_stream_debar_front_watch;

    for ( /* void */ ; ctx->next < ctx->resolve.naddrs; ctx->next++) {

        addr = &ctx->resolve.addrs[ctx->next];

        ngx_memzero(&ctx->peer, sizeof(ngx_peer_connection_t));

        ctx->peer.sockaddr = addr->sockaddr;
        ctx->peer.socklen = addr->socklen;
        ctx->peer.name = &addr->text;
        ctx->peer.get = ngx_event_get_peer;
        ctx->peer.log = c->log;
        ctx->peer.log_error = NGX_ERROR_INFO;

        rc = ngx_event_connect_peer(&ctx->peer);

        pc = ctx->peer.connection;

        if (rc != NGX_OK && rc != NGX_AGAIN) {
            if (rc == NGX_DECLINED) {
                ngx_debar_resolve_mark_failed(&ctx->resolve, addr->addr);
            }

            if (pc) {
                ngx_close_connection(pc);
                ctx->peer.connection = NULL;
            }

            continue;
        }

        pc->data = ctx;
        pc->read->handler = ngx_stream_debar_front_dialled;
        pc->write->handler = ngx_stream_debar_front_dialled;

        if (rc == NGX_OK && ctx->resolve.parent == NULL) {
            ngx_stream_debar_front_connected(ctx);
            return;
        }

        ngx_add_timer(pc->write, dfcf->connect_timeout);

        if (c->read->ready) {
            ngx_post_event(c->read, &ngx_posted_events);
        }

        if (ctx->resolve.parent) {
            ngx_stream_debar_front_parent(ctx);
        }

        return;
    }

    if (ctx->resolve.parent) {
        ngx_stream_debar_front_no_parent(ctx);
        return;
    }

    ctx->next = 0;

    ngx_stream_debar_front_outcome(ctx, NGX_STREAM_BAD_GATEWAY);

    if (ctx->established) {

        /* too late for an answer that a client of no TLS would read */

        ngx_stream_finalize_session(ctx->session, NGX_STREAM_BAD_GATEWAY);
        return;
    }

    ngx_memzero(&an, sizeof(ngx_stream_debar_answer_t));

    an.status = NGX_STREAM_BAD_GATEWAY;
    an.title = "The host does not answer";
    an.detail = "No address of the host took a connection.";

    ngx_stream_debar_front_answer(ctx, &an);
}


static void
ngx_stream_debar_front_dialled(ngx_event_t *ev)
{
    int                            err;
    socklen_t                      len;
    ngx_connection_t              *pc;
    ngx_stream_debar_front_ctx_t  *ctx;

    pc = ev->data;
    ctx = pc->data;

    if (pc->close) {
        ngx_stream_finalize_session(ctx->session, NGX_STREAM_OK);
        return;
    }

    if (ev->timedout) {
        ngx_log_error(NGX_LOG_INFO, pc->log, NGX_ETIMEDOUT,
                      "debar_front: %V timed out", ctx->peer.name);
        ngx_stream_debar_front_failed(ctx);
        return;
    }

    err = 0;
    len = sizeof(int);

    if (getsockopt(pc->fd, SOL_SOCKET, SO_ERROR, (void *) &err, &len) == -1) {
        err = ngx_socket_errno;
    }

    if (err) {
        (void) ngx_connection_error(pc, err, "connect() failed");
        ngx_stream_debar_front_failed(ctx);
        return;
    }

    ngx_stream_debar_front_connected(ctx);
}


void
ngx_stream_debar_front_failed(ngx_stream_debar_front_ctx_t *ctx)
{
    ngx_debar_resolve_mark_failed(&ctx->resolve,
                                  ctx->resolve.addrs[ctx->next].addr);

    ngx_close_connection(ctx->peer.connection);
    ctx->peer.connection = NULL;

    ctx->next++;

    ngx_stream_debar_front_dial(ctx);
}


void
ngx_stream_debar_front_connected(ngx_stream_debar_front_ctx_t *ctx)
{
    ngx_connection_t               *pc;
    ngx_stream_debar_front_conf_t  *dfcf;

    pc = ctx->peer.connection;

    if (pc->write->timer_set) {
        ngx_del_timer(pc->write);
    }

    pc->read->handler = ngx_stream_debar_front_origin;
    pc->write->handler = ngx_stream_debar_front_empty;

    if (ctx->established) {

        /* policy lets through what cannot be inspected */

        dfcf = ngx_stream_get_module_srv_conf(ctx->session,
                                              ngx_stream_debar_front_module);

        ctx->session->connection->log->action = NULL;
        ngx_stream_debar_front_pass(ctx->session, dfcf->tunnel);
        return;
    }

    if (ngx_stream_debar_front_established(ctx) != NGX_OK) {
        return;
    }

    if (pc->read->ready) {
        ngx_post_event(pc->read, &ngx_posted_events);
    }

    ngx_stream_debar_front_hello(ctx);
}


ngx_int_t
ngx_stream_debar_front_established(ngx_stream_debar_front_ctx_t *ctx)
{
    u_char             out[NGX_DEBAR_USER_REPLY + 128], *p;
    ssize_t            n;
    ngx_connection_t  *c;

    c = ctx->session->connection;

    p = ngx_cpymem(out, ngx_stream_debar_established,
                   sizeof(ngx_stream_debar_established) - 1);

    if (ctx->reply.len) {
        p = ngx_slprintf(p, out + sizeof(out), "Proxy-Authenticate: %V" CRLF,
                         &ctx->reply);
    }

    *p++ = CR;
    *p++ = LF;

    n = c->send(c, out, p - out);

    if (n != p - out) {
        ngx_stream_finalize_session(ctx->session, NGX_STREAM_OK);
        return NGX_ERROR;
    }

    ctx->established = 1;

    return NGX_OK;
}


/*
 * The origin ends the connection, or speaks first, which no server of TLS does.
 * What it said stays where it is, and the event as ready as it was.
 */

static void
ngx_stream_debar_front_origin(ngx_event_t *rev)
{
    u_char                         byte;
    ssize_t                        n;
    ngx_connection_t              *pc;
    ngx_stream_debar_front_ctx_t  *ctx;

    pc = rev->data;
    ctx = pc->data;

    if (pc->close) {
        ngx_stream_finalize_session(ctx->session, NGX_STREAM_OK);
        return;
    }

    n = recv(pc->fd, &byte, 1, MSG_PEEK);

    if (n == -1 && ngx_socket_errno == NGX_EAGAIN) {
        rev->ready = 0;

        if (ngx_handle_read_event(rev, 0) == NGX_OK) {
            return;
        }
    }

    if (n > 0) {
        ngx_stream_debar_front_server_first(ctx);
        return;
    }

    ngx_stream_finalize_session(ctx->session, NGX_STREAM_OK);
}


void
ngx_stream_debar_front_watch(ngx_event_t *rev)
{
    u_char             byte;
    ssize_t            n;
    ngx_connection_t  *c;

    c = rev->data;

    if (c->close) {
        ngx_stream_finalize_session(c->data, NGX_STREAM_OK);
        return;
    }

    n = recv(c->fd, &byte, 1, MSG_PEEK);

    if (n == 0 || (n == -1 && ngx_socket_errno != NGX_EAGAIN)) {
        ngx_stream_finalize_session(c->data, NGX_STREAM_OK);
        return;
    }

    if (n == -1) {
        rev->ready = 0;
    }

    if (ngx_handle_read_event(rev, 0) != NGX_OK) {
        ngx_stream_finalize_session(c->data, NGX_STREAM_INTERNAL_SERVER_ERROR);
    }
}


/* upstream NAME { debar_tunnel; } */

char *
ngx_stream_debar_tunnel(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_stream_upstream_server_t    *us;
    ngx_stream_upstream_srv_conf_t  *uscf;

    uscf = ngx_stream_conf_get_module_srv_conf(cf, ngx_stream_upstream_module);

    if (uscf->peer.init_upstream || uscf->servers->nelts) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"debar_tunnel\" must stand alone in an upstream "
                           "block: the connection is the one that the front "
                           "has made");
        return NGX_CONF_ERROR;
    }

    uscf->peer.init_upstream = ngx_stream_debar_tunnel_init_upstream;

    /* a block without a server is refused by nginx */

    us = ngx_array_push(uscf->servers);
    if (us == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(us, sizeof(ngx_stream_upstream_server_t));

    ngx_str_set(&us->name, "debar_tunnel");
    us->down = 1;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_stream_debar_tunnel_init_upstream(ngx_conf_t *cf,
    ngx_stream_upstream_srv_conf_t *us)
{
    if (us->servers->nelts != 1) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"server\" and \"debar_tunnel\" exclude each other in "
                      "upstream \"%V\" in %s:%ui",
                      &us->host, us->file_name, us->line);
        return NGX_ERROR;
    }

    us->peer.init = ngx_stream_debar_tunnel_init_peer;

    return NGX_OK;
}


static ngx_int_t
ngx_stream_debar_tunnel_init_peer(ngx_stream_session_t *s,
    ngx_stream_upstream_srv_conf_t *us)
{
    ngx_stream_debar_front_ctx_t  *ctx;

    ctx = ngx_stream_debar_front_ctx(s->connection);

    if (ctx == NULL || ctx->peer.connection == NULL) {
        ngx_log_error(NGX_LOG_ERR, s->connection->log, 0,
                      "debar_tunnel: no front has made a connection for this "
                      "client; upstream \"%V\" is for a virtual listen alone",
                      &us->host);
        return NGX_ERROR;
    }

    s->upstream->peer.data = ctx;
    s->upstream->peer.get = ngx_stream_debar_tunnel_get;
    s->upstream->peer.free = ngx_stream_debar_tunnel_free;
    s->upstream->peer.tries = 1;

    return NGX_OK;
}


static ngx_int_t
ngx_stream_debar_tunnel_get(ngx_peer_connection_t *pc, void *data)
{
    ngx_stream_debar_front_ctx_t  *ctx = data;

    if (ctx->peer.connection == NULL) {
        return NGX_BUSY;
    }

    pc->sockaddr = ctx->peer.sockaddr;
    pc->socklen = ctx->peer.socklen;
    pc->name = ctx->peer.name;
    pc->cached = 0;

    /* from here on the proxy's, to close too */

    pc->connection = ctx->peer.connection;
    ctx->peer.connection = NULL;

    return NGX_DONE;
}


static void
ngx_stream_debar_tunnel_free(ngx_peer_connection_t *pc, void *data,
    ngx_uint_t state)
{
    if (pc->tries) {
        pc->tries--;
    }
}
