package Debar::Test::Origin;

# The internet of a test: one process with select(2) that listens on loopback
# addresses, keeps the bytes of each request and the connection it came on, and
# answers by its path:
#
#   /bytes/N      N bytes that depend on their place       /chunked/N  the same,
#   /echo         the request's body                                   chunked
#   /etag         ETag, 304 to a matching If-None-Match    /status/N   status N
#   /range/N      N bytes, byte ranges                     /ws         101, echo
#   /hop          hop-by-hop fields in the answer          /close      no
#   /reset        closes without an answer                             keep-alive
#   anything else: 200 and a short text

use strict;
use warnings;

use Debar::Test;
use Errno qw(EAGAIN EWOULDBLOCK EINTR);
use IO::Select;
use IO::Socket::INET;
use IO::Socket::IP;
use JSON::PP;
use Time::HiRes qw(time);


# new(listen => ["127.0.0.1:80", "[::1]:80", ...])

sub new {
    my ($class, %o) = @_;
    my $name = $o{name} // 'origin';
    my $self = bless {
        listen => $o{listen} // ['127.0.0.1:80', '127.0.0.66:80'],
        file => test_dir() . "/$name.jsonl", seen => 0,
    }, $class;

    write_file($self->{file}, '');

    my @sockets = map { listener($_) } @{ $self->{listen} };

    $self->{pid} = start_process($name, sub {
        Debar::Test::Origin::Server::run($self->{file}, @sockets);
    });

    return $self;
}


sub listener {
    my ($at) = @_;
    my ($host, $port) = $at =~ /^\[?(.*?)\]?:(\d+)$/;
    my $s = IO::Socket::IP->new(LocalHost => $host, LocalPort => $port,
                                Listen => 512, ReuseAddr => 1,
                                V6Only => $host =~ /:/ ? 1 : undef)
        or die "cannot listen on $at: $!\n";

    $s->blocking(0);

    return $s;
}


sub stop {
    my ($self) = @_;

    return stop_process(delete $self->{pid}, 'KILL');
}


# Every request so far, oldest first: {connection, local, line, method, target,
# version, fields => [[name, value]...], body, bytes}

sub requests {
    my ($self) = @_;

    open my $f, '<:raw', $self->{file} or die "$self->{file}: $!\n";
    seek $f, $self->{read} // 0, 0;

    while (defined(my $line = <$f>)) {
        last if $line !~ /\n\z/;
        push @{ $self->{requests} }, decode_json($line);
        $self->{read} += length $line;
    }

    return @{ $self->{requests} || [] };
}


# Those since the last call of this.

