/*
 * The front's content handler: peeks at the first bytes of a connection and
 * hands on what is not a CONNECT.
 */

#include "ngx_stream_debar_front.h"


#define NGX_STREAM_DEBAR_CONNECT      "CONNECT "
#define NGX_STREAM_DEBAR_CONNECT_LEN  (sizeof(NGX_STREAM_DEBAR_CONNECT) - 1)


static void ngx_stream_debar_front_read(ngx_event_t *rev);


void
ngx_stream_debar_front_handler(ngx_stream_session_t *s)
{
    ngx_event_t                    *rev;
    ngx_connection_t               *c;
    ngx_stream_debar_front_conf_t  *dfcf;

    c = s->connection;
    rev = c->read;

    /* what was consumed cannot be handed on */

    if (c->type == SOCK_DGRAM
#if (NGX_STREAM_SSL)
        || c->ssl
#endif
        || (c->buffer && c->buffer->pos != c->buffer->last))
    {
        ngx_log_error(NGX_LOG_ERR, c->log, 0,
                      "debar_front: neither udp, nor ssl, nor what was read "
                      "before can be handed on");
        ngx_stream_finalize_session(s, NGX_STREAM_INTERNAL_SERVER_ERROR);
        return;
    }

    dfcf = ngx_stream_get_module_srv_conf(s, ngx_stream_debar_front_module);

    c->log->action = "waiting for the head of a request";

    rev->handler = ngx_stream_debar_front_read;
    c->write->handler = ngx_stream_debar_front_empty;

    if (rev->ready) {
        ngx_stream_debar_front_read(rev);
        return;
    }

    ngx_add_timer(rev, dfcf->head_timeout);
    ngx_reusable_connection(c, 1);

    if (ngx_handle_read_event(rev, 0) != NGX_OK) {
        ngx_stream_finalize_session(s, NGX_STREAM_INTERNAL_SERVER_ERROR);
    }
}


static void
ngx_stream_debar_front_read(ngx_event_t *rev)
{
    char                            first[NGX_STREAM_DEBAR_CONNECT_LEN];
    ssize_t                         n;
    ngx_connection_t               *c;
    ngx_stream_session_t           *s;
    ngx_stream_debar_front_conf_t  *dfcf;

    c = rev->data;
    s = c->data;

    if (c->close) {
        ngx_stream_finalize_session(s, NGX_STREAM_OK);
        return;
    }

    dfcf = ngx_stream_get_module_srv_conf(s, ngx_stream_debar_front_module);

    if (rev->timedout) {

        /* a beginning of a CONNECT may be there, and is owed an answer */

        n = recv(c->fd, first, sizeof(first), MSG_PEEK);

        if (n == (ssize_t) sizeof(first)) {
            ngx_stream_debar_front_connect(s);
            return;
        }

        ngx_log_error(NGX_LOG_INFO, c->log, NGX_ETIMEDOUT, "client timed out");
        ngx_stream_finalize_session(s, NGX_STREAM_OK);
        return;
    }

    n = ngx_stream_debar_front_peek(c, first, sizeof(first));

    if (n == NGX_ERROR) {
        return;
    }

    if (n == NGX_AGAIN) {
        if (!rev->timer_set) {
            ngx_add_timer(rev, dfcf->head_timeout);
        }

        ngx_reusable_connection(c, 1);
        return;
    }

    if (ngx_memcmp(first, NGX_STREAM_DEBAR_CONNECT, n) != 0) {
        ngx_stream_debar_front_pass(s, dfcf->http);
        return;
    }

    if (n == (ssize_t) sizeof(first)) {
        ngx_stream_debar_front_connect(s);
        return;
    }

    if (!rev->timer_set) {
        ngx_add_timer(rev, dfcf->head_timeout);
    }

    ngx_stream_debar_front_wait(c);
}


