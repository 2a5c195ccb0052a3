/*
 * debar list match: imported names that may be those of a vendor that people
 * keep.  It proposes; who accepts a link says so with --accept.
 */

#include <stdlib.h>

#include "list_import.h"


typedef struct {
    debar_str_t           id;
    debar_str_t           name;
    debar_similar_name_t  words;
} debar_match_vendor_t;

typedef struct {
    debar_match_vendor_t  *list;
    size_t                 n;
    debar_similar_t        similar;
    double                 min;
    unsigned               json;
    uint64_t               found;
} debar_match_t;


static int debar_match_accept(debar_into_t *into, debar_store_t *store,
    const char *link);
static int debar_match_propose(debar_match_t *m, debar_store_t *store,
    const char *against);
static void debar_match_name(void *data, debar_str_t vendor, debar_str_t name,
    debar_str_t key);


static const char  debar_match_help[] =
    "usage: debar list match SOURCE [--against ID] [--min SCORE] [--json]\n"
    "       debar list match SOURCE --accept RECORD=ID\n"
    "\n"
    "Compares imported names with those of vendors that people keep, and prints\n"
    "which may be the same, with how alike they are (Jaro-Winkler over\n"
    "transliterated words without legal forms).  It changes nothing.\n"
    "\n"
    "      --against ID        this vendor only\n"
    "      --min SCORE         at least that alike, 0.5 to 1; default 0.90\n"
    "      --accept RECORD=ID  the names of that record (sam:S4MR) go to the\n"
    "                          vendor, with their source, now and when they are\n"
    "                          imported again\n"
    "      --json              one JSON object a line\n"
    "  -h, --help              this text\n"
    "\n"
    "Exit: 0 done, 1 not, 2 usage.\n";


int
debar_list_match(int argc, char **argv)
{
    int                         c, rc;
    char                       *end;
    const char                 *against, *accept;
    debar_into_t                into;
    debar_match_t               m;
    debar_fault_t               why;
    debar_store_t              *store;
    static const char           command[] = "debar list match";
    static const struct option  options[] = {
        { "against", required_argument, NULL, 'v' },
        { "min",     required_argument, NULL, 'm' },
        { "accept",  required_argument, NULL, 'a' },
        { "json",    no_argument,       NULL, 'j' },
        { "help",    no_argument,       NULL, 'h' },
        { NULL, 0, NULL, 0 }
    };

    memset(&m, 0, sizeof(m));
    m.min = 0.90;
    against = NULL;
    accept = NULL;
    opterr = 0;

    while ((c = getopt_long(argc, argv, ":h", options, NULL)) != -1) {

        switch (c) {
        case 'v':
            against = optarg;
            break;
        case 'm':
            m.min = strtod(optarg, &end);
            if (*end || !(m.min >= 0.5 && m.min <= 1)) {
                return debar_usage(command, "--min is a number from 0.5 to 1, "
                                   "not \"%s\"", optarg);
            }
            break;
        case 'a':
            accept = optarg;
            break;
        case 'j':
            m.json = 1;
            break;
        case 'h':
            fputs(debar_match_help, stdout);
            return 0;
        default:
            return debar_bad_option(command, c, argv);
        }
    }

    if (argc - optind != 1) {
        return debar_usage(command, "name the source of the list");
    }

    if (debar_into_open(&into, argv[optind], NULL) != DEBAR_OK) {
        debar_into_close(&into);
        return DEBAR_EXIT_FAILURE;
    }

    store = debar_store_new(DEBAR_IMPORT_CSV, "",
                            (int64_t) time(NULL));
    rc = debar_into_scan(&into, store, 0);
    debar_progress_end();

    if (rc == DEBAR_OK && accept) {
        rc = debar_match_accept(&into, store, accept);

    } else if (rc == DEBAR_OK) {
        rc = debar_store_finish(store, &why);

        if (rc == DEBAR_OK) {
            rc = debar_match_propose(&m, store, against);
        } else {
            debar_say("%s", why.text);
        }
    }

    debar_store_free(store);
    debar_into_close(&into);

    return rc == DEBAR_OK ? 0 : DEBAR_EXIT_FAILURE;
}


