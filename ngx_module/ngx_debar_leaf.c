/*
 * Leaf certificates of a worker.
 */

#include "ngx_debar_leaf.h"


ngx_int_t
ngx_debar_leaf_get(ngx_debar_leaf_ask_t *ask)
{
    ask->rc = NGX_ERROR;
    ask->error = "there is no signer";

    return NGX_ERROR;
}


void
ngx_debar_leaf_cancel(ngx_debar_leaf_ask_t *ask)
{
}


void
ngx_debar_leaf_free(ngx_debar_leaf_t *leaf)
{
}


#if (NGX_SSL)

ngx_int_t
ngx_debar_leaf_use(ngx_debar_leaf_t *leaf, ngx_ssl_conn_t *ssl)
{
    return NGX_ERROR;
}

#endif


char *
ngx_debar_leaves_directive(ngx_conf_t *cf, ngx_debar_leaves_t **lp)
{
    return "is not there yet";
}


ngx_int_t
ngx_debar_leaves_init_worker(ngx_cycle_t *cycle, ngx_debar_leaves_t *leaves)
{
    return NGX_OK;
}
