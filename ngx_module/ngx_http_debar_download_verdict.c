/*
 * The verdict on a download: what the inspector finds, what a list says of it,
 * and how it is refused.
 */

#include "ngx_http_debar_download_private.h"
#include "host.h"


void
ngx_http_debar_download_found(void *data, const debar_found_t *found)
{
    size_t                      n;
    ngx_http_debar_download_t  *dl = data;

    if (dl->filing == NULL) {
        return;
    }

    debar_filing_push(dl->filing, found);

    /* for the record */

    if (found->what == DEBAR_FOUND_FILE && found->depth == 0) {
        dl->type = found->type;

        if (found->has_sha256) {
            ngx_memcpy(dl->sha256, found->sha256, 32);
            dl->has_sha256 = 1;
        }
    }

    if (found->what == DEBAR_FOUND_SIGNER && dl->signer[0] == '\0') {
        n = ngx_min(found->organization.len ? found->organization.len
                                            : found->common_name.len,
                    sizeof(dl->signer) - 1);
        ngx_memcpy(dl->signer, found->organization.len
                               ? found->organization.data
                               : found->common_name.data, n);
        dl->signer[n] = '\0';
    }
}


void
ngx_http_debar_download_done(void *data, ngx_uint_t bounds, const char *failed)
{
    ngx_int_t                   rc;
    ngx_connection_t           *c;
    ngx_http_request_t         *r;
    ngx_http_debar_download_t  *dl = data;

    r = dl->request;
    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    dl->inspector = NULL;
    r->buffered &= ~NGX_HTTP_DEBAR_BUFFERED;

    rc = ngx_http_debar_download_settle(r, dl, bounds | dl->bounds, failed);

    if (rc != NGX_OK) {
        if (ngx_http_debar_download_stop(r, dl, 1) == NGX_ERROR) {
            ngx_http_finalize_request(r, NGX_ERROR);
        }

    } else if (ngx_http_debar_download_last(r, dl) == NGX_ERROR) {
        ngx_http_finalize_request(r, NGX_ERROR);

    } else if (r->write_event_handler) {

        /* whoever waited for what was buffered ends it */

        r->write_event_handler(r);
    }

    ngx_http_run_posted_requests(c);
}


/* Findings are gathered from here on, by a list that stays. */

ngx_int_t
ngx_http_debar_download_filing(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl)
{
    debar_list_t                *list;
    debar_verdict_t             *v;
    ngx_http_debar_ctx_t        *ctx;
    ngx_http_debar_loc_conf_t   *dlcf;
    ngx_http_debar_main_conf_t  *mcf;

    dlcf = ngx_http_get_module_loc_conf(r, ngx_http_debar_module);
    mcf = ngx_http_get_module_main_conf(r, ngx_http_debar_module);
    ctx = ngx_http_debar_get_ctx(r);
    v = mcf->scratch;

    dl->hold.lost = ngx_http_debar_download_lost;
    dl->hold.data = dl;
    dl->generation = dlcf->list->generation;

    if (ngx_debar_list_hold(dlcf->list, &dl->hold) != NGX_OK) {
        ctx->refused = NGX_HTTP_SERVICE_UNAVAILABLE;
        return NGX_ERROR;
    }

    list = ngx_debar_list_held(&dl->hold);

    /* what was said of the request counts again where a permit was lent; else
     * it has its line */

    if (dl->pinned) {
        debar_judge(list, &dl->facts, v);

    } else {
        ngx_memzero(v, sizeof(debar_verdict_t));
        ngx_memcpy(&v->host, &ctx->host,
                   offsetof(debar_host_t, name) + ctx->host.len + 1);
        v->port = ctx->resolve.port;
    }

    dl->filing = debar_filing_new(list, &dl->facts, v);

    if (dl->filing == NULL) {
        ngx_debar_list_release(&dl->hold);
        ctx->refused = NGX_HTTP_SERVICE_UNAVAILABLE;
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* NGX_DECLINED: it is refused. */

ngx_int_t
ngx_http_debar_download_settle(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl, ngx_uint_t bounds, const char *failed)
{
    ngx_int_t                    rc;
    debar_found_t                found;
    debar_verdict_t             *v;
    debar_filing_policy_t        policy;
    ngx_http_debar_loc_conf_t   *dlcf;
    ngx_http_debar_main_conf_t  *mcf;

    dlcf = ngx_http_get_module_loc_conf(r, ngx_http_debar_module);
    mcf = ngx_http_get_module_main_conf(r, ngx_http_debar_module);
    v = mcf->scratch;

    if (dl->filing == NULL) {
        ngx_http_debar_unjudged(&dl->facts, v);
        v->verdict = DEBAR_REJECT;
        v->fault = "lists changed too often while the file was read";

    } else {
        bounds |= dl->lied ? DEBAR_FILE_CODED : 0;

        if (failed && !dl->has_sha256) {

            /* what is not read is known by its first bytes */

            ngx_memzero(&found, sizeof(debar_found_t));
            found.what = DEBAR_FOUND_FILE;
            found.type = dl->type;
            debar_filing_push(dl->filing, &found);
        }

        policy.failed = dlcf->on_failed;
        policy.sealed = dlcf->on_sealed;
        policy.unread = dlcf->on_unread;

        debar_filing_finish(dl->filing, bounds, failed, &policy, v);
        debar_filing_free(dl->filing);
        dl->filing = NULL;
    }

    rc = NGX_OK;

    if (v->verdict != DEBAR_PASS || v->nevidence || v->fault) {
        dl->judging = 1;
        rc = ngx_http_debar_late(r, v);
        dl->judging = (rc != NGX_OK);
    }

    if (rc == NGX_OK) {
        ngx_debar_list_release(&dl->hold);
    }

    return rc;
}


void
ngx_http_debar_download_content(ngx_http_debar_download_t *dl,
    debar_record_content_t *content)
{
    if (dl->seen == 0) {
        return;
    }

    content->type = debar_file_type_name(dl->type);
    content->size = dl->seen;
    content->sha256 = dl->has_sha256 ? dl->sha256 : NULL;
    content->signer = debar_str(dl->signer, ngx_strlen(dl->signer));
    content->name = debar_str((char *) dl->name.data, dl->name.len);
}


/* By a page, or where its head has gone out by no more of it. */

ngx_int_t
ngx_http_debar_download_stop(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl, ngx_uint_t event)
{
    ngx_http_debar_download_unspool(dl);

    if (dl->wait.timer_set) {
        ngx_del_timer(&dl->wait);
    }

    dl->tail.head = NULL;
    dl->refused = 1;

    if (!dl->head) {
        ngx_http_debar_cut(r, ngx_http_debar_get_ctx(r));
        return NGX_ERROR;
    }

    /* whoever runs the filters may end the request as he pleases */

    if (!event) {
        r->main->count++;
    }

    ngx_post_event(&dl->refuse, &ngx_posted_events);

    return NGX_OK;
}


void
ngx_http_debar_download_refuse(ngx_event_t *ev)
{
    ngx_http_debar_refusal_t    rf;
    ngx_http_debar_download_t  *dl = ev->data;

    dl->over = 1;

    ngx_memzero(&rf, sizeof(ngx_http_debar_refusal_t));
    ngx_http_debar_late_page(dl->request, &rf);
}


void
ngx_http_debar_download_lost(void *data)
{
    ngx_http_debar_download_t  *dl = data;

    if (dl->filing) {
        debar_filing_free(dl->filing);
        dl->filing = NULL;
    }
}
