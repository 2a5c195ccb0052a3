/*
 * The records of two lists beside each other: vendors, authorities and their
 * phases, products, permits, waivers, channels.  Each change is a sentence.
 */

#include "diff_private.h"
#include "digest_private.h"

#include <stdio.h>
#include <stdlib.h>


/* A record by what it is known by. */

typedef struct {
    debar_buf_t     key;
    uint32_t        index;
} debar_record_t;

/* old or now may be NULL. */

typedef void (*debar_record_diff_pt)(debar_differ_t *df, const void *old,
    const void *now);
typedef void (*debar_record_key_pt)(debar_differ_t *df, unsigned side,
    const void *record, debar_buf_t *b);


static const char  debar_no_note[] = "";


void
debar_diff_tell(debar_differ_t *df, unsigned effect, unsigned how,
    unsigned what, uint32_t vendor, debar_buf_t *b)
{
    debar_diff_add(df, effect, how, what, vendor, debar_str(b->data, b->len),
                   debar_str(debar_no_note, 0));
    debar_buf_free(b);
}


void
debar_diff_put(debar_buf_t *b, debar_str_t s)
{
    debar_buf_add(b, s.data, s.len);
}


int
debar_diff_equal(debar_str_t a, debar_str_t b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}


void
debar_diff_day(debar_differ_t *df, unsigned side, int64_t t, debar_buf_t *b)
{
    char  zone[128], day[DEBAR_DAY_TEXT];

    (void) snprintf(zone, sizeof(zone), "%.*s",
                    (int) df->s[side]->timezone.len,
                    df->s[side]->timezone.data);
    debar_day_text(day, zone, t);
    debar_buf_printf(b, "%s", day);
}


/* --- merging ------------------------------------------------------------- */

static int
debar_record_cmp(const void *one, const void *two)
{
    int                    rc;
    size_t                 n;
    const debar_record_t  *a = one, *b = two;

    n = a->key.len < b->key.len ? a->key.len : b->key.len;
    rc = n ? memcmp(a->key.data, b->key.data, n) : 0;

    return rc ? rc : (a->key.len > b->key.len) - (a->key.len < b->key.len);
}


static debar_record_t *
debar_records(debar_differ_t *df, unsigned side, unsigned which,
    debar_record_key_pt key)
{
    size_t           i, n;
    const char      *p;
    debar_record_t  *list;

    n = df->view[side]->n[which];
    p = df->view[side]->data[which];
    list = debar_diff_alloc(n, sizeof(debar_record_t));

    for (i = 0; i < n; i++) {
        list[i].index = (uint32_t) i;
        key(df, side, p + i * debar_record_size[which], &list[i].key);
    }

    qsort(list, n, sizeof(debar_record_t), debar_record_cmp);

    return list;
}


static void
debar_records_free(debar_record_t *list, size_t n)
{
    size_t  i;

    for (i = 0; i < n; i++) {
        debar_buf_free(&list[i].key);
    }

    free(list);
}


static void
debar_records_diff(debar_differ_t *df, unsigned which, debar_record_key_pt key,
    debar_record_diff_pt diff)
{
    int              rc;
    size_t           i, k, na, nb, size;
    const char      *old, *now;
    debar_record_t  *a, *b;

    a = debar_records(df, 0, which, key);
    b = debar_records(df, 1, which, key);
    na = df->view[0]->n[which];
    nb = df->view[1]->n[which];
    old = df->view[0]->data[which];
    now = df->view[1]->data[which];
    size = debar_record_size[which];

    for (i = 0, k = 0; i < na || k < nb; /* void */ ) {
        rc = i == na ? 1 : k == nb ? -1 : debar_record_cmp(&a[i], &b[k]);

        diff(df, rc <= 0 ? old + a[i].index * size : NULL,
             rc >= 0 ? now + b[k].index * size : NULL);

        i += rc <= 0;
        k += rc >= 0;
    }

    debar_records_free(a, na);
    debar_records_free(b, nb);
}


/* --- vendors and products ------------------------------------------------ */

static void
debar_entry_key(debar_differ_t *df, unsigned side, const void *record,
    debar_buf_t *b)
{
    const debar_entry_t  *e = record;

    debar_diff_put(b, debar_view_str(df, side, e->id));
}


static void
debar_entry_named(debar_differ_t *df, unsigned side, const debar_entry_t *e,
    debar_buf_t *b)
{
    debar_buf_printf(b, "vendor ");
    debar_diff_put(b, debar_view_str(df, side, e->id));

    if (e->name.len) {
        debar_buf_printf(b, " (");
        debar_diff_put(b, debar_view_str(df, side, e->name));
        debar_buf_printf(b, ")");
    }
}


