#!/usr/bin/perl

# How a worker asks for the certificates that it shows: what it keeps, what it
# asks for again, and what it makes of a signer that is slow, gone, refuses, or
# sends something else than it was asked for.  That signer is the test's own and
# passes on to the real one what it does not spoil.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Debar::Test::Alone;
use IO::Select;
use IO::Socket::UNIX;
use Net::SSLeay;
use POSIX ();
use Test::More;
use Time::HiRes qw(time sleep);

use Debar::Test;
use Debar::Test::Dns;
use Debar::Test::Gateway;
use Debar::Test::Tunnel;

plan skip_all => 'only root may ask the signer of workers that are not root'
    if $> != 0;

my $dns = Debar::Test::Dns->new(names => {
    map { ("n$_.neutral.example" => ['127.0.0.2']) } 1 .. 60
});
my $gw = Debar::Test::Gateway->new(
    list => write_list(test_dir() . '/list'), inspect => 1);
my $dir = test_dir();
my $real = $gw->dir . '/run/sign.sock';
my $log = $gw->dir . '/logs/sign.log';
my $mode = "$dir/mode";
my $socket = "$dir/rogue.sock";
my $number = 0;


# --- the signer in between ----------------------------------------------------

sub frame_of {
    my ($s) = @_;
    my ($in, $want) = ('', 4);

    while (length $in < $want) {
        return if !sysread $s, $in, $want - length $in, length $in;
        $want = 4 + unpack 'N', $in if length $in == 4;
    }

    return $in;
}

# What the real one says to a request.

sub passed_on {
    my ($id, $name, $spki) = @_;
    my $s = IO::Socket::UNIX->new(Peer => $real) or return '';

    syswrite $s, pack 'N/a*', pack 'CCNC/a*n/a*', 1, 1, $id, $name, $spki;

    return frame_of($s) // '';
}

sub spoilt {
    my ($how, $id, $name, $spki) = @_;

    return if $how eq 'silent';
    return passed_on($id, "x.$name", $spki) if $how eq 'name';
    return passed_on($id + 1, $name, $spki) if $how eq 'id';
    return pack('N/a*', 'x' x 40) if $how eq 'garbage';
    return "\xff\xff\xff\xff" if $how eq 'huge';
    return pack 'N/a*', pack 'CCNCn/a*', 1, 2, $id, 1, 'refused: rate'
        if $how eq 'rate';

    if ($how eq 'key') {
        my $r = run_command([qw(openssl ecparam -name prime256v1 -genkey -noout
                                -out), "$dir/o.key"]);

        run_command([qw(openssl pkey -pubout -outform DER -in), "$dir/o.key",
                     '-out', "$dir/o.spki"]);
        return passed_on($id, $name, file_text("$dir/o.spki"));
    }

    if ($how eq 'trailing') {
        my $in = passed_on($id, $name, $spki);
        my ($head, $cert) = unpack 'x4 a16 n/a*', $in;

        return pack 'N/a*', pack 'a*n/a*', $head, "${cert}x";
    }

    return passed_on($id, $name, $spki);
}

sub rogue {
    $SIG{PIPE} = 'IGNORE';
    unlink $socket;

    my $l = IO::Socket::UNIX->new(Local => $socket, Listen => 16) or die "$!\n";
    my $wait = IO::Select->new($l);

    chmod 0666, $socket;

    while (1) {
        for my $s ($wait->can_read) {
            if ($s == $l) {
                $wait->add(scalar $l->accept);
                next;
            }

            my $in = frame_of($s);
            my $how = file_text($mode) // '';

            if ($how eq 'once') {
                write_file($mode, '');
                undef $in;
            }

            if (!defined $in || $how eq 'close') {
                $wait->remove($s);
                close $s;
                next;
            }

            my $out = spoilt($how, unpack 'x6 N C/a* n/a*', $in) // '';

            while (length $out) {
                my $n = $how eq 'slow' ? 37 : length $out;

                syswrite $s, substr $out, 0, $n, '';
                sleep 0.005 if length $out;
            }
        }
    }
}

my $rogue = start_process('rogue', \&rogue);

(eventually { -S $socket } 5) or die "no socket of the test's signer\n";


# --- a gateway that asks it -----------------------------------------------------

