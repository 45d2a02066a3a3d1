"""Films through a latent space: walks and journeys."""
