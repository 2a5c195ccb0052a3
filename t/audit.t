#!/usr/bin/perl

# The audit line: there before the answer, whole, in order, unique, without
# secrets; and what happens when it cannot be written.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Debar::Test::Alone;
use Fcntl qw(:flock);
use JSON::PP;
use POSIX ();
use Test::More;

use Debar::Test;
use Debar::Test::Client;
use Debar::Test::Dns;
use Debar::Test::Gateway;
use Debar::Test::Origin;

my $dns = Debar::Test::Dns->new;
my $origin = Debar::Test::Origin->new;
my $list = write_list(test_dir() . '/list', vendor => <<'END');
  - {host: watched.example, action: log}
  - {host: telemetry.example, activity: update}
END

my @order = qw(time incident gateway surface client user method url activity
               verdict mode fault vendor product authorities evidence permit
               waiver list upstream took_us);


# The keys of the outermost object as they stand in a line.

sub keys_of {
    my ($line) = @_;
    my ($depth, @keys) = (0);

    while ($line =~ /\G\s*(?:([{\[])|([}\]])|("(?:[^"\\]|\\.)*")(\s*:)?|[^"{}\[\]]+)/gc)
    {
        $depth++ if defined $1;
        $depth-- if defined $2;
        push @keys, substr $3, 1, -1 if defined $4 && $depth == 1;
    }

    return @keys;
}

sub in_order {
    my ($line) = @_;
    my %rank = map { $order[$_] => $_ } 0 .. $#order;
    my @keys = keys_of($line);
    my @unknown = grep { !exists $rank{$_} } @keys;
    my @sorted = sort { $rank{$a} <=> $rank{$b} }
                 grep { exists $rank{$_} } @keys;

    return !@unknown && "@keys" eq "@sorted" ? '' : "@keys";
}


my $gw = Debar::Test::Gateway->new(
    list => $list, conf => { debar_gateway => 'gw-7', debar_user =>
                             '$http_x_user' });

is((stat $gw->audit_file)[2] & 07777, 0640, 'the audit file has mode 0640');


# One block, looked at closely.  The line is read as soon as the first byte of
# the answer is there, with no waiting.

my $c = $gw->client;
my $port = $c->{socket}->sockport;

$c->send("GET http://www.listed.example/x?y=1 HTTP/1.1\r\n"
         . "Host: www.listed.example\r\nX-User: alice\r\n\r\n");
$c->fill(5);

my @raw = $gw->audit_raw;
my $r = $c->response;

is(scalar @raw, 1, 'when the first byte of a refusal is there, so is its line');

my $line = decode_json($raw[0]);

like($line->{time}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/,
     'time is RFC 3339 with milliseconds, UTC');
like($line->{incident}, qr/^[0-9a-f]{32}$/, 'incident is 128 bits in hex');
is($line->{gateway}, 'gw-7', 'gateway is as configured');
is($line->{surface}, 'http', 'surface is http');
is($line->{client}, "127.0.0.1:$port", 'client is address and port');
is($line->{user}, 'alice', 'user is the variable\'s value');
is($line->{method}, 'GET', 'method');
is($line->{url}, 'http://www.listed.example/x?y=1', 'url as received');
is($line->{activity}, 'browse', 'activity');
is($line->{verdict}, 'block', 'verdict');
is($line->{mode}, 'enforce', 'mode');
is($line->{vendor}, 'acme', 'vendor');
is_deeply($line->{authorities}, ['rule-1'], 'authorities');
is($line->{evidence}[0]{kind}, 'host', 'evidence: kind');
is($line->{evidence}[0]{value}, 'listed.example', 'evidence: listed value');
is($line->{evidence}[0]{where}, 'host', 'evidence: where');
ok(!exists $line->{evidence}[0]{activity}, 'evidence: no activity of its own');
is($line->{list}{serial}, 1, 'serial of the list');
like($line->{list}{digest}, qr/^[0-9a-f]{64}$/, 'digest of the list');
like($line->{took_us}, qr/^\d+$/, 'and how long it took');
ok(!exists $line->{permit} && !exists $line->{waiver}
   && !exists $line->{product}, 'what is empty is absent');
is(in_order($raw[0]), '', 'keys stand in the order that others rely on');
ok(index($r->{body}, $line->{incident}) > 0, 'the page names the incident');


# Log, reject, pass.

$c->send("GET http://watched.example/ HTTP/1.1\r\nHost: watched.example\r\n"
         . "\r\n");
