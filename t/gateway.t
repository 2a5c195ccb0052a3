#!/usr/bin/perl

# The life of a gateway by `debar gateway`: made, started, asked, reloaded,
# stopped; and every fault that nginx -t can know before the first request.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Debar::Test::Alone;
use IO::Socket::INET;
use Test::More;

use Debar::Test;
use Debar::Test::Dns;
use Debar::Test::Gateway;
use Debar::Test::Origin;

my $dns = Debar::Test::Dns->new;
my $origin = Debar::Test::Origin->new;
my $list = write_list(test_dir() . '/list', serial => 7);
my $dir = test_dir() . '/gateway';


# init

my $umask = umask 077;
my $gw = Debar::Test::Gateway->new(list => $list, start => 0, workers => 2);

is($gw->{init}{status}, 0, 'init makes a gateway, under a narrow umask');
umask $umask;

for my $name (qw(nginx.conf list.mdb audit logs)) {
    ok(-e "$dir/$name", "with $name");
}

is((stat "$dir/list.mdb")[2] & 07777, 0444, 'the list is read-only');
ok(!-l "$dir/list.mdb" && -s "$dir/list.mdb", 'and a file');
is($gw->test_conf->{status}, 0, 'nginx -t takes the nginx.conf as made');

my $conf = file_text($gw->conf_file);

like($conf, qr/listen\s+127\.0\.0\.1:3128/, 'with the address to listen at');
like($conf, qr/resolver\s+127\.0\.0\.1:53/, 'the resolver');
like($conf, qr/worker_processes\s+2;/, 'the workers');
like($conf, qr/127\.0\.0\.0\/8/, 'the allowed destinations');
like($conf, qr/debar_mode\s+enforce;/, 'and the mode');

is($gw->command('status')->{status}, 3, 'status says by 3 that it is not running');


# start, status, reload, stop

is($gw->start->{status}, 0, 'start starts it');
is($gw->get('http://www.neutral.example/')->{status}, 200,
   'when start returns, requests are served');
is($gw->get('http://listed.example/')->{status}, 403, 'and refused');
unlike($gw->error_log, qr/inotify_add_watch/, 'the workers may watch the list');

my $status = $gw->command('status');

is($status->{status}, 0, 'status says by 0 that it runs');
like($status->{out}, qr/\b7\b/, 'and names the serial of the list');
like($status->{out}, qr/2099-12-31|20991231/, 'and when it expires');

my $report = $gw->status;

ok(ref $report eq 'HASH' && keys %$report, 'status --json is a JSON object');

my $text = $gw->command('status', '--json')->{out};

like($text, qr/"serial"\s*:\s*7\b/, 'with the serial');
like($text, qr/"digest"\s*:\s*"[0-9a-f]{16,64}"/, 'and the digest');

my ($before) = $text =~ /"block"\s*:\s*(\d+)/;

$gw->get('http://listed.example/') for 1 .. 10;

my ($after) = $gw->command('status', '--json')->{out} =~ /"block"\s*:\s*(\d+)/;

