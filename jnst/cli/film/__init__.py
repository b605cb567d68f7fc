"""Painted films: preparation, painting, display, result, and going on."""
