"""Draws the contact sheet of all simulated exercises.

    python tools/contact_sheet.py --out docs/images/exercises.jpg

One row for each exercise: start, half way, turning point, from 45 degrees; the turning point from the front and from the
side; and one of its faults at its largest. Names of what is seen are written into the pictures.
"""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.athletes.presets import ATHLETES
from kinecue.simulation.exercises import EXERCISES
from kinecue.simulation.gear.equipment import Place
from kinecue.simulation.movement.figure import Figure
from kinecue.simulation.movement.performance import Performance
from kinecue.simulation.movement.set_plan import OFFSET, TURN_RANGE, PlantedFault, SetPlan
from kinecue.simulation.picture.actors import Actor, Stage
from kinecue.simulation.picture.appearance import dress
from kinecue.simulation.picture.cameras import CAMERAS
from kinecue.simulation.picture.framing import whole_body_distance
from kinecue.simulation.picture.outfits import OUTFITS
from kinecue.simulation.picture.renderer import Renderer
from kinecue.simulation.picture.scene import Scene
from kinecue.simulation.rotations import yaw

Image = NDArray[np.uint8]

TILE = (200, 200)
"""Width and height of one picture of the sheet, px."""
COLUMNS = ((0.0, 45.0), (0.5, 45.0), (1.0, 45.0), (1.0, 0.0), (1.0, 90.0))
"""Share of the way out, and view in degrees."""


def shot(performance: Performance, figure: Figure, row: int, view: float, outfit: str) -> Image:
    """One picture of one moment, cut to the person's surroundings."""
    athlete, camera = performance.athlete, CAMERAS["webcam"]
    equipment = performance.technique.equipment
    points = np.stack(list(figure.points.values()), 1).reshape(-1, 3)
    points = np.concatenate([points, points + [0.0, 0.0, 0.15], points - [0.0, 0.0, 0.05]])
    angle = math.radians(view)
    place = Place(yaw(math.pi - angle), np.array([whole_body_distance(points, camera, angle), 0.0, 0.0]))
    furniture = equipment.furniture().moved(place.rotation, place.translation)
    spot = (float(place.translation[0]), 0.0)
    renderer = Renderer(camera, Scene(seed=1, spot=spot, extra=(furniture,)))
    transforms = athlete.transforms(figure.pose(athlete, row).moved(place.rotation, place.translation))
    mesh = dress(athlete, OUTFITS[outfit])
    image = renderer.draw(Stage((Actor(mesh, transforms),), equipment.props(transforms, place)))
    pixels = camera.project(place.points(points))
    middle = int(np.clip((pixels[:, 0].min() + pixels[:, 0].max()) / 2.0, 240, 400))
    return np.asarray(cv2.resize(image[:, middle - 240 : middle + 240], TILE, interpolation=cv2.INTER_AREA))


def labelled(image: Image, text: str) -> Image:
    """The picture with a line of text in a band at its foot."""
    result = image.copy()
    cv2.rectangle(result, (0, TILE[1] - 20), (TILE[0], TILE[1]), (38, 34, 32), -1)
    cv2.putText(
        result, text, (6, TILE[1] - 6), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (240, 240, 240), 1, cv2.LINE_AA
    )
    return result


def row(exercise: str, preset: str, outfit: str) -> Image:
    """The pictures of one exercise side by side."""
    kind = EXERCISES[exercise]
    athlete = Athlete(preset)

    def perform(*faults: PlantedFault) -> Performance:
        plan = SetPlan(1, faults=faults, still_s=0.2, variation=0.0, side="left")
        return Performance(athlete, kind, plan)

    performance = perform()
    first = performance.timeline.repetitions[0]
    figure = performance.figure(np.linspace(first.start_s, first.turn_s + 1e-6, 9))
    tiles = []
    for share, view in COLUMNS:
        picture = shot(performance, figure, round(share * 8), view, outfit)
        tiles.append(labelled(picture, f"{kind.title}, {view:.0f} deg"))
    name, fault = next((n, f) for n, f in kind.faults.items() if f.way in (OFFSET, TURN_RANGE))
    faulty = perform(PlantedFault(name, (1,), fault.limit))
    first = faulty.timeline.repetitions[0]
    times = np.linspace(first.start_s, first.end_s, 61)
    present = np.array([active.get(name, 0.0) for active in faulty.active_faults(times)])
    worst = int(np.argmax(present > 0.98 * present.max()))
    picture = shot(faulty, faulty.figure(times[[worst]]), 0, 45.0, outfit)
    return np.hstack([*tiles, labelled(picture, f"fault: {name}")])


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description="Draw the contact sheet of all simulated exercises.")
    parser.add_argument("--out", type=Path, default=Path("docs/images/exercises.jpg"))
    parser.add_argument("--exercise", action="append", choices=list(EXERCISES), help="default: all")
    options = parser.parse_args()
    presets, outfits = list(ATHLETES), list(OUTFITS)
    rows = []
    for i, exercise in enumerate(track(options.exercise or list(EXERCISES), description="exercises")):
        rows.append(row(exercise, presets[i % len(presets)], outfits[i % len(outfits)]))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(options.out), np.vstack(rows), [cv2.IMWRITE_JPEG_QUALITY, 80]):
        print(f"{options.out}: cannot be written", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
