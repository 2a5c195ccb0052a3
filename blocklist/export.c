/*
 * The walk of an export: which rows block, which hosts a wider one says, where
 * permits and milder rows make holes, and what is left out.
 *
 * Host keys are labels from the top, so a host stands directly before all that
 * is below it: a stack of the hosts above is all that has to be kept.  A host
 * is told when all below it were seen, since some consumers have to know the
 * holes in it.
 */

#include <stdio.h>
#include <stdlib.h>
#include <unicode/ucal.h>
#include <unicode/ustring.h>

#include "export_private.h"
#include "layout.h"


#define DEBAR_EXPORT_CHUNK  65536


static const debar_export_format_t *const  debar_export_formats[] = {
    &debar_export_rpz, &debar_export_squid, &debar_export_hosts,
    &debar_export_edl_domain, &debar_export_edl_url, &debar_export_edl_ip,
    &debar_export_suricata, &debar_export_stix, &debar_export_csv
};

static const char *const  debar_lefts[] = {
    "recorded only, or not in force on that day",
    "permitted as a whole",
    "with a URL that is permitted on it: the host is let through",
    "with holes in it that cannot be said: names below it are let through",
    "with all names below it, of which only the host itself can be said",
    "hosts, which this form does not have",
    "hosts that are addresses",
    "hosts too long for the zone",
    "beyond the number of rules asked for",
    "URLs, which cannot be said",
    "URLs with a query, which cannot be said",
    "networks, which cannot be said",
    "systems (ASN) and countries, which cannot be said",
    "files, signers, packages, part numbers and the like",
    "names to find in text",
    "expressions",
    "permits for one file, which has to be read: not permitted here",
    "waivers in force, which need to know who asks: not waived here"
};


static int debar_export_walk(debar_export_t *e,
    const debar_export_format_t *f);
static int debar_export_hosts_walk(debar_export_t *e,
    const debar_export_format_t *f);


const char *
debar_export_name(unsigned format)
{
    return format < DEBAR_EXPORTS ? debar_export_formats[format]->name : "";
}


int
debar_export_by_name(const char *name)
{
    int  i;

    for (i = 0; i < DEBAR_EXPORTS; i++) {
        if (strcmp(debar_export_formats[i]->name, name) == 0) {
            return i;
        }
    }

    return -1;
}


const char *
debar_left_words(unsigned left)
{
    return left < DEBAR_LEFTS ? debar_lefts[left] : "";
}


void
debar_export_flush(debar_export_t *e, size_t above)
{
    if (e->out.len <= above) {
        return;
    }

    if (!e->counting && e->rc == DEBAR_OK
        && e->opts->write(e->opts->data, e->out.data, e->out.len) != 0)
    {
        e->rc = DEBAR_DECLINED;
    }

    e->out.len = 0;
}


debar_str_t
debar_export_text(debar_export_t *e, debar_ref_t r)
{
    return debar_list_text(e->list, r);
}


size_t
debar_export_host_name(char *out, const char *key, size_t len)
{
    size_t  start, end, n;

    if (len > 0 && key[0] == '=') {
        len = len - 1 < DEBAR_MAX_HOST ? len - 1 : DEBAR_MAX_HOST;
        memcpy(out, key + 1, len);
        out[len] = '\0';
        return len;
    }

    for (n = 0, end = len; end > 0; end = start) {
        end--;

        for (start = end; start > 0 && key[start - 1] != '.'; start--) {
            /* void */
        }

        if (n + end - start + 1 > DEBAR_MAX_HOST + 1) {
            break;
        }

        memcpy(out + n, key + start, end - start);
        n += end - start;
        out[n++] = '.';
    }

    n -= n > 0;
    out[n] = '\0';

    return n;
}


void
debar_export_cidr(char out[64], const uint8_t addr[16], unsigned bits)
{
    size_t  n;

    n = debar_addr_text(addr, out);
    snprintf(out + n, 64 - n, "/%u",
             debar_addr_is_v4(addr) && bits >= 96 ? bits - 96 : bits);
}


