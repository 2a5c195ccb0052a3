/* A connection to one of the services beside the gateway. */

#include "ngx_debar.h"
#include <sys/un.h>


static ngx_socket_t ngx_debar_unix_socket(ngx_str_t *path, ngx_err_t *err);


ngx_connection_t *
ngx_debar_unix_connect(ngx_str_t *path, ngx_log_t *log, void *data,
    ngx_event_handler_pt read, ngx_event_handler_pt write, ngx_err_t *err)
{
    ngx_int_t          rc;
    ngx_socket_t       fd;
    ngx_connection_t  *c;

    fd = ngx_debar_unix_socket(path, err);

    if (fd == (ngx_socket_t) -1) {
        return NULL;
    }

    *err = 0;

    c = ngx_get_connection(fd, log);

    if (c == NULL) {
        (void) ngx_close_socket(fd);
        return NULL;
    }

    c->data = data;
    c->recv = ngx_recv;
    c->send = ngx_send;
    c->log = log;
    c->log_error = NGX_ERROR_INFO;
    c->number = ngx_atomic_fetch_add(ngx_connection_counter, 1);

    c->read->log = log;
    c->read->handler = read;
    c->write->log = log;
    c->write->handler = write;
    c->write->ready = 1;

    rc = ngx_add_conn ? ngx_add_conn(c) : ngx_handle_read_event(c->read, 0);

    if (rc != NGX_OK) {
        ngx_close_connection(c);
        return NULL;
    }

    return c;
}


static ngx_socket_t
ngx_debar_unix_socket(ngx_str_t *path, ngx_err_t *err)
{
    ngx_socket_t        fd;
    struct sockaddr_un  sun;

    ngx_memzero(&sun, sizeof(struct sockaddr_un));
    sun.sun_family = AF_UNIX;

    if (path->len >= sizeof(sun.sun_path)) {
        *err = ENAMETOOLONG;
        return (ngx_socket_t) -1;
    }

    ngx_memcpy(sun.sun_path, path->data, path->len);

    fd = socket(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC|SOCK_NONBLOCK, 0);

    if (fd == (ngx_socket_t) -1) {
        *err = ngx_socket_errno;
        return fd;
    }

    if (connect(fd, (struct sockaddr *) &sun, sizeof(struct sockaddr_un))
        == -1)
    {
        *err = ngx_socket_errno;
        (void) ngx_close_socket(fd);

        return (ngx_socket_t) -1;
    }

    return fd;
}
