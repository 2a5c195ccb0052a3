/*
 * The first bytes in a tunnel: a ClientHello, whose server name is judged and
 * must agree with the authority of the CONNECT; plain HTTP, where requests are
 * inspected; anything else by policy.  Nothing has been consumed when the
 * connection is handed on.
 */

#include "ngx_stream_debar_front.h"


#define NGX_STREAM_DEBAR_ACCESS_DENIED      49
#define NGX_STREAM_DEBAR_DECODE_ERROR       50
#define NGX_STREAM_DEBAR_UNRECOGNIZED_NAME  112


static void ngx_stream_debar_front_first(ngx_event_t *rev);
static void ngx_stream_debar_front_judge_hello(
    ngx_stream_debar_front_ctx_t *ctx, const debar_hello_t *h);
static const char *ngx_stream_debar_front_hello_fault(
    ngx_stream_debar_front_ctx_t *ctx, const debar_hello_t *h,
    const debar_verdict_t *v);
static void ngx_stream_debar_front_bad_hello(
    ngx_stream_debar_front_ctx_t *ctx, const char *fault, ngx_uint_t alert);
static void ngx_stream_debar_front_other(ngx_stream_debar_front_ctx_t *ctx,
    int what, size_t n, const char *fault);
static void ngx_stream_debar_front_policy(debar_verdict_t *v,
    ngx_uint_t action, const char *fault);
static void ngx_stream_debar_front_settle(ngx_stream_debar_front_ctx_t *ctx,
    debar_str_t url, debar_verdict_t *v, ngx_uint_t alert);


static const struct {
    const char  *fault;
    ngx_uint_t   never;                  /* the policy does not matter */
} ngx_stream_debar_others[] = {
    { "no TLS in the tunnel", 0 },
    { "no TLS in the tunnel", 0 },
    { "plain HTTP in the tunnel: it goes to the proxy itself", 0 },
    { "plain HTTP/2 in the tunnel", 0 },
    { "a CONNECT in the tunnel of another", 1 },
    { "SSH in the tunnel", 0 }
};


void
ngx_stream_debar_front_hello(ngx_stream_debar_front_ctx_t *ctx)
{
    ngx_connection_t               *c;
    ngx_stream_debar_front_conf_t  *dfcf;

    c = ctx->session->connection;
    dfcf = ngx_stream_get_module_srv_conf(ctx->session,
                                          ngx_stream_debar_front_module);

    c->log->action = "waiting for the first bytes in a tunnel";
    c->read->handler = ngx_stream_debar_front_first;

    ctx->started = ngx_debar_clock();

    ngx_add_timer(c->read, dfcf->hello_timeout);

    ngx_stream_debar_front_first(c->read);
}


