/*
 * What a replay found: names counted within a bound, and told as words, JSON
 * and a page.
 */

#include <stdlib.h>

#include "preview.h"
#include "diff.h"
#include "filter.h"


typedef struct {
    const char  *name;            /* in JSON */
    const char  *title;
    const char  *title_alone;     /* where nothing is in force to compare */
} debar_preview_words_t;


static const debar_preview_words_t  debar_preview_words[] = {
    { "newly_blocked", "Newly refused", "Refused" },
    { "newly_passed", "Newly let through", "Let through" },
    { "otherwise", "Changed otherwise: recorded or not, or another entry",
      "Recorded" }
};

static const char *const  debar_preview_by[] = { "user", "host", "entry" };


static void
debar_tally_grow(debar_tally_t *t)
{
    size_t            i, size;
    uint64_t          h;
    debar_counted_t  *old;

    old = t->slots;
    size = t->size;
    t->size = size ? 2 * size : 64;
    t->slots = calloc(t->size, sizeof(debar_counted_t));

    if (t->slots == NULL) {
        abort();
    }

    for (i = 0; i < size; i++) {
        if (old[i].name == NULL) {
            continue;
        }

        h = debar_hash(old[i].name, strlen(old[i].name));

        while (t->slots[h & (t->size - 1)].name) {
            h++;
        }

        t->slots[h & (t->size - 1)] = old[i];
    }

    free(old);
}


void
debar_tally_add(debar_tally_t *t, const char *name, size_t len)
{
    uint64_t          h;
    debar_counted_t  *c;

    len = strnlen(name, len < 255 ? len : 255);

    if ((t->n + 1) * 2 > t->size) {
        debar_tally_grow(t);
    }

    for (h = debar_hash(name, len); /* void */ ; h++) {
        c = &t->slots[h & (t->size - 1)];

        if (c->name == NULL) {
            break;
        }

        if (strlen(c->name) == len && memcmp(c->name, name, len) == 0) {
            c->count++;
            return;
        }
    }

    if (t->n == DEBAR_PREVIEW_NAMES) {
        t->others++;
        return;
    }

    c->name = strndup(name, len);

    if (c->name == NULL) {
        abort();
    }

    c->count = 1;
    t->n++;
}


static int
debar_counted_cmp(const void *one, const void *two)
{
    const debar_counted_t  *a = one, *b = two;

    if (a->count != b->count) {
        return a->count > b->count ? -1 : 1;
    }

    if (a->name == NULL || b->name == NULL) {
        return (a->name == NULL) - (b->name == NULL);
    }

    return strcmp(a->name, b->name);
}


/* The most frequent first; nothing may be added behind it. */

static size_t
debar_tally_sort(debar_tally_t *t)
{
    if (t->size) {
        qsort(t->slots, t->size, sizeof(debar_counted_t), debar_counted_cmp);
    }

    return t->n;
}


void
debar_preview_free(debar_preview_t *p)
{
    size_t                    i, k, c;
    debar_preview_changes_t  *ch;

    for (c = 0; c < DEBAR_PREVIEW_CLASSES; c++) {
        ch = &p->changes[c];

        for (k = 0; k < DEBAR_PREVIEW_BY; k++) {
            for (i = 0; i < ch->by[k].size; i++) {
                free(ch->by[k].slots[i].name);
            }

            free(ch->by[k].slots);
        }

        for (i = 0; i < ch->nexamples; i++) {
            free(ch->examples[i].who);
            free(ch->examples[i].request);
            free(ch->examples[i].why);
        }
    }

    for (i = 0; i < DEBAR_PREVIEW_UNREAD; i++) {
        free(p->unreadable[i].place);
        free(p->unreadable[i].why);
    }
}


static int
debar_preview_refused(const debar_verdict_t *v)
{
    return v->verdict == DEBAR_BLOCK || v->verdict == DEBAR_REJECT;
}


int
debar_preview_class(const debar_preview_t *p, const debar_verdict_t *before,
    const debar_verdict_t *after)
{
    debar_str_t  a, b;

    if (debar_preview_refused(before) != debar_preview_refused(after)) {
        return debar_preview_refused(after) ? DEBAR_PREVIEW_BLOCKED
                                            : DEBAR_PREVIEW_PASSED;
    }

    if (before->verdict != after->verdict) {
        return DEBAR_PREVIEW_OTHERWISE;
    }

    if (p->in_force == NULL || after->verdict == DEBAR_PASS
        || (before->entry == DEBAR_NONE && after->entry == DEBAR_NONE))
    {
        return -1;
    }

    if (before->entry == DEBAR_NONE || after->entry == DEBAR_NONE) {
        return DEBAR_PREVIEW_OTHERWISE;
    }

    a = debar_list_entry_id(p->in_force, before->entry);
    b = debar_list_entry_id(p->candidate, after->entry);

    return a.len == b.len && memcmp(a.data, b.data, a.len) == 0
           ? -1 : DEBAR_PREVIEW_OTHERWISE;
}


