/*
 * TLS to origins: what debar_pin adds to the handshake that nginx leads.
 *
 * set_session() is called when the SSL object is there and nothing was sent:
 * it has the certificate and its name checked while the handshake goes on, so
 * that a bad one ends it with an alert, and watches what is said.  When the
 * handshake is done, and before a byte of the request goes out, the staple is
 * checked and the organisation judged; what is found wrong then becomes the
 * result of verification, by which nginx gives up.
 */


#include "ngx_http_debar_upstream.h"


#if (NGX_HTTP_SSL)

static ngx_http_debar_tls_t *ngx_http_debar_tls_create(ngx_connection_t *c,
    ngx_http_debar_pin_data_t *pd);
static void ngx_http_debar_tls_cleanup(void *data);
static ngx_int_t ngx_http_debar_tls_target(ngx_http_debar_tls_t *tls,
    ngx_http_debar_pin_data_t *pd);
static ngx_int_t ngx_http_debar_tls_prepare(ngx_http_debar_tls_t *tls,
    ngx_http_debar_pin_data_t *pd);
static int ngx_http_debar_tls_verify(int ok, X509_STORE_CTX *store);
static int ngx_http_debar_tls_certificate(ngx_ssl_conn_t *ssl, void *data);
static void ngx_http_debar_tls_info(const ngx_ssl_conn_t *ssl, int where,
    int ret);
static void ngx_http_debar_tls_done(ngx_http_debar_tls_t *tls);
static ngx_int_t ngx_http_debar_tls_check(ngx_http_debar_tls_t *tls);
static ngx_uint_t ngx_http_debar_tls_clean(debar_list_t *list, X509 *cert);
static ngx_uint_t ngx_http_debar_tls_organization(X509 *cert, int *at,
    debar_str_t *org, u_char **text);
static ngx_uint_t ngx_http_debar_tls_wants_client(
    ngx_http_debar_pin_data_t *pd, ngx_http_debar_tls_t *tls);
static void ngx_http_debar_tls_client(ngx_http_debar_pin_data_t *pd,
    ngx_http_debar_tls_t *tls);


ngx_int_t
ngx_http_debar_tls_name(ngx_http_request_t *r, ngx_http_upstream_t *u,
    ngx_str_t *name)
{
    u_char  *p, *last;

    ngx_str_null(name);

    if (!u->conf->ssl_server_name && !u->conf->ssl_verify) {
        return NGX_OK;
    }

    if (u->conf->ssl_name == NULL) {
        *name = u->ssl_name;

    } else if (ngx_http_complex_value(r, u->conf->ssl_name, name) != NGX_OK) {
        return NGX_ERROR;
    }

    /* nginx cuts a port off, and so all but the first group of an IPv6
     * address without brackets: that is whole here */

    last = name->data + name->len;
    p = ngx_strlchr(name->data, last, ':');

    if (name->len && *name->data != '[' && p
        && ngx_strlchr(p + 1, last, ':') == NULL)
    {
        name->len = p - name->data;
    }

    return NGX_OK;
}


ngx_uint_t
ngx_http_debar_tls_proves(ngx_http_debar_ctx_t *ctx, ngx_str_t *name)
{
    return name->len
           && name->len == ctx->server_name.len
           && ngx_memcmp(name->data, ctx->server_name.data, name->len) == 0;
}


ngx_http_debar_tls_t *
ngx_http_debar_tls_get(ngx_connection_t *c)
{
    ngx_pool_cleanup_t  *cln;

    if (c == NULL || c->ssl == NULL || c->pool == NULL) {
        return NULL;
    }

    for (cln = c->pool->cleanup; cln; cln = cln->next) {
        if (cln->handler == ngx_http_debar_tls_cleanup) {
            return cln->data;
        }
    }

    return NULL;
}


static ngx_http_debar_tls_t *
ngx_http_debar_tls_create(ngx_connection_t *c, ngx_http_debar_pin_data_t *pd)
{
    ngx_pool_cleanup_t    *cln;
    ngx_http_debar_tls_t  *tls;

    cln = ngx_pool_cleanup_add(c->pool, sizeof(ngx_http_debar_tls_t));
    if (cln == NULL) {
        return NULL;
    }

    tls = cln->data;
    ngx_memzero(tls, sizeof(ngx_http_debar_tls_t));

    tls->connection = c;
    tls->pin = pd;
    tls->alert = -1;

    cln->handler = ngx_http_debar_tls_cleanup;

    return tls;
}


