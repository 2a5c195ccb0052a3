/*
 * Load for tunnels, which wrk cannot make: CONNECT where wanted, TLS, and then
 * requests in turn, on so many connections at once, by one thread.
 *
 *   tlsload [-x] [-t] [-m new|keep] [-c CONNECTIONS] [-s SECONDS]
 *           [-n COUNT] [-u FIRST] ADDRESS:PORT HOST:PORT PATH
 *
 * -x   CONNECT HOST:PORT first
 * -t   TLS, without a check of certificates and without resumption
 * -m   new: a connection for each handshake, nothing is asked in it
 *      keep: requests in turn on kept connections
 * -n   ends after so many, before the seconds are over
 * -u   HOST has one "%u", which counts from here: each connection a new name
 *
 * Prints "done N bytes N failed N seconds S".
 */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <openssl/ssl.h>


#define LOAD_BUF  65536

enum { CONNECTING, ASKED, SHAKING, WRITING, HEAD, BODY };

typedef struct {
    int                 fd;
    int                 state;
    SSL                *ssl;
    char                host[256];       /* of this connection */
    size_t              got;             /* of a head, in buf */
    long                left;            /* of a body */
    int                 last;            /* the other end closes after it */
    char                buf[4096];
} conn_t;


static struct {
    struct sockaddr_in  to;
    const char         *host;
    const char         *path;
    unsigned            port;
    int                 connect;
    int                 tls;
    int                 fresh;
    unsigned            unique;
    unsigned            name;
    long                limit;

    SSL_CTX            *ctx;
    int                 ep;
    long                started;
    long                done;
    long                bytes;
    long                failed;
} load;


static double
now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return ts.tv_sec + ts.tv_nsec / 1e9;
}


static void
fatal(const char *what)
{
    fprintf(stderr, "tlsload: %s: %s\n", what, strerror(errno));
    exit(1);
}


/* A connection, again; none where the limit is reached. */

static void
open_conn(conn_t *c)
{
    int                 one = 1;
    struct epoll_event  ev;

    c->fd = -1;

    if (load.limit && load.started >= load.limit) {
        return;
    }

    load.started++;

    c->fd = socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK, 0);
    if (c->fd < 0) {
        fatal("socket");
    }

    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));

    if (connect(c->fd, (struct sockaddr *) &load.to, sizeof(load.to)) != 0
        && errno != EINPROGRESS)
    {
        fatal("connect");
    }

    c->state = CONNECTING;
    c->got = 0;
    c->ssl = NULL;

    if (load.unique) {
        snprintf(c->host, sizeof(c->host), load.host, load.name++);

    } else {
        snprintf(c->host, sizeof(c->host), "%s", load.host);
    }

    ev.events = EPOLLIN|EPOLLOUT|EPOLLET;
    ev.data.ptr = c;

    if (epoll_ctl(load.ep, EPOLL_CTL_ADD, c->fd, &ev) != 0) {
        fatal("epoll_ctl");
    }
}


static void
close_conn(conn_t *c)
{
    struct linger  l = { 1, 0 };

    if (c->ssl) {
        SSL_free(c->ssl);
    }

    /* ports are few: after a failure or at our end nothing is waited for */

    if (c->state != SHAKING) {
        setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
    }

    close(c->fd);
}


static int
failed(conn_t *c)
{
    load.failed++;
    close_conn(c);
    open_conn(c);

    return 0;
}


/* 1: goes on; 0: waits, or is another connection now. */

static int
send_connect(conn_t *c)
{
    int   n;
    char  head[700];

    n = snprintf(head, sizeof(head), "CONNECT %s:%u HTTP/1.1\r\n"
                 "Host: %s:%u\r\n\r\n", c->host, load.port, c->host,
                 load.port);

    if (send(c->fd, head, n, MSG_NOSIGNAL) != n) {
        return (errno == EAGAIN || errno == ENOTCONN) ? 0 : failed(c);
    }

    c->state = ASKED;

    return 1;
}


static int
read_answer(conn_t *c)
{
    ssize_t  n;

    n = recv(c->fd, c->buf + c->got, sizeof(c->buf) - 1 - c->got, 0);

    if (n < 0 && errno == EAGAIN) {
        return 0;
    }

    if (n <= 0) {
        return failed(c);
    }

    c->got += n;
    c->buf[c->got] = '\0';

    if (strstr(c->buf, "\r\n\r\n") == NULL) {
        return c->got < sizeof(c->buf) - 1 ? 1 : failed(c);
    }

    if (strncmp(c->buf, "HTTP/1.1 200", 12) != 0) {
        return failed(c);
    }

    c->got = 0;
    c->state = SHAKING;

    return 1;
}


static int
shake(conn_t *c)
{
    int  rc, e;

    if (c->ssl == NULL) {
        c->ssl = SSL_new(load.ctx);
        SSL_set_fd(c->ssl, c->fd);
        SSL_set_tlsext_host_name(c->ssl, c->host);
        SSL_set_connect_state(c->ssl);
    }

    rc = SSL_do_handshake(c->ssl);

    if (rc != 1) {
        e = SSL_get_error(c->ssl, rc);

        return (e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE)
               ? 0 : failed(c);
    }

    if (load.fresh) {
        load.done++;
        close_conn(c);
        open_conn(c);
        return 0;
    }

    c->state = WRITING;

    return 1;
}


/* Bytes of plain text; 0: none now, -1: the end. */

static long
take(conn_t *c, char *buf, size_t size)
{
    int      n;
    ssize_t  got;

    if (c->ssl) {
        n = SSL_read(c->ssl, buf, size);

        if (n > 0) {
            return n;
        }

        return SSL_get_error(c->ssl, n) == SSL_ERROR_WANT_READ ? 0 : -1;
    }

    got = recv(c->fd, buf, size, 0);

    return got > 0 ? got : (got < 0 && errno == EAGAIN) ? 0 : -1;
}


