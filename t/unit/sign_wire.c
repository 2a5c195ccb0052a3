/*
 * Frames between workers and the signer.
 */

#include "tap.h"
#include "sign_wire.h"

#include <stdlib.h>


#define TEXT(s)  debar_str((s), sizeof(s) - 1)


static uint8_t  frame[DEBAR_SIGN_REPLY + 64];
static char     big[DEBAR_SIGN_CERT + 1];


static size_t
request(const char *name, size_t len, size_t spki)
{
    debar_sign_request_t  rq;

    rq.id = 0x01020304;
    rq.name = debar_str(name, len);
    rq.spki = debar_str(big, spki);

    return debar_sign_write_request(frame, sizeof(frame), &rq);
}


/* Every beginning of a frame is no frame; cut or grown, it is refused. */

static void
cuts(size_t len, size_t max, int (*read_it)(const void *, size_t),
    const char *what)
{
    int      early, taken;
    size_t   n;
    uint8_t  saved[4];

    early = taken = 0;
    memcpy(saved, frame, 4);

    for (n = 0; n < len; n++) {
        early += debar_sign_frame(frame, n, max) != 0;

        if (n > 4) {
            frame[0] = (uint8_t) ((n - 4) >> 24);
            frame[1] = (uint8_t) ((n - 4) >> 16);
            frame[2] = (uint8_t) ((n - 4) >> 8);
            frame[3] = (uint8_t) (n - 4);
            taken += read_it(frame, n) == DEBAR_OK;
            memcpy(frame, saved, 4);
        }
    }

    is_int(early, 0, "no beginning of a frame is one");
    ok(taken == 0, "no shortened %s is read", what);
    is_int(debar_sign_frame(frame, len + 9, max), (long long) len,
           "a frame ends where it ends, whatever follows");
    is_int(debar_sign_frame(frame, len, len - 1), -1,
           "a frame longer than allowed is refused");

    frame[2] = (uint8_t) ((len - 3) >> 8);
    frame[3] = (uint8_t) (len - 3);
    ok(read_it(frame, len + 1) == DEBAR_ERROR, "a byte behind a %s is refused",
       what);
    memcpy(frame, saved, 4);
}


static int
as_request(const void *data, size_t len)
{
    debar_sign_request_t  rq;

    return debar_sign_read_request(&rq, data, len);
}


static int
as_reply(const void *data, size_t len)
{
    debar_sign_reply_t  rp;

    return debar_sign_read_reply(&rp, data, len);
}


static void
requests(void)
{
    size_t                n;
    debar_sign_request_t  rq;

    n = request("a.example", 9, 91);
    is_int((long long) n, 4 + 6 + 1 + 9 + 2 + 91, "a request has its length");
    is_int(debar_sign_read_request(&rq, frame, n), DEBAR_OK, "and is read");
    is_int(rq.id, 0x01020304, "its id");
    is_mem(rq.name.data, rq.name.len, "a.example", "its name");
    is_int((long long) rq.spki.len, 91, "its key");

    cuts(n, DEBAR_SIGN_REQUEST, as_request, "request");
    is_int(as_reply(frame, n), DEBAR_ERROR, "a request is no reply");

    frame[4] = 2;
    is_int(as_request(frame, n), DEBAR_ERROR, "another version is refused");

    ok(request(big, DEBAR_SIGN_NAME, DEBAR_SIGN_SPKI) == DEBAR_SIGN_REQUEST,
       "the longest request is as long as the bound says");
    is_int((long long) request(big, DEBAR_SIGN_NAME + 1, 91), 0,
           "a longer name is not written");
    is_int((long long) request("a", 1, DEBAR_SIGN_SPKI + 1), 0,
           "nor a longer key");
    is_int((long long) request("", 0, 91), 0, "nor an empty name");

    rq.name = TEXT("a.example");
    rq.spki = debar_str(big, 91);
    is_int((long long) debar_sign_write_request(frame, 60, &rq), 0,
           "nor anything that does not fit");
    is_int(debar_sign_frame("\0\0\0\6\1\1\0\0\0\1", 10, 100), -1,
           "a frame of a head alone is none");
    is_int(debar_sign_frame("\xff\xff\xff\xff", 4, DEBAR_SIGN_REPLY), -1,
           "nor is one of 4 GB");
}


static void
replies(void)
{
    size_t               i, n;
    debar_sign_reply_t   rp, in;

    memset(&rp, 0, sizeof(rp));
    rp.id = 0xfffffffe;
    rp.not_after = 4102444800;
    rp.ncerts = 2;
    rp.certs[0] = TEXT("leaf");
    rp.certs[1] = TEXT("above it");

    n = debar_sign_write_reply(frame, sizeof(frame), &rp);
    is_int(debar_sign_read_reply(&in, frame, n), DEBAR_OK, "a reply is read");
    is_int(in.id, 0xfffffffe, "its id");
    is_int(in.not_after, 4102444800, "its end, beyond 2038");
    is_int(in.ncerts, 2, "its certificates");
    is_mem(in.certs[1].data, in.certs[1].len, "above it", "in their order");

    cuts(n, DEBAR_SIGN_REPLY, as_reply, "reply");
    is_int(as_request(frame, n), DEBAR_ERROR, "a reply is no request");

    frame[10] = DEBAR_SIGN_STATUSES;
    is_int(as_reply(frame, n), DEBAR_ERROR, "an unknown status is refused");
    frame[10] = 0;
    frame[19] = 0;
    is_int(as_reply(frame, n), DEBAR_ERROR, "so is a reply without a leaf");
    frame[19] = DEBAR_SIGN_CERTS + 1;
    is_int(as_reply(frame, n), DEBAR_ERROR, "and one with too many");

    rp.ncerts = 0;
    is_int((long long) debar_sign_write_reply(frame, sizeof(frame), &rp), 0,
           "nor is one without a leaf written");

    rp.ncerts = DEBAR_SIGN_CERTS;

    for (i = 0; i < DEBAR_SIGN_CERTS; i++) {
        rp.certs[i] = debar_str(big, DEBAR_SIGN_CERT);
    }

    n = debar_sign_write_reply(frame, sizeof(frame), &rp);
    is_int((long long) n, DEBAR_SIGN_REPLY,
           "the longest reply is as long as the bound says");
    is_int(as_reply(frame, n), DEBAR_OK, "and is read");

    rp.status = DEBAR_SIGN_RATE;
    rp.text = TEXT("refused: rate");
    n = debar_sign_write_reply(frame, sizeof(frame), &rp);
    is_int(debar_sign_read_reply(&in, frame, n), DEBAR_OK, "a refusal is read");
    is_mem(in.text.data, in.text.len, "refused: rate", "its text");
    is_int(in.ncerts, 0, "no certificate");

    frame[n - 1] = '\n';
    is_int(as_reply(frame, n), DEBAR_ERROR,
           "a text that would break a line of the log is refused");
}


int
main(void)
{
    memset(big, 'x', sizeof(big));

    requests();
    replies();

    return done();
}
