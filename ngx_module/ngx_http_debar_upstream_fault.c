/*
 * What is wrong with an origin's TLS, in words for the page: a static text and
 * a detail, which holds what the origin said and is cleaned for printing.
 */


#include "ngx_http_debar_upstream.h"


#if (NGX_HTTP_SSL)

#include <openssl/x509v3.h>


static void ngx_http_debar_fault_names(ngx_http_debar_tls_t *tls, X509 *cert);
static void ngx_http_debar_fault_name(ngx_http_debar_tls_t *tls,
    const X509_NAME *name);
static ngx_uint_t ngx_http_debar_fault_hidden(const u_char *p, size_t n);
static const char *ngx_http_debar_fault_reason(int reason);


typedef struct {
    int                   error;         /* X509_V_ERR_* */
    const char           *fault;
    enum {
        NGX_HTTP_DEBAR_FAULT_NONE = 0,   /* what the detail tells */
        NGX_HTTP_DEBAR_FAULT_NAMES,
        NGX_HTTP_DEBAR_FAULT_FROM,
        NGX_HTTP_DEBAR_FAULT_UNTIL,
        NGX_HTTP_DEBAR_FAULT_ISSUER,
        NGX_HTTP_DEBAR_FAULT_OPENSSL
    }                     detail;
} ngx_http_debar_fault_t;


static ngx_http_debar_fault_t  ngx_http_debar_faults[] = {

    { X509_V_ERR_HOSTNAME_MISMATCH, "the certificate is for another name",
      NGX_HTTP_DEBAR_FAULT_NAMES },
    { X509_V_ERR_IP_ADDRESS_MISMATCH,
      "the certificate is for another address",
      NGX_HTTP_DEBAR_FAULT_NAMES },
    { X509_V_ERR_CERT_HAS_EXPIRED, "the certificate has expired",
      NGX_HTTP_DEBAR_FAULT_UNTIL },
    { X509_V_ERR_CERT_NOT_YET_VALID, "the certificate is not yet valid",
      NGX_HTTP_DEBAR_FAULT_FROM },
    { X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
      "the certificate is self-signed",
      NGX_HTTP_DEBAR_FAULT_NONE },
    { X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
      "the certificate's issuer is not trusted",
      NGX_HTTP_DEBAR_FAULT_ISSUER },
    { X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
      "the certificate's issuer is not known",
      NGX_HTTP_DEBAR_FAULT_ISSUER },
    { X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT,
      "the certificate's issuer is not known",
      NGX_HTTP_DEBAR_FAULT_ISSUER },
    { X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE,
      "the certificate's issuer is not known",
      NGX_HTTP_DEBAR_FAULT_ISSUER },
    { X509_V_ERR_CERT_UNTRUSTED, "the certificate's issuer is not trusted",
      NGX_HTTP_DEBAR_FAULT_ISSUER },
    { X509_V_ERR_CERT_REVOKED, "the certificate was revoked",
      NGX_HTTP_DEBAR_FAULT_NONE },
    { X509_V_ERR_INVALID_PURPOSE, "the certificate is not one for a server",
      NGX_HTTP_DEBAR_FAULT_NONE },
    { X509_V_ERR_EE_KEY_TOO_SMALL, "the certificate's key is too weak",
      NGX_HTTP_DEBAR_FAULT_NONE },
    { X509_V_ERR_CA_KEY_TOO_SMALL, "a key of the certificate's chain is too "
      "weak", NGX_HTTP_DEBAR_FAULT_NONE },
    { X509_V_ERR_CA_MD_TOO_WEAK, "a signature of the certificate's chain is "
      "too weak", NGX_HTTP_DEBAR_FAULT_NONE },
    { 0, "the certificate is not valid", NGX_HTTP_DEBAR_FAULT_OPENSSL }
};


/* In the verify callback: store says which certificate, and what of it. */

