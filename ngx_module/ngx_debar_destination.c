/*
 * The addresses of a destination: what each says of the vendor, and whether it
 * may be dialled at all.  The same for a request and for a CONNECT.
 */

#include "ngx_debar.h"
#include "ngx_debar_front.h"
#include "ngx_debar_parent.h"


static ngx_uint_t ngx_debar_destination_parent(ngx_connection_t *c,
    ngx_debar_resolve_t *rs, debar_verdict_t *v);
static ngx_uint_t ngx_debar_own(ngx_connection_t *c, ngx_debar_addr_t *addr);
static void ngx_debar_destination_fault(ngx_pool_t *pool, debar_verdict_t *v,
    ngx_debar_addr_t *addr, const char *what);


ngx_uint_t
ngx_debar_destination(ngx_connection_t *c, ngx_debar_list_t *l,
    ngx_debar_resolve_t *rs, const debar_facts_t *f, debar_verdict_t *v)
{
    const char        *country;
    ngx_uint_t         i;
    ngx_debar_addr_t  *addr, *special;

    special = NULL;

    if (rs->pinned) {
        return 0;
    }

    for (i = 0; i < rs->naddrs; i++) {
        addr = &rs->addrs[i];

        if (l->list && addr->clean != l->generation) {
            country = addr->country[0] ? addr->country : NULL;

            if (debar_address_clean(l->list, addr->addr, addr->asn, country)) {
                ngx_debar_resolve_mark_clean(rs, i, l->generation);

            } else {
                debar_judge_address(l->list, f, v, addr->addr, addr->asn,
                                    country);
            }
        }

        if (addr->special && special == NULL) {
            special = addr;
        }
    }

    for (i = 0; i < rs->naddrs; i++) {
        if (ngx_debar_own(c, &rs->addrs[i])) {
            ngx_debar_destination_fault(rs->pool, v, &rs->addrs[i],
                                        "this gateway itself");
            return 508;
        }
    }

    if (special) {
        ngx_debar_destination_fault(rs->pool, v, special, special->special);
        return 403;
    }

    return rs->parent ? ngx_debar_destination_parent(c, rs, v) : 0;
}


/* It is configured, and so allowed, unless it is this gateway itself. */

static ngx_uint_t
ngx_debar_destination_parent(ngx_connection_t *c, ngx_debar_resolve_t *rs,
    debar_verdict_t *v)
{
    ngx_uint_t  i;

    for (i = 0; i < rs->parent->naddrs; i++) {
        if (ngx_debar_own(c, &rs->parent->addrs[i])) {
            ngx_debar_destination_fault(rs->pool, v, &rs->parent->addrs[i],
                                        "this gateway itself, and its parent");
            return 508;
        }
    }

    if (ngx_debar_parent_pin(rs) != NGX_OK) {
        if (v->verdict < DEBAR_REJECT) {
            v->verdict = DEBAR_REJECT;
        }

        v->fault = "no memory for the addresses of the parent proxy";
        return 503;
    }

    return 0;
}


/*
 * A request to the socket that it came in by would come in again, for ever.  So
 * would one to the unspecified address, which is this host.
 */

static ngx_uint_t
ngx_debar_own(ngx_connection_t *c, ngx_debar_addr_t *addr)
{
    uint8_t             local[16];
    struct sockaddr    *sa;
    ngx_debar_front_t  *front;

    static const uint8_t  any4[16] = { [10] = 0xff, [11] = 0xff };
    static const uint8_t  any6[16];

    sa = c->local_sockaddr;

    if (sa && sa->sa_family == AF_UNIX) {
        front = ngx_debar_front_get(c);

        if (front && front->local_sockaddr) {
            sa = front->local_sockaddr;
        }
    }

    if (sa == NULL
        || ngx_inet_get_port(addr->sockaddr) != ngx_inet_get_port(sa))
    {
        return 0;
    }

    if (sa == c->local_sockaddr) {
        if (ngx_connection_local_sockaddr(c, NULL, 0) != NGX_OK) {
            return 0;
        }

        sa = c->local_sockaddr;
    }

    return ngx_debar_addr(local, sa)
           && (ngx_memcmp(addr->addr, local, 16) == 0
               || ngx_memcmp(addr->addr, any4, 16) == 0
               || ngx_memcmp(addr->addr, any6, 16) == 0);
}


