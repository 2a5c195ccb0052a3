/*
 * debar list set: one value of a source changed.
 */

#include <errno.h>
#include <stdlib.h>

#include "list_edit.h"


static int debar_list_set_edit(debar_list_edit_t *le);


static const char  debar_set_help[] =
    "usage: debar list set SOURCE KEY VALUE             of list.yaml\n"
    "       debar list set SOURCE VENDOR[/PRODUCT] KEY VALUE\n"
    "       debar list set SOURCE waivers/ID KEY VALUE\n"
    "       debar list set SOURCE [VENDOR] KEY --unset\n"
    "\n"
    "Changes one value: \"set SOURCE serial +1\", \"set SOURCE expires\n"
    "2027-06-30\", \"set SOURCE acme authorities far-52.204-23,ndaa-1634\".  A\n"
    "value inside another is named with \"/\": authorities/ID/title.\n"
    "\n"
    "      --unset                take the key out\n"
    "  -n, --dry-run              print the change as a diff, write nothing\n"
    "      --json                 say the outcome as one JSON object\n"
    "  -q, --quiet                say nothing but errors\n"
    "  -h, --help                 this text\n"
    "\n"
    "Exit: 0 done, 1 not done (stderr says why), 2 usage.\n";


int
debar_list_set(int argc, char **argv)
{
    int                 rc;
    debar_list_edit_t   le;

    memset(&le, 0, sizeof(le));
    le.command = "debar list set";
    le.what = DEBAR_SET;

    rc = debar_list_edit_options(&le, debar_set_help, argc, argv);

    if (rc != -1) {
        return rc;
    }

    if (le.nargs + (int) le.unset < 3 || le.nargs + (int) le.unset > 4) {
        return debar_usage(le.command, "name SOURCE [VENDOR] KEY %s",
                           le.unset ? "--unset" : "VALUE");
    }

    return debar_list_edit_run(&le, debar_list_set_edit);
}


static const char *const  debar_list_order[] = {
    "title", "publisher", "timezone", "serial", "expires", "in-force",
    "channels", "keep-open", "authorities", NULL
};


/* The value of a key as it will stand in YAML. */

static int
debar_list_set_value(debar_buf_t *b, const debar_edit_node_t *now,
    const char *key, const char *value, debar_fault_t *why)
{
    int                       list;
    char                     *end;
    size_t                    n;
    unsigned                  typed;
    unsigned long long        number;
    static const char *const  lists[] = {
        "authorities", "in-force", "keep-open", "products", "users", "clients",
        "orders", "urls", "activities"
    };

    list = now && now->type == DEBAR_EDIT_LIST;

    for (n = 0; now == NULL && n < sizeof(lists) / sizeof(lists[0]); n++) {
        list |= strcmp(key, lists[n]) == 0;
    }

    typed = strcmp(key, "serial") == 0 || strcmp(key, "expires") == 0
            || strcmp(key, "from") == 0 || strcmp(key, "until") == 0
            || strcmp(key, "subdomains") == 0;

    if (now && now->type == DEBAR_EDIT_MAP) {
        debar_fault(why, "\"%s\" holds more than one value: name the one that "
                    "is meant with \"/\"", key);
        return DEBAR_ERROR;
    }

    if (strcmp(key, "serial") == 0 && value[0] == '+') {
        if (now == NULL || now->type != DEBAR_EDIT_SCALAR) {
            debar_fault(why, "there is no serial to add to");
            return DEBAR_ERROR;
        }

        errno = 0;
        number = strtoull(now->text, &end, 10);

        if (errno || *end || number > (1ull << 62)) {
            debar_fault(why, "serial %.32s is no number", now->text);
            return DEBAR_ERROR;
        }

        n = strtoull(value + 1, &end, 10);

        if (*end || n == 0 || n > 1000000) {
            debar_fault(why, "\"%.32s\" is not +1", value);
            return DEBAR_ERROR;
        }

        debar_buf_printf(b, "%llu", number + n);

    } else if (list) {
        debar_buf_add(b, "[", 1);

        for (/* void */; *value; value += n + (value[n] == ',')) {
            while (*value == ' ') {
                value++;
            }

            n = strcspn(value, ",");

            if (n) {
                debar_buf_printf(b, "%s", b->len > 1 ? ", " : "");
                debar_edit_quote(b, value, n, 0);
            }
        }

        debar_buf_add(b, "]", 1);

    } else {
        debar_edit_quote(b, value, strlen(value), typed);
    }

    debar_buf_add(b, "", 1);

    return DEBAR_OK;
}


