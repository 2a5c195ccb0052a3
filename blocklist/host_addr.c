/*
 * Addresses: their text, networks and special ranges.  See host.h.
 */

#include "host.h"

#include <arpa/inet.h>
#include <stdio.h>


/*
 * Where the IPv4 address stands: mapped (RFC 4291), translated (RFC 2765),
 * NAT64 (RFC 6052), compatible (RFC 4291), 6to4 (RFC 3056).
 */

const uint8_t *
debar_addr_embedded(const uint8_t addr[16])
{
    static const uint8_t  zero[12];
    static const uint8_t  translated[12] = { 0,0,0,0, 0,0,0,0, 0xff,0xff,0,0 };
    static const uint8_t  nat64[12] = { 0,0x64,0xff,0x9b, 0,0,0,0, 0,0,0,0 };

    if (debar_addr_is_v4(addr)
        || memcmp(addr, translated, 12) == 0
        || memcmp(addr, nat64, 12) == 0)
    {
        return addr + 12;
    }

    if (memcmp(addr, zero, 12) == 0) {

        /* but not "::" and "::1" */

        if (memcmp(addr + 12, zero, 3) == 0 && addr[15] < 2) {
            return NULL;
        }

        return addr + 12;
    }

    return addr[0] == 0x20 && addr[1] == 0x02 ? addr + 2 : NULL;
}


/* RFC 5952 s.4: lower case, no leading zeros, the first of the longest runs
 * of two or more zero groups as "::". */

size_t
debar_addr_text(const uint8_t addr[16], char *out)
{
    int       i, j, from, run;
    char     *p;
    unsigned  group[8];

    if (debar_addr_is_v4(addr)) {
        return sprintf(out, "%u.%u.%u.%u", addr[12], addr[13], addr[14],
                       addr[15]);
    }

    from = -1;
    run = 1;

    for (i = 0; i < 8; i++) {
        group[i] = addr[2 * i] << 8 | addr[2 * i + 1];
    }

    for (i = 0; i < 8; i = j + 1) {
        for (j = i; j < 8 && group[j] == 0; j++) { /* void */ }

        if (j - i > run) {
            from = i;
            run = j - i;
        }
    }

    p = out;

    for (i = 0; i < 8; i++) {

        if (i == from) {
            p += sprintf(p, "::");
            i += run - 1;
            continue;
        }

        p += sprintf(p, "%s%x", p == out || p[-1] == ':' ? "" : ":",
                     group[i]);
    }

    *p = '\0';

    return p - out;
}


int
debar_addr_in(const uint8_t addr[16], const uint8_t net[16], unsigned bits)
{
    unsigned  n, mask;

    n = bits / 8;

    if (memcmp(addr, net, n) != 0) {
        return 0;
    }

    mask = bits % 8 ? 0xff00 >> bits % 8 & 0xff : 0;

    return mask == 0 || ((addr[n] ^ net[n]) & mask) == 0;
}


