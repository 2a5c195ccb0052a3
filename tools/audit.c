/*
 * debar audit: the log of verdicts, sealed and read.
 */

#include "audit.h"
#include "audit_index.h"
#include "audit_witness.h"


static const char  debar_audit_help[] =
    "usage: debar audit COMMAND ...\n"
    "\n"
    "Seals the log of a gateway, so that whoever changes a line of it later is\n"
    "found out, and reads it.\n";


static const debar_command_t  debar_audit_commands[] = {
    { "seal", debar_audit_seal, "sign the lines of the log as they come" },
    { "rotate", debar_audit_rotate, "begin another file of the log" },
    { "index", debar_audit_index,
      "keep what is searched in step with the log" },
    { "search", debar_audit_search,
      "find verdicts by who, what, when and why" },
    { "verify", debar_audit_verify,
      "find the first line that is not as it was sealed" },
    { "prove", debar_audit_prove,
      "write one incident's lines as a file that proves them" },
    { "check-proof", debar_audit_check_proof,
      "check such a file with the sealer's public key alone" },
    { "consistency", debar_audit_consistency,
      "show that a later checkpoint goes on from an earlier one" },
    { "replay", debar_audit_replay,
      "reach a recorded verdict again under its list" },
    { "export", debar_audit_export,
      "decisions as OCSF, ECS, CEF or syslog, for a collector" },
    { "report", debar_audit_report,
      "a report for people: a page, PDF, CSV, JSON" },
    { "retain", debar_audit_retain,
      "delete what policy need not keep, and prove the rest" },
    { "witness", debar_audit_witness,
      "have checkpoints cosigned by another machine, or cosign" },
    { NULL, NULL, NULL }
};


int
debar_audit_command(int argc, char **argv)
{
    return debar_dispatch("debar audit", debar_audit_help,
                          debar_audit_commands, argc, argv);
}
