"""Dreams of pictures and films."""
