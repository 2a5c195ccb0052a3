/*
 * Templates of the refusal page: the built-in one and the operator's own,
 * with every fault found by nginx -t.
 */

#include "ngx_http_debar.h"
#include "ngx_http_debar_template.h"


#define NGX_HTTP_DEBAR_PAGE_MAX  262144


static ngx_int_t ngx_http_debar_page_compile(ngx_conf_t *cf,
    ngx_http_debar_page_t *page, ngx_str_t *text, const char *name);
static ngx_int_t ngx_http_debar_page_part(ngx_conf_t *cf,
    ngx_http_debar_page_t *page, ngx_str_t *name, ngx_int_t *open,
    const char *file);
static ngx_int_t ngx_http_debar_page_literal(ngx_http_debar_page_t *page,
    u_char *p, u_char *last);


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
