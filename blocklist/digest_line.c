/*
 * Records of a list as lines of text, for the digest.  KEYSPACE.md has the
 * fields; what is written here is hashed, so it never changes within a format.
 */

#include "digest_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>


/* 1: a byte that stands for itself in a line */

static inline int
debar_plain(uint8_t c)
{
    return c >= 0x20 && c <= 0x7e && c != '\\' && c != ',';
}


size_t
debar_escape(char *out, const uint8_t *p, size_t len)
{
    char               *o = out;
    const uint8_t      *end = p + len;
    static const char   hex[] = "0123456789abcdef";

    for ( /* void */ ; p < end; p++) {
        if (debar_plain(*p)) {
            *o++ = (char) *p;
            continue;
        }

        *o++ = '\\';
        *o++ = 'x';
        *o++ = hex[*p >> 4];
        *o++ = hex[*p & 15];
    }

    return (size_t) (o - out);
}


static void
debar_line_bytes(debar_buf_t *b, const void *data, size_t len)
{
    char            out[4 * 256];
    size_t          n;
    const uint8_t  *p = data;

    while (len) {
        n = len < 256 ? len : 256;
        debar_buf_add(b, out, debar_escape(out, p, n));
        p += n;
        len -= n;
    }
}


/* A field of a line: a tab and the text. */

void
debar_line_str(debar_buf_t *b, debar_str_t s)
{
    debar_buf_add(b, "\t", 1);
    debar_line_bytes(b, s.data, s.len);
}


static void
debar_line_ref(debar_digest_t *d, debar_buf_t *b, debar_ref_t r)
{
    debar_line_str(b, debar_ref_str(d->strings, r));
}


static void
debar_line_authorities(debar_digest_t *d, debar_buf_t *b, uint64_t mask)
{
    size_t                    i, n;
    debar_str_t               id;
    const debar_authority_t  *a = d->view->data[DEBAR_T_AUTHORITIES];

    debar_buf_add(b, "\t", 1);

    for (n = 0, i = 0; i < d->view->n[DEBAR_T_AUTHORITIES]; i++) {
        if (!((mask >> d->order[i]) & 1)) {
            continue;
        }

        if (n++) {
            debar_buf_add(b, ",", 1);
        }

        id = debar_ref_str(d->strings, a[d->order[i]].id);
        debar_line_bytes(b, id.data, id.len);
    }
}


static void
debar_line_entry_id(debar_digest_t *d, debar_buf_t *b, uint32_t entry)
{
    const debar_entry_t  *e = d->view->data[DEBAR_T_ENTRIES];

    debar_line_ref(d, b, e[entry].id);
}


/* A product is known by its entry, which the line names as well. */

static void
debar_line_product_id(debar_digest_t *d, debar_buf_t *b, uint32_t product)
{
    const debar_product_t  *p = d->view->data[DEBAR_T_PRODUCTS];

    if (product == DEBAR_NONE) {
        debar_buf_add(b, "\t", 1);
        return;
    }

    debar_line_ref(d, b, p[product].id);
}


int
debar_str_cmp(const void *one, const void *two)
{
    int                 rc;
    const debar_str_t  *a = one, *b = two;

    rc = memcmp(a->data, b->data, a->len < b->len ? a->len : b->len);
    if (rc) {
        return rc;
    }

    return a->len < b->len ? -1 : a->len > b->len;
}


/* Members as one field, sorted. */

static void
debar_line_sorted(debar_buf_t *b, debar_str_t *list, size_t n)
{
    size_t  i;

    qsort(list, n, sizeof(debar_str_t), debar_str_cmp);

    debar_buf_add(b, "\t", 1);

    for (i = 0; i < n; i++) {
        if (i) {
            debar_buf_add(b, ",", 1);
        }

        debar_line_bytes(b, list[i].data, list[i].len);
    }
}


static void
debar_line_refs(debar_digest_t *d, debar_buf_t *b, uint32_t at, uint32_t n)
{
    uint32_t            i;
    debar_str_t        *list;
    const debar_ref_t  *refs = d->view->data[DEBAR_T_REFS];

    list = malloc((n + 1) * sizeof(debar_str_t));
    if (list == NULL) {
        d->failed = 1;
        return;
    }

    for (i = 0; i < n; i++) {
        list[i] = debar_ref_str(d->strings, refs[at + i]);
    }

    debar_line_sorted(b, list, n);
    free(list);
}


