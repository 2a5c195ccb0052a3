/*
 * The audit line of a request, and the LOG phase: it runs for requests too that
 * nginx's own parser refused, which no other phase sees.  What their bytes may
 * have meant to another reader is judged, and recorded; the status stays.
 */

#include "ngx_http_debar.h"


#define NGX_HTTP_DEBAR_URL   4096        /* bytes of a target that are
                                            recorded */
#define NGX_HTTP_DEBAR_HEAD  16384       /* bytes of a refused head looked at */


static void ngx_http_debar_written(ngx_debar_audit_wait_t *wait);
static void ngx_http_debar_unwait(void *data);
static ngx_uint_t ngx_http_debar_parsed(ngx_http_request_t *r);
static size_t ngx_http_debar_head(ngx_http_request_t *r, u_char *head,
    size_t size);
static u_char *ngx_http_debar_head_fields(ngx_http_request_t *r, u_char *p,
    u_char *last);
static u_char *ngx_http_debar_add(u_char *p, u_char *last, u_char *data,
    size_t len);
static void ngx_http_debar_unparsed(ngx_http_request_t *r,
    ngx_http_debar_loc_conf_t *dlcf, u_char *head, size_t len,
    debar_verdict_t *v, uint64_t started);
static void ngx_http_debar_words(u_char *head, size_t len, ngx_str_t *method,
    ngx_str_t *url);


ngx_int_t
ngx_http_debar_url(ngx_http_request_t *r, ngx_str_t *url)
{
    u_char                *p;
    size_t                 size, len;
    ngx_str_t              scheme, host;
    ngx_http_debar_ctx_t  *ctx;

    ctx = ngx_http_debar_get_ctx(r);

    if (ctx && ctx->front && ctx->front->kind == NGX_DEBAR_FRONT_INSPECTED) {
        ngx_str_set(&scheme, "https");

    } else {
        ngx_str_set(&scheme, "http");
    }

    ngx_str_null(&host);

    if (r->schema_start && r->schema_end) {
        scheme.data = r->schema_start;
        scheme.len = r->schema_end - r->schema_start;
    }

    if (r->host_start && r->host_end) {
        host.data = r->host_start;
        host.len = ngx_http_debar_host_end(r) - r->host_start;

    } else if (r->headers_in.host) {
        host = r->headers_in.host->value;
    }

    if (ngx_http_debar_is_connect(r)) {
        url->data = host.data;
        url->len = ngx_min(host.len, NGX_HTTP_DEBAR_URL);

        return NGX_OK;
    }

    len = ngx_min(r->unparsed_uri.len, NGX_HTTP_DEBAR_URL);
    size = ngx_min(scheme.len, 32) + sizeof("://") - 1
           + ngx_min(host.len, NGX_HTTP_DEBAR_URL) + len;

    p = ngx_pnalloc(r->pool, size);
    if (p == NULL) {
        return NGX_ERROR;
    }

    url->data = p;

    p = ngx_cpymem(p, scheme.data, ngx_min(scheme.len, 32));
    p = ngx_cpymem(p, "://", sizeof("://") - 1);

    if (host.len) {
        p = ngx_cpymem(p, host.data, ngx_min(host.len, NGX_HTTP_DEBAR_URL));
    }

    p = ngx_cpymem(p, r->unparsed_uri.data, len);

    url->len = p - url->data;

    return NGX_OK;
}


