package penstock;

import java.time.Duration;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.serialization.StringDeserializer;

/** Consume BOOTSTRAP TOPIC GROUP COUNT: prints COUNT values from the earliest on, commits, and leaves. */
public final class Consume {
  public static void main(String[] args) {
    var properties = new Properties();
    properties.put("bootstrap.servers", args[0]);
    properties.put("group.id", args[2]);
    properties.put("auto.offset.reset", "earliest");
    properties.put("enable.auto.commit", "false");
    properties.put("key.deserializer", StringDeserializer.class);
    properties.put("value.deserializer", StringDeserializer.class);
    int left = Integer.parseInt(args[3]);
    var out = new StringBuilder();
    try (var consumer = new KafkaConsumer<String, String>(properties)) {
      consumer.subscribe(List.of(args[1]));
      while (left > 0) {
        for (var record : consumer.poll(Duration.ofMillis(500))) {
          out.append(record.key()).append('\t').append(record.value()).append('\n');
          --left;
        }
      }
      consumer.commitSync();
    }
    System.out.print(out);
  }
}
