/*
 * What a client sends first, over any bytes (libFuzzer): the head of a CONNECT
 * and the answer to one, credentials, a ClientHello.  The first byte chooses;
 * a hello also gets its lengths from here, so that its inside is reached.
 *
 *   clang -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -Iblocklist
 *       t/fuzz/hello.c blocklist/{hello,connect}.c
 */

#include "connect.h"
#include "hello.h"

#include <stdlib.h>


#define ROOM  (2 * DEBAR_HELLO_BYTES)

#define claim(c)  do { if (!(c)) { abort(); } } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


/* A copy that ends where its memory ends. */

static char *
copy(const char *data, size_t len)
{
    return memcpy(malloc(len ? len : 1), data, len);
}


static int
parse(debar_hello_t *h, const char *data, size_t len)
{
    int    rc;
    char  *p, *scratch;

    p = copy(data, len);
    scratch = malloc(DEBAR_MAX_HELLO);
    rc = debar_hello_parse(h, p, len, scratch);

    free(scratch);
    free(p);

    claim((rc == DEBAR_HELLO_BAD) == (h->fault != NULL));
    claim(h->sni_len < sizeof(h->sni) && strlen(h->sni) == h->sni_len);

    if (rc == DEBAR_HELLO_OK) {
        claim(h->nnames <= 1 && (h->nnames == 1) == (h->sni_len > 0));
        claim(!h->sni_nul && h->ech <= 2 && h->records > 0);
        claim(h->version >= 0x0301 && h->version <= 0x0304);
        claim(h->alpn >= h->h2 && h->alpn >= h->http11);
    }

    claim(rc != DEBAR_HELLO_MORE || len < DEBAR_HELLO_BYTES);

    return rc;
}


/*
 * The answer to a beginning is MORE until the whole is known; once it is
 * anything else, it stays so.
 */

static void
stream(const char *in, size_t len)
{
    int            before, rc;
    size_t         n, step;
    debar_hello_t  h, last;

    rc = parse(&last, in, len);
    step = 1 + len / 64;

    for (n = 0; n < len; n += step) {
        before = parse(&h, in, n);
        claim(before == DEBAR_HELLO_MORE || before == rc);

        if (before == DEBAR_HELLO_OK) {
            claim(memcmp(&h, &last, sizeof(h)) == 0);
        }
    }

    if (rc == DEBAR_HELLO_NOT_TLS) {
        rc = debar_hello_other(in, len);

        for (n = 0; n < len && n < 64; n++) {
            before = debar_hello_other(in, n);
            claim(before == DEBAR_OTHER_MORE || before == rc);
        }
    }
}


/* The same hello in records of size bytes. */

static size_t
cut(char *out, const char *msg, size_t len, size_t size)
{
    size_t  n, part;

    for (n = 0; len; msg += part, len -= part) {
        part = len < size ? len : size;
        memcpy(out + n, "\x16\x03\x01", 3);
        out[n + 3] = (char) (part >> 8);
        out[n + 4] = (char) part;
        memcpy(out + n + 5, msg, part);
        n += 5 + part;
    }

    return n;
}


/* in: a body; or, with extensions set, what follows the length of these. */

static void
message(const char *in, size_t len, int extensions, size_t size)
{
    int             once, rc;
    char           *msg, *out;
    size_t          n;
    debar_hello_t   h, one;

    if (len > DEBAR_HELLO_BYTES / 8) {
        return;
    }

    msg = calloc(1, ROOM);
    out = malloc(ROOM);
    n = 4;

    if (extensions) {
        memcpy(msg + n, "\x03\x03", 2);
        memcpy(msg + n + 34, "\0\0\x02\x13\x01\x01\0", 7);
        msg[n + 41] = (char) (len >> 8);
        msg[n + 42] = (char) len;
        n += 43;
    }

    memcpy(msg + n, in, len);
    n += len;

    msg[0] = 1;
    msg[2] = (char) ((n - 4) >> 8);
    msg[3] = (char) (n - 4);

    once = parse(&one, out, cut(out, msg, n, 16384));
    claim(once == DEBAR_HELLO_OK || once == DEBAR_HELLO_BAD);

    rc = parse(&h, out, cut(out, msg, n, size));
    claim(h.records == (n + size - 1) / size);
    h.records = one.records;
    claim(rc == once && memcmp(&h, &one, sizeof(h)) == 0);

    free(out);
    free(msg);
}


