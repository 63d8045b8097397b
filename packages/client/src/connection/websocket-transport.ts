/** The WebSocket of browsers and of Node ≥ 22, or `ws` in Node 20, as a {@link Transport}. */
import type { Transport } from "./transport.ts";

/** As much of the WHATWG WebSocket as is used here; the global one and `ws` both have it. */
export interface WebSocketLike {
  readonly readyState: number;
  send(data: string): void;
  close(code?: number): void;
  // `any`: the types of events in browsers and in `ws` have no common one that both take a listener for.
  // oxlint-disable-next-line typescript/no-explicit-any
  addEventListener(type: "open" | "message" | "close" | "error", listener: (event: any) => void): void;
}

export type WebSocketConstructor = new (url: string, protocols: string[]) => WebSocketLike;

const subprotocol = "suda.v1.json";
const openState = 1;

/** @throws TypeError when there is neither a global WebSocket nor one given */
export function createWebSocketTransport(given: WebSocketConstructor | undefined): Transport {
  const Constructor = given ?? (globalThis as { readonly WebSocket?: WebSocketConstructor }).WebSocket;
  if (Constructor === undefined)
    throw new TypeError(
      'There is no global WebSocket here (Node has one from version 22 on). Install ws and pass it: import { WebSocket } from "ws"; openClient({ …, WebSocket }).',
    );
  return (url, handlers) => {
    const socket = new Constructor(url, [subprotocol]);
    socket.addEventListener("open", () => handlers.onOpen());
    socket.addEventListener("message", (event: { readonly data: unknown }) => {
      if (typeof event.data === "string") handlers.onMessage(event.data);
    });
    let failure: string | undefined;
    // The close that follows tells it. `ws` would throw without a listener, and knows why; browsers do not tell.
    socket.addEventListener("error", (event: { readonly message?: string }) => {
      failure = event.message;
    });
    socket.addEventListener("close", (event: { readonly code: number; readonly reason: string }) =>
      handlers.onClose(event.code, event.reason === "" ? (failure ?? "") : event.reason),
    );
    return {
      send: (text) => {
        if (socket.readyState === openState) socket.send(text);
      },
      close: (code) => socket.close(code),
    };
  };
}
