/*
 * Guard rails: see guard.h.
 */

#include <stdio.h>
#include <stdlib.h>
#include <unicode/uchar.h>
#include <unicode/uscript.h>
#include <unicode/utf8.h>

#include "guard.h"
#include "text.h"
#include "url.h"


#define DEBAR_GUARD_PAGES    256
#define DEBAR_GUARD_FITTED   500      /* sites that expressions are tried on */
#define DEBAR_GUARD_FREQUENT 2000     /* words that make no phrase a name */
#define DEBAR_GUARD_INSIDE   16       /* letters of the longest word that names
                                         are looked for in, and more */
#define DEBAR_GUARD_ABOVE    UINT64_MAX

typedef struct {
    char     *what;               /* in errors */
    char     *host;               /* canonical */
    char     *text;               /* canonical tokens of path and query, a space
                                     before and behind */
    size_t    hostlen;            /* of the key: that of the host */
    size_t    len;
    char      key[DEBAR_MAX_KEY];
} debar_guard_page_t;

struct debar_guard_s {
    int64_t             now;
    debar_set_t         sites;    /* host key -> rank, or DEBAR_GUARD_ABOVE */
    debar_set_t         words;    /* word -> rank */
    debar_set_t         asns;     /* key -> offset into names */
    debar_buf_t         names;

    size_t              nfitted;
    const char         *fitted[DEBAR_GUARD_FITTED];
    size_t              fitted_len[DEBAR_GUARD_FITTED];

    uint8_t             worst[DEBAR_MAX_AUTHORITIES][DEBAR_ACTIVITIES];
    size_t              npages;
    debar_guard_page_t  pages[DEBAR_GUARD_PAGES];
};


typedef void (*debar_guard_line_pt)(debar_guard_t *g, const char *p,
    size_t len, uint64_t n);


static void debar_guard_table(debar_guard_t *g, const char *name,
    debar_guard_line_pt line);
static void debar_guard_site(debar_guard_t *g, const char *p, size_t len,
    uint64_t n);
static void debar_guard_word(debar_guard_t *g, const char *p, size_t len,
    uint64_t n);
static void debar_guard_asn(debar_guard_t *g, const char *p, size_t len,
    uint64_t n);
static int debar_guard_host(const debar_guard_t *g, const debar_value_t *v,
    size_t len, debar_str_t said, debar_fault_t *why);
static int debar_guard_name(const debar_guard_t *g, const debar_value_t *v,
    debar_str_t said, debar_fault_t *why);
static int debar_guard_inside(const debar_guard_t *g, const debar_value_t *v,
    debar_str_t said, debar_fault_t *why);
static int debar_guard_network(const debar_value_t *v, debar_str_t said,
    debar_fault_t *why);
static int debar_guard_fits(const debar_guard_t *g, const debar_value_t *v,
    debar_str_t said, debar_fault_t *why);
static int debar_guard_pages(const debar_guard_t *g, const debar_source_t *src,
    const debar_value_t *v, debar_str_t said, debar_fault_t *why);
static int debar_guard_covers(const debar_guard_page_t *page,
    const debar_value_t *v);
static int debar_guard_permitted(const debar_source_t *src,
    const debar_guard_page_t *page, const debar_value_t *v);


debar_guard_t *
debar_guard_new(int64_t now)
{
    debar_guard_t  *g;

    g = calloc(1, sizeof(debar_guard_t));
    if (g == NULL) {
        abort();
    }

    g->now = now;

    debar_guard_table(g, "top-sites.txt", debar_guard_site);
    debar_guard_table(g, "common-words.txt", debar_guard_word);
    debar_guard_table(g, "big-networks.txt", debar_guard_asn);

    return g;
}


void
debar_guard_free(debar_guard_t *g)
{
    size_t  i;

    if (g == NULL) {
        return;
    }

    for (i = 0; i < g->npages; i++) {
        free(g->pages[i].what);
        free(g->pages[i].host);
        free(g->pages[i].text);
    }

    debar_set_free(&g->sites);
    debar_set_free(&g->words);
    debar_set_free(&g->asns);
    debar_buf_free(&g->names);
    free(g);
}


/* Lines of a shipped table; "#" begins a remark. */

