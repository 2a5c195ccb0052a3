/*
 * debar list: from reviewed source to a snapshot, or to its errors.
 */

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools.h"


typedef struct {
    const char  *source;
    const char  *output;
    unsigned     replace;
    unsigned     json;
    unsigned     quiet;
} debar_list_args_t;


static int debar_list_build(int argc, char **argv);
static int debar_list_check(int argc, char **argv);
static int debar_list_check_source(const debar_list_args_t *a);
static int debar_list_check_snapshot(const debar_list_args_t *a,
    const struct stat *st);
static void debar_list_json(debar_buf_t *b, const char *path, uint64_t serial,
    const char *digest, uint64_t rows, uint64_t bytes);
static const char *debar_list_size(uint64_t bytes, char *out, size_t size);
static const char *debar_list_day(int64_t t, char *out, size_t size);


static const char  debar_list_help[] =
    "usage: debar list build SOURCE -o FILE.mdb [--replace] [--json] [--quiet]\n"
    "       debar list check SOURCE | FILE.mdb [--json]\n"
    "\n"
    "A source is a folder with list.yaml and vendors/.  Its errors are printed\n"
    "as FILE:LINE:COL: message, all of them in one run.\n";

static const char  debar_build_help[] =
    "usage: debar list build SOURCE -o FILE.mdb [options]\n"
    "\n"
    "Builds the snapshot of a source aside, verifies it and puts it in place by\n"
    "one rename: gateways that use FILE.mdb take it up by themselves.  With any\n"
    "error in the source the old file stays as it is.\n"
    "\n"
    "  -o, --output FILE.mdb  where the snapshot goes\n"
    "      --replace          take a serial that is not above the last one\n"
    "      --json             say the outcome as one JSON object on stdout\n"
    "  -q, --quiet            say nothing but errors\n"
    "  -h, --help             this text\n"
    "\n"
    "Exit: 0 built, 1 not built (stderr says why), 2 usage.\n";

static const char  debar_list_check_help[] =
    "usage: debar list check SOURCE | FILE.mdb [--json]\n"
    "\n"
    "Of a source: prints every error as FILE:LINE:COL: message.\n"
    "Of a snapshot: reads every row, compares the digest, prints what it is.\n"
    "\n"
    "      --json             say the outcome as one JSON object on stdout\n"
    "  -q, --quiet            say nothing but errors\n"
    "  -h, --help             this text\n"
    "\n"
    "Exit: 0 without error, 1 with errors, 2 usage.\n";


static const debar_command_t  debar_list_commands[] = {
    { "build", debar_list_build, "make a snapshot from a source" },
    { "check", debar_list_check, "find the errors of a source or snapshot" },
    { "preview", debar_list_preview,
      "replay recorded traffic through a list not yet in force" },
    { "diff", debar_list_diff, "say what differs between two lists" },
    { "match", debar_list_match, "propose who imported names may be" },
    { "import", debar_list_import, "put rows of a published list into a source" },
    { "propose", debar_list_propose, "write what approvers sign of a snapshot" },
    { "approve", debar_list_approve, "see what a list changes, and sign it" },
    { "add", debar_list_add, "put values to a source" },
    { "remove", debar_list_remove, "take values out of a source" },
    { "set", debar_list_set, "change a value: serial, expires, name, ..." },
    { "due", debar_list_due, "what begins, changes and ends, by day" },
    { "waive", debar_list_waive, "let someone through until a day" },
    { "unwaive", debar_list_unwaive, "take a waiver back" },
    { "publish", debar_list_publish, "put an approved list where it is fetched" },
    { "rollback", debar_list_rollback, "an old list with a new serial" },
    { "sync", debar_list_sync, "fetch the list that is published" },
    { "export", debar_list_export, "write it for DNS, proxies, firewalls" },
    { "format", debar_list_format, "bring a source into its canonical form" },
    { "schema", debar_list_schema, "print a JSON Schema, for editors" },
    { "csv", debar_list_csv, "sheets for a spreadsheet, and back" },
    { NULL, NULL, NULL }
};


int
debar_list_command(int argc, char **argv)
{
    return debar_dispatch("debar list", debar_list_help, debar_list_commands,
                          argc, argv);
}


/* -1: go on; else the exit code. */

