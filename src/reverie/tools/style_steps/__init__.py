"""What style transfer does: scales, terms, steps."""
