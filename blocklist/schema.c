/*
 * What a source may hold, and its JSON Schema.
 */

#include <stdio.h>

#include "source_private.h"
#include "peel.h"
#include "schema.h"


#define DEBAR_ACTION_WORDS    "pass log block"
#define DEBAR_ACTIVITY_WORDS  "browse update download acquire"
#define DEBAR_METHOD_WORDS    "GET HEAD POST PUT PATCH DELETE CONNECT OTHER"

#define R  DEBAR_S_REQUIRED
#define L  DEBAR_S_LIST
#define F  DEBAR_S_LIST|DEBAR_S_FULL

static void debar_schema_object(debar_buf_t *b, const debar_schema_t *s,
    unsigned depth);
static void debar_schema_keys(debar_buf_t *b, const debar_schema_key_t *keys,
    unsigned depth);
static void debar_schema_value(debar_buf_t *b, const debar_schema_key_t *key,
    unsigned depth);
static void debar_schema_rows(debar_buf_t *b, const char *kind,
    unsigned depth);


static const debar_schema_key_t  debar_s_list[] = {
    { "title", DEBAR_S_TEXT, R, NULL, "what the list is", NULL },
    { "publisher", DEBAR_S_TEXT, R, NULL, "who keeps it", NULL },
    { "timezone", DEBAR_S_TEXT, 0, NULL,
      "dates begin at 00:00 there: America/New_York; default UTC", NULL },
    { "serial", DEBAR_S_NUMBER, R, NULL, "rises with every publication", NULL },
    { "expires", DEBAR_S_DATE, 0, NULL, "when it is no longer enforced", NULL },
    { "in-force", DEBAR_S_TEXT, F, NULL,
      "authorities that count; default: every one", NULL },
    { "channels", DEBAR_S_WORD, 0, "none", "none: without the shipped ones",
      NULL },
    { "keep-open", DEBAR_S_TEXT, L, NULL,
      "hosts and URLs that no row may refuse to browse", NULL },
    { "authorities", DEBAR_S_MAP, R|DEBAR_S_KEYED|DEBAR_S_FULL, "authority",
      "by id", NULL },
    { NULL, 0, 0, NULL, NULL, NULL }
};

static const debar_schema_key_t  debar_s_authority[] = {
    { "title", DEBAR_S_TEXT, R, NULL, "as it is cited", NULL },
    { "url", DEBAR_S_WEB, 0, NULL, "where it can be read", NULL },
    { "phases", DEBAR_S_MAP, R|F, "phase", "what it does from when on", NULL },
    { NULL, 0, 0, NULL, NULL, NULL }
};

static const debar_schema_key_t  debar_s_phase[] = {
    { "from", DEBAR_S_DATE, R, NULL, "its first day", NULL },
    { "browse", DEBAR_S_WORD, 0, DEBAR_ACTION_WORDS, NULL, NULL },
    { "acquire", DEBAR_S_WORD, 0, DEBAR_ACTION_WORDS, NULL, NULL },
    { "download", DEBAR_S_WORD, 0, DEBAR_ACTION_WORDS, NULL, NULL },
    { "update", DEBAR_S_WORD, 0, DEBAR_ACTION_WORDS, NULL, NULL },
    { NULL, 0, 0, NULL, NULL, NULL }
};

/* Kinds of values stand behind these, in the order of debar_value_kinds. */

static const debar_schema_key_t  debar_s_vendor[] = {
    { "id", DEBAR_S_ID, R, NULL, "in records and waivers", NULL },
    { "name", DEBAR_S_TEXT, R, NULL, "for people", NULL },
    { "authorities", DEBAR_S_TEXT, R|F, NULL, "by which it is listed", NULL },
    { "", 0, DEBAR_S_ROWS, NULL, NULL, NULL },
    { "products", DEBAR_S_MAP, L, "product", NULL, NULL },
    { "permits", DEBAR_S_MAP, L, "permit", "what is let through", NULL },
    { NULL, 0, 0, NULL, NULL, NULL }
};

