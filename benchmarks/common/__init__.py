"""Shared pieces of the benchmarks: timing, result files, processes, random networks."""
