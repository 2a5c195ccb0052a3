/*
 * What differs between two lists: ids that both share, and the groups that
 * changes are gathered in.
 */

#include "diff_private.h"

#include <stdlib.h>


#define DEBAR_POOL      65536
#define DEBAR_NO_GROUP  UINT32_MAX


typedef struct {
    debar_str_t   id;
    uint32_t      owner;          /* a product's vendor */
    uint32_t      index;
    unsigned      side;
} debar_named_id_t;


void *
debar_diff_alloc(size_t n, size_t size)
{
    void  *p;

    p = calloc(n ? n : 1, size);

    if (p == NULL) {
        abort();                  /* as debar_buf_*: tools have memory or end */
    }

    return p;
}


const char *
debar_diff_keep(debar_differ_t *df, const char *data, size_t len)
{
    char          *p;
    size_t         size;
    debar_pool_t  *pool = df->pool;

    if (pool == NULL || pool->size - pool->used < len + 1) {
        size = len + 1 > DEBAR_POOL ? len + 1 : DEBAR_POOL;
        pool = debar_diff_alloc(1, sizeof(debar_pool_t) + size);
        pool->size = size;
        pool->next = df->pool;
        df->pool = pool;
        df->d->own = pool;
    }

    p = pool->text + pool->used;

    if (len) {
        memcpy(p, data, len);
    }

    p[len] = '\0';
    pool->used += len + 1;

    return p;
}


debar_str_t
debar_diff_id(const debar_differ_t *df, uint32_t vendor)
{
    return vendor == DEBAR_NONE ? debar_str("", 0) : df->vendors[vendor];
}


static int
debar_named_id_cmp(const void *one, const void *two)
{
    int                      rc;
    size_t                   n;
    const debar_named_id_t  *a = one, *b = two;

    if (a->owner != b->owner) {
        return a->owner < b->owner ? -1 : 1;
    }

    n = a->id.len < b->id.len ? a->id.len : b->id.len;
    rc = memcmp(a->id.data, b->id.data, n);

    if (rc == 0 && a->id.len != b->id.len) {
        return a->id.len < b->id.len ? -1 : 1;
    }

    return rc;
}


/* The same number to the same id of the same owner; ids by number. */

static debar_str_t *
debar_diff_number(debar_named_id_t *list, size_t n, uint32_t *of[2])
{
    size_t        i;
    uint32_t      number;
    debar_str_t  *ids;

    ids = debar_diff_alloc(n, sizeof(debar_str_t));
    qsort(list, n, sizeof(debar_named_id_t), debar_named_id_cmp);

    for (number = 0, i = 0; i < n; i++) {
        if (i && debar_named_id_cmp(&list[i - 1], &list[i]) != 0) {
            number++;
        }

        ids[number] = list[i].id;
        of[list[i].side][list[i].index] = number;
    }

    return ids;
}


static void
debar_diff_vendors(debar_differ_t *df)
{
    size_t                i, n;
    unsigned              k;
    debar_named_id_t     *list;
    const debar_entry_t  *e;

    n = df->view[0]->n[DEBAR_T_ENTRIES] + df->view[1]->n[DEBAR_T_ENTRIES];
    list = debar_diff_alloc(n, sizeof(debar_named_id_t));

    for (n = 0, k = 0; k < 2; k++) {
        e = df->view[k]->data[DEBAR_T_ENTRIES];
        df->vendor[k] = debar_diff_alloc(df->view[k]->n[DEBAR_T_ENTRIES],
                                         sizeof(uint32_t));

        for (i = 0; i < df->view[k]->n[DEBAR_T_ENTRIES]; i++, n++) {
            list[n].id = debar_ref_str(df->strings[k], e[i].id);
            list[n].index = (uint32_t) i;
            list[n].side = k;
        }
    }

    df->vendors = debar_diff_number(list, n, df->vendor);
    df->sides = debar_diff_alloc(n, 1);
    free(list);

    for (k = 0; k < 2; k++) {
        for (i = 0; i < df->view[k]->n[DEBAR_T_ENTRIES]; i++) {
            df->sides[df->vendor[k][i]] |= (uint8_t) (1 << k);
        }
    }
}


