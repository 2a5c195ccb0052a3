/*
 * Hosts, addresses, networks and their keys.
 */

#include "tap.h"
#include "host.h"
#include "key.h"


typedef struct {
    const char  *in;
    const char  *name;            /* canonical, or NULL: an error */
    int          odd;
    const char  *claim;
} host_case_t;


static const host_case_t  names[] = {
    { "example.com", "example.com", 0, "a plain name" },
    { "WWW.Example.COM", "www.example.com", 0, "capitals" },
    { "example.com.", "example.com", 0, "one dot behind it" },
    { "localhost", "localhost", 0, "a single label" },
    { "a", "a", 0, "a single letter" },
    { "_dmarc.example.com", "_dmarc.example.com", 0, "an underscore" },
    { "a--b.example", "a--b.example", 0, "two hyphens in the middle" },
    { "r3---sn-x.example", "r3---sn-x.example", 0, "hyphens in third place" },
    { "-a-.example", "-a-.example", 0, "hyphens around a label" },
    { "1.example", "1.example", 0, "a label that is a number" },
    { "4chan.example", "4chan.example", 0, "a digit before letters" },
    { "example.4x", "example.4x", 0, "a last label that only begins as one" },
    { "0x7g.com", "0x7g.com", 0, "not quite hexadecimal" },
    { "127.0.0.1.nip.io", "127.0.0.1.nip.io", 0, "numbers before a name" },
    { "", NULL, 0, "nothing" },
    { ".", NULL, 0, "a dot alone" },
    { "..", NULL, 0, "two dots" },
    { ".example.com", NULL, 0, "a dot in front" },
    { "example..com", NULL, 0, "an empty label" },
    { "example.com..", NULL, 0, "two dots behind" },
    { "exa mple.com", NULL, 0, "a space" },
    { "example.com ", NULL, 0, "a space behind" },
    { "example.com:80", NULL, 0, "a port" },
    { "user@example.com", NULL, 0, "userinfo" },
    { "example.com/", NULL, 0, "a slash" },
    { "*.example.com", NULL, 0, "an asterisk" },
    { "a,b", NULL, 0, "a comma" },
    { "a\tb", NULL, 0, "a tab" },
    { "\x7f", NULL, 0, "DEL" },
    { "ex!ample.com", NULL, 0, "a sub-delimiter" },

    { "ex%61mple.com", "example.com", 1, "a percent-encoded letter" },
    { "%65%78%61%6D%70%6C%65.com", "example.com", 1, "a label of them" },
    { "ex%2561mple.com", "example.com", 1, "encoded twice" },
    { "ex%25252561mple.com", "example.com", 1, "encoded four times" },
    { "example%2Ecom", "example.com", 1, "an encoded dot" },
    { "b%C3%BCcher.example", "xn--bcher-kva.example", 1, "encoded UTF-8" },
    { "%5B::1%5D", "::1", 1, "encoded brackets around colons" },
    { "%5B%3A%3A1%5D", "::1", 1, "an encoded literal" },
    { "example.com%00", NULL, 0, "an encoded NUL" },
    { "example.com%2F", NULL, 0, "an encoded slash" },
    { "example.com%", NULL, 0, "a percent sign behind" },
    { "ex%zzmple.com", NULL, 0, "a percent sign and no digits" },
    { "%31%32%37.0.0.66", "127.0.0.66", 1, "an encoded address" },
    { "%", NULL, 0, "a percent sign alone" },
    { "%2e", NULL, 0, "an encoded dot alone" }
};


