#!/usr/bin/perl

# Who asks: passwords, Kerberos tickets and certificates of clients, for plain
# requests and for CONNECT alike.  What CONNECT itself does with a user that is
# known: connect.t.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Debar::Test::Alone;
use MIME::Base64;
use Test::More;
use Time::HiRes qw(sleep time);

use Debar::Test;
use Debar::Test::Client;
use Debar::Test::Dns;
use Debar::Test::Gateway;
use Debar::Test::Kdc;
use Debar::Test::Origin;
use Debar::Test::Tls;
use Debar::Test::Tunnel;

my $dns = Debar::Test::Dns->new;
my $origin = Debar::Test::Origin->new(
    listen => ['127.0.0.1:80', '127.0.0.1:8000']);
my $tls = Debar::Test::Tls->new(
    listen => ['127.0.0.1:443'],
    names => ['*.neutral.example', '*.listed.example']);
my $list = write_list(test_dir() . '/list');
my $field = \&Debar::Test::Client::field;

write_file("$list/waivers.yaml", <<'END');
waivers:
  - {id: w-1, vendor: acme, from: 2000-01-01, until: 2099-12-31,
     approved-by: CIO, why: removal, users: [ann]}
END

my $users = write_file(test_dir() . '/users', join '', map { "$_\n" }
    'ann:' . crypt('secret', '$6$saltsalt$'),
    'bob:' . crypt('pw', '$6$othersalt$'));

# A gateway that says so to CONNECT and to plain requests.

