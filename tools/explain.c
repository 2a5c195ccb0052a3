/*
 * A verdict with its grounds, for people and for machines.
 */

#include <stdlib.h>

#include "tools.h"


static const debar_rule_t *debar_explain_rule(debar_list_t *list,
    const debar_evidence_t *e);
static void debar_explain_evidence(FILE *f, debar_list_t *list,
    const debar_evidence_t *e);
static void debar_explain_under(FILE *f, debar_list_t *list,
    uint64_t authorities);
static void debar_explain_authorities(FILE *f, debar_list_t *list,
    const debar_verdict_t *v);
static void debar_explain_list(FILE *f, debar_list_t *list, time_t at);
static void debar_explain_row(FILE *f, const char *key, debar_str_t value);
static void debar_evidence_json(debar_buf_t *b, debar_list_t *list,
    const debar_evidence_t *e);
static void debar_authorities_json(debar_buf_t *b, debar_list_t *list,
    uint64_t authorities);
static void debar_json_str(debar_buf_t *b, const char *key, debar_str_t s);


void
debar_explain(FILE *f, debar_list_t *list, const debar_request_t *rq,
    const debar_verdict_t *v, debar_told_t *told)
{
    unsigned     i;
    const char  *colour;

    colour = v->verdict == DEBAR_PASS ? "\033[32m"
             : v->verdict == DEBAR_LOG ? "\033[33m" : "\033[31m";

    fprintf(f, "%s%s%s  ", debar_colour(f) ? colour : "",
            debar_action_name(v->verdict), debar_colour(f) ? "\033[0m" : "");
    debar_put(f, rq->method, strlen(rq->method));
    fputc(' ', f);
    debar_put_masked(f, rq->url, rq->url_len, 1);
    fputs("\n\n", f);

    fprintf(f, "  activity   %s", debar_activity_name(v->activity));

    if (v->step_len) {
        fputs(" (", f);
        debar_put(f, v->step, v->step_len);
        fputc(')', f);
    }

    if (v->channel_len) {
        fputs(", by channel ", f);
        debar_put(f, v->channel, v->channel_len);
    }

    fputc('\n', f);

    if (v->fault) {
        fprintf(f, "  fault      %s\n", v->fault);
    }

    debar_explain_row(f, "host", debar_str(v->host.name, v->host.len));

    if (v->entry != DEBAR_NONE) {
        fputs("  vendor     ", f);
        debar_explain_row(f, NULL, debar_list_entry_name(list, v->entry));
        fputs(" (", f);
        debar_explain_row(f, NULL, debar_list_entry_id(list, v->entry));
        fputs(")\n", f);
    }

    if (v->product != DEBAR_NONE) {
        debar_explain_row(f, "product",
                          debar_list_product_name(list, v->product));
    }

    if (v->permit != DEBAR_NONE) {
        debar_explain_row(f, "permit", debar_list_permit_why(list, v->permit));
    }

    if (v->waiver != DEBAR_NONE) {
        debar_explain_row(f, "waiver", debar_list_waiver_id(list, v->waiver));
    }

    for (i = 0; i < v->nevidence; i++) {
        debar_explain_evidence(f, list, &v->evidence[i]);
    }

    debar_explain_authorities(f, list, v);

    if (v->more) {
        fputs("  there is more evidence than is shown\n", f);
    }

    if (v->nevidence == 0 && v->fault == NULL) {
        fputs("  evidence   none\n", f);
    }

    if (v->cut) {
        fputs("  something was longer than what is looked at\n", f);
    }

    if (told) {
        debar_told_print(f, told);
    }

    debar_explain_list(f, list, rq->facts.now);
}


static void
debar_explain_row(FILE *f, const char *key, debar_str_t value)
{
    if (value.len == 0) {
        return;
    }

    if (key) {
        fprintf(f, "  %-10s ", key);
    }

    debar_put(f, value.data, value.len);

    if (key) {
        fputc('\n', f);
    }
}


