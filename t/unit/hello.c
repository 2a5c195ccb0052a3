/*
 * ClientHellos: real ones, and ones put together from a short notation.
 *
 *   a3     a byte                  'x'    text
 *   { }    a vector behind a length of 1 byte; [ ] of 2 bytes; ( ) of 3
 *   R      the 32 bytes of a random
 */

#include "tap.h"
#include "hello.h"
#include "hellos.h"

#include <stdlib.h>


#define ROOM  (128 * 1024)

#define RECORD(hex)   "160301[" hex "]"
#define BODY(exts)    "0303 R {} [1301] {00}" exts
#define HELLO(exts)   RECORD("01(" BODY("[" exts "]") ")")

#define NAME(text)    "0000[[00['" text "']]]"
#define V13           "002b[{0304}]"

#define OK    DEBAR_HELLO_OK
#define MORE  DEBAR_HELLO_MORE
#define BAD   DEBAR_HELLO_BAD


typedef struct {
    const char  *in;
    int          rc;
    const char  *sni;
    const char  *fault;           /* a word of it */
    const char  *claim;
} hello_case_t;


static const hello_case_t  cases[] = {
    { HELLO(NAME("vendor.example")), OK, "vendor.example", NULL,
      "a name" },
    { HELLO(NAME("VeNdOr.Example")), OK, "VeNdOr.Example", NULL,
      "a name of mixed case stands as sent" },
    { HELLO(NAME("vendor.example.")), OK, "vendor.example.", NULL,
      "so does a trailing dot" },
    { HELLO(""), OK, "", NULL, "no extensions in their vector" },
    { RECORD("01(" BODY("") ")"), OK, "", NULL, "no extensions at all" },
    { HELLO("0a0a[]" V13 NAME("a.example") "1a1a[00]"), OK, "a.example", NULL,
      "GREASE before and behind" },
    { HELLO("abcd['x']" NAME("a.example")), OK, "a.example", NULL,
      "an unknown extension" },
    { HELLO(NAME("a.example")) "1703030001ff", OK, "a.example", NULL,
      "early data behind the hello" },
    { HELLO(NAME("a.example")) "00ff", OK, "a.example", NULL,
      "any bytes behind the hello" },
    { "160300[01(" BODY("[" NAME("a.example") "]") ")]", OK, "a.example", NULL,
      "a record that says SSL 3.0" },
    { "1603ff[01(" BODY("[" NAME("a.example") "]") ")]", OK, "a.example", NULL,
      "a record of an unknown minor version" },
    { RECORD("01(0301 R {} [000a] {00})"), OK, "", NULL, "TLS 1.0" },
    { HELLO("002b[{0301}]"), OK, "", NULL, "TLS 1.0 in its extension" },
    { RECORD("01(0303 R {'12345678901234567890123456789012'} [13011302]"
             "{0100} [" NAME("a.example") "])"), OK, "a.example", NULL,
      "a session id, two suites, two compression methods" },

    { HELLO("0000[[00['a.example']00['b.example']]]"), BAD, "a.example",
      "two server names", "two names in one list" },
    { HELLO(NAME("a.example") NAME("b.example")), BAD, "a.example", "twice",
      "two server_name extensions" },
    { HELLO("0000[[01['a.example']]]"), BAD, "", "not a host_name",
      "a name of another type" },
    { HELLO("0000[[01['a.example']00['b.example']]]"), BAD, "b.example",
      "not a host_name", "a name of another type before a host_name" },
    { HELLO("0000[[00['a.example']01['b.example']]]"), BAD, "a.example",
      "not a host_name", "a name of another type behind a host_name" },
    { HELLO("0000[[00['a.example' 00 '.b.example']]]"), BAD, "a.example",
      "NUL", "a NUL within the name" },
    { HELLO("0000[[00['a.example' 00]]]"), BAD, "a.example", "NUL",
      "a NUL at its end" },
    { HELLO("0000[[00[00 'a.example']]]"), BAD, "", "NUL",
      "a NUL at its beginning" },
    { HELLO("0000[[]]"), BAD, "", "without a name", "an empty list of names" },
    { HELLO("0000[]"), BAD, "", "malformed server_name",
      "a server_name of no bytes" },
    { HELLO("0000[[00[]]]"), BAD, "", "empty server name", "an empty name" },
    { HELLO("0000[[00['a.example']]00]"), BAD, "", "malformed server_name",
      "a byte behind the list of names" },
    { HELLO("0000[[00['a.example']00]]"), BAD, "a.example",
      "malformed server_name", "a type without a name behind a name" },
    { HELLO("0000[000d 00['a.example']]"), BAD, "", "malformed server_name",
      "a list longer than its extension" },
    { HELLO("0000[000b 00['a.example']]"), BAD, "", "malformed server_name",
      "a list shorter than its extension" },
    { HELLO("0000[[00 000a 'a.example']]"), BAD, "", "malformed server_name",
      "a name longer than its list" },
    { HELLO("0000[[00 0008 'a.example']]"), BAD, "a.exampl",
      "malformed server_name", "a name shorter than its list" },
    { HELLO("0000[[00 ffff 'a.example']]"), BAD, "", "malformed server_name",
      "a name of 65535 bytes that are not there" },
    { HELLO("0000 0100 [00['a.example']]"), BAD, "", "end within one",
      "an extension longer than their vector" },
    { HELLO("0000"), BAD, "", "end within one",
      "an extension of a type alone" },
    { HELLO("000000"), BAD, "", "end within one",
      "an extension with half a length" },
    { HELLO("00"), BAD, "", "end within one", "half a type" },
    { HELLO(NAME("a.example") "00"), BAD, "a.example", "end within one",
      "a byte behind the last extension" },
    { RECORD("01(" BODY("[]") "00)"), BAD, "", "behind the extensions",
      "a byte behind the extensions" },
    { RECORD("01(" BODY("0005 00000000") ")"), BAD, "", "within a field",
      "extensions longer than the hello" },
    { RECORD("01(" BODY("00") ")"), BAD, "", "within a field",
      "half a length of extensions" },
    { RECORD("01()"), BAD, "", "within a field", "a hello of no bytes" },
    { RECORD("01(03)"), BAD, "", "within a field", "half a version" },
    { RECORD("01(0303)"), BAD, "", "within a field", "a version alone" },
    { RECORD("01(0303 'short')"), BAD, "", "within a field",
      "a random of five bytes" },
    { RECORD("01(0303 R)"), BAD, "", "within a field", "no session id" },
    { RECORD("01(0303 R 20 00)"), BAD, "", "within a field",
      "a session id that ends early" },
    { RECORD("01(0303 R {'123456789012345678901234567890123'} [1301] {00})"),
      BAD, "", "session id", "a session id of 33 bytes" },
    { RECORD("01(0303 R {})"), BAD, "", "within a field", "no suites" },
    { RECORD("01(0303 R {} [] {00})"), BAD, "", "cipher suites",
      "an empty list of suites" },
    { RECORD("01(0303 R {} [130113] {00})"), BAD, "", "cipher suites",
      "one suite and a half" },
    { RECORD("01(0303 R {} 00ff 1301 {00})"), BAD, "", "within a field",
      "suites longer than the hello" },
    { RECORD("01(0303 R {} [1301])"), BAD, "", "within a field",
      "no compression" },
    { RECORD("01(0303 R {} [1301] {})"), BAD, "", "compression",
      "an empty list of compression methods" },
    { RECORD("01(0403 R {} [1301] {00})"), BAD, "", "unknown version",
      "a hello of version 4.3" },
    { RECORD("01(fefd R {} [1301] {00})"), BAD, "", "unknown version",
      "a hello of DTLS" },
    { HELLO("ff01[{}] ff01[{}]" NAME("a.example")), BAD, "a.example", "twice",
      "any extension twice, and the name is still read" },

    { HELLO("002b[{}]"), BAD, "", "supported_versions", "no versions" },
    { HELLO("002b[{030403}]"), BAD, "", "supported_versions",
      "a version and a half" },
    { HELLO("002b[{0304}00]"), BAD, "", "supported_versions",
      "a byte behind the versions" },
    { HELLO("002b[{0a0a7f1c}]"), BAD, "", "no version",
      "versions that are all unknown" },
    { RECORD("01(0300 R {} [000a] {00})"), BAD, "", "no version", "SSL 3.0" },

    { HELLO("0010[[]]"), BAD, "", "ALPN", "an empty ALPN" },
    { HELLO("0010[[{}]]"), BAD, "", "ALPN", "an empty name in ALPN" },
    { HELLO("0010[[03'h2']]"), BAD, "", "ALPN", "a name that is cut in ALPN" },
    { HELLO("0010[[{'h2'}]00]"), BAD, "", "ALPN", "a byte behind ALPN" },
    { HELLO("0010[]"), BAD, "", "ALPN", "ALPN of no bytes" },

    { HELLO(NAME("a.example") "fe0d[]"), BAD, "a.example", "encrypted",
      "ECH of no bytes" },
    { HELLO(NAME("a.example") "fe0d[02]"), BAD, "a.example", "encrypted",
      "ECH of an unknown type" },
    { HELLO(NAME("a.example") "fe0d[0100]"), BAD, "a.example", "encrypted",
      "ECH of the inner type with bytes behind" },

    { "150301[0100]", BAD, "", "before", "an alert first" },
    { "170303['data']", BAD, "", "before", "application data first" },
    { "140303[01]", BAD, "", "before", "a change of cipher specs first" },
    { "180303[01]", BAD, "", "before", "a heartbeat first" },
    { "160303[02(00)]", BAD, "", "otherwise", "a ServerHello" },
    { "160303[00()]", BAD, "", "otherwise", "a HelloRequest" },
    { "160303[16]", BAD, "", "otherwise", "a byte of another message" },
    { "160303[]", BAD, "", "empty", "an empty record" },
    { "160303[01] 160303[]", BAD, "", "empty", "an empty second record" },
    { "160303 4001 01", BAD, "", "over 16384", "a record of 16385 bytes" },
    { "160303 ffff", BAD, "", "over 16384", "a record of 65535 bytes" },
    { "160303 0004 01004001", BAD, "", "over 16384", "a hello of 16385 bytes" },
    { "160303 0004 01ffffff", BAD, "", "over 16384", "a hello of 16 MiB" },
    { "160303[0100] 150303[0100]", BAD, "", "another record",
      "an alert in the middle" },
    { "160303[0100] 170303[00]", BAD, "", "another record",
      "application data in the middle" },
    { "160303[0100] 47", BAD, "", "another record", "text in the middle" },
    { "160303[0100] 1602", BAD, "", "unknown version",
      "a second record of another version" },
    { "160203", BAD, "", "unknown version", "a record of SSL 2.3" },
    { "16feff", BAD, "", "unknown version", "a record of DTLS" },
    { RECORD("01(" BODY("[" NAME("a.example") "]") ") 01()"), BAD, "",
      "behind the ClientHello", "a second message in the record" },
    { RECORD("01(" BODY("[" NAME("a.example") "]") ") 00"), BAD, "",
      "behind the ClientHello", "a byte behind the hello in its record" },

    { "", MORE, "", NULL, "nothing yet" },
    { "16", MORE, "", NULL, "a byte" },
    { "160301", MORE, "", NULL, "a record's type and version" },
    { "160301 0000", BAD, "", "empty", "a record of no bytes" },
    { "160301 0200", MORE, "", NULL, "the header of a record" },
    { "160301[01]", MORE, "", NULL, "a first record of one byte" },
    { "160301[01] 16", MORE, "", NULL, "and a byte of the second" },
    { "160301[0100]", MORE, "", NULL,
      "two records, of which the second is missing" },
    { "17", MORE, "", NULL, "a byte that may begin a record" },

    { "80", MORE, "", NULL, "a byte that may begin an SSLv2 hello" },
    { "802e", MORE, "", NULL, "two bytes of an SSLv2 hello" },
    { "802e01", MORE, "", NULL, "and its type" },
    { "802e0100", MORE, "", NULL, "and half a version of 0.2" },
    { "802e0103", MORE, "", NULL, "an SSLv2 hello but for half its version" },
    { "802e010301 0015 0000", DEBAR_HELLO_SSLV2, "", NULL,
      "an SSLv2 hello that offers TLS 1.0" },
    { "802e010002 0015", DEBAR_HELLO_SSLV2, "", NULL,
      "an SSLv2 hello that offers SSL 2.0" },
    { "ff2e010303", DEBAR_HELLO_SSLV2, "", NULL, "a long SSLv2 hello" },
    { "802e02", DEBAR_HELLO_NOT_TLS, "", NULL, "another type than 1" },
    { "802e0102", DEBAR_HELLO_NOT_TLS, "", NULL, "another version than 3.x" },
    { "802e010003", DEBAR_HELLO_NOT_TLS, "", NULL, "another version than 0.2" },
    { "'GET / HTTP/1.1'", DEBAR_HELLO_NOT_TLS, "", NULL, "HTTP" },
    { "'SSH-2.0-x'", DEBAR_HELLO_NOT_TLS, "", NULL, "SSH" },
    { "00", DEBAR_HELLO_NOT_TLS, "", NULL, "a NUL" },
    { "13", DEBAR_HELLO_NOT_TLS, "", NULL, "below the types of records" },
    { "19", DEBAR_HELLO_NOT_TLS, "", NULL, "above the types of records" },
    { "1504", DEBAR_HELLO_NOT_TLS, "", NULL,
      "what begins as an alert and goes on otherwise" },
    { "7f", DEBAR_HELLO_NOT_TLS, "", NULL, "seven bits" }
};


