"""Node `scoring`: bodies in; angles, form, faults, repetitions and sets out."""

from __future__ import annotations

import copy
import math
import shutil

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from joint_athlete import Recorder, session, squat, stand
from node_bench import values
from rclpy.parameter import Parameter

from kinecue.body.paths import share_dir
from kinecue.exercise import available_exercises
from kinecue.nodes import conversions as convert
from kinecue.nodes import message_parts as parts
from kinecue.nodes.base import EVENT_QOS, LATCHED_QOS, stamp_to_ns
from kinecue_msgs import msg, srv

FPS = 24.0
START_NS = 5_000_000_000


def array_of(body, frame_id="machine_base_link") -> msg.BodyArray:
    """A frame with one lifter."""
    message = msg.BodyArray(header=parts.header(body.stamp_ns, frame_id))
    message.bodies = [convert.body_to_msg(body, frame_id)]
    return message


def bodies(parts, start_ns=START_NS, **recorder):
    made = Recorder(**{"white": 0.003, "bias": 0.005, "std": 0.01, **recorder})
    return list(session(parts, FPS, made, start_ns=start_ns))


STANDING = bodies([stand(0.5)])


class Lifter:
    """Sends bodies one by one and keeps all that comes back."""

    def __init__(self, bench) -> None:
        self.bench = bench
        self.forms = bench.listen(msg.FormState, "form")
        self.angles = bench.listen(msg.JointAngles, "joint_angles")
        self.faults = bench.listen(msg.FormFault, "faults", EVENT_QOS)
        self.repetitions = bench.listen(msg.Repetition, "repetitions", EVENT_QOS)
        self.sets = bench.listen(msg.SetSummary, "set", LATCHED_QOS)
        self.send = bench.talk(msg.BodyArray, "bodies")
        for topic in ("form", "joint_angles", "faults", "repetitions", "set"):
            bench.connected(topic)

    def play(self, people) -> None:
        for body in people:
            self.one(array_of(body))

    def one(self, message: msg.BodyArray) -> msg.FormState:
        before = len(self.forms)
        self.send(message)
        self.bench.wait(lambda: len(self.forms) > before, "a form")
        return self.forms[-1]


@pytest.fixture
def lifter(bench):
    bench.started("scoring")
    return Lifter(bench)


class TestFromBodiesToForm:
    def test_counts_a_set_and_names_the_fault_of_the_right_repetition(self, bench, lifter):
        people = bodies([stand(1.0), squat(), stand(0.6), squat(ratio=0.55), stand(1.0)])
        lifter.play(people)
        bench.wait(lambda: len(lifter.repetitions) == 2)
        assert [rep.number for rep in lifter.repetitions] == [1, 2]
        assert {rep.status for rep in lifter.repetitions} == {msg.Repetition.STATUS_VALID}
        assert lifter.faults
        assert {(fault.name, fault.repetition) for fault in lifter.faults} == {("knees_in", 2)}
        fault = lifter.faults[0]
        assert fault.id.startswith("squat/2/knees_in")
        assert fault.body_part == "knees"
        assert fault.measured.value < fault.limit
        assert 0.5 < fault.probability <= 1.0
        assert list(lifter.repetitions[1].faults) == ["knees_in"]
        assert not lifter.repetitions[0].faults
        assert lifter.sets[-1].counted == 2

    def test_carries_the_stamps_of_the_frames(self, bench, lifter):
        people = bodies([stand(1.0), squat(ratio=0.55), stand(1.0)])
        lifter.play(people)
        bench.wait(lambda: lifter.repetitions and lifter.faults and len(lifter.angles) == len(people))
        sent = [body.stamp_ns for body in people]
        assert [stamp_to_ns(form.header.stamp) for form in lifter.forms] == sent
        assert [stamp_to_ns(angles.header.stamp) for angles in lifter.angles] == sent
        rep = lifter.repetitions[0]
        for stamp in (rep.header.stamp, lifter.faults[0].header.stamp, lifter.faults[0].onset):
            assert stamp_to_ns(stamp) in sent
        assert stamp_to_ns(rep.start) < stamp_to_ns(rep.bottom) < stamp_to_ns(rep.end)
        assert {form.header.frame_id for form in lifter.forms} == {"machine_base_link"}

    def test_angles_have_units_and_standard_deviations(self, lifter):
        lifter.play(STANDING)
        angles = {(a.name, a.side): a for a in lifter.angles[-1].angles}
        knee = angles["knee_flexion", msg.JointAngle.SIDE_LEFT]
        assert knee.unit == "rad"
        assert knee.validity == msg.JointAngle.VALID
        assert math.degrees(knee.value) == pytest.approx(6.0, abs=4.0)
        assert 0.0 < knee.std < 0.2

    def test_scores_the_active_body_only(self, lifter):
        active, bystander = bodies([stand(0.2)])[0], bodies([squat(ratio=0.5)], body_id="b")[10]
        message = array_of(active)
        message.bodies.insert(0, convert.body_to_msg(bystander, "machine_base_link", active=False))
        assert lifter.one(message).body_id == "a"

    def test_nobody_is_said_and_not_scored(self, lifter):
        lifter.play(STANDING)
        stamp = STANDING[-1].stamp_ns + 40_000_000
        form = lifter.one(msg.BodyArray(header=parts.header(stamp, "machine_base_link")))
        assert form.phase == msg.FormState.PHASE_UNKNOWN
        assert math.isnan(form.d)
        assert form.d_reason == msg.JointAngle.REASON_NO_PERSON

    def test_a_late_joiner_learns_the_set(self, bench):
        bench.started("scoring", exercise="biceps_curl")
        sets = bench.listen(msg.SetSummary, "set", LATCHED_QOS)
        bench.wait(lambda: sets)
        assert sets[0].exercise == "biceps_curl"


