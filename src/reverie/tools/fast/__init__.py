"""Fast style models: one pass through a network paints."""
