/*
 * Carts in answers: see response.h.  What is found here is only where one may
 * begin; whether it is one is for the judge to say.
 */

#include <ctype.h>
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>

#include "judge_private.h"
#include "peel_private.h"
#include "redirect.h"
#include "response.h"
#include "unpack.h"


#define DEBAR_RESPONSE_NAMES    16       /* that begin documents */
#define DEBAR_RESPONSE_BEGIN    262144   /* first bytes kept of XML and JSON */
#define DEBAR_RESPONSE_EARLY    4096     /* of a tag, before it has ended */
#define DEBAR_RESPONSE_AREA     1024     /* of a textarea */
#define DEBAR_RESPONSE_VALUE    1024     /* of a value that is looked at */
#define DEBAR_RESPONSE_LEAST    64       /* shorter ones hold no document */
#define DEBAR_RESPONSE_ROUNDS   4        /* encodings of it that are undone */
#define DEBAR_RESPONSE_LEADS    16       /* refreshes that are judged */

/* Expansion that is looked into: as in peel.h, past 1 MiB. */

#define DEBAR_RESPONSE_FREE     (1u << 20)
#define DEBAR_RESPONSE_RATIO    100
#define DEBAR_RESPONSE_MOST     (64u << 20)

typedef enum {
    DEBAR_PAGE_UNKNOWN = 0,
    DEBAR_PAGE_MARKUP,            /* controls of forms */
    DEBAR_PAGE_DATA,              /* XML, JSON: names and strings */
    DEBAR_PAGE_OTHER              /* nothing that is looked at */
} debar_page_e;

typedef enum {
    DEBAR_PAGE_TEXT = 0,
    DEBAR_PAGE_OPEN,              /* behind "<" */
    DEBAR_PAGE_NAME,              /* of an element */
    DEBAR_PAGE_TAG,               /* behind it, to its ">" */
    DEBAR_PAGE_CLOSE,             /* "</", "<!", "<?": likewise */
    DEBAR_PAGE_MARKED,            /* "<!-", which may begin a comment */
    DEBAR_PAGE_COMMENT,
    DEBAR_PAGE_RAW,               /* script, style: to their end */
    DEBAR_PAGE_AREA               /* the first bytes of a textarea */
} debar_page_state_e;

/* Elements that say where a page leads, not what it holds. */

#define DEBAR_PAGE_LEADS  2

struct debar_response_s {
    debar_list_t              *list;
    const debar_facts_t       *facts;
    debar_body_t              *body;      /* NULL: no cart so far */
    debar_verdict_t           *leads;     /* where it does is listed */
    debar_unpack_t            *unpack;
    const debar_peel_limits_t *limits;
    debar_peel_input_t         in;
    debar_body_trace_t         trace;
    debar_host_t               host;
    unsigned                   port;
    size_t                     held;

    uint64_t                   taken;
    uint64_t                   made;
    const char                *fault;     /* a bound */
    unsigned                   enough;
    unsigned                   page;
    unsigned                   html;
    unsigned                   labelled;  /* as something that is read */
    unsigned                   shown;     /* as a page, if it is one */
    unsigned                   wide;      /* of two bytes a character */
    unsigned                   nleads;
    debar_buf_t                base;      /* what its references begin with */

    unsigned                   nnames;
    debar_str_t                names[DEBAR_RESPONSE_NAMES];
    size_t                     longest;

    unsigned                   state;
    unsigned                   control;   /* the tag is one's, or LEADS: it is
                                             in tag */
    unsigned                   equals;
    char                       quote;
    unsigned                   dashes;
    unsigned                   early;     /* the tag was looked at already */
    unsigned                   matched;   /* of "</name" */
    size_t                     area;      /* where its text begins */
    size_t                     nelement;
    char                       element[16];
    debar_buf_t                tag;       /* from its "<" on */

    size_t                     nrun;      /* digits of base64 in a row */
    char                       run[DEBAR_RESPONSE_LEAST];
    size_t                     ntail;
    char                       tail[64];  /* of what was searched for names */
    debar_buf_t                begin;
    char                       type[DEBAR_CHARSET + 32];
};


/* --- what is looked at ---------------------------------------------------- */

static debar_str_t
debar_media_type(debar_str_t s)
{
    size_t  i;

    for (i = 0; i < s.len && s.data[i] != ';' && s.data[i] != ','; i++) {
        /* void */
    }

    while (i && isspace((uint8_t) s.data[i - 1])) {
        i--;
    }

    while (i && isspace((uint8_t) s.data[0])) {
        s.data++;
        i--;
    }

    return debar_str(s.data, i);
}


static int
debar_media_is(debar_str_t s, const char *type)
{
    return s.len == strlen(type) && (s.data[0] | 0x20) == type[0]
           && strncasecmp(s.data, type, s.len) == 0;
}


static int
debar_media_ends(debar_str_t s, const char *end)
{
    size_t  n = strlen(end);

    return s.len >= n && strncasecmp(s.data + s.len - n, end, n) == 0;
}


static int
debar_media_begins(debar_str_t s, const char *begin)
{
    size_t  n;

    if (s.len == 0 || (s.data[0] | 0x20) != begin[0]) {
        return 0;
    }

    n = strlen(begin);

    return s.len >= n && strncasecmp(s.data, begin, n) == 0;
}


/* Named as a page, as XML or JSON. */

static unsigned
debar_response_labelled(debar_str_t type)
{
    return debar_media_is(type, "text/html")
           || debar_media_ends(type, "/xml") || debar_media_ends(type, "+xml")
           || debar_media_ends(type, "/json")
           || debar_media_ends(type, "+json")
           || debar_media_begins(type, "multipart/");
}


