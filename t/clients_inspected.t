#!/usr/bin/perl

# The clients of clients.t through a gateway that looks into TLS: they trust its
# authority, it checks the origin's; a refused address has its page inside TLS.

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
my $gw = Debar::Test::Gateway->new(
    list => write_list(test_dir() . '/list', vendor => <<'END_LIST'),
names:
  - {text: Acmeware, match: anywhere}
END_LIST
    inspect => 1, upstream_ca => $tls->ca);

my $ca = $gw->dir . '/ca/ca.pem';
my $proxy = 'http://127.0.0.1:3128';
my $big = Debar::Test::Origin::bytes(3_000_000);
my $good = 'https://www.neutral.example/big.bin';
my $bad = 'https://www.neutral.example/get/acmeware-2.0.bin';
my $page = qr/Acme Limited/;
my $dir = test_dir() . '/clients';

mkdir $dir;
mkdir "$tls->{dir}/www/get";
$tls->put('big.bin', $big);
$tls->put('get/acmeware-2.0.bin', 'SECRET OF THE ORIGIN');

delete $ENV{$_}
    for grep { /proxy/i || /^(?:GIT|SSL|CURL|PYTHON|REQUESTS)/ } keys %ENV;
$ENV{HOME} = $dir;
$ENV{LC_ALL} = 'C';

sub first_of {
    my ($path) = grep { -x } map { "$_/$_[0]" } qw(/usr/bin /bin);

    return $path;
}

