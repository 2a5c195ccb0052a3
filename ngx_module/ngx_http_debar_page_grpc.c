/*
 * Refusals of calls by gRPC: no body, and the status of the call in fields
 * ("Trailers-Only", gRPC over HTTP/2; gRPC-web reads the same).
 */

#include "ngx_http_debar.h"
#include "ngx_http_debar_page.h"


/* Clients bound what fields they take: 8 KB in all. */

#define NGX_HTTP_DEBAR_GRPC_MESSAGE  2048


static void ngx_http_debar_grpc_add(ngx_str_t *message, const char *before,
    ngx_str_t *value, const char *after);


ngx_uint_t
ngx_http_debar_is_grpc(ngx_http_request_t *r)
{
    u_char      c;
    size_t      n;
    ngx_str_t  *type;

    if (r->headers_in.content_type == NULL) {
        return 0;
    }

    type = &r->headers_in.content_type->value;
    n = sizeof("application/grpc") - 1;

    if (type->len < n
        || ngx_strncasecmp(type->data, (u_char *) "application/grpc", n) != 0)
    {
        return 0;
    }

    c = type->len > n ? type->data[n] : '+';

    return c == '+' || c == '-' || c == ';' || c == ' ';
}


/* The codes of gRPC (google.rpc.Code). */

static const char *
ngx_http_debar_grpc_status(ngx_uint_t status)
{
    switch (status) {

    case NGX_HTTP_FORBIDDEN:
    case 451:
        return "7";                          /* PERMISSION_DENIED */

    case NGX_HTTP_BAD_REQUEST:
        return "3";                          /* INVALID_ARGUMENT */

    case NGX_HTTP_SERVICE_UNAVAILABLE:
    case NGX_HTTP_BAD_GATEWAY:
    case NGX_HTTP_GATEWAY_TIME_OUT:
        return "14";                         /* UNAVAILABLE */

    default:
        return "2";                          /* UNKNOWN */
    }
}


ngx_int_t
ngx_http_debar_grpc(ngx_http_request_t *r, ngx_http_debar_values_t *vs)
{
    size_t      i, n;
    u_char     *p;
    ngx_str_t  *v, *type, message;

    v = vs->value;
    type = &r->headers_in.content_type->value;

    message.len = 0;
    message.data = ngx_pnalloc(r->pool, NGX_HTTP_DEBAR_GRPC_MESSAGE + 1);
    if (message.data == NULL) {
        return NGX_ERROR;
    }

    /* what a person has to have comes first: the rest may be too long */

    ngx_http_debar_grpc_add(&message, "", &v[NGX_HTTP_DEBAR_V_TITLE], ".");
    ngx_http_debar_grpc_add(&message, " Incident: ",
                            &v[NGX_HTTP_DEBAR_V_INCIDENT], ".");
    ngx_http_debar_grpc_add(&message, " Contact: ",
                            &v[NGX_HTTP_DEBAR_V_CONTACT], ".");
    ngx_http_debar_grpc_add(&message, " Reason: ",
                            &v[NGX_HTTP_DEBAR_V_REASON], ".");
    ngx_http_debar_grpc_add(&message, " Vendor: ",
                            &v[NGX_HTTP_DEBAR_V_VENDOR], ".");

    for (i = 0; i < vs->nauthorities; i++) {
        ngx_http_debar_grpc_add(&message, " Authority: ", &vs->authority[i],
                                "");
        ngx_http_debar_grpc_add(&message, " (", &vs->citation[i], ")");
        ngx_http_debar_grpc_add(&message, ".", NULL, "");
    }

    message.data[message.len] = '\0';

    if (ngx_http_debar_header(r, "grpc-status",
                              ngx_http_debar_grpc_status(vs->status))
        != NGX_OK
        || ngx_http_debar_header(r, "grpc-message", (char *) message.data)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* "application/grpc+proto": its own, without parameters */

    for (n = 0; n < type->len && n < 64 && type->data[n] > ' '
                && type->data[n] < 0x7f && type->data[n] != ';'; n++)
    { /* void */ }

    p = ngx_pnalloc(r->pool, n);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(p, type->data, n);

    r->headers_out.content_type.data = p;
    r->headers_out.content_type.len = n;
    r->headers_out.content_type_len = n;
    r->headers_out.content_type_lowcase = NULL;

    /*
     * gRPC itself takes another status for a fault of its transport; clients of
     * gRPC-web know what 403 is, and so does all else that sees HTTP.
     */

    if (r->http_version == NGX_HTTP_VERSION_20
        && (n < 17 || ngx_strncasecmp(p, (u_char *) "application/grpc-", 17)
                      != 0))
    {
        r->headers_out.status = NGX_HTTP_OK;
    }

    r->headers_out.content_length_n = 0;

    return NGX_OK;
}


/* Percent-encoded: all but printable ASCII, and the percent sign.  What does not
 * fit is left out as a whole. */

static void
ngx_http_debar_grpc_add(ngx_str_t *message, const char *before,
    ngx_str_t *value, const char *after)
{
    size_t   i, len;
    u_char   c, *p, *last;

    if (value && value->len == 0) {
        return;
    }

    len = ngx_strlen(before) + ngx_strlen(after);

    for (i = 0; value && i < value->len; i++) {
        c = value->data[i];
        len += c < ' ' || c > '~' || c == '%' ? 3 : 1;
    }

    p = message->data + message->len;
    last = message->data + NGX_HTTP_DEBAR_GRPC_MESSAGE;

    if (len > (size_t) (last - p)) {
        return;
    }

    p = ngx_cpymem(p, before, ngx_strlen(before));

    for (i = 0; value && i < value->len; i++) {
        c = value->data[i];

        if (c < ' ' || c > '~' || c == '%') {
            p = ngx_sprintf(p, "%%%02Xd", c);

        } else {
            *p++ = c;
        }
    }

    p = ngx_cpymem(p, after, ngx_strlen(after));
    message->len = p - message->data;
}
