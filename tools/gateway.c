/*
 * debar gateway: the folder of a gateway, and its nginx started, stopped and
 * reloaded.
 */

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools.h"


#define DEBAR_MAX_LISTEN    16
#define DEBAR_START_MS   10000
#define DEBAR_QUIT_MS     8000    /* more than worker_shutdown_timeout */
#define DEBAR_TERM_MS     4000


typedef struct {
    char      text[DEBAR_MAX_LISTEN][64];
    unsigned  tls[DEBAR_MAX_LISTEN];
    unsigned  n;
} debar_listens_t;


static int debar_gateway_start(int argc, char **argv);
static int debar_gateway_stop(int argc, char **argv);
static int debar_gateway_reload(int argc, char **argv);
static int debar_gateway_args(debar_gateway_t *g, const char *command,
    const char *help, int argc, char **argv);
static int debar_gateway_wait(const debar_gateway_t *g, long pid,
    const debar_listens_t *listens);
static void debar_gateway_listens(const debar_gateway_t *g,
    debar_listens_t *listens);
static int debar_gateway_answers(const char *listen);
static off_t debar_gateway_log_end(const debar_gateway_t *g);
static void debar_gateway_log_tail(const debar_gateway_t *g, off_t from);
static size_t debar_gateway_workers(long pid, long *workers, size_t max);
static int debar_gateway_gone(const debar_gateway_t *g, long pid, int ms);


static const char  debar_gateway_help[] =
    "usage: debar gateway init DIR [options]\n"
    "       debar gateway start|stop|reload|status DIR\n"
    "       debar gateway pac DIR [options]\n"
    "\n"
    "A gateway is a folder: DIR/nginx.conf DIR/list.mdb DIR/audit/audit.jsonl\n"
    "DIR/logs/ DIR/run/ DIR/ca/.\n";

static const char  debar_start_help[] =
    "usage: debar gateway start DIR\n"
    "\n"
    "Starts the gateway and waits until it answers.  Where nginx.conf inspects,\n"
    "`debar sign` is started first, the process that holds the CA's key; where\n"
    "only that has ended, it is started again.  The environment variable\n"
    "DEBAR_NGINX names another nginx than that of the PATH.\n"
    "\n"
    "Exit: 0 it runs, 1 it does not (stderr says why), 2 usage.\n";

static const char  debar_stop_help[] =
    "usage: debar gateway stop DIR\n"
    "\n"
    "Stops the gateway: requests that are under way may end, then it goes.\n"
    "\n"
    "Exit: 0 it does not run any more, 1 failure, 2 usage.\n";

static const char  debar_reload_help[] =
    "usage: debar gateway reload DIR\n"
    "\n"
    "Checks DIR/nginx.conf and lets new workers take it up.  A new list needs\n"
    "no reload.  A signer or inspector that is needed and does not\n"
    "run is started.\n"
    "\n"
    "Exit: 0 reloaded, 1 failure (the old configuration goes on), 2 usage.\n";


static const debar_command_t  debar_gateway_commands[] = {
    { "init",   debar_gateway_init,   "make the folder of a gateway" },
    { "start",  debar_gateway_start,  "start it and wait until it answers" },
    { "stop",   debar_gateway_stop,   "let requests end, then stop it" },
    { "reload", debar_gateway_reload, "take up an edited nginx.conf" },
    { "status", debar_gateway_status, "list in force, counters, workers" },
    { "break-glass", debar_gateway_glass, "let through for a time, recorded" },
    { "pac",    debar_gateway_pac,    "proxy auto-configuration for clients" },
    { NULL, NULL, NULL }
};


int
debar_gateway_command(int argc, char **argv)
{
    return debar_dispatch("debar gateway", debar_gateway_help,
                          debar_gateway_commands, argc, argv);
}


