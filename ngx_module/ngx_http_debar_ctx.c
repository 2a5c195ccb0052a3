/*
 * What hangs on a request from its judgement on: found again behind internal
 * redirects, and with copies of all that is said of it later, since the list
 * may be gone then.
 */

#include "ngx_http_debar.h"


static void ngx_http_debar_ctx_cleanup(void *data);


ngx_http_debar_ctx_t *
ngx_http_debar_get_ctx(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t    *cln;
    ngx_http_debar_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_debar_module);

    if (ctx || (!r->internal && r == r->main)) {
        return ctx;
    }

    /* internal redirects clear contexts; subrequests share the pool */

    for (cln = r->pool->cleanup; cln; cln = cln->next) {

        if (cln->handler != ngx_http_debar_ctx_cleanup) {
            continue;
        }

        ctx = cln->data;

        if (ctx->request == r || ctx->request == r->main) {
            ngx_http_set_ctx(r, ctx, ngx_http_debar_module);
            return ctx;
        }
    }

    return NULL;
}


ngx_http_debar_ctx_t *
ngx_http_debar_create_ctx(ngx_http_request_t *r)
{
    ngx_http_debar_ctx_t  *ctx;

    ctx = ngx_palloc(r->pool, sizeof(ngx_http_debar_ctx_t));
    if (ctx == NULL) {
        return NULL;
    }

    ngx_memzero(ctx, offsetof(ngx_http_debar_ctx_t, host));

    ctx->request = r;

    ctx->cleanup.handler = ngx_http_debar_ctx_cleanup;
    ctx->cleanup.data = ctx;
    ctx->cleanup.next = r->pool->cleanup;
    r->pool->cleanup = &ctx->cleanup;

    ngx_http_set_ctx(r, ctx, ngx_http_debar_module);

    ngx_http_debar_error_hide(r);

    return ctx;
}


static void
ngx_http_debar_ctx_cleanup(void *data)
{
    /* a mark, by which the context is found again */
}


ngx_int_t
ngx_http_debar_keep(ngx_http_request_t *r, debar_list_t *list,
    ngx_http_debar_ctx_t *ctx, const debar_verdict_t *v)
{
    u_char       *p, *last;
    size_t        size;
    unsigned      i;
    debar_str_t   s;

    ngx_debar_incident(ctx->incident);

    ctx->verdict = ngx_palloc(r->pool, debar_verdict_size(v));
    if (ctx->verdict == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(ctx->verdict, v, debar_verdict_size(v));

    ctx->verdict->step = NULL;
    ctx->verdict->step_len = 0;
    ctx->verdict->channel = NULL;
    ctx->verdict->channel_len = 0;

    if (list == NULL) {
        return NGX_OK;
    }

    if (v->entry != DEBAR_NONE) {
        s = debar_list_entry_id(list, v->entry);

        ctx->vendor.data = ngx_pnalloc(r->pool, s.len);
        if (ctx->vendor.data == NULL) {
            return NGX_ERROR;
        }

        ctx->vendor.len = s.len;
        ngx_memcpy(ctx->vendor.data, s.data, s.len);
    }

    if (v->nevidence == 0) {
        return NGX_OK;
    }

    size = v->nevidence * (DEBAR_WHERE + DEBAR_VALUE + 32);

    p = ngx_pnalloc(r->pool, size);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ctx->evidence.data = p;
    last = p + size;

    for (i = 0; i < v->nevidence; i++) {
        p = ngx_slprintf(p, last, "%s%s:%s@%s", i ? ", " : "",
                         debar_kind_name(v->evidence[i].kind),
                         v->evidence[i].value, v->evidence[i].where);
    }

    ctx->evidence.len = p - ctx->evidence.data;

    return NGX_OK;
}


ngx_int_t
ngx_http_debar_keep_authority(ngx_http_request_t *r, ngx_http_debar_ctx_t *ctx,
    const debar_verdict_t *v)
{
    u_char      *p, *last, digits[NGX_INT32_LEN];
    ngx_uint_t   brackets, port;

    brackets = v->host.type == DEBAR_HOST_ADDRESS
               && ngx_strlchr((u_char *) v->host.name,
                              (u_char *) v->host.name + v->host.len, ':')
                  != NULL;

    if (!brackets && v->port == 0) {
        ctx->authority.data = (u_char *) ctx->host.name;
        ctx->authority.len = ctx->host.len;
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, v->host.len + sizeof("[]:65535") - 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ctx->authority.data = p;

    if (brackets) {
        *p++ = '[';
    }

    p = ngx_cpymem(p, v->host.name, v->host.len);

    if (brackets) {
        *p++ = ']';
    }

    if (v->port) {
        last = digits + sizeof(digits);
        port = v->port;

        do {
            *--last = (u_char) ('0' + port % 10);
            port /= 10;
        } while (port);

        *p++ = ':';
        p = ngx_cpymem(p, last, digits + sizeof(digits) - last);
    }

    ctx->authority.len = p - ctx->authority.data;

    return NGX_OK;
}
