"""Hosts for brokers: network namespaces joined by our own switch, or, where that is not allowed, loopback addresses.

`enter_sandbox` puts this very process, by running it again, into namespaces of its own for network, mounts and
processes: what a run makes there (devices, small file systems, brokers) is gone when it ends, however it ends.
"""

import os
import pathlib
import shutil
import subprocess
import sys

from harness import BIN

IN_SANDBOX = "PENSTOCK_NEMESIS_SANDBOX"
WANTED = ["--net", "--mount", "--pid", "--fork", "--kill-child=KILL", "--mount-proc"]
CUT = 1_000_000  # lost frames in a million
PORT = 7333


def sandbox_command():
    """`unshare` and its flags, as root or as an ordinary user who may have namespaces; None when neither works."""
    if not shutil.which("unshare") or not shutil.which("ip"):
        return None
    for extra in ([], ["--user", "--map-root-user"]):
        command = ["unshare", *extra, *WANTED]
        # All that is needed later, tried once: a namespace with a name, a TAP device, a file system in memory.
        script = ("mount -t tmpfs tmpfs /run && mkdir /run/netns && ip netns add x && ip tuntap add dev y mode tap && "
                  "ip link set y netns x && mkdir /run/z && mount -t tmpfs tmpfs /run/z")
        if subprocess.run([*command, "sh", "-c", script], capture_output=True).returncode == 0:
            return command
    return None


def enter_sandbox():
    """Returns True inside of one. Comes back False, in the process as it was, where none can be had."""
    if IN_SANDBOX in os.environ:
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
        os.mkdir("/run/netns")
        return True
    command = sandbox_command()
    if command is None:
        return False
    done = subprocess.run([*command, sys.executable, "-B", *sys.argv], env={**os.environ, IN_SANDBOX: "1"})
    sys.exit(done.returncode)


def ip(*words, namespace=None):
    inside = ["-n", namespace] if namespace else []
    done = subprocess.run(["ip", *inside, *map(str, words)], capture_output=True, text=True)
    if done.returncode != 0:
        raise OSError(f"ip {' '.join(map(str, words))}: {done.stderr.strip()}")


class Loopback:
    """All in one network: nothing can be cut."""
    has_faults = False

    def __init__(self, hosts):
        self.hosts = hosts

    def address(self, host):
        return f"127.0.0.{host + 1}"

    def inside(self, host):
        return []

    def heal(self):
        pass

    def close(self):
        pass


class SwitchedNetwork:
    """`hosts` namespaces; one more host, the last, is where this process and the clients are."""
    has_faults = True

    def __init__(self, hosts):
        self.hosts = hosts
        devices = [f"nem{n}" for n in range(hosts + 1)]
        self.switch = subprocess.Popen([BIN / "penstock-nemesis-switch", *devices], stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, text=True)
        if self.switch.stdout.readline() != "ready\n":
            raise OSError("the switch did not start")
        ip("link", "set", "lo", "up")
        for n, device in enumerate(devices):
            self._attach(n, device, None if n == hosts else f"host{n}")

    def _attach(self, n, device, namespace):
        if namespace:
            ip("netns", "add", namespace)
            ip("link", "set", device, "netns", namespace)
            ip("link", "set", "lo", "up", namespace=namespace)
        ip("link", "set", device, "address", f"02:00:00:00:00:{n:02x}", "mtu", 9000, "up", namespace=namespace)
        ip("addr", "add", f"{self.address(n)}/24", "dev", device, namespace=namespace)
        for other in range(self.hosts + 1):
            if other != n:
                ip("neigh", "add", self.address(other), "lladdr", f"02:00:00:00:00:{other:02x}", "dev", device,
                   "nud", "permanent", namespace=namespace)

    def address(self, host):
        return f"10.77.0.{host + 1}"

    def inside(self, host):
        return ["ip", "netns", "exec", f"host{host}"]

    def _say(self, command):
        self.switch.stdin.write(command + "\n")
        self.switch.stdin.flush()
        answer = self.switch.stdout.readline()
        if answer != "ok\n":
            raise OSError(f"the switch answered {answer!r} to {command!r}")

    def shape(self, ways, loss_ppm=0, delay_ms=0, jitter_ms=0, bytes_per_s=0):
        """Each way is a pair (from, to): one direction."""
        for a, b in ways:
            self._say(f"link {a} {b} {loss_ppm} {delay_ms * 1000} {jitter_ms * 1000} {bytes_per_s}")

    def cut(self, ways):
        self.shape(ways, loss_ppm=CUT)

    def clear(self, ways):
        self.shape(ways)

    def heal(self):
        self._say("heal")

    def close(self):
        self.switch.stdin.close()
        self.switch.wait()


def sandboxed_folder(path, megabytes):
    """A file system of its own at `path`, so that it can be filled; only inside of a sandbox."""
    pathlib.Path(path).mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", path], check=True)
