/*
 * PREACCESS: gathers the facts, judges them, has the name resolved, checks
 * every address and pins them for the upstream.  A request whose name must be
 * asked for comes here twice, and is judged twice: the list may have changed.
 */

#include "ngx_http_debar_response.h"
#include "ngx_http_debar_download.h"


static ngx_int_t ngx_http_debar_no_list(ngx_http_request_t *r,
    ngx_http_debar_ctx_t *ctx, ngx_uint_t expired);
static ngx_int_t ngx_http_debar_judge(ngx_http_request_t *r,
    ngx_http_debar_ctx_t *ctx);
static ngx_uint_t ngx_http_debar_place(ngx_http_request_t *r,
    ngx_http_debar_ctx_t *ctx, const debar_facts_t *f, debar_verdict_t *v);
static ngx_uint_t ngx_http_debar_upgrade(ngx_http_request_t *r,
    debar_verdict_t *v);
static ngx_uint_t ngx_http_debar_websocket(ngx_http_request_t *r);
static ngx_int_t ngx_http_debar_address(ngx_http_request_t *r,
    ngx_http_debar_ctx_t *ctx, const debar_facts_t *f, debar_verdict_t *v);
static ngx_int_t ngx_http_debar_resolve(ngx_http_request_t *r,
    ngx_http_debar_ctx_t *ctx, const debar_facts_t *f, debar_verdict_t *v);
static void ngx_http_debar_resolved(ngx_debar_resolve_t *rs);
static void ngx_http_debar_cancel(void *data);
static ngx_int_t ngx_http_debar_unresolved(ngx_http_request_t *r,
    ngx_http_debar_ctx_t *ctx);
static ngx_uint_t ngx_http_debar_refused(ngx_http_request_t *r,
    const debar_verdict_t *v);
static ngx_int_t ngx_http_debar_decide(ngx_http_request_t *r,
    ngx_http_debar_ctx_t *ctx, debar_verdict_t *v, ngx_uint_t status);
static ngx_int_t ngx_http_debar_let_go(ngx_http_request_t *r,
    ngx_http_debar_ctx_t *ctx, const debar_verdict_t *v);
static ngx_int_t ngx_http_debar_refuse_verdict(ngx_http_request_t *r,
    ngx_http_debar_ctx_t *ctx, debar_verdict_t *v, ngx_uint_t status);
static ngx_int_t ngx_http_debar_record(ngx_http_request_t *r,
    ngx_http_debar_ctx_t *ctx, const debar_verdict_t *v,
    ngx_debar_audit_wait_t *wait);
static debar_list_t *ngx_http_debar_held(ngx_http_debar_ctx_t *ctx,
    ngx_uint_t *generation);


static const char  ngx_http_debar_unseen[] =
    "a WebSocket: what it carries is not seen";


ngx_int_t
ngx_http_debar_handler(ngx_http_request_t *r)
{
    ngx_uint_t                  expired;
    ngx_http_debar_ctx_t       *ctx;
    ngx_http_debar_loc_conf_t  *dlcf;

    dlcf = ngx_http_get_module_loc_conf(r, ngx_http_debar_module);

    if (!dlcf->enable || dlcf->report) {
        return NGX_DECLINED;
    }

    ctx = ngx_http_debar_get_ctx(r);

    if (ctx == NULL) {

        if (r->internal && ngx_http_debar_unread(r->main)) {

            /* the page of that error: nothing is pinned, and LOG judges it */

            return NGX_DECLINED;
        }

        ctx = ngx_http_debar_create_ctx(r);
        if (ctx == NULL) {
            return NGX_ERROR;
        }

        ctx->started = ngx_debar_clock();
        ctx->front = ngx_http_debar_front(r);
    }

    if (ctx->done) {

        if (ctx->line.rc != NGX_OK) {
            return ngx_http_debar_recorded(r, ctx);
        }

        /* a subrequest, or the way on after an internal redirect */

        return NGX_DECLINED;
    }

    if (ctx->waiting) {
        return NGX_AGAIN;
    }

    expired = dlcf->expired == NGX_DEBAR_BLOCK
              && ngx_debar_list_expired(dlcf->list);

    if (dlcf->list->list == NULL || expired) {
        return ngx_http_debar_no_list(r, ctx, expired);
    }

    return ngx_http_debar_judge(r, ctx);
}


