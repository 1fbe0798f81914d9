import pytest
from sql_server import SqlServer


@pytest.fixture
def start_server(tmp_path):
    """Starts a server with these flags; at the end it must stop as it should."""
    started = []

    def start(*flags):
        started.append(SqlServer(tmp_path / "data", *flags))
        return started[-1]

    yield start
    for server in started:
        assert server.stop() == 0
        server.assert_no_fault()


@pytest.fixture
def server(start_server):
    return start_server()
