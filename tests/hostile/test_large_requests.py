"""Many clients that announce or send much: in the memory that is set aside for it, and nobody else waits."""

import concurrent.futures
import contextlib
import struct

import psycopg
import requests
from crowds import Peak, make_topic
from wire import (
    batch,
    connect,
    pg_connect,
    pg_errors,
    pg_message,
    pg_query,
    produce,
    read_pg_until,
    read_to_end,
    record,
    send_all,
    wait_until,
)

MIB = 1 << 20
CROWD = 60
# A connection may have one small request beyond the budget.
SMALL = 16 << 10

KAFKA_BUDGET = 8 * MIB
KAFKA = ("--kafka-request-bytes-max=4MiB", "--kafka-requests-bytes-max=8MiB")
# One message of the largest size that is allowed, and what is kept of it, fits in any case, so that is what there is.
PG_BUDGET = 32 * MIB
PG = ("--pg-messages-bytes-max=1MiB",)


def test_kafka_clients_that_announce_much(start_server, innocents):
    server = start_server(*KAFKA, "--kafka-read-timeout-ms=2000")
    clients = innocents(server)
    session = requests.Session()
    peak = Peak(server, "penstock_kafka_request_bytes")
    with contextlib.ExitStack() as stack:
        liars = [stack.enter_context(connect(server.kafka)) for _ in range(CROWD)]
        for liar in liars:
            liar.sendall(struct.pack(">i", 3 * MIB) + b"\0" * 1000)
        wait_until(
            lambda: server.metrics(session)["penstock_kafka_request_memory_waits_total"] >= CROWD - KAFKA_BUDGET // (3 * MIB),
            "most of them wait for memory",
        )
        clients.assert_served()
        # They are closed when their time is over, those that wait as those that are waited for.
        for liar in liars:
            assert read_to_end(liar) == b""
    assert peak.stop()["penstock_kafka_request_bytes"] <= KAFKA_BUDGET + (CROWD + 10) * SMALL
    wait_until(lambda: server.metrics(session)["penstock_kafka_request_bytes"] < MIB, "their memory is given back")
    log = server.log_tail(1 << 20)
    assert "a request stopped in its middle" in log and "there is no memory for a request of 3145728 bytes" in log
    assert log.count("closing a kafka connection") <= 60


def test_kafka_clients_that_send_much_are_all_served(start_server, innocents):
    server = start_server(*KAFKA)
    innocents(server)
    make_topic(server, "large-requests")
    peak = Peak(server, "penstock_kafka_request_bytes")

    data = batch(record(b"x" * (3 * MIB)))

    def produce_three(_):
        with connect(server.kafka) as connection:
            return [produce(connection, "large-requests", data)[0] for _ in range(3)]

    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        assert list(pool.map(produce_three, range(20))) == [[0, 0, 0]] * 20
    assert peak.stop()["penstock_kafka_request_bytes"] <= KAFKA_BUDGET + 30 * SMALL


def test_pg_clients_that_announce_much(start_server, innocents):
    server = start_server(*PG, "--pg-read-timeout-ms=2000")
    clients = innocents(server)
    session = requests.Session()
    peak = Peak(server, "penstock_pgwire_message_bytes")
    with contextlib.ExitStack() as stack:
        liars = [stack.enter_context(pg_connect(server.pg)) for _ in range(20)]
        for liar in liars:
            liar.sendall(pg_message("Q", b"SELECT 1", length=10 * MIB))
        clients.assert_served()
        told = 0
        for liar in liars:
            answer = read_to_end(liar)
            if answer:
                assert b"C53200\0" in answer and b"there is no memory for a message of 10485761 bytes" in answer
                told += 1
        assert 0 < told < len(liars), "some had the memory, and the others were told that there is none"
    assert peak.stop()["penstock_pgwire_message_bytes"] <= PG_BUDGET
    wait_until(lambda: server.metrics(session)["penstock_pgwire_message_bytes"] < SMALL, "their memory is given back")


def test_pg_clients_that_send_much_are_all_served(start_server, innocents):
    server = start_server(*PG)
    innocents(server)
    peak = Peak(server, "penstock_pgwire_message_bytes")

    def query(number):
        with pg_connect(server.pg) as connection:
            for _ in range(2):
                text = str(number) * (3 * MIB)
                send_all(connection, pg_query(f"SELECT CHAR_LENGTH('{text}')"))
                rows = [payload for kind, payload in read_pg_until(connection, "Z") if kind == "D"]
                assert rows == [struct.pack(">hi", 1, len(str(len(text)))) + str(len(text)).encode()]

    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        list(pool.map(query, range(10)))
    assert 3 * MIB < peak.stop()["penstock_pgwire_message_bytes"] <= PG_BUDGET


def test_what_pg_sessions_keep_is_bounded(start_server, innocents):
    """Prepared statements and parameters, of all sessions together."""
    server = start_server(*PG)
    clients = innocents(server)
    session = requests.Session()
    statement = b"SELECT CHAR_LENGTH('" + b"x" * MIB + b"')"
    with contextlib.ExitStack() as stack:
        hoarders = [stack.enter_context(pg_connect(server.pg)) for _ in range(4)]
        refused = []
        for number in range(60):
            hoarder = hoarders[number % len(hoarders)]
            send_all(hoarder, pg_message("P", b"s%d\0" % number + statement + b"\0\0\0") + pg_message("S"))
            refused += pg_errors(read_pg_until(hoarder, "Z"))
        assert 20 < len(refused) < 60 and {error["C"] for error in refused} == {"53000"}
        assert "prepared statements" in refused[0]["M"] and refused[0]["H"]
        assert server.metrics(session)["penstock_pgwire_message_bytes"] <= PG_BUDGET

        # Parameters count as well, and what is closed is given back.
        send_all(hoarders[0], pg_message("C", b"Ss0\0") + pg_message("P", b"p\0SELECT CHAR_LENGTH($1)\0\0\0"))
        for name in (b"a", b"b", b"c"):
            bind = name + b"\0p\0" + struct.pack(">hhi", 0, 1, MIB) + b"x" * MIB + struct.pack(">h", 0)
            send_all(hoarders[0], pg_message("B", bind))
        send_all(hoarders[0], pg_message("S"))
        messages = read_pg_until(hoarders[0], "Z")
        assert [kind for kind, _ in messages][:3] == ["3", "1", "2"] and len(pg_errors(messages)) == 1
        clients.assert_served()
    wait_until(lambda: server.metrics(session)["penstock_pgwire_message_bytes"] < SMALL, "it goes with the sessions")


def test_one_large_message_is_taken_whatever_the_budget(start_server):
    server = start_server(*PG)
    with psycopg.connect(f"host=127.0.0.1 port={server.pg.rsplit(':', 1)[1]} user=x", autocommit=True) as pg:
        text = "y" * (15 * MIB)
        assert pg.execute("SELECT CHAR_LENGTH(%s)", [text]).fetchall() == [(len(text),)]
