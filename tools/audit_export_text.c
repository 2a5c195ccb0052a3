/*
 * Decisions read, and as CEF and RFC 5424 syslog.
 */

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <time.h>

#include "audit_export.h"


unsigned  debar_export_enterprise = 32473;


debar_str_t
debar_export_str(const json_t *object, const char *key)
{
    json_t  *value;

    value = json_object_get(object, key);

    return json_is_string(value) ? debar_str(json_string_value(value),
                                             json_string_length(value))
                                 : debar_str("", 0);
}


/* -1: there is none. */

int64_t
debar_export_number(const json_t *object, const char *key)
{
    json_t  *value;

    value = json_object_get(object, key);

    return json_is_integer(value) && json_integer_value(value) >= 0
           ? (int64_t) json_integer_value(value) : -1;
}


/* "addr:port", "[addr]:port", "addr": the address, if it is one, and its
 * port. */

static void
debar_export_addr(char out[48], unsigned *port, debar_str_t s)
{
    char            text[64], *p, *from;
    unsigned char   raw[16];

    out[0] = '\0';
    *port = 0;

    if (s.len == 0 || s.len >= sizeof(text) || memchr(s.data, '\0', s.len)) {
        return;
    }

    memcpy(text, s.data, s.len);
    text[s.len] = '\0';
    from = text;
    p = strrchr(text, ':');

    if (text[0] == '[') {
        from = text + 1;
        p = strchr(text, ']');

        if (p == NULL) {
            return;
        }

        *p++ = '\0';
        p = *p == ':' ? p : NULL;

    } else if (p && strchr(text, ':') != p) {
        p = NULL;                 /* IPv6 without a port */
    }

    if (p) {
        *p++ = '\0';
    }

    if (strlen(from) >= 48 || (inet_pton(AF_INET, from, raw) != 1
                               && inet_pton(AF_INET6, from, raw) != 1))
    {
        return;
    }

    strcpy(out, from);

    if (p && *p && strlen(p) <= 5 && strspn(p, "0123456789") == strlen(p)
        && atoi(p) <= 65535)
    {
        *port = (unsigned) atoi(p);
    }
}


/* Of "http://user@host:port/", of "host:port" as a CONNECT has it.  A host of
 * other characters than hosts have is none. */

static void
debar_export_host(debar_export_t *e, debar_str_t url)
{
    size_t       i, len;
    const char  *p, *end, *at, *colon;

    p = url.data;
    end = p + url.len;
    at = url.len ? memmem(p, url.len, "://", 3) : NULL;

    if (at) {
        len = (size_t) (at - p);

        if ((len == 4 || len == 5) && strncasecmp(p, "https", len) == 0) {
            strcpy(e->scheme, len == 4 ? "http" : "https");
        }

        p = at + 3;
    }

    for (at = p; at < end && (*at == '\0' || strchr("/?#", *at) == NULL); at++)
    {
        if (*at == '@') {
            p = at + 1;
        }
    }

    end = at;
    colon = p < end && *p == '[' ? memchr(p, ']', (size_t) (end - p)) : p;
    colon = colon && colon < end ? memchr(colon, ':', (size_t) (end - colon))
                                 : NULL;

    if (colon) {
        for (at = colon + 1; at < end && isdigit((unsigned char) *at)
                             && e->host_port <= 65535; at++)
        {
            e->host_port = e->host_port * 10 + (unsigned) (*at - '0');
        }

        e->host_port = at == end && e->host_port <= 65535 ? e->host_port : 0;
        end = colon;
    }

    if (p < end && *p == '[' && end[-1] == ']') {
        p++;
        end--;
    }

    len = (size_t) (end - p);

    for (i = 0; i < len && i < sizeof(e->host) - 1; i++) {

        if (!isalnum((unsigned char) p[i])
            && (p[i] == '\0' || strchr(".-_:", p[i]) == NULL))
        {
            break;
        }

        e->host[i] = (char) tolower((unsigned char) p[i]);
    }

    e->host[i == len ? i : 0] = '\0';
}


