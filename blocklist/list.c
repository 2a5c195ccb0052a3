/*
 * An opened list: the tables of a snapshot by name, its expressions compiled,
 * its words by hash.
 */

#include <stdlib.h>

#include "judge_private.h"


static const unsigned char  debar_any_first[32] = {
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
};


static const void *
debar_list_table(debar_list_t *list, unsigned which, size_t *n)
{
    size_t  dummy;

    return debar_snapshot_table(list->snapshot, which, n ? n : &dummy);
}


/*
 * The bytes with which a match can begin.  PCRE2 works them out for expressions
 * that are not anchored only: so from a twin, compiled for the question.
 */

static void
debar_expr_first(debar_exprs_t *exprs, debar_str_t regex)
{
    int                   error;
    size_t                i;
    uint32_t              type, unit;
    pcre2_code           *code;
    PCRE2_SIZE            offset;
    const unsigned char  *map;

    map = NULL;
    code = pcre2_compile((PCRE2_SPTR) regex.data, regex.len, PCRE2_CASELESS,
                         &error, &offset, NULL);

    if (code != NULL
        && pcre2_pattern_info(code, PCRE2_INFO_FIRSTCODETYPE, &type) == 0
        && type == 1
        && pcre2_pattern_info(code, PCRE2_INFO_FIRSTCODEUNIT, &unit) == 0)
    {
        /* either case of it; other scripts' look-alikes are folded before */

        exprs->first[(unit & 0xff) >> 5] |= 1u << (unit & 31);

        if ((unit | 0x20) >= 'a' && (unit | 0x20) <= 'z') {
            unit ^= 0x20;
            exprs->first[(unit & 0xff) >> 5] |= 1u << (unit & 31);
        }

    } else {

        if (code == NULL
            || pcre2_pattern_info(code, PCRE2_INFO_FIRSTBITMAP, &map) != 0
            || map == NULL)
        {
            map = debar_any_first;
        }

        for (i = 0; i < 256; i++) {
            if (map[i / 8] >> (i % 8) & 1) {
                exprs->first[i >> 5] |= 1u << (i & 31);
            }
        }
    }

    pcre2_code_free(code);
}


static int
debar_list_exprs(debar_list_t *list, debar_fault_t *fault)
{
    size_t          i;
    unsigned        kind;
    debar_str_t     s;
    debar_expr_t   *expr;
    debar_exprs_t  *exprs;

    for (i = 0; i < list->npatterns; i++) {
        list->exprs[list->rules[list->patterns[i].rule].kind].n++;
    }

    for (kind = 0; kind < DEBAR_KINDS; kind++) {
        exprs = &list->exprs[kind];

        if (exprs->n == 0) {
            continue;
        }

        exprs->list = calloc(exprs->n, sizeof(debar_expr_t));
        exprs->n = 0;

        if (exprs->list == NULL) {
            debar_fault(fault, "no memory for the list's expressions");
            return DEBAR_ERROR;
        }
    }

    for (i = 0; i < list->npatterns; i++) {
        s = debar_list_text(list, list->patterns[i].regex);
        exprs = &list->exprs[list->rules[list->patterns[i].rule].kind];

        expr = &exprs->list[exprs->n++];
        expr->pattern = i;
        expr->code = debar_expr_compile(s);

        if (expr->code == NULL) {
            debar_fault(fault, "the expression \"%.*s\" of the list does not "
                        "compile: build the list again with this version",
                        (int) s.len, s.data);
            return DEBAR_ERROR;
        }

        (void) pcre2_jit_compile(expr->code, PCRE2_JIT_COMPLETE);

        debar_expr_first(exprs, s);
    }

    return DEBAR_OK;
}


