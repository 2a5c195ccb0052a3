/*
 * A worker's connection to `debar sign`.  Requests are written one by one from
 * the queue of those not sent, so that what waits is bounded by the number of
 * names and not by bytes.  Answers come in any order.
 */

#include "ngx_debar_leaf_private.h"



#define NGX_DEBAR_LEAF_AWAY   1000       /* ms until the next attempt */
#define NGX_DEBAR_LEAF_QUIET  5          /* s between lines in the log */

#define NGX_DEBAR_LEAF_NONE                                                   \
    "the signer does not answer: \"debar gateway start\" starts it"


static const char *ngx_debar_leaf_connect(ngx_debar_leaves_t *leaves);
static void ngx_debar_leaf_gone(ngx_debar_leaves_t *leaves, ngx_err_t err,
    const char *what);
static void ngx_debar_leaf_write(ngx_event_t *wev);
static ngx_uint_t ngx_debar_leaf_next(ngx_debar_leaves_t *leaves);
static void ngx_debar_leaf_read(ngx_event_t *rev);
static ngx_int_t ngx_debar_leaf_frames(ngx_debar_leaves_t *leaves);
static void ngx_debar_leaf_reply(ngx_debar_leaves_t *leaves,
    debar_sign_reply_t *rp);
static const char *ngx_debar_leaf_status(ngx_uint_t status);
static void ngx_debar_leaf_timeout(ngx_event_t *ev);
static void ngx_debar_leaf_tell(ngx_debar_leaves_t *leaves, ngx_err_t err,
    const char *what, size_t len);


const char *
ngx_debar_leaf_send(ngx_debar_leaf_t *e)
{
    const char          *error;
    ngx_connection_t    *c;
    ngx_debar_leaves_t  *leaves;

    leaves = e->leaves;

    if (leaves->connection == NULL) {
        error = ngx_debar_leaf_connect(leaves);

        if (error) {
            return error;
        }
    }

    c = leaves->connection;
    c->idle = 0;

    e->id = ++leaves->id;
    e->pending = 1;
    e->queued = 1;

    ngx_queue_insert_tail(&leaves->pending, &e->queue);
    ngx_queue_insert_tail(&leaves->unsent, &e->unsent);
    leaves->npending++;

    e->timer.handler = ngx_debar_leaf_timeout;
    e->timer.data = e;
    e->timer.log = leaves->cycle->log;

    ngx_add_timer(&e->timer, leaves->timeout);

    /* not at once: a failure would call those who wait while one asks */

    ngx_post_event(c->write, &ngx_posted_events);

    return NULL;
}


void
ngx_debar_leaf_unsend(ngx_debar_leaf_t *e)
{
    if (e->timer.timer_set) {
        ngx_del_timer(&e->timer);
    }

    if (e->queued) {
        ngx_queue_remove(&e->unsent);
        e->queued = 0;
    }

    if (e->pending) {
        ngx_queue_remove(&e->queue);
        ngx_memzero(&e->queue, sizeof(ngx_queue_t));
        e->pending = 0;
        e->leaves->npending--;
    }
}


void
ngx_debar_leaf_idle(ngx_debar_leaves_t *leaves)
{
    if (leaves->npending || leaves->connection == NULL) {
        return;
    }

    if (ngx_exiting || ngx_terminate) {
        ngx_debar_leaf_hang_up(leaves);
        return;
    }

    /* a worker that ends closes those by itself */

    leaves->connection->idle = 1;
}


void
ngx_debar_leaf_hang_up(ngx_debar_leaves_t *leaves)
{
    if (leaves->connection) {
        ngx_close_connection(leaves->connection);
        leaves->connection = NULL;
    }

    leaves->in_len = 0;
    leaves->out_len = 0;
    leaves->out_pos = 0;
}


static const char *
ngx_debar_leaf_connect(ngx_debar_leaves_t *leaves)
{
    ngx_err_t  err;

    /* who was away a moment ago is not asked again for each client */

    if (leaves->is_away
        && (ngx_msec_int_t) (ngx_current_msec - leaves->away) < 0)
    {
        return NGX_DEBAR_LEAF_NONE;
    }

    leaves->connection = ngx_debar_unix_connect(&leaves->path,
                                                leaves->cycle->log, leaves,
                                                ngx_debar_leaf_read,
                                                ngx_debar_leaf_write, &err);

    if (leaves->connection == NULL && err) {
        leaves->is_away = 1;
        leaves->away = ngx_current_msec + NGX_DEBAR_LEAF_AWAY;

        ngx_debar_leaf_tell(leaves, err, NULL, 0);

        return NGX_DEBAR_LEAF_NONE;
    }

    leaves->is_away = 0;

    if (leaves->connection == NULL) {
        return "no connection is free to ask the signer: raise "
               "worker_connections";
    }

    return NULL;
}


