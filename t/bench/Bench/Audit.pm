package Bench::Audit;

# What a line for each request costs: two gateways that differ in debar_audit,
# and a third without, which is the noise.

use strict;
use warnings;

use Debar::Test;
use Debar::Test::Gateway;

use Bench::Load;


sub new {
    my ($class, %o) = @_;
    my $self = bless { load => Bench::Load->new(%o) }, $class;

    $self->{list} = write_list(test_dir() . '/audit-list', serial => 1);

    $self->{off} = $self->gateway('stock', 3301, 'off');
    $self->{again} = $self->gateway('again', 3302, 'off');

    return $self;
}


sub gateway {
    my ($self, $name, $port, $audit, @more) = @_;
    my $gw = Debar::Test::Gateway->new(
        name => "audit-$name", port => $port, workers => 1, start => 0,
        list => $self->{list});

    $gw->set('debar_audit', $audit eq 'off' ? 'off'
                            : '"' . $gw->audit_file . '" all');
    $gw->insert('worker_processes\s+\d+;', 'worker_cpu_affinity 01;')
        if $self->{load}{cores} > 1;
    $gw->insert('http\s*\{', join "\n", @more) if @more;

    my $r = $gw->start;

    die "debar gateway start: $r->{err}\n" if $r->{status} != 0;

    return Bench::Server->new($name, $port, $gw->pid, sub { $gw->stop });
}


# The file of what is measured is thrown away as it ends.

sub measure {
    my ($self, $runs, @more) = @_;
    my $all = $self->gateway('all', 3303, 'all', @more);
    my $r = $self->{load}->pairs($runs, $self->{off}, $all, $self->{again});

    $all->stop;
    system 'rm', '-rf', test_dir() . '/audit-all';

    return $r;
}


sub stop {
    my ($self) = @_;

    $_->stop for @$self{qw(off again load)};
}


1;
