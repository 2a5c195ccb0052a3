/*
 * What is left of a document that breaks off: text, from a little before the
 * place, so that no word is lost.
 */

#include "peel_node.h"


void
debar_rest_keep(debar_rest_t *r, const char *data, size_t len)
{
    size_t  keep;

    if (len >= sizeof(r->tail)) {
        memcpy(r->tail, data + len - sizeof(r->tail), sizeof(r->tail));
        r->ntail = sizeof(r->tail);
        return;
    }

    keep = sizeof(r->tail) - len;

    if (keep > r->ntail) {
        keep = r->ntail;
    }

    memmove(r->tail, r->tail + r->ntail - keep, keep);
    memcpy(r->tail + keep, data, len);
    r->ntail = keep + len;
}


int
debar_rest_open(debar_rest_t *r, debar_node_t *node)
{
    int                 rc;
    debar_peel_input_t  in;

    memset(&in, 0, sizeof(in));
    in.utf8 = 1;
    in.content_type = debar_str("text/plain", 10);

    debar_node_bound(node, DEBAR_PEEL_BROKEN);
    r->open = 1;

    rc = debar_node_child(node, debar_str("", 0), &in, &r->child);

    if (rc == DEBAR_OK) {
        rc = debar_child_push(r->child, r->tail, r->ntail);
    }

    return rc;
}


int
debar_rest_push(debar_rest_t *r, const char *data, size_t len)
{
    return debar_child_push(r->child, data, len);
}


int
debar_rest_finish(debar_rest_t *r)
{
    debar_node_t  *child;

    child = r->child;
    r->child = NULL;

    return child ? debar_child_finish(child) : DEBAR_OK;
}
