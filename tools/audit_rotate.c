/*
 * debar audit rotate: asks the sealer that runs for a new file.
 */

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>
#include <jansson.h>

#include "audit.h"


#define DEBAR_ROTATE_MS  15000


static int debar_rotate_ask(const char *path, const char *ask, json_t **says,
    debar_fault_t *fault);
static int debar_rotate_wait(const char *path, uint64_t *file,
    debar_fault_t *fault);


static const char  debar_rotate_help[] =
    "usage: debar audit rotate DIR [options]\n"
    "\n"
    "Has the sealer that runs rotate the log in DIR (DIR/audit of a gateway),\n"
    "and waits until the file is closed.\n"
    "\n"
    "      --socket PATH  of the sealer; default DIR/../run/seal.sock\n"
    "      --json         say the outcome as one JSON object\n"
    "  -h, --help         this text\n"
    "\n"
    "Exit: 0 rotated, 1 not (stderr says why), 2 usage.\n";


int
debar_audit_rotate(int argc, char **argv)
{
    int                         c, json;
    char                        path[DEBAR_MAX_DIR + 64],
                                name[DEBAR_SEALED_NAME];
    uint64_t                    file;
    const char                 *given;
    debar_audit_t               a;
    debar_fault_t               fault;
    static const struct option  options[] = {
        { "socket", required_argument, NULL, 's' },
        { "json",   no_argument,       NULL, 'j' },
        { "help",   no_argument,       NULL, 'h' },
        { NULL, 0, NULL, 0 }
    };

    json = 0;
    given = NULL;
    opterr = 0;

    while ((c = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
        switch (c) {
        case 's':
            given = optarg;
            break;
        case 'j':
            json = 1;
            break;
        case 'h':
            fputs(debar_rotate_help, stdout);
            return 0;
        default:
            return debar_bad_option("debar audit rotate", c, argv);
        }
    }

    if (argc - optind != 1) {
        return debar_usage("debar audit rotate",
                           "name the folder of one audit log");
    }

    if (debar_audit_find(&a, argv[optind], &fault) != DEBAR_OK) {
        return debar_say("%s", fault.text);
    }

    debar_audit_path(&a, "../run/seal.sock", path, sizeof(path));

    if (debar_rotate_wait(given ? given : path, &file, &fault) != DEBAR_OK) {
        return debar_say("%s", fault.text);
    }

    debar_sealed_file_name(name, file);

    if (json) {
        printf("{\"ok\":true,\"file\":\"%s\"}\n", name);

    } else {
        printf("%s/%s is closed\n", a.path, name);
    }

    return 0;
}


static int
debar_rotate_wait(const char *path, uint64_t *file, debar_fault_t *fault)
{
    int       i, busy;
    json_t   *says;
    uint64_t  now;

    if (debar_rotate_ask(path, "", &says, fault) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    *file = (uint64_t) json_integer_value(json_object_get(says, "file"));
    json_decref(says);

    if (debar_rotate_ask(path, "rotate\n", &says, fault) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    for (i = 0; i < DEBAR_ROTATE_MS / 20; i++) {

        now = (uint64_t) json_integer_value(json_object_get(says, "file"));
        busy = json_is_true(json_object_get(says, "rotating"));
        json_decref(says);

        if (now != *file) {
            return DEBAR_OK;
        }

        if (!busy) {
            debar_fault(fault, "the log has no sealed line since it was rotated "
                        "last, or you may not ask: only root may, and who the "
                        "sealer runs as");
            return DEBAR_ERROR;
        }

        debar_nap();

        if (debar_rotate_ask(path, "", &says, fault) != DEBAR_OK) {
            return DEBAR_ERROR;
        }
    }

    json_decref(says);
    debar_fault(fault, "the file is not closed yet: somebody still writes to "
                "it; the sealer goes on waiting");

    return DEBAR_ERROR;
}


static int
debar_rotate_ask(const char *path, const char *ask, json_t **says,
    debar_fault_t *fault)
{
    int                 fd;
    char                block[8192];
    size_t              len;
    ssize_t             n;
    struct timeval      tv = { 10, 0 };
    struct sockaddr_un  sun;

    memset(&sun, 0, sizeof(sun));
    sun.sun_family = AF_UNIX;
    *says = NULL;
    len = 0;

    if (strlen(path) >= sizeof(sun.sun_path)) {
        debar_fault(fault, "%s: longer than a socket's path may be", path);
        return DEBAR_ERROR;
    }

    strcpy(sun.sun_path, path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd != -1) {
        (void) setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
    }

    if (fd == -1
        || connect(fd, (struct sockaddr *) &sun, sizeof(sun)) == -1)
    {
        debar_fault(fault, "%s: %s: no sealer answers there (`debar gateway "
                    "start`, or `debar audit seal --socket`)", path,
                    strerror(errno));

        if (fd != -1) {
            close(fd);
        }

        return DEBAR_ERROR;
    }

    (void) send(fd, ask, strlen(ask), MSG_NOSIGNAL);
    (void) shutdown(fd, SHUT_WR);

    while (len < sizeof(block)
           && (n = recv(fd, block + len, sizeof(block) - len, 0)) > 0)
    {
        len += (size_t) n;
    }

    close(fd);
    *says = json_loadb(block, len, 0, NULL);

    if (!json_is_object(*says)) {
        json_decref(*says);
        *says = NULL;
        debar_fault(fault, "%s: says nothing: only root may ask, and who the "
                    "sealer runs as", path);
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}
