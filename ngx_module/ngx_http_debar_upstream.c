
/*
 * upstream NAME { debar_pin [keepalive=N] [idle=TIME] [requests=N]; }
 *
 * Dials the addresses that were pinned to the request when they were checked,
 * in turn, and no others.  Idle connections are kept for whoever is next to
 * dial the same address and port, whatever the name: plain HTTP knows no
 * other identity of a peer.  TLS does, so its connections are not kept here.
 *
 * Idle connections to one peer hang on one object, found by its sockaddr in a
 * hash; all of them are also in one LRU, whose end gives way when it is full.
 */


#include "ngx_http_debar.h"
#include "ngx_debar_compat.h"
#include "ngx_debar_hash.h"


#define NGX_HTTP_DEBAR_PIN_KEEPALIVE  1024
#define NGX_HTTP_DEBAR_PIN_MAX        65536
#define NGX_HTTP_DEBAR_PIN_IDLE       60000        /* ms */
#define NGX_HTTP_DEBAR_PIN_REQUESTS   1000
#define NGX_HTTP_DEBAR_PIN_AGE        3600000      /* ms, as keepalive_time */


typedef struct {
    socklen_t                   socklen;
    union {
        struct sockaddr         sockaddr;
        struct sockaddr_in      sin;
#if (NGX_HAVE_INET6)
        struct sockaddr_in6     sin6;
#endif
    } u;
} ngx_http_debar_pin_key_t;


typedef struct {                         /* one with idle connections */
    ngx_queue_t                 queue;   /* in its bucket, or free */
    ngx_queue_t                 idle;    /* of ngx_http_debar_idle_t */
    uint64_t                    hash;
    ngx_http_debar_pin_key_t    key;
} ngx_http_debar_pin_peer_t;


typedef struct {
    ngx_uint_t                  keepalive;
    ngx_uint_t                  requests;
    ngx_msec_t                  idle;

    ngx_queue_t                *buckets; /* of ngx_http_debar_pin_peer_t */
    ngx_uint_t                  mask;
    uint64_t                    seed[2];

    ngx_queue_t                 lru;     /* of ngx_http_debar_idle_t */
    ngx_queue_t                 free_idle;
    ngx_queue_t                 free_peers;
} ngx_http_debar_pin_conf_t;


typedef struct {                         /* an idle connection */
    ngx_queue_t                 queue;   /* of its peer, newest first */
    ngx_queue_t                 lru;     /* of all, or free */
    ngx_http_debar_pin_conf_t  *conf;
    ngx_http_debar_pin_peer_t  *peer;
    ngx_connection_t           *connection;
} ngx_http_debar_idle_t;


typedef struct {                         /* of a request */
    ngx_http_debar_pin_conf_t  *conf;
    ngx_http_debar_ctx_t       *ctx;
    ngx_http_upstream_t        *upstream;
    uint64_t                    hash;
    ngx_uint_t                  next;
    ngx_uint_t                  fresh;   /* an idle connection was stale */
} ngx_http_debar_pin_data_t;


static ngx_int_t ngx_http_debar_pin_init_peer(ngx_http_request_t *r,
    ngx_http_upstream_srv_conf_t *us);
static ngx_int_t ngx_http_debar_pin_get(ngx_peer_connection_t *pc, void *data);
static void ngx_http_debar_pin_free(ngx_peer_connection_t *pc, void *data,
    ngx_uint_t state);
static ngx_uint_t ngx_http_debar_pin_stale(ngx_peer_connection_t *pc,
    ngx_http_debar_pin_data_t *pd);
static ngx_uint_t ngx_http_debar_pin_keepable(ngx_peer_connection_t *pc,
    ngx_http_debar_pin_data_t *pd, ngx_uint_t state);
static void ngx_http_debar_pin_keep(ngx_peer_connection_t *pc,
    ngx_http_debar_pin_data_t *pd);

static ngx_http_debar_pin_peer_t *ngx_http_debar_pin_find(
    ngx_http_debar_pin_conf_t *pcf, uint64_t hash,
    struct sockaddr *sockaddr, socklen_t socklen);
