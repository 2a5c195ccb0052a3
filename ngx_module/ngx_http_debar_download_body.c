/*
 * The body of a download: its first bytes, its spool, and its tail.
 */

#include "ngx_http_debar_download_private.h"


#define NGX_HTTP_DEBAR_HEAD_WAIT  100         /* ms: for the first bytes */
#define NGX_HTTP_DEBAR_TRICKLE    1000        /* ms: see ..._waited() */

/* What is sent before its type is known, and what waits for that. */

#define NGX_HTTP_DEBAR_EARLY      4096
#define NGX_HTTP_DEBAR_LOOKED_AT  65536


static ngx_int_t ngx_http_debar_download_take(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl, ngx_chain_t *in);
static ngx_int_t ngx_http_debar_download_first(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl, u_char *p, size_t n, ngx_uint_t whole);
static ngx_uint_t ngx_http_debar_download_uncoded(ngx_http_debar_download_t *dl);
static int ngx_http_debar_download_decoded(void *data, const char *bytes,
    size_t len);
static void ngx_http_debar_download_read(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl);
static void ngx_http_debar_download_ask(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl);
static void ngx_http_debar_download_spool(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl, u_char *p, size_t n);
static ngx_int_t ngx_http_debar_download_flow(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl, ngx_chain_t *in, ngx_uint_t ends);
static ngx_int_t ngx_http_debar_download_early(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl, ngx_chain_t **out);
static ngx_int_t ngx_http_debar_download_end(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl);
static void ngx_http_debar_download_learn(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl);


/* Bytes in the spools of this worker. */

static off_t  ngx_http_debar_spooled;


