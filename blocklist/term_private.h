/*
 * What opening, scanning and its slow twin share; for blocklist/ alone (term.h
 * is the interface).
 */

#ifndef DEBAR_TERM_PRIVATE_H
#define DEBAR_TERM_PRIVATE_H

#include "term.h"

#if (defined __x86_64__)
#include <immintrin.h>
#endif


static inline int
debar_term_edge(char c)
{
    return c == ' ' || c == 0x1f;
}


/* Whether a term stands at off. */

int debar_term_fits(const debar_term_index_t *ti, const debar_term_t *t,
    const char *text, size_t len, size_t off);


#endif /* DEBAR_TERM_PRIVATE_H */
