"""The same jobs on many machines, by engines that exist: Ray, and Slurm through submitit."""