int
debar_export_day(debar_list_t *list, const char *text, int64_t *when)
{
    int          y, m, d, n;
    UChar        zone[128];
    int32_t      len;
    UDate        ms;
    UCalendar   *cal;
    UErrorCode   err;
    debar_str_t  tz;

    n = 0;

    if (strlen(text) != 10
        || sscanf(text, "%4d-%2d-%2d%n", &y, &m, &d, &n) != 3 || n != 10
        || y < 1970 || m < 1 || d < 1)
    {
        return DEBAR_ERROR;
    }

    tz = list->snapshot->timezone;
    tz = tz.len ? tz : debar_str("UTC", 3);
    err = U_ZERO_ERROR;
    u_strFromUTF8(zone, 128, &len, tz.data, (int32_t) tz.len, &err);
    cal = ucal_open(zone, len, "en_US", UCAL_GREGORIAN, &err);

    if (U_FAILURE(err)) {
        return DEBAR_ERROR;
    }

    ucal_setAttribute(cal, UCAL_LENIENT, 0);
    ucal_clear(cal);
    ucal_setDateTime(cal, y, m - 1, d, 0, 0, 0, &err);
    ms = ucal_getMillis(cal, &err);
    ucal_close(cal);

    if (U_FAILURE(err)) {
        return DEBAR_ERROR;
    }

    *when = (int64_t) (ms / 1000);

    return DEBAR_OK;
}


/* --- what a rule does ----------------------------------------------------- */

unsigned
debar_export_action(debar_export_t *e, uint32_t rule, uint64_t lifted)
{
    uint64_t             givers;
    unsigned             action, activity;
    const debar_rule_t  *r;

    if (lifted == 0 && e->actions[rule] != 0xff) {
        return e->actions[rule];
    }

    r = &e->list->rules[rule];
    activity = e->opts->activity < DEBAR_ACTIVITIES ? e->opts->activity
                                                    : DEBAR_BROWSE;

    if (r->floor == DEBAR_EVERY || r->floor > activity) {
        activity = r->floor;
    }

    action = debar_authorities_action(e->list, r->authorities
                                      & e->list->in_force & ~lifted, activity,
                                      (time_t) e->opts->now, &givers);
    action = action < r->cap ? action : r->cap;

    if (lifted == 0) {
        e->actions[rule] = action;
    }

    return action;
}


const debar_authority_t *
debar_export_authority(debar_export_t *e, uint32_t rule, int64_t *since)
{
    size_t                    i, k;
    unsigned                  activity, a;
    const debar_rule_t       *r;
    const debar_phase_t      *p;
    const debar_authority_t  *au, *found;

    r = &e->list->rules[rule];
    activity = e->opts->activity < DEBAR_ACTIVITIES ? e->opts->activity
                                                    : DEBAR_BROWSE;
    activity = r->floor == DEBAR_EVERY || r->floor > activity ? r->floor
                                                              : activity;
    found = NULL;
    *since = 0;

    for (i = 0; i < e->list->nauthorities; i++) {
        au = &e->list->authorities[i];

        if (!((r->authorities & e->list->in_force) >> i & 1)) {
            continue;
        }

        for (k = 0; k < au->nphases; k++) {
            p = &e->list->phases[au->phase + k];

            if (p->from > e->opts->now) {
                break;
            }

            for (a = 0; a < DEBAR_ACTIVITIES; a++) {
                if ((a == activity || activity == DEBAR_EVERY)
                    && p->action[a] == DEBAR_BLOCK
                    && (found == NULL || p->from < *since))
                {
                    found = au;
                    *since = p->from;
                }
            }
        }
    }

    return found ? found : e->list->authorities;
}


/* The strongest rule of a row, or DEBAR_NONE where none blocks. */

static uint32_t
debar_export_blocks(debar_export_t *e, const uint32_t *rules, size_t n)
{
    size_t  i;

    for (i = 0; i < n; i++) {
        if (rules[i] != DEBAR_RULE_HAS_URLS
            && debar_export_action(e, rules[i], 0) == DEBAR_BLOCK)
        {
            return rules[i];
        }
    }

    return DEBAR_NONE;
}


/* --- hosts ---------------------------------------------------------------- */

