/*
 * Tunnels through a parent proxy: it was dialled in place of the origin, and is
 * asked to open the tunnel before the client has its 200.
 */

#include "ngx_stream_debar_front.h"


static void ngx_stream_debar_front_parent_done(ngx_debar_parent_ask_t *ask);
static const char *ngx_stream_debar_front_parent_reason(
    ngx_stream_debar_front_ctx_t *ctx);


void
ngx_stream_debar_front_parent(ngx_stream_debar_front_ctx_t *ctx)
{
    ngx_connection_t        *c;
    ngx_debar_parent_ask_t  *ask;

    c = ctx->session->connection;
    ask = &ctx->asked_parent;

    ngx_memzero(ask, sizeof(ngx_debar_parent_ask_t));

    ask->parent = ctx->resolve.parent;
    ask->connection = ctx->peer.connection;
    ask->pool = c->pool;
    ask->host = &ctx->host;
    ask->port = ctx->port;
    ask->handler = ngx_stream_debar_front_parent_done;
    ask->data = ctx;

    if (ngx_debar_parent_ask(ask) != NGX_OK) {
        ngx_stream_finalize_session(ctx->session,
                                    NGX_STREAM_INTERNAL_SERVER_ERROR);
        return;
    }

    c->log->action = "asking the parent proxy for a tunnel";
}


static void
ngx_stream_debar_front_parent_done(ngx_debar_parent_ask_t *ask)
{
    ngx_stream_debar_front_ctx_t  *ctx = ask->data;

    if (ask->connection->close) {
        ngx_stream_finalize_session(ctx->session, NGX_STREAM_OK);
        return;
    }

    if (ask->rc == NGX_OK) {
        ask->connection->data = ctx;

        ngx_stream_debar_front_connected(ctx);
        return;
    }

    if (ask->rc == NGX_ERROR) {

        /* another address of it may answer */

        ngx_stream_debar_front_failed(ctx);
        return;
    }

    ngx_stream_debar_front_no_parent(ctx);
}


void
ngx_stream_debar_front_no_parent(ngx_stream_debar_front_ctx_t *ctx)
{
    ngx_stream_debar_answer_t  an;

    ctx->next = 0;

    ngx_stream_debar_front_outcome(ctx, NGX_STREAM_BAD_GATEWAY);

    if (ctx->established) {
        ngx_stream_finalize_session(ctx->session, NGX_STREAM_BAD_GATEWAY);
        return;
    }

    ngx_memzero(&an, sizeof(ngx_stream_debar_answer_t));

    an.status = NGX_STREAM_BAD_GATEWAY;
    an.title = "The parent proxy opens no tunnel";
    an.detail = "This gateway reaches hosts through another proxy, which did "
                "not connect to this one.";
    an.reason = ngx_stream_debar_front_parent_reason(ctx);

    ngx_stream_debar_front_answer(ctx, &an);
}


static const char *
ngx_stream_debar_front_parent_reason(ngx_stream_debar_front_ctx_t *ctx)
{
    u_char                  *p;
    size_t                   size;
    ngx_debar_parent_ask_t  *ask;

    ask = &ctx->asked_parent;

    if (ask->fault == NULL) {
        return "the parent proxy took no connection";
    }

    if (ask->detail[0] == '\0') {
        return ask->fault;
    }

    size = ngx_strlen(ask->fault) + sizeof(": ") + sizeof(ask->detail);

    p = ngx_pnalloc(ctx->session->connection->pool, size);
    if (p == NULL) {
        return ask->fault;
    }

    (void) ngx_snprintf(p, size, "%s: %s%Z", ask->fault, ask->detail);

    return (const char *) p;
}
