/*
 * Lines of access logs.
 */

#include "access_log.h"


typedef enum {
    DEBAR_AV_END = 0,
    DEBAR_AV_OTHER,
    DEBAR_AV_CLIENT,
    DEBAR_AV_USER,
    DEBAR_AV_TIME,
    DEBAR_AV_REQUEST,
    DEBAR_AV_METHOD,
    DEBAR_AV_URI,
    DEBAR_AV_ARGS,
    DEBAR_AV_HOST,
    DEBAR_AV_SCHEME,
    DEBAR_AV_REFERER
} debar_access_variable_e;


/* Where text of a line is undone to. */

typedef struct {
    char    *at;
    size_t   left;
} debar_room_t;


static const struct {
    const char  *name;
    unsigned     variable;
} debar_access_variables[] = {
    { "remote_addr", DEBAR_AV_CLIENT },
    { "realip_remote_addr", DEBAR_AV_CLIENT },
    { "remote_user", DEBAR_AV_USER },
    { "debar_user", DEBAR_AV_USER },
    { "time_local", DEBAR_AV_TIME },
    { "time_iso8601", DEBAR_AV_TIME },
    { "msec", DEBAR_AV_TIME },
    { "request", DEBAR_AV_REQUEST },
    { "request_method", DEBAR_AV_METHOD },
    { "request_uri", DEBAR_AV_URI },
    { "uri", DEBAR_AV_URI },
    { "args", DEBAR_AV_ARGS },
    { "query_string", DEBAR_AV_ARGS },
    { "host", DEBAR_AV_HOST },
    { "http_host", DEBAR_AV_HOST },
    { "server_name", DEBAR_AV_HOST },
    { "scheme", DEBAR_AV_SCHEME },
    { "http_referer", DEBAR_AV_REFERER },
    { NULL, 0 }
};

static const char  debar_combined[] =
    "$remote_addr $ident $remote_user [$time_local] \"$request\" $status "
    "$body_bytes_sent \"$http_referer\" \"$http_user_agent\"";

static const char  debar_squid_native[] =
    "$msec $duration $remote_addr $result $bytes $request_method $request_uri "
    "$remote_user $peer $type";


/* --- formats ------------------------------------------------------------- */

static int
debar_access_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'
           || (c >= '0' && c <= '9');
}


static unsigned
debar_access_variable(const char *name, size_t len)
{
    unsigned  i;

    for (i = 0; debar_access_variables[i].name; i++) {
        if (strlen(debar_access_variables[i].name) == len
            && memcmp(debar_access_variables[i].name, name, len) == 0)
        {
            return debar_access_variables[i].variable;
        }
    }

    return DEBAR_AV_OTHER;
}


static int
debar_access_parts(debar_access_format_t *f, const char *text,
    debar_fault_t *fault)
{
    const char  *p, *from, *name;
    size_t       len;

    memset(f, 0, sizeof(debar_access_format_t));

    for (p = from = text; *p; /* void */ ) {
        if (*p != '$') {
            p++;
            continue;
        }

        name = p + 1 + (p[1] == '{');
        for (len = 0; debar_access_word(name[len]); len++) { /* void */ }

        if (len == 0 || (p[1] == '{' && name[len] != '}')) {
            debar_fault(fault, "the format has a \"$\" without a variable's "
                        "name behind it: \"%.20s\"", p);
            return DEBAR_ERROR;
        }

        if (f->n == DEBAR_ACCESS_FIELDS) {
            debar_fault(fault, "the format has over %d variables",
                        DEBAR_ACCESS_FIELDS);
            return DEBAR_ERROR;
        }

        f->parts[f->n].literal = debar_str(from, (size_t) (p - from));
        f->parts[f->n].variable = debar_access_variable(name, len);

        if (f->n && p == from) {
            debar_fault(fault, "the format has nothing between two variables, "
                        "before \"$%.*s\": nobody could tell them apart",
                        (int) len, name);
            return DEBAR_ERROR;
        }

        f->n++;
        p = name + len + (p[1] == '{');
        from = p;
    }

    f->parts[f->n].literal = debar_str(from, (size_t) (p - from));

    return DEBAR_OK;
}


