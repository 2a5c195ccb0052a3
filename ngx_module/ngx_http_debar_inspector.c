/*
 * A worker's end of the inspector's socket.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_http_debar_inspector.h"



#define NGX_HTTP_DEBAR_INSPECTOR_STEP   (256 * 1024)
#define NGX_HTTP_DEBAR_INSPECTOR_QUIET  5      /* s between lines in the log */

#define NGX_HTTP_DEBAR_INSPECTOR_AWAY                                         \
    "the inspector does not answer: \"debar gateway start\" starts it"


struct ngx_http_debar_inspector_s {
    ngx_connection_t             *connection;    /* NULL: over */
    ngx_http_debar_inspected_t    inspected;
    off_t                         size;          /* that it is to hear of */
    off_t                         told;
    const char                   *failed;
    size_t                        in_len;
    size_t                        out_pos;
    size_t                        out_len;
    unsigned                      whole:1;       /* size is all */
    unsigned                      ended:1;       /* END is written */
    unsigned                      taken:1;
    ngx_event_t                   over;          /* posted: done() */
    u_char                        out[64];
    u_char                        in[DEBAR_FILE_FRAME];
};


static ngx_int_t ngx_http_debar_inspector_hello(
    ngx_http_debar_inspector_t *in, ngx_fd_t file, ngx_fd_t room,
    debar_str_t coding, const debar_file_limits_t *limits);
static void ngx_http_debar_inspector_write(ngx_event_t *wev);
static ngx_uint_t ngx_http_debar_inspector_next(
    ngx_http_debar_inspector_t *in);
static void ngx_http_debar_inspector_read(ngx_event_t *rev);
static ngx_int_t ngx_http_debar_inspector_frames(
    ngx_http_debar_inspector_t *in);
static void ngx_http_debar_inspector_fail(ngx_http_debar_inspector_t *in,
    const char *failed);
static void ngx_http_debar_inspector_over(ngx_event_t *ev);
static void ngx_http_debar_inspector_tell(ngx_log_t *log, ngx_err_t err,
    ngx_str_t *path);
static void ngx_http_debar_inspector_cleanup(void *data);


ngx_http_debar_inspector_t *
ngx_http_debar_inspector_begin(ngx_pool_t *pool, ngx_log_t *log,
    ngx_str_t *path, ngx_fd_t file, ngx_fd_t room, debar_str_t coding,
    const debar_file_limits_t *limits, ngx_http_debar_inspected_t *inspected,
    const char **failed)
{
    ngx_err_t                    err;
    ngx_pool_cleanup_t          *cln;
    ngx_http_debar_inspector_t  *in;

    *failed = NGX_HTTP_DEBAR_INSPECTOR_AWAY;

    cln = ngx_pool_cleanup_add(pool, 0);
    in = ngx_pcalloc(pool, sizeof(ngx_http_debar_inspector_t));

    if (cln == NULL || in == NULL) {
        *failed = "no memory";
        return NULL;
    }

    in->inspected = *inspected;

    in->over.handler = ngx_http_debar_inspector_over;
    in->over.data = in;
    in->over.log = log;

    cln->handler = ngx_http_debar_inspector_cleanup;
    cln->data = in;

    in->connection = ngx_debar_unix_connect(path, log, in,
                                            ngx_http_debar_inspector_read,
                                            ngx_http_debar_inspector_write,
                                            &err);

    if (in->connection == NULL) {

        if (err) {
            ngx_http_debar_inspector_tell(log, err, path);
        }

        return NULL;
    }

    if (ngx_http_debar_inspector_hello(in, file, room, coding, limits)
        != NGX_OK)
    {
        ngx_http_debar_inspector_abort(in);
        return NULL;
    }

    return in;
}


/* A few bytes into an empty socket: they go at once, or not at all. */

