"""The mailbox and the capture thread: newest wins, nothing grows, a lost camera comes back."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from perception_fakes import FakeLiveSource, make_frame

from kinecue.perception.errors import SourceError
from kinecue.perception.frames import CaptureMode, Frame
from kinecue.perception.grabber import FrameGrabber, GrabberState, LatestFrame

PATIENCE = 10.0
"""Seconds a test waits for another thread at most."""


def until(condition):
    """Wait until another thread has made it true."""
    pause = threading.Event()
    for _ in range(int(PATIENCE / 0.005)):
        if condition():
            return
        pause.wait(0.005)
    pytest.fail("it never happened")


def test_newest_wins_and_the_rest_is_counted():
    mailbox = LatestFrame()
    for i in range(5):
        mailbox.put(make_frame(i))
    assert mailbox.take(0).index == 4
    assert mailbox.take(0) is None
    assert mailbox.dropped == 4


def test_frames_are_handed_over_by_reference():
    mailbox, frame = LatestFrame(), make_frame(1)
    mailbox.put(frame)
    assert mailbox.take(0) is frame


def test_taker_waits_for_a_frame():
    mailbox, got = LatestFrame(), []
    taker = threading.Thread(target=lambda: got.append(mailbox.take(PATIENCE)))
    taker.start()
    mailbox.put(make_frame(3))
    taker.join(PATIENCE)
    assert got[0].index == 3


def test_closing_frees_everybody_who_waits():
    mailbox, results = LatestFrame(), []
    taker = threading.Thread(target=lambda: results.append(mailbox.take()))
    taker.start()
    mailbox.close()
    taker.join(PATIENCE)
    assert results == [None]
    mailbox.put(make_frame(1))
    assert mailbox.take(0) is None
    assert mailbox.closed


def test_last_frame_can_be_taken_after_closing():
    mailbox = LatestFrame()
    mailbox.put(make_frame(9))
    mailbox.close()
    assert mailbox.take().index == 9


def test_lossless_put_gives_up_after_its_time():
    mailbox = LatestFrame()
    assert mailbox.put_when_taken(make_frame(1), 0)
    assert not mailbox.put_when_taken(make_frame(2), 0)
    assert mailbox.take(0).index == 1
    assert mailbox.dropped == 0


def test_many_threads_lose_and_double_nothing():
    """Every frame is taken once, dropped once, or still there."""
    mailbox, taken, count = LatestFrame(), [], 400

    def take():
        while (frame := mailbox.take()) is not None:
            taken.append((frame.source, frame.index))

    def put(name):
        for i in range(count):
            mailbox.put(Frame(np.zeros((1, 1, 3), np.uint8), i, i, name))

    takers = [threading.Thread(target=take) for _ in range(3)]
    putters = [threading.Thread(target=put, args=(name,)) for name in "abc"]
    for thread in takers + putters:
        thread.start()
    for thread in putters:
        thread.join(PATIENCE)
    mailbox.close()
    for thread in takers:
        thread.join(PATIENCE)
    assert len(set(taken)) == len(taken)
    assert len(taken) + mailbox.dropped == 3 * count


class Recording:
    """Frames 0 to `count` - 1 at once."""

    name = "recording"
    live = False
    requested = CaptureMode()
    granted = CaptureMode(2, 2, 30.0)
    notes = ()

    def __init__(self, count, breaks_at=None):
        self.count, self.breaks_at, self.next = count, breaks_at, 0

    def open(self):
        self.next = 0

    def read(self):
        if self.next == self.breaks_at:
            raise SourceError("recording: cannot be read on")
        if self.next == self.count:
            return None
        self.next += 1
        return make_frame(self.next - 1)

    def close(self):
        pass


def drain(mailbox):
    frames = []
    while (frame := mailbox.take(PATIENCE)) is not None:
        frames.append(frame.index)
    return frames


def test_lossless_grabber_delivers_everything_to_everybody():
    boxes = (LatestFrame(), LatestFrame())
    grabber = FrameGrabber(Recording(300), boxes, lossless=True)
    grabber.start()
    other: list[list[int]] = []
    taker = threading.Thread(target=lambda: other.append(drain(boxes[1])))
    taker.start()
    assert drain(grabber.mailbox) == list(range(300))
    taker.join(PATIENCE)
    assert other == [list(range(300))]
    until(lambda: grabber.statistics().state is GrabberState.ENDED)
    assert (grabber.statistics().frames, grabber.statistics().dropped) == (300, 0)


def test_fast_recording_without_consumer_keeps_one_frame():
    grabber = FrameGrabber(Recording(50))
    grabber.start()
    until(lambda: grabber.statistics().state is GrabberState.ENDED)
    assert drain(grabber.mailbox) == [49]
    assert grabber.statistics().dropped == 49


def test_grabber_can_be_started_again():
    grabber = FrameGrabber(Recording(3), lossless=True)
    for _ in range(2):
        grabber.start()
        assert drain(grabber.mailbox) == [0, 1, 2]
        grabber.stop()
        assert grabber.statistics().frames == 3


def test_recording_that_breaks_fails_with_its_reason():
    grabber = FrameGrabber(Recording(10, breaks_at=4), lossless=True)
    grabber.start()
    assert drain(grabber.mailbox) == [0, 1, 2, 3]
    until(lambda: grabber.statistics().state is GrabberState.FAILED)
    assert grabber.statistics().last_error == "recording: cannot be read on"


def test_stop_frees_a_grabber_that_waits_for_its_consumer():
    grabber = FrameGrabber(Recording(100), lossless=True)
    grabber.start()
    until(lambda: grabber.statistics().frames >= 2)
    grabber.stop(PATIENCE)
    assert grabber.statistics().state is GrabberState.STOPPED


@pytest.fixture
def camera():
    source = FakeLiveSource()
    yield source
    source.plugged = False
    source.allowed.release()  # lets the thread end


def test_unplugged_and_back_again_without_a_restart(camera):
    grabber = FrameGrabber(camera, first_retry=0.01)
    grabber.start()
    camera.allowed.release()
    assert grabber.mailbox.take(PATIENCE).index == 1
    assert grabber.statistics().state is GrabberState.RUNNING
    camera.plugged = False
    camera.allowed.release()
    until(lambda: grabber.statistics().state is GrabberState.RECONNECTING)
    until(lambda: grabber.statistics().last_error == "fake camera does not exist")
    camera.plugged = True
    until(lambda: grabber.statistics().state is GrabberState.RUNNING)
    camera.allowed.release()
    assert grabber.mailbox.take(PATIENCE).index == 2
    statistics = grabber.statistics()
    assert (statistics.reconnections, statistics.last_error, camera.opened) == (1, "", 2)
    camera.plugged = False
    camera.allowed.release()
    grabber.stop()


def test_camera_that_is_not_there_at_first_is_waited_for(camera):
    camera.plugged = False
    grabber = FrameGrabber(camera, first_retry=0.01)
    grabber.start()
    assert grabber.statistics().state is GrabberState.RECONNECTING
    assert grabber.statistics().last_error == "fake camera does not exist"
    camera.plugged = True
    camera.allowed.release()
    assert grabber.mailbox.take(PATIENCE).index == 1
    camera.plugged = False
    camera.allowed.release()
    grabber.stop()


def test_required_camera_and_recordings_fail_at_once(camera):
    camera.plugged = False
    with pytest.raises(SourceError, match="does not exist"):
        FrameGrabber(camera).start(require_source=True)


def test_measured_rate_and_notes(camera):
    """Frames 0.02 s apart by the clock are 50 per second."""
    grabber = FrameGrabber(camera, clock=lambda: camera.index * 0.02)
    grabber.start()
    camera.allowed.release(10)
    until(lambda: grabber.statistics().frames == 10)
    statistics = grabber.statistics()
    assert statistics.rate == pytest.approx(50.0)
    assert statistics.granted.rate == 60.0
    assert statistics.notes == ("requested 200 fps and got 60",)
    camera.plugged = False
    camera.allowed.release()
    grabber.stop()
