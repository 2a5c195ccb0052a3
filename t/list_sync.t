#!/usr/bin/perl

# What is published arrives, ten rows as ten rows; what is not signed, not whole,
# not newer or not in time does not, and the last good list stays in force.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Copy qw(copy);
use File::Path qw(make_path remove_tree);
use Test::More;
use Time::HiRes qw(time sleep);

use Debar::Test;
use Debar::Test::Static;
use Debar::Test::Trust;

my $dir = test_dir();
my $pub = "$dir/pub";
my $list = "$dir/gateway/list.mdb";
my @hosts = map { "h$_.example" } 1 .. 3000;

my $pass = trust_passphrase();

make_path("$dir/gateway");

sub debar { return run_command([debar_path(), @_], timeout => 120) }

# One that has to succeed, else the test makes no sense.

sub must {
    my $r = debar(@_);

    die "debar @_: $r->{err}\n" if $r->{status} != 0;

    return $r;
}

sub sign {
    my ($root, @who) = @_;

    must('root', 'sign', $root, '--key', "$dir/$_", '--pass-file', $pass,
         '--yes') for @who;
}

# A snapshot of a serial; hosts beside those of all.

sub snapshot {
    my ($serial, @more) = @_;
    my $mdb = "$dir/$serial.mdb";

    unlink $mdb, "$mdb.serial";
    write_list("$dir/source", serial => $serial, hosts => [@hosts, @more]);

    return build_list("$dir/source", $mdb);
}

