"""The page and the files that a map of a collection is shown by."""
