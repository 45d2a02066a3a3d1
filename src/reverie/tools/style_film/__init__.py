"""Films in a style."""
