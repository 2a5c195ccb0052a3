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
use Time::HiRes qw(sleep);

use Debar::Test;
use Debar::Test::Dns;
use Debar::Test::Gateway;
use Debar::Test::Load;

my $kills = $ENV{DEBAR_KILLS} || 7;
my $rate = $ENV{DEBAR_VERDICTS} || 2000;

my $dns = Debar::Test::Dns->new;
my $gw = Debar::Test::Gateway->new(
    list => write_list(test_dir() . '/list'), workers => 2, sealer => 1);
my $audit = $gw->dir . '/audit';


# Somebody rotates the log all the time; a sealer that is killed forgets it.

sub rotate {
    my $stop = 0;
    my $pid = fork // die "fork: $!\n";

    return $pid if $pid;

    local $SIG{TERM} = sub { $stop = 1 };

    while (!$stop) {
        run_command([debar_path(), 'audit', 'rotate', $audit], timeout => 2);
        sleep 0.3;
    }

    POSIX::_exit(0);
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

# Of two that are root, the one that serves.

sub helper {
    my %not = map { $_ => 1 } keeper(), sealer();

    return map { children($_) } grep {
        !$not{$_} && (file_text("/proc/$_/cmdline") // '')
                     =~ /\baudit\0seal\0.*\Q$audit\E\0/
    } map { m{/(\d+)$} } glob '/proc/[0-9]*';
}

sub one { return @_ ? $_[rand @_] : () }

my @kinds = (
    ['a worker' => sub { one($gw->workers) }],
    ['the sealer' => sub { sealer() }],
    ['both at once' => sub { (one($gw->workers), sealer()) }],
    ['every worker' => sub { $gw->workers }],
    ['the sealer and its parent' => sub { (keeper(), sealer()) }],
    ['what is root beside it' => sub { helper() }],
    ['all but the master' => sub { ($gw->workers, keeper(), sealer()) }],
);

my %killed;
my $clients = Debar::Test::Load->new($gw, rate => $rate);
my $rotating = rotate();

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

my $load = $clients->stop;

kill 'TERM', $rotating;
waitpid $rotating, 0;

is($gw->command('start')->{status}, 0, 'what is missing is started');
is($gw->get('http://listed.example/last')->{status}, 403, 'it still refuses');
ok((eventually {
    my $s = $gw->status->{sealer} || {};
    $s->{ok} && defined $s->{behind} && $s->{behind} == 0
} 60), 'the sealer is in step with the log');


# What is root beside it is started anew as well: it tells nginx.

my @helper = helper();

is(scalar @helper, 1, 'one process beside the sealer is root');
kill 'KILL', @helper;

# (a file without a sealed line is not rotated)

ok((eventually {
    $gw->get('http://listed.example/more');
    run_command([debar_path(), 'audit', 'rotate', $audit])->{status} == 0
} 20), 'and it is rotated');
is($gw->stop->{status}, 0, 'it is stopped');


# --- every line, once ---------------------------------------------------------

my $log = audit_tokens($audit);
my @answers = @{ $load->{answers} };
my $answers = @answers;

diag("$answers of $load->{asked} answered in " . int($load->{seconds})
     . ' s, ' . int($answers / $load->{seconds}) . " a second; $log->{lines} "
     . 'lines in ' . scalar(() = glob "$audit/audit-*.jsonl") . ' files')
    if $ENV{DEBAR_KILLS};

cmp_ok($answers, '>', 20 * $kills, "clients were refused ($answers)");
is(some_of(map { "$_->[0] $_->[1]" } grep { $_->[1] != 403 } @answers), '',
   'and had no other answer');
is(some_of(map { $_->[0] } grep { !$log->{token}{ $_->[0] }
                                  || !$log->{incident}{ $_->[2] } } @answers),
   '', 'everyone who had an answer has his line');

for my $what ('token', 'incident') {
    is(some_of(grep { $log->{$what}{$_} > 1 } keys %{ $log->{$what} }), '',
       "no $what is there twice");
}

is($log->{torn}, 0, 'every line is whole');

my $r = run_command([debar_path(), 'audit', 'verify', $audit, '--key',
                     "$audit/sealer.pub", '--json'], timeout => 300);
my $v = eval { decode_json($r->{out}) } || {};

is($r->{status}, 0, 'the log verifies, by the key of its sealer')
    or diag($r->{out}, $r->{err});
is("$v->{lines} $v->{unsealed}", "$log->{lines} 0", 'all of it is sealed');
cmp_ok($v->{files}, '>', 1 + $kills / 20, "in $v->{files} files");

my @bad = grep { /\[(?:alert|emerg|crit)\]/
                 && !/exited on signal 9|setrlimit/ }
          split /\n/, $gw->error_log;

is(join("\n", @bad), '', 'nothing else alarming was logged');

done_testing;
