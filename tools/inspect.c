/*
 * debar inspect: files as the gateway sees them.
 */

#include "inspect.h"


int
debar_inspect_command(int argc, char **argv)
{
    int  i;

    for (i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--serve") == 0) {
            return debar_inspect_serve(argc, argv);
        }
    }

    return debar_inspect_print(argc, argv);
}
