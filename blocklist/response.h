/*
 * Carts that come back in an answer (DESIGN section 6): the page that a
 * supplier's catalogue gives at the end of a punch-out.  Its browser posts the
 * cart straight to the buyer's own system, past any proxy, so that the page is
 * the last place to see it.
 *
 * An ordinary page is only looked at as it flows, and nothing of it is kept:
 * for controls of forms whose name begins a purchase document ("returns" in
 * channels/), or whose value is a document or an encoding of one; in XML and
 * JSON for the names of such documents and for strings that encode one.  From
 * there on it is judged as a body is (body.h), by documents alone: what a page
 * says beside them is nobody's order.
 *
 * Of a page every document counts that stands in a form; elsewhere those that
 * return: an order that someone looks up was judged when it was placed.
 *
 * A page that sends its reader on by <meta http-equiv=refresh> is judged as a
 * redirect is (redirect.h): "response:meta-refresh/host".
 */

#ifndef DEBAR_RESPONSE_H
#define DEBAR_RESPONSE_H

#include "body.h"


typedef struct debar_response_s  debar_response_t;

/* Whether an answer of that Content-Type (empty: none) is looked at: pages,
 * XML, JSON and what may be either; not media, styles, scripts, archives,
 * streams of events. */

unsigned debar_response_wanted(debar_str_t content_type);

/* Whether the first bytes alone, which came without a coding, say that
 * debar_response_push() would find nothing; 0 also where they are too few to
 * tell.  whole: they are all there is: a page without a control is nothing,
 * too.  Costs nothing to make and to free. */

unsigned debar_response_nothing(const debar_peel_input_t *in, const char *data,
    size_t len, unsigned whole);

/*
 * in: its labels; they, list and f must outlive it.  v: host and port of the
 * request, whose own evidence is no matter here.  held: bytes of one field that
 * are kept at most.  trace may be NULL.  NULL: no memory, or more
 * codings than are undone.
 */

debar_response_t *debar_response_new(debar_list_t *list,
    const debar_facts_t *f, const debar_verdict_t *v,
    const debar_peel_input_t *in, const debar_peel_limits_t *limits,
    size_t held, const debar_body_trace_t *trace);

/*
 * Bytes as the origin sent them.
 *
 * DEBAR_OK: they may go on.
 * DEBAR_HOLD: a cart has begun in these: they wait for the verdict, and so does
 *     all that follows.
 * DEBAR_DECLINED: nothing more is read.  What debar_response_finish() says is
 *     final.
 */

#define DEBAR_HOLD  1

int debar_response_push(debar_response_t *rs, const char *data, size_t len);

/* What came is all, or all that is read (cut: there was more than is held). */

void debar_response_finish(debar_response_t *rs, unsigned cut,
    debar_verdict_t *v);

/* Whether the answer itself is cXML, and not a page with some. */

unsigned debar_response_cxml(const debar_response_t *rs);

void debar_response_free(debar_response_t *rs);


#endif /* DEBAR_RESPONSE_H */
