/*
 * debar list preview: recorded traffic, judged by a list that is not in force
 * yet and by the one that is.
 */

#include <archive.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "preview.h"
#include "access_log.h"
#include "host.h"
#include "mask.h"


#define DEBAR_PREVIEW_BLOCK  (1 << 17)
#define DEBAR_PREVIEW_EXIT   10
#define DEBAR_PREVIEW_URL    300     /* of an example */


typedef struct {
    debar_preview_t         *p;
    debar_preview_args_t    *a;
    debar_access_format_t    format;
    uint64_t                 total;      /* bytes of all logs, 0: unknown */
    uint64_t                 before;     /* of those that are read */
    const char              *name;
    uint64_t                 line;       /* of this log */
    char                     text[DEBAR_ACCESS_LINE + 2];
    size_t                   len;
    unsigned                 over;       /* the line is longer than one */
    char                     room[DEBAR_ACCESS_LINE];
} debar_replay_t;


/* --- a request ----------------------------------------------------------- */

static const char *
debar_preview_facts(debar_replay_t *r, const debar_access_t *a,
    debar_request_t *rq, char method[64])
{
    const char    *why;
    debar_host_t   h;

    memset(rq, 0, sizeof(debar_request_t));

    snprintf(method, 64, "%.*s", (int) (a->method.len < 63 ? a->method.len
                                                           : 63),
             a->method.data);
    rq->method = method;
    rq->url = a->url.data;
    rq->url_len = a->url.len;

    if (a->host.len) {
        debar_request_header(rq, "Host", 4, a->host.data, a->host.len);
        rq->no_host = 0;
    }

    if (a->url.len && a->url.data[0] != '/') {
        rq->facts.nhosts = 0;            /* an absolute URL has its own */
    }

    if (debar_request_finish(rq, &why) != DEBAR_OK) {
        return why;
    }

    if (a->scheme.len && rq->facts.scheme.len == 0) {
        rq->facts.scheme = a->scheme;
    }

    rq->facts.user = a->user;
    rq->facts.referer = a->referer;

    if (a->client.len
        && debar_host_parse(&h, a->client.data, a->client.len,
                            DEBAR_HOST_BARE, &why) == DEBAR_OK
        && h.type == DEBAR_HOST_ADDRESS)
    {
        memcpy(rq->facts.client, h.addr, 16);
        rq->facts.has_client = 1;
    }

    rq->facts.now = r->a->has_on ? r->a->on
                    : a->time >= 0 ? (time_t) a->time : time(NULL);

    return NULL;
}


/* The host as it was asked for, without user and port, in lower case. */

static size_t
debar_preview_host(const debar_request_t *rq, char out[256])
{
    size_t       i, n;
    const char  *p, *at, *end;

    p = rq->facts.nhosts ? rq->facts.hosts[0].data : rq->facts.authority.data;
    n = rq->facts.nhosts ? rq->facts.hosts[0].len : rq->facts.authority.len;

    if (n == 0) {
        return 0;
    }

    at = memrchr(p, '@', n);

    if (at) {
        n -= (size_t) (at + 1 - p);
        p = at + 1;
    }

    end = n && p[0] == '[' ? memchr(p, ']', n) : NULL;
    n = end ? (size_t) (end + 1 - p) : n;
    end = end ? NULL : memchr(p, ':', n);
    n = end ? (size_t) (end - p) : n;
    n = n < 255 ? n : 255;

    for (i = 0; i < n; i++) {
        out[i] = p[i] >= 'A' && p[i] <= 'Z' ? (char) (p[i] | 0x20) : p[i];
    }

    return n;
}


/* As the audit log has it: without what is a secret of who asked. */

static void
debar_preview_masked(debar_buf_t *b, const char *data, size_t len,
    unsigned url, size_t most)
{
    char    *out;
    size_t   n;

    out = malloc(3 * len + 1);

    if (out == NULL) {
        abort();
    }

    n = debar_mask(out, 3 * len, data, len, url);
    debar_buf_add(b, out, n < most ? n : most);
    free(out);
}


static void
debar_preview_why(debar_list_t *list, const debar_verdict_t *v,
    debar_buf_t *b)
{
    debar_str_t              id;
    const debar_evidence_t  *e;

    if (v->entry != DEBAR_NONE) {
        id = debar_list_entry_id(list, v->entry);
        debar_buf_printf(b, "%.*s: ", (int) id.len, id.data);
    }

    if (v->nevidence) {
        e = &v->evidence[0];
        debar_buf_printf(b, "%s ", e->kind ? debar_kind_name(e->kind)
                         : "fault");
        debar_preview_masked(b, e->value, strlen(e->value),
                             e->kind == DEBAR_KIND_URL, SIZE_MAX);
        debar_buf_printf(b, " in %s", e->where);

    } else {
        debar_buf_printf(b, "%s", v->fault ? v->fault : "nothing listed");
    }
}


