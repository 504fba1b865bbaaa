"""What the reference implementations make of the outputs in test/perception/decoder_cases.py.

Run it in an environment of its own with ``rtmlib``, ``transformers``, ``torch``, ``torchvision`` and ``ultralytics``. The
last is AGPL-3.0: it is only asked for numbers here, never imported by KineCue or its tests:

    python bench/decoder_reference.py test/perception/data/decoder_reference.json
"""

from __future__ import annotations

import importlib.metadata
import json
import runpy
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
cases = SimpleNamespace(**runpy.run_path(str(ROOT / "test" / "perception" / "decoder_cases.py")))
_DIGITS = 4


def rtmpose() -> dict[str, Any]:
    """The tool of rtmlib without its session: pre- and post-processing are its own."""
    from rtmlib.tools.pose_estimation.rtmpose import RTMPose

    tool = RTMPose.__new__(RTMPose)
    tool.model_input_size = (192, 256)
    tool.mean, tool.std = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
    inputs, outputs = [], []
    for size in cases.PICTURE_SIZES:
        for box in cases.PERSON_BOXES:
            tensor, centre, scale = tool.preprocess(cases.picture(size), list(box))
            inputs.append(_rounded(cases.samples(tensor)))
            for seed, count in ((1, 17), (2, 26)):
                x, y = cases.simcc(seed, count, 192, 256)
                positions, scores = tool.postprocess([x[None], y[None]], centre, scale)
                outputs.append({"pixels": _rounded(positions[0]), "scores": _rounded(scores[0])})
    return {"inputs": inputs, "outputs": outputs}


def vitpose() -> dict[str, Any]:
    """The image processor of transformers."""
    import torch
    from transformers.models.vitpose.image_processing_vitpose import VitPoseImageProcessor

    processor = VitPoseImageProcessor()
    inputs, outputs = [], []
    for size in cases.PICTURE_SIZES:
        for left, top, right, bottom in cases.PERSON_BOXES:
            boxes = [[[left, top, right - left, bottom - top]]]
            tensor = processor(cases.picture(size), boxes=boxes, return_tensors="np")["pixel_values"]
            inputs.append(_rounded(cases.samples(np.ascontiguousarray(tensor[0]))))
            for seed in (1, 2):
                maps = torch.from_numpy(cases.heatmaps(seed)[None])
                found = processor.post_process_pose_estimation(SimpleNamespace(heatmaps=maps), boxes=boxes)
                person = found[0][0]
                outputs.append(
                    {"pixels": _rounded(person["keypoints"]), "scores": _rounded(person["scores"])}
                )
    return {"inputs": inputs, "outputs": outputs}


def yolo() -> dict[str, Any]:
    """The letterbox, suppression and scaling of ultralytics."""
    import torch
    from ultralytics.data.augment import LetterBox
    from ultralytics.utils import ops
    from ultralytics.utils.nms import non_max_suppression

    inputs, outputs = [], []
    for size in cases.PICTURE_SIZES:
        picture = cases.picture(size)
        boxed = LetterBox((640, 640), auto=False)(image=picture)
        inputs.append(_rounded(cases.samples(np.ascontiguousarray(boxed.transpose(2, 0, 1))) / 255.0))
        for seed in (1, 2):
            output = torch.from_numpy(cases.yolo(seed)[None])
            (found,) = non_max_suppression(output, conf_thres=0.25, iou_thres=0.7, nc=1, max_det=300)
            boxes = ops.scale_boxes((640, 640), found[:, :4].clone(), picture.shape)
            points = ops.scale_coords((640, 640), found[:, 6:].reshape(-1, 17, 3).clone(), picture.shape)
            outputs.append(
                {
                    "found": len(boxes),
                    "boxes": _rounded(boxes[:8]),
                    "scores": _rounded(found[:8, 4]),
                    "pixels": _rounded(points[..., :2][:8]),
                    "confidence": _rounded(points[..., 2][:8]),
                }
            )
    return {"inputs": inputs, "outputs": outputs}


def _rounded(values: Any) -> list[Any]:
    return np.round(np.asarray(values, np.float64), _DIGITS).tolist()


def main() -> None:
    """Write the numbers to the file named on the command line."""
    versions = {name: importlib.metadata.version(name) for name in ("rtmlib", "transformers", "ultralytics")}
    content = {"made_with": versions, "rtmpose": rtmpose(), "vitpose": vitpose(), "yolo": yolo()}
    Path(sys.argv[1]).write_text(json.dumps(content, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
