#!/usr/bin/perl

# The process that holds the CA's key: what it signs, for whom, how often, as
# which user; what it makes of clients that send rubbish or half a request; how
# it dies and comes back; keys in a file and in a token.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Debar::Test::Alone;
use IO::Select;
use IO::Socket::UNIX;
use POSIX ();
use Test::More;
use Time::HiRes qw(time sleep);

use Debar::Test;

plan skip_all => 'a process that changes its user: only root can start it'
    if $> != 0;

local $SIG{PIPE} = 'IGNORE';

my $dir = test_dir();
my $user = 61234;
my $client = 61235;
my %running;

sub openssl {
    my $r = run_command(['openssl', @_], dir => $dir);

    $r->{status} == 0 or die "openssl @_: $r->{err}\n";

    return $r->{out};
}

openssl(qw(req -x509 -nodes -days 30 -newkey ec -pkeyopt
           ec_paramgen_curve:P-256 -keyout ca.key -out ca.pem -subj),
        '/CN=Agency of the test', '-addext',
        'keyUsage=critical,keyCertSign,cRLSign');
openssl(qw(ecparam -name prime256v1 -genkey -noout -out leaf.key));
openssl(qw(pkey -in leaf.key -pubout -outform DER -out leaf.spki));
chmod 0600, "$dir/ca.key";

my $spki = file_text("$dir/leaf.spki");


# --- a signer in a folder of its own, and a client of it ---------------------

