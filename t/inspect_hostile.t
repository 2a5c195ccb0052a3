#!/usr/bin/perl

# A gateway that looks into TLS, and those who mean ill: clients that resume
# sessions of another name, renegotiate, or spell a host in a way of their own;
# origins whose certificates are vast, or hold what no name has.

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
use Debar::Test::Pki;
use Debar::Test::TlsOrigin;
use Debar::Test::Tunnel;
use Net::SSLeay;

my $pki = Debar::Test::Pki->new;
my $dns = Debar::Test::Dns->new(names => {
    'many.neutral.example' => ['127.0.0.11'],
    'vast.neutral.example' => ['127.0.0.12'],
    'nul.neutral.example' => ['127.0.0.13'],
});

# A certificate whose subjectAltName is DER by hand: names in bytes.

sub odd_leaf {
    my ($name, @names) = @_;
    my $der = join '', map { "\x82" . size(length $_) . $_ } @names;

    $der = "\x30" . size(length $der) . $der;
    write_file("$pki->{dir}/$name.cnf",
               "[leaf]\nbasicConstraints = critical, CA:FALSE\n"
               . 'subjectAltName = DER:' . unpack('H*', $der) . "\n");
    $pki->request($name, "/CN=$name");
    $pki->signed('inter', $name, "$pki->{dir}/$name.cnf", 'leaf',
                 Debar::Test::Pki::span(-1, 20));
    chmod 0644, "$pki->{dir}/$name.key";

    return {
        cert => write_file("$pki->{dir}/$name.chain",
                           file_text("$pki->{dir}/$name.pem")
                           . file_text("$pki->{dir}/inter.pem")),
        key => "$pki->{dir}/$name.key",
    };
}

sub size {
    my ($n) = @_;

    return $n < 128 ? chr $n : "\x83" . substr pack('N', $n), 1;
}

my @names = map { "n$_.x.example" } 1 .. 3000;
my $origin = Debar::Test::TlsOrigin->new(servers => [
    { cert => $pki->leaf(['*.neutral.example', '*.listed.example']) },
    { at => ['127.0.0.11:443'], cert => odd_leaf('many', @names) },
    { at => ['127.0.0.12:443'],
      cert => odd_leaf('vast', map { "$_-of-many-$_" } @names, @names) },
    { at => ['127.0.0.13:443'],
      cert => odd_leaf('nul', "nul.neutral.example\0.evil.example",
                       "nul.neutral.example\0", "\0nul.neutral.example") },
]);
my $plain = Debar::Test::Origin->new(name => 'plain',
                                     listen => ['127.0.0.1:80']);
my $gw = Debar::Test::Gateway->new(
    list => write_list(test_dir() . '/list'), inspect => 1,
    upstream_ca => $pki->ca, init => ['--connect-port', 80]);
my @workers = $gw->workers;

sub inside {
    my ($host, %o) = @_;
    my $t = $gw->tunnel("$host:443");

    $t->{end} = $t->status == 200
                ? $t->tls(sni => $host, ca => $gw->ca_file, %o) : $t->status;

    return $t;
}


# A session is of a name, and the connection holds its requests to its own.

for my $how ({ tls12 => 1 }, {}) {
    my $which = $how->{tls12} ? 'TLS 1.2' : 'TLS 1.3';
    my $first = inside('www.neutral.example', %$how);

    is($first->get('/', host => 'www.neutral.example')->{status}, 200,
       "$which: a request, and a session");

    my $session = Net::SSLeay::get1_session($first->{ssl});
    my $again = inside('www.neutral.example', %$how, session => $session);

    is($again->get('/', host => 'www.neutral.example')->{status}, 200,
       "$which: the session is resumed by its own name");
    ok(Net::SSLeay::session_reused($again->{ssl}), "$which: it is")
        if $how->{tls12};

    my $other = inside('other.neutral.example', %$how, session => $session);

    if ($other->{end} eq 'up') {
        is($other->get('/', host => 'www.neutral.example')->{status}, 421,
           "$which: in another tunnel it does not bring its name along");
    } else {
        pass("$which: in another tunnel it is of no use");
    }

    $_->close for $first, $again, $other;
    Net::SSLeay::SESSION_free($session);
}

# OpenSSL's own client: no early data, no second handshake.

sub s_client {
    my ($in, @args) = @_;
    my $file = write_file(test_dir() . '/s_client.in', $in);

    return run_command(['sh', '-c', '(cat "$0"; sleep 1) | "$@"', $file,
        qw(openssl s_client -proxy 127.0.0.1:3128 -connect
           www.neutral.example:443 -servername www.neutral.example -CAfile),
        $gw->ca_file, @args], timeout => 15);
}

my $request = "GET / HTTP/1.1\r\nHost: www.neutral.example\r\n\r\n";
my $r = s_client($request, qw(-tls1_3 -crlf -ign_eof));

