"""Node `pose`: the shape of the person who was measured, on body_shape and in the person's file."""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np
import pytest
from sensor_msgs.msg import CameraInfo
from test_pose_node import Pictures, image, info, mount

from kinecue.body.anthropometry import SegmentLengths
from kinecue.body.person import Person, load_person, save_person
from kinecue.body.volume.shape_fit import fit_shape
from kinecue.nodes.base import LATCHED_QOS
from kinecue.nodes.body_shape import shape_of_person, with_shape
from kinecue.nodes.volume import shape_from_msg
from kinecue_msgs import msg, srv

DONE = (msg.CalibrationStatus.STATE_DONE, msg.CalibrationStatus.STATE_FAILED)


@pytest.fixture(scope="module")
def picture(sample_squat):
    """Somebody who stands, and the truth."""
    path, truth = sample_squat
    capture = cv2.VideoCapture(str(path))
    frame = capture.read()[1]
    capture.release()
    return frame, truth


@pytest.fixture
def people(tmp_path, models, monkeypatch):
    """A folder of people of its own, with the networks of the real data folder."""
    (tmp_path / "models").symlink_to(models.location("pose_detection").parent)
    monkeypatch.setenv("KINECUE_DATA", str(tmp_path))
    return tmp_path / "people"


def person(**fields) -> Person:
    lengths = SegmentLengths.from_stature(1.78)
    std = SegmentLengths.from_array(0.02 * lengths.as_array())
    return replace(Person("sample", 1.78, lengths, std, "2026-05-01T18:30:00+02:00"), **fields)


class Studio:
    """A pose node that sees the same picture again and again."""

    def __init__(self, bench, picture, **parameters) -> None:
        self.bench, (self.picture, truth), self.number = bench, picture, 0
        self.node = bench.started("pose", model="lite", **mount(truth), **parameters)
        bench.talk(CameraInfo, "camera_info")(info(truth))
        bench.spin(0.1)
        self.shapes = bench.listen(msg.BodyShape, "body_shape", LATCHED_QOS)
        self.told = bench.listen(msg.CalibrationStatus, "calibration_status", LATCHED_QOS)
        self.pictures = Pictures(bench)
        # a tenth of a second apart: the sample stands still all the same
        self.stride = 3

    def see(self, until, most: int = 120, picture=None) -> msg.Body:
        """Pictures until something has happened; the last body."""
        for _ in range(most):
            array = self.pictures.one(image(self.picture if picture is None else picture, self.number))
            self.number += self.stride
            self.bench.spin(0.0)
            if until():
                return array.bodies[0] if array.bodies else None
        raise AssertionError(f"not within {most} pictures; told {[(s.state, s.remarks) for s in self.told]}")

    def shape(self, picture=None) -> tuple[msg.BodyShape, msg.Body]:
        """Pictures until the shape can be fitted, then patience: fitting takes as long as the machine is busy."""
        body = self.see(lambda: not self.node._shape.waits, picture=picture)
        self.bench.wait(lambda: self.shapes, "a shape")
        return self.shapes[-1], body

    def measure(self, **request) -> None:
        """Asks for a calibration and stands still until it is done."""
        answer = self.bench.call(srv.Calibrate, "calibrate", srv.Calibrate.Request(**request))
        assert answer.success, answer.message
        if not request.get("load"):
            self.see(lambda: self.told and self.told[-1].state in DONE)
            assert self.told[-1].state == msg.CalibrationStatus.STATE_DONE, self.told[-1].remarks


