"""Named features of a body: what an exercise file can refer to; `docs/features.md` lists them.

To add one, write a small function of a `Pose` and register it with `feature`. The function gets (B, 2, 3)
pairs of joints and returns (B, 2) for a sided feature (left, right) or (B,) for one of the whole body; its
docstring is the definition with sign and zero that the documentation shows. It may only use arithmetic,
`numpy.sqrt`, `abs` and `arctan2`, which `kinecue.exercise.tracing` turns into code for one body with its gradient.

`floor` is what no landmark covariance knows: the error of the joint-centre model itself (a trunk that is
not rigid, hip centres 3 cm high), measured with the kinematic fit on synthetic athletes; engineering
judgement where nothing was measured. Errors of landmarks are mostly bias, so standard deviations are never
reduced by averaging over frames.
"""

from kinecue.exercise.features import arms, balance, directions, hands, legs, tempo, trunk
from kinecue.exercise.features.computer import FeatureComputer, FeatureFrame
from kinecue.exercise.features.registry import FEATURES, Feature, Unit, UnknownFeatureError

__all__ = ["FEATURES", "SOURCES", "Feature", "FeatureComputer", "FeatureFrame", "Unit", "UnknownFeatureError"]

SOURCES = (legs, trunk, arms, hands, balance, directions, tempo)
"""The modules whose features are registered."""