typedef struct {
    const char  *in;
    size_t       field;
    unsigned     value;
    const char  *claim;
} field_case_t;

#define FIELD(name)  offsetof(debar_hello_t, name)


static const field_case_t  fields[] = {
    { HELLO(""), FIELD(nnames), 0, "no name" },
    { HELLO(NAME("a")), FIELD(nnames), 1, "one name" },
    { HELLO("0000[[00['a']00['b']]]"), FIELD(nnames), 2, "two names" },
    { HELLO(NAME("a") NAME("b") NAME("c")), FIELD(nnames), 3,
      "three, an extension each" },
    { HELLO("0000[[01['a']]]"), FIELD(nnames), 0,
      "a name of another type is no host_name" },
    { HELLO(NAME("a")), FIELD(sni_nul), 0, "no NUL" },
    { HELLO("0000[[00['a' 00 'b']]]"), FIELD(sni_nul), 1, "a NUL" },
    { HELLO(""), FIELD(ech), 0, "no ECH" },
    { HELLO("fe0d[00 0001 0001 07 ['enc'] ['payload']]"), FIELD(ech), 1,
      "an outer ECH" },
    { HELLO("fe0d[01]"), FIELD(ech), 2, "an inner ECH" },
    { HELLO("fe0d[ff]"), FIELD(ech), 1, "a malformed ECH counts as one" },
    { HELLO(""), FIELD(esni), 0, "no ESNI" },
    { HELLO("ffce[1301 001d ['key'] ['digest'] ['sni']]"), FIELD(esni), 1,
      "ESNI" },
    { HELLO("0000[[00['a']00['b']]] ffce[]"), FIELD(esni), 1,
      "ESNI behind a fault" },
    { HELLO("fe0d[00] 0000[]"), FIELD(ech), 1, "ECH before a fault" },
    { HELLO(""), FIELD(version), 0x0303, "the version of the hello" },
    { RECORD("01(0301 R {} [1301] {00})"), FIELD(version), 0x0301, "TLS 1.0" },
    { RECORD("01(0302 R {} [1301] {00})"), FIELD(version), 0x0302, "TLS 1.1" },
    { RECORD("01(0304 R {} [1301] {00})"), FIELD(version), 0x0303,
      "1.3 without supported_versions is 1.2" },
    { HELLO("002b[{0304}]"), FIELD(version), 0x0304, "TLS 1.3" },
    { HELLO("002b[{0302 0303}]"), FIELD(version), 0x0303,
      "the highest offered stands last" },
    { HELLO("002b[{fafa 0304 0303 0305}]"), FIELD(version), 0x0304,
      "GREASE and what is to come do not count" },
    { HELLO("0010[[{'h2'}{'http/1.1'}]]"), FIELD(h2), 1, "h2 is offered" },
    { HELLO("0010[[{'h2'}{'http/1.1'}]]"), FIELD(http11), 1,
      "http/1.1 beside it" },
    { HELLO("0010[[{'http/1.1'}]]"), FIELD(h2), 0, "http/1.1 alone" },
    { HELLO("0010[[{'H2'}{'h2c'}{'http/1.0'}]]"), FIELD(h2), 0,
      "names that are nearly h2" },
    { HELLO("0010[[{'H2'}{'h2c'}{'http/1.0'}]]"), FIELD(http11), 0,
      "names that are nearly http/1.1" },
    { HELLO("0010[[{'imap'}]]"), FIELD(alpn), 1, "ALPN of another kind" },
    { HELLO(""), FIELD(alpn), 0, "no ALPN" },
    { HELLO(""), FIELD(records), 1, "one record" },
    { "160301[01] 160301[(" BODY("") ")]", FIELD(records), 2, "two records" },
    { HELLO("") "160301[01]", FIELD(records), 1,
      "records behind the hello do not count" }
};


