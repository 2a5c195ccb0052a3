/*
 * The digest of a list: SHA-256 over lines of text, which KEYSPACE.md gives.
 * Rules are numbered by their own lines, not by where a table has them.
 */

#include "layout.h"

#include <inttypes.h>
#include <stdlib.h>
#include <openssl/evp.h>


#define DEBAR_DIGEST_BLOCK  (1 << 20)
#define DEBAR_DIGEST_ROW    (4 * DEBAR_MAX_KEY + 16 + 12 * DEBAR_MAX_KEY_RULES)


typedef struct {
    debar_buf_t    text;
    size_t        *at;            /* where each line begins; the last: the end */
    size_t         n;
    size_t         size;
} debar_lines_t;

typedef struct {
    const char    *data;
    size_t         len;
    uint32_t       i;
} debar_line_t;

typedef struct {
    uint32_t       number;
    uint8_t        len;
    char           text[11];
} debar_ordinal_t;

struct debar_digest_s {
    EVP_MD_CTX         *md;
    const debar_view_t *view;
    const char         *strings;
    uint32_t           *order;    /* authorities by id */
    debar_ordinal_t    *ordinals; /* by rule */
    char               *block;
    size_t              fill;
    unsigned            failed;
};


typedef void (*debar_line_pt)(debar_digest_t *d, debar_buf_t *b,
    const void *record);


static int debar_digest_rules(debar_digest_t *d, const uint8_t *used);
static int debar_digest_table(debar_digest_t *d, unsigned which,
    debar_line_pt line);
static int debar_digest_lines(debar_digest_t *d, debar_lines_t *l,
    uint32_t *numbers);


/* 1: a byte that stands for itself in a line */

static inline int
debar_plain(uint8_t c)
{
    return c >= 0x20 && c <= 0x7e && c != '\\' && c != ',';
}


static size_t
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

static void
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


static int
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


static void
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


static void
debar_line_entry(debar_digest_t *d, debar_buf_t *b, const void *record)
{
    const debar_entry_t  *e = record;

    debar_buf_printf(b, "entry");
    debar_line_ref(d, b, e->id);
    debar_line_ref(d, b, e->name);
    debar_line_authorities(d, b, e->authorities);
}


static void
debar_line_product(debar_digest_t *d, debar_buf_t *b, const void *record)
{
    const debar_product_t  *p = record;

    debar_buf_printf(b, "product");
    debar_line_entry_id(d, b, p->entry);
    debar_line_ref(d, b, p->id);
    debar_line_ref(d, b, p->name);
}


static void
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


static void
debar_line_term(debar_digest_t *d, debar_buf_t *b, const void *record)
{
    const debar_term_t  *t = record;

    debar_buf_printf(b, "term");
    debar_line_ref(d, b, t->text);
    debar_line_ref(d, b, t->written);
    debar_buf_printf(b, "\t%u", t->match);
    debar_line_number(d, b, t->rule);
}


static void
debar_line_pattern(debar_digest_t *d, debar_buf_t *b, const void *record)
{
    const debar_pattern_t  *p = record;

    debar_buf_printf(b, "pattern");
    debar_line_ref(d, b, p->regex);
    debar_line_ref(d, b, p->written);
    debar_line_number(d, b, p->rule);
}


static void
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
}


static void
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
    debar_line_cidrs(d, b, w->client, w->nclients);
    debar_line_refs(d, b, w->user, w->nusers);
    debar_line_refs(d, b, w->order, w->norders);
    debar_line_refs(d, b, w->url, w->nurls);
    debar_line_ref(d, b, w->approved_by);
    debar_line_ref(d, b, w->why);
}


static void
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


static void
debar_line_word(debar_digest_t *d, debar_buf_t *b, const void *record)
{
    const debar_word_t  *w = record;

    debar_buf_printf(b, "word\t%u\t%u\t%u", w->use, w->value, w->methods);
    debar_line_ref(d, b, w->word);
}


static void
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


/* Sections behind the rules, in the order of the digest. */

