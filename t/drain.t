#!/usr/bin/perl

# What a reload, a stop and an upgrade of the binary do to tunnels that carry
# data: they go on to their end in the old worker, or to the end of
# worker_shutdown_timeout, while a new one serves what is new.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Debar::Test::Alone;
use Test::More;
use Time::HiRes qw(time);

use Debar::Test;
use Debar::Test::Dns;
use Debar::Test::Gateway;
use Debar::Test::Origin;
use Debar::Test::Raw;
use Debar::Test::Tls;
use Debar::Test::Tunnel;

my $size = 24 * 1024 * 1024;
my $echo = 'echo.neutral.example';
my $dns = Debar::Test::Dns->new(names => {
    $echo => ['127.0.0.2'], 'count.neutral.example' => ['127.0.0.8'],
});
my $origin = Debar::Test::Origin->new(listen => ['127.0.0.1:80']);
my $raw = Debar::Test::Raw->new(at => {
    '127.0.0.2:443' => 'echo', '127.0.0.8:443' => "count $size" });
my $gw = Debar::Test::Gateway->new(
    list => write_list(test_dir() . '/list'),
    conf => { worker_shutdown_timeout => '120s' },
    front => { debar_head_timeout => '60s', debar_hello_timeout => '60s' });

my $hello = sub { Debar::Test::Tunnel::made_hello(names => [$_[0]]) };
my $first = $hello->($echo);
my $head = "CONNECT $echo:443 HTTP/1.1\r\nHost: $echo:443\r\n\r\n";


# A tunnel in which the hello has come back.

sub up {
    my $t = $gw->tunnel("$echo:443", after => $first);

    return if $t->status != 200;

    eventually { $t->fill(0.2); length $t->{in} >= length $first } 10;

    return substr($t->{in}, 0, length $first, '') eq $first ? $t : undef;
}


# How many of them take a text to the origin and back.

sub alive {
    my (@t) = @_;

    $_->send("still $_") for @t;

    return scalar grep {
        my ($t, $want) = ($_, "still $_");

        eventually { $t->fill(0.5); length $t->{in} >= length $want
                     || $t->{closed} } 10;
        substr($t->{in}, 0, length $want, '') eq $want;
    } @t;
}


# A download that stands in its middle, and the rest of it.

sub half {
    my $host = 'count.neutral.example';
    my $t = $gw->tunnel("$host:443", after => $hello->($host));

    eventually { $t->fill(1); length $t->{in} > 1_000_000 } 10;

    return $t;
}

sub whole {
    my ($t) = @_;

    eventually { $t->fill(1); length $t->{in} >= $size || $t->{closed} } 20;

    return $t->{in} eq Debar::Test::Origin::bytes($size);
}


sub others {
    my (@before) = @_;
    my %was = map { $_ => 1 } @before;

    return grep { !$was{$_} } $gw->workers;
}


sub renewed {
    my (@before) = @_;

    return eventually { my @new = others(@before); scalar @new } 10;
}


sub closed {
    my ($c) = @_;

    return eventually { my $n = $c->fill(0.5); $c->{closed} } 5;
}


sub gone {
    my ($seconds, @pids) = @_;

    return eventually { 0 == grep { running($_) } @pids } $seconds;
}


sub serves {
    my ($when) = @_;
    my $t = up();

    is(alive($t ? $t : ()), 1, "$when: a new tunnel opens");
    is($gw->tunnel('www.listed.example:443')->status, 403,
       'a listed host is refused');
    is($gw->get('http://www.neutral.example/close')->{status}, 200,
       'and plain HTTP served');
    $t->close if $t;
}


# Three reloads, with tunnels of each worker.

my (@old, @open);
my $half = half();

for my $n (1 .. 3) {
    my @before = $gw->workers;

    push @open, map { up() } 1 .. 5;
    push @old, @before;
    is($gw->command('reload')->{status}, 0, "reload $n is taken");
    ok(renewed(@before), 'a new worker comes')
        or last;
    serves("behind reload $n");
}

@old = do { my %o; grep { !$o{$_}++ } @old };
is(alive(grep { $_ } @open), 15, 'the tunnels of three old workers go on');
ok(whole($half), 'a download that they were in is whole, byte for byte');
$half->close;
$_->close for @open;
ok(gone(10, @old), 'and the workers go when their last tunnel has ended');


# A reload that nginx refuses.

my $conf = file_text($gw->conf_file);
my @stay = $gw->workers;
my $t = up();

write_file($gw->conf_file, $conf =~ s/debar_tunnel_other \w+/$& maybe/r);
isnt($gw->command('reload')->{status}, 0, 'a reload with a fault is refused');
kill 'HUP', $gw->pid;
serves('then');
is(alive($t), 1, 'the tunnel of before goes on');
is("@{[$gw->workers]}", "@stay", 'in the worker that there was');
$t->close;
write_file($gw->conf_file, $conf);


# worker_shutdown_timeout: what is open then is closed, at every stage.

my $to = 2;

$gw->set('worker_shutdown_timeout', "${to}s");
$gw->command('reload');
ok(gone(10, @stay), 'the next reload is taken');
renewed(@stay);

