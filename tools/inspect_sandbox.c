/*
 * What a process that reads somebody's file may still do.
 */

#include <errno.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>
#include <archive.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "inspect.h"


static int debar_inspect_limit(int resource, uint64_t n);
static int debar_inspect_filter(void);
static int debar_inspect_ignore(void *data, const debar_found_t *found);


/*
 * Descriptors that are open can be read and written; nothing can be opened, no
 * socket made, no process started, no memory made executable.
 */

static const int  debar_inspect_calls[] = {
    SCMP_SYS(read), SCMP_SYS(pread64), SCMP_SYS(readv), SCMP_SYS(preadv),
    SCMP_SYS(write), SCMP_SYS(pwrite64), SCMP_SYS(writev),
    SCMP_SYS(lseek), SCMP_SYS(ftruncate), SCMP_SYS(close),
    SCMP_SYS(recvfrom), SCMP_SYS(sendto),
    SCMP_SYS(poll), SCMP_SYS(ppoll),
    SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(brk), SCMP_SYS(madvise),
    SCMP_SYS(futex), SCMP_SYS(getrandom), SCMP_SYS(getpid), SCMP_SYS(gettid),
    SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(time),
    SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(alarm), SCMP_SYS(setitimer), SCMP_SYS(restart_syscall),
    SCMP_SYS(sched_yield), SCMP_SYS(exit), SCMP_SYS(exit_group)
};

/* What libraries try by the way and can do without: told that it is forbidden,
 * where everything else ends the process. */

static const int  debar_inspect_denied[] = {
    SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(stat), SCMP_SYS(lstat),
    SCMP_SYS(newfstatat), SCMP_SYS(statx), SCMP_SYS(access),
    SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(readlink),
    SCMP_SYS(readlinkat), SCMP_SYS(getcwd), SCMP_SYS(ioctl), SCMP_SYS(fcntl),
    SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getegid),
    SCMP_SYS(sysinfo), SCMP_SYS(uname), SCMP_SYS(sched_getaffinity),
    SCMP_SYS(umask)
};


int
debar_inspect_sandbox(unsigned megabytes, unsigned seconds, uint64_t out)
{
    /* the sanitizer's shadow is larger than any limit */

#ifndef __SANITIZE_ADDRESS__
    if (debar_inspect_limit(RLIMIT_AS, (uint64_t) megabytes << 20)
        != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }
#endif

    if (debar_inspect_limit(RLIMIT_FSIZE, out) != DEBAR_OK
        || debar_inspect_limit(RLIMIT_CPU, seconds) != DEBAR_OK
        || debar_inspect_limit(RLIMIT_NPROC, 0) != DEBAR_OK
        || debar_inspect_limit(RLIMIT_CORE, 0) != DEBAR_OK
        || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1
        || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
    {
        return DEBAR_ERROR;
    }

    return debar_inspect_filter();
}


static int
debar_inspect_limit(int resource, uint64_t n)
{
    struct rlimit  limit;

    if (getrlimit(resource, &limit) == -1) {
        return DEBAR_ERROR;
    }

    if (limit.rlim_max != RLIM_INFINITY && n > limit.rlim_max) {
        n = limit.rlim_max;
    }

    limit.rlim_cur = n;
    limit.rlim_max = n;

    return setrlimit(resource, &limit) == -1 ? DEBAR_ERROR : DEBAR_OK;
}


static int
debar_inspect_filter(void)
{
    int              rc;
    size_t           i;
    scmp_filter_ctx  ctx;

    ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (ctx == NULL) {
        return DEBAR_ERROR;
    }

    rc = 0;

    for (i = 0; i < sizeof(debar_inspect_calls) / sizeof(int); i++) {
        rc |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, debar_inspect_calls[i], 0);
    }

    for (i = 0; i < sizeof(debar_inspect_denied) / sizeof(int); i++) {
        rc |= seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EACCES),
                               debar_inspect_denied[i], 0);
    }

    /* fstat() of what is open: by number and by newfstatat(fd, "", ..., above */

    rc |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(fstat), 0);

    /* memory, of no file and never executable */

    rc |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 2,
                           SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0),
                           SCMP_A3(SCMP_CMP_MASKED_EQ,
                                   MAP_ANONYMOUS|MAP_SHARED, MAP_ANONYMOUS));
    rc |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                           SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));

    if (rc == 0) {
        rc = seccomp_load(ctx);
    }

    seccomp_release(ctx);

    return rc == 0 ? DEBAR_OK : DEBAR_ERROR;
}


static int
debar_inspect_ignore(void *data, const debar_found_t *found)
{
    return DEBAR_OK;
}


/*
 * Modules of character sets, providers of digests, tables: each is used once by
 * the supervisor, and comes along with every child.
 */

void
debar_inspect_warm(void)
{
    unsigned              i;
    unsigned char         byte;
    struct archive       *a;
    debar_str_t           bytes;
    debar_file_source_t   src;

    static const char  *digests[] = {
        "MD5", "SHA1", "SHA224", "SHA256", "SHA384", "SHA512"
    };

    for (i = 0; i < sizeof(digests) / sizeof(digests[0]); i++) {
        EVP_MD_free(EVP_MD_fetch(NULL, digests[i], NULL));
        (void) EVP_get_digestbyname(digests[i]);
    }

    (void) RAND_bytes(&byte, 1);

    a = archive_read_new();

    if (a != NULL) {
        (void) archive_read_support_filter_all(a);
        (void) archive_read_support_format_all(a);
        (void) archive_read_free(a);
    }

    /* the driver itself, over nothing */

    bytes = debar_str("#!", 2);
    debar_file_memory(&src, &bytes);
    (void) debar_file_read(&src, NULL, NULL, NULL, debar_inspect_ignore, NULL);
}
