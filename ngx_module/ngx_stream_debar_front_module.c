/*
 * The directives of the front.  The list, the mode and the audit file of a
 * front are those of its server, as for "debar on".
 */

#include "ngx_stream_debar_front.h"


static void *ngx_stream_debar_front_create_conf(ngx_conf_t *cf);
static char *ngx_stream_debar_front_merge_conf(ngx_conf_t *cf, void *parent,
    void *child);
static char *ngx_stream_debar_front(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_stream_debar_sign(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_stream_debar_splice(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_stream_debar_parent(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_stream_debar_connect_port(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_stream_debar_htpasswd(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_stream_debar_negotiate(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_stream_debar_allow(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_stream_debar_status(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static ngx_int_t ngx_stream_debar_front_init_process(ngx_cycle_t *cycle);
static ngx_int_t ngx_stream_debar_front_init_leaves(ngx_cycle_t *cycle);


static ngx_conf_enum_t  ngx_stream_debar_no_sni[] = {
    { ngx_string("pass"), DEBAR_PASS },
    { ngx_string("log"), DEBAR_LOG },
    { ngx_string("block"), DEBAR_BLOCK },
    { ngx_null_string, 0 }
};


static ngx_conf_enum_t  ngx_stream_debar_ech[] = {
    { ngx_string("log"), DEBAR_LOG },
    { ngx_string("block"), DEBAR_BLOCK },
    { ngx_null_string, 0 }
};


static ngx_conf_enum_t  ngx_stream_debar_other[] = {
    { ngx_string("pass"), DEBAR_PASS },
    { ngx_string("block"), DEBAR_BLOCK },
    { ngx_null_string, 0 }
};


#define ngx_stream_debar_directive(name, args, set, field, post)              \
    { ngx_string(name),                                                       \
      NGX_STREAM_MAIN_CONF|NGX_STREAM_SRV_CONF|args,                          \
      set,                                                                    \
      NGX_STREAM_SRV_CONF_OFFSET,                                             \
      offsetof(ngx_stream_debar_front_conf_t, field),                         \
      post }


static ngx_command_t  ngx_stream_debar_front_commands[] = {

    { ngx_string("debar_front"),
      NGX_STREAM_SRV_CONF|NGX_CONF_TAKE23,
      ngx_stream_debar_front,
      NGX_STREAM_SRV_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("debar_inner"),
      NGX_STREAM_UPS_CONF|NGX_CONF_TAKE12,
      ngx_stream_debar_inner,
      0,
      0,
      NULL },

    { ngx_string("debar_tunnel"),
      NGX_STREAM_UPS_CONF|NGX_CONF_NOARGS,
      ngx_stream_debar_tunnel,
      0,
      0,
      NULL },

    ngx_stream_debar_directive("debar_sign", NGX_CONF_1MORE,
        ngx_stream_debar_sign, leaves, NULL),

    ngx_stream_debar_directive("debar_splice", NGX_CONF_1MORE,
        ngx_stream_debar_splice, splice, NULL),

    ngx_stream_debar_directive("debar_parent", NGX_CONF_TAKE123,
        ngx_stream_debar_parent, parent, NULL),

    ngx_stream_debar_directive("debar_head_timeout", NGX_CONF_TAKE1,
        ngx_conf_set_msec_slot, head_timeout, NULL),

    ngx_stream_debar_directive("debar_connect_timeout", NGX_CONF_TAKE1,
        ngx_conf_set_msec_slot, connect_timeout, NULL),

    ngx_stream_debar_directive("debar_hello_timeout", NGX_CONF_TAKE1,
        ngx_conf_set_msec_slot, hello_timeout, NULL),

    ngx_stream_debar_directive("debar_connect_port", NGX_CONF_1MORE,
        ngx_stream_debar_connect_port, ports, NULL),

    ngx_stream_debar_directive("debar_allow_destination", NGX_CONF_1MORE,
        ngx_stream_debar_allow, allow, NULL),

    ngx_stream_debar_directive("debar_status", NGX_CONF_TAKE1,
        ngx_stream_debar_status, status, NULL),

    ngx_stream_debar_directive("debar_on_failure", NGX_CONF_TAKE1,
        ngx_conf_set_enum_slot, on_failure, ngx_debar_failures),

    ngx_stream_debar_directive("debar_expired", NGX_CONF_TAKE1,
        ngx_conf_set_enum_slot, expired, ngx_debar_expiries),

    ngx_stream_debar_directive("debar_no_sni", NGX_CONF_TAKE1,
        ngx_conf_set_enum_slot, no_sni, ngx_stream_debar_no_sni),

    ngx_stream_debar_directive("debar_ech", NGX_CONF_TAKE1,
        ngx_conf_set_enum_slot, ech, ngx_stream_debar_ech),

    ngx_stream_debar_directive("debar_tunnel_other", NGX_CONF_TAKE1,
        ngx_conf_set_enum_slot, other, ngx_stream_debar_other),

    ngx_stream_debar_directive("debar_contact", NGX_CONF_TAKE1,
        ngx_conf_set_str_slot, contact, NULL),

    ngx_stream_debar_directive("debar_htpasswd", NGX_CONF_TAKE1,
        ngx_stream_debar_htpasswd, users, NULL),

    ngx_stream_debar_directive("debar_negotiate", NGX_CONF_1MORE,
        ngx_stream_debar_negotiate, users, NULL),

      ngx_null_command
};


static ngx_stream_module_t  ngx_stream_debar_front_module_ctx = {
    NULL,                                  /* preconfiguration */
    NULL,                                  /* postconfiguration */

    NULL,                                  /* create main configuration */
    NULL,                                  /* init main configuration */

    ngx_stream_debar_front_create_conf,    /* create server configuration */
    ngx_stream_debar_front_merge_conf      /* merge server configuration */
};


ngx_module_t  ngx_stream_debar_front_module = {
    NGX_MODULE_V1,
    &ngx_stream_debar_front_module_ctx,    /* module context */
    ngx_stream_debar_front_commands,       /* module directives */
    NGX_STREAM_MODULE,                     /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    ngx_stream_debar_front_init_process,   /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static void *
ngx_stream_debar_front_create_conf(ngx_conf_t *cf)
{
    ngx_stream_debar_front_conf_t  *conf;

    conf = ngx_pcalloc(cf->pool, sizeof(ngx_stream_debar_front_conf_t));
    if (conf == NULL) {
        return NULL;
    }

    conf->leaves = NGX_CONF_UNSET_PTR;
    conf->splice = NGX_CONF_UNSET_PTR;
    conf->parent = NGX_CONF_UNSET_PTR;
    conf->head_timeout = NGX_CONF_UNSET_MSEC;
    conf->connect_timeout = NGX_CONF_UNSET_MSEC;
    conf->hello_timeout = NGX_CONF_UNSET_MSEC;
    conf->ports = NGX_CONF_UNSET_PTR;
    conf->allow = NGX_CONF_UNSET_PTR;
    conf->status = NGX_CONF_UNSET_UINT;
    conf->on_failure = NGX_CONF_UNSET_UINT;
    conf->expired = NGX_CONF_UNSET_UINT;
    conf->no_sni = NGX_CONF_UNSET_UINT;
    conf->ech = NGX_CONF_UNSET_UINT;
    conf->other = NGX_CONF_UNSET_UINT;
    ngx_debar_users_init(&conf->users);

    return conf;
}


static char *
ngx_stream_debar_front_merge_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_stream_debar_front_conf_t  *prev = parent;
    ngx_stream_debar_front_conf_t  *conf = child;

    ngx_stream_core_srv_conf_t     *cscf;
    ngx_stream_debar_srv_conf_t    *dscf;

    ngx_conf_merge_ptr_value(conf->leaves, prev->leaves, NULL);
    ngx_conf_merge_ptr_value(conf->splice, prev->splice, NULL);
    ngx_conf_merge_ptr_value(conf->parent, prev->parent, NULL);
    ngx_conf_merge_msec_value(conf->head_timeout, prev->head_timeout, 10000);
    ngx_conf_merge_msec_value(conf->connect_timeout, prev->connect_timeout,
                              5000);
    ngx_conf_merge_msec_value(conf->hello_timeout, prev->hello_timeout, 3000);
    ngx_conf_merge_ptr_value(conf->ports, prev->ports, NULL);
    ngx_conf_merge_ptr_value(conf->allow, prev->allow, NULL);
    ngx_conf_merge_uint_value(conf->status, prev->status, 403);
    ngx_conf_merge_uint_value(conf->on_failure, prev->on_failure,
                              NGX_DEBAR_BLOCK);
    ngx_conf_merge_uint_value(conf->expired, prev->expired,
                              NGX_DEBAR_KEEP);
    ngx_conf_merge_uint_value(conf->no_sni, prev->no_sni, DEBAR_LOG);
    ngx_conf_merge_uint_value(conf->ech, prev->ech, DEBAR_LOG);
    ngx_conf_merge_uint_value(conf->other, prev->other, DEBAR_BLOCK);
    ngx_conf_merge_str_value(conf->contact, prev->contact, "");
    ngx_debar_users_merge(&conf->users, &prev->users);

    if (!conf->enable) {
        return NGX_CONF_OK;
    }

    dscf = ngx_stream_conf_get_module_srv_conf(cf, ngx_stream_debar_module);
    cscf = ngx_stream_conf_get_module_srv_conf(cf, ngx_stream_core_module);

    if (dscf->list == NULL || dscf->enable) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"debar_front\" needs a \"debar_list\", and judges by "
                      "itself: \"debar on\" is for a server of its own, in "
                      "%s:%ui", cscf->file_name, cscf->line);
        return NGX_CONF_ERROR;
    }

    if ((conf->enable & NGX_STREAM_DEBAR_INSPECT) && conf->leaves == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"debar_front\" with \"inspect=\" needs a "
                      "\"debar_sign unix:PATH\", the socket of \"debar sign\", "
                      "in %s:%ui", cscf->file_name, cscf->line);
        return NGX_CONF_ERROR;
    }

    if (dscf->audit == NULL) {
        ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                      "\"debar_front\" without a \"debar_audit\": no verdict "
                      "is recorded");
    }

    return NGX_CONF_OK;
}


static char *
ngx_stream_debar_front(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_stream_debar_front_conf_t  *dfcf = conf;

    ngx_int_t                    rc;
    ngx_str_t                   *value, name;
    ngx_uint_t                   i, bit;
    ngx_listening_t            **ls;
    ngx_connection_handler_pt    handler;
    ngx_stream_core_srv_conf_t  *cscf;

    if (dfcf->enable) {
        return "is duplicate";
    }

    cscf = ngx_stream_conf_get_module_srv_conf(cf, ngx_stream_core_module);
    cscf->handler = ngx_stream_debar_front_handler;

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_strncmp(value[i].data, "http=", 5) == 0) {
            name.data = value[i].data + 5;
            name.len = value[i].len - 5;
            handler = ngx_http_init_connection;
            ls = &dfcf->http;
            bit = NGX_STREAM_DEBAR_HTTP;

        } else if (ngx_strncmp(value[i].data, "tunnel=", 7) == 0) {
            name.data = value[i].data + 7;
            name.len = value[i].len - 7;
            handler = ngx_stream_init_connection;
            ls = &dfcf->tunnel;
            bit = NGX_STREAM_DEBAR_TUNNEL;

        } else if (ngx_strncmp(value[i].data, "inspect=", 8) == 0) {
            name.data = value[i].data + 8;
            name.len = value[i].len - 8;
            handler = ngx_http_init_connection;
            ls = &dfcf->inspect;
            bit = NGX_STREAM_DEBAR_INSPECT;

        } else {
            name.len = 0;
            handler = NULL;
            ls = NULL;
            bit = 0;
        }

        if (name.len == 0 || (dfcf->enable & bit)) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\": \"debar_front\" "
                               "takes http=NAME, tunnel=NAME and "
                               "inspect=NAME, of servers with \"listen unix:"
                               NGX_DEBAR_FRONT_PREFIX "NAME\"", &value[i]);
            return NGX_CONF_ERROR;
        }

        dfcf->enable |= bit;

        rc = ngx_debar_front_target(cf, &name, handler,
                                    bit == NGX_STREAM_DEBAR_INSPECT, ls);

        if (rc != NGX_OK) {
            return NGX_CONF_ERROR;
        }
    }

    if ((dfcf->enable & NGX_STREAM_DEBAR_TARGETS) != NGX_STREAM_DEBAR_TARGETS) {
        return "needs both http=NAME and tunnel=NAME";
    }

    return NGX_CONF_OK;
}


static char *
ngx_stream_debar_sign(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_stream_debar_front_conf_t  *dfcf = conf;

    if (dfcf->leaves != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    return ngx_debar_leaves_directive(cf, &dfcf->leaves);
}


static char *
ngx_stream_debar_splice(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_stream_debar_front_conf_t  *dfcf = conf;

    return ngx_debar_splice_directive(cf, &dfcf->splice);
}


static char *
ngx_stream_debar_parent(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_stream_debar_front_conf_t  *dfcf = conf;

    return ngx_debar_parent_directive(cf, &dfcf->parent);
}


static char *
ngx_stream_debar_connect_port(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_stream_debar_front_conf_t  *dfcf = conf;

    return ngx_debar_port_directive(cf, &dfcf->ports);
}


static char *
ngx_stream_debar_htpasswd(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_stream_debar_front_conf_t  *dfcf = conf;

    return ngx_debar_htpasswd_directive(cf, &dfcf->users.htpasswd);
}


static char *
ngx_stream_debar_negotiate(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_stream_debar_front_conf_t  *dfcf = conf;

    return ngx_debar_negotiate_directive(cf, &dfcf->users.negotiate);
}


static char *
ngx_stream_debar_allow(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_stream_debar_front_conf_t  *dfcf = conf;

    return ngx_debar_allow_directive(cf, &dfcf->allow);
}


static char *
ngx_stream_debar_status(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_stream_debar_front_conf_t  *dfcf = conf;

    return ngx_debar_status_directive(cf, &dfcf->status);
}


/* What a worker looks at what it peeked in. */

static ngx_int_t
ngx_stream_debar_front_init_process(ngx_cycle_t *cycle)
{
    ngx_stream_debar_main_conf_t  *mcf;

    if (ngx_get_conf(cycle->conf_ctx, ngx_stream_module) == NULL) {
        return NGX_OK;
    }

    mcf = ngx_stream_cycle_get_module_main_conf(cycle,
                                                ngx_stream_debar_module);

    if (mcf == NULL || mcf->scratch == NULL) {
        return NGX_OK;
    }

    mcf->peeked = ngx_palloc(cycle->pool, NGX_STREAM_DEBAR_PEEK);
    mcf->hello = ngx_palloc(cycle->pool, DEBAR_MAX_HELLO);

    if (mcf->peeked == NULL || mcf->hello == NULL) {
        return NGX_ERROR;
    }

    return ngx_stream_debar_front_init_leaves(cycle);
}


/* Servers may share what is said above them: each object once. */

static ngx_int_t
ngx_stream_debar_front_init_leaves(ngx_cycle_t *cycle)
{
    ngx_uint_t                      i, j;
    ngx_stream_core_srv_conf_t    **cscfp;
    ngx_stream_core_main_conf_t    *cmcf;
    ngx_stream_debar_front_conf_t  *dfcf, *before;

    cmcf = ngx_stream_cycle_get_module_main_conf(cycle,
                                                 ngx_stream_core_module);
    cscfp = cmcf->servers.elts;

    for (i = 0; i < cmcf->servers.nelts; i++) {
        dfcf = cscfp[i]->ctx->srv_conf
                   [ngx_stream_debar_front_module.ctx_index];

        if (dfcf->inspect == NULL) {
            continue;
        }

        for (j = 0; j < i; j++) {
            before = cscfp[j]->ctx->srv_conf
                         [ngx_stream_debar_front_module.ctx_index];

            if (before->inspect && before->leaves == dfcf->leaves) {
                break;
            }
        }

        if (j == i
            && ngx_debar_leaves_init_worker(cycle, dfcf->leaves) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}
