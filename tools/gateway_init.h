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
    const char       *ca_pass;
    const char       *upstream_ca;
    const char       *sign_user;
    const char       *parent;     /* HOST:PORT; NULL: none */
    const char       *parent_file;    /* its credentials; or NULL */
    const char       *tls_listen; /* NULL: no TLS port */
    const char       *tls_cert;
    const char       *tls_key;
    const char       *client_ca;
    const char       *htpasswd;
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
    char              tls_listens[128];
    char              resolvers[512];
    char              modules[PATH_MAX + 64];
    char              stream[PATH_MAX + 64];     /* nginx's own module; empty:
                                                    it is in the binary */
    char              directive[128];            /* of the user */
    const char       *ssl;                       /* how listen names TLS */
    char              roots[DEBAR_MAX_DIR + 64]; /* whom origins must prove
                                                    themselves by */
    unsigned          made_ca;
    unsigned          old_ca;                    /* one was there before */
    char              ca_name[256];
    char              ca_print[3 * 32];          /* SHA-256, colons */
    char              ca_expires[16];            /* 2036-11-22 */
} debar_init_t;


/* gateway_layout.c: where the modules are; the folders, with their owners and
 * modes, and the user of the workers.  DEBAR_ERROR: said already. */

int debar_init_modules(debar_init_t *in);
int debar_init_folders(debar_init_t *in);

int debar_init_folder(const debar_init_t *in, const char *name, mode_t mode,
    gid_t gid);

/* gateway_ca.c, without effect unless it inspects.  First, whether the files
 * that were named will do.  Then, in the folder: the CA, made if there is none,
 * or the one that was named; the roots of origins; splice.txt. */

int debar_init_inspect_check(debar_init_t *in);
int debar_init_inspect(debar_init_t *in);

/* Of a file in the folder, for all of these: with its mode from the first byte
 * on; and the whole of a file of anywhere. */

int debar_init_put(const debar_init_t *in, const char *name,
    const debar_buf_t *b, mode_t mode);
int debar_init_read(const char *path, debar_buf_t *out);

/* The certificates of a PEM file, and nothing else of it. */

int debar_init_certs(const char *path, debar_buf_t *out);

/* gateway_parent.c: whether what was named will do; DIR/parent.credentials. */

int debar_init_parent_check(const debar_init_t *in);
int debar_init_parent(const debar_init_t *in);

/* gateway_tls.c: whether the files will do; DIR/tls of a TLS port, DIR/users. */

int debar_init_tls_check(const debar_init_t *in);
int debar_init_tls(const debar_init_t *in);

/* gateway_conf.c: nginx.conf from the template, unless somebody edited it. */

int debar_init_conf(debar_init_t *in);


/* --- gateway_sealer.c ----------------------------------------------------- */

/* The key pair that seals the audit log, unless it is there. */

int debar_init_sealer(const debar_init_t *in);


#endif /* DEBAR_GATEWAY_INIT_H */
