/*
 * Names and patterns of two lists beside each other, in the order of their
 * text.
 */

#include "diff_private.h"

#include <stdlib.h>


/* A name or pattern, by its text. */

typedef struct {
    debar_str_t     text;
    debar_str_t     written;
    debar_said_t    said;
} debar_spelt_t;


static int
debar_spelt_cmp(const void *one, const void *two)
{
    int                   rc;
    size_t                n;
    const debar_spelt_t  *a = one, *b = two;

    n = a->text.len < b->text.len ? a->text.len : b->text.len;
    rc = n ? memcmp(a->text.data, b->text.data, n) : 0;

    return rc ? rc : (a->text.len > b->text.len) - (a->text.len < b->text.len);
}


/* One order whatever the table's. */

static int
debar_spelt_order(const void *one, const void *two)
{
    int                   rc;
    size_t                n;
    const debar_spelt_t  *a = one, *b = two;

    rc = debar_spelt_cmp(a, b);

    if (rc == 0) {
        n = a->written.len < b->written.len ? a->written.len : b->written.len;
        rc = n ? memcmp(a->written.data, b->written.data, n) : 0;
    }

    return rc ? rc : (a->written.len > b->written.len)
                     - (a->written.len < b->written.len);
}


static void
debar_spelt_set(debar_differ_t *df, unsigned side, debar_spelt_t *s,
    debar_ref_t text, debar_ref_t written, uint32_t rule)
{
    memset(s, 0, sizeof(debar_spelt_t));
    s->text = debar_ref_str(df->strings[side], text);
    s->written = debar_ref_str(df->strings[side], written);
    s->said.rule = rule;
    s->said.meaning = df->meaning[side][rule];
    s->said.vendor = df->meanings[s->said.meaning].vendor;
    s->said.what = df->meanings[s->said.meaning].kind;
}


static debar_spelt_t *
debar_spelt_terms(debar_differ_t *df, unsigned side, size_t *n)
{
    size_t               i;
    debar_spelt_t       *list;
    const debar_term_t  *t = df->view[side]->data[DEBAR_T_TERMS];

    *n = df->view[side]->n[DEBAR_T_TERMS];
    list = debar_diff_alloc(*n, sizeof(debar_spelt_t));

    for (i = 0; i < *n; i++) {
        debar_spelt_set(df, side, &list[i], t[i].text, t[i].written, t[i].rule);
        list[i].said.match = t[i].match;

        if (t[i].match == DEBAR_TERM_NOT) {
            list[i].said.what = DEBAR_DIFF_NOT_NAME;
        }
    }

    return list;
}


static debar_spelt_t *
debar_spelt_patterns(debar_differ_t *df, unsigned side, size_t *n)
{
    size_t                  i;
    debar_spelt_t          *list;
    const debar_pattern_t  *p = df->view[side]->data[DEBAR_T_PATTERNS];

    *n = df->view[side]->n[DEBAR_T_PATTERNS];
    list = debar_diff_alloc(*n, sizeof(debar_spelt_t));

    for (i = 0; i < *n; i++) {
        debar_spelt_set(df, side, &list[i], p[i].regex, p[i].written,
                        p[i].rule);
    }

    return list;
}


/* Those of one text, from *i on. */

static size_t
debar_spelt_same(const debar_spelt_t *list, size_t n, size_t i,
    debar_said_t *said)
{
    size_t  k;

    for (k = i; k < n && debar_spelt_cmp(&list[i], &list[k]) == 0; k++) {
        said[k - i] = list[k].said;
    }

    return k - i;
}


static void
debar_spelt_diff(debar_differ_t *df,
    debar_spelt_t *(*read)(debar_differ_t *df, unsigned side, size_t *n))
{
    int             rc;
    size_t          i, k, na, nb, x, y;
    debar_said_t   *p, *q;
    debar_spelt_t  *a, *b;

    a = read(df, 0, &na);
    b = read(df, 1, &nb);
    qsort(a, na, sizeof(debar_spelt_t), debar_spelt_order);
    qsort(b, nb, sizeof(debar_spelt_t), debar_spelt_order);

    p = debar_diff_alloc(na, sizeof(debar_said_t));
    q = debar_diff_alloc(nb, sizeof(debar_said_t));

    for (i = 0, k = 0; i < na || k < nb; i += x, k += y) {
        rc = i == na ? 1 : k == nb ? -1 : debar_spelt_cmp(&a[i], &b[k]);

        x = rc <= 0 ? debar_spelt_same(a, na, i, p) : 0;
        y = rc >= 0 ? debar_spelt_same(b, nb, k, q) : 0;

        debar_diff_key(df, p, x, q, y, rc < 0 ? a[i].written : b[k].written);
    }

    free(a);
    free(b);
    free(p);
    free(q);
}


void
debar_diff_names(debar_differ_t *df)
{
    debar_spelt_diff(df, debar_spelt_terms);
    debar_spelt_diff(df, debar_spelt_patterns);
}
