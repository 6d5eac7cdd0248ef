"""The runner from outside: the client library in a small line-driven program, real layers, a real OCI runtime."""
import contextlib
import gzip
import hashlib
import io
import json
import os
import pathlib
import shutil
import stat
import subprocess
import tarfile
import tempfile
import time
import uuid

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
BUILD = pathlib.Path(os.environ.get('HOLDFAST_BUILD', ROOT / 'build')).resolve()
DRIVE = BUILD / 'test/unit/runner/runner-drive'
RUNNERD = BUILD / 'src/runner/holdfast-runnerd'
BUSYBOX = pathlib.Path('/bin/busybox')

WAITING, RUNNING, TERMINATED = range(3)
COMPLETED, ERROR, OOM_KILLED, START_FAILED, BACK_OFF, CREATING, LOST = range(1, 8)
ALWAYS, ON_FAILURE, NEVER = range(3)


def entry(name, kind=tarfile.REGTYPE, data=b'', mode=0o755, **more):
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.size = kind, mode, len(data)
    for key, value in more.items():
        setattr(info, key, value)
    return info, data


def pack(entries, form=tarfile.PAX_FORMAT):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode='w', format=form) as tar:
        for info, data in entries:
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def diff_id(tar):
    return 'sha256:' + hashlib.sha256(tar).hexdigest()


def busybox_entries():
    words = ['sh', 'echo', 'cat', 'sleep', 'id', 'env', 'ls', 'httpd', 'wget', 'nc', 'true', 'false', 'touch', 'stat',
             'ping', 'mkdir', 'head', 'dd', 'tail', 'kill', 'hostname', 'mount', 'ip', 'nslookup', 'grep', 'seq', 'pwd',
             'printf', 'mknod', 'chown', 'unshare', 'rm', 'chmod', 'expr', 'trap']
    yield entry('bin', tarfile.DIRTYPE)
    yield entry('bin/busybox', data=BUSYBOX.read_bytes())
    for word in words:
        yield entry('bin/' + word, tarfile.SYMTYPE, linkname='busybox')
    for folder in ['etc', 'tmp', 'www', 'proc', 'sys', 'dev', 'root']:
        yield entry(folder, tarfile.DIRTYPE, mode=0o1777 if folder == 'tmp' else 0o755)
    yield entry('etc/passwd', data=b'root:x:0:0:root:/root:/bin/sh\nwww:x:1000:1001::/www:/bin/sh\n', mode=0o644)
    yield entry('etc/group', data=b'root:x:0:\nwww:x:1001:\nextra:x:2000:www\n', mode=0o644)
    yield entry('www/index.html', data=b'hello from busybox\n', mode=0o644)
    yield entry('www/mine', data=b'x', mode=0o600, uid=1000, gid=1001)


