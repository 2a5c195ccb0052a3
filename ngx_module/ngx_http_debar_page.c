/*
 * Refusals in the client's dialect: an HTML page from a template, or problem
 * details in JSON (RFC 9457) where Accept prefers it (RFC 9110 s.12.5.1).
 */

#include "ngx_http_debar.h"


#define NGX_HTTP_DEBAR_PAGE_MAX     262144
#define NGX_HTTP_DEBAR_AUTHORITIES  8    /* that a refusal names */
#define NGX_HTTP_DEBAR_TEXT_MAX     512  /* bytes of each value shown */


typedef enum {
    NGX_HTTP_DEBAR_V_STATUS = 0,
    NGX_HTTP_DEBAR_V_TITLE,
    NGX_HTTP_DEBAR_V_DETAIL,
    NGX_HTTP_DEBAR_V_REASON,
    NGX_HTTP_DEBAR_V_VERDICT,
    NGX_HTTP_DEBAR_V_ACTIVITY,
    NGX_HTTP_DEBAR_V_VENDOR,
    NGX_HTTP_DEBAR_V_PRODUCT,
    NGX_HTTP_DEBAR_V_AUTHORITY,
    NGX_HTTP_DEBAR_V_CITATION,
    NGX_HTTP_DEBAR_V_AUTHORITIES,
    NGX_HTTP_DEBAR_V_INCIDENT,
    NGX_HTTP_DEBAR_V_CONTACT,
    NGX_HTTP_DEBAR_V_URL,
    NGX_HTTP_DEBAR_V_GATEWAY,
    NGX_HTTP_DEBAR_V_TIME,
    NGX_HTTP_DEBAR_VALUES
} ngx_http_debar_value_e;


static ngx_str_t  ngx_http_debar_value_names[] = {
    ngx_string("status"),
    ngx_string("title"),
    ngx_string("detail"),
    ngx_string("reason"),
    ngx_string("verdict"),
    ngx_string("activity"),
    ngx_string("vendor"),
    ngx_string("product"),
    ngx_string("authority"),
    ngx_string("citation-url"),
    ngx_string("authorities"),
    ngx_string("incident"),
    ngx_string("contact"),
    ngx_string("url"),
    ngx_string("gateway"),
    ngx_string("time"),
};


typedef enum {
    NGX_HTTP_DEBAR_LITERAL = 0,
    NGX_HTTP_DEBAR_VALUE,                /* {{name}} */
    NGX_HTTP_DEBAR_IF,                   /* {{#name}}: where it is not empty */
    NGX_HTTP_DEBAR_END                   /* {{/name}} */
} ngx_http_debar_part_e;

typedef struct {
    ngx_uint_t            type;
    ngx_uint_t            value;
    ngx_str_t             text;
} ngx_http_debar_part_t;

struct ngx_http_debar_page_s {
    ngx_array_t           parts;         /* of ngx_http_debar_part_t */
};


/* Writes, or where p is NULL only counts. */

typedef struct {
    u_char               *p;
    size_t                n;
} ngx_http_debar_out_t;

typedef struct {
    ngx_str_t             value[NGX_HTTP_DEBAR_VALUES];
    ngx_str_t             authority[NGX_HTTP_DEBAR_AUTHORITIES];
    ngx_str_t             citation[NGX_HTTP_DEBAR_AUTHORITIES];
    ngx_uint_t            nauthorities;
    ngx_uint_t            status;
    u_char                numbers[16];
    char                  time[25];
} ngx_http_debar_values_t;

typedef struct {                         /* q in thousandths, and how exactly */
    ngx_uint_t            q;
    ngx_uint_t            exact;         /* 0: not named at all */
} ngx_http_debar_range_t;


static ngx_int_t ngx_http_debar_page_compile(ngx_conf_t *cf,
    ngx_http_debar_page_t *page, ngx_str_t *text, const char *name);
static ngx_int_t ngx_http_debar_page_part(ngx_conf_t *cf,
    ngx_http_debar_page_t *page, ngx_str_t *name, ngx_int_t *open,
    const char *file);
static ngx_int_t ngx_http_debar_page_literal(ngx_http_debar_page_t *page,
    u_char *p, u_char *last);
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
static void ngx_http_debar_escape(ngx_http_debar_out_t *o, ngx_str_t *s,
    ngx_uint_t json);
