"""The version, below everything, so that what stores it need not know the front door."""

__version__ = "0.1.0"
