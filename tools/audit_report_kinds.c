/*
 * What reports count: attempts, presence, windows of enforcement, waivers.
 */

#include <stdlib.h>
#include <jansson.h>

#include "audit_report.h"


static debar_str_t
debar_z(const char *s)
{
    return debar_str(s, strlen(s));
}


static debar_str_t
debar_or(debar_str_t s, const char *other)
{
    return s.len ? s : debar_z(other);
}


static void
debar_keep(debar_group_t *g, unsigned i, const debar_audit_row_t *row,
    const char *kinds, int bare)
{
    debar_buf_t  b;

    if (g == NULL || g->text[i]) {
        return;
    }

    memset(&b, 0, sizeof(b));
    debar_row_evidence(&b, row, kinds, bare);

    if (b.len) {
        g->text[i] = strndup(b.data, b.len);
    }

    debar_buf_free(&b);
}


static int
debar_enforced(const debar_audit_row_t *row)
{
    return row->mode.len == 0
           || (row->mode.len == 7 && memcmp(row->mode.data, "enforce", 7) == 0);
}


/* Rows of a table in the order of its groups, up to top. */

typedef void (*debar_group_pt)(debar_report_table_t *t,
    const debar_group_t *one);

static void
debar_table_groups(debar_report_table_t *t, debar_groups_t *g, int by_name,
    size_t top, debar_group_pt put)
{
    size_t  i;

    debar_groups_sort(g, by_name);
    t->others = g->others;

    for (i = 0; i < g->n; i++) {
        if (i >= top) {
            t->more++;
            continue;
        }

        put(t, &g->list[i]);
        t->nrows++;
    }

    debar_groups_free(g);
}


/* --- attempts ------------------------------------------------------------ */

typedef enum {
    DEBAR_BY_DAY,
    DEBAR_BY_BUREAU,
    DEBAR_BY_USER,
    DEBAR_BY_CHANNEL,
    DEBAR_BY_SURFACE,
    DEBAR_BY_VENDOR,
    DEBAR_BY_PRODUCT,
    DEBAR_BY_ACTIVITY,
    DEBAR_BYS
} debar_by_e;


typedef struct {
    debar_report_state_t  head;
    debar_groups_t        by[DEBAR_BYS];
} debar_attempts_t;


#define DEBAR_BY_COLUMNS(title)                                              \
    { { "name", title, 0 }, { "attempts", "Attempts", 1 },                   \
      { "blocked", "Blocked", 1 }, { "rejected", "Rejected", 1 },            \
      { "logged", "Recorded only", 1 },                                      \
      { "not_enforced", "Of all, not enforced", 1 },                         \
      { "first", "First", 0 }, { "last", "Last", 0 } }

static const struct {
    const char      *name;
    const char      *title;
    debar_column_t   columns[8];
} debar_bys[] = {
    { "day", "By day", DEBAR_BY_COLUMNS("Day (UTC)") },
    { "bureau", "By bureau", DEBAR_BY_COLUMNS("Bureau") },
    { "user", "By user", DEBAR_BY_COLUMNS("User, else client") },
    { "channel", "By channel", DEBAR_BY_COLUMNS("Site") },
    { "surface", "By surface", DEBAR_BY_COLUMNS("Seen in") },
    { "vendor", "By vendor", DEBAR_BY_COLUMNS("Vendor") },
    { "product", "By product", DEBAR_BY_COLUMNS("Product") },
    { "activity", "By activity", DEBAR_BY_COLUMNS("Activity") },
};


