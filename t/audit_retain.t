#!/usr/bin/perl

# Files of the log that are older than policy keeps them are deleted with their
# salts, and the rest verifies.  The log is sealed by Debar::Test::Sealed, with
# times of long ago; the last part has the command seal.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Debar::Test::Alone;
use Digest::SHA qw(sha256);
use JSON::PP;
use POSIX qw(strftime);
use Test::More;

use Debar::Test;
use Debar::Test::Gateway;
use Debar::Test::Sealed;
use Debar::Test::Trust;

my $dir = test_dir();
my $key = trust_key($Debar::Test::Sealed::ORIGIN, file => 'sealer');
my $other = trust_key($Debar::Test::Sealed::ORIGIN, file => 'other');
my $made = 0;

# `retain` signs by the key of the log, unless a test names another one.

my @signs = ('--sealer-key', $key->{file}, '--pass-file', trust_passphrase());

sub debar {
    my ($what, @more) = @_;

    push @more, @signs
        if $what eq 'retain' && !grep { $_ eq '--sealer-key' } @more;

    return run_command([debar_path(), 'audit', $what, @more]);
}

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

# The deletion as a note: what it is made of, and openssl's word on it.

my ($length, $note) = file_text("$log/sealed/deletions") =~ /\A(\d+)\n(.*)\z/s;
my $marks = substr file_text("$log/sealed/files"), length $text;

is($length, length $note, 'a note says what was deleted');
is(($note =~ /\A(.*?\n)\n/s)[0],
   "debar audit deletion\n$key->{name}\n20\npolicy keep 12mo\nby uid $>\n$marks",
   'by which policy, by whom, and the lines that mark it');
ok(trust_verifies($note, $key), 'signed by the key of the log');
is(join('', map { found($log, 3 * $_) } 0 .. 5), '000011',
   'what is past half a year is not found any more');
is(debar('index', $log, '--quiet')->{status}, 0, 'nor comes back');
is(join('', map { found($log, 3 * $_) } 2 .. 5), '0011', 'by the next index');

$r = json('verify', $log, '--key', $key->{public});
is($r->{status}, 0, 'the rest verifies') or diag($r->{out}, $r->{err});
is("$r->{json}{deleted_files} $r->{json}{deleted_lines} $r->{json}{lines}",
   '2 6 14', 'and what is gone is counted');
