"""Rehearsals of reactions."""
