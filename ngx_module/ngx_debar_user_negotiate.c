/*
 * Negotiate: Kerberos by GSSAPI (RFC 4559, RFC 4178), the client's ticket in
 * one leg.
 *
 * What decides is the key in the keytab: the acceptor asks no network, and no
 * worker waits for a KDC.  Whoever answers with more than one leg, or by NTLM,
 * is refused.  Nothing is kept from one request to the next but the
 * credentials of this gateway itself.
 */

#include "ngx_debar_user.h"

#if (NGX_DEBAR_GSSAPI)

#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>


struct ngx_debar_negotiate_s {
    ngx_str_t             service;       /* "HTTP" */
    ngx_str_t             host;          /* empty: any */
    ngx_str_t             keytab;        /* full, NUL-terminated; empty: the
                                            library's */
    ngx_uint_t            strip;         /* our own realm, from users */
    gss_cred_id_t         cred;          /* of this worker; NULL at first */
};


static ngx_int_t ngx_debar_negotiate_cred(ngx_debar_negotiate_t *n,
    ngx_log_t *log);
static ngx_int_t ngx_debar_negotiate_accept(ngx_debar_negotiate_t *n,
    ngx_pool_t *pool, ngx_log_t *log, ngx_str_t *token,
    ngx_debar_login_t *login);
static ngx_int_t ngx_debar_negotiate_user(ngx_debar_negotiate_t *n,
    ngx_pool_t *pool, ngx_log_t *log, gss_ctx_id_t ctx, gss_name_t name,
    ngx_debar_login_t *login);
static ngx_uint_t ngx_debar_negotiate_ours(ngx_debar_negotiate_t *n,
    ngx_str_t *target);
static ngx_int_t ngx_debar_negotiate_display(ngx_pool_t *pool,
    gss_name_t name, ngx_str_t *text);
static ngx_int_t ngx_debar_negotiate_reply(ngx_pool_t *pool,
    gss_buffer_t token, ngx_str_t *reply);
static void ngx_debar_negotiate_log(ngx_uint_t level, ngx_log_t *log,
    const char *what, OM_uint32 major, OM_uint32 minor);
static void ngx_debar_negotiate_cleanup(void *data);


static gss_OID_desc  ngx_debar_negotiate_mechs[] = {
    { 9, (void *) "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02" },  /* Kerberos 5 */
    { 6, (void *) "\x2b\x06\x01\x05\x05\x02" }               /* SPNEGO */
};


