/*
 * The peer of a request: dials the addresses that were pinned to it when they
 * were checked, in turn, and no others.  A connection is kept for whoever is
 * next to dial the same peer (see ngx_http_debar_pin_key_t).
 */


#include "ngx_http_debar_upstream.h"
#include "ngx_debar_hash.h"


static ngx_int_t ngx_http_debar_pin_get(ngx_peer_connection_t *pc, void *data);
static ngx_int_t ngx_http_debar_pin_reuse(ngx_peer_connection_t *pc,
    ngx_http_debar_pin_data_t *pd);
static void ngx_http_debar_pin_free(ngx_peer_connection_t *pc, void *data,
    ngx_uint_t state);
static void ngx_http_debar_pin_failed(ngx_peer_connection_t *pc,
    ngx_http_debar_pin_data_t *pd, ngx_uint_t state);
static ngx_uint_t ngx_http_debar_pin_stale(ngx_peer_connection_t *pc,
    ngx_http_debar_pin_data_t *pd);
static ngx_uint_t ngx_http_debar_pin_keepable(ngx_peer_connection_t *pc,
    ngx_http_debar_pin_data_t *pd, ngx_uint_t state);
static ngx_int_t ngx_http_debar_pin_key(ngx_peer_connection_t *pc,
    ngx_http_debar_pin_data_t *pd);


ngx_int_t
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

    pd = ngx_pcalloc(r->pool, sizeof(ngx_http_debar_pin_data_t));
    if (pd == NULL) {
        return NGX_ERROR;
    }

    u = r->upstream;

    pd->conf = us->peer.data;
    pd->ctx = ctx;
    pd->request = r;
    pd->upstream = u;

    u->peer.data = pd;
    u->peer.get = ngx_http_debar_pin_get;
    u->peer.free = ngx_http_debar_pin_free;
    u->peer.tries = n;

    if (ctx->resolve.parent && ngx_http_debar_parent_request(r, pd) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_debar_head_watch(pd);

#if (NGX_HTTP_SSL)
    pd->verify = u->conf->ssl_verify;

    u->peer.set_session = ngx_http_debar_tls_set_session;
    u->peer.save_session = ngx_http_debar_tls_save_session;
#endif

    return NGX_OK;
}


static ngx_int_t
ngx_http_debar_pin_get(ngx_peer_connection_t *pc, void *data)
{
    ngx_http_debar_pin_data_t  *pd = data;

    ngx_int_t              rc;
    ngx_debar_addr_t      *addr;
    ngx_http_debar_ctx_t  *ctx;

    ctx = pd->ctx;

    /* at least one may be dialled: see init_peer */

    while (ctx->addrs[pd->next].special != NULL) {
        pd->next = (pd->next + 1) % ctx->naddrs;
    }

    pd->interim = 0;

    ctx->current = pd->next;
    ctx->fault = NULL;
    ctx->fault_parent = 0;
    ngx_str_null(&ctx->fault_detail);

    addr = &ctx->addrs[pd->next];

    pc->cached = 0;
    pc->connection = NULL;

    pc->sockaddr = addr->sockaddr;
    pc->socklen = addr->socklen;
    pc->name = &addr->text;

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, pc->log, 0,
                   "debar pin: %V, tries left %ui", pc->name, pc->tries);

    if (ngx_http_debar_pin_key(pc, pd) != NGX_OK) {
        return NGX_ERROR;
    }

    if (!pd->fresh && pd->key.len) {
        rc = ngx_http_debar_pin_reuse(pc, pd);

        if (rc != NGX_OK) {
            return rc;
        }
    }

#if (NGX_HTTP_SSL)
    if (ctx->resolve.parent && pd->upstream->ssl) {
        return ngx_http_debar_parent_get(pc, pd);
    }
#endif

    return NGX_OK;
}


static ngx_int_t
ngx_http_debar_pin_reuse(ngx_peer_connection_t *pc,
    ngx_http_debar_pin_data_t *pd)
{
    ngx_connection_t  *c;

    c = ngx_http_debar_store_idle(pd->conf, &pd->key);
    if (c == NULL) {
        return NGX_OK;
    }

#if (NGX_HTTP_SSL)

    /* refused for this request: whoever is next may have a waiver */

    if (c->ssl
        && ngx_http_debar_tls_judge(pd, ngx_http_debar_tls_get(c)) != NGX_OK)
    {
        pd->stop = 1;
        return NGX_DECLINED;
    }

#endif

    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, pc->log, 0,
                   "debar pin: using idle connection %p", c);

    ngx_http_debar_store_take(c, pc->log);

    pc->connection = c;
    pc->cached = 1;

    return NGX_DONE;
}


