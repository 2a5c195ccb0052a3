/*
 * For LD_PRELOAD: of the calls that write to a file system, counted together,
 * number DEBAR_FAIL fails with DEBAR_FAIL_ERRNO, or, where that is 0, kills the
 * process, and DEBAR_FAIL_SAID gets its name.  A write(2) does half of its work
 * before.
 */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>


#define next(name)  ((__typeof__(&name)) dlsym(RTLD_NEXT, #name))


static int
fails(const char *what)
{
    int          fd;
    static int   number;
    const char  *wanted, *said;

    wanted = getenv("DEBAR_FAIL");
    said = getenv("DEBAR_FAIL_SAID");

    if (wanted == NULL || said == NULL || ++number != atoi(wanted)) {
        return 0;
    }

    fd = (int) syscall(SYS_openat, AT_FDCWD, said, O_WRONLY|O_CREAT, 0644);

    if (fd != -1) {
        (void) syscall(SYS_write, fd, what, strlen(what));
        (void) syscall(SYS_close, fd);
    }

    return 1;
}


static int
lost(void)
{
    errno = atoi(getenv("DEBAR_FAIL_ERRNO"));

    if (errno == 0) {
        (void) kill(getpid(), SIGKILL);
    }

    return -1;
}


ssize_t
write(int fd, const void *data, size_t len)
{
    if (fd <= STDERR_FILENO || !fails("write")) {
        return next(write)(fd, data, len);
    }

    (void) !next(write)(fd, data, len / 2);

    return lost();
}


ssize_t
pwrite(int fd, const void *data, size_t len, off_t at)
{
    if (!fails("pwrite")) {
        return next(pwrite)(fd, data, len, at);
    }

    (void) !next(pwrite)(fd, data, len / 2, at);

    return lost();
}


int
unlinkat(int dir, const char *path, int flags)
{
    return fails("unlinkat") ? lost() : next(unlinkat)(dir, path, flags);
}


int
rename(const char *a, const char *b)
{
    return fails("rename") ? lost() : next(rename)(a, b);
}


int
openat(int dir, const char *path, int flags, ...)
{
    mode_t   mode;
    va_list  ap;

    va_start(ap, flags);
    mode = flags & O_CREAT ? va_arg(ap, mode_t) : 0;
    va_end(ap);

    if (flags & O_CREAT && fails("openat")) {
        return lost();
    }

    return next(openat)(dir, path, flags, mode);
}


int
fsync(int fd)
{
    return fails("fsync") ? lost() : next(fsync)(fd);
}


int
fdatasync(int fd)
{
    return fails("fdatasync") ? lost() : next(fdatasync)(fd);
}


int
ftruncate(int fd, off_t len)
{
    return fails("ftruncate") ? lost() : next(ftruncate)(fd, len);
}


int
renameat(int from, const char *a, int to, const char *b)
{
    return fails("renameat") ? lost() : next(renameat)(from, a, to, b);
}


int
mkdirat(int dir, const char *path, mode_t mode)
{
    return fails("mkdirat") ? lost() : next(mkdirat)(dir, path, mode);
}