ngx_int_t
ngx_debar_user_negotiate(ngx_debar_negotiate_t *n, ngx_pool_t *pool,
    ngx_log_t *log, debar_str_t field, ngx_debar_login_t *login)
{
    ngx_str_t  encoded, token;

    static ngx_str_t  ntlm = ngx_string("NTLMSSP");

    encoded.data = (u_char *) field.data + sizeof("Negotiate ") - 1;
    encoded.len = field.len - (sizeof("Negotiate ") - 1);

    token.data = ngx_pnalloc(pool, ngx_base64_decoded_length(encoded.len));
    if (token.data == NULL) {
        return NGX_ERROR;
    }

    if (ngx_decode_base64(&token, &encoded) != NGX_OK || token.len == 0) {
        ngx_log_error(NGX_LOG_INFO, log, 0,
                      "debar: a token of Negotiate that is not base64");
        return NGX_DECLINED;
    }

    if (token.len >= ntlm.len
        && ngx_memcmp(token.data, ntlm.data, ntlm.len) == 0)
    {
        ngx_log_error(NGX_LOG_INFO, log, 0,
                      "debar: a token of NTLM: only Kerberos is taken; the "
                      "client has no ticket for this gateway's name");
        return NGX_DECLINED;
    }

    if (ngx_debar_negotiate_cred(n, log) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_debar_negotiate_accept(n, pool, log, &token, login);
}


/* Without a name: importing one may ask the DNS, and the target is checked. */

static ngx_int_t
ngx_debar_negotiate_cred(ngx_debar_negotiate_t *n, ngx_log_t *log)
{
    OM_uint32                    major, minor;
    gss_OID_set_desc             mechs;
    gss_key_value_set_desc       store;
    gss_key_value_element_desc   keytab;

    if (n->cred != GSS_C_NO_CREDENTIAL) {
        return NGX_OK;
    }

    mechs.count = 2;
    mechs.elements = ngx_debar_negotiate_mechs;

    keytab.key = "keytab";
    keytab.value = (char *) n->keytab.data;

    store.count = 1;
    store.elements = &keytab;

    major = gss_acquire_cred_from(&minor, GSS_C_NO_NAME, GSS_C_INDEFINITE,
                                  &mechs, GSS_C_ACCEPT,
                                  n->keytab.len ? &store
                                                : GSS_C_NO_CRED_STORE,
                                  &n->cred, NULL, NULL);

    if (GSS_ERROR(major)) {
        n->cred = GSS_C_NO_CREDENTIAL;
        ngx_debar_negotiate_log(NGX_LOG_CRIT, log, "no key in the keytab",
                                major, minor);
        return NGX_ERROR;
    }

    mechs.count = 1;
    major = gss_set_neg_mechs(&minor, n->cred, &mechs);

    if (GSS_ERROR(major)) {
        (void) gss_release_cred(&minor, &n->cred);
        n->cred = GSS_C_NO_CREDENTIAL;
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_debar_negotiate_accept(ngx_debar_negotiate_t *n, ngx_pool_t *pool,
    ngx_log_t *log, ngx_str_t *token, ngx_debar_login_t *login)
{
    gss_OID          mech;
    OM_uint32        major, minor, flags, ignored;
    ngx_int_t        rc;
    gss_name_t       name;
    gss_ctx_id_t     ctx;
    gss_buffer_desc  in, out;

    in.value = token->data;
    in.length = token->len;
    out.value = NULL;
    out.length = 0;
    ctx = GSS_C_NO_CONTEXT;
    name = GSS_C_NO_NAME;
    mech = GSS_C_NO_OID;
    flags = 0;

    major = gss_accept_sec_context(&minor, &ctx, n->cred, &in,
                                   GSS_C_NO_CHANNEL_BINDINGS, &name, &mech,
                                   &out, &flags, NULL, NULL);
    rc = NGX_DECLINED;

    if (GSS_ERROR(major)) {
        ngx_debar_negotiate_log(NGX_LOG_INFO, log, "a ticket is refused",
                                major, minor);

    } else if (major & GSS_S_CONTINUE_NEEDED) {
        ngx_log_error(NGX_LOG_INFO, log, 0,
                      "debar: Negotiate that wants another leg is refused");

    } else if (mech == GSS_C_NO_OID
               || mech->length != ngx_debar_negotiate_mechs[0].length
               || ngx_memcmp(mech->elements,
                             ngx_debar_negotiate_mechs[0].elements,
                             mech->length) != 0
               || (flags & GSS_C_ANON_FLAG))
    {
        ngx_log_error(NGX_LOG_INFO, log, 0,
                      "debar: Negotiate by other than a user's ticket is "
                      "refused");

    } else {
        rc = ngx_debar_negotiate_user(n, pool, log, ctx, name, login);
    }

    if (rc == NGX_OK && out.length) {
        rc = ngx_debar_negotiate_reply(pool, &out, &login->reply);
    }

    (void) gss_release_buffer(&ignored, &out);
    (void) gss_release_name(&ignored, &name);
    (void) gss_delete_sec_context(&ignored, &ctx, GSS_C_NO_BUFFER);

    return rc;
}


static ngx_int_t
ngx_debar_negotiate_user(ngx_debar_negotiate_t *n, ngx_pool_t *pool,
    ngx_log_t *log, gss_ctx_id_t ctx, gss_name_t name,
    ngx_debar_login_t *login)
{
    size_t       len;
    OM_uint32    major, minor;
    ngx_str_t    user, target;
    gss_name_t   self;

    self = GSS_C_NO_NAME;

    major = gss_inquire_context(&minor, ctx, NULL, &self, NULL, NULL, NULL,
                                NULL, NULL);

    if (GSS_ERROR(major)
        || ngx_debar_negotiate_display(pool, self, &target) != NGX_OK
        || ngx_debar_negotiate_display(pool, name, &user) != NGX_OK)
    {
        (void) gss_release_name(&minor, &self);
        ngx_log_error(NGX_LOG_INFO, log, 0,
                      "debar: a ticket with names that are not taken");
        return NGX_DECLINED;
    }

    (void) gss_release_name(&minor, &self);

    if (!ngx_debar_negotiate_ours(n, &target)) {
        ngx_log_error(NGX_LOG_INFO, log, 0,
                      "debar: a ticket for \"%V\", not for the service of "
                      "debar_negotiate, is refused", &target);
        return NGX_DECLINED;
    }

    /* users of another realm keep theirs: they are others */

    if (n->strip) {
        for (len = target.len; len && target.data[len - 1] != '@'; len--) {
            /* void */
        }

        /* "@REALM" */

        len = len ? target.len - len + 1 : 0;

        if (len && user.len > len
            && ngx_memcmp(user.data + user.len - len,
                          target.data + target.len - len, len) == 0)
        {
            user.len -= len;
        }
    }

    login->user = user;

    return NGX_OK;
}


/* "HTTP/gateway.agency.example@REALM": the service, and the host if one is
 * asked for. */

static ngx_uint_t
ngx_debar_negotiate_ours(ngx_debar_negotiate_t *n, ngx_str_t *target)
{
    u_char  *p, *last;

    p = target->data;
    last = p + target->len;

    if (target->len <= n->service.len
        || ngx_memcmp(p, n->service.data, n->service.len) != 0
        || p[n->service.len] != '/')
    {
        return 0;
    }

    p += n->service.len + 1;

    if (n->host.len == 0) {
        return 1;
    }

    return (size_t) (last - p) > n->host.len
           && ngx_strncasecmp(p, n->host.data, n->host.len) == 0
           && p[n->host.len] == '@';
}


static ngx_int_t
ngx_debar_negotiate_display(ngx_pool_t *pool, gss_name_t name,
    ngx_str_t *text)
{
    size_t            i;
    OM_uint32         minor;
    ngx_int_t         rc;
    gss_buffer_desc   shown;

    if (name == GSS_C_NO_NAME
        || GSS_ERROR(gss_display_name(&minor, name, &shown, NULL)))
    {
        return NGX_ERROR;
    }

    rc = (shown.length && shown.length <= NGX_DEBAR_USER_NAME) ? NGX_OK
                                                               : NGX_ERROR;

    for (i = 0; rc == NGX_OK && i < shown.length; i++) {
        if (((u_char *) shown.value)[i] < ' '
            || ((u_char *) shown.value)[i] == 0x7f)
        {
            rc = NGX_ERROR;
        }
    }

    if (rc == NGX_OK) {
        text->len = shown.length;
        text->data = ngx_pnalloc(pool, shown.length);

        if (text->data) {
            ngx_memcpy(text->data, shown.value, shown.length);

        } else {
            rc = NGX_ERROR;
        }
    }

    (void) gss_release_buffer(&minor, &shown);

    return rc;
}


static ngx_int_t
ngx_debar_negotiate_reply(ngx_pool_t *pool, gss_buffer_t token,
    ngx_str_t *reply)
{
    u_char     *p;
    ngx_str_t   plain, encoded;

    /* answers of Kerberos are short: a longer one is not worth an answer's
     * head */

    if (token->length > NGX_DEBAR_USER_REPLY / 4 * 3 - 16) {
        return NGX_OK;
    }

    plain.data = token->value;
    plain.len = token->length;

    p = ngx_pnalloc(pool, sizeof("Negotiate ") - 1
                          + ngx_base64_encoded_length(plain.len));
    if (p == NULL) {
        return NGX_ERROR;
    }

    reply->data = p;
    encoded.data = ngx_cpymem(p, "Negotiate ", sizeof("Negotiate ") - 1);

    ngx_encode_base64(&encoded, &plain);

    reply->len = sizeof("Negotiate ") - 1 + encoded.len;

    return NGX_OK;
}


static void
ngx_debar_negotiate_log(ngx_uint_t level, ngx_log_t *log, const char *what,
    OM_uint32 major, OM_uint32 minor)
{
    OM_uint32        ignored, more;
    gss_buffer_desc  general, own;

    ngx_str_t  none = ngx_null_string;

    general.length = own.length = 0;
    general.value = own.value = none.data;
    more = 0;

    (void) gss_display_status(&ignored, major, GSS_C_GSS_CODE, GSS_C_NO_OID,
                              &more, &general);
    more = 0;
    (void) gss_display_status(&ignored, minor, GSS_C_MECH_CODE,
                              &ngx_debar_negotiate_mechs[0], &more, &own);

    ngx_log_error(level, log, 0, "debar: %s: %*s: %*s", what,
                  (size_t) general.length, general.value,
                  (size_t) own.length, own.value);

    (void) gss_release_buffer(&ignored, &general);
    (void) gss_release_buffer(&ignored, &own);
}


static char *
ngx_debar_negotiate_parameter(ngx_conf_t *cf, ngx_debar_negotiate_t *n,
    ngx_str_t *value)
{
    u_char    *at;
    ngx_fd_t   fd;

    if (ngx_strcmp(value->data, "strip-realm") == 0) {
        n->strip = 1;
        return NGX_CONF_OK;
    }

    if (ngx_strncmp(value->data, "service=", 8) == 0 && value->len > 8) {
        n->service.data = value->data + 8;
        n->service.len = value->len - 8;

        at = ngx_strlchr(n->service.data, value->data + value->len, '@');

        if (at) {
            n->service.len = at - n->service.data;
            n->host.data = at + 1;
            n->host.len = value->data + value->len - n->host.data;
        }

        if (n->service.len && (at == NULL || n->host.len)) {
            return NGX_CONF_OK;
        }
    }

    if (ngx_strncmp(value->data, "keytab=", 7) == 0 && value->len > 7) {
        n->keytab.data = value->data + 7;
        n->keytab.len = value->len - 7;

        if (ngx_conf_full_name(cf->cycle, &n->keytab, 1) != NGX_OK) {
            return NGX_CONF_ERROR;
        }

        fd = ngx_open_file(n->keytab.data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

        if (fd == NGX_INVALID_FILE) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                               ngx_open_file_n " \"%V\" failed", &n->keytab);
            return NGX_CONF_ERROR;
        }

        (void) ngx_close_file(fd);

        return NGX_CONF_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid parameter \"%V\": \"debar_negotiate on\" takes "
                       "service=NAME[@HOST], keytab=FILE and strip-realm",
                       value);

    return NGX_CONF_ERROR;
}


static ngx_debar_negotiate_t *
ngx_debar_negotiate_create(ngx_conf_t *cf)
{
    ngx_str_t              *value;
    ngx_uint_t              i;
    ngx_pool_cleanup_t     *cln;
    ngx_debar_negotiate_t  *n;

    n = ngx_pcalloc(cf->pool, sizeof(ngx_debar_negotiate_t));
    cln = ngx_pool_cleanup_add(cf->pool, 0);

    if (n == NULL || cln == NULL) {
        return NULL;
    }

    cln->handler = ngx_debar_negotiate_cleanup;
    cln->data = n;

    n->cred = GSS_C_NO_CREDENTIAL;
    ngx_str_set(&n->service, "HTTP");

    value = cf->args->elts;

    for (i = 2; i < cf->args->nelts; i++) {
        if (ngx_debar_negotiate_parameter(cf, n, &value[i]) != NGX_CONF_OK) {
            return NULL;
        }
    }

    return n;
}


/* A worker's credentials hold files open, and end with its configuration. */

static void
ngx_debar_negotiate_cleanup(void *data)
{
    ngx_debar_negotiate_t  *n = data;

    OM_uint32  minor;

    if (n->cred != GSS_C_NO_CREDENTIAL) {
        (void) gss_release_cred(&minor, &n->cred);
        n->cred = GSS_C_NO_CREDENTIAL;
    }
}

#else

ngx_int_t
ngx_debar_user_negotiate(ngx_debar_negotiate_t *n, ngx_pool_t *pool,
    ngx_log_t *log, debar_str_t field, ngx_debar_login_t *login)
{
    return NGX_DECLINED;
}


static ngx_debar_negotiate_t *
ngx_debar_negotiate_create(ngx_conf_t *cf)
{
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"debar_negotiate on\" needs modules that are built "
                       "with GSSAPI: install libkrb5-dev and build them again");
    return NULL;
}

#endif


char *
ngx_debar_negotiate_directive(ngx_conf_t *cf, ngx_debar_negotiate_t **np)
{
    ngx_str_t  *value;

    if (*np != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0 && cf->args->nelts == 2) {
        *np = NULL;
        return NGX_CONF_OK;
    }

    if (ngx_strcmp(value[1].data, "on") != 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid value \"%V\": \"debar_negotiate\" is off, "
                           "or on with what it needs", &value[1]);
        return NGX_CONF_ERROR;
    }

    *np = ngx_debar_negotiate_create(cf);

    return *np ? NGX_CONF_OK : NGX_CONF_ERROR;
}
