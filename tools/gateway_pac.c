/*
 * debar gateway pac: a proxy auto-configuration file, which tells browsers what
 * goes through the gateway.
 */

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <libpsl.h>

#include "host.h"
#include "tools.h"


#define DEBAR_MAX_DIRECT  256


typedef struct {
    const char    *dir;
    const char    *proxy;
    const char    *direct[DEBAR_MAX_DIRECT];
    unsigned       ndirect;
    unsigned       https;
    debar_host_t   host;          /* of the proxy */
    unsigned       port;
} debar_pac_t;


static int debar_pac_args(debar_pac_t *pac, int argc, char **argv);
static int debar_pac_proxy(debar_pac_t *pac, const char *text);
static int debar_pac_from_conf(debar_pac_t *pac);
static int debar_pac_direct(const char *text, debar_host_t *host,
    const char **why);
static void debar_pac_print(const debar_pac_t *pac);


static const char  debar_pac_name[] = "debar gateway pac";

static const char  debar_pac_help[] =
    "usage: debar gateway pac DIR [--proxy HOST:PORT] [--https]\n"
    "                             [--direct DOMAIN]...\n"
    "\n"
    "Prints a proxy auto-configuration file (FindProxyForURL) for the clients of\n"
    "a gateway.  Serve it as application/x-ns-proxy-autoconfig.\n"
    "\n"
    "      --proxy HOST:PORT  how clients reach the gateway; default: where\n"
    "                         nginx.conf listens, if that is one address\n"
    "      --https            the connection to the gateway itself is TLS;\n"
    "                         default: where nginx.conf listens with it\n"
    "      --direct DOMAIN    not through the gateway: this host and those below\n"
    "                         it, or a literal address (again for more)\n"
    "  -h, --help             this text\n"
    "\n"
    "Names without a dot and loopback are direct.  Everything else goes to the\n"
    "gateway, and nowhere if it is away: with \"; DIRECT\" behind it whoever can\n"
    "keep a client from the gateway for a moment has gone around it.\n"
    "\n"
    "Exit: 0 done, 1 failure, 2 usage.\n";

static const struct option  debar_pac_options[] = {
    { "proxy",  required_argument, NULL, 'p' },
    { "https",  no_argument,       NULL, 's' },
    { "direct", required_argument, NULL, 'd' },
    { "help",   no_argument,       NULL, 'h' },
    { NULL, 0, NULL, 0 }
};

/*
 * A number without a dot is an address (RFC 3986 s.7.4), and an IPv6 literal
 * has no dot either: neither is a plain host name.  Some clients hand over the
 * brackets, some do not.
 */

static const char  debar_pac_head[] =
    "function FindProxyForURL(url, host)\n"
    "{\n"
    "    host = host.toLowerCase().replace(/^\\[(.*)\\]$/, \"$1\");\n"
    "\n"
    "    if (/^[a-z_][a-z0-9_-]*$/.test(host)\n"
    "        || /(^|\\.)localhost\\.?$/.test(host)\n"
    "        || /^127\\.\\d+\\.\\d+\\.\\d+$/.test(host)\n"
    "        || host == \"::1\")\n"
    "    {\n"
    "        return \"DIRECT\";\n"
    "    }\n"
    "\n"
    "    host = host.replace(/\\.$/, \"\");\n"
    "\n";

static const char  debar_pac_loop[] =
    "    for (var i = 0; i < direct.length; i++) {\n"
    "        var below = \".\" + direct[i];\n"
    "\n"
    "        if (host == direct[i]\n"
    "            || (host.length > below.length\n"
    "                && host.substring(host.length - below.length) == below))\n"
    "        {\n"
    "            return \"DIRECT\";\n"
    "        }\n"
    "    }\n"
    "\n";


int
debar_gateway_pac(int argc, char **argv)
{
    int           rc;
    debar_pac_t  *pac;

    pac = calloc(1, sizeof(debar_pac_t));
    if (pac == NULL) {
        return debar_say("%s", strerror(errno));
    }

    rc = debar_pac_args(pac, argc, argv);

    if (rc == -1) {
        rc = pac->proxy ? debar_pac_proxy(pac, pac->proxy)
                        : debar_pac_from_conf(pac);
    }

    if (rc == -1) {
        debar_pac_print(pac);
        rc = 0;
    }

    free(pac);

    return rc;
}


/* -1: go on; else the exit code.  So do the next two. */

