package Debar::Test::Inspector;

# A worker's end of the inspector's socket (blocklist/file_wire.h), for tests:
# frames as bytes, descriptors by SCM_RIGHTS.

use strict;
use warnings;

use Exporter 'import';
use Fcntl;
use IO::Select;
use IO::Socket::UNIX;
use POSIX ();
use Time::HiRes qw(time);

our @EXPORT = qw(inspect_file inspect_connect inspect_begin inspect_frame
                 inspect_send_fds inspect_read inspect_answers);

# sendmsg(2), which Perl has no function for.

my %call = (x86_64 => 46, aarch64 => 211, ppc64le => 341, s390x => 370);


sub inspect_frame {
    my ($kind, $payload) = @_;

    return pack('N C a*', length($payload) + 1, $kind, $payload);
}

sub inspect_begin {
    my (%o) = @_;

    return inspect_frame(1, pack('C n/a* N N N Q> N Q> Q>', $o{version} // 1,
                                 $o{coding} // '', 0, 0, 0, 0, 0, 0, 0));
}

sub inspect_connect {
    my ($path) = @_;

    return IO::Socket::UNIX->new(Type => SOCK_STREAM, Peer => $path)
           || die "$path: $!\n";
}


# Bytes with descriptors; struct msghdr and cmsghdr of 64-bit Linux.

sub inspect_send_fds {
    my ($sock, $bytes, @fds) = @_;
    my $nr = $call{(POSIX::uname())[4]} // die "sendmsg of this machine?\n";

    my $data = pack('i*', @fds);
    my $control = pack('Q i i a*', 16 + length $data, SOL_SOCKET, 1, $data);
    $control .= "\0" x (-length($control) % 8);
    $control = '' unless @fds;

    my $iov = pack('P Q', $bytes, length $bytes);
    my $msg = pack('Q L x4 P Q P Q i x4', 0, 0, $iov, 1, $control,
                   length $control, 0);

    my $n = syscall($nr, fileno($sock), $msg, 0);

    $n == length $bytes or die "sendmsg: $!\n";
}


# Frames until DONE, REFUSED, the end, or some seconds: [kind, what is in it].

sub inspect_read {
    my ($sock, $seconds) = @_;
    my ($in, @frames, $end) = ('');
    my $until = time() + ($seconds // 20);
    my $wait = IO::Select->new($sock);

    while (!$end) {
        my $left = $until - time();

        if ($left <= 0 || !$wait->can_read($left)) {
            push @frames, ['timeout'];
            last;
        }

        my $n = sysread($sock, $in, 65536, length $in);

        if (!$n) {
            push @frames, ['closed'];
            last;
        }

        while (length $in >= 4 && length $in >= 4 + unpack('N', $in)) {
            my $frame = substr($in, 4, unpack('N', $in));
            substr($in, 0, 4 + length $frame) = '';
            push @frames, one($frame);
            $end = 1 if $frames[-1][0] eq 'done' || $frames[-1][0] eq 'refused';
        }
    }

    return @frames;
}


my @what = ('', qw(file signer field package end));
my @state = qw(unchecked holds broken appended);

sub one {
    my ($kind, $rest) = unpack('C a*', $_[0]);

    return ['taken'] if $kind == 4;
    return ['refused', unpack('n/a*', $rest)] if $kind == 5;
    return ['done', unpack('N', $rest)] if $kind == 7;
    return ["kind $kind"] if $kind != 6;

    my %f;
    @f{qw(what depth type role state size name value organization common_name
          issuer thumbprint sha256)}
        = unpack('C C C C C Q> n/a* n/a* n/a* n/a* n/a* n/a* n/a*', $rest);
    $f{what} = $what[$f{what}];
    $f{state} = $state[$f{state}];
    $f{sha256} = unpack('H*', $f{sha256});
    $f{thumbprint} = unpack('H*', $f{thumbprint});

    return ['found', \%f];
}


# A whole file, given as bytes: its frames.

sub inspect_file {
    my ($socket, $bytes, %o) = @_;
    my $sock = inspect_connect($socket);

    open my $w, '+>', undef or die;
    binmode $w;
    syswrite $w, $bytes;
    open my $r, '<', '/proc/self/fd/' . fileno $w or die "$!\n";
    open my $room, '+>', undef or die;

    inspect_send_fds($sock, inspect_begin(%o), fileno $r, fileno $room);

    my $end = $o{end} // length $bytes;

    for my $more (@{$o{more} || []}) {
        print {$sock} inspect_frame(2, pack('Q>', $more));
        $sock->flush;
    }

    print {$sock} inspect_frame(3, pack('Q>', $end));
    $sock->flush;

    return inspect_read($sock, $o{seconds});
}

1;
