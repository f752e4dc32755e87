"""The cases of protocol_test.py that need time or an end: silent peers, and the drain of the broker."""

import signal

from penstock_batch import Batch, Record
from penstock_wire import (DESCRIBE_CLUSTER, DESCRIBE_TOPICS, FETCH, HANDSHAKE, ConnectionClosed, encode_frame,
                           error_name)
from protocol_scene import expect, expect_error

HELLO = encode_frame(HANDSHAKE.number, HANDSHAKE.request.encode({"client_name": "silent"}))
CLOSED_WITHIN_S = 120  # the longest limit is 30 s for a frame once begun; the rest is for slow machines


def start_silent_peers(scene):
    """Opens connections that send a little and then nothing, so that their limits pass beside the other cases."""
    peers = {}
    for title, greeted, sent in (("nothing at all", False, b""), ("half a handshake", False, HELLO[:-3]),
                                 ("one byte", False, HELLO[:1]),
                                 ("half a header", True, encode_frame(DESCRIBE_CLUSTER.number, b"")[:16]),
                                 ("half an attachment", True, encode_frame(16, b"", bytes(1000))[:-1])):
        peers[title] = scene.connect(handshake=greeted)
        peers[title].send_bytes(sent)
    return peers


def silent_peers_are_closed(scene, peers):
    for title, peer in peers.items():
        try:
            expect(peer.wait_closed(CLOSED_WITHIN_S), b"", f"bytes for a peer that sent {title}")
        except TimeoutError:
            raise AssertionError(f"a peer that sent {title} is still connected") from None
        peer.socket.close()
    scene.still_healthy()


def drain(scene):
    """A waiting fetch is answered before the broker goes; behind its answer the connection ends."""
    with scene.connect() as connection:
        end = scene.list_offset(latest=True).offset
        waiting = connection.send(FETCH, partitions=[scene.fetch_request(end)], max_wait_ms=40_000, min_bytes=1,
                                  max_bytes=1000)
        connection.call(DESCRIBE_CLUSTER)  # behind the fetch: that one has begun
        scene.broker.process.send_signal(signal.SIGTERM)
        answer = connection.receive(FETCH, waiting)
        expect(error_name(answer) in ("Ok", "ShuttingDown"), True, f"a clean answer, not {error_name(answer)}")
        try:
            connection.receive_frame()
            raise AssertionError("a second answer")
        except ConnectionClosed:
            pass
    expect(scene.broker.process.wait(CLOSED_WITHIN_S), 0, "exit status after SIGTERM")


def leader_epochs(scene):
    """A restart begins a new epoch: requests that name the old one are fenced, those that name none are not."""
    epoch = scene.client.call(DESCRIBE_TOPICS, names=["main"]).topics[0].partitions[0].leader_epoch
    records = [Record(b"fenced")]
    data = Batch.of(records).encode()
    expect(epoch > 1, True, f"epoch {epoch} is not the first")
    for named, wanted in ((epoch - 1, "StaleEpoch"), (epoch + 1, "StaleEpoch"), (epoch, "Ok"), (0, "Ok"), (-1, "Ok")):
        answer = scene.produce_bytes(data, leader_epoch=named)
        expect_error(answer, wanted, f"producing in epoch {named} of {epoch}")
        if wanted == "Ok":
            scene.acknowledged(answer, records)
        fetched = scene.client.call(FETCH, partitions=[scene.fetch_request(0, leader_epoch=named)], max_bytes=100)
        expect_error(fetched.partitions[0], wanted, f"fetching in epoch {named} of {epoch}")
