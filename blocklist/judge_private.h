/*
 * What match.c, activity.c, verdict.c and judge.c share: an opened list with
 * its tables by name, and the request while it is looked at.
 */

#ifndef DEBAR_JUDGE_PRIVATE_H
#define DEBAR_JUDGE_PRIVATE_H

#include "judge.h"
#include "key.h"
#include "term.h"
#include "text.h"
#include "url.h"
#include "ident.h"
#include "filter.h"

#define PCRE2_CODE_UNIT_WIDTH  8
#include <pcre2.h>


/* How much of a request target is looked at; the rest is recorded as cut. */

#define DEBAR_MAX_TARGET   16384
#define DEBAR_MAX_PAIRS      512

/* URLs inside the URL that are looked at. */

#define DEBAR_MAX_NESTING     32

/* Steps that one expression may take on one value. */

#define DEBAR_MATCH_LIMIT  20000


typedef struct {
    pcre2_code        *code;
    uint32_t           pattern;   /* in DEBAR_T_PATTERNS */
} debar_expr_t;

typedef struct {
    debar_expr_t      *list;
    size_t             n;
    uint8_t           *begin;     /* bit first << 8 | second: one can begin so;
                                     NULL: there are none */
} debar_exprs_t;

#define DEBAR_BEGIN_SIZE  (65536 / 8)

typedef struct {
    uint64_t           hash;      /* 0: free */
    uint32_t           word;      /* in DEBAR_T_WORDS */
} debar_word_slot_t;


/*
 * What was seen lately, and nothing was to be said of: hosts as they came (the
 * bytes of an authority) with what they are, targets, and short values of
 * bodies by their role.  Whole bytes are compared, so that nothing listed can be
 * made to look like one of them.
 * Sets of four; a new one takes the place of the set's oldest.
 */

#define DEBAR_SEEN_SETS     1024
#define DEBAR_SEEN_WAYS        4
#define DEBAR_SEEN_HOST       64
#define DEBAR_SEEN_TARGET    190
#define DEBAR_SEEN_VALUE      62

typedef struct {
    uint16_t           port;
    uint8_t            raw_len;   /* 0: free */
    uint8_t            len;
    char               raw[DEBAR_SEEN_HOST];
    char               name[DEBAR_SEEN_HOST];
} debar_seen_host_t;

typedef struct {
    uint16_t           len;       /* 0: free */
    char               data[DEBAR_SEEN_TARGET];
} debar_seen_target_t;

typedef struct {
    uint8_t            len;       /* 0: free */
    uint8_t            role;
    char               data[DEBAR_SEEN_VALUE];
} debar_seen_value_t;

typedef struct {
    uint32_t             value_tag[DEBAR_SEEN_SETS][DEBAR_SEEN_WAYS];
    uint8_t              value_next[DEBAR_SEEN_SETS];
    debar_seen_value_t   values[DEBAR_SEEN_SETS][DEBAR_SEEN_WAYS];
    uint32_t             host_tag[DEBAR_SEEN_SETS][DEBAR_SEEN_WAYS];
    uint32_t             target_tag[DEBAR_SEEN_SETS * 2][DEBAR_SEEN_WAYS];
    uint8_t              host_next[DEBAR_SEEN_SETS];
    uint8_t              target_next[DEBAR_SEEN_SETS * 2];
    debar_seen_host_t    hosts[DEBAR_SEEN_SETS][DEBAR_SEEN_WAYS];
    debar_seen_target_t  targets[DEBAR_SEEN_SETS * 2][DEBAR_SEEN_WAYS];
} debar_seen_t;


struct debar_list_s {
    debar_snapshot_t             *snapshot;
    const debar_snapshot_meta_t  *meta;
    const char                   *strings;

    const debar_authority_t      *authorities;
    size_t                        nauthorities;
    const debar_phase_t          *phases;
    const debar_entry_t          *entries;
    size_t                        nentries;
    const debar_product_t        *products;
    size_t                        nproducts;
    const debar_rule_t           *rules;
    size_t                        nrules;
    const debar_pattern_t        *patterns;
    size_t                        npatterns;
    const debar_permit_t         *permits;
    size_t                        npermits;
    const debar_waiver_t         *waivers;
    size_t                        nwaivers;
    const debar_recipe_t         *recipes;
    size_t                        nrecipes;
    const debar_cond_t           *conds;
    const debar_word_t           *words;
    size_t                        nwords;
    const debar_relay_t          *relays;
    size_t                        nrelays;
    const debar_mark_t           *marks;     /* of purchase documents */
    size_t                        nmarks;
    uint16_t                     *mark_ends; /* debar_mark_end() of each */
    uint32_t                     *mark_roots;
    size_t                        nmark_roots;
    const debar_ref_t            *refs;
    const debar_cidr_t           *cidrs;
    const uint64_t               *id_filter;
    size_t                        id_filter_words;

