/*
 * The manifest of a list: its text, and whether it may come into force.
 */

#include <stdio.h>
#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include "manifest.h"


static int debar_manifest_numbers(debar_manifest_t *m, debar_str_t *text,
    const char **what);
static int debar_manifest_digests(debar_manifest_t *m, debar_str_t *text,
    const char **what);
static int debar_manifest_title(const char *p, size_t len);


int
debar_manifest_parse(debar_manifest_t *m, const char *file, debar_str_t text,
    debar_fault_t *fault)
{
    const char   *what;
    debar_str_t   v;

    memset(m, 0, sizeof(*m));
    what = DEBAR_MANIFEST_FORMAT " as its first line, is this a manifest?";

    if (debar_root_line(&text, NULL, &v) != DEBAR_OK
        || v.len != sizeof(DEBAR_MANIFEST_FORMAT) - 1
        || memcmp(v.data, DEBAR_MANIFEST_FORMAT, v.len) != 0
        || debar_manifest_numbers(m, &text, &what) != DEBAR_OK
        || debar_manifest_digests(m, &text, &what) != DEBAR_OK)
    {
        debar_fault(fault, "%s: not a manifest: wanted is %s; fetch it again, "
                    "and do not change it by hand", file, what);
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


static int
debar_manifest_numbers(debar_manifest_t *m, debar_str_t *text,
    const char **what)
{
    debar_str_t  v, number;

    *what = "a serial from 1";

    if (debar_root_line(text, "serial", &v) != DEBAR_OK
        || debar_root_number(v, INT64_MAX, &m->serial) != DEBAR_OK
        || m->serial == 0)
    {
        return DEBAR_ERROR;
    }

    *what = "previous with a lower serial and its digest, or none";

    if (debar_root_line(text, "previous", &v) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    if (v.len != 4 || memcmp(v.data, "none", 4) != 0) {

        if (v.len < 66 || v.data[v.len - 65] != ' ') {
            return DEBAR_ERROR;
        }

        number = debar_str(v.data, v.len - 65);
        v = debar_str(v.data + v.len - 64, 64);

        if (debar_root_number(number, m->serial - 1, &m->previous) != DEBAR_OK
            || m->previous == 0
            || debar_root_hex(v, 0, m->previous_digest) != DEBAR_OK)
        {
            return DEBAR_ERROR;
        }
    }

    *what = "created and expires as YYYY-MM-DDTHH:MM:SSZ, one after the other";

    if (debar_root_line(text, "created", &v) != DEBAR_OK
        || debar_root_when(v, &m->created) != DEBAR_OK
        || debar_root_line(text, "expires", &v) != DEBAR_OK
        || debar_root_when(v, &m->expires) != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    return m->created < m->expires ? DEBAR_OK : DEBAR_ERROR;
}


static int
debar_manifest_digests(debar_manifest_t *m, debar_str_t *text,
    const char **what)
{
    debar_str_t  v;

    *what = "a title of at most 512 bytes without control characters";

    if (debar_root_line(text, "title", &v) != DEBAR_OK
        || debar_manifest_title(v.data, v.len) != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    memcpy(m->title, v.data, v.len);
    *what = "digest and sha256 of 64 hex digits";

    if (debar_root_line(text, "digest", &v) != DEBAR_OK
        || debar_root_hex(v, 0, m->digest) != DEBAR_OK
        || debar_root_line(text, "sha256", &v) != DEBAR_OK
        || debar_root_hex(v, 0, m->sha256) != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    *what = "the size of the snapshot in bytes";

    if (debar_root_line(text, "size", &v) != DEBAR_OK
        || debar_root_number(v, DEBAR_MANIFEST_SIZE, &m->size) != DEBAR_OK
        || m->size == 0)
    {
        return DEBAR_ERROR;
    }

    *what = "preview and diff of 64 hex digits, or none, and nothing behind";

    if (debar_root_line(text, "preview", &v) != DEBAR_OK
        || debar_root_hex(v, 1, m->preview) != DEBAR_OK
        || debar_root_line(text, "diff", &v) != DEBAR_OK
        || debar_root_hex(v, 1, m->diff) != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    return text->len == 0 ? DEBAR_OK : DEBAR_ERROR;
}


/* What is shown to approvers: nothing in it may hide or turn what is around. */

static int
debar_manifest_title(const char *p, size_t len)
{
    UChar32  c;
    int32_t  i;

    if (len == 0 || len > DEBAR_MANIFEST_TITLE || p[0] == ' '
        || p[len - 1] == ' ')
    {
        return DEBAR_ERROR;
    }

    for (i = 0; i < (int32_t) len; /* void */) {
        U8_NEXT(p, i, (int32_t) len, c);

        if (c < 0 || !u_isprint(c)) {
            return DEBAR_ERROR;
        }
    }

    return DEBAR_OK;
}


int
debar_manifest_text(debar_buf_t *out, const debar_manifest_t *m,
    debar_fault_t *fault)
{
    char              created[21], expires[21];
    size_t            from;
    debar_manifest_t  again;

    from = out->len;
    debar_root_time(created, m->created);
    debar_root_time(expires, m->expires);

    debar_buf_printf(out, DEBAR_MANIFEST_FORMAT "\nserial %llu\n",
                     (unsigned long long) m->serial);

    if (m->previous) {
        debar_buf_printf(out, "previous %llu %s\n",
                         (unsigned long long) m->previous, m->previous_digest);

    } else {
        debar_buf_printf(out, "previous none\n");
    }

    debar_buf_printf(out, "created %s\nexpires %s\ntitle %s\ndigest %s\n"
                     "sha256 %s\nsize %llu\npreview %s\ndiff %s\n", created,
                     expires, m->title, m->digest, m->sha256,
                     (unsigned long long) m->size,
                     m->preview[0] ? m->preview : "none",
                     m->diff[0] ? m->diff : "none");

    return debar_manifest_parse(&again, "the new manifest",
                                debar_str(out->data + from, out->len - from),
                                fault);
}


int
debar_manifest_verify(debar_manifest_t *m, const char *file, const void *data,
    size_t len, const debar_root_t *root, int64_t now,
    const debar_manifest_floor_t *floor, debar_fault_t *fault)
{
    debar_note_t  note;

    /* signatures first: nothing is read out of a text that nobody signed */

    if (debar_root_current(root, "the root file", now, fault) != DEBAR_OK
        || debar_note_parse(&note, file, data, len, 0, fault) != DEBAR_OK
        || debar_root_threshold(root, &note, file, fault) != DEBAR_OK
        || debar_manifest_parse(m, file, note.text, fault) != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    return debar_manifest_current(m, file, now, floor, fault);
}


int
debar_manifest_current(const debar_manifest_t *m, const char *file,
    int64_t now, const debar_manifest_floor_t *floor, debar_fault_t *fault)
{
    char  when[21], clock[21];

    debar_root_time(clock, now);

    if (now >= m->expires) {
        debar_root_time(when, m->expires);
        debar_fault(fault, "%s: serial %llu expired on %s, and it is %s: have "
                    "a newer one approved and published, or set this "
                    "machine's clock", file, (unsigned long long) m->serial,
                    when, clock);
        return DEBAR_ERROR;
    }

    if (m->created > now + DEBAR_MANIFEST_AHEAD) {
        debar_root_time(when, m->created);
        debar_fault(fault, "%s: serial %llu was made on %s, and it is %s only: "
                    "set this machine's clock, or that where it was made",
                    file, (unsigned long long) m->serial, when, clock);
        return DEBAR_ERROR;
    }

    if (floor && m->serial < floor->serial) {
        debar_fault(fault, "%s: serial %llu is older than %llu, which was in "
                    "force already: to go back, publish the old content under "
                    "a new serial (`debar list rollback`)", file,
                    (unsigned long long) m->serial,
                    (unsigned long long) floor->serial);
        return DEBAR_ERROR;
    }

    if (floor && m->serial == floor->serial && floor->digest[0]
        && strcmp(m->digest, floor->digest) != 0)
    {
        debar_fault(fault, "%s: serial %llu has other rows (%.16s...) than the "
                    "list of that serial that is in force (%.16s...): publish "
                    "it under a new serial", file,
                    (unsigned long long) m->serial, m->digest, floor->digest);
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}