static void
within(debar_str_t s, const char *p, size_t len)
{
    claim(s.data == NULL || (s.data >= p && s.data + s.len <= p + len));
}


static void
head(const char *in, size_t len)
{
    int               before, rc;
    char             *p;
    size_t            i, n, step;
    debar_connect_t   c, part;

    p = copy(in, len);
    rc = debar_connect_parse(&c, p, len);

    claim((rc == DEBAR_HEAD_BAD) == (c.fault != NULL));
    claim(c.nhosts <= 4 && (c.nhosts == 4 || c.more_hosts == 0));
    claim(c.len <= len && c.len <= DEBAR_MAX_HEAD && c.minor <= 1);
    claim((c.nauthorization > 0) == (c.authorization.data != NULL));
    within(c.authority, p, len);
    within(c.authorization, p, len);
    within(c.user_agent, p, len);

    for (i = 0; i < c.nhosts; i++) {
        within(c.hosts[i], p, c.len ? c.len : len);
    }

    if (rc == DEBAR_HEAD_OK) {
        claim(c.authority.len > 0 && !c.has_body && p[c.len - 1] == '\n');
        claim(memchr(p, '\0', c.len) == NULL);
    }

    claim(rc != DEBAR_HEAD_MORE || len < DEBAR_MAX_HEAD);

    step = 1 + len / 64;

    for (n = 0; n < len; n += step) {
        before = debar_connect_parse(&part, p, n);
        claim(before == DEBAR_HEAD_MORE || before == rc);
        claim(before != DEBAR_HEAD_OK || part.len == c.len);
    }

    free(p);
}


static void
credentials(const char *in, size_t len, size_t room)
{
    int           rc;
    char         *out, *p;
    debar_str_t   password, user;

    out = malloc(room ? room : 1);
    p = copy(in, len);
    rc = debar_connect_basic(debar_str(p, len), out, room, &user, &password);

    if (rc == DEBAR_OK) {
        claim(user.data == out && user.len > 0);
        claim(strlen(user.data) == user.len);
        claim(password.data == out + user.len + 1);
        claim(strlen(password.data) == password.len);
        claim(user.len + password.len + 2 <= room);
    }

    free(p);
    free(out);
}


/* Words that only stand in code as bytes, for the fuzzer to find them. */

static void
connect_head(const char *in, size_t len)
{
    char    *p;
    size_t   n = sizeof("CONNECT a.example:443 HTTP/1.1\r\n") - 1;

    p = malloc(n + len);
    memcpy(p, "CONNECT a.example:443 HTTP/1.1\r\n", n);
    memcpy(p + n, in, len);
    head(p, n + len);
    free(p);
}


/* What a parent proxy answers: as in stream(). */

static void
reply(const char *in, size_t len)
{
    int                     before, rc;
    char                   *p;
    size_t                  n, step;
    debar_connect_reply_t   r, part;

    rc = debar_connect_reply_parse(&r, in, len);
    step = 1 + len / 64;

    claim((rc == DEBAR_HEAD_BAD) == (r.fault != NULL));
    claim(rc != DEBAR_HEAD_MORE || len < DEBAR_MAX_REPLY);

    if (rc == DEBAR_HEAD_OK) {
        claim(r.len <= len && r.len <= DEBAR_MAX_REPLY);
        claim(r.status == 101 || (r.status >= 200 && r.status <= 599));
        claim(r.reason.data >= in && r.reason.data + r.reason.len <= in + len);
    }

    for (n = 0; n < len; n += step) {
        p = copy(in, n);
        before = debar_connect_reply_parse(&part, p, n);
        claim(before == DEBAR_HEAD_MORE || before == rc);
        free(p);
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char     *p;
    size_t    len, n;
    unsigned  what;

    if (size < 2) {
        return 0;
    }

    what = data[0] % 7;
    n = 1 + data[1];
    len = size - 2;
    p = copy((const char *) data + 2, len);

    switch (what) {

    case 0:
        stream(p, len);
        break;

    case 1:
        message(p, len, 0, n);
        break;

    case 2:
        message(p, len, 1, n);
        break;

    case 3:
        head(p, len);
        break;

    case 4:
        connect_head(p, len);
        break;

    case 5:
        reply(p, len);
        break;

    default:
        credentials(p, len, n);
    }

    free(p);

    return 0;
}