static int
debar_list_args(debar_list_args_t *a, const char *command, const char *help,
    int argc, char **argv)
{
    int                         c, building;
    static const struct option  options[] = {
        { "output",  required_argument, NULL, 'o' },
        { "replace", no_argument,       NULL, 'R' },
        { "json",    no_argument,       NULL, 'j' },
        { "quiet",   no_argument,       NULL, 'q' },
        { "help",    no_argument,       NULL, 'h' },
        { NULL, 0, NULL, 0 }
    };

    memset(a, 0, sizeof(*a));
    building = help == debar_build_help;
    opterr = 0;

    while ((c = getopt_long(argc, argv, ":o:qh", options, NULL)) != -1) {

        switch (c) {
        case 'o':
            a->output = optarg;
            break;
        case 'R':
            a->replace = 1;
            break;
        case 'j':
            a->json = 1;
            break;
        case 'q':
            a->quiet = 1;
            break;
        case 'h':
            fputs(help, stdout);
            return 0;
        default:
            return debar_bad_option(command, c, argv);
        }
    }

    if (argc - optind != 1) {
        return debar_usage(command, argc == optind
                           ? "name the source of the list"
                           : "one source at a time");
    }

    if (building && a->output == NULL) {
        return debar_usage(command, "-o FILE.mdb is missing");
    }

    if (!building && (a->output || a->replace)) {
        return debar_usage(command, "-o and --replace belong to list build");
    }

    a->source = argv[optind];

    return -1;
}


static int
debar_list_build(int argc, char **argv)
{
    int                 rc;
    char                size[32];
    double              took;
    debar_buf_t         json, ends;
    debar_fault_t       fault;
    debar_source_t      src;
    struct timespec     from, to;
    debar_list_args_t   a;
    debar_build_info_t  info;
    debar_build_opts_t  opts;

    rc = debar_list_args(&a, "debar list build", debar_build_help, argc, argv);
    if (rc != -1) {
        return rc;
    }

    memset(&json, 0, sizeof(json));
    clock_gettime(CLOCK_MONOTONIC, &from);

    if (debar_read_source(&src, a.source, a.quiet, a.json ? &json : NULL)
        != DEBAR_OK)
    {
        debar_flush(&json);
        return DEBAR_EXIT_FAILURE;
    }

    memset(&opts, 0, sizeof(opts));
    opts.replace = a.replace;
    opts.verify = 1;
    opts.progress = a.quiet ? NULL : debar_progress;

    rc = debar_snapshot_build(&src, a.output, &opts, &info, &fault);

    debar_progress_end();

    memset(&ends, 0, sizeof(ends));
    (void) debar_due_line_source(&ends, &src);
    debar_source_free(&src);

    if (rc != DEBAR_OK) {
        debar_buf_free(&ends);

        if (a.json) {
            debar_buf_printf(&json, "{\"ok\":false");
            debar_json_text(&json, "error", fault.text, strlen(fault.text));
            debar_buf_printf(&json, "}\n");
            debar_flush(&json);
        }

        return debar_say("%s", fault.text);
    }

    clock_gettime(CLOCK_MONOTONIC, &to);
    took = (double) (to.tv_sec - from.tv_sec)
           + (double) (to.tv_nsec - from.tv_nsec) / 1e9;

    if (a.json) {
        debar_list_json(&json, a.output, info.serial, info.digest, info.rows,
                        info.bytes);
        debar_json_number(&json, "took_ms", (uint64_t) (took * 1000));
        debar_json_text(&json, "ends_soon", ends.data, ends.len);
        debar_buf_printf(&json, "}\n");
        debar_flush(&json);

    } else if (!a.quiet) {
        printf("%s: serial %llu, %llu rows, %s, built in %.2f s\n"
               "digest %s\n", a.output, (unsigned long long) info.serial,
               (unsigned long long) info.rows,
               debar_list_size(info.bytes, size, sizeof(size)), took,
               info.digest);
        debar_due_say(&ends, a.output);
    }

    debar_buf_free(&ends);

    return 0;
}


static int
debar_list_check(int argc, char **argv)
{
    int                rc;
    struct stat        st;
    debar_list_args_t  a;

    rc = debar_list_args(&a, "debar list check", debar_list_check_help, argc,
                         argv);
    if (rc != -1) {
        return rc;
    }

    if (stat(a.source, &st) != 0) {
        return debar_say("%s: %s", a.source, strerror(errno));
    }

    return S_ISDIR(st.st_mode) ? debar_list_check_source(&a)
                               : debar_list_check_snapshot(&a, &st);
}


