/*
 * Requests inside of a body: OData and others send several as the parts of one,
 * and what each does and names counts as if it were sent by itself.
 */

#include "judge_private.h"
#include "body_private.h"


static int
debar_request_named(debar_str_t name, const char *const *words, size_t n)
{
    size_t  i;

    for (i = 0; i < n; i++) {
        if (name.len == strlen(words[i])
            && strncasecmp(name.data, words[i], name.len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


/* Of JSON only what says that it is a batch: logs have such members, too. */

static int
debar_request_batch(const debar_peel_event_t *ev)
{
    size_t       i, n, len;
    const char  *path = ev->path;

    static const char *const  names[] = {
        "requests", "batch", "batchRequests", "subrequests", "operations"
    };

    /* "requests[2]/method" */

    len = strlen(path);

    while (len && path[len - 1] != '/') {
        len--;
    }

    if (len < 3 || path[len - 2] != ']') {
        return 0;
    }

    for (len -= 2; len && path[len] != '['; len--) { /* void */ }

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        n = strlen(names[i]);

        if (len >= n && strncasecmp(path + len - n, names[i], n) == 0
            && (len == n || strchr("/:", path[len - n - 1])))
        {
            return 1;
        }
    }

    return 0;
}


int
debar_request_event(debar_request_t *r, const debar_peel_event_t *ev)
{
    unsigned  method, url;

    static const char *const  methods[] = { "method", "@method" };
    static const char *const  urls[] = {
        "url", "@url", "uri", "relative_url", "relativeUrl", "path"
    };

    if (ev->event == DEBAR_PEEL_END && ev->depth < r->depth) {
        r->nmethod = 0;
        r->nurl = 0;
    }

    if (ev->event != DEBAR_PEEL_VALUE || ev->name.len < 3) {
        return DEBAR_DECLINED;
    }

    if (ev->syntax == DEBAR_SYNTAX_MULTIPART) {

        if (ev->name.data[0] != '@') {
            return DEBAR_DECLINED;
        }

    } else if (ev->syntax != DEBAR_SYNTAX_JSON) {
        return DEBAR_DECLINED;
    }

    method = debar_request_named(ev->name, methods, 2);
    url = !method && debar_request_named(ev->name, urls,
                                         sizeof(urls) / sizeof(urls[0]));

    if ((!method && !url)
        || (ev->syntax == DEBAR_SYNTAX_JSON && !debar_request_batch(ev)))
    {
        return DEBAR_DECLINED;
    }

    if (r->depth != ev->depth) {
        r->depth = ev->depth;
        r->nmethod = 0;
        r->nurl = 0;
    }

    if (method && ev->value.len <= sizeof(r->method)) {
        memcpy(r->method, ev->value.data, ev->value.len);
        r->nmethod = ev->value.len;
    }

    if (url && ev->value.len && ev->value.len < sizeof(r->url)) {
        r->url[0] = '/';
        r->nurl = ev->value.data[0] != '/';
        memcpy(r->url + r->nurl, ev->value.data, ev->value.len);
        r->nurl += ev->value.len;
    }

    return r->nmethod && r->nurl ? DEBAR_OK : DEBAR_DECLINED;
}


void
debar_request_judge(debar_list_t *list, const debar_facts_t *f,
    const debar_host_t *host, const debar_request_t *r,
    debar_verdict_t *found)
{
    size_t         i;
    unsigned       slashes;
    debar_facts_t  inner;

    debar_verdict_init(found);

    inner = *f;
    inner.method = debar_str(r->method, r->nmethod);
    inner.target = debar_str(r->url, r->nurl);
    inner.form = debar_str(NULL, 0);

    /* of an absolute one what stands behind its host, which is a mention */

    if (r->nurl > 9 && strncasecmp(r->url, "/http", 5) == 0) {
        for (i = 0, slashes = 0; i < r->nurl; i++) {
            slashes += r->url[i] == '/';

            if (slashes == 4) {
                break;
            }
        }

        inner.target = i < r->nurl ? debar_str(r->url + i, r->nurl - i)
                                   : debar_str("/", 1);
    }

    debar_activity(list, found, &inner, host);
    debar_match_url(list, found, NULL, inner.target);
}
