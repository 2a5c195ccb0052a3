
/*
 * Names resolved once: what is judged is what is dialled, so results carry
 * ready sockaddrs and nothing behind this resolves a name again.
 */


#include "ngx_debar_names.h"
#include "ngx_debar_parent.h"
#include "ngx_debar_compat.h"
#include "ngx_debar_hash.h"


#define NGX_DEBAR_ADDRS_MAX     32

#define NGX_DEBAR_TTL_MIN       1        /* all in seconds */
#define NGX_DEBAR_TTL_MAX       3600
#define NGX_DEBAR_TTL_FAILED    5

#define NGX_DEBAR_TIMEOUT       30000    /* ms, where the caller set none */


static ngx_int_t ngx_debar_resolve_start(ngx_debar_resolve_t *rs,
    ngx_debar_name_t *e);
static const char *ngx_debar_name_ask(ngx_debar_name_t *e);
static void ngx_debar_resolve_handler(ngx_resolver_ctx_t *ctx);
static ngx_uint_t ngx_debar_name_ask_v4(ngx_debar_name_t *e, ngx_int_t state);
static void ngx_debar_resolve_literal(ngx_debar_resolve_t *rs,
    ngx_debar_name_t *e);
static void ngx_debar_name_learn(ngx_debar_name_t *e,
    ngx_resolver_ctx_t *ctx);
static void ngx_debar_known_init(ngx_debar_known_t *k, const uint8_t addr[16],
    ngx_debar_name_t *e);
static ngx_int_t ngx_debar_resolve_fill(ngx_debar_resolve_t *rs,
    ngx_debar_name_t *e);
static void ngx_debar_addr_fill(ngx_debar_resolve_t *rs, ngx_debar_addr_t *a,
    ngx_debar_dial_t *d, ngx_debar_known_t *k);
static void ngx_debar_known_port(ngx_debar_known_t *k, in_port_t port);
static const char *ngx_debar_addr_allowed(ngx_debar_resolve_t *rs,
    ngx_debar_known_t *k);
static ngx_int_t ngx_debar_resolve_failed(ngx_debar_resolve_t *rs,
    const char *error);

static ngx_uint_t ngx_debar_addr_from_sockaddr(uint8_t addr[16],
    struct sockaddr *sa);
static socklen_t ngx_debar_addr_to_sockaddr(struct sockaddr *sa,
    const uint8_t addr[16], in_port_t port);


ngx_int_t
ngx_debar_resolve(ngx_debar_resolve_t *rs)
{
    time_t             now;
    uint64_t           hash;
    ngx_debar_name_t  *e;

    rs->waiting = 0;

    if (ngx_debar_parent_resolves(rs->parent, rs->host)) {
        rs->addrs = NULL;
        rs->naddrs = 0;
        rs->error = NULL;
        rs->rc = NGX_OK;

        return NGX_OK;
    }

    hash = ngx_debar_seeded_hash(rs->names->seed, rs->host->name,
                                 rs->host->len);
    now = ngx_time();

    e = ngx_debar_name_find(rs, hash);

    if (e != NULL && !e->under_way && now < e->expire) {

        /* once a second is recent enough for an LRU, and spares cache lines */

        if (e->used != now && !e->starting) {
            e->used = now;
            ngx_queue_remove(&e->queue);
            ngx_queue_insert_head(&rs->names->lru, &e->queue);
        }

        return ngx_debar_resolve_fill(rs, e);
    }

    if (e == NULL) {
        e = ngx_debar_name_add(rs, hash);
        if (e == NULL) {
            return ngx_debar_resolve_failed(rs,
                                       "too many names are being resolved");
        }
    }

    if (rs->host->type == DEBAR_HOST_ADDRESS) {
        ngx_debar_resolve_literal(rs, e);
        return ngx_debar_resolve_fill(rs, e);
    }

    if (!e->under_way) {
        if (ngx_debar_resolve_start(rs, e) != NGX_AGAIN) {
            return ngx_debar_resolve_fill(rs, e);
        }
    }

    rs->waiting = 1;
    ngx_queue_insert_tail(&e->waiting, &rs->queue);

    return NGX_AGAIN;
}


void
ngx_debar_resolve_cancel(ngx_debar_resolve_t *rs)
{
    /* the name itself goes on: whoever asks again finds the answer */

    if (rs->waiting) {
        ngx_queue_remove(&rs->queue);
        rs->waiting = 0;
    }
}


/*
 * NGX_AGAIN: under way.  Else e is known, be it by an error.  The resolver may
 * answer before ngx_resolve_name() returns, and run others' handlers from
 * there: "starting" keeps e out of the LRU, that is, alive, until we are back.
 */