static void
ngx_stream_debar_front_first(ngx_event_t *rev)
{
    int                             rc, other;
    ssize_t                         n;
    debar_hello_t                   h;
    ngx_connection_t               *c;
    ngx_stream_debar_front_ctx_t   *ctx;
    ngx_stream_debar_main_conf_t   *mcf;

    c = rev->data;
    ctx = ngx_stream_debar_front_ctx(c);

    if (c->close) {
        ngx_stream_finalize_session(ctx->session, NGX_STREAM_OK);
        return;
    }

    mcf = ngx_stream_get_module_main_conf(ctx->session,
                                          ngx_stream_debar_module);

    n = ngx_stream_debar_front_peek(c, mcf->peeked, NGX_STREAM_DEBAR_PEEK);

    if (n == NGX_ERROR) {
        return;
    }

    other = DEBAR_OTHER_MORE;

    if (n == NGX_AGAIN) {
        rc = DEBAR_HELLO_MORE;

    } else {
        rc = debar_hello_parse(&h, mcf->peeked, n, mcf->hello);

        if (rc == DEBAR_HELLO_NOT_TLS) {
            other = debar_hello_other(mcf->peeked, n);
        }
    }

    if ((rc == DEBAR_HELLO_MORE
         || (rc == DEBAR_HELLO_NOT_TLS && other == DEBAR_OTHER_MORE))
        && n < NGX_STREAM_DEBAR_PEEK)
    {
        if (!rev->timedout) {
            if (n == NGX_AGAIN) {
                ngx_reusable_connection(c, 1);

            } else {
                ngx_stream_debar_front_wait(c);
            }

            return;
        }

        if (n != NGX_AGAIN && rc == DEBAR_HELLO_MORE) {
            ngx_stream_debar_front_bad_hello(ctx, "a ClientHello that was not "
                                             "finished in time",
                                             NGX_STREAM_DEBAR_DECODE_ERROR);
            return;
        }

        ngx_stream_debar_front_other(ctx, DEBAR_OTHER_UNKNOWN, 0,
                                     n == NGX_AGAIN
                                     ? "nothing came from the client" : NULL);
        return;
    }

    switch (rc) {

    case DEBAR_HELLO_OK:
        ngx_stream_debar_front_judge_hello(ctx, &h);
        return;

    case DEBAR_HELLO_NOT_TLS:
        ngx_stream_debar_front_other(ctx, other, n, NULL);
        return;

    case DEBAR_HELLO_SSLV2:
        ngx_stream_debar_front_bad_hello(ctx, "an SSLv2 ClientHello",
                                         NGX_STREAM_DEBAR_DECODE_ERROR);
        return;

    case DEBAR_HELLO_BAD:
        ngx_stream_debar_front_bad_hello(ctx, h.fault ? h.fault
                                         : "a malformed ClientHello",
                                         NGX_STREAM_DEBAR_DECODE_ERROR);
        return;

    default:
        ngx_stream_debar_front_bad_hello(ctx, "a ClientHello longer than is "
                                         "read",
                                         NGX_STREAM_DEBAR_DECODE_ERROR);
    }
}


static void
ngx_stream_debar_front_judge_hello(ngx_stream_debar_front_ctx_t *ctx,
    const debar_hello_t *h)
{
    ngx_uint_t                      alert;
    const char                     *fault;
    debar_str_t                     url;
    debar_facts_t                   f;
    debar_verdict_t                *v;
    ngx_stream_debar_srv_conf_t    *dscf;
    ngx_stream_debar_main_conf_t   *mcf;
    ngx_stream_debar_front_conf_t  *dfcf;

    dscf = ngx_stream_get_module_srv_conf(ctx->session,
                                          ngx_stream_debar_module);
    dfcf = ngx_stream_get_module_srv_conf(ctx->session,
                                          ngx_stream_debar_front_module);
    mcf = ngx_stream_get_module_main_conf(ctx->session,
                                          ngx_stream_debar_module);
    v = mcf->scratch;

    ngx_stream_debar_front_facts(ctx, &f);

    url = ctx->head.authority;

    if (h->sni_len) {
        url = debar_str(h->sni, ngx_strlen(h->sni));

        f.authority = url;
        f.nhosts = 0;
        f.more_hosts = 0;
    }

    if (dscf->list->list) {
        debar_judge(dscf->list->list, &f, v);

    } else {
        ngx_http_debar_unjudged(&f, v);
    }

    fault = ngx_stream_debar_front_hello_fault(ctx, h, v);

    if (fault) {
        ngx_stream_debar_front_policy(v, DEBAR_REJECT, fault);

    } else if (h->sni_len == 0) {
        ngx_stream_debar_front_policy(v, dfcf->no_sni,
                                      "a ClientHello without a server name");
    }

    /* where TLS is ended here, nobody can read what is encrypted for others */

    if ((h->ech == 1 || h->esni) && !ctx->inspect) {
        ngx_stream_debar_front_policy(v, dfcf->ech,
                                      "an encrypted server name");
    }

    if (ctx->inspect) {
        ctx->name = v->host;
    }

    alert = (v->verdict == DEBAR_BLOCK) ? NGX_STREAM_DEBAR_ACCESS_DENIED
                                        : NGX_STREAM_DEBAR_UNRECOGNIZED_NAME;

    ngx_stream_debar_front_settle(ctx, url, v, alert);
}


