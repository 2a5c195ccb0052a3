#!/usr/bin/perl

# debar list format: one form for what says the same; comments stay with what
# they stand at, and the list is the same list.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Path qw(remove_tree);
use Test::More;

use Debar::Test;

my $list = test_dir() . '/list';
my $vendor = "$list/vendors/acme.yaml";

sub fresh {
    remove_tree($list);
    write_list($list);
    write_file($vendor, $_[0]);
}

sub list { return run_command([debar_path(), 'list', @_]) }

sub digest {
    unlink glob test_dir() . '/d.mdb*';
    my $r = list('build', $list, '-o', test_dir() . '/d.mdb', '--replace');

    return $r->{out} =~ /^digest (\S+)/m ? $1 : $r->{err};
}

for my $name (qw(federal example-889)) {
    is(list('format', '--check', top_dir() . "/blocklist/lists/$name")->{status},
       0, "the list $name is in form");
}

# Every shipped channel can be brought into form, once.

write_file("$list/x", '');
fresh("id: acme\nname: Acme\nauthorities: [rule-1]\nhosts: [a.example]\n");
write_file("$list/channels/" . s{.*/}{}r, file_text($_))
    for glob top_dir() . '/blocklist/channels/*.yaml';

my $before = digest();
my $r = list('format', $list);
is($r->{status}, 0, 'the shipped channels are brought into form')
    or diag($r->{err});
is(digest(), $before, 'and mean the same');
is(list('format', '--check', $list)->{status}, 0, 'and are in form then');

my @cases = (
    ['keys in the order of the schema, each with its comment', <<'IN', <<'OUT'],
# Of the file.

hosts:
    # the site
    - a.example    # main


    - b.example
# of the authorities
authorities: [ rule-1 ]   # one
name:   Acme
id: acme
# the end
IN
# Of the file.

id: acme
name: Acme
# of the authorities
authorities: [rule-1]   # one
hosts:
  # the site
  - a.example    # main

  - b.example
# the end
OUT
    ['rows in their order, quotes where they are needed', <<'IN', <<'OUT'],
id: acme
name: 0815
authorities: [rule-1]
gtins: [04012345000009]
countries: [NO]
names:
- {source: x, action: log,match: anywhere,text: "Acmeware"}
-   text: Acme Cogs
    # why
    action: log
IN
id: acme
name: "0815"
authorities: [rule-1]
names:
  - {text: "Acmeware", match: anywhere, action: log, source: x}
  - text: Acme Cogs
    # why
    action: log
countries: ["NO"]
gtins: ["04012345000009"]
OUT
    ['products, comments that are deeper, text over lines', <<'IN', <<'OUT'],
id: acme
name: Acme
authorities: [rule-1]
permits:
   - host: p.example
     why: >-
       because it
       is so
products:
   - names: [Widget One]
     name: Widget
     id: w
   # no more of them
packages:
   npm:       # scripts
      - a-b
IN
id: acme
name: Acme
authorities: [rule-1]
packages:
  npm:       # scripts
    - a-b
products:
  - id: w
    name: Widget
    names: [Widget One]
  # no more of them
permits:
  - host: p.example
    why: >-
      because it
      is so
OUT
    ['anchors', <<'IN', <<'OUT'],
id: acme
authorities: &a [rule-1]
name: Acme
names:
 - {text: Acme Cogs, authorities: *a}
IN
id: acme
name: Acme
authorities: &a [rule-1]
names:
  - {text: Acme Cogs, authorities: *a}
OUT
);

for (@cases) {
    my ($claim, $in, $out) = @$_;

    for my $crlf (0, 1) {
        my ($was, $want) = $crlf ? map { s/\n/\r\n/gr } $in, $out : ($in, $out);
        my $how = $crlf ? ' (CRLF)' : '';

        fresh($was);
        my $digest = digest();

        is(list('format', '--check', $list)->{status}, 1, "not in form$how");
        is(file_text($vendor), $was, '... which --check leaves so');
        $r = list('format', $list);
        is($r->{status}, 0, "formatted$how") or diag($r->{err});
        is(file_text($vendor), $want, $claim . $how);
        is(digest(), $digest, '... and the digest is the same');
        is(list('format', '--check', $list)->{status}, 0, '... once');
    }
}

fresh("id: acme\nname: [oops\n");
$r = list('format', $list);
is($r->{status}, 1, 'a file that is not YAML is refused');
like($r->{err}, qr{vendors/acme\.yaml: line \d+: YAML}, '... by its line');
is(list('format')->{status}, 2, 'no source is a usage error');

done_testing();