int
debar_access_format(debar_access_format_t *f, const char *text,
    debar_fault_t *fault)
{
    unsigned  i, has;

    if (debar_access_parts(f, text, fault) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    for (has = 0, i = 0; i < f->n; i++) {
        has |= 1u << f->parts[i].variable;
    }

    if (!(has & (1u << DEBAR_AV_REQUEST)) && !(has & (1u << DEBAR_AV_URI))) {
        debar_fault(fault, "the format has no $request, nor $request_method "
                    "and $request_uri: name what nginx's log_format says");
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


/* --- text ---------------------------------------------------------------- */

static int
debar_access_hex(const char *p, unsigned n, unsigned *out)
{
    unsigned  i, d;

    for (*out = 0, i = 0; i < n; i++) {
        d = p[i] >= '0' && p[i] <= '9' ? (unsigned) (p[i] - '0')
            : (p[i] | 0x20) >= 'a' && (p[i] | 0x20) <= 'f'
              ? (unsigned) ((p[i] | 0x20) - 'a' + 10) : 16;

        if (d == 16) {
            return 0;
        }

        *out = *out << 4 | d;
    }

    return 1;
}


static size_t
debar_access_utf8(char *out, unsigned c)
{
    if (c < 0x80) {
        out[0] = (char) c;
        return 1;
    }

    if (c < 0x800) {
        out[0] = (char) (0xc0 | c >> 6);
        out[1] = (char) (0x80 | (c & 63));
        return 2;
    }

    out[0] = (char) (0xe0 | c >> 12);
    out[1] = (char) (0x80 | (c >> 6 & 63));
    out[2] = (char) (0x80 | (c & 63));

    return 3;
}


/*
 * \xHH of nginx, \" and \\ of Squid and JSON, \uHHHH of JSON.  What is undone
 * is never longer than what stood there.
 */

static debar_str_t
debar_access_undo(debar_room_t *room, const char *p, size_t len)
{
    char         *out, *o;
    size_t        i;
    unsigned      c;
    const char   *plain;
    static const char  from[] = "nrtbf", to[] = "\n\r\t\b\f";

    if (memchr(p, '\\', len) == NULL || len > room->left) {
        return debar_str(p, len);
    }

    for (o = out = room->at, i = 0; i < len; i++) {
        if (p[i] != '\\' || i + 1 == len) {
            *o++ = p[i];

        } else if (p[i + 1] == 'x' && len - i >= 4
                   && debar_access_hex(p + i + 2, 2, &c))
        {
            *o++ = (char) c;
            i += 3;

        } else if (p[i + 1] == 'u' && len - i >= 6
                   && debar_access_hex(p + i + 2, 4, &c))
        {
            o += debar_access_utf8(o, c);
            i += 5;

        } else {
            plain = p[i + 1] ? strchr(from, p[i + 1]) : NULL;
            *o++ = plain ? to[plain - from] : p[i + 1];
            i++;
        }
    }

    room->left -= (size_t) (o - out);
    room->at = o;

    return debar_str(out, (size_t) (o - out));
}


static debar_str_t
debar_access_value(debar_str_t s)
{
    if (s.len == 1 && s.data[0] == '-') {
        s.len = 0;
    }

    return s;
}


/* --- a request ----------------------------------------------------------- */

/* "GET http://a.example/ HTTP/1.1"; blanks in a URL are kept. */

static int
debar_access_request(debar_access_t *a, debar_str_t s)
{
    const char  *p, *end, *last;

    end = s.data + s.len;
    p = memchr(s.data, ' ', s.len);

    if (p == NULL || p == s.data) {
        return DEBAR_ERROR;
    }

    for (last = s.data; last < p; last++) {
        if (!debar_is_tchar((uint8_t) *last)) {
            return DEBAR_ERROR;
        }
    }

    last = memrchr(p + 1, ' ', (size_t) (end - p - 1));

    if (last && end - last > 6 && memcmp(last + 1, "HTTP/", 5) == 0) {
        end = last;
    }

    a->method = debar_str(s.data, (size_t) (p - s.data));
    a->url = debar_str(p + 1, (size_t) (end - p - 1));

    return a->url.len ? DEBAR_OK : DEBAR_ERROR;
}


/* The address of "addr:port", "[addr]:port" or an address. */

static debar_str_t
debar_access_client(debar_str_t s)
{
    const char  *p;

    if (s.len && s.data[0] == '[') {
        p = memchr(s.data, ']', s.len);
        return p ? debar_str(s.data + 1, (size_t) (p - s.data - 1)) : s;
    }

    p = memchr(s.data, ':', s.len);

    if (p && memchr(p + 1, ':', s.len - (size_t) (p + 1 - s.data)) == NULL) {
        return debar_str(s.data, (size_t) (p - s.data));
    }

    return s;
}


/* "http://a.example/" has a host of its own; so has a CONNECT's target. */

static int
debar_access_whole(const debar_access_t *a)
{
    return memmem(a->url.data, a->url.len, "://", 3) != NULL
           && a->url.data[0] != '/';
}


static int
debar_access_settle(debar_access_t *a, const char **why)
{
    if (a->url.len == 0) {
        *why = "no request in it";
        return DEBAR_ERROR;
    }

    if (a->method.len == 0) {
        a->method = debar_str("GET", 3);
    }

    if (a->method.len == 7 && memcmp(a->method.data, "CONNECT", 7) == 0) {
        return DEBAR_OK;
    }

    /* Squid's own words for what was no request */

    if (a->url.len > 6 && memcmp(a->url.data, "error:", 6) == 0) {
        return DEBAR_DECLINED;
    }

    if (!debar_access_whole(a) && a->host.len == 0) {
        *why = "a path without its host: log $host, and name the log_format "
               "with --format";
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


/* --- lines by a format --------------------------------------------------- */

static int
debar_access_take(debar_access_t *a, unsigned variable, debar_str_t s)
{
    s = debar_access_value(s);

    switch (variable) {
    case DEBAR_AV_CLIENT:
        a->client = debar_access_client(s);
        break;
    case DEBAR_AV_USER:
        a->user = s;
        break;
    case DEBAR_AV_TIME:
        a->time = debar_access_time(s.data, s.len);
        break;
    case DEBAR_AV_REQUEST:
        return debar_access_request(a, s);
    case DEBAR_AV_METHOD:
        a->method = s;
        break;
    case DEBAR_AV_URI:
        a->url = s;
        break;
    case DEBAR_AV_HOST:
        a->host = s.len ? s : a->host;
        break;
    case DEBAR_AV_SCHEME:
        a->scheme = s;
        break;
    case DEBAR_AV_REFERER:
        a->referer = s;
        break;
    }

    return DEBAR_OK;
}


/* A blank of a format stands for any number of them: columns are padded. */

static const char *
debar_access_literal(const char *p, const char *end, debar_str_t literal)
{
    size_t  i;

    for (i = 0; i < literal.len; i++) {
        if (p == end || *p != literal.data[i]) {
            return NULL;
        }

        p++;

        while (literal.data[i] == ' ' && p < end && *p == ' ') {
            p++;
        }
    }

    return p;
}


/* Where a value ends: before the literal behind it; a backslash hides. */

static const char *
debar_access_end(const char *p, const char *end, debar_str_t next)
{
    if (next.len == 0) {
        return end;
    }

    for ( /* void */ ; p < end; p++) {
        if (*p == '\\' && p + 1 < end) {
            p++;
            continue;
        }

        if (*p == next.data[0] && (size_t) (end - p) >= next.len
            && memcmp(p, next.data, next.len) == 0)
        {
            return p;
        }
    }

    return NULL;
}


static int
debar_access_by_format(debar_access_t *a, const debar_access_format_t *f,
    const char *line, size_t len, debar_room_t *room, const char **why)
{
    unsigned     i;
    const char  *p = line, *end = line + len, *to;

    for (i = 0; i < f->n; i++) {
        to = debar_access_literal(p, end, f->parts[i].literal);

        if (to == NULL) {
            break;
        }

        p = to;
        to = debar_access_end(p, end, f->parts[i + 1].literal);

        /* the last column may be the last of the line */

        if (to == NULL) {
            to = end;
        }

        if (debar_access_take(a, f->parts[i].variable,
                              debar_access_undo(room, p, (size_t) (to - p)))
            != DEBAR_OK)
        {
            *why = "no request line: METHOD URL HTTP/1.1 is wanted";
            return DEBAR_ERROR;
        }

        p = to;
    }

    /* what is behind the request may be missing or more */

    if (a->url.len == 0) {
        *why = "not in this format";
        return DEBAR_ERROR;
    }

    return debar_access_settle(a, why);
}


/* --- audit lines --------------------------------------------------------- */

static const char *
debar_access_blank(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\t')) {
        p++;
    }

    return p;
}


/* The quote that ends the string that begins behind p's. */

static const char *
debar_access_string(const char *p, const char *end)
{
    for (p++; p < end && *p != '"'; p++) {
        if (*p == '\\' && p + 1 < end) {
            p++;
        }
    }

    return p < end ? p : NULL;
}


/* Behind a value of any kind. */

static const char *
debar_access_skip(const char *p, const char *end)
{
    unsigned long  depth;

    for (depth = 0; p < end; p++) {
        if (*p == '"') {
            p = debar_access_string(p, end);

            if (p == NULL) {
                return NULL;
            }

        } else if (*p == '{' || *p == '[') {
            depth++;

        } else if (*p == '}' || *p == ']') {
            if (depth == 0) {
                return p;
            }

            depth--;

        } else if (*p == ',' && depth == 0) {
            return p;
        }
    }

    return NULL;
}


static void
debar_access_member(debar_access_t *a, debar_str_t key, debar_str_t value)
{
    unsigned  i;
    struct {
        const char   *name;
        debar_str_t  *to;
    } known[] = {
        { "method", &a->method },
        { "url", &a->url },
        { "user", &a->user },
        { "client", &a->client },
        { "verdict", &a->verdict }
    };

    if (key.len == 4 && memcmp(key.data, "time", 4) == 0) {
        a->time = debar_access_time(value.data, value.len);
        return;
    }

    for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strlen(known[i].name) == key.len
            && memcmp(known[i].name, key.data, key.len) == 0)
        {
            *known[i].to = value;
        }
    }
}


static int
debar_access_audit(debar_access_t *a, const char *line, size_t len,
    debar_room_t *room, const char **why)
{
    debar_str_t  key;
    const char  *p = line + 1, *end = line + len, *to;

    *why = "not a whole JSON object";

    for (p = debar_access_blank(p, end); p < end && *p == '"'; /* void */ ) {
        to = debar_access_string(p, end);
        if (to == NULL) {
            return DEBAR_ERROR;
        }

        key = debar_str(p + 1, (size_t) (to - p - 1));
        p = debar_access_blank(to + 1, end);

        if (p == end || *p != ':') {
            return DEBAR_ERROR;
        }

        p = debar_access_blank(p + 1, end);
        to = debar_access_skip(p, end);

        if (to == NULL) {
            return DEBAR_ERROR;
        }

        if (*p == '"' && to - p >= 2) {
            debar_access_member(a, key, debar_access_undo(room, p + 1,
                                (size_t) (debar_access_string(p, end) - p
                                          - 1)));
        }

        p = debar_access_blank(to + (*to == ','), end);
    }

    if (p == end || *p != '}') {
        return DEBAR_ERROR;
    }

    if (a->verdict.len == 0) {
        return DEBAR_DECLINED;               /* an outcome */
    }

    if (a->url.len == 0) {
        return DEBAR_DECLINED;               /* a request that was none */
    }

    a->client = debar_access_client(a->client);

    return debar_access_settle(a, why);
}


/* "1795338778.123    120 10.0.0.1 ..." */

static int
debar_access_is_squid(const char *line, size_t len)
{
    size_t  i;

    for (i = 0; i < len && line[i] >= '0' && line[i] <= '9'; i++) { /* void */ }

    return i >= 9 && i + 4 < len && line[i] == '.' && line[i + 4] == ' ';
}


int
debar_access_read(debar_access_t *a, const debar_access_format_t *f,
    const char *line, size_t len, char *room, const char **why)
{
    debar_room_t           r;
    debar_fault_t          fault;
    debar_access_format_t  known;

    memset(a, 0, sizeof(debar_access_t));
    a->time = -1;
    *why = "";

    if (len && line[len - 1] == '\r') {
        len--;
    }

    if (len == 0) {
        return DEBAR_DECLINED;
    }

    if (len > DEBAR_ACCESS_LINE) {
        *why = "longer than a line may be";
        return DEBAR_ERROR;
    }

    r.at = room;
    r.left = DEBAR_ACCESS_LINE;

    if (f) {
        return debar_access_by_format(a, f, line, len, &r, why);
    }

    if (line[0] == '{') {
        return debar_access_audit(a, line, len, &r, why);
    }

    if (debar_access_parts(&known, debar_access_is_squid(line, len)
                                   ? debar_squid_native : debar_combined,
                           &fault)
        != DEBAR_OK)
    {
        *why = "not in a format that is known";
        return DEBAR_ERROR;
    }

    return debar_access_by_format(a, &known, line, len, &r, why);
}
