"""Where to build: the same hall at every candidate, hard limits first, then a ranking that says how firmly it stands."""