typedef struct {
    const char  *in;
    size_t       len;
    int          other;
} other_case_t;

#define OTHER(s)  s, sizeof(s) - 1


static const other_case_t  others[] = {
    { OTHER(""), DEBAR_OTHER_MORE },
    { OTHER("G"), DEBAR_OTHER_MORE },
    { OTHER("GET"), DEBAR_OTHER_MORE },
    { OTHER("GET "), DEBAR_OTHER_MORE },
    { OTHER("GET /"), DEBAR_OTHER_HTTP },
    { OTHER("GET / HTTP/1.1\r\n"), DEBAR_OTHER_HTTP },
    { OTHER("OPTIONS * HTTP/1.1"), DEBAR_OTHER_HTTP },
    { OTHER("get /"), DEBAR_OTHER_HTTP },
    { OTHER("M-SEARCH *"), DEBAR_OTHER_HTTP },
    { OTHER("\r\nGET /"), DEBAR_OTHER_HTTP },
    { OTHER("\r\n\n"), DEBAR_OTHER_MORE },
    { OTHER("GET http://a.example/"), DEBAR_OTHER_HTTP },
    { OTHER("GET http:/"), DEBAR_OTHER_MORE },
    { OTHER("GET http:x"), DEBAR_OTHER_UNKNOWN },
    { OTHER("GET ://x"), DEBAR_OTHER_UNKNOWN },
    { OTHER("GET  /"), DEBAR_OTHER_UNKNOWN },
    { OTHER("EHLO mail.example\r\n"), DEBAR_OTHER_UNKNOWN },
    { OTHER("NICK someone else"), DEBAR_OTHER_UNKNOWN },
    { OTHER(" GET /"), DEBAR_OTHER_UNKNOWN },
    { OTHER(" /"), DEBAR_OTHER_UNKNOWN },
    { OTHER("A /"), DEBAR_OTHER_HTTP },
    { OTHER("GET \x01"), DEBAR_OTHER_UNKNOWN },
    { OTHER("ABCDEFGHIJKLMNOPQRSTUVWXYZABCDE /"), DEBAR_OTHER_HTTP },
    { OTHER("ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF /"), DEBAR_OTHER_UNKNOWN },
    { OTHER("GET abcdefghijklmnopqrstuvwxyzabcde"), DEBAR_OTHER_MORE },
    { OTHER("GET abcdefghijklmnopqrstuvwxyzabcdef"), DEBAR_OTHER_UNKNOWN },
    { OTHER("G\0T /"), DEBAR_OTHER_UNKNOWN },
    { OTHER("ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG /"), DEBAR_OTHER_UNKNOWN },
    { OTHER("GET abcdefghijklmnopqrstuvwxyzabcdefgh"), DEBAR_OTHER_UNKNOWN },
    { OTHER("PRI"), DEBAR_OTHER_MORE },
    { OTHER("PRI * HTTP/2"), DEBAR_OTHER_MORE },
    { OTHER("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), DEBAR_OTHER_HTTP2 },
    { OTHER("PRI * HTTP/1.1"), DEBAR_OTHER_HTTP },
    { OTHER("CONNEC"), DEBAR_OTHER_MORE },
    { OTHER("CONNECT "), DEBAR_OTHER_CONNECT },
    { OTHER("CONNECT a.example:443 HTTP/1.1"), DEBAR_OTHER_CONNECT },
    { OTHER("\r\nCONNECT a.example:443"), DEBAR_OTHER_CONNECT },
    { OTHER("CONNECTED /"), DEBAR_OTHER_HTTP },
    { OTHER("SSH"), DEBAR_OTHER_MORE },
    { OTHER("SSH-2.0-x"), DEBAR_OTHER_SSH },
    { OTHER("SSHX /"), DEBAR_OTHER_HTTP },
    { OTHER("\x05\x01"), DEBAR_OTHER_UNKNOWN },
    { OTHER("\xff"), DEBAR_OTHER_UNKNOWN }
};


static char  scratch[DEBAR_MAX_HELLO];


static int
digit(char ch)
{
    return ch <= '9' ? ch - '0' : ch - 'a' + 10;
}


/* The notation at the head of this file, into out; returns the length. */

static size_t
assemble(const char *in, char *out)
{
    size_t       i, n, width, deep, opened[16], widths[16];
    const char  *open;

    n = 0;
    deep = 0;

    for ( ; *in; in++) {
        open = strchr("{[(", *in);

        if (open) {
            width = (*in == '{') ? 1 : (*in == '[') ? 2 : 3;
            n += width;
            opened[deep] = n;
            widths[deep++] = width;

        } else if (strchr("}])", *in)) {
            deep--;
            width = n - opened[deep];

            for (i = 1; i <= widths[deep]; i++, width >>= 8) {
                out[opened[deep] - i] = (char) width;
            }

        } else if (*in == '\'') {
            while (*++in != '\'') {
                out[n++] = *in;
            }

        } else if (*in == 'R') {
            memset(out + n, 0x5a, 32);
            n += 32;

        } else if (*in != ' ') {
            out[n++] = (char) (digit(in[0]) << 4 | digit(in[1]));
            in++;
        }
    }

    return n;
}


/* Parses a copy that ends where memory ends, for the sanitizer. */

static int
parse(debar_hello_t *h, const char *data, size_t len)
{
    int    rc;
    char  *p;

    p = malloc(len ? len : 1);
    memcpy(p, data, len);
    rc = debar_hello_parse(h, p, len, scratch);
    free(p);

    return rc;
}


/* Likewise; shown is the text as it can stand in a line. */

static int
other(const char *data, size_t len, char *shown)
{
    int      rc;
    char    *p;
    size_t   i;

    p = malloc(len ? len : 1);
    memcpy(p, data, len);
    rc = debar_hello_other(p, len);
    free(p);

    for (i = 0; i < len; i++) {
        shown[i] = (data[i] < ' ' || data[i] == 0x7f) ? '.' : data[i];
    }

    shown[i] = '\0';

    return rc;
}


/* The hello in records of at most size bytes; returns the length. */

static size_t
cut(char *out, const char *msg, size_t len, size_t size)
{
    size_t  n, part;

    for (n = 0; len; msg += part, len -= part) {
        part = len < size ? len : size;
        memcpy(out + n, "\x16\x03\x01", 3);
        out[n + 3] = (char) (part >> 8);
        out[n + 4] = (char) part;
        memcpy(out + n + 5, msg, part);
        n += 5 + part;
    }

    return n;
}


/* How many of the beginnings of data are anything but MORE. */

static size_t
not_more(const char *data, size_t len)
{
    size_t         bad, n;
    debar_hello_t  h;

    for (bad = 0, n = 0; n < len; n++) {
        bad += parse(&h, data, n) != MORE || h.fault;
    }

    return bad;
}


static void
tables(char *buf)
{
    int            rc;
    char           shown[64];
    size_t         i, len;
    debar_hello_t  h;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        len = assemble(cases[i].in, buf);
        rc = parse(&h, buf, len);

        ok(rc == cases[i].rc
           && strcmp(h.sni, cases[i].sni) == 0
           && h.sni_len == strlen(h.sni)
           && (rc == BAD) == (h.fault != NULL)
           && (rc != BAD || strstr(h.fault, cases[i].fault)),
           "%s (%d, \"%s\", %s)", cases[i].claim, rc, h.sni,
           h.fault ? h.fault : "no fault");

        if (rc == OK) {
            len = 5 + ((uint8_t) buf[3] << 8 | (uint8_t) buf[4]);
            is_int(not_more(buf, len), 0,
                   "every beginning of its record asks for more");
        }
    }

    for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        parse(&h, buf, assemble(fields[i].in, buf));

        is_int(*(unsigned *) ((char *) &h + fields[i].field), fields[i].value,
               fields[i].claim);
    }

    for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        rc = other(others[i].in, others[i].len, shown);
        ok(rc == others[i].other, "not TLS: \"%s\" is %d", shown,
           others[i].other);
    }
}


