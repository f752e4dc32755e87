"""A client of the Penstock protocol in pure Python, written from docs/protocol.md, docs/ERRORS.md and the .proto
files alone. It keeps that page honest: what this client needs and does not find there is a gap in the page.
"""

import collections
import pathlib
import re
import socket
import struct
import types

from penstock_batch import Cursor, crc32c, encode_varint

ROOT = pathlib.Path(__file__).resolve().parents[2]
FRAME_HEADER = struct.Struct("<4sBBHHHQII")  # and the checksum behind it
FRAME_HEADER_BYTES = 32
MAGIC, FRAME_VERSION, REQUEST, RESPONSE = b"PSTK", 1, 0, 1
PATIENCE_S = 60  # for an answer that normally takes milliseconds: sanitizers and busy machines
LARGEST_ANSWER_BYTES = 64 << 20

ERROR_NAMES = {int(number): name for number, name in
               re.findall(r"^\| (\d+) \| (\w+) \|", (ROOT / "docs/ERRORS.md").read_text(), re.MULTILINE)}


class Message:
    """A protobuf message type: field name -> (number, kind). A kind in a list is a repeated field."""

    def __init__(self, **fields):
        self.fields = {name: (number, kind) for name, (number, kind) in fields.items()}
        self.by_number = {number: (name, kind) for name, (number, kind) in self.fields.items()}

    def encode(self, values):
        """Every field that is given is written, also one with its default: a oneof needs that."""
        out = b""
        for name, value in values.items():
            number, kind = self.fields[name]
            for item in value if isinstance(kind, list) else [value]:
                out += self._encode_field(number, kind[0] if isinstance(kind, list) else kind, item)
        return out

    @staticmethod
    def _encode_field(number, kind, value):
        if kind in ("uint", "int", "bool"):
            return encode_varint(number << 3) + encode_varint(int(value))
        if isinstance(kind, Message):
            value = value if isinstance(value, bytes) else kind.encode(value)
        elif kind == "string" and isinstance(value, str):
            value = value.encode()
        return encode_varint(number << 3 | 2) + encode_varint(len(value)) + value

    def decode(self, data):
        out = types.SimpleNamespace()
        defaults = {"uint": 0, "int": 0, "bool": False, "bytes": b"", "string": ""}
        for name, (_, kind) in self.fields.items():
            setattr(out, name, [] if isinstance(kind, list) else None if isinstance(kind, Message)
                    else defaults[kind])
        cursor = Cursor(data)
        while cursor.left():
            tag = cursor.varint()
            raw = self._raw_value(cursor, tag & 7)
            if tag >> 3 in self.by_number:
                name, kind = self.by_number[tag >> 3]
                self._set_field(out, name, kind, raw)
        return out

    @staticmethod
    def _raw_value(cursor, wire_type):
        if wire_type == 0:
            return cursor.varint()
        if wire_type in (1, 5):
            return cursor.take(8 if wire_type == 1 else 4)
        if wire_type == 2:
            return cursor.take(cursor.varint())
        raise ValueError(f"wire type {wire_type}")

    def _set_field(self, out, name, kind, raw):
        if not isinstance(kind, list):
            setattr(out, name, self._value(kind, raw))
        elif kind[0] in ("uint", "int") and isinstance(raw, bytes):  # packed
            cursor = Cursor(raw)
            while cursor.left():
                getattr(out, name).append(self._value(kind[0], cursor.varint()))
        else:
            getattr(out, name).append(self._value(kind[0], raw))

    @staticmethod
    def _value(kind, raw):
        if isinstance(kind, Message):
            return kind.decode(raw)
        if kind == "int":
            return raw - (1 << 64) if raw >> 63 else raw
        return {"uint": int, "bool": bool, "bytes": bytes, "string": bytes.decode}[kind](raw)


ERROR = Message(code=(1, "uint"), message=(2, "string"))
ERROR_RESPONSE = Message(error=(1, ERROR))
API_VERSIONS = Message(api=(1, "uint"), min_version=(2, "uint"), max_version=(3, "uint"))
BROKER = Message(id=(1, "int"), host=(2, "string"), port=(3, "uint"))
SETTING = Message(name=(1, "string"), value=(2, "string"), is_default=(3, "bool"))
PARTITION = Message(partition=(1, "int"), leader=(2, "int"), leader_epoch=(3, "int"), replicas=(4, ["int"]),
                    log_start=(5, "int"), high_watermark=(6, "int"), size_bytes=(7, "uint"), error=(8, ERROR))
