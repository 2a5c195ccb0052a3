/*
 * One pass over a text: every character is seen as percent-decoding, however
 * often, makes it, and what is found to be a secret is left out on the way.
 */

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "mask.h"
#include "secrets.h"


#define DEBAR_MASK_START   24     /* of a token */
#define DEBAR_MASK_DIGITS  64     /* of a run of digits, at a time */
#define DEBAR_MASK_GROUPS  24


typedef struct {
    size_t         from;
    size_t         to;
    unsigned       depth;         /* of percent-encoding; 0: none */
    unsigned char  c;
} debar_mask_char_t;


typedef struct {                  /* of letters, digits and "-_.~" */
    size_t         from;
    size_t         len;           /* decoded */
    size_t         dots;
    size_t         upper;
    size_t         lower;
    size_t         digits;
    unsigned       value;         /* it stands behind a "=" */
    char           start[DEBAR_MASK_START];
} debar_mask_token_t;


typedef struct {                  /* digits, single separators between */
    unsigned       n;
    unsigned       ngroups;
    unsigned       gap;           /* the last was a separator */
    unsigned char  digit[DEBAR_MASK_DIGITS];
    size_t         from[DEBAR_MASK_DIGITS];
    size_t         to[DEBAR_MASK_DIGITS];
    unsigned       group[DEBAR_MASK_GROUPS + 1];
} debar_mask_card_t;


typedef struct {
    char               *out;
    size_t              size;
    size_t              n;
    const char         *text;
    size_t              len;
    size_t              copied;   /* of the text */
    unsigned            masked;   /* the last that was written is a mask */

    unsigned            url;
    unsigned            authority;
    size_t              authority_from;
    unsigned            colon;
    unsigned            slashes;
    unsigned            query;    /* behind the "?" that is not encoded */
    unsigned            value;    /* behind a "=" */
    unsigned char       last;

    size_t              name_len;
    char                name[DEBAR_MASK_NAME];
    debar_mask_token_t  token;
    debar_mask_card_t   card;
} debar_mask_t;


static unsigned
debar_mask_hex(unsigned char c)
{
    return c >= '0' && c <= '9' ? c - '0'
           : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : 16;
}


static void
debar_mask_next(debar_mask_char_t *ch, const char *text, size_t len, size_t i)
{
    size_t    k;
    unsigned  hi, lo, depth;

    ch->from = i;
    ch->to = i + 1;
    ch->depth = 0;
    ch->c = (unsigned char) text[i];

    if (ch->c != '%') {
        return;
    }

    depth = 1;

    for (k = i + 1; len - k > 3 && text[k] == '2' && text[k + 1] == '5'; k += 2)
    {
        depth++;
    }

    if (len - k < 2) {
        return;
    }

    hi = debar_mask_hex((unsigned char) text[k]);
    lo = debar_mask_hex((unsigned char) text[k + 1]);

    if (hi < 16 && lo < 16) {
        ch->c = (unsigned char) (hi << 4 | lo);
        ch->to = k + 2;
        ch->depth = depth;
    }
}


static void
debar_mask_put(debar_mask_t *m, const char *p, size_t len)
{
    if (len > m->size - m->n) {
        len = m->size - m->n;
    }

    if (len) {
        memcpy(m->out + m->n, p, len);
        m->n += len;
    }
}


/* Spans come in the order of their ends; one may begin in the one before. */

static void
debar_mask_span(debar_mask_t *m, size_t from, size_t to)
{
    if (to <= m->copied || from == to) {
        return;
    }

    if (from > m->copied) {
        debar_mask_put(m, m->text + m->copied, from - m->copied);
        m->masked = 0;
    }

    if (!m->masked) {
        debar_mask_put(m, "***", 3);
    }

    m->copied = to;
    m->masked = 1;
}


/* --- names ----------------------------------------------------------------- */

