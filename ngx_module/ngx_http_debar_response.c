/*
 * Answers: a header and a body filter, before gzip and behind what brings files
 * into memory (the place of an HTTP_AUX_FILTER), so that they see the body as
 * its origin sent it.
 *
 * The head of an answer that is read waits for the first bytes of the body, 64
 * KiB of them or a tenth of a second at most: what is found in these is refused
 * with a page of its own.  What is found later is cut off.
 *
 * A refusal is sent from an event of its own, when whoever runs the filters has
 * returned: the upstream is ended first, as at an abort.
 */

#include "ngx_http_debar_response.h"


static ngx_int_t ngx_http_debar_response_header_filter(ngx_http_request_t *r);
static ngx_uint_t ngx_http_debar_response_wanted(ngx_http_request_t *r,
    ngx_http_debar_ctx_t *ctx, ngx_http_debar_loc_conf_t *dlcf);
static ngx_http_debar_response_t *ngx_http_debar_response_begin(
    ngx_http_request_t *r, ngx_http_debar_ctx_t *ctx,
    ngx_http_debar_loc_conf_t *dlcf);
static void ngx_http_debar_response_labels(ngx_http_request_t *r,
    debar_peel_input_t *in);
static ngx_int_t ngx_http_debar_response_first(ngx_http_request_t *r,
    ngx_http_debar_ctx_t *ctx, ngx_chain_t *in);
static ngx_int_t ngx_http_debar_response_body_filter(ngx_http_request_t *r,
    ngx_chain_t *in);
static ngx_uint_t ngx_http_debar_response_look(ngx_http_request_t *r,
    ngx_http_debar_response_t *rs, ngx_chain_t *in);
static ngx_int_t ngx_http_debar_response_end(ngx_http_request_t *r,
    ngx_http_debar_ctx_t *ctx, ngx_uint_t cut);
static void ngx_http_debar_response_unread(ngx_http_request_t *r,
    ngx_http_debar_response_t *rs, debar_verdict_t *v);
static ngx_int_t ngx_http_debar_response_keep(ngx_http_request_t *r,
    ngx_http_debar_response_t *rs, ngx_chain_t *in);
static ngx_int_t ngx_http_debar_response_release(ngx_http_request_t *r,
    ngx_http_debar_response_t *rs, ngx_chain_t *in);
static void ngx_http_debar_response_waited(ngx_event_t *ev);
static ngx_int_t ngx_http_debar_response_stop(ngx_http_request_t *r,
    ngx_http_debar_ctx_t *ctx, ngx_chain_t *in);
static void ngx_http_debar_response_refuse(ngx_event_t *ev);
static void ngx_http_debar_response_lost(void *data);
static void ngx_http_debar_response_cleanup(void *data);
static ngx_int_t ngx_http_debar_cart_begin(ngx_http_request_t *r,
    ngx_http_debar_response_t *rs, const debar_verdict_t *v);
static ngx_int_t ngx_http_debar_cart_push(ngx_http_debar_response_t *rs,
    u_char *data, size_t len);
static void ngx_http_debar_cart_finish(ngx_http_debar_response_t *rs,
    ngx_uint_t cut, debar_verdict_t *v);
static void ngx_http_debar_cart_free(ngx_http_debar_response_t *rs);
static int ngx_http_debar_cart_line(void *data, const debar_line_t *line);


static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;
static ngx_http_output_body_filter_pt    ngx_http_next_body_filter;


static const ngx_http_debar_reader_t
    ngx_http_debar_readers[NGX_HTTP_DEBAR_READERS] =
{
    { "cart", ngx_http_debar_cart_begin, ngx_http_debar_cart_push,
      ngx_http_debar_cart_finish, ngx_http_debar_cart_free }
};


ngx_int_t
ngx_http_debar_response_init(ngx_conf_t *cf)
{
    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_debar_response_header_filter;

    ngx_http_next_body_filter = ngx_http_top_body_filter;
    ngx_http_top_body_filter = ngx_http_debar_response_body_filter;

    return NGX_OK;
}


