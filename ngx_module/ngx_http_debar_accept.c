/*
 * Which dialect a client prefers for a refusal: Accept (RFC 9110 s.12.5.1).
 */

#include "ngx_http_debar.h"


typedef struct {                         /* q in thousandths, and how exactly */
    ngx_uint_t            q;
    ngx_uint_t            exact;         /* 0: not named at all */
} ngx_http_debar_range_t;


static void ngx_http_debar_accept(ngx_str_t *field,
    ngx_http_debar_range_t *json, ngx_http_debar_range_t *html);
static ngx_uint_t ngx_http_debar_accept_q(u_char *p, u_char *last);


ngx_uint_t
ngx_http_debar_wants_json(ngx_http_request_t *r)
{
    ngx_table_elt_t         *h;
    ngx_http_debar_walk_t    w;
    ngx_http_debar_range_t   json, html;

    ngx_memzero(&json, sizeof(ngx_http_debar_range_t));
    ngx_memzero(&html, sizeof(ngx_http_debar_range_t));

    ngx_http_debar_walk(&w, &r->headers_in.headers);

    while ((h = ngx_http_debar_walk_next(&w)) != NULL) {
        if (ngx_http_debar_field_is(h, "accept")) {
            ngx_http_debar_accept(&h->value, &json, &html);
        }
    }

    if (json.q != html.q) {
        return json.q > html.q;
    }

    /* as welcome as HTML, but named: "application/json, * / *" of scripts */

    return json.q != 0 && json.exact > html.exact;
}


static void
ngx_http_debar_range(ngx_http_debar_range_t *range, ngx_uint_t q,
    ngx_uint_t exact)
{
    /* the more exact range decides, of equally exact ones the better */

    if (exact > range->exact || (exact == range->exact && q > range->q)) {
        range->exact = exact;
        range->q = q;
    }
}


static void
ngx_http_debar_accept(ngx_str_t *field, ngx_http_debar_range_t *json,
    ngx_http_debar_range_t *html)
{
    u_char      *p, *last, *end, *type;
    size_t       len;
    ngx_uint_t   q;

    p = field->data;
    last = p + field->len;

    while (p < last) {

        while (p < last && (*p == ' ' || *p == '\t' || *p == ',')) {
            p++;
        }

        type = p;

        while (p < last && *p != ',' && *p != ';' && *p != ' ' && *p != '\t') {
            p++;
        }

        len = p - type;
        end = ngx_strlchr(p, last, ',');

        if (end == NULL) {
            end = last;
        }

        q = ngx_http_debar_accept_q(p, end);
        p = end;

        if (len == 3 && ngx_strncmp(type, "*/*", 3) == 0) {
            ngx_http_debar_range(json, q, 1);
            ngx_http_debar_range(html, q, 1);

        } else if (len == 13
                   && ngx_strncasecmp(type, (u_char *) "application/*", 13)
                      == 0)
        {
            ngx_http_debar_range(json, q, 2);

        } else if (len == 6
                   && ngx_strncasecmp(type, (u_char *) "text/*", 6) == 0)
        {
            ngx_http_debar_range(html, q, 2);

        } else if ((len == 16
                    && ngx_strncasecmp(type, (u_char *) "application/json", 16)
                       == 0)
                   || (len == 24
                       && ngx_strncasecmp(type,
                                    (u_char *) "application/problem+json", 24)
                          == 0))
        {
            ngx_http_debar_range(json, q, 3);

        } else if (len == 9
                   && ngx_strncasecmp(type, (u_char *) "text/html", 9) == 0)
        {
            ngx_http_debar_range(html, q, 3);
        }
    }
}


/* The weight among parameters, in thousandths (RFC 9110 s.12.4.2). */

static ngx_uint_t
ngx_http_debar_accept_q(u_char *p, u_char *last)
{
    ngx_uint_t  q, unit;

    for ( /* void */ ; p < last; p++) {

        if (*p != ';') {
            continue;
        }

        p++;

        while (p < last && (*p == ' ' || *p == '\t')) {
            p++;
        }

        if (last - p < 3 || (*p | 0x20) != 'q' || p[1] != '=') {
            p--;
            continue;
        }

        p += 2;
        q = *p == '0' ? 0 : 1000;
        p++;

        if (q == 0 && p < last && *p == '.') {
            p++;

            for (unit = 100;
                 unit && p < last && *p >= '0' && *p <= '9';
                 unit /= 10)
            {
                q += (*p++ - '0') * unit;
            }
        }

        return q;
    }

    return 1000;
}
