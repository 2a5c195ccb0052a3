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

#include "ngx_http_debar_download.h"
#include "host.h"


#define NGX_HTTP_DEBAR_HEAD_WAIT   100        /* ms: for the first bytes */
/* r->buffered: four bits, of which the image filter has this one. */

#define NGX_HTTP_DEBAR_BUFFERED    0x08

#define NGX_HTTP_DEBAR_TRICKLE     1000       /* ms: see ..._waited() */
#define NGX_HTTP_DEBAR_CODINGS     256        /* bytes of Content-Encoding */

/* What is sent before its type is known, and what waits for that. */

#define NGX_HTTP_DEBAR_EARLY       4096
#define NGX_HTTP_DEBAR_LOOKED_AT   65536

/* What waits for a client before its origin waits, too. */

#define NGX_HTTP_DEBAR_CROWD       131072

#define NGX_HTTP_DEBAR_STREAM_TEXT  1
#define NGX_HTTP_DEBAR_STREAM_ANY   2


static ngx_int_t ngx_http_debar_download_header_filter(ngx_http_request_t *r);
static ngx_uint_t ngx_http_debar_download_wanted(ngx_http_request_t *r,
    ngx_http_debar_ctx_t *ctx, ngx_http_debar_loc_conf_t *dlcf);
static ngx_http_debar_download_t *ngx_http_debar_download_create(
    ngx_http_request_t *r, ngx_http_debar_ctx_t *ctx);
static ngx_int_t ngx_http_debar_download_head(ngx_http_request_t *r,
    ngx_http_debar_ctx_t *ctx);
static ngx_int_t ngx_http_debar_download_location(ngx_http_request_t *r,
    ngx_http_debar_ctx_t *ctx, u_char *p, size_t len, const char *where);
static ngx_int_t ngx_http_debar_download_begin(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl);
static ngx_int_t ngx_http_debar_download_part(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl);
static ngx_int_t ngx_http_debar_download_coding(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl);
static ngx_uint_t ngx_http_debar_download_streams(ngx_http_request_t *r);
static ngx_uint_t ngx_http_debar_download_saved(ngx_http_request_t *r);
static ngx_int_t ngx_http_debar_download_body_filter(ngx_http_request_t *r,
    ngx_chain_t *in);
static ngx_int_t ngx_http_debar_download_wait(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl, ngx_chain_t *in);
static ngx_int_t ngx_http_debar_download_in(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl, ngx_chain_t *in);
static ngx_int_t ngx_http_debar_download_take(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl, ngx_chain_t *in);
static ngx_int_t ngx_http_debar_download_first(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl, u_char *p, size_t n, ngx_uint_t whole);
static ngx_uint_t ngx_http_debar_download_plain(ngx_http_debar_download_t *dl);
static int ngx_http_debar_download_decoded(void *data, const char *bytes,
    size_t len);
static ngx_int_t ngx_http_debar_download_early(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl, ngx_chain_t **out);
static void ngx_http_debar_download_learn(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl);
static void ngx_http_debar_download_read(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl);
static void ngx_http_debar_download_spool(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl, u_char *p, size_t n);
static void ngx_http_debar_download_ask(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl);
static void ngx_http_debar_download_unspool(ngx_http_debar_download_t *dl);
static ngx_int_t ngx_http_debar_download_flow(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl, ngx_chain_t *in, ngx_uint_t ends);
static ngx_int_t ngx_http_debar_download_push(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl, ngx_chain_t *out);
static ngx_int_t ngx_http_debar_download_send(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl, ngx_chain_t *in);
static ngx_int_t ngx_http_debar_download_last(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl);
static ngx_int_t ngx_http_debar_download_end(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl);
static void ngx_http_debar_download_found(void *data,
    const debar_found_t *found);
static void ngx_http_debar_download_done(void *data, ngx_uint_t bounds,
    const char *failed);
static ngx_int_t ngx_http_debar_download_settle(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl, ngx_uint_t bounds, const char *failed);
static ngx_int_t ngx_http_debar_download_filing(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl);
static ngx_int_t ngx_http_debar_download_stop(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl, ngx_uint_t event);
static void ngx_http_debar_download_waited(ngx_event_t *ev);
static void ngx_http_debar_download_refuse(ngx_event_t *ev);
static void ngx_http_debar_download_lost(void *data);
static void ngx_http_debar_download_cleanup(void *data);


static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;
static ngx_http_output_body_filter_pt    ngx_http_next_body_filter;

/* Bytes in the spools of this worker. */

static off_t  ngx_http_debar_spooled;


ngx_int_t
ngx_http_debar_download_init(ngx_conf_t *cf)
{
    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_debar_download_header_filter;

    ngx_http_next_body_filter = ngx_http_top_body_filter;
    ngx_http_top_body_filter = ngx_http_debar_download_body_filter;

    return NGX_OK;
}


