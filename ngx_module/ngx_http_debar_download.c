/*
 * Downloads: a header and a body filter next to those of answers
 * (ngx_http_debar_response.c), before gzip, so that they see the body as its
 * origin sent it.
 *
 * The head waits for the first bytes, which say what it is.  Text, pictures and
 * sound go on; programs, packages, archives and what nobody knows are spooled for
 * the inspector while they flow, and their tail waits for its verdict.  Who is
 * refused before the head went out gets a page, later an answer that is cut off.
 */

#include "ngx_http_debar_download_private.h"


/* What waits for a client before its origin waits, too. */

#define NGX_HTTP_DEBAR_CROWD  131072


static ngx_int_t ngx_http_debar_download_header_filter(ngx_http_request_t *r);
static ngx_uint_t ngx_http_debar_download_wanted(ngx_http_request_t *r,
    ngx_http_debar_ctx_t *ctx, ngx_http_debar_loc_conf_t *dlcf);
static ngx_int_t ngx_http_debar_download_start(ngx_http_request_t *r,
    ngx_http_debar_ctx_t *ctx);
static ngx_int_t ngx_http_debar_download_glance(ngx_http_request_t *r,
    ngx_http_debar_ctx_t *ctx, ngx_chain_t *in);
static ngx_http_debar_download_t *ngx_http_debar_download_create(
    ngx_http_request_t *r, ngx_http_debar_ctx_t *ctx);
static ngx_int_t ngx_http_debar_download_body_filter(ngx_http_request_t *r,
    ngx_chain_t *in);
static ngx_int_t ngx_http_debar_download_wait(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl, ngx_chain_t *in);
static void ngx_http_debar_download_cleanup(void *data);


static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;
static ngx_http_output_body_filter_pt    ngx_http_next_body_filter;


ngx_int_t
ngx_http_debar_download_init(ngx_conf_t *cf)
{
    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_debar_download_header_filter;

    ngx_http_next_body_filter = ngx_http_top_body_filter;
    ngx_http_top_body_filter = ngx_http_debar_download_body_filter;

    return NGX_OK;
}


static ngx_int_t
ngx_http_debar_download_header_filter(ngx_http_request_t *r)
{
    ngx_http_debar_ctx_t       *ctx;
    ngx_http_debar_loc_conf_t  *dlcf;

    dlcf = ngx_http_get_module_loc_conf(r, ngx_http_debar_module);

    if (!dlcf->enable || !dlcf->download || r != r->main) {
        return ngx_http_next_header_filter(r);
    }

    ctx = ngx_http_debar_get_ctx(r);

    if (ctx == NULL || ctx->download || ctx->fetched
        || !ngx_http_debar_download_wanted(r, ctx, dlcf))
    {
        return ngx_http_next_header_filter(r);
    }

    if (ngx_http_debar_download_plain(r)) {
        ctx->fetched = 1;
        r->filter_need_in_memory = 1;

        return NGX_OK;
    }

    return ngx_http_debar_download_start(r, ctx);
}


/* Its head, for NGX_OK held back. */

