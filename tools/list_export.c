/*
 * debar list export: the list in the words of DNS, proxies, firewalls and
 * those who watch.
 */

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "export.h"
#include "tools.h"


typedef struct {
    debar_export_opts_t  opts;
    const char          *list;
    const char          *output;
    const char          *on;
    char                 target[DEBAR_MAX_HOST + 3];
    char                 zone[DEBAR_MAX_HOST + 3];
    unsigned             format;
    unsigned             json;
    unsigned             quiet;
} debar_export_args_t;


static const char  debar_export_help[] =
    "usage: debar list export --format FORMAT LIST [-o FILE] [options]\n"
    "\n"
    "Writes what a list blocks in the words of another program.  LIST is a\n"
    "source folder or a FILE.mdb; FORMAT is one of\n"
    "\n"
    "  rpz         DNS response policy zone (BIND, Unbound)\n"
    "  squid       fragment of squid.conf\n"
    "  hosts       hosts file\n"
    "  edl-domain  external dynamic lists of PAN-OS: domains,\n"
    "  edl-url       URLs,\n"
    "  edl-ip        addresses\n"
    "  suricata    rules for DNS, TLS, HTTP and addresses\n"
    "  stix        STIX 2.1 bundle\n"
    "  csv         every row that blocks, and permits\n"
    "\n"
    "What a format cannot say is left out, and counted in the head of FILE and\n"
    "on stderr.\n"
    "\n"
    "  -f, --format FORMAT    above\n"
    "  -o, --output FILE      replaced in one step; default: stdout\n"
    "      --activity A       what is blocked for browse, update, download or\n"
    "                         acquire; default: as a CONNECT is judged\n"
    "      --on DATE          what is blocked from that day (2026-12-01);\n"
    "                         default: now\n"
    "      --policy P         rpz: nxdomain (default), nodata, drop, cname=HOST\n"
    "      --zone NAME        rpz: the zone; default debar.rpz\n"
    "      --sid N            suricata: number of the first rule; 9100000\n"
    "      --max N            suricata: rules at most; 300000\n"
    "      --drop             suricata: drop, not alert\n"
    "      --no-head          without the comment at its head\n"
    "      --json             say the outcome as one JSON object on stdout\n"
    "  -q, --quiet            say nothing but errors\n"
    "  -h, --help             this text\n"
    "\n"
    "Exit: 0 exported, 1 not (stderr says why), 2 usage.\n";

static const char  debar_export_command[] = "debar list export";


/* A name of DNS, canonical. */

static int
debar_export_name_arg(const char *option, const char *text, char *out)
{
    const char    *why;
    debar_host_t   h;

    if (debar_host_parse(&h, text, strlen(text), 0, &why) != DEBAR_OK
        || h.type != DEBAR_HOST_NAME)
    {
        debar_usage(debar_export_command, "%s: %s is not a name of DNS",
                    option, text);
        return DEBAR_ERROR;
    }

    strcpy(out, h.name);

    return DEBAR_OK;
}


