"""Videos, folders of pictures and cameras as sources of frames."""

from __future__ import annotations

import math
import os

import cv2
import numpy as np
import pytest
from perception_fakes import FakeCapture

from kinecue.perception.camera import V4l2Camera
from kinecue.perception.errors import SourceError
from kinecue.perception.frames import CaptureMode
from kinecue.perception.recordings import ImageFolder, VideoFile

MS = 1_000_000


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """20 frames at 20 fps; frame i is of grey i * 10."""
    path = tmp_path_factory.mktemp("clip") / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 20, (64, 48))
    for i in range(20):
        writer.write(np.full((48, 64, 3), i * 10, np.uint8))
    writer.release()
    return path


def read_all(source):
    source.open()
    frames = list(iter(source.read, None))
    source.close()
    return frames


def test_video_gives_every_frame_with_its_time(clip):
    frames = read_all(VideoFile(clip, start_ns=7))
    assert [f.stamp_ns for f in frames] == [7 + 50 * MS * i for i in range(20)]
    assert [f.index for f in frames] == list(range(20))
    assert [round(f.image.mean() / 10) for f in frames] == list(range(20))
    assert frames[0].size == (64, 48)
    assert frames[0].source == str(clip)


def test_frames_are_read_only(clip):
    frame = read_all(VideoFile(clip))[0]
    with pytest.raises(ValueError, match="read-only"):
        frame.image[0, 0] = 0


def test_video_can_be_opened_again(clip):
    video = VideoFile(clip, start_ns=0)
    assert len(read_all(video)) == len(read_all(video)) == 20
    assert (video.granted.width, video.granted.height, video.granted.rate) == (64, 48, 20.0)
    assert video.notes == ()


def test_loop_goes_on_in_time(clip):
    video = VideoFile(clip, loop=True, start_ns=0)
    video.open()
    frames = [video.read() for _ in range(45)]
    video.close()
    assert [f.stamp_ns for f in frames] == [50 * MS * i for i in range(45)]
    assert frames[40].image.mean() == frames[0].image.mean()


class SleepingClock:
    """Time passes only while somebody sleeps."""

    def __init__(self):
        self.now = 1_000_000_000

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += round(seconds * 1e9)


def test_real_time_waits_for_each_frame(clip):
    clock = SleepingClock()
    video = VideoFile(clip, real_time=True, clock=clock, sleep=clock.sleep)
    video.open()
    for i in range(20):
        frame = video.read()
        assert frame.stamp_ns == clock.now == 1_000_000_000 + i * 50 * MS
    video.close()


def test_real_time_does_not_wait_when_late(clip):
    clock = SleepingClock()
    video = VideoFile(clip, real_time=True, clock=clock, sleep=clock.sleep)
    video.open()
    clock.sleep(10)
    before = clock.now
    assert video.read().stamp_ns == 1_000_000_000
    assert clock.now == before
    video.close()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("gone.mp4", None, "no such file"),
        ("empty.mp4", b"", "the file is empty"),
        ("junk.mp4", b"this is not a video" * 50, "no video that OpenCV can decode"),
    ],
)
def test_bad_videos_are_named(tmp_path, capfd, name, content, said):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SourceError, match=f"{name}: {said}"):
        VideoFile(path).open()
    assert capfd.readouterr().err == ""  # OpenCV and FFmpeg keep quiet


def test_folder_is_no_video(tmp_path):
    with pytest.raises(SourceError, match="is a folder"):
        VideoFile(tmp_path).open()


