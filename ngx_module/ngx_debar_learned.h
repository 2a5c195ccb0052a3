/*
 * Hosts that turned out not to be inspected: their origin demanded a client
 * certificate, which only the client has.  Shared by all workers, bounded,
 * forgotten after a time; a reload keeps them.
 */

#ifndef _NGX_DEBAR_LEARNED_H_INCLUDED_
#define _NGX_DEBAR_LEARNED_H_INCLUDED_


#include "ngx_debar.h"


#define NGX_DEBAR_LEARNED_MAX   1024     /* the oldest goes first */
#define NGX_DEBAR_LEARNED_TIME  3600     /* s */


/* At configuration; once a cycle, whatever the number of calls.  NULL: said. */

ngx_shm_zone_t *ngx_debar_learned_zone(ngx_conf_t *cf);

void ngx_debar_learn(ngx_shm_zone_t *zone, const debar_host_t *host,
    in_port_t port);

/* True while the host is to be spliced. */

ngx_uint_t ngx_debar_learned(ngx_shm_zone_t *zone, const debar_host_t *host,
    in_port_t port);


#endif /* _NGX_DEBAR_LEARNED_H_INCLUDED_ */