static int
debar_pac_args(debar_pac_t *pac, int argc, char **argv)
{
    int           c;
    const char   *why;
    debar_host_t  host;

    opterr = 0;

    while ((c = getopt_long(argc, argv, ":h", debar_pac_options, NULL)) != -1) {
        switch (c) {

        case 'p':
            pac->proxy = optarg;
            break;

        case 's':
            pac->https = 1;
            break;

        case 'd':
            if (debar_pac_direct(optarg, &host, &why) != DEBAR_OK) {
                return debar_usage(debar_pac_name, "--direct \"%s\": %s",
                                   optarg, why);
            }

            if (pac->ndirect == DEBAR_MAX_DIRECT) {
                return debar_usage(debar_pac_name, "more than %d --direct: "
                                   "name the domain above them",
                                   DEBAR_MAX_DIRECT);
            }

            pac->direct[pac->ndirect++] = optarg;
            break;

        case 'h':
            fputs(debar_pac_help, stdout);
            return 0;

        default:
            return debar_bad_option(debar_pac_name, c, argv);
        }
    }

    if (argc - optind != 1) {
        return debar_usage(debar_pac_name, "name the folder of one gateway");
    }

    pac->dir = argv[optind];

    return -1;
}


static int
debar_pac_proxy(debar_pac_t *pac, const char *text)
{
    debar_authority_parts_t  *a;

    a = calloc(1, sizeof(debar_authority_parts_t));
    if (a == NULL) {
        return debar_say("%s", strerror(errno));
    }

    debar_authority_parse(a, text, strlen(text));

    if (a->fault || a->port == 0 || a->n == 0) {
        free(a);
        return debar_usage(debar_pac_name, "--proxy \"%s\": a host and a port "
                           "are wanted, like proxy.agency.example:3128", text);
    }

    pac->host = a->readings[0];
    pac->port = a->port;
    free(a);

    return -1;
}


static int
debar_pac_from_conf(debar_pac_t *pac)
{
    int              rc;
    char             text[64];
    const char      *special;
    debar_gateway_t  g;

    if (debar_gateway_find(&g, pac->dir) != DEBAR_OK) {
        return DEBAR_EXIT_FAILURE;
    }

    if (debar_gateway_listen(&g, pac->https, text, sizeof(text)) != DEBAR_OK) {
        return debar_say("%s/nginx.conf listens nowhere%s: say how clients "
                         "reach the gateway with --proxy HOST:PORT", g.path,
                         pac->https ? " with TLS" : "");
    }

    special = "unspecified";                     /* "3128", "*:3128" */

    if (strchr(text, ':') && text[0] != '*') {
        rc = debar_pac_proxy(pac, text);

        if (rc != -1) {
            return rc;
        }

        special = pac->host.type == DEBAR_HOST_ADDRESS
                  ? debar_addr_special(pac->host.addr) : NULL;
    }

    if (special && strcmp(special, "unspecified") == 0) {
        return debar_say("%s/nginx.conf listens on every address (%s): say how "
                         "clients reach the gateway with --proxy HOST:PORT",
                         g.path, text);
    }

    if (special && strcmp(special, "loopback") == 0) {
        debar_say("%s/nginx.conf listens on loopback: this file is for clients "
                  "on this machine; --proxy HOST:PORT for others", g.path);
    }

    return -1;
}


/* A whole country or trade is nobody's intranet. */

static int
debar_pac_direct(const char *text, debar_host_t *host, const char **why)
{
    if (*text == '.') {
        text++;
    }

    if (debar_host_parse(host, text, strlen(text), DEBAR_HOST_BARE, why)
        != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    if (host->spelt != DEBAR_SPELT_PLAIN) {
        *why = host->odd ? host->odd : "an odd spelling";
        return DEBAR_ERROR;
    }

    if (host->type == DEBAR_HOST_NAME
        && psl_is_public_suffix2(psl_builtin(), host->name,
                                 PSL_TYPE_ANY | PSL_TYPE_NO_STAR_RULE))
    {
        *why = "a public suffix: everything below it would go around the "
               "gateway";
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


/*
 * What is quoted has been read by debar_host_parse(): letters, digits, ".-_:",
 * nothing that ends a string of JavaScript.
 */

static void
debar_pac_print(const debar_pac_t *pac)
{
    int            v6;
    unsigned       i;
    const char    *why;
    debar_host_t   host;

    printf("// Everything goes through the gateway, or nowhere.\n\n");
    fputs(debar_pac_head, stdout);

    if (pac->ndirect) {
        printf("    var direct = [");

        for (i = 0; i < pac->ndirect; i++) {
            (void) debar_pac_direct(pac->direct[i], &host, &why);
            printf("%s\n        \"%s\"", i ? "," : "", host.name);
        }

        printf("\n    ];\n\n");
        fputs(debar_pac_loop, stdout);
    }

    v6 = pac->host.type == DEBAR_HOST_ADDRESS && strchr(pac->host.name, ':');

    printf("    return \"%s %s%s%s:%u\";\n}\n",
           pac->https ? "HTTPS" : "PROXY", v6 ? "[" : "", pac->host.name,
           v6 ? "]" : "", pac->port);
}
