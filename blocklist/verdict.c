/*
 * From evidence to verdict: the phases of the authorities in force, caps,
 * permits and waivers.  Pure: the time is the facts'.
 */

#include "judge_private.h"


static unsigned
debar_phase_action(const debar_list_t *list, const debar_authority_t *a,
    unsigned activity, time_t now)
{
    unsigned              i, action, act;
    const debar_phase_t  *p;

    p = NULL;

    for (i = 0; i < a->nphases; i++) {
        if (list->phases[a->phase + i].from > (int64_t) now) {
            break;
        }

        p = &list->phases[a->phase + i];
    }

    if (p == NULL) {
        return DEBAR_PASS;
    }

    if (activity < DEBAR_ACTIVITIES) {
        return p->action[activity];
    }

    action = DEBAR_PASS;

    for (act = 0; act < DEBAR_ACTIVITIES; act++) {
        if (p->action[act] > action) {
            action = p->action[act];
        }
    }

    return action;
}


unsigned
debar_authorities_action(const debar_list_t *list, uint64_t set,
    unsigned activity, time_t now, uint64_t *givers)
{
    unsigned  i, action, strongest;

    strongest = DEBAR_PASS;
    *givers = 0;

    for (i = 0; i < list->nauthorities; i++) {
        if (!(set >> i & 1)) {
            continue;
        }

        action = debar_phase_action(list, &list->authorities[i], activity, now);

        if (action > strongest) {
            strongest = action;
            *givers = 0;
        }

        if (action == strongest && action != DEBAR_PASS) {
            *givers |= 1ull << i;
        }
    }

    return strongest;
}


typedef struct {
    char        key[DEBAR_MAX_KEY];
    size_t      host_len;
    size_t      len;
    unsigned    odd;              /* of the path: no permit applies */
    unsigned    has_query;
} debar_own_url_t;


static void
debar_own_url(debar_list_t *list, const debar_facts_t *f,
    const debar_verdict_t *v, debar_own_url_t *own)
{
    size_t             n;
    unsigned           flags;
    debar_url_parts_t  u;

    own->len = 0;
    own->host_len = debar_key_host(own->key, &v->host);
    own->odd = v->fault != NULL;
    own->has_query = 0;

    if (f->connect) {
        return;
    }

    flags = 0;
    debar_url_split(&u, f->target.data, f->target.len);
    n = debar_url_path(list->path, sizeof(list->path), u.path.data, u.path.len,
                       &flags);

    own->odd |= flags != 0;
    own->has_query = u.query.data != NULL && u.query.len != 0;
    own->len = debar_key_url(own->key, &v->host, list->path, n);
}


/*
 * Whether the own URL lies where a key of a permit or waiver says: one URL, all
 * below a path ("/" + "*"), or a host (no path) with or without its names.
 * *whole: the query belongs to it too.
 */

static int
debar_key_covers(debar_str_t key, unsigned subdomains,
    const debar_own_url_t *own, unsigned *whole)
{
    size_t  n;

    *whole = 1;

    if (memchr(key.data, '/', key.len) == NULL) {

        if (own->host_len == key.len) {
            return memcmp(own->key, key.data, key.len) == 0;
        }

        return subdomains && own->host_len > key.len
               && memcmp(own->key, key.data, key.len) == 0;
    }

    if (key.len > 2 && memcmp(key.data + key.len - 2, "/*", 2) == 0) {
        n = key.len - 2;

        return own->len >= n && memcmp(own->key, key.data, n) == 0
               && (own->len == n || own->key[n] == '/');
    }

    *whole = 0;

    return own->len == key.len && memcmp(own->key, key.data, key.len) == 0;
}


/*
 * Evidence of the URL itself and of the file that lies there, as against what a
 * query carries; a URL inside the URL is never covered.
 */

static int
debar_evidence_of_url(const debar_evidence_t *ev, unsigned whole)
{
    /* what is behind these is of the file: names, of its members too */

    if (strncmp(ev->where, "content", 7) == 0
        || strcmp(ev->where, "response:filename") == 0)
    {
        return 1;
    }

    if (strstr(ev->where, "/url") != NULL) {
        return 0;
    }

    if (strncmp(ev->where, "host", 4) == 0
        || strncmp(ev->where, "address", 7) == 0
        || strncmp(ev->where, "path", 4) == 0
        || strncmp(ev->where, "url", 3) == 0
        || strncmp(ev->where, "file", 4) == 0)
    {
        return 1;
    }

    return whole && strncmp(ev->where, "query", 5) == 0;
}


/*
 * What a permit is pinned to: before the file came it holds where somebody will
 * read the file, then only for that file.
 */

