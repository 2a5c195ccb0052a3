/*
 * Directives of the http module, their merging, and a worker's start and end.
 * README.md of this folder has every directive.
 */

#include "ngx_http_debar.h"
#include "period.h"


#define NGX_HTTP_DEBAR_NAMES  8192       /* names that a worker remembers */


static void *ngx_http_debar_create_main_conf(ngx_conf_t *cf);
static void *ngx_http_debar_create_srv_conf(ngx_conf_t *cf);
static void *ngx_http_debar_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_debar_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);
static char *ngx_http_debar_check(ngx_conf_t *cf,
    ngx_http_debar_loc_conf_t *conf);
static char *ngx_http_debar_list(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_debar_audit(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_debar_audit_keep(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_debar_audit_url(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_debar_audit_person(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_debar_break_glass(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_debar_user(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_debar_htpasswd(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_debar_negotiate(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_debar_page(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_debar_status(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_debar_allow(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_debar_connect_port(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_debar_parent(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_debar_geo(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_debar_report(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static ngx_int_t ngx_http_debar_init(ngx_conf_t *cf);
static ngx_int_t ngx_http_debar_init_process(ngx_cycle_t *cycle);
static void ngx_http_debar_exit_process(ngx_cycle_t *cycle);
static void ngx_http_debar_list_changed(ngx_debar_list_t *l);


static ngx_conf_enum_t  ngx_http_debar_modes[] = {
    { ngx_string("enforce"), NGX_DEBAR_ENFORCE },
    { ngx_string("monitor"), NGX_DEBAR_MONITOR },
    { ngx_null_string, 0 }
};


static ngx_conf_enum_t  ngx_http_debar_ranges[] = {
    { ngx_string("strip"), NGX_HTTP_DEBAR_RANGES_STRIP },
    { ngx_string("pass"), NGX_HTTP_DEBAR_RANGES_PASS },
    { ngx_null_string, 0 }
};


static ngx_conf_enum_t  ngx_http_debar_actions[] = {
    { ngx_string("pass"), DEBAR_PASS },
    { ngx_string("log"), DEBAR_LOG },
    { ngx_string("block"), DEBAR_BLOCK },
    { ngx_null_string, 0 }
};


static ngx_conf_enum_t  ngx_http_debar_staples[] = {
    { ngx_string("off"), NGX_HTTP_DEBAR_STAPLE_OFF },
    { ngx_string("check"), NGX_HTTP_DEBAR_STAPLE_CHECK },
    { ngx_string("require"), NGX_HTTP_DEBAR_STAPLE_REQUIRE },
    { ngx_null_string, 0 }
};


static ngx_conf_enum_t  ngx_http_debar_client_certificates[] = {
    { ngx_string("splice"), NGX_HTTP_DEBAR_CLIENT_SPLICE },
    { ngx_string("refuse"), NGX_HTTP_DEBAR_CLIENT_REFUSE },
    { ngx_null_string, 0 }
};


static ngx_conf_enum_t  ngx_http_debar_bodies[] = {
    { ngx_string("off"), NGX_HTTP_DEBAR_BODY_OFF },
    { ngx_string("on"), NGX_HTTP_DEBAR_BODY_ON },
    { ngx_string("stream"), NGX_HTTP_DEBAR_BODY_STREAM },
    { ngx_null_string, 0 }
};


#define NGX_HTTP_DEBAR_CONF                                                   \
    NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF


static ngx_command_t  ngx_http_debar_commands[] = {

    { ngx_string("debar"),
      NGX_HTTP_DEBAR_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_debar_loc_conf_t, enable),
      NULL },

    { ngx_string("debar_list"),
      NGX_HTTP_DEBAR_CONF|NGX_CONF_TAKE12,
      ngx_http_debar_list,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("debar_mode"),
      NGX_HTTP_DEBAR_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_debar_loc_conf_t, mode),
      ngx_http_debar_modes },

    { ngx_string("debar_audit"),
      NGX_HTTP_DEBAR_CONF|NGX_CONF_TAKE123,
      ngx_http_debar_audit,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("debar_audit_keep"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE12,
      ngx_http_debar_audit_keep,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("debar_audit_url"),
      NGX_HTTP_DEBAR_CONF|NGX_CONF_TAKE1,
      ngx_http_debar_audit_url,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("debar_audit_user"),
      NGX_HTTP_DEBAR_CONF|NGX_CONF_TAKE12,
      ngx_http_debar_audit_person,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("debar_audit_client"),
      NGX_HTTP_DEBAR_CONF|NGX_CONF_TAKE12,
      ngx_http_debar_audit_person,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("debar_on_failure"),
      NGX_HTTP_DEBAR_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_debar_loc_conf_t, on_failure),
      ngx_debar_failures },

    { ngx_string("debar_expired"),
      NGX_HTTP_DEBAR_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_debar_loc_conf_t, expired),
      ngx_debar_expiries },

    { ngx_string("debar_user"),
      NGX_HTTP_DEBAR_CONF|NGX_CONF_TAKE12,
      ngx_http_debar_user,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("debar_htpasswd"),
      NGX_HTTP_DEBAR_CONF|NGX_CONF_TAKE1,
      ngx_http_debar_htpasswd,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("debar_negotiate"),
      NGX_HTTP_DEBAR_CONF|NGX_CONF_1MORE,
      ngx_http_debar_negotiate,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("debar_page"),
      NGX_HTTP_DEBAR_CONF|NGX_CONF_TAKE1,
      ngx_http_debar_page,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("debar_status"),
      NGX_HTTP_DEBAR_CONF|NGX_CONF_TAKE1,
      ngx_http_debar_status,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("debar_contact"),
      NGX_HTTP_DEBAR_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_debar_loc_conf_t, contact),
      NULL },

    { ngx_string("debar_gateway"),
      NGX_HTTP_DEBAR_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_debar_loc_conf_t, gateway),
      NULL },

    { ngx_string("debar_allow_destination"),
      NGX_HTTP_DEBAR_CONF|NGX_CONF_1MORE,
      ngx_http_debar_allow,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("debar_connect_port"),
      NGX_HTTP_DEBAR_CONF|NGX_CONF_1MORE,
      ngx_http_debar_connect_port,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("debar_parent"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_CONF_TAKE123,
      ngx_http_debar_parent,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("debar_geo"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_debar_geo,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("debar_report"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_http_debar_report,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("debar_break_glass"),
      NGX_HTTP_DEBAR_CONF|NGX_CONF_TAKE12,
      ngx_http_debar_break_glass,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("debar_inspect"),
      NGX_HTTP_SRV_CONF|NGX_CONF_NOARGS,
      ngx_http_debar_inspect,
      NGX_HTTP_SRV_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("debar_fault"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_http_debar_fault,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("debar_websocket"),
      NGX_HTTP_DEBAR_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_debar_loc_conf_t, websocket),
      ngx_http_debar_actions },

    { ngx_string("debar_body"),
      NGX_HTTP_DEBAR_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_debar_loc_conf_t, body),
      ngx_http_debar_bodies },

    { ngx_string("debar_dialect"),
      NGX_HTTP_DEBAR_CONF|NGX_CONF_1MORE,
      ngx_http_debar_dialect,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("debar_body_limits"),
      NGX_HTTP_DEBAR_CONF|NGX_CONF_1MORE,
      ngx_http_debar_body_limits,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("debar_response"),
      NGX_HTTP_DEBAR_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_debar_loc_conf_t, response),
      NULL },

    { ngx_string("debar_response_limits"),
      NGX_HTTP_DEBAR_CONF|NGX_CONF_TAKE123,
      ngx_http_debar_response_limits,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("debar_download"),
      NGX_HTTP_DEBAR_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_debar_loc_conf_t, download),
      NULL },

    { ngx_string("debar_inspector"),
      NGX_HTTP_DEBAR_CONF|NGX_CONF_TAKE1,
      ngx_http_debar_inspector_conf,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("debar_inspect_timeout"),
      NGX_HTTP_DEBAR_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_debar_loc_conf_t, inspect_timeout),
      NULL },

    { ngx_string("debar_on_inspect_failure"),
      NGX_HTTP_DEBAR_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_debar_loc_conf_t, on_failed),
      &ngx_http_debar_actions },

    { ngx_string("debar_on_sealed"),
      NGX_HTTP_DEBAR_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_debar_loc_conf_t, on_sealed),
      &ngx_http_debar_actions },

    { ngx_string("debar_on_unread"),
      NGX_HTTP_DEBAR_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_debar_loc_conf_t, on_unread),
      &ngx_http_debar_actions },

    { ngx_string("debar_download_temp_path"),
      NGX_HTTP_DEBAR_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_path_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_debar_loc_conf_t, download_temp),
      NULL },

    { ngx_string("debar_download_limits"),
      NGX_HTTP_DEBAR_CONF|NGX_CONF_1MORE,
      ngx_http_debar_download_limits,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("debar_tail_hold"),
      NGX_HTTP_DEBAR_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_size_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_debar_loc_conf_t, tail_hold),
      NULL },

    { ngx_string("debar_ranges"),
      NGX_HTTP_DEBAR_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_debar_loc_conf_t, ranges),
      &ngx_http_debar_ranges },

    { ngx_string("debar_staple"),
      NGX_HTTP_DEBAR_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_debar_loc_conf_t, staple),
      ngx_http_debar_staples },

    { ngx_string("debar_client_certificate"),
      NGX_HTTP_DEBAR_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_debar_loc_conf_t, client_certificate),
      ngx_http_debar_client_certificates },

    { ngx_string("debar_pin"),
      NGX_HTTP_UPS_CONF|NGX_CONF_ANY,
      ngx_http_debar_pin,
      NGX_HTTP_SRV_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_debar_module_ctx = {
    ngx_http_debar_add_variables,          /* preconfiguration */
    ngx_http_debar_init,                   /* postconfiguration */

    ngx_http_debar_create_main_conf,       /* create main configuration */
    NULL,                                  /* init main configuration */

    ngx_http_debar_create_srv_conf,        /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_debar_create_loc_conf,        /* create location configuration */
    ngx_http_debar_merge_loc_conf          /* merge location configuration */
};


ngx_module_t  ngx_http_debar_module = {
    NGX_MODULE_V1,
    &ngx_http_debar_module_ctx,            /* module context */
    ngx_http_debar_commands,               /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    ngx_http_debar_init_process,           /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_http_debar_exit_process,           /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static void *
ngx_http_debar_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_debar_main_conf_t  *mcf;

    mcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_debar_main_conf_t));
    if (mcf == NULL) {
        return NULL;
    }

    if (ngx_array_init(&mcf->lists, cf->pool, 4, sizeof(ngx_debar_list_t *))
        != NGX_OK
        || ngx_array_init(&mcf->audits, cf->pool, 4,
                          sizeof(ngx_debar_audit_t *))
           != NGX_OK)
    {
        return NULL;
    }

    mcf->page = ngx_http_debar_page_builtin(cf);
    if (mcf->page == NULL) {
        return NULL;
    }

    return mcf;
}


static void *
ngx_http_debar_create_srv_conf(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(ngx_http_debar_srv_conf_t));
}


static void *
ngx_http_debar_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_debar_loc_conf_t  *conf;

    conf = ngx_pcalloc(cf->pool, sizeof(ngx_http_debar_loc_conf_t));
    if (conf == NULL) {
        return NULL;
    }

    conf->enable = NGX_CONF_UNSET;
    conf->list = NGX_CONF_UNSET_PTR;
    conf->mode = NGX_CONF_UNSET_UINT;
    conf->on_failure = NGX_CONF_UNSET_UINT;
    conf->expired = NGX_CONF_UNSET_UINT;
    conf->status = NGX_CONF_UNSET_UINT;
    conf->staple = NGX_CONF_UNSET_UINT;
    conf->client_certificate = NGX_CONF_UNSET_UINT;
    conf->websocket = NGX_CONF_UNSET_UINT;
    conf->body = NGX_CONF_UNSET_UINT;
    conf->cxml_status = NGX_CONF_UNSET_UINT;
    conf->x12_status = NGX_CONF_UNSET_UINT;
    conf->edifact_status = NGX_CONF_UNSET_UINT;
    conf->response = NGX_CONF_UNSET;
    conf->response_head = NGX_CONF_UNSET_SIZE;
    conf->response_held = NGX_CONF_UNSET_SIZE;
    conf->response_wait = NGX_CONF_UNSET_MSEC;

    ngx_http_debar_download_unset(conf);

    conf->glass = NGX_CONF_UNSET_PTR;
    conf->audit = NGX_CONF_UNSET_PTR;
    conf->user = NGX_CONF_UNSET;
    ngx_debar_users_init(&conf->users);
    conf->page = NGX_CONF_UNSET_PTR;
    conf->allow = NGX_CONF_UNSET_PTR;
    conf->parent_proxy = NGX_CONF_UNSET_PTR;
    conf->ports = NGX_CONF_UNSET_PTR;

    return conf;
}


