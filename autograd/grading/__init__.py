"""Judges somebody's file: the fences around it, and the formats of the verdict."""
