/*
 * The hot path: most requests have nothing to do with the list.  This decides
 * for plain ones, in one pass and without an allocation, that a full look
 * would find nothing; whatever is not plain gets the full look.
 */

#include "judge_private.h"


#define DEBAR_HOT_MAX  1024

#define SLOW  1                   /* decodings, other scripts, URLs inside */
#define SEP   2

/* 0x30.. and up: the character itself, in lower case */

static const unsigned char  debar_hot[256] = {

    /* controls are not plain */

    SLOW, SLOW, SLOW, SLOW, SLOW, SLOW, SLOW, SLOW,
    SLOW, SLOW, SLOW, SLOW, SLOW, SLOW, SLOW, SLOW,
    SLOW, SLOW, SLOW, SLOW, SLOW, SLOW, SLOW, SLOW,
    SLOW, SLOW, SLOW, SLOW, SLOW, SLOW, SLOW, SLOW,

    /*        !     "     #     $     %     &     ' */
    SLOW,  SEP,  SEP, SLOW,  SEP, SLOW,  SEP,  SEP,
    /* (     )     *     +     ,     -     .     / */
    SEP,   SEP,  SEP,  SEP,  SEP,  SEP,  SEP,  SEP,

    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9',
    /* :     ;     <     =     >     ? */
    SLOW, SLOW,  SEP,  SEP,  SEP,  SEP,

    /* @ */
    SEP, 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n',
    'o', 'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z',
    /* [     \     ]     ^     _ */
    SEP,  SLOW,  SEP,  SEP,  SEP,

    /* ` */
    SEP, 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n',
    'o', 'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z',
    /* {     |     }     ~    DEL */
    SEP,   SEP,  SEP,  SEP, SLOW,

    /* bytes of other scripts are 0: not plain */
};


typedef struct {
    debar_list_t  *list;
    char          *out;
    size_t         n;
    size_t         from;          /* of the token under way */
    unsigned       singles;       /* tokens of one character in a row */
    unsigned       digits;
    unsigned       letters;
} debar_hot_t;


static int
debar_hot_hit(void *data, uint32_t term, size_t off, size_t len)
{
    return DEBAR_DECLINED;
}


/* Whether the token that has just ended could be an identifier. */

static int
debar_hot_token(debar_hot_t *h)
{
    char           key[DEBAR_MAX_KEY], upper[DEBAR_MAX_IDENT];
    size_t         len, i, klen;
    debar_list_t  *list = h->list;

    len = h->n - h->from;

    if (len == 1) {
        return ++h->singles >= 4;
    }

    h->singles = 0;

    if (h->letters == 0) {
        return list->has[DEBAR_KIND_GTIN] && debar_gtin_length(len);
    }

    if (h->digits == 0 || len < 4 || len > sizeof(upper)
        || !list->has[DEBAR_KIND_PART_NUMBER])
    {
        return 0;
    }

    for (i = 0; i < len; i++) {
        upper[i] = h->out[h->from + i];

        if (upper[i] >= 'a') {
            upper[i] &= ~0x20;
        }
    }

    return debar_exprs_begin(&list->exprs[DEBAR_KIND_PART_NUMBER], upper[0])
           || debar_id_may_be(list, key, &klen, DEBAR_KIND_PART_NUMBER, upper,
                              len);
}


static int
debar_hot_text(debar_hot_t *h, const char *p, size_t len)
{
    size_t         i;
    unsigned char  c;

    h->from = h->n;
    h->singles = 0;
    h->digits = 0;
    h->letters = 0;

    for (i = 0; i < len; i++) {
        c = debar_hot[(unsigned char) p[i]];

        if (c <= SLOW) {
            return 1;
        }

        if (c != SEP) {
            h->out[h->n++] = c;
            h->digits += c <= '9';
            h->letters += c > '9';
            continue;
        }

        if (h->n != h->from) {
            if (debar_hot_token(h)) {
                return 1;
            }

            h->out[h->n++] = ' ';
            h->from = h->n;
            h->digits = 0;
            h->letters = 0;
        }
    }

    if (h->n != h->from) {
        if (debar_hot_token(h)) {
            return 1;
        }

        h->out[h->n++] = ' ';
    }

    return 0;
}


/* Fields whose value is looked at as a whole. */

static int
debar_hot_query(debar_list_t *list, const char *p, size_t len)
{
    size_t       pos;
    unsigned     role;
    debar_str_t  key, value;

    pos = 0;

    while (debar_url_pair(p, len, &pos, &key, &value) == DEBAR_OK) {

        role = debar_field_role(list, key);

        if (role == DEBAR_ROLE_PART || role == DEBAR_ROLE_SUPPLIER_PART
            || role == DEBAR_ROLE_GTIN || role == DEBAR_ROLE_URL
            || role == DEBAR_ROLE_FILE)
        {
            return 1;
        }

        if (list->has[DEBAR_KIND_FILE] && value.len != 0
            && memchr(value.data, '.', value.len) != NULL)
        {
            return 1;
        }
    }

    return 0;
}


/* The last segment of the path as a file name. */

static int
debar_hot_file(debar_list_t *list, const char *p, size_t len)
{
    char    key[DEBAR_MAX_KEY], name[DEBAR_MAX_IDENT];
    size_t  n, klen;

    n = debar_ident_file(name, sizeof(name), p, len);

    return n != 0
           && (debar_exprs_begin(&list->exprs[DEBAR_KIND_FILE], name[0])
               || debar_id_may_be(list, key, &klen, DEBAR_KIND_FILE, name, n));
}


int
debar_match_nothing(debar_list_t *list, const debar_host_t *h,
    debar_str_t target)
{
    size_t               path, next;
    debar_hot_t          hot;
    debar_found_host_t   found[1];

    if (h->type != DEBAR_HOST_NAME || target.len + h->len > DEBAR_HOT_MAX
        || (h->len > 4 && memmem(h->name, h->len, "xn--", 4) != NULL)
        || debar_snapshot_hosts(list->snapshot, h, found, 1) != 0
        || debar_exprs_begin(&list->exprs[DEBAR_KIND_HOST], h->name[0]))
    {
        return 0;
    }

    next = 0;

    if (list->nrelays && debar_relay(list, h, &next) != NULL) {
        return 0;
    }

    hot.list = list;
    hot.out = list->tokens;
    hot.n = 0;

    if (debar_hot_text(&hot, h->name, h->len)) {
        return 0;
    }

    hot.out[hot.n++] = DEBAR_TEXT_BREAK;

    if (debar_hot_text(&hot, target.data, target.len)) {
        return 0;
    }

    if (debar_term_scan(&list->terms, list->entries, list->rules, hot.out,
                        hot.n, debar_hot_hit, NULL)
        != DEBAR_OK)
    {
        return 0;
    }

    for (path = 0; path < target.len && target.data[path] != '?'; path++) {
        if (target.data[path] == '/' && path + 1 < target.len
            && (target.data[path + 1] == '/' || target.data[path + 1] == '.'))
        {
            return 0;
        }
    }

    if (list->has[DEBAR_KIND_FILE] && path > 1
        && debar_hot_file(list, target.data, path))
    {
        return 0;
    }

    return path >= target.len
           || !debar_hot_query(list, target.data + path + 1,
                               target.len - path - 1);
}