static void
debar_attempts_take(void *state, const debar_audit_row_t *row)
{
    unsigned           k;
    debar_str_t        s;
    debar_group_t     *g;
    debar_attempts_t  *a = state;

    if (row->type != DEBAR_ROW_DECISION || row->verdict == DEBAR_PASS) {
        return;
    }

    for (k = 0; k < DEBAR_BYS; k++) {

        switch (k) {
        case DEBAR_BY_DAY:
            s = debar_str(row->time, 10);
            break;
        case DEBAR_BY_BUREAU:
            s = debar_or(row->bureau, "(no bureau)");
            break;
        case DEBAR_BY_USER:
            s = debar_or(row->user, row->addr);
            break;
        case DEBAR_BY_CHANNEL:
            s = debar_or(row->host, "(none)");
            break;
        case DEBAR_BY_SURFACE:
            s = debar_or(row->surface, "(none)");
            break;
        case DEBAR_BY_VENDOR:
            s = debar_or(row->vendor, "(none)");
            break;
        case DEBAR_BY_PRODUCT:
            s = debar_or(row->product, "(not told)");
            break;
        default:
            s = debar_or(row->activity, "(none)");
        }

        g = debar_groups_add(&a->by[k], &s, 1, row);

        if (g) {
            g->extra += !debar_enforced(row);
        }
    }
}


static void
debar_by_put(debar_report_table_t *t, const debar_group_t *one)
{
    debar_cell(t, one->part[0]);
    debar_cell_u(t, one->n);
    debar_cell_u(t, one->by[DEBAR_BLOCK]);
    debar_cell_u(t, one->by[DEBAR_REJECT]);
    debar_cell_u(t, one->by[DEBAR_LOG]);
    debar_cell_u(t, one->extra);
    debar_cell_z(t, one->first);
    debar_cell_z(t, one->last);
}


static void
debar_attempts_make(void *state, debar_report_t *r,
    const debar_report_args_t *args)
{
    unsigned               k;
    debar_attempts_t      *a = state;
    debar_report_table_t  *t;

    for (k = 0; k < DEBAR_BYS; k++) {
        if (k == DEBAR_BY_BUREAU && args->bureaus == NULL) {
            debar_groups_free(&a->by[k]);
            continue;
        }

        t = debar_report_table(r, debar_bys[k].name, debar_bys[k].title,
                               debar_bys[k].columns, 8);
        snprintf(t->caption, sizeof(t->caption), "Attempts by %s",
                 debar_bys[k].name);
        t->chart = 1;
        t->by_day = k == DEBAR_BY_DAY;
        debar_table_groups(t, &a->by[k], t->by_day, args->top, debar_by_put);
    }

    if (args->bureaus == NULL) {
        debar_buf_printf(&r->notes, "Bureaus are told with --bureaus FILE.\n");
    }

    debar_buf_printf(&r->notes, "An attempt is a request, or a download, that "
                     "was given another verdict than pass. What was not "
                     "enforced was let through: the gateway was in monitor "
                     "mode, or the glass was broken.\n");
}


/* --- presence ------------------------------------------------------------ */

typedef struct {
    debar_report_state_t  head;
    debar_groups_t        hosts;
} debar_inventory_t;


static const debar_column_t  debar_inventory_columns[] = {
    { "client", "Client", 0 },
    { "user", "User", 0 },
    { "bureau", "Bureau", 0 },
    { "vendor", "Vendor", 0 },
    { "product", "Product (guess)", 0 },
    { "evidence", "Evidence for it", 0 },
    { "first", "First seen", 0 },
    { "last", "Last seen", 0 },
    { "count", "Times", 1 },
    { "blocked", "Blocked", 1 },
};


static int
debar_is(debar_str_t s, const char *word)
{
    return s.len == strlen(word) && memcmp(s.data, word, s.len) == 0;
}


/* An update by what was asked for, or by the host: what else than an installed
 * product asks one that serves updates, activation or telemetry alone? */

static int
debar_of_product(const debar_audit_row_t *row)
{
    size_t         i;
    json_t        *one;
    const char    *update, *activity;

    update = debar_activity_name(DEBAR_UPDATE);

    if (debar_is(row->activity, update)) {
        return 1;
    }

    json_array_foreach((json_t *) row->evidence, i, one) {

        activity = json_string_value(json_object_get(one, "activity"));

        if (activity && strcmp(activity, update) == 0) {
            return 1;
        }
    }

    return 0;
}