static const debar_schema_key_t  debar_s_product[] = {
    { "id", DEBAR_S_ID, R, NULL, "in records and waivers", NULL },
    { "name", DEBAR_S_TEXT, R, NULL, "for people", NULL },
    { "", DEBAR_KIND_PRODUCTS, DEBAR_S_ROWS, NULL, NULL, NULL },
    { NULL, 0, 0, NULL, NULL, NULL }
};

static const debar_schema_key_t  debar_s_permit[] = {
    { "url", DEBAR_S_TEXT, 0, NULL, "ends in /" "* for all below it", NULL },
    { "host", DEBAR_S_TEXT, 0, NULL, NULL, NULL },
    { "subdomains", DEBAR_S_BOOL, 0, NULL, "of a host; default false", NULL },
    { "sha256", DEBAR_S_TEXT, 0, NULL, "of the file that is let through",
      NULL },
    { "product", DEBAR_S_TEXT, 0, NULL, "as the file names it", NULL },
    { "why", DEBAR_S_TEXT, R, NULL, NULL, NULL },
    { "authorities", DEBAR_S_TEXT, F, NULL, "fewer than the vendor's", NULL },
    { "from", DEBAR_S_DATE, 0, NULL, "first day; default: always", NULL },
    { "until", DEBAR_S_DATE, 0, NULL, "last day; default: for good", NULL },
    { "approved-by", DEBAR_S_TEXT, 0, NULL, NULL, NULL },
    { NULL, 0, 0, NULL, NULL, NULL }
};

static const debar_schema_key_t  debar_s_waivers[] = {
    { "waivers", DEBAR_S_MAP, R|L, "waiver", NULL, NULL },
    { NULL, 0, 0, NULL, NULL, NULL }
};

static const debar_schema_key_t  debar_s_waiver[] = {
    { "id", DEBAR_S_ID, R, NULL, "in records", NULL },
    { "vendor", DEBAR_S_TEXT, R, NULL, "id of a file of vendors/", NULL },
    { "products", DEBAR_S_TEXT, F, NULL, "ids; default: all", NULL },
    { "authorities", DEBAR_S_TEXT, F, NULL, "default: the vendor's", NULL },
    { "users", DEBAR_S_TEXT, F, NULL, "for whom", NULL },
    { "clients", DEBAR_S_TEXT, F, NULL, "from which networks", NULL },
    { "orders", DEBAR_S_TEXT, F, NULL, "by which order numbers", NULL },
    { "urls", DEBAR_S_TEXT, F, NULL, "where", NULL },
    { "activities", DEBAR_S_WORD, F, DEBAR_ACTIVITY_WORDS, "default: all",
      NULL },
    { "from", DEBAR_S_DATE, R, NULL, "its first day", NULL },
    { "until", DEBAR_S_DATE, R, NULL, "its last day", NULL },
    { "approved-by", DEBAR_S_TEXT, R, NULL, NULL, NULL },
    { "why", DEBAR_S_TEXT, R, NULL, NULL, NULL },
    { NULL, 0, 0, NULL, NULL, NULL }
};

static const debar_schema_key_t  debar_s_channel[] = {
    { "id", DEBAR_S_ID, R, NULL, "that of a shipped one replaces it", NULL },
    { "title", DEBAR_S_TEXT, R, NULL, NULL, NULL },
    { "source", DEBAR_S_TEXT, 0, NULL, "where it is known from", NULL },
    { "hosts", DEBAR_S_TEXT, L, NULL, "where it applies; default: anywhere",
      NULL },
    { "recipes", DEBAR_S_MAP, L, "recipe", "activities by URL", NULL },
    { "words", DEBAR_S_MAP, 0, "words", NULL, NULL },
    { "fields", DEBAR_S_TEXT, L|DEBAR_S_KEYED, "word",
      "names of fields by their role", "@roles" },
    { "relays", DEBAR_S_MAP, L, "relay", "URLs inside of URLs", NULL },
    { "documents", DEBAR_S_MAP, L, "document", "purchase documents", NULL },
    { NULL, 0, 0, NULL, NULL, NULL }
};

