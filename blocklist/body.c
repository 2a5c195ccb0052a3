/*
 * A body judged: see body.h.  What a document says is kept apart until it ends,
 * since it may be taken back.
 */

#include <stdio.h>
#include <stdlib.h>

#include "body_private.h"
#include "judge_private.h"
#include "lean.h"


/* How much of a value is looked at at once, and how much of that again. */

#define DEBAR_BODY_WINDOW    6144
#define DEBAR_BODY_OVERLAP    256

/* What comes behind a line without taking it back: enough to stop. */

#define DEBAR_BODY_ENOUGH   65536

/* Short pairs of forms that may say what the request does. */

#define DEBAR_BODY_FORM      4096
#define DEBAR_BODY_PAIR       128

/* Kept bytes go to the engine in pieces, as if they had just come. */

#define DEBAR_BODY_PIECE    16384

/* Of a body that has more than the first of these, so much is looked at before
 * the rest has come. */

#define DEBAR_BODY_SMALL     4096
#define DEBAR_BODY_BEGIN     8192


struct debar_body_s {
    debar_list_t              *list;
    const debar_facts_t       *facts;
    debar_peel_t              *peel;
    debar_document_t          *document;
    debar_body_trace_t         trace;

    uint64_t                   pushed;
    uint64_t                   peeked;
    uint64_t                   found;     /* bytes that had come in when the
                                             last evidence was found */
    unsigned                   instance;
    unsigned                   cancelled;
    unsigned                   early;
    unsigned                   news;      /* evidence that was not settled */
    unsigned                   done;
    unsigned                   known;     /* what the request itself does */
    unsigned                   report;    /* its path tells of a report */
    unsigned                   head;      /* it is a field of the head */
    unsigned                   answer;    /* it is an answer's */
    unsigned                   told;      /* and what that is is known: */
    unsigned                   page;      /* a page, with forms */
    unsigned                   cookie;    /* that says nothing of what is done */
    unsigned                   lean;      /* what came is kept: the engine has
                                             not begun */
    unsigned                   begun;     /* its beginning was looked at */
    unsigned                   lost;      /* there was no memory for that */
    char                      *kept;
    size_t                     nkept;
    size_t                     room;
    const char                *base;      /* "body" */
    debar_request_t            request;   /* inside of it */
    size_t                     nform;     /* bytes of form */
    size_t                     asked;     /* activity of form was asked for */
    unsigned                   cart;      /* a line looks like a cart's */
    unsigned                   activity;  /* of documents */
    debar_str_t                id;        /* of the one that means it */

    debar_verdict_t            v;         /* of what has ended */
    debar_verdict_t            open;      /* of the document that is read */
    debar_verdict_t            maker;     /* room */
    debar_verdict_t            sum;
    char                       form[DEBAR_BODY_FORM];
};


/* --- one field ------------------------------------------------------------ */

/* "body:line[2]/maker:" and the end of the way to it. */

static void
debar_body_where(char where[DEBAR_WHERE], const char *base, unsigned number,
    unsigned role, const char *path)
{
    char         digits[16];
    size_t       n, len, room;
    unsigned     i;
    const char  *name = debar_role_name(role);

    n = strlen(base);
    memcpy(where, base, n);

    if (number) {
        memcpy(where + n, ":line[", 6);
        n += 6;

        for (i = sizeof(digits); number; number /= 10) {
            digits[--i] = '0' + number % 10;
        }

        memcpy(where + n, digits + i, sizeof(digits) - i);
        n += sizeof(digits) - i;
        where[n++] = ']';
    }

    where[n++] = '/';
    len = strlen(name);
    memcpy(where + n, name, len);
    n += len;
    where[n++] = ':';

    len = strlen(path);
    room = DEBAR_WHERE - 1 - n;

    if (len > room) {
        memcpy(where + n, "...", 3);
        n += 3;
        path += len - (room - 3);
    }

    memcpy(where + n, path, len > room ? room - 2 : len + 1);
}


void
debar_match_package(debar_list_t *list, debar_verdict_t *v, const char *where,
    const char *text, size_t len, unsigned cap)
{
    char    ident[DEBAR_MAX_IDENT];
    size_t  n, i;

    static const char *const  ecosystems[] = {
        "android", "apple-app", "apple-bundle", "apple-team", "chocolatey",
        "chrome", "winget"
    };

    for (i = 0; i < sizeof(ecosystems) / sizeof(ecosystems[0]); i++) {
        n = debar_ident_package(ident, sizeof(ident), ecosystems[i],
                                strlen(ecosystems[i]), text, len);
        if (n != 0) {
            debar_match_id(list, v, DEBAR_KIND_PACKAGE, where, ident, n, 0,
                           cap);
            debar_match_exprs(list, v, DEBAR_KIND_PACKAGE, where, ident, n,
                              cap);
        }
    }
}