static int
debar_list_words(debar_list_t *list)
{
    size_t       i, n, slot;
    uint64_t     hash;
    debar_str_t  s;

    for (n = 64; n < list->nwords * 2; n <<= 1) { /* void */ }

    list->slot_mask = n - 1;
    list->slots = calloc(n, sizeof(debar_word_slot_t));

    if (list->slots == NULL) {
        return DEBAR_ERROR;
    }

    for (i = 0; i < list->nwords; i++) {
        s = debar_list_text(list, list->words[i].word);
        hash = (debar_hash(s.data, s.len) + list->words[i].use) | 1;

        for (slot = hash >> 8 & list->slot_mask;
             list->slots[slot].hash != 0;
             slot = (slot + 1) & list->slot_mask)
        {
            /* void */
        }

        list->slots[slot].hash = hash;
        list->slots[slot].word = i;
    }

    return DEBAR_OK;
}


static int
debar_list_room(debar_list_t *list, size_t nconds)
{
    list->match_data = pcre2_match_data_create(8, NULL);
    list->match_context = pcre2_match_context_create(NULL);
    list->recipe_path = calloc(list->nrecipes + 1, sizeof(void *));
    list->relay_path = calloc(list->nrelays + 1, sizeof(void *));
    list->cond_key = calloc(nconds + 1, sizeof(void *));
    list->cond_value = calloc(nconds + 1, sizeof(void *));

    if (list->match_data == NULL || list->match_context == NULL
        || list->recipe_path == NULL || list->relay_path == NULL
        || list->cond_key == NULL || list->cond_value == NULL)
    {
        return DEBAR_ERROR;
    }

    pcre2_set_match_limit(list->match_context, DEBAR_MATCH_LIMIT);
    pcre2_set_depth_limit(list->match_context, DEBAR_MATCH_LIMIT);

    return debar_list_words(list);
}


debar_list_t *
debar_list_open(const char *path, const debar_open_opts_t *opts,
    debar_fault_t *fault)
{
    size_t               i, nterms, nconds, index_len;
    const void          *index;
    debar_list_t        *list;
    const debar_term_t  *terms;

    list = calloc(1, sizeof(debar_list_t));

    if (list == NULL) {
        debar_fault(fault, "no memory to open \"%s\"", path);
        return NULL;
    }

    list->snapshot = debar_snapshot_open(path, opts, fault);

    if (list->snapshot == NULL) {
        free(list);
        return NULL;
    }

    list->meta = debar_snapshot_meta(list->snapshot);
    list->strings = debar_snapshot_strings(list->snapshot);

    list->authorities = debar_list_table(list, DEBAR_T_AUTHORITIES,
                                         &list->nauthorities);
    list->phases = debar_list_table(list, DEBAR_T_PHASES, NULL);
    list->entries = debar_list_table(list, DEBAR_T_ENTRIES, &list->nentries);
    list->products = debar_list_table(list, DEBAR_T_PRODUCTS,
                                      &list->nproducts);
    list->rules = debar_list_table(list, DEBAR_T_RULES, &list->nrules);
    list->patterns = debar_list_table(list, DEBAR_T_PATTERNS,
                                      &list->npatterns);
    list->permits = debar_list_table(list, DEBAR_T_PERMITS, &list->npermits);
    list->waivers = debar_list_table(list, DEBAR_T_WAIVERS, &list->nwaivers);
    list->recipes = debar_list_table(list, DEBAR_T_RECIPES, &list->nrecipes);
    list->conds = debar_list_table(list, DEBAR_T_CONDS, &nconds);
    list->words = debar_list_table(list, DEBAR_T_WORDS, &list->nwords);
    list->relays = debar_list_table(list, DEBAR_T_RELAYS, &list->nrelays);
    list->refs = debar_list_table(list, DEBAR_T_REFS, NULL);
    list->cidrs = debar_list_table(list, DEBAR_T_CIDRS, NULL);
    list->id_filter = debar_list_table(list, DEBAR_T_ID_FILTER,
                                       &list->id_filter_words);

    for (i = 0; i < list->nauthorities; i++) {
        if (list->authorities[i].in_force) {
            list->in_force |= 1ull << i;
        }
    }

    for (i = 0; i < list->nrules; i++) {
        if (list->rules[i].kind < DEBAR_KINDS) {
            list->has[list->rules[i].kind] = 1;
        }
    }

    index = debar_list_table(list, DEBAR_T_TERM_INDEX, &index_len);
    terms = debar_list_table(list, DEBAR_T_TERMS, &nterms);

    if (debar_term_index_open(&list->terms, index, index_len, terms, nterms,
                              list->strings)
        != DEBAR_OK)
    {
        debar_fault(fault, "\"%s\": the term index is damaged: build the list "
                    "again", path);
        debar_list_close(list);
        return NULL;
    }

    if (debar_list_room(list, nconds) != DEBAR_OK) {
        debar_fault(fault, "no memory to open \"%s\"", path);
        debar_list_close(list);
        return NULL;
    }

    if (debar_list_exprs(list, fault) != DEBAR_OK) {
        debar_list_close(list);
        return NULL;
    }

    return list;
}


