/*
 * Deltas of any bytes (libFuzzer): applied to a list, either as they are or as
 * the rows or the tables of a delta that is sound otherwise, or as changes of
 * its tables, since random bytes are seldom what zstd unpacks, or tables.  The
 * first byte chooses.  Whatever they are, a list that is put in place has the
 * digest that was asked for.
 */

#include "delta_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zstd.h>


#define claim(c)  do { if (!(c)) { abort(); } } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);


static char         dir[64];
static char         base[128], other[128], out[128];
static debar_buf_t  sound;
static debar_buf_t  tables;       /* of it, unpacked */

static const debar_open_opts_t  any = { DEBAR_ANY_OWNER, 0, "", 0 };


static void
clean(void)
{
    char  cmd[128];

    snprintf(cmd, sizeof(cmd), "rm -rf '%s'", dir);
    claim(system(cmd) == 0);
}


/* A list of some hosts with two rules. */

static void
build(const char *path, unsigned hosts)
{
    char                key[64];
    uint32_t            i, k;
    debar_ref_t         id;
    debar_rule_t       *r;
    debar_entry_t      *e;
    debar_fault_t       f;
    debar_source_t      src;
    debar_build_info_t  info;
    debar_build_opts_t  opts = { 1, 1, NULL, NULL };

    memset(&src, 0, sizeof(src));
    src.title = strdup("List");
    src.publisher = strdup("Agency");
    src.timezone = strdup("UTC");
    src.serial = hosts;

    id = debar_table_text(src.tables, "acme", 4);
    e = debar_table_add(src.tables, DEBAR_T_ENTRIES, &i);
    e->id = id;

    for (k = 0; k < 2; k++) {
        r = debar_table_add(src.tables, DEBAR_T_RULES, &i);
        r->kind = DEBAR_KIND_HOST;
        r->cap = DEBAR_BLOCK;
        r->product = DEBAR_NONE;
        r->flags = (uint8_t) k;
    }

    for (k = 0; k < hosts; k++) {
        debar_rowset_add(&src.rows[DEBAR_DB_HOST], key, (size_t)
                         snprintf(key, sizeof(key), "com.h%u.", k), k % 2);
    }

    claim(debar_snapshot_build(&src, path, &opts, &info, &f) == DEBAR_OK);
    debar_source_free(&src);
}


/* As who applies it does: with the tables of the base as prefix. */

static void
unpack(void)
{
    size_t               n;
    ZSTD_DCtx           *z;
    debar_buf_t          prefix;
    debar_ranks_t        ranks;
    debar_fault_t        f;
    debar_snapshot_t    *s;
    debar_delta_head_t   h;

    memset(&prefix, 0, sizeof(prefix));
    s = debar_snapshot_open(base, &any, &f);
    claim(s && debar_digest_ranks(&ranks, &s->view) == DEBAR_OK);
    claim(debar_delta_tables(&prefix, &s->view, &ranks)
          == DEBAR_OK);
    claim(debar_delta_head(&h, sound.data, sound.len, &f) == DEBAR_OK);

    tables.data = malloc(h.tables_size);
    tables.len = tables.size = h.tables_size;
    z = ZSTD_createDCtx();
    claim(tables.data && z);
    ZSTD_DCtx_refPrefix(z, prefix.data, prefix.len);
    n = ZSTD_decompressDCtx(z, tables.data, tables.len,
                            sound.data + DEBAR_DELTA_BEGIN, h.tables_len);
    claim(n == tables.len);

    ZSTD_freeDCtx(z);
    debar_buf_free(&prefix);
    debar_digest_ranks_free(&ranks);
    debar_snapshot_close(s);
}


