/*
 * The parent proxy of a new gateway: its place, and a copy of the file with the
 * credentials for it.
 */

#include <ctype.h>
#include <stdlib.h>

#include "gateway_init.h"
#include "mint.h"


#define DEBAR_MAX_PARENT_LINE  1024


static int debar_parent_place(const char *place);
static int debar_parent_line(const char *path, debar_buf_t *b);


int
debar_init_parent_check(const debar_init_t *in)
{
    int          rc;
    debar_buf_t  b;

    if (in->parent == NULL) {
        return DEBAR_OK;
    }

    if (debar_parent_place(in->parent) != DEBAR_OK) {
        debar_say("--parent \"%s\": the host and the port of a proxy are "
                  "wanted, like proxy.agency.example:3128", in->parent);
        return DEBAR_ERROR;
    }

    if (in->parent_file == NULL) {
        return DEBAR_OK;
    }

    memset(&b, 0, sizeof(b));
    rc = debar_parent_line(in->parent_file, &b);
    debar_mint_forget(&b);

    return rc;
}


int
debar_init_parent(const debar_init_t *in)
{
    int          rc;
    debar_buf_t  b;

    if (in->parent_file == NULL) {
        return DEBAR_OK;
    }

    memset(&b, 0, sizeof(b));
    rc = debar_parent_line(in->parent_file, &b);

    /* nginx's master reads it, its workers do not */

    if (rc == DEBAR_OK) {
        rc = debar_init_put(in, "parent.credentials", &b, 0600);
    }

    debar_mint_forget(&b);

    return rc;
}


/* Nothing that nginx.conf would read in another way; nginx -t says the rest. */

static int
debar_parent_place(const char *place)
{
    char        *end;
    size_t       n;
    const char  *port;

    n = strspn(place, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                      "0123456789.-_:[]");
    port = strrchr(place, ':');

    if (place[n] || port == NULL || port == place || n > 300
        || !isdigit((unsigned char) port[1])
        || strtoul(port + 1, &end, 10) - 1 >= 65535 || *end)
    {
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


static int
debar_parent_line(const char *path, debar_buf_t *b)
{
    size_t  i, n;

    if (debar_init_read(path, b) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    n = b->len;

    if (n && b->data[n - 1] == '\n') {
        n--;
    }

    if (n && b->data[n - 1] == '\r') {
        n--;
    }

    for (i = 0; i < n && (unsigned char) b->data[i] >= ' '
                && b->data[i] != 0x7f; i++) { /* void */ }

    if (i != n || n == 0 || b->len > DEBAR_MAX_PARENT_LINE
        || b->data[0] == ':' || memchr(b->data, ':', n) == NULL)
    {
        debar_say("%s: one line \"user:password\" is wanted, of at most %d "
                  "bytes", path, DEBAR_MAX_PARENT_LINE);
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}
