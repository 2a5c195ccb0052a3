package Bench::Tls;

# Gateway, origin, stock nginx and squid of the figures of TLS, and tlsload upon
# them.

use strict;
use warnings;

use Bench::Load;
use Debar::Test;
use Debar::Test::Dns;
use Debar::Test::Gateway;
use Debar::Test::Pki;
use FindBin;
use IO::Socket::IP;

our @ISA = ('Bench::Load');

my $HOST = 'www.bench.example';          # inspected, known
my $TUNNEL = 'tunnel.bench.example';     # spliced


sub new {
    my ($class, %o) = @_;
    my $self = bless { connections => 32, %o, cores => Bench::Load::cores() },
               $class;

    $self->{bin} = $self->compile;
    $self->{dns} = Debar::Test::Dns->new(ttl => 3600);
    $self->{pki} = Debar::Test::Pki->new(name => 'bench-pki');
    $self->{leaf} = $self->{pki}->leaf(['*.bench.example']);
    $self->{static} = $self->{pki}->leaf([$HOST]);
    $self->start_tls_origin;

    return $self;
}


sub compile {
    my $bin = test_dir() . '/tlsload';
    my $r = run_command([$ENV{CC} || 'cc', '-O2', '-D_GNU_SOURCE', '-o', $bin,
                         "$FindBin::Bin/tlsload.c", '-lssl', '-lcrypto']);

    die "tlsload.c: $r->{err}\n" if $r->{status} != 0;

    return $bin;
}


sub start_tls_origin {
    my ($self) = @_;
    my $dir = test_dir() . '/origin';
    my $body = 'o' x 1024;
    my $user = $> == 0 ? 'user www-data;' : '';

    write_file("$dir/www/big", 'b' x 32_000_000);
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
    ssl_session_cache shared:s:10m;
    client_body_temp_path $dir/body;
    proxy_temp_path $dir/proxy;
    fastcgi_temp_path $dir/fastcgi;
    uwsgi_temp_path $dir/uwsgi;
    scgi_temp_path $dir/scgi;
    server {
        listen 127.0.0.1:443 ssl backlog=4096;
        ssl_certificate $self->{leaf}{cert};
        ssl_certificate_key $self->{leaf}{key};
        ssl_protocols TLSv1.2 TLSv1.3;
        default_type text/plain;
        root $dir/www;
        location / { return 200 "$body"; }
        location = /big { }
    }
}
END
    $self->{origin} = start_process('tls-origin', $self->on_rest,
                                    nginx_path(), '-p', $dir, '-c',
                                    "$dir/nginx.conf", '-e',
                                    "$dir/error.log");
    (eventually { port_answers('127.0.0.1', 443) } 5)
        or die 'the origin did not start: '
               . (file_text(test_dir() . '/tls-origin.out') // '');
}


# A gateway that inspects, by `debar gateway init`; edit: what becomes of its
# nginx.conf.  The signer runs on the second core and signs as fast as it can.

sub inspecting {
    my ($self, $name, $port, $edit) = @_;
    my $gw = Debar::Test::Gateway->new(
        name => $name, workers => 1, port => $port, start => 0, inspect => 1,
        list => write_list(test_dir() . "/$name-list", serial => 1),
        upstream_ca => $self->{pki}->ca);
    my $dir = $gw->dir;
    my $sock = "$dir/run/sign.sock";

    $gw->insert('worker_processes\s+\d+;', 'worker_cpu_affinity 01;')
        if $self->{cores} > 1;
    write_file("$dir/splice.txt", "$TUNNEL\n");

    if ($edit) {
        my $text = $edit->(file_text($gw->conf_file));

        unlink $gw->conf_file;
        write_file($gw->conf_file, $text);
    }

    my ($uid, $gid) = $> == 0 ? www_ids() : ($>, $) + 0);
    my $signer = start_process("$name-signer", $self->on_rest, debar_path(),
        'sign', '--ca', "$dir/ca/ca.pem", '--key', "$dir/ca/ca.key",
        '--socket', $sock, '--pid', "$dir/run/sign.pid", '--log',
        "$dir/logs/sign.log", '--client-uid', $uid, '--client-gid', $gid,
        '--rate', 100000, '--burst', 100000);

    (eventually { -S $sock } 5)
        or die 'the signer did not start: '
               . (file_text(test_dir() . "/$name-signer.out") // '');

    my $r = $gw->start;

    die "debar gateway start: $r->{err}\n" if $r->{status} != 0;

    my $server = Bench::Server->new($name, $port, $gw->pid, sub {
        $gw->stop;
        stop_process($signer) if running($signer);
    });

    $server->{gw} = $gw;
    $server->{signer} = $signer;

    return $server;
}