static const char *
debar_preview_title(const debar_preview_t *p, unsigned class)
{
    return p->in_force ? debar_preview_words[class].title
                       : debar_preview_words[class].title_alone;
}


static const char *
debar_preview_when(int64_t t, char out[32])
{
    time_t     when;
    struct tm  tm;

    when = (time_t) t;
    gmtime_r(&when, &tm);
    strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);

    return out;
}


/* --- words --------------------------------------------------------------- */

/* Controls of a log are shown: it was written by strangers. */

static void
debar_preview_put(debar_buf_t *b, const char *text)
{
    const unsigned char  *s = (const unsigned char *) text;

    for ( /* void */ ; *s; s++) {
        if (*s < 0x20 || *s == 0x7f) {
            debar_buf_printf(b, "\\x%02x", *s);

        } else if (*s == 0xc2 && s[1] >= 0x80 && s[1] < 0xa0) {
            debar_buf_printf(b, "\\x%02x", *++s);

        } else {
            debar_buf_add(b, s, 1);
        }
    }
}


static void
debar_preview_list_words(debar_buf_t *b, const char *what, debar_list_t *list)
{
    const debar_snapshot_meta_t  *m;

    m = debar_list_meta(list);
    debar_buf_printf(b, "%s  serial %llu, %.*s, digest %.16s...\n", what,
                     (unsigned long long) m->serial, (int) m->title.len,
                     m->title.data, m->digest);
}


static void
debar_preview_head_words(debar_buf_t *b, const debar_preview_t *p)
{
    char      from[32], to[32];
    uint64_t  i;

    if (p->in_force) {
        debar_preview_list_words(b, "In force ", p->in_force);
    }

    debar_preview_list_words(b, "Candidate", p->candidate);
    debar_buf_printf(b, "Traffic    %llu requests of %llu lines",
                     (unsigned long long) p->requests,
                     (unsigned long long) p->lines);

    if (p->first >= 0) {
        debar_buf_printf(b, ", %s to %s", debar_preview_when(p->first, from),
                         debar_preview_when(p->last, to));
    }

    debar_buf_printf(b, "\n");

    if (p->unread) {
        debar_buf_printf(b, "Not read   %llu line%s:\n",
                         (unsigned long long) p->unread,
                         p->unread == 1 ? "" : "s");

        for (i = 0; i < p->unread && i < DEBAR_PREVIEW_UNREAD; i++) {
            debar_buf_printf(b, "           ");
            debar_preview_put(b, p->unreadable[i].place);
            debar_buf_printf(b, ": %s\n", p->unreadable[i].why);
        }
    }

    if (p->unseen) {
        debar_buf_printf(b, "Not seen   %llu verdict%s of the audit log that "
                         "the list in force does not give by the line alone "
                         "(another list, a body, an answer)\n",
                         (unsigned long long) p->unseen,
                         p->unseen == 1 ? "" : "s");
    }
}


void
debar_preview_text(debar_buf_t *b, debar_preview_t *p, size_t top)
{
    size_t                          i, n;
    unsigned                        c, k;
    debar_tally_t                  *t;
    debar_preview_changes_t        *ch;
    const debar_preview_example_t  *ex;

    debar_preview_head_words(b, p);

    for (c = 0; c < DEBAR_PREVIEW_CLASSES; c++) {
        ch = &p->changes[c];

        if (c == DEBAR_PREVIEW_PASSED && p->in_force == NULL) {
            continue;
        }

        debar_buf_printf(b, "\n%s: %llu request%s\n",
                         debar_preview_title(p, c),
                         (unsigned long long) ch->count,
                         ch->count == 1 ? "" : "s");

        for (k = 0; ch->count && k < DEBAR_PREVIEW_BY; k++) {
            t = &ch->by[k];
            n = debar_tally_sort(t);
            debar_buf_printf(b, "  by %-6s ", debar_preview_by[k]);

            for (i = 0; i < n && i < top; i++) {
                debar_buf_printf(b, "%s", i ? ", " : "");
                debar_preview_put(b, t->slots[i].name);
                debar_buf_printf(b, " %llu",
                                 (unsigned long long) t->slots[i].count);
            }

            if (n > top || t->others) {
                debar_buf_printf(b, ", and %zu%s more", n > top ? n - top : 0,
                                 t->others ? " or" : "");
            }

            debar_buf_printf(b, "\n");
        }

        for (i = 0; i < ch->nexamples; i++) {
            ex = &ch->examples[i];
            debar_buf_printf(b, "  e.g. %s%s", ex->time, *ex->time ? " " : "");
            debar_preview_put(b, ex->who);
            debar_buf_printf(b, " ");
            debar_preview_put(b, ex->request);
            debar_buf_printf(b, "\n       %s -> %s, ", ex->before, ex->after);
            debar_preview_put(b, ex->why);
            debar_buf_printf(b, "\n");
        }
    }
}


