"""Opens pose networks by name: those of BlazePose, or one that the user supplies with a manifest."""

from __future__ import annotations

from pathlib import Path

from kinecue.perception import manifest as schema
from kinecue.perception.adapters.following import OneShotPose, TopDownPose
from kinecue.perception.adapters.rtmpose import RTMPose
from kinecue.perception.adapters.vitpose import ViTPose
from kinecue.perception.adapters.yolo_pose import YoloPose
from kinecue.perception.blazepose import VARIANTS, BlazePose, PoseNetwork
from kinecue.perception.detector import PersonDetector
from kinecue.perception.errors import ModelError
from kinecue.perception.manifest import Heatmaps, Manifest, SimCC, load_user_manifest
from kinecue.perception.models import ModelStore, digest_problem
from kinecue.perception.sessions import Network, open_network

_SUFFIXES = (".yaml", ".yml")
_DETECTOR = "pose_detection"


def open_pose_network(
    store: ModelStore, model: str, provider: str = "auto", threads: int = 1, max_people: int = 1
) -> PoseNetwork:
    """The pose network that a parameter names.

    Args:
        store: where the installed networks are.
        model: a variant of BlazePose, or the path of a manifest of supplied networks; where that lists several,
            ``PATH#NAME``.
        provider: see :func:`kinecue.perception.sessions.open_network`.
        threads: onnxruntime's intra-op threads.
        max_people: how many people are followed at once.

    Raises:
        ConfigError: the manifest is wrong (file and field are named).
        ModelError: unknown name, or a network is missing, damaged or of the wrong kind.
        ProviderError: the provider is unknown, not there, or does not start.
    """
    path, _, name = model.partition("#")
    if model in VARIANTS:
        return BlazePose(store, model, provider, threads, max_people)
    if not path.endswith(_SUFFIXES):
        raise ModelError(
            f"unknown pose network {model!r}; allowed: {', '.join(VARIANTS)}, "
            "or the path of a manifest (.yaml) of a network that you supply"
        )
    network = open_supplied(Path(path).expanduser(), name or None, provider, threads, store.choices)
    if isinstance(network, YoloPose):
        return OneShotPose(network, max_people)
    return TopDownPose(PersonDetector(store.open(_DETECTOR, provider, threads)), network, max_people)


def open_supplied(
    path: Path,
    name: str | None = None,
    provider: str = "auto",
    threads: int = 1,
    choices: Path | None = None,
) -> RTMPose | ViTPose | YoloPose:
    """A network of a user's manifest, checked: bytes, hash, names, shapes, element types, topology.

    Args:
        path: the manifest.
        name: which network of it; None = the only one.
        provider, threads, choices: see :func:`kinecue.perception.sessions.open_network`.

    Raises:
        ConfigError, ModelError, ProviderError: as :func:`open_pose_network`.
    """
    manifest = load_user_manifest(path)
    chosen = _chosen(path, manifest, name)
    entry, interface = manifest.supplied[chosen], manifest.interface_of(chosen)
    file = path.parent / Path(entry.file).expanduser()
    if not file.is_file():
        raise ModelError(f"network {chosen} of {path}: {file} does not exist")
    problem = digest_problem(file, entry.onnx)
    if problem:
        raise ModelError(f"network {chosen} of {path}: {file} is not the file it describes: {problem}")
    network = open_network(file, interface, provider, threads, choices)
    try:
        return _adapter(network)
    except ModelError as error:
        raise ModelError(f"network {chosen} of {path}: {error}") from error


def _chosen(path: Path, manifest: Manifest, name: str | None) -> str:
    names = list(manifest.supplied)
    if name is None and len(names) == 1:
        return names[0]
    if name not in manifest.supplied:
        asked = "more than one network" if name is None else f"no network {name!r}"
        raise ModelError(f"{path} has {asked}; write {path}#NAME with one of: {', '.join(names)}")
    return name


def _adapter(network: Network) -> RTMPose | ViTPose | YoloPose:
    decoding = network.interface.decoding
    if isinstance(decoding, SimCC):
        return RTMPose(network)
    if isinstance(decoding, Heatmaps):
        return ViTPose(network)
    if isinstance(decoding, schema.YoloPose):
        return YoloPose(network)
    raise ModelError("the interface says nothing of decoding; allowed: yolo_pose, simcc, heatmaps")