void
ngx_http_debar_fault_certificate(ngx_http_debar_tls_t *tls,
    X509_STORE_CTX *store)
{
    int                      error;
    X509                    *cert;
    const char              *text;
    ngx_http_debar_fault_t  *f;

    error = X509_STORE_CTX_get_error(store);
    cert = X509_STORE_CTX_get_current_cert(store);

    for (f = ngx_http_debar_faults; f->error && f->error != error; f++) {
        /* void */
    }

    tls->fault = f->fault;
    tls->detail_len = 0;

    if (f->detail == NGX_HTTP_DEBAR_FAULT_OPENSSL) {
        text = X509_verify_cert_error_string(error);
        ngx_http_debar_fault_add(tls, text, ngx_strlen(text));
        return;
    }

    if (cert == NULL) {
        return;
    }

    switch (f->detail) {

    case NGX_HTTP_DEBAR_FAULT_NAMES:
        ngx_http_debar_fault_names(tls, cert);
        break;

    case NGX_HTTP_DEBAR_FAULT_FROM:
        ngx_http_debar_fault_add(tls, "before ", 7);
        ngx_http_debar_fault_time(tls, X509_get0_notBefore(cert));
        break;

    case NGX_HTTP_DEBAR_FAULT_UNTIL:
        ngx_http_debar_fault_add(tls, "on ", 3);
        ngx_http_debar_fault_time(tls, X509_get0_notAfter(cert));
        break;

    case NGX_HTTP_DEBAR_FAULT_ISSUER:
        ngx_http_debar_fault_name(tls, X509_get_issuer_name(cert));
        break;

    default:
        break;
    }
}


/* A handshake that came to no end, for reasons other than a certificate. */

void
ngx_http_debar_fault_handshake(ngx_http_debar_tls_t *tls)
{
    const char        *text;
    ngx_connection_t  *c;

    c = tls->connection;
    tls->detail_len = 0;

    if (c->write->timedout || c->read->timedout) {
        tls->fault = "the TLS handshake took too long";
        return;
    }

    if (tls->alert != -1) {
        tls->fault = tls->alert == SSL_AD_PROTOCOL_VERSION
                     ? "the origin does not speak TLS 1.2 or later"
                     : tls->alert == SSL_AD_HANDSHAKE_FAILURE
                     ? "the origin takes no cipher that is safe"
                     : "the origin ended the TLS handshake";

        text = SSL_alert_desc_string_long(tls->alert);
        ngx_http_debar_fault_add(tls, "alert ", 6);
        ngx_http_debar_fault_add(tls, text, ngx_strlen(text));
        return;
    }

    if (tls->error == 0) {
        tls->fault = "the origin cut the TLS handshake";
        return;
    }

    tls->fault = ngx_http_debar_fault_reason(ERR_GET_REASON(tls->error));

    text = ERR_reason_error_string(tls->error);

    if (text) {
        ngx_http_debar_fault_add(tls, text, ngx_strlen(text));
    }
}


static const char *
ngx_http_debar_fault_reason(int reason)
{
    switch (reason) {

    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_UNKNOWN_PROTOCOL:
    case SSL_R_HTTP_REQUEST:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
    case SSL_R_RECORD_LENGTH_MISMATCH:
        return "the origin does not speak TLS on this port";

    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_WRONG_SSL_VERSION:
    case SSL_R_VERSION_TOO_LOW:
        return "the origin does not speak TLS 1.2 or later";

    case SSL_R_EE_KEY_TOO_SMALL:
    case SSL_R_CA_KEY_TOO_SMALL:
    case SSL_R_CA_MD_TOO_WEAK:
        return "the certificate's key or signature is too weak";

    case SSL_R_DH_KEY_TOO_SMALL:
    case SSL_R_LEGACY_SIGALG_DISALLOWED_OR_UNSUPPORTED:
    case SSL_R_WRONG_CIPHER_RETURNED:
    case SSL_R_WRONG_SIGNATURE_TYPE:
    case SSL_R_UNSAFE_LEGACY_RENEGOTIATION_DISABLED:
        return "the origin's TLS is too weak";
    }

    return "the TLS handshake failed";
}


/* "a.example, b.example" (RFC 6125), or the common name where there is none. */

