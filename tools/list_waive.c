/*
 * debar list waive, unwaive: an approved exception put to waivers.yaml of a
 * source, or taken out of it.  The source is read as it would be before
 * anything is written.
 */

#include <stdlib.h>

#include "change.h"
#include "edit.h"


#define DEBAR_WAIVE_MAX   64      /* members of one of its lists */
#define DEBAR_WAIVE_FILE  "waivers.yaml"


/* Keys of a waiver in the order of README.md; of lists from the seventh on. */

enum {
    DEBAR_WAIVE_ID = 0, DEBAR_WAIVE_VENDOR, DEBAR_WAIVE_PRODUCT,
    DEBAR_WAIVE_AUTHORITY, DEBAR_WAIVE_USER, DEBAR_WAIVE_CLIENT,
    DEBAR_WAIVE_ORDER, DEBAR_WAIVE_URL, DEBAR_WAIVE_ACTIVITY,
    DEBAR_WAIVE_FROM, DEBAR_WAIVE_UNTIL, DEBAR_WAIVE_APPROVED_BY,
    DEBAR_WAIVE_WHY, DEBAR_WAIVE_KEYS
};

typedef struct {
    const char  *option;
    const char  *key;
    unsigned     many;
    unsigned     required;
} debar_waive_key_t;

typedef struct {
    const char       *command;
    const char       *source;
    const char       *values[DEBAR_WAIVE_KEYS][DEBAR_WAIVE_MAX];
    size_t            n[DEBAR_WAIVE_KEYS];
    unsigned          dry_run;
    unsigned          json;
    unsigned          quiet;
    debar_changes_t   changes;
} debar_waive_t;


static const debar_waive_key_t  debar_waive_keys[DEBAR_WAIVE_KEYS] = {
    { NULL, "id", 0, 0 },
    { "vendor", "vendor", 0, 1 },
    { "product", "products", 1, 0 },
    { "authority", "authorities", 1, 0 },
    { "user", "users", 1, 0 },
    { "client", "clients", 1, 0 },
    { "order", "orders", 1, 0 },
    { "url", "urls", 1, 0 },
    { "activity", "activities", 1, 0 },
    { "from", "from", 0, 1 },
    { "until", "until", 0, 1 },
    { "approved-by", "approved-by", 0, 1 },
    { "why", "why", 0, 1 }
};

static const char  debar_waive_help[] =
    "usage: debar list waive SOURCE ID --vendor V FOR... --from DATE\n"
    "                        --until DATE --approved-by WHO --why TEXT [options]\n"
    "\n"
    "Puts a waiver to waivers.yaml of a source: what a vendor is blocked for is\n"
    "let through and recorded, for whom or what is named, on those days.\n"
    "\n"
    "      --vendor V        id of the vendor\n"
    "      --user U          FOR: a user; may be repeated, as those below\n"
    "      --client C        FOR: an address or a network of clients\n"
    "      --order O         FOR: an order by its number\n"
    "      --url U           FOR: a page, or all below it (\"/*\")\n"
    "      --from DATE       the first day (YYYY-MM-DD)\n"
    "      --until DATE      the last day\n"
    "      --approved-by W   who approved it\n"
    "      --why TEXT        why\n"
    "      --product ID      of these products alone; may be repeated\n"
    "      --authority ID    under these authorities alone; may be repeated\n"
    "      --activity A      browse, update, download or acquire alone; likewise\n"
    "  -n, --dry-run         show the change as a diff, write nothing\n"
    "      --json            say the outcome as one JSON object\n"
    "  -q, --quiet           say nothing but errors\n"
    "  -h, --help            this text\n"
    "\n"
    "Exit: 0 done, 1 not done (stderr says why), 2 usage.\n";