sub gateway {
    my ($says, %o) = @_;
    my $self = Debar::Test::Gateway->new(list => $list, %o, start => 0);

    $self->insert(qr/debar_front\s[^;]*;/, $says);
    $self->insert(qr/^http\s*\{/m, $says);

    my $r = $self->start;

    die "debar gateway start: $r->{err}$r->{out}\n" . $self->error_log . "\n"
        if $r->{status} != 0;

    return $self;
}

my $gw = gateway("debar_htpasswd $users;");
my ($worker) = $gw->workers;

my $url = 'http://www.neutral.example';
my @host = ('Host', 'www.neutral.example');

sub basic { return ['Proxy-Authorization', 'Basic ' . encode_base64($_[0], '')] }

sub head {
    my ($line, @fields) = @_;

    return "$line HTTP/1.1\r\n"
           . join('', map { "$_->[0]: $_->[1]\r\n" } @fields) . "\r\n";
}

sub audit_of {
    my ($user) = @_;

    return grep { ($_->{user} // '') eq $user } $gw->audit;
}


# A plain request.

my $r = $gw->get("$url/");

is($r->{status}, 407, 'a plain request without credentials is answered 407');
like($r->{line}, qr/407 Proxy Authentication Required$/, 'in words as well');
is($field->($r, 'Proxy-Authenticate'), 'Basic realm="debar", charset="UTF-8"',
   'which asks for Basic');
is(scalar($origin->fresh), 0, 'nothing has come to the origin');
is(scalar($gw->audit), 0, 'and a first 407 is no matter of the record');

$r = $gw->get("$url/", fields => [basic('ann:secret')]);
is($r->{status}, 200, 'with them it is served');

my ($seen) = $origin->fresh;

is(Debar::Test::Origin::field($seen, 'Proxy-Authorization'), undef,
   'and the origin is told nothing of them');
is($gw->get("$url/", fields => [basic('bob:pw')])->{status}, 200,
   'as is any other user of the file');

for my $case (
    [[basic('ann:wrong')], 'a wrong password'],
    [[basic('eve:secret')], 'an unknown user'],
    [[basic(':secret')], 'no user'],
    [[basic('ann')], 'no password'],
    [[['Proxy-Authorization', 'Basic ***']], 'what is not base64'],
    [[['Proxy-Authorization', 'Bearer ' . encode_base64('ann:secret', '')]],
     'another scheme'],
    [[['Authorization', basic('ann:secret')->[1]]], 'Authorization instead'],
    [[basic('bob:pw'), basic('ann:secret')], 'two of them'],
    [[basic('ann:' . 'x' x 2000)], 'a password of 2000 bytes'],
) {
    my ($fields, $what) = @$case;

    is($gw->get("$url/", fields => $fields)->{status}, 407,
       "asked again: $what");
}

is(scalar($origin->fresh) - 1, 0, 'and none of these has reached the origin');


# One connection.

my $c = $gw->client;

$c->send(head("GET $url/1", [@host]));
$r = $c->response;
is($r->{status}, 407, 'on one connection: a 407');
unlike($field->($r, 'Connection') // '', qr/close/i, 'which leaves it open');
$c->send(head("POST $url/echo", [@host], ['Content-Length', 5]) . 'hello');
is($c->response->{status}, 407, 'another, to a request with a body');
$c->send(head("GET $url/2", [@host], basic('ann:secret')));
is($c->response->{status}, 200, 'and then the answer to who says who he is');
$c->send(head("GET $url/3", [@host]));
is($c->response->{status}, 407,
   'what he said holds for the request that he said it of');
$c->send(head("GET $url/2", [@host], basic('ann:secret')));
is($c->response->{status}, 200, 'and he may say it again');
$c->close;

my $to = 'www.neutral.example:443';
my $t = $gw->tunnel($to);

is($t->status, 407, 'a CONNECT without credentials is answered 407');
unlike($field->($t->{answer}, $_) // '', qr/close/i, "which says no close: $_")
    for 'Connection', 'Proxy-Connection';
is($field->($t->{answer}, 'Content-Length'), length $t->{answer}{body},
   'but where it ends');
$t->send(head("CONNECT $to", ['Host', $to], basic('ann:wrong')));
is($t->response('CONNECT')->{status}, 407,
   'a CONNECT with a wrong password on the same connection: 407');
$t->send(head("CONNECT $to", ['Host', $to], basic('ann:secret')));
is($t->response('CONNECT')->{status}, 200, 'with the right one it opens');
is($t->tls(sni => 'www.neutral.example', ca => $tls->ca), 'up',
   'TLS goes through it');
is($t->get('/', host => 'www.neutral.example')->{status}, 200,
   'and requests do, which are not asked again');
$t->close;

$t = $gw->tunnel($to);
$t->send(head("GET $url/", [@host], basic('ann:secret')));
is($t->response->{status}, 200,
   'a plain request may follow on the connection of a 407');
$t->send(head("GET $url/", [@host]));
is($t->response->{status}, 407, 'and is asked as any other');
$t->close;

$t = $gw->tunnel($to, answer => 0, after => head("CONNECT $to", ['Host', $to])
                                           . head("CONNECT $to", ['Host', $to],
                                                  basic('ann:secret')));
is(join(' ', map { $t->response('CONNECT')->{status} } 1 .. 3), '407 407 200',
   'CONNECTs that were all sent at once are answered in turn');
$t->close;

$t = $gw->tunnel($to, version => 'HTTP/1.0');
is($t->status, 407, 'HTTP/1.0 is asked too');
ok($t->at_end(5), 'and its connection ends there');

my $n = 0;

$t = $gw->tunnel($to, answer => 0, head => '');
while ($n < 50) {
    $t->send(head("CONNECT $to", ['Host', $to])) or last;
    ($t->response('CONNECT')->{status} // 0) == 407 or last;
    $n++;
}
is($n, 8, 'eight times are enough for one connection');

$t = $gw->tunnel('', head => "CONNECT $to HTTP/1.1\r\nHost: $to\r\n\r\nGARBAGE");
is($t->status, 407, 'a 407 with other bytes behind the head');
$t->send("\r\n\r\n");
ok(defined $t->rest(5), 'which are no request: the connection ends');


# What is recorded of a login that is refused.

eventually { $gw->audit; 0 } 1.1;

my $from = time;

for (1 .. 20) {
    $gw->get("$url/", fields => [basic("eve:guess-$_")]);
    $gw->tunnel($to, fields => [basic("eve:guess-$_")])->close;
}

my $seconds = int(time - $from) + 2;
my @lines = audit_of('eve');

cmp_ok(scalar @lines, '>=', 1, 'a refused login is recorded');
cmp_ok(scalar @lines, '<=', $seconds,
       "but 40 of them in $seconds seconds by one line a second at most");
is($lines[0]{verdict}, 'reject', 'as a reject');
is($lines[0]{fault}, 'credentials refused', 'for that reason');
like($lines[0]{client}, qr/^127\.0\.0\.1:/, 'with the client');
unlike(file_text($gw->audit_file), qr/guess|secret|c2VjcmV0/,
       'but not with what was guessed');

my $other = sub {
    $gw->get("$url/", fields => [basic('mallory:x')]);
    scalar grep { $_->{surface} eq 'http' && $_->{url} eq "$url/" }
           audit_of('mallory');
};
ok((eventually { $other->() } 3), 'a second later there is another line, of a'
   . ' plain request');

sleep 1.05;
$gw->audit;
$gw->get("$url/", fields => [basic('eve:x')]);
$gw->tunnel($to, fields => [basic('eve:x')], from => '127.0.0.77')->close;
@lines = audit_of('eve');
is(scalar @lines, 2, 'another address has a line of its own');
is($lines[1]{surface}, 'connect', 'and so has a CONNECT');

sleep 1.05;
$gw->get("$url/", fields => [basic("e\tve:x")]);
$gw->get("$url/", fields => [basic(('long' x 120) . ':x')]);
@lines = $gw->audit;
is(scalar(grep { length($_->{user} // '') > 512 } @lines), 0,
   'a long name is no longer than others');


# Waivers and the record.

$r = $gw->get('http://www.listed.example/', fields => [basic('ann:secret')]);
is($r->{status}, 200, 'a waiver lets its user through');
my ($line) = grep { $_->{waiver} } $gw->audit_soon;
is($line->{waiver}, 'w-1', 'the record names the waiver');
is($line->{user}, 'ann', 'and the user');
is($gw->get('http://www.listed.example/', fields => [basic('bob:pw')])
       ->{status}, 403, 'and nobody else');
($line) = $gw->audit_soon;
is($line->{user}, 'bob', 'who is named as well');


# Time tells nothing of who there is: an unknown user costs a hash too.

my %took;

for my $round (1 .. 5) {
    for my $user ('ann', 'nobody') {
        my $start = time;

        $gw->get("$url/", fields => [basic("$user:wrong-$round")]);
        push @{ $took{$user} }, time - $start;
    }
}

my ($known, $unknown) = map { (sort { $a <=> $b } @{ $took{$_} })[0] }
                        'ann', 'nobody';

cmp_ok($unknown, '>', $known / 3, 'an unknown user costs a hash as well');


# curl, as people have it.

SKIP: {
    my ($curl) = grep { -x } '/usr/bin/curl', '/bin/curl'
        or skip 'curl is not installed', 1;
    my @curl = ($curl, '-sS', '-m', 20, '--noproxy', '', '-o', '/dev/null',
                '--cacert', $tls->ca, '-x', 'http://127.0.0.1:3128',
                '-w', '%{http_code} %{http_connect} %{num_connects}');

    delete $ENV{$_} for grep { /proxy/i || /^(?:SSL|CURL)/ } keys %ENV;

    for my $case (['https://www.neutral.example/', '200 200 1'],
                  ["$url/", '200 000 1'])
    {
        my ($target, $want) = @$case;

        is(run_command([@curl, '--proxy-anyauth', '-U', 'ann:secret', $target])
               ->{out}, $want, "curl --proxy-anyauth, one connection: $target");
        is(run_command([@curl, '-U', 'ann:secret', $target])->{out}, $want,
           "curl -U: $target");
    }

    is(run_command([@curl, '--proxy-anyauth', '-U', 'ann:no', "$url/"])->{out},
       '407 000 1', 'curl with a wrong password');
}


# Kerberos, from a KDC of the test's own.

SKIP: {
    my $missing = Debar::Test::Kdc::missing();
    my ($curl) = grep { -x } '/usr/bin/curl', '/bin/curl';

    skip "$missing is not installed", 1 if $missing;
    skip 'curl is not installed', 1 if !$curl;
    skip 'this curl knows no SPNEGO', 1
        if run_command([$curl, '--version'])->{out} !~ /SPNEGO/;

    my $dir = test_dir();
    my $kdc = Debar::Test::Kdc->new('TEST.EXAMPLE', 8801, skew => 2);
    my $alien = Debar::Test::Kdc->new('ALIEN.EXAMPLE', 8802);

    $_->user('ann', 'secret') for $kdc, $alien;
    $kdc->user('cy', 'secret');
    $alien->service('HTTP/localhost', "$dir/alien.keytab");

    my $keytab = $kdc->service('HTTP/localhost', "$dir/http.keytab");
    my %ann = $kdc->login('ann', 'secret');

    mkdir "$dir/replay";
    chmod 0777, "$dir/replay";

    my $krb = sub {
        my ($says, %o) = @_;
        my $self = Debar::Test::Gateway->new(list => $list, %o, start => 0);

        $self->insert(qr/debar_front\s[^;]*;/, $says);
        $self->insert(qr/^http\s*\{/m, $says);
        $self->insert(qr/^pid[^;]*;/m, 'env KRB5_CONFIG=' . $kdc->conf . ";\n"
                      . "env KRB5RCACHENAME=file2:$dir/replay/seen;");

        my $r = $self->start;

        die "debar gateway start: $r->{err}$r->{out}\n" . $self->error_log
            if $r->{status} != 0;

        return $self;
    };

    my $kgw = $krb->("debar_negotiate on keytab=$keytab;\n"
                     . "debar_htpasswd $users;",
                     name => 'kerberos', port => 3140);

    # curl as a user: its output, as -w says, and what -v tells.

    my $fetch = sub {
        my ($env, $port, @args) = @_;

        local @ENV{keys %$env} = values %$env;

        return run_command([$curl, '-sSv', '-m', 20, '--noproxy', '',
                            '-o', '/dev/null', '--cacert', $tls->ca,
                            '-x', "http://localhost:$port",
                            '-w', '%{http_code} %{http_connect}', @args]);
    };
    my @as = ('--proxy-negotiate', '-U', ':');

    $r = $kgw->get("$url/");
    is($r->{status}, 407, 'with debar_negotiate a 407 asks');
    is(join('; ', map { $_->[1] } grep { $_->[0] eq 'Proxy-Authenticate' }
                  @{ $r->{fields} }),
       'Negotiate; Basic realm="debar", charset="UTF-8"',
       'for a ticket, or else for a password');
    is($kgw->get("$url/", fields => [basic('bob:pw')])->{status}, 200,
       'a password will do');

    $r = $fetch->(\%ann, 3140, @as, "$url/");
    is($r->{out}, '200 000', 'curl with a ticket: a plain request');

    my ($used) = $r->{err} =~ /^> Proxy-Authorization: (Negotiate \S+)/mi;
    ok($used, 'by Negotiate');

    is($fetch->(\%ann, 3140, @as, 'https://www.neutral.example/')->{out},
       '200 200', 'and a CONNECT');
    is($fetch->(\%ann, 3140, '--proxy-anyauth', '-U', ':',
                'https://www.neutral.example/')->{out}, '200 200',
       'which curl finds out for itself');

    $kgw->audit;
    $fetch->(\%ann, 3140, @as, 'http://www.listed.example/');
    ($line) = $kgw->audit_soon;
    is($line->{user}, 'ann@TEST.EXAMPLE', 'the record names the principal');
    $fetch->(\%ann, 3140, @as, 'https://www.listed.example/');
    ($line) = $kgw->audit_soon;
    is($line->{user}, 'ann@TEST.EXAMPLE', 'of a CONNECT too');

    sleep 1.05;
    $kgw->audit;
    is($kgw->get("$url/", fields => [['Proxy-Authorization', $used // 'x']])
           ->{status}, 407, 'a token is good for once');
    ($line) = $kgw->audit_soon;
    is($line->{fault}, 'credentials refused', 'and the record says so');

    for my $case (
        ['Negotiate ' . encode_base64('garbage', ''), 'garbage'],
        ['Negotiate ' . encode_base64('x' x 20000, ''), '20000 bytes of it'],
        ['Negotiate ***', 'no base64'], ['Negotiate ', 'nothing'],
        ['Negotiate', 'not even a space'],
        ['Negotiate ' . encode_base64("NTLMSSP\0\1\0\0\0" . "\0" x 24, ''),
         'NTLM'],
        ['NTLM ' . encode_base64("NTLMSSP\0\1\0\0\0" . "\0" x 24, ''),
         'NTLM by its own name'],
        [substr($used // '', 0, 400), 'half a token'],
    ) {
        my ($value, $what) = @$case;
        my @f = (fields => [['Proxy-Authorization', $value]]);

        is($kgw->get("$url/", @f)->{status}, 407, "asked again: $what");
        is($kgw->tunnel($to, @f)->status, 407, "and for CONNECT: $what");
    }

    like($kgw->error_log, qr/NTLM/, 'the log says that NTLM is not taken')
        if $kgw->error_log =~ /\[info\]/;

    # Tickets that are no longer, or never were, for this gateway.

    my $token = sub {
        my ($env) = @_;

        return $fetch->($env, 80, @as, "$url/")->{err}
               =~ /^> Proxy-Authorization: (Negotiate \S+)/mi ? $1 : 'none';
    };
    my %cy = $kdc->login('cy', 'secret', '-l', '2s');
    my $old = $token->(\%cy);
    my %stranger = $alien->login('ann', 'secret');
    my $strange = $token->(\%stranger);
    my $fresh = $token->(\%ann);

    like($_, qr/^Negotiate \S{200,}/, 'a token') for $old, $strange, $fresh;

    is($kgw->get("$url/", fields => [['Proxy-Authorization', $fresh]])
           ->{status}, 200, 'a token that was not used yet is taken');
    is($kgw->get("$url/", fields => [['Proxy-Authorization', $strange]])
           ->{status}, 407, 'one of another realm is not');
    sleep 5;
    is($kgw->get("$url/", fields => [['Proxy-Authorization', $old]])
           ->{status}, 407, 'nor one that has expired');

    # Names.

    my $short = $krb->("debar_negotiate on keytab=$keytab strip-realm"
                       . ' service=HTTP@localhost;',
                       name => 'short', port => 3141);

    is($short->get("$url/", fields => [basic('bob:pw')])->{status}, 407,
       'without debar_htpasswd no password will do');
    $short->audit;
    is($fetch->(\%ann, 3141, @as, 'http://www.listed.example/')->{out},
       '200 000', 'strip-realm: a waiver names the user alone');
    ($line) = $short->audit_soon;
    is($line->{user}, 'ann', 'as does the record');
    $short->stop;

    my $named = $krb->("debar_negotiate on keytab=$keytab"
                       . ' service=HTTP@other.example;',
                       name => 'named', port => 3142);

    is($fetch->(\%ann, 3142, @as, "$url/")->{out}, '407 000',
       'a ticket for another name than service= says is refused');
    $named->stop;

    is($kgw->complaints, '', 'no worker complained');
    $kgw->stop;
}


# A port with TLS of its own, and certificates of clients.

SKIP: {
    my ($curl) = grep { -x } '/usr/bin/curl', '/bin/curl'
        or skip 'curl is not installed', 1;
    my $dir = test_dir() . '/certs';

    mkdir $dir;

    my $made = sub {
        my ($name, $by, @more) = @_;
        my $r = run_command(['openssl', 'req', '-x509', '-newkey', 'ec',
            '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', 2,
            '-subj', "/CN=$name", '-keyout', "$dir/$name.key",
            '-out', "$dir/$name.pem", @more,
            ($by ? ('-CA', "$dir/$by.pem", '-CAkey', "$dir/$by.key") : ())]);

        die "openssl: $r->{err}\n" if $r->{status} != 0;
        chmod 0644, "$dir/$name.key";
    };
    my @leaf = ('-addext', 'basicConstraints=critical,CA:FALSE');

    $made->('users-ca', undef);
    $made->('other-ca', undef);
    $made->('localhost', undef, '-addext', 'subjectAltName=DNS:localhost');
    $made->('ann', 'users-ca', @leaf);
    $made->('eve', 'other-ca', @leaf);

    my $tls_port = sub {
        my ($name, $port, $verify) = @_;
        my $self = Debar::Test::Gateway->new(
            list => $list, name => $name, port => $port, start => 0,
            conf => { debar_pin => 'keepalive=0', debar_audit => test_dir()
                      . "/$name/audit/audit.jsonl all" });
        my $listen = $port + 1;

        $self->insert(qr/debar_front\s[^;]*;/,
                      "listen unix:debar:inner; debar_htpasswd $users;");
        $self->insert(qr/^http\s*\{/m, "debar_htpasswd $users;");
        $self->insert(qr/^stream\s*\{/m, <<"END");
    map \$ssl_client_s_dn \$cn { ~^CN=(?<name>[^,]+)\$ \$name; }
    upstream inner { debar_inner front=inner user=\$cn; }
    server {
        listen 127.0.0.1:$listen ssl;
        ssl_certificate $dir/localhost.pem;
        ssl_certificate_key $dir/localhost.key;
        ssl_client_certificate $dir/users-ca.pem;
        ssl_verify_client $verify;
        proxy_pass inner;
    }
END
        my $r = $self->start;

        die "debar gateway start: $r->{err}$r->{out}\n" . $self->error_log
            if $r->{status} != 0;

        return $self;
    };

    my $by = sub {
        my ($port, $name, @args) = @_;

        return run_command([$curl, '-sS', '-m', 20, '--noproxy', '',
            '-o', '/dev/null', '--cacert', $tls->ca,
            '-x', "https://localhost:$port",
            '--proxy-cacert', "$dir/localhost.pem",
            ($name ? ('--proxy-cert', "$dir/$name.pem",
                      '--proxy-key', "$dir/$name.key") : ()),
            '-w', '%{http_code} %{http_connect}', @args])->{out};
    };

    my $sgw = $tls_port->('tlsport', 3150, 'optional');
    is($by->(3151, 'ann', "$url/bytes/300000"), '200 000',
       'over TLS to the proxy, with a certificate: a plain request');
    is($by->(3151, 'ann', 'https://www.neutral.example/'), '200 200',
       'and a CONNECT');
    my @all = grep { $_->{verdict} } $sgw->audit;

    is(join(' ', map { $_->{user} // '' } @all[0, 1]), 'ann ann',
       'the record names whom the certificate names');
    like($all[0]{client}, qr/^127\.0\.0\.1:\d+$/, 'and the client itself');
    is($by->(3151, 'ann', 'http://www.listed.example/'), '200 000',
       'the user has his waiver');
    is($by->(3151, undef, "$url/"), '407 000',
       'optional: without a certificate the client is asked who it is');
    is($by->(3151, undef, '-U', 'bob:pw', "$url/"), '200 000',
       'and may say it by a password');
    isnt($by->(3151, 'eve', "$url/"), '200 000',
         'a certificate of another authority is refused');

    # What clients leave behind.  Without kept connections to the origin, and
    # with the sockets of both resolvers there, nothing may remain.  (A name that
    # http has asked for is known to stream for a second.)

    $by->(3151, 'ann', 'https://first.neutral.example/');

    my $sockets;

    ok((eventually {
        my $n = $sgw->sockets;
        my $same = defined $sockets && $n == $sockets;

        $sockets = $n;
        select undef, undef, undef, 0.3 if !$same;
        $same;
    } 10), 'the gateway is at rest');

    my $up = sub {
        my ($head) = @_;
        my $t = Debar::Test::Tunnel->new('127.0.0.1', 3151, '', head => '',
                                         answer => 0);

        $t->tls(sni => 'localhost') eq 'up' or die "no TLS at the port\n";
        $t->say($head) if length $head;

        return $t;
    };
    my $basic = 'Proxy-Authorization: ' . basic('bob:pw')->[1] . "\r\n\r\n";
    my $connect = "CONNECT www.neutral.example:443 HTTP/1.1\r\n$basic";
    my $hello = Debar::Test::Tunnel::made_hello(
        names => ['www.neutral.example']);

    for my $stage (
        ['before its TLS', sub {
            Debar::Test::Client->new('127.0.0.1', 3151);
        }],
        ['behind its TLS', sub { $up->('') }],
        ['in a head', sub { $up->(substr $connect, 0, 20) }],
        ['behind a CONNECT', sub { $up->($connect) }],
        ['behind a CONNECT that was answered', sub {
            my $t = $up->($connect);
            $t->fill(2);
            $t;
        }],
        ['in a tunnel', sub {
            my $t = $up->($connect . $hello);
            $t->fill(2);
            $t;
        }],
        ['in a download', sub {
            my $t = $up->("GET $url/bytes/9000000 HTTP/1.1\r\n"
                          . "Host: www.neutral.example\r\n$basic");
            $t->fill(2);
            $t;
        }],
    ) {
        my ($when, $make) = @$stage;

        for my $how (qw(close abort half_close)) {
            my @c = map { $make->() } 1 .. 3;
            my $n = 0;

            $_->$how for @c;
            ok((eventually { ($n = $sgw->sockets) <= $sockets } 6),
               "a client of the TLS port that goes $when leaves nothing ($how)")
                or diag "$n sockets, $sockets before";
            $_->close for @c;
        }
    }

    $by->(3151, 'ann', $_)
        for ("$url/bytes/300000", 'https://www.neutral.example/') x 3;
    ok((eventually { $sgw->sockets <= $sockets } 6),
       'neither do clients that have their answers');

    # nginx says crit of a client that talks on after it was refused

    is(join('', grep { !/SSL_shutdown/ } split /^/, $sgw->complaints), '',
       'and no worker complained');
    $sgw->stop;

    my $must = $tls_port->('tlsmust', 3154, 'on');

    is($by->(3155, 'ann', "$url/"), '200 000',
       'ssl_verify_client on: with a certificate');
    isnt($by->(3155, undef, '-U', 'bob:pw', "$url/"), '200 000',
         'without one not even a password will do');
    $must->stop;
}


# Settings.

my $t_conf = Debar::Test::Gateway->new(
    name => 'conf', port => 3129, list => $list, start => 0,
    conf => { debar_htpasswd => '/no/such/file' });

$r = $t_conf->test_conf;
isnt($r->{status}, 0, 'nginx -t finds that there is no file of passwords');
like($r->{err}, qr{/no/such/file}, 'and says which');
$t_conf->set('debar_htpasswd', 'off');
is($t_conf->test_conf->{status}, 0, '"debar_htpasswd off" asks for nothing');

write_file("$users.new", 'ann:' . crypt('changed', '$6$saltsalt$') . "\n");
rename "$users.new", $users;
is($gw->get("$url/", fields => [basic('ann:secret')])->{status}, 407,
   'a new file holds at once');
is($gw->get("$url/", fields => [basic('ann:changed')])->{status}, 200,
   'for those that it names');

is(join(' ', $gw->workers), $worker, 'one worker served it all');
is($gw->complaints, '', 'without a complaint');

done_testing;
