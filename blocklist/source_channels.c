/*
 * channels/: how buying looks on the wire.
 */

#include <stdio.h>
#include <stdlib.h>

#include "source_private.h"
#include "text.h"


#define DEBAR_MAX_WORD  64            /* bytes of a canonical word */

typedef struct {
    debar_doc_t  *doc;
    debar_ref_t   id;
    uint32_t      host;           /* its hosts among DEBAR_T_REFS */
    uint32_t      nhosts;
    debar_set_t   words;          /* use, word -> meaning and line */
} debar_channel_t;

static const char *const  debar_uses[] = {
    "", "path", "query-keys", "extensions", "veto", "caution", "fields", "cart",
    "report", "withdraw", "cookies", "operations"
};


static void debar_channel(debar_reader_t *r, debar_doc_t *doc,
    const debar_node_t **values, debar_str_t id);
static int debar_channel_map(debar_doc_t *doc, const debar_node_t **values);
static int debar_channel_id(const debar_node_t *node, debar_str_t *id);
static void debar_channel_hosts(debar_doc_t *doc, const debar_node_t *node,
    uint32_t *first, uint32_t *n);
static void debar_channel_recipe(debar_channel_t *ch, const debar_node_t *node);
static void debar_channel_conds(debar_channel_t *ch, const debar_node_t *node,
    debar_recipe_t *recipe);
static unsigned debar_channel_methods(debar_doc_t *doc,
    const debar_node_t *node);
static void debar_channel_words(debar_channel_t *ch, const debar_node_t *node);
static void debar_channel_by_activity(debar_channel_t *ch,
    const debar_node_t *node, unsigned use);
static void debar_channel_fields(debar_channel_t *ch, const debar_node_t *node);
static void debar_channel_word_list(debar_channel_t *ch,
    const debar_node_t *node, unsigned use, unsigned value);
static void debar_channel_word(debar_channel_t *ch, const debar_node_t *node,
    unsigned use, unsigned value);
static size_t debar_channel_canonical(char *out, size_t size, unsigned use,
    debar_str_t s, const char **wants);
static void debar_channel_relay(debar_channel_t *ch, const debar_node_t *node);


static const debar_yaml_key_t  debar_channel_keys[] = {
    { "id", 1 }, { "title", 1 }, { "source", 0 }, { "hosts", 0 },
    { "recipes", 0 }, { "words", 0 }, { "fields", 0 }, { "relays", 0 },
    { "documents", 0 },
    { NULL, 0 }
};

#define DEBAR_CHANNEL_KEYS  9


void
debar_source_channels(debar_reader_t *r, debar_doc_t *docs, size_t n)
{
    size_t               i;
    uint64_t            *at;
    debar_set_t          own, seen;
    debar_str_t          id;
    const debar_node_t  *values[DEBAR_CHANNEL_KEYS];

    memset(&own, 0, sizeof(debar_set_t));
    memset(&seen, 0, sizeof(debar_set_t));

    for (i = 0; i < n; i++) {
        if (docs[i].root && !docs[i].shipped
            && debar_channel_id(docs[i].root, &id) == DEBAR_OK)
        {
            debar_set_add(&own, id.data, id.len, i);
        }
    }

    for (i = 0; i < n; i++) {
        if (docs[i].root == NULL) {
            continue;
        }

        if (docs[i].shipped
            && debar_channel_id(docs[i].root, &id) == DEBAR_OK
            && debar_set_find(&own, id.data, id.len))
        {
            continue;
        }

        if (debar_channel_map(&docs[i], values) != DEBAR_OK) {
            continue;
        }

        if (debar_yaml_id(&docs[i], values[0], "id", &id) == DEBAR_OK) {
            at = debar_set_add(&seen, id.data, id.len, i);

            if (at) {
                debar_yaml_error(&docs[i], values[0], "duplicate id: \"%.*s\" "
                                 "is that of %s", (int) id.len, id.data,
                                 docs[*at].file);
            }
        }

        debar_channel(r, &docs[i], values, id);
    }

    debar_set_free(&own);
    debar_set_free(&seen);
}


static int
debar_channel_map(debar_doc_t *doc, const debar_node_t **values)
{
    return debar_yaml_map(doc, doc->root, "a channel", debar_channel_keys,
                          values);
}


/* The id of a channel, with no word about what may be wrong with it. */