static uint64_t
debar_export_lifted(debar_export_t *e, size_t top, unsigned at,
    unsigned urls, uint32_t entry)
{
    size_t                      i, k;
    uint64_t                    lifted;
    const debar_permit_t       *p;
    const debar_export_node_t  *n;

    lifted = 0;

    for (i = top + 1; i-- > 0; /* void */ ) {
        n = &e->nodes[i];

        for (k = 0; k < n->npermits; k++) {
            p = &e->list->permits[e->permits[n->permit + k].permit];

            if (e->permits[n->permit + k].host_len < p->key.len) {

                /* a URL; they stand behind the hosts */

                if (!urls || i != top || at != DEBAR_AT_HOST) {
                    break;
                }

            } else if (!(i == top && at == DEBAR_AT_HOST) && !p->subdomains) {
                continue;
            }

            if (p->entry == entry) {
                lifted |= p->authorities;
            }
        }
    }

    return lifted;
}


/*
 * Whether the host on top of the stack is blocked, or a name below it that is
 * not listed: of each vendor the most specific row decides.
 */

#define DEBAR_EXPORT_VENDORS  64

static unsigned
debar_export_judge(debar_export_t *e, unsigned at, unsigned urls,
    uint32_t *by)
{
    size_t                      i, j, k, nseen, mark, top;
    uint32_t                    seen[DEBAR_EXPORT_VENDORS];
    uint64_t                    lifted;
    const debar_rule_t         *r;
    const debar_export_node_t  *n;

    top = e->depth - 1;
    nseen = 0;

    for (i = top + 1; i-- > 0; /* void */ ) {
        n = &e->nodes[i];
        mark = nseen;

        for (j = 0; j < n->n; j++) {

            if (n->rules[j] == DEBAR_RULE_HAS_URLS) {
                continue;
            }

            r = &e->list->rules[n->rules[j]];

            if (!(i == top && at == DEBAR_AT_HOST)
                && !(r->flags & DEBAR_RULE_SUBDOMAINS))
            {
                continue;
            }

            for (k = 0; k < mark && seen[k] != r->entry; k++) { /* void */ }

            if (k < mark) {
                continue;
            }

            if (nseen < DEBAR_EXPORT_VENDORS) {
                seen[nseen++] = r->entry;
            }

            if (debar_export_action(e, n->rules[j], 0) != DEBAR_BLOCK) {
                continue;
            }

            lifted = e->npermits == 0 ? 0
                     : debar_export_lifted(e, top, at, urls, r->entry);

            if (lifted == 0
                || debar_export_action(e, n->rules[j], lifted) == DEBAR_BLOCK)
            {
                *by = n->rules[j];
                return 1;
            }
        }
    }

    return 0;
}


/* A hole in hosts above: kept with each that would block it. */

static void
debar_export_except(debar_export_t *e)
{
    size_t                i;
    unsigned              at;
    debar_export_node_t  *n, *top;

    top = &e->nodes[e->depth - 1];
    at = (top->host ? 0 : DEBAR_AT_HOST) | (top->below ? 0 : DEBAR_AT_BELOW);

    if (at == 0 || !top->above) {
        return;
    }

    for (i = e->depth - 1; i-- > 0 && e->nodes[i].below; /* void */ ) {
        n = &e->nodes[i];

        if (n->nexcepts < DEBAR_EXPORT_EXCEPTS) {
            n->excepts[n->nexcepts].at = at;
            strcpy(n->excepts[n->nexcepts].name, top->name);
        }

        n->nexcepts++;
    }
}


/* Records of a zone below a wildcard stop it: whatever stands between two hosts
 * is told, once one of them is. */

static void
debar_export_tell(debar_export_t *e)
{
    size_t  i, k;

    for (i = e->depth - 1; i > 0; i--) {
        if (e->nodes[i - 1].told) {
            break;
        }
    }

    for (k = i; i > 0 && k < e->depth; k++) {
        e->nodes[k].told = 1;
    }

    e->nodes[e->depth - 1].told = 1;
}


