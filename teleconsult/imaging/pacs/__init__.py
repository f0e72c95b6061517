"""Archives of images (PACS) that we ask: searched for a patient, and fetched from (PS3.4 Annex C, PS3.18 §10)."""
