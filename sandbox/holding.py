"""Folders that say whether whoever uses them still lives, however that one ends.

The lock is the kernel's (flock): it goes with its process, so a folder whose owner was killed is
told from one that is in use. Nothing is ever removed that was not locked first, and no folder that
names no owner.
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

OWNER = "owner.lock"
_UNBORN = "owner.new"
_PID_BYTES_MAX = 20


class InUseError(Exception):
    """A process that lives holds the folder; `pid` is its id, empty where it cannot be read."""

    def __init__(self, folder: Path, pid: str) -> None:
        super().__init__(f"{folder} is in use by pid {pid or 'unknown'}")
        self.folder = folder
        self.pid = pid


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold a folder that is kept, until the block or the process ends.

    Raises:
        InUseError: somebody else holds it.

    """
    descriptor = _locked(folder / OWNER)
    try:
        yield
    finally:
        os.close(descriptor)


@contextmanager
def temporary_folder(prefix: str) -> Iterator[Path]:
    """A folder that is gone when the block ends. Those of the same prefix whose owners were killed
    are removed first.
    """
    remove_leftovers(prefix)
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    # Under its real name it is locked from the first moment, so nobody takes it for a leftover.
    descriptor = _locked(folder / _UNBORN)
    (folder / _UNBORN).rename(folder / OWNER)
    try:
        yield folder
    finally:
        _remove(folder)
        os.close(descriptor)


def remove_leftovers(prefix: str) -> tuple[Path, ...]:
    """Remove this user's temporary folders of that prefix whose owner is gone; which those were."""
    candidates = sorted(Path(tempfile.gettempdir()).glob(f"{prefix}*"))
    return tuple(folder for folder in candidates if _is_ours(folder) and _removed(folder))


def _is_ours(folder: Path) -> bool:
    try:
        return not folder.is_symlink() and folder.stat().st_uid == os.getuid()
    except OSError:
        return False


def _removed(folder: Path) -> bool:
    try:
        descriptor = os.open(folder / OWNER, os.O_RDWR | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _remove(folder)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def _remove(folder: Path) -> None:
    """The owner's file goes last: what cannot be removed now can still be found later."""
    with contextlib.suppress(OSError):
        for entry in folder.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry, ignore_errors=True)
            elif entry.name != OWNER:
                entry.unlink(missing_ok=True)
        if [entry.name for entry in folder.iterdir()] == [OWNER]:
            shutil.rmtree(folder, ignore_errors=True)


def _locked(path: Path) -> int:
    """The descriptor that holds the lock; children do not inherit it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pid = os.read(descriptor, _PID_BYTES_MAX).decode(errors="replace").strip()
        os.close(descriptor)
        raise InUseError(path.parent, pid) from None
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"{os.getpid()}\n".encode())
    return descriptor
