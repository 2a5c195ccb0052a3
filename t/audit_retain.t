#!/usr/bin/perl

# Files of the log that are older than policy keeps them are deleted with their
# salts, and the rest verifies.  The log is sealed by Debar::Test::Sealed, with
# times of long ago; the last part has the command seal.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(sha256);
use JSON::PP;
use POSIX qw(strftime);
use Test::More;

use Debar::Test;
use Debar::Test::Sealed;
use Debar::Test::Trust;

my $dir = test_dir();
my $key = trust_key($Debar::Test::Sealed::ORIGIN, file => 'sealer');
my $other = trust_key($Debar::Test::Sealed::ORIGIN, file => 'other');
my $made = 0;

sub debar { return run_command([debar_path(), 'audit', @_]) }

sub json {
    my $r = debar(@_, '--json');

    $r->{json} = eval { decode_json($r->{out}) } || {};

    return $r;
}

sub ago { return strftime '%Y-%m-%dT%H:%M:%S', gmtime time - 86400 * $_[0] }

# A line of so many days ago.

sub line {
    my ($i, $days) = @_;
    my $line = sealed_line($i);
    my $when = ago($days);

    $line =~ s/"time":"[^.]*/"time":"$when/;

    return $line;
}

# A log with a file for each number of days; its lines are of the days before.

sub a_log {
    my (@days) = @_;
    my $log = "$dir/log" . ++$made;
    my $n = 0;
    my @closed = map { my $d = $_; [map { line($n++, $d + 3 - $_) } 1 .. 3] }
                 @days;
    my $s = sealed_log($log, $key, closed => \@closed,
                       live => [map { line($n++, 900) } 1 .. 2]);
    my $files = file_text("$log/sealed/files");
    my @when = map { ago($_) . 'Z' } @days;

    $files =~ s/"closed":"[^"]*"/'"closed":"' . shift(@when) . '"'/ge;
    write_file("$log/sealed/files", $files);

    return ($log, $s, \@closed);
}

sub name { return sprintf 'audit-%08d', $_[0] }

sub there {
    my ($log) = @_;

    return join ' ', grep {
        -e "$log/" . name($_) . '.jsonl' && -e "$log/sealed/secrets/" . name($_)
    } 1 .. 9;
}

sub found {
    my ($log, $i) = @_;
    my $r = debar('search', $log, '--incident', sealed_incident($i),
                  '--format', 'json', '--quiet');

    return $r->{out} =~ /"incident"/ ? 1 : 0;
}


# --- what is old, before and after --------------------------------------------

my ($log, $sealed, $closed) = a_log(1000, 500, 300, 200, 100, 1);
my $text = file_text("$log/sealed/files");
my $r = debar('index', $log, '--quiet');

is($r->{status}, 0, 'a log is indexed') or diag($r->{err});
is(join('', map { found($log, 3 * $_) } 0 .. 5), '111111', 'all of it');

my $secret = file_text("$log/sealed/secrets/" . name(1));

$r = json('retain', $log, '--dry-run', '--key', $key->{public});
is($r->{status}, 0, 'what would be done is told') or diag($r->{err});
is(join(' ', map { "$_->{file} $_->{act}" } @{ $r->{json}{files} }),
   join(' ', map { name($_) . '.jsonl ' . ($_ < 3 ? 'delete' : 'unsearched') }
        1 .. 4), 'two are past a year, two past half of one');
is(there($log), '1 2 3 4 5 6', 'and nothing was');
is(file_text("$log/sealed/files"), $text, 'nor marked');
ok(!-e "$log/index.from", 'nor left out of the index');

$r = json('retain', $log, '--key', $key->{public});
is($r->{status}, 0, 'then it is done') or diag($r->{err});
is($r->{json}{deleted_lines}, 6, 'lines are counted');
ok($r->{json}{authenticated}, 'the log was authenticated');
is(there($log), '3 4 5 6', 'what is old is gone, with its secrets');
ok(!-e "$log/" . name($_) . '.jsonl', "file $_ is")
    && ok(!-e "$log/sealed/secrets/" . name($_), "secret $_ is") for 1, 2;
is(index(file_text("$log/sealed/files"), $text), 0,
   'the list of files was appended to');
