/**
 * The log: JSON lines by pino, on standard error, so that standard output stays for what a program prints.
 * Never what people wrote, never tokens or keys; a user's id at level debug at most.
 */
import { pino, type Logger } from "pino";

export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";
export type Log = Logger;

export function createLog(level: LogLevel): Log {
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination({ fd: 2, sync: true }));
}
