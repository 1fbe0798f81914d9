"""The Java clients: producer, consumer and admin client."""

import os
import pathlib
import subprocess

import pytest
from confluent_kafka import Producer
from test_delivery import read_all


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
def test_java_produces(java, bootstrap, topic, codec):
    assert java("Produce", bootstrap, topic, 100, codec) == ["100"]
    values = [value for partition in range(4) for value in partition_values(bootstrap, topic, partition)]
    assert sorted(values) == sorted(b"v%d" % number for number in range(100))


def partition_values(bootstrap, topic, partition):
    from confluent_kafka import Consumer, TopicPartition

    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "g"})
    _, end = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)
    consumer.close()
    return read_all(bootstrap, topic, end, partition)


def test_java_consumes(java, bootstrap, topic, group):
    for codec in ("none", "gzip", "snappy", "lz4", "zstd"):
        producer = Producer({"bootstrap.servers": bootstrap, "compression.type": codec, "linger.ms": 5})
        for number in range(20):
            producer.produce(topic, f"{codec}{number}", key="k")
        assert producer.flush(20) == 0
    lines = java("Consume", bootstrap, topic, group, 100)
    assert sorted(lines) == sorted(
        f"k\t{codec}{number}" for codec in ("none", "gzip", "snappy", "lz4", "zstd") for number in range(20)
    )


def test_java_administers(java, bootstrap, topic, group):
    lines = dict(line.split(": ") for line in java("Administer", bootstrap, topic, group) if ": " in line)
    assert lines == {
        "nodes": "1",
        "created": "3",
        "again": "true",
        "listed": "true",
        "partitions": "5",
        "retention": "3600000 1000000",
        "default": "true",
        "group": "Empty 0",
        "groups": "true",
        "committed": "10",
        "deleted to end": "true",
        "start is end": "true",
        "groups after": "false",
        "topic after": "false",
    }


def test_java_reads_every_message_as_it_is_written_here(java, tmp_path):
    """The C++ test writes random messages of every API and version; Java reads each and writes the same bytes."""
    program = pathlib.Path(os.environ.get("PENSTOCK_BIN", "build/asan/penstock")).parent / "kafka_protocol_test"
    if not program.exists():
        pytest.skip(f"{program} is not built")
    file = tmp_path / "messages"
    subprocess.run(
        [program, "--gtest_filter=CodecTest.EveryMessageSurvivesARoundTrip"],
        env={**os.environ, "PENSTOCK_KAFKA_MESSAGES": str(file)},
        check=True,
        capture_output=True,
        timeout=60,
    )
    count, *differences = java("Reencode", file)
    assert differences == []
    assert int(count) > 5000