/* By which it is found again. */

static void
ngx_http_debar_tls_cleanup(void *data)
{
}


ngx_int_t
ngx_http_debar_tls_set_session(ngx_peer_connection_t *pc, void *data)
{
    ngx_http_debar_pin_data_t  *pd = data;

    ngx_connection_t      *c;
    ngx_ssl_session_t     *session;
    ngx_http_debar_tls_t  *tls;

    c = pc->connection;

    tls = ngx_http_debar_tls_create(c, pd);

    if (tls == NULL
        || ngx_http_debar_tls_target(tls, pd) != NGX_OK
        || ngx_http_debar_tls_prepare(tls, pd) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (pd->key.len == 0
        || !ngx_http_debar_tls_proves(pd->ctx, &tls->name))
    {
        return NGX_OK;
    }

    session = ngx_http_debar_store_session(pd->conf, &pd->key);

    if (session == NULL) {
        return NGX_OK;
    }

    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, pc->log, 0,
                   "debar pin: set session %p", session);

    return ngx_ssl_set_session(c, session);
}


/* Whom TLS is to prove. */

static ngx_int_t
ngx_http_debar_tls_target(ngx_http_debar_tls_t *tls,
    ngx_http_debar_pin_data_t *pd)
{
    ngx_str_t                  name;
    const char                *why;
    debar_host_t               host;
    ngx_http_upstream_t       *u;
    ngx_http_upstream_conf_t  *conf;

    u = pd->upstream;

    if (ngx_http_debar_tls_name(pd->request, u, &name) != NGX_OK) {
        return NGX_ERROR;
    }

    if (name.len > 1 && name.data[0] == '['
        && name.data[name.len - 1] == ']')
    {
        name.data++;
        name.len -= 2;
    }

    tls->name.data = ngx_pnalloc(tls->connection->pool, name.len + 1);
    if (tls->name.data == NULL) {
        return NGX_ERROR;
    }

    tls->name.len = name.len;
    *ngx_cpymem(tls->name.data, name.data, name.len) = '\0';

    tls->address = name.len
                   && debar_host_parse(&host, (char *) name.data, name.len,
                                       DEBAR_HOST_BARE, &why) == DEBAR_OK
                   && host.type == DEBAR_HOST_ADDRESS;

    if (!tls->address) {
        return NGX_OK;
    }

    /* RFC 6066 s.3: no address in SNI */

    (void) SSL_set_tlsext_host_name(tls->connection->ssl->connection, NULL);

    if (pd->verify) {

        /*
         * nginx looks for names only, and would not find an address in a
         * certificate.  This request has a configuration of its own, whose
         * check is dropped once ours, which must be better, is passed.
         */

        conf = ngx_palloc(pd->request->pool, sizeof(ngx_http_upstream_conf_t));
        if (conf == NULL) {
            return NGX_ERROR;
        }

        *conf = *u->conf;
        conf->ssl_verify = 1;

        u->conf = conf;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_debar_tls_prepare(ngx_http_debar_tls_t *tls,
    ngx_http_debar_pin_data_t *pd)
{
    int                         rc;
    ngx_ssl_conn_t             *ssl;
    X509_VERIFY_PARAM          *param;
    ngx_http_debar_loc_conf_t  *dlcf;

    ssl = tls->connection->ssl->connection;

    /* a second handshake could end with another certificate */

    SSL_set_options(ssl, SSL_OP_NO_RENEGOTIATION);
    SSL_set_info_callback(ssl, ngx_http_debar_tls_info);
    SSL_set_cert_cb(ssl, ngx_http_debar_tls_certificate, tls);

    if (!pd->verify) {
        return NGX_OK;
    }

    tls->verify = 1;
    param = SSL_get0_param(ssl);

    rc = tls->address
         ? X509_VERIFY_PARAM_set1_ip_asc(param, (char *) tls->name.data)
         : X509_VERIFY_PARAM_set1_host(param, (char *) tls->name.data,
                                       tls->name.len);

    if (tls->name.len == 0 || rc != 1) {
        ngx_log_error(NGX_LOG_ERR, tls->connection->log, 0,
                      "debar_pin: \"proxy_ssl_name\" is \"%V\": no name that a "
                      "certificate can prove", &tls->name);
        return NGX_ERROR;
    }

    SSL_set_verify(ssl, SSL_VERIFY_PEER, ngx_http_debar_tls_verify);

    dlcf = ngx_http_get_module_loc_conf(pd->request, ngx_http_debar_module);
    tls->staple = dlcf->staple;

    if (tls->staple != NGX_HTTP_DEBAR_STAPLE_OFF) {
        SSL_set_tlsext_status_type(ssl, TLSEXT_STATUSTYPE_ocsp);
    }

    return NGX_OK;
}


/* Sessions that come while the certificate is not wholly checked yet wait for
 * that: see ngx_http_debar_tls_done(). */

void
ngx_http_debar_tls_save_session(ngx_peer_connection_t *pc, void *data)
{
    ngx_http_debar_pin_data_t  *pd = data;

    ngx_ssl_session_t     *session;
    ngx_http_debar_tls_t  *tls;

    tls = ngx_http_debar_tls_get(pc->connection);

    if (tls == NULL || pd->key.len == 0
        || !ngx_http_debar_tls_proves(pd->ctx, &tls->name))
    {
        return;
    }

    if (!tls->accepted) {
        tls->session = 1;
        return;
    }

    session = ngx_ssl_get_session(pc->connection);

    if (session) {
        ngx_log_debug1(NGX_LOG_DEBUG_HTTP, pc->log, 0,
                       "debar pin: save session %p", session);

        ngx_http_debar_store_save(pd->conf, &pd->key, session);
    }
}


/* --- in the handshake --------------------------------------------------- */

static int
ngx_http_debar_tls_verify(int ok, X509_STORE_CTX *store)
{
    ngx_ssl_conn_t        *ssl;
    ngx_connection_t      *c;
    ngx_http_debar_tls_t  *tls;

    if (ok) {
        return 1;
    }

    ssl = X509_STORE_CTX_get_ex_data(store,
                                     SSL_get_ex_data_X509_STORE_CTX_idx());
    c = ngx_ssl_get_connection(ssl);
    tls = ngx_http_debar_tls_get(c);

    if (tls && tls->fault == NULL) {
        ngx_http_debar_fault_certificate(tls, store);

        /* to nginx it would be critical, and it is said below what it was */

        c->ssl->handshake_rejected = 1;
    }

    return 0;
}


/* The origin has sent a CertificateRequest.  1: go on. */

static int
ngx_http_debar_tls_certificate(ngx_ssl_conn_t *ssl, void *data)
{
    ngx_http_debar_tls_t  *tls = data;

    tls->asked = 1;

    return 1;
}


static void
ngx_http_debar_tls_info(const ngx_ssl_conn_t *ssl, int where, int ret)
{
    int                     desc;
    unsigned long           err;
    ngx_connection_t       *c;
    ngx_http_debar_tls_t   *tls;
    void                  (*next)(const ngx_ssl_conn_t *, int, int);

    /* ours stands before that of nginx */

    next = SSL_CTX_get_info_callback(SSL_get_SSL_CTX(ssl));

    if (next) {
        next(ssl, where, ret);
    }

    c = ngx_ssl_get_connection((ngx_ssl_conn_t *) ssl);
    tls = ngx_http_debar_tls_get(c);

    if (tls == NULL) {
        return;
    }

    desc = ret & 0xff;

    if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT) {

        if (desc != SSL_AD_CLOSE_NOTIFY && desc != SSL_AD_USER_CANCELLED
            && tls->alert == -1)
        {
            tls->alert = desc;
        }

    } else if ((where & SSL_CB_WRITE_ALERT) == SSL_CB_WRITE_ALERT) {

        if (desc == SSL_AD_NO_RENEGOTIATION) {
            tls->renegotiate = 1;
        }

    } else if (where & SSL_CB_HANDSHAKE_DONE) {

        if (!tls->done) {
            tls->done = 1;
            ngx_http_debar_tls_done(tls);
        }

    } else if ((where & SSL_CB_CONNECT_EXIT) == SSL_CB_CONNECT_EXIT) {

        err = ERR_peek_error();

        if (ret <= 0 && err && !tls->done) {
            tls->error = err;
            c->ssl->handshake_rejected = 1;
        }
    }
}


static void
ngx_http_debar_tls_done(ngx_http_debar_tls_t *tls)
{
    ngx_ssl_conn_t             *ssl;
    ngx_http_debar_pin_data_t  *pd;

    pd = tls->pin;
    ssl = tls->connection->ssl->connection;

    if (tls->verify) {

        if (SSL_get_verify_result(ssl) != X509_V_OK) {
            return;
        }

        if (pd == NULL || ngx_http_debar_tls_check(tls) != NGX_OK) {
            SSL_set_verify_result(ssl, X509_V_ERR_APPLICATION_VERIFICATION);
            return;
        }

        if (tls->address) {
            pd->upstream->conf->ssl_verify = 0;
        }
    }

    tls->accepted = 1;

    if (tls->session && pd) {
        ngx_http_debar_tls_save_session(&pd->upstream->peer, pd);
    }
}


static ngx_int_t
ngx_http_debar_tls_check(ngx_http_debar_tls_t *tls)
{
    /* the staple of a session was checked when it began */

    if (tls->staple != NGX_HTTP_DEBAR_STAPLE_OFF
        && !SSL_session_reused(tls->connection->ssl->connection)
        && ngx_http_debar_staple(tls) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    return ngx_http_debar_tls_judge(tls->pin, tls);
}


/* --- the organisation --------------------------------------------------- */

/*
 * A verdict is of a request: its user may have a waiver.  Only a certificate
 * that gives no evidence at all is passed over, while the list is the same.
 */

ngx_int_t
ngx_http_debar_tls_judge(ngx_http_debar_pin_data_t *pd,
    ngx_http_debar_tls_t *tls)
{
    int                          at;
    X509                        *cert;
    u_char                      *text;
    ngx_int_t                    rc;
    debar_str_t                  org;
    debar_facts_t                f;
    debar_verdict_t             *v;
    ngx_debar_addr_t            *addr;
    ngx_debar_list_t            *l;
    ngx_http_debar_loc_conf_t   *dlcf;
    ngx_http_debar_main_conf_t  *mcf;

    if (tls == NULL) {
        return NGX_DECLINED;
    }

    dlcf = ngx_http_get_module_loc_conf(pd->request, ngx_http_debar_module);
    mcf = ngx_http_get_module_main_conf(pd->request, ngx_http_debar_module);

    l = dlcf->list;

    if (!tls->verify || l == NULL || l->list == NULL
        || (tls->list == l && tls->clean == l->generation))
    {
        return NGX_OK;
    }

    cert = SSL_get_peer_certificate(tls->connection->ssl->connection);
    if (cert == NULL) {
        return NGX_DECLINED;
    }

    if (ngx_http_debar_tls_clean(l->list, cert)) {
        X509_free(cert);

        tls->list = l;
        tls->clean = l->generation;

        return NGX_OK;
    }

    v = mcf->scratch;
    addr = &pd->ctx->addrs[pd->ctx->current];

    ngx_http_debar_facts(pd->request, &f);
    debar_judge(l->list, &f, v);
    debar_judge_address(l->list, &f, v, addr->addr, addr->asn, addr->country);

    for (at = -1; ngx_http_debar_tls_organization(cert, &at, &org, &text);
         /* void */)
    {
        debar_judge_certificate(l->list, &f, v, org);
        OPENSSL_free(text);
    }

    X509_free(cert);

    rc = ngx_http_debar_late(pd->request, v);

    return rc == NGX_OK ? NGX_OK : NGX_DECLINED;
}


static ngx_uint_t
ngx_http_debar_tls_clean(debar_list_t *list, X509 *cert)
{
    int           at;
    u_char       *text;
    ngx_uint_t    clean;
    debar_str_t   org;

    at = -1;
    clean = 1;

    while (clean && ngx_http_debar_tls_organization(cert, &at, &org, &text)) {
        clean = debar_certificate_clean(list, org);
        OPENSSL_free(text);
    }

    return clean;
}


/* The next O of the subject (RFC 5280 s.4.1.2.6); text is to be freed. */

static ngx_uint_t
ngx_http_debar_tls_organization(X509 *cert, int *at, debar_str_t *org,
    u_char **text)
{
    int               len;
    X509_NAME        *name;
    X509_NAME_ENTRY  *entry;

    name = X509_get_subject_name(cert);

    for ( ;; ) {
        *at = X509_NAME_get_index_by_NID(name, NID_organizationName, *at);

        if (*at < 0) {
            return 0;
        }

        entry = X509_NAME_get_entry(name, *at);
        len = ASN1_STRING_to_UTF8(text, X509_NAME_ENTRY_get_data(entry));

        if (len >= 0) {
            *org = debar_str((char *) *text, len);
            return 1;
        }

        /* a string that its own type does not allow names nobody */

        ERR_clear_error();
    }
}


/* --- after a failure ---------------------------------------------------- */

void
ngx_http_debar_tls_failed(ngx_http_debar_pin_data_t *pd,
    ngx_http_debar_tls_t *tls)
{
    u_char                *p;
    ngx_http_debar_ctx_t  *ctx;

    ctx = pd->ctx;

    if (ctx->refused) {
        pd->stop = 1;
        return;
    }

    if (tls->fault) {
        pd->stop = 1;

    } else if (ngx_http_debar_tls_wants_client(pd, tls)) {
        ngx_http_debar_tls_client(pd, tls);
        pd->stop = 1;

    } else if (!tls->done) {
        ngx_http_debar_fault_handshake(tls);
    }

    if (tls->fault == NULL) {
        return;
    }

    ctx->fault = tls->fault;

    p = ngx_pnalloc(pd->request->pool, tls->detail_len + 1);

    if (p) {
        ctx->fault_detail.data = p;
        ctx->fault_detail.len = tls->detail_len;
        *ngx_cpymem(p, tls->detail, tls->detail_len) = '\0';
    }

    ngx_log_error(NGX_LOG_ERR, pd->request->connection->log, 0,
                  "debar_pin: TLS to \"%V\" failed: %s%s%V", &tls->name,
                  ctx->fault, ctx->fault_detail.len ? ": " : "",
                  &ctx->fault_detail);
}


/*
 * It was asked for and not given, and that was the end of it: in the
 * handshake before TLS 1.3 (RFC 5246 s.7.4.6), with an alert in place of the
 * answer from then on (RFC 8446 s.4.4.2.4); or it was to be asked for in a
 * second handshake.
 */

static ngx_uint_t
ngx_http_debar_tls_wants_client(ngx_http_debar_pin_data_t *pd,
    ngx_http_debar_tls_t *tls)
{
    char               buf[1];
    ngx_connection_t  *c;

    c = tls->connection;

    if (pd->upstream->buffer.last != pd->upstream->buffer.pos
        || c->write->timedout || c->read->timedout)
    {
        return 0;
    }

    if (tls->renegotiate) {
        return 1;
    }

    if (!tls->asked) {
        return 0;
    }

    if (!tls->done && tls->error == 0 && tls->alert == -1) {
        return c->read->eof || c->read->error;
    }

    if (tls->done && tls->alert == -1) {

        /* a request that could not be sent: the alert may have come before */

        ERR_clear_error();
        (void) SSL_peek(c->ssl->connection, buf, 1);
        ERR_clear_error();
    }

    switch (tls->alert) {

    case SSL_AD_HANDSHAKE_FAILURE:
    case SSL_AD_NO_CERTIFICATE:
    case SSL_AD_BAD_CERTIFICATE:
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
    case SSL_AD_CERTIFICATE_UNKNOWN:
    case SSL_AD_UNKNOWN_CA:
    case SSL_AD_ACCESS_DENIED:
#ifdef SSL_AD_CERTIFICATE_REQUIRED
    case SSL_AD_CERTIFICATE_REQUIRED:
#endif
        return 1;
    }

    return 0;
}


static void
ngx_http_debar_tls_client(ngx_http_debar_pin_data_t *pd,
    ngx_http_debar_tls_t *tls)
{
    ngx_debar_front_t           *front;
    ngx_http_debar_loc_conf_t   *dlcf;
    ngx_http_debar_main_conf_t  *mcf;

    tls->fault = "the origin asks for a client certificate";
    tls->detail_len = 0;

    dlcf = ngx_http_get_module_loc_conf(pd->request, ngx_http_debar_module);
    mcf = ngx_http_get_module_main_conf(pd->request, ngx_http_debar_module);

    front = pd->ctx->front;

    if (dlcf->client_certificate != NGX_HTTP_DEBAR_CLIENT_SPLICE
        || front == NULL || front->kind != NGX_DEBAR_FRONT_INSPECTED
        || mcf->learned == NULL)
    {
        return;
    }

    ngx_debar_learn(mcf->learned, front->dial, front->port);

    ngx_log_error(NGX_LOG_NOTICE, pd->request->connection->log, 0,
                  "debar_pin: \"%V\" asks for a client certificate, which only "
                  "the client has: its next tunnels are not inspected",
                  &tls->name);
}

#endif
