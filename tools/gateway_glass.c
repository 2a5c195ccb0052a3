/*
 * debar gateway break-glass: blocks suspended for a time, by whom and why, and
 * all of it in the audit file.
 */

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "glass.h"
#include "record.h"
#include "tools.h"


typedef struct {
    const char       *until;
    const char       *length;     /* "2h" */
    const char       *reason;
    const char       *by;
    unsigned          end;
    debar_gateway_t   g;
} debar_glass_opts_t;


static int debar_glass_args(debar_glass_opts_t *o, int argc, char **argv);
static int debar_glass_order(debar_glass_opts_t *o, debar_glass_t *glass);
static int debar_glass_seconds(const char *text, time_t *seconds);
static int debar_glass_begin(debar_glass_opts_t *o);
static int debar_glass_end(debar_glass_opts_t *o);
static int debar_glass_show(debar_glass_opts_t *o);
static int debar_glass_read(debar_glass_opts_t *o, debar_glass_t *glass);
static int debar_glass_write(debar_glass_opts_t *o, const debar_glass_t *glass);
static int debar_glass_record(debar_glass_opts_t *o, const char *state,
    const debar_glass_t *glass);
static const char *debar_glass_who(void);


static const char  debar_glass_name[] = "debar gateway break-glass";

static const char  debar_glass_help[] =
    "usage: debar gateway break-glass DIR --for TIME --reason TEXT [--by NAME]\n"
    "       debar gateway break-glass DIR --end [--by NAME] [--reason TEXT]\n"
    "       debar gateway break-glass DIR\n"
    "\n"
    "Suspends what the list blocks, for an emergency: it goes through and is\n"
    "recorded as before, with the mode break-glass.  Takes effect within a\n"
    "second, without a reload, and ends by itself.  The order stands in the audit\n"
    "file, with who gave it and why.  Without an option: says whether one holds.\n"
    "\n"
    "      --for TIME      how long: 30m, 2h, at most 24h\n"
    "      --until TIME    or until when: 2026-01-02T03:04:05Z\n"
    "      --reason TEXT   why; for the reviewer\n"
    "      --by NAME       who; default: the user who runs this command\n"
    "      --end           end it now\n"
    "  -h, --help          this text\n"
    "\n"
    "Exit: 0 done (or: an order holds), 1 failure (or: none holds), 2 usage.\n";

static const struct option  debar_glass_options[] = {
    { "for",    required_argument, NULL, 'f' },
    { "until",  required_argument, NULL, 'u' },
    { "reason", required_argument, NULL, 'r' },
    { "by",     required_argument, NULL, 'b' },
    { "end",    no_argument,       NULL, 'e' },
    { "help",   no_argument,       NULL, 'h' },
    { NULL, 0, NULL, 0 }
};


int
debar_gateway_glass(int argc, char **argv)
{
    int                 rc;
    debar_glass_opts_t  o;

    memset(&o, 0, sizeof(o));

    rc = debar_glass_args(&o, argc, argv);
    if (rc != -1) {
        return rc;
    }

    if (o.end) {
        return debar_glass_end(&o);
    }

    if (o.length || o.until) {
        return debar_glass_begin(&o);
    }

    return debar_glass_show(&o);
}


/* -1: go on; else the exit code. */

static int
debar_glass_args(debar_glass_opts_t *o, int argc, char **argv)
{
    int  c;

    opterr = 0;

    while ((c = getopt_long(argc, argv, ":h", debar_glass_options, NULL))
           != -1)
    {
        switch (c) {

        case 'h':
            fputs(debar_glass_help, stdout);
            return 0;

        case 'f':
            o->length = optarg;
            break;

        case 'u':
            o->until = optarg;
            break;

        case 'r':
            o->reason = optarg;
            break;

        case 'b':
            o->by = optarg;
            break;

        case 'e':
            o->end = 1;
            break;

        default:
            return debar_bad_option(debar_glass_name, c, argv);
        }
    }

    if (argc - optind != 1) {
        return debar_usage(debar_glass_name, "name the folder of one gateway");
    }

    if ((o->length != NULL) + (o->until != NULL) + o->end > 1) {
        return debar_usage(debar_glass_name, "--for, --until and --end exclude "
                           "each other");
    }

    if ((o->length || o->until) && (o->reason == NULL || *o->reason == '\0')) {
        return debar_usage(debar_glass_name, "say why, with --reason: the "
                           "reviewer will ask");
    }

    if (o->by == NULL) {
        o->by = debar_glass_who();
    }

    return debar_gateway_find(&o->g, argv[optind]) == DEBAR_OK
           ? -1 : DEBAR_EXIT_FAILURE;
}


