package Debar::Test::Gateway;

# A gateway as an operator makes it: `debar gateway init` and `start`, nothing
# that the command would not do.  Directives can be set in its nginx.conf.

use strict;
use warnings;

use Debar::Test;
use Debar::Test::Client;
use Debar::Test::Origin;
use JSON::PP;

my %alive;


# new(list => SOURCE, allow => [CIDR], mode, workers, conf => {directive =>
# value or undef}, front => {directive of the front => value}, addr, start => 0,
# inspect => 1 or {ca => FILE, key => FILE or URI}, upstream_ca => FILE)

sub new {
    my ($class, %o) = @_;
    my $self = bless {
        dir => test_dir() . '/' . ($o{name} // 'gateway'),
        addr => $o{addr} // '127.0.0.1', port => $o{port} // 3128, read => 0,
        count => $o{workers} // 1,
    }, $class;

    my @cmd = (
        debar_path(), 'gateway', 'init', $self->{dir},
        '--listen', ($self->{addr} =~ /:/ ? "[$self->{addr}]" : $self->{addr})
                    . ":$self->{port}",
        '--resolver', $o{resolver} // '127.0.0.1:53',
        '--workers', $o{workers} // 1,
        ($o{list} ? ('--list', $o{list}) : ()),
        ($o{mode} ? ('--mode', $o{mode}) : ()),
        (map { ('--allow-destination', $_) }
             @{ $o{allow} || ['127.0.0.0/8', '::1/128'] }),
        ($o{inspect} ? '--inspect' : ()),
        (ref $o{inspect} ? ('--ca', $o{inspect}{ca},
                            '--ca-key', $o{inspect}{key}) : ()),
        ($o{upstream_ca} ? ('--upstream-ca', $o{upstream_ca}) : ()),
        @{ $o{init} || [] },
    );

    $self->{init} = run_command(\@cmd);

    die "debar gateway init: $self->{init}{err}\n"
        if $self->{init}{status} != 0 && !$o{init_may_fail};

    # Without its key, no sealer minds the audit log: `sealer => 1` asks for it.

    unlink "$self->{dir}/audit/sealer.key" if !$o{sealer};

    my %conf = %{ $o{conf} || {} };

    $self->set($_, $conf{$_}) for sort keys %conf;
    $self->set_front($_, $o{front}{$_}) for sort keys %{ $o{front} || {} };

    if ($o{start} // 1) {
        my $r = $self->start;

        die "debar gateway start: $r->{err}$r->{out}\n"
            . ($self->error_log) . "\n"
            if $r->{status} != 0;
    }

    return $self;
}


sub dir { return $_[0]->{dir} }
sub list { return "$_[0]->{dir}/list.mdb" }
sub audit_file { return "$_[0]->{dir}/audit/audit.jsonl" }
sub conf_file { return "$_[0]->{dir}/nginx.conf" }
sub ca_file { return "$_[0]->{dir}/ca/ca.pem" }
sub splice_file { return "$_[0]->{dir}/splice.txt" }


sub command {
    my ($self, $what, @more) = @_;

    return $self->signalled($what)
        if $ENV{DEBAR_VALGRIND} && $what =~ /^(?:start|reload|stop)$/;

    return run_command([debar_path(), 'gateway', $what, $self->{dir}, @more]);
}


# The same without the command, which knows workers by their titles.

sub signalled {
    my ($self, $what) = @_;

    $self->sign if $what eq 'start';

    return run_command([nginx_path(), '-p', $self->{dir}, '-c',
                        $self->conf_file]) if $what eq 'start';

    my $signer = $self->signer_pid;

    if ($what eq 'stop' && $signer) {
        stop_process($signer);
        unlink map { "$self->{dir}/run/sign.$_" } 'sock', 'pid';
    }

    my $pid = $self->pid or return { status => 3, out => '', err => '' };

    kill $what eq 'stop' ? 'QUIT' : 'HUP', $pid;

    my $done = $what eq 'reload' || eventually { !running($pid) } 60;

    return { status => $done ? 0 : 1, out => '', err => '' };
}


# The signer, where nginx.conf asks the one of this folder.

sub sign {
    my ($self) = @_;
    my $at = $self->{dir};
    my $pid = $self->signer_pid;
    my ($uid, $gid) = $> == 0 ? www_ids() : ($>, $) + 0);

    return if file_text($self->conf_file)
              !~ m{^\s*debar_sign\s+"?unix:\Q$at\E/run/sign\.sock\b}m
              || $pid && running($pid);

    my ($key) = file_text("$at/ca/ca.key.uri") // "$at/ca/ca.key";

    chomp $key;
    unlink "$at/run/sign.sock";

    my $r = run_command([
        debar_path(), 'sign', '--ca', "$at/ca/ca.pem", '--key', $key,
        '--socket', "$at/run/sign.sock", '--pid', "$at/run/sign.pid",
        '--log', "$at/logs/sign.log", '--client-uid', $uid,
        '--client-gid', $gid, '--daemon']);

    (eventually { -S "$at/run/sign.sock" && $self->signer_pid } 10)
        or die "debar sign: $r->{err}\n";
}


sub start {
    my ($self) = @_;
    my $r = $self->command('start');

    return $r if $r->{status} != 0;

    $alive{ $self->{dir} } = $self;

    # A worker has its title a moment after it has been forked.

    eventually { $self->workers >= $self->{count} };
    eventually { port_answers($self->{addr}, $self->{port}) } 30
        if $ENV{DEBAR_VALGRIND};

    return $r;
}


# Reloads, and waits until the workers of before are gone.

sub reload {
    my ($self) = @_;
    my @before = $self->workers;
    my $r = $self->command('reload');

    return $r if $r->{status} != 0;

    (eventually { !grep { running($_) } @before } 10)
        or die "workers of before the reload do not go\n";
    eventually { $self->workers >= $self->{count} };

    return $r;
}


sub stop {
    my ($self) = @_;
    my $r = $self->command('stop');

    delete $alive{ $self->{dir} } if $r->{status} == 0;

    return $r;
}


sub stop_all {
    for my $self (values %alive) {
        my @pids = grep { defined } $self->pid, $self->signer_pid,
                                     $self->inspector_pid,
                                     $self->sealer_pid;

        $self->command('stop');
        stop_process($_, 'KILL') for grep { running($_) } @pids;
    }
}


# What the gateway says of itself.

sub status {
    my ($self) = @_;
    my $r = $self->command('status', '--json');

    return eval { decode_json($r->{out}) } || {};
}


sub pid {
    my ($self) = @_;
    my $text = file_text("$self->{dir}/run/nginx.pid");

    return $text && $text =~ /^(\d+)/ ? $1 : undef;
}


# Of the signer, where the gateway inspects: the parent that watches over it.

sub signer_pid {
    my ($self) = @_;
    my $text = file_text("$self->{dir}/run/sign.pid");

    return $text && $text =~ /^(\d+)/ ? $1 : undef;
}


# Of the inspector, likewise.

sub inspector_pid {
    my ($self) = @_;
    my $text = file_text("$self->{dir}/run/inspect.pid");

    return $text && $text =~ /^(\d+)/ ? $1 : undef;
}


# And of the sealer.

sub sealer_pid {
    my ($self) = @_;
    my $text = file_text("$self->{dir}/run/seal.pid");

    return $text && $text =~ /^(\d+)/ ? $1 : undef;
}


sub workers {
    my ($self) = @_;
    my $pid = $self->pid or return;
    my $text = file_text("/proc/$pid/task/$pid/children") // '';

    # Under valgrind, which is the program then, there are no titles.

    return split / /, $text if $ENV{DEBAR_VALGRIND};

    return grep { (file_text("/proc/$_/cmdline") // '') =~ /worker process/ }
           split / /, $text;
}


# How many sockets the workers hold: what a connection leaves behind shows here.

sub sockets {
    my ($self) = @_;
    my $n = 0;

    for my $pid ($self->workers) {
        $n += grep { (readlink($_) // '') =~ /^socket:/ }
              glob "/proc/$pid/fd/*";
    }

    return $n;
}


# Sets a directive at every place where nginx.conf has it, or else at the top
# of http {}.  Value undef takes it out.

sub set {
    my ($self, $name, $value) = @_;
    my $text = file_text($self->conf_file);
    my $line = defined $value ? "$name $value;" : '';

    if ($text !~ s/^(\s*)\Q$name\E\s[^;]*;/$1$line/mg) {
        $text =~ s/^(http\s*\{)/$1\n    $line/m;
    }

    unlink $self->conf_file;
    write_file($self->conf_file, $text);
}


# The same for what is said in the server of the front.

sub set_front {
    my ($self, $name, $value) = @_;
    my $text = file_text($self->conf_file);

    $text =~ s/^\s*\Q$name\E\s[^;]*;\n//mg;
    $text =~ s/^(\s*)(debar_front\s[^;]*;)/$1$2\n$1$name $value;/m
        or die "nginx.conf has no debar_front\n";

    unlink $self->conf_file;
    write_file($self->conf_file, $text);
}


sub insert {
    my ($self, $after, $lines) = @_;
    my $text = file_text($self->conf_file);

    $text =~ s/($after)/$1\n$lines\n/ or die "nginx.conf has no $after\n";
    write_file($self->conf_file, $text);
}


# nginx -t on what nginx.conf says now.  By default a binary may have its error
# log below -p, where faults that a test wants would count as complaints.

sub test_conf {
    my ($self) = @_;

    return run_command([nginx_path(), '-t', '-e', 'stderr', '-p', $self->{dir},
                        '-c', $self->conf_file]);
}


sub error_log {
    my ($self) = @_;

    return join '', map { file_text($_) // '' } glob "$self->{dir}/logs/*err*";
}


# Lines of the error log that no test may cause.  (A machine may forbid more
# open files: that alert is its own.)

sub complaints {
    my ($self) = @_;

    return join '', map { "$_\n" }
           grep { /\[(?:alert|emerg|crit)\]|exited on signal/ && !/setrlimit/ }
           split /\n/, $self->error_log;
}


# Audit lines since the last call of this, raw; only whole ones.

sub audit_raw {
    my ($self) = @_;
    my $text = file_text($self->audit_file) // '';

    $self->{read} = 0 if length $text < $self->{read};

    my $new = substr $text, $self->{read};

    $new =~ s/[^\n]*\z//;
    $self->{read} += length $new;

    return grep { length } split /\n/, $new;
}


sub audit {
    my ($self) = @_;

    return map { decode_json($_) } $self->audit_raw;
}


# Decisions of audit(), which may come a moment after the answer where nginx's
# own parser refused (log phase): waits for one.

sub audit_soon {
    my ($self) = @_;
    my @lines;

    eventually {
        push @lines, grep { $_->{verdict} } $self->audit;
        scalar @lines;
    } 2;

    return @lines;
}


sub get {
    my ($self, $url, %o) = @_;

    return Debar::Test::Client::get($self->{addr}, $self->{port}, $url, %o);
}


sub client {
    my ($self, %o) = @_;

    return Debar::Test::Client->new($self->{addr}, $self->{port}, %o);
}


# A CONNECT to an authority and its answer (Debar::Test::Tunnel).

sub tunnel {
    my ($self, $authority, %o) = @_;

    return Debar::Test::Tunnel->new($self->{addr}, $self->{port}, $authority,
                                    %o);
}


sub exchange {
    my ($self, @segments) = @_;

    return Debar::Test::Client::exchange($self->{addr}, $self->{port},
                                         @segments);
}


# Puts a newer list in place, as the procurement office does.

sub publish {
    my ($self, $source, @more) = @_;

    return run_command([debar_path(), 'list', 'build', $source, '-o',
                        $self->list, @more]);
}


1;