static const debar_schema_key_t  debar_s_recipe[] = {
    { "step", DEBAR_S_TEXT, R, NULL, "cart, checkout, ...", NULL },
    { "activity", DEBAR_S_WORD, R, DEBAR_ACTIVITY_WORDS, NULL, NULL },
    { "methods", DEBAR_S_WORD, L, DEBAR_METHOD_WORDS, "default: any", NULL },
    { "path", DEBAR_S_TEXT, 0, NULL, "an expression", NULL },
    { "query", DEBAR_S_ANY, DEBAR_S_KEYED, NULL,
      "expressions of keys and their values", NULL },
    { "hosts", DEBAR_S_TEXT, L, NULL, "other than the channel's", NULL },
    { NULL, 0, 0, NULL, NULL, NULL }
};

static const debar_schema_key_t  debar_s_word[] = {
    { "word", DEBAR_S_TEXT, R, NULL, NULL, NULL },
    { "methods", DEBAR_S_WORD, L, DEBAR_METHOD_WORDS, "default: any", NULL },
    { NULL, 0, 0, NULL, NULL, NULL }
};

static const debar_schema_key_t  debar_s_words[] = {
    { "path", DEBAR_S_TEXT, L|DEBAR_S_KEYED, "word", NULL, DEBAR_ACTIVITY_WORDS },
    { "query-keys", DEBAR_S_TEXT, L|DEBAR_S_KEYED, "word", NULL,
      DEBAR_ACTIVITY_WORDS },
    { "extensions", DEBAR_S_TEXT, L|DEBAR_S_KEYED, "word", NULL,
      DEBAR_ACTIVITY_WORDS },
    { "veto", DEBAR_S_TEXT, L, "word", NULL, NULL },
    { "caution", DEBAR_S_TEXT, L, "word", NULL, NULL },
    { "cart", DEBAR_S_TEXT, L, "word", NULL, NULL },
    { "report", DEBAR_S_TEXT, L, "word", NULL, NULL },
    { "withdraw", DEBAR_S_TEXT, L, "word", NULL, NULL },
    { "operations", DEBAR_S_TEXT, L, "word", NULL, NULL },
    { "cookies", DEBAR_S_TEXT, L, "word", NULL, NULL },
    { NULL, 0, 0, NULL, NULL, NULL }
};

static const debar_schema_key_t  debar_s_relay[] = {
    { "host", DEBAR_S_TEXT, R, NULL, NULL, NULL },
    { "path", DEBAR_S_TEXT, 0, NULL, "an expression with one group", NULL },
    { "key", DEBAR_S_TEXT, 0, NULL, "of the query", NULL },
    { "name-only", DEBAR_S_BOOL, 0, NULL, NULL, NULL },
    { NULL, 0, 0, NULL, NULL, NULL }
};

static const debar_schema_key_t  debar_s_document[] = {
    { "id", DEBAR_S_ID, R, NULL, NULL, NULL },
    { "title", DEBAR_S_TEXT, 0, NULL, NULL, NULL },
    { "syntax", DEBAR_S_WORD, R|L, "@syntaxes", NULL, NULL },
    { "activity", DEBAR_S_WORD, 0, DEBAR_ACTIVITY_WORDS, NULL, NULL },
    { "returns", DEBAR_S_BOOL, 0, NULL, NULL, NULL },
    { "root", DEBAR_S_TEXT, R|L, NULL, NULL, NULL },
    { "line", DEBAR_S_TEXT, L, NULL, NULL, NULL },
    { "end", DEBAR_S_TEXT, L, NULL, NULL, NULL },
    { "order", DEBAR_S_TEXT, L, NULL, NULL, NULL },
    { "cancel", DEBAR_S_TEXT, L, NULL, NULL, NULL },
    { "withdraw", DEBAR_S_TEXT, L, NULL, NULL, NULL },
    { "fields", DEBAR_S_TEXT, L|DEBAR_S_KEYED, NULL, NULL, "@roles" },
    { "joined", DEBAR_S_TEXT, L|DEBAR_S_KEYED, NULL, NULL, "@roles" },
    { NULL, 0, 0, NULL, NULL, NULL }
};

