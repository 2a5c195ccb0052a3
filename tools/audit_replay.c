/*
 * debar audit replay: a recorded verdict, reached again under its list.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <jansson.h>

#include "audit_proof.h"
#include "judge_again.h"
#include "trust.h"


typedef struct {
    const char  *incident;
    const char  *from;            /* a folder, or a proof */
    const char  *key;
    const char  *list;
    unsigned     json;
} debar_replay_args_t;

/* What the record leaves open, tried in this order. */

typedef struct {
    unsigned     inspecting;
    unsigned     cap;
    const char  *note;
} debar_replay_guess_t;

typedef struct {
    json_t                      *line;       /* the decision */
    const char                  *verdict;
    unsigned                     connect;
    debar_list_t                *list;
    debar_request_t              rq;
    debar_dialled_t              to;
    debar_verdict_t              v;
    const debar_replay_guess_t  *guess;
    unsigned                     from_url;   /* evidence of each */
    unsigned                     from_record;
    debar_buf_t                  differs;    /* "KEY\0WAS\0IS\0" ... */
    debar_buf_t                  notes;      /* "TEXT\0" ... */
} debar_replay_t;


static int debar_replay_args(debar_replay_args_t *a, int argc, char **argv);
static int debar_replay_line(debar_replay_t *r, const debar_replay_args_t *a,
    debar_fault_t *fault);
static int debar_replay_list(debar_replay_t *r, const debar_replay_args_t *a,
    const debar_proof_t *p, debar_fault_t *fault);
static const char *debar_replay_text(const debar_replay_t *r, const char *key);
static void debar_replay_judge(debar_replay_t *r,
    const debar_replay_guess_t *guess);
static void debar_replay_request(debar_replay_t *r);
static void debar_replay_facts(debar_replay_t *r);
static void debar_replay_upstream(debar_replay_t *r);
static void debar_replay_evidence(debar_replay_t *r);
static void debar_replay_fault(debar_replay_t *r);
static void debar_replay_compare(debar_replay_t *r);
static void debar_replay_one(debar_replay_t *r, const char *key,
    debar_str_t is);
static void debar_replay_authorities(debar_replay_t *r);
static void debar_replay_say(debar_buf_t *b, const char *text, size_t len);
static void debar_replay_print(const debar_replay_t *r,
    const debar_replay_args_t *a);
static void debar_replay_json(const debar_replay_t *r,
    const debar_replay_args_t *a);


static const char  debar_replay_name[] = "debar audit replay";

static const char  debar_replay_help[] =
    "usage: debar audit replay INCIDENT [DIR/audit|PROOF] --list FILE.mdb\n"
    "\n"
    "Reaches the verdict of an incident again: the recorded request is judged\n"
    "under the list of those days, as of its time.  What was found in a body, an\n"
    "answer or a file, which nobody keeps, is looked up in the list as recorded.\n"
    "Default: audit, or here; a file is one of `debar audit prove`.\n"
    "\n"
    "  -l, --list FILE.mdb  the snapshot with the recorded serial and digest;\n"
    "                       another one is refused\n"
    "  -k, --key FILE.pub   the lines have to be sealed by this key\n"
    "      --json           one JSON object instead of text\n"
    "  -h, --help           this text\n"
    "\n"
    "Exit: 0 the same verdict, 1 another one, or it could not be reached.\n";


static const struct option  debar_replay_options[] = {
    { "list", required_argument, NULL, 'l' },
    { "key",  required_argument, NULL, 'k' },
    { "json", no_argument,       NULL, 'j' },
    { "help", no_argument,       NULL, 'h' },
    { NULL, 0, NULL, 0 }
};


static const char  debar_replay_taken[] =
    "that it was refused or cut is taken from the record";


static const debar_replay_guess_t  debar_replay_guesses[] = {
    { 0, DEBAR_BLOCK, NULL },
    { 1, DEBAR_BLOCK, "requests inside the tunnel were to be judged" },
    { 0, DEBAR_LOG, "where it was found counts as log at most" },
    { 1, DEBAR_LOG, "requests inside the tunnel were to be judged, and where "
                    "it was found counts as log at most" },
};


