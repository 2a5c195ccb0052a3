/*
 * The core module that takes virtual listens out of the cycle: only a core
 * module sees the configuration when the whole of it was read and no socket
 * has been opened yet.
 */

#include "ngx_debar_front.h"

#include <ngx_http.h>


typedef struct {
    ngx_str_t                   name;
    ngx_connection_handler_pt   handler;
    ngx_uint_t                  tls;
    ngx_listening_t           **ls;
    u_char                     *file;
    ngx_uint_t                  line;
} ngx_debar_front_target_t;

typedef struct {
    ngx_array_t                 targets;   /* of ngx_debar_front_target_t */
    ngx_array_t                 listens;   /* of ngx_listening_t */
} ngx_debar_front_conf_t;


static void *ngx_debar_front_create_conf(ngx_cycle_t *cycle);
static char *ngx_debar_front_init_conf(ngx_cycle_t *cycle, void *conf);
static ngx_int_t ngx_debar_front_take(ngx_cycle_t *cycle,
    ngx_debar_front_conf_t *fcf);
static ngx_uint_t ngx_debar_front_virtual(ngx_listening_t *ls, ngx_str_t *name);
static ngx_uint_t ngx_debar_front_tls(ngx_listening_t *ls);
static ngx_int_t ngx_debar_front_init_module(ngx_cycle_t *cycle);


static ngx_core_module_t  ngx_debar_front_module_ctx = {
    ngx_string("debar_front"),
    ngx_debar_front_create_conf,
    ngx_debar_front_init_conf
};


static ngx_command_t  ngx_debar_front_commands[] = {
      ngx_null_command
};


