"""Reads a recorded graph: as a picture, step by step, as equations, as a NumPy program, and run again."""