/* --- its head --------------------------------------------------------------- */

static ngx_int_t
ngx_http_debar_download_header_filter(ngx_http_request_t *r)
{
    ngx_int_t                   rc;
    ngx_http_debar_ctx_t       *ctx;
    ngx_http_debar_loc_conf_t  *dlcf;
    ngx_http_debar_download_t  *dl;

    dlcf = ngx_http_get_module_loc_conf(r, ngx_http_debar_module);

    if (!dlcf->enable || !dlcf->download || r != r->main) {
        return ngx_http_next_header_filter(r);
    }

    ctx = ngx_http_debar_get_ctx(r);

    if (ctx == NULL || ctx->download
        || !ngx_http_debar_download_wanted(r, ctx, dlcf))
    {
        return ngx_http_next_header_filter(r);
    }

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


static ngx_str_t *
ngx_http_debar_download_field(ngx_http_request_t *r, const char *name,
    size_t len)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    part = &r->headers_out.headers.part;
    h = part->elts;

    for (i = 0; /* void */ ; i++) {

        if (i >= part->nelts) {
            if (part->next == NULL) {
                return NULL;
            }

            part = part->next;
            h = part->elts;
            i = 0;
        }

        if (h[i].hash && h[i].key.len == len
            && ngx_strncasecmp(h[i].key.data, (u_char *) name, len) == 0)
        {
            return &h[i].value;
        }
    }
}


/* What the head alone says: where it leads, what the file is called.
 * NGX_DECLINED: that is enough. */

static ngx_int_t
ngx_http_debar_download_head(ngx_http_request_t *r, ngx_http_debar_ctx_t *ctx)
{
    u_char                     *p, *last;
    ngx_str_t                  *s;
    ngx_http_debar_download_t  *dl;

    dl = ctx->download;

    if (r->headers_out.status >= 300 && r->headers_out.status < 400) {
        s = r->headers_out.location ? &r->headers_out.location->value
                              : ngx_http_debar_download_field(r, "Location", 8);

        if (s && ngx_http_debar_download_location(r, ctx, s->data, s->len,
                                                  "response:location")
                 != NGX_OK)
        {
            return NGX_DECLINED;
        }
    }

    s = ngx_http_debar_download_field(r, "Refresh", 7);

    if (s) {
        last = s->data + s->len;

        p = ngx_strlcasestrn(s->data, last, (u_char *) "url=", 4 - 1);

        if (p) {
            p += 4;

            while (p < last && (*p == ' ' || *p == '"' || *p == '\'')) {
                p++;
            }

            while (last > p && (last[-1] == '"' || last[-1] == '\''
                                || last[-1] == ' '))
            {
                last--;
            }

            if (ngx_http_debar_download_location(r, ctx, p, last - p,
                                                 "response:refresh")
                != NGX_OK)
            {
                return NGX_DECLINED;
            }
        }
    }

    s = ngx_http_debar_download_field(r, "Content-Disposition", 19);

    if (s) {
        dl->name = *s;
    }

    if (r->headers_out.content_type.len
        && ngx_strlcasestrn(r->headers_out.content_type.data,
                            r->headers_out.content_type.data
                            + r->headers_out.content_type.len,
                            (u_char *) "name", 4 - 1))
    {
        s = &r->headers_out.content_type;

    } else {
        s = NULL;
    }

    if (dl->name.len == 0 && s) {
        dl->name = *s;
    }

    if (dl->name.len == 0) {
        return NGX_OK;
    }

    /* a listed name is reason enough, whatever comes */

    if (ngx_http_debar_download_filing(r, dl) != NGX_OK) {
        return NGX_DECLINED;
    }

    debar_filing_disposition(dl->filing, debar_str((char *) dl->name.data,
                                                   dl->name.len),
                             "response:filename");

    return ngx_http_debar_download_settle(r, dl, 0, NULL);
}


/*
 * A URL that the client is sent to, judged as if it asked for it.  One of the
 * same origin is judged when it does.
 */