static int
debar_gateway_start(int argc, char **argv)
{
    int               rc;
    long              pid;
    char              path[DEBAR_MAX_DIR + 64];
    off_t             from;
    unsigned          i;
    debar_buf_t       out;
    debar_gateway_t   g;
    debar_listens_t   listens;

    rc = debar_gateway_args(&g, "debar gateway start", debar_start_help, argc,
                            argv);
    if (rc != -1) {
        return rc;
    }

    if (debar_beside_start_all(&g) != DEBAR_OK) {
        return DEBAR_EXIT_FAILURE;
    }

    pid = debar_gateway_pid(&g);
    if (pid) {
        printf("%s runs already (pid %ld)\n", g.path, pid);
        return 0;
    }

    /* a socket file that a killed nginx left would be "in use" */

    debar_gateway_path(&g, "run/status.sock", path, sizeof(path));
    (void) unlink(path);

    memset(&out, 0, sizeof(out));
    from = debar_gateway_log_end(&g);
    rc = debar_gateway_nginx(&g, NULL, &out);

    if (rc != 0) {
        debar_gateway_tell(&out);
        debar_buf_free(&out);
        (void) debar_beside_stop_all(&g);
        return debar_say("%s was not started", g.path);
    }

    debar_gateway_tell(&out);                    /* warnings */
    debar_buf_free(&out);
    debar_gateway_listens(&g, &listens);

    if (debar_gateway_wait(&g, debar_gateway_pid(&g), &listens) != DEBAR_OK) {
        debar_gateway_log_tail(&g, from);
        return debar_say("%s does not answer; its log is %s/logs/error.log",
                         g.path, g.path);
    }

    printf("%s runs (pid %ld), listening on", g.path, debar_gateway_pid(&g));

    for (i = 0; i < listens.n; i++) {
        printf(" %s", listens.text[i]);
    }

    printf("\n");

    return 0;
}


static int
debar_gateway_stop(int argc, char **argv)
{
    int              rc;
    long             pid;
    debar_gateway_t  g;

    rc = debar_gateway_args(&g, "debar gateway stop", debar_stop_help, argc,
                            argv);
    if (rc != -1) {
        return rc;
    }

    pid = debar_gateway_pid(&g);
    if (pid == 0) {
        if (debar_beside_stop_all(&g) != DEBAR_OK) {
            return DEBAR_EXIT_FAILURE;
        }

        printf("%s does not run\n", g.path);
        return 0;
    }

    if (kill((pid_t) pid, SIGQUIT) != 0) {
        return debar_say("cannot stop pid %ld: %s", pid, strerror(errno));
    }

    if (!debar_gateway_gone(&g, pid, DEBAR_QUIT_MS)) {
        (void) kill((pid_t) pid, SIGTERM);

        if (!debar_gateway_gone(&g, pid, DEBAR_TERM_MS)) {
            return debar_say("pid %ld does not end; its log is "
                             "%s/logs/error.log", pid, g.path);
        }
    }

    if (debar_beside_stop_all(&g) != DEBAR_OK) {
        return DEBAR_EXIT_FAILURE;
    }

    printf("%s is stopped\n", g.path);

    return 0;
}


static int
debar_gateway_reload(int argc, char **argv)
{
    int              i, rc;
    long             pid, old[512], now[512];
    size_t           j, k, nold, nnow;
    debar_buf_t      out;
    debar_gateway_t  g;

    rc = debar_gateway_args(&g, "debar gateway reload", debar_reload_help,
                            argc, argv);
    if (rc != -1) {
        return rc;
    }

    pid = debar_gateway_pid(&g);
    if (pid == 0) {
        return debar_say("%s does not run: debar gateway start %s", g.path,
                         g.path);
    }

    memset(&out, 0, sizeof(out));
    rc = debar_gateway_nginx(&g, "-t", &out);

    if (rc != 0) {
        debar_gateway_tell(&out);
        debar_buf_free(&out);
        return debar_say("%s goes on as it was", g.path);
    }

    debar_buf_free(&out);

    if (debar_beside_start_all(&g) != DEBAR_OK) {
        return debar_say("%s goes on as it was", g.path);
    }

    nold = debar_gateway_workers(pid, old, sizeof(old) / sizeof(old[0]));

    if (kill((pid_t) pid, SIGHUP) != 0) {
        return debar_say("cannot signal pid %ld: %s", pid, strerror(errno));
    }

    /* it is in effect when there is a worker that was not there before */

    for (i = 0; nold && i < DEBAR_START_MS / 20; i++) {
        nnow = debar_gateway_workers(pid, now, sizeof(now) / sizeof(now[0]));

        for (j = 0; j < nnow; j++) {
            for (k = 0; k < nold && old[k] != now[j]; k++) { /* void */ }

            if (k == nold) {
                printf("%s is reloaded\n", g.path);
                return 0;
            }
        }

        debar_nap();
    }

    if (nold == 0) {
        printf("%s was told to reload\n", g.path);
        return 0;
    }

    return debar_say("%s started no new worker; its log is "
                     "%s/logs/error.log", g.path, g.path);
}


