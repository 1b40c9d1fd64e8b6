"""Figures, each beside the physical floor measured in the same run. Machines are noisy: read the ratios."""
