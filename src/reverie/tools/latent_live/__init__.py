"""Latent space while it is shown: live, and as a page."""
