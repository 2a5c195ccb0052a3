/*
 * Recorded evidence, found in the list again by its kind and value.
 */

#include <stdlib.h>

#include "judge_again.h"
#include "judge_private.h"


static void debar_again_find(debar_list_t *list, debar_verdict_t *v,
    unsigned kind, debar_str_t value);
static void debar_again_request(debar_list_t *list, debar_verdict_t *v,
    debar_str_t value);
static void debar_again_network(debar_list_t *list, debar_verdict_t *v,
    debar_str_t value);
static void debar_again_pattern(debar_list_t *list, debar_verdict_t *v,
    unsigned kind, debar_str_t value);


unsigned
debar_kind_by_name(const char *name, size_t len)
{
    unsigned     kind;
    const char  *text;

    for (kind = 1; kind < DEBAR_KINDS; kind++) {
        text = debar_kind_name(kind);

        if (text && strlen(text) == len && memcmp(text, name, len) == 0) {
            return kind;
        }
    }

    return 0;
}


int
debar_judge_recorded(debar_list_t *list, debar_verdict_t *v, unsigned kind,
    debar_str_t value, const char *where, size_t offset, unsigned cap)
{
    unsigned          i, found;
    debar_verdict_t   all;
    debar_evidence_t  *ev;

    for (i = 0; i < v->nevidence; i++) {
        ev = &v->evidence[i];

        if (ev->kind == kind && strcmp(ev->where, where) == 0
            && strlen(ev->value) == value.len
            && memcmp(ev->value, value.data, value.len) == 0)
        {
            return DEBAR_OK;
        }
    }

    debar_verdict_init(&all);
    debar_again_find(list, &all, kind, value);

    for (found = 0, i = 0; i < all.nevidence; i++) {
        ev = &all.evidence[i];

        if (ev->kind == kind && strlen(ev->value) == value.len
            && memcmp(ev->value, value.data, value.len) == 0)
        {
            debar_evidence_add(list, v, ev->rule, where, value.data, value.len,
                               offset, ev->cap < cap ? ev->cap : cap);
            found = 1;
        }
    }

    return found ? DEBAR_OK : DEBAR_DECLINED;
}


static void
debar_again_find(debar_list_t *list, debar_verdict_t *v, unsigned kind,
    debar_str_t value)
{
    char      number[DEBAR_VALUE];
    size_t    n;
    unsigned  flags;

    if (value.len == 0 || value.len >= DEBAR_VALUE) {
        return;
    }

    switch (kind) {

    case DEBAR_KIND_NAME:
    case DEBAR_KIND_PRODUCT_NAME:
        flags = 0;
        n = debar_text_tokens(list->tokens, sizeof(list->tokens), value.data,
                              value.len, NULL, &flags);
        debar_match_names(list, v, "recorded", list->tokens, n, DEBAR_BLOCK,
                          0);
        break;

    case DEBAR_KIND_HOST:
    case DEBAR_KIND_URL:
        debar_again_request(list, v, value);
        break;

    case DEBAR_KIND_NETWORK:
        debar_again_network(list, v, value);
        break;

    case DEBAR_KIND_ASN:
        memcpy(number, value.data, value.len);             /* "AS64500" */
        number[value.len] = '\0';
        n = strcspn(number, "0123456789");
        debar_match_origin(list, v, (uint32_t) strtoul(number + n, NULL, 10),
                           NULL);
        break;

    default:
        debar_match_id(list, v, kind, "recorded", value.data, value.len, 0,
                       DEBAR_BLOCK);
        debar_match_organization(list, v, value, "recorded", DEBAR_BLOCK);
        break;
    }

    debar_again_pattern(list, v, kind, value);
}


/* A listed host or URL is found where it lies. */

static void
debar_again_request(debar_list_t *list, debar_verdict_t *v, debar_str_t value)
{
    char            target[DEBAR_VALUE + 2];
    size_t          host, n;
    debar_facts_t   f;

    memset(&f, 0, sizeof(f));

    for (host = 0; host < value.len && value.data[host] != '/'; host++) {
        /* void */
    }

    n = value.len - host;

    /* all below a path is listed as PATH and an asterisk */

    memcpy(target, value.data + host, n);
    n -= n > 1 && target[n - 1] == '*';

    if (n == 0) {
        target[n++] = '/';
    }

    f.method = debar_str("GET", 3);
    f.authority = debar_str(value.data, host);
    f.hosts[f.nhosts++] = f.authority;
    f.target = debar_str(target, n);

    debar_judge(list, &f, v);
}


static void
debar_again_network(debar_list_t *list, debar_verdict_t *v, debar_str_t value)
{
    size_t         n;
    const char    *why;
    debar_host_t   h;

    for (n = 0; n < value.len && value.data[n] != '/'; n++) {
        /* void */
    }

    why = NULL;

    if (debar_host_parse(&h, value.data, n, DEBAR_HOST_BARE, &why) == DEBAR_OK
        && h.type == DEBAR_HOST_ADDRESS)
    {
        debar_match_addr(list, v, h.addr, "recorded", DEBAR_BLOCK);
    }
}


/* A pattern is recorded as it is written in the list. */

static void
debar_again_pattern(debar_list_t *list, debar_verdict_t *v, unsigned kind,
    debar_str_t value)
{
    size_t       i;
    debar_str_t  s;

    for (i = 0; i < list->npatterns; i++) {

        s = debar_list_text(list, list->patterns[i].written);

        if (list->rules[list->patterns[i].rule].kind == kind
            && s.len == value.len && memcmp(s.data, value.data, s.len) == 0)
        {
            debar_evidence_add(list, v, list->patterns[i].rule, "recorded",
                               s.data, s.len, 0, DEBAR_BLOCK);
        }
    }
}


void
debar_judge_again(debar_list_t *list, const debar_facts_t *f,
    debar_verdict_t *v)
{
    debar_settle(list, f, v);
}
