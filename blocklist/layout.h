/*
 * The inside of a snapshot, shared by builder, reader and verifier and by
 * nobody else: KEYSPACE.md in code.
 */

#ifndef DEBAR_LAYOUT_H
#define DEBAR_LAYOUT_H

#include "snapshot.h"
#include "key.h"
#include "filter.h"

#include <lmdb.h>


/* Named databases; the row databases follow in the order of debar_db_e. */

#define DEBAR_NAMED_META   0
#define DEBAR_NAMED_TABLE  1
#define DEBAR_NAMED_ROWS   2
#define DEBAR_NAMED        (DEBAR_NAMED_ROWS + DEBAR_DBS)

extern const char *const  debar_named[DEBAR_NAMED];
extern const char *const  debar_table_names[DEBAR_TABLES];


/* Host byte order, as it reads in meta on a machine of the same order. */

#define DEBAR_BYTE_ORDER   0x0102030405060708ull

/*
 * Rules of one key.  The bound keeps every row inside its leaf page, where the
 * padding below aligns it, and bounds what a worker does for one hit.
 */

#define DEBAR_MAX_KEY_RULES  256

/* Before the records of a table; the value is padded to a page at least, so
 * that LMDB puts it on overflow pages, 16 bytes behind a page boundary. */

typedef struct {
    uint64_t  n;
    uint64_t  record;             /* bytes of one */
} debar_table_head_t;

/*
 * A filter being filled: its words are far apart, so each is asked for some
 * keys before it is set.
 */

#define DEBAR_FILL_AHEAD  16

typedef struct {
    uint64_t  *words;
    size_t     n;
    uint64_t   ahead[DEBAR_FILL_AHEAD];
    size_t     i;
} debar_fill_t;

static inline void
debar_fill_add(debar_fill_t *f, const void *key, size_t len)
{
    uint64_t  *h = &f->ahead[f->i % DEBAR_FILL_AHEAD];

    if (f->i >= DEBAR_FILL_AHEAD) {
        debar_filter_set(f->words, f->n, *h);
    }

    *h = debar_hash(key, len);
    __builtin_prefetch(&f->words[(*h >> 20) & (f->n - 1)], 1);
    f->i++;
}


static inline void
debar_fill_end(debar_fill_t *f)
{
    size_t  i;

    for (i = 0; i < f->i && i < DEBAR_FILL_AHEAD; i++) {
        debar_filter_set(f->words, f->n, f->ahead[i]);
    }
}


/* Which network prefix lengths and which numbers of host labels are listed. */

#define DEBAR_NET_BITMAP     17   /* bits 0..128 */
#define DEBAR_LABEL_BITMAP   16   /* bits 0..127; 0: address literals */


/* Tables, whether being built or mapped. */

typedef struct {
    const void  *data[DEBAR_TABLES];
    size_t       n[DEBAR_TABLES];
} debar_view_t;

/* NULL, or what is wrong with them.  Filters and term index only if derived. */

const char *debar_view_check(const debar_view_t *v, unsigned derived);


/* Puts table t into an LMDB database, on pages of psize; LMDB's answer. */

int debar_store_table(MDB_txn *txn, MDB_dbi dbi, size_t psize,
    const debar_view_t *v, unsigned t);

/* What is said of the whole, in the database "meta". */

int debar_store_meta(MDB_txn *txn, MDB_dbi meta, const char *name,
    const void *data, size_t len);
int debar_store_number(MDB_txn *txn, MDB_dbi meta, const char *name,
    uint64_t n);


struct debar_snapshot_s {
    MDB_env                *env;
    MDB_txn                *txn;
    MDB_dbi                 meta_dbi;
    MDB_dbi                 table_dbi;
    MDB_dbi                 dbi[DEBAR_DBS];
    debar_view_t            view;
    debar_snapshot_meta_t   meta;
    debar_str_t             timezone;
    uint8_t                 networks[DEBAR_NET_BITMAP];
    uint8_t                 labels[DEBAR_LABEL_BITMAP];
    unsigned                damaged;
};


/*
 * A row's value: bytes of padding so that the rules stand on a 4-byte boundary
 * behind a key of that length, then the rules, rising.
 */

static inline size_t
debar_row_pad(size_t klen)
{
    return (4 - (klen & 3)) & 3;
}


/* Labels of a host key; 0 for an address literal. */

static inline unsigned
debar_key_labels(const uint8_t *key, size_t len)
{
    size_t    i;
    unsigned  n;

    if (len == 0 || key[0] == '=') {
        return 0;
    }

    for (n = 0, i = 0; i < len; i++) {
        n += key[i] == '.';
    }

    return n < 127 ? n : 127;
}


static inline void
debar_bit_set(uint8_t *map, unsigned i)
{
    map[i >> 3] |= (uint8_t) (1 << (i & 7));
}


