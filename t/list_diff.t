#!/usr/bin/perl

# What changes between two lists is said in words, what is blocked no longer
# first, and the same by machine and on a page.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(sha256_hex);
use JSON::PP qw(decode_json);
use Test::More;

use Debar::Test;

my $dir = test_dir();

sub diff { return run_command([debar_path(), 'list', 'diff', @_]) }

sub waiver {
    my ($user, $until) = @_;

    return <<"END";
waivers:
  - id: W-17
    vendor: acme
    users: [$user]
    from: 2026-01-01
    until: $until
    approved-by: A. Officer
    why: a contract that runs out
END
}

my $old = write_list("$dir/old", serial => 1, hosts => [
    'gone.example', 'kept.example', '{host: less.example, subdomains: true}',
    'sub.parent.example', 'two.example' ],
    vendor => "part-numbers: [AB1234]\nnetworks: [192.0.2.0/24]\n"
              . "names: [Acmeware]\n",
    phases => '{from: 2018-10-01, browse: log, acquire: block,'
              . ' download: block, update: log}');
write_file("$old/waivers.yaml", waiver('anna', '2026-06-30'));

my $new = write_list("$dir/new", serial => 2, expires => '2099-06-30', hosts => [
    'kept.example', '{host: less.example, subdomains: false}',
    'parent.example', 'a.example', 'b.example', 'two.example' ],
    vendor => "part-numbers: [AB1234, CD5678]\n"
              . "names: [{text: Acmeware, match: anywhere}]\n",
    phases => '{from: 2018-10-01, browse: log, acquire: block,'
              . " download: block, update: log}\n"
              . '      - {from: 2026-12-01, update: block}');
write_file("$new/waivers.yaml", waiver('anna', '2026-12-31'));

my $r = diff($old, $new);

is($r->{status}, 10, 'two lists that differ: 10');

my ($looser, $other, $stricter, $none) = split /\n\n/, $r->{out};

like($looser, qr/^No longer blocked/, 'what is blocked no longer comes first');
like($looser, qr/1 host removed from acme: gone\.example$/m,
     'a host that went is named');
like($looser, qr/1 network removed from acme: 192\.0\.2\.0\/24/,
     'so is a network');
like($looser, qr/1 host of acme changed: less\.example \(no longer its subdomains\)/,
     'and a host that lost its subdomains');
like($looser, qr/waiver W-17 of user anna for acme now ends 2026-12-31 \(was 2026-06-30\)/,
     'a waiver that lasts longer lets more through');
unlike($looser, qr/sub\.parent/, 'a host that its parent lists is not let go');
like($none, qr/sub\.parent\.example \(listed by a host above it as before\)/,
     'which is said where nothing changes by it');
like($stricter, qr/^Newly blocked.*^  rule-1 \(Rule One of the test\) now blocks updates from 2026-12-01,/ms,
     'a phase is told by its day');
like($stricter, qr/3 hosts added to acme: a\.example, b\.example, parent\.example/,
     'hosts that came are counted and named');
like($stricter, qr/1 part number added to acme: CD5678/, 'and a part number');
like($stricter, qr/Acmeware \(now found inside longer words\)/,
     'a name that is found in more');
unlike($r->{out}, qr/kept\.example|two\.example|AB1234/,
       'what stays is not told');
like($other, qr/the list now expires 2099-06-30 \(was 2099-12-31\)/,
     'the expiry is');
like($none, qr/the serial is now 2 \(was 1\)/, 'and the serial');

like(diff($new, $old)->{out}, qr/^No longer.*updates from 2026-12-01.*were blocked/s,
     'the other way round is the other way round');


# The same by machine, from sources and snapshots alike.

my $json = diff($old, $new, '--json');
my $data = decode_json($json->{out});

is($json->{status}, 10, 'JSON: the same status');
is($data->{counts}{looser}, 4, 'rows are counted by effect');
ok((grep { $_->{what} eq 'host' && $_->{how} eq 'added' && $_->{count} == 3 }
    @{ $data->{changes} }), 'and told by kind');

build_list($old, "$dir/old.mdb");
build_list($new, "$dir/new.mdb");

is(sha256_hex(diff("$dir/old.mdb", "$dir/new.mdb", '--json')->{out}),
   sha256_hex($json->{out}), 'JSON of snapshots is that of their sources');
is($data->{to}{digest}, (run_command([debar_path(), 'list', 'check',
                                      "$dir/new.mdb"])->{out} =~
                         /digest\s+([0-9a-f]{64})/)[0],
   'it names the digests of the lists');
is(diff($old, "$dir/old.mdb")->{status}, 0, 'a list and its snapshot: 0');
is(diff($old, "$dir/old.mdb")->{out}, "The lists say the same.\n",
   'and it says so');


# Many rows: counts beyond the first, all with --all.

my $many = write_list("$dir/many", serial => 2, hosts => [
    'gone.example', map { "h$_.example" } 1 .. 3000 ]);
my $few = write_list("$dir/few", serial => 1, hosts => [ 'gone.example' ]);

like(diff($few, $many)->{out}, qr/3000 hosts added to acme: (?:h\d+\.example, ){4}h\d+\.example and 2995 more$/m,
     'of many rows the first are named');
is(scalar(() = diff($few, $many, '--all')->{out} =~ /h\d+\.example/g), 3000,
   '--all names every one');


# A page: nothing of a list is markup.

write_file("$dir/new/vendors/evil.yaml", <<'END');
id: evil
name: "<script>alert(1)</script> & \"Sons\""
authorities: [rule-1]
hosts: [evil.example]
END

my $html = diff($old, $new, '--html', '-o', "$dir/diff.html");
my $page = file_text("$dir/diff.html");

is($html->{status}, 10, 'a page is written');
like($page, qr/^<!DOCTYPE html>\n<html lang="en">/, 'it says its language');
unlike($page, qr/<script|<link|src=|href=/, 'it needs nothing beside itself');
like($page, qr/&lt;script&gt;alert\(1\)&lt;\/script&gt; &amp; &quot;Sons&quot;/,
     'and what a list says is text in it');
is(scalar(() = $page =~ /<(ul|li|section|table|tr|td|th|tbody|thead|main)\b/g),
   scalar(() = $page =~ /<\/(ul|li|section|table|tr|td|th|tbody|thead|main)>/g),
   'all that is opened is closed');


# Mistakes.

$r = diff($old);
is($r->{status}, 2, 'one list is not enough');
like($r->{err}, qr/name two lists, the old one and the new one/, 'as it says');

$r = diff($old, "$dir/none.mdb");
is($r->{status}, 1, 'a list that is not there');
like($r->{err}, qr/none\.mdb: No such file.*list build/, 'says what a list is');

write_file("$dir/text.mdb", 'not a list');
$r = diff($old, "$dir/text.mdb");
is($r->{status}, 1, 'a file that is no list');
like($r->{err}, qr/text\.mdb/, 'is named');

done_testing();
