/*
 * The hot path: most requests have nothing to do with the list.  This decides
 * for plain ones, in one pass and without an allocation, that a full look
 * would find nothing; whatever is not plain gets the full look.
 */

#include "judge_private.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif


/*
 * A text by its bytes, in blocks of 64: which are letters or digits, which are
 * digits, and the whole in lower case with a space for every other byte.
 */

#define DEBAR_HOT_MAX     1024
#define DEBAR_HOT_BLOCKS  (DEBAR_HOT_MAX / 64)

typedef struct {
    char      *low;               /* room for DEBAR_HOT_MAX + 64 */
    size_t     len;
    uint64_t   alnum[DEBAR_HOT_BLOCKS + 1];
    uint64_t   digit[DEBAR_HOT_BLOCKS + 1];
} debar_hot_t;


#ifdef __SSE2__

/* 16 bytes: their bits, and whether one of them is not plain. */

static inline int
debar_hot_16(__m128i v, char *low, uint32_t *alnum, uint32_t *digit)
{
    __m128i  bad, d, l, l20, both;

    /* controls, space, DEL and what is not ASCII; # % : ; and backslash */

    bad = _mm_cmplt_epi8(v, _mm_set1_epi8(0x21));
    bad = _mm_or_si128(bad, _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f)));
    bad = _mm_or_si128(bad, _mm_cmpeq_epi8(v, _mm_set1_epi8('#')));
    bad = _mm_or_si128(bad, _mm_cmpeq_epi8(v, _mm_set1_epi8('%')));
    bad = _mm_or_si128(bad, _mm_cmpeq_epi8(v, _mm_set1_epi8('\\')));

    /* ':' and ';' differ in the last bit only */

    bad = _mm_or_si128(bad, _mm_cmpeq_epi8(_mm_or_si128(v, _mm_set1_epi8(1)),
                                           _mm_set1_epi8(';')));

    d = _mm_sub_epi8(v, _mm_set1_epi8('0'));
    d = _mm_cmpeq_epi8(_mm_min_epu8(d, _mm_set1_epi8(9)), d);

    l20 = _mm_or_si128(v, _mm_set1_epi8(0x20));
    l = _mm_sub_epi8(l20, _mm_set1_epi8('a'));
    l = _mm_cmpeq_epi8(_mm_min_epu8(l, _mm_set1_epi8(25)), l);

    both = _mm_or_si128(d, l);

    _mm_storeu_si128((__m128i *) low,
                     _mm_or_si128(_mm_and_si128(both, l20),
                                  _mm_andnot_si128(both,
                                                   _mm_set1_epi8(' '))));
    *alnum = _mm_movemask_epi8(both);
    *digit = _mm_movemask_epi8(d);

    return _mm_movemask_epi8(bad);
}

#else

static inline int
debar_hot_16(const char *p, char *low, uint32_t *alnum, uint32_t *digit)
{
    int            bad, i;
    unsigned char  c, l;

    bad = 0;
    *alnum = 0;
    *digit = 0;

    for (i = 0; i < 16; i++) {
        c = p[i];
        l = c | 0x20;

        bad |= c < 0x21 || c >= 0x7f || c == '#' || c == '%' || c == '\\'
               || c == ':' || c == ';';

        if (c >= '0' && c <= '9') {
            *digit |= 1u << i;
            *alnum |= 1u << i;

        } else if (l >= 'a' && l <= 'z') {
            *alnum |= 1u << i;

        } else {
            l = ' ';
        }

        low[i] = l;
    }

    return bad;
}

#endif


/* Returns 1 if a byte is not plain.  len is at most DEBAR_HOT_MAX. */

static int
debar_hot_read(debar_hot_t *h, const char *p, size_t len)
{
    char      tail[16];
    size_t    i;
    uint32_t  alnum, digit;

    h->len = len;

    for (i = 0; i < len; i += 16) {

        if (i % 64 == 0) {
            h->alnum[i / 64] = 0;
            h->digit[i / 64] = 0;
        }

        if (len - i < 16) {
            memset(tail, '/', sizeof(tail));
            memcpy(tail, p + i, len - i);
        }

#ifdef __SSE2__
        if (debar_hot_16(_mm_loadu_si128((const __m128i *)
                                         (len - i < 16 ? tail : p + i)),
                         h->low + i, &alnum, &digit))
#else
        if (debar_hot_16(len - i < 16 ? tail : p + i, h->low + i, &alnum,
                         &digit))
#endif
        {
            return 1;
        }

        h->alnum[i / 64] |= (uint64_t) alnum << (i % 64);
        h->digit[i / 64] |= (uint64_t) digit << (i % 64);
    }

    /* a block of separators ends the last token */

    if (len % 64 == 0) {
        h->alnum[len / 64] = 0;
        h->digit[len / 64] = 0;
    }

    return 0;
}


