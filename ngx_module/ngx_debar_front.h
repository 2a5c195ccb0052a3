/*
 * The one port: what a front found out about a connection before it handed it
 * on, and the listens that it hands to.
 *
 * The context hangs on the connection's pool as a clean-up entry and is found
 * again by that entry's handler.  Who hands on and who receives are in two
 * .so files: the handler is in the one that is loaded first.
 */

#ifndef _NGX_DEBAR_FRONT_H_INCLUDED_
#define _NGX_DEBAR_FRONT_H_INCLUDED_


#include "ngx_debar.h"
#include "ngx_debar_leaf.h"


typedef struct ngx_debar_front_s  ngx_debar_front_t;

/* How a connection came to the listener that it was handed to. */

#define NGX_DEBAR_FRONT_DIRECT     0     /* as its client made it */
#define NGX_DEBAR_FRONT_TUNNELLED  1     /* plain HTTP inside of a CONNECT */
#define NGX_DEBAR_FRONT_INSPECTED  2     /* TLS inside of a CONNECT, which the
                                            listener ends */

struct ngx_debar_front_s {
    struct sockaddr      *local_sockaddr;    /* that the client connected to, or
                                                NULL: that of the connection */
    ngx_uint_t            kind;

    /* of TUNNELLED and INSPECTED; as long as the connection */

    const debar_host_t   *dial;          /* the host of the CONNECT: it is
                                            resolved and dialled */
    const debar_host_t   *name;          /* whom requests must name: the server
                                            name, else the same as dial */
    in_port_t             port;          /* of the CONNECT, host byte order */
    ngx_str_t             user;          /* proved to this gateway; or empty */

    ngx_debar_leaf_t     *leaf;          /* of INSPECTED: what the listener
                                            shows */

    void                (*cleanup)(ngx_debar_front_t *front);
};


/* size: of a structure that begins with ngx_debar_front_t; zeroed.  cleanup,
 * if set, is called when the connection's pool goes. */

ngx_debar_front_t *ngx_debar_front_add(ngx_connection_t *c, size_t size);

/* NULL: none. */

ngx_debar_front_t *ngx_debar_front_get(ngx_connection_t *c);


/*
 * "listen unix:debar:NAME": taken out of the cycle before sockets are opened,
 * so that nothing is bound and nobody can connect to it.  A front asks at
 * configuration; *ls is set once the whole of it was read, or nginx -t fails.
 * handler: ngx_http_init_connection, whose listen has "ssl" if tls is set, and
 * has not if it is not; or ngx_stream_init_connection.
 * (ngx_debar_front_module.c)
 */

#define NGX_DEBAR_FRONT_PREFIX  "debar:"

ngx_int_t ngx_debar_front_target(ngx_conf_t *cf, ngx_str_t *name,
    ngx_connection_handler_pt handler, ngx_uint_t tls, ngx_listening_t **ls);


#endif /* _NGX_DEBAR_FRONT_H_INCLUDED_ */
