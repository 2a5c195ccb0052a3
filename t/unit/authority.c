/*
 * Authorities: what is well-formed, and what others would read in the rest.
 */

#include "tap.h"
#include "host.h"

#include <stdlib.h>


#define bytes(s)  s, sizeof(s) - 1


static const struct {
    const char  *in;
    size_t       len;
    const char  *host;
    unsigned     port;
} good[] = {
    { bytes("www.example.com"), "www.example.com", 0 },
    { bytes("www.example.com:80"), "www.example.com", 80 },
    { bytes("www.example.com:00080"), "www.example.com", 80 },
    { bytes("www.example.com:"), "www.example.com", 0 },
    { bytes("WWW.EXAMPLE.COM.:443"), "www.example.com", 443 },
    { bytes("example:65535"), "example", 65535 },
    { bytes("192.0.2.1:8080"), "192.0.2.1", 8080 },
    { bytes("[2001:db8::1]"), "2001:db8::1", 0 },
    { bytes("[2001:db8::1]:443"), "2001:db8::1", 443 },
    { bytes("[2001:db8::1]:"), "2001:db8::1", 0 },
    { bytes("b\xc3\xbc" "cher.example:81"), "xn--bcher-kva.example", 81 },
    { bytes("xn--ksprsky-2fg1c.com"), "xn--ksprsky-2fg1c.com", 0 }
};


/* Readings are parted by spaces; more may be there. */

static const struct {
    const char  *in;
    size_t       len;
    const char  *fault;
    const char  *readings;
} bad[] = {
    { bytes(""), "no host", "" },
    { bytes(":80"), "no host", "" },
    { bytes("a.example:0"), "a port that is not 1 to 65535", "a.example" },
    { bytes("a.example:65536"), "a port that is not 1 to 65535", "a.example" },
    { bytes("a.example:99999"), "a port that is not 1 to 65535", "a.example" },
    { bytes("a.example:000080"), "a port that is not 1 to 65535",
      "a.example" },
    { bytes("a.example:80x"), "a port that is not 1 to 65535",
      "a.example 80x" },
    { bytes("a.example:+80"), "a port that is not 1 to 65535", "a.example" },
    { bytes("a.example:80:b.example"), "two colons in an authority",
      "a.example b.example" },
    { bytes("a.example:80:90"), "two colons in an authority", "a.example" },
    { bytes("::1"), "two colons in an authority", "" },

    { bytes("b.example:80@a.example"), "userinfo in an authority",
      "a.example b.example" },
    { bytes("b.example@a.example"), "userinfo in an authority",
      "a.example b.example" },
    { bytes("@a.example"), "userinfo in an authority", "a.example" },
    { bytes("a.example@"), "userinfo in an authority", "a.example" },
    { bytes("u:p@b.example@a.example:80"), "userinfo in an authority",
      "a.example b.example u p" },
    { bytes("a@b@c@d@e@f@g@h@i@j@k@a.example"), "userinfo in an authority",
      "a.example" },
    { bytes("b.example%40a.example"), "percent-encoding in an authority",
      "a.example b.example" },
    { bytes("b.example%2540a.example"), "percent-encoding in an authority",
      "a.example b.example" },
    { bytes("%61.example:80"), "percent-encoding in an authority",
      "a.example" },
    { bytes("a.example%00.b.example"), "percent-encoding in an authority",
      "a.example" },
    { bytes("a.example%2Fb.example"), "percent-encoding in an authority",
      "a.example b.example" },
    { bytes("a.example%3A80"), "percent-encoding in an authority",
      "a.example" },
    { bytes("%5B::ffff:7f00:42%5D"), "percent-encoding in an authority",
      "127.0.0.66" },

    { bytes("unix:/run/a.example"), "a unix: address", "a.example run" },
    { bytes("UNIX:a.example"), "a unix: address", "a.example" },
    { bytes("unix:/x:"), "a unix: address", "x" },
    { bytes("a.example\\b.example"), "a backslash in an authority",
      "a.example b.example" },
    { bytes("a.example\\@b.example"), "a backslash in an authority",
      "a.example b.example" },
    { bytes("a.example#@b.example"), "a delimiter in an authority",
      "a.example b.example" },
    { bytes("a.example?@b.example"), "a delimiter in an authority",
      "a.example b.example" },
    { bytes("//a.example"), "a delimiter in an authority", "a.example" },
    { bytes("a.example/b"), "a delimiter in an authority", "a.example b" },
    { bytes("a.example b.example"), "a space in an authority",
      "a.example b.example" },
    { bytes(" a.example"), "a space in an authority", "a.example" },
    { bytes("a.example,b.example"), "a list in an authority",
      "a.example b.example" },
    { bytes("a.example, b.example"), "a list in an authority",
      "a.example b.example" },
    { bytes("a.exa\tmple"), "a control character in an authority",
      "a.example" },
    { bytes("a.example\0.b.example"), "a control character in an authority",
      "a.example" },
    { bytes("a.example\r\nb.example"), "a control character in an authority",
      "a.example b.example" },
    { bytes("a.example;b.example"), "a character that is not one of a host",
      "a.example b.example" },
    { bytes("(a.example)"), "a character that is not one of a host",
      "a.example" },
    { bytes("<a.example>"), "a character that is not one of a host",
      "a.example" },

    { bytes("[2001:db8::1]x"), "something behind a bracketed address",
      "2001:db8::1 x" },
    { bytes("[2001:db8::1]:x"), "a port that is not 1 to 65535",
      "2001:db8::1" },
    { bytes("[a.example]"), "not an IPv6 address", "" },
    { bytes("[::1"), "an address without its closing bracket", "" },
    { bytes("[::ffff:7f00:42]"), "an IPv4 address inside an IPv6 address",
      "127.0.0.66" },
    { bytes("[fe80::1%25lo]:80"), "a zone id", "fe80::1" },
    { bytes("2130706498"), "an IPv4 address that is not spelt as four decimal"
      " numbers", "127.0.0.66" },
    { bytes("0x7f.1:80"), "an IPv4 address that is not spelt as four decimal"
      " numbers", "127.0.0.1" },
    { bytes("127.0.0.66."), "a dot behind an address", "127.0.0.66" },
    { bytes("kasper\xe2\x80\x8csky.com"),
      "a joiner where there is nothing to join", "kaspersky.com" },
    { bytes("kasper\xc2\xadsky.com"),
      "characters that only map to those of the name", "kaspersky.com" },
    { bytes("xn--kaspersky-.com"), "an A-label that decodes to plain ASCII",
      "" },
    { bytes("\xff.example"), "bytes that are not UTF-8", "" }
};


