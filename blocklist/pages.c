/*
 * A look at LMDB's pages before LMDB follows them.
 */

#include "layout.h"


#define PAGE_HEAD        16       /* number 8, pad 2, flags 2, bounds 2 and 2 */
#define NODE_HEAD        8        /* lo 2, hi 2, flags 2, key size 2 */
#define TREE_SIZE        48       /* MDB_db */

#define PAGE_BRANCH      0x01
#define PAGE_LEAF        0x02
#define PAGE_OVERFLOW    0x04
#define PAGE_META        0x08

#define NODE_BIG         0x01
#define NODE_TREE        0x02

#define META_MAGIC       0xbeefc0deu
#define META_VERSION     1

#define META_FREE        24       /* offsets in MDB_meta */
#define META_MAIN        (META_FREE + TREE_SIZE)
#define META_LAST        (META_MAIN + TREE_SIZE)
#define META_TXN         (META_LAST + 8)
#define META_SIZE        (META_TXN + 8)

#define NO_PAGE          UINT64_MAX
#define MAX_DEPTH        32       /* CURSOR_STACK of LMDB */
#define MAX_LMDB_KEY     511


typedef struct {
    const uint8_t  *key;
    size_t          klen;
    const uint8_t  *value;
    size_t          vlen;
    uint64_t        child;
    unsigned        flags;
} debar_node_t;

typedef struct {
    uint64_t        page;
    unsigned        i;
    unsigned        n;
} debar_frame_t;


static const char *debar_meta_page(debar_pages_t *p, size_t off,
    uint64_t *txn, debar_tree_t *tree);
static const char *debar_main_pair(void *data, const uint8_t *key,
    size_t klen, const uint8_t *value, size_t vlen);
static const char *debar_walk(const debar_pages_t *p, const debar_tree_t *t,
    unsigned wanted, debar_pair_pt handler, void *data);
static const char *debar_page_keys(const debar_pages_t *p, uint64_t page,
    unsigned type, unsigned *n);
static const char *debar_page_node(const debar_pages_t *p, uint64_t page,
    unsigned i, debar_node_t *node);
static int debar_key_cmp(const debar_node_t *a, const debar_node_t *b);


const char *const  debar_named[DEBAR_NAMED] = {
    "meta", "table", "host", "url", "network", "asn", "id"
};


static uint16_t
debar_u16(const uint8_t *p)
{
    uint16_t  v;

    memcpy(&v, p, 2);

    return v;
}


static uint32_t
debar_u32(const uint8_t *p)
{
    uint32_t  v;

    memcpy(&v, p, 4);

    return v;
}


static uint64_t
debar_u64(const uint8_t *p)
{
    uint64_t  v;

    memcpy(&v, p, 8);

    return v;
}


static void
debar_tree_read(debar_tree_t *t, const uint8_t *p)
{
    t->flags = debar_u16(p + 4);
    t->depth = debar_u16(p + 6);
    t->entries = debar_u64(p + 32);
    t->root = debar_u64(p + 40);
}


const char *
debar_pages_open(debar_pages_t *p, const void *map, uint64_t size)
{
    unsigned       i, n;
    uint64_t       txn[2];
    const char    *why;
    debar_tree_t   tree[2], *main_tree, *t;

    memset(p, 0, sizeof(debar_pages_t));
    p->map = map;

    if (size < PAGE_HEAD + META_SIZE) {
        return "it is too short for an LMDB file";
    }

    /* the page size stands in the first page */

    p->psize = debar_u32(p->map + PAGE_HEAD + META_FREE);

    if (debar_u32(p->map + PAGE_HEAD) != META_MAGIC) {
        return "it is not an LMDB file of this byte order";
    }

    if (debar_u32(p->map + PAGE_HEAD + 4) != META_VERSION) {
        return "it is of another version of LMDB";
    }

    if (p->psize < 512 || p->psize > 65536 || (p->psize & (p->psize - 1))) {
        return "its page size is not one";
    }

    if (size % p->psize || size / p->psize < 4) {
        return "it is not a whole number of pages: it was cut";
    }

    p->pages = size / p->psize;

    for (i = 0; i < 2; i++) {
        why = debar_meta_page(p, i * p->psize, &txn[i], &tree[i]);
        if (why) {
            return why;
        }
    }

    main_tree = &tree[txn[0] < txn[1]];

    for (i = 0; i < DEBAR_NAMED; i++) {
        p->tree[i].depth = UINT32_MAX;
    }

    why = debar_walk(p, main_tree, NODE_TREE, debar_main_pair, p);
    if (why) {
        return why;
    }

    for (i = 0; i < DEBAR_NAMED; i++) {
        t = &p->tree[i];

        if (t->depth == UINT32_MAX) {
            return "a named database is missing: it is not a list";
        }

        if (t->entries) {
            why = debar_page_keys(p, t->root,
                                  t->depth == 1 ? PAGE_LEAF : PAGE_BRANCH, &n);
            if (why) {
                return why;
            }
        }
    }

    return NULL;
}


