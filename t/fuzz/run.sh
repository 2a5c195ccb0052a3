#!/bin/sh

# Runs fuzz targets one after the other, each with its own corpus, seeds and
# dictionary, and prints a line of each: executions, edges, inputs kept, faults.
#
#   t/fuzz/run.sh BUILD SECONDS [TARGET ...]     "peel-json", "body", ...
#
# A fault's input stays in BUILD/t/fuzz/faults; status 1: there was one.

set -u

dir=$(dirname "$0")
bin=$1/t/fuzz
seconds=$2
shift 2

# peel.c is a target for each decoder and reader, by the name it is called by

kinds=$(sed -n 's/^    { "\([a-z0-9]*\)",.*/peel-\1/p' "$dir/peel.c")

for kind in $kinds; do
    ln -sf peel "$bin/$kind"
done

if [ $# = 0 ]; then
    set -- $(ls "$dir" | sed -n 's/\.c$//p' | sed '/^peel$/d') $kinds
fi

# what a library asks for beyond that it does not get, as in the inspector

asan=allocator_may_return_null=1:max_allocation_size_mb=512

mkdir -p "$bin/faults"
"$dir/seeds" "$bin/seeds" || exit 1

status=0

for target in "$@"; do
    seeds=
    dict=
    log=$bin/$target.log
    mkdir -p "$bin/corpus/$target"

    [ -d "$bin/seeds/$target" ] && seeds=$bin/seeds/$target
    [ -d "$dir/inputs/$target" ] && seeds="$seeds $dir/inputs/$target"
    [ -f "$bin/seeds/$target.dict" ] && dict=-dict=$bin/seeds/$target.dict

    ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}$asan" \
    "$bin/$target" -max_total_time="$seconds" -timeout=5 -rss_limit_mb=1024 \
        -malloc_limit_mb=16384 \
        -max_len=12288 -print_final_stats=1 -verbosity=1 $dict \
        -artifact_prefix="$bin/faults/$target-" \
        "$bin/corpus/$target" $seeds > "$log" 2>&1
    rc=$?

    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    last=$(grep -E '^#[0-9]+' "$log" | grep -o 'cov: .*' | tail -1)
    fault=$(grep -E 'ERROR: |runtime error|DEADLYSIGNAL|timeout' "$log" |
            head -1)

    [ $rc = 0 ] && fault= || status=1

    printf '%-16s %9s runs  %s  %s\n' "$target" "${runs:-?}" \
        "$(echo "$last" | sed 's/ exec.*//; s/ lim:.*//')" \
        "${fault:-no fault}"
done

exit $status
