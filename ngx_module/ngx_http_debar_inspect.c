/*
 * Requests inside of a tunnel that the front handed on: whom they may name, and
 * the leaf that their server shows.
 */

#include "ngx_http_debar.h"


static ngx_uint_t ngx_http_debar_scheme(debar_str_t scheme, const char *name);

#if (NGX_HTTP_SSL)
static int ngx_http_debar_show_leaf(ngx_ssl_conn_t *ssl, void *arg);
#endif


ngx_debar_front_t *
ngx_http_debar_front(ngx_http_request_t *r)
{
    ngx_debar_front_t  *front;

    front = ngx_debar_front_get(r->connection);

    return (front && front->kind != NGX_DEBAR_FRONT_DIRECT) ? front : NULL;
}


const char *
ngx_http_debar_front_fault(ngx_debar_front_t *front, const debar_facts_t *f,
    const debar_verdict_t *v)
{
    unsigned  port;

    if (front == NULL) {
        if (f->connect || ngx_http_debar_scheme(f->scheme, "http")) {
            return NULL;
        }

        return "a scheme other than http: https goes through CONNECT";
    }

    if (front->kind == NGX_DEBAR_FRONT_INSPECTED) {

        if (!ngx_http_debar_scheme(f->scheme, "https")) {
            return "a scheme other than https inside of TLS";
        }

        port = v->port ? v->port : 443;

    } else {

        if (!ngx_http_debar_scheme(f->scheme, "http")) {
            return "a scheme other than http without TLS";
        }

        port = v->port ? v->port : 80;
    }

    if (v->host.len == 0) {
        return NULL;                     /* refused already */
    }

    if (v->host.len != front->name->len
        || ngx_memcmp(v->host.name, front->name->name, v->host.len) != 0)
    {
        return front->kind == NGX_DEBAR_FRONT_INSPECTED
               ? "Host and the server name of the connection disagree"
               : "Host and the CONNECT around it disagree";
    }

    return (port == front->port) ? NULL
                                 : "Host names another port than its CONNECT";
}


static ngx_uint_t
ngx_http_debar_scheme(debar_str_t scheme, const char *name)
{
    size_t  len;

    len = ngx_strlen(name);

    if (scheme.len == 0) {
        return 1;
    }

    return scheme.len == len
           && ngx_strncasecmp((u_char *) scheme.data, (u_char *) name, len)
              == 0;
}


#if (NGX_HTTP_SSL)

/*
 * "debar_inspect;" in a server: it ends the TLS of tunnels that a front handed
 * over, and shows the leaf that came along.  The stock module wants to know a
 * certificate where it makes the context: it gets one of a variable, which
 * nobody asks for, since our callback takes the place of its own.
 */

char *
ngx_http_debar_inspect(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_debar_srv_conf_t  *dscf = conf;

    char   *rv;
    void   *ssl;
    size_t  i;

    static char  *names[] = { "ssl_certificate", "ssl_certificate_key" };

    if (dscf->inspect) {
        return "is duplicate";
    }

    dscf->inspect = 1;

    ssl = ngx_http_conf_get_module_srv_conf(cf, ngx_http_ssl_module);

    for (i = 0; i < 2; i++) {
        rv = ngx_http_debar_say(cf, &ngx_http_ssl_module, ssl, names[i],
                                "data:$debar_incident");

        if (rv != NGX_CONF_OK) {
            return "shows leaves of its own: no \"ssl_certificate\" stands "
                   "beside it";
        }
    }

    return NGX_CONF_OK;
}


ngx_int_t
ngx_http_debar_inspect_init(ngx_conf_t *cf)
{
    ngx_uint_t                   i;
    ngx_http_ssl_srv_conf_t     *sscf;
    ngx_http_core_srv_conf_t   **cscfp;
    ngx_http_core_main_conf_t   *cmcf;
    ngx_http_debar_srv_conf_t   *dscf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
    cscfp = cmcf->servers.elts;

    for (i = 0; i < cmcf->servers.nelts; i++) {

        dscf = cscfp[i]->ctx->srv_conf[ngx_http_debar_module.ctx_index];

        if (!dscf->inspect) {
            continue;
        }

        sscf = cscfp[i]->ctx->srv_conf[ngx_http_ssl_module.ctx_index];

        if (sscf->ssl.ctx == NULL) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "\"debar_inspect\" needs \"listen unix:"
                          NGX_DEBAR_FRONT_PREFIX "NAME ssl\" in %s:%ui",
                          cscfp[i]->file_name, cscfp[i]->line);
            return NGX_ERROR;
        }

        SSL_CTX_set_cert_cb(sscf->ssl.ctx, ngx_http_debar_show_leaf, NULL);
    }

    return NGX_OK;
}


static int
ngx_http_debar_show_leaf(ngx_ssl_conn_t *ssl, void *arg)
{
    ngx_connection_t   *c;
    ngx_debar_front_t  *front;

    c = ngx_ssl_get_connection(ssl);
    front = ngx_debar_front_get(c);

    if (front == NULL || front->leaf == NULL) {
        ngx_log_error(NGX_LOG_ERR, c->log, 0,
                      "debar_inspect: no front handed this connection over: "
                      "the server is for a virtual listen alone");
        return 0;
    }

    return ngx_debar_leaf_use(front->leaf, ssl) == NGX_OK;
}

#else

char *
ngx_http_debar_inspect(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    return "needs an nginx that was built with its http_ssl_module";
}


ngx_int_t
ngx_http_debar_inspect_init(ngx_conf_t *cf)
{
    return NGX_OK;
}

#endif