    debar_term_index_t            terms;
    debar_exprs_t                 exprs[DEBAR_KINDS];
    uint8_t                       has[DEBAR_KINDS];   /* rules of the kind */
    uint8_t                       has_exact[DEBAR_KINDS];   /* maybe not by
                                                               pattern alone */
    uint8_t                       has_ids;                  /* parts or GTINs */
    uint64_t                      in_force;           /* bits of authorities */
    uint64_t                      relay_gate[64];     /* by the end of the
                                                         host */

    debar_word_slot_t            *slots;              /* words by hash */
    size_t                        slot_mask;

    debar_seen_t                 *seen;
    struct debar_lean_s          *lean;      /* lean.h; made when first used */

    pcre2_code                  **recipe_path;        /* compiled when first
                                                         used */
    pcre2_code                  **relay_path;
    pcre2_code                  **cond_key;
    pcre2_code                  **cond_value;
    pcre2_match_data             *match_data;
    pcre2_match_context          *match_context;

    /* room to work in; a list belongs to one thread */

    char                          path[DEBAR_MAX_PATH];
    char                          decoded[DEBAR_MAX_TARGET];
    char                          tokens[DEBAR_MAX_TARGET * 2];
};


/*
 * What a mark's path ends with, and what a container or field is called, as
 * quickly compared: never different where the names are the same in any case.
 * 0: a path that has to be looked at.
 */

static inline uint16_t
debar_mark_end(const char *name, size_t len)
{
    return len == 0 ? 0xffff
                    : (len & 0x7f) << 8 | (uint8_t) (name[0] | 0x20);
}


/* match.c: evidence; each adds to v */

void debar_evidence_add(debar_list_t *list, debar_verdict_t *v, uint32_t rule,
    const char *where, const char *value, size_t len, size_t offset,
    unsigned cap);

/* "query:item" + "/percent": as much as fits, plain ASCII. */

void debar_where(char where[DEBAR_WHERE], const char *base, debar_str_t key,
    const char *how);

/* Exact identifiers, expressions, and names in canonical tokens.  careful:
 * words of caution beside a name cap it at log. */

void debar_match_id(debar_list_t *list, debar_verdict_t *v, unsigned kind,
    const char *where, const char *value, size_t len, size_t offset,
    unsigned cap);
void debar_match_exprs(debar_list_t *list, debar_verdict_t *v, unsigned kind,
    const char *where, const char *value, size_t len, unsigned cap);
void debar_match_names(debar_list_t *list, debar_verdict_t *v,
    const char *where, const char *tokens, size_t len, unsigned cap,
    unsigned careful);

/* The key goes to key; false: the filter says that it is not there. */

int debar_id_may_be(debar_list_t *list, char *key, size_t *klen, unsigned kind,
    const char *value, size_t len);
int debar_exprs_begin(const debar_exprs_t *exprs, const char *p, size_t len);

void debar_match_host(debar_list_t *list, debar_verdict_t *v,
    const debar_host_t *h, const char *where, unsigned cap);
void debar_match_addr(debar_list_t *list, debar_verdict_t *v,
    const uint8_t addr[16], const char *where, unsigned cap);
void debar_match_origin(debar_list_t *list, debar_verdict_t *v, uint32_t asn,
    const char *country);
void debar_match_organization(debar_list_t *list, debar_verdict_t *v,
    debar_str_t organization, const char *where, unsigned cap);
void debar_match_url(debar_list_t *list, debar_verdict_t *v,
    const debar_host_t *h, debar_str_t target);

/* Names, part numbers and GTINs in a text by its role; the name of a file; URLs
 * in a text, which are mentions: recorded at most. */

void debar_match_text(debar_list_t *list, debar_verdict_t *v,
    const char *where, const char *text, size_t len, unsigned role,
    unsigned cap);
