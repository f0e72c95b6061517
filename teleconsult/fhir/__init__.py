"""FHIR R4: rows and resources, one mapper each; and the door for other systems, whose offers stand in `door`."""
