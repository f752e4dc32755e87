"""Comparing segment files, on bytes made by hand."""

import pathlib
import struct
import tempfile
import unittest

from segments import batches_of_log, compare, logs_of


def batch(base, records, filler=b"x", length=70):
    body = bytearray(filler * (length - 12))
    body[11:15] = struct.pack(">i", records - 1)
    return struct.pack(">qi", base, len(body)) + bytes(body)


def log(*batches):
    """base -> (end, content), as batches_of_log finds it."""
    return {base: (base + count, content) for base, count, content in batches}


class SegmentsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def write(self, base, data):
        (self.folder / f"{base:020}.log").write_bytes(data)

    def test_segments_are_walked_batch_by_batch(self):
        self.write(0, batch(0, 3) + batch(3, 1) + bytes(4096))
        self.write(4, batch(4, 10))
        self.assertEqual([(0, 3), (3, 4), (4, 14)], [(base, end) for base, (end, _) in batches_of_log(self.folder).items()])

    def test_a_torn_tail_and_garbage_end_a_segment(self):
        for tail in (batch(3, 1)[:-1], b"\xff" * 200, batch(9, 1)):
            self.write(0, batch(0, 3) + tail)
            self.assertEqual([0], list(batches_of_log(self.folder)))

    def test_one_byte_makes_another_digest(self):
        self.write(0, batch(0, 1))
        before = batches_of_log(self.folder)
        self.write(0, batch(0, 1)[:-1] + b"y")
        self.assertNotEqual(before, batches_of_log(self.folder))

    def test_logs_of_a_topic_are_found_by_its_name(self):
        for name in ("a-00112233445566778899aabbccddeeff", "a-b-00112233445566778899aabbccddeeff"):
            (self.folder / "topics" / name / "2").mkdir(parents=True)
        self.assertEqual({2}, set(logs_of(self.folder, "a")))
        self.assertIn("a-b-", str(logs_of(self.folder, "a-b")[2]))


class CompareTest(unittest.TestCase):
    def test_equal_logs(self):
        same = log((0, 2, "a"), (2, 1, "b"))
        self.assertEqual(([], []), compare({"x": same, "y": same, "z": same}, 3))

    def test_beyond_the_high_watermark_they_may_differ(self):
        self.assertEqual(([], []), compare({"x": log((0, 2, "a"), (2, 1, "b")), "y": log((0, 2, "a"), (2, 1, "c"))}, 2))

    def test_other_bytes_are_a_difference(self):
        differing, behind = compare({"x": log((0, 2, "a")), "y": log((0, 2, "b"))}, 2)
        self.assertEqual((["x and y differ at offset 0"], []), (differing, behind))

    def test_other_boundaries_are_a_difference(self):
        self.assertEqual(2, len(compare({"x": log((0, 2, "a"), (2, 2, "b")), "y": log((0, 4, "c"))}, 4)[0]))

    def test_a_log_that_ends_early_is_behind_and_not_different(self):
        self.assertEqual(([], ["y ends at 2 of 3"]), compare({"x": log((0, 2, "a"), (2, 1, "b")), "y": log((0, 2, "a"))}, 3))

    def test_a_hole_is_a_difference(self):
        whole, holed = log((0, 1, "a"), (1, 1, "b"), (2, 1, "c")), log((0, 1, "a"), (2, 1, "c"))
        self.assertEqual(["x and y differ at offset 1"], compare({"x": whole, "y": holed}, 3)[0])

    def test_a_log_that_begins_later_is_compared_from_there(self):
        self.assertEqual(([], []), compare({"x": log((0, 2, "a"), (2, 1, "b")), "y": log((2, 1, "b"))}, 3))

    def test_an_empty_replica_is_behind(self):
        self.assertEqual(["y ends at 0 of 2"], compare({"x": log((0, 2, "a")), "y": {}}, 2)[1])


if __name__ == "__main__":
    unittest.main()
