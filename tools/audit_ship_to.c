/*
 * Where records are shipped to: a file, a unix socket, TCP, TLS.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include <linux/sockios.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "audit_ship.h"


#define DEBAR_SHIP_CONNECT  10               /* s, for one address */
#define DEBAR_SHIP_SILENT   30000            /* ms without a word of TCP's */
#define DEBAR_SHIP_WRITE    16384            /* bytes, a record of TLS */


static int debar_ship_to_socket(debar_ship_to_t *to, const volatile int *stop,
    debar_fault_t *fault);
static int debar_ship_to_tls(debar_ship_to_t *to, const volatile int *stop,
    debar_fault_t *fault);


/* --- TLS ------------------------------------------------------------------- */

static const char *
debar_ship_why(void)
{
    unsigned long  e;
    const char    *text;

    e = ERR_peek_last_error();
    text = e ? ERR_reason_error_string(e) : NULL;
    ERR_clear_error();

    return text ? text : errno ? strerror(errno) : "the other end closed it";
}


/* Read at each connection: certificates are renewed. */

static SSL_CTX *
debar_ship_context(const debar_ship_to_t *to, debar_fault_t *fault)
{
    SSL_CTX     *ctx;
    const char  *what;

    ERR_clear_error();
    ctx = SSL_CTX_new(TLS_client_method());
    what = "TLS";

    if (ctx) {
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
        SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE
                              | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);

        if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1
            || (to->ca == NULL && SSL_CTX_set_default_verify_paths(ctx) != 1))
        {
            what = "the system's authorities";

        } else if (to->ca && SSL_CTX_load_verify_locations(ctx, to->ca, NULL)
                             != 1)
        {
            what = to->ca;

        } else if (to->cert
                   && SSL_CTX_use_certificate_chain_file(ctx, to->cert) != 1)
        {
            what = to->cert;

        } else if (to->key
                   && (SSL_CTX_use_PrivateKey_file(ctx, to->key,
                                                   SSL_FILETYPE_PEM) != 1
                       || SSL_CTX_check_private_key(ctx) != 1))
        {
            what = to->key;

        } else {
            return ctx;
        }
    }

    debar_fault(fault, "%s: %s; a PEM file is needed", what, debar_ship_why());
    SSL_CTX_free(ctx);

    return NULL;
}


int
debar_ship_to_check(const debar_ship_to_t *to, debar_fault_t *fault)
{
    SSL_CTX  *ctx;

    if (to->kind != DEBAR_SHIP_TLS) {
        return DEBAR_OK;
    }

    ctx = debar_ship_context(to, fault);
    SSL_CTX_free(ctx);

    return ctx ? DEBAR_OK : DEBAR_ERROR;
}


static double
debar_ship_clock(void)
{
    struct timespec  t;

    clock_gettime(CLOCK_MONOTONIC, &t);

    return (double) t.tv_sec + (double) t.tv_nsec / 1e9;
}


/* Until it can be read or written; DEBAR_DECLINED: not by then. */

static int
debar_ship_until(int fd, short events, double until, const volatile int *stop)
{
    int            n;
    double         left;
    struct pollfd  p;

    for ( ;; ) {
        left = until - debar_ship_clock();

        if (left <= 0 || (stop && *stop)) {
            errno = ETIMEDOUT;
            return DEBAR_DECLINED;
        }

        p.fd = fd;
        p.events = events;
        n = poll(&p, 1, left > 0.2 ? 200 : (int) (left * 1000) + 1);

        if (n > 0) {
            return DEBAR_OK;
        }
    }
}


/* The name in the certificate is that of --to, whatever DNS led to. */

static int
debar_ship_tls_name(SSL *ssl, const debar_ship_to_t *to)
{
    unsigned char  raw[sizeof(struct in6_addr)];

    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);

    if (inet_pton(AF_INET, to->host, raw) == 1
        || inet_pton(AF_INET6, to->host, raw) == 1)
    {
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), to->host);
    }

    return SSL_set1_host(ssl, to->host) == 1
           && SSL_set_tlsext_host_name(ssl, to->host) == 1;
}


