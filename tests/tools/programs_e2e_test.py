"""penstockd, penstock-worker and penstock-floor, as somebody meets them who has not read about them."""

import pathlib
import subprocess
import tempfile
import unittest

from command_line import BIN, OK, USAGE, WAIT_S

PROGRAMS = ("penstockd", "penstock-worker", "penstock-floor")
# What each one needs to come as far as its flags.
COMMAND = {"penstockd": [], "penstock-worker": ["archive"], "penstock-floor": []}


def run(program, *arguments):
    result = subprocess.run([BIN / program, *arguments], capture_output=True, text=True, timeout=WAIT_S)
    return result.returncode, result.stdout, result.stderr


class ProgramsTest(unittest.TestCase):
    def refused(self, program, *arguments):
        """The message: one line, which leads to --help."""
        code, out, err = run(program, *arguments)
        self.assertEqual((code, out), (USAGE, ""), (program, arguments, err))
        self.assertTrue(err.startswith(f"{program}: "), err)
        self.assertEqual(err.count("\n"), 1, err)
        self.assertTrue(err.endswith(f"ee {program} --help\n"), err)
        return err

    def test_help_is_about_this_program_only(self):
        for program in PROGRAMS:
            for words in (["--help"], ["-h"], [*COMMAND[program], "--help"]):
                code, out, err = run(program, *words)
                self.assertEqual((code, err), (OK, ""))
                self.assertTrue(out.startswith(f"{program}: "), out)
                for part in ("\nusage: ", "\nFlags\n", "\nExit codes\n"):
                    self.assertIn(part, out)
                for gflags_own in ("flagfile", "tab_completion", "undefok", "Flags from"):
                    self.assertNotIn(gflags_own, out)
                self.assertLessEqual(max(map(len, out.splitlines())), 100)

    def test_version(self):
        for program in PROGRAMS:
            code, out, err = run(program, "--version")
            self.assertEqual((code, err), (OK, ""))
            self.assertRegex(out, rf"^{program} \d+\.\d+\.\d+\n$")

    def test_an_unknown_flag(self):
        for program in PROGRAMS:
            self.assertIn("unknown flag --nope", self.refused(program, *COMMAND[program], "--nope"))
            for hidden in ("--flagfile=/etc/passwd", "--fromenv=HOME", "--undefok=x", "--helpfull"):
                self.assertIn("unknown flag", self.refused(program, *COMMAND[program], hidden))
        self.assertIn("did you mean --data_dir?", self.refused("penstockd", "--data-dir=/x"))

    def test_a_flag_without_its_value(self):
        self.assertIn("--data_dir needs a value: --data_dir=DIR", self.refused("penstockd", "--data_dir"))
        self.assertIn("--archive_dir needs a value", self.refused("penstock-worker", "archive", "--archive_dir"))
        self.assertIn("--dir needs a value", self.refused("penstock-floor", "--dir"))

    def test_a_value_that_cannot_be(self):
        with tempfile.TemporaryDirectory() as scratch:
            folder = pathlib.Path(scratch) / "never_made"
            here = {"penstockd": [f"--data_dir={folder}"], "penstock-worker": ["archive", f"--archive_dir={folder}"],
                    "penstock-floor": []}
            for program, flag, told in (("penstockd", "--shards=x", "--shards takes a whole number"),
                                        ("penstockd", "--shards=1000", "--shards"),
                                        ("penstockd", "--log_level=loud", "--log_level"),
                                        ("penstockd", "--listen=nowhere:x", "--listen"),
                                        ("penstockd", "--insecure_i_know=perhaps", "true or false"),
                                        ("penstock-worker", "--archive_chunk_mb=-1", "--archive_chunk_mb takes"),
                                        ("penstock-worker", "--archive_interval_s=0", "--archive_interval_s"),
                                        ("penstock-worker", "--bootstrap=:", "--bootstrap"),
                                        ("penstock-worker", "--log_level=loud", "--log_level"),
                                        ("penstock-floor", "--seconds=nan", "--seconds takes a number"),
                                        ("penstock-floor", "--seconds=0", "--seconds is 0.01 to 60")):
                self.assertIn(told, self.refused(program, *here[program], flag))
            self.assertFalse(folder.exists(), "a wrong command line has left something behind")

    def test_what_is_missing(self):
        self.assertIn("--data_dir is missing", self.refused("penstockd"))
        self.assertIn("--archive_dir is missing", self.refused("penstock-worker", "archive"))
        self.assertIn("usage: penstock-worker archive", self.refused("penstock-worker"))

    def test_words_that_mean_nothing(self):
        self.assertIn("did you mean 'archive'?", self.refused("penstock-worker", "archiv"))
        self.assertIn("unknown command 'dance'", self.refused("penstock-worker", "dance"))
        self.assertIn("'/var/lib/penstock' is no flag", self.refused("penstockd", "/var/lib/penstock"))
        self.assertIn("'here' is no flag", self.refused("penstock-floor", "here"))


if __name__ == "__main__":
    unittest.main()