static int
debar_export_time(debar_export_t *e, debar_str_t s)
{
    size_t             i;
    struct tm          tm;
    unsigned           milli;
    static const char  form[] = "dddd-dd-ddTdd:dd:dd.dddZ";

    if (s.len != sizeof(form) - 1) {
        return DEBAR_ERROR;
    }

    for (i = 0; i < s.len; i++) {
        if (form[i] == 'd' ? !isdigit((unsigned char) s.data[i])
                           : s.data[i] != form[i])
        {
            return DEBAR_ERROR;
        }
    }

    memcpy(e->time, s.data, s.len);
    memset(&tm, 0, sizeof(tm));

    if (sscanf(e->time, "%4d-%2d-%2dT%2d:%2d:%2d.%3uZ", &tm.tm_year,
               &tm.tm_mon, &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec,
               &milli) != 7
        || tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday < 1 || tm.tm_mday > 31
        || tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60)
    {
        return DEBAR_ERROR;
    }

    tm.tm_year -= 1900;
    tm.tm_mon--;
    e->msec = (int64_t) timegm(&tm) * 1000 + milli;

    return DEBAR_OK;
}


int
debar_export_fill(debar_export_t *e, const json_t *line, debar_str_t text)
{
    unsigned     k;
    debar_str_t  s, mode;

    memset(e, 0, sizeof(*e));
    e->line = line;
    e->text = text;

    if (!json_is_object(line)
        || debar_export_time(e, debar_export_str(line, "time")) != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    s = debar_export_str(line, "verdict");

    if (s.len == 0) {
        return debar_export_number(line, "status") >= 0
               || debar_export_str(line, "event").len ? DEBAR_DECLINED
                                                      : DEBAR_ERROR;
    }

    for (k = DEBAR_PASS; k <= DEBAR_BLOCK; k++) {
        if (strlen(debar_action_name(k)) == s.len
            && memcmp(debar_action_name(k), s.data, s.len) == 0)
        {
            break;
        }
    }

    if (k > DEBAR_BLOCK) {
        return DEBAR_ERROR;
    }

    mode = debar_export_str(line, "mode");
    e->verdict = k;
    e->denied = k >= DEBAR_REJECT
                && (mode.len == 0
                    || (mode.len == 7 && memcmp(mode.data, "enforce", 7) == 0));
    debar_export_addr(e->client, &e->client_port,
                      debar_export_str(line, "client"));
    debar_export_host(e, debar_export_str(line, "url"));

    return DEBAR_OK;
}


void
debar_export_upstream(debar_export_t *e)
{
    e->upstream = json_object_get(e->outcome, "upstream");
    e->upstream = e->upstream ? e->upstream
                              : json_object_get(e->line, "upstream");
    debar_export_addr(e->dialled, &e->dialled_port,
                      debar_export_str(e->upstream, "addr"));
}


/* --- escaping -------------------------------------------------------------- */

/* What would end a line, or drive a terminal, is U+FFFD; other characters of
 * special have a backslash before them.  newlines: CEF has a way to write
 * them. */

static void
debar_export_escape(debar_buf_t *b, debar_str_t s, const char *special,
    unsigned newlines)
{
    size_t         i, from;
    const char    *with;
    unsigned char  c;

    for (i = 0, from = 0; i < s.len; i++) {

        c = (unsigned char) s.data[i];

        if (c == 0xc2 && i + 1 < s.len
            && (unsigned char) s.data[i + 1] < 0xa0)
        {
            with = "\xef\xbf\xbd";                    /* C1 */

        } else if (c < 0x20 || c == 0x7f) {
            with = newlines && c == '\n' ? "\\n"
                   : newlines && c == '\r' ? "\\r" : "\xef\xbf\xbd";

        } else if (strchr(special, c)) {
            with = "\\";

        } else {
            continue;
        }

        debar_buf_add(b, s.data + from, i - from);
        debar_buf_add(b, with, strlen(with));
        i += c == 0xc2;
        from = i + (with[0] != '\\' || with[1] != '\0');
    }

    debar_buf_add(b, s.data + from, s.len - from);
}


/* Control characters stand between tokens, where a blank does as well, but for
 * DEL and C1, which JSON leaves in strings as they are. */

void
debar_export_json(debar_buf_t *b, const char *text, size_t len)
{
    size_t         i, from;
    unsigned char  c, next;

    for (i = 0, from = 0; i < len; i++) {

        c = (unsigned char) text[i];

        if (c >= 0x20 && c != 0x7f && c != 0xc2) {
            continue;
        }

        next = c == 0xc2 && i + 1 < len ? (unsigned char) text[i + 1] : 0;

        if (c == 0xc2 && (next < 0x80 || next >= 0xa0)) {
            continue;
        }

        debar_buf_add(b, text + from, i - from);

        if (c < 0x20) {
            debar_buf_add(b, " ", 1);

        } else {
            debar_buf_printf(b, "\\u%04x", c == 0x7f ? c : next);
            i += c == 0xc2;
        }

        from = i + 1;
    }

    debar_buf_add(b, text + from, len - from);
}


static debar_str_t
debar_export_z(const char *s)
{
    return debar_str(s, strlen(s));
}


/* "kind value (where), ..." and authorities, one after the other. */

static void
debar_export_join(debar_buf_t *b, const json_t *array)
{
    size_t        i;
    debar_str_t   s, where;
    const json_t *one;

    for (i = 0; i < json_array_size(array); i++) {
        one = json_array_get(array, i);

        if (i) {
            debar_buf_add(b, ", ", 2);
        }

        if (json_is_string(one)) {
            debar_buf_add(b, json_string_value(one), json_string_length(one));
            continue;
        }

        s = debar_export_str(one, "kind");
        debar_buf_add(b, s.data, s.len);
        s = debar_export_str(one, "value");
        debar_buf_add(b, " ", s.len != 0);
        debar_buf_add(b, s.data, s.len);
        where = debar_export_str(one, "where");

        if (where.len) {
            debar_buf_add(b, " (", 2);
            debar_buf_add(b, where.data, where.len);
            debar_buf_add(b, ")", 1);
        }
    }
}


/* --- CEF ------------------------------------------------------------------- */

/* How long a value may be, in the guide's table of keys for producers (Common
 * Event Format, rev. 25 and later); what is not there has 1023. */

static const struct {
    const char  *key;
    size_t       max;
} debar_cef_lengths[] = {
    { "act", 63 }, { "cs1", 4000 }, { "cs2", 4000 }, { "cs3", 4000 },
    { "cs4", 4000 }, { "cs5", 4000 }, { "cs6", 4000 }, { "dvchost", 100 },
    { "externalId", 40 }, { "fileHash", 255 }, { NULL, 1023 }
};


/* What of a value that length holds, in whole characters. */

static debar_str_t
debar_cef_cut(const char *key, debar_str_t s)
{
    size_t         i, k, n, used;
    unsigned char  c;

    for (k = 0; debar_cef_lengths[k].key; k++) {
        if (strcmp(debar_cef_lengths[k].key, key) == 0) {
            break;
        }
    }

    for (i = 0, used = 0; i < s.len; i += n) {

        c = (unsigned char) s.data[i];
        n = c < 0xc0 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

        /* a control character becomes U+FFFD */

        used += (c < 0x20 && c != '\n' && c != '\r') || c == 0x7f || c == 0xc2
                ? 3 : n;

        if (used > debar_cef_lengths[k].max) {
            break;
        }
    }

    return debar_str(s.data, i < s.len ? i : s.len);
}


static void
debar_cef(debar_buf_t *b, const char *key, debar_str_t s)
{
    if (s.len) {
        debar_buf_printf(b, " %s=", key);
        debar_export_escape(b, debar_cef_cut(key, s), "\\=", 1);
    }
}


static void
debar_cef_number(debar_buf_t *b, const char *key, int64_t n)
{
    if (n >= 0) {
        debar_buf_printf(b, " %s=%lld", key, (long long) n);
    }
}


/* A field of our own: what it means stands beside it. */

static void
debar_cef_own(debar_buf_t *b, const char *key, const char *label,
    debar_str_t s)
{
    if (s.len) {
        debar_buf_printf(b, " %sLabel=%s", key, label);
        debar_cef(b, key, s);
    }
}


static void
debar_cef_array(debar_buf_t *b, const char *key, const char *label,
    const json_t *array)
{
    debar_buf_t  text;

    memset(&text, 0, sizeof(text));
    debar_export_join(&text, array);
    debar_cef_own(b, key, label, debar_str(text.data ? text.data : "",
                                           text.len));
    debar_buf_free(&text);
}


static void
debar_cef_who(debar_buf_t *b, const debar_export_t *e)
{
    if (e->client[0] == '\0') {
        debar_cef(b, "shost", debar_export_str(e->line, "client"));

    } else if (strchr(e->client, ':')) {
        debar_cef_own(b, "c6a2", "Source IPv6 Address",
                      debar_export_z(e->client));

    } else {
        debar_cef(b, "src", debar_export_z(e->client));
    }

    debar_cef_number(b, "spt", e->client_port ? (int) e->client_port : -1);
    debar_cef(b, "suser", debar_export_str(e->line, "user"));
    debar_cef(b, "dhost", debar_export_z(e->host));

    if (strchr(e->dialled, ':')) {
        debar_cef_own(b, "c6a3", "Destination IPv6 Address",
                      debar_export_z(e->dialled));

    } else {
        debar_cef(b, "dst", debar_export_z(e->dialled));
    }

    debar_cef_number(b, "dpt", e->dialled_port ? (int) e->dialled_port
                               : e->host_port ? (int) e->host_port : -1);
}


void
debar_export_cef(debar_buf_t *b, const debar_export_t *e)
{
    json_t         *list, *content;
    debar_str_t     s;

    static const int          severity[] = { 1, 4, 7, 8 };
    static const char  *const names[] = {
        "Request passed", "Request logged", "Request rejected",
        "Request blocked"
    };

    debar_buf_printf(b, "CEF:0|Debar|debar|" DEBAR_VERSION "|%s|%s|%d|",
                     debar_action_name(e->verdict),
                     e->verdict >= DEBAR_REJECT && !e->denied
                     ? "Request let through, its verdict recorded"
                     : names[e->verdict], severity[e->verdict]);
    debar_buf_printf(b, "rt=%lld", (long long) e->msec);

    debar_cef(b, "externalId", debar_export_str(e->line, "incident"));
    debar_cef(b, "dvchost", debar_export_str(e->line, "gateway"));
    debar_cef(b, "act", debar_export_z(e->denied ? "denied" : "allowed"));
    debar_cef(b, "cat", debar_export_str(e->line, "activity"));
    debar_cef_who(b, e);
    debar_cef(b, "requestMethod", debar_export_str(e->line, "method"));
    debar_cef(b, "request", debar_export_str(e->line, "url"));

    s = debar_export_str(e->line, "fault");
    debar_cef(b, "reason", s);
    debar_cef_own(b, "cs1", "Vendor", debar_export_str(e->line, "vendor"));
    debar_cef_own(b, "cs2", "Product", debar_export_str(e->line, "product"));
    debar_cef_array(b, "cs3", "Authorities",
                    json_object_get(e->line, "authorities"));
    debar_cef_array(b, "cs4", "Evidence", json_object_get(e->line, "evidence"));

    s = debar_export_str(e->line, "waiver");
    debar_cef_own(b, "cs5", s.len ? "Waiver" : "Permit",
                  s.len ? s : debar_export_str(e->line, "permit"));
    list = json_object_get(e->line, "list");
    debar_cef_own(b, "cs6", "ListDigest", debar_export_str(list, "digest"));

    if (debar_export_number(list, "serial") >= 0) {
        debar_buf_printf(b, " cn1Label=ListSerial cn1=%lld",
                         (long long) debar_export_number(list, "serial"));
    }

    if (debar_export_number(e->outcome, "status") >= 0) {
        debar_buf_printf(b, " cn2Label=Status cn2=%lld",
                         (long long) debar_export_number(e->outcome, "status"));
    }

    debar_cef_number(b, "in", debar_export_number(e->outcome, "bytes"));
    content = json_object_get(e->line, "content");
    debar_cef(b, "fname", debar_export_str(content, "name"));
    debar_cef_number(b, "fsize", debar_export_number(content, "size"));
    debar_cef(b, "fileHash", debar_export_str(content, "sha256"));
    debar_buf_add(b, "\n", 1);
}


/* --- syslog ---------------------------------------------------------------- */

static void
debar_syslog(debar_buf_t *b, const char *name, debar_str_t s)
{
    if (s.len) {
        debar_buf_printf(b, " %s=\"", name);
        debar_export_escape(b, s, "\"\\]", 0);
        debar_buf_add(b, "\"", 1);
    }
}


static void
debar_syslog_number(debar_buf_t *b, const char *name, int64_t n)
{
    if (n >= 0) {
        debar_buf_printf(b, " %s=\"%lld\"", name, (long long) n);
    }
}


/* A field of the header: printable ASCII without blanks. */

static void
debar_syslog_host(debar_buf_t *b, debar_str_t s)
{
    char    c;
    size_t  i;

    for (i = 0; i < s.len && i < 255; i++) {
        c = s.data[i] > 0x20 && s.data[i] < 0x7f ? s.data[i] : '_';
        debar_buf_add(b, &c, 1);
    }

    if (s.len == 0) {
        debar_buf_add(b, "-", 1);
    }
}


static void
debar_syslog_head(debar_buf_t *b, const debar_export_t *e)
{
    static const int  severity[] = { 6, 5, 4, 4 };

    debar_buf_printf(b, "<%d>1 %s ", 13 * 8 + severity[e->verdict], e->time);
    debar_syslog_host(b, debar_export_str(e->line, "gateway"));
    debar_buf_printf(b, " debar-audit - %s ", debar_action_name(e->verdict));
}


void
debar_export_cef_syslog(debar_buf_t *b, const debar_export_t *e)
{
    debar_syslog_head(b, e);
    debar_buf_add(b, "- ", 2);
    debar_export_cef(b, e);
}


void
debar_export_syslog(debar_buf_t *b, const debar_export_t *e)
{
    size_t                    i;
    static const char  *const keys[] = {
        "incident", "surface", "client", "user", "method", "url", "activity",
        "mode", "fault", "vendor", "product", "permit", "waiver"
    };

    debar_syslog_head(b, e);
    debar_buf_printf(b, "[debar@%u verdict=\"%s\" denied=\"%u\"",
                     debar_export_enterprise, debar_action_name(e->verdict),
                     e->denied);

    for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        debar_syslog(b, keys[i], debar_export_str(e->line, keys[i]));
    }

    debar_syslog_number(b, "serial",
                        debar_export_number(json_object_get(e->line, "list"),
                                            "serial"));
    debar_syslog_number(b, "status", debar_export_number(e->outcome, "status"));
    debar_syslog_number(b, "bytes", debar_export_number(e->outcome, "bytes"));
    debar_buf_add(b, "] ", 2);
    debar_export_json(b, e->text.data, e->text.len);
    debar_buf_add(b, "\n", 1);
}
