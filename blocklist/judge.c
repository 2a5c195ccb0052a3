/*
 * Leads a request through: readings of its authority, evidence, activity,
 * verdict.
 */

#include "judge_private.h"


void
debar_verdict_init(debar_verdict_t *v)
{
    v->verdict = DEBAR_PASS;
    v->activity = DEBAR_BROWSE;
    v->step = NULL;
    v->step_len = 0;
    v->channel = NULL;
    v->channel_len = 0;
    v->fault = NULL;
    v->more = 0;
    v->cut = 0;
    v->fresh = 0;
    v->inspect = 0;
    v->entry = DEBAR_NONE;
    v->product = DEBAR_NONE;
    v->authorities = 0;
    v->permit = DEBAR_NONE;
    v->waiver = DEBAR_NONE;
    v->nevidence = 0;
    v->pin = NULL;
    v->order_len = 0;
    v->port = 0;
    v->host.type = 0;
    v->host.len = 0;
    v->host.name[0] = '\0';
}


static int
debar_same_host(const debar_host_t *a, const debar_host_t *b)
{
    return a->len == b->len && memcmp(a->name, b->name, a->len) == 0;
}


static unsigned
debar_default_port(const debar_facts_t *f)
{
    return f->scheme.len == 5 ? 443 : 80;
}


static const char *
debar_scheme_fault(const debar_facts_t *f)
{
    if (f->connect || f->scheme.len == 0
        || (f->scheme.len == 4 && strncasecmp(f->scheme.data, "http", 4) == 0)
        || (f->scheme.len == 5 && strncasecmp(f->scheme.data, "https", 5) == 0))
    {
        return NULL;
    }

    return "a scheme other than http and https";
}


/*
 * The well-formed and common case: one host, said once or twice in the same
 * bytes.  DEBAR_DECLINED: the readings have to be gone through.
 */

static int
debar_plain_host(const debar_facts_t *f, debar_str_t s, debar_verdict_t *v)
{
    const char  *colon, *why;
    unsigned     port;
    size_t       i;

    if (s.len == 0 || s.data[0] == '[') {
        return DEBAR_DECLINED;
    }

    port = 0;
    colon = memchr(s.data, ':', s.len);

    if (colon != NULL) {
        i = colon + 1 - s.data;

        if (s.len - i == 0 || s.len - i > 5
            || (i == 5 && strncasecmp(s.data, "unix", 4) == 0))
        {
            return DEBAR_DECLINED;
        }

        for ( /* void */ ; i < s.len; i++) {
            if (s.data[i] < '0' || s.data[i] > '9') {
                return DEBAR_DECLINED;
            }

            port = port * 10 + (s.data[i] - '0');
        }

        if (port == 0 || port > 65535) {
            return DEBAR_DECLINED;
        }

        s.len = colon - s.data;
    }

    if (debar_host_parse(&v->host, s.data, s.len, 0, &why) != DEBAR_OK
        || v->host.spelt != DEBAR_SPELT_PLAIN)
    {
        return DEBAR_DECLINED;
    }

    v->port = port;

    return DEBAR_OK;
}


/* Adds the readings of one authority; the first well-formed one is v->host. */

static void
debar_readings(debar_list_t *list, const debar_facts_t *f, debar_verdict_t *v,
    debar_str_t s, const char *where)
{
    unsigned                 i, port;
    debar_authority_parts_t  a;

    debar_authority_parse(&a, s.data, s.len);

    port = a.port;

    if (a.fault != NULL || a.n == 0) {
        if (v->fault == NULL) {
            v->fault = a.fault ? a.fault : "no host in the authority";
        }

    } else if (v->host.len == 0) {
        v->host = a.readings[0];
        v->port = port;

    } else if (!debar_same_host(&v->host, &a.readings[0])
               || (v->port ? v->port : debar_default_port(f))
                  != (port ? port : debar_default_port(f)))
    {
        if (v->fault == NULL) {
            v->fault = "Host and authority disagree";
        }
    }

    for (i = 0; i < a.n; i++) {
        debar_match_host(list, v, &a.readings[i], where, DEBAR_BLOCK);
    }
}


