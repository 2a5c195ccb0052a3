/*
 * The stream face: a connection's target, as ssl_preread read it, is judged
 * like the host of a CONNECT before the content handler (proxy_pass) dials.
 *
 * ssl_preread ends the PREREAD phase when it has a name (it returns NGX_OK), so
 * a handler behind it would not run.  Therefore the content handler of a
 * server with "debar on" is ours, and goes on to the one that it replaced.
 */

#include "ngx_stream_debar.h"


static void ngx_stream_debar_handler(ngx_stream_session_t *s);
static void ngx_stream_debar_judge(ngx_stream_session_t *s, ngx_str_t *target,
    debar_verdict_t *v);
static ngx_int_t ngx_stream_debar_record(ngx_stream_session_t *s,
    ngx_stream_debar_ctx_t *ctx, ngx_str_t *target, const debar_verdict_t *v,
    uint64_t started);
static ngx_int_t ngx_stream_debar_verdict_variable(ngx_stream_session_t *s,
    ngx_stream_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_stream_debar_incident_variable(ngx_stream_session_t *s,
    ngx_stream_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_stream_debar_add_variables(ngx_conf_t *cf);
static ngx_int_t ngx_stream_debar_init(ngx_conf_t *cf);
static void *ngx_stream_debar_create_main_conf(ngx_conf_t *cf);
static void *ngx_stream_debar_create_srv_conf(ngx_conf_t *cf);
static char *ngx_stream_debar_merge_srv_conf(ngx_conf_t *cf, void *parent,
    void *child);
static char *ngx_stream_debar_list(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_stream_debar_audit(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_stream_debar_audit_url(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_stream_debar_audit_person(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_stream_debar_break_glass(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static void ngx_stream_debar_share(ngx_cycle_t *cycle,
    ngx_stream_debar_main_conf_t *mcf);
static ngx_int_t ngx_stream_debar_init_process(ngx_cycle_t *cycle);
static void ngx_stream_debar_exit_process(ngx_cycle_t *cycle);


static ngx_conf_enum_t  ngx_stream_debar_modes[] = {
    { ngx_string("enforce"), NGX_DEBAR_ENFORCE },
    { ngx_string("monitor"), NGX_DEBAR_MONITOR },
    { ngx_null_string, 0 }
};


static ngx_command_t  ngx_stream_debar_commands[] = {

    { ngx_string("debar"),
      NGX_STREAM_MAIN_CONF|NGX_STREAM_SRV_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_STREAM_SRV_CONF_OFFSET,
      offsetof(ngx_stream_debar_srv_conf_t, enable),
      NULL },

    { ngx_string("debar_list"),
      NGX_STREAM_MAIN_CONF|NGX_STREAM_SRV_CONF|NGX_CONF_TAKE12,
      ngx_stream_debar_list,
      NGX_STREAM_SRV_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("debar_mode"),
      NGX_STREAM_MAIN_CONF|NGX_STREAM_SRV_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_STREAM_SRV_CONF_OFFSET,
      offsetof(ngx_stream_debar_srv_conf_t, mode),
      ngx_stream_debar_modes },

    { ngx_string("debar_break_glass"),
      NGX_STREAM_MAIN_CONF|NGX_STREAM_SRV_CONF|NGX_CONF_TAKE12,
      ngx_stream_debar_break_glass,
      NGX_STREAM_SRV_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("debar_audit"),
      NGX_STREAM_MAIN_CONF|NGX_STREAM_SRV_CONF|NGX_CONF_TAKE123,
      ngx_stream_debar_audit,
      NGX_STREAM_SRV_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("debar_audit_url"),
      NGX_STREAM_MAIN_CONF|NGX_STREAM_SRV_CONF|NGX_CONF_TAKE1,
      ngx_stream_debar_audit_url,
      NGX_STREAM_SRV_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("debar_audit_user"),
      NGX_STREAM_MAIN_CONF|NGX_STREAM_SRV_CONF|NGX_CONF_TAKE12,
      ngx_stream_debar_audit_person,
      NGX_STREAM_SRV_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("debar_audit_client"),
      NGX_STREAM_MAIN_CONF|NGX_STREAM_SRV_CONF|NGX_CONF_TAKE12,
      ngx_stream_debar_audit_person,
      NGX_STREAM_SRV_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("debar_target"),
      NGX_STREAM_MAIN_CONF|NGX_STREAM_SRV_CONF|NGX_CONF_TAKE1,
      ngx_stream_set_complex_value_slot,
      NGX_STREAM_SRV_CONF_OFFSET,
      offsetof(ngx_stream_debar_srv_conf_t, target),
      NULL },

    { ngx_string("debar_gateway"),
      NGX_STREAM_MAIN_CONF|NGX_STREAM_SRV_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_STREAM_SRV_CONF_OFFSET,
      offsetof(ngx_stream_debar_srv_conf_t, gateway),
      NULL },

      ngx_null_command
};


static ngx_stream_module_t  ngx_stream_debar_module_ctx = {
    ngx_stream_debar_add_variables,        /* preconfiguration */
    ngx_stream_debar_init,                 /* postconfiguration */

    ngx_stream_debar_create_main_conf,     /* create main configuration */
    NULL,                                  /* init main configuration */

    ngx_stream_debar_create_srv_conf,      /* create server configuration */
    ngx_stream_debar_merge_srv_conf        /* merge server configuration */
};


ngx_module_t  ngx_stream_debar_module = {
    NGX_MODULE_V1,
    &ngx_stream_debar_module_ctx,          /* module context */
    ngx_stream_debar_commands,             /* module directives */
    NGX_STREAM_MODULE,                     /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    ngx_stream_debar_init_process,         /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_stream_debar_exit_process,         /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static ngx_stream_variable_t  ngx_stream_debar_variables[] = {

    { ngx_string("debar_verdict"), NULL,
      ngx_stream_debar_verdict_variable, 0, NGX_STREAM_VAR_NOCACHEABLE, 0 },

    { ngx_string("debar_incident"), NULL,
      ngx_stream_debar_incident_variable, 0, NGX_STREAM_VAR_NOCACHEABLE, 0 },

      ngx_stream_null_variable
};


static void
ngx_stream_debar_handler(ngx_stream_session_t *s)
{
    ngx_int_t                      rc;
    uint64_t                       started;
    ngx_str_t                      target;
    debar_verdict_t               *v;
    ngx_stream_debar_ctx_t        *ctx;
    ngx_stream_debar_srv_conf_t   *dscf;
    ngx_stream_debar_main_conf_t  *mcf;

    dscf = ngx_stream_get_module_srv_conf(s, ngx_stream_debar_module);
    mcf = ngx_stream_get_module_main_conf(s, ngx_stream_debar_module);
    v = mcf->scratch;

    ctx = ngx_pcalloc(s->connection->pool, sizeof(ngx_stream_debar_ctx_t));
    if (ctx == NULL
        || ngx_stream_complex_value(s, dscf->target, &target) != NGX_OK)
    {
        ngx_stream_finalize_session(s, NGX_STREAM_INTERNAL_SERVER_ERROR);
        return;
    }

    ngx_stream_set_ctx(s, ctx, ngx_stream_debar_module);

    started = ngx_debar_clock();

    ngx_stream_debar_judge(s, &target, v);

    ctx->action = v->verdict;
    rc = NGX_OK;

    if (v->verdict != DEBAR_PASS || dscf->audit_all) {
        ngx_debar_incident(ctx->incident);

        rc = ngx_stream_debar_record(s, ctx, &target, v, started);
    }

    if (v->verdict == DEBAR_REJECT
        || (v->verdict == DEBAR_BLOCK
            && (ngx_debar_enforced(dscf) || v->fault)))
    {
        ngx_stream_finalize_session(s, NGX_STREAM_FORBIDDEN);
        return;
    }

    if (rc != NGX_OK && !dscf->audit_pass) {
        ngx_stream_finalize_session(s, NGX_STREAM_SERVICE_UNAVAILABLE);
        return;
    }

    dscf->handler(s);
}


/* A target without a name cannot be judged, and is not let through. */

static void
ngx_stream_debar_judge(ngx_stream_session_t *s, ngx_str_t *target,
    debar_verdict_t *v)
{
    debar_facts_t                 f;
    ngx_stream_debar_srv_conf_t  *dscf;

    dscf = ngx_stream_get_module_srv_conf(s, ngx_stream_debar_module);

    if (dscf->list->list == NULL || target->len == 0
        || target->data[0] == ':')
    {
        ngx_stream_debar_none(v);
        v->fault = dscf->list->list ? "no name of a server"
                                    : "there is no list";
        return;
    }

    ngx_memzero(&f, sizeof(debar_facts_t));

    f.method = debar_str("CONNECT", 7);
    f.authority = debar_str((char *) target->data, target->len);
    f.connect = 1;
    f.now = ngx_time();

    f.has_client = ngx_debar_addr(f.client, s->connection->sockaddr);

    debar_judge(dscf->list->list, &f, v);
}


/* A rejection, of which the reason is to be given. */

void
ngx_stream_debar_none(debar_verdict_t *v)
{
    ngx_memzero(v, sizeof(debar_verdict_t));

    v->entry = DEBAR_NONE;
    v->product = DEBAR_NONE;
    v->permit = DEBAR_NONE;
    v->waiver = DEBAR_NONE;
    v->verdict = DEBAR_REJECT;
}


static ngx_int_t
ngx_stream_debar_record(ngx_stream_session_t *s, ngx_stream_debar_ctx_t *ctx,
    ngx_str_t *target, const debar_verdict_t *v, uint64_t started)
{
    char                          out[DEBAR_MAX_RECORD];
    u_char                        client[NGX_SOCKADDR_STRLEN];
    size_t                        len;
    ngx_time_t                   *tp;
    debar_record_t                rec;
    ngx_connection_t             *c;
    ngx_stream_debar_srv_conf_t  *dscf;

    dscf = ngx_stream_get_module_srv_conf(s, ngx_stream_debar_module);

    if (dscf->audit == NULL) {
        return NGX_OK;
    }

    ngx_memzero(&rec, sizeof(debar_record_t));

    c = s->connection;
    tp = ngx_timeofday();

    rec.msec = (int64_t) tp->sec * 1000 + tp->msec;
    ngx_memcpy(rec.incident, ctx->incident, sizeof(rec.incident));

    len = ngx_sock_ntop(c->sockaddr, c->socklen, client, NGX_SOCKADDR_STRLEN,
                        1);

    rec.client = debar_str((char *) client, len);
    rec.gateway = debar_str((char *) dscf->gateway.data, dscf->gateway.len);
    rec.surface = debar_str("tls", 3);
    rec.method = debar_str("CONNECT", 7);
    rec.url = debar_str((char *) target->data, target->len);
    rec.mode = ngx_debar_mode_name(dscf->mode, dscf->glass);
    rec.took_us = (ngx_debar_clock() - started) / 1000;
    rec.privacy = &dscf->privacy.kept;

    len = debar_record_line(out, sizeof(out), &rec, dscf->list->list, v);

    return ngx_debar_audit_write(dscf->audit, (u_char *) out, len, c->log);
}


static ngx_int_t
ngx_stream_debar_verdict_variable(ngx_stream_session_t *s,
    ngx_stream_variable_value_t *v, uintptr_t data)
{
    ngx_stream_debar_ctx_t  *ctx;

    ctx = ngx_stream_get_module_ctx(s, ngx_stream_debar_module);

    if (ctx == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    v->data = (u_char *) debar_action_name(ctx->action);
    v->len = ngx_strlen(v->data);
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}


static ngx_int_t
ngx_stream_debar_incident_variable(ngx_stream_session_t *s,
    ngx_stream_variable_value_t *v, uintptr_t data)
{
    ngx_stream_debar_ctx_t  *ctx;

    ctx = ngx_stream_get_module_ctx(s, ngx_stream_debar_module);

    if (ctx == NULL || ctx->incident[0] == '\0') {
        v->not_found = 1;
        return NGX_OK;
    }

    v->data = (u_char *) ctx->incident;
    v->len = ngx_strlen(ctx->incident);
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}


static ngx_int_t
ngx_stream_debar_add_variables(ngx_conf_t *cf)
{
    ngx_stream_variable_t  *var, *v;

    for (v = ngx_stream_debar_variables; v->name.len; v++) {

        var = ngx_stream_add_variable(cf, &v->name, v->flags);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = v->get_handler;
        var->data = v->data;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_stream_debar_init(ngx_conf_t *cf)
{
    ngx_uint_t                      i;
    ngx_stream_core_srv_conf_t    **cscfp, *cscf;
    ngx_stream_core_main_conf_t    *cmcf;
    ngx_stream_debar_srv_conf_t    *dscf;

    cmcf = ngx_stream_conf_get_module_main_conf(cf, ngx_stream_core_module);
    cscfp = cmcf->servers.elts;

    for (i = 0; i < cmcf->servers.nelts; i++) {
        cscf = cscfp[i];
        dscf = cscf->ctx->srv_conf[ngx_stream_debar_module.ctx_index];

        if (dscf->enable) {
            dscf->handler = cscf->handler;
            cscf->handler = ngx_stream_debar_handler;
        }
    }

    return NGX_OK;
}


static void *
ngx_stream_debar_create_main_conf(ngx_conf_t *cf)
{
    ngx_stream_debar_main_conf_t  *mcf;

    mcf = ngx_pcalloc(cf->pool, sizeof(ngx_stream_debar_main_conf_t));
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

    return mcf;
}


static void *
ngx_stream_debar_create_srv_conf(ngx_conf_t *cf)
{
    ngx_stream_debar_srv_conf_t  *conf;

    conf = ngx_pcalloc(cf->pool, sizeof(ngx_stream_debar_srv_conf_t));
    if (conf == NULL) {
        return NULL;
    }

    conf->enable = NGX_CONF_UNSET;
    conf->list = NGX_CONF_UNSET_PTR;
    conf->mode = NGX_CONF_UNSET_UINT;
    conf->glass = NGX_CONF_UNSET_PTR;
    conf->audit = NGX_CONF_UNSET_PTR;

    return conf;
}


static char *
ngx_stream_debar_merge_srv_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_stream_debar_srv_conf_t  *prev = parent;
    ngx_stream_debar_srv_conf_t  *conf = child;

    ngx_conf_merge_value(conf->enable, prev->enable, 0);
    ngx_conf_merge_ptr_value(conf->list, prev->list, NULL);
    ngx_conf_merge_uint_value(conf->mode, prev->mode,
                              NGX_DEBAR_ENFORCE);
    ngx_conf_merge_ptr_value(conf->glass, prev->glass, NULL);

    if (conf->audit == NGX_CONF_UNSET_PTR) {
        conf->audit_all = prev->audit_all;
        conf->audit_pass = prev->audit_pass;
    }

    ngx_conf_merge_ptr_value(conf->audit, prev->audit, NULL);
    ngx_debar_privacy_merge(&conf->privacy, &prev->privacy);

    if (conf->target == NULL) {
        conf->target = prev->target;
    }

    if (conf->gateway.data == NULL) {
        conf->gateway = prev->gateway.data ? prev->gateway
                                           : cf->cycle->hostname;
    }

    if (!conf->enable) {
        return NGX_CONF_OK;
    }

    if (conf->list == NULL || conf->target == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"debar on\" in stream needs a \"debar_list\" and a "
                      "\"debar_target\", such as $ssl_preread_server_name:443");
        return NGX_CONF_ERROR;
    }

    if (conf->audit == NULL) {
        ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                      "\"debar on\" in stream without a \"debar_audit\": no "
                      "verdict is recorded");
    }

    return NGX_CONF_OK;
}


static char *
ngx_stream_debar_list(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_stream_debar_srv_conf_t   *dscf = conf;
    ngx_stream_debar_main_conf_t  *mcf;

    if (dscf->list != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    mcf = ngx_stream_conf_get_module_main_conf(cf, ngx_stream_debar_module);

    return ngx_debar_list_directive(cf, &mcf->lists, &dscf->list);
}


static char *
ngx_stream_debar_break_glass(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_stream_debar_srv_conf_t  *dscf = conf;

    return ngx_debar_glass_directive(cf, &dscf->glass);
}


static char *
ngx_stream_debar_audit(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_stream_debar_srv_conf_t   *dscf = conf;
    ngx_stream_debar_main_conf_t  *mcf;

    if (dscf->audit != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    mcf = ngx_stream_conf_get_module_main_conf(cf, ngx_stream_debar_module);

    return ngx_debar_audit_directive(cf, &mcf->audits, &dscf->audit,
                                     &dscf->audit_all, &dscf->audit_pass);
}


static char *
ngx_stream_debar_audit_url(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_stream_debar_srv_conf_t  *dscf = conf;

    return ngx_debar_privacy_url(cf, &dscf->privacy);
}


static char *
ngx_stream_debar_audit_person(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_stream_debar_srv_conf_t  *dscf = conf;

    return ngx_debar_privacy_person(cf, &dscf->privacy,
                                    cmd->name.data[12] == 'u');
}


/*
 * A list that http uses too is opened, watched and complained of once in a
 * worker: the servers here take that of http, which is open already.
 */

static void
ngx_stream_debar_share(ngx_cycle_t *cycle, ngx_stream_debar_main_conf_t *mcf)
{
    ngx_uint_t                      i, j, k;
    ngx_debar_list_t              **lp, **hp;
    ngx_stream_core_srv_conf_t    **cscfp;
    ngx_stream_core_main_conf_t    *cmcf;
    ngx_stream_debar_srv_conf_t    *dscf;

    if (mcf->http == NULL || mcf->http->scratch == NULL) {
        return;
    }

    cmcf = ngx_stream_cycle_get_module_main_conf(cycle,
                                                 ngx_stream_core_module);
    cscfp = cmcf->servers.elts;
    lp = mcf->lists.elts;
    hp = mcf->http->lists.elts;

    for (i = 0; i < mcf->lists.nelts; /* void */ ) {

        for (j = 0; j < mcf->http->lists.nelts; j++) {
            if (hp[j]->owner == lp[i]->owner
                && hp[j]->path.len == lp[i]->path.len
                && ngx_memcmp(hp[j]->path.data, lp[i]->path.data,
                              lp[i]->path.len)
                   == 0)
            {
                break;
            }
        }

        if (j == mcf->http->lists.nelts) {
            i++;
            continue;
        }

        for (k = 0; k < cmcf->servers.nelts; k++) {
            dscf = cscfp[k]->ctx->srv_conf[ngx_stream_debar_module.ctx_index];

            if (dscf->list == lp[i]) {
                dscf->list = hp[j];
            }
        }

        lp[i] = lp[--mcf->lists.nelts];
    }
}


static ngx_int_t
ngx_stream_debar_init_process(ngx_cycle_t *cycle)
{
    ngx_uint_t                      i;
    ngx_debar_list_t              **lp;
    ngx_debar_audit_t             **ap;
    ngx_stream_debar_main_conf_t   *mcf;

    if (ngx_get_conf(cycle->conf_ctx, ngx_stream_module) == NULL) {
        return NGX_OK;
    }

    mcf = ngx_stream_cycle_get_module_main_conf(cycle,
                                                ngx_stream_debar_module);

    if (mcf == NULL || mcf->lists.nelts == 0
        || (ngx_process != NGX_PROCESS_WORKER
            && ngx_process != NGX_PROCESS_SINGLE))
    {
        return NGX_OK;
    }

    mcf->scratch = ngx_pcalloc(cycle->pool, sizeof(debar_verdict_t));
    if (mcf->scratch == NULL) {
        return NGX_ERROR;
    }

    /* counters, names and their addresses are those of http, if there is one */

    if (ngx_get_conf(cycle->conf_ctx, ngx_http_module)) {
        mcf->http = ngx_http_cycle_get_module_main_conf(cycle,
                                                        ngx_http_debar_module);
    }

    mcf->names = mcf->http ? mcf->http->names : NULL;

    if (mcf->names == NULL) {
        mcf->names = ngx_debar_names_create(cycle->pool, 0);
        if (mcf->names == NULL) {
            return NGX_ERROR;
        }
    }

    ngx_stream_debar_share(cycle, mcf);

    ap = mcf->audits.elts;

    for (i = 0; i < mcf->audits.nelts; i++) {
        ngx_debar_audit_init_worker(ap[i], cycle->log);
    }

    lp = mcf->lists.elts;

    for (i = 0; i < mcf->lists.nelts; i++) {
        if (ngx_debar_list_init_worker(cycle, lp[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static void
ngx_stream_debar_exit_process(ngx_cycle_t *cycle)
{
    ngx_uint_t                      i;
    ngx_debar_list_t              **lp;
    ngx_stream_debar_main_conf_t   *mcf;

    if (ngx_get_conf(cycle->conf_ctx, ngx_stream_module) == NULL) {
        return;
    }

    mcf = ngx_stream_cycle_get_module_main_conf(cycle,
                                                ngx_stream_debar_module);

    if (mcf == NULL || mcf->scratch == NULL) {
        return;
    }

    lp = mcf->lists.elts;

    for (i = 0; i < mcf->lists.nelts; i++) {
        ngx_debar_list_exit_worker(lp[i]);
    }
}
