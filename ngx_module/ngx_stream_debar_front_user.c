/*
 * Who asks for a tunnel.  A 407 leaves the connection open (RFC 9110 s.15.5.8
 * has the client try again), and the front peeks at what comes next as if the
 * client had just connected.
 */

#include "ngx_stream_debar_front.h"


#define NGX_STREAM_DEBAR_CHALLENGES  8   /* on one connection */


static void ngx_stream_debar_front_login_failed(
    ngx_stream_debar_front_ctx_t *ctx);
static void ngx_stream_debar_front_challenge(
    ngx_stream_debar_front_ctx_t *ctx);


ngx_int_t
ngx_stream_debar_front_login(ngx_stream_debar_front_ctx_t *ctx)
{
    ngx_int_t                       rc;
    ngx_connection_t               *c;
    ngx_debar_login_t               login;
    ngx_stream_debar_answer_t       an;
    ngx_stream_debar_front_conf_t  *dfcf;

    c = ctx->session->connection;
    dfcf = ngx_stream_get_module_srv_conf(ctx->session,
                                          ngx_stream_debar_front_module);

    if (!ngx_debar_users_on(&dfcf->users) || ctx->front.user.len) {
        ctx->user = ctx->front.user;
        return NGX_OK;
    }

    rc = ngx_debar_user(&dfcf->users, c->pool, c->log,
                        ctx->head.authorization, ctx->head.nauthorization,
                        &login);

    if (rc == NGX_OK) {
        ctx->user = login.user;
        ctx->front.user = login.user;
        ctx->reply = login.reply;
        return NGX_OK;
    }

    if (rc == NGX_DECLINED) {
        if (login.tried) {
            ctx->user = login.user;
            ngx_stream_debar_front_login_failed(ctx);
            ngx_str_null(&ctx->user);
        }

        ngx_stream_debar_front_challenge(ctx);
        return NGX_DONE;
    }

    ngx_memzero(&an, sizeof(ngx_stream_debar_answer_t));

    an.status = 500;
    an.title = "The gateway failed";
    an.detail = "It cannot tell who its users are.";

    ngx_stream_debar_front_answer(ctx, &an);

    return NGX_DONE;
}


/* One line a second at most: see ngx_debar_user_refused(). */

static void
ngx_stream_debar_front_login_failed(ngx_stream_debar_front_ctx_t *ctx)
{
    debar_verdict_t               *v;
    ngx_stream_debar_main_conf_t  *mcf;

    mcf = ngx_stream_get_module_main_conf(ctx->session,
                                          ngx_stream_debar_module);
    v = mcf->scratch;

    if (mcf->http) {
        ngx_http_debar_count(mcf->http, DEBAR_REJECT);
    }

    if (!ngx_debar_user_refused(mcf->http ? &mcf->http->refused
                                          : &mcf->refused,
                                ctx->session->connection->sockaddr))
    {
        return;
    }

    ngx_stream_debar_none(v);
    v->fault = "credentials refused";

    (void) ngx_stream_debar_front_record(ctx, "connect", ctx->head.authority,
                                         v);
}


static void
ngx_stream_debar_front_challenge(ngx_stream_debar_front_ctx_t *ctx)
{
    ngx_stream_debar_answer_t  an;

    ngx_memzero(&an, sizeof(ngx_stream_debar_answer_t));

    an.status = 407;
    an.title = "Who are you?";
    an.detail = "This gateway lets users through whom it knows.";

    /* HTTP/1.0 has no connection that stays unless both say so */

    an.keep = ctx->head.minor
              && ++ctx->challenges < NGX_STREAM_DEBAR_CHALLENGES;

    ngx_stream_debar_front_answer(ctx, &an);
}