static void
ngx_http_debar_fault_names(ngx_http_debar_tls_t *tls, X509 *cert)
{
    int             i, n, len;
    char            text[NGX_INET6_ADDRSTRLEN];
    const u_char   *p;
    GENERAL_NAME   *name;
    GENERAL_NAMES  *names;

    names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    n = names ? sk_GENERAL_NAME_num(names) : 0;

    for (i = 0; i < n && tls->detail_len < NGX_HTTP_DEBAR_FAULT_DETAIL; i++) {
        name = sk_GENERAL_NAME_value(names, i);

        if (i) {
            ngx_http_debar_fault_add(tls, ", ", 2);
        }

        if (name->type == GEN_DNS) {
            ngx_http_debar_fault_add(tls,
                       (const char *) ASN1_STRING_get0_data(name->d.dNSName),
                       ASN1_STRING_length(name->d.dNSName));

        } else if (name->type == GEN_IPADD) {
            p = ASN1_STRING_get0_data(name->d.iPAddress);
            len = ASN1_STRING_length(name->d.iPAddress);

            if ((len == 4 || len == 16)
                && inet_ntop(len == 4 ? AF_INET : AF_INET6, p, text,
                             sizeof(text)))
            {
                ngx_http_debar_fault_add(tls, text, ngx_strlen(text));
            }

        } else {
            ngx_http_debar_fault_add(tls, "no host", 7);
        }
    }

    if (n == 0) {
        ngx_http_debar_fault_name(tls, X509_get_subject_name(cert));
    }

    GENERAL_NAMES_free(names);
}


/* "Example CA, Example Inc" */

static void
ngx_http_debar_fault_name(ngx_http_debar_tls_t *tls, const X509_NAME *name)
{
    int               i, at, len, n;
    u_char           *text;
    X509_NAME_ENTRY  *entry;

    static const int  nids[] = { NID_commonName, NID_organizationName };

    n = 0;

    for (i = 0; i < 2; i++) {
        at = X509_NAME_get_index_by_NID((X509_NAME *) name, nids[i], -1);

        if (at < 0) {
            continue;
        }

        entry = X509_NAME_get_entry(name, at);
        len = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(entry));

        if (len < 0) {
            ERR_clear_error();
            continue;
        }

        if (n++) {
            ngx_http_debar_fault_add(tls, ", ", 2);
        }

        ngx_http_debar_fault_add(tls, (char *) text, len);
        OPENSSL_free(text);
    }

    if (n == 0) {
        ngx_http_debar_fault_add(tls, "nobody by name", 14);
    }
}


/* "2024-01-31" */

void
ngx_http_debar_fault_time(ngx_http_debar_tls_t *tls, const ASN1_TIME *time)
{
    u_char     *p, text[sizeof("2024-01-31") + NGX_INT_T_LEN];
    struct tm   tm;

    if (time == NULL || ASN1_TIME_to_tm(time, &tm) != 1) {
        ngx_http_debar_fault_add(tls, "a date that cannot be read", 26);
        return;
    }

    p = ngx_sprintf(text, "%04d-%02d-%02d", tm.tm_year + 1900, tm.tm_mon + 1,
                    tm.tm_mday);

    ngx_http_debar_fault_add(tls, (char *) text, p - text);
}


void
ngx_http_debar_fault_add(ngx_http_debar_tls_t *tls, const char *data,
    size_t len)
{
    size_t         n;
    const u_char  *p, *last;

    p = (const u_char *) data;
    last = p + len;

    while (p < last) {

        n = ngx_http_debar_utf8(p, last);

        if (tls->detail_len + (n ? n : 1) > NGX_HTTP_DEBAR_FAULT_DETAIL) {

            /* no more: not even what is shorter */

            return;
        }

        if (n == 0 || ngx_http_debar_fault_hidden(p, n)) {
            tls->detail[tls->detail_len++] = '?';
            p += n ? n : 1;
            continue;
        }

        ngx_memcpy(tls->detail + tls->detail_len, p, n);
        tls->detail_len += n;
        p += n;
    }
}


/* Controls, line ends, and what turns the direction of text around. */

static ngx_uint_t
ngx_http_debar_fault_hidden(const u_char *p, size_t n)
{
    if (n == 1) {
        return *p < 0x20 || *p == 0x7f;
    }

    if (n == 2) {
        return (p[0] == 0xc2 && p[1] < 0xa0)
               || (p[0] == 0xd8 && p[1] == 0x9c);
    }

    return n == 3 && p[0] == 0xe2
           && ((p[1] == 0x80 && p[2] >= 0x8b && p[2] <= 0x8f)
               || (p[1] == 0x80 && p[2] >= 0xa8 && p[2] <= 0xae)
               || (p[1] == 0x81 && p[2] >= 0xa0 && p[2] <= 0xaf));
}

#endif