static void
debar_guard_table(debar_guard_t *g, const char *name, debar_guard_line_pt line)
{
    uint64_t                n;
    const char             *p, *nl, *end;
    const debar_shipped_t  *t;

    for (t = debar_shipped_guard; t->name; t++) {
        if (strcmp(t->name, name) == 0) {
            break;
        }
    }

    if (t->name == NULL) {
        return;
    }

    end = t->data + t->len;
    n = 0;

    for (p = t->data; p < end; p = nl + 1) {
        nl = memchr(p, '\n', (size_t) (end - p));

        if (nl == NULL) {
            nl = end;
        }

        if (nl > p && *p != '#') {
            line(g, p, (size_t) (nl - p), n++);
        }
    }
}


/* Names above a site, too; one of those that is a site keeps its rank. */

static void
debar_guard_site(debar_guard_t *g, const char *p, size_t len, uint64_t n)
{
    char          key[DEBAR_MAX_KEY];
    size_t        i, k, labels;
    uint64_t     *known;
    const char   *why;
    debar_host_t  h;

    if (debar_host_parse(&h, p, len, DEBAR_HOST_BARE, &why) != DEBAR_OK) {
        return;
    }

    if (g->nfitted < DEBAR_GUARD_FITTED) {
        g->fitted[g->nfitted] = p;
        g->fitted_len[g->nfitted++] = len;
    }

    k = debar_key_host(key, &h);
    labels = 0;

    for (i = 0; i + 1 < k; i++) {
        if (key[i] == '.' && ++labels > 1) {
            debar_set_add(&g->sites, key, i + 1, DEBAR_GUARD_ABOVE);
        }
    }

    known = debar_set_add(&g->sites, key, k, n);

    if (known && *known == DEBAR_GUARD_ABOVE) {
        *known = n;
    }

    if (k + 4 < sizeof(key)) {
        memcpy(key + k, "www.", 4);
        debar_set_add(&g->sites, key, k + 4, n);
    }
}


static void
debar_guard_word(debar_guard_t *g, const char *p, size_t len, uint64_t n)
{
    debar_set_add(&g->words, p, len, n);
}


static void
debar_guard_asn(debar_guard_t *g, const char *p, size_t len, uint64_t n)
{
    char         key[8];
    size_t       i;
    uint32_t     asn;

    asn = 0;

    for (i = 0; i < len && p[i] >= '0' && p[i] <= '9'; i++) {
        asn = asn * 10 + (uint32_t) (p[i] - '0');
    }

    if (i == len) {
        return;
    }

    debar_set_add(&g->asns, key, debar_key_asn(key, asn), g->names.len);
    debar_buf_add(&g->names, p + i + 1, len - i - 1);
    debar_buf_add(&g->names, "", 1);
}


int
debar_guard_open(debar_guard_t *g, const char *what, const char *url,
    size_t len, debar_fault_t *why)
{
    char                 bare[DEBAR_MAX_TEXT + 1], tokens[3 * DEBAR_MAX_TEXT];
    size_t               n;
    unsigned             flags;
    const char          *end;
    debar_guard_page_t  *page;

    /* A query or fragment of a page does not change which page it is. */

    if (len > DEBAR_MAX_TEXT) {
        debar_fault(why, "longer than %d bytes", DEBAR_MAX_TEXT);
        return DEBAR_ERROR;
    }

    for (n = 0; n < len && url[n] != '#' && url[n] != '?'; n++) {
        bare[n] = url[n];
    }

    if (g->npages == DEBAR_GUARD_PAGES) {
        debar_fault(why, "more than %d pages to keep open", DEBAR_GUARD_PAGES);
        return DEBAR_ERROR;
    }

    page = &g->pages[g->npages];
    page->len = debar_value_url(page->key, &page->hostlen, bare, n,
                                DEBAR_URL_HOST_ONLY, why);
    if (page->len == 0) {
        return DEBAR_ERROR;
    }

    end = memmem(url, len, "://", 3);
    end = end ? end + 3 : url;
    end = memchr(end, '/', (size_t) (url + len - end));

    flags = 0;
    tokens[0] = ' ';
    n = end ? debar_text_tokens(tokens + 1, sizeof(tokens) - 3, end,
                                (size_t) (url + len - end), NULL, &flags)
            : 0;
    tokens[n + 1] = ' ';
    tokens[n + 2] = '\0';

    page->what = strdup(what);
    page->host = strndup(page->key, page->hostlen);
    page->text = strdup(tokens);

    if (page->what == NULL || page->host == NULL || page->text == NULL) {
        abort();
    }

    g->npages++;

    return DEBAR_OK;
}


/* The strongest action of each, of the phase of now and those after it. */

