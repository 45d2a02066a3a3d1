"""Dreamt films and loops."""
