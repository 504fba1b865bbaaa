"""How well the parametric body is fitted to standing people, on simulated athletes: mass and widths by view and outfit.

    python -m bench.volume [--views front,45,90,front+90] [--athletes a,b] [--outfits leggings,training,baggy]

Everything is as in use: the network's landmarks and mask; lengths and positions of the joints are the true ones, so that
what is seen is the error of the shape alone. Prints a table and writes ``bench_output/volume.json``.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import sys
import time

import numpy as np
from rich.console import Console
from rich.table import Table

from bench.takes import OUTPUT, STANDING, VIEWS, TakeKey, programme
from kinecue.body.volume.body_volume import BodyVolume
from kinecue.body.volume.shape_fit import ShapeFit, fit_shape
from kinecue.body.volume.silhouette import STATIONS, Silhouette
from kinecue.perception.detector import PersonDetector
from kinecue.perception.landmark_network import LandmarkNetwork
from kinecue.perception.models import ModelStore
from kinecue.perception.silhouettes import mask_to_picture
from kinecue.perception.tracking import RegionTracker
from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.gym import Gym

_FRAMES = 1


def silhouettes(athlete: str, outfit: str, view: str, network: RegionTracker) -> list[Silhouette]:
    """Of the standing athlete, by the network's masks."""
    plan = dataclasses.replace(programme(TakeKey(STANDING, athlete, view)), outfit=outfit)
    gym = Gym(plan)
    renderer = gym.renderer()
    camera = gym.cameras[0]
    network.reset()
    found: list[Silhouette] = []
    for i, taken in enumerate(gym.frames(renderer=renderer)):
        if i % 8 or taken.image is None:
            continue
        points = taken.truth.positions
        people = network.update(taken.image, taken.shot.stamp_ns)
        for person in people:
            if person.mask is not None:
                to_picture = mask_to_picture(person.mask)
                found.append(Silhouette(person.mask.probability, to_picture, camera.model, points))
        if len(found) >= _FRAMES:
            break
    return found


def width_error(fit: ShapeFit, athlete: Athlete, seen: list[Silhouette]) -> float:
    """Mean absolute error of the bare widths at the stations of the trunk and the thighs, m."""
    if not seen:
        return math.nan
    rows = [i for i, s in enumerate(STATIONS) if "trunk" in s.name or "thigh" in s.name]
    silhouette = seen[0]
    widths = []
    for volume in (fit.volume, BodyVolume(athlete.asset)):
        posed = volume.posed(silhouette.points)
        if posed is None:
            return math.nan
        edges = silhouette.edges_of(volume.mesh(posed))
        widths.append(edges.sum(1)[rows])
    return float(np.nanmean(np.abs(widths[0] - widths[1])))


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--athletes", default="average_man,average_woman,heavy,light,muscular,older_woman")
    parser.add_argument("--outfits", default="leggings,training,wide_shirt,baggy")
    parser.add_argument("--views", default="none,front,45,90,front+90")
    options = parser.parse_args()
    console = Console()
    network = RegionTracker(
        PersonDetector(ModelStore().open("pose_detection", "auto", 1)),
        LandmarkNetwork(ModelStore().open("pose_landmark_full", "auto", 1), want_mask=True),
        1,
    )
    rows = []
    for name in options.athletes.split(","):
        athlete = Athlete(name)
        for outfit in options.outfits.split(","):
            seen = {view: silhouettes(name, outfit, view, network) for view in VIEWS if view in options.views}
            for views in options.views.split(","):
                shown = [s for view in views.split("+") for s in seen.get(view, [])]
                if views == "none" and outfit != options.outfits.split(",")[0]:
                    continue
                for sex in (None, athlete.sex):
                    start = time.perf_counter()
                    fit = fit_shape(athlete.lengths, athlete.stature, sex, shown)
                    rows.append(
                        {
                            "athlete": name,
                            "outfit": outfit if shown else "",
                            "views": views,
                            "sex_known": sex is not None,
                            "mass_true_kg": athlete.mass,
                            "mass_kg": fit.mass,
                            "mass_std_kg": fit.mass_std,
                            "femininity": fit.femininity,
                            "femininity_std": fit.femininity_std,
                            "cloth_m": fit.cloth,
                            "width_error_m": width_error(fit, athlete, shown),
                            "width_residual_m": fit.width_residual,
                            "seconds": time.perf_counter() - start,
                        }
                    )
        console.print(f"{name} done")
    _report(console, rows)
    target = OUTPUT / "volume.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    return 0


def _report(console: Console, rows: list[dict[str, object]]) -> None:
    table = Table(title="Mass and widths of fitted bodies, mean over athletes")
    for column in ("outfit", "views", "sex", "mass error", "bias", "stated std", "in 90 %", "widths", "s"):
        table.add_column(column)
    kinds = dict.fromkeys((r["outfit"], r["views"], r["sex_known"]) for r in rows)
    for outfit, views, known in kinds:
        chosen = [r for r in rows if (r["outfit"], r["views"], r["sex_known"]) == (outfit, views, known)]
        error, std, true, widths, seconds = (
            np.array(
                [
                    float(str(r[k])) if k else float(str(r["mass_kg"])) - float(str(r["mass_true_kg"]))
                    for r in chosen
                ]
            )
            for k in ("", "mass_std_kg", "mass_true_kg", "width_error_m", "seconds")
        )
        table.add_row(
            str(outfit),
            str(views),
            "said" if known else "unknown",
            f"{100 * np.mean(np.abs(error) / true):.1f} %",
            f"{100 * np.mean(error / true):+.1f} %",
            f"{100 * np.mean(std / true):.1f} %",
            f"{100 * np.mean(np.abs(error) < 1.645 * std):.0f} %",
            f"{1000 * np.nanmean(widths):.0f} mm" if np.isfinite(widths).any() else "",
            f"{seconds.mean():.2f}",
        )
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
