"""Puts the engine and the equations derived by hand side by side: in numbers and in symbols."""
