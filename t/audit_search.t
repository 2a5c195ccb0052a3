#!/usr/bin/perl

# What `debar audit search` finds is what a naive reading of the same lines
# finds; the index follows its log through rotation, restarts, torn lines and
# damage; text of others reaches neither SQL, nor a terminal, nor a formula.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Debar::Test::Alone;
use JSON::PP;
use Test::More;

use Debar::Test;
use Debar::Test::Dns;
use Debar::Test::Gateway;
use Debar::Test::Origin;

my $dir = test_dir() . '/log';
my $live = "$dir/audit/audit.jsonl";
my $index = "$dir/audit/index.sqlite";
my $serial = 0;
my $json = JSON::PP->new->canonical->utf8;
my @lines;

srand 7;

sub debar { return run_command([debar_path(), 'audit', @_], timeout => 120) }

sub index_log { return debar('index', $dir, '--json', @_) }

sub add {
    my ($file, @texts) = @_;

    open my $f, '>>:raw', $file or die "$file: $!\n";
    print {$f} @texts;
    close $f;
}

sub pick { return $_[rand @_] }

sub stamp {
    my ($s) = @_;
    my @t = gmtime int $s;

    return sprintf '%04d-%02d-%02dT%02d:%02d:%02d.%03dZ', $t[5] + 1900,
                   $t[4] + 1, @t[3, 2, 1, 0], ($s - int $s) * 1000;
}

# A decision, remembered.

sub line {
    my (%o) = @_;
    my $host = pick(qw(acme.example www.acme.example a.b.acme.example
                       notacme.example other.example 192.0.2.7 [2001:db8::1]));
    my $l = {
        time => stamp(1790000000 + $serial * 61 + rand),
        incident => sprintf('%08x%024x', rand 2 ** 32, ++$serial),
        gateway => 'gw', surface => pick(qw(http connect tls inspected)),
        client => '10.0.' . int(rand 3) . '.' . int(rand 9) . ':5' . int rand 999,
        method => 'GET',
        url => "http://$host/" . pick(qw(setup update pr%6Fduct index)) . '/'
               . pick(qw(one two three)),
        activity => pick(qw(browse download acquire)),
        verdict => pick(qw(log block block reject)),
        vendor => pick(qw(acme bolt)), authorities => pick(['rule-1'],
                                                           ['rule-1', 'rule-2']),
        evidence => [{ kind => 'name', where => 'path', offset => 3,
                       value => pick('Acme Scanner', 'scanner acme', 'Bolt') }],
        took_us => 5, %o,
    };

    $l->{user} //= pick(qw(alice Bob carol@AGENCY.example)) if rand > 0.2;
    push @lines, $l;

    return $json->encode($l) . "\n";
}

sub found {
    my (@o) = @_;
    my $r = debar('search', $dir, '--format', 'json', '--limit', 0, '-q', @o);

    die "search @o: $r->{err}\n" if $r->{status} != 0 && $r->{status} != 3;

    return map { $json->decode($_) } split /\n/, $r->{out};
}

# How many there are; thousands of lines are quicker counted than decoded.

sub how_many {
    my $r = debar('search', $dir, '--format', 'json', '--limit', 0, '-q');

    die "search: $r->{err}\n" if $r->{status} != 0;

    return scalar grep { /\A\{.*"incident":"[0-9a-f]{32}".*\}\z/ }
                  split /\n/, $r->{out};
}

# The same incidents, the newest first, by a look at every line.

sub same {
    my ($what, $test, @o) = @_;
    my @want = map { $_->{incident} } reverse grep { $test->($_) } @lines;
    my $r = debar('search', $dir, '--format', 'json', '--limit', 0, '-q', @o);
    my @got = $r->{out} =~ /"incident":"([0-9a-f]+)"/g;

    ok(@want > 0 && @want < @lines, "$what: some lines of all are that");
    is("@got", "@want", "$what is found as by hand");
}

