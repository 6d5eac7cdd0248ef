"""What every scenario needs: a real daemon on free ports, its credentials, and images to push.

A scenario asks for `holdfast` (one daemon for the whole file) or `new_holdfast` (a factory for tests that kill, restart
or spoil their daemon).  Nothing here knows a room: it speaks to the daemon from outside.
"""
import base64
import gzip
import hashlib
import http.client
import io
import json
import os
import pathlib
import queue
import shutil
import signal
import socket
import ssl
import subprocess
import tarfile
import tempfile
import threading
import time
import urllib.parse
import uuid

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get('HOLDFAST_BUILD', ROOT / 'build')).resolve()
READY_SECONDS = 60

OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
OCI_INDEX = 'application/vnd.oci.image.index.v1+json'
OCI_CONFIG = 'application/vnd.oci.image.config.v1+json'
OCI_LAYER = 'application/vnd.oci.image.layer.v1.tar'
DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json'
DOCKER_LIST = 'application/vnd.docker.distribution.manifest.list.v2+json'

ROLE_DEFINITIONS = {
    'Owner': '8e3af657-a8ff-443c-a75c-2fe8c4bcb635',
    'Contributor': 'b24988ac-6180-42a0-ab88-20f7382dd24c',
    'Reader': 'acdd72a7-3385-48ef-bd42-f606fba81ae7',
    'AcrPull': '7f951dda-4ed3-4680-a7ca-43fe172d538d',
    'AcrPush': '8311e382-0749-4cb8-b61a-304f252e45ec',
}


def run(command, check=True, timeout=120, **kwargs):
    """Run a client; a failure shows everything it said."""
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          universal_newlines=True, timeout=timeout, **kwargs)
    if check and done.returncode != 0:
        raise AssertionError(f'{command[0]} {command[1]} exit {done.returncode}\n{done.stdout}\n{done.stderr}')
    return done


def digest_of(data, algorithm='sha256'):
    return f'{algorithm}:{hashlib.new(algorithm, data).hexdigest()}'


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        """The first error's code, once the envelope has been checked."""
        errors = self.json()['errors']
        assert errors[0]['message'] and errors[0]['detail'] is not None, errors
        return errors[0]['code']

    def __repr__(self):
        return f'<{self.status} {dict(self.headers)} {self.body[:300]!r}>'