static void ngx_http_debar_idle_remove(ngx_http_debar_idle_t *idle);
static void ngx_http_debar_idle_dummy_handler(ngx_event_t *ev);
static void ngx_http_debar_idle_read_handler(ngx_event_t *ev);
static void ngx_http_debar_idle_close(ngx_connection_t *c);

#if (NGX_HTTP_SSL)
static ngx_int_t ngx_http_debar_pin_set_session(ngx_peer_connection_t *pc,
    void *data);
static void ngx_http_debar_pin_save_session(ngx_peer_connection_t *pc,
    void *data);
#endif

static ngx_int_t ngx_http_debar_pin_init_upstream(ngx_conf_t *cf,
    ngx_http_upstream_srv_conf_t *us);
static char *ngx_http_debar_pin_no_stock(ngx_conf_t *cf);


static ngx_int_t
ngx_http_debar_pin_init_peer(ngx_http_request_t *r,
    ngx_http_upstream_srv_conf_t *us)
{
    ngx_uint_t                  i, n;
    ngx_http_upstream_t        *u;
    ngx_http_debar_ctx_t       *ctx;
    ngx_http_debar_pin_data_t  *pd;

    ctx = ngx_http_debar_get_ctx(r);

    if (ctx == NULL || ctx->naddrs == 0) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "debar_pin: no address was checked and pinned for this "
                      "request; \"debar on\" must hold in the location that "
                      "passes to upstream \"%V\"", &us->host);
        return NGX_ERROR;
    }

    n = 0;

    for (i = 0; i < ctx->naddrs; i++) {
        n += (ctx->addrs[i].special == NULL);
    }

    if (n == 0) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "debar_pin: %V is %s and not to be dialled; "
                      "\"debar_allow_destination\" allows ranges",
                      &ctx->addrs[0].text, ctx->addrs[0].special);
        return NGX_ERROR;
    }

    pd = ngx_palloc(r->pool, sizeof(ngx_http_debar_pin_data_t));
    if (pd == NULL) {
        return NGX_ERROR;
    }

    u = r->upstream;

    pd->conf = us->peer.data;
    pd->ctx = ctx;
    pd->upstream = u;
    pd->next = 0;
    pd->fresh = 0;

    u->peer.data = pd;
    u->peer.get = ngx_http_debar_pin_get;
    u->peer.free = ngx_http_debar_pin_free;
    u->peer.tries = n;

#if (NGX_HTTP_SSL)
    u->peer.set_session = ngx_http_debar_pin_set_session;
    u->peer.save_session = ngx_http_debar_pin_save_session;
#endif

    return NGX_OK;
}


static ngx_int_t
ngx_http_debar_pin_get(ngx_peer_connection_t *pc, void *data)
{
    ngx_http_debar_pin_data_t  *pd = data;

    ngx_queue_t                *q;
    ngx_connection_t           *c;
    ngx_debar_addr_t           *addr;
    ngx_http_debar_ctx_t       *ctx;
    ngx_http_debar_idle_t      *idle;
    ngx_http_debar_pin_peer_t  *peer;

    ctx = pd->ctx;

    /* at least one may be dialled: see init_peer */

    while (ctx->addrs[pd->next].special != NULL) {
        pd->next = (pd->next + 1) % ctx->naddrs;
    }

    ctx->current = pd->next;
    addr = &ctx->addrs[pd->next];

    pc->cached = 0;
    pc->connection = NULL;

    pc->sockaddr = addr->sockaddr;
    pc->socklen = addr->socklen;
    pc->name = &addr->text;

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, pc->log, 0,
                   "debar pin: %V, tries left %ui", pc->name, pc->tries);

    pd->hash = ngx_debar_seeded_hash(pd->conf->seed, pc->sockaddr,
                                     pc->socklen);

#if (NGX_HTTP_SSL)
    if (pd->upstream->ssl) {
        return NGX_OK;
    }
