/*
 * Answers while they come (ngx_http_debar_response.c).  Readers look at the
 * bytes as the origin sent them; the filter holds back what they ask for: the
 * head until the first of them has said that it may go, a part of the body
 * until all have said what it is.
 */

#ifndef _NGX_HTTP_DEBAR_RESPONSE_H_INCLUDED_
#define _NGX_HTTP_DEBAR_RESPONSE_H_INCLUDED_


#include "ngx_http_debar.h"
#include "response.h"


#define NGX_HTTP_DEBAR_READERS  1


struct ngx_http_debar_response_s {
    ngx_http_request_t   *request;
    debar_response_t     *cart;          /* NULL: not read (any more) */
    debar_facts_t         facts;
    ngx_debar_hold_t      hold;
    ngx_uint_t            generation;    /* of the list that is held */
    uint64_t              started;

    size_t                seen;          /* bytes of the body */
    size_t                nheld;         /* of them held back: */
    ngx_chain_t          *held;
    ngx_chain_t         **last;
    ngx_buf_t            *room;          /* the last of them may have some */
    ngx_event_t           wait;          /* the head goes when it is over */
    ngx_event_t           refuse;        /* posted */
    unsigned              line;          /* that is refused; 0: none */
    char                  document[32];  /* id of its format, or "" */

    unsigned              reading:1;     /* a reader wants more */
    unsigned              holding:1;     /* one wants what comes held back */
    unsigned              head:1;        /* the head is */
    unsigned              waited:1;      /* it is not, any more, for nothing */
    unsigned              lost:1;        /* the list that it was read by */
    unsigned              judging:1;     /* the verdict is on this */
    unsigned              refused:1;     /* what comes is dropped */
    unsigned              over:1;        /* what comes is ours */
    unsigned              cxml:1;        /* the answer is, and so is a refusal
                                            of it */
};


/* One kind of reader. */

typedef struct {
    const char           *name;

    /* whether it wants to read the answer at all: NGX_OK, NGX_DECLINED */
    ngx_int_t           (*begin)(ngx_http_request_t *r,
                                 ngx_http_debar_response_t *rs,
                                 const debar_verdict_t *v);

    /* NGX_OK: these may go on; NGX_AGAIN: they and what follows are held;
     * NGX_DONE: it has seen enough */
    ngx_int_t           (*push)(ngx_http_debar_response_t *rs, u_char *data,
                                size_t len);

    /* what it found; cut: there is more than is held */
    void                (*finish)(ngx_http_debar_response_t *rs, ngx_uint_t cut,
                                  debar_verdict_t *v);

    void                (*free)(ngx_http_debar_response_t *rs);
} ngx_http_debar_reader_t;


#endif /* _NGX_HTTP_DEBAR_RESPONSE_H_INCLUDED_ */