/* Down to the map that has the key: "authorities/far-52.204-23/title".  *key:
 * the last part. */

static debar_edit_node_t *
debar_list_set_map(debar_edit_node_t *map, char *path, char **key,
    debar_fault_t *why)
{
    char               *slash;
    size_t              i;
    debar_edit_node_t  *next, *id;

    *key = path;

    while (map && (slash = strchr(*key, '/')) != NULL) {
        *slash = '\0';
        next = debar_edit_get(map, *key);

        for (i = 0; map->type == DEBAR_EDIT_LIST && i < map->n; i++) {
            id = debar_edit_get(map->items[i], "id");

            if (id && id->type == DEBAR_EDIT_SCALAR
                && strcmp(id->text, *key) == 0)
            {
                next = map->items[i];
            }
        }

        if (next == NULL) {
            debar_fault(why, "there is no \"%s\" here", *key);
        }

        map = next;
        *key = slash + 1;
    }

    return map;
}


static int
debar_list_set_edit(debar_list_edit_t *le)
{
    int                 rc, k;
    char               *key, *path;
    const char         *value;
    debar_buf_t         b;
    debar_edit_t       *e;
    debar_fault_t       why;
    debar_place_t       p;
    debar_edit_node_t  *map, *node;

    k = le->nargs + (int) le->unset == 4 ? 2 : 1;
    memset(&p, 0, sizeof(p));
    snprintf(p.file, sizeof(p.file), "list.yaml");
    value = le->unset ? "" : le->args[k + 1];

    if (k == 2 && strncmp(le->args[1], "waivers/", 8) == 0) {
        snprintf(p.file, sizeof(p.file), "waivers.yaml");

    } else if (k == 2 && debar_list_place(le, le->args[1], &p) != DEBAR_OK) {
        return DEBAR_EXIT_FAILURE;
    }

    e = debar_list_edit_file(le, p.file);

    if (e == NULL) {
        return DEBAR_EXIT_FAILURE;
    }

    if (asprintf(&path, "%s%s%s",
                 strcmp(p.file, "waivers.yaml") == 0 ? le->args[1] : "",
                 strcmp(p.file, "waivers.yaml") == 0 ? "/" : "", le->args[k])
        == -1)
    {
        abort();
    }

    map = debar_edit_entry(e, p.product, &why);
    map = map ? debar_list_set_map(map, path, &key, &why) : NULL;
    node = map ? debar_edit_get(map, key) : NULL;

    memset(&b, 0, sizeof(b));
    rc = map ? DEBAR_OK : DEBAR_ERROR;

    if (rc == DEBAR_OK && le->unset) {
        rc = debar_edit_unset(e, map, key, &why);

    } else if (rc == DEBAR_OK) {
        rc = debar_list_set_value(&b, node, key, value, &why);
    }

    if (rc == DEBAR_OK && !le->unset) {
        rc = node ? debar_edit_replace(e, node, b.data, &why)
                  : debar_edit_key(e, map, key, b.data, 0, le->row.comment,
                                   k == 1 ? debar_list_order
                                          : debar_edit_order(), &why);
    }

    if (rc == DEBAR_OK) {
        debar_list_told(le, p.file, node ? node->line : 0,
                        le->unset ? "taken out" : "set", le->unset
                        ? le->args[k] : b.data);
    }

    debar_buf_free(&b);
    free(path);

    return debar_list_edit_done(le, p.file, e, rc, &why);
}
