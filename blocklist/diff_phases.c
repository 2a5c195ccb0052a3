/*
 * Authorities of two lists: from when on what is blocked, in words.
 */

#include "diff_private.h"

#include <stdio.h>
#include <stdlib.h>

#include <unicode/ucal.h>


/* What an activity gets from a moment on, in both lists. */

typedef struct {
    int64_t    from;
    uint8_t    action[2];
} debar_step_t;


void
debar_day_text(char out[DEBAR_DAY_TEXT], const char *timezone, int64_t when)
{
    size_t      n;
    UChar       zone[128];
    int32_t     y, m, d, h, mi, s;
    UCalendar  *cal;
    UErrorCode  err;

    err = U_ZERO_ERROR;
    n = strlen(timezone);
    n = n < 127 ? n : 127;
    u_charsToUChars(timezone, zone, (int32_t) n);
    zone[n] = 0;

    cal = ucal_open(zone, (int32_t) n, "en_US", UCAL_GREGORIAN, &err);

    if (U_FAILURE(err)) {
        (void) snprintf(out, DEBAR_DAY_TEXT, "@%lld", (long long) when);
        return;
    }

    ucal_setMillis(cal, (double) when * 1000, &err);
    y = ucal_get(cal, UCAL_YEAR, &err);
    m = ucal_get(cal, UCAL_MONTH, &err) + 1;
    d = ucal_get(cal, UCAL_DATE, &err);
    h = ucal_get(cal, UCAL_HOUR_OF_DAY, &err);
    mi = ucal_get(cal, UCAL_MINUTE, &err);
    s = ucal_get(cal, UCAL_SECOND, &err);
    ucal_close(cal);

    if (U_FAILURE(err)) {
        (void) snprintf(out, DEBAR_DAY_TEXT, "@%lld", (long long) when);

    } else if (h == 0 && mi == 0 && s == 0) {
        (void) snprintf(out, DEBAR_DAY_TEXT, "%04d-%02d-%02d", y, m, d);

    } else {
        (void) snprintf(out, DEBAR_DAY_TEXT, "%04d-%02d-%02d %02d:%02d:%02d",
                        y, m, d, h, mi, s);
    }
}


static void
debar_authority_day(debar_differ_t *df, unsigned side, int64_t when,
    debar_buf_t *b)
{
    char  zone[128], day[DEBAR_DAY_TEXT];

    (void) snprintf(zone, sizeof(zone), "%.*s",
                    (int) df->s[side]->timezone.len,
                    df->s[side]->timezone.data);
    debar_day_text(day, zone, when);
    debar_buf_printf(b, "%s", day);
}


void
debar_diff_authority_key(debar_differ_t *df, unsigned side,
    const void *record, debar_buf_t *b)
{
    debar_str_t               id;
    const debar_authority_t  *a = record;

    id = debar_ref_str(df->strings[side], a->id);
    debar_buf_add(b, id.data, id.len);
}


static const char *
debar_action_words(unsigned action)
{
    switch (action) {
    case DEBAR_BLOCK:
        return "blocks";
    case DEBAR_LOG:
        return "records";
    default:
        return "lets through";
    }
}


static const char *
debar_activity_words(unsigned activity)
{
    static const char *const  words[] = {
        "browsing", "updates", "downloads", "purchases"
    };

    return words[activity];
}


/* The title is what people know it by: "FAR 52.204-23, ..."; or the id. */

static void
debar_authority_named(debar_differ_t *df, unsigned side,
    const debar_authority_t *a, debar_buf_t *b)
{
    debar_str_t  id, title;

    id = debar_ref_str(df->strings[side], a->id);
    title = debar_ref_str(df->strings[side], a->title);

    debar_buf_add(b, id.data, id.len);

    if (title.len) {
        debar_buf_printf(b, " (%.*s)", (int) title.len, title.data);
    }
}


static void
debar_authority_tell(debar_differ_t *df, unsigned effect, unsigned how,
    unsigned what, debar_buf_t *b)
{
    debar_diff_add(df, effect, how, what, DEBAR_NONE,
                   debar_str(b->data, b->len), debar_str("", 0));
    debar_buf_free(b);
}


/* Every moment at which either list changes an activity's action. */

static size_t
debar_steps(debar_differ_t *df, const debar_authority_t *x,
    const debar_authority_t *y, unsigned activity, debar_step_t *steps)
{
    size_t                i, k, n;
    debar_step_t          at;
    const debar_phase_t  *p, *q;

    p = (const debar_phase_t *) df->view[0]->data[DEBAR_T_PHASES] + x->phase;
    q = (const debar_phase_t *) df->view[1]->data[DEBAR_T_PHASES] + y->phase;
    memset(&at, 0, sizeof(debar_step_t));

    for (n = 0, i = 0, k = 0; i < x->nphases || k < y->nphases; /* void */ ) {
        at.from = i == x->nphases ? q[k].from : k == y->nphases ? p[i].from
                  : p[i].from < q[k].from ? p[i].from : q[k].from;

        while (i < x->nphases && p[i].from <= at.from) {
            at.action[0] = p[i++].action[activity];
        }

        while (k < y->nphases && q[k].from <= at.from) {
            at.action[1] = q[k++].action[activity];
        }

        if (n == 0 ? at.action[0] || at.action[1]
                   : memcmp(at.action, steps[n - 1].action, 2) != 0)
        {
            steps[n++] = at;
        }
    }

    return n;
}


/* "FAR ... now blocks updates from 2026-12-01 (records them before)" */