static void
debar_body_text(debar_list_t *list, debar_verdict_t *v, const char *where,
    const char *text, size_t len, unsigned role, unsigned cap)
{
    debar_match_text(list, v, where, text, len, role, cap);

    if (role == DEBAR_ROLE_FILE) {
        debar_match_file(list, v, where, text, len,
                         cap < DEBAR_LOG ? cap : DEBAR_LOG);
    }

    if (role == DEBAR_ROLE_PACKAGE) {
        debar_match_package(list, v, where, text, len, cap);
    }

    debar_match_mentions(list, v, text, len, where, role);
}


/* A value as it is and as it reads once it is decoded, in pieces that overlap. */

static void
debar_body_value(debar_list_t *list, debar_verdict_t *v, const char *where,
    debar_str_t s, unsigned role, unsigned cap)
{
    char      *text = list->decoded;
    size_t     pos, n, len;
    unsigned   flags, rounds, clean;

    if (debar_seen_value(list, s, role)) {
        return;
    }

    clean = v->nevidence == 0 && !v->cut && !v->more;

    for (pos = 0; pos < s.len; pos += n) {

        n = s.len - pos;

        if (n > DEBAR_BODY_WINDOW) {
            n = DEBAR_BODY_WINDOW;
        }

        flags = 0;
        len = debar_text_decode(text, sizeof(list->decoded), s.data + pos, n,
                                0, &flags, &rounds);
        v->cut |= (flags & (DEBAR_TEXT_CUT|DEBAR_TEXT_DEPTH)) != 0;

        debar_body_text(list, v, where, text, len, role, cap);

        if (flags & DEBAR_TEXT_DECODED) {
            debar_body_text(list, v, where, s.data + pos, n, role, cap);
        }

        if (pos + n == s.len) {
            break;
        }

        n -= DEBAR_BODY_OVERLAP;
    }

    if (clean && v->nevidence == 0 && !v->cut && !v->more) {
        debar_see_value(list, s, role);
    }
}


static unsigned
debar_body_cap(unsigned role, unsigned withdrawn, unsigned other_maker,
    unsigned book)
{
    if (withdrawn) {
        return DEBAR_LOG;
    }

    switch (role) {

    case DEBAR_ROLE_DESCRIPTION:
        return other_maker || book ? DEBAR_LOG : DEBAR_BLOCK;

    case DEBAR_ROLE_NAME:
    case DEBAR_ROLE_OTHER:
        return book ? DEBAR_LOG : DEBAR_BLOCK;

    case DEBAR_ROLE_UNSPSC:
    case DEBAR_ROLE_QUANTITY:
    case DEBAR_ROLE_LINE_ACTION:
    case DEBAR_ROLE_NOTE:
    case DEBAR_ROLE_PERSON:
    case DEBAR_ROLE_PARTY:
    case DEBAR_ROLE_URL:
    case DEBAR_ROLE_SEARCH:
        return DEBAR_LOG;

    default:
        return DEBAR_BLOCK;
    }
}


/* --- one line ------------------------------------------------------------- */

/* A maker is named, and none that is listed. */

static int
debar_body_other_maker(debar_body_t *b, const debar_line_t *line)
{
    size_t                n;
    unsigned              i, named, flags;
    const debar_field_t  *f;

    named = 0;
    b->maker.nevidence = 0;
    b->maker.more = 0;

    for (i = 0; i < line->nfields; i++) {
        f = &line->fields[i];

        if (f->role != DEBAR_ROLE_MAKER || f->value.len > DEBAR_BODY_WINDOW) {
            continue;
        }

        flags = 0;
        n = debar_text_tokens(b->list->tokens, sizeof(b->list->tokens),
                              f->value.data, f->value.len, NULL, &flags);
        named |= n > 1;

        debar_body_value(b->list, &b->maker, "body/maker", f->value,
                         DEBAR_ROLE_MAKER, DEBAR_BLOCK);
    }

    return named && b->maker.nevidence == 0;
}


static int
debar_body_name_ends(debar_str_t name, const char *end)
{
    size_t  n = strlen(end);

    return name.len >= n
           && strncasecmp(name.data + name.len - n, end, n) == 0;
}