ngx_int_t
ngx_http_debar_write(ngx_http_request_t *r, ngx_http_debar_loc_conf_t *dlcf,
    const debar_verdict_t *v, const char *incident,
    const ngx_http_debar_line_t *line)
{
    char                         out[DEBAR_MAX_RECORD];
    u_char                       client[NGX_SOCKADDR_STRLEN];
    size_t                       len;
    ngx_int_t                    rc;
    ngx_time_t                  *tp;
    debar_record_t               rec;
    ngx_connection_t            *c;
    ngx_http_debar_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_debar_module);

    ngx_memzero(&rec, sizeof(debar_record_t));

    c = r->connection;
    tp = ngx_timeofday();

    rec.msec = (int64_t) tp->sec * 1000 + tp->msec;
    ngx_memcpy(rec.incident, incident, sizeof(rec.incident));

    if (c->sockaddr->sa_family == AF_INET && c->addr_text.len) {

        /* nginx has made the text of the address already */

        len = ngx_sprintf(client, "%V:%ui", &c->addr_text,
                          (ngx_uint_t) ngx_inet_get_port(c->sockaddr))
              - client;

    } else {
        len = ngx_sock_ntop(c->sockaddr, c->socklen, client,
                            NGX_SOCKADDR_STRLEN, 1);
    }

    rec.client = debar_str((char *) client, len);
    rec.gateway = debar_str((char *) dlcf->gateway.data, dlcf->gateway.len);
    rec.surface = debar_str(line->surface, ngx_strlen(line->surface));
    rec.user = debar_str((char *) line->user.data, line->user.len);
    rec.method = debar_str((char *) line->method.data, line->method.len);
    rec.url = debar_str((char *) line->url.data, line->url.len);
    rec.upstream = debar_str((char *) line->upstream.data, line->upstream.len);
    rec.asn = line->asn;
    rec.content = line->content;
    rec.privacy = &dlcf->privacy.kept;

    if (line->country) {
        rec.country = debar_str(line->country, ngx_strlen(line->country));
    }

    rec.mode = ngx_debar_mode_name(dlcf->mode, dlcf->glass);

    if (line->started) {
        rec.took_us = (ngx_debar_clock() - line->started) / 1000;
    }

    len = debar_record_line(out, sizeof(out), &rec,
                            line->list ? line->list : dlcf->list->list, v);

    if (line->wait) {
        return ngx_debar_audit_append(dlcf->audit, (u_char *) out, len,
                                      line->wait, c->log);
    }

    rc = ngx_debar_audit_write(dlcf->audit, (u_char *) out, len, c->log);

    if (rc != NGX_OK) {
        ngx_http_debar_count(mcf, NGX_HTTP_DEBAR_N_AUDIT_FAILED);
    }

    return rc;
}


ngx_debar_audit_wait_t *
ngx_http_debar_wait(ngx_http_request_t *r, ngx_http_debar_ctx_t *ctx)
{
    ngx_http_cleanup_t  *cln;

    cln = ngx_http_cleanup_add(r, 0);
    if (cln == NULL) {
        return NULL;
    }

    cln->handler = ngx_http_debar_unwait;
    cln->data = &ctx->line;

    ctx->line.handler = ngx_http_debar_written;
    ctx->line.data = r;

    return &ctx->line;
}


static void
ngx_http_debar_written(ngx_debar_audit_wait_t *wait)
{
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = wait->data;
    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    ngx_http_core_run_phases(r);
    ngx_http_run_posted_requests(c);
}


static void
ngx_http_debar_unwait(void *data)
{
    ngx_debar_audit_cancel(data);
}


ngx_int_t
ngx_http_debar_recorded(ngx_http_request_t *r, ngx_http_debar_ctx_t *ctx)
{
    ngx_http_debar_loc_conf_t   *dlcf;
    ngx_http_debar_main_conf_t  *mcf;

    if (ctx->line.rc == NGX_AGAIN) {
        return NGX_AGAIN;
    }

    ctx->line.rc = NGX_OK;

    dlcf = ngx_http_get_module_loc_conf(r, ngx_http_debar_module);
    mcf = ngx_http_get_module_main_conf(r, ngx_http_debar_module);

    ngx_http_debar_count(mcf, NGX_HTTP_DEBAR_N_AUDIT_FAILED);

    return dlcf->audit_pass ? NGX_DECLINED
                            : ngx_http_debar_unrecorded(r, ctx);
}


ngx_int_t
ngx_http_debar_unrecorded(ngx_http_request_t *r, ngx_http_debar_ctx_t *ctx)
{
    ngx_http_debar_refusal_t  rf;

    ngx_memzero(&rf, sizeof(ngx_http_debar_refusal_t));

    rf.status = NGX_HTTP_SERVICE_UNAVAILABLE;
    rf.title = "The audit record cannot be written";
    rf.detail = "This gateway lets nothing through that it cannot record.";
    rf.incident = ctx->incident;

    return ngx_http_debar_refuse(r, &rf);
}


