"""Pickles and torch files of others, read as data: nothing in them is imported, called or executed, ever."""
