/*
 * What a request says, for the engine: its bytes as they came.
 */

#include "ngx_http_debar.h"


static void ngx_http_debar_facts_hosts(ngx_http_request_t *r,
    debar_facts_t *f);
static void ngx_http_debar_facts_fields(ngx_http_request_t *r,
    debar_facts_t *f);
static void ngx_http_debar_facts_client(ngx_http_request_t *r,
    debar_facts_t *f);


void
ngx_http_debar_facts(ngx_http_request_t *r, debar_facts_t *f)
{
    ngx_str_t                  *user;
    ngx_http_debar_ctx_t       *ctx;
    ngx_http_variable_value_t  *vv;
    ngx_http_debar_loc_conf_t  *dlcf;

    ctx = ngx_http_get_module_ctx(r, ngx_http_debar_module);

    ngx_memzero(f, sizeof(debar_facts_t));

    f->method = debar_str((char *) r->method_name.data, r->method_name.len);
    f->target = debar_str((char *) r->unparsed_uri.data, r->unparsed_uri.len);
    f->scheme = debar_str("", 0);
    f->referer = debar_str("", 0);
    f->user = debar_str("", 0);
    f->connect = ngx_http_debar_is_connect(r);

    if (f->connect) {
        f->target = debar_str("", 0);    /* nginx makes a "/" of it */
    }

    f->now = ngx_time();

    if (r->schema_start && r->schema_end) {
        f->scheme = debar_str((char *) r->schema_start,
                              r->schema_end - r->schema_start);

    } else if (r->schema.len) {

        /* ":scheme" of HTTP/2 and HTTP/3 */

        f->scheme = debar_str((char *) r->schema.data, r->schema.len);

    } else if (ctx && ctx->front
               && ctx->front->kind == NGX_DEBAR_FRONT_INSPECTED)
    {
        f->scheme = debar_str("https", 5);
    }

    if (r->headers_in.referer) {
        f->referer = debar_str((char *) r->headers_in.referer->value.data,
                               r->headers_in.referer->value.len);
    }

    dlcf = ngx_http_get_module_loc_conf(r, ngx_http_debar_module);
    f->filing = dlcf->download;

    user = ngx_http_debar_verified(r);

    if (user) {
        f->user = debar_str((char *) user->data, user->len);

    } else if (dlcf->user_verified) {
        vv = ngx_http_get_indexed_variable(r, dlcf->user);

        if (vv && !vv->not_found) {
            f->user = debar_str((char *) vv->data, vv->len);
        }
    }

    ngx_http_debar_facts_hosts(r, f);
    ngx_http_debar_facts_fields(r, f);
    ngx_http_debar_facts_client(r, f);
}


/* What else counts, where it is there: most requests have a cookie at most. */

static void
ngx_http_debar_facts_fields(ngx_http_request_t *r, debar_facts_t *f)
{
    ngx_str_t               value;
    ngx_uint_t              cookies;
    ngx_table_elt_t        *h;
    ngx_http_debar_walk_t   w;

    cookies = 0;
    f->cookie = debar_str("", 0);
    f->original_url = debar_str("", 0);

    ngx_http_debar_walk(&w, &r->headers_in.headers);

    while ((h = ngx_http_debar_walk_next(&w)) != NULL) {
        if (ngx_http_debar_field_is(h, "cookie")) {

            if (cookies++ == 0) {
                f->cookie = debar_str((char *) h->value.data, h->value.len);

            } else if (cookies == 2
                       && ngx_http_debar_field(r, "cookie", "; ", &value)
                          == NGX_OK)
            {
                f->cookie = debar_str((char *) value.data, value.len);
            }

        } else if (f->original_url.len == 0
                   && (ngx_http_debar_field_is(h, "x-original-url")
                       || ngx_http_debar_field_is(h, "x-rewrite-url")))
        {
            f->original_url = debar_str((char *) h->value.data, h->value.len);
        }
    }
}


