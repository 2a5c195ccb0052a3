#!/usr/bin/perl

# HTTP/2 to a gateway that looks into TLS: streams that name another host than
# their connection, many streams at once, and gRPC.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Debar::Test::Alone;
use JSON::PP;
use Test::More;

use Debar::Test;
use Debar::Test::Curl;
use Debar::Test::Dns;
use Debar::Test::Gateway;
use Debar::Test::H2;
use Debar::Test::Origin;
use Debar::Test::Pki;
use Debar::Test::TlsOrigin;
use Debar::Test::Tunnel;

my $pki = Debar::Test::Pki->new;
my $dns = Debar::Test::Dns->new(names => {
    'old.neutral.example' => ['127.0.0.2'],
    'grpc.neutral.example' => ['127.0.0.20'],
});
my $leaf = $pki->leaf(['*.neutral.example', '*.listed.example']);
my $origin = Debar::Test::TlsOrigin->new(servers => [
    { cert => $leaf }, { at => ['127.0.0.2:443'], cert => $leaf, http2 => 0 },
]);

# gRPC's names have no look of acquisition: a service is listed by its URL.

my $list = write_list(test_dir() . '/list', vendor => <<'END');
urls:
  - www.neutral.example/shop/acme
  - grpc.neutral.example/test.Echo/Buy
names: [Rocketmaker]
END

my $gw = Debar::Test::Gateway->new(list => $list, inspect => 1,
                                   upstream_ca => $pki->ca, conf => {
    debar_contact => "\"B\xc3\xbcro 100%, buy\@agency.example\"" });
my $curl = Debar::Test::Curl->new(proxy => 'http://127.0.0.1:3128',
                                  ca => $gw->ca_file);
my $base = 'https://www.neutral.example';


# :authority other than the server name, first and on a connection in use.

