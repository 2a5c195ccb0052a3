/*
 * What a request does, by the channels' recipes and words.  Looked at only
 * where there is evidence: without it every activity passes.
 *
 * A recipe that names the host decides alone (the strongest of those that
 * fit).  Else the strongest of: recipes for any host, words that are a whole
 * segment of the path (its extension aside), query keys, extensions.  A veto
 * word, or DELETE, takes acquire away.  Nothing: browse.
 */

#include <stdlib.h>

#include "judge_private.h"


static const struct {
    debar_str_t  name;
    unsigned     bit;
} debar_methods[] = {
    { debar_string("GET"), DEBAR_M_GET },
    { debar_string("HEAD"), DEBAR_M_HEAD },
    { debar_string("POST"), DEBAR_M_POST },
    { debar_string("PUT"), DEBAR_M_PUT },
    { debar_string("PATCH"), DEBAR_M_PATCH },
    { debar_string("DELETE"), DEBAR_M_DELETE },
    { debar_string("CONNECT"), DEBAR_M_CONNECT },
};


static unsigned
debar_method(debar_str_t m)
{
    size_t  i;

    for (i = 0; i < sizeof(debar_methods) / sizeof(debar_methods[0]); i++) {
        if (m.len == debar_methods[i].name.len
            && memcmp(m.data, debar_methods[i].name.data, m.len) == 0)
        {
            return debar_methods[i].bit;
        }
    }

    return DEBAR_M_OTHER;
}


const debar_word_t *
debar_word(debar_list_t *list, unsigned use, const char *data, size_t len)
{
    size_t               i;
    uint64_t             hash;
    debar_str_t          s;
    const debar_word_t  *w;

    if (list->slots == NULL || len == 0 || len > DEBAR_MAX_WORD) {
        return NULL;
    }

    hash = (debar_hash(data, len) + use) | 1;

    for (i = hash >> 8 & list->slot_mask;
         list->slots[i].hash != 0;
         i = (i + 1) & list->slot_mask)
    {
        if (list->slots[i].hash != hash) {
            continue;
        }

        w = &list->words[list->slots[i].word];
        s = debar_list_text(list, w->word);

        if (w->use == use && s.len == len && memcmp(s.data, data, len) == 0) {
            return w;
        }
    }

    return NULL;
}


size_t
debar_field_name(char *out, size_t size, debar_str_t key)
{
    size_t         i, n;
    unsigned char  c;

    for (i = 0, n = 0; i < key.len && n < size; i++) {
        c = key.data[i];

        if (c >= 'A' && c <= 'Z') {
            c |= 0x20;
        }

        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c >= 0x80) {
            out[n++] = c;
        }
    }

    return n;
}


unsigned
debar_field_role(debar_list_t *list, debar_str_t key)
{
    char                 name[DEBAR_MAX_WORD];
    size_t               n;
    const debar_word_t  *w;

    n = debar_field_name(name, sizeof(name), key);

    /* an index behind the name: sku2, items0sku is left to documents */

    w = debar_word(list, DEBAR_WORD_FIELD, name, n);

    while (w == NULL && n > 1 && name[n - 1] >= '0' && name[n - 1] <= '9') {
        n--;
        w = debar_word(list, DEBAR_WORD_FIELD, name, n);
    }

    return w ? w->value : DEBAR_ROLE_OTHER;
}


pcre2_code *
debar_expr_compile(debar_str_t regex)
{
    int         error;
    PCRE2_SIZE  offset;

    return pcre2_compile((PCRE2_SPTR) regex.data, regex.len,
                         PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_CASELESS
                         | PCRE2_UTF
                         | PCRE2_MATCH_INVALID_UTF | PCRE2_DOLLAR_ENDONLY
                         | PCRE2_NEVER_BACKSLASH_C,
                         &error, &offset, NULL);
}


/*
 * A value on which an expression runs into its limit counts as matched: it was
 * made to, and must not hide behind that.
 */

