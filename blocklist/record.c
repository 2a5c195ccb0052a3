/*
 * Lines of the audit log: JSON without a library, since a worker writes them
 * into a fixed buffer on the way of a request.
 */

#include <ctype.h>

#include "judge_private.h"
#include "record.h"


/* Longest value of a key; what is longer ends in "...". */

#define DEBAR_MAX_URL     2048
#define DEBAR_MAX_FIELD    512
#define DEBAR_MAX_VALUE    160    /* of one evidence: the line always fits */


static const debar_privacy_t  debar_record_plain;


typedef struct {
    char    *data;
    size_t   len;
    size_t   size;
    int      first;
} debar_line_t;


static inline void
debar_raw(debar_line_t *l, const char *p, size_t len)
{
    if (len > l->size - l->len) {
        len = l->size - l->len;
    }

    memcpy(l->data + l->len, p, len);
    l->len += len;
}


/* What is known as it is compiled is copied without a call. */

#define debar_lit(l, s)  debar_raw(l, "" s, sizeof(s) - 1)


static void
debar_line_z(debar_line_t *l, const char *s)
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


/*
 * How many bytes go as they came: ASCII without control bytes, DEL, quotes and
 * backslashes.  Eight at a time; one with its high bit set in m ends the run.
 */

#define DEBAR_EACH(c)  (0x0101010101010101ULL * (c))
#define debar_has_zero(w)  (((w) - DEBAR_EACH(0x01)) & ~(w))

static size_t
debar_text_plain(const char *p, size_t len)
{
    size_t         i;
    uint64_t       w, m;
    unsigned char  c;

    for (i = 0; len - i >= 8; i += 8) {
        memcpy(&w, p + i, 8);

        m = (w | (w - DEBAR_EACH(0x20))
             | debar_has_zero(w ^ DEBAR_EACH('"'))
             | debar_has_zero(w ^ DEBAR_EACH('\\'))
             | debar_has_zero(w ^ DEBAR_EACH(0x7f)))
            & DEBAR_EACH(0x80);

        if (m) {
            break;
        }
    }

    for ( /* void */ ; i < len; i++) {
        c = (unsigned char) p[i];

        if (c < 0x20 || c > 0x7e || c == '"' || c == '\\') {
            break;
        }
    }

    return i;
}


static void
debar_text_escaped(debar_line_t *l, unsigned char c)
{
    char  esc[6];

    static const char  digits[] = "0123456789abcdef";

    if (c == '"' || c == '\\') {
        esc[0] = '\\';
        esc[1] = (char) c;
        debar_raw(l, esc, 2);
        return;
    }

    memcpy(esc, "\\u00", 4);
    esc[4] = digits[c >> 4];
    esc[5] = digits[c & 15];
    debar_raw(l, esc, 6);
}


static void
debar_text(debar_line_t *l, const char *data, size_t len, size_t max)
{
    size_t                i, n, from;
    const unsigned char  *p = (const unsigned char *) data;

    debar_lit(l, "\"");
    from = l->len;

    for (i = 0; i < len; i += n) {

        if (l->len - from >= max) {
            debar_lit(l, "...");
            break;
        }

        n = max - (l->len - from);
        n = debar_text_plain(data + i, len - i < n ? len - i : n);

        if (n) {
            debar_raw(l, data + i, n);
            continue;
        }

        n = debar_utf8(p + i, len - i);

        if (n == 0) {
            debar_lit(l, "\\ufffd");
            n = 1;

        } else if (n == 1) {
            debar_text_escaped(l, p[i]);

        } else {
            debar_raw(l, data + i, n);
        }
    }

    debar_lit(l, "\"");
}


/* Keys are literals. */

#define debar_key(l, key)                                                     \
    do {                                                                      \
        if ((l)->first) {                                                     \
            debar_lit(l, "{\"" key "\":");                                    \
                                                                              \
        } else {                                                              \
            debar_lit(l, ",\"" key "\":");                                    \
        }                                                                     \
                                                                              \
        (l)->first = 0;                                                       \
    } while (0)

#define debar_member(l, key, s, max)                                          \
    do {                                                                      \
        debar_str_t  text_ = (s);                                             \
                                                                              \
        if (text_.len != 0) {                                                 \
            debar_key(l, key);                                                \
            debar_text(l, text_.data, text_.len, max);                        \
        }                                                                     \
    } while (0)

/* A word of ours needs no look for what must be escaped. */

#define debar_member_word(l, key, s)                                          \
    do {                                                                      \
        const char  *z_ = (s);                                                \
                                                                              \
        if (z_ != NULL && *z_ != '\0') {                                      \
            debar_key(l, key);                                                \
            debar_lit(l, "\"");                                               \
            debar_line_z(l, z_);                                              \
            debar_lit(l, "\"");                                               \
        }                                                                     \
    } while (0)

