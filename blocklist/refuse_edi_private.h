/*
 * What keeps an order (refuse_order.c) and what answers it (refuse_edi.c)
 * share.
 */

#ifndef DEBAR_REFUSE_EDI_PRIVATE_H
#define DEBAR_REFUSE_EDI_PRIVATE_H

#include "refuse_edi.h"


/* Between what is kept of a segment. */

#define DEBAR_EDI_ELEMENT    0x1d
#define DEBAR_EDI_COMPONENT  0x1f

/* Both from 1; "" where there is none. */

debar_str_t debar_edi_value_of(const debar_edi_segment_t *s, unsigned element,
    unsigned sub);


#endif /* DEBAR_REFUSE_EDI_PRIVATE_H */
