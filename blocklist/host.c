/*
 * Hosts, addresses and authorities: see host.h.
 */

#include "host_private.h"

#include <arpa/inet.h>
#include <ctype.h>


#define DEBAR_HOST_ROUNDS   6

#define debar_hex(c)                                                          \
    ((c) >= '0' && (c) <= '9' ? (c) - '0'                                     \
     : ((c) | 0x20) >= 'a' && ((c) | 0x20) <= 'f' ? ((c) | 0x20) - 'a' + 10   \
     : -1)


static int debar_host_ipv4(debar_host_t *h, const char *data, size_t len,
    const char **why);
static int debar_host_ipv6(debar_host_t *h, const char *data, size_t len,
    const char **why);


const char  debar_host_byte[256] = {
    ['-'] = '-', ['.'] = '.', ['_'] = '_',
    ['0'] = '0', ['1'] = '1', ['2'] = '2', ['3'] = '3', ['4'] = '4',
    ['5'] = '5', ['6'] = '6', ['7'] = '7', ['8'] = '8', ['9'] = '9',
    ['a'] = 'a', ['b'] = 'b', ['c'] = 'c', ['d'] = 'd', ['e'] = 'e',
    ['f'] = 'f', ['g'] = 'g', ['h'] = 'h', ['i'] = 'i', ['j'] = 'j',
    ['k'] = 'k', ['l'] = 'l', ['m'] = 'm', ['n'] = 'n', ['o'] = 'o',
    ['p'] = 'p', ['q'] = 'q', ['r'] = 'r', ['s'] = 's', ['t'] = 't',
    ['u'] = 'u', ['v'] = 'v', ['w'] = 'w', ['x'] = 'x', ['y'] = 'y',
    ['z'] = 'z',
    ['A'] = 'a', ['B'] = 'b', ['C'] = 'c', ['D'] = 'd', ['E'] = 'e',
    ['F'] = 'f', ['G'] = 'g', ['H'] = 'h', ['I'] = 'i', ['J'] = 'j',
    ['K'] = 'k', ['L'] = 'l', ['M'] = 'm', ['N'] = 'n', ['O'] = 'o',
    ['P'] = 'p', ['Q'] = 'q', ['R'] = 'r', ['S'] = 's', ['T'] = 't',
    ['U'] = 'u', ['V'] = 'v', ['W'] = 'w', ['X'] = 'x', ['Y'] = 'y',
    ['Z'] = 'z'
};


int
debar_host_parse(debar_host_t *h, const char *data, size_t len,
    unsigned flags, const char **why)
{
    int          rc;
    char         buf[DEBAR_HOST_RAW];
    const char  *dummy, *odd;

    if (why == NULL) {
        why = &dummy;
    }

    h->type = DEBAR_HOST_NAME;
    h->spelt = DEBAR_SPELT_PLAIN;
    h->odd = NULL;
    h->len = 0;
    h->name[0] = '\0';

    if (len == 0) {
        *why = "no host";
        return DEBAR_ERROR;
    }

    if (len > DEBAR_HOST_RAW) {
        *why = "a name longer than 253 bytes";
        return DEBAR_ERROR;
    }

    odd = NULL;

    if (data[0] != '[') {

        rc = debar_host_ascii(h, data, len, why);
        if (rc != DEBAR_DECLINED) {
            return rc;
        }

        if ((flags & DEBAR_HOST_BARE) && memchr(data, ':', len)) {
            return debar_host_ipv6(h, data, len, why);
        }

        if (memchr(data, '%', len)) {
            len = debar_host_decode(buf, data, len);
            data = buf;
            odd = "percent-encoding in a host";

            if (len == 0) {
                *why = "no host";
                return DEBAR_ERROR;
            }
        }
    }

    if (data[0] == '[') {

        if (data[len - 1] != ']' || len < 2) {
            *why = "an address without its closing bracket";
            return DEBAR_ERROR;
        }

        rc = debar_host_ipv6(h, data + 1, len - 2, why);

    } else {
        rc = debar_host_ascii(h, data, len, why);

        if (rc == DEBAR_DECLINED) {
            rc = debar_host_idna(h, data, len, why);
        }
    }

    if (rc == DEBAR_OK && odd) {
        debar_host_odd(h, odd);
    }

    return rc;
}


int
debar_host_ascii(debar_host_t *h, const char *data, size_t len,
    const char **why)
{
    int     c;
    size_t  i, n, start;

    n = len;

    if (data[n - 1] == '.') {
        n--;
    }

    /* long by its encoding, perhaps */

    if (n > DEBAR_MAX_HOST) {
        return DEBAR_DECLINED;
    }

    if (n == 0) {
        *why = "an empty label";
        return DEBAR_ERROR;
    }

    start = 0;

    for (i = 0; i < n; i++) {
        c = debar_host_byte[(uint8_t) data[i]];

        if (c == 0) {
            return DEBAR_DECLINED;
        }

        h->name[i] = c;

        if (c == '-' && i == start + 3
            && h->name[start] == 'x' && h->name[start + 1] == 'n'
            && h->name[start + 2] == '-')
        {
            return DEBAR_DECLINED;
        }

        if (c == '.') {
            /* a fault of a label counts only once all bytes are known to
             * be those of a name */

            start = i + 1;
        }
    }

    h->name[n] = '\0';
    h->len = n;

    if (h->name[start] >= '0' && h->name[start] <= '9') {
        i = start;

        if (h->name[i] == '0' && h->name[i + 1] == 'x') {
            for (i += 2; isxdigit((uint8_t) h->name[i]); i++) { /* void */ }

        } else {
            while (h->name[i] >= '0' && h->name[i] <= '9') {
                i++;
            }
        }

        if (i == n) {
            return debar_host_ipv4(h, data, len, why);
        }
    }

    for (start = 0, i = 0; i <= n; i++) {
        if (i == n || h->name[i] == '.') {

            if (debar_host_label(h->name + start, i - start, why)
                != DEBAR_OK)
            {
                return DEBAR_ERROR;
            }

            start = i + 1;
        }
    }

    return DEBAR_OK;
}