static void
debar_export_count_host(debar_export_t *e, const debar_export_format_t *f,
    const debar_export_node_t *n)
{
    unsigned              rows;
    debar_export_info_t  *info = e->info;

    rows = n->n > (n->n == 1 && n->rules[0] == DEBAR_RULE_HAS_URLS);

    if (n->host && !n->host_url && !f->urls) {
        info->left[DEBAR_LEFT_PERMIT_BELOW]++;
    }

    if (!rows) {
        return;
    }

    if (debar_export_blocks(e, n->rules, n->n) == DEBAR_NONE) {
        info->left[DEBAR_LEFT_MILD]++;

    } else if (!n->host && !n->below) {
        info->left[DEBAR_LEFT_PERMITTED]++;

    } else if (n->host == n->above && n->below == n->above && !f->every) {
        info->covered++;

    } else if (f->host == NULL) {
        info->left[DEBAR_LEFT_HOST]++;

    } else {
        info->written++;
    }
}


static void
debar_export_pop(debar_export_t *e, const debar_export_format_t *f)
{
    debar_export_node_t  *n;

    n = &e->nodes[e->depth - 1];

    if (f->host
        && (n->told
            || (!f->dense && (n->host != n->above || n->below != n->above
                              || n->host_url != n->host
                              || (f->every && (n->host || n->below))))))
    {
        f->host(e, n);
        debar_export_flush(e, DEBAR_EXPORT_CHUNK);
    }

    e->depth--;
}


static debar_export_node_t *
debar_export_push(debar_export_t *e, const char *key, size_t len)
{
    debar_export_node_t  *n, *above;

    n = &e->nodes[e->depth];
    above = e->depth ? n - 1 : NULL;
    e->depth++;

    memset(n, 0, offsetof(debar_export_node_t, excepts));
    memcpy(n->key, key, len);
    n->len = len;
    debar_export_host_name(n->name, key, len);

    n->rule = DEBAR_NONE;
    n->above = above ? above->below : 0;
    n->host = n->host_url = n->below = n->above;

    if (above) {
        n->rule = above->rule;
        n->level = above->level;
    }

    return n;
}


/* A host of the list, of permits, or of both. */

static void
debar_export_host(debar_export_t *e, const debar_export_format_t *f,
    const char *key, size_t len, const uint32_t *rules, size_t nrules,
    size_t permit, size_t npermits)
{
    size_t                i;
    uint32_t              below;
    debar_export_node_t  *n;

    while (e->depth > 0
           && (e->nodes[e->depth - 1].len >= len
               || memcmp(e->nodes[e->depth - 1].key, key,
                         e->nodes[e->depth - 1].len) != 0))
    {
        debar_export_pop(e, f);
    }

    if (f->dense && e->depth > 0) {
        for (i = e->nodes[e->depth - 1].len; i < len - 1; i++) {
            if (key[i] == '.' && e->depth < DEBAR_EXPORT_DEPTH - 1) {
                (void) debar_export_push(e, key, i + 1);
            }
        }
    }

    if (e->depth == DEBAR_EXPORT_DEPTH) {
        debar_export_pop(e, f);
    }

    n = debar_export_push(e, key, len);
    n->rules = rules;
    n->n = nrules;
    n->permit = permit;
    n->npermits = npermits;

    below = n->rule;
    n->below = debar_export_judge(e, DEBAR_AT_BELOW, 0, &below);
    n->rule = below;
    n->host = debar_export_judge(e, DEBAR_AT_HOST, 0, &n->rule);
    n->host_url = n->host;

    if (n->host && npermits) {
        n->host_url = debar_export_judge(e, DEBAR_AT_HOST, 1, &below);
    }

    debar_export_count_host(e, f, n);

    if (!f->urls) {
        n->host = n->host_url;
    }

    /* a block inside of an exception */

    if ((n->host || n->below) && !n->above && e->depth > 1) {
        for (i = e->depth - 1; i-- > 0; /* void */ ) {
            if (e->nodes[i].below) {
                n->level = e->nodes[i].level + 1;
                break;
            }
        }
    }

    if (n->host != n->above || n->below != n->above) {
        debar_export_tell(e);
    }

    debar_export_except(e);
}


/* --- rows ----------------------------------------------------------------- */