static void
debar_free_codes(pcre2_code **codes, size_t n)
{
    size_t  i;

    for (i = 0; codes != NULL && i < n; i++) {
        pcre2_code_free(codes[i]);
    }

    free(codes);
}


void
debar_list_close(debar_list_t *list)
{
    size_t    i, nconds;
    unsigned  kind;

    if (list == NULL) {
        return;
    }

    for (kind = 0; kind < DEBAR_KINDS; kind++) {
        for (i = 0; list->exprs[kind].list && i < list->exprs[kind].n; i++) {
            pcre2_code_free(list->exprs[kind].list[i].code);
        }

        free(list->exprs[kind].list);
    }

    (void) debar_list_table(list, DEBAR_T_CONDS, &nconds);

    debar_free_codes(list->recipe_path, list->nrecipes);
    debar_free_codes(list->relay_path, list->nrelays);
    debar_free_codes(list->cond_key, nconds);
    debar_free_codes(list->cond_value, nconds);

    pcre2_match_data_free(list->match_data);
    pcre2_match_context_free(list->match_context);

    free(list->slots);

    debar_snapshot_close(list->snapshot);

    free(list);
}


debar_snapshot_t *
debar_list_snapshot(debar_list_t *list)
{
    return list->snapshot;
}


const debar_snapshot_meta_t *
debar_list_meta(const debar_list_t *list)
{
    return list->meta;
}


static debar_str_t
debar_no_name(void)
{
    return debar_str("", 0);
}


debar_str_t
debar_list_entry_id(debar_list_t *list, uint32_t entry)
{
    return entry < list->nentries
           ? debar_list_text(list, list->entries[entry].id) : debar_no_name();
}


debar_str_t
debar_list_entry_name(debar_list_t *list, uint32_t entry)
{
    return entry < list->nentries
           ? debar_list_text(list, list->entries[entry].name)
           : debar_no_name();
}


debar_str_t
debar_list_product_name(debar_list_t *list, uint32_t product)
{
    return product < list->nproducts
           ? debar_list_text(list, list->products[product].name)
           : debar_no_name();
}


debar_str_t
debar_list_authority_id(debar_list_t *list, unsigned bit)
{
    return bit < list->nauthorities
           ? debar_list_text(list, list->authorities[bit].id)
           : debar_no_name();
}


debar_str_t
debar_list_authority_title(debar_list_t *list, unsigned bit)
{
    return bit < list->nauthorities
           ? debar_list_text(list, list->authorities[bit].title)
           : debar_no_name();
}


debar_str_t
debar_list_authority_url(debar_list_t *list, unsigned bit)
{
    return bit < list->nauthorities
           ? debar_list_text(list, list->authorities[bit].url)
           : debar_no_name();
}


debar_str_t
debar_list_permit_why(debar_list_t *list, uint32_t permit)
{
    return permit < list->npermits
           ? debar_list_text(list, list->permits[permit].why)
           : debar_no_name();
}


debar_str_t
debar_list_waiver_id(debar_list_t *list, uint32_t waiver)
{
    return waiver < list->nwaivers
           ? debar_list_text(list, list->waivers[waiver].id)
           : debar_no_name();
}
