"""The choice of an execution provider: measured, checked, remembered, and never silent."""

from __future__ import annotations

import json

import numpy as np
import onnxruntime
import pytest
from test_models import doubling_network, manifest_content

from kinecue.cli.models import measure as measure_by_hand
from kinecue.perception import provider_choice, sessions
from kinecue.perception.errors import ProviderError
from kinecue.perception.manifest import Manifest
from kinecue.perception.models import ModelStore
from kinecue.perception.provider_choice import ChoiceStore, Measured, ProviderChoice, choice_key, measure
from kinecue.perception.providers import PROVIDERS, available_providers, candidates, session_options

TENSOR = np.linspace(-1.0, 1.0, 12, dtype=np.float32)


class Machine:
    """Providers that take so many milliseconds, are off by so much, or do not start."""

    def __init__(self, **milliseconds: float) -> None:
        self.milliseconds = milliseconds
        self.off = {}
        self.now = 0.0
        self.started = []

    def start(self, name):
        self.started.append(name)
        if name not in self.milliseconds:
            raise ProviderError(f"execution provider {name!r} did not start: no driver")

        def run(tensor):
            self.now += self.milliseconds[name] * 1e-3
            return (tensor * 2 + self.off.get(name, 0.0),)

        return run

    def choose(self, *names, tolerance=1e-3):
        return measure(self.start, names, TENSOR, tolerance, lambda: self.now)


def test_the_fastest_is_chosen():
    choice = Machine(cpu=10.0, openvino=6.0, cuda=2.0).choose("cpu", "openvino", "cuda")
    assert choice.provider == "cuda"
    assert str(choice) == "cuda (cpu 10.0 ms; openvino 6.0 ms; cuda 2.0 ms)"


def test_the_cpu_is_kept_where_nothing_is_gained():
    assert Machine(cpu=10.0, openvino=9.8).choose("cpu", "openvino").provider == "cpu"
    assert Machine(cpu=10.0, cuda=30.0).choose("cpu", "cuda").provider == "cpu"


@pytest.mark.parametrize("off", [0.01, np.nan, np.inf])
def test_a_provider_that_computes_something_else_is_not_chosen(off):
    machine = Machine(cpu=10.0, openvino=1.0)
    machine.off["openvino"] = off
    choice = machine.choose("cpu", "openvino")
    assert choice.provider == "cpu"
    assert choice.measured[1].milliseconds is None
    assert "differs from the CPU by" in choice.measured[1].problem
    assert "allowed 0.002" in choice.measured[1].problem


def test_small_differences_are_allowed():
    machine = Machine(cpu=10.0, openvino=1.0)
    machine.off["openvino"] = 0.0019
    assert machine.choose("cpu", "openvino").provider == "openvino"


def test_a_tiny_probability_need_not_agree_in_all_digits():
    """OpenVINO's score of a picture without a person: 1.6e-8 off 2.5e-6."""

    def start(name):
        return lambda tensor: (np.array([2.5e-6 if name == "cpu" else 2.516e-6], np.float32),)

    choice = measure(start, ("cpu", "openvino"), TENSOR)
    assert all(one.problem is None for one in choice.measured)


def test_one_that_does_not_start_is_told():
    choice = Machine(cpu=10.0).choose("cpu", "cuda")
    assert choice.provider == "cpu"
    assert "cuda: execution provider 'cuda' did not start: no driver" in str(choice)


def test_a_slow_one_is_not_measured_for_long():
    machine = Machine(cpu=10.0, cuda=2500.0)
    machine.choose("cpu", "cuda")
    assert machine.now < 20.0


# what is kept

CHOICE = ProviderChoice(
    "cuda", (Measured("cpu", 10.0), Measured("qnn", None, "no driver"), Measured("cuda", 2.0))
)


def test_choices_are_kept_by_key(tmp_path):
    store = ChoiceStore(tmp_path / "sub" / "providers.json")
    store.write("a", CHOICE)
    store.write("b", ProviderChoice("cpu"))
    assert store.read("a") == CHOICE
    assert store.read("b") == ProviderChoice("cpu")
    assert store.read("c") is None
    assert [p.name for p in (tmp_path / "sub").iterdir()] == ["providers.json"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"format": 2, "choices": {"a": {}}}',
        '{"format": 1, "choices": {"a": {"provider": "cpu"}}}',
        '{"format": 1, "choices": {"a": 3}}',
        '{"format": 1, "choices": [1]}',
    ],
)
def test_a_damaged_file_is_no_choice_and_is_written_anew(tmp_path, text):
    path = tmp_path / "providers.json"
    path.write_text(text, encoding="utf-8")
    store = ChoiceStore(path)
    assert store.read("a") is None
    store.write("a", CHOICE)
    assert store.read("a") == CHOICE


