/*
 * The http module's own: its configuration and what hangs on a request.
 */

#ifndef _NGX_HTTP_DEBAR_H_INCLUDED_
#define _NGX_HTTP_DEBAR_H_INCLUDED_


#include <ngx_http.h>
#include "ngx_debar.h"


typedef struct {
    ngx_array_t           lists;         /* of ngx_debar_list_t * */
    ngx_array_t           audits;        /* of ngx_debar_audit_t * */
    ngx_debar_names_t    *names;
    ngx_debar_geo_t      *geo;
    /* H5: counters zone and more */
} ngx_http_debar_main_conf_t;


/* Hangs on a request (module context) from PREACCESS on. */

typedef struct {
    ngx_debar_resolve_t   resolve;
    ngx_debar_addr_t     *addrs;         /* pinned: these and no others are dialled */
    ngx_uint_t            naddrs;
    ngx_uint_t            current;       /* index of the one in use, for $debar_peer */
    debar_verdict_t      *verdict;       /* NULL: a plain pass */
    char                  incident[33];
    ngx_uint_t            done;          /* judged, go on */
    /* H5: more */
} ngx_http_debar_ctx_t;


extern ngx_module_t  ngx_http_debar_module;


/*
 * upstream NAME { debar_pin [keepalive=N] [idle=TIME] [requests=N]; }
 *
 * Dials the addresses pinned in ngx_http_debar_ctx_t, in turn, and keeps idle
 * connections, found by exact sockaddr (address and port) in a hash; bounded
 * LRU.  A request without pinned addresses fails (500): nothing is resolved
 * here.  (ngx_http_debar_upstream.c)
 */

char *ngx_http_debar_pin(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);


#endif /* _NGX_HTTP_DEBAR_H_INCLUDED_ */
