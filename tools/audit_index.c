/*
 * debar audit index: keeps DIR/audit/index.sqlite in step with the log.
 */

#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "audit_index.h"


typedef struct {
    unsigned  follow;
    unsigned  again;
    unsigned  json;
    unsigned  quiet;
} debar_index_args_t;


static const char  debar_index_help[] =
    "usage: debar audit index DIR [options]\n"
    "\n"
    "Reads what came to the audit log of a gateway since the last time into\n"
    "DIR/audit/index.sqlite, from which `debar audit search` answers.  It is made\n"
    "again by itself where it is damaged or a file of the log was replaced.\n"
    "\n"
    "      --follow    stay, and look every second, until a signal\n"
    "      --rebuild   make it anew\n"
    "      --json      say what was done as one JSON object on stdout\n"
    "  -q, --quiet     no progress, no words when all went well\n"
    "  -h, --help      this text\n"
    "\n"
    "Exit: 0 done, 1 it could not be done, 2 usage.\n";


static void
debar_index_signal(int number)
{
    debar_index_stop = 1;
}


static void
debar_index_tell(const debar_index_args_t *args,
    const debar_index_told_t *t)
{
    double       rate;
    debar_buf_t  b;

    rate = t->seconds > 0 ? (double) t->lines / t->seconds : 0;

    if (args->json) {
        memset(&b, 0, sizeof(b));
        debar_buf_printf(&b, "{");
        debar_json_number(&b, "lines", t->lines);
        debar_json_number(&b, "torn", t->torn);
        debar_json_number(&b, "bytes", t->bytes);
        debar_json_number(&b, "left", t->left);
        debar_json_number(&b, "gone", t->gone);
        debar_json_number(&b, "ms", (uint64_t) (t->seconds * 1000));
        debar_json_number(&b, "rate", (uint64_t) rate);
        debar_json_text(&b, "made_again", t->why, strlen(t->why));
        debar_buf_printf(&b, "}\n");
        debar_flush(&b);
        fflush(stdout);
        return;
    }

    if (t->again) {
        debar_say("the index was made again: %s", t->why);
    }

    if (t->torn) {
        debar_say("%llu lines are no JSON and were left out",
                  (unsigned long long) t->torn);
    }

    if (t->gone && !args->quiet) {
        printf("%llu files that were deleted, or are not searchable any more, "
               "left the index\n", (unsigned long long) t->gone);
    }

    if (!args->quiet) {
        printf("%llu lines indexed in %.1f s (%.0f a second)\n",
               (unsigned long long) t->lines, t->seconds, rate);
        fflush(stdout);
    }
}


static int
debar_index_serve(const debar_audit_t *a, const debar_index_args_t *args)
{
    int                 rc;
    debar_fault_t       fault, said;
    debar_index_t       x;
    struct timespec     second = { 1, 0 };
    debar_index_told_t  told;

    said.text[0] = '\0';

    if (args->again && debar_index_remove(a, &fault) != DEBAR_OK) {
        return debar_say("%s", fault.text);
    }

    for ( ;; ) {
        rc = debar_index_update(&x, a, 0, &told, &fault);

        if (rc == DEBAR_ERROR && !args->follow) {
            return debar_say("%s", fault.text);
        }

        /* a full disk has room again some day: it is said once */

        if (rc == DEBAR_ERROR) {
            if (strcmp(said.text, fault.text) != 0) {
                debar_say("%s", fault.text);
                said = fault;
            }

        } else {
            debar_index_close(&x);
            said.text[0] = '\0';
        }

        if (rc == DEBAR_DECLINED && !args->follow) {
            return debar_say("%s: wait for it, or end it", fault.text);
        }

        if (rc != DEBAR_ERROR && (!args->follow || told.lines || told.gone)) {
            debar_index_tell(args, &told);
        }

        if (!args->follow || debar_index_stop) {
            return 0;
        }

        nanosleep(&second, NULL);

        if (debar_index_stop) {
            return 0;
        }
    }
}


int
debar_audit_index(int argc, char **argv)
{
    int                 c;
    debar_audit_t       a;
    debar_fault_t       fault;
    struct sigaction    sa;
    debar_index_args_t  args;

    static const struct option  options[] = {
        { "follow", no_argument, NULL, 'f' },
        { "rebuild", no_argument, NULL, 'r' },
        { "json", no_argument, NULL, 'j' },
        { "quiet", no_argument, NULL, 'q' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 }
    };

    memset(&args, 0, sizeof(args));
    opterr = 0;

    while ((c = getopt_long(argc, argv, ":qh", options, NULL)) != -1) {
        switch (c) {
        case 'f':
            args.follow = 1;
            break;
        case 'r':
            args.again = 1;
            break;
        case 'j':
            args.json = 1;
            break;
        case 'q':
            args.quiet = 1;
            break;
        case 'h':
            fputs(debar_index_help, stdout);
            return 0;
        default:
            return debar_bad_option("debar audit index", c, argv);
        }
    }

    if (optind != argc - 1) {
        return debar_usage("debar audit index", "name one folder, that of a "
                           "gateway");
    }

    if (debar_audit_find(&a, argv[optind], &fault) != DEBAR_OK) {
        return debar_say("%s", fault.text);
    }

    memset(&sa, 0, sizeof(sa));
    sa.sa_handler = debar_index_signal;
    sigaction(SIGTERM, &sa, NULL);
    sigaction(SIGINT, &sa, NULL);

    return debar_index_serve(&a, &args);
}
