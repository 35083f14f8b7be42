# SPDX-License-Identifier: GPL-2.0-only
"""Boots the root in QEMU, runs one command in it, returns its exit status."""

import contextlib
import errno
import os
import pathlib
import select
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import termios
import time
import tty
from dataclasses import dataclass, field

from devlib import config, kernlog, proc
from devlib.proc import Failure, say

# Exit statuses of our own; a command can return the same numbers, so each comes
# with a message on stderr as well. 124 is what timeout(1) uses.
STATUS_KERNEL = 120   # the command ended, but the kernel complained
STATUS_PANIC = 121    # the guest's kernel panicked
STATUS_LOST = 122     # the guest ended without a status
STATUS_SETUP = 123    # the guest could not be started
STATUS_TIMEOUT = 124  # the time limit ran out

# Said where the kernel is booted twice; tests of what a command prints allow for it.
ONCE_MORE = ("vm: the guest's kernel panicked before it ran anything of ours, as it does now "
             "and then where emulated CPUs patch code under each other; once more")

DEFAULT_TIMEOUT = 900
PROBE_TIMEOUT = 40
POWEROFF_PATIENCE = 20
PORTS = ("ctl", "out", "err", "tty")

# panic=-1 with -no-reboot: a panic ends QEMU. loglevel=5 keeps the boot quick
# on the emulated serial line, vm/init raises it. The lockup and stall limits
# allow for emulation: a virtual CPU may wait seconds for a real one; so may the
# timer, whose check at boot panics then.
CMDLINE = ("console=ttyS0 loglevel=5 panic=-1 oops=panic printk.devkmsg=on no_timer_check "
           "watchdog_thresh=30 rcupdate.rcu_cpu_stall_timeout=60")


@dataclass
class Share:
    tag: str
    dir: pathlib.Path
    path: str
    writable: bool


@dataclass
class Options:
    """What to boot and how; see vm/run --help."""

    root: object = None
    accel: str = "tcg"
    icount: bool = False
    cpu: str = ""
    smp: int = 2
    mem: str = "4G"
    timeout: float = DEFAULT_TIMEOUT
    console: str = ""
    append: str = ""
    kernel: str = ""
    initrd: str = ""
    disks: list = field(default_factory=list)
    shares: list = field(default_factory=list)
    directory: str = "/src"
    env: dict = field(default_factory=dict)
    interactive: bool = False


def default_shares(build=None, out=None):
    """The clone, its build tree and its results, where the build has them."""
    build, out = build or config.build_dir(), out or config.out_dir()
    for d in (build, out):
        pathlib.Path(d).mkdir(parents=True, exist_ok=True)
    return [Share("src", config.SRC, "/src", False),
            Share("build", pathlib.Path(build), "/build", False),
            Share("out", pathlib.Path(out), "/out", True)]


def machine_args(o):
    if o.icount:
        # One instruction is one nanosecond; without erms/fsrm a `rep movsb`
        # is not counted byte by byte in the kernel's copies.
        return ["-accel", "tcg", "-icount", "shift=0,sleep=off",
                "-cpu", o.cpu or "max,-erms,-fsrm", "-smp", "1"]
    accel = "tcg,thread=multi" if o.accel == "tcg" else "kvm"
    default = "max" if o.accel == "tcg" else "host"
    return ["-accel", accel, "-cpu", o.cpu or default, "-smp", str(o.smp)]


def comma(path):
    """A path in a QEMU option: commas are doubled."""
    return str(path).replace(",", ",,")


def disk_args(o):
    args = ["-drive", f"if=virtio,format=raw,snapshot=on,file={comma(o.root.image)}"]
    for d in o.disks:
        path, writable = (d[:-3], True) if d.endswith(":rw") else (d, False)
        if not os.path.exists(path):
            raise Failure(f"--disk {path}: no such file", status=STATUS_SETUP)
        mode = "cache=unsafe" if writable else "snapshot=on"
        args += ["-drive", f"if=virtio,format=raw,{mode},file={comma(path)}"]
    return args


def share_args(o):
    args = []
    for s in o.shares:
        ro = "" if s.writable else ",readonly=on"
        args += ["-fsdev", f"local,id={s.tag},path={comma(s.dir)},"
                           f"security_model=none,multidevs=remap{ro}",
                 "-device", f"virtio-9p-pci,fsdev={s.tag},mount_tag={s.tag}"]
    return args


def port_args(o, run):
    args = ["-device", "virtio-serial-pci,id=vser"]
    for p in ports_of(o):
        device = "virtconsole" if p == "tty" else "virtserialport"
        args += ["-chardev", f"socket,id={p},path={run}/{p},server=on,wait=off",
                 "-device", f"{device},bus=vser.0,chardev={p},name=extfuse.{p}"]
    return args


