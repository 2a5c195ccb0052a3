/*
 * A CONNECT: its head, who asks, the verdict on its authority, the name
 * resolved once and every address checked, and the audit line before the
 * answer.  A CONNECT whose name must be asked for is judged twice: the list may
 * have changed meanwhile.
 */

#include "ngx_stream_debar_front.h"


#define NGX_STREAM_DEBAR_URL  4096       /* bytes of a bad target in a record */

#define ngx_stream_debar_count(mcf, which)                                    \
    if ((mcf)->http) {                                                        \
        ngx_http_debar_count((mcf)->http, which);                             \
    }


static void ngx_stream_debar_front_head(ngx_event_t *rev);
static void ngx_stream_debar_front_bad_head(ngx_stream_debar_front_ctx_t *ctx,
    const char *head, size_t len, const char *fault, ngx_uint_t status);
static debar_str_t ngx_stream_debar_front_target(const char *head, size_t len);
static ngx_int_t ngx_stream_debar_front_take(ngx_stream_debar_front_ctx_t *ctx);
static void ngx_stream_debar_front_start(ngx_stream_debar_front_ctx_t *ctx);
static void ngx_stream_debar_front_judge(ngx_stream_debar_front_ctx_t *ctx);
static ngx_uint_t ngx_stream_debar_front_verdict(
    ngx_stream_debar_front_ctx_t *ctx, debar_facts_t *f, debar_verdict_t *v);
static ngx_uint_t ngx_stream_debar_front_port(
    ngx_stream_debar_front_ctx_t *ctx, debar_verdict_t *v);
static ngx_int_t ngx_stream_debar_front_resolve(
    ngx_stream_debar_front_ctx_t *ctx, debar_verdict_t *v);
static void ngx_stream_debar_front_resolved(ngx_debar_resolve_t *rs);
static void ngx_stream_debar_front_decide(ngx_stream_debar_front_ctx_t *ctx,
    debar_verdict_t *v, ngx_uint_t status);
static void ngx_stream_debar_front_refuse(ngx_stream_debar_front_ctx_t *ctx,
    const debar_verdict_t *v, ngx_uint_t status);
static void ngx_stream_debar_front_fill(ngx_stream_debar_front_ctx_t *ctx,
    debar_record_t *rec, u_char *client);
static void ngx_stream_debar_front_cleanup(ngx_debar_front_t *front);


void
ngx_stream_debar_front_connect(ngx_stream_session_t *s)
{
    ngx_connection_t              *c;
    ngx_debar_front_t             *front;
    ngx_stream_debar_front_ctx_t  *ctx;

    c = s->connection;
    front = ngx_debar_front_get(c);
    ctx = (ngx_stream_debar_front_ctx_t *) front;

    if (front == NULL || front->cleanup != ngx_stream_debar_front_cleanup) {

        ctx = (ngx_stream_debar_front_ctx_t *)
                  ngx_debar_front_add(c, sizeof(ngx_stream_debar_front_ctx_t));

        if (ctx == NULL) {
            ngx_stream_finalize_session(s, NGX_STREAM_INTERNAL_SERVER_ERROR);
            return;
        }

        if (front) {
            ctx->front.user = front->user;
            ctx->front.local_sockaddr = front->local_sockaddr;
        }
    }

    /* a further CONNECT, behind a 407, has the context of the first */

    ctx->front.cleanup = ngx_stream_debar_front_cleanup;
    ctx->session = s;
    ctx->incident[0] = '\0';
    ctx->started = ngx_debar_clock();

    c->log->action = "reading the head of a CONNECT";
    c->read->handler = ngx_stream_debar_front_head;

    ngx_stream_debar_front_head(c->read);
}


static void
ngx_stream_debar_front_cleanup(ngx_debar_front_t *front)
{
    ngx_stream_debar_front_ctx_t  *ctx;

    ctx = (ngx_stream_debar_front_ctx_t *) front;

    if (ctx->waiting) {
        ctx->waiting = 0;
        ngx_debar_resolve_cancel(&ctx->resolve);
    }

    ngx_stream_debar_front_forget(ctx);

    if (ctx->peer.connection) {
        ngx_close_connection(ctx->peer.connection);
        ctx->peer.connection = NULL;
    }
}


