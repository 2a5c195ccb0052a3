/*
 * The head of a CONNECT, and of the answer to one, line by line.  A head that
 * is not whole yet is read from its beginning again: it is bounded.
 */

#include "connect.h"

#include <strings.h>


typedef struct {
    const char  *name;
    void       (*set)(debar_connect_t *c, debar_str_t value);
} connect_field_t;


static const char *connect_line(const char *p, const char *end,
    debar_str_t *line);
static int connect_request_line(debar_connect_t *c, debar_str_t line);
static int connect_field(debar_connect_t *c, debar_str_t line);
static void connect_host(debar_connect_t *c, debar_str_t value);
static void connect_authorization(debar_connect_t *c, debar_str_t value);
static void connect_user_agent(debar_connect_t *c, debar_str_t value);
static void connect_content_length(debar_connect_t *c, debar_str_t value);
static void connect_transfer_encoding(debar_connect_t *c, debar_str_t value);
static int reply_bad(debar_connect_reply_t *r, const char *fault);
static int reply_status_line(debar_connect_reply_t *r, debar_str_t line);
static int reply_clean(debar_str_t line);


static const connect_field_t  connect_fields[] = {
    { "host", connect_host },
    { "proxy-authorization", connect_authorization },
    { "user-agent", connect_user_agent },
    { "content-length", connect_content_length },
    { "transfer-encoding", connect_transfer_encoding }
};

static const char  connect_method[] = "CONNECT ";


static int
connect_bad(debar_connect_t *c, const char *fault)
{
    c->fault = fault;

    return DEBAR_HEAD_BAD;
}


int
debar_connect_parse(debar_connect_t *c, const char *data, size_t len)
{
    int          first, rc;
    size_t       n;
    const char  *end, *p;
    debar_str_t  line;

    memset(c, 0, sizeof(debar_connect_t));

    n = sizeof(connect_method) - 1;

    if (memcmp(data, connect_method, len < n ? len : n) != 0) {
        return DEBAR_HEAD_OTHER;
    }

    end = data + (len < DEBAR_MAX_HEAD ? len : DEBAR_MAX_HEAD);

    first = 1;
    p = data;

    while ((p = connect_line(p, end, &line)) != NULL) {
        if (line.len == 0) {
            c->len = p - data;

            return c->has_body ? connect_bad(c, "a CONNECT with a body")
                               : DEBAR_HEAD_OK;
        }

        rc = first ? connect_request_line(c, line) : connect_field(c, line);
        if (rc != DEBAR_HEAD_OK) {
            return rc;
        }

        first = 0;
    }

    return len < DEBAR_MAX_HEAD ? DEBAR_HEAD_MORE : DEBAR_HEAD_TOO_LARGE;
}


/* A line without its CRLF or LF, and where the next begins; NULL: no end. */

static const char *
connect_line(const char *p, const char *end, debar_str_t *line)
{
    const char  *lf;

    lf = memchr(p, '\n', end - p);

    if (lf == NULL) {
        return NULL;
    }

    *line = debar_str(p, lf - p);

    if (line->len && lf[-1] == '\r') {
        line->len--;
    }

    return lf + 1;
}


/*
 * The authority is set also where the line is at fault: between the first
 * space and the last, so that all its readings can be judged.
 */

static int
connect_request_line(debar_connect_t *c, debar_str_t line)
{
    size_t       i, n;
    const char  *sp, *version;

    n = sizeof(connect_method) - 1;
    c->authority = debar_str(line.data + n, line.len - n);

    sp = memrchr(c->authority.data, ' ', c->authority.len);

    if (sp == NULL) {
        return connect_bad(c, "a request line without a version");
    }

    c->authority.len = sp - c->authority.data;
    version = sp + 1;
    n = line.data + line.len - version;

    if (n != 8 || memcmp(version, "HTTP/1.", 7) != 0
        || (version[7] != '0' && version[7] != '1'))
    {
        return connect_bad(c, "a version other than HTTP/1.0 and HTTP/1.1");
    }

    c->minor = version[7] - '0';

    if (c->authority.len == 0) {
        return connect_bad(c, "a CONNECT without a target");
    }

    for (i = 0; i < c->authority.len; i++) {
        if ((uint8_t) c->authority.data[i] <= ' '
            || c->authority.data[i] == 0x7f)
        {
            return connect_bad(c, "a space or control in the target");
        }
    }

    return DEBAR_HEAD_OK;
}


