/*
 * The mark by which a connection's context is found again.
 */

#include "ngx_debar_front.h"


static void ngx_debar_front_cleanup(void *data);


ngx_debar_front_t *
ngx_debar_front_add(ngx_connection_t *c, size_t size)
{
    ngx_pool_cleanup_t  *cln;

    cln = ngx_pool_cleanup_add(c->pool, size);
    if (cln == NULL) {
        return NULL;
    }

    ngx_memzero(cln->data, size);
    cln->handler = ngx_debar_front_cleanup;

    return cln->data;
}


ngx_debar_front_t *
ngx_debar_front_get(ngx_connection_t *c)
{
    ngx_pool_cleanup_t  *cln;

    for (cln = c->pool->cleanup; cln; cln = cln->next) {
        if (cln->handler == ngx_debar_front_cleanup) {
            return cln->data;
        }
    }

    return NULL;
}


static void
ngx_debar_front_cleanup(void *data)
{
    ngx_debar_front_t  *front = data;

    if (front->cleanup) {
        front->cleanup(front);
    }
}
