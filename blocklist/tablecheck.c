/*
 * The tables of a list, checked once: every text inside the strings, every
 * index inside its table, every number one that the engine knows.
 */

#include "layout.h"


typedef const char *(*debar_record_check_pt)(const debar_view_t *v,
    const void *record);


static int debar_span_bad(const debar_view_t *v, unsigned which, uint32_t at,
    uint32_t n);


const char *const  debar_table_names[DEBAR_TABLES] = {
    "strings", "authorities", "phases", "entries", "products", "rules",
    "terms", "patterns", "permits", "waivers", "recipes", "conds", "words",
    "relays", "marks", "refs", "cidrs", "host-filter", "id-filter", "term-index"
};


static int
debar_ref_bad(const debar_view_t *v, debar_ref_t r)
{
    size_t  n = v->n[DEBAR_T_STRINGS];

    return r.off > n || r.len > n - r.off;
}


static int
debar_span_bad(const debar_view_t *v, unsigned which, uint32_t at, uint32_t n)
{
    return n && (at > v->n[which] || n > v->n[which] - at);
}


static int
debar_index_bad(const debar_view_t *v, unsigned which, uint32_t i)
{
    return i >= v->n[which];
}


/* Bits of authorities that there are not. */

static int
debar_mask_bad(const debar_view_t *v, uint64_t mask)
{
    size_t  n = v->n[DEBAR_T_AUTHORITIES];

    return n < 64 && (mask >> n) != 0;
}


static int
debar_action_bad(unsigned action)
{
    return action != DEBAR_PASS && action != DEBAR_LOG
           && action != DEBAR_BLOCK;
}


static const char *
debar_check_authority(const debar_view_t *v, const void *record)
{
    uint32_t                  i;
    const debar_phase_t      *ph;
    const debar_authority_t  *a = record;

    if (debar_ref_bad(v, a->id) || debar_ref_bad(v, a->title)
        || debar_ref_bad(v, a->url))
    {
        return "text outside the strings";
    }

    if (debar_span_bad(v, DEBAR_T_PHASES, a->phase, a->nphases)) {
        return "phases that there are not";
    }

    ph = v->data[DEBAR_T_PHASES];

    for (i = 1; i < a->nphases; i++) {
        if (ph[a->phase + i].from < ph[a->phase + i - 1].from) {
            return "phases out of order";
        }
    }

    return a->in_force > 1 ? "a flag that is not one" : NULL;
}


static const char *
debar_check_phase(const debar_view_t *v, const void *record)
{
    unsigned              i;
    const debar_phase_t  *ph = record;

    for (i = 0; i < DEBAR_ACTIVITIES; i++) {
        if (debar_action_bad(ph->action[i])) {
            return "an action that is not one";
        }
    }

    return NULL;
}


static const char *
debar_check_entry(const debar_view_t *v, const void *record)
{
    const debar_entry_t  *e = record;

    if (debar_ref_bad(v, e->id) || debar_ref_bad(v, e->name)) {
        return "text outside the strings";
    }

    return debar_mask_bad(v, e->authorities)
           ? "an authority that there is not" : NULL;
}


static const char *
debar_check_product(const debar_view_t *v, const void *record)
{
    const debar_product_t  *p = record;

    if (debar_ref_bad(v, p->id) || debar_ref_bad(v, p->name)) {
        return "text outside the strings";
    }

    return debar_index_bad(v, DEBAR_T_ENTRIES, p->entry)
           ? "an entry that there is not" : NULL;
}


static const char *
debar_check_rule(const debar_view_t *v, const void *record)
{
    const debar_rule_t  *r = record;

    if (debar_mask_bad(v, r->authorities)) {
        return "an authority that there is not";
    }

    if (debar_index_bad(v, DEBAR_T_ENTRIES, r->entry)) {
        return "an entry that there is not";
    }

    if (r->product != DEBAR_NONE
        && debar_index_bad(v, DEBAR_T_PRODUCTS, r->product))
    {
        return "a product that there is not";
    }

    if (r->kind == 0 || r->kind >= DEBAR_KINDS) {
        return "a kind that is not one";
    }

    if (debar_action_bad(r->cap)) {
        return "an action that is not one";
    }

    if (r->floor > DEBAR_EVERY) {
        return "an activity that is not one";
    }

    return debar_ref_bad(v, r->source) ? "text outside the strings" : NULL;
}


