"""Scores to raise: functions that return `Objective` values, which add, subtract and scale."""

from reverie.objective.base import Custom, Objective, Sum
from reverie.objective.channel import channel, direction, neuron
from reverie.objective.layer import layer
from reverie.objective.logit import logit
from reverie.objective.total_variation import total_variation

__all__ = ["Custom", "Objective", "Sum", "channel", "direction", "layer", "logit", "neuron", "total_variation"]