static ngx_uint_t ngx_http_debar_wants_json(ngx_http_request_t *r);
static void ngx_http_debar_accept(ngx_str_t *field,
    ngx_http_debar_range_t *json, ngx_http_debar_range_t *html);
static ngx_uint_t ngx_http_debar_accept_q(u_char *p, u_char *last);
static ngx_int_t ngx_http_debar_header(ngx_http_request_t *r, const char *key,
    const char *value);


/* Readable without styles, at any zoom, in dark mode; nothing is loaded. */

static ngx_str_t  ngx_http_debar_page_text = ngx_string(
"<!DOCTYPE html>\n"
"<html lang=\"en\">\n"
"<head>\n"
"<meta charset=\"utf-8\">\n"
"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
"<meta name=\"color-scheme\" content=\"light dark\">\n"
"<meta name=\"robots\" content=\"noindex\">\n"
"<title>{{status}} {{title}}</title>\n"
"<style>\n"
":root { color-scheme: light dark; }\n"
"body { font: 1.0625rem/1.6 system-ui, sans-serif; margin: 0 auto;\n"
"    padding: 1.5rem; max-width: 42rem; overflow-wrap: anywhere;\n"
"    color: #1b1b1b; background: #fff; }\n"
"h1 { font-size: 1.6rem; line-height: 1.25; }\n"
"h2 { font-size: 1.2rem; margin: 1.5rem 0 .25rem; }\n"
"dt { font-weight: 600; margin-top: .75rem; }\n"
"dd { margin: 0; }\n"
"a { color: #005ea2; }\n"
"@media (prefers-color-scheme: dark) {\n"
"    body { color: #f0f0f0; background: #1b1b1b; }\n"
"    a { color: #73b3e7; }\n"
"}\n"
"</style>\n"
"</head>\n"
"<body>\n"
"<main>\n"
"<h1>{{status}} {{title}}</h1>\n"
"<p>{{detail}}</p>\n"
"{{#reason}}<p>Reason: {{reason}}.</p>\n{{/reason}}"
"<h2>What was refused</h2>\n"
"<dl>\n"
"{{#url}}<dt>Address</dt>\n<dd>{{url}}</dd>\n{{/url}}"
"{{#vendor}}<dt>Vendor</dt>\n<dd>{{vendor}}</dd>\n{{/vendor}}"
"{{#product}}<dt>Product</dt>\n<dd>{{product}}</dd>\n{{/product}}"
"{{#authorities}}<dt>Legal authority</dt>\n"
"<dd>{{authorities}}</dd>\n{{/authorities}}"
"<dt>Time</dt>\n<dd>{{time}}</dd>\n"
"{{#incident}}<dt>Incident number</dt>\n"
"<dd><code>{{incident}}</code></dd>\n{{/incident}}"
"</dl>\n"
"{{#contact}}<h2>Whom to ask</h2>\n"
"<p>{{contact}}. Please give the incident number.</p>\n{{/contact}}"
"</main>\n"
"</body>\n"
"</html>\n"
);


ngx_http_debar_page_t *
ngx_http_debar_page_builtin(ngx_conf_t *cf)
{
    ngx_http_debar_page_t  *page;

    page = ngx_pcalloc(cf->pool, sizeof(ngx_http_debar_page_t));
    if (page == NULL) {
        return NULL;
    }

    if (ngx_http_debar_page_compile(cf, page, &ngx_http_debar_page_text,
                                    "the built-in page")
        != NGX_OK)
    {
        return NULL;
    }

    return page;
}


