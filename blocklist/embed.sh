#!/bin/sh
#
# embed.sh CHANNELS GUARD: the channel files of a folder and the tables of the
# guard rails as C on standard output, sorted by name, for
# debar_shipped_channels[] of source.h and debar_shipped_guard[] of guard.h.

set -eu
LC_ALL=C
export LC_ALL

n=0

# embed NAME PREFIX FILE...: one table.

embed() {
    to=$1
    prefix=$2
    table=
    shift 2

    for file in "$@"; do
        [ -f "$file" ] || continue

        name=${file##*/}

        case $name in
            *[!A-Za-z0-9._-]*)
                echo "embed.sh: $file: letters, digits, '.', '_', '-' only" >&2
                exit 1
                ;;
        esac

        printf '\nstatic const char  shipped_%d[] = {\n' "$n"

        od -An -v -tu1 "$file" | awk '
            { for (i = 1; i <= NF; i++)
                  printf "%s(char) %s,", (i > 1 ? " " : "    "), $i
              print "" }'

        # The last byte keeps an empty file from being an empty array.

        printf '    0\n};\n'

        table="$table    { \"$prefix$name\", shipped_$n, sizeof(shipped_$n) - 1 },
"
        n=$((n + 1))
    done

    printf '\n\nconst debar_shipped_t  %s[] = {\n%s' "$to" "$table"
    printf '    { NULL, NULL, 0 }\n};\n'
}

printf '/* Made by blocklist/embed.sh. */\n\n#include "guard.h"\n\n'

embed debar_shipped_channels channels/ "$1"/*.yaml
embed debar_shipped_guard "" "$2"/*.txt