void
ngx_http_debar_outcome(ngx_http_request_t *r, ngx_http_debar_ctx_t *ctx,
    ngx_uint_t status, off_t bytes)
{
    char                        out[DEBAR_MAX_RECORD];
    size_t                      len;
    ngx_str_t                  *upstream;
    ngx_time_t                 *tp;
    debar_record_t              rec;
    ngx_http_debar_loc_conf_t  *dlcf;

    dlcf = ngx_http_get_module_loc_conf(r, ngx_http_debar_module);

    if (dlcf->audit == NULL) {
        return;
    }

    ngx_memzero(&rec, sizeof(debar_record_t));

    tp = ngx_timeofday();
    rec.msec = (int64_t) tp->sec * 1000 + tp->msec;
    ngx_memcpy(rec.incident, ctx->incident, sizeof(rec.incident));

    if (ctx->naddrs) {
        upstream = &ctx->addrs[ctx->current].text;
        rec.upstream = debar_str((char *) upstream->data, upstream->len);
    }

    len = debar_record_outcome(out, sizeof(out), &rec, status, bytes);

    (void) ngx_debar_audit_write(dlcf->audit, (u_char *) out, len,
                                 r->connection->log);
}


ngx_int_t
ngx_http_debar_log_handler(ngx_http_request_t *r)
{
    u_char                       head[NGX_HTTP_DEBAR_HEAD];
    size_t                       len;
    uint64_t                     started;
    debar_verdict_t             *v;
    ngx_http_debar_ctx_t        *ctx;
    ngx_http_core_srv_conf_t    *cscf;
    ngx_http_debar_loc_conf_t   *dlcf;
    ngx_http_debar_main_conf_t  *mcf;

    if (r != r->main) {
        return NGX_OK;
    }

    if (ngx_http_debar_parsed(r)) {
        ctx = ngx_http_debar_get_ctx(r);

        if (ctx) {
            ngx_http_debar_body_log(r, ctx);
        }

        return NGX_OK;
    }

    /* the server's own: error_page may have found a location */

    cscf = ngx_http_get_module_srv_conf(r, ngx_http_core_module);
    dlcf = cscf->ctx->loc_conf[ngx_http_debar_module.ctx_index];

    if (!dlcf->enable && dlcf->within) {
        dlcf = dlcf->within;
    }

    if (!dlcf->enable || dlcf->report) {
        return NGX_OK;
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_http_debar_module);
    v = mcf->scratch;

    if (v == NULL) {
        return NGX_OK;
    }

    started = ngx_debar_clock();

    len = ngx_http_debar_head(r, head, sizeof(head));

    if (len == 0) {
        return NGX_OK;
    }

    if (dlcf->list->list) {
        debar_judge_refused(dlcf->list->list, (char *) head, len,
                            "not a request that the gateway takes",
                            ngx_time(), v);

    } else {
        ngx_memzero(v, sizeof(debar_verdict_t));
        v->entry = DEBAR_NONE;
        v->product = DEBAR_NONE;
        v->permit = DEBAR_NONE;
        v->waiver = DEBAR_NONE;
        v->verdict = DEBAR_REJECT;
        v->fault = "not a request that the gateway takes";
    }

    /* one that was not finished is nobody's attempt, unless it names one */

    if ((r->connection->error || r->connection->timedout)
        && v->verdict != DEBAR_BLOCK)
    {
        return NGX_OK;
    }

    ngx_http_debar_unparsed(r, dlcf, head, len, v, started);

    return NGX_OK;
}


/* Whether the request got as far as the phases. */

static ngx_uint_t
ngx_http_debar_parsed(ngx_http_request_t *r)
{
    if (ngx_http_debar_get_ctx(r) != NULL) {
        return 1;
    }

    return (r->valid_location || r->internal || r->uri_changed)
           && !ngx_http_debar_unread(r);
}


/* error_page may send it through the phases all the same. */

ngx_uint_t
ngx_http_debar_unread(ngx_http_request_t *r)
{
    if (r->http_version >= NGX_HTTP_VERSION_20) {
        return 0;
    }

    /* HTTP/0.9 has no fields to read */

    return r->request_line.len == 0
           || (r->http_state < NGX_HTTP_PROCESS_REQUEST_STATE
               && r->http_version != NGX_HTTP_VERSION_9);
}


/*
 * The head as it came, as far as it is there.  nginx has put NULs behind names
 * and values of the fields that it parsed: they are written anew.
 */

