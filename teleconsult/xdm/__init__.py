"""IHE XDM: documents with their metadata in one ZIP file, as they travel by mail (ITI TF-2 §3.32)."""