/* What no policy lets through; v->host is that of the server name. */

static const char *
ngx_stream_debar_front_hello_fault(ngx_stream_debar_front_ctx_t *ctx,
    const debar_hello_t *h, const debar_verdict_t *v)
{
    ngx_stream_debar_front_conf_t  *dfcf;

    dfcf = ngx_stream_get_module_srv_conf(ctx->session,
                                          ngx_stream_debar_front_module);

    if (h->nnames > 1) {
        return "two server names in a ClientHello";
    }

    if (h->sni_nul) {
        return "a server name with a NUL";
    }

    if (h->ech > 1) {
        return "an inner ClientHello outside";
    }

    if (h->sni_len == 0) {
        return ctx->host.type == DEBAR_HOST_ADDRESS && !ctx->inspect
               ? "an address in CONNECT and no server name" : NULL;
    }

    if (v->verdict == DEBAR_REJECT || v->host.len == 0) {
        return NULL;                     /* refused already */
    }

    if (v->port) {
        return "a port in a server name";
    }

    if (v->host.len == ctx->host.len
        && ngx_memcmp(v->host.name, ctx->host.name, v->host.len) == 0)
    {
        return NULL;
    }

    /* the name says more than an address: it decides */

    if (ctx->host.type == DEBAR_HOST_ADDRESS
        && v->host.type == DEBAR_HOST_NAME)
    {
        /*
         * Never decrypted, and a tunnel to any address whatever if it were
         * spliced: only a CONNECT by its name is sure to lead there.
         */

        return (ctx->inspect && ngx_debar_spliced(dfcf->splice, &v->host))
               ? "an address in CONNECT and the name of a host that is not "
                 "inspected" : NULL;
    }

    return "CONNECT and the server name disagree";
}


static void
ngx_stream_debar_front_bad_hello(ngx_stream_debar_front_ctx_t *ctx,
    const char *fault, ngx_uint_t alert)
{
    debar_verdict_t               *v;
    ngx_stream_debar_main_conf_t  *mcf;

    mcf = ngx_stream_get_module_main_conf(ctx->session,
                                          ngx_stream_debar_module);
    v = mcf->scratch;

    ngx_stream_debar_none(v);
    v->fault = fault;

    ngx_stream_debar_front_settle(ctx, ctx->head.authority, v, alert);
}


void
ngx_stream_debar_front_server_first(ngx_stream_debar_front_ctx_t *ctx)
{
    ngx_stream_debar_front_other(ctx, DEBAR_OTHER_UNKNOWN, 0,
                                 "the server speaks first: no TLS");
}


/* n: bytes of it that were peeked at. */

static void
ngx_stream_debar_front_other(ngx_stream_debar_front_ctx_t *ctx, int what,
    size_t n, const char *fault)
{
    ngx_uint_t                      action;
    debar_list_t                   *list;
    debar_verdict_t                *v;
    ngx_stream_debar_srv_conf_t    *dscf;
    ngx_stream_debar_main_conf_t   *mcf;
    ngx_stream_debar_front_conf_t  *dfcf;

    dscf = ngx_stream_get_module_srv_conf(ctx->session,
                                          ngx_stream_debar_module);
    dfcf = ngx_stream_get_module_srv_conf(ctx->session,
                                          ngx_stream_debar_front_module);
    mcf = ngx_stream_get_module_main_conf(ctx->session,
                                          ngx_stream_debar_module);
    v = mcf->scratch;

    if (ctx->inspect && what == DEBAR_OTHER_HTTP) {
        ngx_stream_debar_front_plain(ctx);
        return;
    }

    list = dscf->list->list;

    if (list && (what == DEBAR_OTHER_HTTP || what == DEBAR_OTHER_CONNECT)) {

        /* the hosts that it names; with none listed the policy decides */

        debar_judge_refused(list, mcf->peeked, ngx_min(n, DEBAR_MAX_HEAD),
                            NULL, ngx_time(), v);

        if (v->verdict == DEBAR_REJECT) {
            v->verdict = DEBAR_PASS;
        }

        v->host = ctx->host;

    } else {
        ngx_stream_debar_none(v);
        v->verdict = DEBAR_PASS;
    }

    action = dfcf->other;

    if (ngx_stream_debar_others[what].never) {
        action = DEBAR_REJECT;
    }

    if (fault == NULL) {
        fault = ngx_stream_debar_others[what].fault;
    }

    /* what passes is recorded all the same; monitor mode suspends no policy */

    ngx_stream_debar_front_policy(v, action == DEBAR_PASS ? DEBAR_LOG : action,
                                  fault);

    if (v->verdict == DEBAR_BLOCK && action != DEBAR_PASS) {
        v->fault = fault;
    }

    if (v->verdict >= DEBAR_REJECT
        && (what == DEBAR_OTHER_HTTP || what == DEBAR_OTHER_CONNECT))
    {
        /* it reads an answer of HTTP */

        ngx_stream_debar_front_settle(ctx, ctx->head.authority, v, 0);
        return;
    }

    ngx_stream_debar_front_settle(ctx, ctx->head.authority, v,
                                  NGX_STREAM_DEBAR_ACCESS_DENIED);
}