def test_a_place_that_cannot_be_written_costs_nothing(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    ChoiceStore(tmp_path / "file" / "providers.json").write("a", CHOICE)
    ChoiceStore(None).write("a", CHOICE)
    assert ChoiceStore(None).read("a") is None


def test_the_key_changes_with_what_a_choice_depends_on(monkeypatch):
    keys = {choice_key(b"model", 1), choice_key(b"other", 1), choice_key(b"model", 2)}
    monkeypatch.setattr(onnxruntime, "__version__", "9.9.9")
    keys.add(choice_key(b"model", 1))
    monkeypatch.setattr(provider_choice, "_processor", lambda: "another processor")
    keys.add(choice_key(b"model", 1))
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider"])
    keys.add(choice_key(b"model", 1))
    assert len(keys) == 6
    assert choice_key(b"model", 1) in keys


# with a network


@pytest.fixture
def doubler(tmp_path, monkeypatch):
    """A store with a network, in an onnxruntime that says it has OpenVINO and CUDA; `started` lists sessions."""
    onnx = doubling_network()
    store = ModelStore(tmp_path / "models", Manifest.model_validate(manifest_content(onnx)))
    store.install("doubler", onnx)
    built = ["CUDAExecutionProvider", "OpenVINOExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: built)
    real, machine = sessions.start, Machine(cpu=10.0, openvino=5.0)

    def start(model, provider, threads, cache=None):
        machine.start(provider)
        session = real(model, "cpu", threads, cache)

        class Session:
            def run(self, outputs, feed):
                machine.now += machine.milliseconds[provider] * 1e-3
                return session.run(outputs, feed)

        return Session()

    monkeypatch.setattr(sessions, "start", start)
    measured = sessions.measure

    def by_its_clock(start, names, tensor, tolerance):
        return measured(start, names, tensor, tolerance, lambda: machine.now)

    monkeypatch.setattr(sessions, "measure", by_its_clock)
    return store, machine


def test_the_choice_is_measured_once_and_remembered(doubler):
    store, machine = doubler
    network = store.open("doubler")
    assert network.provider == "openvino"
    assert "cpu 10.0 ms; openvino 5.0 ms" in str(network.choice)
    assert "cuda: execution provider 'cuda' did not start" in str(network.choice)
    assert set(machine.started) == {"cpu", "openvino", "openvino_gpu", "cuda"}
    machine.started.clear()
    again = store.open("doubler")
    assert machine.started == ["openvino"]
    assert again.choice == network.choice
    entries = json.loads(store.choices.read_text(encoding="utf-8"))["choices"]
    assert len(entries) == 1


def test_it_is_measured_again_when_onnxruntime_changes_or_the_chosen_one_is_gone(doubler, monkeypatch):
    store, machine = doubler
    store.open("doubler")
    machine.started.clear()
    with monkeypatch.context() as patch:
        patch.setattr(onnxruntime, "__version__", "9.9.9")
        assert store.open("doubler").provider == "openvino"
        assert "cpu" in machine.started
    del machine.milliseconds["openvino"]
    assert store.open("doubler").provider == "cpu"


def test_a_provider_asked_for_by_name_is_never_replaced(doubler):
    store, _ = doubler
    assert store.open("doubler", "cpu").provider == "cpu"
    with pytest.raises(ProviderError, match="'cuda' did not start"):
        store.open("doubler", "cuda")
    assert not store.choices.exists()


def test_one_candidate_is_not_measured(doubler, monkeypatch):
    store, _ = doubler
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    network = store.open("doubler")
    assert network.choice == ProviderChoice("cpu")
    assert str(network.choice) == "cpu"
    assert not store.choices.exists()


# names


def test_what_is_absent_is_told_with_what_is_installed_and_what_brings_it(monkeypatch):
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(
        ProviderError,
        match=r"'tensorrt' is not part of the installed onnxruntime \S+ \(onnxruntime\S*==\S+\); available: cpu; "
        r"tensorrt comes with onnxruntime-gpu and tensorrt",
    ):
        candidates("tensorrt")


def test_auto_leaves_out_what_takes_minutes_or_other_networks(monkeypatch):
    monkeypatch.setattr(
        onnxruntime, "get_available_providers", lambda: [p.engine for p in PROVIDERS.values()]
    )
    assert set(available_providers()) == set(PROVIDERS)
    assert available_providers()[0] == "cpu"
    assert set(PROVIDERS) - set(candidates("auto")) == {"tensorrt", "qnn", "openvino_npu"}


def test_options_by_provider():
    assert session_options("cpu", 3).intra_op_num_threads == 3
    assert session_options("xnnpack", 3).intra_op_num_threads == 1
    assert not session_options("directml", 1).enable_mem_pattern
    assert session_options("cpu", 2).get_session_config_entry("session.intra_op.allow_spinning") == "0"


def test_measuring_by_hand_tries_the_slow_ones_and_is_what_auto_uses_then(doubler, monkeypatch):
    store, machine = doubler
    built = ["TensorrtExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: built)
    machine.milliseconds["tensorrt"] = 1.0
    lines: list[str] = []
    measure_by_hand([], lines.append, slow=True, store=store)
    assert lines == ["doubler: tensorrt (cpu 10.0 ms; tensorrt 1.0 ms)"]
    machine.started.clear()
    assert store.open("doubler").provider == "tensorrt"
    assert machine.started == ["tensorrt"]
