"""Whole tables of methods, pairs and seeds: what to train, the trainings, and what came out."""

from .grid import Cell, Row, plan
from .jobs import Workers, run_cells, train_missing
from .presets import preset
from .results import Result, Score, read_result, score

__all__ = ['Cell', 'Result', 'Row', 'Score', 'Workers', 'plan', 'preset', 'read_result',
           'run_cells', 'score', 'train_missing']
