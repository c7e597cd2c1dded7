"""Words and numbers of every page and figure, by language."""