static void
debar_diff_products(debar_differ_t *df)
{
    size_t                  i, n;
    unsigned                k;
    debar_named_id_t       *list;
    const debar_product_t  *p;

    n = df->view[0]->n[DEBAR_T_PRODUCTS] + df->view[1]->n[DEBAR_T_PRODUCTS];
    list = debar_diff_alloc(n, sizeof(debar_named_id_t));

    for (n = 0, k = 0; k < 2; k++) {
        p = df->view[k]->data[DEBAR_T_PRODUCTS];
        df->product[k] = debar_diff_alloc(df->view[k]->n[DEBAR_T_PRODUCTS],
                                          sizeof(uint32_t));

        for (i = 0; i < df->view[k]->n[DEBAR_T_PRODUCTS]; i++, n++) {
            list[n].id = debar_ref_str(df->strings[k], p[i].id);
            list[n].owner = df->vendor[k][p[i].entry];
            list[n].index = (uint32_t) i;
            list[n].side = k;
        }
    }

    df->products = debar_diff_number(list, n, df->product);
    free(list);
}


static void
debar_diff_authorities(debar_differ_t *df)
{
    size_t                    i, n;
    unsigned                  k;
    uint32_t                 *of[2];
    debar_str_t              *ids;
    debar_named_id_t          list[2 * DEBAR_MAX_AUTHORITIES];
    const debar_authority_t  *a;

    memset(list, 0, sizeof(list));

    for (n = 0, k = 0; k < 2; k++) {
        a = df->view[k]->data[DEBAR_T_AUTHORITIES];
        of[k] = df->authority[k];

        for (i = 0; i < df->view[k]->n[DEBAR_T_AUTHORITIES]; i++, n++) {
            list[n].id = debar_ref_str(df->strings[k], a[i].id);
            list[n].index = (uint32_t) i;
            list[n].side = k;
        }
    }

    ids = debar_diff_number(list, n, of);
    memcpy(df->authorities, ids, n * sizeof(debar_str_t));
    free(ids);
}


static uint64_t
debar_group_hash(unsigned effect, unsigned how, unsigned what, uint32_t vendor)
{
    uint64_t  h;

    h = ((uint64_t) vendor << 16) ^ (effect << 12) ^ (how << 8) ^ what;
    h *= 0x9e3779b97f4a7c15ull;

    return h ^ (h >> 29);
}


static void
debar_group_rehash(debar_differ_t *df)
{
    size_t                     i;
    uint64_t                   h;
    const debar_diff_group_t  *g;

    free(df->group_slots);
    df->ngroup_slots = df->ngroup_slots ? 2 * df->ngroup_slots : 256;
    df->group_slots = debar_diff_alloc(df->ngroup_slots, sizeof(uint32_t));
    df->d->groups = realloc(df->d->groups, df->ngroup_slots / 2
                                           * sizeof(debar_diff_group_t));
    df->group_vendor = realloc(df->group_vendor, df->ngroup_slots / 2
                                                 * sizeof(uint32_t));

    if (df->d->groups == NULL || df->group_vendor == NULL) {
        abort();
    }

    for (i = 0; i < df->d->n; i++) {
        g = &df->d->groups[i];
        h = debar_group_hash(g->effect, g->how, g->what, df->group_vendor[i]);

        while (df->group_slots[h & (df->ngroup_slots - 1)]) {
            h++;
        }

        df->group_slots[h & (df->ngroup_slots - 1)] = (uint32_t) i + 1;
    }
}


static debar_diff_group_t *
debar_group(debar_differ_t *df, unsigned effect, unsigned how, unsigned what,
    uint32_t vendor)
{
    size_t               i;
    uint64_t             h;
    debar_str_t          id;
    debar_diff_group_t  *g;

    if ((df->d->n + 1) * 2 > df->ngroup_slots) {
        debar_group_rehash(df);
    }

    h = debar_group_hash(effect, how, what, vendor);

    for ( ;; h++) {
        i = df->group_slots[h & (df->ngroup_slots - 1)];

        if (i == 0) {
            break;
        }

        g = &df->d->groups[i - 1];

        if (df->group_vendor[i - 1] == vendor && g->effect == effect
            && g->how == how && g->what == what)
        {
            return g;
        }
    }

    if (df->d->n >= DEBAR_DIFF_GROUPS && vendor != DEBAR_NONE) {
        return debar_group(df, effect, how, what, DEBAR_NONE);
    }

    df->group_vendor[df->d->n] = vendor;
    g = &df->d->groups[df->d->n++];
    df->group_slots[h & (df->ngroup_slots - 1)] = (uint32_t) df->d->n;

    id = debar_diff_id(df, vendor);
    memset(g, 0, sizeof(debar_diff_group_t));
    g->effect = (uint8_t) effect;
    g->how = (uint8_t) how;
    g->what = (uint8_t) what;
    g->vendor = debar_diff_keep(df, id.data, id.len);

    return g;
}


