/*
 * Identifiers of two lists beside each other: rows in the order of their keys,
 * names and patterns in that of their text.
 */

#include "diff_private.h"

#include <stdlib.h>


#define DEBAR_WALK_TELL  (1 << 16)


typedef struct {
    MDB_cursor     *cursor;
    MDB_val         key;
    MDB_val         value;
    int             more;
} debar_walk_t;


uint64_t *
debar_diff_mask(const debar_differ_t *df, unsigned side, uint64_t mask,
    uint64_t out[2])
{
    unsigned  i;
    uint32_t  n;

    out[0] = out[1] = 0;

    for (i = 0; i < df->view[side]->n[DEBAR_T_AUTHORITIES]; i++) {
        if ((mask >> i) & 1) {
            n = df->authority[side][i];
            out[n >> 6] |= 1ull << (n & 63);
        }
    }

    return out;
}


void
debar_diff_ids(debar_buf_t *b, const debar_differ_t *df,
    const uint64_t mask[2])
{
    unsigned  i, n;

    for (n = 0, i = 0; i < 128; i++) {
        if (!((mask[i >> 6] >> (i & 63)) & 1)) {
            continue;
        }

        if (n++ < 5) {
            debar_buf_printf(b, "%s%.*s", n > 1 ? ", " : "",
                             (int) df->authorities[i].len,
                             df->authorities[i].data);
        }
    }

    if (n > 5) {
        debar_buf_printf(b, " and %u more", n - 5);
    }
}


static void
debar_meanings_grow(debar_differ_t *df)
{
    size_t    i;
    uint64_t  h;

    free(df->slots);
    df->nslots = df->nslots ? 2 * df->nslots : 1024;
    df->slots = debar_diff_alloc(df->nslots, sizeof(uint32_t));
    df->meanings = realloc(df->meanings,
                           df->nslots / 2 * sizeof(debar_meaning_t));

    if (df->meanings == NULL) {
        abort();
    }

    for (i = 0; i < df->nmeanings; i++) {
        h = debar_hash(&df->meanings[i], sizeof(debar_meaning_t));

        while (df->slots[h & (df->nslots - 1)]) {
            h++;
        }

        df->slots[h & (df->nslots - 1)] = (uint32_t) i + 1;
    }
}


static uint32_t
debar_meaning(debar_differ_t *df, const debar_meaning_t *m)
{
    uint32_t  i;
    uint64_t  h;

    if ((df->nmeanings + 1) * 2 > df->nslots) {
        debar_meanings_grow(df);
    }

    h = debar_hash(m, sizeof(debar_meaning_t));

    for ( ;; h++) {
        i = df->slots[h & (df->nslots - 1)];

        if (i == 0) {
            break;
        }

        if (memcmp(&df->meanings[i - 1], m, sizeof(debar_meaning_t)) == 0) {
            return i - 1;
        }
    }

    df->meanings[df->nmeanings++] = *m;
    df->slots[h & (df->nslots - 1)] = (uint32_t) df->nmeanings;

    return (uint32_t) df->nmeanings - 1;
}


int
debar_diff_rules(debar_differ_t *df)
{
    size_t               i, n;
    unsigned             k;
    debar_meaning_t      m;
    const debar_rule_t  *r;

    for (k = 0; k < 2; k++) {
        n = df->view[k]->n[DEBAR_T_RULES];
        r = df->view[k]->data[DEBAR_T_RULES];
        df->meaning[k] = debar_diff_alloc(n, sizeof(uint32_t));

        for (i = 0; i < n; i++) {
            memset(&m, 0, sizeof(debar_meaning_t));
            m.vendor = df->vendor[k][r[i].entry];
            m.product = r[i].product == DEBAR_NONE ? DEBAR_NONE
                        : df->product[k][r[i].product];
            m.kind = r[i].kind;
            m.cap = r[i].cap;
            m.floor = r[i].floor;
            m.flags = r[i].flags;
            (void) debar_diff_mask(df, k, r[i].authorities, m.authorities);
            df->meaning[k][i] = debar_meaning(df, &m);
        }
    }

    return DEBAR_OK;
}


/* --- what changed between two rules for the same thing ----------------- */

