/*
 * Refusals of orders by EDI: what they say, for refuse_edi.h to write.
 */

#include "ngx_http_debar.h"
#include "ngx_http_debar_page.h"


static ngx_int_t
ngx_http_debar_edi_text(ngx_http_request_t *r, debar_edi_refusal_t *er,
    const char *before, ngx_str_t *value, const char *between, ngx_str_t *more,
    const char *after)
{
    u_char     *p;
    ngx_str_t   none = ngx_null_string;

    if (value->len == 0 || er->ntexts == DEBAR_EDI_TEXTS) {
        return NGX_OK;
    }

    if (more == NULL || more->len == 0) {
        between = "";
        after = "";
        more = &none;
    }

    p = ngx_pnalloc(r->pool, ngx_strlen(before) + value->len
                             + ngx_strlen(between) + more->len
                             + ngx_strlen(after));
    if (p == NULL) {
        return NGX_ERROR;
    }

    er->texts[er->ntexts].data = (char *) p;
    p = ngx_sprintf(p, "%s%V%s%V%s", before, value, between, more, after);
    er->texts[er->ntexts].len = (char *) p - er->texts[er->ntexts].data;
    er->ntexts++;

    return NGX_OK;
}


/* Lines of the order that are a block, the one to blame first. */

static void
ngx_http_debar_edi_lines(ngx_http_debar_refusal_t *rf, debar_edi_refusal_t *er)
{
    unsigned                 line;
    ngx_uint_t               i, k;
    const debar_evidence_t  *e;

    if (rf->line) {
        er->lines[er->nlines++] = rf->line;
    }

    for (i = 0; i < rf->verdict->nevidence; i++) {
        e = &rf->verdict->evidence[i];

        if (e->action != DEBAR_BLOCK
            || sscanf(e->where, "body:line[%u]", &line) != 1)
        {
            continue;
        }

        for (k = 0; k < er->nlines && er->lines[k] != line; k++) {
            /* void */
        }

        if (k == er->nlines && k < DEBAR_EDI_LINES) {
            er->lines[er->nlines++] = line;
        }
    }
}


ngx_int_t
ngx_http_debar_edi(ngx_http_request_t *r, ngx_http_debar_refusal_t *rf,
    ngx_http_debar_values_t *vs, ngx_str_t *text)
{
    ngx_str_t            *v;
    ngx_uint_t            i;
    debar_edi_refusal_t   er;

    ngx_str_null(text);

    if (rf->order == NULL || rf->verdict == NULL
        || rf->verdict->verdict != DEBAR_BLOCK)
    {
        return NGX_OK;
    }

    v = vs->value;
    ngx_memzero(&er, sizeof(debar_edi_refusal_t));

    er.incident = debar_str((char *) v[NGX_HTTP_DEBAR_V_INCIDENT].data,
                            v[NGX_HTTP_DEBAR_V_INCIDENT].len);
    er.now = ngx_time();
    ngx_http_debar_edi_lines(rf, &er);

    if (ngx_http_debar_edi_text(r, &er, "", &v[NGX_HTTP_DEBAR_V_TITLE], ". ",
                                &v[NGX_HTTP_DEBAR_V_DETAIL], "")
        != NGX_OK
        || ngx_http_debar_edi_text(r, &er, "Reason: ",
                                   &v[NGX_HTTP_DEBAR_V_REASON], "", NULL, "")
           != NGX_OK
        || ngx_http_debar_edi_text(r, &er, "Vendor: ",
                                   &v[NGX_HTTP_DEBAR_V_VENDOR], "; ",
                                   &v[NGX_HTTP_DEBAR_V_PRODUCT], "")
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < vs->nauthorities; i++) {
        if (ngx_http_debar_edi_text(r, &er, "Authority: ", &vs->authority[i],
                                    " (", &vs->citation[i], ")")
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    if (ngx_http_debar_edi_text(r, &er, "Incident: ",
                                &v[NGX_HTTP_DEBAR_V_INCIDENT], "", NULL, "")
        != NGX_OK
        || ngx_http_debar_edi_text(r, &er, "Contact: ",
                                   &v[NGX_HTTP_DEBAR_V_CONTACT], "", NULL, "")
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    text->len = debar_edi_refuse(rf->order, &er, NULL, 0);

    if (text->len) {
        text->data = ngx_pnalloc(r->pool, text->len);
        if (text->data == NULL) {
            return NGX_ERROR;
        }

        (void) debar_edi_refuse(rf->order, &er, (char *) text->data,
                                text->len);
    }

    return NGX_OK;
}
