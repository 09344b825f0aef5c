import java.util.Arrays;
import java.util.Collections;
import java.util.concurrent.CountDownLatch;
import org.opensearch.common.settings.Settings;
import org.opensearch.env.Environment;
import org.opensearch.node.InternalSettingsPreparer;
import org.opensearch.node.Node;
import org.opensearch.transport.Netty4Plugin;

/** Runs one OpenSearch node on loopback, for tests. Arguments: folder, HTTP port, transport port. */
public final class Start {
  /** A node with a plugin of its own, which only subclasses can have. */
  private static final class TestNode extends Node {
    TestNode(Environment environment) {
      super(environment, Collections.singletonList(Netty4Plugin.class), true);
    }
  }

  public static void main(String[] arguments) throws Exception {
    Settings.Builder settings = Settings.builder();
    settings.put("path.home", arguments[0]);
    settings.put("network.host", "127.0.0.1");
    settings.put("http.port", arguments[1]);
    settings.put("transport.port", arguments[2]);
    settings.put("discovery.type", "single-node");
    settings.put("node.name", "test");
    settings.put("cluster.name", "test");
    for (String key : Arrays.asList("transport.type", "http.type")) {
      settings.put(key, "netty4");
    }
    // Test machines have full disks, too.
    settings.put("cluster.routing.allocation.disk.threshold_enabled", false);
    Environment environment =
        InternalSettingsPreparer.prepareEnvironment(settings.build(), Collections.emptyMap(), null, () -> "test");
    new TestNode(environment).start();
    System.err.println("OpenSearch is ready");
    new CountDownLatch(1).await();
  }
}
