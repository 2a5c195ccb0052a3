#!/usr/bin/perl

# How tunnels live and end: every byte, both ends, many at once, clients that go
# away at any moment, and a reload meanwhile.  What a connection leaves behind
# is counted in the worker's sockets.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Debar::Test::Alone;
use IO::Socket::IP;
use Test::More;
use Time::HiRes qw(time);

use Debar::Test;
use Debar::Test::Dns;
use Debar::Test::Gateway;
use Debar::Test::Origin;
use Debar::Test::Raw;
use Debar::Test::Tunnel;

my $dns = Debar::Test::Dns->new(names => {
    'echo.neutral.example'   => ['127.0.0.2'],
    'silent.neutral.example' => ['127.0.0.4'],
    'close.neutral.example'  => ['127.0.0.7'],
    'count.neutral.example'  => ['127.0.0.8'],
    'slow.neutral.example'   => ['127.0.0.6'],
});
my $size = 16 * 1024 * 1024;
my $origin = Debar::Test::Origin->new(listen => ['127.0.0.1:80']);
my $raw = Debar::Test::Raw->new(at => {
    '127.0.0.2:443' => 'echo', '127.0.0.4:443' => 'silent',
    '127.0.0.7:443' => 'close', '127.0.0.8:443' => "count $size",
});

my $gw = Debar::Test::Gateway->new(
    list => write_list(test_dir() . '/list'),
    front => { debar_head_timeout => '20s', debar_hello_timeout => '20s' });
my @workers = $gw->workers;

my $hello = sub { Debar::Test::Tunnel::made_hello(names => [$_[0]]) };
my $echo = 'echo.neutral.example';
my $first = $hello->($echo);

# A tunnel in which the hello has come back.

sub up {
    my ($g) = @_;
    my $t = $g->tunnel("$echo:443", after => $first);

    return if $t->status != 200;

    eventually { $t->fill(0.2); length $t->{in} >= length $first } 10;
    return if substr($t->{in}, 0, length $first, '') ne $first;

    return $t;
}


# Says bytes and takes the same number back.

sub bounce {
    my ($t, $bytes) = @_;

    $t->send($bytes) or return 'not sent';
    eventually { $t->fill(0.5); length $t->{in} >= length $bytes } 30;

    my $got = substr $t->{in}, 0, length $bytes, '';

    return $got eq $bytes ? 'same' : 'got ' . length $got;
}


# Sockets as they were before; the resolver's are there after the first name.

up($gw)->close;
$gw->get('http://www.neutral.example/close');

my $idle;

eventually {
    my $n = $gw->sockets;
    my $same = defined $idle && $n == $idle;

    $idle = $n if !$same;
    select undef, undef, undef, 0.2;
    $same;
} 5;

sub nothing_left {
    my ($what, $seconds) = @_;
    my $n;
    my $same = eventually { ($n = $gw->sockets) <= $idle } $seconds // 5;

    ok($same, "$what: no connection is left")
        or diag "$n sockets, $idle before";
}


# Every byte, both ways.

my $t = up($gw);

ok($t, 'a tunnel carries the hello to the origin and back');
is(bounce($t, 'a'), 'same', 'one byte');
is(bounce($t, join '', map { chr } 0 .. 255), 'same', 'every value of a byte');
is(bounce($t, Debar::Test::Origin::bytes($size)), 'same',
   '16 MiB there and back at the same time');
$t->close;
nothing_left('a client that closes');

$t = $gw->tunnel('count.neutral.example:443',
                 after => $hello->('count.neutral.example'));
eventually { $t->fill(1); length $t->{in} >= $size } 30;
ok($t->{in} eq Debar::Test::Origin::bytes($size), '16 MiB down, byte for byte');
$t->close;
nothing_left('a download that is over');

$t = $gw->tunnel('silent.neutral.example:443',
                 after => my $quiet = $hello->('silent.neutral.example'));
$t->send(Debar::Test::Origin::bytes($size));
$t->half_close;

my ($fin) = eventually {
    my ($e) = grep { $_->{event} eq 'fin' && $_->{local} =~ /^127\.0\.0\.4:/ }
              $raw->events;
    $e;
} 15;

is($fin->{total}, $size + length $quiet, '16 MiB up, and their end');
$t->close;
nothing_left('an upload that is over');


