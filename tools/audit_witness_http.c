/*
 * What a witness is asked over HTTP, by libmicrohttpd: in one thread, so that
 * of two requests for a log one is judged and kept before the other is looked
 * at.
 *
 * It is plain HTTP.  What is asked and answered is public, short, and signed by
 * both; TLS, for who wants it, is a proxy's before it.
 */

#include <inttypes.h>
#include <netdb.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <microhttpd.h>

#include "audit_witness.h"


#define DEBAR_WITNESS_PATH     "/add-checkpoint"
#define DEBAR_WITNESS_EACH     32            /* of one address */
#define DEBAR_WITNESS_IDLE     10            /* s without a byte */
#define DEBAR_WITNESS_SLOW     20            /* s for one body */
#define DEBAR_WITNESS_LONGEST  120           /* s of a connection, in all */
#define DEBAR_WITNESS_HEAD     (16 << 10)    /* bytes of a connection's head */
#define DEBAR_WITNESS_WASTE    (1 << 20)     /* bytes of a body that is too
                                                large, read to be able to say
                                                so */
#define DEBAR_WITNESS_SAID     20            /* refusals in the log a minute */


/* A request as it comes. */

typedef struct {
    char      *data;
    size_t     len;
    size_t     size;
    uint64_t   seen;              /* bytes */
    time_t     began;
} debar_witness_body_t;


static enum MHD_Result debar_serve_request(void *data,
    struct MHD_Connection *c, const char *url, const char *method,
    const char *version, const char *upload, size_t *len, void **request);
static enum MHD_Result debar_serve_begin(struct MHD_Connection *c,
    const char *url, const char *method, void **request);
static int debar_serve_add(debar_witness_body_t *b, const char *p, size_t len);
static enum MHD_Result debar_serve_answer(debar_witness_t *w,
    struct MHD_Connection *c, const debar_witness_body_t *b);
static int debar_serve_cosign(debar_witness_t *w, debar_witness_answer_t *a,
    debar_buf_t *line);
static void debar_serve_refused(debar_witness_t *w, struct MHD_Connection *c,
    const debar_witness_answer_t *a);
static enum MHD_Result debar_serve_say(struct MHD_Connection *c,
    unsigned status, const char *type, const char *text, size_t len);
static time_t debar_serve_now(void);
static void debar_serve_end(void *data, struct MHD_Connection *c,
    void **request, enum MHD_RequestTerminationCode why);


/* Connections that are open: a head that comes byte by byte has no other
 * end. */

static void
debar_serve_connection(void *data, struct MHD_Connection *c, void **slot,
    enum MHD_ConnectionNotificationCode what)
{
    unsigned                          i;
    debar_witness_t                  *w = data;
    const union MHD_ConnectionInfo   *info;

    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
        if (*slot) {
            ((debar_witness_client_t *) *slot)->since = 0;
            *slot = NULL;
        }

        return;
    }

    info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);

    for (i = 0; info && i < DEBAR_WITNESS_CLIENTS; i++) {

        if (w->clients[i].since == 0) {
            w->clients[i].fd = info->connect_fd;
            w->clients[i].since = debar_serve_now();
            *slot = &w->clients[i];
            return;
        }
    }
}


void
debar_witness_http_sweep(debar_witness_t *w)
{
    unsigned                 i;
    time_t                   now;
    debar_witness_client_t  *c;

    now = debar_serve_now();

    for (i = 0; i < DEBAR_WITNESS_CLIENTS; i++) {

        c = &w->clients[i];

        if (c->since && now - c->since > DEBAR_WITNESS_LONGEST) {
            (void) shutdown(c->fd, SHUT_RDWR);
        }
    }
}


/* Seconds, monotonic, never 0. */

static time_t
debar_serve_now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return ts.tv_sec + 1;
}


