/*
 * The inside of a TLS port: upstream NAME { debar_inner front=NAME; }
 *
 * A connection with TLS of its own cannot be handed on, so the stock stream
 * proxy keeps it, and its "upstream" is one end of a pair of sockets.  The other
 * end comes to the front as a connection newly accepted, with the client's own
 * addresses, and with the user whom its certificate names.
 */

#include "ngx_stream_debar_front.h"


typedef struct {
    ngx_listening_t              *front;
    ngx_stream_complex_value_t   *user;  /* NULL: certificates name nobody */
} ngx_stream_debar_inner_t;


static ngx_int_t ngx_stream_debar_inner_init_upstream(ngx_conf_t *cf,
    ngx_stream_upstream_srv_conf_t *us);
static ngx_int_t ngx_stream_debar_inner_init_peer(ngx_stream_session_t *s,
    ngx_stream_upstream_srv_conf_t *us);
static ngx_int_t ngx_stream_debar_inner_get(ngx_peer_connection_t *pc,
    void *data);
static void ngx_stream_debar_inner_free(ngx_peer_connection_t *pc, void *data,
    ngx_uint_t state);
static ngx_int_t ngx_stream_debar_inner_user(ngx_stream_session_t *s,
    ngx_stream_debar_inner_t *in, ngx_str_t *user);
static ngx_connection_t *ngx_stream_debar_inner_accept(
    ngx_stream_session_t *s, ngx_stream_debar_inner_t *in, ngx_socket_t fd);
static ngx_int_t ngx_stream_debar_inner_addresses(ngx_connection_t *c,
    ngx_connection_t *client, ngx_debar_front_t *front);
static void ngx_stream_debar_inner_close(ngx_connection_t *c);


static ngx_str_t  ngx_stream_debar_inner_name = ngx_string("debar_inner");


static ngx_int_t
ngx_stream_debar_inner_init_peer(ngx_stream_session_t *s,
    ngx_stream_upstream_srv_conf_t *us)
{
    s->upstream->peer.data = s;
    s->upstream->peer.get = ngx_stream_debar_inner_get;
    s->upstream->peer.free = ngx_stream_debar_inner_free;
    s->upstream->peer.tries = 1;

    return NGX_OK;
}


static ngx_int_t
ngx_stream_debar_inner_get(ngx_peer_connection_t *pc, void *data)
{
    ngx_stream_session_t  *s = data;

    ngx_socket_t               fd[2];
    ngx_connection_t          *c, *outer;
    ngx_stream_debar_inner_t  *in;

    in = s->upstream->upstream->peer.data;

    if (socketpair(AF_UNIX, SOCK_STREAM|SOCK_NONBLOCK|SOCK_CLOEXEC, 0, fd)
        == -1)
    {
        ngx_log_error(NGX_LOG_ERR, pc->log, ngx_socket_errno,
                      "socketpair() failed");
        return NGX_ERROR;
    }

    outer = ngx_get_connection(fd[0], pc->log);

    if (outer == NULL) {
        (void) ngx_close_socket(fd[0]);
        (void) ngx_close_socket(fd[1]);
        return NGX_ERROR;
    }

    c = ngx_stream_debar_inner_accept(s, in, fd[1]);

    if (c == NULL) {
        ngx_close_connection(outer);
        return NGX_ERROR;
    }

    outer->type = SOCK_STREAM;
    outer->recv = ngx_recv;
    outer->send = ngx_send;
    outer->recv_chain = ngx_recv_chain;
    outer->send_chain = ngx_send_chain;
    outer->tcp_nopush = NGX_TCP_NOPUSH_DISABLED;
    outer->tcp_nodelay = NGX_TCP_NODELAY_DISABLED;
    outer->log = pc->log;
    outer->log_error = pc->log_error;
    outer->read->log = pc->log;
    outer->write->log = pc->log;
    outer->write->ready = 1;
    outer->number = ngx_atomic_fetch_add(ngx_connection_counter, 1);
    outer->start_time = ngx_current_msec;

    if (ngx_add_conn && ngx_add_conn(outer) == NGX_ERROR) {
        ngx_close_connection(outer);
        ngx_stream_debar_inner_close(c);
        return NGX_ERROR;
    }

    pc->sockaddr = in->front->sockaddr;
    pc->socklen = in->front->socklen;
    pc->name = &ngx_stream_debar_inner_name;
    pc->cached = 0;
    pc->connection = outer;

    /* it may be closed when this returns */

    in->front->handler(c);

    return NGX_DONE;
}


