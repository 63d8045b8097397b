#!/usr/bin/env python3
"""A chat client from docs/PROTOCOL.md alone:  python3 client.py ws://127.0.0.1:8000/v1/socket bob

Lines of standard input go to bob; what either of you writes is printed as "name: text". The token comes from
SUDA_TOKEN or from the file that SUDA_TOKEN_FILE names. After a lost connection it comes back, sends again what
had no answer, under the same clientId, and reads from the log what it has missed: nothing is lost or doubled.
"""
import json, os, random, sys, threading, time, uuid
import websocket  # Debian: python3-websocket; PyPI: websocket-client

url, partner = sys.argv[1:3]
token = os.environ.get("SUDA_TOKEN") or open(os.environ["SUDA_TOKEN_FILE"]).read().strip()
final_closes = {1002, 1003, 1007, 1008, 1009, *range(4500, 5000)}  # the others mean: come back
unanswered = {}  # clientId -> text, until the server has said that it is durable
have = None  # the last seq that was shown
ws = conversation = None
input_ended = False

def send(command, ref, **fields):
    try:
        ws.send(json.dumps({"type": command, "ref": ref, **fields}))
    except (OSError, websocket.WebSocketException):
        pass  # the reader meets the same, connects again and repeats what has no answer

def send_text(client_id):
    content = {"type": "text", "text": unanswered[client_id]}
    send("message.send", client_id, conversation=conversation, clientId=client_id, content=content)

def read_log():
    send("history.get", "history", conversation=conversation, after=have, limit=200)

def read_input():
    global input_ended
    for line in filter(str.strip, sys.stdin):
        client_id = str(uuid.uuid4())
        unanswered[client_id] = line.rstrip("\n")
        if conversation:  # else it is sent after the next connection; twice would be no harm
            send_text(client_id)
    input_ended = True
    if not unanswered:
        os._exit(0)

def show(event):
    global have
    if event["seq"] > have + 1:
        return read_log()  # a hole: the log has what is missing
    if event["seq"] == have + 1:
        have += 1
        if event["type"] == "message.created":
            print(f'{event["from"]}: {event["content"].get("text", event["content"]["type"])}', flush=True)

def handle(frame):
    global conversation, have
    kind, ref = frame["type"], frame.get("ref")
    if kind == "error":
        print(f'! {frame["code"]}: {frame["message"]}', file=sys.stderr, flush=True)
        if frame["retryable"] and ref in unanswered:
            threading.Timer(frame.get("retryAfterMs", 1000) / 1000, send_text, [ref]).start()
        elif unanswered.pop(ref, None) is None:
            sys.exit(1)
    elif kind == "reply" and ref == "hello":
        send("conversation.open", "open", **{"with": partner})
    elif kind == "reply" and ref == "open":
        conversation = frame["conversation"]["id"]
        have = max(0, frame["conversation"]["head"] - 20) if have is None else have
        read_log()
        for client_id in list(unanswered):
            send_text(client_id)
    elif kind == "reply" and ref == "history":
        for event in frame["events"]:
            show(event)
        if frame["more"]:
            read_log()
    elif kind == "reply":
        unanswered.pop(ref, None)
    elif "seq" in frame and frame["conversation"] == conversation:
        show(frame)

threading.Thread(target=read_input, daemon=True).start()
attempt = 0
while not (input_ended and not unanswered):
    try:
        ws = websocket.create_connection(url, subprotocols=["suda.v1.json"], timeout=60)
        send("hello", "hello", token=token)
        while not (input_ended and not unanswered):
            opcode, data = ws.recv_data()
            if opcode == websocket.ABNF.OPCODE_CLOSE and int.from_bytes(data[:2], "big") in final_closes:
                sys.exit(f"closed by the server: {data[2:].decode()}")
            message = json.loads(data) if opcode == websocket.ABNF.OPCODE_TEXT else []
            for frame in message if isinstance(message, list) else [message]:  # one frame, or several in order
                handle(frame)
            attempt = 0
    except (OSError, websocket.WebSocketException) as reason:
        conversation, attempt = None, attempt + 1
        print(f"! {reason}; connecting again", file=sys.stderr, flush=True)
        time.sleep(random.uniform(0, min(30, 2**attempt)))
