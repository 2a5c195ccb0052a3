/*
 * Lines of access logs: each kind as its program writes it, and lines that are
 * none.
 */

#include "tap.h"
#include "access_log.h"


static char  room[DEBAR_ACCESS_LINE];


typedef struct {
    const char  *what;
    const char  *line;
    const char  *method;
    const char  *url;
    const char  *host;
    const char  *user;
    const char  *client;
    int64_t      time;
} debar_line_case_t;


static const debar_line_case_t  cases[] = {
    { "nginx, a path of a proxy's absolute URL",
      "10.1.2.3 - anna [22/Nov/2026:09:12:58 +0000] \"GET "
      "http://a.example/x?y=1 HTTP/1.1\" 403 153 \"-\" \"curl/7.88.1\"",
      "GET", "http://a.example/x?y=1", "", "anna", "10.1.2.3", 1795338778 },
    { "nginx, a tunnel",
      "10.1.2.3 - - [22/Nov/2026:10:12:58 +0100] \"CONNECT a.example:443 "
      "HTTP/1.1\" 200 0 \"-\" \"-\"",
      "CONNECT", "a.example:443", "", "", "10.1.2.3", 1795338778 },
    { "common, with no referer",
      "2001:db8::7 - - [22/Nov/2026:09:12:58 +0000] \"POST http://a.example/ "
      "HTTP/1.0\" 200 5",
      "POST", "http://a.example/", "", "", "2001:db8::7", 1795338778 },
    { "nginx escapes bytes as \\xHH",
      "10.1.2.3 - - [22/Nov/2026:09:12:58 +0000] \"GET http://a.example/\\xC3"
      "\\xA9\\x22 HTTP/1.1\" 200 5 \"-\" \"-\"",
      "GET", "http://a.example/\xc3\xa9\"", "", "", "10.1.2.3", 1795338778 },
    { "a blank in a URL is of the URL",
      "10.1.2.3 - - [22/Nov/2026:09:12:58 +0000] \"GET http://a.example/a b "
      "HTTP/1.1\" 200 5 \"-\" \"-\"",
      "GET", "http://a.example/a b", "", "", "10.1.2.3", 1795338778 },
    { "Squid, native: columns are padded",
      "1795338778.123    120 10.1.2.3 TCP_MISS/200 1534 GET "
      "http://a.example/x - HIER_DIRECT/192.0.2.1 text/html",
      "GET", "http://a.example/x", "", "", "10.1.2.3", 1795338778 },
    { "Squid, native: a tunnel and its user",
      "1795338778.123  60120 10.1.2.3 TCP_TUNNEL/200 15340 CONNECT "
      "a.example:443 bob HIER_DIRECT/192.0.2.1 -",
      "CONNECT", "a.example:443", "", "bob", "10.1.2.3", 1795338778 },
    { "Squid, combined",
      "10.1.2.3 - bob [22/Nov/2026:09:12:58 +0000] \"GET http://a.example/ "
      "HTTP/1.1\" 200 5 \"-\" \"a \\\"b\\\"\" TCP_MISS:HIER_DIRECT",
      "GET", "http://a.example/", "", "bob", "10.1.2.3", 1795338778 },
    { "audit, a decision",
      "{\"time\":\"2026-11-22T09:12:58.123Z\",\"incident\":\"00\",\"client\":"
      "\"10.1.2.3:5000\",\"user\":\"anna\",\"method\":\"GET\",\"url\":"
      "\"http://a.example/\\u00e9\",\"verdict\":\"block\",\"evidence\":[{"
      "\"kind\":\"host\",\"value\":\"}]\"}],\"list\":{\"serial\":1}}",
      "GET", "http://a.example/\xc3\xa9", "", "anna", "10.1.2.3", 1795338778 },
    { "audit, a client with a v6 address",
      "{\"time\":\"2026-11-22T09:12:58.123Z\",\"client\":\"[2001:db8::7]:5\","
      "\"method\":\"CONNECT\",\"url\":\"a.example:443\",\"verdict\":\"pass\"}",
      "CONNECT", "a.example:443", "", "", "2001:db8::7", 1795338778 }
};


static int
same(debar_str_t s, const char *text)
{
    return s.len == strlen(text) && memcmp(s.data ? s.data : "", text, s.len)
                                    == 0;
}


