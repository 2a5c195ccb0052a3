/*
 * "debar_fault;" in the location that error_page names for 502 and 504: says
 * what is wrong with the origin, or refuses a request that was let go before
 * its origin had shown its certificate.
 */

#include "ngx_http_debar_response.h"
#include "ngx_http_debar_download.h"


static ngx_int_t ngx_http_debar_fault_handler(ngx_http_request_t *r);
static const char *ngx_http_debar_fault_reason(ngx_http_request_t *r,
    ngx_http_debar_ctx_t *ctx);
static ngx_uint_t ngx_http_debar_fault_timeout(ngx_http_request_t *r);


char *
ngx_http_debar_fault(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    clcf->handler = ngx_http_debar_fault_handler;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_debar_fault_handler(ngx_http_request_t *r)
{
    ngx_int_t                  rc;
    ngx_http_debar_ctx_t      *ctx;
    ngx_http_debar_refusal_t   rf;

    ctx = ngx_http_debar_get_ctx(r);

    if (ctx == NULL || !r->internal) {
        return NGX_HTTP_NOT_FOUND;
    }

    ngx_memzero(&rf, sizeof(ngx_http_debar_refusal_t));

    rf.incident = ctx->incident;
    rf.status = NGX_HTTP_BAD_GATEWAY;

    if (ctx->refused) {
        ngx_http_debar_late_refusal(r, ctx, &rf);

    } else if (ctx->fault_parent) {
        rf.title = "The parent proxy does not reach the host";
        rf.detail = "This gateway reaches hosts through another proxy, which "
                    "gave it no way to this one.";
        rf.reason = ngx_http_debar_fault_reason(r, ctx);

    } else if (ngx_http_debar_fault_timeout(r)) {
        rf.status = NGX_HTTP_GATEWAY_TIME_OUT;
        rf.title = "The host does not answer in time";
        rf.detail = "It gave no answer in the time that the gateway waits.";

        if (ctx->fault) {
            rf.reason = ngx_http_debar_fault_reason(r, ctx);
        }

    } else if (ctx->fault) {
        rf.title = "The host did not prove that it is the one asked for";
        rf.detail = "The gateway looks into TLS and checks the host's "
                    "certificate in your place.  What it was shown cannot be "
                    "trusted, so nothing was sent there.";
        rf.reason = ngx_http_debar_fault_reason(r, ctx);

    } else {
        rf.title = "The host does not answer";
        rf.detail = "It took no connection, or closed it without an answer.";
    }

    /* error_page keeps the status that it stepped in for */

    r->err_status = 0;

    /* the page is sent and finalized there, and once more by the phase */

    r->main->count++;

    rc = ngx_http_debar_refuse(r, &rf);

    if (rc != NGX_DONE) {
        r->main->count--;
    }

    return rc;
}


void
ngx_http_debar_late_refusal(ngx_http_request_t *r, ngx_http_debar_ctx_t *ctx,
    ngx_http_debar_refusal_t *rf)
{
    debar_list_t  *list;

    if (ctx->refused == NGX_HTTP_SERVICE_UNAVAILABLE && ctx->verdict
        && ctx->verdict->verdict == DEBAR_REJECT && !ctx->unrecorded)
    {
        rf->status = NGX_HTTP_SERVICE_UNAVAILABLE;
        rf->title = "The blocklist has changed";
        rf->detail = "It changed while this request came, which was not judged "
                     "to its end.  Send it again.";
        rf->reason = ctx->verdict->fault;
        return;
    }

    if (ctx->refused == NGX_HTTP_SERVICE_UNAVAILABLE) {
        rf->status = NGX_HTTP_SERVICE_UNAVAILABLE;
        rf->title = "The audit record cannot be written";
        rf->detail = "This gateway lets nothing through that it cannot record.";
        return;
    }

    list = ngx_http_debar_judged_by(r, ctx);

    rf->status = ctx->refused;
    rf->title = "Refused by the procurement blocklist";
    rf->detail = "This request concerns a vendor that may not be acquired from "
                 "or used here.";
    rf->reason = ctx->verdict->fault;

    if (ctx->response && ctx->response->judging) {
        rf->detail = "The answer to this request carries a cart, and in it "
                     "something of a vendor that may not be acquired here.  "
                     "It was not passed on.";
    }

    if (ctx->download && ctx->download->judging) {
        rf->detail = "What was to be downloaded is of a vendor that may not be "
                     "acquired from or used here.  It was not passed on.";
    }

    if (ctx->verdict->verdict == DEBAR_REJECT) {
        rf->title = "The request cannot be understood";
        rf->detail = "What it carries cannot be read in one way only.";

    } else if (ctx->verdict->verdict != DEBAR_BLOCK
        || ctx->verdict->entry == DEBAR_NONE)
    {
        rf->detail = "What it carries could not be read to its end.";
    }

    /* numbers in a verdict mean something in the list that gave it alone */

    if (list) {
        rf->list = list;
        rf->verdict = ctx->verdict;
    }
}


static const char *
ngx_http_debar_fault_reason(ngx_http_request_t *r, ngx_http_debar_ctx_t *ctx)
{
    u_char  *p;
    size_t   size;

    if (ctx->fault_detail.len == 0) {
        return ctx->fault;
    }

    size = ngx_strlen(ctx->fault) + sizeof(": ") + ctx->fault_detail.len;

    p = ngx_pnalloc(r->pool, size);
    if (p == NULL) {
        return ctx->fault;
    }

    ngx_snprintf(p, size, "%s: %V%Z", ctx->fault, &ctx->fault_detail);

    return (const char *) p;
}


/* "=" in error_page forgets the status, its upstream does not. */

static ngx_uint_t
ngx_http_debar_fault_timeout(ngx_http_request_t *r)
{
    ngx_http_upstream_state_t  *state;

    if (r->err_status) {
        return r->err_status == NGX_HTTP_GATEWAY_TIME_OUT;
    }

    if (r->upstream_states == NULL || r->upstream_states->nelts == 0) {
        return 0;
    }

    state = r->upstream_states->elts;

    return state[r->upstream_states->nelts - 1].status
           == NGX_HTTP_GATEWAY_TIME_OUT;
}