sub asks {
    my ($how, $options) = @_;

    write_file($mode, $how);
    $gw->set('debar_sign', "unix:$socket " . ($options // 'timeout=700ms'));
    my $r = $gw->reload;

    $r->{status} == 0 or die "reload: $r->{err}\n";
}

sub fresh { return 'n' . ++$number . '.neutral.example' }

# The SSL of a handshake for that name, by the gateway's CA: "up"; the
# certificate's serial.

sub shake {
    my ($name) = @_;
    my $t = $gw->tunnel("$name:443");

    return 'CONNECT ' . $t->status if $t->status != 200;

    my $end = $t->tls(ca => $gw->ca_file, sni => $name);
    my $x = $end eq 'up' ? Net::SSLeay::get_peer_certificate($t->{ssl}) : undef;
    my $serial = $x ? Net::SSLeay::P_ASN1_INTEGER_get_hex(
                          Net::SSLeay::X509_get_serialNumber($x)) : '';

    $t->close;

    return ($end, $serial);
}

# Lines of the error log since $from that say it.

sub said {
    my ($from, $what) = @_;

    return eventually { substr($gw->error_log, $from) =~ $what } 5;
}

asks('');

my $name = fresh();
my ($end, $serial) = shake($name);

is($end, 'up', 'a certificate from a signer behind another');
is((shake($name))[1], $serial, 'is kept');
isnt((shake(fresh()))[1], $serial, 'and is that name\'s alone');

asks('slow');
is((shake(fresh()))[0], 'up', 'an answer in pieces of 37 bytes');

asks('once');
is((shake(fresh()))[0], 'up', 'a signer that is lost is asked once more');

for my $case (
    ['name', 'a certificate for another name', qr/something else than/],
    ['key', 'a certificate for another key', qr/something else than/],
    ['trailing', 'a byte behind a certificate', qr/something else than/],
    ['garbage', 'what is no answer', qr/sent what is no answer/],
    ['huge', 'a frame of 4 GB', qr/sent what is no answer/],
    ['id', 'an answer to no question', qr/does not answer: no TLS/],
    ['silent', 'nothing', qr/does not answer: no TLS .*timed out|timed out/],
    ['close', 'the end of the connection, twice', qr/was lost/],
    ['rate', 'a refusal', qr/refused: rate/],
) {
    my ($how, $what, $line) = @$case;

    asks($how);

    my $from = length $gw->error_log;
    my $began = time;

    $name = fresh();
    isnt((shake($name))[0], 'up', "$what: nothing is shown");
    ok(time - $began < 5, 'and nobody waits long for it');
    ok(said($from, $line), 'the error log says what came');
    ok(said($from, qr/no certificate to show for "\Q$name\E"/),
       'and whom it hit');

    write_file($mode, '');
    ok((eventually { (shake($name))[0] eq 'up' } 6),
       'the same worker asks again a moment later');
}

asks('', 'leaves=2 key=rsa');

my @names = map { fresh() } 1 .. 3;
my @serials = map { (shake($_))[1] } @names;

is((grep { $_ } @serials) + 0, 3, 'certificates for a key of RSA');
is((shake($names[2]))[1], $serials[2], 'with leaves=2 the last is kept');
isnt((shake($names[0]))[1], $serials[0], 'the one before the last two is not');

# Many at once, for the same name: one question.

asks('slow');
$name = fresh();

my @tunnels = map { $gw->tunnel("$name:443") } 1 .. 8;
my $up = grep { $_->tls(ca => $gw->ca_file, sni => $name) eq 'up' } @tunnels;

$_->close for @tunnels;
is($up, 8, 'eight tunnels to a host');
is((() = file_text($log) =~ /minted name=\Q$name\E /g) + 0, 1,
   'need one certificate');

# Nobody there.

stop_process($rogue);
unlink $socket;
asks('');

my $from = length $gw->error_log;

isnt((shake(fresh()))[0], 'up', 'no signer: nothing is shown');
isnt((shake(fresh()))[0], 'up', 'to nobody');
ok(said($from, qr/\Q$socket\E does not answer.*No such file/),
   'the error log names the socket');
is((() = substr($gw->error_log, $from) =~ /does not answer: no TLS/g) + 0, 1,
   'once, not for each client');

is($gw->complaints, '', 'no alert in the error log');
is($gw->stop->{status}, 0, 'the gateway stops');

done_testing;
