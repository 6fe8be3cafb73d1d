"""Reading 5: a recorded graph as a page, which is stepped through in a browser."""