static const char *
debar_check_term(const debar_view_t *v, const void *record)
{
    const debar_term_t  *t = record;

    if (debar_ref_bad(v, t->text) || debar_ref_bad(v, t->written)) {
        return "text outside the strings";
    }

    if (debar_index_bad(v, DEBAR_T_RULES, t->rule)) {
        return "a rule that there is not";
    }

    return t->match > DEBAR_TERM_NOT ? "a match that is not one" : NULL;
}


static const char *
debar_check_pattern(const debar_view_t *v, const void *record)
{
    const debar_pattern_t  *p = record;

    if (debar_ref_bad(v, p->regex) || debar_ref_bad(v, p->written)) {
        return "text outside the strings";
    }

    return debar_index_bad(v, DEBAR_T_RULES, p->rule)
           ? "a rule that there is not" : NULL;
}


static const char *
debar_check_permit(const debar_view_t *v, const void *record)
{
    const debar_permit_t  *p = record;

    if (debar_mask_bad(v, p->authorities)) {
        return "an authority that there is not";
    }

    if (debar_index_bad(v, DEBAR_T_ENTRIES, p->entry)) {
        return "an entry that there is not";
    }

    if (debar_ref_bad(v, p->key) || debar_ref_bad(v, p->why)
        || debar_ref_bad(v, p->sha256) || debar_ref_bad(v, p->product))
    {
        return "text outside the strings";
    }

    if (p->sha256.len != 0 && p->sha256.len != 32) {
        return "a SHA-256 that is not one";
    }

    if (p->until && p->until <= p->from) {
        return "a permit that ends before it begins";
    }

    return p->subdomains > 1 ? "a flag that is not one" : NULL;
}


static const char *
debar_check_waiver(const debar_view_t *v, const void *record)
{
    const debar_waiver_t  *w = record;

    if (debar_mask_bad(v, w->authorities)) {
        return "an authority that there is not";
    }

    if (debar_index_bad(v, DEBAR_T_ENTRIES, w->entry)) {
        return "an entry that there is not";
    }

    if (w->product != DEBAR_NONE
        && debar_index_bad(v, DEBAR_T_PRODUCTS, w->product))
    {
        return "a product that there is not";
    }

    if (w->activities >> DEBAR_ACTIVITIES) {
        return "an activity that is not one";
    }

    if (debar_span_bad(v, DEBAR_T_CIDRS, w->client, w->nclients)
        || debar_span_bad(v, DEBAR_T_REFS, w->user, w->nusers)
        || debar_span_bad(v, DEBAR_T_REFS, w->order, w->norders)
        || debar_span_bad(v, DEBAR_T_REFS, w->url, w->nurls))
    {
        return "members that there are not";
    }

    return debar_ref_bad(v, w->id) || debar_ref_bad(v, w->approved_by)
           || debar_ref_bad(v, w->why) ? "text outside the strings" : NULL;
}


static const char *
debar_check_recipe(const debar_view_t *v, const void *record)
{
    const debar_recipe_t  *r = record;

    if (debar_ref_bad(v, r->channel) || debar_ref_bad(v, r->step)
        || debar_ref_bad(v, r->path))
    {
        return "text outside the strings";
    }

    if (debar_span_bad(v, DEBAR_T_REFS, r->host, r->nhosts)
        || debar_span_bad(v, DEBAR_T_CONDS, r->cond, r->nconds))
    {
        return "members that there are not";
    }

    return r->activity >= DEBAR_ACTIVITIES
           ? "an activity that is not one" : NULL;
}


static const char *
debar_check_cond(const debar_view_t *v, const void *record)
{
    const debar_cond_t  *c = record;

    return debar_ref_bad(v, c->key) || debar_ref_bad(v, c->value)
           ? "text outside the strings" : NULL;
}


static const char *
debar_check_word(const debar_view_t *v, const void *record)
{
    const debar_word_t  *w = record;

    if (debar_ref_bad(v, w->word)) {
        return "text outside the strings";
    }

    switch (w->use) {

    case DEBAR_WORD_PATH:
    case DEBAR_WORD_QUERY_KEY:
    case DEBAR_WORD_EXTENSION:
        return w->value >= DEBAR_ACTIVITIES
               ? "an activity that is not one" : NULL;

    case DEBAR_WORD_VETO:
    case DEBAR_WORD_CAUTION:
    case DEBAR_WORD_CART:
    case DEBAR_WORD_REPORT:
    case DEBAR_WORD_WITHDRAW:
    case DEBAR_WORD_COOKIE:
    case DEBAR_WORD_OPERATION:
        return NULL;

    case DEBAR_WORD_FIELD:
        return w->value >= DEBAR_ROLES ? "a role that is not one" : NULL;

    default:
        return "a use that is not one";
    }
}


