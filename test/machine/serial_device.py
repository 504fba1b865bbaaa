"""A machine's controller at the other end of a real pseudo-terminal, which can be unplugged and plugged in again."""

from __future__ import annotations

import errno
import os
import tty
from pathlib import Path


class SerialDevice:
    """A pseudo-terminal under a lasting name, as udev gives it to a USB device.

    Args:
        link: the name.
    """

    def __init__(self, link: Path) -> None:
        self.port = link
        self._master = self._slave = -1

    def plug_in(self) -> None:
        """The device appears."""
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.port.unlink(missing_ok=True)
        self.port.symlink_to(os.ttyname(self._slave))
        # only the driver holds it now, as with a cable
        os.close(self._slave)

    def unplug(self) -> None:
        """The device is gone, with what was still on its way."""
        if self._master >= 0:
            os.close(self._master)
            self._master = -1
        self.port.unlink(missing_ok=True)

    def send(self, data: bytes) -> bool:
        """Print; False if it is lost: unplugged, or nobody fetched what was printed before."""
        if self._master < 0:
            return False
        try:
            return os.write(self._master, data) == len(data)
        except BlockingIOError:
            return False
        except OSError as error:
            # nobody has opened the port
            if error.errno != errno.EIO:
                raise
            return False
