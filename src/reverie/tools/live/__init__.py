"""Live shows: signals mapped to bounded moves, reactions to what is seen, sessions recorded and made again."""