static int
has(const debar_authority_parts_t *a, const char *name, size_t len)
{
    unsigned  i;

    for (i = 0; i < a->n; i++) {
        if (a->readings[i].len == len
            && memcmp(a->readings[i].name, name, len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


static void
well_formed(void)
{
    size_t                    i;
    debar_authority_parts_t  *a;

    a = malloc(sizeof(*a));

    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        debar_authority_parse(a, good[i].in, good[i].len);

        ok(a->fault == NULL && a->n == 1
           && strcmp(a->readings[0].name, good[i].host) == 0
           && a->readings[0].spelt == DEBAR_SPELT_PLAIN
           && a->port == good[i].port,
           "\"%s\" is %s and port %u", good[i].in, good[i].host,
           good[i].port);
    }

    free(a);
}


static void
faulty(void)
{
    size_t                    i, n;
    const char               *p;
    debar_authority_parts_t  *a;

    a = malloc(sizeof(*a));

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        debar_authority_parse(a, bad[i].in, bad[i].len);

        is_str(a->fault, bad[i].fault, "a fault has its name");

        for (p = bad[i].readings; *p; p += n + (p[n] == ' ')) {
            n = strcspn(p, " ");
            ok(has(a, p, n), "someone reads %.*s in it", (int) n, p);
        }

        if (bad[i].readings[0] == '\0') {
            is_int(a->n, 0, "nobody reads a host in it");
        }
    }

    free(a);
}


static void
bounds(void)
{
    char                      in[5000];
    size_t                    i;
    debar_authority_parts_t  *a;

    a = malloc(sizeof(*a));

    debar_authority_parse(a, "b.example:1@a.example:2", 23);
    is_str(a->readings[0].name, "a.example",
           "what stands behind the last @ is the first reading");

    for (i = 0; i < sizeof(in); i++) {
        in[i] = i % 2 ? ',' : 'a' + i / 2 % 26;
    }

    debar_authority_parse(a, in, 200);
    is_int(a->n, DEBAR_MAX_READINGS, "there are so many readings and no more");

    debar_authority_parse(a, in, sizeof(in));
    is_str(a->fault, "an authority longer than 2048 bytes",
           "a long one is refused");

    memcpy(in, "a.example", 9);
    memset(in + 9, '@', sizeof(in) - 9);
    debar_authority_parse(a, in, sizeof(in));
    ok(has(a, "a.example", 9), "its beginning is judged all the same");

    memset(in, '%', sizeof(in));
    debar_authority_parse(a, in, sizeof(in));
    is_int(a->n, 0, "percent signs are nobody's host");

    memset(in, '[', sizeof(in));
    debar_authority_parse(a, in, sizeof(in));
    is_int(a->n, 0, "nor are brackets");

    free(a);
}


int
main(void)
{
    well_formed();
    faulty();
    bounds();

    return done();
}