static void
ngx_debar_destination_fault(ngx_pool_t *pool, debar_verdict_t *v,
    ngx_debar_addr_t *addr, const char *what)
{
    u_char  *p;

    if (v->verdict < DEBAR_REJECT) {
        v->verdict = DEBAR_REJECT;
    }

    p = ngx_pnalloc(pool, addr->text.len + ngx_strlen(what)
                          + sizeof("the destination  is "));

    if (p == NULL) {
        v->fault = "a destination that may not be dialled";
        return;
    }

    v->fault = (char *) p;
    ngx_sprintf(p, "the destination %V is %s%Z", &addr->text, what);
}


ngx_uint_t
ngx_debar_addr(uint8_t addr[16], struct sockaddr *sa)
{
    struct sockaddr_in   *sin;
#if (NGX_HAVE_INET6)
    struct sockaddr_in6  *sin6;
#endif

    switch (sa->sa_family) {

    case AF_INET:
        sin = (struct sockaddr_in *) sa;
        ngx_memzero(addr, 10);
        addr[10] = 0xff;
        addr[11] = 0xff;
        ngx_memcpy(addr + 12, &sin->sin_addr, 4);
        return 1;

#if (NGX_HAVE_INET6)
    case AF_INET6:
        sin6 = (struct sockaddr_in6 *) sa;
        ngx_memcpy(addr, &sin6->sin6_addr, 16);
        return 1;
#endif
    }

    return 0;
}


const char *
ngx_debar_port_fault(ngx_array_t *ports, ngx_uint_t port)
{
    in_port_t   *p;
    ngx_uint_t   i;

    if (port == 443) {
        return NULL;
    }

    if (port == 0) {
        return "a CONNECT without a port";
    }

    if (ports) {
        p = ports->elts;

        for (i = 0; i < ports->nelts; i++) {
            if (p[i] == port) {
                return NULL;
            }
        }
    }

    return "a port that CONNECT may not reach";
}


char *
ngx_debar_port_directive(ngx_conf_t *cf, ngx_array_t **ports)
{
    ngx_int_t    n;
    in_port_t   *port;
    ngx_str_t   *value;
    ngx_uint_t   i;

    if (*ports == NGX_CONF_UNSET_PTR) {
        *ports = ngx_array_create(cf->pool, 4, sizeof(in_port_t));
        if (*ports == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {
        n = ngx_atoi(value[i].data, value[i].len);

        if (n < 1 || n > 65535) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid port \"%V\": \"debar_connect_port\" "
                               "takes ports from 1 to 65535, beside 443",
                               &value[i]);
            return NGX_CONF_ERROR;
        }

        port = ngx_array_push(*ports);
        if (port == NULL) {
            return NGX_CONF_ERROR;
        }

        *port = n;
    }

    return NGX_CONF_OK;
}


char *
ngx_debar_allow_directive(ngx_conf_t *cf, ngx_array_t **allow)
{
    const char        *why;
    unsigned           bits;
    ngx_str_t         *value;
    ngx_uint_t         i;
    ngx_debar_cidr_t  *cidr;

    if (*allow == NGX_CONF_UNSET_PTR) {
        *allow = ngx_array_create(cf->pool, 4, sizeof(ngx_debar_cidr_t));
        if (*allow == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        cidr = ngx_array_push(*allow);
        if (cidr == NULL) {
            return NGX_CONF_ERROR;
        }

        if (debar_cidr_parse(cidr->addr, &bits, (char *) value[i].data,
                             value[i].len, &why)
            != DEBAR_OK)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid network \"%V\": %s; "
                               "\"debar_allow_destination\" takes addresses "
                               "and networks such as 10.0.0.0/8", &value[i],
                               why);
            return NGX_CONF_ERROR;
        }

        cidr->bits = bits;
    }

    return NGX_CONF_OK;
}