int
debar_expr_match(debar_list_t *list, const pcre2_code *code, const char *data,
    size_t len)
{
    return pcre2_match(code, (PCRE2_SPTR) data, len, 0, 0, list->match_data,
                       list->match_context)
           != PCRE2_ERROR_NOMATCH;
}


/* Compiles on first use; an empty expression matches everything. */

static int
debar_lazy_match(debar_list_t *list, pcre2_code **code, debar_ref_t regex,
    const char *data, size_t len)
{
    if (regex.len == 0) {
        return 1;
    }

    if (*code == NULL) {
        *code = debar_expr_compile(debar_list_text(list, regex));

        if (*code == NULL) {
            return 0;
        }
    }

    return debar_expr_match(list, *code, data, len);
}


static int
debar_host_below(const debar_host_t *h, debar_str_t name)
{
    size_t  n;

    if (h == NULL || h->len < name.len || name.len == 0) {
        return 0;
    }

    n = h->len - name.len;

    return memcmp(h->name + n, name.data, name.len) == 0
           && (n == 0 || h->name[n - 1] == '.');
}


/* Most hosts do not end like any relay. */

static uint32_t
debar_relay_bit(const char *name, size_t len)
{
    uint64_t  end;

    memcpy(&end, name + len - sizeof(end), sizeof(end));

    return debar_hash_mix(end, 0x9e3779b97f4a7c15ull) & 4095;
}


void
debar_relay_gate(debar_list_t *list)
{
    size_t       i;
    uint32_t     bit;
    debar_str_t  s;

    for (i = 0; i < list->nrelays; i++) {
        s = debar_list_text(list, list->relays[i].host);

        if (s.len < sizeof(uint64_t)) {
            memset(list->relay_gate, 0xff, sizeof(list->relay_gate));
            return;
        }

        bit = debar_relay_bit(s.data, s.len);
        list->relay_gate[bit / 64] |= 1ull << (bit % 64);
    }
}


const debar_relay_t *
debar_relay(debar_list_t *list, const debar_host_t *h, size_t *next)
{
    uint32_t              bit;
    const debar_relay_t  *r;

    if (*next == 0 && h != NULL && h->len >= sizeof(uint64_t)) {
        bit = debar_relay_bit(h->name, h->len);

        if (!(list->relay_gate[bit / 64] >> (bit % 64) & 1)) {
            return NULL;
        }
    }

    while (*next < list->nrelays) {
        r = &list->relays[(*next)++];

        if (debar_host_below(h, debar_list_text(list, r->host))) {
            return r;
        }
    }

    return NULL;
}


int
debar_relay_capture(debar_list_t *list, const debar_relay_t *r,
    const char *data, size_t len, debar_str_t *group)
{
    PCRE2_SIZE   *ovector;
    pcre2_code  **code = &list->relay_path[r - list->relays];

    if (r->path.len == 0) {
        return DEBAR_DECLINED;
    }

    if (*code == NULL) {
        *code = debar_expr_compile(debar_list_text(list, r->path));
    }

    if (*code == NULL
        || pcre2_match(*code, (PCRE2_SPTR) data, len, 0, 0, list->match_data,
                       list->match_context) < 2)
    {
        return DEBAR_DECLINED;
    }

    ovector = pcre2_get_ovector_pointer(list->match_data);

    if (ovector[2] == PCRE2_UNSET || ovector[3] > len) {
        return DEBAR_DECLINED;
    }

    *group = debar_str(data + ovector[2], ovector[3] - ovector[2]);

    return DEBAR_OK;
}


static int
debar_cond_fits(debar_list_t *list, uint32_t i, debar_str_t query)
{
    size_t               pos, kn, vn;
    unsigned             flags, rounds, pairs;
    debar_str_t          key, value;
    const debar_cond_t  *c = &list->conds[i];

    pos = 0;
    pairs = 0;

    while (query.data != NULL && pairs++ < DEBAR_MAX_PAIRS
           && debar_url_pair(query.data, query.len, &pos, &key, &value)
              == DEBAR_OK)
    {
        kn = debar_text_decode(list->decoded, sizeof(list->decoded) / 2,
                               key.data, key.len, 1, &flags, &rounds);

        if (!debar_lazy_match(list, &list->cond_key[i], c->key, list->decoded,
                              kn))
        {
            continue;
        }

        vn = value.data == NULL ? 0
             : debar_text_decode(list->decoded, sizeof(list->decoded),
                                 value.data, value.len, 1, &flags, &rounds);

        if (debar_lazy_match(list, &list->cond_value[i], c->value,
                             list->decoded, vn))
        {
            return 1;
        }
    }

    return 0;
}


