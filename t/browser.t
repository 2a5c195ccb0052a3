#!/usr/bin/perl

# Debian's Chromium, without a window, through the gateway: pages over HTTPS
# whose certificates it checks against the test's authority, what a page loads
# and sends, and what a person sees of a refusal.

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

my ($chromium) = grep { -x } '/usr/bin/chromium';
my ($certutil) = grep { -x } '/usr/bin/certutil';

plan skip_all => 'chromium and certutil (libnss3-tools) are not installed'
    if !$chromium || !$certutil;

my $dns = Debar::Test::Dns->new(names => {
    'dead.neutral.example' => ['127.0.0.5'] });
my $origin = Debar::Test::Origin->new(
    listen => ['127.0.0.1:80', '127.0.0.1:8000']);
my $tls = Debar::Test::Tls->new(
    listen => ['127.0.0.1:443'],
    names => ['*.neutral.example', '*.listed.example']);
my $list = write_list(test_dir() . '/list');
my $home = test_dir() . '/home';
my $visits = 0;

# A page that says what its script, its picture's and its own requests gave.

$tls->put('page.html', <<'END_PAGE');
<!doctype html><title>page</title><link rel=icon href="data:,">
<p id=said>no script</p><img id=i src="dot.gif">
<script src="said.js"></script>
<script>
addEventListener('load', async () => {
    const s = [document.getElementById('i').naturalWidth];
    const post = async (url, mode) => {
        try {
            const r = await fetch(url, { method: 'POST', body: 'sent', mode });
            s.push(await r.text() || r.type);
        } catch (e) { s.push(e.name); }
    };
    await post('/echo', 'same-origin');
    await post('https://other.neutral.example/echo', 'no-cors');
    await post('https://www.listed.example/echo', 'no-cors');
    document.body.id = 'after ' + s.join(' ');
});
</script>
END_PAGE
$tls->put('said.js', "document.getElementById('said').textContent = 'script';");
$tls->put('dot.gif', pack 'H*', '47494638396101000100800000000000ffffff2c000000'
                            . '00010001000002024401003b');

delete $ENV{$_} for grep { /proxy/i || /^(?:SSL|XDG|DBUS|DISPLAY)/ } keys %ENV;
$ENV{HOME} = $home;


# The authorities that the browser trusts, by name.

sub trust {
    my (%ca) = @_;
    my $db = "$home/.pki/nssdb";

    run_command(['rm', '-rf', "$home/.pki"]);
    run_command(['mkdir', '-p', $db]);

    my $r = run_command([$certutil, '-N', '-d', "sql:$db",
                         '--empty-password']);

    die "certutil: $r->{err}\n" if $r->{status} != 0;

    for my $name (sort keys %ca) {
        $r = run_command([$certutil, '-A', '-d', "sql:$db", '-t', 'C,,', '-n',
                          $name, '-i', $ca{$name}]);
        die "certutil: $r->{err}\n" if $r->{status} != 0;
    }
}


# The page as it is when it has loaded.  Of an error's page Chromium gives no
# source: what the error was is in its log.

sub dom {
    my ($gw, $url) = @_;
    my $r = run_command(
        [$chromium, qw(--headless --no-sandbox --disable-gpu --disable-quic
                       --no-first-run --disable-background-networking
                       --disable-component-update --disable-sync
                       --disable-dev-shm-usage --virtual-time-budget=5000),
         "--user-data-dir=$home/data" . ++$visits,
         "--proxy-server=http://$gw->{addr}:$gw->{port}",
         "--log-net-log=$home/net", '--dump-dom', $url], timeout => 20);

    return $r->{status} == -1 ? "chromium does not end: $r->{err}" : $r->{out};
}


trust(origin => $tls->ca);

my $gw = Debar::Test::Gateway->new(list => $list);
my $page = dom($gw, 'https://www.neutral.example/page.html');

like($page, qr/<p id="said">script</,
     'Chromium shows an https page through the tunnel, and runs its script');
like($page, qr/id="after 1 sent opaque TypeError"/,
     'its picture comes, a POST goes through, also to another host, but not'
     . ' to a listed one');

my @lines = grep { $_->{verdict} eq 'block' } $gw->audit_soon;

is($lines[0]{url}, 'www.listed.example:443', 'the record has it');
is(dom($gw, 'https://www.listed.example/'), '',
   'a listed host: Chromium has no page of it');
like(file_text("$home/net"), qr/"net_error":-111\b/,
     'and says that the tunnel has failed (ERR_TUNNEL_CONNECTION_FAILED)');
like(dom($gw, 'http://www.listed.example/'), qr/refused|blocked/i,
     'over plain HTTP it shows the page of the refusal');



# A gateway that looks into TLS.

my $in = Debar::Test::Gateway->new(
    name => 'inspecting', port => 3129, inspect => 1, upstream_ca => $tls->ca,
    list => write_list(test_dir() . '/named', vendor => <<'END_LIST'));
names:
  - {text: Acmeware, match: anywhere}
END_LIST

my $bad = 'https://www.neutral.example/get/acmeware.html';

is(dom($in, 'https://www.neutral.example/page.html'), '',
   'who does not trust its authority has no page');
like(file_text("$home/net"), qr/"net_error":-202\b/,
     'and sees the reason (ERR_CERT_AUTHORITY_INVALID)');

trust(gateway => $in->dir . '/ca/ca.pem');

$page = dom($in, 'https://www.neutral.example/page.html');
like($page, qr/<p id="said">script</,
     'a gateway that looks into TLS: the page, and its script');
like($page, qr/id="after 1 sent opaque TypeError"/,
     'its picture, its POSTs, and not one to a listed host');

$in->audit;
$page = dom($in, $bad);
like($page, qr/Acme Limited/,
     'an address that names the vendor: the page of the refusal, inside TLS');
(my $line) = grep { $_->{verdict} eq 'block' } $in->audit_soon;
is($line->{url}, $bad, 'the record has the whole address');
like($page, qr/\Q$line->{incident}\E/, 'and the page its incident');

is($gw->complaints . $in->complaints, '', 'no worker has crashed');

done_testing;
