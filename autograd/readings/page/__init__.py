"""Reading 5: a recorded graph as a page, to be stepped through in a browser."""