static const debar_schema_t  debar_schemas[] = {
    { "list", debar_s_list, NULL, NULL },
    { "vendor", debar_s_vendor, NULL, NULL },
    { "waivers", debar_s_waivers, NULL, NULL },
    { "channel", debar_s_channel, NULL, NULL },
    { "authority", debar_s_authority, NULL, NULL },
    { "phase", debar_s_phase, NULL, NULL },
    { "product", debar_s_product, NULL, NULL },
    { "permit", debar_s_permit, "url host", NULL },
    { "waiver", debar_s_waiver, NULL, "users clients orders urls" },
    { "recipe", debar_s_recipe, NULL, NULL },
    { "words", debar_s_words, NULL, NULL },
    { "word", debar_s_word, NULL, NULL },
    { "relay", debar_s_relay, "path key", NULL },
    { "document", debar_s_document, NULL, NULL }
};

static const char *const  debar_schema_titles[] = {
    "list.yaml of a Debar list", "vendors/*.yaml of a Debar list",
    "waivers.yaml of a Debar list", "channels/*.yaml of a Debar list"
};

#undef R
#undef L
#undef F


const debar_schema_t *
debar_schema(const char *name)
{
    size_t  i;

    for (i = 0; i < sizeof(debar_schemas) / sizeof(debar_schemas[0]); i++) {
        if (strcmp(debar_schemas[i].name, name) == 0) {
            return &debar_schemas[i];
        }
    }

    return NULL;
}


size_t
debar_schema_row(const char *kind, debar_schema_key_t *keys, size_t max)
{
    size_t                     i, n;
    const debar_value_kind_t  *k;

    const debar_schema_key_t  all[] = {
        { "", DEBAR_S_TEXT, 0, NULL, NULL, NULL },
        { "pattern", DEBAR_S_TEXT, 0, NULL, "an expression (PCRE2)", NULL },
        { "match", DEBAR_S_WORD, 0, "word anywhere", "default: word", NULL },
        { "subdomains", DEBAR_S_BOOL, 0, NULL, "default: true", NULL },
        { "activity", DEBAR_S_WORD, 0, DEBAR_ACTIVITY_WORDS,
          "the request counts as at least this", NULL },
        { "action", DEBAR_S_WORD, 0, "log block", "a cap on this evidence",
          NULL },
        { "authorities", DEBAR_S_TEXT, DEBAR_S_LIST|DEBAR_S_FULL, NULL,
          "fewer than the vendor's", NULL },
        { "source", DEBAR_S_TEXT, 0, NULL, "where it is known from", NULL },
        { "forced", DEBAR_S_TEXT, 0, NULL,
          "why it stands though a guard rail refuses it", NULL }
    };

    k = NULL;

    for (i = 0; i < DEBAR_VALUE_KINDS; i++) {
        if (strcmp(debar_value_kinds[i].list, kind) == 0) {
            k = &debar_value_kinds[i];
        }
    }

    for (i = 0, n = 0; k && i < sizeof(all) / sizeof(all[0]) && n + 1 < max;
         i++)
    {
        if ((i == 1 && !(k->flags & DEBAR_KIND_PATTERNS))
            || (i == 2 && k->kind != DEBAR_KIND_NAME)
            || (i == 3 && k->kind != DEBAR_KIND_HOST)
            || (i && i != 7 && (k->flags & DEBAR_KIND_IS_NOT)))
        {
            continue;
        }

        keys[n] = all[i];

        if (i == 0) {
            keys[n].name = k->value;
        }

        n++;
    }

    memset(&keys[n], 0, sizeof(*keys));

    return n;
}


