/**
 * The bounds of every input, in one place; those that clients keep to stand in `client-limits.ts`. A bound that a user can meet is named in
 * docs/PROTOCOL.md; the server may be configured to be stricter, never looser, because the
 * schemas here are what clients validate against.
 */
import { clientLimits } from "./client-limits.ts";

export const limits = {
  ...clientLimits,
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
  /** Mentions, links and other entities in one text. */
  entitiesMax: 100,
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
  /** Events that one `hello` brings per resumed conversation; the rest is read as history. */
  resumePageMax: 100,
  /** Page size when the command names none. */
  pageDefault: 50,
  /** Bytes of a bearer token. */
  tokenMaxLength: 8_192,
} as const;

/** The bounds of streams: answers that grow on the members' screens. Apart from {@link limits}, because only bots meet them. */
export const streamLimits = {
  /** Streams that one bot has under way in one conversation. */
  perConversationMax: 8,
  /** Milliseconds without an append after which a stream is aborted. */
  idleMs: 30_000,
  /** Milliseconds from its start after which a stream is aborted. */
  lifetimeMs: 300_000,
  /** Milliseconds within which a bot that lost its last connection goes on with its streams. */
  goneMs: 10_000,
  /** Milliseconds of appends that are told as one event, for each begun 100 members. */
  tellEveryMs: 50,
  /** Code points of what a bot says of an abort. */
  detailMaxLength: 200,
} as const;

/**
 * The bounds of bot messages and of what stands beside a message's content. Apart from {@link limits}, so that a
 * page that shows no templates does not load their numbers. Lengths count Unicode code points.
 */
