#!/bin/sh
# `make sanitize`: nginx, both modules and the command under AddressSanitizer
# (with leaks at exit) and UndefinedBehaviorSanitizer, and the tests in which
# connections end in every way run on them.  Any report fails.
#
#   sanitize.sh BUILD SOURCE TEST...
#
# SOURCE is nginx's own tree as released, or a checkout; it is copied.  Pools
# give each allocation memory of its own (NGX_DEBUG_PALLOC), so that a byte
# behind one is seen too.  libcrypt is linked by force: ASan's crypt_r, which
# the linker finds first, calls the one behind it.  Modules stay mapped at the
# end, so that a leak shows where it was allocated.  nginx itself is not searched for undefined behaviour:
# its string functions take NULL with length 0.

set -eu

top=$PWD
case $1 in /*) build=$1 ;; *) build=$top/$1 ;; esac
src=$2
shift 2

san=$build/sanitize
all=-fsanitize=address,undefined

# gcc warns of what is not there once sanitizers are in; the build proper has these warnings.

cc="-O1 -g -fno-omit-frame-pointer -Wno-format-truncation"
cc="$cc -Wno-format-overflow -Wno-maybe-uninitialized"

if [ -x "$src/configure" ]; then
    configure=./configure
elif [ -x "$src/auto/configure" ] && [ ! -f "$src/conf_flags" ]; then
    configure=auto/configure
else
    echo "sanitize: name a released tree of nginx: make sanitize" \
        "NGINX_SRC=/path/of/nginx-1.22.1 (not $src)" >&2
    exit 1
fi

mkdir -p "$san"
stamp=$san/of
now="$(cd "$src" && pwd) $(cat t/soak/options.c t/soak/sanitize.sh | cksum)"

if [ ! -x "$san/nginx" ] || [ "$(cat "$stamp" 2>/dev/null)" != "$now" ]; then
    echo "sanitize: building nginx of $src (log: $san/nginx.log)"
    rm -rf "$san/src"
    cp -R "$src" "$san/src"
    ${CC:-cc} -O1 -g -D_GNU_SOURCE -c -o "$san/options.o" t/soak/options.c
    (
        unset MAKEFLAGS MFLAGS MAKEOVERRIDES
        cd "$san/src"
        $configure --with-compat --with-threads --with-stream \
            --with-stream_ssl_module --with-http_ssl_module \
            --with-http_v2_module \
            --with-cc-opt="$cc -fsanitize=address -DNGX_DEBUG_PALLOC=1" \
            --with-ld-opt="$all $san/options.o -Wl,--no-as-needed -lcrypt"
        make -j2
    ) > "$san/nginx.log" 2>&1 || {
        tail -n 20 "$san/nginx.log" >&2
        exit 1
    }
    cp "$san/src/objs/nginx" "$san/nginx"
    echo "$now" > "$stamp"
fi

echo "sanitize: building Debar"
DEBAR_CC_OPT="$cc $all -DNGX_DEBUG_PALLOC=1" \
    DEBAR_LD_OPT="$all -Wl,-z,nodelete" \
    make --no-print-directory BUILD="$san/build" NGINX_SRC="$san/src" \
    CFLAGS="$cc $all" all > "$san/debar.log" 2>&1 || {
        tail -n 20 "$san/debar.log" >&2
        exit 1
    }

# Reports of workers, which run as another user, and what a binary after an
# upgrade says: nginx has no environment for it, so it goes to the error log.

work=$(mktemp -d "${TMPDIR:-/tmp}/debar-sanitize-XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
mkdir "$work/report" "$work/tmp"
chmod 755 "$work"
chmod 1777 "$work/report" "$work/tmp"

export ASAN_OPTIONS="log_path=$work/report/asan"
export LSAN_OPTIONS="print_suppressions=0:exitcode=0"
export UBSAN_OPTIONS="log_path=$work/report/ubsan:print_stacktrace=1"
export DEBAR_NGINX="$san/nginx" DEBAR_BUILD="$san/build"
export DEBAR_TEST_KEEP=1 TMPDIR="$work/tmp"

status=0
prove ${PROVE:-} "$@" || status=1

# A file of its own may also hold a remark: "Unable to get registers from
# thread", of a process that ends while it is looked through.

seen=$(grep -rlE 'ERROR: |runtime error: ' "$work/report" || :
       grep -rlE --include='*.log' --include='*.out' \
           'ERROR: (Address|Leak)Sanitizer|runtime error: ' "$work/tmp" || :)

if [ -n "$seen" ]; then
    keep=$san/reports
    rm -rf "$keep"
    mkdir -p "$keep"
    for f in $seen; do
        cp "$f" "$keep/$(echo "${f#"$work"/}" | tr / -)"
    done
    cat "$keep"/* | head -n 200
    echo "sanitize: $(echo "$seen" | wc -l) reports, kept in $keep" >&2
    status=1
else
    echo "sanitize: no report"
fi

exit $status
