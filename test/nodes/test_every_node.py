"""What holds for each node: lifecycle, parameters, diagnostics."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import yaml
from diagnostic_msgs.msg import DiagnosticStatus
from lifecycle_msgs.msg import Transition
from node_bench import NODES, Bench, overrides, values, write_pictures
from rcl_interfaces.msg import ParameterType
from rcl_interfaces.srv import DescribeParameters, ListParameters
from rclpy.parameter import Parameter
from std_msgs.msg import String

from kinecue.body.errors import ConfigError
from kinecue.nodes.base import KineCueNode
from kinecue.nodes.parameters import ParameterSpec

ACTIVATE, DEACTIVATE = Transition.TRANSITION_ACTIVATE, Transition.TRANSITION_DEACTIVATE
CONFIGURE, CLEANUP = Transition.TRANSITION_CONFIGURE, Transition.TRANSITION_CLEANUP
EVERY = [(name, spec) for name, kind in NODES.items() for spec in kind.PARAMETERS]
TYPES = {
    bool: ParameterType.PARAMETER_BOOL,
    int: ParameterType.PARAMETER_INTEGER,
    float: ParameterType.PARAMETER_DOUBLE,
    str: ParameterType.PARAMETER_STRING,
}


@pytest.fixture
def quick(tmp_path, models, monkeypatch):
    """Parameters with which each node starts at once and needs nothing of the machine."""
    return {
        "camera": {"source": "folder", "path": str(write_pictures(tmp_path / "pictures")), "loop": True},
        "pose": {"model": "lite"},
        "speech": {"engine": "null", "device": "none", "cache_dir": str(tmp_path / "cache")},
    }


def make(bench: Bench, name: str, quick: dict, **more: object) -> KineCueNode:
    return bench.node(name, **{**quick.get(name, {}), **more})


@pytest.mark.parametrize("name", NODES)
class TestLifecycle:
    def test_through_all_states_and_again(self, bench, quick, name):
        node = make(bench, name, quick, autostart=False)
        assert not node.start()
        assert bench.state(name) == "unconfigured"
        for _ in range(2):
            for transition, state in (
                (CONFIGURE, "inactive"),
                (ACTIVATE, "active"),
                (DEACTIVATE, "inactive"),
                (ACTIVATE, "active"),
                (DEACTIVATE, "inactive"),
                (CLEANUP, "unconfigured"),
            ):
                assert bench.transition(name, transition)
                assert bench.state(name) == state
                assert node.active == (state == "active")

    def test_starts_itself(self, bench, quick, name):
        node = make(bench, name, quick)
        assert node.start()
        assert bench.state(name) == "active"

    def test_refuses_a_transition_that_is_not_possible(self, bench, quick, name):
        make(bench, name, quick, autostart=False)
        assert not bench.transition(name, ACTIVATE)
        assert not bench.transition(name, 250)
        assert bench.state(name) == "unconfigured"
        assert bench.transition(name, CONFIGURE)
        assert not bench.transition(name, CONFIGURE)
        assert bench.state(name) == "inactive"

    def test_shuts_down_from_active(self, bench, quick, name):
        node = make(bench, name, quick)
        assert node.start()
        assert bench.transition(name, Transition.TRANSITION_ACTIVE_SHUTDOWN)
        assert bench.state(name) == "finalized"
        assert not node.active


def forbidden(spec: ParameterSpec) -> list[object]:
    """Values that the parameter must not take."""
    wrong_type = {bool: "yes", int: 1.5, float: "fast", str: 7}[type(spec.default)]
    found: list[object] = [wrong_type]
    if spec.choices:
        found.append("nonsense")
    if isinstance(spec.default, float):
        found.append(math.nan)
    if spec.low is not None:
        found.append(type(spec.default)(spec.low - 1))
    if spec.high is not None:
        found.append(type(spec.default)(spec.high + 1))
    return found


@pytest.mark.parametrize(("name", "spec"), EVERY, ids=[f"{name}-{spec.name}" for name, spec in EVERY])
def test_wrong_value_is_refused_with_node_parameter_and_what_is_allowed(ros, name, spec):
    for value in forbidden(spec):
        with pytest.raises(ConfigError) as caught:
            NODES[name](parameter_overrides=overrides(**{spec.name: value})).destroy_node()
        text = str(caught.value)
        assert f"node /{name}" in text
        assert f"parameter {spec.name}" in text
        assert spec.allowed in text


@pytest.mark.parametrize("name", NODES)
def test_unknown_parameter_is_refused_with_those_there_are(ros, name):
    with pytest.raises(ConfigError) as caught:
        NODES[name](parameter_overrides=overrides(speling=1)).destroy_node()
    text = str(caught.value)
    assert f"node /{name}" in text
    assert "speling" in text
    assert all(spec.name in text for spec in NODES[name].PARAMETERS)


@pytest.mark.parametrize("name", NODES)
class TestParameters:
    def test_are_described(self, bench, quick, name):
        make(bench, name, quick, autostart=False)
        listed = bench.call(ListParameters, f"{name}/list_parameters", ListParameters.Request()).result.names
        specs = {spec.name: spec for spec in NODES[name].PARAMETERS}
        assert {*specs, "autostart"} <= set(listed)
        request = DescribeParameters.Request(names=list(specs))
        for told in bench.call(DescribeParameters, f"{name}/describe_parameters", request).descriptors:
            spec = specs[told.name]
            assert told.description
            assert told.type == TYPES[type(spec.default)]
            ranges = [*told.floating_point_range, *told.integer_range]
            if spec.low is not None:
                assert (ranges[0].from_value, ranges[0].to_value) == (spec.low, spec.high)
            if spec.choices:
                assert all(choice in told.additional_constraints for choice in spec.choices)

    def test_of_a_configured_node_are_fixed_unless_live(self, bench, quick, name):
        node = make(bench, name, quick)
        assert node.start()
        for spec in node.PARAMETERS:
            same = node.get_parameter(spec.name).value
            result = node.set_parameters([Parameter(spec.name, value=same)])[0]
            assert result.successful == spec.live
            if not spec.live:
                assert spec.name in result.reason
                assert "configured" in result.reason
        node.trigger_deactivate()
        node.trigger_cleanup()
        for spec in node.PARAMETERS:
            same = node.get_parameter(spec.name).value
            assert node.set_parameters([Parameter(spec.name, value=same)])[0].successful


def test_live_parameter_keeps_its_range(bench, quick):
    node = make(bench, "speech", quick)
    assert node.start()
    assert node.set_parameters([Parameter("volume", value=0.25)])[0].successful
    refused = node.set_parameters([Parameter("volume", value=1.5)])[0]
    assert not refused.successful
    assert "volume" in refused.reason
    assert node.parameters["volume"] == 0.25


@pytest.mark.true_rate
def test_each_node_tells_its_state_once_a_second(bench, quick):
    heard = bench.diagnostics()
    for name in NODES:
        make(bench, name, quick, autostart=name in ("scoring", "machine"))
    bench.wait(lambda: all(heard.of(name) for name in NODES), "a first status of each node")
    before = {name: len(heard.of(name)) for name in NODES}
    bench.spin(3.0)
    for name in NODES:
        assert 2 <= len(heard.of(name)) - before[name] <= 4
        status = heard.of(name)[-1]
        assert status.level == DiagnosticStatus.OK
        assert status.message == "waiting to be configured"
        assert {"errors", "last error"} <= set(values(status))


@pytest.mark.parametrize("name", ["scoring", "orchestrator", "machine", "visualization"])
def test_works_in_a_namespace(bench, name):
    node = bench.add(NODES[name](namespace="/gym/seven"))
    assert node.start()
    topics = {topic for topic, _ in node.get_publisher_names_and_types_by_node(name, "/gym/seven")}
    own = {t for t in topics if t not in ("/diagnostics", "/rosout", "/parameter_events")}
    assert own
    assert all(topic.startswith("/gym/seven/") for topic in own)


class Fragile(KineCueNode):
    """A node whose every step can be made to fail."""

    PARAMETERS = ()

    def __init__(self) -> None:
        super().__init__("fragile")
        self.broken = ""
        self.cleaned = 0
        self.got: list[str] = []
        self.create_subscription(String, "words", self.guarded(self._on_word), 10)

    def _on_word(self, message: String) -> None:
        if message.data == "bad":
            raise ZeroDivisionError("the word is bad")
        self.got.append(message.data)

    def configure(self) -> None:
        self._fail("configure")

    def activate(self) -> None:
        self._fail("activate")

    def cleanup(self) -> None:
        self.cleaned += 1

    def diagnose(self):
        self._fail("diagnose")
        return super().diagnose()

    def _fail(self, step: str) -> None:
        if self.broken == step:
            raise ConfigError("fragile.yaml", "field", f"{step} is broken, allowed: not broken")


class TestFailures:
    @pytest.mark.parametrize("step", ["configure", "activate"])
    def test_a_failed_start_is_told_and_can_be_tried_again(self, bench, step):
        heard = bench.diagnostics()
        node = bench.add(Fragile())
        node.broken = step
        assert not node.start()
        assert not node.active
        status = heard.wait("fragile", DiagnosticStatus.ERROR, "fragile.yaml", "field", "allowed: not broken")
        assert step in status.message
        node.broken = ""
        if step == "configure":
            assert node.cleaned == 1
            assert bench.transition("fragile", CONFIGURE)
        assert bench.transition("fragile", ACTIVATE)
        heard.wait("fragile", DiagnosticStatus.OK, "running")

    def test_a_bad_message_is_told_and_the_next_one_heard(self, bench):
        heard = bench.diagnostics()
        node = bench.add(Fragile())
        assert node.start()
        say = bench.talk(String, "words", 10)
        for word in ("bad", "good"):
            say(String(data=word))
        bench.wait(lambda: node.got == ["good"])
        status = heard.wait("fragile", DiagnosticStatus.WARN, "the word is bad")
        assert values(status)["errors"] == "1"
        assert "ZeroDivisionError" in values(status)["last error"]

    def test_an_inactive_node_hears_nothing(self, bench):
        node = bench.add(Fragile())
        say = bench.talk(String, "words", 10)
        say(String(data="early"))
        bench.spin(0.2)
        assert node.start()
        say(String(data="now"))
        bench.wait(lambda: node.got)
        assert node.got == ["now"]

    def test_broken_diagnostics_are_told_as_an_error(self, bench):
        heard = bench.diagnostics()
        node = bench.add(Fragile())
        assert node.start()
        node.broken = "diagnose"
        heard.wait("fragile", DiagnosticStatus.WARN, "diagnose is broken")


def test_the_parameters_file_holds_parameters_that_there_are_with_their_defaults():
    file = Path(__file__).parents[2] / "config" / "kinecue.yaml"
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert {key.removeprefix("/**/") for key in content} == set(NODES)
    for key, block in content.items():
        specs = {spec.name: spec for spec in NODES[key.removeprefix("/**/")].PARAMETERS}
        for name, value in block["ros__parameters"].items():
            assert name in specs, f"{key}: {name}"
            assert specs[name].problem(value) is None, f"{key}: {name}"
            # a launch and a node that is run alone do the same
            assert value == specs[name].default, f"{key}: {name}"
