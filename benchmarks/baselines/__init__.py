"""What jnst is compared with: published programs and their objectives, in plain PyTorch."""
