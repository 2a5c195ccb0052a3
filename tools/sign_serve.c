/*
 * The signer's loop: one thread, poll(2), frames of blocklist/sign_wire.h.
 * Each client has one buffer for what it sends and one for what it is sent; it
 * is not read from while its answers wait.
 */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sign.h"
#include "sign_wire.h"


#define DEBAR_SIGN_HALF     5000       /* ms: a frame that does not end, an
                                          answer that is not taken */
#define DEBAR_SIGN_IDLE     600000     /* ms */
#define DEBAR_SIGN_LINES    10         /* of refusals, a second */
#define DEBAR_SIGN_TURN     16         /* frames of a client before the next */
#define DEBAR_SIGN_IN       (8 * DEBAR_SIGN_REQUEST)
#define DEBAR_SIGN_OUT      (2 * DEBAR_SIGN_REPLY)


typedef struct {
    int        fd;
    uid_t      uid;
    long       pid;
    unsigned   more;                   /* a whole frame waits for its turn */
    size_t     in_len;
    size_t     out_pos;
    size_t     out_len;
    uint64_t   asked;                  /* ms: the frame that is read began */
    uint64_t   moved;                  /* ms: answers were taken */
    uint8_t    in[DEBAR_SIGN_IN];
    uint8_t    out[DEBAR_SIGN_OUT];
} debar_sign_client_t;

typedef struct {
    debar_signer_t       *signer;
    double                tokens;
    uint64_t              filled;      /* ms */
    uint64_t              told;        /* ms: of refusals, this second */
    unsigned              lines;       /* in it */
    unsigned long         refused;     /* since the last line */
    unsigned              n;
    debar_sign_client_t  *clients[DEBAR_SIGN_CLIENTS];
} debar_sign_loop_t;


static int debar_sign_wait(debar_sign_loop_t *l, struct pollfd *p,
    const sigset_t *mask);
static int debar_sign_turn(debar_sign_loop_t *l, debar_sign_client_t *c,
    int revents, uint64_t now);
static void debar_sign_accept(debar_sign_loop_t *l, uint64_t now);
static void debar_sign_go(debar_sign_loop_t *l, unsigned i);
static int debar_sign_read(debar_sign_client_t *c, uint64_t now);
static int debar_sign_flush(debar_sign_client_t *c, uint64_t now);
static int debar_sign_frames(debar_sign_loop_t *l, debar_sign_client_t *c,
    uint64_t now);
static int debar_sign_answer(debar_sign_loop_t *l, debar_sign_client_t *c,
    const debar_sign_request_t *rq, uint64_t now);
static unsigned debar_sign_mint(debar_sign_loop_t *l,
    const debar_sign_client_t *c, const debar_sign_request_t *rq,
    uint64_t now, debar_minted_t *leaf, debar_fault_t *fault);
static int debar_sign_token(debar_sign_loop_t *l, uint64_t now);
static void debar_sign_refused(debar_sign_loop_t *l,
    const debar_sign_client_t *c, const char *why, uint64_t now);
static int debar_sign_full(const debar_sign_client_t *c);
static uint64_t debar_sign_now(void);


int
debar_sign_serve(debar_signer_t *s)
{
    unsigned            i, n;
    uint64_t            now;
    sigset_t            mask;
    struct pollfd       p[DEBAR_SIGN_CLIENTS + 1];
    debar_sign_loop_t  *l;

    l = calloc(1, sizeof(debar_sign_loop_t));

    if (l == NULL) {
        return debar_say("sign: no memory");
    }

    l->signer = s;
    l->tokens = s->burst;
    l->filled = debar_sign_now();

    debar_service_signals(&s->service, &mask, 0);

    while (!debar_service_ended) {

        n = l->n;

        if (debar_sign_wait(l, p, &mask) != DEBAR_OK) {
            break;
        }

        if (debar_service_usr1) {
            debar_service_usr1 = 0;
            debar_service_reopen(&s->service);
        }

        now = debar_sign_now();

        /* from the end: the last one takes the place of one that goes */

        for (i = n; i > 0; i--) {
            if (debar_sign_turn(l, l->clients[i - 1], p[i].revents, now)
                != DEBAR_OK)
            {
                debar_sign_go(l, i - 1);
            }
        }

        if (p[0].revents) {
            debar_sign_accept(l, now);
        }
    }

    while (l->n) {
        debar_sign_go(l, l->n - 1);
    }

    free(l);

    return 0;
}