like($r->{out}, qr/Verify return code: 0/, 'openssl s_client is served');
like($r->{out}, qr/Max Early Data: 0/, 'its session takes no early data');

$r = s_client("R\n", '-tls1_2');
like("$r->{out}$r->{err}", qr/no.renegotiation|RENEGOTIATING/i,
     'it asks for a second handshake');
unlike("$r->{out}$r->{err}", qr/RENEGOTIATING.*Verify return code.*Verify/s,
       'and gets none');

# The longest name.

my $long = join('.', map { $_ x 63 } 'a' .. 'c') . '.';

$long .= 'd' x (253 - length("$long.neutral.example")) . '.neutral.example';
is(length $long, 253, 'a name as long as names are');

my $t = inside($long);

is($t->{end}, 'up', 'has its leaf');
is($t->get('/', host => "d$long")->{status} // 'closed', 400,
   'a longer one is no host');
$t->close;
isnt($gw->tunnel("d$long:443")->status, 200, 'nor that of a CONNECT');


# Whom a request names, in TLS and in the clear inside of a tunnel.

my $www = 'www.neutral.example';

for my $case (
    ['user information', "$www\@evil.example"],
    ['the other way about', "evil\@$www"],
    ['an encoded letter', 'ww%77.neutral.example'],
    ['an encoded NUL', "$www%00.evil.example"],
    ['full width', "\xef\xbd\x97ww.evil.example"],
    ['a soft hyphen', "ot\xc2\xadher.neutral.example"],
    ['two hosts', "$www, evil.example"],
    ['a path', "$www/evil.example"],
    ['a fragment', "$www#.evil.example"],
    ['a backslash', "$www\\.evil.example"],
    ['a port of letters', "$www:https"],
    ['two ports', "$www:443:80"],
    ['another port', "$www:8443"],
    ['an empty one', ''],
) {
    my ($what, $host) = @$case;
    my $t = inside($www);

    like($t->get('/host', host => $host)->{status} // 'closed',
         qr/^(?:400|403|421|closed)$/, "Host with $what is refused");
    $t->close;
}

for my $case (
    ['of another', 'https://evil.example/target', 400],
    ['of a listed one', 'https://www.listed.example/target', 403],
    ['in the clear', "http://$www/target", 421],
    ['of no host', 'https:///target', 400],
    ['of another scheme', "ftp://$www/target", 400],
) {
    my ($what, $target, $status) = @$case;
    my $t = inside($www);
    my $got = $t->get($target, host => $www)->{status} // 400;

    is($got, $status, "a target $what is refused") or diag $target;
    $t->close;
}

is(scalar(grep { $_->{uri} =~ /host|target/ } $origin->requests), 0,
   'nothing of that came to an origin');

$t = $gw->tunnel("$www:80");
$t->send("GET /one HTTP/1.1\r\nHost: $www\r\n\r\n"
         . "GET /two HTTP/1.1\r\nHost: evil.example\r\n\r\n"
         . "GET http://www.listed.example/three HTTP/1.1\r\n"
         . "Host: www.listed.example\r\n\r\n"
         . "GET /four HTTP/1.1\r\nHost: $www\r\nConnection: upgrade, "
         . "HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAQAAP__\r\n"
         . "\r\n");
is(join(' ', map { $t->response('GET')->{status} // 'end' } 1 .. 4),
   '200 421 403 200', 'plain requests in a tunnel: each is held to its host');
is(join(' ', map { $_->{target} } $plain->requests), '/one /four',
   'and the origin has its own alone');
is(scalar(grep { lc $_->[0] =~ /^(?:upgrade|http2-settings)$/i }
          map { @{ $_->{fields} } } grep { $_->{target} eq '/four' }
          $plain->requests), 0, 'without a way to HTTP/2');
$t->close;

$t = $gw->tunnel("$www:80", after => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
                                     . "\0\0\0\4\0\0\0\0\0");
unlike($t->rest(5) // '', qr/^\x00..\x04/s, 'HTTP/2 by prior knowledge is not let in');
$t->close;


# Certificates.

for my $case (
    ['many', 'three thousand names'],
    ['vast', 'more of it than is read'],
    ['nul', 'names with a NUL'],
) {
    my ($name, $what) = @$case;
    my $began = time;
    my $t = inside("$name.neutral.example");
    my $r = $t->get('/certificate', host => "$name.neutral.example");

    is($r->{status}, 502, "a certificate with $what is refused");
    cmp_ok(length $r->{raw}, '<', 8000, 'with a page of a length for people');
    unlike($r->{raw}, qr/\0/, 'and no NUL in it');
    cmp_ok(time - $began, '<', 5, 'soon');
    $t->close;
}

is(scalar(grep { $_->{uri} =~ /certificate/ } $origin->requests), 0,
   'none of these has seen a request');
is(join(' ', $gw->workers), "@workers", 'one worker served it all');
unlike($gw->error_log, qr/exited on signal/, 'and stands');

done_testing;