static const char  debar_unwaive_help[] =
    "usage: debar list unwaive SOURCE ID [options]\n"
    "\n"
    "Takes a waiver out of waivers.yaml of a source.\n"
    "\n"
    "  -n, --dry-run  show the change as a diff, write nothing\n"
    "      --json     say the outcome as one JSON object\n"
    "  -q, --quiet    say nothing but errors\n"
    "  -h, --help     this text\n"
    "\n"
    "Exit: 0 done, 1 not done (stderr says why), 2 usage.\n";


/* --- arguments ------------------------------------------------------------ */

#define DEBAR_WAIVE_OPTION  0x100

static const struct option  debar_waive_options[] = {
    { "vendor",      required_argument, NULL, DEBAR_WAIVE_OPTION + 1 },
    { "product",     required_argument, NULL, DEBAR_WAIVE_OPTION + 2 },
    { "authority",   required_argument, NULL, DEBAR_WAIVE_OPTION + 3 },
    { "user",        required_argument, NULL, DEBAR_WAIVE_OPTION + 4 },
    { "client",      required_argument, NULL, DEBAR_WAIVE_OPTION + 5 },
    { "order",       required_argument, NULL, DEBAR_WAIVE_OPTION + 6 },
    { "url",         required_argument, NULL, DEBAR_WAIVE_OPTION + 7 },
    { "activity",    required_argument, NULL, DEBAR_WAIVE_OPTION + 8 },
    { "from",        required_argument, NULL, DEBAR_WAIVE_OPTION + 9 },
    { "until",       required_argument, NULL, DEBAR_WAIVE_OPTION + 10 },
    { "approved-by", required_argument, NULL, DEBAR_WAIVE_OPTION + 11 },
    { "why",         required_argument, NULL, DEBAR_WAIVE_OPTION + 12 },
    { "dry-run",     no_argument,       NULL, 'n' },
    { "json",        no_argument,       NULL, 'j' },
    { "quiet",       no_argument,       NULL, 'q' },
    { "help",        no_argument,       NULL, 'h' },
    { NULL, 0, NULL, 0 }
};


/* DEBAR_OK, or the exit code. */

static int
debar_waive_value(debar_waive_t *w, unsigned key, const char *value)
{
    const debar_waive_key_t  *k = &debar_waive_keys[key];

    if (value[0] == '\0') {
        return debar_usage(w->command, "--%s is empty", k->option);
    }

    if (w->n[key] && !k->many) {
        return debar_usage(w->command, "--%s may stand once only", k->option);
    }

    if (w->n[key] == DEBAR_WAIVE_MAX) {
        return debar_usage(w->command, "more than %d times --%s: write the "
                           "others into " DEBAR_WAIVE_FILE " by hand",
                           DEBAR_WAIVE_MAX, k->option);
    }

    w->values[key][w->n[key]++] = value;

    return DEBAR_OK;
}


static int
debar_waive_complete(debar_waive_t *w)
{
    size_t  i;

    for (i = 0; i < DEBAR_WAIVE_KEYS; i++) {
        if (debar_waive_keys[i].required && w->n[i] == 0) {
            return debar_usage(w->command, "--%s is missing: a waiver has a "
                               "vendor, a first and a last day, someone who "
                               "approved it, and why",
                               debar_waive_keys[i].option);
        }
    }

    if (w->n[DEBAR_WAIVE_USER] + w->n[DEBAR_WAIVE_CLIENT]
        + w->n[DEBAR_WAIVE_ORDER] + w->n[DEBAR_WAIVE_URL] == 0)
    {
        return debar_usage(w->command, "for whom? a waiver needs --user, "
                           "--client, --order or --url");
    }

    return -1;
}


/* -1: go on; else the exit code. */

