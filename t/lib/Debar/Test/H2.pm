package Debar::Test::H2;

# HTTP/2 by hand (RFC 9113), for what no client would send: frames go into a
# Debar::Test::Tunnel in which TLS is up with ALPN "h2".  Fields are literals
# without Huffman; of an answer the status alone is read.

use strict;
use warnings;

use Net::SSLeay;
use Time::HiRes qw(time);

my %indexed = (0x88 => 200, 0x89 => 204, 0x8a => 206, 0x8b => 304,
               0x8c => 400, 0x8d => 404, 0x8e => 500);


# new(tunnel): sends the preface and SETTINGS.

sub new {
    my ($class, $tunnel, %o) = @_;
    my $self = bless { t => $tunnel, next => 1, in => '', streams => {} },
               $class;

    $tunnel->say("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
                 . frame(4, 0, 0, $o{window}
                                  ? pack 'n N', 4, $o{window} : ''));

    return $self;
}


sub frame {
    my ($type, $flags, $stream, $payload) = @_;

    return substr(pack('N', length $payload), 1)
           . pack('C C N', $type, $flags, $stream) . $payload;
}


sub fields {
    my (@fields) = @_;

    return join '', map {
        "\0" . join '', map { integer(length $_) . $_ } @$_
    } @fields;
}


# With a prefix of seven bits (RFC 7541 s.5.1), the first bit 0.

sub integer {
    my ($n) = @_;

    return chr $n if $n < 127;

    my $out = "\x7f";

    for ($n -= 127; $n >= 128; $n >>= 7) {
        $out .= chr(128 | $n & 127);
    }

    return $out . chr $n;
}


# request([name, value]...) and options in a hash: open => 1, a body follows;
# cut => N, the frame is not sent beyond N bytes.  The number of the stream.

sub request {
    my ($self, $o, @fields) = @_;
    my $id = $self->{next};
    my $frame = frame(1, $o->{open} ? 4 : 5, $id, fields(@fields));

    $self->{next} += 2;
    $frame = substr $frame, 0, $o->{cut} if $o->{cut};
    $self->{t}->say($frame);

    return $id;
}


# GET of a path of a host: further fields behind.

sub get {
    my ($self, $host, $path, @more) = @_;

    return $self->request({}, [':method', 'GET'], [':scheme', 'https'],
                          [':authority', $host], [':path', $path], @more);
}


sub data {
    my ($self, $id, $bytes, %o) = @_;

    return $self->{t}->say(frame(0, $o{end} ? 1 : 0, $id, $bytes));
}


sub reset {
    my ($self, $id) = @_;

    return $self->{t}->say(frame(3, 0, $id, pack 'N', 8));
}


# Waits for the end of a stream: {status, body}, {reset => code}, {goaway},
# {closed} or {timeout}.

sub answer {
    my ($self, $id, $seconds) = @_;
    my $t = $self->{t};
    my $s = $self->{streams}{$id} ||= { body => '' };
    my $until = time + ($seconds // 10);

    while (!$s->{end} && !defined $s->{reset}) {
        $t->pump;

        while (defined(my $text = Net::SSLeay::read($t->{ssl}, 65536))) {
            last if $text eq '';
            $self->{in} .= $text;
        }

        $t->send(Debar::Test::Tunnel::flight($t));
        $self->take;

        last if $s->{end} || defined $s->{reset};
        return { %$s, goaway => 1 } if $self->{goaway};
        return { %$s, closed => 1 } if $t->{closed};
        return { %$s, timeout => 1 } if time > $until;

        $t->fill($until - time) if $self->{in} !~ /^.{9}/s;
        $t->fill(0.05);
    }

    return $s;
}


sub take {
    my ($self) = @_;

    while (length $self->{in} >= 9) {
        my ($high, $low, $type, $flags, $id) = unpack 'C n C C N', $self->{in};
        my $size = $high << 16 | $low;

        return if length $self->{in} < 9 + $size;

        my $payload = substr $self->{in}, 9, $size;
        my $s = $self->{streams}{$id} ||= { body => '' };

        substr $self->{in}, 0, 9 + $size, '';

        $self->{t}->say(frame(4, 1, 0, '')) if $type == 4 && !($flags & 1);

        if ($type == 1) {
            my $block = $payload =~ s/^[\x20-\x3f]//r;

            $s->{status} //= $indexed{ ord $block }
                             // ($block =~ /^[\x08\x48]\x03(\d{3})/ ? $1 : 0);

        } elsif ($type == 0) {
            $s->{body} .= $payload;

            $self->{t}->say(join '', map { frame(8, 0, $_, pack 'N', $size) }
                                     0, $id) if $size;

        } elsif ($type == 3) {
            $s->{reset} = unpack 'N', $payload;

        } elsif ($type == 7) {
            $self->{goaway} = 1;
        }

        $s->{end} = 1 if $type <= 1 && $flags & 1;
    }
}


1;
