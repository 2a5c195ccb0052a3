/*
 * debar list import: rows of lists that offices publish, into a source.
 */

#define PCRE2_CODE_UNIT_WIDTH 8

#include <errno.h>
#include <pcre2.h>
#include <stdlib.h>
#include <unistd.h>

#include "list_import.h"


#define DEBAR_SHOWN_FAULTS  50

typedef struct {
    const char             *into;
    const char             *authority;
    const char             *vendor;
    debar_import_filter_t   filter;
    debar_import_maps_t     maps;
    unsigned                mapped;
    pcre2_code             *name;
    pcre2_match_data       *match;
    unsigned                dry;
    unsigned                json;
    unsigned                quiet;
    unsigned                kind;
} debar_import_args_t;

typedef struct {
    uint64_t  rows;
    uint64_t  taken;
    uint64_t  values;
    uint64_t  passed;
    uint64_t  over;
    uint64_t  aside;
    uint64_t  product_rules;
    uint64_t  malformed;
    uint64_t  created;
    uint64_t  changed;
    uint64_t  gone;
} debar_import_counts_t;

typedef struct {
    debar_import_args_t    *args;
    debar_import_counts_t   n;
    debar_store_t          *store;
    debar_into_t            into;
    debar_input_t          *input;        /* that is being read */
} debar_import_run_t;


static int debar_import_args(debar_import_args_t *a, int argc, char **argv);
static int debar_import_option(debar_import_args_t *a, int c);
static int debar_import_classes(debar_import_args_t *a, const char *text);
static int debar_import_name(debar_import_args_t *a, const char *text);
static int debar_import_files(debar_import_run_t *run, debar_input_t *inputs,
    size_t n);
static int debar_import_row(void *data, const debar_import_row_t *row);
static int debar_import_wanted(debar_import_run_t *run,
    const debar_import_row_t *row);
static void debar_import_aside(void *data, const debar_import_row_t *row,
    const debar_import_value_t *value, const char *why);
static void debar_import_fault(void *data, unsigned line, unsigned col,
    const char *text, debar_str_t raw);
static void debar_import_offset(void *data, size_t offset);
static int debar_import_write(debar_import_run_t *run);
static void debar_import_said(debar_import_run_t *run, double took);


static const char  debar_import_help[] =
    "usage: debar list import sam|csl|sdn|csv|gsa FILE... --into SOURCE\n"
    "                         --authority ID [options]\n"
    "\n"
    "Puts rows of a published list into vendors/ of a source, each with where it\n"
    "is from.  Imported again, they are updated; what people wrote stays.\n"
    "\n"
    "  sam   SAM.gov Public Exclusions Extract, V1 or V2: the ZIP or the CSV\n"
    "  csl   Consolidated Screening List: CSV, TSV, JSON of the file or the API\n"
    "  sdn   OFAC: sdn.csv, and with it alt.csv, add.csv, sdn_comments.csv\n"
    "  csv   any CSV, by --map \"Vendor=name,Website=host,Part=part-number\"\n"
    "  gsa   contract removals: contract, contractor, SIN, manufacturer, part\n"
    "        number, removal date; only the part numbers are listed\n"
    "\n"
    "      --into SOURCE       the folder with list.yaml\n"
    "      --authority ID,...  of list.yaml: why these vendors are listed\n"
    "      --map COLUMN=KIND,...  what columns are: name, alias, host, url,\n"
    "                          network, part-number, gtin, uei, cage, file,\n"
    "                          sha256, signer, organization, id, class, list,\n"
    "                          program, agency, active, ends\n"
    "      --vendor ID         all rows are of this one vendor\n"
    "      --name REGEX        rows with such a name only (PCRE2, caseless)\n"
    "      --program TEXT      rows with that in their program only\n"
    "      --since DATE        active on that day or later (YYYY-MM-DD)\n"
    "      --until DATE        active on that day or earlier\n"
    "      --classification C,...  firm, special, individual, vessel, aircraft;\n"
    "                          default firm,special\n"
    "      --individuals       people, too\n"
    "      --on DATE           as of that day instead of today\n"
    "  -n, --dry-run           read everything, write nothing\n"
    "      --json              say the outcome as one JSON object on stdout\n"
    "  -q, --quiet             say nothing but errors\n"
    "  -h, --help              this text\n"
    "\n"
    "Malformed rows are printed as FILE:LINE:COL: message and kept in\n"
    "imports/malformed.csv; rows that a person must look at (a prohibition of\n"
    "products, people, values that a list cannot have) in imports/aside.csv.\n"
    "\n"
    "Exit: 0 imported, 1 not (nothing was changed), 2 usage.\n";