#define debar_member_z(l, key, s)                                             \
    do {                                                                      \
        const char  *z_ = (s);                                                \
                                                                              \
        if (z_ != NULL) {                                                     \
            debar_member(l, key, debar_str(z_, strlen(z_)), DEBAR_MAX_FIELD); \
        }                                                                     \
    } while (0)

#define debar_member_u(l, key, n)                                             \
    do {                                                                      \
        debar_key(l, key);                                                    \
        debar_number(l, n);                                                   \
    } while (0)


static void
debar_number(debar_line_t *l, uint64_t n)
{
    char    num[20];
    size_t  i;

    i = sizeof(num);

    do {
        num[--i] = (char) ('0' + n % 10);
        n /= 10;
    } while (n);

    debar_raw(l, num + i, sizeof(num) - i);
}


static void
debar_record_digits(char *out, unsigned width, unsigned n)
{
    while (width--) {
        out[width] = (char) ('0' + n % 10);
        n /= 10;
    }
}


/*
 * A line a request: gmtime() and printf() would be a tenth of what it costs.
 * Days to a date of the Gregorian calendar by years that begin in March.
 */

void
debar_record_time(char out[25], int64_t msec)
{
    int64_t   days;
    unsigned  ms, era, day, year, month;

    days = msec / 86400000;
    ms = (unsigned) (msec % 86400000 + 86400000) % 86400000;
    days -= msec % 86400000 < 0;

    /* years of four digits: what is outside would not fit, nor be true */

    if (days < -719162 || days > 2932896) {
        days = 0;
        ms = 0;
    }

    day = (unsigned) (days + 719468);              /* since 0000-03-01 */
    era = day / 146097;
    day %= 146097;
    year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    day -= 365 * year + year / 4 - year / 100;
    year += era * 400;
    month = (5 * day + 2) / 153;
    day -= (153 * month + 2) / 5;
    month += month < 10 ? 3 : -9;
    year += month <= 2;

    memcpy(out, "0000-00-00T00:00:00.000Z", 25);

    debar_record_digits(out, 4, year);
    debar_record_digits(out + 5, 2, month);
    debar_record_digits(out + 8, 2, day + 1);
    debar_record_digits(out + 11, 2, ms / 3600000);
    debar_record_digits(out + 14, 2, ms / 60000 % 60);
    debar_record_digits(out + 17, 2, ms / 1000 % 60);
    debar_record_digits(out + 20, 3, ms % 1000);
}


size_t
debar_record_mask_url(char *out, size_t size, const char *url, size_t len)
{
    return debar_mask(out, size, url, len, 1);
}


static void
debar_record_person(debar_line_t *l, const debar_record_t *r)
{
    char         client[DEBAR_PERSON_TEXT], user[DEBAR_PERSON_TEXT];
    debar_str_t  s;

    s = r->client;

    if (s.len && r->privacy->client != DEBAR_PERSON_PLAIN) {
        s = debar_person_addr(s);
        s = r->privacy->client == DEBAR_PERSON_HASH
            ? debar_person_hash(r->privacy->client_hash, client, s)
            : debar_person_net(client, s);
    }

    debar_member(l, "client", s, DEBAR_MAX_FIELD);

    s = r->user;

    if (s.len && r->privacy->user == DEBAR_PERSON_HASH) {
        s = debar_person_hash(r->privacy->user_hash, user, s);
    }

    debar_member(l, "user", s, DEBAR_MAX_FIELD);
}


/* Where the request is for: what "none" keeps nothing of. */

static int
debar_record_of_url(const char *where)
{
    size_t  i, n;

    static const char  *const places[] = {
        "host", "authority", "path", "query", "url", "target", "original",
        "referer", "fragment"
    };

    for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        n = strlen(places[i]);

        if (strncmp(where, places[i], n) == 0
            && !isalnum((unsigned char) where[n]))
        {
            return 1;
        }
    }

    return 0;
}


static void
debar_record_url(debar_line_t *l, const debar_record_t *r, debar_str_t url)
{
    char    text[DEBAR_MAX_URL * 4];
    size_t  n;

    if (url.len > DEBAR_MAX_URL * 2) {
        url.len = DEBAR_MAX_URL * 2;
    }

    n = debar_mask_url(text, sizeof(text), url.data, url.len, r->privacy->url);
    debar_member(l, "url", debar_str(text, n), DEBAR_MAX_URL);
}


