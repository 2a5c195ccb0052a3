/*
 * What is to come by what a list says.
 */

#include "due.h"
#include "diff_private.h"

#include <stdio.h>
#include <stdlib.h>

#include <unicode/ucal.h>


#define DEBAR_DUE_SHOWN  5        /* members of a list in a sentence */


/* --- the list ------------------------------------------------------------- */

void
debar_due_source(debar_due_t *d, const debar_source_t *src)
{
    size_t  i;

    memset(d, 0, sizeof(debar_due_t));
    (void) snprintf(d->timezone, sizeof(d->timezone), "%s",
                    src->timezone ? src->timezone : "UTC");
    d->serial = src->serial;
    d->expires = src->expires;

    for (i = 0; i < DEBAR_TABLES; i++) {
        d->tables[i] = src->tables[i].data;
        d->records[i] = src->tables[i].n;
    }
}


void
debar_due_snapshot(debar_due_t *d, const debar_snapshot_t *s)
{
    size_t  i;

    memset(d, 0, sizeof(debar_due_t));
    (void) snprintf(d->timezone, sizeof(d->timezone), "%.*s",
                    (int) s->timezone.len, s->timezone.data);
    d->serial = s->meta.serial;
    d->expires = s->meta.expires;

    for (i = 0; i < DEBAR_TABLES; i++) {
        d->tables[i] = s->view.data[i];
        d->records[i] = s->view.n[i];
    }
}


static debar_str_t
debar_due_str(const debar_due_t *d, debar_ref_t ref)
{
    return debar_ref_str(d->tables[DEBAR_T_STRINGS], ref);
}


/* --- days ----------------------------------------------------------------- */

int
debar_due_day(const char *timezone, const char *date, unsigned days,
    int64_t *when)
{
    int         y, m, d, n;
    size_t      len;
    UDate       ms;
    UChar       zone[128];
    UCalendar  *cal;
    UErrorCode  err;

    n = 0;

    if (strlen(date) != 10 || strspn(date, "0123456789-") != 10
        || sscanf(date, "%4d-%2d-%2d%n", &y, &m, &d, &n) != 3 || n != 10
        || y < 1900 || m < 1 || d < 1)
    {
        return DEBAR_ERROR;
    }

    err = U_ZERO_ERROR;
    len = strnlen(timezone, 127);
    u_charsToUChars(timezone, zone, (int32_t) len);

    cal = ucal_open(zone, (int32_t) len, "en_US", UCAL_GREGORIAN, &err);

    if (U_FAILURE(err)) {
        return DEBAR_ERROR;
    }

    /* the 30th of February is no day; a day after the 28th is one */

    ucal_setAttribute(cal, UCAL_LENIENT, 0);
    ucal_clear(cal);
    ucal_setDateTime(cal, y, m - 1, d, 0, 0, 0, &err);
    (void) ucal_getMillis(cal, &err);

    ucal_setAttribute(cal, UCAL_LENIENT, 1);
    ucal_add(cal, UCAL_DATE, (int32_t) days, &err);
    ms = ucal_getMillis(cal, &err);
    ucal_close(cal);

    if (U_FAILURE(err)) {
        return DEBAR_ERROR;
    }

    *when = (int64_t) (ms / 1000);

    return DEBAR_OK;
}


/* What ends at midnight ended on the day before, as the source has it. */

static void
debar_due_last(const debar_due_t *d, int64_t until, char day[DEBAR_DAY_TEXT])
{
    debar_day_text(day, d->timezone, until);

    if (strlen(day) == sizeof("2026-12-31") - 1) {
        debar_day_text(day, d->timezone, until - 1);
        day[sizeof("2026-12-31") - 1] = '\0';
    }
}


/* --- events --------------------------------------------------------------- */

static char *
debar_due_copy(const char *data, size_t len)
{
    char  *p;

    p = malloc(len + 1);
    if (p == NULL) {
        abort();
    }

    memcpy(p, len ? data : "", len);
    p[len] = '\0';

    return p;
}


/* text is freed.  NULL: there are enough of them. */

static debar_due_event_t *
debar_due_add(debar_due_t *d, unsigned what, unsigned how, int64_t when,
    debar_buf_t *text)
{
    debar_due_event_t  *e;

    if (d->n == DEBAR_DUE_KEEP) {
        d->more++;
        debar_buf_free(text);
        return NULL;
    }

    if (d->n == d->size) {
        d->size = d->size ? d->size * 2 : 16;
        d->events = realloc(d->events, d->size * sizeof(debar_due_event_t));

        if (d->events == NULL) {
            abort();
        }
    }

    e = &d->events[d->n];
    memset(e, 0, sizeof(debar_due_event_t));
    e->what = (uint8_t) what;
    e->how = (uint8_t) how;
    e->when = when;
    e->order = (uint32_t) d->n++;
    e->text = debar_due_copy(text->data, text->len);
    debar_day_text(e->day, d->timezone, when);
    debar_buf_free(text);

    return e;
}