static debar_str_t
connect_trim(debar_str_t s)
{
    while (s.len && (s.data[0] == ' ' || s.data[0] == '\t')) {
        s.data++;
        s.len--;
    }

    while (s.len
           && (s.data[s.len - 1] == ' ' || s.data[s.len - 1] == '\t'))
    {
        s.len--;
    }

    return s;
}


static int
connect_field(debar_connect_t *c, debar_str_t line)
{
    size_t       i, n;
    uint8_t      ch;
    debar_str_t  value;

    if (line.data[0] == ' ' || line.data[0] == '\t') {
        return connect_bad(c, "a folded line");
    }

    for (n = 0; n < line.len && line.data[n] != ':'; n++) {
        if (!debar_is_tchar((uint8_t) line.data[n])) {
            return connect_bad(c, "a field name that is not a token");
        }
    }

    if (n == 0 || n == line.len) {
        return connect_bad(c, "a field without a name or a colon");
    }

    value = debar_str(line.data + n + 1, line.len - n - 1);

    for (i = 0; i < value.len; i++) {
        ch = (uint8_t) value.data[i];

        if ((ch < ' ' && ch != '\t') || ch == 0x7f) {
            return connect_bad(c, "a control in a field");
        }
    }

    value = connect_trim(value);

    for (i = 0; i < sizeof(connect_fields) / sizeof(connect_fields[0]); i++) {
        if (strlen(connect_fields[i].name) == n
            && strncasecmp(connect_fields[i].name, line.data, n) == 0)
        {
            connect_fields[i].set(c, value);
        }
    }

    return DEBAR_HEAD_OK;
}


static void
connect_host(debar_connect_t *c, debar_str_t value)
{
    if (c->nhosts == sizeof(c->hosts) / sizeof(c->hosts[0])) {
        c->more_hosts++;
        return;
    }

    c->hosts[c->nhosts++] = value;
}


static void
connect_authorization(debar_connect_t *c, debar_str_t value)
{
    if (c->nauthorization++ == 0) {
        c->authorization = value;
    }
}


static void
connect_user_agent(debar_connect_t *c, debar_str_t value)
{
    if (c->user_agent.data == NULL) {
        c->user_agent = value;
    }
}


static void
connect_content_length(debar_connect_t *c, debar_str_t value)
{
    if (value.len != 1 || value.data[0] != '0') {
        c->has_body = 1;
    }
}


static void
connect_transfer_encoding(debar_connect_t *c, debar_str_t value)
{
    c->has_body = 1;
}


static int
basic_digit(uint8_t ch)
{
    static const char  digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "abcdefghijklmnopqrstuvwxyz0123456789+/";
    const char        *p;

    p = ch ? strchr(digits, ch) : NULL;

    return p ? (int) (p - digits) : -1;
}


/*
 * Base64 as RFC 4648 s.4 writes it, padded and with unused bits zero: one
 * spelling for one text.  Returns the length, or DEBAR_ERROR.
 */

static int
basic_decode(debar_str_t in, char *out, size_t size)
{
    int       digit;
    size_t    i, n, pad;
    uint32_t  bits;

    if (in.len == 0 || in.len % 4) {
        return DEBAR_ERROR;
    }

    pad = in.data[in.len - 1] == '=';
    pad += pad && in.data[in.len - 2] == '=';

    if (in.len / 4 * 3 - pad > size) {
        return DEBAR_ERROR;
    }

    for (i = 0, n = 0, bits = 0; i < in.len - pad; i++) {
        digit = basic_digit((uint8_t) in.data[i]);
        if (digit < 0) {
            return DEBAR_ERROR;
        }

        bits = bits << 6 | (uint32_t) digit;

        if (i % 4 > 0) {
            out[n++] = (char) (bits >> (6 - i % 4 * 2) & 0xff);
        }
    }

    /* What is left over of a last group of 2 or 3 digits. */

    if (pad && (bits & ((1u << 2 * pad) - 1))) {
        return DEBAR_ERROR;
    }

    return (int) n;
}


