package Debar::Test;

# What every end-to-end test needs: a folder of its own, processes that are
# stopped by pid, files, waiting with a bound, and lists of its own making.

use strict;
use warnings;

use Exporter 'import';
use Cwd qw(realpath);
use File::Basename qw(dirname);
use File::Path qw(make_path remove_tree);
use File::Spec;
use File::Temp ();
use IO::Socket::INET;
use IO::Socket::IP;
use POSIX qw(:sys_wait_h);
use Time::HiRes qw(time sleep);

our @EXPORT = qw(
    build_file debar_path nginx_path top_dir test_dir file_text write_file
    eventually run_command start_process stop_process running port_answers
    write_list build_list www_ids have_ipv6
);

umask 022;

# What tests run in Java lives for a second, half of which a thorough compiler
# and a parallel collector would take.

$ENV{JAVA_TOOL_OPTIONS} //= '-XX:TieredStopAtLevel=1 -XX:+UseSerialGC';

my $owner = $$;
my (%started, $dir);

my $top = realpath(
              File::Spec->catdir(dirname(__FILE__), '..', '..', '..'));


sub top_dir { return $top }

sub build_file {
    my ($name) = @_;
    my $build = $ENV{DEBAR_BUILD} || 'build';

    return File::Spec->catfile(File::Spec->rel2abs($build, $top), $name);
}

sub nginx_path { return $ENV{DEBAR_NGINX} || '/usr/sbin/nginx' }

sub debar_path { return build_file('debar') }

-x debar_path() or die debar_path() . " is not there: make builds it,"
                       . " DEBAR_BUILD names another folder\n";


# The folder of this test, readable for the workers' user.

sub test_dir {
    if (!defined $dir) {
        $dir = File::Temp::tempdir('debar-t-XXXXXX', TMPDIR => 1);
        chmod 0755, $dir;
    }

    return $dir;
}


sub file_text {
    my ($path) = @_;

    open my $f, '<:raw', $path or return undef;
    local $/;

    return scalar <$f>;
}


sub write_file {
    my ($path, $text) = @_;

    make_path(dirname($path));
    open my $f, '>:raw', $path or die "$path: $!\n";
    print {$f} $text or die "$path: $!\n";
    close $f or die "$path: $!\n";

    return $path;
}


# Calls the code until it gives something true, for at most so many seconds.

sub eventually(&;$) {
    my ($code, $seconds) = @_;
    my $until = time + ($seconds // 5);
    my $r;

    until ($r = $code->()) {
        return $r if time > $until;
        sleep 0.01;
    }

    return $r;
}


# Runs a command to its end; killed after `timeout` seconds (status -1 then).

sub run_command {
    my ($cmd, %o) = @_;
    my $out = File::Temp->new;
    my $err = File::Temp->new;
    my $in = defined $o{stdin} ? File::Temp->new : undef;

    if ($in) {
        binmode $in;
        print {$in} $o{stdin};
        $in->flush;
    }

    my $pid = fork // die "fork: $!\n";

    if ($pid == 0) {
        open STDIN, '<', $in ? $in->filename : '/dev/null' or POSIX::_exit(127);
        open STDOUT, '>&', $out or POSIX::_exit(127);
        open STDERR, '>&', $err or POSIX::_exit(127);
        chdir $o{dir} if $o{dir};
        exec @$cmd or POSIX::_exit(127);
    }

    my ($status, $until) = (-1, time + ($o{timeout} // 60));

    while (1) {
        my $got = waitpid $pid, WNOHANG;

        if ($got == $pid) {
            $status = WIFEXITED($?) ? WEXITSTATUS($?) : 128 + WTERMSIG($?);
            last;
        }

        if (time > $until) {
            kill 'KILL', $pid;
            waitpid $pid, 0;
            last;
        }

        sleep 0.005;
    }

    return { status => $status, out => file_text($out->filename),
             err => file_text($err->filename) };
}


# A process of the test's own, in the foreground; its output goes to a file.

sub start_process {
    my ($name, @cmd) = @_;
    my $log = test_dir() . "/$name.out";
    my $pid = fork // die "fork: $!\n";

    if ($pid == 0) {
        open STDIN, '<', '/dev/null' or POSIX::_exit(127);
        open STDOUT, '>>', $log or POSIX::_exit(127);
        open STDERR, '>&', \*STDOUT or POSIX::_exit(127);
        ref $cmd[0] ? $cmd[0]->() : exec @cmd;
        POSIX::_exit(127);
    }

    $started{$pid} = $name;

    return $pid;
}


sub running {
    my ($pid) = @_;

    return 0 if !$pid || !kill 0, $pid;

    my $stat = file_text("/proc/$pid/stat") // '';

    return $stat !~ /\) Z /;
}


sub stop_process {
    my ($pid, $signal) = @_;

    return 1 if !$pid;

    kill $signal // 'TERM', $pid;

    my $gone = eventually {
        waitpid $pid, WNOHANG;
        !running($pid);
    } 5;

    kill 'KILL', $pid if !$gone;
    waitpid $pid, 0;

    delete $started{$pid};

    return $gone;
}


sub port_answers {
    my ($addr, $port) = @_;
    my $s = IO::Socket::INET->new(PeerAddr => $addr, PeerPort => $port,
                                  Timeout => 1);
    close $s if $s;

    return $s ? 1 : 0;
}


sub have_ipv6 {
    return IO::Socket::IP->new(LocalHost => '::1', Listen => 1) ? 1 : 0;
}


# uid and gid of the user that Debian's nginx workers run as.

sub www_ids {
    my @pw = getpwnam 'www-data';

    return @pw[2, 3];
}


# Writes a list source with one vendor, "acme".  keys: serial, expires, hosts,
# vendor (YAML to follow), phases (YAML), browse (the action of browsing).

sub write_list {
    my ($path, %o) = @_;
    my $hosts = join '', map { "  - $_\n" }
                @{ $o{hosts} || ['listed.example'] };
    my $serial = $o{serial} // 1;
    my $expires = $o{expires} // '2099-12-31';
    my $phases = $o{phases} // '{from: 2000-01-01, browse: block,'
                 . ' acquire: block, download: block, update: block}';

    write_file("$path/list.yaml", <<"END");
title: List of a test
publisher: Debar tests
serial: $serial
expires: $expires
channels: none
authorities:
  rule-1:
    title: Rule One of the test
    url: https://law.example/rule-1
    phases:
      - $phases
END

    my $vendor = $o{vendor} // '';

    write_file("$path/vendors/acme.yaml", <<"END");
id: acme
name: Acme Limited
authorities: [rule-1]
hosts:
$hosts$vendor
END

    return $path;
}


# Builds a snapshot and dies where that fails, since no test goes on then.

sub build_list {
    my ($source, $to, @more) = @_;
    my $r = run_command([debar_path(), 'list', 'build', $source, '-o', $to,
                         @more], timeout => 300);

    die "debar list build $source: $r->{err}\n" if $r->{status} != 0;

    return $to;
}


END {
    if ($$ == $owner) {
        my $status = $?;

        stop_process($_) for keys %started;
        Debar::Test::Gateway::stop_all() if defined &Debar::Test::Gateway::stop_all;

        if (defined $dir) {
            if ($status == 0 && !$ENV{DEBAR_TEST_KEEP}) {
                remove_tree($dir, { error => \my $ignored });

            } else {
                print STDERR "# left for you to look at: $dir\n";
            }
        }

        $? = $status;
    }
}


1;
