"""New pictures on a map, and pictures taken off it."""