void
debar_guard_phases(debar_guard_t *g, const debar_source_t *src)
{
    size_t                    i, k, n, a;
    const debar_phase_t      *p;
    const debar_authority_t  *authority;

    authority = src->tables[DEBAR_T_AUTHORITIES].data;
    p = src->tables[DEBAR_T_PHASES].data;
    n = src->tables[DEBAR_T_AUTHORITIES].n;

    for (i = 0; i < n && i < DEBAR_MAX_AUTHORITIES; i++) {

        if (!authority[i].in_force) {
            continue;
        }

        for (k = authority[i].phase;
             k < authority[i].phase + authority[i].nphases;
             k++)
        {
            if (k + 1 < authority[i].phase + authority[i].nphases
                && p[k + 1].from <= g->now)
            {
                continue;
            }

            for (a = 0; a < DEBAR_ACTIVITIES; a++) {
                if (p[k].action[a] > g->worst[i][a]) {
                    g->worst[i][a] = p[k].action[a];
                }
            }
        }
    }
}


int
debar_guard_value(const debar_guard_t *g, const debar_source_t *src,
    const debar_value_t *v, const char *written, size_t len,
    debar_fault_t *why)
{
    int          rc;
    char         shown[96];
    uint64_t    *known;
    debar_str_t  said;

    if (v->kind->flags & DEBAR_KIND_IS_NOT) {
        return DEBAR_OK;
    }

    rc = DEBAR_OK;
    said = debar_str(written, len);

    switch (v->kind->kind) {

    case DEBAR_KIND_HOST:
    case DEBAR_KIND_URL:
    case DEBAR_KIND_NETWORK:
    case DEBAR_KIND_ASN:
    case DEBAR_KIND_NAME:
        break;

    default:
        return DEBAR_OK;
    }

    if (v->type == DEBAR_VALUE_PATTERN) {
        if (v->kind->kind == DEBAR_KIND_HOST) {
            rc = debar_guard_fits(g, v, said, why);
        }

        return rc;
    }

    if (v->kind->kind == DEBAR_KIND_HOST
        || (v->kind->kind == DEBAR_KIND_URL && v->len == v->host + 1))
    {
        rc = debar_guard_host(g, v, v->kind->kind == DEBAR_KIND_HOST
                                    ? v->len : v->host, said, why);

    } else if (v->kind->kind == DEBAR_KIND_NETWORK) {
        rc = debar_guard_network(v, said, why);

    } else if (v->kind->kind == DEBAR_KIND_ASN) {
        known = debar_set_find(&g->asns, v->key, v->len);

        if (known) {
            debar_fault(why, "ASN %s is a network of many (%s): what has "
                        "nothing to do with the vendor is there, too",
                        debar_shown(shown, written, len),
                        g->names.data + *known);
            return DEBAR_ERROR;
        }

    } else if (v->kind->kind == DEBAR_KIND_NAME) {
        rc = debar_guard_name(g, v, said, why);
    }

    if (rc != DEBAR_OK) {
        return rc;
    }

    return debar_guard_pages(g, src, v, said, why);
}


static int
debar_guard_host(const debar_guard_t *g, const debar_value_t *v, size_t len,
    debar_str_t said, debar_fault_t *why)
{
    char  shown[96];
    uint64_t  *rank;

    rank = debar_set_find(&g->sites, v->key, len);

    if (rank == NULL) {
        return DEBAR_OK;
    }

    if (*rank != DEBAR_GUARD_ABOVE) {
        debar_fault(why, "%s is a top site (number %llu of those that most "
                    "others link to): everybody's visits would be met",
                    debar_shown(shown, said.data, said.len),
                    (unsigned long long) *rank + 1);
        return DEBAR_ERROR;
    }

    if (v->kind->kind == DEBAR_KIND_HOST && v->means
        && !(v->means->flags & DEBAR_RULE_SUBDOMAINS))
    {
        return DEBAR_OK;
    }

    debar_fault(why, "%s has a top site below it: everybody's visits would be "
                "met",
                    debar_shown(shown, said.data, said.len));

    return DEBAR_ERROR;
}


/*
 * Han, kana and hangul write a word in two characters that takes four letters
 * elsewhere.
 */

static unsigned
debar_guard_letters(const char *p, size_t len, unsigned *digits)
{
    int32_t      i;
    UChar32      c;
    unsigned     n;
    UErrorCode   err;
    UScriptCode  script;

    n = 0;
    *digits = 0;

    for (i = 0; i < (int32_t) len; /* void */) {
        U8_NEXT((const uint8_t *) p, i, (int32_t) len, c);

        if (c == ' ' || c < 0) {
            continue;
        }

        err = U_ZERO_ERROR;
        script = c < 0x80 ? USCRIPT_LATIN : uscript_getScript(c, &err);

        n += 1 + (script == USCRIPT_HAN || script == USCRIPT_HIRAGANA
                  || script == USCRIPT_KATAKANA || script == USCRIPT_HANGUL);
        *digits += u_isdigit(c) != 0;
    }

    return n;
}


