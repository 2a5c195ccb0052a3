#!/usr/bin/perl

# `debar inspect --serve`: files read in processes of their own; what a worker
# may send, readers that die or stay too long, workers that go away, and how many
# there may be.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Debar::Test::Alone;
use Digest::SHA qw(sha256_hex);
use IO::Compress::Gzip qw(gzip);
use Test::More;
use Time::HiRes qw(time sleep);

use Debar::Test;
use Debar::Test::Inspector;

plan skip_all => 'a process that changes its user: only root can start it'
    if $> != 0;

local $SIG{PIPE} = 'IGNORE';

my $dir = test_dir();
my $user = 61236;
my %running;

sub start_inspector {
    my ($name, @args) = @_;
    my $at = "$dir/$name";

    mkdir $at;
    chown $user, $user, $at;

    my $r = run_command([debar_path(), 'inspect', '--serve', '--socket',
                         "$at/sock", '--pid', "$at/pid", '--log', "$at/log",
                         '--user', $user, '--daemon', @args]);

    is($r->{status}, 0, "$name starts") or diag($r->{err});
    $running{$name} = (file_text("$at/pid") =~ /(\d+)/)[0];

    return "$at/sock";
}

sub children_of {
    my ($pid) = @_;
    my $text = file_text("/proc/$pid/task/$pid/children") // '';

    return split ' ', $text;
}

# The keeper's child is the supervisor, whose children are readers.

sub readers {
    my ($name) = @_;

    return map { children_of($_) } children_of($running{$name});
}

sub found {
    my (@frames) = @_;

    return map { $_->[1] } grep { $_->[0] eq 'found' } @frames;
}

