package Debar::Test::Pki;

# Certificates of a test's own making: a root, an intermediate under it, and
# leaves that are in order or bad in one way.  The openssl command makes them.

use strict;
use warnings;

use Debar::Test;
use POSIX ();


# new(name => folder): a root and an intermediate.

sub new {
    my ($class, %o) = @_;
    my $self = bless { dir => test_dir() . '/' . ($o{name} // 'pki'),
                       leaves => 0 }, $class;

    mkdir $self->{dir};

    $self->authority('root', 'Root of the test');
    $self->authority('inter', 'Intermediate of the test', 'root');

    return $self;
}


# The file that a client has to trust.

sub ca { return "$_[0]{dir}/root.pem" }


# The intermediate, for those who are not told of it by the origin.

sub intermediate { return "$_[0]{dir}/inter.pem" }


# An authority with a database, so that it can revoke.  by: who signs it, undef
# for itself.  %o: rsa.

sub authority {
    my ($self, $name, $cn, $by, %o) = @_;
    my $at = "$self->{dir}/$name";

    write_file("$at.index", '');
    write_file("$at.index.attr", "unique_subject = no\n");
    write_file("$at.cnf", <<"END");
[ca]
default_ca = it
[it]
database = $at.index
new_certs_dir = $self->{dir}
certificate = $at.pem
private_key = $at.key
default_md = sha256
policy = any
rand_serial = yes
unique_subject = no
[any]
countryName = optional
organizationName = optional
organizationalUnitName = optional
commonName = optional
[req]
distinguished_name = dn
string_mask = utf8only
[dn]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign, digitalSignature
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
END

    if (!defined $by) {
        openssl('req', '-x509', '-config', "$at.cnf", '-extensions',
                'authority', '-nodes', '-days', 30, new_key(%o), '-subj',
                "/CN=$cn", '-keyout', "$at.key", '-out', "$at.pem");
        return;
    }

    $self->request($name, "/CN=$cn", %o);
    $self->signed($by, $name, "$at.cnf", 'authority', span(-1, 29));
}


sub new_key {
    my (%o) = @_;

    return ('-newkey', 'rsa:' . ($o{rsa} > 1 ? $o{rsa} : 2048)) if $o{rsa};
    return (qw(-newkey ec -pkeyopt ec_paramgen_curve:P-256));
}


sub request {
    my ($self, $name, $subject, %o) = @_;
    my $at = "$self->{dir}/$name";

    openssl('req', '-new', '-utf8', '-config', "$self->{dir}/root.cnf",
            '-nodes', new_key(%o), '-subj', $subject, '-keyout', "$at.key",
            '-out', "$at.csr");
}


sub signed {
    my ($self, $by, $name, $extensions, $section, @span) = @_;
    my $at = "$self->{dir}/$name";

    openssl('ca', '-batch', '-notext', '-config', "$self->{dir}/$by.cnf",
            '-extfile', $extensions, '-extensions', $section, '-in',
            "$at.csr", '-out', "$at.pem", @span);
}


# From so many days from now to so many.

sub span {
    my ($from, $to) = map {
        POSIX::strftime('%y%m%d%H%M%SZ', gmtime(time + $_ * 86400)) } @_;

    return ('-startdate', $from, '-enddate', $to);
}


# A leaf for names and addresses: {cert (with its chain), key, staple, one (the
# leaf alone)}, all files.  %o:
#
#   organization    O of its subject         rsa          1, or bits
#   expired         ended yesterday          future       begins tomorrow
#   self_signed                              unknown      by another authority
#   no_chain        intermediate left out    must_staple  RFC 7633
#   staple          an OCSP answer: "good", "revoked", or "stale", whose time is
#                   over

sub leaf {
    my ($self, $names, %o) = @_;
    my $name = 'leaf' . ++$self->{leaves};
    my $at = "$self->{dir}/$name";
    my $by = $o{unknown} ? $self->stranger : 'inter';
    my $san = join ', ', map { /^[\d.]+$|:/ ? "IP:$_" : "DNS:$_" } @$names;
    my $subject = (defined $o{organization}
                   ? '/O=' . $o{organization} =~ s{([/\\+=])}{\\$1}gr : '')
                  . '/CN=' . substr $names->[0], 0, 64;
    my @span = $o{expired} ? span(-20, -1) : $o{future} ? span(1, 20)
             : span(-1, 20);

    write_file("$at.cnf", "[leaf]\nbasicConstraints = critical, CA:FALSE\n"
               . "keyUsage = critical, digitalSignature, keyEncipherment\n"
               . "extendedKeyUsage = serverAuth, clientAuth\n"
               . "subjectAltName = $san\n"
               . ($o{must_staple} ? "tlsfeature = status_request\n" : ''));

    if ($o{self_signed}) {
        openssl('req', '-x509', '-config', "$self->{dir}/root.cnf", '-nodes',
                '-days', 20, new_key(%o), '-subj', $subject, '-addext',
                "subjectAltName = $san", '-keyout', "$at.key", '-out',
                "$at.pem");

    } else {
        $self->request($name, $subject, %o);
        $self->signed($by, $name, "$at.cnf", 'leaf', @span);
    }

    my $chain = $o{self_signed} || $o{no_chain} ? ''
              : file_text("$self->{dir}/$by.pem");

    write_file("$at.chain", file_text("$at.pem") . $chain);
    chmod 0644, "$at.key";

    return { cert => "$at.chain", key => "$at.key", one => "$at.pem",
             staple => $o{staple} ? $self->staple($name, $by, $o{staple})
                                  : undef };
}


# An authority that nobody trusts.

sub stranger {
    my ($self) = @_;

    $self->authority('stranger', 'Stranger of the test')
        if !$self->{stranger}++;

    return 'stranger';
}


# An OCSP answer in a file, DER, by the authority itself.

sub staple {
    my ($self, $name, $by, $how) = @_;
    my $at = "$self->{dir}/$name";
    my $ca = "$self->{dir}/$by";

    openssl('ca', '-batch', '-config', "$ca.cnf", '-revoke', "$at.pem")
        if $how eq 'revoked';
    openssl('ocsp', '-no_nonce', '-issuer', "$ca.pem", '-cert', "$at.pem",
            '-reqout', "$at.req");
    openssl('ocsp', '-index', "$ca.index", '-CA', "$ca.pem", '-rsigner',
            "$ca.pem", '-rkey', "$ca.key", '-reqin', "$at.req", '-respout',
            "$at.ocsp", '-ndays', 2);
    age("$at.ocsp", "$ca.key", 10) if $how eq 'stale';

    return "$at.ocsp";
}


# The same answer as so many days ago.  The command cannot make that: the times
# are changed in place and signed again, until the signature is of one length
# with that of before.

sub age {
    my ($file, $key, $days) = @_;
    my $der = file_text($file);
    my $time = sub {
        my ($y, $m, $d, $rest) = unpack 'a4a2a2a7', $_[0];

        return POSIX::strftime('%Y%m%d', 0, 0, 12, $d - $days, $m - 1,
                               $y - 1900) . $rest;
    };

    # OCSPResponse, [0], responseBytes, then past the OID the OCTET STRING and
    # in it BasicOCSPResponse: what is signed comes first (RFC 6960 s.4.2.1)

    my $at = inside($der, past($der, inside($der, 0)));

    $at = past($der, inside($der, $at));
    $at = inside($der, inside($der, $at));

    my $end = past($der, $at);
    my $bits = inside($der, past($der, $end)) + 1;
    my $size = past($der, past($der, $end)) - $bits;
    my $signed = substr $der, $at, $end - $at;

    $signed =~ s/(?<=\x18\x0f)(\d{14}Z)/$time->($1)/ge;
    write_file("$file.tbs", $signed);

    for (1 .. 100) {
        my $sig = openssl('dgst', '-sha256', '-sign', $key, "$file.tbs")->{out};

        next if length $sig != $size;

        substr $der, $at, length $signed, $signed;
        substr $der, $bits, $size, $sig;
        write_file($file, $der);
        return;
    }

    die "$file: no signature of $size bytes\n";
}


# DER: where the contents of the element at a place begin, and where it ends.

sub inside {
    my ($der, $at) = @_;
    my $n = ord substr $der, $at + 1, 1;

    return $at + 2 + ($n & 0x80 ? $n & 0x7f : 0);
}


sub past {
    my ($der, $at) = @_;
    my $from = inside($der, $at);
    my $n = ord substr $der, $at + 1, 1;

    $n = hex unpack 'H*', substr $der, $at + 2, $n & 0x7f if $n & 0x80;

    return $from + $n;
}


sub openssl {
    my (@args) = @_;
    my $r = run_command(['openssl', @args]);

    die "openssl @args: $r->{err}\n" if $r->{status} != 0;

    return $r;
}


1;