unsigned
debar_response_wanted(debar_str_t content_type)
{
    size_t       i;
    debar_str_t  type;

    static const char *const  unread[] = {
        "image/", "video/", "audio/", "font/", "text/event-stream", "text/css",
        "text/javascript", "application/javascript", "application/x-javascript",
        "application/ecmascript", "application/octet-stream",
        "application/font", "application/x-font", "application/vnd.",
        "application/zip", "application/gzip", "application/x-gzip",
        "application/x-7z", "application/x-rar", "application/x-tar",
        "application/x-bzip", "application/x-xz", "application/zstd",
        "application/pdf", "application/wasm", "application/msword",
        "application/x-msdownload", "application/x-protobuf",
        "application/protobuf", "application/grpc", "application/dns-message",
        "application/ocsp", "application/x-debian", "application/java-archive",
        "application/dash+xml", "application/x-mpegurl", "application/x-shock",
        "multipart/x-mixed-replace", "multipart/byteranges", "model/",
        "chemical/"
    };

    type = debar_media_type(content_type);

    if (debar_media_is(type, "text/html")) {
        return 1;
    }

    if (debar_media_begins(type, "image/svg")) {
        return 0;
    }

    if (debar_media_ends(type, "+xml") || debar_media_ends(type, "+json")) {
        return !debar_media_is(type, "application/dash+xml");
    }

    for (i = 0; i < sizeof(unread) / sizeof(unread[0]); i++) {
        if (debar_media_begins(type, unread[i])) {
            return 0;
        }
    }

    return 1;
}


/* Names that begin documents which return: the last of each way to a root, a
 * "*" at its end. */

static void
debar_response_names(debar_response_t *rs)
{
    size_t               i, k;
    debar_str_t          path;
    const debar_mark_t  *m;

    for (i = 0; i < rs->list->nmark_roots; i++) {
        m = &rs->list->marks[rs->list->mark_roots[i]];

        if (!(m->syntaxes & DEBAR_MARK_RETURNS)
            || rs->nnames == DEBAR_RESPONSE_NAMES)
        {
            continue;
        }

        path = debar_list_text(rs->list, m->path);

        for (k = path.len; k > 0 && path.data[k - 1] != '/'; k--) {
            /* void */
        }

        path = debar_str(path.data + k, path.len - k);

        if (path.len > 3 && path.len < sizeof(rs->tail)) {
            rs->names[rs->nnames++] = path;
            rs->longest = path.len > rs->longest ? path.len : rs->longest;
        }
    }
}


debar_response_t *
debar_response_new(debar_list_t *list, const debar_facts_t *f,
    const debar_verdict_t *v, const debar_peel_input_t *in,
    const debar_peel_limits_t *limits, size_t held,
    const debar_body_trace_t *trace)
{
    debar_str_t        type;
    debar_response_t  *rs;

    rs = calloc(1, sizeof(debar_response_t));
    if (rs == NULL) {
        return NULL;
    }

    rs->list = list;
    rs->facts = f;
    rs->limits = limits;
    rs->in = *in;
    rs->in.name = debar_str("response", 8);
    rs->in.content_encoding = debar_str("", 0);
    rs->in.content_disposition = debar_str("", 0);
    rs->host = v->host;
    rs->port = v->port;
    rs->held = held;

    if (trace) {
        rs->trace = *trace;
    }

    rs->unpack = debar_unpack_new(in->content_encoding);

    if (rs->unpack == NULL) {
        free(rs);
        return NULL;
    }

    type = debar_media_type(in->content_type);

    rs->labelled = debar_response_labelled(type);
    rs->html = debar_media_is(type, "text/html")
               || debar_media_ends(type, "xhtml+xml");
    rs->shown = rs->html || type.len == 0;

    debar_response_names(rs);

    return rs;
}


void
debar_response_free(debar_response_t *rs)
{
    if (rs->body) {
        debar_body_free(rs->body);
    }

    debar_unpack_free(rs->unpack);
    free(rs->leads);
    free(rs->base.data);
    free(rs->tag.data);
    free(rs->begin.data);
    free(rs);
}


/* --- names and values ------------------------------------------------------ */

