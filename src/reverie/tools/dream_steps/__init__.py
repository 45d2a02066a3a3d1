"""How a dream goes up: plan, memory, steps, what is raised."""
