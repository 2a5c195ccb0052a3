package Bench::Table;

# Goal, measured, met or not: one row a figure, printed as it is known.

use strict;
use warnings;

use Debar::Test;


my $format = "%-56s %-9s %9s  %-4s %s\n";


sub new { return bless { rows => [], notes => [] }, $_[0] }


sub machine {
    my ($cpu) = (file_text('/proc/cpuinfo') // '') =~ /^model name\s*: (.*)$/m;
    my $cores = () = (file_text('/proc/cpuinfo') // '') =~ /^processor\s/mg;
    my $nginx = run_command([nginx_path(), '-v'])->{err};
    my ($load) = split / /, file_text('/proc/loadavg') // '?';

    $nginx =~ s/.*: |\n//g;
    printf "%s, %d cores, %s, load %s at the start\n\n", $cpu // 'unknown',
           $cores, $nginx, $load;
}


sub row {
    my ($self, $what, $op, $goal, $value, $beside) = @_;
    my $met = !defined $goal || !length $op ? '' : !defined $value ? 'not'
            : $op eq '<=' ? ($value <= $goal ? 'met' : 'not')
            : ($value >= $goal ? 'met' : 'not');

    my @row = ($what, defined $goal && length $op ? "$op $goal" : '-',
               number($value), $met, $beside // '');

    printf $format, 'what', 'goal', 'measured', '', 'beside it'
        if !@{ $self->{rows} };
    printf $format, @row;
    push @{ $self->{rows} }, \@row;
}


sub number {
    my ($v) = @_;

    return '-' if !defined $v;
    return $v == int $v ? "$v" : abs $v >= 100 ? sprintf('%.0f', $v)
         : abs $v >= 10 ? sprintf('%.1f', $v) : sprintf('%.3f', $v);
}


sub note {
    my ($self, $text) = @_;

    push @{ $self->{notes} }, $text;
}


sub sum_up {
    my ($self) = @_;
    my $not = grep { $_->[3] eq 'not' } @{ $self->{rows} };
    my $met = grep { $_->[3] eq 'met' } @{ $self->{rows} };

    print "\n$met goals met, $not not\n";
    print "$_\n" for @{ $self->{notes} };
}


1;