static int
debar_response_name(const debar_response_t *rs, debar_str_t name)
{
    unsigned     i;
    debar_str_t  n;

    for (i = 0; i < rs->nnames; i++) {
        n = rs->names[i];

        if (n.data[n.len - 1] == '*') {
            if (name.len >= n.len - 1
                && strncasecmp(n.data, name.data, n.len - 1) == 0)
            {
                return 1;
            }

        } else if (n.len == name.len
                   && strncasecmp(n.data, name.data, n.len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


/* A document in UTF-16 or marked, or what was compressed. */

static int
debar_response_bytes(const char *s, size_t len)
{
    const uint8_t  *p = (const uint8_t *) s;

    return len >= 4
           && ((p[0] == '<' && p[1] == 0) || (p[0] == 0 && p[1] == '<')
               || (p[0] == 0xff && p[1] == 0xfe)
               || (p[0] == 0xfe && p[1] == 0xff)
               || (p[0] == 0x1f && p[1] == 0x8b && p[2] == 8)
               || (p[0] == 0x28 && p[1] == 0xb5 && p[2] == 0x2f)
               || (p[0] == 'P' && p[1] == 'K' && p[2] == 3)
               || (p[0] == 0x78
                   && (p[1] == 0x01 || p[1] == 0x5e || p[1] == 0x9c
                       || p[1] == 0xda)));
}


/* A value cut at any place: three digits too many at most. */

static size_t
debar_response_digits(const char *s, size_t len, char *out, size_t size)
{
    size_t    n;
    unsigned  k;

    for (k = 0, n = 0; k < 4 && n == 0 && len > k; k++) {
        n = debar_base64_value(s, len - k, out, size);
    }

    return n;
}


/*
 * Whether the value is a document in markup by how it begins, bare or encoded.
 * s is worked in.
 */

static int
debar_response_value(char *s, size_t len)
{
    char      out[DEBAR_RESPONSE_VALUE];
    size_t    n;
    unsigned  round;

    for (round = 0; round < DEBAR_RESPONSE_ROUNDS; round++) {

        if (round && debar_response_bytes(s, len)) {
            return 1;
        }

        if (len > 3 && memcmp(s, "\xef\xbb\xbf", 3) == 0) {
            s += 3;
            len -= 3;
        }

        while (len && isspace((uint8_t) *s)) {
            s++;
            len--;
        }

        if (len < 8) {
            return 0;
        }

        if (*s == '&') {
            len = debar_html_entities(s, len);
        }

        if (*s == '<') {
            return strncasecmp(s, "<svg", 4) != 0
                   && (s[1] == '?' || s[1] == '!' || isalpha((uint8_t) s[1]));
        }

        if (memchr(s, '%', len)) {
            n = debar_percent_value(s, len, out, sizeof(out));

        } else {
            n = debar_hex_value(s, len & ~(size_t) 1, out, sizeof(out));
            n = n ? n : debar_response_digits(s, len, out, sizeof(out));
        }

        if (n == 0) {
            return 0;
        }

        memmove(s, out, n);
        len = n;
    }

    return 0;
}


/* --- pages ------------------------------------------------------------------ */

/* Part of an attribute, its references undone. */

static size_t
debar_response_part(char *out, size_t size, debar_str_t s)
{
    size_t  n = s.len < size ? s.len : size;

    memcpy(out, s.data, n);

    return debar_html_entities(out, n);
}


/* Whether the control of a form that is in the tag may hold a cart. */

static int
debar_response_control(debar_response_t *rs)
{
    char         part[DEBAR_RESPONSE_VALUE];
    size_t       n, pos;
    debar_str_t  name, value;

    pos = 1 + rs->nelement;

    while (debar_tag_attribute(debar_str(rs->tag.data, rs->tag.len), &pos,
                               &name, &value))
    {
        if (debar_media_is(name, "name") || debar_media_is(name, "id")) {
            n = debar_response_part(part, sizeof(part), value);

            if (debar_response_name(rs, debar_str(part, n))) {
                return 1;
            }

        } else if (value.len >= DEBAR_RESPONSE_LEAST
                   && (debar_media_is(name, "value")
                       || debar_media_is(name, "content")))
        {
            n = debar_response_part(part, sizeof(part), value);

            if (debar_response_value(part, n)) {
                return 1;
            }
        }
    }

    return 0;
}


/* The first bytes of a textarea; its end may be among them. */

static int
debar_response_area(debar_response_t *rs)
{
    char    part[DEBAR_RESPONSE_VALUE];
    size_t  n;

    n = debar_response_part(part, sizeof(part),
                            debar_str(rs->tag.data + rs->area,
                                      rs->tag.len - rs->area));

    return n >= DEBAR_RESPONSE_LEAST && debar_response_value(part, n);
}


static int
debar_response_is(const debar_response_t *rs, const char *element)
{
    return (rs->element[0] | 0x20) == element[0]
           && rs->nelement == strlen(element)
           && strncasecmp(rs->element, element, rs->nelement) == 0;
}


static unsigned
debar_response_is_control(const debar_response_t *rs)
{
    switch (rs->nelement) {

    case 4:
        if (debar_response_is(rs, "meta") || debar_response_is(rs, "base")) {
            return rs->shown ? DEBAR_PAGE_LEADS : 0;
        }

        return debar_response_is(rs, "data");

    case 5:
        return debar_response_is(rs, "input")
               || debar_response_is(rs, "param");

    case 6:
        return debar_response_is(rs, "option")
               || debar_response_is(rs, "button")
               || debar_response_is(rs, "select");

    case 8:
        return debar_response_is(rs, "textarea");

    default:
        return 0;
    }
}


/* <base href>: the first one counts. */

static void
debar_response_base(debar_response_t *rs)
{
    char         part[DEBAR_REDIRECT];
    size_t       n, pos;
    debar_str_t  name, value;

    pos = 1 + rs->nelement;

    while (rs->base.len == 0
           && debar_tag_attribute(debar_str(rs->tag.data, rs->tag.len), &pos,
                                  &name, &value))
    {
        if (debar_media_is(name, "href")) {
            n = debar_response_part(part, sizeof(part), value);
            debar_buf_add(&rs->base, part, n);
        }
    }
}


/* A page that sends its reader on: judged like a redirect. */

static void
debar_response_refresh(debar_response_t *rs)
{
    char              buf[DEBAR_REDIRECT + 1], join[2 * DEBAR_REDIRECT];
    debar_str_t       url;
    debar_verdict_t  *v;

    if (debar_refresh_tag(debar_str(rs->tag.data, rs->tag.len), buf, &url)
        != DEBAR_OK)
    {
        return;
    }

    if (rs->nleads == DEBAR_RESPONSE_LEADS) {
        rs->fault = "the answer leads to more places than are judged";
        return;
    }

    v = malloc(sizeof(debar_verdict_t));

    if (v == NULL) {
        rs->fault = "no memory to judge where the answer leads";
        return;
    }

    rs->nleads++;
    url = debar_redirect_join(debar_str(rs->base.data, rs->base.len), url, join,
                              sizeof(join));

    if (debar_judge_redirect(rs->list, rs->facts, url, "response:meta-refresh",
                             v)
        != DEBAR_OK)
    {
        free(v);
        return;
    }

    rs->leads = v;
    rs->enough = 1;
}


/* The end of a tag: 1 where a cart begins in it, or nothing more is to be
 * read. */

static int
debar_response_tag(debar_response_t *rs)
{
    rs->state = DEBAR_PAGE_TEXT;
    rs->matched = 0;

    if (rs->nelement == 0) {
        return 0;
    }

    if (rs->control == DEBAR_PAGE_LEADS) {

        if (debar_response_is(rs, "base")) {
            debar_response_base(rs);
            return 0;
        }

        debar_response_refresh(rs);
        return rs->enough;
    }

    if (rs->control && debar_response_control(rs)) {
        return 1;
    }

    if (debar_response_is(rs, "script") || debar_response_is(rs, "style")) {
        rs->state = DEBAR_PAGE_RAW;

    } else if (debar_response_is(rs, "textarea")) {
        rs->state = DEBAR_PAGE_AREA;
        rs->area = rs->tag.len;
    }

    return 0;
}


/* Behind "<": what kind of tag it is. */

static void
debar_response_open(debar_response_t *rs, char ch)
{
    if (isalpha((uint8_t) ch)) {
        rs->control = 0;
        rs->equals = 0;
        rs->quote = 0;
        rs->early = 0;
        rs->tag.len = 0;
        rs->element[0] = ch;
        rs->nelement = 1;
        rs->state = DEBAR_PAGE_NAME;

    } else if (ch == '/' || ch == '?') {
        rs->state = DEBAR_PAGE_CLOSE;

    } else if (ch == '!') {
        rs->dashes = 1;
        rs->state = DEBAR_PAGE_MARKED;

    } else if (ch != '<') {
        rs->state = DEBAR_PAGE_TEXT;
    }
}


/* The rest of an element's name.  Returns how many bytes it has. */

static size_t
debar_response_in_name(debar_response_t *rs, const char *data, size_t len)
{
    size_t  i;

    for (i = 0; i < len && isalnum((uint8_t) data[i]); i++) {

        if (rs->nelement == sizeof(rs->element)) {
            rs->nelement = 0;
            rs->state = DEBAR_PAGE_TAG;
            return i;
        }

        rs->element[rs->nelement++] = data[i];
    }

    if (i == len) {
        return i;
    }

    rs->state = DEBAR_PAGE_TAG;
    rs->control = debar_response_is_control(rs);

    if (rs->control) {
        debar_buf_add(&rs->tag, "<", 1);
        debar_buf_add(&rs->tag, rs->element, rs->nelement);
    }

    return i;
}


/* How many bytes are neither "=" nor ">", most names being short: eight of them
 * at once.  "<" to "?" differ in two bits, and of those the first is exact. */

static inline size_t
debar_response_plain(const char *data, size_t len)
{
    size_t    i;
    uint64_t  v;

    for (i = 0; len - i >= sizeof(v); i += sizeof(v)) {
        memcpy(&v, data + i, sizeof(v));
        v = le64toh(v);
        v = (v & 0xfcfcfcfcfcfcfcfcu) ^ 0x3c3c3c3c3c3c3c3cu;
        v = (v - 0x0101010101010101u) & ~v & 0x8080808080808080u;

        if (v) {
            i += __builtin_ctzll(v) / 8;

            if (data[i] == '=' || data[i] == '>') {
                return i;
            }

            break;
        }
    }

    while (i < len && data[i] != '=' && data[i] != '>') {
        i++;
    }

    return i;
}


/* Where the ">" is that ends the tag, which is none in quotes.  Those count
 * behind a "=" alone. */

static size_t
debar_response_ends(debar_response_t *rs, const char *data, size_t len)
{
    size_t       i;
    const char  *p;

    for (i = 0; i < len; i++) {

        if (rs->quote) {
            p = memchr(data + i, rs->quote, len - i);
            if (p == NULL) {
                return len;
            }

            rs->quote = 0;
            i = p - data;
            continue;
        }

        if (rs->equals) {

            if (data[i] == '"' || data[i] == '\'') {
                rs->quote = data[i];
                rs->equals = 0;
                continue;
            }

            if (isspace((uint8_t) data[i])) {
                continue;
            }

            rs->equals = 0;
        }

        i += debar_response_plain(data + i, len - i);

        if (i == len || data[i] == '>') {
            return i;
        }

        rs->equals = 1;
    }

    return len;
}


/* Bytes of a tag.  Returns how many were taken; *hit as below. */

static size_t
debar_response_in_tag(debar_response_t *rs, const char *data, size_t len,
    int *hit)
{
    size_t  n, room;

    if (!rs->control) {
        n = debar_response_ends(rs, data, len);

        if (n < len) {
            *hit = debar_response_tag(rs);
            n++;
        }

        return n;
    }

    room = rs->held > rs->tag.len ? rs->held - rs->tag.len : 0;

    if (room == 0 && (rs->quote || data[0] != '>')) {
        rs->control = 0;
        rs->fault = "a field of the answer is longer than what is held";
        return 0;
    }

    room = room ? room : 1;

    if (!rs->early && room > DEBAR_RESPONSE_EARLY - rs->tag.len) {
        room = DEBAR_RESPONSE_EARLY - rs->tag.len;
    }

    len = len < room ? len : room;
    n = debar_response_ends(rs, data, len);

    if (n < len) {
        debar_buf_add(&rs->tag, data, n + 1);
        *hit = debar_response_tag(rs);
        return n + 1;
    }

    debar_buf_add(&rs->tag, data, n);

    if (!rs->early && rs->tag.len == DEBAR_RESPONSE_EARLY) {
        rs->early = 1;
        *hit = rs->control != DEBAR_PAGE_LEADS && debar_response_control(rs);
    }

    return n;
}


static int
debar_response_in_area(debar_response_t *rs, char ch)
{
    int     hit;
    size_t  n;

    debar_buf_add(&rs->tag, &ch, 1);
    n = rs->tag.len - rs->area;

    if (ch == 'a' || ch == 'A') {
        if (n >= 10
            && strncasecmp(rs->tag.data + rs->tag.len - 10, "</textarea", 10)
               == 0)
        {
            hit = debar_response_area(rs);
            rs->state = DEBAR_PAGE_TEXT;
            return hit;
        }
    }

    if (n >= DEBAR_RESPONSE_AREA) {
        hit = debar_response_area(rs);
        rs->state = DEBAR_PAGE_RAW;
        rs->matched = 0;
        return hit;
    }

    return 0;
}


/* Scripts and the like end with "</" and their name. */

static size_t
debar_response_in_raw(debar_response_t *rs, const char *data, size_t len)
{
    unsigned     m = rs->matched;
    const char  *p;

    if (m == 0) {
        p = memchr(data, '<', len);
        if (p == NULL) {
            return len;
        }

        rs->matched = 1;
        return p - data + 1;
    }

    if ((m == 1 && data[0] == '/')
        || (m >= 2 && m - 2 < rs->nelement
            && tolower((uint8_t) data[0])
               == tolower((uint8_t) rs->element[m - 2])))
    {
        rs->matched++;

        if (rs->matched == rs->nelement + 2) {
            rs->state = DEBAR_PAGE_CLOSE;
        }

    } else {
        rs->matched = data[0] == '<';
    }

    return 1;
}


/* "<!", and what it begins where two dashes follow. */

static size_t
debar_response_in_comment(debar_response_t *rs, const char *data, size_t len)
{
    const char  *p;

    if (rs->state == DEBAR_PAGE_MARKED) {

        if (data[0] != '-') {
            rs->state = DEBAR_PAGE_CLOSE;
            return 0;
        }

        if (rs->dashes++ == 2) {
            rs->state = DEBAR_PAGE_COMMENT;
            rs->dashes = 2;
        }

        return 1;
    }

    if (rs->dashes == 0) {
        p = memchr(data, '-', len);
        if (p == NULL) {
            return len;
        }

        rs->dashes = 1;
        return p - data + 1;
    }

    if (data[0] == '>' && rs->dashes >= 2) {
        rs->state = DEBAR_PAGE_TEXT;
    }

    /* "--!>" is an end, too */

    if (data[0] != '!' || rs->dashes < 2) {
        rs->dashes = data[0] == '-' ? rs->dashes + 1 : 0;
    }

    return 1;
}


/* Whether the name of an element may be that of one that matters here, by its
 * first letters: "base", "button", "data", "input", "meta", "option", "param",
 * "script", "select", "style", "textarea". */

static inline int
debar_response_matters(char first, char second)
{
    static const uint32_t  seconds[32] = {
        ['b' & 31] = 1u << ('a' & 31) | 1u << ('u' & 31),
        ['d' & 31] = 1u << ('a' & 31),
        ['i' & 31] = 1u << ('n' & 31),
        ['m' & 31] = 1u << ('e' & 31),
        ['o' & 31] = 1u << ('p' & 31),
        ['p' & 31] = 1u << ('a' & 31),
        ['s' & 31] = 1u << ('c' & 31) | 1u << ('e' & 31) | 1u << ('t' & 31),
        ['t' & 31] = 1u << ('e' & 31)
    };

    return seconds[first & 31] >> (second & 31) & 1;
}


/* Text, and tags of no matter, which most are.  Returns how many bytes were
 * taken; what is left begins with what matters, or is behind a "<". */

static size_t
debar_response_in_text(debar_response_t *rs, const char *data, size_t len)
{
    size_t       i;
    const char  *p;

    for (i = 0; i < len; i++) {

        p = memchr(data + i, '<', len - i);
        if (p == NULL) {
            return len;
        }

        i = p - data + 1;

        if (len - i < 2) {
            rs->state = DEBAR_PAGE_OPEN;
            return i;
        }

        if (data[i] == '/') {
            p = memchr(data + i, '>', len - i);
            if (p == NULL) {
                rs->state = DEBAR_PAGE_CLOSE;
                return len;
            }

            i = p - data;
            continue;
        }

        if (!isalpha((uint8_t) data[i])
            || debar_response_matters(data[i], data[i + 1]))
        {
            rs->state = DEBAR_PAGE_OPEN;
            return i;
        }

        rs->control = 0;
        rs->equals = 0;
        rs->quote = 0;
        rs->nelement = 0;

        i += debar_response_ends(rs, data + i, len - i);

        if (i == len) {
            rs->state = DEBAR_PAGE_TAG;
        }
    }

    return len;
}


/* Bytes of a page.  Returns how many were taken; *hit: a cart begins, and what
 * was taken of it is in tag. */

static size_t
debar_response_markup(debar_response_t *rs, const char *data, size_t len,
    int *hit)
{
    size_t       i;
    const char  *p;

    for (i = 0; i < len && !*hit; /* void */) {

        switch (rs->state) {

        case DEBAR_PAGE_TEXT:
            i += debar_response_in_text(rs, data + i, len - i);
            break;

        case DEBAR_PAGE_OPEN:
            debar_response_open(rs, data[i++]);
            break;

        case DEBAR_PAGE_NAME:
            i += debar_response_in_name(rs, data + i, len - i);
            break;

        case DEBAR_PAGE_TAG:
            i += debar_response_in_tag(rs, data + i, len - i, hit);
            break;

        case DEBAR_PAGE_CLOSE:
            p = memchr(data + i, '>', len - i);
            if (p == NULL) {
                return len;
            }

            i = p - data + 1;
            rs->state = DEBAR_PAGE_TEXT;
            break;

        case DEBAR_PAGE_RAW:
            i += debar_response_in_raw(rs, data + i, len - i);
            break;

        case DEBAR_PAGE_AREA:
            *hit = debar_response_in_area(rs, data[i++]);
            break;

        default:
            i += debar_response_in_comment(rs, data + i, len - i);
        }
    }

    return i;
}


/* --- XML and JSON ----------------------------------------------------------- */

/* A name of a document that returns, which may lie across two pieces. */

static int
debar_response_search(const debar_response_t *rs, const char *data, size_t len)
{
    size_t       n;
    unsigned     i;
    debar_str_t  name;

    for (i = 0; i < rs->nnames; i++) {
        name = rs->names[i];
        n = name.len - (name.data[name.len - 1] == '*');

        if (memmem(data, len, name.data, n)) {
            return 1;
        }
    }

    return 0;
}


static int
debar_response_named(debar_response_t *rs, const char *data, size_t len)
{
    char    seam[2 * sizeof(rs->tail)];
    size_t  keep, n;

    if (debar_response_search(rs, data, len)) {
        return 1;
    }

    n = len < sizeof(rs->tail) ? len : sizeof(rs->tail);
    memcpy(seam, rs->tail, rs->ntail);
    memcpy(seam + rs->ntail, data, n);

    if (rs->ntail && debar_response_search(rs, seam, rs->ntail + n)) {
        return 1;
    }

    keep = rs->longest ? rs->longest - 1 : 0;
    keep = keep < sizeof(rs->tail) ? keep : sizeof(rs->tail);

    if (len >= keep) {
        memcpy(rs->tail, data + len - keep, keep);
        rs->ntail = keep;
        return 0;
    }

    n = rs->ntail + len;
    keep = n < keep ? n : keep;
    memcpy(rs->tail, seam + n - keep, keep);
    rs->ntail = keep;

    return 0;
}


/* Whether a run goes on across the byte. */

static inline int
debar_response_in_run(char ch)
{
    return isalnum((uint8_t) ch) || ch == '+' || ch == '/' || ch == '-'
           || ch == '_' || ch == '\\' || ch == '\n' || ch == '\r';
}


/* A run of digits of base64 or hex that makes a document. */

static int
debar_response_runs(debar_response_t *rs, const char *data, size_t len)
{
    size_t  i, j;
    char    ch, part[DEBAR_RESPONSE_LEAST];

    for (i = 0; i < len; i++) {

        /* most of them are too short: they are looked for from their ends */

        while (rs->nrun == 0 && len - i >= sizeof(rs->run)
               && isgraph((uint8_t) data[i]) && data[i] != '\\')
        {
            for (j = i + sizeof(rs->run);
                 j > i && debar_response_in_run(data[j - 1]); j--)
            { /* void */ }

            if (j == i) {
                break;
            }

            i = j;
        }

        if (i == len) {
            break;
        }

        ch = data[i];

        if (ch == '\\') {
            continue;                    /* "\/" in JSON */
        }

        if (debar_base64_digit((uint8_t) ch) < 0) {
            rs->nrun = (ch == '\n' || ch == '\r') ? rs->nrun : 0;
            continue;
        }

        if (rs->nrun < sizeof(rs->run)) {
            rs->run[rs->nrun++] = ch;

            if (rs->nrun == sizeof(rs->run)) {
                memcpy(part, rs->run, sizeof(part));

                if (debar_response_value(part, sizeof(part))) {
                    return 1;
                }
            }
        }
    }

    return 0;
}


/* --- the whole ------------------------------------------------------------- */

/* The bytes are not ASCII and more: names cannot be seen in them. */

static int
debar_response_foreign(const char *charset)
{
    size_t  i;

    static const char *const  foreign[] = {
        "utf-16", "utf16", "utf-32", "utf32", "utf-7", "ibm", "cp037",
        "cp500", "ebcdic", "iso-2022", "hz", "ucs", "scsu", "iso-10646"
    };

    for (i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
        if (strncasecmp(charset, foreign[i], strlen(foreign[i])) == 0) {
            return 1;
        }
    }

    return 0;
}


static int
debar_response_has(const char *data, size_t len, const char *text)
{
    return data != NULL && memmem(data, len, text, strlen(text)) != NULL;
}


/* An attribute without which no element sends its reader on. */

static int
debar_response_equiv(const char *p, size_t len)
{
    const char  *first = p, *last = p + len;

    static const char  name[] = "http-equiv";

    for (p = memchr(p, '-', len); p; p = memchr(p + 1, '-', last - p - 1)) {
        if (p - first >= 4 && last - p >= 6
            && strncasecmp(p - 4, name, sizeof(name) - 1) == 0)
        {
            return 1;
        }
    }

    return 0;
}


/* Whether there is what looks like the tag of a control anywhere in it, be it in
 * a comment or a script. */

static int
debar_response_controls(const char *p, size_t len)
{
    size_t       i;
    const char  *first = p, *last = p + len;

    static const char  *begins[] = {
        "but", "dat", "inp", "opt", "par", "sel", "tex"
    };

    for (p = memchr(p, '<', len); p && last - p > 3;
         p = memchr(p + 1, '<', last - p - 1))
    {
        for (i = 0; debar_response_matters(p[1], p[2])
             && i < sizeof(begins) / sizeof(begins[0]); i++)
        {
            if (strncasecmp(p + 1, begins[i], 3) == 0) {
                return 1;
            }
        }
    }

    return debar_response_equiv(first, last - first);
}


unsigned
debar_response_nothing(const debar_peel_input_t *in, const char *data,
    size_t len, unsigned whole)
{
    char         charset[DEBAR_CHARSET];
    size_t       i;
    unsigned     page;
    debar_str_t  type;

    type = debar_media_type(in->content_type);
    page = whole && debar_media_is(type, "text/html");

    if (len < 4 || (!page && debar_response_labelled(type))) {
        return 0;
    }

    i = memcmp(data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

    while (i < len && isspace((uint8_t) data[i])) {
        i++;
    }

    if (i == len || data[i] == '{' || data[i] == '[' || data[i] == '"'
        || (data[i] == '<' && (!page || (i + 1 < len && data[i + 1] == '?')))
        || (page && debar_response_controls(data, len)))
    {
        return 0;
    }

    /* without a label, a declaration, a mark or zeros there is no charset */

    if (type.len == in->content_type.len && memchr("\x84+\xff\xfe\x4c<",
                                                   data[0], 6) == NULL
        && memchr(data, '\0', len) == NULL)
    {
        return 1;
    }

    debar_charset_find(in, data, len, charset);

    return !debar_response_foreign(charset);
}


/* What it is, by its label and by how it begins. */

static void
debar_response_look(debar_response_t *rs, const char *data, size_t len)
{
    size_t  i;

    i = len >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

    while (i < len && isspace((uint8_t) data[i])) {
        i++;
    }

    rs->page = DEBAR_PAGE_OTHER;

    if (i < len && (data[i] == '{' || data[i] == '[' || data[i] == '"')) {
        rs->page = DEBAR_PAGE_DATA;

    } else if (i < len && data[i] == '<') {
        rs->page = rs->html || debar_peel_opens(data + i, len - i)
                               == &debar_reader_html
                   ? DEBAR_PAGE_MARKUP : DEBAR_PAGE_DATA;

        if (len - i >= 5 && memcmp(data + i, "<?xml", 5) == 0 && rs->html
            && !debar_response_has(data + i, len - i, "<html")
            && !debar_response_has(data + i, len - i, "<!DOCTYPE html"))
        {
            rs->page = DEBAR_PAGE_DATA;
        }

    } else if (rs->labelled) {
        rs->page = rs->html ? DEBAR_PAGE_MARKUP : DEBAR_PAGE_DATA;
    }

    /* a page of a script, say: it is not rendered, and no one reads it */
}


/* A cart may begin: from here on it is judged. */

static int
debar_response_begin(debar_response_t *rs, const char *data, size_t len)
{
    char                charset[DEBAR_CHARSET];
    debar_verdict_t     v;
    debar_peel_input_t  in;

    memset(&v, 0, sizeof(v));

    v.entry = DEBAR_NONE;
    v.product = DEBAR_NONE;
    v.permit = DEBAR_NONE;
    v.waiver = DEBAR_NONE;
    v.host = rs->host;
    v.port = rs->port;

    in = rs->in;

    if (rs->page == DEBAR_PAGE_MARKUP) {

        /* it does not begin where its page does, which said its charset */

        debar_charset_find(&in, rs->begin.data, rs->begin.len, charset);

        snprintf(rs->type, sizeof(rs->type), "text/html%s%s",
                 charset[0] ? "; charset=" : "", charset);
        in.content_type = debar_str(rs->type, strlen(rs->type));
    }

    rs->body = debar_body_response(rs->list, rs->facts, &v, &in, rs->limits,
                                   &rs->trace);
    if (rs->body == NULL) {
        rs->fault = "no memory to read a cart";
        rs->enough = 1;
        return DEBAR_DECLINED;
    }

    return debar_body_push(rs->body, data, len);
}


/* Keeps the first bytes, of which begin is full. */

static void
debar_response_keep(debar_response_t *rs, const char *data, size_t len)
{
    size_t  room;

    room = rs->page == DEBAR_PAGE_DATA ? DEBAR_RESPONSE_BEGIN : DEBAR_DECLARED;

    if (rs->begin.len < room) {
        room -= rs->begin.len;
        debar_buf_add(&rs->begin, data, len < room ? len : room);
    }
}


/* Decoded bytes while there is no cart: 1 where one begins in these, and the
 * judge has them. */

static int
debar_response_scan(debar_response_t *rs, const char *data, size_t len,
    unsigned whole)
{
    int       hit;
    size_t    n;

    hit = 0;

    if (rs->page == DEBAR_PAGE_MARKUP) {
        n = debar_response_markup(rs, data, len, &hit);

        if (rs->enough) {
            return DEBAR_DECLINED;
        }

        if (hit) {
            (void) debar_response_begin(rs, rs->tag.data, rs->tag.len);
            return rs->body && debar_body_push(rs->body, data + n, len - n)
                               == DEBAR_DECLINED
                   ? DEBAR_DECLINED : DEBAR_HOLD;
        }

        return DEBAR_OK;
    }

    /* runs first: each of the two has to see all */

    hit = debar_response_runs(rs, data, len);

    if (!hit && !debar_response_named(rs, data, len)) {
        return DEBAR_OK;
    }

    if (whole) {
        return debar_response_begin(rs, rs->begin.data, rs->begin.len)
               == DEBAR_DECLINED ? DEBAR_DECLINED : DEBAR_HOLD;
    }

    /* so far behind its beginning it is read as what it is, not as it began */

    rs->in.content_type = debar_str("", 0);

    if (rs->ntail
        && debar_response_begin(rs, rs->tail, rs->ntail) == DEBAR_DECLINED)
    {
        return DEBAR_DECLINED;
    }

    return (rs->body ? debar_body_push(rs->body, data, len)
                     : debar_response_begin(rs, data, len))
           == DEBAR_DECLINED ? DEBAR_DECLINED : DEBAR_HOLD;
}


/* A page in UTF-16, which the judge of carts reads as a whole: what of it is
 * ASCII says where it leads. */

static int
debar_response_wide(debar_response_t *rs, const char *data, size_t len)
{
    int     hit;
    char    plain[512];
    size_t  i, k, n;

    for (i = 0; i < len && !rs->enough; /* void */) {

        for (n = 0; i < len && n < sizeof(plain); i++) {
            plain[n] = data[i];
            n += data[i] != '\0';
        }

        for (k = 0; k < n && !rs->enough; /* void */) {
            hit = 0;
            k += debar_response_markup(rs, plain + k, n - k, &hit);
        }
    }

    return rs->enough ? DEBAR_DECLINED : DEBAR_OK;
}


/* How many bytes say what it is: few where its label does, more where it may be
 * a page all the same, or one in XML. */

static size_t
debar_response_enough(const debar_response_t *rs)
{
    if (rs->begin.len >= 4 && memcmp(rs->begin.data, "<?xm", 4) == 0
        && rs->html)
    {
        return 512;
    }

    return rs->begin.len >= 4 && rs->begin.data[0] == '<' && !rs->labelled
           ? 64 : 4;
}


static int
debar_response_first(debar_response_t *rs, unsigned last)
{
    char  charset[DEBAR_CHARSET];

    if (!last && rs->begin.len < debar_response_enough(rs)) {
        return DEBAR_OK;
    }

    debar_charset_find(&rs->in, rs->begin.data, rs->begin.len, charset);

    if (rs->begin.len && debar_response_foreign(charset)) {
        rs->page = DEBAR_PAGE_DATA;
        rs->wide = rs->shown;

        if (rs->wide && debar_response_wide(rs, rs->begin.data, rs->begin.len)
                        == DEBAR_DECLINED)
        {
            return DEBAR_DECLINED;
        }

        return debar_response_begin(rs, rs->begin.data, rs->begin.len)
               == DEBAR_DECLINED ? DEBAR_DECLINED : DEBAR_HOLD;
    }

    debar_response_look(rs, rs->begin.data, rs->begin.len);

    if (rs->page == DEBAR_PAGE_OTHER) {
        rs->enough = 1;
        return DEBAR_DECLINED;
    }

    return debar_response_scan(rs, rs->begin.data, rs->begin.len, 1);
}


/* A debar_unpack_pt: one piece, decoded. */

static int
debar_response_piece(void *data, const char *bytes, size_t len)
{
    int                rc;
    unsigned           whole;
    debar_response_t  *rs = data;

    rs->made += len;

    if (rs->made > DEBAR_RESPONSE_FREE && rs->made != rs->taken
        && (rs->made / DEBAR_RESPONSE_RATIO > rs->taken
            || rs->made > DEBAR_RESPONSE_MOST))
    {
        rs->fault = "the answer expands to more than what is read";
        rs->enough = 1;
        return DEBAR_DECLINED;
    }

    if (rs->wide && debar_response_wide(rs, bytes, len) == DEBAR_DECLINED) {
        return DEBAR_DECLINED;
    }

    if (rs->body) {
        rc = debar_body_push(rs->body, bytes, len);

    } else if (rs->page == DEBAR_PAGE_UNKNOWN) {
        debar_buf_add(&rs->begin, bytes, len);
        rc = debar_response_first(rs, 0);

    } else {
        debar_response_keep(rs, bytes, len);
        whole = rs->begin.len == rs->made;
        rc = debar_response_scan(rs, bytes, len, whole);
    }

    if (rc == DEBAR_DECLINED) {
        rs->enough = 1;
    }

    return rc == DEBAR_DECLINED ? DEBAR_DECLINED : DEBAR_OK;
}


int
debar_response_push(debar_response_t *rs, const char *data, size_t len)
{
    if (rs->enough) {
        return DEBAR_DECLINED;
    }

    if (len == 0) {
        return rs->body ? DEBAR_HOLD : DEBAR_OK;
    }

    rs->taken += len;

    if (debar_unpack_push(rs->unpack, data, len, debar_response_piece, rs)
        == DEBAR_ERROR)
    {
        /* who receives it cannot read it either */

        rs->enough = 1;
    }

    return rs->enough ? DEBAR_DECLINED : rs->body ? DEBAR_HOLD : DEBAR_OK;
}


void
debar_response_finish(debar_response_t *rs, unsigned cut, debar_verdict_t *v)
{
    if (rs->page == DEBAR_PAGE_UNKNOWN && !rs->enough && rs->begin.len) {
        (void) debar_response_first(rs, 1);
    }

    if (rs->body == NULL && rs->state == DEBAR_PAGE_AREA
        && debar_response_area(rs))
    {
        (void) debar_response_begin(rs, rs->tag.data, rs->tag.len);
    }

    if (rs->leads) {
        *v = *rs->leads;
        return;
    }

    if (rs->body) {
        debar_body_finish(rs->body, v);

    } else {
        memset(v, 0, sizeof(debar_verdict_t));
        v->entry = DEBAR_NONE;
        v->product = DEBAR_NONE;
        v->permit = DEBAR_NONE;
        v->waiver = DEBAR_NONE;
        v->host = rs->host;
        v->port = rs->port;
    }

    if (cut && v->fault == NULL && rs->body && debar_body_orders(rs->body)) {
        rs->fault = "a cart in the answer is longer than what is held";
    }

    if (rs->fault && v->verdict < DEBAR_REJECT) {
        v->fault = rs->fault;

        if (v->verdict < DEBAR_LOG) {
            v->verdict = DEBAR_LOG;
        }
    }
}


unsigned
debar_response_cxml(const debar_response_t *rs)
{
    return rs->page == DEBAR_PAGE_DATA && rs->begin.len
           && memchr(rs->begin.data, '<',
                     rs->begin.len < 64 ? rs->begin.len : 64)
           && memmem(rs->begin.data,
                     rs->begin.len < 4096 ? rs->begin.len : 4096, "<cXML", 5);
}
