/*
 * Bodies of requests.  PRECONTENT has the body of a request that was let go
 * read as a whole, so that nothing of it reaches an origin before its verdict;
 * a request body filter judges it while it comes.  What is a block already ends
 * the reading there and then.
 *
 * gRPC, and where "debar_body stream" says so: the filter alone, while the body
 * flows.
 */

#include "ngx_http_debar.h"


static ngx_uint_t ngx_http_debar_body_wanted(ngx_http_request_t *r,
    ngx_http_debar_loc_conf_t *dlcf);
static ngx_uint_t ngx_http_debar_body_grpc(ngx_http_request_t *r);
static ngx_int_t ngx_http_debar_body_begin(ngx_http_request_t *r,
    ngx_http_debar_ctx_t *ctx, const debar_verdict_t *v);
static ngx_int_t ngx_http_debar_body_flows(ngx_http_request_t *r,
    ngx_http_debar_ctx_t *ctx);
static int ngx_http_debar_body_line(void *data, const debar_line_t *line);
static void ngx_http_debar_body_whole(ngx_http_request_t *r);
static ngx_int_t ngx_http_debar_body_filter(ngx_http_request_t *r,
    ngx_chain_t *in);
static ngx_int_t ngx_http_debar_body_look(ngx_http_request_t *r,
    ngx_http_debar_ctx_t *ctx, ngx_chain_t *in);
static void ngx_http_debar_body_head(ngx_http_debar_body_t *b, ngx_buf_t *buf);
static ngx_int_t ngx_http_debar_body_end(ngx_http_request_t *r,
    ngx_http_debar_ctx_t *ctx);
static ngx_int_t ngx_http_debar_body_stop(ngx_http_request_t *r,
    ngx_http_debar_ctx_t *ctx, ngx_chain_t *in);
static void ngx_http_debar_body_refused(ngx_http_request_t *r);
static void ngx_http_debar_body_refuse(ngx_http_request_t *r,
    ngx_http_debar_ctx_t *ctx);
static ngx_uint_t ngx_http_debar_body_cxml(ngx_http_debar_body_t *b);
static void ngx_http_debar_body_lost(void *data);
static void ngx_http_debar_body_cleanup(void *data);


static ngx_http_request_body_filter_pt  ngx_http_debar_next_body_filter;


ngx_int_t
ngx_http_debar_body_init(ngx_conf_t *cf)
{
    ngx_http_handler_pt        *h;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_PRECONTENT_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_debar_body_handler;

    ngx_http_debar_next_body_filter = ngx_http_top_request_body_filter;
    ngx_http_top_request_body_filter = ngx_http_debar_body_filter;

    return NGX_OK;
}


ngx_int_t
ngx_http_debar_body_handler(ngx_http_request_t *r)
{
    ngx_int_t                   rc;
    ngx_http_debar_ctx_t       *ctx;
    ngx_http_debar_body_t      *b;
    ngx_http_debar_loc_conf_t  *dlcf;

    dlcf = ngx_http_get_module_loc_conf(r, ngx_http_debar_module);

    if (!dlcf->enable || dlcf->report || r != r->main) {
        return NGX_DECLINED;
    }

    ctx = ngx_http_debar_get_ctx(r);

    if (ctx == NULL || ctx->body == NULL || !ctx->body->first
        || r->request_body)
    {
        return NGX_DECLINED;
    }

    b = ctx->body;
    b->in_phase = 1;

    rc = ngx_http_read_client_request_body(r, ngx_http_debar_body_whole);

    b->in_phase = 0;

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        return rc;
    }

    if (b->stopped) {
        ngx_http_debar_body_refuse(r, ctx);
    }

    ngx_http_finalize_request(r, NGX_DONE);

    return NGX_DONE;
}


/*
 * A request that is let go: NGX_OK where its body comes first, and its verdict
 * is recorded with that, NGX_DECLINED where there is none to wait for.
 */