static void
debar_entry_authorities(debar_differ_t *df, const debar_entry_t *old,
    const debar_entry_t *now, uint32_t vendor)
{
    unsigned      k, come;
    uint64_t      a[2], b[2], diff[2];
    debar_buf_t   text;

    (void) debar_diff_mask(df, 0, old->authorities, a);
    (void) debar_diff_mask(df, 1, now->authorities, b);

    for (come = 0; come < 2; come++) {
        for (k = 0; k < 2; k++) {
            diff[k] = come ? b[k] & ~a[k] : a[k] & ~b[k];
        }

        if (!(diff[0] | diff[1])) {
            continue;
        }

        memset(&text, 0, sizeof(debar_buf_t));
        debar_entry_named(df, 1, now, &text);
        debar_buf_printf(&text, come ? " is now also under "
                                     : " is no longer under ");
        debar_diff_ids(&text, df, diff);
        debar_diff_tell(df, come ? DEBAR_EFFECT_STRICTER : DEBAR_EFFECT_LOOSER,
                        DEBAR_DIFF_CHANGED, DEBAR_DIFF_VENDOR, vendor, &text);
    }
}


static void
debar_entry_diff(debar_differ_t *df, const void *old, const void *now)
{
    uint32_t              vendor;
    unsigned              side;
    debar_buf_t           b;
    const debar_entry_t  *e, *x = old, *y = now;

    memset(&b, 0, sizeof(debar_buf_t));
    side = old == NULL;
    e = old ? x : y;
    vendor = df->vendor[side][e - (const debar_entry_t *)
                                  df->view[side]->data[DEBAR_T_ENTRIES]];

    if (old == NULL || now == NULL) {
        debar_entry_named(df, side, e, &b);
        debar_buf_printf(&b, side ? " added" : " removed");
        debar_diff_tell(df, side ? DEBAR_EFFECT_STRICTER : DEBAR_EFFECT_LOOSER,
                        side ? DEBAR_DIFF_ADDED : DEBAR_DIFF_REMOVED,
                        DEBAR_DIFF_VENDOR, vendor, &b);
        return;
    }

    debar_entry_authorities(df, x, y, vendor);

    if (!debar_diff_equal(debar_view_str(df, 0, x->name),
                          debar_view_str(df, 1, y->name)))
    {
        debar_entry_named(df, 0, x, &b);
        debar_buf_printf(&b, " is now called ");
        debar_diff_put(&b, debar_view_str(df, 1, y->name));
        debar_diff_tell(df, DEBAR_EFFECT_NONE, DEBAR_DIFF_CHANGED,
                        DEBAR_DIFF_VENDOR, vendor, &b);
    }
}


static void
debar_product_key(debar_differ_t *df, unsigned side, const void *record,
    debar_buf_t *b)
{
    uint32_t                vendor;
    const debar_product_t  *p = record;

    vendor = df->vendor[side][p->entry];
    debar_diff_put(b, debar_diff_id(df, vendor));
    debar_buf_add(b, "", 1);
    debar_diff_put(b, debar_view_str(df, side, p->id));
}


static void
debar_product_diff(debar_differ_t *df, const void *old, const void *now)
{
    uint32_t                vendor;
    unsigned                side;
    debar_buf_t             b;
    const debar_product_t  *p, *x = old, *y = now;

    side = old == NULL;
    p = old ? x : y;

    if (old && now && debar_diff_equal(debar_view_str(df, 0, x->name),
                                       debar_view_str(df, 1, y->name)))
    {
        return;
    }

    memset(&b, 0, sizeof(debar_buf_t));
    vendor = df->vendor[side][p->entry];

    debar_buf_printf(&b, "product ");
    debar_diff_put(&b, debar_view_str(df, side, p->id));
    debar_buf_printf(&b, " (");
    debar_diff_put(&b, debar_view_str(df, side, p->name));
    debar_buf_printf(&b, ") of ");
    debar_diff_put(&b, debar_diff_id(df, vendor));

    if (old && now) {
        debar_buf_printf(&b, " is now called ");
        debar_diff_put(&b, debar_view_str(df, 1, y->name));

    } else {
        debar_buf_printf(&b, old ? " removed" : " added");
    }

    debar_diff_tell(df, DEBAR_EFFECT_NONE, old && now ? DEBAR_DIFF_CHANGED :
                    old ? DEBAR_DIFF_REMOVED : DEBAR_DIFF_ADDED,
                    DEBAR_DIFF_PRODUCT, vendor, &b);
}


/* --- channels ------------------------------------------------------------ */

/*
 * A rule of a channel is known by all that it says: its line in the digest,
 * with blanks for tabs.
 */

static void
debar_channel_line(debar_differ_t *df, unsigned side, const void *record,
    debar_buf_t *b, debar_line_pt line)
{
    size_t          i, at;
    debar_digest_t  d;

    memset(&d, 0, sizeof(debar_digest_t));
    d.view = df->view[side];
    d.strings = df->strings[side];
    at = b->len;
    line(&d, b, record);

    for (i = at; i < b->len; i++) {
        if (b->data[i] == '\t') {
            b->data[i] = ' ';
        }
    }
}


#define debar_channel_rule(name, which)                                       \
                                                                              \
