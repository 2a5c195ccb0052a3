#!/usr/bin/python3
"""Prints common-words.txt.  Run by hand, with Debian's python3-zxcvbn and
wamerican-small:

    /usr/bin/python3 words.py > common-words.txt
"""

from zxcvbn.frequency_lists import FREQUENCY_LISTS

with open('/usr/share/dict/american-english-small', encoding='utf-8') as f:
    dictionary = {w.strip() for w in f}

# Each word is in one of the lists only, by its best rank.

ranks = {}

for name in ('english_wikipedia', 'us_tv_and_film', 'passwords'):
    for rank, word in enumerate(FREQUENCY_LISTS[name]):
        if word.isascii() and word.isalpha() and word in dictionary:
            ranks[word] = min(rank, ranks.get(word, rank))

words = sorted(ranks, key=lambda word: (ranks[word], word))

print("""\
# Common words of English, the most frequent first.  Made by words.py.
#
# Order: zxcvbn 4.4.28 (Debian python3-zxcvbn 4.4.28-3), its ranks of the
# English Wikipedia, of television and of passwords; Copyright 2012-2013 Dropbox, Inc., 2016 Daniel Wolf; MIT
# licence.  Only what stands in lower case in SCOWL 2020.12.07 (Debian
# wamerican-small), so that no name is here; Copyright 2000-2011 Kevin Atkinson;
# SCOWL's licence: use, copying and distribution for any purpose, with notice.
#""")
print('\n'.join(words[:8000]))