/* --- JSON Schema ---------------------------------------------------------- */

static void
debar_schema_nl(debar_buf_t *b, unsigned depth)
{
    debar_buf_printf(b, "\n%*s", (int) depth * 2, "");
}


static void
debar_schema_json_text(debar_buf_t *b, const char *key, const char *text)
{
    debar_buf_printf(b, "\"%s\": ", key);
    debar_buf_json(b, text, strlen(text));
}


int
debar_schema_json(debar_buf_t *b, const char *file)
{
    size_t  i;

    for (i = 0; i < 4; i++) {
        if (strcmp(debar_schemas[i].name, file) == 0) {
            break;
        }
    }

    if (i == 4) {
        return DEBAR_DECLINED;
    }

    debar_buf_printf(b, "{\n  \"$schema\": "
                     "\"https://json-schema.org/draft/2020-12/schema\",\n  ");
    debar_schema_json_text(b, "title", debar_schema_titles[i]);
    debar_buf_printf(b, ",\n  ");
    debar_schema_object(b, &debar_schemas[i], 1);
    debar_buf_printf(b, "\n}\n");

    return DEBAR_OK;
}


/* The members of an object's schema, without braces. */

static void
debar_schema_object(debar_buf_t *b, const debar_schema_t *s, unsigned depth)
{
    size_t       n;
    const char  *p, *words, *how;

    debar_buf_printf(b, "\"type\": \"object\",");
    debar_schema_nl(b, depth);
    debar_buf_printf(b, "\"additionalProperties\": false,");
    debar_schema_nl(b, depth);
    debar_schema_keys(b, s->keys, depth);

    words = s->one_of ? s->one_of : s->any_of;
    how = s->one_of ? "oneOf" : "anyOf";

    if (words == NULL) {
        return;
    }

    debar_buf_printf(b, ",");
    debar_schema_nl(b, depth);
    debar_buf_printf(b, "\"%s\": [", how);

    for (p = words; *p; p += n + (p[n] == ' ')) {
        n = strcspn(p, " ");
        debar_buf_printf(b, "%s{\"required\": [\"%.*s\"]}",
                         p == words ? "" : ", ", (int) n, p);
    }

    debar_buf_printf(b, "]");
}


static void
debar_schema_property(debar_buf_t *b, const debar_schema_key_t *key,
    unsigned depth, size_t *n)
{
    debar_buf_printf(b, "%s", (*n)++ ? "," : "");
    debar_schema_nl(b, depth + 1);
    debar_buf_printf(b, "\"%s\": {", key->name);

    if (key->about) {
        debar_schema_json_text(b, "description", key->about);
        debar_buf_printf(b, ", ");
    }

    debar_schema_value(b, key, depth + 1);
    debar_buf_printf(b, "}");
}


static void
debar_schema_keys(debar_buf_t *b, const debar_schema_key_t *keys,
    unsigned depth)
{
    size_t                     i, k, n;
    debar_schema_key_t         from;
    const debar_value_kind_t  *kind;

    debar_buf_printf(b, "\"properties\": {");

    for (i = 0, n = 0; keys[i].name; i++) {
        if (!(keys[i].flags & DEBAR_S_ROWS)) {
            debar_schema_property(b, &keys[i], depth, &n);
            continue;
        }

        for (k = 0; k < DEBAR_VALUE_KINDS; k++) {
            kind = &debar_value_kinds[k];

            if ((kind->flags & keys[i].type) != keys[i].type) {
                continue;
            }

            debar_buf_printf(b, "%s", n++ ? "," : "");
            debar_schema_nl(b, depth + 1);
            debar_buf_printf(b, "\"%s\": {", kind->list);
            debar_schema_rows(b, kind->list, depth + 1);
            debar_buf_printf(b, "}");

            memset(&from, 0, sizeof(from));
            from.name = kind->from;
            from.about = "a plain file, one value a line";
            debar_schema_property(b, &from, depth, &n);
        }
    }

    debar_schema_nl(b, depth);
    debar_buf_printf(b, "}");

    for (i = 0, n = 0; keys[i].name; i++) {
        if (!(keys[i].flags & DEBAR_S_REQUIRED)) {
            continue;
        }

        if (n == 0) {
            debar_buf_printf(b, ",");
            debar_schema_nl(b, depth);
            debar_buf_printf(b, "\"required\": [");
        }

        debar_buf_printf(b, "%s\"%s\"", n++ ? ", " : "", keys[i].name);
    }

    debar_buf_printf(b, "%s", n ? "]" : "");
}


