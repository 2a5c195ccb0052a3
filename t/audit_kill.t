#!/usr/bin/perl

# Workers killed under load, again and again: whoever has an answer that refuses
# him has his line, whole, and nobody has two.  DEBAR_KILLS says how often, 20
# by default.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Debar::Test::Alone;
use JSON::PP;
use POSIX ();
use Test::More;
use Time::HiRes qw(time sleep);

use Debar::Test;
use Debar::Test::Client;
use Debar::Test::Dns;
use Debar::Test::Gateway;

my $kills = $ENV{DEBAR_KILLS} || 20;
my $clients = 4;
my $dns = Debar::Test::Dns->new;
my $gw = Debar::Test::Gateway->new(
    list => write_list(test_dir() . '/list'), workers => 2);

# A client asks by pipelines until it is told to stop, and leaves the incident
# of every refusal that it has read to the end.

sub client {
    my ($n) = @_;
    my $text = '';
    my $asked = 0;
    my $stop = 0;

    local $SIG{TERM} = sub { $stop = 1 };
    local $SIG{PIPE} = 'IGNORE';

    while (!$stop) {
        my $c = eval { $gw->client } or do { sleep 0.01; next };

        for (1 .. 20) {
            last if $stop;

            my @ids = map { "c$n-" . ++$asked } 1 .. 10;
            my $sent = eval { $c->send(join '', map {
                "GET http://listed.example/$_ HTTP/1.1\r\n"
                . "Host: listed.example\r\n"
                . "Accept: application/problem+json\r\n\r\n" } @ids); 1 };

            last if !$sent;

            my $lost;

            for my $id (@ids) {
                my $r = eval { $c->response('GET', timeout => 5) } || {};

                if (!$r->{status}) { $lost = 1; last }

                my ($incident) = ($r->{body} // '') =~ /\b([0-9a-f]{32})\b/;

                $text .= join(' ', $id, $r->{status}, $incident // '-') . "\n";
            }

            last if $lost;
        }

        eval { $c->close };
    }

    write_file(test_dir() . "/answers-$n", $text);
}

my @running;

for my $n (1 .. $clients) {
    my $pid = fork // die "fork: $!\n";

    if ($pid == 0) {
        client($n);
        POSIX::_exit(0);
    }

    push @running, $pid;
}

my $killed = 0;

while ($killed < $kills) {
    my @workers = $gw->workers;
    my $w = $workers[rand @workers];

    $killed++ if $w && kill 'KILL', $w;
    sleep 0.1;

    last if !eventually { scalar grep { $_ != ($w // 0) } $gw->workers } 10;
}

kill 'TERM', @running;
waitpid $_, 0 for @running;

is($killed, $kills, 'workers were killed under load');
is($gw->get('http://listed.example/last')->{status}, 403, 'it still refuses');

my (%lines, %of, $torn);

for my $text (split /\n/, file_text($gw->audit_file)) {
    my $line = eval { decode_json($text) } or do { $torn++; next };

    next if !$line->{verdict};
    $lines{ $line->{incident} }++;
    $of{ $1 }++ if $line->{url} =~ m{/(c\d+-\d+)$};
}

my ($answers, @wrong, @missing, @twice);

for my $n (1 .. $clients) {
    for (split /\n/, file_text(test_dir() . "/answers-$n")) {
        my ($id, $status, $incident) = split ' ';

        $answers++;
        push @wrong, "$id $status" if $status != 403;
        push @missing, $id if !$of{$id} || !$lines{$incident};
    }
}

@twice = grep { $of{$_} > 1 } keys %of;

cmp_ok($answers, '>', 10 * $kills, "clients were refused ($answers)");
is("@wrong", '', 'and had no other answer');
is("@missing", '', 'everyone who had an answer has his line');
is("@twice", '', 'and nobody two');
is(scalar(grep { $_ > 1 } values %lines), 0, 'incidents are unique');
is($torn, undef, 'every line is whole');

$gw->stop;
my @bad = grep { /\[(?:alert|emerg|crit)\]/
                 && !/exited on signal 9|setrlimit/ }
          split /\n/, $gw->error_log;
is(join("\n", @bad), '', 'nothing else alarming was logged');

done_testing;
