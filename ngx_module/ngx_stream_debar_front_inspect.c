/*
 * What is inspected: 200 is said before the origin is dialled, for the origin
 * is a matter of the requests inside.  The leaf is asked for before, so that it
 * is there when the hello is; the connection then goes to the http listener,
 * which ends TLS with nothing of it consumed.
 */

#include "ngx_stream_debar_front.h"


#define NGX_STREAM_DEBAR_INTERNAL_ERROR  80


static ngx_uint_t ngx_stream_debar_front_spliced(
    ngx_stream_debar_front_ctx_t *ctx, const debar_host_t *host,
    in_port_t port);
static ngx_int_t ngx_stream_debar_front_ask(ngx_stream_debar_front_ctx_t *ctx,
    const debar_host_t *host);
static void ngx_stream_debar_front_asked(ngx_debar_leaf_ask_t *ask);
static void ngx_stream_debar_front_inspected(
    ngx_stream_debar_front_ctx_t *ctx);
static void ngx_stream_debar_front_no_leaf(ngx_stream_debar_front_ctx_t *ctx);


void
ngx_stream_debar_front_way(ngx_stream_debar_front_ctx_t *ctx, debar_facts_t *f,
    debar_verdict_t *v)
{
    ngx_stream_debar_srv_conf_t  *dscf;

    if (!ctx->inspect || v->host.len == 0
        || !ngx_stream_debar_front_spliced(ctx, &v->host, v->port))
    {
        return;
    }

    ctx->inspect = 0;
    f->inspecting = 0;

    if (v->inspect) {
        dscf = ngx_stream_get_module_srv_conf(ctx->session,
                                              ngx_stream_debar_module);

        debar_judge(dscf->list->list, f, v);
    }
}


static ngx_uint_t
ngx_stream_debar_front_spliced(ngx_stream_debar_front_ctx_t *ctx,
    const debar_host_t *host, in_port_t port)
{
    ngx_stream_debar_main_conf_t   *mcf;
    ngx_stream_debar_front_conf_t  *dfcf;

    dfcf = ngx_stream_get_module_srv_conf(ctx->session,
                                          ngx_stream_debar_front_module);
    mcf = ngx_stream_get_module_main_conf(ctx->session,
                                          ngx_stream_debar_module);

    ctx->learned = 0;

    if (ngx_debar_spliced(dfcf->splice, host)) {
        return 1;
    }

    if (mcf->http && mcf->http->learned) {
        ctx->learned = ngx_debar_learned(mcf->http->learned, host, port) ? 1
                                                                         : 0;
    }

    return ctx->learned;
}


void
ngx_stream_debar_front_inspect(ngx_stream_debar_front_ctx_t *ctx)
{
    ngx_stream_debar_answer_t  an;

    ctx->session->connection->log->action = "asking for a certificate to show";

    /* who is behind an address is known from the hello */

    if (ctx->host.type == DEBAR_HOST_NAME
        && ngx_stream_debar_front_ask(ctx, &ctx->host) == NGX_ERROR)
    {
        ngx_stream_debar_front_no_leaf(ctx);
        ngx_stream_debar_front_outcome(ctx, NGX_STREAM_SERVICE_UNAVAILABLE);

        ngx_memzero(&an, sizeof(ngx_stream_debar_answer_t));

        an.status = NGX_STREAM_SERVICE_UNAVAILABLE;
        an.title = "TLS cannot be inspected now";
        an.detail = "This gateway looks into the connections to this host, and "
                    "has no certificate to show for it.";
        an.reason = ctx->ask.error;

        ngx_stream_debar_front_answer(ctx, &an);
        return;
    }

    if (ngx_stream_debar_front_established(ctx) == NGX_OK) {
        ngx_stream_debar_front_hello(ctx);
    }
}


static ngx_int_t
ngx_stream_debar_front_ask(ngx_stream_debar_front_ctx_t *ctx,
    const debar_host_t *host)
{
    ngx_int_t                       rc;
    ngx_debar_leaf_ask_t           *ask;
    ngx_stream_debar_front_conf_t  *dfcf;

    dfcf = ngx_stream_get_module_srv_conf(ctx->session,
                                          ngx_stream_debar_front_module);
    ask = &ctx->ask;

    ngx_stream_debar_front_forget(ctx);

    ngx_memzero(ask, sizeof(ngx_debar_leaf_ask_t));

    ask->leaves = dfcf->leaves;
    ask->host = host;
    ask->log = ctx->session->connection->log;
    ask->handler = ngx_stream_debar_front_asked;
    ask->data = ctx;

    rc = ngx_debar_leaf_get(ask);

    ctx->asked = 1;

    if (rc == NGX_AGAIN) {
        ctx->asking = 1;
        return NGX_AGAIN;
    }

    ask->rc = rc;

    return rc;
}


