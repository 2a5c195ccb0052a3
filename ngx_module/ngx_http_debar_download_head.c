/*
 * The head of a download: where it leads, what the file is called, and whether
 * there is something to look at.
 */

#include "ngx_http_debar_download_private.h"
#include "redirect.h"


#define NGX_HTTP_DEBAR_CODINGS  256           /* bytes of Content-Encoding */


static ngx_int_t ngx_http_debar_download_says(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl, ngx_table_elt_t *h);
static ngx_int_t ngx_http_debar_download_named(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl, ngx_str_t *value);
static ngx_int_t ngx_http_debar_download_location(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl, debar_str_t url, const char *where);
static ngx_int_t ngx_http_debar_download_part(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl);
static ngx_int_t ngx_http_debar_download_coding(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl);
static ngx_uint_t ngx_http_debar_download_streams(ngx_http_request_t *r);
static ngx_uint_t ngx_http_debar_download_saved(ngx_http_request_t *r);
static ngx_uint_t ngx_http_debar_download_shown(ngx_str_t *type);


/* What the head alone says: where it leads, what the file is called.
 * NGX_DECLINED: that is enough. */

ngx_int_t
ngx_http_debar_download_head(ngx_http_request_t *r, ngx_http_debar_ctx_t *ctx)
{
    ngx_int_t                   rc;
    ngx_str_t                  *type;
    ngx_table_elt_t            *h;
    ngx_http_debar_walk_t       w;
    ngx_http_debar_download_t  *dl;

    dl = ctx->download;
    ngx_http_debar_walk(&w, &r->headers_out.headers);

    while ((h = ngx_http_debar_walk_next(&w)) != NULL) {
        /* nginx hides a Location that it writes itself */

        if (h->hash || h == r->headers_out.location) {
            rc = ngx_http_debar_download_says(r, dl, h);

            if (rc != NGX_OK) {
                return rc;
            }
        }
    }

    type = &r->headers_out.content_type;

    if (type->len
        && ngx_strlcasestrn(type->data, type->data + type->len,
                            (u_char *) "name", 4 - 1)
        && ngx_http_debar_download_named(r, dl, type) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    /* a listed name is reason enough, whatever comes */

    return dl->filing ? ngx_http_debar_download_settle(r, dl, 0, NULL) : NGX_OK;
}


/* One field: clients differ in which of several they take. */

static ngx_int_t
ngx_http_debar_download_says(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl, ngx_table_elt_t *h)
{
    debar_str_t  url;

    url = debar_str((char *) h->value.data, h->value.len);

    switch (h->key.len) {

    case 7:
        if (ngx_strncasecmp(h->key.data, (u_char *) "Refresh", 7) != 0
            || debar_refresh_value(url, &url) != DEBAR_OK)
        {
            return NGX_OK;
        }

        return ngx_http_debar_download_location(r, dl, url, "response:refresh");

    case 8:
        if (r->headers_out.status < 300 || r->headers_out.status >= 400
            || ngx_strncasecmp(h->key.data, (u_char *) "Location", 8) != 0)
        {
            return NGX_OK;
        }

        return ngx_http_debar_download_location(r, dl, url,
                                                "response:location");

    case 19:
        if (ngx_strncasecmp(h->key.data, (u_char *) "Content-Disposition", 19)
            != 0)
        {
            return NGX_OK;
        }

        dl->attached = 1;

        return ngx_http_debar_download_named(r, dl, &h->value);

    default:
        return NGX_OK;
    }
}


static ngx_int_t
ngx_http_debar_download_named(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl, ngx_str_t *value)
{
    if (value->len == 0) {
        return NGX_OK;
    }

    if (dl->filing == NULL
        && ngx_http_debar_download_filing(r, dl) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    if (dl->name.len == 0) {
        dl->name = *value;
    }

    debar_filing_disposition(dl->filing, debar_str((char *) value->data,
                                                   value->len),
                             "response:filename");
    return NGX_OK;
}


/* A URL that the client is sent to, judged as if it asked for it. */

static ngx_int_t
ngx_http_debar_download_location(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl, debar_str_t url, const char *where)
{
    debar_verdict_t             *v;
    ngx_http_debar_loc_conf_t   *dlcf;
    ngx_http_debar_main_conf_t  *mcf;

    dlcf = ngx_http_get_module_loc_conf(r, ngx_http_debar_module);
    mcf = ngx_http_get_module_main_conf(r, ngx_http_debar_module);
    v = mcf->scratch;

    if (debar_judge_redirect(dlcf->list->list, &dl->facts, url, where, v)
        != DEBAR_OK)
    {
        return NGX_OK;
    }

    dl->judging = 1;

    if (ngx_http_debar_late(r, v) != NGX_OK) {
        return NGX_DECLINED;
    }

    dl->judging = 0;

    return NGX_OK;
}


/* NGX_OK: what comes is looked at; NGX_DONE: there is nothing to look at. */

ngx_int_t
ngx_http_debar_download_begin(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl)
{
    ngx_uint_t                   status;
    debar_verdict_t             *v;
    ngx_http_debar_loc_conf_t   *dlcf;
    ngx_http_debar_main_conf_t  *mcf;

    status = r->headers_out.status;

    if (r->header_only || r->method == NGX_HTTP_HEAD
        || status == NGX_HTTP_NO_CONTENT || status == NGX_HTTP_NOT_MODIFIED
        || status == 205 || dl->length == 0)
    {
        return NGX_DONE;
    }

    dlcf = ngx_http_get_module_loc_conf(r, ngx_http_debar_module);
    mcf = ngx_http_get_module_main_conf(r, ngx_http_debar_module);

    if (debar_filing_pins(dlcf->list->list)) {
        v = mcf->scratch;
        debar_judge(dlcf->list->list, &dl->facts, v);
        dl->pinned = debar_filing_pinned(dlcf->list->list, v);
    }

    if (status == NGX_HTTP_PARTIAL_CONTENT) {

        if (dlcf->ranges == NGX_HTTP_DEBAR_RANGES_PASS
            || ngx_http_debar_parts_known(r))
        {
            return NGX_DONE;
        }

        return ngx_http_debar_download_part(r, dl);
    }

    /* nginx would cut out the parts before it comes here */

    if (r->headers_in.range && r->allow_ranges) {

        if (!dl->pinned && ngx_http_debar_parts_known(r)) {
            return NGX_DONE;
        }

        r->allow_ranges = 0;
    }

    if (ngx_http_debar_download_coding(r, dl) != NGX_OK) {
        return NGX_ERROR;
    }

    dl->streams = !dl->pinned && ngx_http_debar_download_streams(r);
    dl->saved = dl->attached || ngx_http_debar_download_saved(r);

    dl->head = 1;
    dl->looking = 1;

    r->filter_need_in_memory = 1;

    return NGX_OK;
}


/* A part that nobody asked the origin for. */

static ngx_int_t
ngx_http_debar_download_part(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl)
{
    if (ngx_http_debar_download_filing(r, dl) != NGX_OK
        || ngx_http_debar_download_settle(r, dl, 0,
                                          "a part of a file cannot be judged")
           != NGX_OK)
    {
        return NGX_DECLINED;
    }

    return NGX_DONE;
}


/* All its codings: a client undoes those of every line. */

static ngx_int_t
ngx_http_debar_download_coding(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl)
{
    u_char                 *p;
    ngx_table_elt_t        *h;
    ngx_http_debar_walk_t   w;

    if (r->headers_out.content_encoding == NULL) {
        return NGX_OK;
    }

    dl->coding.data = ngx_pnalloc(r->pool, NGX_HTTP_DEBAR_CODINGS);

    if (dl->coding.data == NULL) {
        return NGX_ERROR;
    }

    p = dl->coding.data;
    ngx_http_debar_walk(&w, &r->headers_out.headers);

    while ((h = ngx_http_debar_walk_next(&w)) != NULL) {
        if (h->hash == 0 || !ngx_http_debar_field_is(h, "Content-Encoding")) {
            continue;
        }

        p = ngx_slprintf(p, dl->coding.data + NGX_HTTP_DEBAR_CODINGS, "%s%V",
                         p == dl->coding.data ? "" : ",", &h->value);
    }

    dl->coding.len = p - dl->coding.data;

    if (dl->coding.len) {
        dl->unpack = debar_unpack_new(debar_str((char *) dl->coding.data,
                                                dl->coding.len));
    }

    return NGX_OK;
}


/*
 * Messages in a stream without an end: who reads them takes them by this name,
 * and waits for each.  They are looked at as they go by: what turns out to be a
 * program is read all the same.  Those of gRPC may have any bytes, and are for
 * nobody who did not send such himself.
 */

static ngx_uint_t
ngx_http_debar_download_streams(ngx_http_request_t *r)
{
    ngx_str_t        *type;
    ngx_uint_t        i;
    ngx_table_elt_t  *asked;

    static ngx_str_t  types[] = {
        ngx_string("text/event-stream"),
        ngx_string("multipart/x-mixed-replace"),
        ngx_string("application/grpc")
    };

    type = &r->headers_out.content_type;
    asked = r->headers_in.content_type;

    for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {

        if (type->len < types[i].len
            || ngx_strncasecmp(type->data, types[i].data, types[i].len) != 0)
        {
            continue;
        }

        if (i < 2) {
            return NGX_HTTP_DEBAR_STREAM_TEXT;
        }

        return asked && asked->value.len >= types[i].len
               && ngx_strncasecmp(asked->value.data, types[i].data,
                                  types[i].len) == 0
               ? NGX_HTTP_DEBAR_STREAM_ANY : 0;
    }

    return 0;
}


/* What pages are made of. */

static ngx_uint_t
ngx_http_debar_download_shown(ngx_str_t *type)
{
    ngx_uint_t  i;

    static ngx_str_t  shown[] = {
        ngx_string("text/html"), ngx_string("text/plain"),
        ngx_string("text/css"), ngx_string("text/javascript"),
        ngx_string("application/javascript"), ngx_string("application/json"),
        ngx_string("image/png"), ngx_string("image/jpeg"),
        ngx_string("image/gif"), ngx_string("image/webp"),
        ngx_string("image/svg+xml"), ngx_string("font/woff2")
    };

    for (i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
        if (type->len == shown[i].len
            && ngx_strncasecmp(type->data, shown[i].data, type->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


ngx_uint_t
ngx_http_debar_download_plain(ngx_http_request_t *r)
{
    ngx_uint_t                  status;
    ngx_table_elt_t            *h;
    ngx_http_debar_walk_t       w;
    ngx_http_debar_loc_conf_t  *dlcf;

    dlcf = ngx_http_get_module_loc_conf(r, ngx_http_debar_module);
    status = r->headers_out.status;

    if ((status != NGX_HTTP_OK && status < NGX_HTTP_BAD_REQUEST)
        || r->header_only || r->method == NGX_HTTP_HEAD
        || r->headers_out.content_length_n == 0
        || r->headers_in.range || r->headers_out.content_encoding
        || !ngx_http_debar_download_shown(&r->headers_out.content_type)
        || ngx_http_debar_download_saved(r)
        || debar_filing_pins(dlcf->list->list))
    {
        return 0;
    }

    ngx_http_debar_walk(&w, &r->headers_out.headers);

    while ((h = ngx_http_debar_walk_next(&w)) != NULL) {
        if (h->hash != 0
            && (ngx_http_debar_field_is(h, "Refresh")
                || ngx_http_debar_field_is(h, "Content-Encoding")
                || ngx_http_debar_field_is(h, "Content-Disposition")))
        {
            return 0;
        }
    }

    return 1;
}


/*
 * Files to keep rather than things to show, by how the origin names them: one
 * that begins as a picture or as text may have a program behind it, and is read
 * to its end.
 */

static ngx_uint_t
ngx_http_debar_download_saved(ngx_http_request_t *r)
{
    u_char       ch, *p, *last;
    size_t       len;
    ngx_str_t   *s;
    ngx_uint_t   i;

    static const char  *types[] = {
        "octet-stream", "x-ms", "msi", "executable", "zip", "compressed",
        "archive", "installer", "download", "x-dosexec", "x-rar", "x-7z",
        "x-tar", "java-", "debian", "rpm", "x-iso9660", "x-apple-diskimage",
        "x-xpinstall", "x-chrome-extension", "x-sh", "vnd.microsoft.portable",
        "vnd.docker.", "vnd.oci.",
        "rfc822"
    };

    static const char  *names[] = {
        "exe", "dll", "sys", "scr", "com", "msi", "msp", "msix", "appx",
        "msixbundle", "appxbundle", "cab", "pkg", "mpkg", "dmg", "app", "apk",
        "aab", "xapk", "ipa", "jar", "war", "deb", "rpm", "snap", "flatpak",
        "appimage", "run", "bin", "sh", "bat", "cmd", "ps1", "zip", "zipx",
        "7z", "rar", "tar", "gz", "tgz", "bz2", "xz", "zst", "iso", "img",
        "vhd", "vhdx", "crx", "xpi", "nupkg", "whl", "egg", "gem", "efi", "eml",
        "mht", "mhtml", "hta", "vbs", "b64"
    };

    s = &r->headers_out.content_type;

    /* a look at each word is dear */

    for (i = ngx_http_debar_download_shown(s) ? NGX_MAX_INT32_VALUE : 0;
         i < sizeof(types) / sizeof(types[0]);
         i++)
    {
        len = ngx_strlen(types[i]);

        if (s->len >= len
            && ngx_strlcasestrn(s->data, s->data + s->len, (u_char *) types[i],
                                len - 1))
        {
            return 1;
        }
    }

    last = r->uri.data + r->uri.len;

    for (p = last; p > r->uri.data && p[-1] != '.' && p[-1] != '/'; p--) {
        /* void */
    }

    if (p == r->uri.data || p[-1] != '.' || p == last) {
        return 0;
    }

    ch = ngx_tolower(*p);

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {

        if (ch != (u_char) names[i][0]) {
            continue;
        }

        len = ngx_strlen(names[i]);

        if ((size_t) (last - p) == len
            && ngx_strncasecmp(p, (u_char *) names[i], len) == 0)
        {
            return 1;
        }
    }

    return 0;
}
