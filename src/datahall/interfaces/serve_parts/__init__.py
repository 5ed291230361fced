"""Sections of a page about serving, each from the forecast."""