class Runner:
    """One runnerd on folders of its own."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        os.chmod(self.folder, 0o711)
        self.state, self.run = self.folder / 'state', self.folder / 'run'
        self.drive = subprocess.Popen([DRIVE], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      stderr=open(self.folder / 'stderr', 'ab'), universal_newlines=True)
        self.blobs = 0

    def say(self, *words):
        line = ' '.join(''.join(c if c.isalnum() or c in '/._:-=' else f'%{b:02x}' if len(c.encode()) == 1 else
                                ''.join(f'%{x:02x}' for x in c.encode())
                                for c in str(word) for b in [c.encode()[0]]) or '-' for word in words)
        self.drive.stdin.write(line + '\n')
        self.drive.stdin.flush()
        answer = self.drive.stdout.readline().rstrip('\n')
        assert answer, f'the driver died on: {line}\n' + self.stderr()
        return answer

    def ok(self, *words):
        answer = self.say(*words)
        assert answer.startswith('ok'), f'{words}: {answer}\n' + self.stderr()
        return answer[3:]

    def refused(self, *words):
        answer = self.say(*words)
        assert answer.startswith('error '), f'{words}: {answer}'
        return answer[6:]

    def stderr(self):
        return (self.folder / 'stderr').read_text()

    def spawn(self, *options):
        self.ok('spawn', RUNNERD, '--state', self.state, '--run', self.run, *options)
        return self

    def ready(self):
        words = self.ok('hello').split(' ', 5)
        assert words[0] == '1', f'containers cannot be run here, so this scenario fails: {words[5]}'
        return words

    def unpack(self, tar, compress=False):
        self.blobs += 1
        path = self.folder / f'blob{self.blobs}'
        path.write_bytes(gzip.compress(tar, 1) if compress else tar)
        return self.say('unpack', diff_id(tar), path)

    def layer(self, tar, compress=False):
        answer = self.unpack(tar, compress)
        assert answer == 'ok', answer + self.stderr()
        return diff_id(tar)

    def plan(self, *containers, group=None, restart=NEVER, grace=1000, backoff=200, cap=1000, hostname='', ports=()):
        group = group or str(uuid.uuid4())
        self.ok('plan', group, restart, grace, backoff, cap, hostname)
        for port in ports:
            self.ok('port', *port)
        for c in containers:
            self.ok('container', c.get('name', 'main'), c.get('user', ''), c.get('cpu', 0), c.get('memory', 0),
                    int(c.get('readonly', False)), c.get('cwd', ''))
            for layer in c['layers']:
                self.ok('layer', layer)
            for arg in c['args']:
                self.ok('arg', arg)
            for env in c.get('env', []):
                self.ok('env', env)
        return group

    def start(self, *containers, **more):
        group = self.plan(*containers, **more)
        self.ok('start')
        return group

    def find_state(self, group):
        answer = self.say('state', group)
        return None if answer == 'none' else json.loads(answer[3:])

    def await_state(self, group, until, seconds=20):
        end = time.time() + seconds
        while True:
            state = self.find_state(group)
            if state is not None and until(state):
                return state
            assert time.time() < end, f'{state}\n{self.supervisor_log(group)}\n{self.stderr()}'
            time.sleep(0.02)

    def supervisor_log(self, group):
        path = self.state / 'groups' / group / 'supervisor.log'
        return path.read_text() if path.exists() else ''

    def ended(self, group, seconds=20):
        return self.await_state(group, lambda s: all(c['current']['phase'] == TERMINATED for c in s['containers']),
                                seconds)['containers']

    def records(self, group, container='main', previous=False):
        path = self.folder / 'log'
        answer = self.say('log', group, container, int(previous), path)
        if answer == 'none':
            return []
        assert answer == 'ok', answer
        return [line.split(' ', 3) for line in path.read_text(errors='surrogateescape').split('\n') if line]

    def log(self, group, container='main', previous=False):
        return ''.join(r[3] + ('\n' if r[2] == 'F' else '') for r in self.records(group, container, previous))

    def shell(self, layers, script, wait=True, **more):
        """Run one container to its end: (exit code, log)."""
        names = {'user', 'memory', 'cpu', 'readonly', 'cwd', 'env'}
        container = {k: more.pop(k) for k in list(more) if k in names}
        group = self.start(dict(container, layers=layers, args=['/bin/sh', '-c', script]), **more)
        code = self.ended(group)[0]['current']['exit']
        return code, self.log(group)

    def clean_up(self):
        """Whatever a failed test left: a fresh runnerd removes every group and ends by itself."""
        if self.drive.poll() is None and not self.drive.stdin.closed:
            self.say('kill')
            self.spawn()
            self.say('keep')
            self.close()

    def close(self):
        if self.drive.poll() is None:
            self.drive.stdin.close()
            self.drive.wait(timeout=60)


@pytest.fixture(scope='session', autouse=True)
def requirements():
    assert os.geteuid() == 0, 'the runner scenarios need root: containers cannot be run without'
    assert BUSYBOX.exists(), 'the runner scenarios need busybox-static'
    assert DRIVE.exists() and RUNNERD.exists(), f'build first: {DRIVE}'


@contextlib.contextmanager
def new_runner():
    folder = tempfile.mkdtemp(prefix='hf-runner-')
    runner = Runner(folder)
    try:
        yield runner
    finally:
        runner.clean_up()
        deadline = time.time() + 5
        while time.time() < deadline:  # runnerd ends when its channel does, and takes its bridge with it
            try:
                shutil.rmtree(folder)
                break
            except OSError:
                time.sleep(0.1)


@pytest.fixture(scope='module')
def runner():
    with new_runner() as r:
        r.spawn()
        r.ready()
        yield r


@pytest.fixture(scope='module')
def busybox(runner):
    return runner.layer(pack(busybox_entries()), compress=True)


@pytest.fixture
def own_runner():
    with new_runner() as r:
        yield r
