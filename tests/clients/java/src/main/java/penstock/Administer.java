package penstock;

import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.TopicExistsException;

/** Administer BOOTSTRAP TOPIC GROUP: goes through the admin client's calls; prints one line for each. */
public final class Administer {
  public static void main(String[] args) throws Exception {
    var properties = new Properties();
    properties.put("bootstrap.servers", args[0]);
    String topic = args[1];
    String group = args[2];
    try (var admin = Admin.create(properties)) {
      var cluster = admin.describeCluster();
      say("nodes", cluster.nodes().get().size());
      var created = admin.createTopics(List.of(new NewTopic(topic, 3, (short) 1).configs(Map.of("retention.ms", "3600000"))));
      say("created", created.numPartitions(topic).get());
      try {
        admin.createTopics(List.of(new NewTopic(topic, 3, (short) 1))).all().get();
      } catch (java.util.concurrent.ExecutionException e) {
        say("again", e.getCause() instanceof TopicExistsException);
      }
      say("listed", admin.listTopics().names().get().contains(topic));
      admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(5))).all().get();
      say("partitions", admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions().size());

      var resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
      admin.incrementalAlterConfigs(Map.of(resource,
          List.of(new AlterConfigOp(new ConfigEntry("retention.bytes", "1000000"), AlterConfigOp.OpType.SET)))).all().get();
      var config = admin.describeConfigs(List.of(resource)).all().get().get(resource);
      say("retention", config.get("retention.ms").value() + " " + config.get("retention.bytes").value());
      say("default", config.get("segment.bytes").isDefault());

      Produce.main(new String[] {args[0], topic, "10", "none"});
      Consume.main(new String[] {args[0], topic, group, "10"});
      var description = admin.describeConsumerGroups(List.of(group)).all().get().get(group);
      say("group", description.groupState() + " " + description.members().size());
      say("groups", admin.listConsumerGroups().all().get().stream().anyMatch(g -> g.groupId().equals(group)));
      long committed = 0;
      for (var offset : admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().values()) {
        committed += offset.offset();
      }
      say("committed", committed);
      var partition = new TopicPartition(topic, 0);
      long end = admin.listOffsets(Map.of(partition, OffsetSpec.latest())).partitionResult(partition).get().offset();
      say("deleted to end",
          admin.deleteRecords(Map.of(partition, RecordsToDelete.beforeOffset(end))).lowWatermarks().get(partition).get().lowWatermark() == end);
      say("start is end", admin.listOffsets(Map.of(partition, OffsetSpec.earliest())).partitionResult(partition).get().offset() == end);
      admin.deleteConsumerGroups(List.of(group)).all().get();
      say("groups after", admin.listConsumerGroups().all().get().stream().anyMatch(g -> g.groupId().equals(group)));
      admin.deleteTopics(List.of(topic)).all().get();
      say("topic after", admin.listTopics().names().get().contains(topic));
    }
  }

  private static void say(String what, Object value) {
    System.out.println(what + ": " + value);
  }
}
