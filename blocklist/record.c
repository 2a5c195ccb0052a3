/*
 * Lines of the audit log: JSON without a library, since a worker writes them
 * into a fixed buffer on the way of a request.
 */

#include <stdio.h>
#include <stdarg.h>

#include "judge_private.h"
#include "record.h"


/* Longest value of a key; what is longer ends in "...". */

#define DEBAR_MAX_URL     2048
#define DEBAR_MAX_FIELD    512
#define DEBAR_MAX_VALUE    160    /* of one evidence: the line always fits */


typedef struct {
    char    *data;
    size_t   len;
    size_t   size;
    int      first;
} debar_line_t;


static void
debar_raw(debar_line_t *l, const char *p, size_t len)
{
    if (len > l->size - l->len) {
        len = l->size - l->len;
    }

    memcpy(l->data + l->len, p, len);
    l->len += len;
}


static void
debar_lit(debar_line_t *l, const char *s)
{
    debar_raw(l, s, strlen(s));
}


/* Bytes of one well-formed UTF-8 character at p, or 0 (RFC 3629). */

static size_t
debar_utf8(const unsigned char *p, size_t len)
{
    size_t  i, n;

    if (p[0] < 0x80) {
        return 1;
    }

    n = p[0] >= 0xc2 && p[0] <= 0xdf ? 2
        : p[0] >= 0xe0 && p[0] <= 0xef ? 3
        : p[0] >= 0xf0 && p[0] <= 0xf4 ? 4 : 0;

    if (n == 0 || n > len
        || (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f)
        || (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
    {
        return 0;
    }

    for (i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
    }

    return n;
}


static void
debar_text(debar_line_t *l, const char *data, size_t len, size_t max)
{
    char                  esc[8];
    size_t                i, n, from;
    const unsigned char  *p = (const unsigned char *) data;

    debar_lit(l, "\"");
    from = l->len;

    for (i = 0; i < len; i += n) {

        if (l->len - from >= max) {
            debar_lit(l, "...");
            break;
        }

        n = debar_utf8(p + i, len - i);

        if (n == 0) {
            debar_lit(l, "\\ufffd");
            n = 1;

        } else if (p[i] == '"' || p[i] == '\\') {
            esc[0] = '\\';
            esc[1] = p[i];
            debar_raw(l, esc, 2);

        } else if (p[i] < 0x20 || p[i] == 0x7f) {
            snprintf(esc, sizeof(esc), "\\u%04x", p[i]);
            debar_lit(l, esc);

        } else {
            debar_raw(l, data + i, n);
        }
    }

    debar_lit(l, "\"");
}


static void
debar_key(debar_line_t *l, const char *key)
{
    debar_lit(l, l->first ? "{\"" : ",\"");
    debar_lit(l, key);
    debar_lit(l, "\":");
    l->first = 0;
}


static void
debar_member(debar_line_t *l, const char *key, debar_str_t s, size_t max)
{
    if (s.len != 0) {
        debar_key(l, key);
        debar_text(l, s.data, s.len, max);
    }
}


static void
debar_member_z(debar_line_t *l, const char *key, const char *s)
{
    if (s != NULL) {
        debar_member(l, key, debar_str(s, strlen(s)), DEBAR_MAX_FIELD);
    }
}


static void
debar_member_u(debar_line_t *l, const char *key, uint64_t n)
{
    char  num[24];

    debar_key(l, key);
    snprintf(num, sizeof(num), "%llu", (unsigned long long) n);
    debar_lit(l, num);
}


void
debar_record_time(char out[25], int64_t msec)
{
    time_t     t;
    struct tm  tm;

    t = msec / 1000;
    gmtime_r(&t, &tm);

    /* a year of five digits would not fit, nor be true */

    snprintf(out, 25, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
             (unsigned) (tm.tm_year + 1900) % 10000,
             (unsigned) (tm.tm_mon + 1) % 100, (unsigned) tm.tm_mday % 100,
             (unsigned) tm.tm_hour % 100, (unsigned) tm.tm_min % 100,
             (unsigned) tm.tm_sec % 100, (unsigned) (msec % 1000) % 1000);
}


/* Words in the name of a query key that make its value a secret. */

static const char  *debar_secrets[] = {
    "password", "passwd", "pwd", "token", "secret", "apikey", "api-key",
    "api_key", "accesskey", "access-key", "access_key", "session", "sessid",
    "signature", "credential", "auth", "code", "assertion", "jwt", "sig",
};


static int
debar_secret_key(const char *key, size_t len)
{
    size_t       i, n, p;
    const char  *s;

    for (i = 0; i < sizeof(debar_secrets) / sizeof(debar_secrets[0]); i++) {
        s = debar_secrets[i];
        n = strlen(s);

        /* short ones only as a whole, or "postcode" would be one */

        if (n <= 4) {
            if (len == n && strncasecmp(key, s, n) == 0) {
                return 1;
            }

            continue;
        }

        for (p = 0; p + n <= len; p++) {
            if (strncasecmp(key + p, s, n) == 0) {
                return 1;
            }
        }
    }

    return len == 3 && strncasecmp(key, "key", 3) == 0;
}


static size_t
debar_put(char *out, size_t size, size_t n, const char *p, size_t len)
{
    if (n < size) {
        memcpy(out + n, p, len < size - n ? len : size - n);
    }

    return n + len;
}


size_t
debar_record_mask_url(char *out, size_t size, const char *url, size_t len)
{
    char          plain[64];
    size_t        n, i, k, eq, kn, auth, at, slash;
    unsigned      flags, rounds;

    /* userinfo: what stands before the last "@" of the authority */

    n = 0;
    i = 0;

    for (auth = 0; auth + 2 < len; auth++) {
        if (memcmp(url + auth, "://", 3) == 0) {
            auth += 3;
            break;
        }

        if (url[auth] == '/' || url[auth] == '?') {
            auth = len;
        }
    }

    if (auth + 2 < len) {
        at = 0;

        for (slash = auth; slash < len && url[slash] != '/'
                           && url[slash] != '?' && url[slash] != '#'; slash++)
        {
            if (url[slash] == '@') {
                at = slash;
            }
        }

        if (at != 0) {
            n = debar_put(out, size, n, url, auth);
            n = debar_put(out, size, n, "***", 3);
            i = at;
        }
    }

    while (i < len) {

        /* up to the end of the next delimiter of pairs */

        for (k = i; k < len && url[k] != '?' && url[k] != '&'; k++) {
            /* void */
        }

        if (k == len) {
            n = debar_put(out, size, n, url + i, len - i);
            break;
        }

        n = debar_put(out, size, n, url + i, k + 1 - i);
        i = k + 1;

        for (eq = i; eq < len && url[eq] != '=' && url[eq] != '&'; eq++) {
            /* void */
        }

        if (eq == len || url[eq] == '&') {
            continue;
        }

        flags = 0;
        kn = debar_text_decode(plain, sizeof(plain), url + i, eq - i, 1, &flags,
                               &rounds);

        if (!debar_secret_key(plain, kn)) {
            continue;
        }

        n = debar_put(out, size, n, url + i, eq + 1 - i);

        for (k = eq + 1; k < len && url[k] != '&' && url[k] != '#'; k++) {
            /* void */
        }

        if (k != eq + 1) {
            n = debar_put(out, size, n, "***", 3);
        }

        i = k;
    }

    return n < size ? n : size;
}


static void
debar_record_head(debar_line_t *l, const debar_record_t *r)
{
    char  time[25];

    debar_record_time(time, r->msec);

    debar_member_z(l, "time", time);
    debar_member_z(l, "incident", r->incident);
}


static void
debar_record_upstream(debar_line_t *l, const debar_record_t *r)
{
    int  outer;

    if (r->upstream.len == 0) {
        return;
    }

    debar_key(l, "upstream");

    outer = l->first;
    l->first = 1;

    debar_member(l, "addr", r->upstream, DEBAR_MAX_FIELD);

    if (r->asn) {
        debar_member_u(l, "asn", r->asn);
    }

    debar_member(l, "country", r->country, 8);
    debar_lit(l, "}");

    l->first = outer;
}


static void
debar_record_evidence(debar_line_t *l, const debar_verdict_t *v)
{
    unsigned                 i;
    const debar_evidence_t  *ev;

    if (v->nevidence == 0) {
        return;
    }

    debar_key(l, "evidence");
    debar_lit(l, "[");

    for (i = 0; i < v->nevidence; i++) {
        ev = &v->evidence[i];

        debar_lit(l, i ? ",{" : "{");
        debar_lit(l, "\"kind\":\"");
        debar_lit(l, debar_kind_name(ev->kind));
        debar_lit(l, "\"");
        debar_member(l, "value", debar_str(ev->value, strlen(ev->value)),
                     DEBAR_MAX_VALUE);
        debar_member_z(l, "where", ev->where);
        debar_member_u(l, "offset", ev->offset);
        debar_lit(l, "}");
    }

    debar_lit(l, "]");
}


static void
debar_record_list(debar_line_t *l, debar_list_t *list,
    const debar_verdict_t *v)
{
    unsigned     i, n;
    debar_str_t  s;

    debar_member(l, "vendor", debar_list_entry_id(list, v->entry),
                 DEBAR_MAX_FIELD);
    debar_member(l, "product", debar_list_product_name(list, v->product),
                 DEBAR_MAX_FIELD);

    if (v->authorities) {
        debar_key(l, "authorities");

        for (i = 0, n = 0; i < DEBAR_MAX_AUTHORITIES; i++) {
            if (v->authorities >> i & 1) {
                s = debar_list_authority_id(list, i);
                debar_lit(l, n++ ? "," : "[");
                debar_text(l, s.data, s.len, DEBAR_MAX_FIELD);
            }
        }

        debar_lit(l, "]");
    }
}


/* What came, where it was looked at as a file. */

static void
debar_record_content(debar_line_t *l, const debar_record_content_t *c)
{
    int       outer;
    char      hex[65];
    unsigned  i;

    static const char  digits[] = "0123456789abcdef";

    if (c->type == NULL) {
        return;
    }

    debar_key(l, "content");

    outer = l->first;
    l->first = 1;

    debar_member_z(l, "type", c->type);
    debar_member_u(l, "size", c->size);

    if (c->sha256) {
        for (i = 0; i < 32; i++) {
            hex[2 * i] = digits[c->sha256[i] >> 4];
            hex[2 * i + 1] = digits[c->sha256[i] & 15];
        }

        debar_member(l, "sha256", debar_str(hex, 64), 64);
    }

    debar_member(l, "signer", c->signer, DEBAR_MAX_FIELD);
    debar_member(l, "name", c->name, DEBAR_MAX_FIELD);
    debar_lit(l, "}");

    l->first = outer;
}


size_t
debar_record_line(char *out, size_t size, const debar_record_t *r,
    debar_list_t *list, const debar_verdict_t *v)
{
    char                          url[DEBAR_MAX_URL * 2];
    size_t                        n;
    debar_line_t                  l;
    const debar_snapshot_meta_t  *meta;

    l.data = out;
    l.len = 0;
    l.size = size - 2;            /* "}\n" */
    l.first = 1;

    debar_record_head(&l, r);
    debar_member(&l, "gateway", r->gateway, DEBAR_MAX_FIELD);
    debar_member(&l, "surface", r->surface, DEBAR_MAX_FIELD);
    debar_member(&l, "client", r->client, DEBAR_MAX_FIELD);
    debar_member(&l, "user", r->user, DEBAR_MAX_FIELD);
    debar_member(&l, "method", r->method, 64);

    n = debar_record_mask_url(url, sizeof(url), r->url.data, r->url.len);
    debar_member(&l, "url", debar_str(url, n), DEBAR_MAX_URL);

    debar_member_z(&l, "activity", debar_activity_name(v->activity));
    debar_member_z(&l, "verdict", debar_action_name(v->verdict));
    debar_member(&l, "mode", r->mode, 16);
    debar_member_z(&l, "fault", debar_verdict_fault(v));

    if (list != NULL) {
        debar_record_list(&l, list, v);
        debar_record_evidence(&l, v);
        debar_member(&l, "permit", debar_list_permit_why(list, v->permit),
                     DEBAR_MAX_FIELD);
        debar_member(&l, "waiver", debar_list_waiver_id(list, v->waiver),
                     DEBAR_MAX_FIELD);

        meta = debar_list_meta(list);

        debar_key(&l, "list");
        l.first = 1;
        debar_member_u(&l, "serial", meta->serial);
        debar_member_z(&l, "digest", meta->digest);
        debar_lit(&l, "}");
        l.first = 0;
    }

    debar_record_upstream(&l, r);
    debar_record_content(&l, &r->content);
    debar_member_u(&l, "took_us", r->took_us);

    out[l.len++] = '}';
    out[l.len++] = '\n';

    return l.len;
}


size_t
debar_record_outcome(char *out, size_t size, const debar_record_t *r,
    unsigned status, uint64_t bytes)
{
    debar_line_t  l;

    l.data = out;
    l.len = 0;
    l.size = size - 2;
    l.first = 1;

    debar_record_head(&l, r);
    debar_member_u(&l, "status", status);
    debar_member_u(&l, "bytes", bytes);
    debar_record_upstream(&l, r);

    out[l.len++] = '}';
    out[l.len++] = '\n';

    return l.len;
}


size_t
debar_record_event(char *out, size_t size, int64_t msec, debar_str_t gateway,
    const char *event, const char *state, debar_str_t by, debar_str_t reason,
    time_t until)
{
    char          text[25];
    debar_line_t  l;

    l.data = out;
    l.len = 0;
    l.size = size - 2;
    l.first = 1;

    debar_record_time(text, msec);
    debar_member_z(&l, "time", text);
    debar_member(&l, "gateway", gateway, DEBAR_MAX_FIELD);
    debar_member_z(&l, "event", event);
    debar_member_z(&l, "state", state);
    debar_member(&l, "by", by, DEBAR_MAX_FIELD);
    debar_member(&l, "reason", reason, DEBAR_MAX_FIELD * 2);

    if (until) {
        debar_record_time(text, (int64_t) until * 1000);
        debar_member_z(&l, "until", text);
    }

    out[l.len++] = '}';
    out[l.len++] = '\n';

    return l.len;
}
