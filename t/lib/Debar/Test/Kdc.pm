package Debar::Test::Kdc;

# A KDC of MIT Kerberos for one realm, on 127.0.0.1 at a port of the test's own,
# with its database, keytabs and ticket caches in the test's folder.

use strict;
use warnings;

use Debar::Test;
use IO::Socket::INET;


# missing: the first program that is not there, or undef.

sub missing {
    for my $name (qw(krb5kdc kdb5_util kadmin.local kinit kvno)) {
        return $name if !program($name);
    }

    return undef;
}


sub program {
    my ($name) = @_;
    my ($path) = grep { -x } map { "$_/$name" }
                 qw(/usr/sbin /usr/bin /usr/local/sbin /usr/local/bin);

    return $path;
}


# new(realm, port, skew => seconds that clocks may differ by)

sub new {
    my ($class, $realm, $port, %o) = @_;
    my $dir = test_dir() . "/kdc-$realm";
    my $self = bless { realm => $realm, dir => $dir, port => $port }, $class;
    my $skew = $o{skew} // 300;

    write_file("$dir/krb5.conf", <<"END");
[libdefaults]
    default_realm = $realm
    dns_lookup_kdc = false
    dns_lookup_realm = false
    dns_canonicalize_hostname = false
    rdns = false
    clockskew = $skew
[realms]
    $realm = {
        kdc = 127.0.0.1:$port
    }
[domain_realm]
    localhost = $realm
END

    write_file("$dir/kdc.conf", <<"END");
[kdcdefaults]
    kdc_listen = 127.0.0.1:$port
    kdc_tcp_listen = 127.0.0.1:$port
[realms]
    $realm = {
        database_name = $dir/principal
        key_stash_file = $dir/stash
        acl_file = $dir/acl
    }
END

    $self->run('kdb5_util', 'create', '-s', '-r', $realm, '-P', 'master');

    local @ENV{qw(KRB5_CONFIG KRB5_KDC_PROFILE)} = $self->files;

    $self->{pid} = start_process("kdc-$realm", program('krb5kdc'), '-n',
                                 '-r', $realm);

    eventually {
        IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port);
    } or die "krb5kdc did not start: "
             . (file_text(test_dir() . "/kdc-$realm.out") // '') . "\n";

    return $self;
}


sub conf { return "$_[0]{dir}/krb5.conf" }
sub files { return ("$_[0]{dir}/krb5.conf", "$_[0]{dir}/kdc.conf") }


sub run {
    my ($self, $name, @args) = @_;

    local @ENV{qw(KRB5_CONFIG KRB5_KDC_PROFILE)} = $self->files;

    my $r = run_command([program($name), @args]);

    die "$name @args: $r->{err}$r->{out}\n" if $r->{status} != 0;

    return $r->{out};
}


# A user with a password, or a service with a key in a keytab; the keytab.

sub user {
    my ($self, $name, $password) = @_;

    $self->run('kadmin.local', '-r', $self->{realm}, '-q',
               "addprinc -pw $password $name");
}


sub service {
    my ($self, $name, $keytab) = @_;

    $self->run('kadmin.local', '-r', $self->{realm}, '-q',
               "addprinc -randkey $name");
    $self->run('kadmin.local', '-r', $self->{realm}, '-q',
               "ktadd -k $keytab $name");
    chmod 0644, $keytab;

    return $keytab;
}


# Logs a user in; what to put into the environment of who acts for it.

sub login {
    my ($self, $name, $password, @more) = @_;
    my $cache = "FILE:$self->{dir}/cache-$name";
    my $secret = write_file("$self->{dir}/password", "$password\n");

    local $ENV{KRB5_CONFIG} = $self->conf;
    local $ENV{KRB5CCNAME} = $cache;

    my $r = run_command(['sh', '-c', 'f=$1; shift; exec "$@" < "$f"', '-',
                         $secret, program('kinit'), @more, $name]);

    die "kinit $name: $r->{err}$r->{out}\n" if $r->{status} != 0;

    return (KRB5_CONFIG => $self->conf, KRB5CCNAME => $cache);
}


1;