is(join('', map { found($log, 3 * $_) } 0 .. 5), '000011',
   'what is past half a year is not found any more');
is(debar('index', $log, '--quiet')->{status}, 0, 'nor comes back');
is(join('', map { found($log, 3 * $_) } 2 .. 5), '0011', 'by the next index');

$r = json('verify', $log, '--key', $key->{public});
is($r->{status}, 0, 'the rest verifies') or diag($r->{out}, $r->{err});
is("$r->{json}{deleted_files} $r->{json}{deleted_lines} $r->{json}{lines}",
   '2 6 14', 'and what is gone is counted');
like(debar('verify', $log)->{out}, qr/6 lines of 2 files deleted by policy/,
     'for people, too');


# --- a line that is gone cannot be guessed ------------------------------------

my $leaf = substr file_text("$log/sealed/tile/0/000.p/20"), 0, 32;
my $known = $closed->[0][0];

is($leaf, $sealed->{leaves}[0], 'its hash is there');
is(sha256("\x00$sealed->{salts}[0]$known"), $leaf,
   'the line with its salt makes it');
isnt(sha256("\x00$known"), $leaf, 'the line alone does not');

my $left = join '', map { -f $_ ? file_text($_) : '' } split /\n/,
           run_command(['find', $log, '-type', 'f'])->{out};

is(index($left, $secret), -1, 'its secret is in no file');
is(index($left, $sealed->{salts}[0]), -1, 'nor its salt');
is(index($left, $known), -1, 'nor the line');
is(index($left, sealed_incident(0)), -1, 'nor its number, in the index');


# --- run again, and otherwise -------------------------------------------------

$text = file_text("$log/sealed/files");
$r = json('retain', $log);
is("$r->{status} $r->{json}{deleted_files} $r->{json}{deleted_before}",
   '0 0 2', 'the next run has nothing to do');
is(file_text("$log/sealed/files"), $text, 'and marks nothing');
ok(!$r->{json}{authenticated}, 'without a key it is told so');

$r = json('retain', $log, '--searchable', '1y');
is($r->{status}, 0, 'what is searchable grows again');
is(join('', map { found($log, 3 * $_) } 2 .. 5), '1111', 'and is found');

my ($long) = a_log(1000, 800, 400);

$r = json('retain', $long, '--keep', '30mo');
is(there($long), '2 3', '30 months keep more');
$r = json('retain', $long, '--keep', '3mo');
is(there($long), '', 'three keep none of it');
is($r->{json}{index}, 'none', 'no index is made where there is none');
ok(-e "$long/audit.jsonl", 'the file that is written to stays, old or not');
is(json('verify', $long, '--key', $key->{public})->{status}, 0,
   'with nothing but it the log verifies');


# --- what is not as it was sealed ---------------------------------------------

my ($bad) = a_log(1000, 1);
my $was = file_text("$bad/" . name(2) . '.jsonl');

(my $flipped = $was) =~ s/block/blocc/;
write_file("$bad/" . name(2) . '.jsonl', $flipped);
$r = json('retain', $bad);
is($r->{status}, 1, 'a log with a changed line');
like($r->{err}, qr/audit-00000002\.jsonl:1: changed/, 'which is named');
is(there($bad), '1 2', 'has nothing deleted');
write_file("$bad/" . name(2) . '.jsonl', $was);

$r = json('retain', $bad, '--key', $other->{public});
is($r->{status}, 1, 'nor one that another key signed');
is(there($bad), '1 2', 'at all');

my $note = file_text("$bad/sealed/checkpoint");

unlink "$bad/sealed/checkpoint";
$r = json('retain', $bad);
is("$r->{status} " . there($bad), '1 1 2', 'nor one without a checkpoint');
write_file("$bad/sealed/checkpoint", $note);

# the last file has lines that the checkpoint does not cover yet

my ($ahead) = a_log(1000);
my $lines = file_text("$ahead/sealed/files");

$lines =~ s/("lines":)3/${1}9/;
write_file("$ahead/sealed/files", $lines);
is(json('retain', $ahead)->{json}{deleted_files}, 0, 'what is not sealed');
is(there($ahead), '1', 'stays');


