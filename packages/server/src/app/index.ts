/** The application interface alone, for apps that bring their own everything else. */
export type {
  App,
  BackendPrincipal,
  ClientAddress,
  CloseEvent,
  HttpApp,
  HttpScope,
  Joiner,
  Principal,
  UserPrincipal,
  WebSocketAnswer,
  WebSocketApp,
  WebSocketConnection,
  WebSocketHandlers,
  WebSocketRefusal,
  WebSocketScope,
} from "./app.ts";