static void
ngx_stream_debar_inner_free(ngx_peer_connection_t *pc, void *data,
    ngx_uint_t state)
{
    if (pc->tries) {
        pc->tries--;
    }
}


/* What ngx_event_accept() does for a connection that it has accepted. */

static ngx_connection_t *
ngx_stream_debar_inner_accept(ngx_stream_session_t *s,
    ngx_stream_debar_inner_t *in, ngx_socket_t fd)
{
    ngx_log_t          *log;
    ngx_connection_t   *c;
    ngx_debar_front_t  *front;

    c = ngx_get_connection(fd, s->connection->log);

    if (c == NULL) {
        (void) ngx_close_socket(fd);
        return NULL;
    }

    c->type = SOCK_STREAM;

#if (NGX_STAT_STUB)
    (void) ngx_atomic_fetch_add(ngx_stat_active, 1);
#endif

    c->pool = ngx_create_pool(in->front->pool_size, s->connection->log);
    log = c->pool ? ngx_palloc(c->pool, sizeof(ngx_log_t)) : NULL;

    if (log == NULL) {
        ngx_stream_debar_inner_close(c);
        return NULL;
    }

    *log = in->front->log;
    log->data = NULL;
    log->handler = NULL;

    c->recv = ngx_recv;
    c->send = ngx_send;
    c->recv_chain = ngx_recv_chain;
    c->send_chain = ngx_send_chain;

    c->log = log;
    c->pool->log = log;
    c->read->log = log;
    c->write->log = log;
    c->write->ready = 1;

    c->tcp_nopush = NGX_TCP_NOPUSH_DISABLED;
    c->tcp_nodelay = NGX_TCP_NODELAY_DISABLED;

    c->listening = in->front;
    c->local_sockaddr = in->front->sockaddr;
    c->local_socklen = in->front->socklen;

    c->number = ngx_atomic_fetch_add(ngx_connection_counter, 1);
    c->start_time = ngx_current_msec;

    front = ngx_debar_front_add(c, sizeof(ngx_debar_front_t));

    if (front == NULL
        || ngx_stream_debar_inner_addresses(c, s->connection, front) != NGX_OK
        || ngx_stream_debar_inner_user(s, in, &front->user) != NGX_OK)
    {
        ngx_stream_debar_inner_close(c);
        return NULL;
    }

    /* of the session's pool, which may end before this one */

    if (front->user.len) {
        front->user.data = ngx_pstrdup(c->pool, &front->user);

        if (front->user.data == NULL) {
            ngx_stream_debar_inner_close(c);
            return NULL;
        }
    }

    return c;
}


static ngx_int_t
ngx_stream_debar_inner_addresses(ngx_connection_t *c,
    ngx_connection_t *client, ngx_debar_front_t *front)
{
    if (ngx_connection_local_sockaddr(client, NULL, 0) != NGX_OK) {
        return NGX_ERROR;
    }

    front->local_sockaddr = ngx_palloc(c->pool, client->local_socklen);
    c->sockaddr = ngx_palloc(c->pool, client->socklen);
    c->addr_text.data = ngx_pstrdup(c->pool, &client->addr_text);

    if (front->local_sockaddr == NULL || c->sockaddr == NULL
        || c->addr_text.data == NULL)
    {
        return NGX_ERROR;
    }

    ngx_memcpy(front->local_sockaddr, client->local_sockaddr,
               client->local_socklen);
    ngx_memcpy(c->sockaddr, client->sockaddr, client->socklen);

    c->socklen = client->socklen;
    c->addr_text.len = client->addr_text.len;

    return NGX_OK;
}


/* Nobody, unless the certificate was verified. */

