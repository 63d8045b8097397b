/** What operators need to hear of the layer; events are lost meanwhile, and the logs heal what is missing. */
export class RedisLayerError extends Error {
  override readonly name = "RedisLayerError";
  /** `lost`: there was a connection, `unreachable`: there was none, `foreign`: somebody else publishes under our names. */
  readonly code: "lost" | "unreachable" | "foreign";

  constructor(code: "lost" | "unreachable" | "foreign", message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
