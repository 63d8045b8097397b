/** What nginx and haproxy for tests have in common: a free port of loopback, a directory of their own, and their end. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./free-port.ts";
import { ListeningProgram, type ListeningProgramOptions } from "./listening-program.ts";

interface Started {
  readonly port: number;
  readonly directory: string;
  readonly program: ListeningProgram;
}

/**
 * @param configure writes the program's configuration, and says how it is called with it
 * @throws Error with the program's own words when it cannot start; nothing is left of it
 */
export async function startBalancer(
  command: string,
  configure: (place: { readonly port: number; readonly directory: string }) => Promise<Pick<ListeningProgramOptions, "args" | "env">>,
): Promise<Started> {
  const port = await freePort();
  const directory = await mkdtemp(join(tmpdir(), `suda-${command}-`));
  try {
    return { port, directory, program: await ListeningProgram.open({ command, port, ...(await configure({ port, directory })) }) };
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
}

export class Balancer implements AsyncDisposable {
  readonly port: number;
  protected readonly directory: string;
  protected readonly program: ListeningProgram;

  protected constructor({ port, directory, program }: Started) {
    this.port = port;
    this.directory = directory;
    this.program = program;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The last that it printed. */
  get output(): string {
    return this.program.output;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.program[Symbol.asyncDispose]();
    await rm(this.directory, { recursive: true, force: true });
  }
}
