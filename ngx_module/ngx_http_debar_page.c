/*
 * Refusals in the client's dialect: an HTML page from a template, problem
 * details in JSON (RFC 9457) where Accept prefers it, and for a document cXML,
 * X12 or EDIFACT, as it was.
 */

#include "ngx_http_debar.h"
#include "ngx_http_debar_page.h"


static ngx_int_t ngx_http_debar_values(ngx_http_request_t *r,
    ngx_http_debar_refusal_t *rf, ngx_http_debar_values_t *vs);
static void ngx_http_debar_values_verdict(ngx_http_debar_refusal_t *rf,
    ngx_http_debar_values_t *vs);
static ngx_int_t ngx_http_debar_values_url(ngx_http_request_t *r,
    ngx_str_t *shown);
static void ngx_http_debar_html(ngx_http_debar_page_t *page,
    ngx_http_debar_values_t *vs, ngx_http_debar_out_t *o);
static void ngx_http_debar_html_authorities(ngx_http_debar_values_t *vs,
    ngx_http_debar_out_t *o);
static void ngx_http_debar_problem(ngx_http_debar_values_t *vs,
    ngx_http_debar_out_t *o);
static void ngx_http_debar_cxml(ngx_http_debar_values_t *vs,
    ngx_http_debar_out_t *o);
static void ngx_http_debar_escape(ngx_http_debar_out_t *o, ngx_str_t *s,
    ngx_uint_t json);
static ngx_int_t ngx_http_debar_text(ngx_http_request_t *r,
    ngx_http_debar_refusal_t *rf, ngx_http_debar_values_t *vs, ngx_uint_t json,
    ngx_str_t *text);