static const char *
debar_cap_words(unsigned cap)
{
    return cap == DEBAR_BLOCK ? "blocked" : cap == DEBAR_LOG ? "recorded only"
           : "let through";
}


static void
debar_note(debar_buf_t *b)
{
    if (b->len) {
        debar_buf_add(b, ", ", 2);
    }
}


static unsigned
debar_note_authorities(debar_differ_t *df, const debar_meaning_t *a,
    const debar_meaning_t *b, debar_buf_t *note)
{
    unsigned  bits, k;
    uint64_t  gone[2], come[2];

    for (bits = 0, k = 0; k < 2; k++) {
        gone[k] = a->authorities[k] & ~b->authorities[k];
        come[k] = b->authorities[k] & ~a->authorities[k];
    }

    if (gone[0] | gone[1]) {
        debar_note(note);
        debar_buf_printf(note, "no longer under ");
        debar_diff_ids(note, df, gone);
        bits |= 1;
    }

    if (come[0] | come[1]) {
        debar_note(note);
        debar_buf_printf(note, "now also under ");
        debar_diff_ids(note, df, come);
        bits |= 2;
    }

    return bits;
}


/* bit 0: looser, bit 1: stricter; words to note. */

static unsigned
debar_diff_meanings(debar_differ_t *df, const debar_meaning_t *a,
    const debar_meaning_t *b, debar_buf_t *note)
{
    unsigned  bits;

    bits = 0;

    if (a->cap != b->cap) {
        debar_note(note);
        debar_buf_printf(note, "%s (was %s)", debar_cap_words(b->cap),
                         debar_cap_words(a->cap));
        bits |= b->cap < a->cap ? 1 : 2;
    }

    if (a->floor != b->floor) {
        debar_note(note);
        debar_buf_printf(note, "counts as %s (was %s)",
                         debar_activity_name(b->floor),
                         debar_activity_name(a->floor));
        bits |= b->floor < a->floor ? 1 : 2;
    }

    if ((a->flags ^ b->flags) & DEBAR_RULE_SUBDOMAINS) {
        debar_note(note);

        if (b->flags & DEBAR_RULE_SUBDOMAINS) {
            debar_buf_printf(note, "now with its subdomains");
            bits |= 2;

        } else {
            debar_buf_printf(note, "no longer its subdomains");
            bits |= 1;
        }
    }

    if (a->product != b->product) {
        debar_note(note);

        if (b->product == DEBAR_NONE) {
            debar_buf_printf(note, "no longer of product %.*s",
                             (int) df->products[a->product].len,
                             df->products[a->product].data);
        } else {
            debar_buf_printf(note, "now of product %.*s",
                             (int) df->products[b->product].len,
                             df->products[b->product].data);
        }
    }

    return bits | debar_note_authorities(df, a, b, note);
}


/* What is said of a row that comes or goes: what limits it. */

static void
debar_note_limits(debar_differ_t *df, const debar_meaning_t *m,
    debar_buf_t *note)
{
    if (m->cap != DEBAR_BLOCK) {
        debar_note(note);
        debar_buf_printf(note, "%s", debar_cap_words(m->cap));
    }

    if (m->floor != DEBAR_EVERY && m->floor != DEBAR_BROWSE) {
        debar_note(note);
        debar_buf_printf(note, "as %s", debar_activity_name(m->floor));
    }

    if (m->kind == DEBAR_KIND_HOST && !(m->flags & DEBAR_RULE_SUBDOMAINS)) {
        debar_note(note);
        debar_buf_printf(note, "without subdomains");
    }
}


/* --- a key --------------------------------------------------------------- */

static int
debar_said_cmp(const void *one, const void *two)
{
    int                  rc;
    const debar_said_t  *a = one, *b = two;

    rc = (a->vendor > b->vendor) - (a->vendor < b->vendor);
    if (rc == 0) {
        rc = (a->what > b->what) - (a->what < b->what);
    }

    if (rc == 0) {
        rc = (a->meaning > b->meaning) - (a->meaning < b->meaning);
    }

    if (rc == 0) {
        rc = (a->match > b->match) - (a->match < b->match);
    }

    return rc;
}


/* A host above it whose rule says as much, in the other list. */