static int
debar_export_policy(debar_export_args_t *a, const char *text)
{
    if (strcmp(text, "nxdomain") == 0) {
        a->opts.target = ".";

    } else if (strcmp(text, "nodata") == 0) {
        a->opts.target = "*.";

    } else if (strcmp(text, "drop") == 0) {
        a->opts.target = "rpz-drop.";

    } else if (strncmp(text, "cname=", 6) == 0) {

        if (debar_export_name_arg("--policy", text + 6, a->target)
            != DEBAR_OK)
        {
            return DEBAR_ERROR;
        }

        strcat(a->target, ".");
        a->opts.target = a->target;

    } else {
        debar_usage(debar_export_command, "--policy: %s; it is nxdomain, "
                    "nodata, drop or cname=HOST", text);
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


static int
debar_export_number(const char *option, const char *text, uint32_t *n)
{
    char                *end;
    unsigned long long   v;

    errno = 0;
    v = strtoull(text, &end, 10);

    if (*text < '0' || *text > '9' || *end || errno || v == 0
        || v > 2000000000)
    {
        debar_usage(debar_export_command, "%s: %s; it is a number from 1 to "
                    "2000000000", option, text);
        return DEBAR_ERROR;
    }

    *n = (uint32_t) v;

    return DEBAR_OK;
}


/* One option; -1: go on. */

static int
debar_export_option(debar_export_args_t *a, int c)
{
    int  n;

    switch (c) {

    case 'f':
        n = debar_export_by_name(optarg);
        if (n < 0) {
            return debar_usage(debar_export_command, "--format: %s; it is "
                               "rpz, squid, hosts, edl-domain, edl-url, "
                               "edl-ip, suricata, stix or csv", optarg);
        }

        a->opts.format = n;
        a->format = 1;
        break;

    case 'o':
        a->output = optarg;
        break;

    case 'a':
        n = debar_activity_by_name(optarg, strlen(optarg));
        if (n < 0 || n >= DEBAR_ACTIVITIES) {
            return debar_usage(debar_export_command, "--activity: %s; it is "
                               "browse, update, download or acquire", optarg);
        }

        a->opts.activity = n;
        break;

    case 'O':
        a->on = optarg;
        break;

    case 'P':
        return debar_export_policy(a, optarg) == DEBAR_OK ? -1
               : DEBAR_EXIT_USAGE;

    case 'z':
        a->opts.zone = a->zone;
        return debar_export_name_arg("--zone", optarg, a->zone) == DEBAR_OK
               ? -1 : DEBAR_EXIT_USAGE;

    case 's':
        return debar_export_number("--sid", optarg, &a->opts.sid) == DEBAR_OK
               ? -1 : DEBAR_EXIT_USAGE;

    case 'm':
        return debar_export_number("--max", optarg, &a->opts.max) == DEBAR_OK
               ? -1 : DEBAR_EXIT_USAGE;

    case 'd':
        a->opts.drop = 1;
        break;

    case 'n':
        a->opts.bare = 1;
        break;

    case 'j':
        a->json = 1;
        break;

    case 'q':
        a->quiet = 1;
        break;
    }

    return -1;
}


static int
debar_export_args(debar_export_args_t *a, int argc, char **argv)
{
    int                         c, rc;
    static const struct option  options[] = {
        { "format",   required_argument, NULL, 'f' },
        { "output",   required_argument, NULL, 'o' },
        { "activity", required_argument, NULL, 'a' },
        { "on",       required_argument, NULL, 'O' },
        { "policy",   required_argument, NULL, 'P' },
        { "zone",     required_argument, NULL, 'z' },
        { "sid",      required_argument, NULL, 's' },
        { "max",      required_argument, NULL, 'm' },
        { "drop",     no_argument,       NULL, 'd' },
        { "no-head",  no_argument,       NULL, 'n' },
        { "json",     no_argument,       NULL, 'j' },
        { "quiet",    no_argument,       NULL, 'q' },
        { "help",     no_argument,       NULL, 'h' },
        { NULL, 0, NULL, 0 }
    };

    memset(a, 0, sizeof(*a));
    a->opts.activity = DEBAR_ACTIVITIES;
    opterr = 0;

    while ((c = getopt_long(argc, argv, ":f:o:qh", options, NULL)) != -1) {

        if (c == 'h') {
            fputs(debar_export_help, stdout);
            return 0;
        }

        if (c == '?' || c == ':') {
            return debar_bad_option(debar_export_command, c, argv);
        }

        rc = debar_export_option(a, c);

        if (rc != -1) {
            return rc;
        }
    }

    if (!a->format) {
        return debar_usage(debar_export_command, "--format is missing");
    }

    if (argc - optind != 1) {
        return debar_usage(debar_export_command, argc == optind
                           ? "name a list: a source folder or a FILE.mdb"
                           : "one list at a time");
    }

    if (a->json && a->output == NULL) {
        return debar_usage(debar_export_command, "--json needs -o FILE: both "
                           "would go to stdout");
    }

    a->list = argv[optind];

    return -1;
}


static int
debar_export_write(void *data, const char *text, size_t len)
{
    return fwrite(text, 1, len, data) == len ? 0 : -1;
}


static void
debar_export_tell(const debar_export_args_t *a,
    const debar_export_info_t *info)
{
    size_t       i;
    uint64_t     left;
    debar_buf_t  b;

    memset(&b, 0, sizeof(b));

    for (left = 0, i = 0; i < DEBAR_LEFTS; i++) {
        left += info->left[i];
    }

    if (a->json) {
        debar_buf_printf(&b, "{\"ok\":true");
        debar_json_text(&b, "file", a->output, strlen(a->output));
        debar_buf_printf(&b, ",\"written\":%llu,\"covered\":%llu,\"left\":{",
                         (unsigned long long) info->written,
                         (unsigned long long) info->covered);

        for (i = 0, left = 0; i < DEBAR_LEFTS; i++) {
            if (info->left[i]) {
                debar_buf_printf(&b, "%s\"%s\":%llu", left++ ? "," : "",
                                 debar_left_words(i),
                                 (unsigned long long) info->left[i]);
            }
        }

        debar_buf_printf(&b, "}}\n");
        debar_flush(&b);
        return;
    }

    debar_buf_printf(&b, "%s: %llu rows", a->output ? a->output : "export",
                     (unsigned long long) info->written);

    if (info->covered) {
        debar_buf_printf(&b, ", %llu covered by a wider one",
                         (unsigned long long) info->covered);
    }

    debar_buf_printf(&b, left ? "; left out:" : "; nothing is left out");

    for (i = 0, left = 0; i < DEBAR_LEFTS; i++) {
        if (info->left[i]) {
            debar_buf_printf(&b, "%s %llu %s", left++ ? ";" : "",
                             (unsigned long long) info->left[i],
                             debar_left_words(i));
        }
    }

    debar_buf_add(&b, "\n", 1);
    debar_put(stderr, b.data, b.len - 1);
    fputc('\n', stderr);
    debar_buf_free(&b);
}


/* To a file beside the one that is asked for, which it replaces when whole. */

static int
debar_export_to(debar_list_t *list, debar_export_args_t *a,
    debar_export_info_t *info, debar_fault_t *fault)
{
    int          rc, fd;
    char         tmp[PATH_MAX];
    FILE        *f;
    mode_t       mask;
    struct stat  st;

    tmp[0] = '\0';
    f = stdout;

    /* a pipe or a terminal is written to as it is */

    if (a->output && !(stat(a->output, &st) == 0 && !S_ISREG(st.st_mode))) {

        if (snprintf(tmp, sizeof(tmp), "%s.XXXXXX", a->output)
            >= (int) sizeof(tmp))
        {
            debar_fault(fault, "%.60s...: the name is too long", a->output);
            return DEBAR_ERROR;
        }

        fd = mkstemp(tmp);
        f = fd < 0 ? NULL : fdopen(fd, "w");

        if (fd >= 0) {
            mask = umask(0);
            (void) umask(mask);
            (void) fchmod(fd, 0666 & ~mask);
        }

    } else if (a->output) {
        f = fopen(a->output, "w");
    }

    if (f == NULL) {
        debar_fault(fault, "%s: %s; name a file in a folder that is there and "
                    "that you may write to", a->output, strerror(errno));
        return DEBAR_ERROR;
    }

    a->opts.write = debar_export_write;
    a->opts.data = f;

    errno = 0;
    rc = debar_export(list, &a->opts, info, fault);

    if (rc == DEBAR_OK
        && (fflush(f) != 0 || (tmp[0] && fsync(fileno(f)) != 0)))
    {
        rc = DEBAR_DECLINED;
    }

    if (rc == DEBAR_OK && tmp[0] && rename(tmp, a->output) != 0) {
        rc = DEBAR_DECLINED;
    }

    if (rc == DEBAR_DECLINED) {
        debar_fault(fault, "%s: cannot be written: %s",
                    a->output ? a->output : "stdout", strerror(errno));
    }

    if (f != stdout) {
        (void) fclose(f);
    }

    if (rc != DEBAR_OK && tmp[0]) {
        (void) unlink(tmp);
    }

    return rc;
}


int
debar_list_export(int argc, char **argv)
{
    int                   rc;
    debar_list_t         *list;
    debar_fault_t         fault;
    debar_export_args_t   a;
    debar_export_info_t   info;

    rc = debar_export_args(&a, argc, argv);

    if (rc != -1) {
        return rc;
    }

    list = debar_open_list(a.list);

    if (list == NULL) {
        return DEBAR_EXIT_FAILURE;
    }

    a.opts.now = time(NULL);

    if (a.on && debar_export_day(list, a.on, &a.opts.now) != DEBAR_OK) {
        debar_list_close(list);
        return debar_usage(debar_export_command, "--on: %s; it is a day as "
                           "2026-12-01", a.on);
    }

    rc = debar_export_to(list, &a, &info, &fault);
    debar_list_close(list);

    if (rc != DEBAR_OK) {
        return debar_say("%s", fault.text);
    }

    if (!a.quiet) {
        debar_export_tell(&a, &info);
    }

    return 0;
}
