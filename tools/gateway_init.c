/*
 * debar gateway init: the folder of a gateway, with its list, from flags.
 */

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "gateway_init.h"


static int debar_init_args(debar_init_t *in, int argc, char **argv);
static int debar_init_option(debar_init_t *in, int c);
static int debar_init_rest(debar_init_t *in, int argc, char **argv);
static int debar_init_sign_user(const debar_init_t *in);
static int debar_init_endpoint(const char *text, int port_needed, char *out,
    size_t size);
static int debar_init_clients(debar_init_t *in);
static int debar_init_listen(debar_init_t *in);
static int debar_init_resolver(debar_init_t *in);
static int debar_init_source(debar_init_t *in);
static int debar_init_list(debar_init_t *in);
static void debar_init_tell(const debar_init_t *in);
static void debar_init_tell_ca(const debar_init_t *in, debar_buf_t *b);


static const char  debar_init_name[] = "debar gateway init";

static const char  debar_init_help[] =
    "usage: debar gateway init DIR [options]\n"
    "\n"
    "Makes the folder of a gateway: DIR/nginx.conf to edit, DIR/list.mdb built\n"
    "from a list source, DIR/audit DIR/logs DIR/run DIR/tmp DIR/ca.  Once more\n"
    "on the same folder it keeps the audit file, an edited nginx.conf and, if no\n"
    "--list is named, the list.\n"
    "\n"
    "      --listen ADDR:PORT         default 127.0.0.1:3128\n"
    "      --resolver ADDR[:PORT]     default: as in /etc/resolv.conf\n"
    "      --list SOURCE              a source folder; default: the shipped list\n"
    "      --mode enforce|monitor     default enforce\n"
    "      --allow-destination CIDR   dial into this special range (again for\n"
    "                                 more): 10.0.0.0/8 for an intranet\n"
    "      --connect-port N           a port that CONNECT may reach beside 443\n"
    "                                 (again for more)\n"
    "      --parent HOST:PORT         the proxy through which this one reaches\n"
    "                                 the world\n"
    "      --parent-credentials FILE  a line \"user:password\" for it\n"
    "      --htpasswd FILE            users and passwords, as htpasswd writes\n"
    "                                 them: clients must name one of these\n"
    "      --workers N                default: one a processor\n"
    "      --user NAME                of the workers, if the gateway is started\n"
    "                                 by root; default www-data\n"
    "      --force                    replace an edited nginx.conf (the old one\n"
    "                                 becomes nginx.conf.old) and any list\n"
    "      --json                     say the outcome as one JSON object\n"
    "  -h, --help                     this text\n"
    "\n"
    "A port for clients that reach their proxy over TLS:\n"
    "      --tls-listen ADDR:PORT     where; the other port stays\n"
    "      --tls-cert FILE --tls-key FILE  of the proxy's name (PEM)\n"
    "      --client-ca FILE           each client there must show a certificate\n"
    "                                 of these CAs (PEM); its CN is the user\n"
    "\n"
    "Inspection of HTTPS:\n"
    "      --inspect                  look into tunnels, but for the hosts of\n"
    "                                 DIR/splice.txt; makes a CA in DIR/ca, once\n"
    "      --ca CERT --ca-key KEY     the agency's CA (PEM, with the chain above\n"
    "                                 it) instead; KEY: a PEM file or a pkcs11:\n"
    "                                 URI.  Best one that signs nothing else\n"
    "      --ca-passphrase FILE       its first line opens the key, or is the PIN\n"
    "      --upstream-ca FILE         roots of origins (PEM); default: the\n"
    "                                 system's\n"
    "      --sign-user NAME|UID       of the process that holds the CA's key;\n"
    "                                 default: one that `debar sign` chooses\n"
    "Clients must trust DIR/ca/ca.pem.\n"
    "\n"
    "Exit: 0 done and `nginx -t` is content, 1 failure, 2 usage.\n";

