"""Networks of other programs: which one a file holds, and its tensors under the names that StyleGAN2 has here."""
