"""demoscope beside other programs for polychoric correlations."""
