from __future__ import annotations

import numpy as np
import pytest

from kinecue.body.errors import KineCueError
from kinecue.body.landmarks import Landmark
from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.picture.appearance import dress
from kinecue.simulation.picture.bystanders import Bystander
from kinecue.simulation.picture.outfits import OUTFITS


@pytest.fixture(scope="module")
def person():
    athlete = Athlete("female", 1.66)
    return athlete, dress(athlete, OUTFITS["leggings"])


def hips(bystander, time_s):
    transforms = bystander.transforms(time_s)
    points = bystander.athlete.landmarks(transforms)
    return (points[Landmark.LEFT_HIP] + points[Landmark.RIGHT_HIP]) / 2.0


def test_somebody_walks_along_the_path_and_is_gone_before_and_after(person):
    walker = Bystander(*person, path=((4.0, -2.0), (4.0, 2.0)), speed=1.3, start_s=2.0)
    assert walker.actor(1.9) is None
    assert walker.actor(60.0) is None
    times = np.arange(2.1, 4.5, 0.2)
    track = np.array([hips(walker, t) for t in times])
    assert np.abs(track[:, 0] - 4.0).max() < 0.08
    assert (np.diff(track[:, 1]) > 0.0).all()
    # in the middle of the way at the asked speed
    middle = (times > 3.0) & (times < 4.2)
    assert np.polyfit(times[middle], track[middle, 1], 1)[0] == pytest.approx(1.3, rel=0.1)


def test_who_stands_looks_where_told_and_stays(person):
    waiting = Bystander(*person, path=((4.5, 1.0),), facing=np.pi / 2)
    transforms = waiting.transforms(0.0)
    points = person[0].landmarks(transforms)
    assert points[Landmark.NOSE][1] > points[Landmark.LEFT_EAR][1] + 0.05
    assert hips(waiting, 100.0)[:2] == pytest.approx([4.5, 1.0], abs=0.1)
    assert waiting.actor(100.0) is not None


@pytest.mark.parametrize(
    ("change", "message"),
    [({"path": ()}, "path must be at least one point"), ({"speed": 9.0}, "speed must be 0.4 to 2")],
)
def test_wrong_bystanders_are_refused(person, change, message):
    with pytest.raises(KineCueError, match=message):
        Bystander(*person, **{"path": ((0.0, 0.0), (1.0, 0.0)), **change})
