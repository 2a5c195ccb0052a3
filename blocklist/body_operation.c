/*
 * What a body says that it does, where a form would say so in a field: the name
 * of an operation (GraphQL, JSON-RPC, XML-RPC, SignalR), an event of Socket.IO,
 * the arguments of a call.  The names of such members are data ("operations"
 * of channels/); what they mean is said by recipes, as of pairs of a form.
 */

#include "judge_private.h"
#include "body_private.h"


/* An operation's name is a word to machines. */

static int
debar_operation_value(debar_str_t s)
{
    size_t  i;

    if (s.len < 2 || s.len > DEBAR_OPERATION) {
        return 0;
    }

    for (i = 0; i < s.len; i++) {
        if (!((s.data[i] | 0x20) >= 'a' && (s.data[i] | 0x20) <= 'z')
            && !(s.data[i] >= '0' && s.data[i] <= '9')
            && strchr("_.:/$-#@", s.data[i]) == NULL)
        {
            return 0;
        }
    }

    return 1;
}


/* The last name on the way, without its number; an array that is the whole of
 * a document holds arguments. */

static debar_str_t
debar_operation_last(const char *path)
{
    size_t       len, from;
    const char  *p;

    len = strlen(path);

    while (len && path[len - 1] == ']') {
        for (p = path + len - 1; p > path && *p != '['; p--) { /* void */ }

        len = p - path;
    }

    for (from = len;
         from && path[from - 1] != '/' && path[from - 1] != ':';
         from--) { /* void */ }

    return from == len ? debar_str("args", 4)
                       : debar_str(path + from, len - from);
}


/* A field of a mutation: "graphql:mutation/addToCart". */

static int
debar_operation_mutation(const debar_peel_event_t *ev)
{
    size_t       n;
    const char  *p;

    static const char  mutation[] = "graphql:mutation/";

    p = strstr(ev->path, mutation);

    if (p == NULL) {
        return 0;
    }

    p += sizeof(mutation) - 1;
    n = strcspn(p, "/");

    return p[n] == '\0' && n >= ev->name.len
           && memcmp(p, ev->name.data, ev->name.len) == 0;
}


int
debar_body_operation(debar_list_t *list, const debar_peel_event_t *ev,
    debar_str_t *name, debar_str_t *value)
{
    char    word[DEBAR_MAX_WORD];
    size_t  n;

    if (ev->event == DEBAR_PEEL_BEGIN) {

        if (ev->syntax != DEBAR_SYNTAX_GRAPHQL || ev->name.len == 0
            || ev->name.len > DEBAR_OPERATION
            || !debar_operation_mutation(ev))
        {
            return DEBAR_DECLINED;
        }

        *name = debar_str("operationName", 13);
        *value = ev->name;

        return DEBAR_OK;
    }

    if ((ev->syntax != DEBAR_SYNTAX_JSON && ev->syntax != DEBAR_SYNTAX_XML
         && ev->syntax != DEBAR_SYNTAX_GRAPHQL)
        || !debar_operation_value(ev->value))
    {
        return DEBAR_DECLINED;
    }

    *name = ev->name.len ? ev->name : debar_operation_last(ev->path);
    *value = ev->value;

    n = debar_field_name(word, sizeof(word), *name);

    return debar_word(list, DEBAR_WORD_OPERATION, word, n) ? DEBAR_OK
                                                           : DEBAR_DECLINED;
}
