"""How well layers tell classes apart."""
