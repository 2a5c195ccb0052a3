/*
 * Decisions with their outcomes.
 *
 * An outcome comes behind its decision, so decisions wait for theirs, within a
 * bound, and leave in the order in which they came.  A line is parsed once.
 */

#include <stdlib.h>

#include "audit_export.h"


#define DEBAR_PAIR_BYTES  (8u << 20)         /* of the lines that wait */


static void
debar_pair_put(debar_pair_t *p, debar_waiting_t *w)
{
    w->e.outcome = w->outcome;
    debar_export_upstream(&w->e);
    p->records++;
    p->bytes -= w->e.text.len + w->outcome_len;

    p->from = (p->from + 1) % DEBAR_PAIR_MAX;
    p->waiting--;
    p->put(p, &w->e);

    json_decref(w->line);
    json_decref(w->outcome);
    free(w->text);
    memset(w, 0, sizeof(*w));
}


void
debar_pair_leave(debar_pair_t *p, double since)
{
    while (p->waiting && p->wait[p->from].since <= since) {
        debar_pair_put(p, &p->wait[p->from]);
    }
}


const debar_place_t *
debar_pair_place(const debar_pair_t *p)
{
    return p->waiting ? &p->wait[p->from].place : NULL;
}


void
debar_pair_free(debar_pair_t *p)
{
    debar_waiting_t  *w;

    for ( /* void */ ; p->waiting; p->waiting--) {
        w = &p->wait[p->from];
        json_decref(w->line);
        json_decref(w->outcome);
        free(w->text);
        memset(w, 0, sizeof(*w));
        p->from = (p->from + 1) % DEBAR_PAIR_MAX;
    }

    p->bytes = 0;
}


static uint64_t
debar_pair_key(const char id[32])
{
    size_t    i;
    uint64_t  key;

    for (i = 0, key = 14695981039346656037u; i < 32; i++) {
        key = (key ^ (unsigned char) id[i]) * 1099511628211u;
    }

    return key;
}


/* The line is taken over; e has pointers into it. */

static void
debar_pair_wait(debar_pair_t *p, const debar_export_t *e, json_t *line,
    const debar_place_t *place, double now)
{
    size_t            i;
    debar_str_t       id;
    debar_waiting_t  *w;

    while (p->waiting == DEBAR_PAIR_MAX
           || (p->waiting && p->bytes + e->text.len > DEBAR_PAIR_BYTES))
    {
        debar_pair_put(p, &p->wait[p->from]);
    }

    i = (p->from + p->waiting) % DEBAR_PAIR_MAX;
    w = &p->wait[i];
    w->e = *e;
    w->line = line;
    w->outcome = NULL;
    w->outcome_len = 0;
    w->place = *place;
    w->since = now;
    w->text = malloc(e->text.len + 1);

    if (w->text == NULL) {
        abort();
    }

    memcpy(w->text, e->text.data, e->text.len);
    w->e.text.data = w->text;
    p->bytes += e->text.len;
    p->waiting++;

    id = debar_export_str(line, "incident");
    memset(p->ids[i], 0, sizeof(p->ids[i]));

    if (id.len == sizeof(p->ids[i])) {
        memcpy(p->ids[i], id.data, id.len);
    }

    p->keys[i] = debar_pair_key(p->ids[i]);
}


/* A request may have been judged more than once: it has one outcome. */

static void
debar_pair_outcome(debar_pair_t *p, json_t *line, size_t len)
{
    size_t       i, k;
    uint64_t     key;
    debar_str_t  id;

    id = debar_export_str(line, "incident");

    if (id.len != sizeof(p->ids[0]) || id.data[0] == '\0'
        || debar_export_number(line, "status") < 0)
    {
        return;
    }

    key = debar_pair_key(id.data);

    for (k = 0; k < p->waiting; k++) {
        i = (p->from + k) % DEBAR_PAIR_MAX;

        if (p->keys[i] == key && p->wait[i].outcome == NULL
            && memcmp(p->ids[i], id.data, id.len) == 0)
        {
            p->wait[i].outcome = json_incref(line);
            p->wait[i].outcome_len = len;
            p->bytes += len;
        }
    }
}


void
debar_pair_line(debar_pair_t *p, const char *text, size_t len,
    const debar_place_t *place, double now)
{
    int             rc;
    json_t         *line;
    debar_export_t  e;

    p->lines++;
    line = json_loadb(text, len, JSON_ALLOW_NUL, NULL);
    rc = debar_export_fill(&e, line, debar_str(text, len));

    if (rc == DEBAR_ERROR) {
        p->unreadable++;

    } else if (rc == DEBAR_DECLINED) {
        debar_pair_outcome(p, line, len);

    } else if ((p->since[0] == '\0' || strcmp(e.time, p->since) >= 0)
               && (p->until[0] == '\0' || strcmp(e.time, p->until) < 0))
    {
        debar_pair_wait(p, &e, line, place, now);
        return;
    }

    json_decref(line);
}
