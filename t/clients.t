#!/usr/bin/perl

# The clients of an agency, as Debian packages them, through the gateway to
# HTTPS origins whose certificates they check against the test's authority.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Debar::Test::Alone;
use Test::More;

use Debar::Test;
use Debar::Test::Dns;
use Debar::Test::Gateway;
use Debar::Test::Origin;
use Debar::Test::Tls;

my $dns = Debar::Test::Dns->new(
    names => { 'dead.neutral.example' => ['127.0.0.5'] });
my $origin = Debar::Test::Origin->new(
    listen => ['127.0.0.1:80', '127.0.0.1:8000']);
my $tls = Debar::Test::Tls->new(
    listen => ['127.0.0.1:443'],
    names => ['*.neutral.example', '*.listed.example']);
my $list = write_list(test_dir() . '/list');

# crypt(3) of "secret".

my $users = write_file(test_dir() . '/users',
                       'ann:' . crypt('secret', '$6$saltsalt$') . "\n");
my $gw = Debar::Test::Gateway->new(list => $list);
my $auth = Debar::Test::Gateway->new(name => 'auth', port => 3129,
    list => $list, front => { debar_htpasswd => $users });

my $ca = $tls->ca;
my $proxy = 'http://127.0.0.1:3128';
my $big = Debar::Test::Origin::bytes(3_000_000);
my $dir = test_dir() . '/clients';

mkdir $dir;
$tls->put('big.bin', $big);

# No setting of who runs the test: neither proxies nor configuration files.

delete $ENV{$_} for grep { /proxy/i || /^(?:GIT|SSL|CURL|PYTHON|REQUESTS)/ } keys %ENV;
$ENV{HOME} = $dir;
$ENV{LC_ALL} = 'C';

sub first_of {
    my ($path) = grep { -x } map { "$_/$_[0]" } qw(/usr/bin /bin);

    return $path;
}

sub fetched { return file_text("$dir/$_[0]") // 'none' }


SKIP: {
    my $curl = first_of('curl') or skip 'curl is not installed', 1;
    my @curl = ($curl, '-sS', '-m', 20, '--cacert', $ca, '-x', $proxy);
    my $r = run_command([@curl, '-o', "$dir/a", '-w',
                         '%{http_code} %{http_version}',
                         'https://www.neutral.example/big.bin']);

    is($r->{out}, '200 2', 'curl fetches by HTTP/2 through the tunnel');
    ok(fetched('a') eq $big, 'every byte');

    $r = run_command([@curl, '--http1.1', '-o', "$dir/b", '-w',
                      '%{http_code} %{http_version}',
                      'https://www.neutral.example/big.bin']);
    is($r->{out}, '200 1.1', 'and by HTTP/1.1');
    ok(fetched('b') eq $big, 'every byte');

    $r = run_command([@curl, '--data-binary', "\@$dir/a", '-o', "$dir/c",
                      'https://www.neutral.example/echo']);
    is($r->{status}, 0, 'curl posts 3 MB');
    ok(fetched('c') eq $big, 'and gets them back');

    $r = run_command([@curl, '--tls-max', '1.2', '-o', '/dev/null', '-w',
                      '%{http_code}', 'https://www.neutral.example/']);
    is($r->{out}, '200', 'over TLS 1.2');

    $r = run_command([@curl, '-o', '/dev/null', '-o', '/dev/null', '-w',
                      '%{http_code} %{num_connects} ',
                      'https://www.neutral.example/1',
                      'https://www.neutral.example/2']);
    is($r->{out}, '200 1 200 0 ', 'two requests share a tunnel');

    $r = run_command([@curl, '-p', '-o', '/dev/null', '-w', '%{http_code}',
                      '--connect-timeout', 5,
                      'http://www.neutral.example/']);
    isnt($r->{status}, 0, 'curl -p to port 80 is refused');
    like($r->{err}, qr/response 403/, 'as curl says');

    # A refusal that a person can read.

    $gw->audit;
    $r = run_command([@curl, '-v', 'https://www.listed.example/']);
    is($r->{status}, 56, 'a listed host: curl ends with 56');
    like($r->{err}, qr/CONNECT tunnel failed, response 403/,
         'and says that the tunnel failed by 403');

    my ($line) = $gw->audit_soon;

    $r = run_command([@curl, '-v', '-i', '--proxy-header', 'X-Test: 1',
                      'https://www.listed.example/']);
    like($r->{out} . $r->{err}, qr/^(?:< )?HTTP\/1\.1 403 /m,
         'curl -v shows the status line');
    like($r->{out} . $r->{err}, qr/^(?:< )?Content-Length: \d+/mi,
         'and the fields of the answer');
    is($line->{verdict}, 'block', 'the record says block');

    $r = run_command([@curl, '-o', '/dev/null', '-w', '%{http_connect}',
                      'https://dead.neutral.example/']);
    is($r->{out}, '502', 'an origin that is down: 502 for curl');

    $r = run_command([$curl, '-sS', '-m', 20, '-x', $proxy, '-o', '/dev/null',
                      'https://www.neutral.example/']);
    is($r->{status}, 60, 'curl sees the origin\'s own certificate: without '
                         . 'the test\'s authority it does not trust it');

    my @auth = ($curl, '-sS', '-m', 20, '--cacert', $ca, '-x',
                'http://127.0.0.1:3129', '-o', '/dev/null', '-w',
                '%{http_connect} %{http_code}',
                'https://www.neutral.example/');

    is(run_command(\@auth)->{out}, '407 000',
       'a gateway that wants a user says 407 to curl');
    is(run_command([@auth, '-U', 'ann:secret'])->{out}, '200 200',
       'and opens to curl -U');
    is(run_command([@auth, '-U', 'ann:secret', '--proxy-anyauth'])->{out},
       '200 200', 'also when curl asks first (--proxy-anyauth)');
    is(run_command([@auth, '-U', 'ann:wrong'])->{out}, '407 000',
       'but not with another password');
}


SKIP: {
    my $wget = first_of('wget') or skip 'wget is not installed', 1;
    my @wget = ($wget, '-nv', '-t', 1, '-T', 20, '--no-hsts',
                "--ca-certificate=$ca", '-e', "https_proxy=$proxy", '-e',
                "http_proxy=$proxy");

    is(run_command([@wget, '-O', "$dir/d",
                    'https://www.neutral.example/big.bin'])->{status}, 0,
       'wget fetches through the tunnel');
    ok(fetched('d') eq $big, 'every byte');
    is(run_command([@wget, '-O', "$dir/e",
                    'http://www.neutral.example/bytes/1000'])->{status}, 0,
       'and plain HTTP on the same port');
    is(length fetched('e'), 1000, 'every byte');

    my $r = run_command([@wget, '-O', '/dev/null',
                         'https://www.listed.example/']);

    isnt($r->{status}, 0, 'a listed host is refused');
    like($r->{err}, qr/tunneling failed: Forbidden/i,
         'and wget says that the tunnel is forbidden');
}


SKIP: {
    my $git = first_of('git') or skip 'git is not installed', 1;
    my @who = qw(-c user.name=t -c user.email=t@neutral.example);
    my $script = join ' && ', "cd '$dir'", "'$git' init -q work", 'cd work',
        'seq 1 20000 > numbers', "'$git' add numbers",
        "'$git' @who commit -q -m numbers", 'cd ..',
        "'$git' clone -q --bare work served.git", 'cd served.git',
        "'$git' update-server-info",
        "cp -R . '$tls->{dir}/www/served.git'",
        "chmod -R a+rX '$tls->{dir}/www'";
    my $r = run_command(['sh', '-c', $script]);

    is($r->{status}, 0, 'a repository is served') or diag $r->{err};

    my @clone = ($git, '-c', "http.proxy=$proxy", '-c', "http.sslCAInfo=$ca",
                 'clone', '-q');

    $r = run_command([@clone, 'https://git.neutral.example/served.git',
                      "$dir/clone"]);
    is($r->{status}, 0, 'git clones over https through the tunnel')
        or diag $r->{err};
    is(fetched('clone/numbers'), fetched('work/numbers'), 'every byte');

    $r = run_command([@clone, 'https://git.listed.example/served.git',
                      "$dir/refused"]);
    isnt($r->{status}, 0, 'from a listed host it does not');
    like($r->{err}, qr/403/, 'and git says 403');
}


SKIP: {
    my $python = first_of('python3') or skip 'python3 is not installed', 1;
    my $script = write_file("$dir/get.py", <<'END');
import ssl, sys, urllib.error, urllib.request
proxy, ca, url = sys.argv[1:4]
opener = urllib.request.build_opener(
    urllib.request.ProxyHandler({"http": proxy, "https": proxy}),
    urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=ca)))