static const host_case_t  wide[] = {
    { "b\xc3\xbc" "cher.example", "xn--bcher-kva.example", 0, "a U-label" },
    { "B\xc3\x9c" "CHER.example", "xn--bcher-kva.example", 0,
      "a U-label in capitals" },
    { "xn--bcher-kva.example", "xn--bcher-kva.example", 0, "an A-label" },
    { "XN--BCHER-KVA.example.", "xn--bcher-kva.example", 0,
      "an A-label in capitals" },
    { "fa\xc3\x9f.example", "xn--fa-hia.example", 0,
      "a sharp s stays (non-transitional)" },
    { "\xd0\xbf\xd1\x80\xd0\xb8\xd0\xbc\xd0\xb5\xd1\x80.example",
      "xn--e1afmkfd.example", 0, "Cyrillic" },
    { "\xe4\xb8\xad\xe5\x9b\xbd.example", "xn--fiqs8s.example", 0, "Chinese" },
    { "_x.b\xc3\xbc" "cher.example", "_x.xn--bcher-kva.example", 0,
      "an underscore beside a U-label" },
    { "a-.b\xc3\xbc" "cher.example", "a-.xn--bcher-kva.example", 0,
      "a hyphen at the end of a label beside a U-label" },
    { "xn--ksprsky-2fg1c.com", "xn--ksprsky-2fg1c.com", 0,
      "an A-label of look-alikes is a name like any other" },
    { "\xef\xbd\x8b" "aspersky.com", "kaspersky.com", 1, "a fullwidth letter" },
    { "kasper\xc2\xadsky.com", "kaspersky.com", 1, "a soft hyphen" },
    { "kaspersky\xe3\x80\x82" "com", "kaspersky.com", 1,
      "an ideographic full stop" },
    { "kaspersky\xef\xbc\x8e" "com", "kaspersky.com", 1,
      "a fullwidth full stop" },
    { "kaspersky\xef\xbd\xa1" "com", "kaspersky.com", 1,
      "a halfwidth full stop" },
    { "kaspersky.com\xe3\x80\x82", "kaspersky.com", 1,
      "an ideographic full stop behind" },
    { "\xe2\x84\xaa" "aspersky.com", "kaspersky.com", 1, "KELVIN SIGN" },
    { "ka\xc5\xbfpersky.com", "kaspersky.com", 1, "LONG S" },
    { "\xe2\x93\x9a" "aspersky.com", "kaspersky.com", 1, "a circled letter" },
    { "\xf0\x9d\x90\xa4" "aspersky.com", "kaspersky.com", 1,
      "a mathematical letter" },
    { "\xe2\x84\xab.example", "xn--5ca.example", 1, "ANGSTROM SIGN" },
    { "k\xcc\x81.example", "xn--ghg.example", 1,
      "a combining mark that composes" },
    { "\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.0.0.66", "127.0.0.66", 1,
      "an address in fullwidth digits" },
    { "kasper\xe2\x80\x8bsky.com", "kaspersky.com", 1, "ZERO WIDTH SPACE" },
    { "kasper\xef\xb8\x8fsky.com", "kaspersky.com", 1, "a variation selector" },
    { "kasper\xe2\x80\x8csky.com", NULL, 0, "ZWNJ where nothing joins" },
    { "kasper\xe2\x80\x8dsky.com", NULL, 0, "ZWJ where nothing joins" },
    { "kasper\xe2\x80\xaesky.com", NULL, 0, "a bidirectional control" },
    { "\xe2\x84\x80.example", NULL, 0, "what maps to a slash" },
    { "a\xe2\x84\x82:b", NULL, 0, "a colon beside a mapped letter" },
    { "\xcc\x81" "a.example", NULL, 0, "a mark that begins a label" },
    { "\xd7\x90" "a.example", NULL, 0, "both directions in a label" },
    { "xn--.example", NULL, 0, "an empty A-label" },
    { "xn--kaspersky-.com", NULL, 0, "an A-label of plain ASCII" },
    { "XN--KASPERSKY-.com", NULL, 0, "the same in capitals" },
    { "xn--\xef\xbd\x81-.com", NULL, 0, "the same in fullwidth" },
    { "xn--99999999.com", NULL, 0, "Punycode that overflows" },
    { "xn--a.com", NULL, 0, "Punycode cut short" },
    { "xn--a-ecp.ru", NULL, 0, "an A-label that is not normalized" },
    { "\xff\xfe.example", NULL, 0, "bytes that are not UTF-8" },
    { "\xc0\xaf.example", NULL, 0, "overlong UTF-8" },
    { "\xed\xa0\x80.example", NULL, 0, "a surrogate" },
    { "\xf4\x90\x80\x80.example", NULL, 0, "beyond Unicode" }
};


