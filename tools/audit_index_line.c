/*
 * A line of the audit log as the index takes it: its words, and its text.
 */

#include <ctype.h>
#include <stdlib.h>
#include <unistd.h>

#include "access_log.h"
#include "audit_index.h"
#include "host.h"


static int debar_index_word(debar_index_line_t *l, unsigned kind,
    const char *data, size_t len);
static int debar_index_member(debar_index_line_t *l, unsigned kind,
    const char *name);
static int debar_index_hosts(debar_index_line_t *l, const char *url,
    size_t len);
static void debar_index_say(debar_index_line_t *l, const json_t *value);
static void debar_index_decode(debar_index_line_t *l, const char *data,
    size_t len);
static int debar_index_decision(debar_index_line_t *l);


int
debar_index_line(debar_index_line_t *l, const char *data, size_t len)
{
    int64_t       time;
    json_t       *v;
    const char   *s;

    json_decref(l->json);
    l->json = NULL;
    l->nwords = 0;
    l->text.len = 0;
    l->status = -1;
    l->bytes = -1;
    l->incident = 0;

    if (len < 2 || data[0] != '{' || data[len - 1] != '}') {
        return DEBAR_DECLINED;
    }

    l->json = json_loadb(data, len, JSON_ALLOW_NUL, NULL);

    if (!json_is_object(l->json)) {
        return DEBAR_DECLINED;
    }

    v = json_object_get(l->json, "time");
    time = debar_index_time(json_string_value(v), json_string_length(v));
    l->time = time > 0 ? time : 0;

    v = json_object_get(l->json, "incident");
    s = json_string_value(v);

    if (s && debar_index_incident(&l->incident, s, json_string_length(v))
             != DEBAR_OK)
    {
        l->incident = 0;
    }

    v = json_object_get(l->json, "status");

    if (json_object_get(l->json, "verdict") == NULL && json_is_integer(v)) {
        l->kind = DEBAR_LINE_OUTCOME;
        l->status = json_integer_value(v);
        v = json_object_get(l->json, "bytes");
        l->bytes = json_is_integer(v) ? json_integer_value(v) : -1;

        return DEBAR_OK;
    }

    l->kind = json_object_get(l->json, "event") ? DEBAR_LINE_EVENT
                                                : DEBAR_LINE_DECISION;

    return debar_index_decision(l);
}


/* What it is found by: words that are compared whole, and text. */

