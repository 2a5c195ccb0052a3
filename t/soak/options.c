/*
 * How nginx under sanitizers reports: linked into it, because nginx clears its
 * environment, and a binary after an upgrade would have none of this.
 */

#include <fcntl.h>
#include <string.h>
#include <unistd.h>


const char *__asan_default_options(void);
const char *__lsan_default_suppressions(void);
int __lsan_is_turned_off(void);


/* Each module has a table of the names that nginx has: no fault. */

const char *
__asan_default_options(void)
{
    return "detect_odr_violation=0:detect_stack_use_after_return=1";
}


/*
 * What nginx itself does not free: the master, the parts of a pattern, and a
 * worker's tables of connections and events.
 */

const char *
__lsan_default_suppressions(void)
{
    return "leak:ngx_init_setproctitle\n"
           "leak:ngx_save_argv\n"
           "leak:ngx_regex_malloc\n"
           "leak:ngx_event_process_init\n";
}


/* "nginx -t" ends without freeing what a fault left. */

int
__lsan_is_turned_off(void)
{
    int      fd;
    char     line[4096];
    ssize_t  n;

    fd = open("/proc/self/cmdline", O_RDONLY);
    if (fd == -1) {
        return 0;
    }

    n = read(fd, line, sizeof(line));
    close(fd);

    return n > 0 && memmem(line, (size_t) n, "\0-t", 4) != NULL;
}