static void
ngx_stream_debar_front_policy(debar_verdict_t *v, ngx_uint_t action,
    const char *fault)
{
    unsigned  verdict;

    verdict = (action >= DEBAR_REJECT) ? DEBAR_REJECT : action;

    if (v->verdict < verdict) {
        v->verdict = verdict;
        v->fault = fault;
    }
}


/* alert 0: an answer of HTTP. */

static void
ngx_stream_debar_front_settle(ngx_stream_debar_front_ctx_t *ctx,
    debar_str_t url, debar_verdict_t *v, ngx_uint_t alert)
{
    ngx_int_t                       rc;
    ngx_event_t                    *rev;
    ngx_connection_t               *c;
    ngx_stream_debar_answer_t       an;
    ngx_stream_debar_main_conf_t   *mcf;
    ngx_stream_debar_front_conf_t  *dfcf;

    c = ctx->session->connection;
    rev = c->read;

    if (rev->timer_set) {
        ngx_del_timer(rev);
    }

    rev->timedout = 0;
    ngx_reusable_connection(c, 0);

    dfcf = ngx_stream_get_module_srv_conf(ctx->session,
                                          ngx_stream_debar_front_module);
    mcf = ngx_stream_get_module_main_conf(ctx->session,
                                          ngx_stream_debar_module);

    /* what passes was counted as a CONNECT */

    if (v->verdict != DEBAR_PASS && mcf->http) {
        ngx_http_debar_count(mcf->http, v->verdict);
    }

    rc = ngx_stream_debar_front_record(ctx, "tls", url, v);

    if (rc == NGX_OK && !ngx_stream_debar_front_refused(ctx, v)) {

        if (v->verdict == DEBAR_BLOCK && mcf->http) {
            ngx_http_debar_count(mcf->http, NGX_HTTP_DEBAR_N_SUSPENDED);
        }

        if (!ctx->inspect) {
            c->log->action = NULL;
            ngx_stream_debar_front_pass(ctx->session, dfcf->tunnel);

        } else if (ctx->name.type) {
            ngx_stream_debar_front_show(ctx);

        } else {
            ngx_stream_debar_front_dial(ctx);
        }

        return;
    }

    if (alert || rc != NGX_OK) {
        ngx_stream_debar_front_alert(ctx, alert ? alert
                                     : NGX_STREAM_DEBAR_ACCESS_DENIED,
                                     NGX_STREAM_FORBIDDEN);
        return;
    }

    ngx_memzero(&an, sizeof(ngx_stream_debar_answer_t));

    an.status = NGX_STREAM_FORBIDDEN;
    an.title = "Only TLS goes through a tunnel";
    an.detail = "A request of plain HTTP goes to the proxy itself, which "
                "judges it.";
    an.reason = v->fault;
    an.verdict = v;

    ngx_stream_debar_front_answer(ctx, &an);
}