int
debar_list_import(int argc, char **argv)
{
    int                   rc;
    size_t                n;
    double                took;
    debar_input_t         inputs[DEBAR_MAX_INPUTS];
    struct timespec       from, to;
    debar_import_run_t   *run;
    debar_import_args_t   a;

    rc = debar_import_args(&a, argc, argv);
    if (rc != -1) {
        return rc;
    }

    run = calloc(1, sizeof(debar_import_run_t));
    if (run == NULL) {
        abort();
    }

    clock_gettime(CLOCK_MONOTONIC, &from);

    run->args = &a;
    n = (size_t) (argc - optind - 1);
    memset(inputs, 0, sizeof(inputs));
    rc = DEBAR_ERROR;

    if (debar_into_open(&run->into, a.into, a.authority) == DEBAR_OK) {
        run->store = debar_store_new(a.kind, run->into.authorities,
                                     (int64_t) time(NULL));

        if (debar_into_scan(&run->into, run->store, a.quiet) == DEBAR_OK
            && debar_inputs_open(inputs, argv + optind + 1, n) == DEBAR_OK
            && debar_import_files(run, inputs, n) == DEBAR_OK)
        {
            rc = debar_import_write(run);
        }

        debar_store_free(run->store);
    }

    debar_progress_end();
    debar_inputs_close(inputs, n);
    debar_into_close(&run->into);

    if (rc == DEBAR_OK) {
        clock_gettime(CLOCK_MONOTONIC, &to);
        took = (double) (to.tv_sec - from.tv_sec)
               + (double) (to.tv_nsec - from.tv_nsec) / 1e9;
        debar_import_said(run, took);
    }

    pcre2_code_free(a.name);
    pcre2_match_data_free(a.match);
    free(run);

    return rc == DEBAR_OK ? 0 : DEBAR_EXIT_FAILURE;
}


static int
debar_import_args(debar_import_args_t *a, int argc, char **argv)
{
    int                         c, kind;
    static const char           command[] = "debar list import";
    static const struct option  options[] = {
        { "into",           required_argument, NULL, 'i' },
        { "authority",      required_argument, NULL, 'a' },
        { "map",            required_argument, NULL, 'm' },
        { "vendor",         required_argument, NULL, 'v' },
        { "name",           required_argument, NULL, 'N' },
        { "program",        required_argument, NULL, 'p' },
        { "since",          required_argument, NULL, 's' },
        { "until",          required_argument, NULL, 'u' },
        { "classification", required_argument, NULL, 'c' },
        { "individuals",    no_argument,       NULL, 'I' },
        { "on",             required_argument, NULL, 'o' },
        { "dry-run",        no_argument,       NULL, 'n' },
        { "json",           no_argument,       NULL, 'j' },
        { "quiet",          no_argument,       NULL, 'q' },
        { "help",           no_argument,       NULL, 'h' },
        { NULL, 0, NULL, 0 }
    };

    memset(a, 0, sizeof(*a));
    a->filter.classes = (1u << DEBAR_IMPORT_FIRM)
                        | (1u << DEBAR_IMPORT_SPECIAL);
    debar_today(a->filter.today);
    opterr = 0;

    while ((c = getopt_long(argc, argv, ":nqh", options, NULL)) != -1) {

        if (c == 'h') {
            fputs(debar_import_help, stdout);
            return 0;
        }

        if (c == '?' || c == ':') {
            return debar_bad_option(command, c, argv);
        }

        c = debar_import_option(a, c);
        if (c) {
            return c;
        }
    }

    if (optind == argc) {
        return debar_usage(command, "name the kind of list: sam, csl, sdn, csv "
                           "or gsa");
    }

    kind = debar_import_kind_by_name(argv[optind]);

    if (kind == -1) {
        return debar_usage(command, "\"%s\" is no kind of list: sam, csl, sdn, "
                           "csv or gsa", argv[optind]);
    }

    a->kind = (unsigned) kind;

    if (optind + 1 == argc) {
        return debar_usage(command, "name the FILE to import");
    }

    if (argc - optind - 1 > DEBAR_MAX_INPUTS
        || (argc - optind - 1 > 1 && a->kind != DEBAR_IMPORT_SDN))
    {
        return debar_usage(command, "one file at a time (sdn: up to %d)",
                           DEBAR_MAX_INPUTS);
    }

    if (a->into == NULL) {
        return debar_usage(command, "--into SOURCE is missing: the folder with "
                           "list.yaml");
    }

    if (a->authority == NULL) {
        return debar_usage(command, "--authority ID is missing: why they are "
                           "listed, one of those in list.yaml");
    }

    if (a->kind == DEBAR_IMPORT_CSV && !a->mapped) {
        return debar_usage(command, "--map says what the columns are, as in "
                           "--map \"Vendor=name,Website=host\"");
    }

    if (a->mapped && a->kind != DEBAR_IMPORT_CSV
        && a->kind != DEBAR_IMPORT_GSA)
    {
        return debar_usage(command, "--map belongs to csv and gsa");
    }

    a->maps.nameless = a->vendor != NULL;
    a->filter.nameless = a->vendor != NULL;

    return -1;
}


