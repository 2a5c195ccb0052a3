/*
 * Requests that a parser before us refused: what their bytes could have meant
 * to another reader is judged all the same, so that the record names it.
 */

#include "judge_private.h"


#define DEBAR_MAX_REFUSED_LINES  128


static debar_str_t
debar_next_word(const char **p, const char *end)
{
    debar_str_t  s;

    while (*p < end && (**p == ' ' || **p == '\t')) {
        (*p)++;
    }

    s.data = *p;

    while (*p < end && **p != ' ' && **p != '\t') {
        (*p)++;
    }

    s.len = *p - s.data;

    return s;
}


/* The authority of what might be meant for an absolute-form target. */

static debar_str_t
debar_loose_authority(debar_str_t target, unsigned connect)
{
    const char  *p, *end, *colon;

    p = target.data;
    end = p + target.len;

    if (!connect) {
        colon = memchr(p, ':', target.len);

        if (p < end && *p == '/') {
            return debar_str(p, 0);
        }

        if (colon != NULL && colon + 1 < end
            && (colon[1] == '/' || colon[1] == '\\'))
        {
            p = colon + 1;
        }

        while (p < end && (*p == '/' || *p == '\\')) {
            p++;
        }
    }

    target.data = p;

    while (p < end && *p != '/' && *p != '?') {
        p++;
    }

    target.len = p - target.data;

    return target;
}


static void
debar_refused_line(debar_list_t *list, debar_verdict_t *v, const char *p,
    const char *end)
{
    size_t                   n;
    unsigned                 i;
    debar_str_t              method, target;
    debar_authority_parts_t  a;

    method = debar_next_word(&p, end);
    target = debar_next_word(&p, end);

    if (target.len == 0) {
        return;
    }

    n = method.len == 7 && memcmp(method.data, "CONNECT", 7) == 0;
    target = debar_loose_authority(target, n);

    if (target.len == 0) {
        return;
    }

    debar_authority_parse(&a, target.data, target.len);

    for (i = 0; i < a.n; i++) {
        debar_match_host(list, v, &a.readings[i], "host", DEBAR_BLOCK);

        if (v->host.len == 0) {
            v->host = a.readings[i];
            v->port = a.port;
        }
    }
}


static void
debar_refused_field(debar_list_t *list, debar_verdict_t *v, const char *p,
    const char *end)
{
    unsigned                 i;
    debar_authority_parts_t  a;

    while (p < end && (*p == ' ' || *p == '\t')) {
        p++;
    }

    if (end - p < 5 || strncasecmp(p, "host", 4) != 0) {
        return;
    }

    for (p += 4; p < end && *p != ':'; p++) {
        if (*p != ' ' && *p != '\t') {
            return;
        }
    }

    if (p == end) {
        return;
    }

    for (p++; p < end && (*p == ' ' || *p == '\t'); p++) { /* void */ }

    while (end > p && (end[-1] == ' ' || end[-1] == '\t')) {
        end--;
    }

    debar_authority_parse(&a, p, end - p);

    for (i = 0; i < a.n; i++) {
        debar_match_host(list, v, &a.readings[i], "host/field", DEBAR_BLOCK);
    }
}


void
debar_judge_refused(debar_list_t *list, const char *head, size_t len,
    const char *fault, time_t now, debar_verdict_t *v)
{
    unsigned        line;
    const char     *p, *end, *eol, *last;
    debar_facts_t   f;

    debar_verdict_init(v);

    memset(&f, 0, sizeof(f));
    f.now = now;
    f.connect = 1;

    v->fault = fault;
    end = head + len;

    for (p = head, line = 0;
         p < end && line < DEBAR_MAX_REFUSED_LINES;
         p = eol + 1, line++)
    {
        eol = memchr(p, '\n', end - p);

        if (eol == NULL) {
            eol = end;
        }

        last = eol > p && eol[-1] == '\r' ? eol - 1 : eol;

        if (line != 0 && last == p) {
            break;
        }

        if (line == 0) {
            debar_refused_line(list, v, p, last);

        } else {
            debar_refused_field(list, v, p, last);
        }
    }

    debar_settle(list, &f, v);
}
