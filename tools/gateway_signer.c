/*
 * The signer of a gateway that inspects: the CA's key that `debar sign` holds,
 * and what its log says.
 */

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "tools.h"


static int debar_signer_key(const debar_gateway_t *g, debar_beside_own_t *own);


int
debar_signer_args(const debar_gateway_t *g, debar_beside_own_t *own)
{
    int  n;

    if (debar_signer_key(g, own) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    debar_gateway_path(g, "ca/ca.pem", own->cert, sizeof(own->cert));
    debar_gateway_path(g, "ca/ca.pass", own->pass, sizeof(own->pass));

    n = 0;
    own->argv[n++] = "--ca";
    own->argv[n++] = own->cert;
    own->argv[n++] = "--key";
    own->argv[n++] = own->key;

    if (access(own->pass, F_OK) == 0) {
        own->argv[n++] = "--passphrase";
        own->argv[n++] = own->pass;
    }

    return DEBAR_OK;
}


static int
debar_signer_key(const debar_gateway_t *g, debar_beside_own_t *own)
{
    char  path[DEBAR_MAX_DIR + 64];

    debar_gateway_path(g, "ca/ca.key", own->key, sizeof(own->key));
    debar_gateway_path(g, "ca/ca.key.uri", path, sizeof(path));

    if (access(path, F_OK) == 0) {
        return debar_beside_line(g, "ca/ca.key.uri", own->key,
                                 sizeof(own->key));
    }

    if (access(own->key, F_OK) != 0) {
        debar_say("%s: %s; debar gateway init %s --inspect makes a CA, with "
                  "--ca CERT --ca-key KEY it takes yours", own->key,
                  strerror(errno), g->path);
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


long
debar_signer_minted(const debar_gateway_t *g)
{
    long     n;
    char     path[DEBAR_MAX_DIR + 64], *line;
    FILE    *f;
    size_t   size;

    debar_gateway_path(g, "logs/sign.log", path, sizeof(path));

    f = fopen(path, "re");
    if (f == NULL) {
        return 0;
    }

    n = 0;
    line = NULL;
    size = 0;

    while (getline(&line, &size, f) != -1) {
        if (strstr(line, " minted name=")) {
            n++;

        } else if (strstr(line, " started on ")) {
            n = 0;
        }
    }

    free(line);
    fclose(f);

    return n;
}