static void
debar_export_row(debar_export_t *e, const debar_export_format_t *f,
    unsigned db, const char *key, size_t len, const uint32_t *rules, size_t n)
{
    char         name[DEBAR_MAX_HOST + 3];
    size_t       host;
    uint32_t     rule, asn;
    unsigned     left;
    debar_str_t  value;

    rule = debar_export_blocks(e, rules, n);

    if (rule == DEBAR_NONE) {
        e->info->left[DEBAR_LEFT_MILD] +=
            !(db == DEBAR_DB_HOST && n == 1
              && rules[0] == DEBAR_RULE_HAS_URLS);
        return;
    }

    switch (db) {

    case DEBAR_DB_HOST:
        debar_export_host_name(name, key, len);
        left = DEBAR_LEFT_LITERAL;

        if (f->literal) {
            f->literal(e, name, rule);
            left = DEBAR_LEFTS;
        }

        break;

    case DEBAR_DB_URL:
        for (host = 0; host < len && key[host] != '/'; host++) { /* void */ }

        debar_export_host_name(name, key, host);
        value = debar_str(key + host, len - host);
        left = memchr(value.data, '?', value.len) ? DEBAR_LEFT_QUERY
                                                  : DEBAR_LEFT_URL;

        if (f->url && (left == DEBAR_LEFT_URL || f == &debar_export_csv)) {
            f->url(e, name, value, rule);
            left = DEBAR_LEFTS;
        }

        break;

    case DEBAR_DB_NETWORK:
        left = DEBAR_LEFT_NETWORK;

        if (f->network) {
            f->network(e, (const uint8_t *) key, (uint8_t) key[16], rule);
            left = DEBAR_LEFTS;
        }

        break;

    case DEBAR_DB_ASN:
        left = DEBAR_LEFT_ORIGIN;

        if (f->id) {
            asn = (uint32_t) (uint8_t) key[0] << 24 | (uint8_t) key[1] << 16
                  | (uint8_t) key[2] << 8 | (uint8_t) key[3];
            snprintf(name, sizeof(name), "%u", asn);
            f->id(e, DEBAR_KIND_ASN, debar_str(name, strlen(name)), rule);
            left = DEBAR_LEFTS;
        }

        break;

    default:
        left = key[0] == DEBAR_KIND_COUNTRY ? DEBAR_LEFT_ORIGIN
                                            : DEBAR_LEFT_ID;

        if (f->id && (f != &debar_export_stix || key[0] == DEBAR_KIND_SHA256)) {
            f->id(e, (uint8_t) key[0], debar_str(key + 1, len - 1), rule);
            left = DEBAR_LEFTS;
        }
    }

    if (left < DEBAR_LEFTS) {
        e->info->left[left]++;

    } else {
        e->info->written++;
    }

    debar_export_flush(e, DEBAR_EXPORT_CHUNK);
}


/* The rules of a row; 0: it is damaged. */

static size_t
debar_export_rules(debar_export_t *e, unsigned db, const MDB_val *key,
    const MDB_val *value, const uint32_t **rules)
{
    size_t  pad, i, n;

    pad = debar_row_pad(key->mv_size);

    if (key->mv_size == 0 || key->mv_size > DEBAR_MAX_KEY
        || (db == DEBAR_DB_NETWORK && key->mv_size != 17)
        || (db == DEBAR_DB_ASN && key->mv_size != 4)
        || value->mv_size <= pad || (value->mv_size - pad) % 4)
    {
        return 0;
    }

    *rules = (const uint32_t *) ((const char *) value->mv_data + pad);
    n = (value->mv_size - pad) / 4;

    for (i = 0; i < n; i++) {
        if ((*rules)[i] >= e->list->nrules
            && (*rules)[i] != DEBAR_RULE_HAS_URLS)
        {
            return 0;
        }
    }

    return n;
}


static int
debar_export_damaged(debar_export_t *e)
{
    debar_fault(e->fault, "a row of the list is damaged: see it with `debar "
                "list check FILE.mdb` and build it anew");
    return DEBAR_ERROR;
}