static char *
ngx_http_debar_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_debar_loc_conf_t   *prev = parent;
    ngx_http_debar_loc_conf_t   *conf = child;

    ngx_http_debar_loc_conf_t   *up;
    ngx_http_debar_main_conf_t  *mcf;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_debar_module);

    ngx_conf_merge_value(conf->enable, prev->enable, 0);
    ngx_conf_merge_ptr_value(conf->list, prev->list, NULL);
    ngx_conf_merge_uint_value(conf->mode, prev->mode, NGX_DEBAR_ENFORCE);
    ngx_conf_merge_uint_value(conf->on_failure, prev->on_failure,
                              NGX_DEBAR_BLOCK);
    ngx_conf_merge_uint_value(conf->expired, prev->expired,
                              NGX_DEBAR_KEEP);
    ngx_conf_merge_uint_value(conf->status, prev->status,
                              NGX_HTTP_FORBIDDEN);
    ngx_conf_merge_uint_value(conf->websocket, prev->websocket, DEBAR_LOG);
    ngx_conf_merge_uint_value(conf->body, prev->body, NGX_HTTP_DEBAR_BODY_ON);

    ngx_conf_merge_uint_value(conf->cxml_status, prev->cxml_status, 0);
    ngx_conf_merge_uint_value(conf->x12_status, prev->x12_status, 0);
    ngx_conf_merge_uint_value(conf->edifact_status, prev->edifact_status, 0);

    ngx_conf_merge_value(conf->response, prev->response, 1);
    ngx_conf_merge_size_value(conf->response_head, prev->response_head, 65536);
    ngx_conf_merge_size_value(conf->response_held, prev->response_held,
                              1024 * 1024);
    ngx_conf_merge_msec_value(conf->response_wait, prev->response_wait, 100);

    if (ngx_http_debar_download_merge(cf, prev, conf) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    if (!conf->limits_set) {
        conf->limits = prev->limits;
        conf->limits_set = prev->limits_set;
    }

    ngx_conf_merge_ptr_value(conf->glass, prev->glass, NULL);
    ngx_conf_merge_uint_value(conf->staple, prev->staple,
                              NGX_HTTP_DEBAR_STAPLE_CHECK);
    ngx_conf_merge_uint_value(conf->client_certificate,
                              prev->client_certificate,
                              NGX_HTTP_DEBAR_CLIENT_SPLICE);
    ngx_conf_merge_ptr_value(conf->page, prev->page, mcf->page);
    ngx_conf_merge_ptr_value(conf->allow, prev->allow, NULL);
    ngx_conf_merge_ptr_value(conf->parent_proxy, prev->parent_proxy, NULL);
    ngx_conf_merge_ptr_value(conf->ports, prev->ports, NULL);
    ngx_conf_merge_str_value(conf->contact, prev->contact, "");

    if (conf->audit == NGX_CONF_UNSET_PTR) {
        conf->audit_all = prev->audit_all;
        conf->audit_pass = prev->audit_pass;
    }

    ngx_conf_merge_ptr_value(conf->audit, prev->audit, NULL);
    ngx_debar_privacy_merge(&conf->privacy, &prev->privacy);

    if (conf->user == NGX_CONF_UNSET) {
        conf->user_verified = prev->user_verified;
    }

    ngx_conf_merge_value(conf->user, prev->user, NGX_ERROR);
    ngx_debar_users_merge(&conf->users, &prev->users);

    if (conf->gateway.data == NULL) {
        conf->gateway = prev->gateway.data ? prev->gateway
                                           : cf->cycle->hostname;
    }

    conf->parent = prev;

    if (conf->enable && !conf->report) {
        for (up = prev; up && up->enable != 1 && !up->within; up = up->parent) {
            up->within = conf;
        }
    }

    return ngx_http_debar_check(cf, conf);
}