static const char *
debar_meta_page(debar_pages_t *p, size_t off, uint64_t *txn,
    debar_tree_t *tree)
{
    const uint8_t  *page = p->map + off, *meta = page + PAGE_HEAD;

    if (debar_u16(page + 10) != PAGE_META
        || debar_u32(meta) != META_MAGIC
        || debar_u32(meta + 4) != META_VERSION
        || debar_u32(meta + META_FREE) != p->psize)
    {
        return "a meta page of LMDB is damaged";
    }

    if (debar_u64(meta + META_LAST) >= p->pages) {
        return "it is shorter than LMDB's count of pages: it was cut";
    }

    *txn = debar_u64(meta + META_TXN);
    debar_tree_read(tree, meta + META_MAIN);

    return NULL;
}


static const char *
debar_main_pair(void *data, const uint8_t *key, size_t klen,
    const uint8_t *value, size_t vlen)
{
    unsigned        i;
    debar_tree_t   *t;
    debar_pages_t  *p = data;

    for (i = 0; i < DEBAR_NAMED; i++) {

        if (klen != strlen(debar_named[i])
            || memcmp(key, debar_named[i], klen) != 0)
        {
            continue;
        }

        if (vlen != TREE_SIZE) {
            return "the record of a named database is damaged";
        }

        t = &p->tree[i];
        debar_tree_read(t, value);

        if (t->flags
            || t->depth > MAX_DEPTH
            || (t->entries == 0) != (t->root == NO_PAGE)
            || (t->entries == 0) != (t->depth == 0))
        {
            return "the record of a named database is damaged";
        }

        return NULL;
    }

    return "it holds a database that a list does not have";
}


const char *
debar_pages_walk(const debar_pages_t *p, const debar_tree_t *t,
    debar_pair_pt handler, void *data)
{
    return debar_walk(p, t, 0, handler, data);
}


/*
 * In the order of keys, which are checked against each other and against the
 * separators above them: a look-up will find what the walk has found.  No page
 * is visited twice in a sound tree, so their number bounds the walk.
 */

static const char *
debar_walk(const debar_pages_t *p, const debar_tree_t *t, unsigned wanted,
    debar_pair_pt handler, void *data)
{
    int             top;
    unsigned        type;
    uint64_t        seen, entries;
    const char     *why;
    debar_node_t    node, last, sep;
    debar_frame_t   stack[MAX_DEPTH], *f;

    if (t->entries == 0) {
        return t->root == NO_PAGE ? NULL : "an empty tree has a root";
    }

    if (t->depth == 0 || t->depth > MAX_DEPTH) {
        return "a tree is too deep";
    }

    memset(&last, 0, sizeof(debar_node_t));
    memset(&sep, 0, sizeof(debar_node_t));
    seen = 0;
    entries = 0;

    top = 0;
    stack[0].page = t->root;

descend:

    f = &stack[top];
    f->i = 0;

    type = ((unsigned) top + 1 == t->depth) ? PAGE_LEAF : PAGE_BRANCH;

    why = debar_page_keys(p, f->page, type, &f->n);
    if (why) {
        return why;
    }

    if (++seen > p->pages) {
        return "a tree has more pages than the file";
    }

    for ( ;; ) {

        if (f->i == f->n) {
            if (top-- == 0) {
                break;
            }

            f = &stack[top];
            type = PAGE_BRANCH;
            continue;
        }

        why = debar_page_node(p, f->page, f->i++, &node);
        if (why) {
            return why;
        }

        if (type == PAGE_BRANCH) {

            if (f->i > 1) {
                if (last.key == NULL || debar_key_cmp(&last, &node) >= 0) {
                    return "the keys of a tree are not in order";
                }

                sep = node;
            }

            stack[++top].page = node.child;
            goto descend;
        }

        if (node.flags != wanted && node.flags != (wanted | NODE_BIG)) {
            return "a node has flags that a list does not use";
        }

        if ((last.key && debar_key_cmp(&last, &node) >= 0)
            || (sep.key && debar_key_cmp(&sep, &node) > 0))
        {
            return "the keys of a tree are not in order";
        }

        last = node;
        sep.key = NULL;
        entries++;

        why = handler(data, node.key, node.klen, node.value, node.vlen);
        if (why) {
            return why;
        }
    }

    return entries == t->entries ? NULL : "a tree has not the rows it counts";
}


