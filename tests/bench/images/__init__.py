"""Images against another archive: Debian's Orthanc with its DICOMweb plugin, on the same data in the same run."""
