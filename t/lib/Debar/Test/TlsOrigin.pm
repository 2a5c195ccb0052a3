package Debar::Test::TlsOrigin;

# Origins of HTTPS.  By default stock nginx, which has HTTP/2, tickets, staples
# and client certificates, before a Debar::Test::Origin that answers by the path
# and keeps whole requests; each request that a server ended is a record here.
# raw() and odd() are for what nginx does not do.

use strict;
use warnings;

use Debar::Test;
use Debar::Test::Origin;
use JSON::PP;


# new(servers => [{at, names, cert, ...}...]).  Of a server:
#
#   at      ["127.0.0.2:443", ...], default 127.0.0.1:443
#   names   server names by which nginx chooses between those of one address
#   cert    from Debar::Test::Pki::leaf
#   http2   0: not (it is on where one server of the address has it)
#   tls     ssl_protocols, default TLSv1.2 TLSv1.3
#   plain   1: no TLS at all
#   client  "on" or "optional": asks for a certificate by client_ca
#   more    directives of the server
#
# %o: name; to => address of what is behind, else one of its own is started.

sub new {
    my ($class, %o) = @_;
    my $name = $o{name} // 'tls-origin';
    my $dir = test_dir() . "/$name";
    my $self = bless { dir => $dir, file => "$dir/requests.jsonl",
                       seen => 0 }, $class;

    mkdir $dir;
    mkdir "$dir/$_" for qw(www tmp);
    write_file($self->{file}, '');

    if (!$o{to}) {
        my $port = $o{port} // 8443;

        $o{to} = "127.0.0.1:$port";
        $self->{behind} = Debar::Test::Origin->new(
            name => "$name-behind", listen => [$o{to}]);
    }

    my $servers = join '', map { server($dir, $o{to}, %$_) }
                  @{ $o{servers} };
    my $user = $> == 0 ? 'user www-data;' : '';

    write_file("$dir/nginx.conf", <<"END");
$user
worker_processes 1;
worker_rlimit_nofile 8192;
pid $dir/nginx.pid;
error_log $dir/error.log info;
events { worker_connections 4096; }
http {
    log_format json escape=json '{"connection":\$connection,'
        '"nth":\$connection_requests,"at":"\$server_addr:\$server_port",'
        '"sni":"\$ssl_server_name","reused":"\$ssl_session_reused",'
        '"tls":"\$ssl_protocol","http":"\$server_protocol",'
        '"method":"\$request_method","uri":"\$request_uri",'
        '"host":"\$http_host","client":"\$ssl_client_verify",'
        '"status":\$status,"received":\$request_length,'
        '"case":"\$http_x_case"}';
    access_log $dir/requests.jsonl json;
    client_body_temp_path $dir/tmp/body;
    proxy_temp_path $dir/tmp/proxy;
    fastcgi_temp_path $dir/tmp/fastcgi;
    uwsgi_temp_path $dir/tmp/uwsgi;
    scgi_temp_path $dir/tmp/scgi;
    client_max_body_size 0;
    ssl_session_cache shared:s:1m;
    map \$http_upgrade \$hop {
        default upgrade;
        ""      "";
    }
$servers}
END

    $self->{pid} = start_process($name, nginx_path(), '-p', $dir, '-c',
                                 "$dir/nginx.conf", '-g', 'daemon off;');

    my ($first) = map { @{ $_->{at} || ['127.0.0.1:443'] } }
                  @{ $o{servers} };

    $self->wait_for($first);

    return $self;
}


sub server {
    my ($dir, $to, %o) = @_;
    my $ssl = $o{plain} ? '' : $o{http2} // 1 ? ' ssl http2' : ' ssl';
    my $listen = join "\n", map { "        listen $_$ssl;" }
                 @{ $o{at} || ['127.0.0.1:443'] };
    my $names = join ' ', @{ $o{names} || ['_'] };
    my $tls = $o{tls} // 'TLSv1.2 TLSv1.3';
    my $more = $o{more} // '';

    $more .= " ssl_certificate $o{cert}{cert};"
             . " ssl_certificate_key $o{cert}{key};" if $o{cert};
    $more .= " ssl_stapling on; ssl_stapling_file $o{cert}{staple};"
        if $o{cert}{staple};
    $more .= " ssl_verify_client $o{client};"
             . " ssl_client_certificate $o{client_ca};" if $o{client};

    return <<"END";
    server {
$listen
        server_name $names;
        ssl_protocols $tls;
        $more
        root $dir/www;
        location / {
            try_files \$uri \@behind;
        }
        location \@behind {
            proxy_pass http://$to;
            proxy_http_version 1.1;
            proxy_set_header Host \$http_host;
            proxy_set_header Upgrade \$http_upgrade;
            proxy_set_header Connection \$hop;
        }
    }
END
}