static const struct {
    unsigned       which;
    debar_line_pt  line;
} debar_sections[] = {
    { DEBAR_T_TERMS, debar_line_term },
    { DEBAR_T_PATTERNS, debar_line_pattern },
    { DEBAR_T_PERMITS, debar_line_permit },
    { DEBAR_T_WAIVERS, debar_line_waiver },
    { DEBAR_T_RECIPES, debar_line_recipe },
    { DEBAR_T_WORDS, debar_line_word },
    { DEBAR_T_RELAYS, debar_line_relay }
};


static void
debar_digest_flush(debar_digest_t *d)
{
    if (d->fill && EVP_DigestUpdate(d->md, d->block, d->fill) != 1) {
        d->failed = 1;
    }

    d->fill = 0;
}


static void
debar_digest_add(debar_digest_t *d, const char *data, size_t len)
{
    if (len > DEBAR_DIGEST_BLOCK - d->fill) {
        debar_digest_flush(d);
    }

    if (len > DEBAR_DIGEST_BLOCK) {
        if (EVP_DigestUpdate(d->md, data, len) != 1) {
            d->failed = 1;
        }

        return;
    }

    memcpy(d->block + d->fill, data, len);
    d->fill += len;
}


static int
debar_digest_order(debar_digest_t *d)
{
    size_t                    i, k, n;
    uint32_t                  tmp;
    debar_str_t               x, y;
    const debar_authority_t  *a = d->view->data[DEBAR_T_AUTHORITIES];

    n = d->view->n[DEBAR_T_AUTHORITIES];

    d->order = malloc((n + 1) * sizeof(uint32_t));
    if (d->order == NULL) {
        return DEBAR_ERROR;
    }

    for (i = 0; i < n; i++) {
        d->order[i] = (uint32_t) i;

        for (k = i; k; k--) {
            x = debar_ref_str(d->strings, a[d->order[k - 1]].id);
            y = debar_ref_str(d->strings, a[d->order[k]].id);

            if (debar_str_cmp(&x, &y) <= 0) {
                break;
            }

            tmp = d->order[k];
            d->order[k] = d->order[k - 1];
            d->order[k - 1] = tmp;
        }
    }

    return DEBAR_OK;
}


static void
debar_digest_head(debar_digest_t *d, const debar_head_t *head)
{
    debar_buf_t  b;

    memset(&b, 0, sizeof(debar_buf_t));

    debar_buf_printf(&b, "debar-list\t1\nlist");
    debar_line_str(&b, head->title);
    debar_line_str(&b, head->publisher);
    debar_line_str(&b, head->timezone);
    debar_buf_printf(&b, "\t%" PRIu64 "\t%" PRId64 "\n", head->serial,
                     head->expires);

    debar_digest_add(d, b.data, b.len);
    debar_buf_free(&b);
}


debar_digest_t *
debar_digest_start(const debar_head_t *head, const debar_view_t *v,
    const uint8_t *used)
{
    size_t           i;
    debar_digest_t  *d;

    d = calloc(1, sizeof(debar_digest_t));
    if (d == NULL) {
        return NULL;
    }

    d->view = v;
    d->strings = v->data[DEBAR_T_STRINGS];
    d->md = EVP_MD_CTX_new();
    d->block = malloc(DEBAR_DIGEST_BLOCK);
    d->ordinals = calloc(v->n[DEBAR_T_RULES] + 1, sizeof(debar_ordinal_t));

    if (d->md == NULL || d->block == NULL || d->ordinals == NULL
        || EVP_DigestInit_ex(d->md, EVP_sha256(), NULL) != 1
        || debar_digest_order(d) != DEBAR_OK)
    {
        goto failed;
    }

    debar_digest_head(d, head);

    if (debar_digest_table(d, DEBAR_T_AUTHORITIES, debar_line_authority)
        || debar_digest_table(d, DEBAR_T_ENTRIES, debar_line_entry)
        || debar_digest_table(d, DEBAR_T_PRODUCTS, debar_line_product)
        || debar_digest_rules(d, used))
    {
        goto failed;
    }

    for (i = 0; i < sizeof(debar_sections) / sizeof(debar_sections[0]); i++) {
        if (debar_digest_table(d, debar_sections[i].which,
                               debar_sections[i].line))
        {
            goto failed;
        }
    }

    return d;

failed:

    (void) debar_digest_end(d, NULL);

    return NULL;
}


