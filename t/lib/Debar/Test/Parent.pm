package Debar::Test::Parent;

# A parent proxy that keeps the bytes of each head it was sent, and answers a
# CONNECT by the first label of its host:
#
#   echo       200, then gives back every byte      first      the same, and
#   relay      200, then a connection to the               "ready\n" right
#              port of 127.0.0.1 that was asked             behind the head
#   interim    103 twice, then as echo              bytewise   the head in
#   slow       never answers                                   single bytes
#   n403 n407 n502   such a status, with a body     garbage    no HTTP
#   big        a head of 100 KB                     close      ends unanswered
#   half       ends in the middle of the head       reset      by RST
#
# Other requests get 200 with a short text on a connection that is kept, or the
# status of n407.
#
# With user => "name:password" every request needs these credentials (407).

use strict;
use warnings;

use Debar::Test;
use Debar::Test::Origin;
use IO::Socket::IP;
use IO::Select;
use JSON::PP;
use MIME::Base64 qw(encode_base64);
use Socket qw(SOL_SOCKET SO_LINGER);


# new(at => ["127.0.0.9:3129"])

sub new {
    my ($class, %o) = @_;
    my $name = $o{name} // 'parent';
    my $self = bless { file => test_dir() . "/$name.jsonl", seen => 0, %o },
               $class;

    write_file($self->{file}, '');

    my @listeners = map { Debar::Test::Origin::listener($_) }
                    @{ $o{at} || ['127.0.0.9:3129'] };

    $self->{pid} = start_process($name, sub { serve($self, @listeners) });

    return $self;
}


# {connection, line, fields => [[name, value]...], body}; and {connection,
# event => "end"} when one is over.

sub events {
    my ($self) = @_;

    return map { decode_json($_) } split /\n/, file_text($self->{file});
}


# Requests since the last call of this.

