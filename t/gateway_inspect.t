#!/usr/bin/perl

# A gateway that inspects, as an operator sees it: its CA, the configuration
# that init writes, and the signer that start, stop, reload and status mind.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Debar::Test::Alone;
use JSON::PP;
use Socket qw(SOCK_STREAM);
use IO::Socket::UNIX;
use Test::More;

use Debar::Test;
use Debar::Test::Dns;
use Debar::Test::Gateway;
use Debar::Test::Pki;

my $dns = Debar::Test::Dns->new;
my $pki = Debar::Test::Pki->new;
my $list = write_list(test_dir() . '/list');
my $root = $> == 0;
my ($www_uid, $www_gid) = $root ? www_ids() : ($>, $) + 0);


sub init {
    my ($dir, @options) = @_;

    return run_command([debar_path(), 'gateway', 'init', $dir, '--list', $list,
                        '--listen', '127.0.0.1:3128', '--resolver',
                        '127.0.0.1:53', @options]);
}


sub mode {
    my ($path) = @_;

    return sprintf '%04o', (stat $path)[2] & 07777;
}


sub fingerprint {
    my ($file) = @_;
    my $r = run_command([qw(openssl x509 -noout -fingerprint -sha256 -in),
                         $file]);

    return $r->{out} =~ /=([0-9A-F:]+)/ ? $1 : "none of $file";
}


# Real, effective, saved and file-system uid of a process, each once.