static void
real(char *buf, const char *hex, const char *sni, unsigned version,
    unsigned h2, const char *who)
{
    int            good;
    char          *out;
    size_t         len, n, size;
    debar_hello_t  h;

    out = malloc(ROOM);
    len = assemble(hex, buf);

    ok(parse(&h, buf, len) == OK && strcmp(h.sni, sni) == 0,
       "%s: the name is \"%s\"", who, sni);
    ok(h.version == version && h.h2 == h2 && !h.ech && !h.esni
       && h.nnames == (sni[0] != '\0') && h.records == 1,
       "%s: versions, ALPN, and neither ECH nor ESNI", who);
    ok(not_more(buf, len) == 0, "%s: every beginning asks for more", who);

    for (good = 1, size = 1; size <= len; size++) {
        n = cut(out, buf + 5, len - 5, size);
        good &= parse(&h, out, n) == OK && strcmp(h.sni, sni) == 0
                && h.version == version
                && h.records == (len - 5 + size - 1) / size;
    }

    ok(good, "%s: the same in records of every size", who);

    n = cut(out, buf + 5, len - 5, 16);
    ok(not_more(out, n) == 0,
       "%s: every beginning in records of 16 bytes asks for more", who);

    free(out);
}


/* Flips every byte: whatever is said, it is said within bounds. */

