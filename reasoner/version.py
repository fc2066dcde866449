"""Say which version of the distribution is installed."""

from __future__ import annotations

__all__ = ["installed_version"]


def installed_version() -> str:
    """Return the version of the installed distribution, or the empty string where the package runs from its folder."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("legcramps")
    except PackageNotFoundError:
        return ""
