"""Rows and FHIR R4 resources: pure functions, one mapper a resource."""