static void
debar_lines_begin(debar_lines_t *l)
{
    size_t   *at;

    if (l->n + 2 > l->size) {
        l->size = l->size ? 2 * l->size : 64;

        at = realloc(l->at, l->size * sizeof(size_t));
        if (at == NULL) {
            abort();
        }

        l->at = at;
    }

    l->at[l->n++] = l->text.len;
}


static void
debar_lines_free(debar_lines_t *l)
{
    debar_buf_free(&l->text);
    free(l->at);
}


static int
debar_digest_table(debar_digest_t *d, unsigned which, debar_line_pt line)
{
    int             rc;
    size_t          i;
    const char     *p;
    debar_lines_t   l;

    memset(&l, 0, sizeof(debar_lines_t));

    for (p = d->view->data[which], i = 0; i < d->view->n[which]; i++) {
        debar_lines_begin(&l);
        line(d, &l.text, p + i * debar_record_size[which]);
        debar_buf_add(&l.text, "\n", 1);
    }

    rc = debar_digest_lines(d, &l, NULL);
    debar_lines_free(&l);

    return rc;
}


/*
 * The lines of rules that something refers to.  Each gets the number of its
 * line, from 1; rules that say the same share one.
 */

static int
debar_digest_rules(debar_digest_t *d, const uint8_t *used)
{
    int                     rc;
    size_t                  i, n;
    uint8_t                *in_use;
    uint32_t               *rules, *numbers;
    debar_lines_t           l;
    const debar_term_t     *t = d->view->data[DEBAR_T_TERMS];
    const debar_rule_t     *r = d->view->data[DEBAR_T_RULES];
    const debar_pattern_t  *p = d->view->data[DEBAR_T_PATTERNS];

    memset(&l, 0, sizeof(debar_lines_t));
    rc = DEBAR_ERROR;
    n = d->view->n[DEBAR_T_RULES];

    in_use = malloc(n / 8 + 1);
    rules = malloc((n + 1) * sizeof(uint32_t));
    numbers = malloc((n + 1) * sizeof(uint32_t));

    if (in_use == NULL || rules == NULL || numbers == NULL) {
        goto done;
    }

    memcpy(in_use, used, n / 8 + 1);

    for (i = 0; i < d->view->n[DEBAR_T_TERMS]; i++) {
        debar_bit_set(in_use, t[i].rule);
    }

    for (i = 0; i < d->view->n[DEBAR_T_PATTERNS]; i++) {
        debar_bit_set(in_use, p[i].rule);
    }

    for (i = 0; i < n; i++) {
        if (debar_bit(in_use, (unsigned) i)) {
            rules[l.n] = (uint32_t) i;
            debar_lines_begin(&l);
            debar_line_rule(d, &l.text, &r[i]);
            debar_buf_add(&l.text, "\n", 1);
        }
    }

    rc = debar_digest_lines(d, &l, numbers);

    for (i = 0; rc == DEBAR_OK && i < l.n; i++) {
        d->ordinals[rules[i]].number = numbers[i];
        d->ordinals[rules[i]].len = (uint8_t)
            snprintf(d->ordinals[rules[i]].text,
                     sizeof(d->ordinals[rules[i]].text), "%u", numbers[i]);
    }

done:

    debar_lines_free(&l);
    free(in_use);
    free(rules);
    free(numbers);

    return rc;
}


static int
debar_line_cmp(const void *one, const void *two)
{
    int                  rc;
    const debar_line_t  *a = one, *b = two;

    rc = memcmp(a->data, b->data, a->len < b->len ? a->len : b->len);
    if (rc) {
        return rc;
    }

    return a->len < b->len ? -1 : a->len > b->len;
}


