/*
 * A body judged twice: as it is, and with every event told, which the lean
 * pass (lean.h) is not for.  Both have to say the same.
 */

#ifndef LEANER_H
#define LEANER_H

#include "body.h"
#include "lean.h"


static int
leaner_event(void *data, const debar_peel_event_t *ev)
{
    return DEBAR_OK;
}


/* In pieces of step bytes; engine: by the engine alone. */

static void
leaner_judge(debar_list_t *list, const debar_facts_t *f, const char *type,
    const char *p, size_t len, size_t step, int engine, debar_verdict_t *v)
{
    size_t               i, n;
    debar_body_t        *b;
    debar_peel_input_t   in;
    debar_body_trace_t   trace;

    memset(&in, 0, sizeof(in));
    memset(&trace, 0, sizeof(trace));

    in.name = debar_str("body", 4);
    in.content_type = debar_str(type, strlen(type));
    trace.event = leaner_event;

    debar_judge(list, f, v);
    b = debar_body_new(list, f, v, &in, NULL, engine ? &trace : NULL);

    if (b == NULL) {
        abort();
    }

    for (i = 0; i < len; i += n) {
        n = len - i < step ? len - i : step;

        if (debar_body_push(b, p + i, n) == DEBAR_DECLINED) {
            break;
        }
    }

    debar_body_finish(b, v);
    debar_body_free(b);
}


/* Whether the lean pass has nothing more to ask of it. */

static int
leaner_clean(debar_list_t *list, const debar_facts_t *f, const char *type,
    const char *p, size_t len)
{
    int                         rc;
    debar_peel_t               *peel;
    debar_verdict_t             v;
    debar_peel_input_t          in;
    const debar_peel_input_t   *labels;
    const debar_peel_limits_t  *limits;

    memset(&in, 0, sizeof(in));
    in.name = debar_str("body", 4);
    in.content_type = debar_str(type, strlen(type));

    debar_judge(list, f, &v);

    peel = debar_peel_new(&in, NULL, leaner_event, NULL);
    labels = debar_peel_labels(peel, &limits);
    rc = debar_lean_clean(list, &v.host, labels, limits, p, len);
    debar_peel_free(peel);

    return rc;
}


static int
leaner_text(const char *a, size_t alen, const char *b, size_t blen)
{
    return alen == blen && (alen == 0 || memcmp(a, b, alen) == 0);
}


/* What the first differs in, or NULL. */

static const char *
leaner_differs(const debar_verdict_t *a, const debar_verdict_t *b)
{
    unsigned                 i;
    const debar_evidence_t  *x, *y;

    if (a->verdict != b->verdict) {
        return "verdict";
    }

    if (a->activity != b->activity
        || !leaner_text(a->step, a->step_len, b->step, b->step_len)
        || !leaner_text(a->channel, a->channel_len, b->channel,
                        b->channel_len))
    {
        return "activity";
    }

    if (a->fault != b->fault || a->more != b->more || a->cut != b->cut
        || a->inspect != b->inspect)
    {
        return "fault";
    }

    if (a->entry != b->entry || a->product != b->product
        || a->authorities != b->authorities || a->permit != b->permit
        || a->waiver != b->waiver
        || !leaner_text(a->order, a->order_len, b->order, b->order_len))
    {
        return "vendor";
    }

    if (a->nevidence != b->nevidence) {
        return "evidence";
    }

    for (i = 0; i < a->nevidence; i++) {
        x = &a->evidence[i];
        y = &b->evidence[i];

        if (x->rule != y->rule || x->offset != y->offset || x->kind != y->kind
            || x->action != y->action || x->raw_action != y->raw_action
            || x->cap != y->cap || x->authorities != y->authorities
            || strcmp(x->where, y->where) != 0
            || strcmp(x->value, y->value) != 0)
        {
            return "evidence";
        }
    }

    return NULL;
}


#endif /* LEANER_H */
