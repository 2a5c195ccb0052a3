package Debar::Test::Static;

# A static HTTP server on loopback for a folder: ETag, ranges, a process for
# each connection.  For a path it can be told to do other things than serve
# (`misbehave`):
#
#   status N       N and nothing else           redirect URL   302
#   cut N          N bytes of all, then closes  slow           a byte a second
#   endless        chunks without end           huge N         N bytes, said so
#   ignore-range   all of it, whatever is asked

use strict;
use warnings;

use Debar::Test;
use Digest::SHA qw(sha1_hex);
use IO::Socket::INET;
use JSON::PP;


sub new {
    my ($class, $folder) = @_;
    my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 64,
                                         ReuseAddr => 1)
        or die "cannot listen: $!\n";
    my $self = bless { folder => $folder, port => $listener->sockport,
                       how => test_dir() . '/static.json',
                       log => test_dir() . '/static.log' }, $class;

    $self->misbehave;
    write_file($self->{log}, '');
    $self->{pid} = start_process('static', sub { $self->serve($listener) });

    return $self;
}


sub url { return "http://127.0.0.1:$_[0]{port}/list" }

sub stop { return stop_process(delete $_[0]{pid}, 'KILL') }

# misbehave('manifest' => 'cut 10', ...): the beginning of a path, and what; with
# nothing: as it should.

sub misbehave {
    my ($self, %how) = @_;

    write_file("$self->{how}.new", encode_json(\%how));
    rename "$self->{how}.new", $self->{how} or die "$self->{how}: $!\n";
}


# Requests since the last call: "200 manifest", "206 snapshots/..."

sub fresh {
    my ($self) = @_;
    my @all = split /\n/, file_text($self->{log});
    my @new = @all[$self->{seen} // 0 .. $#all];

    $self->{seen} = @all;

    return @new;
}


sub serve {
    my ($self, $listener) = @_;

    $SIG{CHLD} = 'IGNORE';
    $SIG{PIPE} = 'IGNORE';

    while (1) {
        my $c = $listener->accept or next;

        if (fork) {
            close $c;
            next;
        }

        close $listener;
        $self->answer($c);
        POSIX::_exit(0);
    }
}


sub answer {
    my ($self, $c) = @_;
    my ($line, %field) = (scalar <$c> // '');

    while (defined(my $h = <$c>)) {
        last if $h =~ /^\r?\n/;
        $field{lc $1} = $2 if $h =~ /^([^:]+):\s*(.*?)\r?\n/;
    }

    my ($path) = $line =~ m{^GET /list/(\S+)};
    my $all = decode_json(file_text($self->{how}));
    my ($how) = map { $all->{$_} }
                grep { defined $path && index($path, $_) == 0 } keys %$all;
    my $data = defined $path && $path !~ /\.\./
               ? file_text("$self->{folder}/$path") : undef;

    my $say = sub {
        my ($status, $head, $body) = @_;

        open my $log, '>>', $self->{log};
        syswrite $log, "$status " . ($path // '-') . "\n";
        print {$c} "HTTP/1.1 $status X\r\nConnection: close\r\n$head\r\n",
                   $body // '';
        $c->flush;
    };

    return $self->misbehaves($c, $how, $data, $say)
        if defined $how && $how ne 'ignore-range';
    return $say->(404, "Content-Length: 3\r\n", "no\n") if !defined $data;

    my $etag = '"' . sha1_hex($data) . '"';

    return $say->(304, "ETag: $etag\r\n")
        if ($field{'if-none-match'} // '') eq $etag;

    my $size = length $data;

    if (!defined $how && ($field{range} // '') =~ /^bytes=(\d+)-$/) {
        return $say->(416, "Content-Range: bytes */$size\r\n"
                           . "Content-Length: 0\r\n") if $1 >= $size;
        return $say->(206, "Content-Range: bytes $1-" . ($size - 1) . "/$size\r\n"
                           . 'Content-Length: ' . ($size - $1) . "\r\n",
                      substr $data, $1);
    }

    return $say->(200, "ETag: $etag\r\nContent-Length: $size\r\n", $data);
}


sub misbehaves {
    my ($self, $c, $how, $data, $say) = @_;
    my ($what, $arg) = split / /, $how, 2;

    $data //= '';

    if ($what eq 'status') {
        $say->($arg, "Content-Length: 0\r\n");

    } elsif ($what eq 'redirect') {
        $say->(302, "Location: $arg\r\nContent-Length: 0\r\n");

    } elsif ($what eq 'cut') {
        $say->(200, 'Content-Length: ' . length($data) . "\r\n",
               substr $data, 0, $arg);

    } elsif ($what eq 'slow') {
        $say->(200, 'Content-Length: ' . length($data) . "\r\n");

        for my $b (split //, $data) {
            syswrite $c, $b or last;
            sleep 1;
        }

    } elsif ($what eq 'endless') {
        $say->(200, "Transfer-Encoding: chunked\r\n");
        1 while syswrite $c, sprintf "%x\r\n%s\r\n", 65536, 'x' x 65536;

    } elsif ($what eq 'huge') {
        my $left = $arg;

        $say->(200, "Content-Length: $arg\r\n");

        while ($left > 0) {
            $left -= syswrite($c, 'x' x ($left > 65536 ? 65536 : $left)) || last;
        }
    }
}


1;