int
debar_connect_basic(debar_str_t authorization, char *out, size_t size,
    debar_str_t *user, debar_str_t *password)
{
    int          i, n;
    char        *colon;
    debar_str_t  s = authorization;

    if (s.data == NULL || s.len < 5 || strncasecmp(s.data, "Basic", 5) != 0
        || (s.len > 5 && s.data[5] != ' '))
    {
        return DEBAR_DECLINED;
    }

    s.data += 5;
    s.len -= 5;

    while (s.len && s.data[0] == ' ') {
        s.data++;
        s.len--;
    }

    if (size == 0) {
        return DEBAR_ERROR;
    }

    n = basic_decode(s, out, size - 1);

    if (n < 0) {
        return DEBAR_ERROR;
    }

    /* RFC 7617 s.2: no controls. */

    for (i = 0; i < n; i++) {
        if ((uint8_t) out[i] < ' ' || out[i] == 0x7f) {
            return DEBAR_ERROR;
        }
    }

    colon = memchr(out, ':', n);

    if (colon == NULL || colon == out) {
        return DEBAR_ERROR;
    }

    *colon = '\0';
    out[n] = '\0';

    *user = debar_str(out, colon - out);
    *password = debar_str(colon + 1, out + n - colon - 1);

    return DEBAR_OK;
}


static int
reply_bad(debar_connect_reply_t *r, const char *fault)
{
    r->fault = fault;

    return DEBAR_HEAD_BAD;
}


int
debar_connect_reply_parse(debar_connect_reply_t *r, const char *data,
    size_t len)
{
    int          first, rc;
    size_t       n;
    unsigned     interim;
    const char  *begin, *end, *p;
    debar_str_t  line;

    static const char  version[] = "HTTP/1.";

    memset(r, 0, sizeof(debar_connect_reply_t));

    end = data + (len < DEBAR_MAX_REPLY ? len : DEBAR_MAX_REPLY);

    interim = 0;
    first = 1;
    begin = p = data;

    for ( ;; ) {

        n = end - begin;
        if (n > sizeof(version) - 1) {
            n = sizeof(version) - 1;
        }

        if (first && memcmp(begin, version, n) != 0) {
            return reply_bad(r, "an answer that is not of HTTP/1");
        }

        p = connect_line(p, end, &line);

        if (p == NULL) {
            return len < DEBAR_MAX_REPLY ? DEBAR_HEAD_MORE
                                        : DEBAR_HEAD_TOO_LARGE;
        }

        if (!reply_clean(line)) {
            return reply_bad(r, "a control in the head");
        }

        if (first) {
            rc = reply_status_line(r, line);
            if (rc != DEBAR_HEAD_OK) {
                return rc;
            }

            first = 0;
            continue;
        }

        if (line.len) {
            continue;
        }

        if (r->status >= 200 || r->status == 101) {
            r->len = p - data;
            return DEBAR_HEAD_OK;
        }

        if (++interim > DEBAR_MAX_INTERIM) {
            return reply_bad(r, "interim answers without an end");
        }

        first = 1;
        begin = p;
    }
}


/* HTTP/1.x SP 3DIGIT [SP reason]: some leave out the second space as well. */

static int
reply_status_line(debar_connect_reply_t *r, debar_str_t line)
{
    size_t       i;
    const char  *p;

    p = line.data;

    if (line.len < sizeof("HTTP/1.1 200") - 1
        || p[7] < '0' || p[7] > '9'
        || p[8] != ' '
        || (line.len > 12 && p[12] != ' '))
    {
        return reply_bad(r, "a malformed status line");
    }

    r->status = 0;

    for (i = 9; i < 12; i++) {
        if (p[i] < '0' || p[i] > '9') {
            return reply_bad(r, "a malformed status line");
        }

        r->status = r->status * 10 + (unsigned) (p[i] - '0');
    }

    if (r->status < 100 || r->status > 599) {
        return reply_bad(r, "a status that there is not");
    }

    r->reason = connect_trim(debar_str(p + 12, line.len - 12));

    return DEBAR_HEAD_OK;
}


static int
reply_clean(debar_str_t line)
{
    size_t   i;
    uint8_t  ch;

    for (i = 0; i < line.len; i++) {
        ch = (uint8_t) line.data[i];

        if ((ch < ' ' && ch != '\t') || ch == 0x7f) {
            return 0;
        }
    }

    return 1;
}