/* A condition on pairs: those of the query, or of a form in the body. */

static int
debar_pairs_fit(debar_list_t *list, uint32_t i, debar_str_t query,
    debar_str_t form)
{
    return debar_cond_fits(list, i, query) || debar_cond_fits(list, i, form);
}


static int
debar_recipe_fits(debar_list_t *list, size_t i, unsigned method,
    const debar_host_t *h, size_t path_len, debar_str_t query,
    debar_str_t form)
{
    uint32_t               n;
    const debar_recipe_t  *r = &list->recipes[i];

    if (r->methods != 0 && !(r->methods & method)) {
        return 0;
    }

    if (r->nhosts != 0) {
        for (n = 0; n < r->nhosts; n++) {
            if (debar_host_below(h, debar_list_text(list,
                                                    list->refs[r->host + n])))
            {
                break;
            }
        }

        if (n == r->nhosts) {
            return 0;
        }
    }

    if (!debar_lazy_match(list, &list->recipe_path[i], r->path, list->path,
                          path_len))
    {
        return 0;
    }

    for (n = 0; n < r->nconds; n++) {
        if (!debar_pairs_fit(list, r->cond + n, query, form)) {
            return 0;
        }
    }

    return 1;
}


static void
debar_activity_is(debar_verdict_t *v, unsigned activity, debar_str_t channel,
    debar_str_t step)
{
    if (activity <= v->activity && v->step != NULL) {
        return;
    }

    v->activity = activity;
    v->channel = channel.data;
    v->channel_len = channel.len;
    v->step = step.data;
    v->step_len = step.len;
}


static void
debar_activity_word(debar_list_t *list, debar_verdict_t *v, unsigned use,
    unsigned method, const char *data, size_t len, const char *label)
{
    const debar_word_t  *w;

    w = debar_word(list, use, data, len);

    if (w != NULL && (w->methods == 0 || w->methods & method)
        && w->value > v->activity)
    {
        debar_activity_is(v, w->value, debar_str(label, strlen(label)),
                          debar_list_text(list, w->word));
    }
}


static void
debar_activity_extension(debar_list_t *list, debar_verdict_t *v,
    unsigned method, const char *name, size_t len)
{
    size_t  dot;

    for (dot = len; dot > 0 && name[dot - 1] != '.'; dot--) { /* void */ }

    if (dot > 1) {
        debar_activity_word(list, v, DEBAR_WORD_EXTENSION, method, name + dot,
                            len - dot, "extension");
    }
}


/*
 * A file as it is written, and as some servers read its name: "x.exe." and
 * "x.exe::$DATA" are x.exe to them.  A method that they do not know may count
 * as GET.
 */

static void
debar_activity_file(debar_list_t *list, debar_verdict_t *v, unsigned method,
    const char *data, size_t len)
{
    char    name[DEBAR_MAX_IDENT];
    size_t  n;

    if (method & (DEBAR_M_POST | DEBAR_M_PUT | DEBAR_M_PATCH | DEBAR_M_DELETE))
    {
        return;
    }

    debar_activity_extension(list, v, method, data, len);

    n = len < DEBAR_MAX_WORD ? len : DEBAR_MAX_WORD;
    n = debar_ident_file(name, sizeof(name), data + len - n, n);

    debar_activity_extension(list, v, method, name, n);
}


/* Segments and tokens of the canonical path; *veto is set at a veto word. */

