/*
 * debar inspect: files as the gateway sees them.
 */

#include "tools.h"


int
debar_inspect_command(int argc, char **argv)
{
    return debar_inspect_print(argc, argv);
}
