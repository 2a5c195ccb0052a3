#!/usr/bin/env python3
"""Prints top-sites.txt from a copy of the Majestic Million. Run by hand:

    python3 sites.py majestic_million.csv DATE > top-sites.txt
"""

import csv
import sys

SITES = 4000
RESERVED = ('example.com', 'example.net', 'example.org')        # RFC 2606

with open(sys.argv[1], encoding='utf-8', newline='') as f:
    sites = [row['IDN_Domain'] for row in csv.DictReader(f)]

print(f"""\
# Sites that very many others link to, the first of them first.  Made by
# sites.py.
#
# The Majestic Million of {sys.argv[2]}, its first {SITES} sites, by Majestic-12 Ltd,
# https://majestic.com/reports/majestic-million, Creative Commons Attribution
# 3.0 (https://creativecommons.org/licenses/by/3.0/): only the names are here,
# without the ones that RFC 2606 reserves.
#""")

for site in sites[:SITES]:
    if site.isascii() and site not in RESERVED:
        print(site)
