#!/usr/bin/perl

# debar gateway init --tls-listen, --client-ca and --htpasswd: clients that reach
# their proxy over TLS, and who they are.  What the directives do: identity.t.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Debar::Test::Alone;
use JSON::PP;
use Test::More;

use Debar::Test;
use Debar::Test::Dns;
use Debar::Test::Gateway;
use Debar::Test::Origin;
use Debar::Test::Pki;
use Debar::Test::Tls;
use Debar::Test::Tunnel;

my ($curl) = grep { -x } '/usr/bin/curl', '/bin/curl'
    or plan skip_all => 'curl is not installed';

delete $ENV{$_} for grep { /proxy/i || /^(?:SSL|CURL)/ } keys %ENV;

my $dns = Debar::Test::Dns->new;
my $origin = Debar::Test::Origin->new(
    listen => ['127.0.0.1:80', '127.0.0.1:8000']);
my $tls = Debar::Test::Tls->new(listen => ['127.0.0.1:443'],
                                names => ['*.neutral.example']);
my $pki = Debar::Test::Pki->new;
my $other = Debar::Test::Pki->new(name => 'other');
my $proxy = $pki->leaf(['localhost']);
my $list = write_list(test_dir() . '/list');
my $users = write_file(test_dir() . '/htpasswd', "# office\n"
                       . 'ann:' . crypt('secret', '$6$saltsalt$') . "\n");
my $url = 'http://www.neutral.example/';


# A certificate with this subject.

sub client {
    my ($by, $name, $subject) = @_;
    my $at = "$by->{dir}/$name";
    my $r = run_command([qw(openssl req -x509 -newkey ec -pkeyopt
        ec_paramgen_curve:P-256 -nodes -days 2 -addext),
        'basicConstraints=critical,CA:FALSE', '-subj', $subject, '-keyout',
        "$at.key", '-out', "$at.pem", '-CA', "$by->{dir}/root.pem", '-CAkey',
        "$by->{dir}/root.key"]);

    die "openssl: $r->{err}\n" if $r->{status} != 0;

    return ('--proxy-cert', "$at.pem", '--proxy-key', "$at.key");
}


sub through {
    my ($port, @args) = @_;

    return run_command([$curl, '-sS', '-m', 20, '--noproxy', '', '-o',
        '/dev/null', '--cacert', $tls->ca, '-x', "https://localhost:$port",
        '--proxy-cacert', $pki->ca, '-w', '%{http_code} %{http_connect}',
        @args])->{out};
}


sub gateway {
    my ($name, $port, @init) = @_;

    return Debar::Test::Gateway->new(
        name => $name, port => $port, list => $list, init => \@init,
        conf => { debar_audit => test_dir() . "/$name/audit/audit.jsonl all" });
}


sub mode {
    my ($path) = @_;

    return sprintf '%04o', (stat $path)[2] & 07777;
}


my @tls = ('--tls-cert', $proxy->{cert}, '--tls-key', $proxy->{key});


# Certificates of clients.

my $gw = gateway('must', 3128, '--tls-listen', '127.0.0.1:3129', @tls,
                 '--client-ca', $pki->ca);
my $dir = $gw->dir;

is(mode("$dir/tls/proxy.key"), '0600', 'the key is for its owner alone');
is(mode("$dir/tls/proxy.pem"), '0644', 'the certificate is for all');
unlike(file_text("$dir/tls/clients.pem"), qr/PRIVATE/, 'nothing but'
       . ' certificates comes into the file of CAs');
is($gw->get($url)->{status}, 200, 'the other port is there still');

my @ann = client($pki, 'ann', '/CN=ann');

is(through(3129, @ann, $url), '200 000', 'over TLS: a plain request');
is(through(3129, @ann, 'https://www.neutral.example/'), '200 200',
   'and a CONNECT');
isnt(through(3129, $url), '200 000', 'not without a certificate');
isnt(through(3129, client($other, 'eve', '/CN=ann'), $url), '200 000',
     'nor with one of another CA');

for my $case (
    ['/O=Agency/OU=Office/CN=bob', 'bob', 'behind other parts'],
    ['/CN=cy/O=Agency', 'cy', 'before them'],
    ['/CN=dan/O=x,CN=ann', 'dan', 'not a part that says so in its value'],
    ['/CN=dan/O=x\\+CN=ann', 'dan', 'nor one with a plus in it'],
    ['/OU=y/O=x\\\\,CN=ann', undef, 'nor one with a backslash'],
    ['/emailAddress=f@agency.example/O=Agency', undef, 'nobody without a CN'],
) {
    my ($subject, $user, $what) = @$case;

    $gw->audit;
    through(3129, client($pki, 'case', $subject), $url);

    my ($line) = $gw->audit_soon;

    is($line->{user}, $user, "of $subject the CN is the user: $what");
}

