#!/usr/bin/perl

# Permits with days and with who approved them: what they let through and when,
# and how every command that shows a list says it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP;
use Test::More;

use Debar::Test;

my $permit = '{url: tool.acme.example/remover.exe, why: the removal tool';
my $days = ', from: 2026-03-01, until: 2026-03-31, approved-by: "A. Smith, CIO"';
my $n = 0;

sub source {
    my ($more, %with) = @_;
    my $dir = test_dir() . '/source-' . ++$n;

    write_file("$dir/list.yaml", <<'END');
title: List of a test
publisher: Debar tests
timezone: America/New_York
serial: 1
authorities:
  rule-1:
    title: Rule One of the test
    url: https://law.example/rule-1
    phases:
      - {from: 2000-01-01, browse: block, acquire: block, download: block, update: block}
END
    write_file("$dir/vendors/acme.yaml", <<"END");
id: acme
name: Acme
authorities: [rule-1]
hosts: [acme.example]
permits:
  - $permit$more}
END

    return $dir;
}

sub debar { return run_command([debar_path(), @_]) }

sub digest {
    my ($dir) = @_;
    my $r = debar('list', 'build', $dir, '-o', "$dir.mdb", '--json');

    return eval { decode_json($r->{out})->{digest} } || $r->{err};
}

my $plain = source('');
my $dated = source($days);

like(digest($dated), qr/^[0-9a-f]{64}$/, 'a list with a dated permit is built');
isnt(digest($plain), digest($dated), 'days are part of what a list says');

for my $at (['2026-02-28', 20], ['2026-03-01', 0], ['2026-03-31', 0],
            ['2026-04-01', 20], ['2026-04-01T03:59:59Z', 0],
            ['2026-04-01T04:00:00Z', 20])
{
    for my $list ($dated, "$dated.mdb") {
        is(debar('check', '--list', $list, '--at', $at->[0],
                 'http://tool.acme.example/remover.exe')->{status}, $at->[1],
           "$at->[0]: " . ($at->[1] ? 'refused' : 'let through')
           . ($list =~ /mdb/ ? ', by the snapshot' : ''));
    }
}

is(debar('check', '--list', $plain, '--at', '2026-04-01',
         'http://tool.acme.example/remover.exe')->{status}, 0,
   'without days it holds for good');

my $open = source(', from: 2026-03-01');

digest($open);
is(debar('check', '--list', $open, '--at', '2036-01-01',
         'http://tool.acme.example/remover.exe')->{status}, 0,
   'without a last day it does not end');
is(debar('check', '--list', $open, '--at', '2026-02-28',
         'http://tool.acme.example/remover.exe')->{status}, 20,
   '... and begins');


# How it is said.

my $r = debar('list', 'due', $dated, '--on', '2026-03-31');

like($r->{out}, qr/permit for .*remover\.exe.* ends/s, 'due: its last day');
like($r->{out}, qr/approved by A\. Smith, CIO/, '... and who approved it');

$r = debar('list', 'due', "$dated.mdb", '--on', '2026-03-01', '--json');
like($r->{out}, qr/"permit"/, 'due: its first day, of a snapshot, for machines');

$r = debar('list', 'diff', $plain, $dated);
is($r->{status}, 10, 'diff: another list');
like($r->{out}, qr/permit for .*from 2026-03-01, until 2026-03-31/,
     '... in words');

$r = debar('list', 'diff', $dated, $dated);
is($r->{status}, 0, 'diff: the same');


# What is wrong, and what comes back.

for my $bad ([', from: 2026-03-01, until: 2026-02-01', qr/"until" is before/],
             [', until: soon', qr/:\d+:\d+: .*until/],
             [', from: 1960-01-01', qr/1970/])
{
    my $b = debar('list', 'check', source($bad->[0]));

    is($b->{status}, 1, "refused:$bad->[0]");
    like($b->{err}, $bad->[1], '... in words');
}

my $sheets = test_dir() . '/sheets';
my $back = test_dir() . '/back';

is(debar('list', 'csv', 'export', $dated, '-o', $sheets)->{status}, 0,
   'as sheets') or diag $r->{err};
is(debar('list', 'csv', 'import', $sheets, '--into', $back)->{status}, 0,
   '... and back');
is(digest($back), digest($dated), '... it is the same list');

is(debar('list', 'format', $dated, '--check')->{status} & ~1, 0,
   'format reads it');

$r = debar('list', 'export', '--format', 'squid', '--on', '2026-03-10', $dated);
like($r->{out}, qr/remover|tool\.acme/, 'exports know the days') or diag $r->{err};

done_testing();
