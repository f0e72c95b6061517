"""HL7 v2 over MLLP: who is here, and what the laboratory found."""
