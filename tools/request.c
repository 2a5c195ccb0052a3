/*
 * A URL, a method and header fields to the facts that the gateway would have
 * of them (RFC 9112 s.3.2: absolute-form, and authority-form for CONNECT).
 */

#include "tools.h"
#include "url.h"


static int debar_request_is(debar_str_t s, const char *text);
static int debar_request_connect(debar_request_t *rq, const char **why);


int
debar_verdict_exit(unsigned verdict)
{
    switch (verdict) {
    case DEBAR_PASS:
        return 0;
    case DEBAR_LOG:
        return 10;
    case DEBAR_BLOCK:
        return 20;
    default:
        return 30;
    }
}


void
debar_request_header(debar_request_t *rq, const char *name, size_t nlen,
    const char *value, size_t vlen)
{
    debar_str_t     n, v;
    debar_facts_t  *f = &rq->facts;

    n = debar_str(name, nlen);

    /* optional white space around a value is not part of it: RFC 9110 s.5.5 */

    while (vlen && (*value == ' ' || *value == '\t')) {
        value++;
        vlen--;
    }

    while (vlen && (value[vlen - 1] == ' ' || value[vlen - 1] == '\t')) {
        vlen--;
    }

    v = debar_str(value, vlen);

    if (debar_request_is(n, "host")) {
        rq->no_host = 1;

        if (f->nhosts < DEBAR_MAX_HOST_FIELDS) {
            f->hosts[f->nhosts++] = v;

        } else {
            f->more_hosts = 1;
        }

    } else if (debar_request_is(n, "referer")) {
        f->referer = v;

    } else if (debar_request_is(n, "cookie")) {
        if (rq->cookies.len) {
            debar_buf_add(&rq->cookies, "; ", 2);
        }

        debar_buf_add(&rq->cookies, v.data, v.len);
        f->cookie = debar_str(rq->cookies.data, rq->cookies.len);

    } else if (debar_request_is(n, "x-original-url")
               || debar_request_is(n, "x-rewrite-url"))
    {
        f->original_url = v;

    } else if (debar_request_is(n, "content-type")) {
        rq->content_type = v;

    } else if (debar_request_is(n, "content-encoding")) {
        rq->content_encoding = v;

    } else if (debar_request_is(n, "content-disposition")) {
        rq->content_disposition = v;
    }
}


static int
debar_request_is(debar_str_t s, const char *text)
{
    return s.len == strlen(text) && strncasecmp(s.data, text, s.len) == 0;
}


int
debar_request_finish(debar_request_t *rq, const char **why)
{
    const char         *from, *end, *fragment;
    debar_facts_t      *f = &rq->facts;
    debar_url_parts_t   parts;

    if (rq->url_len == 0) {
        *why = "an empty URL";
        return DEBAR_ERROR;
    }

    if (rq->method == NULL) {
        rq->method = rq->body ? "POST" : "GET";
    }

    f->method = debar_str(rq->method, strlen(rq->method));

    if (strcmp(rq->method, "CONNECT") == 0) {
        return debar_request_connect(rq, why);
    }

    end = rq->url + rq->url_len;

    if (rq->url[0] == '/') {

        /* origin-form: only a Host field tells where to */

        if (f->nhosts == 0) {
            *why = "a path needs a Host: give -H 'Host: NAME', or a whole URL";
            return DEBAR_ERROR;
        }

        from = rq->url;

    } else {
        debar_url_split(&parts, rq->url, rq->url_len);

        if (parts.authority.len) {
            f->scheme = parts.scheme;

        } else {

            /* "www.example.com/path", as people write it */

            debar_buf_printf(&rq->connect, "http://%.*s", (int) rq->url_len,
                             rq->url);
            end = rq->connect.data + rq->connect.len;
            debar_url_split(&parts, rq->connect.data, rq->connect.len);
            f->scheme = parts.scheme;
        }

        if (parts.authority.len == 0) {
            *why = "no host in the URL: http://HOST/PATH is wanted";
            return DEBAR_ERROR;
        }

        f->authority = parts.authority;
        from = parts.authority.data + parts.authority.len;

        if (!rq->no_host) {
            f->hosts[f->nhosts++] = parts.authority;
        }
    }

    /* a client keeps the fragment to itself */

    fragment = memchr(from, '#', (size_t) (end - from));
    if (fragment) {
        end = fragment;
    }

    if (from == end || *from != '/') {
        debar_buf_add(&rq->target, "/", 1);
    }

    debar_buf_add(&rq->target, from, (size_t) (end - from));
    f->target = debar_str(rq->target.data, rq->target.len);

    return DEBAR_OK;
}


static int
debar_request_connect(debar_request_t *rq, const char **why)
{
    debar_str_t         authority;
    debar_facts_t      *f = &rq->facts;
    debar_url_parts_t   parts;

    authority = debar_str(rq->url, rq->url_len);

    if (memmem(rq->url, rq->url_len, "://", 3)) {
        debar_url_split(&parts, rq->url, rq->url_len);
        authority = parts.authority;

        if (authority.len == 0) {
            *why = "no host in the URL: HOST:PORT is wanted for CONNECT";
            return DEBAR_ERROR;
        }

        debar_buf_add(&rq->connect, authority.data, authority.len);

        if (memchr(authority.data, ':', authority.len) == NULL) {
            debar_buf_printf(&rq->connect, ":%s",
                             debar_request_is(parts.scheme, "http") ? "80"
                                                                    : "443");
        }

        authority = debar_str(rq->connect.data, rq->connect.len);

    } else if (memchr(rq->url, ':', rq->url_len) == NULL) {
        debar_buf_printf(&rq->connect, "%.*s:443", (int) rq->url_len, rq->url);
        authority = debar_str(rq->connect.data, rq->connect.len);
    }

    f->connect = 1;
    f->authority = authority;

    if (!rq->no_host) {
        f->hosts[f->nhosts++] = authority;
    }

    return DEBAR_OK;
}


void
debar_request_free(debar_request_t *rq)
{
    debar_buf_free(&rq->content);
    debar_buf_free(&rq->cookies);
    debar_buf_free(&rq->target);
    debar_buf_free(&rq->connect);
}


void
debar_judge_request(debar_list_t *list, const debar_request_t *rq,
    const debar_dialled_t *to, debar_verdict_t *v)
{
    debar_judge(list, &rq->facts, v);

    if (to->set && (v->verdict == DEBAR_PASS || v->verdict == DEBAR_LOG)) {
        debar_judge_address(list, &rq->facts, v, to->addr, to->asn,
                            to->country);
    }
}
