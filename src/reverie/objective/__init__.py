"""Scores to raise: functions that return `Objective` values, which add, subtract and scale."""

from reverie.objective.assigned import assigned, assigned_directions
from reverie.objective.base import Custom, Objective, Sum
from reverie.objective.bn_statistics import bn_statistics
from reverie.objective.caricature import caricature
from reverie.objective.channel import channel, direction, neuron
from reverie.objective.diversity import likeness
from reverie.objective.equalized import equalized
from reverie.objective.guide import guide_best_match, guide_channels
from reverie.objective.layer import layer
from reverie.objective.logit import logit
from reverie.objective.target import target
from reverie.objective.total_variation import total_variation

__all__ = [
    "Custom", "Objective", "Sum", "assigned", "assigned_directions", "bn_statistics", "caricature", "channel",
    "direction", "equalized",
    "guide_best_match", "guide_channels", "layer", "likeness", "logit", "neuron", "target", "total_variation",
]  # fmt: skip
