"""What every kind of film has in common."""