TOPIC = Message(error=(1, ERROR), name=(2, "string"), topic_id=(3, "bytes"), partitions=(4, [PARTITION]),
                settings=(5, [SETTING]), internal=(6, "bool"))
RECEIPT = Message(replicas_fsynced=(1, "uint"), replicas_written=(2, "uint"), replicas=(3, "uint"))

Api = collections.namedtuple("Api", "number request response")
HANDSHAKE = Api(1, Message(client_name=(1, "string"), client_software=(2, "string")),
                Message(error=(1, ERROR), apis=(2, [API_VERSIONS]), cluster_id=(3, "bytes"), broker_id=(4, "int"),
                        broker_software=(5, "string"), max_frame_bytes=(6, "uint"),
                        max_in_flight_requests=(7, "uint")))
DESCRIBE_CLUSTER = Api(2, Message(), Message(
    error=(1, ERROR), cluster_id=(2, "bytes"), controller=(3, "int"), brokers=(4, [BROKER]), software=(5, "string"),
    uptime_ms=(6, "uint"), disk_total_bytes=(7, "uint"), disk_available_bytes=(8, "uint"), disk_full=(9, "bool")))
DESCRIBE_TOPICS = Api(3, Message(names=(1, ["string"]), with_offsets=(2, "bool"), with_settings=(3, "bool")),
                      Message(error=(1, ERROR), brokers=(2, [BROKER]), topics=(3, [TOPIC])))
CREATE_TOPIC = Api(4, Message(name=(1, "string"), partitions=(2, "uint"), replication_factor=(3, "uint"),
                              settings=(4, [SETTING]), validate_only=(5, "bool")),
                   Message(error=(1, ERROR), topic_id=(2, "bytes")))
DELETE_TOPIC = Api(5, Message(name=(1, "string")), ERROR_RESPONSE)
ALTER_TOPIC = Api(6, Message(name=(1, "string"), set=(2, [SETTING]), reset=(3, ["string"]), partitions=(4, "uint")),
                  ERROR_RESPONSE)
LIST_OFFSETS = Api(
    7, Message(queries=(1, [Message(topic_id=(1, "bytes"), partition=(2, "int"), earliest=(3, "bool"),
                                    latest=(4, "bool"), timestamp_ms=(5, "int"), max_timestamp=(6, "bool"),
                                    leader_epoch=(7, "int"))])),
    Message(error=(1, ERROR), answers=(2, [Message(error=(1, ERROR), offset=(2, "int"), timestamp_ms=(3, "int"),
                                                   leader_epoch=(4, "int"))])))
DELETE_RECORDS = Api(
    8, Message(ranges=(1, [Message(topic_id=(1, "bytes"), partition=(2, "int"), before=(3, "int"))])),
    Message(error=(1, ERROR), answers=(2, [Message(error=(1, ERROR), log_start=(2, "int"))])))
PRODUCE = Api(
    16, Message(partitions=(1, [Message(topic_id=(1, "bytes"), partition=(2, "int"), attachment_bytes=(3, "uint"),
                                        leader_epoch=(4, "int"))]),
                durability=(2, "uint"), timeout_ms=(3, "uint")),
    Message(error=(1, ERROR), throttle_ms=(3, "uint"), partitions=(2, [Message(
        error=(1, ERROR), base_offset=(2, "int"), last_offset=(3, "int"), append_time_ms=(4, "int"),
        log_start=(5, "int"), receipt=(6, RECEIPT), leader_epoch=(7, "int"))])))
FETCH = Api(
    17, Message(partitions=(1, [Message(topic_id=(1, "bytes"), partition=(2, "int"), offset=(3, "int"),
                                        max_bytes=(4, "uint"), leader_epoch=(5, "int"))]),
                max_wait_ms=(2, "uint"), min_bytes=(3, "uint"), max_bytes=(4, "uint")),
    Message(error=(1, ERROR), throttle_ms=(3, "uint"), partitions=(2, [Message(
        error=(1, ERROR), attachment_bytes=(2, "uint"), high_watermark=(3, "int"), log_start=(4, "int"),
        leader_epoch=(5, "int"), header_crc=(6, "uint"))])))
APIS = [HANDSHAKE, DESCRIBE_CLUSTER, DESCRIBE_TOPICS, CREATE_TOPIC, DELETE_TOPIC, ALTER_TOPIC, LIST_OFFSETS,
        DELETE_RECORDS, PRODUCE, FETCH]
