/*
 * list.yaml: what the list is, and its authorities with their phases.
 */

#include <stdio.h>
#include <stdlib.h>
#include <unicode/putil.h>
#include <unicode/ucal.h>

#include "guard.h"


static char *debar_list_keep(debar_doc_t *doc, const debar_node_t *node,
    const char *what);
static void debar_list_timezone(debar_reader_t *r, debar_doc_t *doc,
    const debar_node_t *node);
static void debar_list_authority(debar_reader_t *r, debar_doc_t *doc,
    const debar_node_t *key, const debar_node_t *node);
static void debar_list_phases(debar_reader_t *r, debar_doc_t *doc,
    const debar_node_t *node, debar_authority_t *a);
static void debar_list_in_force(debar_reader_t *r, debar_doc_t *doc,
    const debar_node_t *node);
static void debar_list_pages(debar_reader_t *r, debar_doc_t *doc,
    const debar_node_t *node);
static void debar_list_keep_open(debar_reader_t *r, debar_doc_t *doc,
    const debar_node_t *node);


void
debar_source_list(debar_reader_t *r, debar_doc_t *doc)
{
    size_t               i, n;
    debar_str_t          s;
    const debar_node_t  *values[10];

    static const debar_yaml_key_t  keys[] = {
        { "title", 1 }, { "publisher", 1 }, { "timezone", 0 }, { "serial", 1 },
        { "expires", 0 }, { "in-force", 0 }, { "channels", 0 },
        { "authorities", 1 }, { "keep-open", 0 }, { NULL, 0 }
    };

    if (debar_yaml_map(doc, doc->root, "list.yaml", keys, values) != DEBAR_OK)
    {
        r->no_authorities = 1;
        return;
    }

    debar_list_timezone(r, doc, values[2]);

    r->src->title = debar_list_keep(doc, values[0], "title");
    r->src->publisher = debar_list_keep(doc, values[1], "publisher");

    if (values[3]) {
        debar_yaml_number(doc, values[3], "serial", INT64_MAX, &r->src->serial);
    }

    if (values[4]) {
        debar_yaml_date(doc, values[4], "expires", 0, &r->src->expires);
    }

    if (values[6]
        && debar_yaml_text(doc, values[6], "channels", &s) == DEBAR_OK)
    {
        r->no_shipped = (s.len == 4 && memcmp(s.data, "none", 4) == 0);

        if (!r->no_shipped) {
            debar_yaml_error(doc, values[6], "\"channels\" is none, or left "
                             "out for the shipped ones");
        }
    }

    n = debar_yaml_pairs(doc, values[7], "\"authorities\"");

    if (n == 0) {
        r->no_authorities = 1;
    }

    if (values[7] && n == 0
        && (values[7]->null || values[7]->type == DEBAR_NODE_MAP))
    {
        debar_yaml_error(doc, values[7], "\"authorities\" is empty");
    }

    for (i = 0; i < n; i++) {
        debar_list_authority(r, doc, values[7]->items[2 * i],
                             values[7]->items[2 * i + 1]);
    }

    debar_list_in_force(r, doc, values[5]);

    if (r->guard) {
        debar_guard_phases(r->guard, r->src);
        debar_list_pages(r, doc, values[7]);
    }

    debar_list_keep_open(r, doc, values[8]);
}


static char *
debar_list_keep(debar_doc_t *doc, const debar_node_t *node, const char *what)
{
    char         *text;
    debar_str_t   s;

    if (debar_yaml_text(doc, node, what, &s) != DEBAR_OK) {
        return NULL;
    }

    text = strndup(s.data, s.len);
    if (text == NULL) {
        abort();
    }

    return text;
}