# The nginx.conf of that gateway less Debar: its server "plain" on a port, its
# server "inspected" on the next one, with a certificate in a file.

sub stock {
    my ($self, $name, $of, $port) = @_;
    my $from = $of->{gw}->dir;
    my $text = file_text($of->{gw}->conf_file);
    my $dir = test_dir() . "/$name";
    my $tls = $port + 1;
    my $ca = $self->{pki}->ca;

    mkdir $dir;
    mkdir "$dir/$_" for qw(run logs tmp audit);

    $text =~ s/_ssl_trusted_certificate [^;]*;/_ssl_trusted_certificate $ca;/g;
    $text =~ s/listen unix:debar:plain[^;]*;/listen 127.0.0.1:$port;/;
    $text =~ s/listen unix:debar:inspected([^;]*);/listen 127.0.0.1:$tls$1;
        ssl_certificate $self->{static}{cert};
        ssl_certificate_key $self->{static}{key};/;
    $text =~ s/debar_pin (keepalive=\d+);/server 127.0.0.1:443; $1;/;
    $text =~ s/keepalive=/keepalive /;
    $text =~ s/\$debar_server_name/$HOST/g;
    $text =~ s/\Q$from\E/$dir/g;
    $text = Bench::Load::without_debar($text);

    return $self->start_stock($name, $dir, $text, $tls);
}


# Stock stream proxy to the origin.

