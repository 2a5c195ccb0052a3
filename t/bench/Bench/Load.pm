package Bench::Load;

# Origin, DNS, gateway and stock nginx of a measurement, and wrk upon them.

use strict;
use warnings;

use Debar::Test;
use Debar::Test::Client;
use Debar::Test::Dns;
use Debar::Test::Gateway;
use FindBin;
use Time::HiRes qw(time sleep);

my $REST = 1;                            # the core of all but the worker


sub new {
    my ($class, %o) = @_;
    my $self = bless { %o, cores => cores() }, $class;

    $self->{dns} = Debar::Test::Dns->new(ttl => 3600);
    $self->start_origin;

    return $self;
}


sub cores {
    my $n = () = (file_text('/proc/cpuinfo') // '') =~ /^processor\s/mg;

    return $n;
}


sub stop {
    my ($self) = @_;

    $self->{dns}->stop;
    stop_process(delete $self->{origin});
}


sub on_rest {
    my ($self) = @_;

    return $self->{cores} > 1 ? ('taskset', '-c', $REST) : ();
}


sub start_origin {
    my ($self) = @_;
    my $dir = test_dir() . '/origin';
    my $body = 'o' x 1024;
    my $user = $> == 0 ? 'user www-data;' : '';

    write_file("$dir/nginx.conf", <<"END");
$user
worker_processes 1;
daemon off;
pid $dir/nginx.pid;
error_log $dir/error.log;
worker_rlimit_nofile 20000;
events { worker_connections 8192; }
http {
    access_log off;
    keepalive_requests 100000000;
    client_body_temp_path $dir/body;
    proxy_temp_path $dir/proxy;
    fastcgi_temp_path $dir/fastcgi;
    uwsgi_temp_path $dir/uwsgi;
    scgi_temp_path $dir/scgi;
    server {
        listen 127.0.0.1:80 backlog=4096;
        default_type text/plain;
        return 200 "$body";
    }
}
END
    $self->{origin} = start_process('origin', $self->on_rest,
                                    nginx_path(), '-p', $dir, '-c',
                                    "$dir/nginx.conf", '-e', "$dir/error.log");
    (eventually { port_answers('127.0.0.1', 80) } 5)
        or die 'the origin did not start: '
               . (file_text(test_dir() . '/origin.out') // '');
}


# A gateway by `debar gateway init`, its one worker alone on the first core.

sub gateway {
    my ($self) = @_;
    my $gw = Debar::Test::Gateway->new(
        name => ($self->{name} // 'bench') . '-gateway', workers => 1,
        list => write_list(test_dir() . '/small', serial => 1), start => 0);

    $gw->insert('worker_processes\s+\d+;', 'worker_cpu_affinity 01;')
        if $self->{cores} > 1;

    my $r = $gw->start;

    die "debar gateway start: $r->{err}\n" if $r->{status} != 0;

    $self->{gw} = $gw;

    return Bench::Server->new('gateway', 3128, $gw->pid, sub { $gw->stop });
}


# The same nginx.conf less Debar, its upstream the origin with keepalive; with
# what else it loads, and says in http.

sub stock {
    my ($self, $name, $port, %with) = @_;
    my $text = file_text($self->{gw}->conf_file);
    my $dir = test_dir() . "/$name";
    my $from = $self->{gw}->dir;

    mkdir $dir;
    mkdir "$dir/$_" for qw(run logs tmp audit);

    $text =~ s/\Q$from\E/$dir/g;
    $text =~ s/debar_pin keepalive=(\d+);/server 127.0.0.1:80;\n        keepalive $1;/;
    $text =~ s/listen unix:debar:plain[^;]*;/listen 127.0.0.1:$port;/;
    $text = without_debar($text);
    $text = "load_module $with{module};\n$text" if $with{module};
    $text =~ s/^(http \{\n)/$1$with{http}\n/m if $with{http};
    write_file("$dir/nginx.conf", $text);

    my $pid = start_process($name, nginx_path(), '-p', $dir, '-c',
                            "$dir/nginx.conf", '-g', 'daemon off;');

    (eventually { port_answers('127.0.0.1', $port) } 5)
        or die "stock nginx did not start: "
               . (file_text(test_dir() . "/$name.out") // '')
               . (file_text("$dir/logs/error.log") // '');

    return Bench::Server->new($name, $port, $pid, sub { stop_process($pid) });
}


# What stock nginx understands of a gateway's nginx.conf.

sub without_debar {
    my ($text) = @_;

    $text =~ s/^\s*server \{(?:(?!\n    \}).)*debar_report.*?\n    \}//ms;
    $text =~ s/^\s*load_module .*?;//mg;
    $text =~ s/^stream \{.*?^\}//ms;
    $text =~ s/\$debar_authority/\$http_host/g;
    $text =~ s/\$debar_((?:if_)?range)/\$http_$1/g;
    $text =~ s/^[ \t]*debar(?:_\w+)?(?:\s[^;]*)?;//mg;

    return $text;
}


# Puts a list in place by rename; returns when it is in effect.

sub put_list {
    my ($self, $list) = @_;
    my $ms = $self->effect($list, 'listed.bench.example');

    die 'the list of ' . $list->{n} . " hosts took no effect\n"
        . $self->{gw}->error_log
        if !defined $ms;
}


# Milliseconds from the return of rename(2) to the first answer that refuses
# the host; undef after 5 s.

sub effect {
    my ($self, $list, $host) = @_;
    my $new = $self->{gw}->dir . '/tmp/new.mdb';
    my $c = $self->{gw}->client;
    my $bytes = "GET http://$host/ HTTP/1.1\r\nHost: $host\r\n\r\n";

    unlink $new;
    link $list->{mdb}, $new
        or system('cp', '-p', $list->{mdb}, $new) == 0
        or die "cannot put $list->{mdb} aside\n";

    $c->send($bytes);
    $c->response;

    rename $new, $self->{gw}->list or die $self->{gw}->list . ": $!\n";

    return $self->until_refused($host, $c);
}


# Milliseconds from now to the first answer that refuses the host, asked for
# again and again; undef after 5 s.

sub until_refused {
    my ($self, $host, $c) = @_;
    my $t = time;

    $c //= $self->{gw}->client;

    while (time - $t < 5) {
        $c->send("GET http://$host/ HTTP/1.1\r\nHost: $host\r\n\r\n");

        my $r = $c->response('GET', timeout => 5);

        if (($r->{status} // 0) == 403) {
            my $ms = (time - $t) * 1000;
            $c->close;
            return $ms;
        }

        if (!$r->{status}
            || (Debar::Test::Client::field($r, 'Connection') // '') eq 'close')
        {
            $c->close;
            $c = $self->{gw}->client;
        }
    }

    return;
}


sub wrk_command {
    my ($self, $server, $seconds) = @_;

    return ($self->on_rest, 'wrk', '-t1', "-c$self->{connections}",
            '-d', sprintf('%ds', $seconds < 1 ? 1 : $seconds),
            '--timeout', '10s', '-s', "$FindBin::Bin/load.lua",
            "http://127.0.0.1:$server->{port}/", '--', $self->{hosts},
            $self->{urls});
}


sub parse_wrk {
    my ($text) = @_;
    my ($requests) = $text =~ /(\d+) requests in/;
    my ($rate) = $text =~ m{Requests/sec:\s*([\d.]+)};
    my ($bad) = $text =~ /Non-2xx or 3xx responses: (\d+)/;
    my $failed = $bad // 0;

    $failed += $_ for $text =~ /Socket errors:.*/
                      ? ($text =~ /Socket errors: (.*)/)[0] =~ /\d+/g : ();
    die "wrk said: $text\n" if !defined $requests || !$rate;

    return { requests => $requests, rate => $rate, failed => $failed };
}


sub run {
    my ($self, $server) = @_;
    my $worker = $server->worker;
    my $before = cpu_ns($worker);
    my $r = run_command([$self->wrk_command($server, $self->{seconds})],
                        timeout => $self->{seconds} + 30);
    my $m = parse_wrk($r->{out} . $r->{err});

    $m->{us} = (cpu_ns($worker) - $before) / 1000 / ($m->{requests} || 1);

    return $m;
}


sub warm {
    my ($self, @servers) = @_;

    local $self->{seconds} = 1;
    $self->run($_) for @servers;
}


# Runs of stock, a gateway (or a peer of it) and stock, their order turned round
# each time.

sub pairs {
    my ($self, $runs, $stock, $gw, $again) = @_;
    my (%r, $failed);

    $self->warm($gw);

    for my $i (1 .. $runs) {
        my @turn = ($stock, $gw, $again);
        my %m;

        @turn = reverse @turn if $i % 2;
        $m{ $_->{name} } = $self->run($_) for @turn;
        die "$stock->{name} has answered nothing in $self->{seconds} s\n"
            if !$m{ $stock->{name} }{requests};

        push @{ $r{cpu} }, $m{$gw->{name}}{us} / $m{stock}{us};
        push @{ $r{cpu_noise} }, $m{again}{us} / $m{stock}{us};
        push @{ $r{rate} }, $m{$gw->{name}}{rate} / $m{stock}{rate};
        push @{ $r{rate_noise} }, $m{again}{rate} / $m{stock}{rate};
        push @{ $r{us} }, $m{$gw->{name}}{us};
        push @{ $r{stock_us} }, $m{stock}{us};
        push @{ $r{per_second} }, $m{$gw->{name}}{rate};
        $failed += $m{$gw->{name}}{failed};
    }

    my %median = map { $_ => median(@{ $r{$_} }) } keys %r;

    return { %median, failed => $failed };
}


sub median {
    my @v = sort { $a <=> $b } @_;

    return @v % 2 ? $v[@v / 2] : ($v[@v / 2 - 1] + $v[@v / 2]) / 2;
}


sub start_load {
    my ($self, $server) = @_;

    return start_process('wrk', $self->wrk_command($server, $self->{seconds}));
}


sub end_load {
    my ($self, $pid) = @_;

    kill 'INT', $pid;
    (eventually { waitpid($pid, POSIX::WNOHANG()) == $pid } 15)
        or die "wrk does not end\n";

    return parse_wrk(file_text(test_dir() . '/wrk.out'));
}


# Time on a core, of the scheduler's own account.

sub cpu_ns {
    my ($pid) = @_;
    my ($ns) = split / /, file_text("/proc/$pid/schedstat")
               // die "no worker $pid any more\n";

    return $ns;
}


sub private_mb {
    my ($pid) = @_;
    my $text = file_text("/proc/$pid/smaps_rollup") // die "no $pid any more\n";
    my $kb = 0;

    $kb += $_ for $text =~ /^Private_(?:Clean|Dirty):\s+(\d+) kB/mg;

    return $kb / 1024;
}


package Bench::Server;

use strict;
use warnings;


sub new {
    my ($class, $name, $port, $pid, $stop) = @_;

    return bless { name => $name, port => $port, pid => $pid, stop => $stop },
                 $class;
}


sub stop { $_[0]->{stop}->() }


sub worker {
    my ($self) = @_;
    my $text = Debar::Test::file_text(
                   "/proc/$self->{pid}/task/$self->{pid}/children") // '';
    my @w = grep {
        (Debar::Test::file_text("/proc/$_/cmdline") // '') =~ /worker process/
    } split / /, $text;

    die "$self->{name} has " . @w . " workers, not one\n" if @w != 1;

    return $w[0];
}


1;