struct MHD_Daemon *
debar_witness_http(debar_witness_t *w)
{
    return MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL,
               debar_serve_request, w,
               MHD_OPTION_LISTEN_SOCKET, w->fd,
               MHD_OPTION_NOTIFY_COMPLETED, debar_serve_end, NULL,
               MHD_OPTION_NOTIFY_CONNECTION, debar_serve_connection, w,
               MHD_OPTION_CONNECTION_LIMIT, (unsigned) DEBAR_WITNESS_CLIENTS,
               MHD_OPTION_PER_IP_CONNECTION_LIMIT,
               (unsigned) DEBAR_WITNESS_EACH,
               MHD_OPTION_CONNECTION_TIMEOUT, (unsigned) DEBAR_WITNESS_IDLE,
               MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t) DEBAR_WITNESS_HEAD,
               MHD_OPTION_STRICT_FOR_CLIENT, 1,
               MHD_OPTION_END);
}


/* Called with the head, with each part of the body, and at its end. */

static enum MHD_Result
debar_serve_request(void *data, struct MHD_Connection *c, const char *url,
    const char *method, const char *version, const char *upload, size_t *len,
    void **request)
{
    size_t                 n;
    debar_witness_t       *w = data;
    debar_witness_body_t  *b = *request;

    if (b == NULL) {
        return debar_serve_begin(c, url, method, request);
    }

    if (*len) {
        n = *len;
        *len = 0;

        return debar_serve_add(b, upload, n) == DEBAR_OK ? MHD_YES : MHD_NO;
    }

    if (b->seen > DEBAR_WITNESS_REQUEST) {
        return debar_serve_say(c, MHD_HTTP_CONTENT_TOO_LARGE, "text/plain",
                               "too large\n", 10);
    }

    return debar_serve_answer(w, c, b);
}


static enum MHD_Result
debar_serve_begin(struct MHD_Connection *c, const char *url,
    const char *method, void **request)
{
    debar_witness_body_t  *b;

    if (strcmp(url, DEBAR_WITNESS_PATH) != 0) {
        return debar_serve_say(c, MHD_HTTP_NOT_FOUND, "text/plain",
                               "POST " DEBAR_WITNESS_PATH "\n",
                               sizeof("POST " DEBAR_WITNESS_PATH));
    }

    if (strcmp(method, MHD_HTTP_METHOD_POST) != 0) {
        return debar_serve_say(c, MHD_HTTP_METHOD_NOT_ALLOWED, "text/plain",
                               "POST\n", 5);
    }

    b = calloc(1, sizeof(*b));

    if (b == NULL) {
        return MHD_NO;
    }

    b->began = debar_serve_now();
    *request = b;

    return MHD_YES;
}


/* DEBAR_ERROR: the connection is not worth going on with. */

static int
debar_serve_add(debar_witness_body_t *b, const char *p, size_t len)
{
    char    *more;
    size_t   size;

    b->seen += len;

    if (b->seen > DEBAR_WITNESS_WASTE
        || debar_serve_now() - b->began > DEBAR_WITNESS_SLOW)
    {
        return DEBAR_ERROR;
    }

    if (b->seen > DEBAR_WITNESS_REQUEST) {
        return DEBAR_OK;
    }

    if (b->len + len > b->size) {

        for (size = b->size ? b->size : 4096; size < b->len + len; size *= 2) {
            /* void */
        }

        more = realloc(b->data, size);

        if (more == NULL) {
            return DEBAR_ERROR;
        }

        b->data = more;
        b->size = size;
    }

    memcpy(b->data + b->len, p, len);
    b->len += len;

    return DEBAR_OK;
}


static enum MHD_Result
debar_serve_answer(debar_witness_t *w, struct MHD_Connection *c,
    const debar_witness_body_t *b)
{
    char                    text[sizeof(debar_fault_t) + 2];
    debar_buf_t             line;
    enum MHD_Result         rc;
    debar_witness_answer_t  a;

    memset(&line, 0, sizeof(line));
    debar_witness_judge(&a, w->hasher, w->logs, w->nlogs,
                        b->data ? b->data : "", b->len);

    if (a.status == 200 && debar_serve_cosign(w, &a, &line) == DEBAR_OK) {
        rc = debar_serve_say(c, MHD_HTTP_OK, "text/plain; charset=utf-8",
                             line.data, line.len);
        debar_buf_free(&line);

        return rc;
    }

    debar_buf_free(&line);
    debar_serve_refused(w, c, &a);

    if (a.status == 409) {
        snprintf(text, sizeof(text), "%" PRIu64 "\n", a.log->size);
        return debar_serve_say(c, 409, DEBAR_WITNESS_TYPE, text, strlen(text));
    }

    snprintf(text, sizeof(text), "%s\n", a.status == 503 ? "not now"
                                                         : a.why.text);

    return debar_serve_say(c, a.status, "text/plain; charset=utf-8", text,
                           strlen(text));
}


