/** Outgoing HTTP, for what belongs to the server: webhooks and hooks. */
export { type AddressPolicyOptions } from "./address-policy.ts";
export { isPublicAddress } from "./forbidden-ranges.ts";
export { OutgoingError, outgoingErrors, type OutgoingErrorCode } from "./outgoing-error.ts";
export { OutgoingHttp, type OutgoingHttpOptions, type OutgoingRequest, type OutgoingResponse } from "./outgoing-http.ts";
export { createDnsResolver, type Resolver } from "./resolver.ts";