static void
debar_preview_example(debar_replay_t *r, debar_preview_changes_t *c,
    const debar_access_t *a, debar_list_t *list, const debar_verdict_t *v,
    const debar_verdict_t *before, const debar_verdict_t *after)
{
    time_t                    t;
    struct tm                 tm;
    debar_buf_t               b;
    debar_str_t               who;
    debar_preview_example_t  *ex;

    if (c->nexamples == DEBAR_PREVIEW_EXAMPLES) {
        return;
    }

    ex = &c->examples[c->nexamples++];
    who = a->user.len ? a->user : a->client;
    memset(&b, 0, sizeof(b));

    if (a->time >= 0) {
        t = (time_t) a->time;
        gmtime_r(&t, &tm);
        strftime(ex->time, sizeof(ex->time), "%Y-%m-%dT%H:%M:%SZ", &tm);
    }

    ex->who = strndup(who.len ? who.data : "-", who.len ? who.len : 1);
    debar_buf_printf(&b, "%.*s ", (int) (a->method.len < 32 ? a->method.len
                                                            : 32),
                     a->method.data);

    if (a->host.len && a->url.len && a->url.data[0] == '/') {
        debar_buf_add(&b, a->host.data, a->host.len < 255 ? a->host.len : 255);
    }

    debar_preview_masked(&b, a->url.data, a->url.len, 1, DEBAR_PREVIEW_URL);
    ex->request = strndup(b.data, b.len);
    b.len = 0;
    debar_preview_why(list, v, &b);
    ex->why = strndup(b.data, b.len);
    ex->before = debar_action_name(before->verdict);
    ex->after = debar_action_name(after->verdict);
    debar_buf_free(&b);

    if (ex->who == NULL || ex->request == NULL || ex->why == NULL) {
        abort();
    }
}


static void
debar_preview_count(debar_replay_t *r, const debar_access_t *a,
    const debar_request_t *rq, const debar_verdict_t *before,
    const debar_verdict_t *after)
{
    int                       class;
    char                      host[256];
    size_t                    n;
    debar_str_t               who, entry;
    debar_list_t             *list;
    const debar_verdict_t    *v;
    debar_preview_changes_t  *c;

    class = debar_preview_class(r->p, before, after);

    if (class < 0) {
        return;
    }

    /* what is let through is told by the list that refused it */

    v = class == DEBAR_PREVIEW_PASSED || after->entry == DEBAR_NONE ? before
                                                                   : after;
    list = v == before && r->p->in_force ? r->p->in_force : r->p->candidate;

    c = &r->p->changes[class];
    c->count++;
    who = a->user.len ? a->user : a->client.len ? a->client : debar_str("-", 1);
    entry = v->entry == DEBAR_NONE ? debar_str("-", 1)
            : debar_list_entry_id(list, v->entry);
    n = debar_preview_host(rq, host);

    debar_tally_add(&c->by[DEBAR_PREVIEW_USER], who.data, who.len);
    debar_tally_add(&c->by[DEBAR_PREVIEW_HOST], n ? host : "-", n ? n : 1);
    debar_tally_add(&c->by[DEBAR_PREVIEW_ENTRY], entry.data, entry.len);
    debar_preview_example(r, c, a, list, v, before, after);
}


static void
debar_preview_judge(debar_replay_t *r, const debar_access_t *a,
    const debar_request_t *rq)
{
    const char                *now;
    static debar_verdict_t     before, after;

    debar_judge(r->p->candidate, &rq->facts, &after);

    if (r->p->in_force) {
        debar_judge(r->p->in_force, &rq->facts, &before);

    } else {
        memset(&before, 0, sizeof(before));
        before.entry = DEBAR_NONE;
        before.verdict = after.verdict == DEBAR_REJECT ? DEBAR_REJECT
                                                       : DEBAR_PASS;
    }

    /* a body or an answer decided then, which no log has */

    if (a->verdict.len && r->p->in_force) {
        now = debar_action_name(before.verdict);
        r->p->unseen += strlen(now) != a->verdict.len
                        || memcmp(now, a->verdict.data, a->verdict.len) != 0;
    }

    debar_preview_count(r, a, rq, &before, &after);
}


/* --- logs ---------------------------------------------------------------- */

