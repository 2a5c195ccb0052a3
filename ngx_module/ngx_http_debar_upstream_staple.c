/*
 * The OCSP response that an origin staples to its certificate (RFC 6066 s.8,
 * RFC 6960), and certificates that must come with one (RFC 7633).
 */


#include "ngx_http_debar_upstream.h"


#if (NGX_HTTP_SSL)

#include <openssl/ocsp.h>
#include <openssl/x509v3.h>


#define NGX_HTTP_DEBAR_STAPLE_SKEW  300  /* s, between clocks */
#define NGX_HTTP_DEBAR_STAPLE_MAX   64   /* answers that are looked at */

#define NGX_HTTP_DEBAR_TLSFEATURE_STATUS     5
#define NGX_HTTP_DEBAR_TLSFEATURE_STATUS_V2  17


static ngx_uint_t ngx_http_debar_staple_must(X509 *cert);
static ngx_int_t ngx_http_debar_staple_none(ngx_http_debar_tls_t *tls,
    X509 *cert);
static ngx_int_t ngx_http_debar_staple_basic(ngx_http_debar_tls_t *tls,
    OCSP_BASICRESP *basic, STACK_OF(X509) *chain);
static OCSP_SINGLERESP *ngx_http_debar_staple_find(OCSP_BASICRESP *basic,
    X509 *cert, X509 *issuer);
static ngx_int_t ngx_http_debar_staple_status(ngx_http_debar_tls_t *tls,
    OCSP_SINGLERESP *single);


ngx_int_t
ngx_http_debar_staple(ngx_http_debar_tls_t *tls)
{
    long             len;
    ngx_int_t        rc;
    const u_char    *p;
    OCSP_RESPONSE   *response;
    ngx_ssl_conn_t  *ssl;
    OCSP_BASICRESP  *basic;
    STACK_OF(X509)  *chain;

    ssl = tls->connection->ssl->connection;

    chain = SSL_get0_verified_chain(ssl);

    if (chain == NULL || sk_X509_num(chain) == 0) {
        tls->fault = "the certificate's status cannot be checked";
        return NGX_DECLINED;
    }

    len = SSL_get_tlsext_status_ocsp_resp(ssl, &p);

    if (p == NULL || len <= 0) {
        return ngx_http_debar_staple_none(tls, sk_X509_value(chain, 0));
    }

    response = d2i_OCSP_RESPONSE(NULL, &p, len);

    if (response && OCSP_response_status(response)
                    != OCSP_RESPONSE_STATUS_SUCCESSFUL)
    {
        /* "try later" and the like say nothing of the certificate */

        OCSP_RESPONSE_free(response);
        return ngx_http_debar_staple_none(tls, sk_X509_value(chain, 0));
    }

    basic = response ? OCSP_response_get1_basic(response) : NULL;

    if (basic == NULL) {
        tls->fault = "the certificate's OCSP staple cannot be read";
        rc = NGX_DECLINED;

    } else {
        rc = ngx_http_debar_staple_basic(tls, basic, chain);
    }

    OCSP_BASICRESP_free(basic);
    OCSP_RESPONSE_free(response);
    ERR_clear_error();

    return rc;
}


static ngx_int_t
ngx_http_debar_staple_none(ngx_http_debar_tls_t *tls, X509 *cert)
{
    if (ngx_http_debar_staple_must(cert)) {
        tls->fault = "the certificate must come with an OCSP staple, and none "
                     "came";
        return NGX_DECLINED;
    }

    if (tls->staple == NGX_HTTP_DEBAR_STAPLE_REQUIRE) {
        tls->fault = "no OCSP staple came with the certificate";
        return NGX_DECLINED;
    }

    return NGX_OK;
}


/* What cannot be read asks for it, too. */

static ngx_uint_t
ngx_http_debar_staple_must(X509 *cert)
{
    int           i, crit;
    long          n;
    TLS_FEATURE  *features;
    ngx_uint_t    must;

    features = X509_get_ext_d2i(cert, NID_tlsfeature, &crit, NULL);

    if (features == NULL) {
        return crit != -1;
    }

    must = 0;

    for (i = 0; i < sk_ASN1_INTEGER_num(features); i++) {
        n = ASN1_INTEGER_get(sk_ASN1_INTEGER_value(features, i));

        if (n == NGX_HTTP_DEBAR_TLSFEATURE_STATUS
            || n == NGX_HTTP_DEBAR_TLSFEATURE_STATUS_V2)
        {
            must = 1;
        }
    }

    TLS_FEATURE_free(features);

    return must;
}


