/*
 * The whole of a snapshot, read from the file alone: every page, every row,
 * what was derived from them, and the digest.
 *
 * Two threads walk it at once.  The digest has to know which rules are in use,
 * which the other walk finds out; all of them are, but in lists made by other
 * means, so it takes that for granted and is made again if it was not so.
 */

#include "layout.h"
#include "term.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>


typedef struct {
    debar_snapshot_t    *s;
    const debar_head_t  *as;
    uint8_t             *used;
    debar_fill_t       filter[2];
    uint8_t            networks[DEBAR_NET_BITMAP];
    uint8_t            labels[DEBAR_LABEL_BITMAP];
    unsigned           db;
    const uint8_t     *url;       /* the last one whose host was looked up */
    size_t             url_host;
} debar_verify_t;

typedef struct {
    const debar_snapshot_t  *s;
    const debar_pages_t     *pages;
    const uint8_t           *used;
    const debar_head_t      *as;          /* other serial and expiry, or NULL */
    debar_digest_t          *digest;
    unsigned                 db;
    char                     text[65];
    const char              *why;
} debar_digesting_t;


static const char *debar_verify_pages(debar_verify_t *v, debar_pages_t *pages);
static const char *debar_verify_row(void *data, const uint8_t *key,
    size_t klen, const uint8_t *value, size_t vlen);
static const char *debar_verify_key(debar_verify_t *v, const uint8_t *key,
    size_t klen, unsigned has_urls);
static const char *debar_verify_url(debar_verify_t *v, const uint8_t *key,
    size_t klen);
static const char *debar_digest_pair(void *data, const uint8_t *key,
    size_t klen, const uint8_t *value, size_t vlen);
static const char *debar_verify_derived(debar_verify_t *v);
static int debar_verify_file(debar_snapshot_t *s, const debar_head_t *as,
    char digest[65], debar_fault_t *fault);
static const char *debar_verify_both(debar_verify_t *v, debar_pages_t *pages,
    char digest[65]);
static int debar_verify_all_used(const debar_verify_t *v);
static void *debar_verify_digest(void *data);


int
debar_snapshot_verify(debar_snapshot_t *s, debar_fault_t *fault)
{
    return debar_verify_file(s, NULL, NULL, fault);
}


int
debar_digest_as(debar_snapshot_t *s, uint64_t serial, int64_t expires,
    char digest[65], debar_fault_t *fault)
{
    debar_head_t  as;

    memset(&as, 0, sizeof(debar_head_t));
    as.serial = serial;
    as.expires = expires;

    return debar_verify_file(s, &as, digest, fault);
}


/* as: nothing is compared, the digest of the rows with those is given. */

