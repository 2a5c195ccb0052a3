/*
 * Evidence in a URL: listed URLs, names, part numbers, GTINs and file names in
 * its text, and URLs inside it.
 */

#include <stdio.h>

#include "judge_private.h"
#include "peel_node.h"


static inline int
debar_slash(char c)
{
    return c == '/' || c == '\\';
}


int
debar_mixed_token(const char *p, size_t len)
{
    size_t  i, digits, letters;

    for (i = 0, digits = 0, letters = 0; i < len; i++) {
        if (p[i] >= '0' && p[i] <= '9') {
            digits++;

        } else {
            letters++;
        }
    }

    return digits && letters;
}


int
debar_gtin_length(size_t len)
{
    return len == 8 || (len >= 12 && len <= 14);
}


/* Part numbers and GTINs among the tokens of a text. */

static void
debar_match_tokens(debar_list_t *list, debar_verdict_t *v, const char *where,
    const char *tokens, size_t len, unsigned cap)
{
    char    ident[DEBAR_MAX_IDENT];
    size_t  from, i, n;

    for (from = 0, i = 0; i <= len; i++) {

        if (i < len && tokens[i] != ' ' && tokens[i] != DEBAR_TEXT_BREAK) {
            continue;
        }

        if (debar_mixed_token(tokens + from, i - from)) {
            n = debar_ident_part(ident, sizeof(ident), tokens + from, i - from);
            debar_match_id(list, v, DEBAR_KIND_PART_NUMBER, where, ident, n,
                           from, cap);
            debar_match_exprs(list, v, DEBAR_KIND_PART_NUMBER, where, ident, n,
                              cap);

        } else if (debar_gtin_length(i - from)) {
            n = debar_ident_gtin(ident, sizeof(ident), tokens + from, i - from);
            debar_match_id(list, v, DEBAR_KIND_GTIN, where, ident, n, from,
                           cap);
        }

        from = i + 1;
    }
}


/*
 * Sites of files put a word behind the name: /setup.exe/download.  How long the
 * path above such a word is; 0 if its last segment looks like a file itself.
 */

size_t
debar_path_above(const char *path, size_t len)
{
    size_t  n;

    for (n = len; n && path[n - 1] != '/'; n--) {
        if (path[n - 1] == '.') {
            return 0;
        }
    }

    return n && n < len ? n - 1 : 0;
}


/* Without the parameters of its last segment ("x.exe;v=1"); 0: it has none. */

static size_t
debar_path_plain(const char *path, size_t len)
{
    size_t  n, plain;

    for (n = len, plain = 0; n && path[n - 1] != '/'; n--) {
        plain = path[n - 1] == ';' ? n - 1 : plain;
    }

    return plain;
}


void
debar_match_file(debar_list_t *list, debar_verdict_t *v, const char *where,
    const char *text, size_t len, unsigned cap)
{
    char    name[DEBAR_MAX_IDENT];
    size_t  n;

    n = debar_ident_file(name, sizeof(name), text, len);

    if (n == 0) {
        return;
    }

    debar_match_id(list, v, DEBAR_KIND_FILE, where, name, n, 0, cap);
    debar_match_exprs(list, v, DEBAR_KIND_FILE, where, name, n, cap);
}


/* What stands in a text of a URL that was decoded into list->decoded. */

void
debar_match_text(debar_list_t *list, debar_verdict_t *v, const char *where,
    const char *text, size_t len, unsigned role, unsigned cap)
{
    char      ident[DEBAR_MAX_IDENT];
    size_t    n;
    unsigned  flags, careful;

    /* who searches does not buy; notes and people are not goods */

    if (role == DEBAR_ROLE_SEARCH || role == DEBAR_ROLE_NOTE
        || role == DEBAR_ROLE_PERSON)
    {
        cap = cap < DEBAR_LOG ? cap : DEBAR_LOG;
    }

    careful = !(role == DEBAR_ROLE_MAKER || role == DEBAR_ROLE_NAME
                || role == DEBAR_ROLE_PART);

    flags = 0;
    n = debar_text_tokens(list->tokens, sizeof(list->tokens), text, len, NULL,
                          &flags);
    v->cut |= (flags & DEBAR_TEXT_CUT) != 0;

    debar_match_names(list, v, where, list->tokens, n, cap, careful);
    debar_match_tokens(list, v, where, list->tokens, n, cap);

    if (role == DEBAR_ROLE_PART || role == DEBAR_ROLE_SUPPLIER_PART) {
        n = debar_ident_part(ident, sizeof(ident), text, len);
        debar_match_id(list, v, DEBAR_KIND_PART_NUMBER, where, ident, n, 0,
                       cap);
        debar_match_exprs(list, v, DEBAR_KIND_PART_NUMBER, where, ident, n,
                          cap);

    } else if (role == DEBAR_ROLE_GTIN) {
        n = debar_ident_gtin(ident, sizeof(ident), text, len);
        debar_match_id(list, v, DEBAR_KIND_GTIN, where, ident, n, 0, cap);
    }
}


