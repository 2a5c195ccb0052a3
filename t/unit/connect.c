/*
 * Heads of CONNECT requests, the credentials that some carry, and answers.
 */

#include "tap.h"
#include "connect.h"

#include <stdlib.h>


#define OK     DEBAR_HEAD_OK
#define MORE   DEBAR_HEAD_MORE
#define OTHER  DEBAR_HEAD_OTHER
#define BAD    DEBAR_HEAD_BAD

#define TEXT(s)   s, sizeof(s) - 1

#define LINE      "CONNECT vendor.example:443 HTTP/1.1\r\n"
#define HOST      "Host: vendor.example:443\r\n"


typedef struct {
    const char  *in;
    size_t       len;
    int          rc;
    const char  *authority;
    const char  *fault;           /* a word of it */
    const char  *claim;
} head_case_t;


static const head_case_t  heads[] = {
    { TEXT(LINE HOST "\r\n"), OK, "vendor.example:443", NULL, "a head" },
    { TEXT("CONNECT vendor.example:443 HTTP/1.1\nHost: x\n\n"), OK,
      "vendor.example:443", NULL, "LF at the ends of lines" },
    { TEXT("CONNECT vendor.example:443 HTTP/1.1\r\nHost: x\n\r\n"), OK,
      "vendor.example:443", NULL, "LF and CRLF mixed" },
    { TEXT("CONNECT a:1 HTTP/1.0\r\n\r\n"), OK, "a:1", NULL,
      "HTTP/1.0 without a field" },
    { TEXT("CONNECT [2001:db8::1]:443 HTTP/1.1\r\n\r\n"), OK,
      "[2001:db8::1]:443", NULL, "an IPv6 literal" },
    { TEXT("CONNECT user@a%2eexample:443,b HTTP/1.1\r\n\r\n"), OK,
      "user@a%2eexample:443,b", NULL, "an odd target stands as sent" },
    { TEXT("CONNECT b\xc3\xbc" "cher.example:443 HTTP/1.1\r\n\r\n"), OK,
      "b\xc3\xbc" "cher.example:443", NULL, "so does one in UTF-8" },
    { TEXT("CONNECT vendor.example HTTP/1.1\r\n\r\n"), OK, "vendor.example",
      NULL, "no port" },
    { TEXT(LINE HOST "\r\n\x16\x03\x01"), OK, "vendor.example:443", NULL,
      "a hello behind the head" },
    { TEXT(LINE HOST "\r\n\r\n\r\n"), OK, "vendor.example:443", NULL,
      "empty lines behind the head" },
    { TEXT(LINE "X-Empty:\r\n\r\n"), OK, "vendor.example:443", NULL,
      "an empty field" },
    { TEXT(LINE "X: \xff\t~\r\n\r\n"), OK, "vendor.example:443", NULL,
      "a tab and bytes over 127 in a field" },
    { TEXT(LINE "!#$%&'*+-.^_`|~09azAZ: x\r\n\r\n"), OK, "vendor.example:443",
      NULL, "every kind of byte of a token in a name" },
    { TEXT(LINE "X: a:b: c\r\n\r\n"), OK, "vendor.example:443", NULL,
      "colons in a field" },
    { TEXT(LINE "Content-Length: 0\r\n\r\n"), OK, "vendor.example:443", NULL,
      "a body of no bytes" },

    { TEXT(""), MORE, NULL, NULL, "nothing yet" },
    { TEXT("CONN"), MORE, NULL, NULL, "a part of the method" },
    { TEXT("CONNECT "), MORE, NULL, NULL, "the method" },
    { TEXT("CONNECT vendor.example:443"), MORE, NULL, NULL,
      "a target that may go on" },
    { TEXT("CONNECT vendor.example:443 HTTP/1.1\r"), MORE, NULL, NULL,
      "a line but for its LF" },
    { TEXT(LINE HOST), MORE, "vendor.example:443", NULL,
      "no empty line yet" },
    { TEXT(LINE HOST "\r"), MORE, "vendor.example:443", NULL,
      "half an empty line" },

    { TEXT("GET http://vendor.example/ HTTP/1.1\r\n"), OTHER, NULL, NULL,
      "a GET" },
    { TEXT("G"), OTHER, NULL, NULL, "one letter of another method" },
    { TEXT("COPY"), OTHER, NULL, NULL, "a method that begins alike" },
    { TEXT("CONNECTED x"), OTHER, NULL, NULL, "a longer method" },
    { TEXT("connect vendor.example:443 HTTP/1.1\r\n\r\n"), OTHER, NULL, NULL,
      "lower case: methods are case-sensitive" },
    { TEXT("CONNECT\tvendor.example:443 HTTP/1.1\r\n\r\n"), OTHER, NULL, NULL,
      "a tab behind the method" },
    { TEXT("CONNECT\r\n"), OTHER, NULL, NULL, "a method alone" },
    { TEXT("\r\nCONNECT vendor.example:443 HTTP/1.1\r\n"), OTHER, NULL, NULL,
      "an empty line in front" },
    { TEXT(" CONNECT "), OTHER, NULL, NULL, "a space in front" },
    { TEXT("\x16\x03\x01"), OTHER, NULL, NULL, "TLS" },
    { TEXT("PRI * HTTP/2.0"), OTHER, NULL, NULL, "the preface of HTTP/2" },

    { TEXT("CONNECT  vendor.example:443 HTTP/1.1\r\n"), BAD,
      " vendor.example:443", "space", "two spaces behind the method" },
    { TEXT("CONNECT vendor.example:443  HTTP/1.1\r\n"), BAD,
      "vendor.example:443 ", "space", "two spaces behind the target" },
    { TEXT("CONNECT a.example b.example HTTP/1.1\r\n"), BAD,
      "a.example b.example", "space", "two targets, of which none is lost" },
    { TEXT("CONNECT a\tb HTTP/1.1\r\n"), BAD, "a\tb", "space",
      "a tab in the target" },
    { TEXT("CONNECT a\0b HTTP/1.1\r\n"), BAD, "a", "space",
      "a NUL in the target" },
    { TEXT("CONNECT a\rb HTTP/1.1\r\n"), BAD, "a\rb", "space",
      "a CR in the target" },
    { TEXT("CONNECT a\x7f" "b HTTP/1.1\r\n"), BAD, "a\x7f" "b", "space",
      "DEL in the target" },
    { TEXT("CONNECT  HTTP/1.1\r\n"), BAD, "", "without a target",
      "no target" },
    { TEXT("CONNECT vendor.example:443\r\n"), BAD, "vendor.example:443",
      "without a version", "no version" },
    { TEXT("CONNECT \r\n"), BAD, "", "without a version",
      "neither target nor version" },
    { TEXT("CONNECT a:1 HTTP/1.1 \r\n"), BAD, "a:1 HTTP/1.1", "a version",
      "a space at the end of the line" },
    { TEXT("CONNECT a:1 HTTP/1.1\r\r\n"), BAD, "a:1", "a version",
      "two CR at the end of the line" },
    { TEXT("CONNECT a:1 HTTP/1.2\r\n"), BAD, "a:1", "a version", "HTTP/1.2" },
    { TEXT("CONNECT a:1 HTTP/2.0\r\n"), BAD, "a:1", "a version", "HTTP/2.0" },
    { TEXT("CONNECT a:1 HTTP/0.9\r\n"), BAD, "a:1", "a version", "HTTP/0.9" },
    { TEXT("CONNECT a:1 HTTP/1.\r\n"), BAD, "a:1", "a version",
      "no minor version" },
    { TEXT("CONNECT a:1 HTTP/1.11\r\n"), BAD, "a:1", "a version", "HTTP/1.11" },
    { TEXT("CONNECT a:1 http/1.1\r\n"), BAD, "a:1", "a version",
      "a version in lower case" },
    { TEXT("CONNECT a:1 HTTP/01.1\r\n"), BAD, "a:1", "a version",
      "a zero in front of the version" },

    { TEXT(LINE " Host: x\r\n\r\n"), BAD, "vendor.example:443", "folded",
      "a space in front of the first field" },
    { TEXT(LINE HOST "\tmore\r\n\r\n"), BAD, "vendor.example:443", "folded",
      "a field that goes on behind a tab" },
    { TEXT(LINE " \r\n\r\n"), BAD, "vendor.example:443", "folded",
      "a line of a space" },
    { TEXT(LINE "Host : x\r\n\r\n"), BAD, "vendor.example:443", "token",
      "a space before the colon" },
    { TEXT(LINE "Host\t: x\r\n\r\n"), BAD, "vendor.example:443", "token",
      "a tab before the colon" },
    { TEXT(LINE "Ho st: x\r\n\r\n"), BAD, "vendor.example:443", "token",
      "a space in a name" },
    { TEXT(LINE "Ho\0st: x\r\n\r\n"), BAD, "vendor.example:443", "token",
      "a NUL in a name" },
    { TEXT(LINE "H\xc3\xb6st: x\r\n\r\n"), BAD, "vendor.example:443", "token",
      "a name in UTF-8" },
    { TEXT(LINE ": x\r\n\r\n"), BAD, "vendor.example:443", "without a name",
      "no name" },
    { TEXT(LINE "Host\r\n\r\n"), BAD, "vendor.example:443", "without a name",
      "no colon" },
    { TEXT(LINE "X: a\0b\r\n\r\n"), BAD, "vendor.example:443", "control",
      "a NUL in a field" },
    { TEXT(LINE "X:\0b\r\n\r\n"), BAD, "vendor.example:443", "control",
      "a NUL right behind the colon" },
    { TEXT(LINE "X: a\rb\r\n\r\n"), BAD, "vendor.example:443", "control",
      "a CR in a field" },
    { TEXT(LINE "X: a\r\r\n\r\n"), BAD, "vendor.example:443", "control",
      "two CR at the end of a field" },
    { TEXT(LINE "X: a\x1b\r\n\r\n"), BAD, "vendor.example:443", "control",
      "an escape in a field" },
    { TEXT(LINE "X: a\x7f\r\n\r\n"), BAD, "vendor.example:443", "control",
      "DEL in a field" },
    { TEXT(LINE "\r\r\n"), BAD, "vendor.example:443", "token",
      "an empty line of two CR" },

    { TEXT(LINE "Content-Length: 5\r\n\r\nhello"), BAD, "vendor.example:443",
      "body", "a body" },
    { TEXT(LINE "Content-Length: 0\r\ncontent-length: 5\r\n\r\n"), BAD,
      "vendor.example:443", "body", "two lengths" },
    { TEXT(LINE "Content-Length: -0\r\n\r\n"), BAD, "vendor.example:443",
      "body", "a length that is no number" },
    { TEXT(LINE "Content-Length:\r\n\r\n"), BAD, "vendor.example:443", "body",
      "an empty length" },
    { TEXT(LINE "Transfer-Encoding: chunked\r\n\r\n"), BAD,
      "vendor.example:443", "body", "a chunked body" },
    { TEXT(LINE "transfer-encoding: identity\r\n\r\n"), BAD,
      "vendor.example:443", "body", "any transfer encoding" }
};


