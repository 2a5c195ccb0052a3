#!/usr/bin/perl

# Imported names that may be a vendor's are proposed with how alike they are; a
# link is made by a person only, and lasts.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP;
use Test::More;

use Debar::Test;

my $src = write_list(test_dir() . '/source');
my $csv = write_file(test_dir() . '/rows.csv',
                     "Id,Name\n1,ACME LTD.\n2,Acmé Limited\n3,Zebra Inc\n");

sub debar { return run_command([debar_path(), 'list', @_]) }

my @import = ('import', 'csv', $csv, '--into', $src, '--authority', 'rule-1',
              '--map', 'Id=id,Name=name');

is(debar(@import)->{status}, 0, 'three names are imported');

my $before = file_text("$src/vendors/acme.yaml");
my $r = debar('match', $src, '--json');
my @found = map { decode_json($_) } split /\n/, $r->{out};

is(join(' ', sort map { $_->{record} } @found), 'csv:1 csv:2',
   'those that are like the vendor\'s are proposed');
is($found[0]{score}, 1, 'with the score');
is($found[0]{vendor}, 'acme', 'and the vendor');
like(debar('match', $src)->{out}, qr/--accept csv:1=acme/,
     'people are told how to accept one');
is(file_text("$src/vendors/acme.yaml"), $before, 'nothing is decided alone');

is(debar('match', $src, '--accept', 'csv:1=acme')->{status}, 0,
   'a link is accepted');
like(file_text("$src/vendors/acme.yaml"),
     qr/text: "ACME LTD\.", source: "import csv 1:/,
     'the name stands at the vendor, with its source');
is(debar(@import)->{status}, 0, 'imported again');
like(file_text("$src/vendors/acme.yaml"), qr/text: "ACME LTD\."/,
     'it stays there');
is(debar('check', $src)->{status}, 0, 'the source is right');

like(debar('match', $src, '--accept', 'csv:9=acme')->{err},
     qr/"csv:9" is no record that was imported/, 'a record that is none');
like(debar('match', $src, '--accept', 'csv:2=nobody')->{err},
     qr/no vendor with the id "nobody"/, 'a vendor that is none');
like(debar('match', $src, '--min', '7')->{err}, qr/from 0\.5 to 1/,
     'a score that is none');
like(debar('match', '/nowhere')->{err}, qr/list\.yaml/,
     'a folder that is not there');

done_testing();
