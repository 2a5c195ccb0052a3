#!/bin/sh
# Writes the template of nginx.conf as a C string, so that the command needs
# no file beside it:  embed.sh FILE > template.c

set -eu

echo '#include "tools.h"'
echo
echo 'const char  debar_nginx_conf[] ='
sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/    "/' -e 's/$/\\n"/' "$1"
echo '    ;'
