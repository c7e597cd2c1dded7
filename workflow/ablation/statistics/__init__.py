"""From arrays of replicate numbers to intervals, tests and verdicts.

Every function is pure: plain values and arrays in, plain values out, randomness only through a
passed generator. ``docs/statistics.md`` explains the choices and what each verdict word means.
"""
