"""How well layers separate classes."""
