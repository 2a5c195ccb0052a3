/*
 * Evidence: what of the list is in a host, an address or a URL.  Each finding
 * is added to the verdict with where it was found and how it had to be read;
 * what it means is settled in verdict.c.
 */

#include <stdio.h>

#include "judge_private.h"


/* How much could come of it: its cap first, then its floor. */

static unsigned
debar_evidence_weight(debar_list_t *list, uint32_t rule, unsigned cap)
{
    const debar_rule_t  *r = &list->rules[rule];

    return (r->cap < cap ? r->cap : cap) * (DEBAR_EVERY + 1) + r->floor;
}


void
debar_evidence_add(debar_list_t *list, debar_verdict_t *v, uint32_t rule,
    const char *where, const char *value, size_t len, size_t offset,
    unsigned cap)
{
    unsigned           i;
    debar_evidence_t  *ev;

    if (len >= DEBAR_VALUE) {
        len = DEBAR_VALUE - 1;
    }

    for (i = 0; i < v->nevidence; i++) {
        ev = &v->evidence[i];

        if (ev->rule == rule && strncmp(ev->value, value, len) == 0
            && ev->value[len] == '\0'
            && (strcmp(ev->where, where) == 0 || ev->cap == cap))
        {
            if (cap > ev->cap) {
                ev->cap = cap;
                v->fresh = 1;
            }

            return;
        }
    }

    if (v->nevidence == DEBAR_MAX_EVIDENCE) {
        v->more = 1;

        /* what can do less makes room for what can do more */

        for (i = 0; i < v->nevidence; i++) {
            if (debar_evidence_weight(list, v->evidence[i].rule,
                                      v->evidence[i].cap)
                < debar_evidence_weight(list, rule, cap))
            {
                break;
            }
        }

        if (i == v->nevidence) {
            return;
        }

    } else {
        i = v->nevidence++;
    }

    v->fresh = 1;
    ev = &v->evidence[i];
    ev->floor = 0;

    ev->rule = rule;
    ev->offset = offset > UINT32_MAX ? UINT32_MAX : offset;
    ev->kind = list->rules[rule].kind;
    ev->action = DEBAR_PASS;
    ev->raw_action = DEBAR_PASS;
    ev->cap = cap;
    ev->authorities = 0;
    ev->permit = DEBAR_NONE;
    ev->waiver = DEBAR_NONE;

    strncpy(ev->where, where, DEBAR_WHERE - 1);
    ev->where[DEBAR_WHERE - 1] = '\0';
    memcpy(ev->value, value, len);
    ev->value[len] = '\0';
}


/* "query:item" + "/percent": as much as fits, plain ASCII. */

void
debar_where(char where[DEBAR_WHERE], const char *base, debar_str_t key,
    const char *how)
{
    size_t         n, i, room;
    unsigned char  c;

    room = DEBAR_WHERE - 1 - strlen(how);
    n = 0;

    while (base[n] != '\0' && n < room) {
        where[n] = base[n];
        n++;
    }

    if (key.len != 0 && n < room) {
        where[n++] = ':';

        for (i = 0; i < key.len && i < 24 && n < room; i++) {
            c = key.data[i];
            where[n++] = (c > 0x20 && c < 0x7f && c != '/') ? c : '_';
        }
    }

    strcpy(where + n, how);
}


/* Expressions of a kind over a canonical value. */

int
debar_exprs_begin(const debar_exprs_t *exprs, const char *p, size_t len)
{
    unsigned              pair;
    const unsigned char  *u = (const unsigned char *) p;

    if (exprs->begin == NULL || len == 0) {
        return 0;
    }

    pair = u[0] << 8 | (len > 1 ? u[1] : 0);

    return exprs->begin[pair / 8] >> (pair % 8) & 1;
}


void
debar_match_exprs(debar_list_t *list, debar_verdict_t *v, unsigned kind,
    const char *where, const char *value, size_t len, unsigned cap)
{
    size_t                  i;
    debar_str_t             s;
    const debar_exprs_t    *exprs = &list->exprs[kind];
    const debar_pattern_t  *p;

    if (!debar_exprs_begin(exprs, value, len)) {
        return;
    }

    for (i = 0; i < exprs->n; i++) {
        if (debar_expr_match(list, exprs->list[i].code, value, len)) {
            p = &list->patterns[exprs->list[i].pattern];
            s = debar_list_text(list, p->written);
            debar_evidence_add(list, v, p->rule, where, s.data, s.len, 0, cap);
        }
    }
}