static int
debar_import_option(debar_import_args_t *a, int c)
{
    char           *day;
    debar_fault_t   why;

    switch (c) {
    case 'i':
        a->into = optarg;
        return 0;
    case 'a':
        a->authority = optarg;
        return 0;
    case 'm':
        a->mapped = 1;
        return debar_import_maps(&a->maps, optarg, &why) == DEBAR_OK ? 0
               : debar_usage("debar list import", "%s", why.text);
    case 'v':
        a->vendor = optarg;
        return debar_is_id(optarg) ? 0
               : debar_usage("debar list import", "--vendor: \"%s\" is no id: "
                             "letters, digits, \".\", \"_\", \"-\"", optarg);
    case 'N':
        return debar_import_name(a, optarg);
    case 'p':
        a->filter.program = debar_str(optarg, strlen(optarg));
        return 0;
    case 'c':
        return debar_import_classes(a, optarg);
    case 'I':
        a->filter.classes |= 1u << DEBAR_IMPORT_INDIVIDUAL;
        return 0;
    case 'n':
        a->dry = 1;
        return 0;
    case 'j':
        a->json = 1;
        return 0;
    case 'q':
        a->quiet = 1;
        return 0;
    default:
        break;
    }

    day = c == 's' ? a->filter.since : c == 'u' ? a->filter.until
                                                : a->filter.today;

    if (debar_import_date(day, optarg, strlen(optarg)) != DEBAR_OK || !day[0]) {
        return debar_usage("debar list import", "\"%s\" is no date: YYYY-MM-DD",
                           optarg);
    }

    return 0;
}


static int
debar_import_classes(debar_import_args_t *a, const char *text)
{
    int          n;
    const char  *p, *end;

    a->filter.classes = 0;

    for (p = text; *p; p = *end ? end + 1 : end) {
        end = strchr(p, ',');
        end = end ? end : p + strlen(p);
        n = debar_import_class_by_name(p, (size_t) (end - p));

        if (n == -1) {
            return debar_usage("debar list import", "--classification: \"%.*s\""
                               " is none of firm, special, individual, vessel, "
                               "aircraft", (int) (end - p), p);
        }

        a->filter.classes |= 1u << n;
    }

    return 0;
}


static int
debar_import_name(debar_import_args_t *a, const char *text)
{
    int         code;
    char        message[120];
    PCRE2_SIZE  at;

    pcre2_code_free(a->name);
    pcre2_match_data_free(a->match);

    a->match = NULL;
    a->name = pcre2_compile((PCRE2_SPTR) text, PCRE2_ZERO_TERMINATED,
                            PCRE2_CASELESS|PCRE2_UTF|PCRE2_UCP, &code, &at,
                            NULL);
    if (a->name == NULL) {
        pcre2_get_error_message(code, (PCRE2_UCHAR *) message, sizeof(message));
        return debar_usage("debar list import", "--name: %s, at character %zu",
                           message, at + 1);
    }

    (void) pcre2_jit_compile(a->name, PCRE2_JIT_COMPLETE);
    a->match = pcre2_match_data_create_from_pattern(a->name, NULL);

    return 0;
}


