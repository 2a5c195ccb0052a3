/*
 * Signatures of OpenPGP (RFC 4880, 9580) as packages carry them: whose key, and
 * who its user says to be.  There is no key here to check them with.
 */

#include "file_read.h"


#define DEBAR_PGP_PACKETS     16
#define DEBAR_PGP_SUBPACKETS  64


typedef struct {
    debar_str_t   key;            /* its identifier or, better, fingerprint */
    debar_str_t   user;
} debar_pgp_t;


static size_t debar_pgp_packet(const uint8_t *p, size_t n, unsigned *tag,
    size_t *body);
static size_t debar_pgp_length(const uint8_t *p, size_t n, size_t *len);
static void debar_pgp_read(debar_pgp_t *pgp, const uint8_t *p, size_t n);
static void debar_pgp_subpackets(debar_pgp_t *pgp, const uint8_t *p, size_t n);


int
debar_reader_pgp(debar_reader_t *rd, const char *how, const void *data,
    size_t len, unsigned state)
{
    int             rc;
    size_t          at, n, body;
    unsigned        i, tag;
    debar_pgp_t     pgp;
    debar_found_t   found;
    const uint8_t  *p = data;

    for (i = 0, at = 0, rc = DEBAR_OK; i < DEBAR_PGP_PACKETS; i++) {
        n = debar_pgp_packet(p + at, len - at, &tag, &body);

        if (n == 0 || rc != DEBAR_OK) {
            break;
        }

        if (tag == 2) {
            memset(&pgp, 0, sizeof(pgp));
            debar_pgp_read(&pgp, p + at + body, n - body);

            memset(&found, 0, sizeof(found));
            found.name = debar_str(how, strlen(how));
            found.common_name = pgp.user;
            found.thumbprint = pgp.key;
            found.state = state;
            rc = debar_reader_signer(rd, &found);
        }

        at += n;
    }

    return rc;
}


/* The length of a packet with its header, and where its body is; 0: none. */

static size_t
debar_pgp_packet(const uint8_t *p, size_t n, unsigned *tag, size_t *body)
{
    size_t  len, used;

    if (n < 2 || (p[0] & 0x80) == 0) {
        return 0;
    }

    if (p[0] & 0x40) {
        *tag = p[0] & 0x3f;
        used = debar_pgp_length(p + 1, n - 1, &len);

    } else {
        *tag = p[0] >> 2 & 15;
        used = 1 << (p[0] & 3);

        if (used > 4 || used > n - 1) {
            return 0;
        }

        len = used == 1 ? p[1]
              : used == 2 ? (size_t) p[1] << 8 | p[2]
              : (size_t) p[1] << 24 | p[2] << 16 | p[3] << 8 | p[4];
    }

    *body = 1 + used;

    return used && len <= n - *body ? *body + len : 0;
}


/* Bytes that a length of the newer kind takes; 0: none, or one in parts. */

static size_t
debar_pgp_length(const uint8_t *p, size_t n, size_t *len)
{
    if (n >= 1 && p[0] < 192) {
        *len = p[0];
        return 1;
    }

    if (n >= 2 && p[0] < 224) {
        *len = ((size_t) (p[0] - 192) << 8) + p[1] + 192;
        return 2;
    }

    if (n >= 5 && p[0] == 255) {
        *len = (size_t) p[1] << 24 | p[2] << 16 | p[3] << 8 | p[4];
        return 5;
    }

    return 0;
}


static void
debar_pgp_read(debar_pgp_t *pgp, const uint8_t *p, size_t n)
{
    size_t    at, len, wide;
    unsigned  i;

    /* version 3: the identifier stands at its place */

    if (n >= 15 && p[0] == 3) {
        pgp->key = debar_str((const char *) p + 7, 8);
        return;
    }

    if (n < 6 || p[0] < 4 || p[0] > 6) {
        return;
    }

    wide = p[0] == 6 ? 4 : 2;

    /* what is hashed, then what is not */

    for (i = 0, at = 4; i < 2; i++, at += len) {
        if (n - at < wide) {
            return;
        }

        len = wide == 2 ? (size_t) p[at] << 8 | p[at + 1]
                        : (size_t) p[at] << 24 | p[at + 1] << 16
                          | p[at + 2] << 8 | p[at + 3];
        at += wide;

        if (len > n - at) {
            return;
        }

        debar_pgp_subpackets(pgp, p + at, len);
    }
}


static void
debar_pgp_subpackets(debar_pgp_t *pgp, const uint8_t *p, size_t n)
{
    size_t       at, used, len;
    unsigned     i;
    debar_str_t  body;

    for (i = 0, at = 0; i < DEBAR_PGP_SUBPACKETS && at < n; i++) {
        used = debar_pgp_length(p + at, n - at, &len);

        if (used == 0 || len == 0 || len > n - at - used) {
            return;
        }

        at += used;
        body = debar_str((const char *) p + at + 1, len - 1);

        switch (p[at] & 0x7f) {

        case 16:
            if (pgp->key.len == 0) {
                pgp->key = body;
            }

            break;

        case 28:
            pgp->user = body;
            break;

        case 33:
            if (body.len > 1) {
                pgp->key = debar_str(body.data + 1, body.len - 1);
            }

            break;
        }

        at += len;
    }
}
