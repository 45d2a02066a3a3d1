"""Find things in a latent space: photographs, classes, directions."""
