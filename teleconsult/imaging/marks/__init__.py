"""Measurements on images: what is drawn, what it amounts to, and the report it is kept as."""
