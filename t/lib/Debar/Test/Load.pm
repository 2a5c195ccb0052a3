package Debar::Test::Load;

# Clients that ask a gateway at a pace, each request with a token of its own in
# its URL (of a CONNECT, in its host), and what they were answered; the audit
# log's side of it.

use strict;
use warnings;

use Exporter 'import';
use POSIX ();
use Time::HiRes qw(time sleep);

use Debar::Test;
use Debar::Test::Client;

our @EXPORT = qw(audit_tokens some_of);

my $made = 0;


# new(GATEWAY, rate => 2000, clients => 4, host => 'listed.example')

sub new {
    my ($class, $gw, %o) = @_;
    my $self = bless {
        gw => $gw, host => $o{host} // 'listed.example', number => ++$made,
        pause => 10 * ($o{clients} // 4) / ($o{rate} // 2000), began => time,
    }, $class;

    for my $n (1 .. $o{clients} // 4) {
        my $pid = fork // die "fork: $!\n";

        if ($pid == 0) {
            $self->client($n);
            POSIX::_exit(0);
        }

        push @{ $self->{pids} }, $pid;
    }

    return $self;
}


sub file { return test_dir() . "/load$_[0]{number}-$_[1]-$_[2]" }

# Requests, again and again, until it is told to stop.  A line for
# each answer that it has read to its end.

sub client {
    my ($self, $n) = @_;
    my ($stop, $asked, $next, $turn, $c) = (0, 0, time, 0);

    local $SIG{TERM} = sub { $stop = 1 };
    local $SIG{PIPE} = 'IGNORE';
    open my $out, '>', $self->file('answers', $n) or die;

    while (!$stop) {
        my $wait = $next - time;

        sleep $wait if $wait > 0;

        # what was held up is asked for later, but not all of it

        $next = $wait < -1 ? time : $next + $self->{pause};
        # ten at once; now and then a tunnel, on a connection of its own

        my $connect = ++$turn % 20 == 0;

        undef $c if $connect;
        $c ||= eval { $self->{gw}->client } or do { sleep 0.01; next };

        my @ids = map { "t$self->{number}-$n-" . ++$asked }
                  1 .. ($connect ? 1 : 10);
        my $text = '';
        my $whole = eval { $c->send(join '', map { ($connect
            ? "CONNECT $_.$self->{host}:443 HTTP/1.1\r\n"
              . "Host: $_.$self->{host}:443\r\n"
            : "GET http://$self->{host}/$_ HTTP/1.1\r\n"
              . "Host: $self->{host}\r\n")
            . "Accept: application/problem+json\r\n\r\n" } @ids) };

        for my $id (@ids) {
            my $r = $whole && eval { $c->response($connect ? 'CONNECT' : 'GET',
                                                  timeout => 10) } || {};

            $whole = $r->{status} or last;

            my ($incident) = ($r->{body} // '') =~ /\b([0-9a-f]{32})\b/;

            $text .= join(' ', $id, $r->{status}, $incident // '-') . "\n";
        }

        syswrite $out, $text;

        if (!$whole || $connect) {
            eval { $c->close };
            undef $c;
        }
    }

    close $out;
    write_file($self->file('asked', $n), $asked);
}


# Ends them: {asked, seconds, answers => [[token, status, incident], ...]}

sub stop {
    my ($self) = @_;
    my $asked = 0;
    my @answers;

    kill 'TERM', @{ $self->{pids} };
    waitpid $_, 0 for @{ $self->{pids} };

    for my $n (1 .. @{ $self->{pids} }) {
        $asked += file_text($self->file('asked', $n)) // 0;
        push @answers, map { [split ' '] }
                       split /\n/, file_text($self->file('answers', $n));
    }

    return { asked => $asked, seconds => time - $self->{began},
             answers => \@answers };
}


# Of a log's folder: {lines, torn, token => {TOKEN => decisions}, incident =>
# {INCIDENT => decisions}}

sub audit_tokens {
    my ($audit) = @_;
    my %all = (lines => 0, torn => 0, token => {}, incident => {});

    for my $file (sort(glob "$audit/audit-*.jsonl"), "$audit/audit.jsonl") {
        open my $f, '<:raw', $file or next;

        while (my $line = <$f>) {
            my ($id) = $line =~
                /^\{"time":"[^"]+","incident":"([0-9a-f]{32})".*\}\n\z/;

            $all{lines}++;

            if (!$id) {
                $all{torn}++;

            } elsif ($line =~ /"verdict":"/) {
                $all{incident}{$id}++;
                $all{token}{$1}++ if $line =~ m{[/"](t\d+-\d+-\d+)[".]};
            }
        }
    }

    return \%all;
}


# How many, and the first few of them.

sub some_of { return @_ ? @_ . ": @_[0 .. ($#_ < 9 ? $#_ : 9)]" : '' }


1;