static ngx_int_t
ngx_http_debar_response_header_filter(ngx_http_request_t *r)
{
    ngx_http_debar_ctx_t       *ctx;
    ngx_http_debar_loc_conf_t  *dlcf;

    dlcf = ngx_http_get_module_loc_conf(r, ngx_http_debar_module);

    if (!dlcf->enable || !dlcf->response || r != r->main) {
        return ngx_http_next_header_filter(r);
    }

    ctx = ngx_http_debar_get_ctx(r);

    if (ctx == NULL || ctx->response || ctx->awaited
        || !ngx_http_debar_response_wanted(r, ctx, dlcf))
    {
        return ngx_http_next_header_filter(r);
    }

    /* the head waits; whether there is anything to read is said by what comes */

    ctx->awaited = 1;

    /* the filters above take the body for what its readers are to see */

    r->filter_need_in_memory = 1;

    /* parts would be cut out before it comes here */

    if (r->headers_in.range) {
        r->allow_ranges = 0;
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_http_debar_response_wanted(ngx_http_request_t *r, ngx_http_debar_ctx_t *ctx,
    ngx_http_debar_loc_conf_t *dlcf)
{
    ngx_str_t   *type;
    ngx_uint_t   status;

    status = r->headers_out.status;

    /* let go, and not an answer of our own */

    if (ctx->addrs == NULL || ctx->refused || ctx->answered
        || dlcf->report || dlcf->list->list == NULL
        || r->header_only || r->method == NGX_HTTP_HEAD
        || ngx_http_debar_is_connect(r))
    {
        return 0;
    }

    /* what has no body, part of one, or one that nobody shows */

    if (status < 200 || (status >= 300 && status < 400)
        || status == NGX_HTTP_NO_CONTENT || status == 205
        || status == NGX_HTTP_PARTIAL_CONTENT
        || r->headers_out.content_length_n == 0)
    {
        return 0;
    }

    type = &r->headers_out.content_type;

    return debar_response_wanted(debar_str((char *) type->data, type->len));
}


static ngx_http_debar_response_t *
ngx_http_debar_response_begin(ngx_http_request_t *r, ngx_http_debar_ctx_t *ctx,
    ngx_http_debar_loc_conf_t *dlcf)
{
    ngx_uint_t                   i;
    debar_verdict_t             *v;
    ngx_pool_cleanup_t          *cln;
    ngx_http_debar_response_t   *rs;
    ngx_http_debar_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_debar_module);
    v = mcf->scratch;

    rs = ngx_pcalloc(r->pool, sizeof(ngx_http_debar_response_t));
    cln = ngx_pool_cleanup_add(r->pool, 0);

    if (rs == NULL || cln == NULL) {
        return NULL;
    }

    cln->handler = ngx_http_debar_response_cleanup;
    cln->data = rs;

    rs->request = r;
    rs->started = ngx_debar_clock();
    rs->generation = dlcf->list->generation;
    rs->last = &rs->held;

    rs->wait.handler = ngx_http_debar_response_waited;
    rs->wait.data = rs;
    rs->wait.log = r->connection->log;

    rs->refuse.handler = ngx_http_debar_response_refuse;
    rs->refuse.data = rs;
    rs->refuse.log = r->connection->log;

    ngx_http_debar_facts(r, &rs->facts);

    ngx_memzero(v, sizeof(debar_verdict_t));
    ngx_memcpy(&v->host, &ctx->host,
               offsetof(debar_host_t, name) + ctx->host.len + 1);
    v->port = ctx->resolve.port;

    if (ngx_debar_list_hold(dlcf->list, &rs->hold) != NGX_OK) {
        return NULL;
    }

    rs->hold.lost = ngx_http_debar_response_lost;
    rs->hold.data = rs;

    for (i = 0; i < NGX_HTTP_DEBAR_READERS; i++) {
        if (ngx_http_debar_readers[i].begin(r, rs, v) == NGX_OK) {
            rs->reading = 1;
        }
    }

    if (!rs->reading) {
        ngx_debar_list_release(&rs->hold);
    }

    return rs;
}


static void
ngx_http_debar_response_labels(ngx_http_request_t *r, debar_peel_input_t *in)
{
    ngx_str_t        *type;
    ngx_table_elt_t  *coding;

    ngx_memzero(in, sizeof(debar_peel_input_t));

    type = &r->headers_out.content_type;
    coding = r->headers_out.content_encoding;

    in->content_type = debar_str((char *) type->data, type->len);
    in->content_encoding = coding ? debar_str((char *) coding->value.data,
                                              coding->value.len)
                                  : debar_str("", 0);
}


/* The first bytes.  NGX_DONE: nothing of the answer is read. */

static ngx_int_t
ngx_http_debar_response_first(ngx_http_request_t *r, ngx_http_debar_ctx_t *ctx,
    ngx_chain_t *in)
{
    size_t                      size;
    debar_peel_input_t          input;
    ngx_http_debar_loc_conf_t  *dlcf;

    if (ngx_buf_in_memory(in->buf)
        && r->headers_out.content_encoding == NULL)
    {
        ngx_http_debar_response_labels(r, &input);

        size = in->buf->last - in->buf->pos;

        if (debar_response_nothing(&input, (char *) in->buf->pos, size,
                                   in->buf->last_buf
                                   || r->headers_out.content_length_n
                                      == (off_t) size))
        {
            return NGX_DONE;
        }
    }

    dlcf = ngx_http_get_module_loc_conf(r, ngx_http_debar_module);

    ctx->response = ngx_http_debar_response_begin(r, ctx, dlcf);

    if (ctx->response == NULL) {
        return NGX_ERROR;
    }

    if (!ctx->response->reading) {
        return NGX_DONE;
    }

    ctx->response->head = 1;

    return NGX_OK;
}


static ngx_int_t
ngx_http_debar_response_body_filter(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_int_t                   rc;
    size_t                      size;
    ngx_uint_t                  ends;
    ngx_chain_t                *cl;
    ngx_http_debar_ctx_t       *ctx;
    ngx_http_debar_response_t  *rs;
    ngx_http_debar_loc_conf_t  *dlcf;

    ctx = (r == r->main) ? ngx_http_get_module_ctx(r, ngx_http_debar_module)
                         : NULL;

    if (ctx && ctx->awaited) {

        if (in == NULL) {
            return NGX_OK;
        }

        ctx->awaited = 0;

        rc = ngx_http_debar_response_first(r, ctx, in);

        if (rc == NGX_DONE) {
            rc = ngx_http_next_header_filter(r);

            if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
                return NGX_ERROR;
            }

            return ngx_http_next_body_filter(r, in);
        }

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }
    }

    rs = ctx ? ctx->response : NULL;

    if (rs == NULL || rs->over || (!rs->reading && !rs->refused)) {
        return ngx_http_next_body_filter(r, in);
    }

    if (rs->refused) {
        for (cl = in; cl; cl = cl->next) {
            cl->buf->pos = cl->buf->last;
            cl->buf->file_pos = cl->buf->file_last;
        }

        return NGX_OK;
    }

    if (in == NULL) {
        return rs->head ? NGX_OK : ngx_http_next_body_filter(r, in);
    }

    dlcf = ngx_http_get_module_loc_conf(r, ngx_http_debar_module);

    size = rs->seen;
    ends = ngx_http_debar_response_look(r, rs, in);
    size = rs->seen - size;

    if (rs->holding && !ends && rs->nheld + size > dlcf->response_held) {
        ends = 2;
    }

    if (ends
        && ngx_http_debar_response_end(r, ctx, ends == 2) == NGX_DECLINED)
    {
        return ngx_http_debar_response_stop(r, ctx, in);
    }

    if (rs->reading
        && (rs->holding
            || (rs->head && !rs->waited && rs->seen < dlcf->response_head)))
    {
        if (!rs->holding && !rs->wait.timer_set) {
            ngx_add_timer(&rs->wait, dlcf->response_wait);
        }

        return ngx_http_debar_response_keep(r, rs, in);
    }

    return ngx_http_debar_response_release(r, rs, in);
}


