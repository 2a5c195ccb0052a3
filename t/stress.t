#!/usr/bin/perl

# Everything at once: clients that leave at every stage, origins and DNS that
# misbehave, and meanwhile the list is published, damaged and removed, nginx is
# reloaded, its logs are reopened, a worker is killed and the binary upgraded.
# DEBAR_STRESS says for how many seconds, 10 by default.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Debar::Test::Alone;
use IO::Socket::INET;
use JSON::PP;
use POSIX ();
use Test::More;
use Time::HiRes qw(time sleep);

use Debar::Test;
use Debar::Test::Client;
use Debar::Test::Gateway;
use Debar::Test::Origin;

my $seconds = $ENV{DEBAR_STRESS} || 10;
my $clients = 6;
my $origin = Debar::Test::Origin->new(listen => ['127.0.0.1:80']);
my $source = write_list(test_dir() . '/list', serial => 1);


# DNS by the first label of a name: slow answers late, lost never, failing by
# SERVFAIL, absent by NXDOMAIN; dead has an address where nobody listens, mute
# one where nobody answers.  Every other name is 127.0.0.1.

sub dns {
    my $s = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 53,
                                  Proto => 'udp', ReuseAddr => 1) or die $!;
    my @late;

    while (1) {
        my $rin = '';
        vec($rin, fileno $s, 1) = 1;

        if (select $rin, undef, undef, 0.02) {
            my $from = $s->recv(my $q, 512) // next;
            my ($id, $flags) = unpack 'n2', $q;
            my ($label) = unpack 'x12 C/a', $q;
            my ($name) = substr($q, 12) =~ /^([^\0]*\0....)/s or next;
            my $type = unpack 'n', substr $name, -4;
            my $rcode = $label =~ /^failing/ ? 2 : $label =~ /^absent/ ? 3 : 0;
            my $addr = $label =~ /^dead/ ? '127.0.0.9'
                     : $label =~ /^mute/ ? '127.0.0.8' : '127.0.0.1';
            my $n = $type == 1 && !$rcode ? 1 : 0;
            my $a = pack('n6', $id, 0x8180 | $rcode, 1, $n, 0, 0) . $name
                  . ($n ? pack 'n n n N n/a*', 0xc00c, 1, 1, 1,
                               pack 'C4', split /\./, $addr : '');

            next if $label =~ /^lost/;
            push @late, [time + ($label =~ /^slow/ ? 0.3 : 0), $from, $a];
        }

        for (splice @late) {
            if ($_->[0] > time) { push @late, $_; next }
            $s->send($_->[2], 0, $_->[1]);
        }
    }
}

start_process('dns', \&dns);
start_process('mute', sub {
    my $s = IO::Socket::INET->new(LocalAddr => '127.0.0.8', LocalPort => 80,
                                  Listen => 256, ReuseAddr => 1) or die $!;
    my @kept;

    while (my $c = $s->accept) {
        push @kept, $c;
        shift @kept if @kept > 200;
    }
});

my $gw = Debar::Test::Gateway->new(
    list => $source, workers => 2,
    conf => { resolver_timeout => '1s', proxy_connect_timeout => '1s',
              proxy_read_timeout => '1s', worker_connections => '512',
              client_header_timeout => '2s', keepalive_timeout => '3s' });


# A client: what it does, at random, until the time is over.  It says how many
# answers it got, and which of them were wrong.

