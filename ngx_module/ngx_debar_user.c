/*
 * What a Proxy-Authorization proves: the schemes, their challenges, and how
 * often a refused login is recorded.
 */

#include "ngx_debar_user.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <sys/random.h>


#define NGX_DEBAR_REFUSED  256


struct ngx_debar_refused_s {
    u_char                 key[32];
    time_t                 last[NGX_DEBAR_REFUSED];
};


static ngx_uint_t
ngx_debar_user_scheme(debar_str_t field, const char *scheme)
{
    size_t  len;

    len = ngx_strlen(scheme);

    return field.len > len
           && ngx_strncasecmp((u_char *) field.data, (u_char *) scheme, len)
              == 0;
}


ngx_int_t
ngx_debar_user(ngx_debar_users_t *users, ngx_pool_t *pool, ngx_log_t *log,
    debar_str_t field, ngx_uint_t fields, ngx_debar_login_t *login)
{
    ngx_memzero(login, sizeof(ngx_debar_login_t));

    if (fields == 0) {
        return NGX_DECLINED;
    }

    login->tried = 1;

    if (fields > 1) {
        ngx_log_error(NGX_LOG_INFO, log, 0,
                      "debar: more than one Proxy-Authorization");
        return NGX_DECLINED;
    }

    if (users->negotiate && ngx_debar_user_scheme(field, "Negotiate ")) {
        return ngx_debar_user_negotiate(users->negotiate, pool, log, field,
                                        login);
    }

    if (ngx_debar_user_scheme(field, "NTLM ")) {
        ngx_log_error(NGX_LOG_INFO, log, 0,
                      "debar: NTLM was not offered, and is not taken");
        return NGX_DECLINED;
    }

    if (users->htpasswd) {
        return ngx_debar_user_basic(users->htpasswd, pool, log, field, login);
    }

    return NGX_DECLINED;
}


const char *
ngx_debar_user_challenge(ngx_debar_users_t *users, ngx_uint_t i)
{
    /* the stronger one first: some clients take the first that they know */

    if (users->negotiate && i-- == 0) {
        return "Negotiate";
    }

    if (users->htpasswd && i-- == 0) {
        return "Basic realm=\"debar\", charset=\"UTF-8\"";
    }

    return NULL;
}


/* By a keyed digest: no client can choose whose slot it takes. */

ngx_uint_t
ngx_debar_user_refused(ngx_debar_refused_t **refused, struct sockaddr *client)
{
    u_char                digest[EVP_MAX_MD_SIZE];
    uint8_t               addr[16];
    unsigned              n;
    ngx_debar_refused_t  *r;

    static const uint8_t  mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                                         0xff, 0xff };

    r = *refused;

    if (r == NULL) {
        r = ngx_pcalloc(ngx_cycle->pool, sizeof(ngx_debar_refused_t));

        if (r == NULL
            || getrandom(r->key, sizeof(r->key), 0) != (ssize_t) sizeof(r->key))
        {
            return 0;
        }

        *refused = r;
    }

    ngx_memzero(addr, sizeof(addr));

    if (ngx_debar_addr(addr, client)
        && ngx_memcmp(addr, mapped, sizeof(mapped)) != 0)
    {
        ngx_memzero(addr + 8, 8);
    }

    if (HMAC(EVP_sha256(), r->key, sizeof(r->key), addr, sizeof(addr), digest,
             &n)
        == NULL
        || r->last[digest[0] % NGX_DEBAR_REFUSED] == ngx_time())
    {
        return 0;
    }

    r->last[digest[0] % NGX_DEBAR_REFUSED] = ngx_time();

    return 1;
}
