"""What leaves: a patient's file or one consult, on paper or as a FHIR document, and the trace of it."""
