/*
 * Hosts, addresses and authorities: RFC 3986 s.3.2, RFC 9110 s.4 and 7.2,
 * UTS 46 (non-transitional, STD3 rules, through ICU), RFC 5891 lengths,
 * inet_aton(3) notations, RFC 4291, 6052 and 3056 embeddings.
 *
 * Pure: bytes in, values out.  No allocation that the caller sees.
 */

#ifndef DEBAR_HOST_H
#define DEBAR_HOST_H

#include "debar.h"


#define DEBAR_MAX_HOST  253           /* RFC 1035, text form without the last
                                         dot */

typedef enum {
    DEBAR_HOST_NAME = 1,
    DEBAR_HOST_ADDRESS
} debar_host_type_e;

/*
 * How strict the spelling was.  Only PLAIN hosts are dialled; ODD ones are
 * judged by what they mean (so that a listed one is blocked) and then refused.
 */

typedef enum {
    DEBAR_SPELT_PLAIN = 0,        /* letters of any case, one trailing dot,
                                     U-labels that are valid; canonical address
                                     literals */
    DEBAR_SPELT_ODD               /* inet_aton notations other than a.b.c.d,
                                     leading zeros, percent-encoding, IPv4
                                     embedded in IPv6, zone ids, a trailing dot
                                     on an address, labels that only map to a
                                     valid one */
} debar_spelt_e;

typedef struct {
    unsigned     type;            /* debar_host_type_e */
    unsigned     spelt;           /* debar_spelt_e */
    const char  *odd;             /* why it is odd, for people: static text or
                                     NULL */
    uint8_t      addr[16];        /* addresses: IPv6, IPv4 as ::ffff:a.b.c.d;
                                     embedded IPv4 (mapped, compatible, NAT64
                                     64:ff9b::/96, 6to4 2002::/16) is taken out
                                     and stands here */
    size_t       len;
    char         name[DEBAR_MAX_HOST + 3];  /* canonical, NUL-terminated:
                                               A-labels in lower case without
                                               the last dot; "192.0.2.1"; RFC
                                               5952 without brackets */
} debar_host_t;

/*
 * Reads a host as it stands in an authority (an IPv6 literal in brackets) or,
 * with DEBAR_HOST_BARE, also without brackets (lists, SNI, certificates).
 *
 * IPv4: every notation that inet_aton takes (dword, 2 and 3 parts, octal, hex,
 * in each part), and only that reading: 066 is octal.  Anything whose last
 * label is a number but is not an address is an error (WHATWG URL s.3.5).
 *
 * DEBAR_OK: *h is whole.  DEBAR_ERROR: not a host; *why is static text such as
 * "a label longer than 63 bytes", "an A-label that decodes to plain ASCII".
 * Names: letters, digits, hyphens and underscores; labels 1..63 bytes; "xn--"
 * labels must decode and re-encode to themselves (RFC 5891 s.5.4) and must not
 * decode to ASCII; U-labels in UTF-8 are mapped by UTS 46 and are PLAIN only if
 * the mapping was case alone.  An ASCII fast path keeps ICU off common names.
 */

#define DEBAR_HOST_BARE  1

int debar_host_parse(debar_host_t *h, const char *data, size_t len,
    unsigned flags, const char **why);

/*
 * What software of older rules makes of a name that debar_host_parse() refuses
 * (UTS 46 transitional, no checks: joiners go, sharp s is "ss"), if that is
 * plain ASCII.  Always ODD.
 */

int debar_host_lax(debar_host_t *h, const char *data, size_t len);

/*
 * The name with A-labels shown as U-labels (UTF-8), for matching names of
 * vendors in it.  Returns its length; 0 where there is no A-label or no room.
 */

size_t debar_host_unicode(const debar_host_t *h, char *out, size_t size);

/* Address from text in canonical notation, "192.0.2.0/24" or "2001:db8::/32":
 * host bits must be zero.  A bare address is /32 or /128.  bits is of 128
 * (IPv4 /24 -> 120). */

int debar_cidr_parse(uint8_t addr[16], unsigned *bits, const char *data,
    size_t len, const char **why);

/* "192.0.2.1" or RFC 5952; at most 46 bytes with the NUL. */

size_t debar_addr_text(const uint8_t addr[16], char *out);

static inline int
debar_addr_is_v4(const uint8_t addr[16])
{
    static const uint8_t  mapped[12] = { 0,0,0,0, 0,0,0,0, 0,0,0xff,0xff };

    return memcmp(addr, mapped, 12) == 0;
}

int debar_addr_in(const uint8_t addr[16], const uint8_t net[16], unsigned bits);

/* The four bytes of the IPv4 address that an IPv6 one holds (mapped,
 * translated, compatible, NAT64, 6to4), or NULL. */

const uint8_t *debar_addr_embedded(const uint8_t addr[16]);

/*
 * What may be dialled unless the operator allows more (RFC 6890 registries):
 * NULL, or static text that names the range: "loopback", "link-local",
 * "private", "shared (RFC 6598)", "unspecified", "multicast", "reserved",
 * "documentation", "benchmarking", "unique local", "NAT64 of a special
 * address", ...  (IPv4 embedded in IPv6 is judged as the IPv4 it holds.)
 */

const char *debar_addr_special(const uint8_t addr[16]);


/*
 * An authority, "host[:port]", with everything that some software would take
 * it for.  If fault is NULL it is well-formed and there is one reading, PLAIN.
 * Otherwise fault says what is wrong (static text) and each reading is a host
 * that some reader of the same bytes might dial: to be judged, never dialled.
 */

#define DEBAR_MAX_READINGS  8

typedef struct {
    const char    *fault;
    unsigned       port;          /* of the first reading; 0: none given */
    unsigned       n;
    debar_host_t   readings[DEBAR_MAX_READINGS];
} debar_authority_parts_t;

/*
 * strict reading: reg-name or literal, then ":" and 1..5 digits (leading zeros
 * allowed, 1..65535; an empty port is allowed as RFC 3986 s.3.2.3 does).
 * Faults: userinfo ("@"), percent-encoding, "unix:", backslash, "#", "?", "/",
 * spaces and controls, commas, NUL, two colons outside brackets, a bad port, an
 * odd host.  Readings of a faulty one: the pieces between those delimiters,
 * each as it stands and percent-decoded; at most DEBAR_MAX_READINGS distinct.
 * Never fails; n may be 0.
 */

void debar_authority_parse(debar_authority_parts_t *a, const char *data,
    size_t len);


#endif /* DEBAR_HOST_H */