my $pac = $gw->command('pac', '--https')->{out};

like($pac, qr/"HTTPS 127\.0\.0\.1:3129"/, 'pac --https names the TLS port');
like($gw->command('pac')->{out}, qr/"PROXY 127\.0\.0\.1:3128"/,
     'and without it the other one');
is($gw->complaints =~ s/.*SSL_shutdown.*\n//gr, '', 'no worker complained');
$gw->stop;


# Passwords, on both ports.

$gw = gateway('asks', 3138, '--tls-listen', '127.0.0.1:3139', @tls,
              '--htpasswd', $users);
$dir = $gw->dir;
is(mode("$dir/users"), '0640', 'passwords are for root and the workers');
is(file_text("$dir/users"), file_text($users), 'as they were');

for my $to ($url, 'https://www.neutral.example/') {
    my $connect = $to =~ /^https/ ? 1 : 0;

    is(through(3139, '-U', 'ann:secret', $to), $connect ? '200 200'
       : '200 000', "with a password over TLS: $to");
    is(through(3139, $to), $connect ? '000 407' : '407 000',
       "not without: $to");
}

is($gw->get($url)->{status}, 407, 'the port without TLS asks as well');
is($gw->tunnel('www.neutral.example:443')->status, 407, 'for CONNECT too');
is($gw->complaints =~ s/.*SSL_shutdown.*\n//gr, '', 'no worker complained');
$gw->stop;


# Both, and with inspection.

$gw = gateway('all', 3148, '--tls-listen', '127.0.0.1:3149', @tls,
              '--client-ca', $pki->ca, '--htpasswd', $users, '--inspect',
              '--upstream-ca', $tls->ca);
is(run_command([$curl, '-sS', '-m', 20, '--noproxy', '', '-o', '/dev/null',
                '--cacert', $gw->ca_file, '-x', 'https://localhost:3149',
                '--proxy-cacert', $pki->ca, '-w', '%{http_code}', @ann,
                'https://www.neutral.example/'])->{out}, '200',
   'with a certificate no password is asked for; the tunnel is inspected');

my ($line) = grep { $_->{surface} eq 'inspected' } $gw->audit_soon;

is($line->{user}, 'ann', 'and the request in it is the user\'s');
$gw->stop;


# Refused before anything is made.

my $expired = $pki->leaf(['localhost'], expired => 1);
my $locked = test_dir() . '/locked.key';

run_command(['openssl', 'pkey', '-in', $proxy->{key}, '-aes256', '-passout',
             'pass:x', '-out', $locked]);

my @at = ('--tls-listen', '127.0.0.1:3129');

for my $case (
    [[@at, '--tls-cert', $proxy->{cert}], 2, qr/--tls-key/, 'no key'],
    [['--client-ca', $pki->ca], 2, qr/--tls-listen/, 'clients of no port'],
    [['--tls-listen', 'x:y', @tls], 2, qr/"x:y"/, 'no address'],
    [['--tls-listen', '127.0.0.1:3128', @tls], 2, qr/another port/,
     'the same port'],
    [[@at, '--tls-cert', $pki->leaf(['a.example'])->{cert}, '--tls-key',
      $proxy->{key}], 1, qr/not of the key/, 'another key'],
    [[@at, '--tls-cert', $expired->{cert}, '--tls-key', $expired->{key}], 1,
     qr/expired/, 'a certificate of yesterday'],
    [[@at, '--tls-cert', $proxy->{cert}, '--tls-key', $locked], 1,
     qr/passphrase/, 'an encrypted key'],
    [[@at, '--tls-cert', $proxy->{key}, '--tls-key', $proxy->{key}], 1,
     qr/no certificate/, 'a key for a certificate'],
    [[@at, @tls, '--client-ca', $proxy->{key}], 1, qr/no certificate/,
     'a key for a CA'],
    [['--htpasswd', $proxy->{cert}], 1, qr/htpasswd -B/, 'no passwords'],
    [['--htpasswd', '/no/such'], 1, qr{/no/such}, 'no file of them'],
) {
    my ($args, $status, $says, $what) = @$case;
    my $new = test_dir() . '/refused';
    my $r = run_command([debar_path(), 'gateway', 'init', $new, '--resolver',
                         '127.0.0.1:53', '--list', $list, @$args]);

    is($r->{status}, $status, "init refuses: $what");
    like($r->{err}, $says, 'and says why');
    ok(!-e $new, 'and makes nothing');
}

done_testing;
