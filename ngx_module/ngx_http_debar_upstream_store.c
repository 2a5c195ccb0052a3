/*
 * Idle connections and TLS sessions of debar_pin.  Both of one peer hang on
 * one object, found by its key in a hash and freed with the last of them; all
 * idle connections are in one LRU, all sessions in another, whose ends give
 * way when they are full.
 */


#include "ngx_http_debar_upstream.h"
#include "ngx_debar_hash.h"


static void ngx_http_debar_store_cleanup(void *data);
static ngx_http_debar_pin_peer_t *ngx_http_debar_store_find(
    ngx_http_debar_pin_conf_t *pcf, ngx_http_debar_pin_key_t *key);
static ngx_http_debar_pin_peer_t *ngx_http_debar_store_peer(
    ngx_http_debar_pin_conf_t *pcf, ngx_http_debar_pin_key_t *key);
static void ngx_http_debar_store_release(ngx_http_debar_pin_peer_t *peer);
static void ngx_http_debar_idle_remove(ngx_http_debar_idle_t *idle);
static void ngx_http_debar_idle_dummy_handler(ngx_event_t *ev);
static void ngx_http_debar_idle_read_handler(ngx_event_t *ev);
static ngx_uint_t ngx_http_debar_idle_silent(ngx_connection_t *c);
static void ngx_http_debar_idle_close(ngx_connection_t *c);

#if (NGX_HTTP_SSL)
static ngx_uint_t ngx_http_debar_session_over(ngx_ssl_session_t *session);
static void ngx_http_debar_session_remove(ngx_http_debar_pin_conf_t *pcf,
    ngx_http_debar_pin_peer_t *peer);
#endif


ngx_int_t
ngx_http_debar_store_init(ngx_conf_t *cf, ngx_http_debar_pin_conf_t *pcf)
{
    ngx_uint_t              i, n;
    ngx_pool_cleanup_t     *cln;
    ngx_http_debar_idle_t  *idle;

    for (n = 16; n < pcf->keepalive + pcf->sessions; n *= 2) { /* void */ }

    pcf->mask = n - 1;
    pcf->buckets = ngx_palloc(cf->pool, n * sizeof(ngx_queue_t));
    idle = ngx_pcalloc(cf->pool,
                       pcf->keepalive * sizeof(ngx_http_debar_idle_t));
    cln = ngx_pool_cleanup_add(cf->pool, 0);

    if (pcf->buckets == NULL || idle == NULL || cln == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < n; i++) {
        ngx_queue_init(&pcf->buckets[i]);
    }

    ngx_queue_init(&pcf->lru);
    ngx_queue_init(&pcf->free_idle);
    ngx_queue_init(&pcf->session_lru);

    for (i = 0; i < pcf->keepalive; i++) {
        idle[i].conf = pcf;
        ngx_queue_insert_tail(&pcf->free_idle, &idle[i].lru);
    }

    ngx_debar_seed(pcf->seed);

    cln->handler = ngx_http_debar_store_cleanup;
    cln->data = pcf;

    return NGX_OK;
}


static void
ngx_http_debar_store_cleanup(void *data)
{
    ngx_http_debar_pin_conf_t  *pcf = data;

    ngx_uint_t                  i;
    ngx_queue_t                *q;
    ngx_http_debar_pin_peer_t  *peer;

    for (i = 0; i <= pcf->mask; i++) {

        while (!ngx_queue_empty(&pcf->buckets[i])) {
            q = ngx_queue_head(&pcf->buckets[i]);
            peer = ngx_queue_data(q, ngx_http_debar_pin_peer_t, queue);

            ngx_queue_remove(q);

#if (NGX_HTTP_SSL)
            if (peer->session) {
                ngx_ssl_free_session(peer->session);
            }
#endif

            ngx_free(peer);
        }
    }
}


ngx_connection_t *
ngx_http_debar_store_idle(ngx_http_debar_pin_conf_t *pcf,
    ngx_http_debar_pin_key_t *key)
{
    ngx_queue_t                *q;
    ngx_http_debar_idle_t      *idle;
    ngx_http_debar_pin_peer_t  *peer;

    peer = ngx_http_debar_store_find(pcf, key);

    if (peer == NULL || ngx_queue_empty(&peer->idle)) {
        return NULL;
    }

    q = ngx_queue_head(&peer->idle);
    idle = ngx_queue_data(q, ngx_http_debar_idle_t, queue);

    return idle->connection;
}


