#!/bin/sh
# `make sanitize VALGRIND=1`: the tests in which connections end in every way,
# with every process of the gateway's nginx under valgrind.  Any error, and any
# memory that is definitely lost, fails.
#
#   valgrind.sh BUILD TEST...

set -eu

top=$PWD
case $1 in /*) build=$1 ;; *) build=$top/$1 ;; esac
shift

if ! command -v valgrind > /dev/null; then
    echo "sanitize: valgrind is not installed (package valgrind)" >&2
    exit 1
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/debar-valgrind-XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
mkdir "$work/report"
chmod 755 "$work"
chmod 1777 "$work/report"

cat > "$work/nginx" <<EOF
#!/bin/sh
exec valgrind -q --vgdb=no --trace-children=yes --num-callers=30 \\
    --keep-debuginfo=yes \\
    --leak-check=full --show-leak-kinds=definite \\
    --errors-for-leak-kinds=definite --log-file='$work/report/%p' \\
    --suppressions='$top/t/soak/valgrind.supp' \\
    '${DEBAR_NGINX:-/usr/sbin/nginx}' "\$@"
EOF
chmod 755 "$work/nginx"

export DEBAR_BUILD="$build" DEBAR_NGINX="$work/nginx" DEBAR_VALGRIND=1

status=0
prove ${PROVE:-} "$@" || status=1

seen=$(find "$work/report" -type f -size +0)

if [ -z "$(ls "$work/report")" ]; then
    echo "sanitize: nothing ran under valgrind" >&2
    status=1
elif [ -n "$seen" ]; then
    keep=$build/valgrind
    rm -rf "$keep"
    cp -R "$work/report" "$keep"
    find "$keep" -type f -size 0 -delete
    cat "$keep"/* | head -n 200
    echo "sanitize: $(echo "$seen" | wc -l) reports, kept in $keep" >&2
    status=1
else
    echo "sanitize: no report"
fi

exit $status