/*
 * The number of a book: 978 or 979 in a field for GTINs, ten digits where ISBNs
 * are.  Amazon's number of a book is one, too; there the check digit counts.
 */

static int
debar_body_isbn(const debar_field_t *f)
{
    size_t    i, n;
    unsigned  sum, isbn, asin;

    isbn = debar_body_name_ends(f->name, "isbn");
    asin = debar_body_name_ends(f->name, "asin");

    if ((f->role != DEBAR_ROLE_GTIN && !isbn && !asin) || f->value.len > 20) {
        return 0;
    }

    for (i = 0, n = 0, sum = 0; i < f->value.len; i++) {
        char  c = f->value.data[i];

        if (c == '-' || c == ' ') {
            continue;
        }

        if ((c < '0' || c > '9') && !(n == 9 && (c == 'X' || c == 'x'))) {
            return 0;
        }

        n++;
        sum += n <= 10 ? (11 - n) * (c >= '0' && c <= '9' ? c - '0' : 10) : 0;
    }

    return n == 13 ? f->value.data[0] == '9' && f->value.data[1] == '7'
                     && (f->value.data[2] == '8' || f->value.data[2] == '9')
                   : n == 10 && (isbn || (asin && sum % 11 == 0));
}


/* Whether a line is of a book: who is in its title did not make it. */

static int
debar_body_book(const debar_line_t *line)
{
    unsigned  i;

    for (i = 0; i < line->nfields; i++) {
        if (debar_body_isbn(&line->fields[i])) {
            return 1;
        }
    }

    return 0;
}


/*
 * A number of the shop's own, listed as "bestbuy.com/1689012": it is asked for
 * with the host and the names above it.
 */

unsigned
debar_body_shops(const debar_host_t *h, debar_str_t shops[DEBAR_SHOPS])
{
    unsigned     labels, n;
    const char  *p, *end;

    end = h->name + h->len;

    for (p = end, labels = 0, n = 0; p > h->name && n < DEBAR_SHOPS; p--) {

        if (p - 1 != h->name && p[-2] != '.') {
            continue;
        }

        if (++labels > 1) {
            shops[n++] = debar_str(p - 1, end - (p - 1));
        }
    }

    return n;
}


static void
debar_body_shop(debar_body_t *b, debar_verdict_t *v, const char *where,
    debar_str_t item, unsigned cap)
{
    int          n;
    char         name[DEBAR_MAX_IDENT], ident[DEBAR_MAX_IDENT];
    size_t       len;
    unsigned     i, nshops;
    debar_str_t  shops[DEBAR_SHOPS];

    if (item.len == 0 || item.len > DEBAR_SHOP_ITEM) {
        return;
    }

    nshops = debar_body_shops(&b->v.host, shops);

    for (i = 0; i < nshops; i++) {
        n = snprintf(name, sizeof(name), "%.*s/%.*s", (int) shops[i].len,
                     shops[i].data, (int) item.len, item.data);

        if (n < 0 || (size_t) n >= sizeof(name)) {
            return;
        }

        len = debar_ident_package(ident, sizeof(ident), "shop", 4, name, n);

        if (len != 0) {
            debar_match_id(b->list, v, DEBAR_KIND_PACKAGE, where, ident, len,
                           0, cap);
        }
    }
}


static int
debar_body_has_word(debar_list_t *list, unsigned use, debar_str_t text)
{
    size_t    n, i, from;
    unsigned  flags;

    if (text.len > DEBAR_BODY_WINDOW) {
        text.len = DEBAR_BODY_WINDOW;
    }

    flags = 0;
    n = debar_text_tokens(list->tokens, sizeof(list->tokens), text.data,
                          text.len, NULL, &flags);

    for (from = 0, i = 0; i <= n; i++) {
        if (i == n || list->tokens[i] == ' '
            || list->tokens[i] == DEBAR_TEXT_BREAK)
        {
            if (debar_word(list, use, list->tokens + from, i - from)) {
                return 1;
            }

            from = i + 1;
        }
    }

    return 0;
}


/* What a field is called, its letters and digits alone. */

static int
debar_body_field_word(debar_list_t *list, unsigned use, debar_str_t name)
{
    char           word[64];
    size_t         i, n;
    unsigned char  c;

    for (i = 0, n = 0; i < name.len && n < sizeof(word); i++) {
        c = name.data[i];
        c = c >= 'A' && c <= 'Z' ? c | 0x20 : c;

        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c >= 0x80) {
            word[n++] = c;
        }
    }

    while (n > 1 && word[n - 1] >= '0' && word[n - 1] <= '9') {
        n--;
    }

    return debar_word(list, use, word, n) != NULL;
}