static const struct option  debar_init_options[] = {
    { "listen",            required_argument, NULL, 'l' },
    { "resolver",          required_argument, NULL, 'r' },
    { "list",              required_argument, NULL, 's' },
    { "mode",              required_argument, NULL, 'm' },
    { "inspect",           no_argument,       NULL, 'i' },
    { "ca",                required_argument, NULL, 'c' },
    { "ca-key",            required_argument, NULL, 'k' },
    { "ca-passphrase",     required_argument, NULL, 'P' },
    { "upstream-ca",       required_argument, NULL, 'u' },
    { "sign-user",         required_argument, NULL, 'S' },
    { "allow-destination", required_argument, NULL, 'a' },
    { "connect-port",      required_argument, NULL, 'p' },
    { "parent",            required_argument, NULL, 'x' },
    { "parent-credentials", required_argument, NULL, 'X' },
    { "tls-listen",        required_argument, NULL, 'T' },
    { "tls-cert",          required_argument, NULL, 'C' },
    { "tls-key",           required_argument, NULL, 'K' },
    { "client-ca",         required_argument, NULL, 'A' },
    { "htpasswd",          required_argument, NULL, 'H' },
    { "workers",           required_argument, NULL, 'w' },
    { "user",              required_argument, NULL, 'U' },
    { "force",             no_argument,       NULL, 'f' },
    { "json",              no_argument,       NULL, 'j' },
    { "help",              no_argument,       NULL, 'h' },
    { NULL, 0, NULL, 0 }
};


int
debar_gateway_init(int argc, char **argv)
{
    int            rc;
    debar_buf_t    out;
    debar_init_t   in;

    memset(&in, 0, sizeof(in));

    rc = debar_init_args(&in, argc, argv);
    if (rc != -1) {
        return rc;
    }

    if (debar_init_modules(&in) != DEBAR_OK
        || debar_init_parent_check(&in) != DEBAR_OK
        || debar_init_tls_check(&in) != DEBAR_OK
        || debar_init_source(&in) != DEBAR_OK
        || debar_init_inspect_check(&in) != DEBAR_OK
        || debar_init_folders(&in) != DEBAR_OK
        || debar_init_list(&in) != DEBAR_OK
        || debar_init_sealer(&in) != DEBAR_OK
        || debar_init_inspect(&in) != DEBAR_OK
        || debar_init_parent(&in) != DEBAR_OK
        || debar_init_tls(&in) != DEBAR_OK
        || debar_init_conf(&in) != DEBAR_OK)
    {
        return DEBAR_EXIT_FAILURE;
    }

    memset(&out, 0, sizeof(out));
    rc = debar_gateway_nginx(&in.g, "-t", &out);

    if (rc != 0) {
        debar_gateway_tell(&out);
        debar_buf_free(&out);
        return debar_say("%s is made, but nginx does not take its nginx.conf",
                         in.g.path);
    }

    debar_buf_free(&out);
    debar_init_tell(&in);

    return 0;
}


/* -1: go on; else the exit code. */

static int
debar_init_args(debar_init_t *in, int argc, char **argv)
{
    int  c, rc;

    in->listen = "127.0.0.1:3128";
    in->mode = "enforce";
    in->workers = "auto";
    opterr = 0;

    while ((c = getopt_long(argc, argv, ":h", debar_init_options, NULL))
           != -1)
    {
        if (c == 'h') {
            fputs(debar_init_help, stdout);
            return 0;
        }

        if (c == '?' || c == ':') {
            return debar_bad_option(debar_init_name, c, argv);
        }

        rc = debar_init_option(in, c);
        if (rc != -1) {
            return rc;
        }
    }

    return debar_init_rest(in, argc, argv);
}