/* --- the list's own expiry ------------------------------------------------ */

static void
debar_due_expiry(debar_due_t *d, int64_t from, int64_t to)
{
    debar_buf_t         b;
    debar_due_event_t  *e;

    if (d->expires == 0 || d->expires >= to) {
        return;
    }

    memset(&b, 0, sizeof(debar_buf_t));
    debar_buf_printf(&b, "the list %s: gateways do as their debar_expired says "
                     "until there is a new one",
                     d->expires < from ? "has expired" : "expires");

    e = debar_due_add(d, DEBAR_DUE_LIST, DEBAR_DUE_ENDS, d->expires, &b);

    if (e) {
        e->over = d->expires < from;
    }
}


/* --- phases --------------------------------------------------------------- */

/* "browsing, updates": activities that go from one action to another. */

static int
debar_due_activities(debar_buf_t *b, const uint8_t *was, const uint8_t *is,
    unsigned old, unsigned now)
{
    int       n;
    unsigned  a;

    static const char *const  words[] = {
        "browsing", "updates", "downloads", "purchases"
    };

    for (n = 0, a = 0; a < DEBAR_ACTIVITIES; a++) {
        if (was[a] == old && is[a] == now) {
            debar_buf_printf(b, "%s%s", n++ ? ", " : "", words[a]);
        }
    }

    return n;
}


static void
debar_due_phase_tell(debar_due_t *d, const debar_authority_t *a, int64_t when,
    const char *activities, unsigned old, unsigned now)
{
    unsigned            how;
    debar_buf_t         b;
    debar_str_t         id, title;
    debar_due_event_t  *e;

    static const char *const  begins[] = {
        [DEBAR_PASS] = "let through", [DEBAR_LOG] = "record",
        [DEBAR_BLOCK] = "block"
    };
    static const char *const  were[] = {
        [DEBAR_PASS] = "let through", [DEBAR_LOG] = "recorded",
        [DEBAR_BLOCK] = "blocked"
    };

    id = debar_due_str(d, a->id);
    title = debar_due_str(d, a->title);
    memset(&b, 0, sizeof(debar_buf_t));

    debar_diff_put(&b, id);

    if (title.len) {
        debar_buf_printf(&b, " (");
        debar_diff_put(&b, title);
        debar_buf_printf(&b, ")");
    }

    if (now > old) {
        debar_buf_printf(&b, " begins to %s %s (%s until then)",
                         begins[now], activities, were[old]);
    } else {
        debar_buf_printf(&b, " ceases to %s %s (%s from then on)",
                         begins[old], activities, were[now]);
    }

    how = now == DEBAR_PASS ? DEBAR_DUE_ENDS : old == DEBAR_PASS
          ? DEBAR_DUE_BEGINS : DEBAR_DUE_CHANGES;

    e = debar_due_add(d, DEBAR_DUE_PHASE, how, when, &b);

    if (e) {
        e->id = debar_due_copy(id.data, id.len);
    }
}


static void
debar_due_phase(debar_due_t *d, const debar_authority_t *a,
    const uint8_t *was, const debar_phase_t *p)
{
    size_t       i, k;
    debar_buf_t  b;

    static const unsigned  actions[] = { DEBAR_PASS, DEBAR_LOG, DEBAR_BLOCK };

    memset(&b, 0, sizeof(debar_buf_t));

    for (i = 0; i < 3; i++) {
        for (k = 0; k < 3; k++) {
            b.len = 0;

            if (i != k && debar_due_activities(&b, was, p->action, actions[i],
                                               actions[k]))
            {
                debar_buf_add(&b, "", 1);
                debar_due_phase_tell(d, a, p->from, b.data, actions[i],
                                     actions[k]);
            }
        }
    }

    debar_buf_free(&b);
}


static void
debar_due_phases(debar_due_t *d, int64_t from, int64_t to)
{
    size_t                    i;
    uint32_t                  k;
    const uint8_t            *was;
    const debar_phase_t      *p;
    const debar_authority_t  *a = d->tables[DEBAR_T_AUTHORITIES];

    static const uint8_t  nothing[DEBAR_ACTIVITIES];

    for (i = 0; i < d->records[DEBAR_T_AUTHORITIES]; i++) {
        if (!a[i].in_force) {
            continue;
        }

        p = (const debar_phase_t *) d->tables[DEBAR_T_PHASES] + a[i].phase;

        for (k = 0, was = nothing; k < a[i].nphases; was = p[k++].action) {
            if (p[k].from >= from && p[k].from < to) {
                debar_due_phase(d, &a[i], was, &p[k]);
            }
        }
    }
}


