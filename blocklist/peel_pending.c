/*
 * Readers that are not there yet: none of their bytes are theirs, and the
 * engine reads them as text.  A reader's lines here go when it comes.
 */

#include "peel_node.h"


static int
debar_pending_open(debar_node_t *node)
{
    return DEBAR_ERROR;
}


static int
debar_pending_push(debar_node_t *node, const char *data, size_t len)
{
    return DEBAR_ERROR;
}


static int
debar_pending_finish(debar_node_t *node)
{
    return DEBAR_OK;
}


static void
debar_pending_free(debar_node_t *node)
{
}


#define debar_pending(v, s)                                                   \
    const debar_reader_t  v = { s, #v, debar_pending_open,                    \
                                debar_pending_push, debar_pending_finish,     \
                                debar_pending_free }

debar_pending(debar_reader_graphql, DEBAR_SYNTAX_GRAPHQL);