for my $case (
    ['a listed host', 'www.listed.example', 403, 'block'],
    ['another host', 'other.neutral.example', 421, 'reject'],
    ['another port', 'www.neutral.example:8444', 421, 'reject'],
    ['a part of the name', 'neutral.example', 421, 'reject'],
) {
    my ($what, $authority, $status, $verdict) = @$case;

    $gw->audit;
    $origin->fresh;

    my $r = $curl->fetch("$base/", '--http2', '-H', "Host: $authority");

    is($r->{code}, $status, ":authority of $what is refused")
        or diag $r->{err};
    is($r->{version}, 2, "$what: in HTTP/2");

    my $line = ($gw->audit_soon)[-1] || {};

    is($line->{verdict}, $verdict, "$what: recorded as $verdict");
    is($line->{surface}, 'inspected', "$what: on surface inspected");
    is(scalar $origin->fresh, 0, "$what: nothing at the origin");

    # A second stream of a connection whose first was in order.

    my @both = ('curl', '-q', '-sS', '-m', 20, '-x', 'http://127.0.0.1:3128',
                '--cacert', $gw->ca_file, '--http2', '-w',
                '%{http_code} %{num_connects} ', '-o', '/dev/null');

    $r = run_command([@both, "$base/fine", '--next', @both[1 .. $#both], '-H',
                      "Host: $authority", "$base/coalesced"]);
    is($r->{out}, "200 1 $status 0 ",
       "$what: also as a later stream of a good connection")
        or diag $r->{err};
    is(join(' ', map { $_->{uri} } $origin->fresh_soon), '/fine',
       "$what: of which the origin sees the good one alone");
}

$gw->audit;
is($curl->fetch("$base/", '--http2', '-H', 'Host: WWW.neutral.EXAMPLE:443')
       ->{code}, 200, ':authority in other case and with its port is the same');


# By hand, what no client sends: frames and fields as the test says.

sub by_hand {
    my (@fields) = @_;
    my $t = $gw->tunnel('www.neutral.example:443');

    return {} if $t->tls(sni => 'www.neutral.example', ca => $gw->ca_file,
                         alpn => ['h2']) ne 'up';

    my $h2 = Debar::Test::H2->new($t);
    my $first = $h2->answer($h2->request({}, @fields));
    my $second = $h2->answer($h2->get('www.neutral.example', '/after'));

    $t->close;

    return { %$first, after => $second->{status} };
}

my @get = ([':method', 'GET'], [':scheme', 'https'], [':path', '/by-hand']);
my @good = [':authority', 'www.neutral.example'];

$origin->fresh;
is(by_hand(@get, @good)->{status}, 200, 'by hand: what is in order passes');
is(join(' ', map { $_->{uri} } $origin->fresh_soon(2)), '/by-hand /after',
   'and reaches the origin');

for my $case (
    ['Host of another', @good, ['host', 'other.neutral.example']],
    ['Host of a listed one', @good, ['host', 'www.listed.example']],
    ['another :authority than Host', [':authority', 'www.listed.example'],
     ['host', 'www.neutral.example']],
    ['Host alone, of another', ['host', 'other.neutral.example']],
    ['user information', [':authority', 'www.neutral.example@evil.example']],
    ['the other way about', [':authority', 'evil@www.neutral.example']],
    ['an encoded letter', [':authority', 'ww%77.neutral.example']],
    ['an encoded NUL', [':authority', 'www.neutral.example%00.evil.example']],
    ['another name, full width', [':authority', "\xef\xbd\x97ww.evil.example"]],
    ['a space', [':authority', 'www.neutral.example evil.example']],
    ['a comma', [':authority', 'www.neutral.example,evil.example']],
    ['no host at all'],
    ['Upgrade', @good, ['upgrade', 'websocket'], ['connection', 'upgrade'],
     ['sec-websocket-version', 13]],
    ['Upgrade alone', @good, ['upgrade', 'x']],
) {
    my ($what, @fields) = @$case;
    my $r = by_hand(@get, @fields);

    like($r->{status} // 'reset', qr/^(?:400|403|421|reset)$/,
         "by hand: $what is refused");
    is($r->{after} // 200, 200, 'and the connection goes on or ends');
    is(scalar(grep { $_->{uri} eq '/by-hand' } $origin->fresh), 0,
       'nothing at the origin');
}

for my $case (
    ['CONNECT', [':method', 'CONNECT'], [':authority', 'evil.example:443']],
    ['CONNECT for a WebSocket (RFC 8441)', [':method', 'CONNECT'],
     [':protocol', 'websocket'], [':scheme', 'https'], [':path', '/by-hand'],
     @good],
    ['scheme http', [':method', 'GET'], [':scheme', 'http'],
     [':path', '/by-hand'], @good],
    ['two :authority', @get, @good, @good],
    ['two paths', @get, @good, [':path', '/by-hand']],
    ['an absolute path', [':method', 'GET'], [':scheme', 'https'],
     [':path', 'https://www.listed.example/by-hand'], @good],
) {
    my ($what, @fields) = @$case;

    like(by_hand(@fields)->{status} // 'reset', qr/^(?:4\d\d|reset)$/,
         "by hand: $what is refused");
    is(scalar(grep { $_->{uri} =~ /by-hand/ } $origin->fresh), 0,
       'nothing at the origin');
}


# Many streams at once, some of them listed.

my @urls = map { $_ % 5 ? "$base/bytes/20000?$_" : "$base/shop/acme?$_" }
           1 .. 60;
my $r = run_command(['curl', '-q', '-sS', '-m', 60, '-x',
                     'http://127.0.0.1:3128', '--cacert', $gw->ca_file,
                     '--http2', '--parallel', '--parallel-max', 30, '-w',
                     '%{http_code} %{size_download} %{http_version}\n',
                     map { ('-o', '/dev/null', $_) } @urls]);
my @ends = split /\n/, $r->{out};

is(scalar @ends, 60, 'sixty streams at once all end') or diag $r->{err};
is(scalar(grep { $_ eq '200 20000 2' } @ends), 48,
   'those that pass are whole') or diag join ', ', @ends;
is(scalar(grep { /^403 / } @ends), 12, 'those that are listed are refused');

my @lines;

eventually {
    push @lines, grep { ($_->{verdict} // '') eq 'block' } $gw->audit;
    @lines >= 12;
} 3;
is(scalar @lines, 12, 'each with a record of its own');

is($curl->fetch('https://old.neutral.example/bytes/1000', '--http2')
       ->{version}, 2, 'HTTP/2 before an origin that has HTTP/1.1 alone');
is(($origin->fresh_soon(50))[-1]{http}, 'HTTP/1.1', 'which gets that');


# gRPC, by Google's library of Debian.

my ($python) = grep { -x } '/usr/bin/python3';
my $have = $python
           && run_command([$python, '-c', 'import grpc'])->{status} == 0;

SKIP: {
    skip 'no gRPC for Python (package python3-grpcio)', 20 if !$have;

    my $cert = $pki->leaf(['grpc.neutral.example']);
    my $saw = write_file(test_dir() . '/grpc.saw', '');
    my $server = write_file(test_dir() . '/server.py', <<'END');
import sys, grpc
from concurrent import futures
cert, key, saw = sys.argv[1:4]
class Echo(grpc.GenericRpcHandler):
    def service(self, call):
        with open(saw, "a") as f:
            f.write(call.method + "\n")
        def unary(request, context):
            context.set_trailing_metadata((("x-after", "trailer"),))
            if request == b"fail":
                context.abort(grpc.StatusCode.NOT_FOUND, "no such thing")
            return request
        def stream(requests, context):
            for request in requests:
                yield request
            context.set_trailing_metadata((("x-after", "stream"),))
        if call.method.endswith("Stream"):
            return grpc.stream_stream_rpc_method_handler(stream)
        return grpc.unary_unary_rpc_method_handler(unary)
server = grpc.server(futures.ThreadPoolExecutor(4))
server.add_generic_rpc_handlers((Echo(),))
server.add_secure_port("127.0.0.20:443", grpc.ssl_server_credentials(
    [(open(key, "rb").read(), open(cert, "rb").read())]))
server.start()
server.wait_for_termination()
END
    my $client = write_file(test_dir() . '/client.py', <<'END');
import json, os, sys, grpc
ca, method, size = sys.argv[1:4]
body = (b"fail" if size == "fail"
        else bytes([10, len(size)]) + size.encode() if size[0].isalpha()
        else b"x" * int(size))
os.environ["grpc_proxy"] = "http://127.0.0.1:3128"
channel = grpc.secure_channel("grpc.neutral.example:443",
    grpc.ssl_channel_credentials(open(ca, "rb").read()))
out = {}
try:
    if method.endswith("Stream"):
        call = channel.stream_stream(method)(iter([body] * 5), timeout=15)
        out["answer"] = sum(len(m) for m in call)
        out["trailers"] = dict(call.trailing_metadata())
    else:
        answer, call = channel.unary_unary(method).with_call(body, timeout=15)
        out["answer"] = len(answer)
        out["trailers"] = dict(call.trailing_metadata())
    out["code"] = call.code().name
except grpc.RpcError as e:
    out["code"] = e.code().name
    out["details"] = e.details()
    out["trailers"] = dict(e.trailing_metadata() or ())
print(json.dumps(out))
END
    my $call = sub {
        my $r = run_command([$python, $client, $gw->ca_file, @_],
                            timeout => 30);

        return eval { decode_json($r->{out}) } || { error => $r->{err} };
    };

    start_process('grpc', $python, $server, $cert->{cert}, $cert->{key}, $saw);
    (eventually { port_answers('127.0.0.20', 443) } 15)
        or diag file_text(test_dir() . '/grpc.out');

    $gw->audit;

    my $got = $call->('/test.Echo/Say', 11);

    is($got->{code}, 'OK', 'a unary call goes through') or diag explain $got;
    is($got->{answer}, 11, 'with its answer');
    is($got->{trailers}{'x-after'}, 'trailer', 'and its trailers');

    $got = $call->('/test.Echo/Say', 1_000_000);
    is($got->{answer}, 1_000_000, 'a megabyte each way');

    $got = $call->('/test.Echo/Say', 'fail');
    is($got->{code}, 'NOT_FOUND', 'a status of the service\'s own arrives');
    is($got->{trailers}{'x-after'}, 'trailer', 'with trailers');

    $got = $call->('/test.Echo/Stream', 1000);
    is($got->{answer}, 5000, 'five messages of a stream, and as many back')
        or diag explain $got;
    is($got->{trailers}{'x-after'}, 'stream', 'and the trailers after them');

    $got = $call->('/test.Echo/Buy', 5);
    is($got->{code}, 'PERMISSION_DENIED', 'a listed call is refused')
        or diag explain $got;
    unlike(file_text($saw), qr/Buy/, 'and never seen by the service');

    my ($line) = grep { ($_->{verdict} // '') eq 'block' } $gw->audit_soon;

    is($line->{url}, 'https://grpc.neutral.example:443/test.Echo/Buy',
       'recorded with its URL, as this client writes it');
    like($got->{details}, qr/\Q$line->{incident}\E/, 'the client reads why');

    # what it carries: found when the call is on its way already

    $got = $call->('/test.Echo/Say', 'Rocketmaker');
    ($line) = grep { ($_->{verdict} // '') eq 'block' } $gw->audit_soon;

    is($got->{code}, 'PERMISSION_DENIED',
       'a call that carries what is listed is refused')
        or diag explain $got;
    like($got->{details}, qr/\Q$line->{incident}\E/, 'with the incident');
    like($got->{details}, qr/B\xfcro 100%, buy\@agency\.example/,
         'the contact, whatever its characters');
    like($got->{details}, qr{Rule One.*\(https://law\.example/rule-1\)},
         'and the citation');

    $got = $call->('/test.Echo/Stream', 'Rocketmaker');
    isnt($got->{code}, 'OK', 'one that was being answered does not end well');
}

is($gw->complaints, '', 'no worker has crashed');

done_testing;
