package Debar::Test::Alone;

# "use Debar::Test::Alone;" as the first line of a test runs it again in
# namespaces of its own: a network with nothing but loopback (so that ports 53,
# 80 and 3128 belong to this test and no packet can leave the machine), mounts
# that end with it, and processes that end with it whatever happens.
#
# Where the kernel does not allow that, the test runs in the network that there
# is, one test at a time by a lock, and needs ports 53, 80 and 3128 free.

use strict;
use warnings;

use Fcntl qw(:flock);
use File::Spec;
use Socket qw(AF_INET SOCK_DGRAM);

my $lock;

# The shell stays as the first process and reaps what daemons leave behind; if
# perl were the first process, "kill 0, PID" would still find a dead nginx.
my @init = ('sh', '-c', '"$@"; exit $?', 'init');

my @ways = (
    [qw(unshare --net --mount --pid --fork --kill-child --mount-proc --)],
    [qw(unshare --net --mount --)],
);


sub import {
    return if $^C;

    my $how = $ENV{DEBAR_TEST_ALONE} || '';

    if ($how eq 'net') {
        loopback_up();
        return;
    }

    if ($how ne 'lock') {
        for my $way (@ways) {
            my @probe = (@$way, @init, 'true');

            next if system(join(' ', map { "'$_'" } @probe)
                           . ' >/dev/null 2>&1') != 0;

            $ENV{DEBAR_TEST_ALONE} = 'net';
            exec @$way, @init, $^X, (map { "-I$_" } grep { !ref } @INC), $0,
                 @ARGV
                or die "cannot start $0 again: $!\n";
        }
    }

    my $path = File::Spec->catfile(File::Spec->tmpdir, 'debar-test.lock');

    open $lock, '>>', $path or die "$path: $!\n";
    flock $lock, LOCK_EX or die "$path: $!\n";
}


# ioctl(2) rather than ip(8): iproute2 is not on every machine.

sub loopback_up {
    my ($SIOCSIFFLAGS, $IFF_UP, $IFF_RUNNING) = (0x8914, 0x1, 0x40);
    my $ifreq = pack 'a16 s x22', 'lo', $IFF_UP | $IFF_RUNNING;

    socket my $s, AF_INET, SOCK_DGRAM, 0 or die "socket: $!\n";
    ioctl $s, $SIOCSIFFLAGS, $ifreq or die "cannot raise loopback: $!\n";
}


1;
