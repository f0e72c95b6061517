"""What administrators may change of the systems that exchange images: all but whose they are.

How a system is reached was written once before; now each change stands in the audit log.
"""

from typing import Final

WRITTEN_ONCE: Final = {"pacs": ("organization_id",), "dicom_peer": ("organization_id",)}