ngx_int_t
ngx_http_debar_download_in(ngx_http_request_t *r, ngx_http_debar_download_t *dl,
    ngx_chain_t *in)
{
    ngx_buf_t    *b;
    ngx_uint_t    ends, looking, known;
    ngx_chain_t  *cl;

    ends = 0;
    looking = dl->looking;
    known = 0;

    for (cl = in; cl; cl = cl->next) {
        b = cl->buf;
        ends |= b->last_buf;

        /* its origin broke off: nothing will follow */

        if (b->flush && r->upstream && r->upstream->cleanup == NULL
            && !b->last_buf)
        {
            ends |= 1;
            dl->broken = 1;
        }

        if (!ngx_buf_in_memory(b) || b->last == b->pos) {
            continue;
        }

        dl->seen += b->last - b->pos;

        if (looking) {
            known |= ngx_http_debar_download_first(r, dl, b->pos,
                                                   b->last - b->pos, 0)
                     == NGX_DONE;

        } else if (dl->reading) {
            ngx_http_debar_download_spool(r, dl, b->pos, b->last - b->pos);
        }
    }

    if (looking
        && ngx_http_debar_download_take(r, dl, in) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (looking && dl->lies) {
        known = ngx_http_debar_download_uncoded(dl);
    }

    if (looking && !known && ends) {
        (void) ngx_http_debar_download_first(r, dl, NULL, 0, 1);
        known = 1;
    }

    if (known) {
        ngx_http_debar_download_read(r, dl);
    }

    return ngx_http_debar_download_flow(r, dl, in, ends);
}


/* Bytes into the tail; whoever reads the origin wants its buffers back. */

static ngx_int_t
ngx_http_debar_download_take(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl, ngx_chain_t *in)
{
    ngx_buf_t  *b;

    for ( /* void */ ; in; in = in->next) {
        b = in->buf;

        if (ngx_buf_in_memory(b)) {
            if (ngx_http_debar_tail_add(r->pool, &dl->tail, b->pos,
                                        b->last - b->pos)
                != NGX_OK)
            {
                return NGX_ERROR;
            }

            b->pos = b->last;
        }

        b->file_pos = b->file_last;
    }

    return NGX_OK;
}


/* NGX_DONE: its type is known. */

static ngx_int_t
ngx_http_debar_download_first(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl, u_char *p, size_t n, ngx_uint_t whole)
{
    if (dl->lies) {
        return NGX_AGAIN;
    }

    if (dl->unpack) {
        if (n && debar_unpack_push(dl->unpack, (char *) p, n,
                                   ngx_http_debar_download_decoded, dl)
                 == DEBAR_ERROR
            && dl->nfirst < sizeof(dl->first))
        {
            dl->lies = 1;
            return NGX_AGAIN;
        }

    } else if (n) {
        (void) ngx_http_debar_download_decoded(dl, (char *) p, n);
    }

    if (dl->nfirst < sizeof(dl->first) && !whole) {

        /* codings can say nothing at length */

        if (dl->seen < NGX_HTTP_DEBAR_LOOKED_AT) {
            return NGX_AGAIN;
        }

        dl->type = DEBAR_FILE_UNKNOWN;

        return NGX_DONE;
    }

    dl->type = debar_file_type(dl->first, dl->nfirst,
                               whole && dl->nfirst < sizeof(dl->first));

    return NGX_DONE;
}


/* It is not of the coding that it is said to be of: what it is as it came. */

static ngx_uint_t
ngx_http_debar_download_uncoded(ngx_http_debar_download_t *dl)
{
    ngx_chain_t  *cl;

    debar_unpack_free(dl->unpack);
    dl->unpack = NULL;
    dl->lies = 0;
    dl->lied = 1;
    dl->coding.len = 0;
    dl->nfirst = 0;

    if (dl->nearly) {
        (void) ngx_http_debar_download_decoded(dl, (char *) dl->early,
                                               dl->nearly);
    }

    for (cl = dl->tail.head; cl; cl = cl->next) {
        (void) ngx_http_debar_download_decoded(dl, (char *) cl->buf->pos,
                                               cl->buf->last - cl->buf->pos);
    }

    if (dl->nfirst < sizeof(dl->first)) {
        return 0;
    }

    dl->type = debar_file_type(dl->first, dl->nfirst, 0);

    return 1;
}


static int
ngx_http_debar_download_decoded(void *data, const char *bytes, size_t len)
{
    size_t                      n;
    ngx_http_debar_download_t  *dl = data;

    n = ngx_min(len, sizeof(dl->first) - dl->nfirst);

    ngx_memcpy(dl->first + dl->nfirst, bytes, n);
    dl->nfirst += n;

    return dl->nfirst == sizeof(dl->first) ? DEBAR_DECLINED : DEBAR_OK;
}


/* Its type is known: it goes on, or is kept for the inspector. */

static void
ngx_http_debar_download_read(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl)
{
    dl->looking = 0;

    if (dl->unpack) {
        debar_unpack_free(dl->unpack);
        dl->unpack = NULL;
    }

    switch (debar_file_class(dl->type)) {

    case DEBAR_CLASS_MEDIA:
    case DEBAR_CLASS_TEXT:
    case DEBAR_CLASS_DOCUMENT:

        if (!dl->pinned && !dl->saved) {
            ngx_http_debar_parts_learn(r);
            ngx_http_debar_download_unspool(dl);
            return;
        }

        break;

    case DEBAR_CLASS_UNKNOWN:

        if (dl->streams == NGX_HTTP_DEBAR_STREAM_ANY) {
            return;
        }

        dl->trickles = (dl->length == -1 && !dl->attached);
        break;

    default:
        break;
    }

    dl->reading = 1;

    ngx_http_debar_download_ask(r, dl);
}


/* Somebody to read it, and what came before its type was known. */

static void
ngx_http_debar_download_ask(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl)
{
    ngx_chain_t                 *cl;
    ngx_http_debar_loc_conf_t   *dlcf;
    ngx_http_debar_inspected_t   inspected;

    dlcf = ngx_http_get_module_loc_conf(r, ngx_http_debar_module);

    if (dlcf->inspector.len == 0) {
        dl->failed = "no inspector is named: debar_inspector";
        return;
    }

    if (ngx_http_debar_spool_open(r, &dl->spool, &dlcf->download_temp->name)
        != NGX_OK)
    {
        dl->failed = "no room to keep it: debar_download_temp_path";
        return;
    }

    inspected.data = dl;
    inspected.found = ngx_http_debar_download_found;
    inspected.done = ngx_http_debar_download_done;

    dl->inspector = ngx_http_debar_inspector_begin(r->pool, r->connection->log,
                                  &dlcf->inspector, dl->spool.reading,
                                  dl->spool.room,
                                  debar_str((char *) dl->coding.data,
                                            dl->coding.len),
                                  &dlcf->file_limits, &inspected, &dl->failed);

    if (dl->inspector == NULL) {
        ngx_http_debar_download_unspool(dl);
        return;
    }

    dl->failed = NULL;
    dl->counted = 1;

    if (dl->nearly) {
        ngx_http_debar_download_spool(r, dl, dl->early, dl->nearly);
    }

    for (cl = dl->tail.head; cl; cl = cl->next) {
        ngx_http_debar_download_spool(r, dl, cl->buf->pos,
                                      cl->buf->last - cl->buf->pos);
    }
}


static void
ngx_http_debar_download_spool(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl, u_char *p, size_t n)
{
    off_t                       size;
    ngx_int_t                   rc;
    ngx_http_debar_loc_conf_t  *dlcf;

    if (dl->failed || dl->bounds) {
        return;
    }

    dlcf = ngx_http_get_module_loc_conf(r, ngx_http_debar_module);

    if (dl->spool.size + (off_t) n > dlcf->spool) {
        dl->bounds |= DEBAR_FILE_HELD;
        ngx_http_debar_download_unspool(dl);
        return;
    }

    /* that others fill the room is no property of this file */

    if (ngx_http_debar_spooled + (off_t) n > dlcf->spools) {
        dl->failed = "no room to keep it: debar_download_limits spools=";
        ngx_http_debar_download_unspool(dl);
        return;
    }

    size = dl->spool.size;
    rc = ngx_http_debar_spool_write(r, &dl->spool, p, n);
    ngx_http_debar_spooled += dl->spool.size - size;

    if (rc != NGX_OK) {
        dl->failed = "no room to keep it: debar_download_temp_path";
        ngx_http_debar_download_unspool(dl);
        return;
    }

    ngx_http_debar_inspector_more(dl->inspector, dl->spool.size);
}


void
ngx_http_debar_download_unspool(ngx_http_debar_download_t *dl)
{
    if (dl->inspector) {
        ngx_http_debar_inspector_abort(dl->inspector);
        dl->inspector = NULL;
    }

    if (dl->counted) {
        ngx_http_debar_spooled -= dl->spool.size;
        dl->counted = 0;
    }

    ngx_http_debar_spool_close(&dl->spool);
}


/*
 * What may go on goes.  Of a body whose length is known only its last part is
 * copied; of others everything waits until so much has come behind it.
 */

static ngx_int_t
ngx_http_debar_download_flow(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl, ngx_chain_t *in, ngx_uint_t ends)
{
    size_t                      hold;
    off_t                       from;
    ngx_int_t                   rc;
    ngx_chain_t                *out;
    ngx_http_debar_loc_conf_t  *dlcf;

    if (!dl->looking && !dl->reading) {
        dl->over = 1;

        /* of what came with its first bytes nothing is left but a copy */

        if (dl->tail.head == NULL) {
            return ngx_http_debar_download_send(r, dl, in);
        }

        return ends ? ngx_http_debar_download_last(r, dl)
                    : ngx_http_debar_download_push(r, dl, NULL);
    }

    dlcf = ngx_http_get_module_loc_conf(r, ngx_http_debar_module);
    hold = dlcf->tail_hold;

    /* from here on it is held */

    from = dl->length == -1 ? 0 : dl->length - (off_t) hold;

    if (!dl->looking && dl->tail.head == NULL && dl->length != -1
        && dl->seen <= from && !ends)
    {
        return ngx_http_debar_download_send(r, dl, in);
    }

    if (ngx_http_debar_download_take(r, dl, in) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ends) {
        return ngx_http_debar_download_end(r, dl);
    }

    if (dl->looking) {

        if (dl->guessed || dl->streams) {
            rc = ngx_http_debar_download_early(r, dl, &out);

            return out ? ngx_http_debar_download_push(r, dl, out) : rc;
        }

        if (!dl->wait.timer_set) {
            ngx_add_timer(&dl->wait, NGX_HTTP_DEBAR_HEAD_WAIT);
        }

        return NGX_OK;
    }

    if (dl->trickles && !dl->wait.timer_set) {
        ngx_add_timer(&dl->wait, NGX_HTTP_DEBAR_TRICKLE);
    }

    /* the head stays while the whole may still be refused by a page */

    if (dl->length != -1 && from <= 0) {
        return NGX_OK;
    }

    out = ngx_http_debar_tail_take(&dl->tail, dl->length == -1 ? hold
                                   : (size_t) ngx_max(dl->seen - from, 0));
    if (out == NULL) {
        return NGX_OK;
    }

    rc = ngx_http_debar_download_send(r, dl, out);
    ngx_http_debar_tail_sent(r->pool, &dl->tail, out);

    return rc;
}


/*
 * Bytes may go before there are enough of them to say what they are, as long as
 * they are no program by now: there are few, and they are kept to be read with
 * the others.
 */

static ngx_int_t
ngx_http_debar_download_early(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl, ngx_chain_t **out)
{
    u_char       *p;
    ngx_chain_t  *cl;

    *out = NULL;

    if (dl->nfirst == 0) {
        return NGX_OK;
    }

    switch (debar_file_class(debar_file_type(dl->first, dl->nfirst, 1))) {

    case DEBAR_CLASS_PROGRAM:
    case DEBAR_CLASS_PACKAGE:
    case DEBAR_CLASS_ARCHIVE:
        return NGX_OK;

    default:
        break;
    }

    if (dl->pinned || dl->nearly + dl->tail.size > NGX_HTTP_DEBAR_EARLY) {
        return NGX_OK;
    }

    if (dl->early == NULL) {
        dl->early = ngx_palloc(r->pool, NGX_HTTP_DEBAR_EARLY);

        if (dl->early == NULL) {
            return NGX_ERROR;
        }
    }

    p = dl->early + dl->nearly;

    for (cl = dl->tail.head; cl; cl = cl->next) {
        p = ngx_cpymem(p, cl->buf->pos, cl->buf->last - cl->buf->pos);
    }

    dl->nearly = p - dl->early;

    *out = ngx_http_debar_tail_take(&dl->tail, 0);

    return NGX_OK;
}


/* All of it came. */

static ngx_int_t
ngx_http_debar_download_end(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl)
{
    ngx_int_t                   rc;
    ngx_http_debar_loc_conf_t  *dlcf;

    dlcf = ngx_http_get_module_loc_conf(r, ngx_http_debar_module);

    if (dl->wait.timer_set) {
        ngx_del_timer(&dl->wait);
    }

    dl->trickles = 0;

    if (ngx_http_debar_download_filing(r, dl) != NGX_OK) {
        return ngx_http_debar_download_stop(r, dl, 0);
    }

    dl->pending = 1;

    if (dl->inspector) {

        /* nginx keeps a request that has something buffered */

        r->buffered |= NGX_HTTP_DEBAR_BUFFERED;

        ngx_http_debar_inspector_end(dl->inspector, dl->spool.size,
                                     dlcf->inspect_timeout);
        return NGX_AGAIN;
    }

    rc = ngx_http_debar_download_settle(r, dl, dl->bounds, dl->failed);

    if (rc != NGX_OK) {
        return ngx_http_debar_download_stop(r, dl, 0);
    }

    return ngx_http_debar_download_last(r, dl);
}


/* The tail, and the end. */

ngx_int_t
ngx_http_debar_download_last(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl)
{
    ngx_buf_t    *b;
    ngx_chain_t   cl;

    b = ngx_calloc_buf(r->pool);

    if (b == NULL) {
        return NGX_ERROR;
    }

    /* where its origin broke off the client learns so */

    if (dl->broken) {
        b->flush = 1;

    } else {
        b->last_buf = 1;
        b->last_in_chain = 1;
        ngx_http_debar_download_learn(r, dl);
    }

    cl.buf = b;
    cl.next = NULL;

    dl->over = 1;
    ngx_http_debar_download_unspool(dl);

    return ngx_http_debar_download_send(r, dl, &cl);
}


/* A film that was read to its end: parts of it may be asked for. */

static void
ngx_http_debar_download_learn(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl)
{
    if (dl->pinned || !dl->saved || dl->bounds || dl->failed) {
        return;
    }

    switch (debar_file_class(dl->type)) {

    case DEBAR_CLASS_MEDIA:
    case DEBAR_CLASS_TEXT:
    case DEBAR_CLASS_DOCUMENT:
        ngx_http_debar_parts_learn(r);
        break;

    default:
        break;
    }
}


/*
 * Nothing came for a while.  A head does not wait longer for its first bytes,
 * nor they for more of them.  Bytes that nobody knows and that have no end may be
 * messages which somebody waits for: those go on, and what they were is judged
 * when they end.
 */

void
ngx_http_debar_download_waited(ngx_event_t *ev)
{
    ngx_int_t                   rc;
    ngx_chain_t                *out;
    ngx_connection_t           *c;
    ngx_http_request_t         *r;
    ngx_http_debar_download_t  *dl = ev->data;

    r = dl->request;
    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    if (dl->over || dl->refused || dl->pending) {
        return;
    }

    rc = NGX_OK;
    out = NULL;

    if (dl->looking && dl->seen) {
        dl->guessed = 1;
        rc = ngx_http_debar_download_early(r, dl, &out);

    } else if (dl->trickles) {
        out = ngx_http_debar_tail_take(&dl->tail, 0);
    }

    if (rc == NGX_OK) {
        if (out == NULL && (dl->seen || !dl->head)) {
            return;
        }

        rc = ngx_http_debar_download_push(r, dl, out);
    }

    if (rc == NGX_ERROR) {
        ngx_http_finalize_request(r, NGX_ERROR);
    }

    ngx_http_run_posted_requests(c);
}