$c->fill(5);
@raw = $gw->audit_raw;
is($c->response->{status}, 200, 'a log verdict goes through');
is(scalar(grep { /"verdict":\s*"log"/ } @raw), 1,
   'its line is there when the first byte of the answer is');
is(in_order($raw[0]), '', 'in order');
$line = decode_json($raw[0]);
is($line->{vendor}, 'acme', 'with the vendor');
is($line->{upstream}{addr}, '127.0.0.1:80', 'and the address dialled');

$gw->audit;
$gw->exchange("POST http://telemetry.example/v1 HTTP/1.1\r\n"
              . "Host: telemetry.example\r\nContent-Length: 0\r\n\r\n");
($line) = $gw->audit;
is("$line->{activity} $line->{evidence}[0]{activity}", 'browse update',
   'what a host is for is told where the request shows less');

$gw->exchange("GET / HTTP/1.1\r\nHost: a.example\r\nHost: b.example\r\n\r\n");
$gw->exchange("GET http://a%41.example/ HTTP/1.1\r\nHost: a%41.example\r\n"
              . "\r\n");
@raw = ();
eventually { push @raw, $gw->audit_raw; @raw >= 2 };
is(scalar(grep { /"verdict":\s*"reject"/ } @raw), 2,
   'a contradiction and what nginx\'s parser refuses are recorded as reject');
is(join('', map { in_order($_) } @raw), '', 'in order');

$gw->get('http://www.neutral.example/');
is(scalar $gw->audit_raw, 0, 'a pass has no line by default');


# Secrets.

my @secrets = ('s3cr3t-token', 's3cr3t-pass', 's3cr3t-key', 's3cr3t-sess',
               's3cr3t-code');
$r = $gw->get("http://listed.example/?token=$secrets[0]&q=plain&"
              . "password=$secrets[1]&api_key=$secrets[2]&"
              . "session=$secrets[3]&code=$secrets[4]");
@raw = $gw->audit_raw;
is(join(' ', grep { $raw[0] =~ /$_/ } @secrets), '',
   'values of secret query keys are not in the line');
like($raw[0], qr/q=plain/, 'other values are');
is(join(' ', grep { $r->{body} =~ /$_/ } @secrets), '', 'nor in the page');

$gw->exchange("GET http://user:s3cr3t-info\@listed.example/ HTTP/1.1\r\n"
              . "Host: listed.example\r\nConnection: close\r\n\r\n");
@raw = ();
eventually { push @raw, $gw->audit_raw; scalar @raw };
is(scalar(grep { /s3cr3t-info/ } @raw), 0, 'nor is userinfo');
is(scalar @raw, 1, 'of a request that is recorded');


# What a hostile client sends stays inside one line of JSON.

for my $target ("/\x01\x7f", '/"},{"x":"', '/\\', "/\xff\xfe\xc3\x28",
                "/\xe2\x80\xa8", '/' . 'y' x 7000, '/?' . 'a=b&' x 1500)
{
    $gw->exchange("GET http://listed.example$target HTTP/1.1\r\n"
                  . "Host: listed.example\r\nConnection: close\r\n\r\n");
    @raw = ();
    eventually { push @raw, $gw->audit_raw; scalar @raw } 2;
    is(scalar @raw, 1,
       "one line for target " . unpack("H*", substr $target, 0, 9));
    ok(@raw && eval { JSON::PP->new->utf8->decode($raw[0]) } && !in_order($raw[0]),
       'which is valid JSON in UTF-8');
}


# Monitor mode.

$gw->set('debar_mode', 'monitor');
is($gw->reload->{status}, 0, 'the mode is changed by a reload');
is($gw->get('http://listed.example/')->{status}, 200,
   'in monitor mode what is listed goes through');
$gw->audit;
$gw->get('http://listed.example/');
$line = ($gw->audit)[-1];
is($line->{verdict}, 'block', 'with the verdict as it would be');
is($line->{mode}, 'monitor', 'and the mode');
is($gw->get('http://a.example/', host => 'b.example')->{status}, 400,
   'a contradiction is refused in monitor mode too');
$gw->stop;


# Rotation.

$gw = Debar::Test::Gateway->new(
    list => $list, name => 'rotated', workers => 2,
    conf => { debar_audit => 'audit/audit.jsonl all' });
$gw->get('http://www.neutral.example/');

my @lines = $gw->audit;

is(@lines ? $lines[-1]{verdict} : "none", "pass",
   q(with "all" a pass is recorded));
is($lines[-1]{upstream}{addr}, '127.0.0.1:80', 'with the address dialled');

