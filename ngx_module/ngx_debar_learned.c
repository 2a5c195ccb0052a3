/*
 * Hosts that turned out not to be inspected.
 */

#include "ngx_debar_learned.h"


ngx_shm_zone_t *
ngx_debar_learned_zone(ngx_conf_t *cf)
{
    return NULL;
}


void
ngx_debar_learn(ngx_shm_zone_t *zone, const debar_host_t *host, in_port_t port)
{
}


ngx_uint_t
ngx_debar_learned(ngx_shm_zone_t *zone, const debar_host_t *host,
    in_port_t port)
{
    return 0;
}
