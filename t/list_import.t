#!/usr/bin/perl

# Lists that offices publish become rows of a source, each with where it is
# from; what is no vendor's name never becomes one.  Imported again they are
# updated, and what people wrote stays.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(sha256_hex);
use JSON::PP;
use Test::More;
use Time::HiRes qw(time sleep);

use Debar::Test;

my $lists = "$FindBin::Bin/lists";
my $sam = "$lists/SAM_Exclusions_Public_Extract_V2_23325.CSV";
my $n = 0;

# A source without vendors.

sub source {
    my $dir = test_dir() . '/source-' . ++$n;

    write_file("$dir/list.yaml", <<'END');
title: List of a test
publisher: Debar tests
serial: 1
authorities:
  rule-1:
    title: Rule One of the test
    url: https://law.example/rule-1
    phases:
      - {from: 2000-01-01, browse: block, acquire: block, download: block, update: block}
END

    return $dir;
}

sub import_list {
    my ($src, $kind, $file, @more) = @_;
    my @files = ref $file ? @$file : $file;

    return run_command([debar_path(), qw(list import), $kind, @files, '--into',
                        $src, '--authority', 'rule-1', '--on', '2024-12-01',
                        @more]);
}

sub import_ok {
    my $r = import_list(@_, '--json');

    is($r->{status}, 0, "$_[1]: it is imported") or diag $r->{err};

    my $j = eval { decode_json($r->{out}) } || {};
    $j->{err} = $r->{err};

    return $j;
}

