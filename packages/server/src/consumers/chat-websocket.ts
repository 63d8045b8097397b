/**
 * ② The chat as a WebSocket app: chooses the encoding by the subprotocol and makes a consumer per connection.
 */
import { codecOfSubprotocol, codecs, jsonCodec, SudaError, type Codec } from "@suda/protocol";
import type { UserPrincipal, WebSocketApp } from "../app/app.ts";
import { refusalOf } from "../app/refusal.ts";
import { ChatConsumer, type ChatConsumerEnvironment } from "./chat-consumer.ts";

export function chatWebSocket(environment: ChatConsumerEnvironment): WebSocketApp {
  return (scope) => {
    const codec = chooseCodec(scope.subprotocols);
    if (codec === undefined) {
      return refusalOf(
        new SudaError(
          "frame.malformed",
          `None of the offered subprotocols is spoken here; offer ${codecs.map(({ subprotocol }) => subprotocol).join(" or ")}, or none for JSON.`,
        ),
      );
    }
    const principal: UserPrincipal | undefined = scope.principal?.kind === "user" ? scope.principal : undefined;
    let consumer: ChatConsumer | undefined;
    return {
      kind: "accept",
      ...(scope.subprotocols.length === 0 ? {} : { subprotocol: codec.subprotocol }),
      // The same object for all connections of an encoding: it is what lets them share joined bytes.
      joiner: codec,
      onOpen(connection) {
        consumer = new ChatConsumer(environment, codec, connection, principal);
      },
      onMessage: (message) => consumer?.onMessage(message),
      onDrain: async () => consumer?.onDrain(),
      onClose: () => consumer?.onClose(),
    };
  };
}

function chooseCodec(offered: readonly string[]): Codec | undefined {
  if (offered.length === 0) return jsonCodec;
  for (const subprotocol of offered) {
    const codec = codecOfSubprotocol(subprotocol);
    if (codec !== undefined) return codec;
  }
  return undefined;
}
