/**
 * The address of Redis as a setting: what can be seen without the driver, which is loaded only where it is used and says the rest.
 */

/** The value itself stays out of the sentence: it may hold a password. */
export function redisUrlProblem(value: string): string | undefined {
  return /^rediss?(?:\+sentinel)?:\/\/\S+$/.test(value)
    ? undefined
    : "is not a URL that begins with redis://, rediss://, redis+sentinel:// or rediss+sentinel://";
}

/** Up to the last `@`: a password that holds one unescaped is wrong, and secret all the same. Behind the `?` stands that of Sentinels. */
export function maskRedisUrl(value: string): string {
  return value.replace(/^([a-z+]+:\/\/[^:]*):.*@/s, "$1:••••••@").replace(/\?.*/s, "?••••••");
}
