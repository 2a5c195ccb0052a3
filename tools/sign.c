/*
 * debar sign: its options, and the key.
 */

#include <sys/stat.h>
#include <unistd.h>

#include "sign.h"


static int debar_sign_args(debar_signer_t *s, int argc, char **argv);
static int debar_sign_run(debar_service_t *service, int ready);


static const char  debar_sign_help[] =
    "usage: debar sign --ca CERT.pem --key KEY --socket PATH [options]\n"
    "\n"
    "Holds the CA's key of a gateway that inspects HTTPS, and signs server\n"
    "certificates, one a name, for the workers that ask on PATH.  It drops root\n"
    "for a user of its own.\n"
    "\n"
    "      --ca CERT.pem       the CA's certificate, then those above it\n"
    "      --key KEY           its key: a PEM file or a pkcs11: URI\n"
    "      --passphrase FILE   its first line opens the key, or is the PIN\n"
    "      --socket PATH       unix socket to listen on\n"
    "      --pid PATH          file for the process id\n"
    "      --log PATH          a line for each name (default: stderr)\n"
    "      --user NAME|UID     who to run as (default: debar-sign, else a free\n"
    "                          user id)\n"
    "      --client-uid UID    who may ask beside root and itself; repeatable\n"
    "      --client-gid GID    group that the socket is given to\n"
    "      --rate N            names a second (default 200)\n"
    "      --burst N           names at once (default 1000)\n"
    "      --days N            that a certificate lasts (default 30, up to 397)\n"
    "      --daemon            go to the background once it listens; a signer\n"
    "                          that dies is started again\n"
    "  -h, --help              this text\n"
    "\n"
    "SIGTERM ends it, SIGUSR1 reopens the log.\n"
    "Exit: 0 ended or in the background, 1 not started (stderr says why),\n"
    "2 usage.\n";


int
debar_sign_command(int argc, char **argv)
{
    int                    rc;
    const char            *warning;
    debar_fault_t          fault;
    debar_signer_t         s;
    debar_service_user_t   user;

    memset(&s, 0, sizeof(s));
    s.service.name = "sign";
    s.service.what = "the signer";
    s.service.account = "debar-sign";
    s.service.files = DEBAR_SIGN_CLIENTS + 64;
    s.service.run = debar_sign_run;

    rc = debar_sign_args(&s, argc, argv);

    if (rc != -1) {
        return rc;
    }

    debar_service_close_files(&s.service);
    debar_service_harden();

    if (debar_service_user(&s.service, &user) != DEBAR_OK) {
        return DEBAR_EXIT_FAILURE;
    }

    /* a key in a file is root's to read; one in a token is opened as user */

    s.mint = debar_mint_open(&s.conf, time(NULL), &fault);

    if (s.mint == NULL) {
        return debar_say("sign: %s", fault.text);
    }

    warning = debar_mint_warning(s.mint);

    if (warning) {
        (void) debar_say("sign: warning: %s", warning);
    }

    umask(077);

    if (debar_service_open(&s.service, &user) != DEBAR_OK) {
        return DEBAR_EXIT_FAILURE;
    }

    if (chdir("/") == -1
        || debar_service_drop(&s.service, &user) != DEBAR_OK)
    {
        (void) unlink(s.service.socket);
        return DEBAR_EXIT_FAILURE;
    }

    (void) debar_service_log(&s.service, "started on %s as uid=%ld gid=%ld "
                             "(%s)%s%s", s.service.socket, (long) user.uid,
                             (long) user.gid, user.why, warning ? ": " : "",
                             warning ? warning : "");

    rc = debar_service_start(&s.service);

    debar_mint_close(s.mint);

    return rc;
}


/* -1: go on; else the exit code. */

static int
debar_sign_args(debar_signer_t *s, int argc, char **argv)
{
    int  n, ch;

    enum { CA = 256, KEY, PASSPHRASE, RATE, BURST, DAYS };

    static const struct option  options[] = {
        { "ca",         required_argument, NULL, CA },
        { "key",        required_argument, NULL, KEY },
        { "passphrase", required_argument, NULL, PASSPHRASE },
        { "rate",       required_argument, NULL, RATE },
        { "burst",      required_argument, NULL, BURST },
        { "days",       required_argument, NULL, DAYS },
        { "help",       no_argument,       NULL, 'h' },
        DEBAR_SERVICE_OPTIONS,
        { NULL, 0, NULL, 0 }
    };

    s->rate = 200;
    s->burst = 1000;
    opterr = 0;

    while ((ch = getopt_long(argc, argv, ":h", options, NULL)) != -1) {

        n = -1;

        switch (ch) {
        case CA:
            s->conf.cert = optarg;
            break;
        case KEY:
            s->conf.key = optarg;
            break;
        case PASSPHRASE:
            s->conf.passphrase = optarg;
            break;
        case RATE:
            n = debar_service_number(&s->service, "--rate", optarg, 1, 1000000,
                                     &s->rate);
            break;
        case BURST:
            n = debar_service_number(&s->service, "--burst", optarg, 1,
                                     1000000, &s->burst);
            break;
        case DAYS:
            n = debar_service_number(&s->service, "--days", optarg, 1, 397,
                                     &s->conf.days);
            break;
        case 'h':
            fputs(debar_sign_help, stdout);
            return 0;
        default:
            n = debar_service_option(&s->service, ch, optarg);

            if (n == DEBAR_DECLINED) {
                return debar_bad_option("sign", ch, argv);
            }
        }

        if (n != -1) {
            return n;
        }
    }

    if (optind != argc) {
        return debar_usage("debar sign", "it takes options only");
    }

    if (s->conf.cert == NULL || s->conf.key == NULL
        || s->service.socket_arg == NULL)
    {
        return debar_usage("debar sign", "--ca, --key and --socket are needed");
    }

    return debar_service_paths(&s->service);
}


/* ready: where one byte says that it serves, or text why not; -1: none. */

static int
debar_sign_run(debar_service_t *service, int ready)
{
    debar_fault_t    fault;
    debar_signer_t  *s = (debar_signer_t *) service;

    if (debar_mint_wants_token(s->mint)
        && debar_mint_token(s->mint, &fault) != DEBAR_OK)
    {
        if (ready == -1) {
            return debar_say("sign: %s", fault.text);
        }

        (void) !write(ready, fault.text, strlen(fault.text));
        (void) debar_service_log(service, "%s", fault.text);

        return DEBAR_EXIT_FAILURE;
    }

    if (ready != -1) {
        (void) !write(ready, "", 1);
        close(ready);
    }

    return debar_sign_serve(s);
}
