"""Numbers that come in while something runs: sensors, controllers, sound, cameras, recordings of them."""
