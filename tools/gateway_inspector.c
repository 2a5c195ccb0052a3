/*
 * The inspector of a gateway that judges downloads by what they are.
 */

#include "tools.h"


int
debar_inspector_args(const debar_gateway_t *g, debar_beside_own_t *own)
{
    own->argv[0] = "--serve";

    return DEBAR_OK;
}