static int
debar_list_check_source(const debar_list_args_t *a)
{
    int             rc;
    debar_buf_t     json, ends;
    debar_source_t  src;

    memset(&json, 0, sizeof(json));
    memset(&ends, 0, sizeof(ends));

    rc = debar_read_source(&src, a->source, a->quiet, a->json ? &json : NULL);

    if (rc != DEBAR_OK) {
        debar_flush(&json);
        return DEBAR_EXIT_FAILURE;
    }

    (void) debar_due_line_source(&ends, &src);

    if (a->json) {
        debar_buf_printf(&json, "{\"ok\":true,\"serial\":%llu,\"errors\":[]",
                         (unsigned long long) src.serial);
        debar_json_text(&json, "ends_soon", ends.data, ends.len);
        debar_buf_printf(&json, "}\n");
        debar_flush(&json);

    } else if (!a->quiet) {
        printf("%s: serial %llu, no errors\n", a->source,
               (unsigned long long) src.serial);
        debar_due_say(&ends, a->source);
    }

    debar_buf_free(&ends);
    debar_source_free(&src);

    return 0;
}


static int
debar_list_check_snapshot(const debar_list_args_t *a, const struct stat *st)
{
    int                           i;
    char                          size[32], day[32];
    uint64_t                      rows;
    debar_buf_t                   json, ends;
    debar_fault_t                 fault;
    debar_snapshot_t             *s;
    debar_open_opts_t             opts;
    const debar_snapshot_meta_t  *m;

    memset(&opts, 0, sizeof(opts));
    opts.uid = st->st_uid;

    s = debar_snapshot_open(a->source, &opts, &fault);
    if (s == NULL) {
        return debar_say("%s", fault.text);
    }

    if (debar_snapshot_verify(s, &fault) != DEBAR_OK) {
        debar_snapshot_close(s);
        return debar_say("%s", fault.text);
    }

    m = debar_snapshot_meta(s);
    memset(&ends, 0, sizeof(ends));
    (void) debar_due_line_snapshot(&ends, s);

    for (rows = 0, i = 0; i < DEBAR_DBS; i++) {
        rows += m->rows[i];
    }

    if (a->json) {
        memset(&json, 0, sizeof(json));
        debar_list_json(&json, a->source, m->serial, m->digest, rows, m->bytes);
        debar_json_text(&json, "title", m->title.data, m->title.len);
        debar_json_text(&json, "publisher", m->publisher.data,
                        m->publisher.len);
        debar_json_number(&json, "built", (uint64_t) m->built);

        if (m->expires) {
            debar_json_number(&json, "expires", (uint64_t) m->expires);
        }

        debar_json_text(&json, "ends_soon", ends.data, ends.len);
        debar_buf_printf(&json, "}\n");
        debar_flush(&json);

    } else if (!a->quiet) {
        printf("%s: whole, the digest is right\n", a->source);
        printf("title      ");
        debar_put(stdout, m->title.data, m->title.len);
        printf("\npublisher  ");
        debar_put(stdout, m->publisher.data, m->publisher.len);
        printf("\nserial     %llu\nbuilt      %s\n",
               (unsigned long long) m->serial,
               debar_list_day(m->built, day, sizeof(day)));
        printf("expires    %s%s\n", debar_list_day(m->expires, day,
               sizeof(day)), m->expires && m->expires <= (int64_t) time(NULL)
                             ? ", which is past" : "");
        printf("rows       %llu\nsize       %s\ndigest     %s\n",
               (unsigned long long) rows,
               debar_list_size(m->bytes, size, sizeof(size)), m->digest);
        debar_due_say(&ends, a->source);
    }

    debar_buf_free(&ends);
    debar_snapshot_close(s);

    return 0;
}


static void
debar_list_json(debar_buf_t *b, const char *path, uint64_t serial,
    const char *digest, uint64_t rows, uint64_t bytes)
{
    debar_buf_printf(b, "{\"ok\":true");
    debar_json_text(b, "file", path, strlen(path));
    debar_json_number(b, "serial", serial);
    debar_json_text(b, "digest", digest, strlen(digest));
    debar_json_number(b, "rows", rows);
    debar_json_number(b, "bytes", bytes);
}


static const char *
debar_list_size(uint64_t bytes, char *out, size_t size)
{
    if (bytes < 1000000) {
        snprintf(out, size, "%.1f KB", (double) bytes / 1e3);

    } else {
        snprintf(out, size, "%.1f MB", (double) bytes / 1e6);
    }

    return out;
}


static const char *
debar_list_day(int64_t t, char *out, size_t size)
{
    time_t     when;
    struct tm  tm;

    if (t == 0) {
        return "never";
    }

    when = (time_t) t;
    gmtime_r(&when, &tm);
    strftime(out, size, "%Y-%m-%dT%H:%M:%SZ", &tm);

    return out;
}