size_t debar_path_above(const char *path, size_t len);
void debar_match_file(debar_list_t *list, debar_verdict_t *v,
    const char *where, const char *text, size_t len, unsigned cap);
void debar_match_package(debar_list_t *list, debar_verdict_t *v,
    const char *where, const char *text, size_t len, unsigned cap);

/* An image of a registry of containers (match_image.c): path is decoded, query
 * as it came.  debar_image_path(): whether a path is of such a request. */

int debar_image_path(debar_str_t path);
void debar_match_image(debar_list_t *list, debar_verdict_t *v,
    const debar_host_t *h, const char *where, debar_str_t path,
    debar_str_t query);
void debar_match_image_scope(debar_list_t *list, debar_verdict_t *v,
    const char *where, debar_str_t value);

void debar_match_mentions(debar_list_t *list, debar_verdict_t *v,
    const char *text, size_t len, const char *where, unsigned role);

int debar_mixed_token(const char *p, size_t len);
int debar_gtin_length(size_t len);

/* hot.c: true if a host, or a target, cannot give evidence. */

int debar_host_nothing(debar_list_t *list, const debar_host_t *h);
int debar_target_nothing(debar_list_t *list, debar_str_t target);

/* fields.c: whether a value of a query, as it came, may be an encoding or a
 * document; never false for one of so many bytes. */

#define DEBAR_VALUE_MORE  12

int debar_value_may_be_more(const char *p, size_t len);

/* seen.c: whether the host was seen; then v->host and v->port are set. */

int debar_seen_host(debar_list_t *list, debar_str_t raw, debar_verdict_t *v);
void debar_see_host(debar_list_t *list, debar_str_t raw,
    const debar_verdict_t *v);
int debar_seen_target(debar_list_t *list, debar_str_t target);
void debar_see_target(debar_list_t *list, debar_str_t target);

/* A value in which nothing is found in this role. */

int debar_seen_value(debar_list_t *list, debar_str_t value, unsigned role);
void debar_see_value(debar_list_t *list, debar_str_t value, unsigned role);

/* activity.c: a word of the channels, by use; NULL if there is none. */

const debar_word_t *debar_word(debar_list_t *list, unsigned use,
    const char *data, size_t len);

/* A field's name without what is not a letter or digit: "add-to_cart" ->
 * "addtocart"; the room for a word. */

#define DEBAR_MAX_WORD  64

size_t debar_field_name(char *out, size_t size, debar_str_t key);

/* Role of a query field: its name's letters and digits, lower case. */

unsigned debar_field_role(debar_list_t *list, debar_str_t key);

/* True if expr (anchored) matches all of the value. */

int debar_expr_match(debar_list_t *list, const pcre2_code *code,
    const char *data, size_t len);

/* The first group of expr in the value; DEBAR_DECLINED: no match. */

int debar_relay_capture(debar_list_t *list, const debar_relay_t *r,
    const char *data, size_t len, debar_str_t *group);
pcre2_code *debar_expr_compile(debar_str_t regex);

void debar_activity(debar_list_t *list, debar_verdict_t *v,
    const debar_facts_t *f, const debar_host_t *h);

/* The relays that h is, one after the other; *next begins at 0. */

const debar_relay_t *debar_relay(debar_list_t *list, const debar_host_t *h,
    size_t *next);
void debar_relay_gate(debar_list_t *list);

void debar_verdict_init(debar_verdict_t *v);

/* fields.c: adds what Referer, Cookie, X-Original-URL and, where the target was
 * looked at whole, encoded values of its query say, and settles. */

void debar_judge_fields(debar_list_t *list, const debar_facts_t *f,
    debar_verdict_t *v, unsigned looked);

/* verdict.c: the strongest action of some authorities (bits) for an activity on
 * a day, and which of them give it. */

unsigned debar_authorities_action(const debar_list_t *list, uint64_t set,
    unsigned activity, time_t now, uint64_t *givers);

/* verdict.c: settles actions, permits, waivers and the verdict of v */

void debar_settle(debar_list_t *list, const debar_facts_t *f,
    debar_verdict_t *v);


static inline debar_str_t
debar_list_text(const debar_list_t *list, debar_ref_t r)
{
    return debar_str(list->strings + r.off, r.len);
}


#endif /* DEBAR_JUDGE_PRIVATE_H */