static void
ngx_stream_debar_front_asked(ngx_debar_leaf_ask_t *ask)
{
    ngx_stream_debar_front_ctx_t  *ctx = ask->data;

    ctx->asking = 0;

    if (ctx->showing) {
        ngx_stream_debar_front_inspected(ctx);
    }
}


void
ngx_stream_debar_front_show(ngx_stream_debar_front_ctx_t *ctx)
{
    ngx_connection_t  *c;

    c = ctx->session->connection;

    if (!ctx->asked
        || ctx->ask.host->len != ctx->name.len
        || ngx_memcmp(ctx->ask.host->name, ctx->name.name, ctx->name.len) != 0)
    {
        (void) ngx_stream_debar_front_ask(ctx, &ctx->name);
    }

    if (!ctx->asking) {
        ngx_stream_debar_front_inspected(ctx);
        return;
    }

    ctx->showing = 1;

    c->log->action = "waiting for a certificate to show";
    c->read->handler = ngx_stream_debar_front_watch;
}


static void
ngx_stream_debar_front_inspected(ngx_stream_debar_front_ctx_t *ctx)
{
    ngx_debar_front_t              *front;
    ngx_stream_debar_front_conf_t  *dfcf;

    if (ctx->ask.rc != NGX_OK) {
        ngx_stream_debar_front_no_leaf(ctx);
        ngx_stream_debar_front_outcome(ctx, NGX_STREAM_SERVICE_UNAVAILABLE);
        ngx_stream_debar_front_alert(ctx, NGX_STREAM_DEBAR_INTERNAL_ERROR,
                                     NGX_STREAM_SERVICE_UNAVAILABLE);
        return;
    }

    dfcf = ngx_stream_get_module_srv_conf(ctx->session,
                                          ngx_stream_debar_front_module);

    front = &ctx->front;

    front->kind = NGX_DEBAR_FRONT_INSPECTED;
    front->dial = &ctx->host;
    front->name = &ctx->name;
    front->port = ctx->port;
    front->user = ctx->user;

    front->leaf = ctx->ask.leaf;
    ctx->ask.leaf = NULL;

    ngx_stream_debar_front_pass(ctx->session, dfcf->inspect);
}


static void
ngx_stream_debar_front_no_leaf(ngx_stream_debar_front_ctx_t *ctx)
{
    ngx_log_error(NGX_LOG_ERR, ctx->session->connection->log, 0,
                  "debar_front: no certificate to show for \"%s\": %s",
                  ctx->ask.host->name,
                  ctx->ask.error ? ctx->ask.error : "no reason given");
}


void
ngx_stream_debar_front_plain(ngx_stream_debar_front_ctx_t *ctx)
{
    ngx_debar_front_t              *front;
    ngx_stream_debar_front_conf_t  *dfcf;

    dfcf = ngx_stream_get_module_srv_conf(ctx->session,
                                          ngx_stream_debar_front_module);

    ngx_stream_debar_front_forget(ctx);

    front = &ctx->front;

    front->kind = NGX_DEBAR_FRONT_TUNNELLED;
    front->dial = &ctx->host;
    front->name = &ctx->host;
    front->port = ctx->port;
    front->user = ctx->user;

    ngx_stream_debar_front_pass(ctx->session, dfcf->http);
}


/* What was asked for, and what was handed over with the connection. */

void
ngx_stream_debar_front_forget(ngx_stream_debar_front_ctx_t *ctx)
{
    if (ctx->asking) {
        ctx->asking = 0;
        ngx_debar_leaf_cancel(&ctx->ask);
    }

    ngx_debar_leaf_free(ctx->ask.leaf);
    ctx->ask.leaf = NULL;

    ngx_debar_leaf_free(ctx->front.leaf);
    ctx->front.leaf = NULL;

    ctx->asked = 0;
}