$gw->get('http://listed.example/') for 1 .. 20;
open my $held, '<', $gw->audit_file or die;
ok(!flock($held, LOCK_EX | LOCK_NB), 'a worker holds a lock on its file');

my $rotated = $gw->audit_file . '.1';

rename $gw->audit_file, $rotated or die;
kill 'USR1', $gw->pid;
ok(eventually { -e $gw->audit_file }, 'USR1 opens a new file');

# Each worker reopens when it hears of it.

my $want = 40;

ok(eventually {
    $gw->get('http://listed.example/');
    my $old = -s $rotated;
    $gw->get('http://listed.example/') for 1 .. 8;
    $old == -s $rotated;
}, 'after which no worker writes to the old one');

my $old = -s $rotated;

$gw->get('http://listed.example/') for 1 .. $want;
is(-s $rotated, $old, 'the old file stays as it is');
cmp_ok(scalar(split /\n/, file_text($gw->audit_file)), '>=', $want,
       'the new one has the lines');
ok(eventually { flock $held, LOCK_EX | LOCK_NB },
   'and no one holds the old one any more');
is((stat $gw->audit_file)[2] & 07777, 0640, 'the new file has mode 0640');
$gw->stop;


# Many workers at once.

$gw = Debar::Test::Gateway->new(list => $list, name => 'many', workers => 4);

my $n = 200;
my @pids = map {
    my $k = $_;
    my $pid = fork // die "fork: $!\n";

    if ($pid == 0) {
        my $cl = $gw->client;
        my $pad = 'p' x (37 * $k);

        for my $i (1 .. $n) {
            $cl->send("GET http://listed.example/$k/$i?$pad HTTP/1.1\r\n"
                      . "Host: listed.example\r\n\r\n");
            $cl->response->{status} == 403 or POSIX::_exit(1);
        }

        POSIX::_exit(0);
    }

    $pid;
} 1 .. 8;
my $bad = grep { waitpid $_, 0; $? != 0 } @pids;

is($bad, 0, 'eight clients of four workers are refused all along');
@raw = $gw->audit_raw;
is(scalar @raw, 8 * $n, 'each refusal has its line');

my (%incidents, %urls);