ngx_int_t
ngx_http_debar_field(ngx_http_request_t *r, const char *name,
    const char *joint, ngx_str_t *value)
{
    u_char                 *p;
    size_t                  len, jlen, size;
    ngx_uint_t              n;
    ngx_table_elt_t        *h;
    ngx_http_debar_walk_t   w;

    len = ngx_strlen(name);
    jlen = ngx_strlen(joint);
    p = NULL;

    ngx_str_null(value);

    /* once to see how much there is, and where that is more than one again */

again:

    n = 0;
    size = 0;
    ngx_http_debar_walk(&w, &r->headers_in.headers);

    while ((h = ngx_http_debar_walk_next(&w)) != NULL) {
        if (h->key.len != len
            || ngx_strncmp(h->lowcase_key, name, len) != 0)
        {
            continue;
        }

        if (n++ == 0 && p == NULL) {
            *value = h->value;
        }

        if (p) {
            if (n > 1) {
                p = ngx_cpymem(p, joint, jlen);
            }

            p = ngx_cpymem(p, h->value.data, h->value.len);
        }

        size += jlen + h->value.len;
    }

    if (p || n < 2) {
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, size);
    if (p == NULL) {
        return NGX_ERROR;
    }

    value->data = p;
    value->len = size - jlen;

    goto again;
}


/*
 * The authority as its bytes came: nginx keeps only what it read from them,
 * and 1.22 does not remember where the port is.  There is one Host at most:
 * nginx refuses a request with two, which is then judged in the log phase.
 */

static void
ngx_http_debar_facts_hosts(ngx_http_request_t *r, debar_facts_t *f)
{
    ngx_table_elt_t  *h;

    f->authority.data = NULL;
    f->authority.len = 0;
    f->nhosts = 0;
    f->more_hosts = 0;

    if (r->host_start && r->host_end) {
        f->authority = debar_str((char *) r->host_start,
                                 ngx_http_debar_host_end(r) - r->host_start);
    }

    h = r->headers_in.host;

    if (h) {
        f->hosts[0] = debar_str((char *) h->value.data, h->value.len);
        f->nhosts = 1;
    }
}


/*
 * Behind the port of a request line's authority.  That of HTTP/2 and HTTP/3 is
 * whole as it is, and stands elsewhere.
 */

u_char *
ngx_http_debar_host_end(ngx_http_request_t *r)
{
    u_char  *p, *last;

    p = r->host_end;
    last = r->request_line.data + r->request_line.len;

    if (p < r->request_line.data || p >= last || *p != ':') {
        return p;
    }

    do {
        p++;
    } while (p < last && *p >= '0' && *p <= '9');

    return p;
}


static void
ngx_http_debar_facts_client(ngx_http_request_t *r, debar_facts_t *f)
{
    f->has_client = ngx_debar_addr(f->client, r->connection->sockaddr);
}


/* What debar_judge() would say with an empty list. */

void
ngx_http_debar_unjudged(const debar_facts_t *f, debar_verdict_t *v)
{
    debar_str_t              s;
    debar_authority_parts_t  a;

    ngx_memzero(v, sizeof(debar_verdict_t));

    v->entry = DEBAR_NONE;
    v->product = DEBAR_NONE;
    v->permit = DEBAR_NONE;
    v->waiver = DEBAR_NONE;
    v->verdict = DEBAR_REJECT;

    s = f->authority.data ? f->authority : f->hosts[0];

    if (f->authority.data == NULL && f->nhosts == 0) {
        v->fault = "no Host field";
        return;
    }

    if (f->nhosts > 1 || f->more_hosts
        || (f->nhosts
            && (f->hosts[0].len != s.len
                || ngx_memcmp(f->hosts[0].data, s.data, s.len) != 0)))
    {
        v->fault = "Host and authority disagree";
        return;
    }

    debar_authority_parse(&a, s.data, s.len);

    if (a.fault || a.n == 0) {
        v->fault = a.fault ? a.fault : "no host in the authority";
        return;
    }

    v->verdict = DEBAR_PASS;
    v->host = a.readings[0];
    v->port = a.port;
}
