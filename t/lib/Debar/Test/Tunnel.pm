package Debar::Test::Tunnel;

# A client of a CONNECT proxy: the head of the CONNECT, then TLS whose first
# flight is cut into records and segments as the test says, or any other bytes.
# OpenSSL works on memory here; every byte goes through the test's hands.

use strict;
use warnings;

use Debar::Test::Client;
use Net::SSLeay;
use Time::HiRes qw(time);

our @ISA = ('Debar::Test::Client');

Net::SSLeay::initialize();


# new(addr, port, authority): sends the head and waits for the answer.  %o: host
# (undef for none), fields => [[name, value]...], version, after (bytes in the
# same packet as the head), head (the whole of it), answer => 0 not to wait,
# timeout, from.

sub new {
    my ($class, $addr, $port, $authority, %o) = @_;
    my $self = Debar::Test::Client::new($class, $addr, $port, %o);
    my $host = exists $o{host} ? $o{host} : $authority;
    my $head = $o{head}
               // "CONNECT $authority " . ($o{version} // 'HTTP/1.1') . "\r\n"
                  . (defined $host ? "Host: $host\r\n" : '')
                  . join('', map { "$_->[0]: $_->[1]\r\n" }
                             @{ $o{fields} || [] })
                  . "\r\n";

    $self->send($head . ($o{after} // ''));
    $self->{answer} = $self->response('CONNECT', timeout => $o{timeout})
        if $o{answer} // 1;

    return $self;
}


sub status { return $_[0]{answer}{status} // 0 }


# A real client's ClientHello: sni (undef for none), tls12, ca, alpn => [names],
# session (of another's {ssl}).  tls() goes on from it.

sub hello {
    my (%o) = @_;
    my $self = ref $o{for} ? $o{for} : {};
    my $ctx = Net::SSLeay::CTX_new() or die "no SSL_CTX\n";

    Net::SSLeay::CTX_set_max_proto_version($ctx, 0x0303) if $o{tls12};
    Net::SSLeay::CTX_set_alpn_protos($ctx, $o{alpn}) if $o{alpn};

    if ($o{ca}) {
        Net::SSLeay::CTX_load_verify_locations($ctx, $o{ca}, '')
            or die "cannot load $o{ca}\n";
        Net::SSLeay::CTX_set_verify($ctx, Net::SSLeay::VERIFY_PEER(), undef);
    }

    my $ssl = Net::SSLeay::new($ctx) or die "no SSL\n";

    @$self{qw(ctx ssl rbio wbio plain)} = ($ctx, $ssl,
        Net::SSLeay::BIO_new(Net::SSLeay::BIO_s_mem()),
        Net::SSLeay::BIO_new(Net::SSLeay::BIO_s_mem()), '');

    Net::SSLeay::set_bio($ssl, $self->{rbio}, $self->{wbio});
    Net::SSLeay::set_connect_state($ssl);
    Net::SSLeay::set_tlsext_host_name($ssl, $o{sni}) if defined $o{sni};
    Net::SSLeay::set_session($ssl, $o{session}) if $o{session};
    Net::SSLeay::connect($ssl);

    return flight($self);
}


# What OpenSSL wants to have sent.

sub flight {
    my ($self) = @_;
    my $out = '';

    while (Net::SSLeay::BIO_pending($self->{wbio}) > 0) {
        $out .= Net::SSLeay::BIO_read($self->{wbio}) // last;
    }

    return $out;
}


# A hello in one record -> the same in records of so many bytes, or, for "mid",
# in two that meet in the middle of the name.

sub records {
    my ($hello, $how, $sni) = @_;
    my ($type, $message) = (substr($hello, 0, 3), substr $hello, 5);
    my @parts;

    return $hello if !defined $how;

    if ($how eq 'mid') {
        my $at = index($message, $sni) + int(length($sni) / 2);

        @parts = (substr($message, 0, $at), substr $message, $at);

    } else {
        @parts = unpack "(a$how)*", $message;
    }

    return join '', map { $type . pack 'n/a*', $_ } @parts;
}


# Sends, in segments of so many bytes where that is said.

sub dribble {
    my ($self, $bytes, $size) = @_;

    return $self->send($bytes) if !$size;

    for my $part (unpack "(a$size)*", $bytes) {
        return 0 if $self->{closed} || !$self->send($part);
        $self->fill(0.001);
    }

    return 1;
}


# A TLS handshake as hello() and records() say, tcpsplit: size of segments; sent
# => 1 when the hello is on its way already.  "up", "refused" or "silent".  With
# big (OpenSSL makes no such hello) "up" means that a server answered it.

sub tls {
    my ($self, %o) = @_;

    if ($o{big}) {
        $self->dribble(made_hello(%o, names => [$o{sni}]), $o{tcpsplit});
        $self->fill($o{timeout} // 10) if $self->{in} eq '';

        return $self->{in} =~ /^\x16\x03/ ? 'up'
               : length $self->{in} || $self->{closed} ? 'refused' : 'silent';
    }

    if (!$o{sent}) {
        my $hello = hello(%o, for => $self);

        $self->dribble(records($hello, $o{recsplit}, $o{sni}), $o{tcpsplit});
    }

    my $until = time + ($o{timeout} // 10);

    while (1) {
        $self->pump;

        my $done = Net::SSLeay::connect($self->{ssl});

        $self->send(flight($self));
        return 'up' if $done == 1;

        if ($done < 0) {
            my $e = Net::SSLeay::get_error($self->{ssl}, $done);

            return 'refused' if $e != 2 && $e != 3;
        }

        return 'refused' if $self->{closed};
        return 'silent' if time > $until;

        $self->fill($until - time);
    }
}


# Bytes of the connection into OpenSSL; the number of a fatal alert is kept.

sub pump {
    my ($self) = @_;

    if (length $self->{in}) {
        $self->{alert} = ord $1 if $self->{in} =~ /^\x15\x03.\x00\x02\x02(.)/s;
        Net::SSLeay::BIO_write($self->{rbio}, $self->{in});
        $self->{in} = '';
    }
}


# Plain text out and in, inside TLS where there is TLS.

sub say {
    my ($self, $bytes) = @_;

    return $self->send($bytes) if !$self->{ssl};

    while (length $bytes) {
        my $part = substr $bytes, 0, 16000, '';

        Net::SSLeay::write($self->{ssl}, $part) == length $part or return 0;
        $self->send(flight($self)) or return 0;
    }

    return 1;
}


# One request in the tunnel and its response, as Client::response() gives it.

sub get {
    my ($self, $path, %o) = @_;
    my $method = $o{method} // 'GET';
    my $until = time + ($o{timeout} // 10);
    my $body = $o{body} // '';

    $self->say("$method $path HTTP/1.1\r\nHost: $o{host}\r\n"
               . join('', map { "$_->[0]: $_->[1]\r\n" }
                          @{ $o{fields} || [] })
               . (length $body ? 'Content-Length: ' . length($body) . "\r\n"
                               : '')
               . "\r\n$body");

    return $self->response($method, timeout => $o{timeout}) if !$self->{ssl};

    while (1) {
        $self->pump;

        while (defined(my $text = Net::SSLeay::read($self->{ssl}, 65536))) {
            last if $text eq '';
            $self->{plain} .= $text;
        }

        $self->send(flight($self));

        my $r = Debar::Test::Client::parse(\$self->{plain}, $method,
                                           $self->{closed});

        return $r if $r;
        return { closed => 1, raw => $self->{plain} } if $self->{closed};
        return { timeout => 1, raw => $self->{plain} } if time > $until;

        $self->fill($until - time);
    }
}


# Everything until the other end closes: the bytes, or undef if it does not.

sub rest {
    my ($self, $seconds) = @_;
    my $until = time + ($seconds // 10);

    while (!$self->{closed}) {
        return undef if time > $until;
        $self->fill($until - time);
    }

    my $in = $self->{in};

    $self->{in} = '';
    $self->{alert} = ord $1 if $in =~ /^\x15\x03.\x00\x02\x02(.)/s;

    return $in;
}


sub DESTROY {
    my ($self) = @_;

    Net::SSLeay::free($self->{ssl}) if $self->{ssl};
    Net::SSLeay::CTX_free($self->{ctx}) if $self->{ctx};
}


# A ClientHello made by hand: names => [host names], extensions => [[type,
# bytes]...], no_ext, big (its length, filled up by padding, RFC 7685).

sub made_hello {
    my (%o) = @_;
    my $names = join '', map { pack 'C n/a*', 0, $_ } @{ $o{names} || [] };
    my $ext = (length $names ? pack 'n n/a*', 0, pack 'n/a*', $names : '')
              . pack('n n/a*', 0x2b, "\x04\x03\x04\x03\x03")
              . pack('n n/a*', 10, pack 'n/a*', pack 'n2', 0x17, 0x18)
              . pack('n n/a*', 11, "\x01\0") . pack('n n/a*', 51, "\0\0")
              . pack('n n/a*', 13, pack 'n/a*', pack 'n3', 0x403, 0x804, 0x401)
              . join '', map { pack 'n n/a*', @$_ } @{ $o{extensions} || [] };

    $ext = pack('n n/a*', 21, "\0" x ($o{big} - length($ext) - 100)) . $ext
        if $o{big};

    my $body = pack('n', 0x0303) . 'r' x 32 . "\x20" . 's' x 32
               . pack('n/a*', pack 'n3', 0x1301, 0xc02b, 0xc02f) . "\x01\0"
               . ($o{no_ext} ? '' : pack 'n/a*', $ext);
    my $message = "\x01" . substr(pack('N', length $body), 1) . $body;

    return "\x16\x03\x01" . pack 'n/a*', $message;
}


1;