/*
 * Whether a line is a cart's by its fields alone: goods, beside a field that
 * counts them.  A report on goods has such fields too, and others that no cart
 * has.
 */

static int
debar_body_cart(debar_list_t *list, const debar_line_t *line)
{
    unsigned              i, goods, counted;
    const debar_field_t  *f;

    goods = 0;
    counted = 0;

    for (i = 0; i < line->nfields; i++) {
        f = &line->fields[i];

        if (debar_body_field_word(list, DEBAR_WORD_REPORT, f->name)) {
            return 0;
        }

        goods |= f->role == DEBAR_ROLE_MAKER || f->role == DEBAR_ROLE_PART
                 || f->role == DEBAR_ROLE_SUPPLIER_PART
                 || f->role == DEBAR_ROLE_GTIN || f->role == DEBAR_ROLE_NAME
                 || f->role == DEBAR_ROLE_PACKAGE;

        counted |= f->role == DEBAR_ROLE_QUANTITY
                   && debar_body_field_word(list, DEBAR_WORD_CART, f->name);
    }

    return goods && counted;
}


/* What an answer says beside carts is nobody's order. */

static int
debar_body_aside(const debar_body_t *b, const debar_line_t *line)
{
    return b->answer
           && (line->document.len == 0 || (!line->returns && !b->page));
}


static void
debar_body_line_activity(debar_body_t *b, const debar_line_t *line)
{
    if (debar_body_aside(b, line)) {
        return;
    }

    if (line->document.len != 0 && line->activity < DEBAR_ACTIVITIES
        && line->activity > b->activity)
    {
        b->activity = line->activity;
        b->id = line->document;
        b->news = 1;
    }

    if (!b->cart && line->document.len == 0 && line->number != 0
        && debar_body_cart(b->list, line))
    {
        b->cart = 1;
        b->news = 1;
    }
}


static void
debar_body_judge(debar_body_t *b, debar_verdict_t *v, const debar_line_t *line)
{
    char                  where[DEBAR_WHERE];
    unsigned              i, cap, withdrawn, other_maker, book;
    const debar_field_t  *f;

    withdrawn = line->withdrawn;
    other_maker = line->number ? debar_body_other_maker(b, line) : 0;
    book = line->number ? debar_body_book(line) : 0;

    for (i = 0; i < line->nfields; i++) {
        f = &line->fields[i];

        if (f->role == DEBAR_ROLE_LINE_ACTION
            && debar_body_has_word(b->list, DEBAR_WORD_WITHDRAW, f->value))
        {
            withdrawn = 1;
        }
    }

    for (i = 0; i < line->nfields; i++) {
        f = &line->fields[i];

        debar_body_where(where, b->base, line->number, f->role, f->path);
        cap = debar_body_cap(f->role, withdrawn, other_maker, book);

        debar_body_value(b->list, v, where, f->value, f->role, cap);

        if (f->role == DEBAR_ROLE_PART || f->role == DEBAR_ROLE_SUPPLIER_PART) {
            debar_body_shop(b, v, where, f->value, cap);
        }

        /* goods may be what a member is called: { "Acme Rocket": 2 } */

        if (line->document.len == 0 && f->name.len > 3
            && cap > DEBAR_LOG)
        {
            debar_body_value(b->list, v, where, f->name, DEBAR_ROLE_OTHER,
                             cap);
        }
    }
}


/* --- documents ------------------------------------------------------------ */

/* Adds what a document said to the verdict; taken back, it is a record. */

static void
debar_body_add(debar_body_t *b, debar_verdict_t *v)
{
    unsigned                 i, cap;
    const debar_evidence_t  *ev;

    for (i = 0; i < b->open.nevidence; i++) {
        ev = &b->open.evidence[i];
        cap = b->cancelled && ev->cap > DEBAR_LOG ? DEBAR_LOG : ev->cap;

        debar_evidence_add(b->list, v, ev->rule, ev->where, ev->value,
                           strlen(ev->value), ev->offset, cap);
    }

    v->more |= b->open.more;
    v->cut |= b->open.cut;
}


static void
debar_body_close(debar_body_t *b)
{
    debar_body_add(b, &b->v);

    b->open.nevidence = 0;
    b->open.more = 0;
    b->open.cut = 0;
}


static void
debar_body_found(debar_body_t *b, const debar_line_t *line)
{
    if (b->trace.found) {
        (void) b->trace.found(b->trace.data, line);
    }
}