static int
debar_export_db(debar_export_t *e, const debar_export_format_t *f, unsigned db)
{
    int              rc;
    size_t           n, i;
    MDB_val          key, value;
    MDB_cursor      *cursor;
    uint8_t          last[16];
    unsigned         bits;
    const uint32_t  *rules;

    if (mdb_cursor_open(e->list->snapshot->txn, e->list->snapshot->dbi[db],
                        &cursor) != 0)
    {
        return debar_export_damaged(e);
    }

    bits = 0;
    memset(last, 0, sizeof(last));

    rc = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);

    for ( /* void */ ; rc == 0 && e->rc == DEBAR_OK;
         rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT))
    {
        n = debar_export_rules(e, db, &key, &value, &rules);

        if (n == 0) {
            rc = MDB_CORRUPTED;
            break;
        }

        /* an address is in all the networks around it: the widest says all */

        if (db == DEBAR_DB_NETWORK
            && debar_export_blocks(e, rules, n) != DEBAR_NONE)
        {
            if (bits && debar_addr_in(key.mv_data, last, bits)
                && f != &debar_export_csv)
            {
                e->info->covered++;
                continue;
            }

            memcpy(last, key.mv_data, 16);
            bits = ((const uint8_t *) key.mv_data)[16];
        }

        if (f != &debar_export_csv) {
            debar_export_row(e, f, db, key.mv_data, key.mv_size, rules, n);
            continue;
        }

        for (i = 0; i < n; i++) {
            debar_export_row(e, f, db, key.mv_data, key.mv_size, &rules[i], 1);
        }
    }

    mdb_cursor_close(cursor);

    return rc == MDB_NOTFOUND || e->rc != DEBAR_OK ? e->rc
                                                   : debar_export_damaged(e);
}


/* --- permits, side by side with the hosts --------------------------------- */

static int
debar_export_key_cmp(const char *a, size_t alen, const char *b, size_t blen)
{
    int  rc;

    rc = memcmp(a, b, alen < blen ? alen : blen);

    return rc ? rc : alen < blen ? -1 : alen > blen;
}


static int
debar_export_permit_cmp(const void *one, const void *two)
{
    int                           rc;
    const debar_export_permit_t  *a = one, *b = two;

    rc = debar_export_key_cmp(a->key.data, a->host_len, b->key.data,
                              b->host_len);

    /* hosts before URLs */

    return rc ? rc : debar_export_key_cmp(a->key.data, a->key.len,
                                          b->key.data, b->key.len);
}


static void
debar_export_permits(debar_export_t *e)
{
    size_t                  i;
    const char             *slash;
    const debar_permit_t   *p;
    debar_export_permit_t  *own;

    e->permits = calloc(e->list->npermits + 1, sizeof(*e->permits));

    if (e->permits == NULL) {
        abort();
    }

    for (i = 0; i < e->list->npermits; i++) {
        p = &e->list->permits[i];

        if (p->sha256.len || p->product.len
            || !debar_permit_now(p, e->opts->now))
        {
            continue;
        }

        own = &e->permits[e->npermits++];
        own->permit = i;
        own->key = debar_list_text(e->list, p->key);
        slash = memchr(own->key.data, '/', own->key.len);
        own->host_len = slash ? (size_t) (slash - own->key.data)
                              : own->key.len;
    }

    qsort(e->permits, e->npermits, sizeof(*e->permits),
          debar_export_permit_cmp);
}


static size_t
debar_export_permits_of(debar_export_t *e, size_t i)
{
    size_t  n;

    for (n = 1; i + n < e->npermits
         && e->permits[i + n].host_len == e->permits[i].host_len
         && memcmp(e->permits[i + n].key.data, e->permits[i].key.data,
                   e->permits[i].host_len) == 0; n++)
    {
        /* void */
    }

    return n;
}


