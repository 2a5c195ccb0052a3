/*
 * What a worker and `debar sign` say to each other over a unix stream socket.
 *
 * A frame is its length (4 bytes, of what follows) and that many bytes.
 * Numbers are big-endian.
 *
 *   both      version 1 byte (1), kind 1 byte, id 4 bytes
 *   request   name: 1 byte length, bytes; SPKI: 2 bytes length, DER
 *   reply     status 1 byte; if 0: notAfter 8 bytes (Unix time), number of
 *             certificates 1 byte, each 2 bytes length and DER, leaf first;
 *             else: text 2 bytes length, bytes
 *
 * Nothing may follow inside of a frame.  Pure: bytes in, values out; what is
 * read points into the frame.
 */

#ifndef DEBAR_SIGN_WIRE_H
#define DEBAR_SIGN_WIRE_H

#include "debar.h"


#define DEBAR_SIGN_VERSION    1

#define DEBAR_SIGN_NAME       253      /* the longest of each, in bytes */
#define DEBAR_SIGN_SPKI       1024
#define DEBAR_SIGN_TEXT       400
#define DEBAR_SIGN_CERT       8192
#define DEBAR_SIGN_CERTS      8        /* of a reply: leaf and chain */

#define DEBAR_SIGN_REQUEST    (4 + 6 + 1 + DEBAR_SIGN_NAME + 2 \
                               + DEBAR_SIGN_SPKI)
#define DEBAR_SIGN_REPLY      (4 + 6 + 1 + 8 + 1 \
                               + DEBAR_SIGN_CERTS * (2 + DEBAR_SIGN_CERT))

typedef enum {
    DEBAR_SIGN_OK = 0,
    DEBAR_SIGN_RATE,                   /* asked too often */
    DEBAR_SIGN_NAME_REFUSED,           /* no name or address of a server */
    DEBAR_SIGN_KEY_REFUSED,            /* no public key that is certified */
    DEBAR_SIGN_FAILED,                 /* the signer's own trouble */
    DEBAR_SIGN_STATUSES
} debar_sign_status_e;

typedef struct {
    uint32_t     id;                   /* the asker's, given back */
    debar_str_t  name;                 /* as debar_host_t has it */
    debar_str_t  spki;                 /* SubjectPublicKeyInfo, DER */
} debar_sign_request_t;

typedef struct {
    uint32_t     id;
    unsigned     status;               /* debar_sign_status_e */
    int64_t      not_after;            /* of OK */
    unsigned     ncerts;
    debar_str_t  certs[DEBAR_SIGN_CERTS];
    debar_str_t  text;                 /* of others: why, for people; printable
                                          ASCII */
} debar_sign_reply_t;


/*
 * Where the first frame of data ends: its whole length, 0 if more bytes are
 * needed, -1 if it is longer than max (which counts the length's 4 bytes) or
 * cannot be a frame: the connection makes no sense any more.
 */

long debar_sign_frame(const void *data, size_t len, size_t max);

/* A whole frame.  DEBAR_ERROR: it is not one of that kind. */

int debar_sign_read_request(debar_sign_request_t *rq, const void *frame,
    size_t len);
int debar_sign_read_reply(debar_sign_reply_t *rp, const void *frame,
    size_t len);

/* Bytes written; 0 if a part is longer than allowed or size is too small. */

size_t debar_sign_write_request(void *out, size_t size,
    const debar_sign_request_t *rq);
size_t debar_sign_write_reply(void *out, size_t size,
    const debar_sign_reply_t *rp);


#endif /* DEBAR_SIGN_WIRE_H */
