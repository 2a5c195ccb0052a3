#!/usr/bin/perl

# Records sent on: to receivers that are killed, stuck, away, of another name;
# by followers that are killed; while the log is rotated; and through a real
# rsyslogd to another one, by RELP over TLS.  Nothing is lost; what comes again
# is what was on its way.
#
# DEBAR_SHIP_LONG=1 is the long form: more records, and what is said of a lag.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Debar::Test::Alone;
use Fcntl qw(:flock);
use IO::Socket::INET;
use IO::Socket::UNIX;
use JSON::PP;
use POSIX ();
use Socket qw(SOCK_DGRAM SOCK_STREAM);
use Test::More;
use Time::HiRes qw(time sleep);

use Debar::Test;
use Debar::Test::Pki;

my $long = $ENV{DEBAR_SHIP_LONG};
my $dir = test_dir();
my $json = JSON::PP->new->utf8->canonical;
my ($n, $at, $port) = (0, '', 7000);


# --- a log, and who reads it -------------------------------------------------

sub id { return sprintf '%032x', $_[0] }

sub line {
    my ($i) = @_;
    my $evil = $i % 50 == 7 ? '"]\\\\ [x@1 y=\"' : '';

    return sprintf '{"time":"2026-11-22T10:%02d:%02d.%03dZ","incident":"%s",'
           . '"gateway":"gw1.gateways.test","surface":"http","user":"u%s%d",'
           . '"client":"10.0.0.1:99","method":"GET","url":"http://h%d.example/",'
           . '"verdict":"block","mode":"enforce"}' . "\n",
           $i / 60 % 60, $i % 60, $i % 1000, id($i),
           $evil =~ s/"/\\"/gr =~ s/\\\\"/\\"/gr, $i, $i;
}

# So many more lines of the log at $at; returns their ids.

