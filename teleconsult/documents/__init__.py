"""What is printed or mailed: pure functions from what was said to the bytes of a document."""
