"""Teaching a network a filter, or pairs of pictures."""