sub fetched { return file_text("$dir/$_[0]") // 'none' }


# The last line of the record that says block.

sub blocked {
    my ($line) = reverse grep { $_->{verdict} eq 'block' } $gw->audit_soon;

    return $line || {};
}


SKIP: {
    my $curl = first_of('curl') or skip 'curl is not installed', 1;
    my @curl = ($curl, '-sS', '-m', 20, '--cacert', $ca, '-x', $proxy);
    my $r;

    for my $how (['--http2', 2], ['--http1.1', 1.1]) {
        my ($flag, $version) = @$how;

        $r = run_command([@curl, $flag, '-o', "$dir/a", '-w',
                          '%{http_code} %{http_version}', $good]);
        is($r->{out}, "200 $version", "curl $flag fetches") or diag $r->{err};
        ok(fetched('a') eq $big, 'every byte');

        $r = run_command([@curl, $flag, '--data-binary', "\@$dir/a", '-o',
                          "$dir/c", 'https://www.neutral.example/echo']);
        is($r->{status}, 0, 'and posts 3 MB');
        ok(fetched('c') eq $big, 'and gets them back');

        $gw->audit;
        $r = run_command([@curl, $flag, '-o', "$dir/r", '-w',
                          '%{http_connect} %{http_code}', $bad]);
        is($r->{out}, '200 403', 'an address that names the vendor: 403');
        like(fetched('r'), $page, 'with a page that says why');
        unlike(fetched('r'), qr/SECRET/, 'and nothing of the origin');

        my $line = blocked();

        is($line->{url}, $bad, 'the record has the whole address');
        is($line->{surface}, 'inspected', 'and says that TLS was ended');
    }

    $r = run_command([@curl, '--tls-max', '1.2', '-o', '/dev/null', '-w',
                      '%{http_code}', 'https://www.neutral.example/']);
    is($r->{out}, '200', 'over TLS 1.2');

    $r = run_command([@curl, '-o', '/dev/null', '-o', '/dev/null', '-w',
                      '%{http_code} %{num_connects} ',
                      'https://www.neutral.example/1',
                      'https://www.neutral.example/2']);
    is($r->{out}, '200 1 200 0 ', 'two requests share a connection');

    $r = run_command([$curl, '-sS', '-m', 20, '--cacert', $tls->ca, '-x',
                      $proxy, '-o', '/dev/null', $good]);
    is($r->{status}, 60, 'who does not trust the gateway\'s authority sees it');

    $r = run_command([@curl, '-o', '/dev/null', '-w',
                      '%{http_connect} %{http_code}',
                      'https://www.listed.example/']);
    like($r->{out}, qr/^403 000$/, 'a listed host is refused at the CONNECT');

    $r = run_command([@curl, '-o', "$dir/f", '-w', '%{http_code}',
                      'https://dead.neutral.example/']);
    is($r->{out}, '502', 'an origin that is down: 502 inside TLS');
    ok(length fetched('f'), 'with a page');
}


SKIP: {
    my $wget = first_of('wget') or skip 'wget is not installed', 1;
    my @wget = ($wget, '-nv', '-t', 1, '-T', 20, '--no-hsts',
                "--ca-certificate=$ca", '-e', "https_proxy=$proxy");
    my $r = run_command([@wget, '-O', "$dir/d", $good]);

    is($r->{status}, 0, 'wget fetches') or diag $r->{err};
    ok(fetched('d') eq $big, 'every byte');

    $r = run_command([@wget, '--content-on-error', '-O', "$dir/e", $bad]);
    is($r->{status}, 8, 'a refusal is an error of the server for wget');
    like($r->{err}, qr/403/, 'wget says 403');
    like(fetched('e'), $page, 'and has the page');
}


SKIP: {
    my $git = first_of('git') or skip 'git is not installed', 1;
    my @who = qw(-c user.name=t -c user.email=t@neutral.example);
    my $www = "$tls->{dir}/www";
    my $script = join ' && ', "cd '$dir'", "'$git' init -q work", 'cd work',
        'seq 1 20000 > numbers', "'$git' add numbers",
        "'$git' @who commit -q -m numbers", 'cd ..',
        "'$git' clone -q --bare work served.git", 'cd served.git',
        "'$git' update-server-info", "cp -R . '$www/served.git'",
        "cp -R . '$www/acmeware.git'", "chmod -R a+rX '$www'";
    my $r = run_command(['sh', '-c', $script]);

    is($r->{status}, 0, 'a repository is served') or diag $r->{err};

    my @clone = ($git, '-c', "http.proxy=$proxy", '-c', "http.sslCAInfo=$ca",
                 'clone', '-q');

    $r = run_command([@clone, 'https://git.neutral.example/served.git',
                      "$dir/clone"]);
    is($r->{status}, 0, 'git clones') or diag $r->{err};
    is(fetched('clone/numbers'), fetched('work/numbers'), 'every byte');

    $r = run_command([@clone, 'https://git.neutral.example/acmeware.git',
                      "$dir/refused"]);
    isnt($r->{status}, 0, 'a repository that names the vendor it does not');
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
except urllib.error.HTTPError as e:
    sys.stdout.buffer.write(e.read())
    sys.exit(e.code - 400)
END
    my $r = run_command([$python, $script, $proxy, $ca, $good]);

    is($r->{status}, 0, 'Python\'s urllib fetches') or diag $r->{err};
    ok($r->{out} eq $big, 'every byte');

    $r = run_command([$python, $script, $proxy, $ca, $bad]);
    is($r->{status}, 3, 'and has a 403') or diag $r->{err};
    like($r->{out}, $page, 'with the page');

    skip 'python3-requests is not installed', 1
        if run_command([$python, '-c', 'import requests'])->{status} != 0;

    $script = write_file("$dir/session.py", <<'END');
import sys, requests
proxy, ca, url, bad = sys.argv[1:5]
s = requests.Session()
s.proxies = {"http": proxy, "https": proxy}
s.verify = ca
a = s.get(url, timeout=20)
b = s.post(url.rsplit("/", 1)[0] + "/echo", data=a.content, timeout=20)
c = s.get(bad, timeout=20)
sys.stdout.buffer.write(b.content + b"%d " % c.status_code + c.content)
END
    $r = run_command([$python, $script, $proxy, $ca, $good, $bad]);
    is($r->{status}, 0, 'Python requests fetch and post')
        or diag $r->{err};
    ok(substr($r->{out}, 0, length $big) eq $big, 'every byte');
    like(substr($r->{out}, length $big), qr/^403 .*Acme Limited/s,
         'and the same session has a 403 with its page');
}


is($gw->complaints, '', 'no worker has crashed');

done_testing;