static int
debar_export_hosts_walk(debar_export_t *e, const debar_export_format_t *f)
{
    int              rc, cmp;
    size_t           n, i, np;
    MDB_val          key, value;
    MDB_cursor      *cursor;
    const uint32_t  *rules;

    if (mdb_cursor_open(e->list->snapshot->txn,
                        e->list->snapshot->dbi[DEBAR_DB_HOST], &cursor) != 0)
    {
        return debar_export_damaged(e);
    }

    i = 0;
    n = 0;
    rules = NULL;
    rc = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);

    while (e->rc == DEBAR_OK && (rc == 0 || i < e->npermits)) {

        if (rc == 0) {
            n = debar_export_rules(e, DEBAR_DB_HOST, &key, &value, &rules);
        }

        if ((rc != 0 && rc != MDB_NOTFOUND) || (rc == 0 && n == 0)) {
            mdb_cursor_close(cursor);
            return debar_export_damaged(e);
        }

        np = i < e->npermits ? debar_export_permits_of(e, i) : 0;

        cmp = rc != 0 ? 1 : np == 0 ? -1
              : debar_export_key_cmp(key.mv_data, key.mv_size,
                                     e->permits[i].key.data,
                                     e->permits[i].host_len);

        if (cmp > 0) {
            if (e->permits[i].key.data[0] != '=') {
                debar_export_host(e, f, e->permits[i].key.data,
                                  e->permits[i].host_len, NULL, 0, i, np);
            }

            i += np;
            continue;
        }

        if (((const char *) key.mv_data)[0] == '=') {
            debar_export_row(e, f, DEBAR_DB_HOST, key.mv_data, key.mv_size,
                             rules, n);
        } else {
            debar_export_host(e, f, key.mv_data, key.mv_size, rules, n, i,
                              cmp == 0 ? np : 0);
        }

        i += cmp == 0 ? np : 0;
        rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }

    mdb_cursor_close(cursor);

    while (e->depth > 0) {
        debar_export_pop(e, f);
    }

    return e->rc;
}


/* --- all of it ------------------------------------------------------------ */

/* What stands in tables, and no form but CSV can say. */

static void
debar_export_tables(debar_export_t *e, const debar_export_format_t *f)
{
    size_t                 i, n;
    uint32_t               rule;
    const debar_term_t    *t;
    const debar_waiver_t  *w;
    const debar_permit_t  *p;

    t = debar_snapshot_table(e->list->snapshot, DEBAR_T_TERMS, &n);

    for (i = 0; i < n; i++) {
        rule = t[i].rule;

        if (t[i].match == DEBAR_TERM_NOT) {
            continue;
        }

        if (debar_export_action(e, rule, 0) != DEBAR_BLOCK) {
            e->info->left[DEBAR_LEFT_MILD]++;

        } else if (f == &debar_export_csv) {
            f->id(e, e->list->rules[rule].kind,
                  debar_list_text(e->list, t[i].written), rule);
            e->info->written++;

        } else {
            e->info->left[DEBAR_LEFT_NAME]++;
        }

        debar_export_flush(e, DEBAR_EXPORT_CHUNK);
    }

    for (i = 0; i < e->list->npatterns; i++) {
        rule = e->list->patterns[i].rule;

        if (debar_export_action(e, rule, 0) != DEBAR_BLOCK) {
            e->info->left[DEBAR_LEFT_MILD]++;

        } else if (f == &debar_export_csv) {
            f->id(e, e->list->rules[rule].kind | 0x100,
                  debar_list_text(e->list, e->list->patterns[i].written),
                  rule);
            e->info->written++;

        } else {
            e->info->left[DEBAR_LEFT_PATTERN]++;
        }
    }

    for (i = 0; i < e->list->npermits; i++) {
        p = &e->list->permits[i];
        e->info->left[DEBAR_LEFT_PINNED] += p->sha256.len || p->product.len;
    }

    for (i = 0; i < e->list->nwaivers; i++) {
        w = &e->list->waivers[i];
        e->info->left[DEBAR_LEFT_WAIVER] += w->from <= e->opts->now
                                            && e->opts->now < w->until;
    }
}


static int
debar_export_walk(debar_export_t *e, const debar_export_format_t *f)
{
    int       rc;
    unsigned  db;

    memset(e->info, 0, sizeof(*e->info));
    e->sid = e->opts->sid ? e->opts->sid : 9100000;

    if (f == &debar_export_csv) {
        rc = debar_export_db(e, f, DEBAR_DB_HOST);

    } else {
        rc = debar_export_hosts_walk(e, f);
    }

    for (db = DEBAR_DB_URL; rc == DEBAR_OK && db < DEBAR_DBS; db++) {
        rc = debar_export_db(e, f, db);
    }

    if (rc == DEBAR_OK) {
        debar_export_tables(e, f);
    }

    return rc;
}


