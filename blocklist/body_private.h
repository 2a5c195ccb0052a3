/* What body.c has of body_operation.c and body_request.c, and lean.c of it. */

#ifndef DEBAR_BODY_PRIVATE_H
#define DEBAR_BODY_PRIVATE_H

#include "body.h"


/* Longest name of an operation that is looked at. */

#define DEBAR_OPERATION  64

/* Whether an event names what the body does: DEBAR_OK and the pair that a form
 * would have for it, which live as the event does. */

int debar_body_operation(debar_list_t *list, const debar_peel_event_t *ev,
    debar_str_t *name, debar_str_t *value);



/*
 * A request inside of the body: parts of application/http ("@method", "@url"),
 * members of a batch in JSON.  Both its values have to come from one container.
 */

#define DEBAR_REQUESTS     64             /* that are looked at */
#define DEBAR_REQUEST_URL  2048

typedef struct {
    unsigned   n;
    unsigned   depth;                     /* of the values */
    unsigned   nmethod;
    size_t     nurl;
    char       method[16];
    char       url[DEBAR_REQUEST_URL];
} debar_request_t;

/* DEBAR_OK: with this event a request is whole. */

int debar_request_event(debar_request_t *r, const debar_peel_event_t *ev);

/* Judges it as if it were sent by itself: activity and evidence, of which the
 * cap is DEBAR_LOG where it does not acquire. */

void debar_request_judge(debar_list_t *list, const debar_facts_t *f,
    const debar_host_t *host, const debar_request_t *r,
    debar_verdict_t *found);


/*
 * Numbers of a shop's own are listed with its name; those that they are asked
 * for with: a host and what is above it, from two labels on.
 */

#define DEBAR_SHOPS       3
#define DEBAR_SHOP_ITEM  40               /* bytes of a number, at most */

unsigned debar_body_shops(const debar_host_t *h,
    debar_str_t shops[DEBAR_SHOPS]);


#endif /* DEBAR_BODY_PRIVATE_H */
