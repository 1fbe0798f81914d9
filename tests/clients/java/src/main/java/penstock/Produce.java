package penstock;

import java.util.Properties;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/** Produce BOOTSTRAP TOPIC COUNT COMPRESSION: values v0, v1, ... with keys k0 to k9; prints how many were acknowledged. */
public final class Produce {
  public static void main(String[] args) throws Exception {
    var properties = new Properties();
    properties.put("bootstrap.servers", args[0]);
    properties.put("key.serializer", StringSerializer.class);
    properties.put("value.serializer", StringSerializer.class);
    properties.put("compression.type", args[3]);
    properties.put("linger.ms", "5");
    int count = Integer.parseInt(args[2]);
    var failures = new java.util.concurrent.atomic.AtomicReference<Exception>();
    try (var producer = new KafkaProducer<String, String>(properties)) {
      for (int i = 0; i < count; ++i) {
        var record = new ProducerRecord<>(args[1], "k" + i % 10, "v" + i);
        record.headers().add("number", Integer.toString(i).getBytes());
        producer.send(record, (metadata, failure) -> {
          if (failure != null) failures.set(failure);
        });
      }
    }
    if (failures.get() != null) throw failures.get();
    System.out.println(count);
  }
}