static int
debar_diff_covered(debar_differ_t *df, unsigned side, const debar_said_t *said,
    debar_str_t text, debar_buf_t *note)
{
    size_t                  i, k, n;
    const char             *why;
    debar_host_t            h;
    debar_found_host_t      found[32];
    const debar_meaning_t  *m, *other;

    m = &df->meanings[said->meaning];

    if (said->what != DEBAR_KIND_HOST
        || debar_host_parse(&h, text.data, text.len, DEBAR_HOST_BARE, &why)
           != DEBAR_OK)
    {
        return 0;
    }

    n = debar_snapshot_hosts(df->s[side], &h, found, 32);

    for (i = 0; i < n; i++) {
        for (k = 0; !found[i].exact && k < found[i].n; k++) {
            if (found[i].rules[k] >= df->view[side]->n[DEBAR_T_RULES]) {
                continue;
            }

            other = &df->meanings[df->meaning[side][found[i].rules[k]]];

            if (other->vendor == m->vendor && other->cap >= m->cap
                && other->floor >= m->floor
                && (other->flags & DEBAR_RULE_SUBDOMAINS)
                && (m->authorities[0] & ~other->authorities[0]) == 0
                && (m->authorities[1] & ~other->authorities[1]) == 0)
            {
                debar_note(note);
                debar_buf_printf(note, "listed by a host above it as before");
                return 1;
            }
        }
    }

    return 0;
}


/* Another vendor that has the key in the new list. */

static void
debar_note_others(debar_differ_t *df, uint32_t vendor, const debar_said_t *to,
    size_t nto, debar_buf_t *note)
{
    size_t       i;
    debar_str_t  id;

    for (i = 0; i < nto; i++) {
        if (to[i].vendor != vendor) {
            id = debar_diff_id(df, to[i].vendor);
            debar_note(note);
            debar_buf_printf(note, "still listed under %.*s", (int) id.len,
                             id.data);
            return;
        }
    }
}


static debar_str_t
debar_rule_source(debar_differ_t *df, unsigned side, uint32_t rule)
{
    const debar_rule_t  *r = df->view[side]->data[DEBAR_T_RULES];

    return debar_ref_str(df->strings[side], r[rule].source);
}


static int
debar_same_str(debar_str_t a, debar_str_t b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}


/* Of one vendor and kind, both lists have it. */

static void
debar_diff_both(debar_differ_t *df, const debar_said_t *a, size_t na,
    const debar_said_t *b, size_t nb, debar_str_t text)
{
    int                  rc;
    size_t               i, k;
    unsigned             bits, sources, gone, come;
    debar_buf_t          note;
    const debar_said_t  *x, *y;

    memset(&note, 0, sizeof(debar_buf_t));
    x = y = NULL;
    sources = gone = come = 0;

    for (i = 0, k = 0; i < na || k < nb; /* void */ ) {
        rc = i == na ? 1 : k == nb ? -1 : debar_said_cmp(&a[i], &b[k]);

        if (rc < 0) {
            x = &a[i++];
            gone++;

        } else if (rc > 0) {
            y = &b[k++];
            come++;

        } else {
            sources |= !debar_same_str(debar_rule_source(df, 0, a[i].rule),
                                       debar_rule_source(df, 1, b[k].rule));
            i++;
            k++;
        }
    }

    if (gone == 0 && come == 0) {
        if (sources) {
            debar_buf_printf(&note, "another source");
            debar_diff_add(df, DEBAR_EFFECT_NONE, DEBAR_DIFF_CHANGED, a->what,
                           a->vendor, text, debar_str(note.data, note.len));
        }

        debar_buf_free(&note);
        return;
    }

    bits = (gone ? 1 : 0) | (come ? 2 : 0);

    if (gone == 1 && come == 1) {
        bits = debar_diff_meanings(df, &df->meanings[x->meaning],
                                   &df->meanings[y->meaning], &note);

        if (x->match != y->match) {
            debar_note(&note);
            debar_buf_printf(&note, "%s", y->match == DEBAR_TERM_ANYWHERE
                             ? "now found inside longer words"
                             : "now found as a whole word only");
            bits |= y->match == DEBAR_TERM_ANYWHERE ? 2 : 1;
        }

    } else {
        debar_buf_printf(&note, "%zu of its rules (were %zu)", nb, na);
    }

    debar_diff_add(df, bits == 1 ? DEBAR_EFFECT_LOOSER
                       : bits == 2 ? DEBAR_EFFECT_STRICTER : DEBAR_EFFECT_OTHER,
                   DEBAR_DIFF_CHANGED, a->what, a->vendor, text,
                   debar_str(note.data, note.len));
    debar_buf_free(&note);
}


