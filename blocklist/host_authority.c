/*
 * Authorities, and what other readers of the same bytes would take them for.
 * See host.h.
 */

#include "host.h"
#include "text.h"

#include <ctype.h>
#include <strings.h>


/* Bytes of an authority that are taken apart; a well-formed one has at most
 * 260, and what is longer than this is refused unread. */

#define DEBAR_AUTHORITY_RAW  2048


static int debar_authority_port(const char *p, size_t len, unsigned *port);
static const char *debar_authority_fault(const char *p, size_t len);
static void debar_readings(debar_authority_parts_t *a, const char *p,
    size_t len);
static void debar_readings_pieces(debar_authority_parts_t *a, const char *p,
    size_t len);
static void debar_readings_add(debar_authority_parts_t *a, const char *p,
    size_t len);
static size_t debar_authority_piece(const char *p, size_t len);
static int debar_authority_digits(const char *p, size_t len);
static size_t debar_authority_strip(char *p, size_t len);


void
debar_authority_parse(debar_authority_parts_t *a, const char *data, size_t len)
{
    int          rc;
    size_t       n;
    const char  *colon, *end, *why;

    a->fault = NULL;
    a->port = 0;
    a->n = 0;

    if (len == 0) {
        a->fault = "no host";
        return;
    }

    if (len > DEBAR_AUTHORITY_RAW) {
        a->fault = "an authority longer than 2048 bytes";
        len = DEBAR_AUTHORITY_RAW;
        debar_readings(a, data, len);
        return;
    }

    end = data + len;
    colon = NULL;

    if (data[0] == '[') {
        colon = memchr(data, ']', len);
        n = colon ? (size_t) (colon + 1 - data) : len;

        if (n < len && data[n] != ':') {
            a->fault = "something behind a bracketed address";
        }

        colon = n < len ? data + n : NULL;

    } else {
        colon = memchr(data, ':', len);
        n = colon ? (size_t) (colon - data) : len;
    }

    if (a->fault == NULL) {
        rc = debar_host_parse(&a->readings[0], data, n, 0, &why);

        if (rc == DEBAR_OK) {
            a->n = 1;

            if (a->readings[0].spelt != DEBAR_SPELT_PLAIN) {
                a->fault = a->readings[0].odd;
            }

            if (colon && debar_authority_port(colon + 1, end - colon - 1,
                                              &a->port)
                         != DEBAR_OK)
            {
                a->fault = "a port that is not 1 to 65535";
            }

            /* software that dials sockets takes all of it for a path */

            if (len >= 5 && strncasecmp(data, "unix:", 5) == 0) {
                a->fault = "a unix: address";
            }

            if (a->fault == NULL) {
                return;
            }

        } else {
            a->fault = why;
        }
    }

    /* the most telling fault is the one to show */

    why = debar_authority_fault(data, len);
    if (why) {
        a->fault = why;
    }

    debar_readings(a, data, len);
}


static int
debar_authority_port(const char *p, size_t len, unsigned *port)
{
    size_t    i;
    unsigned  value;

    if (len == 0) {
        return DEBAR_OK;
    }

    if (len > 5) {
        return DEBAR_ERROR;
    }

    value = 0;

    for (i = 0; i < len; i++) {
        if (p[i] < '0' || p[i] > '9') {
            return DEBAR_ERROR;
        }

        value = value * 10 + (p[i] - '0');
    }

    if (value == 0 || value > 65535) {
        return DEBAR_ERROR;
    }

    *port = value;

    return DEBAR_OK;
}