static void
debar_all_readings(debar_list_t *list, const debar_facts_t *f,
    debar_verdict_t *v)
{
    unsigned  i;

    v->host.len = 0;
    v->fault = debar_scheme_fault(f);

    if (f->authority.data != NULL) {
        debar_readings(list, f, v, f->authority, "host");
    }

    for (i = 0; i < f->nhosts; i++) {

        if (f->authority.data != NULL && f->hosts[i].len == f->authority.len
            && memcmp(f->hosts[i].data, f->authority.data, f->authority.len)
               == 0)
        {
            continue;
        }

        debar_readings(list, f, v, f->hosts[i],
                       f->authority.data || i ? "host/field" : "host");
    }

    if (v->fault == NULL && (f->nhosts > 1 || f->more_hosts)) {
        v->fault = "several Host fields";
    }

    if (v->fault == NULL && f->authority.data == NULL && f->nhosts == 0) {
        v->fault = "no Host field";
    }

    if (v->fault == NULL && v->host.len != 0
        && v->host.spelt != DEBAR_SPELT_PLAIN)
    {
        v->fault = v->host.odd ? v->host.odd : "an odd notation of the host";
    }
}


/*
 * The bytes of a host that says nothing else than itself: f has one authority,
 * or one Host field, or both alike.  Empty: not so.
 */

static debar_str_t
debar_one_host(const debar_facts_t *f)
{
    debar_str_t  s;

    s = debar_str(NULL, 0);

    if (f->nhosts > 1 || f->more_hosts || debar_scheme_fault(f) != NULL) {
        return s;
    }

    if (f->authority.data == NULL) {
        return f->nhosts ? f->hosts[0] : s;
    }

    if (f->nhosts && (f->hosts[0].len != f->authority.len
                      || memcmp(f->hosts[0].data, f->authority.data,
                                f->authority.len) != 0))
    {
        return s;
    }

    return f->authority;
}


static int
debar_judge_target(debar_list_t *list, const debar_facts_t *f,
    debar_verdict_t *v)
{
    debar_str_t  target, raw;

    debar_verdict_init(v);

    target = f->connect ? debar_str("", 0) : f->target;
    raw = debar_one_host(f);

    if (debar_seen_host(list, raw, v)) {

        if (debar_target_nothing(list, target)) {
            return 0;
        }

    } else if (debar_plain_host(f, raw, v) == DEBAR_OK) {

        if (debar_host_nothing(list, &v->host)) {
            debar_see_host(list, raw, v);

            if (debar_target_nothing(list, target)) {
                return 0;
            }
        }

        debar_match_host(list, v, &v->host, "host", DEBAR_BLOCK);

    } else {
        debar_all_readings(list, f, v);
    }

    if (!f->connect) {
        debar_match_url(list, v, v->host.len ? &v->host : NULL, target);
    }

    if (v->nevidence != 0 || v->cut) {
        debar_activity(list, v, f, v->host.len ? &v->host : NULL);
    }

    debar_settle(list, f, v);

    return 1;
}


void
debar_judge(debar_list_t *list, const debar_facts_t *f, debar_verdict_t *v)
{
    int  looked;

    looked = debar_judge_target(list, f, v);

    if (looked || f->referer.len | f->original_url.len | f->cookie.len) {
        debar_judge_fields(list, f, v, looked);
    }
}


/* A verdict that evidence was added to, which may have made room for itself:
 * their number alone does not tell. */

static void
debar_settle_fresh(debar_list_t *list, const debar_facts_t *f,
    debar_verdict_t *v)
{
    if (!v->fresh) {
        return;
    }

    if (v->step == NULL) {
        debar_activity(list, v, f, v->host.len ? &v->host : NULL);
    }

    debar_settle(list, f, v);
}


void
debar_judge_address(debar_list_t *list, const debar_facts_t *f,
    debar_verdict_t *v, const uint8_t addr[16], uint32_t asn,
    const char *country)
{
    debar_match_addr(list, v, addr, "address", DEBAR_BLOCK);
    debar_match_origin(list, v, asn, country);
    debar_settle_fresh(list, f, v);
}


int
debar_address_clean(debar_list_t *list, const uint8_t addr[16], uint32_t asn,
    const char *country)
{
    debar_verdict_t  v;

    v.nevidence = 0;
    v.more = 0;

    debar_match_addr(list, &v, addr, "address", DEBAR_BLOCK);
    debar_match_origin(list, &v, asn, country);

    return v.nevidence == 0;
}


void
debar_judge_certificate(debar_list_t *list, const debar_facts_t *f,
    debar_verdict_t *v, debar_str_t organization)
{
    debar_match_organization(list, v, organization, "certificate",
                             DEBAR_BLOCK);
    debar_settle_fresh(list, f, v);
}


int
debar_certificate_clean(debar_list_t *list, debar_str_t organization)
{
    debar_verdict_t  v;

    v.nevidence = 0;
    v.more = 0;

    debar_match_organization(list, &v, organization, "certificate",
                             DEBAR_BLOCK);

    return v.nevidence == 0;
}
