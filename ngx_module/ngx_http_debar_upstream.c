
/*
 * upstream NAME {
 *     debar_pin [keepalive=N] [idle=TIME] [requests=N] [sessions=N];
 * }
 *
 * Requests that pass to it are sent to the addresses that were pinned when
 * they were checked (_pin.c); what is kept between requests is in _store.c.
 */


#include "ngx_http_debar_upstream.h"
#include "ngx_debar_compat.h"


static ngx_int_t ngx_http_debar_pin_number(ngx_str_t *value, const char *name,
    ngx_uint_t *np);
static ngx_int_t ngx_http_debar_pin_parameter(ngx_http_debar_pin_conf_t *pcf,
    ngx_str_t *value);
static ngx_int_t ngx_http_debar_pin_init_upstream(ngx_conf_t *cf,
    ngx_http_upstream_srv_conf_t *us);
static char *ngx_http_debar_pin_no_stock(ngx_conf_t *cf);


char *
ngx_http_debar_pin(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t                     *value;
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
    pcf->sessions = NGX_HTTP_DEBAR_PIN_SESSIONS;
    pcf->idle = NGX_HTTP_DEBAR_PIN_IDLE;
    pcf->requests = NGX_HTTP_DEBAR_PIN_REQUESTS;

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_http_debar_pin_parameter(pcf, &value[i]) != NGX_OK) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\" of \"debar_pin\"; it "
                               "takes keepalive=0..%d, sessions=0..%d, "
                               "idle=TIME and requests=N, from 1", &value[i],
                               NGX_HTTP_DEBAR_PIN_MAX, NGX_HTTP_DEBAR_PIN_MAX);
            return NGX_CONF_ERROR;
        }
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
}


static ngx_int_t
ngx_http_debar_pin_parameter(ngx_http_debar_pin_conf_t *pcf, ngx_str_t *value)
{
    ngx_int_t  rc, n;
    ngx_str_t  s;

    rc = ngx_http_debar_pin_number(value, "keepalive=", &pcf->keepalive);

    if (rc == NGX_DECLINED) {
        rc = ngx_http_debar_pin_number(value, "sessions=", &pcf->sessions);
    }

    if (rc != NGX_DECLINED) {
        return (pcf->keepalive > NGX_HTTP_DEBAR_PIN_MAX
                || pcf->sessions > NGX_HTTP_DEBAR_PIN_MAX) ? NGX_ERROR : rc;
    }

    rc = ngx_http_debar_pin_number(value, "requests=", &pcf->requests);

    if (rc != NGX_DECLINED) {
        return pcf->requests ? rc : NGX_ERROR;
    }

    if (ngx_strncmp(value->data, "idle=", 5) != 0) {
        return NGX_ERROR;
    }

    s.data = value->data + 5;
    s.len = value->len - 5;
    n = ngx_parse_time(&s, 0);

    if (n == NGX_ERROR || n == 0) {
        return NGX_ERROR;
    }

    pcf->idle = n;

    return NGX_OK;
}


/* NGX_DECLINED: it is not of this name. */

static ngx_int_t
ngx_http_debar_pin_number(ngx_str_t *value, const char *name, ngx_uint_t *np)
{
    size_t     len;
    ngx_int_t  n;

    len = ngx_strlen(name);

    if (ngx_strncmp(value->data, name, len) != 0) {
        return NGX_DECLINED;
    }

    n = ngx_atoi(value->data + len, value->len - len);

    if (n == NGX_ERROR) {
        return NGX_ERROR;
    }

    *np = n;

    return NGX_OK;
}


static ngx_int_t
ngx_http_debar_pin_init_upstream(ngx_conf_t *cf,
    ngx_http_upstream_srv_conf_t *us)
{
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

    return ngx_http_debar_store_init(cf, us->peer.data);
}


/* Says "keepalive 0" in this block where the stock module would step in. */

static char *
ngx_http_debar_pin_no_stock(ngx_conf_t *cf)
{
#if (NGX_DEBAR_STOCK_KEEPALIVE_BY_DEFAULT)

    void          *conf;
    ngx_uint_t     i;
    ngx_module_t  *module;

    for (i = 0; cf->cycle->modules[i]; i++) {
        module = cf->cycle->modules[i];

        if (ngx_strcmp(module->name, "ngx_http_upstream_keepalive_module")
            != 0)
        {
            continue;
        }

        conf = ((ngx_http_conf_ctx_t *) cf->ctx)->srv_conf[module->ctx_index];

        if (ngx_http_debar_say(cf, module, conf, "keepalive", "0")
            != NGX_CONF_OK)
        {
            return "must stand alone, without \"keepalive\"";
        }
    }

#endif

    return NGX_CONF_OK;
}


char *
ngx_http_debar_say(ngx_conf_t *cf, ngx_module_t *module, void *conf,
    char *name, char *argument)
{
    char           *rv;
    ngx_str_t      *value;
    ngx_array_t     args, *saved;
    ngx_command_t  *cmd;

    if (ngx_array_init(&args, cf->pool, 2, sizeof(ngx_str_t)) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    value = ngx_array_push_n(&args, 2);
    if (value == NULL) {
        return NGX_CONF_ERROR;
    }

    value[0].data = (u_char *) name;
    value[0].len = ngx_strlen(name);
    value[1].data = (u_char *) argument;
    value[1].len = ngx_strlen(argument);

    for (cmd = module->commands; cmd->name.len; cmd++) {

        if (cmd->name.len != value[0].len
            || ngx_strncmp(cmd->name.data, value[0].data, value[0].len) != 0)
        {
            continue;
        }

        saved = cf->args;
        cf->args = &args;

        rv = cmd->set(cf, cmd, conf);

        cf->args = saved;

        return rv;
    }

    return "needs a directive that this nginx does not have";
}