static void
ngx_stream_debar_front_head(ngx_event_t *rev)
{
    int                             rc;
    ssize_t                         n;
    ngx_uint_t                      timedout;
    ngx_connection_t               *c;
    ngx_stream_session_t           *s;
    ngx_stream_debar_front_ctx_t   *ctx;
    ngx_stream_debar_front_conf_t  *dfcf;
    ngx_stream_debar_main_conf_t   *mcf;

    c = rev->data;
    s = c->data;

    if (c->close) {
        ngx_stream_finalize_session(s, NGX_STREAM_OK);
        return;
    }

    dfcf = ngx_stream_get_module_srv_conf(s, ngx_stream_debar_front_module);
    mcf = ngx_stream_get_module_main_conf(s, ngx_stream_debar_module);
    ctx = ngx_stream_debar_front_ctx(c);

    timedout = rev->timedout;

    n = ngx_stream_debar_front_peek(c, mcf->peeked, DEBAR_MAX_HEAD + 1);

    if (n == NGX_ERROR) {
        return;
    }

    rc = (n == NGX_AGAIN) ? DEBAR_HEAD_MORE
                          : debar_connect_parse(&ctx->head, mcf->peeked, n);

    if (rc == DEBAR_HEAD_MORE && !timedout) {
        if (n == NGX_AGAIN || n <= DEBAR_MAX_HEAD) {
            if (!rev->timer_set) {
                ngx_add_timer(rev, dfcf->head_timeout);
            }

            ngx_stream_debar_front_wait(c);
            return;
        }

        rc = DEBAR_HEAD_TOO_LARGE;
    }

    if (rev->timer_set) {
        ngx_del_timer(rev);
    }

    rev->timedout = 0;
    ngx_reusable_connection(c, 0);

    switch (rc) {

    case DEBAR_HEAD_OK:
        ngx_stream_debar_front_start(ctx);
        return;

    case DEBAR_HEAD_OTHER:
        ngx_stream_debar_front_pass(s, dfcf->http);
        return;

    case DEBAR_HEAD_MORE:
        ngx_stream_debar_front_bad_head(ctx, mcf->peeked, n > 0 ? n : 0,
                                        "the head was not finished in time",
                                        408);
        return;

    case DEBAR_HEAD_TOO_LARGE:
        ngx_stream_debar_front_bad_head(ctx, mcf->peeked, n,
                                        "a head longer than is read", 431);
        return;

    default:
        ngx_stream_debar_front_bad_head(ctx, mcf->peeked, n,
                                        ctx->head.fault ? ctx->head.fault
                                                        : "a malformed head",
                                        400);
    }
}


/* What its bytes may have meant to another reader is judged all the same. */

static void
ngx_stream_debar_front_bad_head(ngx_stream_debar_front_ctx_t *ctx,
    const char *head, size_t len, const char *fault, ngx_uint_t status)
{
    debar_verdict_t               *v;
    ngx_stream_debar_srv_conf_t   *dscf;
    ngx_stream_debar_main_conf_t  *mcf;

    dscf = ngx_stream_get_module_srv_conf(ctx->session,
                                          ngx_stream_debar_module);
    mcf = ngx_stream_get_module_main_conf(ctx->session,
                                          ngx_stream_debar_module);
    v = mcf->scratch;

    if (dscf->list->list) {
        debar_judge_refused(dscf->list->list, head, len, fault, ngx_time(), v);

    } else {
        ngx_stream_debar_none(v);
        v->fault = fault;
    }

    ngx_stream_debar_count(mcf, NGX_HTTP_DEBAR_N_UNPARSED);
    ngx_stream_debar_count(mcf, v->verdict);

    (void) ngx_stream_debar_front_record(ctx, "connect",
                                   ngx_stream_debar_front_target(head, len), v);

    ngx_stream_debar_front_refuse(ctx, v, status);
}


static debar_str_t
ngx_stream_debar_front_target(const char *head, size_t len)
{
    size_t       n;
    const char  *p;

    n = sizeof("CONNECT ") - 1;

    if (len < n) {
        return debar_str(head, 0);
    }

    p = head + n;
    len = ngx_min(len - n, NGX_STREAM_DEBAR_URL);

    for (n = 0; n < len; n++) {
        if (p[n] == ' ' || p[n] == CR || p[n] == LF) {
            break;
        }
    }

    return debar_str(p, n);
}


/* The head leaves the socket, and stays in memory of the connection. */