def ports_of(o):
    return PORTS if o.interactive else PORTS[:3]


def qemu_argv(o, run):
    """The whole command; `run` is the directory of the sockets."""
    cmdline = f"{CMDLINE} {o.append}".strip()
    return ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-no-reboot",
            "-display", "none", "-nic", "none", "-machine", "q35",
            *machine_args(o), "-m", o.mem,
            "-kernel", str(o.kernel or o.root.kernel), "-initrd", str(o.initrd or o.root.initrd),
            "-append", cmdline,
            "-chardev", f"file,id=console,path={comma(o.console)}",
            "-serial", "chardev:console",
            "-device", "virtio-rng-pci",
            *disk_args(o), *share_args(o), *port_args(o, run)]


def request(o, command):
    """What vm/init evaluates, its variables; before them a line with their length."""
    rows, cols = 24, 80
    if o.interactive and sys.stdin.isatty():
        size = os.get_terminal_size(sys.stdin.fileno())
        rows, cols = size.lines, size.columns
    shares = "\n".join(
        f"{s.tag} {s.path} {'rw,cache=none' if s.writable else 'ro,cache=loose'}"
        for s in o.shares if s.tag != "src")
    exports = "".join(f"export {k}={shlex.quote(v)}\n" for k, v in o.env.items())
    values = {"xf_command": exports + command, "xf_dir": o.directory, "xf_shares": shares,
              "xf_tty": "1" if o.interactive else "", "xf_rows": str(rows),
              "xf_cols": str(cols), "xf_term": os.environ.get("TERM", "dumb")}
    text = "\n".join(f"{k}={shlex.quote(v)}" for k, v in values.items()).encode()
    return b"%d\n%s" % (len(text), text)


class Machine:
    """One running QEMU and its sockets."""

    def __init__(self, o, command):
        self.o = o
        self.request = request(o, command)
        self.status = None
        self.booted = None
        self.began = time.monotonic()
        self.pending = b""
        self.socks = {}

    def connect(self, qemu, run):
        for p in ports_of(self.o):
            self.socks[p] = connect_when_ready(f"{run}/{p}", qemu)

    def remaining(self):
        return self.o.timeout - (time.monotonic() - self.began)

    def relay(self, qemu):
        """Passes bytes to and fro until the status came, or the guest ended."""
        while self.status is None and self.remaining() > 0:
            if not self._pass_bytes(0.5) and qemu.poll() is not None:
                return
        self._drain()

    def _drain(self):
        while self._pass_bytes(0.05):
            pass

    def _pass_bytes(self, patience):
        """Handles what is readable now; False if nothing was."""
        watched = {s.fileno(): p for p, s in self.socks.items()}
        if self.o.interactive:
            watched[0] = "stdin"
        ready = select.select(list(watched), [], [], patience)[0]
        got = False
        for fd in ready:
            data = receive(fd)
            if data:
                got = True
                self._handle(watched[fd], data)
            else:
                self._closed(watched[fd])
        return got

    def _closed(self, name):
        if name == "stdin":
            self.o.interactive = False
        else:
            self.socks.pop(name).close()

    def _handle(self, name, data):
        if name == "ctl":
            self._control(data)
        elif name == "stdin":
            self.socks["tty"].sendall(data)
        else:
            write_all(2 if name == "err" else 1, data)

    def _control(self, data):
        self.pending += data
        *lines, self.pending = self.pending.split(b"\n")
        for line in lines:
            if line == b"ready":
                self.booted = time.monotonic() - self.began
                self.socks["ctl"].sendall(self.request)
            elif line.startswith(b"status "):
                self.status = int(line.split()[1])

    def close(self):
        for s in self.socks.values():
            s.close()


def connect_when_ready(path, qemu):
    for _ in range(200):
        s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            s.connect(path)
            return s
        except OSError as e:
            s.close()
            if e.errno not in (errno.ENOENT, errno.ECONNREFUSED):
                raise
        if qemu.poll() is not None:
            break
        time.sleep(0.05)
    raise Failure("QEMU did not start", status=STATUS_SETUP)


def receive(fd):
    try:
        return os.read(fd, 65536)
    except (ConnectionResetError, BrokenPipeError):
        return b""
    except OSError as e:
        if e.errno == errno.EIO:
            return b""
        raise


def write_all(fd, data):
    while data:
        data = data[os.write(fd, data):]


@contextlib.contextmanager
def raw_terminal(wanted):
    """Keys go to the guest as they are, Ctrl-C too; restored at the end."""
    if not (wanted and sys.stdin.isatty()):
        yield
        return
    fd = sys.stdin.fileno()
    saved = termios.tcgetattr(fd)
    try:
        tty.setraw(fd)
        yield
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, saved)