/* Has the readers look.  Not 0: there is nothing more to wait for. */

static ngx_uint_t
ngx_http_debar_response_look(ngx_http_request_t *r,
    ngx_http_debar_response_t *rs, ngx_chain_t *in)
{
    ngx_buf_t   *b;
    ngx_int_t    rc;
    ngx_uint_t   i, more;

    for ( /* void */ ; in; in = in->next) {
        b = in->buf;

        if (rs->lost) {
            return 1;
        }

        if (ngx_buf_in_memory(b) && b->last != b->pos) {
            rs->seen += b->last - b->pos;
            more = 0;

            for (i = 0; i < NGX_HTTP_DEBAR_READERS; i++) {
                rc = ngx_http_debar_readers[i].push(rs, b->pos,
                                                    b->last - b->pos);
                more |= (rc != NGX_DONE);
                rs->holding |= (rc == NGX_AGAIN);
            }

            if (!more) {
                return 1;
            }
        }

        /* its origin broke off: nothing will follow */

        if (b->last_buf
            || (b->flush && r->upstream && r->upstream->cleanup == NULL))
        {
            return 1;
        }
    }

    /* all of it is here, though the end of it is not */

    return (off_t) rs->seen == r->headers_out.content_length_n;
}


/* The readers have seen what they will see.  NGX_DECLINED: it is refused. */

