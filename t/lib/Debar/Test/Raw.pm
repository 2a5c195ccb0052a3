package Debar::Test::Raw;

# Origins that speak no protocol: one process that listens, and at each address
# does one of these with a connection:
#
#   echo    gives back every byte          first   says "220 ready\r\n", echoes
#   silent  takes bytes, says nothing      count   N bytes of a pattern after
#   close   closes after the first bytes           the first, then takes
#
# and records what came: {connection, local, event, bytes or total}.

use strict;
use warnings;

use Debar::Test;
use Debar::Test::Origin;
use IO::Select;
use JSON::PP;


# new(at => {"127.0.0.2:443" => "echo", ...})

sub new {
    my ($class, %o) = @_;
    my $name = $o{name} // 'raw';
    my $self = bless { file => test_dir() . "/$name.jsonl", seen => 0 },
               $class;

    write_file($self->{file}, '');

    my %at = %{ $o{at} };
    my @listeners = map { [Debar::Test::Origin::listener($_), $at{$_}] }
                    sort keys %at;

    $self->{pid} = start_process($name, sub {
        serve($self->{file}, @listeners);
    });

    return $self;
}


sub events {
    my ($self) = @_;

    return map { decode_json($_) } split /\n/, file_text($self->{file});
}


# Events since the last call, or since forget().

sub fresh {
    my ($self) = @_;
    my @all = $self->events;
    my @new = @all[$self->{seen} .. $#all];

    $self->{seen} = @all;

    return @new;
}


# The bytes that arrived since the last call of fresh(), all connections.

sub got { return join '', map { pack 'H*', $_->{bytes} // '' } $_[0]->fresh }


sub stop {
    my ($self) = @_;

    return stop_process(delete $self->{pid}, 'KILL');
}


sub serve {
    my ($file, @listeners) = @_;

    $SIG{PIPE} = 'IGNORE';

    open my $log, '>>:raw', $file or die "$file: $!\n";

    my ($read, $write) = (IO::Select->new, IO::Select->new);
    my (%mode, %c, $accepted);

    for my $l (@listeners) {
        $read->add($l->[0]);
        $mode{ fileno $l->[0] } = $l->[1];
    }

    my $say = sub {
        my ($c, $event, %more) = @_;

        syswrite $log, encode_json({ connection => $c->{id}, event => $event,
                                     local => $c->{local}, %more }) . "\n";
    };

    while (1) {
        my ($r, $w) = IO::Select::select($read, $write, undef, 5);

        for my $s (@{ $r || [] }) {
            my $mode = $mode{ fileno $s };

            if (defined $mode) {
                while (my $n = $s->accept) {
                    my $c = { id => ++$accepted, mode => $mode, total => 0,
                              out => $mode eq 'first' ? "220 ready\r\n" : '',
                              local => $n->sockhost . ':' . $n->sockport };

                    $n->blocking(0);
                    $read->add($n);
                    $c{ fileno $n } = $c;
                    $say->($c, 'open');
                    flush($n, $c, $read, $write, \%c, $say);
                }

                next;
            }

            my $c = $c{ fileno $s } or next;
            my $n = sysread $s, my $bytes, 262144;

            next if !defined $n && ($!{EAGAIN} || $!{EINTR});

            if (!$n) {
                $c->{eof} = 1;
                $say->($c, defined $n ? 'fin' : 'reset', total => $c->{total});
                $read->remove($s);

            } else {
                $say->($c, 'data', bytes => unpack 'H*', substr $bytes, 0, 2000)
                    if $c->{total} < 20000;
                $c->{out} .= $bytes if $c->{mode} =~ /^(?:echo|first)$/;
                $c->{out} = Debar::Test::Origin::bytes($1)
                    if $c->{mode} =~ /^count (\d+)/ && $c->{total} == 0;
                $c->{eof} = 1 if $c->{mode} eq 'close';
                $c->{total} += $n;
            }

            flush($s, $c, $read, $write, \%c, $say);
        }

        for my $s (@{ $w || [] }) {
            my $fd = fileno $s;

            flush($s, $c{$fd}, $read, $write, \%c, $say)
                if defined $fd && $c{$fd};
        }
    }
}


sub flush {
    my ($s, $c, $read, $write, $all, $say) = @_;

    while (length $c->{out}) {
        my $n = syswrite $s, $c->{out}, 262144;

        if (!defined $n) {
            last if $!{EAGAIN} || $!{EINTR};
            @$c{qw(eof out)} = (1, '');
            last;
        }

        substr $c->{out}, 0, $n, '';
    }

    # A peer that does not read is not read from.

    if (length $c->{out} > 1048576) {
        $read->remove($s);

    } elsif (!$c->{eof} && !$read->exists($s)) {
        $read->add($s);
    }

    if (length $c->{out}) {
        $write->add($s) if !$write->exists($s);
        return;
    }

    $write->remove($s) if $write->exists($s);

    if ($c->{eof}) {
        delete $all->{ fileno $s };
        $read->remove($s) if $read->exists($s);
        $say->($c, 'end', total => $c->{total});
        close $s;
    }
}


1;