static void
debar_inventory_take(void *state, const debar_audit_row_t *row)
{
    debar_str_t         parts[5];
    debar_group_t      *g;
    debar_inventory_t  *inv = state;

    if (row->type != DEBAR_ROW_DECISION || row->vendor.len == 0
        || !debar_of_product(row))
    {
        return;
    }

    parts[0] = debar_z(row->addr);
    parts[1] = row->user;
    parts[2] = row->bureau;
    parts[3] = row->vendor;
    parts[4] = row->product;

    g = debar_groups_add(&inv->hosts, parts, 5, row);
    debar_keep(g, 0, row, NULL, 0);

    if (g && g->text[1] == NULL) {
        g->text[1] = strndup(row->host.data, row->host.len);
    }
}


static void
debar_inventory_put(debar_report_table_t *t, const debar_group_t *one)
{
    debar_buf_t  b;

    debar_cell(t, one->part[0]);
    debar_cell(t, one->part[1]);
    debar_cell(t, one->part[2]);
    debar_cell(t, one->part[3]);
    debar_cell(t, debar_or(one->part[4], "one of the vendor's"));

    memset(&b, 0, sizeof(b));
    debar_buf_printf(&b, "%s", one->text[0] ? one->text[0] : "none recorded");

    if (one->text[1] && one->text[1][0]) {
        debar_buf_printf(&b, "; asked %s", one->text[1]);
    }

    debar_cell(t, debar_str(b.data, b.len));
    debar_buf_free(&b);

    debar_cell_z(t, one->first);
    debar_cell_z(t, one->last);
    debar_cell_u(t, one->n);
    debar_cell_u(t, one->by[DEBAR_BLOCK]);
}


static void
debar_inventory_make(void *state, debar_report_t *r,
    const debar_report_args_t *args)
{
    debar_inventory_t     *inv = state;
    debar_report_table_t  *t;

    t = debar_report_table(r, "hosts", "Clients that run the product",
                           debar_inventory_columns, 10);
    snprintf(t->caption, sizeof(t->caption), "Clients that asked for updates "
             "or sent telemetry, most active first");
    t->note = "A client is the address that the gateway saw: behind address "
              "translation it may be many. A product is a guess by what was "
              "asked for: look at the client before it is reported as found.";
    debar_table_groups(t, &inv->hosts, 0, args->top, debar_inventory_put);
}


/* --- since when a list is enforced --------------------------------------- */

typedef struct {
    debar_report_state_t  head;
    debar_groups_t        serials;
    debar_groups_t        events;
} debar_window_t;


static const debar_column_t  debar_window_columns[] = {
    { "gateway", "Gateway", 0 },
    { "serial", "Serial", 1 },
    { "digest", "Digest of the list", 0 },
    { "first", "First verdict", 0 },
    { "first_enforced", "First enforced verdict", 0 },
    { "last", "Last verdict", 0 },
    { "verdicts", "Verdicts", 1 },
    { "last_before", "Last verdict under the serial before", 0 },
    { "serial_before", "Serial before", 1 },
};

static const debar_column_t  debar_event_columns[] = {
    { "time", "When", 0 },
    { "gateway", "Gateway", 0 },
    { "event", "Event", 0 },
    { "state", "State", 0 },
    { "by", "By", 0 },
    { "reason", "Reason", 0 },
};


static void
debar_event_take(debar_groups_t *events, const debar_audit_row_t *row)
{
    debar_str_t  parts[6];

    parts[0] = debar_str(row->time, 24);
    parts[1] = row->gateway;
    parts[2] = row->event;
    parts[3] = row->state;
    parts[4] = row->by;
    parts[5] = row->reason;

    (void) debar_groups_add(events, parts, 6, row);
}


