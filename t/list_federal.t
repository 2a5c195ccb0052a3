#!/usr/bin/perl

# Every row of the research that the shipped list was made from is in the list
# and does what its action_hint says, or README.md says why it is not.

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use Encode qw(encode_utf8 decode_utf8);
use JSON::PP;
use Test::More;

use Debar::Test;

binmode $_, ':encoding(UTF-8)'
    for map { Test::More->builder->$_ }
        qw(output failure_output todo_output);

my $source = top_dir() . '/blocklist/lists/federal';
my $vendor = decode_utf8(file_text("$source/vendors/kaspersky.yaml"));
my $readme = decode_utf8(file_text("$source/README.md"));
my $list = build_list($source, test_dir() . '/federal.mdb');


# One line of CSV: fields hold no line breaks.

sub fields {
    my ($line) = @_;
    my @f;

    while ($line =~ /\G(?:"((?:[^"]|"")*)"|([^,]*))(?:,|$)/gc) {
        my $f = $1 // $2;
        $f =~ s/""/"/g;
        push @f, $f;
        last if pos($line) >= length $line;
    }

    return @f;
}

my @lines = split /\r?\n/, decode_utf8(file_text("$source/identifiers.csv"));
my @names = fields(shift @lines);
my @rows;

for (@lines) {
    my %r;
    @r{@names} = fields($_);
    push @rows, \%r;
}

cmp_ok(scalar @rows, '>=', 400, 'the research has its rows');


# Requests to judge: what is asked, what must come of it, and the claim.

my @asked;

sub ask {
    my ($expect, $url, $claim) = @_;

    push @asked, { expect => $expect, url => $url, claim => $claim };
}

sub escaped {
    my ($s) = @_;

    return join '', map { /[A-Za-z0-9_.~-]/ ? $_ : sprintf '%%%02X', ord }
                split //, encode_utf8($s);
}

sub buy { return 'http://shop.example/cart/add?qty=1&item=' . escaped($_[0]) }

sub in_list {
    my ($r, $text) = @_;

    ok(index(lc $vendor, lc $text) >= 0, "$r->{category} $text is in the list");
}

