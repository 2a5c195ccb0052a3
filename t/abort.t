#!/usr/bin/perl

# Clients of a gateway that looks into TLS, and go away: at every stage from
# the head of the CONNECT to the middle of an answer, by FIN, RST and half-close,
# in HTTP/1.1 and HTTP/2.  What they leave behind is counted in the worker's
# sockets, and under `make sanitize` in memory that nobody holds.  Tunnels that
# are not looked into: tunnel.t.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Debar::Test::Alone;
use IO::Socket::IP;
use Test::More;

use Debar::Test;
use Debar::Test::Dns;
use Debar::Test::Gateway;
use Debar::Test::H2;
use Debar::Test::Origin;
use Debar::Test::Pki;
use Debar::Test::Raw;
use Debar::Test::TlsOrigin;
use Debar::Test::Tunnel;

my $pki = Debar::Test::Pki->new;
my $dns = Debar::Test::Dns->new(names => {
    'mute.neutral.example' => ['127.0.0.4'],
    'slow.neutral.example' => ['127.0.0.6'],
});
my $raw = Debar::Test::Raw->new(at => { '127.0.0.4:443' => 'silent' });
my $origin = Debar::Test::TlsOrigin->new(servers => [
    { cert => $pki->leaf(['*.neutral.example']),
      more => 'location /hang { proxy_pass http://127.0.0.4:443; }' },
]);

# No connection to an origin is kept, so that each one that stays is seen; the
# signer, when it is stopped, is given up soon.

my $gw = Debar::Test::Gateway->new(
    list => write_list(test_dir() . '/list'), inspect => 1,
    upstream_ca => $pki->ca, start => 0);

$gw->set_front(debar_sign => 'unix:' . $gw->dir . '/run/sign.sock timeout=1s');
$gw->set(debar_pin => 'keepalive=0');
is($gw->start->{status}, 0, 'a gateway that looks into TLS')
    or BAIL_OUT($gw->error_log);

my @workers = $gw->workers;
my $www = 'www.neutral.example';
my $head = "CONNECT $www:443 HTTP/1.1\r\nHost: $www:443\r\n\r\n";
my $hello = Debar::Test::Tunnel::made_hello(names => [$www]);
my $fresh = 0;

# A tunnel in which TLS is up.

sub inside {
    my ($host, @alpn) = @_;
    my $t = $gw->tunnel("$host:443");

    return if $t->status != 200;
    return if $t->tls(sni => $host, ca => $gw->ca_file, alpn => \@alpn)
              ne 'up';

    $t->{timeout} = 0.2;

    return $t;
}

sub inside2 {
    my ($host) = @_;
    my $t = inside($host, 'h2') or return;

    $t->{h2} = Debar::Test::H2->new($t);

    return $t;
}


# What there is when nothing happens: the resolvers' sockets, the signer's.

inside($www)->get('/', host => $www);
$gw->get('http://plain.neutral.example/');

my $idle;

eventually {
    my $n = $gw->sockets;
    my $same = defined $idle && $n == $idle;

    $idle = $n if !$same;
    select undef, undef, undef, 0.3;
    $same;
} 5;