sub wait_for {
    my ($self, $at) = @_;
    my ($addr, $port) = $at =~ /^\[?(.*?)\]?:(\d+)$/;

    (eventually { IO::Socket::IP->new(PeerHost => $addr, PeerPort => $port,
                                      Timeout => 1) } 10)
        or die "the TLS origin at $at does not start: "
               . (file_text("$self->{dir}/error.log") // '')
               . (join '', map { file_text($_) // '' }
                           glob "$self->{dir}*.out") . "\n";
}


# A file under the root of all servers.

sub put {
    my ($self, $name, $text) = @_;

    return write_file("$self->{dir}/www/$name", $text);
}


# What is behind, with the fields and bodies of requests.

sub behind { return $_[0]{behind} }


# Every request so far, as log_format above says.

sub requests {
    my ($self) = @_;
    my $text = file_text($self->{file});

    $text =~ s/[^\n]*\z//;

    return map { decode_json($_) } split /\n/, $text;
}


# Those since the last call of this.

sub fresh {
    my ($self) = @_;
    my @all = $self->requests;
    my @new = @all[$self->{seen} .. $#all];

    $self->{seen} = @all;

    return @new;
}


# Those of fresh(), when there are so many.

sub fresh_soon {
    my ($self, $count) = @_;

    eventually { $self->requests >= $self->{seen} + ($count // 1) } 3;

    return $self->fresh;
}


sub stop {
    my ($self) = @_;

    $self->{behind}->stop if $self->{behind};

    return stop_process(delete $self->{pid});
}


# An `openssl s_server`, which serves one connection at a time: odd(at, cert,
# "-tls1_1") speaks what nobody should any more, odd(at, cert, "-Verify", 2,
# "-CAfile", ca) ends the handshake of who has no certificate (nginx goes on and
# answers 400).

sub odd {
    my ($class, $at, $cert, @how) = @_;
    my $name = 'odd-' . $at =~ s/\W+/-/gr;
    my $self = bless { dir => test_dir() . "/$name" }, $class;

    $self->{pid} = start_process($name, qw(openssl s_server -www -quiet),
                                 '-accept', $at, '-cert', $cert->{one},
                                 '-cert_chain', $cert->{cert}, '-key',
                                 $cert->{key}, '-cipher', 'ALL:@SECLEVEL=0',
                                 @how);
    $self->wait_for($at);

    return $self;
}


# An origin that writes down every byte when it comes, not when a request is
# whole: raw(at, cert) -> a Debar::Test::TlsOrigin::Raw, whose events are
# {connection, event, sni, bytes}, event "open", "up", "bytes" or "end".

sub raw {
    my ($class, $at, $cert) = @_;
    my $name = 'raw-' . $at =~ s/\W+/-/gr;
    my $self = bless { file => test_dir() . "/$name.jsonl", seen => 0 },
               'Debar::Test::TlsOrigin::Raw';
    my $listener = Debar::Test::Origin::listener($at);

    write_file($self->{file}, '');
    $listener->blocking(1);
    $self->{pid} = start_process($name, sub {
        Debar::Test::TlsOrigin::Raw::serve($self->{file}, $listener, $cert);
    });

    return $self;
}


package Debar::Test::TlsOrigin::Raw;

use strict;
use warnings;

use Debar::Test;
use Debar::Test::Raw;
use JSON::PP;
use Net::SSLeay;

our @ISA = ('Debar::Test::Raw');


sub serve {
    my ($file, $listener, $cert) = @_;
    my $n = 0;

    Net::SSLeay::initialize();
    $SIG{CHLD} = 'IGNORE';
    $SIG{PIPE} = 'IGNORE';

    while (1) {
        my $s = $listener->accept or next;

        $n++;
        next if fork;

        one($file, $s, $cert, $n);
        POSIX::_exit(0);
    }
}


sub one {
    my ($file, $s, $cert, $n) = @_;
    my $ctx = Net::SSLeay::CTX_new();
    my $ssl;

    open my $log, '>>:raw', $file or return;

    my $say = sub {
        my ($event, %more) = @_;

        syswrite $log, encode_json({ connection => $n, event => $event, %more })
                       . "\n";
    };

    $s->blocking(1);
    $say->('open');
    Net::SSLeay::CTX_use_certificate_chain_file($ctx, $cert->{cert});
    Net::SSLeay::CTX_use_PrivateKey_file($ctx, $cert->{key}, 1);
    $ssl = Net::SSLeay::new($ctx);
    Net::SSLeay::set_fd($ssl, fileno $s);

    if (Net::SSLeay::accept($ssl) != 1) {
        $say->('end', why => 'handshake');
        return;
    }

    $say->('up', sni => Net::SSLeay::get_servername($ssl) // '');

    my $head = '';

    while (1) {
        my $bytes = Net::SSLeay::read($ssl, 16384);

        last if !defined $bytes || $bytes eq '';

        $say->('bytes', bytes => unpack 'H*', $bytes);
        $head .= $bytes;

        while ($head =~ s/^.*?\r\n\r\n//s) {
            Net::SSLeay::write($ssl, "HTTP/1.1 200 OK\r\n"
                                     . "Content-Length: 4\r\n\r\nraw\n");
        }
    }

    $say->('end');
}


1;
