"""The studio: all tools in a browser, on the queue of jobs."""