void
ngx_http_debar_store_take(ngx_connection_t *c, ngx_log_t *log)
{
    ngx_http_debar_idle_remove(c->data);

    ngx_reusable_connection(c, 0);

    c->idle = 0;
    c->sent = 0;
    c->data = NULL;
    c->log = log;
    c->read->log = log;
    c->write->log = log;
    c->pool->log = log;

    if (c->read->timer_set) {
        ngx_del_timer(c->read);
    }
}


ngx_int_t
ngx_http_debar_store_keep(ngx_http_debar_pin_conf_t *pcf,
    ngx_http_debar_pin_key_t *key, ngx_connection_t *c)
{
    ngx_queue_t                *q;
    ngx_connection_t           *oldest;
    ngx_http_debar_idle_t      *idle;
    ngx_http_debar_pin_peer_t  *peer;

    if (ngx_queue_empty(&pcf->free_idle)) {
        q = ngx_queue_last(&pcf->lru);
        idle = ngx_queue_data(q, ngx_http_debar_idle_t, lru);
        oldest = idle->connection;

        ngx_http_debar_idle_remove(idle);
        ngx_http_debar_idle_close(oldest);
    }

    peer = ngx_http_debar_store_peer(pcf, key);
    if (peer == NULL) {
        return NGX_DECLINED;
    }

    q = ngx_queue_head(&pcf->free_idle);
    ngx_queue_remove(q);
    idle = ngx_queue_data(q, ngx_http_debar_idle_t, lru);

    idle->peer = peer;
    idle->connection = c;

    ngx_queue_insert_head(&peer->idle, &idle->queue);
    ngx_queue_insert_head(&pcf->lru, &idle->lru);

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

    if (c->read->ready
#if (NGX_HTTP_SSL)
        || (c->ssl && SSL_has_pending(c->ssl->connection))
#endif
       )
    {
        ngx_http_debar_idle_read_handler(c->read);
    }

    return NGX_OK;
}


static ngx_http_debar_pin_peer_t *
ngx_http_debar_store_find(ngx_http_debar_pin_conf_t *pcf,
    ngx_http_debar_pin_key_t *key)
{
    ngx_queue_t                *q, *bucket;
    ngx_http_debar_pin_peer_t  *peer;

    bucket = &pcf->buckets[key->hash & pcf->mask];

    for (q = ngx_queue_head(bucket);
         q != ngx_queue_sentinel(bucket);
         q = ngx_queue_next(q))
    {
        peer = ngx_queue_data(q, ngx_http_debar_pin_peer_t, queue);

        if (peer->hash == key->hash
            && peer->len == key->len
            && ngx_memcmp(peer->key, key->data, key->len) == 0)
        {
            return peer;
        }
    }

    return NULL;
}


/* There are never more than connections and sessions are kept. */

static ngx_http_debar_pin_peer_t *
ngx_http_debar_store_peer(ngx_http_debar_pin_conf_t *pcf,
    ngx_http_debar_pin_key_t *key)
{
    ngx_http_debar_pin_peer_t  *peer;

    peer = ngx_http_debar_store_find(pcf, key);
    if (peer) {
        return peer;
    }

    peer = ngx_alloc(offsetof(ngx_http_debar_pin_peer_t, key) + key->len,
                     ngx_cycle->log);
    if (peer == NULL) {
        return NULL;
    }

    peer->session = NULL;
    peer->hash = key->hash;
    peer->len = key->len;
    ngx_memcpy(peer->key, key->data, key->len);
    ngx_queue_init(&peer->idle);

    ngx_queue_insert_head(&pcf->buckets[key->hash & pcf->mask], &peer->queue);

    return peer;
}


static void
ngx_http_debar_store_release(ngx_http_debar_pin_peer_t *peer)
{
    if (peer->session == NULL && ngx_queue_empty(&peer->idle)) {
        ngx_queue_remove(&peer->queue);
        ngx_free(peer);
    }
}


/* Takes it out of all queues; the connection is the caller's. */

static void
ngx_http_debar_idle_remove(ngx_http_debar_idle_t *idle)
{
    ngx_queue_remove(&idle->queue);
    ngx_queue_remove(&idle->lru);

    idle->connection = NULL;
    ngx_queue_insert_head(&idle->conf->free_idle, &idle->lru);

    ngx_http_debar_store_release(idle->peer);
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
    ngx_connection_t  *c;

    c = ev->data;

    if (!c->close && !c->read->timedout && ngx_http_debar_idle_silent(c)
        && ngx_handle_read_event(c->read, 0) == NGX_OK)
    {
        return;
    }

    ngx_http_debar_idle_remove(c->data);
    ngx_http_debar_idle_close(c);
}