static int
debar_pin_holds(debar_list_t *list, const debar_permit_t *p,
    const debar_facts_t *f, const debar_pin_t *pin)
{
    unsigned     i;
    debar_str_t  s;

    if (p->sha256.len == 0 && p->product.len == 0) {
        return 1;
    }

    if (pin == NULL) {
        return f->filing;
    }

    s = debar_list_text(list, p->sha256);

    if (s.len != 0
        && !(pin->has_sha256 && memcmp(s.data, pin->sha256, 32) == 0))
    {
        return 0;
    }

    s = debar_list_text(list, p->product);

    if (s.len == 0) {
        return 1;
    }

    for (i = 0; i < pin->nproducts; i++) {
        if (pin->products[i].len == s.len
            && memcmp(pin->products[i].text, s.data, s.len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


static uint64_t
debar_permitted(debar_list_t *list, const debar_facts_t *f,
    const debar_verdict_t *v, const debar_own_url_t *own,
    const debar_evidence_t *ev, uint32_t entry, uint32_t *permit)
{
    size_t                 i;
    uint64_t               lifted;
    unsigned               whole;
    const debar_permit_t  *p;

    lifted = 0;

    if (own->odd) {
        return 0;
    }

    for (i = 0; i < list->npermits; i++) {
        p = &list->permits[i];

        if (p->entry != entry || !debar_permit_now(p, f->now)
            || !debar_pin_holds(list, p, f, v->pin))
        {
            continue;
        }

        if (debar_key_covers(debar_list_text(list, p->key), p->subdomains, own,
                             &whole)
            && debar_evidence_of_url(ev, whole))
        {
            lifted |= p->authorities;
            *permit = i;
        }
    }

    return lifted;
}


static int
debar_waiver_scope(debar_list_t *list, const debar_waiver_t *w,
    const debar_facts_t *f, const debar_own_url_t *own,
    const debar_verdict_t *v)
{
    unsigned             i, whole;
    debar_str_t          s;
    const debar_cidr_t  *c;

    /* order numbers stand in documents, not in a URL */

    for (i = 0; i < w->norders; i++) {
        s = debar_list_text(list, list->refs[w->order + i]);

        if (v->order_len == s.len && s.len != 0
            && memcmp(v->order, s.data, s.len) == 0)
        {
            break;
        }
    }

    if (w->norders && i == w->norders) {
        return 0;
    }

    for (i = 0; i < w->nclients; i++) {
        c = &list->cidrs[w->client + i];

        if (f->has_client && debar_addr_in(f->client, c->addr, c->bits)) {
            break;
        }
    }

    if (w->nclients && i == w->nclients) {
        return 0;
    }

    for (i = 0; i < w->nusers; i++) {
        s = debar_list_text(list, list->refs[w->user + i]);

        if (f->user.len == s.len && s.len != 0
            && memcmp(f->user.data, s.data, s.len) == 0)
        {
            break;
        }
    }

    if (w->nusers && i == w->nusers) {
        return 0;
    }

    for (i = 0; i < w->nurls; i++) {
        s = debar_list_text(list, list->refs[w->url + i]);

        if (!own->odd && debar_key_covers(s, 1, own, &whole)) {
            break;
        }
    }

    return w->nurls == 0 || i < w->nurls;
}


static uint64_t
debar_waived(debar_list_t *list, const debar_facts_t *f,
    const debar_own_url_t *own, const debar_verdict_t *v,
    const debar_rule_t *rule, unsigned activity, uint32_t *waiver)
{
    size_t                 i;
    uint64_t               lifted;
    const debar_waiver_t  *w;

    lifted = 0;

    for (i = 0; i < list->nwaivers; i++) {
        w = &list->waivers[i];

        if (w->entry != rule->entry
            || (w->product != DEBAR_NONE && w->product != rule->product)
            || (int64_t) f->now < w->from || (int64_t) f->now >= w->until
            || !(w->activities >> activity & 1)
            || !debar_waiver_scope(list, w, f, own, v))
        {
            continue;
        }

        lifted |= w->authorities;
        *waiver = i;
    }

    return lifted;
}


static void
debar_settle_one(debar_list_t *list, const debar_facts_t *f,
    debar_verdict_t *v, debar_evidence_t *ev, const debar_own_url_t *own)
{
    uint64_t             set, lifted, givers;
    unsigned             activity, cap;
    const debar_rule_t  *rule;

    rule = &list->rules[ev->rule];

    activity = v->activity;
    ev->floor = 0;

    if (rule->floor == DEBAR_EVERY) {
        activity = DEBAR_EVERY;

    } else if (rule->floor > activity) {
        activity = rule->floor;
        ev->floor = (uint8_t) activity;
    }

    set = rule->authorities & list->in_force;
    cap = rule->cap < ev->cap ? rule->cap : ev->cap;

    /* a host that bears a name is a hint, until it sells or ships something */

    if (activity < DEBAR_DOWNLOAD && cap > DEBAR_LOG
        && (ev->kind == DEBAR_KIND_NAME || ev->kind == DEBAR_KIND_PRODUCT_NAME)
        && strncmp(ev->where, "host", 4) == 0)
    {
        cap = DEBAR_LOG;
    }

    ev->permit = DEBAR_NONE;
    ev->waiver = DEBAR_NONE;

    ev->raw_action = debar_authorities_action(list, set, activity, f->now,
                                              &givers);
    if (ev->raw_action > cap) {
        ev->raw_action = cap;
    }

    ev->action = ev->raw_action;
    ev->authorities = ev->action == DEBAR_PASS ? 0 : givers;

    if (ev->action == DEBAR_PASS) {
        return;
    }

    lifted = debar_permitted(list, f, v, own, ev, rule->entry, &ev->permit);
    lifted |= debar_waived(list, f, own, v, rule,
                           activity == DEBAR_EVERY ? v->activity : activity,
                           &ev->waiver);
    if (lifted == 0) {
        return;
    }

    ev->action = debar_authorities_action(list, set & ~lifted, activity,
                                          f->now, &givers);
    if (ev->action > cap) {
        ev->action = cap;
    }

    ev->authorities = ev->action == DEBAR_PASS ? 0 : givers;
}


/* Strongest first; at equal strength as found.  There are few: by insertion. */

static void
debar_sort_evidence(debar_verdict_t *v)
{
    unsigned          i, j;
    debar_evidence_t  ev;

    for (i = 1; i < v->nevidence; i++) {

        if (v->evidence[i].action <= v->evidence[i - 1].action) {
            continue;
        }

        ev = v->evidence[i];

        for (j = i; j > 0 && v->evidence[j - 1].action < ev.action; j--) {
            v->evidence[j] = v->evidence[j - 1];
        }

        v->evidence[j] = ev;
    }
}


/*
 * When requests inside a tunnel will be judged, a host that blocks as a whole
 * is let through to that if something milder lies below it.
 */

static int
debar_milder_below(debar_list_t *list, const debar_own_url_t *own,
    uint32_t entry)
{
    size_t       i;
    debar_str_t  key;

    for (i = 0; i < list->npermits; i++) {
        key = debar_list_text(list, list->permits[i].key);

        if (list->permits[i].entry == entry && own->host_len != 0
            && key.len >= own->host_len
            && memcmp(key.data, own->key, own->host_len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


/*
 * A request that is more than what is looked at is recorded, and not let
 * through to buy something (DESIGN section 6); a faulty one is refused.
 */

static void
debar_settle_bounds(debar_verdict_t *v)
{
    if (v->cut || (v->more && v->verdict != DEBAR_PASS)) {

        if (v->activity == DEBAR_ACQUIRE) {
            v->verdict = DEBAR_BLOCK;

        } else if (v->verdict < DEBAR_LOG) {
            v->verdict = DEBAR_LOG;
        }
    }

    if (v->fault && v->verdict < DEBAR_REJECT) {
        v->verdict = DEBAR_REJECT;
    }
}


void
debar_settle(debar_list_t *list, const debar_facts_t *f, debar_verdict_t *v)
{
    unsigned           i, strongest;
    debar_own_url_t    own;
    debar_evidence_t  *ev;

    v->verdict = DEBAR_PASS;
    v->entry = DEBAR_NONE;
    v->product = DEBAR_NONE;
    v->authorities = 0;
    v->permit = DEBAR_NONE;
    v->waiver = DEBAR_NONE;
    v->inspect = 0;
    v->fresh = 0;

    if (v->nevidence == 0) {
        debar_settle_bounds(v);
        return;
    }

    debar_own_url(list, f, v, &own);

    for (i = 0; i < v->nevidence; i++) {
        debar_settle_one(list, f, v, &v->evidence[i], &own);
    }

    debar_sort_evidence(v);

    ev = &v->evidence[0];
    strongest = ev->action;

    if (f->connect && f->inspecting && strongest == DEBAR_BLOCK
        && v->fault == NULL
        && debar_milder_below(list, &own, list->rules[ev->rule].entry))
    {
        v->inspect = 1;
        strongest = DEBAR_LOG;
    }

    v->verdict = strongest;
    v->entry = list->rules[ev->rule].entry;

    for (i = 0; i < v->nevidence && v->evidence[i].action == ev->action; i++) {

        if (list->rules[v->evidence[i].rule].entry != v->entry) {
            continue;
        }

        v->authorities |= v->evidence[i].authorities;

        if (v->product == DEBAR_NONE) {
            v->product = list->rules[v->evidence[i].rule].product;
        }
    }

    /* named only where nothing but them lets the request through */

    for (i = 0; i < v->nevidence; i++) {
        if (v->evidence[i].raw_action > v->evidence[i].action) {
            if (v->permit == DEBAR_NONE) {
                v->permit = v->evidence[i].permit;
            }

            if (v->waiver == DEBAR_NONE) {
                v->waiver = v->evidence[i].waiver;
            }
        }
    }

    /* an exception that was used is a matter for the record */

    if (v->waiver != DEBAR_NONE && v->verdict < DEBAR_LOG) {
        v->verdict = DEBAR_LOG;
    }

    debar_settle_bounds(v);
}


const char *
debar_verdict_fault(const debar_verdict_t *v)
{
    return v->fault ? v->fault
           : v->cut ? "more than is looked at"
           : v->more ? "more evidence than is kept" : NULL;
}