static size_t
ngx_http_debar_head(ngx_http_request_t *r, u_char *head, size_t size)
{
    u_char     *p, *last, *from;
    ngx_buf_t  *b;

    p = head;
    last = head + size;
    b = r->header_in;

    if (r->request_line.len) {
        p = ngx_http_debar_add(p, last, r->request_line.data,
                               ngx_min(r->request_line.len, size / 2));
        p = ngx_http_debar_add(p, last, (u_char *) "\r\n", 2);
        p = ngx_http_debar_head_fields(r, p, last);

        from = r->header_name_start;

        if (r->http_state >= NGX_HTTP_PROCESS_REQUEST_STATE) {
            from = NULL;
        }

    } else {
        from = r->request_start;

        if (b && (from < b->start || from >= b->last)) {
            from = b->pos;
        }
    }

#if (NGX_HTTP_V2)
    if (r->stream) {
        from = NULL;
    }
#endif

    if (b && from && from >= b->start && from < b->last) {
        p = ngx_http_debar_add(p, last, from, b->last - from);
    }

    return p - head;
}


static u_char *
ngx_http_debar_head_fields(ngx_http_request_t *r, u_char *p, u_char *last)
{
    ngx_table_elt_t        *h;
    ngx_http_debar_walk_t   w;

    ngx_http_debar_walk(&w, &r->headers_in.headers);

    while ((h = ngx_http_debar_walk_next(&w)) != NULL) {
        if (ngx_http_debar_field_is(h, "host")) {
            p = ngx_http_debar_add(p, last, (u_char *) "Host: ", 6);
            p = ngx_http_debar_add(p, last, h->value.data,
                                   ngx_min(h->value.len, 2048));
            p = ngx_http_debar_add(p, last, (u_char *) "\r\n", 2);
        }
    }

    return p;
}


static u_char *
ngx_http_debar_add(u_char *p, u_char *last, u_char *data, size_t len)
{
    return ngx_cpymem(p, data, ngx_min(len, (size_t) (last - p)));
}


static void
ngx_http_debar_unparsed(ngx_http_request_t *r, ngx_http_debar_loc_conf_t *dlcf,
    u_char *head, size_t len, debar_verdict_t *v, uint64_t started)
{
    ngx_http_debar_ctx_t        *ctx;
    ngx_http_debar_line_t        line;
    ngx_http_debar_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_debar_module);

    ctx = ngx_http_debar_create_ctx(r);
    if (ctx == NULL) {
        return;
    }

    ctx->done = 1;
    ctx->action = v->verdict;

    ngx_http_debar_count(mcf, NGX_HTTP_DEBAR_N_UNPARSED);
    ngx_http_debar_count(mcf, v->verdict);

    if (ngx_http_debar_keep(r, dlcf->list->list, ctx, v) != NGX_OK
        || dlcf->audit == NULL)
    {
        return;
    }

    ngx_memzero(&line, sizeof(ngx_http_debar_line_t));

    ngx_http_debar_words(head, len, &line.method, &line.url);

    line.started = started;
    line.surface = "http";

    ctx->front = ngx_http_debar_front(r);

    if (ctx->front) {
        line.user = ctx->front->user;

        if (ctx->front->kind == NGX_DEBAR_FRONT_INSPECTED) {
            line.surface = "inspected";
        }

    } else if (line.method.len == 7
        && ngx_strncmp(line.method.data, "CONNECT", 7) == 0)
    {
        line.surface = "connect";
    }

    (void) ngx_http_debar_write(r, dlcf, v, ctx->incident, &line);
}


/* The first two words of what came, whatever they are. */

static void
ngx_http_debar_words(u_char *head, size_t len, ngx_str_t *method,
    ngx_str_t *url)
{
    u_char  *p, *last;

    p = head;
    last = ngx_strlchr(head, head + len, LF);

    if (last == NULL) {
        last = head + len;
    }

    if (last > p && last[-1] == CR) {
        last--;
    }

    method->data = p;

    while (p < last && *p != ' ' && p - method->data < 32) {
        p++;
    }

    method->len = p - method->data;

    while (p < last && *p == ' ') {
        p++;
    }

    url->data = p;

    while (p < last && *p != ' ' && p - url->data < NGX_HTTP_DEBAR_URL) {
        p++;
    }

    url->len = p - url->data;
}