static ngx_int_t
ngx_debar_resolve_start(ngx_debar_resolve_t *rs, ngx_debar_name_t *e)
{
    const char  *error;

    if (e->queue.next != NULL) {
        ngx_queue_remove(&e->queue);
        e->queue.next = NULL;
    }

    e->geo = rs->geo;
    e->timeout = rs->timeout ? rs->timeout : NGX_DEBAR_TIMEOUT;
    e->under_way = 1;
    e->starting = 1;
    e->v4_only = 0;

    error = ngx_debar_name_ask(e);

    if (error != NULL) {
        e->under_way = 0;
        e->error = error;
        e->expire = 0;
    }

    e->starting = 0;

    if (e->under_way) {
        return NGX_AGAIN;
    }

    ngx_queue_insert_head(&e->names->lru, &e->queue);

    return NGX_OK;
}


/* NULL: the handler was or will be called.  Else why not. */

static const char *
ngx_debar_name_ask(ngx_debar_name_t *e)
{
    ngx_int_t            rc;
    ngx_resolver_t      *resolver;
    ngx_resolver_ctx_t  *ctx;
#if (NGX_HAVE_INET6)
    ngx_uint_t           v6;
#endif

    resolver = e->resolver;

    ctx = ngx_resolve_start(resolver, NULL);

    if (ctx == NULL) {
        return "no memory to resolve with";
    }

    if (ctx == NGX_NO_RESOLVER) {
        return "no resolver is configured";
    }

    ctx->name.data = e->name;
    ctx->name.len = e->len;
    ctx->handler = ngx_debar_resolve_handler;
    ctx->data = e;
    ctx->timeout = e->timeout;

#if (NGX_HAVE_INET6)

    /*
     * The resolver looks at its flag when it makes a query, and only then.
     * If it answers at once, e may be gone when it returns.
     */

    v6 = resolver->ipv6;

    if (e->v4_only) {
        resolver->ipv6 = 0;
    }

    rc = ngx_resolve_name(ctx);

    resolver->ipv6 = v6;

#else
    rc = ngx_resolve_name(ctx);
#endif

    return (rc == NGX_OK) ? NULL : "the resolver failed";
}


static void
ngx_debar_resolve_handler(ngx_resolver_ctx_t *ctx)
{
    ngx_int_t             state;
    ngx_queue_t           done, *q;
    ngx_debar_name_t     *e;
    ngx_debar_resolve_t  *rs;

    e = ctx->data;

    state = ctx->state;

    ngx_debar_name_learn(e, ctx);

    ngx_resolve_name_done(ctx);

    if (ngx_debar_name_ask_v4(e, state)) {
        return;
    }

    e->under_way = 0;

    if (!e->starting) {
        ngx_queue_insert_head(&e->names->lru, &e->queue);
    }

    if (ngx_queue_empty(&e->waiting)) {
        return;
    }

    for (q = ngx_queue_head(&e->waiting);
         q != ngx_queue_sentinel(&e->waiting);
         q = ngx_queue_next(q))
    {
        rs = ngx_queue_data(q, ngx_debar_resolve_t, queue);

        (void) ngx_debar_resolve_fill(rs, e);
    }

    /*
     * From here on e may go: a handler may resolve other names.  It may also
     * end other requests of this queue, which then cancel themselves.
     */

    ngx_queue_init(&done);
    ngx_queue_add(&done, &e->waiting);
    ngx_queue_init(&e->waiting);

    while (!ngx_queue_empty(&done)) {
        q = ngx_queue_head(&done);
        rs = ngx_queue_data(q, ngx_debar_resolve_t, queue);

        ngx_queue_remove(q);
        rs->waiting = 0;

        rs->handler(rs);
    }
}


/*
 * nginx takes a server's refusal to talk of AAAA for a failure of the name.
 * So a name that failed in such a way is asked for once more, for A alone.
 */

static ngx_uint_t
ngx_debar_name_ask_v4(ngx_debar_name_t *e, ngx_int_t state)
{
#if (NGX_HAVE_INET6)

    switch (state) {

    case NGX_RESOLVE_FORMERR:
    case NGX_RESOLVE_SERVFAIL:
    case NGX_RESOLVE_NOTIMP:
    case NGX_RESOLVE_REFUSED:

        if (e->v4_only || !e->resolver->ipv6 || !ngx_debar_asks_v4(e->resolver))
        {
            return 0;
        }

        e->v4_only = 1;

        return ngx_debar_name_ask(e) == NULL;
    }

#endif

    return 0;
}


