/*
 * debar audit verify: whether the log is what was sealed.
 */

#include <inttypes.h>
#include <stdlib.h>

#include "audit_witness.h"
#include "trust.h"


typedef struct {
    const char         *dir;
    const char         *key;
    const char         *kept;     /* a checkpoint that was kept elsewhere */
    debar_cosigners_t   cosigners;
    unsigned            threads;
    unsigned            json;
    unsigned            quiet;
} debar_verify_args_t;


static int debar_verify_args(debar_verify_args_t *a, int argc, char **argv);
static int debar_verify_option(debar_verify_args_t *a, int ch,
    const char *value);
static int debar_verify_kept(const debar_verify_args_t *a,
    const debar_audit_log_t *log, debar_audit_blame_t *blame,
    debar_fault_t *fault);
static void debar_verify_print(const debar_audit_check_t *c,
    const debar_cosigners_t *cosigners, double seconds);
static void debar_verify_cosigned(const debar_audit_check_t *c,
    const debar_cosigners_t *cosigners);
static void debar_verify_print_blame(const debar_audit_check_t *c);
static void debar_verify_json(const debar_audit_check_t *c,
    const debar_cosigners_t *cosigners, double seconds);


static const char  debar_verify_name[] = "debar audit verify";

static const char  debar_verify_help[] =
    "usage: debar audit verify DIR/audit [--key FILE.pub] [options]\n"
    "\n"
    "Reads every line of a sealed log, compares it with the hash that was made\n"
    "when it was sealed, and the hashes with the signed checkpoint.  Names the\n"
    "first line that was changed, removed, added, reordered, doubled, or where\n"
    "a file was truncated.\n"
    "\n"
    "  -k, --key FILE.pub     the sealer's key (or its text), as it was kept\n"
    "                         elsewhere: without it the log is consistent at\n"
    "                         most, since who rewrites all of it signs it, too\n"
    "  -c, --checkpoint FILE  a checkpoint of the log that was kept elsewhere:\n"
    "                         the log must go on from it\n"
    "  -w, --witness KEY      the key of a witness, which has to have cosigned\n"
    "                         checkpoints of it; several times: all of them\n"
    "      --witness-quorum N so many of them\n"
    "      --witness-age TIME not longer ago, as 10m or 1d\n"
    "  -t, --threads N        default: one for each processor\n"
    "  -q, --quiet            no progress; nothing is said of what is intact\n"
    "      --json             one JSON object instead of text\n"
    "  -h, --help             this text\n"
    "\n"
    "Lines behind the last checkpoint are not sealed yet, which is no fault.\n"
    "Exit: 0 intact, 1 not, or it could not be checked, 2 usage.\n";


static const struct option  debar_verify_options[] = {
    { "key",        required_argument, NULL, 'k' },
    { "checkpoint", required_argument, NULL, 'c' },
    { "witness",    required_argument, NULL, 'w' },
    { "witness-quorum", required_argument, NULL, 'Q' },
    { "witness-age", required_argument, NULL, 'A' },
    { "threads",    required_argument, NULL, 't' },
    { "quiet",      no_argument,       NULL, 'q' },
    { "json",       no_argument,       NULL, 'j' },
    { "help",       no_argument,       NULL, 'h' },
    { NULL, 0, NULL, 0 }
};


int
debar_audit_verify(int argc, char **argv)
{
    int                   rc;
    double                seconds;
    uint64_t              cosigned;
    debar_audit_t         audit;
    debar_fault_t         fault;
    struct timespec       from, to;
    debar_audit_log_t     log;
    debar_verify_args_t   a;
    debar_audit_check_t   check;

    rc = debar_verify_args(&a, argc, argv);
    if (rc != -1) {
        return rc;
    }

    /* what is cosigned later may be of a later checkpoint than the one here */

    if (debar_audit_find(&audit, a.dir, &fault) != DEBAR_OK) {
        return debar_trust_failed(a.json, &fault);
    }

    cosigned = debar_cosigned_size(&audit);

    if (debar_audit_log_open(&log, a.dir, a.key, &fault) != DEBAR_OK) {
        return debar_trust_failed(a.json, &fault);
    }

    memset(&check, 0, sizeof(check));
    check.log = &log;
    check.threads = a.threads;
    check.quiet = a.quiet;

    clock_gettime(CLOCK_MONOTONIC, &from);
    rc = debar_audit_check(&check, &fault);
    clock_gettime(CLOCK_MONOTONIC, &to);
    debar_progress_end();

    if (rc == DEBAR_OK && a.kept && check.blame.what == NULL) {
        rc = debar_verify_kept(&a, &log, &check.blame, &fault);
    }

    if (rc == DEBAR_OK && a.cosigners.n && check.blame.what == NULL) {
        rc = debar_audit_witnessed(&a.cosigners, &log, cosigned, &check.blame,
                                   &fault);
    }

    if (rc != DEBAR_OK) {
        debar_audit_log_close(&log);
        return debar_trust_failed(a.json, &fault);
    }

    seconds = (double) (to.tv_sec - from.tv_sec)
              + (double) (to.tv_nsec - from.tv_nsec) / 1e9;

    if (a.json) {
        debar_verify_json(&check, &a.cosigners, seconds);

    } else if (check.blame.what) {
        debar_verify_print_blame(&check);

    } else if (!a.quiet) {
        debar_verify_print(&check, &a.cosigners, seconds);
    }

    debar_audit_log_close(&log);

    return check.blame.what ? DEBAR_EXIT_FAILURE : 0;
}


