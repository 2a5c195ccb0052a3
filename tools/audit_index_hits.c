/*
 * Where the index says that the lines of an incident stand.
 */

#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "audit_index.h"


static int debar_index_hits_places(debar_index_hits_t *h, debar_index_t *x,
    uint64_t incident, debar_fault_t *fault);
static int debar_index_hits_files(debar_index_hits_t *h, debar_index_t *x,
    debar_fault_t *fault);
static int debar_index_hits_cmp(const void *one, const void *two);


int
debar_index_hits(debar_index_hits_t **hits, const debar_audit_t *a,
    uint64_t incident, debar_fault_t *fault)
{
    int                  rc;
    debar_index_t        x;
    debar_index_hits_t  *h;

    *hits = NULL;

    if (debar_index_open(&x, a, 0, fault) != DEBAR_OK) {
        return DEBAR_DECLINED;
    }

    h = calloc(1, sizeof(*h));

    if (h == NULL) {
        debar_fault(fault, "%s: no memory", x.path);
        rc = DEBAR_DECLINED;

    } else {
        rc = debar_index_hits_files(h, &x, fault);
        rc = rc == DEBAR_OK ? debar_index_hits_places(h, &x, incident, fault)
                            : rc;
    }

    debar_index_close(&x);

    if (rc != DEBAR_OK) {
        debar_index_hits_free(h);
        return DEBAR_DECLINED;
    }

    *hits = h;

    return DEBAR_OK;
}


void
debar_index_hits_free(debar_index_hits_t *h)
{
    if (h) {
        free(h->files);
        free(h);
    }
}


/* The decision, and its outcome where that is known. */

static int
debar_index_hits_places(debar_index_hits_t *h, debar_index_t *x,
    uint64_t incident, debar_fault_t *fault)
{
    int                   rc, i;
    sqlite3_stmt         *s;
    debar_index_place_t  *p;

    if (sqlite3_prepare_v2(x->db, "SELECT file, offset, len, nth, ofile, "
                           "ooffset, olen, onth FROM incident JOIN line ON "
                           "line.id = incident.line WHERE part = ?", -1, &s,
                           NULL) != SQLITE_OK)
    {
        return debar_index_wrong(x, fault);
    }

    sqlite3_bind_int64(s, 1, (int64_t) incident);

    while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
        for (i = 0; i < 8 && h->n < DEBAR_INDEX_HITS; i += 4) {

            if (sqlite3_column_type(s, i) != SQLITE_INTEGER) {
                h->bare = 1;
                continue;
            }

            p = &h->list[h->n++];
            p->file = sqlite3_column_int64(s, i);
            p->offset = (uint64_t) sqlite3_column_int64(s, i + 1);
            p->len = (size_t) sqlite3_column_int64(s, i + 2);
            p->nth = (uint64_t) sqlite3_column_int64(s, i + 3);
        }
    }

    sqlite3_finalize(s);

    if (rc != SQLITE_DONE) {
        return debar_index_wrong(x, fault);
    }

    qsort(h->list, h->n, sizeof(h->list[0]), debar_index_hits_cmp);

    return DEBAR_OK;
}


static int
debar_index_hits_cmp(const void *one, const void *two)
{
    const debar_index_place_t  *a = one, *b = two;

    return a->file != b->file ? (a->file < b->file ? -1 : 1)
           : a->offset != b->offset ? (a->offset < b->offset ? -1 : 1) : 0;
}


static int
debar_index_hits_files(debar_index_hits_t *h, debar_index_t *x,
    debar_fault_t *fault)
{
    int                   rc;
    int64_t               n;
    sqlite3_stmt         *s;
    debar_index_known_t  *f;

    if (debar_index_number(x, "SELECT count(*) FROM file", &n, fault)
        != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    h->files = calloc(n > 0 ? (size_t) n : 1, sizeof(*h->files));

    if (h->files == NULL
        || sqlite3_prepare_v2(x->db, "SELECT id, offset, lines, head, tail, "
                              "ino, name FROM file", -1, &s, NULL) != SQLITE_OK)
    {
        return debar_index_wrong(x, fault);
    }

    while ((rc = sqlite3_step(s)) == SQLITE_ROW && (int64_t) h->nfiles < n) {

        f = &h->files[h->nfiles];

        if (sqlite3_column_bytes(s, 3) != DEBAR_INDEX_DIGEST
            || sqlite3_column_bytes(s, 4) != DEBAR_INDEX_DIGEST)
        {
            continue;
        }

        f->id = sqlite3_column_int64(s, 0);
        f->offset = sqlite3_column_int64(s, 1);
        f->lines = (uint64_t) sqlite3_column_int64(s, 2);
        memcpy(f->head, sqlite3_column_blob(s, 3), DEBAR_INDEX_DIGEST);
        memcpy(f->tail, sqlite3_column_blob(s, 4), DEBAR_INDEX_DIGEST);
        f->ino = sqlite3_column_int64(s, 5);

        if (sqlite3_column_text(s, 6)) {
            snprintf(f->name, sizeof(f->name), "%s",
                     (const char *) sqlite3_column_text(s, 6));
        }

        h->nfiles++;
    }

    sqlite3_finalize(s);

    return rc == SQLITE_DONE || rc == SQLITE_ROW ? DEBAR_OK
                                                 : debar_index_wrong(x, fault);
}


/* It may have another name, or another inode by now, but not both. */

const debar_index_known_t *
debar_index_known_as(const debar_index_hits_t *h, int fd, const char *name)
{
    size_t       i;
    uint8_t      head[DEBAR_INDEX_DIGEST], tail[DEBAR_INDEX_DIGEST];
    struct stat  st;

    for (i = 0; i < h->nfiles && fstat(fd, &st) == 0; i++) {

        if ((h->files[i].ino == (int64_t) st.st_ino
             || strcmp(h->files[i].name, name) == 0)
            && h->files[i].offset > 0 && h->files[i].offset <= st.st_size
            && debar_index_marks(fd, h->files[i].offset, head, tail)
               == DEBAR_OK
            && memcmp(head, h->files[i].head, sizeof(head)) == 0
            && memcmp(tail, h->files[i].tail, sizeof(tail)) == 0)
        {
            return &h->files[i];
        }
    }

    return NULL;
}