static int
debar_gateway_args(debar_gateway_t *g, const char *command, const char *help,
    int argc, char **argv)
{
    int                         c;
    static const struct option  options[] = {
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 }
    };

    opterr = 0;

    while ((c = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
        if (c == 'h') {
            fputs(help, stdout);
            return 0;
        }

        return debar_bad_option(command, c, argv);
    }

    if (argc - optind != 1) {
        return debar_usage(command, "name the folder of one gateway");
    }

    return debar_gateway_find(g, argv[optind]) == DEBAR_OK
           ? -1 : DEBAR_EXIT_FAILURE;
}


int
debar_gateway_find(debar_gateway_t *g, const char *dir)
{
    char         conf[DEBAR_MAX_DIR + 64];
    struct stat  st;

    if (realpath(dir, g->path) == NULL) {
        debar_say("%s: %s; debar gateway init %s makes it", dir,
                  strerror(errno), dir);
        return DEBAR_ERROR;
    }

    debar_gateway_path(g, "nginx.conf", conf, sizeof(conf));

    if (stat(conf, &st) != 0) {
        debar_say("%s: %s; debar gateway init %s makes it", conf,
                  strerror(errno), dir);
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


void
debar_gateway_path(const debar_gateway_t *g, const char *name, char *out,
    size_t size)
{
    snprintf(out, size, "%s/%s", g->path, name);
}


long
debar_gateway_pid(const debar_gateway_t *g)
{
    return debar_gateway_pid_file(g, "run/nginx.pid", "nginx: master");
}


long
debar_gateway_pid_file(const debar_gateway_t *g, const char *name,
    const char *has)
{
    long     pid;
    char     path[DEBAR_MAX_DIR + 64], line[DEBAR_MAX_DIR * 2];
    FILE    *f;
    size_t   i, n;

    debar_gateway_path(g, name, path, sizeof(path));

    f = fopen(path, "re");
    if (f == NULL) {
        return 0;
    }

    n = fread(line, 1, sizeof(line) - 1, f);
    line[n] = '\0';
    fclose(f);

    pid = strtol(line, NULL, 10);

    if (pid <= 1 || pid > INT_MAX
        || (kill((pid_t) pid, 0) != 0 && errno != EPERM))
    {
        return 0;
    }

    /* the number may have gone to another process since */

    snprintf(path, sizeof(path), "/proc/%ld/cmdline", pid);

    f = fopen(path, "re");
    if (f == NULL) {
        return pid;
    }

    n = fread(line, 1, sizeof(line) - 1, f);
    line[n] = '\0';
    fclose(f);

    for (i = 0; i < n; i++) {
        if (line[i] == '\0') {
            line[i] = ' ';
        }
    }

    return strstr(line, has) && strstr(line, g->path) ? pid : 0;
}


/*
 * The whole path: nginx starts itself anew by its argv[0] when its binary is
 * upgraded (SIGUSR2), and does not look in PATH then.
 */

static void
debar_gateway_binary(char *path, size_t size)
{
    int          n;
    const char  *p, *end;

    p = getenv("DEBAR_NGINX");

    if (p && *p) {
        snprintf(path, size, "%s", p);
        return;
    }

    for (p = getenv("PATH"); p && *p; p = *end ? end + 1 : end) {
        end = strchrnul(p, ':');

        n = snprintf(path, size, "%.*s/nginx", (int) (end - p), p);

        if (p[0] == '/' && n > 0 && (size_t) n < size
            && access(path, X_OK) == 0)
        {
            return;
        }
    }

    snprintf(path, size, "/usr/sbin/nginx");
}


int
debar_gateway_nginx(const debar_gateway_t *g, const char *argument,
    debar_buf_t *out)
{
    int          n;
    char         conf[DEBAR_MAX_DIR + 64], log[DEBAR_MAX_DIR + 64],
                 prefix[DEBAR_MAX_DIR + 64], binary[DEBAR_MAX_DIR];
    const char  *argv[10];

    debar_gateway_binary(binary, sizeof(binary));
    debar_gateway_path(g, "nginx.conf", conf, sizeof(conf));
    debar_gateway_path(g, "logs/error.log", log, sizeof(log));
    debar_gateway_path(g, "", prefix, sizeof(prefix));

    n = 0;
    argv[n++] = binary;
    argv[n++] = "-e";
    argv[n++] = log;
    argv[n++] = "-p";
    argv[n++] = prefix;
    argv[n++] = "-c";
    argv[n++] = conf;

    if (argument) {
        argv[n++] = argument;
    }

    argv[n] = NULL;

    return debar_gateway_run(argv, out);
}


int
debar_gateway_run(const char **argv, debar_buf_t *out)
{
    int      status;
    char     block[4096];
    FILE    *f;
    pid_t    pid;
    size_t   got;

    /* a file: a daemon would hold the other end of a pipe */

    f = tmpfile();
    if (f == NULL) {
        debar_say("cannot make a temporary file: %s", strerror(errno));
        return -1;
    }

    fflush(stdout);
    pid = fork();

    if (pid == 0) {
        dup2(fileno(f), STDOUT_FILENO);
        dup2(fileno(f), STDERR_FILENO);
        execv(argv[0], (char *const *) argv);

        fprintf(stderr, "%s: %s%s\n", argv[0], strerror(errno),
                strstr(argv[0], "nginx")
                ? "; install nginx, or name it in DEBAR_NGINX" : "");
        _exit(127);
    }

    if (pid < 0 || waitpid(pid, &status, 0) != pid) {
        debar_say("cannot run %s: %s", argv[0], strerror(errno));
        fclose(f);
        return -1;
    }

    rewind(f);

    while ((got = fread(block, 1, sizeof(block), f)) > 0) {
        debar_buf_add(out, block, got);
    }

    fclose(f);

    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}


void
debar_gateway_tell(const debar_buf_t *out)
{
    unsigned     lines;
    const char  *p, *end, *eol;

    p = out->data;
    end = p + out->len;

    for (lines = 0; p < end && lines < 20; lines++) {
        eol = memchr(p, '\n', (size_t) (end - p));
        eol = eol ? eol : end;

        debar_put(stderr, p, (size_t) (eol - p));
        fputc('\n', stderr);
        p = eol + 1;
    }
}


/*
 * Every TCP listener must take a connection, and a worker must answer on the
 * status socket where there is one: the master alone takes connections too.
 */

static int
debar_gateway_wait(const debar_gateway_t *g, long pid,
    const debar_listens_t *listens)
{
    int          i;
    char         path[DEBAR_MAX_DIR + 64];
    unsigned     up;
    debar_buf_t  report;

    memset(&report, 0, sizeof(report));
    debar_gateway_path(g, "run/status.sock", path, sizeof(path));

    for (up = 0, i = 0; i < DEBAR_START_MS / 20; i++) {

        if (pid == 0) {
            pid = debar_gateway_pid(g);

        } else if (kill((pid_t) pid, 0) != 0) {
            return DEBAR_ERROR;
        }

        while (up < listens->n && debar_gateway_answers(listens->text[up])) {
            up++;
        }

        if (pid && up == listens->n
            && (access(path, F_OK) != 0
                || debar_gateway_report(g, &report) == DEBAR_OK))
        {
            debar_buf_free(&report);
            return DEBAR_OK;
        }

        debar_nap();
    }

    debar_buf_free(&report);

    return DEBAR_ERROR;
}


/* The TCP listeners as nginx.conf names them. */

static void
debar_gateway_listens(const debar_gateway_t *g, debar_listens_t *listens)
{
    char     path[DEBAR_MAX_DIR + 64], *line, *p;
    FILE    *f;
    size_t   n, size;

    listens->n = 0;
    debar_gateway_path(g, "nginx.conf", path, sizeof(path));

    f = fopen(path, "re");
    if (f == NULL) {
        return;
    }

    line = NULL;
    size = 0;

    while (getline(&line, &size, f) != -1 && listens->n < DEBAR_MAX_LISTEN) {
        p = line + strspn(line, " \t");

        if (strncmp(p, "listen", 6) != 0 || !isspace((unsigned char) p[6])) {
            continue;
        }

        p += 6;
        p += strspn(p, " \t\"");
        n = strcspn(p, " \t\";\n");

        if (n == 0 || n >= sizeof(listens->text[0])
            || strncmp(p, "unix:", 5) == 0)
        {
            continue;
        }

        snprintf(listens->text[listens->n], sizeof(listens->text[0]),
                 "%.*s", (int) n, p);
        listens->tls[listens->n++] = strstr(p + n, " ssl") != NULL;
    }

    free(line);
    fclose(f);
}


int
debar_gateway_listen(const debar_gateway_t *g, unsigned tls, char *text,
    size_t size)
{
    unsigned         i;
    debar_listens_t  listens;

    debar_gateway_listens(g, &listens);

    for (i = 0; i < listens.n; i++) {
        if (listens.tls[i] == tls) {
            snprintf(text, size, "%s", listens.text[i]);
            return DEBAR_OK;
        }
    }

    return DEBAR_ERROR;
}


/* "ADDR:PORT", "[ADDR]:PORT", "PORT", "*:PORT"; what cannot be read counts. */

static int
debar_gateway_answers(const char *text)
{
    int               fd, rc;
    char              host[64];
    const char       *port, *colon;
    struct addrinfo   hints, *ai;

    colon = strrchr(text, ':');
    port = colon ? colon + 1 : text;

    snprintf(host, sizeof(host), "%.*s",
             colon ? (int) (colon - text) : 0, text);

    if (host[0] == '[') {
        host[strcspn(host, "]")] = '\0';
        memmove(host, host + 1, strlen(host));
    }

    if (host[0] == '\0' || strcmp(host, "*") == 0
        || strcmp(host, "0.0.0.0") == 0)
    {
        strcpy(host, "127.0.0.1");

    } else if (strcmp(host, "::") == 0) {
        strcpy(host, "::1");
    }

    memset(&hints, 0, sizeof(hints));
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;

    if (getaddrinfo(host, port, &hints, &ai) != 0) {
        return 1;
    }

    fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    rc = fd == -1 ? -1 : connect(fd, ai->ai_addr, ai->ai_addrlen);

    if (fd != -1) {
        close(fd);
    }

    freeaddrinfo(ai);

    return rc == 0;
}


static off_t
debar_gateway_log_end(const debar_gateway_t *g)
{
    char         path[DEBAR_MAX_DIR + 64];
    struct stat  st;

    debar_gateway_path(g, "logs/error.log", path, sizeof(path));

    return stat(path, &st) == 0 ? st.st_size : 0;
}


/* What went wrong since, in nginx's own words. */

static void
debar_gateway_log_tail(const debar_gateway_t *g, off_t from)
{
    char         path[DEBAR_MAX_DIR + 64], *line;
    FILE        *f;
    size_t       size;
    unsigned     lines;

    debar_gateway_path(g, "logs/error.log", path, sizeof(path));

    f = fopen(path, "re");
    if (f == NULL) {
        return;
    }

    line = NULL;
    size = 0;
    (void) fseeko(f, from, SEEK_SET);

    for (lines = 0; lines < 5 && getline(&line, &size, f) != -1; ) {
        if (strstr(line, "[emerg]") || strstr(line, "[alert]")
            || strstr(line, "[crit]") || strstr(line, "[error]"))
        {
            debar_put(stderr, line, strcspn(line, "\n"));
            fputc('\n', stderr);
            lines++;
        }
    }

    free(line);
    fclose(f);
}


static size_t
debar_gateway_workers(long pid, long *workers, size_t max)
{
    char    path[64];
    FILE   *f;
    size_t  n;

    snprintf(path, sizeof(path), "/proc/%ld/task/%ld/children", pid, pid);

    f = fopen(path, "re");
    if (f == NULL) {
        return 0;
    }

    for (n = 0; n < max && fscanf(f, "%ld", &workers[n]) == 1; n++) {
        /* void */
    }

    fclose(f);

    return n;
}


static int
debar_gateway_gone(const debar_gateway_t *g, long pid, int ms)
{
    int  i;

    for (i = 0; i < ms / 20; i++) {
        if (kill((pid_t) pid, 0) != 0 || debar_gateway_pid(g) != pid) {
            return 1;
        }

        debar_nap();
    }

    return 0;
}


void
debar_nap(void)
{
    struct timespec  ts = { 0, 20000000 };

    nanosleep(&ts, NULL);
}