static int
debar_channel_id(const debar_node_t *node, debar_str_t *id)
{
    size_t  i;

    if (node->type != DEBAR_NODE_MAP) {
        return DEBAR_DECLINED;
    }

    for (i = 0; i < node->n; i += 2) {
        if (node->items[i]->type == DEBAR_NODE_SCALAR
            && strcmp(node->items[i]->text, "id") == 0
            && node->items[i + 1]->type == DEBAR_NODE_SCALAR)
        {
            *id = debar_str(node->items[i + 1]->text, node->items[i + 1]->n);
            return DEBAR_OK;
        }
    }

    return DEBAR_DECLINED;
}


static void
debar_channel(debar_reader_t *r, debar_doc_t *doc, const debar_node_t **values,
    debar_str_t id)
{
    size_t           i, n;
    debar_str_t      s;
    debar_channel_t  ch;

    memset(&ch, 0, sizeof(debar_channel_t));

    ch.doc = doc;
    ch.id = debar_reader_text(r, id.data, id.len);

    debar_yaml_text(doc, values[1], "title", &s);

    if (values[2]) {
        debar_yaml_text(doc, values[2], "source", &s);
    }

    debar_channel_hosts(doc, values[3], &ch.host, &ch.nhosts);

    n = debar_yaml_list(doc, values[4], "recipes");

    for (i = 0; i < n; i++) {
        debar_channel_recipe(&ch, values[4]->items[i]);
    }

    if (values[5]) {
        debar_channel_words(&ch, values[5]);
    }

    debar_channel_fields(&ch, values[6]);

    n = debar_yaml_list(doc, values[7], "relays");

    for (i = 0; i < n; i++) {
        debar_channel_relay(&ch, values[7]->items[i]);
    }

    debar_source_documents(doc, values[8]);

    debar_set_free(&ch.words);
}


static void
debar_channel_hosts(debar_doc_t *doc, const debar_node_t *node,
    uint32_t *first, uint32_t *n)
{
    size_t          i, k;
    uint32_t        at;
    debar_ref_t    *ref;
    debar_str_t     s;
    debar_host_t    h;
    debar_fault_t   why;

    *first = 0;
    *n = 0;

    k = debar_yaml_list(doc, node, "hosts");

    for (i = 0; i < k; i++) {
        if (debar_yaml_text(doc, node->items[i], "hosts", &s) != DEBAR_OK) {
            continue;
        }

        if (debar_value_host(&h, s.data, s.len, &why) != DEBAR_OK) {
            debar_yaml_error(doc, node->items[i], "%s", why.text);
            continue;
        }

        ref = debar_yaml_record(doc, node->items[i], DEBAR_T_REFS,
                                DEBAR_MAX_TERMS, &at);
        if (ref == NULL) {
            return;
        }

        *ref = debar_reader_text(doc->r, h.name, h.len);

        if ((*n)++ == 0) {
            *first = at;
        }
    }
}


static void
debar_channel_recipe(debar_channel_t *ch, const debar_node_t *node)
{
    unsigned             activity;
    debar_doc_t         *doc;
    debar_str_t          step, path;
    debar_recipe_t       recipe, *p;
    const debar_node_t  *values[7];

    static const debar_yaml_key_t  keys[] = {
        { "step", 1 }, { "activity", 1 }, { "methods", 0 }, { "path", 0 },
        { "query", 0 }, { "hosts", 0 }, { NULL, 0 }
    };

    doc = ch->doc;

    if (debar_yaml_map(doc, node, "a recipe", keys, values) != DEBAR_OK) {
        return;
    }

    memset(&recipe, 0, sizeof(debar_recipe_t));
    activity = DEBAR_BROWSE;

    recipe.channel = ch->id;
    recipe.host = ch->host;
    recipe.nhosts = ch->nhosts;
    recipe.methods = debar_channel_methods(doc, values[2]);

    debar_yaml_text(doc, values[0], "step", &step);
    recipe.step = debar_reader_text(doc->r, step.data, step.len);

    if (values[1]) {
        debar_yaml_activity(doc, values[1], &activity);
        recipe.activity = activity;
    }

    if (values[3]
        && debar_yaml_regex(doc, values[3], "path", -1, &path) == DEBAR_OK)
    {
        recipe.path = debar_reader_text(doc->r, path.data, path.len);
    }

    debar_channel_conds(ch, values[4], &recipe);

    if (values[5]) {
        debar_channel_hosts(doc, values[5], &recipe.host, &recipe.nhosts);
    }

    if (values[3] == NULL && values[4] == NULL && recipe.nhosts == 0) {
        debar_yaml_error(doc, node, "a recipe needs \"path\", \"query\" or "
                         "\"hosts\": this one fits every request");
    }

    p = debar_yaml_record(doc, node, DEBAR_T_RECIPES, DEBAR_MAX_RECORDS, NULL);
    if (p) {
        *p = recipe;
    }
}