static const host_case_t  addresses[] = {
    { "192.0.2.1", "192.0.2.1", 0, "a.b.c.d" },
    { "0.0.0.0", "0.0.0.0", 0, "zeros" },
    { "255.255.255.255", "255.255.255.255", 0, "the last address" },
    { "192.0.2.1.", "192.0.2.1", 1, "a dot behind" },
    { "3221225985", "192.0.2.1", 1, "one number" },
    { "0", "0.0.0.0", 1, "zero" },
    { "4294967295", "255.255.255.255", 1, "the largest number" },
    { "4294967296", NULL, 0, "one more" },
    { "99999999999999999999999", NULL, 0, "far more" },
    { "0xC0000201", "192.0.2.1", 1, "one hexadecimal number" },
    { "0XC0000201", "192.0.2.1", 1, "with a capital X" },
    { "030000001001", "192.0.2.1", 1, "one octal number" },
    { "127.1", "127.0.0.1", 1, "two parts" },
    { "192.513", "192.0.2.1", 1, "two parts, the last wide" },
    { "127.16777215", "127.255.255.255", 1, "two parts at their end" },
    { "127.16777216", NULL, 0, "two parts beyond it" },
    { "127.0.66", "127.0.0.66", 1, "three parts" },
    { "127.0.65535", "127.0.255.255", 1, "three parts at their end" },
    { "127.0.65536", NULL, 0, "three parts beyond it" },
    { "0x7F.0x0.0x0.0x42", "127.0.0.66", 1, "hexadecimal parts" },
    { "0177.0.0.0102", "127.0.0.66", 1, "octal parts" },
    { "0x7f.0.0102", "127.0.0.66", 1, "all kinds at once" },
    { "127.000.000.066", "127.0.0.54", 1, "leading zeros mean octal" },
    { "127.0.0.01", "127.0.0.1", 1, "a leading zero" },
    { "00127.0.0.1", "87.0.0.1", 1, "two leading zeros" },
    { "127.0.0.09", NULL, 0, "not octal" },
    { "127.0.0.256", NULL, 0, "a last part too large" },
    { "256.0.0.1", NULL, 0, "a first part too large" },
    { "1.2.3.4.5", NULL, 0, "five parts" },
    { "1..2", NULL, 0, "an empty part" },
    { "example.1", NULL, 0, "a name that ends in a number" },
    { "example.0x1", NULL, 0, "a name that ends in a hexadecimal number" },
    { "1.2.3.0x", NULL, 0, "a prefix without digits" },
    { "0x", NULL, 0, "a prefix alone" },
    { "-1", "-1", 0, "a sign makes a name" },

    { "[2001:db8::1]", "2001:db8::1", 0, "an IPv6 address" },
    { "[2001:DB8:0:0:0:0:0:1]", "2001:db8::1", 0, "in full" },
    { "[::]", "::", 0, "the unspecified one" },
    { "[::1]", "::1", 0, "the loopback one" },
    { "[2001:db8:0:1:1:1:1:1]", "2001:db8:0:1:1:1:1:1", 0,
      "a single zero stays" },
    { "[2001:0:0:1:0:0:0:1]", "2001:0:0:1::1", 0, "the longest run goes" },
    { "[2001:db8:0:0:1:0:0:1]", "2001:db8::1:0:0:1", 0,
      "the first of two goes" },
    { "[1::]", "1::", 0, "zeros at the end" },
    { "[::ffff:7f00:42]", "127.0.0.66", 1, "an IPv4-mapped one" },
    { "[::FFFF:127.0.0.66]", "127.0.0.66", 1, "mapped, in decimal" },
    { "[0:0:0:0:0:ffff:127.0.0.66]", "127.0.0.66", 1, "mapped, in full" },
    { "[::127.0.0.66]", "127.0.0.66", 1, "an IPv4-compatible one" },
    { "[::7f00:42]", "127.0.0.66", 1, "compatible, in hexadecimal" },
    { "[64:ff9b::7f00:42]", "127.0.0.66", 1, "NAT64" },
    { "[64:ff9b::127.0.0.66]", "127.0.0.66", 1, "NAT64 in decimal" },
    { "[2002:7f00:42::]", "127.0.0.66", 1, "6to4" },
    { "[2002:7f00:42::1:2]", "127.0.0.66", 1, "6to4 with an interface" },
    { "[::ffff:0:7f00:42]", "127.0.0.66", 1, "an IPv4-translated one" },
    { "[2001:db8::192.0.2.1]", "2001:db8::c000:201", 1,
      "decimal at the end" },
    { "[fe80::1%eth0]", "fe80::1", 1, "a zone id" },
    { "[fe80::1%25eth0]", "fe80::1", 1, "a zone id by RFC 6874" },
    { "[::ffff:7f00:42%1]", "127.0.0.66", 1, "mapped, with a zone id" },
    { "[::1", NULL, 0, "no closing bracket" },
    { "[", NULL, 0, "a bracket alone" },
    { "[]", NULL, 0, "nothing in brackets" },
    { "[%eth0]", NULL, 0, "a zone id alone" },
    { "[1.2.3.4]", NULL, 0, "IPv4 in brackets" },
    { "[v1.fe80::a]", NULL, 0, "IPvFuture" },
    { "[1::2::3]", NULL, 0, "two gaps" },
    { "[12345::]", NULL, 0, "a group too long" },
    { "[::1].", NULL, 0, "a dot behind the bracket" },
    { "::1", NULL, 0, "no brackets" },
    { "[1:2:3:4:5:6:7:8:9:10:11:12:13:14:15:16:17:18:19:20:21:22]", NULL, 0,
      "too many groups" }
};