try:
    sys.stdout.buffer.write(opener.open(url, timeout=20).read())
except urllib.error.URLError as e:
    sys.exit(str(e))
END
    my $r = run_command([$python, $script, $proxy, $ca,
                         'https://www.neutral.example/big.bin']);

    is($r->{status}, 0, 'Python\'s urllib fetches through the tunnel')
        or diag $r->{err};
    ok($r->{out} eq $big, 'every byte');

    $r = run_command([$python, $script, $proxy, $ca,
                      'https://www.listed.example/']);
    isnt($r->{status}, 0, 'a listed host is refused');
    like($r->{err}, qr/403/, 'and Python says 403');
}


SKIP: {
    my $python = first_of('python3');

    skip 'python3-requests is not installed', 1
        if !$python
           || run_command([$python, '-c', 'import requests'])->{status} != 0;

    my $script = write_file("$dir/session.py", <<'END');
import sys, requests
proxy, ca, url = sys.argv[1:4]
s = requests.Session()
s.proxies = {"http": proxy, "https": proxy}
s.verify = ca
try:
    a = s.get(url, timeout=20)
    b = s.post(url.rsplit("/", 1)[0] + "/echo", data=a.content, timeout=20)
    sys.stdout.buffer.write(b.content)
except requests.exceptions.RequestException as e:
    sys.exit(str(e))
END
    my $r = run_command([$python, $script, $proxy, $ca,
                         'https://www.neutral.example/big.bin']);

    is($r->{status}, 0, 'Python requests fetch and post through the tunnel')
        or diag $r->{err};
    ok($r->{out} eq $big, 'every byte');

    $r = run_command([$python, $script, $proxy, $ca,
                      'https://www.listed.example/x']);
    isnt($r->{status}, 0, 'a listed host is refused');
    like($r->{err}, qr/403/, 'and requests say 403');
}


is($gw->complaints, '', 'no worker has crashed');

done_testing;
