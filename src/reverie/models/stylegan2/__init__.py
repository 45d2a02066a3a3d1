"""StyleGAN2 in plain PyTorch: see `config` for what a network is built from and how its weights are named."""
