"""The volume of a body: its mesh, its segments with their masses, which of its parts hide which."""

from kinecue.body.volume.body_volume import BodyVolume, PosedVolume
from kinecue.body.volume.occlusion import Occlusion, occlusion_by_other, self_occlusion
from kinecue.body.volume.shape import BodyShape, ShapeError
from kinecue.body.volume.shape_fit import ShapeFit, fit_shape
from kinecue.body.volume.silhouette import Silhouette
from kinecue.body.volume.solids import BodySolids
from kinecue.body.volume.solver import solve_body

__all__ = [
    "BodyShape",
    "BodySolids",
    "BodyVolume",
    "Occlusion",
    "PosedVolume",
    "ShapeError",
    "ShapeFit",
    "Silhouette",
    "fit_shape",
    "occlusion_by_other",
    "self_occlusion",
    "solve_body",
]