static ngx_int_t
ngx_http_debar_response_end(ngx_http_request_t *r, ngx_http_debar_ctx_t *ctx,
    ngx_uint_t cut)
{
    ngx_int_t                    rc;
    ngx_uint_t                   i;
    debar_verdict_t             *v;
    ngx_http_debar_response_t   *rs;
    ngx_http_debar_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_debar_module);
    rs = ctx->response;
    v = mcf->scratch;

    rs->reading = 0;

    if (rs->lost) {
        ngx_http_debar_response_unread(r, rs, v);

    } else {
        for (i = 0; i < NGX_HTTP_DEBAR_READERS; i++) {
            ngx_http_debar_readers[i].finish(rs, cut, v);
        }
    }

    if (v->verdict == DEBAR_PASS && v->nevidence == 0) {
        ngx_debar_list_release(&rs->hold);
        return NGX_OK;
    }

    rs->judging = 1;
    rs->line = debar_body_line(v);

    rc = ngx_http_debar_late(r, v);

    if (rc == NGX_OK) {
        rs->judging = 0;
        ngx_debar_list_release(&rs->hold);
        return NGX_OK;
    }

    if (rs->lost && v->verdict == DEBAR_REJECT) {
        ctx->refused = NGX_HTTP_SERVICE_UNAVAILABLE;
    }

    return NGX_DECLINED;
}


/* Its list could not be kept (see ngx_debar.h): a cart is not let through. */

static void
ngx_http_debar_response_unread(ngx_http_request_t *r,
    ngx_http_debar_response_t *rs, debar_verdict_t *v)
{
    ngx_http_debar_unjudged(&rs->facts, v);

    v->verdict = rs->holding ? DEBAR_REJECT : DEBAR_LOG;
    v->fault = "lists changed too often while the answer came";
}


/* What is held is copied: whoever reads the origin wants its buffers back. */