static void
known(void)
{
    int                       rc;
    size_t                    i;
    const char               *why;
    debar_access_t            a;
    const debar_line_case_t  *c;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        c = &cases[i];
        rc = debar_access_read(&a, NULL, c->line, strlen(c->line), room, &why);

        ok(rc == DEBAR_OK && same(a.method, c->method) && same(a.url, c->url)
           && same(a.host, c->host) && same(a.user, c->user)
           && same(a.client, c->client) && a.time == c->time,
           "%s", c->what);
    }
}


static void
none(void)
{
    size_t          i;
    const char     *why;
    debar_access_t  a;
    static const struct {
        const char  *line;
        int          rc;
    } lines[] = {
        { "", DEBAR_DECLINED },
        { "{\"time\":\"2026-11-22T09:12:58Z\",\"incident\":\"00\","
          "\"status\":200}", DEBAR_DECLINED },
        { "1795338778.123      0 10.1.2.3 NONE/400 3500 - "
          "error:invalid-request - HIER_NONE/- text/html", DEBAR_DECLINED },
        { "{\"time\":\"2026-11-22T09:12:58Z\",\"url\":\"a", DEBAR_ERROR },
        { "{\"a\":{\"b\":[1,2}}", DEBAR_ERROR },
        { "{\"a\"", DEBAR_ERROR },
        { "words that nobody logs", DEBAR_ERROR },
        { "10.1.2.3 - - [22/Nov/2026:09:12:58 +0000] \"\\x16\\x03\\x01\" 400 "
          "150 \"-\" \"-\"", DEBAR_ERROR },
        { "10.1.2.3 - - [22/Nov/2026:09:12:58 +0000] \"GET /x HTTP/1.1\" 200 "
          "5 \"-\" \"-\"", DEBAR_ERROR },
        { "1795338778.123", DEBAR_ERROR }
    };

    for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        ok(debar_access_read(&a, NULL, lines[i].line, strlen(lines[i].line),
                             room, &why)
           == lines[i].rc, "%s: %s", lines[i].rc == DEBAR_ERROR
           ? "cannot be read" : "is about no request",
           *lines[i].line ? lines[i].line : "an empty line");
    }
}


static void
formats(void)
{
    size_t                  i;
    const char             *why, *line;
    debar_fault_t           fault;
    debar_access_t          a;
    debar_access_format_t   f;
    static const char *const  bad[] = {
        "$remote_addr $status", "$request$status", "$", "${request",
        "no variable"
    };

    ok(debar_access_format(&f, "$time_iso8601|${remote_addr}|$host|\"$request\""
                           "|$upstream_addr", &fault) == DEBAR_OK,
       "a log_format");

    line = "2026-11-22T10:12:58+01:00|10.1.2.3|a.example|\"GET /x HTTP/1.1\"|-";
    ok(debar_access_read(&a, &f, line, strlen(line), room, &why) == DEBAR_OK
       && same(a.host, "a.example") && same(a.url, "/x")
       && a.time == 1795338778, "a path of a host");

    ok(debar_access_format(&f, "{\"a\":\"$remote_addr\",\"m\":\"$request_method"
                           "\",\"u\":\"$request_uri\",\"h\":\"$host\"}", &fault)
       == DEBAR_OK, "a log_format that writes JSON");

    line = "{\"a\":\"10.1.2.3\",\"m\":\"GET\",\"u\":\"/\\\"x\",\"h\":\"b\"}";
    ok(debar_access_read(&a, &f, line, strlen(line), room, &why) == DEBAR_OK
       && same(a.url, "/\"x") && same(a.host, "b"), "its quotes are undone");

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ok(debar_access_format(&f, bad[i], &fault) == DEBAR_ERROR
           && fault.text[0], "no format: %s: %s", bad[i], fault.text);
    }
}


static void
times(void)
{
    ok(debar_access_time("29/Feb/2024:23:59:59 -0500", 26) == 1709269199,
       "a leap day, west of Greenwich");
    ok(debar_access_time("1970-01-01T00:00:00Z", 20) == 0, "the epoch");
    ok(debar_access_time("32/Foo/2024:23:59:59 -0500", 26) == -1
       && debar_access_time("2024-13-01T00:00:00Z", 20) == -1
       && debar_access_time("2024-12-01T24:00:00Z", 20) == -1
       && debar_access_time("-", 1) == -1 && debar_access_time("", 0) == -1,
       "no times");
}


int
main(void)
{
    known();
    none();
    formats();
    times();

    return done();
}
