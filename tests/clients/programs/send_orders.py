"""send_orders.py BOOTSTRAP TOPIC COUNT: JSON events, each flushed; prints where each went."""

import json
import sys

from kafka import KafkaProducer

bootstrap, topic, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
producer = KafkaProducer(bootstrap_servers=bootstrap, value_serializer=lambda value: json.dumps(value).encode())
for number in range(count):
    future = producer.send(topic, {"order": number, "amount": number * 2500})
    producer.flush()
    metadata = future.get(timeout=10)
    print(json.dumps([metadata.partition, metadata.offset]))
producer.close()
