/*
 * The head of a CONNECT request, as the front peeks at it, and of the answer
 * that a parent proxy gives to one: RFC 9110 s.9.3.6, RFC 9112 s.2, 3.2.3 and
 * 4.  Pure.
 */

#ifndef DEBAR_CONNECT_H
#define DEBAR_CONNECT_H

#include "host.h"


#define DEBAR_MAX_HEAD  32768     /* Kerberos tickets are long */


typedef enum {
    DEBAR_HEAD_OK = 0,            /* a whole head of a CONNECT */
    DEBAR_HEAD_MORE,              /* the beginning of one */
    DEBAR_HEAD_OTHER,             /* not a CONNECT: the http listener's
                                     matter */
    DEBAR_HEAD_TOO_LARGE,         /* 431 */
    DEBAR_HEAD_BAD                /* 400; fault says why */
} debar_head_e;

typedef struct {
    const char   *fault;          /* static text */
    size_t        len;            /* of the head with its empty line */
    unsigned      minor;          /* HTTP/1.x */
    debar_str_t   authority;      /* the target, raw */
    debar_str_t   hosts[4];       /* Host fields, raw, trimmed */
    unsigned      nhosts;
    unsigned      more_hosts;
    debar_str_t   authorization;  /* Proxy-Authorization, raw; data NULL:
                                     none */
    unsigned      nauthorization;
    debar_str_t   user_agent;
    unsigned      has_body;       /* Content-Length other than 0, or
                                     Transfer-Encoding: a fault */
} debar_connect_t;

/*
 * Strict: one SP between the parts of the request line, CRLF or LF at line
 * ends, no obs-fold, no space before a colon, no NUL; HTTP/1.0 or 1.1.
 * DEBAR_HEAD_OTHER is said as soon as the first bytes are not "CONNECT ".
 *
 * BAD is said at the line at fault, so len may be 0; the authority is set even
 * where the request line is that line (everything between the first space and
 * the last).  A missing Host, or several, and several Proxy-Authorizations are
 * not faults here.  Strings point into data.
 */

int debar_connect_parse(debar_connect_t *c, const char *data, size_t len);

/*
 * "Basic dXNlcjpwYXNz" -> user and password in out (room for size bytes, NUL
 * after each).  DEBAR_DECLINED: another scheme, or none; DEBAR_ERROR: malformed
 * (RFC 7617, RFC 4648 s.4 with its padding), an empty user, a control, no room.
 */

int debar_connect_basic(debar_str_t authorization, char *out, size_t size,
    debar_str_t *user, debar_str_t *password);


#define DEBAR_MAX_REPLY    16384  /* bytes, with interim ones */
#define DEBAR_MAX_INTERIM  8      /* 1xx answers before the final one */

typedef struct {
    const char   *fault;          /* static text */
    size_t        len;            /* up to the end of the final head */
    unsigned      status;         /* of it: 101, 200..599 */
    debar_str_t   reason;         /* as sent, trimmed; may be empty */
} debar_connect_reply_t;

/*
 * The answer to a CONNECT: interim ones (1xx but 101, RFC 9110 s.15.2) are
 * passed over.  What follows len belongs to the tunnel if the status is 2xx,
 * whatever the head says of a length (RFC 9110 s.9.3.6).
 *
 * DEBAR_HEAD_OK; MORE: the beginning of one; TOO_LARGE: interim and final heads
 * are longer than DEBAR_MAX_REPLY; BAD: what no proxy of HTTP/1 says, told by
 * its first bytes.  Bytes that must not be in a head are BAD; fields are not
 * looked at.  Strings point into data.
 */

int debar_connect_reply_parse(debar_connect_reply_t *r, const char *data,
    size_t len);


#endif /* DEBAR_CONNECT_H */
