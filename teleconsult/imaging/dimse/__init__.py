"""DICOM over its own protocol (PS3.7, PS3.8): who may send, and the process that takes what they send."""
