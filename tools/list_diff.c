/*
 * debar list diff: what differs between two lists, for those who answer for it.
 */

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools.h"
#include "diff.h"


#define DEBAR_DIFF_EXIT  10


typedef struct {
    const char  *old;
    const char  *now;
    const char  *output;
    unsigned     all;
    unsigned     json;
    unsigned     html;
} debar_diff_args_t;


static const char  debar_diff_name[] = "debar list diff";

static const char  debar_diff_help[] =
    "usage: debar list diff OLD NEW [options]\n"
    "\n"
    "Says in words what changes from one list to another, what is blocked no\n"
    "longer first.  Each is a source folder or a FILE.mdb.\n"
    "\n"
    "  -a, --all          every row, not the first of them and a count\n"
    "      --json         one JSON object, for `debar list propose --diff`\n"
    "      --html         a page that needs nothing beside itself\n"
    "  -o, --output FILE  write it there\n"
    "  -h, --help         this text\n"
    "\n"
    "Exit: 0 nothing differs, 10 something does, 1 a list cannot be read,\n"
    "2 usage.\n";


/* -1: go on; else the exit code. */

static int
debar_diff_args(debar_diff_args_t *a, int argc, char **argv)
{
    int                         c;
    static const struct option  options[] = {
        { "all",    no_argument,       NULL, 'a' },
        { "json",   no_argument,       NULL, 'j' },
        { "html",   no_argument,       NULL, 'H' },
        { "output", required_argument, NULL, 'o' },
        { "help",   no_argument,       NULL, 'h' },
        { NULL, 0, NULL, 0 }
    };

    memset(a, 0, sizeof(*a));
    opterr = 0;

    while ((c = getopt_long(argc, argv, ":ao:h", options, NULL)) != -1) {

        switch (c) {
        case 'a':
            a->all = 1;
            break;
        case 'j':
            a->json = 1;
            break;
        case 'H':
            a->html = 1;
            break;
        case 'o':
            a->output = optarg;
            break;
        case 'h':
            fputs(debar_diff_help, stdout);
            return 0;
        default:
            return debar_bad_option(debar_diff_name, c, argv);
        }
    }

    if (argc - optind != 2) {
        return debar_usage(debar_diff_name, "name two lists, the old one and "
                           "the new one");
    }

    if (a->json && a->html) {
        return debar_usage(debar_diff_name, "--json or --html, not both");
    }

    a->old = argv[optind];
    a->now = argv[optind + 1];

    return -1;
}


/*
 * A file may be anyone's: it is read to its last row before it is walked.  A
 * source was built here.
 */

debar_list_t *
debar_open_whole(const char *path)
{
    struct stat    st;
    debar_list_t  *list;
    debar_fault_t  fault;

    list = debar_open_list(path);

    if (list == NULL || path == NULL || stat(path, &st) != 0
        || S_ISDIR(st.st_mode))
    {
        return list;
    }

    if (debar_snapshot_verify(debar_list_snapshot(list), &fault) != DEBAR_OK) {
        debar_say("%s", fault.text);
        debar_list_close(list);
        return NULL;
    }

    return list;
}


/* A file in one piece or not at all; "-" or NULL is stdout. */

int
debar_write_whole(const char *path, const debar_buf_t *b)
{
    int    rc;
    FILE  *f;

    if (path == NULL || strcmp(path, "-") == 0) {
        return fwrite(b->data, 1, b->len, stdout) == b->len ? DEBAR_OK
                                                            : DEBAR_ERROR;
    }

    f = fopen(path, "we");

    if (f == NULL) {
        debar_say("%s: %s; name a file in a folder that you may write to",
                  path, strerror(errno));
        return DEBAR_ERROR;
    }

    rc = fwrite(b->data, 1, b->len, f) == b->len ? DEBAR_OK : DEBAR_ERROR;

    if (fclose(f) != 0 || rc != DEBAR_OK) {
        debar_say("%s: %s; it is not whole", path, strerror(errno));
        (void) unlink(path);
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


static int
debar_diff_run(const debar_diff_args_t *a, debar_list_t *old,
    debar_list_t *now)
{
    int            rc;
    debar_buf_t    b;
    debar_diff_t   d;
    debar_fault_t  fault;

    rc = debar_diff(&d, debar_list_snapshot(old), debar_list_snapshot(now),
                    a->all ? DEBAR_DIFF_ALL : 0, debar_progress, NULL, &fault);
    debar_progress_end();

    if (rc != DEBAR_OK) {
        debar_diff_free(&d);
        return debar_say("%s", fault.text);
    }

    memset(&b, 0, sizeof(b));

    if (a->json) {
        debar_diff_json(&b, &d);

    } else if (a->html) {
        debar_diff_html(&b, &d);

    } else {
        debar_diff_text(&b, &d, a->all ? 0 : DEBAR_DIFF_SHOWN);
    }

    rc = debar_write_whole(a->output, &b) != DEBAR_OK ? DEBAR_EXIT_FAILURE
         : debar_diff_same(&d) ? 0 : DEBAR_DIFF_EXIT;

    debar_buf_free(&b);
    debar_diff_free(&d);

    return rc;
}


int
debar_list_diff(int argc, char **argv)
{
    int                rc;
    debar_list_t      *old, *now;
    debar_diff_args_t  a;

    rc = debar_diff_args(&a, argc, argv);
    if (rc != -1) {
        return rc;
    }

    old = debar_open_whole(a.old);
    if (old == NULL) {
        return DEBAR_EXIT_FAILURE;
    }

    now = debar_open_whole(a.now);
    rc = now ? debar_diff_run(&a, old, now) : DEBAR_EXIT_FAILURE;

    if (now) {
        debar_list_close(now);
    }

    debar_list_close(old);

    return rc;
}