/* What can be known before the first request. */

static char *
ngx_http_debar_check(ngx_conf_t *cf, ngx_http_debar_loc_conf_t *conf)
{
    char                      *block;
    ngx_http_core_loc_conf_t  *clcf;

    if (!conf->enable || conf->report) {
        return NGX_CONF_OK;
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    block = clcf->name.len ? "location " : "server";

    if (conf->list == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"debar on\" needs a \"debar_list\" in %s%V or around "
                      "it", block, &clcf->name);
        return NGX_CONF_ERROR;
    }

    if (clcf->resolver == NULL || clcf->resolver->connections.nelts == 0) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"debar on\" needs a \"resolver\" in %s%V or around it: "
                      "names are resolved here, once", block, &clcf->name);
        return NGX_CONF_ERROR;
    }

    if (conf->audit == NULL) {
        ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                      "\"debar on\" without a \"debar_audit\" in %s%V: no "
                      "verdict is recorded", block, &clcf->name);
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_debar_list(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_debar_loc_conf_t   *dlcf = conf;
    ngx_http_debar_main_conf_t  *mcf;

    if (dlcf->list != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_debar_module);

    return ngx_debar_list_directive(cf, &mcf->lists, &dlcf->list);
}


static char *
ngx_http_debar_audit(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_debar_loc_conf_t   *dlcf = conf;
    ngx_http_debar_main_conf_t  *mcf;

    if (dlcf->audit != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_debar_module);

    return ngx_debar_audit_directive(cf, &mcf->audits, &dlcf->audit,
                                     &dlcf->audit_all, &dlcf->audit_pass);
}


