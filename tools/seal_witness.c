/*
 * Of the sealer: who has its checkpoints cosigned, where DIR/audit/witness says
 * by whom.  That is `debar audit witness ask`, a process without the key, which
 * speaks with others over the network so that the sealer need not.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "seal.h"


#define DEBAR_SEAL_WITNESS  "witness"
#define DEBAR_SEAL_LOOK     2000             /* ms between two looks for it */
#define DEBAR_SEAL_ANEW     30000            /* ms until another is started */
#define DEBAR_SEAL_FOLDER   3                /* its descriptor there */


static void debar_seal_asker(debar_seal_t *s);
static void debar_seal_asker_run(debar_seal_t *s, pid_t parent);


void
debar_seal_witness(debar_seal_t *s)
{
    int          status;
    uint64_t     now;
    struct stat  st;

    now = debar_seal_now();

    if (s->asker > 0 && waitpid(s->asker, &status, WNOHANG) == s->asker) {

        /* one that was ended since the file is another comes again at once */

        s->ask_next = now + (WIFEXITED(status) && WEXITSTATUS(status) == 0
                             ? 0 : DEBAR_SEAL_ANEW);
        s->asker = 0;
    }

    if (now < s->ask_next) {
        return;
    }

    s->ask_next = now + DEBAR_SEAL_LOOK;

    if (fstatat(s->audit_fd, DEBAR_SEAL_WITNESS, &st, AT_SYMLINK_NOFOLLOW) == -1
        || !S_ISREG(st.st_mode))
    {
        debar_seal_witness_end(s);
        return;
    }

    if (s->asker > 0) {

        if (st.st_mtim.tv_sec != s->ask_file.tv_sec
            || st.st_mtim.tv_nsec != s->ask_file.tv_nsec)
        {
            debar_seal_witness_end(s);
        }

        return;
    }

    s->ask_file = st.st_mtim;
    debar_seal_asker(s);
}


/* It asks once more, and ends; nobody waits for it. */

void
debar_seal_witness_end(debar_seal_t *s)
{
    if (s->asker > 0) {
        (void) kill(s->asker, SIGTERM);
    }
}


static void
debar_seal_asker(debar_seal_t *s)
{
    pid_t  pid, parent;

    parent = getpid();
    pid = fork();

    if (pid == 0) {
        debar_seal_asker_run(s, parent);
        _exit(1);
    }

    if (pid == -1) {
        (void) debar_service_log(&s->service, "witnesses are not asked: %s",
                                 strerror(errno));
        return;
    }

    s->asker = pid;
}


/* What it inherits: the folder, and the log as its stderr. */

static void
debar_seal_asker_run(debar_seal_t *s, pid_t parent)
{
    int       fd;
    char      number[16];
    sigset_t  none;

    static const char *const  every = "1m";

    prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);

    if (getppid() != parent) {
        return;
    }

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);

    fd = open("/dev/null", O_RDWR|O_CLOEXEC);

    if (fd == -1 || dup2(fd, STDIN_FILENO) == -1
        || dup2(fd, STDOUT_FILENO) == -1
        || (s->service.log_fd != STDERR_FILENO
            && dup2(s->service.log_fd, STDERR_FILENO) == -1))
    {
        return;
    }

    /* its own number may be that one: then it would keep its flag */

    fd = fcntl(s->audit_fd, F_DUPFD, DEBAR_SEAL_FOLDER + 1);

    if (fd == -1 || dup2(fd, DEBAR_SEAL_FOLDER) == -1) {
        return;
    }

    closefrom(DEBAR_SEAL_FOLDER + 1);
    snprintf(number, sizeof(number), "%d", DEBAR_SEAL_FOLDER);

    execl("/proc/self/exe", "debar", "audit", "witness", "ask", s->path,
          "--every", every, "--folder-fd", number, (char *) NULL);

    debar_say("witnesses are not asked: %s", strerror(errno));
}