@pytest.mark.usefixtures("models")
class TestBodyShape:
    def test_is_fitted_to_the_silhouette_after_measuring_and_kept_with_the_person(
        self, bench, picture, people
    ):
        studio = Studio(bench, picture)
        studio.see(lambda: True)
        studio.measure(person_id="sample", duration_s=0.5)
        assert not studio.shapes
        shape, body = studio.shape()
        assert shape.id == body.id
        assert shape.header.frame_id == "machine_base_link"
        assert shape.widths > 5
        # the athlete of the clip: 1.80 m, and 73.7 kg by the volume of the body that was rendered
        assert shape.stature == pytest.approx(1.80, abs=0.06)
        assert abs(shape.mass - 73.7) < 2.0 * shape.mass_std
        assert 2.0 < shape.mass_std < 12.0
        assert shape_from_msg(shape).mass == pytest.approx(shape.mass, rel=0.02)
        bench.wait(lambda: load_person("sample").shape, "the shape in the file")
        stored = load_person("sample")
        assert stored.mass == pytest.approx(shape.mass, rel=1e-4)
        assert stored.shape["widths"] == shape.widths
        # the networks' masks are asked for once
        studio.see(lambda: True)
        assert not studio.node._shape.wants_mask
        assert len(studio.shapes) == 1

    def test_of_a_guest_is_told_and_not_stored(self, bench, picture, people):
        studio = Studio(bench, picture)
        studio.see(lambda: True)
        studio.measure(duration_s=0.5)
        studio.shape()
        assert not people.exists()

    def test_of_somebody_who_was_fitted_before_is_told_with_the_first_body(self, bench, picture, people):
        save_person(with_shape(person(), fit_shape(person().lengths, 1.78)))
        studio = Studio(bench, picture)
        studio.see(lambda: True)
        studio.measure(person_id="sample", load=True)
        body = studio.see(lambda: studio.shapes, most=40)
        assert studio.shapes[-1].id == body.id
        assert studio.shapes[-1].mass == pytest.approx(load_person("sample").mass)

    def test_of_a_person_given_as_parameter_is_told_too(self, bench, picture, people):
        save_person(with_shape(person(), fit_shape(person().lengths, 1.78)))
        studio = Studio(bench, picture, person="sample")
        studio.see(lambda: studio.shapes, most=40)
        assert studio.shapes[-1].stature == pytest.approx(1.78, abs=0.05)

    def test_reaches_who_comes_late(self, bench, picture, people):
        save_person(with_shape(person(), fit_shape(person().lengths, 1.78)))
        studio = Studio(bench, picture, person="sample")
        studio.see(lambda: studio.shapes, most=40)
        late = bench.listen(msg.BodyShape, "body_shape", LATCHED_QOS)
        bench.wait(lambda: late, "the shape for a late listener")

    def test_of_somebody_who_does_not_stand_comes_from_the_lengths(self, bench, picture, people):
        save_person(person())
        studio = Studio(bench, picture, person="sample")
        cut = picture[0].copy()
        # legs out of sight: nobody stands there as far as can be seen
        cut[cut.shape[0] * 6 // 10 :] = 90
        shape, _ = studio.shape(cut)
        assert shape.widths == 0
        assert shape.mass_std > 5.0


class TestStored:
    def test_a_shape_survives_the_file(self, tmp_path):
        fit = fit_shape(person().lengths, 1.78, name="aaaaa")
        save_person(with_shape(person(), fit), tmp_path)
        message = shape_of_person(load_person("sample", tmp_path))
        assert message is not None
        assert message.mass == pytest.approx(fit.mass, rel=1e-4)
        assert message.thigh == pytest.approx(fit.shape.given_lengths["thigh"], abs=1e-4)
        assert shape_from_msg(message).mass == pytest.approx(fit.mass, rel=0.02)

    def test_who_has_none_has_none(self):
        assert shape_of_person(person()) is None
        assert shape_of_person(person(mass=80.0)) is None
        assert shape_of_person(person(mass=80.0, shape={"build": 0.5})) is None

    def test_a_mass_that_was_weighed_stays_and_one_that_was_fitted_is_fitted_anew(self):
        fit = fit_shape(person().lengths, 1.78)
        assert with_shape(person(mass=91.5), fit).mass == 91.5
        assert with_shape(person(), fit).mass == fit.mass
        again = replace(with_shape(person(), fit), mass=60.0)
        assert with_shape(again, fit).mass == fit.mass
        assert math.isfinite(np.sum(list(with_shape(person(), fit).shape.values())))