sub log_of { return file_text("$dir/$_[0]/log") // '' }

END {
    for my $pid (values %running) {
        kill TERM => $pid;
    }

    for my $pid (values %running) {
        eventually { !kill 0, $pid } 5;
    }
}


# --- files -------------------------------------------------------------------

my $socket = start_inspector('first', '--max', 8, '--time', 3);

my @frames = inspect_file($socket, "hello, world\n");
is($frames[0][0], 'taken', 'a file is taken');
is($frames[-1][0], 'done', '... and read');
is($frames[-1][1], 0, '... without a bound');

my ($file) = found(@frames);
is($file->{what}, 'file', 'the first finding is the file');
is($file->{depth}, 0, '... as a whole');
is($file->{size}, 13, '... with its size');
is($file->{sha256}, sha256_hex("hello, world\n"), '... and its digest');

my $big = join '', map { sprintf "%08x\n", $_ * 2654435761 % 4294967296 }
                   1 .. 100_000;

($file) = found(inspect_file($socket, $big,
                             more => [1, 4096, 300_000, 300_001, 700_000]));
is($file->{sha256}, sha256_hex($big), 'what grows is digested as it comes');

($file) = found(inspect_file($socket, $big . 'more', end => length $big));
is($file->{sha256}, sha256_hex($big), 'what stands behind its end is not');

($file) = found(inspect_file($socket, ''));
is($file->{sha256}, sha256_hex(''), 'an empty file is a file');


# --- codings -----------------------------------------------------------------

gzip(\$big => \my $packed);

@frames = inspect_file($socket, $packed, coding => 'gzip');
($file) = found(@frames);
is($file->{sha256}, sha256_hex($big), 'gzip is undone');
is($file->{size}, length $big, '... and its size is that of the file');
is($frames[-1][1], 0, '... without a bound');

@frames = inspect_file($socket, $packed, coding => 'sdch');
is($frames[-1][1], 0, 'a coding that nobody knows');
($file) = found(@frames);
is($file->{sha256}, sha256_hex($packed), '... is read as it comes');

@frames = inspect_file($socket, "no gzip at all\n" x 100, coding => 'gzip');
is($frames[-1][1] & 0x80, 0x80, 'bytes that are not of their coding are, too');

gzip(\("\0" x 200_000_000) => \my $bomb);
@frames = inspect_file($socket, $bomb, coding => 'gzip');
is($frames[-1][0], 'done', 'a bomb ends');
is($frames[-1][1] & 0x04, 0x04, '... at the bound of what it makes');


# --- workers that are wrong --------------------------------------------------

sub sent {
    my ($bytes, @fds) = @_;
    my $sock = inspect_connect($socket);

    inspect_send_fds($sock, $bytes, @fds);
    $sock->shutdown(1);

    my @got = inspect_read($sock, 8);

    return join ' ', map { $_->[0] } @got;
}

open my $w, '+>', undef or die;
syswrite $w, 'x' x 100;
open my $r, '<', '/proc/self/fd/' . fileno $w or die;
open my $room, '+>', undef or die;
open my $folder, '<', '/' or die;
open my $null, '<', '/dev/null' or die;
my @fds = (fileno $r, fileno $room);
my $begin = inspect_begin();
my $end = inspect_frame(3, pack 'Q>', 100);

like(sent($begin . $end, @fds), qr/^taken( found)+ done$/,
     'BEGIN and END in one piece');
is(sent($begin . $end), 'closed', 'no descriptors');
is(sent($begin . $end, $fds[0]), 'closed', 'one descriptor');
is(sent($begin . $end, @fds, fileno $null), 'closed', 'three descriptors');
is(sent($begin . $end, fileno $w, fileno $room), 'closed',
   'a file that could be written');
is(sent($begin . $end, fileno $r, fileno $r), 'closed', 'no room');
is(sent($begin . $end, fileno $r, fileno $w), 'closed',
   'a room that is the file');
is(sent($begin . $end, fileno $folder, fileno $room), 'closed', 'a folder');
is(sent($begin . $end, fileno $null, fileno $room), 'closed', 'a device');
is(sent($end . $begin, @fds), 'closed', 'END before BEGIN');
is(sent(inspect_begin(version => 2) . $end, @fds), 'closed',
   'another version');
is(sent("\0\0\0\0", @fds), 'closed', 'an empty frame');
is(sent("\xff\xff\xff\xff" . 'a' x 100, @fds), 'closed', 'an endless frame');
is(sent($begin . inspect_frame(3, pack 'Q>', 101), @fds), 'taken closed',
   'an END behind the end');
is(sent($begin . inspect_frame(2, pack 'Q>', 50)
        . inspect_frame(2, pack 'Q>', 49) . $end, @fds), 'taken closed',
   'a file that shrinks');
is(sent($begin . $begin, @fds), 'taken closed', 'BEGIN twice');
is(sent(substr($begin, 0, 9), @fds), 'closed', 'half a frame');

ok(eventually(sub { !readers('first') }, 10), 'no reader stays');

my @after = inspect_file($socket, "still here\n");
is($after[-1][0], 'done', 'and the next file is read');


# --- readers that die or stay ------------------------------------------------

sub begun {
    eventually { !readers('first') } 10;    # the one before may be ending

    my $sock = inspect_connect($socket);

    inspect_send_fds($sock, $begin, @fds);
    ok(eventually(sub { scalar readers('first') }, 5), 'a reader runs');

    return ($sock, readers('first'));
}

{
    my ($sock, $pid) = begun();
    my $taken = '';

    sysread $sock, $taken, 5;

    my $status = file_text("/proc/$pid/status");
    like($status, qr/^Seccomp:\s+2$/m, 'it is under a filter');
    like($status, qr/^NoNewPrivs:\s+1$/m, '... without new privileges');
    like($status, qr/^Uid:\s+$user\s/m, '... as another user');
    my @open = glob "/proc/$pid/fd/*";
    cmp_ok(scalar @open, '<=', 6, '... with its own descriptors only')
        or diag(join ' ', map { readlink } @open);

    kill KILL => $pid;
    my @got = inspect_read($sock, 5);
    is($got[-1][0], 'closed', 'a reader that dies closes');
    ok(eventually(sub { log_of('first') =~ /a reader died \(signal 9/ }, 5),
       '... and the log says so');
}

{
    my ($sock, $pid) = begun();

    kill STOP => $pid;
    close $sock;
    ok(eventually(sub { !kill 0, $pid }, 8),
       'one that does not go when its worker went is killed');
}

{
    my ($sock, $pid) = begun();

    close $sock;
    ok(eventually(sub { !readers('first') }, 5),
       'one whose worker went away goes');
}

{
    eventually { !readers('first') } 10;

    my @socks = map { my $s = inspect_connect($socket);
                      inspect_send_fds($s, $begin, @fds); $s } 1 .. 8;

    ok(eventually(sub { readers('first') == 8 }, 5), 'eight files at once');

    my @got = inspect_read(inspect_connect($socket), 5);
    is($got[0][0], 'refused', 'a ninth is refused');
    like($got[0][1], qr/too many files at once/, '... and told why');

    for my $s (@socks) {
        syswrite $s, $end;
    }

    is(join(' ', map { (inspect_read($_, 10))[-1][0] } @socks),
       join(' ', ('done') x 8), '... while the eight are read');
}

is((inspect_file($socket, "and on\n"))[-1][0], 'done', 'and it goes on');


# --- the supervisor ----------------------------------------------------------

my ($supervisor) = children_of($running{first});
kill KILL => $supervisor;
ok(eventually(sub { my ($p) = children_of($running{first});
                    $p && $p != $supervisor }, 10),
   'a supervisor that dies is started again');
ok(eventually(sub { (eval { inspect_file($socket, "x") })[-1][0] eq 'done' },
              10), '... and serves');

kill TERM => $running{first};
ok(eventually(sub { !kill 0, $running{first} }, 5), 'SIGTERM ends it');
ok(!-e $socket, '... and its socket');
delete $running{first};

done_testing();
