/*
 * HTML: the fields of its forms, which may carry a cart, and its text.
 *
 * A value of a field is told by the field's name; text without a name, in runs
 * between elements that stand for themselves; what a page does by itself, as
 * "@refresh".  Scripts and styles are text of their element's name.  Of a
 * <select> those options have its name that a browser sends as it stands.
 */

#include "peel_private.h"
#include "text.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>


#define DEBAR_HTML_NAME  256
#define DEBAR_HTML_TEXT  4096

typedef enum {
    DEBAR_HTML_IN_TEXT = 0,
    DEBAR_HTML_IN_OPEN,           /* "<" */
    DEBAR_HTML_IN_TAG,
    DEBAR_HTML_IN_QUOTES,
    DEBAR_HTML_IN_COMMENT,
    DEBAR_HTML_IN_RAW             /* textarea, script, style: to their end */
} debar_html_state_e;

/* The select that is open. */

typedef struct {
    unsigned     chosen;          /* an option says that it is */
    unsigned     multiple;        /* none is without saying so */
    unsigned     first;           /* the first has come: it is value */
    unsigned     text;            /* what follows is an option's value */
    size_t       name_len;        /* 0: there is none, or it has none */
    char         name[DEBAR_HTML_NAME];
    debar_buf_t  value;
} debar_html_select_t;

typedef struct {
    unsigned     state;
    char         quote;
    unsigned     equals;          /* an attribute's value begins */
    unsigned     dashes;          /* of a comment's end */
    unsigned     blank;
    size_t       closing;         /* in raw: where "</" is in text, plus 1 */
    char         raw[16];         /* the element */
    size_t       name_len;
    char         name[DEBAR_HTML_NAME];   /* of a textarea */
    debar_buf_t  tag;
    debar_buf_t  text;

    debar_html_select_t  select;
} debar_html_t;


static int debar_html_option(debar_node_t *node, debar_str_t value,
    unsigned selected);


static int
debar_html_open(debar_node_t *node)
{
    debar_html_t  *h;

    h = calloc(1, sizeof(debar_html_t));
    if (h == NULL) {
        debar_node_bound(node, DEBAR_PEEL_HELD);
        return DEBAR_ERROR;
    }

    node->state = h;

    return DEBAR_OK;
}


static void
debar_html_free(debar_node_t *node)
{
    debar_html_t  *h = node->state;

    if (h) {
        free(h->tag.data);
        free(h->text.data);
        free(h->select.value.data);
        free(h);
    }
}


size_t
debar_html_entities(char *s, size_t len)
{
    char      out[16];
    size_t    end, i, n, k;
    unsigned  flags, rounds;

    for (i = 0, n = 0; i < len; /* void */) {

        if (s[i] == '&') {
            for (end = i + 1; end < len && end - i < 40
                 && (isalnum((uint8_t) s[end]) || s[end] == '#'); end++)
            {
                /* void */
            }

            end += end < len && s[end] == ';';
            k = debar_text_decode(out, sizeof(out), s + i, end - i, 0, &flags,
                                  &rounds);

            if ((flags & DEBAR_TEXT_DECODED) && k <= end - i) {
                memcpy(s + n, out, k);
                n += k;
                i = end;
                continue;
            }
        }

        s[n++] = s[i++];
    }

    return n;
}


static int
debar_html_text(debar_node_t *node)
{
    int            rc;
    size_t         len, start;
    unsigned       option;
    debar_html_t  *h = node->state;

    option = h->select.text;
    h->select.text = 0;

    if (h->text.len == 0 && !option) {
        h->name_len = 0;
        return DEBAR_OK;
    }

    len = debar_html_entities(h->text.data, h->text.len);

    for (start = 0; start < len && isspace((uint8_t) h->text.data[start]);
         start++) { /* void */ }

    while (len > start && isspace((uint8_t) h->text.data[len - 1])) {
        len--;
    }

    if (option) {
        rc = debar_html_option(node, debar_str(len ? h->text.data + start : "",
                                               len - start), option > 1);

    } else {
        rc = len > start
             ? debar_node_value(node, debar_str(h->name, h->name_len),
                                debar_str(h->text.data + start, len - start))
             : DEBAR_OK;
    }

    h->text.len = 0;
    h->name_len = 0;

    return rc;
}


/* Elements that stand in a line of text. */