/*
 * The connection is lost.  Whoever waits is asked for once more on another one:
 * a signer that crashed is started again, and its socket listens meanwhile.
 */

static void
ngx_debar_leaf_gone(ngx_debar_leaves_t *leaves, ngx_err_t err,
    const char *what)
{
    const char        *error;
    ngx_queue_t        failed, *q, *next;
    ngx_debar_leaf_t  *e;

    ngx_debar_leaf_hang_up(leaves);

    if (leaves->npending == 0) {
        return;
    }

    ngx_debar_leaf_tell(leaves, err, what, what ? ngx_strlen(what) : 0);

    error = ngx_debar_leaf_connect(leaves);
    ngx_queue_init(&failed);

    for (q = ngx_queue_head(&leaves->pending);
         q != ngx_queue_sentinel(&leaves->pending);
         q = next)
    {
        next = ngx_queue_next(q);
        e = ngx_queue_data(q, ngx_debar_leaf_t, queue);

        if (error || (e->again && !e->queued)) {
            ngx_queue_remove(q);
            ngx_queue_insert_tail(&failed, q);

        } else if (!e->queued) {
            e->again = 1;
            e->queued = 1;
            ngx_queue_insert_tail(&leaves->unsent, &e->unsent);
        }
    }

    if (leaves->connection) {
        ngx_post_event(leaves->connection->write, &ngx_posted_events);
    }

    while (!ngx_queue_empty(&failed)) {
        q = ngx_queue_head(&failed);
        e = ngx_queue_data(q, ngx_debar_leaf_t, queue);
        ngx_debar_leaf_done(e, NGX_DEBAR_LEAF_NONE);
    }

    ngx_debar_leaf_idle(leaves);
}


static void
ngx_debar_leaf_write(ngx_event_t *wev)
{
    ssize_t              n;
    ngx_connection_t    *c;
    ngx_debar_leaves_t  *leaves;

    c = wev->data;
    leaves = c->data;

    while (wev->ready
           && (leaves->out_pos < leaves->out_len
               || ngx_debar_leaf_next(leaves)))
    {
        n = c->send(c, leaves->out + leaves->out_pos,
                    leaves->out_len - leaves->out_pos);

        if (n == NGX_ERROR) {
            ngx_debar_leaf_gone(leaves, 0, "was lost");
            return;
        }

        if (n > 0) {
            leaves->out_pos += n;
        }
    }

    if (ngx_handle_write_event(wev, 0) != NGX_OK) {
        ngx_debar_leaf_gone(leaves, 0, "was lost");
    }
}


/* The next request into out; 0: there is none. */

static ngx_uint_t
ngx_debar_leaf_next(ngx_debar_leaves_t *leaves)
{
    ngx_queue_t           *q;
    ngx_debar_leaf_t      *e;
    debar_sign_request_t   rq;

    if (ngx_queue_empty(&leaves->unsent)) {
        return 0;
    }

    q = ngx_queue_head(&leaves->unsent);
    ngx_queue_remove(q);

    e = ngx_queue_data(q, ngx_debar_leaf_t, unsent);
    e->queued = 0;

    rq.id = e->id;
    rq.name = debar_str((char *) e->name, e->len);
    rq.spki = debar_str((char *) leaves->spki, leaves->spki_len);

    leaves->out_pos = 0;
    leaves->out_len = debar_sign_write_request(leaves->out,
                                               sizeof(leaves->out), &rq);

    return leaves->out_len != 0;
}


static void
ngx_debar_leaf_read(ngx_event_t *rev)
{
    ssize_t              n;
    ngx_connection_t    *c;
    ngx_debar_leaves_t  *leaves;

    c = rev->data;
    leaves = c->data;

    if (c->close) {
        ngx_debar_leaf_hang_up(leaves);
        return;
    }

    for ( ;; ) {

        n = c->recv(c, leaves->in + leaves->in_len,
                    DEBAR_SIGN_REPLY - leaves->in_len);

        if (n == NGX_AGAIN) {
            break;
        }

        if (n == NGX_ERROR || n == 0) {
            ngx_debar_leaf_gone(leaves, 0, "was lost");
            return;
        }

        leaves->in_len += n;

        if (ngx_debar_leaf_frames(leaves) != NGX_OK) {
            ngx_debar_leaf_gone(leaves, 0, "sent what is no answer");
            return;
        }
    }

    if (ngx_handle_read_event(rev, 0) != NGX_OK) {
        ngx_debar_leaf_gone(leaves, 0, "was lost");
        return;
    }

    ngx_debar_leaf_idle(leaves);
}