sub uids {
    my ($pid) = @_;
    my ($line) = (file_text("/proc/$pid/status") // '') =~ /^Uid:\s*(.*)/m;
    my %seen = map { $_ => 1 } split ' ', $line // '';

    return join ' ', sort keys %seen;
}


sub children {
    my ($pid) = @_;

    return split ' ', file_text("/proc/$pid/task/$pid/children") // '';
}


sub asks {
    my ($path) = @_;

    return IO::Socket::UNIX->new(Type => SOCK_STREAM, Peer => $path) ? 1 : 0;
}


# A CA of its own.

my $gw = Debar::Test::Gateway->new(list => $list, inspect => 1,
                                   upstream_ca => $pki->ca, start => 0);
my $dir = $gw->dir;
my $socket = "$dir/run/sign.sock";
my $print = fingerprint($gw->ca_file);

like($gw->{init}{out}, qr/must trust \Q$dir\E\/ca\/ca\.pem, made now/,
     'init --inspect makes a CA and says who has to trust it');
like($gw->{init}{out}, qr/SHA-256 \Q$print\E$/m, 'with its fingerprint');
like($gw->{init}{out}, qr/until \d{4}-\d\d-\d\d$/m, 'and its last day');
unlike($gw->{init}{out} . $gw->{init}{err}, qr/PRIVATE KEY/, 'and no key');

is(mode("$dir/ca"), '0755', 'the folder can be entered');
is(mode($gw->ca_file), '0644', 'ca.pem can be fetched');
is(mode("$dir/ca/ca.key"), '0600', 'ca.key cannot');
is((stat "$dir/ca/ca.key")[4], $>, 'and belongs to who made it');
is(mode("$dir/ca/upstream.pem"), '0644', 'the roots can be read');
unlike(file_text($gw->ca_file), qr/PRIVATE/, 'no key is in ca.pem');

my $key = file_text("$dir/ca/ca.key");
my $conf = file_text($gw->conf_file);

unlike($conf, qr/\@[A-Z]+\@/, 'nothing of the template is left over');
like($conf, qr/debar_front http=plain tunnel=tunnel inspect=inspected;/,
     'the front hands TLS on');
like($conf, qr/debar_sign "unix:\Q$socket\E";/, 'the signer is asked');
like($conf, qr/debar_splice "file:\Q$dir\E\/splice\.txt";/, 'hosts are spliced');
like($conf, qr/proxy_ssl_trusted_certificate "\Q$dir\E\/ca\/upstream\.pem";/,
     'origins prove themselves by --upstream-ca');
is(() = $conf =~ /(?:proxy|grpc)_ssl_verify on;/g, 2,
   'requests and gRPC verify the origin');
is(() = $conf =~ /(?:proxy|grpc)_hide_header Alt-Svc;/g, 2,
   'and strip Alt-Svc');
is(() = $conf =~ /error_page 502 504 = \@fault;/g, 2,
   'both servers have the page for an origin that fails');

write_file($gw->splice_file, "# mine\nbank.example\n");

my $r = init($dir, '--inspect');

is($r->{status}, 0, 'init once more');
like($r->{out}, qr/ca\.pem, as before/, 'says that the CA is the same');
is(fingerprint($gw->ca_file), $print, 'keeps it');
is(file_text("$dir/ca/ca.key"), $key, 'and its key');
is(file_text($gw->splice_file), "# mine\nbank.example\n", 'and splice.txt');
like(file_text($gw->conf_file), qr/proxy_ssl_trusted_certificate "\/etc/,
     'without --upstream-ca the roots are the system\'s');

my $said = eval { decode_json(init($dir, '--inspect', '--json')->{out}) };

is($said->{ca}{sha256}, $print, '--json has the fingerprint');
is($said->{ca}{made}, JSON::PP::false, 'and that none was made');

rename "$dir/ca/ca.pem", "$dir/ca/away.pem";
$r = init($dir, '--inspect');
is($r->{status}, 1, 'a key without its certificate is not replaced');
like($r->{err}, qr/ca\.key is there and its certificate/, 'but named');
rename "$dir/ca/away.pem", "$dir/ca/ca.pem";

$r = init(test_dir() . '/plain');
is($r->{status}, 0, 'without --inspect');
$conf = file_text(test_dir() . '/plain/nginx.conf');
unlike($conf, qr/debar_inspect;|inspected|_ssl_|grpc|debar_sign|splice/,
       'nothing of it is in nginx.conf');
is_deeply([glob test_dir() . '/plain/ca/*'], [], 'and there is no CA');


# The agency's.

$pki->authority('other', 'Another authority');

my ($inter, $inter_key) = map { test_dir() . "/pki/inter.$_" } qw(pem key);
my $both = write_file(test_dir() . '/both.pem', file_text($inter)
                      . file_text($inter_key) . file_text($pki->ca));

for my $t (
    [['--inspect', '--ca', $inter, '--ca-key', test_dir() . '/pki/other.key'],
     1, qr/other\.key|inter\.pem/, 'a key of another CA'],
    [['--inspect', '--ca', $inter, '--ca-key', test_dir() . '/nowhere.key'],
     1, qr/nowhere\.key/, 'a key that is not there'],
    [['--inspect', '--ca', $inter_key, '--ca-key', $inter_key],
     1, qr/inter\.key/, 'a file without a certificate'],
    [['--inspect', '--upstream-ca', $inter_key], 1, qr/no certificate/,
     'roots without a certificate'],
    [['--inspect', '--ca', $inter], 2, qr/--ca-key/, '--ca alone'],
    [['--inspect', '--ca-passphrase', $inter], 2, qr/--ca\b/,
     'a passphrase of no CA'],
    [['--inspect', '--ca', $inter, '--ca-key',
      'pkcs11:token=a;object=b?pin-value=1234'], 2, qr/--ca-passphrase/,
     'a PIN that others could see'],
    [['--ca', $inter, '--ca-key', $inter_key], 2, qr/--inspect/,
     '--ca without --inspect'],
    [['--upstream-ca', $inter], 2, qr/--inspect/,
     '--upstream-ca without --inspect'],
    [['--sign-user', 61200], 2, qr/--inspect/, '--sign-user without --inspect'],
    [['--inspect', '--sign-user', 'root'], 2, qr/neither root/,
     'a signer that is root'],
    [['--inspect', '--sign-user', 'www-data'], 2, qr/the workers/,
     'a signer that is the workers\' user'],
    [['--inspect', '--sign-user', 'no such'], 2, qr/--sign-user/,
     'a user that does not exist'],
) {
    my ($options, $status, $says, $what) = @$t;
    my $new = test_dir() . '/refused';

    $r = init($new, @$options);
    is($r->{status}, $status, "init refuses $what");
    like($r->{err}, $says, 'and says so');
    ok(!-e $new, 'before a folder is made');
}

my $own = Debar::Test::Gateway->new(name => 'own', list => $list, start => 0,
    inspect => { ca => $both, key => $inter_key }, upstream_ca => $pki->ca);
my $at = $own->dir;

is(fingerprint($own->ca_file), fingerprint($inter), 'the agency\'s CA is taken');
is(() = file_text($own->ca_file) =~ /BEGIN CERTIFICATE/g, 2, 'with its chain');
unlike(file_text($own->ca_file), qr/PRIVATE/,
       'and not the key that stood in the same file');
is(file_text("$at/ca/ca.key"), file_text($inter_key), 'the key is a copy');
is(mode("$at/ca/ca.key"), '0600', 'for root alone');

$r = init($at, '--inspect', '--ca', test_dir() . '/pki/other.pem', '--ca-key',
          test_dir() . '/pki/other.key');
is($r->{status}, 0, 'another CA is put in its place');
is(fingerprint("$at/ca/ca.pem.old"), fingerprint($inter), 'the old one stays');
is(file_text("$at/ca/ca.key.old"), file_text($inter_key), 'with its key');
is(mode("$at/ca/ca.key.old"), '0600', 'for root alone');


# A key that is encrypted.

my $locked = test_dir() . '/locked.key';
my $secret = write_file(test_dir() . '/secret', "open, please\n");
my @locked = ('--inspect', '--ca', $inter, '--ca-key', $locked);

run_command(['openssl', 'pkcs8', '-topk8', '-in', $inter_key, '-out', $locked,
             '-passout', "file:$secret"]);
is(init($at, @locked)->{status}, 1, 'an encrypted key needs its passphrase');
is(init($at, @locked, '--ca-passphrase', $secret)->{status}, 0,
   'which is in a file');
is(mode("$at/ca/ca.pass"), '0600', 'that is copied for root alone');
is($own->start->{status}, 0, 'the signer starts with it');
unlike(file_text('/proc/' . $own->signer_pid . '/cmdline'), qr/please/,
       'and it is in no argument');
is($own->stop->{status}, 0, 'and stops');
is(init($at, '--inspect', '--ca', $inter, '--ca-key', $inter_key)->{status}, 0,
   'the same CA with a key in the clear');
ok(!-e "$at/ca/ca.pass", 'has no passphrase any more');


# start, status, stop.

SKIP: {
    skip 'only root can give a signer a user of its own', 4 if !$root;

    is(init($dir, '--inspect', '--upstream-ca', $pki->ca, '--sign-user',
            61234)->{status}, 0, '--sign-user');
    is($gw->start->{status}, 0, 'is started');
    is(uids($gw->signer_pid), 61234, 'as that user');
    is($gw->stop->{status}, 0, 'and stopped');
}

is(init($dir, '--inspect', '--upstream-ca', $pki->ca)->{status}, 0,
   'init as it was');
like(file_text($gw->conf_file), qr/ca\/upstream\.pem/, 'with --upstream-ca');
ok(!-e "$dir/ca/sign.user", 'without --sign-user') if $root;

$r = $gw->start;
is($r->{status}, 0, 'start starts the gateway');
like($r->{out}, qr/signer runs \(pid \d+, uid \d+\)/, 'and its signer');

my $signer = $gw->signer_pid;
my $uid = uids($signer);

ok(running($signer), 'which runs');
ok(asks($socket), 'and answers');

if ($root) {
    ok($uid =~ /^\d+$/ && $uid != 0 && $uid != $www_uid,
       "as a user that is neither root nor the workers' ($uid)");
    is(uids($_), $uid, 'so is its child') for children($signer);
    is((stat $socket)[5], $www_gid, 'the socket is for the workers');

    my $said = run_command([qw(setpriv --clear-groups --reuid), $www_uid,
                            '--regid', $www_gid, 'cat', "$dir/ca/ca.key"]);

    isnt($said->{status}, 0, 'the workers\' user cannot read the key');
    $said = run_command([qw(setpriv --clear-groups --reuid), $uid, '--regid',
                         $uid, 'cat', "$dir/ca/ca.key"]);
    isnt($said->{status}, 0, 'nor can the signer\'s, now');
}

is(mode($socket), '0660', 'nobody else may ask');
unlike(file_text("/proc/$signer/cmdline"), qr/PRIVATE/, 'no key in arguments');

my $status = $gw->status;

is($status->{signer}{state}, 'running', 'status --json knows the signer');
is($status->{signer}{pid}, $signer, 'its pid');
is($status->{signer}{minted}, 0, 'and how many names it signed');
like($gw->command('status')->{out}, qr/^  signer\n.*\brunning\b/ms,
     'status says it to people');

$r = $gw->start;
is($r->{status}, 0, 'a second start');
is($gw->signer_pid, $signer, 'leaves the signer alone');
is($gw->command('reload')->{status}, 0, 'reload');
is($gw->signer_pid, $signer, 'too');


# What dies comes back.

my ($child) = children($signer);

kill 'KILL', $child;
ok((eventually {
    my ($new) = children($signer);
    $new && $new != $child && asks($socket);
} 10), 'a signer that was killed is started anew by its parent');

($child) = children($signer);
kill 'KILL', $signer;
ok((eventually { !running($signer) }), 'its parent is killed');
is($gw->status->{signer}{state}, 'down', 'status says that it is down');
is($gw->command('status')->{status}, 0, 'while the gateway runs');
ok((eventually { !running($child) }), 'no child is left behind');

my $master = $gw->pid;

$r = $gw->start;
is($r->{status}, 0, 'start starts the signer alone');
like($r->{out}, qr/signer runs.*runs already/s, 'and says so');
is($gw->pid, $master, 'the gateway goes on');
isnt($gw->signer_pid, $signer, 'with a new signer');
ok(asks($socket), 'that answers');

$signer = $gw->signer_pid;
kill 'KILL', $signer;
eventually { !running($signer) };
is($gw->command('reload')->{status}, 0, 'reload starts it too');
is($gw->status->{signer}{state}, 'running', 'and it runs');

$signer = $gw->signer_pid;
is($gw->stop->{status}, 0, 'stop');
ok((eventually { !running($signer) }), 'ends the signer');
ok(!-e $socket, 'and takes its socket away');
is($gw->command('status')->{status}, 3, 'status says that nothing runs');

rename "$dir/ca/ca.key", "$dir/ca/away";
$r = $gw->start;
is($r->{status}, 1, 'without its key nothing is started');
like($r->{err}, qr/ca\.key: /, 'and the file is named');
ok(!$gw->pid || !running($gw->pid), 'no gateway');
rename "$dir/ca/away", "$dir/ca/ca.key";

write_file($gw->splice_file, "bank.example\nnot a host\n");
$r = $gw->start;
is($r->{status}, 1, 'a fault of splice.txt');
like($r->{err}, qr/splice\.txt:2: /, 'is named by file and line');
ok(!$gw->signer_pid || !running($gw->signer_pid), 'no signer is left behind');

done_testing;
