"""The queue of jobs on one machine: a folder with a database, files by content, results, and worker processes."""
