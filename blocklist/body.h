/*
 * A body judged: peel.h finds what it carries, document.h reads it as purchase
 * lines, and each value is evidence by its role.  One object a body; nginx,
 * `debar check` and the tests use the same functions.
 *
 *   maker, part, supplier-part, gtin, name, package and, in a document, other:
 *       goods.
 *   description: goods where no maker of somebody else stands in the line; `log`
 *       at most beside words of prohibition, removal or replacement.
 *   note, person, party, search, quantity, unspsc: never more than `log`.
 *   url: judged as a URL inside the request.
 *   file: goods by a name in it; a listed name of a download is recorded.
 *   a withdrawn line, a cancelled document: `log` at most.
 *
 * A block is held until its document has ended, since that may be taken back,
 * with two exceptions: formats whose mark of cancellation stands before their
 * lines (cXML, X12, EDIFACT, UBL, OAGIS), and a line behind which 64 KiB came.
 * Then debar_body_push() says so at once, of lines that are still open too.
 *
 *   a Content-Type with two boundaries: rejected, and nothing is read.
 *   A permit or waiver lifts what it lifts elsewhere; an order number that a
 *       waiver names is looked for in the document.
 *
 * The verdict is per line and the strongest wins; where says the line:
 * "body:line[2]/maker".
 */

#ifndef DEBAR_BODY_H
#define DEBAR_BODY_H

#include "document.h"


typedef struct debar_body_s  debar_body_t;

/*
 * Told of each event and line as they come: `debar check` draws the tree with
 * it.  Each may be NULL.  Of a body in which nothing can be found nothing is
 * told where event is NULL, or found is not: who asks what was found needs the
 * events of that body alone.  It is not looked at by lines then (lean.h).
 */

typedef struct {
    debar_peel_pt   event;
    debar_line_pt   line;
    debar_line_pt   found;        /* after line: what is listed is in it */
    void           *data;
} debar_body_trace_t;

/*
 * list and f must outlive the body, and the list must not change meanwhile (a
 * worker whose list was replaced begins again or goes on with what it holds:
 * see ngx_module/README.md).  v: what debar_judge() said of the rest of the
 * request; copied.  NULL: no memory.
 */

debar_body_t *debar_body_new(debar_list_t *list, const debar_facts_t *f,
    const debar_verdict_t *v, const debar_peel_input_t *in,
    const debar_peel_limits_t *limits, const debar_body_trace_t *trace);

/* The same for a field of the head: it says what is bought, not that something
 * is. */

debar_body_t *debar_body_fields(debar_list_t *list, const debar_facts_t *f,
    const debar_verdict_t *v, const debar_peel_input_t *in);

/*
 * The same for a cart in an answer (response.h): documents alone are judged, in a
 * form of a page each, elsewhere those that return to a buyer.  They say what is
 * done, the request does not.  where: "response:line[2]/maker".
 */

debar_body_t *debar_body_response(debar_list_t *list, const debar_facts_t *f,
    const debar_verdict_t *v, const debar_peel_input_t *in,
    const debar_peel_limits_t *limits, const debar_body_trace_t *trace);

/* Whether a document in it acquires something: asked before the end, or behind
 * it. */

unsigned debar_body_orders(const debar_body_t *b);

/* DEBAR_DECLINED: what came so far is a block already, and no more is read. */

int debar_body_push(debar_body_t *b, const char *data, size_t len);

/* The verdict on the whole request: that of before with what the body adds, at a
 * bound (v->fault says which) block where the activity is acquire, else log. */

void debar_body_finish(debar_body_t *b, debar_verdict_t *v);

void debar_body_free(debar_body_t *b);


/* The line that the strongest evidence of a body stands in, for refusals in the
 * buyer's own document format; 0: none. */

unsigned debar_body_line(const debar_verdict_t *v);


#endif /* DEBAR_BODY_H */
