/*
 * debar: the command of the proxy operator, the procurement office and the
 * audit reviewer.
 */

#include <errno.h>
#include <stdlib.h>

#include "audit.h"


static const debar_command_t  debar_commands[] = {
    { "list", debar_list_command,
      "build and check a vendor blocklist" },
    { "audit", debar_audit_command,
      "seal the log of verdicts, and read it" },
    { "check", debar_check_command,
      "judge one URL, or many, and explain the verdict" },
    { "gateway", debar_gateway_command,
      "set up, start and watch a gateway" },
    { "inspect", debar_inspect_command,
      "read a file as the gateway does, or serve a gateway that does" },
    { "key", debar_key_command,
      "make the keys of those who approve lists" },
    { "root", debar_root_command,
      "say who may approve lists, and check it" },
    { "sign", debar_sign_command,
      "hold a CA's key and sign for a gateway that inspects HTTPS" },
    { NULL, NULL, NULL }
};


static const char  debar_help[] =
    "usage: debar COMMAND ...\n"
    "       debar --help | --version\n"
    "\n"
    "Keeps an agency from acquiring what was removed from its approved list.\n";


int
main(int argc, char **argv)
{
    int  rc;

    if (argc > 1
        && (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0))
    {
        printf("debar %s\n", DEBAR_VERSION);
        rc = 0;

    } else {
        rc = debar_dispatch("debar", debar_help, debar_commands, argc, argv);
    }

    /* what was written counts only once it is out */

    if (ferror(stdout) || fclose(stdout) != 0) {
        return debar_say("cannot write the output: %s", strerror(errno));
    }

    return rc;
}


int
debar_dispatch(const char *family, const char *help,
    const debar_command_t *commands, int argc, char **argv)
{
    const debar_command_t  *c;
    FILE                   *to;
    int                     asked;

    asked = argc > 1 && (strcmp(argv[1], "--help") == 0
                         || strcmp(argv[1], "-h") == 0
                         || strcmp(argv[1], "help") == 0);

    if (argc < 2 || asked) {
        to = asked ? stdout : stderr;

        fprintf(to, "%s\nCommands (each has --help; debar(1) is the manual):\n",
                help);

        for (c = commands; c->name; c++) {
            fprintf(to, "  %-8s %s\n", c->name, c->summary);
        }

        return asked ? 0 : DEBAR_EXIT_USAGE;
    }

    for (c = commands; c->name; c++) {
        if (strcmp(argv[1], c->name) == 0) {
            return c->run(argc - 1, argv + 1);
        }
    }

    fprintf(stderr, "%s: there is no command \"", family);
    debar_put(stderr, argv[1], strlen(argv[1]));
    fprintf(stderr, "\"; there are:");

    for (c = commands; c->name; c++) {
        fprintf(stderr, " %s", c->name);
    }

    fprintf(stderr, "\n");

    return DEBAR_EXIT_USAGE;
}