int
debar_host_label(const char *label, size_t len, const char **why)
{
    if (len == 0) {
        *why = "an empty label";
        return DEBAR_ERROR;
    }

    if (len > 63) {
        *why = "a label longer than 63 bytes";
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


/* The notations of inet_aton(3); data is as given, h->name in lower case. */

static int
debar_host_ipv4(debar_host_t *h, const char *data, size_t len,
    const char **why)
{
    int                base, d, odd;
    size_t             i, start;
    unsigned           n;
    uint64_t           part[4], value;
    const char        *p;

    static const char  bad[] = "a number that is not an IPv4 address";

    p = h->name;
    odd = 0;
    i = 0;

    for (n = 0; n < 4; n++) {
        base = 10;
        start = i;

        if (p[i] == '0' && p[i + 1] == 'x') {
            base = 16;
            i += 2;
            start = i;

        } else if (p[i] == '0' && p[i + 1] != '.' && p[i + 1] != '\0') {
            base = 8;
        }

        odd |= base != 10;
        value = 0;

        for ( /* void */ ; p[i] != '.' && p[i] != '\0'; i++) {
            d = debar_hex(p[i]);
            value = value * base + d;

            if (d < 0 || d >= base || value > 0xffffffff) {
                *why = bad;
                return DEBAR_ERROR;
            }
        }

        if (i == start) {
            *why = bad;
            return DEBAR_ERROR;
        }

        part[n] = value;

        if (p[i] == '\0') {
            break;
        }

        i++;
    }

    if (n == 4) {
        *why = bad;
        return DEBAR_ERROR;
    }

    /* the last part fills what the ones before it leave */

    if (part[n] > 0xffffffff >> (8 * n)) {
        *why = bad;
        return DEBAR_ERROR;
    }

    value = part[n];

    for (i = 0; i < n; i++) {
        if (part[i] > 255) {
            *why = bad;
            return DEBAR_ERROR;
        }

        value |= part[i] << (24 - 8 * i);
    }

    memset(h->addr, 0, 10);
    memset(h->addr + 10, 0xff, 2);

    for (i = 0; i < 4; i++) {
        h->addr[12 + i] = value >> (24 - 8 * i);
    }

    h->type = DEBAR_HOST_ADDRESS;
    h->len = debar_addr_text(h->addr, h->name);

    if (odd || n != 3) {
        debar_host_odd(h, "an IPv4 address that is not spelt as four decimal"
                          " numbers");

    } else if (data[len - 1] == '.') {
        debar_host_odd(h, "a dot behind an address");
    }

    return DEBAR_OK;
}


/* RFC 4291 s.2.2, without brackets, and with a zone id (RFC 6874). */

static int
debar_host_ipv6(debar_host_t *h, const char *data, size_t len,
    const char **why)
{
    char            text[INET6_ADDRSTRLEN];
    size_t          n;
    const char     *zone;
    const uint8_t  *v4;

    zone = memchr(data, '%', len);
    n = zone ? (size_t) (zone - data) : len;

    if (n >= sizeof(text) || memchr(data, '\0', n)) {
        *why = "brackets around what is not an IPv6 address";
        return DEBAR_ERROR;
    }

    memcpy(text, data, n);
    text[n] = '\0';

    if (inet_pton(AF_INET6, text, h->addr) != 1) {
        *why = "not an IPv6 address";
        return DEBAR_ERROR;
    }

    h->type = DEBAR_HOST_ADDRESS;

    if (zone) {
        debar_host_odd(h, "a zone id");
    }

    if (strchr(text, '.')) {
        debar_host_odd(h, "an IPv6 address that ends in decimal numbers");
    }

    v4 = debar_addr_embedded(h->addr);

    if (v4) {
        memmove(h->addr + 12, v4, 4);
        memset(h->addr, 0, 10);
        memset(h->addr + 10, 0xff, 2);
        debar_host_odd(h, "an IPv4 address inside an IPv6 address");
    }

    h->len = debar_addr_text(h->addr, h->name);

    return DEBAR_OK;
}


void
debar_host_odd(debar_host_t *h, const char *odd)
{
    h->spelt = DEBAR_SPELT_ODD;

    if (h->odd == NULL) {
        h->odd = odd;
    }
}


size_t
debar_host_decode(char *out, const char *in, size_t len)
{
    int       hi, lo;
    size_t    i, n;
    unsigned  round;

    for (round = 0; round < DEBAR_HOST_ROUNDS; round++) {

        for (i = 0, n = 0; i < len; i++, n++) {

            if (in[i] == '%' && i + 2 < len) {
                hi = debar_hex(in[i + 1]);
                lo = debar_hex(in[i + 2]);

                if (hi >= 0 && lo >= 0) {
                    out[n] = hi * 16 + lo;
                    i += 2;
                    continue;
                }
            }

            out[n] = in[i];
        }

        if (n == len) {
            break;
        }

        in = out;
        len = n;
    }

    return len;
}
