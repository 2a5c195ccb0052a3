# A port of 127.0.0.1 that is free for TCP and UDP: the one that is asked for,
# if it can be had, else another.

use strict;
use warnings;

use IO::Socket::INET;

sub free {
    my ($port) = @_;

    my $tcp = IO::Socket::INET->new(
        LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 1,
        ReuseAddr => 1,
    ) or return;

    my $udp = IO::Socket::INET->new(
        LocalAddr => '127.0.0.1', LocalPort => $tcp->sockport, Proto => 'udp',
    ) or return;

    return $tcp->sockport;
}

my $port = @ARGV ? free($ARGV[0]) : undef;

for (1 .. 50) {
    last if $port;
    $port = free(0);
}

die "port.pl: no free port on 127.0.0.1\n" unless $port;

print "$port\n";