export const templateLimits = {
  /** UTF-8 bytes of one structured message as JSON. */
  messageMaxBytes: 65_536,
  /** Messages that a bot sends at once. */
  messagesPerSendMax: 5,
  /** Code points of the clientId of what a bot sends at once: two less than of others, for the `#2` of its second message. */
  botSendIdMaxLength: 62,
  /** Code points of a device's language tag (BCP 47). */
  localeMaxLength: 35,
  /** Code points of an `altText`. */
  altTextMaxLength: 400,
  /** Quick replies of one message. */
  quickRepliesMax: 13,
  /** Code points of the name that a bot gives itself in one message. */
  senderNameMaxLength: 20,

  /** Code points of an action's id. */
  actionIdMaxLength: 64,
  /** Code points of a label that can be tapped. */
  actionLabelMaxLength: 40,
  /** Code points of what a `message` action says. */
  actionTextMaxLength: 1_000,
  /** Code points of a postback's data when it is a text. */
  postbackTextMaxLength: 1_000,
  /** UTF-8 bytes of a postback's data when it is an object, as JSON. */
  postbackDataMaxBytes: 4_096,
  /** Code points of what is shown when a postback is tapped. */
  displayTextMaxLength: 300,
  /** Code points of the route of a postback. */
  routeMaxLength: 64,
  /** Code points of a telephone number. */
  phoneMaxLength: 32,
  /** Code points of what a `copy` action copies. */
  copyTextMaxLength: 1_000,
  /** Code points of a queue's name. */
  queueMaxLength: 64,
  /** Milliseconds that a human is in charge without saying anything: a minute to a day, and when none are named. */
  leaseMinMs: 60_000,
  leaseMaxMs: 86_400_000,
  leaseDefaultMs: 900_000,

  /** Code points of an album's id. */
  albumIdMaxLength: 64,
  /** Images of one album. */
  albumMax: 10,
  /** Code points of a video's tracking id. */
  trackingIdMaxLength: 64,
  /** Code points of a location's title. */
  locationTitleMaxLength: 100,
  /** Code points of a postal address. */
  addressMaxLength: 200,
  /** Code points of a sticker's id and of its pack's. */
  stickerIdMaxLength: 64,
  /** Keywords of a sticker. */
  stickerKeywordsMax: 15,
  /** Code points of a sticker's keyword. */
  stickerKeywordMaxLength: 20,

  /** Code points of the title of a card, a product, an item or a form, and of a list's header. */
  titleMaxLength: 80,
  /** Code points of a card's text. */
  cardTextMaxLength: 640,
  /** Code points of a profile's name. */
  profileNameMaxLength: 20,
  /** Buttons of a card. */
  cardButtonsMax: 4,
  /** Buttons of anything else, and of an item of a carousel. */
  buttonsMax: 3,
  /** Code points of a confirm's question. */
  confirmTextMaxLength: 240,
  /** Code points of a product's description. */
  commerceDescriptionMaxLength: 80,
  /** Items of a list. */
  listItemsMax: 10,
  /** Code points of the description of a list's item, of an image title, and of the text of a carousel's header. */
  descriptionMaxLength: 120,
  /** Rows of details. */
  rowsMax: 10,
  /** Code points of a row's label. */
  rowLabelMaxLength: 20,
  /** Code points of a row's value. */
  rowValueMaxLength: 120,
  /** Code points of the title and the description of details together. */
  detailsTextMaxLength: 200,
  /** Code points of a receipt's order number. */
  orderNumberMaxLength: 64,
  /** Code points of a payment method, a recipient, a merchant, and of an adjustment's name. */
  receiptNameMaxLength: 80,
  /** Items of a receipt. */
  receiptItemsMax: 100,
  /** Adjustments of a receipt. */
  adjustmentsMax: 20,
  /** Items of a carousel. */
  carouselItemsMax: 12,
  /** Areas of an imagemap. */
  areasMax: 50,
  /** Pixels of an image's side. */
  pixelsMax: 65_535,

  /** Fields of a form. */
  formFieldsMax: 10,
  /** Code points of a field's id. */
  fieldIdMaxLength: 64,
  /** Code points of a field's label. */
  fieldLabelMaxLength: 40,
  /** Options of a field. */
  optionsMax: 100,
  /** Code points of an option's value. */
  optionValueMaxLength: 100,
  /** Code points of an option's label. */
  optionLabelMaxLength: 40,
  /** Code points of what can be written into a field at most, and into a `textarea` that names no `maxLength`. */
  fieldTextMaxLength: 5_000,
  /** Code points of what can be written into a `text` that names no `maxLength`. */
  fieldTextDefaultLength: 1_000,
  /** Code points of an e-mail address (RFC 5321). */
  emailMaxLength: 254,
  /** Code points of the label that sends a form. */
  submitLabelMaxLength: 20,
  /** Code points of the kind of custom content. */
  customKindMaxLength: 64,
  /** UTF-8 bytes of the data of custom content, as JSON. */
  customDataMaxBytes: 8_192,
  /** Kinds of custom content that are registered with a server, beside those that its program declares. */
  customKindsMax: 100,
  /** UTF-8 bytes of the JSON Schema of a kind, as JSON: it fits into a request and into a document. */
  kindSchemaMaxBytes: 65_000,
  /** Nesting of the JSON Schema of a kind. */
  kindSchemaMaxDepth: 28,
  /** Code units of a regular expression in the JSON Schema of a kind. */
  kindPatternMaxLength: 256,
  /** Schemas that the JSON Schema of a kind holds one place of the data against, with all that it refers to. */
  kindSchemaCostMax: 1_000,

  /** Code points of what is given with a tap when it is a text. */
  tapTextMaxLength: 1_000,
  /** UTF-8 bytes of what is given with a tap when it is an object, as JSON. */
  tapValueMaxBytes: 32_768,
  /** Taps of one message that may say something (postback, datetime, request, submit): a deletion erases them all at once. */
  tapsMax: 1_000,
  /** Actions of one message that are used up. */
  usedMax: 100,
  /** Code points of the toast that answers a tap. */
  toastMaxLength: 200,

  /** Rows of a menu, and buttons of a row. */
  menuRowsMax: 3,
  /** Areas of a menu that is an image. */
  menuAreasMax: 20,
  /** Code points of the text that opens a menu. */
  barTextMaxLength: 14,
  /** Slash commands of a bot. */
  slashCommandsMax: 100,
  /** Code points of a slash command's name, without the slash. */
  slashCommandNameMaxLength: 32,
  /** Code points of a slash command's description. */
  slashCommandDescriptionMaxLength: 256,

  /** Code points of a stored template's id. */
  templateIdMaxLength: 64,
  /** Stored templates of one bot. */
  templatesPerBotMax: 100,
  /** Newest versions of one stored template that are kept. */
  templateVersionsMax: 5,
  /** Variables of a stored template. */
  variablesMax: 50,
  /** Code points of a variable's name. */
  variableNameMaxLength: 32,
  /** Code points of a variable's value that names no `maxLength`. */
  variableDefaultLength: 1_000,
} as const;