/*
 * Without a list: refused, or passed unjudged.  Even then the name is resolved
 * once, its addresses are checked and pinned.
 */

static ngx_int_t
ngx_http_debar_no_list(ngx_http_request_t *r, ngx_http_debar_ctx_t *ctx,
    ngx_uint_t expired)
{
    ngx_uint_t                   status;
    debar_facts_t                f;
    debar_verdict_t             *v;
    ngx_http_debar_loc_conf_t   *dlcf;
    ngx_http_debar_main_conf_t  *mcf;

    dlcf = ngx_http_get_module_loc_conf(r, ngx_http_debar_module);
    mcf = ngx_http_get_module_main_conf(r, ngx_http_debar_module);
    v = mcf->scratch;

    if (!ctx->resolved) {
        ngx_http_debar_count(mcf, NGX_HTTP_DEBAR_N_NO_LIST);
    }

    ngx_http_debar_facts(r, &f);
    ngx_http_debar_unjudged(&f, v);

    if ((expired || dlcf->on_failure == NGX_DEBAR_BLOCK)
        && !ngx_debar_glass_open(dlcf->glass))
    {
        v->verdict = DEBAR_REJECT;
        v->fault = expired ? "the list has expired" : "there is no list";

        return ngx_http_debar_decide(r, ctx, v, NGX_HTTP_SERVICE_UNAVAILABLE);
    }

    status = ngx_http_debar_place(r, ctx, &f, v);

    if (v->verdict == DEBAR_REJECT) {
        return ngx_http_debar_decide(r, ctx, v, status);
    }

    return ngx_http_debar_address(r, ctx, &f, v);
}


static ngx_int_t
ngx_http_debar_judge(ngx_http_request_t *r, ngx_http_debar_ctx_t *ctx)
{
    ngx_uint_t                   status;
    debar_facts_t                f;
    debar_verdict_t             *v;
    ngx_http_debar_loc_conf_t   *dlcf;
    ngx_http_debar_main_conf_t  *mcf;

    dlcf = ngx_http_get_module_loc_conf(r, ngx_http_debar_module);
    mcf = ngx_http_get_module_main_conf(r, ngx_http_debar_module);
    v = mcf->scratch;

    ngx_http_debar_facts(r, &f);

    debar_judge(dlcf->list->list, &f, v);

    ctx->serial = debar_list_meta(dlcf->list->list)->serial;

    ctx->generation = dlcf->list->generation;

    status = ngx_http_debar_place(r, ctx, &f, v);

    if (ngx_http_debar_refused(r, v)) {
        return ngx_http_debar_decide(r, ctx, v, status);
    }

    return ngx_http_debar_address(r, ctx, &f, v);
}


/*
 * Whether the request may be where it came from, and ask for what it asks for.
 * The status, if it comes to be rejected.
 */

static ngx_uint_t
ngx_http_debar_place(ngx_http_request_t *r, ngx_http_debar_ctx_t *ctx,
    const debar_facts_t *f, debar_verdict_t *v)
{
    const char                 *fault;
    ngx_http_debar_loc_conf_t  *dlcf;

    if (v->fault == NULL) {
        fault = ngx_http_debar_front_fault(ctx->front, f, v);

        if (fault) {
            v->fault = fault;

            if (v->verdict < DEBAR_REJECT) {
                v->verdict = DEBAR_REJECT;
            }

            return ctx->front ? NGX_HTTP_MISDIRECTED_REQUEST
                              : NGX_HTTP_BAD_REQUEST;
        }
    }

    if (f->connect && v->verdict < DEBAR_REJECT) {
        dlcf = ngx_http_get_module_loc_conf(r, ngx_http_debar_module);

        v->fault = ngx_debar_port_fault(dlcf->ports, v->port);

        if (v->fault) {
            v->verdict = DEBAR_REJECT;
        }

        return v->port ? NGX_HTTP_FORBIDDEN : NGX_HTTP_BAD_REQUEST;
    }

    if (v->verdict < DEBAR_REJECT && r->headers_in.upgrade) {
        return ngx_http_debar_upgrade(r, v);
    }

    return NGX_HTTP_BAD_REQUEST;
}