typedef struct {
    const char  *in;
    int          rc;
    const char  *user;
    const char  *password;
    const char  *claim;
} basic_case_t;


static const basic_case_t  basics[] = {
    { "Basic dXNlcjpwYXNz", DEBAR_OK, "user", "pass", "user and password" },
    { "basic dXNlcjpwYXNz", DEBAR_OK, "user", "pass",
      "a scheme in lower case" },
    { "BASIC   dXNlcjpwYXNz", DEBAR_OK, "user", "pass", "three spaces" },
    { "Basic dXNlcjo=", DEBAR_OK, "user", "", "an empty password" },
    { "Basic dTpw", DEBAR_OK, "u", "p", "no padding needed" },
    { "Basic dTo=", DEBAR_OK, "u", "", "one byte of padding" },
    { "Basic dTpwYQ==", DEBAR_OK, "u", "pa", "two bytes of padding" },
    { "Basic dTphOmI6Yw==", DEBAR_OK, "u", "a:b:c",
      "colons in the password" },
    { "Basic dTphIGI=", DEBAR_OK, "u", "a b", "a space in the password" },
    { "Basic dTpAQA==", DEBAR_OK, "u", "@@", "a digit of no bits" },
    { "Basic Yjx8Pjo+Pz9+", DEBAR_OK, "b<|>", ">??~", "a plus sign" },
    { "Basic w7w6w78/", DEBAR_OK, "\xc3\xbc", "\xc3\xbf?",
      "UTF-8, and a slash" },

    { NULL, DEBAR_DECLINED, NULL, NULL, "no credentials" },
    { "", DEBAR_DECLINED, NULL, NULL, "an empty field" },
    { "Basi", DEBAR_DECLINED, NULL, NULL, "a part of the scheme" },
    { "Basil dTpw", DEBAR_DECLINED, NULL, NULL, "a scheme as long" },
    { "Basics dTpw", DEBAR_DECLINED, NULL, NULL, "a longer scheme" },
    { "Basic\tdTpw", DEBAR_DECLINED, NULL, NULL, "a tab behind it" },
    { "Digest username=\"u\"", DEBAR_DECLINED, NULL, NULL, "Digest" },
    { "Negotiate YII=", DEBAR_DECLINED, NULL, NULL, "Negotiate" },

    { "Basic", DEBAR_ERROR, NULL, NULL, "the scheme alone" },
    { "Basic ", DEBAR_ERROR, NULL, NULL, "a space behind it" },
    { "Basic dXNlcg==", DEBAR_ERROR, NULL, NULL, "no colon" },
    { "Basic OnBhc3M=", DEBAR_ERROR, NULL, NULL, "an empty user" },
    { "Basic dXNlcjpwYXN", DEBAR_ERROR, NULL, NULL, "a digit that is missing" },
    { "Basic dXNlcjo", DEBAR_ERROR, NULL, NULL, "padding that is missing" },
    { "Basic dXNlcjo==", DEBAR_ERROR, NULL, NULL, "too much padding" },
    { "Basic dX==cjpw", DEBAR_ERROR, NULL, NULL, "padding in the middle" },
    { "Basic ====", DEBAR_ERROR, NULL, NULL, "padding alone" },
    { "Basic d===", DEBAR_ERROR, NULL, NULL, "three bytes of padding" },
    { "Basic dTp", DEBAR_ERROR, NULL, NULL, "three digits" },
    { "Basic dXNlcjq=", DEBAR_ERROR, NULL, NULL, "bits set behind the end" },
    { "Basic dTpwYR==", DEBAR_ERROR, NULL, NULL, "and behind two" },
    { "Basic dTpw dTpw", DEBAR_ERROR, NULL, NULL, "a space within" },
    { "Basic dTpw\x01" "AAA", DEBAR_ERROR, NULL, NULL, "a control within" },
    { "Basic dTp-", DEBAR_ERROR, NULL, NULL, "base64url" },
    { "Basic dTpw,x==", DEBAR_ERROR, NULL, NULL, "a comma" },
    { "Basic dTpw\xc3\xbc" "==", DEBAR_ERROR, NULL, NULL, "bytes over 127" },
    { "Basic dTphAGI=", DEBAR_ERROR, NULL, NULL, "a NUL in the password" },
    { "Basic dQpiOmM=", DEBAR_ERROR, NULL, NULL, "a line feed in the user" },
    { "Basic Cjp4", DEBAR_ERROR, NULL, NULL, "a line feed first" },
    { "Basic dTp/", DEBAR_ERROR, NULL, NULL, "DEL in the password" }
};