#endif

    if (pd->fresh) {
        return NGX_OK;
    }

    peer = ngx_http_debar_pin_find(pd->conf, pd->hash, pc->sockaddr,
                                   pc->socklen);
    if (peer == NULL) {
        return NGX_OK;
    }

    q = ngx_queue_head(&peer->idle);
    idle = ngx_queue_data(q, ngx_http_debar_idle_t, queue);

    c = idle->connection;

    ngx_http_debar_idle_remove(idle);

    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, pc->log, 0,
                   "debar pin: using idle connection %p", c);

    ngx_reusable_connection(c, 0);

    c->idle = 0;
    c->sent = 0;
    c->data = NULL;
    c->log = pc->log;
    c->read->log = pc->log;
    c->write->log = pc->log;
    c->pool->log = pc->log;

    if (c->read->timer_set) {
        ngx_del_timer(c->read);
    }

    pc->connection = c;
    pc->cached = 1;

    return NGX_DONE;
}


static void
ngx_http_debar_pin_free(ngx_peer_connection_t *pc, void *data,
    ngx_uint_t state)
{
    ngx_http_debar_pin_data_t  *pd = data;

    if (ngx_http_debar_pin_keepable(pc, pd, state)) {
        ngx_http_debar_pin_keep(pc, pd);
    }

    if (state & (NGX_PEER_FAILED|NGX_PEER_NEXT)) {

        if (ngx_http_debar_pin_stale(pc, pd)) {

            /* the upstream gives the try back; the same peer, dialled anew */

            pd->fresh = 1;

        } else {
            if ((state & NGX_PEER_FAILED)
                && pd->upstream->buffer.last == pd->upstream->buffer.pos)
            {
                ngx_debar_resolve_mark_failed(&pd->ctx->resolve,
                                          pd->ctx->addrs[pd->next].addr);
            }

            pd->fresh = 0;
            pd->next = (pd->next + 1) % pd->ctx->naddrs;
        }
    }

    if (pc->tries) {
        pc->tries--;
    }
}


/* An idle connection that its peer had closed, seen only when it was used. */

static ngx_uint_t
ngx_http_debar_pin_stale(ngx_peer_connection_t *pc,
    ngx_http_debar_pin_data_t *pd)
{
    ngx_connection_t  *c;

    c = pc->connection;

    return pc->cached
           && c != NULL
           && !c->read->timedout
           && !c->write->timedout
           && pd->upstream->buffer.last == pd->upstream->buffer.pos;
}


static ngx_uint_t
ngx_http_debar_pin_keepable(ngx_peer_connection_t *pc,
    ngx_http_debar_pin_data_t *pd, ngx_uint_t state)
{
    ngx_connection_t     *c;
    ngx_http_upstream_t  *u;

    c = pc->connection;
    u = pd->upstream;

    if (pd->conf->keepalive == 0
        || state & NGX_PEER_FAILED
        || c == NULL
        || c->read->eof
        || c->read->error
        || c->read->timedout
        || c->write->error
        || c->write->timedout)
    {
        return 0;
    }

#if (NGX_HTTP_SSL)
    if (c->ssl || u->ssl) {
        return 0;
    }
#endif

    if (!u->keepalive
        || !u->request_body_sent
        || c->requests >= pd->conf->requests
        || ngx_current_msec - c->start_time > NGX_HTTP_DEBAR_PIN_AGE
        || ngx_terminate
        || ngx_exiting)
    {
        return 0;
    }

    return ngx_handle_read_event(c->read, 0) == NGX_OK;
}