static void
ngx_debar_resolve_literal(ngx_debar_resolve_t *rs, ngx_debar_name_t *e)
{
    e->geo = rs->geo;

    if (e->addrs == NULL) {
        e->addrs = ngx_alloc(sizeof(ngx_debar_known_t), rs->log);
    }

    if (e->addrs == NULL) {
        e->error = "no memory to resolve with";
        e->expire = 0;

    } else {
        if (e->naddrs == 0) {
            ngx_debar_known_init(e->addrs, rs->host->addr, e);
            e->naddrs = 1;
        }

        e->error = NULL;
        e->expire = ngx_time() + NGX_DEBAR_TTL_MAX;
    }

    if (e->queue.next == NULL) {
        ngx_queue_insert_head(&rs->names->lru, &e->queue);
    }
}


static void
ngx_debar_name_learn(ngx_debar_name_t *e, ngx_resolver_ctx_t *ctx)
{
    time_t              now;
    uint8_t             addr[16];
    ngx_uint_t          i, j, n, pass, naddrs;
    ngx_debar_known_t  *known;

    now = ngx_time();

    if (ctx->state != NGX_OK) {
        e->error = ngx_resolver_strerror(ctx->state);
        e->expire = now + NGX_DEBAR_TTL_FAILED;
        return;
    }

    naddrs = ngx_min(ctx->naddrs, 2 * NGX_DEBAR_ADDRS_MAX);

    known = NULL;
    n = ngx_min(naddrs, NGX_DEBAR_ADDRS_MAX);

    if (n) {
        known = ngx_alloc(n * sizeof(ngx_debar_known_t), ngx_cycle->log);
    }

    if (known == NULL) {
        e->error = n ? "no memory to resolve with" : "Host not found";
        e->expire = now + NGX_DEBAR_TTL_MIN;
        return;
    }

    n = 0;

    /* IPv4 first: where both are given, it is IPv6 that tends to be broken */

    for (pass = 0; pass < 2; pass++) {
        for (i = 0; i < naddrs && n < NGX_DEBAR_ADDRS_MAX; i++) {

            if (!ngx_debar_addr_from_sockaddr(addr, ctx->addrs[i].sockaddr)
                || debar_addr_is_v4(addr) != (pass == 0))
            {
                continue;
            }

            for (j = 0; j < e->naddrs; j++) {
                if (ngx_memcmp(e->addrs[j].addr, addr, 16) == 0) {
                    break;
                }
            }

            /* what was learnt of an address outlives the TTL of its name */

            if (j < e->naddrs) {
                known[n++] = e->addrs[j];

            } else {
                ngx_debar_known_init(&known[n++], addr, e);
            }
        }
    }

    if (e->addrs != NULL) {
        ngx_free(e->addrs);
    }

    e->addrs = known;
    e->naddrs = n;
    e->error = n ? NULL : "Host not found";

    e->expire = ngx_max(ctx->valid, now + NGX_DEBAR_TTL_MIN);
    e->expire = ngx_min(e->expire, now + NGX_DEBAR_TTL_MAX);
}


static void
ngx_debar_known_init(ngx_debar_known_t *k, const uint8_t addr[16],
    ngx_debar_name_t *e)
{
    ngx_debar_dial_t  dial;

    ngx_memzero(k, sizeof(ngx_debar_known_t));

    ngx_memcpy(k->addr, addr, 16);
    k->special = debar_addr_special(addr);

    if (e->geo != NULL) {
        (void) ngx_debar_addr_to_sockaddr(&dial.u.sockaddr, addr, 0);
        ngx_debar_geo_lookup(e->geo, &dial.u.sockaddr, &k->asn, k->country);
    }
}


/* Copies what is known to the caller; addresses that are down come last. */

static ngx_int_t
ngx_debar_resolve_fill(ngx_debar_resolve_t *rs, ngx_debar_name_t *e)
{
    time_t             now;
    ngx_uint_t         i, n, down, pass;
    ngx_debar_dial_t  *d;
    ngx_debar_addr_t  *a;

    if (e->error != NULL) {
        return ngx_debar_resolve_failed(rs, e->error);
    }

    a = ngx_palloc(rs->pool, e->naddrs * (sizeof(ngx_debar_addr_t)
                                          + sizeof(ngx_debar_dial_t)));
    if (a == NULL) {
        return ngx_debar_resolve_failed(rs, "no memory to resolve with");
    }

    d = (ngx_debar_dial_t *) &a[e->naddrs];

    now = ngx_time();
    n = 0;

    if (e->naddrs == 1 || e->down <= now) {
        for (i = 0; i < e->naddrs; i++) {
            ngx_debar_addr_fill(rs, &a[i], &d[i], &e->addrs[i]);
        }

    } else {
        for (pass = 0; pass < 2; pass++) {
            for (i = 0; i < e->naddrs; i++) {
                down = e->addrs[i].down > now;

                if (down == pass) {
                    ngx_debar_addr_fill(rs, &a[n], &d[n], &e->addrs[i]);
                    n++;
                }
            }
        }
    }

    rs->addrs = a;
    rs->naddrs = e->naddrs;
    rs->error = NULL;
    rs->rc = NGX_OK;

    return NGX_OK;
}