ngx_http_debar_page_t *
ngx_http_debar_page_load(ngx_conf_t *cf, ngx_str_t *path)
{
    ssize_t                 n;
    ngx_str_t               text, full;
    ngx_file_t              file;
    ngx_file_info_t         fi;
    ngx_http_debar_page_t  *page;

    full = *path;

    if (ngx_conf_full_name(cf->cycle, &full, 1) != NGX_OK) {
        return NULL;
    }

    page = ngx_pcalloc(cf->pool, sizeof(ngx_http_debar_page_t));
    text.data = ngx_pnalloc(cf->pool, NGX_HTTP_DEBAR_PAGE_MAX);
    if (page == NULL || text.data == NULL) {
        return NULL;
    }

    ngx_memzero(&file, sizeof(ngx_file_t));

    file.name = full;
    file.log = cf->log;
    file.fd = ngx_open_file(full.data, NGX_FILE_RDONLY|NGX_FILE_NONBLOCK,
                            NGX_FILE_OPEN, 0);

    if (file.fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           "debar_page: " ngx_open_file_n " \"%V\" failed",
                           &full);
        return NULL;
    }

    n = NGX_ERROR;

    if (ngx_fd_info(file.fd, &fi) == NGX_FILE_ERROR || !ngx_is_file(&fi)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "debar_page: \"%V\" is not a regular file", &full);

    } else if (ngx_file_size(&fi) > NGX_HTTP_DEBAR_PAGE_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "debar_page: \"%V\" is larger than %d bytes",
                           &full, NGX_HTTP_DEBAR_PAGE_MAX);

    } else {
        n = ngx_read_file(&file, text.data, NGX_HTTP_DEBAR_PAGE_MAX, 0);
    }

    if (ngx_close_file(file.fd) == NGX_FILE_ERROR) {
        ngx_log_error(NGX_LOG_ALERT, cf->log, ngx_errno,
                      ngx_close_file_n " \"%V\" failed", &full);
    }

    if (n == NGX_ERROR) {
        return NULL;
    }

    text.len = n;

    if (ngx_http_debar_page_compile(cf, page, &text, (char *) full.data)
        != NGX_OK)
    {
        return NULL;
    }

    return page;
}


static ngx_int_t
ngx_http_debar_page_compile(ngx_conf_t *cf, ngx_http_debar_page_t *page,
    ngx_str_t *text, const char *file)
{
    u_char     *p, *from, *last, *end;
    ngx_int_t   open;
    ngx_str_t   name;

    if (ngx_array_init(&page->parts, cf->pool, 64,
                       sizeof(ngx_http_debar_part_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    from = text->data;
    last = text->data + text->len;
    open = -1;

    for (p = from; p + 1 < last; p++) {

        if (p[0] != '{' || p[1] != '{') {
            continue;
        }

        if (ngx_http_debar_page_literal(page, from, p) != NGX_OK) {
            return NGX_ERROR;
        }

        name.data = p + 2;

        for (end = name.data; end + 1 < last; end++) {
            if (end[0] == '}' && end[1] == '}') {
                break;
            }
        }

        if (end + 1 >= last) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "debar_page: a \"{{\" without its \"}}\" in %s",
                               file);
            return NGX_ERROR;
        }

        name.len = end - name.data;

        if (ngx_http_debar_page_part(cf, page, &name, &open, file) != NGX_OK) {
            return NGX_ERROR;
        }

        from = end + 2;
        p = from - 1;
    }

    if (open != -1) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "debar_page: \"{{#%V}}\" is not closed in %s",
                           &ngx_http_debar_value_names[open], file);
        return NGX_ERROR;
    }

    return ngx_http_debar_page_literal(page, from, last);
}


static ngx_int_t
ngx_http_debar_page_part(ngx_conf_t *cf, ngx_http_debar_page_t *page,
    ngx_str_t *name, ngx_int_t *open, const char *file)
{
    ngx_int_t               i;
    ngx_str_t               n;
    ngx_uint_t              type;
    ngx_http_debar_part_t  *part;

    n = *name;
    type = NGX_HTTP_DEBAR_VALUE;

    if (n.len && (n.data[0] == '#' || n.data[0] == '/')) {
        type = n.data[0] == '#' ? NGX_HTTP_DEBAR_IF : NGX_HTTP_DEBAR_END;
        n.data++;
        n.len--;
    }

    for (i = 0; i < NGX_HTTP_DEBAR_VALUES; i++) {
        if (ngx_http_debar_value_names[i].len == n.len
            && ngx_strncmp(ngx_http_debar_value_names[i].data, n.data, n.len)
               == 0)
        {
            break;
        }
    }

    if (i == NGX_HTTP_DEBAR_VALUES) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "debar_page: unknown \"{{%V}}\" in %s: known are "
                           "status, title, detail, reason, verdict, activity, "
                           "vendor, product, authority, citation-url, "
                           "authorities, incident, contact, url, gateway and "
                           "time", name, file);
        return NGX_ERROR;
    }

    if ((type == NGX_HTTP_DEBAR_IF && *open != -1)
        || (type == NGX_HTTP_DEBAR_END && *open != i))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "debar_page: \"{{%V}}\" in %s: sections close where "
                           "they opened and do not nest", name, file);
        return NGX_ERROR;
    }

    if (type != NGX_HTTP_DEBAR_VALUE) {
        *open = type == NGX_HTTP_DEBAR_IF ? i : -1;
    }

    part = ngx_array_push(&page->parts);
    if (part == NULL) {
        return NGX_ERROR;
    }

    part->type = type;
    part->value = i;
    ngx_str_null(&part->text);

    return NGX_OK;
}


