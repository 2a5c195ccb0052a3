#!/usr/bin/perl

# The dates and exclusions of the shipped list: what each authority by itself,
# and all of them together, say on the days before and after.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP;
use Test::More;

use Debar::Test;

my $source = top_dir() . '/blocklist/lists/federal';

my %url = (
    read => 'http://news.example/kaspersky',
    buy => 'http://shop.example/cart/add?item=Kaspersky+Plus',
    fetch => 'http://mirror.example/kaspersky.exe',
    update => 'http://dnl-01.geo.kaspersky.com/x',
    remover => 'http://media.kaspersky.com/utilities/ConsumerUtilities/'
               . 'kavremvr.exe',
    threats => 'http://opentip.kaspersky.com/',
    training => 'http://asap.kaspersky.com/',
    embedded => 'http://shop.example/cart/add?item=ZoneAlarm',
);

# Each authority alone: [day, what, verdict].

my @alone = (
    ['gsa-schedule-2017',
     ['2017-07-10', buy => 'pass'], ['2017-07-11', buy => 'log'],
     ['2026-01-01', buy => 'log'], ['2026-01-01', fetch => 'pass'],
     ['2026-01-01', read => 'pass']],

    ['bod-17-01',
     ['2017-09-12', buy => 'pass'], ['2017-09-13', buy => 'log'],
     ['2017-09-13', update => 'log'], ['2017-12-11', fetch => 'log'],
     ['2017-12-12', buy => 'block'], ['2017-12-12', fetch => 'block'],
     ['2017-12-12', update => 'block'], ['2017-12-12', read => 'log'],
     ['2017-12-12', remover => 'pass'], ['2017-12-12', threats => 'pass'],
     ['2017-12-12', training => 'pass'], ['2017-12-12', embedded => 'pass']],

    ['ndaa-1634',
     ['2018-09-30', buy => 'pass'], ['2018-10-01', buy => 'block'],
     ['2018-10-01', fetch => 'block'], ['2018-10-01', update => 'block'],
     ['2018-10-01', read => 'log'], ['2018-10-01', remover => 'pass'],
     ['2018-10-01', threats => 'log'], ['2018-10-01', training => 'log'],
     ['2018-10-01', embedded => 'log']],

    ['far-52.204-23',
     ['2018-07-15', buy => 'pass'], ['2018-07-16', buy => 'log'],
     ['2018-07-16', fetch => 'pass'], ['2018-09-30', buy => 'log'],
     ['2018-10-01', buy => 'block'], ['2018-10-01', fetch => 'block'],
     ['2018-10-01', update => 'block'], ['2018-10-01', read => 'log'],
     ['2018-10-01', threats => 'log'], ['2018-10-01', embedded => 'log']],

    ['bis-2024',
     ['2024-07-19', buy => 'pass'], ['2024-07-20', buy => 'block'],
     ['2024-07-20', update => 'log'], ['2024-09-28', fetch => 'log'],
     ['2024-09-29', update => 'block'], ['2024-09-29', fetch => 'block'],
     ['2024-09-29', read => 'log'], ['2024-09-29', threats => 'pass'],
     ['2024-09-29', training => 'pass'], ['2024-09-29', embedded => 'log']],
);

my @together = (
    ['2017-07-10', buy => 'pass'], ['2017-07-11', buy => 'log'],
    ['2017-12-12', buy => 'block'], ['2026-01-01', read => 'log'],
    ['2026-01-01', buy => 'block'], ['2026-01-01', fetch => 'block'],
    ['2026-01-01', update => 'block'], ['2026-01-01', remover => 'pass'],
    ['2026-01-01', threats => 'log'], ['2026-01-01', training => 'log'],
);


sub judged {
    my ($list, $day, $what, @more) = @_;
    my $r = run_command([debar_path(), 'check', '--list', $list, '--json',
                         '--at', $day, @more, $url{$what}]);

    return eval { decode_json($r->{out}) } || {};
}

sub claims {
    my ($whose, $list, @rows) = @_;

    for (@rows) {
        my ($day, $what, $verdict) = @$_;

        is(judged($list, $day, $what)->{verdict}, $verdict,
           "$whose on $day: $what is $verdict");
    }
}

# The list with one authority in force.

sub only {
    my ($authority) = @_;
    my $to = test_dir() . "/$authority";
    my $text = file_text("$source/list.yaml");

    $text =~ s/^authorities:$/in-force: [$authority]\n\nauthorities:/m
        or die "list.yaml has no authorities\n";
    write_file("$to/list.yaml", $text);
    write_file("$to/vendors/kaspersky.yaml",
               file_text("$source/vendors/kaspersky.yaml"));
    write_file("$to/misspelled.txt", file_text("$source/misspelled.txt"));

    return build_list($to, "$to.mdb");
}

claims($_->[0], only($_->[0]), @$_[1 .. $#$_]) for @alone;

my $all = build_list($source, test_dir() . '/all.mdb');

claims('the list', $all, @together);

is_deeply([sort @{ judged($all, '2026-01-01', 'buy')->{authorities} || [] }],
          [qw(bis-2024 bod-17-01 far-52.204-23 ndaa-1634)],
          'a refusal names every authority that refuses');


# A date begins at 00:00 in Washington.

is(judged($all, '2018-10-01T03:59:59Z', 'buy')->{verdict}, 'block',
   'the directive refuses before the statute does');

my $far = test_dir() . '/far-52.204-23.mdb';

is(judged($far, '2018-10-01T03:59:59Z', 'buy')->{verdict}, 'log',
   'a second before midnight in Washington is the day before');
is(judged($far, '2018-10-01T04:00:00Z', 'buy')->{verdict}, 'block',
   'midnight in Washington is the day');


# The second list that is shipped, an example.

my $other = build_list(top_dir() . '/blocklist/lists/example-889',
                       test_dir() . '/889.mdb');

$url{camera} = 'http://shop.example/cart/add?item=Hikvision+camera';
$url{model} = 'http://shop.example/cart/add?mpn=DS-2CD2143G2-I';
$url{radio} = 'http://shop.example/cart/add?brand=Hytera';
$url{site} = 'http://www.hikvision.com/en/products';
$url{firmware} = 'http://www.hikvision.com/firmware/upgrade.zip';

claims('section 889', $other,
       ['2019-08-12', camera => 'pass'], ['2019-08-13', camera => 'block'],
       ['2019-08-13', model => 'block'], ['2019-08-13', radio => 'block'],
       ['2019-08-13', site => 'log'], ['2020-08-12', firmware => 'log'],
       ['2020-08-13', firmware => 'block'], ['2020-08-13', buy => 'pass']);

done_testing();