/* Parses a copy that ends where memory ends, for the sanitizer. */

static int
parse(debar_connect_t *c, char **copy, const char *data, size_t len)
{
    free(*copy);
    *copy = malloc(len ? len : 1);
    memcpy(*copy, data, len);

    return debar_connect_parse(c, *copy, len);
}


static int
same(debar_str_t s, const char *want)
{
    if (want == NULL) {
        return s.data == NULL;
    }

    return s.data && s.len >= strlen(want)
           && memcmp(s.data, want, strlen(want)) == 0
           && (s.len == strlen(want) || s.data[strlen(want)] == '\0');
}


static void
tables(void)
{
    int               rc;
    char             *p = NULL;
    size_t            bad, i, n;
    debar_connect_t   c;

    for (i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        rc = parse(&c, &p, heads[i].in, heads[i].len);

        ok(rc == heads[i].rc && same(c.authority, heads[i].authority)
           && (rc == BAD) == (c.fault != NULL)
           && (rc != BAD || strstr(c.fault, heads[i].fault)),
           "%s (%d, %s)", heads[i].claim, rc, c.fault ? c.fault : "no fault");

        if (rc != OK) {
            continue;
        }

        n = c.len;
        bad = p[n - 1] != '\n' || (p[n - 2] != '\n' && p[n - 3] != '\n');

        while (n-- > 0) {
            bad += parse(&c, &p, heads[i].in, n) != MORE;
        }

        is_int(bad, 0, "and every beginning of it asks for more");
    }

    free(p);
}


