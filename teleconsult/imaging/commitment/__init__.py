"""Storage commitment (PS3.4 Annex J): a sender asks whether we take responsibility for its objects, and is told."""
