"""Backups: the whole state in one file, made while servers write, and put back on a fresh machine.

`making` takes one, `archive` is the file, `restoring` puts it back, `shelf` keeps the newest of them.
"""
