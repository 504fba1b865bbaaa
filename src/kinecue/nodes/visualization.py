"""Node `visualization`: markers for RViz and the overlay picture."""

from __future__ import annotations

import math
import queue
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from visualization_msgs.msg import MarkerArray

from kinecue.body import Body, Landmark
from kinecue.display import Overlay, draw_overlay
from kinecue.exercise.results import FormState, Side
from kinecue.nodes import conversions as convert
from kinecue.nodes import markers
from kinecue.nodes import message_parts as parts
from kinecue.nodes import score_conversions as scores
from kinecue.nodes.base import (
    EVENT_QOS,
    LATCHED_QOS,
    OK,
    SENSOR_QOS,
    KineCueNode,
    RateMeter,
    run,
    stamp_to_ns,
    yield_to_others,
)
from kinecue.nodes.images import from_bgr, to_bgr
from kinecue.nodes.parameters import ParameterSpec
from kinecue.nodes.volume import VolumeJob, VolumeWorker, shape_from_msg
from kinecue_msgs import msg

Picture = NDArray[np.uint8]
OverlaySink = Callable[[Picture, int], None]

_FAULT_SHOWN_NS = 1_500_000_000
_CUE_SHOWN_NS = 2_000_000_000
_HISTORY = 12


class FrameHistory:
    """The last few pictures by stamp, so that an overlay is drawn on the picture that it belongs to."""

    def __init__(self, size: int = _HISTORY) -> None:
        self._size = size
        self._frames: OrderedDict[int, Picture] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, stamp_ns: int, image: Picture) -> None:
        """Keeps a picture and forgets the oldest."""
        with self._lock:
            self._frames[stamp_ns] = image
            while len(self._frames) > self._size:
                self._frames.popitem(last=False)

    def get(self, stamp_ns: int) -> Picture | None:
        """The picture acquired at `stamp_ns`, if it is still there."""
        with self._lock:
            return self._frames.get(stamp_ns)