static void
debar_list_timezone(debar_reader_t *r, debar_doc_t *doc,
    const debar_node_t *node)
{
    char          shown[96];
    UChar         zone[DEBAR_MAX_ID + 1], known[128];
    UBool         is_system;
    UErrorCode    err;
    debar_str_t   s;

    s = debar_str("UTC", 3);

    if (node && debar_yaml_text(doc, node, "timezone", &s) != DEBAR_OK) {
        return;
    }

    r->src->timezone = strndup(s.data, s.len);
    if (r->src->timezone == NULL) {
        abort();
    }

    err = U_ZERO_ERROR;
    is_system = 0;

    if (s.len <= DEBAR_MAX_ID && strlen(r->src->timezone) == s.len) {
        u_charsToUChars(s.data, zone, (int32_t) s.len);
        zone[s.len] = 0;

        ucal_getCanonicalTimeZoneID(zone, (int32_t) s.len, known, 128,
                                    &is_system, &err);
    }

    if (U_FAILURE(err) || !is_system) {
        debar_yaml_error(doc, node, "unknown timezone %s: a name as "
                         "\"America/New_York\" or \"UTC\"",
                         debar_shown(shown, s.data, s.len));
        return;
    }

    r->calendar = ucal_open(zone, (int32_t) s.len, "en_US", UCAL_GREGORIAN,
                            &err);

    if (U_FAILURE(err)) {
        debar_yaml_error(doc, node, "timezone %s: %s",
                         debar_shown(shown, s.data, s.len), u_errorName(err));
        return;
    }

    /* A day begins at its first moment: where clocks are set back over
     * midnight at the first of two, where there is none when they went on. */

    ucal_setAttribute(r->calendar, UCAL_REPEATED_WALL_TIME,
                      UCAL_WALLTIME_FIRST);
    ucal_setAttribute(r->calendar, UCAL_SKIPPED_WALL_TIME,
                      UCAL_WALLTIME_NEXT_VALID);
}


static void
debar_list_authority(debar_reader_t *r, debar_doc_t *doc,
    const debar_node_t *key, const debar_node_t *node)
{
    uint32_t             i;
    debar_str_t          id, s;
    debar_authority_t   *a;
    const debar_node_t  *values[4];

    static const debar_yaml_key_t  keys[] = {
        { "title", 1 }, { "url", 0 }, { "phases", 1 }, { NULL, 0 }
    };

    if (debar_yaml_id(doc, key, "an authority", &id) != DEBAR_OK
        || debar_set_find(&r->authorities, id.data, id.len))
    {
        return;
    }

    a = debar_yaml_record(doc, key, DEBAR_T_AUTHORITIES, DEBAR_MAX_AUTHORITIES,
                          &i);
    if (a == NULL) {
        r->no_authorities = 1;
        return;
    }

    debar_set_add(&r->authorities, id.data, id.len, i);

    a->id = debar_reader_text(r, id.data, id.len);
    a->in_force = 1;

    if (debar_yaml_map(doc, node, "an authority", keys, values) != DEBAR_OK) {
        return;
    }

    if (debar_yaml_text(doc, values[0], "title", &s) == DEBAR_OK) {
        a->title = debar_reader_text(r, s.data, s.len);
    }

    if (values[1] && debar_yaml_text(doc, values[1], "url", &s) == DEBAR_OK) {
        a->url = debar_reader_text(r, s.data, s.len);

        if (strncmp(s.data, "https://", 8) != 0
            && strncmp(s.data, "http://", 7) != 0)
        {
            debar_yaml_error(doc, values[1], "\"url\" of an authority begins "
                             "with https:// or http://");
        }
    }

    debar_list_phases(r, doc, values[2], a);
}