sub signer_args {
    my ($name, %o) = @_;
    my $at = "$dir/$name";

    mkdir $at;
    chown $user, $user, $at;

    return ('sign', '--ca', $o{ca} // "$dir/ca.pem", '--key',
            $o{key} // "$dir/ca.key", '--socket', "$at/sock", '--pid',
            "$at/pid", '--log', $o{log} // "$at/log", '--user', $user,
            '--daemon', @{$o{more} // []});
}

sub start_signer {
    my ($name, %o) = @_;
    my $r = run_command([debar_path(), signer_args($name, %o)],
                        timeout => 30);

    $running{$name} = 1 if $r->{status} == 0;
    diag $r->{err} if $r->{status} != 0 && !$o{fails};

    return $r;
}

sub pid_of { return 0 + (file_text("$dir/$_[0]/pid") || 0) }

sub child_of {
    my $children = file_text("/proc/$_[0]/task/$_[0]/children") // '';

    return $children =~ /^(\d+)/ ? $1 : 0;
}

sub log_of { return file_text("$dir/$_[0]/log") // '' }

sub end_signer {
    my ($name) = @_;
    my $pid = pid_of($name);

    delete $running{$name};

    return 0 if !$pid;

    kill 'TERM', $pid;

    return eventually { !running($pid) } 10;
}

END {
    my $status = $?;

    end_signer($_) for keys %running;
    $? = $status;
}

sub ask_socket {
    my ($name) = @_;

    return IO::Socket::UNIX->new(Peer => "$dir/$name/sock");
}

sub request {
    my ($id, $host, $key) = @_;

    return pack 'N/a*', pack 'CCNC/a*n/a*', 1, 1, $id, $host, $key // $spki;
}

# The next reply, or undef if the other end closed (or says nothing).

sub reply {
    my ($s, $seconds) = @_;
    my $until = time + ($seconds // 10);
    my $in = '';
    my $want = 4;

    while (length $in < $want) {
        my $left = $until - time;

        return if $left < 0 || !IO::Select->new($s)->can_read($left);
        return if !sysread $s, $in, $want - length $in, length $in;

        $want = 4 + unpack 'N', $in if length $in == 4;
    }

    my (undef, $version, $kind, $id, $status) = unpack 'NCCNC', $in;
    my %r = (id => $id, status => $status);

    return if $version != 1 || $kind != 2;

    if ($status == 0) {
        ($r{not_after}, my $n, my $rest) = unpack 'Q>Ca*', substr $in, 11;
        $r{certs} = [unpack "(n/a*)$n", $rest];

    } else {
        $r{text} = unpack 'n/a*', substr $in, 11;
    }

    return \%r;
}

sub ask {
    my ($s, $host, $key) = @_;

    syswrite $s, request(1, $host, $key);

    return reply($s) // { status => -1 };
}

# True once the other end has closed.

sub closed {
    my ($s, $seconds) = @_;

    return IO::Select->new($s)->can_read($seconds) && !sysread $s, my $in, 1;
}

sub verified {
    my ($r, $how, $host) = @_;

    write_file("$dir/leaf.der", $r->{certs}[0]);
    openssl(qw(x509 -inform DER -in leaf.der -out leaf.pem));

    return run_command(['openssl', qw(verify -x509_strict -purpose sslserver
                        -CAfile ca.pem), $how, $host, 'leaf.pem'],
                       dir => $dir)->{status} == 0;
}


# --- what it signs ----------------------------------------------------------

is(start_signer('first', more => ['--client-uid', $client, '--client-gid',
                                  $client])->{status}, 0,
   'a signer goes to the background');

my $s = ask_socket('first');

ok($s, 'and its socket listens then');
ok(verified(ask($s, 'www.vendor.example'), '-verify_hostname',
            'www.vendor.example'), 'a name: openssl verify takes the leaf');
ok(verified(ask($s, '192.0.2.1'), '-verify_ip', '192.0.2.1'), 'an IPv4 address');
ok(verified(ask($s, '2001:db8::1'), '-verify_ip', '2001:db8::1'),
   'an IPv6 address');
like(log_of('first'), qr/ minted name=www\.vendor\.example serial=[0-9a-f]+ /,
     'each name is a line of the log');

for my $bad ('*.vendor.example', 'Vendor.example', 'a..b', "a\n.example", 'a b',
             '127.1', '[2001:db8::1]')
{
    my $r = ask($s, $bad);

    (my $shown = $bad) =~ s/\n/\\n/;
    is($r->{status}, 2, "no leaf for \"$shown\"");
}

is(ask($s, 'a.example', substr $spki, 0, 80)->{status}, 3,
   'nor for half a key');
unlike(log_of('first'), qr/^(?!\d{4}-)/m, 'no line of the log is forged');

my $in = join '', map { request($_, "n$_.example") } 1 .. 300;
my ($got, %ids) = (0);

$s->blocking(0);

while ($got < 300) {
    my $n = length $in ? syswrite $s, $in : 0;

    substr $in, 0, $n // 0, '';
    $s->blocking(1);

    while (IO::Select->new($s)->can_read(length $in ? 0 : 10)) {
        my $r = reply($s) or last;
        $ids{$r->{id}} = $r->{status};
        last if ++$got == 300;
    }

    last if !length $in && $got < 300;
    $s->blocking(0);
}

$s->blocking(1);
is(scalar(grep { defined && $_ == 0 } @ids{1 .. 300}), 300,
   '300 requests at once are each answered');


# --- as whom, and for whom --------------------------------------------------

my $parent = pid_of('first');
my $child = child_of($parent);

for my $pid ($parent, $child) {
    my $status = file_text("/proc/$pid/status") // '';

    like($status, qr/^Uid:\t$user\t$user\t$user\t$user$/m,
         'it runs as another user than root');
    like($status, qr/^Gid:\t$user\t$user\t$user\t$user$/m, 'and group');
    like($status, qr/^Groups:\s*$/m, 'with no further groups');
    like($status, qr/^CapEff:\t0+$/m, 'without capabilities');
    like($status, qr/^NoNewPrivs:\t1$/m, 'and gains none');
    like(file_text("/proc/$pid/limits") // '',
         qr/^Max core file size\s+0\s+0\s/m, 'and leaves no core');
    is((stat "/proc/$pid/mem")[4], 0, 'its memory is closed to its own user');
}

# Code that another user runs; its exit status.

sub as_user {
    my ($uid, $code) = @_;
    my $pid = fork // die "fork: $!\n";

    if ($pid == 0) {
        $( = $) = "$uid $uid";
        $< = $> = $uid;
        POSIX::_exit($> == $uid ? $code->() : 99);
    }

    waitpid $pid, 0;

    return $? & 127 ? -1 : $? >> 8;
}

is(as_user($user, sub { open(my $f, '<', "$dir/ca.key") ? 1 : 0 }), 0,
   'its user cannot read the file of the key');
is((stat "$dir/first/sock")[2] & 0777, 0660, 'the socket is closed to others');
is((stat "$dir/first/sock")[5], $client, 'and belongs to the group of clients');

sub gets_leaf {
    my ($name) = @_;

    return sub {
        my $c = ask_socket($name) or return 2;

        return ask($c, 'b.example')->{status} == 0 ? 0 : 1;
    };
}

is(as_user($client, gets_leaf('first')), 0, 'a user that was named may ask');
is(as_user(61236, gets_leaf('first')), 2, 'another cannot even connect');

chmod 0666, "$dir/first/sock";
is(as_user(61236, gets_leaf('first')), 1,
   'and is sent away where the socket is open to all');
like(log_of('first'), qr/ refused uid=61236 .*--client-uid/,
     'which the log tells, with the remedy');


# --- clients that make no sense ---------------------------------------------

for my $case (
    ['a frame of 4 GB', "\xff\xff\xff\xff"],
    ['an empty frame', pack 'N', 0],
    ['HTTP', "GET / HTTP/1.1\r\nHost: a\r\n\r\n"],
    ['another version', pack('N/a*', pack 'CCNC/a*n/a*', 2, 1, 1, 'a', $spki)],
    ['a reply', pack('N/a*', pack 'CCNCn/a*', 1, 2, 1, 1, 'x')],
    ['a name longer than its frame', pack('N/a*', pack 'CCNCa*', 1, 1, 1, 200,
                                          'abc')],
    ['a byte behind the key', pack('N/a*', pack 'CCNC/a*n/a*C', 1, 1, 1, 'a',
                                   $spki, 0)],
) {
    my $c = ask_socket('first');

    syswrite $c, $case->[1];
    ok(closed($c, 5), "$case->[0]: the connection is closed");
}

is(ask($s, 'c.example')->{status}, 0, 'others are served as before');

my $half = ask_socket('first');
my $drip = ask_socket('first');
my $idle = ask_socket('first');
my $began = time;
my $whole = request(1, 'd.example');

syswrite $half, substr $whole, 0, 20;
syswrite $drip, substr $whole, 0, 5;

# a byte now and then does not keep it

my $dripped = 5;

eventually {
    syswrite $drip, substr $whole, $dripped++, 1 if $dripped < 20;
    sleep 0.4;
    closed($drip, 0);
} 12;

ok(time - $began < 9, 'half a request is not waited for, byte by byte or not');
ok(closed($half, 3), 'nor where nothing follows');
is(ask($idle, 'e.example')->{status}, 0, 'who has nothing to ask may stay');
close $_ for $half, $drip, $idle;

my @many = grep { $_ } map { ask_socket('first') } 1 .. 300;

ok(closed($many[-1], 5), 'the 257th connection is closed');
is(ask($s, 'f.example')->{status}, 0, 'those before it are not');
@many = ();
ok((eventually { my $c = ask_socket('first');
                 $c && ask($c, 'f.example')->{status} == 0 } 5),
   'and when they go there is room again');


# --- how it dies -------------------------------------------------------------

kill 'KILL', $child;
ok(closed($s, 5), 'a signer that is killed is gone');

$s = ask_socket('first');
ok($s, 'its socket listens on');
is(ask($s, 'g.example')->{status}, 0, 'and another one answers');
isnt(child_of($parent), $child, 'a new process');
is(pid_of('first'), $parent, 'below the same parent');
like(log_of('first'), qr/ the signer died \(signal 9\)/, 'the log tells');

rename "$dir/first/log", "$dir/first/log.1";
kill 'USR1', $parent;
ok((eventually { -e "$dir/first/log" } 5), 'SIGUSR1 reopens the log');
is(ask($s, 'h.example')->{status}, 0, 'it signs on');
like(log_of('first'), qr/name=h\.example /, 'into the new file');

my $r = run_command([debar_path(), signer_args('first')]);

is($r->{status}, 1, 'a second signer on the same socket does not start');
like($r->{err}, qr{first/sock: the signer runs there already}, 'and says why');

kill 'KILL', $parent;
$child = child_of($parent) || $child;
ok((eventually { !ask_socket('first') } 5),
   'a signer does not outlive its parent');

is(start_signer('first')->{status}, 0, 'a socket left over is taken');
($parent, $child) = (pid_of('first'), child_of(pid_of('first')));
ok(end_signer('first'), 'SIGTERM ends it');
ok(!running($child), 'and its child');
ok(!-e "$dir/first/sock" && !-e "$dir/first/pid",
   'it leaves no socket and no pid file');


# --- how often ---------------------------------------------------------------

start_signer('slow', more => [qw(--rate 1 --burst 5)]);
$s = ask_socket('slow');

my @r = map { ask($s, "r$_.example") } 1 .. 12;
my $refused = grep { $_->{status} == 1 } @r;

is((grep { $_->{status} == 0 } @r[0 .. 4]) + 0, 5, 'the burst is served');
ok($refused >= 5, 'more than --rate is refused');
like($r[-1]{text}, qr/^refused: rate/, 'in words') if $r[-1]{status};
ok((eventually { sleep 0.2; ask($s, 'late.example')->{status} == 0 } 5),
   'and served again a moment later');
end_signer('slow');


# --- what it will not start with ---------------------------------------------

openssl(qw(req -x509 -nodes -days 30 -newkey ec -pkeyopt
           ec_paramgen_curve:P-256 -keyout other.key -out other.pem -subj
           /CN=Other));
openssl(qw(genpkey -algorithm ed25519 -out ed.key));

for my $case (
    ['another CA\'s key', { key => "$dir/other.key" }, qr/not the key of/],
    ['no key', { key => "$dir/none.key" }, qr/none\.key: cannot be read/],
    ['no certificate', { ca => "$dir/none.pem" }, qr/none\.pem: cannot be/],
    ['a token that is not there', { key => 'pkcs11:token=none;object=none' },
     qr/pkcs11: the key cannot be opened/],
    ['a user that is not there', { more => [qw(--user nobody-at-all)] },
     qr/there is no user "nobody-at-all"/],
) {
    $r = start_signer('bad', %{$case->[1]}, fails => 1);
    is($r->{status}, 1, "$case->[0]: it does not start");
    like($r->{err}, $case->[2], 'and says why');
    is(($r->{err} =~ tr/\n//), 1, 'in one line');
    unlink "$dir/bad/sock";
}

is(run_command([debar_path(), 'sign'])->{status}, 2, 'no option is no use');

$r = start_signer('full', log => '/dev/full');
$s = ask_socket('full');
is(ask($s, 'a.example')->{status}, 4,
   'what cannot be recorded is not signed');
end_signer('full');

chmod 0644, "$dir/ca.key";
$r = start_signer('open');
like($r->{err}, qr/warning: .*ca\.key: others than its owner.*chmod 600/,
     'a key that others may read is warned of');
end_signer('open');
chmod 0600, "$dir/ca.key";


# --- a passphrase, a token ----------------------------------------------------

write_file("$dir/phrase", "let me in\n");
openssl(qw(pkcs8 -topk8 -in ca.key -out locked.key -passout file:phrase));
chmod 0600, "$dir/locked.key", "$dir/phrase";
is(start_signer('locked', key => "$dir/locked.key",
                more => ['--passphrase', "$dir/phrase"])->{status}, 0,
   'an encrypted key and its passphrase');
is(ask(ask_socket('locked'), 'a.example')->{status}, 0, 'sign');
end_signer('locked');

SKIP: {
    my ($module) = grep { -e } glob '/usr/lib/{,*/}softhsm/libsofthsm2.so';
    my ($engine) = glob '/usr/lib/*/engines-3/pkcs11.so';

    skip 'softhsm2 and libengine-pkcs11-openssl are not installed', 8
        if !$module || !$engine;

    mkdir "$dir/tokens";
    local $ENV{SOFTHSM2_CONF} = write_file("$dir/softhsm.conf",
        "directories.tokendir = $dir/tokens\nobjectstore.backend = file\n"
        . "log.level = ERROR\n");
    local $ENV{PKCS11_MODULE_PATH} = $module;

    openssl(qw(pkcs8 -topk8 -nocrypt -in ca.key -out ca.p8));
    run_command([qw(softhsm2-util --init-token --free --label agency --pin 907815
                    --so-pin 5678)]);
    $r = run_command([qw(softhsm2-util --token agency --label ca --id 01 --pin
                         907815 --import), "$dir/ca.p8"]);
    is($r->{status}, 0, 'a token with the key');

    my $uri = 'pkcs11:token=agency;object=ca;type=private';

    $r = start_signer('closed', key => "$uri?pin-value=907815", fails => 1);
    is($r->{status}, 1, 'a token of another user: it does not start');
    unlike($r->{err} . log_of('closed'), qr/907815/, 'and no message has the PIN');
    unlink "$dir/closed/sock";

    system 'chown', '-R', "$user:$user", "$dir/tokens";
    write_file("$dir/pin", "907815\n");

    is(start_signer('token', key => $uri,
                    more => ['--passphrase', "$dir/pin"])->{status}, 0,
       'a key in a token, its PIN in a file');
    $s = ask_socket('token');
    ok(verified(ask($s, 'token.example'), '-verify_hostname', 'token.example'),
       'signs leaves');

    $child = child_of(pid_of('token'));
    kill 'KILL', $child;
    closed($s, 5);
    $s = ask_socket('token');
    is(ask($s, 'again.example')->{status}, 0,
       'a signer that comes back opens it again');
    end_signer('token');

    is(start_signer('token', key => "$uri?pin-value=907815")->{status}, 0,
       'or its PIN in the URI');
    unlike(log_of('token'), qr/907815/, 'which is not logged');
    end_signer('token');
}

done_testing;