static int
ask(conn_t *c)
{
    int   n, sent;
    char  head[1024];

    /* without CONNECT and TLS: a proxy's absolute form */

    n = snprintf(head, sizeof(head), "GET %s%s%s HTTP/1.1\r\nHost: %s\r\n"
                 "User-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n"
                 "Accept: text/html,*/*;q=0.8\r\n\r\n",
                 load.tls ? "" : "http://", load.tls ? "" : c->host,
                 load.path, c->host);

    sent = c->ssl ? SSL_write(c->ssl, head, n)
                  : send(c->fd, head, n, MSG_NOSIGNAL);

    if (sent != n) {
        if (c->ssl ? SSL_get_error(c->ssl, sent) == SSL_ERROR_WANT_WRITE
                   : (errno == EAGAIN || errno == ENOTCONN))
        {
            return 0;
        }

        return failed(c);
    }

    c->state = HEAD;
    c->got = 0;

    return 1;
}


static int
answered(conn_t *c)
{
    load.done++;

    if (c->last) {
        close_conn(c);
        open_conn(c);
        return 0;
    }

    c->state = WRITING;

    return 1;
}


static int
read_head(conn_t *c)
{
    char  *end, *length;
    long   n;

    n = take(c, c->buf + c->got, sizeof(c->buf) - 1 - c->got);

    if (n <= 0) {
        return n == 0 ? 0 : failed(c);
    }

    c->got += n;
    c->buf[c->got] = '\0';

    end = strstr(c->buf, "\r\n\r\n");
    if (end == NULL) {
        return c->got < sizeof(c->buf) - 1 ? 1 : failed(c);
    }

    length = strcasestr(c->buf, "\r\nContent-Length:");

    if (length == NULL || strncmp(c->buf, "HTTP/1.1 200", 12) != 0) {
        return failed(c);
    }

    n = c->got - (end + 4 - c->buf);
    load.bytes += n;
    c->left = atol(length + 17) - n;
    c->last = strcasestr(c->buf, "\r\nConnection: close") != NULL;
    c->state = BODY;

    return c->left > 0 ? 1 : answered(c);
}


static int
read_body(conn_t *c)
{
    long         n;
    static char  buf[LOAD_BUF];

    n = take(c, buf, c->left < LOAD_BUF ? (size_t) c->left : LOAD_BUF);

    if (n <= 0) {
        return n == 0 ? 0 : failed(c);
    }

    load.bytes += n;
    c->left -= n;

    return c->left > 0 ? 1 : answered(c);
}


static int
step(conn_t *c)
{
    switch (c->state) {

    case CONNECTING:
        if (load.connect) {
            return send_connect(c);
        }

        c->state = load.tls ? SHAKING : WRITING;
        return 1;

    case ASKED:
        return read_answer(c);

    case SHAKING:
        return shake(c);

    case WRITING:
        return ask(c);

    case HEAD:
        return read_head(c);

    default:
        return read_body(c);
    }
}


static void
run(unsigned conns, double seconds)
{
    int                 i, n;
    double              until;
    conn_t             *c;
    unsigned            k;
    struct epoll_event  ev[64];

    c = calloc(conns, sizeof(conn_t));
    if (c == NULL) {
        fatal("calloc");
    }

    for (k = 0; k < conns; k++) {
        open_conn(&c[k]);
    }

    until = now() + seconds;

    while (now() < until
           && (load.limit == 0 || load.done + load.failed < load.limit))
    {
        n = epoll_wait(load.ep, ev, 64, 100);

        for (i = 0; i < n; i++) {
            conn_t  *e = ev[i].data.ptr;
            int      fd = e->fd;

            /* a bound, so that one connection does not have it all */

            for (k = 0; k < 10000 && e->fd == fd && step(e); k++) {
                /* void */
            }
        }
    }
}


int
main(int argc, char **argv)
{
    int       o;
    char     *colon, *at, *host;
    double    seconds = 3, since;
    unsigned  conns = 64;

    while ((o = getopt(argc, argv, "xtm:c:s:n:u:")) != -1) {
        switch (o) {
        case 'x': load.connect = 1; break;
        case 't': load.tls = 1; break;
        case 'm': load.fresh = strcmp(optarg, "new") == 0; break;
        case 'c': conns = atoi(optarg); break;
        case 's': seconds = atof(optarg); break;
        case 'n': load.limit = atol(optarg); break;
        case 'u': load.unique = 1; load.name = atoi(optarg); break;
        default: return 2;
        }
    }

    if (argc - optind != 3) {
        fprintf(stderr, "tlsload: ADDRESS:PORT HOST:PORT PATH are missing\n");
        return 2;
    }

    at = argv[optind];
    host = argv[optind + 1];
    load.path = argv[optind + 2];

    colon = strrchr(at, ':');
    if (colon == NULL) {
        return 2;
    }

    *colon = '\0';
    load.to.sin_family = AF_INET;
    load.to.sin_port = htons(atoi(colon + 1));
    load.to.sin_addr.s_addr = inet_addr(at);

    colon = strrchr(host, ':');
    if (colon == NULL) {
        return 2;
    }

    *colon = '\0';
    load.host = host;
    load.port = atoi(colon + 1);

    signal(SIGPIPE, SIG_IGN);
    load.ep = epoll_create1(0);
    load.ctx = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_verify(load.ctx, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_session_cache_mode(load.ctx, SSL_SESS_CACHE_OFF);

    since = now();
    run(conns, seconds);
    printf("done %ld bytes %ld failed %ld seconds %.3f\n", load.done,
           load.bytes, load.failed, now() - since);

    return 0;
}
