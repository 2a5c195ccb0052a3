/*
 * Where records are shipped to, as --to names it.
 */

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "audit_ship.h"


#define DEBAR_SHIP_SYSLOG  "6514"            /* RFC 5425 */


static int
debar_ship_to_port(debar_ship_to_t *to, const char *port)
{
    if (strlen(port) > 5 || port[strspn(port, "0123456789")]
        || atoi(port) < 1 || atoi(port) > 65535)
    {
        return DEBAR_ERROR;
    }

    strcpy(to->port, port);

    return DEBAR_OK;
}


/* "HOST:PORT", "[2001:db8::1]:PORT" */

static int
debar_ship_to_host(debar_ship_to_t *to, const char *text, debar_fault_t *fault)
{
    size_t       len;
    const char  *from, *end, *port;

    from = text[0] == '[' ? text + 1 : text;
    end = text[0] == '[' ? strchr(text, ']') : text + strcspn(text, ":");
    port = end && text[0] == '[' ? end + 1 : end;
    len = end ? (size_t) (end - from) : 0;

    if (len == 0 || len >= sizeof(to->host)
        || strcspn(text, "/?#@ ") != strlen(text)
        || (*port && *port != ':')
        || (*port == '\0' && (to->relp || to->kind != DEBAR_SHIP_TLS))
        || debar_ship_to_port(to, *port ? port + 1 : DEBAR_SHIP_SYSLOG)
           != DEBAR_OK)
    {
        debar_fault(fault, "--to %s: write tcp://HOST:PORT or "
                    "tls://HOST:PORT (of IPv6 tcp://[2001:db8::1]:601)",
                    to->name);
        return DEBAR_ERROR;
    }

    memcpy(to->host, from, len);
    to->host[len] = '\0';

    return DEBAR_OK;
}


int
debar_ship_to_parse(debar_ship_to_t *to, const char *text, debar_fault_t *fault)
{
    size_t              i;
    struct sockaddr_un  sun;

    static const struct {
        const char         *name;
        debar_ship_kind_e   kind;
        unsigned            relp;
    } schemes[] = {
        { "tcp://", DEBAR_SHIP_TCP, 0 }, { "tls://", DEBAR_SHIP_TLS, 0 },
        { "relp://", DEBAR_SHIP_TCP, 1 }, { "relps://", DEBAR_SHIP_TLS, 1 }
    };

    to->name = text;
    to->fd = -1;
    to->path = text;

    for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        if (strncmp(text, schemes[i].name, strlen(schemes[i].name)) == 0) {
            to->kind = schemes[i].kind;
            to->relp = schemes[i].relp;
            return debar_ship_to_host(to, text + strlen(schemes[i].name),
                                      fault);
        }
    }

    if (strncmp(text, "unix:", 5) == 0) {
        to->kind = DEBAR_SHIP_UNIX;
        to->path = text + 5;

        if (to->path[0] != '/' || strlen(to->path) >= sizeof(sun.sun_path)) {
            debar_fault(fault, "--to %s: write unix:/PATH, of at most %zu "
                        "bytes", text, sizeof(sun.sun_path) - 1);
            return DEBAR_ERROR;
        }

        return DEBAR_OK;
    }

    if (text[0] == '\0' || strstr(text, "://")) {
        debar_fault(fault, "--to %s: tcp://HOST:PORT, tls://HOST:PORT, "
                    "relp://, relps://, unix:/PATH or a file", text);
        return DEBAR_ERROR;
    }

    to->kind = DEBAR_SHIP_FILE;

    return DEBAR_OK;
}