int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    debar_fault_t        f;
    debar_snapshot_t    *a, *b;
    debar_delta_info_t   info;

    /* each list that is put in place is synced: where that costs nothing */

    snprintf(dir, sizeof(dir), "%s/debar-fuzz-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");

    claim(mkdtemp(dir) != NULL);
    atexit(clean);
    snprintf(base, sizeof(base), "%s/base.mdb", dir);
    snprintf(other, sizeof(other), "%s/other.mdb", dir);
    snprintf(out, sizeof(out), "%s/out.mdb", dir);

    build(base, 50);
    build(other, 52);

    a = debar_snapshot_open(base, &any, &f);
    b = debar_snapshot_open(other, &any, &f);
    claim(a && b && debar_delta_make(a, b, &sound, &info, &f) == DEBAR_OK);
    debar_snapshot_close(a);
    debar_snapshot_close(b);
    unpack();

    return 0;
}


static void
apply(const char *data, size_t len)
{
    char                 digest[65];
    debar_str_t          one;
    debar_fault_t        f;
    debar_snapshot_t    *s;
    debar_build_info_t   info;
    debar_delta_info_t   head;
    debar_build_opts_t   opts = { 1, 1, NULL, NULL };

    f.text[0] = '\0';

    if (debar_delta_read(&head, data, len, &f) != DEBAR_OK) {
        claim(f.text[0]);
        return;
    }

    memcpy(digest, head.to, 65);
    one = debar_str(data, len);

    if (debar_delta_apply(base, out, &one, 1, digest, &opts, &info, &f)
        != DEBAR_OK)
    {
        claim(f.text[0] && strchr(f.text, '\n') == NULL);
        return;
    }

    s = debar_snapshot_open(out, &any, &f);
    claim(s && strcmp(debar_snapshot_meta(s)->digest, digest) == 0);
    debar_snapshot_close(s);
}


/* The sound delta with one of its frames made of these bytes. */

static void
framed(const void *data, size_t size, unsigned of_tables)
{
    char                *p, *at;
    size_t               n, rows, room;
    uint32_t             len, raw;
    debar_fault_t        f;
    debar_delta_head_t   h;

    claim(debar_delta_head(&h, sound.data, sound.len, &f) == DEBAR_OK);

    room = ZSTD_compressBound(size);
    p = malloc(sound.len + room);
    claim(p != NULL);
    memcpy(p, sound.data, DEBAR_DELTA_BEGIN + h.tables_len);

    at = p + DEBAR_DELTA_BEGIN + (of_tables ? 0 : h.tables_len);
    n = ZSTD_compress(at, room, data, size, 1);
    claim(!ZSTD_isError(n));
    len = (uint32_t) n;
    raw = (uint32_t) size;
    rows = 0;

    if (of_tables) {
        rows = sound.len - DEBAR_DELTA_BEGIN - h.tables_len;
        memcpy(at + n, sound.data + sound.len - rows, rows);
    }

    memcpy(p + DEBAR_DELTA_BEGIN - (of_tables ? 16 : 12), &len, 4);
    memcpy(p + DEBAR_DELTA_BEGIN - (of_tables ? 8 : 4), &raw, 4);

    apply(p, (size_t) (at - p) + n + rows);
    free(p);
}


/* Three bytes a change: where, and what. */

static void
changed(const uint8_t *data, size_t size)
{
    char    *copy;
    size_t   i;

    copy = malloc(tables.len);
    claim(copy != NULL);
    memcpy(copy, tables.data, tables.len);

    for (i = 0; i + 2 < size; i += 3) {
        copy[(size_t) (data[i] | data[i + 1] << 8) % tables.len]
            = (char) data[i + 2];
    }

    framed(copy, tables.len, 1);
    free(copy);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }

    /* the seeds that there are begin with an even byte for rows */

    if (data[0] & 1) {
        apply((const char *) data + 1, size - 1);

    } else if ((data[0] & 6) == 2) {
        framed(data + 1, size - 1, 1);

    } else if ((data[0] & 6) == 4) {
        changed(data + 1, size - 1);

    } else {
        framed(data + 1, size - 1, 0);
    }

    return 0;
}