void
debar_diff_add(debar_differ_t *df, unsigned effect, unsigned how,
    unsigned what, uint32_t vendor, debar_str_t text, debar_str_t note)
{
    debar_diff_row_t    *row;
    debar_diff_group_t  *g;

    g = debar_group(df, effect, how, what, vendor);

    g->count++;
    df->d->counts[effect]++;

    if (g->nrows >= df->keep || df->kept >= DEBAR_DIFF_ALL) {
        return;
    }

    if (g->nrows == g->size) {
        g->size = g->size ? 2 * g->size : 4;
        g->rows = realloc(g->rows, g->size * sizeof(debar_diff_row_t));

        if (g->rows == NULL) {
            abort();
        }
    }

    row = &g->rows[g->nrows++];
    row->text = debar_diff_keep(df, text.data, text.len);
    row->note = debar_diff_keep(df, note.data, note.len);
    df->kept++;
}


unsigned
debar_diff_lifting(const debar_differ_t *df, unsigned side, uint32_t vendor)
{
    if (df->sides[vendor] != 3) {
        return DEBAR_EFFECT_OTHER;
    }

    return side ? DEBAR_EFFECT_LOOSER : DEBAR_EFFECT_STRICTER;
}


/* What is a sentence of its own comes before the rows of a vendor. */

static int
debar_group_rank(const debar_diff_group_t *g)
{
    switch (g->what) {
    case DEBAR_DIFF_AUTHORITY:
        return 0;
    case DEBAR_DIFF_PHASE:
        return 1;
    case DEBAR_DIFF_VENDOR:
        return 2;
    case DEBAR_DIFF_WAIVER:
        return 3;
    case DEBAR_DIFF_PERMIT:
        return 4;
    default:
        return 5 + g->what;
    }
}


static int
debar_group_cmp(const void *one, const void *two)
{
    int                        rc;
    const debar_diff_group_t  *a = one, *b = two;

    if (a->effect != b->effect) {
        return a->effect < b->effect ? -1 : 1;
    }

    rc = strcmp(a->vendor, b->vendor);
    if (rc) {
        return rc;
    }

    rc = debar_group_rank(a) - debar_group_rank(b);

    return rc ? rc : a->how - b->how;
}


static int
debar_diff_compare(debar_differ_t *df)
{
    debar_diff_vendors(df);
    debar_diff_products(df);
    debar_diff_authorities(df);
    debar_diff_tables(df);

    if (debar_diff_rules(df) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    debar_diff_names(df);

    return debar_diff_rows(df);
}


int
debar_diff(debar_diff_t *d, debar_snapshot_t *a, debar_snapshot_t *b,
    size_t keep, debar_progress_pt progress, void *data, debar_fault_t *fault)
{
    int                           rc;
    unsigned                      k;
    debar_differ_t                df;
    const debar_snapshot_meta_t  *m;

    memset(d, 0, sizeof(debar_diff_t));
    memset(&df, 0, sizeof(debar_differ_t));

    df.d = d;
    df.s[0] = a;
    df.s[1] = b;
    df.keep = keep ? keep : DEBAR_DIFF_KEEP;
    df.progress = progress;
    df.data = data;

    for (k = 0; k < 2; k++) {
        m = debar_snapshot_meta(df.s[k]);
        df.view[k] = &df.s[k]->view;
        df.strings[k] = df.s[k]->view.data[DEBAR_T_STRINGS];
        d->serial[k] = m->serial;
        memcpy(d->digest[k], m->digest, sizeof(d->digest[k]));
        d->title[k] = strndup(m->title.data, m->title.len);

        if (d->title[k] == NULL) {
            abort();
        }
    }

    rc = debar_diff_compare(&df);

    if (rc != DEBAR_OK) {
        debar_fault(fault, "%s; `debar list check FILE` names the file that is "
                    "damaged", df.damage ? df.damage : "a row cannot be one");
    }

    if (d->n) {
        qsort(d->groups, d->n, sizeof(debar_diff_group_t), debar_group_cmp);
    }

    for (k = 0; k < 2; k++) {
        free(df.vendor[k]);
        free(df.product[k]);
        free(df.meaning[k]);
    }

    free(df.sides);
    free(df.vendors);
    free(df.products);
    free(df.meanings);
    free(df.slots);
    free(df.group_slots);
    free(df.group_vendor);

    return rc;
}


void
debar_diff_free(debar_diff_t *d)
{
    size_t         i;
    debar_pool_t  *pool, *next;

    for (i = 0; i < d->n; i++) {
        free(d->groups[i].rows);
    }

    for (pool = d->own; pool; pool = next) {
        next = pool->next;
        free(pool);
    }

    free(d->groups);
    free(d->title[0]);
    free(d->title[1]);
    memset(d, 0, sizeof(debar_diff_t));
}


int
debar_diff_same(const debar_diff_t *d)
{
    return d->n == 0;
}