static void
debar_explain_evidence(FILE *f, debar_list_t *list, const debar_evidence_t *e)
{
    debar_str_t          source;
    const debar_rule_t  *rule;

    fprintf(f, "  evidence   %s ", debar_kind_name(e->kind));
    debar_put_masked(f, e->value, strlen(e->value), e->kind == DEBAR_KIND_URL);
    fputs(", in ", f);
    debar_put(f, e->where, strlen(e->where));

    if (e->offset) {
        fprintf(f, " at %u", e->offset);
    }

    fprintf(f, ": %s", debar_action_name(e->action));

    if (e->raw_action != e->action) {
        fprintf(f, " (%s by itself)", debar_action_name(e->raw_action));
    }

    fputc('\n', f);

    rule = debar_explain_rule(list, e);

    if (rule) {
        fputs("             of ", f);
        debar_explain_row(f, NULL, debar_list_entry_name(list, rule->entry));
        fputc('\n', f);

        source = debar_ref_str(debar_snapshot_strings(
                                   debar_list_snapshot(list)), rule->source);
        if (source.len) {
            fputs("             source: ", f);
            debar_put(f, source.data, source.len);
            fputc('\n', f);
        }
    }

    if (e->permit != DEBAR_NONE) {
        fputs("             permitted: ", f);
        debar_explain_row(f, NULL, debar_list_permit_why(list, e->permit));
        fputc('\n', f);
    }

    if (e->waiver != DEBAR_NONE) {
        fputs("             waiver ", f);
        debar_explain_row(f, NULL, debar_list_waiver_id(list, e->waiver));
        fputc('\n', f);
    }

    debar_explain_under(f, list, e->authorities);
}


static void
debar_explain_under(FILE *f, debar_list_t *list, uint64_t authorities)
{
    unsigned     i;
    const char  *before;

    before = "             under ";

    for (i = 0; i < DEBAR_MAX_AUTHORITIES; i++) {
        if (authorities >> i & 1) {
            fputs(before, f);
            debar_explain_row(f, NULL, debar_list_authority_id(list, i));
            before = ", ";
        }
    }

    if (authorities) {
        fputc('\n', f);
    }
}


/* Each authority once, however much evidence counts under it. */

static void
debar_explain_authorities(FILE *f, debar_list_t *list,
    const debar_verdict_t *v)
{
    unsigned     i;
    uint64_t     all;
    debar_str_t  url;

    for (all = v->authorities, i = 0; i < v->nevidence; i++) {
        all |= v->evidence[i].authorities;
    }

    for (i = 0; i < DEBAR_MAX_AUTHORITIES; i++) {
        if ((all >> i & 1) == 0) {
            continue;
        }

        fputs("  authority  ", f);
        debar_explain_row(f, NULL, debar_list_authority_id(list, i));
        fputs(": ", f);
        debar_explain_row(f, NULL, debar_list_authority_title(list, i));
        fputc('\n', f);

        url = debar_list_authority_url(list, i);

        if (url.len) {
            fputs("             ", f);
            debar_explain_row(f, NULL, url);
            fputc('\n', f);
        }
    }
}


static void
debar_explain_list(FILE *f, debar_list_t *list, time_t at)
{
    char                          text[32];
    struct tm                     tm;
    const debar_snapshot_meta_t  *m = debar_list_meta(list);

    fputs("  list       ", f);
    debar_put(f, m->title.data, m->title.len);
    fprintf(f, ", serial %llu\n             digest %s\n",
            (unsigned long long) m->serial, m->digest);

    gmtime_r(&at, &tm);
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
    fprintf(f, "  as of      %s%s\n", text,
            m->expires && m->expires <= (int64_t) at
            ? ", when this list has expired" : "");
}


static const debar_rule_t *
debar_explain_rule(debar_list_t *list, const debar_evidence_t *e)
{
    size_t               n;
    const debar_rule_t  *rules;

    rules = debar_snapshot_table(debar_list_snapshot(list), DEBAR_T_RULES, &n);

    return e->rule < n ? &rules[e->rule] : NULL;
}