static int
debar_hot_hit(void *data, uint32_t term, size_t off, size_t len)
{
    return DEBAR_DECLINED;
}


/* Whether a token, from..to, could be an identifier. */

static int
debar_hot_token(debar_list_t *list, const debar_hot_t *h, size_t from,
    size_t to)
{
    char    key[DEBAR_MAX_KEY], upper[DEBAR_MAX_IDENT];
    size_t  len, digits, i, klen;

    len = to - from;

    for (i = from, digits = 0; i < to; i++) {
        digits += h->digit[i / 64] >> (i % 64) & 1;
    }

    if (digits == len) {
        return list->has[DEBAR_KIND_GTIN] && debar_gtin_length(len);
    }

    if (digits == 0 || len > sizeof(upper)
        || !list->has_exact[DEBAR_KIND_PART_NUMBER])
    {
        return 0;
    }

    for (i = 0; i < len; i++) {
        upper[i] = h->low[from + i];

        if (upper[i] >= 'a') {
            upper[i] &= ~0x20;
        }
    }

    return debar_id_may_be(list, key, &klen, DEBAR_KIND_PART_NUMBER, upper,
                           len);
}


/* Names of several words have one space between them. */

static size_t
debar_hot_fold(debar_hot_t *h)
{
    size_t  i, n;

    for (i = 0, n = 0; i < h->len; i++) {
        if (h->low[i] != ' ' || (n != 0 && h->low[n - 1] != ' ')) {
            h->low[n++] = h->low[i];
        }
    }

    return n;
}


/*
 * Whether a text could have a name or an identifier, is not plain, or spells a
 * word letter by letter.
 */

static int
debar_hot_text(debar_list_t *list, debar_hot_t *h, const char *p, size_t len)
{
    size_t                i, from, to;
    uint64_t              a, before, after, starts, ends, singles, runs;
    unsigned              letters;
    const debar_exprs_t  *parts;

    h->low = list->tokens;

    if (debar_hot_read(h, p, len)) {
        return 1;
    }

    parts = &list->exprs[DEBAR_KIND_PART_NUMBER];
    h->low[len] = ' ';
    letters = 0;
    runs = 0;
    before = 0;
    to = 0;

    for (i = 0; i < len; i += 64) {
        a = h->alnum[i / 64];
        after = i + 64 < len ? h->alnum[i / 64 + 1] & 1 : 0;

        starts = a & ~(a << 1 | before);
        ends = a & ~(a >> 1 | after << 63);
        singles = starts & ends & ~h->digit[i / 64];
        runs |= ~a & ~(a << 1 | before | (i == 0))
                & (len - i < 64 ? (1ull << (len - i)) - 1 : ~0ull);
        before = a >> 63;

        letters += __builtin_popcountll(singles);

        while (starts) {
            from = i + __builtin_ctzll(starts);
            starts &= starts - 1;

            if (debar_exprs_begin(parts, h->low + from, 2)) {
                return 1;
            }

            if (list->has_ids) {
                for (to = from + 1; h->low[to] != ' '; to++) { /* void */ }

                if (to - from >= 4 && debar_hot_token(list, h, from, to)) {
                    return 1;
                }
            }
        }
    }

    if (letters >= 4) {
        return 1;
    }

    if (runs) {
        len = debar_hot_fold(h);
    }

    return debar_term_scan(&list->terms, list->entries, list->rules, h->low,
                           len, debar_hot_hit, NULL)
           != DEBAR_OK;
}


/* The last segment of a path, or a value, as a file name. */

static int
debar_hot_file(debar_list_t *list, const char *p, size_t len)
{
    char    key[DEBAR_MAX_KEY], name[DEBAR_MAX_IDENT];
    size_t  n, klen;

    /* what a directory is called is no file */

    if (len == 0 || p[len - 1] == '/') {
        return 0;
    }

    for (n = len; n > 0 && p[n - 1] != '/'; n--) { /* void */ }

    if (!list->has_exact[DEBAR_KIND_FILE]) {
        return debar_exprs_begin(&list->exprs[DEBAR_KIND_FILE], p + n,
                                 len - n);
    }

    n = debar_ident_file(name, sizeof(name), p, len);

    return n != 0
           && (debar_exprs_begin(&list->exprs[DEBAR_KIND_FILE], name, n)
               || debar_id_may_be(list, key, &klen, DEBAR_KIND_FILE, name, n));
}


