/*
 * Fields of a request that say what is bought where its URL and body do not:
 * the product page that a cart's call came from, a cart that is kept in a
 * cookie, the URL that a server behind a rewriting one is given; and values of
 * the query that are encodings or documents.
 */

#include "body.h"
#include "judge_private.h"
#include "peel_private.h"


#define DEBAR_MAX_COOKIES      64
#define DEBAR_COOKIE_BYTES  16384


/* Both are of one channel that has hosts: one store. */

static int
debar_same_store(debar_list_t *list, const debar_verdict_t *a,
    const debar_verdict_t *b)
{
    size_t       i;
    debar_str_t  s;

    if (a->channel_len != b->channel_len || a->channel_len == 0
        || memcmp(a->channel, b->channel, a->channel_len) != 0)
    {
        return 0;
    }

    for (i = 0; i < list->nrecipes; i++) {
        s = debar_list_text(list, list->recipes[i].channel);

        if (list->recipes[i].nhosts != 0 && s.len == a->channel_len
            && memcmp(s.data, a->channel, s.len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


static int
debar_step_is(const debar_verdict_t *v, const char *step)
{
    return v->step_len == strlen(step)
           && memcmp(v->step, step, v->step_len) == 0;
}


/* --- Referer -------------------------------------------------------------- */

static int
debar_referer_url(const debar_facts_t *f, debar_host_t *host,
    debar_str_t *path)
{
    const char               *p, *end;
    debar_url_parts_t         u;
    debar_authority_parts_t   a;

    p = f->referer.data;
    end = p + f->referer.len;

    if (end - p > 8 && strncasecmp(p, "https://", 8) == 0) {
        p += 8;

    } else if (end - p > 7 && strncasecmp(p, "http://", 7) == 0) {
        p += 7;

    } else {
        return DEBAR_DECLINED;
    }

    path->data = p;

    while (path->data < end && *path->data != '/' && *path->data != '?'
           && *path->data != '#')
    {
        path->data++;
    }

    debar_authority_parse(&a, p, path->data - p);

    if (a.n == 0) {
        return DEBAR_DECLINED;
    }

    *host = a.readings[0];

    debar_url_split(&u, path->data, end - path->data);
    *path = u.path;

    return path->len > 1 ? DEBAR_OK : DEBAR_DECLINED;
}


/*
 * A cart's call often bears nothing but a number of the store's own, and so does
 * what a site of downloads hands out; the product page before it has the name in
 * its path.  Its query is what somebody looked for, and no evidence.
 */

static void
debar_judge_referer(debar_list_t *list, const debar_facts_t *f,
    debar_verdict_t *v)
{
    size_t           n;
    unsigned         flags, rounds;
    debar_str_t      path;
    debar_host_t     host;
    debar_facts_t    from;
    debar_verdict_t  page;

    if (debar_referer_url(f, &host, &path) != DEBAR_OK
        || debar_target_nothing(list, path))
    {
        return;
    }

    if (v->channel == NULL) {
        debar_activity(list, v, f, v->host.len ? &v->host : NULL);
    }

    if (!(v->activity == DEBAR_ACQUIRE && debar_step_is(v, "cart"))
        && !(v->activity == DEBAR_DOWNLOAD
             && (debar_step_is(v, "mirror") || debar_step_is(v, "package"))))
    {
        return;
    }

    from = *f;
    from.method = debar_str("GET", 3);
    from.target = path;
    debar_verdict_init(&page);
    debar_activity(list, &page, &from, &host);

    if (page.activity != DEBAR_BROWSE || !debar_step_is(&page, "product")
        || (!debar_same_store(list, v, &page)
            && (host.len != v->host.len
                || memcmp(host.name, v->host.name, host.len) != 0)))
    {
        return;
    }

    flags = 0;
    n = debar_text_decode(list->decoded, sizeof(list->decoded), path.data,
                          path.len, 0, &flags, &rounds);

    debar_match_text(list, v, "referer", list->decoded, n, DEBAR_ROLE_OTHER,
                     DEBAR_BLOCK);
}


/* --- X-Original-URL ------------------------------------------------------- */

/* Some servers take such a field for the target that they were asked for; most
 * do not know it, so what it says is recorded at most. */

static void
debar_judge_original(debar_list_t *list, const debar_facts_t *f,
    debar_verdict_t *v)
{
    char               where[DEBAR_WHERE];
    unsigned           i, before;
    debar_facts_t      other;
    debar_verdict_t    found;
    debar_evidence_t  *ev;

    if (debar_target_nothing(list, f->original_url)) {
        return;
    }

    debar_verdict_init(&found);
    debar_match_url(list, &found, v->host.len ? &v->host : NULL,
                    f->original_url);

    if (found.nevidence == 0 && !found.cut) {
        return;
    }

    before = v->nevidence;
    v->cut |= found.cut;

    if (before == 0 && v->channel == NULL) {
        debar_activity(list, v, f, v->host.len ? &v->host : NULL);
    }

    other = *f;
    other.target = f->original_url;
    debar_activity(list, &found, &other, v->host.len ? &v->host : NULL);

    if (found.activity > v->activity) {
        v->activity = found.activity;
        v->step = found.step;
        v->step_len = found.step_len;
        v->channel = found.channel;
        v->channel_len = found.channel_len;
    }

    for (i = 0; i < found.nevidence; i++) {
        ev = &found.evidence[i];

        debar_where(where, "original-url/", debar_str(NULL, 0), "");
        strncat(where, ev->where, DEBAR_WHERE - 1 - strlen(where));

        debar_evidence_add(list, v, ev->rule, where, ev->value,
                           strlen(ev->value), ev->offset,
                           ev->cap < DEBAR_LOG ? ev->cap : DEBAR_LOG);
    }
}


/* --- values of the query --------------------------------------------------- */

/*
 * Most values are words and numbers; one that could be hex or base64 begins
 * with characters that decode to text.  By bytes that were not decoded: a value
 * with a percent sign is looked at whole.
 */

static int
debar_text_byte(int c)
{
    return (c >= 0x20 && c < 0x7f) || c == '\t' || c == '\r' || c == '\n'
           || c >= 0xc2;
}


int
debar_value_may_be_more(const char *p, size_t len)
{
    int     a, b, bits, hex, base64;
    size_t  i;

    if (len < DEBAR_VALUE_MORE) {
        return 0;
    }

    if (p[0] == '{' || p[0] == '[' || p[0] == '<' || p[0] == '"'
        || memcmp(p, "mutation", 8) == 0)
    {
        return 1;
    }

    for (i = 0, hex = 1, base64 = 1, bits = 0; i < DEBAR_VALUE_MORE; i++) {

        if (p[i] == '%') {
            return 1;
        }

        if (i % 2) {
            a = debar_hex_digit((uint8_t) p[i - 1]);
            b = debar_hex_digit((uint8_t) p[i]);
            hex &= a >= 0 && b >= 0 && debar_text_byte(a << 4 | b);
        }

        a = debar_base64_digit((uint8_t) p[i]);
        base64 &= a >= 0;
        bits = bits << 6 | (a & 63);

        if (i % 4 == 3) {
            base64 &= debar_text_byte(bits >> 16 & 255)
                      && debar_text_byte(bits >> 8 & 255)
                      && debar_text_byte(bits & 255);
            bits = 0;
        }
    }

    return hex || base64;
}


/* Where a target could be longer than is looked at, so much of it. */

static debar_str_t
debar_facts_query(const debar_facts_t *f)
{
    const char  *p;
    size_t       len;

    len = f->target.len < DEBAR_MAX_TARGET ? f->target.len : DEBAR_MAX_TARGET;
    p = len ? memchr(f->target.data, '?', len) : NULL;

    return p ? debar_str(p + 1, len - (p + 1 - f->target.data))
             : debar_str(NULL, 0);
}


static void
debar_judge_query(debar_list_t *list, const debar_facts_t *f,
    debar_verdict_t *v)
{
    size_t               pos;
    unsigned             n;
    debar_str_t          query, key, value;
    debar_body_t        *b;
    debar_peel_input_t   in;

    query = debar_facts_query(f);
    b = NULL;
    pos = 0;

    for (n = 0; n < DEBAR_MAX_PAIRS; n++) {

        if (query.len == 0
            || debar_url_pair(query.data, query.len, &pos, &key, &value)
               != DEBAR_OK)
        {
            break;
        }

        if (value.data == NULL
            || !debar_value_may_be_more(value.data, value.len))
        {
            continue;
        }

        if (b == NULL) {
            memset(&in, 0, sizeof(in));
            in.name = debar_str("query", 5);
            in.syntax = DEBAR_SYNTAX_FORM;

            b = debar_body_fields(list, f, v, &in);

            if (b == NULL) {
                return;
            }
        }

        (void) debar_body_push(b, key.data, value.data + value.len - key.data);
        (void) debar_body_push(b, "&", 1);
    }

    if (b != NULL) {
        debar_body_finish(b, v);
        debar_body_free(b);
    }
}


/* --- Cookie --------------------------------------------------------------- */

static int
debar_cookie_is_cart(debar_list_t *list, const char *p, size_t len)
{
    char           name[64];
    size_t         i, n;
    unsigned char  c;

    for (i = 0, n = 0; i < len && n < sizeof(name); i++) {
        c = p[i];
        c = c >= 'A' && c <= 'Z' ? c | 0x20 : c;

        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c >= 0x80) {
            name[n++] = c;
        }
    }

    return debar_word(list, DEBAR_WORD_COOKIE, name, n) != NULL;
}


/* The carts among the cookies, judged as a body is. */

static void
debar_judge_cookie(debar_list_t *list, const debar_facts_t *f,
    debar_verdict_t *v)
{
    unsigned             n;
    const char          *p, *end, *pair, *eq;
    debar_body_t        *b;
    debar_peel_input_t   in;

    b = NULL;
    p = f->cookie.data;
    end = p + (f->cookie.len < DEBAR_COOKIE_BYTES ? f->cookie.len
                                                  : DEBAR_COOKIE_BYTES);

    for (n = 0; p < end && n < DEBAR_MAX_COOKIES; n++) {

        while (p < end && (*p == ' ' || *p == ';')) {
            p++;
        }

        pair = p;

        while (p < end && *p != ';') {
            p++;
        }

        eq = memchr(pair, '=', p - pair);

        if (eq == NULL || !debar_cookie_is_cart(list, pair, eq - pair)) {
            continue;
        }

        if (b == NULL) {
            memset(&in, 0, sizeof(in));
            in.name = debar_str("cookie", 6);
            in.syntax = DEBAR_SYNTAX_COOKIE;

            b = debar_body_fields(list, f, v, &in);

            if (b == NULL) {
                return;
            }
        }

        (void) debar_body_push(b, pair, p - pair);
        (void) debar_body_push(b, "; ", 2);
    }

    if (b != NULL) {
        debar_body_finish(b, v);
        debar_body_free(b);
    }
}


void
debar_judge_fields(debar_list_t *list, const debar_facts_t *f,
    debar_verdict_t *v, unsigned looked)
{
    unsigned  cut;

    if (f->connect) {
        return;
    }

    cut = v->cut;

    if (f->referer.len != 0) {
        debar_judge_referer(list, f, v);
    }

    if (f->original_url.len != 0) {
        debar_judge_original(list, f, v);
    }

    if (v->fresh || v->cut != cut) {
        debar_settle(list, f, v);
    }

    if (looked) {
        debar_judge_query(list, f, v);
    }

    if (f->cookie.len != 0) {
        debar_judge_cookie(list, f, v);
    }
}
