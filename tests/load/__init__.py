"""Many at once, bounded, on this machine alone."""