int
debar_cidr_parse(uint8_t addr[16], unsigned *bits, const char *data,
    size_t len, const char **why)
{
    int          family;
    char         text[INET6_ADDRSTRLEN];
    size_t       i, n;
    uint8_t      host[16];
    unsigned     width, prefix;
    const char  *slash;

    slash = memchr(data, '/', len);
    n = slash ? (size_t) (slash - data) : len;

    if (n == 0 || n >= sizeof(text) || memchr(data, '\0', n)) {
        *why = "not an address";
        return DEBAR_ERROR;
    }

    memcpy(text, data, n);
    text[n] = '\0';

    family = strchr(text, ':') ? AF_INET6 : AF_INET;
    width = family == AF_INET6 ? 128 : 32;

    memset(addr, 0, 10);
    memset(addr + 10, 0xff, 2);

    if (inet_pton(family, text, family == AF_INET6 ? addr : addr + 12) != 1) {
        *why = "not an address in its usual notation";
        return DEBAR_ERROR;
    }

    prefix = width;

    if (slash) {
        prefix = 0;

        for (i = n + 1; i < len; i++) {
            if (data[i] < '0' || data[i] > '9' || i - n > 3) {
                break;
            }

            prefix = prefix * 10 + (data[i] - '0');
        }

        if (i != len || i == n + 1 || prefix > width
            || (data[n + 1] == '0' && len - n > 2))
        {
            *why = width == 32 ? "a prefix length that is not 0 to 32"
                               : "a prefix length that is not 0 to 128";
            return DEBAR_ERROR;
        }
    }

    *bits = prefix + (128 - width);

    memset(host, 0, 16);
    memcpy(host, addr, *bits / 8);

    if (*bits % 8) {
        host[*bits / 8] = addr[*bits / 8] & (0xff00 >> *bits % 8);
    }

    if (memcmp(host, addr, 16) != 0) {
        *why = "bits set behind the prefix: not the address of a network";
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


typedef struct {
    uint8_t      net[16];
    unsigned     bits;
    const char  *name;
} debar_range_t;


/* The IANA registries of special-purpose addresses (RFC 6890), multicast and
 * what is reserved.  The first that fits names the range. */

#define debar_v4(a, b, c, d)  { 0,0,0,0, 0,0,0,0, 0,0,0xff,0xff, a, b, c, d }

static const debar_range_t  debar_special_v4[] = {
    { debar_v4(0, 0, 0, 0), 96 + 8, "unspecified" },
    { debar_v4(10, 0, 0, 0), 96 + 8, "private" },
    { debar_v4(100, 64, 0, 0), 96 + 10, "shared (RFC 6598)" },
    { debar_v4(127, 0, 0, 0), 96 + 8, "loopback" },
    { debar_v4(169, 254, 0, 0), 96 + 16, "link-local" },
    { debar_v4(172, 16, 0, 0), 96 + 12, "private" },
    { debar_v4(192, 0, 0, 0), 96 + 24, "reserved" },
    { debar_v4(192, 0, 2, 0), 96 + 24, "documentation" },
    { debar_v4(192, 88, 99, 0), 96 + 24, "reserved" },
    { debar_v4(192, 168, 0, 0), 96 + 16, "private" },
    { debar_v4(198, 18, 0, 0), 96 + 15, "benchmarking" },
    { debar_v4(198, 51, 100, 0), 96 + 24, "documentation" },
    { debar_v4(203, 0, 113, 0), 96 + 24, "documentation" },
    { debar_v4(224, 0, 0, 0), 96 + 4, "multicast" },
    { debar_v4(255, 255, 255, 255), 128, "broadcast" },
    { debar_v4(240, 0, 0, 0), 96 + 4, "reserved" }
};

static const debar_range_t  debar_special_v6[] = {
    { { 0 }, 128, "unspecified" },
    { { [15] = 1 }, 128, "loopback" },
    { { 0x01, 0x00 }, 64, "discard" },
    { { 0xfc }, 7, "unique local" },
    { { 0xfe, 0x80 }, 10, "link-local" },
    { { 0xfe, 0xc0 }, 10, "site-local" },
    { { 0xff }, 8, "multicast" },
    { { 0x20, 0x01, 0x00, 0x00 }, 32, "Teredo" },
    { { 0x20, 0x01, 0x00, 0x02 }, 48, "benchmarking" },
    { { 0x20, 0x01, 0x00, 0x00 }, 23, "reserved" },
    { { 0x20, 0x01, 0x0d, 0xb8 }, 32, "documentation" },
    { { 0x3f, 0xff, 0x00 }, 20, "documentation" },
    { { 0x00, 0x64, 0xff, 0x9b, 0x00, 0x01 }, 48, "NAT64 of local use" }
};


static const char *
debar_addr_range(const uint8_t addr[16], const debar_range_t *r, size_t n)
{
    size_t  i;

    for (i = 0; i < n; i++) {
        if (debar_addr_in(addr, r[i].net, r[i].bits)) {
            return r[i].name;
        }
    }

    return NULL;
}


const char *
debar_addr_special(const uint8_t addr[16])
{
    uint8_t         v4[16];
    const char     *name;
    const uint8_t  *p;

    p = debar_addr_embedded(addr);

    if (p) {
        memset(v4, 0, 10);
        memset(v4 + 10, 0xff, 2);
        memcpy(v4 + 12, p, 4);

        name = debar_addr_range(v4, debar_special_v4,
                                sizeof(debar_special_v4)
                                / sizeof(debar_special_v4[0]));

        if (debar_addr_is_v4(addr)) {
            return name;
        }

        if (addr[0] == 0x20) {
            return name ? "6to4 of a special address" : NULL;
        }

        if (addr[1] == 0x64) {
            return name ? "NAT64 of a special address" : NULL;
        }

        /* compatible and translated addresses are not routed at all */

        return name ? name : "reserved";
    }

    name = debar_addr_range(addr, debar_special_v6,
                            sizeof(debar_special_v6)
                            / sizeof(debar_special_v6[0]));

    /* global unicast is 2000::/3 (RFC 4291 s.2.4) */

    return name || (addr[0] & 0xe0) == 0x20 ? name : "reserved";
}