ngx_module_t  ngx_debar_front_module = {
    NGX_MODULE_V1,
    &ngx_debar_front_module_ctx,           /* module context */
    ngx_debar_front_commands,              /* module directives */
    NGX_CORE_MODULE,                       /* module type */
    NULL,                                  /* init master */
    ngx_debar_front_init_module,           /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


ngx_int_t
ngx_debar_front_target(ngx_conf_t *cf, ngx_str_t *name,
    ngx_connection_handler_pt handler, ngx_uint_t tls, ngx_listening_t **ls)
{
    ngx_debar_front_conf_t    *fcf;
    ngx_debar_front_target_t  *t;

    fcf = (ngx_debar_front_conf_t *) ngx_get_conf(cf->cycle->conf_ctx,
                                                  ngx_debar_front_module);

    t = ngx_array_push(&fcf->targets);
    if (t == NULL) {
        return NGX_ERROR;
    }

    t->name = *name;
    t->handler = handler;
    t->tls = tls;
    t->ls = ls;
    t->file = cf->conf_file->file.name.data;
    t->line = cf->conf_file->line;

    return NGX_OK;
}


static void *
ngx_debar_front_create_conf(ngx_cycle_t *cycle)
{
    ngx_debar_front_conf_t  *fcf;

    fcf = ngx_pcalloc(cycle->pool, sizeof(ngx_debar_front_conf_t));
    if (fcf == NULL) {
        return NULL;
    }

    if (ngx_array_init(&fcf->targets, cycle->pool, 4,
                       sizeof(ngx_debar_front_target_t))
        != NGX_OK)
    {
        return NULL;
    }

    return fcf;
}


static char *
ngx_debar_front_init_conf(ngx_cycle_t *cycle, void *conf)
{
    ngx_debar_front_conf_t  *fcf = conf;

    ngx_str_t                  name;
    ngx_uint_t                 i, j;
    ngx_listening_t           *ls;
    ngx_debar_front_target_t  *t;

    if (ngx_debar_front_take(cycle, fcf) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    t = fcf->targets.elts;
    ls = fcf->listens.elts;

    for (i = 0; i < fcf->targets.nelts; i++) {

        for (j = 0; j < fcf->listens.nelts; j++) {

            if (ngx_debar_front_virtual(&ls[j], &name)
                && ls[j].handler == t[i].handler
                && name.len == t[i].name.len
                && ngx_memcmp(name.data, t[i].name.data, name.len) == 0)
            {
                *t[i].ls = &ls[j];
                break;
            }
        }

        if (j == fcf->listens.nelts) {
            ngx_log_error(NGX_LOG_EMERG, cycle->log, 0,
                          "\"debar_front\" hands connections to \"%V\", and no "
                          "such server has \"listen unix:"
                          NGX_DEBAR_FRONT_PREFIX "%V\" in %s:%ui",
                          &t[i].name, &t[i].name, t[i].file, t[i].line);
            return NGX_CONF_ERROR;
        }

        if (ngx_debar_front_tls(&ls[j]) != t[i].tls) {
            ngx_log_error(NGX_LOG_EMERG, cycle->log, 0,
                          "\"debar_front\" hands connections to \"%V\", whose "
                          "\"listen unix:" NGX_DEBAR_FRONT_PREFIX "%V\" must "
                          "%s \"ssl\" for that, in %s:%ui",
                          &t[i].name, &t[i].name,
                          t[i].tls ? "have" : "not have", t[i].file,
                          t[i].line);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


/* Virtual listens go to a list of our own, the others close ranks. */

static ngx_int_t
ngx_debar_front_take(ngx_cycle_t *cycle, ngx_debar_front_conf_t *fcf)
{
    ngx_str_t         name;
    ngx_uint_t        i, n;
    ngx_listening_t  *ls, *own;

    if (ngx_array_init(&fcf->listens, cycle->pool,
                       cycle->listening.nelts ? cycle->listening.nelts : 1,
                       sizeof(ngx_listening_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ls = cycle->listening.elts;
    n = 0;

    for (i = 0; i < cycle->listening.nelts; i++) {

        if (!ngx_debar_front_virtual(&ls[i], &name)) {
            if (n != i) {
                ls[n] = ls[i];
            }

            n++;
            continue;
        }

        /* there is room for all of them: none is moved later */

        own = ngx_array_push(&fcf->listens);
        if (own == NULL) {
            return NGX_ERROR;
        }

        *own = ls[i];
    }

    cycle->listening.nelts = n;

    return NGX_OK;
}


static ngx_uint_t
ngx_debar_front_virtual(ngx_listening_t *ls, ngx_str_t *name)
{
#if (NGX_HAVE_UNIX_DOMAIN)
    struct sockaddr_un  *sun;

    if (ls->sockaddr->sa_family != AF_UNIX) {
        return 0;
    }

    sun = (struct sockaddr_un *) ls->sockaddr;

    if (ngx_strncmp(sun->sun_path, NGX_DEBAR_FRONT_PREFIX,
                    sizeof(NGX_DEBAR_FRONT_PREFIX) - 1)
        == 0)
    {
        name->data = (u_char *) sun->sun_path
                     + sizeof(NGX_DEBAR_FRONT_PREFIX) - 1;
        name->len = ngx_strlen(name->data);
        return 1;
    }
#endif

    return 0;
}


static ngx_uint_t
ngx_debar_front_tls(ngx_listening_t *ls)
{
    ngx_http_port_t     *port;
    ngx_http_in_addr_t  *addr;

    if (ls->handler != ngx_http_init_connection) {
        return 0;
    }

    port = ls->servers;
    addr = port->addrs;

    return addr->conf.ssl;
}


/* As ngx_configure_listening_sockets() does for those that are bound. */

static ngx_int_t
ngx_debar_front_init_module(ngx_cycle_t *cycle)
{
    ngx_uint_t               i;
    ngx_listening_t         *ls;
    ngx_debar_front_conf_t  *fcf;

    fcf = (ngx_debar_front_conf_t *) ngx_get_conf(cycle->conf_ctx,
                                                  ngx_debar_front_module);

    ls = fcf->listens.elts;

    for (i = 0; i < fcf->listens.nelts; i++) {
        ls[i].log = *ls[i].logp;
    }

    return NGX_OK;
}