static int
debar_mask_word(const char *word, size_t len)
{
    size_t  i;

    for (i = 0; i < debar_mask_count(debar_secret_words); i++) {

        if (debar_secret_words[i].len > len) {
            break;
        }

        if (debar_secret_words[i].len == len
            && debar_secret_words[i].text[0] == word[0]
            && memcmp(debar_secret_words[i].text, word, len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


static int
debar_mask_part(const char *flat, size_t n)
{
    size_t                      i, k;
    const debar_secret_name_t  *part;

    for (i = 0; i < debar_mask_count(debar_secret_parts); i++) {
        part = &debar_secret_parts[i];

        if (part->len > n) {
            break;
        }

        for (k = 0; k + part->len <= n; k++) {
            if (flat[k] == part->text[0]
                && memcmp(flat + k, part->text, part->len) == 0)
            {
                return 1;
            }
        }
    }

    return 0;
}


/* A capital begins a word behind a small letter, and before one: "APIKey". */

static unsigned
debar_mask_begins(const char *name, size_t len, size_t i)
{
    return i && isupper((unsigned char) name[i])
           && (islower((unsigned char) name[i - 1])
               || (i + 1 < len && isupper((unsigned char) name[i - 1])
                   && islower((unsigned char) name[i + 1])));
}


int
debar_mask_name(const char *name, size_t len)
{
    char    flat[DEBAR_MASK_NAME];
    size_t  i, n, word;

    if (len > DEBAR_MASK_NAME) {
        name += len - DEBAR_MASK_NAME;
        len = DEBAR_MASK_NAME;
    }

    for (i = 0, n = 0, word = 0; i < len; i++) {

        if (!isalnum((unsigned char) name[i])
            || debar_mask_begins(name, len, i))
        {
            if (n > word && debar_mask_word(flat + word, n - word)) {
                return 1;
            }

            word = n;
        }

        if (isalnum((unsigned char) name[i])) {
            flat[n++] = (char) tolower((unsigned char) name[i]);
        }
    }

    if (n == 0) {
        return 0;
    }

    if (debar_mask_word(flat + word, n - word)
        || (word && debar_mask_word(flat, n)))
    {
        return 1;
    }

    for (i = 0; i < debar_mask_count(debar_secret_names); i++) {
        if (debar_secret_names[i].len == n
            && memcmp(debar_secret_names[i].text, flat, n) == 0)
        {
            return 1;
        }
    }

    return debar_mask_part(flat, n);
}


static void
debar_mask_name_add(debar_mask_t *m, unsigned char c)
{
    if (m->name_len == DEBAR_MASK_NAME) {

        /* its end says what it is */

        memmove(m->name, m->name + DEBAR_MASK_NAME / 2, DEBAR_MASK_NAME / 2);
        m->name_len = DEBAR_MASK_NAME / 2;
    }

    m->name[m->name_len++] = (char) c;
}


/* --- tokens ---------------------------------------------------------------- */

static int
debar_mask_is_token(const debar_mask_token_t *t)
{
    size_t  i;

    if (t->len < DEBAR_MASK_TOKEN) {
        return 0;
    }

    if (memcmp(t->start, "eyJ", 3) == 0 && t->dots >= 1 && t->dots <= 4) {
        return 1;
    }

    for (i = 0; t->dots <= 4 && i < debar_mask_count(debar_secret_keys); i++) {
        if (t->len >= debar_secret_keys[i].min
            && t->start[0] == debar_secret_keys[i].text[0]
            && memcmp(t->start, debar_secret_keys[i].text,
                      debar_secret_keys[i].len) == 0)
        {
            return t->digits != 0;
        }
    }

    return t->value && t->dots == 0 && t->len >= DEBAR_MASK_LONG
           && t->upper > 2 && t->lower > 2 && t->digits > 2;
}


static void
debar_mask_token(debar_mask_t *m, const debar_mask_char_t *ch)
{
    unsigned char        c;
    debar_mask_token_t  *t = &m->token;

    c = ch->c;

    if (!isalnum(c) && (c == 0 || strchr("-_.~", c) == NULL)) {

        if (t->len && debar_mask_is_token(t)) {
            debar_mask_span(m, t->from, ch->from);
        }

        t->len = 0;
        return;
    }

    if (t->len == 0) {
        memset(t, 0, sizeof(debar_mask_token_t));
        t->from = ch->from;
        t->value = m->value;
    }

    if (t->len < DEBAR_MASK_START) {
        t->start[t->len] = (char) c;
    }

    t->len++;
    t->dots += c == '.';
    t->upper += isupper(c) != 0;
    t->lower += islower(c) != 0;
    t->digits += isdigit(c) != 0;
}


/* --- payment cards (ISO/IEC 7812, the check digit of its Annex B) ---------- */

static int
debar_mask_luhn(const unsigned char *digit, unsigned n)
{
    unsigned  i, d, sum, first;

    for (i = 0, first = 0; i < 6; i++) {
        first = first * 10 + digit[i];
    }

    for (i = 0; i < debar_mask_count(debar_secret_cards); i++) {
        if (first >= debar_secret_cards[i].first
            && first <= debar_secret_cards[i].last
            && n >= debar_secret_cards[i].min
            && n <= debar_secret_cards[i].max)
        {
            break;
        }
    }

    if (i == debar_mask_count(debar_secret_cards)) {
        return 0;
    }

    for (i = 0, sum = 0; i < n; i++) {
        d = digit[n - 1 - i];
        d = i & 1 ? 2 * d : d;
        sum += d > 9 ? d - 9 : d;
    }

    return sum % 10 == 0;
}


/* From each group of digits to each: a year may follow the number. */

static void
debar_mask_card_end(debar_mask_t *m)
{
    unsigned            a, b, n;
    debar_mask_card_t  *k = &m->card;

    k->group[k->ngroups] = k->n;

    for (a = 0; k->n >= DEBAR_MASK_CARD && a < k->ngroups; a++) {
        for (b = k->ngroups; b > a; b--) {
            n = k->group[b] - k->group[a];

            if (n >= DEBAR_MASK_CARD && n <= 19
                && debar_mask_luhn(k->digit + k->group[a], n))
            {
                debar_mask_span(m, k->from[k->group[a]],
                                k->to[k->group[b] - 1]);
                a = b - 1;
                break;
            }
        }
    }

    k->n = 0;
    k->ngroups = 0;
    k->gap = 0;
}


static void
debar_mask_card(debar_mask_t *m, const debar_mask_char_t *ch)
{
    debar_mask_card_t  *k = &m->card;

    if (!isdigit(ch->c)) {

        if (k->n && !k->gap && ch->c && strchr(" -+", ch->c)) {
            k->gap = 1;

        } else if (k->n) {
            debar_mask_card_end(m);
        }

        return;
    }

    if (k->n == DEBAR_MASK_DIGITS
        || (k->gap && k->ngroups == DEBAR_MASK_GROUPS))
    {
        debar_mask_card_end(m);
    }

    if (k->n == 0 && m->last == '.') {
        return;                   /* of a fraction */
    }

    if (k->n == 0 || k->gap) {
        k->group[k->ngroups++] = k->n;
        k->gap = 0;
    }

    k->digit[k->n] = ch->c - '0';
    k->from[k->n] = ch->from;
    k->to[k->n++] = ch->to;
}


/* --- userinfo -------------------------------------------------------------- */

static void
debar_mask_authority(debar_mask_t *m, const debar_mask_char_t *ch)
{
    unsigned  start;

    if (ch->c == '/' || ch->c == '\\') {

        if (m->authority && m->authority_from == ch->from) {
            m->authority_from = ch->to;
            m->slashes++;
            return;
        }

        start = m->colon == 2;
        m->slashes = m->colon || m->slashes ? m->slashes + 1 : 0;
        m->colon = 0;

        if (m->slashes > 1 || (m->slashes && start)) {
            m->authority = 1;
            m->authority_from = ch->to;

        } else if (ch->c == '/') {
            m->authority = 0;
        }

        return;
    }

    m->slashes = 0;
    m->colon = 0;

    if (ch->c == '?' || ch->c == '#' || ch->c == ' ') {
        m->authority = 0;

    } else if (ch->c == '@' && m->authority) {
        debar_mask_span(m, m->authority_from, ch->from);

    } else if (ch->c == ':') {

        m->colon = 1;

        /* "http:user@host" and "http:/user@host" are read so by some */

        if (m->url && m->authority && m->authority_from == 0
            && ((ch->from == 4 && strncasecmp(m->text, "http", 4) == 0)
                || (ch->from == 5 && strncasecmp(m->text, "https", 5) == 0)))
        {
            m->authority_from = ch->to;
            m->colon = 2;
        }
    }
}


/* --- pairs ----------------------------------------------------------------- */

/* Where the value ends that begins at i, behind an "=" of that depth. */

static size_t
debar_mask_value_end(debar_mask_t *m, size_t i, unsigned depth)
{
    debar_mask_char_t  ch;

    for ( /* void */ ; i < m->len; i = ch.to) {
        debar_mask_next(&ch, m->text, m->len, i);

        if (ch.depth > depth) {
            continue;
        }

        if (ch.c == '&' || ch.c == '#'
            || (!m->query && depth == 0
                && (ch.c == '/' || ch.c == ';' || ch.c == '?')))
        {
            return i;
        }
    }

    return i;
}


/* The position behind what was masked, or ch->to. */

static size_t
debar_mask_pair(debar_mask_t *m, const debar_mask_char_t *ch)
{
    size_t  end;

    switch (ch->c) {

    case '?':
        m->query |= ch->depth == 0;
        /* fall through */

    case '&':
    case ';':
    case '#':
    case '/':
    case '{':
    case ',':
    case '"':
    case '\n':
    case ' ':
        m->name_len = 0;
        m->value = 0;
        return ch->to;

    case '=':
        m->value = 1;

        if (m->name_len && debar_mask_name(m->name, m->name_len)) {
            end = debar_mask_value_end(m, ch->to, ch->depth);
            debar_mask_span(m, ch->to, end);
            m->name_len = 0;

            return end;
        }

        m->name_len = 0;
        return ch->to;

    default:
        debar_mask_name_add(m, ch->c);
        return ch->to;
    }
}


/*
 * Letters are most of what there is: they end no number that is not there, and
 * go to the name and the token only.
 */

static size_t
debar_mask_letters(debar_mask_t *m, size_t i)
{
    unsigned char        c;
    debar_mask_token_t  *t = &m->token;

    if (m->card.n) {
        return i;
    }

    for ( /* void */ ; i < m->len; i++) {
        c = (unsigned char) m->text[i];

        if ((c | 32) < 'a' || (c | 32) > 'z') {
            break;
        }

        if (t->len == 0) {
            memset(t, 0, sizeof(debar_mask_token_t));
            t->from = i;
            t->value = m->value;
        }

        if (t->len < DEBAR_MASK_START) {
            t->start[t->len] = (char) c;
        }

        t->len++;
        t->upper += c < 'a';
        t->lower += c >= 'a';

        debar_mask_name_add(m, c);

        m->last = c;
        m->colon = 0;
        m->slashes = 0;
    }

    return i;
}


size_t
debar_mask(char *out, size_t size, const char *text, size_t len, unsigned url)
{
    size_t             i;
    debar_mask_t       m;
    debar_mask_char_t  ch;

    if (debar_mask_plain(text, len)) {
        len = len < size ? len : size;
        memcpy(out, text, len);
        return len;
    }

    memset(&m, 0, offsetof(debar_mask_t, name));
    m.token.len = 0;
    m.card.n = 0;
    m.card.ngroups = 0;
    m.card.gap = 0;

    m.out = out;
    m.size = size;
    m.text = text;
    m.len = len;
    m.url = url;
    m.authority = url && len && text[0] != '/' && text[0] != '?';
    m.query = !url;

    for (i = 0; i < len; /* void */ ) {
        i = debar_mask_letters(&m, i);

        if (i == len) {
            break;
        }

        debar_mask_next(&ch, text, len, i);

        debar_mask_authority(&m, &ch);
        debar_mask_token(&m, &ch);
        debar_mask_card(&m, &ch);

        i = debar_mask_pair(&m, &ch);
        m.last = ch.c;
    }

    ch.from = len;
    ch.to = len;
    ch.depth = 0;
    ch.c = '\n';

    debar_mask_token(&m, &ch);
    debar_mask_card(&m, &ch);

    debar_mask_put(&m, text + m.copied, len - m.copied);

    return m.n;
}


/* --- as much of a URL as is kept ------------------------------------------- */

static size_t
debar_mask_host_end(const char *url, size_t len)
{
    size_t  i;

    for (i = 0; i < len && strchr("/\\?#", url[i]) == NULL; i++) {
        /* void */
    }

    if (i == 0) {
        return 0;                 /* a path only, or nothing */
    }

    /* "host:443", or "scheme://host" */

    if (len - i < 3 || url[i - 1] != ':' || memcmp(url + i, "//", 2) != 0) {
        return i;
    }

    for (i += 2; i < len && strchr("/\\?#", url[i]) == NULL; i++) {
        /* void */
    }

    return i;
}


size_t
debar_mask_url(char *out, size_t size, const char *url, size_t len,
    debar_url_kept_e kept)
{
    size_t             i;
    debar_mask_char_t  ch;

    switch (kept) {

    case DEBAR_URL_NONE:
        return 0;

    case DEBAR_URL_EVIDENCE:
        len = debar_mask_host_end(url, len);
        break;

    case DEBAR_URL_PATH:
        for (i = 0; i < len; i = ch.to) {
            debar_mask_next(&ch, url, len, i);

            if (ch.c == '?' || ch.c == '#') {
                len = i;
                break;
            }
        }

        break;

    default:
        break;
    }

    return debar_mask(out, size, url, len, 1);
}