static void
ngx_debar_addr_fill(ngx_debar_resolve_t *rs, ngx_debar_addr_t *a,
    ngx_debar_dial_t *d, ngx_debar_known_t *k)
{
    if (k->port != rs->port || k->port == 0) {
        ngx_debar_known_port(k, rs->port);
    }

    ngx_memcpy(a->addr, k->addr, 16);
    ngx_memcpy(a->country, k->country, 4);
    a->asn = k->asn;
    a->clean = k->clean;
    a->special = k->special ? ngx_debar_addr_allowed(rs, k) : NULL;

    /* a copy: the name may be evicted while the request goes on */

    *d = k->dial;

    a->sockaddr = &d->u.sockaddr;
    a->socklen = d->socklen;
    a->text.data = d->text;
    a->text.len = d->len;
}


static void
ngx_debar_known_port(ngx_debar_known_t *k, in_port_t port)
{
    u_char            *p;
    ngx_debar_dial_t  *d;

    k->port = port;
    d = &k->dial;

    d->socklen = ngx_debar_addr_to_sockaddr(&d->u.sockaddr, k->addr, port);

    p = d->text;

    if (debar_addr_is_v4(k->addr)) {
        p += debar_addr_text(k->addr, (char *) p);

    } else {
        *p++ = '[';
        p += debar_addr_text(k->addr, (char *) p);
        *p++ = ']';
    }

    p = ngx_sprintf(p, ":%ud", (unsigned) port);

    d->len = p - d->text;
}


static const char *
ngx_debar_addr_allowed(ngx_debar_resolve_t *rs, ngx_debar_known_t *k)
{
    ngx_uint_t         i;
    ngx_debar_cidr_t  *cidr;

    if (rs->allow == NULL) {
        return k->special;
    }

    cidr = rs->allow->elts;

    for (i = 0; i < rs->allow->nelts; i++) {
        if (debar_addr_in(k->addr, cidr[i].addr, cidr[i].bits)) {
            return NULL;
        }
    }

    return k->special;
}


static ngx_int_t
ngx_debar_resolve_failed(ngx_debar_resolve_t *rs, const char *error)
{
    rs->addrs = NULL;
    rs->naddrs = 0;
    rs->error = error;
    rs->rc = NGX_ERROR;

    return NGX_ERROR;
}


static ngx_uint_t
ngx_debar_addr_from_sockaddr(uint8_t addr[16], struct sockaddr *sa)
{
#if (NGX_HAVE_INET6)
    struct sockaddr_in6  *sin6;
#endif

    switch (sa->sa_family) {

#if (NGX_HAVE_INET6)
    case AF_INET6:
        sin6 = (struct sockaddr_in6 *) sa;
        ngx_memcpy(addr, &sin6->sin6_addr, 16);
        return 1;
#endif

    case AF_INET:
        ngx_memzero(addr, 10);
        addr[10] = 0xff;
        addr[11] = 0xff;
        ngx_memcpy(addr + 12, &((struct sockaddr_in *) sa)->sin_addr, 4);
        return 1;

    default:
        return 0;
    }
}


/* Every byte is set: sockaddrs are compared and hashed as a whole. */

static socklen_t
ngx_debar_addr_to_sockaddr(struct sockaddr *sa, const uint8_t addr[16],
    in_port_t port)
{
    struct sockaddr_in   *sin;
#if (NGX_HAVE_INET6)
    struct sockaddr_in6  *sin6;

    if (!debar_addr_is_v4(addr)) {
        sin6 = (struct sockaddr_in6 *) sa;

        ngx_memzero(sin6, sizeof(struct sockaddr_in6));
        sin6->sin6_family = AF_INET6;
        sin6->sin6_port = htons(port);
        ngx_memcpy(&sin6->sin6_addr, addr, 16);

        return sizeof(struct sockaddr_in6);
    }
#endif

    sin = (struct sockaddr_in *) sa;

    ngx_memzero(sin, sizeof(struct sockaddr_in));
    sin->sin_family = AF_INET;
    sin->sin_port = htons(port);
    ngx_memcpy(&sin->sin_addr, addr + 12, 4);

    return sizeof(struct sockaddr_in);
}
