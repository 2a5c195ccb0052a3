/*
 * Permits and waivers of two lists: what lifts a block, for whom, until when.
 */

#include "diff_private.h"
#include "digest_private.h"

#include <stdio.h>


#define DEBAR_SCOPE_SHOWN  5      /* members of a list in a sentence */


static void debar_last_day(debar_differ_t *df, unsigned side, int64_t until,
    debar_buf_t *b);


/* --- permits ------------------------------------------------------------- */

void
debar_permit_key(debar_differ_t *df, unsigned side, const void *record,
    debar_buf_t *b)
{
    const debar_permit_t  *p = record;

    debar_diff_put(b, debar_diff_id(df, df->vendor[side][p->entry]));
    debar_buf_add(b, "", 1);
    debar_diff_put(b, debar_view_str(df, side, p->key));
    debar_buf_add(b, "", 1);
    debar_diff_put(b, debar_view_str(df, side, p->sha256));
    debar_buf_add(b, "", 1);
    debar_diff_put(b, debar_view_str(df, side, p->product));
}


/* "store.example/tool of acme", as a permit's URL. */

static void
debar_permit_words(debar_differ_t *df, unsigned side, const debar_permit_t *p,
    debar_buf_t *b)
{
    debar_str_t  key;

    key = debar_view_str(df, side, p->key);
    debar_buf_printf(b, "permit for ");
    debar_key_words(b, DEBAR_DB_URL, (const uint8_t *) key.data, key.len);

    if (p->subdomains) {
        debar_buf_printf(b, " and its subdomains");
    }

    debar_buf_printf(b, " of ");
    debar_diff_put(b, debar_diff_id(df, df->vendor[side][p->entry]));

    if (p->sha256.len) {
        debar_buf_printf(b, ", one file alone");
    }

    if (p->product.len) {
        debar_buf_printf(b, ", product ");
        debar_diff_put(b, debar_view_str(df, side, p->product));
    }

    if (p->from) {
        debar_buf_printf(b, ", from ");
        debar_diff_day(df, side, p->from, b);
    }

    if (p->until) {
        debar_buf_printf(b, ", until ");
        debar_last_day(df, side, p->until, b);
    }
}


static void
debar_permit_changed(debar_differ_t *df, const debar_permit_t *x,
    const debar_permit_t *y)
{
    unsigned     effect;
    uint64_t     a[2], b[2], more, less;
    debar_buf_t  text;

    (void) debar_diff_mask(df, 0, x->authorities, a);
    (void) debar_diff_mask(df, 1, y->authorities, b);
    more = (b[0] & ~a[0]) | (b[1] & ~a[1]) | (y->subdomains && !x->subdomains)
           | (y->from < x->from) | (y->until - 1 > x->until - 1);
    less = (a[0] & ~b[0]) | (a[1] & ~b[1]) | (x->subdomains && !y->subdomains)
           | (x->from < y->from) | (x->until - 1 > y->until - 1);

    if (!more && !less && debar_diff_equal(debar_view_str(df, 0, x->why),
                                           debar_view_str(df, 1, y->why)))
    {
        return;
    }

    effect = more && less ? DEBAR_EFFECT_OTHER : more ? DEBAR_EFFECT_LOOSER
             : less ? DEBAR_EFFECT_STRICTER : DEBAR_EFFECT_NONE;

    memset(&text, 0, sizeof(debar_buf_t));
    debar_permit_words(df, 1, y, &text);

    if (a[0] != b[0] || a[1] != b[1]) {
        debar_buf_printf(&text, " now holds under ");
        debar_diff_ids(&text, df, b);
        debar_buf_printf(&text, " (was ");
        debar_diff_ids(&text, df, a);
        debar_buf_printf(&text, ")");

    } else if (x->from != y->from || x->until != y->until) {
        debar_buf_printf(&text, x->from || x->until ? " (was another time)"
                                                    : " (was without an end)");

    } else if (effect != DEBAR_EFFECT_NONE) {
        debar_buf_printf(&text, y->subdomains ? " (was the host alone)"
                                              : " no longer holds below it");
    } else {
        debar_buf_printf(&text, " has another reason: ");
        debar_diff_put(&text, debar_view_str(df, 1, y->why));
    }

    debar_diff_tell(df, effect, DEBAR_DIFF_CHANGED, DEBAR_DIFF_PERMIT,
                    df->vendor[1][y->entry], &text);
}