/* --- waivers -------------------------------------------------------------- */

static int
debar_due_same(const debar_due_t *d, const debar_waiver_t *x,
    const debar_waiver_t *y)
{
    return x->entry == y->entry
           && debar_diff_equal(debar_due_str(d, x->id),
                               debar_due_str(d, y->id));
}


/* "waiver W-17 of user anna for acme cloud, mail"; n records of products */

static void
debar_due_waiver_words(const debar_due_t *d, const debar_waiver_t *w, size_t n,
    debar_buf_t *b)
{
    size_t                  i;
    debar_buf_t             scope;
    debar_view_t            view;
    const debar_entry_t    *entry = d->tables[DEBAR_T_ENTRIES];
    const debar_product_t  *product = d->tables[DEBAR_T_PRODUCTS];

    memcpy(view.data, d->tables, sizeof(view.data));
    memcpy(view.n, d->records, sizeof(view.n));
    memset(&scope, 0, sizeof(debar_buf_t));
    debar_scope_words(&view, w, &scope);

    debar_buf_printf(b, "waiver ");
    debar_diff_put(b, debar_due_str(d, w->id));
    debar_buf_printf(b, " of ");
    debar_diff_put(b, debar_str(scope.data, scope.len));
    debar_buf_printf(b, " for ");
    debar_diff_put(b, debar_due_str(d, entry[w->entry].id));

    for (i = 0; i < n && i < DEBAR_DUE_SHOWN; i++) {
        if (w[i].product != DEBAR_NONE) {
            debar_buf_printf(b, i ? ", " : " ");
            debar_diff_put(b, debar_due_str(d, product[w[i].product].id));
        }
    }

    if (n > DEBAR_DUE_SHOWN) {
        debar_buf_printf(b, " and %zu more", n - DEBAR_DUE_SHOWN);
    }

    debar_buf_free(&scope);
}


static void
debar_due_waiver(debar_due_t *d, const debar_waiver_t *w, size_t n,
    unsigned how)
{
    char                 last[DEBAR_DAY_TEXT];
    debar_buf_t          b;
    debar_str_t          s;
    debar_due_event_t   *e;
    const debar_entry_t *entry = d->tables[DEBAR_T_ENTRIES];

    memset(&b, 0, sizeof(debar_buf_t));
    debar_due_last(d, w->until, last);
    debar_due_waiver_words(d, w, n, &b);

    if (how == DEBAR_DUE_BEGINS) {
        debar_buf_printf(&b, " begins; its last day is %s; approved by ", last);
    } else {
        debar_buf_printf(&b, " ends: this is its last day; approved by ");
    }

    debar_diff_put(&b, debar_due_str(d, w->approved_by));
    debar_buf_printf(&b, ": ");
    debar_diff_put(&b, debar_due_str(d, w->why));

    e = debar_due_add(d, DEBAR_DUE_WAIVER, how, how == DEBAR_DUE_BEGINS
                      ? w->from : w->until, &b);

    if (e == NULL) {
        return;
    }

    if (how == DEBAR_DUE_ENDS) {
        memcpy(e->day, last, sizeof(last));
    }

    s = debar_due_str(d, w->id);
    e->id = debar_due_copy(s.data, s.len);
    s = debar_due_str(d, entry[w->entry].id);
    e->vendor = debar_due_copy(s.data, s.len);
    s = debar_due_str(d, w->approved_by);
    e->approved_by = debar_due_copy(s.data, s.len);
    s = debar_due_str(d, w->why);
    e->why = debar_due_copy(s.data, s.len);
}


/* A waiver has a record for each of its products, one behind the other. */

static void
debar_due_waivers(debar_due_t *d, int64_t from, int64_t to)
{
    size_t                 i, n, all;
    const debar_waiver_t  *w = d->tables[DEBAR_T_WAIVERS];

    all = d->records[DEBAR_T_WAIVERS];

    for (i = 0; i < all; i += n) {
        for (n = 1; i + n < all && debar_due_same(d, &w[i], &w[i + n]); n++) {
            /* void */
        }

        if (w[i].from >= from && w[i].from < to) {
            debar_due_waiver(d, &w[i], n, DEBAR_DUE_BEGINS);
        }

        if (w[i].until >= from && w[i].until <= to) {
            debar_due_waiver(d, &w[i], n, DEBAR_DUE_ENDS);
        }
    }
}


/* --- permits -------------------------------------------------------------- */

