"""What it costs to write down one person's sound and picture."""