static int
debar_waive_args(debar_waive_t *w, const char *help, int argc, char **argv)
{
    int                   c, rc;
    const struct option  *options;

    options = help == debar_waive_help ? debar_waive_options
              : debar_waive_options + DEBAR_WAIVE_KEYS - 1;
    opterr = 0;

    while ((c = getopt_long(argc, argv, ":nqh", options, NULL)) != -1) {

        switch (c) {
        case 'n':
            w->dry_run = 1;
            break;
        case 'j':
            w->json = 1;
            break;
        case 'q':
            w->quiet = 1;
            break;
        case 'h':
            fputs(help, stdout);
            return 0;
        default:
            if (c < DEBAR_WAIVE_OPTION) {
                return debar_bad_option(w->command, c, argv);
            }

            rc = debar_waive_value(w, (unsigned) c - DEBAR_WAIVE_OPTION,
                                   optarg);
            if (rc != DEBAR_OK) {
                return rc;
            }
        }
    }

    if (argc - optind != 2) {
        return debar_usage(w->command, "name the folder of a source, and the "
                           "id of the waiver");
    }

    w->source = argv[optind];
    w->values[DEBAR_WAIVE_ID][0] = argv[optind + 1];
    w->n[DEBAR_WAIVE_ID] = 1;

    return help == debar_waive_help ? debar_waive_complete(w) : -1;
}


/* --- the text ------------------------------------------------------------- */

/* A waiver on lines of its own, each behind indent blanks ("- " the first), or
 * on one line in brackets. */

static void
debar_waive_yaml(const debar_waive_t *w, debar_buf_t *b, int indent, int flow)
{
    size_t  i, k;

    for (i = 0; i < DEBAR_WAIVE_KEYS; i++) {
        if (w->n[i] == 0) {
            continue;
        }

        if (flow) {
            debar_buf_printf(b, i ? ", " : "{");
        } else {
            debar_buf_printf(b, "%*s%s", indent, "", i ? "  " : "- ");
        }

        debar_buf_printf(b, "%s: %s", debar_waive_keys[i].key,
                         debar_waive_keys[i].many ? "[" : "");

        for (k = 0; k < w->n[i]; k++) {
            debar_buf_printf(b, "%s", k ? ", " : "");
            debar_edit_quote(b, w->values[i][k], strlen(w->values[i][k]),
                             i == DEBAR_WAIVE_FROM || i == DEBAR_WAIVE_UNTIL);
        }

        debar_buf_printf(b, "%s%s", debar_waive_keys[i].many ? "]" : "",
                         flow ? "" : "\n");
    }

    debar_buf_add(b, "}", flow != 0);
}


/* A scalar's n is of its bytes. */

static size_t
debar_waive_count(const debar_edit_node_t *list)
{
    return list->type == DEBAR_EDIT_LIST ? list->n : 0;
}


static debar_edit_node_t *
debar_waive_find(const debar_edit_node_t *list, const char *id, size_t *at)
{
    size_t              i;
    debar_edit_node_t  *node;

    for (i = 0; i < debar_waive_count(list); i++) {
        node = list->items[i]->type == DEBAR_EDIT_MAP
               ? debar_edit_get(list->items[i], "id") : NULL;

        if (node && node->type == DEBAR_EDIT_SCALAR
            && strcmp(node->text, id) == 0)
        {
            *at = i;
            return node;
        }
    }

    return NULL;
}


/* In place of "[]", or of nothing. */

static int
debar_waive_first(const debar_waive_t *w, const debar_edit_node_t *list,
    const char *text, size_t len, debar_buf_t *out)
{
    size_t  from, to;

    for (from = list->start; from
         && (text[from - 1] == ' ' || text[from - 1] == '\n'); from--)
    {
        /* void */
    }

    for (to = list->end; to < len && text[to] == ' '; to++) {
        /* void */
    }

    if ((list->style != DEBAR_EDIT_FLOW && !list->null) || list->anchored
        || from == 0
        || text[from - 1] != ':' || (to < len && text[to] != '\n'))
    {
        return DEBAR_DECLINED;
    }

    debar_buf_add(out, text, from);
    debar_buf_printf(out, "\n");
    debar_waive_yaml(w, out, 2, 0);

    to += to < len;
    debar_buf_add(out, text + to, len - to);

    return DEBAR_OK;
}