/*
 * RFC 6455 s.4.1: no filter sees what comes after the 101.  nginx opens a
 * tunnel at any 101 if the request had an Upgrade, whatever was sent on of it:
 * so it forgets one that is for no WebSocket.  One in HTTP/2 (RFC 9113 s.8.2.2)
 * would have it read the connection below its streams; 1.31 refuses it itself.
 */

static ngx_uint_t
ngx_http_debar_upgrade(ngx_http_request_t *r, debar_verdict_t *v)
{
    ngx_uint_t                  action;
    ngx_http_debar_loc_conf_t  *dlcf;

    if (r->http_version > NGX_HTTP_VERSION_11) {
        v->verdict = DEBAR_REJECT;
        v->fault = "an Upgrade in HTTP/2 or later";

        return NGX_HTTP_BAD_REQUEST;
    }

    if (!ngx_http_debar_websocket(r)) {
        r->headers_in.upgrade = NULL;
        return NGX_HTTP_BAD_REQUEST;
    }

    dlcf = ngx_http_get_module_loc_conf(r, ngx_http_debar_module);

    action = (dlcf->websocket >= DEBAR_REJECT) ? DEBAR_REJECT
                                               : dlcf->websocket;

    if (v->verdict < action) {
        v->verdict = action;
        v->fault = ngx_http_debar_unseen;
    }

    return NGX_HTTP_FORBIDDEN;
}


/* In any Upgrade of several: from 1.23 on $http_upgrade has all of them. */

static ngx_uint_t
ngx_http_debar_websocket(ngx_http_request_t *r)
{
    ngx_table_elt_t        *h;
    ngx_http_debar_walk_t   w;

    ngx_http_debar_walk(&w, &r->headers_in.headers);

    while ((h = ngx_http_debar_walk_next(&w)) != NULL) {

        if (ngx_http_debar_field_is(h, "upgrade")
            && ngx_strlcasestrn(h->value.data, h->value.data + h->value.len,
                                (u_char *) "websocket", 9 - 1)
               != NULL)
        {
            return 1;
        }
    }

    return 0;
}


/* What remains once the request may go: where it goes. */

static ngx_int_t
ngx_http_debar_address(ngx_http_request_t *r, ngx_http_debar_ctx_t *ctx,
    const debar_facts_t *f, debar_verdict_t *v)
{
    ngx_int_t                   rc;
    ngx_uint_t                  status;
    ngx_http_debar_loc_conf_t  *dlcf;

    dlcf = ngx_http_get_module_loc_conf(r, ngx_http_debar_module);

    rc = ngx_http_debar_resolve(r, ctx, f, v);

    if (rc == NGX_AGAIN) {
        return rc;
    }

    status = 0;

    if (rc == NGX_OK) {
        status = ngx_debar_destination(r->connection, dlcf->list,
                                       &ctx->resolve, f, v);
    }

    return ngx_http_debar_decide(r, ctx, v, status);
}