class TestBadMessages:
    def test_each_is_told_and_the_next_good_one_is_scored(self, bench, lifter):
        people = bodies([stand(2.0)])
        good = iter(people)
        lifter.one(array_of(next(good)))
        heard = bench.diagnostics()
        for spoil, words in SPOILED:
            message = array_of(next(good))
            spoil(message.bodies[0])
            lifter.send(message)
            heard.wait("scoring", DiagnosticStatus.WARN, *words)
            form = lifter.one(array_of(next(good)))
            assert form.body_id == "a"
        assert len(lifter.forms) == len(SPOILED) + 1
        assert values(heard.of("scoring")[-1])["errors"] == str(len(SPOILED))

    def test_numbers_that_are_none_do_no_harm(self, lifter):
        people = bodies([stand(1.0), squat(), stand(0.5)])
        nothing = (math.nan, math.inf, -math.inf, 1e300)
        for number, body in enumerate(people):
            message = array_of(body)
            if number % 5 == 4:
                for landmark in message.bodies[0].landmarks:
                    value = nothing[number // 5 % len(nothing)]
                    landmark.position.x = landmark.position.z = value
                    landmark.covariance = np.full(9, value)
            lifter.one(message)
        assert [rep.number for rep in lifter.repetitions] == [1]
        for fault in lifter.faults:
            assert math.isfinite(fault.measured.value)
        for rep in lifter.repetitions:
            assert math.isfinite(rep.feature_peak.value)

    def test_stamps_out_of_order_are_dropped_and_counted(self, bench, lifter):
        people = bodies([stand(1.0)])
        heard = bench.diagnostics()
        lifter.play(people[:10])
        for late in (people[3], people[9], people[0]):
            lifter.send(array_of(late))
        lifter.one(array_of(people[10]))
        stamps = [stamp_to_ns(form.header.stamp) for form in lifter.forms]
        assert stamps == sorted(set(stamps))
        status = heard.wait("scoring", DiagnosticStatus.OK, "scoring")
        assert values(status)["late frames dropped"] == "3"

    def test_a_clip_that_starts_again_is_scored_again(self, lifter):
        lifter.play(bodies([stand(0.5)], start_ns=100 * START_NS))
        form = lifter.one(array_of(STANDING[0]))
        assert stamp_to_ns(form.header.stamp) == START_NS


def _set(field, value):
    def spoil(body):
        setattr(body, field, value)

    return spoil


def _drop_landmark(body):
    body.landmarks = body.landmarks[:-1]


def _swap_landmarks(body):
    body.landmarks = [body.landmarks[1], body.landmarks[0], *body.landmarks[2:]]


def _no_landmarks(body):
    body.landmarks = []


def _state(body):
    body.landmarks[3].state = 17


def _joint_index(body):
    body.joint_indices, body.joint_covariance = [200], [0.0] * 6


def _joint_size(body):
    body.joint_indices, body.joint_covariance = [1, 2], [0.0] * 6


SPOILED = [
    (_set("topology", ""), ("Body.topology", "allowed: blazepose_33, halpe_26, coco_17")),
    (_set("topology", "blazepose_34"), ("blazepose_34", "allowed")),
    (_set("topology", "coco_17"), ("Body.landmarks", "coco_17")),
    (_drop_landmark, ("Body.landmarks", "33")),
    (_swap_landmarks, ("Body.landmarks", "order")),
    (_no_landmarks, ("Body.landmarks", "33")),
    (_state, ("Landmark.state is 17", "0 LOST, 1 INFERRED, 2 OBSERVED")),
    (_joint_index, ("Body.joint_indices", "200", "0 to 32")),
    (_joint_size, ("Body.joint_covariance", "expected 21")),
]


class TestServices:
    def select(self, bench, name):
        return bench.call(srv.SelectExercise, "select_exercise", srv.SelectExercise.Request(exercise=name))

    def test_select_changes_the_exercise_for_the_graph(self, bench, lifter):
        lifter.play(STANDING)
        answer = self.select(bench, "biceps_curl")
        assert answer.success
        assert list(answer.available) == list(available_exercises())
        bench.wait(lambda: lifter.sets and lifter.sets[-1].exercise == "biceps_curl")
        later = bodies([stand(0.2)], start_ns=START_NS + 10**9)
        assert lifter.one(array_of(later[0])).exercise == "biceps_curl"

    @pytest.mark.parametrize(
        "name", ["", "burpee", "../squat", "/etc/passwd", "squat.yaml", "SQUAT", "ä" * 3000]
    )
    def test_select_refuses_unknown_names_with_those_there_are(self, bench, lifter, name):
        answer = self.select(bench, name)
        assert not answer.success
        assert "biceps_curl, " in answer.message
        assert ", squat" in answer.message
        assert list(answer.available) == list(available_exercises())
        assert lifter.one(array_of(STANDING[0])).exercise == "squat"

    def test_start_counts_anew(self, bench, lifter):
        lifter.play(bodies([stand(1.0), squat(), stand(1.0)]))
        bench.wait(lambda: lifter.repetitions)
        first = lifter.sets[-1]
        assert first.counted == 1
        answer = bench.call(srv.StartSet, "start_set", srv.StartSet.Request(load_kg=42.5))
        assert answer.success
        assert answer.set_id != first.set_id
        bench.wait(lambda: lifter.sets[-1].set_id == answer.set_id)
        assert lifter.sets[-1].active
        assert lifter.sets[-1].counted == 0
        assert lifter.sets[-1].load_kg == pytest.approx(42.5)

    @pytest.mark.parametrize("load", [math.nan, -5.0, 0.0])
    def test_start_without_a_usable_load(self, bench, lifter, load):
        assert bench.call(srv.StartSet, "start_set", srv.StartSet.Request(load_kg=load)).success
        bench.wait(lambda: lifter.sets and lifter.sets[-1].active)
        assert math.isnan(lifter.sets[-1].load_kg)

    def test_end_gives_the_summary_and_ends_scoring(self, bench, lifter):
        lifter.play(bodies([stand(1.0), squat(), stand(1.0)]))
        answer = bench.call(srv.EndSet, "end_set", srv.EndSet.Request())
        assert answer.success
        assert answer.summary.counted == 1
        assert not answer.summary.active
        bench.wait(lambda: not lifter.sets[-1].active)
        later = bodies([stand(0.2)], start_ns=START_NS + 10**10)
        assert lifter.one(array_of(later[0])).phase == msg.FormState.PHASE_REST
        again = bench.call(srv.EndSet, "end_set", srv.EndSet.Request())
        assert not again.success
        assert again.message == "no set is under way"

    def test_of_a_node_that_is_not_configured_say_so(self, bench):
        bench.node("scoring")
        for kind, name in ((srv.StartSet, "start_set"), (srv.EndSet, "end_set")):
            answer = bench.call(kind, name, kind.Request())
            assert not answer.success
            assert answer.message
        answer = self.select(bench, "squat")
        assert not answer.success
        assert "not configured" in answer.message


class TestRecognition:
    @pytest.fixture
    def two_files(self, tmp_path):
        for name in ("squat", "biceps_curl"):
            shutil.copy(share_dir() / "config" / "exercises" / f"{name}.yaml", tmp_path / f"{name}.yaml")
        return str(tmp_path)

    @pytest.mark.parametrize("name", ["", "auto"])
    def test_tells_the_exercise_and_scores_it_with_what_was_seen_before(self, bench, two_files, name):
        bench.started("scoring", exercise=name, exercise_dir=two_files)
        lifter = Lifter(bench)
        heard = bench.listen(msg.ExerciseRecognition, "recognition", LATCHED_QOS)
        lifter.play(bodies([stand(1.0), squat(), stand(0.6), squat(), stand(0.6), squat(), stand(1.0)]))
        bench.wait(lambda: len(lifter.repetitions) == 3)
        assert heard[-1].exercise == "squat"
        assert 0.9 <= heard[-1].probability <= 1.0
        assert heard[-1].candidates[0] == "squat"
        assert [rep.number for rep in lifter.repetitions] == [1, 2, 3]
        assert {rep.exercise for rep in lifter.repetitions} == {"squat"}
        assert lifter.forms[0].exercise == ""
        assert lifter.forms[-1].exercise == "squat"
        assert lifter.sets[-1].counted == 3

    def test_standing_is_no_exercise(self, bench, two_files):
        bench.started("scoring", exercise="auto", exercise_dir=two_files)
        lifter = Lifter(bench)
        lifter.play(bodies([stand(2.0)]))
        assert {form.exercise for form in lifter.forms} == {""}
        assert not lifter.repetitions

    def test_may_be_asked_for_and_be_replaced_by_a_choice(self, bench, two_files):
        bench.started("scoring", exercise_dir=two_files)
        lifter = Lifter(bench)
        ask = srv.SelectExercise.Request
        assert bench.call(srv.SelectExercise, "select_exercise", ask(exercise="auto")).success
        assert lifter.one(array_of(STANDING[0])).exercise == ""
        assert bench.call(srv.SelectExercise, "select_exercise", ask(exercise="squat")).success
        assert lifter.one(array_of(STANDING[1])).exercise == "squat"

    def test_the_end_of_the_set_tells_what_one_repetition_was(self, bench, two_files):
        bench.started("scoring", exercise="auto", exercise_dir=two_files)
        lifter = Lifter(bench)
        lifter.play(bodies([stand(1.0), squat(), stand(1.0)]))
        answer = bench.call(srv.EndSet, "end_set", srv.EndSet.Request())
        assert answer.success
        assert answer.summary.exercise == "squat"
        bench.wait(lambda: lifter.repetitions)
        assert lifter.repetitions[0].number == 1


class TestMachine:
    def test_load_of_the_cable_is_in_the_set(self, bench, lifter):
        cable = bench.talk(msg.CableLoad, "machine/cable")
        for load in (196.133, math.nan, -3.0, math.inf):
            cable(msg.CableLoad(load=load, tension=100.0))
        cable(msg.CableLoad(load=294.1995))
        bench.spin(0.1)
        assert bench.call(srv.StartSet, "start_set", srv.StartSet.Request()).success
        bench.wait(lambda: lifter.sets and lifter.sets[-1].active)
        assert lifter.sets[-1].load_kg == pytest.approx(30.0)


class TestExerciseFiles:
    @pytest.fixture
    def folder(self, tmp_path):
        shutil.copy(share_dir() / "config" / "exercises" / "squat.yaml", tmp_path / "squat.yaml")
        return tmp_path

    def test_missing_one_is_told_with_those_there_are_and_can_be_repaired(self, bench, folder):
        heard = bench.diagnostics()
        node = bench.node("scoring", exercise="lunge", exercise_dir=str(folder))
        assert not node.start()
        heard.wait("scoring", DiagnosticStatus.ERROR, "'lunge'", "allowed: squat", str(folder))
        assert node.set_parameters([Parameter("exercise", value="squat")])[0].successful
        assert node.start()
        heard.wait("scoring", DiagnosticStatus.WARN, "no bodies")

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            ("", ("squat.yaml",)),
            ("name: [", ("squat.yaml:",)),
            ("\0\1\2", ("squat.yaml",)),
            ("format: 1\nname: squat\n", ("squat.yaml", "title")),
        ],
    )
    def test_damaged_one_is_told_and_can_be_repaired(self, bench, folder, content, words):
        file = folder / "squat.yaml"
        good = file.read_text()
        file.write_text(content)
        heard = bench.diagnostics()
        node = bench.node("scoring", exercise_dir=str(folder))
        assert not node.start()
        heard.wait("scoring", DiagnosticStatus.ERROR, *words)
        file.write_text(good)
        assert node.start()

    def test_folder_that_is_not_there(self, bench):
        heard = bench.diagnostics()
        assert not bench.node("scoring", exercise_dir="/none").start()
        heard.wait("scoring", DiagnosticStatus.ERROR, "/none", "not a folder")

    def test_damaged_one_is_refused_by_the_service_and_the_old_one_stays(self, bench, folder):
        (folder / "curl.yaml").write_text("format: 99\n")
        bench.started("scoring", exercise_dir=str(folder))
        answer = bench.call(
            srv.SelectExercise, "select_exercise", srv.SelectExercise.Request(exercise="curl")
        )
        assert not answer.success
        assert "curl.yaml" in answer.message
        assert "format" in answer.message
        lifter = Lifter(bench)
        assert lifter.one(array_of(copy.copy(STANDING[0]))).exercise == "squat"
