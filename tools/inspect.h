/*
 * `debar inspect --serve`: reads files for the gateway's workers, each in a
 * process of its own that can do nothing but read it.
 *
 * A supervisor takes connections (blocklist/file_wire.h: one a file) and forks;
 * it never looks at a byte of a file.  The child takes two descriptors, gives up
 * everything else (inspect_sandbox.c), digests what is there as it grows, reads
 * it, tells what it found, and is gone: a file that takes its reader over has
 * nobody else's file beside it, and nothing to reach.
 */

#ifndef DEBAR_INSPECT_H
#define DEBAR_INSPECT_H

#include "file_wire.h"
#include "service.h"


#define DEBAR_INSPECT_MAX  1024       /* files at once, at most */

typedef struct {
    int          fd;              /* a second one for the same connection: to
                                     see that the worker went away */
    pid_t        pid;
    long         peer;
    uint64_t     gone;            /* ms: since when; 0: it is there */
} debar_inspect_child_t;

typedef struct {
    debar_service_t         service;      /* first */
    unsigned                max;          /* files at once */
    unsigned                seconds;      /* of reading, once it is whole */
    unsigned                megabytes;    /* of memory, of one */
    unsigned                n;
    debar_inspect_child_t   children[DEBAR_INSPECT_MAX];
} debar_inspect_t;


/* The command with --serve; exit code. */

int debar_inspect_serve(int argc, char **argv);

/* One file, in a child: never returns an error to anybody but the log; the
 * process ends with what it returns. */

int debar_inspect_file(const debar_inspect_t *in, int fd);

/*
 * From here on this process may read and write what it has open, take memory up
 * to so many megabytes, and end.  out: bytes that a file of its own may grow to.
 * DEBAR_ERROR: it could not be locked in, and must not read anything.
 */

int debar_inspect_sandbox(unsigned megabytes, unsigned seconds, uint64_t out);

/* What libraries load when they are first used, loaded now: later they could
 * not. */

void debar_inspect_warm(void);


#endif /* DEBAR_INSPECT_H */