# Ends, one after the other.

$t = up($gw);
$t->send('last words');
$t->half_close;
is($t->rest(10), 'last words',
   'what was said before a half-close comes back, then the end');
$t->close;
nothing_left('a half-close');

$t = $gw->tunnel('close.neutral.example:443',
                 after => $hello->('close.neutral.example'));
is($t->rest(10), '', 'an origin that closes ends the tunnel');
$t->close;
nothing_left('an origin that closes');


# Clients that go away at every moment.  The listener of "slow" takes no more
# connections, and the DNS is stopped for "resolving".

my $listed = "CONNECT www.listed.example:443 HTTP/1.1\r\n\r\n";
my $head = "CONNECT $echo:443 HTTP/1.1\r\nHost: $echo:443\r\n\r\n";
my $slow = IO::Socket::IP->new(LocalHost => '127.0.0.6', LocalPort => 443,
                               Listen => 1, ReuseAddr => 1)
    or die "127.0.0.6:443: $!\n";
my @fill = map {
    IO::Socket::IP->new(PeerHost => '127.0.0.6', PeerPort => 443,
                        Blocking => 0)
} 1 .. 4;

my @stages = (
    ['before the head', sub { $gw->client }],
    ['in the method', sub { my $c = $gw->client; $c->send('CONN'); $c }],
    ['in the head', sub {
        my $c = $gw->client;
        $c->send(substr $head, 0, 30);
        $c;
    }],
    ['behind a head that is refused', sub {
        $gw->tunnel('', head => $listed, answer => 0);
    }],
    ['behind a 403', sub { $gw->tunnel('', head => $listed) }],
    ['while the origin is dialled', sub {
        $gw->tunnel('slow.neutral.example:443', answer => 0);
    }],
    ['behind the head, at once', sub {
        $gw->tunnel('', head => $head, answer => 0);
    }],
    ['behind the 200', sub { $gw->tunnel('', head => $head) }],
    ['with half a hello', sub {
        my $t = $gw->tunnel('', head => $head);
        $t->send(substr $first, 0, 50);
        $t;
    }],
    ['with a hello in the middle of a record', sub {
        my $t = $gw->tunnel('', head => $head);
        $t->send(substr Debar::Test::Tunnel::records($first, 16), 0, 100);
        $t;
    }],
    ['behind the hello, at once', sub {
        $gw->tunnel('', head => $head . $first, answer => 0);
    }],
    ['behind a hello that is refused', sub {
        my $t = $gw->tunnel('', head => $head);
        $t->send($hello->('www.listed.example'));
        $t;
    }],
    ['in the tunnel', sub { up($gw) }],
    ['in the middle of a transfer', sub {
        my $t = up($gw);
        $t->send('x' x 3000000);
        $t;
    }],
);

for my $stage (@stages) {
    my ($when, $make) = @$stage;

    for my $how (['closes', sub { $_[0]->close }],
                 ['resets', sub { $_[0]->abort }],
                 ['half-closes, then closes',
                  sub { $_[0]->half_close; $_[0]->fill(0.05); $_[0]->close }])
    {
        my @c = map { $make->() } 1 .. 3;

        is(scalar(grep { $_ } @c), 3, "three clients: $when")
            or next;
        $how->[1]->($_) for @c;
        nothing_left("a client that $how->[0] $when");
    }
}

$_->close for grep { $_ } @fill;
$slow->close;

# Clients that stay when they have been told to go.

my @told = (
    ['a 403', sub { $gw->tunnel('', head => $listed) }],
    ['a 400', sub { $gw->tunnel('', head => "CONNECT x HTTP/1.1\r\n\r\n") }],
    ['a 431', sub {
        $gw->tunnel('', head => "CONNECT $echo:443 HTTP/1.1\r\nX: "
                                . 'x' x 40000);
    }],
    ['a 502', sub { $gw->tunnel('127.0.0.9:443') }],
    ['an alert', sub {
        my $t = $gw->tunnel('', head => $head);
        $t->send($hello->('www.listed.example'));
        $t->fill(5);
        $t;
    }],
);

# All at once, for what is left of them is waited out.