static void
debar_record_head(debar_line_t *l, const debar_record_t *r)
{
    char  time[25];

    debar_record_time(time, r->msec);

    debar_member_word(l, "time", time);
    debar_member_word(l, "incident", r->incident);
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


/* Values are the list's words, but a pattern's are those of the request. */

static void
debar_record_evidence_one(debar_line_t *l, const debar_record_t *r,
    const debar_evidence_t *ev)
{
    char         text[DEBAR_VALUE * 4];
    size_t       n;
    unsigned     of_url;
    debar_str_t  where;

    where = debar_str(ev->where, strlen(ev->where));
    of_url = debar_record_of_url(ev->where);

    debar_lit(l, "{\"kind\":\"");
    debar_line_z(l, debar_kind_name(ev->kind));
    debar_lit(l, "\"");

    if (of_url && r->privacy->url == DEBAR_URL_NONE) {
        where.len = strcspn(ev->where, ":");

    } else {
        n = debar_mask(text, sizeof(text), ev->value, strlen(ev->value),
                       ev->kind == DEBAR_KIND_URL);
        debar_member(l, "value", debar_str(text, n), DEBAR_MAX_VALUE);
    }

    debar_member(l, "where", where, DEBAR_MAX_FIELD);
    debar_member_u(l, "offset", ev->offset);

    if (ev->rule != DEBAR_NONE && ev->floor) {
        debar_lit(l, ",\"activity\":\"");
        debar_line_z(l, debar_activity_name(ev->floor));
        debar_lit(l, "\"");
    }

    debar_lit(l, "}");
}


static void
debar_record_evidence(debar_line_t *l, const debar_record_t *r,
    const debar_verdict_t *v)
{
    unsigned  i;

    if (v->nevidence == 0) {
        return;
    }

    debar_key(l, "evidence");
    debar_lit(l, "[");

    for (i = 0; i < v->nevidence; i++) {
        debar_raw(l, ",", i != 0);
        debar_record_evidence_one(l, r, &v->evidence[i]);
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
                debar_raw(l, n++ ? "," : "[", 1);
                debar_text(l, s.data, s.len, DEBAR_MAX_FIELD);
            }
        }

        debar_lit(l, "]");
    }
}


/* What came, where it was looked at as a file. */

static void
debar_record_content(debar_line_t *l, const debar_record_content_t *c,
    const debar_privacy_t *privacy)
{
    int       outer;
    char      hex[65], name[DEBAR_MAX_FIELD * 4];
    size_t    n;
    unsigned  i;

    static const char  digits[] = "0123456789abcdef";

    if (c->type == NULL) {
        return;
    }

    debar_key(l, "content");

    outer = l->first;
    l->first = 1;

    debar_member_word(l, "type", c->type);
    debar_member_u(l, "size", c->size);

    if (c->sha256) {
        for (i = 0; i < 32; i++) {
            hex[2 * i] = digits[c->sha256[i] >> 4];
            hex[2 * i + 1] = digits[c->sha256[i] & 15];
        }

        debar_member(l, "sha256", debar_str(hex, 64), 64);
    }

    debar_member(l, "signer", c->signer, DEBAR_MAX_FIELD);

    /* it is often the end of a path */

    if (privacy->url < DEBAR_URL_EVIDENCE) {
        n = debar_mask(name, sizeof(name), c->name.data,
                       c->name.len < DEBAR_MAX_FIELD * 2 ? c->name.len
                                                         : DEBAR_MAX_FIELD * 2,
                       0);
        debar_member(l, "name", debar_str(name, n), DEBAR_MAX_FIELD);
    }

    debar_lit(l, "}");

    l->first = outer;
}


size_t
debar_record_line(char *out, size_t size, const debar_record_t *given,
    debar_list_t *list, const debar_verdict_t *v)
{
    debar_line_t                  l;
    debar_record_t                plain;
    const debar_record_t         *r;
    const debar_snapshot_meta_t  *meta;

    r = given;

    if (given->privacy == NULL) {
        plain = *given;
        plain.privacy = &debar_record_plain;
        r = &plain;
    }

    l.data = out;
    l.len = 0;
    l.size = size - 2;            /* "}\n" */
    l.first = 1;

    debar_record_head(&l, r);
    debar_member(&l, "gateway", r->gateway, DEBAR_MAX_FIELD);
    debar_member(&l, "surface", r->surface, DEBAR_MAX_FIELD);
    debar_record_person(&l, r);
    debar_member(&l, "method", r->method, 64);
    debar_record_url(&l, r, r->url);

    debar_member_word(&l, "activity", debar_activity_name(v->activity));
    debar_member_word(&l, "verdict", debar_action_name(v->verdict));
    debar_member(&l, "mode", r->mode, 16);
    debar_member_z(&l, "fault", debar_verdict_fault(v));

    if (list != NULL) {
        debar_record_list(&l, list, v);
        debar_record_evidence(&l, r, v);
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
    debar_record_content(&l, &r->content, r->privacy);
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
    debar_member_word(&l, "time", text);
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
