/*
 * What nginx adds to a line of the error log about a request: the same as its
 * own handler, but without secrets, and no more of a URL than the audit file
 * keeps.
 */

#include "ngx_http_debar.h"


#define NGX_HTTP_DEBAR_ERROR_TEXT  1024  /* bytes of a URL; a line has 2,048 */


static ngx_int_t ngx_http_debar_error_handler(ngx_http_request_t *r);
static u_char *ngx_http_debar_error(ngx_http_request_t *r,
    ngx_http_request_t *sr, u_char *buf, size_t len);
static u_char *ngx_http_debar_error_request(ngx_http_request_t *r,
    debar_url_kept_e kept, u_char *buf, size_t len);
static u_char *ngx_http_debar_error_url(const char *what, ngx_str_t *url,
    debar_url_kept_e kept, u_char *buf, size_t len);


void
ngx_http_debar_error_hide(ngx_http_request_t *r)
{
    r->log_handler = ngx_http_debar_error;
}


ngx_int_t
ngx_http_debar_error_init(ngx_conf_t *cf)
{
    ngx_http_handler_pt        *h;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_POST_READ_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_debar_error_handler;

    return NGX_OK;
}


/* Before any phase that may have something to say of the request. */

static ngx_int_t
ngx_http_debar_error_handler(ngx_http_request_t *r)
{
    ngx_http_debar_error_hide(r);

    return NGX_DECLINED;
}


static u_char *
ngx_http_debar_error(ngx_http_request_t *r, ngx_http_request_t *sr,
    u_char *buf, size_t len)
{
    u_char                     *p, *last;
    ngx_str_t                   host;
    debar_url_kept_e            kept;
    ngx_http_upstream_t        *u;
    ngx_http_core_srv_conf_t   *cscf;
    ngx_http_debar_loc_conf_t  *dlcf;

    last = buf + len;
    cscf = ngx_http_get_module_srv_conf(r, ngx_http_core_module);
    dlcf = ngx_http_get_module_loc_conf(r, ngx_http_debar_module);
    kept = dlcf->privacy.kept.url;

    p = ngx_snprintf(buf, len, ", server: %V", &cscf->server_name);
    p = ngx_http_debar_error_request(r, kept, p, last - p);

    if (r != sr) {
        p = ngx_http_debar_error_url("subrequest", &sr->uri, kept, p, last - p);
    }

    u = sr->upstream;

    if (u && u->peer.name) {
        p = ngx_snprintf(p, last - p, ", upstream: \"%V%V\"", &u->schema,
                         u->peer.name);
    }

    if (r->headers_in.host && kept != DEBAR_URL_NONE) {
        host = r->headers_in.host->value;
        p = ngx_http_debar_error_url("host", &host, DEBAR_URL_EVIDENCE, p,
                                     last - p);
    }

    if (r->headers_in.referer) {
        p = ngx_http_debar_error_url("referrer",
                                     &r->headers_in.referer->value, kept, p,
                                     last - p);
    }

    return p;
}


/* "GET http://a.example/ HTTP/1.1", or what there is of it. */

static u_char *
ngx_http_debar_error_request(ngx_http_request_t *r, debar_url_kept_e kept,
    u_char *buf, size_t len)
{
    u_char     *p, *end;
    size_t      n;
    char        text[NGX_HTTP_DEBAR_ERROR_TEXT];
    ngx_str_t   line, method, url;

    line = r->request_line;

    if (line.data == NULL && r->request_start && r->header_in) {

        for (p = r->request_start; p < r->header_in->last; p++) {
            if (*p == CR || *p == LF) {
                break;
            }
        }

        line.data = r->request_start;
        line.len = p - r->request_start;
    }

    if (line.len == 0) {
        return buf;
    }

    end = line.data + line.len;
    method.data = line.data;
    p = ngx_strlchr(line.data, end, ' ');
    method.len = ngx_min((p ? p : end) - line.data, 64);

    url.data = p ? p + 1 : end;

    /* the version is behind the last space */

    for (p = end; p > url.data && p[-1] != ' '; p--) { /* void */ }

    url.len = (p > url.data ? p - 1 : end) - url.data;

    n = debar_mask_url(text, sizeof(text), (char *) url.data,
                       ngx_min(url.len, NGX_HTTP_DEBAR_ERROR_TEXT), kept);

    return ngx_snprintf(buf, len, ", request: \"%V%s%*s%s%*s\"", &method,
                        n ? " " : "", n, text, p > url.data ? " " : "",
                        p > url.data ? ngx_min((size_t) (end - p), 16) : 0, p);
}


static u_char *
ngx_http_debar_error_url(const char *what, ngx_str_t *url,
    debar_url_kept_e kept, u_char *buf, size_t len)
{
    char    text[NGX_HTTP_DEBAR_ERROR_TEXT];
    size_t  n;

    n = debar_mask_url(text, sizeof(text), (char *) url->data,
                       ngx_min(url->len, NGX_HTTP_DEBAR_ERROR_TEXT), kept);

    return n ? ngx_snprintf(buf, len, ", %s: \"%*s\"", what, n, text) : buf;
}
