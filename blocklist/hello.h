/*
 * A TLS ClientHello as it is peeked at: RFC 8446 s.4.1.2 and 5.1, RFC 5246
 * s.7.4.1.2, RFC 6066 s.3 (server_name), RFC 7301 (ALPN), ECH (extension
 * 0xfe0d) and its forerunner ESNI (0xffce).  Pure: bytes in, values out.
 */

#ifndef DEBAR_HELLO_H
#define DEBAR_HELLO_H

#include "debar.h"


/* A hello that is longer, record headers aside, is refused. */

#define DEBAR_MAX_HELLO    (16384 + 4)

/* What a peek must hold for the longest hello in the smallest records. */

#define DEBAR_HELLO_BYTES  65536


typedef enum {
    DEBAR_HELLO_OK = 0,           /* a whole ClientHello; the fields are set */
    DEBAR_HELLO_MORE,             /* what is there is the beginning of one */
    DEBAR_HELLO_NOT_TLS,          /* something else; see debar_hello_other() */
    DEBAR_HELLO_SSLV2,            /* an SSLv2-framed hello */
    DEBAR_HELLO_BAD               /* TLS, but malformed or beyond a bound */
} debar_hello_e;

typedef struct {
    const char  *fault;           /* BAD: static text */
    unsigned     nnames;          /* host_name entries; more than one is a
                                     fault */
    size_t       sni_len;         /* 0: no server_name */
    char         sni[256];        /* the first, as sent, NUL-terminated */
    unsigned     sni_nul;         /* it holds a NUL byte (sni is cut there): a
                                     fault */
    unsigned     ech;             /* 0xfe0d: 1 outer hello, 2 inner type */
    unsigned     esni;            /* 0xffce */
    unsigned     version;         /* highest offered, 0x0301 .. 0x0304 */
    unsigned     h2;              /* ALPN offers "h2" */
    unsigned     http11;          /* ALPN offers "http/1.1" */
    unsigned     alpn;            /* ALPN offers anything */
    unsigned     records;         /* records that carried it */
} debar_hello_t;

/*
 * Reads the hello at the beginning of data, in whatever records it comes; what
 * follows those records is not looked at, nor anything behind the first
 * DEBAR_HELLO_BYTES: a hello that has not ended there is BAD, never MORE.
 * scratch: DEBAR_MAX_HELLO bytes to put fragments together in.
 *
 * BAD sets what could be read all the same (the first name, ech, ...), so that
 * a listed name is blocked rather than refused.  NOT_TLS and SSLV2 set nothing.
 */

int debar_hello_parse(debar_hello_t *h, const char *data, size_t len,
    char *scratch);

/* What the beginning of a stream that is not TLS looks like. */

typedef enum {
    DEBAR_OTHER_UNKNOWN = 0,
    DEBAR_OTHER_MORE,             /* too few bytes to tell */
    DEBAR_OTHER_HTTP,             /* a request line: method, SP */
    DEBAR_OTHER_HTTP2,            /* "PRI * HTTP/2.0" (RFC 9113 s.3.4) */
    DEBAR_OTHER_CONNECT,          /* a CONNECT inside the tunnel */
    DEBAR_OTHER_SSH               /* "SSH-" */
} debar_other_e;

/* Empty lines in front are skipped (RFC 9112 s.2.2); HTTP needs a method and
 * the beginning of a target: "EHLO host" is UNKNOWN. */

int debar_hello_other(const char *data, size_t len);


#endif /* DEBAR_HELLO_H */