static const char *
debar_check_relay(const debar_view_t *v, const void *record)
{
    const debar_relay_t  *r = record;

    if (debar_ref_bad(v, r->channel) || debar_ref_bad(v, r->host)
        || debar_ref_bad(v, r->path) || debar_ref_bad(v, r->key))
    {
        return "text outside the strings";
    }

    return r->name_only > 1 ? "a flag that is not one" : NULL;
}


static const char *
debar_check_mark(const debar_view_t *v, const void *record)
{
    const debar_mark_t  *m = record;

    if (debar_ref_bad(v, m->format) || debar_ref_bad(v, m->path)
        || debar_ref_bad(v, m->when) || debar_ref_bad(v, m->value))
    {
        return "text outside the strings";
    }

    if (m->use < DEBAR_MARK_ROOT || m->use > DEBAR_MARK_ORDER) {
        return "a use that is not one";
    }

    if (m->use == DEBAR_MARK_ROOT) {
        return m->role > DEBAR_ACTIVITIES ? "an activity that is not one"
                                          : NULL;
    }

    return m->role >= DEBAR_ROLES ? "a role that is not one" : NULL;
}


static const char *
debar_check_ref(const debar_view_t *v, const void *record)
{
    return debar_ref_bad(v, *(const debar_ref_t *) record)
           ? "text outside the strings" : NULL;
}


static const char *
debar_check_cidr(const debar_view_t *v, const void *record)
{
    return ((const debar_cidr_t *) record)->bits > 128
           ? "a prefix longer than an address" : NULL;
}


static const debar_record_check_pt  debar_checks[DEBAR_TABLES] = {
    [DEBAR_T_AUTHORITIES] = debar_check_authority,
    [DEBAR_T_PHASES] = debar_check_phase,
    [DEBAR_T_ENTRIES] = debar_check_entry,
    [DEBAR_T_PRODUCTS] = debar_check_product,
    [DEBAR_T_RULES] = debar_check_rule,
    [DEBAR_T_TERMS] = debar_check_term,
    [DEBAR_T_PATTERNS] = debar_check_pattern,
    [DEBAR_T_PERMITS] = debar_check_permit,
    [DEBAR_T_WAIVERS] = debar_check_waiver,
    [DEBAR_T_RECIPES] = debar_check_recipe,
    [DEBAR_T_CONDS] = debar_check_cond,
    [DEBAR_T_WORDS] = debar_check_word,
    [DEBAR_T_RELAYS] = debar_check_relay,
    [DEBAR_T_MARKS] = debar_check_mark,
    [DEBAR_T_REFS] = debar_check_ref,
    [DEBAR_T_CIDRS] = debar_check_cidr
};


const char *
debar_view_check(const debar_view_t *v, unsigned derived)
{
    size_t       i, n;
    unsigned     t;
    const char  *why, *p;

    if (v->n[DEBAR_T_AUTHORITIES] > DEBAR_MAX_AUTHORITIES) {
        return "more authorities than 64";
    }

    if (v->n[DEBAR_T_PATTERNS] > DEBAR_MAX_PATTERNS) {
        return "more patterns than 10000";
    }

    for (t = 0; t < DEBAR_TABLES; t++) {
        n = v->n[t];

        /* indices and references are 32 bits wide */

        if (n >= DEBAR_NONE) {
            return "more records than 32 bits count";
        }

        if (debar_checks[t] == NULL) {
            continue;
        }

        for (p = v->data[t], i = 0; i < n; i++, p += debar_record_size[t]) {
            why = debar_checks[t](v, p);
            if (why) {
                return why;
            }
        }
    }

    for (t = DEBAR_T_HOST_FILTER; derived && t <= DEBAR_T_ID_FILTER; t++) {
        n = v->n[t];

        if (n == 0 || (n & (n - 1)) != 0) {
            return "a filter whose size is not a power of two";
        }
    }

    return NULL;
}
