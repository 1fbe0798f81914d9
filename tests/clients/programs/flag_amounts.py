"""flag_amounts.py BOOTSTRAP TOPIC GROUP COUNT: reads COUNT orders from the earliest, prints those above 10,000."""

import json
import sys

from kafka import KafkaConsumer

bootstrap, topic, group, count = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
consumer = KafkaConsumer(
    topic,
    bootstrap_servers=bootstrap,
    group_id=group,
    auto_offset_reset="earliest",
    value_deserializer=json.loads,
)
for message in consumer:
    if message.value["amount"] > 10_000:
        print(json.dumps(message.value))
    count -= 1
    if count == 0:
        break
consumer.close()