static void
debar_due_permit(debar_due_t *d, const debar_permit_t *p, unsigned how)
{
    char                  last[DEBAR_DAY_TEXT];
    debar_buf_t           b;
    debar_str_t           s;
    debar_due_event_t    *e;
    const debar_entry_t  *entry = d->tables[DEBAR_T_ENTRIES];

    memset(&b, 0, sizeof(debar_buf_t));
    memset(last, 0, sizeof(last));

    s = debar_due_str(d, p->key);
    debar_buf_printf(&b, "permit for ");
    debar_key_words(&b, DEBAR_DB_URL, (const uint8_t *) s.data, s.len);
    debar_buf_printf(&b, " of ");
    debar_diff_put(&b, debar_due_str(d, entry[p->entry].id));

    if (p->until) {
        debar_due_last(d, p->until, last);
    }

    if (how == DEBAR_DUE_ENDS) {
        debar_buf_printf(&b, " ends: this is its last day: ");

    } else if (p->until) {
        debar_buf_printf(&b, " begins; its last day is %s: ", last);

    } else {
        debar_buf_printf(&b, " begins: ");
    }

    debar_diff_put(&b, debar_due_str(d, p->why));

    e = debar_due_add(d, DEBAR_DUE_PERMIT, how,
                      how == DEBAR_DUE_BEGINS ? p->from : p->until, &b);
    if (e == NULL) {
        return;
    }

    if (how == DEBAR_DUE_ENDS) {
        memcpy(e->day, last, sizeof(last));
    }

    s = debar_due_str(d, entry[p->entry].id);
    e->vendor = debar_due_copy(s.data, s.len);
    s = debar_due_str(d, p->why);
    e->why = debar_due_copy(s.data, s.len);
}


static void
debar_due_permits(debar_due_t *d, int64_t from, int64_t to)
{
    size_t                 i;
    const debar_permit_t  *p = d->tables[DEBAR_T_PERMITS];

    for (i = 0; i < d->records[DEBAR_T_PERMITS]; i++) {

        if (p[i].from && p[i].from >= from && p[i].from < to) {
            debar_due_permit(d, &p[i], DEBAR_DUE_BEGINS);
        }

        if (p[i].until && p[i].until >= from && p[i].until <= to) {
            debar_due_permit(d, &p[i], DEBAR_DUE_ENDS);
        }
    }
}


/* --- all of it ------------------------------------------------------------ */

static int
debar_due_cmp(const void *one, const void *two)
{
    const debar_due_event_t  *a = one, *b = two;

    if (a->when != b->when) {
        return a->when < b->when ? -1 : 1;
    }

    return a->order < b->order ? -1 : a->order > b->order;
}


void
debar_due_find(debar_due_t *d, int64_t from, int64_t to)
{
    debar_due_expiry(d, from, to);
    debar_due_phases(d, from, to);
    debar_due_waivers(d, from, to);
    debar_due_permits(d, from, to);

    if (d->n) {
        qsort(d->events, d->n, sizeof(debar_due_event_t), debar_due_cmp);
    }
}


void
debar_due_free(debar_due_t *d)
{
    size_t  i;

    for (i = 0; i < d->n; i++) {
        free(d->events[i].id);
        free(d->events[i].vendor);
        free(d->events[i].approved_by);
        free(d->events[i].why);
        free(d->events[i].text);
    }

    free(d->events);
    memset(d, 0, sizeof(debar_due_t));
}


const char *
debar_due_what_name(unsigned what)
{
    static const char *const  names[] = {
        "list", "phase", "waiver", "permit"
    };

    return what <= DEBAR_DUE_PERMIT ? names[what] : "?";
}


const char *
debar_due_how_name(unsigned how)
{
    static const char *const  names[] = { "begins", "changes", "ends" };

    return how <= DEBAR_DUE_ENDS ? names[how] : "?";
}


size_t
debar_due_ends(debar_buf_t *b, const debar_due_t *d)
{
    size_t                    i, n;
    const debar_due_event_t  *e;

    for (i = 0, n = 0; i < d->n; i++) {
        e = &d->events[i];

        if (e->how != DEBAR_DUE_ENDS || n++ >= DEBAR_DUE_SHOWN) {
            continue;
        }

        debar_buf_printf(b, "%s", n > 1 ? ", " : "");

        if (e->what == DEBAR_DUE_LIST) {
            debar_buf_printf(b, "the list (%s%s)", e->over ? "expired " : "",
                             e->day);
        } else if (e->what == DEBAR_DUE_PERMIT) {
            debar_buf_printf(b, "a permit of %s (%s)", e->vendor, e->day);

        } else {
            debar_buf_printf(b, "%s %s (%s)", e->what == DEBAR_DUE_WAIVER
                             ? "waiver" : "a phase of", e->id, e->day);
        }
    }

    if (n > DEBAR_DUE_SHOWN) {
        debar_buf_printf(b, " and %zu more", n - DEBAR_DUE_SHOWN);
    }

    return n;
}
