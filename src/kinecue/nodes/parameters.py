"""Parameters of a node, declared once with type, range, choices and description."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    ParameterType,
    SetParametersResult,
)
from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
from rclpy.node import Node
from rclpy.parameter import Parameter

from kinecue.body.errors import ConfigError

_TYPES = {bool: ParameterType.PARAMETER_BOOL, int: ParameterType.PARAMETER_INTEGER}
_TYPES |= {float: ParameterType.PARAMETER_DOUBLE, str: ParameterType.PARAMETER_STRING}


@dataclass(frozen=True)
class ParameterSpec:
    """One parameter.

    Attributes:
        name: of the parameter.
        default: value and, by it, type: bool, int, float or str.
        description: for people, with the unit.
        low, high: inclusive range of numbers.
        choices: allowed strings.
        live: may change while the node runs; else only before it is configured.
        check: what is wrong with a value of the right type and range, or None; for strings with a grammar.
    """

    name: str
    default: bool | int | float | str
    description: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    live: bool = False
    check: Callable[[Any], str | None] | None = None

    @property
    def allowed(self) -> str:
        """What may be set, in words."""
        if self.choices:
            return "one of " + ", ".join(self.choices)
        kind = type(self.default).__name__
        if self.low is not None and self.high is not None:
            return f"{kind} from {self.low:g} to {self.high:g}"
        return kind

    def problem(self, value: Any) -> str | None:
        """What is wrong with a value, or None."""
        if type(value) is not type(self.default):
            return f"is {value!r}, allowed: {self.allowed}"
        if self.choices and value not in self.choices:
            return f"is {value!r}, allowed: {self.allowed}"
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            low = self.low is None or value >= self.low
            high = self.high is None or value <= self.high
            if not (low and high):
                return f"is {value!r}, allowed: {self.allowed}"
        return self.check(value) if self.check is not None else None

    @property
    def descriptor(self) -> ParameterDescriptor:
        """The ROS descriptor."""
        descriptor = ParameterDescriptor(
            name=self.name, description=self.description, type=_TYPES[type(self.default)]
        )
        if self.choices:
            descriptor.additional_constraints = self.allowed
        if self.low is not None and self.high is not None:
            if isinstance(self.default, float):
                descriptor.floating_point_range = [
                    FloatingPointRange(from_value=float(self.low), to_value=float(self.high))
                ]
            elif isinstance(self.default, int):
                descriptor.integer_range = [IntegerRange(from_value=int(self.low), to_value=int(self.high))]
        return descriptor


class Parameters:
    """The declared parameters of a node; values are read by name: ``parameters["rate"]``.

    Raises:
        ConfigError: an override given at start-up is not allowed; names node, parameter and what is.
    """

    def __init__(self, node: Node, specs: Sequence[ParameterSpec]) -> None:
        self._node = node
        self._specs = {spec.name: spec for spec in specs}
        self.locked = False
        source = f"node {node.get_fully_qualified_name()}"
        for spec in specs:
            try:
                node.declare_parameter(spec.name, spec.default, spec.descriptor)
            except (InvalidParameterTypeException, InvalidParameterValueException) as error:
                given = node._parameter_overrides.get(spec.name)
                raise ConfigError(
                    source,
                    f"parameter {spec.name}",
                    f"is {given.value if given else error!r}, allowed: {spec.allowed}",
                ) from error
            problem = spec.problem(node.get_parameter(spec.name).value)
            if problem:
                raise ConfigError(source, f"parameter {spec.name}", problem)
        unknown = [
            name for name in node._parameter_overrides if name not in self._specs and not _foreign(name)
        ]
        if unknown:
            raise ConfigError(
                source, f"parameter {unknown[0]}", f"is unknown, allowed: {', '.join(sorted(self._specs))}"
            )
        node.add_on_set_parameters_callback(self._check)

    def __getitem__(self, name: str) -> Any:
        return self._node.get_parameter(self._specs[name].name).value

    def _check(self, changes: list[Parameter]) -> SetParametersResult:
        for change in changes:
            spec = self._specs.get(change.name)
            if spec is None:
                continue
            problem = spec.problem(change.value)
            if problem is None and self.locked and not spec.live:
                problem = "cannot change while the node is configured; clean it up first"
            if problem:
                return SetParametersResult(successful=False, reason=f"parameter {change.name} {problem}")
        return SetParametersResult(successful=True)


def _foreign(name: str) -> bool:
    """Parameters that ROS itself declares."""
    return name == "use_sim_time" or name.startswith(("qos_overrides.", "start_type_description_service"))
