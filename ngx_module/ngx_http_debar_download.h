/*
 * What comes down, judged by what it is (ngx_http_debar_download*.c): by the
 * names that its head gives it, by its first bytes, and as a file that is read by
 * `debar inspect --serve` while it flows, all but its tail.
 */

#ifndef _NGX_HTTP_DEBAR_DOWNLOAD_H_INCLUDED_
#define _NGX_HTTP_DEBAR_DOWNLOAD_H_INCLUDED_


#include "ngx_http_debar.h"
#include "ngx_http_debar_inspector.h"
#include "judge_file.h"
#include "unpack.h"


typedef struct {
    ngx_fd_t                     file;       /* what came, without a name */
    ngx_fd_t                     reading;    /* the same, to be read only */
    ngx_fd_t                     room;       /* for what comes out of it */
    off_t                        size;
} ngx_http_debar_spool_t;


/* Bytes that wait for the verdict, the oldest first; buffers that went out come
 * back to be used again. */

typedef struct {
    ngx_chain_t                 *head;
    ngx_chain_t                **last;
    ngx_chain_t                 *free;
    ngx_chain_t                 *busy;
    ngx_buf_t                   *room;       /* the last of them has some */
    size_t                       size;
} ngx_http_debar_tail_t;


struct ngx_http_debar_download_s {
    ngx_http_request_t          *request;
    debar_facts_t                facts;
    ngx_debar_hold_t             hold;       /* from the end of the file on */
    ngx_uint_t                   generation;
    uint64_t                     started;

    ngx_http_debar_spool_t       spool;
    ngx_http_debar_tail_t        tail;
    ngx_http_debar_inspector_t  *inspector;  /* NULL: not asked */
    debar_filing_t              *filing;     /* while findings come */
    debar_unpack_t              *unpack;     /* until its type is known */

    off_t                        seen;       /* bytes of the body */
    off_t                        length;     /* that it will have, or -1 */
    const char                  *failed;     /* why it is not read; NULL */
    ngx_uint_t                   bounds;     /* DEBAR_FILE_* of our own */
    ngx_uint_t                   type;       /* by its first bytes */
    ngx_event_t                  wait;       /* what is held goes on then */
    ngx_event_t                  refuse;     /* posted */
    ngx_str_t                    name;       /* by Content-Disposition */
    ngx_str_t                    coding;     /* by Content-Encoding, as long as
                                                the bytes are of it */
    ngx_chain_t                 *waiting;    /* for the client: its origin's */
    u_char                      *early;      /* went before its type was known */
    size_t                       nearly;

    size_t                       nfirst;
    u_char                       first[DEBAR_FILE_HEAD];   /* decoded */

    unsigned                     head:1;     /* is held back */
    unsigned                     looking:1;  /* its type is not known yet */
    unsigned                     reading:1;  /* it is spooled */
    unsigned                     pending:1;  /* all came, and waits */
    unsigned                     judging:1;  /* the verdict is on this */
    unsigned                     refused:1;  /* what comes is dropped */
    unsigned                     over:1;     /* nothing more to do here */
    unsigned                     pinned:1;   /* a permit wants to know it */
    unsigned                     trickles:1; /* what is held may go at times */
    unsigned                     counted:1;  /* in this worker's spools */
    unsigned                     attached:1; /* Content-Disposition says so */
    unsigned                     saved:1;    /* it has the name of a file */
    unsigned                     streams:2;  /* ..._STREAM_*, or 0 */
    unsigned                     guessed:1;  /* what came first could go */
    unsigned                     lies:1;     /* is not of its coding */
    unsigned                     lied:1;     /* was not */
    unsigned                     broken:1;   /* off, by its origin */

    uint8_t                      sha256[32]; /* for the record */
    unsigned                     has_sha256:1;
    char                         signer[128];
};


/* ngx_http_debar_spool.c */

ngx_int_t ngx_http_debar_spool_open(ngx_http_request_t *r,
    ngx_http_debar_spool_t *sp, ngx_str_t *folder);
ngx_int_t ngx_http_debar_spool_write(ngx_http_request_t *r,
    ngx_http_debar_spool_t *sp, u_char *p, size_t n);
void ngx_http_debar_spool_close(ngx_http_debar_spool_t *sp);

/* Bytes into the tail, copied. */

ngx_int_t ngx_http_debar_tail_add(ngx_pool_t *pool, ngx_http_debar_tail_t *t,
    u_char *p, size_t n);

/* All but the last keep bytes, as far as whole buffers make them up; NULL: none.
 * After they were sent, ngx_http_debar_tail_sent() takes back what is done;
 * ngx_http_debar_tail_crowd(): bytes that were sent and are not done. */

ngx_chain_t *ngx_http_debar_tail_take(ngx_http_debar_tail_t *t, size_t keep);
size_t ngx_http_debar_tail_crowd(ngx_http_debar_tail_t *t);
void ngx_http_debar_tail_sent(ngx_pool_t *pool, ngx_http_debar_tail_t *t,
    ngx_chain_t *out);


/* ngx_http_debar_parts.c: which URLs are known to be nothing that is read, parts
 * of which may be asked for */

void ngx_http_debar_parts_learn(ngx_http_request_t *r);
ngx_uint_t ngx_http_debar_parts_known(ngx_http_request_t *r);


#endif /* _NGX_HTTP_DEBAR_DOWNLOAD_H_INCLUDED_ */