void
debar_permit_diff(debar_differ_t *df, const void *old, const void *now)
{
    unsigned               side;
    debar_buf_t            b;
    const debar_permit_t  *p;

    if (old && now) {
        debar_permit_changed(df, old, now);
        return;
    }

    memset(&b, 0, sizeof(debar_buf_t));
    side = old == NULL;
    p = old ? old : now;

    debar_permit_words(df, side, p, &b);
    debar_buf_printf(&b, side ? " added" : " removed");

    if (p->why.len) {
        debar_buf_printf(&b, ": ");
        debar_diff_put(&b, debar_view_str(df, side, p->why));
    }

    debar_diff_tell(df, debar_diff_lifting(df, side,
                    df->vendor[side][p->entry]), side ? DEBAR_DIFF_ADDED :
                    DEBAR_DIFF_REMOVED, DEBAR_DIFF_PERMIT,
                    df->vendor[side][p->entry], &b);
}


/* --- waivers ------------------------------------------------------------- */

void
debar_waiver_key(debar_differ_t *df, unsigned side, const void *record,
    debar_buf_t *b)
{
    const debar_waiver_t  *w = record;

    debar_diff_put(b, debar_view_str(df, side, w->id));
    debar_buf_add(b, "", 1);
    debar_diff_put(b, debar_diff_id(df, df->vendor[side][w->entry]));
    debar_buf_add(b, "", 1);

    if (w->product != DEBAR_NONE) {
        debar_diff_put(b, df->products[df->product[side][w->product]]);
    }
}


static void
debar_scope_part(const debar_view_t *v, const char *name, uint32_t at,
    uint32_t n, unsigned keys, debar_buf_t *b)
{
    uint32_t            i;
    debar_str_t         s;
    const debar_ref_t  *r = v->data[DEBAR_T_REFS];

    for (i = 0; i < n && i < DEBAR_SCOPE_SHOWN; i++) {
        debar_buf_printf(b, i ? ", " : b->len ? ", %s%s " : "%s%s ", name,
                         n > 1 ? "s" : "");
        s = debar_ref_str(v->data[DEBAR_T_STRINGS], r[at + i]);

        if (keys) {
            debar_key_words(b, DEBAR_DB_URL, (const uint8_t *) s.data, s.len);

        } else {
            debar_diff_put(b, s);
        }
    }

    if (n > DEBAR_SCOPE_SHOWN) {
        debar_buf_printf(b, " and %u more", n - DEBAR_SCOPE_SHOWN);
    }
}


void
debar_scope_words(const debar_view_t *v, const debar_waiver_t *w,
    debar_buf_t *b)
{
    uint32_t             i;
    uint8_t              key[17];
    const debar_cidr_t  *c = v->data[DEBAR_T_CIDRS];

    debar_scope_part(v, "user", w->user, w->nusers, 0, b);

    for (i = 0; i < w->nclients && i < DEBAR_SCOPE_SHOWN; i++) {
        debar_buf_printf(b, i ? ", " : b->len ? ", client%s " : "client%s ",
                         w->nclients > 1 ? "s" : "");
        memcpy(key, c[w->client + i].addr, 16);
        key[16] = (uint8_t) c[w->client + i].bits;
        debar_key_words(b, DEBAR_DB_NETWORK, key, sizeof(key));
    }

    if (w->nclients > DEBAR_SCOPE_SHOWN) {
        debar_buf_printf(b, " and %u more", w->nclients - DEBAR_SCOPE_SHOWN);
    }

    debar_scope_part(v, "order", w->order, w->norders, 0, b);
    debar_scope_part(v, "URL", w->url, w->nurls, 1, b);
}


/* The whole of a scope, to compare. */

static void
debar_scope_all(debar_differ_t *df, unsigned side, const debar_waiver_t *w,
    debar_buf_t *b)
{
    uint64_t        mask[2];
    debar_digest_t  d;

    memset(&d, 0, sizeof(debar_digest_t));
    d.view = df->view[side];
    d.strings = df->strings[side];

    debar_line_scope(&d, b, w);
    debar_diff_mask(df, side, w->authorities, mask);
    debar_buf_printf(b, "\t%u\t%llx\t%llx", w->activities,
                     (unsigned long long) mask[0],
                     (unsigned long long) mask[1]);
}


/* The last day on which a waiver holds, as the source has it. */

static void
debar_last_day(debar_differ_t *df, unsigned side, int64_t until,
    debar_buf_t *b)
{
    size_t  at;

    at = b->len;
    debar_diff_day(df, side, until, b);

    if (b->len - at == sizeof("2026-12-31") - 1) {
        b->len = at;
        debar_diff_day(df, side, until - 1, b);
        b->len = at + sizeof("2026-12-31") - 1;
    }
}


static void
debar_waiver_words(debar_differ_t *df, unsigned side, const debar_waiver_t *w,
    debar_buf_t *b)
{
    debar_buf_t  scope;

    memset(&scope, 0, sizeof(debar_buf_t));
    debar_scope_words(df->view[side], w, &scope);

    debar_buf_printf(b, "waiver ");
    debar_diff_put(b, debar_view_str(df, side, w->id));
    debar_buf_printf(b, " of ");
    debar_diff_put(b, debar_str(scope.data, scope.len));
    debar_buf_printf(b, " for ");
    debar_diff_put(b, debar_diff_id(df, df->vendor[side][w->entry]));

    if (w->product != DEBAR_NONE) {
        debar_buf_printf(b, " ");
        debar_diff_put(b, df->products[df->product[side][w->product]]);
    }

    debar_buf_free(&scope);
}


