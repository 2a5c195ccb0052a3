/*
 * The folders of a gateway, who owns them, and which user its workers are.
 */

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway_init.h"


static void debar_init_user(debar_init_t *in);
static int debar_init_may_enter(const debar_init_t *in);


int
debar_init_modules(debar_init_t *in)
{
    char                      folder[PATH_MAX], try[PATH_MAX + 64],
                              real[PATH_MAX];
    size_t                    i;
    debar_fault_t             fault;
    static const char *const  places[] = {
        "%s",                                    /* as built */
        "%s/../lib/nginx/modules",               /* as installed */
        "/usr/lib/nginx/modules",
    };

    if (debar_binary_folder(folder, sizeof(folder), &fault) != DEBAR_OK) {
        debar_say("%s", fault.text);
        return DEBAR_ERROR;
    }

    for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (i < 2) {
            snprintf(in->modules, sizeof(in->modules), "%s%s", folder,
                     places[i] + 2);

        } else {
            snprintf(in->modules, sizeof(in->modules), "%s", places[i]);
        }

        snprintf(try, sizeof(try), "%.*s/ngx_http_debar_module.so",
                 (int) sizeof(real), in->modules);

        if (access(try, R_OK) == 0 && realpath(in->modules, real)) {
            snprintf(in->modules, sizeof(in->modules), "%s", real);
            return DEBAR_OK;
        }
    }

    debar_say("ngx_http_debar_module.so is neither in %s nor in "
              "/usr/lib/nginx/modules: `make` builds it, `make install` puts "
              "it there", folder);

    return DEBAR_ERROR;
}


int
debar_init_folders(debar_init_t *in)
{
    char                path[DEBAR_MAX_DIR + 64];
    struct stat         st;
    struct sockaddr_un  sun;

    if (mkdir(in->dir, 0755) != 0 && errno != EEXIST) {
        debar_say("%s: %s", in->dir, strerror(errno));
        return DEBAR_ERROR;
    }

    if (realpath(in->dir, in->g.path) == NULL || stat(in->g.path, &st) != 0
        || !S_ISDIR(st.st_mode))
    {
        debar_say("%s: %s", in->dir, errno ? strerror(errno)
                                           : "is no folder");
        return DEBAR_ERROR;
    }

    /* nginx.conf quotes the path, in which these have a meaning */

    if (strpbrk(in->g.path, "\"\\$\n\r")) {
        debar_say("%s: nginx.conf cannot hold a path with \" \\ $ or a line "
                  "end: choose another folder", in->g.path);
        return DEBAR_ERROR;
    }

    debar_gateway_path(&in->g, "run/status.sock", path, sizeof(path));

    if (strlen(path) >= sizeof(sun.sun_path)) {
        debar_say("%s: the path of a socket has at most %zu bytes: choose a "
                  "folder with a shorter one", path, sizeof(sun.sun_path) - 1);
        return DEBAR_ERROR;
    }

    debar_init_user(in);

    /*
     * The folder is the gateway's own.  Workers pass through it to the list
     * and watch it, and inotify watches only what may be read.
     */

    if (geteuid() == 0 && (st.st_mode & 0055) != 0055
        && chmod(in->g.path, (st.st_mode & 07777) | 0055) != 0)
    {
        debar_say("%s: %s", in->g.path, strerror(errno));
        return DEBAR_ERROR;
    }

    if (debar_init_folder(in, "audit", 0750, in->gid) != DEBAR_OK
        || debar_init_folder(in, "logs", 0750, in->gid) != DEBAR_OK
        || debar_init_folder(in, "tmp", 0750, in->gid) != DEBAR_OK
        || debar_init_folder(in, "run", 0750, in->gid) != DEBAR_OK
        || debar_init_folder(in, "ca", 0755, 0) != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


int
debar_init_folder(const debar_init_t *in, const char *name, mode_t mode,
    gid_t gid)
{
    char  path[DEBAR_MAX_DIR + 64];

    debar_gateway_path(&in->g, name, path, sizeof(path));

    if (mkdir(path, mode) != 0) {
        if (errno == EEXIST) {
            return DEBAR_OK;
        }

        debar_say("%s: %s", path, strerror(errno));
        return DEBAR_ERROR;
    }

    /* at a reopening (USR1) workers open their files themselves */

    if (chmod(path, mode) != 0
        || (geteuid() == 0 && chown(path, 0, gid) != 0))
    {
        debar_say("%s: %s", path, strerror(errno));
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


static void
debar_init_user(debar_init_t *in)
{
    size_t                    i;
    struct passwd            *pw;
    static const char *const  names[] = { "www-data", "nginx", "nobody" };

    in->uid = geteuid();
    in->gid = getegid();

    if (geteuid() != 0) {
        snprintf(in->directive, sizeof(in->directive),
                 "# Started by a user other than root: workers run as that "
                 "user.");

        if (in->user) {
            debar_say("--user has no effect: only root can give workers "
                      "another user");
        }

        return;
    }

    pw = in->user ? getpwnam(in->user) : NULL;

    for (i = 0; pw == NULL && i < sizeof(names) / sizeof(names[0]); i++) {
        pw = getpwnam(names[i]);
    }

    if (pw == NULL) {
        pw = getpwuid(0);
    }

    if (pw) {
        in->uid = pw->pw_uid;
        in->gid = pw->pw_gid;
    }

    /* a list behind a folder that is closed to the workers is no list */

    if (in->user == NULL && in->uid && !debar_init_may_enter(in)) {
        debar_say("%s cannot enter %s: workers will run as root.  Better: a "
                  "folder that all may enter, such as /etc/debar, or chmod "
                  "o+x on the folders above", pw->pw_name, in->g.path);
        in->uid = 0;
        in->gid = 0;
        pw = getpwuid(0);
    }

    snprintf(in->directive, sizeof(in->directive), "user %.64s;",
             pw ? pw->pw_name : "root");
}


static int
debar_init_may_enter(const debar_init_t *in)
{
    int    status;
    char  *slash, parent[DEBAR_MAX_DIR];
    pid_t  pid;

    snprintf(parent, sizeof(parent), "%s", in->g.path);
    slash = strrchr(parent, '/');

    if (slash == NULL || slash == parent) {
        return 1;
    }

    *slash = '\0';
    fflush(NULL);
    pid = fork();

    if (pid == 0) {
        if (setgroups(1, &in->gid) != 0 || setgid(in->gid) != 0
            || setuid(in->uid) != 0)
        {
            _exit(0);
        }

        _exit(access(parent, X_OK) == 0 ? 0 : 1);
    }

    return pid < 0 || waitpid(pid, &status, 0) != pid || status == 0;
}