/* One list alone has it: side 0 is the old one. */

static void
debar_diff_one(debar_differ_t *df, unsigned side, const debar_said_t *said,
    const debar_said_t *to, size_t nto, debar_str_t text)
{
    unsigned     effect;
    debar_buf_t  note;

    memset(&note, 0, sizeof(debar_buf_t));

    /* a name that is not the vendor's takes back, where others list */

    effect = said->what == DEBAR_DIFF_NOT_NAME
             ? debar_diff_lifting(df, side, said->vendor)
             : side ? DEBAR_EFFECT_STRICTER : DEBAR_EFFECT_LOOSER;

    debar_note_limits(df, &df->meanings[said->meaning], &note);

    if (debar_diff_covered(df, !side, said, text, &note)) {
        effect = DEBAR_EFFECT_NONE;

    } else if (side == 0) {
        debar_note_others(df, said->vendor, to, nto, &note);
    }

    debar_diff_add(df, effect, side ? DEBAR_DIFF_ADDED : DEBAR_DIFF_REMOVED,
                   said->what, said->vendor, text,
                   debar_str(note.data, note.len));
    debar_buf_free(&note);
}


/* All that both lists say of a key. */

void
debar_diff_key(debar_differ_t *df, debar_said_t *a, size_t na, debar_said_t *b,
    size_t nb, debar_str_t text)
{
    int     rc;
    size_t  i, k, x, y;

    qsort(a, na, sizeof(debar_said_t), debar_said_cmp);
    qsort(b, nb, sizeof(debar_said_t), debar_said_cmp);

    for (i = 0, k = 0; i < na || k < nb; i = x, k = y) {
        rc = i == na ? 1 : k == nb ? -1
             : a[i].vendor != b[k].vendor
               ? (a[i].vendor < b[k].vendor ? -1 : 1)
             : (a[i].what > b[k].what) - (a[i].what < b[k].what);

        for (x = i; rc <= 0 && x < na && a[x].vendor == a[i].vendor
                    && a[x].what == a[i].what; x++) { /* void */ }

        for (y = k; rc >= 0 && y < nb && b[y].vendor == b[k].vendor
                    && b[y].what == b[k].what; y++) { /* void */ }

        if (rc < 0) {
            debar_diff_one(df, 0, &a[i], b, nb, text);

        } else if (rc > 0) {
            debar_diff_one(df, 1, &b[k], b, nb, text);

        } else {
            debar_diff_both(df, a + i, x - i, b + k, y - k, text);
        }
    }
}


/* --- rows ---------------------------------------------------------------- */

static void
debar_walk_next(debar_walk_t *w, MDB_cursor_op op)
{
    w->more = mdb_cursor_get(w->cursor, &w->key, &w->value, op) == MDB_SUCCESS;
}


/* The rules of a row, or -1: it is none. */

static int
debar_walk_said(debar_differ_t *df, unsigned side, const debar_walk_t *w,
    debar_said_t *said, size_t *n)
{
    size_t     i, pad, rules;
    uint32_t   rule;

    pad = debar_row_pad(w->key.mv_size);

    if (w->value.mv_size < pad + 4 || (w->value.mv_size - pad) % 4
        || (w->value.mv_size - pad) / 4 > DEBAR_MAX_KEY_RULES + 1)
    {
        df->damage = "a row has no rules";
        return -1;
    }

    rules = (w->value.mv_size - pad) / 4;

    for (*n = 0, i = 0; i < rules; i++) {
        memcpy(&rule, (const char *) w->value.mv_data + pad + 4 * i, 4);

        if (rule == DEBAR_RULE_HAS_URLS) {
            continue;
        }

        if (rule >= df->view[side]->n[DEBAR_T_RULES]) {
            df->damage = "a row has a rule that does not exist";
            return -1;
        }

        memset(&said[*n], 0, sizeof(debar_said_t));
        said[*n].rule = rule;
        said[*n].meaning = df->meaning[side][rule];
        said[*n].vendor = df->meanings[said[*n].meaning].vendor;
        said[*n].what = df->meanings[said[*n].meaning].kind;
        (*n)++;
    }

    return 0;
}