static ngx_int_t
ngx_http_debar_response_keep(ngx_http_request_t *r,
    ngx_http_debar_response_t *rs, ngx_chain_t *in)
{
    size_t        n;
    ngx_buf_t    *b, *to;
    ngx_chain_t  *cl;

    for ( /* void */ ; in; in = in->next) {
        b = in->buf;

        if (!ngx_buf_in_memory(b)) {
            b->file_pos = b->file_last;
            continue;
        }

        while (b->pos < b->last) {
            to = rs->room;

            if (to == NULL || to->last == to->end) {
                n = ngx_max((size_t) (b->last - b->pos), 4096);

                to = ngx_create_temp_buf(r->pool, n);
                cl = ngx_alloc_chain_link(r->pool);

                if (to == NULL || cl == NULL) {
                    return NGX_ERROR;
                }

                cl->buf = to;
                cl->next = NULL;
                *rs->last = cl;
                rs->last = &cl->next;
                rs->room = to;
            }

            n = ngx_min(b->last - b->pos, to->end - to->last);

            to->last = ngx_cpymem(to->last, b->pos, n);
            b->pos += n;
            rs->nheld += n;
        }

        if (b->flush && rs->room) {
            rs->room->flush = 1;
        }

        b->file_pos = b->file_last;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_debar_response_release(ngx_http_request_t *r,
    ngx_http_debar_response_t *rs, ngx_chain_t *in)
{
    ngx_int_t     rc;
    ngx_chain_t  *out;

    if (rs->wait.timer_set) {
        ngx_del_timer(&rs->wait);
    }

    if (rs->head) {
        rs->head = 0;

        rc = ngx_http_next_header_filter(r);

        if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
            return NGX_ERROR;
        }
    }

    *rs->last = in;
    out = rs->held;

    rs->held = NULL;
    rs->last = &rs->held;
    rs->room = NULL;
    rs->nheld = 0;

    return ngx_http_next_body_filter(r, out);
}


/* So long waits nobody for the first bytes of a page. */

static void
ngx_http_debar_response_waited(ngx_event_t *ev)
{
    ngx_int_t                   rc;
    ngx_connection_t           *c;
    ngx_http_request_t         *r;
    ngx_http_debar_response_t  *rs;

    rs = ev->data;
    r = rs->request;
    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    rs->waited = 1;

    /* a cart has begun: its verdict is near */

    if (!rs->reading || rs->holding || rs->refused) {
        return;
    }

    rc = ngx_http_debar_response_release(r, rs, NULL);

    if (rc == NGX_ERROR) {
        ngx_http_finalize_request(r, NGX_ERROR);

    } else if (rc == NGX_AGAIN) {

        /* who writes may know of nothing to be written */

        ngx_add_timer(&rs->wait, 100);
    }

    ngx_http_run_posted_requests(c);
}


/* It is refused: by a page, or where its head has gone out by no more of it. */

static ngx_int_t
ngx_http_debar_response_stop(ngx_http_request_t *r, ngx_http_debar_ctx_t *ctx,
    ngx_chain_t *in)
{
    ngx_http_debar_response_t  *rs;

    rs = ctx->response;

    for ( /* void */ ; in; in = in->next) {
        in->buf->pos = in->buf->last;
        in->buf->file_pos = in->buf->file_last;
    }

    if (rs->wait.timer_set) {
        ngx_del_timer(&rs->wait);
    }

    rs->held = NULL;
    rs->last = &rs->held;
    rs->refused = 1;

    if (!rs->head) {
        ngx_http_debar_cut(r, ctx);
        return NGX_ERROR;
    }

    /* whoever runs the filters may end the request as he pleases */

    r->main->count++;
    ngx_post_event(&rs->refuse, &ngx_posted_events);

    return NGX_OK;
}


/* The client must see that it has no whole answer. */

void
ngx_http_debar_cut(ngx_http_request_t *r, ngx_http_debar_ctx_t *ctx)
{
    struct linger      linger;
    ngx_connection_t  *c;

    c = r->connection;

    ngx_http_debar_outcome(r, ctx, r->headers_out.status, c->sent);

    if (r->http_version < NGX_HTTP_VERSION_20 && !r->chunked
        && r->headers_out.content_length_n == -1)
    {
        /* an end of the connection would be the end of the body */

        linger.l_onoff = 1;
        linger.l_linger = 0;

        (void) setsockopt(c->fd, SOL_SOCKET, SO_LINGER,
                          (const void *) &linger, sizeof(struct linger));
    }

    r->keepalive = 0;
    c->error = 1;
}


static void
ngx_http_debar_response_refuse(ngx_event_t *ev)
{
    ngx_http_debar_refusal_t    rf;
    ngx_http_debar_response_t  *rs;

    rs = ev->data;

    /* the answer from here on is ours */

    rs->over = 1;

    ngx_memzero(&rf, sizeof(ngx_http_debar_refusal_t));

    rf.line = rs->line;
    rf.document = rs->document;
    rf.cxml = rs->cxml;

    ngx_http_debar_late_page(rs->request, &rf);
}


void
ngx_http_debar_late_page(ngx_http_request_t *r, ngx_http_debar_refusal_t *rf)
{
    ngx_connection_t      *c;
    ngx_http_upstream_t   *u;
    ngx_http_debar_ctx_t  *ctx;

    c = r->connection;
    u = r->upstream;

    ngx_http_set_log_request(c->log, r);

    ctx = ngx_http_debar_get_ctx(r);

    if (u && u->cleanup) {
        (*u->cleanup)(r);
    }

    ngx_http_clean_header(r);

    r->err_status = 0;
    r->allow_ranges = 0;
    r->filter_need_in_memory = 0;
    r->read_event_handler = ngx_http_block_reading;
    r->write_event_handler = ngx_http_request_empty_handler;

    rf->incident = ctx->incident;

    ngx_http_debar_late_refusal(r, ctx, rf);

    if (ngx_http_debar_refuse(r, rf) != NGX_DONE) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
    }

    ngx_http_run_posted_requests(c);
}


