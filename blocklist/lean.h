/*
 * The lean pass: most bodies have nothing to do with the list.  It reads a
 * whole body once, in large runs, and says that the engine (peel.h,
 * document.h, body.c) would find nothing in it and reach no bound, or that it
 * cannot say so.  Like hot.c for the head of a request: whatever is not plain
 * gets the full look.
 */

#ifndef DEBAR_LEAN_H
#define DEBAR_LEAN_H

#include "peel.h"
#include "judge.h"


/* Bodies of at most so many bytes are kept for it. */

#define DEBAR_LEAN_MOST  131072

/*
 * 1: no value and no name in the body is evidence, whatever its role, and
 * nothing in it is an encoding, a document, a request or a fault.  host: that
 * it is sent to; in, limits: as the engine has them (defaults filled in).
 */

int debar_lean_clean(debar_list_t *list, const debar_host_t *host,
    const debar_peel_input_t *in, const debar_peel_limits_t *limits,
    const char *data, size_t len);

/* 1: the bytes as they stand have something of the list: a body that begins so
 * is not worth the wait for its end. */

int debar_lean_sign(debar_list_t *list, const char *data, size_t len);

/* What a list keeps for both, made when first used. */

void debar_lean_free(debar_list_t *list);


#endif /* DEBAR_LEAN_H */