static void
debar_activity_path(debar_list_t *list, debar_verdict_t *v, unsigned method,
    size_t len, unsigned *veto)
{
    char      word[DEBAR_MAX_WORD + 1];
    size_t    pos, end, dot, n, i, from;
    unsigned  flags;

    for (pos = 0; pos < len; pos = end) {

        if (list->path[pos] == '/') {
            pos++;
        }

        for (end = pos, dot = 0; end < len && list->path[end] != '/'; end++) {
            if (list->path[end] == '.') {
                dot = end;
            }
        }

        if (end == len) {
            debar_activity_file(list, v, method, list->path + pos, end - pos);
        }

        if (end - pos > DEBAR_MAX_WORD) {
            continue;
        }

        flags = 0;
        n = debar_text_tokens(word, sizeof(word), list->path + pos,
                              (dot > pos ? dot : end) - pos, NULL, &flags);

        debar_activity_word(list, v, DEBAR_WORD_PATH, method, word, n, "path");

        for (from = 0, i = 0; i <= n; i++) {
            if (i == n || word[i] == ' ' || word[i] == DEBAR_TEXT_BREAK) {
                *veto |= debar_word(list, DEBAR_WORD_VETO, word + from,
                                    i - from) != NULL;
                from = i + 1;
            }
        }
    }
}


static void
debar_activity_query(debar_list_t *list, debar_verdict_t *v, unsigned method,
    debar_str_t query, unsigned *veto)
{
    char         name[DEBAR_MAX_WORD];
    size_t       pos, n, kn;
    unsigned     flags, rounds;
    debar_str_t  key, value;

    pos = 0;

    while (query.data != NULL
           && debar_url_pair(query.data, query.len, &pos, &key, &value)
              == DEBAR_OK)
    {
        kn = debar_text_decode(list->decoded, sizeof(list->decoded), key.data,
                               key.len, 1, &flags, &rounds);
        n = debar_field_name(name, sizeof(name), debar_str(list->decoded, kn));

        debar_activity_word(list, v, DEBAR_WORD_QUERY_KEY, method, name, n,
                            "query");
        *veto |= debar_word(list, DEBAR_WORD_VETO, name, n) != NULL;
    }
}


void
debar_activity(debar_list_t *list, debar_verdict_t *v, const debar_facts_t *f,
    const debar_host_t *h)
{
    size_t                 i, n;
    unsigned               method, flags, veto, own;
    const debar_recipe_t  *r;
    debar_url_parts_t      u;

    v->activity = DEBAR_BROWSE;
    v->step = NULL;
    v->step_len = 0;
    v->channel = NULL;
    v->channel_len = 0;

    if (f->connect) {
        return;
    }

    flags = 0;
    method = debar_method(f->method);
    debar_url_split(&u, f->target.data, f->target.len);
    n = debar_url_path(list->path, sizeof(list->path), u.path.data, u.path.len,
                       &flags);

    /* the host's own recipes decide alone */

    own = 0;

    for (i = 0; i < list->nrecipes; i++) {
        r = &list->recipes[i];

        if (r->nhosts != 0
            && debar_recipe_fits(list, i, method, h, n, u.query, f->form))
        {
            own = 1;
            debar_activity_is(v, r->activity,
                              debar_list_text(list, r->channel),
                              debar_list_text(list, r->step));
        }
    }

    if (own) {
        return;
    }

    for (i = 0; i < list->nrecipes; i++) {
        r = &list->recipes[i];

        if (r->nhosts == 0
            && debar_recipe_fits(list, i, method, h, n, u.query, f->form))
        {
            debar_activity_is(v, r->activity,
                              debar_list_text(list, r->channel),
                              debar_list_text(list, r->step));
        }
    }

    veto = method == DEBAR_M_DELETE;

    debar_activity_path(list, v, method, n, &veto);
    debar_activity_query(list, v, method, u.query, &veto);
    debar_activity_query(list, v, method, f->form, &veto);

    if (veto && v->activity == DEBAR_ACQUIRE) {
        v->activity = DEBAR_BROWSE;
        v->channel = "veto";
        v->channel_len = sizeof("veto") - 1;
        v->step = NULL;
        v->step_len = 0;
    }
}
