/*
 * A body that is refused while it flows to its origin: nginx gives the request
 * up with a status, and what it would say of that is replaced by our refusal,
 * where the answer has not begun.
 */

#include "ngx_http_debar.h"


static ngx_int_t ngx_http_debar_flow_header(ngx_http_request_t *r);
static ngx_int_t ngx_http_debar_flow_body(ngx_http_request_t *r,
    ngx_chain_t *in);


static ngx_http_output_header_filter_pt  ngx_http_debar_next_header;
static ngx_http_output_body_filter_pt    ngx_http_debar_next_body;


ngx_int_t
ngx_http_debar_flow_init(ngx_conf_t *cf)
{
    ngx_http_debar_next_header = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_debar_flow_header;

    ngx_http_debar_next_body = ngx_http_top_body_filter;
    ngx_http_top_body_filter = ngx_http_debar_flow_body;

    return NGX_OK;
}


static ngx_int_t
ngx_http_debar_flow_header(ngx_http_request_t *r)
{
    ngx_http_debar_ctx_t      *ctx;
    ngx_http_debar_body_t     *b;
    ngx_http_debar_refusal_t   rf;

    ctx = r == r->main ? ngx_http_debar_get_ctx(r) : NULL;

    if (ctx == NULL || ctx->body == NULL || !ctx->body->flowed
        || ctx->body->answer)
    {
        return ngx_http_debar_next_header(r);
    }

    b = ctx->body;

    b->answer = ngx_calloc_buf(r->pool);
    if (b->answer == NULL) {
        return NGX_ERROR;
    }

    ngx_http_clear_content_length(r);
    ngx_http_clear_last_modified(r);
    ngx_http_clear_accept_ranges(r);

    ngx_http_debar_body_refusal(r, ctx, &rf);

    if (ngx_http_debar_refusal_head(r, &rf, &b->text) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_debar_next_header(r);
}


/* nginx's own page is dropped as it comes; ours stands in for it, once. */

static ngx_int_t
ngx_http_debar_flow_body(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_chain_t            *cl, out;
    ngx_http_debar_ctx_t   *ctx;
    ngx_http_debar_body_t  *b;

    ctx = r == r->main && in
          ? ngx_http_get_module_ctx(r, ngx_http_debar_module) : NULL;

    if (ctx == NULL || ctx->body == NULL || ctx->body->answer == NULL) {
        return ngx_http_debar_next_body(r, in);
    }

    b = ctx->body;

    for (cl = in; cl; cl = cl->next) {
        cl->buf->pos = cl->buf->last;
        cl->buf->file_pos = cl->buf->file_last;
    }

    if (b->answered) {
        return ngx_http_debar_next_body(r, NULL);
    }

    b->answered = 1;

    b->answer->pos = b->text.data;
    b->answer->last = b->text.data + b->text.len;
    b->answer->memory = (b->text.len != 0);
    b->answer->last_buf = 1;
    b->answer->last_in_chain = 1;

    out.buf = b->answer;
    out.next = NULL;

    return ngx_http_debar_next_body(r, &out);
}