static ngx_int_t
ngx_debar_leaf_frames(ngx_debar_leaves_t *leaves)
{
    long                 n;
    size_t               pos;
    debar_sign_reply_t   rp;

    pos = 0;

    for ( ;; ) {
        n = debar_sign_frame(leaves->in + pos, leaves->in_len - pos,
                             DEBAR_SIGN_REPLY);

        if (n == 0) {
            break;
        }

        if (n < 0
            || debar_sign_read_reply(&rp, leaves->in + pos, n) != DEBAR_OK)
        {
            return NGX_ERROR;
        }

        ngx_debar_leaf_reply(leaves, &rp);
        pos += n;
    }

    leaves->in_len -= pos;
    ngx_memmove(leaves->in, leaves->in + pos, leaves->in_len);

    return NGX_OK;
}


static void
ngx_debar_leaf_reply(ngx_debar_leaves_t *leaves, debar_sign_reply_t *rp)
{
    const char        *error;
    ngx_queue_t       *q;
    ngx_debar_leaf_t  *e;

    /* mostly the first: the signer answers in turn */

    for (q = ngx_queue_head(&leaves->pending);
         q != ngx_queue_sentinel(&leaves->pending);
         q = ngx_queue_next(q))
    {
        e = ngx_queue_data(q, ngx_debar_leaf_t, queue);

        if (e->id != rp->id || e->queued) {
            continue;
        }

        if (rp->status == DEBAR_SIGN_OK) {
            error = ngx_debar_leaf_take(e, rp);

            if (error) {
                ngx_debar_leaf_tell(leaves, 0, error, ngx_strlen(error));
            }

        } else {
            error = ngx_debar_leaf_status(rp->status);
            ngx_debar_leaf_tell(leaves, 0, rp->text.data, rp->text.len);
        }

        ngx_debar_leaf_done(e, error);
        return;
    }

    /* else nobody waits for it any more */
}


static const char *
ngx_debar_leaf_status(ngx_uint_t status)
{
    switch (status) {
    case DEBAR_SIGN_RATE:
        return "the signer is asked too often: see debar sign --rate";
    case DEBAR_SIGN_NAME_REFUSED:
        return "the signer certifies no such name";
    case DEBAR_SIGN_KEY_REFUSED:
        return "the signer certifies no such key";
    default:
        return "the signer failed: its log says why";
    }
}


static void
ngx_debar_leaf_timeout(ngx_event_t *ev)
{
    ngx_debar_leaf_t    *e;
    ngx_debar_leaves_t  *leaves;

    e = ev->data;
    leaves = e->leaves;

    ngx_debar_leaf_tell(leaves, NGX_ETIMEDOUT, NULL, 0);
    ngx_debar_leaf_done(e, "the signer did not answer in time");

    /* what it still says is of no use: the next one gets a new connection */

    if (leaves->npending == 0) {
        ngx_debar_leaf_hang_up(leaves);
    }
}


/* One line in five seconds.  what: NULL, no answer, and err is why. */

static void
ngx_debar_leaf_tell(ngx_debar_leaves_t *leaves, ngx_err_t err,
    const char *what, size_t len)
{
    size_t      dir;
    ngx_log_t  *log;

    static u_char  place[] = "/run/sign.sock";

    if (leaves->told && ngx_time() - leaves->told < NGX_DEBAR_LEAF_QUIET) {
        return;
    }

    leaves->told = ngx_time();
    log = leaves->cycle->log;

    if (what) {
        ngx_log_error(NGX_LOG_ERR, log, err, "debar_sign: unix:%V: %*s",
                      &leaves->path, len, what);
        return;
    }

    dir = leaves->path.len - ngx_min(leaves->path.len, sizeof(place) - 1);

    if (dir && ngx_strcmp(leaves->path.data + dir, place) == 0) {
        ngx_log_error(NGX_LOG_ERR, log, err,
                      "debar_sign: unix:%V does not answer: no TLS can be "
                      "inspected; \"debar gateway start %*s\" starts the "
                      "signer", &leaves->path, dir, leaves->path.data);
        return;
    }

    ngx_log_error(NGX_LOG_ERR, log, err,
                  "debar_sign: unix:%V does not answer: no TLS can be "
                  "inspected; \"debar sign --socket %V\" is the signer",
                  &leaves->path, &leaves->path);
}