sub said {
    my ($r) = @_;

    like($readme, qr/`\Q$r->{category}\E/,
         "README.md says why $r->{category} $r->{identifier} is left out");
}


# What a name does when bought: one that holds the vendor's own is caught by it.

sub name_row {
    my ($r) = @_;

    for (split m{\s+/\s+}, $r->{identifier}) {
        if ($_ eq 'URL Advisor') {
            said($r);
            next;
        }

        my $sure = $r->{confidence} ne 'unverified' || /kaspersky/i;

        $sure = 0 if $r->{action_hint} =~ /^(?:policy|log)$/ && !/kaspersky/i;
        ask($sure ? 'block' : 'log', buy($_), "an order for $_");
    }
}

sub host_row {
    my ($r) = @_;
    my $h = $r->{identifier};
    my $hint = $r->{action_hint};

    $h =~ s/^\*\./a1./;
    $h =~ s/\*/info/;
    $h =~ s/\.\.[^.]*\././;

    if ($hint eq 'block') {
        ask('block', "http://$h/", "$h as a whole");

    } elsif ($hint eq 'inspect') {
        ask('log', "http://$h/about/news", "reading at $h");
        ask('block', "http://$h/files/setup.exe", "a program from $h");

    } elsif ($hint eq 'policy') {
        ask('log', "http://$h/", "reading at $h");

    } else {
        ask('pass', "http://$h/", "information at $h");
    }
}

# A name of a file for each expression whose context shows none.

my %file_of = (
    'startup' => undef, 'xdr-' => undef, 'ReleaseNotes' => undef,
    'klcfginst' => 'klcfginst.msi', 'setup_kes' => 'setup_kes.exe',
    'kics4net' => 'kics4net-3.0.0-1.x86_64.rpm', 'KVRT' => 'KVRT.exe',
    'tdsskiller' => 'tdsskiller.zip', 'ksc_' => 'ksc_14.2.0.26967_full_en.exe',
    'krd' => 'krd.iso', 'kav(remvr' => 'kavremvr.exe',
    'kes(10' => 'kes10winsp1_mr4_en_aes256.exe',
    'kaspersky[' => 'kaspersky%20internet%20security.dmg',
);

sub file_row {
    my ($r) = @_;
    my ($key) = grep { index($r->{identifier}, $_) >= 0 } sort keys %file_of;
    my @files = $key ? grep { defined } $file_of{$key}
                : $r->{context} =~ /([A-Za-z][\w.-]+\.(?:exe|zip|deb|rpm))\b/g;
    my $expect = $r->{action_hint} eq 'block'
                 && $r->{confidence} ne 'unverified' ? 'block' : 'log';

    return said($r) if !@files;

    ask($expect, "http://mirror.example/pub/$_", "a download of $_") for @files;
}

sub package_row {
    my ($r) = @_;
    my $id = $r->{identifier};

    return in_list($r, $id) if $r->{confidence} eq 'unverified' || $id eq 'kfl';

    in_list($r, $id);

    my %url = (
        android_package =>
            "https://play-fe.googleapis.com/fdfe/delivery?doc=$id&ot=1",
        winget_id => "https://winget.example/api/packageManifests/$id",
        choco_id => "https://community.chocolatey.org/api/v2/package/$id/1.0",
        brew_cask => "https://formulae.brew.sh/api/cask/$id.json",
        linux_package => "http://mirror.example/pool/${id}_12.0.0-60_amd64.deb",
        chrome_extension_id => 'https://clients2.google.com/service/update2/crx'
            . "?response=redirect&x=id%3D$id%26uc",
    );

    ask('block', $url{$r->{category}}, "a package $id")
        if $url{$r->{category}};
}

sub part_row {
    my ($r) = @_;
    my $id = $r->{identifier};

    if ($r->{category} eq 'part_number_stem') {
        ask('pass', "http://shop.example/cart/add?sku=$id", "part $id alone");
        $id .= 'XCKFS';
    }

    ask('block', 'http://shop.example/cart/add?sku=' . escaped($id),
        "an order of part $id");
    ask('block', 'http://shop.example/cart/add?mpn=' . escaped(lc $id),
        "the same in lower case");
}

my %how = (
    legal_name => \&name_row, product => \&name_row,
    product_excluded => \&name_row,
    possible_affiliate => sub {
        $_[0]{identifier} =~ /InfoWatch/ ? said(@_) : in_list($_[0],
            $_[0]{identifier} =~ m{.* / (.+)} ? $1 : $_[0]{identifier});
    },
    domain => \&host_row, host => \&host_row, host_pattern => \&host_row,
    filename_regex => \&file_row,
    part_number => \&part_row, part_number_stem => \&part_row,
    (map { $_ => \&package_row } qw(android_package winget_id choco_id
        brew_cask linux_package chrome_extension_id)),
    allow_path => sub {
        ask('pass', "http://$_[0]{identifier}", "permitted $_[0]{identifier}");
    },
    store_id => sub {
        ask('block', "http://$_/store/kasucpus/en_US/buy/productID.1",
            "the store at $_") for 'store.digitalriver.com', 'shop.example';
    },
    path_fingerprint => sub {
        ask('block', 'http://mirror.example/3739343434377c44454c7c31/a.exe',
            'a copy of a path of the vendor\'s servers');
    },
    github_repo => sub {
        my ($r) = @_;
        in_list($r, $r->{identifier} =~ m{^(KasperskyLab)/}
                    ? $1 : $r->{identifier});
        ask($r->{action_hint} eq 'block' ? 'block' : 'log',
            "https://github.com/$r->{identifier}/archive/main.zip",
            "an archive of $r->{identifier}");
    },
    network => sub { in_list($_[0], $_) for split ' ', $_[0]{identifier} },
    asn => sub { in_list($_[0], $_[0]{identifier} =~ s/^AS//r) },
    retail_sku => sub {
        $_[0]{identifier} =~ /^bestbuy:(\d+)$/ ? in_list($_[0], $1) : said(@_);
    },
    part_number_regex => sub { in_list($_[0], 'KL[14][0-9]{3}') },
    tls_intercept_ca => sub {
        in_list($_[0], 'Kaspersky Anti-Virus Personal Root Certificate');
    },
    oem => sub {
        my ($id) = $_[0]{identifier} =~ /(SRX|ZoneAlarm|Centerm F620|Kaspersky)/;
        $id ? in_list($_[0], $id) : said(@_);
    },
    (map { $_ => sub { in_list($_[0], $_[0]{identifier}) } } qw(apple_bundle_id
        apple_adam_id macos_team_id npm_package maven_coord
        authenticode_subject_O)),
    (map { $_ => \&said } qw(native_messaging_host user_agent_token ofac_sdn
        classification_code entity_id store_provider false_positive)),
);

for my $r (@rows) {
    my $code = $how{$r->{category}};

    $code ? $code->($r) : fail("category $r->{category} has a home");
}


# A program is one however it is packed, spelt or handed out.

ask('block', "http://www.kaspersky.com/x/$_", "the program $_")
    for qw(a.exe.gz a.img.xz a.tar.zst a.exe/download a.deb/get a.exe. a.exe%20
           a.exe::$DATA a.exe;v=1 get.php?file=a.exe);
ask('log', "http://www.kaspersky.com/$_", "reading $_")
    for qw(a.txt.gz sitemap.xml.gz download blog/exe/download);


# What looks alike and is not: the false_positive rows and their kind.

ask('pass', "http://shop.example/cart/add?sku=$_", "part $_ of someone else's")
    for qw(KL1171 KES KIS KAV KTS KPM KSN UltraAV 52.204-23 KL48671);
ask('pass', 'http://mirror.example/pub/startup.exe', 'a generic installer');
ask('pass', 'https://codeload.github.com/KasperSkytte/x/zip/refs/heads/main',
    'a namesake');
ask('log', 'http://news.example/' . $_, "reading /$_")
    for qw(court-order/kaspersky-ban how-to-order-kaspersky-removal
           executive-order-kaspersky best-buy-drops-kaspersky
           shopping/best-antivirus-kaspersky-review search?q=buy+kaspersky
           download/kaspersky-history.pdf orders?q=kaspersky);


my $r = run_command([debar_path(), 'check', '--list', $list, '--jsonl'],
                    stdin => join '', map {
                        encode_json({ id => "$_", method => 'GET',
                                      url => $asked[$_]{url} }) . "\n"
                    } 0 .. $#asked);
my @out = map { eval { decode_json($_) } || {} } split /\n/, $r->{out};

is(scalar @out, scalar @asked, 'each request has a verdict');

for (0 .. $#asked) {
    my $got = $out[$_]{verdict} // 'none';

    is($got, $asked[$_]{expect}, "$asked[$_]{claim} is $asked[$_]{expect}"
                                 . " ($asked[$_]{url})");
}

done_testing();