/* Words separated by spaces, or one of our own lists of names. */

static void
debar_schema_enum(debar_buf_t *b, const char *words)
{
    size_t       n, i;
    const char  *p;

    debar_buf_printf(b, "\"enum\": [");

    if (strcmp(words, "@roles") == 0) {
        for (i = 0; i < DEBAR_ROLES; i++) {
            debar_buf_printf(b, "%s\"%s\"", i ? ", " : "",
                             debar_role_name((unsigned) i));
        }

    } else if (strcmp(words, "@syntaxes") == 0) {
        for (i = 0; i < DEBAR_SYNTAX_ENCODING; i++) {
            debar_buf_printf(b, "%s\"%s\"", i ? ", " : "",
                             debar_syntax_name((unsigned) i));
        }

    } else {
        for (p = words; *p; p += n + (p[n] == ' ')) {
            n = strcspn(p, " ");
            debar_buf_printf(b, "%s\"%.*s\"", p == words ? "" : ", ", (int) n,
                             p);
        }
    }

    debar_buf_printf(b, "]");
}


/* YAML has numbers and truth values where the reader takes their text. */

static void
debar_schema_scalar(debar_buf_t *b, const debar_schema_key_t *key,
    unsigned depth)
{
    switch (key->type) {

    case DEBAR_S_ID:
        debar_buf_printf(b, "\"type\": [\"string\", \"number\", \"boolean\"], "
                         "\"pattern\": \"^\\\\s*[A-Za-z0-9][A-Za-z0-9._-]*"
                         "\\\\s*$\", \"maxLength\": %d, \"minimum\": 0",
                         DEBAR_MAX_ID);
        break;

    case DEBAR_S_DATE:
        debar_buf_printf(b, "\"type\": \"string\", \"pattern\": "
                         "\"^\\\\s*(19[0-9]{2}|[2-9][0-9]{3})-"
                         "(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])\\\\s*$\"");
        break;

    case DEBAR_S_NUMBER:
        debar_buf_printf(b, "\"type\": [\"integer\", \"string\"], "
                         "\"minimum\": 1, \"maximum\": 9223372036854775807, "
                         "\"pattern\": \"^\\\\s*0*[1-9][0-9]{0,18}\\\\s*$\"");
        break;

    case DEBAR_S_BOOL:
        debar_buf_printf(b, "\"enum\": [true, false, \"true\", \"false\"]");
        break;

    case DEBAR_S_WEB:
        debar_buf_printf(b, "\"type\": \"string\", \"pattern\": "
                         "\"^\\\\s*https?://\", \"maxLength\": %d",
                         DEBAR_MAX_TEXT);
        break;

    case DEBAR_S_WORD:
        debar_schema_enum(b, key->of);
        break;

    case DEBAR_S_MAP:
        debar_schema_object(b, debar_schema(key->of), depth);
        break;

    case DEBAR_S_ANY:
        debar_buf_printf(b, "\"type\": [\"string\", \"number\", \"boolean\", "
                         "\"null\"], \"pattern\": \"^$|\\\\S\", \"maxLength\": %d",
                         DEBAR_MAX_TEXT);
        break;

    default:

        /* or a map that says more of it */

        if (key->of) {
            debar_buf_printf(b, "\"anyOf\": [{");
        }

        debar_buf_printf(b, "\"type\": [\"string\", \"number\", \"boolean\"], "
                         "\"pattern\": \"\\\\S\", \"maxLength\": %d",
                         DEBAR_MAX_TEXT);

        if (key->of) {
            debar_buf_printf(b, "}, {");
            debar_schema_object(b, debar_schema(key->of), depth + 1);
            debar_buf_printf(b, "}]");
        }
    }
}