/* --- JSON ---------------------------------------------------------------- */

static void
debar_preview_list_json(debar_buf_t *b, const char *key, debar_list_t *list)
{
    const debar_snapshot_meta_t  *m;

    if (list == NULL) {
        return;
    }

    m = debar_list_meta(list);
    debar_buf_printf(b, ",\"%s\":{\"serial\":%llu,\"digest\":\"%s\",\"title\":",
                     key, (unsigned long long) m->serial, m->digest);
    debar_buf_json(b, m->title.data, m->title.len);
    debar_buf_printf(b, "}");
}


static void
debar_preview_text_json(debar_buf_t *b, const char *key, const char *text)
{
    debar_buf_printf(b, ",\"%s\":", key);
    debar_buf_json(b, text, strlen(text));
}


static void
debar_preview_by_json(debar_buf_t *b, debar_tally_t *t, const char *name,
    size_t top)
{
    size_t  i, n;

    n = debar_tally_sort(t);
    debar_buf_printf(b, ",\"by_%s\":[", name);

    for (i = 0; i < n && i < top; i++) {
        debar_buf_printf(b, "%s{\"name\":", i ? "," : "");
        debar_buf_json(b, t->slots[i].name, strlen(t->slots[i].name));
        debar_buf_printf(b, ",\"count\":%llu}",
                         (unsigned long long) t->slots[i].count);
    }

    debar_buf_printf(b, "],\"%ss\":%zu", *name == 'e' ? "entrie" : name, n);
}


static void
debar_preview_changes_json(debar_buf_t *b, debar_preview_changes_t *ch,
    size_t top)
{
    size_t                          i;
    unsigned                        k;
    const debar_preview_example_t  *ex;

    debar_buf_printf(b, "{\"count\":%llu", (unsigned long long) ch->count);

    for (k = 0; k < DEBAR_PREVIEW_BY; k++) {
        debar_preview_by_json(b, &ch->by[k], debar_preview_by[k], top);
    }

    debar_buf_printf(b, ",\"examples\":[");

    for (i = 0; i < ch->nexamples; i++) {
        ex = &ch->examples[i];
        debar_buf_printf(b, "%s{\"before\":\"%s\",\"after\":\"%s\"",
                         i ? "," : "", ex->before, ex->after);

        if (*ex->time) {
            debar_preview_text_json(b, "time", ex->time);
        }

        debar_preview_text_json(b, "who", ex->who);
        debar_preview_text_json(b, "request", ex->request);
        debar_preview_text_json(b, "why", ex->why);
        debar_buf_printf(b, "}");
    }

    debar_buf_printf(b, "]}");
}


void
debar_preview_json(debar_buf_t *b, debar_preview_t *p, size_t top)
{
    char         when[32];
    unsigned     c;
    uint64_t     i;
    debar_buf_t  text;

    debar_buf_printf(b, "{\"format\":\"debar-preview-1\"");
    debar_preview_list_json(b, "in_force", p->in_force);
    debar_preview_list_json(b, "candidate", p->candidate);
    debar_buf_printf(b, ",\"lines\":%llu,\"requests\":%llu,\"skipped\":%llu,"
                     "\"not_seen\":%llu", (unsigned long long) p->lines,
                     (unsigned long long) p->requests,
                     (unsigned long long) p->skipped,
                     (unsigned long long) p->unseen);

    if (p->first >= 0) {
        debar_preview_text_json(b, "from", debar_preview_when(p->first, when));
        debar_preview_text_json(b, "to", debar_preview_when(p->last, when));
    }

    debar_buf_printf(b, ",\"not_read\":{\"count\":%llu,\"first\":[",
                     (unsigned long long) p->unread);

    for (i = 0; i < p->unread && i < DEBAR_PREVIEW_UNREAD; i++) {
        debar_buf_printf(b, "%s{\"place\":", i ? "," : "");
        debar_buf_json(b, p->unreadable[i].place,
                       strlen(p->unreadable[i].place));
        debar_preview_text_json(b, "why", p->unreadable[i].why);
        debar_buf_printf(b, "}");
    }

    debar_buf_printf(b, "]}");

    for (c = 0; c < DEBAR_PREVIEW_CLASSES; c++) {
        debar_buf_printf(b, ",\"%s\":", debar_preview_words[c].name);
        debar_preview_changes_json(b, &p->changes[c], top);
    }

    memset(&text, 0, sizeof(text));
    debar_preview_text(&text, p, DEBAR_PREVIEW_TOP);
    debar_lines_json(b, &text, DEBAR_DIFF_WORDS);
    debar_buf_free(&text);
    debar_buf_printf(b, "}\n");
}