static void
fields(void)
{
    char             *p = NULL;
    debar_connect_t   c;

    parse(&c, &p, TEXT(LINE HOST "User-Agent: curl/7.88.1\r\n"
                       "Proxy-Authorization:Basic dTpw \t\r\n\r\nrest"));

    is_int(c.len, sizeof(LINE HOST "User-Agent: curl/7.88.1\r\n"
                         "Proxy-Authorization:Basic dTpw \t\r\n\r\n") - 1,
           "the length is that of the head");
    is_int(c.minor, 1, "HTTP/1.1");
    is_int(c.nhosts, 1, "one Host");
    is_mem(c.hosts[0].data, c.hosts[0].len, "vendor.example:443", "its value");
    is_int(c.more_hosts, 0, "no more");
    is_mem(c.user_agent.data, c.user_agent.len, "curl/7.88.1", "User-Agent");
    is_int(c.nauthorization, 1, "one Proxy-Authorization");
    is_mem(c.authorization.data, c.authorization.len, "Basic dTpw",
           "blanks around it are gone");
    is_int(c.has_body, 0, "no body");

    parse(&c, &p, TEXT("CONNECT a:1 HTTP/1.0\r\n\r\n"));
    is_int(c.minor, 0, "HTTP/1.0");
    ok(c.nhosts == 0 && c.authorization.data == NULL
       && c.nauthorization == 0 && c.user_agent.data == NULL,
       "fields that are not there");

    parse(&c, &p, TEXT(LINE "hOsT:a\r\nHOST: b\r\nhost:\tc\t\r\nHost:\r\n"
                       "Host: e\r\nHost: f\r\n\r\n"));
    is_int(c.nhosts, 4, "four Hosts are kept");
    is_int(c.more_hosts, 2, "more are counted");
    is_mem(c.hosts[0].data, c.hosts[0].len, "a", "the first");
    is_mem(c.hosts[2].data, c.hosts[2].len, "c", "the third, trimmed");
    ok(c.hosts[3].len == 0 && c.hosts[3].data, "an empty one is one");

    parse(&c, &p, TEXT(LINE "Proxy-Authorization: Basic dTpw\r\n"
                       "proxy-authorization: Basic eDp5\r\n"
                       "User-Agent: a\r\nUser-Agent: b\r\n\r\n"));
    is_int(c.nauthorization, 2, "two Proxy-Authorizations are counted");
    is_mem(c.authorization.data, c.authorization.len, "Basic dTpw",
           "the first is kept");
    is_mem(c.user_agent.data, c.user_agent.len, "a", "the first User-Agent");

    parse(&c, &p, TEXT(LINE "Proxy-Authorization:\r\n\r\n"));
    ok(c.authorization.data && c.authorization.len == 0
       && c.nauthorization == 1, "empty credentials are not none");

    parse(&c, &p, TEXT(LINE "Authorization: x\r\nX-Host: y\r\nHosts: z\r\n"
                       "Hos: z\r\n\r\n"));
    ok(c.nhosts == 0 && c.nauthorization == 0, "names that are nearly these");

    parse(&c, &p, TEXT(LINE HOST "Content-Length: 1\r\n\r\nx"));
    ok(c.has_body == 1 && c.len == sizeof(LINE HOST) - 1 + 21
       && c.nhosts == 1, "a head with a body is read to its end");

    free(p);
}


