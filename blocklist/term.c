/*
 * The term index: opening, and what a match is (term_scan.c finds them).
 */

#include "term_private.h"


#define DEBAR_TERM_WAYS   48      /* beginnings of three bytes that are few */


/* --- opening ------------------------------------------------------------- */

/* The next n things of some bytes, or NULL. */

static const void *
debar_term_take(const char **p, size_t *left, size_t n, size_t bytes)
{
    const void  *data = *p;

    if (n > *left / bytes) {
        return NULL;
    }

    *p += n * bytes;
    *left -= n * bytes;

    return data;
}


static int
debar_term_parts(debar_term_index_t *ti, const char *p, size_t left)
{
    size_t                     i, n;
    const debar_term_head_t   *h;
    const debar_term_shape_t  *s;

    h = debar_term_take(&p, &left, 1, sizeof(*h));

    if (h == NULL || h->keys == 0 || h->keys > 26 || h->homes == 0
        || h->nentries <= h->homes || h->nterms != ti->nterms)
    {
        return DEBAR_ERROR;
    }

    ti->head = h;

    for (i = 0, n = 0; i < DEBAR_TERM_TRIES; i++) {
        s = &h->shape[i];

        if (s->strides == 0 || s->strides > 26 || s->ends == 0 || s->ends > 26
            || s->gate < 7 || s->gate > 31
            || s->width < DEBAR_MIN_TERM || s->width >= DEBAR_TERM_STRIDE)
        {
            return DEBAR_ERROR;
        }

        n += s->nterms;
        ti->gate[i] = debar_term_take(&p, &left, (size_t) 1 << (s->gate - 5),
                                      sizeof(uint32_t));
        ti->strides[i] = debar_term_take(&p, &left, (size_t) 1 << s->strides,
                                         sizeof(uint64_t));
        ti->ends[i] = debar_term_take(&p, &left, (size_t) 1 << s->ends,
                                      sizeof(uint64_t));

        if (ti->gate[i] == NULL || ti->strides[i] == NULL || ti->ends[i] == NULL) {
            return DEBAR_ERROR;
        }
    }

    ti->keys = debar_term_take(&p, &left, (size_t) 1 << h->keys,
                               sizeof(uint64_t));
    ti->entries = debar_term_take(&p, &left, h->nentries,
                                  sizeof(debar_term_entry_t));
    ti->slots = debar_term_take(&p, &left, h->nslots,
                                sizeof(debar_term_slot_t));

    return ti->keys && ti->entries && ti->slots && left == 0
           && n == ti->nterms ? DEBAR_OK : DEBAR_ERROR;
}


/* What later code trusts: that searches end, and what refers to terms. */

static int
debar_term_sound(const debar_term_index_t *ti)
{
    size_t                     i;
    uint32_t                   what;
    const debar_term_head_t   *h = ti->head;

    for (i = 0; i < h->nentries; i++) {
        what = ti->entries[i].what;

        if ((DEBAR_TERM_KIND(what) == DEBAR_TERM_ONE
             && (DEBAR_TERM_INDEX(what) >= ti->nterms
                 || ti->entries[i].size < DEBAR_MIN_TERM))
            || (DEBAR_TERM_KIND(what) == DEBAR_TERM_FEW
                && DEBAR_TERM_INDEX(what) >= h->nslots))
        {
            return 0;
        }
    }

    for (i = 0; i < h->nslots; i++) {
        if ((ti->slots[i].term & ~DEBAR_TERM_LAST) >= ti->nterms) {
            return 0;
        }
    }

    for (i = 0; i < ti->nterms; i++) {
        if (ti->terms[i].text.len < DEBAR_MIN_TERM) {
            return 0;
        }
    }

    return DEBAR_TERM_KIND(ti->entries[h->nentries - 1].what)
           == DEBAR_TERM_FREE
           && (h->nslots == 0 || ti->slots[h->nslots - 1].term
                                 & DEBAR_TERM_LAST);
}