is(($after // -1) - ($before // 0), 10, 'and counts refusals over all workers');

my @workers = $gw->workers;
my $r = $gw->start;

is(scalar @workers, 2, 'as many workers run as were asked for');
is(join(' ', $gw->workers), join(' ', @workers),
   'a second start leaves the running gateway alone');

my $c = $gw->client;

$c->send("GET http://a.neutral.example/ HTTP/1.1\r\nHost: a.neutral.example"
         . "\r\n\r\n");
is($c->response->{status}, 200, 'a connection is in use');

my $pid = $gw->pid;

is($gw->command('reload')->{status}, 0, 'reload reloads');
ok(eventually {
    my %old = map { $_ => 1 } @workers;
    my @new = $gw->workers;
    @new == 2 && !grep { $old{$_} } @new;
}, 'into new workers');
is($gw->pid, $pid, 'under the same master');
is($gw->get('http://www.neutral.example/')->{status}, 200,
   'that serve requests');
is($gw->get('http://listed.example/')->{status}, 403, 'and refuse them');

# A configuration that is wrong does not end what runs.

my $good = file_text($gw->conf_file);

$gw->set('debar_mode', 'sometimes');
$r = $gw->command('reload');
isnt($r->{status}, 0, 'reload finds a wrong nginx.conf');
like($r->{err} . $r->{out}, qr/sometimes|debar_mode/, 'and says what is wrong');
is($gw->get('http://listed.example/')->{status}, 403,
   'the gateway goes on under the old one');
write_file($gw->conf_file, $good);

for (1 .. 5) {
    $gw->command('reload');
    my $s = $gw->get('http://www.neutral.example/')->{status};
    $s == 200 or fail("request during reload $_: $s");
}

pass('requests are served while reloads go on');

# init again

$gw->insert('http\s*\{', '    # mine');
$r = run_command([debar_path(), 'gateway', 'init', $dir, '--list', $list,
                  '--listen', '127.0.0.1:3128', '--resolver', '127.0.0.1:53']);
like(file_text($gw->conf_file), qr/# mine/,
     'init on a gateway that is there keeps an edited nginx.conf');
ok(-s $gw->audit_file, 'and the audit file');

@workers = $gw->workers;
is($gw->stop->{status}, 0, 'stop stops it');
ok(eventually { !grep { running($_) } $pid, @workers },
   'with all its workers');
ok(!port_answers('127.0.0.1', 3128), 'and the port is free');
is($gw->command('status')->{status}, 3, 'status says that it is not running');


# A worker that dies is replaced; a port in use is an error with a reason.

is($gw->start->{status}, 0, 'it starts again');
@workers = $gw->workers;
kill 'KILL', $workers[0];
ok(eventually { $gw->workers == 2 && !running($workers[0]) },
   'a worker that was killed is replaced');
is($gw->get('http://listed.example/')->{status}, 403,
   'and the new one has the list');
$gw->stop;

my $busy = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 3128,
                                 Listen => 1, ReuseAddr => 1);

$r = $gw->start;
isnt($r->{status}, 0, 'start fails where the port is taken');
like($r->{err} . $r->{out}, qr/in use|98:/, 'and says so');
close $busy;


# Refused by init.

for my $t (
    [['--list', test_dir() . '/nowhere'], 'a list that is not there'],
    [['--mode', 'sometimes'], 'an unknown mode'],
    [['--listen', 'nonsense:port'], 'a bad address to listen at'],
    [['--allow-destination', '10.0.0.0/33'], 'a bad network'],
    [['--unknown'], 'an unknown option'],
) {
    my ($args, $what) = @$t;
    my $new = test_dir() . '/refused';

    $r = run_command([debar_path(), 'gateway', 'init', $new,
                      '--resolver', '127.0.0.1:53', '--list', $list, @$args]);
    isnt($r->{status}, 0, "init refuses $what");
    like($r->{err}, qr/\Q$args->[-1]\E/, 'and names it');
}

my $broken = write_list(test_dir() . '/broken');

write_file("$broken/vendors/acme.yaml", "id: acme\nnmae: Acme\n");
$r = run_command([debar_path(), 'gateway', 'init', test_dir() . '/refused',
                  '--resolver', '127.0.0.1:53', '--list', $broken]);
isnt($r->{status}, 0, 'init refuses a list with errors');
like($r->{err}, qr/acme\.yaml:2:1: /, 'with file, line and column');


# nginx -t.

$conf = file_text($gw->conf_file);

for my $t (
    ['debar_list', '/nonexistent/list.mdb', 'a missing list'],
    ['debar_list', $gw->conf_file, 'a file that is no list'],
    ['debar_mode', 'observe', 'an unknown mode'],
    ['debar_on_failure', 'maybe', 'an unknown debar_on_failure'],
    ['debar_expired', 'never', 'an unknown debar_expired'],
    ['debar_status', '200', 'a status that refuses nothing'],
    ['debar_status', 'abc', 'a status that is no number'],
    ['debar_page', '/nonexistent/page.html', 'a missing page'],
    ['debar_user', 'alice', 'a user that is no variable'],
    ['debar_user', '$no_such_variable_here', 'an unknown variable'],
    ['debar_allow_destination', '10.0.0.0/33', 'a prefix beyond 32'],
    ['debar_allow_destination', '10.0.0.1/8', 'host bits in a network'],
    ['debar_allow_destination', 'everyone', 'a network that is none'],
    ['debar_geo', '/nonexistent/asn.mmdb', 'a missing database'],
    ['debar_audit', '/nonexistent/audit.jsonl', 'an audit folder that is not there'],
    ['debar', 'perhaps', 'a flag that is neither on nor off'],
    ['debar_pin', 'keepalive=-1', 'a bad number of connections'],
    ['debar_pin', 'keepalive=many', 'a number that is none'],
    ['debar_pin', 'sticky', 'an unknown parameter'],
) {
    my ($name, $value, $what) = @$t;
    my $bare = $value =~ s{^\$}{}r;

    $gw->set($name, $value);
    $r = $gw->test_conf;
    isnt($r->{status}, 0, "nginx -t finds $what");
    like($r->{err}, qr/\[emerg\][^\n]*(?:\Q$name\E|\Q$bare\E)/,
         'and names it');
    unlike($r->{err}, qr/segfault|assert/i, 'and nothing worse');
    write_file($gw->conf_file, $conf);
}

is($gw->test_conf->{status}, 0, 'nginx -t takes the nginx.conf again');

chmod 0644, $gw->list;
truncate $gw->list, (-s $gw->list) / 2 or die;
isnt($gw->test_conf->{status}, 0, 'nginx -t finds a list that was cut');

done_testing;
