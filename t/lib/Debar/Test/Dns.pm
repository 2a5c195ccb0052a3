package Debar::Test::Dns;

# dnsmasq on 127.0.0.1:53 that answers only from what the test says, and only
# with loopback addresses: nothing is ever asked of, or dialled in, the world.

use strict;
use warnings;

use Debar::Test;
use IO::Socket::INET;


# new(names => {name => [addresses]}, absent => [domains], all => address)
# Domains in `absent` do not exist (NXDOMAIN).
# A name has no AAAA unless given one; with refuse_aaaa the question is REFUSED.

sub new {
    my ($class, %o) = @_;
    my $self = bless { port => $o{port} // 53, addr => $o{addr} // '127.0.0.1',
                       o => \%o }, $class;

    return $self->start;
}


sub start {
    my ($self) = @_;
    my %o = %{ $self->{o} };
    my $hosts = test_dir() . '/dns.hosts';
    my $all = $o{all} // '127.0.0.1';
    my $text = '';

    for my $name (sort keys %{ $o{names} || {} }) {
        for my $addr (@{ $o{names}{$name} }) {
            $text .= "$addr $name\n";
        }
    }

    write_file($hosts, $text);
    $text =~ /^(?!127\.|::1 )/m && length $text
        && die "not a loopback address: $text\n";

    my @cmd = (
        dnsmasq(), '--keep-in-foreground', '--conf-file=/dev/null',
        '--no-resolv', '--no-hosts', "--port=$self->{port}",
        "--listen-address=$self->{addr}", '--bind-interfaces',
        "--address=/#/$all", "--addn-hosts=$hosts", '--user=', '--group=',
        '--pid-file=', '--log-facility=-', '--cache-size=0',
        ($o{refuse_aaaa} ? () : '--local=/#/'),
        '--local-ttl=' . ($o{ttl} // 1), '--dns-forward-max=10000',
        (map { "--address=/$_/" } @{ $o{absent} || [] }),
    );

    $self->{pid} = start_process('dns', @cmd);

    eventually { $self->ask('up.example') } 5
        or die "dnsmasq did not start: "
               . (file_text(test_dir() . '/dns.out') // '') . "\n";

    return $self;
}


sub stop {
    my ($self) = @_;

    return stop_process(delete $self->{pid});
}


sub dnsmasq {
    for my $path (split(/:/, $ENV{PATH}), '/usr/sbin', '/usr/local/sbin') {
        return "$path/dnsmasq" if -x "$path/dnsmasq";
    }

    die "dnsmasq is not installed (package dnsmasq-base)\n";
}


# (rcode, number of answers) to a question for an address; empty: no answer.

sub ask {
    my ($self, $name, $type) = @_;
    my $s = IO::Socket::INET->new(PeerAddr => $self->{addr}, Proto => 'udp',
                                  PeerPort => $self->{port})
        or return;
    my $rin = '';
    my $b;

    $s->send(pack('n6', 7, 0x100, 1, 0, 0, 0)
             . join('', map { pack 'C/a', $_ } split /\./, $name)
             . "\0" . pack('nn', $type // 1, 1));

    vec($rin, fileno $s, 1) = 1;
    return if !select $rin, undef, undef, 0.2;
    return if !defined $s->recv($b, 512);

    my @h = unpack 'n6', $b;

    return ($h[1] & 15, $h[3]);
}


1;