static int
debar_verify_args(debar_verify_args_t *a, int argc, char **argv)
{
    int  c, n;

    memset(a, 0, sizeof(*a));
    opterr = 0;

    while ((c = getopt_long(argc, argv, ":k:c:w:t:qh", debar_verify_options,
                            NULL)) != -1)
    {
        switch (c) {

        case 'k':
            a->key = optarg;
            break;

        case 'c':
            a->kept = optarg;
            break;

        case 'q':
            a->quiet = 1;
            break;

        case 'j':
            a->json = 1;
            break;

        case 'h':
            fputs(debar_verify_help, stdout);
            return 0;

        case 't':
        case 'w':
        case 'Q':
        case 'A':
            n = debar_verify_option(a, c, optarg);

            if (n != -1) {
                return n;
            }

            break;

        default:
            return debar_bad_option(debar_verify_name, c, argv);
        }
    }

    if (argc - optind != 1) {
        return debar_usage(debar_verify_name, "name one folder, DIR/audit of a "
                           "gateway");
    }

    a->dir = argv[optind];

    return debar_cosigners_enough(&a->cosigners, debar_verify_name);
}


/* One that may be refused: -1, or an exit code. */

static int
debar_verify_option(debar_verify_args_t *a, int ch, const char *value)
{
    char           *end;
    unsigned long   n;

    switch (ch) {

    case 'w':
        return debar_cosigners_add(&a->cosigners, debar_verify_name, value);

    case 'Q':
        return debar_cosigners_quorum(&a->cosigners, debar_verify_name, value);

    case 'A':
        a->cosigners.age = debar_witness_span(value);

        if (a->cosigners.age == 0) {
            return debar_usage(debar_verify_name, "--witness-age \"%s\": a time "
                               "is wanted, as 10m, 2h or 1d", value);
        }

        return -1;
    }

    n = strtoul(value, &end, 10);

    if (*value < '1' || *value > '9' || *end || n > 64) {
        return debar_usage(debar_verify_name, "--threads \"%s\": a number from "
                           "1 to 64 is wanted", value);
    }

    a->threads = (unsigned) n;

    return -1;
}


/* Whether the log goes on from a checkpoint of its earlier days. */

