"""Publishes a few greetings to a running broker and reads them back as a member of a group, through libpenstock.so.

    greetings.py [HOST:PORT]      (127.0.0.1:7333; LD_LIBRARY_PATH where the library is not found by itself)

Nothing but the standard library's ctypes and the installed penstock.h is behind it.
"""

import ctypes
import sys
from ctypes import byref, c_char_p, c_int32, c_int64, c_size_t, c_uint32, c_uint64, c_void_p

TOPIC = b"python-greetings"
GREETINGS = {b"en": b"Hello!", b"de": b"Guten Tag!", b"fr": b"Bonjour !"}


class Bytes(ctypes.Structure):
    _fields_ = [("data", c_void_p), ("size", c_size_t)]

    @classmethod
    def of(cls, value):
        return cls(ctypes.cast(c_char_p(value), c_void_p), len(value)) if value is not None else cls(None, 0)

    def value(self):
        return ctypes.string_at(self.data, self.size) if self.data else None


class Option(ctypes.Structure):
    _fields_ = [("name", c_char_p), ("value", c_char_p)]


class Delivery(ctypes.Structure):
    _fields_ = [("tag", c_uint64), ("offset", c_int64), ("partition", c_int32), ("replicas_fsynced", c_uint32),
                ("may_be_twice", c_int32), ("error", c_void_p), ("reserved", c_uint64 * 4)]


class Record(ctypes.Structure):
    _fields_ = [("topic", c_char_p), ("offset", c_int64), ("timestamp_ms", c_int64), ("partition", c_int32),
                ("header_count", c_uint32), ("key", Bytes), ("value", Bytes), ("reserved", c_uint64 * 4)]


library = ctypes.CDLL("libpenstock.so.1")
library.penstock_error_name.restype = c_char_p
library.penstock_error_message.restype = c_char_p
library.penstock_deliveries_count.restype = c_size_t


def call(function, *arguments):
    """A function of penstock.h that returns NULL or an error."""
    function = getattr(library, "penstock_" + function)
    function.restype = c_void_p
    if error := function(*arguments):
        error = c_void_p(error)
        text = b": ".join((library.penstock_error_name(error), library.penstock_error_message(error))).decode()
        library.penstock_error_free(error)
        raise RuntimeError(text)


def options(**values):
    """The two arguments that options are."""
    pairs = [Option(name.encode(), str(value).encode()) for name, value in values.items()]
    return (Option * len(pairs))(*pairs), c_size_t(len(pairs))


def publish(client):
    producer = c_void_p()
    call("producer_open", client, *options(reports="all", linger_ms=0), byref(producer))
    for tag, (key, value) in enumerate(GREETINGS.items()):
        call("produce", producer, TOPIC, c_int32(-1), Bytes.of(key), Bytes.of(value), c_int64(-1), None, c_size_t(0),
             c_uint64(tag))
    call("producer_close", producer, c_int64(10_000))
    deliveries, one = c_void_p(), Delivery()
    library.penstock_producer_poll(producer, c_int64(0), byref(deliveries))
    for index in range(library.penstock_deliveries_count(deliveries)):
        library.penstock_deliveries_get(deliveries, c_size_t(index), byref(one))
        print(f"published {list(GREETINGS.values())[one.tag].decode()} at offset {one.offset}, "
              f"on {one.replicas_fsynced} disk(s)")
    library.penstock_deliveries_free(deliveries)
    library.penstock_producer_free(producer)


def read_back(client):
    member = c_void_p()
    topics = (c_char_p * 1)(TOPIC)
    call("group_open", client, b"python-readers", topics, c_size_t(1), *options(start="beginning"), None, None,
         byref(member))
    left = len(GREETINGS)
    while left > 0:
        records, record, error = c_void_p(), Record(), c_void_p()
        call("group_poll", member, c_int64(500), byref(records))
        while library.penstock_records_next(records, byref(record), byref(error)) == 1:
            print(f"read {record.value.value().decode()} with key {record.key.value().decode()} at offset {record.offset}")
            left -= 1
        library.penstock_records_free(records)
    call("group_commit", member)
    call("group_close", member)
    library.penstock_group_free(member)


def main():
    client = c_void_p()
    call("client_open", (sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:7333").encode(), None, c_size_t(0), byref(client))
    call("create_topic", client, TOPIC, c_uint32(1), c_uint32(0), None, c_size_t(0))
    publish(client)
    read_back(client)
    call("delete_topic", client, TOPIC)
    library.penstock_client_free(client)


if __name__ == "__main__":
    main()
