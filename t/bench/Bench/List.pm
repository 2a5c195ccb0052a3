package Bench::List;

# A list of so many hosts: names that do not exist, in no order, under the
# endings that long lists have.

use strict;
use warnings;

use Debar::Test;
use List::Util qw(min);
use Time::HiRes qw(time);

# No two lists here have one serial, and 1 is that of the list at the start.

my $lists = 0;

my @endings = qw(com com com com net org info ru de co.uk fr online shop xyz
                 com.br);


sub new {
    my ($class, $n, $dir) = @_;
    my $self = bless { n => $n, dir => $dir, serial => ++$lists + 1, extra => [],
                       mdb => "$dir.mdb" }, $class;

    $self->write_source;

    open my $f, '>:raw', "$dir/hosts.txt" or die "$dir/hosts.txt: $!\n";

    for my $i (0 .. $n - 1) {
        print {$f} name($i), "\n" or die "$dir/hosts.txt: $!\n";
    }

    close $f or die "$dir/hosts.txt: $!\n";

    return $self;
}


sub name {
    my ($i) = @_;
    my $h = ($i * 2654435761) & 0xffffffff;

    return sprintf '%s%07x.%s', $i % 4 ? '' : 'cdn.', $h,
                   $endings[$h % @endings];
}


sub write_source {
    my ($self) = @_;

    return write_list($self->{dir}, serial => $self->{serial},
                      hosts => ['listed.bench.example', @{ $self->{extra} }],
                      vendor => "hosts-from: hosts.txt\n");
}


# Builds it so many times; {seconds} is the median.

sub build {
    my ($self, $times) = @_;
    my @seconds;

    for (1 .. $times) {
        my $t = time;

        build_list($self->{dir}, $self->{mdb}, '--replace');
        push @seconds, time - $t;
    }

    $self->{seconds} = (sort { $a <=> $b } @seconds)[@seconds / 2];
    $self->{bytes} = -s $self->{mdb};
}


# The next serial, which lists one host more.

sub next {
    my ($self, $host) = @_;

    $self->{serial}++;
    $self->{extra} = [$host];
    $self->write_source;
    build_list($self->{dir}, $self->{mdb});
}


# A file of so many names that are listed.

sub some_listed {
    my ($self, $count) = @_;
    my $step = int($self->{n} / min($count, $self->{n}));

    return write_file("$self->{dir}.some", join '', map {
        name($_ * $step) . "\n" } 0 .. min($count, $self->{n}) - 1);
}


1;