static void
debar_preview_unread(debar_replay_t *r, const char *why)
{
    size_t       n;
    debar_buf_t  b;

    n = (size_t) r->p->unread++;

    if (n >= DEBAR_PREVIEW_UNREAD) {
        return;
    }

    memset(&b, 0, sizeof(b));
    debar_buf_printf(&b, "%s:%llu", r->name, (unsigned long long) r->line);
    debar_buf_add(&b, "", 1);
    r->p->unreadable[n].place = b.data;
    r->p->unreadable[n].why = strdup(why);
}


static void
debar_preview_line(debar_replay_t *r)
{
    int              rc;
    char             method[64];
    const char      *why;
    debar_access_t   a;
    debar_request_t  rq;

    r->line++;
    r->p->lines++;
    why = "longer than a line may be";

    rc = r->over ? DEBAR_ERROR
         : debar_access_read(&a, r->a->format ? &r->format : NULL, r->text,
                             r->len, r->room, &why);

    if (rc == DEBAR_ERROR) {
        debar_preview_unread(r, why);
        return;
    }

    if (rc == DEBAR_DECLINED
        || (r->a->since && a.time >= 0 && a.time < r->a->since)
        || (r->a->until && a.time >= 0 && a.time >= r->a->until))
    {
        r->p->skipped++;
        return;
    }

    why = debar_preview_facts(r, &a, &rq, method);

    if (why) {
        debar_preview_unread(r, why);

    } else {
        r->p->requests++;

        if (a.time >= 0) {
            r->p->first = r->p->first < 0 || a.time < r->p->first
                          ? a.time : r->p->first;
            r->p->last = a.time > r->p->last ? a.time : r->p->last;
        }

        debar_preview_judge(r, &a, &rq);
    }

    debar_request_free(&rq);
}


static void
debar_preview_bytes(debar_replay_t *r, const char *p, size_t n)
{
    size_t       part;
    const char  *end = p + n, *nl;

    while (p < end) {
        nl = memchr(p, '\n', (size_t) (end - p));
        part = (size_t) ((nl ? nl : end) - p);

        if (r->len + part > DEBAR_ACCESS_LINE) {
            r->over = 1;

        } else {
            memcpy(r->text + r->len, p, part);
            r->len += part;
        }

        p += part + (nl != NULL);

        if (nl) {
            debar_preview_line(r);
            r->len = 0;
            r->over = 0;
        }
    }
}


/* "[########------------] 41%  410000 requests", on a terminal. */

static void
debar_preview_progress(debar_replay_t *r, uint64_t done)
{
    char      bar[64];
    unsigned  i, part;

    if (r->a->quiet) {
        return;
    }

    if (r->total == 0) {
        debar_progress(NULL, "requests", r->p->requests);
        return;
    }

    done += r->before;
    part = (unsigned) (done >= r->total ? 20 : 20 * done / r->total);
    bar[0] = '[';

    for (i = 0; i < 20; i++) {
        bar[i + 1] = i < part ? '#' : '-';
    }

    snprintf(bar + 21, sizeof(bar) - 21, "] %u%%  requests",
             (unsigned) (done >= r->total ? 100 : 100 * done / r->total));
    debar_progress(NULL, bar, r->p->requests);
}


static int
debar_preview_read(debar_replay_t *r, struct archive *ar, const char *log)
{
    int                    rc;
    size_t                 n;
    off_t                  at;
    const void            *data;
    struct archive_entry  *entry;

    rc = archive_read_next_header(ar, &entry);

    if (rc == ARCHIVE_EOF) {
        return DEBAR_OK;                     /* empty */
    }

    while (rc == ARCHIVE_OK || rc == ARCHIVE_WARN) {
        rc = archive_read_data_block(ar, &data, &n, &at);

        if (rc == ARCHIVE_OK || rc == ARCHIVE_WARN) {
            debar_preview_bytes(r, data, n);
            debar_preview_progress(r, (uint64_t) archive_filter_bytes(ar, -1));
        }
    }

    if (rc != ARCHIVE_EOF) {
        debar_say("%s: line %llu: %s; it may be cut off or damaged", log,
                  (unsigned long long) r->line + 1,
                  archive_error_string(ar) ? archive_error_string(ar)
                                           : "cannot be read");
        return DEBAR_ERROR;
    }

    if (r->len || r->over) {
        debar_preview_line(r);               /* no newline at the end */
        r->len = 0;
        r->over = 0;
    }

    return DEBAR_OK;
}


