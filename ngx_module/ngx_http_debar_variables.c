/*
 * $debar_* : what was decided about a request, for logs and for its headers.
 */

#include "ngx_http_debar_download.h"


static ngx_int_t ngx_http_debar_verdict_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_debar_string_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_debar_incident_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_debar_serial_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_debar_peer_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_debar_range_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);


static ngx_http_variable_t  ngx_http_debar_variables[] = {

    { ngx_string("debar_verdict"), NULL,
      ngx_http_debar_verdict_variable, 0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("debar_vendor"), NULL, ngx_http_debar_string_variable,
      offsetof(ngx_http_debar_ctx_t, vendor), NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("debar_evidence"), NULL, ngx_http_debar_string_variable,
      offsetof(ngx_http_debar_ctx_t, evidence), NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("debar_authority"), NULL, ngx_http_debar_string_variable,
      offsetof(ngx_http_debar_ctx_t, authority), NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("debar_server_name"), NULL, ngx_http_debar_string_variable,
      offsetof(ngx_http_debar_ctx_t, server_name), NGX_HTTP_VAR_NOCACHEABLE,
      0 },

    { ngx_string("debar_incident"), NULL,
      ngx_http_debar_incident_variable, 0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("debar_list_serial"), NULL,
      ngx_http_debar_serial_variable, 0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("debar_peer"), NULL,
      ngx_http_debar_peer_variable, 0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("debar_range"), NULL,
      ngx_http_debar_range_variable, 0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("debar_if_range"), NULL,
      ngx_http_debar_range_variable, 1, NGX_HTTP_VAR_NOCACHEABLE, 0 },

      ngx_http_null_variable
};


ngx_int_t
ngx_http_debar_add_variables(ngx_conf_t *cf)
{
    ngx_http_variable_t  *var, *v;

    for (v = ngx_http_debar_variables; v->name.len; v++) {

        var = ngx_http_add_variable(cf, &v->name, v->flags);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = v->get_handler;
        var->data = v->data;
    }

    return NGX_OK;
}


static void
ngx_http_debar_set(ngx_http_variable_value_t *v, u_char *data, size_t len)
{
    v->data = data;
    v->len = len;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = (len == 0);
}


static ngx_int_t
ngx_http_debar_verdict_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    const char            *name;
    ngx_http_debar_ctx_t  *ctx;

    ctx = ngx_http_debar_get_ctx(r);

    name = ctx && ctx->done ? debar_action_name(ctx->action) : "";

    ngx_http_debar_set(v, (u_char *) name, ngx_strlen(name));

    return NGX_OK;
}


static ngx_int_t
ngx_http_debar_string_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_str_t             *s;
    ngx_http_debar_ctx_t  *ctx;

    ctx = ngx_http_debar_get_ctx(r);

    if (ctx == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    s = (ngx_str_t *) ((char *) ctx + data);

    ngx_http_debar_set(v, s->data, s->len);

    return NGX_OK;
}


static ngx_int_t
ngx_http_debar_incident_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_debar_ctx_t  *ctx;

    ctx = ngx_http_debar_get_ctx(r);

    if (ctx == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    ngx_http_debar_set(v, (u_char *) ctx->incident, ngx_strlen(ctx->incident));

    return NGX_OK;
}


static ngx_int_t
ngx_http_debar_serial_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    u_char                *p;
    ngx_http_debar_ctx_t  *ctx;

    ctx = ngx_http_debar_get_ctx(r);

    if (ctx == NULL || ctx->serial == 0) {
        v->not_found = 1;
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, NGX_INT64_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_http_debar_set(v, p, ngx_sprintf(p, "%uL", ctx->serial) - p);

    return NGX_OK;
}


static ngx_int_t
ngx_http_debar_peer_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_debar_ctx_t  *ctx;

    ctx = ngx_http_debar_get_ctx(r);

    /* pinned is not dialled: only the upstream knows */

    if (ctx == NULL || r->upstream == NULL || r->upstream->peer.name == NULL
        || ctx->current >= ctx->naddrs)
    {
        v->not_found = 1;
        return NGX_OK;
    }

    ngx_http_debar_set(v, ctx->addrs[ctx->current].text.data,
                       ctx->addrs[ctx->current].text.len);

    return NGX_OK;
}


/* Range and If-Range as the origin is to see them: see ngx_http_debar_parts.c. */

static ngx_int_t
ngx_http_debar_range_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_table_elt_t            *h;
    ngx_http_debar_loc_conf_t  *dlcf;

    dlcf = ngx_http_get_module_loc_conf(r, ngx_http_debar_module);
    h = data ? r->headers_in.if_range : r->headers_in.range;

    if (h == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    if (dlcf->enable && dlcf->download
        && dlcf->ranges == NGX_HTTP_DEBAR_RANGES_STRIP
        && !ngx_http_debar_parts_known(r))
    {
        ngx_http_debar_set(v, (u_char *) "", 0);
        return NGX_OK;
    }

    ngx_http_debar_set(v, h->value.data, h->value.len);

    return NGX_OK;
}