static const host_case_t  bare[] = {
    { "::1", "::1", 0, "IPv6 without brackets where they may be missing" },
    { "[::1]", "::1", 0, "and with them" },
    { "fe80::1%lo", "fe80::1", 1, "a zone id" },
    { "::ffff:10.0.0.1", "10.0.0.1", 1, "IPv4-mapped" },
    { "example.com", "example.com", 0, "a name" },
    { "192.0.2.1", "192.0.2.1", 0, "IPv4" },
    { "example.com:443", NULL, 0, "a port is not one" }
};


static void
run(const char *what, const host_case_t *t, size_t n, unsigned flags)
{
    int            rc;
    char           claim[256];
    const char    *why;
    debar_host_t   h, again;

    for ( /* void */ ; n--; t++) {
        why = NULL;
        rc = debar_host_parse(&h, t->in, strlen(t->in), flags, &why);

        if (t->name == NULL) {
            snprintf(claim, sizeof(claim), "%s: %s: is no host, and it is said"
                     " why", what, t->claim);
            ok(rc == DEBAR_ERROR && why && why[0], "%s", claim);
            continue;
        }

        snprintf(claim, sizeof(claim), "%s: %s", what, t->claim);
        is_str(rc == DEBAR_OK ? h.name : why, t->name, claim);

        if (rc == DEBAR_OK) {
            ok((h.spelt == DEBAR_SPELT_ODD) == t->odd
               && (h.odd != NULL) == t->odd && h.len == strlen(h.name)
               && debar_host_parse(&again, h.name, h.len, DEBAR_HOST_BARE,
                                   &why) == DEBAR_OK
               && strcmp(again.name, h.name) == 0,
               "%s: %s: is %s, and canonical", what, t->claim,
               t->odd ? "odd" : "plain");
        }
    }
}