/* One line of text that others wrote: nothing ends the comment. */

static void
debar_export_line(debar_export_t *e, const char *what, debar_str_t s)
{
    size_t  i;

    for (i = 0; i < strlen(what); i++) {
        debar_buf_add(&e->out, &what[i], 1);
    }

    for (i = 0; i < s.len && i < 400; i++) {
        debar_buf_add(&e->out, (uint8_t) s.data[i] < 0x20
                               || (uint8_t) s.data[i] == 0x7f ? " "
                               : &s.data[i], 1);
    }

    debar_buf_add(&e->out, "\n", 1);
}


static void
debar_export_head(debar_export_t *e, const debar_export_format_t *f)
{
    char                          text[512];
    size_t                        i;
    time_t                        now;
    struct tm                     tm;
    const char                   *c;
    const debar_snapshot_meta_t  *m;

    m = e->list->meta;
    c = f->comment;
    now = (time_t) e->opts->now;
    gmtime_r(&now, &tm);

    snprintf(text, sizeof(text), "%s ", c);
    debar_export_line(e, text, m->title);
    snprintf(text, sizeof(text), "%s ", c);
    debar_export_line(e, text, m->publisher);
    debar_export_put(e, "%s serial %llu, digest %s\n", c,
                     (unsigned long long) m->serial, m->digest);
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
    debar_export_put(e, "%s what is blocked at %s, %s%s\n", c, text,
                     e->opts->activity < DEBAR_ACTIVITIES ? "activity "
                     : "as a CONNECT is judged",
                     e->opts->activity < DEBAR_ACTIVITIES
                     ? debar_activity_name(e->opts->activity) : "");
    debar_export_put(e, "%s\n%s %s\n%s\n", c, c, f->cannot, c);
    debar_export_put(e, "%s %llu rows are here\n", c,
                     (unsigned long long) e->info->written);

    if (e->info->covered) {
        debar_export_put(e, "%s %llu are covered by a wider one\n", c,
                         (unsigned long long) e->info->covered);
    }

    for (i = 0; i < DEBAR_LEFTS; i++) {
        if (e->info->left[i]) {
            debar_export_put(e, "%s left out: %llu %s\n", c,
                             (unsigned long long) e->info->left[i],
                             debar_lefts[i]);
        }
    }

    debar_export_put(e, "\n");
}


int
debar_export(debar_list_t *list, const debar_export_opts_t *opts,
    debar_export_info_t *info, debar_fault_t *fault)
{
    int                           rc;
    debar_export_t                e;
    const debar_export_format_t  *f;

    memset(&e, 0, sizeof(e));
    e.list = list;
    e.opts = opts;
    e.info = info;
    e.fault = fault;
    e.last = DEBAR_NONE;
    f = debar_export_formats[opts->format];

    e.actions = malloc(list->nrules + 1);
    e.nodes = malloc(DEBAR_EXPORT_DEPTH * sizeof(*e.nodes));

    if (e.actions == NULL || e.nodes == NULL) {
        abort();
    }

    memset(e.actions, 0xff, list->nrules + 1);
    debar_export_permits(&e);

    e.counting = 1;
    rc = debar_export_walk(&e, f);

    if (rc == DEBAR_OK) {
        e.counting = 0;
        e.out.len = 0;

        if (f->comment && !opts->bare) {
            debar_export_head(&e, f);
        }

        if (f->begin) {
            f->begin(&e);
        }

        rc = debar_export_walk(&e, f);
    }

    if (rc == DEBAR_OK) {
        if (f->end) {
            f->end(&e);
        }

        debar_export_flush(&e, 0);
        rc = e.rc;
    }

    debar_buf_free(&e.out);
    debar_buf_free(&e.room);
    debar_buf_free(&e.made[0]);
    debar_buf_free(&e.made[1]);
    free(e.actions);
    free(e.nodes);
    free(e.permits);

    return rc;
}
