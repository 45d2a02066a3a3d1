"""Sound from films and journeys, and films from sound."""
