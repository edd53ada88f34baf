import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.opensearch.common.settings.Settings;
import org.opensearch.env.Environment;
import org.opensearch.node.Node;
import org.opensearch.plugins.Plugin;

/** One OpenSearch node in this process: its home folder, its port, the classes of its plugins. */
public final class SearchServer extends Node {
  private SearchServer(Environment environment, List<Class<? extends Plugin>> plugins) {
    super(environment, plugins, false);
  }

  public static void main(String[] arguments) throws Exception {
    Settings settings =
        Settings.builder()
            .put("path.home", arguments[0])
            .put("node.name", "one")
            .put("cluster.name", "moodscribe-tests")
            .put("discovery.type", "single-node")
            .put("http.host", "127.0.0.1")
            .put("http.port", arguments[1])
            .put("transport.host", "127.0.0.1")
            .put("transport.port", "0")
            .put("transport.type", "netty4")
            .put("http.type", "netty4")
            .put("cluster.routing.allocation.disk.threshold_enabled", false)
            .build();
    List<Class<? extends Plugin>> plugins = new ArrayList<>();
    for (int index = 2; index < arguments.length; index++) {
      plugins.add(Class.forName(arguments[index]).asSubclass(Plugin.class));
    }
    new SearchServer(new Environment(settings, Path.of(arguments[0], "config")), plugins).start();
    new CountDownLatch(1).await();
  }
}