/* Where waivers stand on lines of their own the new one does, too: behind the
 * last.  DEBAR_DECLINED: it has to stand on one line. */

static int
debar_waive_block(const debar_waive_t *w, const debar_edit_node_t *list,
    const char *text, size_t len, debar_buf_t *out)
{
    size_t                    at, from;
    const debar_edit_node_t  *last;

    if (debar_waive_count(list) == 0) {
        return debar_waive_first(w, list, text, len, out);
    }

    if (list->style == DEBAR_EDIT_FLOW) {
        return DEBAR_DECLINED;
    }

    last = list->items[list->n - 1];

    if (last->type != DEBAR_EDIT_MAP || last->style == DEBAR_EDIT_FLOW
        || last->anchored)
    {
        return DEBAR_DECLINED;
    }

    for (from = last->start; from && text[from - 1] != '\n'; from--) {
        /* void */
    }

    at = from + strspn(text + from, " ");

    if (text[at] != '-') {
        return DEBAR_DECLINED;
    }

    from = at - from;             /* blanks before the dash */

    for (at = last->end; at < len && at && text[at - 1] != '\n'; at++) {
        /* void */
    }

    debar_buf_add(out, text, at);

    if (at && text[at - 1] != '\n') {
        debar_buf_printf(out, "\n");
    }

    debar_waive_yaml(w, out, (int) from, 0);
    debar_buf_add(out, text + at, len - at);

    return DEBAR_OK;
}


/* The waivers of a file that is there: a list, or nothing behind the key.
 * NULL: said already. */

static debar_edit_node_t *
debar_waive_list(const debar_waive_t *w, debar_edit_t *e)
{
    debar_edit_node_t  *list;

    list = debar_edit_get(debar_edit_root(e), "waivers");

    if (list == NULL || (list->type != DEBAR_EDIT_LIST && !list->null)) {
        debar_say("%s/" DEBAR_WAIVE_FILE " has no list \"waivers:\"; mend this "
                  "first", w->source);
        return NULL;
    }

    return list;
}


/* One line, by the edits that prove themselves; the text is in out. */

static int
debar_waive_line(const debar_waive_t *w, debar_edit_t *e,
    debar_edit_node_t *list, debar_buf_t *out, debar_fault_t *why)
{
    int          rc;
    debar_buf_t  yaml;

    memset(&yaml, 0, sizeof(yaml));
    debar_waive_yaml(w, &yaml, 0, 1);
    debar_buf_add(&yaml, "", 1);

    rc = debar_edit_append(e, list, yaml.data, NULL, why);
    debar_buf_free(&yaml);

    return rc == DEBAR_OK ? debar_edit_finish(e, out, why) : rc;
}


/* What was put there as text is the last waiver now, and the only new one. */

static int
debar_waive_proved(const debar_waive_t *w, const debar_buf_t *out, size_t n,
    debar_fault_t *why)
{
    int                 rc;
    size_t              at;
    debar_edit_t       *e;
    debar_edit_node_t  *list;

    e = debar_edit_open(out->data, out->len, why);

    if (e == NULL) {
        return DEBAR_ERROR;
    }

    list = debar_edit_get(debar_edit_root(e), "waivers");
    rc = list && list->type == DEBAR_EDIT_LIST && list->n == n + 1
         && debar_waive_find(list, w->values[DEBAR_WAIVE_ID][0], &at)
         && at == n ? DEBAR_OK : DEBAR_ERROR;

    if (rc != DEBAR_OK) {
        debar_fault(why, "no place for a waiver was found; put it there by "
                    "hand");
    }

    debar_edit_free(e);

    return rc;
}