static ngx_int_t
ngx_http_debar_page_literal(ngx_http_debar_page_t *page, u_char *p,
    u_char *last)
{
    ngx_http_debar_part_t  *part;

    if (p >= last) {
        return NGX_OK;
    }

    part = ngx_array_push(&page->parts);
    if (part == NULL) {
        return NGX_ERROR;
    }

    part->type = NGX_HTTP_DEBAR_LITERAL;
    part->value = 0;
    part->text.data = p;
    part->text.len = last - p;

    return NGX_OK;
}


ngx_int_t
ngx_http_debar_refuse(ngx_http_request_t *r, ngx_http_debar_refusal_t *rf)
{
    ngx_int_t                   rc;
    ngx_buf_t                  *b;
    ngx_uint_t                  json;
    ngx_chain_t                 out;
    ngx_http_debar_out_t        o;
    ngx_http_debar_values_t     vs;
    ngx_http_debar_loc_conf_t  *dlcf;

    if (r != r->main) {
        return rf->status;
    }

    dlcf = ngx_http_get_module_loc_conf(r, ngx_http_debar_module);

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_http_debar_values(r, rf, &vs) != NGX_OK) {
        return NGX_ERROR;
    }

    json = ngx_http_debar_wants_json(r);

    o.p = NULL;
    o.n = 0;
    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_ERROR;
    }

    for ( ;; ) {

        if (json) {
            ngx_http_debar_problem(&vs, &o);
        } else {
            ngx_http_debar_html(dlcf->page, &vs, &o);
        }

        if (o.p) {
            break;
        }

        o.p = ngx_pnalloc(r->pool, o.n);
        if (o.p == NULL) {
            return NGX_ERROR;
        }

        b->pos = o.p;
        o.n = 0;
    }

    b->last = b->pos + o.n;
    b->memory = 1;
    b->last_buf = 1;
    b->last_in_chain = 1;

    if (json) {
        ngx_str_set(&r->headers_out.content_type, "application/problem+json");
    } else {
        ngx_str_set(&r->headers_out.content_type, "text/html; charset=utf-8");
    }

    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;
    r->headers_out.status = rf->status;
    r->headers_out.content_length_n = o.n;

    /* names that nginx does not know */

    if (rf->status == 451) {
        ngx_str_set(&r->headers_out.status_line,
                    "451 Unavailable For Legal Reasons");

    } else if (rf->status == 508) {
        ngx_str_set(&r->headers_out.status_line, "508 Loop Detected");
    }

    if (rf->status == NGX_HTTP_BAD_REQUEST) {
        r->keepalive = 0;
    }

    if (ngx_http_debar_header(r, "Cache-Control", "no-store") != NGX_OK
        || ngx_http_debar_header(r, "Vary", "Accept") != NGX_OK)
    {
        return NGX_ERROR;
    }

    rc = ngx_http_send_header(r);

    if (rc == NGX_OK && !r->header_only) {
        out.buf = b;
        out.next = NULL;
        rc = ngx_http_output_filter(r, &out);
    }

    ngx_http_finalize_request(r, rc);

    return NGX_DONE;
}


static ngx_int_t
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

    ngx_http_debar_problem_member(o, "contact", &v[NGX_HTTP_DEBAR_V_CONTACT]);
    ngx_http_debar_problem_member(o, "gateway", &v[NGX_HTTP_DEBAR_V_GATEWAY]);
    ngx_http_debar_puts(o, "}\n");
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


