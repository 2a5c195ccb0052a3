package Bench::Download;

# Gateway with its inspector, stock nginx and an origin of files, and downloads
# through them, one at a time.

use strict;
use warnings;

use Bench::Load;
use Debar::Test;
use Debar::Test::Gateway;
use Debar::Test::Signed;
use FindBin;
use POSIX ();
use Time::HiRes qw(sleep);

our @ISA = ('Bench::Load');

my $HOST = 'files.bench.example';
my $HOLD = 96 * 1024;                    # debar_tail_hold, and a bit


# What is missing, or undef.

sub missing {
    return needs_programs();
}


sub start_origin {
    my ($self) = @_;

    $self->SUPER::start_origin;

    my $conf = test_dir() . '/origin/nginx.conf';
    my $root = test_dir() . '/www';
    my $text = file_text($conf);

    mkdir $root;
    $text =~ s/return 200 [^;]*;/root $root; sendfile on; tcp_nopush on;
        location \/slow\/ { alias $root\/; limit_rate 119000k; }/;
    unlink $conf;
    write_file($conf, $text);
    kill 'HUP', $self->{origin};
    $self->{root} = $root;
    $self->{bin} = test_dir() . '/download';

    my $r = run_command([$ENV{CC} || 'cc', '-O2', '-D_GNU_SOURCE', '-o',
                         $self->{bin}, "$FindBin::Bin/download.c"]);

    die "download.c: $r->{err}\n" if $r->{status} != 0;
}


# A program with no name that is listed, and random bytes behind it up to so
# many MB.

sub write_file_of {
    my ($self, $name, $mb) = @_;
    my $head = program_of(version => { ProductName => 'A tool' });
    my $at = "$self->{root}/$name";

    $head = file_text($head) if $head !~ /^MZ/;
    write_file($at, $head);
    system('sh', '-c', 'head -c "$1" /dev/urandom >>"$2"', 'sh',
           $mb * 1024 * 1024 - length $head, $at) == 0
        or die "$at was not written\n";
    chmod 0644, $at;
}


# The gateway's inspector keeps off the core of its worker, as DNS, origin and
# client do.

sub gateway {
    my ($self) = @_;
    my $server = $self->SUPER::gateway;

    if ($self->{cores} > 1) {
        run_command(['taskset', '-a', '-p', '-c', 1, $_])
            for $self->inspectors;
    }

    return $server;
}


# The inspector's processes: its watchman, who takes connections, and a reader
# for each file.

sub inspectors {
    my ($self) = @_;
    my @pids = $self->{gw}->inspector_pid // die "no inspector\n";

    for (my $i = 0; $i < @pids; $i++) {
        my $text = file_text("/proc/$pids[$i]/task/$pids[$i]/children") // '';

        push @pids, split / /, $text =~ s/\n//r;
    }

    return @pids;
}


# n downloads of a file: medians {mb, us_mb, first_ms, held_ms, rate}.

sub download {
    my ($self, $server, $path, $n, $bytes) = @_;
    my $worker = $server->worker;
    my $before = Bench::Load::cpu_ns($worker);
    my $r = run_command([$self->command($server, $path, $n)], timeout => 600);
    my $ns = Bench::Load::cpu_ns($worker) - $before;
    my @all = map { [split / /] } split /\n/, $r->{out};
    my $sum = 0;

    die "$server->{name}: $r->{err}\n" if @all != $n;

    for my $d (@all) {
        die "$server->{name}: $path: status $d->[0], $d->[1] bytes\n"
            . ($self->{gw} ? $self->{gw}->error_log : '')
            if $d->[0] != 200 || $d->[1] != $bytes;
        $sum += $d->[4];
    }

    return {
        mb => $n * $bytes / $sum,
        us_mb => $ns / 1000 / ($n * $bytes / 1e6),
        rate => $n / ($sum / 1e6),
        map { $_->[0] => Bench::Load::median(map { $_ / 1000 } @{ $_->[1] }) }
        ['first_ms', [map { $_->[2] } @all]],
        ['held_ms', [map { $_->[3] } @all]],
    };
}