static ngx_int_t
ngx_http_debar_inspector_hello(ngx_http_debar_inspector_t *in, ngx_fd_t file,
    ngx_fd_t room, debar_str_t coding, const debar_file_limits_t *limits)
{
    int                  fds[2];
    size_t               len;
    u_char               frame[1024];
    struct iovec         iov;
    struct msghdr        msg;
    struct cmsghdr      *cm;
    debar_file_frame_t   f;
    union {
        struct cmsghdr   header;
        char             space[CMSG_SPACE(sizeof(fds))];
    } control;

    ngx_memzero(&f, sizeof(debar_file_frame_t));
    ngx_memzero(&msg, sizeof(struct msghdr));
    ngx_memzero(&control, sizeof(control));

    f.kind = DEBAR_FW_BEGIN;
    f.coding = coding;
    f.limits = *limits;

    len = debar_file_frame_write(frame, sizeof(frame), &f);

    if (len == 0) {
        return NGX_ERROR;
    }

    fds[0] = file;
    fds[1] = room;

    iov.iov_base = frame;
    iov.iov_len = len;

    msg.msg_iov = &iov;
    msg.msg_iovlen = 1;
    msg.msg_control = &control;
    msg.msg_controllen = sizeof(control);

    cm = CMSG_FIRSTHDR(&msg);
    cm->cmsg_level = SOL_SOCKET;
    cm->cmsg_type = SCM_RIGHTS;
    cm->cmsg_len = CMSG_LEN(sizeof(fds));
    ngx_memcpy(CMSG_DATA(cm), fds, sizeof(fds));

    return sendmsg(in->connection->fd, &msg, MSG_NOSIGNAL) == (ssize_t) len
           ? NGX_OK : NGX_ERROR;
}


void
ngx_http_debar_inspector_more(ngx_http_debar_inspector_t *in, off_t size)
{
    in->size = size;

    if (in->connection && size - in->told >= NGX_HTTP_DEBAR_INSPECTOR_STEP) {
        ngx_post_event(in->connection->write, &ngx_posted_events);
    }
}


void
ngx_http_debar_inspector_end(ngx_http_debar_inspector_t *in, off_t size,
    ngx_msec_t timeout)
{
    in->size = size;
    in->whole = 1;

    if (in->connection == NULL) {
        ngx_post_event(&in->over, &ngx_posted_events);
        return;
    }

    ngx_add_timer(in->connection->read, timeout);
    ngx_post_event(in->connection->write, &ngx_posted_events);
}


void
ngx_http_debar_inspector_abort(ngx_http_debar_inspector_t *in)
{
    if (in->connection) {
        ngx_close_connection(in->connection);
        in->connection = NULL;
    }

    if (in->over.posted) {
        ngx_delete_posted_event(&in->over);
    }
}


static void
ngx_http_debar_inspector_write(ngx_event_t *wev)
{
    ssize_t                      n;
    ngx_connection_t            *c;
    ngx_http_debar_inspector_t  *in;

    c = wev->data;
    in = c->data;

    while (wev->ready
           && (in->out_pos < in->out_len || ngx_http_debar_inspector_next(in)))
    {
        n = c->send(c, in->out + in->out_pos, in->out_len - in->out_pos);

        if (n == NGX_ERROR) {

            /* it may have said why */

            ngx_http_debar_inspector_read(c->read);
            return;
        }

        if (n > 0) {
            in->out_pos += n;
        }
    }

    if (ngx_handle_write_event(wev, 0) != NGX_OK) {
        ngx_http_debar_inspector_fail(in, "the inspector was lost");
    }
}


/* The next frame into out; 0: there is nothing to say. */

static ngx_uint_t
ngx_http_debar_inspector_next(ngx_http_debar_inspector_t *in)
{
    debar_file_frame_t  f;

    if (in->ended
        || (!in->whole
            && in->size - in->told < NGX_HTTP_DEBAR_INSPECTOR_STEP))
    {
        return 0;
    }

    ngx_memzero(&f, sizeof(debar_file_frame_t));

    f.kind = in->whole ? DEBAR_FW_END : DEBAR_FW_MORE;
    f.bytes = in->size;

    in->told = in->size;
    in->ended = in->whole;
    in->out_pos = 0;
    in->out_len = debar_file_frame_write(in->out, sizeof(in->out), &f);

    return in->out_len != 0;
}


