"""Training of StyleGAN2: settings, augmentations, discriminators, losses, the loop, and the tool."""