static int
debar_html_inline(const char *name, size_t len)
{
    size_t  i;
    static const char  *names[] = {
        "a", "abbr", "b", "bdo", "big", "cite", "code", "em", "font", "i",
        "ins", "mark", "q", "s", "small", "span", "strong", "sub", "sup", "tt",
        "u", "wbr"
    };

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (len == strlen(names[i]) && strncasecmp(name, names[i], len) == 0) {
            return 1;
        }
    }

    return 0;
}


/* The next attribute from *pos on; entities are undone in place. */

static int
debar_html_attribute(debar_buf_t *tag, size_t *pos, debar_str_t *name,
    debar_str_t *value)
{
    char    quote;
    size_t  i, start;
    char   *s = tag->data;

    i = *pos;

    while (i < tag->len && (isspace((uint8_t) s[i]) || s[i] == '/')) {
        i++;
    }

    if (i == tag->len) {
        return 0;
    }

    for (start = i; i < tag->len && !isspace((uint8_t) s[i])
         && (s[i] != '=' || i == start) && s[i] != '/'; i++) { /* void */ }

    *name = debar_str(s + start, i - start);
    *value = debar_str("", 0);

    while (i < tag->len && isspace((uint8_t) s[i])) {
        i++;
    }

    if (i < tag->len && s[i] == '=') {
        for (i++; i < tag->len && isspace((uint8_t) s[i]); i++) { /* void */ }

        quote = i < tag->len && (s[i] == '"' || s[i] == '\'') ? s[i++] : 0;

        for (start = i; i < tag->len
             && (quote ? s[i] != quote : !isspace((uint8_t) s[i])); i++)
        {
            /* void */
        }

        *value = debar_str(s + start, debar_html_entities(s + start,
                                                          i - start));
        i += quote && i < tag->len;
    }

    *pos = i;

    return 1;
}


static int
debar_html_is(debar_str_t s, const char *word)
{
    return s.len == strlen(word) && strncasecmp(s.data, word, s.len) == 0;
}


/* An option of a select with a name: of several that none is chosen of it is
 * the first, which waits for their end. */

static int
debar_html_option(debar_node_t *node, debar_str_t value, unsigned selected)
{
    debar_str_t           name;
    debar_html_t         *h = node->state;
    debar_html_select_t  *s = &h->select;

    name = debar_str("", 0);

    if (selected) {
        s->chosen = 1;
        name = debar_str(s->name, s->name_len);

    } else if (!s->first && !s->chosen && !s->multiple) {
        s->first = 1;

        if (debar_node_hold(node, &s->value, value.data, value.len)
            == DEBAR_OK)
        {
            return DEBAR_OK;
        }
    }

    return value.len ? debar_node_value(node, name, value) : DEBAR_OK;
}


/* No more options. */

static int
debar_html_selected(debar_node_t *node)
{
    int                   rc;
    debar_html_t         *h = node->state;
    debar_html_select_t  *s = &h->select;

    rc = s->value.len
         ? debar_node_value(node,
                            debar_str(s->name, s->chosen ? 0 : s->name_len),
                            debar_str(s->value.data, s->value.len))
         : DEBAR_OK;

    s->chosen = 0;
    s->multiple = 0;
    s->first = 0;
    s->name_len = 0;
    s->value.len = 0;

    return rc;
}


/* What attributes of these elements carry. */

