"""Sections of a page about a training run, each from the forecast."""