static void
debar_list_phases(debar_reader_t *r, debar_doc_t *doc,
    const debar_node_t *node, debar_authority_t *a)
{
    int                  action;
    char                 shown[96];
    size_t               i, n;
    int64_t              last;
    uint8_t              actions[4];
    uint32_t             first;
    unsigned             k;
    debar_str_t          s;
    debar_phase_t       *p;
    const debar_node_t  *values[6];

    static const debar_yaml_key_t  keys[] = {
        { "browse", 0 }, { "update", 0 }, { "download", 0 }, { "acquire", 0 },
        { "from", 1 }, { NULL, 0 }
    };

    memset(actions, DEBAR_PASS, sizeof(actions));
    last = INT64_MIN;

    n = debar_yaml_list(doc, node, "phases");

    if (n == 0 && node && (node->null || node->type == DEBAR_NODE_LIST)) {
        debar_yaml_error(doc, node, "\"phases\" is empty: an authority needs "
                         "one at least");
    }

    for (i = 0; i < n; i++) {
        if (debar_yaml_map(doc, node->items[i], "a phase", keys, values)
            != DEBAR_OK)
        {
            continue;
        }

        p = debar_yaml_record(doc, node->items[i], DEBAR_T_PHASES,
                              DEBAR_MAX_RECORDS, &first);
        if (p == NULL) {
            return;
        }

        if (a->nphases++ == 0) {
            a->phase = first;
        }

        for (k = 0; k < DEBAR_ACTIVITIES; k++) {
            if (values[k] == NULL
                || debar_yaml_text(doc, values[k], keys[k].name, &s)
                   != DEBAR_OK)
            {
                continue;
            }

            action = debar_action_by_name(s.data, s.len);

            if (action < 0) {
                debar_yaml_error(doc, values[k], "unknown action %s: pass, log "
                                 "or block",
                                 debar_shown(shown, s.data, s.len));
                continue;
            }

            actions[k] = (uint8_t) action;
        }

        memcpy(p->action, actions, sizeof(actions));

        if (values[4] == NULL
            || debar_yaml_date(doc, values[4], "from", 0, &p->from) != DEBAR_OK)
        {
            continue;
        }

        if (r->calendar && p->from <= last) {
            debar_yaml_error(doc, values[4], "phases rise in date: this one is "
                             "not after the one before it");
        }

        last = p->from;
    }
}


static void
debar_list_in_force(debar_reader_t *r, debar_doc_t *doc,
    const debar_node_t *node)
{
    size_t              i;
    uint64_t            mask;
    debar_authority_t  *a;

    if (node == NULL
        || debar_yaml_authorities(doc, node, "in-force", UINT64_MAX, "", &mask)
           != DEBAR_OK)
    {
        return;
    }

    a = r->src->tables[DEBAR_T_AUTHORITIES].data;

    for (i = 0; i < r->src->tables[DEBAR_T_AUTHORITIES].n; i++) {
        a[i].in_force = (mask >> i) & 1;
    }
}


/* Those who are refused, and those who review, may read the law. */

static void
debar_list_pages(debar_reader_t *r, debar_doc_t *doc, const debar_node_t *node)
{
    char                what[DEBAR_MAX_ID + 32];
    size_t              i;
    const char         *strings;
    debar_str_t         id, url;
    debar_fault_t       why;
    debar_authority_t  *a;

    a = r->src->tables[DEBAR_T_AUTHORITIES].data;
    strings = r->src->tables[DEBAR_T_STRINGS].data;

    for (i = 0; i < r->src->tables[DEBAR_T_AUTHORITIES].n; i++) {

        if (!a[i].in_force || a[i].url.len == 0) {
            continue;
        }

        id = debar_ref_str(strings, a[i].id);
        url = debar_ref_str(strings, a[i].url);

        snprintf(what, sizeof(what), "the page of %.*s", (int) id.len, id.data);

        if (debar_guard_open(r->guard, what, url.data, url.len, &why)
            != DEBAR_OK)
        {
            debar_yaml_error(doc, node, "\"url\" of %.*s: %s", (int) id.len,
                             id.data, why.text);
        }
    }
}


/* What this list must not refuse: the agency's hosts, where it is published. */

static void
debar_list_keep_open(debar_reader_t *r, debar_doc_t *doc,
    const debar_node_t *node)
{
    char           key[DEBAR_MAX_KEY], what[128], shown[96];
    size_t         i, n, hostlen;
    debar_str_t    s;
    debar_fault_t  why;

    n = debar_yaml_list(doc, node, "keep-open");

    for (i = 0; i < n; i++) {
        if (debar_yaml_text(doc, node->items[i], "keep-open", &s) != DEBAR_OK) {
            continue;
        }

        if (r->guard == NULL) {
            if (debar_value_url(key, &hostlen, s.data, s.len,
                                DEBAR_URL_HOST_ONLY, &why)
                == 0)
            {
                debar_yaml_error(doc, node->items[i], "%s", why.text);
            }

            continue;
        }

        snprintf(what, sizeof(what), "%s of \"keep-open\"",
                 debar_shown(shown, s.data, s.len));

        if (debar_guard_open(r->guard, what, s.data, s.len, &why) != DEBAR_OK) {
            debar_yaml_error(doc, node->items[i], "%s", why.text);
        }
    }
}