static int
debar_sign_wait(debar_sign_loop_t *l, struct pollfd *p, const sigset_t *mask)
{
    int                   n;
    unsigned              i;
    struct timespec       ts;
    debar_sign_client_t  *c;

    ts.tv_sec = 60;
    ts.tv_nsec = 0;

    p[0].fd = l->signer->service.listener;
    p[0].events = POLLIN;
    p[0].revents = 0;

    for (i = 0; i < l->n; i++) {
        c = l->clients[i];
        p[i + 1].fd = c->fd;
        p[i + 1].events = debar_sign_full(c) || c->more ? 0 : POLLIN;
        p[i + 1].revents = 0;

        if (c->out_len) {
            p[i + 1].events |= POLLOUT;
        }

        if (c->more && !debar_sign_full(c)) {
            ts.tv_sec = 0;

        } else if ((c->in_len || c->out_len) && ts.tv_sec > 1) {
            ts.tv_sec = 1;
        }
    }

    n = ppoll(p, l->n + 1, &ts, mask);

    if (n == -1 && errno != EINTR) {
        (void) debar_service_log(&l->signer->service, "poll: %s", strerror(errno));
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


/* DEBAR_ERROR: the client goes. */

static int
debar_sign_turn(debar_sign_loop_t *l, debar_sign_client_t *c, int revents,
    uint64_t now)
{
    if ((revents & (POLLIN|POLLHUP|POLLERR)) && !c->more
        && !debar_sign_full(c) && debar_sign_read(c, now) != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    if (debar_sign_frames(l, c, now) != DEBAR_OK
        || debar_sign_flush(c, now) != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    if ((c->in_len && !c->more && !debar_sign_full(c)
         && now - c->asked >= DEBAR_SIGN_HALF)
        || (c->out_len && now - c->moved >= DEBAR_SIGN_HALF)
        || now - c->asked >= DEBAR_SIGN_IDLE)
    {
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


static void
debar_sign_accept(debar_sign_loop_t *l, uint64_t now)
{
    int                   fd;
    socklen_t             len;
    struct ucred          peer;
    debar_sign_client_t  *c, who;

    for ( ;; ) {

        fd = accept4(l->signer->service.listener, NULL, NULL,
                     SOCK_CLOEXEC|SOCK_NONBLOCK);

        if (fd == -1) {
            return;
        }

        len = sizeof(peer);

        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == -1) {
            close(fd);
            continue;
        }

        who.uid = peer.uid;
        who.pid = (long) peer.pid;
        c = NULL;

        if (!debar_service_allowed(&l->signer->service, peer.uid)) {
            debar_sign_refused(l, &who, "this user may not ask: --client-uid "
                               "names who may", now);

        } else if (l->n == DEBAR_SIGN_CLIENTS) {
            debar_sign_refused(l, &who, "too many connections", now);

        } else {
            c = calloc(1, sizeof(debar_sign_client_t));
        }

        if (c == NULL) {
            close(fd);
            continue;
        }

        c->fd = fd;
        c->uid = peer.uid;
        c->pid = (long) peer.pid;
        c->asked = now;
        c->moved = now;

        l->clients[l->n++] = c;
    }
}


static void
debar_sign_go(debar_sign_loop_t *l, unsigned i)
{
    close(l->clients[i]->fd);
    free(l->clients[i]);

    l->clients[i] = l->clients[--l->n];
}


static int
debar_sign_read(debar_sign_client_t *c, uint64_t now)
{
    ssize_t  n;

    n = recv(c->fd, c->in + c->in_len, DEBAR_SIGN_IN - c->in_len, 0);

    if (n == -1) {
        return (errno == EAGAIN || errno == EINTR) ? DEBAR_OK : DEBAR_ERROR;
    }

    if (n == 0) {
        return DEBAR_ERROR;
    }

    if (c->in_len == 0) {
        c->asked = now;
    }

    c->in_len += n;

    return DEBAR_OK;
}


static int
debar_sign_flush(debar_sign_client_t *c, uint64_t now)
{
    ssize_t  n;

    while (c->out_pos < c->out_len) {

        n = send(c->fd, c->out + c->out_pos, c->out_len - c->out_pos,
                 MSG_NOSIGNAL);

        if (n == -1) {
            return (errno == EAGAIN || errno == EINTR) ? DEBAR_OK
                                                       : DEBAR_ERROR;
        }

        c->out_pos += n;
        c->moved = now;
    }

    c->out_pos = 0;
    c->out_len = 0;

    return DEBAR_OK;
}


static int
debar_sign_frames(debar_sign_loop_t *l, debar_sign_client_t *c, uint64_t now)
{
    long                  n;
    size_t                pos;
    unsigned              turn;
    debar_sign_request_t  rq;

    pos = 0;
    n = 0;

    for (turn = 0; turn < DEBAR_SIGN_TURN && !debar_sign_full(c); turn++) {

        n = debar_sign_frame(c->in + pos, c->in_len - pos, DEBAR_SIGN_REQUEST);

        if (n == 0) {
            break;
        }

        if (n < 0
            || debar_sign_read_request(&rq, c->in + pos, n) != DEBAR_OK)
        {
            debar_sign_refused(l, c, "no request of this protocol", now);
            return DEBAR_ERROR;
        }

        if (debar_sign_answer(l, c, &rq, now) != DEBAR_OK) {
            return DEBAR_ERROR;
        }

        pos += n;
        c->asked = now;
    }

    c->in_len -= pos;
    memmove(c->in, c->in + pos, c->in_len);

    c->more = debar_sign_frame(c->in, c->in_len, DEBAR_SIGN_REQUEST) != 0;

    return DEBAR_OK;
}


static int
debar_sign_answer(debar_sign_loop_t *l, debar_sign_client_t *c,
    const debar_sign_request_t *rq, uint64_t now)
{
    size_t               n;
    debar_str_t          cert;
    debar_fault_t        fault;
    debar_minted_t       leaf;
    debar_sign_reply_t   rp;

    memset(&rp, 0, sizeof(rp));
    leaf.der = NULL;

    rp.id = rq->id;
    rp.status = debar_sign_mint(l, c, rq, now, &leaf, &fault);

    if (rp.status == DEBAR_SIGN_OK) {
        rp.not_after = leaf.not_after;
        rp.certs[rp.ncerts++] = debar_str((char *) leaf.der, leaf.len);

        for ( ;; ) {
            cert = debar_mint_chain(l->signer->mint, rp.ncerts - 1);

            if (cert.len == 0 || rp.ncerts == DEBAR_SIGN_CERTS) {
                break;
            }

            rp.certs[rp.ncerts++] = cert;
        }

    } else {
        debar_sign_refused(l, c, fault.text, now);

        rp.text = debar_str(fault.text, strlen(fault.text));

        if (rp.text.len > DEBAR_SIGN_TEXT) {
            rp.text.len = DEBAR_SIGN_TEXT;
        }

        for (n = 0; n < rp.text.len; n++) {
            if (fault.text[n] < 0x20 || fault.text[n] > 0x7e) {
                fault.text[n] = '?';
            }
        }
    }

    if (c->out_len == 0) {
        c->moved = now;
    }

    n = debar_sign_write_reply(c->out + c->out_len,
                               DEBAR_SIGN_OUT - c->out_len, &rp);
    c->out_len += n;

    free(leaf.der);

    return n ? DEBAR_OK : DEBAR_ERROR;
}


/* A name is signed for only once it stands in the log. */

static unsigned
debar_sign_mint(debar_sign_loop_t *l, const debar_sign_client_t *c,
    const debar_sign_request_t *rq, uint64_t now, debar_minted_t *leaf,
    debar_fault_t *fault)
{
    char          until[32];
    struct tm     tm;
    const char   *why;
    debar_host_t  host;

    if (!debar_sign_token(l, now)) {
        debar_fault(fault, "refused: rate: more than %u names a second, see "
                    "--rate", l->signer->rate);
        return DEBAR_SIGN_RATE;
    }

    why = NULL;

    if (debar_host_parse(&host, rq->name.data, rq->name.len, DEBAR_HOST_BARE,
                         &why)
        != DEBAR_OK)
    {
        debar_fault(fault, "refused: not a server's name or address: %s",
                    why ? why : "malformed");
        return DEBAR_SIGN_NAME_REFUSED;
    }

    if (host.len != rq->name.len
        || memcmp(host.name, rq->name.data, host.len) != 0)
    {
        debar_fault(fault, "refused: not a server's name or address: not in "
                    "canonical form");
        return DEBAR_SIGN_NAME_REFUSED;
    }

    switch (debar_mint_leaf(l->signer->mint, &host, rq->spki.data,
                            rq->spki.len, time(NULL), leaf, fault))
    {
    case DEBAR_MINT_OK:
        break;
    case DEBAR_MINT_NAME:
        return DEBAR_SIGN_NAME_REFUSED;
    case DEBAR_MINT_KEY:
        return DEBAR_SIGN_KEY_REFUSED;
    default:
        return DEBAR_SIGN_FAILED;
    }

    gmtime_r(&leaf->not_after, &tm);
    strftime(until, sizeof(until), "%Y-%m-%dT%H:%M:%SZ", &tm);

    if (debar_service_log(&l->signer->service, "minted name=%s serial=%s not_after=%s "
                       "uid=%ld", host.name, leaf->serial, until,
                       (long) c->uid)
        != DEBAR_OK)
    {
        debar_fault(fault, "the signer's log cannot be written (%s): nothing "
                    "is signed that is not recorded", strerror(errno));
        return DEBAR_SIGN_FAILED;
    }

    return DEBAR_SIGN_OK;
}


/* A bucket of --burst tokens into which --rate fall each second. */

static int
debar_sign_token(debar_sign_loop_t *l, uint64_t now)
{
    const debar_signer_t  *c;

    c = l->signer;
    l->tokens += (double) (now - l->filled) * c->rate / 1000;
    l->filled = now;

    if (l->tokens > c->burst) {
        l->tokens = c->burst;
    }

    if (l->tokens < 1) {
        return 0;
    }

    l->tokens -= 1;

    return 1;
}


/* At most so many lines a second, with how many there were since the last. */

static void
debar_sign_refused(debar_sign_loop_t *l, const debar_sign_client_t *c,
    const char *why, uint64_t now)
{
    l->refused++;

    if (now - l->told >= 1000) {
        l->told = now;
        l->lines = 0;
    }

    if (l->lines++ >= DEBAR_SIGN_LINES) {
        return;
    }

    (void) debar_service_log(&l->signer->service, "refused uid=%ld pid=%ld count=%lu: %s",
                          (long) c->uid, c->pid, l->refused, why);
    l->refused = 0;
}


/* No room for one more answer. */

static int
debar_sign_full(const debar_sign_client_t *c)
{
    return DEBAR_SIGN_OUT - c->out_len < DEBAR_SIGN_REPLY;
}


static uint64_t
debar_sign_now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}
