/** What operators need to hear of the layer; events are lost meanwhile, and the logs heal what is missing. */
export class RedisLayerError extends Error {
  override readonly name = "RedisLayerError";
  readonly code: RedisLayerCode;

  constructor(code: RedisLayerCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** `lost`: there was a connection. `unreachable`: there is none. `refused`: Redis does not let this node in. `foreign`: somebody else publishes under our names. */
export type RedisLayerCode = "lost" | "unreachable" | "refused" | "foreign";