static int
debar_html_element(debar_node_t *node, debar_str_t element, size_t pos)
{
    int            rc;
    unsigned       selected, multiple, valued;
    debar_str_t    name, value, field, content, equiv;
    debar_html_t  *h = node->state;

    field = debar_str("", 0);
    content = field;
    equiv = field;
    rc = DEBAR_OK;
    selected = 0;
    multiple = 0;
    valued = 0;

    while (debar_html_attribute(&h->tag, &pos, &name, &value)) {

        if (debar_html_is(name, "name")) {
            field = value;

        } else if (debar_html_is(name, "value")
                   || debar_html_is(name, "content"))
        {
            content = value;
            valued = 1;

        } else if (debar_html_is(name, "selected")) {
            selected = 1;

        } else if (debar_html_is(name, "multiple")) {
            multiple = 1;

        } else if (debar_html_is(name, "http-equiv")) {
            equiv = value;

        } else if (debar_html_is(name, "action")
                   || debar_html_is(name, "formaction"))
        {
            rc = debar_node_value(node, debar_str("@action", 7), value);

            if (rc != DEBAR_OK) {
                return rc;
            }
        }
    }

    h->name_len = 0;

    if (debar_html_is(element, "textarea")) {
        h->name_len = field.len < DEBAR_HTML_NAME ? field.len
                                                  : DEBAR_HTML_NAME;
        memcpy(h->name, field.len ? field.data : "", h->name_len);
        return DEBAR_OK;
    }

    if (debar_html_is(element, "select")) {
        h->select.multiple = multiple;
        h->select.name_len = field.len < DEBAR_HTML_NAME ? field.len
                                                         : DEBAR_HTML_NAME;
        memcpy(h->select.name, field.len ? field.data : "",
               h->select.name_len);
        return DEBAR_OK;
    }

    if (h->select.name_len && debar_html_is(element, "option")) {
        h->select.text = valued ? 0 : 1 + selected;
        return valued ? debar_html_option(node, content, selected) : DEBAR_OK;
    }

    if (debar_html_is(element, "meta")) {
        if (!debar_html_is(equiv, "refresh")) {
            return DEBAR_OK;
        }

        field = debar_str("@refresh", 8);
    }

    return content.len ? debar_node_value(node, field, content) : DEBAR_OK;
}


static int
debar_html_tag(debar_node_t *node)
{
    int            rc;
    size_t         i, start;
    debar_str_t    element;
    debar_html_t  *h = node->state;

    rc = DEBAR_OK;
    start = h->tag.len && h->tag.data[0] == '/';

    for (i = start; i < h->tag.len && isalnum((uint8_t) h->tag.data[i]); i++) {
        /* void */
    }

    element = debar_str(h->tag.data + start, i - start);
    h->state = DEBAR_HTML_IN_TEXT;

    if (!debar_html_inline(element.data, element.len)) {
        rc = debar_html_text(node);
    }

    if (rc == DEBAR_OK && debar_html_is(element, "select")) {
        rc = debar_html_selected(node);
    }

    if (rc != DEBAR_OK || start) {
        return rc;
    }

    if (debar_html_is(element, "select") || debar_html_is(element, "input")
        || debar_html_is(element, "textarea")
        || debar_html_is(element, "button") || debar_html_is(element, "form")
        || debar_html_is(element, "option") || debar_html_is(element, "meta")
        || debar_html_is(element, "param") || debar_html_is(element, "data"))
    {
        rc = debar_html_element(node, element, i);
    }

    if (debar_html_is(element, "script") || debar_html_is(element, "style")
        || debar_html_is(element, "textarea"))
    {
        h->state = DEBAR_HTML_IN_RAW;
        h->closing = 0;
        memcpy(h->raw, element.data, element.len);
        h->raw[element.len] = '\0';

        if (h->name_len == 0) {
            h->name_len = element.len;
            memcpy(h->name, element.data, element.len);
        }
    }

    return rc;
}


/* A run of text; blanks in it are one. */

static int
debar_html_char(debar_node_t *node, char ch)
{
    debar_html_t  *h = node->state;

    if (isspace((uint8_t) ch) && h->text.len
        && h->text.data[h->text.len - 1] == ' ')
    {
        return DEBAR_OK;
    }

    ch = isspace((uint8_t) ch) ? ' ' : ch;

    if (debar_node_hold(node, &h->text, &ch, 1) != DEBAR_OK) {
        return debar_html_text(node);
    }

    return h->text.len >= DEBAR_HTML_TEXT && ch == ' ' ? debar_html_text(node)
                                                       : DEBAR_OK;
}


/* "</name" ends raw text. */

static int
debar_html_raw(debar_node_t *node, char ch)
{
    size_t         n;
    debar_html_t  *h = node->state;

    if (h->closing && ch == '>') {
        n = h->text.len - h->closing + 1;

        if (n >= strlen(h->raw) + 2
            && strncasecmp(h->text.data + h->closing + 1, h->raw,
                           strlen(h->raw)) == 0)
        {
            h->text.len = h->closing - 1;
            h->state = DEBAR_HTML_IN_TEXT;
            return debar_html_text(node);
        }

        h->closing = 0;
    }

    if (debar_node_hold(node, &h->text, &ch, 1) != DEBAR_OK) {
        h->closing = 0;
        return debar_html_text(node);
    }

    if (ch == '/' && h->text.len > 1 && h->text.data[h->text.len - 2] == '<') {
        h->closing = h->text.len - 1;
    }

    return DEBAR_OK;
}


