/*
 * What sealed/files tells of a closed file, where that is not what the file is,
 * and the file is as it was sealed.
 */

#include "audit_check.h"
#include "trust.h"


int
debar_audit_blame_entry(debar_audit_check_t *check, debar_fault_t *fault)
{
    size_t                n;
    char                  path[DEBAR_MAX_DIR + 64], begin[96],
                          name[DEBAR_SEALED_NAME];
    const char           *p, *end, *eol;
    debar_buf_t           data;
    debar_audit_blame_t  *blame = &check->blame;

    debar_sealed_file_name(name, check->entry);
    n = (size_t) snprintf(begin, sizeof(begin), "{\"file\":\"%s\"", name);
    debar_audit_path(&check->log->audit, "sealed/files", path, sizeof(path));

    if (debar_trust_read(&data, path, DEBAR_AUDIT_FILES_MAX, "the list of "
                         "files that are closed", fault) != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    p = data.data;
    end = p + data.len;

    while (p < end && (eol = memchr(p, '\n', (size_t) (end - p)))) {

        blame->line++;

        if ((size_t) (eol - p) > n && memcmp(p, begin, n) == 0) {
            break;
        }

        p = eol + 1;
    }

    debar_buf_free(&data);

    snprintf(blame->file, sizeof(blame->file), "sealed/files");
    blame->leaf = check->log->files.list[check->entry - 1].first;
    blame->what = "changed";
    snprintf(blame->text, sizeof(blame->text), "%s of %s %s not what the file "
             "has, every line of which is as it was sealed: take this line "
             "from a copy", check->member, name,
             strchr(check->member, ' ') ? "are" : "is");

    return DEBAR_OK;
}