static void
debar_event_put(debar_report_table_t *t, const debar_group_t *one)
{
    unsigned  i;

    for (i = 0; i < 6; i++) {
        debar_cell(t, one->part[i]);
    }
}


static void
debar_event_make(debar_groups_t *events, debar_report_t *r,
    const debar_report_args_t *args)
{
    debar_report_table_t  *t;

    t = debar_report_table(r, "events", "What was done to gateways",
                           debar_event_columns, 6);
    snprintf(t->caption, sizeof(t->caption), "Times of less than enforcement, "
             "with who opened them and why");
    debar_table_groups(t, events, 1, args->top, debar_event_put);
}


static void
debar_window_take(void *state, const debar_audit_row_t *row)
{
    char              serial[24];
    debar_str_t       parts[3];
    debar_group_t    *g;
    debar_window_t   *w = state;

    if (row->type == DEBAR_ROW_EVENT) {
        debar_event_take(&w->events, row);
        return;
    }

    if (row->serial == 0) {
        return;
    }

    /* of twenty digits, so that names are in the order of numbers */

    snprintf(serial, sizeof(serial), "%020llu",
             (unsigned long long) row->serial);

    parts[0] = debar_or(row->gateway, "(no name)");
    parts[1] = debar_z(serial);
    parts[2] = row->digest;

    g = debar_groups_add(&w->serials, parts, 3, row);

    if (g && debar_enforced(row)
        && (g->mark[0] == '\0' || strcmp(row->time, g->mark) < 0))
    {
        memcpy(g->mark, row->time, 25);
    }
}


/* Its digits; others may stand behind them. */

static uint64_t
debar_group_serial(const debar_group_t *one)
{
    char  digits[24];

    snprintf(digits, sizeof(digits), "%.20s", one->part[1].data);

    return strtoull(digits, NULL, 10);
}


static void
debar_window_put(debar_report_table_t *t, const debar_group_t *one,
    const debar_group_t *before)
{
    debar_cell(t, one->part[0]);
    debar_cell_u(t, debar_group_serial(one));
    debar_cell(t, one->part[2]);
    debar_cell_z(t, one->first);
    debar_cell_z(t, one->mark[0] ? one->mark : "none");
    debar_cell_z(t, one->last);
    debar_cell_u(t, one->n);
    debar_cell_z(t, before ? before->last : "none recorded");

    if (before) {
        debar_cell_u(t, debar_group_serial(before));

    } else {
        debar_cell_z(t, "");
    }

    t->nrows++;
}


static int
debar_group_part_is(const debar_group_t *a, const debar_group_t *b,
    unsigned i)
{
    return a->part[i].len == b->part[i].len
           && memcmp(a->part[i].data, b->part[i].data, a->part[i].len) == 0;
}


static void
debar_window_make(void *state, debar_report_t *r,
    const debar_report_args_t *args)
{
    size_t                 i;
    char                   serial[24];
    debar_group_t         *one, *lower, *before;
    debar_window_t        *w = state;
    debar_report_table_t  *t;

    t = debar_report_table(r, "serials", "Lists in force",
                           debar_window_columns, 9);
    snprintf(t->caption, sizeof(t->caption), "Since when each gateway judged "
             "by each list");
    t->note = "The log speaks of verdicts, and of passed requests only where "
              "the gateway records all: a list was in force by its first "
              "verdict at the latest. A last verdict under the serial before "
              "that is later than the first under its successor is of a "
              "worker, or a request, that was still at work.";
    t->others = w->serials.others;

    snprintf(serial, sizeof(serial), "%020llu",
             (unsigned long long) args->serial);
    debar_groups_sort(&w->serials, 1);
    lower = NULL;
    before = NULL;

    for (i = 0; i < w->serials.n; i++) {
        one = &w->serials.list[i];

        if (i == 0 || !debar_group_part_is(one, one - 1, 0)) {
            lower = NULL;
            before = NULL;

        } else if (!debar_group_part_is(one, one - 1, 1)) {
            before = lower;
        }

        if (args->serial == 0
            || memcmp(one->part[1].data, serial, 20) == 0)
        {
            if (t->nrows < args->top) {
                debar_window_put(t, one, before);

            } else {
                t->more++;
            }
        }

        /* of two lists of a serial, the one that was used last */

        if (lower == NULL || !debar_group_part_is(one, lower, 1)
            || strcmp(one->last, lower->last) > 0)
        {
            lower = one;
        }
    }

    debar_groups_free(&w->serials);
    debar_event_make(&w->events, r, args);
}