static int
debar_body_on_line(void *data, const debar_line_t *line)
{
    debar_body_t  *b = data;

    if (b->trace.line) {
        (void) b->trace.line(b->trace.data, line);
    }

    if (line->instance != b->instance) {
        debar_body_close(b);
        b->instance = line->instance;
    }

    if (b->cancelled != line->cancelled) {
        b->cancelled = line->cancelled;
        b->news = 1;
    }

    b->early = line->early;

    if (line->order.len != 0 && line->order.len <= sizeof(b->v.order)) {
        memcpy(b->v.order, line->order.data, line->order.len);
        b->v.order_len = line->order.len;
    }

    debar_body_line_activity(b, line);

    b->open.fresh = 0;

    if (!debar_body_aside(b, line)) {
        debar_body_judge(b, &b->open, line);
    }

    if (b->open.fresh) {
        b->found = b->pushed;
        b->news = 1;
        debar_body_found(b, line);
    }

    return DEBAR_OK;
}


/*
 * Keeps a pair of a form as a query would have it: "cmd=_cart" means the same
 * there and here.  What is long is no word of a command.
 */

static size_t
debar_body_escape(char *out, debar_str_t s)
{
    size_t         i;
    char          *p;
    unsigned char  c;

    for (i = 0, p = out; i < s.len; i++) {
        c = s.data[i];

        if (c <= ' ' || c == '%' || c == '&' || c == '=' || c == '+'
            || c == ';' || c == '#')
        {
            p += sprintf(p, "%%%02X", c);

        } else {
            *p++ = c;
        }
    }

    return p - out;
}


static void
debar_body_pair(debar_body_t *b, const debar_peel_event_t *ev)
{
    char         *p;
    size_t        n;
    debar_str_t   name, value;

    if (ev->event == DEBAR_PEEL_END || b->cookie) {
        return;
    }

    if (ev->event == DEBAR_PEEL_VALUE
        && (ev->syntax == DEBAR_SYNTAX_FORM
            || ev->syntax == DEBAR_SYNTAX_MULTIPART))
    {
        /* those of a query are known */

        if (ev->name.len == 0 || b->head) {
            return;
        }

        name = ev->name;
        value = ev->value;

    } else if (debar_body_operation(b->list, ev, &name, &value) != DEBAR_OK) {
        return;
    }

    n = name.len + value.len;

    if (n > DEBAR_BODY_PAIR
        || n * 3 + 2 > sizeof(b->form) - b->nform)
    {
        return;
    }

    p = b->form + b->nform;

    if (b->nform != 0) {
        *p++ = '&';
    }

    p += debar_body_escape(p, name);
    *p++ = '=';
    p += debar_body_escape(p, value);

    b->nform = p - b->form;
}


/* A request inside of the body: what it does, what it names. */

static void
debar_body_request(debar_body_t *b, const debar_peel_event_t *ev)
{
    char                     where[DEBAR_WHERE];
    unsigned                 i, cap;
    const debar_evidence_t  *e;

    if (b->head || debar_request_event(&b->request, ev) != DEBAR_OK) {
        return;
    }

    if (b->request.n++ >= DEBAR_REQUESTS) {
        b->open.cut = 1;
        return;
    }

    debar_request_judge(b->list, b->facts, b->v.host.len ? &b->v.host : NULL,
                        &b->request, &b->maker);

    if (b->maker.activity > b->activity) {
        b->activity = b->maker.activity;
        b->id = b->maker.channel ? debar_str(b->maker.channel,
                                             b->maker.channel_len)
                                 : debar_str("request", 7);
        b->news = 1;
    }

    for (i = 0; i < b->maker.nevidence; i++) {
        e = &b->maker.evidence[i];
        cap = b->maker.activity < DEBAR_ACQUIRE && e->cap > DEBAR_LOG
              ? DEBAR_LOG : e->cap;

        debar_where(where, "body", debar_str("request", 7), "");
        strncat(where, "/", DEBAR_WHERE - 1 - strlen(where));
        strncat(where, e->where, DEBAR_WHERE - 1 - strlen(where));
        debar_evidence_add(b->list, &b->open, e->rule, where, e->value,
                           strlen(e->value), e->offset, cap);
        b->found = b->pushed;
        b->news = 1;
    }

    b->open.cut |= b->maker.cut;
}


