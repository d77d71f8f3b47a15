"""Recordings of our own."""

from pathlib import Path

import pytest


@pytest.fixture
def recordings() -> Path:
    """A folder with a small recording of each format, dirt included."""
    return Path(__file__).resolve().parents[2] / "data" / "recordings"
