"""Bags without ROS: MCAP and SQLite give the same bodies and pictures that were recorded."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from exercise.joint_athlete import Recorder, session, squat, stand
from recordings.bag_files import (
    BODY_ARRAY,
    COMPRESSED,
    IMAGE,
    TYPE_BODIES,
    array_message,
    definition,
    encoded,
    picture_message,
    write_mcap,
    write_sqlite,
)

from kinecue.cli.bag_pictures import BagPictures
from kinecue.recordings import RecordingError
from kinecue.recordings.bag import BagReader, is_bag

BODIES = list(session([stand(0.4), squat()], 20.0, Recorder(white=0.003, std=0.01), start_ns=7_000_000_000))
HEADER = ("std_msgs/Header", "builtin_interfaces/Time")


def body_rows(bodies=BODIES, topic="/bodies"):
    for body in bodies:
        message = array_message(body, body.stamp_ns, [replace(body, id="other")])
        yield topic, TYPE_BODIES, BODY_ARRAY, body.stamp_ns, encoded(TYPE_BODIES, BODY_ARRAY, message)


def picture_rows(compressed):
    kind = "sensor_msgs/msg/CompressedImage" if compressed else "sensor_msgs/msg/Image"
    text = definition(COMPRESSED if compressed else IMAGE, *HEADER)
    topic = "/image_raw/compressed" if compressed else "/image_raw"
    for i in range(3):
        image = np.full((24, 32, 3), 40 * i, np.uint8)
        image[:, :16, 0] = 200
        yield (
            topic,
            kind,
            text,
            10_000 * (i + 1),
            encoded(kind, text, picture_message(image, 10_000 * (i + 1), compressed)),
        )


@pytest.fixture(params=["mcap", "sqlite"])
def write(request, tmp_path):
    if request.param == "mcap":
        return lambda rows: write_mcap(tmp_path / "a.mcap", rows)
    return lambda rows: write_sqlite(tmp_path / "bag", rows)


class TestBodies:
    def test_the_lifter_comes_back_as_recorded(self, write):
        path = write(body_rows())
        assert is_bag(path)
        bag = BagReader(path)
        assert bag.kind == "bodies"
        assert bag.count == len(BODIES)
        read = list(bag.bodies())
        assert [stamp for stamp, _ in read] == [body.stamp_ns for body in BODIES]
        for (_, body), true in zip(read, BODIES, strict=True):
            assert body is not None
            assert body.id == true.id
            assert np.array_equal(body.positions, true.positions, equal_nan=True)
            assert np.array_equal(body.covariances, true.covariances, equal_nan=True)
            assert np.array_equal(body.states, true.states)

    def test_bodies_are_preferred_to_pictures_and_a_topic_can_be_named(self, write):
        path = write([*picture_rows(False), *body_rows(), *body_rows(BODIES[:2], "/view/bodies")])
        assert BagReader(path).topic.name == "/bodies"
        assert BagReader(path, "image_raw").kind == "pictures"
        assert BagReader(path, "/view/bodies").count == 2

    def test_a_frame_without_a_lifter_is_nobody(self, write):
        message = array_message(None, 5, [BODIES[0]])
        rows = [("/bodies", TYPE_BODIES, BODY_ARRAY, 5, encoded(TYPE_BODIES, BODY_ARRAY, message))]
        assert list(BagReader(write(rows)).bodies()) == [(5, None)]

    def test_a_body_of_another_topology_is_refused_by_name(self, write):
        message = array_message(BODIES[0], 5)
        message.bodies[0].topology = "insect_6"
        rows = [("/bodies", TYPE_BODIES, BODY_ARRAY, 5, encoded(TYPE_BODIES, BODY_ARRAY, message))]
        with pytest.raises(RecordingError, match=r"insect_6.*allowed: blazepose_33"):
            list(BagReader(write(rows)).bodies())


class TestPictures:
    @pytest.mark.parametrize("compressed", [False, True])
    def test_pictures_come_back_as_recorded(self, write, compressed):
        bag = BagReader(write(picture_rows(compressed)))
        pictures = list(BagPictures(bag).read())
        assert [stamp for stamp, _ in pictures] == [10_000, 20_000, 30_000]
        assert pictures[2][1].shape == (24, 32, 3)
        assert pictures[2][1][0, 0].tolist() == [200, 80, 80]
        assert pictures[2][1][0, 31].tolist() == [80, 80, 80]


class TestWhatIsWrong:
    def test_an_unknown_topic_lists_those_there_are(self, write):
        with pytest.raises(RecordingError, match=r"no 'nothing'; there are: /bodies"):
            BagReader(write(body_rows(BODIES[:1])), "nothing")

    def test_a_bag_without_anything_to_analyse_says_what_it_has(self, write):
        text = "string data\n"
        rows = [("/talk", "std_msgs/msg/String", text, 1, b"\x00\x01\x00\x00\x02\x00\x00\x00a\x00")]
        with pytest.raises(RecordingError, match=r"/talk \(std_msgs/msg/String, 1\)"):
            BagReader(write(rows))

    def test_a_cut_off_file_is_named(self, tmp_path):
        path = write_mcap(tmp_path / "a.mcap", body_rows(BODIES[:3]))
        path.write_bytes(path.read_bytes()[:-200])
        with pytest.raises(RecordingError, match=r"a\.mcap.*cut off"):
            BagReader(path)

    def test_a_bag_without_message_definitions_says_how_to_convert_it(self, tmp_path):
        path = write_sqlite(tmp_path / "bag", body_rows(BODIES[:1]), definitions=False)
        with pytest.raises(RecordingError, match="ros2 bag convert"):
            list(BagReader(path).bodies())

    def test_a_missing_part_is_named(self, tmp_path):
        path = write_sqlite(tmp_path / "bag", body_rows(BODIES[:1]))
        (path / "bag_0.db3").unlink()
        with pytest.raises(RecordingError, match=r"bag_0\.db3: no such file"):
            BagReader(path)

    def test_other_files_are_no_bags(self, tmp_path):
        path = tmp_path / "a.mcap"
        path.write_bytes(b"nothing of the kind")
        assert not is_bag(path)
        assert not is_bag(tmp_path / "missing.mcap")
