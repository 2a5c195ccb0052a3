#!/usr/bin/perl

# One request, one answer: origins that say more than they were asked (1xx, 101,
# statuses that are none, no head at all) must not answer the client's next
# request, which is for another host.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Debar::Test::Alone;
use Test::More;

use Debar::Test;
use Debar::Test::Dns;
use Debar::Test::Gateway;
use Debar::Test::Origin;

my $dns = Debar::Test::Dns->new(names => {
    'bad.neutral.example' => ['127.0.0.9'],
});
my $origin = Debar::Test::Origin->new(listen => ['127.0.0.1:80']);

# What the origin says, by the path, in one write or byte for byte.

my $ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
my $evil = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL";
my %says = (
    continue => "HTTP/1.1 100 Continue\r\n\r\n$ok$evil",
    processing => "HTTP/1.1 102 Processing\r\nX: y\r\n\r\n$ok$evil",
    hints => "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n$ok$evil",
    several => "HTTP/1.1 102 A\r\n\r\nHTTP/1.1 199 B\r\n"
               . "Content-Length: 5\r\n\r\n$ok$evil",
    unasked => "HTTP/1.1 101 Switching\r\nUpgrade: x\r\n"
               . "Connection: upgrade\r\n\r\n$ok$evil",
    zero => "HTTP/1.1 000 Nothing\r\n\r\n$ok$evil",
    low => "HTTP/1.1 099 Little\r\n\r\n$ok$evil",
    flood => "HTTP/1.1 102 Processing\r\n\r\n" x 17 . "$ok$evil",
    huge => "HTTP/1.1 102 Processing\r\nX: " . 'x' x 200000
            . "\r\n\r\n$ok$evil",
    bare => "no head\r\n$ok$evil",
);
my $listener = Debar::Test::Origin::listener('127.0.0.9:80');

$listener->blocking(1);
start_process('bad', sub {
    $SIG{PIPE} = 'IGNORE';

    while (my $s = $listener->accept) {
        my $head = '';

        $s->blocking(1);
        $s->setsockopt(6, 1, 1);

        while ($head !~ /\r\n\r\n/) {
            sysread $s, $head, 4096, length $head or last;
        }

        my ($what, $slow) = $head =~ m{^GET /(\w+)(-slowly)?} or next;

        syswrite $s, $_ for $slow ? split //, $says{$what} : $says{$what};
        close $s;
    }
});

my $gw = Debar::Test::Gateway->new(
    list => write_list(test_dir() . '/list'),
    conf => { worker_shutdown_timeout => '1s' });

# Two requests at once on one connection; the answers to them.

sub both {
    my ($path, @fields) = @_;
    my $c = $gw->client;

    $c->send("GET http://bad.neutral.example/$path HTTP/1.1\r\n"
             . join('', map { "$_\r\n" } 'Host: bad.neutral.example', @fields)
             . "\r\nGET http://www.neutral.example/next HTTP/1.1\r\n"
             . "Host: www.neutral.example\r\n\r\n");

    my @r = map { $c->response('GET', keep_100 => 1) } 1, 2;

    $c->close;

    return @r;
}

for my $how ('', '-slowly') {
    for my $path (qw(continue processing hints several)) {
        my ($one, $two) = both("$path$how");

        is($one->{status}, 200, "$path$how: the answer behind it is the answer")
            or diag explain $one;
        is($one->{body}, 'ok', 'whole');
        is($two->{body}, "origin\n", 'and the next request has its own');
    }

    for my $path (qw(unasked zero low flood)) {
        my ($one, $two) = both("$path$how");

        is($one->{status}, 502, "$path$how: no answer of this origin")
            or diag explain $one;
        is($two->{body}, "origin\n", 'and the next request has its own');
    }
}

my ($one, $two) = both('huge');

is($one->{status}, 502, 'huge: a head that never ends');
is($two->{body}, "origin\n", 'and the next request has its own');

for my $ask ('Upgrade: x', 'Upgrade: h2c', 'Upgrade: TLS/1.0') {
    ($one, $two) = both('unasked', $ask, 'Connection: upgrade');

    is($one->{status}, 502, "$ask, which is not sent on: a 101 is no answer");
    is($two->{body}, "origin\n", 'and the next request has its own');
}

# Without a head there is no telling where it ends, but by the end.

my $c = $gw->client;

$c->send("GET http://bad.neutral.example/bare HTTP/1.1\r\n"
         . "Host: bad.neutral.example\r\n\r\n"
         . "GET http://www.neutral.example/unheard HTTP/1.1\r\n"
         . "Host: www.neutral.example\r\n\r\n");
$c->fill(1) until $c->{closed};
like($c->{in}, qr/EVIL$/, 'bare: what has no head ends with the connection');
is(scalar(grep { $_->{target} =~ /unheard/ } $origin->requests), 0,
   'and nothing further is asked on it');

# Several Upgrade fields: that one of them is for a WebSocket is enough.

$gw->set(debar_websocket => 'block');
$gw->reload;

for my $fields (['Upgrade: websocket'], ['Upgrade: x', 'Upgrade: websocket'],
                ['Upgrade: x, WebSocket/13'])
{
    my $c = $gw->client;

    $c->send(join "\r\n", 'GET http://www.neutral.example/ws HTTP/1.1',
             'Host: www.neutral.example', @$fields, 'Connection: upgrade',
             "Sec-WebSocket-Version: 13\r\n\r\n");
    is($c->response->{status}, 403, "debar_websocket block: @$fields");
    $c->close;
}

is($gw->complaints, '', 'no worker has crashed');

done_testing;
