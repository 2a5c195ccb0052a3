/*
 * "documents" of a channel: purchase documents as marks (tables.h).
 */

#include <stdio.h>

#include "source_private.h"
#include "peel.h"


typedef struct {
    debar_doc_t  *doc;
    debar_ref_t   id;
    uint32_t      syntaxes;
    unsigned      returns;
} debar_format_t;


static void debar_format(debar_doc_t *doc, const debar_node_t *node);
static uint32_t debar_format_syntaxes(debar_doc_t *doc,
    const debar_node_t *node);
static void debar_format_fields(debar_format_t *format,
    const debar_node_t *node, unsigned use);
static void debar_format_marks(debar_format_t *format,
    const debar_node_t *node, unsigned use, unsigned role);
static void debar_format_mark(debar_format_t *format, const debar_node_t *node,
    unsigned use, unsigned role);
static int debar_format_new(debar_doc_t *doc, debar_str_t id);


static const char *const  debar_mark_uses[] = {
    "", "root", "line", "end", "fields", "joined", "cancel", "withdraw",
    "order"
};


void
debar_source_documents(debar_doc_t *doc, const debar_node_t *node)
{
    size_t  i, n;

    n = debar_yaml_list(doc, node, "documents");

    for (i = 0; i < n; i++) {
        debar_format(doc, node->items[i]);
    }
}


static void
debar_format(debar_doc_t *doc, const debar_node_t *node)
{
    unsigned             activity;
    debar_str_t          id, s;
    debar_format_t       format;
    const debar_node_t  *values[13];

    static const debar_yaml_key_t  keys[] = {
        { "id", 1 }, { "title", 0 }, { "syntax", 1 }, { "activity", 0 },
        { "root", 1 }, { "line", 0 }, { "end", 0 }, { "fields", 0 },
        { "joined", 0 }, { "cancel", 0 }, { "withdraw", 0 }, { "order", 0 },
        { "returns", 0 }, { NULL, 0 }
    };

    if (debar_yaml_map(doc, node, "a document", keys, values) != DEBAR_OK
        || debar_yaml_id(doc, values[0], "id", &id) != DEBAR_OK)
    {
        return;
    }

    if (!debar_format_new(doc, id)) {
        debar_yaml_error(doc, values[0], "duplicate id: a document \"%.*s\" "
                         "stands in another place", (int) id.len, id.data);
        return;
    }

    if (values[1]) {
        debar_yaml_text(doc, values[1], "title", &s);
    }

    activity = DEBAR_ACTIVITIES;

    if (values[3]) {
        debar_yaml_activity(doc, values[3], &activity);
    }

    format.returns = 0;

    if (values[12]) {
        debar_yaml_bool(doc, values[12], "returns", &format.returns);
    }

    format.doc = doc;
    format.id = debar_reader_text(doc->r, id.data, id.len);
    format.syntaxes = debar_format_syntaxes(doc, values[2]);

    debar_format_marks(&format, values[4], DEBAR_MARK_ROOT, activity);
    debar_format_marks(&format, values[5], DEBAR_MARK_LINE, 0);
    debar_format_marks(&format, values[6], DEBAR_MARK_END, 0);
    debar_format_fields(&format, values[7], DEBAR_MARK_FIELD);
    debar_format_fields(&format, values[8], DEBAR_MARK_JOIN);
    debar_format_marks(&format, values[9], DEBAR_MARK_CANCEL, 0);
    debar_format_marks(&format, values[10], DEBAR_MARK_WITHDRAW, 0);
    debar_format_marks(&format, values[11], DEBAR_MARK_ORDER, 0);
}


static int
debar_format_new(debar_doc_t *doc, debar_str_t id)
{
    size_t               i;
    debar_str_t          s;
    const debar_mark_t  *m;
    const debar_table_t *tables = doc->r->src->tables;

    m = tables[DEBAR_T_MARKS].data;

    for (i = 0; i < tables[DEBAR_T_MARKS].n; i++) {
        s = debar_ref_str(tables[DEBAR_T_STRINGS].data, m[i].format);

        if (s.len == id.len && memcmp(s.data, id.data, id.len) == 0) {
            return 0;
        }
    }

    return 1;
}