/* A head of total bytes, by a long field. */

static int
sized(debar_connect_t *c, size_t total, size_t given)
{
    int      rc;
    char    *p;
    size_t   n;

    n = sizeof(LINE "X: ") - 1;
    p = malloc(total);
    memset(p, 'x', total);
    memcpy(p, LINE "X: ", n);
    memcpy(p + total - 4, "\r\n\r\n", 4);

    rc = debar_connect_parse(c, p, given);
    free(p);

    return rc;
}


static void
bounds(void)
{
    char             *p;
    size_t            n;
    debar_connect_t   c;

    is_int(sized(&c, DEBAR_MAX_HEAD, DEBAR_MAX_HEAD), OK, "32768 bytes");
    is_int(c.len, DEBAR_MAX_HEAD, "and all of them are the head");
    is_int(sized(&c, DEBAR_MAX_HEAD, DEBAR_MAX_HEAD - 1), MORE,
           "but for the last");
    is_int(sized(&c, DEBAR_MAX_HEAD + 1, DEBAR_MAX_HEAD - 1), MORE,
           "16385 bytes before the bound");
    is_int(sized(&c, DEBAR_MAX_HEAD + 1, DEBAR_MAX_HEAD),
           DEBAR_HEAD_TOO_LARGE, "at the bound");
    is_int(sized(&c, DEBAR_MAX_HEAD + 1, DEBAR_MAX_HEAD + 1),
           DEBAR_HEAD_TOO_LARGE, "and whole");
    is_int(sized(&c, 100000, 100000), DEBAR_HEAD_TOO_LARGE, "100 KB");

    n = DEBAR_MAX_HEAD;
    p = malloc(n);
    memset(p, 'x', n);
    memcpy(p, "CONNECT ", 8);
    is_int(debar_connect_parse(&c, p, n - 1), MORE, "a target without end");
    is_int(debar_connect_parse(&c, p, n), DEBAR_HEAD_TOO_LARGE,
           "at the bound");
    free(p);
}


