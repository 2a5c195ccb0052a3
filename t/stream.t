#!/usr/bin/perl

# The stream module: a TLS connection is judged by the name in its ClientHello
# like a CONNECT to it, before anything is dialled.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Debar::Test::Alone;
use JSON::PP;
use Test::More;

use Debar::Test;
use Debar::Test::Client;

my $dir = test_dir() . '/stream';
my $list = write_list(test_dir() . '/list', vendor => <<'END');
  - {host: watched.example, action: log}
END

mkdir "$dir";
mkdir "$dir/audit";
mkdir "$dir/logs";
build_list($list, "$dir/list.mdb");

my ($stream_so) = grep { -e } glob '/usr/lib/nginx/modules/ngx_stream_module.so';
my $load = join '', map { "load_module $_;\n" } grep { defined }
           $stream_so, build_file('ngx_http_debar_module.so'),
           build_file('ngx_stream_debar_module.so');
my $user = $> == 0 ? 'user www-data;' : '';

sub conf {
    my (%o) = @_;
    my $mode = $o{mode} // 'enforce';
    my $more = $o{more} // '';

    return <<"END";
$load
$user
worker_processes 1;
pid $dir/nginx.pid;
error_log $dir/logs/error.log notice;
events { worker_connections 256; }
stream {
    log_format one '\$debar_verdict \$debar_incident';
    access_log $dir/logs/access.log one;
    preread_timeout 2s;
    server {
        listen 127.0.0.1:8443;
        ssl_preread on;
        debar on;
        debar_list $dir/list.mdb;
        debar_audit $dir/audit/audit.jsonl;
        debar_mode $mode;
        debar_target \$ssl_preread_server_name:443;
        $more
        proxy_pass 127.0.0.1:8444;
    }
    server {
        listen 127.0.0.1:8444;
        return "reached\\n";
    }
}
END
}

# A ClientHello with that name, in one record or in records of so many bytes.

sub hello {
    my ($name, $size) = @_;
    my $sni = !defined $name ? ''
            : pack 'n n/a*', 0, pack 'n/a*', pack 'C n/a*', 0, $name;
    my $body = pack('n', 0x0303) . 'r' x 32 . "\0"
             . pack('n/a*', pack 'n2', 0x1301, 0xc02f) . "\x01\0"
             . pack('n/a*', $sni . pack 'n n/a*', 0x2b, "\x02\x03\x04");
    my $message = "\x01" . substr(pack('N', length $body), 1) . $body;

    $size //= length $message;

    return join '', map { "\x16\x03\x01" . pack 'n/a*', $_ }
           unpack "(a$size)*", $message;
}

my $pid;

sub start_nginx {
    write_file("$dir/nginx.conf", conf(@_));
    $pid = start_process('nginx', nginx_path(), '-p', $dir, '-c',
                         "$dir/nginx.conf", '-g', 'daemon off;');
    my $up = eventually { port_answers('127.0.0.1', 8444) } 5;
    $up or diag file_text("$dir/logs/error.log"),
                file_text(test_dir() . '/nginx.out');
    return $up;
}

my $read = 0;

sub audit {
    my $text = file_text("$dir/audit/audit.jsonl") // '';
    my $new = substr $text, $read;

    $read = length $text;

    return map { decode_json($_) } split /\n/, $new;
}

# What comes back, "" for nothing before the end.

sub said {
    my (@segments) = @_;
    my $c = Debar::Test::Client->new('127.0.0.1', 8443);

    $c->send($_) for @segments;

    my $end = eventually { $c->fill(0.1); $c->{closed} } 5;
    my $in = $c->{in};

    $c->close;

    return $end ? $in : 'silence';
}


my $t = run_command([nginx_path(), '-t', '-p', $dir, '-c',
                     write_file("$dir/nginx.conf", conf())]);

is($t->{status}, 0, 'nginx -t takes both modules') or diag $t->{err};
ok(start_nginx(), 'and a stream server runs with them');

is(said(hello('www.neutral.example')), "reached\n",
   'a neutral name reaches the target');
is(scalar audit(), 0, 'without a record');

is(said(hello('www.listed.example')), '', 'a listed name is closed on');

my ($line) = audit();

is($line->{verdict}, 'block', 'and recorded as block');
is($line->{surface}, 'tls', 'of surface tls');
is($line->{vendor}, 'acme', 'with the vendor');
like($line->{client}, qr/^127\.0\.0\.1:\d+$/, 'the client');
like($line->{incident}, qr/^[0-9a-f]{32}$/, 'and an incident');
is($line->{evidence}[0]{kind}, 'host', 'by its host');

ok(eventually {
    my $log = file_text("$dir/logs/access.log") // '';
    $log =~ /^block \Q$line->{incident}\E$/m;
}, '$debar_verdict and $debar_incident tell the access log');

is(said(hello('LISTED.Example')), '', 'letters of any case are the same name');
is(said(hello('listed.example.')), '', 'and so is one last dot');
is(said(hello('www.listed.example', 16)), '',
   'a hello in records of 16 bytes hides nothing');
is(said(split //, hello('www.listed.example')), '',
   'nor one that comes byte by byte');
is(scalar(grep { $_->{verdict} eq 'block' } audit()), 4, 'each is recorded');

is(said(hello('watched.example')), "reached\n", 'a name to be logged passes');
($line) = audit();
is($line->{verdict}, 'log', 'and is recorded as log');

is(said(hello('xn--listed-.example')), '', 'a malformed name is closed on');
($line) = audit();
is($line->{verdict}, 'reject', 'and recorded as reject');

is(said(hello(undef)), '', 'a hello without a name is closed on');

kill 'QUIT', $pid;
stop_process($pid);
audit();

ok(start_nginx(mode => 'monitor'), 'in monitor mode');
is(said(hello('www.listed.example')), "reached\n", 'a listed name passes');
($line) = audit();
is($line->{verdict}, 'block', 'recorded as it would be');
is($line->{mode}, 'monitor', 'with the mode');
stop_process($pid);

for my $more ('debar_mode sometimes;', 'debar_list /nonexistent.mdb;',
              'debar maybe;')
{
    my ($name) = $more =~ /^(\w+)/;
    my $text = conf();

    $text =~ s/$name [^;]*;/$more/;
    $t = run_command([nginx_path(), '-t', '-p', $dir, '-c',
                      write_file("$dir/nginx.conf", $text)]);
    isnt($t->{status}, 0, "nginx -t finds \"$more\" in stream");
    like($t->{err}, qr/\[emerg\]/, 'and says so');
}

unlike(file_text("$dir/logs/error.log"), qr/exited on signal|\[alert\]/,
       'no worker has crashed');

done_testing;