static int
debar_ship_to_tls(debar_ship_to_t *to, const volatile int *stop,
    debar_fault_t *fault)
{
    int       rc, e;
    long      verified;
    SSL      *ssl;
    double    until;
    SSL_CTX  *ctx;

    ctx = debar_ship_context(to, fault);
    ssl = ctx ? SSL_new(ctx) : NULL;
    SSL_CTX_free(ctx);

    if (ssl == NULL) {
        return DEBAR_ERROR;
    }

    to->ssl = ssl;
    until = debar_ship_clock() + DEBAR_SHIP_CONNECT;
    rc = debar_ship_tls_name(ssl, to) && SSL_set_fd(ssl, to->fd);

    while (rc == 1) {
        ERR_clear_error();
        errno = 0;
        rc = SSL_connect(ssl);

        if (rc == 1) {
            snprintf(to->how, sizeof(to->how), " (%s)", SSL_get_version(ssl));
            to->raw = BIO_number_written(SSL_get_wbio(ssl));
            return DEBAR_OK;
        }

        e = SSL_get_error(ssl, rc);
        rc = (e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE)
             && debar_ship_until(to->fd, e == SSL_ERROR_WANT_READ
                                         ? POLLIN : POLLOUT, until, stop)
                == DEBAR_OK;
    }

    verified = SSL_get_verify_result(ssl);

    if (verified != X509_V_OK) {
        debar_fault(fault, "%s: its certificate is refused: %s; --ca names who "
                    "signed it, --to the host it is for", to->name,
                    X509_verify_cert_error_string(verified));
    } else {
        debar_fault(fault, "%s: no TLS: %s", to->name, debar_ship_why());
    }

    return DEBAR_ERROR;
}


/* --- connections ----------------------------------------------------------- */

static void
debar_ship_to_options(int fd)
{
    int       on = 1, idle = 30;
    unsigned  silent = DEBAR_SHIP_SILENT;

    (void) setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    (void) setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
    (void) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    (void) setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &silent,
                      sizeof(silent));
}


