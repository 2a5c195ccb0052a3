#!/usr/bin/env python3
"""Prints ../entities.h: named character references that text may hide in.

Those of HTML 4, and of HTML 5's those for ASCII, for one letter in another
style and for characters that are not seen.  Run by hand:

    python3 entities.py > ../entities.h
"""

import html.entities
import unicodedata

table = {}

for name, text in html.entities.html5.items():
    if not name.endswith(';') or len(text) != 1:
        continue
    name = name[:-1]
    plain = unicodedata.normalize('NFKC', text)
    if (name in html.entities.name2codepoint or plain.isascii()
            or unicodedata.category(text) == 'Cf'):
        table[name] = ord(text)

print('/* Made by data/entities.py: do not edit.  Sorted by name. */\n')
line = ''
for name in sorted(table, key=str.encode):
    item = '{"%s",0x%X},' % (name, table[name])
    if len(line) + len(item) > 78:
        print(line.rstrip())
        line = ''
    line += item + ' '
print(line.rstrip())