static void
ngx_http_debar_inspector_read(ngx_event_t *rev)
{
    ssize_t                      n;
    ngx_connection_t            *c;
    ngx_http_debar_inspector_t  *in;

    c = rev->data;
    in = c->data;

    if (rev->timedout) {
        ngx_http_debar_inspector_fail(in, "the inspector took too long");
        return;
    }

    do {
        n = c->recv(c, in->in + in->in_len, sizeof(in->in) - in->in_len);

        if (n == NGX_AGAIN) {
            break;
        }

        if (n <= 0) {
            ngx_http_debar_inspector_fail(in, in->taken
                                   ? "the file's reader died"
                                   : "the inspector did not take the file");
            return;
        }

        in->in_len += n;

        if (ngx_http_debar_inspector_frames(in) != NGX_OK) {
            return;
        }

    } while (rev->ready);

    if (ngx_handle_read_event(rev, 0) != NGX_OK) {
        ngx_http_debar_inspector_fail(in, "the inspector was lost");
    }
}


/* NGX_DONE: the connection is over. */

static ngx_int_t
ngx_http_debar_inspector_frames(ngx_http_debar_inspector_t *in)
{
    long                n;
    size_t              pos;
    debar_file_frame_t  f;

    for (pos = 0; /* void */ ; pos += n) {

        n = debar_file_frame(in->in + pos, in->in_len - pos);

        if (n == 0) {
            break;
        }

        if (n < 0 || debar_file_frame_read(&f, in->in + pos, n) != DEBAR_OK) {
            ngx_http_debar_inspector_fail(in, "the file's reader lied");
            return NGX_DONE;
        }

        switch (f.kind) {

        case DEBAR_FW_TAKEN:
            in->taken = 1;
            break;

        case DEBAR_FW_FOUND:
            in->inspected.found(in->inspected.data, &f.found);
            break;

        case DEBAR_FW_REFUSED:
            ngx_log_error(NGX_LOG_WARN, in->connection->log, 0,
                          "debar: the inspector refused a file: %*s",
                          f.text.len, f.text.data);
            ngx_http_debar_inspector_fail(in, "the inspector refused the "
                                              "file");
            return NGX_DONE;

        case DEBAR_FW_DONE:
            if (!in->ended) {
                ngx_http_debar_inspector_fail(in, "the file's reader lied");
                return NGX_DONE;
            }

            ngx_http_debar_inspector_abort(in);
            in->inspected.done(in->inspected.data, f.bounds, NULL);
            return NGX_DONE;

        default:
            ngx_http_debar_inspector_fail(in, "the file's reader lied");
            return NGX_DONE;
        }
    }

    in->in_len -= pos;
    ngx_memmove(in->in, in->in + pos, in->in_len);

    return NGX_OK;
}


/* Told once the file is whole: until then it flows. */

static void
ngx_http_debar_inspector_fail(ngx_http_debar_inspector_t *in,
    const char *failed)
{
    ngx_log_error(NGX_LOG_WARN, in->connection->log, 0, "debar: %s", failed);

    ngx_http_debar_inspector_abort(in);
    in->failed = failed;

    if (in->whole) {
        ngx_post_event(&in->over, &ngx_posted_events);
    }
}


static void
ngx_http_debar_inspector_over(ngx_event_t *ev)
{
    ngx_http_debar_inspector_t  *in = ev->data;

    in->inspected.done(in->inspected.data, 0, in->failed);
}


/* An inspector that is down is one line, not one for each download. */

static void
ngx_http_debar_inspector_tell(ngx_log_t *log, ngx_err_t err, ngx_str_t *path)
{
    static time_t  told;

    if (ngx_time() - told < NGX_HTTP_DEBAR_INSPECTOR_QUIET) {
        return;
    }

    told = ngx_time();

    ngx_log_error(NGX_LOG_ERR, log, err,
                  "debar: unix:%V: " NGX_HTTP_DEBAR_INSPECTOR_AWAY, path);
}


static void
ngx_http_debar_inspector_cleanup(void *data)
{
    ngx_http_debar_inspector_abort(data);
}