static int
debar_index_decision(debar_index_line_t *l)
{
    size_t       i;
    json_t      *v, *e;

    static const char *const  said[] = {
        "product", "user", "fault", "permit", "waiver", "by", "reason"
    };
    static const char *const  of_content[] = { "name", "signer", "sha256" };

    v = json_object_get(l->json, "url");

    if (json_is_string(v)) {
        if (debar_index_hosts(l, json_string_value(v), json_string_length(v))
            != DEBAR_OK)
        {
            return DEBAR_ERROR;
        }

        debar_index_say(l, v);
        debar_index_decode(l, json_string_value(v), json_string_length(v));
    }

    if (debar_index_member(l, DEBAR_WORD_USER, "user") != DEBAR_OK
        || debar_index_member(l, DEBAR_WORD_CLIENT, "client") != DEBAR_OK
        || debar_index_member(l, DEBAR_WORD_VENDOR, "vendor") != DEBAR_OK
        || debar_index_member(l, DEBAR_WORD_PRODUCT, "product") != DEBAR_OK
        || debar_index_member(l, DEBAR_WORD_ACTIVITY, "activity") != DEBAR_OK
        || debar_index_member(l, DEBAR_WORD_VERDICT, "verdict") != DEBAR_OK
        || debar_index_member(l, DEBAR_WORD_SURFACE, "surface") != DEBAR_OK
        || debar_index_member(l, DEBAR_WORD_EVENT, "event") != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    json_array_foreach(json_object_get(l->json, "authorities"), i, v) {
        if (json_is_string(v)
            && debar_index_word(l, DEBAR_WORD_AUTHORITY, json_string_value(v),
                                json_string_length(v)) != DEBAR_OK)
        {
            return DEBAR_ERROR;
        }
    }

    json_array_foreach(json_object_get(l->json, "evidence"), i, e) {
        debar_index_say(l, json_object_get(e, "value"));
        debar_index_say(l, json_object_get(e, "where"));
    }

    for (i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
        debar_index_say(l, json_object_get(l->json, said[i]));
    }

    e = json_object_get(l->json, "content");

    for (i = 0; i < sizeof(of_content) / sizeof(of_content[0]); i++) {
        debar_index_say(l, json_object_get(e, of_content[i]));
    }

    return DEBAR_OK;
}


void
debar_index_line_free(debar_index_line_t *l)
{
    json_decref(l->json);
    free(l->words);
    debar_buf_free(&l->text);
    memset(l, 0, sizeof(*l));
}


size_t
debar_index_fold(char out[DEBAR_INDEX_WORD], const char *data, size_t len)
{
    size_t  i;

    len = len < DEBAR_INDEX_WORD ? len : DEBAR_INDEX_WORD - 1;

    for (i = 0; i < len; i++) {
        out[i] = data[i] >= 'A' && data[i] <= 'Z' ? (char) (data[i] + 32)
                                                  : data[i];
    }

    out[len] = '\0';

    return len;
}


size_t
debar_index_host(char out[DEBAR_INDEX_WORD], const char *url, size_t len)
{
    size_t        i, end, from;
    const char   *p, *why;
    debar_host_t  h;

    from = 0;

    for (i = 0; i + 2 < len && i < 16; i++) {
        if (memcmp(url + i, "://", 3) == 0) {
            from = i + 3;
            break;
        }

        if (!isalnum((unsigned char) url[i])) {
            break;
        }
    }

    for (end = from; end < len && url[end] != '/' && url[end] != '?'
                     && url[end] != '#'; end++)
    {
        if (url[end] == '@') {
            from = end + 1;
        }
    }

    /* a port is what stands behind the last colon, outside of brackets */

    p = memrchr(url + from, ':', end - from);

    if (p && memchr(p, ']', (size_t) (url + end - p)) == NULL) {
        end = (size_t) (p - url);
    }

    if (end == from) {
        return 0;
    }

    if (debar_host_parse(&h, url + from, end - from, 0, &why) == DEBAR_OK) {
        return debar_index_fold(out, h.name, h.len);
    }

    return debar_index_fold(out, url + from, end - from);
}


size_t
debar_index_client(char out[DEBAR_INDEX_WORD], const char *data, size_t len)
{
    const char  *p;

    p = memrchr(data, ':', len);

    /* of an IPv6 address without brackets nothing is a port */

    if (p && memchr(p, ']', (size_t) (data + len - p)) == NULL
        && (data[0] == '[' || memchr(data, ':', len) == p))
    {
        len = (size_t) (p - data);
    }

    if (len > 1 && data[0] == '[' && data[len - 1] == ']') {
        data++;
        len -= 2;
    }

    return debar_index_fold(out, data, len);
}


int
debar_index_incident(uint64_t *n, const char *data, size_t len)
{
    size_t       i;
    const char  *d;

    static const char  digits[] = "0123456789abcdef";

    *n = 0;

    if (len == 0 || len > 32) {
        return DEBAR_ERROR;
    }

    for (i = 0; i < 15 || i < len; i++) {

        d = i < len ? memchr(digits, tolower((unsigned char) data[i]), 16)
                    : digits;

        if (d == NULL) {
            return DEBAR_ERROR;
        }

        if (i < 15) {
            *n = *n << 4 | (uint64_t) (d - digits);
        }
    }

    return DEBAR_OK;
}


int64_t
debar_index_time(const char *data, size_t len)
{
    int64_t  t, ms;
    size_t   i;

    if (data == NULL || len < 20) {
        return -1;
    }

    t = debar_access_time(data, len);

    if (t < 0 || t > 253402300799) {
        return -1;
    }

    ms = 0;

    if (data[19] == '.') {
        for (i = 20; i < 23; i++) {
            ms = ms * 10 + (i < len && isdigit((unsigned char) data[i])
                            ? data[i] - '0' : 0);
        }
    }

    return t * 1000 + ms;
}


static int
debar_index_word(debar_index_line_t *l, unsigned kind, const char *data,
    size_t len)
{
    void                *words;
    debar_index_word_t  *w;

    if (len == 0) {
        return DEBAR_OK;
    }

    if (l->nwords == l->room) {
        words = realloc(l->words, (l->room + 32) * sizeof(*l->words));

        if (words == NULL) {
            return DEBAR_ERROR;
        }

        l->words = words;
        l->room += 32;
    }

    w = &l->words[l->nwords++];
    w->kind = kind;
    w->len = kind == DEBAR_WORD_CLIENT ? debar_index_client(w->text, data, len)
                                       : debar_index_fold(w->text, data, len);

    return DEBAR_OK;
}


static int
debar_index_member(debar_index_line_t *l, unsigned kind, const char *name)
{
    json_t  *v;

    v = json_object_get(l->json, name);

    return json_is_string(v) ? debar_index_word(l, kind, json_string_value(v),
                                                json_string_length(v))
                             : DEBAR_OK;
}


/* A host, and the names above it, as one asks for all below a name. */

static int
debar_index_hosts(debar_index_line_t *l, const char *url, size_t len)
{
    char          host[DEBAR_INDEX_WORD];
    size_t        n, i, labels;
    const char   *why;
    debar_host_t  h;

    n = debar_index_host(host, url, len);

    if (n == 0) {
        return DEBAR_OK;
    }

    if (debar_index_word(l, DEBAR_WORD_HOST, host, n) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    if (debar_host_parse(&h, host, n, DEBAR_HOST_BARE, &why) != DEBAR_OK
        || h.type != DEBAR_HOST_NAME)
    {
        return DEBAR_OK;
    }

    for (i = n, labels = 1; i-- > 1 && labels <= DEBAR_INDEX_LABELS; /* */ ) {

        if (host[i] != '.') {
            continue;
        }

        if (labels++ > 1
            && debar_index_word(l, DEBAR_WORD_HOST, host + i + 1, n - i - 1)
               != DEBAR_OK)
        {
            return DEBAR_ERROR;
        }
    }

    return DEBAR_OK;
}


static void
debar_index_say(debar_index_line_t *l, const json_t *value)
{
    size_t       i, len, from;
    const char  *s;

    s = json_string_value(value);

    if (s == NULL) {
        return;
    }

    len = json_string_length(value);
    from = l->text.len;
    debar_buf_add(&l->text, s, len);
    debar_buf_add(&l->text, "\n", 1);

    for (i = from; i < from + len; i++) {
        if (l->text.data[i] == '\0') {
            l->text.data[i] = ' ';
        }
    }
}


/* An url with its escapes undone, if it has some. */

static void
debar_index_decode(debar_index_line_t *l, const char *data, size_t len)
{
    char      c;
    size_t    i;
    unsigned  n;

    if (memchr(data, '%', len) == NULL) {
        return;
    }

    for (i = 0; i < len; i++) {
        c = data[i];

        if (c == '%' && i + 2 < len && isxdigit((unsigned char) data[i + 1])
            && isxdigit((unsigned char) data[i + 2])
            && sscanf(data + i + 1, "%2x", &n) == 1)
        {
            c = (char) n;
            i += 2;
        }

        c = c == '+' || (unsigned char) c < 0x20 ? ' ' : c;
        debar_buf_add(&l->text, &c, 1);
    }

    debar_buf_add(&l->text, "\n", 1);
}