static int
debar_body_on_event(void *data, const debar_peel_event_t *ev)
{
    debar_body_t  *b = data;

    if (b->trace.event) {
        (void) b->trace.event(b->trace.data, ev);
    }

    if (!b->told && ev->event == DEBAR_PEEL_BEGIN && ev->document
        && ev->syntax != DEBAR_SYNTAX_ENCODING)
    {
        b->told = 1;
        b->page = ev->syntax == DEBAR_SYNTAX_HTML;
    }

    debar_body_pair(b, ev);
    debar_body_request(b, ev);

    return debar_document_event(b->document, ev);
}


/* --- the verdict ---------------------------------------------------------- */

static void
debar_body_activity(debar_body_t *b, debar_verdict_t *v)
{
    debar_facts_t      facts;
    debar_url_parts_t  u;

    if (b->answer) {
        v->activity = DEBAR_BROWSE;

    } else if (!b->known || b->asked != b->nform) {
        b->known = 1;
        b->asked = b->nform;

        facts = *b->facts;
        facts.form = debar_str(b->form, b->nform);

        debar_activity(b->list, &b->v, &facts,
                       b->v.host.len ? &b->v.host : NULL);

        debar_url_split(&u, b->facts->target.data, b->facts->target.len);
        b->report = debar_body_has_word(b->list, DEBAR_WORD_REPORT, u.path);

        v->activity = b->v.activity;
        v->step = b->v.step;
        v->step_len = b->v.step_len;
        v->channel = b->v.channel;
        v->channel_len = b->v.channel_len;
    }

    if (b->activity > v->activity && !b->cookie) {
        v->activity = b->activity;
        v->channel = b->id.data;
        v->channel_len = b->id.len;
        v->step = "document";
        v->step_len = sizeof("document") - 1;
    }

    /* a channel that knows the request knows better */

    if (b->cart && !b->head && !b->report && v->channel == NULL) {
        v->activity = DEBAR_ACQUIRE;
        v->channel = "cart";
        v->channel_len = sizeof("cart") - 1;
        v->step = "fields";
        v->step_len = sizeof("fields") - 1;
    }
}


static void
debar_body_settle(debar_body_t *b, debar_verdict_t *v)
{
    const char  *fault;

    if (v->nevidence == 0 && !v->cut) {
        return;
    }

    fault = v->fault;
    debar_body_activity(b, v);
    debar_settle(b->list, b->facts, v);
    v->fault = fault;
}


static int
debar_body_peek_line(void *data, const debar_line_t *line)
{
    unsigned       n;
    debar_body_t  *b = data;

    debar_body_line_activity(b, line);

    if (!line->cancelled && !debar_body_aside(b, line)) {
        n = b->sum.nevidence;
        debar_body_judge(b, &b->sum, line);

        if (b->sum.nevidence != n) {
            debar_body_found(b, line);
        }
    }

    return DEBAR_OK;
}


/* Whether it is a block already, and nothing can take that back. */

static int
debar_body_enough(debar_body_t *b)
{
    if (b->news && (b->early || b->pushed - b->found >= DEBAR_BODY_ENOUGH)) {
        b->news = 0;
        b->sum = b->v;
        debar_body_add(b, &b->sum);
        debar_body_settle(b, &b->sum);

        if (b->sum.verdict == DEBAR_BLOCK) {
            return 1;
        }
    }

    if (b->pushed - b->peeked >= DEBAR_BODY_ENOUGH) {
        b->peeked = b->pushed;

        if (debar_document_since(b->document) + DEBAR_BODY_ENOUGH / 2
            <= b->pushed)
        {
            b->sum = b->v;
            debar_body_add(b, &b->sum);
            (void) debar_document_peek(b->document, debar_body_peek_line, b);
            debar_body_settle(b, &b->sum);

            return b->sum.verdict == DEBAR_BLOCK;
        }
    }

    return 0;
}


/*
 * A Content-Type that names a boundary twice is two bodies in one: who reads it
 * by the other name reads something else (RFC 9110 s.5.6.6 wants each parameter
 * once).
 */

static int
debar_body_ambiguous(debar_str_t type)
{
    size_t    i, from;
    unsigned  n, quoted;

    for (i = 0, n = 0, quoted = 0; i < type.len; i++) {

        if (type.data[i] == '"') {
            quoted = !quoted;

        } else if (quoted && type.data[i] == '\\') {
            i++;

        } else if (!quoted && type.data[i] == ';') {

            for (from = i + 1; from < type.len
                               && (type.data[from] == ' '
                                   || type.data[from] == '\t'); from++)
            { /* void */ }

            n += type.len - from > 8
                 && strncasecmp(type.data + from, "boundary", 8) == 0
                 && (type.data[from + 8] == '=' || type.data[from + 8] == ' '
                     || (type.data[from + 8] == '*'
                         && type.len - from > 9
                         && (type.data[from + 9] == '='
                             || type.data[from + 9] == '0')));
        }
    }

    return n > 1;
}