static void
debar_waiver_dates(debar_differ_t *df, const debar_waiver_t *x,
    const debar_waiver_t *y)
{
    debar_buf_t  b;

    memset(&b, 0, sizeof(debar_buf_t));

    if (x->until != y->until) {
        debar_waiver_words(df, 1, y, &b);
        debar_buf_printf(&b, " now ends ");
        debar_last_day(df, 1, y->until, &b);
        debar_buf_printf(&b, " (was ");
        debar_last_day(df, 0, x->until, &b);
        debar_buf_printf(&b, ")");
        debar_diff_tell(df, y->until > x->until ? DEBAR_EFFECT_LOOSER :
                        DEBAR_EFFECT_STRICTER, DEBAR_DIFF_CHANGED,
                        DEBAR_DIFF_WAIVER, df->vendor[1][y->entry], &b);
    }

    if (x->from != y->from) {
        debar_waiver_words(df, 1, y, &b);
        debar_buf_printf(&b, " now begins ");
        debar_diff_day(df, 1, y->from, &b);
        debar_buf_printf(&b, " (was ");
        debar_diff_day(df, 0, x->from, &b);
        debar_buf_printf(&b, ")");
        debar_diff_tell(df, y->from < x->from ? DEBAR_EFFECT_LOOSER :
                        DEBAR_EFFECT_STRICTER, DEBAR_DIFF_CHANGED,
                        DEBAR_DIFF_WAIVER, df->vendor[1][y->entry], &b);
    }
}


static void
debar_waiver_changed(debar_differ_t *df, const debar_waiver_t *x,
    const debar_waiver_t *y)
{
    debar_buf_t  a, b, text;

    memset(&a, 0, sizeof(debar_buf_t));
    memset(&b, 0, sizeof(debar_buf_t));
    memset(&text, 0, sizeof(debar_buf_t));

    debar_waiver_dates(df, x, y);
    debar_scope_all(df, 0, x, &a);
    debar_scope_all(df, 1, y, &b);

    if (!debar_diff_equal(debar_str(a.data, a.len), debar_str(b.data, b.len))) {
        debar_waiver_words(df, 1, y, &text);
        debar_buf_printf(&text, " now holds for others or for other things; it "
                         "was for ");
        debar_scope_words(df->view[0], x, &text);
        debar_diff_tell(df, DEBAR_EFFECT_OTHER, DEBAR_DIFF_CHANGED,
                        DEBAR_DIFF_WAIVER, df->vendor[1][y->entry], &text);
    }

    if (!debar_diff_equal(debar_view_str(df, 0, x->why),
                          debar_view_str(df, 1, y->why))
        || !debar_diff_equal(debar_view_str(df, 0, x->approved_by),
                             debar_view_str(df, 1, y->approved_by)))
    {
        debar_waiver_words(df, 1, y, &text);
        debar_buf_printf(&text, " is now approved by ");
        debar_diff_put(&text, debar_view_str(df, 1, y->approved_by));
        debar_buf_printf(&text, ": ");
        debar_diff_put(&text, debar_view_str(df, 1, y->why));
        debar_diff_tell(df, DEBAR_EFFECT_NONE, DEBAR_DIFF_CHANGED,
                        DEBAR_DIFF_WAIVER, df->vendor[1][y->entry], &text);
    }

    debar_buf_free(&a);
    debar_buf_free(&b);
}


void
debar_waiver_diff(debar_differ_t *df, const void *old, const void *now)
{
    unsigned               side;
    debar_buf_t            b;
    const debar_waiver_t  *w;

    if (old && now) {
        debar_waiver_changed(df, old, now);
        return;
    }

    memset(&b, 0, sizeof(debar_buf_t));
    side = old == NULL;
    w = old ? old : now;

    debar_waiver_words(df, side, w, &b);
    debar_buf_printf(&b, side ? " added, from " : " removed; it was from ");
    debar_diff_day(df, side, w->from, &b);
    debar_buf_printf(&b, " to ");
    debar_last_day(df, side, w->until, &b);
    debar_buf_printf(&b, ", approved by ");
    debar_diff_put(&b, debar_view_str(df, side, w->approved_by));
    debar_buf_printf(&b, ": ");
    debar_diff_put(&b, debar_view_str(df, side, w->why));

    debar_diff_tell(df, debar_diff_lifting(df, side,
                    df->vendor[side][w->entry]), side ? DEBAR_DIFF_ADDED :
                    DEBAR_DIFF_REMOVED, DEBAR_DIFF_WAIVER,
                    df->vendor[side][w->entry], &b);
}
