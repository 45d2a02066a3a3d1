"""Pictures and films from the latent space of a generator."""
