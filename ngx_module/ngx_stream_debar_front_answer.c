/*
 * What a refused client reads: a page, a challenge, or an alert of TLS.  A
 * socket closed with bytes unread is reset, and the answer lost with it: so the
 * connection lingers for as long as the client may need to read.
 */

#include "ngx_stream_debar_front.h"


#define NGX_STREAM_DEBAR_PAGE    8192
#define NGX_STREAM_DEBAR_REASON  512


typedef struct {
    u_char  *pos;
    u_char  *last;
} ngx_stream_debar_out_t;


static void ngx_stream_debar_front_page(ngx_stream_debar_front_ctx_t *ctx,
    ngx_stream_debar_answer_t *an, ngx_stream_debar_out_t *o);
static void ngx_stream_debar_front_authority(
    ngx_stream_debar_front_ctx_t *ctx, const debar_verdict_t *v,
    ngx_stream_debar_out_t *o);
static void ngx_stream_debar_put(ngx_stream_debar_out_t *o, const char *text);
static void ngx_stream_debar_escaped(ngx_stream_debar_out_t *o,
    const char *data, size_t len);
static const char *ngx_stream_debar_status_text(ngx_uint_t status);
static u_char *ngx_stream_debar_front_challenges(
    ngx_stream_debar_front_ctx_t *ctx, u_char *p, u_char *last);
static void ngx_stream_debar_front_send_more(
    ngx_stream_debar_front_ctx_t *ctx, u_char *data, size_t len);
static void ngx_stream_debar_front_linger(ngx_event_t *rev);


void
ngx_stream_debar_front_answer(ngx_stream_debar_front_ctx_t *ctx,
    ngx_stream_debar_answer_t *an)
{
    u_char                          page[NGX_STREAM_DEBAR_PAGE];
    u_char                          out[NGX_STREAM_DEBAR_PAGE + 1024];
    u_char                         *p;
    ngx_stream_debar_out_t          o;

    o.pos = page;
    o.last = page + sizeof(page);

    ngx_stream_debar_front_page(ctx, an, &o);

    p = ngx_slprintf(out, out + 1024,
                     "HTTP/1.1 %ui %s" CRLF
                     "Date: %V" CRLF
                     "Content-Type: text/html; charset=utf-8" CRLF
                     "Content-Length: %uz" CRLF
                     "Cache-Control: no-store" CRLF
                     "%s",
                     an->status, ngx_stream_debar_status_text(an->status),
                     &ngx_cached_http_time, (size_t) (o.pos - page),
                     an->keep ? "" : "Connection: close" CRLF
                                     "Proxy-Connection: close" CRLF);

    if (an->status == 407) {
        p = ngx_stream_debar_front_challenges(ctx, p, out + 1022);
    }

    *p++ = CR;
    *p++ = LF;

    p = ngx_cpymem(p, page, o.pos - page);

    if (an->keep) {
        ngx_stream_debar_front_send_more(ctx, out, p - out);
        return;
    }

    ngx_stream_debar_front_send_last(ctx, out, p - out, an->status);
}


static u_char *
ngx_stream_debar_front_challenges(ngx_stream_debar_front_ctx_t *ctx,
    u_char *p, u_char *last)
{
    ngx_uint_t                      i;
    const char                     *value;
    ngx_stream_debar_front_conf_t  *dfcf;

    dfcf = ngx_stream_get_module_srv_conf(ctx->session,
                                          ngx_stream_debar_front_module);

    for (i = 0; /* void */ ; i++) {
        value = ngx_debar_user_challenge(&dfcf->users, i);

        if (value == NULL) {
            return p;
        }

        p = ngx_slprintf(p, last, "Proxy-Authenticate: %s" CRLF, value);
    }
}


