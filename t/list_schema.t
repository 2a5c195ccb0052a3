#!/usr/bin/perl

# debar list schema: what the schema takes is what the reader takes.  Files of
# every list are changed key by key, and schema and reader must agree on each.
# One change of four is made, of every kind and place; with DEBAR_LONG=1 all are.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP;
use Test::More;

use Debar::Test;

my $folder = top_dir() . '/blocklist/schema';
my %file = (vendor => 'vendor', list => 'list', waivers => 'waivers',
            channels => 'channel');
my %schema;

for (sort keys %file) {
    my $r = run_command([debar_path(), qw(list schema), "--$_"]);

    is($r->{out}, file_text("$folder/$file{$_}.schema.json"),
       "the file of $_ is what the command prints");
    $schema{$file{$_}} = JSON::PP->new->decode($r->{out});
}

like(run_command([debar_path(), qw(list schema list.yaml)])->{err},
     qr/debar list check list\.yaml/, 'a file named to it is for another command');


# Every key that the reader knows by name is in a schema.

my %known;

sub walk {
    my ($s) = @_;

    return map { walk($_) } @$s if ref $s eq 'ARRAY';
    return if ref $s ne 'HASH';
    @known{ keys %{ $s->{properties} } } = () if $s->{properties};
    walk($_) for values %$s;
}

walk([values %schema]);

for my $c (glob top_dir() . '/blocklist/source_*.c') {
    my $text = file_text($c);
    my @keys = $text =~ /\{ "([a-z0-9-]+)", [01] \}/g;

    $c =~ s{.*/}{};
    is(join(' ', grep { !exists $known{$_} } @keys), '',
       "$c: its keys are in a schema") if @keys;
}


# A source with something of everything; its parts are changed one by one.

my $dir = test_dir() . '/source';

write_file("$dir/list.yaml", <<'END');
title: A list
publisher: Tests
timezone: Europe/Berlin
serial: 7
expires: 2099-12-31
in-force: [rule-1]
channels: none
keep-open: [agency.example, 'https://lists.example/debar']
authorities:
  rule-1:
    title: One
    url: https://law.example/1
    phases:
      - {from: 2018-07-16, browse: log, acquire: block}
      - {from: 2019-07-16, download: block, update: log}
END

write_file("$dir/vendors/acme.yaml", <<'END');
id: acme
name: Acme
authorities: [rule-1]
names: [Acme Widgets, {text: Acmeware, match: anywhere, action: log, activity: browse, source: x}]
names-from: names.txt
not-names: [Acmetown, {text: Acmeville, source: y}]
hosts: [acme.example, {host: shop.example, subdomains: false, authorities: [rule-1]}, {pattern: 'acme[0-9]\.example', forced: memo 7}]
urls: [shop.example/acme, {url: shop.example/acme2, activity: acquire}]
networks: [192.0.2.0/24, {network: '2001:db8::/32'}]
asns: [64500, {asn: 64501}]
countries: [AQ, {country: BV}]
files: [acme_setup*.exe, {file: acme.msi, activity: acquire}]
sha256: [aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]
signers: [Acme Limited, {signer: Acme GmbH}]
certificate-organizations: [{organization: Acme Inc}]
packages: {npm: [acme-js, {package: acme-ts}], pypi: [{pattern: acme.*}]}
part-numbers: [AB-1234, {part-number: AB-1235}]
gtins: ['04012345000009']
uei: [HWEKRJ3F3N29]
cage: [0ABC1]
products:
  - {id: w, name: Widget, names: [Acme Widget One], part-numbers: [WW-1000]}
