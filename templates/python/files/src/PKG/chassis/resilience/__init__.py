"""Calls to services that may fail."""