/* Who asked sudo, else who we are. */

static const char *
debar_glass_who(void)
{
    char           *name;
    struct passwd  *pw;

    name = getenv("SUDO_USER");

    if (geteuid() == 0 && name && *name) {
        return name;
    }

    pw = getpwuid(getuid());

    return pw ? pw->pw_name : "unknown";
}


static int
debar_glass_begin(debar_glass_opts_t *o)
{
    int            rc;
    debar_glass_t  glass;

    rc = debar_glass_order(o, &glass);
    if (rc != 0) {
        return rc;
    }

    /* what cannot be recorded is not done */

    if (debar_glass_record(o, "opened", &glass) != DEBAR_OK
        || debar_glass_write(o, &glass) != DEBAR_OK)
    {
        return DEBAR_EXIT_FAILURE;
    }

    return debar_glass_show(o);
}


static int
debar_glass_order(debar_glass_opts_t *o, debar_glass_t *glass)
{
    char         text[DEBAR_MAX_GLASS];
    size_t       len;
    time_t       seconds;
    const char  *why;

    memset(glass, 0, sizeof(*glass));
    glass->opened = time(NULL);

    if (o->length) {
        if (debar_glass_seconds(o->length, &seconds) != DEBAR_OK) {
            return debar_usage(debar_glass_name, "--for \"%s\": a number of "
                               "minutes or hours is wanted, such as 30m or 2h",
                               o->length);
        }

        glass->until = glass->opened + seconds;

    } else if (debar_glass_time(&glass->until, o->until, strlen(o->until))
               != DEBAR_OK)
    {
        return debar_usage(debar_glass_name, "--until \"%s\": a time in UTC is "
                           "wanted, like 2026-01-02T03:04:05Z", o->until);
    }

    if (strlen(o->by) > DEBAR_MAX_GLASS_BY
        || strlen(o->reason) > DEBAR_MAX_GLASS_REASON)
    {
        return debar_usage(debar_glass_name, "--by takes %d bytes, --reason %d",
                           DEBAR_MAX_GLASS_BY, DEBAR_MAX_GLASS_REASON);
    }

    strcpy(glass->by, o->by);
    strcpy(glass->reason, o->reason);

    len = debar_glass_format(text, glass);

    if (debar_glass_parse(glass, text, len, DEBAR_GLASS_TIME, &why)
        != DEBAR_OK)
    {
        return debar_usage(debar_glass_name, "%s (at most 24h)", why);
    }

    return 0;
}


static int
debar_glass_seconds(const char *text, time_t *seconds)
{
    char           *end;
    unsigned long   n;

    if (!isdigit((unsigned char) *text)) {
        return DEBAR_ERROR;
    }

    errno = 0;
    n = strtoul(text, &end, 10);

    if (errno || n == 0 || n > DEBAR_GLASS_TIME) {
        return DEBAR_ERROR;
    }

    if (strcmp(end, "m") == 0) {
        n *= 60;

    } else if (strcmp(end, "h") == 0) {
        n *= 3600;

    } else if (strcmp(end, "s") != 0) {
        return DEBAR_ERROR;
    }

    *seconds = (time_t) n;

    return DEBAR_OK;
}


static int
debar_glass_end(debar_glass_opts_t *o)
{
    char           path[DEBAR_MAX_DIR + 64];
    debar_glass_t  glass;

    debar_gateway_path(&o->g, "break-glass", path, sizeof(path));

    memset(&glass, 0, sizeof(glass));
    snprintf(glass.by, sizeof(glass.by), "%s", o->by);
    snprintf(glass.reason, sizeof(glass.reason), "%s",
             o->reason ? o->reason : "");

    if (unlink(path) != 0) {
        if (errno == ENOENT) {
            printf("no break-glass order holds\n");
            return 0;
        }

        return debar_say("%s: %s", path, strerror(errno));
    }

    if (debar_glass_record(o, "ended", &glass) != DEBAR_OK) {
        return DEBAR_EXIT_FAILURE;
    }

    printf("the break-glass order is ended: blocks hold within a second\n");

    return 0;
}


