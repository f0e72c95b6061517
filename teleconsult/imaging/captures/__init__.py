"""What a doctor brings that is no DICOM: photographs, short videos and PDFs become DICOM objects of the consult."""