static void
debar_phase_tell(debar_differ_t *df, const debar_authority_t *y,
    const char *activities, const debar_step_t *at, const debar_step_t *next)
{
    debar_buf_t  b;

    memset(&b, 0, sizeof(debar_buf_t));
    debar_authority_named(df, 1, y, &b);
    debar_buf_printf(&b, " now %s %s from ", debar_action_words(at->action[1]),
                     activities);
    debar_authority_day(df, 1, at->from, &b);

    if (next) {
        debar_buf_printf(&b, " until ");
        debar_authority_day(df, 1, next->from, &b);
    }

    debar_buf_printf(&b, ", which %s until now",
                     at->action[0] == DEBAR_BLOCK ? "were blocked"
                     : at->action[0] == DEBAR_LOG ? "were recorded"
                     : "were let through");

    debar_authority_tell(df, at->action[1] < at->action[0]
                             ? DEBAR_EFFECT_LOOSER : DEBAR_EFFECT_STRICTER,
                         DEBAR_DIFF_CHANGED, DEBAR_DIFF_PHASE, &b);
}


/* Activities that change alike are told in one sentence. */

static void
debar_phases_diff(debar_differ_t *df, const debar_authority_t *x,
    const debar_authority_t *y)
{
    char           words[128];
    size_t         i, k, n[DEBAR_ACTIVITIES], len;
    unsigned       a, c;
    uint8_t       *told[DEBAR_ACTIVITIES];
    debar_step_t  *steps[DEBAR_ACTIVITIES], *s, *t;

    for (a = 0; a < DEBAR_ACTIVITIES; a++) {
        steps[a] = debar_diff_alloc(x->nphases + y->nphases,
                                    sizeof(debar_step_t));
        told[a] = debar_diff_alloc(x->nphases + y->nphases, 1);
        n[a] = debar_steps(df, x, y, a, steps[a]);
    }

    for (a = 0; a < DEBAR_ACTIVITIES; a++) {
        for (i = 0; i < n[a]; i++) {
            s = &steps[a][i];

            if (s->action[0] == s->action[1] || told[a][i]) {
                continue;
            }

            len = (size_t) snprintf(words, sizeof(words), "%s",
                                    debar_activity_words(a));

            for (c = a + 1; c < DEBAR_ACTIVITIES; c++) {
                for (k = 0; k < n[c] && steps[c][k].from < s->from; k++) {
                    /* void */
                }

                if (k == n[c]) {
                    continue;
                }

                t = &steps[c][k];

                if (t->from == s->from && !memcmp(t->action, s->action, 2)
                    && (i + 1 < n[a]) == (k + 1 < n[c])
                    && (i + 1 == n[a] || s[1].from == t[1].from))
                {
                    told[c][k] = 1;
                    len += (size_t) snprintf(words + len, sizeof(words) - len,
                                             ", %s", debar_activity_words(c));
                }
            }

            debar_phase_tell(df, y, words, s, i + 1 < n[a] ? s + 1 : NULL);
        }
    }

    for (a = 0; a < DEBAR_ACTIVITIES; a++) {
        free(steps[a]);
        free(told[a]);
    }
}


static void
debar_authority_labels(debar_differ_t *df, const debar_authority_t *x,
    const debar_authority_t *y)
{
    debar_buf_t  b;
    debar_str_t  t[2], u[2];

    t[0] = debar_ref_str(df->strings[0], x->title);
    t[1] = debar_ref_str(df->strings[1], y->title);
    u[0] = debar_ref_str(df->strings[0], x->url);
    u[1] = debar_ref_str(df->strings[1], y->url);
    memset(&b, 0, sizeof(debar_buf_t));

    if (t[0].len != t[1].len || memcmp(t[0].data, t[1].data, t[0].len) != 0) {
        debar_authority_named(df, 0, x, &b);
        debar_buf_printf(&b, " is now titled %.*s", (int) t[1].len, t[1].data);
        debar_authority_tell(df, DEBAR_EFFECT_NONE, DEBAR_DIFF_CHANGED,
                             DEBAR_DIFF_AUTHORITY, &b);
    }

    if (u[0].len != u[1].len || memcmp(u[0].data, u[1].data, u[0].len) != 0) {
        debar_authority_named(df, 1, y, &b);
        debar_buf_printf(&b, " is now to be read at %.*s", (int) u[1].len,
                         u[1].data);
        debar_authority_tell(df, DEBAR_EFFECT_NONE, DEBAR_DIFF_CHANGED,
                             DEBAR_DIFF_AUTHORITY, &b);
    }
}


void
debar_diff_authority(debar_differ_t *df, const void *old, const void *now)
{
    unsigned                  side;
    debar_buf_t               b;
    const debar_authority_t  *x = old, *y = now;

    memset(&b, 0, sizeof(debar_buf_t));

    if (old && now) {
        if (x->in_force != y->in_force) {
            debar_authority_named(df, 1, y, &b);
            debar_buf_printf(&b, y->in_force ? " is now in force"
                                             : " is no longer in force");
            debar_authority_tell(df, y->in_force ? DEBAR_EFFECT_STRICTER
                                                 : DEBAR_EFFECT_LOOSER,
                                 DEBAR_DIFF_CHANGED, DEBAR_DIFF_AUTHORITY, &b);
        }

        debar_authority_labels(df, x, y);
        debar_phases_diff(df, x, y);

        return;
    }

    side = old == NULL;
    debar_buf_printf(&b, "authority ");
    debar_authority_named(df, side, side ? y : x, &b);
    debar_buf_printf(&b, side ? " added" : " removed");
    debar_authority_tell(df, side ? DEBAR_EFFECT_STRICTER : DEBAR_EFFECT_LOOSER,
                         side ? DEBAR_DIFF_ADDED : DEBAR_DIFF_REMOVED,
                         DEBAR_DIFF_AUTHORITY, &b);
}