/* How the terms begin that may be anywhere: eight groups of three bytes. */

static void
debar_term_ways(debar_term_index_t *ti)
{
#if (defined __x86_64__)
    char                ways[DEBAR_TERM_WAYS][3];
    size_t              i, j, n;
    unsigned            k;
    const char         *p;
    unsigned char       c;

    for (i = 0, n = 0; i < ti->nterms; i++) {

        if (ti->terms[i].match != DEBAR_TERM_ANYWHERE) {
            continue;
        }

        p = ti->strings + ti->terms[i].text.off;

        for (j = 0; j < n && memcmp(ways[j], p, 3) != 0; j++) { /* void */ }

        if (j < n) {
            continue;
        }

        if (n == DEBAR_TERM_WAYS) {
            return;
        }

        memcpy(ways[n], p, 3);

        for (k = 0; k < 3; k++) {
            c = p[k];
            ti->low[k][c & 15] |= 1u << (n % 8);
            ti->high[k][c >> 4] |= 1u << (n % 8);
        }

        n++;
    }

    ti->few = __builtin_cpu_supports("ssse3") != 0;
#endif
}


int
debar_term_index_open(debar_term_index_t *ti, const void *data, size_t len,
    const debar_term_t *terms, size_t nterms, const char *strings)
{
    size_t  i;

    memset(ti, 0, sizeof(*ti));

    ti->terms = terms;
    ti->nterms = nterms;
    ti->strings = strings;

    if ((uintptr_t) data % sizeof(uint64_t)
        || debar_term_parts(ti, data, len) != DEBAR_OK
        || !debar_term_sound(ti))
    {
        return DEBAR_ERROR;
    }

    for (i = 0; i < nterms; i++) {
        if (terms[i].match == DEBAR_TERM_NOT
            && terms[i].text.len > ti->longest_not)
        {
            ti->longest_not = terms[i].text.len;
        }
    }

    if (ti->head->shape[DEBAR_TERM_ANYWHERE].nterms) {
        debar_term_ways(ti);
    }

    return DEBAR_OK;
}


/* --- what a match is ------------------------------------------------------ */

int
debar_term_fits(const debar_term_index_t *ti, const debar_term_t *t,
    const char *text, size_t len, size_t off)
{
    size_t  n = t->text.len;

    if (n > len - off
        || memcmp(text + off, ti->strings + t->text.off, n) != 0)
    {
        return 0;
    }

    if (t->match == DEBAR_TERM_ANYWHERE) {
        return 1;
    }

    return (off == 0 || debar_term_edge(text[off - 1]))
           && (off + n == len || debar_term_edge(text[off + n]));
}


int
debar_term_scan_slow(const debar_term_index_t *ti,
    const debar_entry_t *entries, const debar_rule_t *rules, const char *text,
    size_t len, debar_term_pt handler, void *data)
{
    int                  rc, hidden;
    size_t               off, p, i, j;
    const debar_term_t  *t, *not;

    for (off = 0; off < len; off++) {
        for (i = 0; i < ti->nterms; i++) {
            t = &ti->terms[i];

            if (t->match == DEBAR_TERM_NOT
                || !debar_term_fits(ti, t, text, len, off))
            {
                continue;
            }

            hidden = 0;

            for (j = 0; j < ti->nterms; j++) {
                not = &ti->terms[j];

                if (not->match != DEBAR_TERM_NOT
                    || rules[not->rule].entry != rules[t->rule].entry)
                {
                    continue;
                }

                for (p = 0; p <= off; p++) {
                    hidden |= debar_term_fits(ti, not, text, len, p)
                              && p + not->text.len >= off + t->text.len;
                }
            }

            if (hidden) {
                continue;
            }

            rc = handler(data, i, off, t->text.len);

            if (rc != DEBAR_OK) {
                return rc;
            }
        }
    }

    return DEBAR_OK;
}