for (@raw) {
    my $l = eval { decode_json($_) } || {};
    $incidents{ $l->{incident} // 'torn' }++;
    $urls{ $l->{url} // 'torn' }++;
}

is($incidents{torn} // 0, 0, 'no line is torn');
is(scalar keys %incidents, 8 * $n, 'no incident comes twice');
is(scalar keys %urls, 8 * $n, 'and no line is missing');
$gw->stop;


# Lines of one round of events are written together, while their requests wait:
# a worker that slept finds all of them, and some of the clients gone.

sub at_once {
    my ($gate, $way) = @_;
    my ($worker) = $gate->workers;

    kill 'STOP', $worker;

    my @clients = map { $gate->client } 1 .. 30;

    $clients[$_]->send("GET http://watched.example/$way/$_ HTTP/1.1\r\n"
                       . "Host: watched.example\r\n\r\n")
        for 0 .. $#clients;

    $_->abort for splice @clients, 20;

    kill 'CONT', $worker;

    my @status = map { $_->response->{status} } @clients;

    is(($gate->workers)[0], $worker, "$way: the worker is the same");

    return @status;
}

$gw = Debar::Test::Gateway->new(list => $list, name => 'round', workers => 1);
$gw->get('http://watched.example/first');

is_deeply([at_once($gw, 'round')], [(200) x 20], 'who stayed is let through');

my %round;

$round{ $_->{url} }++
    for grep { ($_->{url} // '') =~ m{/round/} } $gw->audit;

is(scalar(grep { ($round{"http://watched.example/round/$_"} // 0) == 1 }
          0 .. 19), 20, 'with one line each');
is(scalar(grep { $_ > 1 } values %round), 0, 'none has two');
$gw->stop;


# A file that cannot be written.

sub full_gateway {
    my ($name, $more) = @_;

    return Debar::Test::Gateway->new(
        list => $list, name => $name, workers => 1,
        conf => { debar_audit => "/dev/full$more" });
}

$gw = full_gateway('full', '');
$origin->fresh;
is($gw->get('http://watched.example/')->{status}, 503,
   'what cannot be recorded is refused with 503');
is(scalar $origin->fresh, 0, 'and the origin sees nothing of it');
is($gw->get('http://listed.example/')->{status}, 503,
   'and so is a listed host: a page that refuses it has a line');
is($gw->get('http://www.neutral.example/')->{status}, 200,
   'what needs no record is served');
$gw->get('http://watched.example/') for 1 .. 5;

$origin->fresh;
is_deeply([at_once($gw, 'full')], [(503) x 20],
          'many at once are refused as one is');
is(scalar $origin->fresh, 0, 'and the origin sees none of them');

my @said = grep { /\/dev\/full/ } split /\n/, $gw->error_log;

is(scalar @said, 1, 'the error log says so once');
like($said[0] // '', qr/No space|28:/, 'with the reason');
$gw->stop;

$gw = full_gateway('full-pass', ' on_failure=pass');
is($gw->get('http://watched.example/')->{status}, 200,
   'with on_failure=pass it is served all the same');
is($gw->get('http://listed.example/')->{status}, 403,
   'and a listed host is refused');
$gw->stop;

SKIP: {
    skip 'needs root in a namespace of its own', 9
        if $> != 0 || ($ENV{DEBAR_TEST_ALONE} || '') ne 'net';

    $gw = Debar::Test::Gateway->new(list => $list, name => 'tiny', start => 0);

    my $dir = $gw->dir . '/audit';

    is(system('mount', '-t', 'tmpfs', '-o', 'size=32k,mode=755', 'none', $dir),
       0, 'the audit folder is a file system of 32 KB');
    is($gw->start->{status}, 0, 'where a gateway starts');

    my ($count, $status) = (0);

    while ($count++ < 500) {
        $status = $gw->get('http://watched.example/?' . 'f' x 300)->{status};
        last if $status != 200;
    }

    is($status, 503, 'once it is full, nothing more is let through unrecorded');

    my $text = file_text($gw->audit_file);

    cmp_ok(length $text, '>', 20000, 'what had room is there');

    # Room again: a torn end stays alone on its line, whoever writes the next.

    my ($worker) = $gw->workers;

    kill 'KILL', $worker;
    eventually { my ($w) = $gw->workers; $w && $w != $worker };

    is(system('mount', '-o', 'remount,size=256k', $dir), 0, 'room is made');
    is($gw->get('http://watched.example/after')->{status}, 200,
       'the next request is let through');

    my @all = split /\n/, file_text($gw->audit_file);
    my @torn = grep { !eval { decode_json($_) } } @all;

    cmp_ok(scalar @torn, '<=', 1, 'at most the line of the full disk is torn');
    like($all[-1], qr{^\{.*watched\.example/after.*\}$},
         'and the line after it is whole');
    $gw->stop;
    is(system('umount', '-l', $dir), 0, 'and it ends');
}


# nginx -t finds what can be known before the first request.

$gw = Debar::Test::Gateway->new(list => $list, name => 'checked', start => 0);

for my $t (
    ['/nonexistent-folder/audit.jsonl', 'a folder that is not there'],
    [test_dir(), 'a folder instead of a file'],
    ['audit/a.jsonl sometimes', 'an unknown parameter'],
    ['audit/a.jsonl on_failure=maybe', 'an unknown value of on_failure'],
) {
    $gw->set('debar_audit', $t->[0]);

    my $res = $gw->test_conf;

    isnt($res->{status}, 0, "nginx -t finds $t->[1]");
    like($res->{err}, qr/\[emerg\].*(?:audit|\Q$t->[0]\E|nonexistent)/,
         'and says what it is about');
}

SKIP: {
    skip 'needs root', 2 if $> != 0;

    # All of the gateway is another user's but the audit folder; the modules
    # stand where that user can read them, wherever they were built.

    my ($uid, $gid) = www_ids();
    my $conf = file_text($gw->conf_file);

    for my $module (qw(ngx_http_debar_module.so ngx_stream_debar_module.so)) {
        my $near = write_file(test_dir() . "/$module",
                              file_text(build_file($module)));
        $conf =~ s/^(\s*load_module\s+)"[^"]*\Q$module\E"/$1"$near"/m;
    }

    unlink $gw->conf_file;
    write_file($gw->conf_file, $conf);
    $gw->set('debar_audit', 'audit/audit.jsonl');
    write_file($gw->audit_file, '');
    chmod 0600, $gw->audit_file;
    system('chown', '-R', "$uid:$gid", map { $gw->dir . "/$_" }
           'nginx.conf', 'logs', 'run', 'tmp');

    my $res = run_command(['setpriv', "--reuid=$uid", "--regid=$gid",
                           '--clear-groups', nginx_path(), '-t', '-p',
                           $gw->dir, '-c', $gw->conf_file]);

    isnt($res->{status}, 0, 'nginx -t finds a file that may not be written');
    like($res->{err}, qr/\[emerg\].*audit\.jsonl.*Permission denied/,
         'and says so');
}


done_testing;
