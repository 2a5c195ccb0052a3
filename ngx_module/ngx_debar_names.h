/*
 * A worker's cache of names, their addresses and what is known of each: the
 * insides of ngx_debar_names_t, for ngx_debar_names.c, which keeps it, and
 * ngx_debar_resolve.c, which fills it.
 *
 * A name is in one of two states.  Under way: the resolver has its context,
 * requests wait in its queue, and it is not in the LRU, so it cannot be
 * evicted.  Known: addresses or an error, until it expires; in the LRU.
 */

#ifndef _NGX_DEBAR_NAMES_H_INCLUDED_
#define _NGX_DEBAR_NAMES_H_INCLUDED_


#include "ngx_debar.h"

#include "host.h"


#define NGX_DEBAR_TEXT_LEN  (sizeof("[]:65535") - 1 + 46)


/* An address and a port, ready to dial: the port that was last asked for. */

typedef struct {
    union {
        struct sockaddr       sockaddr;
        struct sockaddr_in    sin;
#if (NGX_HAVE_INET6)
        struct sockaddr_in6   sin6;
#endif
    } u;
    u_char                    socklen;
    u_char                    len;       /* of text: "192.0.2.1:80" */
    u_char                    text[NGX_DEBAR_TEXT_LEN];
} ngx_debar_dial_t;


typedef struct {
    uint8_t                   addr[16];
    const char               *special;
    ngx_uint_t                clean;
    time_t                    down;      /* not tried first before this time */
    uint32_t                  asn;
    char                      country[4];
    in_port_t                 port;      /* of dial, host byte order; 0: none */
    ngx_debar_dial_t          dial;
} ngx_debar_known_t;


typedef struct ngx_debar_name_s  ngx_debar_name_t;

struct ngx_debar_name_s {
    ngx_debar_name_t         *next;      /* in its bucket */
    ngx_queue_t               queue;     /* LRU; only while known */
    ngx_queue_t               waiting;   /* of ngx_debar_resolve_t */

    ngx_debar_names_t        *names;
    ngx_debar_geo_t          *geo;
    ngx_resolver_t           *resolver;  /* part of the key; NULL: a literal */
    uint64_t                  hash;

    ngx_debar_known_t        *addrs;
    ngx_uint_t                naddrs;
    const char               *error;     /* NULL: addrs hold */

    time_t                    expire;
    time_t                    used;
    time_t                    down;      /* no address is down from then on */

    ngx_msec_t                timeout;

    unsigned                  under_way:1;
    unsigned                  starting:1;
    unsigned                  v4_only:1; /* AAAA is not asked for */

    u_char                    len;
    u_char                    name[DEBAR_MAX_HOST + 1];
};


struct ngx_debar_names_s {
    ngx_debar_name_t        **buckets;
    ngx_uint_t                mask;
    uint64_t                  seed[2];

    ngx_queue_t               lru;       /* of known names, newest first */
    ngx_uint_t                n;
    ngx_uint_t                max;
};


/* The name of rs->host as rs->resolver knows it, or NULL. */

ngx_debar_name_t *ngx_debar_name_find(ngx_debar_resolve_t *rs, uint64_t hash);

/* A new one, in no queue.  NULL: no memory, or every name is under way. */

ngx_debar_name_t *ngx_debar_name_add(ngx_debar_resolve_t *rs, uint64_t hash);


#endif /* _NGX_DEBAR_NAMES_H_INCLUDED_ */