sub vendor { return file_text("$_[0]/vendors/$_[1].yaml") // '' }
sub aside { return file_text("$_[0]/imports/aside.csv") // '' }

sub vendors {
    return join ' ', sort map { m{([^/]+)\.yaml$} } glob "$_[0]/vendors/*.yaml";
}

sub check {
    my ($src, $url) = @_;

    return run_command([debar_path(), 'check', '--list', $src, $url])->{status};
}

sub file_of { return write_file(test_dir() . "/$_[0]", $_[1]) }


# SAM.gov, V2 as published.

my $src = source();
my $j = import_ok($src, 'sam', $sam);
my $sha = sha256_hex(file_text($sam));

is(vendors($src), 'peanut-butter-llc', 'the excluded firm is a vendor');
is($j->{taken}, 1, 'one row is taken');
is($j->{product_rules}, 1, 'a prohibition of products is told apart');
unlike(join('', map { file_text($_) } glob "$src/vendors/*"), qr/ZTE/,
       'and is no name that blocks');
like(aside($src), qr/^sam,S4MRB9MLP,ZTE CORPORATION,,"needs a product rule/m,
     'it is kept aside with the reason');

my $text = vendor($src, 'peanut-butter-llc');

like($text, qr/^name: "PEANUT BUTTER, LLC"$/m, 'the vendor bears the name');
like($text, qr/uei: "D7GNQG8Z26T3"/, 'its UEI is there');
unlike($text, qr/COLLINS/, 'a person in the cross-reference is not');

for my $what ('sam S4MRRFN2R', 'SAM.gov Public Exclusions', 'Reciprocal', 'DOL',
              'from 2023-11-21 to 2026-11-20',
              'SAM_Exclusions_Public_Extract_V2_23325.CSV row 3',
              "sha256 $sha", 'read 2024-12-01')
{
    like($text, qr/source: "import .*\Q$what\E/, "provenance: $what");
}

is(check($src, 'https://shop.example/buy?item=PEANUT+BUTTER+LLC'), 20,
   'the source builds and its name is enforced');
is(check($src, 'https://shop.example/buy?item=ZTE+CORPORATION'), 0,
   'the firm whose products are prohibited is not');

# Again: nothing doubles, nothing changes.

$j = import_ok($src, 'sam', $sam);
is(vendor($src, 'peanut-butter-llc'), $text, 'the same bytes again');
is($j->{vendors_changed} + $j->{vendors_new}, 0, 'and it says so');
is(scalar(() = aside($src) =~ /S4MRB9MLP/g), 1,
   'what was kept aside is not doubled');

# A person's words stay; the row follows its record.

my $edited = $text;
$edited =~ s/^names:\n/# Kept by the office.\nnames:\n  - Peanut Brittle   # theirs\n/m
    or die;
$edited .= "hosts:\n  - peanut.example\n";
write_file("$src/vendors/peanut-butter-llc.yaml", $edited);

my $moved = file_text($sam);
$moved =~ s{11/20/2026}{11/20/2027} or die;
$moved =~ s{D7GNQG8Z26T3}{D7GNQG8Z26T4} or die;
import_ok($src, 'sam', file_of('SAM_later.CSV', $moved));

my $now = vendor($src, 'peanut-butter-llc');
like($now, qr/to 2027-11-20; SAM_later\.CSV row 3/, 'the row is updated');
unlike($now, qr/D7GNQG8Z26T3/, 'the old UEI is gone');
like($now, qr/D7GNQG8Z26T4/, 'the new one is there');
like($now, qr/^# Kept by the office\.\nnames:\n  - Peanut Brittle   # theirs\n/m,
     'rows and comments of people stay as they are');
like($now, qr/^hosts:\n  - peanut\.example\n/m, 'and so do their lists');
is(check($src, 'https://peanut.example/'), 20, 'all of it builds');

# An added key on an imported row is a person's, too.

$now =~ s/(\{text: "PEANUT BUTTER, LLC"), /$1, action: log, / or die;
write_file("$src/vendors/peanut-butter-llc.yaml", $now);
import_ok($src, 'sam', $sam);
like(vendor($src, 'peanut-butter-llc'),
     qr/\{text: "PEANUT BUTTER, LLC", action: log, /,
     'a cap that a person set on a row stays');

# Over: the rows go, what people wrote stays; nothing of theirs: the file goes.

$j = import_ok($src, 'sam', $sam, '--on', '2027-06-01');
is($j->{over}, 1, 'an exclusion that has ended is said');
unlike(vendor($src, 'peanut-butter-llc'), qr/PEANUT BUTTER, LLC.*source/,
       'its rows are withdrawn');
like(vendor($src, 'peanut-butter-llc'), qr/Peanut Brittle/,
     'the rows of people are not');

my $other = source();
import_ok($other, 'sam', $sam);
import_ok($other, 'sam', $sam, '--on', '2027-06-01');
is(vendors($other), '', 'a vendor of imports only goes with its last row');


# V1: 28 columns, DUNS; malformed rows; individuals, vessels; code page 1252.

my @v1 = ('Classification', 'Name', 'Prefix', 'First', 'Middle', 'Last',
          'Suffix', 'Address 1', 'Address 2', 'Address 3', 'Address 4', 'City',
          'State / Province', 'Country', 'Zip Code', 'DUNS',
          'Exclusion Program', 'Excluding Agency', 'CT Code', 'Exclusion Type',
          'Additional Comments', 'Active Date', 'Termination Date',
          'Record Status', 'Cross-Reference', 'SAM Number', 'CAGE', 'NPI');

sub row {
    my ($columns, %f) = @_;

    return join(',', map { my $v = $f{$_} // ''; $v =~ s/"/""/g; qq("$v") }
                     @$columns) . "\r\n";
}

my %firm = (Classification => 'Firm', 'Exclusion Program' => 'Reciprocal',
            'Excluding Agency' => 'EPA',
            'Exclusion Type' => 'Ineligible (Proceedings Completed)',
            'Active Date' => '01/02/2020', 'Termination Date' => 'Indefinite');

is(scalar @v1, 28, 'V1 has 28 columns');

my $v1 = row(\@v1, map { $_ => $_ } @v1)
       . row(\@v1, %firm, Name => "Acme \"Rocket\" Works\r\nof Ohio, Inc.",
             'SAM Number' => 'S4A', CAGE => '1ABC2')
       . "\"Firm\",\"Broken\" Quote\",\"\"\r\n"
       . row(\@v1, %firm, Name => 'Zebra Supplies Inc', 'SAM Number' => 'S4B',
             'Active Date' => '13/45/2020')
       . row([@v1[0 .. 26]], %firm, Name => 'Short Row Inc',
             'SAM Number' => 'S4C')
       . row(\@v1, %firm, Classification => 'Individual', First => 'Jane',
             Last => 'Roe', 'SAM Number' => 'S4D')
       . row(\@v1, %firm, Classification => 'Vessel', Name => 'Ostara Star',
             'SAM Number' => 'S4E')
       . row(\@v1, %firm, Name => "Caf\xe9 M\xfcller GmbH",
             'SAM Number' => 'S4F', 'Excluding Agency' => 'DOD')
       . row(\@v1, %firm, Name => 'X Y', 'SAM Number' => 'S4G')
       . row(\@v1, %firm, Name => 'Later Trading LLC', 'SAM Number' => 'S4H',
             'Active Date' => '01/02/2030');

$src = source();
$j = import_ok($src, 'sam', file_of('SAM_V1.CSV', $v1));

is(vendors($src), 'acme-rocket-works-of-ohio-inc cafe-muller-gmbh',
   'V1: firms are imported, one of them in windows-1252');
like(vendor($src, 'cafe-muller-gmbh'), qr/Caf\xc3\xa9 M\xc3\xbcller GmbH/,
     'its letters are read');
like(vendor($src, 'acme-rocket-works-of-ohio-inc'), qr/cage: "1ABC2"/,
     'with its CAGE');
is($j->{malformed}, 3, 'three rows are malformed');
like($j->{err}, qr/SAM_V1\.CSV:4:17: text behind the quote/,
     'a quote in a field: file, line, column');
like($j->{err}, qr{SAM_V1\.CSV:5:\d+: "13/45/2020" is no date},
     'a date: behind a row of two lines');
like($j->{err}, qr/SAM_V1\.CSV:6:\d+: 27 fields where the header has 28/,
     'a field is missing');
like(file_text("$src/imports/malformed.csv"),
     qr/^sam,SAM_V1\.CSV,4,17,.*Broken/m,
     'they are in a file of their own, as they were');
like(aside($src), qr/S4D,Jane Roe,,an individual is no vendor/,
     'people are kept aside');
like(aside($src), qr/S4E,Ostara Star,,a vessel is no vendor/, 'and vessels');
like(aside($src), qr/S4G,X Y,X Y,"over-short term/,
     'and a name that would be found everywhere');
like(aside($src), qr/S4H,Later Trading LLC,,not in force until 2030-01-02/,
     'and what is not in force yet');

import_ok($src, 'sam', file_of('SAM_V1.CSV', $v1), '--individuals');
like(vendor($src, 'jane-roe'), qr/text: "Jane Roe"/,
     '--individuals takes people');
unlike(aside($src), qr/S4D/, 'who are no longer kept aside');

for my $case (['--name', '^caf', 'cafe-muller-gmbh'],
              ['--program', 'recipro',
               'acme-rocket-works-of-ohio-inc cafe-muller-gmbh'],
              ['--since', '2021-01-01', ''],
              ['--until', '2020-01-02',
               'acme-rocket-works-of-ohio-inc cafe-muller-gmbh'],
              ['--classification', 'vessel', 'ostara-star'])
{
    my $dir = source();

    import_ok($dir, 'sam', file_of('SAM_V1.CSV', $v1), @$case[0, 1]);
    is(vendors($dir), $case->[2], "$case->[0] $case->[1]");
}

# A ZIP, as it is downloaded.

SKIP: {
    my $zip = test_dir() . '/SAM.ZIP';
    my $r = run_command(['zip', '-qj', $zip, $sam]);
    skip 'no zip', 2 if $r->{status} != 0;

    $src = source();
    import_ok($src, 'sam', $zip);
    is(vendors($src), 'peanut-butter-llc', 'the table in a ZIP is read');
}


# Consolidated Screening List.

$src = source();
$j = import_ok($src, 'csl', "$lists/consolidated.csv");
is($j->{taken}, 2, 'CSL: two rows');

my @csl = glob "$src/vendors/*.yaml";
my $csl = join '', map { file_text($_) } @csl;

for my $name ('Hebei Semiconductor Research Institute', 'HSRI',
              'CETC Research Institute 13', 'AO Kaspersky Lab',
              'Kaspersky Lab',
              'China Electronics Technology Group Corporation 13th Research'
              . ' Institute')
{
    like($csl, qr/\{text: "\Q$name\E", source: "import csl /, "CSL: $name");
}

is(check($src, 'https://shop.example/buy?q=AO+Kaspersky+Lab'), 10,
   'CSL: what is imported is enforced');

# Older: no _id.  The key is the row's own, and stable.

my $older = file_text("$lists/consolidated.csv");
$older =~ s/^_id,//;
$older =~ s/^"[0-9a-f]{54}kl?[^"]*",//mg;
$older =~ s/^"(?:[0-9a-f]{56}|0{52}aokl)",//mg;
$src = source();
$j = import_ok($src, 'csl', file_of('older.csv', $older));
is($j->{taken}, 2, 'CSL of 28 columns');
my $before = join '', map { file_text($_) } glob "$src/vendors/*.yaml";
import_ok($src, 'csl', file_of('older.csv', $older));
is(join('', map { file_text($_) } glob "$src/vendors/*.yaml"), $before,
   'and again');

# JSON of the file and of the API.

my @results = (
    { id => '99ed', source => 'Entity List (EL) - Bureau of Industry and Security',
      entity_number => undef, type => 'Entity', programs => ['A', 'B'],
      name => 'Hebei Rocket Works', alt_names => ['HRW Instruments', "Caf\x{e9} Nine"],
      addresses => [{ address => 'x', city => 'y', state => 'z',
                      postal_code => '1', country => 'CN' }],
      start_date => '2018-08-01', end_date => undef, remarks => undef,
      ids => [{ type => 'Website', number => 'www.hebei-rocket.example',
                country => undef }, { type => 'Tax ID', number => 'T1' }] },
    { id => 12, source => 'Denied Persons List (DPL) - Bureau of Industry and Security',
      type => undef, name => 'John Q Public', alt_names => [] },
    { id => 13, source => 'Denied Persons List (DPL) - Bureau of Industry and Security',
      type => undef, name => 'Public Exports Ltd.', alt_names => [] },
    { id => 14, source => 'X', type => 'Entity', name => 17 },
    { id => 15, source => 'X', type => 'Individual', name => 'Some One' },
    { id => 16, source => 'X', type => 'Entity', name => 'Bad Date Works',
      start_date => 'soon' });

my $bulk = encode_json({ total => 6, sources => [{ code => 'EL' }],
                         results => \@results });

for my $case (['bulk.json', $bulk],
              ['pretty.json', JSON::PP->new->pretty->canonical->utf8
                              ->encode({ results => \@results })],
              ['list.json', encode_json(\@results)])
{
    $src = source();
    $j = import_ok($src, 'csl', file_of(@$case));
    is(vendors($src), 'hebei-rocket-works public-exports-ltd',
       "$case->[0]: firms are imported, people of a mixed list are not");
    is($j->{malformed}, 2, 'a result of the wrong types is told');
    is(check($src, 'https://hebei-rocket.example/'), 20,
       'a web site is a host');
    like(vendor($src, 'hebei-rocket-works'), qr/text: "Caf\xc3\xa9 Nine"/,
         'other names, too');
}

my $r = import_list($src, 'csl', file_of('cut.json',
                                         substr $bulk, 0, 200));
is($r->{status}, 1, 'JSON that was cut is refused');
like($r->{err}, qr/cut\.json: line 1, column \d+: .*fetch it again/,
     'with what to do');


# OFAC, with the joins.

my $sdn = file_text("$lists/sdn.csv")
        . qq(36216,"ACME ROCKET BUREAU",-0- ,"SDGT] [IFSR",-0- ,-0- ,-0- ,-0- ,)
        . qq(-0- ,-0- ,-0- ,"Website www.acme-rocket.example; Tax ID 12;"\r\n)
        . qq(36217,"SEA STAR","vessel","IRAN",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,)
        . qq(-0- ,-0- \r\n\x1a);
my @ofac = (file_of('sdn.csv', $sdn),
            file_of('alt.csv', file_text("$lists/alt.csv")
                    . qq(36216,1,"aka","KB ACME RAKETA",-0- \r\n)),
            "$lists/add.csv",
            file_of('sdn_comments.csv',
                    qq(36216," Website acme-two.example/shop;"\r\n)));

$src = source();
$j = import_ok($src, 'sdn', \@ofac);
is(vendors($src), 'acme-rocket-bureau', 'SDN: an entity is imported');
$text = vendor($src, 'acme-rocket-bureau');
like($text, qr/text: "KB ACME RAKETA"/, 'its other names are joined');
like($text, qr/SDGT, IFSR, Treasury/, 'its programs are told');
like($text, qr/host: "acme-rocket\.example"/, 'its site in the remarks');
like($text, qr{url: "acme-two\.example/shop"}, 'and in their overflow');
unlike(join('', map { file_text($_) } glob "$src/vendors/*"), qr/-0-/,
       'the null of OFAC is no value');
like(aside($src), qr/TIKHONOV/, 'people are kept aside');

$src = source();
import_ok($src, 'sdn', \@ofac, '--individuals');
like(vendor($src, 'tikhonov-andrei-gennadyevich'),
     qr/text: "TIKHONOV, Andrey"/, 'people with their other names');

$r = import_list($src, 'sdn', $ofac[1]);
like($r->{err}, qr/sdn\.csv \(12 fields a row\) is not among the files/,
     'alt.csv alone is refused');


# Any CSV by a mapping; contract removals.

my $plain = file_of('vendors.csv', "\xef\xbb\xbfVendor;Website;Part No.;Note\r\n"
    . "Acme Rocket Works;https://www.acme.example/;AR-1000;x\r\n"
    . "Acme Rocket Works;acme.example/shop;AR-2000;y\r\n"
    . "Zebra Supplies;com;ZS-77777;z\r\n");
my @map = ('--map', 'Vendor=name,Website=host,Part No.=part-number');

$src = source();
$j = import_ok($src, 'csv', $plain, @map);
is(vendors($src), 'acme-rocket-works zebra-supplies', 'CSV: a vendor a file');
$text = vendor($src, 'acme-rocket-works');
like($text, qr/part-number: "AR-1000".*part-number: "AR-2000"/s,
     'rows of a vendor come together');
is(scalar(() = $text =~ /text: /g), 1, 'its name stands once');
like($text, qr/text: .*row [23],.* \| import csv .*row [23],/, 'from both rows');
like(aside($src), qr/Zebra Supplies,com,.*public suffix/,
     'a public suffix is kept aside');

{
    my $rails = file_of('rails.csv', "Vendor,Website\nSecurity,www.google.com\n"
                        . "Yak Systems,yak.example\n");
    my @map = ('--map', 'Vendor=name,Website=host');
    my $src = source();

    import_ok($src, 'csv', $rails, @map);
    like(aside($src), qr/top site/, 'so is a top site');
    like(aside($src), qr/,Security,/, 'and a common word');
    is(run_command([debar_path(), qw(list check), $src])->{status}, 0,
       'the source has no errors');

    # a person who lets it stand is not asked again

    my ($file) = glob "$src/vendors/yak*";

    write_file($file, file_text($file) =~ s/(\{)(host: "yak\.example")(.*?)\}/$1$2$3, forced: "tested"}/r);
    like(file_text($file), qr/forced/, 'a reason is written to a row');
    import_ok($src, 'csv', $rails, @map);
    like(file_text($file), qr/yak\.example.*forced: "tested"/,
         'and stays when it is imported again');
}
is(check($src, 'https://sub.acme.example/'), 20, 'its site is enforced');
is(check($src, 'https://x.com/'), 0, 'the suffix is not');
is(check($src, 'https://shop.example/buy?sku=AR2000'), 20, 'and its part number');

$src = source();
import_ok($src, 'csv', file_of('hosts.csv', "Site\n"
          . join('', map { "host-$_.example\n" } 1 .. 6000)),
          '--map', 'Site=host', '--vendor', 'bulk');
is(vendors($src), 'bulk', '--vendor: all rows are of one');
like(vendor($src, 'bulk'), qr{^hosts-from: "vendors/bulk\.hosts\.txt"$}m,
     'many values go to a plain file');
is(check($src, 'https://host-5999.example/'), 20, 'and are enforced');
$before = file_text("$src/vendors/bulk.hosts.txt");
import_ok($src, 'csv', test_dir() . '/hosts.csv', '--map', 'Site=host',
          '--vendor', 'bulk');
is(file_text("$src/vendors/bulk.hosts.txt"), $before, 'again: the same');
import_ok($src, 'csv', file_of('hosts2.csv', "Site\nhost-7000.example\n"),
          '--map', 'Site=host', '--vendor', 'bulk');
is(scalar(() = file_text("$src/vendors/bulk.hosts.txt") =~ /\n/g), 6002,
   'more of them are added');

$src = source();
import_ok($src, 'gsa', file_of('gsa.csv',
    "Contract Number,Contractor Name,SIN,Manufacturer,Mfr Part Number,Removal Date\n"
    . "GS-35F-0001X,Good Reseller Inc,33411,Acme Rockets,KL4541XCKFS,07/12/2017\n"
    . "GS-35F-0001X,Good Reseller Inc,33411,Acme Rockets,,07/12/2017\n"));
$text = vendor($src, 'acme-rockets');
like($text, qr/part-number: "KL4541XCKFS".*GS-35F-0001X/,
     'GSA: the part number is listed, with its contract');
unlike($text, qr/^names:/m, 'neither maker ...');
unlike($text, qr/text: "Good Reseller/, '... nor contractor is');
is(check($src, 'https://shop.example/buy?sku=KL4541XCKFS'), 20,
   'and it is enforced');
is(check($src, 'https://shop.example/buy?item=Good+Reseller+Inc'), 0,
   'the contractor may be bought from');
like(aside($src), qr/there is nothing in it by which it would be known/,
     'a removal without a number is kept aside');


# A file of a person is not written into.

$src = source();
write_file("$src/vendors/peanut-butter-llc.yaml", my $own = <<'END');
id: peanut-butter-llc
name: Ours
authorities: [rule-1]
names: [Peanut Ours]
END
import_ok($src, 'sam', $sam);
is(vendor($src, 'peanut-butter-llc'), $own, 'a vendor of a person stays');
is(vendors($src), 'peanut-butter-llc peanut-butter-llc-sam',
   'the imported one stands beside it');

# Killed at any time: the old list or the new one.

my $many = join '', row(\@v1, map { $_ => $_ } @v1),
           map { row(\@v1, %firm, Name => "Firm Number $_ Inc",
                     'SAM Number' => "S$_") } 1 .. 3000;
my $big = file_of('many.csv', $many);
my ($old, $new, $torn) = (0, 0, 0);

for my $after (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4) {
    $src = source();
    write_file("$src/vendors/peanut-butter-llc.yaml", $own);

    my $pid = start_process("kill-$after", debar_path(), qw(list import sam),
                            $big, '--into', $src, '--authority', 'rule-1');
    sleep $after;
    stop_process($pid, 'KILL');

    my $have = () = glob "$src/vendors/*.yaml";
    $have == 1 ? $old++ : $have == 3001 ? $new++ : $torn++;
}

is($torn, 0, "killed: never a part of it (old $old, new $new)");
import_ok($src, 'sam', $big);
is(scalar(() = glob "$src/vendors/*.yaml"), 3001,
   'and the next import goes through');
ok(!-e "$src/.vendors.import", 'with nothing left behind');

# Dry run.

$src = source();
$r = import_list($src, 'sam', $sam, '--dry-run');
like($r->{out}, qr/nothing was written; 2 rows: 1 taken/, 'a dry run counts');
ok(!-e "$src/vendors" && !-e "$src/imports", 'and writes nothing');


# Mistakes of a newcomer.

for my $case (
    [[qw(sam /nowhere/x.csv)], 'name the file that was downloaded',
     'a file that is not there'],
    [['sam', "$lists/consolidated.csv"], 'debar list import csl',
     'another list'],
    [['csl', $sam], 'debar list import sam', 'the other way round'],
    [['csl', "$lists/sdn.csv"], 'debar list import sdn', 'OFAC as CSL'],
    [['sdn', $sam], 'none of sdn.csv', 'SAM as OFAC'],
    [['csv', $sam, '--map', 'Vender=name'], 'no column "Vender"; it has Class',
     'a column that is not there'],
    [['csv', $sam, '--map', 'Name=nmae'], 'cannot be "nmae"',
     'a kind that is none'],
    [['csv', $sam], '--map says what the columns are', 'no mapping'],
    [['sam', file_of('empty.csv', '')], 'it is empty', 'an empty file'],
    [['sam', file_of('u16.csv', "\xff\xfeN\0a\0")], 'CSV UTF-8', 'UTF-16'],
    [['xls', $sam], 'is no kind of list', 'a kind of list that is none'],
    [['sam', $sam, '--since', 'June'], '"June" is no date', 'a bad date'],
    [['sam', $sam, '--name', '('], '--name: ', 'a bad expression'])
{
    my ($args, $want, $claim) = @$case;

    $src = source();
    $r = import_list($src, @$args);
    isnt($r->{status}, 0, "$claim: refused");
    like($r->{err}, qr/\Q$want\E/, "$claim: the message says what to do");
    ok(!-e "$src/vendors", "$claim: nothing is written");
}

$src = source();
$r = run_command([debar_path(), qw(list import sam), $sam, '--into', $src,
                  '--authority', 'far-1']);
like($r->{err}, qr/no authority "far-1": it has rule-1/,
     'an authority that is not there: those that are');
$r = run_command([debar_path(), qw(list import sam), $sam, '--into',
                  test_dir(), '--authority', 'rule-1']);
like($r->{err}, qr/list\.yaml: No such file/, 'a folder that is no source');
$r = run_command([debar_path(), qw(list import sam), $sam]);
is($r->{status}, 2, 'without --into: usage');

done_testing();
