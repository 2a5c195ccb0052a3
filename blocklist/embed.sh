#!/bin/sh
#
# embed.sh FOLDER: the channel files of FOLDER as C on standard output, sorted
# by name, for debar_shipped_channels[] of source.h.

set -eu
LC_ALL=C
export LC_ALL

dir=$1
n=0
table=

printf '/* Made by blocklist/embed.sh. */\n\n#include "source.h"\n\n'

for file in "$dir"/*.yaml; do
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
        { for (i = 1; i <= NF; i++) printf "%s(char) %s,", (i > 1 ? " " : "    "), $i
          print "" }'

    # The last byte keeps an empty file from being an empty array.

    printf '    0\n};\n'

    table="$table    { \"channels/$name\", shipped_$n, sizeof(shipped_$n) - 1 },
"
    n=$((n + 1))
done

printf '\n\nconst debar_shipped_t  debar_shipped_channels[] = {\n%s' "$table"
printf '    { NULL, NULL, 0 }\n};\n'
