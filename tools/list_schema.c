/*
 * debar list schema: JSON Schema of the files of a source, for editors.
 */

#include "tools.h"
#include "schema.h"


static const char  debar_schema_help[] =
    "usage: debar list schema [--vendor | --list | --waivers | --channels]\n"
    "\n"
    "Prints the JSON Schema (2020-12) of a file of a source: of vendors/*.yaml\n"
    "unless another is named.  blocklist/schema/ has the same as files.  An\n"
    "editor with a YAML language server reads it where a file begins with\n"
    "\n"
    "  # yaml-language-server: $schema=PATH/vendor.schema.json\n"
    "\n"
    "      --vendor    of vendors/*.yaml\n"
    "      --list      of list.yaml\n"
    "      --waivers   of waivers.yaml\n"
    "      --channels  of channels/*.yaml\n"
    "  -h, --help      this text\n";


int
debar_list_schema(int argc, char **argv)
{
    int                         c;
    debar_buf_t                 b;
    const char                 *file;
    static const struct option  options[] = {
        { "vendor",   no_argument, NULL, 'v' },
        { "list",     no_argument, NULL, 'l' },
        { "waivers",  no_argument, NULL, 'w' },
        { "channels", no_argument, NULL, 'c' },
        { "help",     no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 }
    };

    file = "vendor";
    opterr = 0;

    while ((c = getopt_long(argc, argv, ":h", options, NULL)) != -1) {

        switch (c) {
        case 'v':
            file = "vendor";
            break;
        case 'l':
            file = "list";
            break;
        case 'w':
            file = "waivers";
            break;
        case 'c':
            file = "channel";
            break;
        case 'h':
            fputs(debar_schema_help, stdout);
            return 0;
        default:
            return debar_bad_option("debar list schema", c, argv);
        }
    }

    if (argc != optind) {
        return debar_usage("debar list schema", "it reads no file: to check a "
                           "source, debar list check %s", argv[optind]);
    }

    memset(&b, 0, sizeof(b));
    (void) debar_schema_json(&b, file);
    debar_flush(&b);

    return 0;
}