/* For the sealer, which reads it here: nginx sees to it that it can. */

static char *
ngx_http_debar_audit_keep(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_debar_main_conf_t  *mcf = conf;

    int64_t      keep, searchable;
    ngx_str_t   *value;

    value = cf->args->elts;
    keep = searchable = 0;

    if (mcf->audit_keep) {
        return "is duplicate";
    }

    mcf->audit_keep = 1;

    if (cf->args->nelts == 2 && ngx_strcmp(value[1].data, "off") == 0) {
        return NGX_CONF_OK;
    }

    if (debar_period_before(&keep, 0, (char *) value[1].data, value[1].len)
        != DEBAR_OK)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid value \"%V\": \"debar_audit_keep\" takes "
                           "\"off\", or a time like 12mo, 30mo, 400d or 2y, "
                           "up to 100 years", &value[1]);
        return NGX_CONF_ERROR;
    }

    if (cf->args->nelts == 2) {
        return NGX_CONF_OK;
    }

    if (ngx_strncmp(value[2].data, "searchable=", 11) != 0
        || debar_period_before(&searchable, 0, (char *) value[2].data + 11,
                               value[2].len - 11) != DEBAR_OK
        || searchable < keep)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%V\": \"debar_audit_keep\" "
                           "takes \"searchable=TIME\", a time like 6mo that is "
                           "not longer than what is kept", &value[2]);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_debar_audit_url(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_debar_loc_conf_t  *dlcf = conf;

    return ngx_debar_privacy_url(cf, &dlcf->privacy);
}