/* --- listed URLs ---------------------------------------------------------- */

static void
debar_match_url_key(debar_list_t *list, debar_verdict_t *v,
    const debar_host_t *h, const char *path, size_t len, const char *where,
    unsigned cap)
{
    char             key[DEBAR_MAX_KEY], value[DEBAR_VALUE];
    size_t           klen, n, i, k, vlen;
    const uint32_t  *rules;

    klen = debar_key_url(key, h, path, len);

    if (klen == 0) {
        return;
    }

    n = debar_snapshot_get(list->snapshot, DEBAR_DB_URL, key, klen, &rules);

    for (i = 0; i < n; i++) {

        /* a listed URL says more than the host that it is on */

        for (k = 0; k < v->nevidence; /* void */ ) {
            if (v->evidence[k].kind == DEBAR_KIND_HOST
                && strcmp(v->evidence[k].where, "host") == 0
                && list->rules[v->evidence[k].rule].entry
                   == list->rules[rules[i]].entry
                && strcmp(where, "url") == 0)
            {
                v->evidence[k] = v->evidence[--v->nevidence];
                continue;
            }

            k++;
        }

        vlen = snprintf(value, sizeof(value), "%s%.*s", h->name, (int) len,
                        path);
        if (vlen >= sizeof(value)) {
            vlen = sizeof(value) - 1;
        }

        debar_evidence_add(list, v, rules[i], where, value, vlen, 0, cap);
    }
}


static int
debar_has_urls(debar_list_t *list, const debar_host_t *h)
{
    size_t              n, i;
    debar_found_host_t  found[1];

    n = debar_snapshot_hosts(list->snapshot, h, found, 1);

    if (n == 0 || !found[0].exact) {
        return 0;
    }

    for (i = 0; i < found[0].n; i++) {
        if (found[0].rules[i] == DEBAR_RULE_HAS_URLS) {
            return 1;
        }
    }

    return 0;
}


/*
 * The path and each path above it; the path with all of its pairs, and with
 * each of them.
 */

static void
debar_match_urls(debar_list_t *list, debar_verdict_t *v, const debar_host_t *h,
    debar_str_t path, debar_str_t query, const char *where, unsigned cap)
{
    char         *p = list->path;
    size_t        len, n, pos, q;
    unsigned      flags, pairs;
    debar_str_t   key, value;

    if (!debar_has_urls(list, h)) {
        return;
    }

    flags = 0;
    len = debar_url_path(p, sizeof(list->path), path.data, path.len, &flags);
    v->cut |= (flags & DEBAR_PATH_CUT) != 0;

    for (n = len; ; /* void */ ) {
        debar_match_url_key(list, v, h, p, n, where, cap);

        while (n > 0 && p[n - 1] != '/') {
            n--;
        }

        if (n <= 1) {
            break;
        }

        n--;
    }

    if (len > 1) {
        debar_match_url_key(list, v, h, "/", 1, where, cap);
    }

    if (query.data == NULL || len + 2 >= sizeof(list->path)) {
        return;
    }

    p[len] = '?';
    q = len + 1;

    n = debar_url_query(p + q, sizeof(list->path) - q, query.data, query.len,
                        &flags);
    debar_match_url_key(list, v, h, p, q + n, where, cap);

    pos = 0;
    pairs = 0;

    while (pairs++ < DEBAR_MAX_PAIRS
           && debar_url_pair(query.data, query.len, &pos, &key, &value)
              == DEBAR_OK)
    {
        n = debar_url_query(p + q, sizeof(list->path) - q, key.data,
                            value.data ? (size_t) (value.data + value.len
                                                   - key.data) : key.len,
                            &flags);
        debar_match_url_key(list, v, h, p, q + n, where, cap);
    }
}