static void
debar_line_cidrs(debar_digest_t *d, debar_buf_t *b, uint32_t at, uint32_t n)
{
    char                (*text)[40];
    unsigned              k;
    uint32_t              i;
    debar_str_t          *list;
    const debar_cidr_t   *c = d->view->data[DEBAR_T_CIDRS];

    list = malloc((n + 1) * sizeof(debar_str_t));
    text = malloc((n + 1) * sizeof(*text));

    if (list == NULL || text == NULL) {
        d->failed = 1;
        goto done;
    }

    for (i = 0; i < n; i++) {
        for (k = 0; k < 16; k++) {
            (void) snprintf(text[i] + 2 * k, 3, "%02x", c[at + i].addr[k]);
        }

        (void) snprintf(text[i] + 32, 8, "/%u", c[at + i].bits & 255);
        list[i] = debar_str(text[i], strlen(text[i]));
    }

    debar_line_sorted(b, list, n);

done:

    free(list);
    free(text);
}


void
debar_line_authority(debar_digest_t *d, debar_buf_t *b, const void *record)
{
    uint32_t                  i;
    unsigned                  k;
    const debar_phase_t      *ph;
    const debar_authority_t  *a = record;

    debar_buf_printf(b, "authority");
    debar_line_ref(d, b, a->id);
    debar_line_ref(d, b, a->title);
    debar_line_ref(d, b, a->url);
    debar_buf_printf(b, "\t%u\t", a->in_force);

    ph = (const debar_phase_t *) d->view->data[DEBAR_T_PHASES] + a->phase;

    for (i = 0; i < a->nphases; i++) {
        debar_buf_printf(b, "%s%" PRId64, i ? "," : "", ph[i].from);

        for (k = 0; k < DEBAR_ACTIVITIES; k++) {
            debar_buf_printf(b, ":%s", debar_action_name(ph[i].action[k]));
        }
    }
}


void
debar_line_entry(debar_digest_t *d, debar_buf_t *b, const void *record)
{
    const debar_entry_t  *e = record;

    debar_buf_printf(b, "entry");
    debar_line_ref(d, b, e->id);
    debar_line_ref(d, b, e->name);
    debar_line_authorities(d, b, e->authorities);
}


void
debar_line_product(debar_digest_t *d, debar_buf_t *b, const void *record)
{
    const debar_product_t  *p = record;

    debar_buf_printf(b, "product");
    debar_line_entry_id(d, b, p->entry);
    debar_line_ref(d, b, p->id);
    debar_line_ref(d, b, p->name);
}


void
debar_line_rule(debar_digest_t *d, debar_buf_t *b, const void *record)
{
    const debar_rule_t  *r = record;

    debar_buf_printf(b, "rule");
    debar_line_entry_id(d, b, r->entry);
    debar_line_product_id(d, b, r->product);
    debar_buf_printf(b, "\t%s\t%s\t%s\t%u", debar_kind_name(r->kind),
                     debar_action_name(r->cap), debar_activity_name(r->floor),
                     r->flags);
    debar_line_authorities(d, b, r->authorities);
    debar_line_ref(d, b, r->source);
}


static void
debar_line_number(debar_digest_t *d, debar_buf_t *b, uint32_t rule)
{
    debar_buf_printf(b, "\t%u", d->ordinals[rule].number);
}


void
debar_line_term(debar_digest_t *d, debar_buf_t *b, const void *record)
{
    const debar_term_t  *t = record;

    debar_buf_printf(b, "term");
    debar_line_ref(d, b, t->text);
    debar_line_ref(d, b, t->written);
    debar_buf_printf(b, "\t%u", t->match);
    debar_line_number(d, b, t->rule);
}


void
debar_line_pattern(debar_digest_t *d, debar_buf_t *b, const void *record)
{
    const debar_pattern_t  *p = record;

    debar_buf_printf(b, "pattern");
    debar_line_ref(d, b, p->regex);
    debar_line_ref(d, b, p->written);
    debar_line_number(d, b, p->rule);
}


