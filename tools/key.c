/*
 * debar key: keys of those who approve lists, of sealers and witnesses.
 */

#include <openssl/evp.h>

#include "trust.h"


static int debar_key_new(int argc, char **argv);
static int debar_key_show(int argc, char **argv);


typedef struct {
    const char  *what;
    const char  *output;
    const char  *pass_file;
    unsigned     witness;
    unsigned     open;
    unsigned     json;
} debar_key_args_t;


static const char  debar_key_help[] =
    "usage: debar key new NAME -o FILE [--witness] [--pass-file FILE] [--json]\n"
    "       debar key show FILE|FILE.pub [--open] [--json]\n"
    "\n"
    "Each person who approves lists has a key of their own and keeps it.\n";

static const char  debar_key_new_help[] =
    "usage: debar key new NAME -o FILE [options]\n"
    "\n"
    "Makes an Ed25519 key for NAME (as in anna.smith).  FILE gets the private\n"
    "half, encrypted by a passphrase that is asked twice: keep it, and give it\n"
    "to nobody.  FILE.pub gets the public half: give it to who keeps the root\n"
    "file (debar root new --approver FILE.pub).\n"
    "\n"
    "  -o, --output FILE      where the key goes; must not be there yet\n"
    "      --witness          for `debar audit witness serve`: it cosigns\n"
    "                         checkpoints of logs, and signs nothing else\n"
    "      --pass-file FILE   its first line is the passphrase\n"
    "      --json             say the outcome as one JSON object on stdout\n"
    "  -h, --help             this text\n"
    "\n"
    "Exit: 0 made, 1 not made (stderr says why), 2 usage.\n";

static const char  debar_key_show_help[] =
    "usage: debar key show FILE|FILE.pub [options]\n"
    "\n"
    "Prints the public half of a key.  Compare the id by telephone before you\n"
    "name somebody's key in a root file.\n"
    "\n"
    "      --open             open the private half, to see that the\n"
    "                         passphrase is right\n"
    "      --pass-file FILE   its first line is the passphrase\n"
    "      --json             say it as one JSON object on stdout\n"
    "  -h, --help             this text\n"
    "\n"
    "Exit: 0 shown, 1 not a key (stderr says why), 2 usage.\n";


static const debar_command_t  debar_key_commands[] = {
    { "new", debar_key_new, "make a key, encrypted by a passphrase" },
    { "show", debar_key_show, "print the public half of a key" },
    { NULL, NULL, NULL }
};


int
debar_key_command(int argc, char **argv)
{
    return debar_dispatch("debar key", debar_key_help, debar_key_commands,
                          argc, argv);
}


/* -1: go on; else the exit code. */

static int
debar_key_args(debar_key_args_t *a, const char *command, const char *help,
    int argc, char **argv)
{
    int                         c;
    static const struct option  options[] = {
        { "output",    required_argument, NULL, 'o' },
        { "pass-file", required_argument, NULL, 'p' },
        { "witness",   no_argument,       NULL, 'w' },
        { "open",      no_argument,       NULL, 'O' },
        { "json",      no_argument,       NULL, 'j' },
        { "help",      no_argument,       NULL, 'h' },
        { NULL, 0, NULL, 0 }
    };

    memset(a, 0, sizeof(*a));
    opterr = 0;

    while ((c = getopt_long(argc, argv, ":o:h", options, NULL)) != -1) {

        switch (c) {
        case 'o':
            a->output = optarg;
            break;
        case 'p':
            a->pass_file = optarg;
            break;
        case 'w':
            a->witness = 1;
            break;
        case 'O':
            a->open = 1;
            break;
        case 'j':
            a->json = 1;
            break;
        case 'h':
            fputs(help, stdout);
            return 0;
        default:
            return debar_bad_option(command, c, argv);
        }
    }

    if (argc - optind != 1) {
        return debar_usage(command, help == debar_key_new_help
                           ? "name who the key is for, as in anna.smith"
                           : "name one key file");
    }

    a->what = argv[optind];

    if (help == debar_key_new_help && a->output == NULL) {
        return debar_usage(command, "-o FILE is missing, where the key goes");
    }

    if (help == debar_key_new_help ? a->open : a->output || a->witness) {
        return debar_usage(command, "-o and --witness belong to key new, "
                           "--open to key show");
    }

    return -1;
}


static void
debar_key_print(const debar_vkey_t *key, const char *file, int json)
{
    char         text[DEBAR_VKEY_TEXT], id[9];
    debar_buf_t  b;

    debar_vkey_text(text, key);

    if (!json) {
        printf("%s\n", text);
        return;
    }

    snprintf(id, sizeof(id), "%02x%02x%02x%02x", key->id[0], key->id[1],
             key->id[2], key->id[3]);
    memset(&b, 0, sizeof(b));
    debar_buf_printf(&b, "{\"ok\":true");
    debar_json_text(&b, "name", key->name, strlen(key->name));
    debar_json_text(&b, "id", id, strlen(id));
    debar_json_text(&b, "key", text, strlen(text));

    if (file) {
        debar_json_text(&b, "file", file, strlen(file));
    }

    debar_buf_printf(&b, "}\n");
    debar_flush(&b);
}


static int
debar_key_new(int argc, char **argv)
{
    int               rc;
    debar_vkey_t      key;
    debar_fault_t     fault;
    debar_key_args_t  a;

    rc = debar_key_args(&a, "debar key new", debar_key_new_help, argc, argv);

    if (rc != -1) {
        return rc;
    }

    if (debar_trust_new_key(&key, a.witness ? DEBAR_KEY_COSIGNER
                            : DEBAR_KEY_ED25519, a.what, a.output, a.pass_file,
                            &fault) != DEBAR_OK)
    {
        return debar_trust_failed(a.json, &fault);
    }

    debar_key_print(&key, a.output, (int) a.json);

    if (!a.json) {
        fprintf(stderr, "%s is the private key: keep it and its passphrase to "
                "yourself.\n%s.pub is for %s; its id is "
                "%02x%02x%02x%02x.\n", a.output, a.output, a.witness
                ? "those who rely on the witness" : "the root file",
                key.id[0], key.id[1], key.id[2], key.id[3]);
    }

    return 0;
}


static int
debar_key_show(int argc, char **argv)
{
    int               rc;
    EVP_PKEY         *private;
    debar_vkey_t      key;
    debar_fault_t     fault;
    debar_key_args_t  a;

    rc = debar_key_args(&a, "debar key show", debar_key_show_help, argc, argv);

    if (rc != -1) {
        return rc;
    }

    if (debar_trust_public_as(&key, 0, a.what, &fault) != DEBAR_OK) {
        return debar_trust_failed(a.json, &fault);
    }

    if (a.open || a.pass_file) {
        private = debar_trust_open_key_as(&key, 0, a.what, a.pass_file, &fault);

        if (private == NULL) {
            return debar_trust_failed(a.json, &fault);
        }

        EVP_PKEY_free(private);
    }

    debar_key_print(&key, NULL, (int) a.json);

    return 0;
}