static ngx_int_t
ngx_http_debar_staple_basic(ngx_http_debar_tls_t *tls, OCSP_BASICRESP *basic,
    STACK_OF(X509) *chain)
{
    X509             *cert;
    X509_STORE       *store;
    ngx_ssl_conn_t   *ssl;
    OCSP_SINGLERESP  *single;

    ssl = tls->connection->ssl->connection;
    store = SSL_CTX_get_cert_store(SSL_get_SSL_CTX(ssl));
    cert = sk_X509_value(chain, 0);

    /* one that is trusted by itself has nobody who could speak of it */

    if (sk_X509_num(chain) < 2) {
        return ngx_http_debar_staple_none(tls, cert);
    }

    if (OCSP_basic_verify(basic, chain, store, 0) != 1) {
        tls->fault = "the certificate's OCSP staple is not signed by its issuer";
        return NGX_DECLINED;
    }

    single = ngx_http_debar_staple_find(basic, cert, sk_X509_value(chain, 1));

    if (single == NULL) {
        tls->fault = "the OCSP staple is of another certificate";
        return NGX_DECLINED;
    }

    return ngx_http_debar_staple_status(tls, single);
}


/* By whatever hash the responder named it. */

static OCSP_SINGLERESP *
ngx_http_debar_staple_find(OCSP_BASICRESP *basic, X509 *cert, X509 *issuer)
{
    int               i, n, same;
    OCSP_CERTID      *id, *own;
    ASN1_OBJECT      *object;
    const EVP_MD     *md;
    OCSP_SINGLERESP  *single;

    n = ngx_min(OCSP_resp_count(basic), NGX_HTTP_DEBAR_STAPLE_MAX);

    for (i = 0; i < n; i++) {
        single = OCSP_resp_get0(basic, i);
        id = (OCSP_CERTID *) OCSP_SINGLERESP_get0_id(single);

        if (OCSP_id_get0_info(NULL, &object, NULL, NULL, id) != 1) {
            continue;
        }

        md = EVP_get_digestbyobj(object);
        own = md ? OCSP_cert_to_id(md, cert, issuer) : NULL;

        if (own == NULL) {
            continue;
        }

        same = OCSP_id_cmp(own, id) == 0;
        OCSP_CERTID_free(own);

        if (same) {
            return single;
        }
    }

    return NULL;
}


static ngx_int_t
ngx_http_debar_staple_status(ngx_http_debar_tls_t *tls,
    OCSP_SINGLERESP *single)
{
    int                    status, reason;
    ASN1_GENERALIZEDTIME  *revoked, *from, *until;

    status = OCSP_single_get0_status(single, &reason, &revoked, &from, &until);

    /* revoked is revoked, however old the news */

    if (status == V_OCSP_CERTSTATUS_REVOKED) {
        tls->fault = "the certificate was revoked";
        tls->detail_len = 0;

        if (revoked) {
            ngx_http_debar_fault_add(tls, "on ", 3);
            ngx_http_debar_fault_time(tls, revoked);
        }

        return NGX_DECLINED;
    }

    if (OCSP_check_validity(from, until, NGX_HTTP_DEBAR_STAPLE_SKEW, -1) != 1) {
        tls->fault = "the certificate's OCSP staple is not of now";
        tls->detail_len = 0;
        ngx_http_debar_fault_add(tls, "from ", 5);
        ngx_http_debar_fault_time(tls, from);

        if (until) {
            ngx_http_debar_fault_add(tls, " until ", 7);
            ngx_http_debar_fault_time(tls, until);
        }

        return NGX_DECLINED;
    }

    if (status != V_OCSP_CERTSTATUS_GOOD) {
        tls->fault = "the certificate's issuer does not know it";
        return NGX_DECLINED;
    }

    return NGX_OK;
}

#endif