/* Hashes lines in order, each once; numbers, if any: of each line, from 1. */

static int
debar_digest_lines(debar_digest_t *d, debar_lines_t *l, uint32_t *numbers)
{
    size_t         i;
    uint32_t       number;
    debar_line_t  *line;

    if (l->n == 0) {
        return DEBAR_OK;
    }

    l->at[l->n] = l->text.len;

    line = malloc(l->n * sizeof(debar_line_t));
    if (line == NULL) {
        return DEBAR_ERROR;
    }

    for (i = 0; i < l->n; i++) {
        line[i].data = l->text.data + l->at[i];
        line[i].len = l->at[i + 1] - l->at[i];
        line[i].i = (uint32_t) i;
    }

    qsort(line, l->n, sizeof(debar_line_t), debar_line_cmp);

    for (number = 0, i = 0; i < l->n; i++) {
        if (i == 0 || debar_line_cmp(&line[i - 1], &line[i]) != 0) {
            debar_digest_add(d, line[i].data, line[i].len);
            number++;
        }

        if (numbers) {
            numbers[line[i].i] = number;
        }
    }

    free(line);

    return DEBAR_OK;
}


static void
debar_digest_sort(uint32_t *v, size_t n)
{
    size_t    i, k;
    uint32_t  tmp;

    for (i = 1; i < n; i++) {
        tmp = v[i];

        for (k = i; k && v[k - 1] > tmp; k--) {
            v[k] = v[k - 1];
        }

        v[k] = tmp;
    }
}


/* The rules of a row by number; what the builder derived is left out. */

void
debar_digest_row(debar_digest_t *d, unsigned db, const uint8_t *key,
    size_t len, const uint32_t *rules, size_t n)
{
    char                   *o, *start;
    size_t                  i, k, nlen;
    uint32_t                numbers[DEBAR_MAX_KEY_RULES];
    const char             *name;
    const debar_ordinal_t  *ord;

    if (n && rules[n - 1] == DEBAR_RULE_HAS_URLS) {
        n--;
    }

    if (n == 0) {
        return;
    }

    if (d->fill + DEBAR_DIGEST_ROW > DEBAR_DIGEST_BLOCK) {
        debar_digest_flush(d);
    }

    start = d->block + d->fill;
    o = start;

    name = debar_named[DEBAR_NAMED_ROWS + db];
    nlen = strlen(name);

    memcpy(o, name, nlen);
    o += nlen;
    *o++ = '\t';

    o += debar_escape(o, key, len);
    *o++ = '\t';

    if (n == 1) {
        ord = &d->ordinals[rules[0]];
        memcpy(o, ord->text, ord->len);
        o += ord->len;

    } else {
        for (i = 0; i < n; i++) {
            numbers[i] = d->ordinals[rules[i]].number;
        }

        debar_digest_sort(numbers, n);

        for (k = 0, i = 0; i < n; i++) {
            if (i == 0 || numbers[i] != numbers[i - 1]) {
                o += snprintf(o, 13, "%s%u", k++ ? "," : "", numbers[i]);
            }
        }
    }

    *o++ = '\n';
    d->fill += (size_t) (o - start);
}


int
debar_digest_end(debar_digest_t *d, char digest[65])
{
    int            rc;
    unsigned       i, len;
    unsigned char  out[EVP_MAX_MD_SIZE];

    rc = DEBAR_ERROR;

    if (digest) {
        debar_digest_flush(d);

        if (!d->failed && EVP_DigestFinal_ex(d->md, out, &len) == 1) {
            for (i = 0; i < 32; i++) {
                (void) snprintf(digest + 2 * i, 3, "%02x", out[i]);
            }

            rc = DEBAR_OK;
        }
    }

    EVP_MD_CTX_free(d->md);
    free(d->block);
    free(d->ordinals);
    free(d->order);
    free(d);

    return rc;
}
