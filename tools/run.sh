#!/bin/sh
# make run: a gateway on the shipped list, with an internet of its own on
# loopback (a DNS server that answers every name with 127.0.0.1, an origin that
# answers every request), sample requests through it, and what came of them.
# make stop: ends all of it.  State is in ./run, by pid files.

set -eu

cd "$(dirname "$0")/.."

build=${BUILD:-build}
run=$PWD/run
port=${PORT:-3128}
debar=$build/debar

PATH=$PATH:/usr/sbin:/sbin


# A process that we started, and no other that got its number since.

end() {
    [ -s "$1" ] || return 0
    pid=$(cat "$1")

    if tr '\0' ' ' < "/proc/$pid/cmdline" 2> /dev/null | grep -qF "$run"; then
        kill "$pid" 2> /dev/null || true

        for _ in 1 2 3 4 5 6 7 8 9 10; do
            kill -0 "$pid" 2> /dev/null || break
            sleep 0.1
        done
    fi

    rm -f "$1"
}


stop() {
    end "$run/gateway/run/nginx.pid"
    end "$run/origin/nginx.pid"
    end "$run/dns.pid"
}


start_dns() {
    dns=$(perl tools/samples/port.pl)

    dnsmasq --conf-file=/dev/null --no-hosts --no-resolv \
        --listen-address=127.0.0.1 --bind-interfaces --port="$dns" \
        --address=/#/127.0.0.1 --local=/#/ \
        --user="$(id -un)" --pid-file="$run/dns.pid" --log-facility="$run/dns.log"
}


# Stands in for every origin.  On port 80 if it can be had: then URLs need none.

start_origin() {
    origin=$(perl tools/samples/port.pl 80)
    mkdir -p "$run/origin"

    cat > "$run/origin/nginx.conf" << END
worker_processes 1;
pid "$run/origin/nginx.pid";
error_log "$run/origin/error.log" warn;
events {}
http {
    access_log off;
    client_body_temp_path "$run/origin/body";
    proxy_temp_path "$run/origin/proxy";
    fastcgi_temp_path "$run/origin/fastcgi";
    uwsgi_temp_path "$run/origin/uwsgi";
    scgi_temp_path "$run/origin/scgi";
    server {
        listen 127.0.0.1:$origin;
        default_type text/plain;
        return 200 "The origin that stands in for \$host was asked for \$request_uri.\n";
    }
}
END
    nginx -e "$run/origin/error.log" -p "$run/origin" \
        -c "$run/origin/nginx.conf"
}


start() {
    stop
    mkdir -p "$run"

    start_dns
    start_origin

    "$debar" gateway init "$run/gateway" --force \
        --list blocklist/lists/federal \
        --listen "127.0.0.1:$port" --resolver "127.0.0.1:$dns" \
        --allow-destination 127.0.0.0/8 > /dev/null
    "$debar" gateway start "$run/gateway"

    echo
    perl tools/samples/send.pl "127.0.0.1:$port" "$origin" \
        "$run/gateway/audit/audit.jsonl" tools/samples/requests.jsonl

    suffix=
    [ "$origin" = 80 ] || suffix=:$origin

    cat << END

The gateway goes on listening on 127.0.0.1:$port; every name leads to the local
origin.  By hand:

    curl -i -x http://127.0.0.1:$port http://www.cisa.gov$suffix/
    curl -i -x http://127.0.0.1:$port http://products.s.kaspersky-labs.com$suffix/startup.exe
    curl -i -x http://127.0.0.1:$port -H 'Accept: application/json' \\
        'http://www.example-reseller.com$suffix/cart/add?part=KL4541XCKFS'

    $debar check --list run/gateway/list.mdb \\
        'http://www.example-reseller.com/cart/add?part=KL4541XCKFS'
    $debar gateway status run/gateway
    tail -f run/gateway/audit/audit.jsonl

make stop ends it.
END
}


case ${1:-} in
    start)
        trap 'rc=$?; [ $rc = 0 ] || stop' EXIT
        start
        ;;
    stop)
        stop
        ;;
    *)
        echo "usage: run.sh start|stop" >&2
        exit 2
        ;;
esac
