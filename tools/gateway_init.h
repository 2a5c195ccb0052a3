/*
 * What `debar gateway init` knows of the gateway that it makes.
 */

#ifndef DEBAR_GATEWAY_INIT_H
#define DEBAR_GATEWAY_INIT_H

#include <limits.h>
#include <sys/types.h>

#include "tools.h"


#define DEBAR_MAX_CIDRS   64
#define DEBAR_MAX_PORTS   64


typedef struct {
    const char       *dir;
    const char       *listen;
    const char       *resolver;
    const char       *list;       /* NULL: the shipped one */
    const char       *mode;
    const char       *workers;
    const char       *user;
    const char       *ca;
    const char       *ca_key;
    const char       *upstream_ca;
    const char       *cidrs[DEBAR_MAX_CIDRS];
    unsigned          ncidrs;
    unsigned          ports[DEBAR_MAX_PORTS];
    unsigned          nports;
    unsigned          inspect;
    unsigned          force;
    unsigned          json;
    unsigned          kept_conf;
    unsigned          kept_list;
    debar_source_t    src;
    debar_gateway_t   g;
    uid_t             uid;
    gid_t             gid;
    char              listens[128];
    char              resolvers[512];
    char              modules[PATH_MAX + 64];
    char              stream[PATH_MAX + 64];     /* nginx's own module; empty:
                                                    it is in the binary */
    char              directive[128];            /* of the user */
} debar_init_t;


/* gateway_layout.c: where the modules are; the folders, with their owners and
 * modes, and the user of the workers.  DEBAR_ERROR: said already. */

int debar_init_modules(debar_init_t *in);
int debar_init_folders(debar_init_t *in);

/* gateway_conf.c: nginx.conf from the template, unless somebody edited it. */

int debar_init_conf(debar_init_t *in);


#endif /* DEBAR_GATEWAY_INIT_H */