static int
debar_ship_to_connect(debar_ship_to_t *to, const struct addrinfo *a,
    const volatile int *stop)
{
    int        error;
    double     until;
    socklen_t  len;

    to->fd = socket(a->ai_family, a->ai_socktype|SOCK_CLOEXEC|SOCK_NONBLOCK,
                    a->ai_protocol);

    if (to->fd == -1) {
        return errno;
    }

    if (a->ai_family != AF_UNIX) {
        debar_ship_to_options(to->fd);
    }

    if (connect(to->fd, a->ai_addr, a->ai_addrlen) == 0) {
        return 0;
    }

    error = errno;

    if (error == EINPROGRESS || error == EINTR) {
        until = debar_ship_clock() + DEBAR_SHIP_CONNECT;
        len = sizeof(error);

        if (debar_ship_until(to->fd, POLLOUT, until, stop) != DEBAR_OK
            || getsockopt(to->fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
        {
            error = errno;
        }
    }

    if (error) {
        close(to->fd);
        to->fd = -1;
    }

    return error;
}


static int
debar_ship_to_socket(debar_ship_to_t *to, const volatile int *stop,
    debar_fault_t *fault)
{
    int               rc;
    struct addrinfo   hints, *list, *a;

    memset(&hints, 0, sizeof(hints));
    hints.ai_socktype = SOCK_STREAM;
    rc = getaddrinfo(to->host, to->port, &hints, &list);

    if (rc != 0) {
        debar_fault(fault, "%s: %s", to->name, gai_strerror(rc));
        return DEBAR_ERROR;
    }

    rc = EHOSTUNREACH;

    for (a = list; a && rc && !(stop && *stop); a = a->ai_next) {
        rc = debar_ship_to_connect(to, a, stop);
    }

    freeaddrinfo(list);

    if (rc) {
        debar_fault(fault, "%s: %s", to->name, strerror(rc));
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


/* Of a stream, as rsyslog's imptcp has, or of datagrams, as /dev/log. */

static int
debar_ship_to_unix(debar_ship_to_t *to, const volatile int *stop,
    debar_fault_t *fault)
{
    int                 rc;
    struct addrinfo     a;
    struct sockaddr_un  sun;

    memset(&sun, 0, sizeof(sun));
    sun.sun_family = AF_UNIX;
    strcpy(sun.sun_path, to->path);
    memset(&a, 0, sizeof(a));
    a.ai_family = AF_UNIX;
    a.ai_socktype = SOCK_STREAM;
    a.ai_addr = (struct sockaddr *) &sun;
    a.ai_addrlen = sizeof(sun);

    rc = debar_ship_to_connect(to, &a, stop);
    to->datagram = rc == EPROTOTYPE;

    if (to->datagram) {
        a.ai_socktype = SOCK_DGRAM;
        rc = debar_ship_to_connect(to, &a, stop);
    }

    if (rc) {
        debar_fault(fault, "%s: %s", to->name, strerror(rc));
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


/* It is appended to.  What a crash left without its newline gets one. */

static int
debar_ship_to_file(debar_ship_to_t *to, debar_fault_t *fault)
{
    char         last;
    struct stat  st;

    to->fd = open(to->path, O_RDWR|O_APPEND|O_CREAT|O_CLOEXEC|O_NOCTTY
                            |O_NONBLOCK, 0640);

    if (to->fd == -1 || fstat(to->fd, &st) == -1 || !S_ISREG(st.st_mode)
        || (st.st_size && (pread(to->fd, &last, 1, st.st_size - 1) != 1
                           || (last != '\n'
                               && write(to->fd, "\n", 1) != 1))))
    {
        debar_fault(fault, "%s: %s; name a file in a folder that you may write "
                    "to", to->name, to->fd == -1 || S_ISREG(st.st_mode)
                                    ? strerror(errno) : "is no regular file");
        return DEBAR_ERROR;
    }

    to->inode = st.st_ino;

    return DEBAR_OK;
}


/* Says what it speaks, and hears that it is understood. */

static int
debar_ship_to_relp(debar_ship_to_t *to, const volatile int *stop,
    debar_fault_t *fault)
{
    char     frame[256];
    size_t   len;
    double   until;
    ssize_t  n;

    len = debar_ship_relp_open(frame, sizeof(frame));
    n = debar_ship_to_write(to, frame, len, fault);
    until = debar_ship_clock() + DEBAR_SHIP_CONNECT;

    if (n != (ssize_t) len) {
        debar_fault(fault, "%s: takes no byte", to->name);
        return DEBAR_ERROR;
    }

    while (!to->opened) {
        if (debar_ship_until(to->fd, POLLIN, until, stop) != DEBAR_OK) {
            debar_fault(fault, "%s: does not speak RELP", to->name);
            return DEBAR_ERROR;
        }

        if (debar_ship_to_alive(to, fault) != DEBAR_OK) {
            return DEBAR_ERROR;
        }
    }

    return DEBAR_OK;
}


int
debar_ship_to_open(debar_ship_to_t *to, const volatile int *stop,
    debar_fault_t *fault)
{
    int  rc;

    to->raw = 0;
    to->synced = 0;
    to->interest = 0;
    to->opened = 0;
    to->answered = 0;
    to->answer_len = 0;
    to->how[0] = '\0';

    switch (to->kind) {
    case DEBAR_SHIP_FILE:
        rc = debar_ship_to_file(to, fault);
        break;
    case DEBAR_SHIP_UNIX:
        rc = debar_ship_to_unix(to, stop, fault);
        break;
    default:
        rc = debar_ship_to_socket(to, stop, fault);

        if (rc == DEBAR_OK && to->kind == DEBAR_SHIP_TLS) {
            rc = debar_ship_to_tls(to, stop, fault);
        }

        if (rc == DEBAR_OK && to->relp) {
            rc = debar_ship_to_relp(to, stop, fault);
        }
    }

    if (rc != DEBAR_OK) {
        debar_ship_to_close(to);
    }

    return rc;
}


void
debar_ship_to_close(debar_ship_to_t *to)
{
    SSL_free(to->ssl);
    to->ssl = NULL;

    if (to->fd != -1) {
        close(to->fd);
        to->fd = -1;
    }
}


/* --- bytes ----------------------------------------------------------------- */

static ssize_t
debar_ship_tls_write(debar_ship_to_t *to, const char *data, size_t len,
    debar_fault_t *fault)
{
    int  n, e;

    ERR_clear_error();
    errno = 0;
    n = SSL_write(to->ssl, data, (int) (len < DEBAR_SHIP_WRITE
                                        ? len : DEBAR_SHIP_WRITE));
    to->raw = BIO_number_written(SSL_get_wbio(to->ssl));

    if (n > 0) {
        return n;
    }

    e = SSL_get_error(to->ssl, n);

    if (e == SSL_ERROR_WANT_WRITE || e == SSL_ERROR_WANT_READ) {
        to->interest = e == SSL_ERROR_WANT_WRITE ? POLLOUT : 0;
        return 0;
    }

    debar_fault(fault, "%s: %s", to->name, debar_ship_why());

    return -1;
}


/* What a full disk took of a write is taken away again: lines stay whole. */

static ssize_t
debar_ship_file_write(debar_ship_to_t *to, const char *data, size_t len,
    debar_fault_t *fault)
{
    off_t        size;
    ssize_t      n;
    struct stat  st;

    size = fstat(to->fd, &st) == 0 ? st.st_size : 0;
    n = write(to->fd, data, len);

    if (n == (ssize_t) len) {
        to->raw += len;
        return n;
    }

    debar_fault(fault, "%s: %s", to->name,
                strerror(n == -1 ? errno : ENOSPC));

    if (n > 0) {
        (void) !ftruncate(to->fd, size);
    }

    return -1;
}


ssize_t
debar_ship_to_write(debar_ship_to_t *to, const char *data, size_t len,
    debar_fault_t *fault)
{
    size_t       one;
    ssize_t      n;
    const char  *end;

    to->interest = 0;

    if (to->kind == DEBAR_SHIP_TLS) {
        return debar_ship_tls_write(to, data, len, fault);
    }

    if (to->kind == DEBAR_SHIP_FILE) {
        return debar_ship_file_write(to, data, len, fault);
    }

    one = len;

    if (to->datagram) {
        end = memchr(data, '\n', len);
        one = end ? (size_t) (end - data) : len;
        len = one + (end != NULL);
    }

    n = send(to->fd, data, one, MSG_NOSIGNAL|MSG_DONTWAIT);

    if (n >= 0) {
        n = to->datagram ? (ssize_t) len : n;
        to->raw += (uint64_t) n;
        return n;
    }

    if (errno == EAGAIN || errno == EINTR || errno == ENOBUFS) {
        to->interest = POLLOUT;
        return 0;
    }

    debar_fault(fault, "%s: %s", to->name, strerror(errno));

    return -1;
}


int
debar_ship_to_alive(debar_ship_to_t *to, debar_fault_t *fault)
{
    int          e, turns;
    char         data[4096];
    ssize_t      n;
    struct stat  st;

    if (to->kind == DEBAR_SHIP_FILE) {

        if (stat(to->path, &st) == 0 && st.st_ino == to->inode) {
            return DEBAR_OK;
        }

        debar_fault(fault, "%s: was taken away, as by a rotation", to->name);
        return DEBAR_ERROR;
    }

    for (turns = 0; turns < 64; turns++) {

        ERR_clear_error();
        errno = 0;
        n = to->ssl ? SSL_read(to->ssl, data, sizeof(data))
                    : recv(to->fd, data, sizeof(data), MSG_DONTWAIT);

        if (n > 0) {
            if (to->relp && debar_ship_relp_input(to, data, (size_t) n, fault)
                            != DEBAR_OK)
            {
                return DEBAR_ERROR;
            }

            continue;
        }

        e = to->ssl ? SSL_get_error(to->ssl, (int) n) : 0;

        if (to->ssl ? e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE
                    : n == -1 && (errno == EAGAIN || errno == EINTR))
        {
            return DEBAR_OK;
        }

        debar_fault(fault, "%s: %s", to->name,
                    (to->ssl && e == SSL_ERROR_ZERO_RETURN)
                    || (to->ssl == NULL && n == 0) ? "the other end closed it"
                                                   : debar_ship_why());
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


/*
 * TCP counts what the other end's system has acknowledged; a unix socket, what
 * its process has read, but only whether that is all.
 */

uint64_t
debar_ship_to_acked(debar_ship_to_t *to, debar_fault_t *fault)
{
    int  left;

    if (to->kind == DEBAR_SHIP_FILE) {

        if (to->synced < to->raw && fdatasync(to->fd) == 0) {
            to->synced = to->raw;
        }

        return to->synced;
    }

    if (ioctl(to->fd, SIOCOUTQ, &left) == -1) {
        return 0;
    }

    if (to->kind == DEBAR_SHIP_UNIX) {
        to->synced = left == 0 ? to->raw : to->synced;
        return to->synced;
    }

    return to->raw > (uint64_t) left ? to->raw - (uint64_t) left : 0;
}


int
debar_ship_to_finish(debar_ship_to_t *to, double seconds)
{
    char     data[4096];
    double   until;
    ssize_t  n;

    if (to->kind == DEBAR_SHIP_FILE || to->datagram) {
        return DEBAR_OK;
    }

    until = debar_ship_clock() + seconds;

    if (to->ssl) {
        (void) SSL_shutdown(to->ssl);
    }

    if (shutdown(to->fd, SHUT_WR) == -1) {
        return DEBAR_ERROR;
    }

    /* a connection that was reset ends with an error, not with an end */

    do {
        if (debar_ship_until(to->fd, POLLIN, until, NULL) != DEBAR_OK) {
            return DEBAR_ERROR;
        }

        n = recv(to->fd, data, sizeof(data), MSG_DONTWAIT);
    } while (n > 0 || (n == -1 && errno == EAGAIN));

    return n == 0 ? DEBAR_OK : DEBAR_ERROR;
}
