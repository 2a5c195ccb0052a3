#!/usr/bin/perl

# Who runs an address, and where: databases in the layouts of GeoLite2-ASN and
# GeoLite2-Country, made here, give evidence and stand in the record.

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

eval { require MaxMind::DB::Writer::Tree; 1 }
    or BAIL_OUT('MaxMind::DB::Writer is needed (libmaxmind-db-writer-perl)');

my $asn = test_dir() . '/asn.mmdb';
my $country = test_dir() . '/country.mmdb';

write_mmdb($asn, 'GeoLite2-ASN', {
    autonomous_system_number => 'uint32',
    autonomous_system_organization => 'utf8_string',
}, {
    '127.0.0.2/32' => { autonomous_system_number => 64500,
                        autonomous_system_organization => 'Acme Net' },
    '127.0.0.5/32' => { autonomous_system_number => 64501,
                        autonomous_system_organization => 'Watched Net' },
    '127.0.0.1/32' => { autonomous_system_number => 64502,
                        autonomous_system_organization => 'Neutral Net' },
});

write_mmdb($country, 'GeoLite2-Country', {
    country => 'map', registered_country => 'map', iso_code => 'utf8_string',
}, {
    '127.0.0.3/32' => { country => { iso_code => 'AQ' } },
    '127.0.0.4/32' => { registered_country => { iso_code => 'AQ' } },
    '127.0.0.1/32' => { country => { iso_code => 'US' } },
});

sub write_mmdb {
    my ($path, $type, $types, $rows) = @_;
    my $tree = MaxMind::DB::Writer::Tree->new(
        ip_version => 6, record_size => 24, database_type => $type,
        languages => ['en'], description => { en => 'made by a test' },
        alias_ipv6_to_ipv4 => 0, remove_reserved_networks => 0,
        map_key_type_callback => sub { $types->{ $_[0] } });

    for my $network (sort keys %$rows) {
        my ($addr, $bits) = split /\//, $network;
        $tree->insert_network("::$addr/" . (96 + $bits), $rows->{$network});
    }

    open my $f, '>:raw', $path or die "$path: $!\n";
    $tree->write_tree($f);
    close $f or die "$path: $!\n";
    chmod 0644, $path;
}

my $dns = Debar::Test::Dns->new(names => {
    map { ("host$_.example" => ["127.0.0.$_"]) } 1 .. 6 });
my $origin = Debar::Test::Origin->new(
    listen => [map { "127.0.0.$_:80" } 1 .. 6]);
my $list = write_list(test_dir() . '/list', vendor => <<'END');
  - {host: watched.example, action: log}
asns:
  - 64500
  - {asn: 64501, action: log}
countries: [AQ]
END

my $gw = Debar::Test::Gateway->new(list => $list, start => 0);

$gw->insert('http\s*\{', "    debar_geo $asn;\n    debar_geo $country;");

my $t = $gw->test_conf;

is($t->{status}, 0, 'nginx -t takes both databases') or diag $t->{err};
is($gw->start->{status}, 0, 'and the gateway starts');

for my $case (
    [2, 403, 'block', 'asn', qr/64500/, 'a listed network operator'],
    [3, 403, 'block', 'country', qr/AQ/, 'a listed country'],
    [4, 403, 'block', 'country', qr/AQ/,
     'a country by registration where no other is known'],
    [5, 200, 'log', 'asn', qr/64501/, 'an operator that is only logged'],
) {
    my ($n, $status, $verdict, $kind, $value, $what) = @$case;

    $origin->fresh;

    my $r = $gw->get("http://host$n.example/");
    my @lines = $gw->audit;
    my $line = $lines[-1] || {};

    is($r->{status}, $status, "$what: answered with $status");
    is(scalar $origin->fresh, $status == 200 ? 1 : 0,
       "$what: the origin " . ($status == 200 ? 'gets it' : 'sees nothing'));
    is($line->{verdict}, $verdict, "$what: recorded as $verdict");
    is($line->{vendor}, 'acme', "$what: with the vendor");
    is($line->{evidence}[0]{kind}, $kind, "$what: by $kind");
    like($line->{evidence}[0]{value} // '', $value, "$what: with its value");
    like($line->{evidence}[0]{where} // '', qr{^address(?:/|$)},
         "$what: found in the address");
    is($line->{upstream}{addr}, $status == 200 ? "127.0.0.$n:80" : undef,
       "$what: upstream is there if it was dialled");
    is($gw->get("http://127.0.0.$n/")->{status}, $status,
       "$what: so is the address as a literal");
    $gw->audit;
}

is($gw->get('http://host1.example/')->{status}, 200,
   'another operator in another country is served');
is($gw->get('http://host6.example/')->{status}, 200,
   'and so is an address that no database knows');
is(scalar $gw->audit, 0, 'with no line');

$gw->get('http://watched.example/');

my ($line) = $gw->audit;

is($line->{upstream}{asn}, 64502, 'a record names the operator of any address');
is($line->{upstream}{country}, 'US', 'and the country');
$gw->stop;


# Databases that cannot be read.

write_file(test_dir() . '/garbage.mmdb', 'x' x 5000);
write_file(test_dir() . '/empty.mmdb', '');

my $cut = file_text($asn);

write_file(test_dir() . '/cut.mmdb', substr $cut, 0, length($cut) / 2);

for my $name ('garbage', 'empty', 'cut', 'missing') {
    my $path = test_dir() . "/$name.mmdb";

    $gw->set('debar_geo', $path);
    $t = $gw->test_conf;
    isnt($t->{status}, 0, "nginx -t finds a $name database");
    like($t->{err}, qr/\[emerg\].*\Q$path\E/, 'and names it');
}

done_testing;