int
debar_audit_replay(int argc, char **argv)
{
    int                  rc;
    unsigned             i, tries;
    debar_fault_t        fault;
    debar_replay_t      *r;
    debar_replay_args_t  a;

    rc = debar_replay_args(&a, argc, argv);
    if (rc != -1) {
        return rc;
    }

    r = calloc(1, sizeof(*r));

    if (r == NULL) {
        return debar_say("no memory");
    }

    fault.text[0] = '\0';
    rc = debar_replay_line(r, &a, &fault);

    if (rc == DEBAR_OK) {

        tries = sizeof(debar_replay_guesses) / sizeof(debar_replay_guesses[0]);

        for (i = 0; i < tries; i++) {
            debar_replay_judge(r, &debar_replay_guesses[i]);

            if (r->differs.len == 0) {
                break;
            }
        }

        /* none leads there: as the plain reading has it */

        if (i == tries) {
            debar_replay_judge(r, &debar_replay_guesses[0]);
        }

        (a.json ? debar_replay_json : debar_replay_print)(r, &a);
        rc = r->differs.len ? DEBAR_EXIT_FAILURE : 0;

    } else {
        rc = fault.text[0] ? debar_trust_failed(a.json, &fault)
                           : DEBAR_EXIT_FAILURE;
    }

    if (r->list) {
        debar_list_close(r->list);
    }

    debar_request_free(&r->rq);
    debar_buf_free(&r->differs);
    debar_buf_free(&r->notes);
    json_decref(r->line);
    free(r);

    return rc;
}


static int
debar_replay_args(debar_replay_args_t *a, int argc, char **argv)
{
    int  c, n;

    memset(a, 0, sizeof(*a));
    opterr = 0;

    while ((c = getopt_long(argc, argv, ":l:k:h", debar_replay_options, NULL))
           != -1)
    {
        switch (c) {

        case 'l':
            a->list = optarg;
            break;

        case 'k':
            a->key = optarg;
            break;

        case 'j':
            a->json = 1;
            break;

        case 'h':
            fputs(debar_replay_help, stdout);
            return 0;

        default:
            return debar_bad_option(debar_replay_name, c, argv);
        }
    }

    n = argc - optind;

    if (n < 1 || n > 2 || a->list == NULL) {
        return debar_usage(debar_replay_name, a->list || n < 1 ? "name an "
                           "incident, and DIR/audit of a gateway or a proof"
                           : "--list is missing: the snapshot of those days");
    }

    a->incident = argv[optind];
    a->from = n == 2 ? argv[optind + 1]
              : access("audit/sealed", F_OK) == 0 ? "audit" : ".";

    if (n == 2 && !debar_proof_incident(a->incident)
        && debar_proof_incident(a->from))
    {
        a->from = argv[optind];
        a->incident = argv[optind + 1];
    }

    if (!debar_proof_incident(a->incident)) {
        return debar_usage(debar_replay_name, "\"%s\": an incident has 32 hex "
                           "digits", a->incident);
    }

    return -1;
}


/* The decision, as it was sealed, and its list.  No fault: said already. */

