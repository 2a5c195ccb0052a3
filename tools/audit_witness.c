/*
 * debar audit witness: another machine that remembers what a log has signed.
 */

#include <stdlib.h>

#include "audit_witness.h"


static const char  debar_audit_witness_help[] =
    "usage: debar audit witness COMMAND ...\n"
    "\n"
    "A witness cosigns the checkpoints of a log, each only if it goes on from the\n"
    "last: who holds the sealer's key can then rewrite nothing unnoticed.\n";


static const debar_command_t  debar_audit_witness_commands[] = {
    { "serve", debar_witness_serve, "cosign for logs, on a second machine" },
    { "ask", debar_witness_ask, "have the latest checkpoint cosigned" },
    { "show", debar_witness_show, "what a witness knows of its logs" },
    { NULL, NULL, NULL }
};


int
debar_audit_witness(int argc, char **argv)
{
    return debar_dispatch("debar audit witness", debar_audit_witness_help,
                          debar_audit_witness_commands, argc, argv);
}


const char *
debar_witness_time(char out[24], uint64_t seconds)
{
    time_t     t;
    struct tm  tm;

    t = (time_t) seconds;

    if (gmtime_r(&t, &tm) == NULL
        || strftime(out, 24, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
    {
        strcpy(out, "a time without a date");
    }

    return out;
}


uint64_t
debar_witness_span(const char *text)
{
    char           *end;
    unsigned long   n, unit;

    n = strtoul(text, &end, 10);
    unit = *end == 's' ? 1 : *end == 'm' ? 60 : *end == 'h' ? 3600
           : *end == 'd' ? 86400 : 0;

    if (*text < '1' || *text > '9' || unit == 0 || end[1] || n > 1000000) {
        return 0;
    }

    return n * unit;
}