static int
debar_match_accept(debar_into_t *into, debar_store_t *store, const char *link)
{
    char           record[128];
    uint64_t       created, changed, gone;
    const char    *eq;
    debar_fault_t  why;

    eq = strrchr(link, '=');

    if (eq == NULL || eq == link || (size_t) (eq - link) >= sizeof(record)) {
        debar_say("--accept: \"%s\" is no RECORD=ID, as in sam:S4MR=acme",
                  link);
        return DEBAR_ERROR;
    }

    snprintf(record, sizeof(record), "%.*s", (int) (eq - link), link);
    created = 0;
    changed = 0;
    gone = 0;

    if (debar_store_link(store, record, eq + 1, &why) != DEBAR_OK
        || debar_store_finish(store, &why) != DEBAR_OK)
    {
        debar_say("%s: %s", into->path, why.text);
        return DEBAR_ERROR;
    }

    if (debar_into_write(into, store, 0, 0, &created, &changed, &gone)
        != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    printf("%s stands in %s now: %llu changed, %llu gone\n", record, eq + 1,
           (unsigned long long) changed, (unsigned long long) gone);

    return DEBAR_OK;
}


static int
debar_match_propose(debar_match_t *m, debar_store_t *store,
    const char *against)
{
    size_t                 i, n;
    debar_fault_t          why;
    debar_store_vendor_t   v;
    debar_match_vendor_t  *to;

    if (debar_similar_open(&m->similar, &why) != DEBAR_OK) {
        debar_say("%s", why.text);
        return DEBAR_ERROR;
    }

    n = debar_store_vendors(store);
    m->list = calloc(n + 1, sizeof(debar_match_vendor_t));
    if (m->list == NULL) {
        abort();
    }

    for (i = 0; i < n; i++) {
        debar_store_vendor(store, i, &v);

        if (against ? v.id.len != strlen(against)
                      || memcmp(v.id.data, against, v.id.len) != 0
                    : v.made || !v.exists)
        {
            continue;
        }

        to = &m->list[m->n++];
        to->id = v.id;
        to->name = v.name;
        debar_similar_name(&m->similar, &to->words, v.name.data, v.name.len);
    }

    if (m->n == 0 && against) {
        debar_say("there is no vendor with the id \"%s\" in vendors/", against);
    } else {
        debar_store_names(store, debar_match_name, m);
    }

    if (m->n && m->found == 0 && !m->json) {
        printf("no imported name is %.2f alike or more to one of %zu vendors\n",
               m->min, m->n);
    }

    free(m->list);
    debar_similar_close(&m->similar);

    return m->n == 0 && against ? DEBAR_ERROR : DEBAR_OK;
}


static void
debar_match_name(void *data, debar_str_t vendor, debar_str_t name,
    debar_str_t key)
{
    char                   record[160], *space;
    double                 score;
    size_t                 i;
    debar_buf_t            b;
    debar_match_t         *m = data;
    debar_similar_name_t   words;
    debar_match_vendor_t  *to;

    snprintf(record, sizeof(record), "%.*s", (int) key.len, key.data);
    space = strchr(record, ' ');

    if (space) {
        *space = ':';
    }

    debar_similar_name(&m->similar, &words, name.data, name.len);

    for (i = 0; i < m->n; i++) {
        to = &m->list[i];

        if (to->id.len == vendor.len
            && memcmp(to->id.data, vendor.data, vendor.len) == 0)
        {
            continue;
        }

        score = debar_similar(&words, &to->words, m->min);

        if (score < m->min) {
            continue;
        }

        m->found++;

        if (m->json) {
            memset(&b, 0, sizeof(b));
            debar_buf_printf(&b, "{\"score\":%.4f", score);
            debar_json_text(&b, "record", record, strlen(record));
            debar_json_text(&b, "name", name.data, name.len);
            debar_json_text(&b, "vendor", to->id.data, to->id.len);
            debar_json_text(&b, "vendor_name", to->name.data, to->name.len);
            debar_json_text(&b, "words", words.text, words.len);
            debar_json_text(&b, "vendor_words", to->words.text, to->words.len);
            debar_buf_printf(&b, "}\n");
            debar_flush(&b);
            continue;
        }

        printf("%.4f  ", score);
        debar_put(stdout, name.data, name.len);
        printf("  may be  ");
        debar_put(stdout, to->name.data, to->name.len);
        printf("\n        compared \"%.*s\" with \"%.*s\"; to accept: --accept "
               "%s=%.*s\n", (int) words.len, words.text, (int) to->words.len,
               to->words.text, record, (int) to->id.len, to->id.data);
    }
}