static int
debar_glass_show(debar_glass_opts_t *o)
{
    int            rc;
    char           until[32];
    struct tm      tm;
    debar_glass_t  glass;

    rc = debar_glass_read(o, &glass);

    if (rc == DEBAR_ERROR) {
        return DEBAR_EXIT_FAILURE;
    }

    if (rc == DEBAR_DECLINED || glass.until <= time(NULL)) {
        printf("no break-glass order holds: what the list blocks is refused\n");
        return DEBAR_EXIT_FAILURE;
    }

    strftime(until, sizeof(until), "%Y-%m-%dT%H:%M:%SZ",
             gmtime_r(&glass.until, &tm));

    printf("blocks are suspended until %s, by order of ", until);
    debar_put(stdout, glass.by, strlen(glass.by));
    printf(": ");
    debar_put(stdout, glass.reason, strlen(glass.reason));
    printf("\n");

    return 0;
}


/* DEBAR_DECLINED: there is none. */

static int
debar_glass_read(debar_glass_opts_t *o, debar_glass_t *glass)
{
    char         path[DEBAR_MAX_DIR + 64], text[DEBAR_MAX_GLASS + 1];
    FILE        *f;
    size_t       n;
    const char  *why;

    debar_gateway_path(&o->g, "break-glass", path, sizeof(path));

    f = fopen(path, "re");

    if (f == NULL) {
        if (errno == ENOENT) {
            return DEBAR_DECLINED;
        }

        debar_say("%s: %s", path, strerror(errno));
        return DEBAR_ERROR;
    }

    n = fread(text, 1, sizeof(text), f);
    fclose(f);

    if (debar_glass_parse(glass, text, n, DEBAR_GLASS_TIME, &why) != DEBAR_OK)
    {
        debar_say("%s is no order: %s; --end takes it away", path, why);
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


static int
debar_glass_write(debar_glass_opts_t *o, const debar_glass_t *glass)
{
    int      fd;
    char     path[DEBAR_MAX_DIR + 64], tmp[DEBAR_MAX_DIR + 80],
             text[DEBAR_MAX_GLASS];
    size_t   len;
    ssize_t  n;

    debar_gateway_path(&o->g, "break-glass", path, sizeof(path));
    snprintf(tmp, sizeof(tmp), "%s.XXXXXX", path);

    len = debar_glass_format(text, glass);
    fd = mkstemp(tmp);

    if (fd == -1) {
        debar_say("%s: %s", path, strerror(errno));
        return DEBAR_ERROR;
    }

    n = write(fd, text, len);

    if (n != (ssize_t) len || fchmod(fd, 0644) != 0 || fsync(fd) != 0
        || rename(tmp, path) != 0)
    {
        debar_say("%s: %s", path, strerror(errno));
        close(fd);
        unlink(tmp);
        return DEBAR_ERROR;
    }

    close(fd);

    return DEBAR_OK;
}


/* One write(2), behind a line that somebody left torn. */

static int
debar_glass_record(debar_glass_opts_t *o, const char *state,
    const debar_glass_t *glass)
{
    int               fd;
    char              path[DEBAR_MAX_DIR + 64], line[DEBAR_MAX_RECORD + 1],
                      host[256], last;
    off_t             size;
    size_t            len;
    struct timespec   now;

    debar_gateway_path(&o->g, "audit/audit.jsonl", path, sizeof(path));

    fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0640);

    if (fd == -1) {
        debar_say("%s: %s; an order that is not recorded is not given", path,
                  strerror(errno));
        return DEBAR_ERROR;
    }

    clock_gettime(CLOCK_REALTIME, &now);
    host[0] = '\0';
    (void) gethostname(host, sizeof(host) - 1);
    host[sizeof(host) - 1] = '\0';

    line[0] = '\n';

    len = debar_record_event(line + 1, DEBAR_MAX_RECORD,
                             (int64_t) now.tv_sec * 1000
                             + now.tv_nsec / 1000000,
                             debar_str(host, strlen(host)), "break-glass",
                             state, debar_str(glass->by, strlen(glass->by)),
                             debar_str(glass->reason, strlen(glass->reason)),
                             glass->until);

    size = lseek(fd, 0, SEEK_END);
    last = '\n';

    if (size > 0 && pread(fd, &last, 1, size - 1) != 1) {
        last = '\n';
    }

    if (last == '\n' ? write(fd, line + 1, len) != (ssize_t) len
                     : write(fd, line, len + 1) != (ssize_t) len + 1)
    {
        debar_say("%s: %s; an order that is not recorded is not given", path,
                  errno ? strerror(errno) : "short write");
        close(fd);
        return DEBAR_ERROR;
    }

    if (fsync(fd) != 0 || close(fd) != 0) {
        debar_say("%s: %s", path, strerror(errno));
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}
