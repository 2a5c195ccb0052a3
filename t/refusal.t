#!/usr/bin/perl

# What the person, or the program, whose request was refused gets to read.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Debar::Test::Alone;
use JSON::PP;
use Test::More;

use Debar::Test;
use Debar::Test::Client;
use Debar::Test::Dns;
use Debar::Test::Gateway;

my $dns = Debar::Test::Dns->new;
my $contact = 'Procurement Office, procurement@agency.example';
my $gw = Debar::Test::Gateway->new(
    list => write_list(test_dir() . '/list'),
    conf => { debar_contact => "\"$contact\"" });
my $field = \&Debar::Test::Client::field;
my $url = 'http://www.listed.example/';

sub refused {
    my ($accept, %o) = @_;

    return $gw->get($o{url} // $url, %o,
                    fields => [defined $accept ? ['Accept', $accept] : ()]);
}


# The page.

my $r = refused(undef);
my $page = $r->{body};
my ($line) = $gw->audit;

is($r->{status}, 403, 'the status is 403');
like($field->($r, 'Content-Type'), qr{^text/html; ?charset=utf-8$}i,
     'HTML in UTF-8 by default');
is($field->($r, 'Content-Length'), length $page, 'Content-Length is right');
like($field->($r, 'Cache-Control') // '', qr/no-store/, 'it is not cached');
like($field->($r, 'Vary') // '', qr/\bAccept\b/i, 'and varies by Accept');
like($page, qr/^<!doctype html>/i, 'the page is HTML5');
like($page, qr/<html[^>]* lang="en/, 'says its language');
like($page, qr/<title>[^<]+<\/title>/, 'has a title');
like($page, qr/<h1[ >]/, 'and a heading');
like($page, qr/name="viewport"/, 'is readable on small screens');
like($page, qr/prefers-color-scheme/, 'and in the dark');
unlike($page, qr/(?:src|href)="(?:https?:)?\/\/(?!law\.example)/,
       'nothing is loaded from elsewhere');
unlike($page, qr/<script/i, 'and nothing is run');
like($page, qr/Acme Limited/, 'it names the vendor');
like($page, qr/Rule One of the test/, 'the authority\'s title');
like($page, qr{href="https://law\.example/rule-1"}, 'with a link to it');
like($page, qr/procurement(?:@|&#64;)agency\.example/, 'whom to ask');
like($page, qr/\Q$line->{incident}\E/, 'and the incident of the record');


# Accept, with its weights (RFC 9110 s.12.5.1).

for my $t (
    ['application/problem+json', 1], ['application/json', 1],
    ['application/json, text/html;q=0.9', 1],
    ['text/html, application/json;q=0.9', 0],
    ['text/html;q=0.5, application/problem+json;q=0.6', 1],
    ['text/html;q=0.6, application/json;q=0.5', 0],
    ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 0],
    ['*/*', 0], ['text/*', 0], ['application/*', 1],
    ['application/problem+json;q=0, text/html;q=0.1', 0],
    ['application/json;q=0, */*', 0], ['APPLICATION/JSON', 1],
    ['image/png', 0], ['', 0], ['application/json;q=0.001', 1],
    [';;;,,,q=', 0], ['application/problem+json ; q=1.0', 1],
) {
    my ($accept, $json) = @$t;
    my $type = $field->(refused($accept), 'Content-Type') // '';

    is($type =~ m{^application/problem\+json} ? 1 : 0, $json,
       "Accept \"$accept\" gets " . ($json ? 'problem+json' : 'HTML'));
}

$gw->audit;
$r = refused('application/problem+json');

my $problem = eval { decode_json($r->{body}) } || {};

($line) = $gw->audit;
is($r->{status}, 403, 'the status of a problem is the same');
is($problem->{status}, 403, 'and in the document (RFC 9457)');
ok($problem->{type}, 'it has a type');
ok($problem->{title}, 'a title');
ok($problem->{detail}, 'a detail');
ok($problem->{instance}, 'an instance');
is($problem->{incident}, $line->{incident}, 'the incident of the record');
like(encode_json([$problem->{vendor}]), qr/acme/i, 'the vendor');
like(encode_json([$problem->{authorities}]), qr/rule-1/, 'the authorities');
is($problem->{contact}, $contact, 'and whom to ask');
like($field->($r, 'Cache-Control') // '', qr/no-store/, 'it is not cached');
like($field->($r, 'Vary') // '', qr/\bAccept\b/i, 'and varies by Accept');

$r = refused(undef, method => 'HEAD');
is($r->{status}, 403, 'HEAD is refused alike');
is($r->{body}, '', 'without a body');
like($field->($r, 'Content-Type'), qr{^text/html}, 'but with its fields');


# Hostile URLs.

for my $evil ('<script>alert(1)</script>', '"><img src=x onerror=y>',
              "'><b>", '&lt;i&gt;', '{{incident}}{{contact}}', '%3Cscript%3E')
{
    my @a = $gw->exchange("GET http://listed.example/$evil HTTP/1.1\r\n"
                          . "Host: listed.example\r\nConnection: close\r\n"
                          . "\r\n");
    my $body = $a[0]{body} // '';

    like($a[0]{status} // 0, qr/^40[03]$/, "a target with $evil is refused");
    unlike($body, qr/<script|<img|<b>/i, 'and nothing of it becomes markup');
    next if $evil !~ /^\{/;
    is(() = $body =~ /agency\.example/g, () = $page =~ /agency\.example/g,
       'nor a placeholder');
}

$r = $gw->get('http://listed.example/"\\x',
              fields => [['Accept', 'application/json']]);
ok(eval { decode_json($r->{body}) }, 'a problem stays valid JSON');

# A reject's page.

$r = $gw->get('http://a.example/', host => 'b.example');
is($r->{status}, 400, 'a contradiction gets 400');
like($r->{body}, qr/<h1[ >]/, 'with a page');
($line) = grep { $_->{verdict} eq 'reject' } $gw->audit;
like($r->{body}, qr/\Q$line->{incident}\E/, 'and its incident');

$r = $gw->get('http://a.example/', host => 'b.example',
              fields => [['Accept', 'application/problem+json']]);
is((eval { decode_json($r->{body}) } || {})->{status}, 400,
   'or a problem with 400');


# Not ours: an origin that cannot be reached.

$r = $gw->get('http://127.0.0.9/');
is($r->{status}, 502, 'an origin that is not there is a 502');


# Several refusals on one connection.

my $c = $gw->client;

for my $i (1 .. 3) {
    $c->send("GET $url$i HTTP/1.1\r\nHost: www.listed.example\r\n\r\n");
    is($c->response->{status}, 403, "refusal $i on one connection");
}


# 451, and a page of the agency's own.

write_file(test_dir() . '/page.html', <<'END');
<!doctype html><html lang="en"><title>Ours</title>
<p id="i">{{incident}}</p><p id="v">{{vendor}}</p><p id="a">{{authority}}</p>
<p id="c">{{contact}}</p><p id="u">{{url}}</p>
<a href="{{citation-url}}">law</a>
END
chmod 0644, test_dir() . '/page.html';

$gw->set('debar_status', '451');
$gw->set('debar_page', test_dir() . '/page.html');
$gw->set('debar_contact', '"Ask <Bob> & \"Eve\""');
is($gw->reload->{status}, 0, 'status and page can be changed');
is(refused(undef)->{status}, 451, 'the status is 451 then');

$gw->audit;
$r = refused(undef, url => 'http://listed.example/<i>?token=s3cr3t');
($line) = $gw->audit;
like($r->{body}, qr/<title>Ours</, 'and the page is the agency\'s');
like($r->{body}, qr{<p id="i">\Q$line->{incident}\E</p>}, 'with the incident');
like($r->{body}, qr{<p id="v">[^<]*Acme}, 'the vendor');
like($r->{body}, qr{<p id="a">[^<]*Rule One}, 'the authority');
like($r->{body}, qr{href="https://law\.example/rule-1"}, 'the citation');
like($r->{body}, qr{<p id="c">Ask &lt;Bob&gt; &amp; }, 'the contact, escaped');
like($r->{body}, qr{<p id="u">[^<]*listed\.example/&lt;i&gt;},
     'and the URL, escaped');
unlike($r->{body}, qr/s3cr3t/, 'without its secrets');
$r = refused('application/problem+json');
is((eval { decode_json($r->{body}) } || {})->{status}, 451,
   'the problem has 451 too');

done_testing;