static int
debar_import_files(debar_import_run_t *run, debar_input_t *inputs, size_t n)
{
    int                   rc;
    size_t                i, current;
    debar_fault_t         why;
    debar_import_args_t  *a;
    debar_import_sink_t   sink;
    debar_import_file_t   files[DEBAR_MAX_INPUTS];

    a = run->args;
    sink.data = run;
    sink.row = debar_import_row;
    sink.fault = debar_import_fault;
    sink.progress = a->quiet ? NULL : debar_import_offset;

    for (i = 0; i < n; i++) {
        memcpy(inputs[i].origin.today, a->filter.today, 12);
        files[i].data = inputs[i].data;
        files[i].len = inputs[i].len;
        run->into.files[i] = &inputs[i];
    }

    run->into.nfiles = n;
    run->into.kind = debar_import_kind_names[a->kind];
    current = 0;
    run->input = inputs;

    if (a->kind == DEBAR_IMPORT_SDN) {

        /* which of them is read is known only when it is */

        run->input = NULL;
        run->into.current = &current;
        rc = debar_import_sdn(files, n, &sink, &current, &why);

    } else if (a->kind == DEBAR_IMPORT_CSL
               && debar_input_is_json(&inputs[0]))
    {
        rc = debar_import_json(files[0].data, files[0].len, &sink, &why);

    } else {
        rc = debar_import_read(a->kind, files[0].data, files[0].len,
                               a->mapped || a->vendor ? &a->maps : NULL, &sink,
                               &why);
    }

    debar_progress_end();

    if (rc != DEBAR_OK) {
        debar_say("%s: %s", inputs[current].path, why.text);
        return DEBAR_ERROR;
    }

    if (run->n.malformed > DEBAR_SHOWN_FAULTS && !a->json) {
        debar_say("%llu more malformed rows: see imports/malformed.csv",
                  (unsigned long long) run->n.malformed - DEBAR_SHOWN_FAULTS);
    }

    return DEBAR_OK;
}


static int
debar_import_row(void *data, const debar_import_row_t *row)
{
    size_t               n;
    debar_fault_t        why;
    debar_import_run_t  *run = data;
    debar_input_t       *in;

    in = run->input ? run->input : run->into.files[*run->into.current];
    run->n.rows++;

    if (!debar_import_wanted(run, row)) {
        run->n.passed++;
        return DEBAR_OK;
    }

    switch (debar_import_judge(row, &run->args->filter, &why)) {

    case DEBAR_IMPORT_PASS:
        run->n.passed++;
        break;

    case DEBAR_IMPORT_OVER:
        run->n.over++;
        (void) debar_store_over(run->store, row);
        debar_into_seen(&run->into, row);
        break;

    case DEBAR_IMPORT_ASIDE:
        run->n.aside++;
        run->n.product_rules += row->product_rule;
        (void) debar_store_over(run->store, row);
        debar_into_seen(&run->into, row);
        debar_into_aside(&run->into, in, row, debar_str("", 0), why.text);
        break;

    default:
        debar_into_seen(&run->into, row);
        n = debar_store_add(run->store, row, &in->origin, run->args->vendor,
                            debar_import_aside, run);
        run->n.values += n;
        run->n.taken += n != 0;
        run->n.aside += n == 0;
    }

    return DEBAR_OK;
}


/* --name: any of the names of the row */

static int
debar_import_wanted(debar_import_run_t *run, const debar_import_row_t *row)
{
    size_t                i;
    const debar_str_t    *s;
    debar_import_args_t  *a;

    a = run->args;

    if (a->name == NULL) {
        return 1;
    }

    for (i = 0; i <= row->n; i++) {
        s = i < row->n ? &row->values[i].text : &row->name;

        if (i < row->n && strcmp(row->values[i].list, "names") != 0) {
            continue;
        }

        if (s->len
            && pcre2_match(a->name, (PCRE2_SPTR) s->data, s->len, 0, 0,
                           a->match, NULL) >= 0)
        {
            return 1;
        }
    }

    return 0;
}