static ngx_int_t
ngx_http_debar_resolve(ngx_http_request_t *r, ngx_http_debar_ctx_t *ctx,
    const debar_facts_t *f, debar_verdict_t *v)
{
    ngx_int_t                    rc;
    const debar_host_t          *host;
    ngx_http_cleanup_t          *cln;
    ngx_debar_resolve_t         *rs;
    ngx_http_core_loc_conf_t    *clcf;
    ngx_http_debar_loc_conf_t   *dlcf;
    ngx_http_debar_main_conf_t  *mcf;

    rs = &ctx->resolve;

    if (ctx->resolved) {
        return rs->rc;
    }

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);
    dlcf = ngx_http_get_module_loc_conf(r, ngx_http_debar_module);
    mcf = ngx_http_get_module_main_conf(r, ngx_http_debar_module);

    /* in a tunnel the front has it resolved; the cache knows it still */

    host = ctx->front ? ctx->front->dial : &v->host;

    ngx_memcpy(&ctx->host, host,
               offsetof(debar_host_t, name) + host->len + 1);

    rs->pool = r->pool;
    rs->log = r->connection->log;
    rs->resolver = clcf->resolver;
    rs->timeout = clcf->resolver_timeout;
    rs->names = mcf->names;
    rs->geo = mcf->geo;
    rs->allow = dlcf->allow;
    rs->parent = dlcf->parent_proxy;
    rs->host = &ctx->host;
    rs->port = v->port ? v->port : (f->connect ? 443 : 80);

    if (ctx->front) {
        rs->port = ctx->front->port;
    }

    rs->handler = ngx_http_debar_resolved;
    rs->data = r;

    rc = ngx_debar_resolve(rs);

    if (rc != NGX_AGAIN) {
        ctx->resolved = 1;
        rs->rc = rc;
        return rc;
    }

    cln = ngx_http_cleanup_add(r, 0);
    if (cln == NULL) {
        ngx_debar_resolve_cancel(rs);
        ctx->resolved = 1;
        rs->rc = NGX_ERROR;
        rs->error = "no memory";
        return NGX_ERROR;
    }

    cln->handler = ngx_http_debar_cancel;
    cln->data = ctx;

    ctx->waiting = 1;

    /* meanwhile a client that goes away is noticed */

    r->read_event_handler = ngx_http_test_reading;
    r->write_event_handler = ngx_http_request_empty_handler;

    return NGX_AGAIN;
}


static void
ngx_http_debar_resolved(ngx_debar_resolve_t *rs)
{
    ngx_connection_t      *c;
    ngx_http_request_t    *r;
    ngx_http_debar_ctx_t  *ctx;

    r = rs->data;
    c = r->connection;
    ctx = ngx_http_get_module_ctx(r, ngx_http_debar_module);

    ctx->waiting = 0;
    ctx->resolved = 1;

    ngx_http_set_log_request(c->log, r);

    r->read_event_handler = ngx_http_block_reading;
    r->write_event_handler = ngx_http_core_run_phases;

    ngx_http_core_run_phases(r);
    ngx_http_run_posted_requests(c);
}


static void
ngx_http_debar_cancel(void *data)
{
    ngx_http_debar_ctx_t  *ctx = data;

    if (ctx->waiting) {
        ctx->waiting = 0;
        ngx_debar_resolve_cancel(&ctx->resolve);
    }
}


/* Monitor mode suspends a block, not what cannot or must not be dialled. */

static ngx_uint_t
ngx_http_debar_refused(ngx_http_request_t *r, const debar_verdict_t *v)
{
    ngx_http_debar_loc_conf_t  *dlcf;

    if (v->verdict < DEBAR_REJECT) {
        return 0;
    }

    dlcf = ngx_http_get_module_loc_conf(r, ngx_http_debar_module);

    return v->verdict == DEBAR_REJECT
           || ngx_debar_enforced(dlcf)
           || v->fault != NULL
           || v->host.len == 0;
}


/*
 * The verdict stands.  Its line is written before a byte of the answer, or of
 * the request to the origin, goes out.  status: of a rejection.
 */

