/**
 * The bounds of every input, in one place. A bound that a user can meet is named in
 * docs/PROTOCOL.md; the server may be configured to be stricter, never looser, because the
 * schemas here are what clients validate against.
 */
export const limits = {
  /** One WebSocket message from a client, in bytes, after un-fragmenting. Also the size of an HTTP request body. */
  frameMaxBytes: 65_536,
  /** Nesting of objects and arrays in one frame; the frame itself is depth 1. */
  frameMaxDepth: 32,
  /** Keys of all objects of one frame together, array elements counted alike. */
  frameMaxKeys: 4_096,
  /** Commands in one WebSocket message (an array of frames). */
  batchMaxFrames: 100,
  /** Code points of a user's id. */
  userIdMaxLength: 128,
  /** Code points of a conversation's id. */
  conversationIdMaxLength: 64,
  /** Code points of the sender's own id for one send. */
  clientIdMaxLength: 64,
  /** Code points of a `ref` that is a string. */
  refMaxLength: 64,
  /** Code points of a text message. */
  textMaxLength: 5_000,
  /** Mentions in one text. */
  mentionsMax: 100,
  /** Code points of a URL. */
  urlMaxLength: 2_000,
  /** Code points of a caption of a medium. */
  captionMaxLength: 1_000,
  /** Code points of an image's alternative text. */
  altMaxLength: 300,
  /** Code points of a file's name. */
  fileNameMaxLength: 255,
  /** Code points of a media type. */
  mimeMaxLength: 127,
  /** Integers of an audio's waveform. */
  waveformMax: 128,
  /** Bytes of a `bytes` content, as bytes (not as base64). */
  bytesMaxBytes: 49_152,
  /** Custom data of a user, a conversation or a message: UTF-8 bytes of its JSON. */
  dataMaxBytes: 4_096,
  /** Nesting of custom data. */
  dataMaxDepth: 16,
  /** Code points of a user's display name. */
  userNameMaxLength: 80,
  /** Code points of a conversation's title. */
  titleMaxLength: 80,
  /** Users named in one `conversation.create` or `member.add`. */
  membersPerCommandMax: 1_000,
  /** Code points of a reaction. */
  emojiMaxLength: 32,
  /** Different reactions to one message. */
  reactionsMax: 20,
  /** Edits of one message. */
  editsMax: 200,
  /** Pinned messages of one conversation. */
  pinsMax: 50,
  /** Milliseconds between two messages of one member in slow mode: at least a second, at most an hour. */
  slowModeMinMs: 1_000,
  slowModeMaxMs: 3_600_000,
  /** Milliseconds that a conversation keeps its entries when it does not keep them for ever: a minute to ten years of 365 days. */
  retentionMinMs: 60_000,
  retentionMaxMs: 315_360_000_000,
  /** Events, conversations or members in one page. */
  pageMax: 200,
  /** Conversations whose cursors one `hello` resumes: what fits into a frame. */
  cursorsMax: 400,
  /** Events that one `hello` brings per resumed conversation; the rest is read as history. */
  resumePageMax: 100,
  /** Users whose presence one connection watches. */
  watchedMax: 200,
  /** Page size when the command names none. */
  pageDefault: 50,
  /** Bytes of a bearer token. */
  tokenMaxLength: 8_192,
} as const;
