"""Oracles: the numbers of a finished study, computed again from docs/by-hand.md by code that shares nothing with the package.

``study`` finds and reads the files of a study, ``raw`` reads raw data. ``recipe`` is sections 2 to 5 of the page, ``networks``
section 6, ``training`` sections 7 and 8; ``parts`` joins them. What compares is in ``data_checks``, ``training_checks`` and
``metrics_checks``: the tests call it on a finished study, and ``test_sabotage`` on copies in which one thing is wrong.
"""
