package penstock;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.apache.kafka.common.message.ApiMessageType;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.ObjectSerializationCache;

/**
 * Reencode FILE: reads the messages in FILE (each after four 32-bit numbers: 1 for a request, API key, version, length) and
 * writes each again; prints how many there were, and then each that did not come out as it went in.
 */
public final class Reencode {
  public static void main(String[] args) throws Exception {
    var file = ByteBuffer.wrap(Files.readAllBytes(Path.of(args[0])));
    int count = 0;
    var differences = new StringBuilder();
    for (; file.hasRemaining(); ++count) {
      boolean isRequest = file.getInt() == 1;
      var type = ApiMessageType.fromApiKey((short) file.getInt());
      short version = (short) file.getInt();
      byte[] bytes = new byte[file.getInt()];
      file.get(bytes);
      ApiMessage message = isRequest ? type.newRequest() : type.newResponse();
      String difference = reencode(message, version, bytes);
      if (difference != null) {
        differences.append(type.name).append(isRequest ? "Request v" : "Response v").append(version).append(' ');
        differences.append(difference).append('\n');
      }
    }
    System.out.println(count);
    System.out.print(differences);
  }

  private static String reencode(ApiMessage message, short version, byte[] bytes) {
    var buffer = ByteBuffer.wrap(bytes);
    try {
      message.read(new ByteBufferAccessor(buffer), version);
    } catch (RuntimeException e) {
      return e.toString();
    }
    if (buffer.hasRemaining()) return buffer.remaining() + " bytes left over";
    var cache = new ObjectSerializationCache();
    var written = ByteBuffer.allocate(message.size(cache, version));
    message.write(new ByteBufferAccessor(written), cache, version);
    return Arrays.equals(written.array(), bytes) ? null : "differs: " + message;
  }
}