static void
ngx_http_debar_pin_keep(ngx_peer_connection_t *pc,
    ngx_http_debar_pin_data_t *pd)
{
    ngx_queue_t                *q;
    ngx_connection_t           *c, *oldest;
    ngx_http_debar_idle_t      *idle;
    ngx_http_debar_pin_conf_t  *pcf;
    ngx_http_debar_pin_peer_t  *peer;

    c = pc->connection;
    pcf = pd->conf;

    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, pc->log, 0,
                   "debar pin: keeping connection %p", c);

    if (ngx_queue_empty(&pcf->free_idle)) {
        q = ngx_queue_last(&pcf->lru);
        idle = ngx_queue_data(q, ngx_http_debar_idle_t, lru);
        oldest = idle->connection;

        ngx_http_debar_idle_remove(idle);
        ngx_http_debar_idle_close(oldest);
    }

    q = ngx_queue_head(&pcf->free_idle);
    ngx_queue_remove(q);
    idle = ngx_queue_data(q, ngx_http_debar_idle_t, lru);

    peer = ngx_http_debar_pin_find(pcf, pd->hash, pc->sockaddr, pc->socklen);

    if (peer == NULL) {

        /* there are as many peers as idle connections, so one is free */

        q = ngx_queue_head(&pcf->free_peers);
        ngx_queue_remove(q);
        peer = ngx_queue_data(q, ngx_http_debar_pin_peer_t, queue);

        peer->hash = pd->hash;
        peer->key.socklen = pc->socklen;
        ngx_memcpy(&peer->key.u, pc->sockaddr, pc->socklen);
        ngx_queue_init(&peer->idle);

        ngx_queue_insert_head(&pcf->buckets[pd->hash & pcf->mask],
                              &peer->queue);
    }

    idle->peer = peer;
    idle->connection = c;

    ngx_queue_insert_head(&peer->idle, &idle->queue);
    ngx_queue_insert_head(&pcf->lru, &idle->lru);

    pc->connection = NULL;

    c->read->delayed = 0;
    ngx_add_timer(c->read, pcf->idle);

    if (c->write->timer_set) {
        ngx_del_timer(c->write);
    }

    c->write->handler = ngx_http_debar_idle_dummy_handler;
    c->read->handler = ngx_http_debar_idle_read_handler;

    c->data = idle;
    c->idle = 1;
    c->log = ngx_cycle->log;
    c->read->log = ngx_cycle->log;
    c->write->log = ngx_cycle->log;
    c->pool->log = ngx_cycle->log;

    /* gives way, as idle clients do, where worker_connections run out */

    ngx_reusable_connection(c, 1);

    if (c->read->ready) {
        ngx_http_debar_idle_read_handler(c->read);
    }
}


static ngx_http_debar_pin_peer_t *
ngx_http_debar_pin_find(ngx_http_debar_pin_conf_t *pcf, uint64_t hash,
    struct sockaddr *sockaddr, socklen_t socklen)
{
    ngx_queue_t                *q, *bucket;
    ngx_http_debar_pin_peer_t  *peer;

    bucket = &pcf->buckets[hash & pcf->mask];

    for (q = ngx_queue_head(bucket);
         q != ngx_queue_sentinel(bucket);
         q = ngx_queue_next(q))
    {
        peer = ngx_queue_data(q, ngx_http_debar_pin_peer_t, queue);

        if (peer->hash == hash
            && peer->key.socklen == socklen
            && ngx_memcmp(&peer->key.u, sockaddr, socklen) == 0)
        {
            return peer;
        }
    }

    return NULL;
}


/* Takes it out of all queues; the connection is the caller's. */

static void
ngx_http_debar_idle_remove(ngx_http_debar_idle_t *idle)
{
    ngx_http_debar_pin_conf_t  *pcf;
    ngx_http_debar_pin_peer_t  *peer;

    pcf = idle->conf;
    peer = idle->peer;

    ngx_queue_remove(&idle->queue);
    ngx_queue_remove(&idle->lru);

    idle->connection = NULL;
    ngx_queue_insert_head(&pcf->free_idle, &idle->lru);

    if (ngx_queue_empty(&peer->idle)) {
        ngx_queue_remove(&peer->queue);
        ngx_queue_insert_head(&pcf->free_peers, &peer->queue);
    }
}


static void
ngx_http_debar_idle_dummy_handler(ngx_event_t *ev)
{
    ngx_log_debug0(NGX_LOG_DEBUG_HTTP, ev->log, 0,
                   "debar pin: dummy handler");
}