static char *
ngx_http_debar_audit_person(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_debar_loc_conf_t  *dlcf = conf;

    return ngx_debar_privacy_person(cf, &dlcf->privacy,
                                    cmd->name.data[12] == 'u');
}


static char *
ngx_http_debar_break_glass(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_debar_loc_conf_t  *dlcf = conf;

    return ngx_debar_glass_directive(cf, &dlcf->glass);
}


static char *
ngx_http_debar_user(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_debar_loc_conf_t  *dlcf = conf;

    ngx_str_t   *value, name;
    ngx_uint_t   i;

    static const char  *sent[] = { "http_", "arg_", "cookie_" };

    if (dlcf->user != NGX_CONF_UNSET) {
        return "is duplicate";
    }

    value = cf->args->elts;
    name = value[1];

    if (name.len < 2 || name.data[0] != '$') {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid variable name \"%V\": \"debar_user\" takes "
                           "one variable, such as $remote_user", &value[1]);
        return NGX_CONF_ERROR;
    }

    name.data++;
    name.len--;

    if (cf->args->nelts == 3) {

        if (ngx_strcmp(value[2].data, "verified") != 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\": \"verified\" is what "
                               "\"debar_user\" takes", &value[2]);
            return NGX_CONF_ERROR;
        }

        for (i = 0; i < sizeof(sent) / sizeof(sent[0]); i++) {
            if (ngx_strncasecmp(name.data, (u_char *) sent[i],
                                ngx_strlen(sent[i]))
                == 0)
            {
                ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                                   "\"%V\" is what the client says: it cannot "
                                   "be \"verified\"", &value[1]);
                return NGX_CONF_ERROR;
            }
        }

        dlcf->user_verified = 1;
    }

    dlcf->user = ngx_http_get_variable_index(cf, &name);

    return dlcf->user == NGX_ERROR ? NGX_CONF_ERROR : NGX_CONF_OK;
}


