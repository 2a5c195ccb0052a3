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


# Nobody has a core of his own here: who reads a file shares them with whom it
# comes from and goes to, and where each runs is what decides how fast it is.

sub start_origin {
    my ($self) = @_;

    $self->{cores} = 1;
    $self->SUPER::start_origin;

    my $conf = test_dir() . '/origin/nginx.conf';
    my $root = test_dir() . '/www';
    my $text = file_text($conf);

    mkdir $root;
    $text =~ s/return 200 [^;]*;/root $root; sendfile on; tcp_nopush on;
        location \/1g\/ { alias $root\/; limit_rate 119000k; }
        location \/2g5\/ { alias $root\/; limit_rate 297500k; }
        location \/slow\/ { alias $root\/; limit_rate 30000k; }/;
    unlink $conf;
    write_file($conf, $text);
    kill 'HUP', $self->{origin};
    $self->{root} = $root;
    $self->{bin} = test_dir() . '/download';

    my $r = run_command([$ENV{CC} || 'cc', '-O2', '-D_GNU_SOURCE', '-o',
                         $self->{bin}, "$FindBin::Bin/download.c", '-lcrypto']);

    die "download.c: $r->{err}\n" if $r->{status} != 0;
}


# A program with no name that is listed, and random bytes behind it up to so
# many MB; or with what else it is to say.

sub write_file_of {
    my ($self, $name, $mb, $more) = @_;
    my $head = program_of(version => { ProductName => 'A tool' });
    my $at = "$self->{root}/$name";

    $head = file_text($head) if $head !~ /^MZ/;
    $head .= $more // '';
    write_file($at, $head);
    system('sh', '-c', 'head -c "$1" /dev/urandom >>"$2"', 'sh',
           $mb * 1024 * 1024 - length $head, $at) == 0
        or die "$at was not written\n";
    chmod 0644, $at;
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


sub size {
    my ($self, $name) = @_;

    return -s "$self->{root}/$name";
}


# n downloads of a file: medians {mb, us_mb, all_us_mb, first_ms, held_ms, rate}.

sub download {
    my ($self, $server, $path, $n, $bytes) = @_;
    my $worker = $server->worker;
    my $all_before = $self->cpu_of_all($server);
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

    # the file's reader is counted when it is gone

    eventually { $self->inspectors <= 2 } 5 if $self->{gw};

    return {
        mb => $n * $bytes / $sum,
        us_mb => $ns / 1000 / ($n * $bytes / 1e6),
        all_us_mb => ($self->cpu_of_all($server) - $all_before) * 1e6
                     / ($n * $bytes / 1e6),
        rate => $n / ($sum / 1e6),
        map { $_->[0] => Bench::Load::median(map { $_ / 1000 } @{ $_->[1] }) }
        ['first_ms', [map { $_->[2] } @all]],
        ['held_ms', [map { $_->[3] } @all]],
    };
}


# Seconds of a core that origin, server, whoever reads for it and client took.

sub cpu_of_all {
    my ($self, $server) = @_;
    my @client = (times)[2, 3];
    my @roots = ($self->{origin}, $server->{pid}, @{ $server->{with} // [] },
                 $server->{name} eq 'gateway' ? $self->{gw}->inspector_pid
                                              : ());
    my $ticks = 0;

    while (defined(my $pid = shift @roots)) {
        my ($stat) = (file_text("/proc/$pid/stat") // '') =~ /\) (.*)/ or next;
        my $children = file_text("/proc/$pid/task/$pid/children") // '';

        $ticks += $_ for (split / /, $stat)[11 .. 14];
        push @roots, split ' ', $children;
    }

    return $client[0] + $client[1]
           + $ticks / POSIX::sysconf(POSIX::_SC_CLK_TCK());
}


sub command {
    my ($self, $server, $path, $n) = @_;

    return ($self->{bin}, $server->{port}, $HOST, $path, $n, $HOLD,
            $server->{sha256} ? 'sha256' : ());
}


# The same server for a client that digests what it gets.

sub digested {
    my ($self, $server) = @_;

    return bless { %$server, name => 'digested', sha256 => 1 }, ref $server;
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
                (map { ("${_}_of" => $m->{$_} / $b->{$_}) } qw(mb rate us_mb all_us_mb)),
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


# Memory of so many downloads at once while they flow, KB: {worker, readers,
# spool}: private pages of the worker beyond those that it had before, those of
# all readers, and what the worker keeps on disk.

sub memory {
    my ($self, $server, $path, $n) = @_;
    my $worker = $server->worker;
    my %known = map { $_ => 1 } $server->{name} eq 'gateway'
                                ? $self->inspectors : ();
    my $before = kb_of($worker);
    my %m = (worker => 0, readers => 0, spool => 0);
    my @pids = map { start_process("download$_",
                                   $self->command($server, $path, 1)) } 1 .. $n;

    while (grep { waitpid($_, POSIX::WNOHANG()) == 0 } @pids) {
        my @readers = $server->{name} eq 'gateway'
                    ? grep { !$known{$_} } $self->inspectors : ();
        my $readers = 0;

        $readers += kb_of($_) for @readers;
        most(\$m{worker}, kb_of($worker) - $before);
        most(\$m{readers}, $readers);
        most(\$m{spool}, spooled_kb($worker));
        sleep 0.05;
    }

    return \%m;
}


sub most {
    my ($most, $n) = @_;

    $$most = $n if $n > $$most;
}


sub kb_of {
    my ($pid) = @_;

    return 1024 * (eval { Bench::Load::private_mb($pid) } // 0);
}


# Files of a worker that have no name: each once, and those of two descriptors.

sub spooled_kb {
    my ($pid) = @_;
    my %size;

    for my $fd (glob "/proc/$pid/fd/*") {
        next if (readlink $fd // '') !~ / \(deleted\)$/;

        my @st = stat $fd or next;

        $size{$st[1]} = $st[12] / 2;
    }

    my $sum = 0;

    $sum += $_ for values %size;

    return $sum;
}


# squid as a plain proxy; undef where there is none.  With what else its
# squid.conf says.

sub squid {
    my ($self, $port, %with) = @_;
    my ($bin) = grep { -x } '/usr/sbin/squid';
    my $name = $with{name} // 'squid';
    my $more = $with{conf} // '';
    my $dir = test_dir() . "/$name";

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
$more
END2
    system('chown', '-R', 'www-data', $dir);

    my $pid = start_process($name, $bin, '-N', '-n', $name, '-f',
                            "$dir/squid.conf");

    if (!eventually { port_answers('127.0.0.1', $port) } 15) {
        print 'squid does not start: '
              . (file_text(test_dir() . "/$name.out") // '') . "\n";
        stop_process($pid);
        return;
    }

    return Bench::Alone->new($name, $port, $pid, sub { stop_process($pid) });
}


package Bench::Alone;

our @ISA = ('Bench::Server');

sub worker { return $_[0]->{pid} }


1;