static int
debar_waive_into(debar_waive_t *w, const debar_change_t *f, debar_buf_t *out)
{
    int                 rc;
    size_t              at;
    const char         *id = w->values[DEBAR_WAIVE_ID][0];
    debar_edit_t       *e;
    debar_fault_t       why;
    debar_edit_node_t  *list, *there;

    e = debar_edit_open(f->text.data ? f->text.data : "", f->text.len, &why);

    if (e == NULL) {
        return debar_say("%s/" DEBAR_WAIVE_FILE ": %s; mend this first",
                         w->source, why.text);
    }

    list = debar_waive_list(w, e);
    if (list == NULL) {
        debar_edit_free(e);
        return DEBAR_EXIT_FAILURE;
    }

    there = debar_waive_find(list, id, &at);

    if (there) {
        debar_say("%s/" DEBAR_WAIVE_FILE ":%u: waiver \"%s\" is there already: "
                  "choose another id, or take it out first: debar list unwaive "
                  "%s %s", w->source, there->line, id, w->source, id);
        debar_edit_free(e);
        return DEBAR_EXIT_FAILURE;
    }

    rc = debar_waive_block(w, list, f->text.data, f->text.len, out);

    if (rc == DEBAR_DECLINED && list->type != DEBAR_EDIT_LIST) {
        debar_edit_free(e);
        return debar_say("%s/" DEBAR_WAIVE_FILE ":%u: \"waivers:\" is nothing: "
                         "write \"waivers: []\", and try again", w->source,
                         list->line);
    }

    rc = rc == DEBAR_DECLINED ? debar_waive_line(w, e, list, out, &why)
         : debar_waive_proved(w, out, debar_waive_count(list), &why);

    debar_edit_free(e);

    if (rc != DEBAR_OK) {
        return debar_say("%s/" DEBAR_WAIVE_FILE ": %s", w->source, why.text);
    }

    return 0;
}


static int
debar_waive_put(debar_waive_t *w)
{
    int              rc;
    debar_buf_t      out;
    debar_change_t  *f;

    memset(&out, 0, sizeof(out));
    f = debar_changes_file(&w->changes, DEBAR_WAIVE_FILE, 1);

    if (f) {
        rc = debar_waive_into(w, f, &out);

        if (rc != 0) {
            debar_buf_free(&out);
            return rc;
        }

    } else {
        debar_buf_printf(&out, "waivers:\n");
        debar_waive_yaml(w, &out, 2, 0);
    }

    debar_changes_put(&w->changes, DEBAR_WAIVE_FILE, &out);

    return 0;
}


static int
debar_waive_unknown(const debar_waive_t *w, const debar_edit_node_t *list)
{
    size_t              i;
    debar_buf_t         known;
    debar_edit_node_t  *node;

    memset(&known, 0, sizeof(known));

    for (i = 0; i < debar_waive_count(list) && i < 8; i++) {
        node = list->items[i]->type == DEBAR_EDIT_MAP
               ? debar_edit_get(list->items[i], "id") : NULL;

        if (node && node->type == DEBAR_EDIT_SCALAR) {
            debar_buf_printf(&known, "%s%.64s", known.len ? ", " : "",
                             node->text);
        }
    }

    (void) debar_say("%s/" DEBAR_WAIVE_FILE " has no waiver \"%s\"; it has "
                     "%.*s%s", w->source, w->values[DEBAR_WAIVE_ID][0],
                     known.len ? (int) known.len : 4,
                     known.len ? known.data : "none",
                     debar_waive_count(list) > 8 ? ", ..." : "");
    debar_buf_free(&known);

    return DEBAR_EXIT_FAILURE;
}