static int
debar_replay_line(debar_replay_t *r, const debar_replay_args_t *a,
    debar_fault_t *fault)
{
    int                 rc;
    debar_buf_t        *line;
    struct stat         st;
    debar_vkey_t        key;
    debar_proof_t       p;
    json_error_t        error;
    debar_audit_log_t   log;

    if (stat(a->from, &st) == 0 && S_ISREG(st.st_mode)) {

        if ((a->key && debar_trust_public(&key, a->key, fault) != DEBAR_OK)
            || debar_proof_read(&p, a->from, fault) != DEBAR_OK)
        {
            return DEBAR_ERROR;
        }

        rc = debar_proof_check(&p, a->from, a->key ? &key : NULL, fault);

        if (rc == DEBAR_OK && strcmp(p.incident, a->incident) != 0) {
            debar_fault(fault, "%s: is a proof of incident %s: name that one",
                        a->from, p.incident);
            rc = DEBAR_ERROR;
        }

    } else {

        if (debar_audit_log_open(&log, a->from, a->key, fault) != DEBAR_OK) {
            return DEBAR_ERROR;
        }

        rc = debar_proof_make(&p, &log, a->incident, a->json, fault);
        debar_progress_end();
        debar_audit_log_close(&log);

        if (rc != DEBAR_OK) {
            return DEBAR_ERROR;
        }
    }

    if (rc == DEBAR_OK && p.decision == p.n) {
        debar_fault(fault, "%s: incident %s has an outcome and no decision: "
                    "there is nothing to reach again", a->from, a->incident);
        rc = DEBAR_ERROR;
    }

    if (rc == DEBAR_OK) {
        line = &p.lines[p.decision].line;
        r->line = json_loadb(line->data, line->len, JSON_ALLOW_NUL, &error);
        r->verdict = debar_replay_text(r, "verdict");
        rc = debar_replay_list(r, a, &p, fault);
    }

    debar_proof_free(&p);

    return rc;
}


