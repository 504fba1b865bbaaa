"""What a person has lifted: sets with their repetitions in a database on the machine, without image and without name."""

from kinecue.training.history.export import FORMATS, export
from kinecue.training.history.recorder import SetRecorder
from kinecue.training.history.records import FaultRecord, LoadVelocityPoint, RepetitionRecord, SetRecord
from kinecue.training.history.schema import HistoryError
from kinecue.training.history.store import PersonSummary, Store, history_path

__all__ = [
    "FORMATS",
    "FaultRecord",
    "HistoryError",
    "LoadVelocityPoint",
    "PersonSummary",
    "RepetitionRecord",
    "SetRecord",
    "SetRecorder",
    "Store",
    "export",
    "history_path",
]
