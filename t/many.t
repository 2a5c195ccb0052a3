#!/usr/bin/perl

# Very many tunnels open at once: each carries bytes, all of them close, and
# what they took comes back.  DEBAR_MANY says how many, 2,000 by default;
# `make soak` has 10,000.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Debar::Test::Alone;
use POSIX ();
use Socket qw(:DEFAULT IPPROTO_TCP TCP_NODELAY);
use Test::More;
use Time::HiRes qw(time);

use Debar::Test;
use Debar::Test::Dns;
use Debar::Test::Gateway;
use Debar::Test::Origin;
use Debar::Test::Tunnel;

my $many = $ENV{DEBAR_MANY} || 2000;
my $wave = 250;
my $limit = 0;

# A worker has two descriptors a tunnel; where the limit does not let one have
# them all, more workers share them, each with an equal part of the accepts.

$limit = $1 if (file_text('/proc/self/limits') // '')
               =~ /^Max open files\s+\d+\s+(\d+)/m;

plan skip_all => "$many clients need more open files than $limit"
    if $limit < $many + 200;

my $workers = POSIX::ceil(2 * $many / ($limit * 0.8 - 200));
my $host = 'echo.neutral.example';
my $hello = Debar::Test::Tunnel::made_hello(names => [$host]);


# An origin that gives back every byte.  IO::Select would be asked for each of
# ten thousand sockets at each turn.

sub origin {
    my ($listener) = @_;
    my $in = '';
    my %s = (fileno $listener, $listener);

    vec($in, fileno $listener, 1) = 1;

    while (1) {
        my $ready = $in;

        next if select($ready, undef, undef, 5) <= 0;

        my $bits = unpack 'b*', $ready;

        for (my $fd = -1; ($fd = index $bits, '1', $fd + 1) >= 0; ) {
            if ($s{$fd} == $listener) {
                while (accept my $c, $listener) {
                    setsockopt $c, IPPROTO_TCP, TCP_NODELAY, 1;
                    $s{ fileno $c } = $c;
                    vec($in, fileno $c, 1) = 1;
                }

                next;
            }

            if (sysread $s{$fd}, my $bytes, 16384) {
                syswrite $s{$fd}, $bytes;
                next;
            }

            vec($in, $fd, 1) = 0;
            close delete $s{$fd};
        }
    }
}


my $dns = Debar::Test::Dns->new(names => { $host => ['127.0.0.2'] });
my $plain = Debar::Test::Origin->new(listen => ['127.0.0.1:80']);

start_process('echo', sub {
    my $l = IO::Socket::INET->new(LocalAddr => '127.0.0.2', LocalPort => 443,
                                  Listen => 4096, ReuseAddr => 1)
        or die "127.0.0.2:443: $!\n";

    $l->blocking(0);
    $SIG{PIPE} = 'IGNORE';
    origin($l);
});
eventually { port_answers('127.0.0.2', 443) } 10
    or die "the origin does not start\n";

my $gw = Debar::Test::Gateway->new(
    list => write_list(test_dir() . '/list'), workers => $workers,
    conf => { worker_connections => int(2.5 * $many) + 512 },
    front => { debar_head_timeout => '60s', debar_hello_timeout => '60s' });

if ($workers > 1) {
    my $text = file_text($gw->conf_file);

    $text =~ s/^(\s*listen [^;\n]*:3128[^;\n]*);/$1 reuseport;/m;
    write_file($gw->conf_file, $text);
    $gw->stop;
    $gw->start;
}

my $connect = "CONNECT $host:443 HTTP/1.1\r\nHost: $host:443\r\n\r\n";
my $to = pack_sockaddr_in(3128, inet_aton('127.0.0.1'));
my $ok = qr/\AHTTP\/1\.1 200 [^\r]*\r\n(?:[^\r]+\r\n)*\r\n/;
my $round = 0;


# One wave of clients, every step for all of them before the next; a wait has
# a bound by SO_RCVTIMEO.

sub wave {
    my ($n) = @_;
    my @c;

    $round++;

    for my $i (1 .. $n) {
        socket my $s, PF_INET, SOCK_STREAM, 0 or die "socket: $!\n";
        setsockopt $s, SOL_SOCKET, SO_RCVTIMEO, pack 'l!l!', 20, 0;
        setsockopt $s, IPPROTO_TCP, TCP_NODELAY, 1;
        bind $s, pack_sockaddr_in(0, pack 'C4', 127, 1, $round & 255, $i & 255)
            or die "bind: $!\n";
        connect $s, $to or next;
        syswrite $s, $connect . $hello;
        push @c, $s;
    }

    return grep {
        my ($s, $got) = ($_, '');
        my $want;

        while (1) {
            if (!defined $want && $got =~ $ok) {
                $want = $+[0] + length $hello;
            }

            last if defined $want && length $got >= $want;
            sysread $s, $got, 65536, length $got or last;
        }

        defined $want && substr($got, $want - length $hello) eq $hello;
    } @c;
}


sub open_all {
    my @c;

    while (@c < $many) {
        my $n = $many - @c < $wave ? $many - @c : $wave;
        my @new = wave($n);

        push @c, @new;
        last if @new < $n;
    }

    return @c;
}


# Clients of @_ that get back a text of their own.

sub bounced {
    my (@c) = @_;
    my $n = 0;

    syswrite $c[$_], "tunnel $_" for 0 .. $#c;

    for my $i (0 .. $#c) {
        my ($want, $got) = ("tunnel $i", '');

        while (length $got < length $want) {
            sysread $c[$i], $got, 100, length $got or last;
        }

        $n++ if $got eq $want;
    }

    return $n;
}


# Memory that the workers alone hold, in KiB.

sub memory {
    my $sum = 0;

    for my $pid ($gw->workers) {
        (file_text("/proc/$pid/smaps_rollup") // '') =~ /^Pss_Anon:\s+(\d+)/m
            or (file_text("/proc/$pid/status") // '') =~ /RssAnon:\s+(\d+)/;
        $sum += $1 // 0;
    }

    return $sum;
}


# Sockets as they are when the resolver has been asked once by every worker.

for (1 .. 20 * $workers) {
    my @c = wave(1);

    @c == 1 or die "no tunnel opens\n";
}

$gw->get('http://www.neutral.example/close') for 1 .. 20 * $workers;

my $idle;

eventually {
    my $n = $gw->sockets;
    my $same = defined $idle && $n == $idle;

    $idle = $n if !$same;
    select undef, undef, undef, 0.2;
    $same;
} 5;

my (@kib, @open) = (memory());

for my $turn (1 .. 6) {
    my $began = time;
    my @c = open_all();

    is(scalar @c, $many, "turn $turn: $many tunnels stand open at once")
        or last;
    diag sprintf '%d tunnels in %.1f s, %d workers, %.1f KiB each', $many,
         time - $began, $workers, (memory() - $kib[0]) / $many
        if $ENV{DEBAR_MANY} && $turn == 1;
    is($gw->sockets - $idle, 2 * $many,
       'with two sockets each and none beside them') if $turn == 1;

    if ($turn == 1) {
        is(bounced(@c), $many, 'and each gives back its own bytes');
        is($gw->get('http://www.neutral.example/close')->{status}, 200,
           'plain HTTP is served beside them');
        is($gw->tunnel('www.listed.example:443')->status, 403,
           'and a refusal is given');
    }

    push @open, memory();

    # Half of them end in a reset.

    if ($turn == 2) {
        setsockopt $c[$_], SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0
            for map { 2 * $_ } 0 .. $#c / 2;
    }

    close $_ for @c;
    @c = ();

    my $left;
    my $same = eventually { ($left = $gw->sockets) <= $idle } 30;

    ok($same, 'they close: no connection is left')
        or diag "$left sockets, $idle before";
    push @kib, memory();
}

# malloc keeps what it was given for the next turn, or gives it back.

SKIP: {
    skip 'a sanitizer keeps what was freed', 2 if $ENV{ASAN_OPTIONS};

    cmp_ok($open[-1], '<', 1.2 * $open[1] + 1024,
           'the last turn took no more memory than the second');
    cmp_ok($kib[-1], '<', $open[-1] + 1024, 'and kept none');
}

diag "KiB open: @open; before, and behind each turn: @kib"
    if $ENV{DEBAR_MANY};


is(scalar wave(1), 1, 'a tunnel opens after all of that');
is($gw->complaints, '', 'no worker has complained');

done_testing;