/* Both have the key, and say the same in the same number of rules. */

static int
debar_walk_same(debar_differ_t *df, const debar_said_t *a, size_t na,
    const debar_said_t *b, size_t nb)
{
    return na == 1 && nb == 1 && a->meaning == b->meaning
           && debar_same_str(debar_rule_source(df, 0, a->rule),
                             debar_rule_source(df, 1, b->rule));
}


static int
debar_walk_key(debar_differ_t *df, unsigned db, const debar_walk_t *a,
    const debar_walk_t *b)
{
    size_t         na, nb;
    debar_buf_t    text;
    const MDB_val  *key;
    debar_said_t   x[DEBAR_MAX_KEY_RULES + 1], y[DEBAR_MAX_KEY_RULES + 1];

    na = nb = 0;

    if ((a && debar_walk_said(df, 0, a, x, &na))
        || (b && debar_walk_said(df, 1, b, y, &nb)))
    {
        return DEBAR_ERROR;
    }

    if ((na == 0 && nb == 0) || debar_walk_same(df, x, na, y, nb)) {
        return DEBAR_OK;
    }

    key = a ? &a->key : &b->key;
    memset(&text, 0, sizeof(debar_buf_t));
    debar_key_words(&text, db, key->mv_data, key->mv_size);
    debar_diff_key(df, x, na, y, nb, debar_str(text.data, text.len));
    debar_buf_free(&text);

    return DEBAR_OK;
}


static int
debar_walk_cmp(const debar_walk_t *a, const debar_walk_t *b)
{
    int     rc;
    size_t  n;

    if (!a->more || !b->more) {
        return a->more ? -1 : 1;
    }

    n = a->key.mv_size < b->key.mv_size ? a->key.mv_size : b->key.mv_size;
    rc = memcmp(a->key.mv_data, b->key.mv_data, n);

    return rc ? rc : (a->key.mv_size > b->key.mv_size)
                     - (a->key.mv_size < b->key.mv_size);
}


static int
debar_walk_db(debar_differ_t *df, unsigned db, debar_walk_t w[2])
{
    int  rc;

    debar_walk_next(&w[0], MDB_FIRST);
    debar_walk_next(&w[1], MDB_FIRST);

    while (w[0].more || w[1].more) {
        rc = debar_walk_cmp(&w[0], &w[1]);

        if (debar_walk_key(df, db, rc <= 0 ? &w[0] : NULL,
                           rc >= 0 ? &w[1] : NULL)
            != DEBAR_OK)
        {
            return DEBAR_ERROR;
        }

        if (rc <= 0) {
            debar_walk_next(&w[0], MDB_NEXT);
        }

        if (rc >= 0) {
            debar_walk_next(&w[1], MDB_NEXT);
        }

        if (++df->walked % DEBAR_WALK_TELL == 0 && df->progress) {
            df->progress(df->data, "compared", df->walked);
        }
    }

    return DEBAR_OK;
}


int
debar_diff_rows(debar_differ_t *df)
{
    int           rc;
    unsigned      db, k;
    debar_walk_t  w[2];

    for (rc = DEBAR_OK, db = 0; rc == DEBAR_OK && db < DEBAR_DBS; db++) {
        memset(w, 0, sizeof(w));

        for (k = 0; k < 2; k++) {
            if (mdb_cursor_open(df->s[k]->txn, df->s[k]->dbi[db],
                                &w[k].cursor)
                != MDB_SUCCESS)
            {
                df->damage = "a table of rows cannot be opened";
                rc = DEBAR_ERROR;
            }
        }

        if (rc == DEBAR_OK) {
            rc = debar_walk_db(df, db, w);
        }

        for (k = 0; k < 2; k++) {
            if (w[k].cursor) {
                mdb_cursor_close(w[k].cursor);
            }
        }
    }

    return rc;
}
