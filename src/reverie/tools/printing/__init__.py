"""Pages for the printer."""