static int
debar_verify_kept(const debar_verify_args_t *a, const debar_audit_log_t *log,
    debar_audit_blame_t *blame, debar_fault_t *fault)
{
    int                   rc;
    debar_buf_t           data;
    debar_hash_t          root;
    debar_tiles_t         tiles;
    debar_hasher_t       *hasher;
    debar_checkpoint_t    kept;
    debar_audit_tiles_t  *store;

    if (debar_trust_read(&data, a->kept, DEBAR_NOTE_MAX, "a checkpoint", fault)
        != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    rc = debar_checkpoint_read(&kept, a->kept, data.data, data.len,
                               log->has_key ? &log->key : NULL, fault);
    debar_buf_free(&data);

    if (rc != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    if (strcmp(kept.origin, log->checkpoint.origin) != 0) {
        debar_fault(fault, "%s: is a checkpoint of %s, the log is %s: name one "
                    "of the same log", a->kept, kept.origin,
                    log->checkpoint.origin);
        return DEBAR_ERROR;
    }

    hasher = debar_hasher_new();
    store = malloc(sizeof(*store));

    if (hasher == NULL || store == NULL) {
        debar_fault(fault, "no memory to compare checkpoints");
        rc = DEBAR_ERROR;

    } else if (kept.size > log->checkpoint.size) {
        blame->what = "truncated";
        snprintf(blame->text, sizeof(blame->text), "it has %" PRIu64 " lines, "
                 "and %" PRIu64 " had been sealed by the checkpoint that was "
                 "kept", log->checkpoint.size, kept.size);

    } else {
        debar_audit_tiles(&tiles, store, &log->audit, log->checkpoint.size,
                          hasher);
        rc = debar_tiles_root(root, &tiles, kept.size, fault);

        if (rc == DEBAR_OK && memcmp(root, kept.root, DEBAR_HASH)) {
            blame->what = "changed";
            snprintf(blame->text, sizeof(blame->text), "its first %" PRIu64
                     " lines are not those of the checkpoint that was kept",
                     kept.size);
        }
    }

    if (blame->what) {
        snprintf(blame->file, sizeof(blame->file), "sealed/checkpoint");
        blame->leaf = log->checkpoint.size;
    }

    debar_hasher_free(hasher);
    free(store);

    return rc;
}


static void
debar_verify_print(const debar_audit_check_t *c,
    const debar_cosigners_t *cosigners, double seconds)
{
    const debar_audit_log_t  *log = c->log;

    printf("%s: intact: %" PRIu64 " line%s in %" PRIu64 " file%s",
           log->audit.path, c->lines, c->lines == 1 ? "" : "s", c->files,
           c->files == 1 ? "" : "s");

    if (seconds > 0.5) {
        printf(" (%.0f lines/s)", (double) c->lines / seconds);
    }

    printf("\n  sealed by %s", log->checkpoint.origin);

    debar_verify_cosigned(c, cosigners);

    if (c->gone_files) {
        printf("\n  %" PRIu64 " line%s of %" PRIu64 " file%s deleted by policy "
               "(%s), as the sealer signed", c->gone_lines,
               c->gone_lines == 1 ? "" : "s", c->gone_files,
               c->gone_files == 1 ? "" : "s", c->policy);
    }

    if (c->unsealed) {
        printf("\n  %" PRIu64 " line%s not sealed yet", c->unsealed,
               c->unsealed == 1 ? "" : "s");
    }

    printf("\n  %s\n", log->has_key ? "authenticated by the key that was given"
           : "consistent, not authenticated: --key names the sealer's key as "
           "it was kept elsewhere");
}


static void
debar_verify_cosigned(const debar_audit_check_t *c,
    const debar_cosigners_t *cosigners)
{
    char                     when[24];
    unsigned                 i;
    const debar_cosigner_t  *by;

    for (i = 0; i < cosigners->n; i++) {

        by = &cosigners->list[i];

        if (by->time == 0) {
            printf("\n  not cosigned by %s", by->key.name);
            continue;
        }

        printf("\n  cosigned by %s at %s: %" PRIu64 " of %" PRIu64 " lines%s",
               by->key.name, debar_witness_time(when, by->time), by->size,
               c->log->checkpoint.size, by->found ? "" : ", too long ago");
    }
}


static void
debar_verify_print_blame(const debar_audit_check_t *c)
{
    const debar_audit_blame_t  *b = &c->blame;

    if (b->line) {
        debar_say("%s/%s:%" PRIu64 ": %s: %s", c->log->audit.path, b->file,
                  b->line, b->what, b->text);

    } else {
        debar_say("%s/%s: %s: %s", c->log->audit.path, b->file, b->what,
                  b->text);
    }
}


static void
debar_verify_json(const debar_audit_check_t *c,
    const debar_cosigners_t *cosigners, double seconds)
{
    char                        when[24];
    unsigned                    i;
    debar_buf_t                 b;
    const debar_cosigner_t     *by;
    const debar_audit_log_t    *log = c->log;
    const debar_audit_blame_t  *blame = &c->blame;

    memset(&b, 0, sizeof(b));
    debar_buf_printf(&b, "{\"ok\":%s,\"authenticated\":%s",
                     blame->what ? "false" : "true",
                     log->has_key ? "true" : "false");
    debar_json_text(&b, "audit", log->audit.path, strlen(log->audit.path));
    debar_json_text(&b, "origin", log->checkpoint.origin,
                    strlen(log->checkpoint.origin));
    debar_json_number(&b, "size", log->checkpoint.size);
    debar_json_number(&b, "lines", c->lines);
    debar_json_number(&b, "files", c->files);
    debar_json_number(&b, "deleted_lines", c->gone_lines);
    debar_json_number(&b, "deleted_files", c->gone_files);

    if (c->policy[0]) {
        debar_json_text(&b, "deleted_policy", c->policy, strlen(c->policy));
    }

    debar_json_number(&b, "unsealed", c->unsealed);
    debar_buf_printf(&b, ",\"seconds\":%.3f", seconds);

    for (i = 0; i < cosigners->n; i++) {

        by = &cosigners->list[i];
        debar_buf_printf(&b, "%s{", i ? "," : ",\"witnesses\":[");
        debar_buf_printf(&b, "\"ok\":%s", by->found ? "true" : "false");
        debar_json_text(&b, "witness", by->key.name, strlen(by->key.name));

        if (by->time) {
            debar_witness_time(when, by->time);
            debar_json_number(&b, "size", by->size);
            debar_json_text(&b, "time", when, strlen(when));
        }

        debar_buf_printf(&b, "}%s", i + 1 == cosigners->n ? "]" : "");
    }

    if (blame->what) {
        debar_buf_printf(&b, ",\"fault\":{");
        debar_json_text(&b, "file", blame->file, strlen(blame->file));

        if (blame->line) {
            debar_json_number(&b, "line", blame->line);
        }

        debar_json_number(&b, "leaf", blame->leaf);
        debar_json_text(&b, "what", blame->what, strlen(blame->what));
        debar_json_text(&b, "message", blame->text, strlen(blame->text));
        debar_buf_printf(&b, "}");
    }

    debar_buf_printf(&b, "}\n");
    debar_flush(&b);
}
