/** The event that the bare servers make of a command: the same fields as Suda's, so that all deliver the same bytes. */
export function eventOf(commandText: string, seq: number): object {
  const { conversation, clientId, content } = JSON.parse(commandText) as { conversation: string; clientId: string; content: object };
  return { type: "message.created", conversation, seq, at: Date.now(), from: "user-0", clientId, content };
}