void
debar_line_permit(debar_digest_t *d, debar_buf_t *b, const void *record)
{
    const debar_permit_t  *p = record;

    debar_buf_printf(b, "permit");
    debar_line_entry_id(d, b, p->entry);
    debar_line_authorities(d, b, p->authorities);
    debar_line_ref(d, b, p->key);
    debar_line_ref(d, b, p->why);
    debar_line_ref(d, b, p->sha256);
    debar_line_ref(d, b, p->product);
    debar_buf_printf(b, "\t%u", p->subdomains);

    if (p->from || p->until) {
        debar_buf_printf(b, "\t%u\t%u", p->from, p->until);
    }
}


void
debar_line_scope(debar_digest_t *d, debar_buf_t *b, const void *record)
{
    const debar_waiver_t  *w = record;

    debar_line_cidrs(d, b, w->client, w->nclients);
    debar_line_refs(d, b, w->user, w->nusers);
    debar_line_refs(d, b, w->order, w->norders);
    debar_line_refs(d, b, w->url, w->nurls);
}


void
debar_line_waiver(debar_digest_t *d, debar_buf_t *b, const void *record)
{
    const debar_waiver_t  *w = record;

    debar_buf_printf(b, "waiver");
    debar_line_ref(d, b, w->id);
    debar_line_entry_id(d, b, w->entry);
    debar_line_product_id(d, b, w->product);
    debar_line_authorities(d, b, w->authorities);
    debar_buf_printf(b, "\t%" PRId64 "\t%" PRId64 "\t%u", w->from, w->until,
                     w->activities);
    debar_line_scope(d, b, w);
    debar_line_ref(d, b, w->approved_by);
    debar_line_ref(d, b, w->why);
}


void
debar_line_recipe(debar_digest_t *d, debar_buf_t *b, const void *record)
{
    uint32_t               i;
    debar_buf_t           *parts;
    debar_str_t           *list;
    const debar_cond_t    *c = d->view->data[DEBAR_T_CONDS];
    const debar_recipe_t  *r = record;

    debar_buf_printf(b, "recipe");
    debar_line_ref(d, b, r->channel);
    debar_line_ref(d, b, r->step);
    debar_line_ref(d, b, r->path);
    debar_buf_printf(b, "\t%u\t%s", r->methods,
                     debar_activity_name(r->activity));
    debar_line_refs(d, b, r->host, r->nhosts);

    /* a pair of patterns is a member: escaped once by itself, and once more */

    list = malloc((r->nconds + 1) * sizeof(debar_str_t));
    parts = calloc(r->nconds + 1, sizeof(debar_buf_t));

    if (list == NULL || parts == NULL) {
        d->failed = 1;
        goto done;
    }

    for (i = 0; i < r->nconds; i++) {
        debar_line_ref(d, &parts[i], c[r->cond + i].key);
        debar_line_ref(d, &parts[i], c[r->cond + i].value);
        list[i] = debar_str(parts[i].data, parts[i].len);
    }

    debar_line_sorted(b, list, r->nconds);

    for (i = 0; i < r->nconds; i++) {
        debar_buf_free(&parts[i]);
    }

done:

    free(list);
    free(parts);
}


void
debar_line_word(debar_digest_t *d, debar_buf_t *b, const void *record)
{
    const debar_word_t  *w = record;

    debar_buf_printf(b, "word\t%u\t%u\t%u", w->use, w->value, w->methods);
    debar_line_ref(d, b, w->word);
}


void
debar_line_relay(debar_digest_t *d, debar_buf_t *b, const void *record)
{
    const debar_relay_t  *r = record;

    debar_buf_printf(b, "relay");
    debar_line_ref(d, b, r->channel);
    debar_line_ref(d, b, r->host);
    debar_line_ref(d, b, r->path);
    debar_line_ref(d, b, r->key);
    debar_buf_printf(b, "\t%u", r->name_only);
}


void
debar_line_mark(debar_digest_t *d, debar_buf_t *b, const void *record)
{
    const debar_mark_t  *m = record;

    debar_buf_printf(b, "mark");
    debar_line_ref(d, b, m->format);
    debar_buf_printf(b, "\t%u\t%u\t%u", m->syntaxes, m->use, m->role);
    debar_line_ref(d, b, m->path);
    debar_line_ref(d, b, m->when);
    debar_line_ref(d, b, m->value);
}