ngx_int_t
ngx_http_debar_refuse(ngx_http_request_t *r, ngx_http_debar_refusal_t *rf)
{
    ngx_int_t              rc;
    ngx_buf_t             *b;
    ngx_str_t              text;
    ngx_chain_t            out;
    ngx_http_debar_ctx_t  *ctx;

    if (r != r->main) {
        return rf->status;
    }

    ctx = ngx_http_debar_get_ctx(r);

    if (ctx) {
        ctx->answered = 1;
    }

    /* the answer is final: no "100 Continue" asks for a body before it */

    r->expect_tested = 1;

    if (ngx_http_discard_request_body(r) != NGX_OK) {
        r->keepalive = 0;
    }

    if (ngx_http_debar_refusal_head(r, rf, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->pos = text.data;
    b->last = text.data + text.len;
    b->memory = (text.len != 0);
    b->last_buf = 1;
    b->last_in_chain = 1;

    rc = ngx_http_send_header(r);

    if (rc == NGX_OK && !r->header_only) {
        out.buf = b;
        out.next = NULL;
        rc = ngx_http_output_filter(r, &out);
    }

    ngx_http_finalize_request(r, rc);

    return NGX_DONE;
}


ngx_int_t
ngx_http_debar_refusal_head(ngx_http_request_t *r,
    ngx_http_debar_refusal_t *rf, ngx_str_t *text)
{
    ngx_uint_t                  json, as;
    ngx_http_debar_values_t     vs;
    ngx_http_debar_loc_conf_t  *dlcf;

    dlcf = ngx_http_get_module_loc_conf(r, ngx_http_debar_module);

    if (ngx_http_debar_values(r, rf, &vs) != NGX_OK) {
        return NGX_ERROR;
    }

    r->headers_out.status = rf->status;
    ngx_str_null(&r->headers_out.status_line);

    if (ngx_http_debar_header(r, "Cache-Control", "no-store") != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_http_debar_is_grpc(r)) {
        ngx_str_null(text);
        return ngx_http_debar_grpc(r, &vs);
    }

    if (ngx_http_debar_edi(r, rf, &vs, text) != NGX_OK) {
        return NGX_ERROR;
    }

    as = 0;
    json = !rf->cxml && ngx_http_debar_wants_json(r);

    if (text->len && rf->order->syntax == DEBAR_SYNTAX_X12) {
        ngx_str_set(&r->headers_out.content_type, "application/edi-x12");
        as = dlcf->x12_status;

    } else if (text->len) {
        ngx_str_set(&r->headers_out.content_type, "application/edifact");
        as = dlcf->edifact_status;

    } else if (ngx_http_debar_text(r, rf, &vs, json, text) != NGX_OK) {
        return NGX_ERROR;

    } else if (rf->cxml) {
        ngx_str_set(&r->headers_out.content_type, "text/xml; charset=utf-8");
        as = dlcf->cxml_status;

    } else if (json) {
        ngx_str_set(&r->headers_out.content_type, "application/problem+json");

    } else {
        ngx_str_set(&r->headers_out.content_type, "text/html; charset=utf-8");
    }

    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;
    r->headers_out.content_length_n = text->len;

    if (as > NGX_HTTP_DEBAR_AS_OTHERS) {
        r->headers_out.status = as;
    }

    /* names that nginx does not know */

    if (r->headers_out.status == 451) {
        ngx_str_set(&r->headers_out.status_line,
                    "451 Unavailable For Legal Reasons");

    } else if (r->headers_out.status == 508) {
        ngx_str_set(&r->headers_out.status_line, "508 Loop Detected");

    } else if (r->headers_out.status == 407) {
        ngx_str_set(&r->headers_out.status_line,
                    "407 Proxy Authentication Required");
    }

    if (rf->status == NGX_HTTP_BAD_REQUEST) {
        r->keepalive = 0;
    }

    return ngx_http_debar_header(r, "Vary", "Accept");
}


/* Counted first, then written. */

static ngx_int_t
ngx_http_debar_text(ngx_http_request_t *r, ngx_http_debar_refusal_t *rf,
    ngx_http_debar_values_t *vs, ngx_uint_t json, ngx_str_t *text)
{
    ngx_http_debar_out_t        o;
    ngx_http_debar_loc_conf_t  *dlcf;

    dlcf = ngx_http_get_module_loc_conf(r, ngx_http_debar_module);
    o.p = NULL;

    for ( ;; ) {
        o.n = 0;

        if (rf->cxml) {
            ngx_http_debar_cxml(vs, &o);
        } else if (json) {
            ngx_http_debar_problem(vs, &o);
        } else {
            ngx_http_debar_html(dlcf->page, vs, &o);
        }

        if (o.p) {
            break;
        }

        o.p = ngx_pnalloc(r->pool, o.n);
        if (o.p == NULL) {
            return NGX_ERROR;
        }
    }

    text->data = o.p;
    text->len = o.n;

    return NGX_OK;
}


ngx_int_t
ngx_http_debar_header(ngx_http_request_t *r, const char *key,
    const char *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(h, sizeof(ngx_table_elt_t));

    h->hash = 1;
    h->key.data = (u_char *) key;
    h->key.len = ngx_strlen(key);
    h->value.data = (u_char *) value;
    h->value.len = ngx_strlen(value);

    return NGX_OK;
}


static void
ngx_http_debar_value_set(ngx_str_t *v, const char *data, size_t len)
{
    v->data = (u_char *) data;
    v->len = ngx_min(len, NGX_HTTP_DEBAR_TEXT_MAX);
}


static void
ngx_http_debar_value_z(ngx_str_t *v, const char *s)
{
    if (s) {
        ngx_http_debar_value_set(v, s, ngx_strlen(s));
    }
}


static ngx_int_t
ngx_http_debar_values(ngx_http_request_t *r, ngx_http_debar_refusal_t *rf,
    ngx_http_debar_values_t *vs)
{
    ngx_time_t                 *tp;
    ngx_str_t                  *v;
    ngx_http_debar_loc_conf_t  *dlcf;

    dlcf = ngx_http_get_module_loc_conf(r, ngx_http_debar_module);

    ngx_memzero(vs, sizeof(ngx_http_debar_values_t));

    v = vs->value;
    vs->status = rf->status;

    v[NGX_HTTP_DEBAR_V_STATUS].data = vs->numbers;
    v[NGX_HTTP_DEBAR_V_STATUS].len =
                    ngx_sprintf(vs->numbers, "%ui", rf->status) - vs->numbers;

    ngx_http_debar_value_z(&v[NGX_HTTP_DEBAR_V_TITLE], rf->title);
    ngx_http_debar_value_z(&v[NGX_HTTP_DEBAR_V_DETAIL], rf->detail);
    ngx_http_debar_value_z(&v[NGX_HTTP_DEBAR_V_REASON], rf->reason);
    ngx_http_debar_value_z(&v[NGX_HTTP_DEBAR_V_INCIDENT], rf->incident);

    if (rf->document) {
        ngx_http_debar_value_z(&vs->document, rf->document);
    }

    if (rf->line) {
        vs->line.data = vs->line_text;
        vs->line.len = ngx_sprintf(vs->line_text, "%ud", rf->line)
                       - vs->line_text;

        if (rf->reason == NULL) {
            ngx_http_debar_value_set(&v[NGX_HTTP_DEBAR_V_REASON],
                                     (char *) vs->reason,
                                     ngx_sprintf(vs->reason,
                                                 "line %ud of the document",
                                                 rf->line)
                                     - vs->reason);
        }
    }

    v[NGX_HTTP_DEBAR_V_CONTACT] = dlcf->contact;
    v[NGX_HTTP_DEBAR_V_GATEWAY] = dlcf->gateway;

    tp = ngx_timeofday();
    debar_record_time(vs->time, (int64_t) tp->sec * 1000 + tp->msec);
    ngx_http_debar_value_z(&v[NGX_HTTP_DEBAR_V_TIME], vs->time);

    ngx_http_debar_values_verdict(rf, vs);

    return ngx_http_debar_values_url(r, &v[NGX_HTTP_DEBAR_V_URL]);
}


static void
ngx_http_debar_values_verdict(ngx_http_debar_refusal_t *rf,
    ngx_http_debar_values_t *vs)
{
    unsigned      bit;
    ngx_str_t    *v;
    debar_str_t   s;

    if (rf->verdict == NULL) {
        return;
    }

    v = vs->value;

    ngx_http_debar_value_z(&v[NGX_HTTP_DEBAR_V_VERDICT],
                           debar_action_name(rf->verdict->verdict));

    if (rf->list == NULL || rf->verdict->entry == DEBAR_NONE
        || rf->verdict->verdict != DEBAR_BLOCK)
    {
        return;
    }

    ngx_http_debar_value_z(&v[NGX_HTTP_DEBAR_V_ACTIVITY],
                           debar_activity_name(rf->verdict->activity));

    s = debar_list_entry_name(rf->list, rf->verdict->entry);
    ngx_http_debar_value_set(&v[NGX_HTTP_DEBAR_V_VENDOR], s.data, s.len);

    if (rf->verdict->product != DEBAR_NONE) {
        s = debar_list_product_name(rf->list, rf->verdict->product);
        ngx_http_debar_value_set(&v[NGX_HTTP_DEBAR_V_PRODUCT], s.data, s.len);
    }

    for (bit = 0;
         bit < 64 && vs->nauthorities < NGX_HTTP_DEBAR_AUTHORITIES;
         bit++)
    {
        if (!(rf->verdict->authorities & ((uint64_t) 1 << bit))) {
            continue;
        }

        s = debar_list_authority_title(rf->list, bit);
        ngx_http_debar_value_set(&vs->authority[vs->nauthorities], s.data,
                                 s.len);

        s = debar_list_authority_url(rf->list, bit);

        /* a list is reviewed, and still makes no script of a link */

        if ((s.len > 8 && ngx_strncmp(s.data, "https://", 8) == 0)
            || (s.len > 7 && ngx_strncmp(s.data, "http://", 7) == 0))
        {
            ngx_http_debar_value_set(&vs->citation[vs->nauthorities], s.data,
                                     s.len);
        }

        vs->nauthorities++;
    }

    v[NGX_HTTP_DEBAR_V_AUTHORITY] = vs->authority[0];
    v[NGX_HTTP_DEBAR_V_CITATION] = vs->citation[0];

    /* made of the others when it is written; here it only must not be empty */

    v[NGX_HTTP_DEBAR_V_AUTHORITIES].len = vs->nauthorities;
}


/* What the client asked for, without its secrets. */

static ngx_int_t
ngx_http_debar_values_url(ngx_http_request_t *r, ngx_str_t *shown)
{
    ngx_str_t  url;

    if (ngx_http_debar_url(r, &url) != NGX_OK) {
        return NGX_ERROR;
    }

    if (url.len < 5
        || ngx_strncasecmp(url.data, (u_char *) "http", 4) != 0
        || (url.data[4] != ':' && url.data[4] != 's' && url.data[4] != 'S'))
    {
        return NGX_OK;
    }

    shown->data = ngx_pnalloc(r->pool, NGX_HTTP_DEBAR_TEXT_MAX);
    if (shown->data == NULL) {
        return NGX_ERROR;
    }

    shown->len = debar_record_mask_url((char *) shown->data,
                                       NGX_HTTP_DEBAR_TEXT_MAX,
                                       (char *) url.data, url.len);

    return NGX_OK;
}


static void
ngx_http_debar_put(ngx_http_debar_out_t *o, const void *data, size_t len)
{
    if (o->p) {
        ngx_memcpy(o->p + o->n, data, len);
    }

    o->n += len;
}


#define ngx_http_debar_puts(o, s)  ngx_http_debar_put(o, s, sizeof(s) - 1)


static void
ngx_http_debar_html(ngx_http_debar_page_t *page, ngx_http_debar_values_t *vs,
    ngx_http_debar_out_t *o)
{
    ngx_uint_t              i, hide;
    ngx_http_debar_part_t  *part;

    part = page->parts.elts;
    hide = 0;

    for (i = 0; i < page->parts.nelts; i++) {

        if (part[i].type == NGX_HTTP_DEBAR_END) {
            hide = 0;
            continue;
        }

        if (hide) {
            continue;
        }

        switch (part[i].type) {

        case NGX_HTTP_DEBAR_LITERAL:
            ngx_http_debar_put(o, part[i].text.data, part[i].text.len);
            break;

        case NGX_HTTP_DEBAR_IF:
            hide = vs->value[part[i].value].len == 0;
            break;

        default:
            if (part[i].value == NGX_HTTP_DEBAR_V_AUTHORITIES) {
                ngx_http_debar_html_authorities(vs, o);
                break;
            }

            ngx_http_debar_escape(o, &vs->value[part[i].value], 0);
        }
    }
}


static void
ngx_http_debar_html_authorities(ngx_http_debar_values_t *vs,
    ngx_http_debar_out_t *o)
{
    ngx_uint_t  i;

    ngx_http_debar_puts(o, "<ul>");

    for (i = 0; i < vs->nauthorities; i++) {
        ngx_http_debar_puts(o, "<li>");

        if (vs->citation[i].len) {
            ngx_http_debar_puts(o, "<a href=\"");
            ngx_http_debar_escape(o, &vs->citation[i], 0);
            ngx_http_debar_puts(o, "\">");
        }

        ngx_http_debar_escape(o, &vs->authority[i], 0);

        if (vs->citation[i].len) {
            ngx_http_debar_puts(o, "</a>");
        }

        ngx_http_debar_puts(o, "</li>");
    }

    ngx_http_debar_puts(o, "</ul>");
}


static void
ngx_http_debar_problem_member(ngx_http_debar_out_t *o, const char *key,
    ngx_str_t *value)
{
    if (value->len) {
        ngx_http_debar_puts(o, ",\"");
        ngx_http_debar_put(o, key, ngx_strlen(key));
        ngx_http_debar_puts(o, "\":\"");
        ngx_http_debar_escape(o, value, 1);
        ngx_http_debar_puts(o, "\"");
    }
}


static void
ngx_http_debar_problem(ngx_http_debar_values_t *vs, ngx_http_debar_out_t *o)
{
    ngx_str_t   *v, *id;
    ngx_uint_t   i;

    v = vs->value;
    id = &v[NGX_HTTP_DEBAR_V_INCIDENT];

    ngx_http_debar_puts(o, "{\"type\":\"about:blank\"");
    ngx_http_debar_problem_member(o, "title", &v[NGX_HTTP_DEBAR_V_TITLE]);

    ngx_http_debar_puts(o, ",\"status\":");
    ngx_http_debar_put(o, v[NGX_HTTP_DEBAR_V_STATUS].data,
                       v[NGX_HTTP_DEBAR_V_STATUS].len);

    ngx_http_debar_problem_member(o, "detail", &v[NGX_HTTP_DEBAR_V_DETAIL]);
    ngx_http_debar_problem_member(o, "reason", &v[NGX_HTTP_DEBAR_V_REASON]);

    if (id->len == 32) {
        ngx_http_debar_puts(o, ",\"instance\":\"urn:uuid:");

        for (i = 0; i < 32; i++) {
            if (i == 8 || i == 12 || i == 16 || i == 20) {
                ngx_http_debar_puts(o, "-");
            }

            ngx_http_debar_put(o, &id->data[i], 1);
        }

        ngx_http_debar_puts(o, "\"");
    }

    ngx_http_debar_problem_member(o, "incident", id);
    ngx_http_debar_problem_member(o, "verdict", &v[NGX_HTTP_DEBAR_V_VERDICT]);
    ngx_http_debar_problem_member(o, "vendor", &v[NGX_HTTP_DEBAR_V_VENDOR]);
    ngx_http_debar_problem_member(o, "product", &v[NGX_HTTP_DEBAR_V_PRODUCT]);

    if (vs->nauthorities) {
        ngx_http_debar_puts(o, ",\"authorities\":[");

        for (i = 0; i < vs->nauthorities; i++) {
            ngx_http_debar_put(o, ",", i != 0);
            ngx_http_debar_puts(o, "{\"title\":\"");
            ngx_http_debar_escape(o, &vs->authority[i], 1);
            ngx_http_debar_puts(o, "\"");
            ngx_http_debar_problem_member(o, "url", &vs->citation[i]);
            ngx_http_debar_puts(o, "}");
        }

        ngx_http_debar_puts(o, "]");
    }

    if (vs->line.len) {
        ngx_http_debar_puts(o, ",\"line\":");
        ngx_http_debar_put(o, vs->line.data, vs->line.len);
    }

    ngx_http_debar_problem_member(o, "document", &vs->document);
    ngx_http_debar_problem_member(o, "contact", &v[NGX_HTTP_DEBAR_V_CONTACT]);
    ngx_http_debar_problem_member(o, "gateway", &v[NGX_HTTP_DEBAR_V_GATEWAY]);
    ngx_http_debar_puts(o, "}\n");
}


static void
ngx_http_debar_cxml_part(ngx_http_debar_out_t *o, const char *before,
    ngx_str_t *value, const char *after)
{
    if (value->len) {
        ngx_http_debar_put(o, before, ngx_strlen(before));
        ngx_http_debar_escape(o, value, 0);
        ngx_http_debar_put(o, after, ngx_strlen(after));
    }
}


/* cXML 1.2: a Response carries its status inside. */

static void
ngx_http_debar_cxml(ngx_http_debar_values_t *vs, ngx_http_debar_out_t *o)
{
    ngx_str_t   *v;
    ngx_uint_t   i;

    v = vs->value;

    ngx_http_debar_puts(o, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                        "<!DOCTYPE cXML SYSTEM \"http://xml.cxml.org/schemas/"
                        "cXML/1.2.014/cXML.dtd\">\n<cXML payloadID=\"");
    ngx_http_debar_escape(o, &v[NGX_HTTP_DEBAR_V_INCIDENT], 0);
    ngx_http_debar_puts(o, "@");
    ngx_http_debar_escape(o, &v[NGX_HTTP_DEBAR_V_GATEWAY], 0);
    ngx_http_debar_puts(o, "\" timestamp=\"");
    ngx_http_debar_escape(o, &v[NGX_HTTP_DEBAR_V_TIME], 0);

    if (vs->status == NGX_HTTP_SERVICE_UNAVAILABLE) {
        ngx_http_debar_puts(o, "\"><Response><Status code=\"503\" "
                            "text=\"Service Unavailable\" xml:lang=\"en\">");

    } else {
        ngx_http_debar_puts(o, "\"><Response><Status code=\"403\" "
                            "text=\"Forbidden\" xml:lang=\"en\">");
    }

    ngx_http_debar_cxml_part(o, "line ", &vs->line, ": ");
    ngx_http_debar_cxml_part(o, "", &v[NGX_HTTP_DEBAR_V_TITLE], ".");
    ngx_http_debar_cxml_part(o, " ", &v[NGX_HTTP_DEBAR_V_DETAIL], "");

    if (vs->line.len == 0) {
        ngx_http_debar_cxml_part(o, " Reason: ", &v[NGX_HTTP_DEBAR_V_REASON],
                                 ".");
    }

    ngx_http_debar_cxml_part(o, " Vendor: ", &v[NGX_HTTP_DEBAR_V_VENDOR], ".");

    for (i = 0; i < vs->nauthorities; i++) {
        ngx_http_debar_cxml_part(o, " Authority: ", &vs->authority[i], "");
        ngx_http_debar_cxml_part(o, " (", &vs->citation[i], ")");
        ngx_http_debar_puts(o, ".");
    }

    ngx_http_debar_cxml_part(o, " Incident: ", &v[NGX_HTTP_DEBAR_V_INCIDENT],
                             ".");
    ngx_http_debar_cxml_part(o, " Contact: ", &v[NGX_HTTP_DEBAR_V_CONTACT],
                             ".");
    ngx_http_debar_puts(o, "</Status></Response></cXML>\n");
}


/* What is not UTF-8, or a control character, becomes U+FFFD. */

static void
ngx_http_debar_escape(ngx_http_debar_out_t *o, ngx_str_t *s, ngx_uint_t json)
{
    size_t   n;
    u_char  *p, *last;

    last = s->data + s->len;

    for (p = s->data; p < last; p += n) {
        n = ngx_http_debar_utf8(p, last);

        if (n == 0 || *p < 0x20 || *p == 0x7f) {
            n = 1;
            ngx_http_debar_puts(o, "\xef\xbf\xbd");

        } else if (json && (*p == '"' || *p == '\\')) {
            ngx_http_debar_puts(o, "\\");
            ngx_http_debar_put(o, p, 1);

        } else if (!json && *p == '<') {
            ngx_http_debar_puts(o, "&lt;");

        } else if (!json && *p == '>') {
            ngx_http_debar_puts(o, "&gt;");

        } else if (!json && *p == '&') {
            ngx_http_debar_puts(o, "&amp;");

        } else if (!json && *p == '"') {
            ngx_http_debar_puts(o, "&quot;");

        } else if (!json && *p == '\'') {
            ngx_http_debar_puts(o, "&#39;");

        } else {
            ngx_http_debar_put(o, p, n);
        }
    }
}


size_t
ngx_http_debar_utf8(const u_char *p, const u_char *last)
{
    size_t  i, n;

    if (p[0] < 0x80) {
        return 1;
    }

    n = p[0] >= 0xc2 && p[0] <= 0xdf ? 2
        : p[0] >= 0xe0 && p[0] <= 0xef ? 3
        : p[0] >= 0xf0 && p[0] <= 0xf4 ? 4 : 0;

    if (n == 0 || (size_t) (last - p) < n) {
        return 0;
    }

    for (i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
    }

    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f)
        || (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
    {
        return 0;
    }

    return n;
}
