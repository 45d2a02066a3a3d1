"""Dreams while they are shown."""
