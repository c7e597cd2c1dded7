"""What the tests and verdicts do on data whose truth is known: drawn again for every study, split as the studies split."""
