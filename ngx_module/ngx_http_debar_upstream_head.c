/*
 * The head of an origin's answer.  A 1xx is none (RFC 9110 s.15.2), but nginx
 * takes it for one without a body, and hands on what follows as it comes: more
 * answers than there were requests, which a client takes for those to its next
 * ones, whatever host they are for.
 */


#include "ngx_http_debar_upstream.h"


#define NGX_HTTP_DEBAR_INTERIM  16       /* before an answer */


static ngx_int_t ngx_http_debar_head_process(ngx_http_request_t *r);
static ngx_int_t ngx_http_debar_head_reinit(ngx_http_request_t *r);
static ngx_int_t ngx_http_debar_head_skip(ngx_http_request_t *r);


void
ngx_http_debar_head_watch(ngx_http_debar_pin_data_t *pd)
{
    ngx_http_upstream_t  *u;

    u = pd->upstream;

    pd->process_header = u->process_header;
    u->process_header = ngx_http_debar_head_process;

    pd->reinit_request = u->reinit_request;
    u->reinit_request = ngx_http_debar_head_reinit;
}


static ngx_int_t
ngx_http_debar_head_process(ngx_http_request_t *r)
{
    ngx_int_t                   rc;
    ngx_uint_t                  status;
    ngx_http_upstream_t        *u;
    ngx_http_debar_pin_data_t  *pd;

    u = r->upstream;
    pd = u->peer.data;

    for ( ;; ) {

        /* the status line and what is behind it have handlers of their own */

        u->process_header = pd->process_header;

        rc = u->process_header(r);

        pd->process_header = u->process_header;
        u->process_header = ngx_http_debar_head_process;

        if (pd->challenged
            && ngx_http_debar_parent_header(r, pd) != NGX_OK)
        {
            return NGX_HTTP_UPSTREAM_INVALID_HEADER;
        }

        if (rc != NGX_OK) {
            return rc;
        }

        if (r->http_version < NGX_HTTP_VERSION_10) {

            /* without a head: only its end says where it ends */

            r->keepalive = 0;
            return NGX_OK;
        }

        status = u->headers_in.status_n;

        if (status >= NGX_HTTP_OK || u->upgrade) {
            return NGX_OK;
        }

        if (status < NGX_HTTP_CONTINUE
            || status == NGX_HTTP_SWITCHING_PROTOCOLS
            || u->pipe == NULL
            || pd->interim++ == NGX_HTTP_DEBAR_INTERIM)
        {
            ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                          "debar_pin: the origin sent status %03ui%s", status,
                          status == NGX_HTTP_SWITCHING_PROTOCOLS
                          ? " without being asked"
                          : pd->interim > NGX_HTTP_DEBAR_INTERIM
                          ? " over and over" : ", which is no answer");

            return NGX_HTTP_UPSTREAM_INVALID_HEADER;
        }

        if (ngx_http_debar_head_skip(r) != NGX_OK) {
            return NGX_ERROR;
        }

        if (u->buffer.pos == u->buffer.last) {
            return NGX_AGAIN;
        }
    }
}


static ngx_int_t
ngx_http_debar_head_reinit(ngx_http_request_t *r)
{
    ngx_int_t                   rc;
    ngx_http_upstream_t        *u;
    ngx_http_debar_pin_data_t  *pd;

    u = r->upstream;
    pd = u->peer.data;

    u->process_header = pd->process_header;

    rc = pd->reinit_request(r);

    pd->process_header = u->process_header;
    u->process_header = ngx_http_debar_head_process;

    return rc;
}


/* What ngx_http_upstream_reinit() does for an answer, the request left alone. */

static ngx_int_t
ngx_http_debar_head_skip(ngx_http_request_t *r)
{
    ngx_http_upstream_t  *u;

    u = r->upstream;

    if (u->reinit_request(r) != NGX_OK) {
        return NGX_ERROR;
    }

    u->keepalive = 0;

    if (u->state) {
        u->state->status = 0;
    }

    ngx_memzero(&u->headers_in, sizeof(ngx_http_upstream_headers_in_t));

    u->headers_in.content_length_n = -1;
    u->headers_in.last_modified_time = -1;

    if (ngx_list_init(&u->headers_in.headers, r->pool, 8,
                      sizeof(ngx_table_elt_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_list_init(&u->headers_in.trailers, r->pool, 2,
                         sizeof(ngx_table_elt_t));
}