void
debar_explain_json(debar_buf_t *b, debar_list_t *list,
    const debar_verdict_t *v)
{
    unsigned                      i;
    const char                   *fault, *name;
    const debar_snapshot_meta_t  *m = debar_list_meta(list);

    name = debar_action_name(v->verdict);
    debar_json_text(b, "verdict", name, strlen(name));
    name = debar_activity_name(v->activity);
    debar_json_text(b, "activity", name, strlen(name));
    debar_json_text(b, "step", v->step, v->step_len);
    debar_json_text(b, "channel", v->channel, v->channel_len);
    debar_json_text(b, "host", v->host.name, v->host.len);

    if (v->entry != DEBAR_NONE) {
        debar_json_str(b, "vendor", debar_list_entry_id(list, v->entry));
    }

    if (v->product != DEBAR_NONE) {
        debar_json_str(b, "product",
                       debar_list_product_name(list, v->product));
    }

    if (v->authorities) {
        debar_authorities_json(b, list, v->authorities);
    }

    if (v->nevidence) {
        debar_buf_printf(b, ",\"evidence\":[");

        for (i = 0; i < v->nevidence; i++) {
            debar_buf_printf(b, "%s{", i ? "," : "");
            debar_evidence_json(b, list, &v->evidence[i]);
            debar_buf_printf(b, "}");
        }

        debar_buf_printf(b, "]");
    }

    if (v->permit != DEBAR_NONE) {
        debar_json_str(b, "permit", debar_list_permit_why(list, v->permit));
    }

    if (v->waiver != DEBAR_NONE) {
        debar_json_str(b, "waiver", debar_list_waiver_id(list, v->waiver));
    }

    fault = debar_verdict_fault(v);

    if (fault) {
        debar_json_text(b, "fault", fault, strlen(fault));
    }

    debar_buf_printf(b, ",\"list\":{\"serial\":%llu,\"digest\":\"%s\"}",
                     (unsigned long long) m->serial, m->digest);
}


static void
debar_json_str(debar_buf_t *b, const char *key, debar_str_t s)
{
    debar_json_text(b, key, s.data, s.len);
}


static void
debar_authorities_json(debar_buf_t *b, debar_list_t *list,
    uint64_t authorities)
{
    int          first;
    unsigned     i;
    debar_str_t  id;

    debar_buf_printf(b, ",\"authorities\":[");

    for (first = 1, i = 0; i < DEBAR_MAX_AUTHORITIES; i++) {
        if (authorities >> i & 1) {
            id = debar_list_authority_id(list, i);
            debar_buf_printf(b, "%s", first ? "" : ",");
            debar_buf_json(b, id.data, id.len);
            first = 0;
        }
    }

    debar_buf_printf(b, "]");
}


static void
debar_evidence_json(debar_buf_t *b, debar_list_t *list,
    const debar_evidence_t *e)
{
    const char          *name;
    const debar_rule_t  *rule;

    name = debar_kind_name(e->kind);
    debar_json_text(b, "kind", name, strlen(name));
    debar_json_masked(b, "value", e->value, strlen(e->value),
                      e->kind == DEBAR_KIND_URL);
    debar_json_text(b, "where", e->where, strlen(e->where));
    debar_json_number(b, "offset", e->offset);

    name = debar_action_name(e->action);
    debar_json_text(b, "action", name, strlen(name));

    if (e->raw_action != e->action) {
        name = debar_action_name(e->raw_action);
        debar_json_text(b, "raw_action", name, strlen(name));
    }

    rule = debar_explain_rule(list, e);

    if (rule) {
        debar_json_str(b, "vendor", debar_list_entry_id(list, rule->entry));
    }

    if (e->authorities) {
        debar_authorities_json(b, list, e->authorities);
    }

    if (e->permit != DEBAR_NONE) {
        debar_json_str(b, "permit", debar_list_permit_why(list, e->permit));
    }

    if (e->waiver != DEBAR_NONE) {
        debar_json_str(b, "waiver", debar_list_waiver_id(list, e->waiver));
    }
}