static ngx_int_t
ngx_http_debar_download_location(ngx_http_request_t *r,
    ngx_http_debar_ctx_t *ctx, u_char *p, size_t len, const char *where)
{
    u_char                      *colon, *rest, *slash, *last;
    unsigned                     i;
    debar_facts_t                f;
    debar_verdict_t             *v;
    ngx_http_debar_loc_conf_t   *dlcf;
    ngx_http_debar_main_conf_t  *mcf;

    dlcf = ngx_http_get_module_loc_conf(r, ngx_http_debar_module);
    mcf = ngx_http_get_module_main_conf(r, ngx_http_debar_module);

    last = p + len;
    f = ctx->download->facts;
    colon = ngx_strlchr(p, last, ':');

    if (len > 2 && p[0] == '/' && p[1] == '/') {
        rest = p + 2;

    } else if (colon && last - colon > 3 && colon[1] == '/' && colon[2] == '/'
               && (colon - p == 4 || colon - p == 5)
               && ngx_strncasecmp(p, (u_char *) "https", colon - p) == 0)
    {
        f.scheme = debar_str((char *) p, colon - p);
        rest = colon + 3;

    } else {
        return NGX_OK;
    }

    for (slash = rest; slash < last; slash++) {
        if (*slash == '/' || *slash == '?' || *slash == '#') {
            break;
        }
    }

    for (colon = slash; colon < last && *colon != '#'; colon++) {
        /* a fragment stays with the client */
    }

    f.method = debar_str("GET", 3);
    f.authority = debar_str((char *) rest, slash - rest);
    f.nhosts = 0;
    f.more_hosts = 0;
    f.target = (slash < colon && *slash == '/')
               ? debar_str((char *) slash, colon - slash) : debar_str("/", 1);
    f.cookie = debar_str("", 0);
    f.original_url = debar_str("", 0);
    f.form = debar_str("", 0);
    f.filing = 0;

    v = mcf->scratch;
    debar_judge(dlcf->list->list, &f, v);

    /* what is odd there is refused when it is asked for */

    if (v->verdict != DEBAR_BLOCK) {
        return NGX_OK;
    }

    for (i = 0; i < v->nevidence; i++) {
        ngx_memmove(v->evidence[i].where + ngx_strlen(where) + 1,
                    v->evidence[i].where,
                    DEBAR_WHERE - ngx_strlen(where) - 1);
        ngx_memcpy(v->evidence[i].where, where, ngx_strlen(where));
        v->evidence[i].where[ngx_strlen(where)] = '/';
        v->evidence[i].where[DEBAR_WHERE - 1] = '\0';
    }

    ctx->download->judging = 1;

    if (ngx_http_debar_late(r, v) != NGX_OK) {
        return NGX_DECLINED;
    }

    ctx->download->judging = 0;

    return NGX_OK;
}


/* NGX_OK: what comes is looked at; NGX_DONE: there is nothing to look at. */

static ngx_int_t
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

    dl->attached = ngx_http_debar_download_field(r, "Content-Disposition", 19)
                   != NULL;
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
    u_char           *p;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    if (r->headers_out.content_encoding == NULL) {
        return NGX_OK;
    }

    dl->coding.data = ngx_pnalloc(r->pool, NGX_HTTP_DEBAR_CODINGS);

    if (dl->coding.data == NULL) {
        return NGX_ERROR;
    }

    p = dl->coding.data;
    part = &r->headers_out.headers.part;
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

        if (h[i].hash == 0 || h[i].key.len != 16
            || ngx_strncasecmp(h[i].key.data, (u_char *) "Content-Encoding", 16)
               != 0)
        {
            continue;
        }

        p = ngx_slprintf(p, dl->coding.data + NGX_HTTP_DEBAR_CODINGS, "%s%V",
                         p == dl->coding.data ? "" : ",", &h[i].value);
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


/*
 * Files to keep rather than things to show, by how the origin names them: one
 * that begins as a picture or as text may have a program behind it, and is read
 * to its end.
 */

