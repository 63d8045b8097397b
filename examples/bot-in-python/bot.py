#!/usr/bin/env python3
"""A vocabulary quiz as a webhook bot, with nothing but Python's standard library:  python3 bot.py 9000

The server calls POST / for each event of the bot's conversations; what the bot says goes back in the response. The
bot keeps nothing: what was asked stands in the buttons. SUDA_WEBHOOK_SECRET is what the registration answered, while
it is rotated both, with a space between.
"""
import base64, hashlib, hmac, json, os, signal, sys, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

WORDS = {"사과": "apple", "학교": "school", "친구": "friend", "바다": "sea", "시간": "time", "수다": "chatter"}
KEYS = [base64.b64decode(secret.removeprefix("whsec_")) for secret in os.environ.get("SUDA_WEBHOOK_SECRET", "").split()]
MAX_BODY = 262_144  # an event, with the conversation and a profile, is less
MAX_AGE = 300  # seconds: a request that somebody recorded is worth nothing later


def is_signed(headers, body):
    """Standard Webhooks: HMAC-SHA256 over ID.TIMESTAMP.BODY; one signature that fits one of the keys is enough."""
    webhook_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not timestamp.isdecimal() or abs(time.time() - int(timestamp)) > MAX_AGE:
        return False
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    good = [b"v1," + base64.b64encode(hmac.digest(key, signed, "sha256")) for key in KEYS]
    given = headers.get("webhook-signature", "").encode().split()
    return any(hmac.compare_digest(one, other) for one in good for other in given)


def text(words, **beside):
    return {"content": {"type": "text", "text": words}, **beside}


def question(seed):
    """A word with three answers to choose from. The same seed asks the same: an event may come twice."""
    order = sorted(WORDS, key=lambda word: hashlib.sha256(f"{seed} {word}".encode()).digest())
    asked, choices = order[0], sorted(WORDS[word] for word in order[:3])
    replies = [
        {"action": {"type": "postback", "id": choice, "label": choice, "data": {"word": asked, "choice": choice}, "displayText": choice}}
        for choice in choices
    ]
    return text(f"‘{asked}’?", quickReplies=replies)


def answer_message(event, webhook_id):
    said = event["content"].get("text", "")
    if "quiz" in said.lower() or "퀴즈" in said:
        return {"messages": [question(webhook_id)]}
    if (meaning := WORDS.get(said.strip())) is not None:
        return {"messages": [text(f"{said.strip()} = {meaning}")]}
    return {"messages": [text("‘퀴즈’라고 말해 보세요. Say “quiz”, or a word that you want to know.")]}


def answer_tap(event, webhook_id):
    data = event.get("data") or {}
    right = WORDS.get(data.get("word"))
    if right is None:  # a button of an older version
        return {"messages": [question(webhook_id)]}
    is_right = data.get("choice") == right
    verdict = f"{data['word']} = {right}{' ⭐' if is_right else ''}"
    return {"toast": "맞았어요!" if is_right else "아쉬워요.", "messages": [text(verdict), question(webhook_id)]}


ANSWERS = {"message.created": answer_message, "interaction.created": answer_tap}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # the server keeps its connections
    timeout = 60  # seconds without a byte

    def do_POST(self):
        length = self.headers.get("content-length", "")
        if not length.isdecimal() or int(length) > MAX_BODY:
            self.close_connection = True
            return self.reply(413)
        body = self.rfile.read(int(length))
        if not is_signed(self.headers, body):
            return self.reply(401)
        event = json.loads(body)["event"]
        answer = ANSWERS.get(event["type"])  # of other events there is nothing to say: they are taken
        self.reply(200, answer(event, self.headers["webhook-id"]) if answer else {})

    def reply(self, status, value=None):
        body = b"" if value is None else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    if not KEYS:
        sys.exit("SUDA_WEBHOOK_SECRET is missing: register the webhook first, README.md says how.")
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 9000), Handler)
    for end in (signal.SIGTERM, signal.SIGINT):  # what is being answered is answered
        signal.signal(end, lambda *_: threading.Thread(target=server.shutdown).start())
    print(f"ready http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
    server.server_close()
