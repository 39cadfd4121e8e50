"""Measuring answers: against references, against each other, and against what they speak of. No model runs here."""