is($r->{json}{deleted_policy}, 'keep 12mo', 'with the policy');
like(debar('verify', $log)->{out}, qr/6 lines of 2 files deleted by policy \(keep/,
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
ok($r->{json}{authenticated}, 'by the key that signs the log is authenticated');
$r = json('retain', $log, '--sealer-key', "$dir/none");
is($r->{status}, 1, 'a key that is not there is told');

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
$r = json('retain', $bad, '--sealer-key', $other->{file});
is($r->{status}, 1, 'nor can another key sign a deletion');
is(there($bad), '1 2', 'of it');
$r = run_command([debar_path(), 'audit', 'retain', $bad]);
is($r->{status}, 1, 'nor can nobody');
like($r->{err}, qr/sealer\.key: .*--sealer-key/, 'which is said');
is(there($bad), '1 2', 'and done');

$note = file_text("$bad/sealed/checkpoint");

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

sub add {
    my ($file, $text) = @_;

    open my $f, '>>:raw', $file or die "$file: $!\n";
    print {$f} $text;
    close $f or die "$file: $!\n";
}

for my $left ('all', 'no secret', 'no file', 'a torn mark', 'no mark',
              'a torn note')
{
    my ($log) = a_log(1000, 1);
    my ($note, $mark) = sealed_deletion($log, $key, 1);

    $note = substr $note, 0, 90 if $left eq 'a torn note';
    $mark = '' if $left =~ /no mark|torn note/;
    $mark = substr $mark, 0, 90 if $left eq 'a torn mark';
    add("$log/sealed/deletions", $note);
    add("$log/sealed/files", $mark);
    unlink "$log/sealed/secrets/" . name(1) if $left =~ /no secret|no file/;
    unlink "$log/" . name(1) . '.jsonl' if $left eq 'no file';

    is(json('verify', $log, '--key', $key->{public})->{status}, 0,
       "$left: verifies");
    is(json('retain', $log)->{status}, 0, 'the next run ends it');
    is(there($log), '2', 'the other file stays');
    ok(!-e "$log/" . name(1) . '.jsonl'
       && !-e "$log/sealed/secrets/" . name(1), 'nothing is left');

    my $r = json('verify', $log, '--key', $key->{public});

    is($r->{json}{deleted_lines}, 3, 'and it is a stub')
        or diag($r->{out}, $r->{err});
}


# --- a deletion by somebody else ----------------------------------------------

sub gone {
    my ($log, @numbers) = @_;

    unlink "$log/" . name($_) . '.jsonl', "$log/sealed/secrets/" . name($_)
        for @numbers;
}

my %forged = (
    'a mark without a note' => sub {
        my ($log) = @_;
        my ($note, $mark) = sealed_deletion($log, $key, 1);

        add("$log/sealed/files", $mark);
        gone($log, 1);
    },
    'a note by another key' => sub {
        my ($log) = @_;
        my ($note, $mark) = sealed_deletion($log, $other, 1);

        add("$log/sealed/deletions", $note);
        add("$log/sealed/files", $mark);
        gone($log, 1);
    },
    'a note for another file' => sub {
        my ($log) = @_;
        my ($note) = sealed_deletion($log, $key, 1);
        my (undef, $mark) = sealed_deletion($log, $key, 2);

        add("$log/sealed/deletions", $note);
        add("$log/sealed/files", $mark);
        gone($log, 2);
    },
    'a mark with another time' => sub {
        my ($log) = @_;
        my ($note, $mark) = sealed_deletion($log, $key, 1);

        add("$log/sealed/deletions", $note);
        add("$log/sealed/files", $mark =~ s/T09:00:00Z"\}$/T10:00:00Z"}/mr);
        gone($log, 1);
    },
    'a note that was changed' => sub {
        my ($log) = @_;
        my ($note, $mark) = sealed_deletion($log, $key, 1);

        add("$log/sealed/deletions", $note =~ s/uid 0/uid 9/r);
        add("$log/sealed/files", $mark);
        gone($log, 1);
    },
    'a note of another log' => sub {
        my ($log) = @_;
        my ($from) = a_log(900, 1);
        my ($note) = sealed_deletion($from, $key, 1);
        my (undef, $mark) = sealed_deletion($log, $key, 1);

        add("$log/sealed/deletions", $note);
        add("$log/sealed/files", $mark);
        gone($log, 1);
    },
    'a checkpoint for a note' => sub {
        my ($log) = @_;
        my (undef, $mark) = sealed_deletion($log, $key, 1);
        my $point = file_text("$log/sealed/checkpoint");

        add("$log/sealed/deletions", length($point) . "\n$point");
        add("$log/sealed/files", $mark);
        gone($log, 1);
    },
    'no deletions any more' => sub {
        my ($log) = @_;

        is(json('retain', $log)->{status}, 0, 'a file is deleted by policy');
        unlink "$log/sealed/deletions";
    },
);

for my $how (sort keys %forged) {
    my ($log) = a_log(1000, 1);

    $forged{$how}->($log);

    my $r = json('verify', $log, '--key', $key->{public});

    is($r->{status}, 1, "$how: is told from a deletion by policy");
    like($r->{json}{fault}{what} // '', qr/^(?:removed|changed)$/,
         'as what it is') or diag($r->{out});
    like($r->{json}{fault}{file} // '',
         qr/^(?:audit-0000000[12]\.jsonl|sealed\/deletions)$/,
         'with its place');
    is(json('retain', $log)->{status}, 1, 'nor is it finished, or signed for');
}

# What is gone without a mark is missing as before.

my ($missing) = a_log(1000, 1);

add("$missing/sealed/deletions", (sealed_deletion($missing, $key, 1))[0]);
gone($missing, 1);
is(json('verify', $missing, '--key', $key->{public})->{status}, 1,
   'a note alone excuses no file that is gone');


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


# --- once a day, by the sealer of a gateway -----------------------------------

my $gw = Debar::Test::Gateway->new(
    list => write_list("$dir/list"), sealer => 1, start => 0);
my $audit = $gw->dir . '/audit';
my $conf = file_text($gw->conf_file);

sub rotated {
    return eventually {
        run_command([debar_path(), 'audit', 'rotate', $audit])->{status} == 0
    } 10;
}

sub policy {
    my ($keep) = @_;

    write_file($gw->conf_file,
               $conf =~ s/^\s*debar_audit_keep \K[^;]*/$keep/mr);

    return $gw->test_conf;
}

like($conf, qr/^\s*debar_audit_keep 12mo searchable=6mo;/m,
     'a gateway keeps 12 months, and searches 6');

for my $value ('12', 'never', '12mo 6mo', '12mo searchable=', '0d',
             '6mo searchable=1y', '12mo searchable=6mo more', 'off searchable=1d',
             "12mo;\ndebar_audit_keep 12mo")
{
    my $bad = $value =~ s/\n/ /r;
    my $r = policy($value);

    isnt($r->{status}, 0, "debar_audit_keep $bad is found by nginx -t");
    like($r->{err}, qr/\[emerg\].*debar_audit_keep/,
         'and named');
}

is(policy('off')->{status}, 0, 'off is a policy');
write_file("$audit/audit.jsonl", join '', map { line($n++, 700) . "\n" }
           1 .. 50);
write_file("$audit/sealer.key", file_text($key->{file}));
write_file("$audit/sealer.pass", file_text(trust_passphrase()));
write_file("$audit/sealer.pub", file_text($key->{public}));
is($gw->start->{status}, 0, 'a gateway with a log of long ago');
ok(rotated(), 'which is rotated');
$r = run_command([debar_path(), 'audit', 'retain', $audit]);
is($r->{status}, 1, 'retain goes by its policy');
like($r->{err}, qr/debar_audit_keep off/, 'and says so');

policy('30mo searchable=30mo');
is($gw->stop->{status} + $gw->start->{status}, 0, '30mo: a sealer');
ok((eventually { ($gw->status->{sealer}{keep} // '') eq '30mo' } 10),
   'has looked at it') or diag(explain $gw->status->{sealer});
ok(-e "$audit/" . name(1) . '.jsonl', 'and keeps what is old');

$r = run_command([debar_path(), 'audit', 'retain', $audit, '--json']);
is($r->{status}, 0, 'so does retain');
ok(-e "$audit/" . name(1) . '.jsonl', 'by the same policy');
is(debar('index', $audit, '--quiet')->{status}, 0, 'somebody indexes it');

my $old = sealed_incident($n - 50);

like(debar('search', $audit, '--incident', $old, '--format', 'json')->{out},
     qr/$old/, 'and finds a line');
policy('12mo');
$gw->stop;

# A clock that is years ahead, or so it looks, is not believed at once.

my $state = file_text("$audit/sealed/state");

write_file("$audit/sealed/state", $state =~ s/"time":"\K\d{4}/2019/r);
is($gw->start->{status}, 0, 'a clock is years from where the log ends');
ok((eventually { ($gw->status->{sealer}{retain_error} // '') =~ /clock/ } 10),
   'the sealer asks whether it is right');
ok(-e "$audit/" . name(1) . '.jsonl', 'and deletes nothing');
$gw->stop;
write_file("$audit/sealed/state", $state);
is($gw->start->{status}, 0, '12mo: a sealer');
ok((eventually { !-e "$audit/" . name(1) . '.jsonl' } 10), 'deletes it');
ok((eventually { $gw->status->{sealer}{retained} } 10), 'which it tells')
    or diag(explain $gw->status->{sealer});
ok(!-e "$audit/sealed/secrets/" . name(1), 'with its secret');
ok(-e "$audit/index.sqlite", 'the index is kept');
is(index(file_text("$audit/index.sqlite"), $old), -1, 'without its lines');
is(debar('search', $audit, '--incident', $old, '--format', 'json',
         '--no-update')->{out}, '', 'which are not found any more');
like(file_text("$audit/sealed/deletions"), qr/^policy keep 12mo\nby sealer\n/m,
     'in its own name');
like(file_text($gw->dir . '/logs/seal.log'),
     qr/deleted by policy, keep 12mo: 1 files, 50 lines/, 'and in its log');
$gw->get("http://listed.example/$_") for 1 .. 5;
is($gw->stop->{status}, 0, 'it goes on sealing');
$r = json('verify', $audit, '--key', "$audit/sealer.pub");
is("$r->{status} $r->{json}{deleted_lines} $r->{json}{unsealed}", '0 50 0',
   'and the rest verifies') or diag($r->{out}, $r->{err});

# Of a log that is not as it was sealed it deletes nothing, and says why.

is($gw->start->{status}, 0, 'another day');
ok(rotated(), 'another file');
add("$audit/audit.jsonl", join '', map { line($n++, 700) . "\n" } 1 .. 50);
ok(rotated(), 'and one with lines of long ago');
$gw->stop;

(my $changed = file_text("$audit/" . name(2) . '.jsonl')) =~ s/block/blocc/;
write_file("$audit/" . name(2) . '.jsonl', $changed);
$gw->start;
ok((eventually { $gw->status->{sealer}{retain_error} } 10),
   'a line is changed: the sealer has something to say');
like($gw->status->{sealer}{retain_error} // '', qr/0002\.jsonl:\d+: changed/,
     'which line');
ok(-e "$audit/" . name(3) . '.jsonl', 'and the old file stays');
$gw->stop;


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
