"""Writes pages that show a network in a browser."""

from nn.pages.digit import digit_page

__all__ = ["digit_page"]
