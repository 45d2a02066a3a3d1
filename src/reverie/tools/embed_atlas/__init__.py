"""Activation atlases."""