/* Kept on the disk first.  What fails is a 503: nothing was shown of it, and
 * what is known stays as it is here. */

static int
debar_serve_cosign(debar_witness_t *w, debar_witness_answer_t *a,
    debar_buf_t *line)
{
    time_t                now;
    debar_witness_log_t  *log = a->log;

    now = time(NULL);

    if (debar_note_cosign(line, a->text, &w->key, now < 0 ? 0 : (uint64_t) now,
                          w->private, &a->why) != DEBAR_OK
        || (a->checkpoint.size != log->size
            && debar_witness_state_keep(w, a, line, &a->why) != DEBAR_OK))
    {
        a->status = 503;
        return DEBAR_ERROR;
    }

    if (a->checkpoint.size != log->size) {
        log->size = a->checkpoint.size;
        memcpy(log->root, a->checkpoint.root, DEBAR_HASH);
        (void) debar_service_log(&w->service, "%s: cosigned at %" PRIu64
                                 " leaves", a->checkpoint.origin, log->size);
    }

    return DEBAR_OK;
}


/* Anybody may ask, so that what is said of it has a bound. */

static void
debar_serve_refused(debar_witness_t *w, struct MHD_Connection *c,
    const debar_witness_answer_t *a)
{
    char                              host[64], *p;
    time_t                            minute;
    debar_fault_t                     why;
    const struct sockaddr            *sa;
    const union MHD_ConnectionInfo   *info;

    if (a->forked) {
        debar_witness_state_fork(w, a);
    }

    minute = time(NULL) / 60;

    if (minute != w->minute) {

        if (w->unsaid) {
            (void) debar_service_log(&w->service, "%u more were refused",
                                     w->unsaid);
        }

        w->minute = minute;
        w->said = 0;
        w->unsaid = 0;
    }

    if (w->said >= DEBAR_WITNESS_SAID) {
        w->unsaid++;
        return;
    }

    w->said++;
    strcpy(host, "?");
    info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    sa = info ? info->client_addr : NULL;

    if (sa) {
        (void) getnameinfo(sa, sa->sa_family == AF_INET6
                           ? sizeof(struct sockaddr_in6)
                           : sizeof(struct sockaddr_in), host, sizeof(host),
                           NULL, 0, NI_NUMERICHOST);
    }

    why = a->why;

    /* names that others chose */

    for (p = why.text; *p; p++) {
        if (*p < ' ' || *p > '~') {
            *p = '?';
        }
    }

    (void) debar_service_log(&w->service, "%s: %u: %s%s", host, a->status,
                             a->forked ? "a fork: " : "", why.text);
}


static enum MHD_Result
debar_serve_say(struct MHD_Connection *c, unsigned status, const char *type,
    const char *text, size_t len)
{
    enum MHD_Result       rc;
    struct MHD_Response  *r;

    r = MHD_create_response_from_buffer(len, (void *) text,
                                        MHD_RESPMEM_MUST_COPY);
    if (r == NULL) {
        return MHD_NO;
    }

    (void) MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);

    if (status == MHD_HTTP_METHOD_NOT_ALLOWED) {
        (void) MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, "POST");
    }

    rc = MHD_queue_response(c, status, r);
    MHD_destroy_response(r);

    return rc;
}


static void
debar_serve_end(void *data, struct MHD_Connection *c, void **request,
    enum MHD_RequestTerminationCode why)
{
    debar_witness_body_t  *b = *request;

    if (b) {
        free(b->data);
        free(b);
        *request = NULL;
    }
}