/* --- URLs inside the URL ------------------------------------------------ */

typedef struct {
    unsigned  mentions;
    unsigned  relayed;
} debar_inners_t;


static void debar_match_inner(debar_list_t *list, debar_verdict_t *v,
    const char *p, size_t len, const char *found, unsigned cap);


/*
 * Looks at the URL that begins at data.  What a relay is asked to fetch has a
 * bound of its own: mentions before it do not use that up.
 */

static int
debar_inner_add(debar_list_t *list, debar_verdict_t *v, debar_inners_t *in,
    const char *data, size_t len, const char *where, unsigned cap)
{
    unsigned  *n;

    n = cap > DEBAR_LOG ? &in->relayed : &in->mentions;

    if (*n == DEBAR_MAX_NESTING) {
        v->cut = 1;
        return DEBAR_DECLINED;
    }

    (*n)++;
    debar_match_inner(list, v, data, len, where, cap);

    return DEBAR_OK;
}


/* "http:/", "https:/" (archives fold slashes, and readers take a backslash for
 * one) in decoded text; NULL if none. */

static const char *
debar_find_url(const char *p, size_t len)
{
    size_t  i;

    for (i = 4; i + 1 < len; i++) {
        if (p[i] != ':' || !debar_slash(p[i + 1])) {
            continue;
        }

        if (strncasecmp(p + i - 4, "http", 4) == 0) {
            return p + i - 4;
        }

        if (i >= 5 && strncasecmp(p + i - 5, "https", 5) == 0) {
            return p + i - 5;
        }
    }

    return NULL;
}


static void
debar_find_inner(debar_list_t *list, debar_verdict_t *v, debar_inners_t *in,
    const char *text, size_t len, const char *where, unsigned role,
    unsigned cap)
{
    const char  *p, *end;

    end = text + len;
    p = debar_find_url(text, len);

    if (p != NULL) {
        while (p != NULL) {
            if (debar_inner_add(list, v, in, p, end - p, where, cap)
                != DEBAR_OK || end - p < 8)
            {
                return;
            }

            text = p + 6;
            p = debar_find_url(text, end - text);
        }

        return;
    }

    if (role == DEBAR_ROLE_URL
        || (len > 2 && debar_slash(text[0]) && debar_slash(text[1])))
    {
        if (memchr(text, '.', len) != NULL) {
            (void) debar_inner_add(list, v, in, text, len, where, cap);
        }
    }
}


static void
debar_match_inner(debar_list_t *list, debar_verdict_t *v, const char *p,
    size_t len, const char *found, unsigned cap)
{
    char                     where[DEBAR_WHERE];
    const char              *end;
    unsigned                 i;
    debar_url_parts_t        u;
    debar_authority_parts_t  a;

    end = p + len;

    /* past the scheme and however many slashes are left of it */

    if (end - p > 5 && strncasecmp(p, "http", 4) == 0
        && memchr(p, ':', 6 < end - p ? 6 : end - p) != NULL)
    {
        p = (const char *) memchr(p, ':', end - p) + 1;
    }

    while (p < end && debar_slash(*p)) {
        p++;
    }

    u.authority.data = p;

    while (p < end && *p != '/' && *p != '?' && *p != '#') {
        p++;
    }

    u.authority.len = p - u.authority.data;
    u.path.data = p;

    while (p < end && *p != '?' && *p != '#') {
        p++;
    }

    u.path.len = p - u.path.data;
    u.query = debar_str(NULL, 0);

    if (p < end && *p == '?') {
        u.query = debar_str(p + 1, end - p - 1);
    }

    debar_authority_parse(&a, u.authority.data, u.authority.len);
    debar_where(where, found, debar_str(NULL, 0), "/url");

    for (i = 0; i < a.n; i++) {
        debar_match_host(list, v, &a.readings[i], where, cap);
        debar_match_urls(list, v, &a.readings[i], u.path, u.query, where,
                         cap);
    }

    if (u.path.len > 1) {
        debar_match_file(list, v, where, u.path.data, u.path.len, cap);
    }
}