class Holdfast:
    """One daemon on a data folder of its own; survives its own kill() and comes back on the same ports."""

    def __init__(self, *options):
        # Started by root the daemon becomes someone else, who must reach its data: pytest's own folders are closed.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='holdfast-'))
        self.folder.chmod(0o711)
        self.data = self.folder / 'data'
        self.options = list(options)
        self.process = None
        self.port = self.http_port = 0
        self.log_path = self.folder / 'holdfastd.log'

    # -- life --

    def start(self, *options, wait=True):
        binary = BUILD / 'src' / 'daemon' / 'holdfastd'
        command = [binary, '--data', self.data, '--runner-state', self.folder / 'runner', '--runner-run',
                   self.folder / 'run', '--listen', f'127.0.0.1:{self.port}', '--http', f'127.0.0.1:{self.http_port}', *self.options, *options]
        log = open(self.log_path, 'ab')
        self.process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, stderr=log,
                                        stdin=subprocess.DEVNULL, start_new_session=True)
        log.close()
        self.lines = queue.Queue()
        threading.Thread(target=self._listen, args=(self.process.stdout, self.lines), daemon=True).start()
        if wait:
            self.wait_ready()
        return self

    @staticmethod
    def _listen(pipe, lines):
        for line in pipe:
            lines.put(line.decode().strip())
        lines.put(None)

    def wait_ready(self):
        ends = time.monotonic() + READY_SECONDS
        wanted = {'https': None, 'http': None}
        while None in wanted.values():
            try:
                line = self.lines.get(timeout=max(0.1, ends - time.monotonic()))
            except queue.Empty:
                line = None
            if line is None:
                raise AssertionError(f'holdfastd is not ready: {wanted}\n{self.log()[-4000:]}')
            word, _, url = line.partition(' ')
            if word == 'ready':
                wanted[url.split(':')[0]] = int(url.rsplit(':', 1)[1])
        self.port, self.http_port = wanted['https'], wanted['http']

    def stop(self):
        """As an operator would; exit status 0 is part of the promise."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            assert self.process.wait(timeout=30) == 0, self.log()[-4000:]
        self.process = None

    def kill(self):
        """kill -9 of holdfastd alone: what belongs to it must notice by itself."""
        if self.process:
            self.process.kill()
            self.process.wait()
        self.process = None

    def wait_killed(self, seconds=30):
        """For --crash-at: it ends itself."""
        status = self.process.wait(timeout=seconds)
        assert status == -signal.SIGKILL, (status, self.log()[-2000:])
        self.process = None

    def restart(self, *options):
        self.stop()
        return self.start(*options)

    def cleanup(self):
        try:
            self.stop()
        finally:
            self.kill()
            shutil.rmtree(self.folder, ignore_errors=True)

    def log(self):
        return self.log_path.read_text(errors='replace') if self.log_path.exists() else ''

    # -- where and who --

    @property
    def host(self):
        return f'localhost:{self.port}'

    @property
    def url(self):
        return f'https://localhost:{self.port}'

    @property
    def http_url(self):
        return f'http://localhost:{self.http_port}'

    @property
    def ca(self):
        return self.data / 'tls' / 'ca.pem'

    @property
    def admin(self):
        return json.loads((self.data / 'bootstrap' / 'admin.json').read_text())

    @property
    def user(self):
        return self.admin['username'], self.admin['password']

    @property
    def principal(self):
        """The bootstrap service principal, as user name and password."""
        return self.admin['clientId'], self.admin['clientSecret']

    @property
    def certs(self):
        """A --cert-dir for skopeo, podman and buildah."""
        folder = self.folder / 'certs'
        folder.mkdir(exist_ok=True)
        shutil.copy(self.ca, folder / 'ca.crt')
        return folder

    @property
    def registry_id(self):
        return (f'/subscriptions/{self.admin["subscriptionId"]}/resourceGroups/default/providers/'
                'Microsoft.ContainerRegistry/registries/holdfast')

    # -- requests --

    def request(self, method, path, body=None, headers=None, auth=None, token=None, plain=False, chunked=False):
        """One request on a connection of its own.  ${auth}: (user, password); ${token}: a bearer token."""
        headers = dict(headers or {})
        if auth:
            headers['Authorization'] = 'Basic ' + base64.b64encode(':'.join(auth).encode()).decode()
        if token:
            headers['Authorization'] = f'Bearer {token}'
        if plain:
            connection = http.client.HTTPConnection('localhost', self.http_port, timeout=60)
        else:
            connection = http.client.HTTPSConnection('localhost', self.port, timeout=60,
                                                     context=ssl.create_default_context(cafile=str(self.ca)))
        try:
            connection.request(method, path, body=body, headers=headers, encode_chunked=chunked)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def token(self, *scopes, auth=None):
        """A registry token, as docker gets it."""
        query = urllib.parse.urlencode([('service', self.host)] + [('scope', scope) for scope in scopes])
        answer = self.request('GET', f'/oauth2/token?{query}', auth=auth or self.user)
        assert answer.status == 200, answer
        return answer.json()['access_token']

    # -- access, through ARM --

    def arm(self, method, path, document=None, expect=None):
        headers = {'Content-Type': 'application/json'}
        separator = '&' if '?' in path else '?'
        answer = self.request(method, f'{path}{separator}api-version=2022-04-01',
                              body=json.dumps(document) if document is not None else None, headers=headers,
                              auth=self.user)
        assert expect is None or answer.status in expect, answer
        return answer

    def assignments(self):
        path = f'/subscriptions/{self.admin["subscriptionId"]}/providers/Microsoft.Authorization/roleAssignments'
        return self.arm('GET', path, expect=[200]).json()['value']

    def grant(self, principal_id, role, scope, kind='ServicePrincipal'):
        name = str(uuid.uuid4())
        definition = (f'/subscriptions/{self.admin["subscriptionId"]}/providers/Microsoft.Authorization/'
                      f'roleDefinitions/{ROLE_DEFINITIONS[role]}')
        path = f'{scope}/providers/Microsoft.Authorization/roleAssignments/{name}'
        self.arm('PUT', path, {'properties': {'roleDefinitionId': definition, 'principalId': principal_id,
                                              'principalType': kind}}, expect=[200, 201])
        return path

    def demote_principal(self, *grants):
        """Take everything from the bootstrap service principal; give it (role, repository or None) instead."""
        mine = [a for a in self.assignments() if a['properties']['principalType'] == 'ServicePrincipal']
        for assignment in mine:
            self.arm('DELETE', assignment['id'], expect=[200, 204])
        principal_id = mine[0]['properties']['principalId']
        for role, repository in grants:
            scope = self.registry_id + (f'/repositories/{repository}' if repository else '')
            self.grant(principal_id, role, scope)
        return principal_id

    # -- our own client --

    def cli(self, *words, check=True, **kwargs):
        """holdfast VERB ... with a home of its own; returns the finished process."""
        home = self.folder / 'home'
        home.mkdir(exist_ok=True)
        environment = dict(os.environ, HOME=str(home), XDG_CONFIG_HOME=str(home / '.config'),
                           SSL_CERT_FILE=str(self.ca))
        return run([BUILD / 'src' / 'cli' / 'holdfast', *words], check=check, env=environment, **kwargs)

    # -- the registry, in few words --

    def push_blob(self, repository, data, digest=None, **who):
        who = who or {'auth': self.user}
        digest = digest or digest_of(data)
        return self.request('POST', f'/v2/{repository}/blobs/uploads/?digest={digest}', body=data,
                            headers={'Content-Type': 'application/octet-stream'}, **who)

    def push_manifest(self, repository, reference, document, media_type=OCI_MANIFEST, **who):
        who = who or {'auth': self.user}
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        return self.request('PUT', f'/v2/{repository}/manifests/{reference}', body=body,
                            headers={'Content-Type': media_type}, **who)


def descriptor(data, media_type, **more):
    return {'mediaType': media_type, 'digest': digest_of(data), 'size': len(data), **more}


def layer_of(files):
    """A layer: {path: bytes, or (bytes, mode), or None for a folder}; the same bytes every time."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode='w') as tar:
        for path, content in files.items():
            entry = tarfile.TarInfo(path)
            if content is None:
                entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(entry)
                continue
            data, entry.mode = content if isinstance(content, tuple) else (content, 0o644)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def busybox_files():
    """A root with a static busybox and a few of its names."""
    binary = pathlib.Path('/bin/busybox').read_bytes()
    files = {'bin': None, 'etc': None, 'tmp': None, 'dev': None, 'proc': None, 'sys': None, 'www': None,
             'bin/busybox': (binary, 0o755), 'etc/passwd': b'root:x:0:0:root:/:/bin/sh\n'}
    for name in ('sh', 'echo', 'cat', 'sleep', 'httpd', 'ls', 'id', 'wget', 'env', 'true', 'false', 'nc', 'date'):
        files[f'bin/{name}'] = (b'#!/bin/busybox sh\nexec /bin/busybox ' + name.encode() + b' "$@"\n', 0o755)
    return files