static void
ngx_http_debar_pin_free(ngx_peer_connection_t *pc, void *data,
    ngx_uint_t state)
{
    ngx_http_debar_pin_data_t  *pd = data;

#if (NGX_HTTP_SSL)

    ngx_http_debar_tls_t  *tls;

    ngx_http_debar_parent_free(pd, state);

    tls = ngx_http_debar_tls_get(pc->connection);

    if (tls) {
        if ((state & NGX_PEER_FAILED) && !pd->ctx->fault_parent) {
            ngx_http_debar_tls_failed(pd, tls);
        }

        tls->pin = NULL;
    }

#endif

    if (ngx_http_debar_pin_keepable(pc, pd, state)
        && ngx_http_debar_store_keep(pd->conf, &pd->key, pc->connection)
           == NGX_OK)
    {
        ngx_log_debug0(NGX_LOG_DEBUG_HTTP, pc->log, 0,
                       "debar pin: connection kept");

        pc->connection = NULL;
    }

    if (state & (NGX_PEER_FAILED|NGX_PEER_NEXT)) {
        ngx_http_debar_pin_failed(pc, pd, state);
    }

    if (pd->stop) {
        pc->tries = 0;
        pc->cached = 0;      /* or the upstream gives the try back */
    }

    if (pc->tries) {
        pc->tries--;
    }
}


static void
ngx_http_debar_pin_failed(ngx_peer_connection_t *pc,
    ngx_http_debar_pin_data_t *pd, ngx_uint_t state)
{
    if (pd->stop) {
        return;
    }

    if (ngx_http_debar_pin_stale(pc, pd)) {

        /* the upstream gives the try back; the same peer, dialled anew */

        pd->fresh = 1;
        return;
    }

    if ((state & NGX_PEER_FAILED)
        && pd->upstream->buffer.last == pd->upstream->buffer.pos)
    {
        ngx_debar_resolve_mark_failed(&pd->ctx->resolve,
                                      pd->ctx->addrs[pd->next].addr);
    }

    pd->fresh = 0;
    pd->next = (pd->next + 1) % pd->ctx->naddrs;
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
        || pd->key.len == 0
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

    /* the key was made before the handshake: what was proved must be its name,
     * and what is in the middle of something is of no use */

    if (c->ssl || u->ssl) {
        ngx_http_debar_tls_t  *tls;

        tls = ngx_http_debar_tls_get(c);

        if (!u->ssl || tls == NULL || !tls->accepted
            || !ngx_http_debar_tls_proves(pd->ctx, &tls->name))
        {
            return 0;
        }
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


/* key.len is 0 where the peer's identity is not the one that was judged. */

static ngx_int_t
ngx_http_debar_pin_key(ngx_peer_connection_t *pc,
    ngx_http_debar_pin_data_t *pd)
{
    void                      *ptr[2];
    u_char                    *p;
    ngx_debar_resolve_t       *rs;
    ngx_http_upstream_t       *u;
    ngx_http_debar_pin_key_t  *key;

    u = pd->upstream;
    key = &pd->key;

    key->len = 0;

    if (pc->socklen > (socklen_t) sizeof(struct sockaddr_in6)) {
        return NGX_OK;
    }

    /* connections of grpc_pass are not those of proxy_pass */

    ptr[0] = u->output.tag;
    ptr[1] = NULL;
    p = key->data + sizeof(ptr);

    *p++ = (u_char) pc->socklen;
    *p = 0;

#if (NGX_HTTP_SSL)

    if (u->ssl) {
        ngx_str_t                   name;
        ngx_http_debar_loc_conf_t  *dlcf;

        if (ngx_http_debar_tls_name(pd->request, u, &name) != NGX_OK) {
            return NGX_ERROR;
        }

        if (!ngx_http_debar_tls_proves(pd->ctx, &name)
            || pd->ctx->server_name.len > DEBAR_MAX_HOST + 3)
        {
            return NGX_OK;
        }

        dlcf = ngx_http_get_module_loc_conf(pd->request,
                                            ngx_http_debar_module);

        ptr[1] = u->conf->ssl;
        *p = 1 | pd->verify << 1 | dlcf->staple << 2
             | (pd->ctx->resolve.parent != NULL) << 7;
    }

#endif

    ngx_memcpy(key->data, ptr, sizeof(ptr));

    p = ngx_cpymem(p + 1, pc->sockaddr, pc->socklen);

    if (ptr[1] && pd->ctx->resolve.parent) {

        /* the address is of the parent: whom it connected to, where */

        rs = &pd->ctx->resolve;
        p = ngx_cpymem(p, &rs->port, sizeof(in_port_t));
        p = ngx_cpymem(p, rs->host->name, rs->host->len + 1);
    }

    if (ptr[1]) {
        p = ngx_cpymem(p, pd->ctx->server_name.data, pd->ctx->server_name.len);
    }

    key->len = p - key->data;
    key->hash = ngx_debar_seeded_hash(pd->conf->seed, key->data, key->len);

    return NGX_OK;
}
