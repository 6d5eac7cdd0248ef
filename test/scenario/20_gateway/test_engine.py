"""The HTTP engine over real sockets (src/gateway/gateway.h, G1 to G7): engine-server has a pipeline of a few lines."""
import concurrent.futures
import contextlib
import hashlib
import json
import os
import pathlib
import resource
import signal
import socket
import ssl
import subprocess
import threading
import time
import warnings

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
BUILD = pathlib.Path(os.environ.get('HOLDFAST_BUILD', ROOT / 'build')).resolve()
SERVER = BUILD / 'test' / 'unit' / 'gateway' / 'engine-server'


class Engine:
    def __init__(self, folder, *options, tls=False, **limits):
        words = [str(SERVER), *options, *(f'{name}={value}' for name, value in limits.items())]
        if tls:
            make_certificate(folder, 'first')
            words += [f'cert={folder}/cert.pem', f'key={folder}/key.pem']
        self.log = open(folder / 'log', 'w+')
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=self.log, universal_newlines=True)
        ports = {}
        for _ in range(2 if tls else 1):
            scheme, _, port = self.process.stdout.readline().strip().rpartition(':')
            ports[scheme.split('://')[0].split()[-1]] = int(port)
        self.port, self.tls_port = ports['http'], ports.get('https')

    def connect(self, timeout=10):
        s = socket.create_connection(('127.0.0.1', self.port), timeout=timeout)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return s

    def connect_tls(self, context=None, session=None):
        context = context or insecure()
        s = socket.create_connection(('127.0.0.1', self.tls_port), timeout=10)
        return context.wrap_socket(s, server_hostname='localhost', session=session)

    def get(self, path, s=None):
        with s or self.connect() as s:
            s.sendall(f'GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'.encode())
            return parse(read_all(s))

    def metrics(self):
        return json.loads(self.get('/metrics')[2])

    def rss_kb(self):
        for line in open(f'/proc/{self.process.pid}/status'):
            if line.startswith('VmRSS'):
                return int(line.split()[1])

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        self.log.seek(0)
        log = self.log.read()
        assert 'Sanitizer' not in log and 'runtime error' not in log, log
        return code


def insecure():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def make_certificate(folder, name):
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
                    '-keyout', f'{folder}/key.pem', '-out', f'{folder}/cert.pem', '-days', '2', '-subj', f'/CN={name}'],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.fixture
def engine(tmp_path):
    started = []

    def start(*options, **limits):
        started.append(Engine(tmp_path, *options, **limits))
        return started[-1]

    yield start
    for e in started:
        assert e.stop() == 0


def read_all(s):
    """Everything until the server closes; a reset is told apart."""
    data = b''
    while True:
        piece = s.recv(65536)
        if not piece:
            return data
        data += piece


def read_answer(f):
    """One answer from a file made of a socket."""
    status = int(f.readline().split()[1])
    fields = {}
    while (line := f.readline()) != b'\r\n':
        name, _, value = line.decode().partition(':')
        fields[name.lower()] = value.strip()
    return status, fields, f.read(int(fields.get('content-length', 0)))


def parse(data):
    head, _, body = data.partition(b'\r\n\r\n')
    lines = head.decode().split('\r\n')
    fields = {name.lower(): value.strip() for name, _, value in (line.partition(':') for line in lines[1:])}
    return int(lines[0].split()[1]), fields, body


