#!/usr/bin/perl

# debar list add, remove, set: a source changed by command is the source that a
# careful person would have changed in an editor.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Path qw(remove_tree);
use Test::More;

use Debar::Test;

my $list = test_dir() . '/list';
my $vendor = "$list/vendors/acme.yaml";

my $text = <<'END';
# The vendor, and why.

id: acme
name: 'Acme Limited'    # as registered
authorities: [rule-1, rule-2]

names:
  - Acme Widgets   # a trade mark

  # Two of a kind.

  - {text: "Acme: Gadgets", action: log}

hosts: [listed.example, "other.example"]
networks-from: nets.txt
packages:
  npm:
    - acme-widget
products:
  - id: w1
    name: Widget
    part-numbers:
      - AB-1234
  - {id: w2, name: Widget Two}
END

sub fresh {
    remove_tree($list);
    write_file("$list/list.yaml", <<'END');
title: List of a test    # kept
publisher: Debar tests
serial: 41
channels: none
authorities:
  rule-1: {title: One, phases: [{from: 2000-01-01, acquire: block}]}
  rule-2:
    title: Two
    phases:
      - {from: 2000-01-01, acquire: block}
END
    write_file($vendor, $_[0] // $text);
    write_file("$list/nets.txt", "192.0.2.0/24   # documentation\n");
}

sub edit {
    my ($what, @args) = @_;

    return run_command([debar_path(), 'list', $what, $list, @args]);
}

# What the command makes of the file: lines that go, lines that come.

sub lines_changed {
    my ($was, $is) = @_;
    my @a = split /^/, $was;
    my @b = split /^/, $is;

    while (@a && @b && $a[0] eq $b[0])   { shift @a; shift @b }
    while (@a && @b && $a[-1] eq $b[-1]) { pop @a; pop @b }

    return join '', (map { "-$_" } @a), map { "+$_" } @b;
}

my @cases = (
    ['a name goes behind the last one', 'add', [qw(acme name), 'Acme Cogs'],
     "+  - Acme Cogs\n"],
    ['what says more is a map, quoted where it must be', 'add',
     [qw(acme name Acme-Nuts --action log --match anywhere --source), 'a: b'],
     qq{+  - {text: Acme-Nuts, match: anywhere, action: log, source: "a: b"}\n}],
    ['a comment stands behind it', 'add',
     [qw(acme part-number X-99-1 --comment), 'ticket 7'],
     "+part-numbers:\n+  - X-99-1  # ticket 7\n"],
    ['a list in brackets stays one', 'add', [qw(acme host third.example)],
     qq{-hosts: [listed.example, "other.example"]\n}
     . qq{+hosts: [listed.example, "other.example", third.example]\n}],
    ['two values at once', 'add', [qw(acme host a.example b.example)],
     qq{-hosts: [listed.example, "other.example"]\n}
     . qq{+hosts: [listed.example, "other.example", a.example, b.example]\n}],
    ['a kind that was not there stands in its place among the keys', 'add',
     [qw(acme url shop.example/acme)],
     "+\n+urls:\n+  - shop.example/acme\n"],
    ['digits with a zero before them are quoted', 'add',
     [qw(acme gtin 04012345000009)],
     qq{+gtins:\n+  - "04012345000009"\n}],
    ['a country is no truth value', 'add', [qw(acme country NO)],
     qq{+countries:\n+  - "NO"\n}],
    ['an AS number stays one', 'add', [qw(acme asn 64500)],
     "+asns:\n+  - 64500\n"],
    ['a package goes to its ecosystem', 'add', [qw(acme package npm:acme-cog)],
     "+    - acme-cog\n"],
    ['or founds it', 'add', [qw(acme package pypi:acme)],
     "+  pypi:\n+    - acme\n"],
    ['a product has rows of its own', 'add', [qw(acme/w1 part-number AB-1235)],
     "+      - AB-1235\n"],
    ['and its first of a kind', 'add', [qw(acme/w1 name), 'Widget One'],
     "+    names:\n+      - Widget One\n"],
    ['in brackets, too', 'add', [qw(acme/w2 name), 'Widget Two'],
     "-  - {id: w2, name: Widget Two}\n"
     . "+  - {id: w2, name: Widget Two, names: [Widget Two]}\n"],
    ['an expression', 'add', [qw(acme part-number), 'ZZ[0-9]{4}\\.?',
                              '--pattern'],
     "+part-numbers:\n+  - {pattern: 'ZZ[0-9]{4}\\.?'}\n"],
    ['fewer authorities', 'add', [qw(acme name Acme-Bolts --authority rule-2)],
     "+  - {text: Acme-Bolts, authorities: [rule-2]}\n"],
    ['a permit says why', 'add',
     [qw(acme permit www.listed.example/help/* --why), 'how to remove it'],
     "+permits:\n+  - {url: www.listed.example/help/*, why: how to remove it}\n"],
    ['a product', 'add', [qw(acme product w3 --name), 'Widget 3'],
     "+  - {id: w3, name: Widget 3}\n"],

    ['a row goes with the comment on its line', 'remove',
     [qw(acme name), 'ACME widgets'], "-  - Acme Widgets   # a trade mark\n"],
    ['the comments above others stay', 'remove',
     [qw(acme name), 'Acme: Gadgets'],
     qq{-  - {text: "Acme: Gadgets", action: log}\n}],
    ['the first in brackets', 'remove', [qw(acme host LISTED.example)],
     qq{-hosts: [listed.example, "other.example"]\n}
     . qq{+hosts: ["other.example"]\n}],
    ['the last in brackets', 'remove', [qw(acme host other.example)],
     qq{-hosts: [listed.example, "other.example"]\n}
     . qq{+hosts: [listed.example]\n}],
    ['all of them', 'remove', [qw(acme host other.example listed.example)],
     qq{-hosts: [listed.example, "other.example"]\n} . "+hosts: []\n"],
    ['the last of a list goes with its key', 'remove',
     [qw(acme/w1 part-number ab1234)],
     "-    part-numbers:\n-      - AB-1234\n"],
    ['a product with all it has', 'remove', [qw(acme product w1)],
     "-  - id: w1\n-    name: Widget\n-    part-numbers:\n-      - AB-1234\n"],

    ['a value takes the place of another, its comment stays', 'set',
     [qw(acme name), 'Acme & Co'],
     "-name: 'Acme Limited'    # as registered\n"
     . "+name: Acme & Co    # as registered\n"],
    ['a list', 'set', [qw(acme authorities rule-2)],
     "-authorities: [rule-1, rule-2]\n+authorities: [rule-2]\n"],
    ['a key of a product', 'set', [qw(acme/w2 name), 'W 2'],
     "-  - {id: w2, name: Widget Two}\n+  - {id: w2, name: W 2}\n"],
    ['a key taken out', 'set', [qw(acme networks-from --unset)],
     "-networks-from: nets.txt\n"],
);

for (@cases) {
    my ($claim, $what, $args, $want) = @$_;

    fresh();
    my $r = edit($what, @$args);

    is(lines_changed($text, file_text($vendor)), $want, $claim)
        or diag($r->{err});
    is($r->{status}, 0, '... and the command says so');
}

# The same with the line ends of Windows, and without an end of the last line.

for (@cases) {
    my ($claim, $what, $args, $want) = @$_;
    my $crlf = $text =~ s/\n/\r\n/gr;

    fresh($crlf);
    my $r = edit($what, @$args);

    is(lines_changed($crlf, file_text($vendor)), $want =~ s/\n/\r\n/gr,
       "$claim (CRLF)") or diag($r->{err});

    fresh($text =~ s/\n\z//r);
    is(edit($what, @$args)->{status}, 0, "$claim (no last line end)");
}


# list.yaml

for (['serial', '+1', qr/^serial: 42$/m], ['serial', '50', qr/^serial: 50$/m],
     ['expires', '2099-12-31', qr/^serial: 41\nexpires: 2099-12-31$/m],
     ['title', 'Another: list', qr/^title: "Another: list"    # kept$/m],
     ['in-force', 'rule-1,rule-2', qr/^in-force: \[rule-1, rule-2\]$/m],
     ['authorities/rule-2/title', 'New', qr/^    title: New$/m],
     ['authorities/rule-1/title', 'New', qr/^  rule-1: \{title: New, /m])
{
    my ($key, $value, $want) = @$_;

    fresh();
    my $r = edit('set', $key, $value);
    like(file_text("$list/list.yaml"), $want, "set $key $value")
        or diag($r->{err});
}


# What is there already.

fresh();

for ([qw(host LISTED.example.)], ['host', 'listed.example'],
     ['name', 'ACME  widgets'], [qw(part-number ab1234)],
     [qw(package npm:Acme-Widget)], [qw(network 192.0.2.0/24)])
{
    my $r = edit('add', 'acme', @$_);
    is($r->{status}, 0, "@$_ is no error");
    like($r->{out}, qr/already there/, '... it is there, and where');
}

is(file_text($vendor), $text, 'and nothing was written');

my $r = edit('add', qw(acme host listed.example --action log));
is($r->{status}, 1, 'a row that says otherwise is not doubled');
like($r->{err}, qr/acme\.yaml:14: .*otherwise: remove it first/,
     '... and its place is named');


# Plain files.

$r = edit('add', qw(acme network 198.51.100.0/24));
is($r->{status}, 0, 'a value alone goes to the plain file of its kind');
is(file_text("$list/nets.txt"),
   "192.0.2.0/24   # documentation\n198.51.100.0/24\n", '... as a line');

$r = edit('remove', qw(acme network 192.0.2.0/24));
is(file_text("$list/nets.txt"), "198.51.100.0/24\n", 'and out of it');


# Vendors.

fresh();
$r = edit('add', 'vendor', 'bolt', '--name', 'Bolt: AG', '--authority',
          'rule-1');
is($r->{status}, 0, 'a new vendor');
is(file_text("$list/vendors/bolt.yaml"),
   qq{id: bolt\nname: "Bolt: AG"\nauthorities: [rule-1]\n}, '... is a file');
like(edit('add', 'vendor', 'bolt', '--name', 'B', '--authority', 'rule-1')
     ->{out}, qr/already there/, 'once');


# Nothing is written that the reader would not take.

fresh();

for ([qr/public suffix/, qw(add acme host co.uk)],
     [qr/unknown authority/, qw(add acme host x.example --authority none)],
     [qr/action.* log or block/, qw(add acme host x.example --action pass)],
     [qr/has no vendor "acne": it has acme; a new one: debar list add/,
      qw(add acne host x.example)],
     [qr/"hosts" is meant/, qw(add acme hots x.example)],
     [qr/no product "w9".*product w9 --name/, qw(add acme/w9 name Widget-9)],
     [qr/a permit says why: --why/, qw(add acme permit x.example)],
     [qr/a permit needs no reason/,
      qw(add acme permit x.example --why y --force z)],
     [qr/google\.com.*--force "REASON"/s,
      qw(add acme host google.com)],
     [qr/is not listed under hosts.*nothing to remove/,
      qw(remove acme host x.example)],
     [qr/bad date/, qw(set expires 2027-02-30)],
     [qr/unknown key/, qw(set expire 2027-02-28)],
     [qr/"serial" is a number/, qw(set serial x)],
     [qr/a product has no "permits"/, qw(add acme/w1 permit x.example --why y)])
{
    my ($want, $what, @args) = @$_;

    $r = edit($what, @args);
    is($r->{status}, 1, "@args is refused");
    like($r->{err}, $want, '... and why is said');
}

is(file_text($vendor), $text, 'and nothing was written');

is(edit('add', 'acme')->{status}, 2, 'too few words are a usage error');
is(edit('add', qw(acme host google.com --force), ' ')->{status}, 2,
   'a reason that says nothing is one, too');


# Against a guard rail: with a reason, which stays.

fresh();

for (['host', 'google.com', qr/\{host: google\.com, forced: "counsel: memo 7"\}/],
     ['host', 'co.uk', qr/\{host: co\.uk, forced: /],
     ['name', 'orange', qr/\{text: orange, forced: /],
     ['network', '10.0.0.0/8', qr/^networks:\n  - \{network: 10\.0\.0\.0\/8, forced: /m])
{
    my ($kind, $value, $want) = @$_;

    is(edit('add', 'acme', $kind, $value)->{status}, 1, "$value is refused");
    $r = edit('add', 'acme', $kind, $value, '--force', 'counsel: memo 7');
    is($r->{status}, 0, '... and taken with a reason') or diag($r->{err});
    like(file_text($vendor), $want, '... which stands in its row');
    like(edit('add', 'acme', $kind, $value)->{out}, qr/already there/,
         '... and is there then');
}

is(run_command([debar_path(), 'list', 'check', $list])->{status}, 0,
   'such a list is right');
is(run_command([debar_path(), 'list', 'format', $list])->{status}, 0,
   'brought into form');
is(scalar(() = file_text($vendor) =~ /forced: ["']?counsel: memo 7/g), 4,
   '... it keeps its reasons');
is(edit('remove', qw(acme host x --why y))->{status}, 2,
   'an option of another command, too');

$r = run_command([debar_path(), qw(list add /nonexistent acme host x.example)]);
like($r->{err}, qr/name the folder of a list/, 'a folder that is not there');
$r = run_command([debar_path(), 'list', 'add', $vendor, qw(acme host x)]);
like($r->{err}, qr/what is edited is a source/, 'a file instead');


# A list with errors can be mended step by step.

fresh($text . "hosts-from: nothing-there.txt\n");
is(edit('add', qw(acme name), 'Acme Cogs')->{status}, 0,
   'errors from before are not held against a change');
is(edit('set', qw(acme hosts-from --unset))->{status}, 0, 'nor their end');
is(run_command([debar_path(), 'list', 'check', $list])->{status}, 0,
   'and the list is whole');


# What cannot be changed by splicing is refused.

fresh($text =~ s/hosts: \[listed/hosts: &h [listed/r);
$r = edit('add', qw(acme host x.example));
is($r->{status}, 1, 'a list that others may refer to is left alone');
like($r->{err}, qr/anchor.*in an editor/, '... with the way to go on');


# Links, modes, nothing left behind.

fresh();
rename $vendor, "$list/real.yaml" or die;
symlink '../real.yaml', $vendor or die;
chmod 0640, "$list/real.yaml";
edit('add', qw(acme host x.example));
ok(-l $vendor, 'a link stays one');
like(file_text("$list/real.yaml"), qr/x\.example/, 'and what it leads to changes');
is((stat "$list/real.yaml")[2] & 07777, 0640, 'and keeps its mode');
is(join(' ', glob("$list/vendors/* $list/*.yaml.*")), $vendor,
   'no temporary file stays');


# A dry run, JSON.

fresh();
$r = edit('add', qw(acme name Acme-Cogs --dry-run));
like($r->{out}, qr{^--- a/vendors/acme.yaml\n\+\+\+ b/vendors/acme.yaml\n\@\@},
     'a dry run prints a diff');
like($r->{out}, qr/^\+  - Acme-Cogs$/m, '... with the new line');
is(file_text($vendor), $text, '... and writes nothing');

$r = edit('add', qw(acme name Acme-Cogs --json));
is($r->{out}, '{"ok":true,"changed":1,"already":0,"what":[{"file":'
              . '"vendors/acme.yaml","line":13,"did":"added","value":'
              . '"Acme-Cogs"}]}' . "\n",
   'JSON says what was done, and where');

done_testing();