static void
credentials(void)
{
    int           rc;
    char         *in, out[64];
    size_t        i, n;
    debar_str_t   password, user;

    for (i = 0; i < sizeof(basics) / sizeof(basics[0]); i++) {
        n = basics[i].in ? strlen(basics[i].in) : 0;
        in = basics[i].in ? memcpy(malloc(n ? n : 1), basics[i].in, n) : NULL;

        rc = debar_connect_basic(debar_str(in, n), out, sizeof(out), &user,
                                 &password);
        free(in);

        ok(rc == basics[i].rc
           && (rc != DEBAR_OK
               || (strcmp(user.data, basics[i].user) == 0
                   && user.len == strlen(basics[i].user)
                   && strcmp(password.data, basics[i].password) == 0
                   && password.len == strlen(basics[i].password))),
           "credentials: %s", basics[i].claim);
    }

    for (n = 0; n < 12; n++) {
        in = malloc(n ? n : 1);
        rc = debar_connect_basic(debar_str("Basic dXNlcjpwYXNz", 18), in, n,
                                 &user, &password);
        ok(rc == (n < 10 ? DEBAR_ERROR : DEBAR_OK),
           "nine bytes and a NUL in room for %zu", n);

        rc = debar_connect_basic(debar_str("Basic dTpwYQ==", 14), in, n,
                                 &user, &password);
        ok(rc == (n < 5 ? DEBAR_ERROR : DEBAR_OK),
           "four bytes, padded, and a NUL in room for %zu", n);
        free(in);
    }
}


typedef struct {
    const char  *in;
    size_t       len;
    int          rc;
    unsigned     status;
    const char  *reason;
    size_t       rest;            /* bytes that are not of the head */
    const char  *claim;
} reply_case_t;