/* The peer closed it, or sent what nobody asked for, or its time is over. */

static void
ngx_http_debar_idle_read_handler(ngx_event_t *ev)
{
    int                n;
    char               buf[1];
    ngx_connection_t  *c;

    c = ev->data;

    if (!c->close && !c->read->timedout) {

        n = recv(c->fd, buf, 1, MSG_PEEK);

        if (n == -1 && ngx_socket_errno == NGX_EAGAIN) {
            ev->ready = 0;

            if (ngx_handle_read_event(c->read, 0) == NGX_OK) {
                return;
            }
        }
    }

    ngx_http_debar_idle_remove(c->data);
    ngx_http_debar_idle_close(c);
}


static void
ngx_http_debar_idle_close(ngx_connection_t *c)
{
    ngx_destroy_pool(c->pool);
    ngx_close_connection(c);
}


#if (NGX_HTTP_SSL)

/* Sessions belong to a name; an address alone may not resume one. */

static ngx_int_t
ngx_http_debar_pin_set_session(ngx_peer_connection_t *pc, void *data)
{
    return NGX_OK;
}


static void
ngx_http_debar_pin_save_session(ngx_peer_connection_t *pc, void *data)
{
}

#endif


/* Configuration. */

char *
ngx_http_debar_pin(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_int_t                      n;
    ngx_str_t                     *value, s;
    ngx_uint_t                     i;
    ngx_http_debar_pin_conf_t     *pcf;
    ngx_http_upstream_server_t    *us;
    ngx_http_upstream_srv_conf_t  *uscf;

    uscf = ngx_http_conf_get_module_srv_conf(cf, ngx_http_upstream_module);

    if (uscf->peer.init_upstream == ngx_http_debar_pin_init_upstream) {
        return "is duplicate";
    }

    if (uscf->peer.init_upstream != NULL || uscf->servers->nelts != 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"debar_pin\" must stand alone in an upstream "
                           "block: the addresses are those of the request, "
                           "and there is no other method to choose one");
        return NGX_CONF_ERROR;
    }

    pcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_debar_pin_conf_t));
    if (pcf == NULL) {
        return NGX_CONF_ERROR;
    }

    pcf->keepalive = NGX_HTTP_DEBAR_PIN_KEEPALIVE;
    pcf->idle = NGX_HTTP_DEBAR_PIN_IDLE;
    pcf->requests = NGX_HTTP_DEBAR_PIN_REQUESTS;

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_strncmp(value[i].data, "keepalive=", 10) == 0) {
            n = ngx_atoi(value[i].data + 10, value[i].len - 10);

            if (n == NGX_ERROR || n > NGX_HTTP_DEBAR_PIN_MAX) {
                goto invalid;
            }

            pcf->keepalive = n;
            continue;
        }

        if (ngx_strncmp(value[i].data, "requests=", 9) == 0) {
            n = ngx_atoi(value[i].data + 9, value[i].len - 9);

            if (n == NGX_ERROR || n == 0) {
                goto invalid;
            }

            pcf->requests = n;
            continue;
        }

        if (ngx_strncmp(value[i].data, "idle=", 5) == 0) {
            s.data = value[i].data + 5;
            s.len = value[i].len - 5;
            n = ngx_parse_time(&s, 0);

            if (n == NGX_ERROR || n == 0) {
                goto invalid;
            }

            pcf->idle = n;
            continue;
        }

        goto invalid;
    }

    /* a block without servers is refused; this one is never looked at */

    us = ngx_array_push(uscf->servers);
    if (us == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(us, sizeof(ngx_http_upstream_server_t));
    ngx_str_set(&us->name, "debar_pin");

    uscf->flags = NGX_HTTP_UPSTREAM_CREATE;
    uscf->peer.init_upstream = ngx_http_debar_pin_init_upstream;
    uscf->peer.data = pcf;

    return ngx_http_debar_pin_no_stock(cf);

invalid:

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid parameter \"%V\" of \"debar_pin\"; it takes "
                       "keepalive=0..%d, idle=TIME and requests=N, from 1",
                       &value[i], NGX_HTTP_DEBAR_PIN_MAX);

    return NGX_CONF_ERROR;
}


