/*
 * Tables and row sets while a list is being made.
 */

#include <stdlib.h>

#include "tables.h"


static void *debar_grow(void *data, size_t *size, size_t want, size_t record);


const size_t  debar_record_size[DEBAR_TABLES] = {
    [DEBAR_T_STRINGS] = 1,
    [DEBAR_T_AUTHORITIES] = sizeof(debar_authority_t),
    [DEBAR_T_PHASES] = sizeof(debar_phase_t),
    [DEBAR_T_ENTRIES] = sizeof(debar_entry_t),
    [DEBAR_T_PRODUCTS] = sizeof(debar_product_t),
    [DEBAR_T_RULES] = sizeof(debar_rule_t),
    [DEBAR_T_TERMS] = sizeof(debar_term_t),
    [DEBAR_T_PATTERNS] = sizeof(debar_pattern_t),
    [DEBAR_T_PERMITS] = sizeof(debar_permit_t),
    [DEBAR_T_WAIVERS] = sizeof(debar_waiver_t),
    [DEBAR_T_RECIPES] = sizeof(debar_recipe_t),
    [DEBAR_T_CONDS] = sizeof(debar_cond_t),
    [DEBAR_T_WORDS] = sizeof(debar_word_t),
    [DEBAR_T_RELAYS] = sizeof(debar_relay_t),
    [DEBAR_T_MARKS] = sizeof(debar_mark_t),
    [DEBAR_T_REFS] = sizeof(debar_ref_t),
    [DEBAR_T_CIDRS] = sizeof(debar_cidr_t),
    [DEBAR_T_HOST_FILTER] = sizeof(uint64_t),
    [DEBAR_T_ID_FILTER] = sizeof(uint64_t),
    [DEBAR_T_TERM_INDEX] = 1
};


static const char *const  debar_roles[DEBAR_ROLES] = {
    "other", "maker", "part", "supplier-part", "gtin", "name", "description",
    "unspsc", "quantity", "line-action", "note", "person", "party", "url",
    "file", "package", "search"
};


const char *
debar_role_name(unsigned role)
{
    return role < DEBAR_ROLES ? debar_roles[role] : "unknown";
}


static void *
debar_grow(void *data, size_t *size, size_t want, size_t record)
{
    size_t  n;

    if (want <= *size) {
        return data;
    }

    n = *size ? *size : 64;

    while (n < want) {
        n *= 2;
    }

    data = reallocarray(data, n, record);
    if (data == NULL) {
        abort();
    }

    *size = n;

    return data;
}


void *
debar_table_add(debar_table_t *tables, unsigned which, uint32_t *i)
{
    char           *p;
    size_t          record;
    debar_table_t  *t;

    t = &tables[which];
    record = debar_record_size[which];

    if (t->n >= DEBAR_NONE) {
        abort();
    }

    t->data = debar_grow(t->data, &t->size, t->n + 1, record);

    p = (char *) t->data + t->n * record;
    memset(p, 0, record);

    if (i) {
        *i = (uint32_t) t->n;
    }

    t->n++;

    return p;
}


debar_ref_t
debar_table_text(debar_table_t *tables, const char *data, size_t len)
{
    debar_ref_t     ref;
    debar_table_t  *t;

    t = &tables[DEBAR_T_STRINGS];

    /* References are 32 bits wide; the source reader bounds its files. */

    if (len > UINT32_MAX - t->n) {
        abort();
    }

    ref.off = (uint32_t) t->n;
    ref.len = (uint32_t) len;

    if (len) {
        t->data = debar_grow(t->data, &t->size, t->n + len, 1);
        memcpy((char *) t->data + t->n, data, len);
        t->n += len;
    }

    return ref;
}


void
debar_rowset_add(debar_rowset_t *rs, const char *key, size_t len,
    uint32_t rule)
{
    debar_row_t  *row;

    rs->rows = debar_grow(rs->rows, &rs->size, rs->n + 1, sizeof(debar_row_t));

    row = &rs->rows[rs->n++];

    row->off = rs->bytes.len;
    row->len = (uint32_t) len;
    row->rule = rule;

    debar_buf_add(&rs->bytes, key, len);
}


void
debar_rowset_free(debar_rowset_t *rs)
{
    free(rs->rows);
    debar_buf_free(&rs->bytes);
    memset(rs, 0, sizeof(debar_rowset_t));
}