sub more {
    my ($count, $file) = @_;
    my @ids = map { id($_) } $n + 1 .. $n + $count;

    open my $f, '>>', "$at/audit/" . ($file // 'audit.jsonl') or die "$!\n";
    syswrite $f, join '', map { line($_) } $n + 1 .. $n + $count;
    close $f;
    $n += $count;

    return @ids;
}

sub log_at {
    $at = "$dir/$_[0]";
    mkdir $at;
    mkdir "$at/audit";
    mkdir "$at/audit/sealed";
}

my $followers = 0;

sub ship {
    my (@o) = @_;

    return run_command([debar_path(), 'audit', 'export', $at, '--state',
                        "$at/state", @o], timeout => 20);
}

sub follow {
    my (@o) = @_;
    my $name = 'follow' . ++$followers;
    my $pid = start_process($name, debar_path(), 'audit', 'export', $at,
                            '--state', "$at/state", '--follow', '--wait', 0,
                            '--settle', 1, @o);

    return ($pid, sub { file_text("$dir/$name.out") // '' });
}

sub lag { return $json->decode(ship('--lag', '--json')->{out}) }

# How often each incident came, of those in a file.

sub came {
    my ($file) = @_;
    my $text = file_text($file) // '';
    my %seen;

    $seen{$1}++ while $text =~ /incident="([0-9a-f]{32})"/g;

    return \%seen;
}

sub all_came {
    my ($file, $seconds, @ids) = @_;

    return eventually {
        my $seen = came($file);

        !grep { !$seen->{$_} } @ids;
    } $seconds;
}

# Bytes of the lines of these numbers.

sub bytes_of {
    my $sum = 0;

    $sum += length line($_) for @_;

    return $sum;
}

# Takes connections one after the other; each octet-counted message a line of
# the file.  stuck: reads no more after so many.

sub receiver {
    my ($where, $file, %o) = @_;

    return start_process('receiver', sub {
        my $listen = $where =~ /^\d/
            ? IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1',
                                    LocalPort => $where, ReuseAddr => 1)
            : IO::Socket::UNIX->new(Local => $where, Listen => 5);

        die "$where: $!\n" if !$listen;
        open my $out, '>>', $file or die "$file: $!\n";
        $out->autoflush(1);

        while (my $c = $listen->accept) {
            my ($b, $count) = ('', 0);

            while (sysread $c, $b, 65536, length $b) {
                while ($b =~ /^([1-9][0-9]*) / && length $b
                                                  >= length($1) + 1 + $1)
                {
                    print {$out} substr($b, length($1) + 1, $1), "\n";
                    substr($b, 0, length($1) + 1 + $1) = '';
                    sleep 60 if $o{stuck} && ++$count >= $o{stuck};
                }

                print {$out} "NO COUNT\n" if $b !~ /^(?:[1-9][0-9]* ?|$)/;
            }

            print {$out} "LEFT OVER\n" if length $b;
        }
    });
}


# --- TCP: killed at either end -----------------------------------------------

log_at('tcp');

my $to = 'tcp://127.0.0.1:' . ++$port;
my $got = "$dir/tcp.got";
my @ids = more(500);
my ($f, $says) = follow('--format', 'syslog', '--to', $to);

ok((eventually { $says->() =~ /refused; trying again in [\d.]+ s/ }),
   'a collector that is away: it says so, and when it tries again');
is(lag->{bytes}, -s "$at/audit/audit.jsonl", 'and what is not shipped is told');
is(lag->{oldest}, '2026-11-22T10:00:01.001Z', 'since when, too');

my $r = receiver($port, $got);

ok(all_came($got, 8, @ids), 'once it is there all comes');
is(scalar(() = $says->() =~ /trying again/g), 1,
   'one line said that it was away');
ok((eventually { lag->{bytes} == 0 } 5), 'it settles: nothing is left');
is(lag->{shipped}, 500, 'so many were shipped');

open my $lock, '<', "$at/audit/audit.jsonl";
ok(flock($lock, LOCK_EX|LOCK_NB), 'it holds no lock on the log');
close $lock;

push @ids, more(300);
sleep 0.1;
stop_process($f, 'KILL');
push @ids, more(300);
($f, $says) = follow('--format', 'syslog', '--to', $to);
ok(all_came($got, 8, @ids), 'a follower that was killed goes on where it was');
is((grep { $_ > 1 } @{ came($got) }{@ids[0 .. 499]}), 0,
   'what had settled did not come again');

$r = (stop_process($r), receiver(++$port, "$dir/other", stuck => 10))[1];
like(ship('--format', 'syslog', '--to', $to)->{err}, qr/another process ships/,
     'a second one by the same state is refused');
ok((eventually { $says->() =~ /closed it.*; trying again|reset.*trying/ }),
   'a collector that ends is noticed at once');
stop_process($f);

# a receiver that has read little of what its system has acknowledged

($f, $says) = follow('--format', 'syslog', '--to', "tcp://127.0.0.1:$port");
push @ids, my @stuck = more(400);
ok((eventually { keys %{ came("$dir/other") } >= 10 }), 'one reads ten');
stop_process($r, 'KILL');
$r = receiver($port, "$dir/other");
ok(all_came("$dir/other", 12, @stuck), 'and is killed: no record is lost');
unlike(file_text($got) . file_text("$dir/other"), qr/NO COUNT/,
       'each was counted as RFC 6587 has it');


# --- rotation -----------------------------------------------------------------

push @ids, my @late = more(50);
rename "$at/audit/audit.jsonl", "$at/audit/audit-00000001.jsonl";
push @ids, more(1);
push @late, my @slow = more(50, 'audit-00000001.jsonl');
ok(all_came("$dir/other", 5, @late), 'lines of a worker that is slow come');
ok(!came("$dir/other")->{id($n - 50)}, 'before those of the next file');
utime time - 100, time - 100, "$at/audit/audit-00000001.jsonl";
ok(all_came("$dir/other", 5, @late, id($n - 50)), 'and then the next one is');
stop_process($f);

# two more while nobody looks, and the state's file is copied, as by a restore

rename "$at/audit/audit.jsonl", "$at/audit/audit-00000002.jsonl";
my @next = more(40);
rename "$at/audit/audit.jsonl", "$at/audit/audit-00000003.jsonl";
push @next, more(40);
utime time - 100, time - 100, "$at/audit/audit-0000000$_.jsonl" for 2, 3;
system 'cp', '-p', "$at/audit/audit-00000002.jsonl", "$at/audit/copy";
rename "$at/audit/copy", "$at/audit/audit-00000002.jsonl";
is(ship('--format', 'syslog', '--to', "tcp://127.0.0.1:$port")->{status}, 0,
   'without --follow it ends when the other end has read all');
ok(all_came("$dir/other", 1, @next), 'files of meanwhile came');
is((grep { $_ > 1 } @{ came("$dir/other") }{@next, @slow}), 0,
   'once, and none before them again');
is(lag->{bytes}, 0, 'nothing is left');

# retention took what was not shipped

more(5);
rename "$at/audit/audit.jsonl", "$at/audit/audit-00000004.jsonl";
@next = more(5);
unlink glob "$at/audit/audit-*";

my $s = ship('--format', 'syslog', '--to', "tcp://127.0.0.1:$port");

like($s->{err}, qr/not there any more: what else it had was not shipped/,
     'a file deleted before it was shipped is told');
ok(all_came("$dir/other", 1, @next), 'and it goes on behind');
stop_process($r);

SKIP: {
    skip 'DEBAR_SHIP_LONG: the word of a lag comes after a minute', 2 if !$long;

    more(3);
    ($f, $says) = follow('--format', 'ecs', '--to', "tcp://127.0.0.1:$port");
    ok((eventually { $says->() =~ /bytes in 1 files are not shipped, the ol/ }
       70), 'a lag is told, in a line');
    is(scalar(() = $says->() =~ /trying again/g), 1,
       'how often it tried is not');
    stop_process($f);
}


# --- files, unix sockets -----------------------------------------------------

log_at('file');
@ids = more(20);
($f, $says) = follow('--format', 'cef', '--to', "$dir/out.log");
ok((eventually { (() = (file_text("$dir/out.log") // '') =~ /^CEF:0/mg) == 20 }),
   'a file is appended to');
rename "$dir/out.log", "$dir/out.log.1";
more(5);
ok((eventually { (() = (file_text("$dir/out.log") // '') =~ /^CEF:0/mg) == 5 }),
   'it is opened anew when somebody rotated it');
stop_process($f);
write_file("$dir/out.log", 'torn');
more(1);
is(ship('--format', 'cef', '--to', "$dir/out.log")->{status}, 0, 'once');
like(file_text("$dir/out.log"), qr/^torn\nCEF:0[^\n]+\n\z/,
     'a torn line of it does not spoil the next');
@next = more(3);
$r = receiver("$dir/stream", "$dir/stream.got");
eventually { -S "$dir/stream" };
is(ship('--format', 'cef', '--to', "unix:$dir/stream")->{status}, 0,
   'a unix socket');
like(file_text("$dir/stream.got"),
     qr/^<108>1 2026\S+ gw1.gateways.test debar-audit - block - CEF:0\|/,
     'CEF on a socket is a message of syslog');
stop_process($r);

my $dgram = IO::Socket::UNIX->new(Local => "$dir/dgram", Type => SOCK_DGRAM);

@next = more(2);
is(ship('--format', 'syslog', '--to', "unix:$dir/dgram")->{status}, 0,
   'datagrams, as /dev/log takes');

for my $id (@next) {
    $dgram->recv(my $message, 65536);
    like($message, qr/^<108>1 .*incident="$id".*\}\z/s, 'one a record');
}

# RELP that is not as it should be; answers that come byte by byte, and stop

sub relp {
    my ($where, $answers) = @_;

    return start_process('relp', sub {
        my $listen = IO::Socket::INET->new(Listen => 5, LocalPort => $where,
                                           LocalAddr => '127.0.0.1',
                                           ReuseAddr => 1) or die "$where: $!\n";

        while (my $c = $listen->accept) {
            my ($b, $count) = ('', 0);

            while (sysread $c, $b, 65536, length $b) {
                while ($b =~ /^(\d+) (\w+) (\d+) / && length $b > $3 + $+[0]) {
                    my ($nr, $command) = ($1, $2);

                    substr($b, 0, $+[0] + $3 + 1) = '';
                    last if !defined(my $say = $answers->($nr, $count++));

                    for my $byte (split //, $say) {
                        syswrite $c, $byte;
                    }
                }
            }
        }
    });
}

log_at('relp.wrong');
more(20);

for (['refused', qr/it answered "500 no"/, sub { "$_[0] rsp 6 500 no\n" }],
     ['no RELP', qr/none of RELP/, sub { "HTTP/1.1 400 Bad\r\n\r\n" }],
     ['another number', qr/none of RELP/, sub { "7 rsp 6 200 OK\n" }],
     ['a number of many digits', qr/none of RELP/,
      sub { '1' x 30 . " rsp 6 200 OK\n" }],
     ['a length of too much', qr/longer than those/,
      sub { "1 rsp 999999999 200\n" . 'x' x 5000 }],
     ['no end', qr/longer than those/, sub { 'x' x 5000 }],
     ['a terminal is driven', qr/it answered "50"$/,
      sub { "$_[0] rsp 9 50\e[2Jabc\n" }],
     ['it closes', qr/closed it/, sub { "0 serverclose 0\n" }],
     ['the last is not answered, but ends it', qr/run it again|closed/,
      sub { $_[1] > 15 ? "0 serverclose 0\n" : "$_[0] rsp 6 200 OK\n" }])
{
    my ($name, $says_why, $answers) = @$_;
    my $pid = relp(++$port, $answers);

    eventually { port_answers('127.0.0.1', $port) };
    $s = ship('--format', 'syslog', '--to', "relp://127.0.0.1:$port");
    is($s->{status}, 1, "RELP: $name: status");
    like($s->{err}, $says_why, "RELP: $name: is told");
    stop_process($pid);
}

is(lag->{shipped}, 15, 'RELP: what was answered is shipped, no more');

# one that answers nothing: little waits for it, no time is spent

$r = relp(++$port, sub { $_[1] ? '' : "$_[0] rsp 6 200 OK\n" });
eventually { port_answers('127.0.0.1', $port) };
more(5000);
($f, $says) = follow('--format', 'syslog', '--to', "relp://127.0.0.1:$port");
eventually { $says->() =~ /connected/ };
sleep 1;

my ($user, $system) = (split ' ', file_text("/proc/$f/stat"))[13, 14];

cmp_ok($user + $system, '<', 60, 'RELP: waiting for answers costs no time');
is(lag->{shipped}, 15, 'and nothing counts as shipped');

SKIP: {
    skip 'DEBAR_SHIP_LONG: a minute without an answer', 1 if !$long;
    ok((eventually { $says->() =~ /answers nothing for 60 s; trying again/ } 70),
       'after a minute it is tried anew');
}

stop_process($_) for $f, $r;

for (['no state', 2, qr/--state/, '--to', 'tcp://h:1'],
     ['nowhere', 2, qr/where do records go/, '--follow', '--state', 's'],
     ['no port', 1, qr/tcp:\/\/HOST:PORT/, '--to', 'tcp://h', '--state', 's'],
     ['a bad port', 1, qr/PORT/, '--to', 'tls://h:99999', '--state', 's'],
     ['another scheme', 1, qr/tls:\/\//, '--to', 'udp://h:1', '--state', 's'],
     ['a certificate alone', 2, qr/go together/, '--to', 'tls://h', '--state',
      's', '--cert', 'c'],
     ['RELP of JSON', 2, qr/RELP carries syslog/, '--to', 'relp://h:1',
      '--state', 's', '--format', 'ecs'],
     ['--ca of TCP', 2, qr/of --to tls/, '--to', 'tcp://h:1', '--state', 's',
      '--ca', 'c'],
     ['into the log', 1, qr/in the folder of the log/, '--to',
      "$at/audit/audit.jsonl", '--state', 's'],
     ['into it by a name with a colon', 1, qr/in the folder of the log/, '--to',
      "$at/audit/a:b", '--state', 's'],
     ['no CA', 1, qr/PEM file/, '--to', 'tls://h', '--state', "$dir/s",
      '--ca', "$at/audit/audit.jsonl"],
     ['no position', 1, qr/is no position/, '--to', "$dir/out.log", '--state',
      "$at/audit/audit.jsonl"],
     ['no folder', 1, qr/--state names a file/, '--to', "$dir/out.log",
      '--state', "$dir/none/s"])
{
    my ($name, $status, $says_why, @o) = @$_;
    my $c = run_command([debar_path(), 'audit', 'export', $at, '--format',
                         'syslog', @o], dir => $dir);

    is($c->{status}, $status, "$name: status") or diag $c->{err};
    like($c->{err}, $says_why, "$name: is told");
}


# --- rsyslogd ------------------------------------------------------------------

SKIP: {
    my ($rsyslogd) = grep { -x } qw(/usr/sbin/rsyslogd /sbin/rsyslogd);

    skip 'rsyslogd is not installed', 1 if !$rsyslogd;

    my $pki = Debar::Test::Pki->new;
    my $server = $pki->leaf(['localhost']);
    my $client = $pki->leaf(['gw1.gateways.test']);

    # The configuration that is shipped, with paths and names of here.

    sub shipped {
        my ($name, %with) = @_;
        my $text = file_text(top_dir() . "/tools/audit/$name") or die $name;

        for my $old (sort { length $b <=> length $a } keys %with) {
            $text =~ s/\Q$old\E/$with{$old}/g or die "$name: no $old\n";
        }

        die "$name: a name of elsewhere: $1\n"
            if $text =~ s/^\s*#.*//gmr
                     =~ m{("/(?:etc|var|run)[^"]*"|"[^"]*example[^"]*")};

        return $text;
    }

    sub rsyslogd {
        my ($name) = @_;

        return start_process($name, $rsyslogd, '-n', '-f', "$dir/$name.conf",
                             '-i', "$dir/$name.pid");
    }

    mkdir "$dir/$_" for qw(collector gateway logs);

    my %tls = (cert => $server->{cert}, key => $server->{key});

    write_file("$dir/collector.conf",
        qq(global(workDirectory="$dir/collector")\n)
        . shipped('rsyslog-collector.conf',
                  '/etc/debar/collector.ca.pem' => $pki->ca,
                  '/etc/debar/collector.cert.pem' => $server->{cert},
                  '/etc/debar/collector.key.pem' => $server->{key},
                  '*.gateways.agency.example' => 'gw1.gateways.test',
                  '/var/log/debar' => "$dir/logs")
        . <<"END");
module(load="mmpstrucdata")
template(name="parsed" type="list" option.jsonf="on") {
    property(outname="pri" name="pri" format="jsonf")
    property(outname="time" name="timereported" dateFormat="rfc3339"
             format="jsonf")
    property(outname="host" name="hostname" format="jsonf")
    property(outname="app" name="app-name" format="jsonf")
    property(outname="proc" name="procid" format="jsonf")
    property(outname="id" name="msgid" format="jsonf")
    property(outname="sd" name="structured-data" format="jsonf")
    property(outname="parsed" name="\$!all-json" format="jsonf")
    property(outname="msg" name="msg" format="jsonf")
}
module(load="imptcp")
input(type="imptcp" port="7514" address="127.0.0.1" ruleset="parsed")
ruleset(name="parsed") {
    action(type="mmpstrucdata")
    action(type="omfile" file="$dir/parsed" template="parsed")
}
END
    write_file("$dir/gateway.conf",
        qq(global(workDirectory="$dir/gateway")\n)
        . shipped('rsyslog-gateway.conf',
                  '/var/lib/debar-ship/rsyslog' => "$dir/rsyslog.sock",
                  'fileOwner="debar-ship"' => '',
                  'collector.agency.example' => 'localhost',
                  '"5"' => '"1"',
                  '/etc/debar/ship.ca.pem' => $pki->ca,
                  '/etc/debar/ship.cert.pem' => $client->{cert},
                  '/etc/debar/ship.key.pem' => $client->{key}));

    for my $name (qw(collector gateway)) {
        my $c = run_command([$rsyslogd, '-N1', '-f', "$dir/$name.conf"]);

        is($c->{status}, 0, "rsyslogd takes the configuration of the $name")
            or diag $c->{err};
        unlike($c->{err}, qr/error|warning/i, 'without a word against it');
    }

    my $collector = rsyslogd('collector');
    my $gateway = rsyslogd('gateway');

    sub logs {
        my $all = join '', map { file_text($_) } glob "$dir/logs/*.log";

        write_file("$dir/logs.all", $all);

        return "$dir/logs.all";
    }

    sub logged {
        my ($seconds, @want) = @_;

        return eventually {
            my $seen = came(logs());

            !grep { !$seen->{$_} } @want;
        } $seconds;
    }

    # as it is parsed there

    ok((eventually { port_answers('127.0.0.1', 7514)
                     && -S "$dir/rsyslog.sock" }),
       'both run');
    log_at('parse');
    @ids = more(60);
    is(ship('--format', 'syslog', '--to', 'tcp://127.0.0.1:7514',
            '--enterprise', 99999)->{status}, 0, 'shipped to it');
    ok((eventually { (() = (file_text("$dir/parsed") // '') =~ /\n/g) >= 60 }),
       'each is one message');

    my @wrong;
    my @rows = map { $json->decode($_) } split /\n/,
               file_text("$at/audit/audit.jsonl");
    my @read = map { $json->decode($_) } split /\n/,
               file_text("$dir/parsed") // '';

    for my $i (0 .. $#read) {
        my ($m, $row) = ($read[$i], $rows[$i]);
        my $sd = $json->decode($m->{parsed})
                 ->{'rfc5424-sd'}{'debar@99999'} || {};

        push @wrong, "$i: head"
            if $m->{pri} != 108 || $m->{time} ne $row->{time}
               || $m->{host} ne 'gw1.gateways.test' || $m->{id} ne 'block'
               || $m->{app} ne 'debar-audit' || $m->{proc} ne '-';
        push @wrong, "$i: structured data"
            if grep { $sd->{$_} ne $row->{$_} }
                    qw(verdict incident client method url mode)
               or $row->{user} !~ /"/ && $sd->{user} ne $row->{user};
        push @wrong, "$i: its message is the line"
            if $json->encode($json->decode($m->{msg})) ne $json->encode($row);
        push @wrong, "$i: our own reading"
            if $m->{sd} !~ /^\[debar\@99999(?: [a-z]+="(?:[^"\\\]]|\\.)*")+\]$/;
    }

    is(scalar @read, 60, 'as many as lines');
    is_deeply([@wrong > 5 ? @wrong[0 .. 4] : @wrong], [],
              'rsyslogd reads header, structured data and message of each');

    # logger(1) is the reference: the same fields in the same places

    run_command(['logger', '--rfc5424=notq,notime', '--octet-count', '-T', '-n',
                 '127.0.0.1', '-P', 7514, '-p', 'security.warning', '-t',
                 'debar-audit', '--msgid', 'block', '--sd-id', 'debar@99999',
                 '--sd-param', 'verdict="block"', '{"a":1}']);
    ok((eventually { (() = (file_text("$dir/parsed") // '') =~ /\n/g) >= 61 }),
       'logger --rfc5424 comes as well');
    my $ref = $json->decode((split /\n/, file_text("$dir/parsed"))[60] // '{}');

    is($ref->{$_}, $read[0]{$_}, "logger's $_ is ours") for qw(app id proc);
    is($ref->{pri} % 8, $read[0]{pri} % 8, "logger's severity, too");
    is($json->decode($ref->{parsed})->{'rfc5424-sd'}{'debar@99999'}{verdict},
       'block', "logger's structured data is read as ours");

    # TLS: RFC 5425

    log_at('tls');
    @ids = more(30);

    my @as = ('--cert', $client->{cert}, '--key', $client->{key});
    my @ca = ('--ca', $pki->ca);

    $s = ship('--format', 'syslog', '--to', 'tls://localhost', @ca, @as);
    is($s->{status}, 0, 'TLS, to port 6514') or diag $s->{err};
    ok(logged(5, @ids), 'all came');
    @next = more(5);

    for (['a name that the certificate has not', 'tls://127.0.0.1', 
          qr/certificate is refused: IP address mismatch/, @ca, @as],
         ['an authority that is not ours', 'tls://localhost',
          qr/certificate is refused: .*; --ca names who/, @as])
    {
        my ($name, $where, $why, @o) = @$_;

        $s = ship('--format', 'syslog', '--to', $where, @o);
        is($s->{status}, 1, "$name: refused");
        like($s->{err}, $why, "$name: and why");
    }

    ($f, $says) = follow('--format', 'syslog', '--to', 'tls://localhost', @ca);
    ok((eventually { $says->() =~ /trying again/ }),
       'without a certificate of ours the collector ends it');
    is(lag->{bytes}, bytes_of($n - 4 .. $n),
       'and nothing counts as shipped');
    stop_process($f);
    ok(!logged(0, @next), 'none came by any of these');

    my $old = start_process('old', 'openssl', 's_server', '-accept', 7515,
                            '-tls1_1', '-cipher', 'ALL:@SECLEVEL=0', '-cert',
                            $server->{cert}, '-key', $server->{key}, '-quiet');

    eventually { port_answers('127.0.0.1', 7515) };
    like(ship('--format', 'syslog', '--to', 'tls://localhost:7515', @ca)->{err},
         qr/no TLS: /, 'TLS 1.1 is not spoken');
    stop_process($old);
    is(ship('--format', 'syslog', '--to', 'tls://localhost', @ca, @as)
       ->{status}, 0, 'they come');
    ok(logged(5, @next), 'when all is right');

    # RELP over TLS from here: each record is answered, so that nothing is lost
    # whichever way the collector ends

    log_at('relps');
    @ids = ();
    ($f, $says) = follow('--format', 'syslog', '--to', 'relps://localhost:2514',
                         @ca, @as);
    push @ids, more(1000);
    ok(logged(15, @ids), 'RELP over TLS to rsyslogd');
    ok((eventually { lag->{bytes} == 0 } 5), 'what is answered is shipped');

    for my $signal ('KILL', 'TERM') {
        push @ids, more($long ? 30000 : 1500);
        ok(logged(15, @ids[0 .. @ids - 1400]), 'some have come');
        stop_process($collector, $signal);
        push @ids, more(100);
        $collector = rsyslogd('collector');
        ok(logged($long ? 60 : 15, @ids), "a collector that ends by $signal: "
           . 'nothing is lost');
    }

    stop_process($f);

    my $seen = came(logs());
    my @twice = grep { $seen->{$_} > 1 } @ids;

    diag(@twice . ' came twice') if $long;
    is((grep { $seen->{$_} > 1 } @ids[0 .. 999]), 0,
       'what was answered did not come again');
    @next = more(20);
    is(ship('--format', 'cef', '--to', 'relps://localhost:2514', @ca, @as)
       ->{status}, 0, 'once');
    ok((eventually { file_text(logs()) =~ /externalId=$next[-1]/ }),
       'CEF by RELP');

    stop_process($gateway) if !$long;
    skip 'DEBAR_SHIP_LONG: by way of an rsyslogd of the gateway', 5 if !$long;

    # follower -> rsyslogd -> RELP over TLS -> rsyslogd, which is killed

    log_at('relp');
    @ids = ();
    ($f, $says) = follow('--format', 'syslog', '--to',
                         "unix:$dir/rsyslog.sock");
    push @ids, more($long ? 20000 : 3000);
    ok(logged(15, @ids[0 .. 99]), 'by way of the rsyslogd of the gateway');
    stop_process($collector, 'KILL');
    push @ids, more($long ? 50000 : 8500);
    ok((eventually { lag->{bytes} == 0 } 30), 'without a collector: all is with '
       . 'that');
    ok((eventually { grep { -s } glob "$dir/gateway/debar-ship*" }),
       'which keeps what is more than it has memory for on disk');
    $collector = rsyslogd('collector');
    push @ids, more(100);
    ok(logged($long ? 120 : 20, @ids), 'it is back again: nothing is lost');

    @twice = grep { $_ > 1 } @{ came(logs()) }{@ids};
    cmp_ok(scalar @twice, '<', 1000, 'some come twice: ' . @twice);
    stop_process($_) for $f, $gateway, $collector;
}

done_testing();