static void
flipped(char *buf, const char *hex)
{
    int            good, rc, was, x;
    size_t         i, len;
    debar_hello_t  h;

    len = assemble(hex, buf);

    for (good = 1, i = 0; i < len; i++) {
        was = buf[i];

        for (x = 0; x < 256; x++) {
            buf[i] = (char) x;
            rc = parse(&h, buf, len);
            good &= (rc == BAD) == (h.fault != NULL)
                    && h.sni_len == strlen(h.sni)
                    && (rc != OK || (h.nnames <= 1 && !h.sni_nul));
        }

        buf[i] = (char) was;
    }

    ok(good, "every value of every byte: a fault where it is BAD only");
}


/* A hello of total bytes, by a padding extension (RFC 7685). */

static size_t
padded(char *msg, size_t total)
{
    size_t  n, pad;

    n = assemble("01 000000 0303 R {} [1301] {00}", msg);
    pad = total - n - 2 - 18 - 4;

    n += assemble("0000" NAME("a.example"), msg + n);
    msg[n - 20] = (char) ((18 + 4 + pad) >> 8);
    msg[n - 19] = (char) (18 + 4 + pad);

    n += assemble("00150000", msg + n);
    msg[n - 2] = (char) (pad >> 8);
    msg[n - 1] = (char) pad;

    memset(msg + n, 0, pad);
    n += pad;

    msg[2] = (char) ((n - 4) >> 8);
    msg[3] = (char) (n - 4);

    return n;
}