class VisualizationNode(KineCueNode):
    """Draws what the other nodes publish. Draws nothing that nobody looks at.

    Args:
        frames: pictures by reference from a camera in the same process; None = subscribe to image_raw when needed.
        sinks: called with each overlay picture and its stamp, in a thread of the node's own.
    """

    HEAR_EVERY_S = 0.06
    PARAMETERS = (
        ParameterSpec("marker_rate", 15.0, "Markers per second at most [Hz].", low=1.0, high=200.0),
        ParameterSpec("overlay_rate", 30.0, "Overlay pictures per second at most [Hz].", low=1.0, high=200.0),
        ParameterSpec(
            "volume_rate",
            10.0,
            "Meshes and body volumes per second at most [Hz]; 0 makes none.",
            low=0.0,
            high=60.0,
        ),
        ParameterSpec("volume_alpha", 0.45, "Opacity of the body's mesh, 0 to 1.", low=0.0, high=1.0),
    )

    def __init__(
        self, frames: FrameHistory | None = None, sinks: tuple[OverlaySink, ...] = (), **kwargs: object
    ) -> None:
        super().__init__("visualization", **kwargs)
        self._frames = frames if frames is not None else FrameHistory()
        self._sinks = sinks
        self._bodies: OrderedDict[int, msg.BodyArray] = OrderedDict()
        self._angles: dict[tuple[str, Side], float] = {}
        self._faults: list[tuple[int, str, Side]] = []
        self._texts: dict[str, str] = {}
        self._cue, self._cue_until = "", 0
        self._cable: tuple[np.ndarray, float, Side] | None = None
        self._last = {"markers": 0, "overlay": 0, "volume": 0}
        self._meter = RateMeter()
        self._pictures: queue.Queue[tuple[Picture, Overlay, msg.BodyArray | None, int] | None] = queue.Queue(
            maxsize=30
        )
        self._overwritten = 0
        self._painter: threading.Thread | None = None
        self._markers = self.create_lifecycle_publisher(MarkerArray, "markers", 10)
        self._overlay = self.create_lifecycle_publisher(Image, "overlay", SENSOR_QOS)
        self._volume = self.create_lifecycle_publisher(msg.BodyVolume, "body_volume", 10)
        self._volumes = VolumeWorker(self._markers.publish, self._volume.publish, self.report_error)
        self._images = None
        if frames is None:
            self.create_timer(1.0, self._watch_overlay)
        self.create_subscription(msg.BodyArray, "bodies", self.guarded(self._on_bodies), SENSOR_QOS)
        self.create_subscription(msg.BodyShape, "body_shape", self.guarded(self._on_shape), LATCHED_QOS)
        self.create_subscription(msg.JointAngles, "joint_angles", self.guarded(self._on_angles), SENSOR_QOS)
        self.create_subscription(msg.FormState, "form", self.guarded(self._on_form), SENSOR_QOS)
        self.create_subscription(msg.FormFault, "faults", self.guarded(self._on_fault), EVENT_QOS)
        self.create_subscription(msg.Cue, "cues", self.guarded(self._on_cue), EVENT_QOS)
        self.create_subscription(msg.SpeechStatus, "speech_status", self.guarded(self._on_speech), EVENT_QOS)
        self.hear_samples(msg.CableLoad, "machine/cable", self._on_cable)

    @property
    def overlay_wanted(self) -> bool:
        """Somebody looks at the overlay."""
        return bool(self._sinks) or self._overlay.get_subscription_count() > 0

    def activate(self) -> None:
        self._painter = threading.Thread(target=self._paint, name="kinecue-overlay", daemon=True)
        self._painter.start()
        self._volumes.start()

    def deactivate(self) -> None:
        self._volumes.stop()
        self._pictures.put(None)
        if self._painter is not None:
            self._painter.join(10.0)
        self._painter = None

    def diagnose(self) -> tuple[bytes, str, dict[str, object]]:
        return OK, "drawing", {"rate [Hz]": self._meter.read(), "overlays skipped": self._overwritten}

    # -- what comes in

    def _watch_overlay(self) -> None:
        """Takes pictures only while somebody looks at the overlay."""
        wanted = self.active and self.count_subscribers("overlay") > 0
        if wanted and self._images is None:
            self._images = self.create_subscription(
                Image, "image_raw", self.guarded(self._on_image), SENSOR_QOS
            )
        elif not wanted and self._images is not None:
            self.destroy_subscription(self._images)
            self._images = None

    def _on_image(self, message: Image) -> None:
        self._frames.put(stamp_to_ns(message.header.stamp), to_bgr(message))

    def _on_bodies(self, message: msg.BodyArray) -> None:
        # converted when it is drawn: this node must not hold up the ones that lead to a cue
        self._bodies[stamp_to_ns(message.header.stamp)] = message
        while len(self._bodies) > _HISTORY:
            self._bodies.popitem(last=False)
        self._show_volume(message)

    def _on_shape(self, message: msg.BodyShape) -> None:
        self._volumes.known.put(message.id, shape_from_msg(message))

    def _show_volume(self, message: msg.BodyArray) -> None:
        stamp, rate = stamp_to_ns(message.header.stamp), self.parameters["volume_rate"]
        markers_wanted = self._markers.get_subscription_count() > 0
        volume_wanted = self._volume.get_subscription_count() > 0
        if not (markers_wanted or volume_wanted) or rate <= 0.0 or not self._due("volume", stamp, rate):
            return
        faults = tuple((part, side) for until, part, side in self._faults if until >= stamp)
        self._volumes.submit(
            VolumeJob(
                lambda: _active_body(message),
                message.header,
                faults,
                self.parameters["volume_alpha"],
                markers_wanted,
                volume_wanted,
            )
        )

    def _on_angles(self, message: msg.JointAngles) -> None:
        self._angles = {(a.name, _side(a.side)): a.value for a in message.angles if a.validity}

    def _on_fault(self, message: msg.FormFault) -> None:
        until = stamp_to_ns(message.header.stamp) + _FAULT_SHOWN_NS
        self._faults.append((until, message.body_part, _side(message.measured.side)))

    def _on_cue(self, message: msg.Cue) -> None:
        self._texts[message.id] = message.screen_text or message.text

    def _on_speech(self, message: msg.SpeechStatus) -> None:
        now = stamp_to_ns(message.header.stamp)
        if message.status == msg.SpeechStatus.STARTED:
            self._cue = self._texts.pop(message.cue_id, message.text)
            self._cue_until = now + _CUE_SHOWN_NS
        elif message.status != msg.SpeechStatus.QUEUED:
            self._texts.pop(message.cue_id, None)

    def _on_cable(self, message: msg.CableLoad) -> None:
        pulley = np.array([message.pulley.x, message.pulley.y, message.pulley.z])
        self._cable = (pulley, message.tension, _side(message.side, "CableLoad.side"))

    # -- what goes out

    def _on_form(self, message: msg.FormState) -> None:
        form = scores.form_from_msg(message)
        stamp = form.stamp_ns
        bodies = self._bodies.get(stamp)
        self._faults = [fault for fault in self._faults if fault[0] >= stamp]
        faults = [(part, side) for _, part, side in self._faults]
        self._meter.tick()
        if (
            self._due("markers", stamp, self.parameters["marker_rate"])
            and self._markers.get_subscription_count()
        ):
            header = bodies.header if bodies is not None else message.header
            self._markers.publish(self._marker_array(header, _active_body(bodies), form, faults))
        image = self._frames.get(stamp)
        if (
            self.overlay_wanted
            and image is not None
            and self._due("overlay", stamp, self.parameters["overlay_rate"])
        ):
            cue = self._cue if stamp < self._cue_until else ""
            tension = self._cable[1] if self._cable else math.nan
            overlay = Overlay(None, form, tuple(faults), cue, dict(self._angles), tension)
            try:
                self._pictures.put_nowait((image, overlay, bodies, stamp))
            except queue.Full:
                self._overwritten += 1

    def _due(self, what: str, stamp: int, rate: float) -> bool:
        # half a frame of slack, so that a 30 Hz stream at 30 Hz is not halved by jitter
        if 0 <= stamp - self._last[what] < 1e9 / rate * 0.75:
            return False
        self._last[what] = stamp
        return True

    def _marker_array(
        self, header: Header, body: Body | None, form: FormState, faults: list[tuple[str, Side]]
    ) -> MarkerArray:
        array = MarkerArray()
        if body is None:
            return array
        array.markers = markers.body_markers(header, body, form, self._angles, faults)
        if self._cable is not None and np.isfinite(self._cable[0]).all() and math.isfinite(self._cable[1]):
            pulley, tension, side = self._cable
            wrists = [Landmark.LEFT_WRIST] if side == Side.LEFT else [Landmark.RIGHT_WRIST]
            wrists = (
                [Landmark.LEFT_WRIST, Landmark.RIGHT_WRIST] if side not in (Side.LEFT, Side.RIGHT) else wrists
            )
            hand = np.mean([body.position(w) for w in wrists], axis=0)
            if np.isfinite(hand).all():
                array.markers += markers.cable_marker(header, pulley, hand, tension)
        return array

    def _paint(self) -> None:
        yield_to_others()
        while True:
            item = self._pictures.get()
            if item is None:
                return
            image, overlay, bodies, stamp = item
            try:
                picture = draw_overlay(image, replace(overlay, body=_active_body(bodies)))
                for sink in self._sinks:
                    sink(picture, stamp)
                if self._overlay.get_subscription_count() and self.active:
                    message = from_bgr(picture)
                    message.header = parts.header(stamp, "camera_optical_frame")
                    self._overlay.publish(message)
            except Exception as error:
                self.report_error(error)


def _side(value: int, field: str = "JointAngle.side") -> Side:
    side: Side = parts.enumerated(Side, value, field)
    return side


def _active_body(bodies: msg.BodyArray | None) -> Body | None:
    active = next((b for b in bodies.bodies if b.active), None) if bodies is not None else None
    return convert.body_from_msg(active) if active is not None else None


def main(args: list[str] | None = None) -> int:
    """Console script."""
    return run(VisualizationNode, args)