my @stages = (
    sub { },                                              # says nothing
    sub { $_[0]->send('GET http://li') },                 # in the line
    sub { $_[0]->send("GET http://listed.example/ HTTP/1.1\r\nHo") },
    sub { $_[0]->send("GET http://$_[1]/bytes/3000000 HTTP/1.1\r\n"
                      . "Host: $_[1]\r\n\r\n"); $_[0]->fill(0.05) },
    sub { $_[0]->send("POST http://$_[1]/echo HTTP/1.1\r\nHost: $_[1]\r\n"
                      . "Content-Length: 100000\r\n\r\n" . 'x' x 5000) },
    sub { $_[0]->send("GET http://slow-$_[1]/ HTTP/1.1\r\n"
                      . "Host: slow-$_[1]\r\n\r\n"); $_[0]->fill(0.02) },
    sub { $_[0]->send("GET http://lost-$_[1]/ HTTP/1.1\r\n"
                      . "Host: lost-$_[1]\r\n\r\n"); $_[0]->fill(0.02) },
    sub { $_[0]->send("GET http://mute-$_[1]/ HTTP/1.1\r\n"
                      . "Host: mute-$_[1]\r\n\r\n"); $_[0]->fill(0.1) },
    sub { $_[0]->send("GET http://$_[1]/ws HTTP/1.1\r\nHost: $_[1]\r\n"
                      . "Upgrade: websocket\r\nConnection: upgrade\r\n\r\n"
                      . 'x' x 100); $_[0]->fill(0.05) },
    sub { $_[0]->send("\x16\x03\x01\0\0" . "\0" x 300); $_[0]->fill(0.05) },
    sub { $_[0]->send('GET http://' . 'a.' x 20000); $_[0]->fill(0.05) },
    sub { $_[0]->send("GET / HTTP/1.1\r\nHost: a\r\nHost: listed.example\r\n"
                      . "\r\n"); $_[0]->fill(0.05) },
    sub { $_[0]->send("GET http://$_[1]/ HTTP/1.1\r\nHost: $_[1]\r\n"
                      . join('', map { "X-$_: y\r\n" } 1 .. 3000)
                      . "\r\n"); $_[0]->fill(0.05) },
);

my @asks = (
    ['listed.example', '/', 403], ['www.listed.example', '/bytes/10', 403],
    ['%', '/', 200], ['%', '/bytes/100000', 200], ['%', '/chunked/50000', 200],
    ['%', '/close', 200], ['%', '/status/404', 404], ['%', '/hop', 200],
    ['slow-%', '/', 200], ['failing-%', '/', 502], ['absent-%', '/', 502],
    ['dead-%', '/', 502], ['%', '/reset', 502], ['127.0.0.1', '/', 200],
    ['10.0.0.1', '/', 403],
);

sub name { return 'n' . int(rand 3000) . '.neutral.example' }

sub client {
    my ($seed, $until) = @_;
    my ($answers, $lost, %wrong) = (0, 0);

    srand $seed;

    while (time < $until) {
        my $c = eval { $gw->client } or do { sleep 0.01; next };

        if (rand() < 0.3) {
            $stages[rand @stages]->($c, name());
            $c->close;
            next;
        }

        my @now = map { my $a = $asks[rand @asks];
                        my ($n, $h) = (name(), $a->[0]);
                        $h =~ s/%/$n/;
                        [$h, @$a[1, 2]] } 0 .. rand 4;

        $c->send(join '', map { "GET http://$_->[0]$_->[1] HTTP/1.1\r\n"
                                . "Host: $_->[0]\r\n\r\n" } @now);

        for my $a (@now) {
            my $r = $c->response('GET', timeout => 8);

            # 503: no list or no record; a worker that is killed or ends a
            # reload closes

            if (!$r->{status}) { $lost++; last }
            $answers++;
            $wrong{"$a->[0]$a->[1]: $r->{status}"} = 1
                if $r->{status} != $a->[2] && $r->{status} != 503;
        }

        $c->close;
    }

    return encode_json({ answers => $answers, lost => $lost,
                         wrong => [sort keys %wrong] });
}

sub fds {
    return map { my @fd = glob "/proc/$_/fd/*"; scalar @fd } $gw->workers;
}