static ngx_int_t
ngx_http_debar_download_start(ngx_http_request_t *r, ngx_http_debar_ctx_t *ctx)
{
    ngx_int_t                   rc;
    ngx_http_debar_download_t  *dl;

    dl = ngx_http_debar_download_create(r, ctx);

    if (dl == NULL) {
        return NGX_ERROR;
    }

    ctx->download = dl;

    rc = ngx_http_debar_download_head(r, ctx);

    if (rc == NGX_OK) {
        rc = ngx_http_debar_download_begin(r, dl);
    }

    if (rc == NGX_DECLINED) {
        dl->head = 1;
        return ngx_http_debar_download_stop(r, dl, 0);
    }

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (rc == NGX_DONE) {
        dl->over = 1;
        return ngx_http_next_header_filter(r);
    }

    if (dl->streams) {
        dl->head = 0;
        return ngx_http_next_header_filter(r);
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_http_debar_download_wanted(ngx_http_request_t *r, ngx_http_debar_ctx_t *ctx,
    ngx_http_debar_loc_conf_t *dlcf)
{
    /* let go, and not an answer of our own */

    return ctx->addrs != NULL && !ctx->refused && !ctx->answered
           && !dlcf->report && dlcf->list->list != NULL
           && !ngx_http_debar_is_connect(r)
           && r->headers_out.status >= 200;
}


static ngx_http_debar_download_t *
ngx_http_debar_download_create(ngx_http_request_t *r, ngx_http_debar_ctx_t *ctx)
{
    ngx_pool_cleanup_t          *cln;
    ngx_http_debar_download_t   *dl;

    dl = ngx_pcalloc(r->pool, sizeof(ngx_http_debar_download_t));
    cln = ngx_pool_cleanup_add(r->pool, 0);

    if (dl == NULL || cln == NULL) {
        return NULL;
    }

    cln->handler = ngx_http_debar_download_cleanup;
    cln->data = dl;

    dl->request = r;
    dl->started = ngx_debar_clock();
    dl->length = r->headers_out.content_length_n;
    dl->spool.file = NGX_INVALID_FILE;
    dl->spool.reading = NGX_INVALID_FILE;
    dl->spool.room = NGX_INVALID_FILE;
    dl->tail.last = &dl->tail.head;

    dl->wait.handler = ngx_http_debar_download_waited;
    dl->wait.data = dl;
    dl->wait.log = r->connection->log;

    dl->refuse.handler = ngx_http_debar_download_refuse;
    dl->refuse.data = dl;
    dl->refuse.log = r->connection->log;

    ngx_http_debar_facts(r, &dl->facts);
    dl->facts.filing = 1;

    return dl;
}


/*
 * The first bytes of what is plain by its head.  NGX_DONE: by these, too, and it
 * goes on; nothing has been made for it.
 */

static ngx_int_t
ngx_http_debar_download_glance(ngx_http_request_t *r, ngx_http_debar_ctx_t *ctx,
    ngx_chain_t *in)
{
    size_t       n;
    ngx_int_t    rc;
    ngx_buf_t   *b;
    ngx_uint_t   whole;

    b = in->buf;
    n = ngx_buf_in_memory(b) ? b->last - b->pos : 0;
    whole = b->last_buf || (off_t) n == r->headers_out.content_length_n;

    if (n >= DEBAR_FILE_HEAD || (n && whole)) {

        switch (debar_file_class(debar_file_type(b->pos, n, whole))) {

        case DEBAR_CLASS_MEDIA:
        case DEBAR_CLASS_TEXT:
        case DEBAR_CLASS_DOCUMENT:

            rc = ngx_http_next_header_filter(r);

            return rc == NGX_ERROR || rc > NGX_OK || r->header_only
                   ? NGX_ERROR : NGX_DONE;
        }
    }

    return ngx_http_debar_download_start(r, ctx);
}


static ngx_int_t
ngx_http_debar_download_body_filter(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_int_t                   rc;
    ngx_chain_t                *cl;
    ngx_http_debar_ctx_t       *ctx;
    ngx_http_debar_download_t  *dl;

    ctx = (r == r->main) ? ngx_http_get_module_ctx(r, ngx_http_debar_module)
                         : NULL;

    if (ctx && ctx->fetched) {

        if (in == NULL) {
            return NGX_OK;
        }

        ctx->fetched = 0;

        rc = ngx_http_debar_download_glance(r, ctx, in);

        if (rc == NGX_DONE) {
            return ngx_http_next_body_filter(r, in);
        }

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }
    }

    dl = ctx ? ctx->download : NULL;

    if (dl == NULL || dl->over) {
        return ngx_http_next_body_filter(r, in);
    }

    if (dl->refused) {
        for (cl = in; cl; cl = cl->next) {
            cl->buf->pos = cl->buf->last;
            cl->buf->file_pos = cl->buf->file_last;
        }

        return NGX_OK;
    }

    if (dl->waiting || (in && ngx_http_debar_tail_crowd(&dl->tail)
                              > NGX_HTTP_DEBAR_CROWD))
    {
        return ngx_http_debar_download_wait(r, dl, in);
    }

    if (in == NULL) {
        if (dl->head) {
            return dl->pending ? NGX_AGAIN : NGX_OK;
        }

        rc = ngx_http_next_body_filter(r, NULL);
        ngx_http_debar_tail_sent(r->pool, &dl->tail, NULL);

        return rc;
    }

    return ngx_http_debar_download_in(r, dl, in);
}


/* A client that takes less than its origin sends: its origin keeps the rest. */

static ngx_int_t
ngx_http_debar_download_wait(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl, ngx_chain_t *in)
{
    ngx_int_t     rc;
    ngx_chain_t  *cl, *next;

    if (in && ngx_chain_add_copy(r->pool, &dl->waiting, in) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = ngx_http_next_body_filter(r, NULL);
    ngx_http_debar_tail_sent(r->pool, &dl->tail, NULL);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (ngx_http_debar_tail_crowd(&dl->tail) > NGX_HTTP_DEBAR_CROWD) {
        r->buffered |= NGX_HTTP_DEBAR_BUFFERED;
        return NGX_AGAIN;
    }

    r->buffered &= ~NGX_HTTP_DEBAR_BUFFERED;

    in = dl->waiting;
    dl->waiting = NULL;

    rc = ngx_http_debar_download_in(r, dl, in);

    for (cl = in; cl; cl = next) {
        next = cl->next;
        ngx_free_chain(r->pool, cl);
    }

    return rc;
}


/* Bytes of the tail that nothing behind them would push out. */

ngx_int_t
ngx_http_debar_download_push(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl, ngx_chain_t *out)
{
    ngx_buf_t    *b;
    ngx_int_t     rc;
    ngx_chain_t  *cl, **last;

    b = ngx_calloc_buf(r->pool);
    cl = ngx_alloc_chain_link(r->pool);

    if (b == NULL || cl == NULL) {
        return NGX_ERROR;
    }

    b->flush = 1;
    cl->buf = b;
    cl->next = NULL;

    for (last = &out; *last; last = &(*last)->next) {
        /* void */
    }

    *last = cl;

    rc = ngx_http_debar_download_send(r, dl, out);

    if (!dl->over) {
        ngx_http_debar_tail_sent(r->pool, &dl->tail, out);
    }

    return rc;
}


/* The head, if it is still here, what is in the tail where all is over, and
 * in. */

ngx_int_t
ngx_http_debar_download_send(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl, ngx_chain_t *in)
{
    ngx_int_t     rc;
    ngx_chain_t  *out;

    if (dl->head) {
        dl->head = 0;

        rc = ngx_http_next_header_filter(r);

        if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
            dl->over = 1;
            return NGX_ERROR;
        }
    }

    if (dl->over && dl->tail.head) {
        out = dl->tail.head;
        *dl->tail.last = in;
        in = out;
        dl->tail.head = NULL;
    }

    if (dl->over && dl->wait.timer_set) {
        ngx_del_timer(&dl->wait);
    }

    return ngx_http_next_body_filter(r, in);
}


static void
ngx_http_debar_download_cleanup(void *data)
{
    ngx_http_debar_download_t  *dl = data;

    if (dl->wait.timer_set) {
        ngx_del_timer(&dl->wait);
    }

    if (dl->refuse.posted) {
        ngx_delete_posted_event(&dl->refuse);
    }

    if (dl->unpack) {
        debar_unpack_free(dl->unpack);
        dl->unpack = NULL;
    }

    ngx_http_debar_download_unspool(dl);
    ngx_http_debar_download_lost(dl);
    ngx_debar_list_release(&dl->hold);
}