static void
lengths(void)
{
    char          name[2100];
    size_t        i;
    const char   *why;
    debar_host_t  h;

    memset(name, 'a', sizeof(name));

    ok(debar_host_parse(&h, name, 63, 0, &why) == DEBAR_OK,
       "a label of 63 bytes");
    ok(debar_host_parse(&h, name, 64, 0, &why) == DEBAR_ERROR,
       "a label of 64 bytes is none");
    is_str(why, "a label longer than 63 bytes", "and it is said why");

    for (i = 49; i < sizeof(name); i += 50) {
        name[i] = '.';
    }

    ok(debar_host_parse(&h, name, 253, 0, &why) == DEBAR_OK
       && h.len == 253, "a name of 253 bytes");
    ok(debar_host_parse(&h, name, 254, 0, &why) == DEBAR_ERROR,
       "a name of 254 bytes is none");
    is_str(why, "a name longer than 253 bytes", "and it is said why");

    name[253] = '.';
    ok(debar_host_parse(&h, name, 254, 0, &why) == DEBAR_OK
       && h.len == 253, "a name of 253 bytes and its dot");

    ok(debar_host_parse(&h, name, 2048, 0, &why) == DEBAR_ERROR,
       "a name of 2048 bytes is none");
    ok(debar_host_parse(&h, name, 2100, 0, &why) == DEBAR_ERROR,
       "nor is one beyond that");

    memcpy(name, "a\0b", 3);
    ok(debar_host_parse(&h, name, 3, 0, &why) == DEBAR_ERROR,
       "a NUL is no byte of a name");
    memcpy(name, "[::1\0]", 6);
    ok(debar_host_parse(&h, name, 6, 0, &why) == DEBAR_ERROR,
       "nor of an address");
    ok(debar_host_parse(&h, "", 0, 0, NULL) == DEBAR_ERROR,
       "who does not ask why is not told");
}


static void
unicode(void)
{
    char          out[256];
    size_t        n;
    debar_host_t  h;

    debar_host_parse(&h, "xn--bcher-kva.example", 21, 0, NULL);
    n = debar_host_unicode(&h, out, sizeof(out));
    is_mem(out, n, "b\xc3\xbc" "cher.example", "an A-label is shown");
    is_int(debar_host_unicode(&h, out, 5), 0, "not where there is no room");

    debar_host_parse(&h, "_a.xn--bcher-kva", 16, 0, NULL);
    n = debar_host_unicode(&h, out, sizeof(out));
    is_mem(out, n, "_a.b\xc3\xbc" "cher", "beside an underscore too");

    debar_host_parse(&h, "example.com", 11, 0, NULL);
    is_int(debar_host_unicode(&h, out, sizeof(out)), 0,
           "a name of ASCII has no other form");
}


static void
cidrs(void)
{
    int          rc;
    size_t       i;
    uint8_t      addr[16];
    unsigned     bits;
    const char  *why;

    static const struct {
        const char  *in;
        int          bits;        /* of 128; -1: an error */
    } t[] = {
        { "192.0.2.0/24", 120 }, { "192.0.2.66", 128 }, { "0.0.0.0/0", 96 },
        { "192.0.2.66/32", 128 }, { "10.0.0.0/8", 104 },
        { "2001:db8::/32", 32 }, { "2001:db8::1", 128 }, { "::/0", 0 },
        { "::ffff:192.0.2.0/120", 120 }, { "fe80::/10", 10 },
        { "192.0.2.1/24", -1 }, { "2001:db8::1/32", -1 },
        { "192.0.2.0/33", -1 }, { "::/129", -1 }, { "192.0.2.0/", -1 },
        { "192.0.2.0/024", -1 }, { "192.0.2.0/2x", -1 },
        { "192.0.2.0/-1", -1 }, { "192.0.2/24", -1 },
        { "192.0.02.0/24", -1 }, { "example.com", -1 }, { "", -1 },
        { "/24", -1 }, { "3221225985", -1 }, { "[::1]", -1 },
        { "192.0.2.0/4294967304", -1 }, { "192.0.2.128/25", 121 },
        { "fe80::/8", -1 }
    };

    for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        why = NULL;
        rc = debar_cidr_parse(addr, &bits, t[i].in, strlen(t[i].in), &why);

        if (t[i].bits < 0) {
            ok(rc == DEBAR_ERROR && why, "\"%s\" is no network", t[i].in);

        } else {
            ok(rc == DEBAR_OK && bits == (unsigned) t[i].bits,
               "\"%s\" is a network of %d bits", t[i].in, t[i].bits);
        }
    }
}


