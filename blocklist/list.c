/*
 * An opened list: the tables of a snapshot by name, its expressions compiled,
 * its words by hash.
 */

#include <stdlib.h>

#include "judge_private.h"
#include "lean.h"


static const void *
debar_list_table(debar_list_t *list, unsigned which, size_t *n)
{
    size_t  dummy;

    return debar_snapshot_table(list->snapshot, which, n ? n : &dummy);
}


/* The letter or digit that an expression begins with for sure; 0: not known.
 * What follows must not make it optional, nor may there be another branch. */

static unsigned char
debar_expr_literal(debar_str_t regex, size_t i)
{
    unsigned char  c;

    if (i >= regex.len || memchr(regex.data, '|', regex.len) != NULL) {
        return 0;
    }

    c = regex.data[i];

    if (i + 1 < regex.len && strchr("?*{", regex.data[i + 1]) != NULL) {
        return 0;
    }

    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')
           ? c : 0;
}


static void
debar_expr_may_begin(uint8_t *begin, unsigned first, unsigned char literal)
{
    unsigned  second, pair;

    for (second = 0; second < 256; second++) {

        if (literal != 0 && (second | 0x20) != (literal | 0x20u)) {
            continue;
        }

        pair = first << 8 | second;
        begin[pair / 8] |= 1 << (pair % 8);
    }
}


/*
 * The two bytes with which a match can begin.  PCRE2 works out the first one,
 * for expressions that are not anchored only: so from a twin, compiled for the
 * question.  The second is known where the expression begins with two letters
 * or digits.
 */

static void
debar_expr_first(debar_exprs_t *exprs, debar_str_t regex)
{
    int                   error;
    size_t                i;
    uint32_t              type, unit;
    pcre2_code           *code;
    PCRE2_SIZE            offset;
    unsigned char         literal;
    const unsigned char  *map;

    map = NULL;
    type = 0;
    unit = 0;
    literal = debar_expr_literal(regex, 0) ? debar_expr_literal(regex, 1) : 0;

    code = pcre2_compile((PCRE2_SPTR) regex.data, regex.len, PCRE2_CASELESS,
                         &error, &offset, NULL);

    if (code != NULL) {
        (void) pcre2_pattern_info(code, PCRE2_INFO_FIRSTCODETYPE, &type);
        (void) pcre2_pattern_info(code, PCRE2_INFO_FIRSTCODEUNIT, &unit);
        (void) pcre2_pattern_info(code, PCRE2_INFO_FIRSTBITMAP, &map);
    }

    for (i = 0; i < 256; i++) {

        if (type == 1
            ? (i | 0x20) == (unit | 0x20)
            : map == NULL || (map[i / 8] >> (i % 8) & 1))
        {
            debar_expr_may_begin(exprs->begin, i, literal);
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
        exprs->begin = calloc(1, DEBAR_BEGIN_SIZE);
        exprs->n = 0;

        if (exprs->list == NULL || exprs->begin == NULL) {
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


/* Which kinds there are, and which of them may have exact values. */

static void
debar_list_kinds(debar_list_t *list)
{
    size_t    i;
    unsigned  kind;

    for (i = 0; i < list->nrules; i++) {
        if (list->rules[i].kind < DEBAR_KINDS) {
            list->has[list->rules[i].kind] = 1;
        }
    }

    for (kind = 0; kind < DEBAR_KINDS; kind++) {
        list->has_exact[kind] = list->has[kind]
                                && list->meta->rows[DEBAR_DB_ID] != 0;
    }

    list->has_ids = list->has_exact[DEBAR_KIND_PART_NUMBER]
                    || list->has_exact[DEBAR_KIND_GTIN];
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


/* Where formats begin, and the last names of the marks' paths. */

static int
debar_list_marks(debar_list_t *list)
{
    size_t       i, n;
    debar_str_t  s;

    list->mark_ends = calloc(list->nmarks + 1, sizeof(uint16_t));
    list->mark_roots = calloc(list->nmarks + 1, sizeof(uint32_t));

    if (list->mark_ends == NULL || list->mark_roots == NULL) {
        return DEBAR_ERROR;
    }

    for (i = 0; i < list->nmarks; i++) {
        if (list->marks[i].use == DEBAR_MARK_ROOT) {
            list->mark_roots[list->nmark_roots++] = i;
        }

        s = debar_list_text(list, list->marks[i].path);

        if (s.len && s.data[s.len - 1] == '*') {
            continue;
        }

        for (n = 0; n < s.len && s.data[s.len - n - 1] != '/'; n++) {
            /* void */
        }

        list->mark_ends[i] = n ? debar_mark_end(s.data + s.len - n, n) : 0;
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
    list->seen = calloc(1, sizeof(debar_seen_t));

    if (list->match_data == NULL || list->match_context == NULL
        || list->recipe_path == NULL || list->relay_path == NULL
        || list->cond_key == NULL || list->cond_value == NULL
        || list->seen == NULL)
    {
        return DEBAR_ERROR;
    }

    pcre2_set_match_limit(list->match_context, DEBAR_MATCH_LIMIT);
    pcre2_set_depth_limit(list->match_context, DEBAR_MATCH_LIMIT);

    return debar_list_marks(list) == DEBAR_OK ? debar_list_words(list)
                                              : DEBAR_ERROR;
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
    list->marks = debar_list_table(list, DEBAR_T_MARKS, &list->nmarks);
    list->refs = debar_list_table(list, DEBAR_T_REFS, NULL);
    list->cidrs = debar_list_table(list, DEBAR_T_CIDRS, NULL);
    list->id_filter = debar_list_table(list, DEBAR_T_ID_FILTER,
                                       &list->id_filter_words);

    for (i = 0; i < list->nauthorities; i++) {
        if (list->authorities[i].in_force) {
            list->in_force |= 1ull << i;
        }
    }

    debar_list_kinds(list);
    debar_relay_gate(list);

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
        free(list->exprs[kind].begin);
    }

    (void) debar_list_table(list, DEBAR_T_CONDS, &nconds);

    debar_free_codes(list->recipe_path, list->nrecipes);
    debar_free_codes(list->relay_path, list->nrelays);
    debar_free_codes(list->cond_key, nconds);
    debar_free_codes(list->cond_value, nconds);

    pcre2_match_data_free(list->match_data);
    pcre2_match_context_free(list->match_context);

    free(list->slots);
    free(list->seen);
    debar_lean_free(list);
    free(list->mark_ends);
    free(list->mark_roots);

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