ngx_int_t
ngx_http_debar_body_first(ngx_http_request_t *r, ngx_http_debar_ctx_t *ctx,
    const debar_verdict_t *v)
{
    ngx_http_debar_loc_conf_t  *dlcf;

    dlcf = ngx_http_get_module_loc_conf(r, ngx_http_debar_module);

    if (r != r->main || r->request_body
        || dlcf->body == NGX_HTTP_DEBAR_BODY_STREAM
        || !ngx_http_debar_body_wanted(r, dlcf)
        || ngx_http_debar_body_grpc(r))
    {
        return NGX_DECLINED;
    }

    if (ngx_http_debar_body_begin(r, ctx, v) != NGX_OK) {
        return NGX_ERROR;
    }

    ctx->body->first = 1;

    return NGX_OK;
}


/* One whose body did not come to its end: it is recorded by what came. */

void
ngx_http_debar_body_log(ngx_http_request_t *r, ngx_http_debar_ctx_t *ctx)
{
    if (ctx->body && ctx->body->first && !ctx->body->done) {
        (void) ngx_http_debar_body_end(r, ctx);
    }
}


static ngx_uint_t
ngx_http_debar_body_wanted(ngx_http_request_t *r,
    ngx_http_debar_loc_conf_t *dlcf)
{
    return dlcf->enable && !dlcf->report
           && dlcf->body != NGX_HTTP_DEBAR_BODY_OFF
           && dlcf->list->list
           && !ngx_http_debar_is_connect(r)
           && (r->headers_in.content_length_n > 0 || r->headers_in.chunked);
}


/* Its two directions may wait for each other: a body that is not let go on
 * until it ends may never end. */

static ngx_uint_t
ngx_http_debar_body_grpc(ngx_http_request_t *r)
{
    u_char     *p;
    ngx_str_t  *type;

    if (r->http_version != NGX_HTTP_VERSION_20
        || r->headers_in.content_type == NULL)
    {
        return 0;
    }

    type = &r->headers_in.content_type->value;

    if (type->len < 16
        || ngx_strncasecmp(type->data, (u_char *) "application/grpc", 16) != 0)
    {
        return 0;
    }

    p = type->data + 16;

    return type->len == 16 || *p == '+' || *p == ';' || *p == ' ';
}