# --- times that lines say -----------------------------------------------------

my $n = 100;
my @forged = (line($n++, 1), line($n++, 1), line($n++, 9000));
my $forged = "$dir/forged";

sealed_log($forged, $key, live => [line($n++, 1)],
           closed => [\@forged, [line($n++, 1000), line($n++, -9000)],
                      ['{"torn":', 'no line of the log']]);
$text = file_text("$forged/sealed/files");

my @when = map { ago($_) . 'Z' } 1, 990, 990;

$text =~ s/"closed":"[^"]*"/'"closed":"' . shift(@when) . '"'/ge;
write_file("$forged/sealed/files", $text);
is(json('retain', $forged)->{status}, 0, 'lines that lie about their time');
is(there($forged), '1', 'make a file neither older than its latest line, nor '
   . 'younger than its end; a file without times is as old as its end');


# --- what a crash leaves ------------------------------------------------------

for my $left ('all', 'no secret', 'no file', 'a torn mark') {
    my ($log) = a_log(1000, 1);
    my ($mark) = split /\n/, file_text("$log/sealed/files");

    $mark =~ s/\}$/,"deleted":"2026-11-22T09:00:00Z"}\n/;
    $mark = substr $mark, 0, 90 if $left eq 'a torn mark';
    write_file("$log/sealed/files", file_text("$log/sealed/files") . $mark);
    unlink "$log/sealed/secrets/" . name(1) if $left eq 'no secret';
    unlink "$log/" . name(1) . '.jsonl' if $left eq 'no file';

    is(json('verify', $log, '--key', $key->{public})->{status}, 0,
       "$left: verifies");
    is(json('retain', $log)->{status}, 0, 'the next run ends it');
    is(there($log), '2', 'the other file stays');
    ok(!-e "$log/" . name(1) . '.jsonl'
       && !-e "$log/sealed/secrets/" . name(1), 'nothing is left');
    is(json('verify', $log, '--key', $key->{public})->{json}{deleted_lines}, 3,
       'and it is a stub');
}


# --- sealed by the command ----------------------------------------------------

my $own = "$dir/own";

mkdir $own;
chmod 0755, $own;

# It rotates what is large enough before it seals more; it closes files today.

sub seal {
    my ($days) = @_;

    open my $f, '>>:raw', "$own/audit.jsonl" or die "audit.jsonl: $!\n";
    print {$f} map { line($n++, $days) . "\n" } 1 .. 400;
    close $f or die "audit.jsonl: $!\n";

    my $r = debar('seal', '--once', $own, '--key', $key->{file}, '--pass-file',
                  trust_passphrase(), '--rotate', 'never', '--rotate-size',
                  '100k');

    is($r->{status}, 0, "lines of $days days ago are sealed")
        or diag($r->{err});
}

seal(700) for 1 .. 3;
$r = json('retain', $own, '--key', $key->{public});
cmp_ok($r->{json}{deleted_files}, '>=', 1, 'files closed today with lines of '
       . 'long ago go') or diag($r->{out}, $r->{err});

my $gone = $r->{json}{deleted_lines};

seal(1) for 1 .. 2;
$r = json('verify', $own, '--key', $key->{public});
is("$r->{status} $r->{json}{deleted_lines} "
   . ($gone + $r->{json}{lines} + $r->{json}{unsealed}), "0 $gone 2000",
   'the sealer goes on behind stubs, and no line is lost') or diag($r->{out});


# --- mistakes -----------------------------------------------------------------

for my $o (['--keep', '12'], ['--keep', '0mo'], ['--keep', '-1d'],
           ['--keep', '12 mo'], ['--keep', '9999y'], ['--keep', ''],
           ['--keep', '99999999999999999999d'], ['--searchable', 'x'],
           ['--keep', '6mo', '--searchable', '1y'], ['--nonsense'])
{
    $r = debar('retain', $bad, @$o);
    is($r->{status}, 2, "@$o is a mistake");
}

is(debar('retain')->{status}, 2, 'a folder has to be named');
is(debar('retain', "$dir/none")->{status}, 1, 'and be there');
is(debar('retain', '--help')->{status}, 0, '--help');
is(there($bad), '1 2', 'no mistake deletes');

done_testing();