void
debar_match_mentions(debar_list_t *list, debar_verdict_t *v, const char *text,
    size_t len, const char *where, unsigned role)
{
    debar_inners_t  in;

    in.mentions = 0;
    in.relayed = 0;

    debar_find_inner(list, v, &in, text, len, where, role, DEBAR_LOG);
}


/* --- the URL of the request ---------------------------------------------- */

static void
debar_match_path(debar_list_t *list, debar_verdict_t *v,
    const debar_host_t *h, debar_str_t path, debar_str_t query,
    debar_inners_t *in)
{
    char                  where[DEBAR_WHERE];
    size_t                n, next;
    unsigned              flags, rounds, cap;
    const char           *how;
    debar_str_t           group;
    const debar_relay_t  *r;

    flags = 0;
    n = debar_text_decode(list->decoded, sizeof(list->decoded), path.data,
                          path.len, 0, &flags, &rounds);
    v->cut |= (flags & (DEBAR_TEXT_CUT|DEBAR_TEXT_DEPTH)) != 0;
    how = flags & DEBAR_TEXT_DECODED ? "/percent" : "";

    debar_where(where, "path", debar_str(NULL, 0), how);
    debar_match_text(list, v, where, list->decoded, n, DEBAR_ROLE_OTHER,
                     DEBAR_BLOCK);

    if (n > 1) {
        debar_where(where, "file", debar_str(NULL, 0), how);
        debar_match_file(list, v, where, list->decoded, n, DEBAR_BLOCK);
        debar_match_file(list, v, where, list->decoded,
                         debar_path_above(list->decoded, n), DEBAR_BLOCK);
        debar_match_file(list, v, where, list->decoded,
                         debar_path_plain(list->decoded, n), DEBAR_BLOCK);
        debar_match_image(list, v, h, "image", debar_str(list->decoded, n),
                          query);
    }

    /* dot segments can put a name together that no segment holds */

    if (memmem(path.data, path.len, "/.", 2) != NULL
        || memmem(list->decoded, n, "/.", 2) != NULL)
    {
        next = debar_url_path(list->path, sizeof(list->path), path.data,
                              path.len, &flags);
        debar_match_text(list, v, "path/canonical", list->path, next,
                         DEBAR_ROLE_OTHER, DEBAR_BLOCK);
        debar_match_file(list, v, "file/canonical", list->path, next,
                         DEBAR_BLOCK);
        debar_match_image(list, v, h, "image/canonical",
                          debar_str(list->path, next), query);
    }

    /* a relay fetches what it is given; elsewhere a URL is a mention */

    cap = DEBAR_LOG;

    for (next = 0; (r = debar_relay(list, h, &next)) != NULL; /* void */ ) {
        if (debar_relay_capture(list, r, list->decoded, n, &group)
            == DEBAR_OK)
        {
            (void) debar_inner_add(list, v, in, group.data, group.len, "path",
                                   DEBAR_BLOCK);
            cap = DEBAR_BLOCK;
        }
    }

    if (cap == DEBAR_LOG) {
        debar_find_inner(list, v, in, list->decoded, n, "path",
                         DEBAR_ROLE_OTHER, cap);
    }
}


static unsigned
debar_relay_key(debar_list_t *list, const debar_host_t *h, debar_str_t key)
{
    size_t                next;
    debar_str_t           s;
    const debar_relay_t  *r;

    for (next = 0; (r = debar_relay(list, h, &next)) != NULL; /* void */ ) {
        s = debar_list_text(list, r->key);

        if (s.len != 0 && s.len == key.len
            && strncasecmp(s.data, key.data, s.len) == 0)
        {
            return r->name_only ? 2 : 1;
        }
    }

    return 0;
}


/*
 * An object store is told what an object is to be called: "attachment;
 * filename*=UTF-8''x.exe" (RFC 6266).
 */