sub command {
    my ($self, $server, $path, $n) = @_;

    return ($self->on_rest, $self->{bin}, $server->{port}, $HOST, $path, $n,
            $HOLD);
}


# The same of each server in turn, their order turned round each time: {name =>
# {mb, ..., mb_of, rate_of, us_mb_of: against the first, first_late, held_late:
# ms beyond it}}.

sub in_turn {
    my ($self, $runs, $path, $n, $bytes, @servers) = @_;
    my (%all, %out);
    my $base = $servers[0]{name};

    $self->download($_, $path, 1, $bytes) for @servers;

    for my $i (1 .. $runs) {
        my %m = map { $_->{name} => $self->download($_, $path, $n, $bytes) }
                $i % 2 ? @servers : reverse @servers;

        for my $name (keys %m) {
            my ($m, $b) = ($m{$name}, $m{$base});
            my %more = (
                (map { ("${_}_of" => $m->{$_} / $b->{$_}) } qw(mb rate us_mb)),
                first_late => $m->{first_ms} - $b->{first_ms},
                held_late => $m->{held_ms} - $b->{held_ms});

            push @{ $all{$name}{$_} }, { %$m, %more }->{$_}
                for keys %$m, keys %more;
        }
    }

    for my $name (keys %all) {
        $out{$name}{$_} = Bench::Load::median(@{ $all{$name}{$_} })
            for keys %{ $all{$name} };
    }

    return \%out;
}


# Memory of one download while it flows, KB: {worker, worker_before, reader}: the
# worker's and its reader's largest private memory.

sub memory {
    my ($self, $server, $path) = @_;
    my $worker = $server->worker;
    my %known = map { $_ => 1 } $self->inspectors;
    my %m = (worker_before => 1024 * Bench::Load::private_mb($worker),
             worker => 0, reader => 0);
    my $pid = start_process('download', $self->command($server, $path, 1));

    while (waitpid($pid, POSIX::WNOHANG()) == 0) {
        my ($reader) = grep { !$known{$_} } $self->inspectors;

        for my $who ([worker => $worker], [reader => $reader]) {
            my $kb = defined $who->[1]
                   ? eval { 1024 * Bench::Load::private_mb($who->[1]) } : undef;

            $m{ $who->[0] } = $kb if ($kb // 0) > $m{ $who->[0] };
        }

        sleep 0.02;
    }

    return \%m;
}


# squid as a plain proxy: with c-icap and ClamAV behind it where they are
# installed.  undef where there is no squid.

sub squid {
    my ($self, $port) = @_;
    my ($bin) = grep { -x } '/usr/sbin/squid';
    my $dir = test_dir() . '/squid';

    return if !$bin;

    mkdir $dir;
    write_file("$dir/squid.conf", <<"END2");
http_port 127.0.0.1:$port
http_access allow all
cache deny all
cache_mem 0 MB
access_log none
cache_log $dir/cache.log
pid_filename $dir/squid.pid
coredump_dir $dir
dns_nameservers 127.0.0.1
cache_effective_user www-data
shutdown_lifetime 1 seconds
END2
    system('chown', '-R', 'www-data', $dir);

    my $pid = start_process('squid', ($self->{cores} > 1
                            ? ('taskset', '-c', 0) : ()), $bin, '-N', '-f',
                            "$dir/squid.conf");

    if (!eventually { port_answers('127.0.0.1', $port) } 15) {
        print 'squid does not start: '
              . (file_text(test_dir() . '/squid.out') // '') . "\n";
        stop_process($pid);
        return;
    }

    return Bench::Alone->new('squid', $port, $pid, sub { stop_process($pid) });
}


package Bench::Alone;

our @ISA = ('Bench::Server');

sub worker { return $_[0]->{pid} }


1;