POST = b'POST /digest/100 HTTP/1.1\r\nHost: a\r\n'
CHUNKED = POST + b'Transfer-Encoding: chunked\r\n\r\n'
MALFORMED = {
    'length-and-encoding': (POST + b'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400),
    'encoding-xchunked': (POST + b'Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n', 501),
    'encoding-chunked-identity': (POST + b'Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n', 501),
    'two-lengths': (POST + b'Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello', 400),
    'length-plus': (POST + b'Content-Length: +5\r\n\r\nhello', 400),
    'length-list': (POST + b'Content-Length: 5, 5\r\n\r\nhello', 400),
    'length-overflow': (POST + b'Content-Length: 18446744073709551621\r\n\r\nhello', 413),
    'chunk-size-overflow': (CHUNKED + b'10000000000000005\r\nhello\r\n0\r\n\r\n', 400),
    'chunk-size-0x': (CHUNKED + b'0x5\r\nhello\r\n0\r\n\r\n', 400),
    'head-bare-lf': (b'GET /quick HTTP/1.1\nHost: a\n\n', 400),
    'chunk-bare-lf': (CHUNKED + b'5\nhello\n0\n\n', 400),
    'space-before-colon': (POST + b'Content-Length : 5\r\n\r\nhello', 400),
    'obs-fold': (b'GET /quick HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n', 400),
    'nul-in-value': (b'GET /quick HTTP/1.1\r\nHost: a\r\nX: b\0c\r\n\r\n', 400),
    'bare-cr-in-value': (b'GET /quick HTTP/1.1\r\nHost: a\r\nX: b\rc\r\n\r\n', 400),
    'no-host': (b'GET /quick HTTP/1.1\r\n\r\n', 400),
    'two-hosts': (b'GET /quick HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n', 400),
    'chunked-in-1.0': (b'POST /digest/100 HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400),
    'header-of-100-kb': (b'GET /quick HTTP/1.1\r\nHost: a\r\nX: ' + b'y' * 102400 + b'\r\n\r\n', 431),
    'nul-in-target': (b'GET /qu\0ick HTTP/1.1\r\nHost: a\r\n\r\n', 400),
}


@pytest.fixture(scope='module')
def shared(tmp_path_factory):
    e = Engine(tmp_path_factory.mktemp('engine'))
    yield e
    assert e.stop() == 0


@pytest.mark.parametrize('name', MALFORMED)
def test_g1_malformed_is_answered_and_closed(shared, name):
    data, status = MALFORMED[name]
    counted = shared.metrics()
    with shared.connect() as s:
        s.sendall(data)
        got, fields, body = parse(read_all(s))  # ends only when the server closes
    assert (got, fields['connection']) == (status, 'close')
    assert int(fields['content-length']) == len(body) > 0
    if not name.startswith('chunk-'):  # those have a good head; their body is told to the handler
        assert shared.metrics()['malformed'] == counted['malformed'] + 1
        assert shared.metrics()['ok'] == counted['ok'] + 2  # the metrics themselves


def test_what_is_well_formed_is_served(shared):
    with shared.connect() as s:
        s.sendall(POST + b'Content-Length: 5\r\n\r\nhello' + CHUNKED + b'5;x=y\r\nhello\r\n0\r\nT: u\r\n\r\n'
                  b'GET http://a/quick HTTP/1.1\r\nHost: b\r\n\r\n')
        f = s.makefile('rb')
        want = f'5 {hashlib.sha256(b"hello").hexdigest()}\n'.encode()
        assert [read_answer(f)[::2] for _ in range(2)] == [(201, want)] * 2
        assert read_answer(f)[0] == 200


def test_tls_on_a_plain_port_is_refused_at_once(shared):
    with shared.connect() as s:
        s.sendall(bytes.fromhex('160301020001000001fc0303') + bytes(200))
        assert parse(read_all(s))[0] == 400


def test_pipelined_requests_are_answered_in_order(shared):
    with shared.connect() as s:
        s.sendall(b''.join(b'GET /%s HTTP/1.1\r\nHost: a\r\n\r\n' % path
                           for path in [b'bytes/1', b'blocked', b'bytes/3', b'wait/10', b'bytes/5'] * 20))
        f = s.makefile('rb')
        assert [len(read_answer(f)[2]) for _ in range(100)] == [1, 1024, 3, 7, 5] * 20


@pytest.mark.parametrize('step', [100, 1000000])
def test_g4_requests_behind_a_chunked_body_keep_their_order(shared, step):
    """The handler takes small steps: what it was given beyond the body comes before what it was not."""
    with shared.connect() as s:
        s.sendall(b'PUT /digest/%d HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n' % step
                  + b''.join(b'GET /bytes/%d HTTP/1.1\r\nHost: a\r\n\r\n' % n for n in range(1, 21)))
        f = s.makefile('rb')
        assert read_answer(f)[2].startswith(b'5 ' + hashlib.sha256(b'hello').hexdigest().encode())
        assert [len(read_answer(f)[2]) for _ in range(20)] == list(range(1, 21))


def test_g3_an_endless_pipeline_has_no_loop_to_itself(engine):
    e = engine(loops=1)
    with e.connect() as s:
        s.settimeout(0.2)
        ended = threading.Event()
        data = b'GET /bytes/1 HTTP/1.1\r\nHost: a\r\n\r\n' * 2000

        def flood():
            sender = threading.Thread(target=lambda: send_until(s, data, ended))
            sender.start()
            while not ended.is_set():
                with contextlib.suppress(OSError):
                    s.recv(1 << 20)
            sender.join()

        flooding = threading.Thread(target=flood)
        flooding.start()
        try:
            time.sleep(0.1)
            slowest = 0
            for _ in range(20):
                started = time.monotonic()
                assert e.get('/quick')[0] == 200
                slowest = max(slowest, time.monotonic() - started)
        finally:
            ended.set()
            flooding.join()
        assert slowest < 0.5


def send_until(s, data, ended):
    with contextlib.suppress(OSError):
        while not ended.is_set():
            s.sendall(data)


def test_a_head_in_single_bytes_is_served(shared):
    with shared.connect() as s:
        for byte in b'GET /bytes/3 HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n':
            s.sendall(bytes([byte]))
        assert read_answer(s.makefile('rb'))[2] == b'bbb'


def test_half_closed_clients_get_their_answer(shared):
    for path in ('quick', 'blocked'):
        with shared.connect() as s:
            s.sendall(f'GET /{path} HTTP/1.1\r\nHost: a\r\n\r\n'.encode())
            s.shutdown(socket.SHUT_WR)
            assert len(parse(read_all(s))[2]) == 1024


def test_connections_are_kept_as_the_client_asks(shared):
    for version, field, want in [('1.1', '', None), ('1.1', 'Connection: close\r\n', 'close'), ('1.0', '', 'close'),
                                 ('1.0', 'Connection: keep-alive\r\n', 'keep-alive')]:
        with shared.connect() as s:
            f = s.makefile('rb')
            for again in range(2):
                s.sendall(f'GET /quick HTTP/{version}\r\nHost: a\r\n{field}\r\n'.encode())
                assert read_answer(f)[1].get('connection') == want
                if want == 'close':
                    assert f.read() == b''
                    break


def test_g5_heads_say_what_is_sent(shared):
    with shared.connect() as s:
        f = s.makefile('rb')
        s.sendall(b'HEAD /quick HTTP/1.1\r\nHost: a\r\n\r\n')
        assert f.readline().startswith(b'HTTP/1.1 200')
        assert b'Content-Length: 1024\r\n' in list(iter(f.readline, b'\r\n'))
        s.sendall(b'POST /sink/ HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi')
        status, fields, _ = read_answer(f)
        assert status == 204 and 'content-length' not in fields
        s.sendall(b'GET /unclean HTTP/1.1\r\nHost: a\r\n\r\n')
        status, fields, _ = read_answer(f)
        assert status == 500 and 'x-injected' not in fields
        s.sendall(b'GET /quick HTTP/1.1\r\nHost: a\r\n\r\n')  # and goes on
        assert read_answer(f)[0] == 200


def test_expectations_are_met_when_the_body_is_read(shared):
    with shared.connect() as s:
        f = s.makefile('rb')
        s.sendall(POST + b'Content-Length: 5\r\nExpect: 100-continue\r\n\r\n')
        assert f.readline() == b'HTTP/1.1 100 Continue\r\n' and f.readline() == b'\r\n'
        s.sendall(b'hello')
        assert read_answer(f)[0] == 201
        s.sendall(b'POST /nothing HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n')
        assert read_answer(f)[0] == 404
        assert f.read() == b''


@pytest.mark.parametrize('framing', ['length', 'chunked'])
def test_large_bodies_arrive_whole(shared, framing):
    body = os.urandom(3000000)
    with shared.connect() as s:
        f = s.makefile('rb')
        for step in (1000, 65536, 1000000):
            if framing == 'length':
                s.sendall(f'PUT /digest/{step} HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n'.encode())
                s.sendall(body)
            else:
                s.sendall(f'PUT /digest/{step} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n'.encode())
                at, size = 0, 1
                while at < len(body):
                    piece = body[at:at + size]
                    s.sendall(b'%x\r\n%s\r\n' % (len(piece), piece))
                    at, size = at + size, min(size * 3, 300000)
                s.sendall(b'0\r\n\r\n')
            status, _, answer = read_answer(f)
            assert (status, answer.decode()) == (201, f'{len(body)} {hashlib.sha256(body).hexdigest()}\n')


def test_g6_an_early_answer_reaches_a_client_that_still_sends(shared):
    for path in ('nothing', 'else'):  # refused on a loop, and by a worker
        with shared.connect() as s:
            s.sendall(f'PUT /{path} HTTP/1.1\r\nHost: a\r\nContent-Length: 8000000\r\n\r\n'.encode())
            s.sendall(bytes(8000000))  # would fail with a reset
            status, fields, _ = parse(read_all(s))
            assert (status, fields['connection']) == (404, 'close')


def test_g4_what_follows_an_unread_body_is_no_request(shared):
    with shared.connect() as s:
        s.sendall(b'PUT /nothing HTTP/1.1\r\nHost: a\r\nContent-Length: 70000\r\n\r\n'
                  + b'GET /quick HTTP/1.1\r\nHost: a\r\n\r\n' * 10)
        assert read_all(s).count(b'HTTP/1.1 ') == 1


def test_a_body_cut_short_is_an_error_for_the_handler(shared):
    with shared.connect() as s:
        s.sendall(POST + b'Content-Length: 100000\r\n\r\nhello')
        s.shutdown(socket.SHUT_WR)
        assert parse(read_all(s))[0] == 400


@pytest.mark.parametrize('size', [0, 1, 100000, 300000, 9000000])
def test_files_arrive_whole(engine, tmp_path, size):
    data = os.urandom(size)
    (tmp_path / 'file').write_bytes(data)
    e = engine(f'file={tmp_path}/file', tls=True)
    for s in (e.connect(), e.connect_tls()):
        with s:
            f = s.makefile('rb')
            for _ in range(3):
                s.sendall(b'GET /file HTTP/1.1\r\nHost: a\r\n\r\n')
                status, _, got = read_answer(f)
                assert status == 200 and got == data


def test_g2_slow_small_bodies_hold_no_worker(engine):
    e = engine()
    slow = []
    for _ in range(20):
        s = e.connect()
        s.sendall(POST + b'Content-Length: 1000\r\n\r\nhello')
        slow.append(s)
    time.sleep(0.1)
    assert e.metrics()['busy'] == 0
    for s in slow:
        s.sendall(bytes(995))
        assert read_answer(s.makefile('rb'))[0] == 201
        s.close()


def test_g2_back_pressure_is_tcps(engine):
    e = engine()
    before = e.rss_kb()
    sent = 0
    with e.connect() as s:
        s.sendall(b'PUT /sink/50 HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n')
        s.settimeout(0.5)
        end = time.monotonic() + 1
        while time.monotonic() < end:
            sent += s.send(bytes(1000000))
        # It takes at most 1 MiB each 50 ms, and the sockets hold some.
        assert sent < 60000000
        assert e.rss_kb() - before < 8000


def test_g3_a_head_that_never_ends_is_cut(engine):
    e = engine(head_ms=300, linger_ms=100)
    started = time.monotonic()
    with e.connect() as s:
        s.sendall(b'GET /quick HTTP/1.1\r\n')
        try:
            for n in range(100):
                s.sendall(b'X-%d: y\r\n' % n)
                assert e.get('/quick')[0] == 200  # others are served
                time.sleep(0.02)
        except OSError:
            pass
        else:
            pytest.fail('it was still listened to')
        assert 0.28 < time.monotonic() - started < 1.5
    with e.connect() as s:
        s.sendall(b'GET /quick HTTP/1.1\r\nHost:')
        assert parse(read_all(s))[0] == 408
    assert e.metrics()['timeouts'] == 2


def test_g3_an_idle_connection_ends(engine):
    e = engine(idle_ms=200)
    with e.connect() as s:
        s.sendall(b'GET /quick HTTP/1.1\r\nHost: a\r\n\r\n')
        read_answer(s.makefile('rb'))
        started = time.monotonic()
        assert s.recv(1) == b''
        assert 0.15 < time.monotonic() - started < 1.2


@pytest.mark.parametrize('length', [1000, 1000000])
def test_g3_a_body_slower_than_the_minimum_is_refused(engine, length):
    e = engine(rate_grace_ms=300, min_rate=1000000)
    with e.connect() as s:
        s.sendall(POST + b'Content-Length: %d\r\n\r\n' % length)
        started = time.monotonic()
        threading.Thread(target=trickle, args=(s,), daemon=True).start()
        assert read_answer(s.makefile('rb'))[0] == 408
        assert 0.25 < time.monotonic() - started < 2


def trickle(s):
    try:
        for _ in range(200):
            s.sendall(b'x')
            time.sleep(0.02)
    except OSError:
        pass


def test_g3_a_reader_slower_than_the_minimum_is_cut(engine):
    e = engine(rate_grace_ms=300, min_rate=100000000)
    with e.connect() as s:
        s.sendall(b'GET /bytes/8000000 HTTP/1.1\r\nHost: a\r\n\r\n')
        time.sleep(1)
        with pytest.raises(ConnectionResetError):
            assert len(read_all(s)) < 8000000
            raise ConnectionResetError  # cut without a reset is as good
    assert e.metrics()['open'] == 1


def test_g3_one_address_has_so_many_connections(engine):
    e = engine(per_address=5)
    held = [e.connect() for _ in range(5)]
    for s in held:
        s.sendall(b'GET /quick HTTP/1.1\r\nHost: a\r\n\r\n')
        assert read_answer(s.makefile('rb'))[0] == 200
    with e.connect() as s, pytest.raises(ConnectionResetError):
        assert s.recv(1) == b''
        raise ConnectionResetError
    with socket.create_connection(('127.0.0.1', e.port), source_address=('127.0.0.9', 0)) as s:
        s.sendall(b'GET /address HTTP/1.1\r\nHost: a\r\n\r\n')
        assert read_answer(s.makefile('rb'))[2] == b'127.0.0.9'  # another is served
    held.pop().close()
    time.sleep(0.05)
    assert e.metrics()['refused'] == 1
    for s in held:
        s.close()


def test_g3_one_address_has_half_of_the_workers(engine):
    e = engine(workers=8)
    most = 0
    with concurrent.futures.ThreadPoolExecutor(16) as clients:
        waits = [clients.submit(e.get, '/wait/60') for _ in range(16)]
        while not all(w.done() for w in waits):
            most = max(most, e.metrics()['running'])
    assert all(w.result()[0] == 200 for w in waits)
    assert most == 4


def test_g3_without_descriptors_it_lives_on(engine):
    e = engine(workers=4)
    resource.prlimit(e.process.pid, resource.RLIMIT_NOFILE, (40, 40))
    held = []
    for _ in range(60):
        held.append(e.connect())
    time.sleep(0.2)
    for s in held:
        s.close()
    time.sleep(0.1)
    assert e.metrics()['refused'] > 10


def test_g7_stopping_lets_requests_finish(engine):
    e = engine()
    idle = e.connect()
    idle.sendall(b'GET /quick HTTP/1.1\r\nHost: a\r\n\r\n')
    read_answer(idle.makefile('rb'))
    with e.connect() as s:
        s.sendall(b'GET /wait/500 HTTP/1.1\r\nHost: a\r\n\r\n')
        time.sleep(0.1)
        e.process.send_signal(signal.SIGTERM)
        assert idle.recv(1) == b''
        time.sleep(0.1)  # each loop closes its listeners
        with pytest.raises(ConnectionRefusedError):
            e.connect()
        status, fields, _ = parse(read_all(s))
        assert (status, fields['connection']) == (200, 'close')
    assert e.stop() == 0


def test_g7_stopping_has_a_deadline(engine):
    e = engine(stop_ms=300)
    with e.connect() as upload, e.connect() as download:
        upload.sendall(b'PUT /sink/ HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n')
        download.sendall(b'GET /bytes/8000000 HTTP/1.1\r\nHost: a\r\n\r\n')
        time.sleep(0.1)
        started = time.monotonic()
        assert e.stop() == 0
        assert 0.25 < time.monotonic() - started < 2


def test_tls_has_the_versions_and_protocol_we_speak(engine):
    e = engine(tls=True)
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = insecure()
        context.minimum_version = context.maximum_version = version
        context.set_alpn_protocols(['h2', 'http/1.1'])
        with e.connect_tls(context) as s:
            assert s.selected_alpn_protocol() == 'http/1.1'
            s.sendall(b'GET /quick HTTP/1.1\r\nHost: a\r\n\r\n')
            assert read_answer(s.makefile('rb'))[0] == 200
    context = insecure()
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # we know
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers('ALL:@SECLEVEL=0')
    with pytest.raises(ssl.SSLError):
        e.connect_tls(context)
    assert e.metrics()['handshakes_failed'] == 1


def test_tls_sessions_are_resumed(engine):
    e = engine(tls=True)
    context = insecure()
    with e.connect_tls(context) as s:
        s.sendall(b'GET /quick HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
        read_all(s)
        session = s.session
    with e.connect_tls(context, session) as s:
        assert s.session_reused


def test_tls_reload_keeps_connections(engine, tmp_path):
    e = engine(tls=True)
    s = e.connect_tls()
    f = s.makefile('rb')
    before = s.getpeercert(True)
    make_certificate(tmp_path, 'second')
    e.process.send_signal(signal.SIGHUP)
    for _ in range(100):
        with e.connect_tls() as other:
            after = other.getpeercert(True)
        if after != before:
            break
        time.sleep(0.02)
    assert after != before
    (tmp_path / 'key.pem').write_text('not a key')  # a reload that fails keeps what there was
    e.process.send_signal(signal.SIGHUP)
    time.sleep(0.1)
    with e.connect_tls() as other:
        assert other.getpeercert(True) == after
    s.sendall(b'GET /quick HTTP/1.1\r\nHost: a\r\n\r\n')
    assert read_answer(f)[0] == 200


def test_tls_large_bodies_arrive_whole(engine):
    e = engine(tls=True)
    body = os.urandom(2000000)
    with e.connect_tls() as s:
        f = s.makefile('rb')
        for _ in range(3):
            s.sendall(b'PUT /digest/65536 HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n' % len(body) + body
                      + b'GET /bytes/3 HTTP/1.1\r\nHost: a\r\n\r\n')
            assert read_answer(f)[2].decode() == f'{len(body)} {hashlib.sha256(body).hexdigest()}\n'
            assert read_answer(f)[2] == b'bbb'


def test_handshakes_that_never_end_are_cut(engine):
    e = engine(tls=True, head_ms=200)
    with socket.create_connection(('127.0.0.1', e.tls_port), timeout=5) as s:
        s.sendall(b'\x16\x03\x01')
        assert s.recv(1) == b''


def test_idle_connections_are_small(engine):
    program = SERVER.read_bytes()
    if b'__tsan_init' in program or b'__asan_init' in program:
        pytest.skip('a sanitizer has memory of its own')
    e = engine(per_address=3000)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    resource.prlimit(e.process.pid, resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    before = e.rss_kb()
    held = []
    for _ in range(1000):
        s = e.connect()
        s.sendall(b'GET /quick HTTP/1.1\r\nHost: a\r\n\r\n')
        held.append(s)
    for s in held:
        assert len(s.recv(4096)) > 1000
    assert (e.rss_kb() - before) / 1000 < 1.0  # kB each
    for s in held:
        s.close()