my $behind = join ', ', map { $_->[0] } @told;
my @stay = map { my $make = $_->[1]; map { $make->() } 1 .. 3 } @told;

nothing_left("behind $behind: clients that stay", 6);
$_->close for @stay;

my @send = map { $_->[1]->() } @told;

$_->{timeout} = 0 for @send;

my $gone = eventually {
    for my $c (@send) {
        $c->send('more ' x 100) if !$c->{closed};
        $c->fill(0.01);
    }

    $gw->sockets <= $idle;
} 8;

ok($gone, "behind $behind: nor is any of clients that do not stop sending");
$_->close for @send;

kill 'STOP', $dns->{pid};

for my $how ('close', 'abort') {
    my @c = map { $gw->tunnel("unknown-$_-$how.neutral.example:443",
                              answer => 0) } 1 .. 3;

    select undef, undef, undef, 0.05;
    $_->$how for @c;
    nothing_left("a client that goes while a name is asked for ($how)", 8);
}

kill 'CONT', $dns->{pid};

ok(my $after = up($gw), 'a tunnel opens after all of that');
$after->close if $after;


# Many.

my @many = map { up($gw) } 1 .. 300;

is(scalar(grep { $_ } @many), 300, '300 tunnels stand open at once');
cmp_ok($gw->sockets - $idle, '<=', 600,
       'with two sockets each and none beside them');
is(scalar(grep { bounce($many[$_], "tunnel $_ says this") eq 'same' }
          0 .. $#many), 300, 'and each gives back its own bytes');
is($gw->get('http://www.neutral.example/')->{status}, 200,
   'plain HTTP is served beside them');


# More clients than connections: those who say nothing make room.

my $small = Debar::Test::Gateway->new(
    name => 'small', port => 3129, list => write_list(test_dir() . '/small'),
    conf => { worker_connections => 128 }, front => {
        debar_head_timeout => '60s', debar_hello_timeout => '60s' });

my @quiet = map { $small->client } 1 .. 300;

is($small->tunnel("$echo:443", timeout => 5)->status, 200,
   'a tunnel opens beside more silent clients than there are connections');
is($small->tunnel('www.listed.example:443', timeout => 5)->status, 403,
   'and a refusal is given');
is($small->get('http://www.neutral.example/')->{status}, 200,
   'and plain HTTP served');
$_->close for @quiet;
@quiet = grep { $_->status == 200 }
         map { $small->tunnel("$echo:443", timeout => 2) } 1 .. 100;
cmp_ok(scalar @quiet, '>', 20, 'tunnels without a hello make room as well');
is($small->tunnel('www.listed.example:443', timeout => 5)->status, 403,
   'for the next CONNECT');
$_->close for @quiet;
unlike($small->error_log, qr/exited on signal/, 'no worker has crashed');
$small->stop;


# A reload with tunnels open: the old worker carries them to their end.

$many[$_]->close for 10 .. 299;
@many = @many[0 .. 9];

sub gone {
    my (@pids) = @_;

    return eventually { 0 == grep { running($_) } @pids } 10;
}

my @before = $gw->workers;

is($gw->command('reload')->{status}, 0, 'a reload is taken with tunnels open');
ok(eventually {
    grep { my $w = $_; !grep { $_ == $w } @before } $gw->workers;
}, 'a new worker comes');
is(scalar(grep { bounce($_, 'still here') eq 'same' } @many), 10,
   'the tunnels of before go on');
ok(my $new = up($gw), 'new ones open meanwhile');
is($gw->tunnel('www.listed.example:443')->status, 403, 'and are judged');
$_->close for @many;
ok(gone(@before),
   'the old worker goes when the last of its tunnels has ended');
$new->close if $new;
nothing_left('the reload');

# An old worker that is still reading heads and hellos does not stay either.

my @half = ($gw->client, $gw->tunnel('', head => $head));

$half[0]->send(substr $head, 0, 20);
@before = $gw->workers;
$gw->command('reload');
$_->close for @half;
ok(gone(@before),
   'clients of half a head and half a hello do not hold an old worker');

ok($t = up($gw), 'a tunnel stands');
is($gw->stop->{status}, 0, 'and a stop ends the gateway all the same');

is($gw->complaints, '',
   'no worker has crashed, none has complained of open sockets');

done_testing;