static ngx_int_t
ngx_http_debar_pin_init_upstream(ngx_conf_t *cf,
    ngx_http_upstream_srv_conf_t *us)
{
    ngx_uint_t                  i, n;
    ngx_http_debar_idle_t      *idle;
    ngx_http_debar_pin_conf_t  *pcf;
    ngx_http_debar_pin_peer_t  *peers;

    pcf = us->peer.data;

#if (NGX_HTTP_UPSTREAM_ZONE)

    /* a zone copies what it takes for the peers of round robin */

    if (us->shm_zone != NULL) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"zone\" and \"debar_pin\" exclude each other in "
                      "upstream \"%V\" in %s:%ui",
                      &us->host, us->file_name, us->line);
        return NGX_ERROR;
    }

#endif

    if (us->servers->nelts != 1) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"server\" and \"debar_pin\" exclude each other in "
                      "upstream \"%V\" in %s:%ui",
                      &us->host, us->file_name, us->line);
        return NGX_ERROR;
    }

    us->peer.init = ngx_http_debar_pin_init_peer;

    for (n = 16; n < pcf->keepalive; n *= 2) { /* void */ }

    pcf->mask = n - 1;
    pcf->buckets = ngx_palloc(cf->pool, n * sizeof(ngx_queue_t));
    idle = ngx_pcalloc(cf->pool,
                       pcf->keepalive * sizeof(ngx_http_debar_idle_t));
    peers = ngx_pcalloc(cf->pool,
                        pcf->keepalive * sizeof(ngx_http_debar_pin_peer_t));

    if (pcf->buckets == NULL || idle == NULL || peers == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < n; i++) {
        ngx_queue_init(&pcf->buckets[i]);
    }

    ngx_queue_init(&pcf->lru);
    ngx_queue_init(&pcf->free_idle);
    ngx_queue_init(&pcf->free_peers);

    for (i = 0; i < pcf->keepalive; i++) {
        idle[i].conf = pcf;
        ngx_queue_insert_tail(&pcf->free_idle, &idle[i].lru);
        ngx_queue_insert_tail(&pcf->free_peers, &peers[i].queue);
    }

    ngx_debar_seed(pcf->seed);

    return NGX_OK;
}


/* Says "keepalive 0" in this block where the stock module would step in. */

static char *
ngx_http_debar_pin_no_stock(ngx_conf_t *cf)
{
#if (NGX_DEBAR_STOCK_KEEPALIVE_BY_DEFAULT)

    char           *rv;
    void           *conf;
    ngx_str_t      *value;
    ngx_uint_t      i;
    ngx_array_t     args, *saved;
    ngx_module_t   *module;
    ngx_command_t  *cmd;

    if (ngx_array_init(&args, cf->temp_pool, 2, sizeof(ngx_str_t)) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    value = ngx_array_push_n(&args, 2);
    if (value == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_str_set(&value[0], "keepalive");
    ngx_str_set(&value[1], "0");

    for (i = 0; cf->cycle->modules[i]; i++) {
        module = cf->cycle->modules[i];

        if (ngx_strcmp(module->name, "ngx_http_upstream_keepalive_module")
            != 0)
        {
            continue;
        }

        conf = ((ngx_http_conf_ctx_t *) cf->ctx)->srv_conf[module->ctx_index];

        for (cmd = module->commands; cmd->name.len; cmd++) {

            if (cmd->name.len != value[0].len
                || ngx_strncmp(cmd->name.data, value[0].data, value[0].len)
                   != 0)
            {
                continue;
            }

            saved = cf->args;
            cf->args = &args;

            rv = cmd->set(cf, cmd, conf);

            cf->args = saved;

            return (rv == NGX_CONF_OK) ? NGX_CONF_OK
                                       : "must stand alone, without "
                                         "\"keepalive\"";
        }
    }

#endif

    return NGX_CONF_OK;
}