sub fresh {
    my ($self) = @_;
    my @all = $self->requests;
    my @new = @all[$self->{seen} .. $#all];

    $self->{seen} = @all;

    return @new;
}


# Did anything of a corpus case arrive, by its X-Case or in the URL?

sub saw_case {
    my ($self, $id) = @_;

    return scalar grep {
        (field($_, 'X-Case') // '') eq $id || $_->{target} =~ /[?&]c=\Q$id\E\b/
    } $self->requests;
}


# The value of a field of a request, several joined by a comma.

sub field {
    my ($r, $name) = @_;
    my @v = map { $_->[1] } grep { lc $_->[0] eq lc $name } @{ $r->{fields} };

    return @v ? join(', ', @v) : undef;
}


# The bytes that /bytes/N, /chunked/N and /range/N give.

sub bytes {
    my ($n) = @_;
    my $unit = join '', map { sprintf '%07d ', $_ } 0 .. 4095;

    return substr $unit x (1 + int($n / length $unit)), 0, $n;
}


package Debar::Test::Origin::Server;

use strict;
use warnings;


sub run {
    my ($file, @listeners) = @_;

    $SIG{PIPE} = 'IGNORE';
    $SIG{TERM} = 'DEFAULT';

    open my $log, '>>:raw', $file or die "$file: $!\n";

    my $json = JSON::PP->new->canonical->ascii;
    my $read = IO::Select->new(@listeners);
    my $write = IO::Select->new;
    my %listening = map { fileno $_ => 1 } @listeners;
    my (%c, $accepted);

    while (1) {
        my ($r, $w) = IO::Select::select($read, $write, undef, 5);

        for my $s (@{ $r || [] }) {
            if ($listening{ fileno $s }) {
                while (my $n = $s->accept) {
                    $n->blocking(0);
                    $read->add($n);
                    $c{ fileno $n } = { id => ++$accepted, in => '', out => '',
                        local => $n->sockhost . ':' . $n->sockport };
                }

                next;
            }

            my $c = $c{ fileno $s } or next;
            my $got = sysread $s, $c->{in}, 65536, length $c->{in};

            if (!defined $got && ($!{EAGAIN} || $!{EINTR})) {
                next;
            }

            $c->{eof} = 1 if !$got;
            serve($c, $log, $json);
            pump($s, $c, $read, $write, \%c);
        }

        for my $s (@{ $w || [] }) {
            my $fd = fileno $s;
            pump($s, $c{$fd}, $read, $write, \%c) if defined $fd && $c{$fd};
        }
    }
}


sub pump {
    my ($s, $c, $read, $write, $all) = @_;

    while (length $c->{out}) {
        my $n = syswrite $s, $c->{out}, 262144;

        if (!defined $n) {
            last if $!{EAGAIN} || $!{EINTR};
            $c->{eof} = 1;
            $c->{out} = '';
            last;
        }

        substr $c->{out}, 0, $n, '';
    }

    if (length $c->{out}) {
        $write->add($s) if !$write->exists($s);
        return;
    }

    $write->remove($s);

    if ($c->{eof} || $c->{last}) {
        delete $all->{ fileno $s };
        $read->remove($s);
        close $s;
    }
}


sub serve {
    my ($c, $log, $json) = @_;

    if ($c->{raw}) {
        $c->{out} .= $c->{in};
        $c->{in} = '';
        return;
    }

    while (substr($c->{in}, 0, 300_000) =~ /^(.*?\r?\n)\r?\n/s) {
        my $head = $1;
        my $size = $+[0];
        my ($line, @lines) = split /\r?\n/, $head;
        my @fields = map { [split /:\s*/, $_, 2] } @lines;
        my %f = map { lc $_->[0] => $_->[1] } @fields;
        my ($method, $target, $version) = split / /, $line, 3;

        if (lc($f{expect} // '') eq '100-continue' && !$c->{continued}) {
            $c->{out} .= "HTTP/1.1 100 Continue\r\n\r\n";
            $c->{continued} = 1;
        }

        my ($body, $used) = body(\%f, \$c->{in}, $size);

        return if !defined $used;

        my $bytes = substr $c->{in}, 0, $size + $used, '';
        $c->{continued} = 0;

        syswrite $log, $json->encode({
            connection => $c->{id}, local => $c->{local}, line => $line,
            method => $method, target => $target, version => $version // '',
            fields => \@fields, body => length $body < 70000 ? $body : '',
            body_length => length $body, head => substr($bytes, 0, $size),
        }) . "\n";

        answer($c, $method, $target // '/', \%f, $body, $version // '');

        return if $c->{last} || $c->{raw};
    }
}


# (body, bytes used) of what stands there in a text, or nothing while it is not
# all there.  No expression sees the whole text: perl would copy it each time.

sub body {
    my ($f, $in, $from) = @_;

    if (lc($f->{'transfer-encoding'} // '') eq 'chunked') {
        my ($body, $pos) = ('', $from);

        while (substr($$in, $pos, 70_000) =~ /^([0-9a-fA-F]+)[^\n]*\n/) {
            my ($n, $at) = (hex $1, $pos + $+[0]);

            if ($n == 0) {
                return if substr($$in, $at) !~ /^(?:[^\r\n]+\r?\n)*\r?\n/;
                return ($body, $at + $+[0] - $from);
            }

            return if length $$in < $at + $n + 2;

            $body .= substr $$in, $at, $n;
            $pos = $at + $n + 2;
        }

        return;
    }

    my $n = $f->{'content-length'} // 0;

    return if length $$in < $from + $n;
    return (substr($$in, $from, $n), $n);
}


sub answer {
    my ($c, $method, $target, $f, $body, $version) = @_;
    my ($path) = $target =~ m{^(?:http://[^/]*)?([^?]*)};
    my ($status, $text, $extra) = (200, "origin\n", '');
    my $chunked = 0;

    if ($path eq '/ws' && lc($f->{upgrade} // '') eq 'websocket') {
        $c->{out} .= "HTTP/1.1 101 Switching Protocols\r\n"
                   . "Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
                   . $c->{in};
        $c->{in} = '';
        $c->{raw} = 1;
        return;
    }

    if ($path eq '/reset') {
        $c->{last} = 1;
        return;
    }

    if ($path =~ m{^/bytes/(\d+)}) {
        $text = Debar::Test::Origin::bytes($1);

    } elsif ($path =~ m{^/chunked/(\d+)}) {
        $text = Debar::Test::Origin::bytes($1);
        $chunked = 1;

    } elsif ($path =~ m{^/range/(\d+)}) {
        ($status, $text, $extra) = range($1, $f->{range});

    } elsif ($path =~ m{^/status/(\d+)}) {
        $status = $1;

    } elsif ($path eq '/echo') {
        $text = $body;

    } elsif ($path eq '/etag') {
        $extra = "ETag: \"v1\"\r\n";
        $status = 304 if ($f->{'if-none-match'} // '') eq '"v1"';

    } elsif ($path eq '/hop') {
        $extra = "Keep-Alive: timeout=77\r\nX-Origin: yes\r\n"
               . "Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n";
    }

    $c->{last} = 1 if $path eq '/close' || $version !~ /1\.1/
                      || lc($f->{connection} // '') eq 'close';

    my $none = $status == 304 || $status == 204;
    my $head = "HTTP/1.1 $status Given\r\n" . $extra
             . "X-Connection: $c->{id}\r\n"
             . ($c->{last} ? "Connection: close\r\n" : '');

    if ($none) {
        $c->{out} .= "$head\r\n";

    } elsif ($chunked) {
        $c->{out} .= "${head}Transfer-Encoding: chunked\r\n\r\n";
        return if $method eq 'HEAD';

        for (my $i = 0; $i < length $text; $i += 10000) {
            my $part = substr $text, $i, 10000;
            $c->{out} .= sprintf("%x\r\n", length $part) . "$part\r\n";
        }

        $c->{out} .= "0\r\n\r\n";

    } else {
        $c->{out} .= $head . 'Content-Length: ' . length($text) . "\r\n\r\n"
                   . ($method eq 'HEAD' ? '' : $text);
    }
}


sub range {
    my ($size, $range) = @_;
    my $text = Debar::Test::Origin::bytes($size);

    if (defined $range && $range =~ /^bytes=(\d+)-(\d+)$/ && $2 < $size) {
        return (206, substr($text, $1, $2 - $1 + 1),
                "Content-Range: bytes $1-$2/$size\r\n");
    }

    return (200, $text, "Accept-Ranges: bytes\r\n");
}


1;
