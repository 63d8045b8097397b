/** Test kit of Suda: conformance suites of the contracts, the checker of logs, raw sockets, server processes. */
export {
  checkHistory,
  countViolations,
  type Evidence,
  type HistoryRecord,
  type LogReading,
  type ReadEntry,
  type SendKey,
  type Violation,
  type ViolationKind,
} from "./checker.ts";
export { atEntry, damaged, findingsOf, ofUser, type Damage } from "./damaged-store.ts";
export { answerParent, childArgument, ChildProgram } from "./child-program.ts";
export { freePort } from "./free-port.ts";
export { HaproxyServer, skipWithoutHaproxy, type HaproxyOptions } from "./haproxy-server.ts";
export { NginxServer, skipWithoutNginx, type NginxOptions } from "./nginx-server.ts";
export { goldenKinds, goldenMessage, goldenMessages, type GoldenMessage } from "./golden-messages.ts";
export { RawWebSocket, type RawWebSocketOptions } from "./raw-socket/raw-websocket.ts";
export { encodeWebSocketFrame, FrameReader, opcodes, type FrameOptions, type ReceivedFrame } from "./raw-socket/websocket-frame.ts";
export { CommandRefused, ConnectionEnded, WireClient, type WireClientOptions } from "./raw-socket/wire-client.ts";
export { readCpuUs, readMemoryBytes, readPeakMemoryBytes } from "./process-usage.ts";
export { quantile } from "./quantile.ts";
export { SeededRandom } from "./seeded-random.ts";
export { ServerDidNotStart, ServerProcess, signToken, writeTokenKey, type ServerExit, type ServerProcessOptions } from "./server-process.ts";
export { CassandraNode } from "./cassandra/cassandra-node.ts";
export { CassandraServer, skipWithoutCassandra, type CassandraServerOptions } from "./cassandra/cassandra-server.ts";
export { openSharedCassandra, type SharedCassandra } from "./cassandra/shared-cassandra.ts";
export { RedisCluster, type RedisClusterNode, type RedisClusterOptions } from "./redis-cluster.ts";
export { RedisSentinels } from "./redis-sentinels.ts";
export { RedisServer, skipWithoutRedis, type RedisServerOptions } from "./redis-server.ts";
export { readStore, storeMovingSuite, type StoreMovingOptions } from "./store-moving-suite.ts";
export { MovingLife } from "./store-suite/moving-life.ts";
export { storeSuite, type OpenedStore, type OpenStore, type OpenStoreOptions } from "./store-suite.ts";
export { AppTransport } from "./app-transport.ts";
export { HttpCommunicator, type HttpAnswer, type HttpOptions } from "./http-communicator.ts";
export { makeTestBot, openStreamWorld, unlimited, type StreamWorld } from "./stream-world.ts";
export { WebSocketCommunicator, type Request, type WebSocketOptions } from "./websocket-communicator.ts";
export { HandshakeRefused } from "./handshake-refused.ts";
export { ManualClock } from "./manual-clock.ts";
export {
  clientId,
  codeOf,
  conversationId,
  createTestGroup,
  say,
  signTestToken,
  testApiKey,
  TestServer,
  testTokenSecret,
  textOf,
  userId,
  type BotLink,
  type TestServerOptions,
  type TokenClaims,
} from "./test-server.ts";
export { channelLayerSuite, type OpenChannelLayer, type OpenChannelLayerOptions, type OpenedChannelLayer } from "./channel-layer-suite.ts";
export { RecordedConnection, RecordingApp, type RecordingAppOptions } from "./recording-app.ts";
export { wireSuite, type OpenWireServer, type WireServer } from "./wire-suite.ts";
export { simulate, SimulatedWorld, WorldDiverged, type Failure, type SimulatedWorldOptions } from "./simulation/simulated-world.ts";
export { SimulatedDevice, type ClientWrappers } from "./simulation/simulated-device.ts";
export { faultNames, layerFaultNames, type FaultName } from "./simulation/faults.ts";
export { type Disagreement } from "./simulation/check-world.ts";
export { type ServerWrappers } from "./simulation/simulated-server.ts";
export { type Frame } from "./simulation/wire-tap.ts";
export { NodeBus, type NodeBusOptions } from "./node-bus.ts";
export { TwoNodes } from "./two-nodes.ts";
export { TcpProxy, type LinkConditions, type TcpProxyOptions } from "./tcp-proxy.ts";
export { WebhookReceiver, type ReceivedWebhook, type WebhookReceiverOptions } from "./webhook-receiver.ts";
export {
  answerJson,
  deadLettersOf,
  eventually,
  historyOf,
  openWebhookWorld,
  openWithTutor,
  refusalIn,
  textOfEvent,
  webhookPath,
  webhookSecretIn,
  webhookText,
  type WebhookWorld,
} from "./webhook-world.ts";