static void                                                                   \
debar_##name##_key(debar_differ_t *df, unsigned side, const void *record,     \
    debar_buf_t *b)                                                           \
{                                                                             \
    debar_channel_line(df, side, record, b, debar_line_##name);               \
}                                                                             \
                                                                              \
                                                                              \
static void                                                                   \
debar_##name##_diff(debar_differ_t *df, const void *old, const void *now)     \
{                                                                             \
    debar_buf_t  b;                                                           \
                                                                              \
    if (old && now) {                                                         \
        return;                                                               \
    }                                                                         \
                                                                              \
    memset(&b, 0, sizeof(debar_buf_t));                                       \
    debar_##name##_key(df, old == NULL, old ? old : now, &b);                 \
    debar_diff_tell(df, DEBAR_EFFECT_OTHER,                                   \
                    old ? DEBAR_DIFF_REMOVED : DEBAR_DIFF_ADDED,              \
                    DEBAR_DIFF_CHANNEL, DEBAR_NONE, &b);                      \
}

debar_channel_rule(recipe, DEBAR_T_RECIPES)


debar_channel_rule(word, DEBAR_T_WORDS)


debar_channel_rule(relay, DEBAR_T_RELAYS)


debar_channel_rule(mark, DEBAR_T_MARKS)


/* --- the list as a whole ------------------------------------------------- */

static void
debar_head_text(debar_differ_t *df, const char *name, debar_str_t x,
    debar_str_t y, unsigned effect)
{
    debar_buf_t  b;

    if (debar_diff_equal(x, y)) {
        return;
    }

    memset(&b, 0, sizeof(debar_buf_t));
    debar_buf_printf(&b, "the %s is now \"", name);
    debar_diff_put(&b, y);
    debar_buf_printf(&b, "\" (was \"");
    debar_diff_put(&b, x);
    debar_buf_printf(&b, "\")");
    debar_diff_tell(df, effect, DEBAR_DIFF_CHANGED, DEBAR_DIFF_LIST,
                    DEBAR_NONE, &b);
}


static void
debar_head_expiry(debar_differ_t *df, unsigned side, int64_t expires,
    debar_buf_t *b)
{
    if (expires == 0) {
        debar_buf_printf(b, "never");
        return;
    }

    debar_diff_day(df, side, expires, b);
}


static void
debar_head_diff(debar_differ_t *df)
{
    debar_buf_t                   b;
    const debar_snapshot_meta_t  *x, *y;

    memset(&b, 0, sizeof(debar_buf_t));
    x = debar_snapshot_meta(df->s[0]);
    y = debar_snapshot_meta(df->s[1]);

    if (x->expires != y->expires) {
        debar_buf_printf(&b, "the list now expires ");
        debar_head_expiry(df, 1, y->expires, &b);
        debar_buf_printf(&b, " (was ");
        debar_head_expiry(df, 0, x->expires, &b);
        debar_buf_printf(&b, ")");
        debar_diff_tell(df, DEBAR_EFFECT_OTHER, DEBAR_DIFF_CHANGED,
                        DEBAR_DIFF_LIST, DEBAR_NONE, &b);
    }

    debar_head_text(df, "time zone", df->s[0]->timezone, df->s[1]->timezone,
                    DEBAR_EFFECT_OTHER);
    debar_head_text(df, "title", x->title, y->title, DEBAR_EFFECT_NONE);
    debar_head_text(df, "publisher", x->publisher, y->publisher,
                    DEBAR_EFFECT_NONE);

    if (x->serial != y->serial) {
        debar_buf_printf(&b, "the serial is now %llu (was %llu)",
                         (unsigned long long) y->serial,
                         (unsigned long long) x->serial);
        debar_diff_tell(df, DEBAR_EFFECT_NONE, DEBAR_DIFF_CHANGED,
                        DEBAR_DIFF_LIST, DEBAR_NONE, &b);
    }
}


void
debar_diff_tables(debar_differ_t *df)
{
    debar_head_diff(df);
    debar_records_diff(df, DEBAR_T_AUTHORITIES, debar_diff_authority_key,
                       debar_diff_authority);
    debar_records_diff(df, DEBAR_T_ENTRIES, debar_entry_key, debar_entry_diff);
    debar_records_diff(df, DEBAR_T_PRODUCTS, debar_product_key,
                       debar_product_diff);
    debar_records_diff(df, DEBAR_T_PERMITS, debar_permit_key,
                       debar_permit_diff);
    debar_records_diff(df, DEBAR_T_WAIVERS, debar_waiver_key,
                       debar_waiver_diff);
    debar_records_diff(df, DEBAR_T_RECIPES, debar_recipe_key,
                       debar_recipe_diff);
    debar_records_diff(df, DEBAR_T_WORDS, debar_word_key, debar_word_diff);
    debar_records_diff(df, DEBAR_T_RELAYS, debar_relay_key, debar_relay_diff);
    debar_records_diff(df, DEBAR_T_MARKS, debar_mark_key, debar_mark_diff);
}