static ngx_int_t
ngx_http_debar_decide(ngx_http_request_t *r, ngx_http_debar_ctx_t *ctx,
    debar_verdict_t *v, ngx_uint_t status)
{
    ngx_int_t                    rc;
    ngx_debar_audit_wait_t      *wait;
    ngx_http_debar_loc_conf_t   *dlcf;
    ngx_http_debar_main_conf_t  *mcf;

    dlcf = ngx_http_get_module_loc_conf(r, ngx_http_debar_module);
    mcf = ngx_http_get_module_main_conf(r, ngx_http_debar_module);

    ctx->done = 1;
    ctx->action = v->verdict;

    if (!ngx_http_debar_refused(r, v) && ctx->resolve.rc == NGX_OK) {

        rc = ngx_http_debar_body_first(r, ctx, v);

        if (rc == NGX_OK) {
            return ngx_http_debar_let_go(r, ctx, v);
        }

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }
    }

    ngx_http_debar_count(mcf, v->verdict);

    if (v->verdict != DEBAR_PASS || v->nevidence
        || (dlcf->audit && dlcf->audit_all))
    {
        if (ngx_http_debar_keep(r, dlcf->list->list, ctx, v) != NGX_OK) {
            return NGX_ERROR;
        }

        wait = NULL;

        if (!ngx_http_debar_refused(r, v) && ctx->resolve.rc == NGX_OK) {
            wait = ngx_http_debar_wait(r, ctx);
        }

        rc = ngx_http_debar_record(r, ctx, v, wait);

    } else {
        rc = NGX_OK;
    }

    /* nor is a page shown whose incident nobody would find */

    if (rc == NGX_ERROR && !dlcf->audit_pass) {
        return ngx_http_debar_unrecorded(r, ctx);
    }

    if (ngx_http_debar_refused(r, v)) {
        return ngx_http_debar_refuse_verdict(r, ctx, v, status);
    }

    if (v->verdict == DEBAR_BLOCK) {
        ngx_http_debar_count(mcf, NGX_HTTP_DEBAR_N_SUSPENDED);
    }

    if (ctx->resolve.rc != NGX_OK) {
        return ngx_http_debar_unresolved(r, ctx);
    }

    if (ngx_http_debar_let_go(r, ctx, v) == NGX_ERROR) {
        return NGX_ERROR;
    }

    return (rc == NGX_AGAIN) ? NGX_AGAIN : NGX_DECLINED;
}