static int
debar_preview_log(debar_replay_t *r, const char *log)
{
    int              fd, rc;
    struct archive  *ar;

    r->name = strcmp(log, "-") == 0 ? "stdin" : log;
    r->line = 0;
    r->len = 0;
    r->over = 0;
    fd = strcmp(log, "-") == 0 ? STDIN_FILENO : open(log, O_RDONLY | O_CLOEXEC);

    if (fd == -1) {
        debar_say("%s: %s; --against names an access log or audit.jsonl", log,
                  strerror(errno));
        return DEBAR_ERROR;
    }

    ar = archive_read_new();

    if (ar == NULL) {
        abort();
    }

    archive_read_support_filter_gzip(ar);
    archive_read_support_filter_zstd(ar);
    archive_read_support_filter_bzip2(ar);
    archive_read_support_filter_xz(ar);
    archive_read_support_format_raw(ar);
    archive_read_support_format_empty(ar);

    if (archive_read_open_fd(ar, fd, DEBAR_PREVIEW_BLOCK) != ARCHIVE_OK) {
        debar_say("%s: %s; it may be cut off or damaged", log,
                  archive_error_string(ar));
        rc = DEBAR_ERROR;

    } else {
        rc = debar_preview_read(r, ar, log);
        r->before += (uint64_t) archive_filter_bytes(ar, -1);
    }

    archive_read_free(ar);

    if (fd != STDIN_FILENO) {
        close(fd);
    }

    return rc;
}


static uint64_t
debar_preview_total(const debar_preview_args_t *a)
{
    size_t       i;
    uint64_t     total;
    struct stat  st;

    for (total = 0, i = 0; i < a->nlogs; i++) {
        if (stat(a->logs[i], &st) != 0 || !S_ISREG(st.st_mode)) {
            return 0;
        }

        total += (uint64_t) st.st_size;
    }

    return total;
}


static int
debar_preview_logs(debar_preview_t *p, debar_preview_args_t *a)
{
    int              rc;
    size_t           i;
    debar_fault_t    fault;
    debar_replay_t  *r;

    r = calloc(1, sizeof(debar_replay_t));

    if (r == NULL) {
        abort();
    }

    r->p = p;
    r->a = a;
    r->total = debar_preview_total(a);
    rc = DEBAR_OK;

    if (a->format
        && debar_access_format(&r->format, a->format, &fault) != DEBAR_OK)
    {
        debar_say("--format: %s", fault.text);
        rc = DEBAR_ERROR;
    }

    for (i = 0; rc == DEBAR_OK && i < a->nlogs; i++) {
        rc = debar_preview_log(r, a->logs[i]);
    }

    debar_progress_end();
    free(r);

    if (rc == DEBAR_OK && p->requests == 0 && p->unread) {
        debar_say("no line of the logs could be read; %s: %s",
                  p->unreadable[0].place, p->unreadable[0].why);
        rc = DEBAR_ERROR;
    }

    return rc;
}


static int
debar_preview_tell(debar_preview_t *p, const debar_preview_args_t *a)
{
    int          rc;
    uint64_t     changes;
    debar_buf_t  b;

    memset(&b, 0, sizeof(b));

    if (a->json) {
        debar_preview_json(&b, p, a->top);

    } else if (a->html) {
        debar_preview_html(&b, p, a->top);

    } else {
        debar_preview_text(&b, p, a->top);
    }

    changes = p->changes[0].count + p->changes[1].count + p->changes[2].count;
    rc = debar_write_whole(a->output, &b) != DEBAR_OK ? DEBAR_EXIT_FAILURE
         : changes ? DEBAR_PREVIEW_EXIT : 0;
    debar_buf_free(&b);

    return rc;
}


int
debar_list_preview(int argc, char **argv)
{
    int                   rc;
    debar_preview_t       p;
    debar_preview_args_t  a;

    rc = debar_preview_args(&a, argc, argv);
    if (rc != -1) {
        return rc;
    }

    memset(&p, 0, sizeof(p));
    p.first = -1;
    p.last = -1;

    if (a.nlists == 2) {
        a.in_force = a.lists[0];
    }

    if (a.in_force) {
        p.in_force = debar_open_whole(a.in_force);

        if (p.in_force == NULL) {
            return DEBAR_EXIT_FAILURE;
        }
    }

    p.candidate = debar_open_whole(a.lists[a.nlists - 1]);

    rc = p.candidate && debar_preview_logs(&p, &a) == DEBAR_OK
         ? debar_preview_tell(&p, &a) : DEBAR_EXIT_FAILURE;

    if (p.candidate) {
        debar_list_close(p.candidate);
    }

    if (p.in_force) {
        debar_list_close(p.in_force);
    }

    debar_preview_free(&p);

    return rc;
}
