"""kcat, which Debian 12 builds over its librdkafka 2.0.2: years older than the one that Python's client brings."""

import re
import subprocess

import pytest

CODECS = ("gzip", "snappy", "lz4", "zstd")


@pytest.fixture
def kcat(bootstrap):
    def run(*arguments, text=""):
        command = ["kcat", "-b", bootstrap, *arguments]
        done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_which_library_it_is():
    version = subprocess.run(["kcat", "-V"], capture_output=True, text=True, timeout=60).stdout
    assert re.search(r"librdkafka [12]\.\d+", version), version


def test_every_codec_there_and_back(kcat, topic):
    for codec in CODECS:
        kcat("-P", "-t", topic, "-p", "0", "-z", codec, "-K", ":", text=f"{codec}:value\n" * 3)
    lines = kcat("-C", "-t", topic, "-p", "0", "-e", "-q", "-f", "%k %s %o\n").splitlines()
    assert lines == [
        f"{codec} value {offset}" for offset, codec in enumerate(codec for codec in CODECS for _ in range(3))
    ]
    assert f'topic "{topic}" with 4 partitions' in kcat("-L", "-t", topic)


def test_a_group_goes_on_where_it_stopped(kcat, topic, group):
    consume = ("-X", "auto.offset.reset=earliest", "-G", group, topic, "-e", "-q")
    kcat("-P", "-t", topic, text="one\ntwo\n")
    assert sorted(kcat(*consume).split()) == ["one", "two"]
    kcat("-P", "-t", topic, text="three\n")
    assert kcat(*consume).split() == ["three"]


def test_an_idempotent_producer(kcat, topic):
    text = "".join(f"{number}\n" for number in range(1000))
    kcat("-P", "-t", topic, "-p", "1", "-X", "enable.idempotence=true", "-X", "batch.num.messages=7", text=text)
    assert kcat("-C", "-t", topic, "-p", "1", "-e", "-q") == text


def test_headers_tombstones_and_offsets_of_times(kcat, topic):
    kcat("-P", "-t", topic, "-p", "0", "-H", "trace=1", "-H", "empty=", "-k", "key", text="value\n")
    kcat("-P", "-t", topic, "-p", "0", "-Z", "-K", ":", text="key:\n")
    first, second = kcat("-C", "-t", topic, "-p", "0", "-e", "-q", "-f", "%k|%S|%h|%T\n").splitlines()
    key, size, headers, timestamp = first.split("|")
    assert (key, size, headers) == ("key", "5", "trace=1,empty=")
    assert second.split("|")[:2] == ["key", "-1"]
    later = int(timestamp) + 3_600_000
    assert len(kcat("-C", "-t", topic, "-p", "0", "-o", f"s@{timestamp}", "-e", "-q").splitlines()) == 2
    assert kcat("-Q", "-t", f"{topic}:0:{timestamp}").split()[-1] == "0"
    assert int(kcat("-Q", "-t", f"{topic}:0:{later}").split()[-1]) in (-1, 2)
