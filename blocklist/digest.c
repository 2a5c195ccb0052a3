/*
 * The digest of a list: SHA-256 over lines of text, which KEYSPACE.md gives.
 * Rules are numbered by their own lines, not by where a table has them.
 */

#include "digest_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>


#define DEBAR_DIGEST_BLOCK  (1 << 20)
#define DEBAR_DIGEST_ROW    (4 * DEBAR_MAX_KEY + 16 + 12 * DEBAR_MAX_KEY_RULES)


typedef struct {
    debar_buf_t    text;
    size_t        *at;            /* where lines begin, and the end */
    size_t         n;
    size_t         size;
} debar_lines_t;

typedef struct {
    const char    *data;
    size_t         len;
    uint32_t       i;
} debar_line_t;


static int debar_digest_rules(debar_digest_t *d, const uint8_t *used);
static int debar_digest_table(debar_digest_t *d, unsigned which,
    debar_line_pt line);
static int debar_digest_lines(debar_digest_t *d, debar_lines_t *l,
    uint32_t *numbers);


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
    { DEBAR_T_RELAYS, debar_line_relay },
    { DEBAR_T_MARKS, debar_line_mark }
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


int
debar_digest_ranks(debar_ranks_t *r, const debar_view_t *v)
{
    size_t               i, n;
    debar_line_t        *line;
    debar_lines_t        l;
    debar_digest_t       d;
    const debar_rule_t  *rules = v->data[DEBAR_T_RULES];

    memset(r, 0, sizeof(debar_ranks_t));
    memset(&l, 0, sizeof(debar_lines_t));
    memset(&d, 0, sizeof(debar_digest_t));

    n = v->n[DEBAR_T_RULES];
    d.view = v;
    d.strings = v->data[DEBAR_T_STRINGS];

    line = malloc((n + 1) * sizeof(debar_line_t));
    r->rank = malloc((n + 1) * sizeof(uint32_t));
    r->first = malloc((n + 1) * sizeof(uint32_t));
    r->at = malloc((n + 1) * sizeof(size_t));

    if (line == NULL || r->rank == NULL || r->first == NULL || r->at == NULL
        || debar_digest_order(&d) != DEBAR_OK)
    {
        goto failed;
    }

    for (i = 0; i < n; i++) {
        debar_lines_begin(&l);
        debar_line_rule(&d, &l.text, &rules[i]);
    }

    for (i = 0; i < n; i++) {
        line[i].data = l.text.data + l.at[i];
        line[i].len = (i + 1 < n ? l.at[i + 1] : l.text.len) - l.at[i];
        line[i].i = (uint32_t) i;
    }

    qsort(line, n, sizeof(debar_line_t), debar_line_cmp);

    for (i = 0; i < n; i++) {
        if (i == 0 || debar_line_cmp(&line[i - 1], &line[i]) != 0) {
            r->at[r->n] = r->text.len;
            r->first[r->n++] = line[i].i;
            debar_buf_add(&r->text, line[i].data, line[i].len);
        }

        r->rank[line[i].i] = r->n - 1;

        if (line[i].i < r->first[r->n - 1]) {
            r->first[r->n - 1] = line[i].i;
        }
    }

    r->at[r->n] = r->text.len;

    free(line);
    free(d.order);
    debar_lines_free(&l);

    return DEBAR_OK;

failed:

    free(line);
    free(d.order);
    debar_lines_free(&l);
    debar_digest_ranks_free(r);

    return DEBAR_ERROR;
}


void
debar_digest_ranks_free(debar_ranks_t *r)
{
    free(r->rank);
    free(r->first);
    free(r->at);
    debar_buf_free(&r->text);
    memset(r, 0, sizeof(debar_ranks_t));
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
