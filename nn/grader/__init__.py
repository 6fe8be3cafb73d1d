"""A grader for learners: is the `backprop(net, x, y)` in their file right, and if not, where does it go wrong, and why?

The file is EXECUTED, in a process of its own with the fences of `autograd.grading`, and judged outside of it.
"""

from nn.grader.report import Report
from nn.grader.verdict import grade

__all__ = ["Report", "grade"]