static int
debar_waive_take(debar_waive_t *w)
{
    int                 rc;
    size_t              at;
    const char         *id = w->values[DEBAR_WAIVE_ID][0];
    debar_buf_t         out;
    debar_edit_t       *e;
    debar_fault_t       why;
    debar_change_t     *f;
    debar_edit_node_t  *list;

    f = debar_changes_file(&w->changes, DEBAR_WAIVE_FILE, 1);

    if (f == NULL) {
        return debar_say("%s has no waivers: there is no %s/" DEBAR_WAIVE_FILE,
                         w->source, w->source);
    }

    e = debar_edit_open(f->text.data ? f->text.data : "", f->text.len, &why);

    if (e == NULL) {
        return debar_say("%s/" DEBAR_WAIVE_FILE ": %s; mend this first",
                         w->source, why.text);
    }

    list = debar_waive_list(w, e);

    if (list == NULL) {
        debar_edit_free(e);
        return DEBAR_EXIT_FAILURE;
    }

    if (debar_waive_find(list, id, &at) == NULL) {
        rc = debar_waive_unknown(w, list);
        debar_edit_free(e);
        return rc;
    }

    memset(&out, 0, sizeof(out));
    rc = list->n > 1 ? debar_edit_remove(e, list, at, &why)
                     : debar_edit_replace(e, list, "[]", &why);

    if (rc == DEBAR_OK) {
        rc = debar_edit_finish(e, &out, &why);
    }

    debar_edit_free(e);

    if (rc != DEBAR_OK) {
        debar_buf_free(&out);
        return debar_say("%s/" DEBAR_WAIVE_FILE ": %s", w->source, why.text);
    }

    debar_changes_put(&w->changes, DEBAR_WAIVE_FILE, &out);

    return 0;
}


/* --- the commands --------------------------------------------------------- */

static void
debar_waive_told(const debar_waive_t *w, const char *did)
{
    FILE         *f;
    const char   *id = w->values[DEBAR_WAIVE_ID][0];
    debar_buf_t   b;

    if (w->json && !w->dry_run) {
        memset(&b, 0, sizeof(b));
        debar_buf_printf(&b, "{\"ok\":true");
        debar_json_text(&b, "file", DEBAR_WAIVE_FILE,
                        sizeof(DEBAR_WAIVE_FILE) - 1);
        debar_json_text(&b, "did", did, strlen(did));
        debar_json_text(&b, "id", id, strlen(id));
        debar_buf_printf(&b, "}\n");
        debar_flush(&b);

    } else if (!w->json && !w->quiet) {
        f = w->dry_run ? stderr : stdout;
        fprintf(f, DEBAR_WAIVE_FILE ": %s: ", did);
        debar_put(f, id, strlen(id));
        fputc('\n', f);
    }
}


static int
debar_waive_run(debar_waive_t *w, int (*edit)(debar_waive_t *w),
    const char *did)
{
    int  rc;

    if (debar_changes_open(&w->changes, w->source) != DEBAR_OK) {
        return DEBAR_EXIT_FAILURE;
    }

    rc = edit(w);

    if (rc == 0 && debar_changes_check(&w->changes, NULL, w->quiet || w->json)
                   != DEBAR_OK)
    {
        rc = DEBAR_EXIT_FAILURE;
    }

    if (rc == 0 && w->dry_run) {
        rc = debar_changes_diff(&w->changes);

    } else if (rc == 0 && debar_changes_write(&w->changes) != DEBAR_OK) {
        rc = DEBAR_EXIT_FAILURE;
    }

    if (rc == 0) {
        debar_waive_told(w, did);
    }

    debar_changes_free(&w->changes);

    return rc;
}


int
debar_list_waive(int argc, char **argv)
{
    int            rc;
    debar_waive_t  w;

    memset(&w, 0, sizeof(w));
    w.command = "debar list waive";

    rc = debar_waive_args(&w, debar_waive_help, argc, argv);

    return rc != -1 ? rc : debar_waive_run(&w, debar_waive_put, "waived");
}


int
debar_list_unwaive(int argc, char **argv)
{
    int            rc;
    debar_waive_t  w;

    memset(&w, 0, sizeof(w));
    w.command = "debar list unwaive";

    rc = debar_waive_args(&w, debar_unwaive_help, argc, argv);

    return rc != -1 ? rc : debar_waive_run(&w, debar_waive_take,
                                           "waiver taken out");
}
