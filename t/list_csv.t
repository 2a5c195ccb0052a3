#!/usr/bin/perl

# debar list csv: a list goes to a spreadsheet and comes back as the same list;
# what a person did wrong there is said by its cell.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Path qw(remove_tree);
use Test::More;

use Debar::Test;

my $list = test_dir() . '/list';
my $sheets = test_dir() . '/sheets';
my $back = test_dir() . '/back';

sub list { return run_command([debar_path(), 'list', @_]) }

sub digest {
    my ($source) = @_;
    unlink glob test_dir() . '/d.mdb*';
    my $r = list('build', $source, '-o', test_dir() . '/d.mdb');

    return $r->{out} =~ /^digest (\S+)/m ? $1 : $r->{err};
}

sub sheet { return file_text("$sheets/$_[0].csv") }

sub export {
    remove_tree($sheets);
    return list('csv', 'export', $_[0] // $list, '-o', $sheets);
}

sub import_sheets {
    remove_tree($back);
    return list('csv', 'import', $sheets, '--into', $back, @_);
}

for my $name (qw(federal example-889)) {
    my $source = top_dir() . "/blocklist/lists/$name";

    is(export($source)->{status}, 0, "$name: exported");

    my $r = import_sheets();
    is($r->{status}, 0, "$name: imported") or diag($r->{err});
    is(digest($back), digest($source), "$name: it is the same list");
}

write_file("$list/list.yaml", <<'END');
title: "=1+1"
publisher: '+Agency; of "tests"'
timezone: Europe/Berlin
serial: 41
expires: 2099-12-31
in-force: [rule-1, "1E5"]
keep-open: [agency.example, 'https://lists.example/debar']
authorities:
  rule-1: {title: 'One, "two"', url: https://law.example/1, phases: [{from: 2000-01-01, acquire: block}, {from: 2001-01-01, browse: log}]}
  "1E5":
    title: '-2'
    phases: [{from: 2000-01-01, download: block}]
END
write_file("$list/names.txt", "Acme Cogs   # one\nMAR1-Acme\n");
write_file("$list/channels/own.yaml", "id: own\ntitle: Own\nhosts: [own.example]\n");
write_file("$list/waivers.yaml", <<'END');
waivers:
  - {id: w1, vendor: acme, products: [w], users: ["a;b"], orders: [007, "O-1"], from: 2026-01-01, until: 2026-02-01, approved-by: CIO, why: "line one\nline two"}
  - {id: w2, vendor: acme, users: [x, "y z"], clients: [192.0.2.0/24], from: 2026-01-01, until: 2026-02-01, approved-by: CIO, why: "'quoted'"}
END
write_file("$list/vendors/acme.yaml", <<'END');
# A comment.
id: acme
name: "@Acme"
authorities: [rule-1, "1E5"]
names: [TRUE Acme, "=cmd|'/C calc'!A1", {text: Acmé, match: anywhere, action: log, source: '2026-01-01'}]
names-from: names.txt
not-names: [Acmetown]
hosts: [acme.example, {host: 1-2.example, subdomains: false, activity: browse, authorities: ["1E5"]}, {host: google.com, forced: "-memo 7"}, {pattern: 'a,c;m"e\.example'}]
networks: [192.0.2.0/24, 2001:db8::/32]
asns: [64500]
gtins: ['04012345000009', '96385074']
part-numbers: ['1E55', 0012345, 3-4-55, MAR-12345, 12345678901234567890]
packages: {npm: ['@acme/x', {package: y-z, action: log}], maven: ['g:a']}
products:
  - {id: w, name: '0815', names: [Widget One], files: [w*setup.exe, {file: w.msi, activity: acquire, source: s}]}
  - {id: none, name: Nothing}
permits:
  - {url: acme.example/help/*, why: -help}
  - {host: h.acme.example, subdomains: true, why: h, authorities: [rule-1]}
END

my $digest = digest($list);
like($digest, qr/^[0-9a-f]{64}$/, 'the list of a test builds');

my $r = export();
is($r->{status}, 0, 'exported') or diag($r->{err});
is(import_sheets()->{status}, 0, 'imported');
is(digest($back), $digest, 'a list of awkward values comes back the same');

# Nothing that a spreadsheet runs, rounds or takes for a date stands bare.

my $all = join '', map { sheet($_) } qw(list authorities phases vendors products
                                        rows permits waivers);

unlike($all, qr/(?:^|,)"?[=+\@-]/m, 'no cell is a formula');
unlike($all, qr/(?:^|,)"?(?:0\d+|\d{4}-\d\d-\d\d|1E5+|3-4-55|\d{16,})"?(?:,|$)/m,
       'no cell is a number with zeros before it, a date, an exponent');
like($all, qr/(?:^|,)'04012345000009,/m, 'an apostrophe keeps them');
like(sheet('rows'), qr/^\xef\xbb\xbfvendor,product,kind,value,/,
     'a mark says UTF-8, names say what a column is');

# As spreadsheets elsewhere save them.

sub changed(&) {
    my ($code) = @_;

    export();

    for my $file (glob "$sheets/*.csv") {
        local $_ = file_text($file);
        $code->();
        write_file($file, $_);
    }
}

for (['CRLF', sub { s/(?<!\r)\n/\r\n/g if !/waivers|id,vendor,products/ }],
     ['no mark', sub { s/^\xef\xbb\xbf// }],
     ['blank lines', sub { s/\n/\n\n/ }],
     ['empty rows at the end', sub { $_ .= ",,,\n" if /^\S+phases|authority/ }])
{
    my ($claim, $code) = @$_;

    changed { $code->() };
    $r = import_sheets();
    is(digest($back), $digest, "$claim: the same list") or diag($r->{err});
}

# Semicolons between, as where the comma is for decimals; columns in any order.

export();
write_file("$sheets/vendors.csv", "name;Authorities;id\n'\@Acme;\"rule-1; 1E5\";acme\n");
$r = import_sheets();
is(digest($back), $digest, 'semicolons, another order of columns')
    or diag($r->{err});


# Errors by cell, all of them in one run, and nothing imported.

my @wrong = (
    ['rows', qr/acme\.example,/, 'http://acme.example,', 'D', qr/bad host/],
    ['rows', qr/,'-memo 7,/, ',,', 'D', qr/google\.com.*forced/],
    ['rows', qr/,MAR1-Acme,/, ',Acme #1,', 'D', qr/a plain file has no "#"/],
    ['rows', qr/,,,,names\.txt/, ',s,,,names.txt', 'K|J|I', qr/a value alone/],
    ['list', qr/agency\.example;/, 'a b;', 'B', qr/a b/],
    ['rows', qr/,anywhere,/, ',anyhow,', 'F', qr/word or anywhere/],
    ['rows', qr/,log,,2026|,log,,'2026/, ",lock,,'2026", 'I', qr/log or block/],
    ['rows', qr/acme,,asns/, 'acme,,asnz', 'C', qr/a kind is/],
    ['rows', qr/acme,,asns/, 'acne,,asns', 'A', qr/no vendor "acne"/],
    ['rows', qr/acme,w,names/, 'acme,v,names', 'B', qr/no such product/],
    ['rows', qr/,64500/, ',AS64500', 'D', qr/bad ASN/],
    ['list', qr/'2099-12-31/, '31.12.2099', 'B', qr/bad date/],
    ['list', qr/,41/, ',0', 'B', qr/serial/],
    ['phases', qr/'2001-01-01/, '01.01.2001', 'B', qr/bad date/],
    ['phases', qr/,log,/, ',lock,', 'C', qr/unknown action/],
    ['phases', qr/^rule-1/m, 'rule-9', 'A', qr/no such authority/],
    ['vendors', qr/"?rule-1; 1E5"?/, 'rule-9', 'C', qr/unknown authority/],
    ['vendors', qr/^acme/m, 'ac/me', 'A', qr/an id is/],
    ['permits', qr/,'-help/, ',', 'F', qr/needs "why"/],
    ['waivers', qr/,acme,/, ',acne,', 'B', qr/unknown vendor/],
    ['waivers', qr/'2026-02-01/, "'2025-02-01", 'K', qr/before "from"/],
    ['authorities', qr/^id,title/m, 'id,titel', 'B', qr/no column "titel"/],
);

for (@wrong) {
    my ($name, $was, $is, $column, $want) = @$_;

    export();
    my $text = sheet($name);

    if ($text !~ s/$was/$is/) {
        # of the first row the mark stands before it
        $text =~ s/^(\xef\xbb\xbf)id,title/$1id,titel/
            or die "no $was in $name\n$text";
    }

    my $line = 1 + (() = substr($text, 0, $-[0] // 0) =~ /\n/g);
    write_file("$sheets/$name.csv", $text);
    $r = import_sheets();
    is($r->{status}, 1, "$name: $is is refused");
    like($r->{err}, qr{/\Q$name\E\.csv:(?:$column)\d+: [^\n]*$want},
         '... with its cell, and why');
    ok(!-e "$back/list.yaml", '... and nothing is imported');
}

export();
(my $text = sheet('rows')) =~ s/acme\.example,/co.uk,/;
$text =~ s/,64500/,0/;
write_file("$sheets/rows.csv", $text);
$r = import_sheets();
my $said = () = $r->{err} =~ /rows\.csv:D\d+/g;
is($said, 2, 'all errors are said in one run');
my @rows = split /\n/, $text;
my ($at) = grep { $rows[$_] =~ /co\.uk/ } 0 .. $#rows;
like($r->{err}, qr/rows\.csv:D@{[$at + 1]}: "co\.uk" is a public suffix/,
     'with the row that a spreadsheet shows');


# A plain file of two owners is one file: both say the same of it, or neither.

(my $two = file_text("$list/vendors/acme.yaml"))
    =~ s/names: \[Widget One\]/names-from: names.txt/ or die;
write_file("$list/vendors/acme.yaml", $two);
is(export()->{status}, 0, 'a file of two owners: exported');
$r = import_sheets();
is(digest($back), digest($list), '... and the same list') or diag($r->{err});
($text = sheet('rows')) =~ s/acme,w,names,MAR1-Acme,.*\n//
    or ($text =~ s/acme,w,names,'MAR1-Acme,.*\n// or die $text);
write_file("$sheets/rows.csv", $text);
$r = import_sheets();
is($r->{status}, 1, 'a line taken out for one of them');
like($r->{err}, qr/rows\.csv:[LM]\d+: this file has another owner/,
     '... is said with its cell');
$text =~ s/acme,w,names,Acme Cogs/acme,w,names,Acme Cog/ or die $text;
write_file("$sheets/rows.csv", $text);
like(import_sheets()->{err}, qr/rows\.csv:D\d+: this file has another owner/,
     'a line changed for one of them likewise');
$two =~ s/names-from: names.txt(?=, files)/names: [Widget One]/;
write_file("$list/vendors/acme.yaml", $two);


# Into a list that is there.

export();
my $vendor = file_text("$list/vendors/acme.yaml");
$r = list('csv', 'import', $sheets, '--into', $list);
is($r->{status}, 0, 'what is there already is imported') or diag($r->{err});
is(file_text("$list/vendors/acme.yaml"), $vendor, '... and stays byte for byte');

(my $more = sheet('rows')) .= "acme,,hosts,new.example\n";
write_file("$sheets/rows.csv", $more);
$r = list('csv', 'import', $sheets, '--into', $list);
is($r->{status}, 1, 'a file with comments is not written over');
like($r->{err}, qr/acme\.yaml: .*--replace/, '... without a word for it');
is(file_text("$list/vendors/acme.yaml"), $vendor, '... and it stays');

$r = list('csv', 'import', $sheets, '--into', $list, '--replace', '-n');
like($r->{out}, qr/^\+ +- new\.example/m, 'a dry run prints a diff');
$r = list('csv', 'import', $sheets, '--into', $list, '--replace');
is($r->{status}, 0, 'with it the file is') or diag($r->{err});
like(file_text("$list/vendors/acme.yaml"), qr/new\.example/, '... new');
is(file_text("$list/channels/own.yaml"),
   "id: own\ntitle: Own\nhosts: [own.example]\n", 'channels are left alone');


# What a sheet has no place for is said, and no sheets are written.

my $odd = test_dir() . '/odd';

sub odd {
    my ($file, $was, $is) = @_;

    remove_tree($odd);
    remove_tree($sheets);
    run_command(['cp', '-r', $list, $odd]);
    (my $now = file_text("$odd/$file")) =~ s/$was/$is/ or die "no $was";
    write_file("$odd/$file", $now);
    is(run_command([debar_path(), 'list', 'check', $odd])->{status}, 0,
       "$file: a list") or diag($now);

    return list('csv', 'export', $odd, '-o', $sheets);
}

write_file("$list/vendors/acme.yaml", $vendor);

for (['vendors/acme.yaml', qr/authorities: \["1E5"\]/, 'authorities: *all',
      qr{acme\.yaml:\d+: "\*all" stands for .*write it out}],
     ['waivers.yaml', qr/users: \[x, "y z"\]/, 'users: *who',
      qr{waivers\.yaml:3: "\*who" stands for}],
     ['waivers.yaml', qr/"y z"/, '"y\nz; a"', qr/not come back as the same/])
{
    my ($file, $was, $is, $want) = @$_;

    (my $anchored = $vendor) =~ s/authorities: \[rule-1/authorities: &all [rule-1/;
    write_file("$list/vendors/acme.yaml", $anchored);
    (my $waivers = file_text("$list/waivers.yaml"))
        =~ s/users: (?:&who )?\["a;b"/users: &who ["a;b"/;
    write_file("$list/waivers.yaml", $waivers);

    $r = odd($file, $was, $is);
    is($r->{status}, 1, "$is: it is not exported");
    like($r->{err}, $want, '... and why is said');
    ok(!-e "$sheets/list.csv", '... and no sheet is written');
}

# Newcomers.

$r = list('csv', 'import', test_dir() . '/nothing', '--into', $back);
like($r->{err}, qr/name the folder with list\.csv/, 'a folder that is not there');
$r = list('csv', 'import', $list, '--into', $back);
like($r->{err}, qr/list\.csv: .*debar list csv export makes/,
     'a folder without sheets');
$r = list('csv', 'import', "$list/list.yaml", '--into', $back);
like($r->{err}, qr/list\.yaml: is a file; name the folder/, 'a file');
$r = list('csv', 'export', "$list/list.yaml", '-o', $sheets);
like($r->{err}, qr/is a file: .*a folder/, '... likewise');
is(list('csv', 'export', $list)->{status}, 2, 'no folder is a usage error');
write_file("$list/waivers.yaml", "waivers: []\n");
is(export()->{status}, 0, 'exported again');
write_file("$sheets/rows.csv", "PK\x03\x04" . ("\0" x 40));
$r = import_sheets();
like($r->{err}, qr/rows\.csv:A1: .*save/i, 'a spreadsheet\'s own file');
is(join(' ', glob(($ENV{TMPDIR} || '/tmp') . '/debar.??????/vendors')), '',
   'no temporary folder stays');

done_testing();