def test_damaged_end_is_tolerated_and_told(clip, tmp_path):
    cut = tmp_path / "cut.avi"
    content = clip.read_bytes()
    cut.write_bytes(content[: len(content) * 6 // 10])
    video = VideoFile(cut)
    frames = read_all(video)
    assert 1 <= len(frames) < 20
    assert video.notes == (
        f"the file states 20 frames but only {len(frames)} could be decoded: its end is damaged or cut off",
    )


def test_video_without_times_or_rate_gets_even_stamps(clip):
    video = VideoFile(clip, start_ns=0, capture=lambda _: FakeCapture(frames=4))
    assert [f.stamp_ns for f in read_all(video)] == [0, 33_333_333, 66_666_666, 99_999_999]
    assert video.notes == ("the file states no usable frame rate (0); 30 fps are assumed",)


@pytest.fixture
def folder(tmp_path):
    for number in (10, 2, 1):
        cv2.imwrite(str(tmp_path / f"view_{number}.png"), np.full((8, 8, 3), number, np.uint8))
    (tmp_path / "notes.txt").write_text("no picture")
    return tmp_path


def test_folder_is_read_in_the_order_of_its_numbers(folder):
    frames = read_all(ImageFolder(folder, rate=10, start_ns=0))
    assert [int(f.image[0, 0, 0]) for f in frames] == [1, 2, 10]
    assert [f.stamp_ns for f in frames] == [0, 100 * MS, 200 * MS]


def test_picture_that_cannot_be_decoded_is_left_out_and_told(folder, capfd):
    (folder / "view_2.png").write_bytes(b"broken")
    source = ImageFolder(folder, rate=10, start_ns=0)
    frames = read_all(source)
    assert [(int(f.image[0, 0, 0]), f.stamp_ns, f.index) for f in frames] == [(1, 0, 0), (10, 200 * MS, 1)]
    assert source.notes == ("view_2.png cannot be decoded and is left out",)
    assert capfd.readouterr().err == ""


def test_folder_loops(folder):
    source = ImageFolder(folder, rate=10, start_ns=0, loop=True)
    source.open()
    assert [source.read().stamp_ns // MS for _ in range(7)] == [0, 100, 200, 300, 400, 500, 600]


def test_bad_folders_are_named(tmp_path):
    with pytest.raises(SourceError, match="no such folder"):
        ImageFolder(tmp_path / "gone").open()
    with pytest.raises(SourceError, match=r"no pictures in this folder; read are \.bmp"):
        ImageFolder(tmp_path).open()
    (tmp_path / "a.png").write_bytes(b"x")
    with pytest.raises(SourceError, match="none of the 1 pictures can be decoded"):
        ImageFolder(tmp_path).open()
    with pytest.raises(SourceError, match="rate must be over 0 and at most 1000 fps, got 0"):
        ImageFolder(tmp_path, rate=0)


GRANTED = {
    cv2.CAP_PROP_FRAME_WIDTH: 640.0,
    cv2.CAP_PROP_FRAME_HEIGHT: 480.0,
    cv2.CAP_PROP_FPS: 60.0,
    cv2.CAP_PROP_FOURCC: float(cv2.VideoWriter.fourcc(*"YUYV")),
    cv2.CAP_PROP_EXPOSURE: 100.0,
}


def test_camera_says_what_was_granted():
    capture = FakeCapture(GRANTED)
    camera = V4l2Camera(0, CaptureMode(1280, 720, 200.0, "MJPG", 0.005), capture=lambda: capture)
    assert camera.notes == ()
    camera.open()
    assert camera.granted == CaptureMode(640, 480, 60.0, "YUYV", 0.01)
    assert camera.notes == (
        "requested 1280x720 and got 640x480",
        "requested 200 fps and got 60",
        "requested format MJPG and got YUYV",
        "requested exposure 0.005 s and got 0.01",
    )
    assert capture.asked[cv2.CAP_PROP_FPS] == 200.0
    assert capture.asked[cv2.CAP_PROP_EXPOSURE] == pytest.approx(50.0)  # units of 100 microseconds


def test_camera_that_grants_everything_has_nothing_to_say():
    camera = V4l2Camera(0, CaptureMode(640, 480, 59.94, "YUYV"), capture=lambda: FakeCapture(GRANTED))
    camera.open()
    assert camera.notes == ()
    assert math.isnan(camera.granted.exposure)


def test_camera_stamps_with_the_time_of_the_buffer():
    capture = FakeCapture(GRANTED)
    capture.position_ms = lambda: 5_000.0  # the kernel's clock when the picture was taken
    camera = V4l2Camera(0, capture=lambda: capture, clock=lambda: 10**18, monotonic=lambda: 5_030 * MS)
    camera.open()
    assert camera.read().stamp_ns == 10**18 - 30 * MS
    capture.position_ms = lambda: 0.0  # a driver without stamps
    assert camera.read().stamp_ns == 10**18


def test_camera_stamps_never_go_back():
    camera = V4l2Camera(0, capture=lambda: FakeCapture(), clock=iter([100, 90, 200]).__next__)
    camera.open()
    assert [camera.read().stamp_ns for _ in range(3)] == [100, 101, 200]


def test_camera_unplugged():
    capture = FakeCapture()
    camera = V4l2Camera("/dev/video7", capture=lambda: capture)
    camera.open()
    camera.read()
    capture.plugged = False
    with pytest.raises(SourceError, match=r"camera /dev/video7 stopped delivering frames"):
        camera.read()
    camera.close()
    assert capture.released
    with pytest.raises(SourceError, match=r"camera /dev/video7 cannot be opened"):
        camera.open()


def test_camera_that_does_not_exist():
    with pytest.raises(SourceError, match=r"camera /dev/video99 does not exist; cameras there: "):
        V4l2Camera(99).open()


def test_camera_without_permission(tmp_path, monkeypatch):
    device = tmp_path / "video"
    device.touch()
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(SourceError, match="may not be used: add your user to the group 'video'"):
        V4l2Camera(str(device)).open()


def test_camera_format_has_four_letters():
    with pytest.raises(SourceError, match="must have four letters such as MJPG, got 'JPEG2'"):
        V4l2Camera(0, CaptureMode(fourcc="JPEG2"))


def test_differences_only_where_something_was_asked():
    granted = CaptureMode(640, 480, 30.0, "YUYV")
    assert CaptureMode().differences(granted) == ()
    assert CaptureMode(rate=30.3).differences(granted) == ()
    assert CaptureMode(rate=60).differences(CaptureMode()) == ("requested 60 fps and got an unknown one",)
