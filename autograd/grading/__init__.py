"""What judges somebody's file: the fences around the file, and the formats of the verdict."""