static const char *
debar_page_keys(const debar_pages_t *p, uint64_t page, unsigned type,
    unsigned *n)
{
    unsigned        lower, upper;
    const uint8_t  *base;

    if (page < 2 || page >= p->pages) {
        return "a page number is beyond the file";
    }

    base = p->map + page * p->psize;
    lower = debar_u16(base + 12);
    upper = debar_u16(base + 14);

    if (debar_u64(base) != page || debar_u16(base + 10) != type) {
        return "a page is not what the tree takes it for";
    }

    if (lower < PAGE_HEAD || (lower & 1) || lower > upper || upper > p->psize) {
        return "the bounds of a page are damaged";
    }

    *n = (lower - PAGE_HEAD) / 2;

    /* LMDB would abort the process on a branch without a choice */

    if (*n < (type == PAGE_BRANCH ? 2u : 1u)) {
        return "a page has too few keys";
    }

    return NULL;
}


static const char *
debar_page_node(const debar_pages_t *p, uint64_t page, unsigned i,
    debar_node_t *node)
{
    size_t          off, room, count;
    uint64_t        big;
    const uint8_t  *base, *d;

    base = p->map + page * p->psize;
    off = debar_u16(base + PAGE_HEAD + 2 * i);

    if (off < debar_u16(base + 14) || (off & 1) || off + NODE_HEAD > p->psize) {
        return "a node is outside its page";
    }

    d = base + off;
    room = p->psize - off - NODE_HEAD;

    node->key = d + NODE_HEAD;
    node->klen = debar_u16(d + 6);
    node->vlen = debar_u16(d) | (size_t) debar_u16(d + 2) << 16;
    node->flags = debar_u16(d + 4);
    node->child = node->vlen | (uint64_t) node->flags << 32;
    node->value = node->key + node->klen;

    if (node->klen > room || node->klen > MAX_LMDB_KEY) {
        return "a key is outside its page";
    }

    room -= node->klen;

    if (debar_u16(base + 10) == PAGE_BRANCH) {
        return NULL;
    }

    if (node->klen == 0) {
        return "a key is empty";
    }

    if (!(node->flags & NODE_BIG)) {
        return node->vlen <= room ? NULL : "a value is outside its page";
    }

    if (room < 8) {
        return "a value is outside its page";
    }

    big = debar_u64(node->value);

    if (big < 2 || big >= p->pages) {
        return "a page number is beyond the file";
    }

    base = p->map + big * p->psize;
    count = debar_u32(base + 12);

    if (debar_u64(base) != big || debar_u16(base + 10) != PAGE_OVERFLOW) {
        return "a page is not what the tree takes it for";
    }

    if (count == 0 || count > p->pages - big
        || node->vlen > count * p->psize - PAGE_HEAD)
    {
        return "a value is beyond its pages";
    }

    node->value = base + PAGE_HEAD;

    return NULL;
}


static int
debar_key_cmp(const debar_node_t *a, const debar_node_t *b)
{
    int     rc;
    size_t  n = a->klen < b->klen ? a->klen : b->klen;

    rc = memcmp(a->key, b->key, n);
    if (rc) {
        return rc;
    }

    return a->klen < b->klen ? -1 : a->klen > b->klen;
}
