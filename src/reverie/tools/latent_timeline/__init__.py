"""A journey edited like film, and edits of rough films made again."""
