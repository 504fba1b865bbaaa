"""What all nodes share: lifecycle with self-start, parameters, diagnostics, and callbacks that survive bad messages."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import cv2
import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.signals import SignalHandlerOptions
from rclpy.time import Time
from threadpoolctl import threadpool_limits

from kinecue.body.errors import KineCueError
from kinecue.nodes.parameters import Parameters, ParameterSpec
from kinecue.nodes.polled_topic import MACHINE_QOS, PolledTopic

SENSOR_QOS = QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)
"""Streams whose newest value is what matters."""
EVENT_QOS = QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=50, reliability=ReliabilityPolicy.RELIABLE)
"""Faults, repetitions, cues: never lost."""
LATCHED_QOS = QoSProfile(
    history=HistoryPolicy.KEEP_LAST,
    depth=1,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)
"""What a late joiner has to know: set, phrases, calibration."""

_POLITE = 10
"""Nice value of threads that only draw and record."""

_AUTOSTART = ParameterSpec(
    "autostart", True, "Configure and activate by itself; false leaves it to a lifecycle manager."
)

DIAGNOSTICS_PERIOD_S = 1.0

OK, WARN, ERROR = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR


class KineCueNode(LifecycleNode):
    """A thin ROS shell around one object of the core.

    Subclasses list their parameters in `PARAMETERS` and override `configure`, `activate`, `deactivate`, `cleanup` and
    `diagnose`. An error in `configure` or `activate` leaves the node unconfigured and alive: it is logged and stands in the
    diagnostics, and the transition can be tried again.
    """

    PARAMETERS: Sequence[ParameterSpec] = ()
    HEAR_EVERY_S: float = 0.05
    """How often `hear_samples` takes what came, s."""

    def __init__(self, name: str, **kwargs: Any) -> None:
        super().__init__(name, **kwargs)
        try:
            self.parameters = Parameters(self, (*self.PARAMETERS, _AUTOSTART))
        except KineCueError:
            self.destroy_node()
            raise
        self._errors = 0
        self._last_error = ""
        self._failure = ""
        self._latched: dict[Callable[[Any], None], Any] = {}
        self._heard: list[tuple[PolledTopic, Callable[[Any], None]]] = []
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", 10)
        self._diagnostics_timer = self.create_timer(DIAGNOSTICS_PERIOD_S, self._publish_diagnostics)
        self.active = False
        change_state = self._service_change_state
        change_state.callback = self._only_possible(change_state.callback)

    # -- for subclasses

    def configure(self) -> None:
        """Loads and opens; raises `KineCueError` with what is wrong."""

    def activate(self) -> None:
        """Starts to publish; the publishers are open already."""

    def deactivate(self) -> None:
        """Stops to publish."""

    def cleanup(self) -> None:
        """Releases what `configure` took; called once, also after an error."""

    def diagnose(self) -> tuple[bytes, str, dict[str, object]]:
        """Level, message and values of the node's state, once a second while configured."""
        return OK, "running" if self.active else "not active", {}

    def guarded(self, callback: Callable[[Any], None], latched: bool = False) -> Callable[[Any], None]:
        """A callback that a malformed message cannot kill: the error is logged, counted and told in the diagnostics.

        Nothing is heard while the node is not active; of a latched topic the newest message is then heard on activation.
        """

        def call(message: Any) -> None:
            if latched:
                self._latched[call] = message
            if not self.active:
                return
            try:
                callback(message)
            except Exception as error:
                self.report_error(error)

        return call

    def hear_samples(
        self, kind: type, topic: str, callback: Callable[[Any], None], qos: QoSProfile = MACHINE_QOS
    ) -> Callable[[], None]:
        """Listens, guarded, to a stream that nobody waits for: whatever came is taken at once, every `HEAR_EVERY_S`.

        An executor looks at all its subscriptions again for each message that wakes it, which costs several times as much
        as the message itself, of a machine's samples and of frames alike. Topics are taken in the order of the calls.

        Returns:
            Call it to stop listening.
        """
        heard = (PolledTopic(self, kind, topic, qos), self.guarded(callback))
        if not self._heard:
            self._heard_timer = self.create_timer(self.HEAR_EVERY_S, self._hear)
        self._heard.append(heard)

        def stop() -> None:
            self._heard.remove(heard)
            heard[0].close()
            if not self._heard:
                self.destroy_timer(self._heard_timer)

        return stop

    def _hear(self) -> None:
        for polled, call in tuple(self._heard):
            for message in polled.take():
                call(message)

    def guarded_timer(self, callback: Callable[[], None]) -> Callable[[], None]:
        """The same for a timer's callback."""
        call = self.guarded(lambda _: callback())
        return lambda: call(None)

    def guarded_service(self, callback: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        """A service's callback that a request cannot kill: the answer has `success` false and the error as `message`."""

        def call(request: Any, response: Any) -> Any:
            try:
                return callback(request, response)
            except Exception as error:
                self.report_error(error)
                return type(response)(success=False, message=str(error))

        return call

    def report_error(self, error: BaseException) -> None:
        """Puts an error into the log (at most once a second) and the diagnostics."""
        self._errors += 1
        self._last_error = f"{type(error).__name__}: {error}"
        self.get_logger().error(self._last_error, throttle_duration_sec=1.0)

    def now_ns(self) -> int:
        """ROS time, ns."""
        return int(self.get_clock().now().nanoseconds)

    # -- lifecycle

    def start(self) -> bool:
        """Configures and activates if the parameter `autostart` says so; whether the node is active then."""
        if not self.parameters["autostart"]:
            return False
        if self.trigger_configure() != TransitionCallbackReturn.SUCCESS:
            return False
        return bool(self.trigger_activate() == TransitionCallbackReturn.SUCCESS)

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        if not self._attempt("configure", self.configure):
            self._attempt("clean up", self.cleanup, keep_failure=True)
            return TransitionCallbackReturn.FAILURE
        self.parameters.locked = True
        return TransitionCallbackReturn.SUCCESS

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        # publishers first: what `activate` starts may publish at once
        result = super().on_activate(state)
        self.active = True
        if not self._attempt("activate", self.activate):
            self.active = False
            super().on_deactivate(state)
            return TransitionCallbackReturn.FAILURE
        for call, message in list(self._latched.items()):
            call(message)
        return result

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        self.active = False
        self._attempt("deactivate", self.deactivate)
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        self._attempt("clean up", self.cleanup)
        self.parameters.locked = False
        return TransitionCallbackReturn.SUCCESS

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        self.close()
        return TransitionCallbackReturn.SUCCESS

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        self.close()
        return TransitionCallbackReturn.SUCCESS

    def close(self) -> None:
        """Releases everything, whatever the state."""
        if self.active:
            self.active = False
            self._attempt("deactivate", self.deactivate)
        if self.parameters.locked:
            self._attempt("clean up", self.cleanup)
            self.parameters.locked = False

    def destroy_node(self) -> None:
        """Takes the node out of the graph at once; rclpy forgets the state machine, which keeps it there."""
        super().destroy_node()
        self._state_machine.destroy_when_not_in_use()

    def _only_possible(self, callback: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        """Rclpy lets a request for a transition that the state does not have end the process."""

        def call(request: Any, response: Any) -> Any:
            try:
                return callback(request, response)
            except rclpy_implementation.RCLError as error:
                self.get_logger().error(
                    f"transition {request.transition.label or request.transition.id} refused: {error}"
                )
                response.success = False
                return response

        return call

    def _attempt(self, what: str, step: Callable[[], None], keep_failure: bool = False) -> bool:
        try:
            step()
        except Exception as error:
            expected = isinstance(error, (KineCueError, OSError, ValueError))
            text = str(error) if expected else f"{type(error).__name__}: {error}"
            self._failure = f"could not {what}: {text}"
            self.get_logger().error(self._failure)
            return False
        if not keep_failure:
            self._failure = ""
        return True

    # -- diagnostics

    def _publish_diagnostics(self) -> None:
        level, message, values = OK, "waiting to be configured", {}
        if self._failure:
            level, message = ERROR, self._failure
        elif self.parameters.locked:
            try:
                level, message, values = self.diagnose()
            except Exception as error:
                self.report_error(error)
        values = {"errors": self._errors, "last error": self._last_error, **values}
        if self._errors:
            level, message = max(level, WARN), f"{message}; {self._errors} errors, last: {self._last_error}"
        status = DiagnosticStatus(
            level=level, name=f"kinecue: {self.get_fully_qualified_name()}", message=message
        )
        status.hardware_id = self.get_namespace()
        status.values = [KeyValue(key=key, value=_text(value)) for key, value in values.items()]
        array = DiagnosticArray(status=[status])
        array.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(array)


def _text(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


class RateMeter:
    """Rate and worst gap of something that happens again and again, over about the last second."""

    def __init__(self) -> None:
        self._count = 0
        self._since = time.monotonic()
        self.rate = 0.0

    def tick(self) -> None:
        """It happened."""
        self._count += 1

    def read(self) -> float:
        """Events per second since the last call."""
        now = time.monotonic()
        elapsed = now - self._since
        if elapsed > 0.2:
            self.rate = self._count / elapsed
            self._count, self._since = 0, now
        return self.rate


def stamp_to_ns(stamp: Any) -> int:
    """builtin_interfaces/Time to ns."""
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)


def ns_to_stamp(stamp_ns: int) -> Any:
    """Ns to builtin_interfaces/Time."""
    return Time(nanoseconds=max(int(stamp_ns), 0)).to_msg()


def yield_to_others() -> None:
    """Puts the calling thread behind those that lead to a cue, when the cores are busy."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _POLITE)


def limit_threads() -> None:
    """Keeps numpy and OpenCV to one thread: matrices and crops are small, others only wait (2 ms a frame against 9)."""
    threadpool_limits(1, user_api="blas")
    cv2.setNumThreads(1)


class Spinner:
    """Spins a node in a thread of its own until it is stopped.

    The thread ends before its executor is taken away: rclpy's own shutdown pulls it out from under a running callback.

    Args:
        node: to be spun.
        polite: behind the threads that lead to a cue.
    """

    def __init__(self, node: Node, polite: bool = False) -> None:
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(node)
        self._polite = polite
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"spin-{node.get_name()}", daemon=True)

    def start(self) -> None:
        """Begins to spin."""
        self._thread.start()

    def stop(self, timeout_s: float = 2.0) -> None:
        """Ends the thread, then the executor; harmless if it never started."""
        self._stop.set()
        self._executor.wake()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        self._executor.shutdown(timeout_sec=timeout_s)

    def _run(self) -> None:
        if self._polite:
            yield_to_others()
        while not self._stop.is_set() and rclpy.ok():
            try:
                self._executor.spin_once(timeout_sec=0.5)
            except ExternalShutdownException:
                return
            except rclpy_implementation.InvalidHandle:
                # a publisher or subscription went away while the executor looked at it
                continue
            except rclpy_implementation.RCLError:
                # a signal that shuts the context down between two steps of the executor
                if rclpy.ok():
                    raise


def start_nodes(nodes: Sequence[KineCueNode], names: Sequence[str] = ()) -> list[str]:
    """Configures and activates nodes that start themselves (all, or those named); returns those that could not.

    What the start left behind stays; the garbage collector does not look at it again and again.
    """
    chosen = [node for node in nodes if not names or node.get_name() in names]
    failed = [
        node.get_name()
        for node in chosen
        if not node.active and node.parameters["autostart"] and not node.start()
    ]
    gc.collect()
    gc.freeze()
    return failed


def stop_on_signals() -> threading.Event:
    """An event that SIGINT and SIGTERM set; one that comes again ends the program at once.

    rclpy's own handlers take the context away from nodes that are still at work, so `init` leaves them out.
    """
    stop = threading.Event()
    defaults = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}

    def handle(number: int, frame: object) -> None:
        stop.set()
        signal.signal(number, defaults[signal.Signals(number)])

    for number in defaults:
        signal.signal(number, handle)
    return stop


def init(args: list[str] | None = None) -> None:
    """The ROS context of a program that ends by itself."""
    rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)


def shutdown() -> None:
    """Ends the ROS context; harmless if it has ended."""
    rclpy.try_shutdown()


def quiet() -> None:
    """Keeps ordinary log lines off a terminal that shows something else; warnings and errors stay."""
    rclpy.logging.set_logger_level("", rclpy.logging.LoggingSeverity.WARN)


def run(factory: Callable[[], KineCueNode], args: list[str] | None = None) -> int:
    """Runs one node until it is stopped; exit status 2 for a wrong parameter."""
    limit_threads()
    stop = stop_on_signals()
    init(args)
    try:
        try:
            node = factory()
        except KineCueError as error:
            print(f"kinecue: {error}", file=sys.stderr)
            return 2
        spinner = Spinner(node)
        try:
            node.start()
            spinner.start()
            stop.wait()
        finally:
            node.close()
            spinner.stop()
            node.destroy_node()
    finally:
        rclpy.try_shutdown()
    return 0