/* An exact identifier of DEBAR_DB_ID. */

int
debar_id_may_be(debar_list_t *list, char *key, size_t *klen, unsigned kind,
    const char *value, size_t len)
{
    *klen = debar_key_id(key, kind, value, len);

    return *klen != 0
           && debar_filter_may_have(list->id_filter, list->id_filter_words,
                                    debar_hash(key, *klen));
}


void
debar_match_id(debar_list_t *list, debar_verdict_t *v, unsigned kind,
    const char *where, const char *value, size_t len, size_t offset,
    unsigned cap)
{
    char             key[DEBAR_MAX_KEY];
    size_t           n, klen, i;
    const uint32_t  *rules;

    if (!list->has[kind]
        || !debar_id_may_be(list, key, &klen, kind, value, len))
    {
        return;
    }

    n = debar_snapshot_get(list->snapshot, DEBAR_DB_ID, key, klen, &rules);

    for (i = 0; i < n; i++) {
        debar_evidence_add(list, v, rules[i], where, value, len, offset, cap);
    }
}


/* --- names in text ------------------------------------------------------ */

typedef struct {
    debar_list_t     *list;
    debar_verdict_t  *v;
    const char       *where;
    const char       *text;
    size_t            len;
    unsigned          cap;
    unsigned          careful;    /* words of caution beside it cap at log */
    unsigned          read;       /* for words of caution, once */
    size_t            first;      /* where the first of them ends */
    size_t            last;       /* where the last of them begins, plus one */
} debar_names_t;


static void
debar_read_cautions(debar_names_t *n)
{
    size_t  i, from;

    n->read = 1;
    n->first = SIZE_MAX;
    n->last = 0;

    for (from = 0, i = 0; i <= n->len; i++) {

        if (i < n->len && n->text[i] != ' ' && n->text[i] != DEBAR_TEXT_BREAK) {
            continue;
        }

        if (debar_word(n->list, DEBAR_WORD_CAUTION, n->text + from, i - from)) {
            n->first = n->first < i ? n->first : i;
            n->last = from + 1;
        }

        from = i + 1;
    }
}


/* Whether a word of caution stands in the text outside of [off, off + len). */

static int
debar_cautioned(debar_names_t *n, size_t off, size_t len)
{
    if (!n->read) {
        debar_read_cautions(n);
    }

    return n->first <= off || n->last > off + len;
}


static int
debar_name_found(void *data, uint32_t term, size_t off, size_t len)
{
    unsigned             cap;
    debar_str_t          s;
    debar_names_t       *n = data;
    const debar_term_t  *t = &n->list->terms.terms[term];

    cap = n->cap;

    if (n->careful && cap > DEBAR_LOG && debar_cautioned(n, off, len)) {
        cap = DEBAR_LOG;
    }

    s = debar_list_text(n->list, t->written);
    debar_evidence_add(n->list, n->v, t->rule, n->where, s.data, s.len, off,
                       cap);

    /* a text of nothing but names is not worth all of its places */

    return n->v->more ? DEBAR_DECLINED : DEBAR_OK;
}


void
debar_match_names(debar_list_t *list, debar_verdict_t *v, const char *where,
    const char *tokens, size_t len, unsigned cap, unsigned careful)
{
    debar_names_t  n;

    n.list = list;
    n.v = v;
    n.where = where;
    n.text = tokens;
    n.len = len;
    n.cap = cap;
    n.careful = careful;
    n.read = 0;

    (void) debar_term_scan(&list->terms, list->entries, list->rules, tokens,
                           len, debar_name_found, &n);
}


/* --- hosts and addresses ------------------------------------------------ */

/* The last labels of a name: what a listed name above it is called. */

static debar_str_t
debar_last_labels(const debar_host_t *h, unsigned labels)
{
    size_t  i;

    for (i = h->len; i > 0; i--) {
        if (h->name[i - 1] == '.' && --labels == 0) {
            break;
        }
    }

    return debar_str(h->name + i, h->len - i);
}