permits:
  - {url: www.acme.example/help/*, why: help}
  - {host: help.acme.example, subdomains: true, why: help, authorities: [rule-1]}
  - {url: www.acme.example/t.exe, why: tool, sha256: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb, product: Tool}
END
write_file("$dir/names.txt", "Acme Cogs\n");

write_file("$dir/waivers.yaml", <<'END');
waivers:
  - {id: w-1, vendor: acme, products: [w], authorities: [rule-1], users: [u], clients: [192.0.2.1],
     orders: [O-1], urls: [acme.example], activities: [acquire], from: 2026-01-01, until: 2026-02-01,
     approved-by: CIO, why: migration}
END

write_file("$dir/channels/shop.yaml", <<'END');
id: shop
title: A shop
source: own
hosts: [shop.example]
recipes:
  - {step: cart, activity: acquire, methods: [POST], path: '/cart', query: {'a|b': 'c', d: }, hosts: [x.example]}
words: {path: {acquire: [cart]}, query-keys: {update: [u]}, extensions: {download: [exe]}, veto: [news],
        caution: [ban], cart: [items], report: [r1], withdraw: [w1], cookies: [c1], operations: [o1]}
fields: {maker: [brand], part: [mpn]}
relays:
  - {host: r.example, path: '/(.*)'}
  - {host: r.example, key: url, name-only: true}
documents:
  - {id: d1, title: D, syntax: [json], activity: acquire, root: [order], line: [lines], end: [e], fields: {maker: [m]},
     joined: {part: [p]}, cancel: [c], withdraw: [w], order: [o], returns: true}
END

# The changes are made, and the schema asked, by python3-jsonschema; the reader
# is asked by the command.  Messages of the reader that are about what other
# files say, or two values together, are not a schema's.

write_file(test_dir() . '/ask.py', <<'END');
import sys, json, re, copy, subprocess, os, zlib, yaml, jsonschema

debar, source, schemas, extra = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]

class Loader(yaml.SafeLoader):                  # YAML 1.2: dates are text
    pass
Loader.yaml_implicit_resolvers = {}
def resolver(tag, rx, first):
    Loader.add_implicit_resolver(tag, re.compile(rx), first)
resolver('tag:yaml.org,2002:bool', r'^(?:true|false)$', list('tf'))
resolver('tag:yaml.org,2002:null', r'^(?:~|null|)$', ['~', 'n', ''])
resolver('tag:yaml.org,2002:int', r'^(?:0|-?[1-9][0-9]*)$', list('-0123456789'))

def load(path):
    with open(path, encoding='utf-8') as f:
        return yaml.load(f, Loader)

valid = {}
for name in ('list', 'vendor', 'waivers', 'channel'):
    with open(schemas + '/' + name + '.schema.json') as f:
        s = json.load(f)
    jsonschema.Draft202012Validator.check_schema(s)
    valid[name] = jsonschema.Draft202012Validator(s)

def kind(path):
    d, b = os.path.split(path)
    d = os.path.basename(d)
    return {'vendors': 'vendor', 'channels': 'channel'}.get(d, b.replace('.yaml', ''))

for path in extra:                              # must be right
    bad = [e.message for e in valid[kind(path)].iter_errors(load(path))]
    print('%s %s %s' % ('ok' if not bad else 'not ok', path, '; '.join(bad)[:300]))

# Places of a document, and what is done to each.

def places(node, path=()):
    yield path
    if isinstance(node, dict):
        for k in node:
            yield from places(node[k], path + (k,))
    elif isinstance(node, list):
        for i in range(len(node)):
            yield from places(node[i], path + (i,))

def at(doc, path):
    for p in path:
        doc = doc[p]
    return doc

def change(doc, path, *value):                  # a copy; no value: taken out
    c = copy.deepcopy(doc)
    if value:
        at(c, path[:-1])[path[-1]] = value[0]
    else:
        del at(c, path[:-1])[path[-1]]
    return c

def changes(doc, path):                         # what, and arguments of change
    here = at(doc, path)
    if isinstance(here, dict):
        yield 'an unknown key', (path + ('no-such-key',), 'x')
    if not path:
        return
    last = path[-1]
    if isinstance(last, str):
        yield 'taken out', (path,)
    if last == 'channels':
        return
    for what, value in (('text', 'x7Q'), ('a list', ['x7Q']), ('a map', {'x7Q': 'y'}),
                        ('nothing', None), ('an empty list', []), ('an empty map', {}),
                        ('empty text', ''), ('blanks', '  '), ('a number', 12345), ('zero', 0),
                        ('a truth value', True), ('a day', '2030-01-31'), ('no day', '2030-13-41'),
                        ('long text', 'x' * 5000), ('a long id', 'x' * 65), ('a web address', 'https://x.example/y'),
                        ('an action', 'block'), ('an activity', 'update'), ('a list of lists', [['x7Q']]),
                        ('a list of nothing', [None])):
        yield what, (path, value)

SEMANTIC = re.compile(r'unknown (authority|vendor|product|timezone)|not one of its vendor|is here twice'
    r'|duplicate|bad (host|url|network|asn|country|gtin|uei|cage|part-number|sha256|package|file|signer|organization|date|word|expression|place)'
    r'|over-short|cannot be read|phases rise|is before|bad URL|means something else|longer than 500'
    r'|fits (the empty|every)|this one fits|has no letters|term |file .* is longer|groups in paren|key is longer|belongs? to|is for permits|a public suffix|no shop|bad field|bad cond', re.I)

files = ['list.yaml', 'vendors/acme.yaml', 'waivers.yaml', 'channels/shop.yaml']
n = wrong = 0

for name in files:
    path = source + '/' + name
    with open(path, encoding='utf-8') as f:
        text = f.read()
    doc = load(path)
    v = valid[kind(path)]
    bad = [e.message for e in v.iter_errors(doc)]
    print('%s %s as it is %s' % ('ok' if not bad else 'not ok', name, '; '.join(bad)[:300]))
    for place in places(doc):
        for what, how in changes(doc, place):
            if not os.environ.get('DEBAR_LONG') and zlib.crc32(repr((name, place, what)).encode()) % 4:
                continue
            c = change(doc, *how)
            with open(path, 'w', encoding='utf-8') as f:
                json.dump(c, f)
            r = subprocess.run([debar, 'list', 'check', '--json', source], capture_output=True, text=True)
            out = json.loads(r.stdout)
            said = [e['message'] for e in out.get('errors', []) if e['file'].endswith(name)]
            structural = [m for m in said if not SEMANTIC.search(m)]
            ok = v.is_valid(c)
            n += 1
            # a fault that only the reader can see, or the same answer
            if ok != (not structural) and not (not ok and said):
                wrong += 1
                if wrong <= 40:
                    print('not ok %s /%s: %s: schema %s, reader: %s' % (name, '/'.join(map(str, place)),
                          what, 'takes it' if ok else 'refuses', structural[:2]))
    with open(path, 'w', encoding='utf-8') as f:
        f.write(text)

print('%s %d changes, of which schema and reader see %d differently' % ('ok' if not wrong else 'not ok', n, wrong))
END

my @all = (glob(top_dir() . '/blocklist/lists/*/list.yaml'),
           glob(top_dir() . '/blocklist/lists/*/vendors/*.yaml'),
           glob(top_dir() . '/blocklist/channels/*.yaml'));

my $r = run_command(['python3', '-I', test_dir() . '/ask.py', debar_path(), $dir,
                     $folder, @all], timeout => 600);

is($r->{status}, 0, 'the validator (python3-jsonschema) ran') or diag($r->{err});

my @said = split /\n/, $r->{out};

ok(/^ok /, s/^(?:not )?ok //r) for @said;

cmp_ok(scalar @said, '>=', @all + 5, 'every list and channel was asked for');

done_testing();