static char *
ngx_http_debar_htpasswd(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_debar_loc_conf_t  *dlcf = conf;

    return ngx_debar_htpasswd_directive(cf, &dlcf->users.htpasswd);
}


static char *
ngx_http_debar_negotiate(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_debar_loc_conf_t  *dlcf = conf;

    return ngx_debar_negotiate_directive(cf, &dlcf->users.negotiate);
}


static char *
ngx_http_debar_page(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_debar_loc_conf_t  *dlcf = conf;

    ngx_str_t  *value;

    if (dlcf->page != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    dlcf->page = ngx_http_debar_page_load(cf, &value[1]);

    return dlcf->page ? NGX_CONF_OK : NGX_CONF_ERROR;
}


static char *
ngx_http_debar_status(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_debar_loc_conf_t  *dlcf = conf;

    return ngx_debar_status_directive(cf, &dlcf->status);
}


static char *
ngx_http_debar_allow(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_debar_loc_conf_t  *dlcf = conf;

    return ngx_debar_allow_directive(cf, &dlcf->allow);
}


static char *
ngx_http_debar_connect_port(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_debar_loc_conf_t  *dlcf = conf;

    return ngx_debar_port_directive(cf, &dlcf->ports);
}


static char *
ngx_http_debar_parent(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_debar_loc_conf_t  *dlcf = conf;

    return ngx_debar_parent_directive(cf, &dlcf->parent_proxy);
}


static char *
ngx_http_debar_geo(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_debar_main_conf_t  *mcf = conf;

    ngx_str_t  *value;

    if (mcf->geo == NULL) {
        mcf->geo = ngx_debar_geo_create(cf);
        if (mcf->geo == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    value = cf->args->elts;

    return ngx_debar_geo_add(cf, mcf->geo, &value[1]);
}


static char *
ngx_http_debar_report(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_debar_loc_conf_t  *dlcf = conf;

    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    clcf->handler = ngx_http_debar_report_handler;
    dlcf->report = 1;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_debar_init(ngx_conf_t *cf)
{
    ngx_uint_t                   n;
    ngx_http_handler_pt         *h;
    ngx_http_core_main_conf_t   *cmcf;
    ngx_http_debar_main_conf_t  *mcf;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_debar_module);
    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    if (mcf->lists.nelts > NGX_HTTP_DEBAR_LISTS) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "%ui different lists in \"debar_list\": at most %d are "
                      "possible", mcf->lists.nelts, NGX_HTTP_DEBAR_LISTS);
        return NGX_ERROR;
    }

    if (ngx_http_debar_inspect_init(cf) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_http_debar_error_init(cf) != NGX_OK
        || ngx_http_debar_flow_init(cf) != NGX_OK
        || ngx_http_debar_body_init(cf) != NGX_OK
        || ngx_http_debar_download_init(cf) != NGX_OK
        || ngx_http_debar_response_init(cf) != NGX_OK)
    {
        return NGX_ERROR;
    }

    mcf->learned = ngx_debar_learned_zone(cf);

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_PREACCESS_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_debar_handler;

    /* of a phase's handlers the last one comes first */

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_PREACCESS_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_debar_user_handler;

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_LOG_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    /* before the access log, so that it can tell the verdict */

    h = cmcf->phases[NGX_HTTP_LOG_PHASE].handlers.elts;
    n = cmcf->phases[NGX_HTTP_LOG_PHASE].handlers.nelts;

    ngx_memmove(h + 1, h, (n - 1) * sizeof(ngx_http_handler_pt));
    *h = ngx_http_debar_log_handler;

    return ngx_http_debar_zone(cf, mcf);
}


static ngx_int_t
ngx_http_debar_init_process(ngx_cycle_t *cycle)
{
    ngx_uint_t                    i;
    ngx_debar_list_t            **lp;
    ngx_debar_audit_t           **ap;
    ngx_http_debar_main_conf_t   *mcf;

    mcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_debar_module);

    if (mcf == NULL || mcf->lists.nelts == 0) {
        return NGX_OK;
    }

    /* the cache manager and the cache loader come here too */

    if (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE)
    {
        return NGX_OK;
    }

    mcf->scratch = ngx_pcalloc(cycle->pool, sizeof(debar_verdict_t));
    mcf->names = ngx_debar_names_create(cycle->pool, NGX_HTTP_DEBAR_NAMES);

    if (mcf->scratch == NULL || mcf->names == NULL) {
        return NGX_ERROR;
    }

    ngx_http_debar_slot_init(cycle, mcf);

    ap = mcf->audits.elts;

    for (i = 0; i < mcf->audits.nelts; i++) {
        ngx_debar_audit_init_worker(ap[i], cycle->log);
    }

    lp = mcf->lists.elts;

    for (i = 0; i < mcf->lists.nelts; i++) {

        lp[i]->changed = ngx_http_debar_list_changed;
        lp[i]->data = mcf;

        if (ngx_debar_list_init_worker(cycle, lp[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    ngx_http_debar_slot_lists(mcf);

    return NGX_OK;
}


static void
ngx_http_debar_exit_process(ngx_cycle_t *cycle)
{
    ngx_uint_t                    i;
    ngx_debar_list_t            **lp;
    ngx_http_debar_main_conf_t   *mcf;

    mcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_debar_module);

    if (mcf == NULL || mcf->scratch == NULL) {
        return;
    }

    lp = mcf->lists.elts;

    for (i = 0; i < mcf->lists.nelts; i++) {
        ngx_debar_list_exit_worker(lp[i]);
    }
}


static void
ngx_http_debar_list_changed(ngx_debar_list_t *l)
{
    ngx_http_debar_slot_lists(l->data);
}
