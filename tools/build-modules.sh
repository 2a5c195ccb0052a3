#!/bin/sh
# Builds both modules against Debian's nginx-dev tree (or another source tree):
#   build-modules.sh BUILD SOURCE
# Objects go below BUILD.  Debian's tree is left as it was; in another one
# nginx's configure writes a Makefile at the top.

set -eu

top=$PWD
case $1 in /*) build=$1 ;; *) build=$top/$1 ;; esac
src=$2
log=$build/modules.log

mkdir -p "$build"

case $top$build$src in
    *[[:space:]]*)
        echo "build-modules: nginx's configure takes no path with a space:" \
            "move this folder, $top" >&2
        exit 1
        ;;
esac

# A released tree has configure at its top, a checkout below auto/.

if [ -x "$src/configure" ]; then
    configure=./configure
elif [ -x "$src/auto/configure" ]; then
    configure=auto/configure
else
    echo "build-modules: $src has no nginx source: run 'make deps'" \
        "(package nginx-dev), or name another with NGINX_SRC=" >&2
    exit 1
fi

# conf_flags is bash: an array with Debian's own options.  It has no stream
# flag; --with-stream as a plain flag gives the signature of Debian's binary.
# Modules of a plain tree can look into TLS, and so want a binary that has the
# same modules; DEBAR_CONFIGURE replaces these options, by nothing too.

if [ -f "$src/conf_flags" ]; then
    flags='. ./conf_flags; set -- "${NGX_CONF_FLAGS[@]}"'
else
    flags='set -- --with-compat'
    : "${DEBAR_CONFIGURE=--with-http_ssl_module --with-http_v2_module}"
fi

# CFLAGS= on our make's command line would replace nginx's own flags in its
# makefile, by MAKEFLAGS: -D_GNU_SOURCE among them.  DEBAR_CC_OPT adds to them,
# DEBAR_LD_OPT to the linker's, DEBAR_CONFIGURE to the options of configure.

unset MAKEFLAGS MFLAGS MAKEOVERRIDES

# configure takes longer than make: only where what it looks at has changed.

state=$(cd "$top" && { echo "$src $build ${DEBAR_CC_OPT:-} ${DEBAR_LD_OPT:-}" \
    "${DEBAR_CONFIGURE:-}"
    ls "$src" blocklist ngx_module; cat config tools/build-modules.sh; } \
    | cksum)

if [ "$(cat "$build/nginx/debar.state" 2>/dev/null)" = "$state" ]; then
    configured=true
else
    configured=false
    rm -f "$build/nginx/debar.state"
fi

if ! bash -c "set -eu; cd '$src'; $flags
    $configured || { $configure \"\$@\" \
        --with-stream --with-stream_ssl_module \
        ${DEBAR_CONFIGURE:-} --add-dynamic-module='$top' --builddir='$build/nginx' \
        --with-cc-opt='-g -O2 -fPIC -D_GNU_SOURCE ${DEBAR_CC_OPT:-}' \
        ${DEBAR_LD_OPT:+--with-ld-opt='$DEBAR_LD_OPT'} \
        && echo '$state' > '$build/nginx/debar.state'; }
    make -f '$build/nginx/Makefile' -j\$(nproc) modules" > "$log" 2>&1
then
    tail -n 40 "$log" >&2
    echo "build-modules: failed; the whole log is in $log" >&2
    exit 1
fi

# Under a new inode: a gateway that runs has the old file mapped.

install -m 755 "$build/nginx/ngx_http_debar_module.so" \
    "$build/nginx/ngx_stream_debar_module.so" "$build/"
