/* What body.c has of body_operation.c. */

#ifndef DEBAR_BODY_PRIVATE_H
#define DEBAR_BODY_PRIVATE_H

#include "body.h"


/* Longest name of an operation that is looked at. */

#define DEBAR_OPERATION  64

/* Whether an event names what the body does: DEBAR_OK and the pair that a form
 * would have for it, which live as the event does. */

int debar_body_operation(debar_list_t *list, const debar_peel_event_t *ev,
    debar_str_t *name, debar_str_t *value);


#endif /* DEBAR_BODY_PRIVATE_H */