static ngx_int_t
ngx_http_debar_body_begin(ngx_http_request_t *r, ngx_http_debar_ctx_t *ctx,
    const debar_verdict_t *v)
{
    ngx_str_t                   type, encoding, disposition;
    ngx_pool_cleanup_t         *cln;
    debar_peel_input_t          in;
    debar_body_trace_t          trace;
    ngx_http_debar_body_t      *b;
    ngx_http_debar_loc_conf_t  *dlcf;

    dlcf = ngx_http_get_module_loc_conf(r, ngx_http_debar_module);

    b = ngx_pcalloc(r->pool, sizeof(ngx_http_debar_body_t));
    cln = ngx_pool_cleanup_add(r->pool, 0);

    if (b == NULL || cln == NULL) {
        return NGX_ERROR;
    }

    cln->handler = ngx_http_debar_body_cleanup;
    cln->data = b;

    ngx_http_debar_facts(r, &b->facts);

    b->generation = dlcf->list->generation;
    b->verdict = v->verdict;
    b->nevidence = v->nevidence;
    b->fault = v->fault;

    if (ngx_http_debar_field(r, "content-type", ", ", &type) != NGX_OK
        || ngx_http_debar_field(r, "content-encoding", ", ", &encoding)
           != NGX_OK
        || ngx_http_debar_field(r, "content-disposition", ", ", &disposition)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_memzero(&in, sizeof(debar_peel_input_t));
    ngx_memzero(&trace, sizeof(debar_body_trace_t));

    in.content_type = debar_str((char *) type.data, type.len);
    in.content_encoding = debar_str((char *) encoding.data, encoding.len);
    in.content_disposition = debar_str((char *) disposition.data,
                                       disposition.len);
    in.name = debar_str("body", 4);

    trace.line = ngx_http_debar_body_line;
    trace.data = b;

    if (ngx_http_debar_dialect_watch(r, b, &trace) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_debar_list_hold(dlcf->list, &b->hold) != NGX_OK) {
        return NGX_ERROR;
    }

    b->hold.lost = ngx_http_debar_body_lost;
    b->hold.data = b;

    b->body = debar_body_new(dlcf->list->list, &b->facts, v, &in,
                             &dlcf->limits, &trace);
    if (b->body == NULL) {
        return NGX_ERROR;
    }

    ctx->body = b;

    return NGX_OK;
}


/* One that is on its way already is looked at as it flows. */

static ngx_int_t
ngx_http_debar_body_flows(ngx_http_request_t *r, ngx_http_debar_ctx_t *ctx)
{
    debar_facts_t                f;
    debar_verdict_t             *v;
    ngx_http_debar_loc_conf_t   *dlcf;
    ngx_http_debar_main_conf_t  *mcf;

    dlcf = ngx_http_get_module_loc_conf(r, ngx_http_debar_module);
    mcf = ngx_http_get_module_main_conf(r, ngx_http_debar_module);

    if (!ctx->done || ctx->addrs == NULL
        || !ngx_http_debar_body_wanted(r, dlcf))
    {
        return NGX_OK;
    }

    v = mcf->scratch;

    if (ctx->verdict && ctx->generation == dlcf->list->generation) {
        ngx_memcpy(v, ctx->verdict, debar_verdict_size(ctx->verdict));

    } else {
        ngx_http_debar_facts(r, &f);
        debar_judge(dlcf->list->list, &f, v);
    }

    return ngx_http_debar_body_begin(r, ctx, v);
}


static int
ngx_http_debar_body_line(void *data, const debar_line_t *line)
{
    ngx_http_debar_body_t  *b = data;

    if (line->document.len && line->document.len < sizeof(b->document)) {
        ngx_memcpy(b->document, line->document.data, line->document.len);
        b->document[line->document.len] = '\0';
    }

    return DEBAR_OK;
}


/* The verdict was reached in the filter, with the last byte. */

static void
ngx_http_debar_body_whole(ngx_http_request_t *r)
{
    r->write_event_handler = ngx_http_core_run_phases;
    ngx_http_core_run_phases(r);
}


static ngx_int_t
ngx_http_debar_body_filter(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_int_t              rc;
    ngx_http_debar_ctx_t  *ctx;

    ctx = ngx_http_debar_get_ctx(r);

    if (ctx && ctx->body == NULL
        && ngx_http_debar_body_flows(r, ctx) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ctx && ctx->body && ctx->body->stopped) {
        return ngx_http_debar_body_stop(r, ctx, in);
    }

    if (ctx == NULL || ctx->body == NULL || ctx->body->done) {
        return ngx_http_debar_next_body_filter(r, in);
    }

    rc = ngx_http_debar_body_look(r, ctx, in);

    if (rc == NGX_DECLINED) {
        return ngx_http_debar_body_stop(r, ctx, in);
    }

    return ngx_http_debar_next_body_filter(r, in);
}


/* NGX_DECLINED: it is refused. */

static ngx_int_t
ngx_http_debar_body_look(ngx_http_request_t *r, ngx_http_debar_ctx_t *ctx,
    ngx_chain_t *in)
{
    ngx_chain_t            *cl;
    ngx_http_debar_body_t  *b;

    b = ctx->body;

    for (cl = in; cl; cl = cl->next) {

        if (b->body == NULL) {
            return ngx_http_debar_body_end(r, ctx);
        }

        if (cl->buf->last != cl->buf->pos) {
            ngx_http_debar_body_head(b, cl->buf);

            if (debar_body_push(b->body, (char *) cl->buf->pos,
                                cl->buf->last - cl->buf->pos)
                == DEBAR_DECLINED)
            {
                return ngx_http_debar_body_end(r, ctx);
            }
        }

        if (cl->buf->last_buf) {
            return ngx_http_debar_body_end(r, ctx);
        }
    }

    return NGX_OK;
}


/* The first bytes tell in what a refusal is written. */

static void
ngx_http_debar_body_head(ngx_http_debar_body_t *b, ngx_buf_t *buf)
{
    size_t  n;

    n = ngx_min(sizeof(b->head) - b->head_len,
                (size_t) (buf->last - buf->pos));

    ngx_memcpy(b->head + b->head_len, buf->pos, n);
    b->head_len += n;
}


static ngx_int_t
ngx_http_debar_body_end(ngx_http_request_t *r, ngx_http_debar_ctx_t *ctx)
{
    ngx_int_t                    rc;
    ngx_uint_t                   unjudged;
    debar_verdict_t             *v;
    ngx_http_debar_body_t       *b;
    ngx_http_debar_loc_conf_t   *dlcf;
    ngx_http_debar_main_conf_t  *mcf;

    dlcf = ngx_http_get_module_loc_conf(r, ngx_http_debar_module);
    mcf = ngx_http_get_module_main_conf(r, ngx_http_debar_module);
    b = ctx->body;
    v = mcf->scratch;
    unjudged = (b->body == NULL);

    if (b->body) {
        debar_body_finish(b->body, v);
        debar_body_free(b->body);
        b->body = NULL;

    } else if (dlcf->list && dlcf->list->list) {

        /* the list it was judged by could not be kept: see ngx_debar.h */

        debar_judge(dlcf->list->list, &b->facts, v);

        if (v->verdict < DEBAR_REJECT) {
            v->verdict = DEBAR_REJECT;
        }

        v->fault = "lists changed too often while the body came";

    } else {
        ngx_http_debar_unjudged(&b->facts, v);
        v->verdict = DEBAR_REJECT;
        v->fault = "there is no list any more";
    }

    b->done = 1;
    rc = NGX_OK;

    if (b->first || v->verdict != b->verdict || v->nevidence != b->nevidence
        || v->fault != b->fault)
    {
        rc = ngx_http_debar_late(r, v);
    }

    if (rc == NGX_OK) {
        ngx_debar_list_release(&b->hold);
        return NGX_OK;
    }

    b->line = debar_body_line(ctx->verdict ? ctx->verdict : v);

    if (unjudged && v->verdict == DEBAR_REJECT) {
        ctx->refused = NGX_HTTP_SERVICE_UNAVAILABLE;
    }

    return NGX_DECLINED;
}


/*
 * Nothing more of it is kept, and the reading ends: NGX_AGAIN is what neither
 * nginx's HTTP/1 nor its HTTP/2 takes for an error that it would answer itself.
 * The page follows when it has returned.
 */

static ngx_int_t
ngx_http_debar_body_stop(ngx_http_request_t *r, ngx_http_debar_ctx_t *ctx,
    ngx_chain_t *in)
{
    ngx_chain_t            *cl;
    ngx_http_debar_body_t  *b;

    b = ctx->body;

    for (cl = in; cl; cl = cl->next) {
        cl->buf->pos = cl->buf->last;
    }

    r->lingering_close = 1;
    r->keepalive = 0;

    if (r->request_body_no_buffering || r->upstream) {

        /* it was on its way already */

        b->stopped = 1;
        b->flowed = 1;
        return ctx->refused;
    }

    if (b->stopped) {
        return NGX_AGAIN;
    }

    b->stopped = 1;

    if (!b->in_phase) {
        r->write_event_handler = ngx_http_debar_body_refused;

        if (ngx_http_post_request(r, NULL) != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
    }

    return NGX_AGAIN;
}


static void
ngx_http_debar_body_refused(ngx_http_request_t *r)
{
    ngx_http_debar_body_refuse(r, ngx_http_debar_get_ctx(r));
}


static void
ngx_http_debar_body_refuse(ngx_http_request_t *r, ngx_http_debar_ctx_t *ctx)
{
    ngx_int_t                  rc;
    ngx_connection_t          *c;
    ngx_http_debar_refusal_t   rf;

    c = r->connection;

    if (c->read->timer_set) {
        ngx_del_timer(c->read);
    }

    r->read_event_handler = ngx_http_block_reading;
    r->write_event_handler = ngx_http_request_empty_handler;

#if (NGX_HTTP_V2)
    if (r->stream) {
        r->stream->skip_data = 1;
    }
#endif

    ngx_http_debar_body_refusal(r, ctx, &rf);

    rc = ngx_http_debar_refuse(r, &rf);

    if (rc != NGX_DONE) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
    }
}


void
ngx_http_debar_body_refusal(ngx_http_request_t *r, ngx_http_debar_ctx_t *ctx,
    ngx_http_debar_refusal_t *rf)
{
    ngx_memzero(rf, sizeof(ngx_http_debar_refusal_t));

    rf->incident = ctx->incident;

    ngx_http_debar_late_refusal(r, ctx, rf);

    rf->line = ctx->body->line;
    rf->document = ctx->body->document;
    rf->cxml = ngx_http_debar_body_cxml(ctx->body);
    rf->order = ctx->body->order;
}


/* A document by itself; in a field of a form a browser has sent it. */

static ngx_uint_t
ngx_http_debar_body_cxml(ngx_http_debar_body_t *b)
{
    u_char  *p;

    p = b->head;

    if (b->head_len > 3 && ngx_memcmp(p, "\xef\xbb\xbf", 3) == 0) {
        p += 3;
    }

    while (p < b->head + b->head_len
           && (*p == ' ' || *p == '\t' || *p == CR || *p == LF))
    {
        p++;
    }

    return p < b->head + b->head_len && *p == '<'
           && memmem(p, b->head + b->head_len - p, "<cXML", 5) != NULL;
}


/* Its list is closed now, and so many older ones are open already. */

static void
ngx_http_debar_body_lost(void *data)
{
    ngx_http_debar_body_t  *b = data;

    if (b->body) {
        debar_body_free(b->body);
        b->body = NULL;
    }
}


static void
ngx_http_debar_body_cleanup(void *data)
{
    ngx_http_debar_body_t  *b = data;

    ngx_http_debar_body_lost(b);
    ngx_debar_list_release(&b->hold);
}


char *
ngx_http_debar_body_limits(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_debar_loc_conf_t  *dlcf = conf;

    off_t        n;
    ngx_str_t   *value, s;
    ngx_uint_t   i, k;

    static ngx_str_t  names[] = {
        ngx_string("depth="), ngx_string("nodes="), ngx_string("leaves="),
        ngx_string("expanded="), ngx_string("ratio="), ngx_string("held=")
    };

    if (dlcf->limits_set) {
        return "is duplicate";
    }

    dlcf->limits_set = 1;
    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        for (k = 0; k < 6; k++) {
            if (value[i].len > names[k].len
                && ngx_strncmp(value[i].data, names[k].data, names[k].len)
                   == 0)
            {
                break;
            }
        }

        if (k == 6) {
            goto invalid;
        }

        s.data = value[i].data + names[k].len;
        s.len = value[i].len - names[k].len;
        n = ngx_parse_offset(&s);

        /* a depth has a stack behind it, a size somebody's memory */

        if (n < 1 || (k == 0 && n > 32) || (k == 1 && n > 100000)
            || (k == 4 && n > 100000) || n > (off_t) 1 << 40)
        {
            goto invalid;
        }

        switch (k) {
        case 0:
            dlcf->limits.depth = n;
            break;
        case 1:
            dlcf->limits.nodes = n;
            break;
        case 2:
            dlcf->limits.leaves = n;
            break;
        case 3:
            dlcf->limits.expanded = n;
            break;
        case 4:
            dlcf->limits.ratio = n;
            break;
        default:
            dlcf->limits.held = n;
        }
    }

    return NGX_CONF_OK;

invalid:

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid parameter \"%V\": \"debar_body_limits\" takes "
                       "depth=, nodes=, leaves=, expanded=, ratio= and held=",
                       &value[i]);
    return NGX_CONF_ERROR;
}