void
debar_match_host(debar_list_t *list, debar_verdict_t *v, const debar_host_t *h,
    const char *where, unsigned cap)
{
    char                  uni[DEBAR_MAX_HOST * 4], where_name[DEBAR_WHERE];
    size_t                n, i, j, k, first, mark, len;
    unsigned              flags;
    debar_str_t           s;
    const debar_rule_t   *rule;
    debar_found_host_t    found[16];

    n = debar_snapshot_hosts(list->snapshot, h, found, 16);

    /* of one entry the most specific name decides */

    first = v->nevidence;

    for (i = 0; i < n; i++) {
        mark = v->nevidence;

        for (j = 0; j < found[i].n; j++) {

            if (found[i].rules[j] == DEBAR_RULE_HAS_URLS) {
                continue;
            }

            rule = &list->rules[found[i].rules[j]];

            if (!found[i].exact && !(rule->flags & DEBAR_RULE_SUBDOMAINS)) {
                continue;
            }

            for (k = first; k < mark; k++) {
                if (list->rules[v->evidence[k].rule].entry == rule->entry) {
                    break;
                }
            }

            if (k < mark) {
                continue;
            }

            s = h->type == DEBAR_HOST_ADDRESS
                ? debar_str(h->name, h->len)
                : debar_last_labels(h, found[i].labels);

            debar_evidence_add(list, v, found[i].rules[j], where, s.data,
                               s.len, 0, cap);
        }
    }

    if (h->type == DEBAR_HOST_ADDRESS) {
        debar_match_addr(list, v, h->addr, where, cap);
        return;
    }

    debar_match_exprs(list, v, DEBAR_KIND_HOST, where, h->name, h->len, cap);

    /* names in the host's own labels, as a reader sees them */

    debar_where(where_name, where, debar_str(NULL, 0), "/name");

    len = debar_host_unicode(h, uni, sizeof(uni));

    flags = 0;

    len = len ? debar_text_tokens(list->tokens, sizeof(list->tokens), uni, len,
                                  NULL, &flags)
              : debar_text_tokens(list->tokens, sizeof(list->tokens), h->name,
                                  h->len, NULL, &flags);

    debar_match_names(list, v, where_name, list->tokens, len, cap, 0);
}


void
debar_match_addr(debar_list_t *list, debar_verdict_t *v,
    const uint8_t addr[16], const char *where, unsigned cap)
{
    char                 text[64];
    size_t               n, i, j, len;
    uint8_t              net[16];
    unsigned             b;
    debar_found_net_t    found[32];

    n = debar_snapshot_networks(list->snapshot, addr, found, 32);

    for (i = 0; i < n; i++) {

        memcpy(net, addr, 16);

        for (b = found[i].bits; b < 128; b++) {
            net[b / 8] &= ~(0x80 >> (b % 8));
        }

        len = debar_addr_text(net, text);
        len += sprintf(text + len, "/%u", debar_addr_is_v4(net)
                                          && found[i].bits >= 96
                                          ? found[i].bits - 96 : found[i].bits);

        for (j = 0; j < found[i].n; j++) {
            debar_evidence_add(list, v, found[i].rules[j], where, text, len,
                               0, cap);
        }
    }
}


void
debar_match_origin(debar_list_t *list, debar_verdict_t *v, uint32_t asn,
    const char *country)
{
    char             key[DEBAR_MAX_KEY], text[16];
    size_t           n, i, len;
    const uint32_t  *rules;

    if (asn != 0) {
        len = debar_key_asn(key, asn);
        n = debar_snapshot_get(list->snapshot, DEBAR_DB_ASN, key, len, &rules);
        len = sprintf(text, "AS%u", asn);

        for (i = 0; i < n; i++) {
            debar_evidence_add(list, v, rules[i], "address/asn", text, len, 0,
                      DEBAR_BLOCK);
        }
    }

    if (country != NULL && country[0] != '\0') {
        debar_match_id(list, v, DEBAR_KIND_COUNTRY, "address/country", country,
                       strlen(country), 0, DEBAR_BLOCK);
    }
}


/* --- certificates ------------------------------------------------------- */

void
debar_match_organization(debar_list_t *list, debar_verdict_t *v,
    debar_str_t organization, const char *where, unsigned cap)
{
    char    org[DEBAR_MAX_IDENT];
    size_t  len;

    if (organization.len == 0
        || !list->has[DEBAR_KIND_CERTIFICATE_ORGANIZATION])
    {
        return;
    }

    len = debar_ident_org(org, sizeof(org), organization.data,
                          organization.len);
    if (len == 0) {
        return;
    }

    debar_match_id(list, v, DEBAR_KIND_CERTIFICATE_ORGANIZATION, where, org,
                   len, 0, cap);
    debar_match_exprs(list, v, DEBAR_KIND_CERTIFICATE_ORGANIZATION, where, org,
                      len, cap);
}