my @stages = (
    ['before the head', sub { $gw->client }],
    ['in the head', sub {
        my $c = $gw->client;
        $c->send(substr $head, 0, 30);
        $c;
    }],
    ['behind the 200', sub { $gw->tunnel('', head => $head) }],
    ['with half a hello', sub {
        my $t = $gw->tunnel('', head => $head);
        $t->send(substr $first, 0, 50);
        $t;
    }],
    ['in the tunnel', sub { up() }],
    ['in the middle of a download', sub { half() }],
    ['in a request of plain HTTP', sub {
        my $c = $gw->client;
        $c->send("POST http://www.neutral.example/echo HTTP/1.1\r\n"
                 . "Host: www.neutral.example\r\nContent-Length: 9\r\n\r\nx");
        $c;
    }],
    ['while a name is asked for', sub {
        kill 'STOP', $dns->{pid};
        $gw->tunnel('late.neutral.example:443', answer => 0);
    }],
);
my @c = map { [$_->[0], $_->[1]->()] } @stages;
my @before = $gw->workers;
my $began = time;
my ($busy) = grep { $_->[0] eq 'in the tunnel' } @c;

$gw->command('reload');
renewed(@before);
is(alive($busy->[1]), 1, 'a tunnel goes on when the reload has come');
ok(gone($to + 8, @before), "with worker_shutdown_timeout the worker goes");
cmp_ok(time - $began, '<', $to + 4, 'in that time');
cmp_ok(time - $began, '>', $to - 0.5, 'and not before');
kill 'CONT', $dns->{pid};

for my $c (@c) {
    my ($when, $s) = @$c;

    ok(closed($s), "a client $when is closed");
}

serves('then');


# An upgrade of the binary.

$gw->set('worker_shutdown_timeout', '120s');
$gw->reload;
@open = map { up() } 1 .. 5;
$half = half();

my $master = $gw->pid;

@before = $gw->workers;
kill 'USR2', $master;
ok((eventually { my $p = $gw->pid; $p && $p != $master && $gw->workers } 10),
   'a new binary starts with tunnels open');
kill 'QUIT', $master;
serves('behind the upgrade');
ok(running($master), 'the old one stays with its tunnels');
is(alive(grep { $_ } @open), 5, 'which go on');
ok(whole($half), 'a download is whole, byte for byte');
$half->close;
$_->close for @open;
ok(gone(10, $master, @before), 'and it goes when they have ended');
serves('from then on');


# A stop.

$gw->set('worker_shutdown_timeout', "${to}s");
$gw->reload;
@c = map { [$_->[0], $_->[1]->()] } @stages[0 .. 5];
@before = ($gw->pid, $gw->workers);
is($gw->stop->{status}, 0, 'a stop is taken with clients at every stage');
ok(gone($to + 8, @before), 'and nothing of the gateway is left');
is(join(', ', map { closed($_->[1]) ? () : $_->[0] } @c), '',
   'every client is closed');

my $complaints = $gw->complaints;



# A gateway that looks into TLS: downloads go on, idle connections are closed,
# and the next worker has leaves.

my $tls = Debar::Test::Tls->new(listen => ['127.0.0.1:443'], files => 1);

$tls->put('big.bin', Debar::Test::Origin::bytes(6_000_000));
$gw = Debar::Test::Gateway->new(
    name => 'inspecting', list => write_list(test_dir() . '/list-2'),
    inspect => 1, upstream_ca => $tls->ca,
    conf => { worker_shutdown_timeout => '120s' });

my $ca = $gw->dir . '/ca/ca.pem';
my $www = 'www.neutral.example';
my $inside = sub {
    my $t = $gw->tunnel("$www:443");

    return $t->tls(sni => $www, ca => $ca) eq 'up' ? $t : undef;
};

my %got = map { $_ => test_dir() . "/got$_" } '--http1.1', '--http2';
my %pid = map {
    $_ => start_process("curl$_", 'curl', '-sS', $_, '--limit-rate', '2M',
                        '-m', 20, '-x', 'http://127.0.0.1:3128', '--cacert',
                        $ca, '-o', $got{$_}, "https://$www/big.bin")
} keys %got;
my $idle = $inside->();

is($idle->get('/big.bin', host => $www)->{status}, 200,
   'a request inside of TLS');
ok((eventually { 2 == grep { -s $_ } values %got } 10), 'downloads begin');

@before = $gw->workers;
$gw->command('reload');
ok(renewed(@before), 'a new worker comes');
ok(closed($idle), 'a connection between two requests is closed');
ok((grep { running($_) } @before), 'the old worker stays with its downloads');

my $next = $inside->();

is($next ? $next->get('/big.bin', host => $www)->{status} : 0, 200,
   'the new one shows leaves and serves');

for my $how (sort keys %got) {
    ok((eventually { waitpid $pid{$how}, 1; !running($pid{$how}) } 20),
       "curl $how ends");
    ok(file_text($got{$how}) eq Debar::Test::Origin::bytes(6_000_000),
       'with every byte');
}

ok(gone(10, @before), 'and the old worker goes');
is($gw->complaints, '', 'without a complaint');

$gw->stop;

is(join('', grep { !/"debar_tunnel_other"/ } split /^/m, $complaints), '',
   'no worker has crashed, none has complained of open sockets');

done_testing;
