"""Compression, idempotence and order, with librdkafka's and others' producers."""

import itertools

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from kafka import KafkaConsumer, KafkaProducer

CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
DEADLINE_S = 30


def read_all(bootstrap, topic, count, partition=0):
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "none", "enable.auto.commit": False})
    consumer.assign([TopicPartition(topic, partition, 0)])
    values = []
    while len(values) < count:
        messages = consumer.consume(count, timeout=DEADLINE_S)
        assert messages, f"{len(values)} of {count}"
        values += [message.value() for message in messages]
    consumer.close()
    return values


@pytest.mark.parametrize("codec", CODECS)
def test_compressed_by_librdkafka(bootstrap, topic, codec):
    producer = Producer({"bootstrap.servers": bootstrap, "compression.type": codec, "linger.ms": 20})
    expected = [b"value %d " % number * 10 for number in range(200)]
    for value in expected:
        producer.produce(topic, value, partition=0)
    assert producer.flush(DEADLINE_S) == 0
    assert read_all(bootstrap, topic, 200) == expected
    consumer = KafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    assert [m.value for m in itertools.islice(consumer, 200)] == expected
    consumer.close()


@pytest.mark.parametrize("codec", CODECS)
def test_compressed_by_kafka_python(bootstrap, topic, codec):
    producer = KafkaProducer(
        bootstrap_servers=bootstrap, compression_type=None if codec == "none" else codec, linger_ms=20
    )
    expected = [b"value %d " % number * 10 for number in range(200)]
    for value in expected:
        producer.send(topic, value, partition=0)
    producer.close()
    assert read_all(bootstrap, topic, 200) == expected


@pytest.mark.parametrize("cuts", [1, 3])
def test_retries_after_lost_responses_make_no_duplicates(topic, proxy, cuts):
    """The connection is cut after the server has stored a batch and before the producer hears of it."""
    delivered = []
    producer = Producer(
        {
            "bootstrap.servers": proxy.address,
            "enable.idempotence": True,
            "linger.ms": 0,
            "retry.backoff.ms": 20,
            "reconnect.backoff.ms": 10,
            "reconnect.backoff.max.ms": 50,
        }
    )
    producer.list_topics(topic, timeout=DEADLINE_S)
    for number in range(30):
        if number in (5, 12, 19)[:cuts]:
            proxy.cut_before_next_response()
        producer.produce(topic, str(number), partition=0, on_delivery=lambda error, _: delivered.append(error))
        assert producer.flush(DEADLINE_S) == 0
    assert delivered == [None] * 30
    assert proxy.cuts == cuts
    assert read_all(proxy.address, topic, 30) == [b"%d" % number for number in range(30)]


def test_a_record_too_large_is_refused_and_the_rest_goes_on(bootstrap, topic):
    errors = []
    producer = Producer({"bootstrap.servers": bootstrap, "message.max.bytes": 40_000_000, "enable.idempotence": False})
    producer.produce(topic, b"x" * 20_000_000, partition=0, on_delivery=lambda error, _: errors.append(error))
    producer.flush(DEADLINE_S)
    producer.produce(topic, b"small", partition=0, on_delivery=lambda error, _: errors.append(error))
    producer.flush(DEADLINE_S)
    assert errors[0].code() == KafkaError.MSG_SIZE_TOO_LARGE and errors[1] is None
    assert read_all(bootstrap, topic, 1) == [b"small"]


def test_acks_zero_and_one(bootstrap, topic):
    for acks in ("0", "1"):
        producer = Producer({"bootstrap.servers": bootstrap, "acks": acks})
        producer.produce(topic, acks, partition=0)
        assert producer.flush(DEADLINE_S) == 0
        assert read_all(bootstrap, topic, 1 + int(acks))[-1] == acks.encode()


def test_transactions_are_refused_at_once(bootstrap):
    producer = Producer({"bootstrap.servers": bootstrap, "transactional.id": "t"})
    with pytest.raises(KafkaException) as failure:
        producer.init_transactions(20)
    error = failure.value.args[0]
    assert error.code() == KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED and not error.retriable()