static void
debar_channel_conds(debar_channel_t *ch, const debar_node_t *node,
    debar_recipe_t *recipe)
{
    size_t         i, n;
    uint32_t       at;
    debar_doc_t   *doc;
    debar_str_t    s;
    debar_cond_t  *cond;
    debar_node_t  *key, *value;

    doc = ch->doc;
    n = debar_yaml_pairs(doc, node, "\"query\"");

    for (i = 0; i < n; i++) {
        key = node->items[2 * i];
        value = node->items[2 * i + 1];

        cond = debar_yaml_record(doc, key, DEBAR_T_CONDS, DEBAR_MAX_RECORDS,
                                 &at);
        if (cond == NULL) {
            return;
        }

        if (recipe->nconds++ == 0) {
            recipe->cond = at;
        }

        if (debar_yaml_regex(doc, key, "query", -1, &s) == DEBAR_OK) {
            cond->key = debar_reader_text(doc->r, s.data, s.len);
        }

        /* nothing behind a key: any value */

        if (!value->null && !(value->type == DEBAR_NODE_SCALAR && value->n == 0)
            && debar_yaml_regex(doc, value, "query", -1, &s) == DEBAR_OK)
        {
            cond->value = debar_reader_text(doc->r, s.data, s.len);
        }
    }
}


static unsigned
debar_channel_methods(debar_doc_t *doc, const debar_node_t *node)
{
    char         shown[96];
    size_t       i, k, n;
    unsigned     methods;
    debar_str_t  s;

    static const struct {
        const char  *name;
        unsigned     bit;
    } known[] = {
        { "GET", DEBAR_M_GET }, { "HEAD", DEBAR_M_HEAD },
        { "POST", DEBAR_M_POST }, { "PUT", DEBAR_M_PUT },
        { "PATCH", DEBAR_M_PATCH }, { "DELETE", DEBAR_M_DELETE },
        { "CONNECT", DEBAR_M_CONNECT }, { "OTHER", DEBAR_M_OTHER }
    };

    methods = 0;
    n = debar_yaml_list(doc, node, "methods");

    for (i = 0; i < n; i++) {
        if (debar_yaml_text(doc, node->items[i], "methods", &s) != DEBAR_OK) {
            continue;
        }

        for (k = 0; k < sizeof(known) / sizeof(known[0]); k++) {
            if (strlen(known[k].name) == s.len
                && memcmp(known[k].name, s.data, s.len) == 0)
            {
                methods |= known[k].bit;
                break;
            }
        }

        if (k == sizeof(known) / sizeof(known[0])) {
            debar_yaml_error(doc, node->items[i], "unknown method %s: GET, "
                             "HEAD, POST, PUT, PATCH, DELETE, CONNECT or OTHER",
                             debar_shown(shown, s.data, s.len));
        }
    }

    return methods;
}


static void
debar_channel_words(debar_channel_t *ch, const debar_node_t *node)
{
    const debar_node_t  *values[11];

    static const debar_yaml_key_t  keys[] = {
        { "path", 0 }, { "query-keys", 0 }, { "extensions", 0 }, { "veto", 0 },
        { "caution", 0 }, { "cart", 0 }, { "report", 0 }, { "withdraw", 0 },
        { "cookies", 0 }, { "operations", 0 }, { NULL, 0 }
    };

    if (debar_yaml_map(ch->doc, node, "\"words\"", keys, values) != DEBAR_OK) {
        return;
    }

    debar_channel_by_activity(ch, values[0], DEBAR_WORD_PATH);
    debar_channel_by_activity(ch, values[1], DEBAR_WORD_QUERY_KEY);
    debar_channel_by_activity(ch, values[2], DEBAR_WORD_EXTENSION);
    debar_channel_word_list(ch, values[3], DEBAR_WORD_VETO, 0);
    debar_channel_word_list(ch, values[4], DEBAR_WORD_CAUTION, 0);
    debar_channel_word_list(ch, values[5], DEBAR_WORD_CART, 0);
    debar_channel_word_list(ch, values[6], DEBAR_WORD_REPORT, 0);
    debar_channel_word_list(ch, values[7], DEBAR_WORD_WITHDRAW, 0);
    debar_channel_word_list(ch, values[8], DEBAR_WORD_COOKIE, 0);
    debar_channel_word_list(ch, values[9], DEBAR_WORD_OPERATION, 0);
}