static void
address(uint8_t addr[16], const char *text)
{
    unsigned     bits;
    const char  *why;

    if (debar_cidr_parse(addr, &bits, text, strlen(text), &why) != DEBAR_OK) {
        ok(0, "%s is an address for this test", text);
    }
}


static void
within(void)
{
    size_t   i;
    uint8_t  addr[16], net[16];

    static const struct {
        const char  *addr;
        const char  *net;
        unsigned     bits;
        int          in;
    } t[] = {
        { "192.0.2.66", "192.0.2.0", 120, 1 },
        { "192.0.3.1", "192.0.2.0", 120, 0 },
        { "192.0.3.1", "192.0.2.0", 119, 1 },
        { "10.0.0.1", "0.0.0.0", 96, 1 },
        { "2001:db8::1", "0.0.0.0", 96, 0 },
        { "2001:db8::1", "2001:db8::", 32, 1 },
        { "2001:db9::1", "2001:db8::", 32, 0 },
        { "2001:db9::1", "2001:db8::", 31, 1 },
        { "2001:db8::1", "2001:db8::1", 128, 1 },
        { "2001:db8::2", "2001:db8::1", 128, 0 },
        { "::1", "ff00::", 0, 1 }
    };

    for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        address(addr, t[i].addr);
        address(net, t[i].net);
        ok(debar_addr_in(addr, net, t[i].bits) == t[i].in,
           "%s is %sin %s of %u bits", t[i].addr, t[i].in ? "" : "not ",
           t[i].net, t[i].bits);
    }
}


static void
special(void)
{
    char     claim[128];
    size_t   i;
    uint8_t  addr[16];

    static const struct {
        const char  *addr;
        const char  *range;
    } t[] = {
        { "0.0.0.0", "unspecified" }, { "0.1.2.3", "unspecified" },
        { "10.1.2.3", "private" }, { "172.16.0.1", "private" },
        { "172.31.255.255", "private" }, { "172.32.0.1", NULL },
        { "192.168.0.1", "private" }, { "127.0.0.1", "loopback" },
        { "127.255.0.1", "loopback" }, { "128.0.0.1", NULL },
        { "169.254.169.254", "link-local" },
        { "100.64.0.1", "shared (RFC 6598)" }, { "100.128.0.1", NULL },
        { "192.0.0.8", "reserved" }, { "192.0.2.1", "documentation" },
        { "198.51.100.1", "documentation" },
        { "203.0.113.1", "documentation" },
        { "198.18.0.1", "benchmarking" }, { "198.19.255.1", "benchmarking" },
        { "198.20.0.1", NULL }, { "192.88.99.1", "reserved" },
        { "224.0.0.1", "multicast" }, { "240.0.0.1", "reserved" },
        { "255.255.255.255", "broadcast" }, { "93.184.216.34", NULL },
        { "::", "unspecified" }, { "::1", "loopback" },
        { "fe80::1", "link-local" }, { "fec0::1", "site-local" },
        { "fc00::1", "unique local" }, { "fdff::1", "unique local" },
        { "ff02::1", "multicast" }, { "2001:db8::1", "documentation" },
        { "3fff::1", "documentation" }, { "100::1", "discard" },
        { "2001::1", "Teredo" }, { "2001:2::1", "benchmarking" },
        { "2001:10::1", "reserved" }, { "2606:2800::1", NULL },
        { "2a00::1", NULL }, { "4000::1", "reserved" },
        { "64:ff9b::a00:1", "NAT64 of a special address" },
        { "64:ff9b::5db8:d822", NULL },
        { "64:ff9b:1::1", "NAT64 of local use" },
        { "2002:7f00:1::", "6to4 of a special address" },
        { "2002:5db8:d822::", NULL },
        { "::ffff:127.0.0.1", "loopback" },
        { "::ffff:93.184.216.34", NULL }, { "::127.0.0.1", "loopback" },
        { "::93.184.216.34", "reserved" },
        { "::ffff:0:10.0.0.1", "private" }
    };

    for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        address(addr, t[i].addr);
        snprintf(claim, sizeof(claim), "%s is %s", t[i].addr,
                 t[i].range ? t[i].range : "to be dialled");
        is_str(debar_addr_special(addr), t[i].range, claim);
    }
}