static int
debar_init_option(debar_init_t *in, int c)
{
    char        *end;
    uint8_t      addr[16];
    unsigned     bits;
    const char  *why;

    switch (c) {

    case 'l':
        in->listen = optarg;
        break;

    case 'r':
        in->resolver = optarg;
        break;

    case 's':
        in->list = optarg;
        break;

    case 'm':
        if (strcmp(optarg, "enforce") != 0 && strcmp(optarg, "monitor") != 0) {
            return debar_usage(debar_init_name, "--mode \"%s\": enforce or "
                               "monitor", optarg);
        }

        in->mode = optarg;
        break;

    case 'a':
        if (debar_cidr_parse(addr, &bits, optarg, strlen(optarg), &why)
            != DEBAR_OK)
        {
            return debar_usage(debar_init_name, "--allow-destination \"%s\": "
                               "%s", optarg, why);
        }

        if (in->ncidrs == DEBAR_MAX_CIDRS) {
            return debar_usage(debar_init_name, "more than %d "
                               "--allow-destination: write further ones into "
                               "nginx.conf", DEBAR_MAX_CIDRS);
        }

        in->cidrs[in->ncidrs++] = optarg;
        break;

    case 'p':
        if (strtoul(optarg, &end, 10) - 1 >= 65535 || *end
            || !isdigit((unsigned char) *optarg))
        {
            return debar_usage(debar_init_name, "--connect-port \"%s\": a "
                               "port from 1 to 65535", optarg);
        }

        if (in->nports == DEBAR_MAX_PORTS) {
            return debar_usage(debar_init_name, "more than %d --connect-port: "
                               "write further ones into nginx.conf",
                               DEBAR_MAX_PORTS);
        }

        in->ports[in->nports++] = (unsigned) strtoul(optarg, NULL, 10);
        break;

    case 'w':
        if (strtoul(optarg, &end, 10) - 1 >= 1024 || *end
            || !isdigit((unsigned char) *optarg))
        {
            return debar_usage(debar_init_name, "--workers \"%s\": a number "
                               "from 1 to 1024", optarg);
        }

        in->workers = optarg;
        break;

    case 'T':
        in->tls_listen = optarg;
        break;

    case 'C':
        in->tls_cert = optarg;
        break;

    case 'K':
        in->tls_key = optarg;
        break;

    case 'A':
        in->client_ca = optarg;
        break;

    case 'H':
        in->htpasswd = optarg;
        break;

    case 'x':
        in->parent = optarg;
        break;

    case 'X':
        in->parent_file = optarg;
        break;

    case 'U':
        in->user = optarg;
        break;

    case 'i':
        in->inspect = 1;
        break;

    case 'c':
        in->ca = optarg;
        break;

    case 'k':
        in->ca_key = optarg;
        break;

    case 'P':
        in->ca_pass = optarg;
        break;

    case 'u':
        in->upstream_ca = optarg;
        break;

    case 'S':
        in->sign_user = optarg;
        break;

    case 'f':
        in->force = 1;
        break;

    case 'j':
        in->json = 1;
        break;
    }

    return -1;
}


static int
debar_init_rest(debar_init_t *in, int argc, char **argv)
{
    if (argc - optind != 1) {
        return debar_usage(debar_init_name, "name the folder of one gateway");
    }

    in->dir = argv[optind];

    if ((in->ca == NULL) != (in->ca_key == NULL)) {
        return debar_usage(debar_init_name, "--ca and --ca-key go together");
    }

    if (in->parent_file && in->parent == NULL) {
        return debar_usage(debar_init_name, "--parent-credentials are of a "
                           "--parent, which is not there");
    }

    if (in->ca_pass && in->ca == NULL) {
        return debar_usage(debar_init_name, "--ca-passphrase is of a --ca, "
                           "which is not there");
    }

    if (in->ca_key && strncasecmp(in->ca_key, "pkcs11:", 7) == 0
        && strcasestr(in->ca_key, "pin-value="))
    {
        return debar_usage(debar_init_name, "--ca-key holds a PIN, and "
                           "arguments can be seen by others: write it into a "
                           "file and name that with --ca-passphrase");
    }

    if (in->user && (getpwnam(in->user) == NULL || strpbrk(in->user, " ;{}")))
    {
        return debar_usage(debar_init_name, "--user \"%s\": there is no such "
                           "user", in->user);
    }

    if (debar_init_listen(in) != DEBAR_OK) {
        return debar_usage(debar_init_name, "--listen \"%s\": an address and "
                           "a port are wanted, like 127.0.0.1:3128 or "
                           "[::1]:3128", in->listen);
    }

    if (debar_init_resolver(in) != DEBAR_OK) {
        if (in->resolver) {
            return debar_usage(debar_init_name, "--resolver \"%s\": the "
                               "address of a DNS server is wanted, like "
                               "192.0.2.53 or 127.0.0.1:5353", in->resolver);
        }

        return debar_usage(debar_init_name, "/etc/resolv.conf names no DNS "
                           "server: give one with --resolver ADDR:PORT");
    }

    if (!in->inspect && (in->ca || in->upstream_ca || in->sign_user)) {
        return debar_usage(debar_init_name, "%s is of --inspect, which is not "
                           "there", in->ca ? "--ca"
                           : in->upstream_ca ? "--upstream-ca"
                                             : "--sign-user");
    }

    if (in->sign_user && debar_init_sign_user(in) != DEBAR_OK) {
        return debar_usage(debar_init_name, "--sign-user \"%s\": a user of its "
                           "own is wanted, by name or number, neither root nor "
                           "that of the workers", in->sign_user);
    }

    return debar_init_clients(in);
}


