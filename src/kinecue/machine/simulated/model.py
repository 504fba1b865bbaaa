"""What hangs on a cable: weight stack, drive, band or chains, and the machine around it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise

from kinecue.machine.samples import CableSide
from kinecue.machine.simulated.bounds import MachineError, bounded, check

GRAVITY = 9.80665
"""m/s^2, standard gravity."""
OVERLOAD_SPEED_M_S = 0.05
"""Speed on the way back from which on a drive's overload is there in full; it comes smoothly."""

LoadCurve = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class MachineModel:
    """One cable, what resists on it, and what is lost on the way. All values are felt at the handle.

    Attributes:
        load_n: what the machine is set to, N: the constant part of the resistance.
        curve: further resistance over the cable that is out, ((m, N), ...) with m rising; straight between the
            points and level beyond. A band, chains, or a cam.
        ratio: way of the cable over way of the stack; 2 on a dual adjustable pulley, whose stack is twice as
            heavy as it feels and, by that, has half the inertia.
        inertia_kg: moving mass as the handle feels it; None = that of a stack, ``load_n / (g ratio)``.
        rotating_kg: pulleys and drum, as the handle feels them: moment of inertia over radius squared.
        friction_n: dry friction of pulleys and guides, N.
        stiction: share by which dry friction is larger at rest (Stribeck).
        viscous_n_s_m: friction that grows with speed, N s/m.
        stiffness_n_m: of cable, strap and grip in a row, N/m.
        eccentric_overload: share of the resistance that a drive adds on the way back; 0 for a plain stack.
        drive_lag_s: time constant of a drive's torque, s; 0 for what hangs.
        speed_limit_m_s: isokinetic: a drive lets the cable go out no faster, m/s; inf = no limit.
        force_limit_n: most that a drive holds against, N; inf for what hangs.
        clearance_m: cable between the motion's rest position and the place where the stack sits on its bumper;
            negative = so much cable comes out slack before the stack lifts off.
        travel_m: cable between bumper and upper end stop, m.
        side: which cable.
    """

    load_n: float = bounded(200.0, 0.0, 5000.0)
    curve: LoadCurve = field(default=())
    ratio: float = bounded(1.0, 0.25, 8.0)
    inertia_kg: float | None = bounded(None, 0.1, 500.0)
    rotating_kg: float = bounded(0.8, 0.0, 100.0)
    friction_n: float = bounded(6.0, 0.0, 500.0)
    stiction: float = bounded(0.25, 0.0, 2.0)
    viscous_n_s_m: float = bounded(3.0, 0.0, 2000.0)
    stiffness_n_m: float = bounded(60000.0, 5000.0, 200000.0)
    eccentric_overload: float = bounded(0.0, 0.0, 1.5)
    drive_lag_s: float = bounded(0.0, 0.0, 1.0)
    speed_limit_m_s: float = bounded(math.inf, 0.02, math.inf)
    force_limit_n: float = bounded(math.inf, 1.0, math.inf)
    clearance_m: float = bounded(0.05, -1.0, 2.0)
    travel_m: float = bounded(3.0, 0.1, 10.0)
    side: CableSide = CableSide.NONE

    def __post_init__(self) -> None:
        check(self)
        good = all(len(point) == 2 and all(map(math.isfinite, point)) for point in self.curve)
        if not good or any(a[0] >= b[0] for a, b in pairwise(self.curve)):
            raise MachineError(
                f"MachineModel.curve: must be ((m, N), ...), finite, with rising m, got {self.curve!r}"
            )
        if self.curve and self.load_n + min(n for _, n in self.curve) < 0.0:
            raise MachineError("MachineModel.curve: with load_n it must nowhere be less than 0 N")

    @property
    def moving_kg(self) -> float:
        """All that has inertia, as the handle feels it, kg; at least 0.2."""
        stack = self.load_n / (GRAVITY * self.ratio) if self.inertia_kg is None else self.inertia_kg
        return max(stack + self.rotating_kg, 0.2)

    def static_load(self, out_m: float) -> float:
        """Resistance at rest with so much cable out, N."""
        curve = self.curve
        if not curve:
            return self.load_n
        if out_m <= curve[0][0]:
            return self.load_n + curve[0][1]
        for (x0, n0), (x1, n1) in pairwise(curve):
            if out_m < x1:
                return self.load_n + n0 + (n1 - n0) * (out_m - x0) / (x1 - x0)
        return self.load_n + curve[-1][1]

    def overload(self, speed_m_s: float) -> float:
        """Share of the resistance that the drive wants to add at a speed: none at rest, all on the way back."""
        if self.eccentric_overload == 0.0 or speed_m_s >= 0.0:
            return 0.0
        share = min(-speed_m_s / OVERLOAD_SPEED_M_S, 1.0)
        return self.eccentric_overload * share * share * (3.0 - 2.0 * share)

    def resistance(self, out_m: float, speed_m_s: float) -> float:
        """What resists at a steady speed, N: load, curve and eccentric overload, without friction and inertia."""
        return min(self.static_load(out_m) * (1.0 + self.overload(speed_m_s)), self.force_limit_n)


MACHINES: dict[str, MachineModel] = {
    "stack": MachineModel(),
    "dual_pulley": MachineModel(ratio=2.0, rotating_kg=1.2, friction_n=8.0),
    "worn_stack": MachineModel(friction_n=25.0, stiction=0.8, viscous_n_s_m=12.0),
    "motor": MachineModel(
        inertia_kg=0.8, rotating_kg=0.7, friction_n=2.0, drive_lag_s=0.01, force_limit_n=1500.0
    ),
    "eccentric_motor": MachineModel(
        inertia_kg=0.8,
        rotating_kg=0.7,
        friction_n=2.0,
        drive_lag_s=0.01,
        eccentric_overload=0.4,
        force_limit_n=1500.0,
    ),
    "isokinetic": MachineModel(
        load_n=30.0,
        inertia_kg=0.8,
        rotating_kg=0.7,
        friction_n=2.0,
        speed_limit_m_s=0.4,
        force_limit_n=1500.0,
    ),
    "band": MachineModel(
        load_n=50.0, curve=((0.0, 0.0), (2.0, 300.0)), inertia_kg=0.3, rotating_kg=0.2, friction_n=2.0
    ),
    "chains": MachineModel(load_n=150.0, curve=((0.1, 0.0), (1.1, 120.0))),
}
"""Named machines; set load and side with `dataclasses.replace`."""