/* --- a page -------------------------------------------------------------- */

static void
debar_preview_cell(debar_buf_t *b, const char *text)
{
    debar_buf_printf(b, "<td>");
    debar_html_text(b, text, strlen(text));
    debar_buf_printf(b, "</td>");
}


static void
debar_preview_table(debar_buf_t *b, debar_tally_t *t, const char *by,
    size_t top)
{
    size_t  i, n;

    n = debar_tally_sort(t);
    debar_buf_printf(b, "<table><caption>By %s, %zu in all</caption><thead><tr>"
                     "<th scope=\"col\">%s</th><th scope=\"col\">requests</th>"
                     "</tr></thead><tbody>\n", by, n, by);

    for (i = 0; i < n && i < top; i++) {
        debar_buf_printf(b, "<tr>");
        debar_preview_cell(b, t->slots[i].name);
        debar_buf_printf(b, "<td>%llu</td></tr>\n",
                         (unsigned long long) t->slots[i].count);
    }

    debar_buf_printf(b, "</tbody></table>\n");
}


static void
debar_preview_examples(debar_buf_t *b, const debar_preview_changes_t *ch)
{
    size_t                          i;
    const debar_preview_example_t  *ex;

    debar_buf_printf(b, "<table><caption>The first of them</caption><thead><tr>"
                     "<th scope=\"col\">when</th><th scope=\"col\">who</th>"
                     "<th scope=\"col\">request</th><th scope=\"col\">was</th>"
                     "<th scope=\"col\">is</th><th scope=\"col\">why</th></tr>"
                     "</thead><tbody>\n");

    for (i = 0; i < ch->nexamples; i++) {
        ex = &ch->examples[i];
        debar_buf_printf(b, "<tr>");
        debar_preview_cell(b, ex->time);
        debar_preview_cell(b, ex->who);
        debar_preview_cell(b, ex->request);
        debar_preview_cell(b, ex->before);
        debar_preview_cell(b, ex->after);
        debar_preview_cell(b, ex->why);
        debar_buf_printf(b, "</tr>\n");
    }

    debar_buf_printf(b, "</tbody></table>\n");
}


void
debar_preview_html(debar_buf_t *b, debar_preview_t *p, size_t top)
{
    unsigned                  c, k;
    debar_buf_t               head;
    debar_preview_changes_t  *ch;

    memset(&head, 0, sizeof(head));
    debar_preview_head_words(&head, p);

    debar_buf_printf(b, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
        "<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
        "content=\"width=device-width, initial-scale=1\">\n"
        "<title>What a list would do to recorded traffic</title>\n<style>\n"
        "body{font:1rem/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem "
        "auto;padding:0 1rem;color:#111;background:#fff}\n"
        "table{border-collapse:collapse;margin:1rem 0}caption{text-align:left;"
        "font-weight:bold}th,td{border:1px solid #767676;padding:.3rem .6rem;"
        "text-align:left;overflow-wrap:anywhere}pre{white-space:pre-wrap}\n"
        "@media print{body{margin:0;max-width:none}h2{break-after:avoid}"
        "tr{break-inside:avoid}}\n</style>\n</head>\n<body>\n<main>\n"
        "<h1>What a list would do to recorded traffic</h1>\n<pre>");

    for (c = 0; c < head.len; c++) {
        if (head.data[c] == '\n') {
            debar_buf_add(b, "\n", 1);

        } else {
            debar_html_text(b, &head.data[c], 1);
        }
    }

    debar_buf_printf(b, "</pre>\n");
    debar_buf_free(&head);

    for (c = 0; c < DEBAR_PREVIEW_CLASSES; c++) {
        ch = &p->changes[c];

        if (c == DEBAR_PREVIEW_PASSED && p->in_force == NULL) {
            continue;
        }

        debar_buf_printf(b, "<section>\n<h2>%s: %llu</h2>\n",
                         debar_preview_title(p, c),
                         (unsigned long long) ch->count);

        for (k = 0; ch->count && k < DEBAR_PREVIEW_BY; k++) {
            debar_preview_table(b, &ch->by[k], debar_preview_by[k], top);
        }

        if (ch->count) {
            debar_preview_examples(b, ch);
        }

        debar_buf_printf(b, "</section>\n");
    }

    debar_buf_printf(b, "</main>\n</body>\n</html>\n");
}