static int
debar_init_clients(debar_init_t *in)
{
    if (in->tls_listen == NULL
        && (in->tls_cert || in->tls_key || in->client_ca))
    {
        return debar_usage(debar_init_name, "%s is of a --tls-listen, which is "
                           "not there", in->tls_cert ? "--tls-cert"
                           : in->tls_key ? "--tls-key" : "--client-ca");
    }

    if (in->tls_listen && (in->tls_cert == NULL || in->tls_key == NULL)) {
        return debar_usage(debar_init_name, "--tls-listen wants --tls-cert and "
                           "--tls-key");
    }

    if (in->tls_listen
        && debar_init_endpoint(in->tls_listen, 1, in->tls_listens,
                               sizeof(in->tls_listens)) != DEBAR_OK)
    {
        return debar_usage(debar_init_name, "--tls-listen \"%s\": an address "
                           "and a port are wanted, like 192.0.2.8:3129",
                           in->tls_listen);
    }

    if (in->tls_listen && strcmp(in->tls_listens, in->listens) == 0) {
        return debar_usage(debar_init_name, "--tls-listen \"%s\": that is "
                           "--listen already: choose another port",
                           in->tls_listen);
    }

    return -1;
}


static int
debar_init_sign_user(const debar_init_t *in)
{
    char           *end;
    unsigned long   uid;
    struct passwd  *pw;

    uid = strtoul(in->sign_user, &end, 10);

    if (!isdigit((unsigned char) in->sign_user[0]) || *end) {
        pw = getpwnam(in->sign_user);

        if (pw == NULL || strpbrk(in->sign_user, " \r\n")) {
            return DEBAR_ERROR;
        }

        uid = pw->pw_uid;
    }

    pw = getpwnam(in->user ? in->user : "www-data");

    return uid && uid < UINT_MAX && (pw == NULL || pw->pw_uid != uid)
           ? DEBAR_OK : DEBAR_ERROR;
}


/* "ADDR:PORT", "[ADDR]:PORT", canonical or not at all; port optional if 0. */

