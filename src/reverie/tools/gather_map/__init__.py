"""Pictures of places on earth."""