static ngx_int_t
ngx_stream_debar_front_take(ngx_stream_debar_front_ctx_t *ctx)
{
    char              *p;
    size_t             len;
    ssize_t            n;
    ngx_connection_t  *c;

    c = ctx->session->connection;
    len = ctx->head.len;

    p = ngx_pnalloc(c->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    do {
        n = recv(c->fd, p, len, 0);
    } while (n == -1 && ngx_socket_errno == NGX_EINTR);

    if (n != (ssize_t) len
        || debar_connect_parse(&ctx->head, p, len) != DEBAR_HEAD_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
ngx_stream_debar_front_start(ngx_stream_debar_front_ctx_t *ctx)
{
    if (ngx_stream_debar_front_take(ctx) != NGX_OK) {
        ngx_stream_finalize_session(ctx->session,
                                    NGX_STREAM_INTERNAL_SERVER_ERROR);
        return;
    }

    if (ngx_stream_debar_front_login(ctx) == NGX_OK) {
        ngx_stream_debar_front_judge(ctx);
    }
}


void
ngx_stream_debar_front_facts(ngx_stream_debar_front_ctx_t *ctx,
    debar_facts_t *f)
{
    ngx_uint_t  i;

    ngx_memzero(f, sizeof(debar_facts_t));

    f->method = debar_str("CONNECT", 7);
    f->authority = ctx->head.authority;

    for (i = 0; i < ctx->head.nhosts && i < DEBAR_MAX_HOST_FIELDS; i++) {
        f->hosts[i] = ctx->head.hosts[i];
    }

    f->nhosts = i;
    f->more_hosts = ctx->head.more_hosts;
    f->connect = 1;
    f->inspecting = ctx->inspect;
    f->user = debar_str((char *) ctx->user.data, ctx->user.len);
    f->now = ngx_time();
    f->has_client = ngx_debar_addr(f->client,
                                   ctx->session->connection->sockaddr);
}


static void
ngx_stream_debar_front_judge(ngx_stream_debar_front_ctx_t *ctx)
{
    ngx_int_t                      rc;
    ngx_uint_t                     status;
    debar_facts_t                  f;
    debar_verdict_t               *v;
    ngx_stream_debar_srv_conf_t   *dscf;
    ngx_stream_debar_main_conf_t  *mcf;

    dscf = ngx_stream_get_module_srv_conf(ctx->session,
                                          ngx_stream_debar_module);
    mcf = ngx_stream_get_module_main_conf(ctx->session,
                                          ngx_stream_debar_module);
    v = mcf->scratch;

    ngx_stream_debar_front_facts(ctx, &f);

    status = ngx_stream_debar_front_verdict(ctx, &f, v);

    if (status == 0) {
        ngx_stream_debar_front_way(ctx, &f, v);
    }

    if (status || ngx_stream_debar_front_refused(ctx, v)) {
        ngx_stream_debar_front_decide(ctx, v, status ? status : 400);
        return;
    }

    status = ngx_stream_debar_front_port(ctx, v);

    if (status) {
        ngx_stream_debar_front_decide(ctx, v, status);
        return;
    }

    rc = ngx_stream_debar_front_resolve(ctx, v);

    if (rc == NGX_AGAIN) {
        return;
    }

    if (rc == NGX_OK) {
        status = ngx_debar_destination(ctx->session->connection, dscf->list,
                                       &ctx->resolve, &f, v);
    }

    ngx_stream_debar_front_decide(ctx, v, status);
}


/* 0, or the status of a refusal for want of a list. */

static ngx_uint_t
ngx_stream_debar_front_verdict(ngx_stream_debar_front_ctx_t *ctx,
    debar_facts_t *f, debar_verdict_t *v)
{
    ngx_uint_t                      expired;
    ngx_debar_list_t               *l;
    ngx_stream_debar_srv_conf_t    *dscf;
    ngx_stream_debar_main_conf_t   *mcf;
    ngx_stream_debar_front_conf_t  *dfcf;

    dscf = ngx_stream_get_module_srv_conf(ctx->session,
                                          ngx_stream_debar_module);
    dfcf = ngx_stream_get_module_srv_conf(ctx->session,
                                          ngx_stream_debar_front_module);
    mcf = ngx_stream_get_module_main_conf(ctx->session,
                                          ngx_stream_debar_module);
    l = dscf->list;

    ctx->inspect = (dfcf->inspect != NULL);
    f->inspecting = ctx->inspect;

    expired = dfcf->expired == NGX_DEBAR_BLOCK
              && ngx_debar_list_expired(l);

    if (l->list && !expired) {
        debar_judge(l->list, f, v);
        return 0;
    }

    if (!ctx->resolved) {
        ngx_stream_debar_count(mcf, NGX_HTTP_DEBAR_N_NO_LIST);
    }

    ngx_http_debar_unjudged(f, v);

    if ((expired || dfcf->on_failure == NGX_DEBAR_BLOCK)
        && !ngx_debar_glass_open(dscf->glass))
    {
        v->verdict = DEBAR_REJECT;
        v->fault = expired ? "the list has expired" : "there is no list";

        return NGX_STREAM_SERVICE_UNAVAILABLE;
    }

    return 0;
}


/* 0, or the status with which the port is refused (RFC 9110 s.9.3.6). */

static ngx_uint_t
ngx_stream_debar_front_port(ngx_stream_debar_front_ctx_t *ctx,
    debar_verdict_t *v)
{
    const char                     *fault;
    ngx_stream_debar_front_conf_t  *dfcf;

    dfcf = ngx_stream_get_module_srv_conf(ctx->session,
                                          ngx_stream_debar_front_module);

    fault = ngx_debar_port_fault(dfcf->ports, v->port);

    if (fault == NULL) {
        return 0;
    }

    v->fault = fault;

    if (v->verdict < DEBAR_REJECT) {
        v->verdict = DEBAR_REJECT;
    }

    return v->port ? 403 : 400;
}


static ngx_int_t
ngx_stream_debar_front_resolve(ngx_stream_debar_front_ctx_t *ctx,
    debar_verdict_t *v)
{
    ngx_int_t                       rc;
    ngx_connection_t               *c;
    ngx_debar_resolve_t            *rs;
    ngx_stream_core_srv_conf_t     *cscf;
    ngx_stream_debar_main_conf_t   *mcf;
    ngx_stream_debar_front_conf_t  *dfcf;

    rs = &ctx->resolve;

    if (ctx->resolved) {
        return rs->rc;
    }

    c = ctx->session->connection;
    cscf = ngx_stream_get_module_srv_conf(ctx->session, ngx_stream_core_module);
    dfcf = ngx_stream_get_module_srv_conf(ctx->session,
                                          ngx_stream_debar_front_module);
    mcf = ngx_stream_get_module_main_conf(ctx->session,
                                          ngx_stream_debar_module);

    ctx->host = v->host;
    ctx->port = v->port;

    rs->pool = c->pool;
    rs->log = c->log;
    rs->resolver = cscf->resolver;
    rs->timeout = cscf->resolver_timeout;
    rs->names = mcf->names;
    rs->geo = mcf->http ? mcf->http->geo : NULL;
    rs->allow = dfcf->allow;
    rs->parent = dfcf->parent;
    rs->host = &ctx->host;
    rs->port = ctx->port;
    rs->handler = ngx_stream_debar_front_resolved;
    rs->data = ctx;

    rc = ngx_debar_resolve(rs);

    if (rc != NGX_AGAIN) {
        ctx->resolved = 1;
        rs->rc = rc;
        return rc;
    }

    ctx->waiting = 1;

    c->log->action = "resolving the name of a CONNECT";
    c->read->handler = ngx_stream_debar_front_watch;

    if (c->read->ready) {
        ngx_post_event(c->read, &ngx_posted_events);
    }

    return NGX_AGAIN;
}


static void
ngx_stream_debar_front_resolved(ngx_debar_resolve_t *rs)
{
    ngx_stream_debar_front_ctx_t  *ctx = rs->data;

    ctx->waiting = 0;
    ctx->resolved = 1;

    ngx_stream_debar_front_judge(ctx);
}


/* Monitor mode suspends a block, not what cannot or must not be dialled. */

ngx_uint_t
ngx_stream_debar_front_refused(ngx_stream_debar_front_ctx_t *ctx,
    const debar_verdict_t *v)
{
    ngx_stream_debar_srv_conf_t  *dscf;

    if (v->verdict < DEBAR_REJECT) {
        return 0;
    }

    dscf = ngx_stream_get_module_srv_conf(ctx->session,
                                          ngx_stream_debar_module);

    return v->verdict == DEBAR_REJECT
           || ngx_debar_enforced(dscf)
           || v->fault != NULL
           || v->host.len == 0;
}


static void
ngx_stream_debar_front_decide(ngx_stream_debar_front_ctx_t *ctx,
    debar_verdict_t *v, ngx_uint_t status)
{
    ngx_int_t                      rc;
    ngx_stream_debar_answer_t      an;
    ngx_stream_debar_main_conf_t  *mcf;

    mcf = ngx_stream_get_module_main_conf(ctx->session,
                                          ngx_stream_debar_module);

    if (ctx->learned && v->verdict < DEBAR_REJECT) {
        v->verdict = DEBAR_LOG;
        v->fault = "not inspected: the origin demands a client certificate";
    }

    ngx_stream_debar_count(mcf, v->verdict);

    rc = ngx_stream_debar_front_record(ctx, "connect", ctx->head.authority, v);

    ngx_memzero(&an, sizeof(ngx_stream_debar_answer_t));

    if (rc != NGX_OK) {
        an.status = NGX_STREAM_SERVICE_UNAVAILABLE;
        an.title = "The audit record cannot be written";
        an.detail = "This gateway lets nothing through that it cannot record.";

        ngx_stream_debar_front_answer(ctx, &an);
        return;
    }

    if (ngx_stream_debar_front_refused(ctx, v)) {
        ngx_stream_debar_front_refuse(ctx, v, status);
        return;
    }

    if (v->verdict == DEBAR_BLOCK) {
        ngx_stream_debar_count(mcf, NGX_HTTP_DEBAR_N_SUSPENDED);
    }

    if (ctx->resolve.rc != NGX_OK) {
        ngx_stream_debar_count(mcf, NGX_HTTP_DEBAR_N_UNRESOLVED);

        ngx_stream_debar_front_outcome(ctx, NGX_STREAM_BAD_GATEWAY);

        an.status = NGX_STREAM_BAD_GATEWAY;
        an.title = "The host cannot be found";
        an.detail = "No address was found for the name of the host.";
        an.reason = ctx->resolve.error;

        ngx_stream_debar_front_answer(ctx, &an);
        return;
    }

    if (ctx->inspect) {
        ngx_stream_debar_front_inspect(ctx);
        return;
    }

    ngx_stream_debar_front_dial(ctx);
}


static void
ngx_stream_debar_front_refuse(ngx_stream_debar_front_ctx_t *ctx,
    const debar_verdict_t *v, ngx_uint_t status)
{
    ngx_stream_debar_answer_t       an;
    ngx_stream_debar_front_conf_t  *dfcf;

    dfcf = ngx_stream_get_module_srv_conf(ctx->session,
                                          ngx_stream_debar_front_module);

    ngx_memzero(&an, sizeof(ngx_stream_debar_answer_t));

    an.status = status;
    an.reason = v->fault;
    an.verdict = v;

    if (v->verdict == DEBAR_BLOCK) {

        /* percent-encoding is 400 whomever it names; the record says whom */

        if (status != 400
            || ngx_strlchr((u_char *) ctx->head.authority.data,
                           (u_char *) ctx->head.authority.data
                           + ctx->head.authority.len, '%')
               == NULL)
        {
            an.status = dfcf->status;
        }

        an.title = "Refused by the procurement blocklist";
        an.detail = "This connection concerns a vendor that may not be "
                    "acquired from or used here.";

    } else if (status == NGX_STREAM_SERVICE_UNAVAILABLE) {
        an.title = "The blocklist is not available";
        an.detail = "This gateway lets nothing through without a valid list.";

    } else if (status == 403 || status == 508) {
        an.title = "The destination is not allowed";
        an.detail = "This gateway does not connect there.";

    } else {
        an.title = "The request cannot be understood";
        an.detail = "It does not say, in one way only, which host it is for.";
    }

    ngx_stream_debar_front_answer(ctx, &an);
}


ngx_int_t
ngx_stream_debar_front_record(ngx_stream_debar_front_ctx_t *ctx,
    const char *surface, debar_str_t url, const debar_verdict_t *v)
{
    char                          out[DEBAR_MAX_RECORD];
    u_char                        client[NGX_SOCKADDR_STRLEN];
    size_t                        len;
    ngx_debar_addr_t             *addr;
    debar_record_t                rec;
    ngx_stream_debar_srv_conf_t   *dscf;
    ngx_stream_debar_main_conf_t  *mcf;

    dscf = ngx_stream_get_module_srv_conf(ctx->session,
                                          ngx_stream_debar_module);

    if (v->verdict == DEBAR_PASS && v->nevidence == 0 && !dscf->audit_all) {
        return NGX_OK;
    }

    ngx_debar_incident(ctx->incident);

    if (dscf->audit == NULL || (v->verdict == DEBAR_PASS && !dscf->audit_all)) {
        return NGX_OK;
    }

    ngx_stream_debar_front_fill(ctx, &rec, client);

    rec.surface = debar_str(surface, ngx_strlen(surface));
    rec.user = debar_str((char *) ctx->user.data, ctx->user.len);
    rec.method = debar_str("CONNECT", 7);
    rec.url = url;
    rec.mode = ngx_debar_mode_name(dscf->mode, dscf->glass);
    rec.took_us = (ngx_debar_clock() - ctx->started) / 1000;
    rec.privacy = &dscf->privacy.kept;

    if (ctx->resolve.naddrs && !ngx_stream_debar_front_refused(ctx, v)) {
        addr = &ctx->resolve.addrs[ctx->next < ctx->resolve.naddrs ? ctx->next
                                                                   : 0];
        rec.upstream = debar_str((char *) addr->text.data, addr->text.len);
        rec.asn = addr->asn;
        rec.country = debar_str(addr->country, ngx_strlen(addr->country));
    }

    len = debar_record_line(out, sizeof(out), &rec, dscf->list->list, v);

    if (ngx_debar_audit_write(dscf->audit, (u_char *) out, len,
                              ctx->session->connection->log)
        == NGX_OK)
    {
        return NGX_OK;
    }

    mcf = ngx_stream_get_module_main_conf(ctx->session,
                                          ngx_stream_debar_module);

    ngx_stream_debar_count(mcf, NGX_HTTP_DEBAR_N_AUDIT_FAILED);

    return dscf->audit_pass ? NGX_OK : NGX_ERROR;
}


/* Known only later: that no origin answered. */

void
ngx_stream_debar_front_outcome(ngx_stream_debar_front_ctx_t *ctx,
    ngx_uint_t status)
{
    char                          out[DEBAR_MAX_RECORD];
    u_char                        client[NGX_SOCKADDR_STRLEN];
    size_t                        len;
    debar_record_t                rec;
    ngx_stream_debar_srv_conf_t  *dscf;

    dscf = ngx_stream_get_module_srv_conf(ctx->session,
                                          ngx_stream_debar_module);

    if (ctx->incident[0] == '\0') {
        ngx_debar_incident(ctx->incident);
    }

    if (dscf->audit == NULL) {
        return;
    }

    ngx_stream_debar_front_fill(ctx, &rec, client);

    if (ctx->resolve.naddrs) {
        rec.upstream = debar_str((char *) ctx->resolve.addrs[0].text.data,
                                 ctx->resolve.addrs[0].text.len);
    }

    len = debar_record_outcome(out, sizeof(out), &rec, status, 0);

    (void) ngx_debar_audit_write(dscf->audit, (u_char *) out, len,
                                 ctx->session->connection->log);
}


static void
ngx_stream_debar_front_fill(ngx_stream_debar_front_ctx_t *ctx,
    debar_record_t *rec, u_char *client)
{
    size_t                        len;
    ngx_time_t                   *tp;
    ngx_connection_t             *c;
    ngx_stream_debar_srv_conf_t  *dscf;

    c = ctx->session->connection;
    dscf = ngx_stream_get_module_srv_conf(ctx->session,
                                          ngx_stream_debar_module);

    ngx_memzero(rec, sizeof(debar_record_t));

    tp = ngx_timeofday();

    rec->msec = (int64_t) tp->sec * 1000 + tp->msec;
    ngx_memcpy(rec->incident, ctx->incident, sizeof(rec->incident));

    len = ngx_sock_ntop(c->sockaddr, c->socklen, client, NGX_SOCKADDR_STRLEN,
                        1);

    rec->client = debar_str((char *) client, len);
    rec->gateway = debar_str((char *) dscf->gateway.data, dscf->gateway.len);
}