static ngx_uint_t
ngx_http_debar_wants_json(ngx_http_request_t *r)
{
    ngx_uint_t               i;
    ngx_list_part_t         *part;
    ngx_table_elt_t         *h;
    ngx_http_debar_range_t   json, html;

    ngx_memzero(&json, sizeof(ngx_http_debar_range_t));
    ngx_memzero(&html, sizeof(ngx_http_debar_range_t));

    part = &r->headers_in.headers.part;
    h = part->elts;

    for (i = 0; /* void */ ; i++) {

        if (i >= part->nelts) {
            if (part->next == NULL) {
                break;
            }

            part = part->next;
            h = part->elts;
            i = 0;
        }

        if (h[i].key.len == 6
            && ngx_strncasecmp(h[i].key.data, (u_char *) "accept", 6) == 0)
        {
            ngx_http_debar_accept(&h[i].value, &json, &html);
        }
    }

    if (json.q != html.q) {
        return json.q > html.q;
    }

    /* as welcome as HTML, but named: "application/json, * / *" of scripts */

    return json.q != 0 && json.exact > html.exact;
}


static void
ngx_http_debar_range(ngx_http_debar_range_t *range, ngx_uint_t q,
    ngx_uint_t exact)
{
    /* the more exact range decides, of equally exact ones the better */

    if (exact > range->exact || (exact == range->exact && q > range->q)) {
        range->exact = exact;
        range->q = q;
    }
}


static void
ngx_http_debar_accept(ngx_str_t *field, ngx_http_debar_range_t *json,
    ngx_http_debar_range_t *html)
{
    u_char      *p, *last, *end, *type;
    size_t       len;
    ngx_uint_t   q;

    p = field->data;
    last = p + field->len;

    while (p < last) {

        while (p < last && (*p == ' ' || *p == '\t' || *p == ',')) {
            p++;
        }

        type = p;

        while (p < last && *p != ',' && *p != ';' && *p != ' ' && *p != '\t') {
            p++;
        }

        len = p - type;
        end = ngx_strlchr(p, last, ',');

        if (end == NULL) {
            end = last;
        }

        q = ngx_http_debar_accept_q(p, end);
        p = end;

        if (len == 3 && ngx_strncmp(type, "*/*", 3) == 0) {
            ngx_http_debar_range(json, q, 1);
            ngx_http_debar_range(html, q, 1);

        } else if (len == 13
                   && ngx_strncasecmp(type, (u_char *) "application/*", 13)
                      == 0)
        {
            ngx_http_debar_range(json, q, 2);

        } else if (len == 6
                   && ngx_strncasecmp(type, (u_char *) "text/*", 6) == 0)
        {
            ngx_http_debar_range(html, q, 2);

        } else if ((len == 16
                    && ngx_strncasecmp(type, (u_char *) "application/json", 16)
                       == 0)
                   || (len == 24
                       && ngx_strncasecmp(type,
                                    (u_char *) "application/problem+json", 24)
                          == 0))
        {
            ngx_http_debar_range(json, q, 3);

        } else if (len == 9
                   && ngx_strncasecmp(type, (u_char *) "text/html", 9) == 0)
        {
            ngx_http_debar_range(html, q, 3);
        }
    }
}


/* The weight among parameters, in thousandths (RFC 9110 s.12.4.2). */

static ngx_uint_t
ngx_http_debar_accept_q(u_char *p, u_char *last)
{
    ngx_uint_t  q, unit;

    for ( /* void */ ; p < last; p++) {

        if (*p != ';') {
            continue;
        }

        p++;

        while (p < last && (*p == ' ' || *p == '\t')) {
            p++;
        }

        if (last - p < 3 || (*p | 0x20) != 'q' || p[1] != '=') {
            p--;
            continue;
        }

        p += 2;
        q = *p == '0' ? 0 : 1000;
        p++;

        if (q == 0 && p < last && *p == '.') {
            p++;

            for (unit = 100;
                 unit && p < last && *p >= '0' && *p <= '9';
                 unit /= 10)
            {
                q += (*p++ - '0') * unit;
            }
        }

        return q;
    }

    return 1000;
}