static const char *
debar_authority_fault(const char *p, size_t len)
{
    size_t       i;
    uint8_t      c;
    const char  *colon, *fault;

    if (len >= 5 && strncasecmp(p, "unix:", 5) == 0) {
        return "a unix: address";
    }

    fault = NULL;

    for (i = 0; i < len; i++) {
        c = p[i];

        if (c < 0x20 || c == 0x7f) {
            return "a control character in an authority";
        }

        switch (c) {
        case '@':
            fault = fault ? fault : "userinfo in an authority";
            break;
        case '\\':
            fault = fault ? fault : "a backslash in an authority";
            break;
        case '#':
        case '?':
        case '/':
            fault = fault ? fault : "a delimiter in an authority";
            break;
        case ' ':
            fault = fault ? fault : "a space in an authority";
            break;
        case ',':
            fault = fault ? fault : "a list in an authority";
            break;
        case '%':
            if (p[0] != '[') {
                fault = fault ? fault : "percent-encoding in an authority";
            }
            break;
        }
    }

    if (fault == NULL && p[0] != '[') {
        colon = memchr(p, ':', len);

        if (colon && memchr(colon + 1, ':', p + len - colon - 1)) {
            return "two colons in an authority";
        }
    }

    return fault;
}


/*
 * What most readers take: what follows the last "@", or else the beginning,
 * stands first.  Then every piece; then those of the decoded bytes, and of
 * these without the bytes that some readers strip.
 */

static void
debar_readings(debar_authority_parts_t *a, const char *p, size_t len)
{
    char         buf[DEBAR_AUTHORITY_RAW];
    size_t       n;
    unsigned     flags, rounds;
    const char  *at;

    at = memrchr(p, '@', len);

    if (at) {
        at++;
        a->n = 0;
        a->port = 0;
        n = p + len - at;
        debar_readings_add(a, at, debar_authority_piece(at, n));
    }

    debar_readings_pieces(a, p, len);

    n = debar_text_decode(buf, sizeof(buf), p, len, 0, &flags, &rounds);

    if (n != len) {
        debar_readings_pieces(a, buf, n);
    }

    len = n;
    n = debar_authority_strip(buf, len);

    if (n != len) {
        debar_readings_pieces(a, buf, n);
    }
}


static void
debar_readings_pieces(debar_authority_parts_t *a, const char *p, size_t len)
{
    size_t  i, n;

    for (i = 0; i < len && a->n < DEBAR_MAX_READINGS; i += n ? n : 1) {
        n = debar_authority_piece(p + i, len - i);

        /* a port is no host, though "80" is an address to inet_aton */

        if (i && p[i - 1] == ':' && debar_authority_digits(p + i, n)) {
            continue;
        }

        debar_readings_add(a, p + i, n);
    }
}


static int
debar_authority_digits(const char *p, size_t len)
{
    size_t  i;

    for (i = 0; i < len; i++) {
        if (p[i] < '0' || p[i] > '9') {
            return 0;
        }
    }

    return len <= 5;
}


/* How much at p might be a host: up to a byte that is in no host. */

static size_t
debar_authority_piece(const char *p, size_t len)
{
    size_t       i;
    uint8_t      c;
    const char  *end;

    if (len && p[0] == '[') {
        end = memchr(p, ']', len);

        if (end) {
            return end + 1 - p;
        }
    }

    for (i = 0; i < len; i++) {
        c = p[i];

        if (c < 0x80 && c != '%' && c != '-' && c != '.' && c != '_'
            && !isalnum(c))
        {
            break;
        }
    }

    return i;
}


static void
debar_readings_add(debar_authority_parts_t *a, const char *p, size_t len)
{
    unsigned       i;
    debar_host_t  *h;

    if (len == 0 || a->n == DEBAR_MAX_READINGS) {
        return;
    }

    h = &a->readings[a->n];

    if (debar_host_parse(h, p, len, 0, NULL) != DEBAR_OK
        && debar_host_lax(h, p, len) != DEBAR_OK)
    {
        return;
    }

    for (i = 0; i < a->n; i++) {
        if (a->readings[i].type == h->type && a->readings[i].len == h->len
            && memcmp(a->readings[i].name, h->name, h->len) == 0)
        {
            return;
        }
    }

    a->n++;
}


/* WHATWG URL s.4.4 strips tabs and line ends from anywhere, others more. */

static size_t
debar_authority_strip(char *p, size_t len)
{
    size_t  i, n;

    for (i = 0, n = 0; i < len; i++) {
        if ((uint8_t) p[i] > 0x20 && p[i] != 0x7f) {
            p[n++] = p[i];
        }
    }

    return n;
}
