"""Copies of an installation that its own program cannot read, and what brings one back."""