/* --- waivers and permits ------------------------------------------------- */

typedef struct {
    debar_report_state_t  head;
    debar_groups_t        used;
    debar_groups_t        events;
} debar_waivers_t;


static const debar_column_t  debar_waivers_columns[] = {
    { "kind", "Kind", 0 },
    { "name", "Waiver, or why permitted", 0 },
    { "vendor", "Vendor", 0 },
    { "product", "Product", 0 },
    { "who", "User, else client", 0 },
    { "bureau", "Bureau", 0 },
    { "count", "Times", 1 },
    { "passed", "Passed", 1 },
    { "logged", "Recorded", 1 },
    { "first", "First", 0 },
    { "last", "Last", 0 },
};


static void
debar_waivers_take(void *state, const debar_audit_row_t *row)
{
    debar_str_t       parts[6];
    debar_waivers_t  *w = state;

    if (row->type == DEBAR_ROW_EVENT) {
        debar_event_take(&w->events, row);
        return;
    }

    if (row->permit.len == 0 && row->waiver.len == 0) {
        return;
    }

    parts[0] = debar_z(row->waiver.len ? "waiver" : "permit");
    parts[1] = row->waiver.len ? row->waiver : row->permit;
    parts[2] = row->vendor;
    parts[3] = row->product;
    parts[4] = debar_or(row->user, row->addr);
    parts[5] = row->bureau;

    (void) debar_groups_add(&w->used, parts, 6, row);
}


static void
debar_waivers_put(debar_report_table_t *t, const debar_group_t *one)
{
    unsigned  i;

    for (i = 0; i < 6; i++) {
        debar_cell(t, one->part[i]);
    }

    debar_cell_u(t, one->n);
    debar_cell_u(t, one->by[DEBAR_PASS]);
    debar_cell_u(t, one->by[DEBAR_LOG]);
    debar_cell_z(t, one->first);
    debar_cell_z(t, one->last);
}


static void
debar_waivers_make(void *state, debar_report_t *r,
    const debar_report_args_t *args)
{
    debar_waivers_t       *w = state;
    debar_report_table_t  *t;

    t = debar_report_table(r, "waivers", "Waivers and permits used",
                           debar_waivers_columns, 11);
    snprintf(t->caption, sizeof(t->caption), "Uses of waivers and permits, by "
             "who used them");
    debar_table_groups(t, &w->used, 0, args->top, debar_waivers_put);
    debar_event_make(&w->events, r, args);
}


const debar_report_kind_t  debar_report_kinds[] = {
    { "attempts", "Attempts to reach listed products",
      "Who tried what, where, and what the gateway did.",
      sizeof(debar_attempts_t), debar_attempts_take, debar_attempts_make },

    { "inventory", "Presence of listed products",
      "Clients that still run a listed product, as BOD 17-01 asks agencies to "
      "identify them, by their attempts to fetch updates and send telemetry.",
      sizeof(debar_inventory_t), debar_inventory_take, debar_inventory_make },

    { "window", "Windows of enforcement",
      "Since when each gateway judged by which list.",
      sizeof(debar_window_t), debar_window_take, debar_window_make },

    { "waivers", "Waivers and permits used",
      "What was let through on purpose, for whom, and by whose leave.",
      sizeof(debar_waivers_t), debar_waivers_take, debar_waivers_make },

    { NULL, NULL, NULL, 0, NULL, NULL }
};