sub stream {
    my ($self, $name, $of, $port) = @_;
    my $dir = test_dir() . "/$name";
    my $text = file_text($of->{gw}->conf_file);
    my ($load) = $text =~ /^(load_module\s+\S*ngx_stream_module\S*)$/m;
    my $affinity = $self->{cores} > 1 ? 'worker_cpu_affinity 01;' : '';
    my $user = $> == 0 ? 'user www-data;' : '';

    mkdir $dir;
    mkdir "$dir/$_" for qw(run logs);

    return $self->start_stock($name, $dir, <<"END", $port);
$user
worker_processes 1;
$affinity
@{[ $load // '' ]}
pid $dir/run/nginx.pid;
error_log $dir/logs/error.log;
events { worker_connections 4096; }
stream {
    server {
        listen 127.0.0.1:$port;
        proxy_pass 127.0.0.1:443;
    }
}
END
}


sub start_stock {
    my ($self, $name, $dir, $text, $port) = @_;

    write_file("$dir/nginx.conf", $text);

    my $pid = start_process($name, nginx_path(), '-p', $dir, '-c',
                            "$dir/nginx.conf", '-g', 'daemon off;');

    (eventually { port_answers('127.0.0.1', $port) } 5)
        or die "stock nginx did not start: "
               . (file_text(test_dir() . "/$name.out") // '')
               . (file_text("$dir/logs/error.log") // '');

    return Bench::Server->new($name, $port, $pid, sub { stop_process($pid) });
}


# Debian's squid-openssl that bumps: peeks at the hello, then looks into TLS,
# with certificates of its own CA.  undef where there is none.

sub squid {
    my ($self, $port) = @_;
    my ($bin) = grep { -x } '/usr/sbin/squid';
    my $dir = test_dir() . '/squid';
    my $helper = '/usr/lib/squid/security_file_certgen';
    my $pki = $self->{pki};

    return if !$bin || !-x $helper;

    mkdir $dir;
    $pki->authority('squid', 'Authority of squid');
    chmod 0644, "$pki->{dir}/squid.key";

    my $listen = join ' ', "http_port 127.0.0.1:$port ssl-bump",
        "tls-cert=$pki->{dir}/squid.pem", "tls-key=$pki->{dir}/squid.key",
        'generate-host-certificates=on dynamic_cert_mem_cache_size=16MB';

    write_file("$dir/squid.conf", <<"END");
$listen
sslcrtd_program $helper -s $dir/db -M 16MB
sslcrtd_children 2
acl step1 at_step SslBump1
ssl_bump peek step1
ssl_bump bump all
tls_outgoing_options cafile=@{[ $pki->ca ]} min-version=1.2
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
END
    run_command([$helper, '-c', '-s', "$dir/db", '-M', '16MB']);
    system('chown', '-R', 'www-data', $dir);

    my $pid = start_process('squid', ($self->{cores} > 1
                            ? ('taskset', '-c', 0) : ()), $bin, '-N', '-f',
                            "$dir/squid.conf");

    if (!eventually { port_answers('127.0.0.1', $port) } 15) {
        print "squid does not start: " . (file_text("$dir/cache.log") // '')
              . (file_text(test_dir() . '/squid.out') // '') . "\n";
        stop_process($pid);
        return;
    }

    my $server = Bench::Server->new('squid', $port, $pid, sub {
        stop_process($pid);
    });

    $server->{alone} = 1;

    return $server;
}


# One run: {done, us (of CPU a unit), signer_us, rate, mb (a second), failed},
# or undef if nothing came of it.  what: options of tlsload, its host, its path.

sub measure {
    my ($self, $server, $what) = @_;
    my $pid = $server->{alone} ? $server->{pid} : $server->worker;
    my @seconds = ('-s', $what->{seconds} // $self->{seconds});
    my @pids = ($pid, $what->{signer} && $server->{signer}
                      ? $server->{signer} : ());
    my @before = map { Bench::Load::cpu_ns($_) } @pids;
    my $r = run_command([$self->on_rest, $self->{bin}, '-c',
                         $what->{connections} // $self->{connections},
                         @seconds, @{ $what->{args} },
                         "127.0.0.1:$server->{port}",
                         ($what->{host} // $HOST) . ':443',
                         $what->{path} // '/'], timeout => 120);
    my ($done, $bytes, $failed, $time) = $r->{out} =~
        /^done (\d+) bytes (\d+) failed (\d+) seconds ([\d.]+)/;

    die "tlsload: $r->{err}$r->{out}\n" if !defined $done;
    return if !$done;

    my @ns = map { Bench::Load::cpu_ns($pids[$_]) - $before[$_] } 0 .. $#pids;

    return { done => $done, failed => $failed, rate => $done / $time,
             us => $ns[0] / 1000 / $done, mb => $bytes / $time / 1e6,
             us_mb => $bytes ? $ns[0] / 1000 / ($bytes / 1e6) : undef,
             signer_us => ($ns[1] // 0) / 1000 / $done };
}


# Runs in turn, their order turned round each time, and the medians of each and
# of its ratio to the first: {name => {us, rate, ..., us_of, rate_of...}}.
# @what: [name, server, what].

sub in_turn {
    my ($self, $runs, @what) = @_;
    my (%all, %out, $failed);
    my $first = $what[0][0];

    for my $w (@what) {
        (eventually {
            $self->measure($w->[1], { %{ $w->[2]->() }, seconds => 0.5 });
        } 20) or die "$w->[0] serves nothing\n";
    }

    for my $i (1 .. $runs) {
        my %m;

        for my $w ($i % 2 ? @what : reverse @what) {
            $m{ $w->[0] } = $self->measure($w->[1], $w->[2]->())
                // die "$w->[0] has served nothing in a run\n";
        }

        for my $name (keys %m) {
            my ($m, $base) = ($m{$name}, $m{$first});

            $m->{all_us} = $m->{us} + $m->{signer_us};

            for my $k (grep { defined $m->{$_} } keys %$m) {
                push @{ $all{$name}{$k} }, $m->{$k};
                push @{ $all{$name}{"${k}_of"} }, $m->{$k} / $base->{us}
                    if $k =~ /^(?:us|all_us)$/;
                push @{ $all{$name}{"${k}_of"} }, $m->{$k} / $base->{$k}
                    if $k =~ /^(?:rate|mb|us_mb)$/ && $base->{$k};
            }
        }
    }

    for my $name (keys %all) {
        $out{$name}{$_} = Bench::Load::median(@{ $all{$name}{$_} })
            for keys %{ $all{$name} };
        $out{$name}{failed_all} = 0;
        $out{$name}{failed_all} += $_ for @{ $all{$name}{failed} };
    }

    return \%out;
}


sub host { return $HOST }
sub tunnel_host { return $TUNNEL }


1;
