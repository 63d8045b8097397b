/**
 * What a Cassandra node for tests is started with: a small configuration of its own, and the JVM's flags.
 *
 * The commit log is synced before a write is answered (`batch`): what a quorum acknowledged survives a power loss, as the
 * store's rule S5 asks for. The default, `periodic`, answers up to 10 s before.
 */
import { join } from "node:path";

export interface NodePlace {
  readonly directory: string;
  readonly host: string;
  readonly nativePort: number;
  readonly storagePort: number;
  /** `host:port` of the first node. */
  readonly seed: string;
  /** Of how many nodes this one is which, from 0: spreads the tokens evenly without asking the others. */
  readonly index: number;
  readonly count: number;
  readonly clusterName: string;
}

export interface NodeProgram {
  readonly jars: string;
  readonly heapMb: number;
  /** Whether a node that is killed still has its keyspaces when it starts again: it reads the schema before it replays the commit log. */
  readonly isSchemaDurable: boolean;
}

export function configuration({ directory, host, nativePort, storagePort, seed, index, count, clusterName }: NodePlace): string {
  const token = -(2n ** 63n) + (2n ** 64n / BigInt(count)) * BigInt(index);
  const place = (name: string): string => JSON.stringify(join(directory, name));
  return `cluster_name: ${clusterName}
num_tokens: 1
initial_token: ${token}
auto_bootstrap: false
partitioner: org.apache.cassandra.dht.Murmur3Partitioner
authenticator: AllowAllAuthenticator
authorizer: AllowAllAuthorizer
role_manager: CassandraRoleManager
endpoint_snitch: SimpleSnitch
dynamic_snitch: false
seed_provider:
  - class_name: org.apache.cassandra.locator.SimpleSeedProvider
    parameters:
      - seeds: "${seed}"
listen_address: ${host}
rpc_address: ${host}
storage_port: ${storagePort}
native_transport_port: ${nativePort}
data_file_directories: [${place("data")}]
commitlog_directory: ${place("commitlog")}
saved_caches_directory: ${place("saved-caches")}
hints_directory: ${place("hints")}
cdc_raw_directory: ${place("cdc")}
commitlog_sync: batch
commitlog_segment_size: 32MiB
commitlog_total_space: 512MiB
memtable_heap_space: 96MiB
memtable_offheap_space: 64MiB
memtable_allocation_type: unslabbed_heap_buffers
memtable_flush_writers: 1
concurrent_compactors: 1
concurrent_reads: 16
concurrent_writes: 16
native_transport_max_threads: 32
paxos_variant: v2
paxos_state_purging: gc_grace
auto_snapshot: false
hinted_handoff_enabled: true
disk_failure_policy: stop
commit_failure_policy: stop
`;
}

/** Warnings and worse, so that a test that fails can show them. */
export const logging = `<configuration>
  <appender name="OUT" class="ch.qos.logback.core.ConsoleAppender"><encoder><pattern>%date %-5level %logger{0} %msg%n</pattern></encoder></appender>
  <logger name="org.apache.cassandra.transport.PipelineConfigurator" level="INFO"/>
  <root level="WARN"><appender-ref ref="OUT"/></root>
</configuration>
`;

const openedModules = [
  ["opens", "java.base/java.lang.module"],
  ["opens", "java.base/jdk.internal.loader"],
  ["opens", "java.base/jdk.internal.ref"],
  ["opens", "java.base/jdk.internal.reflect"],
  ["opens", "java.base/jdk.internal.math"],
  ["opens", "java.base/jdk.internal.module"],
  ["opens", "java.base/jdk.internal.util.jar"],
  ["opens", "jdk.management/com.sun.management.internal"],
  ["opens", "java.base/sun.nio.ch"],
  ["opens", "java.base/java.io"],
  ["opens", "java.base/java.lang"],
  ["opens", "java.base/java.lang.reflect"],
  ["opens", "java.base/java.util"],
  ["opens", "java.base/java.nio"],
  ["opens", "java.base/java.util.concurrent"],
  ["opens", "java.base/java.util.concurrent.atomic"],
  ["exports", "java.base/jdk.internal.misc"],
  ["exports", "java.base/jdk.internal.ref"],
  ["exports", "java.base/sun.nio.ch"],
  ["exports", "java.management.rmi/com.sun.jmx.remote.internal.rmi"],
  ["exports", "java.rmi/sun.rmi.registry"],
  ["exports", "java.rmi/sun.rmi.server"],
  ["exports", "java.sql/java.sql"],
  ["exports", "java.base/java.lang.ref"],
  ["exports", "jdk.unsupported/sun.misc"],
] as const;

/** As Cassandra's own `jvm17-server.options`, but small and quick to start: one collector thread, the first compiler only. */
export function javaArguments({ directory }: NodePlace, { jars, heapMb, isSchemaDurable }: NodeProgram): string[] {
  const properties = {
    "cassandra.storagedir": directory,
    "cassandra.config": `file://${join(directory, "cassandra.yaml")}`,
    "logback.configurationFile": join(directory, "logback.xml"),
    "cassandra-foreground": "yes",
    "cassandra.skip_wait_for_gossip_to_settle": "0",
    "cassandra.ring_delay_ms": "100",
    "cassandra.superuser_setup_delay_ms": "0",
    // Otherwise every change of the schema waits for the disk several times.
    "cassandra.unsafesystem": String(!isSchemaDurable),
    "java.net.preferIPv4Stack": "true",
    "jdk.attach.allowAttachSelf": "true",
    "io.netty.tryReflectionSetAccessible": "true",
  };
  return [
    `-Xms${heapMb}m`,
    `-Xmx${heapMb}m`,
    "-Xss512k",
    "-XX:MaxDirectMemorySize=256m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:+PerfDisableSharedMem",
    "-XX:+ExitOnOutOfMemoryError",
    ...openedModules.map(([how, module]) => `--add-${how}=${module}=ALL-UNNAMED`),
    ...Object.entries(properties).map(([name, value]) => `-D${name}=${value}`),
    "-cp",
    join(jars, "*"),
    "org.apache.cassandra.service.CassandraDaemon",
  ];
}