my $in = qr/(?:^|\.)acme\.example$/;
my $host = sub { $_[0]{url} =~ m{//([^/]+)} ? $1 : '' };

my @questions = (
    ['a user', sub { lc($_[0]{user} // '') eq 'bob' }, '--user', 'bob'],
    ['any of users', sub { ($_[0]{user} // '') =~ /^(?:alice|Bob)$/ },
     '--user', 'alice', '--user', 'BOB'],
    ['users by a star', sub { ($_[0]{user} // '') =~ /\@agency/i },
     '--user', '*@agency.*'],
    ['a client', sub { $_[0]{client} =~ /^10\.0\.1\.4:/ }, '--client', '10.0.1.4'],
    ['a network', sub { $_[0]{client} =~ /^10\.0\.2\./ },
     '--client', '10.0.2.0/24'],
    ['a host and names below', sub { $host->($_[0]) =~ $in },
     '--host', 'ACME.example.'],
    ['a host of its own', sub { $host->($_[0]) eq 'a.b.acme.example' },
     '--host', 'a.b.acme.example'],
    ['an address', sub { $host->($_[0]) eq '[2001:db8::1]' },
     '--host', '2001:DB8:0::1'],
    ['a vendor', sub { $_[0]{vendor} eq 'bolt' }, '--vendor', 'bolt'],
    ['an authority', sub { @{ $_[0]{authorities} } == 2 },
     '--authority', 'rule-2'],
    ['verdict and activity', sub { $_[0]{verdict} eq 'reject'
                                   && $_[0]{activity} eq 'acquire' },
     '--verdict', 'reject', '--activity', 'acquire'],
    ['a surface', sub { $_[0]{surface} eq 'tls' }, '--surface', 'tls'],
    ['a word of evidence', sub { $_[0]{evidence}[0]{value} =~ /scanner/i },
     '--text', 'SCANNER'],
    ['two words', sub { $_[0]{evidence}[0]{value} =~ /scanner/i
                        && $_[0]{url} =~ /two/ }, '--text', 'scanner two'],
    ['a phrase', sub { $_[0]{evidence}[0]{value} eq 'Acme Scanner' },
     '--text', '"acme scanner"'],
    ['how a word begins', sub { $_[0]{url} =~ m{/update} }, '--text', 'upd*'],
    ['what is escaped in an url', sub { $_[0]{url} =~ /pr%6F/ },
     '--text', 'product'],
    ['since', sub { $_[0]{time} ge '2026-09-21T20:00:00.000Z' },
     '--since', '2026-09-21T20:00:00Z'],
    ['between', sub { $_[0]{time} ge '2026-09-21T18:30:00.500Z'
                      && $_[0]{time} lt '2026-09-22' && $_[0]{vendor} eq 'acme' },
     '--since', '2026-09-21T18:30:00.500Z', '--until', '2026-09-22',
     '--vendor', 'acme'],
);

sub ask { same($_->[0], @{$_}[1 .. $#$_]) for @questions }


# A log, read at once, and in pieces.

write_file($live, '');
add($live, map { line() } 1 .. 700);

my $r = index_log();

is($r->{status}, 0, 'a log is indexed') or diag $r->{err};
is(decode_json($r->{out})->{lines}, 700, 'with all of its lines');
is((stat $index)[2] & 07777, 0640, 'not for everybody to read');
ask();

add($live, map { line() } 1 .. 30);

my $half = line();

add($live, substr $half, 0, 40);

is(decode_json(index_log()->{out})->{lines}, 30,
   'what came since is added, half a line is not');
add($live, substr $half, 40);
is(decode_json(index_log()->{out})->{lines}, 1, 'until it is whole');

# rotation: the sealer renames, workers go on in the old file for a while

rename $live, "$dir/audit/audit-00000001.jsonl";
add("$dir/audit/audit-00000001.jsonl", map { line() } 1 .. 5);
write_file($live, '');
add($live, map { line() } 1 .. 4500);    # more than a block
$r = decode_json(index_log()->{out});
is($r->{lines}, 4505, 'a rotated file is read to its end, then the new one');
ok(!$r->{made_again}, 'and nothing is read twice');
ask();

# torn lines, and what others wrote

add($live, "{\"time\":\"2026\n", "\n", "no json\n", "[1]\n", "\0\0\n",
    '{"a":' x 3000, "\n", line());
$r = decode_json(index_log()->{out});
is($r->{torn}, 5, 'lines that are torn are counted');
is((found('--limit', 1))[0]{incident}, $lines[-1]{incident},
   'and what stands behind them is found');
add($live, 'x' x 3_000_000, "\n", line());
$r = decode_json(index_log()->{out});
is($r->{torn}, 1, 'a line of 3 MB is one of them');
is((found('--limit', 1))[0]{incident}, $lines[-1]{incident}, 'and ends where it ends');


# Outcomes.

my $late = line(incident => 'f' x 32);
add($live, $json->encode({ time => $lines[3]{time}, status => 206, bytes => 77,
                           incident => $lines[3]{incident} }) . "\n",
    $json->encode({ time => $lines[3]{time}, status => 502,
                    incident => 'f' x 32 }) . "\n");
index_log();

my ($one) = found('--incident', $lines[3]{incident});

is_deeply($one->{outcome}, { status => 206, bytes => 77 },
          'an outcome is shown with its decision');
add($live, $late);
($one) = found('--incident', 'ffffffffff');
is($one->{outcome}{status}, 502, 'also one that was written before it');
is(how_many(), scalar @lines, 'and is no line of its own');
is_deeply($one->{at}{file}, 'audit.jsonl', 'with the file that it is in');


# Text of others.

my $evil = "x'); DROP TABLE line;--\" OR 1=1 NEAR( * :^ \x{1b}[2J\x{202e}";
add($live, line(user => "\x{1b}]0;t\x07\x{202e}\x{9b}eve", vendor => '=1+1',
                url => "http://acme.example/\"),(<evil", surface => $evil));
$r = debar('search', $dir, '--user', "\x1b*", '--limit', 1);
is($r->{status}, 0, 'a user with an escape sequence is found');
unlike($r->{out}, qr/[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80\xae/,
       'and cannot drive a terminal');
$r = debar('search', $dir, '--user', "\x1b*", '--format', 'csv');
like($r->{out}, qr/,'=1\+1,/, 'a cell is no formula');
unlike($r->{out}, qr/\x1b/, 'nor has it controls');

for my $text ($evil, '"', '*', 'a OR', 'NOT', 'url:x', '(', "\xff\xfe", '-x',
              'a^', '""', 'words MATCH')
{
    utf8::encode(my $bytes = $text);
    my @o = map { ($_, $bytes) } qw(--text --user --vendor --host --surface);
    my @each = map { debar('search', $dir, $_, $bytes)->{status} }
               qw(--text --user --vendor --host --surface);

    is(scalar(grep { !/^[013]$/ } @each), 0, 'a query is data: '
       . ($text =~ s/[^ -~]/./gr));
}

is(how_many(), scalar @lines, 'and nothing was lost by it');


# Damage and replacement.

for my $case (['cut', sub { truncate $index, 9000 }],
              ['no database', sub { write_file($index, 'x' x 70000) }],
              ['empty', sub { write_file($index, '') }],
              ['of another program',
               sub { unlink $index; system 'sqlite3', $index,
                                           'create table t(a)' }])
{
    $case->[1]->();
    is(how_many(), scalar @lines, "an index that is $case->[0] is made again");
}

my $text = file_text($live);
substr($text, index($text, $lines[-1]{incident}), 4) = 'abcd';
write_file($live, $text);
$r = debar('search', $dir, '--limit', 1, '--format', 'json');
like($r->{err}, qr/audit\.jsonl was replaced, changed or removed/,
     'a file that was written over is noticed');
like($r->{out}, qr/"abcd/, 'and read again');

# Files that policy deletes take their rows along, and nothing else is touched.

sub rows {
    my $sql = join ';', map { "SELECT '$_', count(*) FROM $_" }
              qw(line word post incident block span file);

    return run_command(['sqlite3', $index, $sql])->{out};
}

my $mark = 'wordofthefirstfile';
my $first = "$dir/audit/audit-00000001.jsonl";

write_file($first, file_text($first) . line(user => $mark, url =>
           "http://$mark.example/", evidence => [{ kind => 'name',
                                                   value => "a $mark" }]));
splice @lines, 736, 0, pop @lines;
index_log('--rebuild');
is(scalar(found('--user', $mark)), 1, 'a line of the first file is found');
like(file_text($index), qr/$mark/, 'and its words are in the index');

unlink $first;
splice @lines, 0, 737;
$r = decode_json(index_log()->{out});
ok(!$r->{made_again} && $r->{lines} == 0 && $r->{gone} == 1,
   'of a file that is gone the rows go, and the rest is not read again');
is(how_many(), scalar @lines, 'lines of a file that is gone are gone');
unlike(file_text($index), qr/$mark/, 'with every word that no other line has');

my $dropped = rows();

index_log('--rebuild');
is($dropped, rows(), 'what is left is what a new index has');

# What a crash left of that is finished; nobody finds half of it.

rename $live, $first;
add($live, map { line() } 1 .. 30);
index_log();

run_command(['sqlite3', $index, 'UPDATE span SET file = 0 WHERE first = '
             . '(SELECT min(first) FROM span); DELETE FROM file WHERE id = '
             . '(SELECT min(id) FROM file)']);
rename $first, "$dir/kept";
is(scalar(found('--no-update')), 30, 'what is being dropped is not found');
$r = decode_json(index_log()->{out});
ok(!$r->{made_again} && $r->{lines} == 0, 'dropping goes on where it ended');
$dropped = rows();
index_log('--rebuild');
is($dropped, rows(), 'and leaves nothing behind');
splice @lines, 0, @lines - 30;
is(how_many(), 30, 'of the lines that were there');
rename "$dir/kept", $first;
unlink "$dir/kept";


# Words for newcomers.

$r = debar('search', $dir, '--verdict', 'blocked');
is($r->{status}, 3, 'nothing found is 3');
like($r->{err}, qr/block, log, reject/, 'and the words that there are');
like(debar('search', $dir, '--since', 'yesterday')->{err}, qr/24h/,
     'a time that is none');
like(debar('search', "$dir/none")->{err}, qr/folder with the audit log/,
     'a folder that is none');
like(debar('search', $dir, '--client', '10.0.0.1/8')->{err},
     qr/192\.0\.2\.0/, 'a network that is none');
is(debar('search', $dir, '--format', 'xml')->{status}, 2, 'a format that is none');
like(debar('search', $dir)->{err}, qr/100 of \d+ lines/,
     'what is not shown is told');


# A gateway's own log, while the index follows it.

my $dns = Debar::Test::Dns->new;
my $origin = Debar::Test::Origin->new;
my $list = write_list(test_dir() . '/list', vendor => <<'END');
  - {host: watched.example, action: log}
END
my $gw = Debar::Test::Gateway->new(
    list => $list, conf => { debar_user => '$http_x_user' });
my $follow = start_process('follow', debar_path(), 'audit', 'index',
                           $gw->dir, '--follow');

$gw->get('http://www.listed.example/tool', fields => [['X-User', "user$_"]])
    for 1 .. 5;
$gw->get('http://watched.example/');

my @audit = $gw->audit;
my $all = eventually {
    $r = debar('search', $gw->dir, '--no-update', '--format', 'json',
               '--limit', 0);
    $r->{out} =~ tr/\n// == grep { $_->{verdict} } @audit;
} 20;

ok($all, 'what a gateway writes is found while the index follows');
my $its = $gw->dir . '/audit/index.sqlite';

eventually {
    unlink $its;
    mkdir $its;
};

my $said = eventually {
    file_text(test_dir() . '/follow.out') =~ /is no file/;
} 20;

ok($said, 'what fails is said');
rmdir $its;

my $again = eventually { -s $its } 20;

ok($again, 'and tried again');
ok(running($follow), 'which goes on');
ok(stop_process($follow), 'until it is told to end');
$r = debar('search', $gw->dir, '--host', 'listed.example', '--vendor', 'acme',
           '--verdict', 'block', '--format', 'json');
is($r->{out} =~ tr/\n//, scalar(grep { ($_->{verdict} // '') eq 'block' }
                                grep { ($_->{url} // '') =~ /listed/ } @audit),
   'by host, vendor and verdict');

done_testing();
