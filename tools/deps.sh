#!/bin/sh
# Installs the packages of deps.txt that are missing; says nothing if none is.
# nginx is installed, not started: a gateway has its own folder and start.

set -eu

here=$(dirname "$0")
missing=
installed=" $(dpkg-query -W -f '${Package} ${Status}\n' \
    | sed -n 's/ [^ ]* [^ ]* installed$//p' | tr '\n' ' ') "

for p in $(sed -n 's/^\([a-z0-9][^ ]*\).*/\1/p' "$here/deps.txt"); do
    case $installed in
        *" $p "*) ;;
        *) missing="$missing $p" ;;
    esac
done

[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
    sudo=
elif command -v sudo > /dev/null; then
    sudo=sudo
else
    echo "deps: as root: apt-get install --no-install-recommends$missing" >&2
    exit 1
fi

echo "deps: installing$missing"

policy=/usr/sbin/policy-rc.d

if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' | $sudo tee $policy > /dev/null
    $sudo chmod 755 $policy
    trap '$sudo rm -f $policy' EXIT
    trap 'exit 1' INT TERM
fi

$sudo apt-get -q update
# shellcheck disable=SC2086
$sudo env DEBIAN_FRONTEND=noninteractive \
    apt-get -q -y install --no-install-recommends $missing
