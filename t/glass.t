#!/usr/bin/perl

# Break-glass: blocks are suspended for a time, at once and without a reload,
# and everything about it stands in the audit file.

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
use Debar::Test::Raw;
use Debar::Test::Tunnel;

my $dns = Debar::Test::Dns->new(names => {
    'www.listed.example' => ['127.0.0.1'] });
my $origin = Debar::Test::Origin->new(listen => ['127.0.0.1:80']);
my $raw = Debar::Test::Raw->new(at => { '127.0.0.1:443' => 'echo' });
my $gw = Debar::Test::Gateway->new(list => write_list(test_dir() . '/list'));
my $file = $gw->dir . '/break-glass';
my $url = 'http://www.listed.example/';

# A worker looks once a second.

sub becomes {
    my ($status) = @_;

    return eventually { $gw->get($url)->{status} == $status } 5;
}

sub lines { return map { decode_json($_) }
                   split /\n/, file_text($gw->audit_file) }

is($gw->get($url)->{status}, 403, 'a listed host is blocked');
is($gw->command('break-glass')->{status}, 1, 'no order holds');
like($gw->command('break-glass', '--for', '1h')->{err}, qr/--reason/,
     'an order without a reason is none');
like($gw->command('break-glass', '--for', '25h', '--reason', 'x')->{err},
     qr/longer than is allowed/, 'nor one for more than a day');
ok(!-e $file, 'nothing was written for them');

my $r = $gw->command('break-glass', '--for', '1h', '--reason',
                     'incident 4711', '--by', 'j.doe');

is($r->{status}, 0, 'an order');
like($r->{out}, qr/until 20\S+Z, by order of j\.doe: incident 4711/,
     'is said back');
ok(becomes(200), 'what is listed goes through');
is($gw->tunnel('www.listed.example:443')->status, 200, 'a CONNECT too');

my ($event) = grep { $_->{event} } lines();
my ($last) = (lines())[-1];

is($event->{event}, 'break-glass', 'the order is in the audit file');
is("$event->{state} $event->{by} $event->{reason}",
   'opened j.doe incident 4711', 'by whom, and why');
like($event->{until}, qr/^20\S+Z$/, 'until when');
is("$last->{verdict} $last->{mode}", 'block break-glass',
   'what went through is recorded as a block, under break-glass');
like($gw->error_log, qr/blocks are suspended for \d+ s, by order of j\.doe/,
     'the error log says so');

is($gw->get('http://127.0.0.1:65536/')->{status}, 400,
   'what cannot be understood is refused all the same');

is($gw->command('break-glass', '--end')->{status}, 0, 'ended');
ok(becomes(403), 'a listed host is blocked again');
is((grep { ($_->{state} // '') eq 'ended' } lines())[0]{event},
   'break-glass', 'the end is in the audit file');

# An order that ends by itself.

$gw->command('break-glass', '--for', '3s', '--reason', 'short');
ok(becomes(200), 'an order of three seconds holds');
ok(becomes(403), 'and ends by itself');

# What is no order.

my $order = sub {
    my ($mode, $text) = @_;

    unlink $file;
    write_file("$file.new", $text);
    chmod $mode, "$file.new";
    rename "$file.new", $file;
    eventually { $gw->error_log =~ /is no order: / } 3;
    sleep 2;

    return $gw->get($url)->{status};
};
my $good = "until: 2099-01-01T00:30:00Z\nopened: 2099-01-01T00:00:00Z\n"
           . "by: x\nreason: y\n";

is($order->(0644, $good), 403, 'an order of the future does not hold');
like($gw->error_log, qr/begins in the future/, 'the log says why');

my @now = map { my @t = gmtime(time + $_);
                sprintf '%04d-%02d-%02dT%02d:%02d:%02dZ', $t[5] + 1900,
                        $t[4] + 1, @t[3, 2, 1, 0] } -5, 600, 2 * 86400;
my $long = "until: $now[2]\nopened: $now[0]\nby: x\nreason: y\n";
my $valid = "until: $now[1]\nopened: $now[0]\nby: x\nreason: y\n";

is($order->(0644, $long), 403, 'nor one that lasts too long');
is($order->(0666, $valid), 403, 'nor one that anybody could write');
is($order->(0644, "$valid\nhosts: all\n"), 403, 'nor one that says more');
is($order->(0644, $valid), 200, 'the same file, right, holds');
unlink $file;
ok(becomes(403), 'and does not when it is gone');

done_testing();
