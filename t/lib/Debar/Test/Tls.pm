package Debar::Test::Tls;

# An origin of HTTPS: stock nginx with a certificate of the test's own authority
# before a Debar::Test::Origin, which keeps the requests.  Files of its folder
# "www" are served as they are.

use strict;
use warnings;

use Debar::Test;


# new(listen => ["127.0.0.1:443", ...], names => [...], to => "127.0.0.1:8000",
# files => 1: files only, 404 for what there is not)

sub new {
    my ($class, %o) = @_;
    my $dir = test_dir() . '/tls';
    my $self = bless { dir => $dir, ca => "$dir/ca.pem" }, $class;

    mkdir $dir;
    mkdir "$dir/$_" for qw(www tmp);

    $self->certificates(@{ $o{names} || ['*.neutral.example'] });

    my @listen = @{ $o{listen} || ['127.0.0.1:443'] };
    my $listen = join "\n", map { "        listen $_ ssl http2;" } @listen;
    my $else = $o{files} ? '=404' : '@origin';
    my $user = $> == 0 ? 'user www-data;' : '';
    my $to = $o{to} // '127.0.0.1:8000';

    write_file("$dir/nginx.conf", <<"END");
$user
worker_processes 1;
worker_rlimit_nofile 8192;
pid $dir/nginx.pid;
error_log $dir/error.log notice;
events { worker_connections 4096; }
http {
    access_log off;
    client_body_temp_path $dir/tmp/body;
    proxy_temp_path $dir/tmp/proxy;
    fastcgi_temp_path $dir/tmp/fastcgi;
    uwsgi_temp_path $dir/tmp/uwsgi;
    scgi_temp_path $dir/tmp/scgi;
    client_max_body_size 0;
    server {
$listen
        ssl_certificate $dir/leaf.pem;
        ssl_certificate_key $dir/leaf.key;
        ssl_protocols TLSv1.2 TLSv1.3;
        root $dir/www;
        location / {
            try_files \$uri $else;
        }
        location \@origin {
            proxy_pass http://$to;
            proxy_http_version 1.1;
            proxy_set_header Host \$host;
            proxy_set_header X-Sni \$ssl_server_name;
            proxy_set_header Connection "";
        }
    }
}
END

    $self->{pid} = start_process('tls-origin', nginx_path(), '-p', $dir, '-c',
                                 "$dir/nginx.conf", '-g', 'daemon off;');

    my ($addr, $port) = $listen[0] =~ /^(.*):(\d+)$/;

    eventually { port_answers($addr, $port) } 10
        or die "the TLS origin does not start: "
               . (file_text("$dir/error.log") // '')
               . (file_text(test_dir() . '/tls-origin.out') // '') . "\n";

    return $self;
}


sub ca { return $_[0]{ca} }


# A file under the origin's root.

sub put {
    my ($self, $name, $text) = @_;

    return write_file("$self->{dir}/www/$name", $text);
}


sub certificates {
    my ($self, @names) = @_;
    my $dir = $self->{dir};
    my @new = (qw(openssl req -x509 -nodes -days 30 -newkey ec -pkeyopt),
               'ec_paramgen_curve:P-256');
    my $san = join ',', map { /^[\d.]+$|:/ ? "IP:$_" : "DNS:$_" } @names;

    for my $cmd (
        [@new, '-subj', '/CN=Authority of the test', '-keyout', "$dir/ca.key",
         '-out', "$dir/ca.pem", '-addext',
         'keyUsage=critical,keyCertSign,cRLSign'],
        [@new, '-subj', '/O=Origin of the test', '-keyout', "$dir/leaf.key",
         '-out', "$dir/leaf.pem", '-CA', "$dir/ca.pem", '-CAkey',
         "$dir/ca.key", '-addext', "subjectAltName=$san", '-addext',
         'basicConstraints=critical,CA:FALSE', '-addext',
         'extendedKeyUsage=serverAuth'])
    {
        my $r = run_command($cmd);

        die "@$cmd: $r->{err}\n" if $r->{status} != 0;
    }
}


1;