static int
debar_guard_name(const debar_guard_t *g, const debar_value_t *v,
    debar_str_t said, debar_fault_t *why)
{
    char  shown[96];
    size_t       words, frequent;
    uint64_t    *rank;
    unsigned     letters, digits;
    const char  *p, *end, *space;

    letters = debar_guard_letters(v->key, v->len, &digits);

    if (letters < 4) {
        debar_fault(why, "term %s has fewer than four letters: it would be "
                    "found in what means something else",
                    debar_shown(shown, said.data, said.len));
        return DEBAR_ERROR;
    }

    if (digits == letters && digits < 6) {
        debar_fault(why, "term %s is a number of fewer than six digits: it "
                    "would be found everywhere",
                    debar_shown(shown, said.data, said.len));
        return DEBAR_ERROR;
    }

    words = 0;
    frequent = 0;
    rank = NULL;
    end = v->key + v->len;

    for (p = v->key; p < end; p = space + 1) {
        space = memchr(p, ' ', (size_t) (end - p));

        if (space == NULL) {
            space = end;
        }

        rank = debar_set_find(&g->words, p, (size_t) (space - p));
        words++;
        frequent += (rank && *rank < DEBAR_GUARD_FREQUENT);
    }

    if (words == 1 && rank) {
        debar_fault(why, "term %s is a common word: it would be found "
                    "everywhere",
                    debar_shown(shown, said.data, said.len));
        return DEBAR_ERROR;
    }

    if (words == frequent) {
        debar_fault(why, "term %s has none but very common words: it would be "
                    "found in what means something else",
                    debar_shown(shown, said.data, said.len));
        return DEBAR_ERROR;
    }

    return v->match == DEBAR_TERM_ANYWHERE
           ? debar_guard_inside(g, v, said, why) : DEBAR_OK;
}


static int
debar_guard_inside(const debar_guard_t *g, const debar_value_t *v,
    debar_str_t said, debar_fault_t *why)
{
    char  shown[96];
    size_t                   i;
    const char              *word;
    const debar_set_item_t  *item;

    if (v->len > DEBAR_GUARD_INSIDE) {
        return DEBAR_OK;
    }

    for (i = 0; i < g->words.n; i++) {
        item = &g->words.items[i];
        word = g->words.keys.data + item->off;

        if (memmem(word, item->len, v->key, v->len)) {
            debar_fault(why, "term %s with \"match: anywhere\" would be found "
                        "in the common word \"%.*s\"",
                    debar_shown(shown, said.data, said.len), (int) item->len,
                        word);
            return DEBAR_ERROR;
        }
    }

    return DEBAR_OK;
}


static int
debar_guard_network(const debar_value_t *v, debar_str_t said,
    debar_fault_t *why)
{
    char  shown[96];
    unsigned              bits;
    static const uint8_t  v4[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255 };

    bits = (uint8_t) v->key[16];

    if (bits >= 96 && memcmp(v->key, v4, sizeof(v4)) == 0) {
        if (bits - 96 >= 16) {
            return DEBAR_OK;
        }

        debar_fault(why, "network %s is wider than /16: more than 65,536 "
                    "addresses are seldom one vendor's",
                    debar_shown(shown, said.data, said.len));
        return DEBAR_ERROR;
    }

    if (bits >= 32) {
        return DEBAR_OK;
    }

    debar_fault(why, "network %s is wider than /32, which is what a provider "
                "has for all of its customers",
                    debar_shown(shown, said.data, said.len));

    return DEBAR_ERROR;
}


/* Expressions for hosts, on the first sites and on what is kept open. */

static int
debar_guard_fits(const debar_guard_t *g, const debar_value_t *v,
    debar_str_t said, debar_fault_t *why)
{
    char  shown[96];
    long  n;

    n = debar_regex_fits(v->key, v->len, g->fitted, g->fitted_len, g->nfitted);

    if (n < 0) {
        return DEBAR_OK;
    }

    debar_fault(why, "expression %s fits %.*s, which is a top site",
                    debar_shown(shown, said.data, said.len),
                (int) g->fitted_len[n], g->fitted[n]);

    return DEBAR_ERROR;
}


/* Whether evidence of this value alone would refuse somebody a page. */

