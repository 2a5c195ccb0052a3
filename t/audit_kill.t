#!/usr/bin/perl

# Workers and sealer killed under load, again and again, while the log is
# rotated: whoever has an answer that refuses him has his line, whole, nobody has
# two, and all of it is sealed.  DEBAR_KILLS=200 is the long form; DEBAR_VERDICTS
# says how many a second are asked for, 2,000 by default.

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

my $kills = $ENV{DEBAR_KILLS} || 10;
my $rate = $ENV{DEBAR_VERDICTS} || 2000;
my $clients = 4;
my $pipeline = 10;

my $dns = Debar::Test::Dns->new;
my $gw = Debar::Test::Gateway->new(
    list => write_list(test_dir() . '/list'), workers => 2, sealer => 1);
my $audit = $gw->dir . '/audit';


# --- load ---------------------------------------------------------------------

# A client asks at its pace until it is told to stop, by pipelines, each request
# with a token of its own.  A line for each refusal that it has read to the end
# is on its way to the disk before it asks for more.

sub client {
    my ($n) = @_;
    my ($stop, $asked, $c) = (0, 0);
    my $pause = $pipeline * $clients / $rate;
    my $next = time;

    local $SIG{TERM} = sub { $stop = 1 };
    local $SIG{PIPE} = 'IGNORE';
    open my $out, '>', test_dir() . "/answers-$n" or die;

    while (!$stop) {
        my $wait = $next - time;

        sleep $wait if $wait > 0;

        # what a kill held up is asked for later, but not all of it

        $next = $wait < -1 ? time : $next + $pause;
        $c ||= eval { $gw->client } or do { sleep 0.01; next };

        my @ids = map { "c$n-" . ++$asked } 1 .. $pipeline;
        my $text = '';
        my $whole = eval { $c->send(join '', map {
            "GET http://listed.example/$_ HTTP/1.1\r\n"
            . "Host: listed.example\r\n"
            . "Accept: application/problem+json\r\n\r\n" } @ids) };

        for my $id (@ids) {
            my $r = $whole && eval { $c->response('GET', timeout => 10) } || {};

            $whole = $r->{status} or last;

            my ($incident) = ($r->{body} // '') =~ /\b([0-9a-f]{32})\b/;

            $text .= join(' ', $id, $r->{status}, $incident // '-') . "\n";
        }

        syswrite $out, $text;

        if (!$whole) {
            eval { $c->close };
            undef $c;
        }
    }

    close $out;
    write_file(test_dir() . "/asked-$n", $asked);
}

sub background {
    my ($code, @args) = @_;
    my $pid = fork // die "fork: $!\n";

    if ($pid == 0) {
        $code->(@args);
        POSIX::_exit(0);
    }

    return $pid;
}

# Somebody rotates the log all the time, whether or not he is answered.

sub rotate {
    my $stop = 0;

    local $SIG{TERM} = sub { $stop = 1 };

    while (!$stop) {
        run_command([debar_path(), 'audit', 'rotate', $audit, '--json']);
        sleep 0.7;
    }
}


# --- kills --------------------------------------------------------------------

sub children {
    my ($pid) = @_;
    my $text = $pid && file_text("/proc/$pid/task/$pid/children");

    return split / /, $text // '';
}

# The sealer, its parent, and what stays root beside it.

sub keeper { my $pid = $gw->sealer_pid; return $pid && running($pid) ? $pid : () }
sub sealer { return children(keeper()) }

sub helpers {
    my %not = map { $_ => 1 } keeper(), sealer();

    return grep { !$not{$_}
                  && (file_text("/proc/$_/cmdline") // '')
                     =~ /\baudit\0seal\0.*\Q$audit\E\0/ }
           map { m{/(\d+)$} } glob '/proc/[0-9]*';
}

sub one { return @_ ? $_[rand @_] : () }

my @kinds = (
    ['a worker' => sub { one($gw->workers) }],
    ['the sealer' => sub { sealer() }],
    ['both at once' => sub { (one($gw->workers), sealer()) }],
    ['every worker' => sub { $gw->workers }],
    ['the sealer and its parent' => sub { (keeper(), sealer()) }],
    ['what is root beside it' => sub { one(helpers()) }],
    ['all but the master' => sub { ($gw->workers, keeper(), sealer()) }],
);

my %killed;
my $began = time;
my @running = ((map { background(\&client, $_) } 1 .. $clients),
               background(\&rotate));

for my $i (0 .. $kills - 1) {
    my ($what, $whom) = @{ $kinds[$i % @kinds] };
    my @pids;

    sleep rand 0.3;
    (eventually { @pids = $whom->(); @pids > 0 } 20) or last;
    kill 'KILL', @pids;
    $killed{$what}++;

    # nobody else starts a sealer whose parent is gone

    eventually { !keeper() } if $what =~ /parent|all/;
    $gw->command('start') if $what =~ /parent|all/;
    (eventually { my %was = map { $_ => 1 } @pids;
                  grep { !$was{$_} } $gw->workers } 20) or last;
}

my $total = 0;

$total += $_ for values %killed;
is($total, $kills, 'killed under load: '
   . join(', ', map { "$_ $killed{$_}" } sort keys %killed));

kill 'TERM', @running;
waitpid $_, 0 for @running;

my $seconds = time - $began;

is($gw->command('start')->{status}, 0, 'what is missing is started');
is($gw->get('http://listed.example/last')->{status}, 403, 'it still refuses');
ok((eventually {
    my $s = $gw->status->{sealer} || {};
    $s->{ok} && defined $s->{behind} && $s->{behind} == 0
} 60), 'the sealer is in step with the log');


# What is root beside the sealer is started anew as well.

for my $pid (helpers()) {
    kill 'KILL', $pid;
    last;
}

my $rotated = run_command([debar_path(), 'audit', 'rotate', $audit]);

is($rotated->{status}, 0, 'and rotates it') or diag($rotated->{err});
is($gw->stop->{status}, 0, 'it is stopped');


# --- every line, once ---------------------------------------------------------

my (%token, %incident, $lines, $torn);

for my $file (sort(glob "$audit/audit-*.jsonl"), "$audit/audit.jsonl") {
    open my $f, '<:raw', $file or next;

    while (my $line = <$f>) {
        $lines++;

        my ($id) = $line =~
            /^\{"time":"[^"]+","incident":"([0-9a-f]{32})".*\}\n\z/;

        if (!$id) {
            $torn++;

        } elsif ($line =~ /"verdict":"block"/) {
            $incident{$id}++;
            $token{$1}++ if $line =~ m{/(c\d+-\d+)"};
        }
    }
}

my ($answers, $asked, @wrong, @missing) = (0, 0);

# How many, and the first few of them.

sub some { return @_ ? @_ . ": @_[0 .. ($#_ < 9 ? $#_ : 9)]" : '' }

for my $n (1 .. $clients) {
    $asked += file_text(test_dir() . "/asked-$n");

    for (split /\n/, file_text(test_dir() . "/answers-$n")) {
        my ($id, $status, $i) = split ' ';

        $answers++;
        push @wrong, "$id $status" if $status != 403;
        push @missing, $id if !$token{$id} || !$incident{$i};
    }
}

diag("$answers of $asked answered in " . int($seconds) . ' s, '
     . int($answers / $seconds) . " a second; $lines lines in "
     . scalar(my @f = glob "$audit/audit-*.jsonl") . ' files')
    if $ENV{DEBAR_KILLS};

cmp_ok($answers, '>', 20 * $kills, "clients were refused ($answers)");
is(some(@wrong), '', 'and had no other answer');
is(some(@missing), '', 'everyone who had an answer has his line');
is(some(grep { $token{$_} > 1 } keys %token), '', 'and nobody two');
is(some(grep { $incident{$_} > 1 } keys %incident), '',
   'nor an incident');
is($torn, undef, 'every line is whole');

my $r = run_command([debar_path(), 'audit', 'verify', $audit, '--key',
                     "$audit/sealer.pub", '--json'], timeout => 300);
my $v = eval { decode_json($r->{out}) } || {};

is($r->{status}, 0, 'the log verifies, by the key of its sealer')
    or diag($r->{out}, $r->{err});
is("$v->{lines} $v->{unsealed}", "$lines 0", 'all of it is sealed');
cmp_ok($v->{files}, '>', 1, 'in more than one file');

my @bad = grep { /\[(?:alert|emerg|crit)\]/
                 && !/exited on signal 9|setrlimit/ }
          split /\n/, $gw->error_log;

is(join("\n", @bad), '', 'nothing else alarming was logged');

done_testing;