static inline unsigned
debar_bit(const uint8_t *map, unsigned i)
{
    return (map[i >> 3] >> (i & 7)) & 1;
}


/* Words of a filter over n keys. */

static inline size_t
debar_filter_words(size_t n)
{
    size_t  words;

    for (words = 1; words * 5 < n; words *= 2) {
        /* void */
    }

    return words;
}


/*
 * LMDB's pages, checked before LMDB itself may follow them: it trusts a file
 * and would run off the mapping on a damaged one.  The format is that of data
 * version 1 (LMDB 0.9) on 64-bit machines.
 */

typedef struct {
    uint64_t   root;
    uint64_t   entries;
    unsigned   depth;
    unsigned   flags;
} debar_tree_t;

typedef struct {
    const uint8_t  *map;
    uint64_t        pages;
    size_t          psize;
    debar_tree_t    tree[DEBAR_NAMED];
} debar_pages_t;

/* Return NULL, or what is wrong; handlers likewise. */

typedef const char *(*debar_pair_pt)(void *data, const uint8_t *key,
    size_t klen, const uint8_t *value, size_t vlen);

const char *debar_pages_open(debar_pages_t *p, const void *map, uint64_t size);
const char *debar_pages_walk(const debar_pages_t *p, const debar_tree_t *t,
    debar_pair_pt handler, void *data);


/* What stands in meta and in the first line of the digest. */

typedef struct {
    debar_str_t   title;
    debar_str_t   publisher;
    debar_str_t   timezone;
    uint64_t      serial;
    int64_t       expires;
} debar_head_t;

/* used: bit i, rule i is referred to by a row.  NULL: no memory. */

typedef struct debar_digest_s  debar_digest_t;

debar_digest_t *debar_digest_start(const debar_head_t *head,
    const debar_view_t *v, const uint8_t *used);
void debar_digest_row(debar_digest_t *d, unsigned db, const uint8_t *key,
    size_t len, const uint32_t *rules, size_t n);
int debar_digest_end(debar_digest_t *d, char digest[65]);

/* Reads all of s, and gives the digest that its rows would have with another
 * serial and expiry. */

int debar_digest_as(debar_snapshot_t *s, uint64_t serial, int64_t expires,
    char digest[65], debar_fault_t *fault);

/*
 * Rules by what they say: their lines in order, each once.  DEBAR_ERROR: no
 * memory.
 */

typedef struct {
    uint32_t     *rank;           /* of a rule of the table */
    uint32_t     *first;          /* the first rule of the table, by rank */
    size_t       *at;             /* where a line begins in text; and the end */
    uint32_t      n;
    debar_buf_t   text;
} debar_ranks_t;

int debar_digest_ranks(debar_ranks_t *r, const debar_view_t *v);
void debar_digest_ranks_free(debar_ranks_t *r);


/* Rows in the order of their keys, memcmp() then length, then rule. */

typedef struct {
    uint64_t   hi, lo;            /* 16 bytes of key, big endian */
    uint64_t   at;                /* offset << 16 | length */
    uint32_t   rule;
    uint32_t   pad;
} debar_item_t;

typedef struct {
    debar_item_t   *items;
    size_t          n;
    const uint8_t  *bytes;
    size_t          len;
} debar_sorted_t;

/* 0, or -1 where memory ends or a row is not one. */

void *debar_big_alloc(size_t size);
int debar_sort(debar_sorted_t *s, const debar_rowset_t *rs);
void debar_sort_free(debar_sorted_t *s);

/*
 * The rows from *i on that share a key: its rules, rising, each once.
 * Returns their number, 0 at the end, DEBAR_MAX_KEY_RULES + 1 if more.
 */

size_t debar_sorted_next(const debar_sorted_t *s, size_t *i,
    const uint8_t **key, size_t *len, uint32_t rules[DEBAR_MAX_KEY_RULES]);


/* Files beside the one that is published. */

typedef struct {
    char  *dir;
    char  *name;                  /* of the file in it */
    char  *tmp;                   /* path of the temporary file */
    int    dirfd;
    int    fd;                    /* of the temporary file */
} debar_publish_t;

int debar_publish_start(debar_publish_t *p, const char *path,
    debar_fault_t *fault);
int debar_publish_end(debar_publish_t *p, const char *path, uint64_t serial,
    const char *digest, unsigned replace, debar_fault_t *fault);
void debar_publish_free(debar_publish_t *p);
int debar_publish_allowed(const char *path, uint64_t serial,
    const char *digest, unsigned replace, debar_fault_t *fault);
void debar_publish_errno(debar_fault_t *fault, const char *what,
    const char *path, int err);


#endif /* DEBAR_LAYOUT_H */
