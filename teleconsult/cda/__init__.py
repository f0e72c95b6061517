"""CDA R2 documents: read for whom and by whom they are, shown as words, kept whole."""