static int
debar_init_endpoint(const char *text, int port_needed, char *out, size_t size)
{
    char           host[64];
    size_t         n;
    uint8_t        addr[16];
    const char    *port;
    char          *end;
    unsigned long  number;

    if (*text == '[') {
        n = strcspn(text, "]");
        port = text[n] ? text + n + 1 : text + n;
        text++;
        n--;

    } else if (strchr(text, ':') && strchr(text, ':') != strrchr(text, ':')) {
        n = strlen(text);                        /* IPv6 without a port */
        port = text + n;

    } else {
        n = strcspn(text, ":");
        port = text + n;
    }

    if (n >= sizeof(host)) {
        return DEBAR_ERROR;
    }

    memcpy(host, text, n);
    host[n] = '\0';

    if (*port == ':') {
        number = strtoul(port + 1, &end, 10);

        if (!isdigit((unsigned char) port[1]) || *end || number < 1
            || number > 65535)
        {
            return DEBAR_ERROR;
        }

    } else if (*port || port_needed) {
        return DEBAR_ERROR;
    }

    if (inet_pton(AF_INET, host, addr) == 1) {
        snprintf(out, size, "%s%s", host, port);

    } else if (inet_pton(AF_INET6, host, addr) == 1) {
        snprintf(out, size, "[%s]%s", host, port);

    } else {
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


static int
debar_init_listen(debar_init_t *in)
{
    return debar_init_endpoint(in->listen, 1, in->listens,
                               sizeof(in->listens));
}


static int
debar_init_resolver(debar_init_t *in)
{
    char    line[512], one[128], *p;
    FILE   *f;
    size_t  len;

    if (in->resolver) {
        return debar_init_endpoint(in->resolver, 0, in->resolvers,
                                   sizeof(in->resolvers));
    }

    f = fopen("/etc/resolv.conf", "re");
    if (f == NULL) {
        return DEBAR_ERROR;
    }

    while (fgets(line, sizeof(line), f)) {
        if (strncmp(line, "nameserver", 10) != 0) {
            continue;
        }

        p = line + 10;
        p += strspn(p, " \t");
        p[strcspn(p, " \t\r\n%#;")] = '\0';

        if (debar_init_endpoint(p, 0, one, sizeof(one)) != DEBAR_OK) {
            continue;
        }

        len = strlen(in->resolvers);
        snprintf(in->resolvers + len, sizeof(in->resolvers) - len, "%s%s",
                 len ? " " : "", one);
    }

    fclose(f);

    return in->resolvers[0] ? DEBAR_OK : DEBAR_ERROR;
}


/* Before anything is made: a list with errors leaves no folder behind. */

static int
debar_init_source(debar_init_t *in)
{
    char           path[DEBAR_MAX_DIR + 64], shipped[PATH_MAX + 128];
    const char    *from;
    debar_fault_t  fault;

    snprintf(path, sizeof(path), "%s/list.mdb", in->dir);

    if (in->list == NULL && !in->force && access(path, F_OK) == 0) {
        in->kept_list = 1;
        return DEBAR_OK;
    }

    from = in->list;

    if (from == NULL) {
        if (debar_shipped_list(shipped, sizeof(shipped), &fault) != DEBAR_OK) {
            debar_say("%s", fault.text);
            return DEBAR_ERROR;
        }

        from = shipped;
    }

    return debar_read_source(&in->src, from, in->json, NULL);
}


static int
debar_init_list(debar_init_t *in)
{
    int                 rc;
    char                path[DEBAR_MAX_DIR + 64];
    debar_fault_t       fault;
    debar_build_info_t  info;
    debar_build_opts_t  opts;

    if (in->kept_list) {
        return DEBAR_OK;
    }

    debar_gateway_path(&in->g, "list.mdb", path, sizeof(path));

    memset(&opts, 0, sizeof(opts));
    opts.replace = in->force;
    opts.verify = 1;
    opts.progress = in->json ? NULL : debar_progress;

    rc = debar_snapshot_build(&in->src, path, &opts, &info, &fault);

    debar_progress_end();
    debar_source_free(&in->src);

    if (rc != DEBAR_OK) {
        debar_say("%s", fault.text);
    }

    return rc;
}


static void
debar_init_tell(const debar_init_t *in)
{
    debar_buf_t  b;

    if (in->json) {
        memset(&b, 0, sizeof(b));

        debar_buf_printf(&b, "{\"ok\":true");
        debar_json_text(&b, "dir", in->g.path, strlen(in->g.path));
        debar_json_text(&b, "listen", in->listens, strlen(in->listens));

        if (in->tls_listen) {
            debar_json_text(&b, "tls_listen", in->tls_listens,
                            strlen(in->tls_listens));
        }

        debar_json_text(&b, "mode", in->mode, strlen(in->mode));
        debar_buf_printf(&b, ",\"kept_conf\":%s,\"kept_list\":%s",
                         in->kept_conf ? "true" : "false",
                         in->kept_list ? "true" : "false");

        if (in->inspect) {
            debar_init_tell_ca(in, &b);
        }

        debar_buf_printf(&b, "}\n");
        debar_flush(&b);

        return;
    }

    if (in->kept_conf) {
        printf("%s/nginx.conf was edited and is kept: the options given now "
               "are not in it (--force replaces it)\n", in->g.path);
    }

    if (in->kept_list) {
        printf("%s/list.mdb is kept (--list SOURCE builds it anew)\n",
               in->g.path);
    }

    if (in->tls_listen && !in->kept_conf) {
        printf("clients may reach it over TLS at %s, by the name of %s/tls/"
               "proxy.pem\n", in->tls_listens, in->g.path);
    }

    if (in->inspect) {
        printf("clients must trust %s/ca/ca.pem%s\n"
               "    %s, until %s\n    SHA-256 %s\n", in->g.path,
               in->made_ca ? ", made now" : in->old_ca ? ", as before" : "",
               in->ca_name, in->ca_expires, in->ca_print);
    }

    printf("%s is ready: debar gateway start %s\n", in->g.path, in->dir);
}


/* ,"ca":{...} */

static void
debar_init_tell_ca(const debar_init_t *in, debar_buf_t *b)
{
    char  path[DEBAR_MAX_DIR + 64];

    debar_gateway_path(&in->g, "ca/ca.pem", path, sizeof(path));

    debar_buf_printf(b, ",\"ca\":{\"made\":%s",
                     in->made_ca ? "true" : "false");
    debar_json_text(b, "file", path, strlen(path));
    debar_json_text(b, "subject", in->ca_name, strlen(in->ca_name));
    debar_json_text(b, "sha256", in->ca_print, strlen(in->ca_print));
    debar_json_text(b, "expires", in->ca_expires, strlen(in->ca_expires));
    debar_buf_printf(b, "}");
}
