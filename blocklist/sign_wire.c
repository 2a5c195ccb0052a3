/*
 * Frames between workers and the signer.
 */

#include "sign_wire.h"


#define REQUEST  1
#define REPLY    2

#define HEAD     10                    /* length, version, kind, id */


typedef struct {
    const uint8_t  *p;
    const uint8_t  *end;
    int             bad;
} debar_wire_in_t;

typedef struct {
    uint8_t        *p;
    uint8_t        *end;
    int             bad;
} debar_wire_out_t;


static uint64_t
debar_wire_get(debar_wire_in_t *in, size_t n)
{
    uint64_t  v;

    if ((size_t) (in->end - in->p) < n) {
        in->bad = 1;
        in->p = in->end;
        return 0;
    }

    for (v = 0; n; n--) {
        v = v << 8 | *in->p++;
    }

    return v;
}


/* At least one byte, at most max, behind a length of n bytes. */

static debar_str_t
debar_wire_get_str(debar_wire_in_t *in, size_t n, size_t max)
{
    size_t       len;
    debar_str_t  s;

    len = debar_wire_get(in, n);
    s = debar_str((const char *) in->p, len);

    if (len == 0 || len > max || (size_t) (in->end - in->p) < len) {
        in->bad = 1;
        return debar_str(NULL, 0);
    }

    in->p += len;

    return s;
}


static void
debar_wire_put(debar_wire_out_t *out, uint64_t v, size_t n)
{
    if ((size_t) (out->end - out->p) < n) {
        out->bad = 1;
        return;
    }

    while (n--) {
        *out->p++ = (uint8_t) (v >> (8 * n));
    }
}


static void
debar_wire_put_str(debar_wire_out_t *out, debar_str_t s, size_t n, size_t max)
{
    debar_wire_put(out, s.len, n);

    if (out->bad || s.len == 0 || s.len > max
        || (size_t) (out->end - out->p) < s.len)
    {
        out->bad = 1;
        return;
    }

    memcpy(out->p, s.data, s.len);
    out->p += s.len;
}


long
debar_sign_frame(const void *data, size_t len, size_t max)
{
    size_t           n;
    debar_wire_in_t  in;

    if (len < 4) {
        return 0;
    }

    in.p = data;
    in.end = in.p + len;
    in.bad = 0;

    n = debar_wire_get(&in, 4) + 4;

    if (n <= HEAD || n > max) {
        return -1;
    }

    return (len < n) ? 0 : (long) n;
}


/* Reads the head; the id, or in->bad. */

static uint32_t
debar_wire_begin(debar_wire_in_t *in, const void *frame, size_t len,
    unsigned kind)
{
    in->p = frame;
    in->end = in->p + len;
    in->bad = 0;

    if (debar_wire_get(in, 4) != len - 4
        || debar_wire_get(in, 1) != DEBAR_SIGN_VERSION
        || debar_wire_get(in, 1) != kind)
    {
        in->bad = 1;
    }

    return (uint32_t) debar_wire_get(in, 4);
}


static uint8_t *
debar_wire_open(debar_wire_out_t *out, void *data, size_t size, unsigned kind,
    uint32_t id)
{
    out->p = data;
    out->end = out->p + size;
    out->bad = 0;

    debar_wire_put(out, 0, 4);
    debar_wire_put(out, DEBAR_SIGN_VERSION, 1);
    debar_wire_put(out, kind, 1);
    debar_wire_put(out, id, 4);

    return data;
}


static size_t
debar_wire_close(debar_wire_out_t *out, uint8_t *data)
{
    size_t  len;

    if (out->bad) {
        return 0;
    }

    len = out->p - data;
    out->p = data;
    debar_wire_put(out, len - 4, 4);

    return len;
}


int
debar_sign_read_request(debar_sign_request_t *rq, const void *frame, size_t len)
{
    debar_wire_in_t  in;

    rq->id = debar_wire_begin(&in, frame, len, REQUEST);
    rq->name = debar_wire_get_str(&in, 1, DEBAR_SIGN_NAME);
    rq->spki = debar_wire_get_str(&in, 2, DEBAR_SIGN_SPKI);

    return (in.bad || in.p != in.end) ? DEBAR_ERROR : DEBAR_OK;
}


int
debar_sign_read_reply(debar_sign_reply_t *rp, const void *frame, size_t len)
{
    size_t           i;
    debar_wire_in_t  in;

    memset(rp, 0, sizeof(*rp));

    rp->id = debar_wire_begin(&in, frame, len, REPLY);
    rp->status = (unsigned) debar_wire_get(&in, 1);

    if (rp->status >= DEBAR_SIGN_STATUSES) {
        return DEBAR_ERROR;
    }

    if (rp->status != DEBAR_SIGN_OK) {
        rp->text = debar_wire_get_str(&in, 2, DEBAR_SIGN_TEXT);

        for (i = 0; i < rp->text.len; i++) {
            if (rp->text.data[i] < 0x20 || rp->text.data[i] > 0x7e) {
                in.bad = 1;
            }
        }

    } else {
        rp->not_after = (int64_t) debar_wire_get(&in, 8);
        rp->ncerts = (unsigned) debar_wire_get(&in, 1);

        if (rp->ncerts == 0 || rp->ncerts > DEBAR_SIGN_CERTS) {
            return DEBAR_ERROR;
        }

        for (i = 0; i < rp->ncerts; i++) {
            rp->certs[i] = debar_wire_get_str(&in, 2, DEBAR_SIGN_CERT);
        }
    }

    return (in.bad || in.p != in.end) ? DEBAR_ERROR : DEBAR_OK;
}


size_t
debar_sign_write_request(void *data, size_t size,
    const debar_sign_request_t *rq)
{
    uint8_t           *start;
    debar_wire_out_t   out;

    start = debar_wire_open(&out, data, size, REQUEST, rq->id);
    debar_wire_put_str(&out, rq->name, 1, DEBAR_SIGN_NAME);
    debar_wire_put_str(&out, rq->spki, 2, DEBAR_SIGN_SPKI);

    return debar_wire_close(&out, start);
}


size_t
debar_sign_write_reply(void *data, size_t size, const debar_sign_reply_t *rp)
{
    size_t             i;
    uint8_t           *start;
    debar_wire_out_t   out;

    if (rp->status >= DEBAR_SIGN_STATUSES || rp->ncerts > DEBAR_SIGN_CERTS) {
        return 0;
    }

    start = debar_wire_open(&out, data, size, REPLY, rp->id);
    debar_wire_put(&out, rp->status, 1);

    if (rp->status != DEBAR_SIGN_OK) {
        debar_wire_put_str(&out, rp->text, 2, DEBAR_SIGN_TEXT);

    } else {
        debar_wire_put(&out, (uint64_t) rp->not_after, 8);
        debar_wire_put(&out, rp->ncerts, 1);

        for (i = 0; i < rp->ncerts; i++) {
            debar_wire_put_str(&out, rp->certs[i], 2, DEBAR_SIGN_CERT);
        }

        out.bad |= (rp->ncerts == 0);
    }

    return debar_wire_close(&out, start);
}