static void
ngx_stream_debar_front_page(ngx_stream_debar_front_ctx_t *ctx,
    ngx_stream_debar_answer_t *an, ngx_stream_debar_out_t *o)
{
    ngx_stream_debar_front_conf_t  *dfcf;

    dfcf = ngx_stream_get_module_srv_conf(ctx->session,
                                          ngx_stream_debar_front_module);

    ngx_stream_debar_put(o, "<!DOCTYPE html>\n<html lang=\"en\">\n"
                            "<head><meta charset=\"utf-8\"><title>");
    ngx_stream_debar_put(o, an->title);
    ngx_stream_debar_put(o, "</title></head>\n<body>\n<h1>");
    ngx_stream_debar_put(o, an->title);
    ngx_stream_debar_put(o, "</h1>\n<p>");
    ngx_stream_debar_put(o, an->detail);
    ngx_stream_debar_put(o, "</p>\n");

    if (an->reason) {
        ngx_stream_debar_put(o, "<p>Reason: ");
        ngx_stream_debar_escaped(o, an->reason,
                                 ngx_min(ngx_strlen(an->reason),
                                         NGX_STREAM_DEBAR_REASON));
        ngx_stream_debar_put(o, "</p>\n");
    }

    if (an->verdict && an->verdict->verdict == DEBAR_BLOCK) {
        ngx_stream_debar_front_authority(ctx, an->verdict, o);
    }

    if (dfcf->contact.len) {
        ngx_stream_debar_put(o, "<p>Ask: ");
        ngx_stream_debar_escaped(o, (char *) dfcf->contact.data,
                                 ngx_min(dfcf->contact.len,
                                         NGX_STREAM_DEBAR_REASON));
        ngx_stream_debar_put(o, "</p>\n");
    }

    if (ctx->incident[0]) {
        ngx_stream_debar_put(o, "<p>Incident: <code>");
        ngx_stream_debar_put(o, ctx->incident);
        ngx_stream_debar_put(o, "</code></p>\n");
    }

    ngx_stream_debar_put(o, "</body>\n</html>\n");
}


/* The citation, as titles and addresses of the authorities that hold. */

static void
ngx_stream_debar_front_authority(ngx_stream_debar_front_ctx_t *ctx,
    const debar_verdict_t *v, ngx_stream_debar_out_t *o)
{
    ngx_uint_t                    i;
    debar_str_t                   s;
    debar_list_t                 *list;
    ngx_stream_debar_srv_conf_t  *dscf;

    dscf = ngx_stream_get_module_srv_conf(ctx->session,
                                          ngx_stream_debar_module);
    list = dscf->list->list;

    if (list == NULL) {
        return;
    }

    if (v->entry != DEBAR_NONE) {
        s = debar_list_entry_name(list, v->entry);

        ngx_stream_debar_put(o, "<p>Vendor: ");
        ngx_stream_debar_escaped(o, s.data, ngx_min(s.len, 256));
        ngx_stream_debar_put(o, "</p>\n");
    }

    for (i = 0; i < 64; i++) {
        if (!(v->authorities & ((uint64_t) 1 << i))) {
            continue;
        }

        s = debar_list_authority_title(list, i);

        ngx_stream_debar_put(o, "<p>Authority: ");
        ngx_stream_debar_escaped(o, s.data, ngx_min(s.len, 256));

        s = debar_list_authority_url(list, i);

        if (s.len) {
            ngx_stream_debar_put(o, " (");
            ngx_stream_debar_escaped(o, s.data, ngx_min(s.len, 256));
            ngx_stream_debar_put(o, ")");
        }

        ngx_stream_debar_put(o, "</p>\n");
    }
}


/* What has no room is left out: the page is for people, and ends somewhere. */

static void
ngx_stream_debar_put(ngx_stream_debar_out_t *o, const char *text)
{
    size_t  len;

    len = ngx_min(ngx_strlen(text), (size_t) (o->last - o->pos));

    o->pos = ngx_cpymem(o->pos, text, len);
}


