/*
 * GraphQL: arguments of fields, whatever stands around them.
 */

#include "peel_told.h"

#define GRAPHQL  "application/graphql"


int
main(void)
{
    double    t;
    unsigned  bounds;

    peeled(GRAPHQL, "mutation { addToCart(sku: \"A1\", qty: 2) { cart { id } } }",
           "<graphql>{mutation{addToCart{sku=A1;qty=2;cart{}}}}", 0,
           "arguments are values of their names");
    peeled(GRAPHQL, "mutation Add($id: ID!, $l: [Line!]! = [{sku: \"A1\"}], "
           "$n: Int = 3 @d(v: 4)) { a: add(id: $id, lines: $l) @skip(if: true) { id } b }",
           "<graphql>{operationName=Add;mutation{l{{sku=A1;}}n=3;v=4;add{id=$id;lines=$l;if=true;}}}",
           0, "variables and their defaults, an alias, a directive");
    peeled(GRAPHQL, "{ a(l: [1, [-2.5e3, ENUM], {x: {y: null}}], o: {}) }",
           "<graphql>{query{a{l{=1;{=-2.5e3;=ENUM;}{x{y=null;}}}o{}}}}", 0,
           "lists and objects");
    peeled(GRAPHQL, "query{a(s:\"\\u0052\\u{6f}cket \\ud83d\\ude00 \\\"\\n\\q\","
           "b:\"\"\"two \"lines\"\n\\\"\"\" \\x\"\"\")}",
           "<graphql>{query{a{s=Rocket \xF0\x9F\x98\x80 \"\nq;"
           "b=two \"lines\"\n\"\"\" \\x;}}}", 0, "strings");
    peeled(GRAPHQL, "# {\nfragment F on Cart @d(a: 1) { items(first: 2) } "
           "query Q { ...F ... on Cart { b(c: 3) } ...@include(if: true) "
           "{ d(e: 4) } }",
           "<graphql>{fragment{a=1;items{first=2;}}query{b{c=3;}if=true;"
           "d{e=4;}}}", 0, "fragments, comments");
    peeled(GRAPHQL, "mutation{a(x:1)} query{b(y:2)}",
           "<graphql>{mutation{a{x=1;}}query{b{y=2;}}}", 0, "two operations");

    told("application/json", "{\"query\":\"mutation{add(sku:\\\"A1\\\"){id}}\","
         "\"variables\":{\"n\":1}}", 0, "a request in JSON",
         "mutation{add{sku=A1;}}", "n=1;");
    told(GRAPHQL, "mutation { add(sku: \"Rocket skates", DEBAR_PEEL_BROKEN,
         "one that is cut off", "sku=Rocket skates;");
    told(GRAPHQL, "mutation { add(sku: \"A1\") ] rocket", DEBAR_PEEL_BROKEN,
         "one that breaks", "sku=A1;", "rocket");

    t = peeled_long(GRAPHQL, "{a(b:", "[", 1 << 20, 1400, &bounds);
    ok((bounds & DEBAR_PEEL_NESTING) && t < 5, "a million of lists: %.2f s", t);

    t = peeled_long(GRAPHQL, "{", "a{", 1 << 20, 1400, &bounds);
    ok((bounds & DEBAR_PEEL_NESTING) && t < 5, "... of fields: %.2f s", t);

    t = peeled_long(GRAPHQL, "{a(b:\"\"\"", "\\\"\"\"", 1 << 20, 1400, &bounds);
    ok(t < 5, "... of quotes: %.2f s", t);

    return done();
}