static void
keys(void)
{
    char          key[DEBAR_MAX_KEY], path[DEBAR_MAX_KEY];
    size_t        i, n;
    uint8_t       addr[16];
    debar_host_t  h;

    static const struct {
        const char  *host;
        const char  *key;
    } t[] = {
        { "www.example.com", "com.example.www." },
        { "localhost", "localhost." },
        { "192.0.2.1", "=192.0.2.1" },
        { "[2001:db8::1]", "=2001:db8::1" }
    };

    for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        debar_host_parse(&h, t[i].host, strlen(t[i].host), 0, NULL);
        n = debar_key_host(key, &h);
        is_mem(key, n, t[i].key, "the key of a host");
    }

    debar_host_parse(&h, "a.example", 9, 0, NULL);
    n = debar_key_url(key, &h, "/x?y=z", 6);
    is_mem(key, n, "example.a./x?y=z", "the key of a URL");

    memset(path, '/', sizeof(path));
    is_int(debar_key_url(key, &h, path, DEBAR_MAX_KEY - 10), DEBAR_MAX_KEY,
           "a key of 500 bytes");
    is_int(debar_key_url(key, &h, path, DEBAR_MAX_KEY - 9), 0,
           "a longer one is none");
    is_int(debar_key_url(key, &h, path, SIZE_MAX), 0,
           "nor is one that would wrap");

    address(addr, "192.0.2.255");
    n = debar_key_network(key, addr, 120);
    ok(n == 17 && (uint8_t) key[15] == 0 && key[14] == 2 && key[16] == 120,
       "the key of a network has no bits of hosts");
    n = debar_key_network(key, addr, 125);
    ok(n == 17 && (uint8_t) key[15] == 0xf8 && key[16] == 125,
       "nor within a byte");
    n = debar_key_network(key, addr, 128);
    ok(n == 17 && (uint8_t) key[15] == 255 && (uint8_t) key[16] == 128,
       "the key of one address has them");

    n = debar_key_asn(key, 200107);
    ok(n == 4 && memcmp(key, "\x00\x03\x0d\xab", 4) == 0, "the key of an ASN");

    n = debar_key_id(key, DEBAR_KIND_CAGE, "1ABC2", 5);
    ok(n == 6 && key[0] == DEBAR_KIND_CAGE && memcmp(key + 1, "1ABC2", 5) == 0,
       "the key of an identifier");
    is_int(debar_key_id(key, DEBAR_KIND_CAGE, path, DEBAR_MAX_KEY), 0,
           "none of an identifier that is too long");
}


int
main(void)
{
    run("name", names, sizeof(names) / sizeof(names[0]), 0);
    run("Unicode", wide, sizeof(wide) / sizeof(wide[0]), 0);
    run("address", addresses, sizeof(addresses) / sizeof(addresses[0]), 0);
    run("bare", bare, sizeof(bare) / sizeof(bare[0]), DEBAR_HOST_BARE);
    lengths();
    unicode();
    cidrs();
    within();
    special();
    keys();

    return done();
}