debar_body_t *
debar_body_new(debar_list_t *list, const debar_facts_t *f,
    const debar_verdict_t *v, const debar_peel_input_t *in,
    const debar_peel_limits_t *limits, const debar_body_trace_t *trace)
{
    debar_body_t  *b;

    b = calloc(1, sizeof(debar_body_t));

    if (b == NULL) {
        return NULL;
    }

    b->list = list;
    b->facts = f;
    b->base = "body";
    b->v = *v;
    b->known = v->step != NULL || v->channel != NULL;

    if (b->known) {
        debar_url_parts_t  u;

        debar_url_split(&u, f->target.data, f->target.len);
        b->report = debar_body_has_word(list, DEBAR_WORD_REPORT, u.path);
    }

    if (trace) {
        b->trace = *trace;
    }

    b->peel = debar_peel_new(in, limits, debar_body_on_event, b);

    if (b->peel == NULL) {
        debar_body_free(b);
        return NULL;
    }

    /* nothing that a body says lessens what the head has said */

    b->lean = v->nevidence == 0 && !v->cut && !v->more
              && (b->trace.event == NULL || b->trace.found != NULL)
              && in->syntax == DEBAR_SYNTAX_TEXT
              && in->content_encoding.len == 0;

    if (!b->lean) {
        b->document = debar_document_new(list, debar_body_on_line, b);

        if (b->document == NULL) {
            debar_body_free(b);
            return NULL;
        }
    }

    if (debar_body_ambiguous(in->content_type)) {

        /* nothing of it is read */

        b->sum = b->v;
        b->done = 1;

        if (b->sum.verdict < DEBAR_REJECT) {
            b->sum.verdict = DEBAR_REJECT;
            b->sum.fault = "two boundaries in Content-Type";
        }
    }

    return b;
}


debar_body_t *
debar_body_fields(debar_list_t *list, const debar_facts_t *f,
    const debar_verdict_t *v, const debar_peel_input_t *in)
{
    debar_body_t  *b;

    b = debar_body_new(list, f, v, in, NULL, NULL);

    if (b != NULL) {
        b->base = in->name.data;
        b->head = 1;
        b->cookie = in->syntax == DEBAR_SYNTAX_COOKIE;
    }

    return b;
}


/* To the engine. */

static int
debar_body_read(debar_body_t *b, const char *data, size_t len)
{
    b->pushed += len;

    (void) debar_peel_push(b->peel, data, len);

    if (debar_body_enough(b)) {
        b->done = 1;
        return DEBAR_DECLINED;
    }

    return DEBAR_OK;
}


/* The engine begins with what was kept. */

static int
debar_body_unkeep(debar_body_t *b)
{
    int     rc;
    size_t  i, n;

    b->lean = 0;
    b->document = debar_document_new(b->list, debar_body_on_line, b);

    if (b->document == NULL) {
        b->lost = 1;
        return DEBAR_OK;
    }

    rc = DEBAR_OK;

    for (i = 0; i < b->nkept && rc == DEBAR_OK; i += n) {
        n = b->nkept - i < DEBAR_BODY_PIECE ? b->nkept - i : DEBAR_BODY_PIECE;
        rc = debar_body_read(b, b->kept + i, n);
    }

    return rc;
}


/* Of an answer no part is left out: what it means to buy counts, too. */

debar_body_t *
debar_body_response(debar_list_t *list, const debar_facts_t *f,
    const debar_verdict_t *v, const debar_peel_input_t *in,
    const debar_peel_limits_t *limits, const debar_body_trace_t *trace)
{
    debar_body_t  *b;

    b = debar_body_new(list, f, v, in, limits, trace);

    if (b != NULL) {
        b->base = "response";
        b->answer = 1;

        if (b->lean) {
            (void) debar_body_unkeep(b);
        }
    }

    return b;
}


unsigned
debar_body_orders(const debar_body_t *b)
{
    return b->activity == DEBAR_ACQUIRE;
}


/* Whether what a longer body begins with is of the list: a block need not wait
 * for its end. */

static int
debar_body_begins(debar_body_t *b, const char *data, size_t len)
{
    size_t  n;

    n = b->nkept < DEBAR_BODY_BEGIN ? DEBAR_BODY_BEGIN - b->nkept : 0;

    return debar_lean_sign(b->list, b->kept, b->nkept)
           || debar_lean_sign(b->list, data, n < len ? n : len);
}