static int
debar_hot_value(debar_list_t *list, unsigned role, const char *p, size_t len)
{
    char    key[DEBAR_MAX_KEY], ident[DEBAR_MAX_IDENT];
    size_t  n, klen;

    switch (role) {

    case DEBAR_ROLE_PART:
    case DEBAR_ROLE_SUPPLIER_PART:

        if (!list->has[DEBAR_KIND_PART_NUMBER]) {
            break;
        }

        n = debar_ident_part(ident, sizeof(ident), p, len);

        if (n != 0
            && (debar_exprs_begin(&list->exprs[DEBAR_KIND_PART_NUMBER],
                                  ident, n)
                || debar_id_may_be(list, key, &klen, DEBAR_KIND_PART_NUMBER,
                                   ident, n)))
        {
            return 1;
        }

        break;

    case DEBAR_ROLE_GTIN:

        if (list->has[DEBAR_KIND_GTIN] && len >= 8) {
            return 1;
        }

        break;

    default:
        break;
    }

    if (role == DEBAR_ROLE_FILE) {
        return list->has[DEBAR_KIND_FILE];
    }

    if (memchr(p, '.', len) == NULL) {
        return 0;
    }

    return role == DEBAR_ROLE_URL
           || (list->has[DEBAR_KIND_FILE] && debar_hot_file(list, p, len));
}


static inline int
debar_hot_word(unsigned char c)
{
    return (c >= '0' && c <= '9')
           || ((unsigned char) ((c | 0x20) - 'a') < 26);
}


/* Fields whose value is looked at as a whole. */

static int
debar_hot_query(debar_list_t *list, const char *p, size_t len)
{
    size_t       pos, i;
    debar_str_t  key, value;

    pos = 0;

    while (debar_url_pair(p, len, &pos, &key, &value) == DEBAR_OK) {

        if (debar_value_may_be_more(value.data, value.len)) {
            return 1;
        }

        /* one word was looked at with the rest of the text */

        for (i = 0; i < value.len; i++) {
            if (!debar_hot_word(value.data[i])) {
                break;
            }
        }

        if (i < value.len && memchr(value.data + i, ';', value.len - i)) {
            return 1;                 /* may have parameters */
        }

        if (i < value.len
            && debar_hot_value(list, debar_field_role(list, key), value.data,
                               value.len))
        {
            return 1;
        }
    }

    return 0;
}


/* Of the host alone: nothing listed, no relay, no name in it. */

int
debar_host_nothing(debar_list_t *list, const debar_host_t *h)
{
    size_t              next;
    debar_hot_t         hot;
    debar_found_host_t  found[1];

    if (h->type != DEBAR_HOST_NAME
        || memmem(h->name, h->len, "xn--", 4) != NULL
        || debar_snapshot_hosts(list->snapshot, h, found, 1) != 0
        || debar_exprs_begin(&list->exprs[DEBAR_KIND_HOST], h->name, h->len))
    {
        return 0;
    }

    next = 0;

    return debar_relay(list, h, &next) == NULL
           && !debar_hot_text(list, &hot, h->name, h->len);
}


static int
debar_hot_target(debar_list_t *list, debar_str_t target)
{
    size_t       path, i;
    const char  *p;
    debar_hot_t  hot;

    if (target.len > DEBAR_HOT_MAX
        || debar_hot_text(list, &hot, target.data, target.len))
    {
        return 0;
    }

    p = memchr(target.data, '?', target.len);
    path = p ? (size_t) (p - target.data) : target.len;

    /* a slash is followed by a name, or ends the path; images of containers
     * are matched by more than words */

    for (i = 0; i + 1 < path; i++) {
        if (target.data[i] == '/'
            && (target.data[i + 1] == '/' || target.data[i + 1] == '.'
                || (target.data[i + 1] == 'v' && i + 4 < path
                    && memcmp(target.data + i + 1, "v2/", 3) == 0
                    && debar_image_path(debar_str(target.data, path)))))
        {
            return 0;
        }
    }

    if (list->has[DEBAR_KIND_FILE] && path > 1
        && (debar_hot_file(list, target.data, path)
            || debar_hot_file(list, target.data,
                              debar_path_above(target.data, path))))
    {
        return 0;
    }

    return p == NULL
           || !debar_hot_query(list, p + 1, target.len - path - 1);
}


/* Of path and query. */

int
debar_target_nothing(debar_list_t *list, debar_str_t target)
{
    if (debar_seen_target(list, target)) {
        return 1;
    }

    if (!debar_hot_target(list, target)) {
        return 0;
    }

    debar_see_target(list, target);

    return 1;
}