sub memory {
    my ($pid) = @_;
    my ($rss) = (file_text("/proc/$pid/status") // '') =~ /RssAnon:\s+(\d+)/;

    return $rss || 0;
}

my $until = time + $seconds;
my @running;

for my $n (1 .. $clients) {
    pipe my $out, my $in or die "pipe: $!\n";

    my $pid = fork // die "fork: $!\n";

    if ($pid == 0) {
        close $out;
        print {$in} client($n, $until);
        close $in;
        POSIX::_exit(0);
    }

    close $in;
    push @running, [$pid, $out];
}

my ($serial, $killed, $upgraded, %done) = (1, 0, 0);

sub publish {
    $done{publish}++;
    write_list($source, serial => ++$serial, hosts => ['listed.example',
               map { "h$_.example" } 1 .. 50 + $serial % 7]);

    return $gw->publish($source);
}

my @events = (
    \&publish, \&publish, \&publish,
    sub { $done{reload}++; kill 'HUP', $gw->pid },
    sub { $done{reopen}++;
          rename $gw->audit_file, $gw->audit_file . ".$done{reopen}";
          kill 'USR1', $gw->pid },
    sub { $done{damage}++;
          write_file($gw->list . '.bad', 'x' x 9000);
          rename $gw->list . '.bad', $gw->list; publish() },
    sub { $done{remove}++; unlink $gw->list; publish() },
    sub { $done{chmod}++; chmod 0666, $gw->list; publish() },
    sub { $done{kill}++; my ($w) = $gw->workers; kill 'KILL', $w if $w },
);

my $upgrade = time + $seconds / 2;

while (time < $until - 1) {
    $events[rand @events]->();

    if (time > $upgrade && !$upgraded) {
        my $old = $gw->pid;

        publish();
        kill 'USR2', $old;
        $upgraded = eventually { my $new = $gw->pid;
                                 $new && $new != $old
                                 && $gw->workers >= 2 } 5;
        kill $upgraded ? 'QUIT' : 'CONT', $old;
    }

    sleep 0.1;
}

my ($answers, $lost, @wrong) = (0, 0);

for (@running) {
    my ($pid, $out) = @$_;
    my $r = eval { decode_json(readline($out) // '') } || { wrong => ['died'] };

    waitpid $pid, 0;
    $answers += $r->{answers} // 0;
    $lost += $r->{lost} // 0;
    push @wrong, @{ $r->{wrong} };
}

diag "$answers answers, $lost connections lost; "
     . join ', ', map { "$_ $done{$_}" } sort keys %done if $ENV{DEBAR_STRESS};

cmp_ok($answers, '>', 50 * $seconds, "clients got answers ($answers)");
is(join("\n", @wrong), '', 'none of which was wrong');
ok($upgraded, 'the binary was upgraded meanwhile');

publish();
is($gw->reload->{status}, 0, 'after it all the gateway reloads');
is($gw->get('http://listed.example/')->{status}, 403, 'and refuses');
is($gw->get('http://www.neutral.example/')->{status}, 200, 'and serves');

my @bad = grep { /\[(?:alert|emerg|crit)\]/ && !/exited on signal 9/ }
          split /\n/, $gw->error_log;

@bad = grep { !/there is no earlier one|setrlimit\(RLIMIT_NOFILE/ } @bad;
is(join("\n", @bad[0 .. ($#bad < 5 ? $#bad : 5)]), '',
   'nothing alarming was logged');

my (%incident, $lines, $torn);

for my $file (glob $gw->audit_file . '*') {
    for (split /\n/, file_text($file)) {
        my $line = eval { decode_json($_) } or do { $torn++; next };

        $lines++;
        $incident{ $line->{incident} }++ if $line->{verdict};
    }
}

ok($lines, "records were kept ($lines)");
is($torn, undef, 'every one of them whole');
is(scalar(grep { $_ > 1 } values %incident), 0, 'with incidents of their own');


# Nothing grows: fresh workers, then many lists and requests.

my @before = fds();

publish() for 1 .. 5;
$gw->get("http://n$_.neutral.example/") for 1 .. 100;

my ($worker) = $gw->workers;

# By how many KB a worker grows.

sub grown {
    my $memory = memory($worker);

    for (1 .. 30) {
        publish();
        $gw->get('http://listed.example/');
        $gw->get('http://n1.neutral.example/');
    }

    return memory($worker) - $memory;
}

my $grown = grown();

eventually { (sort { $b <=> $a } fds())[0] <= $before[0] + 4 };
cmp_ok((sort { $b <=> $a } fds())[0], '<=', $before[0] + 4,
       'lists that were replaced leave no descriptors');

SKIP: {
    skip 'a sanitizer keeps what was freed', 1 if $ENV{ASAN_OPTIONS};

    # which worker answers is chance, and the first requests of one take memory
    # that it keeps; what is lost with a list is lost every time

    for (1 .. 3) {
        last if $grown < 2048;
        diag "$grown KB";
        $grown = grown();
    }

    cmp_ok($grown, '<', 2048, 'nor memory');
}

done_testing;