static ngx_int_t
ngx_stream_debar_inner_user(ngx_stream_session_t *s,
    ngx_stream_debar_inner_t *in, ngx_str_t *user)
{
#if (NGX_STREAM_SSL)
    ngx_str_t          verify;
    ngx_connection_t  *c;

    c = s->connection;

    if (in->user == NULL || c->ssl == NULL) {
        return NGX_OK;
    }

    if (ngx_ssl_get_client_verify(c, c->pool, &verify) != NGX_OK) {
        return NGX_ERROR;
    }

    if (verify.len != 7 || ngx_memcmp(verify.data, "SUCCESS", 7) != 0) {
        return NGX_OK;
    }

    if (ngx_stream_complex_value(s, in->user, user) != NGX_OK) {
        return NGX_ERROR;
    }

    if (user->len == 0 || user->len > NGX_DEBAR_USER_NAME) {
        ngx_log_error(NGX_LOG_ERR, c->log, 0,
                      "debar_inner: \"user\" has %uz bytes of a certificate's "
                      "name: from 1 to %d are taken", user->len,
                      NGX_DEBAR_USER_NAME);
        return NGX_ERROR;
    }
#endif

    return NGX_OK;
}


static void
ngx_stream_debar_inner_close(ngx_connection_t *c)
{
    ngx_pool_t  *pool;

    pool = c->pool;

    ngx_close_connection(c);

    if (pool) {
        ngx_destroy_pool(pool);
    }

#if (NGX_STAT_STUB)
    (void) ngx_atomic_fetch_add(ngx_stat_active, -1);
#endif
}


char *
ngx_stream_debar_inner(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t                           *value, name;
    ngx_uint_t                           i;
    ngx_stream_debar_inner_t            *in;
    ngx_stream_upstream_server_t        *us;
    ngx_stream_upstream_srv_conf_t      *uscf;
    ngx_stream_compile_complex_value_t   ccv;

    uscf = ngx_stream_conf_get_module_srv_conf(cf, ngx_stream_upstream_module);

    if (uscf->peer.init_upstream || uscf->servers->nelts) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"debar_inner\" must stand alone in an upstream "
                           "block");
        return NGX_CONF_ERROR;
    }

    in = ngx_pcalloc(cf->pool, sizeof(ngx_stream_debar_inner_t));
    us = ngx_array_push(uscf->servers);

    if (in == NULL || us == NULL) {
        return NGX_CONF_ERROR;
    }

    uscf->peer.init_upstream = ngx_stream_debar_inner_init_upstream;
    uscf->peer.data = in;

    /* a block without a server is refused by nginx */

    ngx_memzero(us, sizeof(ngx_stream_upstream_server_t));
    us->name = ngx_stream_debar_inner_name;
    us->down = 1;

    value = cf->args->elts;
    ngx_str_null(&name);

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_strncmp(value[i].data, "front=", 6) == 0 && name.len == 0) {
            name.data = value[i].data + 6;
            name.len = value[i].len - 6;
            continue;
        }

        if (ngx_strncmp(value[i].data, "user=", 5) == 0 && in->user == NULL) {
            in->user = ngx_pcalloc(cf->pool,
                                   sizeof(ngx_stream_complex_value_t));
            if (in->user == NULL) {
                return NGX_CONF_ERROR;
            }

            value[i].data += 5;
            value[i].len -= 5;

            ngx_memzero(&ccv, sizeof(ngx_stream_compile_complex_value_t));

            ccv.cf = cf;
            ccv.value = &value[i];
            ccv.complex_value = in->user;

            if (ngx_stream_compile_complex_value(&ccv) != NGX_OK) {
                return NGX_CONF_ERROR;
            }

            continue;
        }

        name.len = 0;
        break;
    }

    if (name.len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"debar_inner\" takes front=NAME, of a server with "
                           "\"listen unix:" NGX_DEBAR_FRONT_PREFIX "NAME\" and "
                           "a debar_front, and user=VALUE");
        return NGX_CONF_ERROR;
    }

    return ngx_debar_front_target(cf, &name, ngx_stream_init_connection, 0,
                                  &in->front)
           == NGX_OK ? NGX_CONF_OK : NGX_CONF_ERROR;
}


static ngx_int_t
ngx_stream_debar_inner_init_upstream(ngx_conf_t *cf,
    ngx_stream_upstream_srv_conf_t *us)
{
    if (us->servers->nelts != 1) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"server\" and \"debar_inner\" exclude each other in "
                      "upstream \"%V\" in %s:%ui",
                      &us->host, us->file_name, us->line);
        return NGX_ERROR;
    }

    us->peer.init = ngx_stream_debar_inner_init_peer;

    return NGX_OK;
}
