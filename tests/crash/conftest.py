"""Servers to kill."""

import pytest
from crashing import CrashingServer


@pytest.fixture
def crashing(tmp_path):
    """Makes crashing servers from a seed, which the test's report names."""
    made = []

    def make(seed):
        print(f"seed {seed}")
        made.append(CrashingServer(tmp_path / "data", seed))
        return made[-1]

    yield make
    for one in made:
        one.server.assert_sound()
        assert one.server.stop() == 0
