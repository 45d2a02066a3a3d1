"""Settings over time."""