static void
debar_channel_by_activity(debar_channel_t *ch, const debar_node_t *node,
    unsigned use)
{
    size_t    i, n;
    unsigned  activity;

    n = debar_yaml_pairs(ch->doc, node, debar_uses[use]);

    for (i = 0; i < n; i++) {
        if (debar_yaml_activity(ch->doc, node->items[2 * i], &activity)
            == DEBAR_OK)
        {
            debar_channel_word_list(ch, node->items[2 * i + 1], use, activity);
        }
    }
}


static void
debar_channel_fields(debar_channel_t *ch, const debar_node_t *node)
{
    char         shown[96];
    size_t       i, n;
    unsigned     role;
    debar_str_t  s;
    const char  *near, *names[DEBAR_ROLES];

    for (role = 0; role < DEBAR_ROLES; role++) {
        names[role] = debar_role_name(role);
    }

    n = debar_yaml_pairs(ch->doc, node, "\"fields\"");

    for (i = 0; i < n; i++) {
        if (debar_yaml_text(ch->doc, node->items[2 * i], "fields", &s)
            != DEBAR_OK)
        {
            continue;
        }

        for (role = 0; role < DEBAR_ROLES; role++) {
            if (strlen(names[role]) == s.len
                && memcmp(names[role], s.data, s.len) == 0)
            {
                break;
            }
        }

        if (role == DEBAR_ROLES) {
            near = debar_nearest(node->items[2 * i]->text, names, DEBAR_ROLES);

            debar_yaml_error(ch->doc, node->items[2 * i],
                             "unknown role %s%s%s%s",
                             debar_shown(shown, s.data, s.len),
                             near ? ": \"" : "", near ? near : "",
                             near ? "\" is meant?" : "");
            continue;
        }

        debar_channel_word_list(ch, node->items[2 * i + 1], DEBAR_WORD_FIELD,
                                role);
    }
}


static void
debar_channel_word_list(debar_channel_t *ch, const debar_node_t *node,
    unsigned use, unsigned value)
{
    size_t  i, n;

    n = debar_yaml_list(ch->doc, node, debar_uses[use]);

    for (i = 0; i < n; i++) {
        debar_channel_word(ch, node->items[i], use, value);
    }
}


static void
debar_channel_word(debar_channel_t *ch, const debar_node_t *node, unsigned use,
    unsigned value)
{
    char                 word[DEBAR_MAX_WORD + 8], shown[96];
    size_t               len;
    uint64_t             meaning, *known;
    unsigned             methods;
    const char          *wants;
    debar_doc_t         *doc;
    debar_str_t          s;
    debar_word_t        *w;
    const debar_node_t  *values[3], *at;

    static const debar_yaml_key_t  keys[] = {
        { "word", 1 }, { "methods", 0 }, { NULL, 0 }
    };

    doc = ch->doc;
    at = node;
    methods = 0;

    if (node->type == DEBAR_NODE_MAP) {
        if (debar_yaml_map(doc, node, "a word", keys, values) != DEBAR_OK
            || values[0] == NULL)
        {
            return;
        }

        at = values[0];
        methods = debar_channel_methods(doc, values[1]);
    }

    if (debar_yaml_text(doc, at, debar_uses[use], &s) != DEBAR_OK) {
        return;
    }

    word[0] = (char) use;
    wants = NULL;
    len = debar_channel_canonical(word + 1, DEBAR_MAX_WORD + 1, use, s, &wants);

    if (wants) {
        debar_yaml_error(doc, at, "bad word %s: %s",
                         debar_shown(shown, s.data, s.len), wants);
        return;
    }

    /* "add-to-cart" and "addtocart" are one key: no error while they mean the
     * same. */

    meaning = (uint64_t) value << 8 | methods;
    known = debar_set_add(&ch->words, word, len + 1, meaning << 32 | at->line);

    if (known) {
        if (*known >> 32 != meaning) {
            debar_yaml_error(doc, at, "%s means something else at line %llu: a "
                             "word means one thing in a channel",
                             debar_shown(shown, s.data, s.len),
                             (unsigned long long) (*known & UINT32_MAX));
        }

        return;
    }

    w = debar_yaml_record(doc, at, DEBAR_T_WORDS, DEBAR_MAX_RECORDS, NULL);
    if (w == NULL) {
        return;
    }

    w->word = debar_reader_text(doc->r, word + 1, len);
    w->methods = methods;
    w->use = (uint16_t) use;
    w->value = (uint16_t) value;
}


