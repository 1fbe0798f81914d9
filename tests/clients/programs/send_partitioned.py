"""send_partitioned.py BOOTSTRAP TOPIC: keyed events through a partitioner of its own; prints key and partition."""

import json
import sys

import kafka
from kafka import KafkaProducer


def by_region(key, all_partitions, available):
    return all_partitions[{b"eu": 0, b"us": 1}.get(key.split(b"-")[0], 2)]


if int(kafka.__version__.split(".")[0]) >= 3:
    from kafka.partitioner import Partitioner

    class ByRegion(Partitioner):
        def partition(self, topic, key, serialized_key, value, serialized_value, cluster):
            return by_region(serialized_key, sorted(cluster.partitions_for_topic(topic)), None)

    partitioner = ByRegion()
else:
    partitioner = by_region

bootstrap, topic = sys.argv[1:]
producer = KafkaProducer(bootstrap_servers=bootstrap, partitioner=partitioner)
for key in [b"eu-1", b"us-1", b"asia-1", b"eu-2", b"us-2", b"asia-2"]:
    metadata = producer.send(topic, key=key, value=b"x").get(timeout=10)
    print(json.dumps([key.decode(), metadata.partition]))
producer.close()
