/*
 * Hosts that turned out not to be inspected: a table in shared memory, found
 * by host and port through a hash, the oldest at the end of a queue.
 */

#include "ngx_debar_learned.h"


#define NGX_DEBAR_LEARNED_ZONE     "ngx_debar_learned_1"
#define NGX_DEBAR_LEARNED_BUCKETS  256   /* a power of two */


typedef struct {
    ngx_queue_t              queue;      /* of all, newest first; or free */
    ngx_queue_t              bucket;
    time_t                   expire;
    in_port_t                port;
    u_short                  len;
    u_char                   name[DEBAR_MAX_HOST + 3];
} ngx_debar_learned_host_t;


typedef struct {
    ngx_queue_t              queue;
    ngx_queue_t              free;
    ngx_queue_t              buckets[NGX_DEBAR_LEARNED_BUCKETS];
    ngx_debar_learned_host_t hosts[NGX_DEBAR_LEARNED_MAX];
} ngx_debar_learned_t;


static ngx_int_t ngx_debar_learned_init(ngx_shm_zone_t *zone, void *data);
static ngx_debar_learned_host_t *ngx_debar_learned_find(
    ngx_debar_learned_t *t, const debar_host_t *host, in_port_t port);
static void ngx_debar_learned_forget(ngx_debar_learned_t *t,
    ngx_debar_learned_host_t *h);
static ngx_queue_t *ngx_debar_learned_bucket(ngx_debar_learned_t *t,
    const debar_host_t *host, in_port_t port);


ngx_shm_zone_t *
ngx_debar_learned_zone(ngx_conf_t *cf)
{
    size_t           size;
    ngx_str_t        name = ngx_string(NGX_DEBAR_LEARNED_ZONE);
    ngx_shm_zone_t  *zone;

    /* the table and what a slab pool needs beside it */

    size = ngx_align(sizeof(ngx_debar_learned_t), ngx_pagesize)
           + 8 * ngx_pagesize;

    /* the tag is the same for whichever module asks, and in every cycle */

    zone = ngx_shared_memory_add(cf, &name, size, &ngx_core_module);
    if (zone == NULL) {
        return NULL;
    }

    zone->init = ngx_debar_learned_init;

    return zone;
}


static ngx_int_t
ngx_debar_learned_init(ngx_shm_zone_t *zone, void *data)
{
    ngx_uint_t            i;
    ngx_slab_pool_t      *shpool;
    ngx_debar_learned_t  *t;

    if (data) {
        zone->data = data;
        return NGX_OK;
    }

    shpool = (ngx_slab_pool_t *) zone->shm.addr;

    if (zone->shm.exists) {
        zone->data = shpool->data;
        return NGX_OK;
    }

    t = ngx_slab_calloc(shpool, sizeof(ngx_debar_learned_t));
    if (t == NULL) {
        return NGX_ERROR;
    }

    ngx_queue_init(&t->queue);
    ngx_queue_init(&t->free);

    for (i = 0; i < NGX_DEBAR_LEARNED_BUCKETS; i++) {
        ngx_queue_init(&t->buckets[i]);
    }

    for (i = 0; i < NGX_DEBAR_LEARNED_MAX; i++) {
        ngx_queue_insert_tail(&t->free, &t->hosts[i].queue);
    }

    shpool->data = t;
    zone->data = t;

    return NGX_OK;
}


void
ngx_debar_learn(ngx_shm_zone_t *zone, const debar_host_t *host, in_port_t port)
{
    ngx_queue_t               *q;
    ngx_slab_pool_t           *shpool;
    ngx_debar_learned_t       *t;
    ngx_debar_learned_host_t  *h;

    if (zone == NULL || host->len == 0 || host->len > sizeof(h->name)) {
        return;
    }

    t = zone->data;
    shpool = (ngx_slab_pool_t *) zone->shm.addr;

    ngx_shmtx_lock(&shpool->mutex);

    h = ngx_debar_learned_find(t, host, port);

    if (h) {
        ngx_debar_learned_forget(t, h);

    } else if (ngx_queue_empty(&t->free)) {
        q = ngx_queue_last(&t->queue);
        h = ngx_queue_data(q, ngx_debar_learned_host_t, queue);
        ngx_debar_learned_forget(t, h);
    }

    q = ngx_queue_head(&t->free);
    h = ngx_queue_data(q, ngx_debar_learned_host_t, queue);

    ngx_queue_remove(&h->queue);

    h->expire = ngx_time() + NGX_DEBAR_LEARNED_TIME;
    h->port = port;
    h->len = host->len;
    ngx_memcpy(h->name, host->name, host->len);

    ngx_queue_insert_head(&t->queue, &h->queue);
    ngx_queue_insert_head(ngx_debar_learned_bucket(t, host, port), &h->bucket);

    ngx_shmtx_unlock(&shpool->mutex);
}


ngx_uint_t
ngx_debar_learned(ngx_shm_zone_t *zone, const debar_host_t *host,
    in_port_t port)
{
    ngx_uint_t                 found;
    ngx_slab_pool_t           *shpool;
    ngx_debar_learned_t       *t;
    ngx_debar_learned_host_t  *h;

    if (zone == NULL || host->len == 0) {
        return 0;
    }

    t = zone->data;
    shpool = (ngx_slab_pool_t *) zone->shm.addr;

    ngx_shmtx_lock(&shpool->mutex);

    h = ngx_debar_learned_find(t, host, port);
    found = (h != NULL);

    if (h && h->expire <= ngx_time()) {
        ngx_debar_learned_forget(t, h);
        found = 0;
    }

    ngx_shmtx_unlock(&shpool->mutex);

    return found;
}


static ngx_debar_learned_host_t *
ngx_debar_learned_find(ngx_debar_learned_t *t, const debar_host_t *host,
    in_port_t port)
{
    ngx_queue_t               *q, *bucket;
    ngx_debar_learned_host_t  *h;

    bucket = ngx_debar_learned_bucket(t, host, port);

    for (q = ngx_queue_head(bucket);
         q != ngx_queue_sentinel(bucket);
         q = ngx_queue_next(q))
    {
        h = ngx_queue_data(q, ngx_debar_learned_host_t, bucket);

        if (h->port == port && h->len == host->len
            && ngx_memcmp(h->name, host->name, host->len) == 0)
        {
            return h;
        }
    }

    return NULL;
}


static void
ngx_debar_learned_forget(ngx_debar_learned_t *t, ngx_debar_learned_host_t *h)
{
    ngx_queue_remove(&h->bucket);
    ngx_queue_remove(&h->queue);
    ngx_queue_insert_head(&t->free, &h->queue);
}


/* At most NGX_DEBAR_LEARNED_MAX hosts: a hash that anyone may know will do. */

static ngx_queue_t *
ngx_debar_learned_bucket(ngx_debar_learned_t *t, const debar_host_t *host,
    in_port_t port)
{
    uint32_t  hash;

    hash = ngx_crc32_short((u_char *) host->name, host->len) ^ port;

    return &t->buckets[hash & (NGX_DEBAR_LEARNED_BUCKETS - 1)];
}