static void
debar_schema_value(debar_buf_t *b, const debar_schema_key_t *key,
    unsigned depth)
{
    if (key->flags & DEBAR_S_KEYED) {
        debar_buf_printf(b, "\"type\": %s, ",
                         (key->flags & DEBAR_S_FULL)
                         ? "\"object\", \"minProperties\": 1"
                         : "[\"object\", \"null\"]");

        if (key->flags & DEBAR_S_FULL) {
            debar_buf_printf(b, "\"propertyNames\": {\"pattern\": "
                             "\"^[A-Za-z0-9][A-Za-z0-9._-]*$\", "
                             "\"maxLength\": %d}, ", DEBAR_MAX_ID);
        }

        if (key->keys) {
            debar_buf_printf(b, "\"propertyNames\": {");
            debar_schema_enum(b, key->keys);
            debar_buf_printf(b, "}, ");
        }

        debar_buf_printf(b, "\"additionalProperties\": {");
        depth++;
    }

    if (key->flags & DEBAR_S_LIST) {
        debar_buf_printf(b, "\"type\": %s, \"items\": {",
                         (key->flags & DEBAR_S_FULL)
                         ? "\"array\", \"minItems\": 1"
                         : "[\"array\", \"null\"]");
        depth++;
    }

    if (key->type == DEBAR_S_MAP) {
        depth++;
        debar_schema_nl(b, depth);
    }

    debar_schema_scalar(b, key, depth);

    if (key->flags & DEBAR_S_LIST) {
        debar_buf_printf(b, "}");
    }

    if (key->flags & DEBAR_S_KEYED) {
        debar_buf_printf(b, "}");
    }
}


/* A value alone, or a map with it. */

static void
debar_schema_rows(debar_buf_t *b, const char *kind, unsigned depth)
{
    size_t                     i;
    debar_schema_key_t         row[12], text;
    const debar_value_kind_t  *k;

    for (i = 0; strcmp(debar_value_kinds[i].list, kind) != 0; i++) {
        /* void */
    }

    k = &debar_value_kinds[i];
    memset(&text, 0, sizeof(text));
    debar_schema_row(kind, row, 12);

    if (k->flags & DEBAR_KIND_ECOSYSTEMS) {
        debar_buf_printf(b, "\"type\": [\"object\", \"null\"], "
                         "\"propertyNames\": {\"pattern\": "
                         "\"^[a-z0-9][a-z0-9-]*$\", \"maxLength\": %d}, "
                         "\"additionalProperties\": {", DEBAR_MAX_ID);
    }

    debar_buf_printf(b, "\"type\": [\"array\", \"null\"], \"items\": "
                     "{\"anyOf\": [");
    debar_schema_nl(b, depth + 1);
    debar_buf_printf(b, "{");
    debar_schema_scalar(b, &text, depth);
    debar_buf_printf(b, "},");
    debar_schema_nl(b, depth + 1);
    debar_buf_printf(b, "{\"type\": \"object\", "
                     "\"additionalProperties\": false, ");
    debar_schema_keys(b, row, depth + 1);

    if (k->flags & DEBAR_KIND_PATTERNS) {
        debar_buf_printf(b, ", \"oneOf\": [{\"required\": [\"%s\"]}, "
                         "{\"required\": [\"pattern\"]}]", k->value);
    } else {
        debar_buf_printf(b, ", \"required\": [\"%s\"]", k->value);
    }

    debar_buf_printf(b, "}]}");

    if (k->flags & DEBAR_KIND_ECOSYSTEMS) {
        debar_buf_printf(b, "}");
    }
}