static ngx_uint_t
ngx_http_debar_idle_silent(ngx_connection_t *c)
{
    int   n;
    char  buf[1];

#if (NGX_HTTP_SSL)

    /*
     * Tickets and key updates are TLS's own affair.  What OpenSSL has read
     * ahead no longer waits in the socket, so that must be asked.
     */

    if (c->ssl) {
        return c->recv(c, (u_char *) buf, 1) == NGX_AGAIN
               && c->ssl->saved_write_handler == NULL;
    }

#endif

    n = recv(c->fd, buf, 1, MSG_PEEK);

    if (n == -1 && ngx_socket_errno == NGX_EAGAIN) {
        c->read->ready = 0;
        return 1;
    }

    return 0;
}


static void
ngx_http_debar_idle_close(ngx_connection_t *c)
{
#if (NGX_HTTP_SSL)

    /* nothing is waited for, so that this never comes back with NGX_AGAIN */

    if (c->ssl) {
        c->ssl->no_wait_shutdown = 1;
        c->ssl->no_send_shutdown = 1;

        (void) ngx_ssl_shutdown(c);
    }

#endif

    ngx_destroy_pool(c->pool);
    ngx_close_connection(c);
}


#if (NGX_HTTP_SSL)

void
ngx_http_debar_store_save(ngx_http_debar_pin_conf_t *pcf,
    ngx_http_debar_pin_key_t *key, ngx_ssl_session_t *session)
{
    ngx_queue_t                *q;
    ngx_http_debar_pin_peer_t  *peer, *oldest;

    if (pcf->sessions == 0) {
        ngx_ssl_free_session(session);
        return;
    }

    peer = ngx_http_debar_store_peer(pcf, key);
    if (peer == NULL) {
        ngx_ssl_free_session(session);
        return;
    }

    if (peer->session) {
        ngx_ssl_free_session(peer->session);
        ngx_queue_remove(&peer->lru);

    } else if (pcf->nsessions == pcf->sessions) {
        q = ngx_queue_last(&pcf->session_lru);
        oldest = ngx_queue_data(q, ngx_http_debar_pin_peer_t, lru);

        ngx_http_debar_session_remove(pcf, oldest);
        pcf->nsessions++;

    } else {
        pcf->nsessions++;
    }

    peer->session = session;
    ngx_queue_insert_head(&pcf->session_lru, &peer->lru);
}


ngx_ssl_session_t *
ngx_http_debar_store_session(ngx_http_debar_pin_conf_t *pcf,
    ngx_http_debar_pin_key_t *key)
{
    ngx_http_debar_pin_peer_t  *peer;

    peer = ngx_http_debar_store_find(pcf, key);

    if (peer == NULL || peer->session == NULL) {
        return NULL;
    }

    if (ngx_http_debar_session_over(peer->session)) {
        ngx_http_debar_session_remove(pcf, peer);
        return NULL;
    }

    ngx_queue_remove(&peer->lru);
    ngx_queue_insert_head(&pcf->session_lru, &peer->lru);

    return peer->session;
}


/*
 * Resuming shows no certificate anew: neither the session's own time nor that
 * of the certificate that it began with may be over, and an hour is enough.
 */

static ngx_uint_t
ngx_http_debar_session_over(ngx_ssl_session_t *session)
{
    time_t  limit, hint;
    X509   *cert;

    limit = ngx_min(SSL_SESSION_get_timeout(session),
                    NGX_HTTP_DEBAR_PIN_AGE / 1000);
    hint = SSL_SESSION_get_ticket_lifetime_hint(session);

    if (hint && hint < limit) {
        limit = hint;
    }

    if (!SSL_SESSION_is_resumable(session)
        || SSL_SESSION_get_time(session) + limit <= ngx_time())
    {
        return 1;
    }

    cert = SSL_SESSION_get0_peer(session);

    return cert == NULL
           || X509_cmp_current_time(X509_get0_notAfter(cert)) <= 0;
}


static void
ngx_http_debar_session_remove(ngx_http_debar_pin_conf_t *pcf,
    ngx_http_debar_pin_peer_t *peer)
{
    ngx_ssl_free_session(peer->session);
    peer->session = NULL;

    ngx_queue_remove(&peer->lru);
    pcf->nsessions--;

    ngx_http_debar_store_release(peer);
}

#endif