def check_host(o):
    if not shutil.which("qemu-system-x86_64"):
        raise Failure("qemu-system-x86_64 is missing",
                      "run ./dev setup, or apt-get install qemu-system-x86",
                      STATUS_SETUP)
    if o.root is None or not o.root.complete():
        raise Failure("there is no root to boot yet", "run ./dev setup", STATUS_SETUP)
    need, free = mebibytes(o.mem), available_memory()
    if need + 256 > free:
        raise Failure(f"the guest is to have {need} MiB of memory, {free} MiB are free",
                      "give it less with --mem, or end other programs", STATUS_SETUP)


def mebibytes(text):
    units = {"M": 1, "G": 1024}
    try:
        if text[-1].upper() in units:
            return int(text[:-1]) * units[text[-1].upper()]
        return int(text)
    except ValueError:
        raise Failure(f"--mem {text}: not a size", "write for example 4G or 2048M",
                      STATUS_SETUP) from None


def available_memory():
    with open("/proc/meminfo", encoding="ascii") as f:
        for line in f:
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) // 1024
    return 1 << 30


def probe_kvm(o):
    """KVM may exist and yet hang: boots once with a limit before it is trusted."""
    why = None
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        why = "/dev/kvm cannot be opened"
    else:
        p = Options(**{**o.__dict__, "timeout": PROBE_TIMEOUT, "console": os.devnull,
                       "interactive": False, "disks": []})
        if boot(p, "true", quiet=True).status != 0:
            why = f"a guest on /dev/kvm did not come up in {PROBE_TIMEOUT} s"
    if why:
        raise Failure(f"--accel kvm: {why}", "leave it out: emulation is the default",
                      STATUS_SETUP)


def boot(o, command, quiet=False):
    """Runs the machine to its end; returns the Machine with its status."""
    m = Machine(o, command)
    run = tempfile.mkdtemp(prefix="extfuse-vm.")
    try:
        with open(f"{run}/qemu.log", "wb") as log, qemu_process(o, run, log) as qemu:
            try:
                m.connect(qemu, run)
                with raw_terminal(o.interactive):
                    m.relay(qemu)
                if m.status is not None:
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        qemu.wait(timeout=POWEROFF_PATIENCE)
            finally:
                m.close()
                if not quiet:
                    report_qemu(qemu, f"{run}/qemu.log")
    finally:
        shutil.rmtree(run, ignore_errors=True)
    return m


@contextlib.contextmanager
def qemu_process(o, run, log):
    # In our process group: what ends the group ends QEMU; and it dies with us.
    argv = proc.bound_to_us(qemu_argv(o, run))
    qemu = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        yield qemu
    finally:
        if qemu.poll() is None:
            qemu.kill()
            qemu.wait()


def report_qemu(qemu, log):
    if qemu.poll() not in (None, 0):
        for line in proc.tail(log):
            if line.strip():
                say("qemu: " + line)


def verdict(m, text):
    """The exit status of the run and, on stderr, the reason if it is ours."""
    found = kernlog.scan(text)
    if found:
        say("vm: the kernel complained: " + ", ".join(sorted({k for k, _, _ in found})))
        for line in kernlog.quote(text, found):
            say("vm:   | " + line)
    if any(kind == "panic" for kind, _, _ in found):
        say("vm: the guest's kernel panicked")
        return STATUS_PANIC
    if m.status is None and m.remaining() <= 0:
        say(f"vm: time limit of {m.o.timeout:g} s ran out"
            + ("" if m.booted else ", the guest had not even booted")
            + "; --timeout sets it")
        return STATUS_TIMEOUT
    if m.status is None:
        say("vm: the guest ended without a status; the end of its console:")
        for line in text.splitlines()[-15:]:
            say("vm:   | " + line)
        return STATUS_LOST
    if found:
        say(f"vm: the command itself ended with status {m.status}")
        return STATUS_KERNEL
    return m.status


def run(o, command):
    """Boots, runs, judges; returns the exit status."""
    check_host(o)
    if o.accel == "kvm" and not o.icount:
        probe_kvm(o)
    with contextlib.ExitStack() as stack:
        if not o.console:
            o.console = stack.enter_context(
                tempfile.NamedTemporaryFile(prefix="extfuse-console.")).name
        stack.enter_context(proc.lock(config.cache() / "use.lock", shared=True))
        m = boot(o, command)
        text = console_text(o)
        if panicked_at_boot(o, m, text):
            say(ONCE_MORE)
            m = boot(o, command)
            text = console_text(o)
        return verdict(m, text)


def console_text(o):
    return pathlib.Path(o.console).read_text(encoding="utf-8", errors="replace")


def panicked_at_boot(o, m, text):
    """Under emulation, and before vm/init runs: modules of ours come later."""
    return (o.accel == "tcg" and not o.icount and m.booted is None and m.remaining() > 0
            and any(kind == "panic" for kind, _, _ in kernlog.scan(text)))