static ngx_int_t
ngx_http_debar_let_go(ngx_http_request_t *r, ngx_http_debar_ctx_t *ctx,
    const debar_verdict_t *v)
{
    if (ngx_http_debar_keep_authority(r, ctx, v) != NGX_OK) {
        return NGX_ERROR;
    }

    ctx->addrs = ctx->resolve.addrs;
    ctx->naddrs = ctx->resolve.naddrs;

    if (ctx->front && ctx->front->kind == NGX_DEBAR_FRONT_INSPECTED) {
        ctx->server_name.data = (u_char *) ctx->front->name->name;
        ctx->server_name.len = ctx->front->name->len;
    }

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_debar_refuse_verdict(ngx_http_request_t *r, ngx_http_debar_ctx_t *ctx,
    debar_verdict_t *v, ngx_uint_t status)
{
    ngx_http_debar_refusal_t    rf;
    ngx_http_debar_loc_conf_t  *dlcf;

    dlcf = ngx_http_get_module_loc_conf(r, ngx_http_debar_module);

    ngx_memzero(&rf, sizeof(ngx_http_debar_refusal_t));

    rf.incident = ctx->incident;
    rf.list = dlcf->list->list;
    rf.verdict = v;
    rf.reason = v->fault;

    if (v->verdict == DEBAR_BLOCK) {
        rf.status = dlcf->status;
        rf.title = "Refused by the procurement blocklist";
        rf.detail = "This request concerns a vendor that may not be acquired "
                    "from or used here.";

    } else if (status == NGX_HTTP_SERVICE_UNAVAILABLE) {
        rf.status = status;
        rf.title = "The blocklist is not available";
        rf.detail = "This gateway lets nothing through without a valid list.";

    } else if (status == NGX_HTTP_MISDIRECTED_REQUEST) {
        rf.status = status;
        rf.title = "The request is for another host than its connection";
        rf.detail = "A connection that was opened for one host carries "
                    "requests for that host alone.";

    } else if (v->fault == ngx_http_debar_unseen) {
        rf.status = status;
        rf.title = "A WebSocket is not allowed";
        rf.detail = "What goes through it cannot be checked here.";

    } else if (status == NGX_HTTP_BAD_REQUEST) {
        rf.status = status;
        rf.title = "The request cannot be understood";
        rf.detail = "It does not say, in one way only, which host it is for.";

    } else {
        rf.status = status;
        rf.title = "The destination is not allowed";
        rf.detail = ngx_http_debar_is_connect(r)
                    ? "This gateway does not connect there."
                    : "The name leads to an address that this gateway does "
                      "not connect to.";
    }

    return ngx_http_debar_refuse(r, &rf);
}


static ngx_int_t
ngx_http_debar_unresolved(ngx_http_request_t *r, ngx_http_debar_ctx_t *ctx)
{
    ngx_http_debar_refusal_t     rf;
    ngx_http_debar_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_debar_module);

    ngx_http_debar_count(mcf, NGX_HTTP_DEBAR_N_UNRESOLVED);

    ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                  "debar: \"%*s\" could not be resolved: %s",
                  ctx->host.len, ctx->host.name,
                  ctx->resolve.error ? ctx->resolve.error : "no reason given");

    ngx_memzero(&rf, sizeof(ngx_http_debar_refusal_t));

    rf.status = NGX_HTTP_BAD_GATEWAY;
    rf.title = "The host cannot be found";
    rf.detail = "No address was found for the name of the host.";
    rf.reason = ctx->resolve.error;
    rf.incident = ctx->incident;

    return ngx_http_debar_refuse(r, &rf);
}


static ngx_int_t
ngx_http_debar_record(ngx_http_request_t *r, ngx_http_debar_ctx_t *ctx,
    const debar_verdict_t *v, ngx_debar_audit_wait_t *wait)
{
    ngx_str_t                  *user;
    ngx_debar_addr_t           *addr;
    ngx_http_debar_line_t       line;
    ngx_http_variable_value_t  *vv;
    ngx_http_debar_loc_conf_t  *dlcf;

    dlcf = ngx_http_get_module_loc_conf(r, ngx_http_debar_module);

    if (dlcf->audit == NULL || (v->verdict == DEBAR_PASS && !dlcf->audit_all)) {
        return NGX_OK;
    }

    ngx_memzero(&line, sizeof(ngx_http_debar_line_t));

    line.wait = wait;
    line.method = r->method_name;
    line.started = ctx->started;
    line.list = ngx_http_debar_held(ctx, NULL);
    line.surface = "http";

    if (ctx->response && ctx->response->judging) {
        line.surface = "response";
        line.started = ctx->response->started;

    } else if (ctx->download && ctx->download->judging) {
        line.surface = "response";
        line.started = ctx->download->started;
        ngx_http_debar_download_content(ctx->download, &line.content);

    } else if (ctx->front && ctx->front->kind == NGX_DEBAR_FRONT_INSPECTED) {
        line.surface = "inspected";

    } else if (ngx_http_debar_is_connect(r)) {
        line.surface = "connect";
    }

    if (ngx_http_debar_url(r, &line.url) != NGX_OK) {
        return NGX_ERROR;
    }

    user = ngx_http_debar_verified(r);

    if (user) {
        line.user = *user;

    } else if (dlcf->user != NGX_ERROR) {
        vv = ngx_http_get_indexed_variable(r, dlcf->user);

        if (vv && !vv->not_found) {
            line.user.data = vv->data;
            line.user.len = vv->len;
        }
    }

    if (ctx->resolve.naddrs
        && (!ngx_http_debar_refused(r, v)
            || ngx_strcmp(line.surface, "response") == 0))
    {
        addr = &ctx->resolve.addrs[0];
        line.upstream = addr->text;
        line.asn = addr->asn;
        line.country = addr->country;
    }

    return ngx_http_debar_write(r, dlcf, v, ctx->incident, &line);
}


