/**
 * The log: JSON lines by pino, on standard error, so that standard output stays for what a program prints.
 * Never what people wrote, never tokens or keys; a user's id at level debug at most.
 */
import { pino, type Logger } from "pino";

export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";
export type Log = Logger;

/** @param node stands in every line, where several nodes write into one place */
export function createLog(level: LogLevel, node?: string): Log {
  return pino({ level, base: node === undefined ? null : { node }, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination({ fd: 2, sync: true }));
}
