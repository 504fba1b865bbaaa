"""What came out of a recording, for programs (JSON, CSV) and for people (one HTML page)."""

from kinecue.report.analysis import Analysis, AnalysisRecorder, FrameRecord
from kinecue.report.document import FORMAT, to_document, unknown_document
from kinecue.report.page import to_page
from kinecue.report.rows import write_frames, write_repetitions

__all__ = [
    "FORMAT",
    "Analysis",
    "AnalysisRecorder",
    "FrameRecord",
    "to_document",
    "to_page",
    "unknown_document",
    "write_frames",
    "write_repetitions",
]