static int
debar_replay_list(debar_replay_t *r, const debar_replay_args_t *a,
    const debar_proof_t *p, debar_fault_t *fault)
{
    const debar_snapshot_meta_t  *meta;

    if (p->digest[0] == '\0') {
        debar_fault(fault, "incident %s: it was decided without a list (%s): "
                    "there is nothing to judge it by", a->incident,
                    *debar_replay_text(r, "fault")
                    ? debar_replay_text(r, "fault") : "none is recorded");
        return DEBAR_ERROR;
    }

    r->list = debar_open_list(a->list);

    if (r->list == NULL) {
        return DEBAR_ERROR;
    }

    meta = debar_list_meta(r->list);

    if (meta->serial != p->serial || strcmp(meta->digest, p->digest) != 0) {
        debar_fault(fault, "%s: is list %" PRIu64 ", digest %.16s..., and the "
                    "verdict was reached under list %" PRIu64 ", digest "
                    "%.16s...: name that snapshot", a->list, meta->serial,
                    meta->digest, p->serial, p->digest);
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


/* A string of the line; empty: it is not there. */

static const char *
debar_replay_text(const debar_replay_t *r, const char *key)
{
    const char  *text;

    text = json_string_value(json_object_get(r->line, key));

    return text ? text : "";
}


static void
debar_replay_judge(debar_replay_t *r, const debar_replay_guess_t *guess)
{
    r->guess = guess;
    r->differs.len = 0;
    r->notes.len = 0;
    r->from_url = 0;
    r->from_record = 0;

    debar_replay_request(r);
    debar_replay_evidence(r);
    debar_replay_fault(r);
    debar_judge_again(r->list, &r->rq.facts, &r->v);
    debar_replay_compare(r);

    if (guess->note) {
        debar_replay_say(&r->notes, guess->note, strlen(guess->note));
    }
}


/* What the URL alone says. */

static void
debar_replay_request(debar_replay_t *r)
{
    const char  *url, *why, *surface, *at;

    debar_request_free(&r->rq);
    memset(&r->rq, 0, sizeof(r->rq));
    memset(&r->to, 0, sizeof(r->to));

    url = debar_replay_text(r, "url");
    surface = debar_replay_text(r, "surface");
    r->connect = strcmp(surface, "connect") == 0
                 || strcmp(surface, "tls") == 0
                 || strcmp(debar_replay_text(r, "method"), "CONNECT") == 0;

    /* userinfo is masked; it does not take part */

    at = strstr(url, "://***@");

    if (at) {
        debar_buf_add(&r->rq.content, url, (size_t) (at - url) + 3);
        debar_buf_add(&r->rq.content, at + 7, strlen(at + 7) + 1);
        url = r->rq.content.data;
    }

    r->rq.method = r->connect ? "CONNECT" : debar_replay_text(r, "method");
    r->rq.method = *r->rq.method ? r->rq.method : "GET";
    r->rq.url = url;
    r->rq.url_len = strlen(url);
    debar_replay_facts(r);
    why = "no URL is recorded";

    if (*url == '\0' || debar_request_finish(&r->rq, &why) != DEBAR_OK) {
        memset(&r->v, 0, sizeof(r->v));
        r->v.entry = r->v.product = DEBAR_NONE;
        r->v.permit = r->v.waiver = DEBAR_NONE;
        debar_replay_say(&r->notes, why, strlen(why));
        return;
    }

    debar_replay_upstream(r);
    debar_judge_request(r->list, &r->rq, &r->to, &r->v);
    r->from_url = r->v.nevidence;
}


static void
debar_replay_facts(debar_replay_t *r)
{
    char            addr[64];
    size_t          n;
    struct tm       tm;
    const char     *text, *why, *end;
    debar_host_t    h;
    debar_facts_t  *f = &r->rq.facts;

    f->inspecting = r->connect && r->guess->inspecting;
    f->filing = json_object_get(r->line, "content") != NULL;

    text = debar_replay_text(r, "user");
    f->user = debar_str(text, strlen(text));

    memset(&tm, 0, sizeof(tm));
    end = strptime(debar_replay_text(r, "time"), "%Y-%m-%dT%H:%M:%S", &tm);
    f->now = end ? timegm(&tm) : 0;

    /* "192.0.2.1:1234", "[2001:db8::1]:1234" */

    text = debar_replay_text(r, "client");
    n = strlen(text);

    while (n && text[n] != ':') {
        n--;
    }

    if (n > 2 && text[0] == '[' && text[n - 1] == ']') {
        text++;
        n -= 2;
    }

    if (n && n < sizeof(addr)) {
        memcpy(addr, text, n);
        why = NULL;

        if (debar_host_parse(&h, addr, n, DEBAR_HOST_BARE, &why) == DEBAR_OK
            && h.type == DEBAR_HOST_ADDRESS)
        {
            f->has_client = 1;
            memcpy(f->client, h.addr, 16);
        }
    }
}


static void
debar_replay_upstream(debar_replay_t *r)
{
    size_t         n;
    json_t        *up;
    const char    *text, *why;
    debar_host_t   h;

    up = json_object_get(r->line, "upstream");
    text = json_string_value(json_object_get(up, "addr"));
    n = text ? strlen(text) : 0;

    while (n && text[n] != ':') {
        n--;
    }

    if (n > 2 && text[0] == '[' && text[n - 1] == ']') {
        text++;
        n -= 2;
    }

    why = NULL;

    if (n && debar_host_parse(&h, text, n, DEBAR_HOST_BARE, &why) == DEBAR_OK
        && h.type == DEBAR_HOST_ADDRESS)
    {
        r->to.set = 1;
        memcpy(r->to.addr, h.addr, 16);
        r->to.asn = (uint32_t) json_integer_value(json_object_get(up, "asn"));
        r->to.country = json_string_value(json_object_get(up, "country"));
    }
}


/* What the record has and the URL has not: of a body, an answer, a file, a
 * certificate, or of what is masked. */

static void
debar_replay_evidence(debar_replay_t *r)
{
    int          rc, activity;
    char         note[DEBAR_VALUE + 128];
    size_t       i;
    json_t      *e, *all;
    unsigned     kind, before;
    const char  *value, *where, *name;

    all = json_object_get(r->line, "evidence");

    json_array_foreach(all, i, e) {

        name = json_string_value(json_object_get(e, "kind"));
        value = json_string_value(json_object_get(e, "value"));
        where = json_string_value(json_object_get(e, "where"));
        kind = name ? debar_kind_by_name(name, strlen(name)) : 0;
        before = r->v.nevidence;

        rc = kind == 0 || value == NULL || where == NULL ? DEBAR_DECLINED
             : debar_judge_recorded(r->list, &r->v, kind,
                                    debar_str(value, strlen(value)), where,
                                    (size_t) json_integer_value(
                                             json_object_get(e, "offset")),
                                    r->guess->cap);

        if (rc != DEBAR_OK) {
            snprintf(note, sizeof(note), value ? "the list has no %s \"%.*s\""
                     : "the record keeps no value of evidence that is a %s%.*s",
                     name ? name : "identifier", DEBAR_VALUE,
                     value ? value : "");
            debar_replay_say(&r->notes, note, strlen(note));
        }

        r->from_record += r->v.nevidence - before;
    }

    activity = debar_activity_by_name(debar_replay_text(r, "activity"),
                                      strlen(debar_replay_text(r,
                                                               "activity")));

    /* a body, or a file, may show more of what is done than a URL */

    if ((r->from_record || *debar_replay_text(r, "url") == '\0')
        && activity > (int) r->v.activity)
    {
        r->v.activity = (unsigned) activity;
    }
}


static void
debar_replay_fault(debar_replay_t *r)
{
    const char  *fault;

    fault = debar_replay_text(r, "fault");

    if (*fault == '\0' || debar_verdict_fault(&r->v)) {
        return;
    }

    if (strcmp(fault, "more than is looked at") == 0) {
        r->v.cut = 1;

    } else if (strcmp(fault, "more evidence than is kept") == 0) {
        r->v.more = 1;

    } else if (strcmp(r->verdict, "reject") == 0) {
        r->v.fault = fault;

    } else {
        return;
    }

    debar_replay_say(&r->notes, debar_replay_taken,
                     sizeof(debar_replay_taken) - 1);
}


static void
debar_replay_compare(debar_replay_t *r)
{
    const char       *name;
    debar_verdict_t  *v = &r->v;

    name = debar_action_name(v->verdict);
    debar_replay_one(r, "verdict", debar_str(name, strlen(name)));
    name = debar_activity_name(v->activity);
    debar_replay_one(r, "activity", debar_str(name, strlen(name)));
    debar_replay_one(r, "vendor", debar_list_entry_id(r->list, v->entry));
    debar_replay_one(r, "product", debar_list_product_name(r->list,
                                                           v->product));
    debar_replay_one(r, "permit", debar_list_permit_why(r->list, v->permit));
    debar_replay_one(r, "waiver", debar_list_waiver_id(r->list, v->waiver));
    debar_replay_authorities(r);
}


/* Long text is cut in the record, and ends in "...". */

static void
debar_replay_one(debar_replay_t *r, const char *key, debar_str_t is)
{
    size_t       n;
    const char  *was;

    was = debar_replay_text(r, key);
    n = strlen(was);

    if ((n == is.len && memcmp(was, is.data ? is.data : "", n) == 0)
        || (n > 100 && memcmp(was + n - 3, "...", 3) == 0 && is.len > n - 3
            && memcmp(was, is.data, n - 3) == 0))
    {
        return;
    }

    debar_replay_say(&r->differs, key, strlen(key));
    debar_replay_say(&r->differs, was, n);
    debar_replay_say(&r->differs, is.data, is.len);
}


static void
debar_replay_authorities(debar_replay_t *r)
{
    size_t        k;
    json_t       *all, *one;
    uint64_t      was;
    unsigned      i;
    debar_str_t   s;

    all = json_object_get(r->line, "authorities");
    was = 0;

    json_array_foreach(all, k, one) {

        for (i = 0; i < DEBAR_MAX_AUTHORITIES; i++) {
            s = debar_list_authority_id(r->list, i);

            if (s.len && s.len == json_string_length(one)
                && memcmp(s.data, json_string_value(one), s.len) == 0)
            {
                was |= 1ULL << i;
            }
        }
    }

    for (i = 0; i < DEBAR_MAX_AUTHORITIES; i++) {

        if (((was ^ r->v.authorities) >> i & 1) == 0) {
            continue;
        }

        s = debar_list_authority_id(r->list, i);
        debar_replay_say(&r->differs, "authority", 9);
        debar_replay_say(&r->differs, s.data, was >> i & 1 ? s.len : 0);
        debar_replay_say(&r->differs, s.data, was >> i & 1 ? 0 : s.len);
    }
}


static void
debar_replay_say(debar_buf_t *b, const char *text, size_t len)
{
    if (len) {
        debar_buf_add(b, text, len);
    }

    debar_buf_add(b, "", 1);
}


static void
debar_replay_print(const debar_replay_t *r, const debar_replay_args_t *a)
{
    const char                   *p, *end, *was, *is;
    const debar_snapshot_meta_t  *meta;

    meta = debar_list_meta(r->list);
    printf("incident %s: %s\n", a->incident, r->differs.len
           ? "another verdict than the one recorded"
           : "the same verdict is reached");
    printf("  under list %" PRIu64 ", digest %.16s..., as of %s\n",
           meta->serial, meta->digest, debar_replay_text(r, "time"));
    printf("  %s, %s; evidence: %u of the URL, %u looked up as recorded\n",
           debar_action_name(r->v.verdict),
           debar_activity_name(r->v.activity), r->from_url, r->from_record);

    p = r->notes.data;
    end = p + r->notes.len;

    for ( /* void */ ; p < end; p += strlen(p) + 1) {
        fputs("  note: ", stdout);
        debar_put(stdout, p, strlen(p));
        putchar('\n');
    }

    p = r->differs.data;
    end = p + r->differs.len;

    for ( /* void */ ; p < end; p = is + strlen(is) + 1) {
        was = p + strlen(p) + 1;
        is = was + strlen(was) + 1;
        printf("  %s: recorded \"", p);
        debar_put(stdout, was, strlen(was));
        fputs("\", reached \"", stdout);
        debar_put(stdout, is, strlen(is));
        fputs("\"\n", stdout);
    }
}


static void
debar_replay_json(const debar_replay_t *r, const debar_replay_args_t *a)
{
    const char                   *p, *end, *was, *is;
    debar_buf_t                   b;
    const debar_snapshot_meta_t  *meta;

    memset(&b, 0, sizeof(b));
    meta = debar_list_meta(r->list);

    debar_buf_printf(&b, "{\"ok\":true,\"same\":%s",
                     r->differs.len ? "false" : "true");
    debar_json_text(&b, "incident", a->incident, strlen(a->incident));
    p = debar_action_name(r->v.verdict);
    debar_json_text(&b, "verdict", p, strlen(p));
    p = debar_activity_name(r->v.activity);
    debar_json_text(&b, "activity", p, strlen(p));
    debar_json_number(&b, "serial", meta->serial);
    debar_json_text(&b, "digest", meta->digest, strlen(meta->digest));
    debar_json_number(&b, "evidence_of_url", r->from_url);
    debar_json_number(&b, "evidence_as_recorded", r->from_record);
    debar_buf_printf(&b, ",\"notes\":[");

    p = r->notes.data;
    end = p + r->notes.len;

    for ( /* void */ ; p < end; p += strlen(p) + 1) {
        debar_buf_printf(&b, "%s", p == r->notes.data ? "" : ",");
        debar_buf_json(&b, p, strlen(p));
    }

    debar_buf_printf(&b, "],\"differs\":[");
    p = r->differs.data;
    end = p + r->differs.len;

    for ( /* void */ ; p < end; p = is + strlen(is) + 1) {
        was = p + strlen(p) + 1;
        is = was + strlen(was) + 1;
        debar_buf_printf(&b, "%s{", p == r->differs.data ? "" : ",");
        debar_json_text(&b, "member", p, strlen(p));
        debar_json_text(&b, "recorded", was, strlen(was));
        debar_json_text(&b, "reached", is, strlen(is));
        debar_buf_printf(&b, "}");
    }

    debar_buf_printf(&b, "]}\n");
    debar_flush(&b);
}
