package Debar::Test::Alone;

# "use Debar::Test::Alone;" as the first line of a test runs it again in
# namespaces of its own: a network with nothing but loopback (so that ports 53,
# 80 and 3128 belong to this test and no packet can leave the machine), mounts
# that end with it, and processes that end with it whatever happens.
#
# An ordinary user gets a user namespace around them, and in it the right to
# bind low ports and no other, so that files are as closed to the test as
# they are outside.
#
# Where the kernel does not allow that, the test runs in the network that there
# is, one test at a time by a lock, and is skipped unless ports 53, 80 and 3128
# can be had.

use strict;
use warnings;

use Fcntl qw(:flock);
use File::Spec;
use IO::Socket::INET;
use Socket qw(AF_INET SOCK_DGRAM);

my $lock;

# The shell stays as the first process and reaps what daemons leave behind; if
# perl were the first process, "kill 0, PID" would still find a dead nginx.
my @init = ('sh', '-c', '"$@"; exit $?', 'init');

my @user = qw(unshare --user --map-current-user --keep-caps);
my @ways = (
    [qw(unshare --net --mount --pid --fork --kill-child --mount-proc --)],
    [qw(unshare --net --mount --)],
    [@user, qw(--net --mount --pid --fork --kill-child --mount-proc --)],
    [@user, qw(--net --mount --)],
);

my @low_ports = ('setpriv', '--ambient-caps', '-all,+net_bind_service',
                 '--inh-caps', '-all,+net_bind_service', '--');


sub import {
    return if $^C;

    my $how = $ENV{DEBAR_TEST_ALONE} || '';

    return if $how eq 'net' && $ENV{DEBAR_TEST_LOW_PORTS};

    if ($how eq 'net') {
        loopback_up();
        return if $> == 0;

        $ENV{DEBAR_TEST_LOW_PORTS} = 1;
        again(@low_ports);
    }

    if ($how ne 'lock') {
        for my $way (@ways) {
            my @probe = (@$way, @init, 'true');

            next if system(join(' ', map { "'$_'" } @probe)
                           . ' >/dev/null 2>&1') != 0;

            $ENV{DEBAR_TEST_ALONE} = 'net';
            again(@$way, @init);
        }
    }

    my $path = File::Spec->catfile(File::Spec->tmpdir, "debar-test-$>.lock");

    open $lock, '>>', $path or die "$path: $!\n";
    flock $lock, LOCK_EX or die "$path: $!\n";

    skip_without_ports();
}


# This test once more, by a command that runs one.

sub again {
    my (@by) = @_;

    exec @by, $^X, (map { "-I$_" } grep { !ref } @INC), $0, @ARGV
        or die "cannot start $0 again: $!\n";
}


sub skip_without_ports {
    for my $to (['udp', 53], ['tcp', 53], ['tcp', 80], ['tcp', 3128]) {
        my ($proto, $port) = @$to;

        next if IO::Socket::INET->new(
            LocalAddr => '127.0.0.1', LocalPort => $port, Proto => $proto,
            ($proto eq 'tcp' ? (Listen => 1, ReuseAddr => 1) : ()),
        );

        print "1..0 # SKIP no network of its own by unshare(1), and"
              . " port $port of 127.0.0.1 cannot be had: $!\n";
        exit 0;
    }
}


# ioctl(2) rather than ip(8): iproute2 is not on every machine.

sub loopback_up {
    my ($SIOCSIFFLAGS, $IFF_UP, $IFF_RUNNING) = (0x8914, 0x1, 0x40);
    my $ifreq = pack 'a16 s x22', 'lo', $IFF_UP | $IFF_RUNNING;

    socket my $s, AF_INET, SOCK_DGRAM, 0 or die "socket: $!\n";
    ioctl $s, $SIOCSIFFLAGS, $ifreq or die "cannot raise loopback: $!\n";
}


1;
