"""Systems of an establishment that come by themselves: SMART Backend Services at the FHIR door."""