/* A word in the form in which the engine compares it; *wants: what is wrong. */

static size_t
debar_channel_canonical(char *out, size_t size, unsigned use, debar_str_t s,
    const char **wants)
{
    char           *end;
    size_t          i, n;
    unsigned        flags;
    unsigned char   ch;

    n = 0;
    flags = 0;

    switch (use) {

    case DEBAR_WORD_FIELD:
    case DEBAR_WORD_QUERY_KEY:
    case DEBAR_WORD_CART:
    case DEBAR_WORD_COOKIE:
    case DEBAR_WORD_OPERATION:

        for (i = 0; i < s.len && n < size; i++) {
            ch = (unsigned char) s.data[i];

            if (ch >= 'A' && ch <= 'Z') {
                ch |= 0x20;
            }

            if ((ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9')
                || ch >= 0x80)
            {
                out[n++] = (char) ch;
            }
        }

        break;

    case DEBAR_WORD_EXTENSION:
        n = debar_text_fold(out, size, s.data, s.len, &flags);

        if (memchr(out, '.', n) || memchr(out, '/', n)) {
            *wants = "what is behind the last dot";
            return 0;
        }

        break;

    default:
        n = debar_text_tokens(out, size, s.data, s.len, NULL, &flags);

        end = memchr(out, DEBAR_TEXT_BREAK, n);
        if (end) {
            n = (size_t) (end - out);
        }

        if (use != DEBAR_WORD_PATH && memchr(out, ' ', n)) {
            *wants = "a single word";
            return 0;
        }
    }

    if (n == 0) {
        *wants = "letters or digits";

    } else if (n > DEBAR_MAX_WORD || (flags & DEBAR_TEXT_CUT)) {
        *wants = "64 bytes at most";
    }

    return n;
}


static void
debar_channel_relay(debar_channel_t *ch, const debar_node_t *node)
{
    char                 key[DEBAR_MAX_TEXT];
    unsigned             flags, name_only;
    debar_doc_t         *doc;
    debar_str_t          s;
    debar_host_t         h;
    debar_fault_t        why;
    debar_relay_t        relay, *p;
    const debar_node_t  *values[5];

    static const debar_yaml_key_t  keys[] = {
        { "host", 1 }, { "path", 0 }, { "key", 0 }, { "name-only", 0 },
        { NULL, 0 }
    };

    doc = ch->doc;

    if (debar_yaml_map(doc, node, "a relay", keys, values) != DEBAR_OK) {
        return;
    }

    memset(&relay, 0, sizeof(debar_relay_t));
    relay.channel = ch->id;
    name_only = 0;

    if (debar_yaml_text(doc, values[0], "host", &s) == DEBAR_OK) {
        if (debar_value_host(&h, s.data, s.len, &why) == DEBAR_OK) {
            relay.host = debar_reader_text(doc->r, h.name, h.len);
        } else {
            debar_yaml_error(doc, values[0], "%s", why.text);
        }
    }

    if ((values[1] == NULL) == (values[2] == NULL)) {
        debar_yaml_error(doc, node, "a relay needs \"path\" or \"key\", not "
                         "both");
    }

    if (values[1]
        && debar_yaml_regex(doc, values[1], "path", 1, &s) == DEBAR_OK)
    {
        relay.path = debar_reader_text(doc->r, s.data, s.len);
    }

    if (values[2] && debar_yaml_text(doc, values[2], "key", &s) == DEBAR_OK) {
        flags = 0;
        s.len = debar_text_fold(key, sizeof(key), s.data, s.len, &flags);
        relay.key = debar_reader_text(doc->r, key, s.len);
    }

    if (values[3]) {
        debar_yaml_bool(doc, values[3], "name-only", &name_only);
        relay.name_only = name_only;
    }

    p = debar_yaml_record(doc, node, DEBAR_T_RELAYS, DEBAR_MAX_RECORDS, NULL);
    if (p) {
        *p = relay;
    }
}