/* DEBAR_ERROR: there is no room for it, or it is for the engine. */

static int
debar_body_keep(debar_body_t *b, const char *data, size_t len)
{
    char    *kept;
    size_t   size;

    if (len > DEBAR_LEAN_MOST - b->nkept) {
        return DEBAR_ERROR;
    }

    if (!b->begun && b->nkept + len > DEBAR_BODY_SMALL) {
        b->begun = 1;

        if (debar_body_begins(b, data, len)) {
            return DEBAR_ERROR;
        }
    }

    if (len > b->room - b->nkept) {
        size = (b->nkept + len) * 2;
        size = size < DEBAR_BODY_PIECE ? DEBAR_BODY_PIECE
               : size > DEBAR_LEAN_MOST ? DEBAR_LEAN_MOST : size;
        kept = realloc(b->kept, size);

        if (kept == NULL) {
            return DEBAR_ERROR;
        }

        b->kept = kept;
        b->room = size;
    }

    if (len) {
        memcpy(b->kept + b->nkept, data, len);
        b->nkept += len;
    }

    return DEBAR_OK;
}


int
debar_body_push(debar_body_t *b, const char *data, size_t len)
{
    if (b->done) {
        return DEBAR_DECLINED;
    }

    if (b->lean) {
        if (debar_body_keep(b, data, len) == DEBAR_OK) {
            return DEBAR_OK;
        }

        if (debar_body_unkeep(b) != DEBAR_OK) {
            return DEBAR_DECLINED;
        }
    }

    return b->lost ? DEBAR_OK : debar_body_read(b, data, len);
}


/* Whether all of the body was kept, and there is nothing in it. */

static int
debar_body_clean(debar_body_t *b)
{
    const debar_peel_input_t   *in;
    const debar_peel_limits_t  *limits;

    in = debar_peel_labels(b->peel, &limits);

    return debar_lean_clean(b->list, &b->v.host, in, limits, b->kept,
                            b->nkept);
}


#define DEBAR_BODY_BOUNDS  (DEBAR_PEEL_DEPTH | DEBAR_PEEL_NODES               \
                            | DEBAR_PEEL_NESTING | DEBAR_PEEL_LEAVES          \
                            | DEBAR_PEEL_EXPANDED | DEBAR_PEEL_HELD)

void
debar_body_finish(debar_body_t *b, debar_verdict_t *v)
{
    unsigned     bounds;
    const char  *fault;

    if (!b->done && b->lean) {
        if (debar_body_clean(b)) {
            b->done = 1;
            b->sum = b->v;

        } else {
            (void) debar_body_unkeep(b);
        }
    }

    if (b->done) {
        *v = b->sum;
        return;
    }

    b->done = 1;

    if (!b->lost) {
        (void) debar_peel_finish(b->peel);
        (void) debar_document_finish(b->document);
        debar_body_close(b);
    }

    /* an order is told of what was found in it alone */

    if (b->v.nevidence == 0) {
        b->v.order_len = 0;
    }

    bounds = debar_peel_bounds(b->peel) | (b->lost ? DEBAR_PEEL_HELD : 0);
    fault = b->v.fault;

    if (b->answer) {

        /* it may begin anywhere, and most of what it holds is no cart */

        bounds &= debar_body_orders(b) ? DEBAR_BODY_BOUNDS : 0;
    }

    b->v.cut |= (bounds & DEBAR_BODY_BOUNDS) != 0;

    if (bounds || b->v.cut || b->v.nevidence) {
        debar_body_activity(b, &b->v);
        debar_settle(b->list, b->facts, &b->v);
    }

    if (bounds && b->v.verdict < DEBAR_LOG) {
        b->v.verdict = DEBAR_LOG;
    }

    b->v.fault = fault || bounds == 0 ? fault : debar_peel_fault(bounds);

    b->sum = b->v;
    *v = b->v;
}


void
debar_body_free(debar_body_t *b)
{
    if (b->peel) {
        debar_peel_free(b->peel);
    }

    if (b->document) {
        debar_document_free(b->document);
    }

    free(b->kept);
    free(b);
}


unsigned
debar_body_line(const debar_verdict_t *v)
{
    unsigned  n;

    if (v->nevidence == 0
        || (sscanf(v->evidence[0].where, "body:line[%u]", &n) != 1
            && sscanf(v->evidence[0].where, "response:line[%u]", &n) != 1))
    {
        return 0;
    }

    return n;
}
