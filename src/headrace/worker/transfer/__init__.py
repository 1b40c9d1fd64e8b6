"""Transfers: a table goes from where it is to where it is wanted, some megabytes at a time.

`moving` tells the story; `sources` and `targets` have a file for each kind of place. Nothing here is imported before a
block needs it.
"""