sub left {
    my ($what, $more) = @_;
    my $n;

    ok((eventually { ($n = $gw->sockets) <= $idle + ($more // 0) } 5), $what)
        or diag "$n sockets, $idle before";
}


# The stages.

sub after_hello {
    my ($t) = @_;

    $t->send(Debar::Test::Tunnel::hello(for => $t, sni => $www,
                                        ca => $gw->ca_file));
    $t->fill(5);

    return $t;
}

my $slow = IO::Socket::IP->new(LocalHost => '127.0.0.6', LocalPort => 443,
                               Listen => 1, ReuseAddr => 1)
    or die "127.0.0.6:443: $!\n";
my @fill = map {
    IO::Socket::IP->new(PeerHost => '127.0.0.6', PeerPort => 443,
                        Blocking => 0)
} 1 .. 4;

my @before = (
    ['before the head', sub { $gw->client }],
    ['in the head', sub {
        my $c = $gw->client;
        $c->send(substr $head, 0, 30);
        $c;
    }],
    ['behind the head, at once', sub {
        $gw->tunnel('', head => $head, answer => 0);
    }],
    ['before the hello', sub { $gw->tunnel('', head => $head) }],
    ['in the hello', sub {
        my $t = $gw->tunnel('', head => $head);
        $t->send(substr $hello, 0, 50);
        $t;
    }],
    ['behind the hello, at once', sub {
        $gw->tunnel('', head => $head . $hello, answer => 0);
    }],
    ['in the handshake, behind what the gateway showed', sub {
        after_hello($gw->tunnel('', head => $head));
    }],
    ['in the handshake, with half a flight', sub {
        my $t = after_hello($gw->tunnel('', head => $head));
        $t->pump;
        Net::SSLeay::connect($t->{ssl});
        $t->send(substr Debar::Test::Tunnel::flight($t), 0, 20);
        $t;
    }],
    ['in a request of plain HTTP inside', sub {
        my $t = $gw->tunnel('', head => $head);
        $t->send("GET / HTTP/1.1\r\nHost: $www:443\r\nX");
        $t;
    }],
);

my $post = "POST /echo HTTP/1.1\r\nHost: $www\r\nContent-Length: 100000\r\n\r\n";
my @post = ([':method', 'POST'], [':scheme', 'https'], [':authority', $www],
            [':path', '/echo'], ['content-length', 100000]);

sub ask {
    my ($host, $path) = @_;
    my $t = inside($host) or return;

    $t->say("GET $path HTTP/1.1\r\nHost: $host\r\n\r\n");

    return $t;
}

sub ask2 {
    my ($host, $path) = @_;
    my $t = inside2($host) or return;

    $t->{id} = $t->{h2}->get($host, $path);

    return $t;
}

my @after = (
    ['before a request', sub { inside($www) }, sub { inside2($www) }],
    ['in the head of a request', sub {
        my $t = inside($www);
        $t->say("GET / HTTP/1.1\r\nHo");
        $t;
    }, sub {
        my $t = inside2($www);
        $t->{h2}->request({ cut => 20 }, @post);
        $t;
    }],
    ['in the body of a request', sub {
        my $t = inside($www);
        $t->say($post . 'x' x 50000);
        $t;
    }, sub {
        my $t = inside2($www);
        my $id = $t->{h2}->request({ open => 1 }, @post);
        $t->{h2}->data($id, 'x' x 10000) for 1 .. 5;
        $t;
    }],
    ['while the origin is dialled', sub { ask('slow.neutral.example', '/') },
     sub { ask2('slow.neutral.example', '/') }, 2],
    ['in the origin\'s handshake', sub { ask('mute.neutral.example', '/') },
     sub { ask2('mute.neutral.example', '/') }, 2],
    ['while the origin thinks', sub { ask($www, '/hang') },
     sub { ask2($www, '/hang') }, 2],
    ['in the answer', sub {
        my $t = ask($www, '/bytes/20000000');
        $t->fill(2);
        $t;
    }, sub {
        my $t = ask2($www, '/bytes/20000000');
        $t->fill(2);
        $t;
    }],
    ['behind the answer', sub {
        my $t = inside($www);
        $t->get('/', host => $www);
        $t;
    }, sub {
        my $t = ask2($www, '/');
        $t->{h2}->answer($t->{id});
        $t;
    }],
);

my @ways = (
    ['closes', sub { $_[0]->close }],
    ['resets', sub { $_[0]->abort }],
    ['half-closes, then closes',
     sub { $_[0]->half_close; $_[0]->fill(0.05); $_[0]->close }],
);
my @polite = (
    ['says that TLS ends, then closes', sub {
        my ($t) = @_;
        Net::SSLeay::shutdown($t->{ssl});
        $t->send(Debar::Test::Tunnel::flight($t));
        $t->close;
    }],
);

# Three clients at a stage go away in a way: each has a socket there, or two
# where it has an origin.

sub go {
    my ($stage, $how, $make, $each) = @_;
    my @c = map { $make->() } 1 .. 3;
    my $n = $idle + 3 * ($each // 1);

    if (3 != grep { $_ } @c or !eventually { $gw->sockets >= $n } 3) {
        fail("three clients are there $stage");
        diag $gw->sockets, ' sockets, and not ', $n;
    }

    $how->[1]->($_) for grep { $_ } @c;
    left("a client that $how->[0] $stage leaves nothing");
}

for my $stage (@before) {
    go($stage->[0], $_, $stage->[1]) for @ways;
}

for my $stage (@after) {
    my ($when, $one, $two, $each) = @$stage;

    for my $how (@ways, @polite) {
        go("$when (HTTP/1.1)", $how, $one, $each);
        go("$when (HTTP/2)", $how, $two, $each);
    }
}


# A stream that is given up leaves its connection, and nothing else.

for my $stage (@after[2 .. 6]) {
    my ($when, undef, $make) = @$stage;
    my @c = map { $make->() } 1 .. 3;

    $_->{h2}->reset(1) for @c;
    left("a stream that is reset $when leaves its connection alone",
         scalar @c);

    my @fine = grep {
        ($_->{h2}->answer($_->{h2}->get($when =~ /dialled/
            ? 'other.neutral.example' : $www, '/'))->{status} // 0)
        =~ /^(?:200|421)$/
    } @c;

    is(scalar @fine, 3, 'which carries the next one') if $when !~ /answer/;
    $_->close for @c;
}

$_->close for grep { $_ } @fill;
$slow->close;


# While others are asked: the DNS, the signer.

kill 'STOP', $dns->{pid};

for my $how (@ways) {
    go('while a name is asked for', $how, sub {
        $gw->tunnel('asked' . ++$fresh . '.neutral.example:443', answer => 0);
    });
}

kill 'CONT', $dns->{pid};

my $signer = $gw->signer_pid;
my @signers = ($signer, split / /,
               file_text("/proc/$signer/task/$signer/children") // '');

kill 'STOP', @signers;

for my $how (@ways) {
    go('waiting for the leaf', $how, sub {
        my $name = 'leaf' . ++$fresh . '.neutral.example';

        $gw->tunnel("$name:443", timeout => 2, after =>
                    Debar::Test::Tunnel::made_hello(names => [$name]));
    });
    go('waiting for the leaf, before the hello', $how, sub {
        $gw->tunnel('leaf' . ++$fresh . '.neutral.example:443', timeout => 2);
    });
}

kill 'CONT', @signers;

my $t;

ok((eventually { $t = inside('after.neutral.example') } 5),
   'after all of that another one is served');
is($t && $t->get('/', host => 'after.neutral.example')->{status}, 200,
   'with an answer');
$t->close if $t;
is(join(' ', $gw->workers), "@workers", 'by the same worker');

is($gw->stop->{status}, 0, 'which ends when it is told to');
is($gw->complaints, '', 'and did not complain');

done_testing;
