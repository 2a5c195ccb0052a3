/*
 * Who asks: what a Proxy-Authorization proves (RFC 9110 s.11.7), for CONNECT
 * and for plain requests.  Nothing here waits: a hash of a password takes its
 * milliseconds, a Kerberos ticket is checked against the key at hand.
 */

#ifndef _NGX_DEBAR_USER_H_INCLUDED_
#define _NGX_DEBAR_USER_H_INCLUDED_


#include "ngx_debar.h"


#define NGX_DEBAR_USER_NAME   512        /* bytes of a user, at most */
#define NGX_DEBAR_USER_REPLY  2048       /* of a reply */


typedef struct ngx_debar_htpasswd_s   ngx_debar_htpasswd_t;
typedef struct ngx_debar_negotiate_s  ngx_debar_negotiate_t;

typedef struct {
    ngx_debar_htpasswd_t   *htpasswd;    /* Basic; NULL: off */
    ngx_debar_negotiate_t  *negotiate;   /* NULL: off */
} ngx_debar_users_t;

#define ngx_debar_users_init(u)                                               \
    (u)->htpasswd = NGX_CONF_UNSET_PTR;                                       \
    (u)->negotiate = NGX_CONF_UNSET_PTR

#define ngx_debar_users_merge(u, prev)                                        \
    ngx_conf_merge_ptr_value((u)->htpasswd, (prev)->htpasswd, NULL);          \
    ngx_conf_merge_ptr_value((u)->negotiate, (prev)->negotiate, NULL)

#define ngx_debar_users_on(u)  ((u)->htpasswd != NULL || (u)->negotiate != NULL)


typedef struct {
    ngx_str_t               user;        /* in memory of the pool.  NGX_OK:
                                            proved; else only claimed, or
                                            empty */
    ngx_str_t               reply;       /* NGX_OK: a Proxy-Authenticate for the
                                            answer, by which the client knows
                                            the gateway; or empty */
    ngx_uint_t              tried;       /* there were credentials: refused,
                                            not merely asked for */
} ngx_debar_login_t;


/*
 * fields: the first Proxy-Authorization and how many there are; several are
 * refused.  NGX_OK; NGX_DECLINED: a challenge is due; NGX_ERROR: the password
 * file, or the keytab, cannot be read, and the log says why.
 */

ngx_int_t ngx_debar_user(ngx_debar_users_t *users, ngx_pool_t *pool,
    ngx_log_t *log, debar_str_t field, ngx_uint_t fields,
    ngx_debar_login_t *login);

/* The value of Proxy-Authenticate number i, from 0; NULL: no more. */

const char *ngx_debar_user_challenge(ngx_debar_users_t *users, ngx_uint_t i);


/*
 * Whether a refused login may have its audit line: one a second for an address
 * (of IPv6 its /64), and 256 a second in all, so that who tries passwords
 * cannot fill the disk.  *refused: of the worker; NULL at first.
 */

typedef struct ngx_debar_refused_s  ngx_debar_refused_t;

ngx_uint_t ngx_debar_user_refused(ngx_debar_refused_t **refused,
    struct sockaddr *client);


/* "debar_htpasswd FILE|off" for both modules' directives. */

char *ngx_debar_htpasswd_directive(ngx_conf_t *cf, ngx_debar_htpasswd_t **hp);


/* "debar_negotiate on|off [service=NAME[@HOST]] [keytab=FILE] [strip-realm]" */

char *ngx_debar_negotiate_directive(ngx_conf_t *cf, ngx_debar_negotiate_t **np);


/* Basic (ngx_debar_user_basic.c) and "Negotiate TOKEN"
 * (ngx_debar_user_negotiate.c): as ngx_debar_user(). */

ngx_int_t ngx_debar_user_negotiate(ngx_debar_negotiate_t *n, ngx_pool_t *pool,
    ngx_log_t *log, debar_str_t field, ngx_debar_login_t *login);

ngx_int_t ngx_debar_user_basic(ngx_debar_htpasswd_t *h, ngx_pool_t *pool,
    ngx_log_t *log, debar_str_t field, ngx_debar_login_t *login);


#endif /* _NGX_DEBAR_USER_H_INCLUDED_ */
