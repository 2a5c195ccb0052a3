/*
 * For LD_PRELOAD: of the calls that write to a file system, counted together,
 * number DEBAR_FAIL fails with DEBAR_FAIL_ERRNO, and DEBAR_FAIL_SAID gets its
 * name.  A write(2) does half of its work before.
 */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
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

    errno = atoi(getenv("DEBAR_FAIL_ERRNO"));

    return 1;
}


ssize_t
write(int fd, const void *data, size_t len)
{
    int  error;

    if (fd <= STDERR_FILENO || !fails("write")) {
        return next(write)(fd, data, len);
    }

    error = errno;
    (void) next(write)(fd, data, len / 2);
    errno = error;

    return -1;
}


ssize_t
pwrite(int fd, const void *data, size_t len, off_t at)
{
    int  error;

    if (!fails("pwrite")) {
        return next(pwrite)(fd, data, len, at);
    }

    error = errno;
    (void) next(pwrite)(fd, data, len / 2, at);
    errno = error;

    return -1;
}


int
unlinkat(int dir, const char *path, int flags)
{
    return fails("unlinkat") ? -1 : next(unlinkat)(dir, path, flags);
}


int
rename(const char *a, const char *b)
{
    return fails("rename") ? -1 : next(rename)(a, b);
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
        return -1;
    }

    return next(openat)(dir, path, flags, mode);
}


int
fsync(int fd)
{
    return fails("fsync") ? -1 : next(fsync)(fd);
}


int
fdatasync(int fd)
{
    return fails("fdatasync") ? -1 : next(fdatasync)(fd);
}


int
ftruncate(int fd, off_t len)
{
    return fails("ftruncate") ? -1 : next(ftruncate)(fd, len);
}


int
renameat(int from, const char *a, int to, const char *b)
{
    return fails("renameat") ? -1 : next(renameat)(from, a, to, b);
}


int
mkdirat(int dir, const char *path, mode_t mode)
{
    return fails("mkdirat") ? -1 : next(mkdirat)(dir, path, mode);
}