class Layout:
    """An OCI image layout on disk, made by hand: no network, no tool, the same digests every time."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        (self.folder / 'blobs' / 'sha256').mkdir(parents=True, exist_ok=True)
        (self.folder / 'oci-layout').write_text('{"imageLayoutVersion":"1.0.0"}')
        self.manifests = []

    def blob(self, data):
        (self.folder / 'blobs' / 'sha256' / digest_of(data)[7:]).write_bytes(data)
        return data

    def image(self, tag, layers, cmd=('/bin/sh',), env=('PATH=/bin',), compress=False):
        """Add an image; ${layers} are dicts for layer_of().  Returns (skopeo's name for it, its manifest's bytes)."""
        tars = [layer_of(files) for files in layers]
        packed = [gzip.compress(tar, mtime=0) if compress else tar for tar in tars]
        config = json.dumps({
            'architecture': 'amd64', 'os': 'linux', 'created': '2020-01-01T00:00:00Z',
            'config': {'Cmd': list(cmd), 'Env': list(env)},
            'rootfs': {'type': 'layers', 'diff_ids': [digest_of(tar) for tar in tars]},
            'history': [{'created': '2020-01-01T00:00:00Z', 'created_by': 'test'} for _ in tars],
        }).encode()
        media_type = OCI_LAYER + ('+gzip' if compress else '')
        manifest = json.dumps({
            'schemaVersion': 2, 'mediaType': OCI_MANIFEST,
            'config': descriptor(self.blob(config), OCI_CONFIG),
            'layers': [descriptor(self.blob(data), media_type) for data in packed],
        }).encode()
        self.manifests.append({**descriptor(self.blob(manifest), OCI_MANIFEST),
                               'annotations': {'org.opencontainers.image.ref.name': tag}})
        (self.folder / 'index.json').write_text(json.dumps({'schemaVersion': 2, 'manifests': self.manifests}))
        return f'oci:{self.folder}:{tag}', manifest


@pytest.fixture(scope='module')
def holdfast():
    """One daemon for the file's tests: push to repositories of your own name."""
    daemon = Holdfast()
    try:
        yield daemon.start()
    finally:
        daemon.cleanup()


@pytest.fixture
def new_holdfast():
    """new_holdfast(*options): a daemon of this test's own, not started yet."""
    made = []

    def make(*options):
        made.append(Holdfast(*options))
        return made[-1]

    yield make
    for daemon in made:
        daemon.cleanup()


@pytest.fixture(scope='session')
def layout(tmp_path_factory):
    """An OCI layout with "busybox": two layers, one of them busybox itself."""
    made = Layout(tmp_path_factory.mktemp('layout'))
    made.busybox, made.busybox_manifest = made.image(
        'busybox', [busybox_files(), {'www/index.html': b'hello from holdfast\n'}], compress=True)
    return made


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home for clients that keep credentials and storage: podman, buildah, docker, skopeo."""
    for name in ('home', 'run', 'storage'):
        (tmp_path / name).mkdir()
    monkeypatch.setenv('HOME', str(tmp_path / 'home'))
    monkeypatch.setenv('XDG_RUNTIME_DIR', str(tmp_path / 'run'))
    monkeypatch.setenv('REGISTRY_AUTH_FILE', str(tmp_path / 'home' / 'auth.json'))
    return tmp_path