static uint32_t
debar_format_syntaxes(debar_doc_t *doc, const debar_node_t *node)
{
    char         shown[96];
    size_t       i, n;
    uint32_t     set;
    unsigned     k;
    debar_str_t  s;

    set = 0;
    n = debar_yaml_list(doc, node, "syntax");

    for (i = 0; i < n; i++) {
        if (debar_yaml_text(doc, node->items[i], "syntax", &s) != DEBAR_OK) {
            continue;
        }

        for (k = 0; k < DEBAR_SYNTAX_ENCODING; k++) {
            if (strlen(debar_syntax_name(k)) == s.len
                && memcmp(debar_syntax_name(k), s.data, s.len) == 0)
            {
                set |= 1u << k;
                break;
            }
        }

        if (k == DEBAR_SYNTAX_ENCODING) {
            debar_yaml_error(doc, node->items[i], "unknown syntax %s: form, "
                             "multipart, json, xml, graphql, x12, edifact, "
                             "...", debar_shown(shown, s.data, s.len));
        }
    }

    return set;
}


static void
debar_format_fields(debar_format_t *format, const debar_node_t *node,
    unsigned use)
{
    char          shown[96];
    size_t        i, n;
    unsigned      role;
    debar_doc_t  *doc = format->doc;
    debar_str_t   s;

    n = debar_yaml_pairs(doc, node, debar_mark_uses[use]);

    for (i = 0; i < n; i++) {
        if (debar_yaml_text(doc, node->items[2 * i], debar_mark_uses[use], &s)
            != DEBAR_OK)
        {
            continue;
        }

        for (role = 0; role < DEBAR_ROLES; role++) {
            if (strlen(debar_role_name(role)) == s.len
                && memcmp(debar_role_name(role), s.data, s.len) == 0)
            {
                break;
            }
        }

        if (role == DEBAR_ROLES) {
            debar_yaml_error(doc, node->items[2 * i], "unknown role %s: maker, "
                             "part, name, description, note, ...",
                             debar_shown(shown, s.data, s.len));
            continue;
        }

        debar_format_marks(format, node->items[2 * i + 1], use, role);
    }
}


static void
debar_format_marks(debar_format_t *format, const debar_node_t *node,
    unsigned use, unsigned role)
{
    size_t  i, n;

    n = debar_yaml_list(format->doc, node, debar_mark_uses[use]);

    for (i = 0; i < n; i++) {
        debar_format_mark(format, node->items[i], use, role);
    }
}


/* "PATH", "PATH=VALUE" or "PATH[OTHER=VALUE]". */

static void
debar_format_mark(debar_format_t *format, const debar_node_t *node,
    unsigned use, unsigned role)
{
    const char    *p, *end;
    debar_doc_t   *doc = format->doc;
    debar_str_t    s, path, when, value;
    debar_mark_t  *m;

    if (debar_yaml_text(doc, node, debar_mark_uses[use], &s) != DEBAR_OK) {
        return;
    }

    path = s;
    when = debar_str("", 0);
    value = debar_str("", 0);
    end = s.data + s.len;

    p = memchr(s.data, '=', s.len);

    if (p != NULL) {
        value = debar_str(p + 1, end - p - 1);
        path.len = p - s.data;
        p = memchr(path.data, '[', path.len);

        if (p != NULL) {
            when = debar_str(p + 1, path.data + path.len - p - 1);
            path.len = p - path.data;

            if (value.len == 0 || value.data[value.len - 1] != ']') {
                debar_yaml_error(doc, node, "bad place: a condition ends with "
                                 "\"]\": \"ITEM/NUMBER[KIND=VN]\"");
                return;
            }

            value.len--;
        }
    }

    if (path.len == 0 || path.data[0] == '/'
        || path.data[path.len - 1] == '/' || path.len > DEBAR_MAX_TEXT)
    {
        debar_yaml_error(doc, node, "bad place: the last names on the way to a "
                         "field, with \"/\" between: \"Item/Maker\"");
        return;
    }

    m = debar_yaml_record(doc, node, DEBAR_T_MARKS, DEBAR_MAX_RECORDS, NULL);

    if (m == NULL) {
        return;
    }

    m->format = format->id;
    m->path = debar_reader_text(doc->r, path.data, path.len);
    m->when = debar_reader_text(doc->r, when.data, when.len);
    m->value = debar_reader_text(doc->r, value.data, value.len);
    m->syntaxes = format->syntaxes;

    if (use == DEBAR_MARK_ROOT && format->returns) {
        m->syntaxes |= DEBAR_MARK_RETURNS;
    }

    m->use = use;
    m->role = role;
}
