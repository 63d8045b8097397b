/** A program that is started by hand tries once: where nothing answers it says so, instead of trying for ever. */
import { ConnectionLost, type SudaClient } from "@suda/client";

/** Resolves when hello was answered. @throws RequestRefused, ConnectionLost when the first attempt fails */
export async function firstConnection({ connection }: SudaClient): Promise<void> {
  let end = (): void => undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      const look = (): void => {
        const state = connection.getSnapshot();
        if (state.kind === "open") resolve();
        else if (state.kind !== "connecting") reject(state.error ?? new ConnectionLost(state.reason));
      };
      end = connection.subscribe(look);
      look();
    });
  } finally {
    end();
  }
}