void
ngx_stream_debar_front_again(ngx_connection_t *c)
{
    c->log->action = "waiting for the head of a request";

    c->read->handler = ngx_stream_debar_front_read;
    c->write->handler = ngx_stream_debar_front_empty;

    /* not from here: who sends many heads at once goes no deeper by them */

    ngx_post_event(c->read, &ngx_posted_events);
}


ssize_t
ngx_stream_debar_front_peek(ngx_connection_t *c, char *buf, size_t size)
{
    ssize_t       n;
    ngx_event_t  *rev;

    rev = c->read;
    n = ngx_debar_peek(c, buf, size);

    if (n > 0) {
        return n;
    }

    if (n == NGX_AGAIN) {
        rev->ready = 0;

        if (ngx_handle_read_event(rev, 0) == NGX_OK) {
            return NGX_AGAIN;
        }

        ngx_stream_finalize_session(c->data, NGX_STREAM_INTERNAL_SERVER_ERROR);
        return NGX_ERROR;
    }

    ngx_stream_finalize_session(c->data, NGX_STREAM_OK);

    return NGX_ERROR;
}


/* A peek at what is there never returns 0: the end is known by pending_eof. */

void
ngx_stream_debar_front_wait(ngx_connection_t *c)
{
    ngx_event_t  *rev;

    rev = c->read;

#if (NGX_HAVE_EPOLLRDHUP || NGX_HAVE_KQUEUE)
    if (rev->pending_eof) {
        ngx_stream_finalize_session(c->data, NGX_STREAM_OK);
        return;
    }
#endif

    rev->ready = 0;
    ngx_reusable_connection(c, 1);

    if (ngx_handle_read_event(rev, 0) != NGX_OK) {
        ngx_stream_finalize_session(c->data, NGX_STREAM_INTERNAL_SERVER_ERROR);
    }
}


void
ngx_stream_debar_front_pass(ngx_stream_session_t *s, ngx_listening_t *ls)
{
    ngx_event_t        *rev;
    struct sockaddr    *sa;
    ngx_connection_t   *c;
    ngx_debar_front_t  *front;

    c = s->connection;
    rev = c->read;

    if (rev->timer_set) {
        ngx_del_timer(rev);
    }

    if (c->write->timer_set) {
        ngx_del_timer(c->write);
    }

    /* nothing of the session runs from here on */

    if (rev->posted) {
        ngx_delete_posted_event(rev);
    }

    rev->timedout = 0;
    ngx_reusable_connection(c, 0);

    /*
     * The address of a server is found by the family of the local one: one of
     * IPv6 would be looked for in a layout that a listen on unix: has not.
     */

    if (c->local_sockaddr->sa_family != AF_INET) {

        if (ngx_connection_local_sockaddr(c, NULL, 0) != NGX_OK) {
            ngx_stream_finalize_session(s, NGX_STREAM_INTERNAL_SERVER_ERROR);
            return;
        }

        sa = c->local_sockaddr;
        front = ngx_debar_front_get(c);

        if (front == NULL) {
            front = ngx_debar_front_add(c, sizeof(ngx_debar_front_t));
            if (front == NULL) {
                ngx_stream_finalize_session(s,
                                            NGX_STREAM_INTERNAL_SERVER_ERROR);
                return;
            }
        }

        /* that of the TLS port, where the connection came through one */

        if (front->local_sockaddr == NULL) {
            front->local_sockaddr = sa;
        }

        c->local_sockaddr = ls->sockaddr;
        c->local_socklen = ls->socklen;
    }

    c->listening = ls;
    c->data = NULL;
    c->buffer = NULL;

    *c->log = ls->log;
    c->log->handler = NULL;
    c->log->data = NULL;

    rev->ready = 1;
    rev->available = -1;

    ls->handler(c);
}


ngx_stream_debar_front_ctx_t *
ngx_stream_debar_front_ctx(ngx_connection_t *c)
{
    return (ngx_stream_debar_front_ctx_t *) ngx_debar_front_get(c);
}


void
ngx_stream_debar_front_empty(ngx_event_t *ev)
{
    /* what is written fits the socket's buffer, or the connection ends */
}
