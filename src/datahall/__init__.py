"""Datahall: the AI data centre as code. One hall file; plan it, run it, rehearse it."""

__version__ = "0.1.0"