static void
debar_match_disposition(debar_list_t *list, debar_verdict_t *v,
    const char *where, debar_str_t value)
{
    int       n;
    char      raw[DEBAR_MAX_IDENT], name[DEBAR_MAX_IDENT];
    size_t    len;
    unsigned  i;

    static const char *const  names[] = { "filename", "filename*" };

    if (memchr(value.data, ';', value.len) == NULL
        || memmem(value.data, value.len, "ilename", 7) == NULL)
    {
        return;
    }

    for (i = 0; i < 2; i++) {
        n = debar_field_parameter(value, names[i], raw, sizeof(raw));

        if (n <= 0) {
            continue;
        }

        len = debar_field_words(debar_str(raw, n), name, sizeof(name));

        debar_match_text(list, v, where, name, len, DEBAR_ROLE_FILE,
                         DEBAR_BLOCK);
        debar_match_file(list, v, where, name, len, DEBAR_BLOCK);
    }
}


static void
debar_match_pair(debar_list_t *list, debar_verdict_t *v,
    const debar_host_t *h, debar_str_t key, debar_str_t value,
    debar_inners_t *in)
{
    char      where[DEBAR_WHERE], name[64];
    size_t    n, kn;
    unsigned  flags, rounds, role, relay;

    flags = 0;

    kn = debar_text_decode(list->decoded, sizeof(list->decoded), key.data,
                           key.len, 1, &flags, &rounds);
    v->cut |= (flags & DEBAR_TEXT_DEPTH) != 0;

    debar_where(where, "query", debar_str(list->decoded, kn), "/key");
    debar_match_text(list, v, where, list->decoded, kn, DEBAR_ROLE_OTHER,
                     DEBAR_BLOCK);

    if (value.data == NULL || value.len == 0) {
        return;
    }

    key = debar_str(list->decoded, kn);
    role = debar_field_role(list, key);
    relay = debar_relay_key(list, h, key);

    if (kn > sizeof(name)) {
        kn = sizeof(name);
    }

    memcpy(name, list->decoded, kn);
    key = debar_str(name, kn);

    flags = 0;
    n = debar_text_decode(list->decoded, sizeof(list->decoded), value.data,
                          value.len, 1, &flags, &rounds);
    v->cut |= (flags & (DEBAR_TEXT_CUT|DEBAR_TEXT_DEPTH)) != 0;

    debar_where(where, "query", key,
                flags & DEBAR_TEXT_DECODED ? "/percent" : "");
    debar_match_text(list, v, where, list->decoded, n, role, DEBAR_BLOCK);

    if (role == DEBAR_ROLE_FILE
        || (role != DEBAR_ROLE_SEARCH && role != DEBAR_ROLE_NOTE
            && memchr(list->decoded, '.', n) != NULL))
    {
        debar_match_file(list, v, where, list->decoded, n, DEBAR_BLOCK);
    }

    debar_match_disposition(list, v, where, debar_str(list->decoded, n));

    if (key.len == 5 && memcmp(key.data, "scope", 5) == 0) {
        debar_match_image_scope(list, v, where, debar_str(list->decoded, n));
    }

    debar_find_inner(list, v, in, list->decoded, n, where,
                     relay ? DEBAR_ROLE_URL : role,
                     relay ? DEBAR_BLOCK : DEBAR_LOG);
}


void
debar_match_url(debar_list_t *list, debar_verdict_t *v, const debar_host_t *h,
    debar_str_t target)
{
    size_t             pos;
    unsigned           pairs;
    debar_str_t        key, value;
    debar_inners_t     in;
    debar_url_parts_t  u;

    if (target.len > DEBAR_MAX_TARGET) {
        target.len = DEBAR_MAX_TARGET;
        v->cut = 1;
    }

    in.mentions = 0;
    in.relayed = 0;
    debar_url_split(&u, target.data, target.len);

    if (h != NULL) {
        debar_match_urls(list, v, h, u.path, u.query, "url", DEBAR_BLOCK);
    }

    debar_match_path(list, v, h, u.path, u.query, &in);

    pos = 0;
    pairs = 0;

    while (u.query.data != NULL
           && debar_url_pair(u.query.data, u.query.len, &pos, &key, &value)
              == DEBAR_OK)
    {
        if (++pairs > DEBAR_MAX_PAIRS) {

            /* the rest as one text: no name hides behind many pairs */

            debar_match_pair(list, v, h, debar_str(NULL, 0),
                             debar_str(key.data, u.query.data + u.query.len
                                                 - key.data), &in);
            break;
        }

        debar_match_pair(list, v, h, key, value, &in);
    }

    if (u.fragment.len != 0) {
        debar_match_pair(list, v, h, debar_str("#", 1), u.fragment, &in);
    }
}