ngx_int_t
ngx_http_debar_late(ngx_http_request_t *r, debar_verdict_t *v)
{
    ngx_int_t                    rc;
    debar_list_t                *list;
    ngx_http_debar_ctx_t        *ctx;
    ngx_http_debar_loc_conf_t   *dlcf;
    ngx_http_debar_main_conf_t  *mcf;

    dlcf = ngx_http_get_module_loc_conf(r, ngx_http_debar_module);
    mcf = ngx_http_get_module_main_conf(r, ngx_http_debar_module);
    ctx = ngx_http_debar_get_ctx(r);

    /* a line of its own, beside what was decided before; with a body that came
     * first, the only one */

    ctx->action = v->verdict;
    ctx->generation = dlcf->list->generation;
    list = dlcf->list->list;

    if (ngx_http_debar_held(ctx, &ctx->generation)) {
        list = ngx_http_debar_held(ctx, NULL);
    }

    ngx_http_debar_count(mcf, v->verdict);

    if (v->verdict == DEBAR_PASS && v->nevidence == 0
        && !(dlcf->audit && dlcf->audit_all))
    {
        return NGX_OK;
    }

    if (ngx_http_debar_keep(r, list, ctx, v) != NGX_OK) {
        ctx->refused = NGX_HTTP_SERVICE_UNAVAILABLE;
        return NGX_DECLINED;
    }

    rc = ngx_http_debar_record(r, ctx, v, NULL);

    if (rc != NGX_OK && !dlcf->audit_pass) {
        ctx->refused = NGX_HTTP_SERVICE_UNAVAILABLE;
        ctx->unrecorded = 1;
        return NGX_DECLINED;
    }

    /* where it goes was settled before: a fault alone does not stop it */

    if (v->verdict == DEBAR_REJECT
        || (v->verdict == DEBAR_BLOCK && ngx_debar_enforced(dlcf)))
    {
        ctx->refused = (v->verdict == DEBAR_REJECT) ? NGX_HTTP_BAD_REQUEST
                                                    : dlcf->status;
        return NGX_DECLINED;
    }

    if (v->verdict == DEBAR_BLOCK) {
        ngx_http_debar_count(mcf, NGX_HTTP_DEBAR_N_SUSPENDED);
    }

    return NGX_OK;
}


/* What a body or an answer is judged by while it comes, or NULL. */

static debar_list_t *
ngx_http_debar_held(ngx_http_debar_ctx_t *ctx, ngx_uint_t *generation)
{
    ngx_uint_t         g;
    ngx_debar_hold_t  *hold;

    if (ctx->response && ctx->response->judging) {
        hold = &ctx->response->hold;
        g = ctx->response->generation;

    } else if (ctx->download && ctx->download->judging) {
        hold = &ctx->download->hold;
        g = ctx->download->generation;

    } else if (ctx->body) {
        hold = &ctx->body->hold;
        g = ctx->body->generation;

    } else {
        return NULL;
    }

    if (generation && ngx_debar_list_held(hold)) {
        *generation = g;
    }

    return ngx_debar_list_held(hold);
}


debar_list_t *
ngx_http_debar_judged_by(ngx_http_request_t *r, ngx_http_debar_ctx_t *ctx)
{
    ngx_uint_t                  generation;
    debar_list_t               *list;
    ngx_http_debar_loc_conf_t  *dlcf;

    dlcf = ngx_http_get_module_loc_conf(r, ngx_http_debar_module);

    list = ngx_http_debar_held(ctx, &generation);

    if (list && ctx->generation == generation) {
        return list;
    }

    return dlcf->list && ctx->generation == dlcf->list->generation
           ? dlcf->list->list : NULL;
}