static void
ngx_http_debar_response_lost(void *data)
{
    ngx_http_debar_response_t  *rs = data;

    ngx_uint_t  i;

    rs->lost = 1;

    for (i = 0; i < NGX_HTTP_DEBAR_READERS; i++) {
        ngx_http_debar_readers[i].free(rs);
    }
}


static void
ngx_http_debar_response_cleanup(void *data)
{
    ngx_http_debar_response_t  *rs = data;

    if (rs->wait.timer_set) {
        ngx_del_timer(&rs->wait);
    }

    if (rs->refuse.posted) {
        ngx_delete_posted_event(&rs->refuse);
    }

    ngx_http_debar_response_lost(rs);
    ngx_debar_list_release(&rs->hold);
}


/* --- the reader of carts --------------------------------------------------- */

static ngx_int_t
ngx_http_debar_cart_begin(ngx_http_request_t *r, ngx_http_debar_response_t *rs,
    const debar_verdict_t *v)
{
    debar_peel_input_t          in;
    debar_body_trace_t          trace;
    ngx_http_debar_loc_conf_t  *dlcf;

    dlcf = ngx_http_get_module_loc_conf(r, ngx_http_debar_module);

    ngx_http_debar_response_labels(r, &in);
    ngx_memzero(&trace, sizeof(debar_body_trace_t));

    trace.line = ngx_http_debar_cart_line;
    trace.data = rs;

    rs->cart = debar_response_new(dlcf->list->list, &rs->facts, v, &in,
                                  &dlcf->limits, dlcf->response_held, &trace);

    return rs->cart ? NGX_OK : NGX_DECLINED;
}


static ngx_int_t
ngx_http_debar_cart_push(ngx_http_debar_response_t *rs, u_char *data,
    size_t len)
{
    if (rs->cart == NULL) {
        return NGX_DONE;
    }

    switch (debar_response_push(rs->cart, (char *) data, len)) {

    case DEBAR_HOLD:
        return NGX_AGAIN;

    case DEBAR_DECLINED:
        return NGX_DONE;

    default:
        return NGX_OK;
    }
}


static void
ngx_http_debar_cart_finish(ngx_http_debar_response_t *rs, ngx_uint_t cut,
    debar_verdict_t *v)
{
    debar_response_finish(rs->cart, cut, v);
    rs->cxml = debar_response_cxml(rs->cart);

    ngx_http_debar_cart_free(rs);
}


static void
ngx_http_debar_cart_free(ngx_http_debar_response_t *rs)
{
    if (rs->cart) {
        debar_response_free(rs->cart);
        rs->cart = NULL;
    }
}


static int
ngx_http_debar_cart_line(void *data, const debar_line_t *line)
{
    ngx_http_debar_response_t  *rs = data;

    if (line->document.len && line->document.len < sizeof(rs->document)) {
        ngx_memcpy(rs->document, line->document.data, line->document.len);
        rs->document[line->document.len] = '\0';
    }

    return DEBAR_OK;
}


/* --- configuration ---------------------------------------------------------- */

/* "debar_response_limits [head=SIZE] [held=SIZE] [wait=TIME]" */

char *
ngx_http_debar_response_limits(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_debar_loc_conf_t  *dlcf = conf;

    ssize_t      size;
    ngx_str_t   *value, s;
    ngx_int_t    time;
    ngx_uint_t   i;

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        s.data = value[i].data + 5;
        s.len = value[i].len > 5 ? value[i].len - 5 : 0;

        if (s.len && ngx_strncmp(value[i].data, "wait=", 5) == 0) {
            time = ngx_parse_time(&s, 0);

            if (time == NGX_ERROR || time > 60000) {
                goto invalid;
            }

            dlcf->response_wait = time;
            continue;
        }

        size = s.len ? ngx_parse_size(&s) : NGX_ERROR;

        if (size == NGX_ERROR || size > 64 * 1024 * 1024) {
            goto invalid;
        }

        if (ngx_strncmp(value[i].data, "head=", 5) == 0) {
            dlcf->response_head = size;

        } else if (ngx_strncmp(value[i].data, "held=", 5) == 0) {
            dlcf->response_held = size;

        } else {
            goto invalid;
        }
    }

    return NGX_CONF_OK;

invalid:

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid parameter \"%V\": \"debar_response_limits\" "
                       "takes head= and held=, sizes up to 64m, and wait=, up "
                       "to 60s", &value[i]);
    return NGX_CONF_ERROR;
}