static ngx_uint_t
ngx_http_debar_download_saved(ngx_http_request_t *r)
{
    u_char      *p, *last;
    size_t       len;
    ngx_str_t   *s;
    ngx_uint_t   i;

    static const char  *types[] = {
        "octet-stream", "x-ms", "msi", "executable", "zip", "compressed",
        "archive", "installer", "download", "x-dosexec", "x-rar", "x-7z",
        "x-tar", "java-", "debian", "rpm", "x-iso9660", "x-apple-diskimage",
        "x-xpinstall", "x-chrome-extension", "x-sh", "vnd.microsoft.portable"
    };

    static const char  *names[] = {
        "exe", "dll", "sys", "scr", "com", "msi", "msp", "msix", "appx",
        "msixbundle", "appxbundle", "cab", "pkg", "mpkg", "dmg", "app", "apk",
        "aab", "xapk", "ipa", "jar", "war", "deb", "rpm", "snap", "flatpak",
        "appimage", "run", "bin", "sh", "bat", "cmd", "ps1", "zip", "zipx",
        "7z", "rar", "tar", "gz", "tgz", "bz2", "xz", "zst", "iso", "img",
        "vhd", "vhdx", "crx", "xpi", "nupkg", "whl", "egg", "gem", "efi"
    };

    s = &r->headers_out.content_type;

    for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
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

    if (p == r->uri.data || p[-1] != '.') {
        return 0;
    }

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        len = ngx_strlen(names[i]);

        if ((size_t) (last - p) == len
            && ngx_strncasecmp(p, (u_char *) names[i], len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


/* --- its body --------------------------------------------------------------- */

static ngx_int_t
ngx_http_debar_download_body_filter(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_int_t                   rc;
    ngx_chain_t                *cl;
    ngx_http_debar_ctx_t       *ctx;
    ngx_http_debar_download_t  *dl;

    ctx = (r == r->main) ? ngx_http_get_module_ctx(r, ngx_http_debar_module)
                         : NULL;

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


static ngx_int_t
ngx_http_debar_download_in(ngx_http_request_t *r, ngx_http_debar_download_t *dl,
    ngx_chain_t *in)
{
    ngx_buf_t    *b;
    ngx_uint_t    ends, looking, known;
    ngx_chain_t  *cl;

    ends = 0;
    looking = dl->looking;
    known = 0;

    for (cl = in; cl; cl = cl->next) {
        b = cl->buf;
        ends |= b->last_buf;

        /* its origin broke off: nothing will follow */

        if (b->flush && r->upstream && r->upstream->cleanup == NULL
            && !b->last_buf)
        {
            ends |= 1;
            dl->broken = 1;
        }

        if (!ngx_buf_in_memory(b) || b->last == b->pos) {
            continue;
        }

        dl->seen += b->last - b->pos;

        if (looking) {
            known |= ngx_http_debar_download_first(r, dl, b->pos,
                                                   b->last - b->pos, 0)
                     == NGX_DONE;

        } else if (dl->reading) {
            ngx_http_debar_download_spool(r, dl, b->pos, b->last - b->pos);
        }
    }

    if (looking
        && ngx_http_debar_download_take(r, dl, in) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (looking && dl->lies) {
        known = ngx_http_debar_download_plain(dl);
    }

    if (looking && !known && ends) {
        (void) ngx_http_debar_download_first(r, dl, NULL, 0, 1);
        known = 1;
    }

    if (known) {
        ngx_http_debar_download_read(r, dl);
    }

    return ngx_http_debar_download_flow(r, dl, in, ends);
}


/* Bytes into the tail; whoever reads the origin wants its buffers back. */

static ngx_int_t
ngx_http_debar_download_take(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl, ngx_chain_t *in)
{
    ngx_buf_t  *b;

    for ( /* void */ ; in; in = in->next) {
        b = in->buf;

        if (ngx_buf_in_memory(b)) {
            if (ngx_http_debar_tail_add(r->pool, &dl->tail, b->pos,
                                        b->last - b->pos)
                != NGX_OK)
            {
                return NGX_ERROR;
            }

            b->pos = b->last;
        }

        b->file_pos = b->file_last;
    }

    return NGX_OK;
}


/* NGX_DONE: its type is known. */

static ngx_int_t
ngx_http_debar_download_first(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl, u_char *p, size_t n, ngx_uint_t whole)
{
    if (dl->lies) {
        return NGX_AGAIN;
    }

    if (dl->unpack) {
        if (n && debar_unpack_push(dl->unpack, (char *) p, n,
                                   ngx_http_debar_download_decoded, dl)
                 == DEBAR_ERROR
            && dl->nfirst < sizeof(dl->first))
        {
            dl->lies = 1;
            return NGX_AGAIN;
        }

    } else if (n) {
        (void) ngx_http_debar_download_decoded(dl, (char *) p, n);
    }

    if (dl->nfirst < sizeof(dl->first) && !whole) {

        /* codings can say nothing at length */

        if (dl->seen < NGX_HTTP_DEBAR_LOOKED_AT) {
            return NGX_AGAIN;
        }

        dl->type = DEBAR_FILE_UNKNOWN;

        return NGX_DONE;
    }

    dl->type = debar_file_type(dl->first, dl->nfirst,
                               whole && dl->nfirst < sizeof(dl->first));

    return NGX_DONE;
}


/* It is not of the coding that it is said to be of: what it is as it came. */

static ngx_uint_t
ngx_http_debar_download_plain(ngx_http_debar_download_t *dl)
{
    ngx_chain_t  *cl;

    debar_unpack_free(dl->unpack);
    dl->unpack = NULL;
    dl->lies = 0;
    dl->lied = 1;
    dl->coding.len = 0;
    dl->nfirst = 0;

    if (dl->nearly) {
        (void) ngx_http_debar_download_decoded(dl, (char *) dl->early,
                                               dl->nearly);
    }

    for (cl = dl->tail.head; cl; cl = cl->next) {
        (void) ngx_http_debar_download_decoded(dl, (char *) cl->buf->pos,
                                               cl->buf->last - cl->buf->pos);
    }

    if (dl->nfirst < sizeof(dl->first)) {
        return 0;
    }

    dl->type = debar_file_type(dl->first, dl->nfirst, 0);

    return 1;
}


static int
ngx_http_debar_download_decoded(void *data, const char *bytes, size_t len)
{
    size_t                      n;
    ngx_http_debar_download_t  *dl = data;

    n = ngx_min(len, sizeof(dl->first) - dl->nfirst);

    ngx_memcpy(dl->first + dl->nfirst, bytes, n);
    dl->nfirst += n;

    return dl->nfirst == sizeof(dl->first) ? DEBAR_DECLINED : DEBAR_OK;
}


/* Its type is known: it goes on, or is kept for the inspector. */

static void
ngx_http_debar_download_read(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl)
{
    dl->looking = 0;

    if (dl->unpack) {
        debar_unpack_free(dl->unpack);
        dl->unpack = NULL;
    }

    switch (debar_file_class(dl->type)) {

    case DEBAR_CLASS_MEDIA:
    case DEBAR_CLASS_TEXT:
    case DEBAR_CLASS_DOCUMENT:

        if (!dl->pinned && !dl->saved) {
            ngx_http_debar_parts_learn(r);
            ngx_http_debar_download_unspool(dl);
            return;
        }

        break;

    case DEBAR_CLASS_UNKNOWN:

        if (dl->streams == NGX_HTTP_DEBAR_STREAM_ANY) {
            return;
        }

        dl->trickles = (dl->length == -1 && !dl->attached);
        break;

    default:
        break;
    }

    dl->reading = 1;

    ngx_http_debar_download_ask(r, dl);
}


/* Somebody to read it, and what came before its type was known. */

static void
ngx_http_debar_download_ask(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl)
{
    ngx_chain_t                 *cl;
    ngx_http_debar_loc_conf_t   *dlcf;
    ngx_http_debar_inspected_t   inspected;

    dlcf = ngx_http_get_module_loc_conf(r, ngx_http_debar_module);

    if (dlcf->inspector.len == 0) {
        dl->failed = "no inspector is named: debar_inspector";
        return;
    }

    if (ngx_http_debar_spool_open(r, &dl->spool, &dlcf->download_temp->name)
        != NGX_OK)
    {
        dl->failed = "no room to keep it: debar_download_temp_path";
        return;
    }

    inspected.data = dl;
    inspected.found = ngx_http_debar_download_found;
    inspected.done = ngx_http_debar_download_done;

    dl->inspector = ngx_http_debar_inspector_begin(r->pool, r->connection->log,
                                  &dlcf->inspector, dl->spool.reading,
                                  dl->spool.room,
                                  debar_str((char *) dl->coding.data,
                                            dl->coding.len),
                                  &dlcf->file_limits, &inspected, &dl->failed);

    if (dl->inspector == NULL) {
        ngx_http_debar_download_unspool(dl);
        return;
    }

    dl->failed = NULL;
    dl->counted = 1;

    if (dl->nearly) {
        ngx_http_debar_download_spool(r, dl, dl->early, dl->nearly);
    }

    for (cl = dl->tail.head; cl; cl = cl->next) {
        ngx_http_debar_download_spool(r, dl, cl->buf->pos,
                                      cl->buf->last - cl->buf->pos);
    }
}


static void
ngx_http_debar_download_spool(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl, u_char *p, size_t n)
{
    off_t                       size;
    ngx_int_t                   rc;
    ngx_http_debar_loc_conf_t  *dlcf;

    if (dl->failed || dl->bounds) {
        return;
    }

    dlcf = ngx_http_get_module_loc_conf(r, ngx_http_debar_module);

    if (dl->spool.size + (off_t) n > dlcf->spool) {
        dl->bounds |= DEBAR_FILE_HELD;
        ngx_http_debar_download_unspool(dl);
        return;
    }

    /* that others fill the room is no property of this file */

    if (ngx_http_debar_spooled + (off_t) n > dlcf->spools) {
        dl->failed = "no room to keep it: debar_download_limits spools=";
        ngx_http_debar_download_unspool(dl);
        return;
    }

    size = dl->spool.size;
    rc = ngx_http_debar_spool_write(r, &dl->spool, p, n);
    ngx_http_debar_spooled += dl->spool.size - size;

    if (rc != NGX_OK) {
        dl->failed = "no room to keep it: debar_download_temp_path";
        ngx_http_debar_download_unspool(dl);
        return;
    }

    ngx_http_debar_inspector_more(dl->inspector, dl->spool.size);
}


static void
ngx_http_debar_download_unspool(ngx_http_debar_download_t *dl)
{
    if (dl->inspector) {
        ngx_http_debar_inspector_abort(dl->inspector);
        dl->inspector = NULL;
    }

    if (dl->counted) {
        ngx_http_debar_spooled -= dl->spool.size;
        dl->counted = 0;
    }

    ngx_http_debar_spool_close(&dl->spool);
}


/*
 * What may go on goes.  Of a body whose length is known only its last part is
 * copied; of others everything waits until so much has come behind it.
 */

static ngx_int_t
ngx_http_debar_download_flow(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl, ngx_chain_t *in, ngx_uint_t ends)
{
    size_t                      hold;
    off_t                       from;
    ngx_int_t                   rc;
    ngx_chain_t                *out;
    ngx_http_debar_loc_conf_t  *dlcf;

    if (!dl->looking && !dl->reading) {
        dl->over = 1;

        /* of what came with its first bytes nothing is left but a copy */

        if (dl->tail.head == NULL) {
            return ngx_http_debar_download_send(r, dl, in);
        }

        return ends ? ngx_http_debar_download_last(r, dl)
                    : ngx_http_debar_download_push(r, dl, NULL);
    }

    dlcf = ngx_http_get_module_loc_conf(r, ngx_http_debar_module);
    hold = dlcf->tail_hold;

    /* from here on it is held */

    from = dl->length == -1 ? 0 : dl->length - (off_t) hold;

    if (!dl->looking && dl->tail.head == NULL && dl->length != -1
        && dl->seen <= from && !ends)
    {
        return ngx_http_debar_download_send(r, dl, in);
    }

    if (ngx_http_debar_download_take(r, dl, in) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ends) {
        return ngx_http_debar_download_end(r, dl);
    }

    if (dl->looking) {

        if (dl->guessed || dl->streams) {
            rc = ngx_http_debar_download_early(r, dl, &out);

            return out ? ngx_http_debar_download_push(r, dl, out) : rc;
        }

        if (!dl->wait.timer_set) {
            ngx_add_timer(&dl->wait, NGX_HTTP_DEBAR_HEAD_WAIT);
        }

        return NGX_OK;
    }

    if (dl->trickles && !dl->wait.timer_set) {
        ngx_add_timer(&dl->wait, NGX_HTTP_DEBAR_TRICKLE);
    }

    /* the head stays while the whole may still be refused by a page */

    if (dl->length != -1 && from <= 0) {
        return NGX_OK;
    }

    out = ngx_http_debar_tail_take(&dl->tail, dl->length == -1 ? hold
                                   : (size_t) ngx_max(dl->seen - from, 0));
    if (out == NULL) {
        return NGX_OK;
    }

    rc = ngx_http_debar_download_send(r, dl, out);
    ngx_http_debar_tail_sent(r->pool, &dl->tail, out);

    return rc;
}


/*
 * Bytes may go before there are enough of them to say what they are, as long as
 * they are no program by now: there are few, and they are kept to be read with
 * the others.
 */

static ngx_int_t
ngx_http_debar_download_early(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl, ngx_chain_t **out)
{
    u_char       *p;
    ngx_chain_t  *cl;

    *out = NULL;

    if (dl->nfirst == 0) {
        return NGX_OK;
    }

    switch (debar_file_class(debar_file_type(dl->first, dl->nfirst, 1))) {

    case DEBAR_CLASS_PROGRAM:
    case DEBAR_CLASS_PACKAGE:
    case DEBAR_CLASS_ARCHIVE:
        return NGX_OK;

    default:
        break;
    }

    if (dl->pinned || dl->nearly + dl->tail.size > NGX_HTTP_DEBAR_EARLY) {
        return NGX_OK;
    }

    if (dl->early == NULL) {
        dl->early = ngx_palloc(r->pool, NGX_HTTP_DEBAR_EARLY);

        if (dl->early == NULL) {
            return NGX_ERROR;
        }
    }

    p = dl->early + dl->nearly;

    for (cl = dl->tail.head; cl; cl = cl->next) {
        p = ngx_cpymem(p, cl->buf->pos, cl->buf->last - cl->buf->pos);
    }

    dl->nearly = p - dl->early;

    *out = ngx_http_debar_tail_take(&dl->tail, 0);

    return NGX_OK;
}


/* Bytes of the tail that nothing behind them would push out. */

static ngx_int_t
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

static ngx_int_t
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


/* All of it came. */

static ngx_int_t
ngx_http_debar_download_end(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl)
{
    ngx_int_t                   rc;
    ngx_http_debar_loc_conf_t  *dlcf;

    dlcf = ngx_http_get_module_loc_conf(r, ngx_http_debar_module);

    if (dl->wait.timer_set) {
        ngx_del_timer(&dl->wait);
    }

    dl->trickles = 0;

    if (ngx_http_debar_download_filing(r, dl) != NGX_OK) {
        return ngx_http_debar_download_stop(r, dl, 0);
    }

    dl->pending = 1;

    if (dl->inspector) {

        /* nginx keeps a request that has something buffered */

        r->buffered |= NGX_HTTP_DEBAR_BUFFERED;

        ngx_http_debar_inspector_end(dl->inspector, dl->spool.size,
                                     dlcf->inspect_timeout);
        return NGX_AGAIN;
    }

    rc = ngx_http_debar_download_settle(r, dl, dl->bounds, dl->failed);

    if (rc != NGX_OK) {
        return ngx_http_debar_download_stop(r, dl, 0);
    }

    return ngx_http_debar_download_last(r, dl);
}


static void
ngx_http_debar_download_found(void *data, const debar_found_t *found)
{
    size_t                      n;
    ngx_http_debar_download_t  *dl = data;

    if (dl->filing == NULL) {
        return;
    }

    debar_filing_push(dl->filing, found);

    /* for the record */

    if (found->what == DEBAR_FOUND_FILE && found->depth == 0) {
        dl->type = found->type;

        if (found->has_sha256) {
            ngx_memcpy(dl->sha256, found->sha256, 32);
            dl->has_sha256 = 1;
        }
    }

    if (found->what == DEBAR_FOUND_SIGNER && dl->signer[0] == '\0') {
        n = ngx_min(found->organization.len ? found->organization.len
                                            : found->common_name.len,
                    sizeof(dl->signer) - 1);
        ngx_memcpy(dl->signer, found->organization.len
                               ? found->organization.data
                               : found->common_name.data, n);
        dl->signer[n] = '\0';
    }
}


static void
ngx_http_debar_download_done(void *data, ngx_uint_t bounds, const char *failed)
{
    ngx_int_t                   rc;
    ngx_connection_t           *c;
    ngx_http_request_t         *r;
    ngx_http_debar_download_t  *dl = data;

    r = dl->request;
    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    dl->inspector = NULL;
    r->buffered &= ~NGX_HTTP_DEBAR_BUFFERED;

    rc = ngx_http_debar_download_settle(r, dl, bounds | dl->bounds, failed);

    if (rc != NGX_OK) {
        if (ngx_http_debar_download_stop(r, dl, 1) == NGX_ERROR) {
            ngx_http_finalize_request(r, NGX_ERROR);
        }

    } else if (ngx_http_debar_download_last(r, dl) == NGX_ERROR) {
        ngx_http_finalize_request(r, NGX_ERROR);

    } else if (r->write_event_handler) {

        /* whoever waited for what was buffered ends it */

        r->write_event_handler(r);
    }

    ngx_http_run_posted_requests(c);
}


/* The tail, and the end. */

static ngx_int_t
ngx_http_debar_download_last(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl)
{
    ngx_buf_t    *b;
    ngx_chain_t   cl;

    b = ngx_calloc_buf(r->pool);

    if (b == NULL) {
        return NGX_ERROR;
    }

    /* where its origin broke off the client learns so */

    if (dl->broken) {
        b->flush = 1;

    } else {
        b->last_buf = 1;
        b->last_in_chain = 1;
        ngx_http_debar_download_learn(r, dl);
    }

    cl.buf = b;
    cl.next = NULL;

    dl->over = 1;
    ngx_http_debar_download_unspool(dl);

    return ngx_http_debar_download_send(r, dl, &cl);
}


/* A film that was read to its end: parts of it may be asked for. */

static void
ngx_http_debar_download_learn(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl)
{
    if (dl->pinned || !dl->saved || dl->bounds || dl->failed) {
        return;
    }

    switch (debar_file_class(dl->type)) {

    case DEBAR_CLASS_MEDIA:
    case DEBAR_CLASS_TEXT:
    case DEBAR_CLASS_DOCUMENT:
        ngx_http_debar_parts_learn(r);
        break;

    default:
        break;
    }
}


/* --- the verdict ------------------------------------------------------------ */

/* Findings are gathered from here on, by a list that stays. */

static ngx_int_t
ngx_http_debar_download_filing(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl)
{
    debar_list_t                *list;
    debar_verdict_t             *v;
    ngx_http_debar_ctx_t        *ctx;
    ngx_http_debar_loc_conf_t   *dlcf;
    ngx_http_debar_main_conf_t  *mcf;

    dlcf = ngx_http_get_module_loc_conf(r, ngx_http_debar_module);
    mcf = ngx_http_get_module_main_conf(r, ngx_http_debar_module);
    ctx = ngx_http_debar_get_ctx(r);
    v = mcf->scratch;

    dl->hold.lost = ngx_http_debar_download_lost;
    dl->hold.data = dl;
    dl->generation = dlcf->list->generation;

    if (ngx_debar_list_hold(dlcf->list, &dl->hold) != NGX_OK) {
        ctx->refused = NGX_HTTP_SERVICE_UNAVAILABLE;
        return NGX_ERROR;
    }

    list = ngx_debar_list_held(&dl->hold);

    /* what was said of the request counts again where a permit was lent; else
     * it has its line */

    if (dl->pinned) {
        debar_judge(list, &dl->facts, v);

    } else {
        ngx_memzero(v, sizeof(debar_verdict_t));
        ngx_memcpy(&v->host, &ctx->host,
                   offsetof(debar_host_t, name) + ctx->host.len + 1);
        v->port = ctx->resolve.port;
    }

    dl->filing = debar_filing_new(list, &dl->facts, v);

    if (dl->filing == NULL) {
        ngx_debar_list_release(&dl->hold);
        ctx->refused = NGX_HTTP_SERVICE_UNAVAILABLE;
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* NGX_DECLINED: it is refused. */

static ngx_int_t
ngx_http_debar_download_settle(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl, ngx_uint_t bounds, const char *failed)
{
    ngx_int_t                    rc;
    debar_found_t                found;
    debar_verdict_t             *v;
    debar_filing_policy_t        policy;
    ngx_http_debar_loc_conf_t   *dlcf;
    ngx_http_debar_main_conf_t  *mcf;

    dlcf = ngx_http_get_module_loc_conf(r, ngx_http_debar_module);
    mcf = ngx_http_get_module_main_conf(r, ngx_http_debar_module);
    v = mcf->scratch;

    if (dl->filing == NULL) {
        ngx_http_debar_unjudged(&dl->facts, v);
        v->verdict = DEBAR_REJECT;
        v->fault = "lists changed too often while the file was read";

    } else {
        bounds |= dl->lied ? DEBAR_FILE_CODED : 0;

        if (failed && !dl->has_sha256) {

            /* what is not read is known by its first bytes */

            ngx_memzero(&found, sizeof(debar_found_t));
            found.what = DEBAR_FOUND_FILE;
            found.type = dl->type;
            debar_filing_push(dl->filing, &found);
        }

        policy.failed = dlcf->on_failed;
        policy.sealed = dlcf->on_sealed;
        policy.unread = dlcf->on_unread;

        debar_filing_finish(dl->filing, bounds, failed, &policy, v);
        debar_filing_free(dl->filing);
        dl->filing = NULL;
    }

    rc = NGX_OK;

    if (v->verdict != DEBAR_PASS || v->nevidence || v->fault) {
        dl->judging = 1;
        rc = ngx_http_debar_late(r, v);
        dl->judging = (rc != NGX_OK);
    }

    if (rc == NGX_OK) {
        ngx_debar_list_release(&dl->hold);
    }

    return rc;
}


void
ngx_http_debar_download_content(ngx_http_debar_download_t *dl,
    debar_record_content_t *content)
{
    if (dl->seen == 0) {
        return;
    }

    content->type = debar_file_type_name(dl->type);
    content->size = dl->seen;
    content->sha256 = dl->has_sha256 ? dl->sha256 : NULL;
    content->signer = debar_str(dl->signer, ngx_strlen(dl->signer));
    content->name = debar_str((char *) dl->name.data, dl->name.len);
}


/* By a page, or where its head has gone out by no more of it. */

static ngx_int_t
ngx_http_debar_download_stop(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl, ngx_uint_t event)
{
    ngx_http_debar_download_unspool(dl);

    if (dl->wait.timer_set) {
        ngx_del_timer(&dl->wait);
    }

    dl->tail.head = NULL;
    dl->refused = 1;

    if (!dl->head) {
        ngx_http_debar_cut(r, ngx_http_debar_get_ctx(r));
        return NGX_ERROR;
    }

    /* whoever runs the filters may end the request as he pleases */

    if (!event) {
        r->main->count++;
    }

    ngx_post_event(&dl->refuse, &ngx_posted_events);

    return NGX_OK;
}


static void
ngx_http_debar_download_refuse(ngx_event_t *ev)
{
    ngx_http_debar_refusal_t    rf;
    ngx_http_debar_download_t  *dl = ev->data;

    dl->over = 1;

    ngx_memzero(&rf, sizeof(ngx_http_debar_refusal_t));
    ngx_http_debar_late_page(dl->request, &rf);
}


/*
 * Nothing came for a while.  A head does not wait longer for its first bytes,
 * nor they for more of them.  Bytes that nobody knows and that have no end may be messages which somebody
 * waits for: those go on, and what they were is judged when they end.
 */

static void
ngx_http_debar_download_waited(ngx_event_t *ev)
{
    ngx_int_t                   rc;
    ngx_chain_t                *out;
    ngx_connection_t           *c;
    ngx_http_request_t         *r;
    ngx_http_debar_download_t  *dl = ev->data;

    r = dl->request;
    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    if (dl->over || dl->refused || dl->pending) {
        return;
    }

    rc = NGX_OK;
    out = NULL;

    if (dl->looking && dl->seen) {
        dl->guessed = 1;
        rc = ngx_http_debar_download_early(r, dl, &out);

    } else if (dl->trickles) {
        out = ngx_http_debar_tail_take(&dl->tail, 0);
    }

    if (rc == NGX_OK) {
        if (out == NULL && (dl->seen || !dl->head)) {
            return;
        }

        rc = ngx_http_debar_download_push(r, dl, out);
    }

    if (rc == NGX_ERROR) {
        ngx_http_finalize_request(r, NGX_ERROR);
    }

    ngx_http_run_posted_requests(c);
}


static void
ngx_http_debar_download_lost(void *data)
{
    ngx_http_debar_download_t  *dl = data;

    if (dl->filing) {
        debar_filing_free(dl->filing);
        dl->filing = NULL;
    }
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