static void
debar_import_aside(void *data, const debar_import_row_t *row,
    const debar_import_value_t *value, const char *why)
{
    debar_import_run_t  *run = data;

    debar_into_aside(&run->into, run->input ? run->input
                                 : run->into.files[*run->into.current],
                     row, value->text, why);
}


static void
debar_import_fault(void *data, unsigned line, unsigned col, const char *text,
    debar_str_t raw)
{
    debar_input_t       *in;
    debar_import_run_t  *run = data;

    in = run->input ? run->input : run->into.files[*run->into.current];
    run->n.malformed++;

    debar_into_malformed(&run->into, in, line, col, text, raw);

    if (run->n.malformed <= DEBAR_SHOWN_FAULTS) {
        debar_progress_end();
        debar_put(stderr, in->path, strlen(in->path));
        fprintf(stderr, ":%u:%u: ", line, col);
        debar_put(stderr, text, strlen(text));
        fputc('\n', stderr);
    }
}


static void
debar_import_offset(void *data, size_t offset)
{
    debar_input_t       *in;
    debar_import_run_t  *run = data;
    char                 what[200];

    in = run->input ? run->input : run->into.files[*run->into.current];
    snprintf(what, sizeof(what), "%s: %u%%, rows", in->origin.file,
             (unsigned) (offset * 100 / (in->len ? in->len : 1)));
    debar_progress(NULL, what, run->n.rows + run->n.malformed);
}


static int
debar_import_write(debar_import_run_t *run)
{
    debar_fault_t  why;

    if (debar_store_finish(run->store, &why) != DEBAR_OK) {
        debar_say("%s", why.text);
        return DEBAR_ERROR;
    }

    return debar_into_write(&run->into, run->store, run->args->dry,
                            run->args->quiet, &run->n.created,
                            &run->n.changed, &run->n.gone);
}


static void
debar_import_said(debar_import_run_t *run, double took)
{
    size_t                        i;
    debar_buf_t                   b;
    const debar_import_counts_t  *n;

    n = &run->n;

    if (run->args->quiet && !run->args->json) {
        return;
    }

    if (run->args->json) {
        const struct { const char *name; uint64_t n; }  members[] = {
            { "rows", n->rows }, { "taken", n->taken },
            { "values", n->values }, { "passed", n->passed },
            { "over", n->over }, { "aside", n->aside },
            { "product_rules", n->product_rules },
            { "malformed", n->malformed },
            { "vendors_new", n->created }, { "vendors_changed", n->changed },
            { "vendors_gone", n->gone },
            { "took_ms", (uint64_t) (took * 1000) }
        };

        memset(&b, 0, sizeof(b));
        debar_buf_printf(&b, "{\"ok\":true,\"dry_run\":%s",
                         run->args->dry ? "true" : "false");
        debar_json_text(&b, "kind", run->into.kind, strlen(run->into.kind));

        for (i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
            debar_json_number(&b, members[i].name, members[i].n);
        }

        debar_buf_printf(&b, "}\n");
        debar_flush(&b);
        return;
    }

    printf("%s%llu rows: %llu taken (%llu values), %llu kept aside, %llu over, "
           "%llu not asked for, %llu malformed\n",
           run->args->dry ? "nothing was written; " : "",
           (unsigned long long) (n->rows + n->malformed),
           (unsigned long long) n->taken, (unsigned long long) n->values,
           (unsigned long long) n->aside, (unsigned long long) n->over,
           (unsigned long long) n->passed, (unsigned long long) n->malformed);
    printf("vendors: %llu new, %llu changed, %llu gone, in %.2f s\n",
           (unsigned long long) n->created, (unsigned long long) n->changed,
           (unsigned long long) n->gone, took);

    if (n->product_rules) {
        printf("%llu prohibit%s products, not the firm: they need product "
               "rules; see %s/imports/aside.csv\n",
               (unsigned long long) n->product_rules,
               n->product_rules == 1 ? "s" : "", run->args->into);

    } else if (n->aside) {
        printf("what was kept aside, and why: %s/imports/aside.csv\n",
               run->args->into);
    }
}