static const reply_case_t  replies[] = {
    { TEXT("HTTP/1.1 200 Connection established\r\n\r\n"), OK, 200,
      "Connection established", 0, "a 200" },
    { TEXT("HTTP/1.0 200 OK\n\n"), OK, 200, "OK", 0, "of HTTP/1.0, by LF" },
    { TEXT("HTTP/1.1 200\r\n\r\n"), OK, 200, "", 0, "without a reason" },
    { TEXT("HTTP/1.1 200 \r\n\r\n"), OK, 200, "", 0, "with an empty one" },
    { TEXT("HTTP/1.1 204 No\r\nContent-Length: 9\r\nX\r\n\r\n\x16\x03\r"),
      OK, 204, "No", 3, "fields are not looked at, what follows is not taken" },
    { TEXT("HTTP/1.1 407 Who\xe4 \t\r\nProxy-Authenticate: Basic\r\n\r\nx"),
      OK, 407, "Who\xe4", 1, "a 407" },
    { TEXT("HTTP/1.1 101 Switching\r\n\r\n"), OK, 101, "Switching", 0,
      "a 101 is final" },
    { TEXT("HTTP/1.1 100 Go\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\n"
           "HTTP/1.1 403 No\r\n\r\nbody"), OK, 403, "No", 4,
      "interim answers are passed over" },

    { TEXT(""), MORE, 0, NULL, 0, "nothing" },
    { TEXT("HTT"), MORE, 0, NULL, 0, "a beginning" },
    { TEXT("HTTP/1.1 200 OK\r\nVia: x\r\n"), MORE, 200, NULL, 0,
      "no empty line" },
    { TEXT("HTTP/1.1 100 Go\r\n\r\nHT"), MORE, 100, NULL, 0,
      "a beginning behind an interim answer" },

    { TEXT("2"), BAD, 0, NULL, 0, "another protocol, by its first byte" },
    { TEXT("HTTP/2"), BAD, 0, NULL, 0, "HTTP/2" },
    { TEXT("\x15\x03\x01"), BAD, 0, NULL, 0, "TLS" },
    { TEXT("HTTP/1.1 100 Go\r\n\r\nx"), BAD, 100, NULL, 0,
      "no answer behind an interim one" },
    { TEXT("HTTP/1.1 20\r\n"), BAD, 0, NULL, 0, "a status of two digits" },
    { TEXT("HTTP/1.1 2000\r\n"), BAD, 0, NULL, 0, "of four" },
    { TEXT("HTTP/1.1 2x0 OK\r\n"), BAD, 0, NULL, 0, "of other than digits" },
    { TEXT("HTTP/1.1 099 OK\r\n"), BAD, 0, NULL, 0, "below 100" },
    { TEXT("HTTP/1.1 600 OK\r\n"), BAD, 0, NULL, 0, "above 599" },
    { TEXT("HTTP/1.x 200 OK\r\n"), BAD, 0, NULL, 0, "no version" },
    { TEXT("HTTP/1.1  200 OK\r\n"), BAD, 0, NULL, 0, "two spaces" },
    { TEXT("HTTP/1.1 200 O\0K\r\n"), BAD, 0, NULL, 0, "a NUL" },
    { TEXT("HTTP/1.1 200 OK\r\nX: \x1b[31m\r\n"), BAD, 200, NULL, 0,
      "an escape in a field" },
    { TEXT("HTTP/1.1 200 OK\r\nX: a\rb\r\n"), BAD, 200, NULL, 0,
      "a CR in a line" },
};


static int
parse_reply(debar_connect_reply_t *r, char **copy, const char *data,
    size_t len)
{
    free(*copy);
    *copy = malloc(len ? len : 1);
    memcpy(*copy, data, len);

    return debar_connect_reply_parse(r, *copy, len);
}


static void
answers(void)
{
    int                     bad;
    char                   *p = NULL, *long_one;
    size_t                  i, n;
    const reply_case_t     *t;
    debar_connect_reply_t   r;

    for (i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
        t = &replies[i];

        is_int(parse_reply(&r, &p, t->in, t->len), t->rc, t->claim);
        ok((t->rc == BAD) == (r.fault != NULL), "a fault where there is one");

        if (t->rc != OK) {
            continue;
        }

        is_int(r.status, t->status, "its status");
        is_mem(r.reason.data, r.reason.len, t->reason, "its reason");
        is_int(r.len, t->len - t->rest, "its length");

        for (bad = 0, n = 0; n < r.len; n++) {
            debar_connect_reply_t  part;

            bad += parse_reply(&part, &p, t->in, n) != MORE;
        }

        is_int(bad, 0, "and every beginning of it asks for more");
    }

    n = 100000;
    long_one = malloc(n);
    memset(long_one, 'x', n);
    memcpy(long_one, "HTTP/1.1 200 OK\r\nX: ", 20);

    is_int(parse_reply(&r, &p, long_one, DEBAR_MAX_REPLY - 1), MORE,
           "16383 bytes of a head");
    is_int(parse_reply(&r, &p, long_one, DEBAR_MAX_REPLY),
           DEBAR_HEAD_TOO_LARGE, "16384 without an end");
    is_int(parse_reply(&r, &p, long_one, n), DEBAR_HEAD_TOO_LARGE, "100 KB");

    memcpy(long_one + DEBAR_MAX_REPLY - 4, "\r\n\r\n", 4);
    is_int(parse_reply(&r, &p, long_one, n), OK, "16384 with one");
    is_int(r.len, DEBAR_MAX_REPLY, "which is where it ends");

    for (n = 0; n < 9; n++) {
        memcpy(long_one + n * 18, "HTTP/1.1 100 A\r\n\r\n", 18);
    }

    is_int(parse_reply(&r, &p, long_one, 8 * 18), MORE,
           "eight interim answers");
    is_int(parse_reply(&r, &p, long_one, 9 * 18), BAD, "nine");

    free(long_one);
    free(p);
}


int
main(void)
{
    tables();
    answers();
    fields();
    bounds();
    credentials();

    return done();
}
