/*
 * Who asks, of a plain request.  The handler comes before that of the verdict,
 * in PREACCESS: nothing is judged, resolved or dialled for nobody.  Requests in
 * a tunnel are the user's of the CONNECT and are not asked again.
 */

#include "ngx_http_debar.h"


static ngx_int_t ngx_http_debar_login(ngx_http_request_t *r,
    ngx_http_debar_loc_conf_t *dlcf);
static ngx_uint_t ngx_http_debar_authorization(ngx_http_request_t *r,
    debar_str_t *field);
static ngx_int_t ngx_http_debar_login_failed(ngx_http_request_t *r,
    ngx_http_debar_loc_conf_t *dlcf, ngx_str_t *user, char *incident);
static ngx_int_t ngx_http_debar_challenge(ngx_http_request_t *r,
    ngx_http_debar_loc_conf_t *dlcf, const char *incident);
static ngx_int_t ngx_http_debar_authenticate(ngx_http_request_t *r,
    ngx_str_t *value);


ngx_int_t
ngx_http_debar_user_handler(ngx_http_request_t *r)
{
    ngx_debar_front_t          *front;
    ngx_http_debar_loc_conf_t  *dlcf;

    dlcf = ngx_http_get_module_loc_conf(r, ngx_http_debar_module);

    if (!dlcf->enable || dlcf->report || !ngx_debar_users_on(&dlcf->users)) {
        return NGX_DECLINED;
    }

    /* who was let through once, and the page of an error of the parser */

    if (ngx_http_debar_get_ctx(r) != NULL
        || (r->internal && ngx_http_debar_unread(r->main)))
    {
        return NGX_DECLINED;
    }

    front = ngx_debar_front_get(r->connection);

    if (front && (front->kind != NGX_DEBAR_FRONT_DIRECT || front->user.len)) {
        return NGX_DECLINED;
    }

    return ngx_http_debar_login(r, dlcf);
}


static ngx_int_t
ngx_http_debar_login(ngx_http_request_t *r, ngx_http_debar_loc_conf_t *dlcf)
{
    char                       incident[33];
    ngx_int_t                  rc;
    ngx_uint_t                 n;
    debar_str_t                field;
    ngx_debar_login_t          login;
    ngx_http_debar_ctx_t      *ctx;
    ngx_http_debar_refusal_t   rf;

    n = ngx_http_debar_authorization(r, &field);

    rc = ngx_debar_user(&dlcf->users, r->pool, r->connection->log, field, n,
                        &login);

    if (rc == NGX_OK) {
        ctx = ngx_http_debar_create_ctx(r);
        if (ctx == NULL) {
            return NGX_ERROR;
        }

        ctx->started = ngx_debar_clock();
        ctx->user = login.user;

        if (login.reply.len
            && ngx_http_debar_authenticate(r, &login.reply) != NGX_OK)
        {
            return NGX_ERROR;
        }

        return NGX_DECLINED;
    }

    if (rc == NGX_DECLINED) {
        incident[0] = '\0';

        if (login.tried
            && ngx_http_debar_login_failed(r, dlcf, &login.user, incident)
               != NGX_OK)
        {
            return NGX_ERROR;
        }

        return ngx_http_debar_challenge(r, dlcf, incident);
    }

    ngx_memzero(&rf, sizeof(ngx_http_debar_refusal_t));

    rf.status = NGX_HTTP_INTERNAL_SERVER_ERROR;
    rf.title = "The gateway failed";
    rf.detail = "It cannot tell who its users are.";

    return ngx_http_debar_refuse(r, &rf);
}


/* How many fields there are, and the first of them. */

static ngx_uint_t
ngx_http_debar_authorization(ngx_http_request_t *r, debar_str_t *field)
{
    ngx_uint_t              n;
    ngx_table_elt_t        *h;
    ngx_http_debar_walk_t   w;

    *field = debar_str(NULL, 0);
    n = 0;

    ngx_http_debar_walk(&w, &r->headers_in.headers);

    while ((h = ngx_http_debar_walk_next(&w)) != NULL) {

        if (ngx_http_debar_field_is(h, "proxy-authorization") && n++ == 0) {
            *field = debar_str((char *) h->value.data, h->value.len);
        }
    }

    return n;
}


/* One line a second at most: see ngx_debar_user_refused(). */

static ngx_int_t
ngx_http_debar_login_failed(ngx_http_request_t *r,
    ngx_http_debar_loc_conf_t *dlcf, ngx_str_t *user, char *incident)
{
    debar_verdict_t             *v;
    ngx_http_debar_line_t        line;
    ngx_http_debar_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_debar_module);
    v = mcf->scratch;

    ngx_http_debar_count(mcf, DEBAR_REJECT);

    if (dlcf->audit == NULL
        || !ngx_debar_user_refused(&mcf->refused, r->connection->sockaddr))
    {
        return NGX_OK;
    }

    ngx_memzero(v, sizeof(debar_verdict_t));

    v->entry = DEBAR_NONE;
    v->product = DEBAR_NONE;
    v->permit = DEBAR_NONE;
    v->waiver = DEBAR_NONE;
    v->verdict = DEBAR_REJECT;
    v->fault = "credentials refused";

    ngx_debar_incident(incident);
    ngx_memzero(&line, sizeof(ngx_http_debar_line_t));

    line.method = r->method_name;
    line.user = *user;
    line.surface = "http";

    if (ngx_http_debar_url(r, &line.url) != NGX_OK) {
        return NGX_ERROR;
    }

    /* not written: nothing goes through either way */

    (void) ngx_http_debar_write(r, dlcf, v, incident, &line);

    return NGX_OK;
}


static ngx_int_t
ngx_http_debar_challenge(ngx_http_request_t *r,
    ngx_http_debar_loc_conf_t *dlcf, const char *incident)
{
    ngx_str_t                  value;
    ngx_uint_t                 i;
    ngx_http_debar_refusal_t   rf;

    for (i = 0; /* void */ ; i++) {
        value.data = (u_char *) ngx_debar_user_challenge(&dlcf->users, i);

        if (value.data == NULL) {
            break;
        }

        value.len = ngx_strlen(value.data);

        if (ngx_http_debar_authenticate(r, &value) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    ngx_memzero(&rf, sizeof(ngx_http_debar_refusal_t));

    rf.status = 407;
    rf.title = "Who are you?";
    rf.detail = "This gateway lets users through whom it knows.";
    rf.incident = incident;

    return ngx_http_debar_refuse(r, &rf);
}


static ngx_int_t
ngx_http_debar_authenticate(ngx_http_request_t *r, ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(h, sizeof(ngx_table_elt_t));

    h->hash = 1;
    h->value = *value;
    ngx_str_set(&h->key, "Proxy-Authenticate");

    return NGX_OK;
}


ngx_str_t *
ngx_http_debar_verified(ngx_http_request_t *r)
{
    ngx_debar_front_t     *front;
    ngx_http_debar_ctx_t  *ctx;

    ctx = ngx_http_debar_get_ctx(r);

    if (ctx && ctx->user.len) {
        return &ctx->user;
    }

    front = ngx_debar_front_get(r->connection);

    return front && front->user.len ? &front->user : NULL;
}
