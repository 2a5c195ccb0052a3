package Debar::Test::Client;

# A client that sends the bytes it is told to and shows the bytes it got.  Every
# wait has a bound.

use strict;
use warnings;

use Exporter 'import';
use IO::Socket::IP;
use Socket qw(SOL_SOCKET SO_LINGER);
use Time::HiRes qw(time sleep);

our @EXPORT_OK = qw(exchange get);


# new(addr, port)

sub new {
    my ($class, $addr, $port, %o) = @_;
    my $s = IO::Socket::IP->new(PeerHost => $addr, PeerPort => $port,
                                LocalHost => $o{from}, Timeout => 5)
        or die "cannot connect to $addr:$port: $@\n";

    $s->setsockopt(6, 1, 1);
    $s->blocking(0);

    return bless { socket => $s, in => '', closed => 0, timeout => 10 }, $class;
}


# All the bytes, for as long as the other end takes them.

sub send {
    my ($self, $bytes) = @_;
    my $until = time + $self->{timeout};

    local $SIG{PIPE} = 'IGNORE';

    while (length $bytes) {
        my $n = syswrite $self->{socket}, $bytes;

        if (defined $n) {
            substr $bytes, 0, $n, '';
            next;
        }

        return 0 if !$!{EAGAIN} || time > $until;

        $self->fill(0.05);
    }

    return 1;
}


# Takes what comes within so many seconds; true if something did.

sub fill {
    my ($self, $seconds) = @_;
    my $rin = '';

    return 0 if $self->{closed};

    vec($rin, fileno $self->{socket}, 1) = 1;
    return 0 if !select $rin, undef, undef, $seconds;

    my $n = sysread $self->{socket}, $self->{in}, 262144, length $self->{in};

    $self->{reset} = 1 if !defined $n && $!{ECONNRESET};
    $self->{closed} = 1 if defined $n ? $n == 0 : !$!{EAGAIN};

    return $n ? 1 : 0;
}


# The next response: {status, line, fields, body, raw}, {closed} if the other
# end went away without one, {timeout}, or {raw} of what is no HTTP (0.9).
# `method` tells whether a body follows.  Skips 100 Continue unless keep_100.

sub response {
    my ($self, $method, %o) = @_;
    my $until = time + ($o{timeout} // $self->{timeout});

    while (1) {
        my $r = parse(\$self->{in}, $method // 'GET', $self->{closed});

        if ($r) {
            next if $r->{status} == 100 && !$o{keep_100};
            return $r;
        }

        if ($self->{closed}) {
            my $raw = $self->{in};
            $self->{in} = '';
            return { closed => 1, raw => $raw };
        }

        my $left = $until - time;

        return { timeout => 1, raw => $self->{in} } if $left <= 0;

        $self->fill($left);
    }
}


sub parse {
    my ($in, $method, $closed) = @_;

    my $end = index $$in, "\r\n\r\n";

    return if $end < 0;

    my ($line, @lines) = split /\r\n/, substr $$in, 0, $end;
    my ($status) = $line =~ m{^HTTP/1\.[01] (\d{3})} or return;
    my $size = $end + 4;
    my @fields = map { [split /:\s*/, $_, 2] } @lines;
    my $r = { line => $line, status => $status, fields => \@fields };
    my $te = field($r, 'Transfer-Encoding') // '';
    my $cl = field($r, 'Content-Length');
    my ($body, $used) = ('', 0);

    if ($method eq 'HEAD' || $status == 304 || $status == 204
        || $status < 200 || ($method eq 'CONNECT' && $status < 300))
    {
        $used = 0;

    } elsif (lc $te eq 'chunked') {
        ($body, $used) = chunks(substr $$in, $size);
        return if !defined $used;

    } elsif (defined $cl) {
        return if length($$in) < $size + $cl;
        ($body, $used) = (substr($$in, $size, $cl), $cl);

    } else {
        return if !$closed;
        ($body, $used) = (substr($$in, $size), length($$in) - $size);
    }

    $r->{body} = $body;
    $r->{raw} = substr $$in, 0, $size + $used, '';

    return $r;
}


sub chunks {
    my ($in) = @_;
    my ($body, $pos) = ('', 0);

    while (substr($in, $pos, 20) =~ /^([0-9a-fA-F]+)\r\n/) {
        my ($n, $head) = (hex $1, length $&);

        return if length $in < $pos + $head + $n + 2;

        $body .= substr $in, $pos + $head, $n;
        $pos += $head + $n + 2;

        return ($body, $pos) if $n == 0;
    }

    return;
}


# The value of a field, several joined by a comma; undef if there is none.

sub field {
    my ($r, $name) = @_;
    my @v = map { $_->[1] } grep { lc $_->[0] eq lc $name }
            @{ $r->{fields} || [] };

    return @v ? join(', ', @v) : undef;
}


# True once the other end has closed and nothing more is there.

sub at_end {
    my ($self, $seconds) = @_;
    my $until = time + ($seconds // 5);

    while (!$self->{closed} && time < $until) {
        $self->fill($until - time);
    }

    return $self->{closed} && $self->{in} eq '';
}


# No more bytes from here; those of the other end are still taken.

sub half_close {
    my ($self) = @_;

    return shutdown $self->{socket}, 1;
}


# Goes away by RST, as a client does that has died.

sub abort {
    my ($self) = @_;

    $self->{socket}->setsockopt(SOL_SOCKET, SO_LINGER, pack 'll', 1, 0);
    $self->close;
}


sub close {
    my ($self) = @_;

    CORE::close($self->{socket}) if $self->{socket};
    $self->{socket} = undef;
}


# A fresh connection: each segment is one send(2), 150 ms apart; all responses
# until the other end closes, or until 300 ms pass after a whole one.

sub exchange {
    my ($addr, $port, @segments) = @_;
    my $c = Debar::Test::Client->new($addr, $port);
    my $first = 1;
    my @all;

    for my $bytes (@segments) {
        my $until = time + 0.15;

        while (!$first && time < $until && !$c->{closed}) {
            $c->fill($until - time);
        }

        $first = 0;
        last if !$c->send($bytes);
    }

    my ($method) = $segments[0] =~ /^([A-Z]+) /;

    while (1) {
        my $r = $c->response($method, timeout => @all ? 0.3 : 10);

        push @all, $r if !$r->{timeout} && (!$r->{closed}
                         || length $r->{raw} || !@all);
        push @all, $r if $r->{timeout} && !@all;
        last if $r->{timeout} || $r->{closed};
    }

    $c->close;

    return @all;
}


# One request, "Connection: close", and its response.  %o: method, target,
# version, fields => [[name, value]...], body.

sub get {
    my ($addr, $port, $url, %o) = @_;
    my ($host) = $url =~ m{^[a-z]+://([^/?#]*)};
    my $method = $o{method} // 'GET';
    my $body = $o{body} // '';
    my $c = Debar::Test::Client->new($addr, $port);

    $c->send("$method $url HTTP/1.1\r\n"
             . ($o{no_host} ? '' : 'Host: ' . ($o{host} // $host) . "\r\n")
             . join('', map { "$_->[0]: $_->[1]\r\n" } @{ $o{fields} || [] })
             . (length $body ? 'Content-Length: ' . length($body) . "\r\n"
                             : '')
             . "Connection: close\r\n\r\n$body");

    my $r = $c->response($method, timeout => $o{timeout});

    $c->close;

    return $r;
}


1;