static void
large(char *buf)
{
    int            rc;
    char          *msg;
    size_t         len, n;
    debar_hello_t  h;

    msg = malloc(ROOM);
    n = padded(msg, 15 * 1024);

    len = cut(buf, msg, n, 16384);
    rc = parse(&h, buf, len);
    ok(rc == OK && h.records == 1 && strcmp(h.sni, "a.example") == 0,
       "15 KiB of padding");

    len = cut(buf, msg, n, 2);
    rc = parse(&h, buf, len);
    ok(rc == OK && h.records == n / 2 && strcmp(h.sni, "a.example") == 0,
       "15 KiB of padding in records of two bytes");

    n = padded(msg, DEBAR_MAX_HELLO);
    len = cut(buf, msg, n, 16384);
    rc = parse(&h, buf, len);
    ok(rc == OK && h.records == 2 && strcmp(h.sni, "a.example") == 0,
       "the longest hello, in two records");
    is_int(parse(&h, buf, len - 1), MORE, "but for its last byte");

    len = cut(buf, msg, n, 1);
    is_int(parse(&h, buf, DEBAR_HELLO_BYTES - 1), MORE,
           "one byte a record, below the bound");
    is_int(parse(&h, buf, DEBAR_HELLO_BYTES), BAD,
           "one byte a record, at the bound");
    ok(h.fault && strstr(h.fault, "too many records"), "and why");
    is_int(parse(&h, buf, len), BAD, "one byte a record, all of it");

    msg[2] = 0x40;
    msg[3] = 0;
    memset(msg + n, 0, 16384);
    len = cut(buf, msg, 2 * 16384, 16384);
    is_int(parse(&h, buf, len), BAD, "a second record that runs far over it");
    ok(h.fault && strstr(h.fault, "behind the ClientHello"), "and why");

    n = padded(msg, DEBAR_MAX_HELLO + 1);
    len = cut(buf, msg, n, 16384);
    is_int(parse(&h, buf, len), BAD, "one byte over the longest hello");
    ok(h.fault && strstr(h.fault, "over 16384"), "and why");

    free(msg);
}


static void
long_names(char *buf)
{
    int            rc;
    char           text[600], name[300];
    size_t         n;
    debar_hello_t  h;

    for (n = 253; n < 258; n++) {
        memset(name, 'a', n);
        name[n] = '\0';
        snprintf(text, sizeof(text),
                 RECORD("01(" BODY("[0000[[00['%s']]]]") ")"), name);

        rc = parse(&h, buf, assemble(text, buf));
        ok(rc == (n < 256 ? OK : BAD) && h.sni_len == (n < 256 ? n : 0),
           "a name of %zu bytes", n);
    }
}


int
main(void)
{
    char  *buf;

    buf = malloc(ROOM);

    tables(buf);

    real(buf, hello_openssl, "vendor.example", 0x0304, 1, "openssl");
    real(buf, hello_openssl_12, "Vendor.Example.", 0x0303, 0, "TLS 1.2");
    real(buf, hello_openssl_no_name, "", 0x0303, 0, "no name");
    real(buf, hello_curl, "vendor.example", 0x0304, 1, "curl");
    real(buf, hello_wget, "localhost", 0x0304, 0, "wget");

    flipped(buf, hello_openssl);
    large(buf);
    long_names(buf);

    free(buf);

    return done();
}