static void
ngx_stream_debar_escaped(ngx_stream_debar_out_t *o, const char *data,
    size_t len)
{
    char    c;
    size_t  i;

    for (i = 0; i < len; i++) {
        c = data[i];

        switch (c) {

        case '<':
            ngx_stream_debar_put(o, "&lt;");
            break;

        case '>':
            ngx_stream_debar_put(o, "&gt;");
            break;

        case '&':
            ngx_stream_debar_put(o, "&amp;");
            break;

        case '"':
            ngx_stream_debar_put(o, "&quot;");
            break;

        default:
            if (o->pos < o->last && ((u_char) c >= 0x20 && c != 0x7f)) {
                *o->pos++ = c;
            }
        }
    }
}


static const char *
ngx_stream_debar_status_text(ngx_uint_t status)
{
    switch (status) {

    case 400: return "Bad Request";
    case 403: return "Forbidden";
    case 407: return "Proxy Authentication Required";
    case 408: return "Request Timeout";
    case 431: return "Request Header Fields Too Large";
    case 451: return "Unavailable For Legal Reasons";
    case 500: return "Internal Server Error";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 508: return "Loop Detected";
    }

    return "Refused";
}


/* RFC 8446 s.6: a fatal alert, in the record version that all of them take. */

void
ngx_stream_debar_front_alert(ngx_stream_debar_front_ctx_t *ctx,
    ngx_uint_t alert, ngx_uint_t status)
{
    u_char  record[7];

    record[0] = 21;
    record[1] = 3;
    record[2] = 3;
    record[3] = 0;
    record[4] = 2;
    record[5] = 2;
    record[6] = (u_char) alert;

    ngx_stream_debar_front_send_last(ctx, record, sizeof(record), status);
}


void
ngx_stream_debar_front_send_last(ngx_stream_debar_front_ctx_t *ctx,
    u_char *data, size_t len, ngx_uint_t status)
{
    ngx_event_t       *rev;
    ngx_connection_t  *c;

    c = ctx->session->connection;
    rev = c->read;

    ctx->status = status;

    if (ctx->peer.connection) {
        ngx_close_connection(ctx->peer.connection);
        ctx->peer.connection = NULL;
    }

    if (rev->timer_set) {
        ngx_del_timer(rev);
    }

    rev->timedout = 0;
    ngx_reusable_connection(c, 0);

    if (c->send(c, data, len) != (ssize_t) len
        || ngx_shutdown_socket(c->fd, NGX_WRITE_SHUTDOWN) == -1)
    {
        ngx_stream_finalize_session(ctx->session, status);
        return;
    }

    c->log->action = "lingering after a refusal";
    rev->handler = ngx_stream_debar_front_linger;
    c->write->handler = ngx_stream_debar_front_empty;

    ngx_add_timer(rev, NGX_STREAM_DEBAR_LINGER);

    ngx_stream_debar_front_linger(rev);
}


static void
ngx_stream_debar_front_send_more(ngx_stream_debar_front_ctx_t *ctx,
    u_char *data, size_t len)
{
    ngx_connection_t  *c;

    c = ctx->session->connection;

    if (c->send(c, data, len) != (ssize_t) len) {
        ngx_stream_finalize_session(ctx->session, NGX_STREAM_OK);
        return;
    }

    ngx_stream_debar_front_again(c);
}


static void
ngx_stream_debar_front_linger(ngx_event_t *rev)
{
    u_char                         buf[4096];
    ssize_t                        n;
    ngx_uint_t                     i;
    ngx_connection_t              *c;
    ngx_stream_debar_front_ctx_t  *ctx;

    c = rev->data;
    ctx = ngx_stream_debar_front_ctx(c);

    if (rev->timedout || c->close) {
        ngx_stream_finalize_session(ctx->session, ctx->status);
        return;
    }

    for (i = 0; i < 16; i++) {
        n = recv(c->fd, buf, sizeof(buf), 0);

        if (n > 0) {
            continue;
        }

        if (n == -1 && ngx_socket_errno == NGX_EAGAIN) {
            rev->ready = 0;

            if (ngx_handle_read_event(rev, 0) == NGX_OK) {
                return;
            }
        }

        ngx_stream_finalize_session(ctx->session, ctx->status);
        return;
    }

    /* others have their turn before a client that keeps on sending */

    ngx_post_event(rev, &ngx_posted_next_events);
}