static int
debar_verify_file(debar_snapshot_t *s, const debar_head_t *as,
    char digest[65], debar_fault_t *fault)
{
    void               *map;
    unsigned            i;
    const char         *why;
    debar_pages_t       pages;
    debar_verify_t      v;
    mdb_filehandle_t    fd;

    memset(&v, 0, sizeof(debar_verify_t));
    v.s = s;
    v.as = as;

    if (mdb_env_get_fd(s->env, &fd) != 0) {
        debar_fault(fault, "the list has no file");
        return DEBAR_ERROR;
    }

    map = mmap(NULL, s->meta.bytes, PROT_READ, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) {
        debar_fault(fault, "no memory to read the whole list");
        return DEBAR_ERROR;
    }

    (void) madvise(map, s->meta.bytes, MADV_WILLNEED);

    v.used = calloc(1, s->view.n[DEBAR_T_RULES] / 8 + 1);

    for (i = 0; i < 2; i++) {
        v.filter[i].n = s->view.n[DEBAR_T_HOST_FILTER + i];
        v.filter[i].words = debar_big_alloc(v.filter[i].n * sizeof(uint64_t));
    }

    if (v.used == NULL || v.filter[0].words == NULL
        || v.filter[1].words == NULL)
    {
        why = "no memory to read it";

    } else {
        why = debar_pages_open(&pages, map, s->meta.bytes);

        if (why == NULL) {
            why = debar_verify_both(&v, &pages, digest);
        }
    }

    free(v.used);
    free(v.filter[0].words);
    free(v.filter[1].words);
    munmap(map, s->meta.bytes);

    if (why) {
        debar_fault(fault, "the list of serial %llu is damaged: %s; build or "
                    "fetch it again", (unsigned long long) s->meta.serial,
                    why);
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


static const char *
debar_verify_both(debar_verify_t *v, debar_pages_t *pages, char digest[65])
{
    int                 rc;
    uint8_t            *all;
    size_t              n;
    pthread_t           tid;
    const char         *why;
    debar_digesting_t   d;

    n = v->s->view.n[DEBAR_T_RULES] / 8 + 1;

    all = malloc(n);
    if (all == NULL) {
        return "no memory to read it";
    }

    memset(all, 0xff, n);
    memset(&d, 0, sizeof(debar_digesting_t));
    d.s = v->s;
    d.pages = pages;
    d.used = all;
    d.as = v->as;

    rc = pthread_create(&tid, NULL, debar_verify_digest, &d);

    why = debar_verify_pages(v, pages);

    if (why == NULL) {
        why = debar_verify_derived(v);
    }

    if (rc == 0) {
        (void) pthread_join(tid, NULL);
    }

    free(all);

    if (why) {
        return why;
    }

    if (rc != 0 || !debar_verify_all_used(v)) {
        d.used = v->used;
        (void) debar_verify_digest(&d);
    }

    if (d.why) {
        return d.why;
    }

    if (digest) {
        memcpy(digest, d.text, 65);
        return NULL;
    }

    return strcmp(d.text, v->s->meta.digest) == 0
           ? NULL : "its digest is not that of its rows";
}


/* Whether each thing that a rule says is said by one in use. */

static int
debar_verify_all_used(const debar_verify_t *v)
{
    size_t                  i;
    uint8_t                *in_use;
    uint32_t                k;
    debar_ranks_t           r;
    const debar_view_t     *view = &v->s->view;
    const debar_term_t     *t = view->data[DEBAR_T_TERMS];
    const debar_pattern_t  *p = view->data[DEBAR_T_PATTERNS];

    if (debar_digest_ranks(&r, view) != DEBAR_OK) {
        return 0;
    }

    in_use = calloc(1, r.n / 8 + 1);
    k = 0;

    if (in_use) {
        for (i = 0; i < view->n[DEBAR_T_RULES]; i++) {
            if (debar_bit(v->used, (unsigned) i)) {
                debar_bit_set(in_use, r.rank[i]);
            }
        }

        for (i = 0; i < view->n[DEBAR_T_TERMS]; i++) {
            debar_bit_set(in_use, r.rank[t[i].rule]);
        }

        for (i = 0; i < view->n[DEBAR_T_PATTERNS]; i++) {
            debar_bit_set(in_use, r.rank[p[i].rule]);
        }

        while (k < r.n && debar_bit(in_use, k)) {
            k++;
        }
    }

    i = in_use && k == r.n;

    free(in_use);
    debar_digest_ranks_free(&r);

    return (int) i;
}


static const char *
debar_verify_pages(debar_verify_t *v, debar_pages_t *pages)
{
    const char  *why;

    for (v->db = 0; v->db < DEBAR_DBS; v->db++) {

        why = debar_pages_walk(pages, &pages->tree[DEBAR_NAMED_ROWS + v->db],
                               debar_verify_row, v);
        if (why) {
            return why;
        }
    }

    return NULL;
}


static const char *
debar_verify_row(void *data, const uint8_t *key, size_t klen,
    const uint8_t *value, size_t vlen)
{
    size_t           i, n, pad, nrules;
    const uint32_t  *rules;
    debar_verify_t  *v = data;

    pad = debar_row_pad(klen);

    if (vlen <= pad || (vlen - pad) % 4 || (uintptr_t) (value + pad) % 4) {
        return "the value of a row is not a list of rules";
    }

    rules = (const uint32_t *) (value + pad);
    n = (vlen - pad) / 4;

    if (n > DEBAR_MAX_KEY_RULES) {
        return "a row has too many rules";
    }

    nrules = v->s->view.n[DEBAR_T_RULES];

    for (i = 0; i < n; i++) {

        if (i && rules[i] <= rules[i - 1]) {
            return "the rules of a row are not in order";
        }

        if (rules[i] < nrules) {
            debar_bit_set(v->used, rules[i]);

        } else if (rules[i] != DEBAR_RULE_HAS_URLS
                   || v->db != DEBAR_DB_HOST)
        {
            return "a row names a rule that there is not";
        }
    }

    return debar_verify_key(v, key, klen,
                            rules[n - 1] == DEBAR_RULE_HAS_URLS);
}


static const char *
debar_verify_key(debar_verify_t *v, const uint8_t *key, size_t klen,
    unsigned has_urls)
{
    if (klen > DEBAR_MAX_KEY) {
        return "a key is too long";
    }

    switch (v->db) {

    case DEBAR_DB_HOST:
        debar_bit_set(v->labels, debar_key_labels(key, klen));
        debar_fill_add(&v->filter[0], key, klen);
        return NULL;

    case DEBAR_DB_URL:
        return debar_verify_url(v, key, klen);

    case DEBAR_DB_NETWORK:
        if (klen != 17 || key[16] > 128) {
            return "a network is not one";
        }

        debar_bit_set(v->networks, key[16]);
        return NULL;

    case DEBAR_DB_ASN:
        return klen == 4 ? NULL : "an AS number is not one";

    default:
        if (klen < 2 || key[0] == 0 || key[0] >= DEBAR_KINDS) {
            return "an identifier is not one";
        }

        debar_fill_add(&v->filter[1], key, klen);
        return NULL;
    }
}


/* The hosts have been walked before: LMDB may be asked. */

static const char *
debar_verify_url(debar_verify_t *v, const uint8_t *key, size_t klen)
{
    size_t           len, n;
    const uint8_t   *slash;
    const uint32_t  *rules;

    slash = memchr(key, '/', klen);
    if (slash == NULL || slash == key) {
        return "a URL has no host or no path";
    }

    len = (size_t) (slash - key);

    if (v->url && v->url_host == len && memcmp(v->url, key, len) == 0) {
        return NULL;
    }

    v->url = key;
    v->url_host = len;

    n = debar_snapshot_get(v->s, DEBAR_DB_HOST, key, len, &rules);

    if (n == 0 || rules[n - 1] != DEBAR_RULE_HAS_URLS) {
        return "the host of a URL does not say that it has one";
    }

    return NULL;
}


static const char *
debar_verify_derived(debar_verify_t *v)
{
    unsigned             i, same;
    debar_buf_t          index;
    const debar_view_t  *view = &v->s->view;

    for (i = 0; i < 2; i++) {
        debar_fill_end(&v->filter[i]);

        if (memcmp(v->filter[i].words, view->data[DEBAR_T_HOST_FILTER + i],
                   view->n[DEBAR_T_HOST_FILTER + i] * sizeof(uint64_t))
            != 0)
        {
            return "a filter is not that of its rows";
        }
    }

    if (memcmp(v->labels, v->s->labels, DEBAR_LABEL_BITMAP) != 0
        || memcmp(v->networks, v->s->networks, DEBAR_NET_BITMAP) != 0)
    {
        return "the counts of labels or prefixes are not those of its rows";
    }

    memset(&index, 0, sizeof(debar_buf_t));

    debar_term_index_build(&index, view->data[DEBAR_T_TERMS],
                           view->n[DEBAR_T_TERMS],
                           view->data[DEBAR_T_STRINGS]);

    same = index.len == view->n[DEBAR_T_TERM_INDEX]
           && (index.len == 0
               || memcmp(index.data, view->data[DEBAR_T_TERM_INDEX], index.len)
                  == 0);

    debar_buf_free(&index);

    return same ? NULL : "the term index is not that of its terms";
}


static void *
debar_verify_digest(void *data)
{
    debar_head_t        head;
    debar_digesting_t  *d = data;

    head.title = d->s->meta.title;
    head.publisher = d->s->meta.publisher;
    head.timezone = d->s->timezone;
    head.serial = d->s->meta.serial;
    head.expires = d->s->meta.expires;

    if (d->as) {
        head.serial = d->as->serial;
        head.expires = d->as->expires;
    }

    d->why = NULL;
    d->digest = debar_digest_start(&head, &d->s->view, d->used);

    if (d->digest == NULL) {
        d->why = "no memory to read it";
        return NULL;
    }

    for (d->db = 0; d->why == NULL && d->db < DEBAR_DBS; d->db++) {
        d->why = debar_pages_walk(d->pages,
                                  &d->pages->tree[DEBAR_NAMED_ROWS + d->db],
                                  debar_digest_pair, d);
    }

    if (debar_digest_end(d->digest, d->text) != DEBAR_OK && d->why == NULL) {
        d->why = "no memory to read it";
    }

    return NULL;
}


/* Looked at here too: the other walk may not have come so far. */

static const char *
debar_digest_pair(void *data, const uint8_t *key, size_t klen,
    const uint8_t *value, size_t vlen)
{
    size_t              i, n, nrules, pad = debar_row_pad(klen);
    const uint32_t     *rules;
    debar_digesting_t  *d = data;

    if (klen > DEBAR_MAX_KEY || vlen <= pad || (vlen - pad) % 4
        || (uintptr_t) (value + pad) % 4
        || vlen - pad > 4 * DEBAR_MAX_KEY_RULES)
    {
        return "the value of a row is not a list of rules";
    }

    rules = (const uint32_t *) (value + pad);
    n = (vlen - pad) / 4;
    nrules = d->s->view.n[DEBAR_T_RULES];

    for (i = 0; i < n; i++) {
        if (rules[i] >= nrules
            && (rules[i] != DEBAR_RULE_HAS_URLS || i + 1 < n))
        {
            return "a row names a rule that there is not";
        }
    }

    debar_digest_row(d->digest, d->db, key, klen, rules, n);

    return NULL;
}
