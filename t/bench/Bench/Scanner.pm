package Bench::Scanner;

# What agencies have in front of downloads today: squid, which hands each answer
# to c-icap, which has it read by ClamAV.  Signatures cannot be fetched here: there
# is one, of a mark of our own, so that ClamAV's engine reads and digests each
# file and compares it with nothing else.

use strict;
use warnings;

use Debar::Test;
use IO::Socket::UNIX;
use Time::HiRes qw(time);

my $MODULES = '/usr/lib/x86_64-linux-gnu/c_icap';
my $MARK = 'debar bench: what the scanner is to find';


# What is missing, or undef.

sub missing {
    my @not = grep { !-e } '/usr/sbin/squid', '/usr/bin/c-icap',
                           '/usr/sbin/clamd', "$MODULES/virus_scan.so",
                           "$MODULES/clamd_mod.so";

    return @not ? "squid with c-icap and ClamAV was not measured, there is no "
                  . join(', ', @not) . ': apt-get install squid-openssl c-icap'
                  . ' libc-icap-mod-virus-scan clamav-daemon' : undef;
}


# {squid}: the server, once it has refused a file with the mark and passed one
# without; {why}: a word on why there is none; {ms}: what ClamAV alone takes for
# 10 MB.

sub start {
    my ($class, $load, $port) = @_;
    my @pids = (start_clamd(), start_icap());

    $load->write_file_of('marked.bin', 1, $MARK);

    my $self = bless { pids => \@pids, root => $load->{root} }, $class;

    $self->read_alone('marked.bin') =~ /FOUND/
        or die "ClamAV lets go what it has a signature of\n";

    my @ms;

    for (1 .. 3) {
        my $t = time;

        $self->read_alone('ten.bin') =~ /: OK/ or last;
        push @ms, (time - $t) * 1000;
    }

    $self->{ms} = @ms == 3 ? Bench::Load::median(@ms) : undef;
    $self->{squid} = $self->squid($load, $port);

    return $self;
}


sub read_alone {
    my ($self, $name) = @_;
    my $clamd = IO::Socket::UNIX->new(Peer => test_dir() . '/clamd/sock')
        or die "clamd: $!\n";

    print {$clamd} "nSCAN $self->{root}/$name\n";

    return <$clamd> // '';
}


sub squid {
    my ($self, $load, $port) = @_;
    my $squid = $load->squid($port, name => 'scanner', conf => <<"END") or return;
icap_enable on
icap_service_failure_limit -1
icap_service scan respmod_precache bypass=off icap://127.0.0.1:1344/avscan
adaptation_access scan allow all
END

    $squid->{with} = $self->{pids};

    # a client that waits for ever is no measurement

    for (1 .. 3) {
        my $r = run_command([$load->command($squid, '/ten.bin', 1)],
                            timeout => 15);

        next if $r->{out} =~ /^200 10485760 /;

        $self->{why} = 'squid with c-icap and ClamAV was not measured: of 10 MB'
                       . ' it gave ' . ($r->{out} =~ /^(\d+ \d+) /
                                        ? $1 : 'nothing in 15 s');
        $squid->stop;
        return;
    }

    return $squid;
}


sub stop {
    my ($self) = @_;

    $self->{squid}->stop if $self->{squid};
    stop_process($_) for reverse @{ $self->{pids} };
}


sub start_clamd {
    my $dir = test_dir() . '/clamd';

    mkdir $dir;
    mkdir "$dir/signatures";
    write_file("$dir/signatures/bench.ndb",
               'Debar.Bench:0:*:' . unpack('H*', $MARK) . "\n");
    write_file("$dir/clamd.conf", <<"END");
LocalSocket $dir/sock
LocalSocketMode 666
DatabaseDirectory $dir/signatures
TemporaryDirectory $dir
Foreground yes
User clamav
MaxFileSize 2000M
MaxScanSize 2000M
StreamMaxLength 2000M
MaxScanTime 0
END
    system('chown', '-R', 'clamav', $dir);

    my $pid = start_process('clamd', '/usr/sbin/clamd', '-c',
                            "$dir/clamd.conf");

    (eventually { -S "$dir/sock" } 30)
        or die 'clamd does not start: '
               . (file_text(test_dir() . '/clamd.out') // '');

    return $pid;
}


# As Debian ships it, but for what is larger than 5 MB.

sub start_icap {
    my $dir = test_dir() . '/icap';

    mkdir $dir;
    write_file("$dir/c-icap.conf", <<"END");
PidFile $dir/pid
CommandsSocket $dir/ctl
Port 127.0.0.1:1344
User c-icap
Group c-icap
TmpDir $dir
MaxMemObject 131072
Pipelining on
ModulesDir $MODULES
ServicesDir $MODULES
TemplateDir /usr/share/c_icap/templates/
TemplateDefaultLanguage en
LoadMagicFile /etc/c-icap/c-icap.magic
ServerLog $dir/server.log
AccessLog $dir/access.log
Module common clamd_mod.so
clamd_mod.ClamdSocket @{[test_dir()]}/clamd/sock
Service antivirus_module virus_scan.so
ServiceAlias avscan virus_scan?allow204=on&sizelimit=off&mode=simple
virus_scan.DefaultEngine clamd
virus_scan.ScanFileTypes TEXT DATA EXECUTABLE ARCHIVE GIF JPEG MSOFFICE
virus_scan.SendPercentData 5
virus_scan.StartSendPercentDataAfter 2M
virus_scan.MaxObjectSize 2000M
END
    system('chown', '-R', 'c-icap', $dir);

    my $pid = start_process('icap', '/usr/bin/c-icap', '-N', '-f',
                            "$dir/c-icap.conf");

    (eventually { port_answers('127.0.0.1', 1344) } 15)
        or die 'c-icap does not start: '
               . (file_text(test_dir() . '/icap.out') // '')
               . (file_text("$dir/server.log") // '');

    return $pid;
}


1;
