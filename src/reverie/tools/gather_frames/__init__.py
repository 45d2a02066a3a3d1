"""Pictures out of films."""