sub propose {
    my ($mdb, $previous, $expires) = @_;

    unlink "$mdb.note";
    must('list', 'propose', $mdb, '--previous', $previous, '--expires',
         $expires // '30d', '-o', "$mdb.note");

    return "$mdb.note";
}

sub approve {
    my ($mdb, $root, @who) = @_;

    must('list', 'approve', "$mdb.note", $mdb, '--root', $root, '--key',
         "$dir/$_", '--pass-file', $pass, '--yes') for @who;
}

sub publish {
    my ($mdb, $root, @more) = @_;

    return debar('list', 'publish', "$mdb.note", $mdb, '--to', $pub, '--root',
                 $root // "$dir/root", @more);
}

sub release {
    my ($serial, $expires, @more) = @_;
    my $mdb = snapshot($serial, @more);

    propose($mdb, -e "$pub/manifest" ? $pub : 'none', $expires);
    approve($mdb, "$dir/root", qw(anna bob));

    my $r = publish($mdb);

    die "publish: $r->{err}\n" if $r->{status} != 0;

    return $mdb;
}

my $server;

sub sync {
    my (@more) = @_;

    return debar('list', 'sync', '--from', $server->url, '--root', "$dir/root",
                 '--to', $list, '--stall', '1s', '--timeout', '5s', @more);
}

# The same so much later, as the command's clock says.

sub sync_after {
    my ($later, @more) = @_;

    return run_command(['faketime', '-f', "+$later", debar_path(), 'list',
                        'sync', '--from', $server->url, '--root', "$dir/root",
                        '--to', $list, @more], timeout => 120);
}

sub verdict {
    my ($host) = @_;

    return debar('check', '--list', $list, "http://$host/")->{status};
}

# Refused in one line that says so, and what was in force is in force.

sub refused {
    my ($r, $why, $claim) = @_;
    my $good = $r->{status} == 1 && $r->{err} =~ $why
               && $r->{err} =~ /\Adebar: [^\n]+\n(?:debar: [^\n]+\n)?\z/
               && verdict('h1.example') == 20
               && debar('list', 'check', $list)->{status} == 0;

    ok($good, $claim);
    diag("$r->{status}: $r->{err}") if !$good;
}

sub arrives {
    my ($r, $serial, $by, $claim) = @_;
    my $good = $r->{status} == 0 && $r->{out} =~ /serial $serial is in force/
               && $r->{out} =~ /$by/;

    ok($good, $claim);
    diag("$r->{status}: $r->{out}$r->{err}") if !$good;
}

# --- who approves

# Their keys are openssl's: those of `debar key new` cost a third of a second
# each time that they are opened, as they should.

trust_key($_) for qw(anna bob carol);

must('root', 'new', '--approver', "$dir/anna.pub", '--approver',
     "$dir/bob.pub", '-o', "$dir/root");
sign("$dir/root", qw(anna bob));

# --- a newcomer's mistakes

my $r = debar('list', 'sync', '--from', 'lists.example', '--root', "$dir/root",
              '--to', $list);
ok($r->{status} == 2 && $r->{err} =~ m{http://}, 'a URL without a scheme: usage');

$r = debar('list', 'sync', '--from', 'http://127.0.0.1:1/', '--to', $list);
ok($r->{status} == 2 && $r->{err} =~ /--root FILE is missing.*office/,
   'no root: whom to ask');

$r = debar('list', 'sync', '--from', 'http://127.0.0.1:1/x', '--root',
           "$dir/root", '--to', $list);
ok($r->{status} == 1 && $r->{err} =~ m{127\.0\.0\.1:1/x.*URL right.*network},
   'nobody there: is the URL right?');

$r = debar('list', 'sync', '--from', 'http://127.0.0.1:1/x', '--root',
           "$dir/1.mdb", '--to', $list);
ok($r->{status} == 1 && $r->{err} =~ /1\.mdb.*root file/, 'no such root file');

$r = debar('list', 'publish', "$dir/none", "$dir/none.mdb", '--to', $pub,
           '--root', "$dir/root");
ok($r->{status} == 1 && $r->{err} =~ /none.*proposal/, 'no such proposal');

$r = debar('list', 'rollback', $pub, '1', '--serial', '2', '-o', "$dir/x.mdb");
ok($r->{status} == 1 && $r->{err} =~ /list publish/, 'nothing published yet');

# --- the way of a list

my $one = snapshot(1);

propose($one, 'none');
approve($one, "$dir/root", 'anna');

$r = publish($one);
ok($r->{status} == 1 && $r->{err} =~ /1 of .*2|2 .*1/ && !-e "$pub/manifest",
   'one signature of two is not published');
diag($r->{err}) if $r->{err} !~ /1 of .*2|2 .*1/;

approve($one, "$dir/root", 'bob');

snapshot(2);
$r = debar('list', 'publish', "$one.note", "$dir/2.mdb", '--to', $pub, '--root',
           "$dir/root");
ok($r->{status} == 1 && $r->{err} =~ /not the snapshot that was approved/
   && !-e "$pub/manifest", 'another snapshot than the one approved is not');

is(publish($one)->{status}, 0, 'two signatures are');

$server = Debar::Test::Static->new($pub);

arrives(sync(), 1, 'by snapshot', 'the first list comes as a snapshot');
is(verdict('h1.example'), 20, '... and is in force');
is(sprintf('%04o', (stat $list)[2] & 07777), '0444', '... which nobody writes to');

$server->fresh;
arrives(sync(), 1, 'nothing newer', 'again: nothing newer');
ok((grep { $_ eq '304 manifest' } $server->fresh), '... by a 304');

release(2, undef, 'ten.example');
is(verdict('ten.example'), 0, 'a new host is not known yet');
$server->fresh;
arrives(sync(), 2, 'by delta', 'what has changed comes as a delta');
is(verdict('ten.example'), 20, '... and is in force');
ok(!(grep { /snapshots/ } $server->fresh), '... and no snapshot was fetched');

my ($full) = debar('list', 'check', "$dir/2.mdb")->{out} =~ /digest\s+(\w{64})/;
my ($by_delta) = debar('list', 'check', $list)->{out} =~ /digest\s+(\w{64})/;
is($by_delta, $full, 'a delta and a full build reach the same digest');

release(3, undef, 'three.example');
release(4, undef, 'three.example', 'four.example');
arrives(sync(), 4, 'by delta', 'two that were missed come as two deltas');
is(verdict('four.example'), 20, '... and are in force');

$r = debar('list', 'rollback', $pub, '2', '--serial', '4', '-o', "$dir/5.mdb");
ok($r->{status} == 1 && $r->{err} =~ /higher/, 'back with a serial in use: not');
must('list', 'rollback', $pub, '2', '--serial', '5', '-o', "$dir/5.mdb");
propose("$dir/5.mdb", $pub);
approve("$dir/5.mdb", "$dir/root", qw(anna bob));
is(publish("$dir/5.mdb")->{status}, 0, 'what serial 2 said is published as 5');
arrives(sync(), 5, 'by delta', '... and arrives');
ok(verdict('four.example') == 0 && verdict('ten.example') == 20,
   '... and is what serial 2 said');

# --- attacks: serial 6 is on its way, 5 stays

my $six = snapshot(6, 'six.example');

propose($six, $pub);
approve($six, "$dir/root", 'anna');

my $note5 = file_text("$pub/manifest");
my $one_of_two = file_text("$six.note");

approve($six, "$dir/root", 'bob');

sub manifest { write_file("$pub/manifest", $_[0]) }

manifest($one_of_two);
refused(sync(), qr/1 of|2 /, 'one signature of two');

manifest(file_text("$pub/manifests/2"));
refused(sync(), qr/serial 2.*(?:5|older)/, 'an older serial, replayed');

(my $forged = $note5) =~ s/^serial 5/serial 9/m;
manifest($forged);
refused(sync(), qr/bob|anna|signature/, 'a serial that nobody signed');

manifest("not a note at all\n");
refused(sync(), qr/manifest/, 'something else');

manifest($note5);

for my $case (['huge 104857600', qr/larger than 1048576/, 'of 100 MiB'],
              ['endless', qr/larger than 1048576/, 'without end'],
              ['slow', qr/too slow/, 'a byte a second'],
              ['cut 20', qr/connection ended after 20 bytes/, 'cut off'],
              ['status 404', qr/there is none \(404\).*URL/, 'that is not there'],
              ['status 500', qr/answers 500/, 'of a server that fails'],
              ['redirect http://127.0.0.2:9/manifest', qr/redirects to .*same/,
               'elsewhere'])
{
    $server->misbehave(manifest => $case->[0]);
    refused(sync(), $case->[1], "a manifest $case->[2]");
}

$server->misbehave;
is(publish($six)->{status}, 0, 'serial 6 is published');

my ($sha) = file_text("$pub/manifest") =~ /^sha256 (\w+)/m;
my ($to) = file_text("$pub/manifest") =~ /^digest (\w+)/m;
my ($delta) = map { s{^\Q$pub\E/}{}r } glob "$pub/deltas/*-$to.delta.zst";

my $zst = "snapshots/$sha.mdb.zst";

my %good = map { $_ => file_text("$pub/$_") } $zst, $delta;
my ($other) = grep { !/$to/ } glob "$pub/deltas/*";

write_file("$pub/$delta", file_text($other));

for my $case (['cut 300', qr/ended after 300/, 'cut off'],
              ['slow', qr/too slow/, 'a byte a second'],
              ['endless', qr/larger than/, 'without end'],
              ['status 404', qr/there is none/, 'that is not there'])
{
    $server->misbehave(snapshots => $case->[0]);
    $r = sync();
    like($r->{err}, qr/delta .* is not for this list|too slow|ended/,
         'a delta for another base is refused') if $case->[2] eq 'cut off';
    refused($r, $case->[1], "a snapshot $case->[2]");
}

$server->misbehave;
write_file("$pub/$zst", file_text((grep { !/$sha/ } glob "$pub/snapshots/*")[0]));
unlink glob "$list.*.part";
refused(sync(), qr/not the snapshot of serial 6/, 'a snapshot swapped');

write_file("$pub/$zst", substr $good{$zst}, 0, length($good{$zst}) / 2);
refused(sync(), qr/it was cut/, 'half a snapshot');

# what came before the cut is not fetched again

write_file("$pub/$zst", $good{$zst});
$server->misbehave(snapshots => 'cut 300');
refused(sync(), qr/ended after/, 'a snapshot cut off once more');
$server->misbehave;
$server->fresh;
arrives(sync(), 6, 'by snapshot', 'a delta that is wrong: the snapshot instead');
ok((grep { /^206 snapshots/ } $server->fresh), '... from where it was cut');
is(verdict('six.example'), 20, '... and it is in force');
is_deeply([glob "$list.*.part"], [], 'no part is left');
write_file("$pub/$delta", $good{$delta});

$server->stop;
refused(sync(), qr/URL right, and the network/, 'the network down');
$server = Debar::Test::Static->new($pub);

# --- kills

sub killed {
    my ($ms, @cmd) = @_;
    my $pid = fork // die "fork: $!\n";

    if ($pid == 0) {
        open STDOUT, '>', '/dev/null';
        open STDERR, '>', '/dev/null';
        exec debar_path(), @cmd or POSIX::_exit(127);
    }

    sleep $ms / 1000;
    kill 'KILL', $pid;
    waitpid $pid, 0;

    return $? & 127;
}

my $seven = snapshot(7, map { "seven$_.example" } 1 .. 500);

propose($seven, $pub);
approve($seven, "$dir/root", qw(anna bob));

my ($half, $killed, $ms) = (0, 0, 1);

for ($ms = 1; $ms < 400; $ms = $ms * 1.2 + 1) {
    $killed += killed($ms, 'list', 'publish', "$seven.note", $seven, '--to',
                      $pub, '--root', "$dir/root") ? 1 : 0;

    # someone new fetches what is there now

    my $to = "$dir/new/list.mdb";

    remove_tree("$dir/new");
    make_path("$dir/new");
    $r = debar('list', 'sync', '--from', "file://$pub", '--root', "$dir/root",
               '--to', $to);
    $half++ if $r->{status} != 0 || $r->{out} !~ /serial [67] is in force/;
    diag($r->{err}) if $r->{status} != 0;
}

ok($killed > 3 && $half == 0,
   "a publication killed $killed times leaves the old list or the new one");
is(publish($seven)->{status}, 0, 'and can be done again');
is_deeply([glob "$pub/{,*/}{,.}*.tmp"], [], '... and leaves nothing over');

for my $how ('by delta', 'by snapshot') {
    my $bad = 0;

    $killed = 0;
    unlink glob "$pub/deltas/*" if $how eq 'by snapshot';

    for ($ms = 1; $ms < 300; $ms = $ms * 1.2 + 1) {
        copy("$dir/6.mdb", "$list.new");
        chmod 0444, "$list.new";
        unlink glob "$list.*[a-z]";
        copy("$dir/6.mdb", "$list.new");
        rename "$list.new", $list;
        chmod 0444, $list;

        $killed += killed($ms, 'list', 'sync', '--from', "file://$pub",
                          '--root', "$dir/root", '--to', $list) ? 1 : 0;

        $bad++ if debar('list', 'check', $list)->{status} != 0
                  || verdict('h1.example') != 20;
    }

    ok($killed > 3 && $bad == 0, "a sync $how killed $killed times leaves a "
       . 'whole list');
    arrives(sync(), 7, '', '... and the next one ends it');
}

is_deeply([glob "$dir/gateway/.*.tmp"], [], 'nothing is left of those');

# --- again and again

my $every = start_process('every', debar_path(), 'list', 'sync', '--from',
                          $server->url, '--root', "$dir/root", '--to', $list,
                          '--every', '1s');

release(8, undef, 'eight.example');
ok((eventually { verdict('eight.example') == 20 } 20), '--every takes the next one');
ok(stop_process($every), 'SIGTERM ends it');

# --- time and trust

release(9, trust_time(7200), 'nine.example');
arrives(sync(), 9, 'by', 'a list that holds for two hours');
is(sync_after('110m')->{status}, 0, 'after most of them it still holds');
$server->fresh;
refused(sync_after('121m'), qr/expire/,
        'a manifest frozen past its expiry is refused ...');
ok((grep { $_ eq '304 manifest' } $server->fresh), '... though it is a 304');

must('root', 'next', "$dir/root", '--revoke', 'bob', '--approver',
     "$dir/carol.pub", '-o', "$dir/root2");
must('root', 'sign', "$dir/root2", '--key', "$dir/$_", '--pass-file',
     $pass, '--from', "$dir/root", '--yes') for qw(anna bob carol);

my $ten = snapshot(10);

propose($ten, $pub);
approve($ten, "$dir/root", qw(anna bob));
write_file("$pub/roots/2", file_text("$dir/root2"));
manifest(file_text("$ten.note"));
refused(sync(), qr/revoked|bob|1 of/, 'a key that was revoked does not count');
is(publish($ten, "$dir/root2")->{status}, 1, '... nor where it is published');

unlink "$ten.note";
manifest(file_text("$pub/manifests/9"));
propose($ten, $pub);
approve($ten, "$dir/root2", qw(anna carol));
is(publish($ten, "$dir/root2")->{status}, 0, 'those of the next root publish');
arrives(sync(), 10, 'by', '... and who has the first root follows');

must('root', 'next', "$dir/root2", '--until', trust_time(7200), '-o',
     "$dir/root3");
must('root', 'sign', "$dir/root3", '--key', "$dir/$_", '--pass-file',
     $pass, '--from', "$dir/root2", '--yes') for qw(anna carol);
is(debar('list', 'publish', '--to', $pub, '--root', "$dir/root3")->{status}, 0,
   'a root is published alone');
is(sync()->{status}, 0, '... and taken up');
is(sync_after('110m')->{status}, 0, '... for as long as it holds');
refused(sync_after('121m'), qr/root.*(?:expired|until|past)/s,
        'a root past its time ends what it vouches for');

done_testing();
