/*
 * The parent proxy: "debar_parent HOST:PORT|off [credentials=FILE]
 * [resolve=on|off]" in http and stream.  A gateway that may not reach the world
 * itself sends to it what it has judged.
 */

#ifndef _NGX_DEBAR_PARENT_H_INCLUDED_
#define _NGX_DEBAR_PARENT_H_INCLUDED_


#include "ngx_debar.h"


#define NGX_DEBAR_PARENT_DETAIL  96


struct ngx_debar_parent_s {
    ngx_str_t             name;          /* as it was configured */
    ngx_debar_addr_t     *addrs;         /* resolved at configuration; never
                                            special */
    ngx_uint_t            naddrs;
    ngx_uint_t            first;         /* that is tried first: a worker's
                                            own, the next one when it fails */
    ngx_uint_t            resolve;       /* names are resolved here as well */
    ngx_str_t             authorization; /* "Basic ...", or empty; said to the
                                            parent and to nobody else */
};


/* *pp is NULL for off.  NGX_CONF_ERROR: it was said why. */

char *ngx_debar_parent_directive(ngx_conf_t *cf, ngx_debar_parent_t **pp);

/* Is host left to the parent to resolve?  (parent may be NULL) */

ngx_uint_t ngx_debar_parent_resolves(ngx_debar_parent_t *parent,
    const debar_host_t *host);

/* From here on rs->addrs are the parent's.  NGX_ERROR: no memory. */

ngx_int_t ngx_debar_parent_pin(ngx_debar_resolve_t *rs);

/* addr is of the parent, and took no connection. */

void ngx_debar_parent_failed(ngx_debar_parent_t *parent,
    const uint8_t addr[16]);

/* "host:port", an IPv6 literal in brackets; without a port of 80 where that is
 * the default.  p: NGX_DEBAR_PARENT_AUTHORITY bytes; returns the end. */

#define NGX_DEBAR_PARENT_AUTHORITY  (DEBAR_MAX_HOST + 3 + sizeof("[]:65535"))

u_char *ngx_debar_parent_authority(u_char *p, const debar_host_t *host,
    in_port_t port, in_port_t standard);


/* Static text: what a 407 of the parent means. */

const char *ngx_debar_parent_challenged(ngx_debar_parent_t *parent);


/*
 * A CONNECT on a connection to the parent that is made or under way.  Until the
 * handler is called, the connection's data and handlers are those of this; its
 * timers are the caller's, and a write event that has timed out is a failure.
 * Bytes behind the answer's head stay in the socket.
 *
 * The handler is called once, and never from ngx_debar_parent_ask().  Whoever
 * closes the connection before gives up asking.
 */

typedef struct ngx_debar_parent_ask_s  ngx_debar_parent_ask_t;

struct ngx_debar_parent_ask_s {
    /* set by the caller */
    ngx_debar_parent_t   *parent;
    ngx_connection_t     *connection;
    ngx_pool_t           *pool;
    const debar_host_t   *host;
    in_port_t             port;
    void                (*handler)(ngx_debar_parent_ask_t *ask);
    void                 *data;

    /* when the handler is called */
    ngx_int_t             rc;            /* NGX_OK: the tunnel is open;
                                            NGX_DECLINED: the parent said no;
                                            NGX_ERROR: it was not reached or
                                            did not answer */
    const char           *fault;         /* static text, where rc is not OK */
    u_char                detail[NGX_DEBAR_PARENT_DETAIL];
                                         /* "403 Forbidden"; or empty;
                                            NUL-terminated, printable ASCII */

    /* its own */
    u_char               *pos;
    u_char               *last;
    unsigned              connected:1;
};

/* NGX_ERROR: no memory, or the event could not be armed. */

ngx_int_t ngx_debar_parent_ask(ngx_debar_parent_ask_t *ask);


#endif /* _NGX_DEBAR_PARENT_H_INCLUDED_ */