static int
debar_html_step(debar_node_t *node, char ch)
{
    debar_html_t  *h = node->state;

    switch (h->state) {

    case DEBAR_HTML_IN_TEXT:
        if (ch == '<') {
            h->state = DEBAR_HTML_IN_OPEN;
            return DEBAR_OK;
        }

        return debar_html_char(node, ch);

    case DEBAR_HTML_IN_OPEN:
        if (!isalpha((uint8_t) ch) && ch != '/' && ch != '!' && ch != '?') {
            h->state = DEBAR_HTML_IN_TEXT;
            (void) debar_html_char(node, '<');
            return ch == '<' ? debar_html_step(node, ch)
                             : debar_html_char(node, ch);
        }

        h->state = DEBAR_HTML_IN_TAG;
        h->tag.len = 0;
        h->equals = 0;

        /* fall through */

    case DEBAR_HTML_IN_TAG:
        if (ch == '>') {
            return debar_html_tag(node);
        }

        if (h->equals && (ch == '"' || ch == '\'')) {
            h->quote = ch;
            h->state = DEBAR_HTML_IN_QUOTES;
        }

        h->equals = ch == '=' || (h->equals && isspace((uint8_t) ch));

        if (debar_node_hold(node, &h->tag, &ch, 1) != DEBAR_OK) {
            return debar_html_tag(node);
        }

        if (h->tag.len == 3 && memcmp(h->tag.data, "!--", 3) == 0) {
            h->state = DEBAR_HTML_IN_COMMENT;
            h->dashes = 2;
        }

        return DEBAR_OK;

    case DEBAR_HTML_IN_QUOTES:
        if (ch == h->quote) {
            h->state = DEBAR_HTML_IN_TAG;
            h->equals = 0;
        }

        return debar_node_hold(node, &h->tag, &ch, 1) == DEBAR_OK
               ? DEBAR_OK : debar_html_tag(node);

    case DEBAR_HTML_IN_COMMENT:
        if (ch == '>' && h->dashes >= 2) {
            h->state = DEBAR_HTML_IN_TEXT;
        }

        h->dashes = ch == '-' ? h->dashes + 1 : 0;
        return DEBAR_OK;
    }

    return debar_html_raw(node, ch);
}


static int
debar_html_push(debar_node_t *node, const char *data, size_t len)
{
    int     rc;
    size_t  i;

    for (i = 0; i < len; i++) {
        rc = debar_html_step(node, data[i]);

        if (rc != DEBAR_OK) {
            return rc;
        }
    }

    return DEBAR_OK;
}


/* A tag that has no end is read as far as it goes. */

static int
debar_html_finish(debar_node_t *node)
{
    int            rc;
    debar_html_t  *h = node->state;

    rc = DEBAR_OK;

    if (h->state == DEBAR_HTML_IN_TAG || h->state == DEBAR_HTML_IN_QUOTES) {
        rc = debar_html_tag(node);
    }

    rc = rc == DEBAR_OK ? debar_html_text(node) : rc;

    return rc == DEBAR_OK ? debar_html_selected(node) : rc;
}


/* --- references alone ---------------------------------------------------- */

/* A document whose markup was written as references: a value, read whole. */

static int
debar_entities_push(debar_node_t *node, const char *data, size_t len)
{
    debar_html_t  *h = node->state;

    return debar_node_hold(node, &h->text, data, len);
}


static int
debar_entities_finish(debar_node_t *node)
{
    int                  rc;
    debar_html_t        *h = node->state;
    debar_node_t        *child;
    debar_peel_input_t   in;

    if (h->text.len == 0) {
        return DEBAR_OK;
    }

    debar_peel_inner(node, &in);
    in.utf8 = 1;

    rc = debar_node_child(node, debar_str("", 0), &in, &child);

    if (rc == DEBAR_OK) {
        rc = debar_child_push(child, h->text.data,
                              debar_html_entities(h->text.data, h->text.len));
    }

    return rc == DEBAR_OK ? debar_child_finish(child) : rc;
}


const debar_reader_t  debar_reader_entities = {
    DEBAR_SYNTAX_ENCODING, "entities", debar_html_open, debar_entities_push,
    debar_entities_finish, debar_html_free
};

const debar_reader_t  debar_reader_html = {
    DEBAR_SYNTAX_HTML, "html", debar_html_open, debar_html_push,
    debar_html_finish, debar_html_free
};