static int
debar_guard_pages(const debar_guard_t *g, const debar_source_t *src,
    const debar_value_t *v, debar_str_t said, debar_fault_t *why)
{
    char  shown[96];
    size_t               i, a;
    unsigned             refused;
    const debar_rule_t  *rule;

    rule = v->means;

    if (g->npages == 0 || rule == NULL || rule->cap != DEBAR_BLOCK) {
        return DEBAR_OK;
    }

    for (i = 0; i < g->npages; i++) {
        if (debar_guard_covers(&g->pages[i], v)) {
            break;
        }
    }

    if (i == g->npages) {
        return DEBAR_OK;
    }

    refused = 0;

    for (a = 0; a < DEBAR_MAX_AUTHORITIES * DEBAR_ACTIVITIES; a++) {
        if (((rule->authorities >> (a / DEBAR_ACTIVITIES)) & 1)
            && (rule->floor == DEBAR_EVERY
                || rule->floor == a % DEBAR_ACTIVITIES)
            && g->worst[a / DEBAR_ACTIVITIES][a % DEBAR_ACTIVITIES]
               == DEBAR_BLOCK)
        {
            refused = 1;
        }
    }

    if (!refused) {
        return DEBAR_OK;
    }

    for (/* void */; i < g->npages; i++) {
        if (debar_guard_covers(&g->pages[i], v)
            && !debar_guard_permitted(src, &g->pages[i], v))
        {
            debar_fault(why, "%s would refuse %s, which has to stay open: a "
                        "permit of that URL keeps it so",
                    debar_shown(shown, said.data, said.len),
                        g->pages[i].what);
            return DEBAR_ERROR;
        }
    }

    return DEBAR_OK;
}


/* prefix ends where key does, or where a segment of its path does. */

static int
debar_guard_below(const char *key, size_t len, const char *prefix, size_t n)
{
    return n <= len && memcmp(key, prefix, n) == 0
           && (n == len || prefix[n - 1] == '/' || key[n] == '/'
               || key[n] == '?');
}


static int
debar_guard_covers(const debar_guard_page_t *page, const debar_value_t *v)
{
    size_t       n;
    const char  *p;

    switch (v->kind->kind) {

    case DEBAR_KIND_HOST:
        return v->len <= page->hostlen && memcmp(page->key, v->key, v->len) == 0
               && (v->len == page->hostlen
                   || (v->means->flags & DEBAR_RULE_SUBDOMAINS));

    case DEBAR_KIND_URL:
        return v->host == page->hostlen
               && debar_guard_below(page->key, page->len, v->key, v->len);

    case DEBAR_KIND_NAME:
        n = strlen(page->text);

        for (p = page->text + 1;
             (p = memmem(p, n - (size_t) (p - page->text), v->key, v->len));
             p++)
        {
            if (v->match == DEBAR_TERM_ANYWHERE
                || (p[-1] == ' ' && p[v->len] == ' '))
            {
                return 1;
            }
        }

        return 0;

    default:
        return 0;
    }
}


/* By a permit of the same vendor that is pinned to no file and no time. */

static int
debar_guard_permitted(const debar_source_t *src,
    const debar_guard_page_t *page, const debar_value_t *v)
{
    size_t                 i, n;
    const char            *key, *slash;
    const debar_permit_t  *p;

    p = src->tables[DEBAR_T_PERMITS].data;

    for (i = src->tables[DEBAR_T_PERMITS].n; i > 0; i--) {

        if (p[i - 1].entry != v->means->entry) {
            break;                /* those of a vendor follow each other */
        }

        if (p[i - 1].sha256.len || p[i - 1].product.len
            || p[i - 1].from || p[i - 1].until
            || (v->means->authorities & ~p[i - 1].authorities))
        {
            continue;
        }

        n = p[i - 1].key.len;
        key = (const char *) src->tables[DEBAR_T_STRINGS].data
              + p[i - 1].key.off;
        slash = memchr(key, '/', n);

        if (slash == NULL) {
            if (n <= page->hostlen && memcmp(page->key, key, n) == 0
                && (n == page->hostlen || p[i - 1].subdomains))
            {
                return 1;
            }

            continue;
        }

        if (n > 2 && memcmp(key + n - 2, "/*", 2) == 0) {
            n -= 2;

            if (n <= page->len && memcmp(page->key, key, n) == 0
                && (n == page->len || page->key[n] == '/'))
            {
                return 1;
            }

        } else if (n == page->len && memcmp(page->key, key, n) == 0) {
            return 1;
        }
    }

    return 0;
}