# Numbers of producers, of a cluster, and of groups: no test here speaks them.
OTHER_APIS = [18, *range(32, 37), *range(48, 57)]
TOPIC_DEFAULT, FSYNCED, WRITTEN = 0, 1, 2


def error_name(answer):
    """`answer` is a response or a part of one: the name of its error, "Ok" when it has none."""
    code = answer.error.code if answer.error else 0
    return ERROR_NAMES.get(code, f"unknown {code}")


def encode_frame(api, message, attachment=b"", correlation=1, *, version=1, kind=REQUEST, magic=MAGIC,
                 frame_version=FRAME_VERSION, reserved=0, message_length=None, attachment_length=None,
                 checksum=None):
    """Every field can be made wrong; what is left alone is right."""
    message_length = len(message) if message_length is None else message_length
    attachment_length = len(attachment) if attachment_length is None else attachment_length
    header = FRAME_HEADER.pack(magic, frame_version, kind, api, version, reserved, correlation, message_length,
                               attachment_length)
    checksum = crc32c(message, crc32c(header)) if checksum is None else checksum
    return header + struct.pack("<I", checksum) + message + attachment


Frame = collections.namedtuple("Frame", "kind api version correlation message attachment")


class ConnectionClosed(Exception):
    """The broker ended the connection, orderly or not."""


class Connection:
    """One connection. Answers come in any order and are kept until somebody asks for them."""

    def __init__(self, port, handshake=True):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.next_correlation = 1
        self.answers = {}
        self.hello = self.call(HANDSHAKE, client_name="protocol-test", client_software="penstock_wire.py") \
            if handshake else None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send_bytes(self, data):
        try:
            self.socket.sendall(data)
        except OSError as error:
            if isinstance(error, TimeoutError):
                raise
            raise ConnectionClosed(str(error)) from error

    def send(self, api, attachment=b"", **fields):
        return self.send_message(api.number, api.request.encode(fields), attachment)

    def send_message(self, api_number, message, attachment=b"", **frame_fields):
        correlation = self.next_correlation
        self.next_correlation += 1
        self.send_bytes(encode_frame(api_number, message, attachment, correlation, **frame_fields))
        return correlation

    def receive_frame(self):
        header = self._receive_bytes(FRAME_HEADER_BYTES)
        magic, version, kind, api, api_version, reserved, correlation, message_length, attachment_length = \
            FRAME_HEADER.unpack(header[:-4])
        if (magic, version, kind, reserved) != (MAGIC, FRAME_VERSION, RESPONSE, 0):
            raise ValueError(f"no header of a response: {header.hex(' ')}")
        if message_length + attachment_length > LARGEST_ANSWER_BYTES:
            raise ValueError(f"an answer of {message_length} + {attachment_length} bytes")
        message = self._receive_bytes(message_length)
        if struct.pack("<I", crc32c(message, crc32c(header[:-4]))) != header[-4:]:
            raise ValueError("the frame's checksum is wrong")
        return Frame(kind, api, api_version, correlation, message, self._receive_bytes(attachment_length))

    def answer_to(self, correlation):
        while correlation not in self.answers:
            frame = self.receive_frame()
            if frame.correlation in self.answers:
                raise ValueError(f"a second answer to request {frame.correlation}")
            self.answers[frame.correlation] = frame
        return self.answers.pop(correlation)

    def receive(self, api, correlation):
        """The decoded answer; its attachment is in `.attachment`."""
        frame = self.answer_to(correlation)
        if frame.api != api.number:
            raise ValueError(f"asked API {api.number}, answered by {frame.api}")
        response = api.response.decode(frame.message)
        response.attachment = frame.attachment
        return response

    def call(self, api, attachment=b"", **fields):
        return self.receive(api, self.send(api, attachment, **fields))

    def wait_closed(self, limit_s=PATIENCE_S):
        """Returns the bytes that still came before the broker closed."""
        self.socket.settimeout(limit_s)
        rest = b""
        try:
            while chunk := self.socket.recv(1 << 16):
                rest += chunk
        except ConnectionError:
            pass
        return rest

    def _receive_bytes(self, count):
        out = bytearray()
        while len(out) < count:
            try:
                chunk = self.socket.recv(min(count - len(out), 1 << 20))
            except ConnectionError as error:
                raise ConnectionClosed(str(error)) from error
            if not chunk:
                raise ConnectionClosed(f"closed with {len(out)} of {count} bytes received")
            out += chunk
        return bytes(out)
