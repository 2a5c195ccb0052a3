package Debar::Test::Script;

# An origin that answers each path with the bytes it was given for it, in the
# pieces and with the pauses it was given them in.

use strict;
use warnings;

use Debar::Test;
use Debar::Test::Origin;
use Time::HiRes qw(sleep);


# new(listen => "127.0.0.1:80", answers => {path => [bytes or seconds...]})
#
# A number is a pause.  What has no head gets one of 200 and text/html with its
# length; '' at the end of the pieces closes the connection.  A reference to a
# sub is called with the socket.

sub new {
    my ($class, %o) = @_;
    my $name = $o{name} // 'script';
    my @sockets = (Debar::Test::Origin::listener($o{listen}));
    my $self = bless {}, $class;

    $self->{pid} = start_process($name, sub {
        $SIG{CHLD} = 'IGNORE';
        $SIG{PIPE} = 'IGNORE';

        $sockets[0]->blocking(1);

        while (1) {
            my $c = $sockets[0]->accept or next;

            if (fork == 0) {
                close $sockets[0];
                serve($c, $o{answers});
                POSIX::_exit(0);
            }

            close $c;
        }
    });

    return $self;
}


sub serve {
    my ($c, $answers) = @_;
    my $in = '';

    $c->blocking(1);
    $c->setsockopt(6, 1, 1);

    while (sysread $c, $in, 65536, length $in) {

        while ($in =~ /^(\S+) (\S+) .*?\r\n\r\n/s) {
            my $path = ($2 =~ s{^http://[^/]*}{}r =~ s/\?.*//sr);
            my $used = $+[0];
            my $size = $& =~ /\ncontent-length: *(\d+)/i ? $1 : 0;

            last if length($in) - $used < $size;

            substr $in, 0, $used + $size, '';

            return if !answer($c, $answers->{$path} // ["no such page\n"]);
        }
    }
}


sub answer {
    my ($c, $pieces) = @_;
    my @pieces = @$pieces;

    if (!ref $pieces[0] && $pieces[0] !~ m{^HTTP/}) {
        my $n = 0;

        $n += length for grep { !ref && !/^[0-9.]+\z/ } @pieces;
        unshift @pieces, "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
                         . "Content-Length: $n\r\n\r\n";
    }

    for my $p (@pieces) {
        if (ref $p) {
            $p->($c);

        } elsif ($p eq '') {
            return 0;

        } elsif ($p =~ /^[0-9.]+\z/) {
            sleep $p;

        } else {
            my $at = 0;

            while ($at < length $p) {
                my $n = syswrite $c, $p, length($p) - $at, $at;

                return 0 if !defined $n;

                $at += $n;
            }
        }
    }

    return 1;
}


sub stop {
    my ($self) = @_;

    return stop_process(delete $self->{pid}, 'KILL');
}


1;