sub fresh {
    my ($self) = @_;
    my @all = grep { $_->{line} } $self->events;
    my @new = @all[$self->{seen} .. $#all];

    $self->{seen} = @all;

    return @new;
}


# Connections that have not ended.

sub open_connections {
    my ($self) = @_;
    my %c;

    for my $e ($self->events) {
        if (($e->{event} // '') eq 'end') {
            delete $c{ $e->{connection} };
        } else {
            $c{ $e->{connection} } = 1;
        }
    }

    return scalar keys %c;
}


sub stop {
    my ($self) = @_;

    return stop_process(delete $self->{pid}, 'KILL');
}


# A process a connection.

sub serve {
    my ($self, @listeners) = @_;
    my $read = IO::Select->new(@listeners);
    my $id = 0;

    $SIG{PIPE} = 'IGNORE';
    $SIG{CHLD} = 'IGNORE';

    open $self->{log}, '>>:raw', $self->{file} or die "$self->{file}: $!\n";

    while (1) {
        for my $l ($read->can_read(5)) {
            while (my $s = $l->accept) {
                $id++;

                if (!fork) {
                    close $_ for @listeners;
                    $s->blocking(1);
                    one($self, $s, $id);
                    note($self, { connection => $id, event => 'end' });
                    close $s;
                    POSIX::_exit(0);
                }

                close $s;
            }
        }
    }
}


sub note {
    my ($self, $what) = @_;

    syswrite $self->{log}, JSON::PP->new->canonical->ascii->encode($what)
                           . "\n";
}


sub one {
    my ($self, $s, $id) = @_;
    my $in = '';

    note($self, { connection => $id, event => 'accepted' });

    while (1) {
        while (index($in, "\r\n\r\n") < 0) {
            sysread $s, $in, 65536, length $in or return;
        }

        my ($head) = $in =~ /^(.*?)\r\n\r\n/s;
        substr $in, 0, length($head) + 4, '';

        my ($line, @lines) = split /\r\n/, $head;
        my @fields = map { [split /:\s*/, $_, 2] } @lines;
        my %f = map { lc $_->[0] => $_->[1] } @fields;
        my $size = $f{'content-length'} // 0;

        if ($line !~ /^CONNECT / && $size) {
            while (length $in < $size) {
                sysread $s, $in, 65536, length $in or return;
            }
        } else {
            $size = 0;
        }

        note($self, { connection => $id, line => $line, fields => \@fields,
                      body => substr $in, 0, $size, '' });

        my ($method, $label) = $line =~ m{^(\S+) (?:http://)?\[?([^.:/\]]*)};

        if ($self->{user}
            && ($f{'proxy-authorization'} // '')
               ne 'Basic ' . encode_base64($self->{user}, ''))
        {
            $label = 'n407';
        }

        if ($method eq 'CONNECT') {
            tunnel($self, $s, $in, $label, $line =~ /:(\d+) HTTP/);
            return;
        }

        my $status = $label =~ /^n(\d+)/ ? $1 : 200;
        my $text = "parent\n";

        syswrite $s, "HTTP/1.1 $status Given\r\n"
                     . ($status == 407
                        ? "Proxy-Authenticate: Basic realm=\"x\"\r\n" : '')
                     . "X-Connection: $id\r\nContent-Length: "
                     . length($text) . "\r\n\r\n"
                     . ($method eq 'HEAD' ? '' : $text);
    }
}


sub tunnel {
    my ($self, $s, $in, $label, $port) = @_;
    my $ok = "HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n";

    if ($label =~ /^n(\d+)/) {
        my $fields = $1 == 407 ? "Proxy-Authenticate: Basic realm=\"x\"\r\n"
                               : '';

        syswrite $s, "HTTP/1.1 $1 Not <b>here</b>\r\n${fields}Content-Length: 5"
                     . "\r\n\r\nhello";
        sysread $s, $in, 1;

    } elsif ($label eq 'slow') {
        sysread $s, $in, 65536;

    } elsif ($label eq 'garbage') {
        syswrite $s, "220 mail.example ready\r\n";
        sysread $s, $in, 1;

    } elsif ($label eq 'big') {
        syswrite $s, "HTTP/1.1 200 OK\r\nX: " . 'x' x 100_000 . "\r\n\r\n";
        sysread $s, $in, 1;

    } elsif ($label eq 'half') {
        syswrite $s, "HTTP/1.1 200 OK\r\nVi";

    } elsif ($label eq 'reset') {
        $s->setsockopt(SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0);

    } elsif ($label eq 'relay') {
        relay($s, $in, $port, $ok);

    } elsif ($label ne 'close') {
        if ($label eq 'bytewise') {
            $s->setsockopt(6, 1, 1);

            for my $byte (split //, $ok) {
                syswrite $s, $byte;
                select undef, undef, undef, 0.001;
            }

        } elsif ($label eq 'interim') {
            syswrite $s, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" x 2;
            select undef, undef, undef, 0.02;
            syswrite $s, $ok;

        } else {
            syswrite $s, $ok . ($label eq 'first' ? "ready\n" : '');
        }

        while (1) {
            if (length $in) {
                my $n = syswrite $s, $in or return;
                substr $in, 0, $n, '';
                next;
            }

            sysread $s, $in, 65536 or return;
        }
    }
}


sub relay {
    my ($s, $in, $port, $ok) = @_;
    my $to = IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $port);

    if (!$to) {
        syswrite $s, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n";
        return;
    }

    syswrite $s, $ok;
    syswrite $to, $in if length $in;

    my $both = IO::Select->new($s, $to);

    while (1) {
        for my $from ($both->can_read(30)) {
            my $n = sysread $from, my $bytes, 65536 or return;
            my $other = $from == $s ? $to : $s;

            for (my $at = 0; $at < $n; ) {
                $at += syswrite($other, $bytes, $n - $at, $at) || return;
            }
        }
    }
}


1;
