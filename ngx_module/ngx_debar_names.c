
/*
 * The cache of names: a hash under a secret, bounded by an LRU, and the marks
 * that requests leave on addresses.
 */


#include "ngx_debar_names.h"
#include "ngx_debar_parent.h"
#include "ngx_debar_hash.h"


#define NGX_DEBAR_NAMES_MAX  10000
#define NGX_DEBAR_DOWN_TIME  10          /* s */


static ngx_debar_known_t *ngx_debar_name_known(ngx_debar_resolve_t *rs,
    const uint8_t addr[16], ngx_debar_name_t **ep);
static void ngx_debar_name_evict(ngx_debar_names_t *names,
    ngx_debar_name_t *e);
static void ngx_debar_names_cleanup(void *data);


void
ngx_debar_resolve_mark_clean(ngx_debar_resolve_t *rs, ngx_uint_t i,
    ngx_uint_t generation)
{
    ngx_debar_name_t   *e;
    ngx_debar_known_t  *k;

    rs->addrs[i].clean = generation;

    k = ngx_debar_name_known(rs, rs->addrs[i].addr, &e);

    if (k != NULL) {
        k->clean = generation;
    }
}


void
ngx_debar_resolve_mark_failed(ngx_debar_resolve_t *rs,
    const uint8_t addr[16])
{
    ngx_debar_name_t   *e;
    ngx_debar_known_t  *k;

    if (rs->parent != NULL) {
        ngx_debar_parent_failed(rs->parent, addr);
        return;
    }

    k = ngx_debar_name_known(rs, addr, &e);

    if (k != NULL) {
        k->down = ngx_time() + NGX_DEBAR_DOWN_TIME;
        e->down = k->down;
    }
}


/* Looked up again, since the name may have been evicted or resolved anew. */

static ngx_debar_known_t *
ngx_debar_name_known(ngx_debar_resolve_t *rs, const uint8_t addr[16],
    ngx_debar_name_t **ep)
{
    uint64_t           hash;
    ngx_uint_t         i;
    ngx_debar_name_t  *e;

    if (rs->names == NULL || rs->host == NULL) {
        return NULL;
    }

    hash = ngx_debar_seeded_hash(rs->names->seed, rs->host->name,
                                 rs->host->len);

    e = ngx_debar_name_find(rs, hash);

    if (e == NULL) {
        return NULL;
    }

    for (i = 0; i < e->naddrs; i++) {
        if (ngx_memcmp(e->addrs[i].addr, addr, 16) == 0) {
            *ep = e;
            return &e->addrs[i];
        }
    }

    return NULL;
}


ngx_debar_name_t *
ngx_debar_name_find(ngx_debar_resolve_t *rs, uint64_t hash)
{
    ngx_resolver_t    *resolver;
    ngx_debar_name_t  *e;

    resolver = (rs->host->type == DEBAR_HOST_ADDRESS) ? NULL : rs->resolver;

    for (e = rs->names->buckets[hash & rs->names->mask]; e; e = e->next) {
        if (e->hash == hash
            && e->resolver == resolver
            && e->len == rs->host->len
            && ngx_memcmp(e->name, rs->host->name, e->len) == 0)
        {
            return e;
        }
    }

    return NULL;
}


ngx_debar_name_t *
ngx_debar_name_add(ngx_debar_resolve_t *rs, uint64_t hash)
{
    ngx_queue_t        *q;
    ngx_debar_name_t   *e, **bucket;
    ngx_debar_names_t  *names;

    names = rs->names;

    if (rs->host->len == 0 || rs->host->len > DEBAR_MAX_HOST) {
        return NULL;
    }

    if (names->n >= names->max) {
        if (ngx_queue_empty(&names->lru)) {
            return NULL;
        }

        q = ngx_queue_last(&names->lru);
        ngx_debar_name_evict(names, ngx_queue_data(q, ngx_debar_name_t, queue));
    }

    e = ngx_alloc(offsetof(ngx_debar_name_t, name) + rs->host->len, rs->log);
    if (e == NULL) {
        return NULL;
    }

    ngx_memzero(e, offsetof(ngx_debar_name_t, name));

    e->names = names;
    e->hash = hash;
    e->resolver = (rs->host->type == DEBAR_HOST_ADDRESS) ? NULL : rs->resolver;
    e->len = (u_char) rs->host->len;
    ngx_memcpy(e->name, rs->host->name, rs->host->len);
    ngx_queue_init(&e->waiting);

    bucket = &names->buckets[hash & names->mask];
    e->next = *bucket;
    *bucket = e;
    names->n++;

    return e;
}


static void
ngx_debar_name_evict(ngx_debar_names_t *names, ngx_debar_name_t *e)
{
    ngx_debar_name_t  **p;

    ngx_queue_remove(&e->queue);

    for (p = &names->buckets[e->hash & names->mask]; *p != e;
         p = &(*p)->next)
    {
        /* void */
    }

    *p = e->next;
    names->n--;

    if (e->addrs != NULL) {
        ngx_free(e->addrs);
    }

    ngx_free(e);
}


ngx_debar_names_t *
ngx_debar_names_create(ngx_pool_t *pool, ngx_uint_t max)
{
    ngx_uint_t           n;
    ngx_debar_names_t   *names;
    ngx_pool_cleanup_t  *cln;

    names = ngx_pcalloc(pool, sizeof(ngx_debar_names_t));
    if (names == NULL) {
        return NULL;
    }

    names->max = max ? max : NGX_DEBAR_NAMES_MAX;

    for (n = 64; n < names->max; n *= 2) { /* void */ }

    names->mask = n - 1;
    names->buckets = ngx_pcalloc(pool, n * sizeof(ngx_debar_name_t *));
    if (names->buckets == NULL) {
        return NULL;
    }

    ngx_queue_init(&names->lru);
    ngx_debar_seed(names->seed);

    cln = ngx_pool_cleanup_add(pool, 0);
    if (cln == NULL) {
        return NULL;
    }

    cln->handler = ngx_debar_names_cleanup;
    cln->data = names;

    return names;
}


static void
ngx_debar_names_cleanup(void *data)
{
    ngx_debar_names_t  *names = data;

    ngx_uint_t         i;
    ngx_debar_name_t  *e, *next;

    /* contexts of names under way are the resolver's, in this same pool */

    for (i = 0; i <= names->mask; i++) {
        for (e = names->buckets[i]; e; e = next) {
            next = e->next;

            if (e->addrs != NULL) {
                ngx_free(e->addrs);
            }

            ngx_free(e);
        }

        names->buckets[i] = NULL;
    }
}
